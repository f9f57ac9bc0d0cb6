/* SPDX-License-Identifier: BSD-3-Clause
 * Connections of devices. */
#include "hss/bootstrap_server.h"

#include <stdlib.h>
#include <time.h>

#include "common/base/log.h"
#include "common/base/timers.h"
#include "common/net/tls_conf.h"
#include "common/net/tls_gate.h"
#include "hss/bootstrap.h"
#include "hss/bootstrap_http.h"

#define LISTENERS_MAX  8
#define TOLD_PER_PAUSE 10 /* handshakes that failed, in IMS_TIMER_SIP_SOURCE_QUIET; more are counted */

struct bootstrap_server {
        struct loop *loop;
        const struct hss_conf *conf;
        struct store *store;
        struct pusher *pusher;
        struct trace *trace;
        struct tls_context *tls;
        struct tls_gate *gate;
        struct tcp_listener *listeners[LISTENERS_MAX];
        size_t n_listeners;
        struct list clients;
        uint64_t told_since_ms;
        unsigned told, untold;
        uint64_t n_refused; /* connections beyond bootstrap.max_per_source */
        bool stopping;
};

struct client {
        struct list node;
        struct bootstrap_server *server;
        struct tcp_conn *c;
        struct tmr life, retry;
        struct buf in;
        struct device_cert cert;
        char impi[256];
        bool known;    /* the handshake is done and the certificate read */
        bool answered; /* nothing that comes is looked at any more */
        bool given;    /* the answer holds credentials */
};

/* --- what is said -------------------------------------------------------------------------------- */

static void say(struct client *k, enum verdict_outcome outcome, enum verdict_cause cause, const char *text)
{
        struct bootstrap_server *s = k->server;
        struct buf evidence = BUF_INIT;
        char from[ADDR_STR];
        buf_printf(&evidence, "%s", addr_str(tcp_remote(k->c), from));
        if (k->known) {
                buf_puts(&evidence, ", certificate ");
                buf_quoted(&evidence, span_of(k->cert.subject), DEVICE_SUBJECT_MAX);
                buf_printf(&evidence, " %.16s...", k->cert.fingerprint);
        }
        buf_printf(&evidence, ": %s", text);
        buf_char(&evidence, '\0');
        struct verdict v = {.procedure = VERDICT_BOOTSTRAP,
                            .outcome = outcome,
                            .cause = cause,
                            .clause = "PKT-TR-SEC 6.1.1.3",
                            .evidence = evidence.err ? text : evidence.p,
                            .impi = k->impi[0] ? span_of(k->impi) : SPAN_NULL};
        trace_verdict(s->trace, &v);
        buf_free(&evidence);
}

/* Anybody can make a handshake fail, as often as he likes. */
static void say_handshake(struct client *k, const char *why)
{
        struct bootstrap_server *s = k->server;
        uint64_t now = loop_now_ms(s->loop);
        if (now - s->told_since_ms >= ims_timer_rows[IMS_TIMER_SIP_SOURCE_QUIET].default_ms) {
                if (s->untold)
                        log_warn("bootstrapping: %u more handshakes failed", s->untold);
                s->told = s->untold = 0;
                s->told_since_ms = now;
        }
        if (s->told++ < TOLD_PER_PAUSE)
                say(k, VERDICT_REFUSED, CAUSE_device_certificate, why);
        else
                s->untold++;
}

static void say_outcome(struct client *k, const struct bootstrap_outcome *o)
{
        const struct bootstrap_code_row *row = &bootstrap_code_rows[o->code];
        bool failed = o->code == BOOTSTRAP_UNAVAILABLE;
        say(k,
            o->code == BOOTSTRAP_GIVEN ? VERDICT_OK
            : failed                   ? VERDICT_FAILED
                                       : VERDICT_REFUSED,
            row->cause, failed ? store_trouble(k->server->store) : row->text);
}

/* --- answers ------------------------------------------------------------------------------------- */

static void answer(struct client *k, struct bootstrap_outcome *o)
{
        struct buf reply = {.secret = true};
        (void)!span_copy(span_of(o->impi), k->impi, sizeof k->impi);
        k->answered = true;
        k->given = o->code == BOOTSTRAP_GIVEN;
        say_outcome(k, o);
        bootstrap_reply_write(&reply, bootstrap_code_rows[o->code].status, buf_as_span(&o->answer));
        bool sent = o->answer.err == 0 && reply.err == 0 && tcp_send(k->c, buf_as_span(&reply)) == 0;
        buf_free(&reply);
        if (o->impi_row)
                push_now(k->server->pusher, o->impi_row, NULL);
        tcp_close(k->c, sent);
}

