/* SPDX-License-Identifier: BSD-3-Clause
 * A registration with sec-agree, its edge played: ports and SAs are only written down. Answers are made as a
 * P-CSCF at 198.51.100.1 makes them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/base/codec.h"
#include "common/sip/grammar.h"
#include "tests/unit/proves.h"
#include "ue/reg_message.h"

#define UE_IP    "192.0.2.10"
#define PCSCF_IP "198.51.100.1"
#define PORT_PS  41061
#define SETS_MAX 16

struct fixture {
        struct credential cred;
        struct aka_ctx *aka;
        struct isim *isim;
        struct security *sec;
        struct reg_conf conf;
        struct registration *reg;
        struct buf out, why;
        struct sip_msg *sent; /* the REGISTER in out, parsed */
        uint64_t now_ms, sqn;
        uint16_t port_pc; /* of the next Security-Server */
        uint32_t spi;     /* the same */
        uint32_t expires_s;
        int next; /* REG_NEXT_* of the last answer */
        /* the edge */
        struct addr ports[SETS_MAX];
        int port_refs[SETS_MAX];
        size_t n_ports, n_opened;
        struct sa_params installed[SETS_MAX];
        struct esp_keys keys[SETS_MAX];
        bool there[SETS_MAX];
        size_t n_installed;
        int install_err, open_err; /* of the next call */
};

static struct addr an_addr(const char *ip, uint16_t port)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(ip), port, &a), 0);
        return a;
}

static int op_open(enum sip_port kind, const struct addr *at, uint16_t server_port, struct buf *why,
                   void *arg)
{
        struct fixture *f = arg;
        int rc = f->open_err;

        (void)why;
        f->open_err = 0;
        if (rc < 0)
                return rc;
        assert_true(addr_port(at) != 0 && addr_port(at) != 5060 && addr_port(at) != 5061);
        assert_true(kind == SIP_PORT_SERVER ? server_port == addr_port(at) : server_port != addr_port(at));
        for (size_t i = 0; i < f->n_ports; i++)
                if (addr_eq(&f->ports[i], at)) {
                        f->port_refs[i]++;
                        return 0;
                }
        assert_true(f->n_ports < SETS_MAX);
        f->ports[f->n_ports] = *at;
        f->port_refs[f->n_ports++] = 1;
        f->n_opened++;
        return 0;
}

static void op_close(const struct addr *at, void *arg)
{
        struct fixture *f = arg;

        for (size_t i = 0; i < f->n_ports; i++)
                if (addr_eq(&f->ports[i], at)) {
                        if (--f->port_refs[i] == 0) {
                                f->ports[i] = f->ports[--f->n_ports];
                                f->port_refs[i] = f->port_refs[f->n_ports];
                        }
                        return;
                }
        fail_msg("a port is closed that is not open");
}

static int op_install(struct sa_params *p, const struct esp_keys *keys, struct buf *why, void *arg)
{
        struct fixture *f = arg;
        int rc = f->install_err;

        f->install_err = 0;
        if (rc < 0) {
                buf_puts(why, "no ESP here");
                return rc;
        }
        assert_true(f->n_installed < SETS_MAX);
        p->reqid = (uint32_t)f->n_installed + 1;
        f->installed[f->n_installed] = *p;
        f->keys[f->n_installed] = *keys;
        f->there[f->n_installed++] = true;
        return 0;
}

static void op_discard(const struct sa_params *p, void *arg)
{
        struct fixture *f = arg;
        struct addr a = p->ue;

        if (p->reqid) {
                assert_true(f->there[p->reqid - 1]);
                f->there[p->reqid - 1] = false;
        }
        addr_set_port(&a, p->ue_ends.port_c);
        op_close(&a, f);
        addr_set_port(&a, p->ue_ends.port_s);
        op_close(&a, f);
}

static const struct security_ops ops = {op_open, op_close, op_install, op_discard, secret_random, NULL};

