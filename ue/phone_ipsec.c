/* SPDX-License-Identifier: BSD-3-Clause
 * Protected ports and SAs of a phone. What ends, ends at the next turn of the loop: an end is mostly found in
 * a callback of the stack, and connections have to go before their SA does. */
#include "ue/phone_ipsec.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/timers.h"

struct port {
        struct list node;
        struct addr at;
        unsigned refs;
        bool alias; /* its address was added to this host for it */
};

/* A set that is to be removed. */
struct gone {
        struct list node;
        struct sa_params p;
        bool removed; /* from the kernel */
};

struct phone_ipsec {
        struct loop *loop;
        struct sa_host *host;
        struct sip_stack *stack;
        struct security *security;
        struct sa_encap *encap; /* NULL: UDP-enc-tun is not offered */
        struct addr local, pcscf;
        uint32_t keep_alive_ms;
        struct list ports, gone;
        struct tmr later, tick, alive;
};

/* --- ends ----------------------------------------------------------------------------------------- */

static void on_later(struct tmr *t, void *arg);

static void soon(struct phone_ipsec *p)
{
        if (!tmr_running(&p->later) && tmr_start(p->loop, &p->later, 0, on_later, p) < 0)
                log_error("SAs that ended stay until the phone ends: %s", ims_strerror(IMS_ENOMEM));
}

static void remove_from_kernel(struct phone_ipsec *p, struct gone *g)
{
        if (!g->removed)
                sa_remove(sa_host_kernel(p->host), &g->p);
        g->removed = true;
}

static struct port *port_find(struct phone_ipsec *p, const struct addr *at)
{
        list_for_each(pos, &p->ports)
        {
                struct port *port = container_of(pos, struct port, node);

                if (addr_eq(&port->at, at))
                        return port;
        }
        return NULL;
}

static void port_release(struct phone_ipsec *p, const struct addr *ip, uint16_t number)
{
        struct addr at = *ip;
        struct port *port;

        addr_set_port(&at, number);
        port = port_find(p, &at);
        if (port && port->refs)
                port->refs--;
}

static void end_connections(struct phone_ipsec *p, const struct sa_params *set)
{
        struct addr from, to;

        sa_selector(set, SA_UC_PS, &from, &to);
        sip_close_between(p->stack, &from, &to);
        sa_selector(set, SA_US_PC, &from, &to);
        sip_close_between(p->stack, &from, &to);
}

static void run_ends(struct phone_ipsec *p)
{
        struct sa_kernel *k = sa_host_kernel(p->host);

        list_for_each_safe(pos, tmp, &p->gone)
        {
                struct gone *g = container_of(pos, struct gone, node);

                end_connections(p, &g->p);
                remove_from_kernel(p, g);
                port_release(p, &g->p.ue, g->p.ue_ends.port_c);
                port_release(p, &g->p.ue, g->p.ue_ends.port_s);
                list_unlink(pos);
                free(g);
        }
        list_for_each_safe(pos, tmp, &p->ports)
        {
                struct port *port = container_of(pos, struct port, node);

                if (port->refs)
                        continue;
                sip_protected_close(p->stack, &port->at);
                sa_unguard(k, &port->at);
                if (port->alias)
                        sa_address_drop(k, &port->at);
                list_unlink(pos);
                free(port);
        }
}

static void on_later(struct tmr *t, void *arg)
{
        (void)t;
        run_ends(arg);
}

/* --- what security asks for ----------------------------------------------------------------------- */

static int op_open_port(enum sip_port kind, const struct addr *at, uint16_t server_port, struct buf *why,
                        void *arg)
{
        struct phone_ipsec *p = arg;
        struct sa_kernel *k = sa_host_kernel(p->host);
        struct port *port = port_find(p, at);
        int rc = 0;

        if (port) {
                port->refs++;
                return 0;
        }
        port = calloc(1, sizeof(*port));
        if (!port)
                return -IMS_ENOMEM;
        port->at = *at;
        port->refs = 1;
        if (!addr_ip_eq(at, &p->local)) {
                rc = sa_address_add(k, at);
                port->alias = rc == 0;
                if (rc < 0)
                        buf_printf(why, "the public address cannot be taken: %s", ims_strerror(rc));
        }
        if (rc == 0)
                rc = sip_protected_open(p->stack, kind, at, server_port);
        if (rc == 0) {
                rc = sa_guard(k, at);
                if (rc < 0) {
                        buf_printf(why, "no policy for a protected port: %s", ims_strerror(rc));
                        sip_protected_close(p->stack, at);
                }
        }
        if (rc == 0) {
                list_append(&p->ports, &port->node);
                return 0;
        }
        if (port->alias)
                sa_address_drop(k, at);
        free(port);
        return rc;
}

