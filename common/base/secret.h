/* SPDX-License-Identifier: BSD-3-Clause
 * Secrets: typed, wiped, compared in constant time, with no way into a log. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct key128 {
        uint8_t b[16];
};

/* Overwrites memory in a way the compiler keeps. p may be NULL when n is 0. */
void secret_wipe(void *p, size_t n);

/* Frees a block of malloc after its first n octets are wiped. p may be NULL, whatever n is then. */
void secret_free(void *p, size_t n);

/* Equality in time that depends on n alone. */
bool secret_eq(const void *a, const void *b, size_t n);

/* n octets of cryptographic randomness. -IMS_ECRYPTO when the generator fails. */
int secret_random(void *out, size_t n) IMS_CHECK;

/* Keeps this process out of core dumps and ptrace (prctl PR_SET_DUMPABLE, RLIMIT_CORE). Called first
 * by every node. */
void secret_no_dump(void);
