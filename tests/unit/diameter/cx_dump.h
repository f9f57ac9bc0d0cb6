/* SPDX-License-Identifier: BSD-3-Clause
 * Typed Cx messages as text, every field that is there, one per line. Written by hand, not from the
 * codec's tables, so that it can tell when those are wrong. */
#pragma once

#include "common/base/codec.h"
#include "common/diameter/cx_table.h"

static inline void dump_span(struct buf *o, const char *p, const char *name, struct span s)
{
        if (s.p)
                buf_printf(o, "%s%s=" SPAN_FMT "\n", p, name, SPAN_ARG(s));
}

static inline void dump_hex(struct buf *o, const char *p, const char *name, struct span s)
{
        char hex[256];

        if (!s.p)
                return;
        assert_true(s.n < 100);
        hex_encode(s.p, s.n, hex);
        buf_printf(o, "%s%s=%s\n", p, name, hex);
}

static inline void dump_num(struct buf *o, const char *name, bool has, uint32_t v)
{
        if (has)
                buf_printf(o, "%s=%u\n", name, v);
}

static inline void dump_spans(struct buf *o, const char *name, const struct cx_spans *s)
{
        for (size_t i = 0; i < s->n; i++)
                dump_span(o, "", name, s->v[i]);
}

static inline void dump_features(struct buf *o, const struct cx_features *f)
{
        if (f->present)
                buf_printf(o, "features=%u/%u/%u/%s\n", f->vendor, f->list_id, f->features,
                           f->has_m ? "M" : "-");
}

static inline void dump_request(struct buf *o, const struct cx_request *h)
{
        dump_span(o, "", "session_id", h->session_id);
        dump_num(o, "drmp", h->has_drmp, h->drmp);
        dump_span(o, "", "origin_host", h->origin_host);
        dump_span(o, "", "origin_realm", h->origin_realm);
        dump_span(o, "", "destination_host", h->destination_host);
        dump_span(o, "", "destination_realm", h->destination_realm);
        dump_features(o, &h->features);
}

static inline void dump_answer(struct buf *o, const struct cx_answer *h)
{
        dump_span(o, "", "session_id", h->session_id);
        buf_printf(o, "result=%u/%u\n", h->result.vendor, h->result.code);
        dump_span(o, "", "origin_host", h->origin_host);
        dump_span(o, "", "origin_realm", h->origin_realm);
        dump_span(o, "", "error_message", h->error_message);
        dump_features(o, &h->features);
        dump_span(o, "", "failed_avp", h->failed_avp);
}

static inline void dump_capabilities(struct buf *o, const struct cx_capabilities *c)
{
        for (size_t i = 0; i < c->mandatory.n; i++)
                buf_printf(o, "capabilities.mandatory=%u\n", c->mandatory.v[i]);
        for (size_t i = 0; i < c->optional.n; i++)
                buf_printf(o, "capabilities.optional=%u\n", c->optional.v[i]);
        dump_spans(o, "capabilities.server_name", &c->server_names);
        assert_true(c->present || !(c->mandatory.n + c->optional.n + c->server_names.n));
}

static inline void dump_item(struct buf *o, const struct cx_auth_item *i)
{
        if (i->has_item_number)
                buf_printf(o, "item.item_number=%u\n", i->item_number);
        dump_span(o, "item.", "scheme", i->scheme);
        dump_hex(o, "item.", "authenticate", i->authenticate);
        dump_hex(o, "item.", "authorization", i->authorization);
        dump_span(o, "item.", "context", i->context);
        dump_hex(o, "item.", "ck", i->ck);
        dump_hex(o, "item.", "ik", i->ik);
        assert_true(i->digest.present || !i->digest.realm.p);
        dump_span(o, "item.digest.", "realm", i->digest.realm);
        dump_span(o, "item.digest.", "algorithm", i->digest.algorithm);
        dump_span(o, "item.digest.", "qop", i->digest.qop);
        dump_span(o, "item.digest.", "ha1", i->digest.ha1);
        dump_span(o, "item.digest.", "alt_algorithm", i->digest.alt_algorithm);
        dump_span(o, "item.digest.", "alt_ha1", i->digest.alt_ha1);
        dump_hex(o, "item.", "framed_ip_address", i->framed_ip_address);
        dump_hex(o, "item.", "framed_ipv6_prefix", i->framed_ipv6_prefix);
        if (i->has_framed_interface_id)
                buf_printf(o, "item.framed_interface_id=%016llx\n",
                           (unsigned long long)i->framed_interface_id);
        dump_spans(o, "item.line_identifier", &i->line_identifiers);
}

