/* SPDX-License-Identifier: BSD-3-Clause
 * A P-CSCF in this process that serves TLS, and a UE that is TLS connections and says exactly what a test
 * wants. The core is a raw socket. */
#pragma once

#include "tests/unit/pcscf/control_fix.h"

#include "tests/unit/net/tls_files.h"

#define NONCE "KZ9wQ2mF3sTt0c1nV4bYxA=="
#define CHALLENGE                                                                                            \
        "WWW-Authenticate: Digest realm=\"" HOME "\",nonce=\"" NONCE "\",algorithm=MD5,qop=\"auth\"\r\n"
#define INSTANCE "<urn:uuid:00000000-0000-4000-8000-000000000001>"

struct tls_scene {
        struct fix *x;
        struct tls_files files;
        struct tls_context *ctx; /* of the UE */
        struct phone clear;      /* what the UE says without TLS; alice */
        unsigned calls;
        char path[400]; /* of the last 200 */
};

/* One connection of the UE. */
struct line {
        struct tls_scene *s;
        struct tcp_conn *c;
        struct addr local;
        struct buf in;
        unsigned sessions;
        bool up, closed, resumed;
        char session[65]; /* of the last handshake, hex */
        char version[16];
        char last[8192]; /* the last message taken */
        unsigned branch;
};

static inline void line_on_connect(struct tcp_conn *c, void *arg)
{
        struct line *l = arg;

        l->up = true;
        l->local = *tcp_local(c);
}

static inline void line_on_data(struct tcp_conn *c, struct span data, void *arg)
{
        (void)c;
        buf_span(&((struct line *)arg)->in, data);
}

static inline void line_on_close(struct tcp_conn *c, int reason, void *arg)
{
        (void)c, (void)reason;
        ((struct line *)arg)->closed = true;
}

static inline void line_on_session(struct tcp_conn *c, const struct tls_info *info, void *arg)
{
        struct line *l = arg;

        (void)c;
        l->sessions++;
        l->resumed = info->resumed;
        (void)snprintf(l->version, sizeof(l->version), "%s", info->version);
        for (size_t i = 0; i < info->session_id_n; i++)
                (void)snprintf(l->session + 2 * i, 3, "%02x", info->session_id[i]);
}

static inline void line_dial(struct line *l, struct tls_scene *s)
{
        static const struct tcp_handlers handlers = {line_on_connect, line_on_data, line_on_close};
        const struct tls_hooks hooks = {.on_session = line_on_session, .arg = l};
        struct addr from = fix_addr(s->clear.ip, 0), to = fix_addr(s->x->ip, TLS_PORT);

        *l = (struct line){.s = s};
        assert_int_equal(tcp_connect(s->x->w.loop, &from, &to, 5000, &handlers, l, &l->c), 0);
        assert_int_equal(tls_start(l->c, s->ctx, TLS_NAME, &hooks), 0);
        WAIT_FOR(&s->x->w, (l->up && l->sessions) || l->closed);
}

static inline void line_open(struct line *l, struct tls_scene *s)
{
        line_dial(l, s);
        assert_false(l->closed);
}

static inline void line_close(struct line *l)
{
        if (!l->closed)
                tcp_close(l->c, false);
        WAIT_FOR(&l->s->x->w, l->closed);
        buf_free(&l->in);
}

static inline void line_send(struct line *l, const char *text)
{
        assert_int_equal(tcp_send(l->c, span_of(text)), 0);
}

/* The next message; none has a body. */
static inline const char *line_hears(struct line *l)
{
        struct buf rest = BUF_INIT;
        ptrdiff_t end;

        WAIT_FOR(&l->s->x->w, span_find(buf_as_span(&l->in), SPAN("\r\n\r\n")) >= 0);
        end = span_find(buf_as_span(&l->in), SPAN("\r\n\r\n")) + 4;
        assert_true((size_t)end < sizeof(l->last));
        memcpy(l->last, l->in.p, (size_t)end);
        l->last[end] = '\0';
        buf_span(&rest, span_sub(buf_as_span(&l->in), (size_t)end, l->in.n));
        buf_free(&l->in);
        l->in = rest;
        return l->last;
}

