/* SPDX-License-Identifier: BSD-3-Clause
 * Who is registered through this P-CSCF: one binding per IMPU and contact, found by its number (Path and
 * Record-Route carry it), by the flow of the UE, and by IMPU. TS 24.229 5.2.2. */
#pragma once

#include "common/base/htab.h"
#include "common/net/loop.h"
#include "common/sip/stack.h"

struct regstore;

/* An address where UEs are; private to the store. */
struct ue_ip;

/* Where a UE is: when it is protected, its security associations, whatever ports and connections they change
 * to; else for UDP its address and port, for TCP that connection. Lives as long as a binding. */
struct ue_flow {
        struct hnode by_flow;
        struct list at_ip;
        struct ue_ip *ip;
        struct list bindings; /* struct binding, the latest registration last */
        struct sip_flow flow; /* of a protected UE: how its last REGISTER came */
        uint32_t assoc;       /* number of its associations; 0: it is not protected */
};

/* One registered contact. Block and flow together stay under 1 kB for the usual identities. */
struct binding {
        struct hnode by_id, by_aor;
        struct list in_flow;
        struct tmr timer;
        struct regstore *store;
        struct ue_flow *where; /* bound to the identities below */
        uint32_t id;
        uint16_t contact, instance, impi, service_route, charging, impus, end; /* places in text; aor at 0 */
        char text[]; /* C strings one behind the other; several impus up to end */
};

static inline struct span binding_aor(const struct binding *b)
{
        return span_make(b->text, (size_t)b->contact - 1);
}
static inline struct span binding_contact(const struct binding *b)
{
        return span_make(b->text + b->contact, (size_t)b->instance - b->contact - 1);
}
static inline struct span binding_instance(const struct binding *b)
{
        return span_make(b->text + b->instance, (size_t)b->impi - b->instance - 1);
}
static inline struct span binding_impi(const struct binding *b)
{
        return span_make(b->text + b->impi, (size_t)b->service_route - b->impi - 1);
}
static inline struct span binding_service_route(const struct binding *b)
{
        return span_make(b->text + b->service_route, (size_t)b->charging - b->service_route - 1);
}
static inline struct span binding_charging(const struct binding *b)
{
        return span_make(b->text + b->charging, (size_t)b->impus - b->charging - 1);
}

/* Walks the IMPUs; the first is the default one. Begin with SPAN_NULL; false at the end. */
bool binding_next_impu(const struct binding *b, struct span *impu);

/* What the store makes a binding from; all borrowed. */
struct binding_info {
        uint32_t id;
        struct span aor, contact, instance, impi, service_route, charging;
        struct span impus; /* each followed by a NUL */
        struct sip_flow flow;
        uint32_t assoc;     /* as in ue_flow */
        uint32_t expires_s; /* > 0 */
};

/* The address in the contact, when it is that of the UE itself: no translator stands between, and a
 * connection can be opened to there. */
bool binding_contact_addr(const struct binding *b, struct addr *out);

int regstore_new(struct loop *l, struct regstore **out) IMS_CHECK;
void regstore_free(struct regstore *s);
size_t regstore_count(const struct regstore *s);

/* Replaces the binding of the same IMPU and contact, or adds one. -IMS_ENOMEM, -IMS_ETOOBIG (texts beyond
 * 60 kB): what was there before stays. */
int regstore_put(struct regstore *s, const struct binding_info *info) IMS_CHECK;
void regstore_remove(struct binding *b);

struct binding *regstore_by_id(const struct regstore *s, uint32_t id);
struct binding *regstore_by_contact(const struct regstore *s, struct span aor, struct span contact);

/* The flow an unprotected message came over, or NULL: nobody is registered there. */
struct ue_flow *regstore_flow(const struct regstore *s, const struct sip_flow *flow);

/* The UE with these associations, or NULL: it has no binding. */
struct ue_flow *regstore_assoc(const struct regstore *s, uint32_t assoc);

/* The flow of the only UE that is registered at this address, unprotected, whatever the port; NULL when none
 * is, or several are. */
struct ue_flow *regstore_only_at(const struct regstore *s, const struct addr *ip);

/* The UE of that flow has another connection from the same address now. -IMS_ENOMEM: all stays as it was. */
int regstore_move(struct regstore *s, struct ue_flow *f, const struct sip_flow *to) IMS_CHECK;

/* Bindings of one IMPU: prev NULL begins. */
struct binding *regstore_next_by_aor(const struct regstore *s, struct span aor, const struct binding *prev);
