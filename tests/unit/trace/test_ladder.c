/* SPDX-License-Identifier: BSD-3-Clause
 * The ladder, drawn from hand-made event files in data/NAME/NODE.jsonl and compared with data/NAME.txt.
 * With the environment variable UPDATE_GOLDEN set the .txt files are written instead: look at the result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/trace/ladder.h"

#define DATA TEST_DATA "/../unit/trace/data/"

static char *read_text(const char *path)
{
        struct buf b = BUF_INIT;
        char block[4096];
        size_t n = 0;
        FILE *f = fopen(path, "rb");
        if (!f)
                return NULL;
        while ((n = fread(block, 1, sizeof(block), f)) > 0)
                buf_put(&b, block, n);
        (void)fclose(f);
        return buf_steal(&b);
}

/* Feeds the streams of all nodes, in an order that is not that of time. */
static struct ladder *load(const char *name)
{
        static const char *const nodes[] = {"hss", "scscf", "ue", "icscf", "pcscf"};
        struct ladder *l = NULL;
        unsigned found = 0;
        assert_int_equal(ladder_new(&l), 0);
        for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
                char path[256];
                struct span rest, line;
                (void)snprintf(path, sizeof(path), DATA "%s/%s.jsonl", name, nodes[i]);
                char *text = read_text(path);
                rest = span_of(text);
                while (text && span_split(&rest, '\n', &line))
                        assert_int_equal(ladder_feed(l, line), 0);
                found += text != NULL;
                free(text);
        }
        assert_true(found >= 3);
        assert_int_equal(ladder_foreign(l), 0);
        return l;
}

static void compare(const char *name, struct buf *out)
{
        char path[256];
        (void)snprintf(path, sizeof(path), DATA "%s.txt", name);
        if (getenv("UPDATE_GOLDEN")) {
                FILE *f = fopen(path, "wb");
                assert_non_null(f);
                assert_int_equal(fwrite(out->p, 1, out->n, f), out->n);
                (void)fclose(f);
        }
        char *want = read_text(path);
        assert_non_null(want);
        buf_char(out, '\0');
        assert_string_equal(out->p, want);
        free(want);
}

static void golden(const char *name, const struct ladder_style *style, const char *file)
{
        struct ladder *l = load(name);
        struct buf out = BUF_INIT;
        assert_int_equal(ladder_draw(l, ladder_last(l), style, &out), 0);
        compare(file, &out);
        buf_free(&out);
        ladder_free(l);
}

static const struct ladder_style plain = {.width = 110};

static void test_aka(void **state)
{
        (void)state;
        golden("aka", &plain, "aka");
}

/* A UE with a stream of its own, a refusal with clause and hint. */
static void test_refused(void **state)
{
        (void)state;
        golden("refused", &plain, "refused");
}

/* Retransmissions, messages that never arrived, several verdicts. */
static void test_lost(void **state)
{
        (void)state;
        golden("lost", &plain, "lost");
        golden("lost", &(struct ladder_style){.width = 80, .color = true, .utf8 = true}, "lost-color");
}

static void test_json(void **state)
{
        (void)state;
        struct ladder *l = load("refused");
        struct buf out = BUF_INIT;
        assert_int_equal(ladder_json(l, ladder_last(l), &out), 0);
        compare("refused-json", &out);
        buf_free(&out);
        ladder_free(l);
}

static void feed(struct ladder *l, const char *line)
{
        assert_int_equal(ladder_feed(l, span_of(line)), 0);
}

static void test_selection(void **state)
{
        (void)state;
        struct ladder *l = NULL;
        assert_int_equal(ladder_new(&l), 0);
        assert_null(ladder_last(l));
        feed(l, "{\"t\":10,\"node\":\"pcscf\",\"ev\":\"sip\",\"dir\":\"in\",\"call_id\":\"a\",\"sum\":"
                "\"REGISTER alice, expires 1\",\"id\":\"1\"}");
        feed(l, "{\"t\":30,\"node\":\"pcscf\",\"ev\":\"sip\",\"dir\":\"in\",\"call_id\":\"b\",\"sum\":"
                "\"REGISTER bob response\",\"id\":\"2\"}");
        feed(l, "{\"t\":20,\"node\":\"pcscf\",\"ev\":\"sip\",\"dir\":\"in\",\"call_id\":\"c\",\"sum\":"
                "\"REGISTER alice\",\"id\":\"3\"}");
        feed(l, "{\"t\":90,\"node\":\"pcscf\",\"ev\":\"sip\",\"dir\":\"in\",\"call_id\":\"d\",\"sum\":"
                "\"OPTIONS sip:x\",\"id\":\"4\"}");
        feed(l, "{\"t\":31,\"node\":\"scscf\",\"ev\":\"verdict\",\"call_id\":\"b\",\"impi\":\"bob@home\","
                "\"outcome\":\"ok\"}");
        feed(l, "no event");
        assert_int_equal(ladder_foreign(l), 1);
        assert_int_equal(ladder_call_count(l), 4);
        assert_string_equal(ladder_last(l)->call_id, "b");
        assert_string_equal(ladder_by_call_id(l, SPAN("c"))->call_id, "c");
        assert_null(ladder_by_call_id(l, SPAN("x")));
        assert_string_equal(ladder_by_impi(l, SPAN("alice"))->call_id, "c");
        assert_string_equal(ladder_by_impi(l, SPAN("alice@home"))->call_id, "c");
        assert_string_equal(ladder_by_impi(l, SPAN("bob@home"))->call_id, "b");
        assert_string_equal(ladder_by_impi(l, SPAN("bob"))->call_id, "b");
        assert_null(ladder_by_impi(l, SPAN("bo")));
        ladder_free(l);
}

