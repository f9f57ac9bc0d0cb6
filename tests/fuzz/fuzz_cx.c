/* SPDX-License-Identifier: BSD-3-Clause
 * Diameter messages on the way a node takes: the check on the octets, libfdproto, the typed decoders of
 * Cx, the summary. */
#include "tests/fuzz/fuzz.h"

#include "common/diameter/cx.h"
#include "common/diameter/msg.h"
#include "common/trace/cx_trace.h"

#define DECODE(name)                                                                                         \
        do {                                                                                                 \
                static struct cx_##name out;                                                                 \
                struct cx_fault fault = {0};                                                                 \
                if (cx_##name##_decode(m, &out, &fault) == 0)                                                \
                        cx_##name##_clear(&out);                                                             \
                else                                                                                         \
                        MUST(fault.base_code >= 3000 || fault.base_code == 0);                               \
        } while (0)

static void decode(struct msg *m, uint32_t code, bool request)
{
        switch (code) {
        case CX_UAR:
                if (request)
                        DECODE(uar);
                else
                        DECODE(uaa);
                return;
        case CX_MAR:
                if (request)
                        DECODE(mar);
                else
                        DECODE(maa);
                return;
        case CX_SAR:
                if (request)
                        DECODE(sar);
                else
                        DECODE(saa);
                return;
        case CX_LIR:
                if (request)
                        DECODE(lir);
                else
                        DECODE(lia);
                return;
        case CX_RTR:
                if (request)
                        DECODE(rtr);
                else
                        DECODE(rta);
                return;
        case CX_PPR:
                if (request)
                        DECODE(ppr);
                else
                        DECODE(ppa);
                return;
        default:
                return;
        }
}

static void try_message(const uint8_t *data, size_t n)
{
        struct dia_fault fault = DIA_FAULT_NONE;
        struct buf text = BUF_INIT;
        struct msg *m = NULL;
        struct msg_hdr *h = NULL;
        struct span raw = SPAN_NULL;
        if (dia_check(span_make(data, n), &fault) != 0) {
                MUST(fault.code >= 3000);
                dia_put_fault(&text, &fault);
        } else if (dia_msg_parse(span_make(data, n), &m, &raw) == 0) {
                MUST(fd_msg_hdr(m, &h) == 0);
                decode(m, h->msg_code, h->msg_flags & CMD_FLAG_REQUEST);
                cx_summary(m, &text);
                dia_msg_free(m, raw);
        }
        buf_free(&text);
}

/* The length in the header is made right: a connection cuts messages by it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static int ready;
        if (!ready) {
                MUST(dia_dict_load() == 0);
                ready = 1;
        }
        n &= ~(size_t)3;
        if (n < 20 || n > 65536)
                return 0;
        uint8_t *copy = malloc(n);
        MUST(copy != NULL);
        memcpy(copy, data, n);
        copy[0] = 1;
        copy[1] = (uint8_t)(n >> 16);
        copy[2] = (uint8_t)(n >> 8);
        copy[3] = (uint8_t)n;
        try_message(copy, n);
        free(copy);
        return 0;
}
