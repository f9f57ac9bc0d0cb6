/* SPDX-License-Identifier: BSD-3-Clause
 * Inside of common/ipsec: the kernel object.
 *
 * Whose an SA is, its reqid says: two bits for the end (10 P-CSCF, 01 UE), twelve for the run of a program,
 * the rest counts. A run is a number that no other live program of this network namespace has: while the
 * program lives it holds an abstract Unix socket of that name, which the kernel takes away with the process,
 * whatever its end was. Guard policies have no template and so no reqid; their priority is that of the run
 * with a count of zero, and addresses carry it as their metric. */
#pragma once

#include "common/base/buf.h"
#include "common/ipsec/sa_kernel.h"
#include "common/ipsec/xfrm_msg.h"

#define TAG_COUNT_BITS 18
#define TAG_RUN_BITS   12
#define TAG_RUNS       (1U << TAG_RUN_BITS)
#define TAG_COUNTS     (1U << TAG_COUNT_BITS)

struct sa_listener;

struct sa_kernel {
        struct sa_kernel_conf conf;
        struct loop *loop;
        struct nl_link xfrm, route;
        struct sa_listener *listener;   /* NULL when nobody wants events */
        int run_fd;                     /* holds the run, or -1 */
        uint32_t tag;                   /* end and run */
        uint32_t count;                 /* of the last reqid given out */
        uint32_t live[TAG_COUNTS / 32]; /* bits: reqids of sets that are installed */
        struct list encaps, addresses;
};

static inline uint32_t tag_of(enum sa_end end, uint32_t run)
{
        return (end == SA_END_PCSCF ? 2U : 1U) << 30 | run << TAG_COUNT_BITS;
}

/* Of a reqid: the bits that all of one run share, and the number that tells them apart. */
static inline uint32_t tag_of_reqid(uint32_t reqid)
{
        return reqid & ~(TAG_COUNTS - 1);
}
static inline uint32_t count_of_reqid(uint32_t reqid)
{
        return reqid & (TAG_COUNTS - 1);
}

static inline uint32_t tag_run(uint32_t reqid)
{
        return reqid >> TAG_COUNT_BITS & (TAG_RUNS - 1);
}

/* True for the numbers programs of this end give. */
static inline bool tag_is_of(uint32_t reqid, enum sa_end end)
{
        return reqid >> 30 == (end == SA_END_PCSCF ? 2U : 1U);
}

/* --- sa_run.c ------------------------------------------------------------------------------------ */

/* Takes a run that nobody has: *out_fd holds it. -IMS_ELIMIT (all are taken), -IMS_EIO. */
int sa_run_take(enum sa_end end, int *out_fd, uint32_t *out_tag) IMS_CHECK;
/* True when a program that holds this run lives (or when that cannot be found out). */
bool sa_run_lives(uint32_t tag);

/* --- sa_listen.c --------------------------------------------------------------------------------- */

/* Starts to listen for what conf.events asks for. 0 or an errno. */
int sa_listen(struct sa_kernel *k) IMS_CHECK;
void sa_listen_end(struct sa_kernel *k);

/* --- sa_why.c ------------------------------------------------------------------------------------ */

/* The project's error for an errno of the kernel. */
int sa_error(int sys_err);
/* A sentence for a kernel that could not be opened, and for one that refused an SA. said: the kernel's words.
 */
void sa_why_open(struct buf *why, int sys_err);
void sa_why_refused(struct buf *why, struct sec_suite suite, int family, int sys_err, const char *said);

/* --- sa_set.c ------------------------------------------------------------------------------------ */

/* The row of a set as this object holds it. */
struct xfrm_row sa_row(const struct sa_kernel *k, const struct sa_params *p, enum sa_way w);
/* sa_install without its checks. 0 or an errno; the kernel's words are in k->xfrm.said. */
int sa_set_install(struct sa_kernel *k, const struct sa_params *p, const struct esp_keys *keys) IMS_CHECK;

/* --- sa_encap.c, sa_address.c, sa_stale.c -------------------------------------------------------- */

/* The UDP port of this end for encapsulation: that of the socket open at this address, else 4500. */
uint16_t sa_encap_port(const struct sa_kernel *k, const struct addr *local);

/* Removes all addresses that are still there. */
void sa_addresses_drop(struct sa_kernel *k);

/* True when this number was given by a run of a program of this end that is over. */
typedef bool sa_stale_fn(struct sa_kernel *k, uint32_t tag);

/* Removes the addresses that such runs left on the loopback device. */
int sa_addresses_clear(struct sa_kernel *k, sa_stale_fn *stale) IMS_CHECK;
