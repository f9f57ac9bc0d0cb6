/* SPDX-License-Identifier: BSD-3-Clause
 * The rows of the .def files as C tables. */
#include "diameter-dict/rows.h"

const struct dict_avp_row dict_avp_rows[AVP_COUNT] = {
#define AVP(id, code, vendor, name, type, m, clause)                                                         \
        [AVP_##id] = {code, vendor, name, DICT_T_##type, DICT_M_##m, clause},
#include "diameter-dict/base_avps.def"
#include "diameter-dict/cx_avps.def"
#undef AVP
};

enum { REQ = 0x80, PXY = 0x40 };

const struct dict_command_row dict_command_rows[CMD_COUNT] = {
#define CMD(id, code, name, flags, part, clause) [CMD_##id] = {code, name, flags, DICT_P_##part, clause},
#include "diameter-dict/commands.def"
#undef CMD
        [CMD_ERROR] = {0, "answer with the E bit", 0, DICT_P_BASE, "RFC 6733 7.2"},
};

const struct dict_enum_row dict_enum_rows[] = {
#define ENUMVAL(avp, name, value) {AVP_##avp, name, value},
#include "diameter-dict/enums.def"
#undef ENUMVAL
};
const size_t dict_n_enums = sizeof(dict_enum_rows) / sizeof(dict_enum_rows[0]);

#define MANY DICT_MANY

const struct dict_rule_row dict_group_rules[] = {
#define RULE(parent, avp, pos, max, part) {AVP_##parent, AVP_##avp, DICT_R_##pos, DICT_P_##part, max},
#include "diameter-dict/group_rules.def"
#undef RULE
};
const size_t dict_n_group_rules = sizeof(dict_group_rules) / sizeof(dict_group_rules[0]);

const struct dict_rule_row dict_command_rules[] = {
#define RULE(parent, avp, pos, max)                                                                          \
        {CMD_##parent, AVP_##avp, DICT_R_##pos, CMD_##parent >= CMD_UAR && CMD_##parent < CMD_ERROR, max},
#include "diameter-dict/command_rules.def"
#undef RULE
};
const size_t dict_n_command_rules = sizeof(dict_command_rules) / sizeof(dict_command_rules[0]);

int dict_avp_secret(unsigned avp)
{
        return avp == AVP_SIP_AUTHORIZATION || avp == AVP_CONFIDENTIALITY_KEY || avp == AVP_INTEGRITY_KEY ||
               avp == AVP_DIGEST_HA1 || avp == AVP_ALTERNATE_DIGEST_HA1;
}
