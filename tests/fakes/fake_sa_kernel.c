/* SPDX-License-Identifier: BSD-3-Clause
 * A kernel for tests: every function of common/ipsec/sa_kernel.h over tables in memory. */
#include "tests/fakes/fake_sa_kernel.h"

#include <limits.h>
#include <stdlib.h>

#define REQID_FIRST 0x80000001U
#define LOCALS_MAX  64

struct fake_set {
        struct sa_params p;
        struct esp_keys keys;
        struct sa_counters counters[SA_WAYS];
        enum sa_end end;
};

struct sa_kernel {
        struct sa_kernel_conf conf;
        struct sa_kernel *next;
};

struct sa_encap {
        struct addr local;
};

struct fake_addr {
        struct addr a;
        const struct sa_kernel *owner;
        unsigned n;
};

/* An array of equal things. */
struct table {
        void *p;
        size_t n, cap, size;
};

struct failure {
        unsigned skip, n, calls;
        int err;
        const char *text;
};

static struct fake {
        struct table sets, guards, addresses, encaps;
        struct sa_kernel *open;
        struct failure failures[FAKE_SA_CALLS];
        struct sec_suite no_suites[SEC_SUITES_MAX];
        size_t n_no_suites;
        unsigned no_modes; /* bits 1 << enum sec_mode */
        size_t installed, removed, keep_alives;
        struct addr keep_alive_to;
        struct addr locals[LOCALS_MAX];
        size_t n_locals;
        int stale;
        uint32_t reqid;
} fake = {.sets.size = sizeof(struct fake_set),
          .guards.size = sizeof(struct addr),
          .addresses.size = sizeof(struct fake_addr),
          .encaps.size = sizeof(struct sa_encap *),
          .reqid = REQID_FIRST};

/* --- tables -------------------------------------------------------------------------------------- */

static void *table_at(const struct table *t, size_t i)
{
        return i < t->n ? (char *)t->p + i * t->size : NULL;
}

static int table_add(struct table *t, const void *item)
{
        if (t->n == t->cap) {
                size_t cap = t->cap ? t->cap * 2 : 16;
                void *p = realloc(t->p, cap * t->size);

                if (!p)
                        return -IMS_ENOMEM;
                t->p = p;
                t->cap = cap;
        }
        memcpy((char *)t->p + t->n++ * t->size, item, t->size);
        return 0;
}

static void table_remove(struct table *t, size_t i)
{
        char *at = table_at(t, i);

        t->n--;
        memmove(at, at + t->size, (t->n - i) * t->size);
}

static void table_reset(struct table *t)
{
        free(t->p);
        t->p = NULL;
        t->n = t->cap = 0;
}

/* --- failures ------------------------------------------------------------------------------------ */

static int called(enum fake_sa_call call, struct buf *why)
{
        struct failure *f = &fake.failures[call];

        f->calls++;
        if (f->skip) {
                f->skip--;
                return 0;
        }
        if (!f->n)
                return 0;
        if (f->n != UINT_MAX)
                f->n--;
        if (why)
                buf_puts(why, f->text ? f->text : ims_strerror(f->err));
        return f->err;
}

void fake_sa_fail(enum fake_sa_call call, unsigned skip, unsigned n, int err, const char *text)
{
        struct failure *f = &fake.failures[call];

        f->skip = skip;
        f->n = n;
        f->err = err;
        f->text = text;
}

unsigned fake_sa_calls(enum fake_sa_call call)
{
        return fake.failures[call].calls;
}

void fake_sa_lacks_suite(struct sec_suite suite)
{
        if (fake.n_no_suites < SEC_SUITES_MAX)
                fake.no_suites[fake.n_no_suites++] = suite;
}

void fake_sa_lacks_mode(enum sec_mode mode)
{
        fake.no_modes |= 1U << mode;
}

static bool knows(struct sec_suite suite, enum sec_mode mode)
{
        for (size_t i = 0; i < fake.n_no_suites; i++) {
                if (sec_suite_eq(fake.no_suites[i], suite))
                        return false;
        }
        return !(fake.no_modes & 1U << mode);
}

