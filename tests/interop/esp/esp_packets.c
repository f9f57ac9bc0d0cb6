/* SPDX-License-Identifier: BSD-3-Clause
 * ESP packets made by libcrypto from the rules of the RFCs alone (RFC 4303, 3602, 2404, 4106, 4543, 2451,
 * 2403, 3948), one per SA, suite, address family and mode; and the key log for them. Writes into the folder
 * given: esp.pcap, esp_sa, and expect: per packet its name, the ports inside and what is inside. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/ipsec/esp_keylog.h"

#define LINKTYPE_RAW 101
#define PORT_ESP_UDP 4500
#define SEQUENCE     7
#define IP_PROTO_UDP 17
#define IP_PROTO_ESP 50
#define IP_PROTO_IP4 4
#define IP_PROTO_IP6 41

static void die(const char *what)
{
        (void)fprintf(stderr, "esp_packets: %s\n", what);
        exit(1);
}

static void put16(struct buf *b, unsigned v)
{
        buf_char(b, (char)(v >> 8));
        buf_char(b, (char)v);
}

static void put32(struct buf *b, uint32_t v)
{
        put16(b, v >> 16);
        put16(b, v & 0xffff);
}

/* The sum of RFC 1071 over a header of whole words. */
static unsigned sum(const char *p, size_t n)
{
        uint32_t s = 0;

        for (size_t i = 0; i + 1 < n; i += 2)
                s += (uint32_t)(uint8_t)p[i] << 8 | (uint8_t)p[i + 1];
        while (s >> 16)
                s = (s & 0xffff) + (s >> 16);
        return ~s & 0xffff;
}

static void put_ip(struct buf *b, const struct addr *from, const struct addr *to, unsigned proto,
                   struct span body)
{
        size_t at = b->n;

        if (addr_is_v6(from)) {
                put32(b, 0x60000000);
                put16(b, (unsigned)body.n);
                buf_char(b, (char)proto);
                buf_char(b, 64);
                buf_put(b, &from->u.v6.sin6_addr, 16);
                buf_put(b, &to->u.v6.sin6_addr, 16);
        } else {
                unsigned check;

                put16(b, 0x4500);
                put16(b, (unsigned)body.n + 20);
                put32(b, 0);
                buf_char(b, 64);
                buf_char(b, (char)proto);
                put16(b, 0);
                buf_put(b, &from->u.v4.sin_addr, 4);
                buf_put(b, &to->u.v4.sin_addr, 4);
                check = sum(b->p + at, 20);
                b->p[at + 10] = (char)(check >> 8);
                b->p[at + 11] = (char)check;
        }
        buf_span(b, body);
}

static void put_udp(struct buf *b, unsigned from, unsigned to, struct span body)
{
        put16(b, from);
        put16(b, to);
        put16(b, (unsigned)body.n + 8);
        put16(b, 0); /* no checksum */
        buf_span(b, body);
}

/* RFC 4303 2.4: padding 1, 2, 3, ... so that two more octets end at a multiple of block. */
static void put_padded(struct buf *b, struct span payload, unsigned next, size_t block)
{
        size_t pad = (block - (payload.n + 2) % block) % block;

        buf_span(b, payload);
        for (size_t i = 1; i <= pad; i++)
                buf_char(b, (char)i);
        buf_char(b, (char)pad);
        buf_char(b, (char)next);
}

static void put_random(struct buf *b, size_t n)
{
        uint8_t octets[16];

        if (secret_random(octets, n) != 0)
                die("no random numbers");
        buf_put(b, octets, n);
}

/* Encrypts with padding already there; iv_n octets of IV go first. */
static void put_cbc(struct buf *b, const EVP_CIPHER *cipher, const uint8_t *key, struct span plain)
{
        EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        uint8_t out[2048];
        int n = 0;

        put_random(b, (size_t)EVP_CIPHER_iv_length(cipher));
        if (!c || plain.n > sizeof(out) - 32 ||
            !EVP_EncryptInit_ex(c, cipher, NULL, key,
                                (uint8_t *)b->p + b->n - EVP_CIPHER_iv_length(cipher)) ||
            !EVP_CIPHER_CTX_set_padding(c, 0) ||
            !EVP_EncryptUpdate(c, out, &n, (const uint8_t *)plain.p, (int)plain.n) || (size_t)n != plain.n)
                die("CBC");
        buf_put(b, out, plain.n);
        EVP_CIPHER_CTX_free(c);
}

