/* SPDX-License-Identifier: BSD-3-Clause
 * Texts that many users have in common. */
#include "scscf/shared.h"

#include <stdlib.h>

#include "common/base/list.h"

static struct shared *from_node(const struct hnode *n)
{
        return container_of(n, struct shared, node);
}

static bool text_eq(const struct hnode *n, const void *key)
{
        return span_eq(shared_text(from_node(n)), *(const struct span *)key);
}

struct shared *shared_get(struct shared_store *store, struct span text)
{
        struct hnode *n = NULL;
        struct shared *s = NULL;
        uint64_t hash;

        if (text.n == 0 || text.n > UINT32_MAX)
                return NULL;
        hash = hash_span(text);
        n = htab_find(&store->texts, hash, text_eq, &text);
        if (n) {
                from_node(n)->refs++;
                return from_node(n);
        }
        s = calloc(1, sizeof(*s) + text.n + 1);
        if (!s)
                return NULL;
        memcpy(s->text, text.p, text.n);
        s->n = (uint32_t)text.n;
        s->refs = 1;
        s->store = store;
        if (htab_insert(&store->texts, &s->node, hash) < 0) {
                free(s);
                return NULL;
        }
        return s;
}

void shared_put(struct shared *s)
{
        if (!s || --s->refs > 0)
                return;
        htab_remove(&s->store->texts, &s->node);
        profile_free(s->profile);
        free(s);
}

void shared_store_free(struct shared_store *store)
{
        htab_free(&store->texts);
}

int shared_service(struct shared_store *store, const struct profile_service *service, struct shared **out)
{
        char anybody[] = "sip:any@invalid", nobody[] = "any@invalid";
        struct profile_impu impu = {.identity = anybody};
        struct profile_service bare = *service;
        struct profile doc = {.impi = nobody, .services = &bare, .n_services = 1};
        struct buf text = BUF_INIT, err = BUF_INIT;
        struct shared *s = NULL;
        int rc = 0;

        if (service->n_ifcs == 0 && service->n_shared_ifc_sets == 0 && !service->has_media_profile) {
                *out = NULL;
                return 0;
        }
        bare.impus = &impu;
        bare.n_impus = 1;
        rc = profile_write(&doc, &text);
        if (rc < 0)
                goto out;
        s = shared_get(store, buf_as_span(&text));
        if (!s) {
                rc = -IMS_ENOMEM;
                goto out;
        }
        if (!s->profile)
                rc = profile_parse(shared_text(s), &s->profile, &err);
        if (rc < 0) {
                shared_put(s);
                goto out;
        }
        *out = s;
out:
        buf_free(&text);
        buf_free(&err);
        return rc;
}
