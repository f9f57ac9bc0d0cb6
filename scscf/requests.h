/* SPDX-License-Identifier: BSD-3-Clause
 * Requests other than REGISTER: TS 24.229 5.4.3. Each function takes the caller's reference of rq. */
#pragma once

#include "scscf/scscf.h"

/* How a request came: what its Route fields say. */
struct request_route {
        bool originating;  /* our Service-Route: "orig" */
        bool in_dialog;    /* To has a tag */
        bool sealed;       /* our Record-Route for this Call-ID */
        bool restored;     /* the HSS was asked for a lost registration already */
        size_t own;        /* values at the front of Route that name this node */
        struct span token; /* of our Service-Route, or empty */
        struct span user;  /* ... the mark of the user in it, or empty */
        struct span next;  /* URI of the first Route value that is not ours, or empty */
};

void request_route_read(const struct scscf *s, const struct sip_msg *m, struct request_route *out);

/* Refuses or ends with a verdict. evidence: NULL or a C string. */
struct request_end {
        enum verdict_outcome outcome;
        enum verdict_cause cause;
        int status;
        const char *clause;
        struct span impi, impu;
        struct span evidence;
};
void request_say(struct scscf *s, const struct sip_msg *m, const struct request_end *end);
void request_refuse(struct scscf *s, struct sip_request *rq, const struct request_end *end);

/* Edits every forwarded request needs: our Route values go, and a dialog-creating request gets Record-Route
 * with this user part. */
void request_edit(struct scscf *s, const struct sip_msg *m, const struct request_route *route,
                  const char *user, struct sip_edit *e);

/* The on_failure hook of every forwarding: the verdict that nobody answered. */
bool request_on_failure(struct sip_request *rq, int err, void *leg);

/* The served user of an originating request: asserted, registered and not barred. NULL when refused here, or
 * when the HSS is asked first (then rq is taken). *insert: the identity to be asserted because the request
 * carries none. */
const struct impu *originating_user(struct scscf *s, struct sip_request *rq,
                                    const struct request_route *route, struct span *insert);
void originating_serve(struct scscf *s, struct sip_request *rq, const struct request_route *route);

/* Authenticates a request of a served user by SIP Digest where policy asks for it. False: it was answered, or
 * the HSS is asked for H(A1) first (then rq is taken). */
bool request_authenticate(struct scscf *s, struct sip_request *rq, const struct request_route *route,
                          const struct impu *served);

/* What names a user in our Service-Route, also after a restart. */
#define REQUEST_MARK_SIZE 17
void request_user_mark(const struct user *u, char out[static REQUEST_MARK_SIZE]);

/* Who of the set the Service-Route of the request names, or NULL. */
const struct user *request_user(const struct reg_set *set, const struct request_route *route);

/* Takes the Proxy-Authorization that is for this network out of a request that leaves. */
void request_drop_credentials(const struct scscf *s, const struct sip_msg *m, struct sip_edit *e);

/* Where a request was being served when the HSS had to be asked. */
enum request_side {
        SIDE_ORIGINATING,
        SIDE_TERMINATING,
        SIDE_DIRECT /* both in one step */
};

/* Asks the HSS about an identity that is not registered here; a registration that was lost is restored and
 * the request served, else it is refused (asking.c). */
void request_ask(struct scscf *s, struct sip_request *rq, struct span impu, enum request_side side);

/* Serves it once more, with what came from the HSS: it is not asked for the registration again. */
void request_serve_restored(struct scscf *s, struct sip_request *rq, enum request_side side);

/* direct: the request was served as originating in the same step. */
void terminating_serve(struct scscf *s, struct sip_request *rq, const struct request_route *route,
                       bool direct);

/* The registered identity a Request-URI means, sip with user=phone as tel included; NULL when there is none.
 * impu: gets the canonical form (empty when it has none). */
const struct impu *request_target(struct scscf *s, struct span uri, struct buf *impu);

/* Host of a SIP URI without port; empty for others. */
struct span request_host(struct span uri);
