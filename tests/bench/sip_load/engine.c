/* SPDX-License-Identifier: BSD-3-Clause
 * Starts operations when they are due, answers challenges, retransmits (RFC 3261 17.1.2 timers E and F) and
 * counts. Nothing here waits for an answer before the next start: latency is counted from the moment an
 * operation was due, so what waits behind a slow one is seen too. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/auth/digest.h"
#include "common/base/codec.h"
#include "tests/bench/sip_load/secure.h"

#define STARTS_PER_TURN 256
#define T2_MS           4000

struct load {
        const struct load_conf *conf;
        struct load_keys *keys;
        struct aka_ctx *aka;
        struct load_net *net;
        struct load_secure *secure; /* NULL: without IPsec */
        struct load_ue *ues;
        struct load_attempt *attempts;
        uint32_t *unused; /* places in attempts */
        uint32_t n, n_unused, run, n_registered;
        struct list retransmit[LOAD_STAGES]; /* each in the order of its times: one delay per list */
        struct list give_up;
        uint64_t random;
        bool stopped;

        /* the phase under way */
        enum load_phase_kind kind;
        struct load_result *result;
        struct procs procs;
        uint64_t due_ns, n_due, cursor;
        double due_exact_ns;
        bool over; /* nothing more is started */
};

static uint64_t next_random(struct load *l)
{
        l->random ^= l->random << 13;
        l->random ^= l->random >> 7;
        l->random ^= l->random << 17;
        return l->random;
}

static double next_share(struct load *l)
{
        return ((double)(next_random(l) >> 11) + 1) / 9007199254740993.0;
}

/* --- the end of an attempt ------------------------------------------------------------------------- */

static void attempt_end(struct load *l, struct load_attempt *a)
{
        list_unlink(&a->retransmit);
        list_unlink(&a->give_up);
        l->ues[a->ue].attempt = 0;
        l->unused[l->n_unused++] = (uint32_t)(a - l->attempts);
        l->result->last_ns = bench_now_ns();
}

static void attempt_failed(struct load *l, struct load_attempt *a, uint32_t *reason)
{
        ++*reason;
        l->result->failed++;
        if (l->secure)
                load_secure_failed(l->secure, a->ue);
        attempt_end(l, a);
}

static void attempt_ok(struct load *l, struct load_attempt *a)
{
        struct load_result *r = l->result;
        struct load_ue *ue = &l->ues[a->ue];
        uint64_t now = bench_now_ns();
        bool registered = a->op != OP_DEREGISTER;

        r->ok++;
        r->ops[a->op].ok++;
        if (r->window_ns[0] && !r->window_ns[1])
                r->window_ok++;
        if (a->counted)
                hist_add(&r->latency, (now - a->scheduled_ns) / NS_PER_US);
        l->n_registered += registered;
        l->n_registered -= ue->registered;
        ue->registered = registered;
        if (l->secure)
                load_secure_ok(l->secure, a->ue, registered);
        attempt_end(l, a);
}

/* --- out ------------------------------------------------------------------------------------------- */

static uint64_t stage_ns(const struct load *l, unsigned stage)
{
        uint64_t ms = (uint64_t)l->conf->t1_ms << stage;

        return (ms < T2_MS || stage == 0 ? ms : T2_MS) * NS_PER_MS;
}

/* With SIP Digest an address is one user's (TS 33.203 N.2.1.1), also of those that an earlier run left. */
static uint32_t source_of(const struct load *l, uint32_t ue)
{
        return (l->conf->digest && !l->conf->tls_ca ? l->conf->first + ue : ue) % l->conf->n_sources;
}

/* Protected answers come to the server port (TS 33.203 7.1). */
static enum load_socket answers_at(struct load_way way)
{
        return way.socket == LOAD_CLEAR ? LOAD_CLEAR : LOAD_US;
}

static void attempt_arm(struct load *l, struct load_attempt *a, uint64_t now)
{
        list_unlink(&a->retransmit);
        if (l->conf->tcp)
                return;
        a->retransmit_ns = now + stage_ns(l, a->stage);
        list_append(&l->retransmit[a->stage], &a->retransmit);
}

