/* SPDX-License-Identifier: BSD-3-Clause
 * What the messages to the kernel hold, field by field, and one of them octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <linux/udp.h>

#include "common/base/codec.h"
#include "common/ipsec/sa_kernel.h"
#include "common/ipsec/xfrm_msg.h"
#include "tests/unit/proves.h"

static uint8_t tx[NL_BATCH_MAX * NL_MESSAGE_MAX];
static struct nl_link link_;

static struct nl_link *fresh(void)
{
        memset(tx, 0, sizeof(tx));
        link_ = (struct nl_link){.tx = tx, .seq = 1};
        return &link_;
}

static struct addr addr(const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
        return a;
}

static struct sa_params params(bool v6)
{
        return (struct sa_params){.ue = addr(v6 ? "2001:db8::2" : "192.0.2.2"),
                                  .pcscf = addr(v6 ? "2001:db8::1" : "192.0.2.1"),
                                  .ue_local = addr("10.0.0.5"),
                                  .ue_ends = {1001, 1002, 31001, 31002},
                                  .pcscf_ends = {2001, 2002, 5063, 5062},
                                  .suite = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
                                  .reqid = 0x80040007};
}

static const struct nlattr *attr_of(size_t fixed, uint16_t type, size_t *out_n)
{
        const struct nlattr *a;

        mnl_attr_for_each(a, link_.last, fixed)
        {
                if (mnl_attr_get_type(a) == type) {
                        *out_n = mnl_attr_get_payload_len(a);
                        return a;
                }
        }
        return NULL;
}

static const void *attr(size_t fixed, uint16_t type, size_t *out_n)
{
        const struct nlattr *a = attr_of(fixed, type, out_n);

        return a ? mnl_attr_get_payload(a) : NULL;
}

static void expect_ip(const xfrm_address_t *a, bool v6, const char *text)
{
        struct addr want = addr(text), got = xfrm_addr(a, v6 ? AF_INET6 : AF_INET, 0);

        assert_true(addr_ip_eq(&got, &want));
}

struct want {
        const char *from, *to;
        uint16_t sport, dport;
        uint32_t spi;
};

static void expect_selector(const struct xfrm_selector *s, bool v6, const struct want *w)
{
        expect_ip(&s->saddr, v6, w->from);
        expect_ip(&s->daddr, v6, w->to);
        assert_int_equal(s->family, v6 ? AF_INET6 : AF_INET);
        assert_int_equal(s->prefixlen_s, v6 ? 128 : 32);
        assert_int_equal(s->prefixlen_d, v6 ? 128 : 32);
        assert_int_equal(s->proto, 0); /* UDP and TCP */
        assert_int_equal(ntohs(s->sport), w->sport);
        assert_int_equal(ntohs(s->dport), w->dport);
        assert_int_equal(s->sport_mask, 0xffff);
        assert_int_equal(s->dport_mask, 0xffff);
}

/* --- SAs and policies ---------------------------------------------------------------------------- */

