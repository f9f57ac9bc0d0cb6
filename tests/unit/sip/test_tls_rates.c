/* SPDX-License-Identifier: BSD-3-Clause
 * SIP over TLS at listeners with rates of handshakes: what is refused before anything was computed, and who
 * goes first. PKT-TR-SEC 5.3.2.1.4. */
#include "tests/unit/sip/tls_bare.h"

#include "common/net/tls_gate.h"

static uint64_t now_ms;

static uint64_t fake_clock(const struct loop *l)
{
        (void)l;
        return now_ms;
}

static void start(struct tls_pair *p, uint32_t per_source, uint32_t all, int max_version)
{
        const struct sip_stack_conf conf = {.handshakes = all, .handshakes_per_source = per_source};

        now_ms += 3600000;
        tls_gate_clock_ms = fake_clock;
        tls_pair_start(p, &conf, &(struct tls_conf){.max_version = max_version}, NULL);
        log_set_level(LOG_ERROR);
}

static uint32_t conns(struct node *n)
{
        struct sip_stack_stats stats;

        sip_stack_stats(n->s, &stats);
        return stats.conns;
}

/* A handshake of somebody who resumes nothing, and leaves. True when it was done. */
static bool stranger(struct tls_pair *p)
{
        struct tls_conf conf = {.ca = p->files.ca};
        struct tls_context *ctx = NULL;
        struct buf err = BUF_INIT;
        struct bare b;
        bool done;

        assert_int_equal(tls_context_new(&conf, TLS_CLIENT, &ctx, &err), 0);
        bare_dial(&b, p, false);
        assert_int_equal(tls_start(b.c, ctx, TLS_NAME, NULL), 0);
        WAIT_FOR(&p->w, b.connects || b.closes);
        done = b.connects;
        if (b.c)
                tcp_close(b.c, true);
        WAIT_FOR(&p->w, b.closes && conns(&p->b) == 0);
        tls_context_free(ctx);
        return done;
}

static void refused(void **state)
{
        struct tls_pair p;
        unsigned done = 0;

        (void)state;
        start(&p, 3, 0, 0);
        for (int i = 0; i < 12; i++)
                done += stranger(&p);
        assert_int_equal(done, 3);
        assert_int_equal(faults(&p.b, SIP_FAULT_HANDSHAKE_RATE), 9);
        assert_int_equal(faults(&p.b, SIP_FAULT_TLS), 0); /* it is no fault of theirs */
        assert_int_equal(p.b.received, 0);                /* nor is it traced one by one */
        assert_int_equal(p.bt.ends, 3 + 3);               /* six were closed before the stack heard of them */
        now_ms += 1000;
        assert_true(stranger(&p));
        tls_pair_stop(&p);
}

/* A session that was vouched for is resumed where strangers are refused; the session alone does not suffice.
 */
static void resumed(void **state)
{
        (void)state;
        for (int version = 0; version < 2; version++) {
                struct tls_pair p;

                start(&p, 0, 3, version);
                for (int vouched = 0; vouched < 2; vouched++) {
                        now_ms += 7200000;
                        tls_context_forget_all(p.client);
                        tls_pair_call(&p);
                        if (vouched)
                                sip_flow_vouch(p.b.s, &p.bt.flow);
                        sip_flow_close(p.a.s, &p.at.flow, false);
                        WAIT_FOR(&p.w, !sip_flow_alive(p.b.s, &p.bt.flow));
                        now_ms += 3600000; /* the address is not known any more */
                        for (int i = 0; i < 3; i++)
                                assert_true(stranger(&p));
                        assert_false(stranger(&p));
                        if (vouched) {
                                tls_pair_call(&p);
                                assert_true(p.bt.info.resumed);
                        } else {
                                call_start(&p.call, &p.a, "OPTIONS", 0, &p.t);
                                WAIT_FOR(&p.w, p.call.done);
                                assert_int_not_equal(p.call.err, 0);
                        }
                }
                tls_pair_stop(&p);
        }
}

/* Neighbours are few, and carry the traffic of many. */
static void core(void **state)
{
        struct tls_pair p;

        (void)state;
        start(&p, 1, 1, 0);
        p.b.peers_are_core = true;
        for (int i = 0; i < 10; i++)
                assert_true(stranger(&p));
        assert_int_equal(faults(&p.b, SIP_FAULT_HANDSHAKE_RATE), 0);
        tls_pair_stop(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(refused),
                cmocka_unit_test(resumed),
                cmocka_unit_test(core),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
