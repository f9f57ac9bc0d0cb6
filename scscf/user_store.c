/* SPDX-License-Identifier: BSD-3-Clause
 * Users, implicit registration sets and bindings of the S-CSCF. */
#include "scscf/user_store.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/secret.h"
#include "common/sip/grammar.h"
#include "scscf/av_store.h"
#include "scscf/digest.h"

static struct user *user_of(const struct hnode *n)
{
        return container_of(n, struct user, node);
}

static bool impi_eq(const struct hnode *n, const void *key)
{
        return span_eq(user_impi(user_of(n)), *(const struct span *)key);
}

static bool impu_eq(const struct hnode *n, const void *key)
{
        return span_eq(impu_text(container_of(n, struct impu, node)), *(const struct span *)key);
}

struct user *user_find(const struct user_store *s, struct span impi)
{
        struct hnode *n = htab_find(&s->users, hash_span(impi), impi_eq, &impi);

        return n ? user_of(n) : NULL;
}

int user_new(struct user_store *s, struct span impi, struct user **out)
{
        struct user *u = NULL;

        if (impi.n > UINT16_MAX)
                return -IMS_ENOMEM;
        u = calloc(1, sizeof(*u) + impi.n);
        if (!u)
                return -IMS_ENOMEM;
        memcpy(u->impi, impi.p, impi.n);
        u->impi_n = (uint16_t)impi.n;
        list_init(&u->contacts);
        list_init(&u->waiting);
        if (htab_insert(&s->users, &u->node, hash_span(impi)) < 0) {
                free(u);
                return -IMS_ENOMEM;
        }
        *out = u;
        return 0;
}

void user_free(struct user_store *s, struct user *u)
{
        assert(list_empty(&u->contacts) && !u->challenge && !u->job && !u->fetch);
        htab_remove(&s->users, &u->node);
        av_clear(&u->avs);
        digest_user_free(u->digest);
        shared_put(u->hss);
        free(u);
}

struct impu *impu_find(const struct user_store *s, struct span impu)
{
        struct hnode *n = htab_find(&s->impus, hash_span(impu), impu_eq, &impu);

        return n ? container_of(n, struct impu, node) : NULL;
}

static const char *set_text(const struct reg_set *set)
{
        return (const char *)&set->impus[set->n_impus];
}

struct span impu_text(const struct impu *i)
{
        return span_make(set_text(i->set) + i->at, i->n);
}

struct span reg_set_default(const struct reg_set *set)
{
        return set->default_impu == IMPU_NONE ? SPAN_NULL : impu_text(&set->impus[set->default_impu]);
}

bool reg_set_has_user(const struct reg_set *set, const struct user *u)
{
        if (!set)
                return false;
        list_for_each(n, &set->contacts) if (container_of(n, struct contact, in_set)->user == u) return true;
        return false;
}

bool reg_set_over_tls(const struct reg_set *set, const struct user *u)
{
        list_for_each(n, &set->contacts)
        {
                const struct contact *c = container_of(n, struct contact, in_set);

                if (c->user == u && c->tls)
                        return true;
        }
        return false;
}

size_t reg_set_count(const struct reg_set *set)
{
        size_t n = 0;

        list_for_each(c, &set->contacts) n++;
        return n;
}

/* --- making a set ------------------------------------------------------------------------------- */

/* The canonical forms of all identities of the profile, one behind the other; ends[i] is where the i-th
 * stops. What is no SIP or tel URI (a wildcarded identity, say) stays as it stands. */
static int canonical_all(const struct profile *p, struct buf *text, size_t *ends)
{
        size_t k = 0;

        for (size_t i = 0; i < p->n_services; i++) {
                for (size_t j = 0; j < p->services[i].n_impus; j++) {
                        struct span id = span_of(p->services[i].impus[j].identity);

                        if (sip_uri_canonical(id, text) < 0)
                                buf_span(text, id);
                        if (text->n - (k ? ends[k - 1] : 0) > UINT16_MAX)
                                return -IMS_ETOOBIG;
                        ends[k++] = text->n;
                }
        }
        return text->err;
}

static size_t count_impus(const struct profile *p)
{
        size_t n = 0;

        for (size_t i = 0; i < p->n_services; i++)
                n += p->services[i].n_impus;
        return n;
}

/* An identity a UE can register with, no PSI and no wildcard. */
static bool is_distinct(unsigned type)
{
        return type == PROFILE_DISTINCT_IMPU || type == PROFILE_NON_DISTINCT_IMPU;
}

/* Fills the identities of a fresh set. */
static int fill_impus(struct user_store *s, struct reg_set *set, const struct profile *p, const size_t *ends)
{
        size_t k = 0, start = 0;

        for (size_t i = 0; i < p->n_services; i++) {
                struct shared *service = NULL;
                int rc = shared_service(&s->shared, &p->services[i], &service);

                if (rc < 0)
                        return rc;
                for (size_t j = 0; j < p->services[i].n_impus; j++, k++) {
                        const struct profile_impu *from = &p->services[i].impus[j];
                        struct impu *to = &set->impus[k];

                        to->set = set;
                        to->at = (uint32_t)start;
                        to->n = (uint16_t)(ends[k] - start);
                        to->type = (uint8_t)from->type;
                        to->barred = from->barred;
                        to->service = service;
                        if (service)
                                service->refs++;
                        if (set->default_impu == IMPU_NONE && !from->barred &&
                            from->type == PROFILE_DISTINCT_IMPU)
                                set->default_impu = (uint16_t)k;
                        start = ends[k];
                }
                shared_put(service);
        }
        return 0;
}

