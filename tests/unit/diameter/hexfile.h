/* SPDX-License-Identifier: BSD-3-Clause
 * Reads the messages of tests/data/cx. */
#pragma once

#include <ctype.h>
#include <stdio.h>

#include "common/base/buf.h"

/* A whole file, as text. Fails the test when it is not there. */
static inline struct buf file_read(const char *name)
{
        char path[512];
        struct buf b = BUF_INIT;
        FILE *f;
        int c;

        snprintf(path, sizeof(path), "%s/cx/%s", TEST_DATA, name);
        f = fopen(path, "rb");
        if (!f)
                fail_msg("%s: not there", path);
        while ((c = fgetc(f)) != EOF)
                buf_char(&b, (char)c);
        (void)fclose(f);
        return b;
}

static inline unsigned hex_digit(int c)
{
        return isdigit(c) ? (unsigned)c - '0' : (unsigned)tolower(c) - 'a' + 10;
}

/* The octets of NAME.hex. */
static inline struct buf hex_read(const char *name)
{
        char file[128];
        struct buf text, b = BUF_INIT;
        int high = -1;

        snprintf(file, sizeof(file), "%s.hex", name);
        text = file_read(file);
        for (size_t i = 0; i < text.n; i++) {
                if (!isxdigit((unsigned char)text.p[i]))
                        continue;
                if (high < 0) {
                        high = (int)hex_digit(text.p[i]);
                } else {
                        buf_char(&b, (char)((unsigned)high << 4 | hex_digit(text.p[i])));
                        high = -1;
                }
        }
        buf_free(&text);
        return b;
}
