/* SPDX-License-Identifier: BSD-3-Clause
 * Texts that many users have in common (name of their HSS, charging functions, the service part of
 * their profile) are kept once, found by hash and counted. */
#pragma once

#include "common/base/htab.h"
#include "common/profile/profile.h"

struct shared_store {
        struct htab texts;
};

struct shared {
        struct hnode node;
        struct shared_store *store;
        struct profile *profile; /* what the text says, for the service part of a profile; else NULL */
        uint32_t refs, n;
        char text[]; /* NUL-terminated */
};

/* One more reference to the entry with this text. NULL when out of memory, or when text is empty. */
struct shared *shared_get(struct shared_store *store, struct span text);

/* Gives a reference back. Accepts NULL. */
void shared_put(struct shared *s);

/* Frees the table; every reference must have come back. */
void shared_store_free(struct shared_store *store);

/* The service part of one ServiceProfile (filter criteria, shared sets, media profile), without its
 * identities: users with the same services share it. *out is NULL when the part is empty.
 * -IMS_ENOMEM, or what profile_write says. */
int shared_service(struct shared_store *store, const struct profile_service *service,
                   struct shared **out) IMS_CHECK;

static inline struct span shared_text(const struct shared *s)
{
        return s ? span_make(s->text, s->n) : SPAN_NULL;
}
