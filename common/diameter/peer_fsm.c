/* SPDX-License-Identifier: BSD-3-Clause
 * The peer state machine of RFC 6733 5.6, with the election of 5.6.4. */
#include <strings.h>

#include "common/base/timers.h"
#include "common/diameter/node_int.h"

#define CAUSE_REBOOTING 0u

static void start_state_timer(struct dia_peer *p)
{
        dia_peer_start_timer(p, p->dn->cer_ms);
}

/* A move the table allows; anything else is our own bug, logged by fsm_move. */
static bool move(struct dia_peer *p, enum peer_state next)
{
        return fsm_move(&peer_fsm, &p->state, next) == 0;
}

static void drop(struct dia_conn **c, bool flush)
{
        dia_conn_drop(*c, flush);
        *c = NULL;
}

/* Error, Cleanup: both connections go. */
static void close_all(struct dia_peer *p, const char *why, bool orderly)
{
        bool was_open = p->c != NULL;

        p->c = NULL;
        drop(&p->i, was_open);
        drop(&p->r, was_open);
        if (move(p, PEER_ST_CLOSED))
                dia_peer_lost(p, why, orderly);
}

static void open_on(struct dia_peer *p, struct dia_conn *c)
{
        struct dia_header cer = {
                .code = dict_command_rows[CMD_CER].code, .hop = c->cer_hop, .end = c->cer_end};

        if (c == p->r)
                dia_send_cea(c, &cer, DIA_SUCCESS, NULL, NULL);
        if (move(p, c == p->r ? PEER_ST_R_OPEN : PEER_ST_I_OPEN))
                dia_peer_opened(p, c);
}

/* The responder decides: the lexicographically higher Origin-Host keeps the connection it accepted. */
static void elect(struct dia_peer *p)
{
        start_state_timer(p);
        if (!move(p, PEER_ST_WAIT_RETURNS))
                return;
        if (strcasecmp(p->dn->identity, p->identity) > 0)
                dia_peer_event(p, PEER_EV_WIN_ELECTION, NULL);
}

static void on_start(struct dia_peer *p)
{
        if (dia_conn_open(p, &p->i)) {
                dia_peer_start_timer(p, p->dn->tc_ms);
                return;
        }
        if (move(p, PEER_ST_WAIT_CONN_ACK))
                dia_peer_start_timer(p, p->dn->cer_ms + ims_timer_rows[IMS_TIMER_TCP_CONNECT].default_ms);
}

static void on_r_conn_cer(struct dia_peer *p, struct dia_conn *c)
{
        if (!c) { /* R-Reject: the CEA is sent by the caller; see whether the old connection lives */
                if (p->c)
                        dia_peer_wd(p, WD_EV_PROBE);
                return;
        }
        p->r = c;
        c->peer = p;
        if (p->state == PEER_ST_CLOSED)
                open_on(p, c);
        else if (p->state == PEER_ST_WAIT_CONN_ACK)
                (void)move(p, PEER_ST_WAIT_CONN_ACK_ELECT);
        else
                elect(p);
}

static void on_conn_ack(struct dia_peer *p)
{
        bool both = p->state == PEER_ST_WAIT_CONN_ACK_ELECT;

        start_state_timer(p);
        (void)dia_send_cer(p->i);
        if (both)
                elect(p);
        else
                (void)move(p, PEER_ST_WAIT_I_CEA);
}

static void on_conn_nack(struct dia_peer *p)
{
        drop(&p->i, false);
        if (p->state == PEER_ST_WAIT_CONN_ACK_ELECT)
                open_on(p, p->r);
        else
                close_all(p, "no connection", true);
}

/* The connection we opened is gone. */
static void on_i_disc(struct dia_peer *p)
{
        if (p->state == PEER_ST_WAIT_RETURNS) {
                drop(&p->i, false);
                open_on(p, p->r);
        } else if (p->state == PEER_ST_WAIT_I_CEA) {
                close_all(p, "the peer closed before CEA", true);
        } else {
                close_all(p, "connection lost", p->state == PEER_ST_CLOSING);
        }
}

