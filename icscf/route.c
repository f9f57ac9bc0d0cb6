/* SPDX-License-Identifier: BSD-3-Clause
 * Route entries that name this node. RFC 3261 16.4. */
#include "common/sip/grammar.h"
#include "icscf/icscf.h"

static bool is_own(const struct icscf *ic, struct span route, bool *out_orig)
{
        osip_uri_t *uri = NULL;
        bool own;

        if (sip_uri_parse(sip_addr_spec(route), &uri) != 0)
                return false;
        own = uri->host && sip_stack_is_self(ic->home.sip, span_of(uri->host), sip_uri_port(uri));
        if (own && sip_uri_param(uri, "orig"))
                *out_orig = true;
        osip_uri_free(uri);
        return own;
}

void route_pop_own(const struct icscf *ic, struct sip_edit *e, bool *out_orig, struct span *out_next)
{
        struct sip_value_iter it = {0};

        *out_orig = false;
        while (sip_msg_next_value(e->msg, SIP_HDR_ROUTE, &it, out_next)) {
                if (!is_own(ic, *out_next, out_orig))
                        return;
                sip_edit_pop_value(e, SIP_HDR_ROUTE);
        }
        *out_next = SPAN_NULL;
}
