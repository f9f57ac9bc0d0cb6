/* SPDX-License-Identifier: BSD-3-Clause
 * The S-CSCFs a user may be assigned to, and the choice among them (TS 29.228 6.7): all mandatory
 * capabilities, then the most optional ones, then priority, then in turn. */
#pragma once

#include "common/diameter/cx.h"

#define POOL_MAX         64
#define CAPABILITIES_MAX 32
#define TRIED_MAX        16

struct capability_set {
        uint32_t v[CAPABILITIES_MAX];
        size_t n;
};

/* "1,2" or "". -IMS_EPARSE, -IMS_ETOOBIG. */
int capability_set_parse(struct span text, struct capability_set *out) IMS_CHECK;

struct pool_scscf {
        const char *uri; /* borrowed */
        struct capability_set capabilities;
        uint32_t priority;
};

struct pool {
        struct pool_scscf scscfs[POOL_MAX];
        size_t n;
        uint64_t turn; /* choices made; equal S-CSCFs take turns */
};

/* The S-CSCFs that were tried for one request. */
struct pool_tried {
        uint64_t hashes[TRIED_MAX];
        size_t n;
};

/* Full means that nothing more is tried. */
bool pool_tried_full(const struct pool_tried *t);
bool pool_tried_has(const struct pool_tried *t, struct span uri);
void pool_tried_add(struct pool_tried *t, struct span uri);

/* Adds one. uri: borrowed for the life of the pool. -IMS_ETOOBIG, and what capability_set_parse says. */
int pool_add(struct pool *p, const char *uri, struct span capabilities, uint32_t priority) IMS_CHECK;

/* The S-CSCF for these capabilities that was not tried yet; a Server-Name among them is preferred. The
 * result is borrowed from wanted or from the pool. -IMS_ENOTFOUND. */
int pool_choose(struct pool *p, const struct cx_capabilities *wanted, const struct pool_tried *tried,
                struct span *out_uri) IMS_CHECK;
