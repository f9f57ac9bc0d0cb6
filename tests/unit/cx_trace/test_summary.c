/* SPDX-License-Identifier: BSD-3-Clause
 * What the event stream says about Cx messages, and what it must never hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/secret.h"
#include "common/diameter/msg.h"
#include "common/trace/cx_trace.h"

#define IMPU "sip:alice@ims.mnc001.mcc001.3gppnetwork.org"

static const struct {
        const char *file, *summary;
} examples[] = {
        {"uar", "UAR 001010000000001, REGISTRATION, visited ims.mnc001.mcc001.3gppnetwork.org"},
        {"uar-dereg", "UAR 001010000000001, DE_REGISTRATION, visited ims.mnc001.mcc001.3gppnetwork.org"},
        {"uaa-error", "UAA ERROR_USER_UNKNOWN (3GPP 5001)"},
        {"mar-aka", "MAR 001010000000001, Digest-AKAv1-MD5, 1 vector"},
        {"mar-aka-resync", "MAR 001010000000001, Digest-AKAv1-MD5, 1 vector, RAND and AUTS (resynchronise)"},
        {"maa-aka", "MAA SUCCESS (2001): RAND 7d3e9a10.., AUTN, XRES, CK, IK"},
        {"sar-registration", "SAR 001010000000001, REGISTRATION, " IMPU},
        {"lir", "LIR, " IMPU},
        {"cer", "CER, from scscf.ims.mnc001.mcc001.3gppnetwork.org"},
};

/* A message of tests/data/cx. Freed by dia_msg_free(m, *raw); octets by buf_free. */
static struct msg *load(const char *name, struct buf *octets, struct span *raw)
{
        char path[256], line[512];
        struct msg *m = NULL;
        (void)snprintf(path, sizeof(path), TEST_DATA "/cx/%s.hex", name);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                struct span hex = span_trim(span_of(line));
                uint8_t block[256];
                assert_int_equal(hex_decode(hex, block, hex.n / 2), 0);
                buf_put(octets, block, hex.n / 2);
        }
        (void)fclose(f);
        if (dia_msg_parse(buf_as_span(octets), &m, raw) != 0)
                fail_msg("%s does not parse", name);
        return m;
}

static void test_summaries(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
                struct buf octets = BUF_INIT, out = BUF_INIT;
                struct span raw;
                struct msg *m = load(examples[i].file, &octets, &raw);
                cx_summary(m, &out);
                buf_char(&out, '\0');
                assert_string_equal(out.p, examples[i].summary);
                dia_msg_free(m, raw);
                buf_free(&octets);
                buf_free(&out);
        }
}

/* Runs a message through the stream; its text (free). */
static char *stream_of(const struct dia_trace_info *info)
{
        char file[] = "/tmp/q-test-cx-trace-XXXXXX", block[4096];
        struct trace *t = NULL;
        struct buf b = BUF_INIT;
        int fd = mkstemp(file);
        ssize_t n = 0;
        assert_true(fd >= 0);
        assert_int_equal(trace_new("hss", file, &t), 0);
        cx_trace(info, t);
        trace_free(t);
        while ((n = read(fd, block, sizeof(block))) > 0)
                buf_put(&b, block, (size_t)n);
        (void)close(fd);
        (void)unlink(file);
        return buf_steal(&b);
}

static bool holds(const char *stream, struct span value)
{
        return value.n && span_find(span_of(stream), value) >= 0;
}

/* Every leaf of these codes below parent: its value must be in the stream neither raw, nor as hex, nor as
 * base64. Returns how many were looked at. */
static unsigned check_leaves(msg_or_avp *parent, const char *stream)
{
        static const uint32_t secret_codes[] = {610 /* XRES */, 625 /* CK */, 626 /* IK */, 121 /* HA1 */};
        unsigned n = 0;
        for (struct avp *a = dia_fd_first(parent); a; a = dia_fd_next(a)) {
                struct avp_hdr *h = NULL;
                assert_int_equal(fd_msg_avp_hdr(a, &h), 0);
                for (size_t i = 0; i < sizeof(secret_codes) / sizeof(secret_codes[0]); i++) {
                        char hex[600], base64[600];
                        if (h->avp_code != secret_codes[i] || !h->avp_value)
                                continue;
                        const struct span v = span_make(h->avp_value->os.data, h->avp_value->os.len);
                        assert_true(v.n > 0 && v.n < 256);
                        hex_encode(v.p, v.n, hex);
                        base64_encode(v.p, v.n, base64);
                        assert_false(holds(stream, v));
                        assert_false(holds(stream, span_of(hex)));
                        assert_false(holds(stream, span_of(base64)));
                        n++;
                }
                n += check_leaves(a, stream);
        }
        return n;
}

