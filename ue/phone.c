/* SPDX-License-Identifier: BSD-3-Clause
 * Addresses, stack and the driving of procedures. */
#include "ue/phone.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/timers.h"
#include "common/trace/sip_trace.h"
#include "ue/phone_addr.h"

struct phone {
        struct loop *loop;
        struct resolver *resolver;
        struct sip_stack *stack;
        struct trace *trace;
        struct addr pcscf, local_udp, local_tcp;
        struct addr clear; /* of the P-CSCF, for what leaves in clear */
        enum transport transport;
        uint32_t answer_ms;
        char *target; /* URI of the P-CSCF */
        struct sip_stack_conf stack_conf;
        struct phone_ipsec *ipsec; /* NULL: no sec-agree */
        struct phone_tls *tls;     /* NULL: no TLS */
        struct phone_keep *keep;   /* NULL: no keep-alives */
        phone_tls_lost_fn *lost;
        void *lost_arg;
        char *no_ipsec; /* why, NULL when nobody asked for it */
        phone_request_fn *on_request;
        void *arg;
        struct {
                struct registration *reg; /* NULL: none under way */
                struct sip_client *client;
                phone_registered_fn *fn;
                void *arg;
        } run;
};

static void send_register(struct phone *p, const struct buf *text);

/* What a phone answers without a scenario. */
static void answer_request(struct sip_request *rq)
{
        switch (rq->msg->method) {
        case SIP_OPTIONS:
        case SIP_NOTIFY:
        case SIP_MESSAGE:
                sip_reply(rq, 200, NULL, NULL, 0);
                break;
        case SIP_ACK:
                sip_request_unref(rq);
                break;
        default:
                sip_reply(rq, 501, NULL, NULL, 0);
        }
}

static void on_request(struct sip_request *rq, void *arg)
{
        struct phone *p = arg;

        if (p->on_request)
                p->on_request(rq, p->arg);
        else
                answer_request(rq);
}

static void on_trace(const struct sip_trace_info *info, void *arg)
{
        struct phone *p = arg;

        if (trace_on(p->trace))
                sip_trace(info, p->trace);
}

/* UDP and TCP on the same port; where that port is taken on TCP, on any. */
static int listen_both(struct phone *p, const struct addr *local)
{
        struct addr want = *local;
        int rc = sip_stack_listen(p->stack, TRANSPORT_UDP, &want, &p->local_udp);

        if (rc < 0)
                return rc;
        want = p->local_udp;
        rc = sip_stack_listen(p->stack, TRANSPORT_TCP, &want, &p->local_tcp);
        if (rc == -IMS_EADDRINUSE && addr_port(local) == 0) {
                addr_set_port(&want, 0);
                rc = sip_stack_listen(p->stack, TRANSPORT_TCP, &want, &p->local_tcp);
        }
        return rc;
}

static bool on_admit(const struct sip_flow *flow, const struct sip_msg *m, const char **note, void *arg)
{
        struct phone *p = arg;

        if (p->tls && !tls_guard_admit(phone_tls_guard(p->tls), phone_tls_is_inside(p->tls, flow), m, note))
                return false;
        return !p->ipsec || phone_ipsec_admit(p->ipsec, flow, m, note);
}

static void on_flow_end(const struct sip_flow *flow, int reason, void *arg)
{
        struct phone *p = arg;

        (void)reason;
        if (p->tls)
                phone_tls_flow_end(p->tls, flow);
}

static void on_tls_session(const struct sip_flow *flow, const struct tls_info *info, void *arg)
{
        struct phone *p = arg;

        if (p->tls)
                phone_tls_session(p->tls, flow, info);
}

static void on_pong(const struct sip_flow *flow, void *arg)
{
        struct phone *p = arg;

        if (p->keep)
                phone_keep_pong(p->keep, flow);
}

static void tell_lost(void *arg)
{
        struct phone *p = arg;

        if (p->keep)
                phone_keep_stop(p->keep);
        if (p->lost)
                p->lost(p->lost_arg);
}

/* No answer to keep-alives: the flow is dead (RFC 5626 4.4.1). With TLS its end is told by itself. */
static void on_keep_failed(void *arg)
{
        struct phone *p = arg;

        if (p->tls && phone_tls_guard(p->tls)->protecting)
                phone_tls_cut(p->tls);
        else
                tell_lost(p);
}

