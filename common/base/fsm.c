/* SPDX-License-Identifier: BSD-3-Clause
 * State machines as tables: checking a step, checking a table. */
#include "common/base/fsm.h"

#include "common/base/log.h"

#define FSM_MAX 32 /* states and events are bits of a uint32_t */

static const char *fsm_state_name(const struct fsm *fsm, unsigned state)
{
        return state < fsm->n_states && fsm->states[state].name ? fsm->states[state].name : "?";
}

bool fsm_allowed(const struct fsm *fsm, unsigned state, unsigned event)
{
        if (state < fsm->n_states && event < fsm->n_events && fsm->states[state].events & FSM_BIT(event))
                return true;
        log_warn("%s: event %s is not allowed in state %s", fsm->name,
                 event < fsm->n_events ? fsm->event_names[event] : "?", fsm_state_name(fsm, state));
        return false;
}

int fsm_move(const struct fsm *fsm, unsigned *state, unsigned next)
{
        if (*state < fsm->n_states && next < fsm->n_states && fsm->states[*state].next & FSM_BIT(next)) {
                *state = next;
                return 0;
        }
        log_error("%s: no way from state %s to %s", fsm->name, fsm_state_name(fsm, *state),
                  fsm_state_name(fsm, next));
        return -IMS_EPROTO;
}

static uint32_t fsm_reachable(const struct fsm *fsm)
{
        uint32_t seen = 1, before = 0;

        while (seen != before) {
                before = seen;
                for (size_t i = 0; i < fsm->n_states; i++)
                        if (seen & FSM_BIT(i))
                                seen |= fsm->states[i].next;
        }
        return seen;
}

static const char *fsm_fault(const struct fsm *fsm)
{
        uint32_t all_states, all_events, reached;

        if (fsm->n_states == 0 || fsm->n_states > FSM_MAX || fsm->n_events > FSM_MAX)
                return "the number of states or events is not within 1..32";
        all_states = fsm->n_states == FSM_MAX ? UINT32_MAX : FSM_BIT(fsm->n_states) - 1;
        all_events = fsm->n_events == FSM_MAX ? UINT32_MAX : FSM_BIT(fsm->n_events) - 1;
        for (size_t i = 0; i < fsm->n_events; i++)
                if (!fsm->event_names[i])
                        return "an event has no name";
        for (size_t i = 0; i < fsm->n_states; i++) {
                const struct fsm_state *s = &fsm->states[i];

                if (!s->name)
                        return "a state has no name";
                if (s->next & ~all_states || s->events & ~all_events)
                        return "a state names a state or event outside the table";
                if (s->next & ~FSM_BIT(i) && !s->events)
                        return "a state can be left, but no event is allowed in it";
                if (s->timer && !(s->next & ~FSM_BIT(i)))
                        return "a timer runs in a state that cannot be left";
        }
        reached = fsm_reachable(fsm);
        return reached == all_states ? NULL : "a state cannot be reached";
}

int fsm_check(const struct fsm *fsm, struct span *out_reason)
{
        const char *fault = fsm_fault(fsm);

        if (!fault)
                return 0;
        *out_reason = span_of(fault);
        return -IMS_EINVAL;
}
