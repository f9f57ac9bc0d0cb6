/* SPDX-License-Identifier: BSD-3-Clause
 * The event stream: what a node writes is what the ladder reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/trace/command.h"
#include "common/trace/ladder.h"
#include "common/trace/trace.h"

struct stream {
        char dir[64], file[96];
        struct trace *trace;
};

static void stream_open(struct stream *s)
{
        (void)snprintf(s->dir, sizeof(s->dir), "/tmp/q-test-trace-XXXXXX");
        assert_non_null(mkdtemp(s->dir));
        (void)snprintf(s->file, sizeof(s->file), "%s/events", s->dir);
        assert_int_equal(trace_new("pcscf", s->file, &s->trace), 0);
}

static void stream_close(struct stream *s)
{
        trace_free(s->trace);
        (void)unlink(s->file);
        (void)rmdir(s->dir);
}

/* The whole stream as text (free). */
static char *stream_text(const struct stream *s)
{
        struct buf b = BUF_INIT;
        char block[4096];
        size_t n = 0;
        FILE *f = fopen(s->file, "rb");
        assert_non_null(f);
        while ((n = fread(block, 1, sizeof(block), f)) > 0)
                buf_put(&b, block, n);
        (void)fclose(f);
        return buf_steal(&b);
}

/* The n-th event of the stream (free). */
static struct ladder_event *stream_event(const struct stream *s, unsigned n)
{
        char *text = stream_text(s);
        struct span rest = span_of(text), line;
        struct ladder_event *e = NULL;
        assert_non_null(text);
        for (unsigned i = 0; i <= n; i++)
                assert_true(span_split(&rest, '\n', &line));
        if (ladder_event_parse(line, &e) != 0)
                fail_msg("no event: " SPAN_FMT, SPAN_ARG(line));
        free(text);
        return e;
}

static const struct trace_message sample = {
        .outbound = true,
        .protocol = "UDP",
        .local = "192.0.2.1:5060",
        .remote = "192.0.2.2:5060",
        .octets = {"REGISTER secret-octets", 22},
        .call_id = {"call-1", 6},
        .summary = {"REGISTER alice", 14},
        .note = "retransmission",
};

