/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest in the HSS: what is stored of a password, what MAA carries, the flags of a registration, who may
 * share identities. TS 33.203 N.2.1.1, N.2.2.1. */
#include "tests/unit/hss/fixture.h"

#include "common/base/codec.h"
#include "common/base/secret.h"
#include "tests/unit/json_path.h"

#define CAROL     "carol@example.org"
#define CAROL_SIP "sip:" CAROL
#define SUCCESS   dia_base(DIA_SUCCESS)
/* md5sum of carol@example.org:example.org:secret */
#define HA1_MD5 "8c45b525cfb21f71772b237f339adc10"

static int setup(void **state)
{
        static struct fixture f;
        fixture_open(&f, "");
        *state = &f;
        return 0;
}

static int teardown(void **state)
{
        fixture_close(*state);
        return 0;
}

static struct dia_result mar(struct fixture *f, const char *impi, const char *impu, const char *scheme)
{
        struct job *j = fixture_job(f, CX_MAR);
        j->m.mar = (struct cx_mar){.impi = span_of(impi),
                                   .impu = span_of(impu),
                                   .server_name = SPAN(SCSCF1),
                                   .n_items = 5,
                                   .item.scheme = span_of(scheme)};
        return fixture_handle(f);
}

static void write_file(const struct fixture *f, const char *name, const char *text, char *path, size_t n)
{
        (void)snprintf(path, n, "%s/%s", f->dir, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fputs(text, file);
        assert_int_equal(fclose(file), 0);
}

/* The hash by another program. */
static void by_program(const struct fixture *f, const char *program, const char *text, char *out, size_t n)
{
        char path[160], command[256];
        write_file(f, "a1", text, path, sizeof path);
        (void)snprintf(command, sizeof command, "%s < %s", program, path);
        FILE *p = popen(command, "r");
        assert_non_null(p);
        assert_non_null(fgets(out, (int)n, p));
        assert_int_equal(pclose(p), 0);
        out[strcspn(out, " \n")] = '\0';
}

/* Every example for SIP users in the vectors: H(A1) of the published values, and as md5sum and sha256sum have
 * it; one item, no key. */
static void ha1_of_the_vectors(void **state)
{
        struct fixture *f = *state;
        char *doc = json_read(TEST_DATA "/vectors/http-digest.json");
        char at[64], alg[32], user[128], realm[128], password[128], want[80];
        int seen = 0;
        for (int i = 0;; i++) {
                struct {
                        const char *name;
                        char *to;
                        size_t n;
                } const texts[] = {{"inputs.alg", alg, sizeof alg},
                                   {"inputs.user", user, sizeof user},
                                   {"inputs.realm", realm, sizeof realm},
                                   {"inputs.pw", password, sizeof password},
                                   {"results.A1_hash", want, sizeof want}};
                bool there = true;
                for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
                        (void)snprintf(at, sizeof at, "examples[%d].%s", i, texts[k].name);
                        there = there && json_text(doc, at, texts[k].to, texts[k].n);
                }
                if (!there)
                        break;
                if (!strchr(user, '@'))
                        continue;
                bool sha = strcmp(alg, "SHA-256") == 0;
                char path[160], args[512], a1[512], other[80];
                write_file(f, "password", password, path, sizeof path);
                (void)snprintf(args, sizeof args,
                               "--impi %s --digest-realm %s --digest-algorithm %s --password-file %s", user,
                               realm, alg, path);
                fixture_add(f, args);
                (void)snprintf(a1, sizeof a1, "%s:%s:%s", user, realm, password);
                by_program(f, sha ? "sha256sum" : "md5sum", a1, other, sizeof other);
                (void)snprintf(args, sizeof args, "sip:%s", user);
                assert_result(mar(f, user, args, i % 2 ? CX_SCHEME_UNKNOWN : CX_SCHEME_DIGEST), SUCCESS);
                const struct reply *r = &f->job.reply;
                assert_string_equal(r->ha1, want);
                assert_string_equal(r->ha1, other);
                assert_span(r->digest_realm, realm);
                assert_int_equal(r->digest_algorithm, sha ? DIGEST_SHA256 : DIGEST_MD5);
                assert_int_equal(r->n_avs, 0);
                assert_int_equal(fixture_run(f, cli_subscriber_remove, user, NULL), 0);
                seen++;
        }
        free(doc);
        assert_true(seen >= 3);
        proves("DIG-018");
}

