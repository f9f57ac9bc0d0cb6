/* SPDX-License-Identifier: BSD-3-Clause
 * Typed Cx messages (TS 29.229 6.1), used by both ends; handlers never touch AVP functions. Spans of a
 * decoded message live as long as the message; an empty span (p == NULL) means absent. has_x says
 * whether an optional number is there. */
#pragma once

#include "common/diameter/node.h"

#define CX_APPLICATION 16777216u

enum cx_command { CX_UAR = 300, CX_SAR = 301, CX_LIR = 302, CX_MAR = 303, CX_RTR = 304, CX_PPR = 305 };

enum cx_user_authorization_type {
        CX_REGISTRATION_UAT,
        CX_DE_REGISTRATION_UAT,
        CX_REGISTRATION_AND_CAPABILITIES
};

/* Server-Assignment-Type */
#define CX_SERVER_ASSIGNMENT_TYPES(X)                                                                        \
        X(NO_ASSIGNMENT, 0)                                                                                  \
        X(REGISTRATION, 1)                                                                                   \
        X(RE_REGISTRATION, 2)                                                                                \
        X(UNREGISTERED_USER, 3)                                                                              \
        X(TIMEOUT_DEREGISTRATION, 4)                                                                         \
        X(USER_DEREGISTRATION, 5)                                                                            \
        X(TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME, 6)                                                       \
        X(USER_DEREGISTRATION_STORE_SERVER_NAME, 7)                                                          \
        X(ADMINISTRATIVE_DEREGISTRATION, 8)                                                                  \
        X(AUTHENTICATION_FAILURE, 9)                                                                         \
        X(AUTHENTICATION_TIMEOUT, 10)                                                                        \
        X(DEREGISTRATION_TOO_MUCH_DATA, 11)                                                                  \
        X(AAA_USER_DATA_REQUEST, 12)                                                                         \
        X(PGW_UPDATE, 13)                                                                                    \
        X(RESTORATION, 14)
enum cx_server_assignment_type {
#define X(name, value) CX_SAT_##name = value,
        CX_SERVER_ASSIGNMENT_TYPES(X)
#undef X
};
const char *cx_sat_name(uint32_t type); /* "REGISTRATION"; "unknown" */

enum cx_reason_code { CX_PERMANENT_TERMINATION, CX_NEW_SERVER_ASSIGNED, CX_SERVER_CHANGE, CX_REMOVE_SCSCF };

/* SIP-Authentication-Scheme strings (exact) */
#define CX_SCHEME_AKA     "Digest-AKAv1-MD5"
#define CX_SCHEME_DIGEST  "SIP Digest"
#define CX_SCHEME_NBA     "NASS-Bundled"
#define CX_SCHEME_GIBA    "Early-IMS-Security"
#define CX_SCHEME_UNKNOWN "Unknown"

#define CX_LIST_MAX 64 /* entries of a repeated AVP we keep; more is DIAMETER_AVP_OCCURS_TOO_MANY_TIMES */

struct cx_spans {
        struct span v[CX_LIST_MAX];
        size_t n;
};

struct cx_u32s {
        uint32_t v[CX_LIST_MAX];
        size_t n;
};

struct cx_features { /* Supported-Features of list 1; has_m: M bit set (features are required) */
        bool present, has_m;
        uint32_t vendor, list_id, features;
};

struct cx_capabilities { /* Server-Capabilities */
        bool present;
        struct cx_u32s mandatory, optional;
        struct cx_spans server_names;
};

struct cx_auth_item { /* SIP-Auth-Data-Item; raw octets */
        bool has_item_number;
        uint32_t item_number;
        struct span scheme, authenticate, authorization, context, ck, ik;
        struct { /* SIP-Digest-Authenticate */
                bool present;
                struct span realm, algorithm, qop, ha1, alt_algorithm, alt_ha1;
        } digest;
        struct span framed_ip_address, framed_ipv6_prefix;
        bool has_framed_interface_id;
        uint64_t framed_interface_id;
        struct cx_spans line_identifiers;
};

#define CX_AUTH_ITEMS_MAX 16

