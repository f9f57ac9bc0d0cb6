/* SPDX-License-Identifier: BSD-3-Clause
 * Next hops as RFC 3263 finds them: literals, the static table, and a DNS server of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/net/resolver.h"
#include "tests/unit/net/fake_dns.h"

struct bench {
        struct loop *l;
        struct resolver *r;
        struct fake_dns dns;
        int calls, err;
        bool waiting;
        char text[1024]; /* "ADDRESS/TRANSPORT ..." */
        struct tmr guard;
        struct resolver_query *query;
};

static void on_guard(struct tmr *t, void *arg)
{
        (void)t;
        (void)arg;
        fail_msg("no outcome");
}

static void on_resolved(int err, const struct resolved *targets, size_t n, void *arg)
{
        struct bench *b = arg;
        char name[ADDR_STR];
        size_t at = 0;

        b->calls++;
        b->err = err;
        b->text[0] = '\0';
        for (size_t i = 0; i < n; i++)
                at += (size_t)snprintf(b->text + at, sizeof(b->text) - at, "%s%s/%s", i ? " " : "",
                                       addr_str(&targets[i].addr, name),
                                       transport_name(targets[i].transport));
        if (b->waiting)
                loop_stop(b->l);
}

static char *const hosts[] = {
        "pcscf.ims.example=192.0.2.1:5070/TCP",
        "PCSCF.ims.example = [2001:db8::1]",
        "tls.example=192.0.2.9/TLS",
        "any.example=192.0.2.5",
};

static void bench_open(struct bench *b, const struct fake_rr *rows)
{
        static const struct fake_rr none[] = {{0}};
        char server[ADDR_STR];
        char *servers[] = {server};
        size_t bad = 0;

        *b = (struct bench){.dns.rows = rows ? rows : none};
        assert_int_equal(loop_new(&b->l), 0);
        assert_int_equal(fake_dns_open(b->l, &b->dns), 0);
        (void)addr_str(udp_local(b->dns.socket), server);
        assert_int_equal(resolver_new(b->l, hosts, sizeof(hosts) / sizeof(hosts[0]), servers, 1, &b->r, &bad),
                         0);
}

static void bench_close(struct bench *b)
{
        udp_close(b->dns.socket);
        resolver_free(b->r);
        loop_free(b->l);
}

/* The outcome as text, or the name of the error. */
static const char *lookup(struct bench *b, const char *host, uint16_t port, enum transport want, bool sips)
{
        b->calls = 0;
        b->query = NULL;
        assert_int_equal(resolver_lookup(b->r, span_of(host), port, want, sips, on_resolved, b, &b->query),
                         0);
        if (!b->calls) {
                assert_non_null(b->query);
                assert_int_equal(tmr_start(b->l, &b->guard, 60000, on_guard, b), 0);
                b->waiting = true;
                loop_run(b->l);
                b->waiting = false;
                tmr_stop(b->l, &b->guard);
        } else {
                assert_null(b->query);
        }
        assert_int_equal(b->calls, 1);
        return b->err ? ims_errname(b->err) : b->text;
}

static void literals(void **state)
{
        struct bench b;

        (void)state;
        bench_open(&b, NULL);
        assert_string_equal(lookup(&b, "192.0.2.7", 0, TRANSPORT_ANY, false), "192.0.2.7:5060/");
        assert_string_equal(lookup(&b, "192.0.2.7", 5080, TRANSPORT_TCP, false), "192.0.2.7:5080/TCP");
        assert_string_equal(lookup(&b, "[2001:db8::7]", 0, TRANSPORT_UDP, false), "[2001:db8::7]:5060/UDP");
        assert_string_equal(lookup(&b, "2001:db8::7", 0, TRANSPORT_ANY, true), "[2001:db8::7]:5061/TLS");
        assert_int_equal(b.dns.asked, 0);
        bench_close(&b);
}

static void static_table(void **state)
{
        struct bench b;

        (void)state;
        bench_open(&b, NULL);
        assert_string_equal(lookup(&b, "pcscf.IMS.example", 0, TRANSPORT_ANY, false),
                            "192.0.2.1:5070/TCP [2001:db8::1]:5060/");
        assert_string_equal(lookup(&b, "pcscf.ims.example.", 0, TRANSPORT_UDP, false),
                            "[2001:db8::1]:5060/UDP");
        assert_string_equal(lookup(&b, "pcscf.ims.example", 6000, TRANSPORT_TCP, false),
                            "192.0.2.1:6000/TCP [2001:db8::1]:6000/TCP");
        assert_string_equal(lookup(&b, "tls.example", 0, TRANSPORT_ANY, true), "192.0.2.9:5061/TLS");
        assert_string_equal(lookup(&b, "tls.example", 0, TRANSPORT_UDP, false), "IMS_ENOTFOUND");
        assert_string_equal(lookup(&b, "pcscf.ims.example", 0, TRANSPORT_ANY, true), /* never in clear */
                            "[2001:db8::1]:5061/TLS");
        assert_int_equal(b.dns.asked, 0);
        bench_close(&b);
}

