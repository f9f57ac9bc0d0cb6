/* SPDX-License-Identifier: BSD-3-Clause
 * Offer, choice and comparison of a security agreement. */
#include "pcscf/agreement.h"

#include <stdlib.h>

#include "common/sip/msg_lex.h"

/* --- reading -------------------------------------------------------------------------------------- */

static int malformed(struct agreement_fault *f, const char *field, const char *why)
{
        *f = (struct agreement_fault){.status = 400,
                                      .cause = CAUSE_malformed,
                                      .clause = "RFC 3329 2.2",
                                      .reason = "Malformed Security Header"};
        (void)snprintf(f->evidence, sizeof(f->evidence), "%s: %s", field, why);
        return 1;
}

/* 0, 1 with *fault, -IMS_ENOMEM. */
static int read_list(const struct sip_msg *m, enum sip_hdr_id id, struct sec_list *out,
                     struct agreement_fault *fault)
{
        struct sip_value_iter it = {0};
        const char *why = "";
        struct span v;
        int err;

        out->n = 0;
        while (sip_msg_next_value(m, id, &it, &v)) {
                err = sec_list_add(out, v, &why);
                if (err == -IMS_ENOMEM)
                        return err;
                if (err)
                        return malformed(fault, sip_hdr_name(id),
                                         err == -IMS_ETOOBIG ? "too many values" : why);
        }
        return 0;
}

/* --- the offer ------------------------------------------------------------------------------------ */

static int unacceptable(struct agreement_fault *f, const char *why)
{
        *f = (struct agreement_fault){
                .status = 494, .cause = CAUSE_security_unacceptable, .clause = "TS 33.203 7.3.2.1"};
        (void)snprintf(f->evidence, sizeof(f->evidence), "%s",
                       why ? why : "nothing acceptable in Security-Client");
        return 1;
}

static int choose(struct agreement *a, const struct sec_list *client, const struct sec_policy *policy,
                  struct agreement_fault *fault)
{
        const char *why = NULL;
        const struct sec_ends *ends = sec_list_ends(client, &why);

        if (!ends)
                return unacceptable(fault, why);
        if (!sec_choose_pcscf(policy, client, a->mode, &a->suite, &why))
                return unacceptable(fault, why);
        a->ends = *ends;
        return 0;
}

int agreement_new(const struct sip_msg *m, const struct sec_policy *policy, enum sec_mode mode,
                  struct agreement **out, struct agreement_fault *fault)
{
        struct agreement *a = calloc(1, sizeof(*a));
        struct sec_list *read = calloc(1, sizeof(*read));
        int err = a && read ? 0 : -IMS_ENOMEM;

        if (!err)
                err = read_list(m, SIP_HDR_SECURITY_CLIENT, read, fault);
        if (!err) {
                sec_list_join(read, &a->client);
                err = a->client.err;
        }
        if (!err) {
                a->mode = mode;
                err = choose(a, read, policy, fault);
        }
        free(read);
        if (err)
                agreement_free(a);
        else
                *out = a;
        return err;
}

bool agreement_acceptable(const struct sip_msg *m, const struct sec_policy *policy, enum sec_mode mode)
{
        struct agreement_fault fault = {0};
        struct agreement *a = NULL;
        int err = agreement_new(m, policy, mode, &a, &fault);

        if (!err)
                agreement_free(a);
        return err != 1 || fault.status != 494;
}

int agreement_new_tls(const struct sip_msg *m, const char *server, struct agreement **out,
                      struct agreement_fault *fault)
{
        struct agreement *a = calloc(1, sizeof(*a));
        struct sec_list *read = calloc(1, sizeof(*read));
        int err = a && read ? 0 : -IMS_ENOMEM;

        if (!err)
                err = read_list(m, SIP_HDR_SECURITY_CLIENT, read, fault);
        if (!err) {
                a->tls = true;
                sec_list_join(read, &a->client);
                buf_puts(&a->server, server);
                err = a->client.err ? a->client.err : a->server.err;
        }
        free(read);
        if (err)
                agreement_free(a);
        else
                *out = a;
        return err;
}