static void on_tls_failure(const struct sip_flow *flow, const char *why, void *arg)
{
        struct phone *p = arg;

        (void)flow;
        if (p->tls)
                phone_tls_failure(p->tls, why);
}

static bool on_answer_flow(const struct sip_flow *in, struct sip_flow *out, void *arg)
{
        struct phone *p = arg;

        return p->ipsec && phone_ipsec_answer_flow(p->ipsec, in, out);
}

static void on_use(const struct sip_flow *flow, int delta, void *arg)
{
        struct phone *p = arg;

        if (p->ipsec)
                security_use(phone_ipsec_security(p->ipsec), flow, delta);
}

static void configure_stack(struct phone *p, const struct phone_conf *conf)
{
        p->stack_conf = (struct sip_stack_conf){
                .t1_ms = conf->t1_ms ? conf->t1_ms : ims_timer_rows[IMS_TIMER_UE_T1].default_ms,
                .t2_ms = conf->t2_ms ? conf->t2_ms : ims_timer_rows[IMS_TIMER_UE_T2].default_ms,
                .t4_ms = conf->t4_ms ? conf->t4_ms : ims_timer_rows[IMS_TIMER_UE_T4].default_ms,
                .udp_max = conf->udp_max,
                .tcp_idle_ms =
                        conf->tls ? UINT32_MAX : 0, /* its connection stays until it is closed (O.4.1) */
        };
}

/* The stack with its open ports. */
static int start_stack(struct phone *p, const struct addr *local)
{
        const struct sip_stack_handlers h = {.on_request = on_request,
                                             .on_trace = on_trace,
                                             .admit = on_admit,
                                             .answer_flow = on_answer_flow,
                                             .on_use = on_use,
                                             .on_flow_end = on_flow_end,
                                             .on_tls_session = on_tls_session,
                                             .on_tls_failure = on_tls_failure,
                                             .on_pong = on_pong};
        int rc = sip_stack_new(p->loop, p->resolver, &p->stack_conf, &h, p, &p->stack);

        if (rc == 0)
                rc = listen_both(p, local);
        if (rc == 0 && p->tls)
                phone_tls_use_stack(p->tls, p->stack);
        return rc;
}

static int start_tls(struct phone *p, const struct phone_conf *conf, struct buf *err)
{
        char ip[ADDR_STR];
        int rc;

        if (!conf->tls)
                return 0;
        rc = phone_tls_new(p->loop, conf->tls, &p->pcscf, phone_host_name(conf->pcscf, ip), &p->tls, err);
        if (rc == 0)
                phone_tls_on_lost(p->tls, tell_lost, p);
        return rc;
}

static int start_resolver(struct phone *p)
{
        size_t bad;

        return resolver_new(p->loop, NULL, 0, NULL, 0, &p->resolver, &bad);
}

/* With IPsec where it is wanted and possible; not having it is an error only where it is required. */
static int start_ipsec(struct phone *p, const struct phone_conf *conf, struct buf *err)
{
        struct buf why = BUF_INIT;
        int rc = -IMS_EUNSUPPORTED;

        if (!conf->ipsec)
                return 0;
        if (!conf->ipsec->one_machine && phone_is_local(&p->pcscf))
                buf_puts(&why, "the P-CSCF is on this machine, and one kernel cannot be both ends of an SA");
        else
                rc = phone_ipsec_new(p->loop, conf->ipsec, &p->local_udp, &p->pcscf, &p->ipsec, &why);
        if (rc == 0) {
                phone_ipsec_use_stack(p->ipsec, p->stack);
        } else if (conf->ipsec->required) {
                buf_puts(err, "IPsec is required: ");
                buf_span(err, buf_as_span(&why));
                buf_char(err, '\n');
        } else {
                p->no_ipsec = span_dup(buf_as_span(&why));
                rc = 0;
        }
        buf_free(&why);
        return rc;
}

/* The port that was given is that of TLS, where TLS comes first and has no other. */
static struct addr clear_address(const struct phone *p, const struct phone_conf *conf)
{
        struct addr a = p->pcscf;

        if (conf->tls && conf->tls->variant == TLS_VARIANT_FIRST && !conf->tls->port)
                addr_set_port(&a, SIP_PORT);
        return a;
}

