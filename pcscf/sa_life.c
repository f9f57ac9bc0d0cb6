/* SPDX-License-Identifier: BSD-3-Clause
 * The life of a set of SAs at the P-CSCF: which is used for what, and when it ends. TS 33.203 7.4.2a,
 * M.7.4.2a. */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/timers.h"
#include "pcscf/sa_int.h"

#define EV(x) FSM_BIT(SA_SET_EV_##x)
#define ST(x) FSM_BIT(SA_SET_##x)

static const char *const event_names[SA_SET_EVENTS] = {
        [SA_SET_EV_CONFIRM] = "confirm",   [SA_SET_EV_TAKE] = "take",       [SA_SET_EV_LEAVE] = "leave",
        [SA_SET_EV_TXN_ENDS] = "txn-ends", [SA_SET_EV_EXPIRES] = "expires",
};

static const struct fsm_state states[SA_SET_STATES] = {
        [SA_SET_REGISTRATION] = {"registration", EV(CONFIRM) | EV(LEAVE) | EV(TXN_ENDS) | EV(EXPIRES),
                                 ST(WAITING) | ST(IN_USE) | ST(LEAVING), "reg-await-auth",
                                 "TS 33.203 7.4.2a"},
        [SA_SET_WAITING] = {"waiting", EV(TAKE) | EV(LEAVE) | EV(TXN_ENDS) | EV(EXPIRES),
                            ST(IN_USE) | ST(LEAVING), "lifetime", "TS 33.203 7.4.2a"},
        [SA_SET_IN_USE] = {"in use", EV(LEAVE) | EV(TXN_ENDS) | EV(EXPIRES), ST(LEAVING), "lifetime",
                           "TS 33.203 7.4.2a"},
        [SA_SET_LEAVING] = {"leaving", EV(LEAVE) | EV(TXN_ENDS) | EV(EXPIRES), 0, NULL, "TS 33.203 7.4.2a"},
};

const struct fsm sa_set_fsm = {"set of SAs", states, SA_SET_STATES, event_names, SA_SET_EVENTS};

const char *sa_set_state_name(const struct sa_set *s)
{
        return states[s->state].name;
}

/* --- leaving -------------------------------------------------------------------------------------- */

/* Nothing is under way on a set that leaves: it goes, once a connection has brought what was just sent. */
static void linger(struct sa_set *s)
{
        struct sa_table *t = s->assoc->table;

        s->lingers = t->conf.linger_ms > 0;
        if (s->lingers)
                sa_set_arm(s);
        else
                sa_remove_set(s);
}

/* The set is not used for anything new; it goes with the last transaction begun on it. */
static void leave(struct sa_set *s)
{
        if (!fsm_allowed(&sa_set_fsm, s->state, SA_SET_EV_LEAVE))
                return;
        if (s->state != SA_SET_LEAVING && fsm_move(&sa_set_fsm, &s->state, SA_SET_LEAVING) != 0)
                return;
        if (s->assoc->in_use == s)
                s->assoc->in_use = NULL;
        tmr_stop(s->assoc->table->loop, &s->esp);
        if (s->n_used)
                sa_set_arm(s); /* to the end of its lifetime, whatever is under way */
        else
                linger(s);
}

/* All of the UE's sets that carry traffic leave, but for one or two. */
static void leave_others(struct sa_assoc *a, const struct sa_set *keep, const struct sa_set *keep_too)
{
        list_for_each_safe(pos, tmp, &a->sets)
        {
                struct sa_set *s = container_of(pos, struct sa_set, in_assoc);

                if (s != keep && s != keep_too && s->state != SA_SET_REGISTRATION)
                        leave(s);
        }
}

/* --- taking into use ------------------------------------------------------------------------------ */

/* The set a UE waits to use, or NULL. */
static struct sa_set *waiting(const struct sa_assoc *a)
{
        list_for_each(pos, &a->sets)
        {
                struct sa_set *s = container_of(pos, struct sa_set, in_assoc);

                if (s->state == SA_SET_WAITING)
                        return s;
        }
        return NULL;
}

