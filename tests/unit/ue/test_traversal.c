/* SPDX-License-Identifier: BSD-3-Clause
 * The order of ways through a firewall (TS 33.203 W.2.0, W.3.1.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/proves.h"
#include "ue/traversal.h"

static void off_is_what_is_configured(void **state)
{
        const struct traversal_conf udp = {.transport = TRANSPORT_UDP, .has_proxy = true},
                                    tls = {.transport = TRANSPORT_TCP, .tls = true, .tls_port = 5071};
        struct traversal_step s[TRAVERSAL_STEPS];

        (void)state;
        assert_int_equal(traversal_plan(&udp, s), 1);
        assert_true(s[0].clear == TRANSPORT_UDP && s[0].tls_port == 0 && !s[0].proxy);
        assert_int_equal(traversal_plan(&tls, s), 1);
        assert_int_equal(s[0].tls_port, 5071);
        proves("FW-001");
}

static void the_last_is_443(void **state)
{
        struct traversal_conf c = {.on = true, .transport = TRANSPORT_UDP, .has_proxy = true};
        struct traversal_step s[TRAVERSAL_STEPS];
        struct buf text = BUF_INIT;

        (void)state;
        assert_int_equal(traversal_plan(&c, s), 4);
        assert_true(s[0].clear == TRANSPORT_UDP && s[1].clear == TRANSPORT_TCP);
        assert_true(s[2].tls_port == 5061 && !s[2].proxy && s[2].clear == TRANSPORT_ANY);
        assert_true(s[3].tls_port == 443 && s[3].proxy);
        traversal_text(&s[3], &text);
        assert_true(span_eq(buf_as_span(&text), SPAN("TLS on port 443 through the HTTP proxy")));
        buf_free(&text);
        c.transport = TRANSPORT_TCP;
        c.has_proxy = false;
        assert_int_equal(traversal_plan(&c, s), 3);
        assert_true(s[0].clear == TRANSPORT_TCP && s[2].tls_port == 443 && !s[2].proxy);
        c.secure_only = true; /* nothing in clear */
        assert_int_equal(traversal_plan(&c, s), 2);
        assert_true(s[0].tls_port == 5061 && s[1].tls_port == 443);
        proves("FW-002");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(off_is_what_is_configured),
                cmocka_unit_test(the_last_is_443),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
