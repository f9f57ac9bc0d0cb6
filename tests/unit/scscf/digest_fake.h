/* SPDX-License-Identifier: BSD-3-Clause
 * A user of SIP Digest in the world of reg_fake.h: its SD-AV from the HSS, its answers to challenges. */
#pragma once

#include "reg_fake.h"

#define PASSWORD "correct horse 7!"

struct phone {
        const char *impi, *password, *realm; /* NULL: the usual ones */
        enum digest_algorithm algorithm;
        char nonce[64]; /* of the last challenge, or what the test says */
        unsigned nc;    /* of the last answer */
        unsigned cseq;
};

static inline void sd_item(const struct phone *p, char ha1[static DIGEST_HEX_MAX], struct cx_auth_item *item)
{
        struct span realm = span_of(p->realm ? p->realm : DOMAIN);

        assert_int_equal(digest_ha1(p->algorithm, span_of(p->impi ? p->impi : IMPI), realm,
                                    span_of(p->password ? p->password : PASSWORD), ha1),
                         0);
        *item = (struct cx_auth_item){.scheme = SPAN(CX_SCHEME_DIGEST)};
        item->digest.present = true;
        item->digest.realm = realm;
        item->digest.algorithm = span_of(digest_algorithm_name(p->algorithm));
        item->digest.qop = SPAN("auth");
        item->digest.ha1 = span_of(ha1);
}

/* Answers the oldest open MAR with this SD-AV, as the HSS has it. */
static inline void give_sd_item(struct world *w, const struct cx_auth_item *item)
{
        struct cx_maa *a = calloc(1, sizeof(*a));

        a->h.result = dia_base(DIA_SUCCESS);
        a->h.origin_host = span_of(w->hss ? w->hss : "hss." DOMAIN);
        a->n = item ? 1 : 0;
        if (item)
                a->items[0] = *item;
        for (size_t i = 0; i < w->n_cx; i++) {
                struct fake_cx *c = &w->cx[i];
                void *arg = c->arg;

                if (!arg || c->is_sar)
                        continue;
                c->arg = NULL;
                c->maa(0, a, arg);
                free(a);
                return;
        }
        free(a);
        fail_msg("no MAR is open");
}

static inline void give_sd_av(struct world *w, const struct phone *p)
{
        struct cx_auth_item item;
        char ha1[DIGEST_HEX_MAX];

        sd_item(p, ha1, &item);
        give_sd_item(w, &item);
}

/* A parameter of a challenge or of Authentication-Info, without its quotes. */
static inline void field_param(const char *value, bool with_scheme, const char *name, char *out, size_t size)
{
        const struct span *v;
        struct sip_auth a;

        assert_non_null(value);
        assert_int_equal(sip_auth_parse(span_of(value), with_scheme, &a), 0);
        v = sip_auth_get(&a, name);
        put(out, size, v ? *v : SPAN(""));
}

static inline void www_param(const struct world *w, const char *name, char *out, size_t size)
{
        field_param(reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0), true, name, out, size);
}

static inline void info_param(const struct world *w, const char *name, char *out, size_t size)
{
        field_param(reply_field(last_reply(w), SIP_HDR_AUTHENTICATION_INFO, 0), false, name, out, size);
}

/* The 401 that came: its nonce is what the phone answers next. */
static inline void take_challenge(const struct world *w, struct phone *p)
{
        assert_int_equal(last_reply(w)->status, 401);
        www_param(w, "nonce", p->nonce, sizeof(p->nonce));
        assert_int_equal(strlen(p->nonce), 24);
        p->nc = 0;
}

/* "response" over the phone's nonce and count. */
static inline void phone_response(const struct phone *p, const char *method, char out[static DIGEST_HEX_MAX])
{
        struct digest_input in = {.algorithm = p->algorithm,
                                  .method = span_of(method),
                                  .uri = SPAN("sip:" DOMAIN),
                                  .nonce = span_of(p->nonce),
                                  .qop = SPAN("auth"),
                                  .cnonce = SPAN("abc")};
        char ha1[DIGEST_HEX_MAX], nc[16];

        assert_int_equal(digest_ha1(p->algorithm, span_of(p->impi ? p->impi : IMPI),
                                    span_of(p->realm ? p->realm : DOMAIN),
                                    span_of(p->password ? p->password : PASSWORD), ha1),
                         0);
        snprintf(nc, sizeof(nc), "%08x", p->nc);
        in.nc = span_of(nc);
        in.ha1 = span_of(ha1);
        assert_int_equal(digest_response(&in, out), 0);
}

/* A REGISTER without an answer: no response in it. */
static inline void phone_begins(struct world *w, struct phone *p, struct reg_text t)
{
        t.impi = t.impi ? t.impi : p->impi;
        t.cseq = ++p->cseq;
        world_register(w, &t);
}

/* The REGISTER that answers with the next nonce count. */
static inline struct sip_request *phone_answer(struct world *w, struct phone *p, struct reg_text t)
{
        char response[DIGEST_HEX_MAX], more[128];

        p->nc++;
        phone_response(p, "REGISTER", response);
        snprintf(more, sizeof(more), ",algorithm=%s,qop=auth,nc=%08x,cnonce=\"abc\"",
                 digest_algorithm_name(p->algorithm), p->nc);
        t.impi = t.impi ? t.impi : p->impi;
        t.nonce = t.nonce ? t.nonce : p->nonce;
        t.response = t.response ? t.response : response;
        t.more = t.more ? t.more : more;
        t.cseq = ++p->cseq;
        return world_request(w, &t);
}

static inline void phone_answers(struct world *w, struct phone *p, struct reg_text t)
{
        registrar_register(&w->reg, phone_answer(w, p, t));
}

/* Registers alice. */
static inline void phone_attach(struct world *w, struct phone *p, struct reg_text t)
{
        phone_begins(w, p, (struct reg_text){.integrity = NULL});
        if (open_cx(w))
                give_sd_av(w, p);
        take_challenge(w, p);
        phone_answers(w, p, t);
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(last_reply(w)->status, 200);
}
