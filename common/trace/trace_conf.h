/* SPDX-License-Identifier: BSD-3-Clause
 * trace.* and log.* of every node. */
#pragma once

#include "common/base/conf.h"
#include "common/trace/trace.h"

struct trace_conf {
        char *file;
        int level; /* enum log_level */
};

extern const char *const trace_conf_levels[];

#define TRACE_CONF_KEYS(OWNER, field)                                                                        \
        {.name = "trace.file",                                                                               \
         .type = CONF_STR,                                                                                   \
         .offset = offsetof(OWNER, field.file),                                                              \
         .optional = true,                                                                                   \
         .check = conf_check_filled,                                                                         \
         .doc = "event stream for the ladder, JSON lines; none: off"},                                       \
        {                                                                                                    \
                .name = "log.level", .type = CONF_ENUM, .offset = offsetof(OWNER, field.level),              \
                .def = "info", .words = trace_conf_levels, .doc = "error, warn, notice, info or debug"       \
        }
