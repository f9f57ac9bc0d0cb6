/* SPDX-License-Identifier: BSD-3-Clause
 * XFRM messages: SAs and policies of TS 33.203 7.1 and M.7.1. */
#include "common/ipsec/xfrm_msg.h"

#include <linux/udp.h>

#include "common/base/secret.h"
#include "common/ipsec/sa_kernel.h"

/* Octets of key and bits of ICV, under the kernel's names. TS 33.203 Annex I; RFC 2403, 2404, 3602, 4106,
 * 4543. */
struct alg_row {
        const char *name;
        unsigned key, icv_bits;
};

static const struct alg_row hmacs[] = {
        [SEC_ALG_HMAC_SHA_1_96] = {"hmac(sha1)", 20, 96},
        [SEC_ALG_HMAC_MD5_96] = {"hmac(md5)", 16, 96},
};

static const struct alg_row ciphers[] = {
        [SEC_EALG_NULL] = {"ecb(cipher_null)", 0, 0},
        [SEC_EALG_AES_CBC] = {"cbc(aes)", 16, 0},
        [SEC_EALG_DES_EDE3_CBC] = {"cbc(des3_ede)", 24, 0},
};

static const struct alg_row gcm = {"rfc4106(gcm(aes))", 20, 128}, gmac = {"rfc4543(gcm(aes))", 20, 128};

#define ROW_OF(rows, i) ((size_t)(i) < sizeof(rows) / sizeof((rows)[0]) && (rows)[i].name ? &(rows)[i] : NULL)

/* --- addresses and selectors --------------------------------------------------------------------- */

static uint16_t family_of(const struct addr *a)
{
        return a->u.sa.sa_family;
}

static xfrm_address_t address(const struct addr *a)
{
        xfrm_address_t x = {0};

        if (addr_is_v6(a))
                memcpy(&x, &a->u.v6.sin6_addr, 16);
        else
                memcpy(&x, &a->u.v4.sin_addr, 4);
        return x;
}

struct addr xfrm_addr(const xfrm_address_t *a, uint16_t family, uint16_t port)
{
        struct addr out = {0};

        if (family == AF_INET6) {
                out.u.v6.sin6_family = AF_INET6;
                out.u.v6.sin6_port = port;
                memcpy(&out.u.v6.sin6_addr, a, 16);
        } else {
                out.u.v4.sin_family = AF_INET;
                out.u.v4.sin_port = port;
                memcpy(&out.u.v4.sin_addr, a, 4);
        }
        return out;
}

static uint8_t prefix_of(const struct addr *a)
{
        return addr_is_any(a) ? 0 : addr_is_v6(a) ? 128 : 32;
}

/* Protocol 0 with ports: UDP and TCP alike (TS 33.203 7.1). Port 0: all. */
static struct xfrm_selector selector(const struct addr *from, const struct addr *to)
{
        return (struct xfrm_selector){.saddr = address(from),
                                      .daddr = address(to),
                                      .prefixlen_s = prefix_of(from),
                                      .prefixlen_d = prefix_of(to),
                                      .sport = htons(addr_port(from)),
                                      .sport_mask = addr_port(from) ? 0xffff : 0,
                                      .dport = htons(addr_port(to)),
                                      .dport_mask = addr_port(to) ? 0xffff : 0,
                                      .family = family_of(from)};
}

static struct xfrm_selector row_selector(const struct xfrm_row *r)
{
        struct addr from, to;

        sa_selector(r->p, r->way, &from, &to);
        return selector(&from, &to);
}

static bool is_tunnel(const struct xfrm_row *r)
{
        return r->p->mode == SEC_MODE_UDP_ENC_TUN;
}

static bool is_outbound(const struct xfrm_row *r)
{
        return sa_sender(r->way) == r->end;
}

/* Addresses of the packet on the wire: inside of a tunnel the public ones stand, outside the UE has its own
 * (M.7.1). */
static void outer(const struct xfrm_row *r, xfrm_address_t *from, xfrm_address_t *to)
{
        const struct addr *ue = is_tunnel(r) && r->end == SA_END_UE ? &r->p->ue_local : &r->p->ue;
        bool from_ue = sa_sender(r->way) == SA_END_UE;

        *from = address(from_ue ? ue : &r->p->pcscf);
        *to = address(from_ue ? &r->p->pcscf : ue);
}

static struct xfrm_usersa_id sa_id(const struct xfrm_row *r)
{
        struct xfrm_usersa_id id = {
                .spi = htonl(sa_spi(r->p, r->way)), .family = family_of(&r->p->pcscf), .proto = IPPROTO_ESP};
        xfrm_address_t from;

        outer(r, &from, &id.daddr);
        return id;
}

static uint8_t xfrm_mode(const struct xfrm_row *r)
{
        return is_tunnel(r) ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT;
}

/* Puts the fixed part of a message. */
static void put_body(struct nlmsghdr *m, const void *body, size_t n)
{
        memcpy(mnl_nlmsg_put_extra_header(m, n), body, n);
}

/* --- SAs ----------------------------------------------------------------------------------------- */