static void ways(bool v6)
{
        const char *ue = v6 ? "2001:db8::2" : "192.0.2.2", *pcscf = v6 ? "2001:db8::1" : "192.0.2.1";
        const struct want wants[SA_WAYS] = {
                [SA_UC_PS] = {ue, pcscf, 31001, 5062, 2002},
                [SA_PS_UC] = {pcscf, ue, 5062, 31001, 1001},
                [SA_PC_US] = {pcscf, ue, 5063, 31002, 1002},
                [SA_US_PC] = {ue, pcscf, 31002, 5063, 2001},
        };
        struct sa_params p = params(v6);
        struct esp_keys keys = {.integrity_n = 20, .encryption_n = 16};
        size_t n;

        for (int i = 0; i < SA_WAYS * 2; i++) {
                struct xfrm_row r = {
                        .p = &p, .end = (enum sa_end)(i / SA_WAYS), .way = (enum sa_way)(i % SA_WAYS)};
                const struct want *w = &wants[r.way];
                bool up = r.way == SA_UC_PS || r.way == SA_US_PC;
                const struct xfrm_usersa_info *s;
                const struct xfrm_userpolicy_info *pol;
                const struct xfrm_user_tmpl *t;
                const struct xfrm_replay_state_esn *replay;

                xfrm_put_sa(fresh(), &r, &keys);
                assert_int_equal(link_.last->nlmsg_type, XFRM_MSG_NEWSA);
                assert_int_equal(link_.last->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
                s = mnl_nlmsg_get_payload(link_.last);
                expect_selector(&s->sel, v6, w);
                expect_ip(&s->saddr, v6, w->from);
                expect_ip(&s->id.daddr, v6, w->to);
                assert_int_equal(ntohl(s->id.spi), w->spi);
                assert_int_equal(s->id.proto, IPPROTO_ESP);
                assert_int_equal(s->mode, XFRM_MODE_TRANSPORT);
                assert_int_equal(s->reqid, p.reqid);
                assert_int_equal(s->lft.hard_add_expires_seconds, 4294967295U);
                assert_int_equal(s->lft.hard_use_expires_seconds, 0);
                assert_true(s->lft.hard_byte_limit == XFRM_INF && s->lft.soft_packet_limit == XFRM_INF);
                replay = attr(sizeof(*s), XFRMA_REPLAY_ESN_VAL, &n);
                assert_non_null(replay);
                assert_int_equal(n, sizeof(*replay) + 8);
                assert_int_equal(replay->replay_window, 64);
                assert_int_equal(replay->bmp_len, 2);
                assert_int_equal(s->replay_window, 0); /* the kernel wants one or the other */
                assert_int_equal(s->flags & XFRM_STATE_ESN, 0);
                assert_null(attr(sizeof(*s), XFRMA_ENCAP, &n));

                xfrm_put_policy(fresh(), &r);
                pol = mnl_nlmsg_get_payload(link_.last);
                expect_selector(&pol->sel, v6, w);
                assert_int_equal(pol->dir, up == (r.end == SA_END_UE) ? XFRM_POLICY_OUT : XFRM_POLICY_IN);
                assert_int_equal(pol->action, XFRM_POLICY_ALLOW);
                t = attr(sizeof(*pol), XFRMA_TMPL, &n);
                assert_non_null(t);
                assert_int_equal(n, sizeof(*t)); /* one */
                assert_int_equal(ntohl(t->id.spi), w->spi);
                assert_int_equal(t->reqid, p.reqid);
                assert_int_equal(t->mode, XFRM_MODE_TRANSPORT);
                assert_int_equal(t->optional, 0);
        }
}

static void four_ways(void **state)
{
        (void)state;
        ways(false);
        ways(true);
        proves("SA-012 SA-023 SA-025 SA-026");
}

static void algorithms(void **state)
{
        static const struct {
                struct sec_suite suite;
                uint16_t type[2];
                const char *name[2];
                unsigned bits[2], icv[2];
        } rows[] = {
                {{SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL},
                 {XFRMA_ALG_AUTH_TRUNC, XFRMA_ALG_CRYPT},
                 {"hmac(sha1)", "ecb(cipher_null)"},
                 {160, 0},
                 {96, 0}},
                {{SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
                 {XFRMA_ALG_AUTH_TRUNC, XFRMA_ALG_CRYPT},
                 {"hmac(sha1)", "cbc(aes)"},
                 {160, 128},
                 {96, 0}},
                {{SEC_ALG_HMAC_MD5_96, SEC_EALG_DES_EDE3_CBC},
                 {XFRMA_ALG_AUTH_TRUNC, XFRMA_ALG_CRYPT},
                 {"hmac(md5)", "cbc(des3_ede)"},
                 {128, 192},
                 {96, 0}},
                {{SEC_ALG_NULL, SEC_EALG_AES_GCM}, {XFRMA_ALG_AEAD}, {"rfc4106(gcm(aes))"}, {160}, {128}},
                {{SEC_ALG_AES_GMAC, SEC_EALG_NULL}, {XFRMA_ALG_AEAD}, {"rfc4543(gcm(aes))"}, {160}, {128}},
        };
        const size_t fixed = sizeof(struct xfrm_usersa_info);

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct sa_params p = params(false);
                struct xfrm_row r = {.p = &p};
                struct esp_keys keys;
                struct key128 ck, ik;
                size_t n;

                memset(&ck, 0xc1, sizeof(ck));
                memset(&ik, 0x1c, sizeof(ik));
                p.suite = rows[i].suite;
                assert_int_equal(esp_keys_expand(p.suite, &ck, &ik, &keys), 0);
                assert_true(xfrm_keys_fit(p.suite, &keys));
                xfrm_put_sa(fresh(), &r, &keys);
                for (int j = 0; j < 2 && rows[i].name[j]; j++) {
                        const struct xfrm_algo_auth *a = attr(fixed, rows[i].type[j], &n);
                        bool plain = rows[i].type[j] == XFRMA_ALG_CRYPT;
                        bool integrity = rows[i].type[j] == XFRMA_ALG_AUTH_TRUNC ||
                                         rows[i].suite.alg == SEC_ALG_AES_GMAC;

                        assert_non_null(a);
                        assert_string_equal(a->alg_name, rows[i].name[j]);
                        assert_int_equal(a->alg_key_len, rows[i].bits[j]);
                        assert_int_equal(n, (plain ? sizeof(struct xfrm_algo) : sizeof(*a)) +
                                                    rows[i].bits[j] / 8);
                        if (!plain)
                                assert_int_equal(a->alg_trunc_len, rows[i].icv[j]);
                        assert_memory_equal((const char *)a + n - rows[i].bits[j] / 8,
                                            integrity ? keys.integrity : keys.encryption,
                                            rows[i].bits[j] / 8);
                }
                keys.integrity_n ^= 1;
                assert_false(xfrm_keys_fit(p.suite, &keys));
        }
        proves("SA-017 SA-018");
}

/* Outside of the tunnel: at the UE its own address and 4500, at the P-CSCF the public one and what the NAT
 * gave. */
static void tunnel(void **state)
{
        static const struct {
                enum sa_end end;
                enum sa_way way;
                const char *from, *to;
                uint16_t sport, dport;
        } rows[] = {
                {SA_END_UE, SA_UC_PS, "10.0.0.5", "192.0.2.1", 4500, 4500},
                {SA_END_UE, SA_PC_US, "192.0.2.1", "10.0.0.5", 4500, 4500},
                {SA_END_PCSCF, SA_UC_PS, "192.0.2.2", "192.0.2.1", 61000, 4511},
                {SA_END_PCSCF, SA_PC_US, "192.0.2.1", "192.0.2.2", 4511, 61000},
        };
        struct sa_params p = params(false);
        struct esp_keys keys = {.integrity_n = 20, .encryption_n = 16};

        (void)state;
        p.mode = SEC_MODE_UDP_ENC_TUN;
        p.port_uenc = 61000;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct xfrm_row r = {.p = &p,
                                     .end = rows[i].end,
                                     .way = rows[i].way,
                                     .encap_port = rows[i].end == SA_END_UE ? 4500 : 4511};
                struct addr from, to;
                const struct xfrm_usersa_info *s;
                const struct xfrm_encap_tmpl *e;
                const struct xfrm_user_tmpl *t;
                const struct xfrm_usersa_id *id;
                size_t n;

                for (int again = 0; again < 2; again++) {
                        if (again)
                                xfrm_put_sa_ports(fresh(), &r);
                        else
                                xfrm_put_sa(fresh(), &r, &keys);
                        s = mnl_nlmsg_get_payload(link_.last);
                        expect_ip(&s->saddr, false, rows[i].from);
                        expect_ip(&s->id.daddr, false, rows[i].to);
                        assert_int_equal(s->mode, XFRM_MODE_TUNNEL);
                        assert_int_equal(s->lft.hard_add_expires_seconds, 4294967295U);
                        sa_selector(&p, r.way, &from, &to); /* the public address inside */
                        assert_int_equal(s->sel.saddr.a4, from.u.v4.sin_addr.s_addr);
                        assert_int_equal(s->sel.daddr.a4, to.u.v4.sin_addr.s_addr);
                        e = attr(sizeof(*s), XFRMA_ENCAP, &n);
                        assert_non_null(e);
                        assert_int_equal(e->encap_type, UDP_ENCAP_ESPINUDP);
                        assert_int_equal(ntohs(e->encap_sport), rows[i].sport);
                        assert_int_equal(ntohs(e->encap_dport), rows[i].dport);
                }
                assert_int_equal(link_.last->nlmsg_type, XFRM_MSG_UPDSA);
                assert_null(attr(sizeof(*s), XFRMA_ALG_AUTH_TRUNC, &n)); /* no key goes along */
                xfrm_put_policy(fresh(), &r);
                t = attr(sizeof(struct xfrm_userpolicy_info), XFRMA_TMPL, &n);
                expect_ip(&t->saddr, false, rows[i].from);
                expect_ip(&t->id.daddr, false, rows[i].to);
                assert_int_equal(t->mode, XFRM_MODE_TUNNEL);
                xfrm_put_sa_delete(fresh(), &r);
                id = mnl_nlmsg_get_payload(link_.last);
                expect_ip(&id->daddr, false, rows[i].to);
        }
        p.port_uenc = 0; /* not known yet */
        for (int w = 0; w < SA_WAYS; w++) {
                struct xfrm_row r = {.p = &p, .end = SA_END_PCSCF, .way = (enum sa_way)w, .encap_port = 4500};
                bool out = sa_sender(r.way) == SA_END_PCSCF;
                const struct xfrm_encap_tmpl *e;
                size_t n;

                xfrm_put_sa(fresh(), &r, &keys);
                e = attr(sizeof(struct xfrm_usersa_info), XFRMA_ENCAP, &n);
                assert_int_equal(ntohs(e->encap_sport), out ? 4500 : 0);
                assert_int_equal(ntohs(e->encap_dport), 4500);
        }
        proves("NAT-003 NAT-006 NAT-008 NAT-010");
}

