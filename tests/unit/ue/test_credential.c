/* SPDX-License-Identifier: BSD-3-Clause
 * Credential sets: fields, derivation, completeness, choice (TS 33.203 8.0, 8.1, 9; TS 23.003 13). */
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

#include "tests/unit/proves.h"
#include "ue/credential.h"

#define K_HEX   "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OP_HEX  "cdc202d5123e20f62b6d676ac72cb318"
#define OPC_HEX "cd63cb71954a9f4e48a5994e37a02baf"

static int set(struct credential *c, const char *field, const char *value)
{
        struct buf err = BUF_INIT;
        int rc = credential_set(c, span_of(field), span_of(value), &err);

        if (rc == -IMS_EPARSE) {
                assert_true(err.n > 0);
                /* a value, which may be a key, is never repeated */
                assert_true(strlen(value) < 8 || span_find(buf_as_span(&err), span_of(value)) < 0);
        }
        buf_free(&err);
        return rc;
}

static void fields_are_checked(void **state)
{
        static const char *const bad[][2] = {
                {"impi", "no-realm"},
                {"impi", "@realm"},
                {"impi", "user@"},
                {"impi", "a@b@c"},
                {"impi", "a\"b@c"},
                {"impu", "mailto:a@b"},
                {"impu", "sip:a b"},
                {"domain", "a_b"},
                {"domain", ""},
                {"imsi", "12345"},
                {"imsi", "00101000000000x"},
                {"imsi", "0010100000000012"},
                {"k", "46"},
                {"k", K_HEX "0"},
                {"k", "g65b5ce8b199b49faa5f0a2ee238a6bc"},
                {"opc", ""},
                {"algorithm", "comp128"},
                {"mnc_digits", "4"},
                {"sqn_ind_bits", "9"},
                {"sqn_ind_bits", "0"},
                {"res_octets", "3"},
        };
        struct credential c = {0};

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                if (set(&c, bad[i][0], bad[i][1]) != -IMS_EPARSE)
                        fail_msg("%s \"%s\" was taken", bad[i][0], bad[i][1]);
        assert_int_equal(set(&c, "colour", "red"), -IMS_ENOTFOUND);
        assert_int_equal(set(&c, "impi", "u@r"), 0);
        assert_int_equal(set(&c, "impu", "tel:+15550001"), 0);
        assert_int_equal(set(&c, "k", K_HEX), 0);
        assert_int_equal(c.key.k_n, 16);
}

static int finish(struct credential *c, bool derive, struct buf *err)
{
        buf_reset(err);
        return credential_finish(c, derive, err);
}

static void a_set_is_complete_or_refused(void **state)
{
        static const char *const all[][2] = {
                {"impi", "u@r"}, {"impu", "sip:u@r"}, {"domain", "r"}, {"k", K_HEX}, {"opc", OPC_HEX}};
        struct buf err = BUF_INIT;

        (void)state;
        for (size_t left_out = 0; left_out <= 5; left_out++) {
                struct credential c = {.kind = CREDENTIAL_ISIM};

                for (size_t i = 0; i < 5; i++)
                        if (i != left_out)
                                assert_int_equal(set(&c, all[i][0], all[i][1]), 0);
                assert_int_equal(finish(&c, false, &err), left_out == 5 ? 0 : -IMS_ECONF);
                assert_true((err.n == 0) == (left_out == 5));
        }
        buf_free(&err);
        proves("ISIM-003");
}

static void usim_is_derived_from_its_imsi(void **state)
{
        struct credential c = {.kind = CREDENTIAL_USIM};
        struct buf err = BUF_INIT;

        (void)state;
        assert_int_equal(set(&c, "imsi", "234150999999999"), 0);
        assert_int_equal(set(&c, "k", K_HEX), 0);
        assert_int_equal(set(&c, "op", OP_HEX), 0);
        assert_int_equal(finish(&c, false, &err), 0);
        assert_string_equal(c.domain,
                            "ims.mnc015.mcc234.3gppnetwork.org"); /* the example of TS 23.003 13.2 */
        assert_string_equal(c.impi, "234150999999999@ims.mnc015.mcc234.3gppnetwork.org");
        assert_string_equal(c.impu[0], "sip:234150999999999@ims.mnc015.mcc234.3gppnetwork.org");
        c = (struct credential){.kind = CREDENTIAL_USIM};
        assert_int_equal(set(&c, "imsi", "310410123456789"), 0);
        assert_int_equal(set(&c, "mnc_digits", "3"), 0);
        assert_int_equal(set(&c, "k", K_HEX), 0);
        assert_int_equal(set(&c, "op", OP_HEX), 0);
        assert_int_equal(finish(&c, false, &err), 0);
        assert_string_equal(c.domain, "ims.mnc410.mcc310.3gppnetwork.org");
        buf_free(&err);
}

