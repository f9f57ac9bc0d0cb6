/* SPDX-License-Identifier: BSD-3-Clause
 * The JSON of bootstrapping: one flat object of texts, lists of texts, numbers and words (RFC 8259). */
#include "ue/bootstrap_reply.h"

struct json {
        struct span rest;
        bool bad;
};

static void blanks(struct json *j)
{
        while (j->rest.n && memchr(" \t\r\n", j->rest.p[0], 4))
                j->rest = span_sub(j->rest, 1, j->rest.n);
}

static char peek(struct json *j)
{
        blanks(j);
        return j->rest.n ? j->rest.p[0] : '\0';
}

static bool take(struct json *j, char c)
{
        if (j->bad || peek(j) != c) {
                j->bad = true;
                return false;
        }
        j->rest = span_sub(j->rest, 1, j->rest.n);
        return true;
}

/* \uXXXX of ASCII alone: nothing else stands in what we read. */
static bool unescape(struct span *s, char *out)
{
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        unsigned code = 0;
        const char *at;

        if (s->n < 2)
                return false;
        at = strchr(from, s->p[1]);
        if (s->p[1] && at) {
                *out = to[at - from];
                *s = span_sub(*s, 2, s->n);
                return true;
        }
        if (s->p[1] != 'u' || s->n < 6)
                return false;
        for (size_t i = 2; i < 6; i++) {
                const char *digits = "0123456789abcdef", *d = strchr(digits, s->p[i] | 0x20);

                if (!s->p[i] || !d)
                        return false;
                code = code << 4 | (unsigned)(d - digits);
        }
        if (code == 0 || code > 0x7e)
                return false;
        *out = (char)code;
        *s = span_sub(*s, 6, s->n);
        return true;
}

/* The next character of a text. False: there is none, or none that may stand there. */
static bool next_char(struct span *s, char *out)
{
        if (!s->n || (unsigned char)s->p[0] < ' ')
                return false;
        if (s->p[0] == '\\')
                return unescape(s, out);
        *out = s->p[0];
        *s = span_sub(*s, 1, s->n);
        return true;
}

/* A text into to (size octets, with the NUL). */
static void text(struct json *j, char *to, size_t size)
{
        size_t n = 0;

        to[0] = '\0';
        if (!take(j, '"'))
                return;
        while (j->rest.n && j->rest.p[0] != '"')
                if (n + 1 >= size || !next_char(&j->rest, &to[n++])) {
                        j->bad = true;
                        return;
                }
        to[n] = '\0';
        (void)take(j, '"');
}

/* true, false, null, a number: passed over. */
static void word(struct json *j)
{
        size_t n = 0;

        blanks(j);
        while (n < j->rest.n &&
               (memchr("+-.", j->rest.p[n], 3) || (j->rest.p[n] >= '0' && j->rest.p[n] <= '9') ||
                (j->rest.p[n] >= 'a' && j->rest.p[n] <= 'z') || j->rest.p[n] == 'E'))
                n++;
        j->bad = j->bad || n == 0;
        j->rest = span_sub(j->rest, n, j->rest.n);
}

/* Calls fn with the name of each member; it takes the value. */
typedef void member_fn(struct json *j, const char *name, void *arg);

static void object(struct json *j, member_fn *fn, void *arg)
{
        char name[64];

        if (!take(j, '{'))
                return;
        if (peek(j) == '}') {
                (void)take(j, '}');
                return;
        }
        do {
                text(j, name, sizeof(name));
                if (!take(j, ':'))
                        return;
                fn(j, name, arg);
        } while (!j->bad && peek(j) == ',' && take(j, ','));
        (void)take(j, '}');
}

/* --- what we look for ------------------------------------------------------------------------------- */

struct reading {
        struct bootstrap_reply *out;
        struct buf *err;
        int rc;
};

static void set(struct reading *r, const char *field, const char *value)
{
        if (r->rc == 0 && credential_set(&r->out->cred, span_of(field), span_of(value), r->err) < 0)
                r->rc = -IMS_EPARSE;
}

static void impus(struct json *j, struct reading *r)
{
        char value[CREDENTIAL_TEXT_MAX];

        if (!take(j, '['))
                return;
        while (!j->bad && peek(j) != ']') {
                text(j, value, sizeof(value));
                if (!j->bad)
                        set(r, "impu", value);
                if (peek(j) == ',')
                        (void)take(j, ',');
        }
        (void)take(j, ']');
}

