/* SPDX-License-Identifier: BSD-3-Clause
 * The messages of a registration, from a file. */
#include <stdio.h>

#include "tests/bench/floor/floor.h"

const char *const floor_node_names[FLOOR_NODES] = {"ue", "pcscf", "icscf", "scscf", "hss"};

static int node_of(struct span word, enum floor_node *out)
{
        for (int i = 0; i < FLOOR_NODES; i++)
                if (span_eq(span_trim(word), span_of(floor_node_names[i]))) {
                        *out = (enum floor_node)i;
                        return 0;
                }
        return -IMS_EPARSE;
}

static int take_line(struct floor_table *t, struct span row)
{
        struct floor_step s = {0};
        struct span from, to, transport, octets;

        if (!span_split(&row, ',', &from) || !span_split(&row, ',', &to) ||
            !span_split(&row, ',', &transport) || !span_split(&row, ',', &octets) ||
            node_of(from, &s.from) != 0 || node_of(to, &s.to) != 0 || s.from == s.to ||
            span_u32(octets, FLOOR_OCTETS, &s.octets) != 0 || s.octets < sizeof(struct floor_head))
                return -IMS_EPARSE;
        s.tcp = span_eq(transport, SPAN("tcp"));
        if (!s.tcp && !span_eq(transport, SPAN("udp")))
                return -IMS_EPARSE;
        /* who sends is who received last; the phone begins and ends */
        if (s.from != (t->n ? t->steps[t->n - 1].to : FLOOR_UE))
                return -IMS_EPROTO;
        if (t->n == FLOOR_STEPS_MAX)
                return -IMS_ETOOBIG;
        t->steps[t->n++] = s;
        return 0;
}

int floor_table_read(const char *file, struct floor_table *out)
{
        char text[256];
        unsigned line = 0;
        FILE *f = fopen(file, "re");
        int err = f ? 0 : -IMS_EIO;

        *out = (struct floor_table){0};
        while (!err && fgets(text, sizeof text, f)) {
                struct span row = span_trim(span_of(text));
                line++;
                if (row.n && row.p[0] != '#' && !span_starts(row, SPAN("from,")))
                        err = take_line(out, row);
        }
        if (!err && (out->n == 0 || out->steps[out->n - 1].to != FLOOR_UE))
                err = -IMS_EPROTO;
        if (err)
                (void)fprintf(stderr, "floor: %s:%u: %s\n", file, line, ims_strerror(err));
        if (f)
                (void)fclose(f);
        return err;
}
