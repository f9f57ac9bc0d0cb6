/* SPDX-License-Identifier: BSD-3-Clause
 * What the phones of one program share of the machine: its kernel's SAs, the sockets for ESP in UDP (one per
 * address, port 4500), the key log. */
#pragma once

#include "common/ipsec/esp_keylog.h"
#include "common/ipsec/sa_kernel.h"

struct sa_host;

/* Opens the kernel and removes what phones that are gone left in it. keylog: file, NULL: none. Errors of
 * sa_kernel_open and esp_keylog_open; why says what to do. */
int sa_host_new(struct loop *l, const char *keylog, struct sa_host **out, struct buf *why) IMS_CHECK;
/* After the last phone. Accepts NULL. */
void sa_host_free(struct sa_host *h);

struct sa_kernel *sa_host_kernel(struct sa_host *h);
struct esp_keylog *sa_host_keylog(struct sa_host *h); /* may be NULL */

/* Whether the kernel does a suite in a mode; asked once. why (may be NULL) names what lacks. */
bool sa_host_can(struct sa_host *h, struct sec_suite suite, enum sec_mode mode, int family, struct buf *why);

/* The socket for ESP in UDP at this address (port ignored: 4500), counted. Errors of sa_encap_open. */
int sa_host_encap(struct sa_host *h, const struct addr *local, struct sa_encap **out) IMS_CHECK;
void sa_host_encap_drop(struct sa_host *h, struct sa_encap *e); /* accepts NULL */
