/* SPDX-License-Identifier: BSD-3-Clause
 * The control socket of a running node: a Unix socket that takes one command line per connection and answers
 * with text. Only the user of the node may open it (mode 0600). */
#pragma once

#include "common/base/buf.h"
#include "common/net/loop.h"

struct control;
struct control_call; /* one command; ends with control_end, or when its caller has gone (see control_alive) */

/* A command came. call: to be ended by control_end, exactly once, now or later. */
typedef void control_fn(struct control_call *call, struct span command, void *arg);

/* path: made; a socket file that nobody serves any more is replaced. -IMS_EADDRINUSE (somebody serves it),
 * -IMS_ETOOBIG (longer than a socket's name may be), -IMS_EIO. */
int control_open(struct loop *l, const char *path, control_fn *fn, void *arg, struct control **out) IMS_CHECK;
/* The same for a node: path may be NULL, then nothing is served; what fails is logged as control.socket. */
int control_serve(struct loop *l, const char *path, control_fn *fn, void *arg,
                  struct control **out) IMS_CHECK;
/* Calls under way are ended: no use of them after this. Accepts NULL. */
void control_close(struct control *c);

/* Appends to the answer; what is there is sent when control_flush or control_end say so. */
struct buf *control_answer(struct control_call *call);
/* False: the caller has gone; the call is freed by control_end all the same. */
bool control_flush(struct control_call *call);
void control_end(struct control_call *call);
/* For an owner that keeps calls: told when control_close ends one under way. */
void control_on_cancel(struct control_call *call, void (*fn)(void *arg), void *arg);

/* The other end: sends the command, writes what comes to out. 1: the answer begins with "error: ", so the
 * command was refused. -IMS_EUNREACH (nobody serves it), -IMS_EPERM, -IMS_ETOOBIG (the path, or a command of
 * more than 254 octets), -IMS_EINVAL (a command of several lines), -IMS_EIO, -IMS_ETIMEOUT. Blocks, at most
 * the timer CONTROL between two pieces. */
int control_ask(const char *path, const char *command, int out_fd) IMS_CHECK;

/* The same for a command of a program ("pcscf"), to stdout; what fails is told on stderr. path NULL: none is
 * configured. The exit code: 0, 1 also for a command that is refused, or 2 without a path. */
int control_command(const char *program, const char *path, const char *command);
