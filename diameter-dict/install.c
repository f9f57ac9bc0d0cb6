/* SPDX-License-Identifier: BSD-3-Clause
 * Puts the rows into a libfdproto dictionary. */
#include "diameter-dict/install.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct install {
        struct dictionary *dict;
        int base;
        struct dict_object *avp[AVP_COUNT];
        struct dict_object *cmd[CMD_COUNT];
        const char *fault;
};

static const uint8_t base_types[] = {
        [DICT_T_OCTETS] = AVP_TYPE_OCTETSTRING,   [DICT_T_UTF8] = AVP_TYPE_OCTETSTRING,
        [DICT_T_IDENTITY] = AVP_TYPE_OCTETSTRING, [DICT_T_URI] = AVP_TYPE_OCTETSTRING,
        [DICT_T_ADDRESS] = AVP_TYPE_OCTETSTRING,  [DICT_T_TIME] = AVP_TYPE_OCTETSTRING,
        [DICT_T_ENUM] = AVP_TYPE_INTEGER32,       [DICT_T_U32] = AVP_TYPE_UNSIGNED32,
        [DICT_T_U64] = AVP_TYPE_UNSIGNED64,       [DICT_T_GROUP] = AVP_TYPE_GROUPED,
};

/* Derived types that every user of libfdproto calls by the same name (RFC 6733 4.3.1). */
static const struct dict_type_data derived[] = {
        [DICT_T_UTF8] = {AVP_TYPE_OCTETSTRING, "UTF8String", NULL, NULL, fd_dictfct_UTF8String_dump, NULL,
                         NULL},
        [DICT_T_IDENTITY] = {AVP_TYPE_OCTETSTRING, "DiameterIdentity", NULL, NULL, fd_dictfct_UTF8String_dump,
                             NULL, NULL},
        [DICT_T_URI] = {AVP_TYPE_OCTETSTRING, "DiameterURI", NULL, NULL, fd_dictfct_UTF8String_dump, NULL,
                        NULL},
        [DICT_T_ADDRESS] = {AVP_TYPE_OCTETSTRING, "Address", fd_dictfct_Address_interpret,
                            fd_dictfct_Address_encode, fd_dictfct_Address_dump, NULL, NULL},
        [DICT_T_TIME] = {AVP_TYPE_OCTETSTRING, "Time", fd_dictfct_Time_interpret, fd_dictfct_Time_encode,
                         fd_dictfct_Time_dump, NULL, NULL},
};

struct wanted {
        enum dict_object_type kind;
        int by; /* how key is looked for */
        const void *key;
        void *data; /* to make it from */
        struct dict_object *parent;
};

static int find_or_new(struct install *in, const struct wanted *w, struct dict_object **out)
{
        struct dict_object *obj = NULL;
        int err = fd_dict_search(in->dict, w->kind, w->by, w->key, &obj, 0);

        if (!err && !obj)
                err = fd_dict_new(in->dict, w->kind, w->data, w->parent, &obj);
        if (!err)
                *out = obj;
        return err;
}

static int install_vendor(struct install *in, uint32_t id, char *name, struct dict_object **out)
{
        struct dict_vendor_data data = {id, name};

        in->fault = name;
        return find_or_new(in, &(struct wanted){DICT_VENDOR, VENDOR_BY_ID, &id, &data, NULL}, out);
}

/* The derived type of an AVP; an Enumerated has one of its own, named as freeDiameter names them. */
static int install_type(struct install *in, const struct dict_avp_row *row, struct dict_object **out)
{
        char name[96];
        struct dict_type_data data = {AVP_TYPE_INTEGER32, name, NULL, NULL, NULL, NULL, NULL};

        if (row->type == DICT_T_ENUM) {
                snprintf(name, sizeof(name), "Enumerated(%s%s)", row->vendor == 10415 ? "3GPP/" : "",
                         row->name);
        } else if (row->type < sizeof(derived) / sizeof(derived[0]) && derived[row->type].type_name) {
                data = derived[row->type];
        } else {
                *out = NULL;
                return 0;
        }
        return find_or_new(in, &(struct wanted){DICT_TYPE, TYPE_BY_NAME, data.type_name, &data, NULL}, out);
}

static int find_avp(struct install *in, const struct dict_avp_row *row, struct dict_object **out)
{
        struct dict_avp_request by = {row->vendor, row->code, NULL};

        return fd_dict_search(in->dict, DICT_AVP, AVP_BY_CODE_AND_VENDOR, &by, out, 0);
}

static int install_enums(struct install *in, unsigned avp, struct dict_object *type)
{
        int err = 0;

        for (size_t i = 0; !err && i < dict_n_enums; i++) {
                const struct dict_enum_row *row = &dict_enum_rows[i];
                struct dict_enumval_data data = {(char *)row->name, {.i32 = (int32_t)row->value}};

                if (row->avp != avp)
                        continue;
                in->fault = row->name;
                err = fd_dict_new(in->dict, DICT_ENUMVAL, &data, type, NULL);
        }
        return err;
}

