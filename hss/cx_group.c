/* SPDX-License-Identifier: BSD-3-Clause
 * Group commit. */
#include "hss/cx_group.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/timers.h"

#define SPARE_MAX  64 /* jobs kept for reuse */
#define RESTART_AT 4  /* a log this many times the checkpoint limit is started over */

static const char busy_why[] = "another program holds the database";

struct group {
        struct loop *loop;
        struct group_conf conf;
        struct loop_hook hook;
        struct list waiting; /* jobs in order of arrival */
        struct list spare;
        size_t n_spare;
        struct tmr retry;
        bool retrying;     /* the lock was taken away; wait for the timer */
        uint64_t n_failed; /* requests refused since the database failed */
        const char *said;  /* the trouble that the log tells of already */
        uv_work_t checkpoint;
        bool checkpointing, restart;
        int checkpoint_rc;
        uint32_t checkpointed;     /* pages of the log when the last one began, 0 once it has started over */
        uint64_t checkpoint_at_ms; /* no attempt before; after one that others kept from its end */
        uint32_t said_pages;       /* the length of the log that was complained about, 0: none */
};

static void run_hook(void *arg)
{
        struct group *g = arg;
        if (!list_empty(&g->waiting))
                group_run(g);
}

int group_new(struct loop *l, const struct group_conf *conf, struct group **out)
{
        struct group *g = calloc(1, sizeof *g);
        if (!g)
                return -IMS_ENOMEM;
        g->loop = l;
        g->conf = *conf;
        g->hook = (struct loop_hook){.fn = run_hook, .arg = g};
        list_init(&g->waiting);
        list_init(&g->spare);
        loop_hook_add(l, &g->hook);
        *out = g;
        return 0;
}

struct job *group_job(struct group *g)
{
        struct job *j = NULL;
        if (list_empty(&g->spare)) {
                j = calloc(1, sizeof *j);
                if (!j)
                        return NULL;
        } else {
                j = container_of(g->spare.next, struct job, node);
                list_unlink(&j->node);
                g->n_spare--;
        }
        j->rq = NULL;
        j->facts = (struct facts){0};
        j->d = (struct decision){.effects = EFFECTS_NONE};
        j->reply.n_avs = 0;
        j->note = NULL;
        j->stale = false;
        arena_init(&j->arena);
        return j;
}

static void job_done(struct group *g, struct job *j)
{
        g->conf.answer(j, g->conf.arg);
        secret_wipe(j->reply.avs, j->reply.n_avs * sizeof *j->reply.avs);
        secret_wipe(j->reply.ha1, sizeof j->reply.ha1);
        j->reply = (struct reply){.loose_route = -1};
        arena_reset(&j->arena, false);
        if (g->n_spare < SPARE_MAX) {
                list_append(&g->spare, &j->node);
                g->n_spare++;
        } else {
                free(j);
        }
}

void group_add(struct group *g, struct job *j)
{
        j->reply = (struct reply){.loose_route = -1, .priviledged_sender = -1};
        j->deadline_ms = loop_now_ms(g->loop) + g->conf.busy_ms;
        list_append(&g->waiting, &j->node);
}

static void answer_all(struct group *g, struct list *jobs)
{
        while (!list_empty(jobs)) {
                struct job *j = container_of(jobs->next, struct job, node);
                list_unlink(&j->node);
                job_done(g, j);
        }
}

/* Nothing of this group was committed: every answer becomes an error. */
static void fail_all(struct group *g, struct list *jobs, int rc)
{
        bool busy = rc == -IMS_EALREADY;
        const char *why = busy ? busy_why : store_trouble(g->conf.env.store);
        list_for_each(pos, jobs)
        {
                struct job *j = container_of(pos, struct job, node);
                job_fail(j, dia_base(busy ? DIA_TOO_BUSY : DIA_UNABLE_TO_COMPLY),
                         busy ? CAUSE_overload : CAUSE_storage_failed, why);
                g->n_failed++;
        }
}

/* True when the lock cannot be had just now. */
static bool wait_for_lock(struct group *g, struct list *jobs, int rc)
{
        uint64_t now = loop_now_ms(g->loop);
        struct list late;
        if (rc != -IMS_EALREADY)
                return false;
        list_init(&late);
        list_for_each_safe(pos, tmp, jobs)
        {
                list_unlink(pos);
                bool expired = container_of(pos, struct job, node)->deadline_ms <= now;
                list_append(expired ? &late : &g->waiting, pos);
        }
        if (!list_empty(&late)) {
                if (g->said != busy_why)
                        log_warn("database locked by another program for %u ms: answering DIAMETER_TOO_BUSY",
                                 g->conf.busy_ms);
                g->said = busy_why;
                fail_all(g, &late, rc);
                answer_all(g, &late);
        }
        return true;
}

