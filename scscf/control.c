/* SPDX-License-Identifier: BSD-3-Clause
 * The control socket: what is known of one user, and network-initiated re-authentication. TS 33.203 6.1.4,
 * N.2.4, O.2.2. */
#include "scscf/control.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/node.h"
#include "scscf/auth.h"
#include "scscf/digest.h"
#include "scscf/reg_fsm.h"

/* --- status -------------------------------------------------------------------------------------- */

static void put_digest(const struct registrar *r, const struct digest_user *d, struct buf *out)
{
        const struct digest_limits l = digest_limits(r);

        buf_puts(out, ",\"digest\":{");
        if (d->key.realm) {
                buf_puts(out, "\"realm\":");
                buf_json_string(out, shared_text(d->key.realm));
                buf_printf(out, ",\"algorithm\":\"%s\",",
                           digest_algorithm_name((enum digest_algorithm)d->key.algorithm));
        }
        buf_printf(out, "\"passwords\":%d,\"failures\":%u", (d->key.realm != NULL) + (d->old != NULL),
                   (unsigned)d->reg.failures);
        if (d->changed_ms)
                buf_printf(out, ",\"changed_s\":%llu",
                           (unsigned long long)((l.now_ms - d->changed_ms) / 1000));
        buf_char(out, '}');
}

static void put_contact(const struct registrar *r, const struct contact *c, struct buf *out)
{
        uint64_t now = r->port.now_ms(r->arg);

        buf_puts(out, "{\"uri\":");
        buf_json_string(out, contact_uri(c));
        buf_puts(out, ",\"impu\":");
        buf_json_string(out, reg_set_default(c->set));
        buf_printf(out, ",\"expires_s\":%llu,\"tls_protected\":%s}",
                   (unsigned long long)(c->told_ms > now ? (c->told_ms - now) / 1000 : 0),
                   c->tls ? "true" : "false");
}

void registrar_status(const struct registrar *r, struct span impi, struct buf *out)
{
        const struct user *u = user_find(&r->store, impi);
        bool first = true;

        if (!u) {
                buf_puts(out, "error: no such user is registered or challenged here\n");
                return;
        }
        buf_puts(out, "{\"impi\":");
        buf_json_string(out, user_impi(u));
        buf_printf(out, ",\"state\":\"%s\",\"scheme\":\"%s\",\"reauthenticate\":%s,\"contacts\":[",
                   reg_fsm.states[u->state].name, u->scheme ? u->scheme->name : "",
                   u->reauthenticate ? "true" : "false");
        list_for_each(n, &u->contacts)
        {
                if (!first)
                        buf_char(out, ',');
                first = false;
                put_contact(r, container_of(n, struct contact, in_user), out);
        }
        buf_char(out, ']');
        if (u->digest)
                put_digest(r, u->digest, out);
        buf_puts(out, "}\n");
}

/* --- re-authentication ----------------------------------------------------------------------------- */

int registrar_reauthenticate(struct registrar *r, struct span impi)
{
        struct user *u = user_find(&r->store, impi);

        if (!u || list_empty(&u->contacts))
                return -IMS_ENOTFOUND;
        u->reauthenticate = true;
        log_notice("the next REGISTER of " SPAN_FMT " will be challenged", SPAN_ARG(impi));
        return 0;
}

/* --- the socket ---------------------------------------------------------------------------------- */

static bool is_word(struct span command, const char *word, struct span *rest)
{
        size_t n = strlen(word);

        if (!span_starts(command, span_of(word)) || command.n <= n || command.p[n] != ' ')
                return false;
        *rest = span_sub(command, n + 1, command.n);
        return true;
}

static void on_command(struct control_call *call, struct span command, void *arg)
{
        struct scscf *s = arg;
        struct buf *out = control_answer(call);
        struct span impi;

        if (is_word(command, "status", &impi))
                registrar_status(&s->reg, impi, out);
        else if (!is_word(command, "reauthenticate", &impi))
                buf_puts(out, "error: no such command\n");
        else if (registrar_reauthenticate(&s->reg, impi) < 0)
                buf_puts(out, "error: this user is not registered here\n");
        else
                buf_puts(out, "the next REGISTER will be challenged\n");
        control_end(call);
}

int scscf_control_start(struct scscf *s)
{
        return control_serve(s->home.loop, s->conf->control, on_command, s, &s->control);
}

/* --- the commands -------------------------------------------------------------------------------- */

bool scscf_command_is(const char *word)
{
        return strcmp(word, "status") == 0 || strcmp(word, "reauthenticate") == 0;
}

static int ask(const struct scscf_conf *c, const char *word, const char *impi)
{
        char command[512];

        if (snprintf(command, sizeof(command), "%s %s", word, impi) >= (int)sizeof(command)) {
                (void)fprintf(stderr, "scscf: the IMPI is too long\n");
                return 2;
        }
        return control_command("scscf", c->control, command);
}

int scscf_command(int argc, char **argv)
{
        char *rest[8] = {argv[0]};
        struct node_args args;
        void *conf = NULL;
        int code = 2, n = 1;

        if (argc < 3 || *argv[2] == '-') {
                (void)fprintf(stderr, "usage: scscf %s IMPI [-c FILE]\n", argv[1]);
                return 2;
        }
        for (int i = 3; i < argc && n < 7; i++)
                rest[n++] = argv[i];
        if (!node_args_read(&scscf_conf_schema, n, rest, &args, &code))
                return code;
        if (node_conf_load(&scscf_conf_schema, &args, &conf) < 0)
                return 2;
        code = ask(conf, argv[1], argv[2]);
        conf_free(&scscf_conf_schema, conf);
        return code;
}
