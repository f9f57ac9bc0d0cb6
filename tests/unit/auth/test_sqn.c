/* SPDX-License-Identifier: BSD-3-Clause
 * Sequence numbers of authentication centre and card together, TS 33.102 Annex C: interleaved domains
 * (SQN-001), IND ranges (SQN-002, SQN-004), resynchronisation in every direction, limits. */
#include "tests/unit/auth/vectors.h"

#include "common/auth/aka.h"
#include "common/auth/sqn.h"
#include "tests/unit/proves.h"

static const struct sqn_scheme scheme = {
        .ind_bits = 5,
        .range = {[SQN_DOMAIN_CS] = {0, 15}, [SQN_DOMAIN_PS] = {16, 27}, [SQN_DOMAIN_IMS] = {28, 31}}};

static uint64_t next(struct sqn_hss *hss, enum sqn_domain d)
{
        uint64_t sqn = 0;
        assert_int_equal(sqn_next(&scheme, hss, d, &sqn), 0);
        return sqn;
}

/* Vectors are fetched in batches by three nodes and used whenever the phone shows up there: each domain
 * in its own order, the domains against one another in any order. No card may object. */
static void test_interleaved_domains(void **state)
{
        (void)state;
        enum { FIFO = 5 };
        struct sqn_hss hss = {0};
        struct sqn_card card = {.ind_bits = 5, .delta = SQN_DELTA_DEFAULT};
        uint64_t fifo[SQN_DOMAINS][FIFO];
        unsigned n[SQN_DOMAINS] = {0}, used[SQN_DOMAINS] = {0};
        uint32_t random = 12345;
        for (unsigned i = 0; i < 20000; i++) {
                random = random * 1664525u + 1013904223u;
                const unsigned d = (random >> 16) % SQN_DOMAINS;
                if (n[d] == 0) {
                        const unsigned batch = d == SQN_DOMAIN_IMS ? 1 + (random >> 20) % 3 : FIFO;
                        for (unsigned k = 0; k < batch; k++)
                                fifo[d][k] = next(&hss, (enum sqn_domain)d);
                        n[d] = batch;
                        used[d] = 0;
                }
                if ((random >> 24) % 3 == 0)
                        continue; /* fetched, but used much later */
                assert_int_equal(sqn_card_accept(&card, fifo[d][used[d]++]), SQN_OK);
                n[d]--;
        }
        assert_true(hss.seq > 5000);
        proves("SQN-001");
}

/* The same with all domains in one order of SEQ but a single IND would fail: the ranges do the work. */
static void test_single_index_fails(void **state)
{
        (void)state;
        struct sqn_card card = {.ind_bits = 5};
        assert_int_equal(sqn_card_accept(&card, 2 << 5 | 3), SQN_OK);
        assert_int_equal(sqn_card_accept(&card, 1 << 5 | 3), SQN_REPEATED);
        assert_int_equal(sqn_card_accept(&card, 1 << 5 | 4), SQN_OK);
}

static void check_range(const struct sqn_scheme *s, enum sqn_domain d)
{
        struct sqn_hss hss = {0};
        const unsigned width = s->range[d].last - s->range[d].first + 1u;
        uint64_t sqn = 0, before = 0;
        unsigned seen[1 << SQN_IND_BITS_MAX] = {0};
        for (unsigned i = 0; i < 4 * width; i++) {
                assert_int_equal(sqn_next(s, &hss, d, &sqn), 0);
                uint64_t ind = sqn & ((1u << s->ind_bits) - 1);
                assert_in_range(ind, s->range[d].first, s->range[d].last);
                seen[ind]++;
                assert_true(sqn > before && sqn >> s->ind_bits == i + 1);
                before = sqn;
        }
        for (unsigned ind = 0; ind < 1u << s->ind_bits; ind++) {
                bool inside = ind >= s->range[d].first && ind <= s->range[d].last;
                assert_in_range(seen[ind], inside ? 3 : 0, inside ? 5 : 0);
        }
}

static void test_index_ranges(void **state)
{
        (void)state;
        for (unsigned d = 0; d < SQN_DOMAINS; d++)
                check_range(&scheme, (enum sqn_domain)d);
        proves("SQN-002");
}

