/* SPDX-License-Identifier: BSD-3-Clause
 * Reads the user profile (TS 29.228 Annex E, CxDataType Rel-8 with its chain of Extension elements). The
 * document comes from the network: no DTD, so no entities; no network access; bounded size and depth.
 * Elements that are not known, and those of other namespaces, are skipped (TS 29.228 B.1). */
#include "common/profile/profile.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>
#include <stdlib.h>

enum { DOCUMENT_MAX = 1 << 20, QUOTE_MAX = 60 };

struct reader {
        struct buf *err;
        const xmlNs *ns; /* of the root: what belongs to the profile */
};

/* Adds the reason (with the line and the quoted value, where there is one) and gives -IMS_EPARSE. */
static int bad(struct reader *r, const xmlNode *at, const char *what, const char *value)
{
        if (at)
                buf_printf(r->err, "line %ld: %s: ", xmlGetLineNo(at), (const char *)at->name);
        if (value) {
                buf_quoted(r->err, span_of(value), QUOTE_MAX);
                buf_puts(r->err, ": ");
        }
        buf_puts(r->err, what);
        return -IMS_EPARSE;
}

static bool is(const struct reader *r, const xmlNode *n, const char *name)
{
        if (n->type != XML_ELEMENT_NODE || strcmp((const char *)n->name, name) != 0)
                return false;
        return n->ns == r->ns || (n->ns && r->ns && xmlStrEqual(n->ns->href, r->ns->href));
}

/* First element of that name at n or behind it. */
static const xmlNode *find(const struct reader *r, const xmlNode *n, const char *name)
{
        while (n && !is(r, n, name))
                n = n->next;
        return n;
}

static const xmlNode *child(const struct reader *r, const xmlNode *parent, const char *name)
{
        return parent ? find(r, parent->children, name) : NULL;
}

static size_t count(const struct reader *r, const xmlNode *parent, const char *name)
{
        size_t n = 0;
        for (const xmlNode *c = child(r, parent, name); c; c = find(r, c->next, name))
                n++;
        return n;
}

static bool is_text(const xmlNode *n)
{
        return (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) && n->content;
}

/* The text of an element as an owned string; white space at the ends goes when trim is set. */
static int text(const xmlNode *n, bool trim, char **out)
{
        size_t len = 0;
        for (const xmlNode *c = n->children; c; c = c->next)
                len += is_text(c) ? strlen((const char *)c->content) : 0;
        char *s = malloc(len + 1);
        if (!s)
                return -IMS_ENOMEM;
        len = 0;
        for (const xmlNode *c = n->children; c; c = c->next) {
                if (is_text(c)) {
                        size_t k = strlen((const char *)c->content);
                        memcpy(s + len, c->content, k);
                        len += k;
                }
        }
        s[len] = 0;
        if (trim) {
                struct span t = span_trim(span_make(s, len));
                memmove(s, t.p, t.n);
                s[t.n] = 0;
        }
        *out = s;
        return 0;
}

static int optional_text(const xmlNode *n, char **out)
{
        return n ? text(n, false, out) : 0;
}

/* Text that must be there and must not be empty. */
static int needed_text(struct reader *r, const xmlNode *parent, const char *name, char **out)
{
        const xmlNode *n = child(r, parent, name);
        if (!n) {
                buf_printf(r->err, "line %ld: %s: %s is missing", xmlGetLineNo(parent),
                           (const char *)parent->name, name);
                return -IMS_EPARSE;
        }
        int err = text(n, true, out);
        if (!err && !**out)
                return bad(r, n, "is empty", NULL);
        return err;
}

static int number(struct reader *r, const xmlNode *n, uint32_t max, uint32_t *out)
{
        char *s = NULL;
        int err = text(n, true, &s);
        if (err)
                return err;
        err = span_u32(span_of(s), max, out);
        if (err)
                err = bad(r, n, err == -IMS_ETOOBIG ? "number out of range" : "not a number", s);
        free(s);
        return err;
}

/* xs:boolean: "true", "false", "1", "0". */
static int boolean(struct reader *r, const xmlNode *n, bool *out)
{
        char *s = NULL;
        int err = text(n, true, &s);
        if (err)
                return err;
        if (!strcmp(s, "1") || !strcmp(s, "true"))
                *out = true;
        else if (!strcmp(s, "0") || !strcmp(s, "false"))
                *out = false;
        else
                err = bad(r, n, "not a boolean", s);
        free(s);
        return err;
}

/* xs:int that is not negative. */
enum { XS_INT_MAX = 0x7fffffff };

