/* SPDX-License-Identifier: BSD-3-Clause
 * Provisioning: every bad value is refused with its field and the reason, what is derived, import and
 * export. */
#include "tests/unit/hss/fixture.h"

#include <sqlite3.h>

#include "common/base/codec.h"
#include "hss/store_int.h"

#define K32 K K
#define A64 OPC OPC

static int setup(void **state)
{
        static struct fixture f;
        fixture_open(&f, "");
        fixture_add(&f, ALICE);
        *state = &f;
        return 0;
}

static int teardown(void **state)
{
        fixture_close(*state);
        return 0;
}

static int64_t count(struct fixture *f, const char *table)
{
        char sql[64];
        sqlite3_stmt *st = NULL;
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
        assert_int_equal(sqlite3_prepare_v2(f->store->db, sql, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        int64_t n = sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
        return n;
}

#define BASE "--imsi 001010000000007 "
#define AKA  BASE "--k " K " --opc " OPC " "

/* add: what is given; the field that is blamed; a part of the reason. */
static const struct {
        const char *args, *field, *reason;
} bad[] = {
        {"", "imsi", "an IMSI or an IMPI is needed"},
        {"--imsi", "imsi", "value is missing"},
        {"--imsi 12345", "imsi", "6 to 15 digits"},
        {"--imsi 0010100000000012", "imsi", "6 to 15 digits"},
        {"--imsi 00101000000000x", "imsi", "digits only"},
        {AKA "--imsi 001010000000008", "imsi", "given twice"},
        {AKA "--msisdn +15550001", "msisdn", "digits only"},
        {AKA "--msisdn 12", "msisdn", "3 to 15 digits"},
        {AKA "--mnc-digits 4", "mnc-digits", "2 or 3"},
        {AKA "--mnc-digits 1", "mnc-digits", "2 or 3"},
        {"--impi a@b.example --k " K " --opc " OPC " --mnc-digits 2", "mnc-digits", "only with --imsi"},
        {AKA "--domain -bad.example", "domain", "domain name"},
        {AKA "--domain a..example", "domain", "label"},
        {AKA "--impi alice", "impi", "realm is missing"},
        {AKA "--impi alice@", "impi", "realm"},
        {AKA "--impi @example.org", "impi", "user part"},
        {AKA "--impi a\"b@example.org", "impi", "user part"},
        {AKA "--impu alice@example.org", "impu", "is a URI"},
        {AKA "--impu mailto:alice@example.org", "impu", "is a URI"},
        {AKA "--impu sip:alice@example.org:5060", "impu", "no port"},
        {AKA "--impu sip:alice@example.org;user=phone", "impu", "no parameters"},
        {AKA "--impu sip:alice@example.org?a=b", "impu", "no parameters"},
        {AKA "--impu sip:@example.org", "impu", "user part"},
        {AKA "--psi sip:a!.*@example.org", "psi", "two exclamation marks"},
        {AKA "--psi sip:a!b!c!@example.org", "psi", "two exclamation marks"},
        {AKA "--psi sip:a!(b!@example.org", "psi", "no regular expression"},
        {AKA "--psi sip:a!!@example.org", "psi", "no regular expression"},
        {AKA "--psi sip:a[!b!@example.org", "psi", "character"},
        {AKA "--impu tel:15550001", "impu", "global number"},
        {AKA "--impu tel:+1555x", "impu", "digits"},
        {AKA "--impu tel:+1555;ext=1", "impu", "no parameters"},
        {AKA "--impu sip:a@b.example sip:a@B.example", "impu", "twice"},
        {AKA "--impu " ALICE_SIP, "impu", "is there already"},
        {AKA "--separate-impu " ALICE_TEL, "separate-impu", "is there already"},
        {AKA "--msisdn 15550001", "msisdn", "is there already"},
        {"--imsi 001010000000001 --k " K " --opc " OPC, "imsi", "is there already"},
        {"--impi " ALICE_IMPI " --k " K " --opc " OPC, "impi", "exactly one credential"},
        {AKA "--psi sip:chat@b.example --as-name b.example", "as-name", "SIP URI"},
        {AKA "--as-name sip:as.example", "as-name", "only with --psi"},
        {BASE "--k 465b5ce8b199b49faa5f0a2ee238a6b --opc " OPC, "k", "given were 31 characters"},
        {BASE "--k 465b5ce8b199b49faa5f0a2ee238a6bcd --opc " OPC, "k", "32 hex digits"},
        {BASE "--k 465b5ce8b199b49faa5f0a2ee238a6bg --opc " OPC, "k", "32 hex digits"},
        {BASE "--k " K32 " --opc " OPC, "k", "Milenage"},
        {BASE "--k " K, "opc", "K needs OP or OPc"},
        {BASE "--opc " OPC, "k", "K is missing"},
        {BASE, "k", "a credential is needed"},
        {BASE "--k " K " --op " OPC " --opc " OPC, "op", "not both"},
        {BASE "--k " K " --op abcd", "op", "32 hex digits"},
        {BASE "--k " K " --opc " A64, "opc", "32 hex digits"},
        {AKA "--k " K, "k", "given twice"},
        {BASE "--tuak --k " K " --opc " OPC, "tuak", "--top or --topc"},
        {BASE "--k " K " --topc " A64, "topc", "only with --tuak"},
        {BASE "--tuak --k " K " --top " A64 " --topc " A64, "top", "not both"},
        {BASE "--tuak --k " K " --topc " OPC, "topc", "64 hex digits"},
        {BASE "--tuak --k " K " --topc " A64 " --keccak 0", "keccak", "1 to 255"},
        {BASE "--tuak --k " K " --topc " A64 " --res-octets 5", "res-octets", "4, 8 or 16"},
        {AKA "--res-octets 8", "res-octets", "only with --tuak"},
        {AKA "--amf 800", "amf", "four hex digits"},
        {AKA "--sqn -1", "sqn", "below 2^48"},
        {AKA "--sqn 281474976710656", "sqn", "below 2^48"},
        {AKA "--sqn 0x1000000000000", "sqn", "below 2^48"},
        {AKA "--sqn 0xg", "sqn", "below 2^48"},
        {BASE "--password x --nba-line l1", "nba-line", "never both"},
        {AKA "--password x", "k", "exactly one credential"},
        {AKA "--nba-line l1", "k", "exactly one credential"},
        {BASE "--digest-ha1 abc", "digest-ha1", "32 hex digits"},
        {BASE "--digest-ha1 " K " --password x", "digest-ha1", "not both"},
        {AKA "--digest-realm r", "digest-realm", "only with SIP Digest"},
        {AKA "--profile gold", "profile", "no service profile"},
        {AKA "--scscf-capability 3", "scscf-capability", "mandatory:NUMBER"},
        {AKA "--scscf-capability must:3", "scscf-capability", "mandatory:NUMBER"},
        {AKA "--scscf-capability mandatory:4294967296", "scscf-capability", "mandatory:NUMBER"},
        {AKA "--scscf-name scscf1", "scscf-name", "SIP URI"},
        {AKA "--visited any b.example", "visited", "any, or a list"},
        {AKA "--visited b.example any", "visited", "any, or a list"},
        {AKA "--registration maybe", "registration", "allowed or denied"},
        {AKA "--unregistered-services 1", "unregistered-services", "yes or no"},
        {AKA "--ccf ccf1.example", "ccf", "aaa://"},
        {AKA "--ecf aaa://a aaa://b aaa://c", "ecf", "no more"},
        {AKA "--bar sip:other@b.example", "bar", "no identity of this subscriber"},
        {AKA "--unbar sip:other@b.example", "unbar", "no identity of this subscriber"},
        {AKA "--remove-impu " ALICE_SIP, "remove-impu", "no such option"},
        {AKA "--join nobody@x.example", "join", "is no IMPI"},
        {AKA "--join " ALICE_IMPI " --impu sip:a@b.example", "join", "those of the other IMPI"},
        {AKA "--display-name a\xff", "display-name", "not UTF-8"},
        {AKA "--display-name a\xc3", "display-name", "not UTF-8"},
        {AKA "--display-name \xc0\xaf", "display-name", "not UTF-8"},     /* overlong */
        {AKA "--display-name \xed\xa0\x80", "display-name", "not UTF-8"}, /* a surrogate */
        {AKA "--display-name \xef\xbf\xbf", "display-name", "not UTF-8"}, /* XML does not have it */
        {AKA "--display-name \xf4\x90\x80\x80", "display-name", "not UTF-8"},
        {AKA "--display-name a\x1b[1m", "display-name", "control character"},
        {AKA "--color red", "color", "no such option"},
        {AKA "blue", "", "what is blue"},
};

static void refused(void **state)
{
        struct fixture *f = *state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                struct buf err = BUF_INIT;
                int rc = fixture_run(f, cli_subscriber_add, bad[i].args, &err);
                struct span text = buf_as_span(&err);
                char option[64];
                (void)snprintf(option, sizeof option, "%s: ", bad[i].field);
                if (rc >= 0 || span_find(text, span_of(bad[i].reason)) < 0 ||
                    (bad[i].field[0] &&
                     span_find(span_sub(text, 0, strlen(option) + 2), span_of(option)) < 0))
                        fail_msg("%s: %d " SPAN_FMT, bad[i].args, rc, SPAN_ARG(text));
                assert_true(span_find(text, SPAN(K)) < 0); /* no key in a message */
                buf_free(&err);
        }
        assert_int_equal(count(f, "impi"), 1); /* nothing of them stayed */
        assert_int_equal(count(f, "subscription"), 1);
        proves("AKA-042 ISIM-002 COEX-034");
}

/* The same table by way of CSV would only repeat it: one row per kind of fault, all reported with lines. */
static void import_faults(void **state)
{
        struct fixture *f = *state;
        struct buf err = BUF_INIT;
        char path[128], args[160];
        (void)snprintf(path, sizeof path, "%s/in.csv", f->dir);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fprintf(file, "imsi,msisdn,k,opc\n"
                            "001010000000011,15550011," K "," OPC "\r\n"
                            "001010000000012,15550012,465b5ce8b199b49faa5f0a2ee238a6b," OPC "\n"
                            "\"001010000000013\",15550013," K "\n"
                            "# a remark\n"
                            "001010000000014,15550011," K "," OPC "\n"
                            "001010000000015,15550015,\"" K "\"x," OPC "\n"
                            "001010000000016,,," OPC "\n");
        assert_int_equal(fclose(file), 0);
        (void)snprintf(args, sizeof args, "%s", path);
        assert_int_equal(fixture_run(f, cli_subscriber_import, args, &err), -IMS_EINVAL);
        static const char *const want[] = {
                ":3: k: ",           ":4: another number of fields", ":6: msisdn: 15550011 is there already",
                ":7: not a CSV row", ":8: k: K is missing",          "nothing was imported"};
        for (size_t i = 0; i < sizeof want / sizeof *want; i++)
                if (span_find(buf_as_span(&err), span_of(want[i])) < 0)
                        fail_msg("%s not in %.*s", want[i], (int)err.n, err.p);
        assert_true(span_find(buf_as_span(&err), SPAN(":2:")) < 0);
        assert_int_equal(count(f, "impi"), 1);
        buf_free(&err);
        file = fopen(path, "w");
        assert_non_null(file);
        (void)fprintf(file, "imsi,colour\n1,2\n");
        assert_int_equal(fclose(file), 0);
        err = BUF_INIT;
        assert_int_equal(fixture_run(f, cli_subscriber_import, args, &err), -IMS_EINVAL);
        assert_true(span_find(buf_as_span(&err), SPAN(":1: colour: is no column name")) >= 0);
        buf_free(&err);
        assert_int_equal(fixture_run(f, cli_subscriber_import, "/nonexistent.csv", NULL), -IMS_EIO);
}

static int import_text(struct fixture *f, const char *text, struct buf *err)
{
        char path[128];
        (void)snprintf(path, sizeof path, "%s/in.csv", f->dir);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fputs(text, file);
        assert_int_equal(fclose(file), 0);
        return fixture_run(f, cli_subscriber_import, path, err);
}

/* What spreadsheets and other programs make of CSV. */
static void csv_forms(void **state)
{
        struct fixture *f = *state;
        struct buf err = BUF_INIT;
        assert_int_equal(import_text(f,
                                     "\xef\xbb\xbfimsi, k ,opc,display-name,visited,nba-line\r\n"
                                     "\r\n"
                                     "001010000000011," K "," OPC
                                     ",\"J\xc3\xbcrgen \"\"J\"\", esq.\",one.example  "
                                     "two.example,\r\n"
                                     "\n"
                                     "\"001010000000012\"," K "," OPC ",,\"network number 1\n\",\n"
                                     "# no subscriber\n"
                                     "001010000000013,,,,,\"line 1\nline,2\n\"\n"
                                     "001010000000014,,,,,line 1",
                                     &err),
                         0);
        assert_span(fixture_record(f, "001010000000011").impus[0].display_name, "J\xc3\xbcrgen \"J\", esq.");
        assert_span(fixture_record(f, "001010000000011").visited, "one.example\ntwo.example");
        assert_span(fixture_record(f, "001010000000012").visited, "network number 1");
        assert_span(fixture_record(f, "001010000000013").line_ids, "line 1\nline,2");
        assert_span(fixture_record(f, "001010000000014").line_ids, "line 1");
        static const struct {
                const char *text, *want;
        } rows[] = {
                {"", "the file is empty"},
                {"\n\n# nothing\n", "the file is empty"},
                {"imsi,imsi\n1,2\n", ":1: imsi: stands there twice"},
                {"imsi,k\n\"001010000000021," K "\n", ":2: not a CSV row"},
                {"imsi,,k\n1,2,3\n", "is no column name"},
                {"imsi,k,opc\n001010000000021," K "," OPC ",\n", ":2: another number of fields"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                buf_free(&err);
                assert_int_equal(import_text(f, rows[i].text, &err), -IMS_EINVAL);
                if (span_find(buf_as_span(&err), span_of(rows[i].want)) < 0)
                        fail_msg("%s: %.*s", rows[i].text, (int)err.n, err.p);
        }
        buf_free(&err);
        assert_int_equal(fixture_run(f, cli_subscriber_import, "a.csv b.csv", NULL), -IMS_EINVAL);
        assert_int_equal(fixture_run(f, cli_subscriber_import, "--dryrun", NULL), -IMS_EINVAL);
        assert_int_equal(count(f, "impi"), 5);
}

/* Keys do not stay in the argument list, whatever becomes of the command. */
static void hidden_arguments(void **state)
{
        struct fixture *f = *state;
        static const struct {
                const char *args;
                int code;
        } rows[] = {
                {"subscriber add --imsi 001010000000051 --k " K " --opc=" OPC, 0},
                {"subscriber add --imsi 001010000000052 --top " OPC " --topc " OPC " --color red --op " OPC
                 " --k " K " --password hunter22 --digest-ha1=" K,
                 1},
                {"subscriber ad --k " K " --opc " OPC, 2},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                char text[1024], *argv[32];
                size_t n = strlen(rows[i].args);
                memcpy(text, rows[i].args, n + 1);
                int argc = words(text, argv, 32);
                assert_int_equal(cli_run(f->conf, argc, argv), rows[i].code);
                static const char *const secrets[] = {K, OPC, "hunter22"};
                for (size_t k = 0; k < 3; k++)
                        assert_null(memmem(text, n, secrets[k], strlen(secrets[k])));
                assert_non_null(memmem(text, n, "subscriber", 10));
        }
        assert_int_equal(count(f, "impi"), 2);
        struct credential c;
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_read_credential(f->store, &f->job.arena, 2, &c), 0);
        store_rollback(f->store);
        uint8_t want[16];
        assert_int_equal(hex_decode(SPAN(OPC), want, 16), 0);
        assert_memory_equal(c.key.opc, want, 16);
        /* And not while the command waits for the database: the database is missing here. */
        char text[] = "subscriber set 001010000000051 --k " K " --opc " OPC, *argv[16];
        size_t n = sizeof text - 1;
        int argc = words(text, argv, 16);
        assert_int_equal(unlink(f->key), 0);
        assert_int_equal(cli_run(f->conf, argc, argv), 1);
        assert_null(memmem(text, n, K, strlen(K)));
}

static void derived(void **state)
{
        struct fixture *f = *state;
        static const struct {
                const char *args, *id, *impi;
                const char *impus[4]; /* "!" before it: barred */
        } rows[] = {
                {"--imsi 310410123456789 --mnc-digits 3 --msisdn 15551 --k " K " --opc " OPC,
                 "15551",
                 "310410123456789@ims.mnc410.mcc310.3gppnetwork.org",
                 {"sip:+15551@ims.mnc410.mcc310.3gppnetwork.org",
                  "!sip:310410123456789@ims.mnc410.mcc310.3gppnetwork.org", "tel:+15551"}},
                {"--imsi 262012345678901 --k " K " --opc " OPC,
                 "262012345678901",
                 "262012345678901@ims.mnc001.mcc262.3gppnetwork.org",
                 {"sip:262012345678901@ims.mnc001.mcc262.3gppnetwork.org"}},
                {"--imsi 262012345678902 --msisdn 4917 --domain Lab.Example --k " K " --opc " OPC,
                 "4917",
                 "262012345678902@Lab.Example",
                 {"sip:+4917@lab.example", "!sip:262012345678902@lab.example", "tel:+4917"}},
                {"--impi carol@example.org --k " K " --opc " OPC,
                 "carol@example.org",
                 "carol@example.org",
                 {"sip:carol@example.org"}},
                {"--imsi 001010000000020 --impi d@example.org --impu SIP:D@Example.ORG tel:+1-555-(20) "
                 "--barred-impu "
                 "sip:x@example.org --k " K " --opc " OPC,
                 "sip:D@example.org",
                 "d@example.org",
                 {"sip:D@example.org", "tel:+155520", "!sip:x@example.org"}},
                {"--imsi 001010000000021 --msisdn 21 --unbar sip:001010000000021@" DOMAIN
                 " --bar tel:+211 --impu tel:+211 "
                 "--k " K " --opc " OPC,
                 NULL,
                 NULL,
                 {NULL}}, /* refused below */
                {"--imsi 001010000000022 --msisdn 222 --unbar sip:001010000000022@" DOMAIN
                 " --bar tel:+222 --k " K " --opc " OPC,
                 "222",
                 "001010000000022@" DOMAIN,
                 {"sip:+222@" DOMAIN, "sip:001010000000022@" DOMAIN, "!tel:+222"}},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                if (!rows[i].id) {
                        assert_int_equal(fixture_run(f, cli_subscriber_add, rows[i].args, NULL), -IMS_EINVAL);
                        continue;
                }
                fixture_add(f, rows[i].args);
                struct record r = fixture_record(f, rows[i].id);
                assert_span(r.impi, rows[i].impi);
                size_t n = 0;
                while (n < 4 && rows[i].impus[n])
                        n++;
                assert_int_equal(r.n_impus, n);
                for (size_t k = 0; k < n; k++) {
                        const char *want = rows[i].impus[k];
                        assert_int_equal(r.impus[k].barred, *want == '!');
                        assert_span(r.impus[k].impu, want + (*want == '!'));
                        assert_int_equal(r.impus[k].set, r.impus[0].set); /* one implicit set */
                }
        }
}

static void op_and_tuak(void **state)
{
        struct fixture *f = *state;
        struct credential c;
        uint8_t want[32];
        /* 3GPP TS 35.207 4.3, set 1: OP gives this OPc. */
        fixture_add(f, "--imsi 001010000000031 --k " K " --op cdc202d5123e20f62b6d676ac72cb318");
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_read_credential(f->store, &f->job.arena, 2, &c), 0);
        store_rollback(f->store);
        assert_int_equal(hex_decode(SPAN(OPC), want, 16), 0);
        assert_memory_equal(c.key.opc, want, 16);
        assert_int_equal(c.amf, 0x8000);
        fixture_add(f, "--imsi 001010000000032 --tuak --k " K32 " --topc " A64
                       " --amf 1234 --keccak 2 --res-octets 16 --sqn 0x40");
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_read_credential(f->store, &f->job.arena, 3, &c), 0);
        store_rollback(f->store);
        assert_int_equal(c.key.algorithm, AKA_TUAK);
        assert_int_equal(c.key.k_n, 32);
        assert_int_equal(c.amf, 0x1234);
        assert_int_equal(c.key.keccak_iterations, 2);
        assert_int_equal(c.key.res_n, 16);
        assert_int_equal(c.sqn.seq, 2);
        assert_result(do_mar(f, "001010000000032@" DOMAIN, "sip:001010000000032@" DOMAIN, SCSCF1, 1, NULL),
                      dia_base(DIA_SUCCESS));
        assert_int_equal(f->job.reply.avs[0].xres_n, 16);
        proves("AKA-042");
}