static int make_target(struct phone *p, const struct phone_conf *conf)
{
        char text[ADDR_STR];
        struct buf b = BUF_INIT;

        p->clear = clear_address(p, conf);
        buf_printf(&b, "sip:%s;transport=%s", addr_str(&p->clear, text),
                   p->transport == TRANSPORT_TCP ? "tcp" : "udp");
        p->target = buf_steal(&b);
        return p->target ? 0 : -IMS_ENOMEM;
}

int phone_new(struct loop *l, const struct phone_conf *conf, phone_request_fn *on_request_fn, void *arg,
              struct phone **out, struct buf *err)
{
        struct phone *p = calloc(1, sizeof(*p));
        struct addr local;
        int rc = -IMS_ENOMEM;

        if (!p)
                return rc;
        p->loop = l;
        p->on_request = on_request_fn;
        p->arg = arg;
        p->answer_ms = conf->answer_ms;
        p->transport = conf->transport == TRANSPORT_ANY ? TRANSPORT_UDP : conf->transport;
        rc = phone_find_pcscf(conf, &p->pcscf, err);
        if (rc == 0)
                rc = phone_find_local(conf, &p->pcscf, &local, err);
        if (rc < 0)
                goto fail;
        rc = trace_new("ue", conf->trace_file, &p->trace);
        if (rc < 0) {
                buf_printf(err, "trace file %s: %s\n", conf->trace_file, ims_strerror(rc));
                goto fail;
        }
        configure_stack(p, conf);
        rc = start_tls(p, conf, err);
        if (rc == 0 && conf->keep)
                rc = phone_keep_new(l, on_keep_failed, p, &p->keep);
        if (rc < 0)
                goto fail;
        rc = make_target(p, conf);
        if (rc == 0)
                rc = start_resolver(p);
        if (rc == 0)
                rc = start_stack(p, &local);
        if (rc == 0) {
                rc = start_ipsec(p, conf, err);
                if (rc < 0)
                        goto fail;
                *out = p;
                return 0;
        }
        buf_printf(err, "local address %s: %s\n", conf->local ? conf->local : "(any)",
                   rc == -IMS_EIO ? "cannot be used; is it one of this machine?" : ims_strerror(rc));
fail:
        phone_free(p);
        return rc;
}

void phone_free(struct phone *p)
{
        if (!p)
                return;
        if (p->run.client)
                sip_client_abandon(p->run.client);
        phone_keep_free(p->keep);
        p->keep = NULL;
        phone_ipsec_free(p->ipsec);
        p->ipsec = NULL;
        sip_stack_free(p->stack);
        phone_tls_free(p->tls);
        resolver_free(p->resolver);
        trace_free(p->trace);
        free(p->target);
        free(p->no_ipsec);
        free(p);
}

struct trace *phone_trace(struct phone *p)
{
        return p->trace;
}

struct phone_ipsec *phone_ipsec_of(struct phone *p)
{
        return p->ipsec;
}

struct security *phone_security(struct phone *p)
{
        return p->ipsec ? phone_ipsec_security(p->ipsec) : NULL;
}

struct phone_tls *phone_tls_of(struct phone *p)
{
        return p->tls;
}

struct tls_guard *phone_tls_guard_of(struct phone *p)
{
        return p->tls ? phone_tls_guard(p->tls) : NULL;
}

void phone_on_lost(struct phone *p, phone_tls_lost_fn *fn, void *arg)
{
        p->lost = fn;
        p->lost_arg = arg;
}

/* The flow that was registered. */
static struct sip_flow kept_flow(const struct phone *p)
{
        struct phone_tls_state s;
        struct sip_flow flow;

        if (p->tls && phone_tls_guard(p->tls)->protecting) {
                phone_tls_state(p->tls, &s);
                return s.flow;
        }
        flow = (struct sip_flow){.transport = p->transport, .remote = p->clear};
        if (p->transport == TRANSPORT_UDP)
                flow.local = p->local_udp;
        return flow;
}

void phone_answered(struct phone *p, const struct registration *r, const struct sip_msg *resp)
{
        const struct reg_result *res = reg_result(r);
        struct sip_flow flow;
        uint32_t every_s;

        if (!p->keep || (p->ipsec && security_protected(phone_ipsec_security(p->ipsec))))
                return;
        if (!reg_outcome_ok(res->outcome) || resp->status >= 300) {
                if (!res->registered)
                        phone_keep_stop(p->keep);
                return;
        }
        phone_keep_stop(p->keep);
        flow = kept_flow(p);
        if (res->registered && phone_keep_agreed(resp, &every_s) &&
            phone_keep_start(p->keep, p->stack, &flow, every_s) < 0)
                log_warn("no keep-alives: out of memory");
}

