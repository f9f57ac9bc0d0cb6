/* SPDX-License-Identifier: BSD-3-Clause
 * Pushes under way: one task per IMPI, PPR then RTR, as its row in the store says. */
#include "hss/push.h"

#include <stdlib.h>
#include <time.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/timers.h"
#include "hss/cx_job.h"
#include "hss/store_push.h"

#define TASKS_MAX 64 /* under way at once; the others wait in the store */
#define SETS_MAX  256

struct pusher {
        struct loop *loop;
        const struct hss_conf *conf;
        struct store *store;
        struct trace *trace;
        struct push_port port;
        struct list tasks;
        size_t n_tasks;
        struct tmr timer;
        int64_t from[2]; /* where the next scan goes on; [removed] */
};

struct task {
        struct list node;
        struct pusher *pusher;
        struct store_push row; /* texts in arena */
        struct control_call *call;
        struct arena arena;
        struct tmr timer; /* the store is to be written and could not be */
        bool told;        /* RTR was answered: the registration is over */
};

/* --- words --------------------------------------------------------------------------------------- */

static void say(struct task *t, const char *text)
{
        if (t->call)
                buf_printf(control_answer(t->call), SPAN_FMT ": %s\n", SPAN_ARG(t->row.impi_name), text);
}

static void on_cancel(void *arg)
{
        ((struct task *)arg)->call = NULL;
}

static void end_call(struct task *t)
{
        if (t->call)
                control_end(t->call);
        t->call = NULL;
}

struct word {
        enum verdict_outcome outcome;
        enum verdict_cause cause;
        const char *message; /* "PPR" */
        const char *what;
};

/* The same in the log, in the event stream and to whoever gave the command. */
static void verdict(struct task *t, const struct word *w)
{
        struct buf text = BUF_INIT;
        buf_printf(&text, "%s to " SPAN_FMT ": %s", w->message,
                   SPAN_ARG(t->row.host.p ? t->row.host : SPAN("nobody")), w->what);
        buf_char(&text, '\0');
        const char *evidence = text.err ? w->what : text.p;
        struct verdict v = {.procedure = w->cause == CAUSE_deregistered_by_hss ? VERDICT_DEREGISTRATION
                                                                               : VERDICT_PUSH,
                            .outcome = w->outcome,
                            .cause = w->cause,
                            .clause = *w->message == 'R' ? "TS 29.228 6.1.3" : "TS 33.203 N.2.5",
                            .evidence = evidence,
                            .impi = t->row.impi_name};
        trace_verdict(t->pusher->trace, &v);
        say(t, evidence);
        buf_free(&text);
}

/* --- the end of a task --------------------------------------------------------------------------- */

static void task_free(struct task *t)
{
        tmr_stop(t->pusher->loop, &t->timer);
        end_call(t);
        list_unlink(&t->node);
        t->pusher->n_tasks--;
        arena_reset(&t->arena, true);
        free(t);
}

/* As ADMINISTRATIVE_DEREGISTRATION by the S-CSCF would have it, for every set that this IMPI has registered.
 */
static int end_registration(struct task *t)
{
        struct store *s = t->pusher->store;
        const struct cx_sar m = {.impi = t->row.impi_name,
                                 .impus.n = 1,
                                 .server_name = t->row.scscf_name,
                                 .type = CX_SAT_ADMINISTRATIVE_DEREGISTRATION};
        const struct serving by = {.name = t->row.scscf_name};
        int64_t sets[SETS_MAX];
        size_t n = 0;
        struct facts f;
        int rc = store_list_sets(s, t->row.row, true, sets, SETS_MAX, &n);
        for (size_t i = 0; rc == 0 && i < n; i++) {
                rc = store_read_set(s, &t->arena, t->row.row, sets[i], &f);
                if (rc < 0 || !f.impi)
                        continue;
                struct decision d = cx_sar_decide(&m, &f, false);
                if (dia_result_ok(d.result))
                        rc = store_apply(s, &f, &d.effects, &by);
        }
        return rc;
}

