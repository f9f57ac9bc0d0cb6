/* SPDX-License-Identifier: BSD-3-Clause
 * Messages for the P-CSCF's unit tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/sip/edit.h"
#include "common/sip/grammar.h"
#include "tests/unit/proves.h"

static inline void expect_span(struct span s, const char *text)
{
        if (!span_eq(s, span_of(text)))
                fail_msg("'" SPAN_FMT "' is not '%s'", SPAN_ARG(s), text);
}

static inline struct sip_msg *msg_of(struct span octets)
{
        struct sip_msg *m = NULL;
        size_t used;

        assert_int_equal(sip_msg_parse(octets, SIP_DATAGRAM, &m, &used), 0);
        if (m->fault)
                fail_msg("%s", m->fault);
        return m;
}

static inline struct sip_msg *msg_flow(const char *file)
{
        static char octets[8192];
        char path[256];
        size_t n;
        FILE *f;

        snprintf(path, sizeof(path), TEST_DATA "/sip-flows/%s", file);
        f = fopen(path, "rb");
        assert_non_null(f);
        n = fread(octets, 1, sizeof(octets), f);
        fclose(f);
        return msg_of(span_make(octets, n));
}

/* The message e makes, read again. */
static inline struct sip_msg *msg_edited(struct sip_edit *e)
{
        struct buf out = BUF_INIT;
        struct sip_msg *m;

        assert_int_equal(sip_edit_write(e, SPAN_NULL, &out), 0);
        m = msg_of(buf_as_span(&out));
        buf_free(&out);
        sip_edit_free(e);
        return m;
}

static inline size_t lines_of(const struct sip_msg *m, enum sip_hdr_id id)
{
        size_t n = 0;

        while (sip_msg_hdr(m, id, n))
                n++;
        return n;
}
