/* SPDX-License-Identifier: BSD-3-Clause
 * A stateful proxy hop between a caller and a callee. RFC 3261 16. */
#include "tests/unit/sip/stack_world.h"

struct chain {
        struct world w;
        struct node a, p, b; /* caller, proxy, callee */
        struct call call;
        struct sip_target to_p;
        char text[2][128];
        unsigned hooked, failed, further;
        bool take_over;
};

static void chain_start(struct chain *c)
{
        world_start(&c->w, NULL, 0);
        node_start(&c->a, &c->w, NULL);
        node_start(&c->p, &c->w, NULL);
        node_start(&c->b, &c->w, NULL);
        c->hooked = c->failed = c->further = 0;
        c->take_over = false;
        c->to_p = target_to(&c->p.udp, NULL, c->text[0]);
        c->p.answer = -2;
        c->p.forward = (struct sip_forward){.target = target_to(&c->b.udp, NULL, c->text[1])};
}

static void chain_stop(struct chain *c)
{
        node_stop(&c->a);
        node_stop(&c->p);
        node_stop(&c->b);
        world_stop(&c->w);
}

static void request_and_answer(void **state)
{
        struct chain c;

        (void)state;
        chain_start(&c);
        call_start(&c.call, &c.a, "REGISTER", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.done);
        assert_int_equal(c.call.status, 200);
        assert_non_null(strstr(c.b.last, "\r\nMax-Forwards: 69\r\n"));
        assert_int_equal(strncmp(strstr(c.b.last, "\r\n"), "\r\nVia: ", 7), 0);
        assert_non_null(strstr(strstr(c.b.last, "Via: ") + 5, "Via: ")); /* two there */
        assert_null(strstr(strstr(c.call.text, "Via: ") + 5, "Via: "));  /* one here */
        assert_int_equal(c.call.provisional, 0);
        chain_stop(&c);
}

static bool change_answer(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        struct chain *c = arg;

        (void)resp;
        c->hooked++;
        if (c->take_over) {
                c->take_over = false;
                if (resp->status < 200) {
                        sip_reply(rq, 480, NULL, NULL, 0);
                } else {
                        struct sip_edit again;

                        sip_edit_init(&again, rq->msg);
                        sip_forward(rq, &again, &c->p.forward);
                        sip_edit_free(&again);
                }
                return false;
        }
        sip_edit_set(e, SIP_HDR_SERVICE_ROUTE, SPAN("<sip:s.example.net;lr>"));
        return true;
}

static void change_further(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        struct chain *c = arg;

        assert_int_equal(rq->msg->method, SIP_INVITE);
        assert_true(resp->status == 180 || resp->status == 200);
        sip_edit_set(e, SIP_HDR_SERVICE_ROUTE, SPAN("<sip:further.example.net;lr>"));
        c->further++;
}

static void hook_changes_the_answer(void **state)
{
        struct chain c;

        (void)state;
        chain_start(&c);
        c.p.forward.on_response = change_answer;
        c.p.forward.arg = &c;
        call_start(&c.call, &c.a, "REGISTER", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.done);
        assert_non_null(strstr(c.call.text, "\r\nService-Route: <sip:s.example.net;lr>\r\n"));
        assert_int_equal(c.hooked, 1);
        chain_stop(&c);
}

/* The hook takes the request over and tries again. */
static void hook_tries_again(void **state)
{
        struct chain c;

        (void)state;
        chain_start(&c);
        c.take_over = true;
        c.b.answer = 480;
        c.p.forward.on_response = change_answer;
        c.p.forward.arg = &c;
        call_start(&c.call, &c.a, "MESSAGE", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.done);
        assert_int_equal(c.call.status, 480);
        assert_int_equal(c.hooked, 2);
        assert_int_equal(c.b.requests, 2);
        chain_stop(&c);
}

