/* SPDX-License-Identifier: BSD-3-Clause
 * Requests from served users: home control by the profile, then towards the target. TS 24.229 5.4.3.2,
 * TS 33.203 5.1.1. Filter criteria of session case "originating" will be asked between the two. */
#include "scscf/requests.h"

#include <openssl/sha.h>

#include "common/base/codec.h"
#include "common/cscf/home_domain.h"
#include "common/sip/grammar.h"

static void refuse(struct scscf *s, struct sip_request *rq, enum verdict_cause cause, struct span impu,
                   struct span evidence)
{
        const struct request_end end = {.outcome = VERDICT_REFUSED,
                                        .cause = cause,
                                        .status = 403,
                                        .clause = "TS 24.229 5.4.3.2",
                                        .impu = impu,
                                        .evidence = evidence};

        request_refuse(s, rq, &end);
}

/* The first identity of a name-addr field that is registered here; *said gets the canonical form of the last
 * one that is not. */
static const struct impu *find_identity(struct scscf *s, const struct sip_msg *m, enum sip_hdr_id id,
                                        struct buf *said)
{
        struct sip_value_iter it = {0};
        const struct impu *found = NULL;
        struct span value;

        while (!found && sip_msg_next_value(m, id, &it, &value)) {
                buf_reset(said);
                found = request_target(s, sip_addr_spec(value), said);
        }
        return found;
}

/* The token of our Service-Route, which only the registered UE and its P-CSCF know. */
static bool has_token(const struct impu *i, struct span token)
{
        char text[17];

        snprintf(text, sizeof(text), "%016llx", (unsigned long long)i->set->token);
        return token.n == 16 && span_eq(span_of(text), token);
}

/* The P-CSCF puts our Service-Route in, whatever the UE writes (TS 24.229 5.2.6.3). */
void request_user_mark(const struct user *u, char out[static REQUEST_MARK_SIZE])
{
        uint8_t hash[SHA256_DIGEST_LENGTH];

        SHA256((const uint8_t *)u->impi, u->impi_n, hash);
        hex_encode(hash, REQUEST_MARK_SIZE / 2, out);
}

const struct user *request_user(const struct reg_set *set, const struct request_route *route)
{
        list_for_each(n, &set->contacts)
        {
                const struct user *u = container_of(n, struct contact, in_set)->user;
                char mark[REQUEST_MARK_SIZE];

                request_user_mark(u, mark);
                if (span_eq(route->user, span_of(mark)))
                        return u;
        }
        return NULL;
}

const struct impu *originating_user(struct scscf *s, struct sip_request *rq,
                                    const struct request_route *route, struct span *insert)
{
        bool asserted = sip_msg_hdr(rq->msg, SIP_HDR_P_ASSERTED_IDENTITY, 0) != NULL;
        enum sip_hdr_id id = asserted ? SIP_HDR_P_ASSERTED_IDENTITY : SIP_HDR_FROM;
        struct buf said = BUF_INIT;
        const struct impu *i = find_identity(s, rq->msg, id, &said);

        *insert = SPAN_NULL;
        if (!i && asserted && said.n && !route->restored) {
                request_ask(s, rq, buf_as_span(&said), SIDE_ORIGINATING);
        } else if (!i) {
                refuse(s, rq, CAUSE_not_registered, buf_as_span(&said),
                       asserted ? SPAN("P-Asserted-Identity is not registered here")
                                : SPAN("no P-Asserted-Identity, and From is not registered here"));
        } else if (i->barred) {
                refuse(s, rq, CAUSE_impu_barred, buf_as_span(&said), SPAN("originating"));
                i = NULL;
        } else if (!asserted && !has_token(i, route->token)) {
                refuse(s, rq, CAUSE_identity_not_allowed, buf_as_span(&said),
                       SPAN("no P-Asserted-Identity, and Route is not the Service-Route of From"));
                i = NULL;
        } else if (route->user.n && !request_user(i->set, route)) {
                refuse(s, rq, CAUSE_not_registered, buf_as_span(&said),
                       SPAN("Route is the Service-Route of a registration that ended; another phone has the "
                            "identity registered"));
                i = NULL;
        } else if (!asserted) {
                *insert = impu_text(i);
        }
        buf_free(&said);
        return i;
}

/* True when the request is for a user of this network. */
static bool is_home_target(const struct scscf *s, struct span uri)
{
        return span_istarts(uri, SPAN("tel:")) || is_home_domain(&s->conf->home_domains, request_host(uri));
}

void originating_serve(struct scscf *s, struct sip_request *rq, const struct request_route *route)
{
        struct sip_forward f = {.on_failure = request_on_failure, .arg = &s->legs[0][0]};
        bool home = is_home_target(s, rq->msg->ruri);
        struct buf identity = BUF_INIT;
        const struct impu *served;
        struct span insert;
        struct sip_edit e;

        served = originating_user(s, rq, route, &insert);
        if (!served || !request_authenticate(s, rq, route, served))
                return;
        if (home && !s->conf->icscf) {
                struct request_route target = *route;

                target.restored = false; /* that was about who calls */
                terminating_serve(s, rq, &target, true);
                return;
        }
        f.target.uri = route->next.n ? route->next : home ? span_of(s->conf->icscf) : rq->msg->ruri;
        sip_edit_init(&e, rq->msg);
        request_edit(s, rq->msg, route, "mo", &e);
        if (insert.n) {
                buf_printf(&identity, "<" SPAN_FMT ">", SPAN_ARG(insert));
                sip_edit_append(&e, SIP_HDR_P_ASSERTED_IDENTITY, buf_as_span(&identity));
        }
        sip_forward(rq, &e, &f);
        sip_edit_free(&e);
        buf_free(&identity);
}