/* A text, a word or a number nobody asked for; a list or an object is an error. */
static void other(struct json *j)
{
        char value[1024];

        if (peek(j) == '"') {
                text(j, value, sizeof(value));
                secret_wipe(value, sizeof(value));
        } else {
                word(j);
        }
}

static void member(struct json *j, const char *name, void *arg)
{
        static const char *const fields[][2] = {
                {"impi", "impi"}, {"realm", "domain"}, {"password", "password"}};
        struct reading *r = arg;
        const struct {
                const char *name;
                char *to;
                size_t size;
        } texts[] = {{"algorithm", r->out->algorithm, sizeof(r->out->algorithm)},
                     {"pcscf", r->out->pcscf, sizeof(r->out->pcscf)},
                     {"error", r->out->error, sizeof(r->out->error)},
                     {"reason", r->out->reason, sizeof(r->out->reason)}};
        char value[CREDENTIAL_TEXT_MAX];

        if (strcmp(name, "impu") == 0) {
                impus(j, r);
                return;
        }
        for (size_t i = 0; peek(j) == '"' && i < sizeof(texts) / sizeof(texts[0]); i++)
                if (strcmp(name, texts[i].name) == 0) {
                        text(j, texts[i].to, texts[i].size);
                        return;
                }
        for (size_t i = 0; peek(j) == '"' && i < sizeof(fields) / sizeof(fields[0]); i++)
                if (strcmp(name, fields[i][0]) == 0) {
                        text(j, value, sizeof(value));
                        if (!j->bad)
                                set(r, fields[i][1], value);
                        secret_wipe(value, sizeof(value));
                        return;
                }
        other(j);
}

/* Nothing that a terminal or a file would take for something else. */
static bool is_plain(const char *s)
{
        for (; *s; s++)
                if (*s < ' ' || *s > '~')
                        return false;
        return true;
}

static int check(struct reading *r)
{
        struct bootstrap_reply *out = r->out;

        if (r->rc < 0)
                return r->rc;
        if (!is_plain(out->pcscf) || !is_plain(out->error) || !is_plain(out->reason) ||
            !is_plain(out->algorithm)) {
                buf_puts(r->err, "a text with characters that may not stand there\n");
                return -IMS_EPARSE;
        }
        if (span_trim(span_of(out->cred.password)).n != strlen(out->cred.password)) {
                buf_puts(r->err, "password: a blank at its ends does not stay in a credential file\n");
                return -IMS_EPARSE;
        }
        if (!credential_has_password(&out->cred)) {
                buf_puts(r->err, "no password in it\n");
                return -IMS_EPARSE;
        }
        return credential_finish(&out->cred, false, r->err) < 0 ? -IMS_EPARSE : 0;
}

int bootstrap_reply_read(int status, struct span body, struct bootstrap_reply *out, struct buf *err)
{
        struct json j = {.rest = body};
        struct reading r = {.out = out, .err = err};
        int rc;

        memset(out, 0, sizeof(*out));
        out->cred.kind = CREDENTIAL_IMC;
        object(&j, member, &r);
        if (status != 200) {
                credential_wipe(&out->cred);
                if (j.bad || !is_plain(out->error) || !is_plain(out->reason))
                        out->error[0] = out->reason[0] = '\0';
                return -IMS_EPERM;
        }
        if (j.bad || peek(&j)) {
                buf_puts(err, "the answer is no JSON object as docs/hss.md has it\n");
                rc = -IMS_EPARSE;
        } else {
                rc = check(&r);
        }
        if (rc < 0)
                secret_wipe(out, sizeof(*out));
        return rc;
}

void bootstrap_reply_write(const struct bootstrap_reply *r, struct buf *out)
{
        buf_printf(out, "# from a bootstrapping server; %s\nimpi: %s\n", r->algorithm, r->cred.impi);
        for (size_t i = 0; i < r->cred.n_impu; i++)
                buf_printf(out, "impu: %s\n", r->cred.impu[i]);
        buf_printf(out, "domain: %s\npassword: %s\n", r->cred.domain, r->cred.password);
}