struct cx_charging { /* Charging-Information: primary/secondary ECF and CCF */
        bool present;
        struct span ecf1, ecf2, ccf1, ccf2;
};

struct cx_subscription_info { /* Subscription-Info, P-CSCF-Subscription-Info */
        bool present;
        struct span call_id, from, to, record_route, contact;
};

struct cx_restoration_info { /* Restoration-Info, one per contact */
        struct span path, contact, call_id;
        bool has_initial_cseq;
        uint32_t initial_cseq;
        struct cx_subscription_info subscription, pcscf_subscription;
};

#define CX_RESTORATION_MAX 8

struct cx_restoration { /* SCSCF-Restoration-Info, one per IMPI */
        struct span impi, scheme;
        struct cx_restoration_info info[CX_RESTORATION_MAX];
        size_t n_info;
        bool has_timeout;
        uint32_t timeout; /* Registration-Time-Out, seconds since 1900 */
};

/* What every request carries besides its own AVPs. */
struct cx_request {
        struct span session_id;                /* empty when sending: a fresh one is made */
        struct span origin_host, origin_realm; /* set by the node when sending */
        struct span destination_host;          /* empty: any HSS of the realm */
        bool host_preferred;           /* sending: without a way to the host any of the realm will do */
        struct span destination_realm; /* empty when sending: the node's realm */
        struct cx_features features;
        bool has_drmp;
        uint32_t drmp;
};

struct cx_answer {
        struct dia_result result;
        struct span session_id, origin_host, origin_realm, error_message;
        struct cx_features features;
        struct span failed_avp; /* name of the AVP in Failed-AVP, as text; empty when none */
};

struct cx_uar {
        struct cx_request h;
        struct span impi, impu, visited_network;
        bool has_type;
        uint32_t type; /* enum cx_user_authorization_type */
        bool has_flags;
        uint32_t flags; /* bit 0: IMS emergency registration */
};

struct cx_uaa {
        struct cx_answer h;
        struct span server_name;
        struct cx_capabilities capabilities;
};

struct cx_mar {
        struct cx_request h;
        struct span impi, impu, server_name;
        uint32_t n_items; /* SIP-Number-Auth-Items */
        struct cx_auth_item item;
};

struct cx_maa {
        struct cx_answer h;
        struct span impi, impu;
        bool has_n_items;
        uint32_t n_items;
        struct cx_auth_item items[CX_AUTH_ITEMS_MAX]; /* decoded: in the order of SIP-Item-Number */
        size_t n;
};

struct cx_sar {
        struct cx_request h;
        struct span impi; /* may be absent */
        struct cx_spans impus;
        struct span wildcarded_impu, server_name;
        uint32_t type;                   /* Server-Assignment-Type */
        uint32_t data_already_available; /* User-Data-Already-Available */
        bool has_restoration;
        struct cx_restoration restoration;
        bool has_multiple_registration, has_session_priority, has_flags;
        uint32_t multiple_registration, session_priority, flags;
        struct { /* Failed-PCSCF */
                bool present;
                struct span fqdn;
                struct cx_spans addresses;
        } failed_pcscf;
};

struct cx_saa {
        struct cx_answer h;
        struct span impi, user_data, server_name, wildcarded_impu;
        struct cx_charging charging;
        struct cx_spans associated_identities;            /* IMPIs */
        struct cx_spans associated_registered_identities; /* IMPIs */
        bool has_loose_route, has_priviledged_sender;
        uint32_t loose_route, priviledged_sender;
        struct cx_restoration *restorations; /* array; borrowed when sending */
        size_t n_restorations;
        struct cx_spans wafs, wwsfs; /* Allowed-WAF-WWSF-Identities */
};

struct cx_lir {
        struct cx_request h;
        struct span impu;
        bool originating; /* Originating-Request present */
        bool has_type, has_session_priority;
        uint32_t type, session_priority;
};

struct cx_lia {
        struct cx_answer h;
        struct span server_name, wildcarded_impu;
        struct cx_capabilities capabilities;
        bool has_flags;
        uint32_t flags;
};

struct cx_rtr {
        struct cx_request h;
        struct span impi;
        struct cx_spans associated_identities, impus;
        uint32_t reason_code;
        struct span reason_info;
        bool has_flags;
        uint32_t flags;
};

