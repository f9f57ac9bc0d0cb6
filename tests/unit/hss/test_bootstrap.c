/* SPDX-License-Identifier: BSD-3-Clause
 * Certificate bootstrapping without a network: devices are provisioned, credentials are given once or always,
 * everything else is refused; what is told is durable; out of memory; the database held, read-only, gone.
 * PKT-TR-SEC 6.1.1.3. */
#include "tests/unit/fail_alloc.h"
#include "tests/unit/hss/fixture.h"

#include "common/base/secret.h"
#include "hss/bootstrap.h"
#include "hss/store_device.h"
#include "hss/store_int.h"
#include "hss/store_push.h"
#include "tests/unit/json_path.h"

#define CAROL   "carol@example.org"
#define SUBJECT "CN=device1.example,O=Example"
#define NOW     1700000000

static const struct device_cert first = {"1111111111111111111111111111111111111111111111111111111111111111",
                                         SUBJECT};
static const struct device_cert renewed = {"2222222222222222222222222222222222222222222222222222222222222222",
                                           SUBJECT};
static const struct device_cert stranger = {
        "3333333333333333333333333333333333333333333333333333333333333333", "CN=nobody"};

static int setup_with(void **state, const char *conf)
{
        static struct fixture f;
        fixture_open(&f, conf);
        fixture_add(&f,
                    "--impi " CAROL
                    " --impu sip:c@example.org tel:+15550009 --barred-impu sip:b@example.org --bootstrap");
        assert_int_equal(fixture_run(&f, cli_device_add, "--subject " SUBJECT " --impi " CAROL, NULL), 0);
        *state = &f;
        return 0;
}

static int setup(void **state)
{
        return setup_with(state, "bootstrap: {pcscf: pcscf.example, block_after: 3}\n");
}

static int setup_always(void **state)
{
        return setup_with(state, "bootstrap: {policy: always}\n");
}

static int teardown(void **state)
{
        fixture_close(*state);
        return 0;
}

/* The code; the answer in a static text. */
static enum bootstrap_code ask(struct fixture *f, const struct device_cert *who, const char **answer)
{
        static char text[2048];
        struct bootstrap_outcome o;
        assert_int_equal(bootstrap_give(f->conf, f->store, who, NOW, &o), 0);
        assert_true(o.answer.n < sizeof text);
        memcpy(text, o.answer.p, o.answer.n);
        text[o.answer.n] = '\0';
        *answer = text;
        bootstrap_outcome_free(&o);
        return o.code;
}

static void text_is(const char *doc, const char *path, const char *want)
{
        char got[256] = "";
        assert_true(json_text(doc, path, got, sizeof got));
        assert_string_equal(got, want);
}

static void password_of(const char *doc, char out[static 64])
{
        assert_true(json_text(doc, "password", out, 64));
        assert_int_equal(strlen(out), 32);
        assert_int_equal(strspn(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 32);
}

/* H(A1) that MAR would bring. */
static void stored(struct fixture *f, char out[static DIGEST_HEX_MAX])
{
        struct credential c;
        struct record r = fixture_record(f, CAROL);
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_read_credential(f->store, &f->job.arena, r.id, &c), 0);
        store_rollback(f->store);
        memcpy(out, c.ha1, sizeof c.ha1);
}

static void fits(struct fixture *f, const char *password)
{
        char want[DIGEST_HEX_MAX], is[DIGEST_HEX_MAX];
        assert_int_equal(digest_ha1(DIGEST_MD5, SPAN(CAROL), SPAN("example.org"), span_of(password), want),
                         0);
        stored(f, is);
        assert_string_equal(is, want);
}

static struct store_device device(struct fixture *f)
{
        struct store_device d;
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_device_named(f->store, &f->job.arena, SPAN(CAROL), &d), 0);
        store_rollback(f->store);
        return d;
}

