/* SPDX-License-Identifier: BSD-3-Clause
 * Digest challenges, credentials and Authentication-Info as structures, each input taken for all of them:
 * spans stay inside the input, and what was read says the same when it was written and read again. */
#include "tests/fuzz/fuzz.h"

#include "common/sip/digest_param.h"

static bool inside(struct span part, struct span whole)
{
        return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* What is written without quotes must be a token. */
static bool is_token(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (!memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", s.p[i], 64))
                        return false;
        return true;
}

static void challenge(struct span in)
{
        struct sip_digest_challenge c, again;
        struct buf out = BUF_INIT;

        if (sip_digest_challenge_parse(in, &c) < 0)
                return;
        MUST(inside(c.realm, in) && inside(c.nonce, in) && inside(c.opaque, in));
        MUST((unsigned)c.algorithm < DIGEST_ALGORITHMS && (c.named || c.algorithm == DIGEST_MD5));
        sip_digest_challenge_write(&c, &out);
        MUST(sip_digest_challenge_parse(buf_as_span(&out), &again) == 0);
        MUST(span_eq(again.realm, c.realm) && span_eq(again.nonce, c.nonce) &&
             span_eq(again.opaque, c.opaque));
        MUST(!again.opaque.p == !c.opaque.p && again.algorithm == c.algorithm && again.named == c.named);
        MUST(again.stale == c.stale && again.qop_auth == c.qop_auth && again.qop_auth_int == c.qop_auth_int);
        buf_free(&out);
}

static void credentials(struct span in)
{
        struct sip_digest_credentials c, again;
        struct buf out = BUF_INIT;

        if (sip_digest_credentials_parse(in, &c) < 0)
                return;
        MUST(inside(c.username, in) && inside(c.realm, in) && inside(c.nonce, in) && inside(c.uri, in));
        MUST(inside(c.response, in) && inside(c.algorithm, in) && inside(c.cnonce, in));
        MUST(inside(c.qop, in) && inside(c.nc, in) && inside(c.opaque, in));
        if (!is_token(c.algorithm) || !is_token(c.qop) || !is_token(c.nc))
                return;
        sip_digest_credentials_write(&c, &out);
        MUST(sip_digest_credentials_parse(buf_as_span(&out), &again) == 0);
        MUST(span_eq(again.username, c.username) && span_eq(again.realm, c.realm));
        MUST(span_eq(again.nonce, c.nonce) && span_eq(again.uri, c.uri));
        MUST(span_eq(again.response, c.response) && span_eq(again.algorithm, c.algorithm));
        MUST(span_eq(again.cnonce, c.cnonce) && span_eq(again.qop, c.qop) && span_eq(again.nc, c.nc));
        MUST(span_eq(again.opaque, c.opaque) && !again.opaque.p == !c.opaque.p);
        buf_free(&out);
}

/* A response whose lines are the input, or whose one Authentication-Info is. */
static struct sip_msg *answer(const char *before, struct span in)
{
        struct buf b = BUF_INIT;
        struct sip_msg *m = NULL;
        size_t used;

        buf_puts(&b, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\n"
                     "To: <sip:a@a>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n");
        buf_puts(&b, before);
        buf_span(&b, in);
        buf_puts(&b, "\r\n\r\n");
        if (sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &m, &used) < 0)
                m = NULL;
        buf_free(&b);
        return m;
}

static void info_again(const struct sip_auth_info *info)
{
        struct sip_auth_info again;
        struct buf out = BUF_INIT;
        struct sip_msg *m;

        sip_auth_info_write(info, &out);
        m = answer("Authentication-Info: ", buf_as_span(&out));
        MUST(m && sip_auth_info_read(m, &again) == 0);
        MUST(span_eq(again.nextnonce, info->nextnonce) && span_eq(again.qop, info->qop));
        MUST(span_eq(again.rspauth, info->rspauth) && span_eq(again.cnonce, info->cnonce));
        MUST(span_eq(again.nc, info->nc));
        sip_msg_unref(m);
        buf_free(&out);
}

static void message(const char *before, struct span in)
{
        struct sip_digest_challenge c;
        struct sip_auth_info info;
        struct sip_msg *m = answer(before, in);
        const struct sip_hdr *h;

        if (!m)
                return;
        if (sip_auth_info_read(m, &info) == 0) {
                struct span whole = span_make(m->buf, m->n);

                MUST(inside(info.nextnonce, whole) && inside(info.qop, whole) && inside(info.rspauth, whole));
                MUST(inside(info.cnonce, whole) && inside(info.nc, whole));
                if (is_token(info.qop) && is_token(info.nc) &&
                    info.qop.n + info.nc.n + info.rspauth.n + info.cnonce.n + info.nextnonce.n)
                        info_again(&info);
        }
        for (size_t i = 0; (h = sip_msg_hdr(m, SIP_HDR_WWW_AUTHENTICATE, i)) != NULL; i++)
                if (sip_digest_challenge_parse(h->value, &c) == 0)
                        MUST(inside(c.realm, span_make(m->buf, m->n)));
        sip_msg_unref(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct span in = span_make(data, n);
        uint32_t nc;

        challenge(in);
        credentials(in);
        message("Authentication-Info: ", in);
        message("", in);
        if (sip_digest_nc_parse(in, &nc) == 0) {
                char text[SIP_DIGEST_NC_SIZE];

                sip_digest_nc_format(nc, text);
                MUST(span_ieq(span_of(text), in));
        }
        return 0;
}
