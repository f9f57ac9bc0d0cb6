/* SPDX-License-Identifier: BSD-3-Clause
 * An order that goes all over the subscribers: those asked for one after the other share no page of the
 * store. */
#pragma once

#include <stdint.h>

/* A step that visits each of 0..n-1 once before it comes back: i * step % n is a permutation. n > 0. */
uint32_t scatter_step(uint32_t n);
