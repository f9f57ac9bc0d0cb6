/* SPDX-License-Identifier: BSD-3-Clause
 * Devices that may fetch the credentials of an IMPI with their certificate (PKT-TR-SEC 6.1.1.3). Same rules
 * as store.h. */
#pragma once

#include "hss/store.h"

struct store_device {
        int64_t id, impi; /* rows */
        bool pinned;      /* the certificate was provisioned, not only its subject */
        int64_t given, refused, last_s;
        struct span impi_name, subject;
        struct span fingerprint; /* p NULL: that of the first certificate that comes */
        struct span blocked;     /* why; p NULL: it is not */
};

/* fingerprint: 64 hex digits, or p NULL. -IMS_EEXISTS: store_conflict says "impi", "subject" or
 * "fingerprint". */
int store_device_add(struct store *s, int64_t impi, struct span subject, struct span fingerprint) IMS_CHECK;
/* The device with that certificate, else the one with that subject. -IMS_ENOTFOUND. */
int store_device_find(struct store *s, struct arena *a, struct span fingerprint, struct span subject,
                      struct store_device *out) IMS_CHECK;
/* The device meant by an IMPI, a subject or a fingerprint. -IMS_ENOTFOUND. */
int store_device_named(struct store *s, struct arena *a, struct span name,
                       struct store_device *out) IMS_CHECK;
/* The first one at or after that row. -IMS_ENOTFOUND behind the last one. */
int store_device_next(struct store *s, struct arena *a, int64_t from, struct store_device *out) IMS_CHECK;

/* It has got credentials, with that certificate, at that time (seconds since 1970). */
int store_device_given(struct store *s, int64_t id, struct span fingerprint, int64_t now_s) IMS_CHECK;
int store_device_refused(struct store *s, int64_t id) IMS_CHECK;
/* why p NULL: it is blocked no longer. */
int store_device_block(struct store *s, int64_t id, struct span why) IMS_CHECK;
/* As if it had never asked; a provisioned certificate stays. */
int store_device_forget(struct store *s, int64_t id) IMS_CHECK;
int store_device_remove(struct store *s, int64_t id) IMS_CHECK;
