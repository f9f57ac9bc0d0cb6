/* SPDX-License-Identifier: BSD-3-Clause
 * The start of IPsec on Gm, and the stack's questions about a message. TS 33.203 7.1. */
#include "pcscf/ipsec.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/timers.h"
#include "pcscf/pcscf.h"

/* --- the stack's questions ------------------------------------------------------------------------ */

struct sa_set *ipsec_set_of(const struct pcscf *p, const struct sip_flow *flow)
{
        return p->ipsec ? sa_find(p->ipsec->table, &flow->local, &flow->remote) : NULL;
}

struct sa_assoc *ipsec_assoc(const struct pcscf *p, struct assoc a)
{
        return p->ipsec && a.kind == ASSOC_IPSEC ? sa_assoc_by_id(p->ipsec->table, a.id) : NULL;
}

static void tell_wrong(struct pcscf *p, const struct sa_set *s, const struct sip_msg *m)
{
        const struct verdict v = {
                .procedure = VERDICT_REQUEST,
                .outcome = VERDICT_REFUSED,
                .cause = CAUSE_wrong_sa,
                .clause = "TS 33.203 7.4.2a",
                .evidence = m->is_request ? "a request over SAs whose registration has not succeeded"
                                          : "a response over SAs whose registration has not succeeded",
                .impi = sa_assoc_impi(s->assoc),
                .call_id = m->call_id};

        trace_verdict(p->trace, &v);
}

bool ipsec_admit(const struct sip_flow *flow, const struct sip_msg *m, const char **note, void *arg)
{
        struct pcscf *p = arg;
        struct sa_set *s;

        if (sip_port_of(p->stack, &flow->local) == SIP_PORT_OPEN)
                return true;
        s = ipsec_set_of(p, flow);
        if (!s) {
                *note = "no security association here";
                return false;
        }
        s->heard = true; /* whatever becomes of it: ESP comes and can be read */
        if (s->state == SA_SET_REGISTRATION && !(m->is_request && m->method == SIP_REGISTER) &&
            !p->conf->security.early_sa) {
                *note = "wrong security association";
                tell_wrong(p, s, m);
                return false;
        }
        if (!m->is_request)
                sa_heard(s);
        return true;
}

bool ipsec_answer_flow(const struct sip_flow *in, struct sip_flow *out, void *arg)
{
        struct pcscf *p = arg;
        const struct sa_set *s = ipsec_set_of(p, in);

        if (!s)
                return false;
        *out = sa_way_to_ue(s, in->transport);
        if (in->transport == TRANSPORT_UDP && p->conf->security.answer_from == ANSWER_FROM_PORT_PS) {
                out->local = in->local;
                out->remote = in->remote;
        }
        return true;
}

void ipsec_on_use(const struct sip_flow *flow, int delta, void *arg)
{
        struct pcscf *p = arg;

        if (p->ipsec && p->ipsec->table)
                sa_use(p->ipsec->table, flow, delta);
}

/* --- what the kernel and the table tell ------------------------------------------------------------ */

static void on_mapping(uint32_t spi, const struct addr *from, void *arg)
{
        struct ipsec *i = arg;
        struct sa_set *s = i->table ? sa_by_spi(i->table, spi) : NULL;

        if (s)
                sa_mapped(s, from);
}

static void on_expired(uint32_t spi, const struct addr *to, void *arg)
{
        struct ipsec *i = arg;
        struct sa_set *s = i->table ? sa_by_spi(i->table, spi) : NULL;

        (void)to;
        if (s)
                sa_remove_set(s);
}

/* Its connections have no SA any more; what was under way for it is over. */
static void on_removed(struct sa_set *s, void *arg)
{
        struct ipsec *i = arg;
        struct pcscf *p = i->pcscf;
        struct addr ps = s->params.pcscf;

        if (!p->stack)
                return;
        addr_set_port(&ps, s->params.pcscf_ends.port_s);
        sip_close_between(p->stack, &ps, &s->pairs[0].remote);
        addr_set_port(&ps, s->params.pcscf_ends.port_c);
        sip_close_between(p->stack, &ps, &s->pairs[1].remote);
}

/* --- start ---------------------------------------------------------------------------------------- */

static int start_kernel(struct ipsec *i)
{
        const struct sa_kernel_conf conf = {
                .end = SA_END_PCSCF,
                .events = {.on_mapping = on_mapping, .on_expired = on_expired, .arg = i}};
        struct buf why = BUF_INIT;
        int err = sa_kernel_open(i->pcscf->loop, &conf, &i->kernel, &why);

        if (err)
                log_error("security.ipsec: " SPAN_FMT, SPAN_ARG(buf_as_span(&why)));
        buf_free(&why);
        return err;
}

/* True when an earlier listener is of the same family. */
static bool family_seen(const struct pcscf *p, size_t k)
{
        for (size_t j = 0; j < k; j++)
                if (addr_is_v6(&p->gm[j].local) == addr_is_v6(&p->gm[k].local))
                        return true;
        return false;
}

