/* SPDX-License-Identifier: BSD-3-Clause
 * Scheme choice of TS 33.203 P.4.2, and the refusal of what is not served. COEX-021 to COEX-028. */
#include "reg_fake.h"

static enum auth_scheme_id choose(struct scheme_input in)
{
        const char *step = NULL;
        enum auth_scheme_id id = scheme_choose(&in, &step);

        assert_non_null(step);
        return id;
}

static void order_of_steps(void **state)
{
        struct scheme_input in = {.has_authorization = true, .has_integrity = true};

        (void)state;
        in.integrity = SPAN("yes");
        assert_int_equal(choose(in), AUTH_AKA);
        in.integrity = SPAN("no");
        assert_int_equal(choose(in), AUTH_AKA);
        in.integrity = SPAN("tls-connected");
        assert_int_equal(choose(in), AUTH_DIGEST_NBA);
        in.algorithm = SPAN("AKAv2-SHA-256");
        assert_int_equal(choose(in), AUTH_AKAV2_TLS);
        in.integrity = SPAN("auth-done");
        assert_int_equal(choose(in), AUTH_TNA);
        in.integrity = SPAN("tls-pending");
        assert_int_equal(choose(in), AUTH_DIGEST_NBA);
        in.integrity = SPAN("");
        assert_int_equal(choose(in), AUTH_DIGEST_NBA);
        proves("COEX-021");
}

static void giba_needs_no_authorization_and_3gpp(void **state)
{
        struct scheme_input in = {.giba = true};

        (void)state;
        assert_int_equal(choose(in), AUTH_GIBA);
        in.network_provided = true;
        assert_int_equal(choose(in), AUTH_DIGEST_NBA); /* network-provided, not 3GPP */
        in.network_3gpp = true;
        assert_int_equal(choose(in), AUTH_GIBA);
        in.giba = false;
        assert_int_equal(choose(in), AUTH_DIGEST_NBA);
        in.giba = in.has_authorization = true;
        assert_int_equal(choose(in), AUTH_DIGEST_NBA);
        proves("COEX-021");
}

#define PANI "P-Access-Network-Info: "

/* Without Authorization at an S-CSCF that serves GIBA: what the UE says of its access changes nothing,
 * whatever the network says beside it. */
static void access_counts_only_from_the_network(void **state)
{
        static const struct {
                const char *fields;
                enum auth_scheme_id want;
        } rows[] = {
                {NULL, AUTH_GIBA},
                {PANI "3GPP-E-UTRAN-FDD\r\n", AUTH_GIBA},
                {PANI "ADSL\r\n", AUTH_GIBA},
                {PANI "ADSL;network-provided\r\n", AUTH_DIGEST_NBA},
                {PANI "3GPP-GERAN\r\n" PANI "ADSL;network-provided\r\n", AUTH_DIGEST_NBA},
                {PANI "ADSL;network-provided, 3GPP-GERAN\r\n", AUTH_DIGEST_NBA},
                {PANI "3GPP-GERAN;x=network-provided, ADSL;network-provided\r\n", AUTH_DIGEST_NBA},
                {PANI "3GPP-GERAN; network-provided\r\n", AUTH_GIBA},
                {PANI "ADSL, 3GPP-GERAN; network-provided\r\n", AUTH_GIBA},
                /* within a quoted value (RFC 7315 5.4) */
                {PANI "ADSL;dsl-location=\"a;network-provided;b\"\r\n", AUTH_GIBA},
                {PANI "3GPP-GERAN;cgi-3gpp=\"a;network-provided;b\", ADSL;network-provided\r\n",
                 AUTH_DIGEST_NBA},
                {PANI "ADSL;dsl-location=\"a;b, c\\\";d\";network-provided\r\n", AUTH_DIGEST_NBA},
                {PANI "ADSL;dsl-location=\"a;network-provided\r\n", AUTH_GIBA}, /* which does not end */
        };
        struct world w;

        (void)state;
        world_init(&w);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct reg_text text = {.no_auth = true, .headers = rows[i].fields};
                struct scheme_input in = {.giba = true};

                scheme_read_access(world_request(&w, &text)->msg, &in);
                if (choose(in) != rows[i].want)
                        fail_msg("%s: %d", rows[i].fields ? rows[i].fields : "none", (int)choose(in));
        }
        for (size_t i = 0; i < w.n_made; i++)
                fake_reply(&w, w.made[i], 200, NULL, NULL, 0);
        world_clear(&w);
        proves("COEX-027");
}

static void other_schemes_are_named_and_refused(void **state)
{
        static const struct reg_text texts[] = {
                {.integrity = "auth-done"},
                {.integrity = "tls-connected", .more = ",algorithm=AKAv2-SHA-256"},
        };
        static const char *const names[] = {"Trusted Node Authentication", "AKAv2 over TLS"};
        struct world w;

        (void)state;
        world_init(&w);
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                world_register(&w, &texts[i]);
                expect(&w, 403, VERDICT_REFUSED, CAUSE_scheme_not_supported);
                assert_non_null(strstr(last_verdict(&w)->evidence, names[i]));
                assert_string_equal(last_verdict(&w)->impi, IMPI);
        }
        assert_int_equal(w.n_cx, 0);
        assert_int_equal(w.reg.store.users.n, 0);
        world_clear(&w);
}

/* COEX-022, PC-017. */
static void scheme_of_a_registration_stays(void **state)
{
        struct reg_text unmarked = {.cseq = 9};
        struct reg_text digest = {.cseq = 11, .integrity = "tls-pending", .nonce = "x", .response = "y"};
        struct world w;

        (void)state;
        world_init(&w);
        world_attach(&w, 1, 1);
        world_register(&w, &unmarked);
        give_vectors(&w, 20, 1);
        assert_int_equal(last_reply(&w)->status, 401);
        world_register(&w, &digest);
        expect(&w, 403, VERDICT_REFUSED, CAUSE_scheme_not_supported);
        world_answer(
                &w, 20,
                (struct reg_text){.cseq = 12, .more = ",algorithm=MD5,qop=auth,nc=00000001,cnonce=\"abc\""});
        expect(&w, 403, VERDICT_REFUSED, CAUSE_res_mismatch);
        assert_true(is_registered(&w, ALICE));
        world_clear(&w);
        proves("COEX-022");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(order_of_steps),
                cmocka_unit_test(giba_needs_no_authorization_and_3gpp),
                cmocka_unit_test(access_counts_only_from_the_network),
                cmocka_unit_test(other_schemes_are_named_and_refused),
                cmocka_unit_test(scheme_of_a_registration_stays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
