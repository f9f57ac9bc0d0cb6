/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest for requests other than REGISTER: 407, with H(A1) of the registration and nonces of its own.
 * TS 33.203 N.2.1.2, N.2.3; PKT-TR-SEC 6.1.2.2, 6.1.3.1.3. Initial and stand-alone requests are asked; those
 * inside a dialog belong to one that was, ACK and CANCEL cannot be challenged (RFC 3261 22.1). */
#include "scscf/requests.h"

#include "common/base/log.h"
#include "common/cscf/home_domain.h"
#include "common/sip/grammar.h"
#include "scscf/auth.h"
#include "scscf/digest_fetch.h"
#include "scscf/user_store.h"

#define CLAUSE "TS 33.203 N.2.1.2"

/* What one request is asked with. */
struct asking {
        struct scscf *s;
        struct sip_request *rq;
        const struct impu *served;
        struct user *user; /* whose H(A1) it is */
        struct sip_digest_credentials a;
        struct digest_question q;
        struct digest_finding f;
        struct digest_nonce fresh; /* the one of the answer, when it was not answered before */
        const char *mistake;
};

/* --- answers ------------------------------------------------------------------------------------- */

static void refuse(const struct asking *k, enum verdict_cause cause, int status, const char *why)
{
        const struct request_end end = {.outcome = VERDICT_REFUSED,
                                        .cause = cause,
                                        .status = status,
                                        .clause = CLAUSE,
                                        .impi = k->user ? user_impi(k->user) : SPAN_NULL,
                                        .impu = impu_text(k->served),
                                        .evidence = span_of(why)};

        request_refuse(k->s, k->rq, &end);
}

static void refuse_internal(const struct asking *k, int err)
{
        const struct request_end end = {.outcome = VERDICT_FAILED,
                                        .cause = err == -IMS_ENOMEM ? CAUSE_overload : CAUSE_internal_error,
                                        .status = err == -IMS_ENOMEM ? 503 : 500,
                                        .clause = CLAUSE,
                                        .impu = impu_text(k->served),
                                        .evidence = span_of(ims_strerror(err))};

        request_refuse(k->s, k->rq, &end);
}

static void say(const struct asking *k, const char *clause)
{
        struct buf text = BUF_INIT;
        struct request_end end = {.outcome = VERDICT_REFUSED,
                                  .cause = k->f.cause,
                                  .status = 407,
                                  .clause = clause,
                                  .impi = user_impi(k->user),
                                  .impu = impu_text(k->served)};

        buf_puts(&text, k->f.why);
        if (k->mistake)
                buf_printf(&text, "; %s", k->mistake);
        end.evidence = buf_as_span(&text);
        request_say(k->s, k->rq->msg, &end);
        buf_free(&text);
}

/* A fresh nonce with the parameters of the registration (DIG-041, DIG-042). */
static void challenge(const struct asking *k, bool stale)
{
        struct digest_user *d = k->user->digest;
        struct digest_nonce n;
        int rc = digest_proxy_nonce(d->proxy, d->key.algorithm, k->q.limits.now_ms, &n);
        struct sip_field field = {.id = SIP_HDR_PROXY_AUTHENTICATE};
        struct buf text = BUF_INIT;

        if (rc == 0) {
                digest_challenge_write(&n, shared_text(d->key.realm), k->q.opaque, stale, &text);
                rc = text.err;
        }
        if (rc < 0) {
                refuse_internal(k, rc);
        } else {
                field.value = buf_as_span(&text);
                sip_reply(k->rq, 407, NULL, &field, 1);
        }
        buf_free(&text);
}

/* --- whose request it is --------------------------------------------------------------------------- */

static bool is_digest(const struct user *u)
{
        return u->scheme == &auth_schemes[AUTH_DIGEST_NBA];
}

/* The user of Digest who sent it, or NULL when it came from one of another scheme. An identity that phones of
 * both share is told apart by the Service-Route (PKT-TR-SEC 6.1.1). */
