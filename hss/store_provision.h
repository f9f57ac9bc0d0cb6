/* SPDX-License-Identifier: BSD-3-Clause
 * The part of the store that provisioning uses. Same rules as store.h; -IMS_EEXISTS: store_conflict says
 * which identity is there already. */
#pragma once

#include "hss/store.h"

struct record_impu {
        struct span impu, display_name, as_name, profile;
        bool barred, has_alias_group;
        uint32_t type, alias_group;
        int64_t set;
        enum reg_state state;     /* of the set */
        bool registered, pending; /* of this IMPI and set */
};

struct record { /* an IMPI with its subscription; no plain key in it */
        int64_t id, subscription;
        struct span impi, imsi, msisdn;
        enum hss_scheme scheme;
        enum aka_algorithm algorithm;
        uint16_t amf;
        uint32_t iterations, res_octets;
        struct sqn_hss sqn;
        struct span sealed, digest_realm, line_ids;
        enum digest_algorithm digest_algorithm;
        bool registration_allowed, unregistered_services, reassign;
        struct span visited, mandatory, optional, server_names, charging;
        int loose_route, priviledged_sender;
        struct span scscf_name, scscf_host;
        struct span first_impi;    /* of the subscription: the one others joined */
        struct record_impu *impus; /* set by set, in order */
        size_t n_impus;
};

/* Row of the IMPI meant by an IMPI, IMSI, MSISDN or IMPU. -IMS_ENOTFOUND. */
int store_find(struct store *s, struct span id, int64_t *out) IMS_CHECK;

/* The first IMPI at or after row from. -IMS_ENOTFOUND behind the last one. */
int store_read_record(struct store *s, struct arena *a, int64_t from, struct record *out) IMS_CHECK;

int store_find_profile(struct store *s, struct span name, int64_t *out) IMS_CHECK;
int store_put_profile(struct store *s, struct span name, struct span document) IMS_CHECK;
int store_remove_profile(struct store *s, struct span name) IMS_CHECK;

/* Calls fn for every service profile; users: IMPUs that have it. */
typedef void store_profile_fn(struct span name, struct span document, int64_t users, void *arg);
int store_each_profile(struct store *s, store_profile_fn *fn, void *arg) IMS_CHECK;

int store_new_subscription(struct store *s, int64_t *out) IMS_CHECK;
int store_new_impi(struct store *s, int64_t subscription, const struct record *r, int64_t *out) IMS_CHECK;
int store_new_set(struct store *s, int64_t subscription, int64_t impi, int64_t *out) IMS_CHECK;
int store_new_impu(struct store *s, int64_t set, int64_t profile, const struct record_impu *u) IMS_CHECK;

/* Writes every provisioned field of r; SQN and registration state are left alone. */
int store_set_record(struct store *s, const struct record *r) IMS_CHECK;
int store_set_profile(struct store *s, int64_t impi, int64_t profile) IMS_CHECK;

/* -IMS_ENOTFOUND when the IMPI has no such IMPU. */
int store_set_barred(struct store *s, int64_t impi, struct span impu, bool barred) IMS_CHECK;
int store_remove_impu(struct store *s, int64_t impi, struct span impu) IMS_CHECK;
/* Implicit sets without identities go: nobody could end their registration. */
int store_drop_empty_sets(struct store *s, int64_t subscription) IMS_CHECK;
/* Removes an IMPI, and the subscription with everything in it when it was the last one. */
int store_remove(struct store *s, int64_t impi, int64_t subscription) IMS_CHECK;

/* Gives an IMPI every implicit set of the subscription. */
int store_join(struct store *s, int64_t impi, int64_t subscription) IMS_CHECK;

/* An identity of the subscription that several IMPIs may use although its own user may register without an
 * IMPI, which is then made of it: a SIP Digest IMPI whose "sip:IMPI" is in a shared set (TS 33.203 N.2.1.1).
 * p NULL: there is none. */
int store_find_shared_derived(struct store *s, struct arena *a, int64_t subscription,
                              struct span *out) IMS_CHECK;

/* After -IMS_EEXISTS: "impi", "imsi", "msisdn", "impu", "subject", "fingerprint" or "". */
const char *store_conflict(const struct store *s);
