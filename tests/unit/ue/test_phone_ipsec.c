/* SPDX-License-Identifier: BSD-3-Clause
 * A phone at its edge: sockets, ports, policies and SAs, against a P-CSCF of three sockets and a kernel that
 * is played. Nothing is encrypted there; which port a message takes is what counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/base/codec.h"
#include "common/net/udp.h"
#include "common/sip/grammar.h"
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/proves.h"
#include "ue/phone.h"

#define UE_IP     "127.0.0.77"
#define PCSCF_IP  "127.0.0.78"
#define PUBLIC_IP "127.0.0.79"
#define TURNS     400
#define T1_MS     40

/* A socket of the P-CSCF with what came to it last. */
struct sock {
        struct udp *u;
        struct sip_msg *m;
        struct addr from;
        unsigned n;
};

struct fixture {
        struct loop *l;
        struct sock open, ps, pc, pc2;
        struct sa_host *host;
        struct phone *phone;
        struct credential cred;
        struct aka_ctx *aka;
        struct isim *isim;
        struct registration *reg;
        struct reg_conf conf;
        char contact[64];
        bool done;
        uint64_t sqn;
        unsigned requests; /* that the phone's owner saw */
        int replies;       /* final statuses of requests of the phone */
        uint32_t spi;
        struct tmr guard;
        const char *received; /* in Via of the 401; NULL: none */
        const char *mode;
};

static void on_datagram(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct sock *s = arg;
        size_t used;

        (void)u;
        sip_msg_unref(s->m);
        s->m = NULL;
        assert_int_equal(sip_msg_parse(data, SIP_DATAGRAM, &s->m, &used), 0);
        s->from = *from;
        s->n++;
}

static void open_sock(struct fixture *f, struct sock *s)
{
        struct addr a;

        assert_int_equal(addr_parse(SPAN(PCSCF_IP), 0, &a), 0);
        assert_int_equal(udp_open(f->l, &a, on_datagram, s, &s->u), 0);
}

static uint16_t port_of(const struct sock *s)
{
        return addr_port(udp_local(s->u));
}

static void on_guard(struct tmr *t, void *arg)
{
        (void)t;
        (void)arg;
}

static void turn(struct fixture *f)
{
        assert_int_equal(tmr_start(f->l, &f->guard, 10, on_guard, NULL), 0);
        loop_once(f->l);
        tmr_stop(f->l, &f->guard);
}

/* Until a message that was not there before is at the socket. */
static struct sip_msg *await(struct fixture *f, struct sock *s)
{
        unsigned before = s->n;

        for (int i = 0; i < TURNS && s->n == before; i++)
                turn(f);
        assert_true(s->n > before);
        return s->m;
}

/* Nothing comes within a while. */
static void idle(struct fixture *f)
{
        for (int i = 0; i < 8; i++)
                turn(f);
}

static void on_request(struct sip_request *rq, void *arg)
{
        struct fixture *f = arg;

        f->requests++;
        sip_reply(rq, 200, NULL, NULL, 0);
}

static void on_registered(struct registration *r, void *arg)
{
        struct fixture *f = arg;

        (void)r;
        f->done = true;
}

static void new_phone(struct fixture *f, bool required)
{
        char pcscf[ADDR_STR];
        struct phone_ipsec_conf ipsec = {.host = f->host, .required = required, .one_machine = true};
        struct phone_conf conf = {.pcscf = addr_str(udp_local(f->open.u), pcscf),
                                  .local = UE_IP,
                                  .t1_ms = T1_MS,
                                  .t2_ms = T1_MS,
                                  .t4_ms = T1_MS,
                                  .udp_max = 8000,
                                  .answer_ms = 2000,
                                  .ipsec = &ipsec};
        struct buf err = BUF_INIT;

        assert_int_equal(phone_new(f->l, &conf, on_request, f, &f->phone, &err), 0);
        buf_free(&err);
        (void)snprintf(f->contact, sizeof(f->contact), "sip:u@" UE_IP ":5060");
        f->conf = (struct reg_conf){.cred = &f->cred,
                                    .isim = f->isim,
                                    .impu = f->cred.impu[0],
                                    .contact = f->contact,
                                    .security = phone_security(f->phone),
                                    .security_note = phone_no_ipsec(f->phone)};
        assert_int_equal(reg_new(&f->conf, &f->reg), 0);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        struct buf err = BUF_INIT;

        if (!f)
                return -1;
        fake_sa_reset();
        sip_grammar_init();
        f->cred = (struct credential){.kind = CREDENTIAL_ISIM, .impi = "u@r.example", .domain = "r.example"};
        memcpy(f->cred.impu[0], "sip:u@r.example", 16);
        f->cred.n_impu = 1;
        f->cred.key.k_n = 16;
        f->sqn = 32;
        f->spi = 3000000000u;
        f->mode = "trans";
        if (loop_new(&f->l) < 0 || aka_ctx_new(&f->aka) < 0 || isim_new(&f->cred, NULL, &f->isim, &err) < 0)
                return -1;
        open_sock(f, &f->open);
        open_sock(f, &f->ps);
        open_sock(f, &f->pc);
        open_sock(f, &f->pc2);
        if (sa_host_new(f->l, NULL, &f->host, &err) < 0)
                return -1;
        *state = f;
        return 0;
}

