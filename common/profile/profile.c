/* SPDX-License-Identifier: BSD-3-Clause
 * User profile: life cycle and look-ups. Reading and writing: profile_read.c, profile_write.c. */
#include "common/profile/profile.h"

#include <ctype.h>
#include <stdlib.h>

static void service_clear(struct profile_service *s)
{
        for (size_t i = 0; i < s->n_impus; i++) {
                free(s->impus[i].identity);
                free(s->impus[i].display_name);
                free(s->impus[i].wildcarded);
        }
        for (size_t i = 0; i < s->n_ifcs; i++) {
                struct profile_ifc *ifc = &s->ifcs[i];
                for (size_t k = 0; k < ifc->n_spts; k++) {
                        free(ifc->spts[k].text);
                        free(ifc->spts[k].content);
                }
                free(ifc->spts);
                free(ifc->server_name);
                free(ifc->service_info);
        }
        free(s->impus);
        free(s->ifcs);
        free(s->shared_ifc_sets);
}

void profile_free(struct profile *p)
{
        if (!p)
                return;
        for (size_t i = 0; i < p->n_services; i++)
                service_clear(&p->services[i]);
        free(p->services);
        free(p->impi);
        free(p);
}

const struct profile_impu *profile_default_impu(const struct profile *p)
{
        for (size_t i = 0; i < p->n_services; i++) {
                const struct profile_service *s = &p->services[i];
                for (size_t k = 0; k < s->n_impus; k++) {
                        if (!s->impus[k].barred && s->impus[k].type == PROFILE_DISTINCT_IMPU)
                                return &s->impus[k];
                }
        }
        return NULL;
}

static struct span before(struct span s, char c)
{
        ptrdiff_t at = span_chr(s, c, 0);
        return at < 0 ? s : span_sub(s, 0, (size_t)at);
}

/* tel: digits count, visual separators do not (RFC 3966 4). */
static bool tel_eq(struct span a, struct span b)
{
        size_t i = 0, k = 0;
        for (;;) {
                while (i < a.n && strchr("-.() ", a.p[i]))
                        i++;
                while (k < b.n && strchr("-.() ", b.p[k]))
                        k++;
                if (i == a.n || k == b.n)
                        return i == a.n && k == b.n;
                if (tolower((unsigned char)a.p[i++]) != tolower((unsigned char)b.p[k++]))
                        return false;
        }
}

/* identity as the HSS wrote it, impu in canonical form. */
static bool impu_eq(const char *identity, struct span impu)
{
        struct span id = span_of(identity);
        if (span_eq(id, impu))
                return true;
        id = before(id, ';');
        if (span_istarts(id, SPAN("tel:")) && span_istarts(impu, SPAN("tel:")))
                return tel_eq(id, impu);
        ptrdiff_t at = span_chr(id, '@', 0);
        ptrdiff_t at2 = span_chr(impu, '@', 0);
        if (!span_istarts(id, SPAN("sip:")) || !span_istarts(impu, SPAN("sip:")) || at < 0 || at != at2)
                return false;
        return span_eq(span_sub(id, 4, (size_t)at), span_sub(impu, 4, (size_t)at)) &&
               span_ieq(span_sub(id, (size_t)at, id.n), span_sub(impu, (size_t)at, impu.n));
}

const struct profile_impu *profile_find_impu(const struct profile *p, struct span impu)
{
        for (size_t i = 0; i < p->n_services; i++) {
                const struct profile_service *s = &p->services[i];
                for (size_t k = 0; k < s->n_impus; k++) {
                        if (impu_eq(s->impus[k].identity, impu))
                                return &s->impus[k];
                }
        }
        return NULL;
}
