/* SPDX-License-Identifier: BSD-3-Clause
 * Which hosts are those of the home network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/cscf/home_domain.h"

static void hosts(void **state)
{
        char one[] = "example.org", two[] = "ims.example.net";
        char *names[] = {one, two};
        const struct conf_list home = {.items = names, .n = 2}, none = {0};

        (void)state;
        assert_true(is_home_domain(&home, SPAN("example.org")));
        assert_true(is_home_domain(&home, SPAN("IMS.Example.NET")));
        assert_true(is_home_domain(&home, SPAN("ims.example.net.")));
        assert_false(is_home_domain(&home, SPAN("ims.example.net..")));
        assert_false(is_home_domain(&home, SPAN("example.net")));
        assert_false(is_home_domain(&home, SPAN("a.example.org")));
        assert_false(is_home_domain(&home, SPAN("example.or")));
        assert_false(is_home_domain(&home, SPAN(".")));
        assert_false(is_home_domain(&home, SPAN_NULL));
        assert_false(is_home_domain(&none, SPAN_NULL));
        assert_false(is_home_domain(&none, SPAN("example.org")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hosts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