/* SM1 came in clear: the UE has none of its old sets any more. */
static void remove_others(struct sa_assoc *a, const struct sa_set *keep)
{
        list_for_each_safe(pos, tmp, &a->sets)
        {
                struct sa_set *s = container_of(pos, struct sa_set, in_assoc);

                if (s != keep)
                        sa_remove_set(s);
        }
}

static void take(struct sa_set *s)
{
        struct sa_assoc *a = s->assoc;

        if (s->state == SA_SET_WAITING && !fsm_allowed(&sa_set_fsm, s->state, SA_SET_EV_TAKE))
                return;
        if (fsm_move(&sa_set_fsm, &s->state, SA_SET_IN_USE) != 0)
                return;
        a->in_use = s;
        sa_set_arm(s);
        leave_others(a, s, NULL);
}

void sa_heard(struct sa_set *s)
{
        if (s->state == SA_SET_WAITING)
                take(s);
}

bool sa_is_latest(const struct sa_set *s)
{
        return s->state == SA_SET_IN_USE ? !waiting(s->assoc) : s->state != SA_SET_LEAVING;
}

/* --- time ----------------------------------------------------------------------------------------- */

/* How long before its end an old set gives way to the new one. */
static uint64_t short_before_ms(const struct sa_table *t)
{
        uint64_t ms = ims_timer_rows[IMS_TIMER_SA_HANDOVER].default_ms;

        return ms < t->conf.conf->margin_ms ? ms : t->conf.conf->margin_ms / 2;
}

static void on_timer(struct tmr *timer, void *arg)
{
        struct sa_set *s = arg, *next;
        uint64_t now_ms = loop_now_ms(s->assoc->table->loop);

        (void)timer;
        if (s->state == SA_SET_IN_USE && now_ms < s->expires_ms) {
                next = waiting(s->assoc);
                if (next)
                        take(next); /* this one leaves, perhaps at once */
                else
                        sa_set_arm(s);
                return;
        }
        if (!fsm_allowed(&sa_set_fsm, s->state, SA_SET_EV_EXPIRES))
                return;
        next = s->state == SA_SET_IN_USE ? waiting(s->assoc) : NULL;
        if (next)
                take(next);
        else
                sa_remove_set(s);
}

void sa_set_arm(struct sa_set *s)
{
        struct sa_table *t = s->assoc->table;
        uint64_t now_ms = loop_now_ms(t->loop), early_ms = short_before_ms(t), wait_ms;

        wait_ms = s->expires_ms > now_ms ? s->expires_ms - now_ms : 0;
        if (s->state == SA_SET_IN_USE && wait_ms > early_ms)
                wait_ms -= early_ms;
        if (s->lingers && wait_ms > t->conf.linger_ms)
                wait_ms = t->conf.linger_ms;
        if (tmr_start(t->loop, &s->timer, wait_ms, on_timer, s) == 0)
                return;
        log_error("a set of SAs has no timer: %s", ims_strerror(IMS_ENOMEM));
}

/* The longer life of what the set has and what a registration of so many seconds asks for. */
static void lengthen(struct sa_set *s, uint32_t granted_s, uint64_t at_least_ms)
{
        const struct sa_table *t = s->assoc->table;
        uint64_t until_ms = loop_now_ms(t->loop) + (uint64_t)granted_s * 1000 + t->conf.conf->margin_ms;

        s->expires_ms = until_ms > at_least_ms ? until_ms : at_least_ms;
        sa_set_arm(s);
}

/* --- the registration ----------------------------------------------------------------------------- */

static uint64_t latest_end(const struct sa_assoc *a, const struct sa_set *but)
{
        uint64_t ms = 0;

        list_for_each(pos, &a->sets)
        {
                const struct sa_set *s = container_of(pos, const struct sa_set, in_assoc);

                if (s != but && (s->state == SA_SET_IN_USE || s->state == SA_SET_WAITING) &&
                    s->expires_ms > ms)
                        ms = s->expires_ms;
        }
        return ms;
}

