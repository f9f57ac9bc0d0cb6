/* SPDX-License-Identifier: BSD-3-Clause
 * The sessions that may be resumed, kept outside of OpenSSL: bounded, with a lifetime counted from the full
 * handshake (TS 33.203 O.2.1), and so that one can be forgotten with all that came of it. A server keeps the
 * state on TLS 1.3, too: a ticket is only the number of an entry, and good once. */
#include <stdlib.h>
#include <time.h>

#include "common/net/tls_int.h"

#define LIFETIME_DEFAULT_S 3600
#define SESSIONS_DEFAULT   20000

struct entry {
        struct hnode by_id, by_family;
        struct list age;
        SSL_SESSION *session;
        uint64_t family, born_ms;
        uint32_t id_n;
        bool vouched;
        uint8_t id[]; /* server: the session id; client: the peer */
};

static uint64_t monotonic_ms(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t (*tls_clock_ms)(void) = monotonic_ms;

/* --- the store -------------------------------------------------------------------------------------- */

void tls_sessions_init(struct tls_sessions *s, const struct tls_conf *conf)
{
        list_init(&s->oldest);
        s->max = conf->max_sessions ? conf->max_sessions : SESSIONS_DEFAULT;
        s->lifetime_ms =
                UINT64_C(1000) * (conf->session_lifetime_s ? conf->session_lifetime_s : LIFETIME_DEFAULT_S);
}

static void drop(struct tls_sessions *s, struct entry *e)
{
        htab_remove(&s->by_id, &e->by_id);
        htab_remove(&s->by_family, &e->by_family);
        list_unlink(&e->age);
        SSL_SESSION_free(e->session);
        free(e);
        s->n--;
}

void tls_sessions_clear(struct tls_sessions *s)
{
        while (!list_empty(&s->oldest))
                drop(s, container_of(s->oldest.next, struct entry, age));
}

void tls_sessions_free(struct tls_sessions *s)
{
        tls_sessions_clear(s);
        htab_free(&s->by_id);
        htab_free(&s->by_family);
}

static bool eq_id(const struct hnode *n, const void *key)
{
        const struct entry *e = container_of(n, const struct entry, by_id);

        return span_eq(span_make(e->id, e->id_n), *(const struct span *)key);
}

static struct entry *find(struct tls_sessions *s, struct span id)
{
        struct hnode *n = htab_find(&s->by_id, hash_span(id), eq_id, &id);

        return n ? container_of(n, struct entry, by_id) : NULL;
}

static bool is_over(const struct tls_sessions *s, const struct entry *e)
{
        return tls_clock_ms() - e->born_ms >= s->lifetime_ms;
}

static void remove_id(struct tls_sessions *s, struct span id)
{
        struct entry *e = id.n ? find(s, id) : NULL;

        if (e)
                drop(s, e);
}

/* Those whose time is over stand in front, but for what was resumed: a few are looked at each time. */
static void make_room(struct tls_sessions *s)
{
        while (s->n >= s->max)
                drop(s, container_of(s->oldest.next, struct entry, age));
        for (int i = 0; i < 2 && !list_empty(&s->oldest); i++) {
                struct entry *e = container_of(s->oldest.next, struct entry, age);

                if (!is_over(s, e))
                        break;
                drop(s, e);
        }
}

/* Takes the reference of session when it gives true. */
static bool keep(struct tls_sessions *s, struct span id, SSL_SESSION *session, const struct tls_memory *m)
{
        struct entry *e;

        remove_id(s, id);
        make_room(s);
        e = calloc(1, sizeof(*e) + id.n);
        if (!e)
                return false;
        memcpy(e->id, id.p, id.n);
        e->id_n = (uint32_t)id.n;
        e->vouched = m->vouched;
        e->family = m->family;
        e->born_ms = m->born_ms;
        if (htab_insert(&s->by_id, &e->by_id, hash_span(id)) != 0 ||
            htab_insert(&s->by_family, &e->by_family, hash_mix(e->family, 0)) != 0) {
                htab_remove(&s->by_id, &e->by_id);
                free(e);
                return false;
        }
        e->session = session;
        list_append(&s->oldest, &e->age);
        s->n++;
        return true;
}

static bool eq_family(const struct hnode *n, const void *key)
{
        return container_of(n, const struct entry, by_family)->family == *(const uint64_t *)key;
}

void tls_sessions_forget(struct tls_sessions *s, struct tls_memory *m)
{
        struct hnode *n;

        m->forgotten = true;
        if (!m->family)
                return;
        while ((n = htab_find(&s->by_family, hash_mix(m->family, 0), eq_family, &m->family)))
                drop(s, container_of(n, struct entry, by_family));
}

void tls_sessions_vouch(struct tls_sessions *s, struct tls_memory *m)
{
        struct entry *e = m->id_n ? find(s, span_make(m->id, m->id_n)) : NULL;

        m->vouched = true;
        if (e)
                e->vouched = true;
}

/* --- what OpenSSL asks ------------------------------------------------------------------------------- */

/* A handshake made a session: of a new family, unless an earlier one was resumed. */
static void set_family(SSL *ssl, struct tls_sessions *s, struct tls_memory *m)
{
        if (m->family && !(m->borrowed && !SSL_session_reused(ssl)))
                return;
        m->family = ++s->last_family;
        m->born_ms = tls_clock_ms();
        m->borrowed = false;
}

static int on_new_server(SSL *ssl, SSL_SESSION *session)
{
        struct tls_sessions *s = &tls_stream_context(ssl)->sessions;
        struct tls_memory *m = tls_stream_memory(ssl);
        unsigned n;
        const unsigned char *id = SSL_SESSION_get_id(session, &n);

        set_family(ssl, s, m);
        remove_id(s, span_make(m->id, m->id_n)); /* that of the handshake before (O.4.2) */
        if (SSL_session_reused(ssl))
                remove_id(s, span_make(m->asked, m->asked_n)); /* a ticket is good once (RFC 8446 C.4) */
        m->id_n = 0;
        if (m->forgotten || !n || n > sizeof(m->id) || !keep(s, span_make(id, n), session, m))
                return 0;
        memcpy(m->id, id, n);
        m->id_n = n;
        return 1;
}

static SSL_SESSION *on_get_server(SSL *ssl, const unsigned char *id, int n, int *copy)
{
        struct tls_sessions *s = &tls_stream_context(ssl)->sessions;
        struct tls_memory *m = tls_stream_memory(ssl);
        struct entry *e = n > 0 ? find(s, span_make(id, (size_t)n)) : NULL;

        *copy = 1; /* the store keeps its own reference */
        if (!e)
                return NULL;
        if (is_over(s, e)) {
                drop(s, e);
                return NULL;
        }
        if (m->family && m->family != e->family) /* a renegotiation asks for somebody else's */
                return NULL;
        m->borrowed = !m->family || m->borrowed;
        m->family = e->family;
        m->born_ms = e->born_ms;
        m->vouched = m->vouched || e->vouched;
        m->asked_n = (unsigned)e->id_n;
        memcpy(m->asked, e->id, e->id_n);
        return e->session;
}

/* The first ticket that a ClientHello of TLS 1.3 names (RFC 8446 4.2.11), which is a number of an entry. */
static struct span ticket_asked(SSL *ssl)
{
        const unsigned char *p;
        size_t n, id_n;

        if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &p, &n) != 1 || n < 4)
                return SPAN_NULL;
        id_n = (size_t)p[2] << 8 | p[3];
        return id_n <= n - 4 ? span_make(p + 4, id_n) : SPAN_NULL;
}

