/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration files under a schema with every type of key. */
#include "tests/fuzz/fuzz.h"

#include "common/base/conf.h"

struct item {
        char *name;
        uint32_t weight;
};

struct conf {
        char *text;
        uint32_t number, wait_s, wait_ms;
        bool on;
        int word;
        struct conf_list texts, items;
};

static const char *const words[] = {"accept", "refuse", NULL};

static const struct conf_key item_keys[] = {
        {.name = "name", .type = CONF_STR, .offset = offsetof(struct item, name)},
        {.name = "weight", .type = CONF_U32, .offset = offsetof(struct item, weight), .def = "1", .max = 10},
        {.name = NULL},
};

static const struct conf_key keys[] = {
        {.name = "a.text", .type = CONF_STR, .offset = offsetof(struct conf, text), .optional = true},
        {.name = "a.number",
         .type = CONF_U32,
         .offset = offsetof(struct conf, number),
         .def = "5",
         .max = 99},
        {.name = "a.b.wait",
         .type = CONF_TIME_S,
         .offset = offsetof(struct conf, wait_s),
         .def = "10m",
         .max = 86400},
        {.name = "a.b.pause",
         .type = CONF_TIME_MS,
         .offset = offsetof(struct conf, wait_ms),
         .def = "4s",
         .max = 60000},
        {.name = "on", .type = CONF_BOOL, .offset = offsetof(struct conf, on), .def = "yes"},
        {.name = "word",
         .type = CONF_ENUM,
         .offset = offsetof(struct conf, word),
         .def = "accept",
         .words = words},
        {.name = "texts", .type = CONF_STR_LIST, .offset = offsetof(struct conf, texts), .optional = true},
        {.name = "items",
         .type = CONF_MAP_LIST,
         .offset = offsetof(struct conf, items),
         .optional = true,
         .item = item_keys,
         .item_size = sizeof(struct item)},
        {.name = NULL},
};

static const struct conf_schema schema = {.node = "fuzz", .size = sizeof(struct conf), .keys = keys};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct buf err = BUF_INIT;
        void *conf = NULL;
        const int rc = conf_parse(&schema, "fuzz.yaml", span_make(data, n), &conf, &err);
        if (rc == 0) {
                const struct conf *c = conf;
                MUST(c->number <= 99 && c->wait_ms <= 60000 && c->word >= 0 && c->word < 2);
                for (size_t i = 0; i < c->items.n; i++)
                        MUST(((const struct item *)c->items.items)[i].name != NULL);
        } else {
                MUST(err.n > 0 || rc == -IMS_ENOMEM);
        }
        conf_free(&schema, conf);
        buf_free(&err);
        return 0;
}
