/* SPDX-License-Identifier: BSD-3-Clause
 * Duplicate detection (RFC 6733 3, T flag, and 5.5.4): the answers of the last requests, found by
 * Origin-Host and end-to-end identifier, so that a request that was sent again over another way gets the
 * answer it had and is not carried out twice. Bounded in number and age. */
#pragma once

#include "common/base/buf.h"
#include "common/base/htab.h"
#include "common/base/list.h"

#define DIA_DUPS_MAX    4096
#define DIA_DUPS_AGE_MS 60000

struct dia_conn;

struct dia_dup {
        struct hnode by_key;
        struct list node; /* oldest first */
        uint64_t at_ms;
        uint32_t end;
        struct buf answer; /* empty while the request is being worked on */
        bool secret;
        bool busy;              /* the application still has the request */
        struct dia_conn *again; /* who asked again meanwhile */
        uint32_t again_hop;
        size_t n_origin;
        char origin[];
};

struct dia_dups {
        struct htab by_key;
        struct list order;
        size_t n;
};

void dia_dups_init(struct dia_dups *d);
void dia_dups_free(struct dia_dups *d);

/* The entry of an earlier request, or NULL. */
struct dia_dup *dia_dups_find(struct dia_dups *d, struct span origin, uint32_t end, uint64_t now_ms);

/* Remembers a request that is being worked on; replaces an older one of the same key. NULL when out of
 * memory (then it is simply not remembered). */
struct dia_dup *dia_dups_add(struct dia_dups *d, struct span origin, uint32_t end, uint64_t now_ms);

/* Its answer; takes the buffer. */
void dia_dup_done(struct dia_dup *e, struct buf *answer, bool secret);

/* Forgets it (no answer will come). Accepts NULL. */
void dia_dup_drop(struct dia_dups *d, struct dia_dup *e);

/* A connection is gone: nobody waits on it any more. */
void dia_dups_conn_gone(struct dia_dups *d, const struct dia_conn *c);
