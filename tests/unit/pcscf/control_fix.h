/* SPDX-License-Identifier: BSD-3-Clause
 * What the control socket of a P-CSCF in this process answers. */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/pcscf/ipsec_fix.h"

struct caller {
        int fd;
        struct buf in;
        bool closed;
};

static inline void call_up(struct caller *c, struct fix *x, const char *command)
{
        struct sockaddr_un name = {.sun_family = AF_UNIX};

        *c = (struct caller){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        assert_true(c->fd >= 0);
        assert_int_equal(span_copy(span_of(x->control), name.sun_path, sizeof(name.sun_path)), 0);
        assert_int_equal(connect(c->fd, (struct sockaddr *)&name, sizeof(name)), 0);
        assert_int_equal(write(c->fd, command, strlen(command)), strlen(command));
}

static inline bool call_over(struct caller *c)
{
        char piece[4096];
        ssize_t n;

        while (!c->closed && (n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT)) >= 0) {
                c->closed = n == 0;
                buf_put(&c->in, piece, (size_t)n);
        }
        return c->closed;
}

static inline void hang_up(struct caller *c)
{
        (void)close(c->fd);
        buf_free(&c->in);
}

/* The whole answer. */
static inline const char *asked(struct fix *x, const char *command)
{
        static char text[65536];
        struct caller c;

        call_up(&c, x, command);
        WAIT_FOR(&x->w, call_over(&c));
        assert_true(c.in.n < sizeof(text));
        (void)snprintf(text, sizeof(text), SPAN_FMT, SPAN_ARG(buf_as_span(&c.in)));
        hang_up(&c);
        return text;
}
