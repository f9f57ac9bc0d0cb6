/* SPDX-License-Identifier: BSD-3-Clause
 * An extension of freeDiameterd for run.sh: each message it receives is read again with its dictionary and
 * rules, and the outcome written as "judge: COMMAND ok" or "judge: COMMAND fault AVP". A relay by itself
 * looks at neither. */
#include <freeDiameter/extension.h>

static const char *command_name(struct msg *m)
{
        struct dict_cmd_data data;
        struct dict_object *model = NULL;

        if (fd_msg_model(m, &model) || !model || fd_dict_getval(model, &data))
                return "unknown";
        return data.cmd_name;
}

static const char *avp_name(struct avp *avp)
{
        struct dict_avp_data data;
        struct dict_object *model = NULL;

        if (!avp || fd_msg_model(avp, &model) || !model || fd_dict_getval(model, &data))
                return "unknown";
        return data.avp_name;
}

/* AVPs the dictionary gives no meaning to. */
static unsigned not_understood(msg_or_avp *parent)
{
        struct avp *a = NULL, *inner = NULL;
        struct avp_hdr *h = NULL;
        unsigned n = 0;

        for (int err = fd_msg_browse(parent, MSG_BRW_FIRST_CHILD, &a, NULL); !err && a;
             err = fd_msg_browse(a, MSG_BRW_NEXT, &a, NULL)) {
                if (fd_msg_avp_hdr(a, &h) || h->avp_value)
                        continue;
                if (fd_msg_browse(a, MSG_BRW_FIRST_CHILD, &inner, NULL) == 0 && inner)
                        n += not_understood(a);
                else if (strcmp(avp_name(a), "unknown") == 0)
                        n++;
        }
        return n;
}

static void judge(enum fd_hook_type type, struct msg *unused, struct peer_hdr *peer, void *other,
                  struct fd_hook_permsgdata *pmd, void *arg)
{
        struct fd_cnx_rcvdata *in = other;
        struct fd_pei pei = {0};
        struct msg *m = NULL;
        uint8_t *copy = malloc(in->length);
        unsigned strange;

        (void)type;
        (void)unused;
        (void)peer;
        (void)pmd;
        (void)arg;
        if (!copy)
                return;
        memcpy(copy, in->buffer, in->length);
        if (fd_msg_parse_buffer(&copy, in->length, &m)) {
                fd_log(FD_LOG_NOTICE, "judge: message does not parse");
                free(copy);
                return;
        }
        if (fd_msg_parse_rules(m, fd_g_config->cnf_dict, &pei)) {
                fd_log(FD_LOG_NOTICE, "judge: %s fault %s %s", command_name(m), pei.pei_errcode,
                       avp_name(pei.pei_avp));
        } else {
                strange = not_understood(m);
                fd_log(FD_LOG_NOTICE, strange ? "judge: %s fault %u AVPs not understood" : "judge: %s ok",
                       command_name(m), strange);
        }
        fd_msg_free(m);
}

static int judge_entry(char *conffile)
{
        struct fd_hook_hdl *hook = NULL;

        (void)conffile;
        return fd_hook_register(HOOK_MASK(HOOK_DATA_RECEIVED), judge, NULL, NULL, &hook);
}

EXTENSION_ENTRY("judge", judge_entry);
