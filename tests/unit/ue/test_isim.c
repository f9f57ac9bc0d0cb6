/* SPDX-License-Identifier: BSD-3-Clause
 * The card: MAC before SQN, one highest SEQ per IND, state that survives (TS 33.102 6.3.3, C.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "tests/unit/proves.h"
#include "ue/isim.h"

struct fixture {
        struct credential cred;
        struct aka_ctx *aka;
        char dir[64], file[96];
};

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        if (!f)
                return -1;
        f->cred.kind = CREDENTIAL_ISIM;
        f->cred.key.k_n = 16;
        if (hex_decode(SPAN("465b5ce8b199b49faa5f0a2ee238a6bc"), f->cred.key.k, 16) < 0 ||
            hex_decode(SPAN("cd63cb71954a9f4e48a5994e37a02baf"), f->cred.key.opc, 16) < 0)
                return -1;
        (void)snprintf(f->dir, sizeof(f->dir), "/tmp/quintet-isim-XXXXXX");
        if (!mkdtemp(f->dir) || aka_ctx_new(&f->aka) < 0)
                return -1;
        (void)snprintf(f->file, sizeof(f->file), "%s/deep/sqn", f->dir);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;
        char deep[96];

        (void)snprintf(deep, sizeof(deep), "%s/deep", f->dir);
        unlink(f->file);
        rmdir(deep);
        rmdir(f->dir);
        aka_ctx_free(f->aka);
        free(f);
        return 0;
}

static struct isim *card(struct fixture *f, const char *file)
{
        struct buf err = BUF_INIT;
        struct isim *s = NULL;

        assert_int_equal(isim_new(&f->cred, file, &s, &err), 0);
        buf_free(&err);
        return s;
}

static struct isim_answer challenge(struct fixture *f, struct isim *s, uint64_t sqn, uint16_t amf, bool spoil)
{
        uint8_t rand[16] = {(uint8_t)sqn, 1, 2, 3};
        struct isim_answer a;
        struct aka_av av;

        assert_int_equal(aka_generate(f->aka, &f->cred.key, rand, sqn, amf, &av), 0);
        if (spoil)
                av.autn[15] ^= 1;
        assert_int_equal(isim_authenticate(s, av.rand, av.autn, &a), 0);
        if (a.result == ISIM_OK) {
                assert_int_equal(a.res_n, av.xres_n);
                assert_memory_equal(a.res, av.xres, av.xres_n);
                assert_memory_equal(a.ck.b, av.ck.b, 16);
                assert_memory_equal(a.ik.b, av.ik.b, 16);
        } else {
                static const struct isim_answer none;

                assert_memory_equal(a.res, none.res, sizeof(a.res));
                assert_memory_equal(a.ck.b, none.ck.b, 16);
                assert_memory_equal(a.ik.b, none.ik.b, 16);
        }
        if (a.result == ISIM_SQN_REPEATED) {
                uint64_t sqn_ms;

                assert_int_equal(aka_check_auts(f->aka, &f->cred.key, av.rand, a.auts, &sqn_ms), 0);
                assert_int_equal(sqn_ms, isim_sqn(s));
        }
        return a;
}

static void mac_counts_before_sqn(void **state)
{
        struct fixture *f = *state;
        struct isim *s = card(f, NULL);

        assert_int_equal(challenge(f, s, 64, 0, false).result, ISIM_OK);
        assert_int_equal(challenge(f, s, 32, 0, true).result, ISIM_MAC_WRONG); /* SQN is old as well */
        assert_int_equal(challenge(f, s, 320, 0, true).result, ISIM_MAC_WRONG);
        assert_int_equal(isim_sqn(s), 64); /* a wrong MAC moves nothing */
        assert_int_equal(challenge(f, s, 64, 0, false).result, ISIM_SQN_REPEATED);
        isim_free(s);
        proves("AKA-029");
}

