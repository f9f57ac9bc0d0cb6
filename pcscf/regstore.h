/* SPDX-License-Identifier: BSD-3-Clause
 * Who is registered through this P-CSCF: one binding per IMPU and contact, found by its number (Path and
 * Record-Route carry it), by the flow of the UE, and by IMPU. TS 24.229 5.2.2. */
#pragma once

#include "common/base/htab.h"
#include "common/net/loop.h"
#include "common/net/rates.h"
#include "common/sip/stack.h"
#include "pcscf/assoc.h"

struct regstore;

/* An address where UEs are; private to the store. */
struct ue_ip;

/* Where a UE is: what its registration is associated with, whatever ports and connections that changes to;
 * without an association for UDP its address and port, for TCP that connection. Lives as long as a binding.
 */
struct ue_flow {
        struct hnode by_flow;
        struct list at_ip;
        struct ue_ip *ip;
        struct list bindings; /* struct binding, the latest registration last */
        struct sip_flow flow; /* with an association: how its last REGISTER came */
        struct assoc assoc;
        struct rate_pace pace; /* of its REGISTERs */
};

/* One registered contact. Block and flow together stay under 1 kB for the usual identities. */
struct binding {
        struct hnode by_id, by_aor;
        struct list in_flow;
        struct tmr timer;
        struct regstore *store;
        struct ue_flow *where; /* bound to the identities below */
        uint64_t ends_ms;
        uint32_t id;
        uint16_t contact, instance, impi, service_route, charging, impus, end; /* places in text; aor at 0 */
        /* C strings; several impus up to end. The default IMPU is the aor, and the impi the end of the aor,
         * for most users: such a text stands there once. */
        char text[];
};

static inline struct span binding_aor(const struct binding *b)
{
        return span_of(b->text);
}
static inline struct span binding_contact(const struct binding *b)
{
        return span_of(b->text + b->contact);
}
static inline struct span binding_instance(const struct binding *b)
{
        return span_of(b->text + b->instance);
}
static inline struct span binding_impi(const struct binding *b)
{
        return span_of(b->text + b->impi);
}
static inline struct span binding_service_route(const struct binding *b)
{
        return span_of(b->text + b->service_route);
}
static inline struct span binding_charging(const struct binding *b)
{
        return span_of(b->text + b->charging);
}

/* Walks the IMPUs; the first is the default one. Begin with SPAN_NULL; false at the end. */
bool binding_next_impu(const struct binding *b, struct span *impu);

/* What the store makes a binding from; all borrowed. */
struct binding_info {
        uint32_t id;
        struct span aor, contact, instance, impi, service_route, charging;
        struct span impus; /* each followed by a NUL */
        struct sip_flow flow;
        struct assoc assoc; /* as in ue_flow */
        uint32_t expires_s; /* > 0 */
};

/* The address in the contact, when it is that of the UE itself: no translator stands between, and a
 * connection can be opened to there. */
bool binding_contact_addr(const struct binding *b, struct addr *out);

int regstore_new(struct loop *l, struct regstore **out) IMS_CHECK;
void regstore_free(struct regstore *s);

/* The last binding of a UE has gone: fn learns what it was associated with. */
void regstore_on_end(struct regstore *s, void (*fn)(struct assoc a, void *arg), void *arg);
size_t regstore_count(const struct regstore *s);

/* Replaces the binding of the same IMPU and contact, or adds one. -IMS_ENOMEM, -IMS_ETOOBIG (texts beyond
 * 60 kB): what was there before stays. */
int regstore_put(struct regstore *s, const struct binding_info *info) IMS_CHECK;
void regstore_remove(struct binding *b);

struct binding *regstore_by_id(const struct regstore *s, uint32_t id);
struct binding *regstore_by_contact(const struct regstore *s, struct span aor, struct span contact);

/* The latest registration of that UE. */
static inline struct binding *ue_latest(const struct ue_flow *f)
{
        return container_of(f->bindings.prev, struct binding, in_flow);
}

/* Removes every binding of that UE; f is gone then. */
void regstore_drop(struct ue_flow *f);

/* The UE without an association that registered over that flow, or NULL. */
struct ue_flow *regstore_flow(const struct regstore *s, const struct sip_flow *flow);

/* The UE with this association, or NULL: it has no binding. */
struct ue_flow *regstore_assoc(const struct regstore *s, struct assoc assoc);

/* UEs at one address, whatever the port; prev NULL begins. */
struct ue_flow *regstore_next_at(const struct regstore *s, const struct addr *ip, const struct ue_flow *prev);

/* The flow of the only UE that is registered at this address, without an association; NULL when none is, or
 * several are. */
struct ue_flow *regstore_only_at(const struct regstore *s, const struct addr *ip);

/* The UE of that flow has another connection from the same address now. -IMS_ENOMEM: all stays as it was. */
int regstore_move(struct regstore *s, struct ue_flow *f, const struct sip_flow *to) IMS_CHECK;

/* Bindings of one IMPU: prev NULL begins. */
struct binding *regstore_next_by_aor(const struct regstore *s, struct span aor, const struct binding *prev);