static void close_sock(struct sock *s)
{
        udp_close(s->u);
        sip_msg_unref(s->m);
}

static void close_phone(struct fixture *f)
{
        reg_free(f->reg);
        phone_free(f->phone);
        f->reg = NULL;
        f->phone = NULL;
}

static int teardown(void **state)
{
        struct fixture *f = *state;
        bool clean;

        close_phone(f);
        sa_host_free(f->host);
        clean = fake_sa_nothing_left();
        close_sock(&f->open);
        close_sock(&f->ps);
        close_sock(&f->pc);
        close_sock(&f->pc2);
        isim_free(f->isim);
        aka_ctx_free(f->aka);
        loop_free(f->l);
        free(f);
        return clean ? 0 : -1;
}

/* --- the network ---------------------------------------------------------------------------------- */

/* An answer to the request at "asked", sent from "by" to "to". */
static void answer(struct sock *asked, struct sock *by, const struct addr *to, const char *status,
                   const char *fields, const char *received)
{
        const struct sip_msg *m = asked->m;
        struct buf b = BUF_INIT;

        buf_printf(&b, "SIP/2.0 %s\r\nVia: " SPAN_FMT, status,
                   SPAN_ARG(sip_msg_hdr(m, SIP_HDR_VIA, 0)->value));
        buf_printf(&b, "%s%s\r\n", received ? ";received=" : "", received ? received : "");
        buf_printf(&b, "From: " SPAN_FMT "\r\nTo: " SPAN_FMT ";tag=x\r\n",
                   SPAN_ARG(sip_msg_hdr(m, SIP_HDR_FROM, 0)->value),
                   SPAN_ARG(sip_msg_hdr(m, SIP_HDR_TO, 0)->value));
        buf_printf(&b, "Call-ID: " SPAN_FMT "\r\nCSeq: " SPAN_FMT "\r\n%sContent-Length: 0\r\n\r\n",
                   SPAN_ARG(m->call_id), SPAN_ARG(sip_msg_hdr(m, SIP_HDR_CSEQ, 0)->value), fields);
        assert_int_equal(b.err, 0);
        assert_int_equal(udp_send(by->u, to, buf_as_span(&b)), 0);
        buf_free(&b);
}

/* The challenge to the request at "asked"; the new SAs have pc as client port. */
static void challenge(struct fixture *f, struct sock *asked, struct sock *by, const struct addr *to,
                      struct sock *pc)
{
        uint8_t rand[16] = {7}, both[32];
        char nonce[BASE64_SIZE(32)];
        struct aka_av av;
        struct buf b = BUF_INIT;

        assert_int_equal(aka_generate(f->aka, &f->cred.key, rand, f->sqn, 0, &av), 0);
        f->sqn += 32;
        memcpy(both, av.rand, 16);
        memcpy(both + 16, av.autn, 16);
        base64_encode(both, 32, nonce);
        buf_printf(&b,
                   "WWW-Authenticate: Digest realm=\"r.example\",nonce=\"%s\",algorithm=AKAv1-MD5\r\n"
                   "Security-Server: ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=%s;spi-c=%u;spi-s=%u;"
                   "port-c=%u;port-s=%u\r\n",
                   nonce, f->mode, f->spi, f->spi + 1, port_of(pc), port_of(&f->ps));
        f->spi += 2;
        buf_char(&b, '\0');
        answer(asked, by, to, "401 Unauthorized", b.p, f->received);
        buf_free(&b);
}