/* ... or ends it while it still rings. */
static void hook_ends_a_ringing_call(void **state)
{
        struct chain c;

        (void)state;
        chain_start(&c);
        c.take_over = true;
        c.b.answer = 180;
        c.p.forward.on_response = change_answer;
        c.p.forward.arg = &c;
        call_start(&c.call, &c.a, "INVITE", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.done);
        assert_int_equal(c.call.status, 480);
        chain_stop(&c);
}

static void silent_next_hop_is_504(void **state)
{
        struct chain c;
        struct raw silent;

        (void)state;
        chain_start(&c);
        raw_start(&silent, &c.w);
        c.p.forward.target = target_to(&silent.addr, NULL, c.text[1]);
        c.p.forward.target.answer_ms = 50;
        call_start(&c.call, &c.a, "REGISTER", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.done);
        assert_int_equal(c.call.status, 504);
        raw_stop(&silent);
        chain_stop(&c);
}

static bool on_failure(struct sip_request *rq, int err, void *arg)
{
        struct chain *c = arg;

        c->failed++;
        if (err == -IMS_EUNREACH && c->take_over) {
                sip_reply(rq, 480, "Taken Over", NULL, 0);
                return false;
        }
        return true;
}

static void unreachable_next_hop_is_503(void **state)
{
        struct chain c;
        struct addr dead;

        (void)state;
        chain_start(&c);
        dead = c.b.tcp;
        node_stop(&c.b);
        c.p.forward.target = target_to(&dead, "tcp", c.text[1]);
        c.p.forward.on_failure = on_failure;
        c.p.forward.arg = &c;
        call_start(&c.call, &c.a, "REGISTER", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.done);
        assert_int_equal(c.call.status, 503);
        c.take_over = true;
        call_start(&c.call, &c.a, "REGISTER", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.done);
        assert_int_equal(c.call.status, 480);
        assert_int_equal(c.failed, 2);
        node_stop(&c.a);
        node_stop(&c.p);
        world_stop(&c.w);
}

static void max_forwards(void **state)
{
        struct chain c;
        struct raw r;
        char text[1024], name[ADDR_STR];

        (void)state;
        chain_start(&c);
        raw_start(&r, &c.w);
        for (unsigned i = 0; i < 2; i++) {
                (void)snprintf(
                        text, sizeof(text),
                        "OPTIONS sip:b@example.net SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%u\r\n%s"
                        "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c%u\r\nCSeq: 1 OPTIONS\r\n\r\n",
                        addr_str(&r.addr, name), i, i ? "" : "Max-Forwards: 0\r\n", i);
                raw_send(&r, &c.p.udp, text);
                WAIT_FOR(&c.w, r.n == i + 1);
        }
        assert_int_equal(strncmp(r.got[0], "SIP/2.0 483 ", 12), 0);
        assert_int_equal(strncmp(r.got[1], "SIP/2.0 200 ", 12), 0);
        assert_non_null(strstr(c.b.last, "\r\nMax-Forwards: 70\r\n")); /* none came: ours */
        assert_int_equal(c.b.requests, 1);
        raw_stop(&r);
        chain_stop(&c);
}

/* Two proxies that send to each other. */
static void loop_is_found(void **state)
{
        struct chain c;

        (void)state;
        chain_start(&c);
        c.b.answer = -2;
        c.b.forward = (struct sip_forward){.target = c.to_p};
        call_start(&c.call, &c.a, "MESSAGE", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.done);
        assert_int_equal(c.call.status, 482);
        assert_int_equal(c.p.requests, 2); /* came back once */
        chain_stop(&c);
}

