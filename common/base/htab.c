/* SPDX-License-Identifier: BSD-3-Clause
 * Intrusive hash table under keyed SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF").
 */
#include "common/base/htab.h"

#include <stdlib.h>

#include "common/base/secret.h"

#define HTAB_FIRST 16

struct sip_state {
        uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned n)
{
        return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip_state *s)
{
        s->v0 += s->v1;
        s->v1 = rotl(s->v1, 13) ^ s->v0;
        s->v0 = rotl(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotl(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotl(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotl(s->v1, 17) ^ s->v2;
        s->v2 = rotl(s->v2, 32);
}

/* The process key. Where the generator fails the table still works, only its order can be guessed. */
static const uint64_t *hash_key(void)
{
        static uint64_t key[2];
        static bool drawn;

        if (!drawn) {
                drawn = true;
                if (secret_random(key, sizeof(key)) != 0)
                        key[0] = (uint64_t)(uintptr_t)&key;
        }
        return key;
}

static uint64_t hash_octets(struct span s, bool fold)
{
        const uint64_t *k = hash_key();
        struct sip_state st = {k[0] ^ 0x736f6d6570736575u, k[1] ^ 0x646f72616e646f6du,
                               k[0] ^ 0x6c7967656e657261u, k[1] ^ 0x7465646279746573u};
        uint64_t m;

        for (size_t i = 0; i + 8 <= s.n; i += 8) {
                memcpy(&m, s.p + i, 8);
                if (fold)
                        m = span_fold8(m);
                st.v3 ^= m;
                sip_round(&st);
                st.v0 ^= m;
        }
        m = 0;
        if (s.n % 8)
                memcpy(&m, s.p + s.n / 8 * 8, s.n % 8);
        if (fold)
                m = span_fold8(m);
        m |= (uint64_t)s.n << 56;
        st.v3 ^= m;
        sip_round(&st);
        st.v0 ^= m;
        st.v2 ^= 0xff;
        for (int i = 0; i < 3; i++)
                sip_round(&st);
        return st.v0 ^ st.v1 ^ st.v2 ^ st.v3;
}

uint64_t hash_span(struct span s)
{
        return hash_octets(s, false);
}

uint64_t hash_span_icase(struct span s)
{
        return hash_octets(s, true);
}

static uint64_t folded_product(uint64_t a, uint64_t b)
{
        __extension__ typedef unsigned __int128 wide;
        wide product = (wide)a * b;

        return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Two keyed products, the second with an odd constant: the first alone clusters when its factor happens to
 * end in zeros. A tenth of the price of another SipHash. */
uint64_t hash_mix(uint64_t a, uint64_t b)
{
        const uint64_t *k = hash_key();
        uint64_t h = folded_product(a ^ k[0], b ^ k[1]);

        return folded_product(h ^ k[1], 0x9e3779b97f4a7c15u);
}

struct hnode *htab_find(const struct htab *t, uint64_t hash, htab_eq_fn *eq, const void *key)
{
        if (t->n_slots == 0)
                return NULL;
        for (struct hnode *n = t->slots[hash & (t->n_slots - 1)]; n; n = n->next)
                if (n->hash == hash && eq(n, key))
                        return n;
        return NULL;
}

static int htab_grow(struct htab *t)
{
        size_t n_slots = t->n_slots ? t->n_slots * 2 : HTAB_FIRST;
        struct hnode **slots = calloc(n_slots, sizeof(struct hnode *));

        if (!slots)
                return -IMS_ENOMEM;
        for (size_t i = 0; i < t->n_slots; i++) {
                struct hnode *node = t->slots[i];

                while (node) {
                        struct hnode *next = node->next;
                        struct hnode **slot = &slots[node->hash & (n_slots - 1)];

                        node->next = *slot;
                        *slot = node;
                        node = next;
                }
        }
        free(t->slots);
        t->slots = slots;
        t->n_slots = n_slots;
        return 0;
}

int htab_insert(struct htab *t, struct hnode *node, uint64_t hash)
{
        struct hnode **slot;

        if (t->n >= t->n_slots && htab_grow(t) != 0 && t->n_slots == 0)
                return -IMS_ENOMEM;
        slot = &t->slots[hash & (t->n_slots - 1)];
        node->hash = hash;
        node->next = *slot;
        *slot = node;
        t->n++;
        return 0;
}

void htab_remove(struct htab *t, struct hnode *node)
{
        if (t->n_slots == 0)
                return;
        for (struct hnode **at = &t->slots[node->hash & (t->n_slots - 1)]; *at; at = &(*at)->next)
                if (*at == node) {
                        *at = node->next;
                        node->next = NULL;
                        t->n--;
                        return;
                }
}

void htab_each(struct htab *t, void (*fn)(struct hnode *node, void *arg), void *arg)
{
        for (size_t i = 0; i < t->n_slots; i++)
                for (struct hnode *node = t->slots[i], *next; node; node = next) {
                        next = node->next;
                        fn(node, arg);
                }
}

void htab_free(struct htab *t)
{
        free(t->slots);
        *t = (struct htab){0};
}