/* The typed item: scheme, realm, algorithm, qop, H(A1), and nothing of AKA. */
static void item(void **state)
{
        (void)state;
        struct cx_auth_item it = {0};
        cx_digest_item(&it, SPAN("example.org"), DIGEST_SHA256, HA1_MD5);
        assert_span(it.scheme, "SIP Digest");
        assert_true(it.digest.present);
        assert_span(it.digest.realm, "example.org");
        assert_span(it.digest.algorithm, "SHA-256");
        assert_span(it.digest.qop, "auth");
        assert_span(it.digest.ha1, HA1_MD5);
        assert_null(it.ck.p);
        assert_null(it.ik.p);
        assert_null(it.authenticate.p);
        assert_null(it.authorization.p);
        cx_digest_item(&it, SPAN("example.org"), DIGEST_MD5, HA1_MD5);
        assert_span(it.digest.algorithm, "MD5");
}

/* What a file holds, byte by byte. */
static bool file_has(const char *path, const char *text)
{
        FILE *file = fopen(path, "rb");
        if (!file)
                return false;
        static char all[1 << 20];
        size_t n = fread(all, 1, sizeof all, file);
        (void)fclose(file);
        return memmem(all, n, text, strlen(text)) != NULL;
}

/* Neither the password nor H(A1) stand in the database; realm and algorithm stay with a new password. */
static void nothing_to_read(void **state)
{
        struct fixture *f = *state;
        char wal[160];
        fixture_add(f, "--impi " CAROL " --password correct-horse-7 --digest-realm home.example"
                       " --digest-algorithm SHA-256");
        assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
        char before[DIGEST_HEX_MAX];
        memcpy(before, f->job.reply.ha1, sizeof before);
        assert_int_equal(strlen(before), 64);
        (void)snprintf(wal, sizeof wal, "%s-wal", f->db);
        const char *const secrets[] = {"correct-horse-7", before};
        for (size_t i = 0; i < 2; i++) {
                assert_false(file_has(f->db, secrets[i]));
                assert_false(file_has(wal, secrets[i]));
        }
        assert_true(file_has(f->db, CAROL) || file_has(wal, CAROL)); /* the search finds what is there */
        fixture_set(f, CAROL " --password another");
        assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
        assert_string_not_equal(f->job.reply.ha1, before);
        assert_span(f->job.reply.digest_realm, "home.example");
        assert_int_equal(f->job.reply.digest_algorithm, DIGEST_SHA256);
        fixture_set(f, CAROL " --password correct-horse-7 --digest-algorithm MD5 --digest-realm example.org");
        assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
        assert_int_equal(strlen(f->job.reply.ha1), 32);
        assert_span(f->job.reply.digest_realm, "example.org");
        proves("DIG-006");
}

static void refuse(struct fixture *f, bool add, const char *args, const char *field, const char *reason)
{
        struct buf err = BUF_INIT;
        assert_true(fixture_run(f, add ? cli_subscriber_add : cli_subscriber_set, args, &err) < 0);
        if (span_find(buf_as_span(&err), span_of(reason)) < 0 ||
            span_find(buf_as_span(&err), span_of(field)) < 0)
                fail_msg("%s: " SPAN_FMT, args, SPAN_ARG(buf_as_span(&err)));
        buf_free(&err);
}

static void refusals(void **state)
{
        struct fixture *f = *state;
        fixture_add(f, "--impi " CAROL " --password secret");
        fixture_add(f, ALICE);
        refuse(f, true, "--impi x@example.org --digest-algorithm MD5", "k", "a password");
        refuse(f, true, "--impi x@example.org --k " K " --opc " OPC " --digest-algorithm MD5",
               "digest-algorithm", "only with SIP Digest");
        refuse(f, true, "--impi x@example.org --digest-algorithm SHA-256 --digest-ha1 " HA1_MD5, "digest-ha1",
               "64 hex digits");
        refuse(f, true, "--impi x@example.org --digest-ha1 " HA1_MD5 HA1_MD5, "digest-ha1", "32 hex digits");
        char path[160], args[256];
        write_file(f, "password", "secret\r\nmore\n", path, sizeof path);
        (void)snprintf(args, sizeof args, "--impi x@example.org --password a --password-file %s", path);
        refuse(f, true, args, "password", "given once");
        (void)snprintf(args, sizeof args, "--impi x@example.org --digest-ha1 " HA1_MD5 " --password-file %s",
                       path);
        refuse(f, true, args, "digest-ha1", "not both");
        refuse(f, true, "--impi x@example.org --password-file /dev/null --password-stdin", "password-file",
               "cannot be read");
        refuse(f, true, "--impi x@example.org --bootstrap --password a", "bootstrap", "none is given");
        refuse(f, false, CAROL " --digest-algorithm SHA-256", "digest-algorithm", "password too");
        refuse(f, false, CAROL " --digest-realm x", "digest-realm", "password too");
        refuse(f, false, CAROL " --impi other@example.org", "impi", "password again");
        refuse(f, false, ALICE_IMPI " --digest-algorithm MD5", "digest-algorithm", "password too");
}

