/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration values: text into fields, with the reason where it does not fit. */
#include "common/base/conf_int.h"

#include <inttypes.h>
#include <stdlib.h>

struct unit {
        const char *name;
        uint64_t factor;
};

static const struct unit units_none[] = {{"", 1}, {NULL, 0}};
static const struct unit units_s[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};
static const struct unit units_ms[] = {{"", 1},        {"ms", 1},       {"s", 1000}, {"m", 60000},
                                       {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

static int number_set(const struct conf_key *key, struct span text, const struct unit *units, void *field,
                      struct buf *why)
{
        uint64_t max = key->max && key->max < UINT32_MAX ? key->max : UINT32_MAX, v;
        size_t digits = 0;
        int err;

        while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
                digits++;
        while (units->name && !span_eq(span_sub(text, digits, text.n), span_of(units->name)))
                units++;
        err = digits == 0 || !units->name ? -IMS_EPARSE : span_u64(span_sub(text, 0, digits), UINT32_MAX, &v);
        if (err == -IMS_EPARSE) {
                buf_puts(why, key->type == CONF_TIME_S    ? "not a time (600, 600s, 10m, 1h)"
                              : key->type == CONF_TIME_MS ? "not a time (500, 500ms, 4s, 10m)"
                                                          : "not a number");
                return -IMS_ECONF;
        }
        if (err || v * units->factor > max || v * units->factor < key->min) {
                buf_printf(why, "must be within %" PRIu64 "..%" PRIu64 "%s", key->min, max,
                           key->type == CONF_TIME_S    ? " s"
                           : key->type == CONF_TIME_MS ? " ms"
                                                       : "");
                return -IMS_ECONF;
        }
        *(uint32_t *)field = (uint32_t)(v * units->factor);
        return 0;
}

static int bool_set(struct span text, bool *field, struct buf *why)
{
        static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (span_ieq(text, span_of(words[i]))) {
                        *field = i % 2;
                        return 0;
                }
        buf_puts(why, "must be true or false (yes, no, on, off)");
        return -IMS_ECONF;
}

static int enum_set(const struct conf_key *key, struct span text, int *field, struct buf *why)
{
        for (int i = 0; key->words[i]; i++)
                if (span_eq(text, span_of(key->words[i]))) {
                        *field = i;
                        return 0;
                }
        buf_puts(why, "must be one of");
        for (int i = 0; key->words[i]; i++)
                buf_printf(why, "%s %s", i ? "," : "", key->words[i]);
        return -IMS_ECONF;
}

const char *conf_check_filled(const char *value)
{
        for (const char *p = value; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        return "may not hold control characters";
        return *value ? NULL : "is empty";
}

static int string_make(const struct conf_key *key, struct span text, char **out, struct buf *why)
{
        const char *wrong;
        char *copy;

        if (text.n && memchr(text.p, '\0', text.n)) {
                buf_puts(why, "holds a NUL");
                return -IMS_ECONF;
        }
        copy = span_dup(text);
        if (!copy)
                return -IMS_ENOMEM;
        wrong = key->check ? key->check(copy) : NULL;
        if (wrong) {
                buf_puts(why, wrong);
                free(copy);
                return -IMS_ECONF;
        }
        *out = copy;
        return 0;
}

int conf_value_set(const struct conf_key *key, struct span text, void *field, struct buf *why)
{
        switch (key->type) {
        case CONF_STR:
                return string_make(key, text, field, why);
        case CONF_U32:
                return number_set(key, text, units_none, field, why);
        case CONF_TIME_S:
                return number_set(key, text, units_s, field, why);
        case CONF_TIME_MS:
                return number_set(key, text, units_ms, field, why);
        case CONF_BOOL:
                return bool_set(text, field, why);
        case CONF_ENUM:
                return enum_set(key, text, field, why);
        case CONF_STR_LIST:
        case CONF_MAP_LIST:
                break;
        }
        buf_puts(why, "a list is wanted");
        return -IMS_ECONF;
}

int conf_list_room(struct conf_list *list, size_t n, size_t item_size)
{
        list->items = calloc(n ? n : 1, item_size);
        list->lines = calloc(n ? n : 1, sizeof(*list->lines));
        if (list->items && list->lines)
                return 0;
        free(list->items);
        free(list->lines);
        list->items = NULL;
        list->lines = NULL;
        return -IMS_ENOMEM;
}

int conf_list_add(const struct conf_key *key, struct conf_list *list, struct span text, uint32_t line,
                  struct buf *why)
{
        int err = string_make(key, text, (char **)list->items + list->n, why);

        if (!err)
                list->lines[list->n++] = line;
        return err;
}

static int list_default(const struct conf_key *key, struct conf_list *list, struct buf *why)
{
        struct span rest = span_trim(span_of(key->def)), part;
        size_t n = 1;
        int err;

        if (rest.n == 0)
                return 0;
        for (size_t i = 0; i < rest.n; i++)
                n += rest.p[i] == ',';
        err = conf_list_room(list, n, sizeof(char *));
        while (!err && span_split(&rest, ',', &part))
                err = conf_list_add(key, list, span_trim(part), 0, why);
        return err;
}

int conf_value_default(const struct conf_key *key, void *base, struct buf *why)
{
        if (!key->def || key->type == CONF_MAP_LIST)
                return 0;
        if (key->type == CONF_STR_LIST)
                return list_default(key, conf_field(key, base), why);
        return conf_value_set(key, span_of(key->def), conf_field(key, base), why);
}

static void list_free(const struct conf_key *key, struct conf_list *list)
{
        for (size_t i = 0; i < list->n; i++)
                if (key->type == CONF_MAP_LIST)
                        conf_fields_free(key->item, (char *)list->items + i * key->item_size);
                else
                        free(((char **)list->items)[i]);
        free(list->items);
        free(list->lines);
        *list = (struct conf_list){0};
}

void conf_fields_free(const struct conf_key *keys, void *base)
{
        for (const struct conf_key *key = keys; key->name; key++) {
                void *field = conf_field(key, base);

                if (key->type == CONF_STR) {
                        free(*(char **)field);
                        *(char **)field = NULL;
                } else if (key->type == CONF_STR_LIST || key->type == CONF_MAP_LIST) {
                        list_free(key, field);
                }
        }
}
