/* SPDX-License-Identifier: BSD-3-Clause
 * A whole P-CSCF with IPsec in one process, over a kernel that is played: nothing is encrypted, and every
 * port and address of what is sent can be seen. The core is a raw socket. A phone is raw sockets at its
 * protected ports and says exactly what a test wants. */
#pragma once

#include <netinet/in.h>
#include <unistd.h>

#include "common/sip/grammar.h"
#include "common/trace/trace.h"
#include "pcscf/pcscf.h"
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/proves.h"
#include "tests/unit/sip/stack_world.h"

#define HOME      "ims.example"
#define CK_TEXT   "0102030405060708090a0b0c0d0e0f10"
#define IK_TEXT   "a1a2a3a4a5a6a7a8a9aaabacadaeafb0"
#define HEARD_MAX 512
#define QUIET_MS  60
#define TLS_PORT  5061

/* --- the P-CSCF ----------------------------------------------------------------------------------- */

/* What a test configures. Texts are lines of YAML, "  KEY: VALUE\n"; NULL: none. */
struct fix_conf {
        const char *ipsec;    /* NULL: required */
        const char *security; /* more of security */
        const char *phones, *emergency;
        const char *more;               /* sections of their own */
        const char *tls_cert, *tls_key; /* a listener for TLS at TLS_PORT; more of gm.tls */
        const char *tls_more;
        bool names; /* ue.example and other.example; DNS at NET.53 */
        bool v6;
};

struct fix {
        struct world w;
        struct pcscf_conf *conf;
        struct pcscf *p;
        struct trace *trace;
        struct raw core;
        unsigned core_seen;
        char ip[ADDR_STR]; /* of the P-CSCF on Gm */
        char net[16];      /* "127.A.B.", of this process */
        uint16_t gm, core_port, ps, pc;
        char trace_file[64], control[80];
        long trace_at; /* verdicts before were looked at */
        bool v6;
};

static inline struct addr fix_addr(const char *ip, uint16_t port)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(ip), 0, &a), 0);
        addr_set_port(&a, port);
        return a;
}

/* Many ports in a row that are free for both transports: the tests of IPv6 have one address for all. */
static inline uint16_t free_ports(const char *ip, unsigned n)
{
        uint16_t first = (uint16_t)(20000 + (unsigned)getpid() % 20000);

        for (unsigned got = 0; got < n; first++) {
                struct addr a = fix_addr(ip, (uint16_t)(first + got));
                int udp = socket(a.u.sa.sa_family, SOCK_DGRAM, 0), tcp = -1;
                bool ok = udp >= 0 && bind(udp, &a.u.sa, addr_len(&a)) == 0 && tcp_reserve(&a, &tcp) == 0;

                if (tcp >= 0)
                        (void)close(tcp);
                (void)close(udp);
                got = ok ? got + 1 : 0;
                if (ok)
                        first--; /* the same beginning */
                if (got == n)
                        return (uint16_t)(first + 1);
        }
        return 0;
}

static inline void fix_ports(struct fix *x)
{
        unsigned pid = (unsigned)getpid();

        (void)snprintf(x->net, sizeof(x->net), "127.%u.%u.", 1 + (pid >> 8 & 127), pid & 255);
        x->gm = 5060;
        x->core_port = 5070;
        x->ps = 6100;
        x->pc = 6101;
        (void)snprintf(x->ip, sizeof(x->ip), "%s1", x->net);
        if (x->v6) {
                (void)snprintf(x->ip, sizeof(x->ip), "::1");
                x->gm = free_ports("::1", 32);
                x->ps = (uint16_t)(x->gm + 1);
                x->pc = (uint16_t)(x->gm + 2);
        }
}

