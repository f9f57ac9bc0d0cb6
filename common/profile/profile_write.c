/* SPDX-License-Identifier: BSD-3-Clause
 * Writes the user profile so that it validates against CxDataType Rel-8: the order of the elements and
 * the places in the chain of Extension elements are those of the schema (TS 29.228 Annex E). */
#include "common/profile/profile.h"

#include <libxml/xmlstring.h>

/* What the schema allows. */
enum { PRIORITY_MAX = 0x7fffffff, SESSION_CASE_MAX = 3, REGISTRATION_TYPES = 7 };

struct writer {
        struct buf *b;
        int err;
};

static void open_tag(struct writer *w, const char *name)
{
        buf_printf(w->b, "<%s>", name);
}

static void close_tag(struct writer *w, const char *name)
{
        buf_printf(w->b, "</%s>", name);
}

/* Escapes; what XML cannot carry (control characters, broken UTF-8) is an error. */
static void escaped(struct writer *w, const char *s)
{
        if (!xmlCheckUTF8((const unsigned char *)s))
                w->err = -IMS_EINVAL;
        for (; *s && !w->err; s++) {
                const unsigned char c = (unsigned char)*s;
                if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
                        w->err = -IMS_EINVAL;
                else if (c == '&')
                        buf_puts(w->b, "&amp;");
                else if (c == '<')
                        buf_puts(w->b, "&lt;");
                else if (c == '>')
                        buf_puts(w->b, "&gt;");
                else if (c == '\r')
                        buf_puts(w->b, "&#13;");
                else
                        buf_char(w->b, *s);
        }
}

static void text(struct writer *w, const char *name, const char *value)
{
        open_tag(w, name);
        escaped(w, value);
        close_tag(w, name);
}

static void optional_text(struct writer *w, const char *name, const char *value)
{
        if (value)
                text(w, name, value);
}

/* Text the schema or the reader wants to be there. */
static void needed_text(struct writer *w, const char *name, const char *value)
{
        if (value && *value)
                text(w, name, value);
        else
                w->err = -IMS_EINVAL;
}

static void number(struct writer *w, const char *name, uint32_t value, uint32_t max)
{
        if (value > max)
                w->err = -IMS_EINVAL;
        buf_printf(w->b, "<%s>%u</%s>", name, value, name);
}

static void write_impu_extension(struct writer *w, const struct profile_impu *impu)
{
        const bool is_psi = impu->type == PROFILE_DISTINCT_PSI || impu->type == PROFILE_WILDCARDED_PSI;
        const char *wildcarded_impu = is_psi ? NULL : impu->wildcarded;
        open_tag(w, "Extension");
        number(w, "IdentityType", (uint32_t)impu->type, PROFILE_WILDCARDED_IMPU);
        if (is_psi)
                optional_text(w, "WildcardedPSI", impu->wildcarded);
        if (impu->display_name || impu->has_alias_group || wildcarded_impu) {
                open_tag(w, "Extension");
                optional_text(w, "DisplayName", impu->display_name);
                if (impu->has_alias_group)
                        number(w, "AliasIdentityGroupID", impu->alias_group, UINT32_MAX);
                if (wildcarded_impu) {
                        open_tag(w, "Extension");
                        text(w, "WildcardedIMPU", wildcarded_impu);
                        close_tag(w, "Extension");
                }
                close_tag(w, "Extension");
        }
        close_tag(w, "Extension");
}

static void write_impu(struct writer *w, const struct profile_impu *impu)
{
        open_tag(w, "PublicIdentity");
        if (impu->barred)
                number(w, "BarringIndication", 1, 1);
        needed_text(w, "Identity", impu->identity);
        if (impu->type != PROFILE_DISTINCT_IMPU || impu->display_name || impu->has_alias_group ||
            impu->wildcarded)
                write_impu_extension(w, impu);
        close_tag(w, "PublicIdentity");
}

static void write_pair(struct writer *w, const char *element, const char *name, const struct profile_spt *spt)
{
        open_tag(w, element);
        needed_text(w, name, spt->text);
        optional_text(w, "Content", spt->content);
        close_tag(w, element);
}