static void bad_lines(void **state)
{
        char *const lines[] = {"x",
                               "=192.0.2.1",
                               "a=b.example",
                               "a=192.0.2.1/SCTP",
                               "a=192.0.2.1:",
                               "a=192.0.2.1/",
                               "a=192.0.2.1:x/TCP"};
        char *good[] = {"a=192.0.2.1", NULL};
        char *server[] = {"192.0.2.1", "dns.example"};
        struct resolver *r = NULL;
        struct loop *l = NULL;
        size_t bad = 99;

        (void)state;
        assert_int_equal(loop_new(&l), 0);
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
                good[1] = lines[i];
                bad = 99;
                assert_int_equal(resolver_new(l, good, 2, NULL, 0, &r, &bad), -IMS_ECONF);
                assert_int_equal(bad, 1);
        }
        assert_int_equal(resolver_new(l, good, 1, server, 2, &r, &bad), -IMS_ECONF);
        assert_int_equal(bad, 2);
        assert_null(r);
        resolver_free(NULL);
        loop_free(l);
}

static const struct fake_rr zone[] = {
        {"ims.test", DNS_NAPTR, "_sip._tcp.ims.test", 50, 20, 0, "SIP+D2T", 100},
        {"ims.test", DNS_NAPTR, "_sip._udp.ims.test", 50, 10, 0, "SIP+D2U", 100},
        {"ims.test", DNS_NAPTR, "_sips._tcp.ims.test", 10, 10, 0, "SIPS+D2T", 100},
        {"ims.test", DNS_NAPTR, "_x._tcp.ims.test", 10, 10, 0, "E2U+sip", 100},
        {"_sip._udp.ims.test", DNS_SRV, "b.ims.test", 20, 1, 5066, NULL, 100},
        {"_sip._udp.ims.test", DNS_SRV, "a.ims.test", 10, 1, 5065, NULL, 100},
        {"_sip._tcp.ims.test", DNS_SRV, "a.ims.test", 10, 1, 5067, NULL, 100},
        {"_sips._tcp.ims.test", DNS_SRV, "a.ims.test", 10, 1, 5068, NULL, 100},
        {"a.ims.test", DNS_A, "192.0.2.11", 0, 0, 0, NULL, 100},
        {"b.ims.test", DNS_A, "192.0.2.12", 0, 0, 0, NULL, 100},
        {"b.ims.test", DNS_A, "192.0.2.13", 0, 0, 0, NULL, 100},
        {"_sip._tcp.srv.test", DNS_SRV, "a.ims.test", 1, 1, 7000, NULL, 100},
        {"plain.test", DNS_A, "192.0.2.14", 0, 0, 0, NULL, 100},
        {"six.test", DNS_AAAA, "2001:db8::15", 0, 0, 0, NULL, 100},
        {"none.test", DNS_NAPTR, "_sip._udp.none.test", 1, 1, 0, "SIP+D2U", 100},
        {"_sip._udp.none.test", DNS_SRV, "", 0, 0, 0, NULL, 100},
        {"none.test", DNS_A, "192.0.2.16", 0, 0, 0, NULL, 100},
        {0},
};

static void naptr_and_srv(void **state)
{
        struct bench b;

        (void)state;
        bench_open(&b, zone);
        assert_string_equal(
                lookup(&b, "IMS.test", 0, TRANSPORT_ANY, false),
                "192.0.2.11:5065/UDP 192.0.2.12:5066/UDP 192.0.2.13:5066/UDP 192.0.2.11:5067/TCP");
        assert_string_equal(lookup(&b, "ims.test", 0, TRANSPORT_ANY, true), "192.0.2.11:5068/TLS");
        assert_string_equal(lookup(&b, "ims.test", 0, TRANSPORT_TCP, false), "192.0.2.11:5067/TCP");
        assert_string_equal(lookup(&b, "srv.test", 0, TRANSPORT_ANY, false), "192.0.2.11:7000/TCP");
        assert_string_equal(lookup(&b, "plain.test", 0, TRANSPORT_ANY, false), "192.0.2.14:5060/");
        assert_string_equal(lookup(&b, "plain.test", 0, TRANSPORT_UDP, false), "192.0.2.14:5060/UDP");
        assert_string_equal(lookup(&b, "plain.test", 5099, TRANSPORT_ANY, false), "192.0.2.14:5099/");
        assert_string_equal(lookup(&b, "six.test", 0, TRANSPORT_ANY, false), "[2001:db8::15]:5060/");
        assert_string_equal(lookup(&b, "none.test", 0, TRANSPORT_ANY, false), "192.0.2.16:5060/");
        assert_string_equal(lookup(&b, "nobody.test", 0, TRANSPORT_ANY, false), "IMS_ENOTFOUND");
        bench_close(&b);
}

