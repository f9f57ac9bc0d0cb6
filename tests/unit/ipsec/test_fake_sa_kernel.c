/* SPDX-License-Identifier: BSD-3-Clause
 * The kernel that other tests play with behaves as sa_kernel.h says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/fakes/fake_sa_kernel.h"

static struct addr addr(const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
        return a;
}

static int setup(void **state)
{
        (void)state;
        fake_sa_reset();
        return 0;
}

static struct sa_params params(struct sa_kernel *k, uint32_t first)
{
        return (struct sa_params){.ue = addr("192.0.2.1"),
                                  .pcscf = addr("198.51.100.1"),
                                  .ue_ends = {first, first + 1, (uint16_t)(10000 + first), 20000},
                                  .pcscf_ends = {first + 2, first + 3, 5062, 5063},
                                  .suite = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
                                  .mode = SEC_MODE_UDP_ENC_TUN,
                                  .reqid = sa_kernel_reqid(k)};
}

static struct sa_kernel *open_as(enum sa_end end, struct sa_kernel_events events)
{
        struct sa_kernel_conf conf = {.end = end, .events = events};
        struct sa_kernel *k = NULL;
        struct buf why = BUF_INIT;

        assert_int_equal(sa_kernel_open(NULL, &conf, &k, &why), 0);
        buf_free(&why);
        return k;
}

static void sets(void **state)
{
        struct sa_kernel *k = open_as(SA_END_PCSCF, (struct sa_kernel_events){0});
        struct sa_counters c = {.packets = 7}, got;
        struct sa_params p = params(k, 1000), q = params(k, 2000), same_spi = params(k, 3000);
        struct addr pcscf = addr("198.51.100.1");
        struct esp_keys keys = {.integrity_n = 20};
        enum sa_way w;

        (void)state;
        assert_int_equal(sa_install(k, &p, &keys), 0);
        q.ue_ends.port_s = 20001;
        assert_int_equal(sa_install(k, &q, &keys), 0);
        same_spi.ue_ends.port_s = 20002;
        same_spi.pcscf_ends.spi_s = p.pcscf_ends.spi_s;
        assert_int_equal(sa_install(k, &same_spi, &keys), -IMS_EEXISTS);
        same_spi.pcscf_ends.spi_s = 3003;
        same_spi.ue_ends.port_s = q.ue_ends.port_s; /* the selector of a live SA */
        same_spi.ue_ends.port_c = q.ue_ends.port_c;
        assert_int_equal(sa_install(k, &same_spi, &keys), -IMS_EEXISTS);
        assert_int_equal(fake_sa_sets(), 2);
        assert_int_equal(fake_sa_keys(1)->integrity_n, 20);
        assert_ptr_equal(fake_sa_by_spi(2003, &w), fake_sa_set(1));
        assert_int_equal(w, SA_UC_PS);
        assert_true(fake_sa_set_counters(1003, &pcscf, &c));
        assert_int_equal(sa_count(k, &p, SA_UC_PS, &got), 0);
        assert_int_equal(got.packets, 7);
        p.port_uenc = 4501;
        assert_int_equal(sa_follow(k, &p), 0);
        assert_int_equal(fake_sa_set(0)->port_uenc, 4501);
        sa_remove(k, &p);
        sa_remove(k, &p);
        assert_int_equal(sa_count(k, &p, SA_UC_PS, &got), -IMS_ENOTFOUND);
        assert_int_equal(sa_follow(k, &p), -IMS_ENOTFOUND);
        assert_int_equal(fake_sa_sets(), 1);
        assert_int_equal(fake_sa_removed(), 1);
        sa_kernel_close(k);
        assert_false(fake_sa_nothing_left()); /* as in the real one, the object takes nothing along */
}

