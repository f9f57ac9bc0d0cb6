/* SPDX-License-Identifier: BSD-3-Clause
 * The choice of an S-CSCF. TS 29.228 6.7, TS 29.229 6.3.4 to 6.3.6. */
#include "icscf/pool.h"

#include "common/base/htab.h"

int capability_set_parse(struct span text, struct capability_set *out)
{
        struct capability_set set = {0};
        struct span part;

        text = span_trim(text);
        if (text.n == 0)
                text = SPAN_NULL;
        while (span_split(&text, ',', &part)) {
                if (set.n == CAPABILITIES_MAX)
                        return -IMS_ETOOBIG;
                if (span_u32(span_trim(part), UINT32_MAX, &set.v[set.n++]) != 0)
                        return -IMS_EPARSE;
        }
        *out = set;
        return 0;
}

bool pool_tried_full(const struct pool_tried *t)
{
        return t->n == TRIED_MAX;
}

bool pool_tried_has(const struct pool_tried *t, struct span uri)
{
        uint64_t hash = hash_span_icase(uri);

        for (size_t i = 0; i < t->n; i++)
                if (t->hashes[i] == hash)
                        return true;
        return false;
}

void pool_tried_add(struct pool_tried *t, struct span uri)
{
        if (!pool_tried_full(t))
                t->hashes[t->n++] = hash_span_icase(uri);
}

int pool_add(struct pool *p, const char *uri, struct span capabilities, uint32_t priority)
{
        struct pool_scscf s = {.uri = uri, .priority = priority};
        int err = capability_set_parse(capabilities, &s.capabilities);

        if (err)
                return err;
        if (p->n == POOL_MAX)
                return -IMS_ETOOBIG;
        p->scscfs[p->n++] = s;
        return 0;
}

static bool has_capability(const struct pool_scscf *s, uint32_t capability)
{
        for (size_t i = 0; i < s->capabilities.n; i++)
                if (s->capabilities.v[i] == capability)
                        return true;
        return false;
}

static size_t count_capabilities(const struct pool_scscf *s, const struct cx_u32s *wanted)
{
        size_t n = 0;

        for (size_t i = 0; i < wanted->n; i++)
                n += has_capability(s, wanted->v[i]);
        return n;
}

/* Mandatory capabilities are all there, and it was not tried. */
static bool fits(const struct pool_scscf *s, const struct cx_capabilities *wanted,
                 const struct pool_tried *tried)
{
        return count_capabilities(s, &wanted->mandatory) == wanted->mandatory.n &&
               !pool_tried_has(tried, span_of(s->uri));
}

static bool better(const struct pool_scscf *a, const struct pool_scscf *b, const struct cx_u32s *optional)
{
        size_t n_a = count_capabilities(a, optional), n_b = count_capabilities(b, optional);

        return n_a != n_b ? n_a > n_b : a->priority < b->priority;
}

int pool_choose(struct pool *p, const struct cx_capabilities *wanted, const struct pool_tried *tried,
                struct span *out_uri)
{
        const struct pool_scscf *best[POOL_MAX];
        size_t n = 0;

        if (pool_tried_full(tried))
                return -IMS_ENOTFOUND;
        for (size_t i = 0; i < wanted->server_names.n; i++)
                if (!pool_tried_has(tried, wanted->server_names.v[i])) {
                        *out_uri = wanted->server_names.v[i];
                        return 0;
                }
        for (size_t i = 0; i < p->n; i++) {
                const struct pool_scscf *s = &p->scscfs[i];

                if (!fits(s, wanted, tried))
                        continue;
                if (n && better(s, best[0], &wanted->optional))
                        n = 0;
                if (n == 0 || !better(best[0], s, &wanted->optional))
                        best[n++] = s;
        }
        if (n == 0)
                return -IMS_ENOTFOUND;
        *out_uri = span_of(best[p->turn++ % n]->uri);
        return 0;
}
