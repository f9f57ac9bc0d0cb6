/* SPDX-License-Identifier: BSD-3-Clause
 * With a trust domain no subscriber gets a name outside of it (TLS-FWD 8.1). */
#include "tests/unit/hss/fixture.h"

#define KEYS " --k " K " --opc " OPC

static int setup(void **state)
{
        static struct fixture f;
        fixture_open(&f, "trust_domain: mcc001.3gppnetwork.org\n");
        *state = &f;
        return 0;
}

static int teardown(void **state)
{
        fixture_close(*state);
        return 0;
}

static void expect_refused(struct fixture *f, int (*command)(struct cli *, int, char **), const char *args,
                           const char *field)
{
        struct buf err = BUF_INIT;
        char want[64];
        int rc = fixture_run(f, command, args, &err);
        (void)snprintf(want, sizeof want, "%s: ", field);
        if (rc != -IMS_EINVAL || span_find(buf_as_span(&err), SPAN("outside of the trust domain")) < 0 ||
            !span_starts(buf_as_span(&err), span_of(want)))
                fail_msg("%s: %d " SPAN_FMT, args, rc, SPAN_ARG(buf_as_span(&err)));
        buf_free(&err);
}

static void names_outside_are_refused(void **state)
{
        struct fixture *f = *state;
        fixture_add(f, ALICE); /* a number is no domain: its tel URI passes */
        expect_refused(f, cli_subscriber_add, "--imsi 001010000000007 --domain ims.example" KEYS, "impi");
        expect_refused(f, cli_subscriber_add, "--imsi 310150123456789 --mnc-digits 3" KEYS, "impi");
        expect_refused(f, cli_subscriber_add, "--impi a@xmcc001.3gppnetwork.org" KEYS, "impi");
        expect_refused(f, cli_subscriber_add, BOB " --impu sip:bob@ims.example", "impu");
        expect_refused(f, cli_subscriber_add, BOB " --separate-impu sip:bob@ims.example", "impu");
        expect_refused(f, cli_subscriber_add, BOB " --psi sip:chat@ims.example", "impu");
        expect_refused(f, cli_subscriber_add,
                       "--impi carol@" DOMAIN " --password x --digest-realm ims.example", "digest-realm");
        expect_refused(f, cli_subscriber_set, ALICE_IMPI " --impu sip:alice@ims.example", "impu");
        expect_refused(f, cli_subscriber_set, ALICE_IMPI " --impi alice@ims.example", "impi");
        proves("TRUST-001");
}

static void nothing_of_them_stays(void **state)
{
        struct fixture *f = *state;
        int64_t id;
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_find(f->store, SPAN("sip:bob@ims.example"), &id), -IMS_ENOTFOUND);
        assert_int_equal(store_find(f->store, SPAN("sip:alice@ims.example"), &id), -IMS_ENOTFOUND);
        assert_int_equal(store_find(f->store, SPAN(ALICE_IMPI), &id), 0);
        store_rollback(f->store);
        fixture_add(f, BOB " --impu sip:bob@" DOMAIN " --psi sip:chat@other." DOMAIN);
        proves("TRUST-001");
}

static void an_import_is_checked_too(void **state)
{
        struct fixture *f = *state;
        struct buf err = BUF_INIT;
        char path[128];
        (void)snprintf(path, sizeof path, "%s/in.csv", f->dir);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fprintf(file, "imsi,domain,k,opc\n001010000000011,ims.example," K "," OPC "\n");
        assert_int_equal(fclose(file), 0);
        assert_int_equal(fixture_run(f, cli_subscriber_import, path, &err), -IMS_EINVAL);
        assert_true(span_find(buf_as_span(&err), SPAN(":2: impi: ")) >= 0);
        buf_free(&err);
        proves("TRUST-001");
}

static void without_one_every_name_passes(void **state)
{
        struct fixture f;
        (void)state;
        fixture_open(&f, "");
        fixture_add(&f, "--imsi 001010000000007 --domain ims.example" KEYS " --impu sip:a@b.example");
        fixture_close(&f);
}

