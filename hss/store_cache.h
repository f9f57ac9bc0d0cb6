/* SPDX-License-Identifier: BSD-3-Clause
 * Facts that were read or written lately, so that the four requests of a registration look a subscriber up
 * once: with a million of them each look walks through pages that no processor cache holds any more.
 *
 * An entry is the pair of an IMPI and an IMPU that belong together. It holds as long as nobody else changed
 * the database (PRAGMA data_version, looked at when a transaction begins), nothing was rolled back, and
 * nothing was written to its subscription but what store_cache_wrote was told. */
#pragma once

#include "hss/facts.h"

struct store_cache;

int store_cache_new(struct store_cache **out) IMS_CHECK;
void store_cache_free(struct store_cache *c); /* accepts NULL, as all below do */

/* The version of the database in the transaction that begins; another one than before empties the cache. */
void store_cache_begin(struct store_cache *c, int64_t data_version);
void store_cache_clear(struct store_cache *c);

/* Texts are copied into a. False when the pair is not there. */
bool store_cache_get(struct store_cache *c, struct arena *a, struct span impi, struct span impu,
                     struct facts *out);

/* Keeps f, which was read for that very pair. Pairs that do not belong together, wildcarded identities and
 * very long texts are not kept. */
void store_cache_put(struct store_cache *c, const struct facts *f);

/* Effects were written for f: everything of its subscription is forgotten, but f as it is now is kept. name:
 * of the S-CSCF. */
void store_cache_wrote(struct store_cache *c, const struct facts *f, const struct effects *e,
                       struct span name);
