/* SPDX-License-Identifier: BSD-3-Clause
 * What the two files of the UE's security share. */
#pragma once

#include "ue/security.h"

#define SECURITY_EMERGENCIES 8 /* Call-IDs remembered */
#define SECURITY_CALL_ID_MAX 128

struct security {
        struct security_conf conf; /* every 0 replaced by its default */
        struct ue_sa_table table;
        struct addr local, pcscf; /* port 0 */
        bool suspended;
        bool dead;        /* something protected got no answer since anything came on an SA */
        unsigned sm1_set; /* SM1 of this procedure left on it; 0: in clear */
        struct {
                bool there, open; /* open: the ports are ours (later those of the set made from it) */
                struct sec_ends ends;
                struct addr at;  /* where the ports are */
                struct buf text; /* Security-Client */
        } offer;
        struct {
                bool active; /* a REGISTER waits for its answer */
                enum security_step step;
                unsigned set; /* way of the REGISTER; 0: in clear */
                uint32_t cseq;
                char call_id[SECURITY_CALL_ID_MAX];
        } now;
        char emergency[SECURITY_EMERGENCIES][SECURITY_CALL_ID_MAX];
        unsigned n_emergencies;
        struct security_faults faults;
};

/* Discards a set at the edge and takes it out of the table. */
void security_discard(struct security *s, struct ue_sa *set, enum ue_sa_event event);

/* Ends old sets that nothing needs any more (7.4.1a). */
void security_settle(struct security *s);