/* Where the P-CSCF sends on the set: port_us. */
static struct addr port_us(const struct sa_params *p)
{
        struct addr a = p->ue;

        addr_set_port(&a, p->ue_ends.port_s);
        return a;
}

static void accept_register(struct fixture *f, struct sock *pc, const struct sa_params *p, unsigned expires_s)
{
        struct addr to = port_us(p);
        char fields[200];

        (void)snprintf(fields, sizeof(fields), "Contact: <%s>;expires=%u\r\n", reg_contact(f->reg),
                       expires_s);
        answer(&f->ps, pc, &to, "200 OK", fields, NULL);
        for (int i = 0; i < TURNS && !f->done; i++)
                turn(f);
        assert_true(f->done);
}

static void start(struct fixture *f, enum reg_kind kind)
{
        f->done = false;
        assert_int_equal(phone_register(f->phone, f->reg, kind, 600, on_registered, f), 0);
}

/* A registration from nothing; the set is the last one of the kernel. */
static const struct sa_params *registered(struct fixture *f)
{
        const struct sa_params *p;

        start(f, REG_KIND_REGISTER);
        (void)await(f, &f->open);
        challenge(f, &f->open, &f->open, &f->open.from, &f->pc);
        (void)await(f, &f->ps);
        p = fake_sa_set(fake_sa_sets() - 1);
        assert_non_null(p);
        accept_register(f, &f->pc, p, 600);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_registered);
        return p;
}

static void request_to(struct fixture *f, struct sock *by, const struct addr *to, const char *branch)
{
        struct buf b = BUF_INIT;

        (void)f;
        buf_printf(&b,
                   "MESSAGE sip:u@" UE_IP " SIP/2.0\r\nVia: SIP/2.0/UDP " PCSCF_IP ":%u;branch=z9hG4bK%s\r\n"
                   "Max-Forwards: 70\r\nFrom: <sip:p@r.example>;tag=a\r\nTo: <sip:u@r.example>\r\n"
                   "Call-ID: %s\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
                   port_of(&f->ps), branch, branch);
        assert_int_equal(udp_send(by->u, to, buf_as_span(&b)), 0);
        buf_free(&b);
}

/* --- tests ---------------------------------------------------------------------------------------- */

static void messages_take_their_ports(void **state)
{
        struct fixture *f = *state;
        const struct sa_params *p;
        struct sip_msg *m;
        struct addr a;

        new_phone(f, true);
        start(f, REG_KIND_REGISTER);
        (void)await(f, &f->open);
        assert_int_equal(fake_sa_guards(), 2); /* nothing in clear passes before SAs are there */
        assert_int_equal(fake_sa_sets(), 0);
        challenge(f, &f->open, &f->open, &f->open.from, &f->pc);
        m = await(f, &f->ps);
        assert_int_equal(fake_sa_sets(), 1); /* there before SM7 leaves */
        p = fake_sa_set(0);
        assert_int_equal(addr_port(&f->ps.from), p->ue_ends.port_c);
        assert_int_equal(m->via.port, p->ue_ends.port_s);
        assert_false(m->via.has_rport);
        assert_int_not_equal(p->reqid, 0);
        a = port_us(p);
        assert_true(fake_sa_guarded(&a));
        addr_set_port(&a, p->ue_ends.port_c);
        assert_true(fake_sa_guarded(&a));
        accept_register(f, &f->pc, p, 600);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_registered);

        a = port_us(p);
        request_to(f, &f->pc, &a, "1"); /* port_pc to port_us, answered from port_uc to port_ps */
        m = await(f, &f->ps);
        assert_int_equal(m->status, 200);
        assert_int_equal(addr_port(&f->ps.from), p->ue_ends.port_c);
        assert_int_equal(f->requests, 1);
        request_to(f, &f->pc2, &a, "2"); /* from a port that has no SA */
        request_to(f, &f->ps, &a, "3");
        request_to(f, &f->open, phone_local(f->phone), "4"); /* in clear */
        idle(f);
        assert_int_equal(f->requests, 1);
        proves("SA-034 SA-035 SA-040 SA-051 SA-052 SA-097");
}