struct cx_rta {
        struct cx_answer h;
        struct cx_spans associated_identities;
        struct {
                struct span impi, impu;
        } emergency[CX_LIST_MAX]; /* Identity-with-Emergency-Registration */
        size_t n_emergency;
};

struct cx_ppr {
        struct cx_request h;
        struct span impi, user_data;
        struct cx_charging charging;
        bool has_item;
        struct cx_auth_item item;
        struct cx_spans wafs, wwsfs;
};

struct cx_ppa {
        struct cx_answer h;
};

/* --- codec ---------------------------------------------------------------------------------------
 * cx_NAME_decode(msg, out): 0, or a negative error with *why saying which base result answers it
 * (missing AVP, invalid value, too many) and *failed the AVP at fault (NULL when it is missing).
 * cx_NAME_encode(node, in, out): requests; answers are encoded onto dia_answer_new's message. */
struct cx_fault {
        uint32_t base_code;
        struct avp *failed;   /* borrowed from the message, or NULL */
        const char *avp_name; /* static */
};

#define CX_MESSAGES(X) X(uar) X(uaa) X(mar) X(maa) X(sar) X(saa) X(lir) X(lia) X(rtr) X(rta) X(ppr) X(ppa)
#define X(name)                                                                                              \
        int cx_##name##_decode(struct msg *msg, struct cx_##name *out, struct cx_fault *fault) IMS_CHECK;    \
        void cx_##name##_clear(struct cx_##name *m); /* frees what decode allocated */
CX_MESSAGES(X)
#undef X

/* --- client: one call per command ----------------------------------------------------------------
 * fn: err as in dia_answer_fn; ans (NULL when err) borrowed for the call. An answer that does not decode
 * gives -IMS_EPROTO. */
#define CX_CLIENT(req, ans)                                                                                  \
        typedef void cx_##ans##_fn(int err, const struct cx_##ans *ans, void *arg);                          \
        int cx_send_##req(struct dia_node *n, const struct cx_##req *rq, uint32_t answer_ms,                 \
                          cx_##ans##_fn *fn, void *arg, struct dia_txn **out) IMS_CHECK;
CX_CLIENT(uar, uaa)
CX_CLIENT(mar, maa)
CX_CLIENT(sar, saa)
CX_CLIENT(lir, lia)
CX_CLIENT(rtr, rta)
CX_CLIENT(ppr, ppa)
#undef CX_CLIENT

/* --- server --------------------------------------------------------------------------------------
 * Decodes and dispatches; what does not decode is answered here with the base error. Handlers left NULL
 * answer 3001. Spans of the typed request live until the request is answered. */
struct cx_server {
        void (*on_uar)(struct dia_request *rq, const struct cx_uar *m, void *arg);
        void (*on_mar)(struct dia_request *rq, const struct cx_mar *m, void *arg);
        void (*on_sar)(struct dia_request *rq, const struct cx_sar *m, void *arg);
        void (*on_lir)(struct dia_request *rq, const struct cx_lir *m, void *arg);
        void (*on_rtr)(struct dia_request *rq, const struct cx_rtr *m, void *arg);
        void (*on_ppr)(struct dia_request *rq, const struct cx_ppr *m, void *arg);
        void *arg;
};

/* For dia_handlers.on_request. The typed message m is valid only inside the handler; spans in it live
 * until the answer. */
void cx_serve(const struct cx_server *srv, struct dia_request *rq);

/* Encode, send, free rq. On failure 5012 is answered and the error logged. The set h.result decides
 * between Result-Code and Experimental-Result. */
void cx_answer_uaa(struct dia_request *rq, const struct cx_uaa *m);
void cx_answer_maa(struct dia_request *rq, const struct cx_maa *m);
void cx_answer_saa(struct dia_request *rq, const struct cx_saa *m);
void cx_answer_lia(struct dia_request *rq, const struct cx_lia *m);
void cx_answer_rta(struct dia_request *rq, const struct cx_rta *m);
void cx_answer_ppa(struct dia_request *rq, const struct cx_ppa *m);
