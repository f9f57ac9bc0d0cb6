/* SPDX-License-Identifier: BSD-3-Clause
 * The registration timer: a binding ends a guard later than the UE was told. TS 33.203 6.1.1,
 * TS 24.229 5.4.1.5. */
#include "scscf/registrar_int.h"

#include "common/base/log.h"

static void on_expiry(struct tmr *t, void *arg);

void reg_expiry_arm(struct registrar *r, struct reg_set *set)
{
        uint64_t next = UINT64_MAX, now = r->port.now_ms(r->arg);

        if (list_empty(&set->contacts)) {
                reg_set_check(r, set);
                return;
        }
        list_for_each(n, &set->contacts)
        {
                const struct contact *c = container_of(n, struct contact, in_set);

                /* What is over already waits for the work of its user to end (reg_expiry_user). */
                if (c->ends_ms > now && c->ends_ms < next)
                        next = c->ends_ms;
        }
        if (next == UINT64_MAX)
                r->port.timer_stop(r->arg, &set->expiry);
        else if (r->port.timer_start(r->arg, &set->expiry, next - now, on_expiry, set) < 0)
                log_error("a registration will not expire: out of memory");
}

void reg_set_check(struct registrar *r, struct reg_set *set)
{
        if (!list_empty(&set->contacts))
                return;
        r->port.timer_stop(r->arg, &set->expiry);
        reg_set_free(&r->store, set);
}

/* The binding of the set that is over and whose user has no work; NULL when there is none. */
static struct contact *find_over(const struct registrar *r, const struct reg_set *set)
{
        uint64_t now = r->port.now_ms(r->arg);

        list_for_each(n, &set->contacts)
        {
                struct contact *c = container_of(n, struct contact, in_set);

                if (c->ends_ms <= now && !c->user->job)
                        return c;
        }
        return NULL;
}

static void say_one_expired(struct registrar *r, const struct contact *c, struct span impu)
{
        struct verdict v = {.procedure = VERDICT_EXPIRY,
                            .outcome = VERDICT_OK,
                            .cause = CAUSE_expired,
                            .clause = "TS 33.203 6.1.1",
                            .impi = user_impi(c->user),
                            .impu = impu,
                            .evidence = "one binding of several"};

        r->port.verdict(r->arg, &v);
}

/* The IMPU the HSS is told about: the default one, else the first. */
static struct span name_of(const struct reg_set *set)
{
        struct span s = reg_set_default(set);

        return s.n ? s : impu_text(&set->impus[0]);
}

/* Ends a binding; when it was the user's last one on the set the HSS is told. The set and the user may be
 * gone when this returns. True when there was something to tell. */
static bool end_binding(struct registrar *r, struct contact *c)
{
        struct reg_set *set = c->set;
        struct user *u = c->user;
        struct buf impu = BUF_INIT;
        size_t mine = 0;

        list_for_each(n, &set->contacts) mine += container_of(n, struct contact, in_set)->user == u;
        if (mine > 1)
                say_one_expired(r, c, name_of(set));
        buf_span(&impu, name_of(set));
        contact_drop(&r->store, c);
        reg_set_check(r, set);
        if (!fsm_allowed(&reg_fsm, u->state, REG_EV_EXPIRED) ||
            reg_user_phase(u, u->state % REG_ST_REGISTERED) < 0)
                log_error("a binding ended in a state without one");
        if (mine == 1)
                reg_job_queue(r, u, REG_JOB_EXPIRED, buf_as_span(&impu));
        buf_free(&impu);
        return mine == 1;
}

static void on_expiry(struct tmr *t, void *arg)
{
        struct reg_set *set = arg;
        struct registrar *r = set->registrar;
        struct contact *c;

        (void)t;
        while ((c = find_over(r, set))) {
                bool last = set->contacts.next->next == &set->contacts;

                end_binding(r, c);
                if (last)
                        return;
        }
        reg_expiry_arm(r, set);
}

bool reg_expiry_user(struct registrar *r, struct user *u)
{
        uint64_t now = r->port.now_ms(r->arg);

        for (;;) {
                struct contact *over = NULL;
                struct reg_set *set;
                bool last;

                list_for_each(n, &u->contacts)
                {
                        struct contact *c = container_of(n, struct contact, in_user);

                        if (c->ends_ms <= now) {
                                over = c;
                                break;
                        }
                }
                if (!over)
                        return false;
                set = over->set;
                last = set->contacts.next->next == &set->contacts;
                if (!last)
                        reg_expiry_arm(r, set);
                if (end_binding(r, over))
                        return true;
        }
}
