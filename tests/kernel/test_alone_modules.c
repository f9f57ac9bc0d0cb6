/* SPDX-License-Identifier: BSD-3-Clause
 * A kernel without the modules that a suite needs: it is told with the module's name. Modules belong to the
 * whole machine, so this program runs when no other test does (tests/kernel/inside.sh). */
#include "tests/kernel/kernel_fix.h"

static void expect_text(const struct buf *b, const char *part)
{
        if (!memmem(b->p, b->n, part, strlen(part)))
                fail_msg("\"%s\" is not in \"%.*s\"", part, (int)b->n, b->p);
}

/* A module is in use until the kernel's worker has freed the SAs that were deleted. */
static void unload(const char *module)
{
        shell("for i in $(seq 100); do /run/modprobe -r %s 2>/run/why && exit 0; sleep 0.1; done; cat "
              "/run/why; exit 1",
              module);
}

/* A kernel that cannot load the module of ESP for IPv6, then the one of GCM: only in a machine of our own. */
static void cannot_load(void **state)
{
        static const struct sec_suite cbc = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
                                      gcm = {SEC_ALG_NULL, SEC_EALG_AES_GCM};
        struct buf why = BUF_INIT;

        (void)state;
        if (access("/run/modprobe", X_OK) != 0) {
                print_message("SKIP: the modules of this machine are left alone\n");
                skip();
        }
        shell("echo /bin/false >/proc/sys/kernel/modprobe");
        unload("esp6");
        assert_int_equal(sa_kernel_probe(bed.pcscf, cbc, SEC_MODE_TRANS, AF_INET6, &why), -IMS_EUNSUPPORTED);
        expect_text(&why, "modprobe esp6");
        buf_reset(&why);
        assert_int_equal(sa_kernel_probe(bed.pcscf, cbc, SEC_MODE_TRANS, AF_INET, &why), 0);
        unload("gcm");
        assert_int_equal(sa_kernel_probe(bed.pcscf, gcm, SEC_MODE_TRANS, AF_INET, &why), -IMS_EUNSUPPORTED);
        expect_text(&why, "does not do null/aes-gcm");
        expect_text(&why, "CONFIG_CRYPTO_GCM");
        shell("echo /run/modprobe >/proc/sys/kernel/modprobe; /run/modprobe -a esp6 gcm");
        buf_reset(&why);
        assert_int_equal(sa_kernel_probe(bed.pcscf, gcm, SEC_MODE_TRANS, AF_INET6, &why), 0);
        buf_free(&why);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(cannot_load, bed_open, bed_close),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