void agreement_free(struct agreement *a)
{
        if (!a)
                return;
        buf_free(&a->client);
        buf_free(&a->server);
        free(a);
}

/* --- ours ----------------------------------------------------------------------------------------- */

static void write_server(const struct sec_policy *policy, const struct sec_ends *ends, enum sec_mode mode,
                         struct buf *out)
{
        struct sec_suite suites[SEC_SUITES_MAX];
        struct sec_write w = {.suites = suites,
                              .n = sec_policy_offer(policy, suites),
                              .modes = 1u << mode,
                              .ends = *ends,
                              .with_q = true,
                              .with_ealg = policy->confidentiality != SEC_CONF_NEVER,
                              .name_mode = true};

        sec_list_write(&w, out);
}

void agreement_security_server(const struct sec_policy *policy, struct buf *out)
{
        const struct sec_ends none = {0};

        write_server(policy, &none, SEC_MODE_TRANS, out);
}

int agreement_offer(struct agreement *a, const struct sec_policy *policy, const struct sec_ends *ends,
                    struct buf *out)
{
        write_server(policy, ends, a->mode, out);
        buf_reset(&a->server);
        buf_span(&a->server, buf_as_span(out));
        return out->err ? out->err : a->server.err;
}

/* --- the repetition ------------------------------------------------------------------------------- */

/* True when the values stand there octet by octet, as nearly every phone has them: then they need not be
 * read.
 */
static bool repeats(const struct sip_msg *m, enum sip_hdr_id id, struct span want)
{
        struct sip_value_iter it = {0};
        struct span v;
        bool any = false;

        while (sip_msg_next_value(m, id, &it, &v)) {
                struct span between = any ? SPAN(", ") : SPAN_NULL;

                if (!span_starts(want, between) || !span_starts(span_sub(want, between.n, want.n), v))
                        return false;
                want = span_sub(want, between.n + v.n, want.n);
                any = true;
        }
        return any && !want.n;
}

/* What was read or written before. */
static int read_text(struct span text, struct sec_list *out)
{
        int err = 0;

        while (!err && text.n) {
                size_t end = sip_lex_value_end(text);

                err = sec_list_add(out, span_trim(span_sub(text, 0, end)), NULL);
                text = span_sub(text, end + 1, text.n);
        }
        return err;
}

static void tell_difference(enum sip_hdr_id id, const char *what, size_t at, struct agreement_fault *fault)
{
        *fault = (struct agreement_fault){.status = 494,
                                          .cause = id == SIP_HDR_SECURITY_VERIFY
                                                           ? CAUSE_security_verify_differs
                                                           : CAUSE_security_client_differs,
                                          .clause = "TS 33.203 7.2, 7.3.2.3"};
        if (what)
                (void)snprintf(fault->evidence, sizeof(fault->evidence), "%s differs in %s of mechanism %zu",
                               sip_hdr_name(id), what, at + 1);
        else
                (void)snprintf(fault->evidence, sizeof(fault->evidence), "%s is absent", sip_hdr_name(id));
}

static int compare(const struct sip_msg *m, enum sip_hdr_id id, const struct buf *want,
                   struct agreement_fault *fault)
{
        struct sec_list *lists; /* what is wanted and what is there */
        const char *what = NULL;
        size_t at = 0;
        int err;

        if (repeats(m, id, buf_as_span(want)))
                return 0;
        lists = calloc(2, sizeof(*lists));
        err = lists ? read_text(buf_as_span(want), &lists[0]) : -IMS_ENOMEM;
        if (!err)
                err = read_list(m, id, &lists[1], fault);
        if (err)
                goto out;
        if (lists[1].n)
                what = sec_list_differs(&lists[0], &lists[1], &at);
        if (!what && lists[1].n)
                goto out;
        tell_difference(id, what, at, fault);
        err = 1;
out:
        free(lists);
        return err;
}

int agreement_check(const struct agreement *a, const struct sip_msg *m, struct agreement_fault *fault)
{
        int err = compare(m, SIP_HDR_SECURITY_VERIFY, &a->server, fault);

        return err ? err : compare(m, SIP_HDR_SECURITY_CLIENT, &a->client, fault);
}
