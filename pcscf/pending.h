/* SPDX-License-Identifier: BSD-3-Clause
 * Registrations under way: from a REGISTER to its final answer, over the challenge between them. They hold
 * the keys of the challenge, and they are counted, in all and per source address, and so are the REGISTERs of
 * each address that the home network works on: nobody's storm may take more than its share. TS 24.229 5.2.2.
 */
#pragma once

#include "common/base/htab.h"
#include "common/net/loop.h"
#include "common/sip/stack.h"
#include "pcscf/agreement.h"
#include "pcscf/register_msg.h"

struct pending_table;

struct pending {
        struct hnode by_key, by_serial;
        struct tmr timer; /* reg-await-auth */
        struct pending_table *table;
        struct pending_source *source;
        struct reg_keys keys;        /* wiped with the record */
        struct agreement *agreement; /* owned; NULL: no SAs are to be made */
        enum reg_scheme scheme;      /* of the last challenge */
        bool outbound;               /* the REGISTER's UE manages its flow (RFC 5626) */
        bool offers_ipsec;           /* Security-Client of the REGISTER has ipsec-3gpp */
        bool translated;             /* Via does not name, or may not name, where the REGISTER came from */
        uint32_t id;                 /* of the binding it will become */
        uint32_t serial;             /* of this record, never 0 */
        uint64_t asked_ms;           /* when the home network was asked last */
        uint32_t cseq;               /* of the REGISTER that was let in last */
        bool answered;               /* an answer to its challenge was let in */
        uint32_t n_asked;            /* REGISTERs on their way to the home network and back */
        size_t call_id_n, n;
        char key[]; /* Call-ID, then IMPI (or IMPU where there is none) */
};

struct pending_limits {
        uint32_t max;                  /* records */
        uint32_t max_per_source;       /* records of one address */
        uint32_t max_asked_per_source; /* REGISTERs of one address in the home network, at most; fewer while
                                        * that is slow */
        uint32_t await_ms;             /* life of a record without an answer */
};

int pending_table_new(struct loop *l, const struct pending_limits *limits,
                      struct pending_table **out) IMS_CHECK;
void pending_table_free(struct pending_table *t);
size_t pending_count(const struct pending_table *t);

struct pending *pending_find(const struct pending_table *t, struct span call_id, struct span identity);

struct pending *pending_by_serial(const struct pending_table *t, uint32_t serial);

/* Who registers, by what, from where. known: a UE that authenticated before: for it there are some records
 * when others find none, and the share of its source does not bound it. */
struct pending_who {
        struct span call_id, identity;
        const struct addr *source;
        bool known;
};

/* Finds or makes the record of a REGISTER that goes to the home network, and starts its timer anew. A new one
 * gets id 0. -IMS_ELIMIT (all records are used), -IMS_EALREADY (the source has its share), -IMS_ENOMEM. */
int pending_get(struct pending_table *t, const struct pending_who *who, struct pending **out) IMS_CHECK;

/* The home network has answered, or does not. Accepts NULL. */
void pending_answered(struct pending *p);

/* Keeps the keys of a challenge (those before are wiped) and starts the timer anew. False: memory lacks, and
 * the record is gone. */
bool pending_challenged(struct pending *p, const struct reg_keys *keys);

/* Accepts NULL. */
void pending_remove(struct pending *p);