static void changes(void **state)
{
        struct fixture *f = *state;
        struct credential before, after;
        static const struct {
                const char *args, *field, *reason;
        } refusals[] = {
                {"15550001 --k " K, "opc", "K needs OP"},
                {"15550001 --topc " A64, "topc", "has Milenage"},
                {"15550001 --tuak --topc " A64, "tuak", "needs K"},
                {"15550001 --digest-realm x", "digest-realm", "password too"},
                {"15550001 --remove-impu " ALICE_SIP " " ALICE_TEL " " ALICE_TEMP, "remove-impu",
                 "at least one"},
                {"15550001 --remove-impu sip:x@example.org", "remove-impu", "no identity"},
                {"15550001 --msisdn x", "msisdn", "digits"},
                {"15550001 --as-name sip:as.example", "as-name", "only with --psi"},
                {"99999 --amf 8000", "", "no subscriber"},
                {"15550001", "", "usage"},
        };
        for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
                struct buf err = BUF_INIT;
                assert_true(fixture_run(f, cli_subscriber_set, refusals[i].args, &err) < 0);
                if (span_find(buf_as_span(&err), span_of(refusals[i].reason)) < 0 ||
                    span_find(buf_as_span(&err), span_of(refusals[i].field)) < 0)
                        fail_msg("%s: %.*s", refusals[i].args, (int)err.n, err.p);
                buf_free(&err);
        }
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_read_credential(f->store, &f->job.arena, 1, &before), 0);
        store_rollback(f->store);
        fixture_set(f, "15550001 --impi new@example.org --msisdn 777 --amf 0001 --impu sip:more@example.org");
        fixture_set(f, "777 --remove-impu " ALICE_TEL);
        struct record r = fixture_record(f, "777");
        assert_span(r.impi, "new@example.org");
        assert_int_equal(r.n_impus, 3);
        assert_span(r.impus[2].impu, "sip:more@example.org");
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_read_credential(f->store, &f->job.arena, 1, &after),
                         0); /* sealed for the new IMPI */
        store_rollback(f->store);
        assert_memory_equal(&before.key, &after.key, sizeof before.key);
        fixture_set(f, "777 --opc 00000000000000000000000000000000"); /* K stays */
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_read_credential(f->store, &f->job.arena, 1, &after), 0);
        store_rollback(f->store);
        assert_memory_equal(before.key.k, after.key.k, 16);
        assert_int_equal(after.key.opc[0] | after.key.opc[15], 0);
        assert_int_equal(after.amf, 1);
        fixture_set(f, "777 --password x");
        assert_result(do_mar(f, "new@example.org", "sip:more@example.org", SCSCF1, 1, NULL),
                      dia_3gpp(CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED));
}

