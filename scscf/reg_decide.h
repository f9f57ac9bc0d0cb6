/* SPDX-License-Identifier: BSD-3-Clause
 * What to do with a REGISTER of an IMS AKA user: a pure function of what is known. TS 33.203 5.1.2, 6.1;
 * TS 24.229 5.4.1.2. */
#pragma once

#include "common/trace/verdict.h"

enum reg_action {
        REG_DO_CHALLENGE,        /* a new challenge; what was pending is forgotten */
        REG_DO_REPEAT_CHALLENGE, /* the same request again: the same 401 */
        REG_DO_REPEAT_ANSWER,    /* the same answered request again: the same 200 */
        REG_DO_VERIFY,           /* a response to the pending challenge */
        REG_DO_MAC_FAILURE,      /* the UE refused the network */
        REG_DO_SYNC,             /* AUTS for the pending challenge */
        REG_DO_ACCEPT,           /* without a challenge, by policy */
        REG_DO_REFUSE
};

struct reg_facts {
        bool protected_;   /* integrity-protected="yes" */
        bool source_known; /* the node that says so is one of configuration (TS 24.229 4.4) */
        bool has_response; /* not empty */
        bool has_auts;
        bool has_nonce;          /* not empty */
        bool pending;            /* a challenge is pending for the IMPI */
        bool nonce_is_pending;   /* the nonce is that of the pending challenge */
        bool nonce_is_last;      /* the nonce is the one answered rightly last */
        bool response_is_last;   /* ... and the response is the one that answered it */
        bool same_impu;          /* the pending challenge was for this IMPU */
        bool same_call;          /* ... and this Call-ID */
        bool challenged_already; /* this very request (Call-ID, CSeq) drew the pending challenge */
        bool answered_already;   /* this very request registered the binding there is */
        bool registered;         /* the IMPI has a binding for the IMPU */
        bool impi_registered;    /* the IMPI has any binding */
        bool reauthenticate, reauthenticate_new_impu, accept_unprotected; /* policy */
};

struct reg_decision {
        enum reg_action action;
        int status;               /* REG_DO_REFUSE */
        enum verdict_cause cause; /* REG_DO_REFUSE, and the reason of a challenge where there is one */
        const char *clause;
};

struct reg_decision reg_decide(const struct reg_facts *f);
