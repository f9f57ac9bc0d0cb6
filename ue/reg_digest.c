/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest in the REGISTER procedure, and the choice between it and IMS AKA (TS 33.203 N.1, N.2.1.1,
 * N.2.3). */
#include "ue/registration_int.h"

static const char *const scheme_names[] = {"aka", "digest", "any"};

int reg_scheme_parse(struct span word, enum reg_scheme *out)
{
        for (unsigned i = 0; i < 3; i++)
                if (span_ieq(word, span_of(scheme_names[i]))) {
                        *out = (enum reg_scheme)i;
                        return 0;
                }
        return -IMS_EPARSE;
}

const char *reg_scheme_name(enum reg_scheme s)
{
        return scheme_names[s];
}

bool reg_access_is_3gpp(const char *access_network)
{
        return access_network && span_istarts(span_of(access_network), SPAN("3GPP-"));
}

static void use(struct registration *r, enum reg_scheme scheme)
{
        r->scheme = scheme;
        r->cred = scheme == REG_SCHEME_DIGEST && r->conf.digest_cred ? r->conf.digest_cred : r->conf.cred;
}

int reg_choose_scheme(struct registration *r)
{
        bool on_3gpp = reg_access_is_3gpp(r->conf.access_network);

        if (r->result.registered) /* the scheme of a registration stays (P.4.1) */
                return 0;
        if (r->conf.scheme == REG_SCHEME_ANY)
                use(r, on_3gpp || r->conf.security ? REG_SCHEME_AKA : REG_SCHEME_DIGEST);
        else
                use(r, r->conf.scheme);
        if (r->scheme == REG_SCHEME_DIGEST && on_3gpp) {
                r->result.outcome = REG_OUT_digest_on_3gpp;
                return -IMS_EPERM;
        }
        if (r->conf.secure_only && !r->conf.tls && !(r->conf.security && r->scheme != REG_SCHEME_DIGEST)) {
                r->result.outcome = REG_OUT_insecure;
                return -IMS_EPERM;
        }
        return 0;
}

bool reg_turn_to_digest(const struct registration *r, const struct sip_msg *resp)
{
        if (r->conf.scheme != REG_SCHEME_ANY || r->scheme != REG_SCHEME_AKA || r->state != REG_ST_TRYING ||
            r->result.registered || reg_access_is_3gpp(r->conf.access_network))
                return false;
        if (resp->status == 420)
                return sip_msg_has_token(resp, SIP_HDR_UNSUPPORTED, SPAN("sec-agree"));
        return resp->status == 401 && !sip_msg_hdr(resp, SIP_HDR_SECURITY_SERVER, 0);
}

int reg_digest_go_on(struct registration *r, const struct sip_msg *resp, struct buf *out)
{
        const struct credential *before = r->cred;
        int rc;

        if (r->conf.security)
                security_suspend(r->conf.security, true);
        use(r, REG_SCHEME_DIGEST);
        if (r->cred == before && resp->status == 401) {
                rc = digest_client_challenge(&r->digest, resp, SIP_HDR_WWW_AUTHENTICATE, &r->conf.digest);
                if (rc == 0) {
                        r->answered = true;
                        return reg_send_next(r, REG_AUTH_RESPONSE, REG_ST_ANSWERING, out);
                }
        }
        return reg_send_first(r, false, out);
}

static enum reg_outcome outcome_of(int err)
{
        switch (err) {
        case -IMS_EUNSUPPORTED:
                return REG_OUT_algorithm_refused;
        case -IMS_ENOMEM:
                return REG_OUT_internal_error;
        default:
                return REG_OUT_bad_challenge;
        }
}

/* An answer to a challenge of this procedure that is challenged again without stale was made with a wrong
 * password; one to a kept challenge, or to a stale one, is made again with the new nonce (N.2.3). */
int reg_digest_challenge(struct registration *r, const struct sip_msg *resp, struct buf *out)
{
        int rc = digest_client_challenge(&r->digest, resp, SIP_HDR_WWW_AUTHENTICATE, &r->conf.digest);

        if (rc < 0)
                return reg_done(r, outcome_of(rc));
        if (r->answered && !r->digest.stale) {
                digest_client_forget(&r->digest);
                return reg_done(r, REG_OUT_password_refused);
        }
        if (reg_tls_stops(r, resp))
                return REG_NEXT_DONE;
        r->answered = true;
        return reg_send_next(r, REG_AUTH_RESPONSE, REG_ST_ANSWERING, out);
}

int reg_digest_authorization(struct registration *r, const char *uri, struct buf *out)
{
        const struct digest_answer a = {.username = r->cred->impi,
                                        .password = r->cred->password,
                                        .method = SPAN("REGISTER"),
                                        .uri = span_of(uri)};

        r->showed = true;
        return digest_client_answer(&r->digest, &a, out);
}

bool reg_digest_accepts(struct registration *r, const struct sip_msg *resp)
{
        enum reg_outcome bad = REG_OUT_none;
        int rc = digest_client_info(&r->digest, resp, &r->result.auth_info);

        if (rc < 0)
                bad = REG_OUT_internal_error;
        else if (r->result.auth_info == DIGEST_INFO_WRONG)
                bad = REG_OUT_rspauth_wrong;
        else if (r->result.auth_info == DIGEST_INFO_NONE && r->conf.digest.need_rspauth)
                bad = REG_OUT_rspauth_missing;
        if (bad == REG_OUT_none)
                return true;
        digest_client_forget(&r->digest); /* the next procedure begins anew (N.2.2.2) */
        r->result.registered = false;
        reg_done(r, bad);
        return false;
}

void reg_forget_challenge(struct registration *r)
{
        digest_client_forget(&r->digest);
}
