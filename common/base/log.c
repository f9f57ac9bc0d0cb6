/* SPDX-License-Identifier: BSD-3-Clause
 * Log lines to stderr, one write each; what could break a line is escaped. */
#include "common/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LOG_TEXT_MAX 3072
#define LOG_LINE_MAX 4608
#define LOG_ID_MAX   128 /* octets shown of each identity in the context */

static const char *const level_names[] = {"error", "warn", "notice", "info", "debug"};
static const char *log_node_name = "quintet";
static enum log_level log_level_now = LOG_INFO;
static struct log_ctx log_ctx_now;

struct line {
        char p[LOG_LINE_MAX];
        size_t n;
};

static void line_put(struct line *l, const char *p, size_t n)
{
        size_t room = sizeof(l->p) - 1 - l->n; /* the last octet is for the line end */

        if (n > room)
                n = room;
        memcpy(l->p + l->n, p, n);
        l->n += n;
}

static void line_escaped(struct line *l, const char *p, size_t n)
{
        static const char hex[] = "0123456789abcdef";

        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)p[i];

                if (c >= 0x20 && c < 0x7f)
                        line_put(l, p + i, 1);
                else
                        line_put(l, (const char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
        }
}

static void line_id(struct line *l, const char *name, struct span id)
{
        if (id.n == 0)
                return;
        line_put(l, " ", 1);
        line_put(l, name, strlen(name));
        line_put(l, "=", 1);
        line_escaped(l, id.p, id.n < LOG_ID_MAX ? id.n : LOG_ID_MAX);
        if (id.n > LOG_ID_MAX)
                line_put(l, "...", 3);
}

static void line_time(struct line *l)
{
        static time_t last = -1;
        static char second[32];
        struct timespec now = {0};
        struct tm tm = {0};
        char ms[8];

        (void)clock_gettime(CLOCK_REALTIME, &now);
        if (now.tv_sec != last && gmtime_r(&now.tv_sec, &tm)) {
                (void)strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &tm);
                last = now.tv_sec;
        }
        (void)snprintf(ms, sizeof(ms), ".%03uZ ", (unsigned)(now.tv_nsec / 1000000) % 1000);
        line_put(l, second, strlen(second));
        line_put(l, ms, strlen(ms));
}

void log_init(const char *node, enum log_level level)
{
        log_node_name = node;
        log_level_now = level;
}

void log_set_level(enum log_level level)
{
        log_level_now = level;
}

bool log_enabled(enum log_level level)
{
        return level <= log_level_now;
}

int log_level_parse(struct span word, enum log_level *out)
{
        for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
                if (span_eq(word, span_of(level_names[i]))) {
                        *out = (enum log_level)i;
                        return 0;
                }
        return -IMS_EINVAL;
}

struct log_ctx log_ctx_set(struct log_ctx ctx)
{
        struct log_ctx before = log_ctx_now;

        log_ctx_now = ctx;
        return before;
}

struct log_ctx log_ctx_get(void)
{
        return log_ctx_now;
}

const char *log_node(void)
{
        return log_node_name;
}

static IMS_PRINTF(2, 0) void write_line(enum log_level level, const char *fmt, va_list ap)
{
        struct line l;
        char text[LOG_TEXT_MAX];
        int n = vsnprintf(text, sizeof(text), fmt, ap);

        if (n < 0)
                return;
        l.n = 0;
        line_time(&l);
        line_put(&l, level_names[level], strlen(level_names[level]));
        line_put(&l, " ", 1);
        line_put(&l, log_node_name, strlen(log_node_name));
        line_id(&l, "call", log_ctx_now.call_id);
        line_id(&l, "impi", log_ctx_now.impi);
        line_id(&l, "impu", log_ctx_now.impu);
        line_id(&l, "session", log_ctx_now.session_id);
        line_put(&l, ": ", 2);
        line_escaped(&l, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
        if ((size_t)n >= sizeof(text))
                line_put(&l, "...", 3);
        l.p[l.n++] = '\n';
        (void)!write(STDERR_FILENO, l.p, l.n);
}

void log_write(enum log_level level, const char *fmt, ...)
{
        va_list ap;

        if (!log_enabled(level))
                return;
        va_start(ap, fmt);
        write_line(level, fmt, ap);
        va_end(ap);
}

bool log_pace(struct log_pace *p, uint32_t per_second, const char *what)
{
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if ((uint64_t)now.tv_sec != p->second) {
                if (p->unsaid)
                        log_warn("%u more %s were not told: %u of them in a second are", p->unsaid, what,
                                 per_second);
                *p = (struct log_pace){.second = (uint64_t)now.tv_sec};
        }
        if (p->said < per_second) {
                p->said++;
                return true;
        }
        p->unsaid++;
        return false;
}

void log_reply(const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        write_line(LOG_NOTICE, fmt, ap);
        va_end(ap);
}
