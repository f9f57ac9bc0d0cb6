/* SPDX-License-Identifier: BSD-3-Clause
 * The process's dictionary: the rows of diameter-dict/ in libfdproto, and tables for quick look-up. */
#include "common/diameter/dict.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "diameter-dict/install.h"

#define AVP_SLOTS 512 /* power of two, a third full */
#define CODE_MAX  320 /* command codes in use lie below */

static struct {
        struct dictionary *dict;
        struct dict_object *model[AVP_COUNT];
        int16_t by_code[AVP_SLOTS];   /* 1 + enum dict_avp */
        uint64_t enums[AVP_COUNT];    /* bit per value */
        int8_t commands[2][CODE_MAX]; /* 1 + enum dict_command; [1] requests */
        struct dia_rules group[AVP_COUNT];
        struct dia_rules command[CMD_COUNT];
        struct dia_rule rules[1024];
        size_t n_rules;
} d;

static unsigned avp_slot(uint32_t vendor, uint32_t code)
{
        return ((code + vendor * 7u) * 2654435761u) >> 23; /* 9 bits */
}

int dia_avp_find(uint32_t vendor, uint32_t code)
{
        for (unsigned i = avp_slot(vendor, code);; i = (i + 1) & (AVP_SLOTS - 1)) {
                int at = d.by_code[i] - 1;

                if (at < 0 || (dict_avp_rows[at].code == code && dict_avp_rows[at].vendor == vendor))
                        return at;
        }
}

int dia_command_find(uint32_t code, bool request)
{
        return code < CODE_MAX ? d.commands[request][code] - 1 : -1;
}

const struct dia_rules *dia_group_rules(enum dict_avp group)
{
        return d.group[group].n ? &d.group[group] : NULL;
}

const struct dia_rules *dia_command_rules(enum dict_command cmd)
{
        return &d.command[cmd];
}

bool dia_enum_known(enum dict_avp avp, uint32_t value)
{
        return value < 64 && (d.enums[avp] >> value & 1);
}

struct dict_object *dia_avp_model(enum dict_avp avp)
{
        return d.model[avp];
}

struct dictionary *dia_dict(void)
{
        return d.dict;
}

/* libfdproto prints AVP values at some places; only texts whose arguments cannot be such values keep
 * their arguments. */
static void fd_logger(int level, const char *format, va_list args) IMS_PRINTF(2, 0);
static void fd_logger(int level, const char *format, va_list args)
{
        static const char own_call[] = "ERROR: in '";
        char text[256];

        if (level < FD_LOG_ERROR || !log_enabled(LOG_DEBUG))
                return;
        if (strncmp(format, own_call, sizeof(own_call) - 1) == 0)
                (void)vsnprintf(text, sizeof(text), format, args);
        else
                (void)snprintf(text, sizeof(text), "%s", format);
        log_debug("libfdproto: %s", text);
}

static void add_rule(struct dia_rules *rules, const struct dict_rule_row *row)
{
        struct dia_rule *r = &d.rules[d.n_rules++];

        if (!rules->n)
                rules->rule = r;
        *r = (struct dia_rule){row->avp, row->pos, row->max};
        rules->slot[row->avp] = ++rules->n;
}

static void fill_tables(void)
{
        for (unsigned i = 0; i < AVP_COUNT; i++) {
                unsigned slot = avp_slot(dict_avp_rows[i].vendor, dict_avp_rows[i].code);

                while (d.by_code[slot])
                        slot = (slot + 1) & (AVP_SLOTS - 1);
                d.by_code[slot] = (int16_t)(i + 1);
        }
        for (size_t i = 0; i < dict_n_enums; i++)
                d.enums[dict_enum_rows[i].avp] |= UINT64_C(1) << dict_enum_rows[i].value;
        for (unsigned i = 0; i < CMD_ERROR; i++)
                d.commands[!!(dict_command_rows[i].flags & CMD_FLAG_REQUEST)][dict_command_rows[i].code] =
                        (int8_t)(i + 1);
        for (size_t i = 0; i < dict_n_group_rules; i++)
                add_rule(&d.group[dict_group_rules[i].parent], &dict_group_rules[i]);
        for (size_t i = 0; i < dict_n_command_rules; i++)
                add_rule(&d.command[dict_command_rules[i].parent], &dict_command_rules[i]);
}

static int fill_models(struct dictionary *dict)
{
        for (unsigned i = 0; i < AVP_COUNT; i++) {
                struct dict_avp_request by = {dict_avp_rows[i].vendor, dict_avp_rows[i].code, NULL};

                if (fd_dict_search(dict, DICT_AVP, AVP_BY_CODE_AND_VENDOR, &by, &d.model[i], ENOENT))
                        return -IMS_ENOTFOUND;
        }
        return 0;
}

int dia_dict_load(void)
{
        struct dictionary *dict = NULL;
        const char *fault = "libfdproto";
        int err;

        if (d.dict)
                return 0;
        fd_g_debug_lvl = FD_LOG_ERROR;
        err = fd_log_handler_register(fd_logger);
        if (!err)
                err = fd_libproto_init();
        if (!err)
                err = fd_dict_init(&dict);
        if (!err)
                err = dict_install(dict, 1, &fault);
        if (err) {
                log_error("Diameter dictionary: %s: %s", fault, strerror(err));
                fd_dict_fini(&dict);
                return err == ENOMEM ? -IMS_ENOMEM : -IMS_EINVAL;
        }
        err = fill_models(dict);
        if (err)
                return err;
        fill_tables();
        d.dict = dict;
        return 0;
}
