/* SPDX-License-Identifier: BSD-3-Clause
 * What sa_table.c, sa_open.c and sa_life.c share. */
#pragma once

#include "pcscf/sa_table.h"

struct sa_table {
        struct loop *loop;
        struct sa_table_conf conf;
        struct htab pairs, spis, assocs, impis;
        uint32_t last_id, last_serial, last_spi;
        size_t n_sets;
};

/* Starts the set's timer for its expires_ms, or moves it, which never fails. */
void sa_set_arm(struct sa_set *s);

/* --- sa_table.c ---------------------------------------------------------------------------------- */

/* The set that messages between these ends belong to, whichever address of ours local_port is at. */
struct sa_set *sa_find_pair(const struct sa_table *t, const struct addr *remote, uint16_t local_port);

/* Records of one IMPI: prev NULL begins. */
struct sa_assoc *sa_next_of_impi(const struct sa_table *t, struct span impi, const struct sa_assoc *prev);

/* True when the record is that of this UE (its IMPI is not compared). */
bool sa_same_who(const struct sa_assoc *a, const struct sa_who *who);

/* A record without sets; it goes with its last one. NULL: no memory. */
struct sa_assoc *sa_assoc_new(struct sa_table *t, const struct sa_who *who);

/* Puts the set into the tables, in part also when it fails: sa_remove_set is due then. -IMS_ENOMEM. */
int sa_set_link(struct sa_assoc *a, struct sa_set *s);
