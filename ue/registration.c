/* SPDX-License-Identifier: BSD-3-Clause
 * The REGISTER procedure (TS 24.229 5.1.1.2, 5.1.1.4 to 5.1.1.6; TS 33.203 6.1). */
#include "ue/registration.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/digest_param.h"
#include "common/sip/stack.h"
#include "ue/registration_int.h"

#define CHALLENGES_MAX       5 /* in one procedure */
#define TOO_BRIEF_MAX        2 /* 423s followed in one procedure */
#define RESTARTS_MAX         2 /* of one procedure (TS 33.203 7.3.1.4, 7.4.0, M.7.1) */
#define REFRESH_EARLY_S      600
#define RETRY_AFTER_MAX_S    3600
#define REFRESH_EARLY_FROM_S 1200

static void clear(char **text)
{
        free(*text);
        *text = NULL;
}

/* Moves the machine; a transition the table lacks is our own bug, logged there. */
static void move(struct registration *r, enum reg_state next)
{
        if (fsm_move(&reg_fsm, &r->state, next) < 0)
                r->state = next;
}

/* Did it fail by the answer to a challenge, or by the network's own (TS 33.203 O.3.1)? */
static bool is_authentication(const struct registration *r, enum reg_outcome outcome)
{
        return outcome == REG_OUT_password_refused || outcome == REG_OUT_rspauth_wrong ||
               outcome == REG_OUT_rspauth_missing ||
               (outcome == REG_OUT_refused && r->result.status == 403 && r->showed);
}

/* The procedure ends. A registration that stands goes on standing when a refresh fails. */
enum reg_next reg_done(struct registration *r, enum reg_outcome outcome)
{
        r->result.outcome = outcome;
        if (r->conf.security && !reg_outcome_ok(outcome))
                security_failed(r->conf.security);
        if (r->conf.tls && !reg_outcome_ok(outcome))
                tls_guard_failed(r->conf.tls, is_authentication(r, outcome), r->result.registered);
        if (r->state != REG_ST_IDLE && r->state != REG_ST_REGISTERED) /* it had begun */
                move(r, r->result.registered ? REG_ST_REGISTERED : REG_ST_IDLE);
        return REG_NEXT_DONE;
}

/* Keeps a sentence of the security agreement. */
void reg_keep_why(struct registration *r, struct buf *why)
{
        clear(&r->result.why);
        if (why->n)
                r->result.why = buf_steal(why);
        buf_free(why);
}

/* The contact of the next request: with SAs its host and port are those where protected requests come. */
static int make_contact(struct registration *r)
{
        struct span uri = span_of(r->conf.contact);
        ptrdiff_t at = span_chr(uri, '@', 0), rest = span_chr(uri, ';', 0);
        char text[ADDR_STR];
        struct buf b = BUF_INIT;
        struct addr a;

        if (!r->conf.security || r->conf.contact_fixed || !security_contact(r->conf.security, &a)) {
                buf_span(&b, uri);
        } else {
                buf_span(&b, at < 0 ? SPAN("sip:") : span_sub(uri, 0, (size_t)at + 1));
                buf_puts(&b, addr_str(&a, text));
                buf_span(&b, rest < 0 ? SPAN_NULL : span_sub(uri, (size_t)rest, uri.n));
        }
        if (r->conf.tls && !r->conf.contact_fixed && r->conf.tls->way != TLS_WAY_CLEAR)
                buf_puts(&b, ";transport=tls");
        if (r->conf.reg_id && !r->conf.contact_fixed)
                buf_puts(&b, ";ob");
        free(r->contact);
        r->contact = buf_steal(&b);
        return r->contact ? 0 : -IMS_ENOMEM;
}

/* Tells security which REGISTER comes next. */
static int secure(struct registration *r, enum reg_auth auth)
{
        enum security_step step = auth == REG_AUTH_EMPTY      ? SECURITY_SM1
                                  : auth == REG_AUTH_RESPONSE ? SECURITY_SM7
                                                              : SECURITY_REPORT;
        struct buf why = BUF_INIT;
        int rc;

        if (!r->conf.security)
                return 0;
        rc = security_step(r->conf.security, step, span_of(r->call_id), r->cseq, &why);
        if (rc < 0)
                reg_keep_why(r, &why);
        buf_free(&why);
        return rc;
}

/* Username, realm and uri with an empty nonce and response, before there is a challenge (PKT-TR-SEC 6.1.1.2
 * step 1, TS 24.229 5.1.1.2.2). */
