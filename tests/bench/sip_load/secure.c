/* SPDX-License-Identifier: BSD-3-Clause
 * Security agreements of phones. All phones have the same ports and addresses of their own; each takes its
 * two client ports in turn, so that old and new SAs differ (TS 33.203 7.4). */
#include "tests/bench/sip_load/secure.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/secret.h"
#include "common/ipsec/sa_kernel.h"

#define SPI_FIRST 0x10000000U /* below what P-CSCFs here use; four for each address, in no order */
#define SPI_COUNT 0x10000000U
#define SPI_STEP  0x9e3779b1U

struct phone {
        struct sa_params now, next; /* reqid 0: there is none */
        uint8_t turn;               /* client port and SPIs that are offered */
};

struct load_secure {
        const struct load_conf *conf;
        struct sa_kernel *kernel;
        struct addr pcscf, first;
        struct phone *phones;
        struct buf text;
        uint64_t spent_ns;
};

int load_secure_new(const struct load_conf *c, uint32_t n, struct load_secure **out)
{
        const struct sa_kernel_conf conf = {.end = SA_END_UE};
        struct load_secure *s = calloc(1, sizeof *s);
        struct buf why = BUF_INIT;
        int err = s ? 0 : -IMS_ENOMEM;

        if (!err) {
                s->conf = c;
                s->phones = calloc(n, sizeof *s->phones);
                err = s->phones ? addr_parse(span_of(c->to), 0, &s->pcscf) : -IMS_ENOMEM;
        }
        if (!err)
                err = addr_parse(span_of(c->from), 0, &s->first);
        if (!err && (addr_is_v6(&s->pcscf) || addr_is_v6(&s->first)))
                err = -IMS_EPARSE;
        if (!err)
                err = sa_kernel_open(NULL, &conf, &s->kernel, &why); /* no events, so no loop */
        if (err)
                (void)fprintf(stderr, "sip_load: --ipsec: " SPAN_FMT "\n", SPAN_ARG(buf_as_span(&why)));
        buf_free(&why);
        if (err)
                load_secure_free(s);
        else
                *out = s;
        return err;
}

void load_secure_free(struct load_secure *s)
{
        if (!s)
                return;
        sa_kernel_close(s->kernel);
        buf_free(&s->text);
        free(s->phones);
        free(s);
}

static uint32_t ip_of(const struct load_secure *s, uint32_t ue)
{
        return ntohl(s->first.u.v4.sin_addr.s_addr) + ue % s->conf->n_sources;
}

static struct sec_ends ends_of(const struct load_secure *s, uint32_t ue)
{
        uint8_t turn = s->phones[ue].turn;
        uint32_t n = ((ip_of(s, ue) & 0xffffff) * 2 + turn) * 2;

        return (struct sec_ends){.spi_c = SPI_FIRST + n * SPI_STEP % SPI_COUNT,
                                 .spi_s = SPI_FIRST + (n + 1) * SPI_STEP % SPI_COUNT,
                                 .port_c = (uint16_t)(s->conf->ports + LOAD_UC0 + turn),
                                 .port_s = (uint16_t)(s->conf->ports + LOAD_US)};
}

struct load_way load_secure_way(const struct load_secure *s, uint32_t ue, bool answer)
{
        const struct phone *p = &s->phones[ue];
        const struct sa_params *set = answer ? &p->next : &p->now;

        if (!set->reqid)
                return (struct load_way){LOAD_CLEAR, 0};
        return (struct load_way){(uint8_t)(set->ue_ends.port_c - s->conf->ports), set->pcscf_ends.port_s};
}

void load_secure_begin(struct load_secure *s, uint32_t ue)
{
        s->phones[ue].turn ^= 1;
}

struct span load_secure_headers(struct load_secure *s, uint32_t ue, struct span server)
{
        struct sec_write w = {.suites = &s->conf->suite,
                              .n = 1,
                              .modes = 1U << SEC_MODE_TRANS,
                              .ends = ends_of(s, ue),
                              .with_ealg = true};

