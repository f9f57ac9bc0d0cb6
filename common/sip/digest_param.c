/* SPDX-License-Identifier: BSD-3-Clause
 * Digest challenges, credentials and Authentication-Info. RFC 7616 3.3 to 3.5, RFC 3261 22 and 25.1. */
#include "common/sip/digest_param.h"

#include <stdio.h>

#include "common/base/codec.h"

static struct span get(const struct sip_auth *a, const char *name)
{
        const struct span *v = sip_auth_get(a, name);

        return v ? *v : SPAN_NULL;
}

static void add_quoted(struct buf *out, const char *name, struct span value)
{
        if (out->n && out->p[out->n - 1] != ' ')
                buf_puts(out, ", ");
        buf_puts(out, name);
        buf_puts(out, "=\"");
        buf_span(out, value); /* escaped as it came */
        buf_char(out, '"');
}

static int parse_digest(struct span value, struct sip_auth *a)
{
        int err = sip_auth_parse(value, true, a);

        if (err)
                return err;
        for (size_t i = 0; i < a->n; i++) /* no token, and it could not be written in quotes */
                if (!a->params[i].quoted && span_chr(a->params[i].value, '\\', 0) >= 0)
                        return -IMS_EPARSE;
        return span_ieq(a->scheme, SPAN("Digest")) ? 0 : -IMS_EPARSE;
}

/* --- challenges ----------------------------------------------------------------------------------- */

int sip_digest_challenge_parse(struct span value, struct sip_digest_challenge *out)
{
        struct sip_digest_challenge c = {.algorithm = DIGEST_MD5};
        const struct span *algorithm, *qop;
        struct sip_auth a;
        int err = parse_digest(value, &a);

        if (err)
                return err;
        algorithm = sip_auth_get(&a, "algorithm");
        if (algorithm && digest_algorithm_parse(*algorithm, &c.algorithm) < 0)
                return -IMS_EUNSUPPORTED;
        c.named = algorithm != NULL;
        if (!sip_auth_get(&a, "realm") || !sip_auth_get(&a, "nonce"))
                return -IMS_EPARSE;
        c.realm = get(&a, "realm");
        c.nonce = get(&a, "nonce");
        c.opaque = get(&a, "opaque");
        c.stale = span_ieq(get(&a, "stale"), SPAN("true"));
        qop = sip_auth_get(&a, "qop");
        if (qop) {
                struct span rest = *qop, word;

                while (span_split(&rest, ',', &word)) {
                        word = span_trim(word);
                        c.qop_auth |= span_ieq(word, SPAN("auth"));
                        c.qop_auth_int |= span_ieq(word, SPAN("auth-int"));
                }
                if (!c.qop_auth && !c.qop_auth_int)
                        return -IMS_EPARSE;
        }
        *out = c;
        return 0;
}

void sip_digest_challenge_write(const struct sip_digest_challenge *c, struct buf *out)
{
        buf_puts(out, "Digest ");
        add_quoted(out, "realm", c->realm);
        add_quoted(out, "nonce", c->nonce);
        if (c->opaque.p)
                add_quoted(out, "opaque", c->opaque);
        if (c->stale)
                sip_auth_add(out, "stale", SPAN("TRUE"), false);
        if (c->named)
                sip_auth_add(out, "algorithm", span_of(digest_algorithm_name(c->algorithm)), false);
        if (c->qop_auth && c->qop_auth_int)
                add_quoted(out, "qop", SPAN("auth,auth-int"));
        else if (c->qop_auth || c->qop_auth_int)
                add_quoted(out, "qop", c->qop_auth ? SPAN("auth") : SPAN("auth-int"));
}

/* --- credentials ---------------------------------------------------------------------------------- */

