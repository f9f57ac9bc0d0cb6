/* SPDX-License-Identifier: BSD-3-Clause
 * The rules, in their order. */
#include "scscf/reg_decide.h"

static struct reg_decision act(enum reg_action action, const char *clause)
{
        return (struct reg_decision){.action = action, .cause = CAUSE_registered, .clause = clause};
}

static struct reg_decision refuse(enum verdict_cause cause, const char *clause)
{
        return (struct reg_decision){REG_DO_REFUSE, 403, cause, clause};
}

static struct reg_decision challenge_because(enum verdict_cause cause, const char *clause)
{
        return (struct reg_decision){REG_DO_CHALLENGE, 0, cause, clause};
}

/* AUTS: for the pending challenge, for an older one, or out of the blue. */
static struct reg_decision decide_auts(const struct reg_facts *f)
{
        if (!f->pending)
                return challenge_because(CAUSE_no_pending_challenge, "TS 33.203 6.1.3");
        if (!f->nonce_is_pending && (f->has_nonce || !f->same_call))
                return refuse(CAUSE_challenge_superseded, "TS 33.203 6.1.2.3");
        if (!f->same_impu)
                return refuse(CAUSE_identities_dont_match, "TS 24.229 5.4.1.2.2");
        return act(REG_DO_SYNC, "TS 33.203 6.1.3");
}

/* The nonce is that of the pending challenge. */
static struct reg_decision decide_answer(const struct reg_facts *f)
{
        if (!f->same_impu)
                return refuse(CAUSE_identities_dont_match, "TS 24.229 5.4.1.2.2");
        if (!f->has_response)
                return act(REG_DO_MAC_FAILURE, "TS 33.203 6.1.2.2");
        if (!f->protected_ && !f->accept_unprotected)
                return refuse(CAUSE_not_integrity_protected, "TS 33.203 6.1.5");
        return act(REG_DO_VERIFY, "TS 33.203 6.1.1");
}

/* No answer to a challenge: an initial registration, or a refresh over a security association. */
static struct reg_decision decide_plain(const struct reg_facts *f)
{
        /* "yes" of anybody would let anybody change a registration. */
        if (!f->protected_ || !f->source_known)
                return act(REG_DO_CHALLENGE, "TS 33.203 5.1.2");
        if (f->registered)
                return act(f->reauthenticate ? REG_DO_CHALLENGE : REG_DO_ACCEPT, "TS 33.203 5.1.2");
        if (f->impi_registered)
                return act(f->reauthenticate_new_impu ? REG_DO_CHALLENGE : REG_DO_ACCEPT, "TS 33.203 6.1.0");
        return act(REG_DO_CHALLENGE, "TS 33.203 5.1.2");
}

struct reg_decision reg_decide(const struct reg_facts *f)
{
        if (f->pending && f->challenged_already && !f->nonce_is_pending)
                return act(REG_DO_REPEAT_CHALLENGE, "TS 33.203 6.1.1");
        /* The P-CSCF takes a 200 as proof: only the same credentials, as well protected as they had to be. */
        if (f->answered_already && f->response_is_last && (f->protected_ || f->accept_unprotected))
                return act(REG_DO_REPEAT_ANSWER, "RFC 3261 10.3");
        if (f->has_auts)
                return decide_auts(f);
        if (f->pending && f->nonce_is_pending)
                return decide_answer(f);
        /* An empty response to a challenge as it reached the UE: whoever spoiled AUTN on the way spoiled the
         * nonce. A new registration has no nonce, a refresh that of the last success. */
        if (f->pending && f->same_call && f->same_impu && f->has_nonce && !f->nonce_is_last &&
            !f->has_response)
                return act(REG_DO_MAC_FAILURE, "TS 33.203 6.1.2.2");
        /* The credentials of the last success come along in every refresh (TS 24.229 5.1.1.4); any other
         * answer is to a challenge that is gone. */
        if (f->has_response && !f->nonce_is_last) {
                if (f->pending)
                        return refuse(CAUSE_challenge_superseded, "TS 33.203 6.1.2.3");
                return challenge_because(CAUSE_no_pending_challenge, "TS 33.203 6.1.2.3");
        }
        return decide_plain(f);
}
