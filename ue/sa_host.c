/* SPDX-License-Identifier: BSD-3-Clause
 * The kernel's side of all phones of this program. */
#include "ue/sa_host.h"

#include <stdlib.h>

#include "common/base/log.h"

#define PROBES_MAX 64

struct encap {
        struct list node;
        struct addr local;
        struct sa_encap *e;
        unsigned refs;
};

struct probe {
        struct sec_suite suite;
        enum sec_mode mode;
        int family;
        bool can;
};

struct sa_host {
        struct sa_kernel *kernel;
        struct esp_keylog *keylog;
        struct list encaps;
        struct probe probes[PROBES_MAX];
        size_t n_probes;
};

int sa_host_new(struct loop *l, const char *keylog, struct sa_host **out, struct buf *why)
{
        const struct sa_kernel_conf conf = {.end = SA_END_UE};
        struct sa_host *h = calloc(1, sizeof(*h));
        int rc, n;

        if (!h)
                return -IMS_ENOMEM;
        list_init(&h->encaps);
        rc = sa_kernel_open(l, &conf, &h->kernel, why);
        if (rc == 0) {
                n = sa_clear_stale(h->kernel, NULL, 0);
                if (n > 0)
                        log_notice("%d security associations of phones that are gone were removed", n);
                rc = esp_keylog_open(keylog, &h->keylog);
                if (rc < 0)
                        buf_printf(why, "key log %s: %s", keylog, ims_strerror(rc));
        }
        if (rc < 0) {
                sa_host_free(h);
                return rc;
        }
        *out = h;
        return 0;
}

void sa_host_free(struct sa_host *h)
{
        if (!h)
                return;
        list_for_each_safe(pos, tmp, &h->encaps)
        {
                struct encap *e = container_of(pos, struct encap, node);

                sa_encap_close(e->e);
                list_unlink(pos);
                free(e);
        }
        esp_keylog_close(h->keylog);
        sa_kernel_close(h->kernel);
        free(h);
}

struct sa_kernel *sa_host_kernel(struct sa_host *h)
{
        return h->kernel;
}

struct esp_keylog *sa_host_keylog(struct sa_host *h)
{
        return h->keylog;
}

bool sa_host_can(struct sa_host *h, struct sec_suite suite, enum sec_mode mode, int family, struct buf *why)
{
        struct buf own = BUF_INIT;
        bool can;

        for (size_t i = 0; i < h->n_probes; i++) {
                const struct probe *p = &h->probes[i];

                if (sec_suite_eq(p->suite, suite) && p->mode == mode && p->family == family &&
                    (p->can || !why))
                        return p->can;
        }
        can = sa_kernel_probe(h->kernel, suite, mode, family, &own) == 0;
        if (why && own.n && (!why->n || span_find(buf_as_span(why), buf_as_span(&own)) < 0)) { /* said once */
                buf_puts(why, why->n ? "; " : "");
                buf_span(why, buf_as_span(&own));
        }
        buf_free(&own);
        if (h->n_probes < PROBES_MAX)
                h->probes[h->n_probes++] = (struct probe){suite, mode, family, can};
        return can;
}

int sa_host_encap(struct sa_host *h, const struct addr *local, struct sa_encap **out)
{
        struct encap *e;
        int rc;

        list_for_each(pos, &h->encaps)
        {
                e = container_of(pos, struct encap, node);
                if (addr_ip_eq(&e->local, local)) {
                        e->refs++;
                        *out = e->e;
                        return 0;
                }
        }
        e = calloc(1, sizeof(*e));
        if (!e)
                return -IMS_ENOMEM;
        e->local = *local;
        addr_set_port(&e->local, SA_ENCAP_PORT);
        rc = sa_encap_open(h->kernel, &e->local, &e->e);
        if (rc < 0) {
                free(e);
                return rc;
        }
        e->refs = 1;
        list_append(&h->encaps, &e->node);
        *out = e->e;
        return 0;
}

void sa_host_encap_drop(struct sa_host *h, struct sa_encap *socket)
{
        list_for_each_safe(pos, tmp, &h->encaps)
        {
                struct encap *e = container_of(pos, struct encap, node);

                if (e->e != socket || --e->refs)
                        continue;
                sa_encap_close(e->e);
                list_unlink(pos);
                free(e);
        }
}
