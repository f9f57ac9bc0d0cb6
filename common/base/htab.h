/* SPDX-License-Identifier: BSD-3-Clause
 * Intrusive hash table, keyed SipHash (the network chooses our keys), grows by itself. */
#pragma once

#include "common/base/span.h"

struct hnode {
        struct hnode *next;
        uint64_t hash;
};

struct htab {
        struct hnode **slots;
        size_t n_slots; /* power of two, 0 before the first insert */
        size_t n;
};

/* SipHash-1-3 under a key drawn once per process. The second folds ASCII case. */
uint64_t hash_span(struct span s);
uint64_t hash_span_icase(struct span s);

/* One hash of two, or of small numbers, under the same key. Cheap; octets go through hash_span. */
uint64_t hash_mix(uint64_t a, uint64_t b);

/* True when node has that key. */
typedef bool htab_eq_fn(const struct hnode *node, const void *key);

struct hnode *htab_find(const struct htab *t, uint64_t hash, htab_eq_fn *eq, const void *key);

/* Inserts without looking for an equal key. -IMS_ENOMEM when the first slots cannot be allocated
 * (a failed growth is not an error). */
int htab_insert(struct htab *t, struct hnode *node, uint64_t hash) IMS_CHECK;

/* Removes exactly this node; does nothing when it is not there. */
void htab_remove(struct htab *t, struct hnode *node);

/* Calls fn for every node; fn may remove and free the node it is given. */
void htab_each(struct htab *t, void (*fn)(struct hnode *node, void *arg), void *arg);

/* Frees the slots, not the nodes. */
void htab_free(struct htab *t);
