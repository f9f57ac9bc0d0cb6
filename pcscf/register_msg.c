/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER on its way in and out of a P-CSCF. TS 24.229 5.2.2, TS 33.203 6.1.1, 6.1.5 and P.3,
 * PKT-TR-SEC 6.1. */
#include "pcscf/register_msg.h"

#include "common/base/codec.h"
#include "common/sip/auth_param.h"
#include "common/sip/grammar.h"
#include "common/sip/msg_lex.h"

/* --- reading the request -------------------------------------------------------------------------- */

static struct span unquoted(struct span v)
{
        return v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"' ? span_sub(v, 1, v.n - 1) : v;
}

/* Header parameter of a contact value; false when absent. */
static bool contact_param(struct span value, const char *name, struct span *out)
{
        struct span uri, params, n, v;
        struct sip_lex l;

        if (sip_lex_name_addr(value, &uri, &params))
                return false;
        l = sip_lex_of(params);
        while (sip_lex_param(&l, &n, &v) > 0)
                if (span_ieq(n, span_of(name))) {
                        *out = v;
                        return true;
                }
        return false;
}

static bool uri_has_param(struct span uri, struct span name)
{
        struct span part, rest = uri;
        bool first = true;

        while (span_split(&rest, ';', &part)) {
                ptrdiff_t eq = span_chr(part, '=', 0);

                if (!first && span_ieq(eq < 0 ? part : span_sub(part, 0, (size_t)eq), name))
                        return true;
                first = false;
        }
        return false;
}

/* The contact that counts of several: the first that is not taken away by expires=0 beside one that stays. */
static struct span main_contact(const struct sip_msg *m)
{
        struct sip_value_iter it = {0};
        struct span value, v;
        uint32_t s;

        while (sip_msg_next_value(m, SIP_HDR_CONTACT, &it, &value))
                if (!contact_param(value, "expires", &v) || span_u32(v, UINT32_MAX, &s) || s > 0)
                        return value;
        return sip_msg_value(m, SIP_HDR_CONTACT);
}

static int read_contact(const struct sip_msg *m, struct reg_facts *f, const char **why)
{
        struct span value = main_contact(m), v;
        struct span expires = sip_msg_value(m, SIP_HDR_EXPIRES);

        if (expires.n && span_u32(expires, UINT32_MAX - 1, &f->expires_s)) {
                *why = "Malformed Expires";
                return -IMS_EPARSE;
        }
        f->star = span_eq(value, SPAN("*"));
        if (!value.n || f->star)
                return 0;
        f->contact = sip_addr_spec(value);
        if (!f->contact.n) {
                *why = "Malformed Contact";
                return -IMS_EPARSE;
        }
        if (contact_param(value, "expires", &v) && span_u32(v, UINT32_MAX - 1, &f->expires_s)) {
                *why = "Malformed Contact";
                return -IMS_EPARSE;
        }
        if (contact_param(value, "+sip.instance", &v))
                f->instance = unquoted(v);
        if (contact_param(value, "reg-id", &v) && span_u32(v, INT32_MAX, &f->reg_id)) {
                *why = "Malformed Contact";
                return -IMS_EPARSE;
        }
        f->sos = uri_has_param(f->contact, SPAN("sos"));
        return 0;
}

/* RFC 5626 4.2.1, 5.1: the UE says so, and no other hop stands between. */
static bool is_outbound(const struct sip_msg *m, const struct reg_facts *f)
{
        struct sip_value_iter it = {0};
        struct span v;

        return f->reg_id && f->instance.n && sip_msg_has_token(m, SIP_HDR_SUPPORTED, SPAN("outbound")) &&
               sip_msg_next_value(m, SIP_HDR_VIA, &it, &v) && !sip_msg_next_value(m, SIP_HDR_VIA, &it, &v);
}

