/* SPDX-License-Identifier: BSD-3-Clause
 * Inside of common/ipsec: a conversation with the kernel over netlink. Messages are put one behind the other
 * and sent together; the kernel works them off within the call that sends them, so its answers are there when
 * that returns and nothing waits. What goes either way may hold keys: both buffers are wiped. */
#pragma once

#include <libmnl/libmnl.h>

#include "common/base/span.h"

#define NL_BATCH_MAX   16
#define NL_MESSAGE_MAX 1024 /* octets; the longest of ours has about 600 */

struct nl_link {
        struct mnl_socket *socket;
        uint8_t *tx, *rx;
        struct nlmsghdr *last; /* the message being built */
        size_t n;              /* messages put */
        uint32_t seq;          /* of the first of them */
        char said[96];         /* the kernel's own words for the first error of the last run, or "" */
};

/* bus: NETLINK_XFRM or NETLINK_ROUTE. 0, or a positive errno. Zero the link before. */
int nl_open(struct nl_link *l, int bus) IMS_CHECK;
/* Does nothing to a link that is zero or closed. */
void nl_close(struct nl_link *l);

/* Starts a message behind those that are there (at most NL_BATCH_MAX of NL_MESSAGE_MAX octets). */
struct nlmsghdr *nl_put(struct nl_link *l, uint16_t type, uint16_t flags);

/* Sends them all. errs[i]: 0 or the positive errno the kernel answered to the i-th message put; the others
 * are done all the same. Returns 0 when every message has its answer, else a positive errno: then those with
 * 0 may have been done. */
int nl_run(struct nl_link *l, int errs[static NL_BATCH_MAX]) IMS_CHECK;

/* Sends the one message put, a request or a dump, and hands over each message of the answer. 0, or a positive
 * errno (ESRCH where there is no such thing). */
typedef void nl_fn(const struct nlmsghdr *m, void *arg);
int nl_ask(struct nl_link *l, nl_fn *fn, void *arg) IMS_CHECK;
