/* SPDX-License-Identifier: BSD-3-Clause
 * Nonces and the check of answers. */
#include "scscf/digest.h"

#include "common/base/codec.h"
#include "scscf/shared.h"

int digest_nonce_new(struct digest_nonce *n, uint8_t algorithm, uint64_t now_ms)
{
        *n = (struct digest_nonce){.issued_ms = now_ms, .algorithm = algorithm, .live = true};
        return secret_random(n->random, sizeof(n->random));
}

void digest_nonce_text(const struct digest_nonce *n, char out[static DIGEST_NONCE_SIZE])
{
        base64_encode(n->random, sizeof(n->random), out);
}

bool digest_nonce_is(const struct digest_nonce *n, struct span text)
{
        char own[DIGEST_NONCE_SIZE];

        if (!n->live || text.n != DIGEST_NONCE_SIZE - 1)
                return false;
        digest_nonce_text(n, own);
        return secret_eq(own, text.p, text.n);
}

void digest_challenge_write(const struct digest_nonce *n, struct span realm, struct span opaque, bool stale,
                            struct buf *out)
{
        char nonce[DIGEST_NONCE_SIZE] = "";
        const struct sip_digest_challenge c = {.realm = realm,
                                               .nonce = span_make(nonce, sizeof(nonce) - 1),
                                               .opaque = opaque.n ? opaque : SPAN_NULL,
                                               .algorithm = (enum digest_algorithm)n->algorithm,
                                               .named = true,
                                               .stale = stale,
                                               .qop_auth = true};

        digest_nonce_text(n, nonce);
        sip_digest_challenge_write(&c, out);
}

static bool is_over(const struct digest_nonce *n, const struct digest_limits *l)
{
        return l->now_ms - n->issued_ms >= l->lifetime_ms;
}

struct digest_nonce *digest_engine_place(struct digest_engine *e, const struct digest_limits *l)
{
        struct digest_nonce *oldest = &e->nonces[0];

        for (size_t i = 0; i < DIGEST_NONCES; i++) {
                struct digest_nonce *n = &e->nonces[i];

                if (!n->live || is_over(n, l) || n->uses >= l->uses)
                        return n;
                if (n->issued_ms < oldest->issued_ms)
                        oldest = n;
        }
        return oldest;
}

/* --- the check ----------------------------------------------------------------------------------- */

int digest_key_response(const struct digest_key *key, struct span method,
                        const struct sip_digest_credentials *a, char out[static DIGEST_HEX_MAX])
{
        struct digest_input in = {.algorithm = (enum digest_algorithm)key->algorithm,
                                  .method = method,
                                  .uri = a->uri,
                                  .nonce = a->nonce,
                                  .qop = a->qop,
                                  .nc = a->nc,
                                  .cnonce = a->cnonce};
        char ha1[DIGEST_HEX_MAX];
        int rc;

        hex_encode(key->ha1, digest_octets(in.algorithm), ha1);
        in.ha1 = span_of(ha1);
        rc = digest_response(&in, out);
        secret_wipe(ha1, sizeof(ha1));
        return rc;
}

/* The form of an answer, but for the length of its response; NULL when it can be checked. */
static const char *malformed(const struct digest_question *q, uint32_t *nc)
{
        const struct sip_digest_credentials *a = q->a;

        if (a->nonce.n == 0)
                return "the nonce parameter is missing";
        if (a->uri.n == 0)
                return "the uri parameter is missing";
        if (a->qop.n == 0)
                return "the qop parameter is missing, and qop=\"auth\" was asked for";
        if (!span_ieq(a->qop, SPAN("auth")))
                return "qop is not the offered auth";
        if (a->cnonce.n == 0)
                return "cnonce is missing";
        if (sip_digest_nc_parse(a->nc, nc) < 0 || *nc == 0)
                return "nc is not 8 hex digits above 00000000";
        if (q->opaque.n && !span_eq(a->opaque, q->opaque))
                return "opaque did not come back as it was sent";
        return NULL;
}

static struct digest_nonce *find_nonce(const struct digest_question *q)
{
        if (q->pending && digest_nonce_is(q->pending, q->a->nonce))
                return q->pending;
        for (size_t i = 0; q->engine && i < DIGEST_NONCES; i++)
                if (digest_nonce_is(&q->engine->nonces[i], q->a->nonce))
                        return &q->engine->nonces[i];
        return NULL;
}

