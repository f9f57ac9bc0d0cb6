/* SPDX-License-Identifier: BSD-3-Clause
 * Via against source, alone: each outcome, once per request, whatever runs late or not at all. TS 33.203 7.1
 * rule 2, M.7.2. */
#include "tests/unit/fail_alloc.h"
#include "tests/unit/sip/duo.h"

#include "common/sip/grammar.h"
#include "pcscf/via_check.h"
#include "tests/unit/proves.h"

struct room {
        struct world w;
        struct node n;
        struct raw r;
        struct via_checks *checks;
        struct udp *dns;
        struct addr dns_from;
        char query[512], server[ADDR_STR];
        size_t n_query;
        unsigned asked, told, full, came;
        enum via_source source;
        bool no_memory;
};

static struct room *room; /* of the test; handlers of the node know the node alone */

static void on_checked(struct sip_request *rq, enum via_source source, void *arg)
{
        struct room *o = arg;

        alloc_armed = false;
        o->told++;
        o->source = source;
        sip_reply(rq, 200, NULL, NULL, 0);
}

static void on_request(struct sip_request *rq, void *arg)
{
        (void)arg;
        room->came++;
        if (room->no_memory) {
                alloc_fail_at(0);
        }
        if (!via_check(room->checks, rq)) {
                room->full++;
                sip_reply(rq, 503, NULL, NULL, 0);
        }
        alloc_armed = false;
}

/* Answers nothing by itself. */
static void on_query(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct room *o = arg;

        (void)u;
        o->asked++;
        o->dns_from = *from;
        o->n_query = data.n < sizeof(o->query) ? data.n : sizeof(o->query);
        memcpy(o->query, data.p, o->n_query);
}

static void deny(struct room *o)
{
        o->query[2] = (char)0x81;
        o->query[3] = (char)0x83;
        assert_int_equal(udp_send(o->dns, &o->dns_from, span_make(o->query, o->n_query)), 0);
}

static int setup(void **state)
{
        static char own[] = "own.example=127.0.0.1", other[] = "other.example=127.0.0.9";
        char *const hosts[] = {own, other};
        struct room *o = calloc(1, sizeof(*o));
        char *servers[1];
        struct addr any;
        size_t bad;

        assert_non_null(o);
        room = o;
        world_start(&o->w, NULL, 0);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(udp_open(o->w.loop, &any, on_query, o, &o->dns), 0);
        servers[0] = (char *)addr_str(udp_local(o->dns), o->server);
        resolver_free(o->w.resolver);
        assert_int_equal(resolver_new(o->w.loop, hosts, 2, servers, 1, &o->w.resolver, &bad), 0);
        node_start(&o->n, &o->w, NULL);
        sip_stack_free(o->n.s);
        o->n.h.on_request = on_request;
        assert_int_equal(sip_stack_new(o->w.loop, o->w.resolver, &(struct sip_stack_conf){.t1_ms = 20},
                                       &o->n.h, &o->n, &o->n.s),
                         0);
        assert_int_equal(sip_stack_listen(o->n.s, TRANSPORT_UDP, &any, &o->n.udp), 0);
        raw_start(&o->r, &o->w);
        assert_int_equal(via_checks_new(o->w.resolver, on_checked, o, &o->checks), 0);
        *state = o;
        return 0;
}

static int teardown(void **state)
{
        struct room *o = *state;

        via_checks_free(o->checks);
        node_stop(&o->n);
        raw_stop(&o->r);
        udp_close(o->dns);
        world_stop(&o->w);
        free(o);
        return 0;
}

static void say_from(struct room *o, struct udp *from, const char *via)
{
        static unsigned branch;
        char text[600];

        (void)snprintf(text, sizeof(text),
                       "OPTIONS sip:a.example SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%u\r\n"
                       "Max-Forwards: 70\r\nFrom: <sip:a@a.example>;tag=1\r\nTo: <sip:a@a.example>\r\n"
                       "Call-ID: %u\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
                       via, branch, branch);
        branch++;
        assert_int_equal(udp_send(from, &o->n.udp, span_of(text)), 0);
}

static void say(struct room *o, const char *via)
{
        say_from(o, o->r.u, via);
}