static void refuse(struct client *k, enum bootstrap_code code)
{
        struct bootstrap_outcome o = {0};
        bootstrap_refuse(code, &o);
        answer(k, &o);
        bootstrap_outcome_free(&o);
}

static void give(struct client *k);

static void on_retry(struct tmr *t, void *arg)
{
        (void)t;
        give(arg);
}

static void give(struct client *k)
{
        struct bootstrap_server *s = k->server;
        struct bootstrap_outcome o;
        if (!tcp_takes(k->c)) /* it left while the store was held: nothing is given to nobody */
                return;
        int rc = bootstrap_give(s->conf, s->store, &k->cert, (int64_t)time(NULL), &o);
        if (rc == 0)
                answer(k, &o);
        else if (rc == -IMS_EALREADY) /* until the connection's time is over */
                rc = tmr_start(s->loop, &k->retry, ims_timer_rows[IMS_TIMER_STORE_RETRY].default_ms, on_retry,
                               k);
        bootstrap_outcome_free(&o);
        if (rc < 0)
                tcp_close(k->c, false); /* out of memory */
}

static void requested(struct client *k, const struct bootstrap_request *rq)
{
        k->answered = true;
        if (!span_eq(rq->target, SPAN("/bootstrap")))
                refuse(k, BOOTSTRAP_NOT_FOUND);
        else if (!span_eq(rq->method, SPAN("POST")))
                refuse(k, BOOTSTRAP_METHOD_NOT_ALLOWED);
        else
                give(k);
}

/* --- connections --------------------------------------------------------------------------------- */

static void on_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct client *k = arg;
        struct bootstrap_request rq;
        if (k->answered || !k->known)
                return;
        buf_span(&k->in, data);
        if (k->in.err) {
                tcp_close(c, false);
                return;
        }
        int rc = bootstrap_request_parse(buf_as_span(&k->in), &rq);
        if (rc == 0)
                requested(k, &rq);
        else if (rc != -IMS_EINCOMPLETE)
                refuse(k, rc == -IMS_ETOOBIG ? BOOTSTRAP_TOO_LARGE : BOOTSTRAP_BAD_REQUEST);
}

static void on_session(struct tcp_conn *c, const struct tls_info *info, void *arg)
{
        struct client *k = arg;
        const X509 *x = info->verified ? tls_peer_certificate(c) : NULL;
        int rc = x ? device_cert_read(x, &k->cert) : -IMS_EAUTH;
        k->known = rc == 0;
        if (rc == 0) {
                tls_vouch(c);
                tls_gate_vouch(k->server->gate, tcp_remote(c));
                return;
        }
        say(k, VERDICT_REFUSED, CAUSE_device_certificate,
            rc == -IMS_EAUTH    ? "no certificate that could be verified"
            : rc == -IMS_EINVAL ? "its subject is empty or longer than 255 characters"
                                : ims_strerror(rc));
        k->answered = true;
        tcp_close(c, false);
}

static bool may_begin(struct tcp_conn *c, bool known, void *arg)
{
        struct client *k = arg;
        k->answered = !tls_gate_hello(k->server->gate, tcp_remote(c), known);
        return !k->answered;
}

static void on_close(struct tcp_conn *c, int reason, void *arg)
{
        struct client *k = arg;
        struct bootstrap_server *s = k->server;
        const char *why = tls_failure(c);
        if (!k->known && !k->answered && !s->stopping)
                say_handshake(k, why && *why ? why : "the connection ended before the handshake did");
        if (k->given && reason != 0)
                log_warn("bootstrapping: the answer to %s may not have arrived (%s): hss device forget %s",
                         k->impi, ims_strerror(reason), k->impi);
        tmr_stop(s->loop, &k->life);
        tmr_stop(s->loop, &k->retry);
        list_unlink(&k->node);
        buf_free(&k->in);
        free(k);
}

static void on_end_of_life(struct tmr *t, void *arg)
{
        (void)t;
        struct client *k = arg;
        tcp_close(k->c, false);
}

static uint32_t from_same(const struct bootstrap_server *s, const struct addr *from)
{
        const struct addr source = addr_source(from);
        uint32_t n = 0;
        list_for_each(pos, &s->clients)
        {
                const struct client *k = container_of(pos, const struct client, node);
                const struct addr other = addr_source(tcp_remote(k->c));
                n += addr_ip_eq(&other, &source);
        }
        return n;
}

