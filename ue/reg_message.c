/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER texts (TS 24.229 5.1.1.2, 5.1.1.5; RFC 3310; RFC 2617 3.2.2). */
#include "ue/reg_message.h"

#include <stdlib.h>

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/sip/auth_param.h"
#include "common/sip/grammar.h"
#include "common/sip/stack.h"

#define NONCE_OCTETS_MAX 512
#define NONCE_COUNT      "00000001"

/* The response to a challenge: over RES, or over an empty password beside auts. */
static int make_response(const struct reg_request *rq, const char *uri, const char *cnonce, char *out)
{
        const struct reg_challenge *ch = rq->challenge;
        struct span password = SPAN_NULL;
        char ha1[DIGEST_HEX_MAX], v2[64];
        struct digest_input in = {0};
        int rc = 0;

        if (rq->auth == REG_AUTH_RESPONSE) {
                password = span_make(ch->card.res, ch->card.res_n);
                if (ch->algorithm == DIGEST_AKAV2_MD5 || ch->algorithm == DIGEST_AKAV2_SHA256) {
                        rc = digest_akav2_password(ch->algorithm, password, &ch->card.ik, &ch->card.ck, v2);
                        password = span_of(rc == 0 ? v2 : "");
                }
        }
        if (rc == 0)
                rc = digest_ha1(ch->algorithm, span_of(rq->conf->cred->impi), span_of(ch->realm), password,
                                ha1);
        in.algorithm = ch->algorithm;
        in.ha1 = span_of(ha1);
        in.method = SPAN("REGISTER");
        in.uri = span_of(uri);
        in.nonce = span_of(ch->nonce);
        if (rq->qop) {
                in.qop = span_of(rq->qop);
                in.cnonce = span_of(cnonce);
                in.nc = SPAN(NONCE_COUNT);
        }
        if (rc == 0)
                rc = digest_response(&in, out);
        secret_wipe(ha1, sizeof(ha1));
        secret_wipe(v2, sizeof(v2));
        return rc;
}

static int write_authorization(const struct reg_request *rq, struct buf *out)
{
        const struct credential *cred = rq->conf->cred;
        const struct reg_challenge *ch = rq->challenge;
        char uri[CREDENTIAL_TEXT_MAX + 8], cnonce[17], response[DIGEST_HEX_MAX] = "";
        char auts[BASE64_SIZE(AKA_AUTS_N)];
        int rc = 0;

        (void)snprintf(uri, sizeof(uri), "sip:%s", cred->domain);
        buf_printf(out, "Authorization: Digest username=\"%s\",realm=\"%s\",uri=\"%s\"", cred->impi,
                   rq->auth == REG_AUTH_EMPTY ? cred->domain : ch->realm, uri);
        if (rq->auth == REG_AUTH_EMPTY) {
                buf_puts(out, ",nonce=\"\",response=\"\"\r\n");
                return 0;
        }
        sip_token(cnonce);
        if (rq->auth != REG_AUTH_MAC_FAILURE)
                rc = make_response(rq, uri, cnonce, response);
        if (rc < 0)
                return rc;
        buf_printf(out, ",nonce=\"%s\",response=\"%s\",algorithm=%s", ch->nonce, response,
                   digest_algorithm_name(ch->algorithm));
        if (rq->opaque)
                buf_printf(out, ",opaque=\"%s\"", rq->opaque);
        if (rq->qop && rq->auth != REG_AUTH_MAC_FAILURE)
                buf_printf(out, ",qop=%s,nc=" NONCE_COUNT ",cnonce=\"%s\"", rq->qop, cnonce);
        if (rq->auth == REG_AUTH_RESYNC) {
                base64_encode(ch->card.auts, AKA_AUTS_N, auts);
                buf_printf(out, ",auts=\"%s\"", auts);
        }
        buf_puts(out, "\r\n");
        return 0;
}

int reg_write_request(const struct reg_request *rq, struct buf *out)
{
        const struct reg_conf *c = rq->conf;
        int rc;

        buf_printf(out, "REGISTER sip:%s SIP/2.0\r\nMax-Forwards: 70\r\n", c->cred->domain);
        buf_printf(out, "From: <%s>;tag=%s\r\nTo: <%s>\r\n", c->impu, rq->from_tag, c->impu);
        buf_printf(out, "Call-ID: %s\r\nCSeq: %u REGISTER\r\n", rq->call_id, rq->cseq);
        if (strcmp(rq->contact, "*") == 0)
                buf_puts(out, "Contact: *\r\n");
        else if (c->instance)
                buf_printf(out, "Contact: <%s>;+sip.instance=\"<%s>\"\r\n", rq->contact, c->instance);
        else
                buf_printf(out, "Contact: <%s>\r\n", rq->contact);
        buf_printf(out, "Expires: %u\r\nSupported: path", rq->expires_s);
        if (c->security && !security_suspended(c->security)) {
                buf_puts(out, ", sec-agree\r\n");
                security_write(c->security, out);
        } else {
                buf_puts(out, "\r\n");
        }
        rc = write_authorization(rq, out);
        if (c->access_network)
                buf_printf(out, "P-Access-Network-Info: %s\r\n", c->access_network);
        buf_puts(out, "Content-Length: 0\r\n\r\n");
        return rc < 0 ? rc : out->err;
}

