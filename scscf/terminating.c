/* SPDX-License-Identifier: BSD-3-Clause
 * Requests to served users: the bindings of the identity, the best first, one after the other.
 * TS 24.229 5.4.3.3. Filter criteria of the terminating cases will be asked before the bindings. */
#include "scscf/requests.h"

#include "common/base/log.h"
#include "common/cscf/home_domain.h"
#include "common/sip/grammar.h"

static void forward_to(struct scscf *s, struct sip_request *rq, const struct request_route *route,
                       const struct impu *i, const struct scscf_leg *leg);

static void refuse(struct scscf *s, struct sip_request *rq, enum verdict_cause cause, int status,
                   struct span impu, const char *evidence)
{
        const struct request_end end = {.outcome = VERDICT_REFUSED,
                                        .cause = cause,
                                        .status = status,
                                        .clause = "TS 24.229 5.4.3.3",
                                        .impu = impu,
                                        .evidence = span_of(evidence)};

        request_refuse(s, rq, &end);
}

/* --- next binding -------------------------------------------------------------------------------- */

/* The rank after this one; answered: the phone has spoken, and is not asked once more over another flow of
 * its own (RFC 5626 7). 0: none. */
static size_t next_rank(const struct reg_set *set, size_t rank, bool answered)
{
        const struct contact *tried = registrar_contact(set, rank), *c;

        while (++rank < SCSCF_CONTACTS_MAX && (c = registrar_contact(set, rank)) != NULL)
                if (!answered || !tried || !contact_is_same_phone(tried, c))
                        return rank;
        return 0;
}

/* Tries the next binding; false when there is none (and nothing happened). */
static bool try_next(struct sip_request *rq, const struct scscf_leg *leg, bool answered)
{
        struct scscf *s = leg->s;
        struct request_route route;
        struct buf impu = BUF_INIT;
        const struct impu *i = request_target(s, rq->msg->ruri, &impu);
        size_t rank = i ? next_rank(i->set, leg->rank, answered) : 0;

        buf_free(&impu);
        if (rank == 0)
                return false;
        request_route_read(s, rq->msg, &route);
        forward_to(s, rq, &route, i, &s->legs[leg->direct][rank]);
        return true;
}

/* No answer of the phone: it may be reached over another flow (RFC 5626 7). */
static bool is_flow_failure(int status)
{
        return status == 408 || status == 430;
}

/* Statuses after which another binding may do better (RFC 3261 16.7 item 5; 6xx ends the search). */
static bool is_elsewhere(int status)
{
        return is_flow_failure(status) || status == 480 || status == 410 || (status >= 500 && status < 600);
}

static bool on_response(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        const struct scscf_leg *leg = arg;

        (void)e;
        if (resp->status >= 200 && resp->status < 300) {
                const struct request_end end = {.outcome = VERDICT_OK,
                                                .cause = CAUSE_forwarded,
                                                .status = resp->status,
                                                .clause = "TS 24.229 5.4.3.3",
                                                .evidence = rq->msg->ruri};

                request_say(leg->s, rq->msg, &end);
        }
        return !is_elsewhere(resp->status) || !try_next(rq, leg, !is_flow_failure(resp->status));
}

static bool on_failure(struct sip_request *rq, int err, void *arg)
{
        (void)request_on_failure(rq, err, arg);
        return !try_next(rq, arg, false);
}

/* --- forwarding ---------------------------------------------------------------------------------- */

/* The request for the binding: Request-URI, Path as Route, what was called. */
static void edit_for(const struct contact *c, const struct sip_msg *m, struct sip_edit *e)
{
        struct buf called = BUF_INIT;

        sip_edit_set_ruri(e, contact_uri(c));
        sip_edit_remove_all(e, SIP_HDR_ROUTE);
        if (contact_path(c).n)
                sip_edit_insert(e, SIP_HDR_ROUTE, contact_path(c));
        buf_printf(&called, "<" SPAN_FMT ">", SPAN_ARG(m->ruri));
        sip_edit_set(e, SIP_HDR_P_CALLED_PARTY_ID, buf_as_span(&called));
        buf_free(&called);
}

/* First value of a Path list, as a URI. */
static struct span first_hop(const struct contact *c)
{
        struct span path = sip_addr_spec(contact_path(c));

        return path.n ? path : contact_uri(c);
}

static void forward_to(struct scscf *s, struct sip_request *rq, const struct request_route *route,
                       const struct impu *i, const struct scscf_leg *leg)
{
        const struct contact *c = registrar_contact(i->set, leg->rank);
        struct sip_forward f = {
                .on_response = on_response, .on_failure = on_failure, .arg = (void *)(uintptr_t)leg};
        struct buf identity = BUF_INIT;
        struct span insert = SPAN_NULL;
        struct sip_edit e;

        if (leg->direct && !originating_user(s, rq, route, &insert))
                return;
        sip_edit_init(&e, rq->msg);
        request_edit(s, rq->msg, route, "mt", &e);
        edit_for(c, rq->msg, &e);
        if (insert.n) {
                buf_printf(&identity, "<" SPAN_FMT ">", SPAN_ARG(insert));
                sip_edit_append(&e, SIP_HDR_P_ASSERTED_IDENTITY, buf_as_span(&identity));
        }
        f.target.uri = first_hop(c);
        sip_forward(rq, &e, &f);
        sip_edit_free(&e);
        buf_free(&identity);
}

/* --- entry --------------------------------------------------------------------------------------- */

void terminating_serve(struct scscf *s, struct sip_request *rq, const struct request_route *route,
                       bool direct)
{
        struct buf impu = BUF_INIT;
        const struct impu *i = request_target(s, rq->msg->ruri, &impu);
        struct span host = request_host(rq->msg->ruri), insert;

        if (i && i->barred)
                refuse(s, rq, CAUSE_impu_barred, 404, impu_text(i), "terminating");
        else if (i)
                forward_to(s, rq, route, i, &s->legs[direct][0]);
        else if (impu.n == 0 || (host.n && !is_home_domain(&s->conf->home_domains, host)))
                refuse(s, rq, CAUSE_wrong_network, 404, buf_as_span(&impu),
                       "the Request-URI is no identity of this network");
        else if (route->restored)
                refuse(s, rq, CAUSE_identity_not_registered, 480, buf_as_span(&impu),
                       "not among the identities the HSS gave back");
        else if (!direct || originating_user(s, rq, route, &insert))
                request_ask(s, rq, buf_as_span(&impu), direct ? SIDE_DIRECT : SIDE_TERMINATING);
        buf_free(&impu);
}
