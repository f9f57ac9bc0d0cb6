/* SPDX-License-Identifier: BSD-3-Clause
 * Gm under IPsec: the protected ports, the kernel, the SA table, and what the stack asks about them.
 * TS 33.203 7, Annex M. NULL in struct pcscf when security.ipsec is off. */
#pragma once

#include "pcscf/agreement.h"
#include "pcscf/assoc.h"
#include "pcscf/sa_table.h"
#include "pcscf/via_check.h"

struct pcscf;
struct pending;
struct reg_facts;
struct sip_edit;

struct ipsec {
        struct pcscf *pcscf;
        struct sec_policy policy; /* what this kernel does of what is configured */
        struct sa_kernel *kernel;
        struct sa_table *table;
        struct esp_keylog *log;
        struct sa_encap **encaps;
        struct addr *ports; /* protected ones, addresses with ports */
        size_t n_encaps, n_ports;
};

/* Opens it all on the addresses of the Gm listeners; p->ipsec is set then. A kernel that cannot, and a
 * missing capability, are told in the log. */
int ipsec_start(struct pcscf *p) IMS_CHECK;
/* Removes every SA. After sip_stack_free, before which its via checks are ended. Accepts NULL. */
void ipsec_free(struct ipsec *i);

/* For the stack; arg: struct pcscf. */
bool ipsec_admit(const struct sip_flow *flow, const struct sip_msg *m, const char **note, void *arg);
bool ipsec_answer_flow(const struct sip_flow *in, struct sip_flow *out, void *arg);
void ipsec_on_use(const struct sip_flow *flow, int delta, void *arg);

/* The set a message came over, NULL: it came in clear (or IPsec is off). */
struct sa_set *ipsec_set_of(const struct pcscf *p, const struct sip_flow *flow);

/* The security associations of a UE; NULL: that is another kind of association, or they have gone. */
struct sa_assoc *ipsec_assoc(const struct pcscf *p, struct assoc a);

/* --- secure_register.c ---------------------------------------------------------------------------- */

/* What is known of a REGISTER before it goes on. */
struct secure_entry {
        struct sa_set *set;          /* it came over this one; NULL: in clear */
        bool answer;                 /* it is the protected answer to a challenge (SM7) */
        struct agreement *agreement; /* it offers security associations; owned */
};

/* Checks a REGISTER under 7.1, 7.2 and 7.4.2a. False: it was answered or discarded, with a verdict. */
bool secure_register(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, enum via_source via,
                     struct secure_entry *out);

/* True when a REGISTER in clear that offers ipsec-3gpp has a suite of it in common with us, in the mode that
 * its way demands. An offer that cannot be read counts as one. */
bool secure_common(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                   enum via_source via);

/* A REGISTER in clear that was to have TLS, which is for SIP Digest alone (O.1.1), drew a challenge of IMS
 * AKA: the agreement on TLS goes, and one on its ipsec-3gpp takes the place where a suite of that can be had.
 * False: it was answered, and pe is gone. */
bool secure_instead_of_tls(struct pcscf *p, struct sip_request *rq, struct pending *pe);

/* Security-Server of a 494 to this REGISTER: our suites without ends, and tls where it came in clear and may
 * have that (RFC 3329 2.3.1). */
void secure_server(const struct pcscf *p, const struct sip_request *rq, struct buf *out);

/* The record of this REGISTER: takes over the agreement. */
void secure_attach(struct pending *pe, struct secure_entry *entry);

/* Rule 3 of 7.1, with REGISTER and again with the challenge, for another may have been quicker. False: it was
 * answered. */
bool secure_rule_3(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                   const struct agreement *a, enum sa_refusal why);

/* Whose UE that is. */
struct sa_who secure_who(const struct reg_facts *f, const struct addr *ue);

/* --- assoc_ipsec.c -------------------------------------------------------------------------------- */

/* A challenge passes: makes the SAs and writes Security-Server. False: the registration cannot go on, and rq
 * was answered. */
bool secure_challenge(struct pcscf *p, struct sip_request *rq, struct pending *pe, struct sip_edit *e);

/* The registration succeeded. Returns the number of the UE's associations, 0: it is not protected. */
uint32_t secure_granted(struct pcscf *p, const struct sip_request *rq, const struct pending *pe,
                        uint32_t granted_s);

/* It succeeded and kept nothing: a contact was de-registered, or only asked for. The new SAs replace the old
 * ones of a UE that has other registrations, and go with the old ones where it has none (7.4.2a). */
void secure_not_kept(struct pcscf *p, const struct sip_request *rq, const struct pending *pe);

/* It failed: the new SAs leave, the answer takes the way 7.4.2a says. */
void secure_failed(struct pcscf *p, struct sip_request *rq, const struct pending *pe);

/* --- esp_watch.c ---------------------------------------------------------------------------------- */

/* Watches whether ESP comes on a new set, and whether it can be read; tells by a verdict when not. */
void esp_watch(struct pcscf *p, struct sa_set *s);