/* server: what a Security-Server said, empty without. */
static void attempt_send(struct load *l, struct load_attempt *a, struct span nonce, const char *response,
                         struct span server)
{
        struct load_ue *ue = &l->ues[a->ue];
        char local[LOAD_LOCAL_SIZE], contact[LOAD_LOCAL_SIZE];
        uint32_t source = source_of(l, a->ue);
        struct load_message m = {
                .conf = l->conf,
                .local = local,
                .contact = l->secure ? contact : local,
                .run = l->run,
                .ue = a->ue,
                .cseq = ++ue->cseq,
                .expires_s = a->op == OP_DEREGISTER ? 0 : l->conf->expires_s,
                .nonce = nonce,
                .response = response,
        };

        a->way = (struct load_way){LOAD_CLEAR, 0};
        if (l->secure) {
                a->way = load_secure_way(l->secure, a->ue, response != NULL);
                m.secure = load_secure_headers(l->secure, a->ue, server);
                load_net_local(l->net, source, LOAD_US, contact);
        }
        load_net_local(l->net, source, answers_at(a->way), local);
        load_key_of(l->conf, l->keys, a->ue, &m.key);
        a->n = (uint16_t)load_message_write(&m, a->octets);
        a->stage = 0;
        attempt_arm(l, a, bench_now_ns());
        load_net_send(l->net, source, a->way, a->octets, a->n);
}

/* --- in -------------------------------------------------------------------------------------------- */

/* The response to a nonce (RFC 2617 3.2.2.1). NULL, or the reason why not. */
static uint32_t *compute(struct load *l, const struct load_attempt *a, const struct load_key *key,
                         enum digest_algorithm algorithm, struct span nonce, struct span password,
                         char response[static DIGEST_HEX_MAX])
{
        char user[64], ha1[DIGEST_HEX_MAX], cnonce[20];
        struct digest_input in = {.algorithm = algorithm,
                                  .method = SPAN("REGISTER"),
                                  .uri = SPAN("sip:" LOAD_DOMAIN),
                                  .nonce = nonce,
                                  .nc = SPAN("00000001"),
                                  .qop = SPAN("auth")};

        (void)snprintf(user, sizeof user, "%s@" LOAD_DOMAIN, key->imsi);
        (void)snprintf(cnonce, sizeof cnonce, "%08x%08x", l->run, l->ues[a->ue].cseq + 1);
        if (digest_ha1(algorithm, span_of(user), SPAN(LOAD_DOMAIN), password, ha1) != 0)
                return &l->result->bad_challenge;
        in.ha1 = span_of(ha1);
        in.cnonce = span_of(cnonce);
        return digest_response(&in, response) == 0 ? NULL : &l->result->bad_challenge;
}

static uint32_t *digest_answer(struct load *l, const struct load_attempt *a, struct span nonce,
                               char response[static DIGEST_HEX_MAX])
{
        char password[LOAD_PASSWORD_SIZE];
        struct load_key key;

        load_key_of(l->conf, l->keys, a->ue, &key);
        load_password_of(&key, password);
        return compute(l, a, &key, DIGEST_MD5, nonce, span_of(password), response);
}

/* RES for the challenge as the response of AKAv1-MD5 (RFC 3310 3.3). NULL, or the reason why not. */
static uint32_t *aka_answer(struct load *l, struct load_attempt *a, struct span nonce,
                            char response[static DIGEST_HEX_MAX], struct aka_av *av)
{
        struct load_key key;
        struct aka_key aka = {.algorithm = AKA_MILENAGE, .k_n = 16};
        uint8_t octets[64];
        size_t n = 0;
        uint64_t sqn = 0;
        uint16_t amf = 0;
        struct load_ue *ue = &l->ues[a->ue];

        if (base64_decode(nonce, octets, sizeof octets, &n) != 0 || n < 32)
                return &l->result->bad_challenge;
        load_key_of(l->conf, l->keys, a->ue, &key);
        memcpy(aka.k, key.k, 16);
        memcpy(aka.opc, key.opc, 16);
        if (aka_check_autn(l->aka, &aka, octets, octets + 16, &sqn, &amf, av) != 0)
                return &l->result->mac_wrong;
        if (ue->sqn && sqn <= ue->sqn)
                return &l->result->sqn_used;
        ue->sqn = sqn;
        return compute(l, a, &key, DIGEST_AKAV1_MD5, nonce, span_make(av->xres, av->xres_n), response);
}

/* CK and IK are the P-CSCF's alone (TS 24.229 5.2.2). A nonce may well end in ck=. */
static bool shows_keys(struct span octets)
{
        static const char *const marks[] = {" ck=\"", ",ck=\"", " ik=\"", ",ik=\""};

        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
                if (span_find(octets, span_of(marks[i])) >= 0)
                        return true;
        return false;
}

