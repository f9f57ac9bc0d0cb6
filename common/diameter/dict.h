/* SPDX-License-Identifier: BSD-3-Clause
 * Look-ups in the dictionary, made once at load and constant in time afterwards. Valid after
 * dia_dict_load. */
#pragma once

#include "common/diameter/node.h"
#include "diameter-dict/rows.h"

struct dia_rule {
        uint16_t avp;
        uint8_t pos;  /* enum dict_pos */
        uint16_t max; /* DICT_MANY: any number */
};

struct dia_rules {
        const struct dia_rule *rule;
        uint8_t n;
        uint8_t slot[AVP_COUNT]; /* 1 + index of the AVP's rule, 0 when it has none */
};

/* enum dict_avp, or -1. */
int dia_avp_find(uint32_t vendor, uint32_t code);

/* enum dict_command, or -1. */
int dia_command_find(uint32_t code, bool request);

/* The rules of a group (NULL when it has none) and of a command. */
const struct dia_rules *dia_group_rules(enum dict_avp group);
const struct dia_rules *dia_command_rules(enum dict_command cmd);

/* True when the value is named in the dictionary. */
bool dia_enum_known(enum dict_avp avp, uint32_t value);

struct dict_object *dia_avp_model(enum dict_avp avp);
