/* SPDX-License-Identifier: BSD-3-Clause
 * The ladder program: merges the event streams of the nodes and draws a registration. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/trace/ladder.h"

enum {
        FILES_MAX = 64,
        POLL_MS = 100,
        QUIET_US = 300000,      /* a call with a verdict is drawn when nothing came for so long */
        TAIL_OCTETS = 32 << 20, /* --last looks at the end of each file */
        LINE_MAX_OCTETS = 1 << 16,
        WIDTH_DEFAULT = 120,
        WIDTH_MAX = 400,
};

struct input {
        const char *name;
        int fd;          /* -1: not there yet (--follow) */
        struct buf rest; /* a line that has no end yet */
        bool skip;       /* until the next line end */
};

struct options {
        const char *call_id, *impi;
        bool follow, json;
        struct ladder_style style;
        struct input inputs[FILES_MAX];
        size_t n_inputs;
};

static const char usage_text[] =
        "usage: ladder [OPTIONS] FILE...\n"
        "Merges the event streams of the nodes (trace.file) and draws a registration.\n"
        "  --last          the latest registration (this is the default)\n"
        "  --call-id ID    the call with that Call-ID\n"
        "  --impi IMPI     the latest registration of that private identity (its domain may be left out)\n"
        "  --follow        draw each registration when it has ended, until interrupted\n"
        "  --json          JSON lines instead of a drawing\n"
        "  --width N       columns (default: the terminal's, else 120); 0: never break lines\n"
        "  --no-color      no colors, --color: always\n"
        "  --ascii         no line-drawing characters\n";

/* Opens the file; with a limit only its end is read. */
static int input_open(struct input *in, bool only_end)
{
        in->fd = open(in->name, O_RDONLY | O_CLOEXEC);
        if (in->fd < 0)
                return -IMS_EIO;
        const off_t size = lseek(in->fd, 0, SEEK_END);
        off_t from = 0;
        if (only_end && size > TAIL_OCTETS) {
                from = size - TAIL_OCTETS;
                in->skip = true;
        }
        if (size >= 0 && lseek(in->fd, from, SEEK_SET) < 0)
                return -IMS_EIO;
        return 0;
}

static int feed_block(struct ladder *l, struct input *in, struct span block)
{
        int err = 0;
        while (block.n && !err) {
                const ptrdiff_t end = span_chr(block, '\n', 0);
                const struct span part = span_sub(block, 0, end < 0 ? block.n : (size_t)end);
                if (!in->skip)
                        buf_span(&in->rest, part);
                if (in->rest.n > LINE_MAX_OCTETS)
                        in->skip = true;
                if (end < 0)
                        break;
                if (!in->skip)
                        err = ladder_feed(l, buf_as_span(&in->rest));
                in->skip = false;
                buf_reset(&in->rest);
                block = span_sub(block, (size_t)end + 1, block.n);
        }
        return err;
}

/* Reads what is there. *any is set when something came. */
static int input_read(struct ladder *l, struct input *in, bool *any)
{
        static char block[1 << 16];
        for (;;) {
                const ssize_t n = read(in->fd, block, sizeof(block));
                if (n < 0) {
                        (void)fprintf(stderr, "ladder: %s: %s\n", in->name, strerror(errno));
                        return -IMS_EIO;
                }
                if (n == 0)
                        return 0;
                *any = true;
                int err = feed_block(l, in, span_make(block, (size_t)n));
                if (err)
                        return err;
        }
}

static int show(const struct options *o, const struct ladder *l, const struct ladder_call *call)
{
        struct buf out = {.max = (size_t)256 << 20};
        int err = o->json ? ladder_json(l, call, &out) : ladder_draw(l, call, &o->style, &out);
        if (!err && fwrite(out.p, 1, out.n, stdout) != out.n)
                err = -IMS_EIO;
        if (fflush(stdout) != 0)
                err = -IMS_EIO;
        buf_free(&out);
        return err;
}

static bool wanted(const struct options *o, const struct ladder_call *c)
{
        if (o->call_id)
                return strcmp(c->call_id, o->call_id) == 0;
        return !o->impi || ladder_call_has_impi(c, span_of(o->impi));
}

static int show_ended(const struct options *o, struct ladder *l)
{
        struct timespec now = {0};
        (void)clock_gettime(CLOCK_REALTIME, &now);
        const uint64_t now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
        for (size_t i = 0; i < ladder_call_count(l); i++) {
                struct ladder_call *c = ladder_call_at(l, i);
                if (!c->decided || c->last_us + QUIET_US > now_us)
                        continue;
                const bool draw = wanted(o, c);
                int err = draw ? show(o, l, c) : 0;
                if (!err && draw && !o->json)
                        (void)putchar('\n');
                if (err)
                        return err;
                c->shown = c->n;
                c->decided = false;
        }
        return fflush(stdout) == 0 ? 0 : -IMS_EIO;
}

/* What was there before is known, but not drawn. */
static void forget_past(struct ladder *l)
{
        for (size_t i = 0; i < ladder_call_count(l); i++) {
                struct ladder_call *c = ladder_call_at(l, i);
                c->shown = c->n;
                c->decided = false;
        }
}