static void on_accept(struct tcp_conn *c, void *arg)
{
        static const struct tcp_handlers handlers = {.on_data = on_data, .on_close = on_close};
        struct bootstrap_server *s = arg;
        struct client *k = NULL;
        char from[ADDR_STR];
        if (!tls_gate_accepts(s->gate, tcp_remote(c)))
                return; /* without handlers it is closed */
        if (from_same(s, tcp_remote(c)) >= s->conf->bootstrap.max_per_source) {
                s->n_refused++;
                if ((s->n_refused & (s->n_refused - 1)) == 0) /* 1st, 2nd, 4th, 8th ... */
                        log_warn("bootstrapping: too many connections of %s at once "
                                 "(bootstrap.max_per_source; refused so far: %llu)",
                                 addr_str(tcp_remote(c), from), (unsigned long long)s->n_refused);
                return; /* without handlers it is closed */
        }
        k = calloc(1, sizeof *k);
        if (!k)
                return;
        k->server = s;
        k->c = c;
        k->in.secret = true;
        const struct tls_hooks hooks = {.may_begin = may_begin, .on_session = on_session, .arg = k};
        if (tmr_start(s->loop, &k->life, s->conf->bootstrap.timeout_ms, on_end_of_life, k) < 0) {
                free(k);
                return;
        }
        if (tls_start(c, s->tls, NULL, &hooks) < 0) {
                tmr_stop(s->loop, &k->life);
                free(k);
                return;
        }
        list_append(&s->clients, &k->node);
        tcp_set_handlers(c, &handlers, k);
}

/* --- life ---------------------------------------------------------------------------------------- */

static int listen_all(struct bootstrap_server *s)
{
        const struct bootstrap_conf *b = &s->conf->bootstrap;
        int rc = b->listen.n > LISTENERS_MAX ? -IMS_ELIMIT : 0;
        for (size_t i = 0; rc == 0 && i < b->listen.n; i++) {
                const char *text = ((char **)b->listen.items)[i];
                struct addr a;
                rc = addr_parse(span_of(text), 0, &a);
                if (rc == 0)
                        rc = tcp_listen(s->loop, &a, b->max_connections, on_accept, s,
                                        &s->listeners[s->n_listeners]);
                if (rc == 0)
                        s->n_listeners++;
                else
                        log_error("bootstrap.listen: %s: %s", text, ims_strerror(rc));
        }
        return rc;
}

int bootstrap_server_new(struct loop *l, const struct hss_conf *conf, struct store *store,
                         struct pusher *pusher, struct trace *trace, struct bootstrap_server **out)
{
        const struct bootstrap_conf *b = &conf->bootstrap;
        const struct tls_conf tls = hss_conf_bootstrap_tls(b);
        *out = NULL;
        if (b->listen.n == 0)
                return 0;
        struct bootstrap_server *s = calloc(1, sizeof *s);
        if (!s)
                return -IMS_ENOMEM;
        *s = (struct bootstrap_server){
                .loop = l, .conf = conf, .store = store, .pusher = pusher, .trace = trace};
        const struct tls_gate_conf rates = {.per_source = b->handshakes_per_source,
                                            .all = b->handshakes,
                                            .per_source_key = "bootstrap.handshakes_per_source",
                                            .all_key = "bootstrap.handshakes"};
        list_init(&s->clients);
        int rc = tls_gate_new(l, &rates, &s->gate);
        if (rc == 0)
                rc = tls_conf_open(&tls, "bootstrap", TLS_SERVER, &s->tls);
        if (rc == 0)
                rc = listen_all(s);
        if (rc < 0) {
                bootstrap_server_free(s);
                return rc;
        }
        *out = s;
        return 0;
}

void bootstrap_server_reload(struct bootstrap_server *s)
{
        if (s)
                tls_conf_reload(s->tls, "bootstrap");
}

void bootstrap_server_stop(struct bootstrap_server *s)
{
        if (!s)
                return;
        s->stopping = true;
        for (size_t i = 0; i < s->n_listeners; i++)
                tcp_listener_close(s->listeners[i]);
        s->n_listeners = 0;
        list_for_each_safe(pos, tmp, &s->clients)
        {
                struct client *k = container_of(pos, struct client, node);
                tcp_close(k->c, k->answered);
        }
}

void bootstrap_server_free(struct bootstrap_server *s)
{
        if (!s)
                return;
        bootstrap_server_stop(s);
        while (!list_empty(&s->clients))
                loop_once(s->loop);
        tls_context_free(s->tls);
        tls_gate_free(s->gate);
        free(s);
}