void fake_sa_reset(void)
{
        for (size_t i = 0; i < fake.encaps.n; i++)
                free(*(struct sa_encap **)table_at(&fake.encaps, i));
        table_reset(&fake.sets);
        table_reset(&fake.guards);
        table_reset(&fake.addresses);
        table_reset(&fake.encaps);
        while (fake.open)
                sa_kernel_close(fake.open);
        memset(fake.failures, 0, sizeof(fake.failures));
        memset(&fake.keep_alive_to, 0, sizeof(fake.keep_alive_to));
        fake.n_no_suites = fake.installed = fake.removed = fake.keep_alives = fake.n_locals = 0;
        fake.no_modes = 0;
        fake.stale = 0;
        fake.reqid = REQID_FIRST;
}

/* --- the object ---------------------------------------------------------------------------------- */

int sa_kernel_open(struct loop *l, const struct sa_kernel_conf *conf, struct sa_kernel **out, struct buf *why)
{
        struct sa_kernel *k;
        int err = called(FAKE_SA_OPEN, why);

        (void)l;
        if (err)
                return err;
        k = calloc(1, sizeof(*k));
        if (!k)
                return -IMS_ENOMEM;
        k->conf = *conf;
        k->next = fake.open;
        fake.open = k;
        *out = k;
        return 0;
}

void sa_kernel_close(struct sa_kernel *k)
{
        if (!k)
                return;
        for (struct sa_kernel **at = &fake.open; *at; at = &(*at)->next) {
                if (*at == k) {
                        *at = k->next;
                        break;
                }
        }
        for (size_t i = fake.addresses.n; i-- > 0;) {
                if (((struct fake_addr *)table_at(&fake.addresses, i))->owner == k)
                        table_remove(&fake.addresses, i);
        }
        free(k);
}

struct sa_kernel *fake_sa_object(void)
{
        return fake.open;
}

int sa_kernel_probe(struct sa_kernel *k, struct sec_suite suite, enum sec_mode mode, int family,
                    struct buf *why)
{
        int err = called(FAKE_SA_PROBE, why);

        (void)k;
        (void)family;
        if (err || knows(suite, mode))
                return err;
        buf_puts(why, "this kernel does not know the algorithm");
        return -IMS_EUNSUPPORTED;
}

uint32_t sa_kernel_reqid(struct sa_kernel *k)
{
        (void)k;
        return fake.reqid++;
}

/* --- sets ---------------------------------------------------------------------------------------- */

static struct fake_set *set_of(uint32_t spi, enum sa_way *out_way)
{
        for (size_t i = 0; i < fake.sets.n; i++) {
                struct fake_set *s = table_at(&fake.sets, i);

                for (int w = 0; w < SA_WAYS; w++) {
                        if (sa_spi(&s->p, (enum sa_way)w) != spi)
                                continue;
                        if (out_way)
                                *out_way = (enum sa_way)w;
                        return s;
                }
        }
        return NULL;
}

/* The set of this object that was installed as p. */
static struct fake_set *set_like(const struct sa_kernel *k, const struct sa_params *p, size_t *out_i)
{
        for (size_t i = 0; i < fake.sets.n; i++) {
                struct fake_set *s = table_at(&fake.sets, i);

                if (s->end != k->conf.end || s->p.reqid != p->reqid ||
                    sa_spi(&s->p, SA_UC_PS) != sa_spi(p, SA_UC_PS))
                        continue;
                if (out_i)
                        *out_i = i;
                return s;
        }
        return NULL;
}

/* What the real kernel refuses: one SPI twice at one address, one selector twice. */
static bool collide(const struct sa_params *a, const struct sa_params *b)
{
        struct addr from_a, to_a, from_b, to_b;

        for (int i = 0; i < SA_WAYS; i++) {
                sa_selector(a, (enum sa_way)i, &from_a, &to_a);
                for (int j = 0; j < SA_WAYS; j++) {
                        sa_selector(b, (enum sa_way)j, &from_b, &to_b);
                        if (addr_ip_eq(&to_a, &to_b) &&
                            sa_spi(a, (enum sa_way)i) == sa_spi(b, (enum sa_way)j))
                                return true;
                        if (addr_eq(&from_a, &from_b) && addr_eq(&to_a, &to_b))
                                return true;
                }
        }
        return false;
}