static void op_becomes_opc(void **state)
{
        static const uint8_t opc[] = {0xcd, 0x63, 0xcb, 0x71, 0x95, 0x4a, 0x9f, 0x4e,
                                      0x48, 0xa5, 0x99, 0x4e, 0x37, 0xa0, 0x2b, 0xaf};
        struct credential c = {.kind = CREDENTIAL_ISIM};
        struct buf err = BUF_INIT;

        (void)state;
        assert_int_equal(set(&c, "impi", "u@r"), 0);
        assert_int_equal(set(&c, "k", K_HEX), 0);
        assert_int_equal(set(&c, "op", OP_HEX), 0);
        assert_int_equal(finish(&c, true, &err), 0);
        assert_memory_equal(c.key.opc, opc, 16);
        assert_string_equal(c.impu[0], "sip:u@r");
        assert_string_equal(c.domain, "r");
        assert_int_equal(set(&c, "op", OP_HEX), 0);
        assert_int_equal(set(&c, "opc", OPC_HEX), 0);
        assert_int_equal(finish(&c, true, &err), -IMS_ECONF); /* both */
        buf_free(&err);
}

static void isim_before_usim_before_imc(void **state)
{
        struct credential sets[3] = {{.kind = CREDENTIAL_IMC, .password = "p"},
                                     {.kind = CREDENTIAL_USIM, .key.k_n = 16},
                                     {.kind = CREDENTIAL_ISIM, .key.k_n = 16}};

        (void)state;
        assert_ptr_equal(credential_choose_key(sets, 3), &sets[2]);
        assert_ptr_equal(credential_choose_key(sets, 2), &sets[1]);
        assert_null(credential_choose_key(sets, 1));
        assert_ptr_equal(credential_choose_password(sets, 3), &sets[0]);
        (void)strcpy(sets[1].password, "q");
        assert_ptr_equal(credential_choose_password(sets, 3), &sets[1]);
        sets[0].key.k_n = 16;
        sets[2].kind = CREDENTIAL_NONE;
        assert_ptr_equal(credential_choose_key(sets, 3), &sets[1]);
        assert_ptr_equal(credential_choose_key(sets, 1), &sets[0]);
        assert_null(credential_choose_key(sets + 2, 1));
        proves("ISIM-001 ISIM-008");
}

static void write_file(const char *path, const char *text, mode_t mode)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        assert_int_equal(fchmod(fd, mode), 0);
        close(fd);
}

static void files_are_private_and_faults_have_a_line(void **state)
{
        char path[] = "/tmp/quintet-credential-XXXXXX";
        struct credential c;
        struct buf err = BUF_INIT;
        int fd = mkstemp(path);

        (void)state;
        assert_true(fd >= 0);
        close(fd);
        write_file(path,
                   "# card\n\nimpi: u@r\r\nimpu: sip:u@r\nimpu: tel:+1\ndomain: r\nk: " K_HEX
                   "\nopc: " OPC_HEX,
                   0600);
        assert_int_equal(credential_load(path, CREDENTIAL_IMC, &c, &err), 0);
        assert_int_equal(c.n_impu, 2);
        assert_string_equal(c.impi, "u@r");
        assert_int_equal(c.kind, CREDENTIAL_IMC);
        write_file(path, "impi: u@r\n", 0640);
        assert_int_equal(credential_load(path, CREDENTIAL_ISIM, &c, &err), -IMS_EPERM);
        buf_reset(&err);
        write_file(path, "impi: u@r\nk: 12\n", 0600);
        assert_int_equal(credential_load(path, CREDENTIAL_ISIM, &c, &err), -IMS_EPARSE);
        assert_true(span_find(buf_as_span(&err), SPAN(":2: k: ")) > 0);
        buf_reset(&err);
        write_file(path, "just text\n", 0600);
        assert_int_equal(credential_load(path, CREDENTIAL_ISIM, &c, &err), -IMS_EPARSE);
        unlink(path);
        assert_int_equal(credential_load(path, CREDENTIAL_ISIM, &c, &err), -IMS_EIO);
        buf_free(&err);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fields_are_checked),
                cmocka_unit_test(a_set_is_complete_or_refused),
                cmocka_unit_test(usim_is_derived_from_its_imsi),
                cmocka_unit_test(op_becomes_opc),
                cmocka_unit_test(isim_before_usim_before_imc),
                cmocka_unit_test(files_are_private_and_faults_have_a_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
