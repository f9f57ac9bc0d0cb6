/* SPDX-License-Identifier: BSD-3-Clause
 * The four transaction machines as tables: RFC 3261 figures 5 to 8 as RFC 6026 corrects them. */
#include "common/sip/txn_table.h"

#define EV(x) FSM_BIT(CT_EV_##x)
#define ST(x) FSM_BIT(CT_ST_##x)

static const char *const client_events[] = {
        [CT_EV_RETRANSMIT] = "retransmit", [CT_EV_TIMEOUT] = "time-out",
        [CT_EV_PROVISIONAL] = "1xx",       [CT_EV_SUCCESS] = "2xx",
        [CT_EV_FAILURE] = "300-699",       [CT_EV_TRANSPORT] = "transport error",
};

static const struct fsm_state invite_client_states[] = {
        [CT_ST_START] = {"Calling",
                         EV(RETRANSMIT) | EV(TIMEOUT) | EV(PROVISIONAL) | EV(SUCCESS) | EV(FAILURE) |
                                 EV(TRANSPORT),
                         ST(PROCEEDING) | ST(COMPLETED) | ST(ACCEPTED) | ST(TERMINATED), "B",
                         "RFC 3261 17.1.1.2"},
        /* No timer of its own: the owner has Timer C or the user's patience; B runs again after CANCEL. */
        [CT_ST_PROCEEDING] = {"Proceeding",
                              EV(TIMEOUT) | EV(PROVISIONAL) | EV(SUCCESS) | EV(FAILURE) | EV(TRANSPORT),
                              ST(COMPLETED) | ST(ACCEPTED) | ST(TERMINATED), NULL, "RFC 3261 17.1.1.2, 9.1"},
        [CT_ST_COMPLETED] = {"Completed",
                             EV(TIMEOUT) | EV(PROVISIONAL) | EV(SUCCESS) | EV(FAILURE) | EV(TRANSPORT),
                             ST(TERMINATED), "D", "RFC 3261 17.1.1.2"},
        [CT_ST_ACCEPTED] = {"Accepted",
                            EV(TIMEOUT) | EV(PROVISIONAL) | EV(SUCCESS) | EV(FAILURE) | EV(TRANSPORT),
                            ST(TERMINATED), "M", "RFC 6026 7.2"},
        [CT_ST_TERMINATED] = {"Terminated", 0, 0, NULL, "RFC 3261 17.1.1.2"},
};

static const struct fsm_state client_states[] = {
        [CT_ST_START] = {"Trying",
                         EV(RETRANSMIT) | EV(TIMEOUT) | EV(PROVISIONAL) | EV(SUCCESS) | EV(FAILURE) |
                                 EV(TRANSPORT),
                         ST(PROCEEDING) | ST(COMPLETED) | ST(TERMINATED), "F", "RFC 3261 17.1.2.2"},
        [CT_ST_PROCEEDING] = {"Proceeding",
                              EV(RETRANSMIT) | EV(TIMEOUT) | EV(PROVISIONAL) | EV(SUCCESS) | EV(FAILURE) |
                                      EV(TRANSPORT),
                              ST(COMPLETED) | ST(TERMINATED), "F", "RFC 3261 17.1.2.2"},
        [CT_ST_COMPLETED] = {"Completed",
                             EV(TIMEOUT) | EV(PROVISIONAL) | EV(SUCCESS) | EV(FAILURE) | EV(TRANSPORT),
                             ST(TERMINATED), "K", "RFC 3261 17.1.2.2"},
        [CT_ST_TERMINATED] = {"Terminated", 0, 0, NULL, "RFC 3261 17.1.2.2"},
};

#undef EV
#undef ST
#define EV(x)   FSM_BIT(ST_EV_##x)
#define IST(x)  FSM_BIT(IST_ST_##x)
#define NIST(x) FSM_BIT(NIST_ST_##x)

static const char *const server_events[] = {
        [ST_EV_REQUEST] = "retransmitted request",
        [ST_EV_ACK] = "ACK",
        [ST_EV_PROVISIONAL] = "send 1xx",
        [ST_EV_SUCCESS] = "send 2xx",
        [ST_EV_FAILURE] = "send 300-699",
        [ST_EV_RETRANSMIT] = "retransmit",
        [ST_EV_TIMEOUT] = "time-out",
};

static const struct fsm_state invite_server_states[] = {
        [IST_ST_PROCEEDING] = {"Proceeding",
                               EV(REQUEST) | EV(ACK) | EV(PROVISIONAL) | EV(SUCCESS) | EV(FAILURE) |
                                       EV(TIMEOUT),
                               IST(COMPLETED) | IST(ACCEPTED) | IST(TERMINATED), NULL, "RFC 3261 17.2.1"},
        [IST_ST_COMPLETED] = {"Completed", EV(REQUEST) | EV(ACK) | EV(RETRANSMIT) | EV(TIMEOUT),
                              IST(CONFIRMED) | IST(TERMINATED), "H", "RFC 3261 17.2.1"},
        [IST_ST_CONFIRMED] = {"Confirmed", EV(REQUEST) | EV(ACK) | EV(TIMEOUT), IST(TERMINATED), "I",
                              "RFC 3261 17.2.1"},
        [IST_ST_ACCEPTED] = {"Accepted", EV(REQUEST) | EV(ACK) | EV(SUCCESS) | EV(RETRANSMIT) | EV(TIMEOUT),
                             IST(TERMINATED), "L", "RFC 6026 7.1"},
        [IST_ST_TERMINATED] = {"Terminated", 0, 0, NULL, "RFC 3261 17.2.1"},
};

static const struct fsm_state server_states[] = {
        [NIST_ST_TRYING] = {"Trying", EV(REQUEST) | EV(PROVISIONAL) | EV(SUCCESS) | EV(FAILURE),
                            NIST(PROCEEDING) | NIST(COMPLETED) | NIST(TERMINATED), NULL, "RFC 3261 17.2.2"},
        [NIST_ST_PROCEEDING] = {"Proceeding", EV(REQUEST) | EV(PROVISIONAL) | EV(SUCCESS) | EV(FAILURE),
                                NIST(COMPLETED) | NIST(TERMINATED), NULL, "RFC 3261 17.2.2"},
        [NIST_ST_COMPLETED] = {"Completed", EV(REQUEST) | EV(TIMEOUT), NIST(TERMINATED), "J",
                               "RFC 3261 17.2.2"},
        [NIST_ST_TERMINATED] = {"Terminated", 0, 0, NULL, "RFC 3261 17.2.2"},
};

#define ROWS(x) (sizeof(x) / sizeof((x)[0]))

const struct fsm sip_fsm_invite_client = {"INVITE client transaction", invite_client_states,
                                          ROWS(invite_client_states), client_events, CT_EV_COUNT};
const struct fsm sip_fsm_client = {"client transaction", client_states, ROWS(client_states), client_events,
                                   CT_EV_COUNT};
const struct fsm sip_fsm_invite_server = {"INVITE server transaction", invite_server_states,
                                          ROWS(invite_server_states), server_events, ST_EV_COUNT};
const struct fsm sip_fsm_server = {"server transaction", server_states, ROWS(server_states), server_events,
                                   ST_EV_COUNT};
