/* SPDX-License-Identifier: BSD-3-Clause
 * Words of log.level, in the order of enum log_level. */
#include "common/trace/trace_conf.h"

const char *const trace_conf_levels[] = {"error", "warn", "notice", "info", "debug", NULL};
