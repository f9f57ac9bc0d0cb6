/* SPDX-License-Identifier: BSD-3-Clause
 * hss device add, list, block, unblock, forget, remove: which certificates may fetch whose credentials
 * (PKT-TR-SEC 6.1.1.3). */
#include <stdio.h>
#include <time.h>

#include "hss/cli.h"
#include "hss/device_cert.h"
#include "hss/store_device.h"

struct words {
        const char *certificate, *subject, *impi, *reason, *name;
        bool json;
};

/* Every command takes some of these. */
static int read_words(struct cli *c, int argc, char **argv, struct words *w)
{
        struct {
                const char *name;
                const char **to;
        } const options[] = {{"--certificate", &w->certificate},
                             {"--subject", &w->subject},
                             {"--impi", &w->impi},
                             {"--reason", &w->reason}};
        for (int i = 0; i < argc; i++) {
                const char **to = argv[i][0] == '-' ? NULL : &w->name;
                for (size_t k = 0; k < sizeof options / sizeof *options; k++)
                        if (strcmp(argv[i], options[k].name) == 0 && i + 1 < argc)
                                to = options[k].to;
                if (strcmp(argv[i], "--json") == 0)
                        w->json = true;
                else if (!to || *to)
                        return cli_misused(c, argv[i]);
                else
                        *to = to == &w->name ? argv[i] : argv[++i];
        }
        return 0;
}

static int finish(struct cli *c, int rc)
{
        if (rc == 0)
                rc = store_commit(c->store);
        else
                store_rollback(c->store);
        return cli_store_failed(c, rc);
}

/* --- add ----------------------------------------------------------------------------------------- */

/* Nothing that could break a line, a JSON text or a log. */
static bool printable(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] < ' ' || s.p[i] > '~')
                        return false;
        return s.n > 0 && s.n <= DEVICE_SUBJECT_MAX;
}

static int add(struct cli *c, const struct device_cert *cert, bool pinned, const char *impi)
{
        struct record r;
        int rc = cli_find(c, impi, &r);
        if (rc < 0)
                return rc;
        if (r.scheme != HSS_SCHEME_DIGEST) {
                buf_puts(&c->err, "--impi: has no SIP Digest: only that can be fetched with a certificate "
                                  "(subscriber add --bootstrap)\n");
                return -IMS_EINVAL;
        }
        rc = store_device_add(c->store, r.id, span_of(cert->subject),
                              pinned ? span_of(cert->fingerprint) : SPAN_NULL);
        if (rc == -IMS_EEXISTS) {
                const char *what = store_conflict(c->store);
                buf_printf(&c->err, "--%s: there is a device of this %s already (hss device list)\n",
                           strcmp(what, "impi") == 0 ? "impi"
                           : pinned                  ? "certificate"
                                                     : "subject",
                           what);
        }
        return rc;
}

int cli_device_add(struct cli *c, int argc, char **argv)
{
        struct words w = {0};
        struct device_cert cert = {0};
        int rc = read_words(c, argc, argv, &w);
        if (rc < 0)
                return rc;
        if (!w.impi || !w.certificate == !w.subject || w.name || w.reason || w.json)
                return cli_misused(c, NULL);
        if (w.certificate) {
                buf_puts(&c->err, "--certificate: ");
                rc = device_cert_load(w.certificate, &cert, &c->err);
                if (rc < 0) {
                        buf_char(&c->err, '\n');
                        return rc;
                }
                buf_reset(&c->err);
        } else if (!printable(span_of(w.subject)) ||
                   span_copy(span_of(w.subject), cert.subject, sizeof cert.subject) < 0) {
                buf_puts(
                        &c->err,
                        "--subject: 1 to 255 printable characters, in the form of RFC 2253: CN=NAME,O=...\n");
                return -IMS_EINVAL;
        }
        rc = store_begin(c->store, true);
        return rc < 0 ? cli_store_failed(c, rc) : finish(c, add(c, &cert, w.certificate != NULL, w.impi));
}

/* --- list ---------------------------------------------------------------------------------------- */