/* AES-GCM of RFC 4106, or with auth_only of RFC 4543. b holds SPI and sequence number. */
static void put_gcm(struct buf *b, const uint8_t key_salt[20], struct span plain, bool auth_only)
{
        EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        uint8_t nonce[12], out[2048], tag[16];
        int n = 0;

        put_random(b, 8);
        memcpy(nonce, key_salt + 16, 4);
        memcpy(nonce + 4, b->p + 8, 8);
        if (!c || plain.n > sizeof(out) || !EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, key_salt, nonce))
                die("GCM");
        if (auth_only) {
                buf_span(b, plain);
                if (!EVP_EncryptUpdate(c, NULL, &n, (const uint8_t *)b->p, (int)b->n))
                        die("GMAC");
        } else {
                if (!EVP_EncryptUpdate(c, NULL, &n, (const uint8_t *)b->p, 8) ||
                    !EVP_EncryptUpdate(c, out, &n, (const uint8_t *)plain.p, (int)plain.n))
                        die("GCM");
                buf_put(b, out, plain.n);
        }
        if (!EVP_EncryptFinal_ex(c, out, &n) || !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, tag))
                die("GCM tag");
        buf_put(b, tag, 16);
        EVP_CIPHER_CTX_free(c);
}

static void put_hmac(struct buf *b, const EVP_MD *md, const uint8_t *key, size_t key_n)
{
        uint8_t out[EVP_MAX_MD_SIZE];

        if (!HMAC(md, key, (int)key_n, (const uint8_t *)b->p, b->n, out, NULL))
                die("HMAC");
        buf_put(b, out, 12);
}

static void put_esp(struct buf *b, uint32_t spi, struct sec_suite s, const struct esp_keys *k,
                    struct span payload, unsigned next)
{
        struct buf plain = BUF_INIT;

        put32(b, spi);
        put32(b, SEQUENCE);
        put_padded(&plain, payload, next,
                   s.ealg == SEC_EALG_AES_CBC        ? 16
                   : s.ealg == SEC_EALG_DES_EDE3_CBC ? 8
                                                     : 4);
        if (s.ealg == SEC_EALG_AES_GCM)
                put_gcm(b, k->encryption, buf_as_span(&plain), false);
        else if (s.alg == SEC_ALG_AES_GMAC)
                put_gcm(b, k->integrity, buf_as_span(&plain), true);
        else if (s.ealg == SEC_EALG_AES_CBC)
                put_cbc(b, EVP_aes_128_cbc(), k->encryption, buf_as_span(&plain));
        else if (s.ealg == SEC_EALG_DES_EDE3_CBC)
                put_cbc(b, EVP_des_ede3_cbc(), k->encryption, buf_as_span(&plain));
        else
                buf_span(b, buf_as_span(&plain));
        if (s.alg == SEC_ALG_HMAC_SHA_1_96)
                put_hmac(b, EVP_sha1(), k->integrity, k->integrity_n);
        else if (s.alg == SEC_ALG_HMAC_MD5_96)
                put_hmac(b, EVP_md5(), k->integrity, k->integrity_n);
        buf_free(&plain);
}

static void put_packet(struct buf *pcap, const struct buf *packet)
{
        const uint32_t head[] = {0, 0, (uint32_t)packet->n, (uint32_t)packet->n};

        buf_put(pcap, head, sizeof(head));
        buf_put(pcap, packet->p, packet->n);
}

/* What travels on one SA, as a UE or a P-CSCF sends it. */
static void sa_packet(const struct sa_params *p, enum sa_way w, const struct esp_keys *k, struct buf *pcap,
                      struct buf *expect)
{
        struct buf sip = BUF_INIT, udp = BUF_INIT, inner = BUF_INIT, esp = BUF_INIT, outer = BUF_INIT,
                   packet = BUF_INIT;
        const bool tunnel = p->mode == SEC_MODE_UDP_ENC_TUN, v6 = addr_is_v6(&p->ue);
        struct addr from, to, outer_from, outer_to;
        char text[ADDR_STR];

