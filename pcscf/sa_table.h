/* SPDX-License-Identifier: BSD-3-Clause
 * The SA table of the P-CSCF: for each UE up to three sets of four SAs, what each may be used for, and until
 * when. TS 33.203 7.1 rules 1, 3 and 4, 7.4.2a, M.7.1, M.7.4.2a.
 *
 * A set is looked up by the triple that a message shows: (UE address, UE port, P-CSCF port). */
#pragma once

#include "common/base/fsm.h"
#include "common/base/htab.h"
#include "common/ipsec/esp_keylog.h"
#include "common/ipsec/sa_kernel.h"
#include "common/sip/stack.h"
#include "pcscf/security_conf.h"

struct sa_table;

enum sa_set_state {
        SA_SET_REGISTRATION, /* the challenge is out: only the answer to it travels here */
        SA_SET_WAITING,      /* confirmed; the UE may use it, requests to the UE still go over the old one */
        SA_SET_IN_USE,
        SA_SET_LEAVING, /* replaced or failed: until the transactions begun on it have ended */
        SA_SET_STATES
};

enum sa_set_event {
        SA_SET_EV_CONFIRM,  /* SM12 without an error leaves */
        SA_SET_EV_TAKE,     /* a further message came on it, or the old set ends: it is used from now on */
        SA_SET_EV_LEAVE,    /* replaced, failed, or the last IMPU was de-registered */
        SA_SET_EV_TXN_ENDS, /* the last transaction begun on it has ended */
        SA_SET_EV_EXPIRES,
        SA_SET_EVENTS
};

extern const struct fsm sa_set_fsm;

/* One of the two ways a message can show a set: port_uc to port_ps, or port_us to port_pc. */
struct sa_port_pair {
        struct hnode node;
        struct addr remote; /* UE address and port */
        uint16_t local_port;
        bool of_client; /* the UE's client port */
};

struct sa_spi {
        struct hnode node;
        uint32_t spi;
        bool of_client; /* of our client port */
};

/* Two pairs of SAs, of one authenticated registration. */
struct sa_set {
        struct list in_assoc;
        struct sa_assoc *assoc;
        struct sa_port_pair pairs[2];
        struct sa_spi spis[2]; /* spi_pc, spi_ps */
        struct sa_params params;
        unsigned state; /* enum sa_set_state */
        uint32_t serial;
        uint32_t pending; /* serial of the registration under way that it is for; the owner's */
        uint32_t n_used;  /* transactions under way on it */
        uint64_t made_ms, expires_ms;
        struct tmr timer;
        bool heard;     /* SIP came over it */
        bool lingers;   /* it leaves, and no transaction is under way any more */
        bool by_old;    /* SM1 of this registration came over an old set */
        struct tmr esp; /* esp_watch.c */
};

/* The sets of one UE: of one IMPI at one address, an emergency registration and each flow of RFC 5626 being a
 * UE of its own (TS 33.203 6.1.0). */
struct sa_assoc {
        struct hnode by_id, by_impi;
        struct sa_table *table;
        struct list sets;      /* the oldest first */
        struct sa_set *in_use; /* what requests to the UE take; NULL before the first success */
        struct addr ue;        /* port 0 */
        uint32_t id, reg_id;
        bool sos;
        uint16_t impi, instance, end; /* places in text */
        char text[];
};

static inline struct span sa_assoc_impi(const struct sa_assoc *a)
{
        return span_make(a->text, (size_t)a->instance - 1);
}
static inline struct span sa_assoc_instance(const struct sa_assoc *a)
{
        return span_make(a->text + a->instance, (size_t)a->end - a->instance);
}

/* What the owner hears. May be NULL. */
struct sa_table_events {
        /* The set is out of the table and the kernel; it is freed when this returns. */
        void (*on_removed)(struct sa_set *s, void *arg);
        void *arg;
};

/* conf, kernel, log: borrowed for the life of the table; await_ms: life of a set whose registration is under
 * way. */
struct sa_table_conf {
        const struct security_conf *conf;
        struct sa_kernel *kernel;
        struct esp_keylog *log;
        uint32_t await_ms;
        uint32_t linger_ms; /* what leaves stays so long after its last transaction: what TCP has not brought
                               yet */
        struct sa_table_events events;
};

