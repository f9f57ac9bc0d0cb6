/* SPDX-License-Identifier: BSD-3-Clause
 * Every field of a subscriber with wrong values, by every way in: `subscriber add`, `subscriber set`, a CSV
 * column. The table of fields itself is walked: a new field without a row here fails. What is wrong between
 * fields is in test_provision.c. */
#include "tests/unit/hss/fixture.h"

#define BASE_IMSI "001010000000007"
#define SECRETIVE "0123456789abcdef0123456789abcdeg" /* wrong, and may not be shown */
#define LONG      "a23456789012345678901234567890123456789012345678901234567890123456789"

static const struct {
        enum sub_field field;
        const char *value, *why;
} wrong[] = {
        {SUB_IMSI, "12345", "6 to 15 digits"},
        {SUB_IMSI, "00101000000000x", "digits only"},
        {SUB_MSISDN, "12", "3 to 15 digits"},
        {SUB_MSISDN, "+15550001", "digits only"},
        {SUB_MNC_DIGITS, "4", "2 or 3 digits"},
        {SUB_MNC_DIGITS, "two", "2 or 3 digits"},
        {SUB_DOMAIN, "-bad.example", "letters, digits"},
        {SUB_DOMAIN, LONG ".example", "longer than 63"},
        {SUB_IMPI, "alice", "realm is missing"},
        {SUB_IMPI, "alice@b..example", "no domain name"},
        {SUB_JOIN, "alice", "realm is missing"},
        {SUB_IMPU, "mailto:alice@example.org", "is a URI"},
        {SUB_IMPU, "sip:alice@example.org:5060", "no port"},
        {SUB_BARRED_IMPU, "alice@example.org", "is a URI"},
        {SUB_SEPARATE_IMPU, "tel:15550001", "global number"},
        {SUB_PSI, "sip:a!(b!@example.org", "no regular expression"},
        {SUB_AS_NAME, "as.example", "SIP URI"},
        {SUB_DISPLAY_NAME, "a\x1b[1m", "control character"},
        {SUB_DISPLAY_NAME, "a\xff", "not UTF-8"},
        {SUB_TUAK, "maybe", "yes or no"},
        {SUB_K, SECRETIVE, "32 hex digits"},
        {SUB_K, "0123456789abcdef", "32 hex digits"},
        {SUB_OP, SECRETIVE, "32 hex digits"},
        {SUB_OPC, SECRETIVE, "32 hex digits"},
        {SUB_OPC, SECRETIVE "0", "32 hex digits"},
        {SUB_TOP, SECRETIVE, "64 hex digits"},
        {SUB_TOPC, SECRETIVE, "64 hex digits"},
        {SUB_KECCAK, "0", "1 to 255"},
        {SUB_KECCAK, "256", "1 to 255"},
        {SUB_RES_OCTETS, "5", "4, 8 or 16"},
        {SUB_RES_OCTETS, "x", "4, 8 or 16"},
        {SUB_AMF, "800", "four hex digits"},
        {SUB_AMF, "80g0", "four hex digits"},
        {SUB_SQN, "281474976710656", "below 2^48"},
        {SUB_SQN, "0x", "below 2^48"},
        {SUB_PASSWORD, LONG LONG, "1 to 127 octets"},
        {SUB_PASSWORD_FILE, "/nowhere/at/all", "cannot be opened"},
        {SUB_PASSWORD_FILE, "/dev/null", "cannot be read"},
        {SUB_PASSWORD_STDIN, "x", "no value"},
        {SUB_BOOTSTRAP, "maybe", "yes or no"},
        {SUB_DIGEST_HA1, SECRETIVE, "32 hex digits"},
        {SUB_DIGEST_ALGORITHM, "SHA-512-256", "MD5 or SHA-256"},
        {SUB_DIGEST_ALGORITHM, "AKAv1-MD5", "MD5 or SHA-256"},
        {SUB_DIGEST_REALM, "a\x01", "control character"},
        {SUB_NBA_LINE, "l\xc3", "not UTF-8"},
        {SUB_PROFILE, "a\x7f", "control character"},
        {SUB_CAPABILITY, "must:3", "mandatory:NUMBER"},
        {SUB_CAPABILITY, "optional:-1", "mandatory:NUMBER"},
        {SUB_SERVER_NAME, "scscf1", "SIP URI"},
        {SUB_VISITED, "a\x02", "control character"},
        {SUB_REGISTRATION, "maybe", "allowed or denied"},
        {SUB_UNREGISTERED, "1", "yes or no"},
        {SUB_ECF, "ecf.example", "aaa://"},
        {SUB_CCF, "sip:ccf.example", "aaa://"},
        {SUB_LOOSE_ROUTE, "true", "yes or no"},
        {SUB_PRIVILEDGED, "y", "yes or no"},
        {SUB_BAR, "alice", "is a URI"},
        {SUB_UNBAR, "alice", "is a URI"},
        {SUB_REMOVE_IMPU, "alice", "is a URI"},
        {SUB_REAUTHENTICATE, "x", "no value"},
        {SUB_DEREGISTER, "x", "no value"},
};

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

