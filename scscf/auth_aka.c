/* SPDX-License-Identifier: BSD-3-Clause
 * IMS AKA at the S-CSCF: RFC 3310 over Cx vectors, TS 33.203 6.1.1, TS 24.229 5.4.1.2.1. */
#include "scscf/auth.h"

#include "common/auth/digest.h"
#include "common/base/codec.h"
#include "common/sip/auth_param.h"

void auth_aka_nonce(const struct aka_av *v, char out[static AKA_NONCE_SIZE])
{
        uint8_t both[AKA_RAND_N + AKA_AUTN_N];

        memcpy(both, v->rand, AKA_RAND_N);
        memcpy(both + AKA_RAND_N, v->autn, AKA_AUTN_N);
        base64_encode(both, sizeof(both), out);
}

int auth_aka_select(const struct cx_auth_item *item, struct aka_av *out, const char **why)
{
        if (item->scheme.n && !span_eq(item->scheme, SPAN(CX_SCHEME_AKA))) {
                *why = "the vector is of another scheme";
                return -IMS_EUNSUPPORTED;
        }
        *why = NULL;
        if (item->authenticate.n != AKA_RAND_N + AKA_AUTN_N)
                *why = "SIP-Authenticate is not RAND and AUTN (32 octets)";
        else if (item->authorization.n < 4 || item->authorization.n > sizeof(out->xres))
                *why = "XRES is not 4 to 16 octets";
        else if (item->ck.n != sizeof(out->ck.b))
                *why = "CK is not 16 octets";
        else if (item->ik.n != sizeof(out->ik.b))
                *why = "IK is not 16 octets";
        if (*why)
                return -IMS_EPROTO;
        memcpy(out->rand, item->authenticate.p, AKA_RAND_N);
        memcpy(out->autn, item->authenticate.p + AKA_RAND_N, AKA_AUTN_N);
        memcpy(out->xres, item->authorization.p, item->authorization.n);
        out->xres_n = item->authorization.n;
        memcpy(out->ck.b, item->ck.p, sizeof(out->ck.b));
        memcpy(out->ik.b, item->ik.p, sizeof(out->ik.b));
        return 0;
}

void auth_aka_challenge(const struct aka_av *v, struct span realm, struct span nonce, struct buf *out)
{
        char hex[2 * 16 + 1];

        buf_puts(out, "Digest ");
        sip_auth_add(out, "realm", realm, true);
        sip_auth_add(out, "nonce", nonce, true);
        sip_auth_add(out, "algorithm", SPAN("AKAv1-MD5"), false);
        sip_auth_add(out, "qop", SPAN("auth"), true);
        hex_encode(v->ik.b, sizeof(v->ik.b), hex);
        sip_auth_add(out, "ik", span_of(hex), true);
        hex_encode(v->ck.b, sizeof(v->ck.b), hex);
        sip_auth_add(out, "ck", span_of(hex), true);
        secret_wipe(hex, sizeof(hex));
}

/* The form of the credentials; NULL when they can be checked. */
static const char *malformed(const struct sip_digest_credentials *a)
{
        uint8_t nc[4];

        if (a->uri.n == 0)
                return "the uri parameter is missing";
        if (a->response.n != 32)
                return "response is not 32 hex digits";
        if (a->qop.n == 0)
                return a->cnonce.n || a->nc.n ? "cnonce and nc need qop" : NULL;
        if (!span_ieq(a->qop, SPAN("auth")))
                return "qop is not the offered auth";
        if (a->cnonce.n == 0)
                return "cnonce is missing";
        if (hex_decode(a->nc, nc, sizeof(nc)) < 0)
                return "nc is not 8 hex digits";
        return NULL;
}

enum auth_result auth_aka_verify(const struct aka_av *v, struct span method,
                                 const struct sip_digest_credentials *a, const char **why)
{
        struct digest_input in = {.algorithm = DIGEST_AKAV1_MD5,
                                  .method = method,
                                  .uri = a->uri,
                                  .nonce = a->nonce,
                                  .qop = a->qop,
                                  .nc = a->nc,
                                  .cnonce = a->cnonce};
        char ha1[DIGEST_HEX_MAX], expected[DIGEST_HEX_MAX];
        enum auth_result result = AUTH_WRONG;

        *why = malformed(a);
        if (*why)
                return AUTH_MALFORMED;
        if (a->algorithm.n && !span_ieq(a->algorithm, SPAN("AKAv1-MD5"))) {
                *why = "the answer names another algorithm than AKAv1-MD5 (TS 33.203 P.4.1: the scheme does "
                       "not change)";
                return AUTH_WRONG;
        }
        *why = "the response was computed from another RES";
        if (digest_ha1(DIGEST_AKAV1_MD5, a->username, a->realm, span_make(v->xres, v->xres_n), ha1) < 0)
                goto out;
        in.ha1 = span_of(ha1);
        if (digest_response(&in, expected) < 0)
                goto out;
        if (digest_equal(a->response, expected)) {
                *why = NULL;
                result = AUTH_OK;
        }
out:
        secret_wipe(ha1, sizeof(ha1));
        secret_wipe(expected, sizeof(expected));
        return result;
}
