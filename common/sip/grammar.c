/* SPDX-License-Identifier: BSD-3-Clause
 * One header field at a time through libosip2's grammar. */
#include "common/sip/grammar.h"

#include "common/sip/auth_param.h"
#include "common/sip/msg_lex.h"

void sip_grammar_init(void)
{
        static bool done;

        if (!done)
                parser_init();
        done = true;
}

/* libosip2 wants C strings; folded lines become spaces (RFC 3261 7.3.1). */
static int c_string(struct span s, char out[static SIP_FIELD_MAX + 1])
{
        int err = span_copy(span_trim(s), out, SIP_FIELD_MAX + 1);

        if (err)
                return err;
        for (char *p = out; (p = strpbrk(p, "\r\n")) != NULL; p++)
                *p = ' ';
        return *out ? 0 : -IMS_EPARSE;
}

static int from_osip(int err)
{
        if (err == OSIP_SUCCESS)
                return 0;
        return err == OSIP_NOMEM ? -IMS_ENOMEM : -IMS_EPARSE;
}

int sip_uri_parse(struct span text, osip_uri_t **out)
{
        char s[SIP_FIELD_MAX + 1];
        osip_uri_t *u = NULL;
        int err = c_string(text, s);

        if (!err && sip_has_space(span_of(s)))
                err = -IMS_EPARSE;
        if (!err)
                err = from_osip(osip_uri_init(&u));
        if (!err)
                err = from_osip(osip_uri_parse(u, s));
        if (!err && !u->string && !u->host)
                err = -IMS_EPARSE;
        if (err) {
                osip_uri_free(u);
                return err;
        }
        *out = u;
        return 0;
}

int sip_name_addr_parse(struct span value, osip_from_t **out)
{
        char s[SIP_FIELD_MAX + 1];
        osip_from_t *f = NULL;
        struct span uri, params;
        int err = c_string(value, s);

        if (!err)
                err = sip_lex_name_addr(span_of(s), &uri, &params);
        if (!err)
                err = from_osip(osip_from_init(&f));
        if (!err)
                err = from_osip(osip_from_parse(f, s));
        if (!err && !f->url)
                err = -IMS_EPARSE;
        if (err) {
                osip_from_free(f);
                return err;
        }
        *out = f;
        return 0;
}

int sip_contact_parse(struct span value, osip_contact_t **out)
{
        char s[SIP_FIELD_MAX + 1];
        osip_contact_t *c = NULL;
        struct span uri, params;
        bool star = span_eq(span_trim(value), SPAN("*"));
        int err = c_string(value, s);

        if (!err && !star)
                err = sip_lex_name_addr(span_of(s), &uri, &params);
        if (!err)
                err = from_osip(osip_contact_init(&c));
        if (!err)
                err = from_osip(osip_contact_parse(c, s));
        if (!err && !star && !c->url)
                err = -IMS_EPARSE;
        if (err) {
                osip_contact_free(c);
                return err;
        }
        *out = c;
        return 0;
}

static const char *param_value(const osip_list_t *list, const char *name)
{
        for (__node_t *n = list->node; n; n = (__node_t *)n->next) {
                const osip_generic_param_t *p = n->element;

                if (p && p->gname && span_ieq(span_of(p->gname), span_of(name)))
                        return p->gvalue ? p->gvalue : "";
        }
        return NULL;
}

const char *sip_uri_param(const osip_uri_t *u, const char *name)
{
        return param_value(&u->url_params, name);
}

const char *sip_field_param(const osip_from_t *f, const char *name)
{
        return param_value(&f->gen_params, name);
}

uint16_t sip_uri_port(const osip_uri_t *u)
{
        uint32_t port;

        return u->port && !span_u32(span_of(u->port), 65535, &port) ? (uint16_t)port : 0;
}

struct span sip_addr_spec(struct span name_addr)
{
        struct span uri, params;

        return sip_lex_name_addr(name_addr, &uri, &params) ? SPAN_NULL : uri;
}

const struct sip_hdr *sip_digest_line(const struct sip_msg *m, enum sip_hdr_id id, size_t nth)
{
        const struct sip_hdr *h;

        for (size_t i = 0; (h = sip_msg_hdr(m, id, i)) != NULL; i++)
                if (sip_auth_is_digest(h->value) && nth-- == 0)
                        return h;
        return NULL;
}
