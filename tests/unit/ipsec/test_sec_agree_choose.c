/* SPDX-License-Identifier: BSD-3-Clause
 * The choice among mechanisms at both ends. */
#include "tests/unit/ipsec/lists.h"
#include "tests/unit/json_path.h"
#include "tests/unit/proves.h"

#define TRANS (1u << SEC_MODE_TRANS)
#define TUN   (1u << SEC_MODE_UDP_ENC_TUN)
#define GCM   ";alg=null;ealg=aes-gcm"
#define CBC   ";ealg=aes-cbc"
#define MD5   ";alg=hmac-md5-96"
#define DES3  ";ealg=des-ede3-cbc"

static char *vectors;

/* The pairs at a path of the vectors. */
static size_t pairs(const char *path, struct sec_suite out[static SEC_SUITES_MAX])
{
        size_t n = 0;

        for (; n < SEC_SUITES_MAX; n++) {
                char at[96], alg[32], ealg[32], both[80];

                (void)snprintf(at, sizeof(at), "%s[%zu][0]", path, n);
                if (!json_text(vectors, at, alg, sizeof(alg)))
                        break;
                (void)snprintf(at, sizeof(at), "%s[%zu][1]", path, n);
                assert_true(json_text(vectors, at, ealg, sizeof(ealg)));
                (void)snprintf(both, sizeof(both), "%s/%s", alg, ealg);
                assert_int_equal(sec_suite_parse(span_of(both), &out[n]), 0);
        }
        return n;
}

/* What one end writes and the other reads. text: to be freed. */
static struct sec_list sent(const struct sec_write *w, struct buf *text)
{
        buf_reset(text);
        sec_list_write(w, text);
        buf_char(text, '\0');
        assert_int_equal(text->err, 0);
        return list_of(text->p);
}

/* One case of the file, both ends of it. */
static void vector_case(unsigned i)
{
        struct sec_write w = {.modes = TRANS, .ends = {300, 301, 4001, 4002}, .with_ealg = true};
        struct sec_suite ue[SEC_SUITES_MAX], want[SEC_SUITES_MAX], s = {SEC_ALG_OTHER, SEC_EALG_OTHER};
        struct sec_policy p = {.confidentiality = SEC_CONF_PREFERRED};
        char path[64], encryption[8];
        struct buf text = BUF_INIT;
        const struct sec_entry *e;
        struct sec_list l;
        size_t ue_n, want_n;

        (void)snprintf(path, sizeof(path), "choice.cases[%u].pcscf", i);
        p.n = pairs(path, p.suites);
        (void)snprintf(path, sizeof(path), "choice.cases[%u].ue", i);
        ue_n = pairs(path, ue);
        (void)snprintf(path, sizeof(path), "choice.cases[%u].chosen", i);
        (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "[%d]", 0);
        want_n = json_at(vectors, path) != NULL;
        if (want_n) {
                char alg[32], ealg[32], both[80];

                assert_true(json_text(vectors, path, alg, sizeof(alg)));
                path[strlen(path) - 2] = '1';
                assert_true(json_text(vectors, path, ealg, sizeof(ealg)));
                (void)snprintf(both, sizeof(both), "%s/%s", alg, ealg);
                assert_int_equal(sec_suite_parse(span_of(both), &want[0]), 0);
        }
        w.suites = ue, w.n = ue_n;
        l = sent(&w, &text);
        e = sec_choose_pcscf(&p, &l, SEC_MODE_TRANS, &s, NULL);
        assert_int_equal(e != NULL, want_n);
        if (e)
                assert_suite(s, want[0]);
        w.suites = p.suites, w.n = p.n, w.with_q = true;
        l = sent(&w, &text);
        e = sec_choose_ue(&l, ue, ue_n, TRANS, NULL);
        assert_int_equal(e != NULL, want_n);
        if (e)
                assert_suite(e->suite, want[0]);
        (void)snprintf(path, sizeof(path), "choice.cases[%u].security_server_lists_encryption", i);
        if (json_text(vectors, path, encryption, sizeof(encryption))) {
                bool some = false;

                for (size_t k = 0; k < l.n; k++)
                        some |= sec_suite_encrypts(l.e[k].suite);
                assert_int_equal(some, strcmp(encryption, "true") == 0);
        }
        buf_free(&text);
}

