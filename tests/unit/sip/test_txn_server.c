/* SPDX-License-Identifier: BSD-3-Clause
 * Server transactions: repetitions, overload, CANCEL, faults. RFC 3261 17.2, 9.2, RFC 6026. */
#include "tests/unit/sip/duo.h"

/* --- server: other than INVITE --------------------------------------------------------------------- */

static void repeated_request_gets_the_same_octets(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        for (unsigned i = 1; i <= 3; i++) {
                raw_send(&d.r, &d.n.udp, raw_request(&d.r, "REGISTER", "z9hG4bKone", ""));
                WAIT_FOR(&d.w, d.r.n == i);
                assert_string_equal(d.r.got[0], d.r.got[i - 1]);
        }
        assert_int_equal(d.n.requests, 1);
        assert_int_equal(d.n.again_in, 2);
        assert_int_equal(d.n.again_out, 2);
        assert_int_equal(live_servers(&d.n), 1);
        WAIT_FOR(&d.w, live_servers(&d.n) == 0); /* J */
        duo_stop(&d);
}

static void repeated_request_while_nobody_answered(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        d.n.answer = 0;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bKone", ""));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bKone", ""));
        WAIT_FOR(&d.w, d.n.again_in == 1);
        assert_int_equal(d.r.n, 0);
        sip_reply(d.n.held, 182, "Queued", NULL, 0);
        WAIT_FOR(&d.w, d.r.n == 1);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bKone", ""));
        WAIT_FOR(&d.w, d.r.n == 2);
        assert_string_equal(d.r.got[0], d.r.got[1]);
        sip_reply(node_take(&d.n), 200, NULL, NULL, 0);
        WAIT_FOR(&d.w, d.r.n == 3);
        assert_int_equal(d.n.requests, 1);
        duo_stop(&d);
}

/* Method, sent-by and branch make a transaction. */
static void what_makes_a_new_transaction(void **state)
{
        struct duo d;
        char other[1024];

        (void)state;
        duo_start(&d, NULL);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bKone", "x"));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "MESSAGE", "z9hG4bKone", "x"));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "FOO", "z9hG4bKone", "x"));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "BAR", "z9hG4bKone", "x"));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bKtwo", "x"));
        (void)snprintf(other, sizeof(other), "%s", raw_request(&d.r, "OPTIONS", "z9hG4bKone", "x"));
        memcpy(strstr(other, "127.0.0.1:"), "127.0.0.7:", 10);
        raw_send(&d.r, &d.n.udp, other);
        WAIT_FOR(&d.w, d.n.requests == 6);
        WAIT_FOR(&d.w, d.r.n == 6);
        for (unsigned i = 0; i < 6; i++) /* the tag that came is the only one */
                assert_non_null(strstr(d.r.got[i], "\r\nTo: <sip:bob@example.net>;tag=x\r\n"));
        duo_stop(&d);
}

/* RFC 2543: no magic cookie, so Request-URI, tags, Call-ID, CSeq and Via decide. */
static void old_branches(void **state)
{
        struct duo d;
        char other[1024];

        (void)state;
        duo_start(&d, NULL);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "1", "x"));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "1", "x"));
        WAIT_FOR(&d.w, d.r.n == 2);
        assert_int_equal(d.n.requests, 1);
        (void)snprintf(other, sizeof(other), "%s", raw_request(&d.r, "OPTIONS", "1", "x"));
        memcpy(strstr(other, "CSeq: 1"), "CSeq: 2", 7);
        raw_send(&d.r, &d.n.udp, other);
        WAIT_FOR(&d.w, d.n.requests == 2);
        memcpy(strstr(other, "sip:bob"), "sip:rob", 7);
        raw_send(&d.r, &d.n.udp, other);
        WAIT_FOR(&d.w, d.n.requests == 3);
        /* an INVITE refused, its ACK and its CANCEL by the same rules */
        d.n.answer = 486;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "1", ""));
        WAIT_FOR(&d.w, d.r.n >= 5);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "ACK", "1", tag_of(&d.r, 4)));
        WAIT_FOR(&d.w, strstr(d.n.log, "<ACK"));
        assert_int_equal(d.n.acks, 0);
        duo_stop(&d);
}