static void odd_names(void **state)
{
        struct bench b;
        char longest[300];

        (void)state;
        bench_open(&b, zone);
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        assert_string_equal(lookup(&b, longest, 0, TRANSPORT_ANY, false), "IMS_ENOTFOUND");
        longest[200] = '\0'; /* one label of 200: no such name can be */
        assert_string_equal(lookup(&b, longest, 0, TRANSPORT_ANY, false), "IMS_ENOTFOUND");
        assert_string_equal(lookup(&b, "", 0, TRANSPORT_ANY, false), "IMS_ENOTFOUND");
        assert_string_equal(lookup(&b, "..", 5060, TRANSPORT_ANY, false), "IMS_ENOTFOUND");
        bench_close(&b);
}

static void answers_are_kept(void **state)
{
        static const struct fake_rr rows[] = {{"kept.test", DNS_A, "192.0.2.1", 0, 0, 0, NULL, 100},
                                              {"fresh.test", DNS_A, "192.0.2.2", 0, 0, 0, NULL, 0},
                                              {"_sip._udp.srv.test", DNS_SRV, "kept.test", 1, 1, 7, NULL, 0},
                                              {0}};
        struct bench b;
        unsigned asked;

        (void)state;
        bench_open(&b, rows);
        assert_string_equal(lookup(&b, "kept.test", 5060, TRANSPORT_ANY, false), "192.0.2.1:5060/");
        asked = b.dns.asked;
        assert_string_equal(lookup(&b, "Kept.test", 5060, TRANSPORT_ANY, false), "192.0.2.1:5060/");
        assert_int_equal(b.dns.asked, asked);
        assert_string_equal(lookup(&b, "fresh.test", 5060, TRANSPORT_ANY, false), "192.0.2.2:5060/");
        asked = b.dns.asked;
        assert_string_equal(lookup(&b, "fresh.test", 5060, TRANSPORT_ANY, false), "192.0.2.2:5060/");
        assert_true(b.dns.asked > asked);
        for (int i = 0; i < 2; i++) { /* the shortest TTL on the way decides, also that of SRV */
                asked = b.dns.asked;
                assert_string_equal(lookup(&b, "srv.test", 0, TRANSPORT_UDP, false), "192.0.2.1:7/UDP");
                assert_true(b.dns.asked > asked);
        }
        bench_close(&b);
}

/* Weights 1 and 3 in one priority: both come first at times, the heavier one more often. */
static void weights(void **state)
{
        static const struct fake_rr rows[] = {{"_sip._udp.w.test", DNS_SRV, "a.w.test", 1, 1, 1, NULL, 100},
                                              {"_sip._udp.w.test", DNS_SRV, "b.w.test", 1, 3, 2, NULL, 100},
                                              {"_sip._udp.w.test", DNS_SRV, "c.w.test", 1, 0, 3, NULL, 100},
                                              {"a.w.test", DNS_A, "192.0.2.1", 0, 0, 0, NULL, 100},
                                              {"b.w.test", DNS_A, "192.0.2.2", 0, 0, 0, NULL, 100},
                                              {"c.w.test", DNS_A, "192.0.2.3", 0, 0, 0, NULL, 100},
                                              {0}};
        struct bench b;
        int a_first = 0, b_first = 0;

        (void)state;
        bench_open(&b, rows);
        for (int i = 0; i < 1000; i++) {
                const char *text = lookup(&b, "w.test", 0, TRANSPORT_UDP, false);

                a_first += text[8] == '1';
                b_first += text[8] == '2';
                assert_non_null(strstr(text, "192.0.2.3:3/UDP"));
        }
        assert_int_equal(a_first + b_first, 1000);
        assert_in_range(a_first, 150, 350);
        bench_close(&b);
}

struct many {
        int calls;
        struct loop *l;
};

