/* SPDX-License-Identifier: BSD-3-Clause
 * Out of memory while a list is written or copied, or the key log is opened. */
#include "tests/unit/ipsec/lists.h"

#include "common/ipsec/esp_keylog.h"

#include "tests/unit/fail_alloc.h"

static const struct sec_suite suites[SEC_SUITES_MAX] = {{SEC_ALG_NULL, SEC_EALG_AES_GCM},
                                                        {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
                                                        {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL}};
static const struct sec_write list = {suites, 3,   1u << SEC_MODE_TRANS, {300, 301, 4001, 4002}, true,
                                      true,   true};

static void writing(void **state)
{
        unsigned long n = 0;
        bool again = true;

        (void)state;
        if (!CAN_FAIL)
                skip();
        for (; again; n++) {
                struct buf b = BUF_INIT;
                long live = alloc_live;
                unsigned long failed = alloc_failed;

                alloc_fail_at(n);
                sec_list_write(&list, &b);
                alloc_armed = false;
                again = alloc_failed > failed;
                assert_int_equal(b.err, again ? -IMS_ENOMEM : 0);
                buf_free(&b);
                assert_int_equal(alloc_live, live);
        }
        assert_true(n > 2);
}

static void key_log(void **state)
{
        long live = alloc_live;
        struct esp_keylog *l = NULL;

        (void)state;
        if (!CAN_FAIL)
                skip();
        alloc_fail_at(0);
        assert_int_equal(esp_keylog_open("/dev/null", &l), -IMS_ENOMEM);
        assert_null(l);
        assert_int_equal(esp_keylog_open("/dev/null", &l), 0);
        esp_keylog_close(l);
        assert_int_equal(alloc_live, live);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(writing), cmocka_unit_test(key_log)};

        return cmocka_run_group_tests_name("ipsec.oom", tests, NULL, NULL);
}
