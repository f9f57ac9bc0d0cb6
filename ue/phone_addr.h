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
