/* SPDX-License-Identifier: BSD-3-Clause
 * Handlers of a connection that is nobody's business any more. */
#include "common/net/tcp.h"

static void ignore_data(struct tcp_conn *c, struct span data, void *arg)
{
        (void)c, (void)data, (void)arg;
}
static void ignore_connect(struct tcp_conn *c, void *arg)
{
        (void)c, (void)arg;
}
static void ignore_close(struct tcp_conn *c, int reason, void *arg)
{
        (void)c, (void)reason, (void)arg;
}

const struct tcp_handlers tcp_deaf = {ignore_connect, ignore_data, ignore_close};
