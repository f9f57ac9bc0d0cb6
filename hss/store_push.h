/* SPDX-License-Identifier: BSD-3-Clause
 * What S-CSCFs are still to be told: it is written together with the change itself, so that neither a crash
 * nor an S-CSCF that is away loses it (TS 33.203 N.2.5). Same rules as store.h. */
#pragma once

#include "hss/store.h"

enum push_ending { PUSH_STAYS, PUSH_REAUTHENTICATE, PUSH_DEREGISTER };

struct store_push {
        int64_t row;    /* of an IMPI, or of one that was removed */
        bool removed;   /* ... which: a row of the table removed */
        int64_t change; /* another one after each change */
        bool password;  /* PPR with H(A1) */
        enum push_ending ending;
        int64_t since_s; /* seconds since 1970 */
        struct span impi_name;
        struct span scscf_name, host, realm; /* p NULL: no S-CSCF is assigned */
};

/* Adds to what the S-CSCF of that IMPI is to be told. */
int store_push_put(struct store *s, int64_t impi, bool password, enum push_ending ending) IMS_CHECK;
/* The first one at or after that row of an IMPI. -IMS_ENOTFOUND behind the last one. */
int store_push_next(struct store *s, struct arena *a, int64_t from, struct store_push *out) IMS_CHECK;
/* It is done with. -IMS_ENOTFOUND: there was another change meanwhile, which is not. */
int store_push_done(struct store *s, int64_t impi, int64_t change) IMS_CHECK;

/* The S-CSCF of an IMPI that is about to be removed is to end its registration. *row says where that stands;
 * 0: no S-CSCF is assigned, nobody is to be told. */
int store_removed_put(struct store *s, int64_t impi, int64_t *row) IMS_CHECK;
/* The first one at or after that row. -IMS_ENOTFOUND behind the last one. */
int store_removed_next(struct store *s, struct arena *a, int64_t from, struct store_push *out) IMS_CHECK;
/* It is done with. */
int store_removed_done(struct store *s, int64_t row) IMS_CHECK;
