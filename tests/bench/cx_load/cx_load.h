/* SPDX-License-Identifier: BSD-3-Clause
 * The inside of cx_load. */
#pragma once

#include <stdbool.h>

#include "common/base/span.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/hist.h"
#include "tests/bench/lib/procs.h"

#define CX_LOAD_DOMAIN     "ims.mnc001.mcc001.3gppnetwork.org"
#define CX_LOAD_WINDOW_MAX 4096
#define CX_LOAD_SIZE       1024 /* longest message of our own */

struct cx_load_conf {
        const char *to, *from, *identity;
        const char *scheme; /* SIP-Authentication-Scheme that is asked for */
        uint32_t n, window;
        double duration_s, warmup_s;
        bool json;
};

struct cx_load_result {
        uint64_t ok, failed, begin_ns, end_ns, own_cpu_ns;
        struct hist latency;
};

/* Connects, exchanges capabilities and asks. -IMS_EUNREACH, -IMS_EPROTO (no CEA with success), -IMS_ECLOSED
 * (the HSS closed). */
int cx_load_run(const struct cx_load_conf *c, struct procs *procs, struct cx_load_result *out) IMS_CHECK;

/* --- messages -------------------------------------------------------------------------------------- */

enum { DIA_CER = 257, DIA_DWR = 280, DIA_MAR = 303 };

struct dia_writer {
        uint8_t octets[CX_LOAD_SIZE];
        size_t n;
};

/* The requests, whole; the MAR for subscriber 0, whose changing places are set. */
void cx_load_write_cer(struct dia_writer *w, const struct cx_load_conf *c);

struct mar_template {
        struct dia_writer w;
        size_t session_at, impi_at, impu_at; /* eight digits each */
};
void cx_load_write_mar(struct mar_template *t, const struct cx_load_conf *c);
void cx_load_patch_mar(struct mar_template *t, uint32_t subscriber, uint32_t number);

/* DWA to the DWR (RFC 6733 5.5.2). */
void cx_load_write_dwa(struct dia_writer *w, const struct cx_load_conf *c, struct span dwr);

struct dia_head {
        uint32_t length, command, hop_by_hop;
        bool request;
};
void cx_load_read_head(const char *octets, struct dia_head *out);

/* True for Result-Code 2001 and, when an item is wanted, a SIP-Auth-Data-Item. */
bool cx_load_succeeded(struct span answer, bool want_item);