static void write_condition(struct writer *w, const struct profile_spt *spt)
{
        switch (spt->kind) {
        case SPT_REQUEST_URI:
                text(w, "RequestURI", spt->text ? spt->text : "");
                return;
        case SPT_METHOD:
                text(w, "Method", spt->text ? spt->text : "");
                return;
        case SPT_SIP_HEADER:
                write_pair(w, "SIPHeader", "Header", spt);
                return;
        case SPT_SESSION_CASE:
                number(w, "SessionCase", spt->session_case, SESSION_CASE_MAX);
                return;
        case SPT_SESSION_DESCRIPTION:
                write_pair(w, "SessionDescription", "Line", spt);
                return;
        }
        w->err = -IMS_EINVAL;
}

static void write_spt(struct writer *w, const struct profile_spt *spt)
{
        open_tag(w, "SPT");
        number(w, "ConditionNegated", spt->negated, 1);
        for (size_t i = 0; i < spt->n_groups; i++)
                number(w, "Group", spt->groups[i], PRIORITY_MAX);
        if (!spt->n_groups)
                w->err = -IMS_EINVAL;
        write_condition(w, spt);
        if (spt->registration_types & ~(uint32_t)REGISTRATION_TYPES)
                w->err = -IMS_EINVAL;
        /* all three say what none says, and the schema has room for two */
        if (spt->registration_types && spt->registration_types != REGISTRATION_TYPES) {
                open_tag(w, "Extension");
                for (uint32_t type = 0; type <= 2; type++) {
                        if (spt->registration_types >> type & 1)
                                number(w, "RegistrationType", type, 2);
                }
                close_tag(w, "Extension");
        }
        close_tag(w, "SPT");
}

static void write_ifc(struct writer *w, const struct profile_ifc *ifc)
{
        open_tag(w, "InitialFilterCriteria");
        number(w, "Priority", ifc->priority, PRIORITY_MAX);
        if (ifc->has_trigger) {
                open_tag(w, "TriggerPoint");
                number(w, "ConditionTypeCNF", ifc->cnf, 1);
                for (size_t i = 0; i < ifc->n_spts; i++)
                        write_spt(w, &ifc->spts[i]);
                if (!ifc->n_spts)
                        w->err = -IMS_EINVAL;
                close_tag(w, "TriggerPoint");
        }
        open_tag(w, "ApplicationServer");
        needed_text(w, "ServerName", ifc->server_name);
        number(w, "DefaultHandling", ifc->default_handling, 1);
        optional_text(w, "ServiceInfo", ifc->service_info);
        if (ifc->include_register_request || ifc->include_register_response) {
                open_tag(w, "Extension");
                if (ifc->include_register_request)
                        buf_puts(w->b, "<IncludeRegisterRequest/>");
                if (ifc->include_register_response)
                        buf_puts(w->b, "<IncludeRegisterResponse/>");
                close_tag(w, "Extension");
        }
        close_tag(w, "ApplicationServer");
        if (ifc->part >= 0)
                number(w, "ProfilePartIndicator", (uint32_t)ifc->part, 1);
        close_tag(w, "InitialFilterCriteria");
}

static void write_service(struct writer *w, const struct profile_service *s)
{
        open_tag(w, "ServiceProfile");
        for (size_t i = 0; i < s->n_impus; i++)
                write_impu(w, &s->impus[i]);
        if (!s->n_impus)
                w->err = -IMS_EINVAL;
        if (s->has_media_profile) {
                open_tag(w, "CoreNetworkServicesAuthorization");
                number(w, "SubscribedMediaProfileId", s->media_profile, PRIORITY_MAX);
                close_tag(w, "CoreNetworkServicesAuthorization");
        }
        for (size_t i = 0; i < s->n_ifcs; i++)
                write_ifc(w, &s->ifcs[i]);
        if (s->n_shared_ifc_sets) {
                open_tag(w, "Extension");
                for (size_t i = 0; i < s->n_shared_ifc_sets; i++)
                        number(w, "SharedIFCSetID", s->shared_ifc_sets[i], PRIORITY_MAX);
                close_tag(w, "Extension");
        }
        close_tag(w, "ServiceProfile");
}

int profile_write(const struct profile *p, struct buf *out)
{
        struct writer w = {.b = out};
        buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        open_tag(&w, "IMSSubscription");
        needed_text(&w, "PrivateID", p->impi);
        for (size_t i = 0; i < p->n_services; i++)
                write_service(&w, &p->services[i]);
        if (!p->n_services)
                w.err = -IMS_EINVAL;
        close_tag(&w, "IMSSubscription");
        return w.err ? w.err : out->err;
}
