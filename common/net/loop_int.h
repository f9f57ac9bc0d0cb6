/* SPDX-License-Identifier: BSD-3-Clause
 * Inside of common/net: what sockets ask of the loop. */
#pragma once

#include "common/net/loop.h"

/* An open object of common/net. fn closes it when the loop is freed. */
struct loop_object {
        struct list node;
        void (*shut)(struct loop_object *o);
};
void loop_object_add(struct loop *l, struct loop_object *o, void (*shut)(struct loop_object *o));
void loop_object_remove(struct loop_object *o);

/* Work that runs once after the hooks of this turn. Adding it again before it ran does nothing. */
struct loop_late {
        struct list node;
        void (*fn)(struct loop_late *late);
};
void loop_late_add(struct loop *l, struct loop_late *late, void (*fn)(struct loop_late *late));
void loop_late_remove(struct loop_late *late);

#define LOOP_DATAGRAM_MAX  ((size_t)64 << 10)
#define LOOP_DATAGRAMS_MAX 20 /* what libuv takes in one recvmmsg */

/* The receive buffer all sockets share: what is in it is used up before the next one reads. NULL when
 * out of memory. */
char *loop_rx_buffer(struct loop *l);

/* The project's error for one of libuv. */
int loop_error(int uv_err);
