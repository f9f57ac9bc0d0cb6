/* SPDX-License-Identifier: BSD-3-Clause
 * What the P-CSCF knows its UEs by, as text and as JSON. Written in pieces, so that a long table holds up
 * nobody's registration. */
#include "pcscf/status.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/node.h"
#include "pcscf/pcscf.h"
#include "pcscf/tls_gm.h"

#define RECORDS_PER_TURN 32

#define RENEGOTIATE "renegotiate "

struct status_job {
        struct pcscf *pcscf;
        struct control_call *call;
        struct tmr timer;
        struct assoc *ids; /* of the UEs there are when it begins */
        size_t n, at;
        bool json, first;
};

/* --- the whole ------------------------------------------------------------------------------------ */

static void job_free(struct status_job *j)
{
        tmr_stop(j->pcscf->loop, &j->timer);
        free(j->ids);
        free(j);
}

static void on_cancel(void *arg)
{
        job_free(arg);
}

static void separate(struct status_job *j)
{
        if (j->json && !j->first)
                buf_puts(control_answer(j->call), ",\n");
        j->first = false;
}

static size_t put_sets(struct status_job *j, const struct sa_assoc *a)
{
        size_t n = 0;

        list_for_each(pos, &a->sets)
        {
                const struct sa_set *s = container_of(pos, const struct sa_set, in_assoc);

                separate(j);
                (j->json ? status_set_json : status_set_text)(j->pcscf, s, control_answer(j->call));
                n++;
        }
        return n;
}

/* It may have gone since the list was made. */
static size_t put_record(struct status_job *j, struct assoc id)
{
        const struct ip_entry *ip = ip_table_of(j->pcscf->ips, id);
        const struct tls_assoc *tls = tls_table_of(j->pcscf->tls, id);
        const struct sa_assoc *sas = ipsec_assoc(j->pcscf, id);

        if (sas)
                return put_sets(j, sas);
        if (!ip && !tls)
                return 0;
        separate(j);
        if (ip)
                status_ip(j->pcscf, ip, j->json, control_answer(j->call));
        else
                status_tls(j->pcscf, tls, j->json, control_answer(j->call));
        return 1;
}

static void on_turn(struct tmr *t, void *arg)
{
        struct status_job *j = arg;
        struct buf *out = control_answer(j->call);
        size_t n = 0;

        (void)t;
        while (j->at < j->n && n < RECORDS_PER_TURN)
                n += put_record(j, j->ids[j->at++]);
        if (j->at < j->n && control_flush(j->call) &&
            tmr_start(j->pcscf->loop, &j->timer, 0, on_turn, j) == 0)
                return;
        if (j->json)
                buf_puts(out, "]\n");
        else if (j->first)
                buf_puts(out, j->pcscf->ipsec ? "no security associations\n" : "security.ipsec is off\n");
        control_end(j->call);
        job_free(j);
}

static void add_sas(struct sa_assoc *a, void *arg)
{
        struct status_job *j = arg;

        j->ids[j->n++] = (struct assoc){ASSOC_IPSEC, a->id};
}

static void add_ip(struct ip_entry *e, void *arg)
{
        struct status_job *j = arg;

        j->ids[j->n++] = (struct assoc){ASSOC_IP, e->id};
}

static void add_tls(struct tls_assoc *a, void *arg)
{
        struct status_job *j = arg;

        j->ids[j->n++] = (struct assoc){ASSOC_TLS, a->id};
}

static void begin(struct pcscf *p, struct control_call *call, bool json)
{
        struct status_job *j = calloc(1, sizeof(*j));
        size_t most = (p->ipsec ? sa_table_assocs(p->ipsec->table) : 0) + ip_table_count(p->ips) +
                      tls_table_count(p->tls);

        if (j)
                j->ids = calloc(most + 1, sizeof(*j->ids));
        if (!j || !j->ids) {
                free(j);
                buf_puts(control_answer(call), "error: out of memory\n");
                control_end(call);
                return;
        }
        j->pcscf = p;
        j->call = call;
        j->json = json;
        j->first = true;
        if (p->ipsec)
                sa_table_each(p->ipsec->table, add_sas, j);
        ip_table_each(p->ips, add_ip, j);
        tls_table_each(p->tls, add_tls, j);
        if (json)
                buf_puts(control_answer(call), "[");
        control_on_cancel(call, on_cancel, j);
        on_turn(&j->timer, j);
}

static void on_command(struct control_call *call, struct span command, void *arg)
{
        struct pcscf *p = arg;
        bool json = span_eq(command, SPAN("status json"));

        if (span_starts(command, SPAN(RENEGOTIATE))) {
                tls_gm_renegotiate(p, span_trim(span_sub(command, sizeof(RENEGOTIATE) - 1, command.n)),
                                   control_answer(call));
                control_end(call);
        } else if (!json && !span_eq(command, SPAN("status"))) {
                buf_puts(control_answer(call), "error: no such command\n");
                control_end(call);
        } else {
                begin(p, call, json);
        }
}

int status_start(struct pcscf *p)
{
        return control_serve(p->loop, p->conf->control, on_command, p, &p->control);
}

/* --- the command ---------------------------------------------------------------------------------- */

/* The line for the socket: "status", "status json", "renegotiate IMPI". Words of its own leave argv; 0: it
 * cannot be made. */
static int command_line(int argc, char **argv, char *rest[static 8], struct buf *out)
{
        bool renegotiate = strcmp(argv[1], "renegotiate") == 0, json = false;
        int n = 1, i = 2;

        if (renegotiate && (argc < 3 || argv[2][0] == '-')) {
                (void)fprintf(stderr, "usage: pcscf renegotiate IMPI [-c FILE]\n");
                return 0;
        }
        buf_puts(out, renegotiate ? RENEGOTIATE : "status");
        if (renegotiate)
                buf_puts(out, argv[i++]);
        for (; i < argc; i++) {
                if (!renegotiate && strcmp(argv[i], "--json") == 0)
                        json = true;
                else if (n < 7)
                        rest[n++] = argv[i];
        }
        buf_puts(out, json ? " json" : "");
        buf_char(out, '\0');
        return out->err ? 0 : n;
}

int status_command(int argc, char **argv)
{
        struct node_args args;
        void *conf = NULL;
        char *rest[8] = {argv[0]};
        struct buf line = BUF_INIT;
        int code = 2, n = command_line(argc, argv, rest, &line);

        if (n && node_args_read(&pcscf_conf_schema, n, rest, &args, &code)) {
                code = 2;
                if (node_conf_load(&pcscf_conf_schema, &args, &conf) == 0)
                        code = control_command("pcscf", ((const struct pcscf_conf *)conf)->control, line.p);
                conf_free(&pcscf_conf_schema, conf);
        }
        buf_free(&line);
        return code;
}
