/* SPDX-License-Identifier: BSD-3-Clause
 * Addresses, stack and the driving of procedures. */
#include "ue/phone.h"

#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/timers.h"
#include "common/trace/sip_trace.h"

#define SIP_PORT 5060

struct phone {
        struct loop *loop;
        struct resolver *resolver;
        struct sip_stack *stack;
        struct trace *trace;
        struct addr pcscf, local_udp, local_tcp;
        enum transport transport;
        uint32_t answer_ms;
        char *target; /* URI of the P-CSCF */
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

/* A name is looked up by the system's resolver: the discovery of a P-CSCF comes before all SIP. */
static int lookup(struct span host, uint16_t port, int family, struct addr *out)
{
        const struct addrinfo want = {.ai_family = family, .ai_socktype = SOCK_DGRAM};
        struct addrinfo *list = NULL;
        char *name = span_dup(host);
        int rc = -IMS_EUNREACH;

        if (name && getaddrinfo(name, NULL, &want, &list) == 0 && list)
                rc = addr_from_sockaddr(list->ai_addr, out);
        if (rc == 0)
                addr_set_port(out, port);
        if (list)
                freeaddrinfo(list);
        free(name);
        return rc;
}

/* The family of --local, which the address of the P-CSCF has to have too. */
static int family_of(const char *local)
{
        struct addr a;

        return local && addr_parse(span_of(local), 0, &a) == 0 ? a.u.sa.sa_family : AF_UNSPEC;
}

static int find_pcscf(const struct phone_conf *conf, struct addr *out, struct buf *err)
{
        const char *text = conf->pcscf;
        struct span s = span_of(text);
        ptrdiff_t colon = span_chr(s, ':', 0);
        uint32_t port = SIP_PORT;

        if (addr_parse(s, SIP_PORT, out) == 0)
                return 0;
        if (colon >= 0 && span_u32(span_sub(s, (size_t)colon + 1, s.n), 65535, &port) < 0) {
                buf_printf(err, "P-CSCF \"%s\": not HOST:PORT\n", text);
                return -IMS_EPARSE;
        }
        if (colon >= 0)
                s = span_sub(s, 0, (size_t)colon);
        if (lookup(s, (uint16_t)port, family_of(conf->local), out) == 0)
                return 0;
        buf_printf(err, "P-CSCF \"%s\": no such name\n", text);
        return -IMS_EUNREACH;
}

/* The address this machine would use towards the P-CSCF. */
static int facing_address(const struct addr *to, struct addr *out)
{
        struct sockaddr_storage ss;
        socklen_t n = sizeof(ss);
        int rc = -IMS_EUNREACH;
        int fd = socket(to->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -IMS_EIO;
        if (connect(fd, &to->u.sa, addr_len(to)) == 0 && getsockname(fd, (struct sockaddr *)&ss, &n) == 0)
                rc = addr_from_sockaddr((struct sockaddr *)&ss, out);
        close(fd);
        if (rc == 0)
                addr_set_port(out, 0);
        return rc;
}

static int find_local(const struct phone_conf *conf, const struct addr *pcscf, struct addr *out,
                      struct buf *err)
{
        if (!conf->local) {
                if (facing_address(pcscf, out) == 0)
                        return 0;
                buf_printf(err, "no route to the P-CSCF %s\n", conf->pcscf);
                return -IMS_EUNREACH;
        }
        if (addr_parse(span_of(conf->local), 0, out) != 0) {
                buf_printf(err, "local address \"%s\": not an address\n", conf->local);
                return -IMS_EPARSE;
        }
        if (addr_is_v6(out) == addr_is_v6(pcscf))
                return 0;
        buf_printf(err, "local address %s and P-CSCF %s: one is IPv4, the other IPv6\n", conf->local,
                   conf->pcscf);
        return -IMS_EINVAL;
}

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

static int start_stack(struct phone *p, const struct phone_conf *conf)
{
        const struct sip_stack_conf sc = {
                .t1_ms = conf->t1_ms ? conf->t1_ms : ims_timer_rows[IMS_TIMER_UE_T1].default_ms,
                .t2_ms = conf->t2_ms ? conf->t2_ms : ims_timer_rows[IMS_TIMER_UE_T2].default_ms,
                .t4_ms = ims_timer_rows[IMS_TIMER_UE_T4].default_ms,
                .udp_max = conf->udp_max,
        };
        const struct sip_stack_handlers h = {.on_request = on_request, .on_trace = on_trace};
        size_t bad;
        int rc = resolver_new(p->loop, NULL, 0, NULL, 0, &p->resolver, &bad);

        if (rc < 0)
                return rc;
        return sip_stack_new(p->loop, p->resolver, &sc, &h, p, &p->stack);
}

static int make_target(struct phone *p)
{
        char text[ADDR_STR];
        struct buf b = BUF_INIT;

        buf_printf(&b, "sip:%s;transport=%s", addr_str(&p->pcscf, text),
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
        rc = find_pcscf(conf, &p->pcscf, err);
        if (rc == 0)
                rc = find_local(conf, &p->pcscf, &local, err);
        if (rc < 0)
                goto fail;
        rc = trace_new("ue", conf->trace_file, &p->trace);
        if (rc < 0) {
                buf_printf(err, "trace file %s: %s\n", conf->trace_file, ims_strerror(rc));
                goto fail;
        }
        rc = make_target(p);
        if (rc == 0)
                rc = start_stack(p, conf);
        if (rc == 0)
                rc = listen_both(p, &local);
        if (rc == 0) {
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
        sip_stack_free(p->stack);
        resolver_free(p->resolver);
        trace_free(p->trace);
        free(p->target);
        free(p);
}

struct trace *phone_trace(struct phone *p)
{
        return p->trace;
}

const struct addr *phone_local(const struct phone *p)
{
        return p->transport == TRANSPORT_TCP ? &p->local_tcp : &p->local_udp;
}

const struct addr *phone_pcscf(const struct phone *p)
{
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
        if (p->transport == TRANSPORT_TCP)
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

int phone_send(struct phone *p, struct span text, uint32_t answer_ms, sip_response_fn *fn, void *arg,
               struct sip_client **out)
{
        const struct sip_target target = {.uri = span_of(p->target), .answer_ms = answer_ms};
        struct sip_msg *m = NULL;
        struct sip_edit e;
        int rc = parse_request(text, &m);

        if (rc < 0)
                return rc;
        if (!m || !m->is_request) {
                sip_msg_unref(m);
                return -IMS_EPARSE;
        }
        sip_edit_init(&e, m);
        sip_edit_remove_all(&e, SIP_HDR_VIA);
        if (m->method == SIP_ACK) {
                *out = NULL;
                rc = sip_send_stateless(p->stack, &e, &target);
        } else {
                rc = sip_send(p->stack, &e, &target, fn, arg, out);
        }
        sip_edit_free(&e);
        sip_msg_unref(m);
        return rc;
}

static void finish(struct phone *p)
{
        struct registration *r = p->run.reg;

        p->run.reg = NULL;
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
                next = reg_no_answer(p->run.reg, err, &text);
        else
                next = reg_answer(p->run.reg, resp, loop_now_ms(p->loop), &text);
        if (next == REG_NEXT_SEND)
                send_register(p, &text);
        else
                finish(p);
        buf_free(&text);
}

static void send_register(struct phone *p, const struct buf *text)
{
        struct buf more = BUF_INIT;
        int rc = phone_send(p, buf_as_span(text), p->answer_ms, on_answer, p, &p->run.client);

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
                rc = phone_send(p, buf_as_span(&text), p->answer_ms, on_answer, p, &p->run.client);
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
