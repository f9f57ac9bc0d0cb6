/* SPDX-License-Identifier: BSD-3-Clause
 * A message came: who deals with it (RFC 6733 5.6, 6.1). */
#include "common/base/log.h"
#include "common/diameter/node_int.h"

static bool is_command(const struct dia_header *h, enum dict_command cmd)
{
        return h->code == dict_command_rows[cmd].code;
}

/* The first message of an accepted connection introduces the peer. */
static void receive_stranger(struct dia_conn *c, const struct dia_header *h, struct span octets)
{
        if (is_command(h, CMD_CER) && (h->flags & CMD_FLAG_REQUEST)) {
                dia_on_cer(c, octets);
                return;
        }
        if (log_pace(&c->dn->strangers, DIA_STRANGERS, "refusals"))
                log_warn("diameter %s: command %u before CER, closing", c->name, h->code);
        dia_conn_drop(c, false);
}

static void receive_waiting(struct dia_conn *c, const struct dia_header *h, struct span octets)
{
        if (c == c->peer->i && is_command(h, CMD_CEA) && !(h->flags & CMD_FLAG_REQUEST)) {
                dia_on_cea(c, octets);
        } else if (c == c->peer->i) {
                log_warn("diameter %s: command %u instead of CEA", c->peer->identity, h->code);
                dia_peer_event(c->peer, PEER_EV_I_RCV_NON_CEA, c);
        } else { /* it must wait for our CEA */
                log_warn("diameter %s: command %u before CEA", c->peer->identity, h->code);
                dia_peer_event(c->peer, PEER_EV_R_PEER_DISC, c);
        }
}

static void receive_open(struct dia_conn *c, const struct dia_header *h, struct span octets)
{
        struct dia_fault fault = DIA_FAULT_NONE;

        if (!is_command(h, CMD_DWR) || (h->flags & CMD_FLAG_REQUEST))
                dia_peer_wd(c->peer, WD_EV_TRAFFIC);
        if (is_command(h, CMD_DWR) || is_command(h, CMD_DPR)) {
                dia_on_base(c, h, octets);
        } else if (is_command(h, CMD_CER)) {
                fault.code = DIA_UNABLE_TO_COMPLY;
                if (h->flags & CMD_FLAG_REQUEST)
                        dia_refuse(c, octets, &fault, "capabilities are exchanged already");
        } else if (h->flags & CMD_FLAG_REQUEST) {
                dia_on_request(c, h, octets);
        } else {
                dia_on_answer(c, h, octets);
        }
}

void dia_receive(struct dia_conn *c, struct span octets)
{
        struct dia_header h = dia_header_get(octets.p);

        if (!c->peer)
                receive_stranger(c, &h, octets);
        else if (c->peer->c == c)
                receive_open(c, &h, octets);
        else
                receive_waiting(c, &h, octets);
}

void dia_receive_broken(struct dia_conn *c, struct span head, uint32_t code)
{
        struct dia_fault fault = DIA_FAULT_NONE;
        struct dia_header h;

        if (c->peer || log_pace(&c->dn->strangers, DIA_STRANGERS, "refusals"))
                log_warn("diameter %s: %s, closing", c->peer ? c->peer->identity : c->name,
                         code == DIA_UNSUPPORTED_VERSION ? "this is not Diameter version 1"
                                                         : "message length is wrong");
        fault.code = code;
        if (c->peer && c->peer->c == c && head.n >= DIA_HEADER) {
                h = dia_header_get(head.p);
                /* only the header is used: what follows it cannot be trusted */
                if (h.flags & CMD_FLAG_REQUEST)
                        dia_refuse(c, span_sub(head, 0, DIA_HEADER), &fault, NULL);
        }
        if (c->peer)
                tcp_close(c->tcp, true); /* on_close tells the peer's state machine */
        else
                dia_conn_drop(c, false);
}
