/* SPDX-License-Identifier: BSD-3-Clause
 * TUAK against the published sets of TS 35.233, and its Keccak-f[1600] against known answers. */
#include "tests/unit/auth/vectors.h"

#include "common/auth/tuak.h"

static char *doc;

/* FIPS 202 known answer: the permutation of the all-zero state, once and twice (first and last lane). */
static void test_keccak_zero_state(void **state)
{
        (void)state;
        uint64_t lane[25] = {0};
        tuak_keccak_f1600(lane);
        assert_true(lane[0] == UINT64_C(0xf1258f7940e1dde7));
        assert_true(lane[24] == UINT64_C(0xeaf1ff7b5ceca249));
        tuak_keccak_f1600(lane);
        assert_true(lane[0] == UINT64_C(0x2d5c954df96ecb3c));
        assert_true(lane[24] == UINT64_C(0x20d06cd26a8fbf5c));
}

struct set {
        struct tuak_input in;
        uint8_t k[32], top[32], topc[32], rand[16], sqn[6];
        uint16_t amf;
};

static void read_set(const char *name, struct set *s)
{
        s->in.k_n = vec_hex(doc, name, ".K", s->k, 32);
        vec_hex(doc, name, ".TOP", s->top, 32);
        vec_hex(doc, name, ".RAND", s->rand, 16);
        vec_hex(doc, name, ".SQN", s->sqn, 6);
        s->amf = (uint16_t)vec_u64(doc, name, ".AMF");
        s->in.iterations = (unsigned)strtoul(vec_text(doc, name, ".keccak_iterations"), NULL, 10);
        s->in.k = s->k;
        s->in.topc = s->topc;
        s->in.rand = s->rand;
}

static void check_set(const char *name)
{
        struct set s;
        uint8_t want[32], got[32];
        size_t n = 0;
        read_set(name, &s);
        tuak_topc(&s.in, s.top, s.topc);
        vec_hex(doc, name, ".TOPc", want, 32);
        assert_memory_equal(s.topc, want, 32);

        n = vec_hex(doc, name, ".f1", want, 32);
        tuak_f1(&s.in, false, s.sqn, s.amf, got, n);
        assert_memory_equal(got, want, n);
        n = vec_hex(doc, name, ".f1star", want, 32);
        tuak_f1(&s.in, true, s.sqn, s.amf, got, n);
        assert_memory_equal(got, want, n);

        uint8_t ck[32], ik[32], ak[6];
        struct tuak_f2345 f = {0};
        f.res_n = vec_hex(doc, name, ".f2", want, 32);
        f.ck_n = vec_hex(doc, name, ".f3", ck, 32);
        f.ik_n = vec_hex(doc, name, ".f4", ik, 32);
        vec_hex(doc, name, ".f5", ak, 6);
        tuak_f2345(&s.in, &f);
        assert_memory_equal(f.res, want, f.res_n);
        assert_memory_equal(f.ck, ck, f.ck_n);
        assert_memory_equal(f.ik, ik, f.ik_n);
        assert_memory_equal(f.ak, ak, 6);

        tuak_f5star(&s.in, got);
        vec_hex(doc, name, ".f5star", ak, 6);
        assert_memory_equal(got, ak, 6);
}

static void test_published_sets(void **state)
{
        (void)state;
        unsigned n = 0;
        char name[32];
        for (;; n++) {
                (void)snprintf(name, sizeof(name), "sets[%u]", n);
                if (!vec_has(doc, name))
                        break;
                check_set(name);
        }
        assert_int_equal(n, 3);
}

static void test_iterations_matter(void **state)
{
        (void)state;
        struct set s;
        uint8_t one[32], two[32], zero[32];
        read_set("sets[0]", &s);
        s.in.iterations = 1;
        tuak_topc(&s.in, s.top, one);
        s.in.iterations = 0;
        tuak_topc(&s.in, s.top, zero);
        s.in.iterations = 2;
        tuak_topc(&s.in, s.top, two);
        assert_memory_equal(one, zero, 32);
        assert_memory_not_equal(one, two, 32);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keccak_zero_state),
                cmocka_unit_test(test_published_sets),
                cmocka_unit_test(test_iterations_matter),
        };
        doc = json_read(TEST_DATA "/vectors/tuak.json");
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        free(doc);
        return failed;
}