static struct user *sender(const struct impu *served, const struct request_route *route)
{
        const struct user *named = request_user(served->set, route);
        struct user *any = NULL;
        bool others = false;

        list_for_each(n, &served->set->contacts)
        {
                struct user *u = container_of(n, struct contact, in_set)->user;

                if (u == named)
                        return is_digest(u) ? u : NULL;
                if (is_digest(u))
                        any = u;
                else
                        others = true;
        }
        return others ? NULL : any;
}

/* Which of several phones of a user it was nobody says: one without TLS is enough to ask. */
static bool has_clear_binding(const struct reg_set *set, const struct user *u)
{
        list_for_each(n, &set->contacts)
        {
                const struct contact *c = container_of(n, struct contact, in_set);

                if (c->user == u && !c->tls)
                        return true;
        }
        return false;
}

static bool is_asked(const struct scscf *s, const struct reg_set *set, const struct user *u)
{
        switch (s->conf->digest.requests) {
        case SCSCF_REQUESTS_ALWAYS:
                return true;
        case SCSCF_REQUESTS_UNPROTECTED:
                return has_clear_binding(set, u);
        default:
                return false;
        }
}

/* Credentials for this realm; those for other proxies on the way are not ours (RFC 3261 22.3). */
static bool find_credentials(const struct sip_msg *m, struct span realm, struct sip_digest_credentials *out)
{
        const struct sip_hdr *h;

        for (size_t i = 0; (h = sip_digest_line(m, SIP_HDR_PROXY_AUTHORIZATION, i)); i++)
                if (sip_digest_credentials_parse(h->value, out) == 0 && span_eq(out->realm, realm))
                        return true;
        *out = (struct sip_digest_credentials){0};
        return false;
}

/* --- the check ----------------------------------------------------------------------------------- */

static int prepare(struct asking *k)
{
        struct digest_user *d = k->user->digest;

        if (!d->proxy) {
                int rc = digest_proxy_new(k->s->reg.port.now_ms(k->s->reg.arg), &d->proxy);

                if (rc < 0)
                        return rc;
        }
        k->q = (struct digest_question){.method = k->rq->msg->method_name,
                                        .a = &k->a,
                                        .opaque = span_of(k->s->reg.opaque),
                                        .limits = digest_limits(&k->s->reg),
                                        .engine = &d->proxy->answered};
        if (digest_proxy_open(d->proxy, k->a.nonce, &k->fresh))
                k->q.pending = &k->fresh;
        return 0;
}

static void wrong(struct asking *k)
{
        struct digest_engine *e = k->q.engine;
        const struct scscf_digest_conf *conf = &k->s->conf->digest;

        e->failures += e->failures < UINT16_MAX;
        if (k->f.cause == CAUSE_password_wrong)
                k->mistake = digest_mistake(k->user->digest, &k->q, k->rq->msg->ruri);
        if (conf->failed_request == SCSCF_FAILED_REFUSE || e->failures >= conf->max_failures) {
                refuse(k, k->f.cause, 403, k->mistake ? k->mistake : k->f.why);
                return;
        }
        say(k, CLAUSE);
        challenge(k, false);
}

/* The digest is right; what it is for must be this request. */
static bool right(struct asking *k)
{
        struct digest_user *d = k->user->digest;
        struct digest_nonce *n = k->f.nonce;

        if (!span_eq(k->a.uri, k->rq->msg->ruri)) {
                refuse(k, CAUSE_uri_differs, 400, "uri is not the Request-URI");
                return false;
        }
        if (n == &k->fresh)
                n = digest_proxy_keep(d->proxy, n, &k->q.limits);
        n->nc = k->f.nc;
        n->uses++;
        k->q.engine->failures = 0;
        digest_prove(d, k->f.key);
        return true;
}

