/* SPDX-License-Identifier: BSD-3-Clause
 * What a UE that knows the password may have done wrong. Nothing is computed that could not be sent: each try
 * starts from H(A1), so no password is learnt. */
#include "scscf/digest.h"

#include "common/base/codec.h"
#include "scscf/shared.h"

struct attempt {
        struct digest_input in;
        const char *text;
};

static bool matches(const struct digest_input *in, struct span response)
{
        char out[DIGEST_HEX_MAX];
        bool equal = digest_response(in, out) == 0 && digest_equal(response, out);

        secret_wipe(out, sizeof(out));
        return equal;
}

/* H(A1) of the -sess algorithms: H(H(A1) ":" nonce ":" cnonce) (RFC 7616 3.4.2). */
static bool sess(const struct digest_input *in, char out[static DIGEST_HEX_MAX])
{
        return digest_ha1(in->algorithm, in->ha1, in->nonce, in->cnonce, out) == 0;
}

static const char *try_all(const struct digest_key *key, const struct digest_question *q, struct span ruri)
{
        const struct sip_digest_credentials *a = q->a;
        const struct digest_input base = {.algorithm = (enum digest_algorithm)key->algorithm,
                                          .method = q->method,
                                          .uri = a->uri,
                                          .nonce = a->nonce,
                                          .qop = a->qop,
                                          .nc = a->nc,
                                          .cnonce = a->cnonce};
        struct attempt tries[] = {
                {base, "the password is right, but H(A1) was made anew as for a -sess algorithm"},
                {base, "the password is right, but the response was computed without qop, nc and cnonce"},
                {base, "the password is right, but the response was computed for qop=auth-int"},
                {base,
                 "the password is right, but the response was computed over the Request-URI, not over uri"},
                {base, "the password is right, but the response was computed for another method"},
        };
        char ha1[DIGEST_HEX_MAX], of_session[DIGEST_HEX_MAX];
        const char *found = NULL;

        hex_encode(key->ha1, digest_octets(base.algorithm), ha1);
        for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
                tries[i].in.ha1 = span_of(ha1);
        if (sess(&tries[0].in, of_session))
                tries[0].in.ha1 = span_of(of_session);
        tries[1].in.qop = SPAN_NULL;
        tries[2].in.qop = SPAN("auth-int");
        tries[3].in.uri = ruri;
        tries[4].in.method = span_eq(q->method, SPAN("REGISTER")) ? SPAN("INVITE") : SPAN("REGISTER");
        for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]) && !found; i++)
                if (matches(&tries[i].in, a->response))
                        found = tries[i].text;
        secret_wipe(ha1, sizeof(ha1));
        secret_wipe(of_session, sizeof(of_session));
        return found;
}

const char *digest_mistake(const struct digest_user *d, const struct digest_question *q, struct span ruri)
{
        const char *found = digest_has_key(d) ? try_all(&d->key, q, ruri) : NULL;

        return !found && d->old ? try_all(&d->old->key, q, ruri) : found;
}
