/* SPDX-License-Identifier: BSD-3-Clause
 * Hex and base64 (RFC 4648 4 and 8). */
#include "common/base/codec.h"

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hex_encode(const void *in, size_t n, char *out)
{
        static const char digits[] = "0123456789abcdef";
        const uint8_t *p = in;

        for (size_t i = 0; i < n; i++) {
                out[2 * i] = digits[p[i] >> 4];
                out[2 * i + 1] = digits[p[i] & 15];
        }
        out[2 * n] = '\0';
}

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

int hex_decode(struct span hex, void *out, size_t n)
{
        uint8_t *to = out;

        if (hex.n / 2 != n || hex.n % 2 != 0)
                return -IMS_EPARSE;
        for (size_t i = 0; i < hex.n; i++)
                if (hex_value(hex.p[i]) < 0)
                        return -IMS_EPARSE;
        for (size_t i = 0; i < n; i++)
                to[i] = (uint8_t)((unsigned)hex_value(hex.p[2 * i]) << 4 |
                                  (unsigned)hex_value(hex.p[2 * i + 1]));
        return 0;
}

void base64_encode(const void *in, size_t n, char *out)
{
        const uint8_t *p = in;

        for (; n > 0; p += 3, out += 4) {
                uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);

                out[0] = base64_alphabet[v >> 18];
                out[1] = base64_alphabet[v >> 12 & 63];
                out[2] = n > 1 ? base64_alphabet[v >> 6 & 63] : '=';
                out[3] = n > 2 ? base64_alphabet[v & 63] : '=';
                n -= n > 3 ? 3 : n;
        }
        *out = '\0';
}

static int base64_value(char c)
{
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int base64_decode(struct span text, void *out, size_t cap, size_t *out_n)
{
        uint8_t *to = out;
        size_t digits = text.n, total;
        uint32_t v = 0;

        if (text.n % 4 != 0)
                return -IMS_EPARSE;
        while (digits > 0 && text.n - digits < 2 && text.p[digits - 1] == '=')
                digits--;
        total = digits / 4 * 3 + (digits % 4 ? digits % 4 - 1 : 0);
        for (size_t i = 0; i < digits; i++)
                if (base64_value(text.p[i]) < 0)
                        return -IMS_EPARSE;
        if (digits % 4 == 2 && (base64_value(text.p[digits - 1]) & 15))
                return -IMS_EPARSE;
        if (digits % 4 == 3 && (base64_value(text.p[digits - 1]) & 3))
                return -IMS_EPARSE;
        if (total > cap)
                return -IMS_ETOOBIG;
        for (size_t i = 0, o = 0; o < total; i++) {
                v = v << 6 | (uint32_t)base64_value(text.p[i]);
                if (i % 4 != 0)
                        to[o++] = (uint8_t)(v >> (6 - 2 * (i % 4)));
        }
        *out_n = total;
        return 0;
}