/* The password of one who fetches it later is one that nobody knows. */
static void bootstrap(void **state)
{
        struct fixture *f = *state;
        char first[DIGEST_HEX_MAX];
        fixture_add(f, "--impi " CAROL " --bootstrap");
        assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
        memcpy(first, f->job.reply.ha1, sizeof first);
        assert_int_equal(strlen(first), 32);
        assert_int_equal(fixture_run(f, cli_subscriber_remove, CAROL, NULL), 0);
        fixture_add(f, "--impi " CAROL " --bootstrap=yes --digest-algorithm SHA-256");
        assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
        assert_int_equal(strlen(f->job.reply.ha1), 64);
        fixture_set(f, CAROL " --bootstrap --digest-algorithm MD5");
        assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
        assert_string_not_equal(f->job.reply.ha1, first);
}

/* --- the flags ----------------------------------------------------------------------------------- */

static void stands(struct fixture *f, enum reg_state state, bool registered, bool pending, bool named)
{
        struct record r = fixture_record(f, CAROL);
        assert_int_equal(r.impus[0].state, state);
        assert_int_equal(r.impus[0].registered, registered);
        assert_int_equal(r.impus[0].pending, pending);
        assert_int_equal(r.scscf_name.n > 0, named);
}

/* Pending while the challenge is out, registered after the right response, and unchanged through a new
 * challenge of one who is registered. */