/* Nothing was computed yet. Who only names a session has not proved that it is his: no more than his place
 * among those who may begin depends on it. */
static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
        struct tls_sessions *s = &tls_stream_context(ssl)->sessions;
        struct span id = ticket_asked(ssl);
        const unsigned char *p;
        const struct entry *e;

        (void)alert, (void)arg;
        if (!id.n) {
                id.n = SSL_client_hello_get0_session_id(ssl, &p);
                id = span_make(p, id.n);
        }
        e = id.n ? find(s, id) : NULL;
        return tls_stream_may_begin(ssl, e && e->vouched && !is_over(s, e)) ? SSL_CLIENT_HELLO_SUCCESS
                                                                            : SSL_CLIENT_HELLO_RETRY;
}

static void on_remove_server(SSL_CTX *ctx, SSL_SESSION *session)
{
        unsigned n;
        const unsigned char *id = SSL_SESSION_get_id(session, &n);

        remove_id(&tls_context_of(ctx)->sessions, span_make(id, n));
}

static int on_new_client(SSL *ssl, SSL_SESSION *session)
{
        struct tls_sessions *s = &tls_stream_context(ssl)->sessions;
        struct tls_memory *m = tls_stream_memory(ssl);

        set_family(ssl, s, m);
        return !m->forgotten && keep(s, tls_stream_peer(ssl), session, m);
}

SSL_SESSION *tls_sessions_offer(struct tls_sessions *s, struct span peer, struct tls_memory *m)
{
        struct entry *e = find(s, peer);
        SSL_SESSION *session;

        if (!e)
                return NULL;
        if (is_over(s, e)) {
                drop(s, e);
                return NULL;
        }
        session = e->session;
        m->family = e->family;
        m->born_ms = e->born_ms;
        m->borrowed = true;
        if (!SSL_SESSION_up_ref(session))
                return NULL;
        if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
                drop(s, e); /* a ticket is good once (RFC 8446 C.4) */
        return session;
}

void tls_sessions_use(const struct tls_sessions *s, SSL_CTX *ctx, enum tls_role role)
{
        static const unsigned char place[] = "quintet";

        (void)SSL_CTX_set_timeout(ctx, (long)(s->lifetime_ms / 1000) + 1); /* ours ends first */
        (void)SSL_CTX_set_session_cache_mode(
                ctx, (role == TLS_SERVER ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_CLIENT) |
                             SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
        if (role == TLS_CLIENT) {
                SSL_CTX_sess_set_new_cb(ctx, on_new_client);
                return;
        }
        (void)SSL_CTX_set_session_id_context(ctx, place, sizeof(place) - 1);
        (void)SSL_CTX_set_num_tickets(ctx, 1);
        SSL_CTX_set_client_hello_cb(ctx, on_client_hello, NULL);
        SSL_CTX_sess_set_new_cb(ctx, on_new_server);
        SSL_CTX_sess_set_get_cb(ctx, on_get_server);
        SSL_CTX_sess_set_remove_cb(ctx, on_remove_server);
}
