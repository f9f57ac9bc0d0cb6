/* SPDX-License-Identifier: BSD-3-Clause
 * Digest at the client: challenges, answers, Authentication-Info (RFC 7616, RFC 8760, TS 33.203 N.2). */
#include "ue/digest_client.h"

#include <stdlib.h>

#include "common/sip/digest_param.h"
#include "common/sip/stack.h"

static const char *const info_names[] = {"none", "good", "wrong"};

int digest_algorithms_parse(struct span list, unsigned *out)
{
        enum digest_algorithm a;
        unsigned bits = 0;
        struct span word;

        while (span_split(&list, ',', &word)) {
                if (digest_algorithm_parse(span_trim(word), &a) < 0 || digest_is_aka(a))
                        return -IMS_EPARSE;
                bits |= 1u << a;
        }
        if (!bits)
                return -IMS_EPARSE;
        *out = bits;
        return 0;
}

static int dup_to(char **to, struct span text)
{
        char *copy = span_dup(text);

        if (!copy)
                return -IMS_ENOMEM;
        free(*to);
        *to = copy;
        return 0;
}

static int keep(struct digest_client *d, const struct sip_digest_challenge *c)
{
        struct digest_client fresh = {.known = true, .algorithm = c->algorithm, .stale = c->stale};

        fresh.qop = c->qop_auth ? "auth" : c->qop_auth_int ? "auth-int" : NULL;
        if (dup_to(&fresh.nonce, c->nonce) < 0 || dup_to(&fresh.realm, c->realm) < 0 ||
            (c->opaque.p && dup_to(&fresh.opaque, c->opaque) < 0)) {
                digest_client_forget(&fresh);
                return -IMS_ENOMEM;
        }
        digest_client_forget(d);
        *d = fresh;
        return 0;
}

static bool allowed(const struct digest_policy *policy, enum digest_algorithm a)
{
        const unsigned usual = 1u << DIGEST_MD5 | 1u << DIGEST_SHA256;

        return (policy->algorithms ? policy->algorithms : usual) >> a & 1;
}

int digest_client_take(struct digest_client *d, struct span value, const struct digest_policy *policy)
{
        struct sip_digest_challenge c;
        int rc = sip_auth_is_digest(value) ? sip_digest_challenge_parse(value, &c) : -IMS_EUNSUPPORTED;

        if (rc == 0)
                rc = allowed(policy, c.algorithm) ? keep(d, &c) : -IMS_EUNSUPPORTED;
        return rc == -IMS_ETOOBIG ? -IMS_EPARSE : rc;
}

int digest_client_challenge(struct digest_client *d, const struct sip_msg *resp, enum sip_hdr_id field,
                            const struct digest_policy *policy)
{
        const struct sip_hdr *h;
        int rc = -IMS_ENOTFOUND;

        for (size_t i = 0; (h = sip_msg_hdr(resp, field, i)) != NULL; i++) {
                int one;

                if (!sip_auth_is_digest(h->value))
                        continue;
                one = digest_client_take(d, h->value, policy);
                if (one == 0 || one == -IMS_ENOMEM)
                        return one;
                if (rc != -IMS_EUNSUPPORTED)
                        rc = one;
        }
        return rc;
}

/* The value for the answer given last; with an empty method it is rspauth. */
static int compute(const struct digest_client *d, struct span method, struct span body, const char *nc,
                   char out[static DIGEST_HEX_MAX])
{
        struct digest_input in = {
                .algorithm = d->algorithm,
                .ha1 = span_of(d->ha1),
                .method = method,
                .uri = span_of(d->uri),
                .nonce = span_of(d->nonce),
                .body = body,
        };

        if (d->qop) {
                in.qop = span_of(d->qop);
                in.cnonce = span_of(d->cnonce);
                in.nc = span_of(nc);
        }
        return digest_response(&in, out);
}

/* The name goes into quotes, and is hashed without its escapes (RFC 7616 3.4.2, unq). */
static void escape(const char *name, struct buf *out)
{
        for (; *name; name++) {
                if (*name == '"' || *name == '\\')
                        buf_char(out, '\\');
                buf_char(out, *name);
        }
}

static int write_answer(const struct digest_client *d, const struct digest_answer *a, const char *nc,
                        const char *response, struct buf *out)
{
        struct buf name = BUF_INIT;
        struct sip_digest_credentials c = {
                .realm = span_of(d->realm),
                .nonce = span_of(d->nonce),
                .uri = a->uri,
                .response = span_of(response),
                .algorithm = span_of(digest_algorithm_name(d->algorithm)),
        };

        if (d->opaque)
                c.opaque = span_of(d->opaque);
        if (d->qop) {
                c.qop = span_of(d->qop);
                c.nc = span_of(nc);
                c.cnonce = span_of(d->cnonce);
        }
        escape(a->username, &name);
        c.username = buf_as_span(&name);
        sip_digest_credentials_write(&c, out);
        if (name.err && !out->err)
                out->err = name.err;
        buf_free(&name);
        return out->err;
}

int digest_client_answer(struct digest_client *d, const struct digest_answer *a, struct buf *out)
{
        char response[DIGEST_HEX_MAX], nc[SIP_DIGEST_NC_SIZE];
        int rc;

        if (!d->known)
                return -IMS_ENOTFOUND;
        rc = dup_to(&d->uri, a->uri);
        if (rc == 0)
                rc = digest_ha1(d->algorithm, span_of(a->username), span_of(d->realm), span_of(a->password),
                                d->ha1);
        sip_token(d->cnonce);
        sip_digest_nc_format(d->nc + 1, nc);
        if (rc == 0)
                rc = compute(d, a->method, a->body, nc, response);
        if (rc < 0)
                return rc;
        d->nc++;
        return write_answer(d, a, nc, response, out);
}

/* Does a parameter, where it is there, say the same? */
static bool agrees(struct span v, const char *ours)
{
        return v.n == 0 || span_ieq(v, span_of(ours));
}

int digest_client_info(struct digest_client *d, const struct sip_msg *resp, enum digest_info *out)
{
        char own[DIGEST_HEX_MAX], nc[SIP_DIGEST_NC_SIZE];
        enum digest_info found = DIGEST_INFO_NONE;
        struct sip_auth_info info;
        int rc = sip_auth_info_read(resp, &info);

        if (rc == -IMS_ENOTFOUND || !d->known || !d->uri) {
                *out = DIGEST_INFO_NONE;
                return 0;
        }
        if (rc < 0) {
                *out = DIGEST_INFO_WRONG;
                return 0;
        }
        if (info.rspauth.n) {
                sip_digest_nc_format(d->nc, nc);
                rc = compute(d, SPAN_NULL, resp->body, nc, own);
                if (rc < 0)
                        return rc;
                found = digest_equal(info.rspauth, own) && agrees(info.nc, nc) &&
                                        agrees(info.cnonce, d->cnonce)
                                ? DIGEST_INFO_GOOD
                                : DIGEST_INFO_WRONG;
        }
        if (found != DIGEST_INFO_WRONG && info.nextnonce.n) {
                if (dup_to(&d->nonce, info.nextnonce) < 0)
                        return -IMS_ENOMEM;
                d->nc = 0;
        }
        *out = found;
        return 0;
}

const char *digest_info_name(enum digest_info i)
{
        return info_names[i];
}

void digest_client_forget(struct digest_client *d)
{
        free(d->realm);
        free(d->nonce);
        free(d->opaque);
        free(d->uri);
        secret_wipe(d, sizeof(*d));
}