static void vector_cases(void **state)
{
        unsigned i = 0;

        (void)state;
        for (;; i++) {
                char path[64];

                (void)snprintf(path, sizeof(path), "choice.cases[%u]", i);
                if (!json_at(vectors, path))
                        break;
                vector_case(i);
        }
        assert_int_equal(i, 5);
}

static void pcscf_priorities(void **state)
{
        struct sec_policy p = {{gcm, sha_cbc, sha_null}, 3, SEC_CONF_PREFERRED};
        /* the UE likes it the other way round */
        struct sec_list l = list_of(IPSEC ";q=0.9" SHA ENDS ", " IPSEC ";q=0.5" SHA CBC ENDS ", " IPSEC
                                          ";q=0.1" GCM ENDS);
        struct sec_suite s;

        (void)state;
        assert_ptr_equal(sec_choose_pcscf(&p, &l, SEC_MODE_TRANS, &s, NULL), &l.e[2]);
        assert_suite(s, gcm);
        p.suites[0] = sha_null, p.suites[2] = gcm;
        assert_ptr_equal(sec_choose_pcscf(&p, &l, SEC_MODE_TRANS, &s, NULL), &l.e[0]);
        assert_suite(s, sha_null);
        proves("SECAGREE-005");
        /* taken out of the list: never, whatever the UE prefers */
        p.suites[0] = sha_cbc, p.n = 1;
        assert_ptr_equal(sec_choose_pcscf(&p, &l, SEC_MODE_TRANS, &s, NULL), &l.e[1]);
        p.suites[0] = gmac;
        assert_null(sec_choose_pcscf(&p, &l, SEC_MODE_TRANS, &s, NULL));
        proves("SECAGREE-006");
}

static void confidentiality(void **state)
{
        struct sec_policy p = {{gcm, gmac, sha_cbc, sha_null}, 4, SEC_CONF_PREFERRED};
        struct sec_list integrity = list_of(IPSEC SHA ENDS),
                        both = list_of(IPSEC SHA ENDS ", " IPSEC SHA CBC ENDS);
        struct sec_suite s, offer[SEC_SUITES_MAX];
        const char *why = NULL;

        (void)state;
        assert_int_equal(sec_policy_offer(&p, offer), 4);
        assert_non_null(sec_choose_pcscf(&p, &integrity, SEC_MODE_TRANS, &s, &why));
        assert_suite(s, sha_null);
        assert_non_null(sec_choose_pcscf(&p, &both, SEC_MODE_TRANS, &s, &why));
        assert_suite(s, sha_cbc);

        p.confidentiality = SEC_CONF_REQUIRED;
        assert_int_equal(sec_policy_offer(&p, offer), 2);
        assert_suite(offer[0], gcm);
        assert_suite(offer[1], sha_cbc);
        assert_null(why);
        assert_null(sec_choose_pcscf(&p, &integrity, SEC_MODE_TRANS, &s, &why));
        assert_string_equal(why, "no mechanism with encryption, which is required");
        assert_non_null(sec_choose_pcscf(&p, &both, SEC_MODE_TRANS, &s, NULL));
        assert_suite(s, sha_cbc);
        proves("SECAGREE-007");

        p.confidentiality = SEC_CONF_NEVER;
        assert_int_equal(sec_policy_offer(&p, offer), 2);
        assert_suite(offer[0], gmac);
        assert_suite(offer[1], sha_null);
        assert_non_null(sec_choose_pcscf(&p, &both, SEC_MODE_TRANS, &s, NULL));
        assert_suite(s, sha_null);
}

