/* SPDX-License-Identifier: BSD-3-Clause
 * Pairs of name and number. */
#include "tests/bench/lib/out.h"

void out_begin(struct out *o, FILE *f, bool json)
{
        *o = (struct out){.f = f, .json = json};
        if (json)
                (void)fputc('{', f);
}

void out_number(struct out *o, const char *name, double value)
{
        const char *dot = o->prefix[0] ? "." : "";

        if (o->json)
                (void)fprintf(o->f, "%s\"%s%s%s\": %.15g", o->n ? ", " : "", o->prefix, dot, name, value);
        else
                (void)fprintf(o->f, "%s%s%s %.15g\n", o->prefix, dot, name, value);
        o->n++;
}

void out_end(struct out *o)
{
        if (o->json)
                (void)fputs("}\n", o->f);
        (void)fflush(o->f);
}