static inline void fix_read_conf(struct fix *x, const struct fix_conf *c)
{
        struct buf text = BUF_INIT, err = BUF_INIT;
        char core[ADDR_STR], tls_listen[ADDR_STR + 32] = "", tls_keys[400] = "";
        void *conf = NULL;

        if (c->tls_cert) {
                (void)snprintf(tls_listen, sizeof(tls_listen), "\"tls:%s:%d\", ", x->ip, TLS_PORT);
                (void)snprintf(tls_keys, sizeof(tls_keys), "  tls: {certificate: \"%s\", key: \"%s\"%s}\n",
                               c->tls_cert, c->tls_key, c->tls_more ? c->tls_more : "");
        }
        buf_printf(&text,
                   "gm:\n  t1: 40\n  t2: 160\n%s  listen: [%s\"udp:%s%s%s:%u\", \"tcp:%s%s%s:%u\"]\n"
                   "sip: {listen: [\"udp:%s1:%u\"], t1: 40, t2: 160, t4: 100}\n"
                   "home: {icscf: \"sip:%s\", answer: 400}\nvisited_network: " HOME "\n"
                   "registration: {await_auth: 900}\ncontrol: {socket: %s}\n",
                   tls_keys, tls_listen, x->v6 ? "[" : "", x->ip, x->v6 ? "]" : "", x->gm, x->v6 ? "[" : "",
                   x->ip, x->v6 ? "]" : "", x->gm, x->net, x->core_port, addr_str(&x->core.addr, core),
                   x->control);
        buf_printf(&text, "security:\n  ipsec: %s\n  port_ps: %u\n  port_pc: %u\n%s",
                   c->ipsec ? c->ipsec : "required", x->ps, x->pc, c->security ? c->security : "");
        if (c->phones)
                buf_printf(&text, "phones:\n%s", c->phones);
        if (c->emergency)
                buf_printf(&text, "emergency:\n  psap: \"sip:%s\"\n", addr_str(&x->core.addr, core));
        if (c->names)
                buf_printf(&text,
                           "resolver:\n  hosts: [\"ue.example=%s10\", \"other.example=%s99\"]\n"
                           "  servers: [\"%s53:53\"]\n",
                           x->net, x->net, x->net);
        buf_printf(&text, "%s", c->more ? c->more : "");
        if (conf_parse(&pcscf_conf_schema, "test", buf_as_span(&text), &conf, &err) != 0)
                fail_msg("%.*s", (int)err.n, err.p);
        x->conf = conf;
        buf_free(&text);
        buf_free(&err);
}

/* Everything but the P-CSCF itself; what fake_sa_* is told stays. */
static inline void fix_prepare(struct fix *x, const struct fix_conf *c)
{
        static const struct fix_conf plain;
        int fd;

        *x = (struct fix){.v6 = c && c->v6};
        world_start(&x->w, NULL, 0);
        fix_ports(x);
        raw_start(&x->core, &x->w);
        (void)snprintf(x->trace_file, sizeof(x->trace_file), "/tmp/quintet-pcscf-XXXXXX");
        fd = mkstemp(x->trace_file);
        assert_true(fd >= 0);
        (void)close(fd);
        (void)snprintf(x->control, sizeof(x->control), "%s.control", x->trace_file);
        log_init("pcscf", LOG_ERROR);
        assert_int_equal(trace_new("pcscf", x->trace_file, &x->trace), 0);
        fix_read_conf(x, c ? c : &plain);
}

static inline struct fix *fix_start(const struct fix_conf *c)
{
        struct fix *x = malloc(sizeof(*x));

        assert_non_null(x);
        fake_sa_reset();
        fix_prepare(x, c);
        assert_int_equal(pcscf_new(x->conf, x->w.loop, x->trace, &x->p), 0);
        return x;
}

/* Nothing is left in the kernel, whatever was under way. */
static inline void fix_stop(struct fix *x)
{
        pcscf_free(x->p);
        assert_true(fake_sa_nothing_left());
        raw_stop(&x->core);
        world_stop(&x->w);
        trace_free(x->trace);
        conf_free(&pcscf_conf_schema, x->conf);
        (void)unlink(x->trace_file);
        free(x);
}

static inline size_t fix_sets(const struct fix *x)
{
        assert_int_equal(sa_table_sets(x->p->ipsec->table), fake_sa_sets());
        return fake_sa_sets();
}

/* TCP connections that the P-CSCF has. */
static inline unsigned fix_connections(const struct fix *x)
{
        struct sip_stack_stats stats;

        sip_stack_stats(x->p->stack, &stats);
        return stats.conns;
}

/* --- verdicts ------------------------------------------------------------------------------------- */

static inline char *file_text(const char *path, long from)
{
        FILE *f = fopen(path, "r");
        char *text = calloc(1, 1 << 20);

        assert_non_null(f);
        assert_non_null(text);
        assert_int_equal(fseek(f, from, SEEK_SET), 0);
        text[fread(text, 1, (1 << 20) - 1, f)] = '\0';
        (void)fclose(f);
        return text;
}

