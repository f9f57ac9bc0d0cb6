/* SPDX-License-Identifier: BSD-3-Clause
 * A SIP message keeps the octets it came with: the received buffer plus an index of header fields.
 * Typed access parses one header field on demand (grammar.h, auth_param.h); changes are recorded as
 * edits (edit.h), so what a node does not touch leaves as it came. RFC 3261 7. */
#pragma once

#include "common/base/buf.h"

enum sip_method {
        SIP_REGISTER,
        SIP_INVITE,
        SIP_ACK,
        SIP_CANCEL,
        SIP_BYE,
        SIP_OPTIONS,
        SIP_MESSAGE,
        SIP_SUBSCRIBE,
        SIP_NOTIFY,
        SIP_PUBLISH,
        SIP_PRACK,
        SIP_UPDATE,
        SIP_INFO,
        SIP_REFER,
        SIP_METHOD_OTHER
};

#define SIP_FIELD_MAX 8192 /* octets of a Request-URI, and of a field that is read by its grammar */

/* id, name as we write it, compact form or "", values are comma separated */
#define SIP_HDR_LIST(X)                                                                                      \
        X(VIA, "Via", "v", true)                                                                             \
        X(MAX_FORWARDS, "Max-Forwards", "", false)                                                           \
        X(ROUTE, "Route", "", true)                                                                          \
        X(RECORD_ROUTE, "Record-Route", "", true)                                                            \
        X(FROM, "From", "f", false)                                                                          \
        X(TO, "To", "t", false)                                                                              \
        X(CALL_ID, "Call-ID", "i", false)                                                                    \
        X(CSEQ, "CSeq", "", false)                                                                           \
        X(CONTACT, "Contact", "m", true)                                                                     \
        X(PATH, "Path", "", true)                                                                            \
        X(SERVICE_ROUTE, "Service-Route", "", true)                                                          \
        X(REQUIRE, "Require", "", true)                                                                      \
        X(PROXY_REQUIRE, "Proxy-Require", "", true)                                                          \
        X(SUPPORTED, "Supported", "k", true)                                                                 \
        X(UNSUPPORTED, "Unsupported", "", true)                                                              \
        X(EXPIRES, "Expires", "", false)                                                                     \
        X(MIN_EXPIRES, "Min-Expires", "", false)                                                             \
        X(AUTHORIZATION, "Authorization", "", false)                                                         \
        X(WWW_AUTHENTICATE, "WWW-Authenticate", "", false)                                                   \
        X(PROXY_AUTHORIZATION, "Proxy-Authorization", "", false)                                             \
        X(PROXY_AUTHENTICATE, "Proxy-Authenticate", "", false)                                               \
        X(AUTHENTICATION_INFO, "Authentication-Info", "", true)                                              \
        X(SECURITY_CLIENT, "Security-Client", "", true)                                                      \
        X(SECURITY_SERVER, "Security-Server", "", true)                                                      \
        X(SECURITY_VERIFY, "Security-Verify", "", true)                                                      \
        X(P_ACCESS_NETWORK_INFO, "P-Access-Network-Info", "", true)                                          \
        X(P_VISITED_NETWORK_ID, "P-Visited-Network-ID", "", true)                                            \
        X(P_CHARGING_VECTOR, "P-Charging-Vector", "", false)                                                 \
        X(P_CHARGING_FUNCTION_ADDRESSES, "P-Charging-Function-Addresses", "", false)                         \
        X(P_ASSOCIATED_URI, "P-Associated-URI", "", true)                                                    \
        X(P_ASSERTED_IDENTITY, "P-Asserted-Identity", "", true)                                              \
        X(P_PREFERRED_IDENTITY, "P-Preferred-Identity", "", true)                                            \
        X(P_CALLED_PARTY_ID, "P-Called-Party-ID", "", false)                                                 \
        X(PRIVACY, "Privacy", "", false)                                                                     \
        X(ALLOW, "Allow", "", true)                                                                          \
        X(ACCEPT, "Accept", "", true)                                                                        \
        X(EVENT, "Event", "o", false)                                                                        \
        X(SUBSCRIPTION_STATE, "Subscription-State", "", false)                                               \
        X(SUBJECT, "Subject", "s", false)                                                                    \
        X(RETRY_AFTER, "Retry-After", "", false)                                                             \
        X(REASON, "Reason", "", true)                                                                        \
        X(WARNING, "Warning", "", true)                                                                      \
        X(SERVER, "Server", "", false)                                                                       \
        X(USER_AGENT, "User-Agent", "", false)                                                               \
        X(DATE, "Date", "", false)                                                                           \
        X(TIMESTAMP, "Timestamp", "", false)                                                                 \
        X(CONTENT_TYPE, "Content-Type", "c", false)                                                          \
        X(CONTENT_ENCODING, "Content-Encoding", "e", true)                                                   \
        X(CONTENT_LENGTH, "Content-Length", "l", false)