static inline void dump_charging(struct buf *o, const struct cx_charging *c)
{
        assert_true(c->present || !c->ccf1.p);
        dump_span(o, "charging.", "ecf1", c->ecf1);
        dump_span(o, "charging.", "ecf2", c->ecf2);
        dump_span(o, "charging.", "ccf1", c->ccf1);
        dump_span(o, "charging.", "ccf2", c->ccf2);
}

static inline void dump_subscription(struct buf *o, const char *p, const struct cx_subscription_info *s)
{
        assert_true(s->present || !s->call_id.p);
        dump_span(o, p, "call_id", s->call_id);
        dump_span(o, p, "from", s->from);
        dump_span(o, p, "to", s->to);
        dump_span(o, p, "record_route", s->record_route);
        dump_span(o, p, "contact", s->contact);
}

static inline void dump_restoration(struct buf *o, const struct cx_restoration *r)
{
        dump_span(o, "restoration.", "impi", r->impi);
        for (size_t i = 0; i < r->n_info; i++) {
                const struct cx_restoration_info *info = &r->info[i];

                dump_span(o, "restoration.info.", "path", info->path);
                dump_span(o, "restoration.info.", "contact", info->contact);
                dump_num(o, "restoration.info.initial_cseq", info->has_initial_cseq, info->initial_cseq);
                dump_span(o, "restoration.info.", "call_id", info->call_id);
                dump_subscription(o, "restoration.info.subscription.", &info->subscription);
                dump_subscription(o, "restoration.info.pcscf_subscription.", &info->pcscf_subscription);
        }
        dump_num(o, "restoration.timeout", r->has_timeout, r->timeout);
        dump_span(o, "restoration.", "scheme", r->scheme);
}

static inline void dump_uar(struct buf *o, const struct cx_uar *m)
{
        dump_request(o, &m->h);
        dump_span(o, "", "impi", m->impi);
        dump_span(o, "", "impu", m->impu);
        dump_span(o, "", "visited_network", m->visited_network);
        dump_num(o, "type", m->has_type, m->type);
        dump_num(o, "flags", m->has_flags, m->flags);
}

static inline void dump_uaa(struct buf *o, const struct cx_uaa *m)
{
        dump_answer(o, &m->h);
        dump_span(o, "", "server_name", m->server_name);
        dump_capabilities(o, &m->capabilities);
}

static inline void dump_mar(struct buf *o, const struct cx_mar *m)
{
        dump_request(o, &m->h);
        dump_span(o, "", "impi", m->impi);
        dump_span(o, "", "impu", m->impu);
        dump_item(o, &m->item);
        dump_num(o, "n_items", true, m->n_items);
        dump_span(o, "", "server_name", m->server_name);
}

static inline void dump_maa(struct buf *o, const struct cx_maa *m)
{
        dump_answer(o, &m->h);
        dump_span(o, "", "impi", m->impi);
        dump_span(o, "", "impu", m->impu);
        dump_num(o, "n_items", m->has_n_items, m->n_items);
        for (size_t i = 0; i < m->n; i++)
                dump_item(o, &m->items[i]);
}

static inline void dump_sar(struct buf *o, const struct cx_sar *m)
{
        dump_request(o, &m->h);
        dump_span(o, "", "impi", m->impi);
        dump_spans(o, "impu", &m->impus);
        dump_span(o, "", "wildcarded_impu", m->wildcarded_impu);
        dump_span(o, "", "server_name", m->server_name);
        dump_num(o, "type", true, m->type);
        dump_num(o, "data_already_available", true, m->data_already_available);
        if (m->has_restoration)
                dump_restoration(o, &m->restoration);
        dump_num(o, "multiple_registration", m->has_multiple_registration, m->multiple_registration);
        dump_num(o, "session_priority", m->has_session_priority, m->session_priority);
        dump_num(o, "flags", m->has_flags, m->flags);
        if (m->failed_pcscf.present)
                dump_span(o, "", "failed_pcscf", m->failed_pcscf.fqdn);
        for (size_t i = 0; i < m->failed_pcscf.addresses.n; i++)
                dump_hex(o, "", "failed_pcscf_address", m->failed_pcscf.addresses.v[i]);
}

