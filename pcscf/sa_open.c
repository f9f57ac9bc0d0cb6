/* SPDX-License-Identifier: BSD-3-Clause
 * A new set of SAs: whether there is room (TS 33.203 7.1 rule 3), its ports and SPIs, what gives way to it.
 */
#include <stdlib.h>

#include "pcscf/sa_int.h"

#define SETS_PER_IMPI 3 /* six SAs per direction (TS 33.203 7.1 rule 3) */
#define SPI_TRIES     64
#define SPI_STEP      0x9e3779b1U /* of the golden ratio: numbers that follow one another lie far apart */

/* --- rule 3 --------------------------------------------------------------------------------------- */

/* What the challenge of the same user would replace. */
static bool replaceable(const struct sa_set *s, const struct sa_who *who)
{
        return (s->state == SA_SET_REGISTRATION || s->state == SA_SET_LEAVING) &&
               span_eq(sa_assoc_impi(s->assoc), who->impi);
}

static bool client_port_taken(const struct sa_table *t, const struct sa_who *who, const struct sec_ends *ends)
{
        struct addr uc = addr_with_port(&who->ue, ends->port_c);
        const struct sa_set *s = sa_find_pair(t, &uc, (uint16_t)t->conf.conf->port_ps);

        return s && !replaceable(s, who);
}

/* Several UEs behind one address are told apart by it (M.7.1). */
static bool server_port_taken(const struct sa_table *t, const struct sa_who *who, const struct sec_ends *ends)
{
        struct addr us = addr_with_port(&who->ue, ends->port_s);

        for (uint32_t i = 0; i < t->conf.conf->port_pc_count; i++) {
                const struct sa_set *s = sa_find_pair(t, &us, (uint16_t)(t->conf.conf->port_pc + i));

                if (s && !span_eq(sa_assoc_impi(s->assoc), who->impi))
                        return true;
        }
        return false;
}

/* What gives way to a new set where room lacks: what is leaving (7.4.2a: other old SAs are deleted), and for
 * a UE that is registered also what strangers began in clear under its IMPI. */
static bool gives_way(const struct sa_set *s, bool protected)
{
        return s->state == SA_SET_LEAVING || (protected && s->state == SA_SET_REGISTRATION && !s->by_old);
}

/* Sets of this IMPI that stay when another challenge leaves for this UE; emergency registrations and flows of
 * RFC 5626 count on their own. out (may be NULL): the first of those that give way, or NULL. */
static unsigned sets_of_impi(const struct sa_table *t, const struct sa_who *who, bool protected,
                             struct sa_set **out)
{
        struct sa_assoc *a = NULL;
        unsigned n = 0;

        while ((a = sa_next_of_impi(t, who->impi, a)) != NULL) {
                bool own = sa_same_who(a, who);

                if (a->sos != who->sos || a->reg_id != who->reg_id)
                        continue;
                list_for_each(pos, &a->sets)
                {
                        struct sa_set *s = container_of(pos, struct sa_set, in_assoc);

                        if (!gives_way(s, protected))
                                n += !(own && s->state == SA_SET_REGISTRATION);
                        else if (out && !*out)
                                *out = s;
                }
        }
        return n;
}

/* All sets of this IMPI. */
static unsigned all_of_impi(const struct sa_table *t, const struct sa_who *who)
{
        const struct sa_assoc *a = NULL;
        unsigned n = 0;

        while ((a = sa_next_of_impi(t, who->impi, a)) != NULL)
                if (a->sos == who->sos && a->reg_id == who->reg_id)
                        list_for_each(pos, &a->sets) n++;
        return n;
}

enum sa_refusal sa_may_open(const struct sa_table *t, const struct sa_who *who, const struct sec_ends *ends,
                            enum sec_mode mode, const struct sa_set *old)
{
        if (old && old->params.ue_ends.port_s != ends->port_s)
                return SA_PORT_US_CHANGED;
        if (client_port_taken(t, who, ends) ||
            (mode == SEC_MODE_UDP_ENC_TUN && server_port_taken(t, who, ends)))
                return SA_PORT_TAKEN;
        return sets_of_impi(t, who, old != NULL, NULL) >= SETS_PER_IMPI ? SA_TOO_MANY : SA_MAY;
}

/* --- drawing and installing ---------------------------------------- */

/* The number so much further on in the range, first < n <= last. */
static uint32_t spi_behind(const struct security_conf *c, uint32_t n, uint32_t step)
{
        uint64_t size = c->spi_last - c->spi_first;

        return c->spi_first + 1 + (uint32_t)(((uint64_t)n - c->spi_first - 1 + step) % size);
}

/* The next SPI of the range that is neither live here nor one of the UE's (TS 33.203 7.1, 7.2). It lies far
 * from the last one: numbers in a row share few slots of the hash by which the kernel finds the SA of a
 * packet. */
static int draw_spi(struct sa_table *t, const struct sec_ends *ue, uint32_t other, uint32_t *out)
{
        const struct security_conf *c = t->conf.conf;

        for (int i = 0; i < SPI_TRIES; i++) {
                if (t->last_spi <= c->spi_first || t->last_spi > c->spi_last)
                        t->last_spi = spi_behind(c, c->spi_first + 1, t->last_spi);
                t->last_spi = spi_behind(c, t->last_spi, i ? 1 : SPI_STEP);
                if (t->last_spi != other && t->last_spi != ue->spi_c && t->last_spi != ue->spi_s &&
                    !sa_by_spi(t, t->last_spi)) {
                        *out = t->last_spi;
                        return 0;
                }
        }
        return -IMS_ELIMIT;
}

