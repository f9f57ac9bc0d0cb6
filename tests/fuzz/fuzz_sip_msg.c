/* SPDX-License-Identifier: BSD-3-Clause
 * SIP messages: reading as datagram and stream, all look-ups, the summary, and edits whose result must be
 * readable again. */
#include "tests/fuzz/fuzz.h"

#include "common/sip/edit.h"
#include "common/sip/grammar.h"
#include "common/trace/sip_trace.h"

static void walk(const struct sip_msg *m)
{
        size_t total = 0;
        for (int id = 0; id <= SIP_HDR_OTHER; id++) {
                struct sip_value_iter it = {0};
                struct span v;
                while (id != SIP_HDR_OTHER && sip_msg_next_value(m, (enum sip_hdr_id)id, &it, &v)) {
                        total += v.n;
                        MUST(v.n == 0 || (v.p >= m->buf && v.p + v.n <= m->buf + m->n));
                }
                (void)sip_msg_value(m, (enum sip_hdr_id)id);
                (void)sip_msg_has_token(m, (enum sip_hdr_id)id, SPAN("path"));
        }
        MUST(total <= m->n);
        for (size_t i = 0; i < m->n_hdrs; i++) {
                const struct sip_hdr *h = &m->hdrs[i];
                MUST(h->line.p >= m->buf && h->line.p + h->line.n <= m->buf + m->n);
                MUST(h->value.n <= h->line.n && h->name.n <= h->line.n);
                MUST(m->fault || sip_msg_hdr_named(m, h->name, 0) != NULL);
        }
}

/* What the nodes do to a message on its way. */
static void edit(const struct sip_msg *m, unsigned choice)
{
        struct sip_edit e;
        struct buf out = BUF_INIT;
        struct sip_msg *again = NULL;
        size_t used = 0;
        sip_edit_init(&e, m);
        if (choice & 1 && m->is_request)
                sip_edit_set_ruri(&e, SPAN("sip:next.example"));
        if (choice & 2)
                sip_edit_pop_value(&e, m->is_request ? SIP_HDR_ROUTE : SIP_HDR_VIA);
        if (choice & 4)
                sip_edit_remove_token(&e, SIP_HDR_REQUIRE, SPAN("sec-agree"));
        if (choice & 8)
                sip_edit_remove_all(&e, SIP_HDR_SECURITY_CLIENT);
        if (choice & 16) {
                sip_edit_set(&e, SIP_HDR_MAX_FORWARDS, SPAN("69"));
                sip_edit_insert(&e, SIP_HDR_PATH, SPAN("<sip:term@pcscf.example;lr>"));
        }
        if (choice & 32)
                sip_edit_append(&e, SIP_HDR_PATH, SPAN("<sip:b;lr>"));
        if (choice & 64)
                sip_edit_set_body(&e, SPAN("text/plain"), SPAN("hello"));
        const bool via_gone = (choice & 2) && !m->is_request;
        const int err =
                sip_edit_write(&e, via_gone ? SPAN("SIP/2.0/UDP a;branch=z9hG4bK1") : SPAN_NULL, &out);
        if (!err) {
                MUST(sip_msg_parse(buf_as_span(&out), SIP_DATAGRAM, &again, &used) == 0);
                MUST(used == out.n);
                MUST(span_eq(again->call_id, m->call_id));
                MUST(again->cseq == m->cseq && again->is_request == m->is_request);
                if (choice & 64)
                        MUST(span_eq(again->body, SPAN("hello")));
                else
                        MUST(span_eq(again->body, m->body));
        }
        sip_msg_unref(again);
        buf_free(&out);
        sip_edit_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        const struct span in = span_make(data, n);
        for (int framing = SIP_DATAGRAM; framing <= SIP_STREAM; framing++) {
                struct sip_msg *m = NULL;
                struct buf sum = BUF_INIT;
                size_t used = 0;
                const int err = sip_msg_parse(in, (enum sip_framing)framing, &m, &used);
                MUST(used <= n);
                if (err)
                        continue;
                walk(m);
                sip_summary(m, &sum);
                buf_free(&sum);
                if (framing == SIP_DATAGRAM) {
                        for (unsigned choice = 0; choice < 128; choice += 9)
                                edit(m, choice);
                        edit(m, 127);
                }
                sip_msg_unref(m);
        }
        return 0;
}
