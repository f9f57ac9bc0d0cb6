/* SPDX-License-Identifier: BSD-3-Clause
 * Security associations in the kernel (XFRM over netlink, libmnl). One object per program. Calls return when
 * the kernel has answered, which it does within the call. Behind an interface, so that tests can play the
 * kernel (tests/fakes). TS 33.203 6.2, 6.3, 7.1, M.7.1. */
#pragma once

#include "common/ipsec/sa.h"
#include "common/net/loop.h"

struct sa_kernel;

/* What an SA carried, and what the kernel refused on it. */
struct sa_counters {
        uint64_t bytes, packets;
        uint32_t integrity_failed, replay, replay_window;
};

/* What the kernel tells by itself. Any may be NULL. */
struct sa_kernel_events {
        /* ESP in UDP for this SPI (ours, inbound) came from another address or port than before
         * (XFRM_MSG_MAPPING, RFC 3948): the first packet of a UE behind a NAT, or the NAT rebound. */
        void (*on_mapping)(uint32_t spi, const struct addr *from, void *arg);
        /* An SA ended at its hard limit. */
        void (*on_expired)(uint32_t spi, const struct addr *to, void *arg);
        void *arg;
};

/* Which program, for the numbers it gives to what it installs: they tell whose an SA of an earlier run is. */
struct sa_kernel_conf {
        enum sa_end end;
        struct sa_kernel_events events;
};

/* Opens the kernel. -IMS_EPERM (no CAP_NET_ADMIN), -IMS_EUNSUPPORTED (no XFRM in it); why gets a sentence
 * that says what to do. */
int sa_kernel_open(struct loop *l, const struct sa_kernel_conf *conf, struct sa_kernel **out,
                   struct buf *why) IMS_CHECK;
/* Does not remove what is installed. Accepts NULL. */
void sa_kernel_close(struct sa_kernel *k);

/* Tries (with addresses that reach nobody) whether this kernel does a suite in a mode for this family,
 * AF_INET or AF_INET6. -IMS_EUNSUPPORTED; why names what lacks (CONFIG_..., module). */
int sa_kernel_probe(struct sa_kernel *k, struct sec_suite suite, enum sec_mode mode, int family,
                    struct buf *why) IMS_CHECK;

/* A number for sa_params.reqid that no SA here has. */
uint32_t sa_kernel_reqid(struct sa_kernel *k);

/* Installs the four SAs and the policies that let each be used, as the end says (mirror images). Protocol 0
 * with ports, so that UDP and TCP share (TS 33.203 7.1); anti-replay on (window 64); hard limit 2^32-1 s. All
 * or nothing. -IMS_EEXISTS where an SPI or selector is taken, -IMS_ENOMEM, -IMS_EUNSUPPORTED, -IMS_EPERM,
 * -IMS_EIO. */
int sa_install(struct sa_kernel *k, const struct sa_params *p, const struct esp_keys *keys) IMS_CHECK;

/* Removes what sa_install put there; what is gone already is no error. */
void sa_remove(struct sa_kernel *k, const struct sa_params *p);

/* -IMS_ENOTFOUND. */
int sa_count(struct sa_kernel *k, const struct sa_params *p, enum sa_way w,
             struct sa_counters *out) IMS_CHECK;

/* The UE is behind another UDP port now (p->port_uenc is the new one): outbound SAs follow. */
int sa_follow(struct sa_kernel *k, const struct sa_params *p) IMS_CHECK;

/* Nothing in clear passes this local port (address with port; the any-address means all of them): not in, not
 * out (TS 33.203 7.1). Lower in priority than the policies of SAs. */
int sa_guard(struct sa_kernel *k, const struct addr *local) IMS_CHECK;
void sa_unguard(struct sa_kernel *k, const struct addr *local);

/* Removes SAs and policies that an earlier run of a program like this one left: for a P-CSCF those at its own
 * protected ports (locals: addresses with ports), for a UE those of processes that are gone. Nobody else's.
 * Returns how many SAs, or an error. */
int sa_clear_stale(struct sa_kernel *k, const struct addr *locals, size_t n) IMS_CHECK;

/* A socket that takes ESP in UDP (RFC 3948) at this address, port SA_ENCAP_PORT when it has none. Sets
 * installed later at this address use its port. Keep-alives go out by sa_encap_keep_alive. -IMS_EADDRINUSE,
 * -IMS_EUNSUPPORTED. Close it before its sa_kernel. */
struct sa_encap;
int sa_encap_open(struct sa_kernel *k, const struct addr *local, struct sa_encap **out) IMS_CHECK;
void sa_encap_keep_alive(struct sa_encap *e, const struct addr *to);
void sa_encap_close(struct sa_encap *e);

/* An address that this host has besides its own, for as long as the kernel object lives (a UE behind a NAT
 * sends from its public address inside of the tunnel, M.7.1). Counted: n calls need n of sa_address_drop. */
int sa_address_add(struct sa_kernel *k, const struct addr *a) IMS_CHECK;
void sa_address_drop(struct sa_kernel *k, const struct addr *a);
