/* SPDX-License-Identifier: BSD-3-Clause
 * User-Data: the implicit set of an IMPU with the service profiles its identities share (TS 29.228
 * Annex B). Service profiles are kept parsed until their revision in the store changes. */
#pragma once

#include "hss/store.h"

struct profile_cache;

int profile_cache_new(struct profile_cache **out) IMS_CHECK;
void profile_cache_free(struct profile_cache *c);

struct profile_request {
        struct span impi; /* PrivateID */
        int64_t set;
        bool shared_ifc; /* the S-CSCF knows shared iFC sets (feature SiFC) */
};

/* Appends the document. -IMS_EPARSE when a service profile in the store cannot be read (logged), and the
 * errors of the store. */
int profile_build(struct profile_cache *c, struct store *s, struct arena *a, const struct profile_request *rq,
                  struct buf *out) IMS_CHECK;

/* What `hss profile set` accepts: an IMSSubscription with one ServiceProfile. NULL, or what is wrong (in
 * err when it is longer). */
const char *profile_check_document(struct span xml, struct buf *err);