static struct digest_finding finding(enum digest_result result, enum verdict_cause cause, const char *why)
{
        return (struct digest_finding){.result = result, .cause = cause, .why = why};
}

/* The keys, the newest first. */
static struct digest_key *nth_key(struct digest_user *d, size_t n)
{
        return n == 0 ? &d->key : n == 1 && d->old ? &d->old->key : NULL;
}

static bool fits(const struct digest_key *key, const struct digest_question *q)
{
        char expected[DIGEST_HEX_MAX];
        bool equal = digest_key_response(key, q->method, q->a, expected) == 0 &&
                     digest_equal(q->a->response, expected);

        secret_wipe(expected, sizeof(expected));
        return equal;
}

/* The algorithm of an answer is that of the challenge: a weaker one would be a way around it (RFC 8760 2.4).
 * A nonce we do not know was given out with the algorithm of one of the keys. */
static bool is_offered(struct digest_user *d, const struct digest_nonce *n, enum digest_algorithm algorithm)
{
        const struct digest_key *key;

        if (n)
                return n->algorithm == algorithm;
        for (size_t i = 0; (key = nth_key(d, i)); i++)
                if (key->algorithm == algorithm)
                        return true;
        return false;
}

/* The key that verifies the answer, the newest first (N.2.5 NOTE 5). *realm: some key has the realm. */
static struct digest_key *find_key(struct digest_user *d, const struct digest_question *q,
                                   enum digest_algorithm algorithm, bool *realm)
{
        struct digest_key *key;

        *realm = false;
        for (size_t i = 0; (key = nth_key(d, i)); i++) {
                if (!span_eq(shared_text(key->realm), q->a->realm))
                        continue;
                *realm = true;
                if (key->algorithm == algorithm && fits(key, q))
                        return key;
        }
        return NULL;
}

/* What the digest, which is right, was made over. */
static void judge_nonce(const struct digest_question *q, struct digest_finding *f)
{
        const struct digest_nonce *n = f->nonce;

        f->result = DIGEST_STALE;
        f->cause = CAUSE_nonce_stale;
        if (!n)
                f->why = "the nonce is none of those that are valid";
        else if (is_over(n, &q->limits))
                f->why = "the nonce is older than digest.nonce_lifetime";
        else if (f->nc <= n->nc)
                *f = (struct digest_finding){.result = DIGEST_REPLAYED,
                                             .cause = CAUSE_nonce_count_replayed,
                                             .why = "nc is not above that of the last right answer",
                                             .nonce = f->nonce,
                                             .key = f->key,
                                             .nc = f->nc};
        else if (n->uses >= q->limits.uses)
                f->why = "the nonce was used digest.nonce_uses times";
        else
                f->result = DIGEST_RIGHT;
}

struct digest_finding digest_check(struct digest_user *d, const struct digest_question *q)
{
        struct digest_finding f = {.result = DIGEST_NO_ANSWER};
        enum digest_algorithm algorithm = DIGEST_MD5;
        struct digest_nonce *nonce;
        const char *why;
        uint32_t nc = 0;
        bool realm;

        if (q->a->response.n == 0)
                return f;
        why = malformed(q, &nc);
        if (why)
                return finding(DIGEST_MALFORMED, CAUSE_malformed, why);
        nonce = find_nonce(q);
        if ((q->a->algorithm.n && digest_algorithm_parse(q->a->algorithm, &algorithm) < 0) ||
            !is_offered(d, nonce, algorithm)) {
                f = finding(DIGEST_WRONG, CAUSE_algorithm_differs,
                            "the answer was made with another algorithm than the challenge asks for");
        } else if (q->a->response.n != 2 * digest_octets(algorithm)) {
                return finding(DIGEST_MALFORMED, CAUSE_malformed, "response has the wrong length");
        } else {
                f.key = find_key(d, q, algorithm, &realm);
                if (!realm)
                        f = finding(DIGEST_WRONG, CAUSE_realm_differs,
                                    "the realm is not that of the challenge");
                else if (!f.key)
                        f = finding(DIGEST_WRONG, CAUSE_password_wrong,
                                    "the response was computed from another password");
        }
        f.nonce = nonce;
        f.nc = nc;
        if (f.key)
                judge_nonce(q, &f);
        return f;
}