static void merged_request(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        d.n.answer = 0;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "MESSAGE", "z9hG4bKleft", ""));
        WAIT_FOR(&d.w, d.n.held);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "MESSAGE", "z9hG4bKright", ""));
        WAIT_FOR(&d.w, d.r.n == 1);
        assert_non_null(strstr(d.r.got[0], "SIP/2.0 482 "));
        assert_int_equal(d.n.requests, 1);
        /* after a refusal the same request may come again */
        sip_reply(node_take(&d.n), 503, NULL, NULL, 0);
        d.n.answer = 200;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "MESSAGE", "z9hG4bKagain", ""));
        WAIT_FOR(&d.w, d.n.requests == 2);
        duo_stop(&d);
}

/* The neighbour's connection broke under its first attempt: the second is served, too. */
static void attempt_after_a_lost_connection(void **state)
{
        struct duo d;
        struct wire v;
        struct sip_stack_stats stats = {.conns = 1};
        char text[2048];

        (void)state;
        duo_start(&d, NULL);
        d.n.answer = 0;
        wire_open(&v, &d.w, &d.n.tcp);
        (void)snprintf(text, sizeof(text), "%s", raw_request(&d.r, "MESSAGE", "z9hG4bKleft", ""));
        wire_send(&v, span_of(text));
        WAIT_FOR(&d.w, d.n.held);
        (void)snprintf(text, sizeof(text), "%s", raw_request(&d.r, "MESSAGE", "z9hG4bKright", ""));
        wire_send(&v, span_of(text));
        WAIT_FOR(&d.w, wire_has(&v, "SIP/2.0 482 ")); /* while it lives */
        wire_close(&v, &d.w);
        while (stats.conns) {
                world_pass(&d.w, 2);
                sip_stack_stats(d.n.s, &stats);
        }
        d.n.answer = 200;
        (void)snprintf(text, sizeof(text), "%s", raw_request(&d.r, "MESSAGE", "z9hG4bKagain", ""));
        raw_send(&d.r, &d.n.udp, text);
        WAIT_FOR(&d.w, d.n.requests == 2);
        duo_stop(&d);
}

/* The same request on its way through us a second time is no merged request. */
static void spiral_is_served(void **state)
{
        struct duo d;
        char text[2048], via[128], name[ADDR_STR], *at;

        (void)state;
        duo_start(&d, NULL);
        d.n.answer = 0;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "MESSAGE", "z9hG4bKleft", ""));
        WAIT_FOR(&d.w, d.n.held);
        (void)snprintf(text, sizeof(text), "%s", raw_request(&d.r, "MESSAGE", "z9hG4bKright", ""));
        (void)snprintf(via, sizeof(via), "Via: SIP/2.0/UDP %s;branch=z9hG4bKours\r\n",
                       addr_str(&d.n.udp, name));
        at = strstr(text, "From:");
        memmove(at + strlen(via), at, strlen(at) + 1);
        memcpy(at, via, strlen(via));
        d.n.answer = 202;
        raw_send(&d.r, &d.n.udp, text);
        WAIT_FOR(&d.w, d.n.requests == 2);
        duo_stop(&d);
}

static void overload(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, &(struct sip_stack_conf){.max_transactions = 2, .t1_ms = 1000});
        /* answered ones give way to new ones ... */
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bK1", "x"));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bK2", "x"));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bK3", "x"));
        WAIT_FOR(&d.w, d.r.n == 3);
        assert_int_equal(d.n.requests, 3);
        assert_int_equal(live_servers(&d.n), 2);
        /* ... open ones do not */
        d.n.answer = 180;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bK4", "x"));
        WAIT_FOR(&d.w, d.n.ringing);
        d.n.answer = 0;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bK5", "x"));
        WAIT_FOR(&d.w, d.n.held);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bK6", ""));
        WAIT_FOR(&d.w, d.r.n == 5);
        assert_non_null(strstr(d.r.got[4], "SIP/2.0 503 "));
        assert_non_null(strstr(d.r.got[4], "\r\nRetry-After: "));
        assert_int_equal(d.n.requests, 5);
        /* the ACK for the 503 does not reach the node as one for a 2xx */
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "ACK", "z9hG4bK6", tag_of(&d.r, 4)));
        WAIT_FOR(&d.w, strstr(d.n.log, "<ACK"));
        assert_int_equal(d.n.acks, 0);
        duo_stop(&d);
}