/* "auth" before "auth-int" of a qop list. */
static const char *choose_qop(const struct span *list)
{
        struct span rest, token;
        const char *found = NULL;

        if (!list)
                return NULL;
        rest = *list;
        while (span_split(&rest, ',', &token)) {
                token = span_trim(token);
                if (span_ieq(token, SPAN("auth")))
                        return "auth";
                if (span_ieq(token, SPAN("auth-int")))
                        found = "auth-int";
        }
        return found;
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

static int take_challenge(const struct sip_auth *a, struct reg_challenge *ch, char **opaque, char **qop)
{
        const struct span *nonce = sip_auth_get(a, "nonce"), *realm = sip_auth_get(a, "realm");
        const struct span *op = sip_auth_get(a, "opaque");
        const char *q = choose_qop(sip_auth_get(a, "qop"));
        uint8_t octets[NONCE_OCTETS_MAX];
        size_t n;

        if (!nonce || !realm || base64_decode(*nonce, octets, sizeof(octets), &n) < 0 ||
            n < AKA_RAND_N + AKA_AUTN_N)
                return -IMS_EPARSE;
        free(*opaque);
        free(*qop);
        *opaque = *qop = NULL;
        if (dup_to(&ch->nonce, *nonce) < 0 || dup_to(&ch->realm, *realm) < 0 ||
            (op && dup_to(opaque, *op) < 0) || (q && dup_to(qop, span_of(q)) < 0))
                return -IMS_ENOMEM;
        memcpy(ch->rand, octets, AKA_RAND_N);
        memcpy(ch->autn, octets + AKA_RAND_N, AKA_AUTN_N);
        ch->seen = true;
        return 0;
}

int reg_read_challenge(const struct sip_msg *resp, struct reg_challenge *ch, char **opaque, char **qop)
{
        const struct sip_hdr *h;

        for (size_t i = 0; (h = sip_msg_hdr(resp, SIP_HDR_WWW_AUTHENTICATE, i)) != NULL; i++) {
                struct sip_auth a;
                const struct span *algorithm;

                if (sip_auth_parse(h->value, true, &a) < 0 || !span_ieq(a.scheme, SPAN("Digest")))
                        continue;
                algorithm = sip_auth_get(&a, "algorithm");
                if (!algorithm || digest_algorithm_parse(*algorithm, &ch->algorithm) < 0 ||
                    !digest_is_aka(ch->algorithm))
                        continue;
                return take_challenge(&a, ch, opaque, qop);
        }
        return -IMS_ENOTFOUND;
}

char *reg_join_values(const struct sip_msg *m, enum sip_hdr_id id)
{
        struct sip_value_iter it = {0};
        struct buf b = BUF_INIT;
        struct span v;

        while (sip_msg_next_value(m, id, &it, &v)) {
                if (b.n)
                        buf_puts(&b, ", ");
                buf_span(&b, v);
        }
        if (b.n == 0) {
                buf_free(&b);
                return NULL;
        }
        return buf_steal(&b);
}

/* The expires parameter of a Contact value, or fallback_s. */
static uint32_t contact_expires(struct span value, uint32_t fallback_s)
{
        osip_contact_t *c = NULL;
        osip_generic_param_t *p = NULL;
        uint32_t s = fallback_s;

        if (sip_contact_parse(value, &c) < 0)
                return fallback_s;
        if (osip_contact_param_get_byname(c, (char *)"expires", &p) == 0 && p && p->gvalue &&
            span_u32(span_of(p->gvalue), UINT32_MAX, &s) < 0)
                s = fallback_s;
        osip_contact_free(c);
        return s;
}

int reg_read_expires(const struct sip_msg *resp, const char *contact, uint32_t fallback_s, uint32_t *out)
{
        struct sip_value_iter it = {0};
        struct span v;
        bool any = false;

        if (span_u32(sip_msg_value(resp, SIP_HDR_EXPIRES), UINT32_MAX, &fallback_s) < 0)
                log_debug("no usable Expires in the answer");
        while (sip_msg_next_value(resp, SIP_HDR_CONTACT, &it, &v)) {
                any = true;
                if (sip_uri_equal(sip_addr_spec(v), span_of(contact))) {
                        *out = contact_expires(v, fallback_s);
                        return 0;
                }
        }
        if (any)
                return -IMS_ENOTFOUND;
        *out = fallback_s;
        return 0;
}
