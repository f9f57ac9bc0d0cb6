/* SPDX-License-Identifier: BSD-3-Clause
 * Sequence numbers, TS 33.102 Annex C (profile 2: not time-based). One SEQ counter per subscriber; each
 * domain walks through its own range of IND, so that vectors of one domain that are used late never meet
 * an array element another domain has moved on. */
#include "common/auth/sqn.h"

#include "common/auth/aka.h"

static uint64_t seq_max(unsigned ind_bits)
{
        return AKA_SQN_MAX >> ind_bits;
}

int sqn_scheme_check(const struct sqn_scheme *s)
{
        if (s->ind_bits > SQN_IND_BITS_MAX)
                return -IMS_ECONF;
        for (unsigned a = 0; a < SQN_DOMAINS; a++) {
                if (s->range[a].first > s->range[a].last || s->range[a].last >= 1u << s->ind_bits)
                        return -IMS_ECONF;
                for (unsigned b = 0; b < a; b++) {
                        if (s->range[a].first <= s->range[b].last && s->range[b].first <= s->range[a].last)
                                return -IMS_ECONF;
                }
        }
        return 0;
}

int sqn_next(const struct sqn_scheme *s, struct sqn_hss *st, enum sqn_domain domain, uint64_t *out_sqn)
{
        if (st->seq >= seq_max(s->ind_bits))
                return -IMS_ELIMIT;
        uint8_t ind = st->ind[domain];
        const uint8_t first = s->range[domain].first, last = s->range[domain].last;
        ind = ind >= first && ind < last ? ind + 1 : first;
        st->ind[domain] = ind;
        st->seq++;
        *out_sqn = st->seq << s->ind_bits | ind;
        return 0;
}

bool sqn_resync(const struct sqn_scheme *s, struct sqn_hss *st, uint64_t sqn_ms)
{
        if (sqn_ms > AKA_SQN_MAX)
                return false;
        const uint64_t delta = s->delta ? s->delta : SQN_DELTA_DEFAULT;
        const uint64_t seq_ms = sqn_ms >> s->ind_bits;
        const uint64_t next = st->seq + 1;
        if (next > seq_ms && next - seq_ms <= delta)
                return false;
        if (st->seq == seq_ms)
                return false;
        st->seq = seq_ms;
        return true;
}

enum sqn_verdict sqn_card_accept(struct sqn_card *c, uint64_t sqn)
{
        const uint64_t seq = sqn >> c->ind_bits;
        const uint64_t ind = sqn & ((UINT64_C(1) << c->ind_bits) - 1);
        if (seq <= c->seq[ind])
                return SQN_REPEATED;
        const uint64_t highest = sqn_card_highest(c) >> c->ind_bits;
        if (c->delta && seq > highest && seq - highest > c->delta)
                return SQN_TOO_FAR;
        c->seq[ind] = seq;
        return SQN_OK;
}

uint64_t sqn_card_highest(const struct sqn_card *c)
{
        uint64_t best = 0;
        for (uint64_t ind = 0; ind < UINT64_C(1) << c->ind_bits; ind++) {
                if (c->seq[ind] == 0)
                        continue;
                uint64_t sqn = c->seq[ind] << c->ind_bits | ind;
                if (sqn > best)
                        best = sqn;
        }
        return best;
}
