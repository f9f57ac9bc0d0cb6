/* SPDX-License-Identifier: BSD-3-Clause
 * Group commit: the requests of one turn of the loop are handled in one transaction, and their answers
 * leave after its commit, so that no vector and no state is known outside before it is durable. When the
 * commit fails nothing leaves but errors. The loop never waits for the database: while another program
 * writes, requests that write wait in the queue and reads go on. */
#pragma once

#include "common/net/loop.h"
#include "hss/cx_job.h"

struct group;

struct group_conf {
        struct hss_env env;
        uint32_t busy_ms;          /* longest wait for the lock, then DIAMETER_TOO_BUSY */
        uint32_t checkpoint_pages; /* 0: no checkpoints */
        const char *file;          /* of the database, for checkpoints; must outlive the group */
        /* Answers the job; called exactly once per job, in order of arrival among those of a turn. */
        void (*answer)(struct job *j, void *arg);
        void *arg;
};

int group_new(struct loop *l, const struct group_conf *conf, struct group **out) IMS_CHECK;

/* A job to be filled and given to group_add. NULL when out of memory. */
struct job *group_job(struct group *g);
void group_add(struct group *g, struct job *j);

/* Handles what waits, now (the loop's hook does it at the end of each turn). */
void group_run(struct group *g);

/* Answers what waits with DIAMETER_TOO_BUSY and frees; a running checkpoint is waited for. */
void group_free(struct group *g);
