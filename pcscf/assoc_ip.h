/* SPDX-License-Identifier: BSD-3-Clause
 * The IP address check table of SIP Digest without TLS: packet source and Via sent-by of a successful
 * REGISTER, with its IMPI; the IMPUs are those of the registrations that hang on the entry. TS 33.203 N.2.1,
 * Q.2. */
#pragma once

#include "common/base/htab.h"
#include "common/base/list.h"
#include "common/net/addr.h"
#include "pcscf/assoc.h"

struct ip_table;

struct ip_entry {
        struct hnode by_source, by_id;
        struct addr ue; /* port 0 when the UE does not manage its flows (RFC 5626) */
        uint32_t id;
        uint16_t sent_by; /* its place in text; of Via: host, or host:port */
        char text[];      /* C strings: IMPI, sent_by */
};

static inline struct span ip_entry_impi(const struct ip_entry *e)
{
        return span_make(e->text, (size_t)e->sent_by - 1);
}

static inline const char *ip_entry_sent_by(const struct ip_entry *e)
{
        return e->text + e->sent_by;
}

/* True when the UE manages its flows: its port counts too. */
static inline bool ip_entry_outbound(const struct ip_entry *e)
{
        return addr_port(&e->ue) != 0;
}

int ip_table_new(struct ip_table **out) IMS_CHECK;
/* Accepts NULL. */
void ip_table_free(struct ip_table *t);
size_t ip_table_count(const struct ip_table *t);

/* What a 200 to a REGISTER tells. */
struct ip_info {
        struct addr from; /* packet source */
        bool outbound;    /* client-initiated connections are managed: the port is part of the entry */
        struct span sent_by, impi;
};

/* The entry of this source and IMPI, made when there is none; an earlier one keeps its number and is gone.
 * -IMS_ENOMEM, -IMS_ETOOBIG (texts beyond 60 kB): nothing is changed. */
int ip_table_put(struct ip_table *t, const struct ip_info *i, struct ip_entry **out) IMS_CHECK;

/* True when a success of the UE of now takes the place of another entry (N.2.1.1): one of another IMPI with
 * the same address, or, where now has a port, with the same address and port. */
bool ip_entry_overwrites(const struct ip_entry *now, const struct ip_entry *other);

/* The entry of exactly that address and port (0: of the address alone), or NULL. */
struct ip_entry *ip_table_exact(const struct ip_table *t, const struct addr *source);

/* The entry of that association; NULL: it is of another kind, or has gone. */
struct ip_entry *ip_table_of(const struct ip_table *t, struct assoc a);

void ip_table_each(struct ip_table *t, void (*fn)(struct ip_entry *e, void *arg), void *arg);

/* Accepts NULL for e. */
void ip_entry_remove(struct ip_table *t, struct ip_entry *e);
