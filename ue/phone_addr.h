/* SPDX-License-Identifier: BSD-3-Clause
 * Where a phone is and where its P-CSCF is. */
#pragma once

#include "ue/phone.h"

/* The address of the P-CSCF; a name is looked up by the system's resolver, for the discovery of a P-CSCF
 * comes before all SIP. -IMS_EPARSE, -IMS_EUNREACH, the reason in err. */
int phone_find_pcscf(const struct phone_conf *conf, struct addr *out, struct buf *err) IMS_CHECK;

/* The phone's own address, port 0 for any: conf->local, else the one that faces the P-CSCF. -IMS_EPARSE,
 * -IMS_EUNREACH, -IMS_EINVAL (the families differ). */
int phone_find_local(const struct phone_conf *conf, const struct addr *pcscf, struct addr *out,
                     struct buf *err) IMS_CHECK;

/* True for an address of this machine. */
bool phone_is_local(const struct addr *a);

/* "HOST:PORT", "HOST", "[v6]:PORT"; a name is looked up at once (blocking). family: AF_UNSPEC for any.
 * -IMS_EPARSE, -IMS_EUNREACH (no such name), with the reason in err. */
int phone_find_host(const char *text, uint16_t port, int family, struct addr *out, struct buf *err) IMS_CHECK;

/* The host of the same text, as a certificate names it: without port and brackets. It points into text or,
 * for an address, into ip. */
struct span phone_host_name(const char *text, char ip[static ADDR_STR]);
