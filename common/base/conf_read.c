/* SPDX-License-Identifier: BSD-3-Clause
 * Walks a YAML document by the schema. Every fault names the line it stands in, and reading goes on
 * after it, so that one run tells all. */
#include "common/base/conf_int.h"

#include <stdlib.h>
#include <yaml.h>

/* One struct being filled: the node's own, or an item of a list. */
struct level {
        const struct conf_key *keys;
        void *base;
        unsigned char *seen; /* per key: 0, SEEN or SEEN_VALUE */
        size_t path_at;      /* where names of this level begin in the path */
        yaml_document_t *doc;
};

enum { SEEN = 1, SEEN_VALUE = 2 };

static uint32_t line_of(const yaml_node_t *node)
{
        return (uint32_t)node->start_mark.line + 1;
}

static struct span scalar_of(const yaml_node_t *node)
{
        return span_make(node->data.scalar.value, node->data.scalar.length);
}

/* "key:" with nothing behind it, "key: ~" or "key: null". */
static bool is_null(const yaml_node_t *node)
{
        struct span text = scalar_of(node);

        return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
               (text.n == 0 || span_eq(text, SPAN("~")) || span_ieq(text, SPAN("null")));
}

/* value: NULL when there is none to show. */
static void fault(struct conf_reader *r, uint32_t line, const struct span *value, const char *what)
{
        if (!r->fault)
                r->fault = r->path.err == -IMS_ENOMEM ? -IMS_ENOMEM : -IMS_ECONF;
        buf_printf(r->err, "%s:%u: ", r->file, line);
        if (r->path.n) {
                buf_quoted(r->err, buf_as_span(&r->path), CONF_VALUE_SHOWN);
                buf_puts(r->err, ": ");
        }
        if (value) {
                buf_quoted(r->err, *value, CONF_VALUE_SHOWN);
                buf_puts(r->err, ": ");
        }
        buf_printf(r->err, "%s\n", what);
}

/* Reports what a conf_value function said. */
static void value_fault(struct conf_reader *r, int err, uint32_t line, struct span value, struct buf *why)
{
        if (err == -IMS_ENOMEM)
                r->fault = err;
        buf_char(why, '\0');
        fault(r, line, &value, err == -IMS_ENOMEM || why->err ? ims_strerror(-IMS_ENOMEM) : why->p);
}

static void remember(struct conf_reader *r, uint32_t line)
{
        struct conf_pos *pos;

        if (r->n_pos == r->cap_pos) {
                size_t cap = r->cap_pos ? r->cap_pos * 2 : 64;

                pos = realloc(r->pos, cap * sizeof(*pos));
                if (!pos)
                        return;
                r->pos = pos;
                r->cap_pos = cap;
        }
        pos = &r->pos[r->n_pos];
        pos->line = line;
        pos->path = span_dup(buf_as_span(&r->path));
        if (pos->path)
                r->n_pos++;
}

static void read_struct(struct conf_reader *r, yaml_document_t *doc, const yaml_node_t *map,
                        const struct conf_key *keys, void *base);

static void read_str_item(struct conf_reader *r, const struct conf_key *key, const yaml_node_t *item,
                          struct conf_list *list)
{
        struct buf why = BUF_INIT;
        int err;

        if (item->type != YAML_SCALAR_NODE) {
                fault(r, line_of(item), NULL, "a single value is wanted");
                return;
        }
        err = conf_list_add(key, list, scalar_of(item), line_of(item), &why);
        if (err)
                value_fault(r, err, line_of(item), scalar_of(item), &why);
        buf_free(&why);
}

static void read_map_item(struct conf_reader *r, yaml_document_t *doc, const struct conf_key *key,
                          const yaml_node_t *item, struct conf_list *list)
{
        list->lines[list->n++] = line_of(item);
        if (item->type != YAML_MAPPING_NODE) {
                fault(r, line_of(item), NULL, "a map is wanted");
                return;
        }
        remember(r, line_of(item));
        read_struct(r, doc, item, key->item, (char *)list->items + (list->n - 1) * key->item_size);
}

