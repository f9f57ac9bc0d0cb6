/* SPDX-License-Identifier: BSD-3-Clause
 * Authentication vectors of one IMPI: first in, first out, each used once (TS 33.203 6.1.1). */
#pragma once

#include "common/auth/aka.h"

struct av {
        struct av *next;
        struct aka_av v;
};

/* Appends a copy. -IMS_ENOMEM, or -IMS_ELIMIT when max are there already. */
int av_push(struct av **fifo, const struct aka_av *v, size_t max) IMS_CHECK;

/* Takes the oldest one into *out. False when there is none. */
bool av_pop(struct av **fifo, struct aka_av *out);

size_t av_count(const struct av *fifo);

/* Wipes and frees all; *fifo becomes NULL. */
void av_clear(struct av **fifo);
