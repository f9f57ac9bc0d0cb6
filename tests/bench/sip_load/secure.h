/* SPDX-License-Identifier: BSD-3-Clause
 * The phones' side of a security agreement, without a parser more than it needs: offer, choice, SAs in the
 * kernel. TS 33.203 7.1, 7.2, 7.4.1a. */
#pragma once

#include "common/auth/aka.h"
#include "tests/bench/sip_load/load.h"

struct load_secure;

/* Opens the kernel. On failure a message was printed. n: phones. */
int load_secure_new(const struct load_conf *c, uint32_t n, struct load_secure **out) IMS_CHECK;
/* Leaves the SAs of phones that are registered in the kernel: they live on. Accepts NULL. */
void load_secure_free(struct load_secure *s);

/* How the next message of this phone travels: in clear, or over the SAs it has. answer: to the challenge that
 * load_secure_challenged took. */
struct load_way load_secure_way(const struct load_secure *s, uint32_t ue, bool answer);

/* An operation begins: the phone offers SPIs and a client port that it does not use now. */
void load_secure_begin(struct load_secure *s, uint32_t ue);

/* Require, Proxy-Require, Security-Client, and as Security-Verify what a Security-Server said, unless that is
 * empty; each with its line end. Borrowed until the next call. */
struct span load_secure_headers(struct load_secure *s, uint32_t ue, struct span server);

enum load_secure_result { LOAD_SECURE_OK, LOAD_SECURE_NO_AGREEMENT, LOAD_SECURE_NO_SA };

/* Takes a challenge: chooses from Security-Server and installs the SAs. *out_server: what that said, a part
 * of octets. */
enum load_secure_result load_secure_challenged(struct load_secure *s, uint32_t ue, struct span octets,
                                               const struct aka_av *av, struct span *out_server) IMS_CHECK;

/* The operation ended well: new SAs replace the old, and all go when it was the de-registration. */
void load_secure_ok(struct load_secure *s, uint32_t ue, bool registered);
/* It did not: new SAs go. */
void load_secure_failed(struct load_secure *s, uint32_t ue);

/* Time spent in the kernel with SAs since the last call. */
uint64_t load_secure_spent_ns(struct load_secure *s);