/* An alias group is only ever compared: what is no number becomes one with the top bit set. */
static int alias_group(const xmlNode *n, uint32_t *out)
{
        char *s = NULL;
        int err = text(n, true, &s);
        if (err)
                return err;
        if (span_u32(span_of(s), XS_INT_MAX, out) != 0) {
                uint32_t h = 2166136261u; /* FNV-1a */
                for (const char *p = s; *p; p++)
                        h = (h ^ (unsigned char)*p) * 16777619u;
                *out = h | 0x80000000u;
        }
        free(s);
        return 0;
}

static int read_impu(struct reader *r, const xmlNode *node, struct profile_impu *impu)
{
        const xmlNode *n = child(r, node, "BarringIndication");
        int err = n ? boolean(r, n, &impu->barred) : 0;
        if (!err)
                err = needed_text(r, node, "Identity", &impu->identity);
        const xmlNode *ext = child(r, node, "Extension");
        if (err || !ext)
                return err;
        n = child(r, ext, "IdentityType");
        if (n) {
                uint32_t type = 0;
                err = number(r, n, PROFILE_WILDCARDED_IMPU, &type);
                impu->type = (enum profile_identity_type)type;
        }
        n = child(r, ext, "WildcardedPSI");
        if (!err && n)
                err = text(n, true, &impu->wildcarded);
        ext = child(r, ext, "Extension");
        if (!err)
                err = optional_text(child(r, ext, "DisplayName"), &impu->display_name);
        n = child(r, ext, "AliasIdentityGroupID");
        if (!err && n) {
                impu->has_alias_group = true;
                err = alias_group(n, &impu->alias_group);
        }
        n = child(r, child(r, ext, "Extension"), "WildcardedIMPU");
        if (!err && n && !impu->wildcarded)
                err = text(n, true, &impu->wildcarded);
        return err;
}

static int read_groups(struct reader *r, const xmlNode *node, struct profile_spt *spt)
{
        for (const xmlNode *n = child(r, node, "Group"); n; n = find(r, n->next, "Group")) {
                if (spt->n_groups == sizeof(spt->groups) / sizeof(spt->groups[0]))
                        return bad(r, n, "more groups than supported", NULL);
                int err = number(r, n, XS_INT_MAX, &spt->groups[spt->n_groups]);
                if (err)
                        return err;
                spt->n_groups++;
        }
        return spt->n_groups ? 0 : bad(r, node, "Group is missing", NULL);
}

/* Header or Line, and Content. */
static int read_pair(struct reader *r, const xmlNode *n, const char *name, struct profile_spt *spt)
{
        int err = needed_text(r, n, name, &spt->text);
        return err ? err : optional_text(child(r, n, "Content"), &spt->content);
}

static int read_condition(struct reader *r, const xmlNode *node, struct profile_spt *spt)
{
        const xmlNode *n = NULL;
        if ((n = child(r, node, "RequestURI")) != NULL) {
                spt->kind = SPT_REQUEST_URI;
                return text(n, true, &spt->text);
        }
        if ((n = child(r, node, "Method")) != NULL) {
                spt->kind = SPT_METHOD;
                return text(n, true, &spt->text);
        }
        if ((n = child(r, node, "SIPHeader")) != NULL) {
                spt->kind = SPT_SIP_HEADER;
                return read_pair(r, n, "Header", spt);
        }
        if ((n = child(r, node, "SessionCase")) != NULL) {
                spt->kind = SPT_SESSION_CASE;
                return number(r, n, 255, &spt->session_case);
        }
        if ((n = child(r, node, "SessionDescription")) != NULL) {
                spt->kind = SPT_SESSION_DESCRIPTION;
                return read_pair(r, n, "Line", spt);
        }
        return bad(r, node, "no condition that is known", NULL);
}

static int read_spt(struct reader *r, const xmlNode *node, struct profile_spt *spt)
{
        const xmlNode *n = child(r, node, "ConditionNegated");
        int err = n ? boolean(r, n, &spt->negated) : 0;
        if (!err)
                err = read_groups(r, node, spt);
        if (!err)
                err = read_condition(r, node, spt);
        n = child(r, child(r, node, "Extension"), "RegistrationType");
        for (; n && !err; n = find(r, n->next, "RegistrationType")) {
                uint32_t type = 0;
                err = number(r, n, 31, &type);
                if (!err)
                        spt->registration_types |= UINT32_C(1) << type;
        }
        return err;
}