/* INVITEs that were refused and get no ACK do not keep others out. */
static void overload_without_ack(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, &(struct sip_stack_conf){.max_transactions = 2, .t1_ms = 60000});
        d.n.answer = 403;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bK1", ""));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bK2", ""));
        WAIT_FOR(&d.w, d.r.n == 2);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bK3", "x"));
        WAIT_FOR(&d.w, d.r.n == 3);
        assert_non_null(strstr(d.r.got[2], "SIP/2.0 403 "));
        assert_int_equal(live_servers(&d.n), 2);
        /* the younger one still takes its ACK */
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "ACK", "z9hG4bK2", tag_of(&d.r, 1)));
        WAIT_FOR(&d.w, strstr(d.n.log, "<ACK"));
        assert_int_equal(d.n.acks, 0);
        duo_stop(&d);
}

/* Whoever leaves requests open (his own phone rings and rings) leaves room for others. */
static void open_requests_of_one_address(void **state)
{
        static const struct sip_stack_conf by_number = {.max_open_per_source = 1, .t1_ms = 60000},
                                           by_size = {.open_size_per_source = 100, .t1_ms = 60000};
        const struct sip_stack_conf *const confs[] = {&by_number, &by_size};

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct addr other;
                struct raw r = {0};
                struct duo d;

                duo_start(&d, confs[i]);
                d.n.answer = 180;
                raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bK1", "x"));
                WAIT_FOR(&d.w, d.n.ringing);
                d.n.answer = 403;
                raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bK2", "x"));
                WAIT_FOR(&d.w, d.r.n == 2);
                assert_non_null(strstr(d.r.got[1], "SIP/2.0 503 "));
                assert_int_equal(d.n.requests, 1);
                assert_int_equal(addr_parse(SPAN("127.0.0.3:0"), 0, &other), 0);
                assert_int_equal(udp_open(d.w.loop, &other, raw_on_data, &r, &r.u), 0);
                r.addr = *udp_local(r.u);
                raw_send(&r, &d.n.udp, raw_request(&r, "OPTIONS", "z9hG4bK3", "x"));
                WAIT_FOR(&d.w, r.n == 1);
                assert_non_null(strstr(r.got[0], "SIP/2.0 403 "));
                sip_reply(d.n.ringing, 486, NULL, NULL, 0); /* answered: it may ask again */
                d.n.ringing = NULL;
                raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", "z9hG4bK4", "x"));
                WAIT_FOR(&d.w, d.n.requests == 3);
                raw_stop(&r);
                duo_stop(&d);
        }
}

/* What waits for retransmissions is bounded by its size, not by its number alone. */
static void overload_by_size(void **state)
{
        char big[400] = "";
        struct duo d;

        (void)state;
        duo_start(&d, &(struct sip_stack_conf){.transactions_size = 5000, .t1_ms = 1000});
        memset(big, 'x', sizeof(big) - 1);
        for (size_t i = 1; i <= 8; i++) {
                char branch[32];

                (void)snprintf(branch, sizeof(branch), "z9hG4bK%zu", i);
                raw_send(&d.r, &d.n.udp, raw_request(&d.r, "OPTIONS", branch, big));
                WAIT_FOR(&d.w, d.r.n == i);
        }
        assert_int_equal(d.n.requests, 8);
        assert_in_range(live_servers(&d.n), 1, 4);
        duo_stop(&d);
}

/* --- server: INVITE ---------------------------------------------------------------------------------- */

static void silent_node_says_100(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        d.n.answer = 0;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.r.n == 1);
        assert_non_null(strstr(d.r.got[0], "SIP/2.0 100 Trying\r\n"));
        assert_non_null(strstr(d.r.got[0], "\r\nTo: <sip:bob@example.net>\r\n")); /* without a tag */
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.r.n == 2);
        assert_string_equal(d.r.got[0], d.r.got[1]);
        duo_stop(&d);
}