static void read_list(struct conf_reader *r, const struct level *lv, const struct conf_key *key,
                      const yaml_node_t *node)
{
        struct conf_list *list = conf_field(key, lv->base);
        const yaml_node_item_t *at = node->data.sequence.items.start, *end = node->data.sequence.items.top;
        size_t path_n = r->path.n;

        if (conf_list_room(list, (size_t)(end - at),
                           key->type == CONF_MAP_LIST ? key->item_size : sizeof(char *)) != 0) {
                r->fault = -IMS_ENOMEM;
                return;
        }
        for (size_t i = 0; at < end; at++, i++) {
                const yaml_node_t *item = yaml_document_get_node(lv->doc, *at);

                buf_printf(&r->path, "[%zu]", i);
                if (key->type == CONF_MAP_LIST)
                        read_map_item(r, lv->doc, key, item, list);
                else
                        read_str_item(r, key, item, list);
                r->path.n = path_n;
        }
}

/* True when the key got a value (or a fault) of its own and needs no default. */
static bool read_value(struct conf_reader *r, const struct level *lv, const struct conf_key *key,
                       const yaml_node_t *node)
{
        bool list = key->type == CONF_STR_LIST || key->type == CONF_MAP_LIST;
        struct buf why = BUF_INIT;
        int err;

        if (node->type == YAML_SCALAR_NODE && is_null(node))
                return false;
        if (list && node->type == YAML_SEQUENCE_NODE) {
                read_list(r, lv, key, node);
        } else if (list) {
                fault(r, line_of(node), NULL, "a list is wanted");
        } else if (node->type != YAML_SCALAR_NODE) {
                fault(r, line_of(node), NULL, "a single value is wanted");
        } else {
                err = conf_value_set(key, scalar_of(node), conf_field(key, lv->base), &why);
                if (err)
                        value_fault(r, err, line_of(node), scalar_of(node), &why);
                buf_free(&why);
        }
        return true;
}

static ptrdiff_t find_key(const struct conf_key *keys, struct span name)
{
        for (ptrdiff_t i = 0; keys[i].name; i++)
                if (span_eq(span_of(keys[i].name), name))
                        return i;
        return -1;
}

static bool is_group(const struct conf_key *keys, struct span name)
{
        for (; keys->name; keys++) {
                struct span key = span_of(keys->name);

                if (key.n > name.n && span_starts(key, name) && key.p[name.n] == '.')
                        return true;
        }
        return false;
}

static void read_pairs(struct conf_reader *r, const struct level *lv, const yaml_node_t *map);

/* The path names the key. */
static void read_pair(struct conf_reader *r, const struct level *lv, const yaml_node_t *key_node,
                      const yaml_node_t *node)
{
        struct span name = span_sub(buf_as_span(&r->path), lv->path_at, r->path.n);
        ptrdiff_t i = find_key(lv->keys, name);

        remember(r, line_of(key_node));
        if (i >= 0 && lv->seen[i]) {
                fault(r, line_of(key_node), NULL, "given twice");
        } else if (i >= 0) {
                lv->seen[i] = SEEN;
                if (read_value(r, lv, &lv->keys[i], node))
                        lv->seen[i] = SEEN_VALUE;
        } else if (!is_group(lv->keys, name)) {
                fault(r, line_of(key_node), NULL, "unknown key");
        } else if (node->type == YAML_MAPPING_NODE) {
                read_pairs(r, lv, node);
        } else if (node->type != YAML_SCALAR_NODE || !is_null(node)) {
                fault(r, line_of(node), NULL, "a map is wanted");
        }
}

static bool stands_before(yaml_document_t *doc, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
        struct span name = scalar_of(yaml_document_get_node(doc, pair->key));

        for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
                const yaml_node_t *other = yaml_document_get_node(doc, p->key);

                if (other->type == YAML_SCALAR_NODE && span_eq(name, scalar_of(other)))
                        return true;
        }
        return false;
}