static int follow(struct options *o, struct ladder *l)
{
        for (bool first = true;; first = false) {
                bool any = false;
                for (size_t i = 0; i < o->n_inputs; i++) {
                        struct input *in = &o->inputs[i];
                        if (in->fd < 0 && input_open(in, first) != 0)
                                continue; /* it may come */
                        int err = input_read(l, in, &any);
                        if (err)
                                return err;
                }
                if (first)
                        forget_past(l);
                int err = show_ended(o, l);
                if (err)
                        return err;
                (void)poll(NULL, 0, POLL_MS);
        }
}

static int show_one(struct options *o, struct ladder *l)
{
        const bool only_end = !o->call_id && !o->impi;
        const struct ladder_call *call = NULL;
        for (size_t i = 0; i < o->n_inputs; i++) {
                bool any = false;
                struct input *in = &o->inputs[i];
                if (input_open(in, only_end) != 0) {
                        (void)fprintf(stderr, "ladder: %s: %s\n", in->name, strerror(errno));
                        return -IMS_EIO;
                }
                int err = input_read(l, in, &any);
                if (err)
                        return err;
        }
        if (ladder_foreign(l))
                (void)fprintf(stderr, "ladder: %zu lines are no events, left out\n", ladder_foreign(l));
        if (o->call_id)
                call = ladder_by_call_id(l, span_of(o->call_id));
        else
                call = o->impi ? ladder_by_impi(l, span_of(o->impi)) : ladder_last(l);
        if (!call) {
                (void)fprintf(stderr, "ladder: %s\n",
                              o->call_id || o->impi ? "no such registration in these files"
                                                    : "no registration in these files");
                return -IMS_ENOTFOUND;
        }
        return show(o, l, call);
}

static unsigned terminal_width(void)
{
        struct winsize ws;
        const char *columns = getenv("COLUMNS");
        uint32_t n = 0;
        if (columns && span_u32(span_of(columns), WIDTH_MAX, &n) == 0 && n > 0)
                return n;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
                return ws.ws_col < WIDTH_MAX ? ws.ws_col : WIDTH_MAX;
        return WIDTH_DEFAULT;
}

static void style_init(struct ladder_style *s)
{
        const bool terminal = isatty(STDOUT_FILENO);
        const char *term = getenv("TERM");
        const char *no_color = getenv("NO_COLOR");
        (void)setlocale(LC_CTYPE, "");
        s->utf8 = terminal && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
        s->color = terminal && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
        s->width = terminal_width();
}

/* 0 to go on, else the exit code plus one. */
static int options_read(struct options *o, int argc, char **argv)
{
        static const struct option longs[] = {
                {"call-id", required_argument, NULL, 'c'}, {"impi", required_argument, NULL, 'i'},
                {"last", no_argument, NULL, 'l'},          {"follow", no_argument, NULL, 'f'},
                {"width", required_argument, NULL, 'w'},   {"no-color", no_argument, NULL, 'n'},
                {"color", no_argument, NULL, 'C'},         {"ascii", no_argument, NULL, 'a'},
                {"json", no_argument, NULL, 'j'},          {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, 'V'},       {NULL, 0, NULL, 0}};
        int c = 0;
        uint32_t width = 0;
        while ((c = getopt_long(argc, argv, "fjh", longs, NULL)) != -1) {
                switch (c) {
                case 'c':
                        o->call_id = optarg;
                        break;
                case 'i':
                        o->impi = optarg;
                        break;
                case 'l':
                        o->call_id = o->impi = NULL;
                        break;
                case 'f':
                        o->follow = true;
                        break;
                case 'j':
                        o->json = true;
                        break;
                case 'n':
                        o->style.color = false;
                        break;
                case 'C':
                        o->style.color = true;
                        break;
                case 'a':
                        o->style.utf8 = false;
                        break;
                case 'w':
                        if (span_u32(span_of(optarg), WIDTH_MAX, &width) != 0) {
                                (void)fprintf(stderr, "ladder: --width %s: not a number from 0 to %d\n",
                                              optarg, WIDTH_MAX);
                                return 3;
                        }
                        o->style.width = width;
                        break;
                case 'V':
                        (void)puts("ladder " QUINTET_VERSION);
                        return 1;
                case 'h':
                        (void)fputs(usage_text, stdout);
                        return 1;
                default:
                        (void)fputs(usage_text, stderr);
                        return 3;
                }
        }
        for (; optind < argc && o->n_inputs < FILES_MAX; optind++)
                o->inputs[o->n_inputs++] = (struct input){.name = argv[optind], .fd = -1};
        if (o->n_inputs == 0 || optind < argc) {
                (void)fputs(o->n_inputs ? "ladder: too many files\n" : usage_text, stderr);
                return 3;
        }
        return 0;
}

int main(int argc, char **argv)
{
        struct options o = {0};
        struct ladder *l = NULL;
        style_init(&o.style);
        int code = options_read(&o, argc, argv);
        if (code)
                return code - 1;
        int err = ladder_new(&l);
        if (!err)
                err = o.follow ? follow(&o, l) : show_one(&o, l);
        if (err == -IMS_ENOMEM)
                (void)fputs("ladder: out of memory\n", stderr);
        for (size_t i = 0; i < o.n_inputs; i++) {
                if (o.inputs[i].fd >= 0)
                        (void)close(o.inputs[i].fd);
                buf_free(&o.inputs[i].rest);
        }
        ladder_free(l);
        return err ? 1 : 0;
}
