/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration: values, defaults, faults with their lines, and the sample file read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/conf.h"

struct item {
        char *uri;
        uint32_t priority;
};

struct lab {
        char *name, *note;
        struct conf_list listen, servers, pool;
        uint32_t max, wait_s, t1_ms;
        bool relay;
        int mode;
};

static const char *check_host(const char *value)
{
        return strchr(value, '.') ? NULL : "not a host name";
}

static const char *const modes[] = {"off", "on", NULL};

static const struct conf_key item_keys[] = {
        {.name = "uri", .type = CONF_STR, .offset = offsetof(struct item, uri), .doc = "URI of it"},
        {.name = "priority",
         .type = CONF_U32,
         .offset = offsetof(struct item, priority),
         .def = "7",
         .max = 10,
         .doc = "lower is preferred"},
        {0},
};

static const struct conf_key keys[] = {
        {.name = "sip.name", .type = CONF_STR, .offset = offsetof(struct lab, name), .check = check_host},
        {.name = "sip.listen",
         .type = CONF_STR_LIST,
         .offset = offsetof(struct lab, listen),
         .def = "udp:1, tcp:2"},
        {.name = "note", .type = CONF_STR, .offset = offsetof(struct lab, note), .optional = true},
        {.name = "sip.t1",
         .type = CONF_TIME_MS,
         .offset = offsetof(struct lab, t1_ms),
         .def = "500",
         .max = 60000},
        {.name = "dns.servers",
         .type = CONF_STR_LIST,
         .offset = offsetof(struct lab, servers),
         .optional = true},
        {.name = "max",
         .type = CONF_U32,
         .offset = offsetof(struct lab, max),
         .def = "3",
         .min = 2,
         .max = 9},
        {.name = "wait", .type = CONF_TIME_S, .offset = offsetof(struct lab, wait_s), .def = "10m"},
        {.name = "relay", .type = CONF_BOOL, .offset = offsetof(struct lab, relay), .def = "no"},
        {.name = "mode",
         .type = CONF_ENUM,
         .offset = offsetof(struct lab, mode),
         .def = "on",
         .words = modes},
        {.name = "pool",
         .type = CONF_MAP_LIST,
         .offset = offsetof(struct lab, pool),
         .optional = true,
         .item = item_keys,
         .item_size = sizeof(struct item)},
        {0},
};

static int check_between(const struct conf_schema *schema, void *conf, struct buf *err)
{
        struct lab *lab = conf;

        (void)schema;
        for (size_t i = 0; i < lab->pool.n; i++)
                if (((struct item *)lab->pool.items)[i].priority == 5)
                        return conf_fail(err, "pool[1].priority", "%d is taken", 5);
        return 0;
}

static const struct conf_schema schema = {
        .node = "lab", .size = sizeof(struct lab), .keys = keys, .check = check_between};

static struct lab *parse_ok(const char *text)
{
        struct buf err = BUF_INIT;
        void *conf = NULL;
        int rc = conf_parse(&schema, "lab.yaml", span_of(text), &conf, &err);

        if (rc)
                fail_msg("%.*s", (int)err.n, err.p);
        assert_int_equal(err.n, 0);
        buf_free(&err);
        return conf;
}

static void parse_bad(const char *text, const char *want)
{
        struct buf err = BUF_INIT;
        void *conf = NULL;

        assert_int_equal(conf_parse(&schema, "lab.yaml", span_of(text), &conf, &err), -IMS_ECONF);
        assert_null(conf);
        buf_char(&err, '\0');
        assert_string_equal(err.p, want);
        buf_free(&err);
}

static void defaults(void **state)
{
        struct lab *lab = parse_ok("sip:\n  name: a.b\n");

        (void)state;
        assert_string_equal(lab->name, "a.b");
        assert_null(lab->note);
        assert_int_equal(lab->listen.n, 2);
        assert_string_equal(((char **)lab->listen.items)[1], "tcp:2");
        assert_int_equal(lab->servers.n, 0);
        assert_int_equal(lab->max, 3);
        assert_int_equal(lab->wait_s, 600);
        assert_int_equal(lab->t1_ms, 500);
        assert_false(lab->relay);
        assert_int_equal(lab->mode, 1);
        conf_free(&schema, lab);
}

