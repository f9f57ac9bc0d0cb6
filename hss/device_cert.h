/* SPDX-License-Identifier: BSD-3-Clause
 * What the HSS knows a device by: its certificate, and the subject in it. */
#pragma once

#include <openssl/x509.h>

#include "common/base/buf.h"

#define DEVICE_SUBJECT_MAX 255

struct device_cert {
        char fingerprint[65]; /* SHA-256 of the whole certificate, lower-case hex */
        char subject[DEVICE_SUBJECT_MAX +
                     1]; /* RFC 2253, as `openssl x509 -subject -nameopt RFC2253` has it */
};

/* -IMS_EINVAL (no subject, or a longer one), -IMS_ENOMEM. */
int device_cert_read(const X509 *x, struct device_cert *out) IMS_CHECK;

/* The first certificate of a PEM file. -IMS_EIO, -IMS_EPARSE, -IMS_EINVAL, -IMS_ENOMEM; err says why. */
int device_cert_load(const char *file, struct device_cert *out, struct buf *err) IMS_CHECK;