/* A verdict with this cause came since the last look, its line holding evidence. */
static inline bool has_verdict(struct fix *x, const char *cause, const char *evidence)
{
        char *text = file_text(x->trace_file, x->trace_at), want[64], *line, *next;
        bool found = false;

        (void)snprintf(want, sizeof(want), "\"cause\":\"%s\"", cause);
        for (line = text; !found && *line; line = next) {
                next = line + strcspn(line, "\n");
                if (*next)
                        *next++ = '\0';
                found = strstr(line, want) && (!evidence || strstr(line, evidence));
                if (found)
                        x->trace_at += next - text;
        }
        free(text);
        return found;
}

static inline void expect_verdict(struct fix *x, const char *cause, const char *evidence)
{
        if (!has_verdict(x, cause, evidence)) {
                char *text = file_text(x->trace_file, x->trace_at);

                fail_msg("no verdict %s with '%s' in:\n%s", cause, evidence ? evidence : "", text);
        }
}

/* The same, once it comes. */
static inline void wait_verdict(struct fix *x, const char *cause, const char *evidence)
{
        bool found = false;

        WAIT_FOR(&x->w, (found = found || has_verdict(x, cause, evidence)));
}

static inline void no_verdict(struct fix *x)
{
        char *text = file_text(x->trace_file, x->trace_at);

        if (strstr(text, "\"ev\":\"verdict\""))
                fail_msg("a verdict: %s", text);
        free(text);
}

/* --- the core ------------------------------------------------------------------------------------- */

/* Until the core has heard something more; what a verdict said instead is shown. */
static inline void core_waits(struct fix *x)
{
        x->w.ticks = 0;
        world_tick(&x->w.tick, &x->w);
        while (x->core.n == x->core_seen && x->w.ticks < WORLD_PATIENCE_TICKS / 4)
                loop_once(x->w.loop);
        tmr_stop(x->w.loop, &x->w.tick);
        if (x->core.n == x->core_seen) {
                char *text = file_text(x->trace_file, x->trace_at);

                fail_msg("the core heard nothing:\n%s", text);
        }
}

/* The next request or answer that comes to the core, copies of what came before left out; its number in
 * core.got. */
static inline unsigned core_hears(struct fix *x)
{
        for (;;) {
                bool again = false;

                core_waits(x);
                for (unsigned i = 0; i < x->core_seen; i++)
                        again |= strcmp(x->core.got[i], x->core.got[x->core_seen]) == 0;
                x->core_seen++;
                if (!again)
                        return x->core_seen - 1;
        }
}

static inline void core_hears_nothing(struct fix *x)
{
        world_pass(&x->w, QUIET_MS);
        for (; x->core_seen < x->core.n; x->core_seen++) {
                bool again = false;

                for (unsigned i = 0; i < x->core_seen; i++)
                        again |= strcmp(x->core.got[i], x->core.got[x->core_seen]) == 0;
                if (!again)
                        fail_msg("the core heard: %s", x->core.got[x->core_seen]);
        }
}

/* The value of a header field of a message, or of its n-th line of that name; "" when absent. */
static inline const char *header(const char *text, const char *name)
{
        static char values[4][2048];
        static unsigned at;
        char want[64], *out = values[at++ % 4];
        const char *p;
        size_t n;

        (void)snprintf(want, sizeof(want), "\r\n%s: ", name);
        p = strstr(text, want);
        *out = '\0';
        if (!p)
                return out;
        p += strlen(want);
        n = strcspn(p, "\r");
        assert_true(n < sizeof(values[0]));
        memcpy(out, p, n);
        out[n] = '\0';
        return out;
}

static inline bool has(const char *text, const char *part)
{
        return strstr(text, part) != NULL;
}

static inline void expect_has(const char *text, const char *part)
{
        if (!has(text, part))
                fail_msg("no '%s' in:\n%s", part, text);
}

static inline void expect_lacks(const char *text, const char *part)
{
        if (has(text, part))
                fail_msg("'%s' in:\n%s", part, text);
}

/* --- a phone -------------------------------------------------------------------------------------- */

struct phone;

struct heard {
        char *text;
        struct addr from, to;
        enum transport transport;
        struct gm_conn *conn; /* TCP */
};

struct gm_port {
        struct phone *ph;
        struct addr at;
        struct udp *u;
        struct tcp_listener *l;
};

struct gm_conn {
        struct phone *ph;
        struct tcp_conn *c;
        struct buf in;
        struct addr local, remote;
        bool up, closed, accepted;
        int reason;
};

#define PHONE_PORTS 12
#define PHONE_CONNS 12

