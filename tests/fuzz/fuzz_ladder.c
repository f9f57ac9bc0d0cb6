/* SPDX-License-Identifier: BSD-3-Clause
 * The ladder over streams of any content: it may draw nonsense, but neither crash nor let a control
 * character through to the terminal. */
#include "tests/fuzz/fuzz.h"

#include "common/trace/ladder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static const struct ladder_style style = {.width = 100};
        struct ladder *l = NULL;
        struct span rest = span_make(data, n), line;
        struct buf out = BUF_INIT;
        if (ladder_new(&l) != 0)
                return 0;
        while (span_split(&rest, '\n', &line))
                MUST(ladder_feed(l, line) == 0);
        for (size_t i = 0; i < ladder_call_count(l) && i < 8; i++) {
                buf_reset(&out);
                MUST(ladder_draw(l, ladder_call_at(l, i), &style, &out) <= 0);
                for (size_t k = 0; k < out.n; k++)
                        MUST(out.p[k] == '\n' || (unsigned char)out.p[k] >= 0x20);
                buf_reset(&out);
                MUST(ladder_json(l, ladder_call_at(l, i), &out) <= 0);
        }
        buf_free(&out);
        ladder_free(l);
        return 0;
}