static bool judge(struct asking *k)
{
        k->f = digest_check(k->user->digest, &k->q);
        switch (k->f.result) {
        case DIGEST_NO_ANSWER:
                challenge(k, false);
                return false;
        case DIGEST_MALFORMED:
                refuse(k, k->f.cause, 400, k->f.why);
                return false;
        case DIGEST_WRONG:
                wrong(k);
                return false;
        case DIGEST_STALE:
        case DIGEST_REPLAYED:
                say(k, "TS 33.203 N.2.3");
                challenge(k, true);
                return false;
        case DIGEST_RIGHT:
                break;
        }
        return right(k);
}

/* --- H(A1) that a restart has lost ----------------------------------------------------------------- */

static void on_fetched(struct sip_request *rq, const struct digest_fetched *out, void *arg)
{
        struct scscf *s = arg;
        struct log_ctx before = log_ctx_set((struct log_ctx){.call_id = rq->msg->call_id});

        if (out->why) {
                const struct request_end end = {.outcome = out->why->outcome,
                                                .cause = out->why->cause,
                                                .status = out->why->status,
                                                .clause = out->why->clause,
                                                .impi = user_impi(out->user),
                                                .evidence = out->evidence};

                request_refuse(s, rq, &end);
        } else {
                request_serve_restored(s, rq, SIDE_ORIGINATING);
        }
        log_ctx_set(before);
}

/* The request waits for it, and is then served from its beginning: much may have changed. */
static void fetch_key(const struct asking *k)
{
        struct buf text = BUF_INIT;
        struct digest_fetched out = {.user = k->user};
        struct reg_cx_fault why;
        int rc = digest_fetch(&k->s->reg, k->user, impu_text(k->served), k->rq, on_fetched, k->s);

        if (rc < 0) {
                why = reg_cx_fault("MAR", rc, NULL, &text);
                out.why = &why;
                out.evidence = buf_as_span(&text);
                on_fetched(k->rq, &out, k->s);
        }
        buf_free(&text);
}

bool request_authenticate(struct scscf *s, struct sip_request *rq, const struct request_route *route,
                          const struct impu *served)
{
        struct asking k = {.s = s, .rq = rq, .served = served, .user = sender(served, route)};
        struct user *named;
        int rc;

        if (!k.user || !is_asked(s, served->set, k.user))
                return true;
        if (!digest_has_key(k.user->digest)) {
                fetch_key(&k);
                return false;
        }
        if (find_credentials(rq->msg, shared_text(k.user->digest->key.realm), &k.a) &&
            !span_eq(k.a.username, user_impi(k.user))) {
                named = user_find(&s->reg.store, k.a.username);
                /* before anything of that user is touched: nobody answers wrongly in the name of another */
                if (!named || !is_digest(named) || !reg_set_has_user(served->set, named)) {
                        refuse(&k, CAUSE_identity_not_allowed, 403,
                               "the asserted identity is not of the implicit set of the user in username");
                        return false;
                }
                k.user = named;
                if (!digest_has_key(named->digest)) {
                        fetch_key(&k);
                        return false;
                }
        }
        rc = prepare(&k);
        if (rc < 0) {
                refuse_internal(&k, rc);
                return false;
        }
        return judge(&k);
}

/* Consumed here, whether it was asked for or not (RFC 3261 22.3): the next network is not to see it. */
void request_drop_credentials(const struct scscf *s, const struct sip_msg *m, struct sip_edit *e)
{
        const struct sip_hdr *h;

        for (size_t i = 0; (h = sip_digest_line(m, SIP_HDR_PROXY_AUTHORIZATION, i)); i++) {
                struct sip_digest_credentials a;
                const struct user *u;

                if (sip_digest_credentials_parse(h->value, &a) < 0)
                        continue;
                u = user_find(&s->reg.store, a.username);
                if (is_home_domain(&s->conf->home_domains, a.realm) || (u && is_digest(u)))
                        sip_edit_remove(e, h);
        }
}
