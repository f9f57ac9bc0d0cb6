/* SPDX-License-Identifier: BSD-3-Clause
 * The pure parts of the peer: its state table, the watchdog of RFC 3539, duplicate detection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/diameter/node_int.h"
#include "tests/unit/diameter/hexfile.h"

static void test_peer_table(void **state)
{
        struct span why = SPAN_NULL;

        (void)state;
        if (fsm_check(&peer_fsm, &why))
                fail_msg(SPAN_FMT, SPAN_ARG(why));
        for (size_t i = 0; i < peer_fsm.n_states; i++)
                assert_non_null(peer_fsm.states[i].clause);
}

/* One row of the table in RFC 3539 3.4.1: state before, event, actions, state after. */
struct wd_row {
        struct dia_wd before;
        enum dia_wd_event ev;
        unsigned actions;
        struct dia_wd after;
};

static const struct wd_row wd_rows[] = {
        {{WD_ST_INITIAL, false, 0}, WD_EV_UP, WD_SET_TIMER, {WD_ST_OKAY, false, 0}},
        {{WD_ST_OKAY, true, 0}, WD_EV_DWA, WD_SET_TIMER, {WD_ST_OKAY, false, 0}},
        {{WD_ST_OKAY, true, 0}, WD_EV_TRAFFIC, WD_SET_TIMER, {WD_ST_OKAY, true, 0}},
        {{WD_ST_OKAY, false, 0}, WD_EV_TIMER, WD_SEND_DWR | WD_SET_TIMER, {WD_ST_OKAY, true, 0}},
        {{WD_ST_OKAY, true, 0}, WD_EV_TIMER, WD_FAILOVER | WD_SET_TIMER, {WD_ST_SUSPECT, true, 0}},
        {{WD_ST_OKAY, false, 0}, WD_EV_DOWN, WD_FAILOVER, {WD_ST_DOWN, false, 0}},
        {{WD_ST_OKAY, false, 0}, WD_EV_PROBE, WD_SEND_DWR | WD_SET_TIMER, {WD_ST_OKAY, true, 0}},
        {{WD_ST_OKAY, true, 0}, WD_EV_PROBE, 0, {WD_ST_OKAY, true, 0}},
        {{WD_ST_SUSPECT, true, 0}, WD_EV_DWA, WD_FAILBACK | WD_SET_TIMER, {WD_ST_OKAY, false, 0}},
        {{WD_ST_SUSPECT, true, 0}, WD_EV_TRAFFIC, WD_FAILBACK | WD_SET_TIMER, {WD_ST_OKAY, true, 0}},
        {{WD_ST_SUSPECT, true, 0}, WD_EV_TIMER, WD_CLOSE, {WD_ST_DOWN, true, 0}},
        {{WD_ST_SUSPECT, true, 0}, WD_EV_DOWN, 0, {WD_ST_DOWN, false, 0}},
        {{WD_ST_DOWN, false, 0}, WD_EV_UP, WD_SET_SOON, {WD_ST_REOPEN, false, 0}},
        {{WD_ST_REOPEN, false, 0}, WD_EV_TIMER, WD_SEND_DWR | WD_SET_TIMER, {WD_ST_REOPEN, true, 0}},
        {{WD_ST_REOPEN, true, 0}, WD_EV_DWA, WD_SEND_DWR | WD_SET_TIMER, {WD_ST_REOPEN, true, 1}},
        {{WD_ST_REOPEN, true, 1}, WD_EV_DWA, WD_SEND_DWR | WD_SET_TIMER, {WD_ST_REOPEN, true, 2}},
        {{WD_ST_REOPEN, true, 2}, WD_EV_DWA, WD_FAILBACK | WD_SET_TIMER, {WD_ST_OKAY, false, 3}},
        {{WD_ST_REOPEN, true, 1}, WD_EV_TRAFFIC, 0, {WD_ST_REOPEN, true, 1}},
        {{WD_ST_REOPEN, true, 1}, WD_EV_TIMER, WD_SET_TIMER, {WD_ST_REOPEN, true, -1}},
        {{WD_ST_REOPEN, true, -1}, WD_EV_TIMER, WD_CLOSE, {WD_ST_DOWN, true, -1}},
        {{WD_ST_REOPEN, false, 1}, WD_EV_TIMER, WD_SEND_DWR | WD_SET_TIMER, {WD_ST_REOPEN, true, 1}},
        {{WD_ST_REOPEN, true, 1}, WD_EV_DOWN, 0, {WD_ST_DOWN, false, 0}},
};

