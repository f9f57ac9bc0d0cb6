/* SPDX-License-Identifier: BSD-3-Clause
 * A mechanism taken apart, shared by reading and comparing. RFC 3329 2.2. */
#pragma once

#include "common/ipsec/sec_agree.h"

#define SEC_PARAMS_MAX 24

/* Parameters that have a meaning here, in the order in which differences are told. */
enum sec_param_kind {
        SEC_P_Q,
        SEC_P_ALG,
        SEC_P_EALG,
        SEC_P_PROT,
        SEC_P_MOD,
        SEC_P_SPI_C,
        SEC_P_SPI_S,
        SEC_P_PORT_C,
        SEC_P_PORT_S,
        SEC_P_MEDIASEC, /* TS 24.229 7.2A.7: the entry is about media, not signalling */
        SEC_P_KINDS,
        SEC_P_OTHER = SEC_P_KINDS
};

struct sec_param {
        enum sec_param_kind kind;
        struct span name, value; /* value is empty when the parameter has none */
};

struct sec_params {
        struct span mechanism; /* its name */
        struct sec_param p[SEC_PARAMS_MAX];
        size_t n;
};

const char *sec_param_name(enum sec_param_kind k); /* "spi-c" */

/* Takes one mechanism apart; no value is looked into. *why: a static text. -IMS_EPARSE. */
int sec_params_read(struct span value, struct sec_params *out, const char **why) IMS_CHECK;
/* NULL when absent. name counts for SEC_P_OTHER alone. */
const struct sec_param *sec_params_find(const struct sec_params *l, enum sec_param_kind k, struct span name);

/* qvalue in thousandths. -IMS_EPARSE. */
int sec_q_read(struct span text, uint16_t *out) IMS_CHECK;