static const struct sec_suite suites[] = {{SEC_ALG_NULL, SEC_EALG_AES_GCM},
                                          {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
                                          {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL}};

static int setup_with(void **state, bool required)
{
        struct fixture *f = calloc(1, sizeof(*f));
        struct security_conf sc = {.ops = &ops,
                                   .arg = f,
                                   .n_suites = 3,
                                   .modes = 1u << SEC_MODE_TRANS | 1u << SEC_MODE_UDP_ENC_TUN,
                                   .required = required};
        struct addr local, pcscf;

        if (!f)
                return -1;
        sip_grammar_init();
        memcpy(sc.suites, suites, sizeof(suites));
        f->cred = (struct credential){.kind = CREDENTIAL_ISIM, .impi = "u@r.example", .domain = "r.example"};
        memcpy(f->cred.impu[0], "sip:u@r.example", 16);
        f->cred.n_impu = 1;
        f->cred.key.k_n = 16;
        f->port_pc = 41070;
        f->spi = 3100000010u;
        f->sqn = 32;
        f->now_ms = 1000;
        f->expires_s = 600;
        if (aka_ctx_new(&f->aka) < 0 || isim_new(&f->cred, NULL, &f->isim, &f->why) < 0 ||
            security_new(&sc, &f->sec) < 0)
                return -1;
        local = an_addr(UE_IP, 0);
        pcscf = an_addr(PCSCF_IP, 5060);
        security_set_address(f->sec, &local, &pcscf);
        f->conf = (struct reg_conf){.cred = &f->cred,
                                    .isim = f->isim,
                                    .impu = f->cred.impu[0],
                                    .contact = "sip:u@" UE_IP ":5060",
                                    .security = f->sec};
        if (reg_new(&f->conf, &f->reg) < 0)
                return -1;
        *state = f;
        return 0;
}

static inline int setup(void **state)
{
        return setup_with(state, false);
}

static inline int setup_required(void **state)
{
        return setup_with(state, true);
}

/* Nothing may be left at the edge. */
static inline int teardown(void **state)
{
        struct fixture *f = *state;
        size_t left = 0;

        sip_msg_unref(f->sent);
        buf_free(&f->out);
        buf_free(&f->why);
        reg_free(f->reg);
        security_free(f->sec);
        for (size_t i = 0; i < f->n_installed; i++)
                left += f->there[i];
        left += f->n_ports;
        isim_free(f->isim);
        aka_ctx_free(f->aka);
        free(f);
        return left ? -1 : 0;
}

/* --- the UE's side -------------------------------------------------------------------------------- */

/* Parses the REGISTER that is to be sent, and takes its way: set, or 0 for in clear. */
static inline unsigned take(struct fixture *f)
{
        struct sip_flow flow;
        struct buf b = BUF_INIT;
        ptrdiff_t eol = span_find(buf_as_span(&f->out), SPAN("\r\n"));
        size_t used;
        int rc;

        assert_true(eol > 0);
        buf_put(&b, f->out.p, (size_t)eol);
        buf_puts(&b, "\r\nVia: SIP/2.0/UDP " UE_IP ":5060;branch=z9hG4bK1");
        buf_put(&b, f->out.p + eol, f->out.n - (size_t)eol);
        sip_msg_unref(f->sent);
        f->sent = NULL;
        assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &f->sent, &used), 0);
        assert_null(f->sent->fault);
        buf_free(&b);
        buf_reset(&f->out);
        rc = security_flow(f->sec, SECURITY_REGISTER, true, TRANSPORT_UDP, &flow);
        assert_true(rc >= 0);
        if (rc == 0)
                return 0;
        return ue_sa_of(security_table(f->sec), &flow.local, &flow.remote)->id;
}

static inline unsigned start(struct fixture *f, enum reg_kind kind)
{
        assert_int_equal(reg_start(f->reg, kind, 3600, &f->out), 0);
        return take(f);
}

static inline struct ue_sa *set_in(struct fixture *f, enum ue_sa_state s)
{
        return ue_sa_in(security_table(f->sec), s);
}

/* The Security-Client that was sent. */
static inline void sent_client(struct fixture *f, struct sec_list *out)
{
        struct sip_value_iter it = {0};
        struct span v;
        const char *why;

        out->n = 0;
        while (sip_msg_next_value(f->sent, SIP_HDR_SECURITY_CLIENT, &it, &v))
                assert_int_equal(sec_list_add(out, v, &why), 0);
}

static inline struct sec_ends sent_ends(struct fixture *f)
{
        struct sec_list l;
        const struct sec_ends *e;

        sent_client(f, &l);
        e = sec_list_ends(&l, NULL);
        assert_non_null(e);
        return *e;
}

/* --- the network's side --------------------------------------------------------------------------- */

#define SERVER_ENDS "spi-c=%u;spi-s=%u;port-c=%u;port-s=%u"

/* A message from the P-CSCF. */
static inline struct sip_msg *response(struct fixture *f, const char *status_line, const char *fields,
                                       const char *received)
{
        struct buf b = BUF_INIT;
        struct sip_msg *m = NULL;
        size_t used;

        buf_printf(&b, "SIP/2.0 %s\r\nVia: SIP/2.0/UDP " UE_IP ":5060;branch=z9hG4bK1%s%s\r\n", status_line,
                   received ? ";received=" : "", received ? received : "");
        buf_printf(&b,
                   "From: <sip:u@r.example>;tag=a\r\nTo: <sip:u@r.example>;tag=b\r\nCall-ID: %s\r\n"
                   "CSeq: %u REGISTER\r\n%sContent-Length: 0\r\n\r\n",
                   reg_call_id(f->reg), reg_cseq(f->reg), fields);
        assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &m, &used), 0);
        buf_free(&b);
        return m;
}

