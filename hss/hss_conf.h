/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of the HSS. */
#pragma once

#include "common/auth/sqn.h"
#include "common/diameter/cx.h"
#include "common/diameter/dia_conf.h"
#include "common/trace/trace_conf.h"

struct hss_conf {
        struct dia_conf diameter;
        struct trace_conf trace;
        char *store_file, *store_key_file;
        int store_synchronous; /* 0 normal, 1 full */
        uint32_t store_busy_ms;
        uint32_t store_checkpoint_pages;
        char *auc_amf;
        uint32_t auc_ind_bits;
        char *auc_ind[SQN_DOMAINS];
        uint32_t aka_max_vectors;
        char *identity_domain; /* or NULL: derived from the IMSI */
        uint32_t identity_mnc_digits;
        bool keep_server_name;
        struct conf_list wafs, wwsfs; /* char * */
};

extern const struct conf_schema hss_conf_schema;

/* AMF and SQN scheme; the schema's check has seen both already. */
uint16_t hss_conf_amf(const struct hss_conf *c);
struct sqn_scheme hss_conf_sqn_scheme(const struct hss_conf *c);