static void op_close_port(const struct addr *at, void *arg)
{
        struct phone_ipsec *p = arg;

        port_release(p, at, addr_port(at));
        soon(p);
}

static void on_alive(struct tmr *t, void *arg)
{
        struct phone_ipsec *p = arg;
        const struct ue_sa_table *table = security_table(p->security);
        struct addr to = p->pcscf;
        bool any = false;

        for (size_t i = 0; i < table->n; i++)
                any = any || table->sets[i].p.mode == SEC_MODE_UDP_ENC_TUN;
        if (!any)
                return;
        addr_set_port(&to, SA_ENCAP_PORT);
        sa_encap_keep_alive(p->encap, &to);
        if (tmr_start(p->loop, t, p->keep_alive_ms, on_alive, p) < 0)
                log_error("NAT keep-alives stop: %s", ims_strerror(IMS_ENOMEM));
}

static int refused(int rc, struct buf *why)
{
        if (rc == -IMS_EUNSUPPORTED)
                buf_puts(why, "this kernel does not do ESP with this suite and mode");
        else if (rc == -IMS_EPERM)
                buf_puts(why, "setting up SAs needs CAP_NET_ADMIN");
        else
                buf_printf(why, "the kernel takes no SA: %s", ims_strerror(rc));
        return rc;
}

static int op_install(struct sa_params *params, const struct esp_keys *keys, struct buf *why, void *arg)
{
        struct phone_ipsec *p = arg;
        struct sa_kernel *k = sa_host_kernel(p->host);
        int rc;

        list_for_each(pos, &p->gone) /* they may have the same SPIs and ports */
                remove_from_kernel(p, container_of(pos, struct gone, node));
        if (params->mode == SEC_MODE_UDP_ENC_TUN && !p->encap) {
                buf_puts(why, "UDP-enc-tun was not offered");
                return -IMS_EPROTO;
        }
        params->port_uenc = SA_ENCAP_PORT;
        params->reqid = sa_kernel_reqid(k);
        rc = sa_install(k, params, keys);
        if (rc < 0)
                return refused(rc, why);
        esp_keylog_write(sa_host_keylog(p->host), params, keys);
        if (params->mode == SEC_MODE_UDP_ENC_TUN && !tmr_running(&p->alive))
                rc = tmr_start(p->loop, &p->alive, p->keep_alive_ms, on_alive, p);
        if (rc < 0)
                sa_remove(k, params);
        return rc;
}

static void op_discard(const struct sa_params *params, void *arg)
{
        struct phone_ipsec *p = arg;
        struct gone *g = calloc(1, sizeof(*g));

        if (!g) { /* at once, then; its ports stay until the phone ends */
                sa_remove(sa_host_kernel(p->host), params);
                return;
        }
        g->p = *params;
        list_append(&p->gone, &g->node);
        soon(p);
}

static void on_tick(struct tmr *t, void *arg)
{
        struct phone_ipsec *p = arg;

        (void)t;
        security_tick(p->security, loop_now_ms(p->loop));
}

static void op_wake(void *arg)
{
        struct phone_ipsec *p = arg;
        uint64_t next_ms = p->security ? security_next_ms(p->security) : 0, now_ms = loop_now_ms(p->loop);

        tmr_stop(p->loop, &p->tick);
        if (next_ms && tmr_start(p->loop, &p->tick, next_ms > now_ms ? next_ms - now_ms : 0, on_tick, p) < 0)
                log_error("lifetimes of SAs are not watched: %s", ims_strerror(IMS_ENOMEM));
}

static const struct security_ops ops = {op_open_port, op_close_port, op_install,
                                        op_discard,   secret_random, op_wake};

/* --- life ----------------------------------------------------------------------------------------- */

