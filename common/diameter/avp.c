/* SPDX-License-Identifier: BSD-3-Clause
 * AVPs as octets (RFC 6733 4.1). */
#include "common/diameter/avp.h"

uint32_t dia_get_u32(const void *p)
{
        const uint8_t *b = p;

        return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint64_t dia_get_u64(const void *p)
{
        return (uint64_t)dia_get_u32(p) << 32 | dia_get_u32((const char *)p + 4);
}

static void set_u32(void *p, uint32_t v)
{
        uint8_t *b = p;

        b[0] = (uint8_t)(v >> 24);
        b[1] = (uint8_t)(v >> 16);
        b[2] = (uint8_t)(v >> 8);
        b[3] = (uint8_t)v;
}

struct dia_header dia_header_get(const void *octets)
{
        const uint8_t *p = octets;

        return (struct dia_header){
                .version = p[0],
                .flags = p[4],
                .length = dia_get_u32(p) & 0xffffff,
                .code = dia_get_u32(p + 4) & 0xffffff,
                .app = dia_get_u32(p + 8),
                .hop = dia_get_u32(p + 12),
                .end = dia_get_u32(p + 16),
        };
}

int dia_avp_next(struct span *rest, struct dia_avp *out)
{
        struct dia_avp a = {.id = -1, .whole = *rest};
        size_t head = 8, length, padded;
        int ok;

        if (!rest->n)
                return 0;
        if (rest->n >= 8) {
                a.code = dia_get_u32(rest->p);
                a.flags = (uint8_t)rest->p[4];
                length = dia_get_u32(rest->p + 4) & 0xffffff;
                if (a.flags & AVP_FLAG_VENDOR)
                        head = 12;
                if (head == 12 && rest->n >= 12)
                        a.vendor = dia_get_u32(rest->p + 8);
                a.id = dia_avp_find(a.vendor, a.code);
        } else {
                length = 0;
        }
        ok = length >= head && length <= rest->n;
        if (ok) {
                padded = (length + 3) & ~(size_t)3;
                a.whole = span_make(rest->p, length);
                a.data = span_make(rest->p + head, length - head);
                *rest = span_sub(*rest, padded < rest->n ? padded : rest->n, rest->n);
        }
        *out = a;
        return ok ? 1 : -1;
}

bool dia_avp_get(struct span avps, enum dict_avp id, struct dia_avp *out)
{
        struct dia_avp a;

        while (dia_avp_next(&avps, &a) > 0) {
                if (a.id == (int)id) {
                        *out = a;
                        return true;
                }
        }
        return false;
}

void dia_put_header(struct buf *b, const struct dia_header *h)
{
        uint8_t head[DIA_HEADER];

        set_u32(head, h->length);
        head[0] = 1;
        set_u32(head + 4, h->code);
        head[4] = h->flags;
        set_u32(head + 8, h->app);
        set_u32(head + 12, h->hop);
        set_u32(head + 16, h->end);
        buf_put(b, head, sizeof(head));
}

static void set_length(struct buf *b, size_t at, size_t length)
{
        if (b->err)
                return;
        b->p[at + 1] = (char)(length >> 16);
        b->p[at + 2] = (char)(length >> 8);
        b->p[at + 3] = (char)length;
}

void dia_put_end(struct buf *b, size_t start)
{
        set_length(b, start, b->n - start);
}

static void put_head(struct buf *b, uint32_t code, uint32_t vendor, uint8_t flags, size_t n)
{
        uint8_t head[12];
        size_t size = flags & AVP_FLAG_VENDOR ? 12 : 8;

        set_u32(head, code);
        set_u32(head + 4, (uint32_t)(n + size));
        head[4] = flags;
        set_u32(head + 8, vendor);
        buf_put(b, head, size);
}

static uint8_t row_flags(enum dict_avp id)
{
        const struct dict_avp_row *row = &dict_avp_rows[id];

        return (uint8_t)((row->vendor ? AVP_FLAG_VENDOR : 0) |
                         (row->m == DICT_M_MUST ? AVP_FLAG_MANDATORY : 0));
}

static void put_row(struct buf *b, enum dict_avp id, size_t n)
{
        put_head(b, dict_avp_rows[id].code, dict_avp_rows[id].vendor, row_flags(id), n);
}

static void put_padding(struct buf *b, size_t n)
{
        static const char zeros[4];

        if (n & 3)
                buf_put(b, zeros, 4 - (n & 3));
}

void dia_put_os(struct buf *b, enum dict_avp id, struct span value)
{
        put_row(b, id, value.n);
        if (value.n)
                buf_put(b, value.p, value.n);
        put_padding(b, value.n);
}

void dia_put_u32(struct buf *b, enum dict_avp id, uint32_t value)
{
        uint8_t v[4];

        set_u32(v, value);
        put_row(b, id, sizeof(v));
        buf_put(b, v, sizeof(v));
}

void dia_put_u64(struct buf *b, enum dict_avp id, uint64_t value)
{
        uint8_t v[8];

        set_u32(v, (uint32_t)(value >> 32));
        set_u32(v + 4, (uint32_t)value);
        put_row(b, id, sizeof(v));
        buf_put(b, v, sizeof(v));
}

size_t dia_put_group(struct buf *b, enum dict_avp id)
{
        size_t at = b->n;

        put_row(b, id, 0);
        return at;
}

void dia_put_group_end(struct buf *b, size_t at)
{
        set_length(b, at + 4, b->n - at);
}

void dia_put_whole(struct buf *b, struct span whole)
{
        buf_span(b, whole);
        put_padding(b, whole.n);
}

void dia_put_example(struct buf *b, uint32_t code, uint32_t vendor, uint8_t flags, int id)
{
        static const char zeros[8], address[6] = {0, 1};
        static const uint8_t least[] = {[DICT_T_ADDRESS] = 6, [DICT_T_TIME] = 4, [DICT_T_ENUM] = 4,
                                        [DICT_T_U32] = 4,     [DICT_T_U64] = 8,  [DICT_T_GROUP] = 0};
        uint8_t type = id < 0 ? DICT_T_OCTETS : dict_avp_rows[id].type;
        size_t n = least[type];

        put_head(b, code, vendor, flags, n);
        buf_put(b, type == DICT_T_ADDRESS ? address : zeros, n);
        put_padding(b, n);
}

static void put_fd_value(struct buf *b, const struct avp_hdr *h, int id)
{
        uint8_t v[8];
        size_t n = 4;

        switch (id < 0 ? DICT_T_OCTETS : dict_avp_rows[id].type) {
        case DICT_T_ENUM:
        case DICT_T_U32:
                set_u32(v, h->avp_value->u32);
                break;
        case DICT_T_U64:
                set_u32(v, (uint32_t)(h->avp_value->u64 >> 32));
                set_u32(v + 4, (uint32_t)h->avp_value->u64);
                n = 8;
                break;
        default:
                buf_put(b, h->avp_value->os.data, h->avp_value->os.len);
                put_padding(b, h->avp_value->os.len);
                return;
        }
        buf_put(b, v, n);
}

void dia_put_fd(struct buf *b, struct avp *avp)
{
        struct avp_hdr *h = NULL;
        struct avp *child = NULL;
        size_t at = b->n, padded;
        int id;

        if (fd_msg_avp_hdr(avp, &h))
                return;
        id = dia_avp_find(h->avp_flags & AVP_FLAG_VENDOR ? h->avp_vendor : 0, h->avp_code);
        put_head(b, h->avp_code, h->avp_vendor, h->avp_flags, 0);
        if (h->avp_value) {
                put_fd_value(b, h, id);
        } else if (fd_msg_browse(avp, MSG_BRW_FIRST_CHILD, &child, NULL) == 0) {
                while (child) {
                        dia_put_fd(b, child);
                        if (fd_msg_browse(child, MSG_BRW_NEXT, &child, NULL))
                                break;
                }
        }
        padded = b->n - at;
        if (h->avp_value && (id < 0 || dict_avp_rows[id].type < DICT_T_ENUM))
                padded -= (4 - (h->avp_value->os.len & 3)) & 3; /* the length field leaves padding out */
        set_length(b, at + 4, padded);
}

void dia_put_m(struct buf *b, size_t at)
{
        if (!b->err)
                b->p[at + 4] = (char)(b->p[at + 4] | AVP_FLAG_MANDATORY);
}

void dia_put_address(struct buf *b, enum dict_avp id, const struct addr *a)
{
        char v[18] = {0};
        size_t n = addr_is_v6(a) ? 16 : 4;

        v[1] = addr_is_v6(a) ? 2 : 1; /* IANA address family */
        if (n == 4)
                memcpy(v + 2, &a->u.v4.sin_addr, 4);
        else
                memcpy(v + 2, &a->u.v6.sin6_addr, 16);
        dia_put_os(b, id, span_make(v, n + 2));
}