static void time_text(int64_t s, char out[static 32])
{
        time_t t = (time_t)s;
        struct tm tm;
        (void)snprintf(out, 32, "never");
        if (s && gmtime_r(&t, &tm))
                (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void line(const struct store_device *d, struct buf *b)
{
        char when[32];
        time_text(d->last_s, when);
        buf_printf(b, "%-48.*s %-8s %5lld %7lld %-20s " SPAN_FMT "\n", (int)d->impi_name.n, d->impi_name.p,
                   d->blocked.p ? "blocked"
                   : d->given   ? "served"
                                : "waits",
                   (long long)d->given, (long long)d->refused, when, SPAN_ARG(d->subject));
        buf_printf(b, "%-48s certificate %.*s%s\n", "", (int)(d->fingerprint.p ? d->fingerprint.n : 24),
                   d->fingerprint.p ? d->fingerprint.p : "the first one that comes",
                   d->pinned ? " (provisioned)" : "");
        if (d->blocked.p)
                buf_printf(b, "%-48s because " SPAN_FMT "\n", "", SPAN_ARG(d->blocked));
}

static void json_text(struct buf *b, const char *name, struct span value)
{
        buf_json_member(b, name, value);
        buf_char(b, ',');
}

static void json(const struct store_device *d, struct buf *b)
{
        buf_char(b, '{');
        json_text(b, "impi", d->impi_name);
        json_text(b, "subject", d->subject);
        json_text(b, "fingerprint", d->fingerprint);
        json_text(b, "blocked", d->blocked);
        buf_printf(b, "\"provisioned\":%s,\"given\":%lld,\"refused\":%lld,\"last\":%lld}",
                   d->pinned ? "true" : "false", (long long)d->given, (long long)d->refused,
                   (long long)d->last_s);
}

int cli_device_list(struct cli *c, int argc, char **argv)
{
        struct words w = {0};
        struct buf b = BUF_INIT;
        struct store_device d;
        int64_t from = 0;
        bool first = true;
        int rc = read_words(c, argc, argv, &w);
        if (rc < 0)
                return rc;
        if (w.name || w.certificate || w.subject || w.impi || w.reason)
                return cli_misused(c, NULL);
        rc = store_begin(c->store, false);
        if (w.json)
                buf_char(&b, '[');
        else
                buf_printf(&b, "%-48s %-8s %5s %7s %-20s %s\n", "IMPI", "state", "given", "refused", "last",
                           "subject");
        while (rc == 0 && (rc = store_device_next(c->store, &c->arena, from, &d)) == 0) {
                buf_puts(&b, !w.json ? "" : first ? "\n" : ",\n");
                (w.json ? json : line)(&d, &b);
                first = false;
                from = d.id + 1;
        }
        buf_puts(&b, w.json ? "\n]\n" : "");
        store_rollback(c->store);
        if (rc == -IMS_ENOTFOUND)
                rc = b.err;
        if (rc == 0)
                (void)fwrite(b.p, 1, b.n, stdout);
        buf_free(&b);
        return cli_store_failed(c, rc);
}

/* --- one device ---------------------------------------------------------------------------------- */

typedef int device_fn(struct cli *c, const struct store_device *d, const struct words *w);

static int with_device(struct cli *c, int argc, char **argv, bool reason, device_fn *fn)
{
        struct words w = {0};
        struct store_device d;
        int rc = read_words(c, argc, argv, &w);
        if (rc < 0)
                return rc;
        if (!w.name || w.certificate || w.subject || w.impi || w.json || (w.reason && !reason))
                return cli_misused(c, NULL);
        rc = store_begin(c->store, true);
        if (rc < 0)
                return cli_store_failed(c, rc);
        rc = store_device_named(c->store, &c->arena, span_of(w.name), &d);
        if (rc == -IMS_ENOTFOUND) {
                buf_quoted(&c->err, span_of(w.name), 100);
                buf_puts(&c->err, ": no device has this IMPI, subject or fingerprint (hss device list)\n");
        }
        return finish(c, rc == 0 ? fn(c, &d, &w) : rc);
}

static int block(struct cli *c, const struct store_device *d, const struct words *w)
{
        struct span why = span_of(w->reason ? w->reason : "the operator blocked it");
        if (!printable(why)) {
                buf_puts(&c->err, "--reason: 1 to 255 printable characters\n");
                return -IMS_EINVAL;
        }
        return store_device_block(c->store, d->id, why);
}

static int unblock(struct cli *c, const struct store_device *d, const struct words *w)
{
        (void)w;
        return store_device_block(c->store, d->id, SPAN_NULL);
}

static int forget(struct cli *c, const struct store_device *d, const struct words *w)
{
        (void)w;
        return store_device_forget(c->store, d->id);
}

static int take_away(struct cli *c, const struct store_device *d, const struct words *w)
{
        (void)w;
        return store_device_remove(c->store, d->id);
}

int cli_device_block(struct cli *c, int argc, char **argv)
{
        return with_device(c, argc, argv, true, block);
}

int cli_device_unblock(struct cli *c, int argc, char **argv)
{
        return with_device(c, argc, argv, false, unblock);
}

int cli_device_forget(struct cli *c, int argc, char **argv)
{
        return with_device(c, argc, argv, false, forget);
}

int cli_device_remove(struct cli *c, int argc, char **argv)
{
        return with_device(c, argc, argv, false, take_away);
}
