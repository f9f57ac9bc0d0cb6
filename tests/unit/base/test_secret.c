/* SPDX-License-Identifier: BSD-3-Clause
 * What was secret stands in no block that was freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/secret.h"
#include "tests/unit/watch_free.h"

static int start(void **state)
{
        (void)state;
        found = 0;
        watching = true;
        return 0;
}

static char *marked(void)
{
        char *p = malloc(sizeof(MARK));

        assert_non_null(p);
        memcpy(p, MARK, sizeof(MARK));
        return p;
}

/* The search sees what it is there for. */
static void free_leaves_it(void **state)
{
        (void)state;
        if (!CAN_LOOK)
                skip();
        free(marked());
        assert_int_equal(found, 1);
}

static void secret_free_wipes(void **state)
{
        (void)state;
        if (!CAN_LOOK)
                skip();
        secret_free(marked(), sizeof(MARK));
        secret_free(NULL, sizeof(MARK));
        assert_int_equal(found, 0);
}

/* Also the blocks it had before it grew. */
static void secret_buffer(void **state)
{
        struct buf b = {.secret = true};

        (void)state;
        if (!CAN_LOOK)
                skip();
        buf_puts(&b, MARK);
        for (int i = 0; i < 1000; i++)
                buf_puts(&b, "0123456789");
        assert_int_equal(b.err, 0);
        assert_memory_equal(b.p, MARK, sizeof(MARK) - 1);
        buf_free(&b);
        assert_int_equal(found, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(free_leaves_it, start),
                cmocka_unit_test_setup(secret_free_wipes, start),
                cmocka_unit_test_setup(secret_buffer, start),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
