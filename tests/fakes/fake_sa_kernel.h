/* SPDX-License-Identifier: BSD-3-Clause
 * The kernel of common/ipsec/sa_kernel.h as a test wants it: records what is installed, refuses what the real
 * one would refuse, fails on demand, counts and tells what it is told to. A program that links
 * fake_sa_kernel.c has it in place of the real one. What is installed outlives the struct sa_kernel that
 * installed it. UEs and P-CSCFs of one process stand on hosts of their own: SPIs and selectors collide only
 * among objects of one end. */
#pragma once

#include "common/ipsec/sa_kernel.h"

/* Functions that can be made to fail. */
enum fake_sa_call {
        FAKE_SA_OPEN,
        FAKE_SA_PROBE,
        FAKE_SA_INSTALL,
        FAKE_SA_COUNT,
        FAKE_SA_FOLLOW,
        FAKE_SA_GUARD,
        FAKE_SA_CLEAR_STALE,
        FAKE_SA_ENCAP_OPEN,
        FAKE_SA_ADDRESS_ADD,
        FAKE_SA_CALLS
};

/* Everything as at the start of the process, failures included. Call it in the setup of each test, when no
 * struct sa_kernel lives. */
void fake_sa_reset(void);

/* The next n calls of this function, after skip that go well, return err (-IMS_...). FAKE_SA_PROBE and
 * FAKE_SA_OPEN also write text into why (NULL: the error's own). n may be UINT_MAX: until fake_sa_reset. */
void fake_sa_fail(enum fake_sa_call call, unsigned skip, unsigned n, int err, const char *text);

/* How often a function was called. */
unsigned fake_sa_calls(enum fake_sa_call call);

/* One suite, or a mode with every suite, that this kernel does not know: probe and install refuse it with
 * -IMS_EUNSUPPORTED. */
void fake_sa_lacks_suite(struct sec_suite suite);
void fake_sa_lacks_mode(enum sec_mode mode);

/* --- what is there --------------------------------------------------------------------------------- */

/* Sets (four SAs each) installed now, in the order of their installing. params are those of sa_install, with
 * port_uenc as sa_follow left it. */
size_t fake_sa_sets(void);
const struct sa_params *fake_sa_set(size_t i); /* NULL beyond the last */
const struct esp_keys *fake_sa_keys(size_t i);

/* The set that has this SPI in any of its ways (out_way may be NULL), or NULL. */
const struct sa_params *fake_sa_by_spi(uint32_t spi, enum sa_way *out_way);

size_t fake_sa_installed(void); /* sets ever installed */
size_t fake_sa_removed(void);   /* sets ever removed */

size_t fake_sa_guards(void);
bool fake_sa_guarded(const struct addr *local); /* by a guard on this address and port, or on any-address */
size_t fake_sa_addresses(void);
unsigned fake_sa_address_count(const struct addr *a); /* adds less drops */

size_t fake_sa_encaps(void);
const struct addr *fake_sa_encap_local(size_t i);
size_t fake_sa_keep_alives(void);               /* ever sent */
const struct addr *fake_sa_keep_alive_to(void); /* of the last one; port 0 and family 0 when none was */

/* True when nothing is left: no set, guard, address, encapsulation socket, open struct sa_kernel. */
bool fake_sa_nothing_left(void);

/* --- what it does ---------------------------------------------------------------------------------- */

/* What sa_count says from now on of the SA with this SPI that leads to this address (port not looked at).
 * False when there is none. */
bool fake_sa_set_counters(uint32_t spi, const struct addr *to, const struct sa_counters *c);

/* What sa_clear_stale returns (once); the arguments of its last call. */
void fake_sa_set_stale(int n_sas);
const struct addr *fake_sa_stale_locals(size_t *n);

/* Calls the program's event, at once. k: the object it opened. False when it has no such callback. An SA that
 * expires stays among the sets until the program removes its set. */
bool fake_sa_mapping(struct sa_kernel *k, uint32_t spi, const struct addr *from);
bool fake_sa_expire(struct sa_kernel *k, uint32_t spi, const struct addr *to);

/* The object opened last that is still open, or NULL. */
struct sa_kernel *fake_sa_object(void);
