/* SPDX-License-Identifier: BSD-3-Clause
 * Hex and base64 (RFC 4648). */
#pragma once

#include "common/base/buf.h"

/* Lower-case hex and a NUL into out (2 * n + 1 octets). */
void hex_encode(const void *in, size_t n, char *out);

/* Exactly n octets from 2 * n hex digits of either case. -IMS_EPARSE for another length or a character
 * that is no digit. */
int hex_decode(struct span hex, void *out, size_t n) IMS_CHECK;

#define BASE64_SIZE(n) ((((n) + 2) / 3) * 4 + 1)

/* Base64 with padding and a NUL into out (BASE64_SIZE(n) octets). */
void base64_encode(const void *in, size_t n, char *out);

/* Strict: alphabet, padding, no white space, zero spare bits. *out_n octets written, at most cap.
 * -IMS_EPARSE, or -IMS_ETOOBIG when cap is too small. */
int base64_decode(struct span text, void *out, size_t cap, size_t *out_n) IMS_CHECK;
