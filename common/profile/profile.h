/* SPDX-License-Identifier: BSD-3-Clause
 * The IMS user profile, the User-Data of SAA and PPR (TS 29.228 Annex B and E, CxDataType schema).
 * Reader and writer; elements that are not known are skipped. No I/O. */
#pragma once

#include "common/base/buf.h"

enum profile_identity_type {
        PROFILE_DISTINCT_IMPU,
        PROFILE_DISTINCT_PSI,
        PROFILE_WILDCARDED_PSI,
        PROFILE_NON_DISTINCT_IMPU,
        PROFILE_WILDCARDED_IMPU
};

struct profile_impu {
        char *identity; /* "sip:..." or "tel:..." */
        bool barred;
        enum profile_identity_type type;
        char *display_name; /* or NULL */
        bool has_alias_group;
        uint32_t alias_group; /* only compared; one that is no number has the top bit set */
        char *wildcarded;     /* WildcardedPSI / WildcardedIMPU expression, or NULL */
};

/* One service point trigger of an initial filter criterion. */
enum profile_spt_kind {
        SPT_REQUEST_URI,
        SPT_METHOD,
        SPT_SIP_HEADER,
        SPT_SESSION_CASE,
        SPT_SESSION_DESCRIPTION
};

struct profile_spt {
        bool negated;
        uint32_t groups[8];
        size_t n_groups;
        enum profile_spt_kind kind;
        char *text;    /* RequestURI, Method, Header or Line */
        char *content; /* SIPHeader or SessionDescription, or NULL */
        uint32_t session_case;
        uint32_t registration_types; /* bit n: RegistrationType n; 0: any */
};

struct profile_ifc {
        uint32_t priority;
        bool has_trigger, cnf;
        struct profile_spt *spts;
        size_t n_spts;
        char *server_name;
        uint32_t default_handling; /* 0 continue, 1 terminate */
        char *service_info;        /* or NULL */
        bool include_register_request, include_register_response;
        int part; /* ProfilePartIndicator: 0 registered, 1 unregistered, -1 both */
};

struct profile_service {
        struct profile_impu *impus;
        size_t n_impus;
        struct profile_ifc *ifcs; /* in the order of priority */
        size_t n_ifcs;
        uint32_t *shared_ifc_sets; /* ids */
        size_t n_shared_ifc_sets;
        bool has_media_profile;
        uint32_t media_profile; /* SubscribedMediaProfileId */
};

struct profile {
        char *impi; /* PrivateID */
        struct profile_service *services;
        size_t n_services;
};

/* Reads User-Data. -IMS_EPARSE with the reason in err (line included); entity expansion, external
 * entities and documents above 1 MiB are refused. */
int profile_parse(struct span xml, struct profile **out, struct buf *err) IMS_CHECK;
void profile_free(struct profile *p);

/* Writes a document that validates against the Rel-8 schema. -IMS_EINVAL for what cannot be written so (no
 * service profile, no IMPU, a number out of range, text XML cannot carry); out then holds rubbish. */
int profile_write(const struct profile *p, struct buf *out) IMS_CHECK;

/* First non-barred distinct IMPU, the default public identity (TS 24.229 5.4.1.2.2F); NULL when all
 * are barred. */
const struct profile_impu *profile_default_impu(const struct profile *p);

/* The entry of that IMPU (canonical form), or NULL. */
const struct profile_impu *profile_find_impu(const struct profile *p, struct span impu);
