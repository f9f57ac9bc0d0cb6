/* SPDX-License-Identifier: BSD-3-Clause
 * The bootstrapping listener: TLS with certificates of both sides, one HTTP request per connection.
 * docs/hss.md, "Certificate bootstrapping". */
#pragma once

#include "common/trace/trace.h"
#include "hss/hss_conf.h"
#include "hss/push.h"
#include "hss/store.h"

struct bootstrap_server;

/* Everything is borrowed. Listens at every address of bootstrap.listen; without one *out is NULL. What keeps
 * it from that is in the log: -IMS_ECONF, -IMS_EIO, -IMS_EADDRINUSE, -IMS_ENOMEM. */
int bootstrap_server_new(struct loop *l, const struct hss_conf *conf, struct store *store,
                         struct pusher *pusher, struct trace *trace, struct bootstrap_server **out) IMS_CHECK;

/* Reads certificate, key, authorities and revocation lists again; on failure the old ones stay. */
void bootstrap_server_reload(struct bootstrap_server *s);

/* No new connections; those there are end. The server is freed by bootstrap_server_free, when the loop has
 * turned. Both accept NULL. */
void bootstrap_server_stop(struct bootstrap_server *s);
void bootstrap_server_free(struct bootstrap_server *s);