static void empty_authorization(const struct registration *r, const char *uri, struct buf *out)
{
        const struct sip_digest_credentials c = {
                .username = span_of(r->cred->impi), .realm = span_of(r->cred->domain), .uri = span_of(uri)};

        sip_digest_credentials_write(&c, out);
}

/* Is a challenge kept that the first REGISTER answers? SM1 of an agreement on TLS has to be challenged. */
static bool answers_kept(const struct registration *r)
{
        bool agreeing = r->conf.tls && tls_guard_agrees(r->conf.tls) && r->conf.tls->way == TLS_WAY_CLEAR;

        return r->scheme == REG_SCHEME_DIGEST && r->digest.known && !agreeing;
}

static int authorization(struct registration *r, enum reg_auth auth, struct buf *out)
{
        char uri[CREDENTIAL_TEXT_MAX + 8];

        (void)snprintf(uri, sizeof(uri), "sip:%s", r->cred->domain);
        if (auth == REG_AUTH_EMPTY && !answers_kept(r)) {
                if (r->scheme != REG_SCHEME_DIGEST || !r->conf.omit_authorization)
                        empty_authorization(r, uri, out);
                return out->err;
        }
        return r->scheme == REG_SCHEME_DIGEST ? reg_digest_authorization(r, uri, out)
                                              : reg_aka_authorization(r, auth, uri, out);
}

static int write_request(struct registration *r, enum reg_auth auth, struct buf *out)
{
        struct buf value = BUF_INIT;
        struct reg_request rq = {
                .conf = &r->conf,
                .domain = r->cred->domain,
                .call_id = r->call_id,
                .from_tag = r->from_tag,
                .cseq = r->cseq,
                .contact = r->contact,
                .expires_s = r->requested_s,
        };
        int rc = authorization(r, auth, &value);

        rq.authorization = buf_as_span(&value);
        if (rc == 0)
                rc = reg_write_request(&rq, out);
        buf_free(&value);
        return rc;
}

int reg_send_next(struct registration *r, enum reg_auth auth, enum reg_state next, struct buf *out)
{
        bool refused;
        int rc;

        r->cseq++;
        rc = secure(r, auth);
        refused = rc < 0;

        if (rc == 0)
                rc = make_contact(r);
        if (rc == 0)
                rc = write_request(r, auth, out);
        if (rc < 0) {
                reg_done(r, refused ? REG_OUT_kernel_refused : REG_OUT_internal_error);
                return rc;
        }
        r->auth = auth;
        if (r->state != (unsigned)next)
                move(r, next);
        return REG_NEXT_SEND;
}

/* The first REGISTER of a procedure; keep: with the same offer as before. */
int reg_send_first(struct registration *r, bool keep, struct buf *out)
{
        struct buf why = BUF_INIT;
        int rc = 0;

        if (r->conf.tls && !keep)
                tls_guard_begin(r->conf.tls, r->result.registered && !r->tls_anew);
        if (r->conf.security) {
                rc = security_begin(r->conf.security, r->wish.clear, keep, &why);
                if (rc < 0)
                        reg_keep_why(r, &why);
        }
        buf_free(&why);
        if (rc < 0) {
                reg_done(r, REG_OUT_kernel_refused);
                return rc;
        }
        return reg_send_next(r, REG_AUTH_EMPTY, REG_ST_TRYING, out);
}

/* Once more from the first REGISTER on. */
bool reg_may_restart(struct registration *r)
{
        return r->conf.security && !r->wish.once && r->restarts++ < RESTARTS_MAX;
}

int reg_new(const struct reg_conf *conf, struct registration **out)
{
        struct registration *r = calloc(1, sizeof(*r));

        if (!r)
                return -IMS_ENOMEM;
        r->conf = *conf;
        r->cred = conf->cred;
        r->scheme = conf->scheme;
        sip_token(r->call_id);
        sip_token(r->from_tag);
        *out = r;
        return 0;
}

void reg_free(struct registration *r)
{
        if (!r)
                return;
        free(r->challenge.nonce);
        free(r->challenge.realm);
        free(r->opaque);
        digest_client_forget(&r->digest);
        free(r->result.reason);
        free(r->result.warning);
        free(r->result.retry_after);
        free(r->result.why);
        free(r->contact);
        impus_free(&r->impus);
        free(r->result.service_route);
        free(r->result.associated_uri);
        free(r->result.path);
        secret_free(r, sizeof(*r));
}

