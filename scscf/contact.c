/* SPDX-License-Identifier: BSD-3-Clause
 * Bindings of RFC 3261 10.3 with the keys of RFC 5626. */
#include "scscf/contact.h"

#include <stdlib.h>

#include "common/sip/grammar.h"

static struct span at(const struct contact *c, size_t from, size_t n)
{
        return span_make(c->text + from, n);
}

struct span contact_value(const struct contact *c)
{
        return at(c, 0, c->value_n);
}

struct span contact_uri(const struct contact *c)
{
        return at(c, c->uri_at, c->uri_n);
}

struct span contact_instance(const struct contact *c)
{
        return at(c, c->instance_at, c->instance_n);
}

struct span contact_path(const struct contact *c)
{
        return at(c, c->value_n, c->path_n);
}

struct span contact_call_id(const struct contact *c)
{
        return at(c, (size_t)c->value_n + c->path_n, c->call_id_n);
}

bool contact_is_same_phone(const struct contact *a, const struct contact *b)
{
        struct span instance = contact_instance(a);

        return a->has_reg_id && b->has_reg_id && instance.n && span_eq(instance, contact_instance(b));
}

/* Index of the next unquoted ';' at or after from, or s.n. */
static size_t next_semicolon(struct span s, size_t from)
{
        bool quoted = false;

        for (size_t i = from; i < s.n; i++) {
                if (quoted && s.p[i] == '\\')
                        i++;
                else if (s.p[i] == '"')
                        quoted = !quoted;
                else if (s.p[i] == ';' && !quoted)
                        return i;
        }
        return s.n;
}

bool contact_param_next(struct span *rest, struct contact_param *out)
{
        size_t start = next_semicolon(*rest, 0), end;
        struct span body;
        ptrdiff_t eq;

        if (start >= rest->n)
                return false;
        end = next_semicolon(*rest, start + 1);
        out->whole = span_sub(*rest, start, end);
        body = span_sub(*rest, start + 1, end);
        eq = span_chr(body, '=', 0);
        out->name = span_trim(eq < 0 ? body : span_sub(body, 0, (size_t)eq));
        out->value = eq < 0 ? SPAN_NULL : span_trim(span_sub(body, (size_t)eq + 1, body.n));
        *rest = span_sub(*rest, end, rest->n);
        return true;
}

