/* SPDX-License-Identifier: BSD-3-Clause
 * Connections are taken from, and opened to, the networks of the core only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/diameter/two_nodes.h"
#include "tests/unit/proves.h"

struct side {
        struct loop *loop;
        int up, strangers, asked;
        bool refuse_all;
        char from[128];
};

static const char *admit(const struct addr *remote, bool tls, void *arg)
{
        struct side *t = arg;

        (void)remote;
        assert_false(tls);
        if (++t->asked == 3)
                loop_stop(t->loop);
        return t->refuse_all ? "its address is outside of network_domain" : NULL;
}

static void on_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct side *t = arg;

        (void)identity;
        (void)why;
        t->up += up ? 1 : -1;
        loop_stop(t->loop);
}

static void on_stranger(struct span identity, const struct addr *from, const char *why, void *arg)
{
        struct side *t = arg;

        (void)from;
        assert_string_equal(why, "its address is outside of network_domain");
        assert_int_equal(span_copy(identity, t->from, sizeof(t->from)), 0);
        t->strangers++;
        loop_stop(t->loop);
}

/* who: 0 nobody refuses, 1 the HSS, 2 the CSCF. */
static void run(int who)
{
        struct side hss_side = {.refuse_all = who == 1}, cscf_side = {.refuse_all = who == 2};
        struct dia_handlers h = {.admit = admit, .on_peer = on_peer, .on_stranger = on_stranger};
        struct two_nodes_conf c;
        struct two_nodes n;
        const struct side *refuser;

        two_nodes_conf_init(&c);
        two_nodes_start(&n, &c, &h, &hss_side, &cscf_side);
        hss_side.loop = cscf_side.loop = n.loop;
        if (who == 0)
                while (hss_side.up + cscf_side.up < 2)
                        loop_run(n.loop);
        /* it tries again and again, and is refused each time; that is told once */
        refuser = who == 1 ? &hss_side : &cscf_side;
        while (who && refuser->asked < 3 && !hss_side.up && !cscf_side.up)
                loop_run(n.loop);
        if (who) {
                assert_int_equal(refuser->strangers, 1);
                assert_int_equal(hss_side.up + cscf_side.up, 0);
                assert_string_equal(who == 1 ? hss_side.from : cscf_side.from,
                                    who == 1 ? "" : "hss.example.org");
        }
        two_nodes_end(&n);
}

static void inside_they_meet(void **state)
{
        (void)state;
        run(0);
}

static void from_outside_nobody_connects(void **state)
{
        (void)state;
        run(1);
        proves("NDS-001");
}

static void nobody_outside_is_connected_to(void **state)
{
        (void)state;
        run(2);
        proves("NDS-001");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(inside_they_meet),
                cmocka_unit_test(from_outside_nobody_connects),
                cmocka_unit_test(nobody_outside_is_connected_to),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
