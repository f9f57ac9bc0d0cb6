/* SPDX-License-Identifier: BSD-3-Clause
 * The test messages of RFC 4475: what the parser must accept, and what it must find wrong. Faults of
 * meaning that a registrar or a UAS judges (invut, unksm2, regescrt ...) are accepted here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/sip/edit.h"
#include "common/sip/grammar.h"

#define OK 0

/* status: OK, or that of the fault. clause of RFC 4475 in tests/data/torture/README.md. */
static const struct {
        const char *name;
        int status;
} rows[] = {
        {"wsinv", OK},       {"esc01", OK},     {"esc02", OK},    {"longreq", OK},   {"semiuri", OK},
        {"mpart01", OK},     {"noreason", OK},  {"clerr", 400},   {"scalar02", 400}, {"quotbal", 400},
        {"lwsruri", 400},    {"trws", 400},     {"baddate", OK},  {"badaspec", 400}, {"badvers", 505},
        {"mismatch02", 400}, {"badbranch", OK}, {"unkscm", 416},  {"unksm2", OK},    {"invut", OK},
        {"multi01", 400},    {"bcast", OK},     {"cparam01", OK}, {"regescrt", OK},  {"inv2543", OK},
};

static struct span load(const char *name, char *to, size_t cap)
{
        char path[256];
        FILE *f;
        size_t n;

        snprintf(path, sizeof(path), TEST_DATA "/torture/%s.dat", name);
        f = fopen(path, "rb");
        assert_non_null(f);
        n = fread(to, 1, cap, f);
        fclose(f);
        assert_true(n > 0 && n < cap);
        return span_make(to, n);
}

static struct sip_msg *parse(const char *name, char *octets, size_t cap)
{
        struct sip_msg *m = NULL;
        size_t used;
        int err = sip_msg_parse(load(name, octets, cap), SIP_DATAGRAM, &m, &used);

        if (err)
                fail_msg("%s: %s", name, ims_strerror(err));
        return m;
}

static void verdict_of_each(void **state)
{
        static char octets[8192];

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct sip_msg *m = parse(rows[i].name, octets, sizeof(octets));

                if ((m->fault ? m->fault_status : OK) != rows[i].status)
                        fail_msg("%s: %d %s, not %d", rows[i].name, m->fault_status,
                                 m->fault ? m->fault : "accepted", rows[i].status);
                sip_msg_unref(m);
        }
}

/* What is accepted leaves as it came, octet for octet; only a missing Content-Length is added. */
static void unchanged_through_edit(void **state)
{
        static char octets[8192];

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct sip_msg *m = parse(rows[i].name, octets, sizeof(octets));
                struct span in = span_make(m->buf, m->n), written;
                struct buf out = BUF_INIT;
                struct sip_edit e;

                sip_edit_init(&e, m);
                if (rows[i].status == OK) {
                        assert_int_equal(sip_edit_write(&e, SPAN_NULL, &out), 0);
                        written = buf_as_span(&out);
                        if (!m->first[SIP_HDR_CONTENT_LENGTH]) {
                                char line[40];
                                int n = snprintf(line, sizeof(line), "Content-Length: %zu\r\n", m->body.n);
                                ptrdiff_t at = span_find(written, span_of(line));

                                assert_true(at > 0);
                                memmove(out.p + at, out.p + at + n, out.n - (size_t)at - (size_t)n);
                                written.n -= (size_t)n;
                        }
                        if (!span_eq(in, written))
                                fail_msg("%s changed on its way", rows[i].name);
                }
                sip_edit_free(&e);
                buf_free(&out);
                sip_msg_unref(m);
        }
}

/* A cut-off or mutated message never does harm (the memory checkers watch). */
static void cut_anywhere(void **state)
{
        static char octets[8192];

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct span s = load(rows[i].name, octets, sizeof(octets));

                for (size_t n = 0; n < s.n; n++) {
                        char *copy = malloc(n + 1); /* its own block, so that one octet too far is seen */
                        struct sip_msg *m;
                        size_t used;

                        memcpy(copy, s.p, n);
                        if (!sip_msg_parse(span_make(copy, n), SIP_DATAGRAM, &m, &used))
                                sip_msg_unref(m);
                        if (!sip_msg_parse(span_make(copy, n), SIP_STREAM, &m, &used))
                                sip_msg_unref(m);
                        free(copy);
                }
        }
}

static void details_of_wsinv(void **state)
{
        static char octets[8192];
        struct sip_msg *m = parse("wsinv", octets, sizeof(octets));
        struct sip_value_iter it = {0};
        struct span v;
        size_t vias = 0;

        (void)state;
        assert_int_equal(m->cseq, 9);
        assert_true(span_eq(m->to_tag, SPAN("1918181833n")));
        assert_true(span_eq(m->from_tag, SPAN("98asjd8")));
        assert_true(span_eq(m->via.branch, SPAN("390skdjuw")));
        assert_true(span_eq(m->via.host, SPAN("192.0.2.2")));
        assert_int_equal(m->body.n, 150);
        while (sip_msg_next_value(m, SIP_HDR_VIA, &it, &v))
                vias++;
        assert_int_equal(vias, 3);
        assert_true(
                span_eq(sip_addr_spec(sip_msg_value(m, SIP_HDR_CONTACT)), SPAN("sip:jdrosen@example.com")));
        sip_msg_unref(m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(verdict_of_each),
                cmocka_unit_test(unchanged_through_edit),
                cmocka_unit_test(cut_anywhere),
                cmocka_unit_test(details_of_wsinv),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