int sa_install(struct sa_kernel *k, const struct sa_params *p, const struct esp_keys *keys)
{
        struct fake_set s = {.p = *p, .keys = *keys, .end = k->conf.end};
        int err = called(FAKE_SA_INSTALL, NULL);

        if (err)
                return err;
        if (!knows(p->suite, p->mode))
                return -IMS_EUNSUPPORTED;
        if (!p->reqid)
                return -IMS_EINVAL;
        for (size_t i = 0; i < fake.sets.n; i++) {
                const struct fake_set *other = table_at(&fake.sets, i);

                if (other->end == k->conf.end && collide(&other->p, p))
                        return -IMS_EEXISTS;
        }
        err = table_add(&fake.sets, &s);
        secret_wipe(&s, sizeof(s));
        if (!err)
                fake.installed++;
        return err;
}

void sa_remove(struct sa_kernel *k, const struct sa_params *p)
{
        size_t i;

        if (!set_like(k, p, &i))
                return;
        table_remove(&fake.sets, i);
        fake.removed++;
}

int sa_count(struct sa_kernel *k, const struct sa_params *p, enum sa_way w, struct sa_counters *out)
{
        const struct fake_set *s = set_like(k, p, NULL);
        int err = called(FAKE_SA_COUNT, NULL);

        if (err)
                return err;
        if (!s)
                return -IMS_ENOTFOUND;
        *out = s->counters[w];
        return 0;
}

int sa_follow(struct sa_kernel *k, const struct sa_params *p)
{
        struct fake_set *s = set_like(k, p, NULL);
        int err = called(FAKE_SA_FOLLOW, NULL);

        if (err)
                return err;
        if (!s)
                return -IMS_ENOTFOUND;
        if (s->p.mode != SEC_MODE_UDP_ENC_TUN)
                return -IMS_EINVAL;
        s->p.port_uenc = p->port_uenc;
        return 0;
}

size_t fake_sa_sets(void)
{
        return fake.sets.n;
}

const struct sa_params *fake_sa_set(size_t i)
{
        const struct fake_set *s = table_at(&fake.sets, i);

        return s ? &s->p : NULL;
}

const struct esp_keys *fake_sa_keys(size_t i)
{
        const struct fake_set *s = table_at(&fake.sets, i);

        return s ? &s->keys : NULL;
}

const struct sa_params *fake_sa_by_spi(uint32_t spi, enum sa_way *out_way)
{
        const struct fake_set *s = set_of(spi, out_way);

        return s ? &s->p : NULL;
}

size_t fake_sa_installed(void)
{
        return fake.installed;
}

size_t fake_sa_removed(void)
{
        return fake.removed;
}

bool fake_sa_set_counters(uint32_t spi, const struct addr *to, const struct sa_counters *c)
{
        struct addr sel_from, sel_to;
        bool found = false;

        for (size_t i = 0; i < fake.sets.n; i++) {
                struct fake_set *s = table_at(&fake.sets, i);

                for (int w = 0; w < SA_WAYS; w++) {
                        sa_selector(&s->p, (enum sa_way)w, &sel_from, &sel_to);
                        if (sa_spi(&s->p, (enum sa_way)w) == spi && addr_ip_eq(&sel_to, to)) {
                                s->counters[w] = *c;
                                found = true;
                        }
                }
        }
        return found;
}

/* --- guards -------------------------------------------------------------------------------------- */

int sa_guard(struct sa_kernel *k, const struct addr *local)
{
        int err = called(FAKE_SA_GUARD, NULL);

        (void)k;
        if (err)
                return err;
        for (size_t i = 0; i < fake.guards.n; i++) {
                if (addr_eq(table_at(&fake.guards, i), local))
                        return -IMS_EEXISTS;
        }
        return table_add(&fake.guards, local);
}

void sa_unguard(struct sa_kernel *k, const struct addr *local)
{
        (void)k;
        for (size_t i = 0; i < fake.guards.n; i++) {
                if (addr_eq(table_at(&fake.guards, i), local)) {
                        table_remove(&fake.guards, i);
                        return;
                }
        }
}

size_t fake_sa_guards(void)
{
        return fake.guards.n;
}

bool fake_sa_guarded(const struct addr *local)
{
        for (size_t i = 0; i < fake.guards.n; i++) {
                const struct addr *g = table_at(&fake.guards, i);

                if (addr_port(g) == addr_port(local) && addr_is_v6(g) == addr_is_v6(local) &&
                    (addr_is_any(g) || addr_ip_eq(g, local)))
                        return true;
        }
        return false;
}