/* "0.7" in thousandths (RFC 3261 25.1 qvalue); 1000 when malformed. */
static uint16_t read_q(struct span s)
{
        uint32_t whole = 0, part = 0, scale = 100;

        if (s.n == 0 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.') || s.n > 5)
                return 1000;
        whole = (uint32_t)(s.p[0] - '0') * 1000;
        for (size_t i = 2; i < s.n; i++, scale /= 10) {
                if (s.p[i] < '0' || s.p[i] > '9')
                        return 1000;
                part += (uint32_t)(s.p[i] - '0') * scale;
        }
        return (uint16_t)(whole + part > 1000 ? 1000 : whole + part);
}

/* delta-seconds; what is malformed counts as fallback (RFC 3261 10.3 step 7 and 20.19). */
static uint32_t read_expires(struct span s, uint32_t fallback)
{
        uint32_t v = 0;
        int rc = span_u32(s, UINT32_MAX, &v);

        if (rc == -IMS_ETOOBIG)
                return UINT32_MAX;
        return rc < 0 ? fallback : v;
}

static int op_read(struct span value, uint32_t asked, struct contact_op *op, uint32_t *out_asked,
                   const char **why)
{
        osip_uri_t *uri = NULL;
        struct contact_param p;
        struct span rest;

        *op = (struct contact_op){.value = value, .q = 1000};
        op->uri = sip_addr_spec(value);
        if (op->uri.n == 0 || sip_uri_parse(op->uri, &uri) < 0) {
                *why = "Malformed Contact";
                return -IMS_EPARSE;
        }
        osip_uri_free(uri);
        if (!span_istarts(op->uri, SPAN("sip:")) && !span_istarts(op->uri, SPAN("sips:"))) {
                *why = "Contact Is Not A SIP URI";
                return -IMS_EPARSE;
        }
        rest = span_sub(value, (size_t)(op->uri.p - value.p) + op->uri.n, value.n);
        while (contact_param_next(&rest, &p)) {
                if (span_ieq(p.name, SPAN("expires"))) {
                        if (op->expires.n) {
                                *why = "Malformed Contact";
                                return -IMS_EPARSE;
                        }
                        op->expires = p.whole;
                        asked = read_expires(p.value, asked);
                } else if (span_ieq(p.name, SPAN("q"))) {
                        op->q = read_q(p.value);
                } else if (span_ieq(p.name, SPAN("+sip.instance"))) {
                        op->instance = p.value;
                } else if (span_ieq(p.name, SPAN("reg-id"))) {
                        op->has_reg_id = span_u32(p.value, UINT32_MAX, &op->reg_id) == 0;
                }
        }
        *out_asked = asked;
        return 0;
}

int contact_op_read(struct span value, struct contact_op *out, const char **why)
{
        uint32_t asked;

        return op_read(value, 0, out, &asked, why);
}

/* Grants what was asked within the bounds; notes an interval that is too brief. */
static void grant(const struct scscf_conf *conf, uint32_t asked, struct contact_op *op,
                  struct contact_ops *out)
{
        if (asked > 0 && asked < conf->min_expires_s) {
                out->brief = true;
                out->asked = asked;
        }
        op->expires_s = asked > conf->max_expires_s ? conf->max_expires_s : asked;
}

/* The same binding named twice in one REGISTER: the later value counts (RFC 3261 10.3 step 7 in turn). */
static bool same_binding(const struct contact_op *a, const struct contact_op *b)
{
        if (a->instance.n && b->instance.n)
                return span_eq(a->instance, b->instance) && a->has_reg_id == b->has_reg_id &&
                       (!a->has_reg_id || a->reg_id == b->reg_id);
        return span_eq(a->uri, b->uri) || sip_uri_equal(a->uri, b->uri);
}

static int add_op(struct contact_ops *out, const struct contact_op *op, size_t max)
{
        size_t i = 0;

        while (i < out->n && !same_binding(&out->v[i], op))
                i++;
        if (i >= max || i >= SCSCF_CONTACTS_MAX)
                return -IMS_ELIMIT;
        out->v[i] = *op;
        out->n += i == out->n;
        return 0;
}

int contact_ops_read(const struct sip_msg *m, const struct scscf_conf *conf, struct contact_ops *out,
                     const char **why)
{
        const struct sip_hdr *h = sip_msg_hdr(m, SIP_HDR_EXPIRES, 0);
        uint32_t common = h ? read_expires(h->value, conf->default_expires_s) : conf->default_expires_s;
        struct sip_value_iter it = {0};
        struct span value;
        size_t seen = 0;
        int rc;

        out->n = 0;
        out->star = out->brief = false;
        while (sip_msg_next_value(m, SIP_HDR_CONTACT, &it, &value)) {
                uint32_t asked = common;
                struct contact_op op;

                seen++;
                if (span_eq(value, SPAN("*"))) {
                        out->star = true;
                        continue;
                }
                rc = op_read(value, common, &op, &asked, why);
                if (rc < 0)
                        return rc;
                grant(conf, asked, &op, out);
                rc = add_op(out, &op, conf->max_contacts);
                if (rc < 0)
                        return rc;
        }
        if (out->star && (seen != 1 || !h || common != 0)) {
                *why = "Contact * Needs Expires 0 And No Other Contact";
                return -IMS_EPARSE;
        }
        return 0;
}

bool contact_matches(const struct contact *c, const struct contact_op *op)
{
        struct span uri = contact_uri(c);

        if (c->instance_n && op->instance.n)
                return span_eq(contact_instance(c), op->instance) && c->has_reg_id == op->has_reg_id &&
                       (!c->has_reg_id || c->reg_id == op->reg_id);
        return span_eq(uri, op->uri) || sip_uri_equal(uri, op->uri);
}

bool contact_out_of_order(const struct contact *c, const struct contact_origin *origin)
{
        return span_eq(contact_call_id(c), origin->call_id) && origin->cseq <= c->cseq;
}

/* Copies the value without its expires parameter; returns the octets written. */
static size_t put_value(char *to, const struct contact_op *op)
{
        size_t head = op->expires.n ? (size_t)(op->expires.p - op->value.p) : op->value.n;
        size_t tail = op->value.n - head - op->expires.n;

        memcpy(to, op->value.p, head);
        if (tail)
                memcpy(to + head, op->expires.p + op->expires.n, tail);
        return head + tail;
}

/* Where part of op->value stands in the copy. */
static uint16_t place(const struct contact_op *op, struct span part)
{
        size_t pos = (size_t)(part.p - op->value.p);

        return (uint16_t)(op->expires.n && part.p > op->expires.p ? pos - op->expires.n : pos);
}

/* A folded line becomes one line (RFC 3261 7.3.1). */
static void unfold(char *p, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (p[i] == '\r' || p[i] == '\n')
                        p[i] = ' ';
}

int contact_new(const struct contact_op *op, const struct contact_origin *origin, uint64_t now_ms,
                uint32_t guard_ms, struct contact **out)
{
        size_t value_n = op->value.n - op->expires.n;
        size_t n = value_n + origin->path.n + origin->call_id.n;
        struct contact *c = NULL;

        if (n > UINT16_MAX)
                return -IMS_ETOOBIG;
        c = calloc(1, sizeof(*c) + n);
        if (!c)
                return -IMS_ENOMEM;
        c->value_n = (uint16_t)put_value(c->text, op);
        c->uri_at = place(op, op->uri);
        c->uri_n = (uint16_t)op->uri.n;
        if (op->instance.n) {
                c->instance_at = place(op, op->instance);
                c->instance_n = (uint16_t)op->instance.n;
        }
        c->path_n = (uint16_t)origin->path.n;
        if (origin->path.n)
                memcpy(c->text + value_n, origin->path.p, origin->path.n);
        c->call_id_n = (uint16_t)origin->call_id.n;
        if (origin->call_id.n)
                memcpy(c->text + value_n + origin->path.n, origin->call_id.p, origin->call_id.n);
        unfold(c->text, n);
        c->cseq = origin->cseq;
        c->tls = origin->tls;
        c->has_reg_id = op->has_reg_id;
        c->reg_id = op->reg_id;
        c->q = op->q;
        c->since_ms = now_ms;
        c->told_ms = now_ms + (uint64_t)op->expires_s * 1000;
        c->ends_ms = c->told_ms + guard_ms;
        *out = c;
        return 0;
}

void contact_free(struct contact *c)
{
        if (!c)
                return;
        list_unlink(&c->in_set);
        list_unlink(&c->in_user);
        free(c);
}