static int install_avp(struct install *in, unsigned id)
{
        const struct dict_avp_row *row = &dict_avp_rows[id];
        struct dict_avp_data data = {row->code, row->vendor, (char *)row->name, AVP_FLAG_VENDOR, 0, 0};
        struct dict_object *type = NULL;
        int err;

        in->fault = row->name;
        err = find_avp(in, row, &in->avp[id]);
        if (err || in->avp[id])
                return err;
        data.avp_basetype = (enum dict_avp_basetype)base_types[row->type];
        if (row->vendor)
                data.avp_flag_val |= AVP_FLAG_VENDOR;
        if (row->m != DICT_M_MAY)
                data.avp_flag_mask |= AVP_FLAG_MANDATORY;
        if (row->m == DICT_M_MUST)
                data.avp_flag_val |= AVP_FLAG_MANDATORY;
        err = install_type(in, row, &type);
        if (!err)
                err = fd_dict_new(in->dict, DICT_AVP, &data, type, &in->avp[id]);
        if (!err && row->type == DICT_T_ENUM)
                err = install_enums(in, id, type);
        return err;
}

static int install_command(struct install *in, unsigned id, struct dict_object *application)
{
        const struct dict_command_row *row = &dict_command_rows[id];
        struct dict_cmd_data data = {row->code, (char *)row->name,
                                     CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE | CMD_FLAG_ERROR, row->flags};
        int by = row->flags & CMD_FLAG_REQUEST ? CMD_BY_CODE_R : CMD_BY_CODE_A;

        in->fault = row->name;
        if (id == CMD_ERROR)
                return fd_dict_get_error_cmd(in->dict, &in->cmd[id]);
        if (!(row->flags & CMD_FLAG_REQUEST))
                data.cmd_flag_mask = (uint8_t)(data.cmd_flag_mask & ~CMD_FLAG_ERROR);
        return find_or_new(in,
                           &(struct wanted){DICT_COMMAND, by, &row->code, &data,
                                            row->part == DICT_P_CX ? application : NULL},
                           &in->cmd[id]);
}

static int install_rule(struct install *in, struct dict_object *parent, const struct dict_rule_row *row)
{
        static const enum rule_position positions[] = {
                [DICT_R_FIXED] = RULE_FIXED_HEAD, [DICT_R_REQ] = RULE_REQUIRED, [DICT_R_OPT] = RULE_OPTIONAL};
        struct dict_rule_request by = {parent, in->avp[row->avp]};
        struct dict_rule_data data = {in->avp[row->avp], positions[row->pos],
                                      row->pos == DICT_R_FIXED ? 1 : 0, -1,
                                      row->max == DICT_MANY ? -1 : (int)row->max};
        struct dict_object *unused = NULL;

        if (row->part == DICT_P_BASE && !in->base)
                return 0;
        in->fault = dict_avp_rows[row->avp].name;
        return find_or_new(in, &(struct wanted){DICT_RULE, RULE_BY_AVP_AND_PARENT, &by, &data, parent},
                           &unused);
}

static int install_all(struct install *in, struct dict_object *application)
{
        int err = 0;

        for (unsigned i = 0; !err && i < AVP_COUNT; i++)
                err = install_avp(in, i);
        for (unsigned i = 0; !err && i < CMD_COUNT; i++)
                err = install_command(in, i, application);
        for (size_t i = 0; !err && i < dict_n_group_rules; i++)
                err = install_rule(in, in->avp[dict_group_rules[i].parent], &dict_group_rules[i]);
        for (size_t i = 0; !err && i < dict_n_command_rules; i++)
                err = install_rule(in, in->cmd[dict_command_rules[i].parent], &dict_command_rules[i]);
        return err;
}

int dict_install(struct dictionary *dict, int base, const char **fault)
{
        struct install in = {.dict = dict, .base = base};
        struct dict_object *tgpp = NULL, *etsi = NULL, *application = NULL;
        struct dict_application_data app = {16777216, "3GPP Cx"};
        int err;

        err = install_vendor(&in, 10415, "3GPP", &tgpp);
        if (!err)
                err = install_vendor(&in, 13019, "ETSI", &etsi);
        if (!err) {
                in.fault = app.application_name;
                err = find_or_new(&in,
                                  &(struct wanted){DICT_APPLICATION, APPLICATION_BY_ID, &app.application_id,
                                                   &app, tgpp},
                                  &application);
        }
        if (!err)
                err = install_all(&in, application);
        if (err)
                *fault = in.fault;
        return err;
}
