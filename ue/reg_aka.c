/* SPDX-License-Identifier: BSD-3-Clause
 * IMS AKA in the REGISTER procedure: the challenge goes to the card, its answer into Authorization
 * (TS 33.203 6.1; TS 24.229 5.1.1.5; RFC 3310). */
#include <stdlib.h>

#include "common/base/codec.h"
#include "common/sip/digest_param.h"
#include "common/sip/stack.h"
#include "ue/registration_int.h"

#define INVALID_CHALLENGES_MAX 2 /* answered in a row (TS 24.229 5.1.1.5.3) */
#define NONCE_OCTETS_MAX       512
#define NONCE_COUNT            "00000001"

/* The response to a challenge: over RES, or over an empty password beside auts. */
static int make_response(const struct registration *r, enum reg_auth auth, const char *uri,
                         const char *cnonce, char *out)
{
        const struct reg_challenge *ch = &r->challenge;
        struct span password = SPAN_NULL;
        char ha1[DIGEST_HEX_MAX], v2[64];
        struct digest_input in = {0};
        int rc = 0;

        if (auth == REG_AUTH_RESPONSE) {
                password = span_make(ch->card.res, ch->card.res_n);
                if (ch->algorithm == DIGEST_AKAV2_MD5 || ch->algorithm == DIGEST_AKAV2_SHA256) {
                        rc = digest_akav2_password(ch->algorithm, password, &ch->card.ik, &ch->card.ck, v2);
                        password = span_of(rc == 0 ? v2 : "");
                }
        }
        if (rc == 0)
                rc = digest_ha1(ch->algorithm, span_of(r->cred->impi), span_of(ch->realm), password, ha1);
        in.algorithm = ch->algorithm;
        in.ha1 = span_of(ha1);
        in.method = SPAN("REGISTER");
        in.uri = span_of(uri);
        in.nonce = span_of(ch->nonce);
        if (r->qop) {
                in.qop = span_of(r->qop);
                in.cnonce = span_of(cnonce);
                in.nc = SPAN(NONCE_COUNT);
        }
        if (rc == 0)
                rc = digest_response(&in, out);
        secret_wipe(ha1, sizeof(ha1));
        secret_wipe(v2, sizeof(v2));
        return rc;
}

int reg_aka_authorization(const struct registration *r, enum reg_auth auth, const char *uri, struct buf *out)
{
        const struct reg_challenge *ch = &r->challenge;
        char cnonce[17], response[DIGEST_HEX_MAX] = "", auts[BASE64_SIZE(AKA_AUTS_N)];
        int rc = 0;

        sip_token(cnonce);
        if (auth != REG_AUTH_MAC_FAILURE)
                rc = make_response(r, auth, uri, cnonce, response);
        if (rc < 0)
                return rc;
        buf_printf(out,
                   "Digest username=\"%s\",realm=\"%s\",uri=\"%s\",nonce=\"%s\",response=\"%s\",algorithm=%s",
                   r->cred->impi, ch->realm, uri, ch->nonce, response, digest_algorithm_name(ch->algorithm));
        if (r->opaque)
                buf_printf(out, ",opaque=\"%s\"", r->opaque);
        if (r->qop && auth != REG_AUTH_MAC_FAILURE)
                buf_printf(out, ",qop=%s,nc=" NONCE_COUNT ",cnonce=\"%s\"", r->qop, cnonce);
        if (auth == REG_AUTH_RESYNC) {
                base64_encode(ch->card.auts, AKA_AUTS_N, auts);
                buf_printf(out, ",auts=\"%s\"", auts);
        }
        return out->err;
}

static int dup_to(char **to, struct span text)
{
        char *copy = span_dup(text);

        if (!copy)
                return -IMS_ENOMEM;
        free(*to);
        *to = copy;
        return 0;
}

static int take_challenge(struct registration *r, const struct sip_digest_challenge *c)
{
        struct reg_challenge *ch = &r->challenge;
        uint8_t octets[NONCE_OCTETS_MAX];
        size_t n;

        if (base64_decode(c->nonce, octets, sizeof(octets), &n) < 0 || n < AKA_RAND_N + AKA_AUTN_N)
                return -IMS_EPARSE;
        free(r->opaque);
        r->opaque = NULL;
        if (dup_to(&ch->nonce, c->nonce) < 0 || dup_to(&ch->realm, c->realm) < 0 ||
            (c->opaque.p && dup_to(&r->opaque, c->opaque) < 0))
                return -IMS_ENOMEM;
        r->qop = c->qop_auth ? "auth" : c->qop_auth_int ? "auth-int" : NULL;
        ch->algorithm = c->algorithm;
        memcpy(ch->rand, octets, AKA_RAND_N);
        memcpy(ch->autn, octets + AKA_RAND_N, AKA_AUTN_N);
        ch->seen = true;
        return 0;
}

