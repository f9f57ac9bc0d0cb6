/* SPDX-License-Identifier: BSD-3-Clause
 * The whole messages of tests/data/cx: each decodes to its values, and encodes to the same message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/diameter/cx_table.h"
#include "common/diameter/msg.h"
#include "common/diameter/node_int.h"
#include "tests/unit/diameter/cx_dump.h"
#include "tests/unit/diameter/examples.h"
#include "tests/unit/diameter/hexfile.h"

#define N_EXAMPLES (sizeof(examples) / sizeof(examples[0]))

/* The fields of the example, with files in place of their names. */
static struct buf expected(const struct example *e)
{
        struct buf want = BUF_INIT, file;
        const char *at = strchr(e->fields, '@'), *end;

        while (at && at[-1] != '=')
                at = strchr(at + 1, '@');
        if (!at) {
                buf_puts(&want, e->fields);
        } else {
                char name[64] = "";

                end = strchr(at, '\n');
                memcpy(name, at + 1, (size_t)(end - at - 1));
                file = file_read(name);
                buf_put(&want, e->fields, (size_t)(at - e->fields));
                buf_put(&want, file.p, file.n);
                buf_puts(&want, end);
                buf_free(&file);
        }
        buf_char(&want, 0);
        return want;
}

static void check_encoded(const struct example *e, const struct buf *octets, const union cx_any *m)
{
        struct dia_header h = dia_header_get(octets->p);
        struct buf again = BUF_INIT;

        dia_put_header(&again, &h);
        cx_encode(e->which, m, &(struct cx_env){0}, &again);
        dia_put_end(&again, 0);
        assert_int_equal(again.err, 0);
        assert_int_equal(again.n, octets->n);
        assert_memory_equal(again.p, octets->p, octets->n);
        buf_free(&again);
}

static void test_example(const struct example *e)
{
        struct buf octets = hex_read(e->file), want = expected(e), got = BUF_INIT;
        struct dia_fault fault = DIA_FAULT_NONE;
        struct cx_fault cx_fault;
        struct span raw;
        struct msg *msg = NULL;
        union cx_any *m = calloc(1, sizeof(*m));
        struct dia_header h = dia_header_get(octets.p);

        assert_int_equal(h.length, octets.n);
        assert_int_equal(h.app, CX_APPLICATION);
        assert_int_equal(h.flags, dict_command_rows[cx_shape(e->which)->command].flags);
        assert_int_equal(h.code, dict_command_rows[cx_shape(e->which)->command].code);
        assert_int_equal(h.end - 0x20000000, h.hop - 0x1000);
        assert_int_equal(dia_check(buf_as_span(&octets), &fault), 0);
        assert_int_equal(dia_msg_parse(buf_as_span(&octets), &msg, &raw), 0);
        assert_int_equal(cx_decode(e->which, msg, m, &cx_fault), 0);
        dump_message(&got, e->which, m);
        buf_char(&got, 0);
        assert_string_equal(got.p, want.p);
        check_encoded(e, &octets, m);
        cx_clear(e->which, m);
        free(m);
        dia_msg_free(msg, raw);
        buf_free(&octets);
        buf_free(&want);
        buf_free(&got);
}

static void test_examples(void **state)
{
        (void)state;
        assert_int_equal(N_EXAMPLES, 38);
        for (size_t i = 0; i < N_EXAMPLES; i++) {
                print_message("%s\n", examples[i].file);
                test_example(&examples[i]);
        }
}

static void test_capabilities(void **state)
{
        static const char *const files[] = {"cer", "cea"};
        struct dia_caps caps;
        struct dia_fault fault;

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct buf octets = hex_read(files[i]);

                assert_int_equal(dia_caps_read(buf_as_span(&octets), &caps, &fault), 0);
                assert_int_equal(caps.h.code, 257);
                assert_int_equal(caps.h.app, 0);
                assert_int_equal(caps.h.flags, i ? 0 : CMD_FLAG_REQUEST);
                assert_true(span_eq(caps.identity, SPAN("scscf.ims.mnc001.mcc001.3gppnetwork.org")));
                assert_true(span_eq(caps.realm, SPAN("ims.mnc001.mcc001.3gppnetwork.org")));
                assert_int_equal(caps.result, i ? DIA_SUCCESS : 0);
                assert_true(caps.cx);
                assert_false(caps.relay);
                buf_free(&octets);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_examples),
                cmocka_unit_test(test_capabilities),
        };

        if (dia_dict_load())
                return 2;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