int sa_table_new(struct loop *l, const struct sa_table_conf *conf, struct sa_table **out) IMS_CHECK;
/* Removes every SA from the kernel. Accepts NULL. */
void sa_table_free(struct sa_table *t);
size_t sa_table_sets(const struct sa_table *t);
size_t sa_table_assocs(const struct sa_table *t);
void sa_table_each(const struct sa_table *t, void (*fn)(struct sa_assoc *a, void *arg), void *arg);

/* The set a message between these belongs to (ports included), or NULL. */
struct sa_set *sa_find(const struct sa_table *t, const struct addr *local, const struct addr *remote);
struct sa_set *sa_by_spi(const struct sa_table *t, uint32_t spi);
struct sa_set *sa_by_serial(const struct sa_table *t, uint32_t assoc_id, uint32_t serial);
struct sa_assoc *sa_assoc_by_id(const struct sa_table *t, uint32_t id);

/* Whose UE it is. */
struct sa_who {
        struct addr ue; /* the port does not count */
        struct span impi, instance;
        uint32_t reg_id;
        bool sos;
};

/* The UE's record, or NULL. An instance that either side lacks is no difference. */
struct sa_assoc *sa_assoc_find(const struct sa_table *t, const struct sa_who *who);

enum sa_refusal {
        SA_MAY,
        SA_PORT_TAKEN, /* (UE address, port_uc), with a NAT also (UE address, port_us), is in the table (rule
                          3) */
        SA_TOO_MANY,   /* six SAs per direction of this IMPI are there (rule 3) */
        SA_PORT_US_CHANGED, /* a protected REGISTER offers another port_us (7.4.0) */
};

/* Rule 3 of 7.1, before a REGISTER that offers ports goes on. old: the set it came over, NULL: unprotected.
 * What is leaving, and an unfinished registration of the same UE, do not count, nor, for a UE that is
 * protected, what others began in clear under its IMPI: the challenge replaces them. */
enum sa_refusal sa_may_open(const struct sa_table *t, const struct sa_who *who, const struct sec_ends *ends,
                            enum sec_mode mode, const struct sa_set *old);

/* What a new set is made from. Keys are borrowed for the call. */
struct sa_open {
        struct sa_who who;
        struct addr pcscf; /* where the REGISTER came to; the port does not count */
        struct sec_ends ends;
        struct sec_suite suite;
        enum sec_mode mode;
        const struct key128 *ck, *ik;
        struct sa_assoc *old; /* whose old set protected SM1, NULL: none did */
};

/* The challenge leaves: draws SPIs and the client port, removes an earlier unfinished registration of this UE
 * and installs the four SAs. The set is in state REGISTRATION for await_ms. Errors of sa_install;
 * -IMS_ELIMIT: no SPI or port is left; nothing is changed then. */
int sa_open(struct sa_table *t, const struct sa_open *o, struct sa_set **out) IMS_CHECK;

/* SM12 leaves: the set is confirmed, lives until the registration ends and a margin, or as long as the old
 * sets would; old ones leave as 7.4.2a says. */
void sa_confirm(struct sa_set *s, uint32_t granted_s);

/* The answer to the challenge is on its way to the home network: the set lives for await_ms from now. */
void sa_answered(struct sa_set *s);

/* The registration failed: the set leaves. */
void sa_fail(struct sa_set *s);

/* A message came on the set (not an answer to a request of ours on it, and not SM7 itself). */
void sa_heard(struct sa_set *s);

/* True for the set of the latest authentication that succeeded, and for one whose challenge is out (which
 * carries nothing but the answer); false for one that a later success has made an old one (6.1.5). */
bool sa_is_latest(const struct sa_set *s);

/* The registration was refreshed without a challenge: never shortens. */
void sa_refreshed(struct sa_assoc *a, uint32_t granted_s);

/* The last IMPU was de-registered: every set leaves. */
void sa_assoc_end(struct sa_assoc *a);

/* A transaction on the flow begins (1) or ends (-1), for sip_stack_handlers.on_use. */
void sa_use(struct sa_table *t, const struct sip_flow *flow, int delta);

/* Takes the set out at once. Its UE's record goes with the last one. */
void sa_remove_set(struct sa_set *s);

/* The UE's NAT gave it this port (or its packets come from there now). */
void sa_mapped(struct sa_set *s, const struct addr *from);

/* Requests to the UE: from port_pc to port_us of the set in use. */
struct sip_flow sa_way_to_ue(const struct sa_set *s, enum transport t);

const char *sa_set_state_name(const struct sa_set *s); /* "registration", ... */