static void outcome(void **state)
{
        static const struct {
                const char *via;
                enum via_source source;
        } cases[] = {
                {"127.0.0.1", VIA_SAME},        {"127.0.0.1:9", VIA_SAME}, /* the port does not count */
                {"127.0.0.2", VIA_OTHER},       {"[2001:db8::1]:5060", VIA_OTHER}, {"own.example", VIA_SAME},
                {"OWN.example:5070", VIA_SAME}, {"other.example:5060", VIA_OTHER},
        };
        struct room *o = *state;

        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                say(o, cases[i].via);
                WAIT_FOR(&o->w, o->told == i + 1);
                if (o->source != cases[i].source)
                        fail_msg("%s: %d", cases[i].via, o->source);
        }
        assert_int_equal(o->asked, 0);
        proves("SA-042 SA-043 NAT-019 NAT-021");
}

static void nobody(void **state)
{
        struct room *o = *state;

        say(o, "nobody.example");
        for (unsigned seen = 0; !o->told; seen = o->asked) {
                WAIT_FOR(&o->w, o->told || o->asked > seen);
                if (!o->told)
                        deny(o);
        }
        assert_int_equal(o->source, VIA_UNKNOWN);
        WAIT_FOR(&o->w, o->r.n == 1);
        proves("SA-043");
}

/* Who waits is answered when the node ends. */
static void ends_meanwhile(void **state)
{
        struct room *o = *state;

        say(o, "slow.example");
        say(o, "slower.example");
        WAIT_FOR(&o->w, o->asked >= 2);
        via_checks_free(o->checks);
        o->checks = NULL;
        WAIT_FOR(&o->w, o->r.n == 2);
        assert_non_null(strstr(o->r.got[0], "SIP/2.0 503 "));
        assert_int_equal(o->told, 0);
}

/* A flood of names that nobody knows makes no flood of queries, and holds no more than its share. */
static void too_many(void **state)
{
        struct room *o = *state;
        char via[40];

        for (unsigned i = 0; i < VIA_LOOKUPS_PER_SOURCE + 8; i++) {
                (void)snprintf(via, sizeof(via), "n%u.example", i);
                say(o, via);
        }
        WAIT_FOR(&o->w, o->r.n == 8);
        assert_int_equal(o->full, 8);
        assert_non_null(strstr(o->r.got[0], "SIP/2.0 503 "));
        say(o, "127.0.0.1"); /* an address waits for nothing */
        WAIT_FOR(&o->w, o->told == 1);
        assert_int_equal(o->source, VIA_SAME);
        proves("PC-023");
}

/* Of many addresses, each within its own bound. */
static void too_many_in_all(void **state)
{
        enum { SOURCES = VIA_LOOKUPS_MAX / VIA_LOOKUPS_PER_SOURCE };
        struct room *o = *state;
        struct udp *from[SOURCES + 1];
        char text[40];

        for (unsigned i = 0; i <= SOURCES; i++) {
                struct addr a;

                (void)snprintf(text, sizeof(text), "127.0.1.%u:0", i + 1);
                assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
                assert_int_equal(udp_open(o->w.loop, &a, raw_on_data, &o->r, &from[i]), 0);
                for (unsigned k = 0; k < (i < SOURCES ? VIA_LOOKUPS_PER_SOURCE : 1); k++) {
                        (void)snprintf(text, sizeof(text), "n%u-%u.example", i, k);
                        say_from(o, from[i], text);
                }
                WAIT_FOR(&o->w,
                         o->came == (i < SOURCES ? (i + 1) * VIA_LOOKUPS_PER_SOURCE : VIA_LOOKUPS_MAX + 1));
                assert_int_equal(o->full, i == SOURCES);
        }
        for (unsigned i = 0; i <= SOURCES; i++)
                udp_close(from[i]);
        proves("PC-023");
}

static void no_memory(void **state)
{
        struct room *o = *state;

        if (!CAN_FAIL)
                skip();
        o->no_memory = true;
        say(o, "slow.example");
        WAIT_FOR(&o->w, o->told == 1);
        assert_int_equal(o->source, VIA_UNKNOWN);
        assert_int_equal(o->asked, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(outcome, setup, teardown),
                cmocka_unit_test_setup_teardown(nobody, setup, teardown),
                cmocka_unit_test_setup_teardown(ends_meanwhile, setup, teardown),
                cmocka_unit_test_setup_teardown(too_many, setup, teardown),
                cmocka_unit_test_setup_teardown(too_many_in_all, setup, teardown),
                cmocka_unit_test_setup_teardown(no_memory, setup, teardown),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
