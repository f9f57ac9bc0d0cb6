/* SPDX-License-Identifier: BSD-3-Clause
 * Writing a new subscriber, or a change, into the store. */
#include "common/profile/profile.h"
#include "hss/identity.h"
#include "hss/subscriber.h"

#define SET_MAX (2 * SUB_LIST_MAX) /* identities of a new implicit set */

struct new_set {
        struct record_impu v[SET_MAX];
        size_t n;
};

static int refuse(struct buf *err, enum sub_field f, struct span value, const char *why, int rc)
{
        buf_printf(err, "%s: ", sub_rows[f].name);
        if (value.n) {
                buf_quoted(err, value, IDENTITY_MAX);
                buf_char(err, ' ');
        }
        buf_printf(err, "%s\n", why);
        return rc;
}

/* --domain, else the configuration, else from the IMSI, else the realm of the IMPI. */
static int home_domain(const struct provision *p, const struct subscriber *sub, struct span *out)
{
        if (sub->domain.n)
                *out = sub->domain;
        else if (p->conf->identity_domain)
                *out = span_of(p->conf->identity_domain);
        else if (sub->imsi.n)
                return identity_home_domain(p->arena, sub->imsi,
                                            sub->mnc_digits ? sub->mnc_digits : p->conf->identity_mnc_digits,
                                            out);
        else
                *out = span_sub(sub->impi, (size_t)span_chr(sub->impi, '@', 0) + 1, sub->impi.n);
        return 0;
}

static struct record_impu *find(struct new_set *set, struct span impu)
{
        for (size_t i = 0; i < set->n; i++)
                if (span_eq(set->v[i].impu, impu))
                        return &set->v[i];
        return NULL;
}

static uint32_t impu_type(struct span impu, bool psi)
{
        bool wildcard = span_chr(impu, '!', 0) >= 0;
        if (psi)
                return wildcard ? PROFILE_WILDCARDED_PSI : PROFILE_DISTINCT_PSI;
        return wildcard ? PROFILE_WILDCARDED_IMPU : PROFILE_DISTINCT_IMPU;
}

static void put(struct new_set *set, struct span impu, bool barred, struct span display_name)
{
        if (set->n < SET_MAX && !find(set, impu))
                set->v[set->n++] = (struct record_impu){.impu = impu,
                                                        .barred = barred,
                                                        .display_name = display_name,
                                                        .type = impu_type(impu, false)};
}

/* sip:+MSISDN@domain and tel:+MSISDN (aliases of each other), between them the temporary identity of TS
 * 23.003 13.4B, sip:IMSI@domain: the phone registers with it, and it is barred for everything else. When
 * it is the only one it is not barred. */
static int derive(const struct provision *p, const struct subscriber *sub, struct span domain,
                  struct new_set *set)
{
        const struct span number[] = {SPAN("sip:+"), sub->msisdn, SPAN("@"), domain};
        const struct span temporary[] = {SPAN("sip:"), sub->imsi, SPAN("@"), domain};
        const struct span tel[] = {SPAN("tel:+"), sub->msisdn};
        const struct span alone[] = {SPAN("sip:"), sub->impi};
        struct span uri, impu;
        bool numbered = sub->msisdn.n > 0;
        int rc = 0;
        if (numbered && (rc = identity_join(p->arena, number, 4, &uri)) == 0) {
                if (identity_canonical_impu(p->arena, uri, &impu))
                        return -IMS_EINVAL;
                put(set, impu, false, sub->display_name);
        }
        if (rc == 0 && sub->imsi.n && (rc = identity_join(p->arena, temporary, 4, &uri)) == 0) {
                if (identity_canonical_impu(p->arena, uri, &impu))
                        return -IMS_EINVAL;
                put(set, impu, numbered, numbered ? SPAN_NULL : sub->display_name);
        }
        if (rc == 0 && numbered && (rc = identity_join(p->arena, tel, 2, &impu)) == 0) {
                put(set, impu, false, sub->display_name);
        }
        if (rc == 0 && set->n == 0 && (rc = identity_join(p->arena, alone, 2, &uri)) == 0) {
                if (identity_canonical_impu(p->arena, uri, &impu))
                        return -IMS_EINVAL;
                put(set, impu, false, sub->display_name);
        }
        return rc;
}