/* --check-config of a store that was filled before there was a trust domain: its lines of advice. */
static void look(const struct fixture *f, const char *trust_domain, struct buf *advice)
{
        char file[128];
        void *conf = NULL;
        (void)snprintf(file, sizeof file, "%s/hss.yaml", f->dir);
        FILE *out = fopen(file, "w");
        assert_non_null(out);
        (void)fprintf(out,
                      "store: {file: %s, key_file: %s}\ndiameter: {identity: hss." DOMAIN ", realm: " DOMAIN
                      "}\n%s%s\n",
                      f->db, f->key, *trust_domain ? "trust_domain: " : "", trust_domain);
        assert_int_equal(fclose(out), 0);
        buf_reset(advice);
        assert_int_equal(conf_load_look(&hss_conf_schema, file, &conf, advice), 0);
        buf_char(advice, '\0');
        conf_free(&hss_conf_schema, conf);
}

static size_t count(const struct buf *text, const char *part)
{
        size_t n = 0;
        for (const char *p = text->p; (p = strstr(p, part)); p++)
                n++;
        return n;
}

static void who_was_there_before_is_named(void **state)
{
        struct fixture f;
        struct buf advice = BUF_INIT;
        (void)state;
        fixture_open(&f, "");
        fixture_add(&f, ALICE);
        look(&f, "mcc001.3gppnetwork.org", &advice);
        assert_string_equal(advice.p, ""); /* her number has no domain */
        fixture_add(&f,
                    "--impi bob@ims.example --impu sip:bob@" DOMAIN " --password x --digest-realm " DOMAIN);
        fixture_add(&f, "--impi carol@" DOMAIN " --impu sip:carol@xmcc001.3gppnetwork.org --password x "
                        "--digest-realm realm.example");
        look(&f, "mcc001.3gppnetwork.org", &advice);
        assert_int_equal(count(&advice, "hss.yaml:3: trust_domain: "), 4);
        assert_int_equal(count(&advice, "IMPI bob@ims.example in the store is outside of"), 1);
        assert_int_equal(count(&advice, "Digest realm realm.example of carol@" DOMAIN " in the store"), 1);
        assert_int_equal(
                count(&advice, "IMPU sip:carol@xmcc001.3gppnetwork.org of carol@" DOMAIN " in the store"), 1);
        assert_int_equal(count(&advice, "3 names in the store are outside of"), 1);
        look(&f, "", &advice);
        assert_string_equal(advice.p, "");
        for (int i = 0; i < 30; i++) {
                char args[128];
                (void)snprintf(args, sizeof args,
                               "--impi dave%d@" DOMAIN " --impu sip:dave%d@ims.example --password x", i, i);
                fixture_add(&f, args);
        }
        look(&f, "mcc001.3gppnetwork.org", &advice);
        assert_int_equal(count(&advice, "trust_domain: "), 21);
        assert_int_equal(
                count(&advice, "33 names in the store are outside of mcc001.3gppnetwork.org, 20 of them"), 1);
        buf_free(&advice);
        fixture_close(&f);
        proves("TRUST-001");
}

/* What is not there names nobody, what cannot be read is told. */
static void a_store_that_cannot_be_looked_at(void **state)
{
        struct fixture f;
        struct buf advice = BUF_INIT;
        (void)state;
        fixture_open(&f, "");
        store_close(f.store);
        f.store = NULL;
        assert_int_equal(unlink(f.db), 0);
        look(&f, DOMAIN, &advice);
        assert_string_equal(advice.p, "");
        FILE *file = fopen(f.db, "w");
        assert_non_null(file);
        (void)fprintf(file,
                      "this is no database, and long enough to be taken for one by nobody, surely so\n");
        assert_int_equal(fclose(file), 0);
        look(&f, DOMAIN, &advice);
        assert_int_equal(count(&advice, "store.file: "), 1);
        assert_int_equal(count(&advice, "its names cannot be looked at: file is not a database"), 1);
        buf_free(&advice);
        fixture_close(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_outside_are_refused),
                cmocka_unit_test(nothing_of_them_stays),
                cmocka_unit_test(an_import_is_checked_too),
                cmocka_unit_test(without_one_every_name_passes),
                cmocka_unit_test(who_was_there_before_is_named),
                cmocka_unit_test(a_store_that_cannot_be_looked_at),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
