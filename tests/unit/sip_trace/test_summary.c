/* SPDX-License-Identifier: BSD-3-Clause
 * What the event stream says about SIP messages, and what it must never hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/trace/sip_trace.h"

static struct buf read_file(const char *path)
{
        struct buf b = BUF_INIT;
        char block[4096];
        size_t n = 0;
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        while ((n = fread(block, 1, sizeof(block), f)) > 0)
                buf_put(&b, block, n);
        (void)fclose(f);
        return b;
}

static void expect_summary(struct span octets, const char *want)
{
        struct sip_msg *m = NULL;
        struct buf out = BUF_INIT;
        size_t used = 0;
        assert_int_equal(sip_msg_parse(octets, SIP_DATAGRAM, &m, &used), 0);
        sip_summary(m, &out);
        buf_char(&out, '\0');
        assert_string_equal(out.p, want);
        buf_free(&out);
        sip_msg_unref(m);
}

static void expect_file(const char *name, const char *want)
{
        char path[256];
        (void)snprintf(path, sizeof(path), TEST_DATA "/sip-flows/%s", name);
        struct buf b = read_file(path);
        expect_summary(buf_as_span(&b), want);
        buf_free(&b);
}

static void test_aka_flow(void **state)
{
        (void)state;
        expect_file("ims-aka-ipsec/01-ue-to-pcscf.sip",
                    "REGISTER 001010000000001, expires 600000, Security-Client");
        expect_file("ims-aka-ipsec/02-pcscf-to-icscf.sip",
                    "REGISTER 001010000000001, integrity-protected=no, expires 600000, Path");
        expect_file("ims-aka-ipsec/04-scscf-to-icscf.sip",
                    "401 Unauthorized: AKAv1-MD5 challenge RAND 7d3e9a10.., ik, ck");
        expect_file("ims-aka-ipsec/06-pcscf-to-ue.sip",
                    "401 Unauthorized: AKAv1-MD5 challenge RAND 7d3e9a10.., Security-Server");
        expect_file("ims-aka-ipsec/07-ue-to-pcscf.sip",
                    "REGISTER 001010000000001 response, expires 600000, Security-Client, Security-Verify");
        expect_file("ims-aka-ipsec/08-pcscf-to-icscf.sip",
                    "REGISTER 001010000000001 response, integrity-protected=yes, expires 600000, Path");
        expect_file("ims-aka-ipsec/12-pcscf-to-ue.sip",
                    "200 OK, expires 600000, 2 P-Associated-URI, Service-Route");
}

#define HEAD(method)                                                                                         \
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:alice@home>;tag=1\r\n" \
        "To: <sip:alice@home>\r\nCall-ID: 1\r\nCSeq: 1 " method "\r\n"
#define REGISTER(rest)     SPAN("REGISTER sip:home SIP/2.0\r\n" HEAD("REGISTER") rest "\r\n")
#define ANSWER(line, rest) SPAN("SIP/2.0 " line "\r\n" HEAD("REGISTER") rest "\r\n")

static void test_registers(void **state)
{
        (void)state;
        expect_summary(REGISTER("Contact: <sip:alice@192.0.2.1;expires=9>;expires=0\r\n"),
                       "REGISTER alice, de-registration");
        expect_summary(REGISTER("Contact: *\r\nExpires: 0\r\n"), "REGISTER alice, de-registration");
        expect_summary(
                REGISTER("Authorization: Digest username=\"a@b\",nonce=\"n\",response=\"\",auts=\"x\"\r\n"),
                "REGISTER a AUTS (resynchronise)");
        expect_summary(REGISTER("Authorization: Digest username=\"a@b\",nonce=\"n\",response=\"\"\r\n"),
                       "REGISTER a empty response (challenge refused)");
        expect_summary(REGISTER("Authorization: Digest username=\"\033[2J@b\",nonce=\"\",response=\"\"\r\n"),
                       "REGISTER \\x1b[2J");
}

static void test_answers(void **state)
{
        (void)state;
        expect_summary(ANSWER("423 Interval Too Brief", "Min-Expires: 60\r\n"),
                       "423 Interval Too Brief, Min-Expires 60");
        expect_summary(ANSWER("403 Forbidden", "Warning: 399 scscf \"wrong\"\r\n"),
                       "403 Forbidden, Warning 399 scscf \"wrong\"");
        expect_summary(ANSWER("401 Unauthorized", "WWW-Authenticate: Digest realm=\"h\",nonce=\"abc\"\r\n"),
                       "401 Unauthorized: MD5 challenge");
        expect_summary(SPAN("SIP/2.0 180 Ringing\r\n" HEAD("INVITE") "\r\n"), "180 Ringing (INVITE)");
        expect_summary(SPAN("SUBSCRIBE sip:alice@home SIP/2.0\r\n" HEAD("SUBSCRIBE") "Event: reg\r\n\r\n"),
                       "SUBSCRIBE sip:alice@home, Event reg");
}

/* Values that stand in the messages of the flows and must not stand in the stream. */
static const char *const secret_names[] = {"ik=\"",     "ck=\"",      "response=\"",
                                           "cnonce=\"", "rspauth=\"", "auts=\""};