static void read_pairs(struct conf_reader *r, const struct level *lv, const yaml_node_t *map)
{
        size_t path_n = r->path.n;

        for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
             p++) {
                const yaml_node_t *key = yaml_document_get_node(lv->doc, p->key);
                const yaml_node_t *value = yaml_document_get_node(lv->doc, p->value);

                if (key->type != YAML_SCALAR_NODE) {
                        fault(r, line_of(key), NULL, "a key must be a word");
                        continue;
                }
                if (path_n)
                        buf_char(&r->path, '.');
                buf_span(&r->path, scalar_of(key));
                if (stands_before(lv->doc, map, p))
                        fault(r, line_of(key), NULL, "given twice");
                else if (r->path.err)
                        fault(r, line_of(key), NULL, ims_strerror(r->path.err));
                else
                        read_pair(r, lv, key, value);
                r->path.n = path_n;
        }
}

static void fill_defaults(struct conf_reader *r, const struct level *lv, uint32_t line)
{
        size_t path_n = r->path.n;

        for (size_t i = 0; lv->keys[i].name; i++) {
                const struct conf_key *key = &lv->keys[i];
                struct buf why = BUF_INIT;
                int err;

                if (lv->seen[i] == SEEN_VALUE)
                        continue;
                if (path_n)
                        buf_char(&r->path, '.');
                buf_puts(&r->path, key->name);
                if (!key->def && !key->optional)
                        fault(r, line, NULL, "must be given");
                err = conf_value_default(key, lv->base, &why);
                if (err)
                        value_fault(r, err, line, span_of(key->def), &why);
                buf_free(&why);
                r->path.n = path_n;
        }
}

/* map: NULL for an empty document. */
static void read_struct(struct conf_reader *r, yaml_document_t *doc, const yaml_node_t *map,
                        const struct conf_key *keys, void *base)
{
        struct level lv = {.keys = keys, .base = base, .path_at = r->path.n ? r->path.n + 1 : 0, .doc = doc};
        size_t n = 0;

        while (keys[n].name)
                n++;
        lv.seen = calloc(n + 1, 1);
        if (!lv.seen) {
                r->fault = -IMS_ENOMEM;
                return;
        }
        if (map)
                read_pairs(r, &lv, map);
        fill_defaults(r, &lv, map ? line_of(map) : 1);
        free(lv.seen);
}

static void parser_fault(struct conf_reader *r, const yaml_parser_t *parser)
{
        char what[256];

        r->path.n = 0;
        if (parser->error == YAML_MEMORY_ERROR || !parser->problem) {
                r->fault = -IMS_ENOMEM;
                return;
        }
        if (parser->context)
                (void)snprintf(what, sizeof(what), "%s %s that begins in line %zu", parser->problem,
                               parser->context, parser->context_mark.line + 1);
        else
                (void)snprintf(what, sizeof(what), "%s", parser->problem);
        fault(r, (uint32_t)parser->problem_mark.line + 1, NULL, what);
}

static void one_document_only(struct conf_reader *r, yaml_parser_t *parser)
{
        yaml_document_t doc;
        const yaml_node_t *root;

        if (!yaml_parser_load(parser, &doc)) {
                parser_fault(r, parser);
                return;
        }
        root = yaml_document_get_root_node(&doc);
        if (root)
                fault(r, line_of(root), NULL, "more than one document");
        yaml_document_delete(&doc);
}

void conf_read(struct conf_reader *r, const struct conf_key *keys, struct span text, void *base)
{
        yaml_parser_t parser;
        yaml_document_t doc;
        const yaml_node_t *root;

        if (!yaml_parser_initialize(&parser)) {
                r->fault = -IMS_ENOMEM;
                return;
        }
        yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
        if (!yaml_parser_load(&parser, &doc)) {
                parser_fault(r, &parser);
                yaml_parser_delete(&parser);
                return;
        }
        root = yaml_document_get_root_node(&doc);
        if (root && root->type != YAML_MAPPING_NODE && !(root->type == YAML_SCALAR_NODE && is_null(root)))
                fault(r, line_of(root), NULL, "a map is wanted");
        else
                read_struct(r, &doc, root && root->type == YAML_MAPPING_NODE ? root : NULL, keys, base);
        if (root)
                one_document_only(r, &parser);
        yaml_document_delete(&doc);
        yaml_parser_delete(&parser);
}
