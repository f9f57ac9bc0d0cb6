/* SPDX-License-Identifier: BSD-3-Clause
 * What the log says about a Cx request: one line when it was served or let go, a verdict when it was refused.
 */
#include <stdio.h>

#include "common/base/log.h"
#include "common/trace/command.h"
#include "hss/cx_job.h"

static const char *command_name(enum cx_command c)
{
        switch (c) {
        case CX_UAR:
                return "UAR";
        case CX_MAR:
                return "MAR";
        case CX_LIR:
                return "LIR";
        case CX_SAR:
                return "SAR";
        default:
                return "Cx request";
        }
}

/* What the request wanted, beyond its command. */
static const char *detail(const struct job *j, char *text, size_t n)
{
        switch (j->command) {
        case CX_SAR:
                return cx_sat_name(j->m.sar.type);
        case CX_MAR:
                (void)snprintf(text, n, "%s, %zu vectors", j->d.resync ? "resynchronisation" : "domain IMS",
                               j->reply.n_avs);
                return text;
        default:
                return "";
        }
}

/* The fault of nobody who asks. */
static bool is_failure(enum verdict_cause cause)
{
        return cause == CAUSE_internal_error || cause == CAUSE_storage_failed || cause == CAUSE_overload;
}

static void refused(const struct job *j, struct trace *t)
{
        struct buf evidence = BUF_INIT;
        const struct cx_request *h = job_request(j);
        buf_printf(&evidence, "%s from " SPAN_FMT ", answered %s", command_name(j->command),
                   SPAN_ARG(h->origin_host), dia_result_str(j->d.result));
        if (j->d.why)
                buf_printf(&evidence, ": %s", j->d.why);
        if (j->command == CX_UAR && j->d.cause == CAUSE_roaming_not_allowed) {
                buf_puts(&evidence, ": ");
                buf_quoted(&evidence, j->m.uar.visited_network, 80);
        }
        if (j->d.cause == CAUSE_already_registered_elsewhere && j->facts.scscf_name.p) {
                buf_puts(&evidence, ": ");
                buf_quoted(&evidence, j->facts.scscf_name, 80);
        }
        buf_char(&evidence, '\0');
        struct verdict v = {
                .procedure = j->d.cause == CAUSE_hss_error || j->d.cause == CAUSE_internal_error
                                     ? VERDICT_CX_PEER
                                     : VERDICT_REGISTRATION,
                .outcome = is_failure(j->d.cause) ? VERDICT_FAILED : VERDICT_REFUSED,
                .cause = j->d.cause,
                .clause = j->d.clause,
                .evidence = evidence.err ? NULL : evidence.p,
                .impi = job_impi(j),
                .impu = job_impu(j),
        };
        trace_verdict(t, &v);
        buf_free(&evidence);
}

/* The AUTS that did not verify, for the diagnosis: a SIM with another key, or one with another AMF in f1*. */
static void auts_forged(const struct job *j, struct trace *t)
{
        const struct span item = j->m.mar.item.authorization; /* RAND and AUTS */
        struct buf command = BUF_INIT;
        command_diagnose(&command, job_impi(j));
        command_hex(&command, "rand", item.p, AKA_RAND_N);
        command_hex(&command, "auts", item.p + AKA_RAND_N, AKA_AUTS_N);
        struct verdict v = {.procedure = VERDICT_REGISTRATION,
                            .outcome = VERDICT_REFUSED,
                            .cause = CAUSE_auts_forged,
                            .clause = "TS 33.102 6.3.5",
                            .evidence = j->note,
                            .command = command_text(&command),
                            .impi = job_impi(j),
                            .impu = job_impu(j)};
        trace_verdict(t, &v);
        buf_free(&command);
}

void job_log(const struct job *j, struct trace *t)
{
        char text[64];
        struct log_ctx before = log_ctx_set((struct log_ctx){
                .impi = job_impi(j), .impu = job_impu(j), .session_id = job_request(j)->session_id});
        if (j->stale) {
                log_notice("%s %s of " SPAN_FMT " is not carried out: nobody waits for the answer any more",
                           command_name(j->command), j->command == CX_SAR ? detail(j, text, sizeof text) : "",
                           SPAN_ARG(job_request(j)->origin_host));
        } else if (!dia_result_ok(j->d.result)) {
                refused(j, t);
        } else if (j->note && j->d.cause == CAUSE_auts_forged) {
                auts_forged(j, t);
        } else {
                enum log_level level = j->command == CX_UAR || j->command == CX_LIR ? LOG_DEBUG : LOG_INFO;
                if (log_enabled(level))
                        log_write(level, "%s %s: %s%s%s", command_name(j->command),
                                  detail(j, text, sizeof text), dia_result_str(j->d.result),
                                  j->note ? ": " : "", j->note ? j->note : "");
        }
        (void)log_ctx_set(before);
}
