/* SPDX-License-Identifier: BSD-3-Clause
 * The rules, and the list of what breaks them. */
#include "common/net/cert.h"

#include <openssl/bio.h>

const struct cert_rule_row cert_rule_rows[CERT_RULE_COUNT] = {
#define X(name_, hard_, clause_, text_)                                                                      \
        {.name = #name_, .clause = (clause_), .text = (text_), .hard = (hard_)},
        CERT_RULES(X)
#undef X
};

/* The subject for people: printable ASCII, cut at the size. */
static void subject_write(X509 *x, char out[static CERT_SUBJECT])
{
        BIO *mem = BIO_new(BIO_s_mem());
        const char *p = NULL;
        long n = 0;

        out[0] = '\0';
        if (!mem)
                return;
        if (X509_NAME_print_ex(mem, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0)
                n = BIO_get_mem_data(mem, &p);
        if (n >= CERT_SUBJECT)
                n = CERT_SUBJECT - 1;
        for (long i = 0; i < n; i++)
                out[i] = p[i];
        out[n > 0 ? n : 0] = '\0';
        for (char *c = out; *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = '?';
        BIO_free(mem);
}

static bool same(const struct cert_finding *a, const struct cert_finding *b)
{
        return a->rule == b->rule && a->file == b->file && strcmp(a->subject, b->subject) == 0;
}

void cert_report_add(struct cert_report *r, enum cert_rule rule, X509 *x, const char *file,
                     const char *detail)
{
        struct cert_finding f = {.rule = rule, .file = file, .detail = detail};

        if (x)
                subject_write(x, f.subject);
        for (size_t i = 0; i < r->n; i++)
                if (same(&r->list[i], &f))
                        return;
        if (cert_rule_rows[rule].hard)
                r->n_hard++;
        if (r->n < CERT_FINDINGS)
                r->list[r->n++] = f;
}

bool cert_report_has(const struct cert_report *r, enum cert_rule rule)
{
        for (size_t i = 0; i < r->n; i++)
                if (r->list[i].rule == rule)
                        return true;
        return false;
}

void cert_finding_text(const struct cert_finding *f, struct buf *out)
{
        const struct cert_rule_row *row = &cert_rule_rows[f->rule];

        if (f->file)
                buf_printf(out, "%s: ", f->file);
        if (f->subject[0])
                buf_printf(out, "%s: ", f->subject);
        buf_printf(out, "%s (%s): %s", row->name, row->clause, row->text);
        if (f->detail)
                buf_printf(out, ": %s", f->detail);
}

void cert_report_text(const struct cert_report *r, struct buf *out)
{
        for (size_t i = 0; i < r->n; i++) {
                if (!cert_rule_rows[r->list[i].rule].hard)
                        continue;
                cert_finding_text(&r->list[i], out);
                return;
        }
}