        sa_selector(p, w, &from, &to);
        buf_printf(&sip, "quintet %u", sa_spi(p, w));
        put_udp(&udp, addr_port(&from), addr_port(&to), buf_as_span(&sip));
        outer_from = from, outer_to = to;
        if (tunnel) {
                if (sa_sender(w) == SA_END_UE)
                        outer_from = p->ue_local;
                else
                        outer_to = p->ue_local;
                put_ip(&inner, &from, &to, IP_PROTO_UDP, buf_as_span(&udp));
                put_esp(&esp, sa_spi(p, w), p->suite, k, buf_as_span(&inner),
                        v6 ? IP_PROTO_IP6 : IP_PROTO_IP4);
                put_udp(&outer, PORT_ESP_UDP, PORT_ESP_UDP, buf_as_span(&esp));
                put_ip(&packet, &outer_from, &outer_to, IP_PROTO_UDP, buf_as_span(&outer));
        } else {
                put_esp(&esp, sa_spi(p, w), p->suite, k, buf_as_span(&udp), IP_PROTO_UDP);
                put_ip(&packet, &from, &to, IP_PROTO_ESP, buf_as_span(&esp));
        }
        put_packet(pcap, &packet);
        buf_printf(expect, "%s/%s-%s-%s-%s %u ", sec_alg_name(p->suite.alg), sec_ealg_name(p->suite.ealg),
                   sec_mode_name(p->mode), v6 ? "IPv6" : "IPv4", sa_way_name(w), sa_spi(p, w));
        buf_printf(expect, "%s ", addr_ip_str(&from, false, text));
        buf_printf(expect, "%u %u ", addr_port(&from), addr_port(&to));
        for (size_t i = 0; i < sip.n; i++)
                buf_printf(expect, "%02x", (unsigned)(uint8_t)sip.p[i]);
        buf_char(expect, '\n');
        buf_free(&sip), buf_free(&udp), buf_free(&inner), buf_free(&esp), buf_free(&outer), buf_free(&packet);
}

static struct addr address(const char *text)
{
        struct addr a;

        if (addr_parse(span_of(text), 0, &a) != 0)
                die(text);
        return a;
}

static void save(const char *dir, const char *name, const struct buf *b)
{
        char path[512];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "wb");
        if (!f || b->err || fwrite(b->p, 1, b->n, f) != b->n || fclose(f) != 0)
                die(path);
}

/* Four SAs of one suite, their SPIs from *spi on. */
static void one_set(struct sec_suite s, enum sec_mode mode, bool v6, uint32_t *spi, struct esp_keylog *log,
                    struct buf *pcap, struct buf *expect)
{
        struct sa_params p = {.ue = address(v6 ? "2001:db8::a" : "192.0.2.10"),
                              .pcscf = address(v6 ? "2001:db8:1::1" : "198.51.100.1"),
                              .ue_local = address(v6 ? "fd00::a" : "10.0.0.10"),
                              .ue_ends = {spi[0], spi[0] + 1, 31060, 31061},
                              .pcscf_ends = {spi[0] + 2, spi[0] + 3, 41060, 41061},
                              .suite = s,
                              .mode = mode};
        struct key128 ck, ik;
        struct esp_keys k;

        if (secret_random(ck.b, 16) != 0 || secret_random(ik.b, 16) != 0 ||
            esp_keys_expand(s, &ck, &ik, &k) != 0)
                die("keys");
        esp_keylog_write(log, &p, &k);
        for (enum sa_way w = 0; w < SA_WAYS; w++)
                sa_packet(&p, w, &k, pcap, expect);
        *spi += 4;
}

int main(int argc, char **argv)
{
        const uint32_t head[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, LINKTYPE_RAW};
        struct buf pcap = BUF_INIT, expect = BUF_INIT;
        struct esp_keylog *log = NULL;
        uint32_t spi = 4294967000u; /* ten digits, the highest bit set */
        char path[512];

        if (argc != 2)
                die("usage: esp_packets FOLDER");
        (void)snprintf(path, sizeof(path), "%s/esp_sa", argv[1]);
        if (esp_keylog_open(path, &log) != 0)
                die(path);
        buf_put(&pcap, head, sizeof(head));
        for (enum sec_alg a = SEC_ALG_NULL; a < SEC_ALG_OTHER; a++) {
                for (enum sec_ealg e = SEC_EALG_NULL; e < SEC_EALG_OTHER; e++) {
                        struct sec_suite s = {a, e};

                        if (!sec_suite_allowed(s))
                                continue;
                        for (unsigned i = 0; i < 4; i++)
                                one_set(s, i & 1 ? SEC_MODE_UDP_ENC_TUN : SEC_MODE_TRANS, i & 2, &spi, log,
                                        &pcap, &expect);
                }
        }
        esp_keylog_close(log);
        save(argv[1], "esp.pcap", &pcap);
        save(argv[1], "expect", &expect);
        buf_free(&pcap);
        buf_free(&expect);
        return 0;
}