static void values(void **state)
{
        struct lab *lab = parse_ok("sip: {name: x.y, t1: 4s, listen: [\"udp:9\"]}\n"
                                   "note: \"\"\n"
                                   "dns:\n  servers:\n  - one\n  - two\n"
                                   "max: 9\nwait: 1h\nrelay: YES\nmode: off\n"
                                   "pool:\n- uri: u1\n- {uri: u2, priority: 0}\n");
        struct item *pool = lab->pool.items;

        (void)state;
        assert_string_equal(lab->note, "");
        assert_int_equal(lab->listen.n, 1);
        assert_string_equal(((char **)lab->listen.items)[0], "udp:9");
        assert_int_equal(lab->listen.lines[0], 1);
        assert_string_equal(((char **)lab->servers.items)[1], "two");
        assert_int_equal(lab->servers.lines[1], 6);
        assert_int_equal(lab->t1_ms, 4000);
        assert_int_equal(lab->max, 9);
        assert_int_equal(lab->wait_s, 3600);
        assert_true(lab->relay);
        assert_int_equal(lab->mode, 0);
        assert_int_equal(lab->pool.n, 2);
        assert_string_equal(pool[0].uri, "u1");
        assert_int_equal(pool[0].priority, 7);
        assert_int_equal(pool[1].priority, 0);
        conf_free(&schema, lab);
}

static void every_fault_is_told(void **state)
{
        (void)state;
        parse_bad("sip:\n  name: ab\n  t1: 4x\n  listen: udp\nmax: 10\nmode: maybe\nrelay: 2\nwiat: 4\n"
                  "pool:\n- priority: 11\n- x\n",
                  "lab.yaml:2: sip.name: ab: not a host name\n"
                  "lab.yaml:3: sip.t1: 4x: not a time (500, 500ms, 4s, 10m)\n"
                  "lab.yaml:4: sip.listen: a list is wanted\n"
                  "lab.yaml:5: max: 10: must be within 2..9\n"
                  "lab.yaml:6: mode: maybe: must be one of off, on\n"
                  "lab.yaml:7: relay: 2: must be true or false (yes, no, on, off)\n"
                  "lab.yaml:8: wiat: unknown key\n"
                  "lab.yaml:10: pool[0].priority: 11: must be within 0..10\n"
                  "lab.yaml:10: pool[0].uri: must be given\n"
                  "lab.yaml:11: pool[1]: a map is wanted\n");
}

static void keys_are_given_once(void **state)
{
        (void)state;
        parse_bad("sip:\n  name: a.b\n  name: c.d\nsip:\n  t1: 1\nmax: 4\nsip.name: e.f\n",
                  "lab.yaml:3: sip.name: given twice\n"
                  "lab.yaml:4: sip: given twice\n"
                  "lab.yaml:7: sip.name: given twice\n");
}

static void required_and_structure(void **state)
{
        (void)state;
        parse_bad("", "lab.yaml:1: sip.name: must be given\n");
        parse_bad("# only a comment\n\nsip:\n", "lab.yaml:3: sip.name: must be given\n");
        parse_bad("- a\n", "lab.yaml:1: a map is wanted\n");
        parse_bad("sip: 4\n", "lab.yaml:1: sip: a map is wanted\nlab.yaml:1: sip.name: must be given\n");
        parse_bad("sip: {name: [a.b]}\n", "lab.yaml:1: sip.name: a single value is wanted\n");
        parse_bad("sip: {name: a.b}\n---\nmax: 3\n", "lab.yaml:3: more than one document\n");
        parse_bad("sip: {name: \"a.\\0b\"}\n", "lab.yaml:1: sip.name: a.\\x00b: holds a NUL\n");
        parse_bad("sip: {name: a.b}\n[x]: 3\n", "lab.yaml:2: a key must be a word\n");
}

