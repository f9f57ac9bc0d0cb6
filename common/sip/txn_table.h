/* SPDX-License-Identifier: BSD-3-Clause
 * The four transaction machines as tables (RFC 3261 17, RFC 6026). Private to the stack. */
#pragma once

#include "common/base/fsm.h"

/* Both client machines share states and events; the non-INVITE one has no Accepted. */
enum sip_ct_state { CT_ST_START, CT_ST_PROCEEDING, CT_ST_COMPLETED, CT_ST_TERMINATED, CT_ST_ACCEPTED };

enum sip_ct_event {
        CT_EV_RETRANSMIT, /* A, E */
        CT_EV_TIMEOUT,    /* B, F, D, K, M */
        CT_EV_PROVISIONAL,
        CT_EV_SUCCESS,
        CT_EV_FAILURE, /* 300..699 */
        CT_EV_TRANSPORT,
        CT_EV_COUNT
};

/* INVITE server: the first state is Proceeding. */
enum sip_ist_state {
        IST_ST_PROCEEDING,
        IST_ST_COMPLETED,
        IST_ST_CONFIRMED,
        IST_ST_ACCEPTED,
        IST_ST_TERMINATED
};

/* Non-INVITE server. */
enum sip_nist_state { NIST_ST_TRYING, NIST_ST_PROCEEDING, NIST_ST_COMPLETED, NIST_ST_TERMINATED };

enum sip_st_event {
        ST_EV_REQUEST, /* a retransmission */
        ST_EV_ACK,
        ST_EV_PROVISIONAL, /* from here on: what the node sends */
        ST_EV_SUCCESS,
        ST_EV_FAILURE,
        ST_EV_RETRANSMIT, /* G, and the 2xx of a UAS (RFC 3261 13.3.1.4) */
        ST_EV_TIMEOUT,    /* H, I, J, L; the 200 ms before 100 */
        ST_EV_COUNT
};

extern const struct fsm sip_fsm_invite_client;
extern const struct fsm sip_fsm_client;
extern const struct fsm sip_fsm_invite_server;
extern const struct fsm sip_fsm_server;
