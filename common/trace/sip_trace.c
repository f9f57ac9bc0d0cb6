/* SPDX-License-Identifier: BSD-3-Clause
 * What a SIP message carries, in one line, and its event. Of credentials and keys only the names go in;
 * RAND is public (it goes over the air) and its first octets tell challenges apart. */
#include "common/trace/sip_trace.h"

#include "common/base/codec.h"
#include "common/sip/auth_param.h"
#include "common/sip/grammar.h"

enum { ID_SHOWN = 64, URI_SHOWN = 80, RAND_SHOWN = 4, NONCE_MAX = 256 };

/* The user part of an identity: "sip:alice@home" and "alice@home" give "alice". */
static struct span user_part(struct span id)
{
        if (span_istarts(id, SPAN("sip:")) || span_istarts(id, SPAN("tel:")))
                id = span_sub(id, 4, id.n);
        ptrdiff_t at = span_chr(id, '@', 0);
        return at > 0 ? span_sub(id, 0, (size_t)at) : id;
}

static bool auth_of(const struct sip_msg *m, enum sip_hdr_id id, struct sip_auth *out)
{
        const struct sip_hdr *h = sip_msg_hdr(m, id, 0);
        return h && sip_auth_parse(h->value, true, out) == 0;
}

static struct span auth_value(const struct sip_auth *a, const char *name)
{
        const struct span *v = sip_auth_get(a, name);
        return v ? *v : SPAN_NULL;
}

/* " RAND 7d3e9a10.." of an AKA nonce; nothing for another nonce. RFC 3310 3.2. */
static void put_rand(struct buf *out, struct span nonce)
{
        uint8_t octets[NONCE_MAX];
        char hex[2 * RAND_SHOWN + 1];
        size_t n = 0;
        if (base64_decode(nonce, octets, sizeof(octets), &n) != 0 || n < 32)
                return;
        hex_encode(octets, RAND_SHOWN, hex);
        buf_printf(out, " RAND %s..", hex);
}

/* Value of a parameter behind the URI of a Contact; empty when it is not there. */
static struct span contact_param(struct span contact, struct span name)
{
        ptrdiff_t end = span_chr(contact, '>', 0);
        struct span rest = end < 0 ? contact : span_sub(contact, (size_t)end + 1, contact.n), part;
        while (span_split(&rest, ';', &part)) {
                part = span_trim(part);
                if (span_istarts(part, name) && part.n > name.n && part.p[name.n] == '=')
                        return span_sub(part, name.n + 1, part.n);
        }
        return SPAN_NULL;
}

static struct span expires_of(const struct sip_msg *m)
{
        struct span v = contact_param(sip_msg_value(m, SIP_HDR_CONTACT), SPAN("expires"));
        return v.n ? v : sip_msg_value(m, SIP_HDR_EXPIRES);
}

static void put_if_there(struct buf *out, const struct sip_msg *m, enum sip_hdr_id id)
{
        if (sip_msg_hdr(m, id, 0))
                buf_printf(out, ", %s", sip_hdr_name(id));
}

/* ", Name value" */
static void put_value(struct buf *out, const struct sip_msg *m, enum sip_hdr_id id)
{
        struct span v = sip_msg_value(m, id);
        if (v.n == 0)
                return;
        buf_printf(out, ", %s ", sip_hdr_name(id));
        buf_quoted(out, v, URI_SHOWN);
}

/* What the credentials of a REGISTER say. RFC 3310 3.3, 3.4; TS 24.229 5.1.1.5. */
static void put_credentials(struct buf *out, const struct sip_auth *a)
{
        const struct span nonce = auth_value(a, "nonce"), response = auth_value(a, "response");
        if (auth_value(a, "auts").n) {
                buf_puts(out, " AUTS (resynchronise)");
        } else if (response.n) {
                buf_puts(out, " response");
        } else if (nonce.n) {
                buf_puts(out, " empty response (challenge refused)");
        }
        const struct span *protected = sip_auth_get(a, "integrity-protected");
        if (protected) {
                buf_puts(out, ", integrity-protected=");
                buf_quoted(out, *protected, ID_SHOWN);
        }
}

static void put_register(struct buf *out, const struct sip_msg *m)
{
        struct sip_auth a;
        const bool has_auth = auth_of(m, SIP_HDR_AUTHORIZATION, &a);
        struct span id = has_auth ? auth_value(&a, "username") : SPAN_NULL;
        if (id.n == 0)
                id = sip_addr_spec(sip_msg_value(m, SIP_HDR_TO));
        buf_char(out, ' ');
        buf_quoted(out, user_part(id), ID_SHOWN);
        if (has_auth)
                put_credentials(out, &a);
        const struct span expires = expires_of(m);
        if (span_eq(expires, SPAN("0"))) {
                buf_puts(out, ", de-registration");
        } else if (expires.n) {
                buf_puts(out, ", expires ");
                buf_quoted(out, expires, ID_SHOWN);
        }
        put_if_there(out, m, SIP_HDR_SECURITY_CLIENT);
        put_if_there(out, m, SIP_HDR_SECURITY_VERIFY);
        put_if_there(out, m, SIP_HDR_PATH);
}