struct phone {
        struct fix *x;
        char ip[ADDR_STR];
        const char *impi, *impu;
        enum transport transport;
        uint16_t open, uc, us; /* ports: unprotected, protected */
        uint32_t spi;          /* spi-c; spi-s is the next */
        struct gm_port ports[PHONE_PORTS];
        struct gm_conn conns[PHONE_CONNS];
        unsigned n_ports, n_conns;
        struct heard got[HEARD_MAX];
        unsigned n, seen;
        /* of the registration under way */
        char call_id[64], nonce[32], path[400];
        char core_call[64]; /* Call-ID and tag of a call that requests of the core belong to; "": of none */
        unsigned cseq, branch;
        char client[1024], verify[2048]; /* Security-Client as sent; Security-Server of the challenge */
        unsigned ps, pc;                 /* as the challenge says */
        unsigned in_uc, in_ps;           /* the pair whose SAs are taken for what is sent */
};

static inline void phone_keep(struct phone *ph, struct span text, const struct heard *how)
{
        assert_true(ph->n < HEARD_MAX);
        ph->got[ph->n] = *how;
        ph->got[ph->n++].text = span_dup(text);
}

static inline void phone_on_datagram(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct gm_port *port = arg;

        (void)u;
        phone_keep(port->ph, data,
                   &(struct heard){.from = *from, .to = port->at, .transport = TRANSPORT_UDP});
}

static inline void conn_on_connect(struct tcp_conn *c, void *arg)
{
        (void)c;
        ((struct gm_conn *)arg)->up = true;
}

/* Takes whole messages; none of them has a body. */
static inline void conn_on_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct gm_conn *v = arg;
        ptrdiff_t end;

        (void)c;
        buf_span(&v->in, data);
        while ((end = span_find(buf_as_span(&v->in), SPAN("\r\n\r\n"))) >= 0) {
                struct buf rest = BUF_INIT;

                phone_keep(v->ph, span_sub(buf_as_span(&v->in), 0, (size_t)end + 4),
                           &(struct heard){
                                   .from = v->remote, .to = v->local, .transport = TRANSPORT_TCP, .conn = v});
                buf_span(&rest, span_sub(buf_as_span(&v->in), (size_t)end + 4, v->in.n));
                buf_free(&v->in);
                v->in = rest;
        }
}

static inline void conn_on_close(struct tcp_conn *c, int reason, void *arg)
{
        struct gm_conn *v = arg;

        (void)c;
        v->closed = true;
        v->reason = reason;
}

static const struct tcp_handlers conn_handlers = {conn_on_connect, conn_on_data, conn_on_close};

static inline struct gm_conn *phone_conn(struct phone *ph)
{
        struct gm_conn *v = &ph->conns[ph->n_conns];

        assert_true(ph->n_conns < PHONE_CONNS);
        ph->n_conns++;
        *v = (struct gm_conn){.ph = ph};
        return v;
}

static inline void phone_on_accept(struct tcp_conn *c, void *arg)
{
        struct gm_port *port = arg;
        struct gm_conn *v = phone_conn(port->ph);

        v->c = c;
        v->up = v->accepted = true;
        v->local = port->at;
        v->remote = *tcp_remote(c);
        tcp_set_handlers(c, &conn_handlers, v);
}

/* Opens a port of the phone for UDP, and to listen on TCP. */
static inline struct gm_port *phone_open(struct phone *ph, uint16_t port, bool listens)
{
        struct gm_port *q = &ph->ports[ph->n_ports];

        for (unsigned i = 0; i < ph->n_ports; i++)
                if (addr_port(&ph->ports[i].at) == port)
                        return &ph->ports[i];
        assert_true(ph->n_ports < PHONE_PORTS);
        ph->n_ports++;
        *q = (struct gm_port){.ph = ph, .at = fix_addr(ph->ip, port)};
        assert_int_equal(udp_open(ph->x->w.loop, &q->at, phone_on_datagram, q, &q->u), 0);
        if (listens)
                assert_int_equal(tcp_listen(ph->x->w.loop, &q->at, 100, phone_on_accept, q, &q->l), 0);
        return q;
}