#define SIP(t, node, dir, id, sum)                                                                           \
        "{\"t\":" t ",\"node\":\"" node "\",\"ev\":\"sip\",\"dir\":\"" dir                                   \
        "\",\"call_id\":\"c\",\"proto\":\"UDP\",\"local\":\"" node                                           \
        ":1\",\"remote\":\"other:1\",\"id\":\"" id "\",\"sum\":\"" sum "\"}"

/* First transmission lost, the second arrives: both have the same octets. */
static void test_pairs_of_equal_octets(void **state)
{
        (void)state;
        struct ladder *l = NULL;
        struct ladder_steps s;
        assert_int_equal(ladder_new(&l), 0);
        feed(l,
             "{\"t\":1,\"node\":\"icscf\",\"ev\":\"sip\",\"dir\":\"out\",\"call_id\":\"c\",\"local\":\"i:1\","
             "\"remote\":\"s:1\",\"id\":\"7\",\"sum\":\"REGISTER x\"}");
        feed(l, "{\"t\":500001,\"node\":\"icscf\",\"ev\":\"sip\",\"dir\":\"out\",\"call_id\":\"c\",\"local\":"
                "\"i:1\","
                "\"remote\":\"s:1\",\"id\":\"7\",\"sum\":\"REGISTER x\",\"note\":\"retransmission\"}");
        feed(l, "{\"t\":500100,\"node\":\"scscf\",\"ev\":\"sip\",\"dir\":\"in\",\"call_id\":\"c\",\"local\":"
                "\"s:1\","
                "\"remote\":\"i:1\",\"id\":\"7\",\"sum\":\"REGISTER x\"}");
        assert_int_equal(ladder_steps_make(l, ladder_last(l), &s), 0);
        assert_int_equal(s.n, 2);
        assert_true(s.v[0].lost);
        assert_false(s.v[1].lost);
        assert_int_equal(s.n_parties, 2);
        assert_string_equal(s.parties[0].name, "I-CSCF");
        assert_string_equal(s.parties[1].name, "S-CSCF");
        ladder_steps_clear(&s);
        ladder_free(l);
}

/* The sender's event may be written after those of the answer. */
static void test_late_sender(void **state)
{
        (void)state;
        struct ladder *l = NULL;
        struct ladder_steps s;
        assert_int_equal(ladder_new(&l), 0);
        feed(l, SIP("100", "pcscf", "in", "1", "REGISTER x"));
        feed(l, SIP("200", "pcscf", "out", "2", "401 Unauthorized"));
        feed(l, SIP("300", "ue", "out", "1", "REGISTER x"));
        feed(l, SIP("310", "ue", "in", "2", "401 Unauthorized"));
        assert_int_equal(ladder_steps_make(l, ladder_last(l), &s), 0);
        assert_int_equal(s.n, 2);
        assert_string_equal(ladder_text(s.v[0].event, LADDER_SUM), "REGISTER x");
        assert_true(s.v[0].t_us == 100 && s.v[1].t_us == 200);
        assert_int_equal(s.v[0].from, 0);
        assert_false(s.v[0].lost || s.v[1].lost);
        ladder_steps_clear(&s);
        ladder_free(l);
}

/* A Diameter relay between S-CSCF and HSS has no stream; a link may come after its messages. */
static void test_relay_and_late_link(void **state)
{
        (void)state;
        struct ladder *l = NULL;
        struct ladder_steps s;
        assert_int_equal(ladder_new(&l), 0);
        feed(l, SIP("1", "scscf", "in", "1", "REGISTER x"));
        feed(l, "{\"t\":2,\"node\":\"scscf\",\"ev\":\"cx\",\"dir\":\"out\",\"local\":\"scscf.home\","
                "\"remote\":\"dra.home\","
                "\"session_id\":\"s;1\",\"sum\":\"MAR x\",\"id\":\"a\"}");
        feed(l, "{\"t\":3,\"node\":\"hss\",\"ev\":\"cx\",\"dir\":\"in\",\"remote\":\"dra.home\",\"session_"
                "id\":\"s;1\","
                "\"sum\":\"MAR x\",\"id\":\"b\"}");
        assert_int_equal(ladder_call_at(l, 0)->n, 1);
        feed(l, "{\"t\":4,\"node\":\"scscf\",\"ev\":\"link\",\"session_id\":\"s;1\",\"call_id\":\"c\"}");
        assert_int_equal(ladder_steps_make(l, ladder_last(l), &s), 0);
        assert_int_equal(s.n, 3);
        assert_string_equal(s.parties[s.v[1].to].name, "dra");
        assert_false(s.v[1].lost);
        assert_string_equal(s.parties[s.v[2].from].name, "dra");
        assert_string_equal(s.parties[s.v[2].to].name, "HSS");
        ladder_steps_clear(&s);
        ladder_free(l);
}