static void test_message(void **state)
{
        (void)state;
        struct stream s;
        struct stat st;
        stream_open(&s);
        assert_true(trace_on(s.trace));
        trace_message(s.trace, &sample);
        struct ladder_event *e = stream_event(&s, 0);
        assert_int_equal(e->kind, LADDER_SIP);
        assert_true(e->outbound);
        assert_true(e->t_us > UINT64_C(1577836800000000)); /* microseconds since 1970 */
        assert_string_equal(ladder_text(e, LADDER_NODE), "pcscf");
        assert_string_equal(ladder_text(e, LADDER_LOCAL), "192.0.2.1:5060");
        assert_string_equal(ladder_text(e, LADDER_REMOTE), "192.0.2.2:5060");
        assert_string_equal(ladder_text(e, LADDER_PROTO), "UDP");
        assert_string_equal(ladder_text(e, LADDER_CALL_ID), "call-1");
        assert_string_equal(ladder_text(e, LADDER_SUM), "REGISTER alice");
        assert_string_equal(ladder_text(e, LADDER_NOTE), "retransmission");
        assert_string_equal(ladder_text(e, LADDER_SESSION_ID), "");
        assert_int_equal(strlen(ladder_text(e, LADDER_ID)), 16);
        free(e);
        char *text = stream_text(&s);
        assert_null(strstr(text, "secret-octets"));
        free(text);
        assert_int_equal(stat(s.file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        stream_close(&s);
}

/* Same octets, same id, in whatever process; other octets, another id. */
static void test_ids(void **state)
{
        (void)state;
        struct stream s;
        char octets[200];
        memset(octets, 'x', sizeof(octets));
        stream_open(&s);
        struct trace_message m = sample;
        for (unsigned i = 0; i < 200; i++) {
                octets[i] = 'y';
                m.octets = span_make(octets, sizeof(octets));
                trace_message(s.trace, &m);
                octets[i] = 'x';
        }
        m.octets = span_make(octets, 199);
        trace_message(s.trace, &m);
        octets[0] = 'y';
        m.outbound = false;
        m.octets = span_make(octets, sizeof(octets));
        trace_message(s.trace, &m);
        char ids[202][20];
        for (unsigned i = 0; i < 202; i++) {
                struct ladder_event *e = stream_event(&s, i);
                (void)snprintf(ids[i], sizeof(ids[i]), "%s", ladder_text(e, LADDER_ID));
                free(e);
        }
        assert_string_equal(ids[0], ids[201]);
        for (unsigned i = 0; i < 201; i++) {
                for (unsigned k = 0; k < i; k++)
                        assert_string_not_equal(ids[i], ids[k]);
        }
        assert_string_equal(ids[0], "928245a885ff128e"); /* no key of the process goes in */
        stream_close(&s);
}

static void test_escaping(void **state)
{
        (void)state;
        struct stream s;
        struct trace_message m = sample;
        char *text = NULL;
        stream_open(&s);
        m.call_id = SPAN("a\"b\\c\n\x01\xff}\x7f{\0,\"ev\":\"x");
        m.summary = SPAN("\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80");
        m.note = "\033]0;evil\a";
        trace_message(s.trace, &m);
        struct ladder_event *e = stream_event(&s, 0);
        /* the reader shows what would move a terminal as points */
        assert_string_equal(ladder_text(e, LADDER_CALL_ID), "a\"b\\c .\xc3\xbf}.{.,\"ev\":\"x");
        assert_string_equal(ladder_text(e, LADDER_SUM), "\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80");
        assert_string_equal(ladder_text(e, LADDER_NOTE), ".]0;evil.");
        free(e);
        text = stream_text(&s);
        assert_int_equal(strcspn(text, "\n"), strlen(text) - 1); /* one line */
        for (const char *p = text; *p; p++)
                assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
        free(text);
        stream_close(&s);
}

static void test_long_texts_cut(void **state)
{
        (void)state;
        struct stream s;
        char big[5000];
        memset(big, 0x02, sizeof(big));
        struct trace_message m = sample;
        m.summary = m.call_id = m.session_id = span_make(big, sizeof(big));
        stream_open(&s);
        trace_message(s.trace, &m);
        struct ladder_event *e = stream_event(&s, 0);
        assert_int_equal(strlen(ladder_text(e, LADDER_CALL_ID)), 256);
        assert_int_equal(strlen(ladder_text(e, LADDER_SUM)), 1024);
        free(e);
        stream_close(&s);
}

static void test_verdict_and_link(void **state)
{
        (void)state;
        struct stream s;
        char command[COMMAND_MAX + 1]; /* the longest one is whole in the stream */
        memset(command, '"', COMMAND_MAX);
        command[COMMAND_MAX] = 0;
        const struct verdict v = {.procedure = VERDICT_REGISTRATION,
                                  .outcome = VERDICT_REFUSED,
                                  .cause = CAUSE_res_mismatch,
                                  .status = 403,
                                  .clause = "TS 33.203 6.1.2.2",
                                  .evidence = "a \"quoted\" value",
                                  .command = command,
                                  .impi = SPAN("alice@home"),
                                  .impu = SPAN("sip:alice@home"),
                                  .call_id = SPAN("call-1")};
        stream_open(&s);
        log_init("pcscf", LOG_ERROR);
        const struct log_ctx ctx = {.call_id = SPAN("before")};
        (void)log_ctx_set(ctx);
        trace_verdict(s.trace, &v);
        log_set_level(LOG_DEBUG);
        trace_verdict(s.trace, &v);
        assert_true(span_eq(log_ctx_get().call_id, SPAN("before")));
        trace_link(s.trace, SPAN("icscf;1;2"), SPAN("call-1"));
        struct ladder_event *e = stream_event(&s, 1);
        assert_int_equal(e->kind, LADDER_VERDICT);
        assert_int_equal(e->status, 403);
        assert_string_equal(ladder_text(e, LADDER_PROCEDURE), "registration");
        assert_string_equal(ladder_text(e, LADDER_OUTCOME), "refused");
        assert_string_equal(ladder_text(e, LADDER_CAUSE), "res_mismatch");
        assert_string_equal(ladder_text(e, LADDER_CLAUSE), "TS 33.203 6.1.2.2");
        assert_string_equal(ladder_text(e, LADDER_TEXT), verdict_cause_text(CAUSE_res_mismatch));
        assert_string_equal(ladder_text(e, LADDER_HINT), verdict_cause_hint(CAUSE_res_mismatch));
        assert_string_equal(ladder_text(e, LADDER_EVIDENCE), "a \"quoted\" value");
        assert_string_equal(ladder_text(e, LADDER_IMPI), "alice@home");
        assert_string_equal(ladder_text(e, LADDER_COMMAND), command);
        free(e);
        e = stream_event(&s, 2);
        assert_int_equal(e->kind, LADDER_LINK);
        assert_string_equal(ladder_text(e, LADDER_SESSION_ID), "icscf;1;2");
        free(e);
        stream_close(&s);
}

/* Appends to what is there; nothing at all when off. */
static void test_off_and_append(void **state)
{
        (void)state;
        struct stream s;
        struct trace *off = NULL, *none = NULL;
        stream_open(&s);
        trace_message(s.trace, &sample);
        trace_free(s.trace);
        assert_int_equal(trace_new("icscf", s.file, &s.trace), 0);
        trace_message(s.trace, &sample);
        struct ladder_event *e = stream_event(&s, 1);
        assert_string_equal(ladder_text(e, LADDER_NODE), "icscf");
        free(e);
        assert_int_equal(trace_new("pcscf", "", &off), 0);
        assert_false(trace_on(off));
        trace_message(off, &sample);
        trace_link(off, SPAN("s"), SPAN("c"));
        trace_free(off);
        assert_int_equal(trace_new("pcscf", "/nonexistent/events", &none), -IMS_EIO);
        assert_null(none);
        assert_false(trace_on(NULL));
        stream_close(&s);
}

/* A full disk is no reason to fall over. */
static void test_write_fails(void **state)
{
        (void)state;
        struct trace *t = NULL;
        assert_int_equal(trace_new("pcscf", "/dev/full", &t), 0);
        trace_message(t, &sample);
        trace_message(t, &sample);
        trace_free(t);
}

static void no_event(const char *line)
{
        struct ladder_event *e = NULL;
        assert_int_equal(ladder_event_parse(span_of(line), &e), -IMS_EPARSE);
        assert_null(e);
}

static void test_reader_refuses(void **state)
{
        (void)state;
        struct ladder_event *e = NULL;
        no_event("");
        no_event("{}");
        no_event("{\"t\":1}");
        no_event("{\"t\":1,\"ev\":\"other\"}");
        no_event("{\"ev\":\"sip\"}");
        no_event("{\"t\":\"1\",\"ev\":\"sip\"}");
        no_event("{\"t\":1,\"ev\":\"sip\"");
        no_event("{\"t\":1,\"ev\":\"sip\"} x");
        no_event("{\"t\":1,\"ev\":\"si\\p\"}");
        no_event("{\"t\":1,\"ev\":\"sip\",\"sum\":\"\\u12\"}");
        no_event("[1]");
        no_event("2026-01-01 some log line");
        assert_int_equal(
                ladder_event_parse(SPAN(" {\"new\":{\"a\":[1,\"}\",{}]},\"t\": 7 ,\"x\":null,\"ev\":\"sip\","
                                        "\"sum\":\"\\u00e9\\u20ac\\/\",\"y\":[]}"),
                                   &e),
                0);
        assert_true(e->t_us == 7);
        assert_string_equal(ladder_text(e, LADDER_SUM), "\xc3\xa9\xe2\x82\xac/");
        free(e);
}

/* Whoever is refused without end fills no log; the stream, which somebody wants, has it all. */
static void test_many_refusals(void **state)
{
        (void)state;
        enum { MANY = 2000 };
        struct stream s;
        FILE *log = tmpfile();
        int keep = dup(STDERR_FILENO);
        size_t lines = 0, events = 0;
        stream_open(&s);
        log_init("pcscf", LOG_INFO);
        assert_true(log && keep >= 0 && dup2(fileno(log), STDERR_FILENO) >= 0);
        for (unsigned i = 0; i < MANY; i++)
                trace_verdict(s.trace, &(struct verdict){.procedure = VERDICT_REQUEST,
                                                         .outcome = VERDICT_REFUSED,
                                                         .cause = CAUSE_not_registered,
                                                         .status = 403});
        (void)!dup2(keep, STDERR_FILENO);
        (void)close(keep);
        rewind(log);
        for (int c = fgetc(log); c != EOF; c = fgetc(log))
                lines += c == '\n';
        (void)fclose(log);
        char *text = stream_text(&s);
        for (const char *p = text; p && *p; p++)
                events += *p == '\n';
        free(text);
        assert_in_range(lines, 1, MANY / 2);
        assert_int_equal(events, MANY);
        stream_close(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_message),          cmocka_unit_test(test_ids),
                cmocka_unit_test(test_escaping),         cmocka_unit_test(test_long_texts_cut),
                cmocka_unit_test(test_verdict_and_link), cmocka_unit_test(test_off_and_append),
                cmocka_unit_test(test_write_fails),      cmocka_unit_test(test_reader_refuses),
                cmocka_unit_test(test_many_refusals),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