static int read_trigger(struct reader *r, const xmlNode *node, struct profile_ifc *ifc)
{
        const xmlNode *n = child(r, node, "ConditionTypeCNF");
        if (!n)
                return bad(r, node, "ConditionTypeCNF is missing", NULL);
        int err = boolean(r, n, &ifc->cnf);
        if (err)
                return err;
        size_t spts = count(r, node, "SPT");
        if (!spts)
                return bad(r, node, "SPT is missing", NULL);
        ifc->has_trigger = true;
        ifc->spts = calloc(spts, sizeof(*ifc->spts));
        if (!ifc->spts)
                return -IMS_ENOMEM;
        for (n = child(r, node, "SPT"); n && !err; n = find(r, n->next, "SPT"))
                err = read_spt(r, n, &ifc->spts[ifc->n_spts++]);
        return err;
}

static int read_application_server(struct reader *r, const xmlNode *node, struct profile_ifc *ifc)
{
        int err = needed_text(r, node, "ServerName", &ifc->server_name);
        const xmlNode *n = child(r, node, "DefaultHandling");
        if (!err && n)
                err = number(r, n, 1, &ifc->default_handling);
        if (!err)
                err = optional_text(child(r, node, "ServiceInfo"), &ifc->service_info);
        const xmlNode *ext = child(r, node, "Extension");
        ifc->include_register_request = child(r, ext, "IncludeRegisterRequest") != NULL;
        ifc->include_register_response = child(r, ext, "IncludeRegisterResponse") != NULL;
        return err;
}

static int read_ifc(struct reader *r, const xmlNode *node, struct profile_ifc *ifc)
{
        ifc->part = -1;
        const xmlNode *n = child(r, node, "Priority");
        if (!n)
                return bad(r, node, "Priority is missing", NULL);
        int err = number(r, n, XS_INT_MAX, &ifc->priority);
        n = child(r, node, "TriggerPoint");
        if (!err && n)
                err = read_trigger(r, n, ifc);
        if (err)
                return err;
        n = child(r, node, "ApplicationServer");
        if (!n)
                return bad(r, node, "ApplicationServer is missing", NULL);
        err = read_application_server(r, n, ifc);
        n = child(r, node, "ProfilePartIndicator");
        if (!err && n) {
                uint32_t part = 0;
                err = number(r, n, 1, &part);
                ifc->part = (int)part;
        }
        return err;
}

struct ordered { /* an iFC and its place in the document */
        struct profile_ifc ifc;
        size_t place;
};

static int by_priority(const void *a, const void *b)
{
        const struct ordered *x = a, *y = b;
        if (x->ifc.priority != y->ifc.priority)
                return x->ifc.priority < y->ifc.priority ? -1 : 1;
        return x->place < y->place ? -1 : 1;
}

/* In the order of priority, equal ones as in the document. */
static int sort_ifcs(struct profile_service *s)
{
        bool sorted = true;
        for (size_t i = 1; i < s->n_ifcs; i++)
                sorted = sorted && s->ifcs[i - 1].priority <= s->ifcs[i].priority;
        if (sorted)
                return 0;
        struct ordered *o = calloc(s->n_ifcs, sizeof(*o));
        if (!o)
                return -IMS_ENOMEM;
        for (size_t i = 0; i < s->n_ifcs; i++)
                o[i] = (struct ordered){s->ifcs[i], i};
        qsort(o, s->n_ifcs, sizeof(*o), by_priority);
        for (size_t i = 0; i < s->n_ifcs; i++)
                s->ifcs[i] = o[i].ifc;
        free(o);
        return 0;
}

static int read_impus(struct reader *r, const xmlNode *node, struct profile_service *s)
{
        size_t impus = count(r, node, "PublicIdentity");
        if (!impus)
                return bad(r, node, "PublicIdentity is missing", NULL);
        s->impus = calloc(impus, sizeof(*s->impus));
        if (!s->impus)
                return -IMS_ENOMEM;
        int err = 0;
        const xmlNode *n = child(r, node, "PublicIdentity");
        for (; n && !err; n = find(r, n->next, "PublicIdentity"))
                err = read_impu(r, n, &s->impus[s->n_impus++]);
        return err;
}

static int read_ifcs(struct reader *r, const xmlNode *node, struct profile_service *s)
{
        size_t ifcs = count(r, node, "InitialFilterCriteria");
        if (!ifcs)
                return 0;
        s->ifcs = calloc(ifcs, sizeof(*s->ifcs));
        if (!s->ifcs)
                return -IMS_ENOMEM;
        int err = 0;
        const xmlNode *n = child(r, node, "InitialFilterCriteria");
        for (; n && !err; n = find(r, n->next, "InitialFilterCriteria"))
                err = read_ifc(r, n, &s->ifcs[s->n_ifcs++]);
        return err ? err : sort_ifcs(s);
}

