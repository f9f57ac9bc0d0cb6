/* SPDX-License-Identifier: BSD-3-Clause
 * AVPs as octets (RFC 6733 4.1): a reader that walks received ones and a writer that appends to a
 * buffer in one pass. */
#pragma once

#include "common/base/buf.h"
#include "common/diameter/dict.h"

#define DIA_HEADER 20

struct dia_header {
        uint8_t version, flags;
        uint32_t length, code, app, hop, end; /* hop-by-hop and end-to-end identifiers */
};

/* The first 20 octets. */
struct dia_header dia_header_get(const void *octets);

struct dia_avp {
        uint32_t code, vendor;
        uint8_t flags;
        int id; /* enum dict_avp, or -1 */
        struct span data;
        struct span whole; /* header and data, without padding */
};

/* Takes the next AVP out of *rest. 1; 0 at the end; -1 when the header or length is wrong (then *out
 * holds what could be read, with empty data). */
int dia_avp_next(struct span *rest, struct dia_avp *out);

uint32_t dia_get_u32(const void *p);
uint64_t dia_get_u64(const void *p);
static inline uint32_t dia_avp_u32(const struct dia_avp *a)
{
        return a->data.n == 4 ? dia_get_u32(a->data.p) : 0;
}

/* First AVP of that kind at the top of the message or group; false when there is none. */
bool dia_avp_get(struct span avps, enum dict_avp id, struct dia_avp *out);

/* --- writer: M and V come from the dictionary ------------------------------------------------------ */

void dia_put_header(struct buf *b, const struct dia_header *h);
/* Sets the length of the message that began at start. */
void dia_put_end(struct buf *b, size_t start);

void dia_put_os(struct buf *b, enum dict_avp id, struct span value);
void dia_put_u32(struct buf *b, enum dict_avp id, uint32_t value);
void dia_put_u64(struct buf *b, enum dict_avp id, uint64_t value);
size_t dia_put_group(struct buf *b, enum dict_avp id); /* what dia_put_group_end wants */
void dia_put_group_end(struct buf *b, size_t at);
void dia_put_whole(struct buf *b, struct span whole); /* AVP as received, padded */

/* An example of an AVP: zeros of the least length (RFC 6733 7.5). flags as received or of the row. */
void dia_put_example(struct buf *b, uint32_t code, uint32_t vendor, uint8_t flags, int id);

/* An AVP of libfdproto with what is below it; values it did not understand are left empty. */
void dia_put_fd(struct buf *b, struct avp *avp);

/* Sets the M flag of the AVP that begins at offset at. */
void dia_put_m(struct buf *b, size_t at);

/* The address alone as the data of an Address AVP (RFC 6733 4.3.1). */
void dia_put_address(struct buf *b, enum dict_avp id, const struct addr *a);