static void settle(struct task *t);

static void on_settle(struct tmr *timer, void *arg)
{
        (void)timer;
        settle(arg);
}

/* Writes that it is done. Until that works nothing is told again: a second RTR would end another
 * registration. */
static void settle(struct task *t)
{
        struct pusher *p = t->pusher;
        struct control_call *call;
        int64_t row = t->row.row;
        bool another = false; /* change came meanwhile */
        int rc = store_begin(p->store, true);
        if (rc == 0) {
                if (t->told && !t->row.removed)
                        rc = end_registration(t);
                if (rc == 0)
                        rc = t->row.removed ? store_removed_done(p->store, row)
                                            : store_push_done(p->store, row, t->row.change);
                another = rc == -IMS_ENOTFOUND;
                if (rc == 0 || another)
                        rc = store_commit(p->store);
                else
                        store_rollback(p->store);
        }
        if (rc < 0) {
                uint32_t ms = rc == -IMS_EALREADY ? ims_timer_rows[IMS_TIMER_STORE_RETRY].default_ms
                                                  : p->conf->push_retry_ms;
                if (rc != -IMS_EALREADY) {
                        log_error("push: what was told cannot be stored: %s", store_trouble(p->store));
                        say(t, store_trouble(p->store));
                        end_call(t);
                }
                if (tmr_start(p->loop, &t->timer, ms, on_settle, t) == 0)
                        return;
        }
        call = another ? t->call : NULL;
        t->call = another ? NULL : t->call;
        task_free(t);
        if (another)
                push_now(p, row, call);
}

/* Stays in the store, for the next scan. */
static void later(struct task *t, const char *message, const char *why)
{
        int64_t age_s = (int64_t)time(NULL) - t->row.since_s;
        bool over = age_s >= 0 && (uint64_t)age_s * 1000 >= t->pusher->conf->push_give_up_ms;
        struct word w = {VERDICT_FAILED, CAUSE_push_undelivered, message, why};
        if (over) {
                verdict(t, &w);
                settle(t);
                return;
        }
        log_warn("%s to " SPAN_FMT ": %s; it is tried again", message, SPAN_ARG(t->row.host), why);
        if (t->call)
                buf_printf(control_answer(t->call),
                           SPAN_FMT ": %s to " SPAN_FMT ": %s; tried again for %u s. %s\n",
                           SPAN_ARG(t->row.impi_name), message, SPAN_ARG(t->row.host), why,
                           t->pusher->conf->push_give_up_ms / 1000,
                           t->row.removed ? "A REGISTER is refused from now on"
                                          : "What is stored holds at the next challenge");
        task_free(t);
}

/* --- answers ------------------------------------------------------------------------------------- */

static bool transient(struct dia_result r)
{
        return r.vendor == 0 && (r.code / 1000 == 3 || r.code / 1000 == 4);
}

static void on_rta(int err, const struct cx_rta *a, void *arg)
{
        struct task *t = arg;
        if (err || transient(a->h.result)) {
                later(t, "RTR", err ? ims_strerror(err) : dia_result_str(a->h.result));
                return;
        }
        bool unknown = dia_result_is(a->h.result, dia_3gpp(CX_ERROR_USER_UNKNOWN));
        t->told = dia_result_ok(a->h.result) || unknown;
        verdict(t, &(struct word){t->told ? VERDICT_OK : VERDICT_REFUSED,
                                  t->told ? CAUSE_deregistered_by_hss : CAUSE_push_refused, "RTR",
                                  unknown   ? "it has no such registration"
                                  : t->told ? "the registration is over"
                                            : dia_result_str(a->h.result)});
        settle(t);
}