static void on_r_disc(struct dia_peer *p)
{
        if (p->state == PEER_ST_WAIT_CONN_ACK_ELECT || p->state == PEER_ST_WAIT_RETURNS) {
                drop(&p->r, false);
                (void)move(p, p->state == PEER_ST_WAIT_RETURNS ? PEER_ST_WAIT_I_CEA : PEER_ST_WAIT_CONN_ACK);
        } else {
                close_all(p, "connection lost", p->state == PEER_ST_CLOSING);
        }
}

static void on_i_cea(struct dia_peer *p)
{
        if (p->r)
                drop(&p->r, false);
        open_on(p, p->i);
}

static void on_stop(struct dia_peer *p)
{
        if (p->state != PEER_ST_R_OPEN && p->state != PEER_ST_I_OPEN) {
                close_all(p, "stopped", true);
                return;
        }
        (void)dia_send_dpr(p, CAUSE_REBOOTING);
        dia_peer_start_timer(p, p->dn->answer_ms);
        if (move(p, PEER_ST_CLOSING))
                dia_failover(p, true);
}

/* We answered; the peer that asked closes. */
static void on_dpr(struct dia_peer *p)
{
        if (p->state == PEER_ST_CLOSING)
                return;
        dia_peer_start_timer(p, p->dn->answer_ms);
        if (move(p, PEER_ST_CLOSING))
                dia_failover(p, true);
}

#define EV(x) FSM_BIT(PEER_EV_##x)
#define ST(x) FSM_BIT(PEER_ST_##x)

static const char *const event_names[PEER_EV_COUNT] = {
        [PEER_EV_START] = "Start",
        [PEER_EV_R_CONN_CER] = "R-Conn-CER",
        [PEER_EV_I_RCV_CONN_ACK] = "I-Rcv-Conn-Ack",
        [PEER_EV_I_RCV_CONN_NACK] = "I-Rcv-Conn-Nack",
        [PEER_EV_TIMEOUT] = "Timeout",
        [PEER_EV_I_RCV_CEA] = "I-Rcv-CEA",
        [PEER_EV_I_RCV_NON_CEA] = "I-Rcv-Non-CEA",
        [PEER_EV_I_PEER_DISC] = "I-Peer-Disc",
        [PEER_EV_R_PEER_DISC] = "R-Peer-Disc",
        [PEER_EV_WIN_ELECTION] = "Win-Election",
        [PEER_EV_STOP] = "Stop",
        [PEER_EV_RCV_DPR] = "Rcv-DPR",
        [PEER_EV_RCV_DPA] = "Rcv-DPA",
};