/* The message names where and the field, says why, and holds no key. */
static void check_message(struct buf *err, int rc, const char *where, size_t row)
{
        const struct sub_row *field = &sub_rows[wrong[row].field];
        struct buf want = BUF_INIT;

        buf_printf(&want, "%s%s: ", where, field->name);
        if (rc != -IMS_EINVAL || !span_starts(buf_as_span(err), buf_as_span(&want)) ||
            span_find(buf_as_span(err), span_of(wrong[row].why)) < 0)
                fail_msg("%s%s %s: %d " SPAN_FMT, where, field->name, wrong[row].value, rc,
                         SPAN_ARG(buf_as_span(err)));
        if (sub_is_secret(wrong[row].field))
                assert_true(span_find(buf_as_span(err), span_of(wrong[row].value)) < 0);
        buf_free(&want);
        buf_free(err);
}

/* "--FIELD=VALUE": what a switch takes too. */
static void by_command(struct fixture *f, unsigned use, size_t row)
{
        const struct sub_row *field = &sub_rows[wrong[row].field];
        struct buf err = BUF_INIT;
        char args[512];
        int rc;

        if (!(field->use & use))
                return;
        (void)snprintf(args, sizeof(args), "%s--%s=%s", use == SUB_USE_SET ? "15550001 " : "", field->name,
                       wrong[row].value);
        rc = fixture_run(f, use == SUB_USE_ADD ? cli_subscriber_add : cli_subscriber_set, args, &err);
        check_message(&err, rc, "--", row);
}

static void write_file(const char *path, const char *text)
{
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        (void)fputs(text, file);
        assert_int_equal(fclose(file), 0);
}

/* In the second row, behind columns that are good. */
static void by_column(struct fixture *f, size_t row)
{
        static const struct {
                enum sub_field field;
                const char *value;
        } good[] = {{SUB_IMSI, BASE_IMSI}, {SUB_K, K}, {SUB_OPC, OPC}};
        enum sub_field field = wrong[row].field;
        struct buf err = BUF_INIT;
        char path[128], where[160], head[256] = "", cells[512] = "", text[1024];
        int rc;

        if (!(sub_rows[field].use & SUB_USE_CSV))
                return;
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                if (good[i].field == field)
                        continue;
                (void)strcat(strcat(head, sub_rows[good[i].field].name), ",");
                (void)strcat(strcat(cells, good[i].value), ",");
        }
        (void)snprintf(text, sizeof(text), "%s%s\n%s%s\n", head, sub_rows[field].name, cells,
                       wrong[row].value);
        (void)snprintf(path, sizeof(path), "%s/in.csv", f->dir);
        (void)snprintf(where, sizeof(where), "%s:2: ", path);
        write_file(path, text);
        rc = fixture_run(f, cli_subscriber_import, path, &err);
        check_message(&err, rc, where, row);
}