/* In the order in which phones offer them; old algorithms only when they are named. */
static const struct sec_suite usual_suites[] = {
        {SEC_ALG_NULL, SEC_EALG_AES_GCM},
        {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
        {SEC_ALG_AES_GMAC, SEC_EALG_NULL},
        {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL},
};
static const enum sec_mode usual_modes[] = {SEC_MODE_TRANS, SEC_MODE_UDP_ENC_TUN};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Modes in which the kernel does the first suite at all. */
static unsigned choose_modes(struct phone_ipsec *p, const struct phone_ipsec_conf *conf,
                             struct sec_suite suite, struct buf *why)
{
        unsigned modes = 0;
        int family = p->local.u.sa.sa_family;

        for (size_t i = 0; i < COUNT(usual_modes); i++) {
                unsigned bit = 1u << usual_modes[i];

                if (conf->modes ? (conf->modes & bit) != 0
                                : sa_host_can(p->host, suite, usual_modes[i], family, why))
                        modes |= bit;
        }
        if (modes & 1u << SEC_MODE_UDP_ENC_TUN && sa_host_encap(p->host, &p->local, &p->encap) < 0) {
                log_info("port 4500 of the own address cannot be had: UDP-enc-tun is not offered");
                modes &= ~(1u << SEC_MODE_UDP_ENC_TUN);
                if (!modes)
                        buf_puts(why, "UDP port 4500 of the own address is taken");
        }
        return modes;
}

static int choose_offer(struct phone_ipsec *p, const struct phone_ipsec_conf *conf, struct security_conf *sc,
                        struct buf *why)
{
        const struct sec_suite *from = conf->n_suites ? conf->suites : usual_suites;
        size_t n = conf->n_suites ? conf->n_suites : COUNT(usual_suites);
        bool encrypts = false;

        for (size_t i = 0; i < n && sc->n_suites < SEC_SUITES_MAX; i++) {
                if (!conf->n_suites &&
                    !sa_host_can(p->host, from[i], SEC_MODE_TRANS, p->local.u.sa.sa_family, why))
                        continue;
                encrypts = encrypts || sec_suite_encrypts(from[i]);
                sc->suites[sc->n_suites++] = from[i];
        }
        if (!sc->n_suites || (!encrypts && !conf->n_suites)) /* encryption is always offered (5.1.3) */
                return -IMS_EUNSUPPORTED;
        buf_reset(why);
        sc->modes = choose_modes(p, conf, sc->suites[0], why);
        if (!sc->modes)
                return -IMS_EUNSUPPORTED;
        buf_reset(why);
        return 0;
}

int phone_ipsec_new(struct loop *l, const struct phone_ipsec_conf *conf, const struct addr *local,
                    const struct addr *pcscf, struct phone_ipsec **out, struct buf *why)
{
        struct security_conf sc = {.ops = &ops,
                                   .required = conf->required,
                                   .spi_min = conf->spi_min,
                                   .spi_max = conf->spi_max,
                                   .port_min = conf->port_min,
                                   .port_max = conf->port_max,
                                   .setup_ms = conf->setup_ms,
                                   .margin_ms = conf->margin_ms};
        struct phone_ipsec *p = calloc(1, sizeof(*p));
        int rc;

        if (!p)
                return -IMS_ENOMEM;
        list_init(&p->ports);
        list_init(&p->gone);
        p->loop = l;
        p->host = conf->host;
        p->local = *local;
        p->pcscf = *pcscf;
        p->keep_alive_ms = conf->keep_alive_ms ? conf->keep_alive_ms
                                               : ims_timer_rows[IMS_TIMER_UE_KEEP_ALIVE].default_ms;
        sc.arg = p;
        rc = choose_offer(p, conf, &sc, why);
        if (rc == 0)
                rc = security_new(&sc, &p->security);
        if (rc < 0) {
                phone_ipsec_free(p);
                return rc;
        }
        security_set_address(p->security, local, pcscf);
        *out = p;
        return 0;
}

void phone_ipsec_leave(struct phone_ipsec *p)
{
        security_end(p->security);
        tmr_stop(p->loop, &p->later);
        run_ends(p);
}

void phone_ipsec_free(struct phone_ipsec *p)
{
        if (!p)
                return;
        if (p->security)
                phone_ipsec_leave(p);
        security_free(p->security);
        tmr_stop(p->loop, &p->later);
        tmr_stop(p->loop, &p->tick);
        tmr_stop(p->loop, &p->alive);
        sa_host_encap_drop(p->host, p->encap);
        free(p);
}

void phone_ipsec_use_stack(struct phone_ipsec *p, struct sip_stack *s)
{
        p->stack = s;
}

int phone_ipsec_move(struct phone_ipsec *p, struct sip_stack *s, const struct addr *local,
                     const struct addr *pcscf)
{
        bool encap = p->encap != NULL;

        p->stack = s;
        p->local = *local;
        p->pcscf = *pcscf;
        security_set_address(p->security, local, pcscf);
        sa_host_encap_drop(p->host, p->encap);
        p->encap = NULL;
        return encap ? sa_host_encap(p->host, local, &p->encap) : 0;
}

struct security *phone_ipsec_security(struct phone_ipsec *p)
{
        return p->security;
}

/* --- handlers of the stack ------------------------------------------------------------------------ */

bool phone_ipsec_admit(struct phone_ipsec *p, const struct sip_flow *flow, const struct sip_msg *m,
                       const char **note)
{
        return security_admit(p->security, sip_port_of(p->stack, &flow->local), flow, m, note);
}

bool phone_ipsec_answer_flow(struct phone_ipsec *p, const struct sip_flow *in, struct sip_flow *out)
{
        return security_answer_flow(p->security, in, out);
}

int phone_ipsec_count(struct phone_ipsec *p, const struct ue_sa *set, enum sa_way w, struct sa_counters *out)
{
        return sa_count(sa_host_kernel(p->host), &set->p, w, out);
}
