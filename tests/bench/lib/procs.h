/* SPDX-License-Identifier: BSD-3-Clause
 * CPU time of other processes, all their threads, from /proc/PID/task/TID/schedstat (nanoseconds). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/err.h"

#define PROCS_MAX 8

struct procs {
        struct {
                char name[16];
                pid_t pid;
                uint64_t cpu_ns[2];
        } v[PROCS_MAX];
        size_t n;
};

/* "NAME=PID". -IMS_EPARSE, -IMS_ELIMIT; -IMS_ENOTFOUND when there is no such process. */
int procs_add(struct procs *p, const char *text) IMS_CHECK;

/* Reads all into place 0 (before) or 1 (after). A process that is gone keeps its last value. */
void procs_read(struct procs *p, int place);

/* CPU between the two readings. */
uint64_t procs_spent_ns(const struct procs *p, size_t i);