static void numbers_at_their_ends(void **state)
{
        (void)state;
        parse_bad("sip: {name: a.b}\nmax: 1\n", "lab.yaml:2: max: 1: must be within 2..9\n");
        parse_bad("sip: {name: a.b}\nmax: 3s\n", "lab.yaml:2: max: 3s: not a number\n");
        parse_bad("sip: {name: a.b}\nmax: -3\n", "lab.yaml:2: max: -3: not a number\n");
        parse_bad("sip: {name: a.b}\nwait: 99999999999999999999999\n",
                  "lab.yaml:2: wait: 99999999999999999999999: must be within 0..4294967295 s\n");
        parse_bad("sip: {name: a.b}\nwait: 4294967295d\n",
                  "lab.yaml:2: wait: 4294967295d: must be within 0..4294967295 s\n");
}

static void not_yaml(void **state)
{
        struct buf err = BUF_INIT;
        void *conf = NULL;

        (void)state;
        assert_int_equal(conf_parse(&schema, "f", SPAN("sip: {name: a.b\nx"), &conf, &err), -IMS_ECONF);
        buf_char(&err, 0);
        assert_string_equal(err.p, "f:3: did not find expected ',' or '}' while parsing a flow mapping that "
                                   "begins in line 1\n");
        buf_reset(&err);
        assert_int_equal(conf_load(&schema, "/nonexistent/f", &conf, &err), -IMS_EIO);
        assert_true(span_starts(buf_as_span(&err), SPAN("/nonexistent/f: ")));
        buf_reset(&err);
        assert_int_equal(conf_load(&schema, "/", &conf, &err), -IMS_EIO);
        buf_reset(&err);
        assert_int_equal(conf_load(&schema, "/dev/null", &conf, &err), -IMS_ECONF); /* an empty file */
        buf_char(&err, 0);
        assert_string_equal(err.p, "/dev/null:1: sip.name: must be given\n");
        buf_free(&err);
}

static void check_between_keys_has_a_line(void **state)
{
        (void)state;
        parse_bad("sip: {name: a.b}\npool:\n- uri: x\n- uri: y\n  priority: 5\n",
                  "lab.yaml:5: pool[1].priority: 5 is taken\n");
}

/* Takes the '#' of settings away ("#key"); explanations are "# text". */
static void uncomment(char *text)
{
        char *to = text;
        bool margin = true;

        for (char *p = text; *p; p++) {
                if (margin && *p == '#' && p[1] != ' ') {
                        margin = false;
                        continue;
                }
                margin = *p == '\n' || (margin && *p == ' ');
                *to++ = *p;
        }
        *to = '\0';
}

static void sample_is_read_back(void **state)
{
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);
        struct lab *lab;

        (void)state;
        assert_non_null(to);
        conf_sample(&schema, to);
        assert_int_equal(fclose(to), 0);
        lab = parse_ok(text); /* as it stands */
        assert_int_equal(lab->pool.n, 0);
        conf_free(&schema, lab);
        uncomment(text);
        lab = parse_ok(text);
        assert_int_equal(lab->listen.n, 2);
        assert_int_equal(lab->pool.n, 1);
        assert_int_equal(((struct item *)lab->pool.items)[0].priority, 7);
        assert_int_equal(lab->wait_s, 600);
        conf_free(&schema, lab);
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(defaults),
                cmocka_unit_test(values),
                cmocka_unit_test(every_fault_is_told),
                cmocka_unit_test(keys_are_given_once),
                cmocka_unit_test(required_and_structure),
                cmocka_unit_test(numbers_at_their_ends),
                cmocka_unit_test(not_yaml),
                cmocka_unit_test(check_between_keys_has_a_line),
                cmocka_unit_test(sample_is_read_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
