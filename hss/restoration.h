/* SPDX-License-Identifier: BSD-3-Clause
 * SCSCF-Restoration-Info as it stands in the store (TS 29.229 6.3.46). */
#pragma once

#include "common/base/buf.h"
#include "common/diameter/cx.h"

/* Appends the stored form. */
int restoration_write(const struct cx_restoration *r, struct buf *out) IMS_CHECK;

/* Spans of *out borrow from data. -IMS_EPARSE for what restoration_write did not make. */
int restoration_read(struct span data, struct cx_restoration *out) IMS_CHECK;
