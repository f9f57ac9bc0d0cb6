/* SPDX-License-Identifier: BSD-3-Clause
 * Keys at rest: K, OPc and H(A1) are stored under AES-256-GCM with a key that stands in a file of its
 * own, never in the database. A sealed value is bound to the IMPI it belongs to (associated data), so
 * that rows cannot be swapped. */
#pragma once

#include "common/base/buf.h"
#include "common/base/span.h"

#define KEYFILE_OVERHEAD   29 /* version, 12 octets of nonce, 16 octets of tag */
#define KEYFILE_SEALED_MAX (KEYFILE_OVERHEAD + 96)

struct keyfile;

/* Makes a key file with a fresh key, mode 0600. -IMS_EEXISTS when there is a file already (it is never
 * overwritten), -IMS_EIO; err says why. */
int keyfile_create(const char *path, struct buf *err) IMS_CHECK;

/* Reads the key. Refused, with the reason in err: a missing file (-IMS_ENOTFOUND), a file that others
 * than its owner can read or write, that is no regular file or belongs to someone else (-IMS_EPERM),
 * content that is not 64 hex digits (-IMS_EPARSE). */
int keyfile_load(const char *path, struct keyfile **out, struct buf *err) IMS_CHECK;

/* Wipes the key. */
void keyfile_free(struct keyfile *k);

/* Seals plain (at most KEYFILE_SEALED_MAX - KEYFILE_OVERHEAD octets) for owner. */
int keyfile_seal(struct keyfile *k, struct span owner, const void *plain, size_t n,
                 uint8_t out[static KEYFILE_SEALED_MAX], size_t *out_n) IMS_CHECK;

/* Opens what keyfile_seal made. -IMS_EAUTH when the key, the owner or the content is another one,
 * -IMS_ETOOBIG when cap is too small. */
int keyfile_open(struct keyfile *k, struct span owner, struct span sealed, void *out, size_t cap,
                 size_t *out_n) IMS_CHECK;
