/* SPDX-License-Identifier: BSD-3-Clause
 * The authentication centre beside a card: domains that interleave, shares of the array, its limits.
 */
#include "tests/unit/hss/fixture.h"

#include "common/base/codec.h"
#include "hss/auc.h"

static const struct sqn_scheme scheme = {
        .ind_bits = 5,
        .range = {[SQN_DOMAIN_CS] = {0, 11}, [SQN_DOMAIN_PS] = {12, 27}, [SQN_DOMAIN_IMS] = {28, 31}},
};

static struct aka_key test_key(void)
{
        struct aka_key key = {.algorithm = AKA_MILENAGE, .k_n = 16};
        assert_int_equal(hex_decode(SPAN(K), key.k, 16), 0);
        assert_int_equal(hex_decode(SPAN(OPC), key.opc, 16), 0);
        return key;
}

static uint64_t sqn_of(struct auc *a, const struct aka_key *key, const struct aka_av *av)
{
        struct aka_av out;
        uint64_t sqn;
        uint16_t amf;
        assert_int_equal(aka_check_autn(auc_aka(a), key, av->rand, av->autn, &sqn, &amf, &out), 0);
        return sqn;
}

static int vectors(struct auc *a, enum sqn_domain domain, struct sqn_hss *st, struct aka_av *out, size_t m)
{
        const struct aka_key key = test_key();
        const struct auc_order order = {.domain = domain, .amf = 0x8000, .m = m};
        return auc_vectors(a, &key, &order, st, out);
}

/* Each domain keeps vectors for a while and uses them late, in its own order; the card refuses none. */
static void interleaving(void **state)
{
        (void)state;
        enum { BATCH = 3, ROUNDS = 200 };
        struct auc *a = NULL;
        struct sqn_hss st = {0};
        struct sqn_card card = {.ind_bits = 5};
        const struct aka_key key = test_key();
        struct aka_av batch[SQN_DOMAINS][BATCH];
        assert_int_equal(auc_new(&scheme, &a), 0);
        for (int round = 0; round < ROUNDS; round++) {
                for (int d = 0; d < SQN_DOMAINS; d++)
                        assert_int_equal(vectors(a, (enum sqn_domain)d, &st, batch[d], BATCH), 0);
                for (int i = 0; i < BATCH; i++)
                        for (int d = SQN_DOMAINS - 1; d >= 0; d--) { /* against the order of their making */
                                uint64_t sqn = sqn_of(a, &key, &batch[d][i]);
                                uint64_t ind = sqn & 31;
                                assert_in_range(ind, scheme.range[d].first, scheme.range[d].last);
                                if (sqn_card_accept(&card, sqn) != SQN_OK)
                                        fail_msg("round %d, domain %d, vector %d: synchronisation failure",
                                                 round, d, i);
                        }
        }
        auc_free(a);
        proves("SQN-001 SQN-002");
}

/* The share of IMS follows the configuration. */
static void shares(void **state)
{
        (void)state;
        static const struct {
                const char *conf;
                uint64_t bits, first, last;
        } rows[] = {
                {"", 5, 28, 31},
                {"auc: {ind_ims: 30-31}\n", 5, 30, 31},
                {"auc: {ind_cs: 0-3, ind_ps: 4-7, ind_ims: 8-31}\n", 5, 8, 31},
                {"auc: {ind_bits: 3, ind_cs: 0-2, ind_ps: 3-5, ind_ims: 6-7}\n", 3, 6, 7},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct fixture f;
                const struct aka_key key = test_key();
                uint64_t seen = 0;
                fixture_open(&f, rows[i].conf);
                fixture_add(&f, ALICE);
                for (int n = 0; n < 40; n++) {
                        assert_result(do_mar(&f, ALICE_IMPI, ALICE_SIP, SCSCF1, 1, NULL),
                                      dia_base(DIA_SUCCESS));
                        uint64_t ind = sqn_of(f.auc, &key, &f.job.reply.avs[0]) & ((1u << rows[i].bits) - 1);
                        assert_in_range(ind, rows[i].first, rows[i].last);
                        seen |= UINT64_C(1) << ind;
                }
                for (uint64_t ind = rows[i].first; ind <= rows[i].last; ind++)
                        assert_true(seen >> ind & 1); /* the whole share is used */
                fixture_close(&f);
        }
        proves("SQN-003 SQN-004");
}

/* AMF of the configuration, and that of a subscriber. */
static void amf(void **state)
{
        (void)state;
        struct fixture f;
        const struct aka_key key = test_key();
        struct aka_av out;
        uint64_t sqn;
        uint16_t got;
        fixture_open(&f, "auc: {amf: 1234}\n");
        fixture_add(&f, ALICE);
        fixture_add(&f, BOB " --amf b9b9");
        assert_result(do_mar(&f, ALICE_IMPI, ALICE_SIP, SCSCF1, 1, NULL), dia_base(DIA_SUCCESS));
        const struct aka_av *av = &f.job.reply.avs[0];
        assert_int_equal(aka_check_autn(f.aka, &key, av->rand, av->autn, &sqn, &got, &out), 0);
        assert_int_equal(got, 0x1234);
        assert_result(do_mar(&f, BOB_IMPI, BOB_SIP, SCSCF1, 1, NULL), dia_base(DIA_SUCCESS));
        assert_int_equal(aka_check_autn(f.aka, &key, av->rand, av->autn, &sqn, &got, &out), 0);
        assert_int_equal(got, 0xb9b9);
        fixture_close(&f);
        proves("AKA-011");
}

/* Shares that overlap, are empty or do not fit are refused when the configuration is read. */
static void bad_shares(void **state)
{
        (void)state;
        static const char *const bad[] = {
                "auc: {ind_ims: 27-31}",
                "auc: {ind_ims: 31-28}",
                "auc: {ind_ims: 28-32}",
                "auc: {ind_ims: 28}",
                "auc: {ind_bits: 4}",
                "auc: {ind_bits: 9}",
                "auc: {amf: 80}",
                "aka: {max_vectors: 17}",
                "aka: {max_vectors: 0}",
                "store: {file: x, key_file: x}",
                "identity: {mnc_digits: 4}",
                "identity: {domain: a..b}",
        };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                struct buf err = BUF_INIT;
                char text[512];
                void *conf = NULL;
                (void)snprintf(text, sizeof text,
                               "diameter: {identity: hss.example.org, realm: example.org}\n%s\n", bad[i]);
                if (conf_parse(&hss_conf_schema, "test", span_of(text), &conf, &err) != -IMS_ECONF ||
                    err.n == 0)
                        fail_msg("%s was accepted", bad[i]);
                buf_free(&err);
        }
}

static void exhausted(void **state)
{
        (void)state;
        struct auc *a = NULL;
        struct sqn_hss st = {.seq = (AKA_SQN_MAX >> 5) - 1};
        struct aka_av av[2];
        assert_int_equal(auc_new(&scheme, &a), 0);
        assert_int_equal(vectors(a, SQN_DOMAIN_IMS, &st, av, 2), -IMS_ELIMIT);
        assert_int_equal(st.seq, (AKA_SQN_MAX >> 5) - 1); /* all or none */
        assert_int_equal(vectors(a, SQN_DOMAIN_IMS, &st, av, 1), 0);
        assert_int_equal(vectors(a, SQN_DOMAIN_IMS, &st, av, 1), -IMS_ELIMIT);
        auc_free(a);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(interleaving), cmocka_unit_test(shares),
                                           cmocka_unit_test(bad_shares), cmocka_unit_test(amf),
                                           cmocka_unit_test(exhausted)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