static void on_one_of_many(int err, const struct resolved *targets, size_t n, void *arg)
{
        struct many *m = arg;

        (void)targets;
        assert_int_equal(err, 0);
        assert_int_equal(n, 1);
        if (++m->calls == 9)
                loop_stop(m->l);
}

/* Ten ask for one name: one look-up; a canceled one is not called. */
static void one_lookup_for_all(void **state)
{
        static const struct fake_rr rows[] = {{"kept.test", DNS_A, "192.0.2.1", 0, 0, 0, NULL, 100}, {0}};
        struct bench b;
        struct many m = {0};
        struct resolver_query *q[10];

        (void)state;
        bench_open(&b, rows);
        m.l = b.l;
        for (int i = 0; i < 10; i++)
                assert_int_equal(resolver_lookup(b.r, SPAN("kept.test"), 5060, TRANSPORT_ANY, false,
                                                 on_one_of_many, &m, &q[i]),
                                 0);
        resolver_cancel(q[4]);
        resolver_cancel(NULL);
        assert_int_equal(tmr_start(b.l, &b.guard, 60000, on_guard, &b), 0);
        loop_run(b.l);
        tmr_stop(b.l, &b.guard);
        assert_int_equal(m.calls, 9);
        assert_int_equal(b.dns.asked, 2); /* A and AAAA */
        bench_close(&b);
}

static void on_nested(int err, const struct resolved *targets, size_t n, void *arg)
{
        struct bench *b = arg;

        (void)targets;
        (void)n;
        assert_int_equal(err, 0);
        if (++b->calls == 1) /* asks the same again from the callback: answered from what is kept */
                assert_int_equal(resolver_lookup(b->r, SPAN("kept.test"), 5060, TRANSPORT_ANY, false,
                                                 on_nested, b, &b->query),
                                 0);
        loop_stop(b->l);
}

static void asked_in_the_callback(void **state)
{
        static const struct fake_rr rows[] = {{"kept.test", DNS_A, "192.0.2.1", 0, 0, 0, NULL, 0}, {0}};
        struct bench b;

        (void)state;
        bench_open(&b, rows);
        assert_int_equal(
                resolver_lookup(b.r, SPAN("kept.test"), 5060, TRANSPORT_ANY, false, on_nested, &b, &b.query),
                0);
        loop_run(b.l);
        assert_int_equal(b.calls, 2);
        assert_int_equal(b.dns.asked, 2);
        bench_close(&b);
}

static void dead_server(void **state)
{
        struct bench b;

        (void)state;
        bench_open(&b, zone);
        b.dns.silent = true;
        assert_string_equal(lookup(&b, "ims.test", 0, TRANSPORT_ANY, false), "IMS_ETIMEOUT");
        b.dns.silent = false; /* works again */
        assert_string_equal(lookup(&b, "plain.test", 5060, TRANSPORT_ANY, false), "192.0.2.14:5060/");
        b.dns.rcode = 2;
        assert_string_equal(lookup(&b, "a.ims.test", 5060, TRANSPORT_ANY, false), "IMS_EUNREACH");
        bench_close(&b);
}

/* A server that does not know NAPTR: SRV and addresses are still asked for. */
static void server_without_naptr(void **state)
{
        struct bench b;

        (void)state;
        bench_open(&b, zone);
        b.dns.refused_type = DNS_NAPTR;
        assert_string_equal(lookup(&b, "srv.test", 0, TRANSPORT_ANY, false), "192.0.2.11:7000/TCP");
        bench_close(&b);
}

static void not_called(int err, const struct resolved *targets, size_t n, void *arg)
{
        (void)err;
        (void)targets;
        (void)n;
        (void)arg;
        fail_msg("called after the resolver was freed");
}

static void freed_under_way(void **state)
{
        struct bench b;

        (void)state;
        bench_open(&b, zone);
        assert_int_equal(
                resolver_lookup(b.r, SPAN("ims.test"), 0, TRANSPORT_ANY, false, not_called, NULL, &b.query),
                0);
        bench_close(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(literals),
                cmocka_unit_test(static_table),
                cmocka_unit_test(bad_lines),
                cmocka_unit_test(naptr_and_srv),
                cmocka_unit_test(odd_names),
                cmocka_unit_test(answers_are_kept),
                cmocka_unit_test(weights),
                cmocka_unit_test(one_lookup_for_all),
                cmocka_unit_test(asked_in_the_callback),
                cmocka_unit_test(dead_server),
                cmocka_unit_test(server_without_naptr),
                cmocka_unit_test(freed_under_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
