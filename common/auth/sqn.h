/* SPDX-License-Identifier: BSD-3-Clause
 * Sequence numbers: SQN = SEQ || IND (TS 33.102 Annex C.1.1.1, C.3; TS 33.203 Annex G). IND has
 * ind_bits bits. The HSS takes the next SEQ with an IND of the range of the asking domain; the card
 * keeps the highest SEQ per IND. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

#define SQN_IND_BITS_MAX     8
#define SQN_IND_BITS_DEFAULT 5
#define SQN_DELTA_DEFAULT    (UINT64_C(1) << 28) /* TS 33.102 C.3 */

enum sqn_domain { SQN_DOMAIN_CS, SQN_DOMAIN_PS, SQN_DOMAIN_IMS, SQN_DOMAINS };

/* How the array of 2^ind_bits elements is shared; each range is first..last, ranges do not overlap. */
struct sqn_scheme {
        unsigned ind_bits;
        struct {
                uint8_t first, last;
        } range[SQN_DOMAINS];
        uint64_t delta; /* largest jump of SEQ the cards allow; 0: SQN_DELTA_DEFAULT */
};

/* State of one subscriber in the authentication centre. */
struct sqn_hss {
        uint64_t seq;             /* highest SEQ given out */
        uint8_t ind[SQN_DOMAINS]; /* IND given out last, per domain */
};

/* -IMS_ECONF when ranges overlap, are empty or do not fit ind_bits. */
int sqn_scheme_check(const struct sqn_scheme *s) IMS_CHECK;

/* Next SQN for domain; st moves on. -IMS_ELIMIT when SEQ would pass its 48 - ind_bits bits. */
int sqn_next(const struct sqn_scheme *s, struct sqn_hss *st, enum sqn_domain domain,
             uint64_t *out_sqn) IMS_CHECK;

/* After a good AUTS: SQN_HSS is set to SQN_MS unless the next one would be accepted anyway (TS 33.102
 * 6.3.5 step 3, C.3.2), that is unless it is above SQN_MS by no more than delta. So a card that is ahead
 * pulls the HSS forward, and one that was left too far behind pulls it back. Returns true when st
 * changed. */
bool sqn_resync(const struct sqn_scheme *s, struct sqn_hss *st, uint64_t sqn_ms);

/* State of one card. */
struct sqn_card {
        unsigned ind_bits;
        uint64_t seq[1 << SQN_IND_BITS_MAX]; /* highest accepted SEQ per IND */
        uint64_t delta;                      /* largest allowed jump of SEQ, 0: none (TS 33.102 C.2.1) */
};

enum sqn_verdict { SQN_OK, SQN_REPEATED, SQN_TOO_FAR };

/* Is sqn acceptable? On SQN_OK the card's state moves on. TS 33.102 C.2.2. */
enum sqn_verdict sqn_card_accept(struct sqn_card *c, uint64_t sqn);

/* SQN_MS for AUTS: the highest SQN accepted. */
uint64_t sqn_card_highest(const struct sqn_card *c);