/* The nth phone, at an address of its own (with IPv6 at ports of its own). */
static inline void phone_start(struct phone *ph, struct fix *x, unsigned nth, enum transport t)
{
        static unsigned calls;

        *ph = (struct phone){.x = x, .impi = "alice@" HOME, .impu = "sip:alice@" HOME, .transport = t};
        (void)snprintf(ph->ip, sizeof(ph->ip), "%s%u", x->net, 10 + nth);
        ph->open = 5060;
        ph->uc = 31060;
        ph->us = 31099;
        if (x->v6) {
                (void)snprintf(ph->ip, sizeof(ph->ip), "::1");
                ph->open = (uint16_t)(x->gm + 7 + 8 * nth);
                ph->uc = (uint16_t)(ph->open + 1);
                ph->us = (uint16_t)(ph->open + 7);
        }
        ph->spi = 700000 + 1000 * nth;
        (void)snprintf(ph->call_id, sizeof(ph->call_id), "reg-%u", ++calls);
        (void)phone_open(ph, ph->open, false);
        (void)phone_open(ph, ph->uc, false);
        (void)phone_open(ph, ph->us, true);
}

static inline void phone_stop(struct phone *ph)
{
        for (unsigned i = 0; i < ph->n_conns; i++) {
                if (!ph->conns[i].closed)
                        tcp_close(ph->conns[i].c, false);
                WAIT_FOR(&ph->x->w, ph->conns[i].closed);
                buf_free(&ph->conns[i].in);
        }
        for (unsigned i = 0; i < ph->n_ports; i++) {
                udp_close(ph->ports[i].u);
                if (ph->ports[i].l)
                        tcp_listener_close(ph->ports[i].l);
        }
        for (unsigned i = 0; i < ph->n; i++)
                free(ph->got[i].text);
}

/* --- what a phone sends --------------------------------------------------------------------------- */

static inline struct gm_conn *phone_connect(struct phone *ph, uint16_t from, uint16_t to)
{
        struct gm_conn *v;

        for (unsigned i = 0; i < ph->n_conns; i++) {
                v = &ph->conns[i];
                if (!v->closed && !v->accepted && addr_port(&v->local) == from && addr_port(&v->remote) == to)
                        return v;
        }
        v = phone_conn(ph);
        v->local = fix_addr(ph->ip, from);
        v->remote = fix_addr(ph->x->ip, to);
        assert_int_equal(tcp_connect(ph->x->w.loop, &v->local, &v->remote, 2000, &conn_handlers, v, &v->c),
                         0);
        WAIT_FOR(&ph->x->w, v->up || v->closed);
        assert_true(v->up);
        return v;
}

/* From that port to that port of the P-CSCF, over the phone's transport. */
static inline void phone_send(struct phone *ph, unsigned from, unsigned to, const char *text)
{
        struct addr at = fix_addr(ph->x->ip, (uint16_t)to);

        if (ph->transport == TRANSPORT_UDP)
                assert_int_equal(udp_send(phone_open(ph, (uint16_t)from, false)->u, &at, span_of(text)), 0);
        else
                assert_int_equal(tcp_send(phone_connect(ph, (uint16_t)from, (uint16_t)to)->c, span_of(text)),
                                 0);
}

/* --- what a phone hears --------------------------------------------------------------------------- */

static inline bool phone_heard_it(const struct phone *ph, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                if (strcmp(ph->got[i].text, ph->got[n].text) == 0)
                        return true;
        return false;
}

/* The next message, copies left out. */
static inline const struct heard *phone_hears(struct phone *ph)
{
        do {
                WAIT_FOR(&ph->x->w, ph->n > ph->seen);
                ph->seen++;
        } while (phone_heard_it(ph, ph->seen - 1));
        return &ph->got[ph->seen - 1];
}

static inline void phone_hears_nothing(struct phone *ph)
{
        world_pass(&ph->x->w, QUIET_MS);
        for (; ph->seen < ph->n; ph->seen++)
                if (!phone_heard_it(ph, ph->seen))
                        fail_msg("the phone heard: %s", ph->got[ph->seen].text);
}

static inline void expect_way(const struct heard *h, enum transport t, unsigned from, unsigned to)
{
        assert_int_equal(h->transport, t);
        if (addr_port(&h->from) != from || addr_port(&h->to) != to)
                fail_msg("from port %u to %u, not from %u to %u:\n%s", addr_port(&h->from), addr_port(&h->to),
                         from, to, h->text);
}

static inline int status_of(const struct heard *h)
{
        return strncmp(h->text, "SIP/2.0 ", 8) == 0 ? atoi(h->text + 8) : 0;
}

static inline void expect_status(const struct heard *h, int status)
{
        if (status_of(h) != status)
                fail_msg("not %d:\n%s", status, h->text);
}