static inline void line_status(struct line *l, int status)
{
        const char *text = line_hears(l);
        char want[16];

        (void)snprintf(want, sizeof(want), "SIP/2.0 %d ", status);
        if (strncmp(text, want, strlen(want)) != 0)
                fail_msg("not %d:\n%s", status, text);
}

/* --- messages ------------------------------------------------------------------------------------- */

/* What varies in a REGISTER; NULL and 0: the usual. */
struct reg {
        const char *user, *impi; /* impi "": no Authorization */
        bool nameless;           /* an Authorization that says no IMPI */
        bool answer;             /* to the challenge */
        const char *tail;        /* of an answer's credentials */
        const char *more;        /* fields */
        const char *instance;
        bool gone;    /* expires=0 */
        bool sos;     /* emergency registration */
        bool managed; /* a flow of RFC 5626 */
};

/* A REGISTER, to go over transport ("TLS", "UDP") from there, of that number of registration. */
static inline const char *reg_text(const char *transport, const struct addr *from, unsigned call,
                                   const struct reg *r)
{
        static char text[4096];
        static unsigned n;
        const char *user = r->user ? r->user : "alice";
        char at[ADDR_STR], credentials[600] = "";

        n++;
        if (!r->impi || *r->impi)
                (void)snprintf(credentials, sizeof(credentials),
                               "Authorization: Digest username=\"%s\",realm=\"" HOME "\",uri=\"sip:" HOME
                               "\",nonce=\"%s\",response=\"%s\"%s\r\n",
                               r->nameless ? ""
                               : r->impi   ? r->impi
                                           : "alice@" HOME,
                               r->answer ? NONCE : "", r->answer ? "0b6b75c98fa481246ee0dd3a0a000000" : "",
                               !r->answer ? ""
                               : r->tail  ? r->tail
                                          : ",algorithm=MD5,qop=auth,nc=00000001,cnonce=\"c\"");
        (void)snprintf(text, sizeof(text),
                       "REGISTER sip:" HOME " SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bKr%u;rport\r\n"
                       "Max-Forwards: 70\r\nFrom: <sip:%s@" HOME ">;tag=f%u\r\nTo: <sip:%s@" HOME ">\r\n"
                       "Call-ID: tls-%u\r\nCSeq: %u REGISTER\r\n"
                       "Contact: <sip:%s@%s;transport=tls%s>;+sip.instance=\"%s\"%s%s\r\n"
                       "Expires: 600\r\n%s%s%sContent-Length: 0\r\n\r\n",
                       transport, addr_str(from, at), n, user, n, user, call, n, user,
                       addr_ip_str(from, false, at), r->sos ? ";sos" : "",
                       r->instance ? r->instance : INSTANCE, r->managed ? ";reg-id=1" : "",
                       r->gone ? ";expires=0" : "", r->managed ? "Supported: outbound\r\n" : "", credentials,
                       r->more ? r->more : "");
        return text;
}

static inline void line_register(struct line *l, unsigned call, const struct reg *r)
{
        line_send(l, reg_text("TLS", &l->local, call, r));
}

/* The same in clear, from port 5060 of the UE. */
static inline void clear_register(struct tls_scene *s, unsigned call, const struct reg *r)
{
        const struct addr from = fix_addr(s->clear.ip, s->clear.open);

        phone_send(&s->clear, s->clear.open, s->x->gm, reg_text("UDP", &from, call, r));
}

/* The core grants what came with number i to user; the Path is kept. */
static inline void core_accepts(struct tls_scene *s, unsigned i, const char *user)
{
        const char *rq = s->x->core.got[i];
        char more[2048], core[ADDR_STR];
        bool gone = has(header(rq, "Contact"), "expires=0");

        (void)snprintf(s->path, sizeof(s->path), "%s", header(rq, "Path"));
        (void)snprintf(more, sizeof(more),
                       "%s%s%sP-Associated-URI: <sip:%s@" HOME ">, <tel:+15550100>\r\n"
                       "Service-Route: <sip:orig@%s;lr>\r\n",
                       gone ? "" : "Contact: ", gone ? "" : header(rq, "Contact"),
                       gone ? "" : ";expires=600\r\n", user, addr_str(&s->x->core.addr, core));
        raw_answer(&s->x->core, i, "200 OK", more);
}

