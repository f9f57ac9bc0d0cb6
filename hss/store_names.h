/* SPDX-License-Identifier: BSD-3-Clause
 * The names in a database, for who looks over all of them. */
#pragma once

#include "common/base/buf.h"

enum store_name_kind { STORE_NAME_IMPI, STORE_NAME_REALM, STORE_NAME_IMPU };

struct store_name {
        enum store_name_kind kind;
        struct span name;
        struct span impi; /* whose it is; only for visit */
};

struct store_names {
        bool (*is)(const struct store_name *n, void *arg); /* is it wanted? */
        void (*visit)(const struct store_name *n, void *arg);
        void *arg;
};

/* IMPIs, realms of SIP Digest and IMPUs. Opens the file for reading alone, beside
 * whoever serves it. -IMS_EDB with *why in words. */
int store_each_name(const char *file, const struct store_names *wanted, struct buf *why) IMS_CHECK;
