/* SPDX-License-Identifier: BSD-3-Clause
 * The public identities that a UE has registered: those it named, and those that came along with them in
 * P-Associated-URI (implicit registration, TS 23.228 5.2.1a). All SAs go with the last one
 * (TS 33.203 7.4.1a). */
#pragma once

#include "common/base/span.h"

struct impus_entry;

struct impus {
        struct impus_entry *list;
        size_t n;
};

/* A 200 to a REGISTER of impu; associated: values of P-Associated-URI, may be NULL. -IMS_ENOMEM. */
int impus_registered(struct impus *i, const char *impu, const char *associated) IMS_CHECK;

/* A 200 to a de-registration of impu, which takes along what was registered with it. True when any is left.
 */
bool impus_gone(struct impus *i, const char *impu);

void impus_free(struct impus *i);
