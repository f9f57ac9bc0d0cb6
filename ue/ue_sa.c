/* SPDX-License-Identifier: BSD-3-Clause
 * The SA table of a UE. */
#include "ue/ue_sa.h"

#include <stdlib.h>

struct ue_sa *ue_sa_in(struct ue_sa_table *t, enum ue_sa_state state)
{
        for (size_t i = t->n; i > 0; i--)
                if (t->sets[i - 1].state == (unsigned)state)
                        return &t->sets[i - 1];
        return NULL;
}

struct ue_sa *ue_sa_by_id(struct ue_sa_table *t, unsigned id)
{
        for (size_t i = 0; id && i < t->n; i++)
                if (t->sets[i].id == id)
                        return &t->sets[i];
        return NULL;
}

static bool between(const struct addr *local, uint16_t local_port, const struct addr *remote,
                    uint16_t remote_port)
{
        return addr_port(local) == local_port && addr_port(remote) == remote_port;
}

struct ue_sa *ue_sa_of(struct ue_sa_table *t, const struct addr *local, const struct addr *remote)
{
        for (size_t i = t->n; i > 0; i--) {
                struct ue_sa *set = &t->sets[i - 1];
                const struct sec_ends *ue = &set->p.ue_ends, *pcscf = &set->p.pcscf_ends;

                if (!addr_ip_eq(local, &set->p.ue) || !addr_ip_eq(remote, &set->p.pcscf))
                        continue;
                if (between(local, ue->port_s, remote, pcscf->port_c) ||
                    between(local, ue->port_c, remote, pcscf->port_s))
                        return set;
        }
        return NULL;
}

struct ue_sa *ue_sa_add(struct ue_sa_table *t, const struct sa_params *p, char *verify, uint64_t until_ms)
{
        struct ue_sa *set;

        if (t->n == UE_SA_SETS)
                return NULL;
        set = &t->sets[t->n++];
        *set = (struct ue_sa){.id = ++t->last_id, .p = *p, .until_ms = until_ms, .verify = verify};
        return set;
}

void ue_sa_drop(struct ue_sa_table *t, struct ue_sa *set)
{
        size_t at = (size_t)(set - t->sets);

        free(set->verify);
        t->n--;
        memmove(set, set + 1, (t->n - at) * sizeof(*set));
}

bool ue_sa_move(struct ue_sa *set, enum ue_sa_event event, enum ue_sa_state next)
{
        return fsm_allowed(&ue_sa_fsm, set->state, event) && fsm_move(&ue_sa_fsm, &set->state, next) == 0;
}

bool ue_sa_has_spi(const struct ue_sa_table *t, uint32_t spi)
{
        for (size_t i = 0; i < t->n; i++)
                for (int w = 0; w < SA_WAYS; w++)
                        if (sa_spi(&t->sets[i].p, (enum sa_way)w) == spi)
                                return true;
        return false;
}

bool ue_sa_has_port(const struct ue_sa_table *t, uint16_t port)
{
        for (size_t i = 0; i < t->n; i++)
                if (t->sets[i].p.ue_ends.port_c == port || t->sets[i].p.ue_ends.port_s == port)
                        return true;
        return false;
}

uint64_t ue_sa_next_ms(const struct ue_sa_table *t)
{
        uint64_t next_ms = 0;

        for (size_t i = 0; i < t->n; i++)
                if (!next_ms || t->sets[i].until_ms < next_ms)
                        next_ms = t->sets[i].until_ms;
        return next_ms;
}

struct sip_flow ue_sa_flow(const struct ue_sa *set, enum transport t)
{
        struct sip_flow f = {.transport = t, .local = set->p.ue, .remote = set->p.pcscf};

        addr_set_port(&f.local, set->p.ue_ends.port_c);
        addr_set_port(&f.remote, set->p.pcscf_ends.port_s);
        return f;
}

#define EV(name) FSM_BIT(UE_SA_EV_##name)
#define ST(name) FSM_BIT(UE_SA_##name)
#define EV_END   (EV(EXPIRED) | EV(ENDED))

/* state: events, next states, timer, clause */
static const struct fsm_state states[UE_SA_STATES] = {
        [UE_SA_NEW] = {"new", EV(CONFIRMED) | EV(FAILED) | EV_END, ST(CURRENT) | ST(GONE), "UE_SA_SETUP",
                       "TS 33.203 7.4.1a"},
        [UE_SA_CURRENT] = {"current", EV(REPLACED) | EV_END, ST(OLD) | ST(GONE), "UE_SA_MARGIN",
                           "TS 33.203 7.4.1a"},
        [UE_SA_OLD] = {"old", EV(HEARD) | EV_END, ST(GONE), "UE_SA_MARGIN", "TS 33.203 7.4.1a"},
        [UE_SA_GONE] = {"gone", 0, 0, NULL, "TS 33.203 7.4.0"},
};

static const char *const event_names[UE_SA_EVENTS] = {"confirmed", "replaced", "failed",
                                                      "heard",     "expired",  "ended"};

const struct fsm ue_sa_fsm = {"security associations", states, UE_SA_STATES, event_names, UE_SA_EVENTS};

const char *ue_sa_state_name(enum ue_sa_state s)
{
        return states[s].name;
}