static void send_rtr(struct task *t)
{
        struct cx_rtr m = {.h.destination_host = t->row.host,
                           .h.destination_realm = t->row.realm,
                           .impi = t->row.impi_name,
                           .reason_code = t->row.ending == PUSH_DEREGISTER ? CX_PERMANENT_TERMINATION
                                                                           : CX_SERVER_CHANGE,
                           .reason_info = t->row.removed ? SPAN("the subscriber was removed")
                                                         : SPAN("the credential of the user was changed")};
        int rc = t->pusher->port.rtr(t->pusher->port.arg, &m, on_rta, t);
        if (rc < 0)
                later(t, "RTR", ims_strerror(rc));
}

static void on_ppa(int err, const struct cx_ppa *a, void *arg)
{
        struct task *t = arg;
        if (err || transient(a->h.result)) {
                later(t, "PPR", err ? ims_strerror(err) : dia_result_str(a->h.result));
                return;
        }
        bool ok = dia_result_ok(a->h.result);
        bool unknown = dia_result_is(a->h.result, dia_3gpp(CX_ERROR_USER_UNKNOWN));
        verdict(t, &(struct word){ok || unknown ? VERDICT_OK : VERDICT_REFUSED,
                                  ok        ? CAUSE_password_pushed
                                  : unknown ? CAUSE_push_not_needed
                                            : CAUSE_push_refused,
                                  "PPR",
                                  ok        ? "pushed and accepted"
                                  : unknown ? "not registered there: it asks at the next challenge"
                                            : dia_result_str(a->h.result)});
        if (t->row.ending != PUSH_STAYS)
                send_rtr(t);
        else
                settle(t);
}

static void send_ppr(struct task *t, const struct credential *c)
{
        struct cx_ppr m = {.h.destination_host = t->row.host,
                           .h.destination_realm = t->row.realm,
                           .impi = t->row.impi_name,
                           .has_item = true};
        cx_digest_item(&m.item, c->digest_realm, c->digest_algorithm, c->ha1);
        int rc = t->pusher->port.ppr(t->pusher->port.arg, &m, on_ppa, t);
        if (rc < 0)
                later(t, "PPR", ims_strerror(rc));
}

/* --- beginning ----------------------------------------------------------------------------------- */

/* The row and, for PPR, the credential as it is now. -IMS_ENOTFOUND: nothing is to be told. */
static int read_row(struct task *t, struct credential *c)
{
        struct store *s = t->pusher->store;
        int64_t row = t->row.row;
        int rc = store_begin(s, false);
        if (rc < 0)
                return rc;
        rc = (t->row.removed ? store_removed_next : store_push_next)(s, &t->arena, row, &t->row);
        if (rc == 0 && t->row.row != row)
                rc = -IMS_ENOTFOUND;
        if (rc == 0 && t->row.password)
                rc = store_read_credential(s, &t->arena, row, c);
        store_rollback(s);
        return rc;
}

static struct task *find(struct pusher *p, bool removed, int64_t row)
{
        list_for_each(n, &p->tasks)
        {
                struct task *t = container_of(n, struct task, node);
                if (t->row.row == row && t->row.removed == removed)
                        return t;
        }
        return NULL;
}

static void begin(struct task *t)
{
        struct credential c = {0};
        int rc = read_row(t, &c);
        if (rc == 0 && !t->row.host.p) {
                verdict(t, &(struct word){VERDICT_OK, CAUSE_push_not_needed, t->row.password ? "PPR" : "RTR",
                                          "no S-CSCF serves the user any more"});
                settle(t);
        } else if (rc == 0 && t->row.password && c.scheme == HSS_SCHEME_DIGEST) {
                send_ppr(t, &c);
        } else if (rc == 0 && t->row.ending != PUSH_STAYS) {
                send_rtr(t);
        } else if (rc == 0) {
                settle(t); /* the user has no password any more */
        } else if (rc == -IMS_EAUTH) {
                later(t, "PPR", "the stored credential does not open under this key file");
        } else {
                if (rc != -IMS_ENOTFOUND)
                        log_error("push: %s (%s)", ims_strerror(rc), store_error(t->pusher->store));
                if (t->call)
                        buf_printf(control_answer(t->call), "%s\n",
                                   rc == -IMS_ENOTFOUND ? "the S-CSCF was told already" : ims_strerror(rc));
                task_free(t);
        }
        secret_wipe(&c, sizeof c);
}

