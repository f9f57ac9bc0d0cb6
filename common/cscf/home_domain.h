/* SPDX-License-Identifier: BSD-3-Clause
 * The domains of the home network, as both of its CSCFs know them. */
#pragma once

#include "common/base/conf.h"
#include "common/base/span.h"

/* True when the host is one of the list's (char *). Case is ignored, and the dot that ends a fully qualified
 * name (RFC 1034 3.1). */
bool is_home_domain(const struct conf_list *domains, struct span host);