static void nothing_is_left_behind(void **state)
{
        struct fixture *f = *state;
        const struct sa_params *p;

        new_phone(f, true);
        p = registered(f);
        start(f, REG_KIND_DEREGISTER);
        (void)await(f, &f->ps);
        assert_int_equal(addr_port(&f->ps.from), p->ue_ends.port_c);
        accept_register(f, &f->pc, p, 0);
        idle(f);
        assert_int_equal(fake_sa_sets(), 0);
        assert_int_equal(fake_sa_guards(), 0);
        (void)registered(f);
        assert_int_equal(fake_sa_sets(), 1);
        close_phone(f); /* switched off while registered */
        assert_int_equal(fake_sa_sets(), 0);
        assert_int_equal(fake_sa_guards(), 0);
        proves("ISIM-006 SA-065 SA-085");
}

static void a_reauthentication(void **state)
{
        struct fixture *f = *state;
        const struct sa_params *old, *made;
        struct addr a;

        new_phone(f, true);
        old = registered(f);
        start(f, REG_KIND_REFRESH);
        (void)await(f, &f->ps);
        assert_int_equal(addr_port(&f->ps.from), old->ue_ends.port_c);
        a = port_us(old);
        challenge(f, &f->ps, &f->pc, &a, &f->pc2);
        (void)await(f, &f->ps);
        assert_int_equal(fake_sa_sets(), 2);
        made = fake_sa_set(1);
        assert_int_not_equal(made->reqid, old->reqid);
        assert_int_equal(made->ue_ends.port_s, old->ue_ends.port_s);
        assert_int_equal(addr_port(&f->ps.from), made->ue_ends.port_c);
        request_to(f, &f->pc2, &a, "early"); /* on new SAs before SM12 */
        idle(f);
        assert_int_equal(f->requests, 0);
        accept_register(f, &f->pc2, made, 600);
        assert_int_equal(fake_sa_sets(), 2);
        request_to(f, &f->pc2, &a, "further");
        (void)await(f, &f->ps);
        assert_int_equal(f->requests, 1);
        idle(f); /* SM1, a transaction on the old SAs, has ended by now */
        idle(f);
        assert_int_equal(fake_sa_sets(), 1);
        assert_int_equal(fake_sa_guards(), 2);
        proves("SA-061 SA-067 SA-078");
}

static void a_second_challenge(void **state)
{
        struct fixture *f = *state;
        struct sec_ends ends;
        struct addr a;

        new_phone(f, true);
        start(f, REG_KIND_REGISTER);
        (void)await(f, &f->open);
        challenge(f, &f->open, &f->open, &f->open.from, &f->pc);
        (void)await(f, &f->ps);
        ends = fake_sa_set(0)->ue_ends;
        a = port_us(fake_sa_set(0));
        challenge(f, &f->ps, &f->pc, &a, &f->pc2); /* the same offer, other SAs */
        (void)await(f, &f->ps);
        assert_int_equal(fake_sa_sets(), 1);
        assert_int_equal(fake_sa_set(0)->ue_ends.spi_c, ends.spi_c);
        assert_int_equal(fake_sa_set(0)->pcscf_ends.port_c, port_of(&f->pc2));
        accept_register(f, &f->pc2, fake_sa_set(0), 600);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_registered);
        a = port_us(fake_sa_set(0));
        request_to(f, &f->pc2, &a, "1");
        (void)await(f, &f->ps);
        assert_int_equal(f->requests, 1);
        assert_int_equal(fake_sa_guards(), 2);
}

static void behind_a_nat(void **state)
{
        struct fixture *f = *state;
        const struct sa_params *p;
        struct addr public, local;
        struct sip_msg *m;

        assert_int_equal(addr_parse(SPAN(PUBLIC_IP), 0, &public), 0);
        assert_int_equal(addr_parse(SPAN(UE_IP), SA_ENCAP_PORT, &local), 0);
        f->received = PUBLIC_IP;
        f->mode = "UDP-enc-tun";
        new_phone(f, true);
        assert_int_equal(fake_sa_encaps(), 1);
        assert_true(addr_eq(fake_sa_encap_local(0), &local));
        start(f, REG_KIND_REGISTER);
        (void)await(f, &f->open);
        challenge(f, &f->open, &f->open, &f->open.from, &f->pc);
        m = await(f, &f->ps);
        p = fake_sa_set(0);
        assert_int_equal(p->mode, SEC_MODE_UDP_ENC_TUN);
        assert_true(addr_ip_eq(&p->ue, &public));
        assert_true(addr_ip_eq(&p->ue_local, &local));
        assert_true(addr_ip_eq(&p->pcscf, udp_local(f->open.u)));
        assert_true(addr_ip_eq(&f->ps.from, &public)); /* the inner source */
        assert_true(span_eq(m->via.host, SPAN(PUBLIC_IP)));
        assert_int_equal(m->via.port, p->ue_ends.port_s);
        assert_true(fake_sa_address_count(&public) > 0);
        assert_int_equal(fake_sa_guards(), 2); /* those at the own address are gone */
        accept_register(f, &f->pc, p, 600);
        idle(f);
        start(f, REG_KIND_DEREGISTER);
        (void)await(f, &f->ps);
        accept_register(f, &f->pc, p, 0);
        idle(f);
        assert_int_equal(fake_sa_addresses(), 0);
        assert_int_equal(fake_sa_guards(), 0);
        proves("NAT-003 NAT-004 NAT-005 NAT-028");
}

