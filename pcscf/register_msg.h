/* SPDX-License-Identifier: BSD-3-Clause
 * What a P-CSCF reads from a REGISTER and its answers, and what it does to them: pure functions of the
 * message. TS 24.229 5.2.2, TS 33.203 6.1 and P.3, PKT-TR-SEC 6.1. */
#pragma once

#include "common/base/secret.h"
#include "common/sip/edit.h"
#include "pcscf/access.h"

/* A REGISTER, as far as a P-CSCF must understand it. Spans point into the message. */
struct reg_facts {
        struct buf aor;       /* IMPU of To in canonical form */
        struct span impi;     /* username of Authorization, quotes off; empty without one */
        struct span contact;  /* URI of the first contact that stays; empty for a query and for "*" */
        struct span instance; /* +sip.instance of that contact, or empty */
        bool star;            /* Contact: * */
        uint32_t reg_id;      /* RFC 5626, 0: none */
        bool outbound;        /* the UE manages its flow (RFC 5626), and this is the first hop of it */
        bool sos;             /* emergency registration: URI parameter sos of the contact */
        uint32_t expires_s;   /* asked for; UINT32_MAX when the UE left it open */
        bool has_authorization;
        bool has_response; /* the response parameter is not empty */
        bool has_auts;     /* it asks for resynchronisation */
        struct span nonce; /* of the challenge it answers, quotes off; may be empty */
        bool aka;          /* algorithm names AKA */
        bool algorithm;    /* there is one */
        bool has_security_client;
        bool offers_ipsec;       /* a mechanism of Security-Client is ipsec-3gpp */
        bool offers_tls;         /* one is tls */
        bool offers_udp_enc_tun; /* one of these with mod=UDP-enc-tun */
        bool supports_sec_agree; /* Supported holds sec-agree */
        bool wants_sec_agree;    /* Require or Proxy-Require holds sec-agree */
};

/* -IMS_EPARSE: *why is a static text for the answer; -IMS_ENOMEM. Free in every case. */
int reg_facts_read(const struct sip_msg *m, struct reg_facts *f, const char **why) IMS_CHECK;
void reg_facts_free(struct reg_facts *f);

/* What integrity-protected says of a REGISTER that came without any protection (TS 33.203 6.1.5, P.3), NULL:
 * the parameter is absent. "no" belongs to IMS AKA; SIP Digest without TLS has no parameter until its address
 * is bound. On a 3GPP access nothing but IMS AKA carries an Authorization field; elsewhere the UE tells by
 * what it offers. */
const char *reg_integrity(const struct reg_facts *f, enum access_type access);

/* What goes into a REGISTER on its way to the home network. */
struct reg_marks {
        const char *integrity;       /* value of integrity-protected, NULL: the parameter is absent */
        struct span path;            /* own Path value, with <> */
        struct span visited_network; /* without quotes */
        struct span charging_vector; /* whole value */
        struct access access;
        bool pani_aware;
        uint32_t keep_s; /* what keep in the UE's Via becomes (RFC 6223 4.2), 0: it stays */
};
void reg_edit_request(struct sip_edit *e, const struct reg_facts *f, const struct reg_marks *k);

/* Keys of a challenge. Wiped by whoever holds them. */
struct reg_keys {
        bool have;
        struct key128 ik, ck;
};

/* Takes ik and ck out of every challenge of a 401 or 407 and into *out (the first that is whole). */
void reg_edit_challenge(struct sip_edit *e, struct reg_keys *out);

/* Whose answer a 401 wants: IMS AKA (an algorithm that names it, or IK and CK), SIP Digest, or nobody's that
 * is known. */
enum reg_scheme { REG_SCHEME_NONE, REG_SCHEME_AKA, REG_SCHEME_DIGEST };
enum reg_scheme reg_challenge_scheme(const struct sip_msg *resp);

/* Takes out what never goes to a UE: P-Charging-Vector, P-Charging-Function-Addresses. */
void reg_edit_answer(struct sip_edit *e);

/* What a 2xx granted. Texts are several values joined by ", " as they stood. */
struct reg_grant {
        uint32_t expires_s;       /* of the contact; 0: it is gone */
        struct buf impus;         /* URIs of P-Associated-URI, each followed by a NUL */
        struct buf service_route; /* values, or empty */
        struct buf charging;      /* P-Charging-Function-Addresses, or empty */
};

/* resp: a 2xx for the REGISTER of f. -IMS_ENOMEM. Free in every case. */
int reg_grant_read(const struct sip_msg *resp, const struct reg_facts *f, struct reg_grant *g) IMS_CHECK;
void reg_grant_free(struct reg_grant *g);

/* True when the answer lists this contact URI. */
bool reg_answer_lists(const struct sip_msg *resp, struct span contact);