void phone_kept(const struct phone *p, struct phone_keep_state *out)
{
        *out = (struct phone_keep_state){0};
        if (p->keep)
                phone_keep_state(p->keep, out);
}

void phone_settle(struct phone *p)
{
        if (p->tls)
                phone_tls_settle(p->tls);
}

int phone_error(const struct phone *p, int err)
{
        return p->tls ? phone_tls_error(p->tls, err) : err;
}

const char *phone_no_ipsec(const struct phone *p)
{
        return p->no_ipsec;
}

int phone_move(struct phone *p, const char *local, struct buf *err)
{
        const struct phone_conf conf = {.local = local};
        struct addr to;
        int rc = phone_find_local(&conf, &p->pcscf, &to, err);

        if (rc < 0)
                return rc;
        if (p->ipsec)
                phone_ipsec_leave(p->ipsec);
        sip_stack_free(p->stack);
        p->stack = NULL;
        rc = start_stack(p, &to);
        if (rc == 0 && p->ipsec)
                rc = phone_ipsec_move(p->ipsec, p->stack, &p->local_udp, &p->pcscf);
        if (rc < 0)
                buf_printf(err, "local address %s: %s\n", local, ims_strerror(rc));
        return rc;
}

const struct addr *phone_local(const struct phone *p)
{
        return p->transport == TRANSPORT_TCP ? &p->local_tcp : &p->local_udp;
}

const struct addr *phone_pcscf(const struct phone *p)
{
        if (p->tls && phone_tls_guard(p->tls)->variant == TLS_VARIANT_FIRST)
                return phone_tls_server(p->tls);
        return &p->pcscf;
}

void phone_contact(const struct phone *p, struct span user, struct buf *out)
{
        char text[ADDR_STR];

        buf_puts(out, "sip:");
        if (user.n) {
                buf_span(out, user);
                buf_char(out, '@');
        }
        buf_puts(out, addr_str(phone_local(p), text));
        if (p->transport == TRANSPORT_TCP && !p->tls) /* with TLS the registration says which */
                buf_puts(out, ";transport=tcp");
}

/* A parsed message has a Via, which only the stack can write: a stand-in is put in and taken away again. */
static int parse_request(struct span text, struct sip_msg **out)
{
        struct buf b = BUF_INIT;
        ptrdiff_t eol = span_find(text, SPAN("\r\n"));
        size_t used;
        int rc = -IMS_EPARSE;

        if (eol < 0)
                return rc;
        buf_span(&b, span_sub(text, 0, (size_t)eol));
        buf_puts(&b, "\r\nVia: SIP/2.0/UDP 0.0.0.0;branch=z9hG4bK0");
        buf_span(&b, span_sub(text, (size_t)eol, text.n));
        rc = b.err ? b.err : sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, out, &used);
        buf_free(&b);
        return rc;
}

/* How the request leaves: 1 by *flow, 0 in clear. */
static int choose_way(struct phone *p, const struct phone_out *o, const struct sip_msg *m,
                      struct sip_flow *flow)
{
        struct security *sec = phone_security(p);
        bool emergency = span_istarts(m->ruri, SPAN("urn:service:sos"));
        int rc;

        if (!sec)
                return o->way == SECURITY_USUAL || o->way == SECURITY_REGISTER || o->way == SECURITY_CLEAR
                               ? 0
                               : -IMS_ENOTFOUND;
        rc = security_flow(sec, o->way, o->step, o->transport == TRANSPORT_ANY ? p->transport : o->transport,
                           flow);
        if (rc == -IMS_EPERM && emergency) /* needs no SA (TS 33.203 7.1) */
                rc = 0;
        if (rc == 0 && emergency)
                security_emergency(sec, m->call_id);
        return rc;
}

/* With TLS, unless a scenario wants it elsewhere: 1 over TLS, 0 in clear. */
static int choose_tls(struct phone *p, const struct phone_out *o, const struct sip_msg *m,
                      struct sip_target *target)
{
        bool emergency = span_istarts(m->ruri, SPAN("urn:service:sos"));
        int rc = 0;

        if (!p->tls)
                return 0;
        if (o->way == SECURITY_USUAL || o->way == SECURITY_REGISTER)
                rc = phone_tls_way(p->tls, o->step, target);
        if (rc == -IMS_EPERM && emergency)
                rc = 0;
        if (rc == 0 && emergency)
                tls_guard_emergency(phone_tls_guard(p->tls), m->call_id);
        return rc;
}