struct sip_digest_credentials sip_digest_credentials_of(const struct sip_auth *a)
{
        return (struct sip_digest_credentials){
                .username = get(a, "username"),
                .realm = get(a, "realm"),
                .nonce = get(a, "nonce"),
                .uri = get(a, "uri"),
                .response = get(a, "response"),
                .algorithm = get(a, "algorithm"),
                .cnonce = get(a, "cnonce"),
                .qop = get(a, "qop"),
                .nc = get(a, "nc"),
                .opaque = get(a, "opaque"),
        };
}

int sip_digest_credentials_parse(struct span value, struct sip_digest_credentials *out)
{
        struct sip_auth a;
        int err = parse_digest(value, &a);

        if (!err)
                *out = sip_digest_credentials_of(&a);
        return err;
}

void sip_digest_credentials_write(const struct sip_digest_credentials *c, struct buf *out)
{
        buf_puts(out, "Digest ");
        add_quoted(out, "username", c->username);
        add_quoted(out, "realm", c->realm);
        add_quoted(out, "nonce", c->nonce);
        add_quoted(out, "uri", c->uri);
        add_quoted(out, "response", c->response);
        if (c->algorithm.n)
                sip_auth_add(out, "algorithm", c->algorithm, false);
        if (c->cnonce.n)
                add_quoted(out, "cnonce", c->cnonce);
        if (c->opaque.p)
                add_quoted(out, "opaque", c->opaque);
        if (c->qop.n)
                sip_auth_add(out, "qop", c->qop, false);
        if (c->nc.n)
                sip_auth_add(out, "nc", c->nc, false);
}

/* --- Authentication-Info -------------------------------------------------------------------------- */

/* What a has goes to info, which may hold what other lines said. */
static int take_info(const struct sip_auth *a, struct sip_auth_info *info)
{
        const struct {
                const char *name;
                struct span *to;
        } rows[] = {
                {"nextnonce", &info->nextnonce}, {"qop", &info->qop}, {"rspauth", &info->rspauth},
                {"cnonce", &info->cnonce},       {"nc", &info->nc},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct span *v = sip_auth_get(a, rows[i].name);

                if (v && (rows[i].to->p || span_chr(*v, '\\', 0) >= 0))
                        return -IMS_EPARSE;
                if (v)
                        *rows[i].to = *v;
        }
        return 0;
}

int sip_auth_info_read(const struct sip_msg *m, struct sip_auth_info *out)
{
        struct sip_auth_info info = {0};
        const struct sip_hdr *h;
        size_t n = 0;

        while ((h = sip_msg_hdr(m, SIP_HDR_AUTHENTICATION_INFO, n)) != NULL) {
                struct sip_auth a;
                int err = sip_auth_parse(h->value, false, &a);

                if (!err)
                        err = take_info(&a, &info);
                if (err)
                        return err;
                n++;
        }
        if (n == 0)
                return -IMS_ENOTFOUND;
        *out = info;
        return 0;
}

void sip_auth_info_write(const struct sip_auth_info *info, struct buf *out)
{
        struct buf value = BUF_INIT;

        if (info->qop.n)
                sip_auth_add(&value, "qop", info->qop, false);
        if (info->rspauth.n)
                add_quoted(&value, "rspauth", info->rspauth);
        if (info->cnonce.n)
                add_quoted(&value, "cnonce", info->cnonce);
        if (info->nc.n)
                sip_auth_add(&value, "nc", info->nc, false);
        if (info->nextnonce.n)
                add_quoted(&value, "nextnonce", info->nextnonce);
        if (value.err && !out->err)
                out->err = value.err;
        buf_span(out, buf_as_span(&value));
        buf_free(&value);
}

int sip_digest_nc_parse(struct span nc, uint32_t *out)
{
        uint8_t octets[4];

        if (nc.n != 8 || hex_decode(nc, octets, sizeof(octets)) < 0)
                return -IMS_EPARSE;
        *out = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
        return 0;
}

void sip_digest_nc_format(uint32_t nc, char out[static SIP_DIGEST_NC_SIZE])
{
        (void)snprintf(out, SIP_DIGEST_NC_SIZE, "%08x", nc);
}
