/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of the HSS. */
#pragma once

#include "common/auth/sqn.h"
#include "common/diameter/cx.h"
#include "common/diameter/dia_conf.h"
#include "common/net/tls.h"
#include "common/net/core_net.h"
#include "common/trace/trace_conf.h"

enum bootstrap_policy { BOOTSTRAP_ONCE, BOOTSTRAP_ALWAYS };

struct bootstrap_conf {
        struct conf_list listen; /* char *; none: no bootstrapping */
        char *certificate, *key, *device_ca, *crl;
        char *pcscf; /* or NULL */
        int policy;  /* enum bootstrap_policy */
        uint32_t block_after, timeout_ms, max_connections, max_per_source;
        uint32_t handshakes, handshakes_per_source; /* per second */
};

struct hss_conf {
        struct dia_conf diameter;
        struct trace_conf trace;
        struct conf_list networks; /* struct core_net_link_conf */
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
        char *trust_domain; /* or NULL */
        bool keep_server_name;
        struct conf_list wafs, wwsfs; /* char * */
        char *control;                /* or NULL */
        uint32_t push_retry_ms, push_give_up_ms;
        struct bootstrap_conf bootstrap;
};

extern const struct conf_schema hss_conf_schema;

/* TLS of the bootstrapping listener; its texts are those of b. */
struct tls_conf hss_conf_bootstrap_tls(const struct bootstrap_conf *b);

/* AMF and SQN scheme; the schema's check has seen both already. */
uint16_t hss_conf_amf(const struct hss_conf *c);
struct sqn_scheme hss_conf_sqn_scheme(const struct hss_conf *c);