static int send_edited(struct phone *p, struct sip_edit *e, const struct sip_target *target,
                       sip_response_fn *fn, void *arg, struct sip_client **out)
{
        sip_edit_remove_all(e, SIP_HDR_VIA);
        if (e->msg->method != SIP_ACK)
                return sip_send(p->stack, e, target, fn, arg, out);
        *out = NULL;
        return sip_send_stateless(p->stack, e, target);
}

int phone_send(struct phone *p, struct phone_out *o, sip_response_fn *fn, void *arg, struct sip_client **out)
{
        struct sip_target target = {
                .uri = span_of(p->target), .answer_ms = o->answer_ms, .keep = o->step && p->keep};
        struct sip_flow flow;
        struct sip_msg *m = NULL;
        struct sip_edit e;
        bool tls;
        int rc;

        if (!p->stack)
                return -IMS_ECLOSED;
        rc = parse_request(o->text, &m);
        if (rc < 0)
                return rc;
        rc = m->is_request ? choose_tls(p, o, m, &target) : -IMS_EPARSE;
        tls = rc == 1;
        if (rc == 0)
                rc = choose_way(p, o, m, &flow);
        if (rc < 0) {
                sip_msg_unref(m);
                return rc;
        }
        o->secured = rc == 1 && !tls;
        if (tls) {
                o->transport = TRANSPORT_TLS;
        } else if (o->secured) {
                target.flow = &flow;
        } else if (o->transport != TRANSPORT_ANY) {
                flow = (struct sip_flow){.transport = o->transport, .remote = p->clear};
                target.flow = &flow;
        }
        sip_edit_init(&e, m);
        rc = send_edited(p, &e, &target, fn, arg, out);
        sip_edit_free(&e);
        sip_msg_unref(m);
        return rc;
}

static void finish(struct phone *p)
{
        struct registration *r = p->run.reg;

        p->run.reg = NULL;
        phone_settle(p);
        p->run.fn(r, p->run.arg);
}

static void on_answer(struct sip_client *c, int err, struct sip_msg *resp, void *arg)
{
        struct phone *p = arg;
        struct buf text = BUF_INIT;
        int next = REG_NEXT_DONE;

        (void)c;
        if (err == 0 && resp->status < 200)
                return;
        p->run.client = NULL;
        if (err != 0)
                next = reg_no_answer(p->run.reg, phone_error(p, err), &text);
        else
                next = reg_answer(p->run.reg, resp, loop_now_ms(p->loop), &text);
        if (next != REG_NEXT_SEND && err == 0)
                phone_answered(p, p->run.reg, resp);
        if (next == REG_NEXT_SEND)
                send_register(p, &text);
        else
                finish(p);
        buf_free(&text);
}

static int send_step(struct phone *p, const struct buf *text)
{
        struct phone_out o = {
                .text = buf_as_span(text), .way = SECURITY_REGISTER, .step = true, .answer_ms = p->answer_ms};

        return phone_send(p, &o, on_answer, p, &p->run.client);
}

static void send_register(struct phone *p, const struct buf *text)
{
        struct buf more = BUF_INIT;
        int rc = send_step(p, text);

        if (rc == 0)
                return;
        if (reg_no_answer(p->run.reg, rc, &more) == REG_NEXT_SEND)
                send_register(p, &more); /* again and again is no danger: restarts are counted */
        else
                finish(p);
        buf_free(&more);
}

int phone_register(struct phone *p, struct registration *r, enum reg_kind kind, uint32_t expires_s,
                   phone_registered_fn *fn, void *arg)
{
        struct buf text = BUF_INIT;
        int rc;

        if (p->run.reg)
                return -IMS_EALREADY;
        rc = reg_start(r, kind, expires_s, &text);
        if (rc == 0)
                rc = send_step(p, &text);
        if (rc == 0) {
                p->run.reg = r;
                p->run.fn = fn;
                p->run.arg = arg;
        } else if (reg_state(r) == REG_ST_TRYING && reg_no_answer(r, rc, &text) == REG_NEXT_SEND) {
                rc = reg_no_answer(r, -IMS_ECANCELED, &text) < 0 ? -IMS_ENOMEM : rc;
        }
        buf_free(&text);
        return rc;
}
