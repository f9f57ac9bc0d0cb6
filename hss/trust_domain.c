/* SPDX-License-Identifier: BSD-3-Clause
 * Names inside of the trust domain (TLS-FWD 8.1): the domain and realm parts of IMPI, IMPUs and home domain.
 */
#include "common/base/conf.h"
#include "common/net/cert.h"
#include "hss/identity.h"
#include "hss/store_names.h"
#include "hss/subscriber.h"

#define SHOWN_MAX 20

/* What stands behind "@"; of a wildcarded PSI without user part, behind the scheme. */
static struct span domain_part(struct span name)
{
        ptrdiff_t at = span_chr(name, '@', 0);
        ptrdiff_t colon = span_chr(name, ':', 0);
        return span_sub(name, (size_t)((at >= 0 ? at : colon) + 1), name.n);
}

static bool is_within(struct span trust_domain, enum store_name_kind kind, struct span name)
{
        if (kind == STORE_NAME_REALM)
                return cert_domain_within(cert_realm_domain(name), trust_domain);
        return span_istarts(name, SPAN("tel:")) /* a number has no domain */
               || cert_domain_within(domain_part(name), trust_domain);
}

static int check_name(struct span trust_domain, enum store_name_kind kind, struct span name, struct buf *err)
{
        static const enum sub_field fields[] = {[STORE_NAME_IMPI] = SUB_IMPI,
                                                [STORE_NAME_REALM] = SUB_DIGEST_REALM,
                                                [STORE_NAME_IMPU] = SUB_IMPU};
        if (is_within(trust_domain, kind, name))
                return 0;
        buf_printf(err, "%s: ", sub_rows[fields[kind]].name);
        buf_quoted(err, name, IDENTITY_MAX);
        buf_printf(err, " is outside of the trust domain " SPAN_FMT " (trust_domain)\n",
                   SPAN_ARG(trust_domain));
        return -IMS_EINVAL;
}

int sub_check_trust_domain(const struct provision *p, int64_t impi, struct buf *err)
{
        struct span trust_domain = span_of(p->conf->trust_domain);
        struct record r;
        if (!trust_domain.n)
                return 0;
        int rc = store_read_record(p->store, p->arena, impi, &r);
        if (rc == 0)
                rc = check_name(trust_domain, STORE_NAME_IMPI, r.impi, err);
        if (rc == 0 && r.digest_realm.n)
                rc = check_name(trust_domain, STORE_NAME_REALM, r.digest_realm, err);
        for (size_t i = 0; rc == 0 && i < r.n_impus; i++)
                rc = check_name(trust_domain, STORE_NAME_IMPU, r.impus[i].impu, err);
        return rc;
}

/* --- subscribers that were stored before there was a trust domain -------------------------------- */

struct looking {
        struct span trust_domain;
        struct buf *err;
        size_t n;
};

/* ... and is to be named. */
static bool is_outside(const struct store_name *n, void *arg)
{
        struct looking *l = arg;
        return !is_within(l->trust_domain, n->kind, n->name) && l->n++ < SHOWN_MAX;
}

static void show(const struct store_name *n, void *arg)
{
        static const char *const kinds[] = {
                [STORE_NAME_IMPI] = "IMPI", [STORE_NAME_REALM] = "Digest realm", [STORE_NAME_IMPU] = "IMPU"};
        struct looking *l = arg;
        struct buf text = BUF_INIT;
        buf_printf(&text, "%s ", kinds[n->kind]);
        buf_quoted(&text, n->name, IDENTITY_MAX);
        if (n->kind != STORE_NAME_IMPI) {
                buf_puts(&text, " of ");
                buf_quoted(&text, n->impi, IDENTITY_MAX);
        }
        if (!text.err)
                (void)conf_fail(l->err, "trust_domain", SPAN_FMT " in the store is outside of " SPAN_FMT,
                                SPAN_ARG(buf_as_span(&text)), SPAN_ARG(l->trust_domain));
        buf_free(&text);
}

void trust_domain_look(const char *trust_domain, const char *store_file, struct buf *err)
{
        struct looking l = {.trust_domain = span_of(trust_domain), .err = err};
        const struct store_names wanted = {.is = is_outside, .visit = show, .arg = &l};
        struct buf why = BUF_INIT;
        int rc = store_exists(store_file) ? store_each_name(store_file, &wanted, &why) : 0;
        if (l.n)
                (void)conf_fail(err, "trust_domain",
                                "%zu names in the store are outside of %s, %zu of them are named here: hss "
                                "subscriber set or remove their subscribers",
                                l.n, trust_domain, l.n < SHOWN_MAX ? l.n : (size_t)SHOWN_MAX);
        if (rc < 0)
                (void)conf_fail(err, "store.file", "%s: its names cannot be looked at: " SPAN_FMT, store_file,
                                SPAN_ARG(buf_as_span(&why)));
        buf_free(&why);
}
