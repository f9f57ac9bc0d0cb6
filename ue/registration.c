/* SPDX-License-Identifier: BSD-3-Clause
 * The REGISTER procedure (TS 24.229 5.1.1.2, 5.1.1.4 to 5.1.1.6; TS 33.203 6.1). */
#include "ue/registration.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/stack.h"
#include "ue/impus.h"
#include "ue/reg_message.h"

#define INVALID_CHALLENGES_MAX 2 /* answered in a row (TS 24.229 5.1.1.5.3) */
#define CHALLENGES_MAX         5 /* in one procedure */
#define TOO_BRIEF_MAX          2 /* 423s followed in one procedure */
#define RESTARTS_MAX           2 /* of one procedure (TS 33.203 7.3.1.4, 7.4.0, M.7.1) */
#define REFRESH_EARLY_S        600
#define RETRY_AFTER_MAX_S      3600
#define REFRESH_EARLY_FROM_S   1200

struct registration {
        struct reg_conf conf;
        unsigned state; /* enum reg_state */
        enum reg_kind kind;
        char call_id[17], from_tag[17];
        uint32_t cseq, requested_s;
        unsigned invalid_in_a_row, too_brief, restarts;
        struct reg_wish wish;
        struct impus impus; /* registered ones */
        char *contact;      /* of the last request */
        bool sm7_lost;      /* an SM7 of this procedure got no answer */
        enum reg_auth auth; /* of the request under way */
        struct reg_challenge challenge;
        char *opaque, *qop;
        struct reg_result result;
};

static const struct {
        const char *name;
        bool ok;
        const char *text, *hint;
} outcomes[] = {
#define X(name, success, text, hint) {#name, success, text, hint},
        REG_OUTCOMES(X)
#undef X
};

const char *reg_outcome_name(enum reg_outcome o)
{
        return outcomes[o].name;
}

const char *reg_outcome_text(enum reg_outcome o)
{
        return outcomes[o].text;
}

const char *reg_outcome_hint(enum reg_outcome o)
{
        return outcomes[o].hint;
}

bool reg_outcome_ok(enum reg_outcome o)
{
        return outcomes[o].ok;
}

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

/* The procedure ends. A registration that stands goes on standing when a refresh fails. */
static enum reg_next done(struct registration *r, enum reg_outcome outcome)
{
        r->result.outcome = outcome;
        if (r->conf.security && !reg_outcome_ok(outcome))
                security_failed(r->conf.security);
        if (r->state != REG_ST_IDLE && r->state != REG_ST_REGISTERED) /* it had begun */
                move(r, r->result.registered ? REG_ST_REGISTERED : REG_ST_IDLE);
        return REG_NEXT_DONE;
}

/* Keeps a sentence of the security agreement. */
static void keep_why(struct registration *r, struct buf *why)
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
                keep_why(r, &why);
        buf_free(&why);
        return rc;
}

static int send_next(struct registration *r, enum reg_auth auth, enum reg_state next, struct buf *out)
{
        struct reg_request rq = {
                .conf = &r->conf,
                .challenge = &r->challenge,
                .call_id = r->call_id,
                .from_tag = r->from_tag,
                .cseq = ++r->cseq,
                .expires_s = r->requested_s,
                .auth = auth,
                .opaque = r->opaque,
                .qop = r->qop,
        };
        int rc = secure(r, auth);
        bool refused = rc < 0;

        if (rc == 0)
                rc = make_contact(r);
        rq.contact = r->contact;
        if (rc == 0)
                rc = reg_write_request(&rq, out);
        if (rc < 0) {
                done(r, refused ? REG_OUT_kernel_refused : REG_OUT_internal_error);
                return rc;
        }
        r->auth = auth;
        if (r->state != (unsigned)next)
                move(r, next);
        return REG_NEXT_SEND;
}

/* The first REGISTER of a procedure; keep: with the same offer as before. */
static int send_first(struct registration *r, bool keep, struct buf *out)
{
        struct buf why = BUF_INIT;
        int rc = 0;

        if (r->conf.security) {
                rc = security_begin(r->conf.security, r->wish.clear, keep, &why);
                if (rc < 0)
                        keep_why(r, &why);
        }
        buf_free(&why);
        if (rc < 0) {
                done(r, REG_OUT_kernel_refused);
                return rc;
        }
        return send_next(r, REG_AUTH_EMPTY, REG_ST_TRYING, out);
}

