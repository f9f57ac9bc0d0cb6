/* SPDX-License-Identifier: BSD-3-Clause
 * The SA table as text and as JSON, with the kernel's counters. Written in pieces, so that a long table holds
 * up nobody's registration. */
#include "pcscf/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/node.h"
#include "pcscf/pcscf.h"

#define SETS_PER_TURN 32

struct status_job {
        struct pcscf *pcscf;
        struct control_call *call;
        struct tmr timer;
        uint32_t *ids; /* of the UEs there are when it begins */
        size_t n, at;
        bool json, first;
};

/* --- one set -------------------------------------------------------------------------------------- */

/* IMPUs that are registered over these SAs. */
static void put_impus(const struct pcscf *p, const struct sa_assoc *a, bool json, struct buf *out)
{
        const struct ue_flow *f = regstore_assoc(p->store, a->id);
        bool first = true;

        if (!f)
                return;
        list_for_each(pos, &f->bindings)
        {
                const struct binding *b = container_of(pos, const struct binding, in_flow);
                struct span impu = SPAN_NULL;

                while (binding_next_impu(b, &impu)) {
                        buf_puts(out, first ? "" : json ? "," : " ");
                        first = false;
                        buf_puts(out, json ? "\"" : "");
                        if (json)
                                buf_json(out, impu);
                        else
                                buf_span(out, impu);
                        buf_puts(out, json ? "\"" : "");
                }
        }
}

static void sa_json(const struct pcscf *p, const struct sa_set *s, enum sa_way w, struct buf *out)
{
        struct sa_counters c = {0};
        struct addr from, to;

        sa_selector(&s->params, w, &from, &to);
        (void)!sa_count(p->ipsec->kernel, &s->params, w, &c);
        buf_printf(
                out,
                "{\"sa\":\"%s\",\"spi\":%u,\"from_port\":%u,\"to_port\":%u,\"bytes\":%llu,\"packets\":%llu,"
                "\"integrity_failed\":%u,\"replayed\":%u}",
                sa_way_name(w), sa_spi(&s->params, w), addr_port(&from), addr_port(&to),
                (unsigned long long)c.bytes, (unsigned long long)c.packets, c.integrity_failed, c.replay);
}

static void set_json(const struct pcscf *p, const struct sa_set *s, struct buf *out)
{
        const struct sa_params *q = &s->params;
        uint64_t now_ms = loop_now_ms(p->loop);
        char ip[ADDR_STR], own[ADDR_STR];

        buf_puts(out, "{\"impi\":\"");
        buf_json(out, sa_assoc_impi(s->assoc));
        buf_puts(out, "\",\"impus\":[");
        put_impus(p, s->assoc, true, out);
        buf_printf(out,
                   "],\"state\":\"%s\",\"ue\":\"%s\",\"pcscf\":\"%s\",\"port_uc\":%u,\"port_us\":%u,\"port_"
                   "pc\":%u,"
                   "\"port_ps\":%u,\"spi_uc\":%u,\"spi_us\":%u,\"spi_pc\":%u,\"spi_ps\":%u,\"alg\":\"%s\","
                   "\"ealg\":\"%s\",\"mode\":\"%s\",\"age_s\":%llu,\"expires_s\":%llu,\"transactions\":%u,"
                   "\"emergency\":%s,\"reg_id\":%u",
                   sa_set_state_name(s), addr_ip_str(&q->ue, false, ip), addr_ip_str(&q->pcscf, false, own),
                   q->ue_ends.port_c, q->ue_ends.port_s, q->pcscf_ends.port_c, q->pcscf_ends.port_s,
                   q->ue_ends.spi_c, q->ue_ends.spi_s, q->pcscf_ends.spi_c, q->pcscf_ends.spi_s,
                   sec_alg_name(q->suite.alg), sec_ealg_name(q->suite.ealg), sec_mode_name(q->mode),
                   (unsigned long long)((now_ms - s->made_ms) / 1000),
                   (unsigned long long)(s->expires_ms > now_ms ? (s->expires_ms - now_ms) / 1000 : 0),
                   s->n_used, s->assoc->sos ? "true" : "false", s->assoc->reg_id);
        if (q->mode == SEC_MODE_UDP_ENC_TUN) /* the encapsulation table of M.7.2 */
                buf_printf(out, ",\"port_uenc\":%u,\"encap_port\":%d", q->port_uenc, SA_ENCAP_PORT);
        buf_puts(out, ",\"sas\":[");
        for (int w = 0; w < SA_WAYS; w++) {
                buf_puts(out, w ? "," : "");
                sa_json(p, s, (enum sa_way)w, out);
        }
        buf_puts(out, "]}");
}