static void test_index_ranges_configurable(void **state)
{
        (void)state;
        const struct sqn_scheme narrow = {.ind_bits = 8, .range = {{0, 99}, {100, 254}, {255, 255}}};
        const struct sqn_scheme wide = {.ind_bits = 2, .range = {{0, 0}, {1, 1}, {2, 3}}};
        assert_int_equal(sqn_scheme_check(&narrow), 0);
        assert_int_equal(sqn_scheme_check(&wide), 0);
        for (unsigned d = 0; d < SQN_DOMAINS; d++) {
                check_range(&narrow, (enum sqn_domain)d);
                check_range(&wide, (enum sqn_domain)d);
        }
        /* a state from before the change of configuration moves into the new range */
        struct sqn_hss hss = {.seq = 10, .ind = {31, 31, 31}};
        uint64_t sqn = 0;
        assert_int_equal(sqn_next(&wide, &hss, SQN_DOMAIN_IMS, &sqn), 0);
        assert_true(sqn == (11 << 2 | 2));
        proves("SQN-004");
}

static void test_scheme_check(void **state)
{
        (void)state;
        struct sqn_scheme s = scheme;
        assert_int_equal(sqn_scheme_check(&s), 0);
        s.range[SQN_DOMAIN_IMS].first = 27;
        assert_int_equal(sqn_scheme_check(&s), -IMS_ECONF); /* overlap with PS */
        s = scheme;
        s.range[SQN_DOMAIN_IMS].last = 32;
        assert_int_equal(sqn_scheme_check(&s), -IMS_ECONF); /* does not fit 5 bits */
        s = scheme;
        s.range[SQN_DOMAIN_IMS].first = 31;
        s.range[SQN_DOMAIN_IMS].last = 30;
        assert_int_equal(sqn_scheme_check(&s), -IMS_ECONF); /* empty */
        s = scheme;
        s.ind_bits = SQN_IND_BITS_MAX + 1;
        assert_int_equal(sqn_scheme_check(&s), -IMS_ECONF);
        s.ind_bits = 0;
        assert_int_equal(sqn_scheme_check(&s), -IMS_ECONF);
}

static void test_card_slots(void **state)
{
        (void)state;
        struct sqn_card card = {.ind_bits = 5};
        assert_true(sqn_card_highest(&card) == 0);
        assert_int_equal(sqn_card_accept(&card, 0), SQN_REPEATED); /* SEQ 0 was never given out */
        assert_int_equal(sqn_card_accept(&card, 100 << 5 | 28), SQN_OK);
        assert_int_equal(sqn_card_accept(&card, 100 << 5 | 28), SQN_REPEATED); /* a replay */
        assert_int_equal(sqn_card_accept(&card, 99 << 5 | 28), SQN_REPEATED);
        assert_int_equal(sqn_card_accept(&card, 7 << 5 | 29), SQN_OK); /* late, but in its own slot */
        assert_true(sqn_card_highest(&card) == (100 << 5 | 28));
        assert_true(card.seq[28] == 100 && card.seq[29] == 7 && card.seq[30] == 0);
        /* what was refused moved nothing */
        assert_int_equal(sqn_card_accept(&card, 101 << 5 | 28), SQN_OK);
}

static void test_delta_limit(void **state)
{
        (void)state;
        struct sqn_card card = {.ind_bits = 5, .delta = 1000};
        assert_int_equal(sqn_card_accept(&card, UINT64_C(1000) << 5 | 1), SQN_OK);
        assert_int_equal(sqn_card_accept(&card, UINT64_C(2001) << 5 | 1), SQN_TOO_FAR);
        assert_int_equal(sqn_card_accept(&card, UINT64_C(2001) << 5 | 2), SQN_TOO_FAR);
        assert_true(sqn_card_highest(&card) == (UINT64_C(1000) << 5 | 1));
        assert_int_equal(sqn_card_accept(&card, UINT64_C(2000) << 5 | 2), SQN_OK);
        card.delta = 0; /* no limit */
        assert_int_equal(sqn_card_accept(&card, AKA_SQN_MAX), SQN_OK);
        assert_int_equal(sqn_card_accept(&card, AKA_SQN_MAX - 32), SQN_REPEATED);
}

/* One refused vector, AUTS, resynchronisation: the vector after it must please the card. */
static bool resynchronise(struct sqn_hss *hss, struct sqn_card *card)
{
        assert_int_not_equal(sqn_card_accept(card, next(hss, SQN_DOMAIN_IMS)), SQN_OK);
        bool changed = sqn_resync(&scheme, hss, sqn_card_highest(card));
        assert_int_equal(sqn_card_accept(card, next(hss, SQN_DOMAIN_IMS)), SQN_OK);
        return changed;
}

