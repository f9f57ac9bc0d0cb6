/* SPDX-License-Identifier: BSD-3-Clause
 * The instance of a phone, +sip.instance (RFC 5626 4.1). */
#pragma once

#define PHONE_INSTANCE_MAX 64

/* "urn:uuid:..." made of the IMPI: the same device is the same instance at every run. */
void phone_instance(const char *impi, char out[static PHONE_INSTANCE_MAX]);
