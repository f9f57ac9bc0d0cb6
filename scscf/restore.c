/* SPDX-License-Identifier: BSD-3-Clause
 * What a restarted S-CSCF has lost comes back from the HSS, one set at a time, when somebody asks for it: the
 * profile, and the bindings it had stored there. TS 23.380 4.2, 4.4; TS 29.228 6.1.2.1. */
#include "scscf/registrar_int.h"

#include "common/base/log.h"
#include "common/profile/profile.h"

#define NTP_EPOCH_S UINT32_C(2208988800) /* 1970 in seconds since 1900 (RFC 6733 4.3.1 Time) */

uint32_t reg_restore_time(const struct registrar *r, uint32_t expires_s)
{
        return (uint32_t)r->port.wall_s(r->arg) + NTP_EPOCH_S + expires_s;
}

/* Seconds until a Registration-Time-Out; the counter wraps in 2036. 0: over. */
static uint32_t seconds_left(const struct registrar *r, const struct cx_restoration *from)
{
        int32_t left = (int32_t)(from->timeout - reg_restore_time(r, 0));

        if (!from->has_timeout)
                return r->conf->default_expires_s;
        if (left <= 0)
                return 0;
        return (uint32_t)left < r->conf->max_expires_s ? (uint32_t)left : r->conf->max_expires_s;
}

/* One binding. What cannot be read was stored by another kind of S-CSCF: the others may still do. */
static int add_contact(struct registrar *r, struct reg_set *set, struct user *u,
                       const struct cx_restoration_info *info, uint32_t left_s)
{
        const struct contact_origin origin = {
                .path = info->path, .call_id = info->call_id, .cseq = info->initial_cseq};
        struct contact *c = NULL;
        struct contact_op op;
        const char *why;
        int rc;

        if (contact_op_read(info->contact, &op, &why) < 0) {
                log_warn("a binding in the HSS is not restored: %s", why);
                return 0;
        }
        op.expires_s = left_s;
        rc = contact_new(&op, &origin, r->port.now_ms(r->arg), r->conf->expiry_guard_ms, &c);
        if (rc == 0)
                contact_link(&r->store, c, set, u);
        return rc;
}

/* The bindings of one IMPI. One that is known here registers just now, and will know better. */
static int add_user(struct registrar *r, struct reg_set *set, const struct cx_restoration *from,
                    struct span hss)
{
        uint32_t left_s = seconds_left(r, from);
        struct user *u = NULL;
        int rc;

        if (left_s == 0 || from->impi.n == 0 || user_find(&r->store, from->impi))
                return 0;
        rc = user_new(&r->store, from->impi, &u);
        if (rc < 0)
                return rc;
        u->hss = shared_get(&r->store.shared, hss);
        u->scheme = auth_scheme_of(from->scheme);
        rc = reg_user_phase(u, REG_ST_ASSIGNING); /* the SAR of somebody's request */
        for (size_t i = 0; i < from->n_info && rc == 0 && reg_set_count(set) < r->conf->max_contacts; i++)
                rc = add_contact(r, set, u, &from->info[i], left_s);
        if (list_empty(&u->contacts))
                user_free(&r->store, u);
        else if (reg_user_phase(u, REG_ST_NOT_REGISTERED) < 0)
                rc = -IMS_EPROTO;
        return rc;
}

static int make_set(struct registrar *r, struct span impu, const struct cx_saa *a, struct reg_set **out)
{
        struct buf charging = BUF_INIT, err = BUF_INIT;
        struct profile *p = NULL;
        int rc = profile_parse(a->user_data, &p, &err);

        if (rc == 0) {
                reg_answer_charging(&a->charging, &charging);
                rc = charging.err;
        }
        if (rc == 0)
                rc = reg_set_new(&r->store, p, impu, buf_as_span(&charging), NULL, out);
        if (rc == 0)
                (*out)->registrar = r;
        profile_free(p);
        buf_free(&charging);
        buf_free(&err);
        return rc;
}

static void say_restored(struct registrar *r, const struct reg_set *set, struct span impu)
{
        char evidence[64];
        struct verdict v = {.procedure = VERDICT_REGISTRATION,
                            .outcome = VERDICT_OK,
                            .cause = CAUSE_restored,
                            .clause = "TS 23.380 4",
                            .impu = impu,
                            .evidence = evidence};
        const struct contact *first = registrar_contact(set, 0);

        v.impi = user_impi(first->user);
        (void)snprintf(evidence, sizeof(evidence), "%zu bindings from the HSS", reg_set_count(set));
        r->port.verdict(r->arg, &v);
}

int registrar_restore(struct registrar *r, struct span impu, const struct cx_saa *a)
{
        struct reg_set *set = NULL;
        int rc;

        if (impu_find(&r->store, impu))
                return 0;
        if (a->n_restorations == 0 || a->user_data.n == 0)
                return -IMS_ENOTFOUND;
        rc = make_set(r, impu, a, &set);
        if (rc < 0)
                return rc;
        for (size_t i = 0; i < a->n_restorations && rc == 0; i++)
                rc = add_user(r, set, &a->restorations[i], a->h.origin_host);
        if (list_empty(&set->contacts)) {
                reg_set_free(&r->store, set);
                return rc < 0 ? rc : -IMS_ENOTFOUND;
        }
        reg_expiry_arm(r, set);
        say_restored(r, set, impu);
        return 0;
}
