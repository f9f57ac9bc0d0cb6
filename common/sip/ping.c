/* SPDX-License-Identifier: BSD-3-Clause
 * Keep-alives of a client: CRLF over streams, STUN over UDP (RFC 5626 3.5, 4.4). */
#include "common/base/secret.h"
#include "common/sip/stack_priv.h"

static int ping_datagram(struct sip_stack *s, const struct sip_flow *flow)
{
        struct sip_flow f = *flow;
        uint8_t request[STUN_REQUEST];
        int err = sip_transport_local(s, &f);

        if (!err)
                err = secret_random(s->ping.id, sizeof(s->ping.id));
        if (err)
                return err;
        stun_request(s->ping.id, request);
        s->ping.out = true;
        s->ping.flow = f;
        return sip_transport_send(s, &f, NULL, span_make(request, sizeof(request)), NULL, NULL);
}

static int ping_stream(struct sip_stack *s, const struct sip_flow *flow)
{
        struct sip_conn *c = flow->conn_id ? sip_conn_by_id(s, flow->conn_id) : sip_conn_to(s, flow, NULL);

        return c ? sip_conn_ping(c) : -IMS_ECLOSED;
}

int sip_flow_ping(struct sip_stack *s, const struct sip_flow *flow)
{
        return flow->transport == TRANSPORT_UDP ? ping_datagram(s, flow) : ping_stream(s, flow);
}

bool sip_ping_take(struct sip_stack *s, struct span data)
{
        if (!s->ping.out || !stun_answers(data, s->ping.id))
                return false;
        s->ping.out = false;
        if (s->handlers.on_pong)
                s->handlers.on_pong(&s->ping.flow, s->arg);
        return true;
}