static void test_resync_card_ahead(void **state)
{
        (void)state;
        struct sqn_hss hss = {.seq = 3};
        struct sqn_card card = {.ind_bits = 5, .delta = SQN_DELTA_DEFAULT};
        for (unsigned i = 0; i < 32; i++)
                card.seq[i] = 5000 - i;
        assert_true(resynchronise(&hss, &card));
        assert_true(hss.seq == 5001);
}

static void test_resync_card_just_ahead(void **state)
{
        (void)state;
        for (uint64_t card_seq = 10; card_seq <= 12; card_seq++) {
                struct sqn_hss hss = {.seq = 10};
                struct sqn_card card = {.ind_bits = 5};
                for (unsigned i = 0; i < 32; i++)
                        card.seq[i] = card_seq;
                (void)sqn_resync(&scheme, &hss, sqn_card_highest(&card));
                assert_int_equal(sqn_card_accept(&card, next(&hss, SQN_DOMAIN_IMS)), SQN_OK);
        }
}

/* The HSS ran away (or was set by hand) further than the card lets it jump. */
static void test_resync_card_behind(void **state)
{
        (void)state;
        struct sqn_hss hss = {.seq = SQN_DELTA_DEFAULT + 5000};
        struct sqn_card card = {.ind_bits = 5, .delta = SQN_DELTA_DEFAULT};
        card.seq[28] = 4000;
        assert_true(resynchronise(&hss, &card));
        assert_true(hss.seq == 4001);
}

/* The next SQN would be accepted anyway: nothing is set back, whatever order AUTS and vectors came in. */
static void test_resync_not_needed(void **state)
{
        (void)state;
        struct sqn_hss hss = {.seq = 5000};
        assert_false(sqn_resync(&scheme, &hss, UINT64_C(4990) << 5 | 28));
        assert_true(hss.seq == 5000);
        assert_false(sqn_resync(&scheme, &hss, UINT64_C(5000) << 5 | 28));
        assert_true(hss.seq == 5000);
        assert_false(sqn_resync(&scheme, &hss, AKA_SQN_MAX + 1)); /* no SQN at all */
        assert_true(hss.seq == 5000);
        /* at the edge of what the card lets pass */
        hss.seq = SQN_DELTA_DEFAULT + 99;
        assert_false(sqn_resync(&scheme, &hss, 100 << 5));
        assert_true(sqn_resync(&scheme, &hss, 98 << 5));
        assert_true(hss.seq == 98);
}

/* A card whose counter stands next to its end: what is left is used, then nothing more is issued. */
static void test_wrap_around_limit(void **state)
{
        (void)state;
        const uint64_t seq_max = AKA_SQN_MAX >> 5;
        struct sqn_hss hss = {.seq = 1};
        struct sqn_card card = {.ind_bits = 5, .delta = SQN_DELTA_DEFAULT};
        uint64_t sqn = 42;
        for (unsigned i = 0; i < 32; i++)
                card.seq[i] = seq_max - 2;
        assert_true(sqn_resync(&scheme, &hss, sqn_card_highest(&card)));
        assert_int_equal(sqn_card_accept(&card, next(&hss, SQN_DOMAIN_IMS)), SQN_OK);
        assert_int_equal(sqn_card_accept(&card, next(&hss, SQN_DOMAIN_IMS)), SQN_OK);
        assert_int_equal(sqn_next(&scheme, &hss, SQN_DOMAIN_IMS, &sqn), -IMS_ELIMIT);
        assert_true(sqn == 42 && hss.seq == seq_max);
        /* no vector below the end gets through any more, so none can be replayed after a wrap */
        assert_int_equal(sqn_card_accept(&card, 1 << 5 | 28), SQN_REPEATED);
        assert_true(sqn_card_highest(&card) >> 5 == seq_max);
        assert_false(sqn_resync(&scheme, &hss, sqn_card_highest(&card)));
        assert_int_equal(sqn_next(&scheme, &hss, SQN_DOMAIN_CS, &sqn), -IMS_ELIMIT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_interleaved_domains),
                cmocka_unit_test(test_single_index_fails),
                cmocka_unit_test(test_index_ranges),
                cmocka_unit_test(test_index_ranges_configurable),
                cmocka_unit_test(test_scheme_check),
                cmocka_unit_test(test_card_slots),
                cmocka_unit_test(test_delta_limit),
                cmocka_unit_test(test_resync_card_ahead),
                cmocka_unit_test(test_resync_card_just_ahead),
                cmocka_unit_test(test_resync_card_behind),
                cmocka_unit_test(test_resync_not_needed),
                cmocka_unit_test(test_wrap_around_limit),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
