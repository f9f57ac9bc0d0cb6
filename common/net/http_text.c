/* SPDX-License-Identifier: BSD-3-Clause
 * Lines of HTTP. */
#include "common/net/http_text.h"

bool http_take_line(struct span *rest, struct span *line)
{
        ptrdiff_t nl = span_chr(*rest, '\n', 0);

        if (nl < 0)
                return false;
        *line = span_sub(*rest, 0, (size_t)nl);
        if (line->n && line->p[line->n - 1] == '\r')
                line->n--;
        *rest = span_sub(*rest, (size_t)nl + 1, rest->n);
        return true;
}

bool http_has_control(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
                        return true;
        return false;
}