/* Leaves those suites that the kernel does, in each family that is served. */
static int probe(struct ipsec *i)
{
        const struct pcscf *p = i->pcscf;
        struct sec_policy ok = {.confidentiality = i->policy.confidentiality};
        struct sec_suite offer[SEC_SUITES_MAX];
        struct buf why = BUF_INIT;

        for (size_t n = 0; n < i->policy.n; n++) {
                struct buf name = BUF_INIT;
                int err = 0;

                sec_suite_write(i->policy.suites[n], &name);
                for (size_t k = 0; !err && k < p->n_gm; k++)
                        if (!family_seen(p, k))
                                err = sa_kernel_probe(i->kernel, i->policy.suites[n], SEC_MODE_TRANS,
                                                      p->gm[k].local.u.sa.sa_family, &why);
                if (err)
                        log_warn("security.algorithms: " SPAN_FMT " is left out: " SPAN_FMT,
                                 SPAN_ARG(buf_as_span(&name)), SPAN_ARG(buf_as_span(&why)));
                else
                        ok.suites[ok.n++] = i->policy.suites[n];
                buf_reset(&why);
                buf_free(&name);
        }
        buf_free(&why);
        i->policy = ok;
        if (sec_policy_offer(&ok, offer) > 0)
                return 0;
        log_error("security.ipsec: this kernel does none of security.algorithms");
        return -IMS_EUNSUPPORTED;
}

/* True when an earlier listener has the same address. */
static bool seen(const struct pcscf *p, size_t k)
{
        for (size_t j = 0; j < k; j++)
                if (addr_ip_eq(&p->gm[j].local, &p->gm[k].local))
                        return true;
        return false;
}

/* Every protected port of every address that serves UEs. */
static int list_ports(struct ipsec *i)
{
        const struct pcscf *p = i->pcscf;
        const struct security_conf *c = &p->conf->security;
        size_t per_address = c->port_pc_count + 1;

        i->ports = calloc(p->n_gm * per_address, sizeof(*i->ports));
        if (!i->ports)
                return -IMS_ENOMEM;
        for (size_t k = 0; k < p->n_gm; k++) {
                if (seen(p, k))
                        continue;
                for (size_t j = 0; j < per_address; j++) {
                        struct addr *a = &i->ports[i->n_ports++];

                        *a = p->gm[k].local;
                        addr_set_port(a, (uint16_t)(j ? c->port_pc + j - 1 : c->port_ps));
                }
        }
        return 0;
}

static int open_ports(struct ipsec *i)
{
        struct pcscf *p = i->pcscf;
        uint16_t port_ps = (uint16_t)p->conf->security.port_ps;
        char text[ADDR_STR];
        int err = 0;

        for (size_t k = 0; !err && k < i->n_ports; k++) {
                bool server = addr_port(&i->ports[k]) == port_ps;

                err = sa_guard(i->kernel, &i->ports[k]);
                if (!err)
                        err = sip_protected_open(p->stack, server ? SIP_PORT_SERVER : SIP_PORT_CLIENT,
                                                 &i->ports[k], port_ps);
                if (err)
                        log_error("the protected port %s cannot be opened: %s", addr_str(&i->ports[k], text),
                                  ims_strerror(err));
        }
        return err;
}

/* ESP in UDP for UEs behind translators (M.7.1). */
static int open_encaps(struct ipsec *i)
{
        const struct pcscf *p = i->pcscf;
        char text[ADDR_STR];
        int err = 0;

        if (!p->conf->security.nat)
                return 0;
        i->encaps = calloc(p->n_gm, sizeof(struct sa_encap *));
        if (!i->encaps)
                return -IMS_ENOMEM;
        for (size_t k = 0; !err && k < p->n_gm; k++) {
                struct addr a = p->gm[k].local;

                if (seen(p, k))
                        continue;
                addr_set_port(&a, SA_ENCAP_PORT);
                err = sa_encap_open(i->kernel, &a, &i->encaps[i->n_encaps]);
                if (err)
                        log_error("ESP in UDP at %s: %s; security.nat: false works without",
                                  addr_str(&a, text), ims_strerror(err));
                else
                        i->n_encaps++;
        }
        return err;
}

static int start(struct ipsec *i)
{
        struct pcscf *p = i->pcscf;
        struct sa_table_conf table = {.conf = &p->conf->security,
                                      .await_ms = p->conf->await_auth_ms,
                                      .linger_ms = ims_timer_rows[IMS_TIMER_SA_LINGER].default_ms,
                                      .events = {.on_removed = on_removed, .arg = i}};
        int err = security_conf_policy(&p->conf->security, &i->policy), stale;

        if (!err)
                err = start_kernel(i);
        if (!err)
                err = list_ports(i);
        if (err)
                return err;
        stale = sa_clear_stale(i->kernel, i->ports, i->n_ports);
        if (stale > 0)
                log_notice("%d security associations of an earlier run were removed", stale);
        err = stale < 0 ? stale : probe(i);
        if (!err)
                err = open_ports(i);
        if (!err)
                err = open_encaps(i);
        if (!err)
                err = esp_keylog_open(p->conf->security.keylog, &i->log);
        table.kernel = i->kernel;
        table.log = i->log;
        return err ? err : sa_table_new(p->loop, &table, &i->table);
}

int ipsec_start(struct pcscf *p)
{
        struct ipsec *i = calloc(1, sizeof(*i));
        int err;

        if (!i)
                return -IMS_ENOMEM;
        i->pcscf = p;
        p->ipsec = i;
        err = start(i);
        if (!err && i->log)
                log_warn("security.keylog: the keys of every SA are written to %s", p->conf->security.keylog);
        return err;
}

void ipsec_free(struct ipsec *i)
{
        if (!i)
                return;
        sa_table_free(i->table);
        esp_keylog_close(i->log);
        for (size_t k = 0; k < i->n_encaps; k++)
                sa_encap_close(i->encaps[k]);
        for (size_t k = 0; k < i->n_ports; k++)
                sa_unguard(i->kernel, &i->ports[k]);
        sa_kernel_close(i->kernel);
        free(i->encaps);
        free(i->ports);
        free(i);
}
