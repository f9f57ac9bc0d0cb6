/* SPDX-License-Identifier: BSD-3-Clause
 * Certificates and contexts of a configuration. */
#include "common/net/tls_conf.h"

#include "common/base/log.h"
#include "common/net/cert.h"

/* The key whose file the finding is about; what is missing is the roots. */
static const char *key_of(const struct tls_conf *c, const struct cert_finding *f)
{
        if (!f->file || f->file == c->ca)
                return "ca";
        return f->file == c->key ? "key" : f->file == c->crl ? "crl" : "certificate";
}

/* A line for each finding of that kind. */
static int write_lines(const struct tls_conf *c, const char *key, const struct cert_report *report, bool hard,
                       struct buf *err)
{
        for (size_t i = 0; i < report->n; i++) {
                const struct cert_finding *f = &report->list[i];
                struct buf text = BUF_INIT;
                char full[64];

                if (cert_rule_rows[f->rule].hard != hard)
                        continue;
                (void)snprintf(full, sizeof(full), "%s.%s", key, key_of(c, f));
                cert_finding_text(f, &text);
                (void)conf_fail(err, full, SPAN_FMT, SPAN_ARG(buf_as_span(&text)));
                buf_free(&text);
        }
        return hard ? -IMS_ECONF : 0;
}

int tls_conf_look(const struct tls_conf *c, const char *key, const struct tls_conf_use *use, struct buf *err)
{
        const struct cert_files files = {.certificate = c->certificate,
                                         .key = c->key,
                                         .ca = c->ca,
                                         .crl = c->crl,
                                         .server = use->server,
                                         .client = use->client,
                                         .name = use->name,
                                         .trust_domain = use->trust_domain};
        struct cert_report report;
        int rc = cert_files_check(&files, &report);

        if (rc)
                return conf_fail(err, key, "%s", ims_strerror(rc));
        return write_lines(c, key, &report, report.n_hard > 0, err);
}

/* What tls_context_new or tls_context_reload said, or else the error. */
static const char *why(struct buf *err, int rc)
{
        buf_char(err, '\0');
        return err->err || !*err->p ? ims_strerror(rc) : err->p;
}

int tls_conf_open(const struct tls_conf *c, const char *key, enum tls_role role, struct tls_context **out)
{
        struct buf err = BUF_INIT;
        int rc = tls_context_new(c, role, out, &err);

        if (rc)
                log_error("%s.%s", key, why(&err, rc));
        buf_free(&err);
        return rc;
}

void tls_conf_reload(struct tls_context *ctx, const char *who)
{
        struct buf err = BUF_INIT;
        int rc = tls_context_reload(ctx, &err);

        if (rc)
                log_error("%s: the files stay as they were: %s", who, why(&err, rc));
        else
                log_notice("%s: certificates were read again", who);
        buf_free(&err);
}
