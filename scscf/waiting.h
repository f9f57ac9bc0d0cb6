/* SPDX-License-Identifier: BSD-3-Clause
 * A request that waits for an answer of the HSS, for as long as it waits: rq->user leads here. */
#pragma once

#include "common/sip/stack.h"

struct waiting {
        struct sip_request *rq;
        void (*cancel)(struct waiting *w); /* it was canceled: ends the waiting and frees it */
};

static inline void waiting_begin(struct waiting *w, struct sip_request *rq, void (*cancel)(struct waiting *w))
{
        *w = (struct waiting){.rq = rq, .cancel = cancel};
        rq->user = w;
}

/* The request, which goes on or is answered. */
static inline struct sip_request *waiting_end(struct waiting *w)
{
        w->rq->user = NULL;
        return w->rq;
}