static void refusal_is_repeated_until_ack(void **state)
{
        struct duo d;
        unsigned n;

        (void)state;
        duo_start(&d, NULL);
        d.n.answer = 486;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.r.n == 4); /* G */
        assert_string_equal(d.r.got[0], d.r.got[3]);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "ACK", "z9hG4bKi", tag_of(&d.r, 0)));
        WAIT_FOR(&d.w, strstr(d.n.log, "<ACK"));
        n = d.r.n;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "ACK", "z9hG4bKi", tag_of(&d.r, 0)));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bKi", "")); /* late copy, absorbed */
        WAIT_FOR(&d.w, live_servers(&d.n) == 0);                               /* I */
        assert_true(d.r.n <= n + 1); /* one may have been under way */
        assert_int_equal(d.n.acks, 0);
        assert_int_equal(d.n.requests, 1);
        duo_stop(&d);
}

static void refusal_without_ack_ends_by_h(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, &(struct sip_stack_conf){.t1_ms = 10, .t2_ms = 40});
        log_init("test", LOG_ERROR);
        d.n.answer = 486;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.n.requests == 1);
        WAIT_FOR(&d.w, live_servers(&d.n) == 0);
        assert_true(d.r.n >= 4);
        duo_stop(&d);
}

static void success_is_repeated_until_ack(void **state)
{
        struct duo d;
        unsigned n;

        (void)state;
        duo_start(&d, NULL);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.r.n == 3); /* RFC 3261 13.3.1.4 */
        assert_string_equal(d.r.got[0], d.r.got[2]);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bKi", "")); /* absorbed, RFC 6026 */
        /* an ACK of another dialog does not count */
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "ACK", "z9hG4bKj", "other"));
        WAIT_FOR(&d.w, d.n.acks == 1);
        n = d.r.n;
        WAIT_FOR(&d.w, d.r.n > n);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "ACK", "z9hG4bKk", tag_of(&d.r, 0)));
        WAIT_FOR(&d.w, d.n.acks == 2);
        world_pass(&d.w, 5);
        n = d.r.n;
        world_pass(&d.w, 200); /* over twice T2 */
        assert_int_equal(d.r.n, n);
        assert_int_equal(d.n.requests, 1);
        WAIT_FOR(&d.w, live_servers(&d.n) == 0); /* L */
        duo_stop(&d);
}

/* --- CANCEL ------------------------------------------------------------------------------------------ */

static void cancel_of_a_pending_invite(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        d.n.answer = 180;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.r.n == 1);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "CANCEL", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.r.n >= 3);
        assert_int_equal(d.n.cancels, 1);
        assert_non_null(strstr(d.r.got[1], "SIP/2.0 200 OK\r\n"));
        assert_non_null(strstr(d.r.got[1], "CSeq: 1 CANCEL\r\n"));
        assert_non_null(strstr(d.r.got[1], tag_of(&d.r, 0))); /* RFC 3261 9.2: the same tag */
        assert_non_null(strstr(d.r.got[2], "SIP/2.0 487 "));
        assert_non_null(strstr(d.r.got[2], "CSeq: 1 INVITE\r\n"));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "ACK", "z9hG4bKi", tag_of(&d.r, 2)));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "CANCEL", "z9hG4bKi", "")); /* a copy */
        WAIT_FOR(&d.w, d.n.again_in == 1);
        assert_int_equal(d.n.cancels, 1);
        duo_stop(&d);
}

/* From another address, with the branch that everybody behind us knows; the right one still counts then. */
static void cancel_of_somebody_else(void **state)
{
        struct addr there;
        struct raw other;
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        raw_start(&other, &d.w);
        udp_close(other.u);
        assert_int_equal(addr_parse(SPAN("127.0.0.2:0"), 0, &there), 0);
        assert_int_equal(udp_open(d.w.loop, &there, raw_on_data, &other, &other.u), 0);
        d.n.answer = 180;
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.r.n == 1);
        raw_send(&other, &d.n.udp, raw_request(&d.r, "CANCEL", "z9hG4bKi", ""));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "CANCEL", "z9hG4bKnone", "")); /* comes behind it */
        WAIT_FOR(&d.w, d.r.n == 2);
        assert_int_equal(d.n.cancels, 0);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "CANCEL", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.n.cancels == 1);
        raw_stop(&other);
        duo_stop(&d);
}