/* May this message come on a set (0: in clear)? */
static inline bool admits(struct fixture *f, unsigned set, const struct sip_msg *m)
{
        struct sip_flow flow = {
                .transport = TRANSPORT_UDP, .local = an_addr(UE_IP, 5060), .remote = an_addr(PCSCF_IP, 5060)};
        const struct ue_sa *s = ue_sa_by_id(security_table(f->sec), set);
        const char *note = NULL;
        bool ok;

        if (set) {
                assert_non_null(s);
                flow.local = s->p.ue;
                addr_set_port(&flow.local, s->p.ue_ends.port_s);
                addr_set_port(&flow.remote, s->p.pcscf_ends.port_c);
        }
        ok = security_admit(f->sec, set ? SIP_PORT_SERVER : SIP_PORT_OPEN, &flow, m, &note);
        assert_true(ok || note);
        return ok;
}

/* The answer on a set, which has to be taken; returns the way of the next REGISTER, or -1 when there is none.
 */
static inline int answer(struct fixture *f, unsigned set, const char *status_line, const char *fields,
                         const char *received)
{
        struct sip_msg *m = response(f, status_line, fields, received);

        assert_true(admits(f, set, m));
        f->next = reg_answer(f->reg, m, f->now_ms, &f->out);
        sip_msg_unref(m);
        return f->next == REG_NEXT_SEND ? (int)take(f) : -1;
}

static inline bool would_take(struct fixture *f, unsigned set, const char *status_line)
{
        struct sip_msg *m = response(f, status_line, "", NULL);
        bool ok = admits(f, set, m);

        sip_msg_unref(m);
        return ok;
}

static inline void put_challenge(struct fixture *f, bool spoil, struct buf *out)
{
        uint8_t rand[16] = {7}, both[32];
        char nonce[BASE64_SIZE(32)];
        struct aka_av av;

        assert_int_equal(aka_generate(f->aka, &f->cred.key, rand, f->sqn, 0, &av), 0);
        f->sqn += 32;
        memcpy(both, av.rand, 16);
        memcpy(both + 16, av.autn, 16);
        if (spoil)
                both[31] ^= 1;
        base64_encode(both, 32, nonce);
        buf_printf(out,
                   "WWW-Authenticate: Digest "
                   "realm=\"r.example\",nonce=\"%s\",algorithm=AKAv1-MD5,qop=\"auth\"\r\n",
                   nonce);
}

/* 401 with these mechanisms in Security-Server; each gets the ends of the next set. received: NULL for none.
 */
static inline int challenge_with(struct fixture *f, unsigned set, const char *const *mechanisms, size_t n,
                                 const char *received)
{
        struct buf b = BUF_INIT;
        int way;

        put_challenge(f, false, &b);
        for (size_t i = 0; i < n; i++)
                buf_printf(&b, "Security-Server: %s;" SERVER_ENDS "\r\n", mechanisms[i], f->spi, f->spi + 1,
                           f->port_pc, PORT_PS);
        f->spi += 2;
        f->port_pc++;
        buf_char(&b, '\0');
        way = answer(f, set, "401 Unauthorized", b.p, received);
        buf_free(&b);
        return way;
}

static inline int challenge(struct fixture *f, unsigned set)
{
        static const char *const usual[] = {"ipsec-3gpp;q=0.9;alg=hmac-sha-1-96;ealg=aes-cbc;mod=trans",
                                            "ipsec-3gpp;q=0.1;alg=hmac-sha-1-96;ealg=null;mod=trans"};

        return challenge_with(f, set, usual, 2, NULL);
}

static inline void ok200(struct fixture *f, unsigned set)
{
        char fields[256];

        (void)snprintf(fields, sizeof(fields), "Contact: <%s>;expires=%u\r\n", reg_contact(f->reg),
                       f->expires_s);
        assert_int_equal(answer(f, set, "200 OK", fields, NULL), -1);
        assert_true(reg_outcome_ok(reg_result(f->reg)->outcome));
}

/* A whole registration on nothing; returns its set. */
static inline unsigned registered(struct fixture *f)
{
        int way;

        assert_int_equal(start(f, REG_KIND_REGISTER), 0);
        way = challenge(f, 0);
        assert_true(way > 0);
        ok200(f, (unsigned)way);
        return (unsigned)way;
}

/* A request from the network. */
static inline bool takes_request(struct fixture *f, unsigned set, const char *call_id)
{
        struct buf b = BUF_INIT;
        struct sip_msg *m = NULL;
        size_t used;
        bool ok;

        buf_printf(&b,
                   "MESSAGE sip:u@" UE_IP " SIP/2.0\r\nVia: SIP/2.0/UDP " PCSCF_IP
                   ":41061;branch=z9hG4bK2\r\n"
                   "Max-Forwards: 70\r\nFrom: <sip:p@r.example>;tag=a\r\nTo: <sip:u@r.example>\r\n"
                   "Call-ID: %s\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
                   call_id);
        assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &m, &used), 0);
        ok = admits(f, set, m);
        sip_msg_unref(m);
        buf_free(&b);
        return ok;
}