static const struct fsm_state states[PEER_ST_COUNT] = {
        [PEER_ST_CLOSED] = {"Closed", EV(START) | EV(R_CONN_CER) | EV(TIMEOUT) | EV(STOP),
                            ST(WAIT_CONN_ACK) | ST(R_OPEN) | ST(CLOSED), "Tc", "RFC 6733 5.6"},
        [PEER_ST_WAIT_CONN_ACK] = {"Wait-Conn-Ack",
                                   EV(I_RCV_CONN_ACK) | EV(I_RCV_CONN_NACK) | EV(R_CONN_CER) | EV(TIMEOUT) |
                                           EV(STOP),
                                   ST(WAIT_I_CEA) | ST(WAIT_CONN_ACK_ELECT) | ST(CLOSED), "DIA_CER",
                                   "RFC 6733 5.6"},
        [PEER_ST_WAIT_I_CEA] = {"Wait-I-CEA",
                                EV(I_RCV_CEA) | EV(I_RCV_NON_CEA) | EV(I_PEER_DISC) | EV(R_CONN_CER) |
                                        EV(TIMEOUT) | EV(STOP),
                                ST(I_OPEN) | ST(WAIT_RETURNS) | ST(CLOSED), "DIA_CER", "RFC 6733 5.6"},
        [PEER_ST_WAIT_CONN_ACK_ELECT] = {"Wait-Conn-Ack/Elect",
                                         EV(I_RCV_CONN_ACK) | EV(I_RCV_CONN_NACK) | EV(R_PEER_DISC) |
                                                 EV(R_CONN_CER) | EV(TIMEOUT) | EV(STOP),
                                         ST(WAIT_RETURNS) | ST(R_OPEN) | ST(WAIT_CONN_ACK) | ST(CLOSED),
                                         "DIA_CER", "RFC 6733 5.6"},
        [PEER_ST_WAIT_RETURNS] = {"Wait-Returns",
                                  EV(WIN_ELECTION) | EV(I_PEER_DISC) | EV(I_RCV_CEA) | EV(I_RCV_NON_CEA) |
                                          EV(R_PEER_DISC) | EV(R_CONN_CER) | EV(TIMEOUT) | EV(STOP),
                                  ST(R_OPEN) | ST(I_OPEN) | ST(WAIT_I_CEA) | ST(CLOSED), "DIA_CER",
                                  "RFC 6733 5.6, 5.6.4"},
        [PEER_ST_R_OPEN] = {"R-Open", EV(R_CONN_CER) | EV(STOP) | EV(RCV_DPR) | EV(R_PEER_DISC) | EV(TIMEOUT),
                            ST(CLOSING) | ST(CLOSED), NULL, "RFC 6733 5.6"},
        [PEER_ST_I_OPEN] = {"I-Open", EV(R_CONN_CER) | EV(STOP) | EV(RCV_DPR) | EV(I_PEER_DISC) | EV(TIMEOUT),
                            ST(CLOSING) | ST(CLOSED), NULL, "RFC 6733 5.6"},
        [PEER_ST_CLOSING] = {"Closing",
                             EV(RCV_DPA) | EV(RCV_DPR) | EV(I_PEER_DISC) | EV(R_PEER_DISC) | EV(R_CONN_CER) |
                                     EV(TIMEOUT) | EV(STOP),
                             ST(CLOSED), "CX_ANSWER", "RFC 6733 5.6"},
};

const struct fsm peer_fsm = {"diameter peer", states, PEER_ST_COUNT, event_names, PEER_EV_COUNT};

void dia_peer_event(struct dia_peer *p, enum peer_event ev, struct dia_conn *c)
{
        if (!fsm_allowed(&peer_fsm, p->state, ev))
                return;
        switch (ev) {
        case PEER_EV_START:
                on_start(p);
                break;
        case PEER_EV_R_CONN_CER:
                on_r_conn_cer(p, c);
                break;
        case PEER_EV_I_RCV_CONN_ACK:
                on_conn_ack(p);
                break;
        case PEER_EV_I_RCV_CONN_NACK:
                on_conn_nack(p);
                break;
        case PEER_EV_TIMEOUT: /* of the watchdog, of a state, or Tc */
                if (p->state == PEER_ST_CLOSED)
                        on_start(p);
                else
                        close_all(p, "no answer in time",
                                  p->state != PEER_ST_R_OPEN && p->state != PEER_ST_I_OPEN);
                break;
        case PEER_EV_I_RCV_CEA:
                on_i_cea(p);
                break;
        case PEER_EV_I_RCV_NON_CEA:
                if (p->r) { /* the other connection may still come to something */
                        drop(&p->i, true);
                        open_on(p, p->r);
                } else {
                        close_all(p, "no capabilities exchange", true);
                }
                break;
        case PEER_EV_I_PEER_DISC:
                on_i_disc(p);
                break;
        case PEER_EV_R_PEER_DISC:
                on_r_disc(p);
                break;
        case PEER_EV_WIN_ELECTION:
                drop(&p->i, false);
                open_on(p, p->r);
                break;
        case PEER_EV_STOP:
                on_stop(p);
                break;
        case PEER_EV_RCV_DPR:
                on_dpr(p);
                break;
        case PEER_EV_RCV_DPA:
                close_all(p, "disconnected", true);
                break;
        case PEER_EV_COUNT:
                break;
        }
}