/* The client port behind the one the UE had last; none that it still has (7.4.0). */
static int draw_port(const struct sa_table *t, const struct sa_assoc *a, const struct sa_params *p,
                     uint16_t *out)
{
        const struct security_conf *c = t->conf.conf;
        struct addr us = addr_with_port(&p->ue, p->ue_ends.port_s);
        uint32_t last = 0;

        if (a && !list_empty(&a->sets))
                last = container_of(a->sets.prev, const struct sa_set, in_assoc)->params.pcscf_ends.port_c -
                       c->port_pc;
        for (uint32_t i = 1; i <= c->port_pc_count; i++) {
                uint16_t port = (uint16_t)(c->port_pc + (last + i) % c->port_pc_count);

                if (!sa_find_pair(t, &us, port)) {
                        *out = port;
                        return 0;
                }
        }
        return -IMS_ELIMIT;
}

static int draw(struct sa_table *t, const struct sa_assoc *a, struct sa_params *p)
{
        int err = draw_port(t, a, p, &p->pcscf_ends.port_c);

        p->pcscf_ends.port_s = (uint16_t)t->conf.conf->port_ps;
        if (!err)
                err = draw_spi(t, &p->ue_ends, 0, &p->pcscf_ends.spi_c);
        if (!err)
                err = draw_spi(t, &p->ue_ends, p->pcscf_ends.spi_c, &p->pcscf_ends.spi_s);
        return err;
}

static int install(struct sa_table *t, struct sa_params *p, const struct sa_assoc *a, const struct sa_open *o)
{
        struct esp_keys keys;
        int err = esp_keys_expand(o->suite, o->ck, o->ik, &keys);

        if (err)
                return err;
        err = -IMS_EEXISTS;
        for (int i = 0; err == -IMS_EEXISTS && i < SPI_TRIES; i++) { /* an SPI may be somebody else's */
                err = draw(t, a, p);
                p->reqid = sa_kernel_reqid(t->conf.kernel);
                if (!err)
                        err = sa_install(t->conf.kernel, p, &keys);
        }
        if (!err)
                esp_keylog_write(t->conf.log, p, &keys);
        secret_wipe(&keys, sizeof(keys));
        return err;
}

/* --- opening ---------------------------------------- */

static struct sa_set *unfinished(const struct sa_assoc *a)
{
        list_for_each(pos, &a->sets)
        {
                struct sa_set *s = container_of(pos, struct sa_set, in_assoc);

                if (s->state == SA_SET_REGISTRATION)
                        return s;
        }
        return NULL;
}

/* What the new challenge replaces (7.3.1.4, 7.4.2a): unfinished registrations of this UE, and whatever of
 * this user still holds the port that is offered again. id: of the UE's record, which may go with it; 0:
 * none. */
static void clear_way(struct sa_table *t, uint32_t id, const struct sa_open *o)
{
        struct sa_assoc *a;
        struct addr uc = addr_with_port(&o->who.ue, o->ends.port_c);
        struct sa_set *taken = sa_find_pair(t, &uc, (uint16_t)t->conf.conf->port_ps), *s;

        if (taken && replaceable(taken, &o->who))
                sa_remove_set(taken);
        while (id && (a = sa_assoc_by_id(t, id)) != NULL && (s = unfinished(a)) != NULL)
                sa_remove_set(s); /* the record goes with its last set */
        for (s = NULL; all_of_impi(t, &o->who) >= SETS_PER_IMPI; s = NULL) {
                (void)sets_of_impi(t, &o->who, o->old != NULL, &s);
                if (!s)
                        break;
                sa_remove_set(s);
        }
}

int sa_open(struct sa_table *t, const struct sa_open *o, struct sa_set **out)
{
        struct sa_assoc *a = o->old ? o->old : sa_assoc_find(t, &o->who);
        uint32_t id = a ? a->id : 0;
        struct sa_set *s = calloc(1, sizeof(*s));
        int err = s ? 0 : -IMS_ENOMEM;

        if (err)
                return err;
        clear_way(t, id, o);
        a = id ? sa_assoc_by_id(t, id) : NULL; /* it may have gone with its last set */
        s->params = (struct sa_params){.ue = addr_with_port(&o->who.ue, 0),
                                       .pcscf = addr_with_port(&o->pcscf, 0),
                                       .ue_ends = o->ends,
                                       .suite = o->suite,
                                       .mode = o->mode};
        err = install(t, &s->params, a, o);
        if (err) {
                free(s);
                return err;
        }
        if (!a)
                a = sa_assoc_new(t, &o->who);
        if (!a) {
                sa_remove(t->conf.kernel, &s->params);
                free(s);
                return -IMS_ENOMEM;
        }
        s->serial = ++t->last_serial ? t->last_serial : ++t->last_serial;
        s->by_old = o->old != NULL;
        s->made_ms = loop_now_ms(t->loop);
        s->expires_ms = s->made_ms + t->conf.await_ms;
        err = sa_set_link(a, s);
        if (err) {
                sa_remove_set(s);
                return err;
        }
        sa_set_arm(s);
        if (!tmr_running(&s->timer)) {
                sa_remove_set(s);
                return -IMS_ENOMEM;
        }
        *out = s;
        return 0;
}
