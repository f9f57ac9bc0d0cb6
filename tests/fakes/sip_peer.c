/* SPDX-License-Identifier: BSD-3-Clause
 * A plain SIP peer made of the stack alone, for judges that nobody here wrote.
 *
 *      sip_peer uas                       answers every request with 200, an INVITE with 180 before
 *      sip_peer uac TRANSPORT HOST:PORT N  N calls: INVITE, ACK, BYE; exit code 0 when all were answered
 *
 * The first line on stdout is the address where it listens, by UDP and TCP. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/stack.h"

struct peer {
        struct loop *loop;
        struct sip_stack *stack;
        struct addr local;
        char target[128];
        unsigned long wanted, ended, failed;
        unsigned long running, started;
};

struct call {
        struct peer *peer;
        char id[17], tag[17];
        char *to; /* with the tag of the answer */
};

#define CALLS_AT_ONCE 10

static void call_next(struct peer *p);

/* --- server --------------------------------------------------------------------------------------- */

static void on_request(struct sip_request *rq, void *arg)
{
        struct peer *p = arg;
        char contact[ADDR_STR + 16], local[ADDR_STR];
        struct sip_field f = {SIP_HDR_CONTACT, SPAN_NULL};

        if (rq->msg->method == SIP_ACK) {
                sip_request_unref(rq);
                return;
        }
        (void)snprintf(contact, sizeof(contact), "<sip:%s;transport=%s>", addr_str(&p->local, local),
                       rq->flow.transport == TRANSPORT_TCP ? "tcp" : "udp");
        f.value = span_of(contact);
        if (rq->msg->method == SIP_INVITE)
                sip_reply(rq, 180, NULL, &f, 1);
        sip_reply(rq, 200, NULL, &f, 1);
}

static void on_cancel(struct sip_request *rq, void *arg)
{
        (void)rq, (void)arg; /* every INVITE was answered at once */
}

/* --- client --------------------------------------------------------------------------------------- */

static void call_end(struct call *c, bool good)
{
        struct peer *p = c->peer;

        p->running--;
        p->ended++;
        p->failed += good ? 0 : 1;
        free(c->to);
        free(c);
        if (p->ended == p->wanted)
                loop_stop(p->loop);
        else
                call_next(p);
}

/* Sends a request of the dialog; ACK without a transaction. */
static int call_send(struct call *c, const char *method, unsigned cseq, sip_response_fn *fn)
{
        struct peer *p = c->peer;
        struct sip_target target = {.uri = span_of(p->target)};
        struct buf b = BUF_INIT;
        struct sip_msg *m = NULL;
        struct sip_edit e;
        char local[ADDR_STR];
        int err;

        buf_printf(&b,
                   "%s %s SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:peer@example.net>;tag=%s\r\nTo: %s\r\n"
                   "Call-ID: %s\r\nCSeq: %u %s\r\nContact: <sip:%s>\r\n\r\n",
                   method, p->target, c->tag, c->to, c->id, cseq, method, addr_str(&p->local, local));
        err = b.err ? b.err : sip_msg_parse_own(buf_as_span(&b), &m);
        buf_free(&b);
        if (err)
                return err;
        sip_edit_init(&e, m);
        err = fn ? sip_send(p->stack, &e, &target, fn, c, NULL) : sip_send_stateless(p->stack, &e, &target);
        sip_edit_free(&e);
        sip_msg_unref(m);
        return err;
}

static void on_bye_answer(struct sip_client *k, int err, struct sip_msg *resp, void *arg)
{
        (void)k;
        if (err || resp->status >= 200)
                call_end(arg, !err && resp->status == 200);
}

static void on_invite_answer(struct sip_client *k, int err, struct sip_msg *resp, void *arg)
{
        struct call *c = arg;

        (void)k;
        if (!err && resp->status < 200)
                return;
        if (err || resp->status != 200) {
                call_end(c, false);
                return;
        }
        free(c->to);
        c->to = span_dup(sip_msg_value(resp, SIP_HDR_TO));
        if (!c->to || call_send(c, "ACK", 1, NULL) != 0 || call_send(c, "BYE", 2, on_bye_answer) != 0)
                call_end(c, false);
}

static void call_next(struct peer *p)
{
        while (p->started < p->wanted && p->running < CALLS_AT_ONCE) {
                struct call *c = calloc(1, sizeof(*c));

                if (!c)
                        return;
                p->started++;
                p->running++;
                c->peer = p;
                sip_token(c->id);
                sip_token(c->tag);
                c->to = span_dup(SPAN("<sip:judge@example.net>"));
                if (!c->to || call_send(c, "INVITE", 1, on_invite_answer) != 0) {
                        call_end(c, false);
                        return;
                }
        }
}

/* --- program -------------------------------------------------------------------------------------- */

static void on_terminate(void *arg)
{
        loop_stop(((struct peer *)arg)->loop);
}

static int peer_open(struct peer *p, struct resolver **r)
{
        static const struct sip_stack_handlers handlers = {.on_request = on_request, .on_cancel = on_cancel};
        struct sip_stack_conf conf = {.server = "quintet-peer"};
        struct addr any;
        size_t bad;
        int err = loop_new(&p->loop);

        if (!err)
                err = resolver_new(p->loop, NULL, 0, NULL, 0, r, &bad);
        if (!err)
                err = sip_stack_new(p->loop, *r, &conf, &handlers, p, &p->stack);
        if (!err)
                err = addr_parse(SPAN("127.0.0.1:0"), 0, &any);
        if (!err)
                err = sip_stack_listen(p->stack, TRANSPORT_UDP, &any, &p->local);
        if (!err)
                err = sip_stack_listen(p->stack, TRANSPORT_TCP, &p->local, NULL);
        if (!err)
                err = loop_on_terminate(p->loop, on_terminate, p);
        return err;
}

int main(int argc, char **argv)
{
        struct peer p = {0};
        struct resolver *r = NULL;
        bool uac = argc == 5 && strcmp(argv[1], "uac") == 0;
        char local[ADDR_STR];
        int err;

        if (!uac && !(argc == 2 && strcmp(argv[1], "uas") == 0)) {
                (void)fprintf(stderr, "usage: sip_peer uas | sip_peer uac TRANSPORT HOST:PORT N\n");
                return 2;
        }
        log_init("peer", LOG_NOTICE);
        err = peer_open(&p, &r);
        if (err) {
                (void)fprintf(stderr, "sip_peer: %s\n", ims_strerror(err));
                return 2;
        }
        printf("%s\n", addr_str(&p.local, local));
        (void)fflush(stdout);
        if (uac) {
                (void)snprintf(p.target, sizeof(p.target), "sip:%s;transport=%s", argv[3], argv[2]);
                p.wanted = strtoul(argv[4], NULL, 10);
                call_next(&p);
        }
        loop_run(p.loop);
        if (uac)
                printf("%lu calls, %lu failed\n", p.ended, p.failed);
        sip_stack_free(p.stack);
        resolver_free(r);
        loop_free(p.loop);
        return uac && (p.failed || p.ended != p.wanted) ? 1 : 0;
}