static void cancel_too_late_or_of_nothing(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, &(struct sip_stack_conf){.t1_ms = 1000});
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "CANCEL", "z9hG4bKnone", ""));
        WAIT_FOR(&d.w, d.r.n == 1);
        assert_non_null(strstr(d.r.got[0], "SIP/2.0 481 "));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "INVITE", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.r.n == 2);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "CANCEL", "z9hG4bKi", ""));
        WAIT_FOR(&d.w, d.r.n == 3);
        assert_non_null(strstr(d.r.got[2], "SIP/2.0 200 "));
        assert_int_equal(d.n.cancels, 0);
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "MESSAGE", "z9hG4bKm", "x"));
        raw_send(&d.r, &d.n.udp, raw_request(&d.r, "CANCEL", "z9hG4bKm", "x"));
        WAIT_FOR(&d.w, d.r.n == 5);
        assert_non_null(strstr(d.r.got[4], "SIP/2.0 200 ")); /* exists, without effect */
        duo_stop(&d);
}

/* --- faults ------------------------------------------------------------------------------------------ */

static void faults_are_answered(void **state)
{
        static const struct {
                const char *start, *cseq;
                const char *status;
        } rows[] = {
                {"OPTIONS sip:b@example.net SIP/3.0", "1 OPTIONS", "SIP/2.0 505 "},
                {"OPTIONS sip:b@example.net SIP/2.0", "1 INVITE", "SIP/2.0 400 "},
                {"OPTIONS sip:b@example.net SIP/2.0", "x OPTIONS", "SIP/2.0 400 "},
                {"OPTIONS gopher:b SIP/2.0", "1 OPTIONS", "SIP/2.0 416 "},
                {"INVITE sip:b@exa mple.net SIP/2.0", "1 INVITE", "SIP/2.0 400 "},
                {"CANCEL sip:b@exa mple.net SIP/2.0", "1 CANCEL", "SIP/2.0 400 "},
        };
        struct duo d;
        char text[1024], name[ADDR_STR];
        unsigned n_rows = sizeof(rows) / sizeof(rows[0]);

        (void)state;
        duo_start(&d, &(struct sip_stack_conf){.t1_ms = 1000});
        for (unsigned i = 0; i < n_rows; i++) {
                (void)snprintf(text, sizeof(text),
                               "%s\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%u\r\nFrom: <sip:a@b>;tag=1\r\n"
                               "To: <sip:a@b>\r\nCall-ID: f%u\r\nCSeq: %s\r\n\r\n",
                               rows[i].start, addr_str(&d.r.addr, name), i, i, rows[i].cseq);
                raw_send(&d.r, &d.n.udp, text);
                WAIT_FOR(&d.w, d.r.n == i + 1);
                assert_int_equal(strncmp(d.r.got[i], rows[i].status, 12), 0);
        }
        assert_int_equal(d.n.requests, 0);
        /* never for ACK */
        (void)snprintf(text, sizeof(text),
                       "ACK sip:b@example.net SIP/3.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKa\r\n"
                       "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: f\r\nCSeq: 1 ACK\r\n\r\n",
                       addr_str(&d.r.addr, name));
        raw_send(&d.r, &d.n.udp, text);
        WAIT_FOR(&d.w, strstr(d.n.log, "<ACK"));
        assert_int_equal(d.n.acks, 0);
        assert_int_equal(d.r.n, n_rows);
        duo_stop(&d);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(repeated_request_gets_the_same_octets),
                cmocka_unit_test(repeated_request_while_nobody_answered),
                cmocka_unit_test(what_makes_a_new_transaction),
                cmocka_unit_test(old_branches),
                cmocka_unit_test(merged_request),
                cmocka_unit_test(attempt_after_a_lost_connection),
                cmocka_unit_test(spiral_is_served),
                cmocka_unit_test(overload),
                cmocka_unit_test(overload_without_ack),
                cmocka_unit_test(overload_by_size),
                cmocka_unit_test(open_requests_of_one_address),
                cmocka_unit_test(silent_node_says_100),
                cmocka_unit_test(refusal_is_repeated_until_ack),
                cmocka_unit_test(refusal_without_ack_ends_by_h),
                cmocka_unit_test(success_is_repeated_until_ack),
                cmocka_unit_test(cancel_of_a_pending_invite),
                cmocka_unit_test(cancel_of_somebody_else),
                cmocka_unit_test(cancel_too_late_or_of_nothing),
                cmocka_unit_test(faults_are_answered),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