static void old_algorithms(void **state)
{
        const struct sec_policy now = {{gcm, sha_cbc, gmac, sha_null}, 4, SEC_CONF_PREFERRED};
        struct sec_policy p = {{md5_null, sha_3des, sha_null, sha_cbc}, 4, SEC_CONF_PREFERRED};
        struct sec_list old = list_of(IPSEC MD5 ENDS ", " IPSEC SHA DES3 ENDS);
        struct sec_list mixed = list_of(IPSEC MD5 ENDS ", " IPSEC SHA DES3 ENDS ", " IPSEC SHA CBC ENDS);
        struct sec_suite s, offer[SEC_SUITES_MAX];
        const char *why = NULL;
        size_t n = sec_policy_offer(&now, offer);

        (void)state;
        for (size_t i = 0; i < n; i++)
                assert_true(offer[i].alg != SEC_ALG_HMAC_MD5_96 && offer[i].ealg != SEC_EALG_DES_EDE3_CBC);
        assert_null(sec_choose_pcscf(&now, &old, SEC_MODE_TRANS, &s, &why));
        assert_string_equal(why, "no alg and ealg in common");
        assert_null(sec_choose_ue(&old, now.suites, now.n, TRANS, &why));
        proves("SECAGREE-034");

        /* switched on, they come last wherever they stand */
        assert_int_equal(sec_policy_offer(&p, offer), 4);
        assert_suite(offer[0], sha_null);
        assert_suite(offer[1], sha_cbc);
        assert_suite(offer[2], md5_null);
        assert_suite(offer[3], sha_3des);
        assert_ptr_equal(sec_choose_pcscf(&p, &mixed, SEC_MODE_TRANS, &s, NULL), &mixed.e[2]);
        assert_ptr_equal(sec_choose_pcscf(&p, &old, SEC_MODE_TRANS, &s, NULL), &old.e[0]);
        assert_suite(s, md5_null);
        assert_ptr_equal(sec_choose_ue(&old, p.suites, p.n, TRANS, NULL), &old.e[0]);
        proves("SECAGREE-035");
}

/* A policy made by hand offers what Annex H allows, and no more than there is room for. */
static void impossible_policy(void **state)
{
        struct sec_policy p = {
                {{SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_GCM}, {SEC_ALG_OTHER, SEC_EALG_NULL}, gmac},
                3,
                SEC_CONF_PREFERRED};
        struct sec_suite offer[SEC_SUITES_MAX];

        (void)state;
        assert_int_equal(sec_policy_offer(&p, offer), 1);
        assert_suite(offer[0], gmac);
        for (size_t i = 0; i < SEC_SUITES_MAX; i++)
                p.suites[i] = sha_null;
        p.n = SEC_SUITES_MAX + 5;
        assert_int_equal(sec_policy_offer(&p, offer), SEC_SUITES_MAX);
}

static void modes(void **state)
{
        const struct sec_policy p = {{sha_cbc}, 1, SEC_CONF_PREFERRED};
        struct sec_list l = list_of(IPSEC SHA CBC ENDS ", " IPSEC SHA CBC ";mod=udp-ENC-tun" ENDS);
        struct sec_suite s;
        const char *why = NULL;

        (void)state;
        assert_ptr_equal(sec_choose_pcscf(&p, &l, SEC_MODE_TRANS, &s, NULL), &l.e[0]);
        assert_ptr_equal(sec_choose_pcscf(&p, &l, SEC_MODE_UDP_ENC_TUN, &s, NULL), &l.e[1]);
        assert_ptr_equal(sec_choose_ue(&l, &sha_cbc, 1, TUN, NULL), &l.e[1]);
        l.n = 1;
        assert_null(sec_choose_pcscf(&p, &l, SEC_MODE_UDP_ENC_TUN, &s, &why));
        assert_string_equal(why, "no mechanism with mod UDP-enc-tun");
        assert_null(sec_choose_ue(&l, &sha_cbc, 1, TUN, &why));
        assert_string_equal(why, "no mechanism with mod UDP-enc-tun");
        l = list_of(IPSEC SHA CBC ";mod=UDP-enc-tun" ENDS);
        assert_null(sec_choose_ue(&l, &sha_cbc, 1, TRANS, &why));
        assert_string_equal(why, "no mechanism with mod trans");
        l = list_of(IPSEC SHA CBC ";mod=tun" ENDS);
        assert_null(sec_choose_ue(&l, &sha_cbc, 1, ~0u, &why));
        assert_string_equal(why, "mod is neither trans nor UDP-enc-tun");
}

static void pcscf_finds_nothing(void **state)
{
        const struct sec_policy p = {{sha_cbc, sha_null}, 2, SEC_CONF_PREFERRED};
        struct sec_list l = list_of(IPSEC ";alg=hmac-sha-2-256" ENDS ", digest, tls;q=1");
        struct sec_suite s = gcm;
        const char *why = NULL;

        (void)state;
        assert_null(sec_choose_pcscf(&p, &l, SEC_MODE_TRANS, &s, &why));
        assert_string_equal(why, "alg is not known");
        l = list_of("digest, tls");
        assert_null(sec_choose_pcscf(&p, &l, SEC_MODE_TRANS, &s, &why));
        assert_string_equal(why, "no ipsec-3gpp mechanism");
        l.n = 0;
        assert_null(sec_choose_pcscf(&p, &l, SEC_MODE_TRANS, &s, &why));
        l = list_of(IPSEC GCM ENDS);
        assert_null(sec_choose_pcscf(&p, &l, SEC_MODE_TRANS, &s, &why));
        assert_string_equal(why, "no alg and ealg in common");
        assert_suite(s, gcm); /* not written */
}

