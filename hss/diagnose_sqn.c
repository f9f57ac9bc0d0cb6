/* SPDX-License-Identifier: BSD-3-Clause
 * Diagnosis: SQN_MS beside the SQN of the HSS. TS 33.102 C.1.1.1, C.2.1 (delta), C.2.2. */
#include "common/auth/aka.h"
#include "hss/diagnose.h"

/* A SEQ this small says nothing about where SQN is split; so near two SEQ have to be to be the same. */
#define SEQ_TELLS 4096
#define SEQ_NEAR  64

static uint64_t between(uint64_t a, uint64_t b)
{
        return a > b ? a - b : b - a;
}

/* The split under which the SIM would stand where the HSS stands, or the scheme's own. */
static unsigned other_split(const struct sqn_scheme *scheme, uint64_t seq, uint64_t sqn_ms)
{
        if (seq < SEQ_TELLS || between(seq, sqn_ms >> scheme->ind_bits) <= SEQ_NEAR)
                return scheme->ind_bits;
        for (unsigned bits = 0; bits <= SQN_IND_BITS_MAX; bits++)
                if (bits != scheme->ind_bits && between(seq, sqn_ms >> bits) <= SEQ_NEAR)
                        return bits;
        return scheme->ind_bits;
}

static unsigned ind_of(const struct sqn_scheme *scheme, uint64_t sqn)
{
        return (unsigned)(sqn & ((UINT64_C(1) << scheme->ind_bits) - 1));
}

struct diagnose_sqn diagnose_sqn(const struct sqn_scheme *scheme, const struct sqn_hss *stored,
                                 const uint64_t *challenge, uint64_t sqn_ms)
{
        const uint64_t delta = scheme->delta ? scheme->delta : SQN_DELTA_DEFAULT;
        struct diagnose_sqn d = {
                .row = DIAGNOSE_nothing_wrong,
                .seq_ms = sqn_ms >> scheme->ind_bits,
                .ind_ms = ind_of(scheme, sqn_ms),
                .seq = challenge ? *challenge >> scheme->ind_bits : stored->seq,
                .ind = challenge ? ind_of(scheme, *challenge) : stored->ind[SQN_DOMAIN_IMS],
        };
        struct sqn_hss next = *stored;
        d.distance = between(d.seq_ms, d.seq);
        d.other_bits = other_split(scheme, d.seq, sqn_ms);
        d.settled = !sqn_resync(scheme, &next, sqn_ms); /* the next vector suits the SIM */
        if (d.other_bits != scheme->ind_bits)
                d.row = DIAGNOSE_ind_length;
        else if (challenge ? d.seq_ms >= d.seq : d.seq_ms > d.seq)
                d.row = DIAGNOSE_sim_ahead;
        else if (challenge ? d.distance > delta : !d.settled)
                d.row = DIAGNOSE_sim_behind;
        else if (challenge)
                d.row = DIAGNOSE_sim_limit;
        return d;
}
