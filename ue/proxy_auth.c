/* SPDX-License-Identifier: BSD-3-Clause
 * Credentials for HTTP proxies. */
#include "ue/proxy_auth.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/codec.h"
#include "common/net/http_text.h"
#include "ue/digest_client.h"
#include "ue/secret_input.h"

#define PASSWORD_VARIABLE "QUINTET_UE_HTTP_PROXY_PASSWORD"
#define DIGEST_ANSWERS    2 /* the second one over a fresh nonce */

/* --- what is configured ----------------------------------------------------------------------------- */

int proxy_auth_set_user(struct proxy_auth *p, struct span user)
{
        if (user.n == 0 || span_chr(user, ':', 0) >= 0 || http_has_control(user) ||
            span_copy(user, p->user, sizeof(p->user)) < 0)
                return -IMS_EINVAL;
        return 0;
}

int proxy_auth_set_password(struct proxy_auth *p, struct span password)
{
        if (http_has_control(password) || span_copy(password, p->password, sizeof(p->password)) < 0)
                return -IMS_EINVAL;
        p->has_password = true;
        return 0;
}

int proxy_auth_read_password(struct proxy_auth *p, const char *file, struct buf *err)
{
        char text[SECRET_FILE_MAX];
        struct span value;
        int rc = secret_read_file(file, text, &value, err);

        if (rc == 0) {
                rc = proxy_auth_set_password(p, value);
                if (rc < 0)
                        buf_printf(err, "%s: no password for an HTTP proxy\n", file);
        }
        secret_wipe(text, sizeof(text));
        return rc;
}

int proxy_auth_take_environment(struct proxy_auth *p, struct buf *err)
{
        char *value = getenv(PASSWORD_VARIABLE);
        int rc = 0;

        if (!value)
                return 0;
        if (p->user[0] && !p->has_password)
                rc = proxy_auth_set_password(p, span_of(value));
        secret_blot(value);
        unsetenv(PASSWORD_VARIABLE);
        if (rc < 0)
                buf_puts(err, PASSWORD_VARIABLE ": no password for an HTTP proxy\n");
        return rc;
}

int proxy_auth_check(const struct proxy_auth *p, const char *proxy, struct buf *err)
{
        const char *lacks = NULL;

        if (p->user[0] && !p->has_password)
                lacks = "--http-proxy-user: its password is missing: --http-proxy-password, "
                        "--http-proxy-password-file or " PASSWORD_VARIABLE;
        else if (p->has_password && !p->user[0])
                lacks = "--http-proxy-password: --http-proxy-user is missing";
        else if (p->user[0] && !proxy)
                lacks = "--http-proxy-user: only with --http-proxy";
        if (!lacks)
                return 0;
        buf_printf(err, "%s\n", lacks);
        return -IMS_ECONF;
}

void proxy_auth_wipe(struct proxy_auth *p)
{
        secret_wipe(p, sizeof(*p));
}

/* --- what a proxy asks ------------------------------------------------------------------------------- */

/* What a 407 offers that is answered here. */
struct offer {
        struct digest_client digest; /* known: the first Digest challenge that can be answered */
        bool basic;
        int err; /* -IMS_ENOMEM */
};

static bool is_basic(struct span challenge)
{
        const struct span word = SPAN("Basic");

        return span_istarts(challenge, word) &&
               (challenge.n == word.n || challenge.p[word.n] == ' ' || challenge.p[word.n] == '\t');
}

static void read_offer(const struct http_reply *r, struct offer *o)
{
        static const struct digest_policy usual = {0};
        struct http_challenge_at at = {0};
        struct span challenge;

        while (http_next_challenge(r, &at, &challenge)) {
                if (is_basic(challenge))
                        o->basic = true;
                else if (!o->digest.known && digest_client_take(&o->digest, challenge, &usual) == -IMS_ENOMEM)
                        o->err = -IMS_ENOMEM;
        }
}

static int answer_basic(const struct proxy_auth *p, struct buf *out)
{
        char text[2 * PROXY_AUTH_TEXT_MAX], encoded[BASE64_SIZE(sizeof(text))];
        int n = snprintf(text, sizeof(text), "%s:%s", p->user, p->password);

        base64_encode(text, (size_t)n, encoded);
        buf_puts(out, "Basic ");
        buf_puts(out, encoded);
        secret_wipe(text, sizeof(text));
        secret_wipe(encoded, sizeof(encoded));
        return out->err;
}

static int answer_digest(const struct proxy_auth *p, struct digest_client *d, struct span target,
                         struct buf *out)
{
        const struct digest_answer a = {
                .username = p->user, .password = p->password, .method = SPAN("CONNECT"), .uri = target};

        return digest_client_answer(d, &a, out);
}

static int refuse(struct buf *why, const char *text)
{
        buf_puts(why, text);
        return -IMS_EUNREACH;
}

/* A wrong answer is never followed by one of a weaker scheme: that would show the password to whoever asks.
 */
static int answer(const struct http_proxy_challenge *c, struct buf *out, struct buf *why, void *arg)
{
        const struct proxy_auth *p = arg;
        struct offer o = {0};
        int rc;

        read_offer(c->reply, &o);
        if (o.err)
                rc = o.err;
        else if (!o.digest.known && !o.basic)
                rc = refuse(why, "proxy_auth_unsupported: the HTTP proxy asks for neither Basic nor Digest "
                                 "with SHA-256 or MD5");
        else if (c->answered && !(o.digest.known && o.digest.stale && c->answered < DIGEST_ANSWERS))
                rc = refuse(why, "proxy_auth_refused: the HTTP proxy does not accept this user and password");
        else if (o.digest.known)
                rc = answer_digest(p, &o.digest, c->target, out);
        else
                rc = answer_basic(p, out);
        digest_client_forget(&o.digest);
        return rc;
}

struct http_proxy_auth proxy_auth_hook(struct proxy_auth *p)
{
        return (struct http_proxy_auth){.answer = p->user[0] ? answer : NULL, .arg = p};
}
