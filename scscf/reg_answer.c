/* SPDX-License-Identifier: BSD-3-Clause
 * The 200 to REGISTER: TS 24.229 5.4.1.2.2F. No Date: nothing in IMS asks for it. */
#include "scscf/registrar_int.h"
#include "scscf/requests.h"

#include "common/base/codec.h"

static void begin(struct reg_answer *a, enum sip_hdr_id id)
{
        if (a->n >= REG_FIELDS_MAX) {
                a->text.err = -IMS_ETOOBIG;
                return;
        }
        a->part[a->n].id = id;
        a->part[a->n].at = a->text.n;
}

static void end(struct reg_answer *a)
{
        if (a->text.err)
                return;
        a->part[a->n].n = a->text.n - a->part[a->n].at;
        a->n += a->part[a->n].n > 0;
}

void reg_answer_add(struct reg_answer *a, enum sip_hdr_id id, struct span value)
{
        begin(a, id);
        buf_span(&a->text, value);
        end(a);
}

int reg_answer_fields(struct reg_answer *a)
{
        if (a->text.err)
                return -IMS_ENOMEM;
        for (size_t i = 0; i < a->n; i++)
                a->fields[i] =
                        (struct sip_field){a->part[i].id, span_make(a->text.p + a->part[i].at, a->part[i].n)};
        return 0;
}

void reg_answer_clear(struct reg_answer *a)
{
        buf_free(&a->text);
}

/* --- single fields ------------------------------------------------------------------------------- */

static void add_contacts(struct reg_answer *a, const struct reg_set *set, uint64_t now_ms)
{
        list_for_each(n, &set->contacts)
        {
                const struct contact *c = container_of(n, struct contact, in_set);
                uint64_t left_ms = c->told_ms > now_ms ? c->told_ms - now_ms : 0;

                begin(a, SIP_HDR_CONTACT);
                buf_span(&a->text, contact_value(c));
                buf_printf(&a->text, ";expires=%llu", (unsigned long long)(left_ms / 1000));
                end(a);
        }
}

/* All identities of the set that are not barred, the default one first (5.4.1.2.2F). */
static void add_associated(struct reg_answer *a, const struct reg_set *set)
{
        struct span first = reg_set_default(set);

        begin(a, SIP_HDR_P_ASSOCIATED_URI);
        if (first.n)
                buf_printf(&a->text, "<" SPAN_FMT ">", SPAN_ARG(first));
        for (size_t i = 0; i < set->n_impus; i++) {
                const struct impu *u = &set->impus[i];

                if (u->barred || i == set->default_impu ||
                    (u->type != PROFILE_DISTINCT_IMPU && u->type != PROFILE_NON_DISTINCT_IMPU))
                        continue;
                buf_printf(&a->text, "%s<" SPAN_FMT ">", first.n ? ", " : "", SPAN_ARG(impu_text(u)));
                first = impu_text(u);
        }
        end(a);
}

void reg_answer_service_route(const struct registrar *r, const struct reg_set *set, const struct user *u,
                              struct buf *out)
{
        char mark[REQUEST_MARK_SIZE];

        buf_printf(out, "<sip:orig@" SPAN_FMT ";lr;s=%016llx", SPAN_ARG(r->host),
                   (unsigned long long)set->token);
        request_user_mark(u, mark);
        buf_printf(out, ";u=%s>", mark);
}

/* What the P-CSCF sent, and our network as the terminating one (TS 24.229 5.4.1.2.2F, table 7.2A.5A). */
static void add_charging_vector(struct reg_answer *a, const struct registrar *r, const struct sip_msg *m)
{
        struct span value = sip_msg_value(m, SIP_HDR_P_CHARGING_VECTOR), rest = value;
        struct contact_param p;
        ptrdiff_t first = span_chr(value, ';', 0);

        if (value.n == 0)
                return;
        begin(a, SIP_HDR_P_CHARGING_VECTOR);
        buf_span(&a->text, first < 0 ? value : span_sub(value, 0, (size_t)first));
        while (contact_param_next(&rest, &p))
                if (!span_ieq(p.name, SPAN("term-ioi")))
                        buf_span(&a->text, p.whole);
        buf_printf(&a->text, ";term-ioi=\"Type 1" SPAN_FMT "\"", SPAN_ARG(scscf_conf_home(r->conf)));
        end(a);
}

void reg_answer_200(struct reg_answer *a, const struct registrar *r, const struct reg_request *in,
                    const struct reg_set *set, const struct user *u)
{
        if (set && !list_empty(&set->contacts)) {
                add_contacts(a, set, r->port.now_ms(r->arg));
                reg_answer_add(a, SIP_HDR_PATH, in->origin.path);
                add_associated(a, set);
                begin(a, SIP_HDR_SERVICE_ROUTE);
                reg_answer_service_route(r, set, u, &a->text);
                end(a);
                if (in->visited_home)
                        reg_answer_add(a, SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES, shared_text(set->charging));
        }
        add_charging_vector(a, r, in->msg);
}

/* --- charging ------------------------------------------------------------------------------------ */

/* Quoted where it is neither token nor host (RFC 7315 5.6 gen-value). */
static void add_function(struct buf *out, const char *name, struct span value)
{
        bool plain = true;

        if (value.n == 0)
                return;
        for (size_t i = 0; i < value.n; i++) {
                char c = value.p[i];

                if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
                        return;
                plain = plain && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                                  (c >= 'A' && c <= 'Z') || c == '.' || c == '-');
        }
        buf_printf(out, plain ? "%s%s=" SPAN_FMT : "%s%s=\"" SPAN_FMT "\"", out->n ? ";" : "", name,
                   SPAN_ARG(value));
}

void reg_answer_charging(const struct cx_charging *c, struct buf *out)
{
        if (!c->present)
                return;
        add_function(out, "ccf", c->ccf1);
        add_function(out, "ccf", c->ccf2);
        add_function(out, "ecf", c->ecf1);
        add_function(out, "ecf", c->ecf2);
}
