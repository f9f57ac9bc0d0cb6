/* SPDX-License-Identifier: BSD-3-Clause
 * Which message may use which SA, in both directions (TS 33.203 7.1, 7.4.1a). */
#include "ue/security_int.h"

/* The answer to the REGISTER that waits for one. */
static bool answers_step(const struct security *s, const struct sip_msg *m)
{
        return s->now.active && !m->is_request && m->method == SIP_REGISTER && m->cseq == s->now.cseq &&
               span_eq(m->call_id, span_of(s->now.call_id));
}

/* May the answer to the REGISTER under way come on this set (0: in clear)? */
static bool step_allows(const struct security *s, unsigned set, int status)
{
        if (s->now.step != SECURITY_SM7)
                return set == s->now.set;
        if (status < 300)
                return set == s->now.set;
        if (s->sm1_set) /* a failure of an authentication that began protected */
                return set == s->sm1_set;
        return set == 0 || set == s->now.set;
}

static bool is_emergency(const struct security *s, const struct sip_msg *m)
{
        unsigned n = s->n_emergencies < SECURITY_EMERGENCIES ? s->n_emergencies : SECURITY_EMERGENCIES;

        for (unsigned i = 0; i < n; i++)
                if (span_eq(m->call_id, span_of(s->emergency[i])))
                        return true;
        return false;
}

void security_emergency(struct security *s, struct span call_id)
{
        char *slot = s->emergency[s->n_emergencies % SECURITY_EMERGENCIES];

        if (span_copy(call_id, slot, SECURITY_CALL_ID_MAX) == 0)
                s->n_emergencies++;
}

/* What may come to an unprotected port (7.1, ports 4). A phone that has no SAs and does not insist on them is
 * a phone without security. */
static bool admit_clear(struct security *s, const struct sip_msg *m, const char **note)
{
        if (answers_step(s, m)) {
                *note = "in clear, and the REGISTER it answers was protected";
                return step_allows(s, 0, m->status);
        }
        if (s->suspended || (!s->table.n && !s->conf.required) || is_emergency(s, m))
                return true;
        if (m->is_request) {
                *note = "a request in clear";
                return false;
        }
        *note = "in clear, and what it answers was protected";
        if (ue_sa_has_port(&s->table, m->via.port)) /* the Via of ours */
                return false;
        *note = "in clear, and no REGISTER, no error, no emergency";
        return m->method == SIP_REGISTER || m->status >= 300;
}

bool security_admit(struct security *s, enum sip_port kind, const struct sip_flow *flow,
                    const struct sip_msg *m, const char **note)
{
        struct ue_sa *set;
        bool of_step = answers_step(s, m), ok;

        *note = "the phone is deaf";
        if (s->faults.deaf)
                return false;
        if (kind == SIP_PORT_OPEN)
                return admit_clear(s, m, note);
        *note = "no SA for these ports";
        set = ue_sa_of(&s->table, &flow->local, &flow->remote);
        if (!set)
                return false;
        *note = "a datagram at the protected client port";
        if (kind == SIP_PORT_CLIENT && flow->transport == TRANSPORT_UDP && !s->faults.any_sa)
                return false;
        *note = "on the wrong SA";
        ok = of_step ? step_allows(s, set->id, m->status) : set->state != UE_SA_NEW;
        if (!ok && !s->faults.any_sa)
                return false;
        s->dead = false;
        /* a further message: not SM12 again */
        if (set->state == UE_SA_CURRENT &&
            (m->is_request || m->method != SIP_REGISTER || of_step || m->cseq != s->now.cseq)) {
                set->heard = true;
                security_settle(s);
        }
        return true;
}

bool security_held(struct security *s)
{
        return s->now.active && !s->sm1_set && !s->suspended;
}

/* A set that a scenario asks for. */
static struct ue_sa *named_set(struct security *s, enum security_way way)
{
        struct ue_sa *made = ue_sa_in(&s->table, UE_SA_NEW), *current = ue_sa_in(&s->table, UE_SA_CURRENT);
        struct ue_sa *old = ue_sa_in(&s->table, UE_SA_OLD);

        if (way == SECURITY_ON_NEW)
                return made ? made : current;
        return !old && made ? current : old;
}

int security_flow(struct security *s, enum security_way way, bool is_register, enum transport t,
                  struct sip_flow *out)
{
        struct ue_sa *set = NULL;

        switch (way) {
        case SECURITY_USUAL:
                if (s->suspended)
                        return 0;
                set = ue_sa_in(&s->table, UE_SA_CURRENT);
                if (security_held(s) || (!set && s->conf.required))
                        return -IMS_EPERM;
                break;
        case SECURITY_REGISTER:
                if (s->now.active && s->now.set) {
                        set = ue_sa_by_id(&s->table, s->now.set);
                        if (!set)
                                return -IMS_ENOTFOUND;
                }
                break;
        case SECURITY_CLEAR:
                break;
        case SECURITY_ON_OLD:
        case SECURITY_ON_NEW:
                set = named_set(s, way);
                if (!set)
                        return -IMS_ENOTFOUND;
                break;
        }
        if (is_register && s->now.active) {
                s->now.set = set ? set->id : 0;
                if (s->now.step == SECURITY_SM1)
                        s->sm1_set = s->now.set;
        }
        if (!set)
                return 0;
        *out = ue_sa_flow(set, t);
        return 1;
}

bool security_answer_flow(struct security *s, const struct sip_flow *in, struct sip_flow *out)
{
        struct ue_sa *set = ue_sa_of(&s->table, &in->local, &in->remote);

        if (s->faults.symmetric) {
                *out = *in;
                return true;
        }
        if (!set)
                set = ue_sa_in(&s->table, UE_SA_CURRENT);
        if (set)
                *out = ue_sa_flow(set, in->transport);
        return set != NULL;
}

void security_use(struct security *s, const struct sip_flow *flow, int delta)
{
        struct ue_sa *set = ue_sa_of(&s->table, &flow->local, &flow->remote);

        if (!set || (delta < 0 && set->pending == 0))
                return;
        set->pending = delta > 0 ? set->pending + 1 : set->pending - 1;
        security_settle(s);
}

const char *security_verify(struct security *s)
{
        struct ue_sa *set = ue_sa_in(&s->table, UE_SA_CURRENT);

        return set && !s->suspended ? set->verify : NULL;
}
