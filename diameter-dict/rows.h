/* SPDX-License-Identifier: BSD-3-Clause
 * The Diameter dictionary as data: the rows of the .def files as C tables. Two users: our programs
 * (common/diameter/dict.c) and the extension for freeDiameterd (dict_cx.c). */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum dict_type {
        DICT_T_OCTETS,
        DICT_T_UTF8,
        DICT_T_IDENTITY,
        DICT_T_URI,
        DICT_T_ADDRESS,
        DICT_T_TIME,
        DICT_T_ENUM,
        DICT_T_U32,
        DICT_T_U64,
        DICT_T_GROUP
};
enum dict_m { DICT_M_MUST, DICT_M_MAY, DICT_M_NOT };
enum dict_part { DICT_P_BASE, DICT_P_CX };
enum dict_pos { DICT_R_FIXED, DICT_R_REQ, DICT_R_OPT };

enum dict_avp {
#define AVP(id, code, vendor, name, type, m, clause) AVP_##id,
#include "diameter-dict/base_avps.def"
#include "diameter-dict/cx_avps.def"
#undef AVP
        AVP_COUNT
};

enum dict_command {
#define CMD(id, code, name, flags, part, clause) CMD_##id,
#include "diameter-dict/commands.def"
#undef CMD
        CMD_ERROR, /* an answer with the E bit */
        CMD_COUNT
};

struct dict_avp_row {
        uint32_t code, vendor;
        const char *name;
        uint8_t type; /* enum dict_type */
        uint8_t m;    /* enum dict_m */
        const char *clause;
};

struct dict_enum_row {
        uint16_t avp; /* enum dict_avp */
        const char *name;
        uint32_t value;
};

struct dict_command_row {
        uint32_t code;
        const char *name;
        uint8_t flags; /* as on the wire: R 0x80, P 0x40 */
        uint8_t part;  /* enum dict_part */
        const char *clause;
};

#define DICT_MANY UINT16_MAX

struct dict_rule_row {
        uint16_t parent; /* enum dict_avp (a group) or enum dict_command */
        uint16_t avp;    /* enum dict_avp */
        uint8_t pos;     /* enum dict_pos */
        uint8_t part;    /* enum dict_part */
        uint16_t max;    /* instances; DICT_MANY: any number */
};

extern const struct dict_avp_row dict_avp_rows[AVP_COUNT];
extern const struct dict_command_row dict_command_rows[CMD_COUNT];
extern const struct dict_enum_row dict_enum_rows[];
extern const size_t dict_n_enums;
extern const struct dict_rule_row dict_group_rules[]; /* the rules of a parent stand together */
extern const size_t dict_n_group_rules;
extern const struct dict_rule_row dict_command_rules[];
extern const size_t dict_n_command_rules;

/* True for an AVP whose value is a key, an expected response or a password hash. */
int dict_avp_secret(unsigned avp);