static void assert_no_secret(const char *stream, struct span msg, const char *name)
{
        for (size_t i = 0; i < sizeof(secret_names) / sizeof(secret_names[0]); i++) {
                struct span rest = msg;
                ptrdiff_t at = 0;
                while ((at = span_find(rest, span_of(secret_names[i]))) >= 0) {
                        rest = span_sub(rest, (size_t)at + strlen(secret_names[i]), rest.n);
                        struct span value = span_sub(rest, 0, (size_t)span_chr(rest, '"', 0));
                        if (value.n >= 8 && span_find(span_of(stream), value) >= 0)
                                fail_msg("%s: the stream holds %s" SPAN_FMT, name, secret_names[i],
                                         SPAN_ARG(value));
                }
        }
}

/* Every message of every flow goes through; the stream has one event each, and none of the secrets. */
static unsigned trace_folder(struct trace *t, const char *folder, bool check, const char *stream)
{
        char path[512];
        unsigned n = 0;
        (void)snprintf(path, sizeof(path), TEST_DATA "/sip-flows/%s", folder);
        DIR *d = opendir(path);
        assert_non_null(d);
        for (const struct dirent *e; (e = readdir(d)) != NULL;) {
                struct sip_flow flow = {.transport = TRANSPORT_UDP};
                struct sip_msg *m = NULL;
                size_t used = 0;
                if (!strstr(e->d_name, ".sip"))
                        continue;
                (void)snprintf(path, sizeof(path), TEST_DATA "/sip-flows/%s/%s", folder, e->d_name);
                struct buf b = read_file(path);
                assert_int_equal(addr_parse(SPAN("192.0.2.1:5060"), 0, &flow.local), 0);
                assert_int_equal(addr_parse(SPAN("192.0.2.2:5060"), 0, &flow.remote), 0);
                assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &m, &used), 0);
                const struct sip_trace_info info = {.flow = &flow, .octets = buf_as_span(&b), .msg = m};
                if (check)
                        assert_no_secret(stream, buf_as_span(&b), e->d_name);
                else
                        sip_trace(&info, t);
                sip_msg_unref(m);
                buf_free(&b);
                n++;
        }
        (void)closedir(d);
        return n;
}

static void test_no_secrets(void **state)
{
        (void)state;
        static const char *const flows[] = {"ims-aka-ipsec",
                                            "sip-digest",
                                            "digest-tls-first",
                                            "webrtc-akav2",
                                            "digest-tls-sec-agree",
                                            "giba",
                                            "nba",
                                            "tna"};
        char file[] = "/tmp/q-test-sip-trace-XXXXXX";
        struct trace *t = NULL;
        unsigned n = 0, lines = 0;
        int fd = mkstemp(file);
        assert_true(fd >= 0);
        (void)close(fd);
        assert_int_equal(trace_new("pcscf", file, &t), 0);
        for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
                n += trace_folder(t, flows[i], false, NULL);
        trace_free(t);
        struct buf stream = read_file(file);
        buf_char(&stream, '\0');
        assert_true(n > 60);
        for (size_t i = 0; i < stream.n; i++)
                lines += stream.p[i] == '\n';
        assert_int_equal(lines, n);
        assert_non_null(strstr(stream.p, "7d3e9a10")); /* RAND is there: it goes over the air */
        for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
                (void)trace_folder(NULL, flows[i], true, stream.p);
        buf_free(&stream);
        (void)unlink(file);
}

/* What is no SIP message has an event all the same, without its octets. */
static void test_malformed(void **state)
{
        (void)state;
        char file[] = "/tmp/q-test-sip-trace-XXXXXX";
        struct trace *t = NULL;
        struct sip_flow flow = {.transport = TRANSPORT_TCP};
        int fd = mkstemp(file);
        (void)close(fd);
        assert_int_equal(addr_parse(SPAN("192.0.2.1:5060"), 0, &flow.local), 0);
        flow.remote = flow.local;
        assert_int_equal(trace_new("pcscf", file, &t), 0);
        const struct sip_trace_info info = {
                .flow = &flow, .octets = SPAN("ik=0123456789abcdef"), .note = "malformed: no SIP start line"};
        sip_trace(&info, t);
        trace_free(t);
        struct buf stream = read_file(file);
        buf_char(&stream, '\0');
        assert_non_null(strstr(stream.p, "19 octets that are no SIP message"));
        assert_non_null(strstr(stream.p, "malformed: no SIP start line"));
        assert_non_null(strstr(stream.p, "\"proto\":\"TCP\""));
        assert_null(strstr(stream.p, "0123456789abcdef"));
        buf_free(&stream);
        (void)unlink(file);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_aka_flow),  cmocka_unit_test(test_registers),
                cmocka_unit_test(test_answers),   cmocka_unit_test(test_no_secrets),
                cmocka_unit_test(test_malformed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
