/* SPDX-License-Identifier: BSD-3-Clause
 * Out of memory is an ordinary error: every allocation made for a configuration file fails once. (Documents
 * of more than 16 nodes are left out: libyaml 0.2.5 loses one when its list of nodes cannot grow.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/conf.h"
#include "tests/unit/fail_alloc.h"

struct item {
        char *name;
        uint32_t weight;
};

struct conf {
        char *text;
        uint32_t wait_s;
        struct conf_list texts, items;
};

static const struct conf_key item_keys[] = {
        {.name = "name", .type = CONF_STR, .offset = offsetof(struct item, name)},
        {.name = "weight", .type = CONF_U32, .offset = offsetof(struct item, weight), .def = "1", .max = 10},
        {.name = NULL},
};

static const struct conf_key keys[] = {
        {.name = "a.text", .type = CONF_STR, .offset = offsetof(struct conf, text), .def = "by default"},
        {.name = "a.wait",
         .type = CONF_TIME_S,
         .offset = offsetof(struct conf, wait_s),
         .def = "10m",
         .max = 86400},
        {.name = "texts", .type = CONF_STR_LIST, .offset = offsetof(struct conf, texts), .optional = true},
        {.name = "items",
         .type = CONF_MAP_LIST,
         .offset = offsetof(struct conf, items),
         .optional = true,
         .item = item_keys,
         .item_size = sizeof(struct item)},
        {.name = NULL},
};

static const struct conf_schema schema = {.node = "test", .size = sizeof(struct conf), .keys = keys};

static void every_allocation_of(const char *yaml, int want)
{
        unsigned long nth = 0, before;
        struct buf first_err = BUF_INIT;
        void *first = NULL;
        long held;
        int rc;

        /* what libraries make at their first use and keep is none of ours */
        rc = conf_parse(&schema, "test.yaml", span_of(yaml), &first, &first_err);
        assert_int_equal(rc, want);
        conf_free(&schema, first);
        buf_free(&first_err);
        held = alloc_live;
        do {
                struct buf err = BUF_INIT;
                void *conf = NULL;

                before = alloc_failed;
                alloc_fail_at(nth++);
                rc = conf_parse(&schema, "test.yaml", span_of(yaml), &conf, &err);
                alloc_armed = false;
                if (rc == 0)
                        assert_int_equal(((struct conf *)conf)->items.n, 1);
                else if (alloc_failed > before)
                        if (rc != -IMS_ENOMEM && rc != want)
                                fail_msg("%d with %lu: %.*s", rc, nth - 1, SPAN_ARG(buf_as_span(&err)));
                conf_free(&schema, conf);
                buf_free(&err);
                if (alloc_live != held)
                        fail_msg("%ld blocks are lost when allocation %lu fails", alloc_live - held, nth - 1);
        } while (alloc_failed > before && nth < 10000);
        assert_int_equal(rc, want);
        assert_in_range(nth, 20, 9999);
}

static void configuration(void **state)
{
        (void)state;
        if (!CAN_FAIL)
                skip();
        every_allocation_of("a: {text: x}\ntexts: [p]\nitems: [{name: n}]\n", 0);
}

static void configuration_with_a_fault(void **state)
{
        (void)state;
        if (!CAN_FAIL)
                skip();
        every_allocation_of("a: {wait: 5s}\ntexts: [p]\nitems: [{weight: 99}]\n", -IMS_ECONF);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(configuration),
                                           cmocka_unit_test(configuration_with_a_fault)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
