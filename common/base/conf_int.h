/* SPDX-License-Identifier: BSD-3-Clause
 * Inside of the configuration reader: what its files share. */
#pragma once

#include "common/base/conf.h"

#define CONF_VALUE_SHOWN 80 /* octets of a value quoted in a fault */

/* Field of a key inside the struct at base. */
static inline void *conf_field(const struct conf_key *key, void *base)
{
        return (char *)base + key->offset;
}

/* Writes text into a scalar field. -IMS_ECONF with the reason in *why, or -IMS_ENOMEM. */
int conf_value_set(const struct conf_key *key, struct span text, void *field, struct buf *why) IMS_CHECK;

/* Adds one string to a list that has room for it. Errors as conf_value_set. */
int conf_list_add(const struct conf_key *key, struct conf_list *list, struct span text, uint32_t line,
                  struct buf *why) IMS_CHECK;

/* Makes room for n items (list is empty). -IMS_ENOMEM. */
int conf_list_room(struct conf_list *list, size_t n, size_t item_size) IMS_CHECK;

/* Writes the default of a key. Errors as conf_value_set. */
int conf_value_default(const struct conf_key *key, void *base, struct buf *why) IMS_CHECK;

/* Frees what the fields of one struct own. */
void conf_fields_free(const struct conf_key *keys, void *base);

/* Where each key stood. */
struct conf_pos {
        char *path;
        uint32_t line;
};

struct conf_reader {
        const char *file;
        struct buf *err;
        struct buf path; /* of the key being read */
        struct conf_pos *pos;
        size_t n_pos, cap_pos;
        int fault; /* 0, -IMS_ECONF or -IMS_ENOMEM */
};

/* Reads text into the struct at base; faults go to r. */
void conf_read(struct conf_reader *r, const struct conf_key *keys, struct span text, void *base);