void reg_set_impu(struct registration *r, const char *impu)
{
        r->conf.impu = impu;
}

void reg_set_contact(struct registration *r, const char *contact)
{
        r->conf.contact = contact;
        clear(&r->contact);
}

void reg_wish(struct registration *r, const struct reg_wish *wish)
{
        r->wish = *wish;
}

int reg_start(struct registration *r, enum reg_kind kind, uint32_t expires_s, struct buf *out)
{
        int rc;

        if (r->state != REG_ST_IDLE && r->state != REG_ST_REGISTERED)
                return -IMS_EALREADY;
        r->kind = kind;
        r->requested_s = kind == REG_KIND_DEREGISTER ? 0 : expires_s;
        r->invalid_in_a_row = r->too_brief = r->restarts = 0;
        r->sm7_lost = r->tls_anew = false;
        r->challenge.seen = r->answered = r->showed = false;
        r->result.outcome = REG_OUT_none;
        r->result.auth_info = DIGEST_INFO_NONE;
        r->result.status = 0;
        r->result.challenges = r->result.mac_failures = r->result.sqn_failures = 0;
        clear(&r->result.reason);
        clear(&r->result.warning);
        clear(&r->result.retry_after);
        clear(&r->result.why);
        rc = reg_choose_scheme(r);
        if (rc < 0)
                return rc;
        if (r->conf.tls && !r->result.registered)
                r->conf.tls->suspended = false;
        if (r->conf.security && !r->result.registered) /* a registration in clear stays in clear */
                security_suspend(r->conf.security, r->scheme == REG_SCHEME_DIGEST);
        rc = reg_send_first(r, false, out);
        return rc < 0 ? rc : 0;
}

static int on_challenge(struct registration *r, const struct sip_msg *resp, uint64_t now_ms, struct buf *out)
{
        if (++r->result.challenges > CHALLENGES_MAX)
                return reg_done(r, REG_OUT_challenge_limit);
        if (r->scheme == REG_SCHEME_DIGEST)
                return reg_digest_challenge(r, resp, out);
        if (reg_turn_to_digest(r, resp))
                return reg_digest_go_on(r, resp, out);
        return reg_aka_challenge(r, resp, now_ms, out);
}

/* 423: asks for what the network wants at least (RFC 3261 10.2.8). */
static int on_too_brief(struct registration *r, const struct sip_msg *resp, struct buf *out)
{
        uint32_t min_s;

        if (span_u32(sip_msg_value(resp, SIP_HDR_MIN_EXPIRES), UINT32_MAX, &min_s) < 0 ||
            min_s <= r->requested_s || ++r->too_brief > TOO_BRIEF_MAX)
                return reg_done(r, REG_OUT_refused);
        r->requested_s = min_s;
        return reg_send_first(r, true, out);
}

/* What the 200 means for the SAs; all go with the last identity (TS 33.203 7.4.1a). */
static void keep_secure(struct registration *r, uint64_t now_ms)
{
        if (r->conf.tls)
                tls_guard_accepted(r->conf.tls, r->impus.n == 0);
        if (!r->conf.security)
                return;
        security_accepted(r->conf.security, r->result.expires_s, now_ms);
        if (r->impus.n == 0)
                security_end(r->conf.security);
}

static int on_accepted(struct registration *r, const struct sip_msg *resp, uint64_t now_ms)
{
        struct reg_result *res = &r->result;

        if (r->scheme == REG_SCHEME_DIGEST && !reg_digest_accepts(r, resp))
                return REG_NEXT_DONE;
        if (r->kind == REG_KIND_DEREGISTER) {
                res->registered = impus_gone(&r->impus, r->conf.impu);
                res->expires_s = 0;
                keep_secure(r, now_ms);
                return reg_done(r, REG_OUT_deregistered);
        }
        if (reg_read_expires(resp, r->contact, r->requested_s, &res->expires_s) < 0)
                return reg_done(r, REG_OUT_bad_answer);
        clear(&res->service_route);
        clear(&res->associated_uri);
        clear(&res->path);
        res->service_route = reg_join_values(resp, SIP_HDR_SERVICE_ROUTE);
        res->associated_uri = reg_join_values(resp, SIP_HDR_P_ASSOCIATED_URI);
        res->path = reg_join_values(resp, SIP_HDR_PATH);
        if (impus_registered(&r->impus, r->conf.impu, res->associated_uri) < 0)
                return reg_done(r, REG_OUT_internal_error);
        keep_secure(r, now_ms);
        res->registered = true;
        res->until_ms = now_ms + (uint64_t)res->expires_s * 1000;
        return reg_done(r, r->kind == REG_KIND_REFRESH ? REG_OUT_refreshed : REG_OUT_registered);
}