static void failures(void **state)
{
        struct sa_kernel_conf conf = {.end = SA_END_UE};
        struct sec_suite gcm = {SEC_ALG_NULL, SEC_EALG_AES_GCM}, sha = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL};
        struct buf why = BUF_INIT;
        struct sa_kernel *k = NULL;
        struct sa_params p;
        struct esp_keys keys = {0};

        (void)state;
        fake_sa_fail(FAKE_SA_OPEN, 0, 1, -IMS_EPERM, "CAP_NET_ADMIN");
        assert_int_equal(sa_kernel_open(NULL, &conf, &k, &why), -IMS_EPERM);
        assert_true(span_eq(buf_as_span(&why), span_of("CAP_NET_ADMIN")));
        k = open_as(SA_END_UE, (struct sa_kernel_events){0});
        fake_sa_lacks_suite(gcm);
        assert_int_equal(sa_kernel_probe(k, gcm, SEC_MODE_TRANS, AF_INET, &why), -IMS_EUNSUPPORTED);
        assert_int_equal(sa_kernel_probe(k, sha, SEC_MODE_TRANS, AF_INET, &why), 0);
        fake_sa_lacks_mode(SEC_MODE_UDP_ENC_TUN);
        assert_int_equal(sa_kernel_probe(k, sha, SEC_MODE_UDP_ENC_TUN, AF_INET, &why), -IMS_EUNSUPPORTED);
        p = params(k, 1000);
        p.mode = SEC_MODE_TRANS;
        fake_sa_fail(FAKE_SA_INSTALL, 1, 2, -IMS_ENOMEM, NULL);
        assert_int_equal(sa_install(k, &p, &keys), 0);
        sa_remove(k, &p);
        assert_int_equal(sa_install(k, &p, &keys), -IMS_ENOMEM);
        assert_int_equal(sa_install(k, &p, &keys), -IMS_ENOMEM);
        assert_int_equal(sa_install(k, &p, &keys), 0);
        assert_int_equal(fake_sa_calls(FAKE_SA_INSTALL), 4);
        sa_remove(k, &p);
        sa_kernel_close(k);
        assert_true(fake_sa_nothing_left());
        buf_free(&why);
}

static void others(void **state)
{
        struct sa_kernel *k = open_as(SA_END_PCSCF, (struct sa_kernel_events){0});
        struct addr any = addr("0.0.0.0:5062"), at = addr("192.0.2.9:5062"), other = addr("192.0.2.9:5063");
        struct sa_encap *e = NULL;
        size_t n;

        (void)state;
        assert_int_equal(sa_guard(k, &any), 0);
        assert_true(fake_sa_guarded(&at));
        assert_false(fake_sa_guarded(&other));
        sa_unguard(k, &any);
        assert_false(fake_sa_guarded(&at));
        fake_sa_set_stale(3);
        assert_int_equal(sa_clear_stale(k, &at, 1), 3);
        assert_true(addr_eq(fake_sa_stale_locals(&n), &at));
        assert_int_equal(n, 1);
        assert_int_equal(sa_clear_stale(k, NULL, 0), 0);
        assert_int_equal(sa_encap_open(k, &at, &e), 0);
        sa_encap_keep_alive(e, &other);
        assert_true(addr_eq(fake_sa_keep_alive_to(), &other));
        assert_int_equal(fake_sa_encaps(), 1);
        sa_encap_close(e);
        assert_int_equal(sa_address_add(k, &at), 0);
        assert_int_equal(sa_address_add(k, &other), 0);
        assert_int_equal(fake_sa_address_count(&at), 2);
        sa_address_drop(k, &at);
        assert_int_equal(fake_sa_addresses(), 1);
        sa_kernel_close(k);
        assert_true(fake_sa_nothing_left());
}

static void count_event(uint32_t spi, const struct addr *a, void *arg)
{
        (void)a;
        *(uint32_t *)arg += spi;
}

static void events(void **state)
{
        uint32_t sum = 0;
        struct addr from = addr("192.0.2.9:4500");
        struct sa_kernel *k =
                open_as(SA_END_PCSCF, (struct sa_kernel_events){.on_mapping = count_event, .arg = &sum});

        (void)state;
        assert_ptr_equal(fake_sa_object(), k);
        assert_true(fake_sa_mapping(k, 1000, &from));
        assert_false(fake_sa_expire(k, 1000, &from));
        assert_int_equal(sum, 1000);
        sa_kernel_close(k);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(sets, setup),
                cmocka_unit_test_setup(failures, setup),
                cmocka_unit_test_setup(others, setup),
                cmocka_unit_test_setup(events, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
