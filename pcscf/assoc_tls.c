/* SPDX-License-Identifier: BSD-3-Clause
 * The table of TLS connections that belong to registered UEs. */
#include "pcscf/assoc_tls.h"

#include <stdlib.h>

struct tls_table {
        struct htab conns, ids;
        uint32_t last_id;
};

int tls_table_new(struct tls_table **out)
{
        struct tls_table *t = calloc(1, sizeof(*t));

        if (!t)
                return -IMS_ENOMEM;
        *out = t;
        return 0;
}

static void free_node(struct hnode *n, void *arg)
{
        (void)arg;
        tls_assoc_remove(container_of(n, struct tls_assoc, by_id));
}

void tls_table_free(struct tls_table *t)
{
        if (!t)
                return;
        htab_each(&t->ids, free_node, NULL);
        htab_free(&t->ids);
        htab_free(&t->conns);
        free(t);
}

size_t tls_table_count(const struct tls_table *t)
{
        return t->ids.n;
}

static uint64_t number_hash(uint64_t n)
{
        return hash_mix(n, ASSOC_TLS);
}

static bool eq_conn(const struct hnode *n, const void *key)
{
        return container_of(n, struct tls_assoc, by_conn)->flow.conn_id == *(const uint64_t *)key;
}

static bool eq_id(const struct hnode *n, const void *key)
{
        return container_of(n, struct tls_assoc, by_id)->id == *(const uint32_t *)key;
}

struct tls_assoc *tls_table_find(const struct tls_table *t, const struct sip_flow *flow)
{
        struct hnode *n = flow->transport == TRANSPORT_TLS && flow->conn_id
                                  ? htab_find(&t->conns, number_hash(flow->conn_id), eq_conn, &flow->conn_id)
                                  : NULL;

        return n ? container_of(n, struct tls_assoc, by_conn) : NULL;
}

struct tls_assoc *tls_table_of(const struct tls_table *t, struct assoc a)
{
        struct hnode *n = a.kind == ASSOC_TLS ? htab_find(&t->ids, number_hash(a.id), eq_id, &a.id) : NULL;

        return n ? container_of(n, struct tls_assoc, by_id) : NULL;
}

void tls_assoc_remove(struct tls_assoc *a)
{
        if (!a)
                return;
        htab_remove(&a->table->conns, &a->by_conn);
        htab_remove(&a->table->ids, &a->by_id);
        free(a);
}

static void set_session(struct tls_assoc *a, const struct tls_info *info)
{
        size_t n = info->session_id_n < sizeof(a->session_id) ? info->session_id_n : sizeof(a->session_id);

        memcpy(a->session_id, info->session_id, n);
        a->session_id_n = (uint8_t)n;
}

int tls_table_add(struct tls_table *t, const struct sip_flow *flow, const struct tls_info *info,
                  struct span impi, enum tls_variant variant, uint64_t now_ms, struct tls_assoc **out)
{
        struct tls_assoc *a = calloc(1, sizeof(*a) + impi.n);
        int err;

        if (!a)
                return -IMS_ENOMEM;
        a->table = t;
        a->flow = *flow;
        a->id = ++t->last_id ? t->last_id : ++t->last_id;
        a->variant = variant;
        a->made_ms = now_ms;
        set_session(a, info);
        a->impi_n = impi.n;
        if (impi.n)
                memcpy(a->impi, impi.p, impi.n);
        err = htab_insert(&t->ids, &a->by_id, number_hash(a->id));
        if (!err)
                err = htab_insert(&t->conns, &a->by_conn, number_hash(flow->conn_id));
        if (err)
                tls_assoc_remove(a);
        else
                *out = a;
        return err;
}

void tls_assoc_session(struct tls_assoc *a, const struct tls_info *info)
{
        set_session(a, info);
        a->renegotiations++;
}

struct each {
        void (*fn)(struct tls_assoc *a, void *arg);
        void *arg;
};

static void each_node(struct hnode *n, void *arg)
{
        const struct each *each = arg;

        each->fn(container_of(n, struct tls_assoc, by_id), each->arg);
}

void tls_table_each(struct tls_table *t, void (*fn)(struct tls_assoc *a, void *arg), void *arg)
{
        struct each each = {fn, arg};

        htab_each(&t->ids, each_node, &each);
}