static void test_watchdog(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(wd_rows) / sizeof(wd_rows[0]); i++) {
                const struct wd_row *r = &wd_rows[i];
                struct dia_wd w = r->before;

                print_message("row %zu\n", i);
                assert_int_equal(dia_wd_event(&w, r->ev), r->actions);
                assert_int_equal(w.state, r->after.state);
                assert_int_equal(w.pending, r->after.pending);
                assert_int_equal(w.num_dwa, r->after.num_dwa);
        }
}

static void test_duplicates(void **state)
{
        struct dia_dups d = {0};
        struct dia_dup *e, *other;
        struct buf answer = BUF_INIT;

        (void)state;
        dia_dups_init(&d);
        assert_null(dia_dups_find(&d, SPAN("a"), 1, 0));
        e = dia_dups_add(&d, SPAN("a"), 1, 0);
        assert_non_null(e);
        assert_ptr_equal(dia_dups_find(&d, SPAN("A"), 1, 0), e); /* identities have no case */
        assert_null(dia_dups_find(&d, SPAN("b"), 1, 0));
        assert_null(dia_dups_find(&d, SPAN("a"), 2, 0));
        assert_null(dia_dups_add(&d, SPAN("a"), 1, 0)); /* the application still has the first */
        buf_puts(&answer, "answer");
        dia_dup_done(e, &answer, true);
        e = dia_dups_find(&d, SPAN("a"), 1, DIA_DUPS_AGE_MS);
        assert_non_null(e);
        assert_memory_equal(e->answer.p, "answer", 6);
        assert_null(dia_dups_find(&d, SPAN("a"), 1, DIA_DUPS_AGE_MS + 1));
        other = dia_dups_add(&d, SPAN("a"), 1, DIA_DUPS_AGE_MS + 1);
        assert_non_null(other);
        assert_int_equal(d.n, 1);
        dia_dups_free(&d);
}

/* However many come, the number stays bounded, and the newest are kept. */
static void test_duplicates_bounded(void **state)
{
        struct dia_dups d = {0};

        (void)state;
        dia_dups_init(&d);
        for (uint32_t i = 0; i < 3 * DIA_DUPS_MAX; i++) {
                struct dia_dup *e = dia_dups_add(&d, SPAN("a"), i, 5);
                struct buf none = BUF_INIT;

                assert_non_null(e);
                dia_dup_done(e, &none, false);
        }
        assert_true(d.n <= DIA_DUPS_MAX);
        assert_null(dia_dups_find(&d, SPAN("a"), 0, 5));
        assert_non_null(dia_dups_find(&d, SPAN("a"), 3 * DIA_DUPS_MAX - 1, 5));
        dia_dups_free(&d);
}

/* The dictionary's rows agree with one another and with libfdproto. */
static void test_dictionary(void **state)
{
        (void)state;
        for (unsigned i = 0; i < AVP_COUNT; i++) {
                struct dict_avp_data data;

                assert_int_equal(dia_avp_find(dict_avp_rows[i].vendor, dict_avp_rows[i].code), i);
                assert_int_equal(fd_dict_getval(dia_avp_model((enum dict_avp)i), &data), 0);
                assert_string_equal(data.avp_name, dict_avp_rows[i].name);
                assert_int_equal(data.avp_code, dict_avp_rows[i].code);
                assert_true(dict_avp_rows[i].clause[0]);
                if (dict_avp_rows[i].type == DICT_T_GROUP && i != AVP_FAILED_AVP)
                        assert_non_null(dia_group_rules((enum dict_avp)i));
        }
        assert_int_equal(dia_avp_find(10415, 627), -1); /* removed from the specification */
        assert_true(dia_avp_find(10415, 621) != dia_avp_find(0, 621));
        assert_true(dia_enum_known(AVP_SERVER_ASSIGNMENT_TYPE, 14));
        assert_false(dia_enum_known(AVP_SERVER_ASSIGNMENT_TYPE, 15));
        assert_int_equal(dia_command_find(300, true), CMD_UAR);
        assert_int_equal(dia_command_find(300, false), CMD_UAA);
        assert_int_equal(dia_command_find(299, false), -1);
        assert_int_equal(dia_command_find(0xffffff, true), -1);
        assert_int_equal(dia_dict_load(), 0); /* a second time does nothing */
}