static void guards(void **state)
{
        static const char *const locals[] = {"192.0.2.1:5062", "0.0.0.0:5062", "[2001:db8::1]:5062",
                                             "[::]:5062"};

        (void)state;
        for (size_t i = 0; i < sizeof(locals) / sizeof(locals[0]); i++) {
                struct addr a = addr(locals[i]);
                uint8_t prefix = addr_is_any(&a) ? 0 : addr_is_v6(&a) ? 128 : 32;
                const struct xfrm_userpolicy_info *p;
                size_t n;

                xfrm_put_guard(fresh(), &a, XFRM_POLICY_IN, 0x80040000);
                p = mnl_nlmsg_get_payload(link_.last);
                assert_int_equal(p->action, XFRM_POLICY_BLOCK);
                assert_int_equal(p->dir, XFRM_POLICY_IN);
                assert_true(p->priority > XFRM_PRIORITY_SA);
                assert_int_equal(p->sel.family, addr_is_v6(&a) ? AF_INET6 : AF_INET);
                assert_int_equal(p->sel.prefixlen_d, prefix);
                assert_int_equal(p->sel.prefixlen_s, 0);
                assert_int_equal(ntohs(p->sel.dport), 5062);
                assert_int_equal(p->sel.dport_mask, 0xffff);
                assert_int_equal(p->sel.sport_mask, 0);
                assert_int_equal(p->sel.proto, 0);
                assert_null(attr(sizeof(*p), XFRMA_TMPL, &n));
                xfrm_put_guard(fresh(), &a, XFRM_POLICY_OUT, 0x80040000);
                p = mnl_nlmsg_get_payload(link_.last);
                assert_int_equal(p->dir, XFRM_POLICY_OUT);
                assert_int_equal(p->sel.prefixlen_s, prefix);
                assert_int_equal(ntohs(p->sel.sport), 5062);
                assert_int_equal(p->sel.dport_mask, 0);
        }
}