/* Frees a set that is in no table. */
static void set_destroy(struct reg_set *set)
{
        if (!set)
                return;
        for (size_t i = 0; i < set->n_impus; i++)
                shared_put(set->impus[i].service);
        shared_put(set->charging);
        free(set);
}

static void unlist_impus(struct user_store *s, struct reg_set *set, size_t n)
{
        for (size_t i = 0; i < n; i++)
                htab_remove(&s->impus, &set->impus[i].node);
}

/* Puts the identities into the table; identities of old are taken out before. */
static int list_impus(struct user_store *s, struct reg_set *set, struct reg_set *old)
{
        size_t i;
        int rc = 0;

        if (old)
                unlist_impus(s, old, old->n_impus);
        for (i = 0; i < set->n_impus; i++) {
                struct span id = impu_text(&set->impus[i]);

                rc = impu_find(s, id) ? -IMS_EEXISTS
                                      : htab_insert(&s->impus, &set->impus[i].node, hash_span(id));
                if (rc < 0)
                        break;
        }
        if (rc == 0)
                return 0;
        unlist_impus(s, set, i);
        /* The slots are there: putting back what was in the table does not fail. */
        for (i = 0; old && i < old->n_impus; i++)
                if (htab_insert(&s->impus, &old->impus[i].node, hash_span(impu_text(&old->impus[i]))) < 0)
                        return -IMS_ENOMEM;
        return rc;
}

/* Bindings, token and, unless it has its own, charging data pass from old to set. */
static void inherit(struct reg_set *set, struct reg_set *old)
{
        set->token = old->token;
        set->registrar = old->registrar;
        while (!list_empty(&old->contacts)) {
                struct contact *c = container_of(old->contacts.next, struct contact, in_set);

                list_unlink(&c->in_set);
                list_append(&set->contacts, &c->in_set);
                c->set = set;
        }
        if (!set->charging) {
                set->charging = old->charging;
                old->charging = NULL;
        }
}

static int set_alloc(struct user_store *s, const struct profile *p, struct reg_set **out)
{
        size_t n = count_impus(p), *ends = NULL;
        struct buf text = BUF_INIT;
        struct reg_set *set = NULL;
        int rc = -IMS_ENOMEM;

        if (n == 0 || n >= IMPU_NONE)
                return -IMS_EINVAL;
        ends = calloc(n, sizeof(*ends));
        if (!ends)
                goto out;
        rc = canonical_all(p, &text, ends);
        if (rc < 0)
                goto out;
        set = calloc(1, sizeof(*set) + n * sizeof(set->impus[0]) + text.n);
        if (!set) {
                rc = -IMS_ENOMEM;
                goto out;
        }
        list_init(&set->contacts);
        set->n_impus = (uint16_t)n;
        set->default_impu = IMPU_NONE;
        if (text.n)
                memcpy(&set->impus[n], text.p, text.n);
        rc = fill_impus(s, set, p, ends);
        if (rc < 0)
                goto out;
        *out = set;
        set = NULL;
out:
        set_destroy(set);
        buf_free(&text);
        free(ends);
        return rc;
}

int reg_set_new(struct user_store *s, const struct profile *p, struct span impu, struct span charging,
                struct reg_set *old, struct reg_set **out)
{
        struct reg_set *set = NULL;
        bool found = false;
        int rc = set_alloc(s, p, &set);

        if (rc < 0)
                return rc;
        for (size_t i = 0; i < set->n_impus && !found; i++)
                found = is_distinct(set->impus[i].type) && span_eq(impu_text(&set->impus[i]), impu);
        if (impu.n && !found)
                rc = -IMS_EINVAL;
        else if (!old)
                rc = secret_random(&set->token, sizeof(set->token));
        if (rc == 0 && charging.n) {
                set->charging = shared_get(&s->shared, charging);
                rc = set->charging ? 0 : -IMS_ENOMEM;
        }
        if (rc == 0)
                rc = list_impus(s, set, old);
        if (rc < 0) {
                set_destroy(set);
                return rc;
        }
        if (old) {
                inherit(set, old);
                set_destroy(old);
        } else {
                s->n_sets++;
        }
        *out = set;
        return 0;
}

void reg_set_free(struct user_store *s, struct reg_set *set)
{
        if (!set)
                return;
        assert(list_empty(&set->contacts) && !tmr_running(&set->expiry));
        unlist_impus(s, set, set->n_impus);
        set_destroy(set);
        s->n_sets--;
}

void contact_link(struct user_store *s, struct contact *c, struct reg_set *set, struct user *u)
{
        c->user = u;
        c->set = set;
        list_append(&set->contacts, &c->in_set);
        list_append(&u->contacts, &c->in_user);
        s->n_contacts++;
}

void contact_drop(struct user_store *s, struct contact *c)
{
        contact_free(c);
        s->n_contacts--;
}

void user_store_free(struct user_store *s)
{
        htab_free(&s->users);
        htab_free(&s->impus);
        shared_store_free(&s->shared);
}