/* The credentials come once, H(A1) of the password is what MAR brings; the certificate is bound. */
static void once(void **state)
{
        struct fixture *f = *state;
        const char *doc;
        char password[64], before[DIGEST_HEX_MAX], after[DIGEST_HEX_MAX];
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_GIVEN);
        text_is(doc, "impi", CAROL);
        text_is(doc, "impu[0]", "sip:c@example.org");
        text_is(doc, "impu[1]", "tel:+15550009");
        assert_null(json_at(doc, "impu[2]")); /* the barred one is not told */
        text_is(doc, "realm", "example.org");
        text_is(doc, "algorithm", "MD5");
        text_is(doc, "pcscf", "pcscf.example");
        password_of(doc, password);
        fits(f, password);
        struct store_device d = device(f);
        assert_int_equal(d.given, 1);
        assert_int_equal(d.last_s, NOW);
        assert_false(d.pinned);
        assert_span(d.fingerprint, first.fingerprint);
        stored(f, before);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_ALREADY_GIVEN);
        text_is(doc, "error", "already_given");
        assert_null(json_at(doc, "password"));
        assert_int_equal(ask(f, &renewed, &doc), BOOTSTRAP_OTHER_CERTIFICATE);
        assert_int_equal(ask(f, &stranger, &doc), BOOTSTRAP_UNKNOWN_DEVICE);
        stored(f, after);
        assert_string_equal(before, after);
        proves("BOOT-003");
}

static void always(void **state)
{
        struct fixture *f = *state;
        const char *doc;
        char one[64], two[64];
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_GIVEN);
        assert_non_null(strstr(doc, "\"pcscf\":null"));
        password_of(doc, one);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_GIVEN);
        password_of(doc, two);
        assert_string_not_equal(one, two);
        fits(f, two);
        assert_int_equal(device(f).given, 2);
        assert_int_equal(ask(f, &renewed, &doc), BOOTSTRAP_OTHER_CERTIFICATE);
}

/* An answer that got lost: forgotten, the device gets new ones; a provisioned certificate stays bound. */
static void forgotten(void **state)
{
        struct fixture *f = *state;
        const char *doc;
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_GIVEN);
        assert_int_equal(fixture_run(f, cli_device_forget, CAROL, NULL), 0);
        assert_int_equal(ask(f, &renewed, &doc), BOOTSTRAP_GIVEN);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_OTHER_CERTIFICATE);
        assert_int_equal(fixture_run(f, cli_device_remove, renewed.fingerprint, NULL), 0);
        assert_int_equal(ask(f, &renewed, &doc), BOOTSTRAP_UNKNOWN_DEVICE);
}

/* Blocked by the operator, and by asking again and again. */
static void blocked(void **state)
{
        struct fixture *f = *state;
        const char *doc;
        assert_int_equal(fixture_run(f, cli_device_block, SUBJECT, NULL), 0);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_BLOCKED);
        assert_int_equal(device(f).given, 0);
        assert_int_equal(fixture_run(f, cli_device_unblock, SUBJECT, NULL), 0);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_GIVEN);
        for (int i = 0; i < 3; i++)
                assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_ALREADY_GIVEN);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_BLOCKED);
        text_is(doc, "error", "blocked");
        assert_int_equal(fixture_run(f, cli_device_forget, CAROL, NULL), 0);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_BLOCKED); /* forgetting is no pardon */
        assert_int_equal(fixture_run(f, cli_device_unblock, CAROL, NULL), 0);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_GIVEN);
}

/* A device that is registered gets a new password: its S-CSCF is to be told. */
static void registered(void **state)
{
        struct fixture *f = *state;
        struct bootstrap_outcome o;
        struct store_push row;
        struct job *j = fixture_job(f, CX_MAR);
        j->m.mar = (struct cx_mar){.h.origin_host = SPAN("scscf1.example"),
                                   .h.origin_realm = SPAN("example"),
                                   .impi = SPAN(CAROL),
                                   .impu = SPAN("sip:c@example.org"),
                                   .server_name = SPAN(SCSCF1),
                                   .n_items = 1,
                                   .item.scheme = SPAN(CX_SCHEME_UNKNOWN)};
        assert_result(fixture_handle(f), dia_base(DIA_SUCCESS));
        assert_int_equal(bootstrap_give(f->conf, f->store, &first, NOW, &o), 0);
        assert_int_equal(o.code, BOOTSTRAP_GIVEN);
        assert_string_equal(o.impi, CAROL);
        assert_int_equal(o.impi_row, 1);
        bootstrap_outcome_free(&o);
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_push_next(f->store, &f->job.arena, 0, &row), 0);
        store_rollback(f->store);
        assert_true(row.password);
}