static void keep_alives(void **state)
{
        struct fixture *f = *state;
        char pcscf[ADDR_STR];
        struct phone_ipsec_conf ipsec = {
                .host = f->host, .required = true, .one_machine = true, .keep_alive_ms = 20};
        struct phone_conf conf = {.pcscf = addr_str(udp_local(f->open.u), pcscf),
                                  .local = UE_IP,
                                  .t1_ms = T1_MS,
                                  .t4_ms = T1_MS,
                                  .udp_max = 8000,
                                  .ipsec = &ipsec};
        struct buf err = BUF_INIT;
        const struct sa_params *p;
        struct addr to;
        size_t n;

        new_phone(f, true);
        close_phone(f);
        assert_int_equal(phone_new(f->l, &conf, on_request, f, &f->phone, &err), 0);
        f->conf.security = phone_security(f->phone);
        assert_int_equal(reg_new(&f->conf, &f->reg), 0);
        p = registered(f); /* transport mode needs none */
        idle(f);
        assert_int_equal(fake_sa_keep_alives(), 0);
        start(f, REG_KIND_DEREGISTER);
        (void)await(f, &f->ps);
        accept_register(f, &f->pc, p, 0);
        f->received = PUBLIC_IP;
        f->mode = "UDP-enc-tun";
        p = registered(f);
        idle(f);
        assert_true(fake_sa_keep_alives() >= 2);
        to = *udp_local(f->open.u);
        addr_set_port(&to, SA_ENCAP_PORT);
        assert_true(addr_eq(fake_sa_keep_alive_to(), &to));
        start(f, REG_KIND_DEREGISTER);
        (void)await(f, &f->ps);
        accept_register(f, &f->pc, p, 0);
        idle(f);
        n = fake_sa_keep_alives();
        idle(f);
        assert_int_equal(fake_sa_keep_alives(), n); /* as long as the registration */
        proves("NAT-029");
}

static void another_address(void **state)
{
        struct fixture *f = *state;
        struct buf err = BUF_INIT;
        struct addr public;

        assert_int_equal(addr_parse(SPAN(PUBLIC_IP), 0, &public), 0);
        new_phone(f, true);
        (void)registered(f);
        assert_int_equal(phone_move(f->phone, PUBLIC_IP, &err), 0);
        assert_int_equal(fake_sa_sets(), 0);
        assert_int_equal(fake_sa_guards(), 0);
        start(f, REG_KIND_REGISTER);
        (void)await(f, &f->open); /* in clear, from there */
        assert_true(addr_ip_eq(&f->open.from, &public));
        challenge(f, &f->open, &f->open, &f->open.from, &f->pc2);
        (void)await(f, &f->ps);
        assert_true(addr_ip_eq(&f->ps.from, &public));
        accept_register(f, &f->pc2, fake_sa_set(0), 600);
        buf_free(&err);
        proves("SA-096");
}

static void several_phones_of_one_program(void **state)
{
        struct fixture *f = *state;
        struct fixture other = {0};
        const struct sa_params *a, *b;

        new_phone(f, true);
        a = registered(f);
        other = *f;
        f->phone = NULL;
        f->reg = NULL;
        new_phone(f, true);
        b = registered(f);
        assert_int_equal(fake_sa_sets(), 2);
        a = fake_sa_set(0);
        assert_int_not_equal(a->ue_ends.port_s, b->ue_ends.port_s);
        assert_int_not_equal(a->reqid, b->reqid);
        close_phone(&other);
        assert_int_equal(fake_sa_sets(), 1);
        assert_int_equal(fake_sa_set(0)->ue_ends.port_s, b->ue_ends.port_s);
        assert_int_equal(fake_sa_guards(), 2);
}

