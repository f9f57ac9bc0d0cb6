/* SPDX-License-Identifier: BSD-3-Clause
 * What sa_table.c and sa_life.c share. */
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
