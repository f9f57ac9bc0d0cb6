/* SPDX-License-Identifier: BSD-3-Clause
 * Push-Profile: the HSS changes user data. TS 29.228 6.2. */
#include "scscf/registrar_int.h"

#include "common/base/log.h"
#include "common/sip/grammar.h"
#include "scscf/digest_fetch.h"

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

/* A REGISTER of SIP Digest is under way: what it is authenticated with, or will be, may be what changes. */
static bool registers(const struct user *u)
{
        return u->job && u->job->kind == REG_JOB_REGISTER && u->job->scheme == &auth_schemes[AUTH_DIGEST_NBA];
}

/* A MAR is out, whose answer may be older than what is pushed. */
static bool fetches(const struct user *u)
{
        return u->fetch || (registers(u) && u->state % REG_ST_REGISTERED == REG_ST_FETCHING);
}

/* A new H(A1), which counts from now on (TS 33.203 N.2.5). Where H(A1) is not kept the next REGISTER fetches
 * it anyway. */
static int push_password(struct registrar *r, struct user *u, const struct sd_av *v)
{
        int rc;

        if (u->scheme != &auth_schemes[AUTH_DIGEST_NBA] && !registers(u)) {
                log_warn("PPR: H(A1) for a user who is registered by another scheme");
                return -IMS_EUNSUPPORTED;
        }
        if (!r->conf->digest.keep_ha1 && !digest_has_key(u->digest) && !fetches(u))
                return 0;
        rc = digest_learn(r, u, v);
        if (rc < 0)
                return rc;
        u->digest->pushes++;
        log_notice("PPR: a new H(A1) counts%s", u->digest->old ? ", the one before it for a while, too" : "");
        digest_fetch_served(u);
        return 0;
}

/* What is there before anything is changed: the user, and a vector that can be used. */
static int check_push(const struct registrar *r, const struct user *u, const struct cx_ppr *m,
                      struct sd_av *v)
{
        const char *why = NULL;
        int rc;

        if (!u || (list_empty(&u->contacts) && !(m->has_item && (u->challenge || registers(u)))))
                return -IMS_ENOTFOUND;
        if (!m->has_item)
                return 0;
        rc = digest_av_read(&m->item, span_of(r->conf->trust_domain), v, &why);
        if (rc < 0)
                log_warn("PPR: SIP-Auth-Data-Item: %s", why);
        return rc;
}

int registrar_ppr(struct registrar *r, const struct cx_ppr *m)
{
        struct user *u = user_find(&r->store, m->impi);
        struct log_ctx before = log_ctx_set((struct log_ctx){.impi = m->impi});
        struct buf charging = BUF_INIT;
        struct sd_av v = {0};
        int rc = check_push(r, u, m, &v);

        reg_answer_charging(&m->charging, &charging);
        if (rc == 0)
                rc = charging.err;
        if (rc == 0 && m->user_data.n)
                rc = push_profile(r, m, buf_as_span(&charging));
        else if (rc == 0 && charging.n)
                rc = push_charging(r, u, buf_as_span(&charging));
        if (rc == 0 && m->has_item)
                rc = push_password(r, u, &v);
        secret_wipe(&v, sizeof(v));
        buf_free(&charging);
        log_ctx_set(before);
        return rc;
}