/* sip:+NUMBER@domain and tel:+NUMBER are aliases of each other (TS 29.228 B.2.1). */
static void mark_aliases(struct new_set *set)
{
        uint32_t group = 0;
        for (size_t i = 0; i < set->n; i++) {
                struct record_impu *sip = &set->v[i], *tel = NULL;
                ptrdiff_t at = span_chr(sip->impu, '@', 0);
                if (at < 0 || !span_starts(sip->impu, SPAN("sip:+")))
                        continue;
                struct span number = span_sub(sip->impu, 4, (size_t)at);
                for (size_t k = 0; !tel && k < set->n; k++)
                        if (span_starts(set->v[k].impu, SPAN("tel:")) &&
                            span_eq(span_sub(set->v[k].impu, 4, set->v[k].impu.n), number))
                                tel = &set->v[k];
                if (!tel)
                        continue;
                if (!tel->has_alias_group) {
                        tel->has_alias_group = true;
                        tel->alias_group = ++group;
                }
                sip->has_alias_group = true;
                sip->alias_group = tel->alias_group;
        }
}

static int make_set(const struct provision *p, const struct subscriber *sub, struct span domain,
                    struct new_set *set, struct buf *err)
{
        int rc = 0;
        for (size_t i = 0; i < sub->impus.n; i++)
                put(set, sub->impus.v[i], false, sub->display_name);
        if (sub->impus.n == 0)
                rc = derive(p, sub, domain, set);
        if (rc == -IMS_EINVAL)
                return refuse(err, SUB_IMPU, SPAN_NULL, "no identity can be derived: give --impu", rc);
        if (rc < 0)
                return rc;
        for (size_t i = 0; i < sub->barred.n; i++) {
                put(set, sub->barred.v[i], true, SPAN_NULL);
                find(set, sub->barred.v[i])->barred = true;
                find(set, sub->barred.v[i])->display_name = SPAN_NULL; /* nobody is shown it */
        }
        mark_aliases(set);
        for (size_t i = 0; i < sub->bar.n + sub->unbar.n; i++) {
                bool bar = i < sub->bar.n;
                struct span impu = bar ? sub->bar.v[i] : sub->unbar.v[i - sub->bar.n];
                struct record_impu *u = find(set, impu);
                if (!u)
                        return refuse(err, bar ? SUB_BAR : SUB_UNBAR, impu,
                                      "is no identity of this subscriber", -IMS_EINVAL);
                u->barred = bar;
        }
        return 0;
}

static int conflict(const struct provision *p, enum sub_field f, struct span value, int rc, struct buf *err)
{
        if (rc != -IMS_EEXISTS)
                return rc;
        const char *field = store_conflict(p->store);
        if (strcmp(field, "impi") == 0)
                f = SUB_IMPI;
        else if (strcmp(field, "imsi") == 0)
                f = SUB_IMSI;
        else if (strcmp(field, "msisdn") == 0)
                f = SUB_MSISDN;
        return refuse(err, f, value,
                      f == SUB_IMPI ? "is there already, and an IMPI has exactly one credential"
                                    : "is there already",
                      rc);
}

static int put_impu(const struct provision *p, int64_t set, int64_t profile, const struct record_impu *u,
                    enum sub_field f, struct buf *err)
{
        return conflict(p, f, u->impu, store_new_impu(p->store, set, profile, u), err);
}

/* Identities with a set of their own. */
static int put_single(const struct provision *p, const struct subscriber *sub, const struct record *r,
                      int64_t profile, bool psi, struct buf *err)
{
        const struct sub_list *list = psi ? &sub->psis : &sub->separate;
        int rc = 0;
        for (size_t i = 0; rc == 0 && i < list->n; i++) {
                struct record_impu u = {.impu = list->v[i],
                                        .display_name = sub->display_name,
                                        .type = impu_type(list->v[i], psi),
                                        .as_name = psi ? sub->as_name : SPAN_NULL};
                int64_t set;
                rc = store_new_set(p->store, r->subscription, r->id, &set);
                if (rc == 0)
                        rc = put_impu(p, set, profile, &u, psi ? SUB_PSI : SUB_SEPARATE_IMPU, err);
        }
        return rc;
}

