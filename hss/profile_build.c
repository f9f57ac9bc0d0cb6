/* SPDX-License-Identifier: BSD-3-Clause
 * The set's identities, grouped by service profile in the order of their first appearance. */
#include "hss/profile_build.h"

#include <stdlib.h>

#include "common/base/htab.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/profile/profile.h"

struct cached {
        struct hnode node;
        int64_t id, revision;
        struct profile *profile; /* NULL: no document, that is no criteria */
};

struct profile_cache {
        struct htab by_id;
};

int profile_cache_new(struct profile_cache **out)
{
        *out = calloc(1, sizeof **out);
        return *out ? 0 : -IMS_ENOMEM;
}

static void free_cached(struct hnode *node, void *arg)
{
        (void)arg;
        struct cached *c = container_of(node, struct cached, node);
        profile_free(c->profile);
        free(c);
}

void profile_cache_free(struct profile_cache *c)
{
        if (!c)
                return;
        htab_each(&c->by_id, free_cached, NULL);
        htab_free(&c->by_id);
        free(c);
}

static bool same_id(const struct hnode *node, const void *key)
{
        return container_of(node, const struct cached, node)->id == *(const int64_t *)key;
}

static int parse(struct span document, int64_t id, struct profile **out)
{
        struct buf err = BUF_INIT;
        int rc = profile_parse(document, out, &err);
        if (rc < 0)
                log_error("service profile %lld cannot be read: " SPAN_FMT, (long long)id,
                          SPAN_ARG(buf_as_span(&err)));
        buf_free(&err);
        return rc;
}

/* The parsed service profile as of that revision. */
static int lookup(struct profile_cache *c, struct store *s, struct arena *a, const struct store_impu *u,
                  const struct profile **out)
{
        uint64_t hash = hash_mix((uint64_t)u->profile, 0);
        struct hnode *node = htab_find(&c->by_id, hash, same_id, &u->profile);
        struct cached *entry = node ? container_of(node, struct cached, node) : NULL;
        if (entry && entry->revision == u->profile_revision) {
                *out = entry->profile;
                return 0;
        }
        struct profile *p = NULL;
        struct span document;
        int rc = store_read_profile(s, a, u->profile, &document);
        if (rc == 0 && document.n)
                rc = parse(document, u->profile, &p);
        if (rc == 0 && !entry) {
                entry = calloc(1, sizeof *entry);
                rc = entry ? htab_insert(&c->by_id, &entry->node, hash) : -IMS_ENOMEM;
                if (rc < 0) {
                        free(entry);
                        profile_free(p);
                        return rc;
                }
                entry->id = u->profile;
        }
        if (rc < 0)
                return rc;
        profile_free(entry->profile);
        entry->profile = p;
        entry->revision = u->profile_revision;
        *out = p;
        return 0;
}

/* struct profile owns its texts; here they are borrowed and nothing frees them. */
static char *borrow(struct span s)
{
        return (char *)(uintptr_t)s.p;
}

static struct profile_impu make_impu(const struct store_impu *u)
{
        bool wildcard = u->type == PROFILE_WILDCARDED_PSI || u->type == PROFILE_WILDCARDED_IMPU;
        return (struct profile_impu){
                .identity = borrow(u->impu),
                .barred = u->barred,
                .type = (enum profile_identity_type)u->type,
                .display_name = borrow(u->display_name),
                .has_alias_group = u->has_alias_group,
                .alias_group = u->alias_group,
                .wildcarded = wildcard ? borrow(u->impu) : NULL,
        };
}

static void take_criteria(const struct profile *from, bool shared_ifc, struct profile_service *to)
{
        if (!from || from->n_services == 0)
                return;
        const struct profile_service *src = &from->services[0];
        to->ifcs = src->ifcs;
        to->n_ifcs = src->n_ifcs;
        to->has_media_profile = src->has_media_profile;
        to->media_profile = src->media_profile;
        if (shared_ifc) {
                to->shared_ifc_sets = src->shared_ifc_sets;
                to->n_shared_ifc_sets = src->n_shared_ifc_sets;
        }
}

/* One service for all identities of list[first..] that share its profile; taken[] marks them. */
static int fill_service(const struct store_impu *list, size_t n, size_t first, bool *taken, struct arena *a,
                        struct profile_service *to)
{
        to->impus = arena_alloc(a, (n - first) * sizeof *to->impus);
        if (!to->impus)
                return -IMS_ENOMEM;
        for (size_t i = first; i < n; i++) {
                if (taken[i] || list[i].profile != list[first].profile)
                        continue;
                to->impus[to->n_impus++] = make_impu(&list[i]);
                taken[i] = true;
        }
        return 0;
}

int profile_build(struct profile_cache *c, struct store *s, struct arena *a, const struct profile_request *rq,
                  struct buf *out)
{
        struct store_impu *list = NULL;
        size_t n = 0;
        int rc = store_list_impus(s, a, rq->set, &list, &n);
        if (rc < 0)
                return rc;
        struct profile doc = {.impi = borrow(rq->impi)};
        bool *taken = arena_alloc(a, n * sizeof *taken + 1);
        doc.services = arena_alloc(a, n * sizeof *doc.services + 1);
        if (!taken || !doc.services)
                return -IMS_ENOMEM;
        memset(taken, 0, n * sizeof *taken);
        for (size_t i = 0; i < n; i++) {
                const struct profile *shared = NULL;
                if (taken[i])
                        continue;
                struct profile_service *to = &doc.services[doc.n_services++];
                *to = (struct profile_service){0};
                rc = lookup(c, s, a, &list[i], &shared);
                if (rc == 0)
                        rc = fill_service(list, n, i, taken, a, to);
                if (rc < 0)
                        return rc;
                take_criteria(shared, rq->shared_ifc, to);
        }
        return profile_write(&doc, out);
}

const char *profile_check_document(struct span xml, struct buf *err)
{
        struct profile *p = NULL;
        if (profile_parse(xml, &p, err) < 0)
                return "the document cannot be read";
        const char *why = p->n_services == 1 ? NULL : "the document must have exactly one ServiceProfile";
        profile_free(p);
        return why;
}