static void a_kernel_that_refuses(void **state)
{
        struct fixture *f = *state;

        new_phone(f, true);
        fake_sa_fail(FAKE_SA_INSTALL, 0, 1, -IMS_ENOMEM, NULL);
        start(f, REG_KIND_REGISTER);
        (void)await(f, &f->open);
        challenge(f, &f->open, &f->open, &f->open.from, &f->pc);
        for (int i = 0; i < TURNS && !f->done; i++)
                turn(f);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_kernel_refused);
        assert_non_null(reg_result(f->reg)->why);
        idle(f);
        assert_int_equal(fake_sa_guards(), 0);
        fake_sa_fail(FAKE_SA_GUARD, 0, 1, -IMS_EPERM, NULL);
        assert_int_equal(phone_register(f->phone, f->reg, REG_KIND_REGISTER, 600, on_registered, f),
                         -IMS_EPERM);
        assert_int_equal(fake_sa_guards(), 0);
}

static void what_the_kernel_lacks_is_not_offered(void **state)
{
        struct fixture *f = *state;
        struct sip_value_iter it = {0};
        struct span v;
        size_t n = 0;

        fake_sa_lacks_suite((struct sec_suite){SEC_ALG_NULL, SEC_EALG_AES_GCM});
        fake_sa_lacks_mode(SEC_MODE_UDP_ENC_TUN);
        new_phone(f, true);
        start(f, REG_KIND_REGISTER);
        (void)await(f, &f->open);
        while (sip_msg_next_value(f->open.m, SIP_HDR_SECURITY_CLIENT, &it, &v)) {
                assert_true(span_find(v, SPAN("aes-gcm")) < 0);
                assert_true(span_find(v, SPAN("UDP-enc-tun")) < 0);
                n++;
        }
        assert_int_equal(n, 3);
}

static void a_kernel_without_esp(void **state)
{
        struct fixture *f = *state;
        struct phone_ipsec_conf ipsec = {.host = f->host, .required = true, .one_machine = true};
        char pcscf[ADDR_STR];
        struct phone_conf conf = {
                .pcscf = addr_str(udp_local(f->open.u), pcscf), .local = UE_IP, .ipsec = &ipsec};
        struct phone *p = NULL;
        struct buf err = BUF_INIT;

        fake_sa_fail(FAKE_SA_PROBE, 0, UINT_MAX, -IMS_EUNSUPPORTED, "no ESP (CONFIG_INET_ESP)");
        assert_int_equal(phone_new(f->l, &conf, NULL, NULL, &p, &err), -IMS_EUNSUPPORTED);
        assert_true(span_find(buf_as_span(&err), SPAN("CONFIG_INET_ESP")) >= 0);
        buf_free(&err);
        new_phone(f, false); /* goes without, and says why */
        assert_null(phone_security(f->phone));
        assert_non_null(strstr(phone_no_ipsec(f->phone), "CONFIG_INET_ESP"));
        start(f, REG_KIND_REGISTER);
        assert_null(sip_msg_hdr(await(f, &f->open), SIP_HDR_SECURITY_CLIENT, 0));
}

static void both_ends_on_one_machine(void **state)
{
        struct fixture *f = *state;
        struct phone_ipsec_conf ipsec = {.host = f->host};
        char pcscf[ADDR_STR];
        struct phone_conf conf = {
                .pcscf = addr_str(udp_local(f->open.u), pcscf), .local = UE_IP, .ipsec = &ipsec};
        struct phone *p = NULL;
        struct buf err = BUF_INIT;

        assert_int_equal(phone_new(f->l, &conf, NULL, NULL, &p, &err), 0);
        assert_null(phone_security(p));
        assert_non_null(strstr(phone_no_ipsec(p), "this machine"));
        phone_free(p);
        ipsec.required = true;
        assert_int_equal(phone_new(f->l, &conf, NULL, NULL, &p, &err), -IMS_EUNSUPPORTED);
        buf_free(&err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(messages_take_their_ports),
                TEST(nothing_is_left_behind),
                TEST(a_reauthentication),
                TEST(a_second_challenge),
                TEST(behind_a_nat),
                TEST(keep_alives),
                TEST(another_address),
                TEST(several_phones_of_one_program),
                TEST(a_kernel_that_refuses),
                TEST(what_the_kernel_lacks_is_not_offered),
                TEST(a_kernel_without_esp),
                TEST(both_ends_on_one_machine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