static void put_auth(struct nlmsghdr *m, const struct alg_row *row, const uint8_t *key)
{
        union {
                struct xfrm_algo_auth a;
                uint8_t octets[sizeof(struct xfrm_algo_auth) + 32];
        } x = {.a = {.alg_key_len = row->key * 8, .alg_trunc_len = row->icv_bits}};

        memcpy(x.a.alg_name, row->name, strlen(row->name));
        memcpy(x.octets + sizeof(x.a), key, row->key);
        mnl_attr_put(m, XFRMA_ALG_AUTH_TRUNC, sizeof(x.a) + row->key, &x);
        secret_wipe(&x, sizeof(x));
}

static void put_crypt(struct nlmsghdr *m, const struct alg_row *row, const uint8_t *key)
{
        union {
                struct xfrm_algo a;
                uint8_t octets[sizeof(struct xfrm_algo) + 32];
        } x = {.a = {.alg_key_len = row->key * 8}};

        memcpy(x.a.alg_name, row->name, strlen(row->name));
        memcpy(x.octets + sizeof(x.a), key, row->key);
        mnl_attr_put(m, XFRMA_ALG_CRYPT, sizeof(x.a) + row->key, &x);
        secret_wipe(&x, sizeof(x));
}

static void put_aead(struct nlmsghdr *m, const struct alg_row *row, const uint8_t *key)
{
        union {
                struct xfrm_algo_aead a;
                uint8_t octets[sizeof(struct xfrm_algo_aead) + 32];
        } x = {.a = {.alg_key_len = row->key * 8, .alg_icv_len = row->icv_bits}};

        memcpy(x.a.alg_name, row->name, strlen(row->name));
        memcpy(x.octets + sizeof(x.a), key, row->key);
        mnl_attr_put(m, XFRMA_ALG_AEAD, sizeof(x.a) + row->key, &x);
        secret_wipe(&x, sizeof(x));
}

bool xfrm_keys_fit(struct sec_suite suite, const struct esp_keys *keys)
{
        const struct alg_row *hmac = ROW_OF(hmacs, suite.alg), *cipher = ROW_OF(ciphers, suite.ealg);

        if (suite.ealg == SEC_EALG_AES_GCM)
                return suite.alg == SEC_ALG_NULL && !keys->integrity_n && keys->encryption_n == gcm.key;
        if (suite.alg == SEC_ALG_AES_GMAC)
                return suite.ealg == SEC_EALG_NULL && keys->integrity_n == gmac.key && !keys->encryption_n;
        return hmac && cipher && keys->integrity_n == hmac->key && keys->encryption_n == cipher->key;
}

static void put_algorithms(struct nlmsghdr *m, struct sec_suite suite, const struct esp_keys *keys)
{
        if (suite.ealg == SEC_EALG_AES_GCM) {
                put_aead(m, &gcm, keys->encryption);
        } else if (suite.alg == SEC_ALG_AES_GMAC) {
                put_aead(m, &gmac, keys->integrity);
        } else {
                put_auth(m, &hmacs[suite.alg], keys->integrity);
                put_crypt(m, &ciphers[suite.ealg], keys->encryption);
        }
}

/* A window of 64 stands in the attribute that is also for extended sequence numbers, which are not used: the
 * field of the older form ends at 32. */
static void put_replay(struct nlmsghdr *m)
{
        union {
                struct xfrm_replay_state_esn r;
                uint8_t octets[sizeof(struct xfrm_replay_state_esn) + XFRM_REPLAY_WINDOW / 8];
        } x = {.r = {.bmp_len = XFRM_REPLAY_WINDOW / 32, .replay_window = XFRM_REPLAY_WINDOW}};

        mnl_attr_put(m, XFRMA_REPLAY_ESN_VAL, sizeof(x), &x);
}

/* UDP ports of the outer header: 4500 at the UE (NAT-010), what the NAT made of it at the P-CSCF. Before that
 * is known, the kernel answers the first SYN itself: to 4500, which a NAT keeps where it can; the inbound SA
 * knows no port then, so that the first packet tells it whatever it is. */
static void put_encap(struct nlmsghdr *m, const struct xfrm_row *r)
{
        uint16_t remote = r->end == SA_END_UE ? SA_ENCAP_PORT : r->p->port_uenc;
        bool out = is_outbound(r);

        if (out && !remote)
                remote = SA_ENCAP_PORT;
        struct xfrm_encap_tmpl e = {.encap_type = UDP_ENCAP_ESPINUDP,
                                    .encap_sport = htons(out ? r->encap_port : remote),
                                    .encap_dport = htons(out ? remote : r->encap_port)};

        if (is_tunnel(r))
                mnl_attr_put(m, XFRMA_ENCAP, sizeof(e), &e);
}

static struct xfrm_lifetime_cfg no_limits(void)
{
        return (struct xfrm_lifetime_cfg){.soft_byte_limit = XFRM_INF,
                                          .hard_byte_limit = XFRM_INF,
                                          .soft_packet_limit = XFRM_INF,
                                          .hard_packet_limit = XFRM_INF};
}