static void flags_kept(void **state)
{
        struct fixture *f = *state;
        fixture_add(f, "--impi " CAROL " --password secret");
        stands(f, REG_ST_NOT_REGISTERED, false, false, false);
        assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
        stands(f, REG_ST_NOT_REGISTERED, false, true, true);
        assert_result(do_sar(f, CAROL, CAROL_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        stands(f, REG_ST_REGISTERED, true, false, true);
        assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
        stands(f, REG_ST_REGISTERED, true, false, true);
        assert_result(do_sar(f, CAROL, CAROL_SIP, SCSCF1, CX_SAT_RE_REGISTRATION), SUCCESS);
        stands(f, REG_ST_REGISTERED, true, false, true);
        assert_result(do_sar(f, CAROL, CAROL_SIP, SCSCF1, CX_SAT_USER_DEREGISTRATION), SUCCESS);
        stands(f, REG_ST_NOT_REGISTERED, false, false, false);
        proves("DIG-015");
}

/* A wrong response and one that never came: not registered, or unregistered where it was, and a registered
 * one stays so. */
static void flags_after_failure(void **state)
{
        static const enum cx_server_assignment_type failures[] = {CX_SAT_AUTHENTICATION_FAILURE,
                                                                  CX_SAT_AUTHENTICATION_TIMEOUT};
        struct fixture *f = *state;
        fixture_add(f, "--impi " CAROL " --password secret --unregistered-services yes");
        for (size_t i = 0; i < 2; i++) {
                assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
                stands(f, REG_ST_NOT_REGISTERED, false, true, true);
                assert_result(do_sar(f, CAROL, CAROL_SIP, SCSCF1, failures[i]), SUCCESS);
                stands(f, REG_ST_NOT_REGISTERED, false, false, false);
        }
        assert_result(do_sar(f, NULL, CAROL_SIP, SCSCF1, CX_SAT_UNREGISTERED_USER), SUCCESS);
        for (size_t i = 0; i < 2; i++) {
                assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
                stands(f, REG_ST_UNREGISTERED, false, true, true);
                assert_result(do_sar(f, CAROL, CAROL_SIP, SCSCF1, failures[i]), SUCCESS);
                stands(f, REG_ST_UNREGISTERED, false, false, true);
        }
        assert_result(do_sar(f, CAROL, CAROL_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        for (size_t i = 0; i < 2; i++) {
                assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
                assert_result(do_sar(f, CAROL, CAROL_SIP, SCSCF1, failures[i]), SUCCESS);
                stands(f, REG_ST_REGISTERED, true, false, true);
        }
        proves("DIG-051 DIG-055");
}

/* --- who shares ---------------------------------------------------------------------------------- */

/* An IMPU that is "sip:" and the IMPI of a Digest user belongs to that IMPI alone. */
static void shared(void **state)
{
        struct fixture *f = *state;
        fixture_add(f, "--impi " CAROL " --password secret");
        refuse(f, true, "--impi phone@example.org --join " CAROL " --k " K " --opc " OPC, "join",
               "sip:carol@example.org");
        refuse(f, true, "--impi Phone@example.org --join " CAROL " --password x", "join",
               "belongs to that IMPI");
        fixture_add(f, "--impi home@example.org --impu sip:dave@example.org tel:+15550077 --password secret");
        fixture_add(f, "--impi phone@example.org --join home@example.org --k " K " --opc " OPC);
        refuse(f, false, "phone@example.org --impu sip:home@example.org", "impu", "belongs to that IMPI");
        refuse(f, false, "home@example.org --impi dave@example.org --password x", "impu",
               "belongs to that IMPI");
        fixture_set(f, "home@example.org --separate-impu sip:home@example.org"); /* that one is its own */
        refuse(f, true, "--impi dave@example.org --join home@example.org --password x", "join",
               "belongs to that IMPI");
        fixture_set(f, "home@example.org --remove-impu sip:home@example.org");
        fixture_add(f, "--impi dave@example.org --join phone@example.org --k " K " --opc " OPC);
        refuse(f, false, "dave@example.org --password x", "impu", "belongs to that IMPI");
        assert_int_equal(fixture_record(f, "dave@example.org").scheme, HSS_SCHEME_AKA);
        proves("DIG-012");
}

/* One subscription, a Digest device and one with AKA, the same identities: each is served by its own kind. */
static void two_credentials(void **state)
{
        struct fixture *f = *state;
        fixture_add(f, "--impi home@example.org --impu sip:carol@example.org --password secret");
        fixture_add(f, "--impi phone@example.org --join home@example.org --k " K " --opc " OPC);
        assert_result(mar(f, "home@example.org", CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
        assert_int_equal(strlen(f->job.reply.ha1), 32);
        assert_result(do_sar(f, "home@example.org", CAROL_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(mar(f, "phone@example.org", CAROL_SIP, CX_SCHEME_AKA), SUCCESS);
        assert_true(f->job.reply.n_avs > 0);
        assert_int_equal(f->job.reply.ha1[0], 0);
        assert_result(do_sar(f, "phone@example.org", CAROL_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(mar(f, "home@example.org", CAROL_SIP, CX_SCHEME_AKA),
                      dia_3gpp(CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED));
        assert_result(mar(f, "phone@example.org", CAROL_SIP, CX_SCHEME_DIGEST),
                      dia_3gpp(CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED));
        assert_result(do_sar(f, "phone@example.org", CAROL_SIP, SCSCF1, CX_SAT_USER_DEREGISTRATION), SUCCESS);
        assert_true(fixture_record(f, "home@example.org").impus[0].registered); /* the other one stays */
        assert_int_equal(fixture_record(f, "home@example.org").impus[0].state, REG_ST_REGISTERED);
        proves("PC-005");
}

/* Every field of Digest, out and in again. */
static void round_trip(void **state)
{
        struct fixture *f = *state;
        char args[256];
        struct credential c;
        fixture_add(f,
                    "--impi " CAROL " --password secret --digest-algorithm SHA-256 --digest-realm r.example");
        assert_result(mar(f, CAROL, CAROL_SIP, CX_SCHEME_UNKNOWN), SUCCESS);
        char before[DIGEST_HEX_MAX];
        memcpy(before, f->job.reply.ha1, sizeof before);
        (void)snprintf(args, sizeof args, "--with-keys %s/keys.csv", f->dir);
        assert_int_equal(fixture_run(f, cli_subscriber_export, args, NULL), 0);
        assert_int_equal(fixture_run(f, cli_subscriber_remove, CAROL, NULL), 0);
        (void)snprintf(args, sizeof args, "%s/keys.csv", f->dir);
        assert_int_equal(fixture_run(f, cli_subscriber_import, args, NULL), 0);
        struct record r = fixture_record(f, CAROL);
        assert_int_equal(r.digest_algorithm, DIGEST_SHA256);
        assert_span(r.digest_realm, "r.example");
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_read_credential(f->store, &f->job.arena, r.id, &c), 0);
        store_rollback(f->store);
        assert_string_equal(c.ha1, before);
        assert_int_equal(c.digest_algorithm, DIGEST_SHA256);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(ha1_of_the_vectors), T(item),       T(nothing_to_read),     T(refusals),
                T(bootstrap),          T(flags_kept), T(flags_after_failure), T(shared),
                T(two_credentials),    T(round_trip),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
