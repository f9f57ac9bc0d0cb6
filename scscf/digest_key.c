/* SPDX-License-Identifier: BSD-3-Clause
 * The H(A1) of a user: fetched or pushed, the older one kept for a while. TS 33.203 N.2.1.1, N.2.5. */
#include "scscf/digest.h"

#include <stdlib.h>

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/net/cert.h"
#include "scscf/registrar.h"

/* --- reading ------------------------------------------------------------------------------------- */

/* What stands in a challenge as it is. */
static bool is_plain(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] < 0x20 || s.p[i] > 0x7e || s.p[i] == '"' || s.p[i] == '\\')
                        return false;
        return s.n > 0 && s.n <= 255;
}

int digest_av_read(const struct cx_auth_item *item, struct span trust_domain, struct sd_av *out,
                   const char **why)
{
        if (!item->digest.present || (item->scheme.n && !span_eq(item->scheme, SPAN(CX_SCHEME_DIGEST)))) {
                *why = "the vector is of another scheme than SIP Digest";
                return -IMS_EUNSUPPORTED;
        }
        *why = NULL;
        *out = (struct sd_av){.realm = item->digest.realm, .algorithm = DIGEST_MD5};
        if ((item->digest.algorithm.n &&
             digest_algorithm_parse(item->digest.algorithm, &out->algorithm) < 0) ||
            (out->algorithm != DIGEST_MD5 && out->algorithm != DIGEST_SHA256))
                *why = "Digest-Algorithm is neither MD5 nor SHA-256";
        else if (!is_plain(out->realm))
                *why = "Digest-Realm is empty or cannot stand in a challenge";
        else if (trust_domain.n && !cert_domain_within(cert_realm_domain(out->realm), trust_domain))
                *why = "Digest-Realm is outside of trust_domain (TLS-FWD F)";
        else if (!span_ieq(item->digest.qop, SPAN("auth")))
                *why = "Digest-QoP is not auth";
        else if (hex_decode(item->digest.ha1, out->ha1, digest_octets(out->algorithm)) < 0)
                *why = "Digest-HA1 is no hash of Digest-Algorithm in hex";
        return *why ? -IMS_EPROTO : 0;
}

struct digest_limits digest_limits(const struct registrar *r)
{
        return (struct digest_limits){.now_ms = r->port.now_ms(r->arg),
                                      .lifetime_ms = r->conf->digest.nonce_lifetime_ms,
                                      .uses = r->conf->digest.nonce_uses};
}

/* --- keeping ------------------------------------------------------------------------------------- */

static void drop_key(struct digest_key *key)
{
        shared_put(key->realm);
        secret_wipe(key, sizeof(*key));
        key->realm = NULL;
}

static void drop_old(struct digest_user *d)
{
        struct digest_old *old = d->old;

        if (!old)
                return;
        d->old = NULL;
        old->reg->port.timer_stop(old->reg->arg, &old->timer);
        drop_key(&old->key);
        free(old);
}

static void on_old(struct tmr *t, void *arg)
{
        struct digest_old *old = arg;

        (void)t;
        log_info("the H(A1) of before the password change is deleted");
        drop_old(old->owner);
}

/* The key becomes the older one: its place is there, and its time begins. */
static int make_old(struct registrar *r, struct digest_user *d)
{
        struct digest_old *old = d->old;

        if (r->conf->digest.old_ha1_lifetime_ms == 0) {
                drop_old(d);
                drop_key(&d->key);
                return 0;
        }
        if (!old) {
                old = calloc(1, sizeof(*old));
                if (!old)
                        return -IMS_ENOMEM;
                old->reg = r;
                old->owner = d;
        }
        if (r->port.timer_start(r->arg, &old->timer, r->conf->digest.old_ha1_lifetime_ms, on_old, old) < 0) {
                if (!d->old)
                        free(old);
                return -IMS_ENOMEM;
        }
        if (d->old && old->key.proved) {
                drop_key(&d->key); /* nobody used it yet, the older one somebody did */
        } else {
                drop_key(&old->key);
                old->key = d->key;
                d->key.realm = NULL;
        }
        d->old = old;
        return 0;
}

static bool is_same(const struct digest_key *key, const struct sd_av *v)
{
        return key->realm && key->algorithm == v->algorithm && span_eq(shared_text(key->realm), v->realm) &&
               secret_eq(key->ha1, v->ha1, digest_octets(v->algorithm));
}

int digest_learn(struct registrar *r, struct user *u, const struct sd_av *v)
{
        struct digest_user *d = u->digest;
        struct shared *realm;

        if (!d) {
                d = calloc(1, sizeof(*d));
                if (!d)
                        return -IMS_ENOMEM;
                u->digest = d;
        }
        d->told_ms = r->port.now_ms(r->arg);
        if (is_same(&d->key, v))
                return 0;
        realm = shared_get(&r->store.shared, v->realm);
        if (!realm)
                return -IMS_ENOMEM;
        if (d->key.realm) {
                if (make_old(r, d) < 0) {
                        shared_put(realm);
                        return -IMS_ENOMEM;
                }
                d->changed_ms = r->port.now_ms(r->arg);
        }
        if (d->old && is_same(&d->old->key, v))
                drop_old(d); /* changed back */
        d->key = (struct digest_key){
                .realm = realm, .since_ms = r->port.now_ms(r->arg), .algorithm = (uint8_t)v->algorithm};
        memcpy(d->key.ha1, v->ha1, sizeof(d->key.ha1));
        return 0;
}

int digest_take(struct registrar *r, struct user *u, const struct cx_maa *a, const char **why)
{
        struct sd_av v = {0};
        int rc = -IMS_EPROTO;

        *why = "not exactly one SIP-Auth-Data-Item";
        if (a->n == 1)
                rc = digest_av_read(&a->items[0], span_of(r->conf->trust_domain), &v, why);
        if (rc == 0) {
                rc = digest_learn(r, u, &v);
                *why = ims_strerror(rc);
        }
        secret_wipe(&v, sizeof(v));
        return rc;
}

void digest_prove(struct digest_user *d, struct digest_key *key)
{
        key->proved = true;
        if (key == &d->key)
                drop_old(d);
}

void digest_forget(struct digest_user *d)
{
        if (!d)
                return;
        drop_old(d);
        if (d->key.realm)
                drop_key(&d->key);
}

void digest_end(struct digest_user *d)
{
        if (!d)
                return;
        digest_forget(d);
        d->reg = (struct digest_engine){0};
        digest_proxy_free(d->proxy);
        d->proxy = NULL;
}

void digest_user_free(struct digest_user *d)
{
        if (!d)
                return;
        digest_forget(d);
        digest_proxy_free(d->proxy);
        secret_free(d, sizeof(*d));
}