/* A network without sec-agree, and a phone that does not insist on it. */
static bool may_yield(const struct registration *r, const struct sip_msg *resp)
{
        if (resp->status == 420 && r->conf.tls && tls_guard_agrees(r->conf.tls) && !r->conf.tls->required)
                return sip_msg_has_token(resp, SIP_HDR_UNSUPPORTED, SPAN("sec-agree"));
        return resp->status == 420 && r->conf.security && !security_suspended(r->conf.security) &&
               security_may_yield(r->conf.security) &&
               sip_msg_has_token(resp, SIP_HDR_UNSUPPORTED, SPAN("sec-agree"));
}

/* Somebody else has our address with these ports (TS 33.203 7.1 rule 3). No code says so alone; a P-CSCF that
 * means it names the port. */
static bool is_collision(const struct registration *r, const struct sip_msg *resp)
{
        return r->state == REG_ST_TRYING && resp->status == 400 && r->conf.security &&
               !security_suspended(r->conf.security) && span_find(resp->reason, SPAN("Port")) >= 0;
}

/* A refusal. When the card had refused the network before, that is the reason that counts. */
static int on_refused(struct registration *r, const struct sip_msg *resp, struct buf *out)
{
        enum reg_outcome told = r->result.outcome;

        if (reg_turn_to_digest(r, resp))
                return reg_digest_go_on(r, resp, out);
        if (may_yield(r, resp)) {
                if (r->conf.security)
                        security_suspend(r->conf.security, true);
                else
                        r->conf.tls->suspended = true;
                return reg_send_first(r, false, out);
        }
        if (is_collision(r, resp) && reg_may_restart(r)) /* with other numbers (M.7.1) */
                return reg_send_first(r, false, out);
        if (r->state == REG_ST_REPORTING && told != REG_OUT_none)
                return reg_done(r, told);
        if (resp->status == 494)
                return reg_done(r, REG_OUT_security_disagreed);
        if (resp->status == 421 && sip_msg_has_token(resp, SIP_HDR_REQUIRE, SPAN("sec-agree")))
                return reg_done(r, REG_OUT_security_demanded);
        return reg_done(r, REG_OUT_refused);
}

static enum reg_event event_of(int status)
{
        if (status >= 200 && status < 300)
                return REG_EV_ACCEPTED;
        if (status == 401)
                return REG_EV_CHALLENGE;
        return status == 423 ? REG_EV_TOO_BRIEF : REG_EV_REFUSED;
}

int reg_answer(struct registration *r, const struct sip_msg *resp, uint64_t now_ms, struct buf *out)
{
        enum reg_event event = event_of(resp->status);

        if (!fsm_allowed(&reg_fsm, r->state, event))
                return -IMS_EPROTO;
        r->result.status = resp->status;
        clear(&r->result.reason);
        clear(&r->result.warning);
        clear(&r->result.retry_after);
        r->result.reason = span_dup(resp->reason);
        r->result.warning = reg_join_values(resp, SIP_HDR_WARNING);
        r->result.retry_after = reg_join_values(resp, SIP_HDR_RETRY_AFTER);
        switch (event) {
        case REG_EV_ACCEPTED:
                return on_accepted(r, resp, now_ms);
        case REG_EV_CHALLENGE:
                return on_challenge(r, resp, now_ms, out);
        case REG_EV_TOO_BRIEF:
                return on_too_brief(r, resp, out);
        default:
                return on_refused(r, resp, out);
        }
}

static enum reg_outcome outcome_of(int err)
{
        switch (err) {
        case -IMS_ETIMEOUT:
                return REG_OUT_no_answer;
        case -IMS_EUNREACH:
        case -IMS_ENOTFOUND:
        case -IMS_ECLOSED:
                return REG_OUT_unreachable;
        case -IMS_ECANCELED:
                return REG_OUT_abandoned;
        case -IMS_EAUTH:
                return REG_OUT_tls_failed;
        default:
                return REG_OUT_internal_error;
        }
}

