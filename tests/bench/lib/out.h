/* SPDX-License-Identifier: BSD-3-Clause
 * What a measuring program reports: pairs of name and number on standard output, as lines "NAME VALUE" or as
 * one flat JSON object. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct out {
        FILE *f;
        bool json;
        unsigned n;
        char prefix[32]; /* put before each name, with a dot; empty: none */
};

void out_begin(struct out *o, FILE *f, bool json);
void out_number(struct out *o, const char *name, double value);
void out_end(struct out *o);
