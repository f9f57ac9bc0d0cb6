/* SPDX-License-Identifier: BSD-3-Clause
 * Nonces of 407. One that nobody has answered yet takes no place: it says itself when it was given out, under
 * a key of the user's. So whoever can send in the name of a user displaces nothing by being challenged. Only
 * a right answer takes a place, and what it displaces is void with all that are older: no nonce counts from
 * its beginning twice. TS 33.203 N.2.1.2, N.2.3. */
#include "scscf/digest.h"

#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/codec.h"
#include "common/base/secret.h"

enum {
        AGE_N = 5, /* octets: milliseconds since the first challenge, from 1 */
        COUNT_N = 2,
        ALGORITHM_AT = AGE_N + COUNT_N,
        SAID_N = ALGORITHM_AT + 1,
        MAC_N = 8
};

static int seal(const struct digest_proxy *p, const uint8_t said[static SAID_N], uint8_t out[static MAC_N])
{
        uint8_t mac[EVP_MAX_MD_SIZE];

        if (!HMAC(EVP_sha256(), p->secret, sizeof(p->secret), said, SAID_N, mac, NULL))
                return -IMS_ECRYPTO;
        memcpy(out, mac, MAC_N);
        return 0;
}

/* Age and count as one number: which of two was given out first. */
static uint64_t order_of(const struct digest_nonce *n)
{
        uint64_t order = 0;

        for (int i = 0; i < ALGORITHM_AT; i++)
                order = order << 8 | n->random[i];
        return order;
}

int digest_proxy_new(uint64_t now_ms, struct digest_proxy **out)
{
        struct digest_proxy *p = calloc(1, sizeof(*p));

        if (!p)
                return -IMS_ENOMEM;
        p->since_ms = now_ms;
        if (secret_random(p->secret, sizeof(p->secret)) < 0) {
                free(p);
                return -IMS_ECRYPTO;
        }
        *out = p;
        return 0;
}

void digest_proxy_free(struct digest_proxy *p)
{
        if (!p)
                return;
        secret_free(p, sizeof(*p));
}

int digest_proxy_nonce(struct digest_proxy *p, uint8_t algorithm, uint64_t now_ms, struct digest_nonce *out)
{
        struct digest_nonce n = {.issued_ms = now_ms, .algorithm = algorithm, .live = true};
        uint64_t order = (now_ms - p->since_ms + 1) << (8 * COUNT_N) | p->count;
        int rc;

        for (int i = 0; i < ALGORITHM_AT; i++)
                n.random[i] = (uint8_t)(order >> (8 * (ALGORITHM_AT - 1 - i)));
        n.random[ALGORITHM_AT] = algorithm;
        rc = seal(p, n.random, n.random + SAID_N);
        if (rc < 0)
                return rc;
        p->count++;
        *out = n;
        return 0;
}

bool digest_proxy_open(const struct digest_proxy *p, struct span text, struct digest_nonce *out)
{
        struct digest_nonce n = {.live = true};
        uint8_t mac[MAC_N];
        size_t size;

        for (size_t i = 0; i < DIGEST_NONCES; i++)
                if (digest_nonce_is(&p->answered.nonces[i], text))
                        return false;
        if (base64_decode(text, n.random, sizeof(n.random), &size) < 0 || size != sizeof(n.random) ||
            seal(p, n.random, mac) < 0 || !secret_eq(mac, n.random + SAID_N, MAC_N))
                return false;
        if (order_of(&n) <= p->floor)
                return false;
        n.issued_ms = p->since_ms + (order_of(&n) >> (8 * COUNT_N)) - 1;
        n.algorithm = n.random[ALGORITHM_AT];
        *out = n;
        return true;
}

struct digest_nonce *digest_proxy_keep(struct digest_proxy *p, const struct digest_nonce *n,
                                       const struct digest_limits *l)
{
        struct digest_nonce *place = digest_engine_place(&p->answered, l);

        if (place->live && order_of(place) > p->floor)
                p->floor = order_of(place);
        *place = *n;
        return place;
}