static void test_no_secrets(void **state)
{
        (void)state;
        static const struct {
                const char *file;
                unsigned secrets;
        } messages[] = {{"maa-aka", 3},
                        {"maa-aka-resync", 3},
                        {"maa-digest", 1},
                        {"mar-aka-resync", 1},
                        {"ppr-digest", 1}};
        for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
                struct buf octets = BUF_INIT;
                struct span raw;
                struct msg *m = load(messages[i].file, &octets, &raw);
                const struct dia_trace_info info = {
                        .outbound = true, .peer = "hss.home", .octets = buf_as_span(&octets), .msg = m};
                char *stream = stream_of(&info);
                assert_non_null(stream);
                assert_true(strlen(stream) > 100);
                assert_int_equal(check_leaves(m, stream), messages[i].secrets);
                free(stream);
                dia_msg_free(m, raw);
                buf_free(&octets);
        }
}

static void test_event(void **state)
{
        (void)state;
        struct buf octets = BUF_INIT;
        struct span raw;
        struct msg *m = load("uar", &octets, &raw);
        struct dia_trace_info info = {
                .outbound = true, .peer = "hss.home", .octets = buf_as_span(&octets), .msg = m};
        char *stream = stream_of(&info);
        assert_non_null(strstr(stream, "\"ev\":\"cx\",\"dir\":\"out\""));
        assert_non_null(strstr(stream, "\"local\":\"icscf.ims.mnc001.mcc001.3gppnetwork.org\""));
        assert_non_null(
                strstr(stream, "\"remote\":\"hss.home\",\"proto\":\"Diameter\",\"session_id\":\"icscf."));
        free(stream);
        info.outbound = false;
        stream = stream_of(&info);
        assert_null(strstr(stream, "\"local\"")); /* Origin-Host is not ours then */
        free(stream);
        dia_msg_free(m, raw);
        buf_free(&octets);
        info = (struct dia_trace_info){
                .peer = "192.0.2.9:4711", .octets = SPAN("garbage"), .note = "malformed"};
        stream = stream_of(&info);
        assert_non_null(strstr(stream, "7 octets that are no Diameter message"));
        assert_null(strstr(stream, "garbage"));
        free(stream);
}

/* The watchdog would drown the rest. */
static void test_watchdog_left_out(void **state)
{
        (void)state;
        static const uint8_t dwr[] = {
                1, 0, 0, 60, 0x80, 0, 1, 24, 0,   0,   0,   0,   0,   0,   0,   1,   0,   0,   0, 1,
                0, 0, 1, 8,  0x40, 0, 0, 18, 's', 'c', 's', 'c', 'f', '.', 'h', 'o', 'm', 'e', 0, 0,
                0, 0, 1, 40, 0x40, 0, 0, 18, 'h', 'o', 'm', 'e', '.', 'e', 'x', 'a', 'm', 'p', 0, 0};
        struct msg *m = NULL;
        struct span raw;
        assert_int_equal(sizeof(dwr), 60);
        assert_int_equal(dia_msg_parse(span_make(dwr, sizeof(dwr)), &m, &raw), 0);
        struct dia_trace_info info = {.peer = "p", .octets = span_make(dwr, sizeof(dwr)), .msg = m};
        for (int parsed = 1; parsed >= 0; parsed--) {
                char *stream = stream_of(&info);
                assert_string_equal(stream, "");
                free(stream);
                info.msg = NULL;
        }
        dia_msg_free(m, raw);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_summaries),
                cmocka_unit_test(test_no_secrets),
                cmocka_unit_test(test_event),
                cmocka_unit_test(test_watchdog_left_out),
        };
        if (dia_dict_load() != 0)
                return 2;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
