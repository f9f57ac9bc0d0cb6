/* SPDX-License-Identifier: BSD-3-Clause
 * Log lines to stderr: time, level, node, context (Call-ID, IMPI, IMPU, Session-Id), text. The context
 * is set once by whoever works on a request, and every line below carries it. */
#pragma once

#include "common/base/span.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

struct log_ctx {
        struct span call_id, impi, impu, session_id;
};

/* node: literal, kept. Lines above level are dropped. */
void log_init(const char *node, enum log_level level);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* "error" .. "debug"; -IMS_EINVAL for another word. */
int log_level_parse(struct span word, enum log_level *out) IMS_CHECK;

/* Replaces the context and returns the one before, to be set again by the caller. Borrowed spans: they
 * must live until the context is replaced. */
struct log_ctx log_ctx_set(struct log_ctx ctx);
struct log_ctx log_ctx_get(void);

const char *log_node(void);

void log_write(enum log_level level, const char *fmt, ...) IMS_PRINTF(2, 3);
/* What somebody asked for: written whatever the level is. */
void log_reply(const char *fmt, ...) IMS_PRINTF(1, 2);

/* Lines that anybody can cause from outside. Zero it before first use. */
struct log_pace {
        uint64_t second; /* monotonic, of the last line */
        uint32_t said, unsaid;
};

/* True for so many lines within one second; of what is above only the number is told, with the first line of
 * a later second. what: "refusals". */
bool log_pace(struct log_pace *p, uint32_t per_second, const char *what) IMS_CHECK;

#define log_error(...)  log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)   log_write(LOG_WARN, __VA_ARGS__)
#define log_notice(...) log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)   log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)  log_write(LOG_DEBUG, __VA_ARGS__)