static void ue_order(void **state)
{
        const struct sec_suite all[] = {sha_null, gmac, sha_cbc, gcm};
        struct sec_list l = list_of("x;q=1, tls;q=0.95, " IPSEC GCM ENDS ", " IPSEC ";q=0.2" SHA ENDS
                                    ", " IPSEC ";q=0.9" SHA ";prot=ah" ENDS ", " IPSEC ";q=0.21" SHA CBC ENDS
                                    ", " IPSEC ";q=0.210;alg=aes-gmac" ENDS);

        (void)state;
        /* AH is passed over; of equals the first; those with q before those without; never by the UE's own
         * order */
        assert_ptr_equal(sec_choose_ue(&l, all, 4, TRANS, NULL), &l.e[5]);
        assert_ptr_equal(sec_choose_ue(&l, all, 2, TRANS, NULL), &l.e[6]);
        assert_ptr_equal(sec_choose_ue(&l, all, 1, TRANS, NULL), &l.e[3]);
        assert_ptr_equal(sec_choose_ue(&l, all + 3, 1, TRANS, NULL), &l.e[2]);
        proves("SECAGREE-021");
        /* without q the order of the list decides */
        l = list_of(IPSEC SHA CBC ENDS ", " IPSEC GCM ENDS);
        assert_ptr_equal(sec_choose_ue(&l, all, 4, TRANS, NULL), &l.e[0]);
        l = list_of(IPSEC GCM ENDS ", " IPSEC SHA CBC ENDS);
        assert_ptr_equal(sec_choose_ue(&l, all, 4, TRANS, NULL), &l.e[0]);
        /* q=0 is the last with a q */
        l = list_of(IPSEC GCM ENDS ", " IPSEC ";q=0" SHA CBC ENDS ", " IPSEC ";q=0.001" SHA ENDS);
        assert_ptr_equal(sec_choose_ue(&l, all, 4, TRANS, NULL), &l.e[2]);
        l.n = 2;
        assert_ptr_equal(sec_choose_ue(&l, all, 4, TRANS, NULL), &l.e[1]);
        proves("SECAGREE-011");
}

static void ue_null_encryption(void **state)
{
        const struct sec_suite all[] = {gcm, sha_cbc, gmac, sha_null};
        struct sec_list l = list_of(IPSEC ";q=0.9" SHA ENDS);
        const struct sec_entry *e = sec_choose_ue(&l, all, 4, TRANS, NULL);

        (void)state;
        assert_non_null(e);
        assert_suite(e->suite, sha_null);
        assert_false(e->has_ealg);
        /* a UE that must encrypt takes nothing from such a list */
        assert_null(sec_choose_ue(&l, all, 2, TRANS, NULL));
        proves("SECAGREE-012");
}

static void ue_finds_nothing(void **state)
{
        struct sec_list l = list_of("tls, " IPSEC GCM ";prot=ah" ENDS ", " IPSEC SHA);
        const char *why = NULL;

        (void)state;
        assert_null(sec_choose_ue(&l, &sha_null, 1, TRANS, &why));
        assert_string_equal(why, "spi-c, spi-s, port-c or port-s is missing");
        l = list_of(IPSEC SHA ENDS);
        assert_null(sec_choose_ue(&l, &sha_null, 0, TRANS, &why));
        assert_string_equal(why, "no alg and ealg in common");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(vector_cases),        cmocka_unit_test(pcscf_priorities),
                cmocka_unit_test(confidentiality),     cmocka_unit_test(old_algorithms),
                cmocka_unit_test(impossible_policy),   cmocka_unit_test(modes),
                cmocka_unit_test(pcscf_finds_nothing), cmocka_unit_test(ue_order),
                cmocka_unit_test(ue_null_encryption),  cmocka_unit_test(ue_finds_nothing),
        };
        int r;

        vectors = json_read(TEST_DATA "/vectors/sec-agree.json");
        r = cmocka_run_group_tests_name("ipsec.sec_agree_choose", tests, NULL, NULL);
        free(vectors);
        return r;
}
