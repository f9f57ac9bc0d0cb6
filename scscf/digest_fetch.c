/* SPDX-License-Identifier: BSD-3-Clause
 * MAR for the H(A1) of a registration that came back without it (restore.c). The specification has vectors
 * fetched for REGISTER alone, because the S-CSCF keeps that of the registration (N.2.1.2 NOTE 1b); this is
 * how one that has lost it keeps it again. Of a registered user MAR changes nothing in the HSS (TS 29.228
 * 6.3.1). */
#include "scscf/digest_fetch.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "scscf/waiting.h"

#define CLAUSE "TS 33.203 N.2.1.2"

struct digest_fetch {
        struct registrar *reg;
        struct user *user;
        struct dia_txn *txn;
        struct list held;
        size_t n;
};

struct held {
        struct list node;
        struct waiting waiting;
        struct digest_fetch *fetch;
        digest_fetch_fn *fn;
        void *arg;
};

/* --- the end --------------------------------------------------------------------------------------- */

/* Takes the fetch from its user; nothing is asked any more. */
static struct digest_fetch *take(struct user *u)
{
        struct digest_fetch *f = u->fetch;

        if (!f)
                return NULL;
        u->fetch = NULL;
        if (f->txn)
                f->reg->port.cancel(f->reg->arg, f->txn);
        f->txn = NULL;
        return f;
}

static struct sip_request *release(struct held *h)
{
        struct sip_request *rq = waiting_end(&h->waiting);

        list_unlink(&h->node);
        free(h);
        return rq;
}

/* MAR goes on: its answer serves the next request. */
static void on_cancel(struct waiting *w)
{
        struct held *h = container_of(w, struct held, waiting);

        h->fetch->n--;
        (void)release(h);
}

/* Who waits goes on, in the order they came. Accepts NULL. */
static void go_on(struct digest_fetch *f, const struct reg_cx_fault *why, struct span evidence)
{
        struct digest_fetched out = {.why = why, .evidence = evidence};

        if (!f)
                return;
        out.user = f->user;
        list_for_each_safe(n, tmp, &f->held)
        {
                struct held *h = container_of(n, struct held, node);
                digest_fetch_fn *fn = h->fn;
                void *arg = h->arg;

                fn(release(h), &out, arg);
        }
        free(f);
}

void digest_fetch_served(struct user *u)
{
        go_on(take(u), NULL, SPAN_NULL);
}

void digest_fetch_end(struct user *u)
{
        const struct reg_cx_fault why = {VERDICT_REFUSED, CAUSE_not_registered, 403, CLAUSE};

        go_on(take(u), &why, SPAN("the registration ended while H(A1) was fetched"));
}

void digest_fetch_clear(struct user *u)
{
        struct digest_fetch *f = take(u);

        if (!f)
                return;
        list_for_each_safe(n, tmp, &f->held)
        {
                struct sip_request *rq = release(container_of(n, struct held, node));

                f->reg->port.reply(f->reg->arg, rq, 503, NULL, NULL, 0);
        }
        free(f);
}

/* --- MAR ------------------------------------------------------------------------------------------- */

static void on_maa(int err, const struct cx_maa *a, void *arg)
{
        struct digest_fetch *f = arg;
        struct user *u = f->user;
        struct log_ctx before = log_ctx_set((struct log_ctx){.impi = user_impi(u)});
        struct reg_cx_fault why = {VERDICT_FAILED, CAUSE_hss_error, 500, "TS 29.228 6.3"};
        struct buf evidence = BUF_INIT;
        const char *text = NULL;
        int rc = 0;

        f->txn = NULL;
        if (digest_has_key(u->digest)) {
                log_info("H(A1) came by other means meanwhile"); /* and is not older than this one */
        } else if (err < 0 || !dia_result_ok(a->h.result)) {
                why = reg_cx_fault("MAR", err, a ? &a->h : NULL, &evidence);
                rc = -IMS_ENOTFOUND;
        } else {
                reg_cx_learn(f->reg, u, &a->h);
                rc = digest_take(f->reg, u, a, &text);
                if (rc == -IMS_ENOMEM)
                        why = (struct reg_cx_fault){VERDICT_FAILED, CAUSE_overload, 503, "RFC 3261 21.5.4"};
                if (rc < 0)
                        buf_printf(&evidence, "MAA: %s", text);
        }
        take(u);
        go_on(f, rc < 0 ? &why : NULL, buf_as_span(&evidence));
        buf_free(&evidence);
        log_ctx_set(before);
}

static int ask(struct registrar *r, struct user *u, struct span impu)
{
        struct digest_fetch *f = calloc(1, sizeof(*f));
        struct cx_mar m = {.impi = user_impi(u),
                           .impu = impu,
                           .server_name = span_of(r->conf->name),
                           .n_items = 1,
                           .item.scheme = SPAN(CX_SCHEME_DIGEST)};
        int rc;

        if (!f)
                return -IMS_ENOMEM;
        *f = (struct digest_fetch){.reg = r, .user = u};
        list_init(&f->held);
        reg_cx_host(u, &m.h);
        rc = r->port.mar(r->arg, &m, on_maa, f, &f->txn);
        if (rc < 0) {
                free(f);
                return rc;
        }
        u->fetch = f;
        return 0;
}

int digest_fetch(struct registrar *r, struct user *u, struct span impu, struct sip_request *rq,
                 digest_fetch_fn *fn, void *arg)
{
        struct held *h;
        int rc = 0;

        if (u->fetch && u->fetch->n >= DIGEST_FETCH_MAX)
                return -IMS_ELIMIT;
        h = malloc(sizeof(*h));
        if (!h)
                return -IMS_ENOMEM;
        if (!u->fetch)
                rc = ask(r, u, impu);
        if (rc < 0) {
                free(h);
                return rc;
        }
        *h = (struct held){.fetch = u->fetch, .fn = fn, .arg = arg};
        waiting_begin(&h->waiting, rq, on_cancel);
        list_append(&u->fetch->held, &h->node);
        u->fetch->n++;
        return 0;
}
