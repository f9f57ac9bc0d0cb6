/* SPDX-License-Identifier: BSD-3-Clause
 * What the command line, the environment and scenarios say about IPsec. */
#pragma once

#include "ue/phone_ipsec.h"

enum ipsec_want {
        IPSEC_UNSAID,  /* offered where it is possible, without a word where it is not */
        IPSEC_OFF,     /* no sec-agree */
        IPSEC_OFFERED, /* goes on without when machine or network cannot */
        IPSEC_REQUIRED /* nothing without */
};

struct ipsec_options {
        enum ipsec_want want;
        struct sec_suite suites[SEC_SUITES_MAX];
        size_t n_suites; /* 0: unsaid */
        unsigned modes;  /* bits 1 << enum sec_mode; 0: unsaid */
        uint32_t keep_alive_ms;
        const char *keylog;
};

/* "off", "offered", "required". -IMS_EPARSE. */
int ipsec_want_parse(struct span text, enum ipsec_want *out) IMS_CHECK;

/* "null/aes-gcm,hmac-sha-1-96/null", in the order of the offer. -IMS_EPARSE, also for a suite that is not
 * allowed. */
int ipsec_suites_parse(struct span list, struct ipsec_options *o) IMS_CHECK;

/* "trans,UDP-enc-tun". -IMS_EPARSE. */
int ipsec_modes_parse(struct span list, struct ipsec_options *o) IMS_CHECK;

/* One of the suites encrypts, or none was named (TS 33.203 5.1.3: the UE always offers encryption). */
bool ipsec_offers_encryption(const struct ipsec_options *o);

/* What a phone is made with. */
struct phone_ipsec_conf ipsec_conf(const struct ipsec_options *o, struct sa_host *host);