/* SAs for the answer. NULL, or the reason why not. */
static uint32_t *agree(struct load *l, struct load_attempt *a, struct span octets, const struct aka_av *av,
                       struct span *out_server)
{
        switch (load_secure_challenged(l->secure, a->ue, octets, av, out_server)) {
        case LOAD_SECURE_OK:
                return NULL;
        case LOAD_SECURE_NO_AGREEMENT:
                return &l->result->no_agreement;
        default:
                return &l->result->no_sa;
        }
}

static void on_challenge(struct load *l, struct load_attempt *a, struct span octets)
{
        const bool digest = l->conf->digest;
        char response[DIGEST_HEX_MAX];
        struct span nonce = load_parameter(octets, "nonce=\""), server = SPAN_NULL;
        struct aka_av av;
        uint32_t *why;

        if (a->answered_challenge)
                why = &l->result->challenged_again;
        else if (shows_keys(octets))
                why = &l->result->keys_shown;
        else if (span_find(octets, digest ? SPAN("algorithm=MD5") : SPAN("algorithm=AKAv1-MD5")) < 0 ||
                 nonce.n > 100 || !span_eq(load_parameter(octets, "realm=\""), SPAN(LOAD_DOMAIN)))
                why = &l->result->bad_challenge;
        else if (digest)
                why = digest_answer(l, a, nonce, response);
        else
                why = aka_answer(l, a, nonce, response, &av);
        if (!why && l->secure)
                why = agree(l, a, octets, &av, &server);
        if (why) {
                attempt_failed(l, a, why);
                return;
        }
        a->answered_challenge = true;
        attempt_send(l, a, nonce, response, server);
}

/* A 200 names the binding that was made and the way back; after a de-registration no binding is left. With
 * SIP Digest it carries a proof of the network when it answers a proof. */
static bool is_good_ok(const struct load_attempt *a, struct span octets, bool digest)
{
        bool contact = span_find(octets, SPAN("\r\nContact: ")) >= 0;

        if (digest && a->answered_challenge && span_find(octets, SPAN("rspauth=\"")) < 0)
                return false;
        if (a->op == OP_DEREGISTER)
                return !contact;
        return contact && span_find(octets, SPAN("\r\nService-Route: ")) >= 0;
}

static void on_receive(struct span octets, enum load_socket at, void *arg)
{
        struct load *l = arg;
        struct load_answer ans;

        if (!l->result || !load_answer_read(octets, l->run, &ans) || ans.ue >= l->n)
                return;
        struct load_ue *ue = &l->ues[ans.ue];
        if (!ue->attempt || ans.cseq != ue->cseq) {
                l->result->late++; /* of an attempt that is over, or a second copy */
                return;
        }
        struct load_attempt *a = &l->attempts[ue->attempt - 1];
        if (ans.status < 200)
                return;
        if (at != answers_at(a->way)) {
                attempt_failed(l, a, &l->result->wrong_way);
                return;
        }
        if (ans.status == 401)
                on_challenge(l, a, octets);
        else if (ans.status != 200)
                attempt_failed(l, a, &l->result->by_status[ans.status]);
        else if (!is_good_ok(a, octets, l->conf->digest))
                attempt_failed(l, a, &l->result->bad_ok);
        else
                attempt_ok(l, a);
}

/* --- starting -------------------------------------------------------------------------------------- */

static bool fits(const struct load *l, enum load_phase_kind kind, uint32_t ue)
{
        const struct load_ue *u = &l->ues[ue];

        if (u->attempt)
                return false;
        switch (kind) {
        case PHASE_REGISTER:
                return !u->registered;
        case PHASE_REFRESH:
        case PHASE_DEREGISTER:
                return u->registered;
        default:
                return true;
        }
}

/* Whose turn it is: the next in the row, for a mixture anybody. False when nobody is left. */
static bool choose(struct load *l, uint32_t *out_ue, enum load_op *out_op)
{
        if (l->kind == PHASE_CHURN) {
                *out_ue = (uint32_t)(next_random(l) % l->n);
                *out_op = !l->ues[*out_ue].registered ? OP_REGISTER
                          : next_random(l) & 1        ? OP_REFRESH
                                                      : OP_DEREGISTER;
                return true;
        }
        *out_op = (enum load_op)l->kind;
        for (; l->cursor < l->n; l->cursor++)
                if (fits(l, l->kind, (uint32_t)l->cursor)) {
                        *out_ue = (uint32_t)l->cursor++;
                        return true;
                }
        return false;
}

