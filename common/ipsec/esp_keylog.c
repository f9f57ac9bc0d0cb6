/* SPDX-License-Identifier: BSD-3-Clause
 * Lines of Wireshark's table of ESP SAs: protocol, source, destination, SPI, encryption and its key,
 * authentication and its key. Checked with Wireshark 4.0 (tests/interop/esp). */
#include "common/ipsec/esp_keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/text.h"

#define LINE_MAX_N 448 /* two IPv6 addresses, the longest names, two keys */

struct esp_keylog {
        int fd; /* -1: stopped */
        char file[];
};

int esp_keylog_open(const char *file, struct esp_keylog **out)
{
        struct esp_keylog *l;

        if (!file) {
                *out = NULL;
                return 0;
        }
        l = malloc(sizeof(*l) + strlen(file) + 1);
        if (!l)
                return -IMS_ENOMEM;
        memcpy(l->file, file, strlen(file) + 1);
        l->fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
        if (l->fd < 0) {
                log_error("ESP keys cannot be written to %s: %s", file, strerror(errno));
                free(l);
                return -IMS_EIO;
        }
        *out = l;
        return 0;
}

void esp_keylog_close(struct esp_keylog *l)
{
        if (!l)
                return;
        if (l->fd >= 0)
                (void)close(l->fd);
        free(l);
}

static const char *encryption_name(enum sec_ealg e)
{
        switch (e) {
        case SEC_EALG_AES_CBC:
                return "AES-CBC [RFC3602]";
        case SEC_EALG_AES_GCM:
                return "AES-GCM with 16 octet ICV [RFC4106]";
        case SEC_EALG_DES_EDE3_CBC:
                return "TripleDES-CBC [RFC2451]";
        default:
                return "NULL";
        }
}

static const char *integrity_name(enum sec_alg a)
{
        switch (a) {
        case SEC_ALG_HMAC_SHA_1_96:
                return "HMAC-SHA-1-96 [RFC2404]";
        case SEC_ALG_HMAC_MD5_96:
                return "HMAC-MD5-96 [RFC2403]";
        default:
                return "NULL";
        }
}

static void put(struct text *t, struct span field)
{
        if (t->n && t->p[t->n - 1] == '"')
                text_char(t, ',');
        text_char(t, '"');
        text_span(t, field);
        text_char(t, '"');
}

static void put_hex(struct text *t, const uint8_t *octets, size_t n)
{
        char hex[2 + 2 * sizeof(((struct esp_keys *)NULL)->encryption) + 1] = "0x";

        hex_encode(octets, n, hex + 2);
        put(t, n ? span_of(hex) : SPAN_NULL);
        secret_wipe(hex, sizeof(hex));
}

/* The address as it stands in the outermost header. */
static void put_address(struct text *t, const struct sa_params *p, const struct addr *a, bool of_ue)
{
        const bool behind_nat = of_ue && p->mode == SEC_MODE_UDP_ENC_TUN && p->ue_local.u.sa.sa_family;
        char ip[ADDR_STR];

        put(t, span_of(addr_ip_str(behind_nat ? &p->ue_local : a, false, ip)));
}

static void put_sa(struct text *t, const struct sa_params *p, enum sa_way w, const struct esp_keys *k)
{
        const bool from_ue = sa_sender(w) == SA_END_UE;
        const uint32_t spi = sa_spi(p, w);
        const uint8_t spi_octets[] = {(uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8),
                                      (uint8_t)spi};
        const bool known = p->suite.alg != SEC_ALG_AES_GMAC;
        struct addr from, to;

        sa_selector(p, w, &from, &to);
        if (!known) /* Wireshark has no name for it, and under another would read its IV as a header */
                text_puts(t, "# AES-GMAC [RFC4543] ");
        put(t, addr_is_v6(&from) ? SPAN("IPv6") : SPAN("IPv4"));
        put_address(t, p, &from, from_ue);
        put_address(t, p, &to, !from_ue);
        put_hex(t, spi_octets, sizeof(spi_octets));
        if (known) {
                put(t, span_of(encryption_name(p->suite.ealg)));
                put_hex(t, k->encryption, k->encryption_n);
                put(t, span_of(integrity_name(p->suite.alg)));
                put_hex(t, k->integrity, k->integrity_n);
        }
        text_char(t, '\n');
}

/* Half a line would make Wireshark refuse the whole file. */
static void stop(struct esp_keylog *l, off_t size, const char *why)
{
        log_error("ESP keys are not written to %s any more: %s", l->file, why);
        if (size >= 0 && ftruncate(l->fd, size) != 0)
                log_error("%s may end in half a line: %s", l->file, strerror(errno));
        (void)close(l->fd);
        l->fd = -1;
}

void esp_keylog_write(struct esp_keylog *l, const struct sa_params *p, const struct esp_keys *keys)
{
        char lines[SA_WAYS * LINE_MAX_N];
        struct text t = text_in(lines, sizeof(lines));
        struct stat st;
        off_t size = -1;
        ssize_t n;

        if (!l || l->fd < 0)
                return;
        for (enum sa_way w = 0; w < SA_WAYS; w++)
                put_sa(&t, p, w, keys);
        if (fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode))
                size = st.st_size;
        n = write(l->fd, lines, t.n);
        if (n < 0)
                stop(l, -1, strerror(errno));
        else if ((size_t)n < t.n)
                stop(l, size, "the disk is full");
        secret_wipe(lines, sizeof(lines));
}
