/* SPDX-License-Identifier: BSD-3-Clause
 * Challenges and credentials. RFC 3261 25.1 (auth-param), RFC 7616 3.3 and 3.4. */
#include "common/sip/auth_param.h"

#include "common/sip/msg_lex.h"

/* A token, or what sloppy senders leave unquoted (base64, hex). */
static struct span bare_value(struct sip_lex *l)
{
        const char *start = l->p;

        while (l->p < l->end && *l->p != ',' && *l->p != '"' && !sip_is_lws(*l->p))
                l->p++;
        return span_make(start, (size_t)(l->p - start));
}

static int take_param(struct sip_lex *l, struct sip_auth_param *out)
{
        const char *start = l->p;

        out->name = sip_lex_token(l);
        if (!out->name.n || !sip_lex_char(l, '='))
                return -IMS_EPARSE;
        out->quoted = l->p < l->end && *l->p == '"';
        if (out->quoted) {
                struct span q;

                if (!sip_lex_quoted(l, &q))
                        return -IMS_EPARSE;
                out->value = span_make(q.p + 1, q.n - 2);
        } else {
                out->value = bare_value(l);
                if (!out->value.n)
                        return -IMS_EPARSE;
        }
        out->raw = span_make(start, (size_t)(l->p - start));
        return 0;
}

static const struct span *find(const struct sip_auth *a, struct span name)
{
        for (size_t i = 0; i < a->n; i++)
                if (span_ieq(a->params[i].name, name))
                        return &a->params[i].value;
        return NULL;
}

int sip_auth_parse(struct span value, bool with_scheme, struct sip_auth *out)
{
        struct sip_lex l = sip_lex_of(span_trim(value));

        out->n = 0;
        out->scheme = SPAN_NULL;
        if (with_scheme) {
                out->scheme = sip_lex_token(&l);
                if (!out->scheme.n || l.p == l.end || !sip_is_lws(*l.p))
                        return -IMS_EPARSE;
                sip_lex_ws(&l);
        }
        for (;;) {
                struct sip_auth_param p;

                if (take_param(&l, &p) || find(out, p.name))
                        return -IMS_EPARSE;
                if (out->n == SIP_AUTH_PARAMS_MAX)
                        return -IMS_ETOOBIG;
                out->params[out->n++] = p;
                sip_lex_ws(&l);
                if (l.p == l.end)
                        return 0;
                if (!sip_lex_char(&l, ','))
                        return -IMS_EPARSE;
        }
}

bool sip_auth_is_digest(struct span value)
{
        struct sip_lex l = sip_lex_of(span_trim(value));

        return span_ieq(sip_lex_token(&l), SPAN("Digest"));
}

const struct span *sip_auth_get(const struct sip_auth *a, const char *name)
{
        return find(a, span_of(name));
}

void sip_auth_unescape(struct span value, struct buf *out)
{
        for (size_t i = 0; i < value.n; i++) {
                if (value.p[i] == '\\' && i + 1 < value.n)
                        i++;
                buf_char(out, value.p[i]);
        }
}

static bool is_named(struct span name, const char *const *list)
{
        for (; list && *list; list++)
                if (span_ieq(name, span_of(*list)))
                        return true;
        return false;
}

void sip_auth_write_without(const struct sip_auth *a, const char *const *drop, struct buf *out)
{
        bool first = true;

        buf_span(out, a->scheme);
        if (a->scheme.n)
                buf_char(out, ' ');
        for (size_t i = 0; i < a->n; i++) {
                const struct sip_auth_param *p = &a->params[i];

                if (is_named(p->name, drop))
                        continue;
                if (!first) { /* the separator that stood before it */
                        const char *gap = p[-1].raw.p + p[-1].raw.n;

                        buf_put(out, gap, (size_t)(p->raw.p - gap));
                }
                buf_span(out, p->raw);
                first = false;
        }
}

void sip_auth_add(struct buf *out, const char *name, struct span value, bool quoted)
{
        if (out->n && out->p[out->n - 1] != ' ')
                buf_puts(out, ", ");
        buf_puts(out, name);
        buf_char(out, '=');
        if (!quoted) {
                buf_span(out, value);
                return;
        }
        buf_char(out, '"');
        for (size_t i = 0; i < value.n; i++) {
                if (value.p[i] == '"' || value.p[i] == '\\')
                        buf_char(out, '\\');
                buf_char(out, value.p[i]);
        }
        buf_char(out, '"');
}