static void attempt_begin(struct load *l, uint32_t ue, enum load_op op, uint64_t now)
{
        struct load_result *r = l->result;
        struct load_attempt *a;

        if (l->ues[ue].attempt || l->n_unused == 0) {
                r->skipped++; /* the same phone again while it is busy; or too many are */
                if (l->n_unused == 0) {
                        r->failed++;
                        r->too_many++;
                }
                return;
        }
        r->started++;
        r->ops[op].started++;
        uint32_t place = l->unused[--l->n_unused];
        l->ues[ue].attempt = place + 1;
        a = &l->attempts[place];
        a->ue = ue;
        a->op = (uint8_t)op;
        a->answered_challenge = false;
        a->counted = r->window_ns[0] != 0 && r->window_ns[1] == 0;
        a->scheduled_ns = l->due_ns;
        a->give_up_ns = now + l->conf->give_up_ms * NS_PER_MS;
        list_append(&l->give_up, &a->give_up);
        if (l->secure)
                load_secure_begin(l->secure, ue);
        attempt_send(l, a, SPAN_NULL, NULL, SPAN_NULL);
        hist_add(&r->lag, (now - l->due_ns) / NS_PER_US);
}

static void window_open(struct load *l)
{
        procs_read(&l->result->procs, 0);
        l->result->own_cpu_ns[0] = bench_own_cpu_ns();
        l->result->window_ns[0] = bench_now_ns();
}

static void window_close(struct load *l)
{
        if (!l->result->window_ns[0])
                window_open(l);
        l->result->window_ns[1] = bench_now_ns();
        l->result->own_cpu_ns[1] = bench_own_cpu_ns();
        procs_read(&l->result->procs, 1);
}

static void schedule_next(struct load *l)
{
        double gap = (double)NS_PER_S / l->conf->rate;

        if (l->conf->poisson)
                gap *= -log(next_share(l));
        l->n_due++;
        l->due_exact_ns += gap;
        l->due_ns = l->result->begin_ns + (uint64_t)l->due_exact_ns;
}

/* In a closed loop the next one is due when an earlier one has ended. */
static bool is_due(struct load *l, uint64_t now)
{
        if (!l->conf->at_once)
                return l->due_ns <= now;
        l->due_ns = now;
        return l->conf->max_pending - l->n_unused < l->conf->at_once;
}

static void start_due(struct load *l)
{
        uint64_t end_ns = l->result->begin_ns + l->conf->duration_ms * NS_PER_MS;
        uint32_t ue;
        enum load_op op;

        for (int i = 0; i < STARTS_PER_TURN && !l->over; i++) {
                uint64_t now = bench_now_ns();
                if (!is_due(l, now))
                        return;
                if (!l->result->window_ns[0] &&
                    l->due_ns >= l->result->begin_ns + l->conf->warmup_ms * NS_PER_MS)
                        window_open(l);
                l->over = l->stopped || (l->conf->duration_ms && l->due_ns >= end_ns) || !choose(l, &ue, &op);
                if (l->over) {
                        window_close(l);
                        return;
                }
                attempt_begin(l, ue, op, now);
                schedule_next(l);
        }
}

/* --- timers ---------------------------------------------------------------------------------------- */

static uint64_t timers_next(const struct load *l)
{
        uint64_t next = UINT64_MAX;

        for (unsigned s = 0; s < LOAD_STAGES; s++)
                if (!list_empty(&l->retransmit[s])) {
                        uint64_t at = container_of(l->retransmit[s].next, struct load_attempt, retransmit)
                                              ->retransmit_ns;
                        next = at < next ? at : next;
                }
        if (!list_empty(&l->give_up)) {
                uint64_t at = container_of(l->give_up.next, struct load_attempt, give_up)->give_up_ns;
                next = at < next ? at : next;
        }
        return next;
}

static void timers_run(struct load *l)
{
        uint64_t now = bench_now_ns();

        for (unsigned s = LOAD_STAGES; s-- > 0;)
                while (!list_empty(&l->retransmit[s])) {
                        struct load_attempt *a =
                                container_of(l->retransmit[s].next, struct load_attempt, retransmit);
                        if (a->retransmit_ns > now)
                                break;
                        a->stage += a->stage < LOAD_STAGES - 1;
                        attempt_arm(l, a, now);
                        l->result->retransmitted++;
                        load_net_send(l->net, source_of(l, a->ue), a->way, a->octets, a->n);
                }
        while (!list_empty(&l->give_up)) {
                struct load_attempt *a = container_of(l->give_up.next, struct load_attempt, give_up);
                if (a->give_up_ns > now)
                        break;
                attempt_failed(l, a, &l->result->timeout);
        }
}

