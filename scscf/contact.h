/* SPDX-License-Identifier: BSD-3-Clause
 * Bindings: what a REGISTER asks for (contact_op) and what is kept (contact). RFC 3261 10.3, RFC 5626
 * (+sip.instance, reg-id), TS 24.229 5.4.1.2.2F. */
#pragma once

#include "common/base/list.h"
#include "common/sip/msg.h"
#include "scscf/scscf_conf.h"

/* One value of Contact in a REGISTER. Spans borrow from the message. */
struct contact_op {
        struct span value; /* as received */
        struct span uri;
        struct span expires;  /* the whole parameter with its semicolon, to be cut out; or empty */
        struct span instance; /* +sip.instance, with its quotes; or empty */
        bool has_reg_id;
        uint32_t reg_id;
        uint16_t q;         /* thousandths; 1000 where none is given */
        uint32_t expires_s; /* what is granted; 0 removes */
};

/* What all bindings of one REGISTER share. */
struct contact_origin {
        struct span path; /* all Path values, comma separated; may be empty */
        struct span call_id;
        uint32_t cseq;
        bool tls; /* the UE is "tls-protected" (TS 33.203 O.2.2) */
};

struct user;
struct reg_set;

/* A binding. Strings stand behind the struct: one allocation. */
struct contact {
        struct list in_set, in_user;
        struct user *user; /* the IMPI that registered it */
        struct reg_set *set;
        uint64_t told_ms;  /* end as told to the UE */
        uint64_t ends_ms;  /* end here: a guard later */
        uint64_t since_ms; /* last registration or refresh */
        uint32_t cseq, reg_id;
        uint16_t q;
        bool has_reg_id, tls;
        uint16_t value_n, uri_at, uri_n, instance_at, instance_n, path_n, call_id_n;
        char text[]; /* value (without expires), path, call_id */
};

struct span contact_value(const struct contact *c);
struct span contact_uri(const struct contact *c);
struct span contact_instance(const struct contact *c);
struct span contact_path(const struct contact *c);
struct span contact_call_id(const struct contact *c);

/* Two flows of one phone: the same +sip.instance, a reg-id each (RFC 5626 4.2). */
bool contact_is_same_phone(const struct contact *a, const struct contact *b);

/* The parts of a Contact list of a REGISTER. */
struct contact_ops {
        struct contact_op v[SCSCF_CONTACTS_MAX];
        size_t n;
        bool star;      /* "Contact: *" with Expires 0 */
        bool brief;     /* an interval is below the minimum */
        uint32_t asked; /* the brief one, seconds */
};

/* Reads every Contact and Expires of a REGISTER, and grants expiries within the bounds of conf.
 * 0; -IMS_EPARSE with *why (a static text for a 400), -IMS_ELIMIT when more than conf->max_contacts. */
int contact_ops_read(const struct sip_msg *m, const struct scscf_conf *conf, struct contact_ops *out,
                     const char **why) IMS_CHECK;

/* Reads one Contact value; expires_s stays 0. -IMS_EPARSE with *why. */
int contact_op_read(struct span value, struct contact_op *out, const char **why) IMS_CHECK;

/* True when op speaks of this binding: same instance and reg-id where both have an instance (RFC 5626 6),
 * else equal URIs (RFC 3261 19.1.4). */
bool contact_matches(const struct contact *c, const struct contact_op *op);

/* True when a request with this Call-ID and CSeq must not change the binding (RFC 3261 10.3 steps 6 and 7).
 */
bool contact_out_of_order(const struct contact *c, const struct contact_origin *origin);

/* A new binding in no list; free with contact_free. -IMS_ENOMEM; -IMS_ETOOBIG when the strings pass 64 kB. */
int contact_new(const struct contact_op *op, const struct contact_origin *origin, uint64_t now_ms,
                uint32_t guard_ms, struct contact **out) IMS_CHECK;

/* Takes it out of its lists. Accepts NULL. */
void contact_free(struct contact *c);

/* A header parameter of a name-addr value: walks ";name=value" behind the ">" (or behind an addr-spec, RFC
 * 3261 20.10). Quoted strings are respected. */
struct contact_param {
        struct span name, value, whole; /* value with its quotes; whole begins with the semicolon */
};
bool contact_param_next(struct span *rest, struct contact_param *out);