static void tell(struct pusher *p, bool removed, int64_t row, struct control_call *call)
{
        struct task *t = find(p, removed, row);
        if (!t)
                t = calloc(1, sizeof *t);
        else if (call) /* the answer to what is under way, and to this change after it */
                end_call(t);
        if (!t) {
                log_error("push: out of memory");
                if (call)
                        control_end(call);
                return;
        }
        if (call) {
                t->call = call;
                control_on_cancel(call, on_cancel, t);
        }
        if (t->pusher)
                return;
        t->pusher = p;
        t->row = (struct store_push){.row = row, .removed = removed};
        arena_init(&t->arena);
        list_append(&p->tasks, &t->node);
        p->n_tasks++;
        begin(t);
}

void push_now(struct pusher *p, int64_t impi, struct control_call *call)
{
        tell(p, false, impi, call);
}

void push_removed(struct pusher *p, int64_t row, struct control_call *call)
{
        tell(p, true, row, call);
}

static void on_timer(struct tmr *t, void *arg)
{
        (void)t;
        push_scan(arg);
}

/* The next rows of a table, as many as may be under way. */
static size_t next_rows(struct pusher *p, bool removed, int64_t *rows, size_t cap)
{
        int64_t *from = &p->from[removed];
        struct arena a;
        struct store_push row;
        size_t n = 0;
        int rc = store_begin(p->store, false);
        arena_init(&a);
        while (rc == 0 && n < cap) {
                rc = (removed ? store_removed_next : store_push_next)(p->store, &a, *from, &row);
                if (rc < 0)
                        break;
                *from = row.row + 1;
                if (!find(p, removed, row.row))
                        rows[n++] = row.row;
                arena_reset(&a, false);
        }
        if (rc == -IMS_ENOTFOUND)
                *from = 0;
        store_rollback(p->store);
        arena_reset(&a, false);
        return n;
}

void push_scan(struct pusher *p)
{
        int64_t rows[TASKS_MAX];
        for (int removed = 1; removed >= 0; removed--) {
                size_t n = p->n_tasks < TASKS_MAX ? next_rows(p, removed, rows, TASKS_MAX - p->n_tasks) : 0;
                for (size_t i = 0; i < n; i++)
                        tell(p, removed, rows[i], NULL);
        }
        tmr_stop(p->loop, &p->timer);
        if (tmr_start(p->loop, &p->timer, p->conf->push_retry_ms, on_timer, p) < 0)
                log_error("push: out of memory");
}

void push_on_command(struct control_call *call, struct span command, void *arg)
{
        struct span word;
        uint64_t row = 0;
        if (span_split(&command, ' ', &word) && span_u64(command, INT64_MAX, &row) == 0 &&
            (span_eq(word, SPAN("push")) || span_eq(word, SPAN("removed")))) {
                tell(arg, span_eq(word, SPAN("removed")), (int64_t)row, call);
                return;
        }
        buf_puts(control_answer(call), "error: no such command\n");
        control_end(call);
}

/* --- life ---------------------------------------------------------------------------------------- */

int push_new(struct loop *l, const struct hss_conf *conf, struct store *store, struct trace *trace,
             const struct push_port *port, struct pusher **out)
{
        struct pusher *p = calloc(1, sizeof *p);
        if (!p)
                return -IMS_ENOMEM;
        *p = (struct pusher){.loop = l, .conf = conf, .store = store, .trace = trace, .port = *port};
        list_init(&p->tasks);
        *out = p;
        return 0;
}

void push_free(struct pusher *p)
{
        if (!p)
                return;
        while (!list_empty(&p->tasks))
                task_free(container_of(p->tasks.next, struct task, node));
        tmr_stop(p->loop, &p->timer);
        free(p);
}