int sa_clear_stale(struct sa_kernel *k, const struct addr *locals, size_t n)
{
        int err = called(FAKE_SA_CLEAR_STALE, NULL), stale = fake.stale;

        (void)k;
        if (err)
                return err;
        fake.n_locals = n < LOCALS_MAX ? n : LOCALS_MAX;
        if (n)
                memcpy(fake.locals, locals, fake.n_locals * sizeof(*locals));
        fake.stale = 0;
        return stale;
}

void fake_sa_set_stale(int n_sas)
{
        fake.stale = n_sas;
}

const struct addr *fake_sa_stale_locals(size_t *n)
{
        *n = fake.n_locals;
        return fake.locals;
}

/* --- encapsulation and addresses ----------------------------------------------------------------- */

int sa_encap_open(struct sa_kernel *k, const struct addr *local, struct sa_encap **out)
{
        struct sa_encap *e;
        int err = called(FAKE_SA_ENCAP_OPEN, NULL);

        (void)k;
        if (err)
                return err;
        e = calloc(1, sizeof(*e));
        if (!e)
                return -IMS_ENOMEM;
        e->local = *local;
        err = table_add(&fake.encaps, &e);
        if (err)
                free(e);
        else
                *out = e;
        return err;
}

void sa_encap_keep_alive(struct sa_encap *e, const struct addr *to)
{
        (void)e;
        fake.keep_alives++;
        fake.keep_alive_to = *to;
}

void sa_encap_close(struct sa_encap *e)
{
        for (size_t i = 0; e && i < fake.encaps.n; i++) {
                if (*(struct sa_encap **)table_at(&fake.encaps, i) == e) {
                        table_remove(&fake.encaps, i);
                        break;
                }
        }
        free(e);
}

size_t fake_sa_encaps(void)
{
        return fake.encaps.n;
}

const struct addr *fake_sa_encap_local(size_t i)
{
        struct sa_encap **e = table_at(&fake.encaps, i);

        return e ? &(*e)->local : NULL;
}

size_t fake_sa_keep_alives(void)
{
        return fake.keep_alives;
}

const struct addr *fake_sa_keep_alive_to(void)
{
        return &fake.keep_alive_to;
}

static struct fake_addr *address_of(const struct sa_kernel *k, const struct addr *a, size_t *out_i)
{
        for (size_t i = 0; i < fake.addresses.n; i++) {
                struct fake_addr *have = table_at(&fake.addresses, i);

                if (have->owner == k && addr_ip_eq(&have->a, a)) {
                        if (out_i)
                                *out_i = i;
                        return have;
                }
        }
        return NULL;
}

int sa_address_add(struct sa_kernel *k, const struct addr *a)
{
        struct fake_addr *have = address_of(k, a, NULL);
        int err = called(FAKE_SA_ADDRESS_ADD, NULL);

        if (err)
                return err;
        if (!have)
                return table_add(&fake.addresses, &(struct fake_addr){*a, k, 1});
        have->n++;
        return 0;
}

void sa_address_drop(struct sa_kernel *k, const struct addr *a)
{
        size_t i;
        struct fake_addr *have = address_of(k, a, &i);

        if (have && --have->n == 0)
                table_remove(&fake.addresses, i);
}

size_t fake_sa_addresses(void)
{
        return fake.addresses.n;
}

unsigned fake_sa_address_count(const struct addr *a)
{
        unsigned n = 0;

        for (size_t i = 0; i < fake.addresses.n; i++) {
                const struct fake_addr *have = table_at(&fake.addresses, i);

                n += addr_ip_eq(&have->a, a) ? have->n : 0;
        }
        return n;
}

bool fake_sa_nothing_left(void)
{
        return !fake.sets.n && !fake.guards.n && !fake.addresses.n && !fake.encaps.n && !fake.open;
}

/* --- events -------------------------------------------------------------------------------------- */

bool fake_sa_mapping(struct sa_kernel *k, uint32_t spi, const struct addr *from)
{
        const struct sa_kernel_events *e = &k->conf.events;

        if (!e->on_mapping)
                return false;
        e->on_mapping(spi, from, e->arg);
        return true;
}

bool fake_sa_expire(struct sa_kernel *k, uint32_t spi, const struct addr *to)
{
        const struct sa_kernel_events *e = &k->conf.events;

        if (!e->on_expired)
                return false;
        e->on_expired(spi, to, e->arg);
        return true;
}
