/* SPDX-License-Identifier: BSD-3-Clause
 * Which access network a UE comes from, told by its address, and what that means for
 * P-Access-Network-Info. TS 33.203 P.3 (PANI-aware P-CSCF), TS 24.229 5.2.1. */
#pragma once

#include "common/net/prefix.h"
#include "common/sip/edit.h"
#include "pcscf/pcscf_conf.h"

struct access {
        enum access_type type;
        const char *pani; /* value to insert, NULL: none configured */
};

struct access_map;

/* conf: borrowed for the life of the map. */
int access_map_new(const struct pcscf_conf *conf, struct access_map **out) IMS_CHECK;
void access_map_free(struct access_map *m);
struct access access_of(const struct access_map *m, const struct addr *ue);

/* False for an address outside of every range. */
bool access_has(const struct access_map *m, const struct addr *ue);

/* True when the value carries the parameter network-provided. */
bool pani_is_network_provided(struct span value);

/* Takes values that claim to be network-provided out of a message that came from a UE. Others keep their
 * octets. Does nothing when the P-CSCF is not PANI-aware. */
void pani_strip(struct sip_edit *e, bool aware);

/* The same, and inserts our own value where P.3 demands it (nass; neither 3gpp nor nass and no Authorization)
 * or the operator configured one. */
void pani_register(struct sip_edit *e, bool aware, struct access access, bool has_authorization);