static int read_authorization(const struct sip_msg *m, struct reg_facts *f, const char **why)
{
        const struct sip_hdr *h;

        for (size_t i = 0; (h = sip_digest_line(m, SIP_HDR_AUTHORIZATION, i)) != NULL; i++) {
                const struct span *v;
                struct sip_auth a;

                if (sip_auth_parse(h->value, true, &a)) {
                        *why = "Malformed Authorization";
                        return -IMS_EPARSE;
                }
                if (f->has_authorization)
                        continue;
                f->has_authorization = true;
                if ((v = sip_auth_get(&a, "username")) != NULL)
                        f->impi = *v;
                if ((v = sip_auth_get(&a, "response")) != NULL)
                        f->has_response = v->n > 0;
                f->has_auts = sip_auth_get(&a, "auts") != NULL;
                if ((v = sip_auth_get(&a, "nonce")) != NULL)
                        f->nonce = *v;
                if ((v = sip_auth_get(&a, "algorithm")) != NULL) {
                        f->algorithm = true;
                        f->aka = span_istarts(*v, SPAN("AKA"));
                }
        }
        return 0;
}

static void read_sec_agree(const struct sip_msg *m, struct reg_facts *f)
{
        struct sip_value_iter it = {0};
        struct span v, name, mode;

        f->wants_sec_agree = sip_msg_has_token(m, SIP_HDR_REQUIRE, SPAN("sec-agree")) ||
                             sip_msg_has_token(m, SIP_HDR_PROXY_REQUIRE, SPAN("sec-agree"));
        f->supports_sec_agree = sip_msg_has_token(m, SIP_HDR_SUPPORTED, SPAN("sec-agree"));
        while (sip_msg_next_value(m, SIP_HDR_SECURITY_CLIENT, &it, &v)) {
                struct sip_lex l = sip_lex_of(v);
                struct span mechanism = sip_lex_token(&l);
                bool ipsec = span_ieq(mechanism, SPAN("ipsec-3gpp"));

                f->has_security_client = true;
                f->offers_tls |= span_ieq(mechanism, SPAN("tls"));
                f->offers_ipsec |= ipsec;
                while (ipsec && sip_lex_param(&l, &name, &mode) > 0)
                        f->offers_udp_enc_tun |=
                                span_ieq(name, SPAN("mod")) && span_ieq(mode, SPAN("UDP-enc-tun"));
        }
}

int reg_facts_read(const struct sip_msg *m, struct reg_facts *f, const char **why)
{
        const struct sip_hdr *to = sip_msg_hdr(m, SIP_HDR_TO, 0);
        int err;

        *f = (struct reg_facts){.aor = BUF_INIT, .expires_s = UINT32_MAX};
        *why = "Malformed To";
        err = to ? sip_uri_canonical(sip_addr_spec(to->value), &f->aor) : -IMS_EPARSE;
        if (err)
                return err;
        err = read_contact(m, f, why);
        if (!err)
                err = read_authorization(m, f, why);
        if (!err)
                read_sec_agree(m, f);
        f->outbound = is_outbound(m, f);
        return err;
}

void reg_facts_free(struct reg_facts *f)
{
        buf_free(&f->aor);
}

/* --- the request on its way ----------------------------------------------------------------------- */

const char *reg_integrity(const struct reg_facts *f, enum access_type access)
{
        if (!f->has_authorization)
                return NULL;
        return access == ACCESS_3GPP || f->offers_ipsec || f->aka ? "no" : NULL;
}

static const char *const integrity_name[] = {"integrity-protected", NULL};

/* Whatever the UE wrote there is removed (P.3); the first Digest credentials get our own observation. */
static void edit_authorization(struct sip_edit *e, const char *integrity)
{
        bool first = true;

        for (size_t i = 0;; i++) {
                const struct sip_hdr *h = sip_msg_hdr(e->msg, SIP_HDR_AUTHORIZATION, i);
                struct buf b = BUF_INIT;
                struct sip_auth a;

                if (!h)
                        return;
                if (sip_auth_parse(h->value, true, &a)) {
                        sip_edit_remove(e, h); /* refused before; nothing unread goes on */
                        continue;
                }
                sip_auth_write_without(&a, integrity_name, &b);
                if (first && integrity && span_ieq(a.scheme, SPAN("Digest"))) {
                        sip_auth_add(&b, integrity_name[0], span_of(integrity), true);
                        first = false;
                }
                if (b.err && !e->err)
                        e->err = b.err;
                if (!span_eq(buf_as_span(&b), h->value))
                        sip_edit_replace(e, h, buf_as_span(&b));
                buf_free(&b);
        }
}

