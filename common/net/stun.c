/* SPDX-License-Identifier: BSD-3-Clause
 * STUN Binding requests and their answers. */
#include "common/net/stun.h"

#include <string.h>

#define HEADER      20
#define COOKIE      0x2112a442u
#define UNKNOWN_MAX 4

enum type { BINDING_REQUEST = 0x0001, BINDING_SUCCESS = 0x0101, BINDING_ERROR = 0x0111 };

enum attribute {
        USERNAME = 0x0006,
        MESSAGE_INTEGRITY = 0x0008,
        ERROR_CODE = 0x0009,
        UNKNOWN_ATTRIBUTES = 0x000a,
        REALM = 0x0014,
        NONCE = 0x0015,
        XOR_MAPPED_ADDRESS = 0x0020,
        OPTIONAL = 0x8000 /* from here on they may be passed over */
};

static unsigned get16(const uint8_t *p)
{
        return (unsigned)p[0] << 8 | p[1];
}

static uint8_t *put16(uint8_t *p, unsigned v)
{
        p[0] = (uint8_t)(v >> 8);
        p[1] = (uint8_t)v;
        return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
        return put16(put16(p, v >> 16), v & 0xffff);
}

bool stun_is(struct span d)
{
        const uint8_t *p = (const uint8_t *)d.p;

        return d.n >= HEADER && !(p[0] & 0xc0) && get16(p + 4) == COOKIE >> 16 &&
               get16(p + 6) == (COOKIE & 0xffff);
}

/* Credentials are known, and of no use here. */
static bool understood(unsigned type)
{
        return type >= OPTIONAL || type == USERNAME || type == MESSAGE_INTEGRITY || type == REALM ||
               type == NONCE;
}

/* False when the attributes do not fit into the message. */
static bool read_attributes(const uint8_t *p, size_t n, uint16_t unknown[static UNKNOWN_MAX], size_t *out_n)
{
        *out_n = 0;
        while (n) {
                size_t length;

                if (n < 4)
                        return false;
                length = 4 + ((get16(p + 2) + 3) & ~(size_t)3); /* padded */
                if (length > n)
                        return false;
                if (!understood(get16(p)) && *out_n < UNKNOWN_MAX)
                        unknown[(*out_n)++] = (uint16_t)get16(p);
                p += length;
                n -= length;
        }
        return true;
}

/* RFC 8489 14.2: under the cookie, and for IPv6 the transaction too. */
static uint8_t *put_address(uint8_t *p, const struct addr *a, const uint8_t *id)
{
        bool v6 = addr_is_v6(a);
        size_t n = v6 ? 16 : 4;

        p = put16(put16(p, XOR_MAPPED_ADDRESS), (unsigned)(4 + n));
        p = put16(p, v6 ? 2 : 1);
        p = put16(p, addr_port(a) ^ COOKIE >> 16);
        memcpy(p, v6 ? (const void *)&a->u.v6.sin6_addr : (const void *)&a->u.v4.sin_addr, n);
        for (size_t i = 0; i < n; i++)
                p[i] ^= id[i];
        return p + n;
}

/* RFC 8489 14.8, 14.9: 420, without a phrase; the list is padded. */
static uint8_t *put_unknown(uint8_t *p, const uint16_t *unknown, size_t n)
{
        p = put16(put16(p, ERROR_CODE), 4);
        p = put32(p, 0x0414);
        p = put16(put16(p, UNKNOWN_ATTRIBUTES), (unsigned)(2 * n));
        for (size_t i = 0; i < n; i++)
                p = put16(p, unknown[i]);
        return n % 2 ? put16(p, 0) : p;
}

size_t stun_answer(struct span request, const struct addr *from, uint8_t out[static STUN_ANSWER_MAX])
{
        const uint8_t *p = (const uint8_t *)request.p;
        uint16_t unknown[UNKNOWN_MAX];
        uint8_t *end = out + HEADER;
        size_t n;

        if (!stun_is(request) || get16(p) != BINDING_REQUEST || get16(p + 2) != request.n - HEADER ||
            !read_attributes(p + HEADER, request.n - HEADER, unknown, &n))
                return 0;
        end = n ? put_unknown(end, unknown, n) : put_address(end, from, p + 4);
        (void)put16(out, n ? BINDING_ERROR : BINDING_SUCCESS);
        (void)put16(out + 2, (unsigned)(end - out) - HEADER);
        memcpy(out + 4, p + 4, HEADER - 4); /* cookie and transaction */
        return (size_t)(end - out);
}

void stun_request(const uint8_t id[static STUN_ID], uint8_t out[static STUN_REQUEST])
{
        (void)put32(put16(put16(out, BINDING_REQUEST), 0), COOKIE);
        memcpy(out + 8, id, STUN_ID);
}

bool stun_answers(struct span d, const uint8_t id[static STUN_ID])
{
        const uint8_t *p = (const uint8_t *)d.p;

        return stun_is(d) && (get16(p) == BINDING_SUCCESS || get16(p) == BINDING_ERROR) &&
               get16(p + 2) == d.n - HEADER && memcmp(p + 8, id, STUN_ID) == 0;
}