/* One UE has a stream, the other has none: what is sent to that one is not called lost. */
static void test_ue_without_stream(void **state)
{
        (void)state;
        struct ladder *l = NULL;
        struct ladder_steps s;
        assert_int_equal(ladder_new(&l), 0);
        feed(l, "{\"t\":1,\"node\":\"ue\",\"ev\":\"sip\",\"dir\":\"out\",\"call_id\":\"other\",\"local\":"
                "\"ue:1\","
                "\"id\":\"9\",\"sum\":\"REGISTER y\"}");
        feed(l, SIP("2", "pcscf", "in", "1", "REGISTER x"));
        feed(l, SIP("3", "pcscf", "out", "2", "200 OK"));
        assert_int_equal(ladder_steps_make(l, ladder_by_call_id(l, SPAN("c")), &s), 0);
        assert_int_equal(s.n, 2);
        assert_string_equal(s.parties[s.v[1].to].name, "UE");
        assert_false(s.v[1].lost);
        ladder_steps_clear(&s);
        /* this one has a stream and tells of the call */
        feed(l,
             "{\"t\":1,\"node\":\"ue\",\"ev\":\"sip\",\"dir\":\"out\",\"call_id\":\"c\",\"local\":\"ue:1\","
             "\"id\":\"1\",\"sum\":\"REGISTER x\"}");
        assert_int_equal(ladder_steps_make(l, ladder_by_call_id(l, SPAN("c")), &s), 0);
        assert_int_equal(s.n, 2);
        assert_true(s.v[1].lost);
        ladder_steps_clear(&s);
        ladder_free(l);
}

/* The verdict of the last attempt counts, also when that of an earlier one came from deeper inside. */
static void test_last_attempt_decides(void **state)
{
        (void)state;
        struct ladder *l = NULL;
        struct ladder_steps s;
        assert_int_equal(ladder_new(&l), 0);
        feed(l, SIP("1", "pcscf", "in", "1", "REGISTER x"));
        feed(l, "{\"t\":2,\"node\":\"scscf\",\"ev\":\"verdict\",\"call_id\":\"c\",\"cause\":\"registered\"}");
        feed(l, SIP("3", "pcscf", "in", "3", "REGISTER x"));
        feed(l, "{\"t\":4,\"node\":\"icscf\",\"ev\":\"verdict\",\"call_id\":\"c\",\"cause\":\"scscf_"
                "unreachable\"}");
        feed(l, "{\"t\":5,\"node\":\"pcscf\",\"ev\":\"verdict\",\"call_id\":\"c\",\"cause\":\"next_hop_"
                "unreachable\"}");
        assert_int_equal(ladder_steps_make(l, ladder_last(l), &s), 0);
        assert_string_equal(ladder_text(s.deciding->event, LADDER_CAUSE), "scscf_unreachable");
        ladder_steps_clear(&s);
        ladder_free(l);
}

/* More strangers than columns, a summary longer than any line, no width: nothing is written past. */
static void test_extremes(void **state)
{
        (void)state;
        struct ladder *l = NULL;
        struct buf out = BUF_INIT;
        assert_int_equal(ladder_new(&l), 0);
        for (unsigned i = 0; i < 40; i++) {
                char line[2500], word[1500];
                memset(word, 'w', sizeof(word) - 1);
                word[sizeof(word) - 1] = 0;
                (void)snprintf(
                        line, sizeof(line),
                        "{\"t\":%u,\"node\":\"scscf\",\"ev\":\"sip\",\"dir\":\"out\",\"call_id\":\"c\","
                        "\"remote\":\"[2001:db8::%u]:5060-and-a-name-that-is-far-too-long-for-a-column\","
                        "\"id\":\"%u\",\"sum\":\"INVITE %s \"}",
                        i, i, i, word);
                feed(l, line);
        }
        for (unsigned width = 0; width <= 200; width += 20) {
                const struct ladder_style style = {.width = width, .utf8 = true, .color = true};
                buf_reset(&out);
                assert_int_equal(ladder_draw(l, ladder_last(l), &style, &out), 0);
                assert_true(out.n > 40 * 1500);
        }
        buf_free(&out);
        ladder_free(l);
        ladder_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_aka),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_lost),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_selection),
                cmocka_unit_test(test_pairs_of_equal_octets),
                cmocka_unit_test(test_late_sender),
                cmocka_unit_test(test_relay_and_late_link),
                cmocka_unit_test(test_ue_without_stream),
                cmocka_unit_test(test_last_attempt_decides),
                cmocka_unit_test(test_extremes),
        };
        (void)setenv("TZ", "UTC", 1);
        tzset();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
