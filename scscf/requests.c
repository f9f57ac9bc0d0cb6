/* SPDX-License-Identifier: BSD-3-Clause
 * Every request comes in here: trust, REGISTER, own requests, dialogs; the rest is originating or
 * terminating. TS 24.229 5.4.3, RFC 3261 16.4. */
#include "scscf/requests.h"

#include "common/base/log.h"
#include "common/cscf/home_domain.h"
#include "common/sip/grammar.h"
#include "common/trace/sip_guard.h"
#include "scscf/waiting.h"

/* --- reading ------------------------------------------------------------------------------------- */

/* "host:port" of a SIP URI: behind the user part, up to parameters or headers. */
static struct span host_port(struct span uri)
{
        ptrdiff_t at = span_chr(uri, '@', 0);
        size_t end;

        uri = span_sub(uri, at < 0 ? (span_istarts(uri, SPAN("sips:")) ? 5 : 4) : (size_t)at + 1, uri.n);
        for (end = 0; end < uri.n && uri.p[end] != ';' && uri.p[end] != '?'; end++)
                ;
        return span_sub(uri, 0, end);
}

/* Splits "host:port" or "[v6]:port". */
static struct span split_port(struct span hp, uint16_t *port)
{
        ptrdiff_t close = span_chr(hp, ']', 0), colon = span_chr(hp, ':', close < 0 ? 0 : (size_t)close);
        uint32_t n = 0;

        *port = 0;
        if (colon < 0)
                return hp;
        if (span_u32(span_sub(hp, (size_t)colon + 1, hp.n), UINT16_MAX, &n) == 0)
                *port = (uint16_t)n;
        return span_sub(hp, 0, (size_t)colon);
}

struct span request_host(struct span uri)
{
        uint16_t port;

        if (!span_istarts(uri, SPAN("sip:")) && !span_istarts(uri, SPAN("sips:")))
                return SPAN_NULL;
        return split_port(host_port(uri), &port);
}

static bool is_self(const struct scscf *s, struct span uri)
{
        uint16_t port;
        struct span host;

        if (!span_istarts(uri, SPAN("sip:")) && !span_istarts(uri, SPAN("sips:")))
                return false;
        host = split_port(host_port(uri), &port);
        if (span_ieq(host_port(uri), s->reg.host) || sip_stack_is_self(s->home.sip, host, port))
                return true;
        /* A bracketed literal is the address without the brackets. */
        return host.n > 2 && host.p[0] == '[' &&
               sip_stack_is_self(s->home.sip, span_sub(host, 1, host.n - 1), port);
}

#define SEAL_SIZE 17

/* What only this process can write into its Record-Route: the dialog was made through it, with all checks. */
static void write_seal(struct span call_id, char out[static SEAL_SIZE])
{
        snprintf(out, SEAL_SIZE, "%016llx", (unsigned long long)hash_span(call_id));
}

/* User part "orig", and the token, of our Service-Route (also the parameter orig, TS 24.229 5.4.3.2); the
 * seal of our Record-Route. */
static void read_own_route(struct span uri, struct span call_id, struct request_route *out)
{
        char seal[SEAL_SIZE];
        struct contact_param p;
        struct span rest = uri;

        if (span_istarts(uri, SPAN("sip:orig@")))
                out->originating = true;
        while (contact_param_next(&rest, &p)) {
                if (span_ieq(p.name, SPAN("orig")))
                        out->originating = true;
                else if (span_ieq(p.name, SPAN("s")))
                        out->token = p.value;
                else if (span_ieq(p.name, SPAN("u")))
                        out->user = p.value;
                else if (span_ieq(p.name, SPAN("d"))) {
                        write_seal(call_id, seal);
                        out->sealed = out->sealed || span_eq(p.value, span_of(seal));
                }
        }
}

void request_route_read(const struct scscf *s, const struct sip_msg *m, struct request_route *out)
{
        struct sip_value_iter it = {0};
        struct span value;

        *out = (struct request_route){.in_dialog = m->to_tag.n > 0};
        while (sip_msg_next_value(m, SIP_HDR_ROUTE, &it, &value)) {
                struct span uri = sip_addr_spec(value);

                if (!is_self(s, uri)) {
                        out->next = uri;
                        return;
                }
                out->own++;
                read_own_route(uri, m->call_id, out);
        }
}