/* DELSA of spi 2002 at 192.0.2.1, as the kernel's headers lay it out: what everything above rests on. */
static void octets(void **state)
{
        static const char want[] = "28000000"
                                   "1100"
                                   "0100"
                                   "01000000"
                                   "00000000" /* 40 octets, XFRM_MSG_DELSA */
                                   "c0000201000000000000000000000000"
                                   "000007d2"
                                   "0200"
                                   "32"
                                   "00";
        struct sa_params p = params(false);
        struct xfrm_row r = {.p = &p, .end = SA_END_PCSCF, .way = SA_UC_PS};
        char got[sizeof(want)];

        (void)state;
        if (htonl(1) == 1)
                skip(); /* netlink speaks the host's order */
        xfrm_put_sa_delete(fresh(), &r);
        assert_int_equal(link_.last->nlmsg_len, sizeof(want) / 2);
        hex_encode(tx, sizeof(want) / 2, got);
        assert_string_equal(got, want);
}

/* A batch: one message behind the other, numbered. */
static void batch(void **state)
{
        struct sa_params p = params(true);
        struct esp_keys keys = {.integrity_n = 20, .encryption_n = 24};
        const struct nlmsghdr *m;
        int left, n = 0;

        (void)state;
        p.suite = (struct sec_suite){SEC_ALG_HMAC_SHA_1_96, SEC_EALG_DES_EDE3_CBC}; /* the longest */
        p.mode = SEC_MODE_UDP_ENC_TUN;
        fresh();
        for (int i = 0; i < NL_BATCH_MAX; i++) {
                struct xfrm_row r = {.p = &p, .way = (enum sa_way)(i % SA_WAYS)};

                xfrm_put_sa(&link_, &r, &keys);
                assert_true(link_.last->nlmsg_len <= NL_MESSAGE_MAX);
        }
        left = (int)((uint8_t *)link_.last - tx + link_.last->nlmsg_len);
        for (m = (void *)tx; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
                assert_int_equal(m->nlmsg_seq, ++n);
        assert_int_equal(n, NL_BATCH_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(four_ways), cmocka_unit_test(algorithms), cmocka_unit_test(tunnel),
                cmocka_unit_test(guards),    cmocka_unit_test(octets),     cmocka_unit_test(batch),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