static void no_digest(void **state)
{
        struct fixture *f = *state;
        const char *doc;
        fixture_set(f, CAROL " --k " K " --opc " OPC);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_NO_DIGEST);
        assert_int_equal(device(f).given, 0);
}

/* --- trouble ------------------------------------------------------------------------------------- */

/* Each allocation fails once: either nothing happened, or everything did. */
static void out_of_memory(void **state)
{
        struct fixture *f = *state;
        char before[DIGEST_HEX_MAX], after[DIGEST_HEX_MAX];
        stored(f, before);
        for (unsigned long i = 0; CAN_FAIL && i < 5000; i++) {
                struct bootstrap_outcome o;
                unsigned long failed = alloc_failed;
                alloc_fail_at(i);
                int rc = bootstrap_give(f->conf, f->store, &first, NOW, &o);
                alloc_armed = false;
                bool given = rc == 0 && o.code == BOOTSTRAP_GIVEN;
                if (rc < 0)
                        assert_int_equal(o.answer.n, 0);
                bootstrap_outcome_free(&o);
                stored(f, after);
                struct store_device d = device(f);
                assert_int_equal(d.given, given);
                assert_int_equal(strcmp(before, after) != 0, given);
                if (given)
                        return;
                assert_int_not_equal(alloc_failed, failed);
        }
        assert_false(CAN_FAIL);
}

static void database_held(void **state)
{
        struct fixture *f = *state;
        struct store *other = NULL;
        struct buf err = BUF_INIT;
        struct bootstrap_outcome o;
        const char *doc;
        store_close(f->store);
        f->store_conf.role = STORE_SERVER; /* which never waits for a lock */
        assert_int_equal(store_open(&f->store_conf, &f->store, &err), 0);
        f->store_conf.role = STORE_TOOL;
        assert_int_equal(store_open(&f->store_conf, &other, &err), 0);
        assert_int_equal(store_begin(other, true), 0);
        assert_int_equal(bootstrap_give(f->conf, f->store, &first, NOW, &o), -IMS_EALREADY);
        bootstrap_outcome_free(&o);
        store_rollback(other);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_GIVEN);
        store_close(other);
        buf_free(&err);
}