static void every_field_with_wrong_values(void **state)
{
        bool seen[SUB_FIELDS] = {false};
        struct record before = fixture_record(*state, "15550001"), after;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                seen[wrong[i].field] = true;
                by_command(*state, SUB_USE_ADD, i);
                by_command(*state, SUB_USE_SET, i);
                by_column(*state, i);
        }
        for (int field = 0; field < SUB_FIELDS; field++)
                if (!seen[field])
                        fail_msg("--%s has no wrong value in wrong[]", sub_rows[field].name);
        after = fixture_record(*state, "15550001");
        assert_int_equal(before.n_impus, after.n_impus); /* nothing of them stayed */
}

/* An option without its value, twice, misspelt, or of another command. */
static void every_option_misused(void **state)
{
        struct fixture *f = *state;

        for (int i = 0; i < SUB_FIELDS; i++) {
                const struct sub_row *row = &sub_rows[i];
                char args[128], want[160];
                struct buf err = BUF_INIT;
                static const struct {
                        unsigned use;
                        int (*run)(struct cli *, int, char **);
                        const char *first;
                } commands[] = {{SUB_USE_ADD, cli_subscriber_add, ""},
                                {SUB_USE_SET, cli_subscriber_set, "15550001 "}};

                for (size_t c = 0; c < 2; c++) {
                        (void)snprintf(args, sizeof(args), "%s--%s", commands[c].first, row->name);
                        (void)snprintf(want, sizeof(want), "--%s: %s", row->name,
                                       row->use & commands[c].use ? "the value is missing"
                                                                  : "no such option here");
                        if (row->kind != SUB_SWITCH || !(row->use & commands[c].use)) {
                                assert_int_equal(fixture_run(f, commands[c].run, args, &err), -IMS_EINVAL);
                                if (!span_starts(buf_as_span(&err), span_of(want)))
                                        fail_msg("%s: " SPAN_FMT, args, SPAN_ARG(buf_as_span(&err)));
                                buf_free(&err);
                        }
                        (void)snprintf(args, sizeof(args), "%s--%sx 1", commands[c].first, row->name);
                        (void)snprintf(want, sizeof(want), "--%sx: no such option here", row->name);
                        assert_int_equal(fixture_run(f, commands[c].run, args, &err), -IMS_EINVAL);
                        assert_true(span_starts(buf_as_span(&err), span_of(want)));
                        buf_free(&err);
                }
        }
}

/* A column that CSV does not have, one twice, a misspelt one. */
static void every_column_misnamed(void **state)
{
        struct fixture *f = *state;
        char path[128], text[256], want[256];

        (void)snprintf(path, sizeof(path), "%s/in.csv", f->dir);
        for (int i = 0; i < SUB_FIELDS; i++) {
                const char *name = sub_rows[i].name;
                struct buf err = BUF_INIT;

                (void)snprintf(text, sizeof(text), "%s,%s\n", name, name);
                (void)snprintf(want, sizeof(want), "%s:1: %s: %s", path, name,
                               sub_rows[i].use & SUB_USE_CSV ? "stands there twice" : "is no column name");
                write_file(path, text);
                assert_int_equal(fixture_run(f, cli_subscriber_import, path, &err), -IMS_EINVAL);
                if (!span_starts(buf_as_span(&err), span_of(want)))
                        fail_msg("%s: " SPAN_FMT, text, SPAN_ARG(buf_as_span(&err)));
                buf_free(&err);
                (void)snprintf(text, sizeof(text), "%sx\n", name);
                (void)snprintf(want, sizeof(want), "%s:1: %sx: is no column name", path, name);
                write_file(path, text);
                assert_int_equal(fixture_run(f, cli_subscriber_import, path, &err), -IMS_EINVAL);
                assert_true(span_starts(buf_as_span(&err), span_of(want)));
                buf_free(&err);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_field_with_wrong_values, setup, teardown),
                cmocka_unit_test_setup_teardown(every_option_misused, setup, teardown),
                cmocka_unit_test_setup_teardown(every_column_misnamed, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