        buf_reset(&s->text);
        buf_puts(&s->text, "Require: sec-agree\r\nProxy-Require: sec-agree\r\nSecurity-Client: ");
        sec_list_write(&w, &s->text);
        if (server.n) {
                buf_puts(&s->text, "\r\nSecurity-Verify: ");
                buf_put(&s->text, server.p, server.n);
        }
        buf_puts(&s->text, "\r\n");
        return buf_as_span(&s->text);
}

/* --- SAs ------------------------------------------------------------------------------------------- */

static void drop(struct load_secure *s, struct sa_params *set)
{
        uint64_t t0 = bench_now_ns();

        if (!set->reqid)
                return;
        sa_remove(s->kernel, set);
        set->reqid = 0;
        s->spent_ns += bench_now_ns() - t0;
}

static int take(struct load_secure *s, uint32_t ue, const struct sec_entry *e, const struct aka_av *av)
{
        struct sa_params *p = &s->phones[ue].next;
        struct esp_keys keys;
        uint64_t t0 = bench_now_ns();
        int err = esp_keys_expand(e->suite, &av->ck, &av->ik, &keys);

        *p = (struct sa_params){.ue = s->first,
                                .pcscf = s->pcscf,
                                .ue_ends = ends_of(s, ue),
                                .pcscf_ends = e->ends,
                                .suite = e->suite,
                                .mode = e->mode};
        p->ue.u.v4.sin_addr.s_addr = htonl(ip_of(s, ue));
        addr_set_port(&p->pcscf, 0);
        p->reqid = sa_kernel_reqid(s->kernel);
        if (!err)
                err = sa_install(s->kernel, p, &keys);
        if (err)
                p->reqid = 0;
        secret_wipe(&keys, sizeof keys);
        s->spent_ns += bench_now_ns() - t0;
        return err;
}

/* The one Security-Server line of a challenge. */
static struct span server_of(struct span octets)
{
        static const char name[] = "\r\nSecurity-Server: ";
        ptrdiff_t at = span_find(octets, SPAN("\r\nSecurity-Server: "));
        size_t begin = at < 0 ? octets.n : (size_t)at + sizeof name - 1;
        ptrdiff_t end = span_chr(octets, '\r', begin);

        return end < 0 ? SPAN_NULL : span_sub(octets, begin, (size_t)end);
}

enum load_secure_result load_secure_challenged(struct load_secure *s, uint32_t ue, struct span octets,
                                               const struct aka_av *av, struct span *out_server)
{
        static struct sec_list list; /* large */
        const struct sec_entry *e;
        struct span rest = server_of(octets), value;

        *out_server = rest;
        list.n = 0;
        while (rest.n && span_split(&rest, ',', &value))
                if (sec_list_add(&list, span_trim(value), NULL) != 0)
                        return LOAD_SECURE_NO_AGREEMENT;
        e = sec_choose_ue(&list, &s->conf->suite, 1, 1U << SEC_MODE_TRANS, NULL);
        if (!e)
                return LOAD_SECURE_NO_AGREEMENT;
        drop(s, &s->phones[ue].next);
        return take(s, ue, e, av) == 0 ? LOAD_SECURE_OK : LOAD_SECURE_NO_SA;
}

void load_secure_ok(struct load_secure *s, uint32_t ue, bool registered)
{
        struct phone *p = &s->phones[ue];

        if (p->next.reqid) {
                drop(s, &p->now);
                p->now = p->next;
                p->next.reqid = 0;
        }
        if (!registered)
                drop(s, &p->now);
}

void load_secure_failed(struct load_secure *s, uint32_t ue)
{
        drop(s, &s->phones[ue].next);
}

uint64_t load_secure_spent_ns(struct load_secure *s)
{
        uint64_t ns = s ? s->spent_ns : 0;

        if (s)
                s->spent_ns = 0;
        return ns;
}