static void set_text(const struct pcscf *p, const struct sa_set *s, struct buf *out)
{
        const struct sa_params *q = &s->params;
        uint64_t now_ms = loop_now_ms(p->loop);
        char ip[ADDR_STR];
        struct buf suite = BUF_INIT;

        sec_suite_write(q->suite, &suite);
        buf_printf(out, SPAN_FMT " at %s: %s, " SPAN_FMT ", %s", SPAN_ARG(sa_assoc_impi(s->assoc)),
                   addr_ip_str(&q->ue, false, ip), sa_set_state_name(s), SPAN_ARG(buf_as_span(&suite)),
                   sec_mode_name(q->mode));
        buf_free(&suite);
        if (q->mode == SEC_MODE_UDP_ENC_TUN)
                buf_printf(out, " by UDP port %u", q->port_uenc);
        buf_printf(out, ", age %llu s, ends in %llu s\n  IMPUs ",
                   (unsigned long long)((now_ms - s->made_ms) / 1000),
                   (unsigned long long)(s->expires_ms > now_ms ? (s->expires_ms - now_ms) / 1000 : 0));
        put_impus(p, s->assoc, false, out);
        buf_char(out, '\n');
        for (int w = 0; w < SA_WAYS; w++) {
                struct sa_counters c = {0};
                struct addr from, to;

                sa_selector(q, (enum sa_way)w, &from, &to);
                (void)!sa_count(p->ipsec->kernel, q, (enum sa_way)w, &c);
                buf_printf(out, "  %s port %5u -> %5u  spi %10u  %llu packets, %llu octets",
                           sa_sender((enum sa_way)w) == SA_END_UE ? "in " : "out", addr_port(&from),
                           addr_port(&to), sa_spi(q, (enum sa_way)w), (unsigned long long)c.packets,
                           (unsigned long long)c.bytes);
                if (c.integrity_failed || c.replay)
                        buf_printf(out, ", %u failed their check, %u replayed", c.integrity_failed, c.replay);
                buf_char(out, '\n');
        }
}

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

static void put_assoc(struct status_job *j, const struct sa_assoc *a, size_t *n)
{
        struct buf *out = control_answer(j->call);

        list_for_each(pos, &a->sets)
        {
                const struct sa_set *s = container_of(pos, const struct sa_set, in_assoc);

                if (j->json) {
                        buf_puts(out, j->first ? "" : ",\n");
                        set_json(j->pcscf, s, out);
                } else {
                        set_text(j->pcscf, s, out);
                }
                j->first = false;
                ++*n;
        }
}

static void on_turn(struct tmr *t, void *arg)
{
        struct status_job *j = arg;
        struct buf *out = control_answer(j->call);
        size_t n = 0;

        (void)t;
        while (j->at < j->n && n < SETS_PER_TURN) {
                const struct sa_assoc *a = sa_assoc_by_id(j->pcscf->ipsec->table, j->ids[j->at++]);

                if (a) /* it may have gone since */
                        put_assoc(j, a, &n);
        }
        if (j->at < j->n && control_flush(j->call) &&
            tmr_start(j->pcscf->loop, &j->timer, 0, on_turn, j) == 0)
                return;
        if (j->json)
                buf_puts(out, "]\n");
        else if (j->first)
                buf_puts(out, "no security associations\n");
        control_end(j->call);
        job_free(j);
}

static void add_id(struct sa_assoc *a, void *arg)
{
        struct status_job *j = arg;

        j->ids[j->n++] = a->id;
}

static void begin(struct pcscf *p, struct control_call *call, bool json)
{
        struct status_job *j = calloc(1, sizeof(*j));

        if (j)
                j->ids = calloc(sa_table_assocs(p->ipsec->table) + 1, sizeof(*j->ids));
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
        sa_table_each(p->ipsec->table, add_id, j);
        if (json)
                buf_puts(control_answer(call), "[");
        control_on_cancel(call, on_cancel, j);
        on_turn(&j->timer, j);
}

static void on_command(struct control_call *call, struct span command, void *arg)
{
        struct pcscf *p = arg;
        bool json = span_eq(command, SPAN("status json"));

        if (!json && !span_eq(command, SPAN("status"))) {
                buf_puts(control_answer(call), "error: no such command\n");
                control_end(call);
        } else if (!p->ipsec) {
                buf_puts(control_answer(call), json ? "[]\n" : "security.ipsec is off\n");
                control_end(call);
        } else {
                begin(p, call, json);
        }
}

int status_start(struct pcscf *p)
{
        int err;

        if (!p->conf->control)
                return 0;
        err = control_open(p->loop, p->conf->control, on_command, p, &p->control);
        if (err)
                log_error("control.socket: %s: %s", p->conf->control,
                          err == -IMS_EADDRINUSE ? "another node serves it" : ims_strerror(err));
        return err;
}

/* --- the command ---------------------------------------------------------------------------------- */

static int ask(const struct pcscf_conf *c, bool json)
{
        int err;

        if (!c->control) {
                (void)fprintf(stderr, "pcscf: control.socket is not configured: nothing to ask\n");
                return 2;
        }
        err = control_ask(c->control, json ? "status json" : "status", STDOUT_FILENO);
        if (!err)
                return 0;
        (void)fprintf(stderr, "pcscf: %s: %s\n", c->control,
                      err == -IMS_EUNREACH ? "no P-CSCF serves it" : ims_strerror(err));
        return 1;
}

int status_command(int argc, char **argv)
{
        struct node_args args;
        void *conf = NULL;
        bool json = false;
        int code = 2, n = 1;
        char *rest[8] = {argv[0]};

        for (int i = 2; i < argc; i++) {
                if (strcmp(argv[i], "--json") == 0)
                        json = true;
                else if (n < 7)
                        rest[n++] = argv[i];
        }
        if (!node_args_read(&pcscf_conf_schema, n, rest, &args, &code))
                return code;
        if (node_conf_load(&pcscf_conf_schema, &args, &conf))
                return 2;
        code = ask(conf, json);
        conf_free(&pcscf_conf_schema, conf);
        return code;
}