static int find_profile(const struct provision *p, const struct subscriber *sub, int64_t *out,
                        struct buf *err)
{
        struct span name = sub->profile.n ? sub->profile : SPAN("default");
        int rc = store_find_profile(p->store, name, out);
        if (rc == -IMS_ENOTFOUND)
                return refuse(err, SUB_PROFILE, name, "is no service profile (`hss profile list`)",
                              -IMS_EINVAL);
        return rc;
}

static int set_sqn(const struct provision *p, const struct subscriber *sub, int64_t impi)
{
        const struct sqn_hss sqn = {.seq = sub->sqn >> p->conf->auc_ind_bits};
        return sub_given(sub, SUB_SQN) ? store_write_sqn(p->store, impi, &sqn) : 0;
}

/* --join: the subscription of the other IMPI, whose fields stay unless others are given. */
static int find_joined(const struct provision *p, const struct subscriber *sub, struct record *r,
                       struct buf *err)
{
        struct record other;
        int64_t id = 0;
        int rc = store_find(p->store, sub->join, &id);
        if (rc == -IMS_ENOTFOUND)
                return refuse(err, SUB_JOIN, sub->join, "is no IMPI of a subscriber", -IMS_EINVAL);
        if (rc == 0)
                rc = store_read_record(p->store, p->arena, id, &other);
        if (rc < 0)
                return rc;
        r->subscription = other.subscription;
        r->registration_allowed =
                sub_given(sub, SUB_REGISTRATION) ? r->registration_allowed : other.registration_allowed;
        r->unregistered_services =
                sub_given(sub, SUB_UNREGISTERED) ? r->unregistered_services : other.unregistered_services;
        r->visited = sub_given(sub, SUB_VISITED) ? r->visited : other.visited;
        r->mandatory = sub_given(sub, SUB_CAPABILITY) ? r->mandatory : other.mandatory;
        r->optional = sub_given(sub, SUB_CAPABILITY) ? r->optional : other.optional;
        r->server_names = sub_given(sub, SUB_SERVER_NAME) ? r->server_names : other.server_names;
        r->charging = sub_given(sub, SUB_ECF) || sub_given(sub, SUB_CCF) ? r->charging : other.charging;
        r->loose_route = sub_given(sub, SUB_LOOSE_ROUTE) ? r->loose_route : other.loose_route;
        r->priviledged_sender =
                sub_given(sub, SUB_PRIVILEDGED) ? r->priviledged_sender : other.priviledged_sender;
        return 0;
}

/* The rows of the subscriber, its IMPI with credential; identities follow. */
static int put_subscriber(const struct provision *p, const struct subscriber *sub, struct record *r,
                          struct buf *err)
{
        int rc = sub->join.n ? find_joined(p, sub, r, err)
                             : store_new_subscription(p->store, &r->subscription);
        if (rc < 0)
                return rc;
        rc = store_new_impi(p->store, r->subscription, r, &r->id);
        if (rc == -IMS_EEXISTS) {
                const char *field = store_conflict(p->store);
                return conflict(p, SUB_IMPI,
                                strcmp(field, "imsi") == 0     ? r->imsi
                                : strcmp(field, "msisdn") == 0 ? r->msisdn
                                                               : r->impi,
                                rc, err);
        }
        if (rc == 0)
                rc = store_set_record(p->store, r);
        return rc < 0 ? rc : set_sqn(p, sub, r->id);
}

/* A user of SIP Digest may register without IMPI; it is then made of the IMPU, which belongs to that IMPI
 * and no other (TS 33.203 N.2.1.1). */
static int check_shared(const struct provision *p, const struct record *r, enum sub_field f, struct buf *err)
{
        struct span impu;
        int rc = store_find_shared_derived(p->store, p->arena, r->subscription, &impu);
        if (rc == 0 && impu.p)
                return refuse(err, f, impu,
                              "is the IMPI of a SIP Digest user, who may register without it: it belongs to "
                              "that IMPI alone (TS 33.203 N.2.1.1); an IMPI of another name may share",
                              -IMS_EINVAL);
        return rc;
}

