/* SPDX-License-Identifier: BSD-3-Clause
 * Shell words (POSIX.1-2017 XCU 2.2.2). Backslash and single quote would survive a shell if quoted with care,
 * but not the escaping of a log line as well. */
#include "common/trace/command.h"

#include "common/base/codec.h"

#define HEX_MAX 64 /* octets */

static bool is_plain(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (c && strchr("@._+:/,-", c));
}

static bool is_safe(struct span word)
{
        if (word.n == 0 || word.p[0] == '-')
                return false;
        for (size_t i = 0; i < word.n; i++)
                if (word.p[i] < 0x20 || word.p[i] > 0x7e || word.p[i] == '\'' || word.p[i] == '\\')
                        return false;
        return true;
}

void command_word(struct buf *b, struct span word)
{
        bool plain = true;
        if (!b->max)
                b->max = COMMAND_MAX;
        if (!b->err && !is_safe(word))
                b->err = -IMS_EINVAL;
        for (size_t i = 0; i < word.n && plain; i++)
                plain = is_plain(word.p[i]);
        buf_puts(b, b->n ? " " : "");
        buf_puts(b, plain ? "" : "'");
        buf_span(b, word);
        buf_puts(b, plain ? "" : "'");
}

void command_diagnose(struct buf *b, struct span id)
{
        command_word(b, SPAN("hss"));
        command_word(b, SPAN("diagnose"));
        command_word(b, id);
}

void command_option(struct buf *b, const char *name, struct span value)
{
        buf_printf(b, " --%s", name);
        command_word(b, value);
}

void command_hex(struct buf *b, const char *name, const void *p, size_t n)
{
        char hex[2 * HEX_MAX + 1];
        if (n > HEX_MAX) {
                b->err = -IMS_ETOOBIG;
                return;
        }
        hex_encode(p, n, hex);
        command_option(b, name, span_of(hex));
}

const char *command_text(struct buf *b)
{
        if (b->n)
                buf_char(b, '\0');
        if (b->err || !b->n)
                return NULL;
        b->n--;
        return b->p;
}
