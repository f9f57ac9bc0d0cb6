/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration files under a schema with every type of key, and under those of the nodes. */
#include "tests/fuzz/fuzz.h"

#include "common/base/conf.h"
#include "hss/hss_conf.h"
#include "icscf/icscf_conf.h"
#include "pcscf/pcscf_conf.h"
#include "scscf/scscf_conf.h"

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

/* What a node takes, or every fault with file, line and key. */
static void node(const struct conf_schema *of_node, struct span text)
{
        struct buf err = BUF_INIT;
        struct span rest, line;
        void *c = NULL;
        const int rc = conf_parse(of_node, "node.yaml", text, &c, &err);

        MUST(rc == 0 ? c && err.n == 0 : err.n > 0 || rc == -IMS_ENOMEM);
        rest = buf_as_span(&err);
        while (span_split(&rest, '\n', &line))
                MUST(line.n == 0 || span_starts(line, SPAN("node.yaml:")));
        conf_free(of_node, c);
        buf_free(&err);
}

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
        node(&hss_conf_schema, span_make(data, n));
        node(&icscf_conf_schema, span_make(data, n));
        node(&scscf_conf_schema, span_make(data, n));
        node(&pcscf_conf_schema, span_make(data, n));
        return 0;
}
