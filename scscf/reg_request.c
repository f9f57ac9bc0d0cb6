/* SPDX-License-Identifier: BSD-3-Clause
 * Reading a REGISTER: identities, credentials, contacts. */
#include "scscf/reg_request.h"

#include "common/cscf/home_domain.h"
#include "common/sip/auth_param.h"
#include "common/sip/grammar.h"

static int refuse(struct reg_refusal *why, int status, enum verdict_cause cause, const char *reason,
                  struct span evidence)
{
        *why = (struct reg_refusal){.status = status,
                                    .reason = status == 400 ? reason : NULL,
                                    .cause = cause,
                                    .clause = "RFC 3261 10.3",
                                    .evidence = evidence};
        if (evidence.n == 0)
                why->evidence = span_of(reason);
        return -IMS_EPARSE;
}

static struct span param(const struct sip_auth *a, const char *name)
{
        const struct span *v = sip_auth_get(a, name);

        return v ? *v : SPAN_NULL;
}

/* Escapes in what is hashed or compared would have to be undone first; no UE needs them (a NAI and a domain
 * hold none). */
static bool has_escape(const struct sip_digest_credentials *a)
{
        return span_chr(a->username, '\\', 0) >= 0 || span_chr(a->realm, '\\', 0) >= 0 ||
               span_chr(a->uri, '\\', 0) >= 0 || span_chr(a->cnonce, '\\', 0) >= 0;
}

/* Authorization: credentials and integrity-protected. */
static int read_auth(const struct sip_msg *m, struct reg_request *out, struct reg_refusal *why)
{
        const struct sip_hdr *h = sip_digest_line(m, SIP_HDR_AUTHORIZATION, 0);
        struct sip_digest_credentials *a = &out->auth;
        struct sip_auth p;

        scheme_read_access(m, &out->scheme);
        if (!h)
                return 0;
        if (sip_digest_line(m, SIP_HDR_AUTHORIZATION, 1))
                return refuse(why, 400, CAUSE_malformed, "More Than One Authorization", SPAN_NULL);
        if (sip_auth_parse(h->value, true, &p) < 0)
                return refuse(why, 400, CAUSE_malformed, "Malformed Authorization", SPAN_NULL);
        out->scheme.has_authorization = true;
        out->scheme.has_integrity = sip_auth_get(&p, "integrity-protected") != NULL;
        out->scheme.integrity = param(&p, "integrity-protected");
        out->protected_ = span_ieq(out->scheme.integrity, SPAN("yes"));
        out->has_auts = sip_auth_get(&p, "auts") != NULL;
        out->auts = param(&p, "auts");
        *a = sip_digest_credentials_of(&p);
        out->scheme.algorithm = a->algorithm;
        if (has_escape(a))
                return refuse(why, 400, CAUSE_malformed, "Malformed Authorization", SPAN_NULL);
        if (a->username.n == 0)
                return refuse(why, 400, CAUSE_malformed, "Authorization Without Username", SPAN_NULL);
        out->impi = a->username;
        return 0;
}

/* The host of a canonical "sip:user@host". */
static struct span host_of(struct span impu)
{
        ptrdiff_t at = span_chr(impu, '@', 0);

        return at < 0 ? span_sub(impu, 4, impu.n) : span_sub(impu, (size_t)at + 1, impu.n);
}

/* To is the IMPU to be registered; Authorization the IMPI, or it follows from the IMPU (P.6). */
static int read_identities(const struct sip_msg *m, const struct scscf_conf *conf, struct reg_request *out,
                           struct reg_refusal *why)
{
        struct span to = sip_addr_spec(sip_msg_value(m, SIP_HDR_TO));
        size_t impu_n;

        if (to.n == 0 || sip_uri_canonical(to, &out->text) < 0)
                return out->text.err ? -IMS_ENOMEM : refuse(why, 400, CAUSE_malformed, "Malformed To", to);
        impu_n = out->text.n;
        out->impu = span_make(out->text.p, impu_n);
        if (span_istarts(out->impu, SPAN("sip:")) &&
            !is_home_domain(&conf->home_domains, host_of(out->impu))) {
                refuse(why, 403, CAUSE_wrong_network, "To names another domain", to);
                why->clause = "TS 24.229 5.4.1.2.1";
                return -IMS_EPARSE;
        }
        if (out->impi.n) {
                out->foreign_realm = !is_home_domain(&conf->home_domains, out->auth.realm);
                return 0;
        }
        if (sip_impi_from_impu(out->impu, &out->text) < 0)
                return out->text.err ? -IMS_ENOMEM : refuse(why, 400, CAUSE_malformed, "Malformed To", to);
        out->impu = span_make(out->text.p, impu_n);
        out->impi = span_make(out->text.p + impu_n, out->text.n - impu_n);
        return 0;
}