/* Every field there is, out and in again, gives the same export. */
static void round_trip(void **state)
{
        struct fixture *f = *state;
        char command[600], args[160];
        assert_int_equal(fixture_run(f, cli_profile_set, "gold " TEST_DATA "/cx/profile-example.xml", NULL),
                         0);
        fixture_add(
                f,
                "--imsi 001010000000041 --msisdn 41000 --tuak --k " K32 " --topc " A64
                " --keccak 3 --res-octets 4 "
                "--amf 9001 --sqn 32000 --separate-impu sip:s1@x.example sip:s2@x.example --psi "
                "sip:p-!.*!@x.example "
                "--as-name sip:as.x.example --display-name Jane --profile gold --visited a.example b.example "
                "--scscf-capability mandatory:1 optional:2 mandatory:3 --scscf-name sip:s.x.example "
                "--registration denied --unregistered-services yes --ecf aaa://e1 aaa://e2 --ccf aaa://c1 "
                "--loose-route no --priviledged-sender yes");
        fixture_add(f, "--impi carol@example.org --password secret");
        fixture_add(f, "--impi dave@example.org --nba-line line,1 line-2");
        fixture_set(f, "15550001 --visited x.example");
        assert_int_equal(store_exec(f->store, "UPDATE subscription SET visited = 'network number 1'"
                                              " WHERE visited = 'x.example'"),
                         0);
        fixture_add(f, "--impi tablet@example.org --join 001010000000041@" DOMAIN " --k " K " --opc " OPC);
        (void)snprintf(args, sizeof args, "--with-keys %s/keys.csv", f->dir);
        assert_int_equal(fixture_run(f, cli_subscriber_export, args, NULL), 0);
        struct stat st;
        (void)snprintf(command, sizeof command, "%s/keys.csv", f->dir);
        assert_int_equal(stat(command, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(fixture_run(f, cli_subscriber_export, args, NULL), -IMS_EIO); /* never overwritten */
        static const char *const ids[] = {"15550001", "tablet@example.org", "41000", "carol@example.org",
                                          "dave@example.org"};
        for (size_t i = 0; i < 5; i++)
                assert_int_equal(fixture_run(f, cli_subscriber_remove, ids[i], NULL), 0);
        (void)snprintf(args, sizeof args, "%s/keys.csv --dry-run", f->dir);
        assert_int_equal(fixture_run(f, cli_subscriber_import, args, NULL), 0);
        assert_int_equal(count(f, "impi"), 0);
        (void)snprintf(args, sizeof args, "%s/keys.csv", f->dir);
        assert_int_equal(fixture_run(f, cli_subscriber_import, args, NULL), 0);
        assert_int_equal(count(f, "impi"), 5);
        struct record r = fixture_record(f, "15550001");
        assert_true(r.impus[0].has_alias_group && r.impus[2].has_alias_group && !r.impus[1].has_alias_group);
        assert_int_equal(r.impus[0].alias_group, r.impus[2].alias_group);
        assert_span(r.visited, "network number 1");
        assert_span(fixture_record(f, "dave@example.org").line_ids, "line,1\nline-2");
        assert_null(fixture_record(f, "41000").impus[1].display_name.p);
        (void)snprintf(args, sizeof args, "--with-keys %s/again.csv", f->dir);
        assert_int_equal(fixture_run(f, cli_subscriber_export, args, NULL), 0);
        (void)snprintf(command, sizeof command, "cmp %s/keys.csv %s/again.csv", f->dir, f->dir);
        assert_int_equal(system(command), 0);
}

/* What a command cannot be given ends with 2, what it refuses with 1 (cli.h). */
static void exit_codes(void **state)
{
        struct fixture *f = *state;
        static const struct {
                const char *line;
                int code;
        } rows[] = {
                {"frob", 2},
                {"init x", 2},
                {"subscriber", 2},
                {"subscriber frob", 2},
                {"subscriber show", 2},
                {"subscriber show x y", 2},
                {"subscriber show --frob", 2},
                {"subscriber list x", 2},
                {"subscriber set x", 2},
                {"subscriber remove", 2},
                {"subscriber import", 2},
                {"subscriber import a b", 2},
                {"subscriber import --frob", 2},
                {"subscriber export x", 2},
                {"state x y", 2},
                {"backup", 2},
                {"diagnose", 2},
                {"diagnose x y", 2},
                {"diagnose x --frob 1", 2},
                {"diagnose x --rand", 2},
                {"diagnose x --rand 0 --rand 0", 2},
                {"device add --impi x", 2},
                {"device list x", 2},
                {"device block", 2},
                {"device block x y", 2},
                {"device unblock x --reason y", 2},
                {"device forget --frob", 2},
                {"device remove", 2},
                {"profile set x", 2},
                {"profile remove", 2},
                {"subscriber show nobody", 1},
                {"subscriber remove nobody", 1},
                {"subscriber add --color red", 2},
                {"subscriber set nobody --color=red", 2},
                {"subscriber add red", 2},
                {"subscriber add --imsi red", 1},
                {"subscriber add --msisdn 15550001", 1},
                {"subscriber import /nowhere", 1},
                {"diagnose x --rand 00", 1},
                {"device remove nobody", 1},
                {"profile remove default", 1},
                {"subscriber list", 0},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                char text[128], *argv[16];
                (void)snprintf(text, sizeof text, "%s", rows[i].line);
                int argc = words(text, argv, 16);
                int code = cli_run(f->conf, argc, argv);
                if (code != rows[i].code)
                        fail_msg("%s: %d", rows[i].line, code);
        }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {T(refused),          T(import_faults), T(csv_forms),
                                           T(hidden_arguments), T(derived),       T(op_and_tuak),
                                           T(changes),          T(round_trip),    T(exit_codes)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