/* Once more from the first REGISTER on. */
static bool may_restart(struct registration *r)
{
        return r->conf.security && !r->wish.once && r->restarts++ < RESTARTS_MAX;
}

int reg_new(const struct reg_conf *conf, struct registration **out)
{
        struct registration *r = calloc(1, sizeof(*r));

        if (!r)
                return -IMS_ENOMEM;
        r->conf = *conf;
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
        free(r->qop);
        free(r->result.reason);
        free(r->result.warning);
        free(r->result.retry_after);
        free(r->result.why);
        free(r->contact);
        impus_free(&r->impus);
        free(r->result.service_route);
        free(r->result.associated_uri);
        free(r->result.path);
        secret_wipe(r, sizeof(*r));
        free(r);
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
        r->sm7_lost = false;
        r->challenge.seen = false;
        r->result.outcome = REG_OUT_none;
        r->result.status = 0;
        r->result.challenges = r->result.mac_failures = r->result.sqn_failures = 0;
        clear(&r->result.reason);
        clear(&r->result.warning);
        clear(&r->result.retry_after);
        clear(&r->result.why);
        if (r->conf.security && !r->result.registered) /* a registration in clear stays in clear */
                security_suspend(r->conf.security, false);
        rc = send_first(r, false, out);
        return rc < 0 ? rc : 0;
}

/* A challenge the card refuses: it is reported, but only twice in a row. */
static int report(struct registration *r, enum reg_auth auth, enum reg_outcome outcome, struct buf *out)
{
        if (++r->invalid_in_a_row > INVALID_CHALLENGES_MAX)
                return done(r, outcome);
        r->result.outcome = outcome; /* stands when the network only refuses now */
        return send_next(r, auth, REG_ST_REPORTING, out);
}

static enum reg_outcome outcome_of_security(enum security_result result)
{
        switch (result) {
        case SECURITY_MISSING:
                return REG_OUT_security_missing;
        case SECURITY_UNACCEPTABLE:
                return REG_OUT_security_unacceptable;
        case SECURITY_NO_MODE:
                return REG_OUT_security_no_mode;
        default:
                return REG_OUT_kernel_refused;
        }
}

/* The card accepted: SAs are made of CK and IK before the answer leaves (TS 33.203 7.2). */
static int agree(struct registration *r, const struct sip_msg *resp, uint64_t now_ms, struct buf *out)
{
        const struct isim_answer *card = &r->challenge.card;
        enum security_result result;
        struct buf why = BUF_INIT;

        if (!r->conf.security || security_suspended(r->conf.security))
                return send_next(r, REG_AUTH_RESPONSE, REG_ST_ANSWERING, out);
        result = security_challenge(r->conf.security, resp, &card->ck, &card->ik, now_ms, &why);
        if (result == SECURITY_MISSING && security_may_yield(r->conf.security)) {
                security_suspend(r->conf.security, true);
                result = SECURITY_OK;
        }
        if (result == SECURITY_OK) {
                buf_free(&why);
                return send_next(r, REG_AUTH_RESPONSE, REG_ST_ANSWERING, out);
        }
        keep_why(r, &why);
        if (result == SECURITY_COLLISION && may_restart(r))
                return send_first(r, false, out);
        return done(r, outcome_of_security(result));
}

static int answer_challenge(struct registration *r, const struct sip_msg *resp, uint64_t now_ms,
                            struct buf *out)
{
        struct reg_challenge *ch = &r->challenge;

        secret_wipe(&ch->card, sizeof(ch->card));
        if (isim_authenticate(r->conf.isim, ch->rand, ch->autn, &ch->card) < 0)
                return done(r, REG_OUT_card_failed);
        switch (ch->card.result) {
        case ISIM_OK:
                r->invalid_in_a_row = 0;
                r->result.outcome = REG_OUT_none;
                return agree(r, resp, now_ms, out);
        case ISIM_AMF_WRONG:
                r->result.mac_failures++;
                return report(r, REG_AUTH_MAC_FAILURE, REG_OUT_amf_refused, out);
        case ISIM_SQN_REPEATED:
        case ISIM_SQN_TOO_FAR:
                r->result.sqn_failures++;
                return report(r, REG_AUTH_RESYNC, REG_OUT_sqn_refused, out);
        case ISIM_MAC_WRONG:
                break;
        }
        r->result.mac_failures++;
        return report(r, REG_AUTH_MAC_FAILURE, REG_OUT_mac_mismatch, out);
}

