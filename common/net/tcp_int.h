/* SPDX-License-Identifier: BSD-3-Clause
 * Inside of TCP: what listener and connection share. */
#pragma once

#include "common/net/loop_int.h"
#include "common/net/tcp.h"

struct tcp_listener {
        uv_poll_t poll;
        struct loop_object object;
        struct loop *loop;
        struct addr local;
        struct tmr resume; /* TCP_ACCEPT_PAUSE */
        int fd;
        uint32_t n_conns, max_conns;
        uint64_t n_refused;
        tcp_accept_fn *fn;
        void *arg;
        bool paused;   /* out of descriptors, and the log says so */
        bool closed;   /* by the user; freed with the last connection */
        bool released; /* libuv is done with the handle */
};

/* Takes an accepted socket. Owns fd also when it fails. */
int tcp_conn_accepted(struct tcp_listener *s, int fd, const struct addr *remote) IMS_CHECK;

/* An accepted connection is gone. */
void tcp_listener_conn_gone(struct tcp_listener *s);
