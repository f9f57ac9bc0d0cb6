/* SPDX-License-Identifier: BSD-3-Clause
 * Hash table, list, state tables, timer table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/fsm.h"
#include "common/base/htab.h"
#include "common/base/list.h"
#include "common/base/timers.h"

#define MANY 5000

struct entry {
        struct hnode node;
        char key[16];
};

static bool entry_eq(const struct hnode *node, const void *key)
{
        return strcmp(container_of((struct hnode *)node, struct entry, node)->key, key) == 0;
}

static void entry_free(struct hnode *node, void *arg)
{
        (*(size_t *)arg)++;
        free(container_of(node, struct entry, node));
}

static void hash_table(void **state)
{
        struct htab t = {0};
        struct entry *e = NULL;
        char key[16];
        size_t freed = 0;

        (void)state;
        assert_null(htab_find(&t, 5, entry_eq, "x"));
        for (int i = 0; i < MANY; i++) {
                e = calloc(1, sizeof(*e));
                assert_non_null(e);
                (void)snprintf(e->key, sizeof(e->key), "key-%d", i);
                assert_int_equal(htab_insert(&t, &e->node, hash_span(span_of(e->key))), 0);
        }
        assert_int_equal(t.n, MANY);
        for (int i = 0; i < MANY; i++) {
                (void)snprintf(key, sizeof(key), "key-%d", i);
                e = container_of(htab_find(&t, hash_span(span_of(key)), entry_eq, key), struct entry, node);
                assert_string_equal(e->key, key);
                if (i % 2) {
                        htab_remove(&t, &e->node);
                        htab_remove(&t, &e->node); /* no longer there: nothing happens */
                        free(e);
                }
        }
        assert_int_equal(t.n, MANY / 2);
        assert_null(htab_find(&t, hash_span(SPAN("key-1")), entry_eq, "key-1"));
        htab_each(&t, entry_free, &freed);
        assert_int_equal(freed, MANY / 2);
        htab_free(&t);
        assert_null(t.slots);
}

static void hashes(void **state)
{
        unsigned slots[4096] = {0};

        (void)state;
        assert_true(hash_span(SPAN("abc")) == hash_span(SPAN("abc")));
        assert_true(hash_span(SPAN("abc")) != hash_span(SPAN("abd")));
        assert_true(hash_span(SPAN("a\0")) != hash_span(SPAN("a")));
        assert_true(hash_span(SPAN("Sip:A@Example.ORG")) != hash_span(SPAN("sip:a@example.org")));
        assert_true(hash_span_icase(SPAN("Sip:AZ@Example.ORG")) ==
                    hash_span_icase(SPAN("sip:az@example.org")));
        assert_true(hash_span_icase(SPAN("@@@@@@@@[")) != hash_span_icase(SPAN("````````{")));
        assert_true(hash_mix(1, 2) != hash_mix(2, 1));
        for (uint64_t i = 0; i < 4096; i++) /* small numbers spread over the slots of a table */
                slots[hash_mix(i, 7) % 4096]++, slots[hash_mix(7, i << 40) % 4096]++;
        for (size_t i = 0; i < 4096; i++)
                assert_in_range(slots[i], 0, 16);
}

static void lists(void **state)
{
        struct list head, a = {0}, b = {0}, c = {0};
        int n = 0;

        (void)state;
        list_init(&head);
        assert_true(list_empty(&head));
        list_unlink(&a);
        list_append(&head, &a);
        list_append(&head, &b);
        list_append(&head, &c);
        list_unlink(&b);
        assert_false(list_linked(&b));
        list_for_each_safe(pos, tmp, &head)
        {
                n++;
                list_unlink(pos);
        }
        assert_int_equal(n, 2);
        assert_true(list_empty(&head));
}

enum { ST_IDLE, ST_BUSY, ST_DONE };
enum { EV_GO, EV_END };
static const char *const events[] = {"go", "end"};

static const struct fsm_state good[] = {
        [ST_IDLE] = {"idle", FSM_BIT(EV_GO), FSM_BIT(ST_BUSY), NULL, ""},
        [ST_BUSY] = {"busy", FSM_BIT(EV_END), FSM_BIT(ST_DONE) | FSM_BIT(ST_BUSY), "T1", ""},
        [ST_DONE] = {"done", 0, 0, NULL, ""},
};

static void state_table(void **state)
{
        const struct fsm fsm = {"test", good, 3, events, 2};
        unsigned at = ST_IDLE;
        struct span reason = SPAN_NULL;

        (void)state;
        assert_int_equal(fsm_check(&fsm, &reason), 0);
        assert_true(fsm_allowed(&fsm, ST_IDLE, EV_GO));
        assert_false(fsm_allowed(&fsm, ST_IDLE, EV_END));
        assert_false(fsm_allowed(&fsm, 3, 7));
        assert_int_equal(fsm_move(&fsm, &at, ST_DONE), -IMS_EPROTO);
        assert_int_equal(at, ST_IDLE);
        assert_int_equal(fsm_move(&fsm, &at, ST_BUSY), 0);
        assert_int_equal(fsm_move(&fsm, &at, ST_DONE), 0);
        assert_int_equal(fsm_move(&fsm, &at, 3), -IMS_EPROTO);
}

static void state_table_faults(void **state)
{
        struct fsm_state s[3];
        const struct fsm fsm = {"test", s, 3, events, 2};
        struct span reason = SPAN_NULL;

        (void)state;
#define WITH(change)                                                                                         \
        do {                                                                                                 \
                memcpy(s, good, sizeof(s));                                                                  \
                change;                                                                                      \
                assert_int_equal(fsm_check(&fsm, &reason), -IMS_EINVAL);                                     \
                assert_true(reason.n > 0);                                                                   \
        } while (0)
        WITH(s[ST_BUSY].next = FSM_BIT(ST_BUSY));
        WITH(s[ST_BUSY].name = NULL);
        WITH(s[ST_BUSY].events = 0);
        WITH(s[ST_BUSY].next |= FSM_BIT(3));
        WITH(s[ST_BUSY].events |= FSM_BIT(2));
        WITH(s[ST_DONE].timer = "T1");
}

static void timer_table(void **state)
{
        (void)state;
        assert_string_equal(ims_timer_rows[IMS_TIMER_T1].name, "T1");
        for (int i = 0; i < IMS_TIMER_COUNT; i++) {
                const struct ims_timer_row *row = &ims_timer_rows[i];

                assert_non_null(row->name);
                assert_true(row->clause[0] != '\0');
                assert_in_range(row->default_ms, row->min_ms, row->max_ms);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hash_table),
                cmocka_unit_test(hashes),
                cmocka_unit_test(lists),
                cmocka_unit_test(state_table),
                cmocka_unit_test(state_table_faults),
                cmocka_unit_test(timer_table),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