const struct impu *request_target(struct scscf *s, struct span uri, struct buf *impu)
{
        const struct impu *found = NULL;
        osip_uri_t *u = NULL;
        const char *user;

        if (sip_uri_canonical(uri, impu) < 0) {
                buf_reset(impu);
                return NULL;
        }
        found = impu_find(&s->reg.store, buf_as_span(impu));
        if (found || span_istarts(uri, SPAN("tel:")) || sip_uri_parse(uri, &u) < 0)
                return found;
        user = sip_uri_param(u, "user");
        if (user && span_ieq(span_of(user), SPAN("phone")) && u->username) {
                struct buf tel = BUF_INIT, canonical = BUF_INIT;

                buf_printf(&tel, "tel:%s", u->username);
                if (!tel.err && sip_uri_canonical(buf_as_span(&tel), &canonical) == 0)
                        found = impu_find(&s->reg.store, buf_as_span(&canonical));
                buf_free(&tel);
                buf_free(&canonical);
        }
        osip_uri_free(u);
        return found;
}

/* --- ending -------------------------------------------------------------------------------------- */

void request_say(struct scscf *s, const struct sip_msg *m, const struct request_end *end)
{
        struct verdict v = {.procedure = VERDICT_REQUEST,
                            .outcome = end->outcome,
                            .cause = end->cause,
                            .status = end->status,
                            .clause = end->clause,
                            .impi = end->impi,
                            .impu = end->impu,
                            .call_id = m->call_id};
        struct buf text = BUF_INIT;

        buf_printf(&text, SPAN_FMT " ", SPAN_ARG(m->method_name));
        buf_quoted(&text, end->evidence, 160);
        buf_char(&text, '\0');
        v.evidence = text.err ? NULL : text.p;
        trace_verdict(s->home.trace, &v);
        buf_free(&text);
}

void request_refuse(struct scscf *s, struct sip_request *rq, const struct request_end *end)
{
        request_say(s, rq->msg, end);
        if (rq->msg->method == SIP_ACK)
                sip_request_unref(rq);
        else
                sip_reply(rq, end->status, NULL, NULL, 0);
}

bool request_on_failure(struct sip_request *rq, int err, void *arg)
{
        const struct scscf_leg *leg = arg;
        struct request_end end = {.outcome = VERDICT_FAILED,
                                  .cause = CAUSE_next_hop_unreachable,
                                  .status = err == -IMS_ETIMEOUT ? 504 : 503,
                                  .clause = "RFC 3261 16.9",
                                  .evidence = span_of(ims_strerror(err))};

        request_say(leg->s, rq->msg, &end);
        return true;
}

/* --- forwarding ---------------------------------------------------------------------------------- */

/* Methods that make a dialog (RFC 3261 12, RFC 6665, RFC 3515). */
static bool makes_dialog(const struct sip_msg *m)
{
        return m->method == SIP_INVITE || m->method == SIP_SUBSCRIBE || m->method == SIP_REFER ||
               m->method == SIP_NOTIFY;
}

void request_edit(struct scscf *s, const struct sip_msg *m, const struct request_route *route,
                  const char *user, struct sip_edit *e)
{
        struct buf rr = BUF_INIT;
        char seal[SEAL_SIZE];

        for (size_t i = 0; i < route->own; i++)
                sip_edit_pop_value(e, SIP_HDR_ROUTE);
        if (sip_msg_hdr(m, SIP_HDR_PROXY_AUTHORIZATION, 0))
                request_drop_credentials(s, m, e);
        if (!makes_dialog(m) || route->in_dialog)
                return;
        write_seal(m->call_id, seal);
        buf_printf(&rr, "<sip:%s@" SPAN_FMT ";lr;d=%s>", user, SPAN_ARG(s->reg.host), seal);
        if (rr.err && !e->err)
                e->err = rr.err;
        sip_edit_insert(e, SIP_HDR_RECORD_ROUTE, buf_as_span(&rr));
        buf_free(&rr);
}

/* A request inside a dialog follows its Route (RFC 3261 16.6 item 6); what it says was allowed with the
 * dialog, and that there was one the seal tells: a To tag alone is no way around home control. */
static void forward_in_dialog(struct scscf *s, struct sip_request *rq, const struct request_route *route)
{
        struct sip_forward f = {.on_failure = request_on_failure, .arg = &s->legs[0][0]};
        struct sip_edit e;

        f.target.uri = route->next.n ? route->next : rq->msg->ruri;
        if (!route->sealed || (!route->next.n && is_self(s, rq->msg->ruri))) {
                const struct request_end end = {.outcome = VERDICT_REFUSED,
                                                .cause = CAUSE_malformed,
                                                .status = 481,
                                                .clause = "RFC 3261 12.2.2",
                                                .evidence = SPAN("Route is not of a dialog made through "
                                                                 "this node")};

                request_refuse(s, rq, &end);
                return;
        }
        sip_edit_init(&e, rq->msg);
        request_edit(s, rq->msg, route, "mo", &e);
        sip_forward(rq, &e, &f);
        sip_edit_free(&e);
}

/* --- entry --------------------------------------------------------------------------------------- */

