/* SPDX-License-Identifier: BSD-3-Clause
 * Choice of the S-CSCF (TS 29.228 6.7) and the list of trusted nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "icscf/pool.h"

static void add(struct pool *p, const char *uri, const char *capabilities, uint32_t priority)
{
        assert_int_equal(pool_add(p, uri, span_of(capabilities), priority), 0);
}

static const char *choose(struct pool *p, const struct cx_capabilities *wanted,
                          const struct pool_tried *tried)
{
        static char text[64];
        struct span uri;

        if (pool_choose(p, wanted, tried, &uri) != 0)
                return "nobody";
        assert_int_equal(span_copy(uri, text, sizeof(text)), 0);
        return text;
}

static void mandatory_then_optional_then_priority(void **state)
{
        struct pool p = {0};
        struct pool_tried tried = {0};
        struct cx_capabilities w = {0};

        (void)state;
        add(&p, "sip:a", "1", 5);
        add(&p, "sip:b", "1,2", 7);
        add(&p, "sip:c", " 1 , 2, 3", 9);
        assert_string_equal(choose(&p, &w, &tried), "sip:a"); /* nothing asked: priority */
        w.mandatory = (struct cx_u32s){.v = {2}, .n = 1};
        assert_string_equal(choose(&p, &w, &tried), "sip:b");
        w.optional = (struct cx_u32s){.v = {3, 9}, .n = 2};
        assert_string_equal(choose(&p, &w, &tried), "sip:c");
        w.mandatory = (struct cx_u32s){.v = {1, 4}, .n = 2};
        assert_string_equal(choose(&p, &w, &tried), "nobody");
}

static void tried_ones_are_left_out(void **state)
{
        struct pool p = {0};
        struct pool_tried tried = {0};
        struct cx_capabilities w = {0};

        (void)state;
        add(&p, "sip:a.example", "", 1);
        add(&p, "sip:b.example", "", 2);
        pool_tried_add(&tried, SPAN("sip:A.example"));
        assert_string_equal(choose(&p, &w, &tried), "sip:b.example");
        pool_tried_add(&tried, SPAN("sip:b.example"));
        assert_string_equal(choose(&p, &w, &tried), "nobody");
        add(&p, "sip:c.example", "", 3);
        while (!pool_tried_full(&tried))
                pool_tried_add(&tried, SPAN("sip:x.example"));
        assert_string_equal(choose(&p, &w, &tried), "nobody");
}

static void equal_ones_take_turns(void **state)
{
        struct pool p = {0};
        struct pool_tried tried = {0};
        struct cx_capabilities w = {0};
        int a = 0, c = 0;

        (void)state;
        add(&p, "sip:a", "", 1);
        add(&p, "sip:b", "", 2);
        add(&p, "sip:c", "", 1);
        for (int i = 0; i < 10; i++) {
                const char *got = choose(&p, &w, &tried);

                a += strcmp(got, "sip:a") == 0;
                c += strcmp(got, "sip:c") == 0;
        }
        assert_int_equal(a, 5);
        assert_int_equal(c, 5);
}

/* Server-Name inside Server-Capabilities (TS 29.229 6.3.4). */
static void named_server_is_preferred(void **state)
{
        struct pool p = {0};
        struct pool_tried tried = {0};
        struct cx_capabilities w = {0};

        (void)state;
        add(&p, "sip:a", "", 1);
        w.server_names = (struct cx_spans){.v = {SPAN("sip:x"), SPAN("sip:y")}, .n = 2};
        assert_string_equal(choose(&p, &w, &tried), "sip:x");
        pool_tried_add(&tried, SPAN("sip:x"));
        assert_string_equal(choose(&p, &w, &tried), "sip:y");
        pool_tried_add(&tried, SPAN("sip:y"));
        assert_string_equal(choose(&p, &w, &tried), "sip:a");
}

static void capability_lists(void **state)
{
        struct capability_set set;
        struct pool p = {0};
        char many[CAPABILITIES_MAX * 2 + 8] = "1";

        (void)state;
        assert_int_equal(capability_set_parse(SPAN("7, 4294967295"), &set), 0);
        assert_int_equal(set.n, 2);
        assert_int_equal(set.v[1], 4294967295u);
        assert_int_equal(capability_set_parse(SPAN("  "), &set), 0);
        assert_int_equal(set.n, 0);
        assert_int_equal(capability_set_parse(SPAN("1,,2"), &set), -IMS_EPARSE);
        assert_int_equal(capability_set_parse(SPAN("1,"), &set), -IMS_EPARSE);
        assert_int_equal(capability_set_parse(SPAN("x"), &set), -IMS_EPARSE);
        assert_int_equal(capability_set_parse(SPAN("4294967296"), &set), -IMS_EPARSE);
        for (int i = 0; i < CAPABILITIES_MAX; i++)
                strcat(many, ",1");
        assert_int_equal(capability_set_parse(span_of(many), &set), -IMS_ETOOBIG);
        for (int i = 0; i < POOL_MAX; i++)
                add(&p, "sip:a", "", 1);
        assert_int_equal(pool_add(&p, "sip:b", SPAN(""), 1), -IMS_ETOOBIG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mandatory_then_optional_then_priority),
                cmocka_unit_test(tried_ones_are_left_out),
                cmocka_unit_test(equal_ones_take_turns),
                cmocka_unit_test(named_server_is_preferred),
                cmocka_unit_test(capability_lists),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
