/* SPDX-License-Identifier: BSD-3-Clause
 * Associations between a UE and this P-CSCF: what protects Gm, and what may be concluded from it. One file
 * per kind; today there is the one that protects nothing. TS 33.203 6.1.5, 7, P.3. */
#pragma once

#include "pcscf/pending.h"
#include "pcscf/regstore.h"

/* What the scheme choice of P.3 looks at. */
struct assoc_input {
        const struct reg_facts *facts;
        const struct sip_flow *flow;
        const struct binding *registered; /* of the same IMPU and contact, or NULL */
        enum access_type access;
};

struct assoc_scheme {
        const char *name;

        /* Match: the value of integrity-protected that this REGISTER has earned by the way it came, NULL for
         * none (the parameter is absent then). */
        const char *(*match)(const struct assoc_input *in);

        /* Open: a challenge passes. May add to what goes to the UE (Security-Server) and use the keys. 0, or
         * the challenge cannot be followed up and the registration fails. */
        int (*open)(struct pending *p, struct sip_edit *challenge);

        /* Confirm: the registration succeeded; b is its binding. */
        void (*confirm)(struct pending *p, struct binding *b);

        /* Close: the binding ends. */
        void (*close)(struct binding *b);
};

extern const struct assoc_scheme assoc_none;

/* The scheme for a REGISTER (P.3). Never NULL. */
const struct assoc_scheme *assoc_select(const struct assoc_input *in);