/* XFRM_STATE_ICMP: an ICMP error about a packet of this SA comes inside of it, and is taken from it. */
static struct nlmsghdr *put_sa_head(struct nl_link *l, const struct xfrm_row *r, uint16_t type,
                                    uint16_t flags)
{
        struct nlmsghdr *m = nl_put(l, type, flags);
        struct xfrm_usersa_id id = sa_id(r);
        struct xfrm_usersa_info s = {.sel = row_selector(r),
                                     .id = {.daddr = id.daddr, .spi = id.spi, .proto = id.proto},
                                     .lft = no_limits(),
                                     .reqid = r->p->reqid,
                                     .family = id.family,
                                     .mode = xfrm_mode(r),
                                     .flags = XFRM_STATE_ICMP};

        outer(r, &s.saddr, &id.daddr);
        s.lft.hard_add_expires_seconds = XFRM_HARD_LIMIT_S;
        put_body(m, &s, sizeof(s));
        return m;
}

void xfrm_put_sa(struct nl_link *l, const struct xfrm_row *r, const struct esp_keys *keys)
{
        struct nlmsghdr *m = put_sa_head(l, r, XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL);

        put_algorithms(m, r->p->suite, keys);
        put_replay(m);
        put_encap(m, r);
}

void xfrm_put_sa_ports(struct nl_link *l, const struct xfrm_row *r)
{
        struct nlmsghdr *m = put_sa_head(l, r, XFRM_MSG_UPDSA, NLM_F_REPLACE);

        put_crypt(m, &ciphers[SEC_EALG_NULL], (const uint8_t *)"");
        put_encap(m, r);
}

void xfrm_put_sa_get(struct nl_link *l, const struct xfrm_row *r)
{
        struct xfrm_usersa_id id = sa_id(r);

        put_body(nl_put(l, XFRM_MSG_GETSA, 0), &id, sizeof(id));
}

void xfrm_put_sa_delete_id(struct nl_link *l, const struct xfrm_usersa_id *id)
{
        put_body(nl_put(l, XFRM_MSG_DELSA, 0), id, sizeof(*id));
}

void xfrm_put_sa_delete(struct nl_link *l, const struct xfrm_row *r)
{
        struct xfrm_usersa_id id = sa_id(r);

        xfrm_put_sa_delete_id(l, &id);
}

/* --- policies ------------------------------------------------------------------------------------ */

static uint8_t row_dir(const struct xfrm_row *r)
{
        return is_outbound(r) ? XFRM_POLICY_OUT : XFRM_POLICY_IN;
}

/* The template names the one SA this traffic may use, by SPI and reqid. XFRM_POLICY_ICMP: as XFRM_STATE_ICMP.
 */
void xfrm_put_policy(struct nl_link *l, const struct xfrm_row *r)
{
        struct nlmsghdr *m = nl_put(l, XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL);
        struct xfrm_usersa_id id = sa_id(r);
        struct xfrm_userpolicy_info p = {.sel = row_selector(r),
                                         .lft = no_limits(),
                                         .priority = XFRM_PRIORITY_SA,
                                         .dir = row_dir(r),
                                         .action = XFRM_POLICY_ALLOW,
                                         .flags = XFRM_POLICY_ICMP};
        struct xfrm_user_tmpl t = {.id = {.spi = id.spi, .proto = id.proto},
                                   .family = id.family,
                                   .reqid = r->p->reqid,
                                   .mode = xfrm_mode(r),
                                   .aalgos = UINT32_MAX,
                                   .ealgos = UINT32_MAX,
                                   .calgos = UINT32_MAX};

        outer(r, &t.saddr, &t.id.daddr);
        put_body(m, &p, sizeof(p));
        mnl_attr_put(m, XFRMA_TMPL, sizeof(t), &t);
}

void xfrm_put_policy_delete_id(struct nl_link *l, const struct xfrm_userpolicy_id *id)
{
        put_body(nl_put(l, XFRM_MSG_DELPOLICY, 0), id, sizeof(*id));
}

void xfrm_put_policy_delete(struct nl_link *l, const struct xfrm_row *r)
{
        struct xfrm_userpolicy_id id = {.sel = row_selector(r), .dir = row_dir(r)};

        xfrm_put_policy_delete_id(l, &id);
}

static struct xfrm_selector guard_selector(const struct addr *local, uint8_t dir)
{
        struct addr any = {0};

        any.u.sa.sa_family = family_of(local);
        return dir == XFRM_POLICY_IN ? selector(&any, local) : selector(local, &any);
}

void xfrm_put_guard(struct nl_link *l, const struct addr *local, uint8_t dir, uint32_t priority)
{
        struct nlmsghdr *m = nl_put(l, XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL);
        struct xfrm_userpolicy_info p = {.sel = guard_selector(local, dir),
                                         .lft = no_limits(),
                                         .priority = priority,
                                         .dir = dir,
                                         .action = XFRM_POLICY_BLOCK};

        put_body(m, &p, sizeof(p));
}

void xfrm_put_guard_delete(struct nl_link *l, const struct addr *local, uint8_t dir)
{
        struct xfrm_userpolicy_id id = {.sel = guard_selector(local, dir), .dir = dir};

        xfrm_put_policy_delete_id(l, &id);
}