/* Names and addresses only the network may state, and routes only the network may set. */
static void remove_untrusted(struct sip_edit *e)
{
        static const enum sip_hdr_id ids[] = {
                SIP_HDR_ROUTE,
                SIP_HDR_PATH,
                SIP_HDR_SERVICE_ROUTE,
                SIP_HDR_RECORD_ROUTE,
                SIP_HDR_SECURITY_CLIENT,
                SIP_HDR_SECURITY_VERIFY,
                SIP_HDR_SECURITY_SERVER,
                SIP_HDR_P_ASSERTED_IDENTITY,
                SIP_HDR_P_PREFERRED_IDENTITY,
                SIP_HDR_P_ASSOCIATED_URI,
                SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES,
        };

        for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
                sip_edit_remove_all(e, ids[i]);
        sip_edit_remove_token(e, SIP_HDR_REQUIRE, SPAN("sec-agree"));
        sip_edit_remove_token(e, SIP_HDR_PROXY_REQUIRE, SPAN("sec-agree"));
}

/* The UE offers keep-alives by "keep" without a value in its Via; ours is in the Via that every answer brings
 * back. RFC 6223 4.2. */
static void edit_keep(struct sip_edit *e, uint32_t keep_s)
{
        const struct sip_hdr *h = sip_msg_hdr(e->msg, SIP_HDR_VIA, 0);
        struct span first = h ? span_sub(h->value, 0, sip_lex_value_end(h->value)) : SPAN_NULL, part;
        struct span rest = first;
        struct buf b = BUF_INIT;
        size_t at = 0;

        while (keep_s && !at && span_split(&rest, ';', &part))
                if (span_ieq(span_trim(part), SPAN("keep")))
                        at = (size_t)(part.p - h->value.p) + part.n;
        if (!at)
                return;
        buf_span(&b, span_trim(span_sub(h->value, 0, at)));
        buf_printf(&b, "=%u", keep_s);
        buf_span(&b, span_sub(h->value, at, h->value.n));
        if (b.err && !e->err)
                e->err = b.err;
        sip_edit_replace(e, h, buf_as_span(&b));
        buf_free(&b);
}

void reg_edit_request(struct sip_edit *e, const struct reg_facts *f, const struct reg_marks *k)
{
        struct buf quoted = BUF_INIT;

        remove_untrusted(e);
        edit_keep(e, k->keep_s);
        edit_authorization(e, f->has_authorization ? k->integrity : NULL);
        sip_edit_insert(e, SIP_HDR_PATH, k->path);
        if (!sip_msg_has_token(e->msg, SIP_HDR_REQUIRE, SPAN("path")))
                sip_edit_append(e, SIP_HDR_REQUIRE, SPAN("path"));
        buf_char(&quoted, '"');
        buf_span(&quoted, k->visited_network);
        buf_char(&quoted, '"');
        if (quoted.err && !e->err)
                e->err = quoted.err;
        sip_edit_set(e, SIP_HDR_P_VISITED_NETWORK_ID, buf_as_span(&quoted));
        buf_free(&quoted);
        sip_edit_set(e, SIP_HDR_P_CHARGING_VECTOR, k->charging_vector);
        pani_register(e, k->pani_aware, k->access, f->has_authorization);
}

/* --- the answers ---------------------------------------------------------------------------------- */

static void take_keys(const struct sip_auth *a, struct reg_keys *out)
{
        const struct span *ik = sip_auth_get(a, "ik"), *ck = sip_auth_get(a, "ck");

        if (out->have || !ik || !ck)
                return;
        out->have = hex_decode(*ik, out->ik.b, sizeof(out->ik.b)) == 0 &&
                    hex_decode(*ck, out->ck.b, sizeof(out->ck.b)) == 0;
        if (!out->have)
                secret_wipe(out, sizeof(*out));
}

static void edit_challenges(struct sip_edit *e, enum sip_hdr_id id, struct reg_keys *out)
{
        static const char *const drop[] = {"ik", "ck", NULL};

        for (size_t i = 0;; i++) {
                const struct sip_hdr *h = sip_msg_hdr(e->msg, id, i);
                struct buf b = BUF_INIT;
                struct sip_auth a;

                if (!h)
                        return;
                if (sip_auth_parse(h->value, true, &a)) {
                        sip_edit_remove(e, h); /* it may hold keys that were not found */
                        continue;
                }
                if (!sip_auth_get(&a, "ik") && !sip_auth_get(&a, "ck"))
                        continue;
                take_keys(&a, out);
                sip_auth_write_without(&a, drop, &b);
                if (b.err && !e->err)
                        e->err = b.err;
                sip_edit_replace(e, h, buf_as_span(&b));
                buf_free(&b);
        }
}