void sa_confirm(struct sa_set *s, uint32_t granted_s)
{
        struct sa_assoc *a = s->assoc;
        struct sa_set *old = s->by_old ? a->in_use : NULL;

        if (!fsm_allowed(&sa_set_fsm, s->state, SA_SET_EV_CONFIRM))
                return;
        lengthen(s, granted_s, latest_end(a, s));
        if (!s->by_old)
                remove_others(a, s);
        if (!old || a->table->conf.conf->newest_sa) {
                take(s);
                return;
        }
        if (fsm_move(&sa_set_fsm, &s->state, SA_SET_WAITING) == 0)
                leave_others(a, s, old);
}

void sa_answered(struct sa_set *s)
{
        const struct sa_table *t = s->assoc->table;

        if (s->state != SA_SET_REGISTRATION)
                return;
        s->expires_ms = loop_now_ms(t->loop) + t->conf.await_ms;
        sa_set_arm(s);
}

void sa_fail(struct sa_set *s)
{
        leave(s);
}

void sa_refreshed(struct sa_assoc *a, uint32_t granted_s)
{
        struct sa_set *s = waiting(a);

        if (!s)
                s = a->in_use; /* those of the last successful authentication */
        if (s)
                lengthen(s, granted_s, s->expires_ms);
}

void sa_assoc_end(struct sa_assoc *a)
{
        struct sa_table *t = a->table;
        uint32_t id = a->id;
        bool more = true;

        while (more && (a = sa_assoc_by_id(t, id)) != NULL) {
                more = false;
                list_for_each(pos, &a->sets)
                {
                        struct sa_set *s = container_of(pos, struct sa_set, in_assoc);

                        if (s->state != SA_SET_LEAVING) {
                                leave(s); /* the record may go with it */
                                more = true;
                                break;
                        }
                }
        }
}

/* --- transactions --------------------------------------------------------------------------------- */

void sa_use(struct sa_table *t, const struct sip_flow *flow, int delta)
{
        struct sa_set *s = sa_find(t, &flow->local, &flow->remote);

        if (!s || (delta < 0 && !s->n_used)) /* begun on a set that is gone */
                return;
        s->n_used = delta < 0 ? s->n_used - 1 : s->n_used + 1;
        if (s->state != SA_SET_LEAVING)
                return;
        if (s->n_used && s->lingers) {
                s->lingers = false;
                sa_set_arm(s);
        } else if (!s->n_used && fsm_allowed(&sa_set_fsm, s->state, SA_SET_EV_TXN_ENDS)) {
                linger(s);
        }
}

/* --- ways ----------------------------------------------------------------------------------------- */

struct sip_flow sa_way_to_ue(const struct sa_set *s, enum transport t)
{
        struct sip_flow f = {.transport = t, .local = s->params.pcscf, .remote = s->params.ue};

        addr_set_port(&f.local, s->params.pcscf_ends.port_c);
        addr_set_port(&f.remote, s->params.ue_ends.port_s);
        return f;
}

void sa_mapped(struct sa_set *s, const struct addr *from)
{
        struct sa_table *t = s->assoc->table;
        char text[ADDR_STR];
        int err;

        if (s->params.mode != SEC_MODE_UDP_ENC_TUN || s->params.port_uenc == addr_port(from))
                return;
        if (!addr_ip_eq(from, &s->params.ue)) {
                log_info("ESP for SPI %u comes from %s now: another public address needs a new registration "
                         "(TS 33.203 7.5)",
                         s->params.pcscf_ends.spi_s, addr_str(from, text));
                return;
        }
        log_debug("port_Uenc of SPI %u: %u", s->params.pcscf_ends.spi_s, addr_port(from));
        s->params.port_uenc = addr_port(from);
        err = sa_follow(t->conf.kernel, &s->params);
        if (err)
                log_error("the SAs cannot follow the UE to UDP port %u: %s", addr_port(from),
                          ims_strerror(err));
}