static void state_survives_a_restart(void **state)
{
        struct fixture *f = *state;
        struct isim *s = card(f, f->file);
        struct stat st;

        assert_int_equal(challenge(f, s, 10 * 32 + 3, 0, false).result, ISIM_OK);
        isim_free(s);
        assert_int_equal(stat(f->file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        s = card(f, f->file);
        assert_int_equal(isim_sqn(s), 10 * 32 + 3);
        assert_int_equal(challenge(f, s, 10 * 32 + 3, 0, false).result, ISIM_SQN_REPEATED);
        assert_int_equal(challenge(f, s, 9 * 32 + 4, 0, false).result, ISIM_OK); /* another IND */
        isim_free(s);
        proves("ISIM-004 AKA-010");
}

static void two_runs_of_one_sim_share_the_state(void **state)
{
        struct fixture *f = *state;
        struct isim *a = card(f, f->file), *b = card(f, f->file);

        assert_int_equal(challenge(f, a, 1000 * 32, 0, false).result, ISIM_OK);
        assert_int_equal(challenge(f, b, 1000 * 32, 0, false).result, ISIM_SQN_REPEATED);
        isim_free(a);
        isim_free(b);
}

static void a_state_that_cannot_be_kept_refuses_the_challenge(void **state)
{
        struct fixture *f = *state;
        struct isim *s = card(f, f->file);
        uint8_t rand[16] = {9};
        struct isim_answer a = {.result = ISIM_MAC_WRONG};
        struct aka_av av;
        char deep[96];

        assert_int_equal(aka_generate(f->aka, &f->cred.key, rand, 5000 * 32, 0, &av), 0);
        (void)snprintf(deep, sizeof(deep), "%s/deep", f->dir);
        unlink(f->file);
        assert_int_equal(rmdir(deep), 0);
        assert_int_equal(isim_authenticate(s, av.rand, av.autn, &a), -IMS_EIO);
        assert_int_equal(a.result, ISIM_MAC_WRONG); /* untouched */
        assert_int_equal(isim_sqn(s), 0);
        isim_free(s);
}

static void separation_bit_is_checked_on_wish(void **state)
{
        struct fixture *f = *state;
        struct isim *s = card(f, NULL);

        assert_int_equal(challenge(f, s, 32, 0x8000, false).result, ISIM_OK);
        isim_check_amf(s, true);
        assert_int_equal(challenge(f, s, 64, 0x8000, false).result, ISIM_AMF_WRONG);
        assert_int_equal(challenge(f, s, 64, 0x7fff, false).result, ISIM_OK);
        isim_free(s);
}

static void too_far_a_jump_is_refused_when_limited(void **state)
{
        struct fixture *f = *state;
        struct isim *s;

        f->cred.sqn_delta = 100;
        s = card(f, NULL);
        assert_int_equal(challenge(f, s, 50 * 32, 0, false).result, ISIM_OK);
        assert_int_equal(challenge(f, s, 500 * 32, 0, false).result, ISIM_SQN_TOO_FAR);
        assert_int_equal(isim_sqn(s), 50 * 32);
        isim_free(s);
}

static void damaged_files_are_refused(void **state)
{
        static const char *const bad[] = {"",
                                          "quintet-sqn 2\n",
                                          "quintet-sqn 1\nseq 1\n",
                                          "quintet-sqn 1\nseq 32 1\n",
                                          "quintet-sqn 1\nind_bits 9\n",
                                          "quintet-sqn 1\nhello\n",
                                          "quintet-sqn 1\nseq 0 99999999999999\n"};
        struct fixture *f = *state;

        isim_free(card(f, f->file)); /* makes the folder */
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct buf err = BUF_INIT;
                struct isim *s = NULL;
                int fd = open(f->file, O_WRONLY | O_TRUNC);

                assert_int_equal(write(fd, bad[i], strlen(bad[i])), (ssize_t)strlen(bad[i]));
                close(fd);
                assert_int_equal(isim_new(&f->cred, f->file, &s, &err), -IMS_EPARSE);
                assert_true(err.n > 0);
                buf_free(&err);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(mac_counts_before_sqn, setup, teardown),
                cmocka_unit_test_setup_teardown(state_survives_a_restart, setup, teardown),
                cmocka_unit_test_setup_teardown(two_runs_of_one_sim_share_the_state, setup, teardown),
                cmocka_unit_test_setup_teardown(a_state_that_cannot_be_kept_refuses_the_challenge, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(separation_bit_is_checked_on_wish, setup, teardown),
                cmocka_unit_test_setup_teardown(too_far_a_jump_is_refused_when_limited, setup, teardown),
                cmocka_unit_test_setup_teardown(damaged_files_are_refused, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
