/* SPDX-License-Identifier: BSD-3-Clause
 * The inside of floor: four processes and a driver that pass the messages of a registration, without the
 * work. Each message names its step, so whoever receives step k sends step k + 1. */
#pragma once

#include "common/base/span.h"

#define FLOOR_STEPS_MAX 64
#define FLOOR_BATCH     32
#define FLOOR_OCTETS    4096 /* longest message */

enum floor_node { FLOOR_UE, FLOOR_PCSCF, FLOOR_ICSCF, FLOOR_SCSCF, FLOOR_HSS, FLOOR_NODES };
extern const char *const floor_node_names[FLOOR_NODES];

struct floor_step {
        enum floor_node from, to;
        bool tcp;
        uint32_t octets;
};

struct floor_table {
        struct floor_step steps[FLOOR_STEPS_MAX];
        uint32_t n;
};

/* What every message begins with; the rest is filling. */
struct floor_head {
        uint32_t octets, step;
        uint64_t scheduled_ns;
};

/* Reads from,to,transport,octets[,...] lines and checks that each step begins where the one before ended. On
 * failure a message was printed. */
int floor_table_read(const char *file, struct floor_table *out) IMS_CHECK;

/* The sockets of all processes, made before they part. */
struct floor_net;
int floor_net_new(const struct floor_table *t, struct floor_net **out) IMS_CHECK;

/* One process: its own ends, an epoll descriptor over them. */
struct floor_place;
int floor_place_new(const struct floor_net *net, enum floor_node self, struct floor_place **out) IMS_CHECK;

/* Sends the step. False when the socket did not take it. */
bool floor_send(struct floor_place *p, uint32_t step, uint64_t scheduled_ns);

/* Called for each message; an intermediate node sends the next step. */
typedef void floor_receive_fn(struct floor_place *p, const struct floor_head *head, void *arg);

/* Waits until something came or the time has come (UINT64_MAX: as long as it takes). */
void floor_wait(struct floor_place *p, uint64_t until_ns, floor_receive_fn *fn, void *arg);