static inline void dump_saa(struct buf *o, const struct cx_saa *m)
{
        dump_answer(o, &m->h);
        dump_span(o, "", "impi", m->impi);
        dump_span(o, "", "user_data", m->user_data);
        dump_charging(o, &m->charging);
        dump_spans(o, "associated", &m->associated_identities);
        dump_num(o, "loose_route", m->has_loose_route, m->loose_route);
        for (size_t i = 0; i < m->n_restorations; i++)
                dump_restoration(o, &m->restorations[i]);
        dump_spans(o, "associated_registered", &m->associated_registered_identities);
        dump_span(o, "", "server_name", m->server_name);
        dump_span(o, "", "wildcarded_impu", m->wildcarded_impu);
        dump_num(o, "priviledged_sender", m->has_priviledged_sender, m->priviledged_sender);
        dump_spans(o, "waf", &m->wafs);
        dump_spans(o, "wwsf", &m->wwsfs);
}

static inline void dump_lir(struct buf *o, const struct cx_lir *m)
{
        dump_request(o, &m->h);
        if (m->originating)
                buf_puts(o, "originating\n");
        dump_span(o, "", "impu", m->impu);
        dump_num(o, "type", m->has_type, m->type);
        dump_num(o, "session_priority", m->has_session_priority, m->session_priority);
}

static inline void dump_lia(struct buf *o, const struct cx_lia *m)
{
        dump_answer(o, &m->h);
        dump_span(o, "", "server_name", m->server_name);
        dump_capabilities(o, &m->capabilities);
        dump_span(o, "", "wildcarded_impu", m->wildcarded_impu);
        dump_num(o, "flags", m->has_flags, m->flags);
}

static inline void dump_rtr(struct buf *o, const struct cx_rtr *m)
{
        dump_request(o, &m->h);
        dump_span(o, "", "impi", m->impi);
        dump_spans(o, "associated", &m->associated_identities);
        dump_spans(o, "impu", &m->impus);
        dump_num(o, "reason_code", true, m->reason_code);
        dump_span(o, "", "reason_info", m->reason_info);
        dump_num(o, "flags", m->has_flags, m->flags);
}

static inline void dump_rta(struct buf *o, const struct cx_rta *m)
{
        dump_answer(o, &m->h);
        dump_spans(o, "associated", &m->associated_identities);
        for (size_t i = 0; i < m->n_emergency; i++) {
                dump_span(o, "emergency.", "impi", m->emergency[i].impi);
                dump_span(o, "emergency.", "impu", m->emergency[i].impu);
        }
}

static inline void dump_ppr(struct buf *o, const struct cx_ppr *m)
{
        dump_request(o, &m->h);
        dump_span(o, "", "impi", m->impi);
        dump_span(o, "", "user_data", m->user_data);
        dump_charging(o, &m->charging);
        if (m->has_item)
                dump_item(o, &m->item);
        dump_spans(o, "waf", &m->wafs);
        dump_spans(o, "wwsf", &m->wwsfs);
}

static inline void dump_ppa(struct buf *o, const struct cx_ppa *m)
{
        dump_answer(o, &m->h);
}

union cx_any {
#define X(name) struct cx_##name name;
        CX_MESSAGES(X)
#undef X
};

static inline void dump_message(struct buf *o, enum cx_msg which, const union cx_any *m)
{
        switch (which) {
#define X(name)                                                                                              \
        case CX_MSG_##name:                                                                                  \
                dump_##name(o, &m->name);                                                                    \
                break;
                CX_MESSAGES(X)
#undef X
        case CX_MSG_COUNT:
                break;
        }
}