/* --- phases ---------------------------------------------------------------------------------------- */

static void report_progress(struct load *l, uint64_t *next_ns)
{
        uint64_t now = bench_now_ns();
        const struct load_result *r = l->result;

        if (!l->conf->progress || now < *next_ns)
                return;
        *next_ns = now + NS_PER_S;
        (void)fprintf(stderr, "%.0f s: started %llu ok %llu failed %llu registered %u\n",
                      (double)(now - r->begin_ns) / NS_PER_S, (unsigned long long)r->started,
                      (unsigned long long)r->ok, (unsigned long long)r->failed, l->n_registered);
}

/* Says where a phase begins or ends, and does nothing for a moment: whoever reads the mark may be late. */
static void mark(const struct load *l, const char *what)
{
        const struct timespec ts = {.tv_nsec = 200 * NS_PER_MS};

        if (!l->conf->marks)
                return;
        (void)fprintf(stderr, "mark %s %s\n", load_phase_name(l->kind), what);
        (void)nanosleep(&ts, NULL);
}

struct load_result *load_run(struct load *l, enum load_phase_kind kind)
{
        struct load_result *r = calloc(1, sizeof *r);
        uint64_t progress_ns = 0;

        if (!r)
                return NULL;
        l->kind = kind;
        l->result = r;
        l->cursor = l->n_due = 0;
        l->due_exact_ns = 0;
        l->over = false;
        r->procs = l->procs;
        mark(l, "open");
        r->begin_ns = l->due_ns = r->last_ns = bench_now_ns();
        for (;;) {
                start_due(l);
                timers_run(l);
                load_net_flush(l->net);
                if (l->over && list_empty(&l->give_up))
                        break;
                uint64_t until = timers_next(l);
                if (!l->over && !l->conf->at_once && l->due_ns < until)
                        until = l->due_ns;
                load_net_wait(l->net, until);
                load_net_flush(l->net);
                report_progress(l, &progress_ns);
        }
        mark(l, "close");
        r->secure_ns = load_secure_spent_ns(l->secure);
        l->result = NULL;
        return r;
}

void load_stop(struct load *l)
{
        l->stopped = true;
}

uint32_t load_registered(const struct load *l)
{
        return l->n_registered;
}

int load_new(const struct load_conf *c, const struct procs *procs, struct load **out)
{
        struct load *l = calloc(1, sizeof *l);
        int err = l ? aka_ctx_new(&l->aka) : -IMS_ENOMEM;

        if (!err && c->csv)
                err = load_keys_read(c->csv, &l->keys);
        if (!err) {
                l->conf = c;
                l->procs = *procs;
                l->n = l->keys && (c->n == 0 || load_keys_n(l->keys) < c->n) ? load_keys_n(l->keys) : c->n;
                l->ues = calloc(l->n, sizeof *l->ues);
                l->attempts = calloc(c->max_pending, sizeof *l->attempts);
                l->unused = calloc(c->max_pending, sizeof *l->unused);
                err = l->ues && l->attempts && l->unused ? 0 : -IMS_ENOMEM;
        }
        for (uint32_t i = 0; i < c->max_pending && !err; i++)
                l->unused[l->n_unused++] = c->max_pending - 1 - i;
        if (!err)
                err = load_net_new(c, on_receive, l, &l->net);
        if (!err && c->ipsec)
                err = load_secure_new(c, l->n, &l->secure);
        if (err) {
                load_free(l);
                return err;
        }
        for (unsigned s = 0; s < LOAD_STAGES; s++)
                list_init(&l->retransmit[s]);
        list_init(&l->give_up);
        l->random = bench_now_ns() | 1;
        l->run = (uint32_t)(l->random >> 10);
        *out = l;
        return 0;
}

void load_free(struct load *l)
{
        if (!l)
                return;
        aka_ctx_free(l->aka);
        load_net_free(l->net);
        load_secure_free(l->secure);
        load_keys_free(l->keys);
        free(l->ues);
        free(l->attempts);
        free(l->unused);
        free(l);
}
