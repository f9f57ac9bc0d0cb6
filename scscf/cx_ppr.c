/* SPDX-License-Identifier: BSD-3-Clause
 * Push-Profile: the HSS changes user data. TS 29.228 6.2. */
#include "scscf/registrar_int.h"

#include "common/base/log.h"
#include "common/sip/grammar.h"

/* The registered set that holds one of the profile's identities, or NULL. */
static struct reg_set *find_set(struct registrar *r, const struct profile *p)
{
        struct reg_set *found = NULL;
        struct buf id = BUF_INIT;

        for (size_t i = 0; i < p->n_services && !found; i++) {
                for (size_t j = 0; j < p->services[i].n_impus && !found; j++) {
                        struct impu *impu = NULL;

                        buf_reset(&id);
                        if (sip_uri_canonical(span_of(p->services[i].impus[j].identity), &id) == 0)
                                impu = impu_find(&r->store, buf_as_span(&id));
                        found = impu ? impu->set : NULL;
                }
        }
        buf_free(&id);
        return found;
}

static int push_charging(struct registrar *r, const struct user *u, struct span charging)
{
        struct shared *s = NULL;

        list_for_each(n, &u->contacts)
        {
                struct reg_set *set = container_of(n, struct contact, in_user)->set;

                s = shared_get(&r->store.shared, charging);
                if (!s)
                        return -IMS_ENOMEM;
                shared_put(set->charging);
                set->charging = s;
        }
        return 0;
}

static int push_profile(struct registrar *r, const struct cx_ppr *m, struct span charging)
{
        struct reg_set *set = NULL, *fresh = NULL;
        struct buf err = BUF_INIT;
        struct profile *p = NULL;
        int rc = profile_parse(m->user_data, &p, &err);

        if (rc < 0) {
                log_warn("PPR: the profile cannot be read: " SPAN_FMT, SPAN_ARG(buf_as_span(&err)));
                goto out;
        }
        set = find_set(r, p);
        if (!set) {
                rc = -IMS_ENOTFOUND;
                goto out;
        }
        r->port.timer_stop(r->arg, &set->expiry);
        rc = reg_set_new(&r->store, p, SPAN_NULL, charging, set, &fresh);
        reg_expiry_arm(r, rc == 0 ? fresh : set);
        if (rc == 0)
                log_notice("PPR: the profile was changed, %u identities", (unsigned)fresh->n_impus);
out:
        profile_free(p);
        buf_free(&err);
        return rc;
}

int registrar_ppr(struct registrar *r, const struct cx_ppr *m)
{
        struct user *u = user_find(&r->store, m->impi);
        struct log_ctx before = log_ctx_set((struct log_ctx){.impi = m->impi});
        struct buf charging = BUF_INIT;
        int rc = u && !list_empty(&u->contacts) ? 0 : -IMS_ENOTFOUND;

        reg_answer_charging(&m->charging, &charging);
        if (rc == 0)
                rc = charging.err;
        if (rc == 0 && m->user_data.n)
                rc = push_profile(r, m, buf_as_span(&charging));
        else if (rc == 0 && charging.n)
                rc = push_charging(r, u, buf_as_span(&charging));
        buf_free(&charging);
        log_ctx_set(before);
        return rc;
}