void reg_edit_challenge(struct sip_edit *e, struct reg_keys *out)
{
        *out = (struct reg_keys){0};
        edit_challenges(e, SIP_HDR_WWW_AUTHENTICATE, out);
        edit_challenges(e, SIP_HDR_PROXY_AUTHENTICATE, out);
}

enum reg_scheme reg_challenge_scheme(const struct sip_msg *resp)
{
        enum reg_scheme scheme = REG_SCHEME_NONE;
        const struct sip_hdr *h;

        for (size_t i = 0; (h = sip_digest_line(resp, SIP_HDR_WWW_AUTHENTICATE, i)) != NULL; i++) {
                const struct span *v;
                struct sip_auth a;

                if (sip_auth_parse(h->value, true, &a))
                        continue; /* it does not go to the UE */
                v = sip_auth_get(&a, "algorithm");
                if ((v && span_istarts(*v, SPAN("AKA"))) ||
                    (sip_auth_get(&a, "ik") && sip_auth_get(&a, "ck")))
                        return REG_SCHEME_AKA;
                scheme = REG_SCHEME_DIGEST;
        }
        return scheme;
}

void reg_edit_answer(struct sip_edit *e)
{
        sip_edit_remove_all(e, SIP_HDR_P_CHARGING_VECTOR);
        sip_edit_remove_all(e, SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES);
}

static void join_values(const struct sip_msg *m, enum sip_hdr_id id, struct buf *out)
{
        struct sip_value_iter it = {0};
        struct span v;

        while (sip_msg_next_value(m, id, &it, &v)) {
                if (out->n)
                        buf_puts(out, ", ");
                buf_span(out, v);
        }
}

/* The contact of an answer that is the one the UE registered, or an empty span. */
static struct span contact_in(const struct sip_msg *resp, struct span contact)
{
        struct sip_value_iter it = {0};
        struct span v;

        while (sip_msg_next_value(resp, SIP_HDR_CONTACT, &it, &v)) {
                struct span uri = sip_addr_spec(v);

                if (span_eq(uri, contact) || sip_uri_equal(uri, contact))
                        return v;
        }
        return SPAN_NULL;
}

bool reg_answer_lists(const struct sip_msg *resp, struct span contact)
{
        return contact_in(resp, contact).n > 0;
}

/* RFC 3261 10.2.4: the expires parameter of the contact, else the Expires field, else what was asked. */
static uint32_t granted_expires(const struct sip_msg *resp, const struct reg_facts *f)
{
        struct span value = f->contact.n ? contact_in(resp, f->contact) : SPAN_NULL, v;
        uint32_t s;

        if (!value.n)
                return 0;
        if (contact_param(value, "expires", &v) && !span_u32(v, UINT32_MAX - 1, &s))
                return s;
        v = sip_msg_value(resp, SIP_HDR_EXPIRES);
        if (v.n && !span_u32(v, UINT32_MAX - 1, &s))
                return s;
        return f->expires_s == UINT32_MAX ? 3600 : f->expires_s;
}

int reg_grant_read(const struct sip_msg *resp, const struct reg_facts *f, struct reg_grant *g)
{
        struct sip_value_iter it = {0};
        struct span v;

        *g = (struct reg_grant){.expires_s = granted_expires(resp, f)};
        while (sip_msg_next_value(resp, SIP_HDR_P_ASSOCIATED_URI, &it, &v)) {
                struct span uri = sip_addr_spec(v);

                if (!uri.n)
                        continue;
                buf_span(&g->impus, uri);
                buf_char(&g->impus, '\0');
        }
        if (!g->impus.n) { /* none told: the IMPU that was registered */
                buf_span(&g->impus, buf_as_span(&f->aor));
                buf_char(&g->impus, '\0');
        }
        join_values(resp, SIP_HDR_SERVICE_ROUTE, &g->service_route);
        join_values(resp, SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES, &g->charging);
        return g->impus.err || g->service_route.err || g->charging.err ? -IMS_ENOMEM : 0;
}

void reg_grant_free(struct reg_grant *g)
{
        buf_free(&g->impus);
        buf_free(&g->service_route);
        buf_free(&g->charging);
}
