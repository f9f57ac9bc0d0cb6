/* SPDX-License-Identifier: BSD-3-Clause
 * Registered public identities. */
#include "ue/impus.h"

#include <stdlib.h>

struct impus_entry {
        struct impus_entry *next;
        char *impu, *associated;
};

static void entry_free(struct impus_entry *e)
{
        if (!e)
                return;
        free(e->impu);
        free(e->associated);
        free(e);
}

/* Is the URI one of "<uri>, <uri>"? */
static bool names(const char *list, const char *impu)
{
        size_t n = strlen(impu);

        for (const char *at = list ? strchr(list, '<') : NULL; at; at = strchr(at + 1, '<'))
                if (strncmp(at + 1, impu, n) == 0 && at[n + 1] == '>')
                        return true;
        return false;
}

static void drop(struct impus *i, struct impus_entry **at)
{
        struct impus_entry *e = *at;

        *at = e->next;
        i->n--;
        entry_free(e);
}

int impus_registered(struct impus *i, const char *impu, const char *associated)
{
        struct impus_entry *e = calloc(1, sizeof(*e));

        if (e)
                e->impu = span_dup(span_of(impu));
        if (e && associated)
                e->associated = span_dup(span_of(associated));
        if (!e || !e->impu || (associated && !e->associated)) {
                entry_free(e);
                return -IMS_ENOMEM;
        }
        for (struct impus_entry **at = &i->list; *at; at = &(*at)->next)
                if (strcmp((*at)->impu, impu) == 0) {
                        drop(i, at);
                        break;
                }
        e->next = i->list;
        i->list = e;
        i->n++;
        return 0;
}

bool impus_gone(struct impus *i, const char *impu)
{
        struct impus_entry **at = &i->list;

        while (*at) {
                if (strcmp((*at)->impu, impu) == 0 || names((*at)->associated, impu))
                        drop(i, at);
                else
                        at = &(*at)->next;
        }
        return i->n != 0;
}

void impus_free(struct impus *i)
{
        while (i->list)
                drop(i, &i->list);
}