static void put_request(struct buf *out, const struct sip_msg *m)
{
        buf_quoted(out, m->method_name, ID_SHOWN);
        if (m->method == SIP_REGISTER) {
                put_register(out, m);
                return;
        }
        buf_char(out, ' ');
        buf_quoted(out, m->ruri, URI_SHOWN);
        put_value(out, m, SIP_HDR_EVENT);
        if (m->method == SIP_NOTIFY)
                put_value(out, m, SIP_HDR_SUBSCRIPTION_STATE);
        if (m->body.n)
                put_value(out, m, SIP_HDR_CONTENT_TYPE);
}

static void put_challenge(struct buf *out, const struct sip_auth *a)
{
        const struct span algorithm = auth_value(a, "algorithm");
        buf_puts(out, ": ");
        buf_quoted(out, algorithm.n ? algorithm : SPAN("MD5"), ID_SHOWN);
        buf_puts(out, " challenge");
        put_rand(out, auth_value(a, "nonce"));
        if (sip_auth_get(a, "ik"))
                buf_puts(out, ", ik");
        if (sip_auth_get(a, "ck"))
                buf_puts(out, ", ck");
}

static void put_registered(struct buf *out, const struct sip_msg *m)
{
        struct sip_value_iter it = {0};
        struct span v;
        unsigned n = 0;
        const struct span expires = expires_of(m);
        if (expires.n) {
                buf_puts(out, ", expires ");
                buf_quoted(out, expires, ID_SHOWN);
        }
        while (sip_msg_next_value(m, SIP_HDR_P_ASSOCIATED_URI, &it, &v))
                n++;
        if (n)
                buf_printf(out, ", %u P-Associated-URI", n);
        put_if_there(out, m, SIP_HDR_SERVICE_ROUTE);
}

static void put_response(struct buf *out, const struct sip_msg *m)
{
        struct sip_auth a;
        buf_printf(out, "%d ", m->status);
        buf_quoted(out, m->reason, ID_SHOWN);
        if (m->method != SIP_REGISTER)
                buf_printf(out, " (" SPAN_FMT ")", SPAN_ARG(span_of(sip_method_name(m->method))));
        if (auth_of(m, SIP_HDR_WWW_AUTHENTICATE, &a) || auth_of(m, SIP_HDR_PROXY_AUTHENTICATE, &a))
                put_challenge(out, &a);
        if (m->status >= 200 && m->status < 300 && m->method == SIP_REGISTER)
                put_registered(out, m);
        put_if_there(out, m, SIP_HDR_SECURITY_SERVER);
        put_value(out, m, SIP_HDR_MIN_EXPIRES);
        put_value(out, m, SIP_HDR_UNSUPPORTED);
        put_value(out, m, SIP_HDR_RETRY_AFTER);
        put_value(out, m, SIP_HDR_WARNING);
}

void sip_summary(const struct sip_msg *m, struct buf *out)
{
        if (m->is_request)
                put_request(out, m);
        else
                put_response(out, m);
        if (m->fault) {
                buf_puts(out, ", malformed: ");
                buf_quoted(out, span_of(m->fault), URI_SHOWN);
        }
}

void sip_trace_fault(const struct sip_msg *m, struct trace *t)
{
        const struct verdict v = {
                .procedure = m->method == SIP_REGISTER ? VERDICT_REGISTRATION : VERDICT_REQUEST,
                .outcome = VERDICT_REFUSED,
                .cause = CAUSE_malformed,
                .status = m->fault_status,
                .clause = "RFC 3261 8.2",
                .evidence = m->fault,
                .call_id = m->call_id,
        };

        trace_verdict(t, &v);
}

void sip_trace(const struct sip_trace_info *info, struct trace *t)
{
        struct sip_msg *sent = NULL;
        const struct sip_msg *msg = info->msg;
        char local[ADDR_STR], remote[ADDR_STR];
        struct buf sum = BUF_INIT;
        size_t used;

        if (!trace_on(t))
                return;
        if (!msg && info->outbound && sip_msg_parse(info->octets, SIP_DATAGRAM, &sent, &used) == 0)
                msg = sent;
        if (msg)
                sip_summary(msg, &sum);
        else if (!info->octets.n)
                buf_puts(&sum, "no SIP message");
        else
                buf_printf(&sum, "%zu octets that are no SIP message", info->octets.n);
        if (info->protected_port)
                buf_puts(&sum, " [ESP]");
        else if (info->flow->transport == TRANSPORT_TLS)
                buf_puts(&sum, " [TLS]");
        const struct trace_message m = {
                .outbound = info->outbound,
                .protocol = transport_name(info->flow->transport),
                .local = addr_str(&info->flow->local, local),
                .remote = addr_str(&info->flow->remote, remote),
                .octets = info->octets,
                .call_id = msg ? msg->call_id : SPAN_NULL,
                .summary = sum.err ? SPAN_NULL : buf_as_span(&sum),
                .note = info->note,
        };
        trace_message(t, &m);
        buf_free(&sum);
        sip_msg_unref(sent);
}