static void handle(struct group *g, struct list *jobs, bool write)
{
        struct store *s = g->conf.env.store;
        struct job *j;
        int rc = store_begin(s, write);
        if (wait_for_lock(g, jobs, rc))
                return;
        list_for_each(pos, jobs)
        {
                if (rc < 0)
                        break;
                j = container_of(pos, struct job, node);
                j->stale = job_writes(j) && j->rq && !dia_request_awaited(j->rq);
                rc = j->stale ? 0 : job_run(&g->conf.env, j);
        }
        if (rc == 0)
                rc = store_commit(s);
        else
                store_rollback(s);
        if (rc < 0) {
                if (g->said != store_trouble(s))
                        log_error("%s: %s (%s); nothing leaves but errors", store_trouble(s), store_error(s),
                                  ims_strerror(rc == -IMS_EEXISTS ? -IMS_EDB : rc));
                g->said = store_trouble(s);
                fail_all(g, jobs, rc);
        } else if (g->n_failed && write) {
                log_notice("database works again; %llu requests were refused meanwhile",
                           (unsigned long long)g->n_failed);
                g->n_failed = 0;
                g->said = NULL;
        }
        answer_all(g, jobs);
}

static void retry(struct tmr *t, void *arg)
{
        (void)t;
        struct group *g = arg;
        g->retrying = false;
        group_run(g);
}

/* --- checkpoints --- */

static void checkpoint_work(uv_work_t *w)
{
        struct group *g = w->data;
        g->checkpoint_rc = store_checkpoint(g->conf.file, g->restart);
}

/* Somebody who reads for long keeps the log from starting over: it is said once per doubling. */
static void tell_pages(struct group *g, bool kept)
{
        uint32_t pages = (uint32_t)store_wal_pages(g->conf.env.store);
        if (kept && pages >= 2 * g->said_pages && pages >= RESTART_AT * g->conf.checkpoint_pages) {
                log_warn(
                        "the write-ahead log of the database has %u pages and grows: another program has had "
                        "the database open for reading for long",
                        pages);
                g->said_pages = pages;
        } else if (!kept && g->said_pages && pages < RESTART_AT * g->conf.checkpoint_pages) {
                log_notice("the write-ahead log of the database has started over");
                g->said_pages = 0;
        }
}

static void checkpoint_done(uv_work_t *w, int status)
{
        struct group *g = w->data;
        bool kept = g->checkpoint_rc == -IMS_EALREADY;
        g->checkpointing = false;
        if (status != 0)
                return;
        if (g->checkpoint_rc < 0) {
                g->checkpoint_at_ms =
                        loop_now_ms(g->loop) + ims_timer_rows[IMS_TIMER_CHECKPOINT_PAUSE].default_ms;
                g->checkpointed = 0;
        }
        if (g->checkpoint_rc < 0 && !kept)
                log_warn("checkpoint of the database failed: the write-ahead log keeps growing");
        else
                tell_pages(g, kept);
}

/* While requests come without a pause the log goes on behind what was copied, so the next copy waits for as
 * many pages again. */
static void checkpoint(struct group *g)
{
        uint32_t pages = (uint32_t)store_wal_pages(g->conf.env.store);
        if (pages < g->checkpointed)
                g->checkpointed = 0;
        if (g->checkpointing || g->conf.checkpoint_pages == 0 ||
            pages < g->checkpointed + g->conf.checkpoint_pages || loop_now_ms(g->loop) < g->checkpoint_at_ms)
                return;
        g->checkpointed = pages;
        g->restart = pages >= RESTART_AT * g->conf.checkpoint_pages;
        g->checkpoint.data = g;
        if (uv_queue_work(loop_uv(g->loop), &g->checkpoint, checkpoint_work, checkpoint_done) == 0)
                g->checkpointing = true;
}

void group_run(struct group *g)
{
        struct list reads, writes;
        list_init(&reads);
        list_init(&writes);
        bool write = false;
        list_for_each(pos, &g->waiting) write = write || job_writes(container_of(pos, struct job, node));
        /* While the lock is away only reads are taken; otherwise all go into one transaction. */
        list_for_each_safe(pos, tmp, &g->waiting)
        {
                bool writes_itself = job_writes(container_of(pos, struct job, node));
                if (g->retrying && writes_itself)
                        continue;
                list_unlink(pos);
                list_append(write && !g->retrying ? &writes : &reads, pos);
        }
        if (!list_empty(&reads))
                handle(g, &reads, false);
        if (!list_empty(&writes))
                handle(g, &writes, true);
        if (!list_empty(&g->waiting) && !g->retrying) {
                g->retrying = tmr_start(g->loop, &g->retry, ims_timer_rows[IMS_TIMER_STORE_RETRY].default_ms,
                                        retry, g) == 0;
                if (g->retrying)
                        group_run(g); /* the reads among them */
        }
        checkpoint(g);
}

void group_free(struct group *g)
{
        if (!g)
                return;
        tmr_stop(g->loop, &g->retry);
        loop_hook_remove(g->loop, &g->hook);
        fail_all(g, &g->waiting, -IMS_EALREADY);
        answer_all(g, &g->waiting);
        while (g->checkpointing)
                loop_once(g->loop);
        while (!list_empty(&g->spare)) {
                struct job *j = container_of(g->spare.next, struct job, node);
                list_unlink(&j->node);
                free(j);
        }
        free(g);
}