enum sip_hdr_id {
#define X(id, name, compact, list) SIP_HDR_##id,
        SIP_HDR_LIST(X)
#undef X
                SIP_HDR_OTHER
};

struct sip_hdr {
        enum sip_hdr_id id;
        struct span name;  /* as received */
        struct span value; /* trimmed; may hold folded lines */
        struct span line;  /* the whole field with its line end(s) */
};

/* The top Via, read at once because every layer needs it. */
struct sip_via {
        struct span transport, host; /* host without brackets */
        uint16_t port;               /* 0 when not given */
        struct span branch, received;
        bool has_rport;
        uint16_t rport; /* 0 when empty */
};

struct sip_msg {
        unsigned refs;
        char *buf; /* owned */
        size_t n;
        bool is_request;
        enum sip_method method; /* of the request, or of CSeq in a response */
        struct span method_name, ruri;
        int status; /* responses: 100..699 */
        struct span reason;
        struct sip_hdr *hdrs;
        size_t n_hdrs;
        uint16_t first[SIP_HDR_OTHER]; /* place of the first field with that id, from 1; 0: absent */
        struct span body;
        /* Present and well formed whenever parsing succeeded: */
        struct sip_via via;
        struct span call_id, from_tag, to_tag; /* tags may be empty */
        uint32_t cseq;
        /* What is wrong with an answerable request (static text for the reason phrase of a 400, or of
         * fault_status), NULL when nothing is. */
        const char *fault;
        int fault_status; /* 400, 505, 416 ... */
};

enum sip_framing {
        SIP_DATAGRAM, /* body: Content-Length, or the rest of the datagram */
        SIP_STREAM    /* Content-Length is needed (RFC 3261 18.3) */
};

/* Reads one message. data is copied. 0: *out has one reference; look at (*out)->fault.
 * -IMS_EINCOMPLETE: SIP_STREAM only, more octets are needed. -IMS_EPARSE: not answerable (no SIP start
 * line, no usable Via; any fault of a response); -IMS_ETOOBIG; -IMS_ENOMEM.
 * *out_used: octets taken from data (also set on -IMS_EPARSE in a stream when the end is known). */
int sip_msg_parse(struct span data, enum sip_framing framing, struct sip_msg **out,
                  size_t *out_used) IMS_CHECK;

/* Reads a request of our own making, given as text; as SIP_DATAGRAM above, but Via (which the stack puts
 * on top when it is sent), Max-Forwards and Content-Length may be missing. What would be a fault is
 * -IMS_EPARSE. */
int sip_msg_parse_own(struct span text, struct sip_msg **out) IMS_CHECK;

struct sip_msg *sip_msg_ref(struct sip_msg *m);
void sip_msg_unref(struct sip_msg *m); /* accepts NULL */

/* The n-th (from 0) header field line with this id, or NULL. */
const struct sip_hdr *sip_msg_hdr(const struct sip_msg *m, enum sip_hdr_id id, size_t nth);

/* By name, case ignored; for fields outside the list. */
const struct sip_hdr *sip_msg_hdr_named(const struct sip_msg *m, struct span name, size_t nth);

/* Walks the single values of a comma separated field over all its lines. Zero the iterator first. */
struct sip_value_iter {
        size_t hdr;
        struct span rest;
        const struct sip_hdr *line; /* line the current value stands in */
};
bool sip_msg_next_value(const struct sip_msg *m, enum sip_hdr_id id, struct sip_value_iter *it,
                        struct span *out);

/* First value of the field, or an empty span. */
struct span sip_msg_value(const struct sip_msg *m, enum sip_hdr_id id);

/* True when a comma separated field (Require, Supported) holds the token, case ignored. */
bool sip_msg_has_token(const struct sip_msg *m, enum sip_hdr_id id, struct span token);

const char *sip_hdr_name(enum sip_hdr_id id);
bool sip_hdr_is_list(enum sip_hdr_id id);         /* values are comma separated */
enum sip_hdr_id sip_hdr_lookup(struct span name); /* long or compact form; SIP_HDR_OTHER */
const char *sip_method_name(enum sip_method m);
enum sip_method sip_method_lookup(struct span name);
const char *sip_reason_phrase(int status); /* "Unauthorized"; never NULL */
