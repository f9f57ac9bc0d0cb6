/* SPDX-License-Identifier: BSD-3-Clause
 * The event stream: one JSON object per line, one write per event, so that a reader never meets half an
 * event of a living node. */
#include "common/trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"

enum { ID_MAX = 256, TEXT_MAX = 1024 }; /* octets kept of an identity, of a text */
enum { REFUSALS_LOGGED = 200 };         /* in a second: anybody can be refused, as often as he likes */

struct trace {
        char *node;
        int fd; /* -1: no stream */
        struct buf line;
        bool torn;               /* the file ends with a part of an event */
        unsigned long long lost; /* events since writing began to fail; said once, and again at the end */
};

int trace_new(const char *node, const char *file, struct trace **out)
{
        struct trace *t = calloc(1, sizeof(*t));
        if (!t)
                return -IMS_ENOMEM;
        t->fd = -1;
        int err = -IMS_ENOMEM;
        t->node = strdup(node);
        if (!t->node)
                goto out;
        if (file && *file) {
                t->fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
                if (t->fd < 0) {
                        log_error("trace.file: %s: %s", file, strerror(errno));
                        err = -IMS_EIO;
                        goto out;
                }
        }
        *out = t;
        return 0;
out:
        trace_free(t);
        return err;
}

void trace_free(struct trace *t)
{
        if (!t)
                return;
        if (t->fd >= 0)
                (void)close(t->fd);
        buf_free(&t->line);
        free(t->node);
        free(t);
}

bool trace_on(const struct trace *t)
{
        return t && t->fd >= 0;
}

/* Name and text; nothing for an empty text. */
static void field(struct trace *t, const char *name, struct span text, size_t limit)
{
        if (text.n == 0)
                return;
        buf_printf(&t->line, ",\"%s\":\"", name);
        buf_json(&t->line, span_sub(text, 0, limit));
        buf_char(&t->line, '"');
}

static void event_begin(struct trace *t, const char *event)
{
        struct timespec now = {0};
        (void)clock_gettime(CLOCK_REALTIME, &now);
        const unsigned long long us =
                (unsigned long long)now.tv_sec * 1000000u + (unsigned long)now.tv_nsec / 1000u;
        buf_reset(&t->line);
        buf_printf(&t->line, "{\"t\":%llu", us);
        field(t, "node", span_of(t->node), ID_MAX);
        buf_printf(&t->line, ",\"ev\":\"%s\"", event);
}

/* Takes the n octets of an event off the file that found no room whole. */
static void take_back(struct trace *t, off_t n)
{
        struct stat st;

        t->torn = n > 0 && (fstat(t->fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < n ||
                            ftruncate(t->fd, st.st_size - n) != 0);
}

static void event_end(struct trace *t)
{
        static const char line_end = '\n';
        buf_puts(&t->line, "}\n");
        if (t->line.err)
                return;
        if (t->torn && write(t->fd, &line_end, 1) == 1)
                t->torn = false;
        ssize_t n = t->torn ? -1 : write(t->fd, t->line.p, t->line.n);
        if (n >= 0 && (size_t)n == t->line.n) {
                if (t->lost)
                        log_notice("the event stream is written again; %llu events are lost", t->lost);
                t->lost = 0;
                return;
        }
        if (t->lost++ == 0)
                log_error("the event stream cannot be written: %s", n < 0 ? strerror(errno) : "no room");
        if (n >= 0)
                take_back(t, (off_t)n);
}

/* FNV-1a over words of 8 octets with a final mix: both sides of a message must come to the same id, so
 * no key of the process goes in. Not for keeping anybody out. */
static uint64_t message_id(struct span octets)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325) ^ octets.n;
        size_t i = 0;
        for (; i + 8 <= octets.n; i += 8) {
                uint64_t w;
                memcpy(&w, octets.p + i, 8);
                h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
                h ^= h >> 29;
        }
        for (; i < octets.n; i++)
                h = (h ^ (unsigned char)octets.p[i]) * UINT64_C(0x100000001b3);
        h ^= h >> 32;
        h *= UINT64_C(0xd6e8feb86659fd93);
        return h ^ h >> 32;
}

void trace_message(struct trace *t, const struct trace_message *m)
{
        if (!trace_on(t))
                return;
        const bool is_cx = m->protocol && strcmp(m->protocol, "Diameter") == 0;
        event_begin(t, is_cx ? "cx" : "sip");
        buf_printf(&t->line, ",\"dir\":\"%s\"", m->outbound ? "out" : "in");
        field(t, "local", span_of(m->local), ID_MAX);
        field(t, "remote", span_of(m->remote), ID_MAX);
        field(t, "proto", span_of(m->protocol), ID_MAX);
        field(t, "call_id", m->call_id, ID_MAX);
        field(t, "session_id", m->session_id, ID_MAX);
        field(t, "sum", m->summary, TEXT_MAX);
        buf_printf(&t->line, ",\"id\":\"%016llx\"", (unsigned long long)message_id(m->octets));
        field(t, "note", span_of(m->note), TEXT_MAX);
        event_end(t);
}

static void log_verdict(const struct verdict *v, struct buf *line)
{
        struct log_ctx ctx = log_ctx_get();
        if (v->impi.n)
                ctx.impi = v->impi;
        if (v->impu.n)
                ctx.impu = v->impu;
        if (v->call_id.n)
                ctx.call_id = v->call_id;
        ctx = log_ctx_set(ctx);
        verdict_line(v, line);
        if (!line->err)
                log_write(v->outcome == VERDICT_OK ? LOG_NOTICE : LOG_WARN, SPAN_FMT,
                          SPAN_ARG(buf_as_span(line)));
        (void)log_ctx_set(ctx);
}

void trace_verdict(struct trace *t, const struct verdict *v)
{
        static struct log_pace refusals;
        struct buf line = BUF_INIT;
        if (v->outcome == VERDICT_OK
                    ? log_enabled(LOG_NOTICE)
                    : log_enabled(LOG_WARN) && log_pace(&refusals, REFUSALS_LOGGED, "refusals"))
                log_verdict(v, &line);
        buf_free(&line);
        if (!trace_on(t))
                return;
        event_begin(t, "verdict");
        field(t, "call_id", v->call_id, ID_MAX);
        field(t, "procedure", span_of(verdict_procedure_name(v->procedure)), ID_MAX);
        field(t, "outcome", span_of(verdict_outcome_name(v->outcome)), ID_MAX);
        field(t, "cause", span_of(verdict_cause_name(v->cause)), ID_MAX);
        if (v->status)
                buf_printf(&t->line, ",\"status\":%d", v->status);
        field(t, "clause", span_of(v->clause), TEXT_MAX);
        field(t, "text", span_of(verdict_cause_text(v->cause)), TEXT_MAX);
        field(t, "evidence", span_of(v->evidence), TEXT_MAX);
        field(t, "hint", span_of(verdict_cause_hint(v->cause)), TEXT_MAX);
        field(t, "command", span_of(v->command), TEXT_MAX); /* at most COMMAND_MAX: never cut */
        field(t, "impi", v->impi, ID_MAX);
        field(t, "impu", v->impu, ID_MAX);
        event_end(t);
}

void trace_link(struct trace *t, struct span session_id, struct span call_id)
{
        if (!trace_on(t))
                return;
        event_begin(t, "link");
        field(t, "session_id", session_id, ID_MAX);
        field(t, "call_id", call_id, ID_MAX);
        event_end(t);
}
