/* SPDX-License-Identifier: BSD-3-Clause
 * TLS connections of registered UEs: what a 200 to a REGISTER links. The IMPUs are those of the registrations
 * that hang on the record; version and cipher suite the stack tells. TS 33.203 O.2.2, O.2.3, O.4.2. */
#pragma once

#include "common/base/htab.h"
#include "common/base/list.h"
#include "common/sip/stack.h"
#include "pcscf/assoc.h"

struct tls_table;

/* How TLS came to be used; what is taken outside of the connection depends on it (O.2.2, O.2.3). */
enum tls_variant {
        TLS_BY_SEC_AGREE, /* agreed on by a REGISTER in clear */
        TLS_FROM_START    /* the connection was there before the first REGISTER */
};

struct tls_assoc {
        struct hnode by_conn, by_id;
        struct tls_table *table;
        struct sip_flow flow; /* with the UE's address and port */
        uint32_t id;
        enum tls_variant variant;
        uint8_t session_id[32];
        uint8_t session_id_n;
        uint32_t renegotiations;
        uint64_t made_ms;
        size_t impi_n;
        char impi[];
};

static inline struct span tls_assoc_impi(const struct tls_assoc *a)
{
        return span_make(a->impi, a->impi_n);
}

int tls_table_new(struct tls_table **out) IMS_CHECK;
/* Accepts NULL. */
void tls_table_free(struct tls_table *t);
size_t tls_table_count(const struct tls_table *t);

/* Makes the record of a connection that has none. info: what its handshake led to. -IMS_ENOMEM. */
int tls_table_add(struct tls_table *t, const struct sip_flow *flow, const struct tls_info *info,
                  struct span impi, enum tls_variant variant, uint64_t now_ms,
                  struct tls_assoc **out) IMS_CHECK;

/* A renegotiation is done: its Session ID takes the place of the old one (O.4.2). */
void tls_assoc_session(struct tls_assoc *a, const struct tls_info *info);

/* The record of a connection, or NULL. */
struct tls_assoc *tls_table_find(const struct tls_table *t, const struct sip_flow *flow);

/* The record of that association; NULL: it is of another kind, or has gone. */
struct tls_assoc *tls_table_of(const struct tls_table *t, struct assoc a);

void tls_table_each(struct tls_table *t, void (*fn)(struct tls_assoc *a, void *arg), void *arg);

/* Accepts NULL. The connection stays. */
void tls_assoc_remove(struct tls_assoc *a);