static int on_challenge(struct registration *r, const struct sip_msg *resp, uint64_t now_ms, struct buf *out)
{
        int rc;

        if (++r->result.challenges > CHALLENGES_MAX)
                return done(r, REG_OUT_challenge_limit);
        rc = reg_read_challenge(resp, &r->challenge, &r->opaque, &r->qop);
        if (rc == -IMS_ENOMEM)
                return done(r, REG_OUT_internal_error);
        if (rc < 0)
                return done(r, REG_OUT_bad_challenge);
        return answer_challenge(r, resp, now_ms, out);
}

/* 423: asks for what the network wants at least (RFC 3261 10.2.8). */
static int on_too_brief(struct registration *r, const struct sip_msg *resp, struct buf *out)
{
        uint32_t min_s;

        if (span_u32(sip_msg_value(resp, SIP_HDR_MIN_EXPIRES), UINT32_MAX, &min_s) < 0 ||
            min_s <= r->requested_s || ++r->too_brief > TOO_BRIEF_MAX)
                return done(r, REG_OUT_refused);
        r->requested_s = min_s;
        return send_first(r, true, out);
}

/* What the 200 means for the SAs; all go with the last identity (TS 33.203 7.4.1a). */
static void keep_secure(struct registration *r, uint64_t now_ms)
{
        if (!r->conf.security)
                return;
        security_accepted(r->conf.security, r->result.expires_s, now_ms);
        if (r->impus.n == 0)
                security_end(r->conf.security);
}

static int on_accepted(struct registration *r, const struct sip_msg *resp, uint64_t now_ms)
{
        struct reg_result *res = &r->result;

        if (r->kind == REG_KIND_DEREGISTER) {
                res->registered = impus_gone(&r->impus, r->conf.impu);
                res->expires_s = 0;
                keep_secure(r, now_ms);
                return done(r, REG_OUT_deregistered);
        }
        if (reg_read_expires(resp, r->contact, r->requested_s, &res->expires_s) < 0)
                return done(r, REG_OUT_bad_answer);
        clear(&res->service_route);
        clear(&res->associated_uri);
        clear(&res->path);
        res->service_route = reg_join_values(resp, SIP_HDR_SERVICE_ROUTE);
        res->associated_uri = reg_join_values(resp, SIP_HDR_P_ASSOCIATED_URI);
        res->path = reg_join_values(resp, SIP_HDR_PATH);
        if (impus_registered(&r->impus, r->conf.impu, res->associated_uri) < 0)
                return done(r, REG_OUT_internal_error);
        keep_secure(r, now_ms);
        res->registered = true;
        res->until_ms = now_ms + (uint64_t)res->expires_s * 1000;
        return done(r, r->kind == REG_KIND_REFRESH ? REG_OUT_refreshed : REG_OUT_registered);
}

/* A network without sec-agree, and a phone that does not insist on it. */
static bool may_yield(const struct registration *r, const struct sip_msg *resp)
{
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

        if (may_yield(r, resp)) {
                security_suspend(r->conf.security, true);
                return send_first(r, false, out);
        }
        if (is_collision(r, resp) && may_restart(r)) /* with other numbers (M.7.1) */
                return send_first(r, false, out);
        if (r->state == REG_ST_REPORTING && told != REG_OUT_none)
                return done(r, told);
        if (resp->status == 494)
                return done(r, REG_OUT_security_disagreed);
        if (resp->status == 421 && sip_msg_has_token(resp, SIP_HDR_REQUIRE, SPAN("sec-agree")))
                return done(r, REG_OUT_security_demanded);
        return done(r, REG_OUT_refused);
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
        return may_restart(r);
}

int reg_no_answer(struct registration *r, int err, struct buf *out)
{
        if (!fsm_allowed(&reg_fsm, r->state, REG_EV_NO_ANSWER))
                return REG_NEXT_DONE;
        r->result.status = 0;
        clear(&r->result.reason);
        if (try_again(r, err))
                return send_first(r, false, out);
        return done(r, outcome_of(err));
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