static void call_with_ringing(void **state)
{
        struct chain c;
        struct sip_msg *m;
        struct sip_edit e;
        size_t used;

        (void)state;
        chain_start(&c);
        c.b.answer = 180;
        c.p.forward.edit = change_further;
        c.p.forward.arg = &c;
        call_start(&c.call, &c.a, "INVITE", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.provisional == 2); /* 100 of the proxy, 180 */
        sip_reply(c.b.ringing, 200, NULL, NULL, 0);
        c.b.ringing = NULL;
        WAIT_FOR(&c.w, c.call.done);
        assert_int_equal(c.call.status, 200);
        WAIT_FOR(&c.w, c.a.strays >= 1); /* the callee repeats its 2xx, the proxy lets it through */
        assert_true(c.further >= 3);     /* 180, 200 and its copy: each changed as the node wants it */
        assert_non_null(strstr(c.a.last, "\r\nService-Route: <sip:further.example.net;lr>\r\n"));
        assert_int_equal(sip_msg_parse(span_of(c.call.text), SIP_DATAGRAM, &m, &used), 0);
        sip_msg_unref(m);
        /* ACK through the proxy, as a request of its own */
        {
                struct buf b = BUF_INIT;
                const char *to = strstr(c.call.text, "\r\nTo: ") + 2;

                buf_printf(
                        &b,
                        "ACK sip:bob@example.net SIP/2.0\r\nMax-Forwards: 70\r\nFrom: "
                        "<sip:alice@example.net>;tag=a%u\r\n%.*s\r\nCall-ID: call-%u\r\nCSeq: 7 ACK\r\n\r\n",
                        world_serial, (int)strcspn(to, "\r"), to, world_serial);
                assert_int_equal(sip_msg_parse_own(buf_as_span(&b), &m), 0);
                buf_free(&b);
        }
        sip_edit_init(&e, m);
        assert_int_equal(sip_send_stateless(c.a.s, &e, &c.to_p), 0);
        sip_edit_free(&e);
        sip_msg_unref(m);
        WAIT_FOR(&c.w, c.b.acks == 1);
        c.a.strays = 0;
        world_pass(&c.w, 200);
        assert_int_equal(c.a.strays, 0); /* and is quiet now */
        chain_stop(&c);
}

static void refused_call(void **state)
{
        struct chain c;

        (void)state;
        chain_start(&c);
        c.b.answer = 486;
        call_start(&c.call, &c.a, "INVITE", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.done);
        assert_int_equal(c.call.status, 486);
        WAIT_FOR(&c.w, strstr(c.b.log, "<ACK") && strstr(c.p.log, "<ACK")); /* hop by hop */
        assert_int_equal(c.b.acks + c.p.acks, 0);
        chain_stop(&c);
}

static void canceled_call(void **state)
{
        struct chain c;

        (void)state;
        chain_start(&c);
        c.b.answer = 180;
        call_start(&c.call, &c.a, "INVITE", 0, &c.to_p);
        WAIT_FOR(&c.w, c.call.provisional == 2);
        sip_client_cancel(c.call.c);
        WAIT_FOR(&c.w, c.call.done);
        assert_int_equal(c.call.status, 487);
        assert_int_equal(c.p.cancels, 1);
        assert_int_equal(c.b.cancels, 1);
        chain_stop(&c);
}

/* Everything under way when the proxy ends. */
static void shutdown_while_forwarding(void **state)
{
        struct chain c;
        struct call other;

        (void)state;
        chain_start(&c);
        c.b.answer = 0;
        call_start(&c.call, &c.a, "REGISTER", 0, &c.to_p);
        WAIT_FOR(&c.w, c.b.held);
        c.b.answer = 180;
        call_start(&other, &c.a, "INVITE", 0, &c.to_p);
        WAIT_FOR(&c.w, other.provisional == 2);
        node_stop(&c.p);
        WAIT_FOR(&c.w, c.call.done && other.done);
        assert_int_equal(c.call.status, 503);
        assert_int_equal(other.status, 503);
        node_stop(&c.a);
        node_stop(&c.b);
        world_stop(&c.w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(request_and_answer),     cmocka_unit_test(hook_changes_the_answer),
                cmocka_unit_test(hook_tries_again),       cmocka_unit_test(hook_ends_a_ringing_call),
                cmocka_unit_test(silent_next_hop_is_504), cmocka_unit_test(unreachable_next_hop_is_503),
                cmocka_unit_test(max_forwards),           cmocka_unit_test(loop_is_found),
                cmocka_unit_test(call_with_ringing),      cmocka_unit_test(refused_call),
                cmocka_unit_test(canceled_call),          cmocka_unit_test(shutdown_while_forwarding),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