/* Path of all lines as one list. */
static int read_path(const struct sip_msg *m, struct reg_request *out)
{
        struct sip_value_iter it = {0};
        size_t start = out->text.n, impu_n = out->impu.n;
        bool impi_in_text = out->impi.p >= out->text.p && out->impi.p < out->text.p + out->text.n;
        struct span v;

        out->origin.path = SPAN_NULL;
        if (sip_msg_hdr(m, SIP_HDR_PATH, 0) && !sip_msg_hdr(m, SIP_HDR_PATH, 1)) {
                out->origin.path = sip_msg_hdr(m, SIP_HDR_PATH, 0)->value;
                return 0;
        }
        while (sip_msg_next_value(m, SIP_HDR_PATH, &it, &v)) {
                if (out->text.n > start)
                        buf_puts(&out->text, ", ");
                buf_span(&out->text, v);
        }
        if (out->text.err)
                return -IMS_ENOMEM;
        /* The text may have moved. */
        out->impu = span_make(out->text.p, impu_n);
        if (impi_in_text)
                out->impi = span_make(out->text.p + impu_n, out->impi.n);
        out->origin.path = span_make(out->text.p + start, out->text.n - start);
        return 0;
}

/* Extensions the request insists on (RFC 3261 8.2.2.3). */
static int check_require(const struct sip_msg *m, struct reg_refusal *why)
{
        struct sip_value_iter it = {0};
        struct span v;

        while (sip_msg_next_value(m, SIP_HDR_REQUIRE, &it, &v)) {
                if (span_ieq(v, SPAN("path")))
                        continue;
                refuse(why, 420, CAUSE_bad_extension, "Require", v);
                why->clause = "RFC 3261 8.2.2.3";
                return -IMS_EPARSE;
        }
        return 0;
}

static void read_visited(const struct sip_msg *m, const struct scscf_conf *conf, struct reg_request *out)
{
        struct span v = span_trim(sip_msg_value(m, SIP_HDR_P_VISITED_NETWORK_ID));

        if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
                v = span_sub(v, 1, v.n - 1);
        out->visited_home = v.n == 0 || is_home_domain(&conf->home_domains, v);
}

static int read_contacts(const struct sip_msg *m, const struct scscf_conf *conf, struct reg_request *out,
                         struct reg_refusal *why)
{
        const char *text = NULL;
        int rc = contact_ops_read(m, conf, &out->contacts, &text);

        if (rc == -IMS_ELIMIT) {
                refuse(why, 403, CAUSE_too_many_contacts,
                       "the REGISTER holds more than registration.max_contacts", SPAN_NULL);
                why->clause = "TS 24.229 5.4.1.2.2F";
                return -IMS_EPARSE;
        }
        if (rc < 0)
                return refuse(why, 400, CAUSE_malformed, text, SPAN_NULL);
        if (out->contacts.brief)
                return refuse(why, 423, CAUSE_interval_too_brief, "below registration.min_expires",
                              SPAN_NULL);
        return 0;
}

int reg_request_read(const struct sip_msg *m, const struct scscf_conf *conf, struct reg_request *out,
                     struct reg_refusal *why)
{
        int rc;

        *out = (struct reg_request){.msg = m};
        *why = (struct reg_refusal){0};
        out->origin.call_id = m->call_id;
        out->origin.cseq = m->cseq;
        rc = read_auth(m, out, why);
        if (rc == 0)
                rc = read_identities(m, conf, out, why);
        if (rc == 0)
                rc = check_require(m, why);
        if (rc == 0)
                rc = read_path(m, out);
        if (rc == 0)
                rc = read_contacts(m, conf, out, why);
        if (rc == 0)
                read_visited(m, conf, out);
        return rc;
}

void reg_request_clear(struct reg_request *r)
{
        buf_free(&r->text);
}

enum verdict_procedure reg_request_procedure(const struct reg_request *r, bool registered)
{
        bool adds = false;

        for (size_t i = 0; i < r->contacts.n; i++)
                adds = adds || r->contacts.v[i].expires_s > 0;
        if (!adds && (r->contacts.star || r->contacts.n))
                return VERDICT_DEREGISTRATION;
        return registered ? VERDICT_REFRESH : VERDICT_REGISTRATION;
}