/* The topmost challenge of AKA; others, and what is none, are passed over. */
static int read_challenge(struct registration *r, const struct sip_msg *resp)
{
        struct sip_digest_challenge c;
        const struct sip_hdr *h;

        for (size_t i = 0; (h = sip_msg_hdr(resp, SIP_HDR_WWW_AUTHENTICATE, i)) != NULL; i++)
                if (sip_digest_challenge_parse(h->value, &c) == 0 && digest_is_aka(c.algorithm))
                        return take_challenge(r, &c);
        return -IMS_ENOTFOUND;
}

/* A challenge the card refuses: it is reported, but only twice in a row. */
static int report(struct registration *r, enum reg_auth auth, enum reg_outcome outcome, struct buf *out)
{
        if (++r->invalid_in_a_row > INVALID_CHALLENGES_MAX)
                return reg_done(r, outcome);
        r->result.outcome = outcome; /* stands when the network only refuses now */
        return reg_send_next(r, auth, REG_ST_REPORTING, out);
}

static enum reg_outcome outcome_of_security(enum security_result result)
{
        switch (result) {
        case SECURITY_MISSING:
                return REG_OUT_security_missing;
        case SECURITY_UNACCEPTABLE:
                return REG_OUT_security_unacceptable;
        case SECURITY_NO_MODE:
                return REG_OUT_security_no_mode;
        default:
                return REG_OUT_kernel_refused;
        }
}

/* The card accepted: SAs are made of CK and IK before the answer leaves (TS 33.203 7.2). */
static int agree(struct registration *r, const struct sip_msg *resp, uint64_t now_ms, struct buf *out)
{
        const struct isim_answer *card = &r->challenge.card;
        enum security_result result;
        struct buf why = BUF_INIT;

        if (!r->conf.security || security_suspended(r->conf.security))
                return reg_send_next(r, REG_AUTH_RESPONSE, REG_ST_ANSWERING, out);
        result = security_challenge(r->conf.security, resp, &card->ck, &card->ik, now_ms, &why);
        if (result == SECURITY_MISSING && security_may_yield(r->conf.security)) {
                security_suspend(r->conf.security, true);
                result = SECURITY_OK;
        }
        if (result == SECURITY_OK) {
                buf_free(&why);
                return reg_send_next(r, REG_AUTH_RESPONSE, REG_ST_ANSWERING, out);
        }
        reg_keep_why(r, &why);
        if (result == SECURITY_COLLISION && reg_may_restart(r))
                return reg_send_first(r, false, out);
        return reg_done(r, outcome_of_security(result));
}

int reg_aka_challenge(struct registration *r, const struct sip_msg *resp, uint64_t now_ms, struct buf *out)
{
        struct reg_challenge *ch = &r->challenge;
        int rc = read_challenge(r, resp);

        if (rc < 0)
                return reg_done(r, rc == -IMS_ENOMEM ? REG_OUT_internal_error : REG_OUT_bad_challenge);
        secret_wipe(&ch->card, sizeof(ch->card));
        if (isim_authenticate(r->conf.isim, ch->rand, ch->autn, &ch->card) < 0)
                return reg_done(r, REG_OUT_card_failed);
        switch (ch->card.result) {
        case ISIM_OK:
                r->invalid_in_a_row = 0;
                r->result.outcome = REG_OUT_none;
                return agree(r, resp, now_ms, out);
        case ISIM_AMF_WRONG:
                r->result.mac_failures++;
                return report(r, REG_AUTH_MAC_FAILURE, REG_OUT_amf_refused, out);
        case ISIM_SQN_REPEATED:
        case ISIM_SQN_TOO_FAR:
                r->result.sqn_failures++;
                return report(r, REG_AUTH_RESYNC, REG_OUT_sqn_refused, out);
        case ISIM_MAC_WRONG:
                break;
        }
        r->result.mac_failures++;
        return report(r, REG_AUTH_MAC_FAILURE, REG_OUT_mac_mismatch, out);
}
