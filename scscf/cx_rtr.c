/* SPDX-License-Identifier: BSD-3-Clause
 * Registration-Termination: the HSS ends registrations. TS 29.228 6.1.3, TS 24.229 5.4.1.5. */
#include "scscf/registrar_int.h"

#include "common/base/log.h"
#include "scscf/digest_fetch.h"

static const char *reason_name(uint32_t code)
{
        static const char *const names[] = {
                [CX_PERMANENT_TERMINATION] = "PERMANENT_TERMINATION",
                [CX_NEW_SERVER_ASSIGNED] = "NEW_SERVER_ASSIGNED",
                [CX_SERVER_CHANGE] = "SERVER_CHANGE",
                [CX_REMOVE_SCSCF] = "REMOVE_S-CSCF",
        };

        return code < sizeof(names) / sizeof(names[0]) ? names[code] : "unknown reason";
}

static void say_ended(struct registrar *r, const struct user *u, struct span impu, const struct cx_rtr *m)
{
        struct verdict v = {.procedure = VERDICT_DEREGISTRATION,
                            .outcome = VERDICT_OK,
                            .cause = CAUSE_deregistered_by_hss,
                            .clause = "TS 29.228 6.1.3",
                            .impi = user_impi(u),
                            .impu = impu};
        struct buf text = BUF_INIT;

        buf_puts(&text, reason_name(m->reason_code));
        if (m->reason_info.n) {
                buf_puts(&text, " ");
                buf_quoted(&text, m->reason_info, 120);
        }
        buf_char(&text, '\0');
        v.evidence = text.err ? NULL : text.p;
        r->port.verdict(r->arg, &v);
        buf_free(&text);
}

/* True when RTR speaks of this set: it names no IMPU, or one of the set. */
static bool named(const struct reg_set *set, const struct cx_rtr *m)
{
        for (size_t i = 0; i < m->impus.n; i++)
                for (size_t j = 0; j < set->n_impus; j++)
                        if (span_eq(impu_text(&set->impus[j]), m->impus.v[i]))
                                return true;
        return m->impus.n == 0;
}

/* Work under way keeps the user, and not what may be compromised: nobody comes in by an H(A1) of before. */
static void end_digest(struct user *u)
{
        digest_end(u->digest);
        digest_fetch_end(u);
        if (u->job && u->job->kind == REG_JOB_REGISTER && u->job->scheme == &auth_schemes[AUTH_DIGEST_NBA])
                u->job->ended = u->job->sat != 0;
}

/* Ends the bindings of one IMPI that RTR speaks of. Work under way goes on: what it does, the HSS decided
 * later. */
static bool end_user(struct registrar *r, struct user *u, const struct cx_rtr *m)
{
        const struct reg_set *said = NULL;
        bool any = false;

        fsm_allowed(&reg_fsm, u->state, REG_EV_NETWORK);
        list_for_each_safe(n, tmp, &u->contacts)
        {
                struct contact *c = container_of(n, struct contact, in_user);
                struct reg_set *set = c->set;

                if (!named(set, m))
                        continue;
                if (set != said)
                        say_ended(r, u, reg_set_default(set), m);
                said = set;
                any = true;
                contact_drop(&r->store, c);
                reg_expiry_arm(r, set);
        }
        if (m->impus.n == 0 && u->challenge && !u->job) {
                reg_challenge_drop(u);
                any = true;
        }
        if (m->impus.n == 0)
                end_digest(u);
        if (any && reg_user_phase(u, u->challenge || u->job ? u->state % REG_ST_REGISTERED
                                                            : REG_ST_NOT_REGISTERED) < 0)
                log_error("RTR in a state that does not expect it");
        reg_user_next(r, u);
        return any;
}

int registrar_rtr(struct registrar *r, const struct cx_rtr *m)
{
        struct user *u = user_find(&r->store, m->impi);
        bool any = u && end_user(r, u, m);

        for (size_t i = 0; i < m->associated_identities.n; i++) {
                u = user_find(&r->store, m->associated_identities.v[i]);
                if (u && end_user(r, u, m))
                        any = true;
        }
        return any ? 0 : -IMS_ENOTFOUND;
}