static int read_shared_sets(struct reader *r, const xmlNode *ext, struct profile_service *s)
{
        size_t sets = count(r, ext, "SharedIFCSetID");
        if (!sets)
                return 0;
        s->shared_ifc_sets = calloc(sets, sizeof(*s->shared_ifc_sets));
        if (!s->shared_ifc_sets)
                return -IMS_ENOMEM;
        int err = 0;
        const xmlNode *n = child(r, ext, "SharedIFCSetID");
        for (; n && !err; n = find(r, n->next, "SharedIFCSetID"))
                err = number(r, n, XS_INT_MAX, &s->shared_ifc_sets[s->n_shared_ifc_sets++]);
        return err;
}

static int read_service(struct reader *r, const xmlNode *node, struct profile_service *s)
{
        int err = read_impus(r, node, s);
        const xmlNode *n =
                child(r, child(r, node, "CoreNetworkServicesAuthorization"), "SubscribedMediaProfileId");
        if (!err && n) {
                s->has_media_profile = true;
                err = number(r, n, XS_INT_MAX, &s->media_profile);
        }
        if (!err)
                err = read_ifcs(r, node, s);
        if (!err)
                err = read_shared_sets(r, child(r, node, "Extension"), s);
        return err;
}

static int read_root(struct reader *r, const xmlNode *root, struct profile *p)
{
        r->ns = root->ns;
        if (!is(r, root, "IMSSubscription"))
                return bad(r, root, "the root is not IMSSubscription", NULL);
        int err = needed_text(r, root, "PrivateID", &p->impi);
        if (err)
                return err;
        size_t services = count(r, root, "ServiceProfile");
        if (!services)
                return bad(r, root, "ServiceProfile is missing", NULL);
        p->services = calloc(services, sizeof(*p->services));
        if (!p->services)
                return -IMS_ENOMEM;
        const xmlNode *n = child(r, root, "ServiceProfile");
        for (; n && !err; n = find(r, n->next, "ServiceProfile"))
                err = read_service(r, n, &p->services[p->n_services++]);
        return err;
}

/* SAX hook: a document type declaration ends the reading before any of its entities is looked at. */
static void refuse_dtd(void *ctx, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
        xmlParserCtxt *parser = ctx;
        (void)name;
        (void)external_id;
        (void)system_id;
        *(bool *)parser->_private = true;
        xmlStopParser(parser);
}

static int read_document(struct span xml, struct reader *r, xmlDoc **out)
{
        bool has_dtd = false;
        xmlParserCtxt *parser = xmlNewParserCtxt();
        if (!parser)
                return -IMS_ENOMEM;
        parser->_private = &has_dtd;
        parser->sax->internalSubset = refuse_dtd;
        int err = 0;
        xmlDoc *doc = xmlCtxtReadMemory(parser, xml.p, (int)xml.n, NULL, NULL,
                                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                                XML_PARSE_NOCDATA | XML_PARSE_NOBLANKS | XML_PARSE_COMPACT);
        if (has_dtd) {
                err = bad(r, NULL, "document type declarations are refused", NULL);
        } else if (!doc) {
                const xmlError *e = xmlCtxtGetLastError(parser);
                buf_printf(r->err, "line %d: ", e ? e->line : 0);
                struct span why = span_trim(span_of(e && e->message ? e->message : "not XML"));
                buf_quoted(r->err, why, 200);
                err = -IMS_EPARSE;
        }
        if (err) {
                xmlFreeDoc(doc);
                doc = NULL;
        }
        xmlFreeParserCtxt(parser);
        *out = doc;
        return err;
}

int profile_parse(struct span xml, struct profile **out, struct buf *err_text)
{
        struct reader r = {.err = err_text};
        xmlDoc *doc = NULL;
        struct profile *p = NULL;
        int err = 0;
        if (xml.n > DOCUMENT_MAX)
                return bad(&r, NULL, "the document is larger than 1 MiB", NULL);
        if (xml.n == 0)
                return bad(&r, NULL, "the document is empty", NULL);
        err = read_document(xml, &r, &doc);
        if (err)
                goto out;
        p = calloc(1, sizeof(*p));
        err = p ? read_root(&r, xmlDocGetRootElement(doc), p) : -IMS_ENOMEM;
        if (!err) {
                *out = p;
                p = NULL;
        }
out:
        profile_free(p);
        xmlFreeDoc(doc);
        return err;
}
