/* SPDX-License-Identifier: BSD-3-Clause
 * Certificate bootstrapping at the UE: mutual TLS with the server, one request, credentials
 * (PKT-TR-SEC 6.1.1.3). */
#pragma once

#include "common/net/loop.h"
#include "ue/bootstrap_reply.h"

struct bootstrap_conf {
        const char *server;            /* "HOST:PORT" */
        const char *certificate, *key; /* PEM files of the device */
        const char *ca;                /* roots the server's certificate may lead to */
        const char *name;              /* expected in it; NULL: the host of server */
        uint32_t timeout_ms;
};

/* Runs the loop until the exchange is over. 0: *out has the credentials. -IMS_EPERM: refused (out->error,
 * reason), -IMS_EAUTH: TLS failed at either end, -IMS_ETIMEOUT, -IMS_EUNREACH, -IMS_EPARSE, -IMS_ECONF, ...;
 * err says what. */
int bootstrap_run(struct loop *l, const struct bootstrap_conf *conf, struct bootstrap_reply *out,
                  struct buf *err) IMS_CHECK;
