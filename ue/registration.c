/* SPDX-License-Identifier: BSD-3-Clause
 * The REGISTER procedure (TS 24.229 5.1.1.2, 5.1.1.4 to 5.1.1.6; TS 33.203 6.1). */
#include "ue/registration.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/stack.h"
#include "ue/reg_message.h"

#define INVALID_CHALLENGES_MAX 2 /* answered in a row (TS 24.229 5.1.1.5.3) */
#define CHALLENGES_MAX         5 /* in one procedure */
#define TOO_BRIEF_MAX          2 /* 423s followed in one procedure */
#define REFRESH_EARLY_S        600
#define RETRY_AFTER_MAX_S      3600
#define REFRESH_EARLY_FROM_S   1200

struct registration {
        struct reg_conf conf;
        unsigned state; /* enum reg_state */
        enum reg_kind kind;
        char call_id[17], from_tag[17];
        uint32_t cseq, requested_s;
        unsigned invalid_in_a_row, too_brief;
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
        move(r, r->result.registered ? REG_ST_REGISTERED : REG_ST_IDLE);
        return REG_NEXT_DONE;
}

static int send_next(struct registration *r, enum reg_auth auth, enum reg_state next, struct buf *out)
{
        const struct reg_request rq = {
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
        int rc = reg_write_request(&rq, out);

        if (rc < 0) {
                done(r, REG_OUT_internal_error);
                return rc;
        }
        r->auth = auth;
        if (r->state != (unsigned)next)
                move(r, next);
        return REG_NEXT_SEND;
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

int reg_start(struct registration *r, enum reg_kind kind, uint32_t expires_s, struct buf *out)
{
        int rc;

        if (r->state != REG_ST_IDLE && r->state != REG_ST_REGISTERED)
                return -IMS_EALREADY;
        r->kind = kind;
        r->requested_s = kind == REG_KIND_DEREGISTER ? 0 : expires_s;
        r->invalid_in_a_row = r->too_brief = 0;
        r->challenge.seen = false;
        r->result.outcome = REG_OUT_none;
        r->result.status = 0;
        r->result.challenges = r->result.mac_failures = r->result.sqn_failures = 0;
        clear(&r->result.reason);
        clear(&r->result.warning);
        clear(&r->result.retry_after);
        rc = send_next(r, REG_AUTH_EMPTY, REG_ST_TRYING, out);
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

static int answer_challenge(struct registration *r, struct buf *out)
{
        struct reg_challenge *ch = &r->challenge;

        secret_wipe(&ch->card, sizeof(ch->card));
        if (isim_authenticate(r->conf.isim, ch->rand, ch->autn, &ch->card) < 0)
                return done(r, REG_OUT_card_failed);
        switch (ch->card.result) {
        case ISIM_OK:
                r->invalid_in_a_row = 0;
                r->result.outcome = REG_OUT_none;
                return send_next(r, REG_AUTH_RESPONSE, REG_ST_ANSWERING, out);
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

static int on_challenge(struct registration *r, const struct sip_msg *resp, struct buf *out)
{
        int rc;

        if (++r->result.challenges > CHALLENGES_MAX)
                return done(r, REG_OUT_challenge_limit);
        rc = reg_read_challenge(resp, &r->challenge, &r->opaque, &r->qop);
        if (rc == -IMS_ENOMEM)
                return done(r, REG_OUT_internal_error);
        if (rc < 0)
                return done(r, REG_OUT_bad_challenge);
        return answer_challenge(r, out);
}

/* 423: asks for what the network wants at least (RFC 3261 10.2.8). */
static int on_too_brief(struct registration *r, const struct sip_msg *resp, struct buf *out)
{
        uint32_t min_s;

        if (span_u32(sip_msg_value(resp, SIP_HDR_MIN_EXPIRES), UINT32_MAX, &min_s) < 0 ||
            min_s <= r->requested_s || ++r->too_brief > TOO_BRIEF_MAX)
                return done(r, REG_OUT_refused);
        r->requested_s = min_s;
        return send_next(r, REG_AUTH_EMPTY, REG_ST_TRYING, out);
}

static int on_accepted(struct registration *r, const struct sip_msg *resp, uint64_t now_ms)
{
        struct reg_result *res = &r->result;

        if (r->kind == REG_KIND_DEREGISTER) {
                res->registered = false;
                res->expires_s = 0;
                return done(r, REG_OUT_deregistered);
        }
        if (reg_read_expires(resp, r->conf.contact, r->requested_s, &res->expires_s) < 0)
                return done(r, REG_OUT_bad_answer);
        clear(&res->service_route);
        clear(&res->associated_uri);
        clear(&res->path);
        res->service_route = reg_join_values(resp, SIP_HDR_SERVICE_ROUTE);
        res->associated_uri = reg_join_values(resp, SIP_HDR_P_ASSOCIATED_URI);
        res->path = reg_join_values(resp, SIP_HDR_PATH);
        res->registered = true;
        res->until_ms = now_ms + (uint64_t)res->expires_s * 1000;
        return done(r, r->kind == REG_KIND_REFRESH ? REG_OUT_refreshed : REG_OUT_registered);
}

/* A refusal. When the card had refused the network before, that is the reason that counts. */
static int on_refused(struct registration *r)
{
        enum reg_outcome told = r->result.outcome;

        return done(r, r->state == REG_ST_REPORTING && told != REG_OUT_none ? told : REG_OUT_refused);
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
                return on_challenge(r, resp, out);
        case REG_EV_TOO_BRIEF:
                return on_too_brief(r, resp, out);
        default:
                return on_refused(r);
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

void reg_no_answer(struct registration *r, int err)
{
        if (!fsm_allowed(&reg_fsm, r->state, REG_EV_NO_ANSWER))
                return;
        r->result.status = 0;
        clear(&r->result.reason);
        done(r, outcome_of(err));
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
