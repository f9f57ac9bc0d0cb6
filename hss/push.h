/* SPDX-License-Identifier: BSD-3-Clause
 * The HSS tells serving S-CSCFs what a command changed: a new H(A1) by PPR (TS 33.203 N.2.5, TS 29.228 6.2),
 * then the end of the registration by RTR (TS 29.228 6.1.3) where that was asked for; the end alone when the
 * subscriber was removed. What is to be told stands in the store (store_push.h): the change is durable before
 * anything leaves, and what an S-CSCF does not answer is told again until push.give_up. */
#pragma once

#include "common/net/control.h"
#include "common/trace/trace.h"
#include "hss/hss_conf.h"
#include "hss/store.h"

struct pusher;

/* What it sends with and to; in tests a fake. As cx_send_ppr and cx_send_rtr of common/diameter/cx.h. */
struct push_port {
        int (*ppr)(void *arg, const struct cx_ppr *m, cx_ppa_fn *fn, void *fn_arg);
        int (*rtr)(void *arg, const struct cx_rtr *m, cx_rta_fn *fn, void *fn_arg);
        void *arg;
};

/* conf, store and trace are borrowed. Nothing is sent before push_scan. -IMS_ENOMEM. */
int push_new(struct loop *l, const struct hss_conf *conf, struct store *store, struct trace *trace,
             const struct push_port *port, struct pusher **out) IMS_CHECK;
/* What is under way is forgotten, not lost: it stands in the store. No answer may come after. Accepts NULL.
 */
void push_free(struct pusher *p);

/* Sends what the store holds for that row of an IMPI, at once. call: told of the outcome and ended; NULL:
 * nobody asks. */
void push_now(struct pusher *p, int64_t impi, struct control_call *call);

/* The same for that row of who was removed. */
void push_removed(struct pusher *p, int64_t row, struct control_call *call);

/* Sends what the store holds for anybody: at the start, when an S-CSCF is back, and by itself every
 * push.retry. */
void push_scan(struct pusher *p);

/* For control_open: the commands "push ROW" and "removed ROW". */
void push_on_command(struct control_call *call, struct span command, void *arg);