/* An SM7 without answer, or a protected SM1, is followed by a new procedure (TS 33.203 7.3.1.4, 7.4.0). */
static bool try_again(struct registration *r, int err)
{
        struct security *sec = r->conf.security;

        if (!sec || security_suspended(sec) || !security_protected(sec) ||
            (err != -IMS_ETIMEOUT && err != -IMS_EUNREACH && err != -IMS_ECLOSED))
                return false;
        if (r->state == REG_ST_ANSWERING) {
                if (r->sm7_lost)
                        return false;
                r->sm7_lost = true;
        } else {
                security_unanswered(sec);
        }
        return reg_may_restart(r);
}

/* On a connection that seems dead nothing is repeated: the procedure begins as an initial one (O.4.3). */
static bool tls_again(struct registration *r, int err)
{
        if (!r->conf.tls || err == -IMS_ECANCELED || !tls_guard_unanswered(r->conf.tls))
                return false;
        if (r->wish.once || r->restarts++ >= RESTARTS_MAX)
                return false;
        r->tls_anew = true;
        return true;
}

int reg_no_answer(struct registration *r, int err, struct buf *out)
{
        if (!fsm_allowed(&reg_fsm, r->state, REG_EV_NO_ANSWER))
                return REG_NEXT_DONE;
        r->result.status = 0;
        clear(&r->result.reason);
        if (tls_again(r, err) || try_again(r, err))
                return reg_send_first(r, false, out);
        return reg_done(r, outcome_of(err));
}

const struct reg_conf *reg_conf(const struct registration *r)
{
        return &r->conf;
}

const struct reg_result *reg_result(const struct registration *r)
{
        return &r->result;
}

const struct reg_challenge *reg_challenge(const struct registration *r)
{
        return &r->challenge;
}

const struct digest_client *reg_digest(const struct registration *r)
{
        return &r->digest;
}

enum reg_scheme reg_scheme(const struct registration *r)
{
        return r->scheme;
}

const struct credential *reg_credential(const struct registration *r)
{
        return r->cred;
}

enum reg_state reg_state(const struct registration *r)
{
        return (enum reg_state)r->state;
}

enum reg_kind reg_kind(const struct registration *r)
{
        return r->kind;
}

const char *reg_contact(const struct registration *r)
{
        return r->contact ? r->contact : r->conf.contact;
}

const char *reg_call_id(const struct registration *r)
{
        return r->call_id;
}

uint32_t reg_cseq(const struct registration *r)
{
        return r->cseq;
}

bool reg_retry_after(const struct reg_result *res, uint32_t *out_s)
{
        struct span v = span_of(res->retry_after);
        size_t n = 0;

        while (n < v.n && v.p[n] >= '0' && v.p[n] <= '9')
                n++;
        if (n == 0)
                return false;
        if (span_u32(span_sub(v, 0, n), RETRY_AFTER_MAX_S, out_s) < 0)
                *out_s = RETRY_AFTER_MAX_S;
        return true;
}

uint32_t reg_refresh_after_s(uint32_t expires_s)
{
        return expires_s > REFRESH_EARLY_FROM_S ? expires_s - REFRESH_EARLY_S : expires_s / 2;
}

#define EV(name) FSM_BIT(REG_EV_##name)
#define ST(name) FSM_BIT(REG_ST_##name)
#define EV_FINAL (EV(CHALLENGE) | EV(ACCEPTED) | EV(TOO_BRIEF) | EV(REFUSED) | EV(NO_ANSWER))
#define ST_NEXT  (ST(TRYING) | ST(ANSWERING) | ST(REPORTING) | ST(REGISTERED) | ST(IDLE))

/* state: events, next states, timer, clause */
static const struct fsm_state states[REG_STATES] = {
        [REG_ST_IDLE] = {"idle", EV(START), ST(TRYING), NULL, "TS 24.229 5.1.1.2.1"},
        [REG_ST_TRYING] = {"trying", EV_FINAL, ST_NEXT & ~ST(TRYING), "F", "TS 24.229 5.1.1.2.2"},
        [REG_ST_ANSWERING] = {"answering", EV_FINAL, ST_NEXT & ~ST(ANSWERING), "F", "TS 24.229 5.1.1.5.1"},
        [REG_ST_REPORTING] = {"reporting", EV_FINAL, ST_NEXT & ~ST(REPORTING), "F", "TS 24.229 5.1.1.5.3"},
        [REG_ST_REGISTERED] = {"registered", EV(START), ST(TRYING), NULL, "TS 24.229 5.1.1.4.1"},
};

static const char *const event_names[REG_EVENTS] = {"start",     "challenge", "accepted",
                                                    "too brief", "refused",   "no answer"};

const struct fsm reg_fsm = {"registration", states, REG_STATES, event_names, REG_EVENTS};