/* A whole registration over a connection, TLS from the start. */
static inline void line_registers(struct line *l, const struct reg *r)
{
        struct reg answer = *r;
        unsigned i, call = ++l->s->calls;

        answer.answer = true;
        line_register(l, call, r);
        i = core_hears(l->s->x);
        raw_answer(&l->s->x->core, i, "401 Unauthorized", CHALLENGE);
        line_status(l, 401);
        line_register(l, call, &answer);
        i = core_hears(l->s->x);
        core_accepts(l->s, i, r->user ? r->user : "alice");
        line_status(l, 200);
}

/* A MESSAGE of somebody. */
static inline const char *message_text(const char *transport, const struct addr *from)
{
        static char text[2048];
        static unsigned n;
        char at[ADDR_STR];

        n++;
        (void)snprintf(text, sizeof(text),
                       "MESSAGE sip:bob@" HOME " SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bKm%u;rport\r\n"
                       "Max-Forwards: 70\r\nFrom: <sip:mallory@" HOME ">;tag=m%u\r\nTo: <sip:bob@" HOME
                       ">\r\n"
                       "Call-ID: message-%u\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
                       transport, addr_str(from, at), n, n, n);
        return text;
}

/* A request of the core along that Path. */
static inline void core_asks(struct tls_scene *s, const char *path)
{
        static unsigned n;
        char text[2048], at[ADDR_STR];
        struct addr core = s->x->p->core[0].local;

        n++;
        (void)snprintf(
                text, sizeof(text),
                "MESSAGE sip:alice@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKc%u;rport\r\n"
                "Route: %s\r\nMax-Forwards: 70\r\nFrom: <sip:bob@" HOME ">;tag=c%u\r\n"
                "To: <sip:alice@" HOME ">\r\nCall-ID: core-%u\r\nCSeq: 1 MESSAGE\r\n"
                "Content-Length: 0\r\n\r\n",
                addr_str(&s->x->core.addr, at), n, path, n, n);
        raw_send(&s->x->core, &core, text);
}

/* --- scenes --------------------------------------------------------------------------------------- */

/* c: but for the certificate. */
static inline int tls_scene_of(void **state, struct fix_conf c, int max_version)
{
        struct tls_scene *s = calloc(1, sizeof(*s));
        struct tls_conf ue = {.max_version = max_version, .client_renegotiations = 10};
        struct buf err = BUF_INIT;

        assert_non_null(s);
        tls_files_make(&s->files);
        c.tls_cert = s->files.cert;
        c.tls_key = s->files.key;
        s->x = fix_start(&c);
        ue.ca = s->files.ca;
        assert_int_equal(tls_context_new(&ue, TLS_CLIENT, &s->ctx, &err), 0);
        phone_start(&s->clear, s->x, 0, TRANSPORT_UDP);
        *state = s;
        return 0;
}

static inline int tls_scene_begin(void **state, const char *more, const char *tls_more, int max_version)
{
        const struct fix_conf c = {
                .ipsec = "\"off\"", .tls_more = tls_more, .more = more, .emergency = "psap"};

        return tls_scene_of(state, c, max_version);
}

static inline int tls_scene_12(void **state)
{
        return tls_scene_begin(state, "access: {type: other}\n", NULL, 1);
}

static inline int tls_scene_13(void **state)
{
        return tls_scene_begin(state, "access: {type: other}\n", NULL, 0);
}

static inline int tls_scene_end(void **state)
{
        struct tls_scene *s = *state;

        phone_stop(&s->clear);
        tls_context_free(s->ctx);
        fix_stop(s->x);
        tls_files_remove(&s->files);
        free(s);
        return 0;
}

#define TLS_SCENE(test, begin) cmocka_unit_test_setup_teardown(test, begin, tls_scene_end)
