/* SPDX-License-Identifier: BSD-3-Clause
 * Does ESP come after a challenge, and can it be read? The kernel drops what it cannot verify without a word
 * to the application; its counters tell. TS 33.203 7.3.1.1. */
#include <stdio.h>

#include "common/base/log.h"
#include "common/base/timers.h"
#include "pcscf/pcscf.h"

static void tell(struct pcscf *p, const struct sa_set *s, enum verdict_cause cause, const char *evidence)
{
        const struct pending *pe = pending_by_serial(p->pending, s->pending);
        const struct verdict v = {.procedure = VERDICT_REGISTRATION,
                                  .outcome = VERDICT_FAILED,
                                  .cause = cause,
                                  .clause = "TS 33.203 7.3.1.1",
                                  .evidence = evidence,
                                  .impi = sa_assoc_impi(s->assoc),
                                  .call_id = pe ? span_make(pe->key, pe->call_id_n) : SPAN_NULL};

        trace_verdict(p->trace, &v);
}

/* True when something was told. */
static bool look(struct pcscf *p, const struct sa_set *s, bool last)
{
        struct sa_counters c;
        char evidence[160], ip[ADDR_STR];
        const struct sa_params *q = &s->params;

        if (sa_count(p->ipsec->kernel, q, SA_UC_PS, &c) != 0)
                return false;
        (void)addr_ip_str(&q->ue, false, ip);
        if (c.integrity_failed) {
                (void)snprintf(evidence, sizeof(evidence),
                               "ESP arrives for spi-s %u and fails its check: %u packets",
                               q->pcscf_ends.spi_s, c.integrity_failed);
                tell(p, s, CAUSE_esp_integrity_failed, evidence);
        } else if (last && c.packets) {
                (void)snprintf(evidence, sizeof(evidence),
                               "%llu packets for spi-s %u verify, none is from port %u of %s to port %u",
                               (unsigned long long)c.packets, q->pcscf_ends.spi_s, q->ue_ends.port_c, ip,
                               q->pcscf_ends.port_s);
                tell(p, s, CAUSE_esp_port_differs, evidence);
        } else if (last) {
                (void)snprintf(evidence, sizeof(evidence), "nothing for spi-s %u from %s",
                               q->pcscf_ends.spi_s, ip);
                tell(p, s, CAUSE_esp_missing, evidence);
        } else {
                return false;
        }
        return true;
}

static void on_look(struct tmr *t, void *arg)
{
        struct pcscf *p = arg;
        struct sa_set *s = container_of(t, struct sa_set, esp);
        uint64_t age_ms = loop_now_ms(p->loop) - s->made_ms, wait_ms = p->conf->security.esp_wait_ms;
        uint64_t step_ms = ims_timer_rows[IMS_TIMER_ESP_LOOK].default_ms;

        if (s->heard || s->state != SA_SET_REGISTRATION || look(p, s, age_ms >= wait_ms) || age_ms >= wait_ms)
                return;
        if (wait_ms - age_ms < step_ms)
                step_ms = wait_ms - age_ms;
        if (tmr_start(p->loop, t, step_ms, on_look, p) != 0)
                log_debug("an SA is not watched: %s", ims_strerror(IMS_ENOMEM));
}

void esp_watch(struct pcscf *p, struct sa_set *s)
{
        uint64_t step_ms = ims_timer_rows[IMS_TIMER_ESP_LOOK].default_ms,
                 wait_ms = p->conf->security.esp_wait_ms;

        if (tmr_start(p->loop, &s->esp, step_ms < wait_ms ? step_ms : wait_ms, on_look, p) != 0)
                log_debug("an SA is not watched: %s", ims_strerror(IMS_ENOMEM));
}