static void refuse_untrusted(struct scscf *s, struct sip_request *rq)
{
        char from[ADDR_STR];
        struct request_end end = {.outcome = VERDICT_REFUSED,
                                  .cause = CAUSE_untrusted_source,
                                  .status = 403,
                                  .clause = "TS 24.229 4.4, TS 33.203 J"};
        struct buf text = BUF_INIT;

        buf_printf(&text, "from %s, which is not in the list of trusted addresses",
                   addr_str(&rq->flow.remote, from));
        end.evidence = buf_as_span(&text);
        request_refuse(s, rq, &end);
        buf_free(&text);
}

static void on_register(struct scscf *s, struct sip_request *rq)
{
        const struct request_end end = {.outcome = VERDICT_REFUSED,
                                        .cause = CAUSE_wrong_network,
                                        .status = 403,
                                        .clause = "RFC 3261 10.3",
                                        .evidence = rq->msg->ruri};

        if (is_self(s, rq->msg->ruri) || is_home_domain(&s->conf->home_domains, request_host(rq->msg->ruri)))
                registrar_register(&s->reg, rq);
        else
                request_refuse(s, rq, &end);
}

static bool is_reg_event(const struct sip_msg *m)
{
        struct span event = sip_msg_value(m, SIP_HDR_EVENT), name = event;
        ptrdiff_t semi = span_chr(event, ';', 0);

        if (semi >= 0)
                name = span_trim(span_sub(event, 0, (size_t)semi));
        return m->method == SIP_SUBSCRIBE && span_ieq(name, SPAN("reg"));
}

void request_serve_restored(struct scscf *s, struct sip_request *rq, enum request_side side)
{
        struct request_route route;

        request_route_read(s, rq->msg, &route);
        route.restored = true;
        if (side == SIDE_ORIGINATING)
                originating_serve(s, rq, &route);
        else
                terminating_serve(s, rq, &route, side == SIDE_DIRECT);
}

static void route_request(struct scscf *s, struct sip_request *rq)
{
        struct request_route route;

        request_route_read(s, rq->msg, &route);
        if (route.in_dialog || rq->msg->method == SIP_ACK) {
                forward_in_dialog(s, rq, &route);
        } else if (is_self(s, rq->msg->ruri) && rq->msg->method == SIP_OPTIONS) {
                sip_reply(rq, 200, NULL, NULL, 0);
        } else if (is_reg_event(rq->msg)) {
                const struct request_end end = {.outcome = VERDICT_REFUSED,
                                                .cause = CAUSE_bad_extension,
                                                .status = 489,
                                                .clause = "RFC 6665 4.2.1.1",
                                                .evidence = SPAN("the event package reg is not served")};

                request_refuse(s, rq, &end);
        } else if (route.originating) {
                originating_serve(s, rq, &route);
        } else {
                terminating_serve(s, rq, &route, false);
        }
}

/* What a proxy must understand and this one does not (RFC 3261 16.3 item 5). */
static bool refuse_extension(struct scscf *s, struct sip_request *rq)
{
        const struct sip_hdr *h = sip_msg_hdr(rq->msg, SIP_HDR_PROXY_REQUIRE, 0);
        const struct request_end end = {.outcome = VERDICT_REFUSED,
                                        .cause = CAUSE_bad_extension,
                                        .status = 420,
                                        .clause = "RFC 3261 16.3 item 5",
                                        .evidence = h ? h->value : SPAN_NULL};
        struct sip_field field = {.id = SIP_HDR_UNSUPPORTED};

        if (!h || rq->msg->method == SIP_ACK)
                return false;
        field.value = h->value;
        request_say(s, rq->msg, &end);
        sip_reply(rq, 420, NULL, &field, 1);
        return true;
}

void scscf_on_request(struct sip_request *rq, void *arg)
{
        struct scscf *s = arg;
        struct log_ctx before = log_ctx_set((struct log_ctx){.call_id = rq->msg->call_id});

        sip_request_ref(rq); /* the context borrows from it */
        if (!sip_guard_trusts(&s->home.trust, &rq->flow))
                refuse_untrusted(s, rq);
        else if (s->stopping && rq->msg->method != SIP_ACK)
                sip_reply(rq, 503, NULL, NULL, 0);
        else if (rq->msg->method == SIP_REGISTER)
                on_register(s, rq);
        else if (!refuse_extension(s, rq))
                route_request(s, rq);
        log_ctx_set(before);
        sip_request_unref(rq);
}

void scscf_on_cancel(struct sip_request *rq, void *arg)
{
        struct waiting *w = rq->user;

        (void)arg;
        if (w) {
                w->cancel(w);
                log_info("canceled before the HSS has answered");
                sip_reply(rq, 487, NULL, NULL, 0);
        } else {
                sip_forward_cancel(rq);
        }
}
