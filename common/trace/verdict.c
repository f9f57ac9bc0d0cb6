/* SPDX-License-Identifier: BSD-3-Clause
 * The words of a verdict. */
#include "common/trace/verdict.h"

enum { EVIDENCE_MAX = 400 };

static const struct {
        const char *name, *text, *hint;
} causes[CAUSE_COUNT] = {
#define X(name, text, hint) [CAUSE_##name] = {#name, text, hint},
        VERDICT_CAUSES(X)
#undef X
};

/* What a UE may read: what it did, or what it must do; nothing of the network's inside. */
static const bool is_public[CAUSE_COUNT] = {
        [CAUSE_res_mismatch] = true,         [CAUSE_challenge_superseded] = true,
        [CAUSE_no_pending_challenge] = true, [CAUSE_not_integrity_protected] = true,
        [CAUSE_scheme_not_supported] = true, [CAUSE_roaming_not_allowed] = true,
        [CAUSE_interval_too_brief] = true,   [CAUSE_too_many_contacts] = true,
        [CAUSE_out_of_order] = true,         [CAUSE_malformed] = true,
        [CAUSE_not_registered] = true,       [CAUSE_identity_not_allowed] = true,
        [CAUSE_extension_required] = true,   [CAUSE_bad_extension] = true,
        [CAUSE_wrong_network] = true,        [CAUSE_overload] = true,
        [CAUSE_password_wrong] = true,       [CAUSE_realm_differs] = true,
        [CAUSE_algorithm_differs] = true,    [CAUSE_nonce_stale] = true,
        [CAUSE_nonce_count_replayed] = true, [CAUSE_uri_differs] = true,
};

static bool known(enum verdict_cause c)
{
        return (unsigned)c < CAUSE_COUNT;
}

const char *verdict_cause_name(enum verdict_cause c)
{
        return known(c) ? causes[c].name : "unknown";
}

const char *verdict_cause_text(enum verdict_cause c)
{
        return known(c) ? causes[c].text : "unknown";
}

const char *verdict_cause_hint(enum verdict_cause c)
{
        return known(c) ? causes[c].hint : "";
}

const char *verdict_procedure_name(enum verdict_procedure p)
{
        static const char *const names[] = {
                [VERDICT_REGISTRATION] = "registration",
                [VERDICT_REFRESH] = "refresh",
                [VERDICT_DEREGISTRATION] = "de-registration",
                [VERDICT_EXPIRY] = "expiry",
                [VERDICT_REQUEST] = "request",
                [VERDICT_CX_PEER] = "Cx peer",
                [VERDICT_PUSH] = "push",
                [VERDICT_BOOTSTRAP] = "bootstrapping",
        };
        return (unsigned)p < sizeof(names) / sizeof(names[0]) ? names[p] : "unknown";
}

const char *verdict_outcome_name(enum verdict_outcome o)
{
        static const char *const names[] = {
                [VERDICT_OK] = "ok", [VERDICT_REFUSED] = "refused", [VERDICT_FAILED] = "failed"};
        return (unsigned)o < sizeof(names) / sizeof(names[0]) ? names[o] : "unknown";
}

void verdict_line(const struct verdict *v, struct buf *out)
{
        const char *hint = verdict_cause_hint(v->cause);
        buf_printf(out, "%s %s: %s [%s", verdict_procedure_name(v->procedure),
                   verdict_outcome_name(v->outcome), verdict_cause_text(v->cause),
                   verdict_cause_name(v->cause));
        if (v->clause && *v->clause)
                buf_printf(out, "; %s", v->clause);
        if (v->status)
                buf_printf(out, "; %d", v->status);
        if (v->evidence && *v->evidence) {
                buf_puts(out, "; ");
                buf_quoted(out, span_of(v->evidence), EVIDENCE_MAX);
        }
        buf_char(out, ']');
        if (*hint)
                buf_printf(out, "; hint: %s", hint);
        if (v->command)
                buf_printf(out, "; run: %s", v->command);
}

const char *verdict_public_text(enum verdict_cause c)
{
        return known(c) && is_public[c] ? causes[c].text : "";
}