int sub_add(const struct provision *p, const struct subscriber *sub, struct buf *err)
{
        struct record r = {.registration_allowed = true,
                           .iterations = 1,
                           .res_octets = 8,
                           .loose_route = -1,
                           .priviledged_sender = -1};
        struct new_set set = {.n = 0};
        struct span domain;
        int64_t profile = 0, set_id = 0;
        int rc = home_domain(p, sub, &domain);
        if (rc == 0 && !sub->impi.n) {
                const struct span impi[] = {sub->imsi, SPAN("@"), domain};
                rc = identity_join(p->arena, impi, 3, &r.impi);
        }
        if (rc == 0)
                rc = find_profile(p, sub, &profile, err);
        if (rc == 0 && !sub->join.n)
                rc = make_set(p, sub, domain, &set, err);
        if (rc == 0)
                rc = sub_fill_record(p, sub, &r, err);
        if (rc == 0)
                rc = put_subscriber(p, sub, &r, err);
        if (rc == 0)
                rc = sub->join.n ? store_join(p->store, r.id, r.subscription)
                                 : store_new_set(p->store, r.subscription, r.id, &set_id);
        for (size_t i = 0; rc == 0 && i < set.n; i++)
                rc = put_impu(p, set_id, profile, &set.v[i], SUB_IMPU, err);
        if (rc == 0)
                rc = put_single(p, sub, &r, profile, false, err);
        if (rc == 0)
                rc = put_single(p, sub, &r, profile, true, err);
        if (rc == 0 && sub->join.n)
                rc = check_shared(p, &r, SUB_JOIN, err);
        return rc < 0 ? rc : sub_check_trust_domain(p, r.id, err);
}

static int change_barring(const struct provision *p, const struct record *r, const struct sub_list *list,
                          bool barred, struct buf *err)
{
        for (size_t i = 0; i < list->n; i++) {
                int rc = store_set_barred(p->store, r->id, list->v[i], barred);
                if (rc == -IMS_ENOTFOUND)
                        return refuse(err, barred ? SUB_BAR : SUB_UNBAR, list->v[i],
                                      "is no identity of this subscriber", rc);
                if (rc < 0)
                        return rc;
        }
        return 0;
}

static int remove_impus(const struct provision *p, const struct record *r, const struct sub_list *list,
                        struct buf *err)
{
        if (list->n && list->n >= r->n_impus)
                return refuse(err, SUB_REMOVE_IMPU, SPAN_NULL, "a subscriber keeps at least one identity",
                              -IMS_EINVAL);
        for (size_t i = 0; i < list->n; i++) {
                int rc = store_remove_impu(p->store, r->id, list->v[i]);
                if (rc == -IMS_ENOTFOUND)
                        return refuse(err, SUB_REMOVE_IMPU, list->v[i], "is no identity of this subscriber",
                                      rc);
                if (rc < 0)
                        return rc;
        }
        return list->n ? store_drop_empty_sets(p->store, r->subscription) : 0;
}

int sub_change(const struct provision *p, struct record *r, const struct subscriber *sub, struct buf *err)
{
        int64_t profile = 0;
        int rc = sub_fill_record(p, sub, r, err);
        if (rc == 0)
                rc = conflict(p, SUB_IMPI, SPAN_NULL, store_set_record(p->store, r), err);
        if (rc == 0)
                rc = set_sqn(p, sub, r->id);
        struct subscriber named = {.profile = sub->profile.n || r->n_impus == 0 ? sub->profile
                                                                                : r->impus[0].profile};
        if (rc == 0)
                rc = find_profile(p, &named, &profile, err);
        if (rc == 0 && sub->profile.n)
                rc = store_set_profile(p->store, r->id, profile);
        for (size_t i = 0; rc == 0 && i < sub->impus.n; i++) {
                struct record_impu u = {.impu = sub->impus.v[i], .type = impu_type(sub->impus.v[i], false)};
                rc = put_impu(p, r->n_impus ? r->impus[0].set : 0, profile, &u, SUB_IMPU, err);
        }
        if (rc == 0)
                rc = put_single(p, sub, r, profile, false, err);
        if (rc == 0)
                rc = put_single(p, sub, r, profile, true, err);
        if (rc == 0)
                rc = change_barring(p, r, &sub->bar, true, err);
        if (rc == 0)
                rc = change_barring(p, r, &sub->unbar, false, err);
        if (rc == 0)
                rc = remove_impus(p, r, &sub->remove, err);
        if (rc == 0)
                rc = check_shared(p, r, SUB_IMPU, err);
        return rc < 0 ? rc : sub_check_trust_domain(p, r->id, err);
}