/* The database cannot be written: no credentials, the old H(A1) stays, and later it works. */
static void read_only(void **state)
{
        struct fixture *f = *state;
        char before[DIGEST_HEX_MAX], after[DIGEST_HEX_MAX];
        const char *doc;
        struct buf err = BUF_INIT;
        stored(f, before);
        assert_int_equal(sqlite3_exec(f->store->db, "PRAGMA query_only = ON", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_UNAVAILABLE);
        text_is(doc, "error", "unavailable");
        assert_true(fixture_run(f, cli_subscriber_set, CAROL " --password x", &err) < 0);
        assert_true(err.n > 0);
        buf_free(&err);
        assert_true(fixture_run(f, cli_device_block, CAROL, &err) < 0);
        buf_free(&err);
        stored(f, after);
        assert_string_equal(before, after);
        assert_int_equal(sqlite3_exec(f->store->db, "PRAGMA query_only = OFF", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(ask(f, &first, &doc), BOOTSTRAP_GIVEN);
}

/* --- devices are provisioned --------------------------------------------------------------------- */

static void refuse(struct fixture *f, int (*command)(struct cli *, int, char **), const char *args,
                   const char *reason)
{
        struct buf err = BUF_INIT;
        assert_true(fixture_run(f, command, args, &err) < 0);
        if (span_find(buf_as_span(&err), span_of(reason)) < 0)
                fail_msg("%s: " SPAN_FMT, args, SPAN_ARG(buf_as_span(&err)));
        buf_free(&err);
}

static void provisioning(void **state)
{
        struct fixture *f = *state;
        char path[160], command[1024], args[256];
        struct buf err = BUF_INIT;
        fixture_add(f, "--impi dave@example.org --password x");
        fixture_add(f, ALICE);
        refuse(f, cli_device_add, "--subject CN=x --impi " CAROL, "of this impi already");
        refuse(f, cli_device_add, "--subject " SUBJECT " --impi dave@example.org", "of this subject already");
        refuse(f, cli_device_add, "--subject CN=x --impi nobody@example.org", "no subscriber");
        refuse(f, cli_device_add, "--subject CN=x --impi " ALICE_IMPI, "no SIP Digest");
        refuse(f, cli_device_add, "--subject CN=\x01 --impi dave@example.org", "printable");
        refuse(f, cli_device_add, "--certificate /nowhere --impi dave@example.org", "cannot be read");
        refuse(f, cli_device_add, "--certificate /dev/null --impi dave@example.org", "holds no certificate");
        refuse(f, cli_device_add, "--impi dave@example.org", "usage");
        refuse(f, cli_device_add, "--subject CN=x --subject CN=y --impi dave@example.org", "usage");
        refuse(f, cli_device_add, "--subject CN=x --certificate /nowhere --impi dave@example.org", "usage");
        refuse(f, cli_device_block, "CN=nobody", "no device has this");
        refuse(f, cli_device_block, CAROL " --reason a\x01", "printable");
        refuse(f, cli_device_block, "", "usage");
        refuse(f, cli_device_forget, CAROL " --reason x", "usage");
        refuse(f, cli_device_list, "x y", "usage");
        /* A certificate that openssl made: fingerprint and subject are what openssl says of it. */
        (void)snprintf(path, sizeof path, "%s/device.pem", f->dir);
        (void)snprintf(command, sizeof command,
                       "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "
                       "'/O=Ex, ample/CN=device2.example' -keyout /dev/null -out %s 2>/dev/null && "
                       "openssl x509 -in %s -noout -fingerprint -sha256 -subject -nameopt RFC2253 | sed "
                       "'s/.*ngerprint=//; s/^subject=//; /:/{s/://g; y/ABCDEF/abcdef/}' > %s/want",
                       path, path, f->dir);
        assert_int_equal(system(command), 0);
        struct device_cert cert;
        assert_int_equal(device_cert_load(path, &cert, &err), 0);
        (void)snprintf(command, sizeof command, "%s/want", f->dir);
        FILE *want = fopen(command, "r");
        char line[300];
        assert_non_null(want);
        assert_non_null(fgets(line, sizeof line, want));
        assert_string_equal(strtok(line, "\n"), cert.fingerprint);
        assert_non_null(fgets(line, sizeof line, want));
        assert_string_equal(strtok(line, "\n"), cert.subject);
        (void)fclose(want);
        (void)snprintf(args, sizeof args, "--certificate %s --impi dave@example.org", path);
        assert_int_equal(fixture_run(f, cli_device_add, args, NULL), 0);
        struct store_device d;
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_device_named(f->store, &f->job.arena, SPAN("dave@example.org"), &d), 0);
        store_rollback(f->store);
        assert_true(d.pinned);
        assert_span(d.fingerprint, cert.fingerprint);
        assert_span(d.subject, cert.subject);
        /* Forgotten, the provisioned certificate stays the only one. */
        const char *doc;
        assert_int_equal(ask(f, &cert, &doc), BOOTSTRAP_GIVEN);
        assert_int_equal(fixture_run(f, cli_device_forget, "dave@example.org", NULL), 0);
        cert.fingerprint[0] ^= 1;
        assert_int_equal(ask(f, &cert, &doc), BOOTSTRAP_OTHER_CERTIFICATE);
        assert_int_equal(fixture_run(f, cli_device_list, "", NULL), 0);
        assert_int_equal(fixture_run(f, cli_device_list, "--json", NULL), 0);
        /* A subscriber that goes takes its device with it. */
        assert_int_equal(fixture_run(f, cli_subscriber_remove, "dave@example.org", NULL), 0);
        refuse(f, cli_device_block, "dave@example.org", "no device has this");
        buf_free(&err);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(once),          cmocka_unit_test_setup_teardown(always, setup_always, teardown),
                T(forgotten),     T(blocked),
                T(registered),    T(no_digest),
                T(out_of_memory), T(database_held),
                T(read_only),     T(provisioning),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