/* Takes one field of a CSV line; quoted ones may hold commas. */
static struct span csv_field(struct span *rest)
{
        struct span f;

        if (rest->n && rest->p[0] == '"') {
                ptrdiff_t end = span_chr(*rest, '"', 1);

                f = span_sub(*rest, 1, (size_t)end);
                *rest = span_sub(*rest, (size_t)end + 2, rest->n);
                return f;
        }
        if (!span_split(rest, ',', &f))
                return SPAN_NULL;
        return f;
}

static const char *const type_names[] = {
        [DICT_T_OCTETS] = "OctetString", [DICT_T_UTF8] = "UTF8String", [DICT_T_IDENTITY] = "DiameterIdentity",
        [DICT_T_URI] = "DiameterURI",    [DICT_T_ADDRESS] = "Address", [DICT_T_TIME] = "Time",
        [DICT_T_ENUM] = "Enumerated",    [DICT_T_U32] = "Unsigned32",  [DICT_T_U64] = "Unsigned64",
        [DICT_T_GROUP] = "Grouped",
};
static const char *const m_names[] = {[DICT_M_MUST] = "must", [DICT_M_MAY] = "may", [DICT_M_NOT] = "mustnot"};

/* "NAME=7 OTHER=8": each is a named value of the AVP. */
static void check_enums(int id, struct span values)
{
        struct span word;

        while (span_split(&values, ' ', &word)) {
                ptrdiff_t eq = span_chr(word, '=', 0);
                uint32_t v;

                if (eq > 0 && span_u32(span_sub(word, (size_t)eq + 1, word.n), 1000, &v) == 0)
                        assert_true(dia_enum_known((enum dict_avp)id, v));
        }
}

/* Every row of cx.csv is in the dictionary with its type and flags. */
static void test_against_table(void **state)
{
        struct buf text = file_read("cx.csv");
        struct span rest = buf_as_span(&text), line;
        unsigned rows = 0;

        (void)state;
        assert_true(span_split(&rest, '\n', &line)); /* head */
        while (span_split(&rest, '\n', &line) && line.n) {
                uint32_t code, vendor;
                struct span name, type, m, v, values;
                int id;

                assert_int_equal(span_u32(csv_field(&line), UINT32_MAX, &code), 0);
                name = csv_field(&line);
                assert_int_equal(span_u32(csv_field(&line), UINT32_MAX, &vendor), 0);
                type = csv_field(&line);
                m = csv_field(&line);
                v = csv_field(&line);
                (void)csv_field(&line);
                (void)csv_field(&line);
                values = csv_field(&line);
                print_message(SPAN_FMT "\n", SPAN_ARG(name));
                id = dia_avp_find(vendor, code);
                assert_true(id >= 0);
                assert_true(span_eq(span_of(dict_avp_rows[id].name), name));
                assert_true(span_eq(span_of(type_names[dict_avp_rows[id].type]), type));
                assert_true(span_eq(span_of(m_names[dict_avp_rows[id].m]), m));
                assert_true(span_eq(v, SPAN("must")) == (vendor != 0));
                if (dict_avp_rows[id].type == DICT_T_ENUM && vendor)
                        check_enums(id, values);
                rows++;
        }
        assert_int_equal(rows, 94);
        buf_free(&text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_peer_table), cmocka_unit_test(test_watchdog),
                cmocka_unit_test(test_duplicates), cmocka_unit_test(test_duplicates_bounded),
                cmocka_unit_test(test_dictionary), cmocka_unit_test(test_against_table),
        };

        if (dia_dict_load())
                return 2;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
