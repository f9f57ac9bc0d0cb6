/* SPDX-License-Identifier: BSD-3-Clause
 * Certificate bootstrapping (PKT-TR-SEC 6.1.1.3): a device whose certificate is good gets IMS credentials.
 * The password is made here, H(A1) of it is stored, and it is told once. */
#pragma once

#include "common/trace/verdict.h"
#include "hss/device_cert.h"
#include "hss/hss_conf.h"
#include "hss/store.h"

/* code, status, "error" of the answer, verdict, sentence */
#define BOOTSTRAP_CODES(X)                                                                                   \
        X(GIVEN, 200, "", bootstrapped, "the credentials were given")                                        \
        X(BAD_REQUEST, 400, "bad_request", malformed, "this is no HTTP/1.1 request that is served here")     \
        X(UNKNOWN_DEVICE, 403, "unknown_device", device_unknown,                                             \
          "no device is provisioned for this certificate")                                                   \
        X(BLOCKED, 403, "blocked", device_blocked, "the certificate was seen misused")                       \
        X(ALREADY_GIVEN, 403, "already_given", device_served, "the device has its credentials")              \
        X(OTHER_CERTIFICATE, 403, "other_certificate", device_other_certificate,                             \
          "the device had another certificate before")                                                       \
        X(NO_DIGEST, 403, "no_digest", device_unknown, "the subscriber has no SIP Digest")                   \
        X(NOT_FOUND, 404, "not_found", malformed, "there is /bootstrap and nothing else")                    \
        X(METHOD_NOT_ALLOWED, 405, "method_not_allowed", malformed, "credentials are fetched by POST")       \
        X(TOO_LARGE, 413, "too_large", malformed, "the request is longer than is allowed")                   \
        X(UNAVAILABLE, 503, "unavailable", storage_failed, "the store cannot be written: try again later")

enum bootstrap_code {
#define X(name, status, error, cause, text) BOOTSTRAP_##name,
        BOOTSTRAP_CODES(X)
#undef X
                BOOTSTRAP_CODE_COUNT
};

struct bootstrap_code_row {
        int status;
        const char *error;
        enum verdict_cause cause;
        const char *text;
};

extern const struct bootstrap_code_row bootstrap_code_rows[BOOTSTRAP_CODE_COUNT];

struct bootstrap_outcome {
        enum bootstrap_code code;
        char impi[256];    /* of the device, "" when it is not known */
        int64_t impi_row;  /* when its S-CSCF is to be told of the new password; else 0 */
        struct buf answer; /* JSON; wiped by bootstrap_outcome_free */
};

/* Decides and, when the credentials are to be given, stores what belongs to them, in a transaction of its
 * own: what the answer holds is durable. now_s: seconds since 1970. 0 with *out; -IMS_EALREADY: another
 * program holds the database, try again; -IMS_ENOMEM. A store that fails is an outcome. */
int bootstrap_give(const struct hss_conf *conf, struct store *store, const struct device_cert *who,
                   int64_t now_s, struct bootstrap_outcome *out) IMS_CHECK;

/* An outcome without a device: what was asked for was wrong. */
void bootstrap_refuse(enum bootstrap_code code, struct bootstrap_outcome *out);

void bootstrap_outcome_free(struct bootstrap_outcome *o);
