/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration: YAML read under one schema table per node. The table drives parsing, range checks,
 * defaults, the sample file and --check-config; an error names file, line, key and value. */
#pragma once

#include <stdio.h>

#include "common/base/buf.h"

enum conf_type {
        CONF_STR,      /* char *                 (owned by the configuration, NULL without default)   */
        CONF_U32,      /* uint32_t               min..max                                             */
        CONF_BOOL,     /* bool                   true/false/yes/no/on/off                             */
        CONF_ENUM,     /* int                    index into words                                     */
        CONF_TIME_S,   /* uint32_t seconds       "600", "600s", "10m", "1h"; min..max                 */
        CONF_TIME_MS,  /* uint32_t milliseconds  "500ms", "4s"; a bare number is ms; min..max         */
        CONF_STR_LIST, /* struct conf_list of char *                                                  */
        CONF_MAP_LIST, /* struct conf_list of structs of item_size, read under item                   */
};

struct conf_list {
        void *items;     /* char ** or an array of item_size octets each */
        uint32_t *lines; /* line of each item, for errors found later */
        size_t n;
};

struct conf_key {
        const char *name; /* dotted path from the top: "sip.listen"; inside an item: its own name */
        enum conf_type type;
        size_t offset;   /* of the field in the node's struct */
        const char *def; /* default as text; NULL: must be given, unless optional is set */
        bool optional;   /* may be absent without default: NULL, 0 or an empty list */
        uint64_t min, max;
        const char *const *words;    /* CONF_ENUM: NULL-terminated */
        const struct conf_key *item; /* CONF_MAP_LIST: schema of an item, ends with name NULL */
        size_t item_size;
        const char *doc; /* one line for the sample file: meaning, unit, clause */
        /* Checks a string's form (address, URI, domain); NULL or a static text saying what is wrong. */
        const char *(*check)(const char *value);
};

struct conf_schema {
        const char *node;            /* "hss" */
        size_t size;                 /* of the node's struct */
        const struct conf_key *keys; /* ends with name NULL */
        /* Checks between keys, after all are read. Returns 0 or reports by conf_fail. May be NULL. */
        int (*check)(const struct conf_schema *schema, void *conf, struct buf *err);
        /* Looks at what the configuration names outside of itself (certificates): asked before the node
         * serves, before it reads them again, and by --check-config, not by commands. As check; on 0 the
         * lines reported are advice. May be NULL. */
        int (*look)(const struct conf_schema *schema, const void *conf, struct buf *err);
        const char *commands; /* for --help: lines on what the program does besides serving, or NULL */
};

/* Reads file into a new struct, *out, owned by the caller (conf_free). On failure -IMS_ECONF (bad
 * content) or -IMS_EIO (cannot be read), and err holds lines
 * "FILE:LINE: KEY: VALUE: what is wrong" (every fault found, not only the first). Unknown keys are
 * faults. */
int conf_load(const struct conf_schema *schema, const char *file, void **out, struct buf *err) IMS_CHECK;

/* The same, and the schema looks at what is named outside of the file. On success err may hold lines of
 * advice. */
int conf_load_look(const struct conf_schema *schema, const char *file, void **out, struct buf *err) IMS_CHECK;

/* As conf_load from text; name stands for the file in messages. */
int conf_parse(const struct conf_schema *schema, const char *name, struct span text, void **out,
               struct buf *err) IMS_CHECK;

void conf_free(const struct conf_schema *schema, void *conf);

/* For conf_key.check: a text with something in it, and without control characters. */
const char *conf_check_filled(const char *value);

/* Adds one fault line and returns -IMS_ECONF; for schema->check. */
int conf_fail(struct buf *err, const char *key, const char *fmt, ...) IMS_PRINTF(3, 4);

/* Writes the commented sample file: every key with its default and doc. */
void conf_sample(const struct conf_schema *schema, FILE *to);
