/* SPDX-License-Identifier: BSD-3-Clause
 * Agreeing on security: offers, the choice, the life of the sets (TS 33.203 7.2, 7.4.1a, 7.5, M.7.2). */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/timers.h"
#include "ue/reg_message.h"
#include "ue/security_int.h"

#define TRIES     32  /* for a free port or SPI */
#define SPI_FIRST 256 /* RFC 4303 2.1 */

#define MODE(m) (1u << (m))

int security_new(const struct security_conf *conf, struct security **out)
{
        struct security *s = calloc(1, sizeof(*s));

        if (!s)
                return -IMS_ENOMEM;
        s->conf = *conf;
        if (!s->conf.spi_min)
                s->conf.spi_min = SECURITY_SPI_MIN;
        if (!s->conf.spi_max)
                s->conf.spi_max = UINT32_MAX;
        if (!s->conf.port_min)
                s->conf.port_min = SECURITY_PORT_MIN;
        if (!s->conf.port_max)
                s->conf.port_max = SECURITY_PORT_MAX;
        if (!s->conf.setup_ms)
                s->conf.setup_ms = ims_timer_rows[IMS_TIMER_UE_SA_SETUP].default_ms;
        if (!s->conf.margin_ms)
                s->conf.margin_ms = ims_timer_rows[IMS_TIMER_UE_SA_MARGIN].default_ms;
        *out = s;
        return 0;
}

void security_free(struct security *s)
{
        if (!s)
                return;
        security_end(s);
        buf_free(&s->offer.text);
        free(s);
}

static void wake(struct security *s)
{
        if (s->conf.ops->wake)
                s->conf.ops->wake(s->conf.arg);
}

void security_discard(struct security *s, struct ue_sa *set, enum ue_sa_event event)
{
        struct sa_params p = set->p;

        if (!ue_sa_move(set, event, UE_SA_GONE))
                log_error("a set of SAs ends in a state that cannot end so");
        ue_sa_drop(&s->table, set);
        s->conf.ops->discard(&p, s->conf.arg);
        wake(s);
}

void security_settle(struct security *s)
{
        struct ue_sa *current = ue_sa_in(&s->table, UE_SA_CURRENT);
        size_t i = 0;

        if (!current || !current->heard || s->faults.keep_old)
                return;
        while (i < s->table.n) {
                struct ue_sa *set = &s->table.sets[i];

                if (set->state == UE_SA_OLD && set->pending == 0)
                        security_discard(s, set, UE_SA_EV_HEARD);
                else
                        i++;
        }
}

/* --- the offer ------------------------------------------------------------------------------------ */

static void close_port(struct security *s, const struct addr *at, uint16_t port)
{
        struct addr a = *at;

        addr_set_port(&a, port);
        s->conf.ops->close_port(&a, s->conf.arg);
}

static int open_port(struct security *s, enum sip_port kind, const struct addr *at, uint16_t port,
                     uint16_t server_port, struct buf *why)
{
        struct addr a = *at;

        addr_set_port(&a, port);
        return s->conf.ops->open_port(kind, &a, server_port, why, s->conf.arg);
}

static int open_pair(struct security *s, const struct addr *at, const struct sec_ends *ends, struct buf *why)
{
        int rc = open_port(s, SIP_PORT_SERVER, at, ends->port_s, ends->port_s, why);

        if (rc < 0)
                return rc;
        rc = open_port(s, SIP_PORT_CLIENT, at, ends->port_c, ends->port_s, why);
        if (rc < 0)
                close_port(s, at, ends->port_s);
        return rc;
}

static void drop_offer(struct security *s)
{
        if (s->offer.open) {
                close_port(s, &s->offer.at, s->offer.ends.port_c);
                close_port(s, &s->offer.at, s->offer.ends.port_s);
        }
        s->offer.there = s->offer.open = false;
        buf_reset(&s->offer.text);
}

static int random_in(struct security *s, uint32_t min, uint32_t max, uint32_t *out)
{
        uint64_t n;
        int rc = s->conf.ops->random(&n, sizeof(n));

        if (rc == 0)
                *out = min + (uint32_t)(n % ((uint64_t)max - min + 1));
        return rc;
}

/* An SPI that no SA of ours has, in or out (7.1). */
static int choose_spi(struct security *s, uint32_t other, uint32_t *out)
{
        for (int i = 0; i < TRIES; i++) {
                uint32_t spi = 0;
                int rc = random_in(s, s->conf.spi_min, s->conf.spi_max, &spi);

                if (rc < 0)
                        return rc;
                if (spi >= SPI_FIRST && spi != other && !ue_sa_has_spi(&s->table, spi)) {
                        *out = spi;
                        return 0;
                }
        }
        return -IMS_EADDRINUSE;
}

/* A port at random that is in no entry of the table (7.1 rule 6) and none of those with a meaning of their
 * own. */
static int choose_port(struct security *s, uint16_t other, uint16_t *out)
{
        for (int i = 0; i < TRIES; i++) {
                uint32_t port = 0;
                int rc = random_in(s, s->conf.port_min, s->conf.port_max, &port);

                if (rc < 0)
                        return rc;
                if (sec_port_allowed(port) && port != SA_ENCAP_PORT && port != other &&
                    !ue_sa_has_port(&s->table, (uint16_t)port)) {
                        *out = (uint16_t)port;
                        return 0;
                }
        }
        return -IMS_EADDRINUSE;
}

/* The set whose server port stays (7.4.0). */
static const struct ue_sa *set_that_stays(struct security *s)
{
        const struct ue_sa *set = ue_sa_in(&s->table, UE_SA_CURRENT);

        return set ? set : ue_sa_in(&s->table, UE_SA_OLD);
}

static int choose_ends(struct security *s, struct sec_ends *e)
{
        const struct ue_sa *stays = set_that_stays(s);
        int rc = choose_spi(s, 0, &e->spi_c);

        if (rc == 0)
                rc = choose_spi(s, e->spi_c, &e->spi_s);
        if (rc == 0 && stays)
                e->port_s = stays->p.ue_ends.port_s;
        else if (rc == 0)
                rc = choose_port(s, 0, &e->port_s);
        if (rc == 0)
                rc = choose_port(s, e->port_s, &e->port_c);
        return rc;
}

static int make_offer(struct security *s, struct buf *why)
{
        const struct ue_sa *stays = set_that_stays(s);
        struct sec_write w = {.suites = s->conf.suites,
                              .n = s->conf.n_suites,
                              .modes = s->conf.modes,
                              .with_ealg = true,
                              .name_mode = true};
        int rc = -IMS_EADDRINUSE;

        drop_offer(s);
        s->offer.at = stays ? stays->p.ue : s->local;
        for (int i = 0; i < TRIES && rc == -IMS_EADDRINUSE; i++) {
                rc = choose_ends(s, &s->offer.ends);
                if (rc == 0)
                        rc = open_pair(s, &s->offer.at, &s->offer.ends, why);
        }
        if (rc < 0) {
                if (rc == -IMS_EADDRINUSE && why->n == 0)
                        buf_puts(why, "no free protected port");
                return rc;
        }
        s->offer.there = s->offer.open = true;
        w.ends = s->offer.ends;
        sec_list_write(&w, &s->offer.text);
        return s->offer.text.err;
}

void security_set_address(struct security *s, const struct addr *local, const struct addr *pcscf)
{
        bool had = s->local.u.sa.sa_family != 0;

        if (had && !(addr_ip_eq(&s->local, local) && addr_ip_eq(&s->pcscf, pcscf)))
                security_end(s);
        s->local = *local;
        s->pcscf = *pcscf;
        addr_set_port(&s->local, 0);
        addr_set_port(&s->pcscf, 0);
}

/* --- a procedure ---------------------------------------------------------------------------------- */

static void drop_new(struct security *s)
{
        struct ue_sa *set = ue_sa_in(&s->table, UE_SA_NEW);

        if (set)
                security_discard(s, set, UE_SA_EV_FAILED);
        s->now.active = false;
}

int security_begin(struct security *s, bool clear, bool keep, struct buf *why)
{
        const struct ue_sa *current;

        drop_new(s);
        if (s->suspended) {
                drop_offer(s);
                return 0;
        }
        current = ue_sa_in(&s->table, UE_SA_CURRENT);
        s->sm1_set = current && !clear && !s->dead ? current->id : 0;
        return keep && s->offer.open ? 0 : make_offer(s, why);
}

void security_suspend(struct security *s, bool off)
{
        s->suspended = off;
        if (off) {
                drop_new(s);
                drop_offer(s);
        }
}

bool security_suspended(const struct security *s)
{
        return s->suspended;
}

int security_step(struct security *s, enum security_step step, struct span call_id, uint32_t cseq,
                  struct buf *why)
{
        const struct ue_sa *made = ue_sa_in(&s->table, UE_SA_NEW);
        int rc = 0;

        s->now.active = false;
        if (s->suspended)
                return 0;
        if (step == SECURITY_SM7 && !made)
                return -IMS_EPROTO;
        if (step == SECURITY_REPORT) {
                drop_new(s);
                rc = make_offer(s, why);
        }
        if (rc == 0)
                rc = span_copy(call_id, s->now.call_id, sizeof(s->now.call_id));
        if (rc < 0)
                return rc;
        s->now.step = step;
        s->now.set = step == SECURITY_SM7 ? made->id : s->sm1_set;
        s->now.cseq = cseq;
        s->now.active = true;
        return 0;
}

void security_write(const struct security *s, struct buf *out)
{
        const struct ue_sa *set;

        if (s->suspended || !s->offer.there)
                return;
        buf_puts(out, "Require: sec-agree\r\nProxy-Require: sec-agree\r\nSecurity-Client: ");
        buf_span(out, buf_as_span(&s->offer.text));
        buf_puts(out, "\r\n");
        set = ue_sa_by_id((struct ue_sa_table *)&s->table, s->now.set);
        if (set && set->verify)
                buf_printf(out, "Security-Verify: %s\r\n", set->verify);
}

bool security_contact(const struct security *s, struct addr *out)
{
        struct ue_sa_table *t = (struct ue_sa_table *)&s->table;
        const struct ue_sa *set = NULL;

        if (s->suspended)
                return false;
        if (s->now.active && s->now.step == SECURITY_SM7)
                set = ue_sa_by_id(t, s->now.set);
        if (!set)
                set = ue_sa_in(t, UE_SA_CURRENT);
        if (set) {
                *out = set->p.ue;
                addr_set_port(out, set->p.ue_ends.port_s);
        } else if (s->offer.there) {
                *out = s->offer.at;
                addr_set_port(out, s->offer.ends.port_s);
        }
        return set || s->offer.there;
}

/* --- the challenge -------------------------------------------------------------------------------- */

/* The entries of Security-Server; one that cannot be read is none. */
static void read_server(const struct sip_msg *resp, struct sec_list *list, const char **bad)
{
        struct sip_value_iter it = {0};
        struct span v;

        while (sip_msg_next_value(resp, SIP_HDR_SECURITY_SERVER, &it, &v))
                if (sec_list_add(list, v, bad) < 0)
                        log_info("Security-Server: " SPAN_FMT ": %s", SPAN_ARG(v), *bad);
}

/* What the UE supports; where the P-CSCF names no encryption at all, every integrity algorithm alone too
 * (7.2). */
static size_t supported(const struct security *s, const struct sec_list *list,
                        struct sec_suite out[static 2 * SEC_SUITES_MAX])
{
        size_t n = s->conf.n_suites;
        bool encrypts = false;

        memcpy(out, s->conf.suites, n * sizeof(*out));
        for (size_t i = 0; i < list->n; i++)
                encrypts = encrypts || sec_suite_encrypts(list->e[i].suite);
        for (size_t i = 0; !encrypts && i < s->conf.n_suites; i++) {
                struct sec_suite plain = {s->conf.suites[i].alg, SEC_EALG_NULL};

                if (sec_suite_allowed(plain))
                        out[n++] = plain;
        }
        return n;
}

/* The address the P-CSCF saw, when it is not our own. A server that was asked by rport says "received" in
 * every case (RFC 3581 4). */
static bool behind_nat(const struct security *s, const struct sip_msg *resp, struct addr *out)
{
        struct addr seen;

        if (!resp->via.received.n || addr_parse(resp->via.received, 0, &seen) < 0 ||
            addr_ip_eq(&seen, &s->local))
                return false;
        *out = seen;
        addr_set_port(out, 0);
        return true;
}

/* Mode and the UE's address in the SAs (M.7.2, M.7.4.1a). */
static enum security_result choose_mode(struct security *s, const struct sip_msg *resp,
                                        const struct sec_entry *e, struct sa_params *p, struct buf *why)
{
        const struct ue_sa *old = ue_sa_by_id(&s->table, s->sm1_set);
        struct addr seen;
        bool nat = behind_nat(s, resp, &seen);

        p->ue = s->local;
        p->mode = e->mode;
        if (old && old->p.mode == SEC_MODE_UDP_ENC_TUN) {
                p->mode = SEC_MODE_UDP_ENC_TUN;
                p->ue = old->p.ue;
                return SECURITY_OK;
        }
        if (!e->has_mode && nat) {
                buf_puts(why, "the P-CSCF saw another address than ours and names no mode");
                return SECURITY_NO_MODE;
        }
        if (p->mode == SEC_MODE_UDP_ENC_TUN && nat)
                p->ue = seen;
        return SECURITY_OK;
}

/* A P-CSCF that was asked in clear and gives out ports of SAs that we still have knows nothing of them any
 * more: they end (7.4.0). */
static bool clashes(struct security *s, const struct sec_ends *ours, const struct sec_ends *theirs,
                    struct buf *why)
{
        if (theirs->spi_c == ours->spi_c || theirs->spi_c == ours->spi_s || theirs->spi_s == ours->spi_c ||
            theirs->spi_s == ours->spi_s) {
                buf_puts(why, "an SPI of the P-CSCF is one of ours");
                return true;
        }
        for (size_t i = 0; i < s->table.n; i++) {
                const struct sa_params *p = &s->table.sets[i].p;

                if (p->ue_ends.port_s != ours->port_s || p->pcscf_ends.port_c != theirs->port_c)
                        continue;
                if (s->sm1_set) {
                        buf_printf(why, "the P-CSCF keeps its client port %u", theirs->port_c);
                        return true;
                }
                security_discard(s, &s->table.sets[i], UE_SA_EV_ENDED); /* one at most has these ports */
                return false;
        }
        return false;
}

static enum security_result choose(struct security *s, const struct sip_msg *resp, struct sa_params *p,
                                   struct buf *why)
{
        struct sec_suite suites[2 * SEC_SUITES_MAX];
        struct sec_list list = {.n = 0};
        const char *text = NULL, *bad = NULL;
        const struct sec_entry *e;
        unsigned modes = s->conf.modes;
        size_t n;

        if (!sip_msg_hdr(resp, SIP_HDR_SECURITY_SERVER, 0)) {
                buf_puts(why, "the challenge has no Security-Server");
                return SECURITY_MISSING;
        }
        read_server(resp, &list, &bad);
        n = supported(s, &list, suites);
        e = list.n && sec_list_ends(&list, &text) ? sec_choose_ue(&list, suites, n, modes, &text) : NULL;
        if (!e) {
                buf_puts(why, text ? text : bad ? bad : "it names no mechanism");
                return SECURITY_UNACCEPTABLE;
        }
        p->suite = e->suite;
        p->pcscf = s->pcscf;
        p->ue_local = s->local;
        p->ue_ends = s->offer.ends;
        p->pcscf_ends = e->ends;
        if (clashes(s, &p->ue_ends, &p->pcscf_ends, why))
                return SECURITY_UNACCEPTABLE;
        return choose_mode(s, resp, e, p, why);
}

/* The ports of the offer become those of the set: at the public address when that is where they have to be.
 */
static int take_ports(struct security *s, const struct sa_params *p, struct buf *why)
{
        int rc;

        if (s->offer.open && addr_ip_eq(&s->offer.at, &p->ue)) {
                s->offer.open = false;
                return 0;
        }
        rc = open_pair(s, &p->ue, &p->ue_ends, why);
        if (rc < 0)
                return rc;
        if (s->offer.open) {
                close_port(s, &s->offer.at, s->offer.ends.port_c);
                close_port(s, &s->offer.at, s->offer.ends.port_s);
        }
        s->offer.open = false;
        s->offer.at = p->ue;
        return 0;
}

static int install(struct security *s, struct sa_params *p, const struct key128 *ck, const struct key128 *ik,
                   struct buf *why)
{
        struct key128 own_ik = *ik;
        struct esp_keys keys;
        int rc;

        if (s->faults.wrong_ik)
                own_ik.b[0] ^= 1;
        rc = esp_keys_expand(p->suite, ck, &own_ik, &keys);
        if (rc == 0 && !s->faults.no_install)
                rc = s->conf.ops->install(p, &keys, why, s->conf.arg);
        secret_wipe(&keys, sizeof(keys));
        secret_wipe(&own_ik, sizeof(own_ik));
        return rc;
}

enum security_result security_challenge(struct security *s, const struct sip_msg *resp,
                                        const struct key128 *ck, const struct key128 *ik, uint64_t now_ms,
                                        struct buf *why)
{
        struct sa_params p = {.reqid = 0};
        enum security_result result;
        char *verify;
        int rc;

        drop_new(s); /* another challenge in the same procedure */
        if (!s->offer.there) {
                buf_puts(why, "no Security-Client was sent");
                return SECURITY_UNACCEPTABLE;
        }
        result = choose(s, resp, &p, why);
        if (result != SECURITY_OK)
                return result;
        verify = reg_join_values(resp, SIP_HDR_SECURITY_SERVER);
        rc = verify ? take_ports(s, &p, why) : -IMS_ENOMEM;
        if (rc == 0) {
                rc = install(s, &p, ck, ik, why);
                if (rc == 0 && !ue_sa_add(&s->table, &p, verify, now_ms + s->conf.setup_ms)) {
                        s->conf.ops->discard(&p, s->conf.arg);
                        rc = -IMS_ELIMIT;
                } else if (rc < 0) {
                        close_port(s, &p.ue, p.ue_ends.port_c);
                        close_port(s, &p.ue, p.ue_ends.port_s);
                }
        }
        if (rc == 0) {
                wake(s);
                return SECURITY_OK;
        }
        free(verify);
        if (why->n == 0)
                buf_puts(why, ims_strerror(rc));
        return rc == -IMS_EEXISTS || rc == -IMS_EADDRINUSE ? SECURITY_COLLISION : SECURITY_REFUSED;
}

/* --- the end of a procedure ----------------------------------------------------------------------- */

void security_accepted(struct security *s, uint32_t expires_s, uint64_t now_ms)
{
        uint64_t until_ms = now_ms + (uint64_t)expires_s * 1000 + s->conf.margin_ms;
        struct ue_sa *made = ue_sa_in(&s->table, UE_SA_NEW), *old = ue_sa_in(&s->table, UE_SA_CURRENT);

        s->now.active = false;
        drop_offer(s);
        if (old && old->until_ms > until_ms) /* never shorter */
                until_ms = old->until_ms;
        if (made) {
                if (old && !ue_sa_move(old, UE_SA_EV_REPLACED, UE_SA_OLD))
                        log_error("the current SAs cannot become old");
                if (!ue_sa_move(made, UE_SA_EV_CONFIRMED, UE_SA_CURRENT))
                        log_error("the new SAs cannot become current");
                made->until_ms = until_ms;
        } else if (old) {
                old->until_ms = until_ms;
        }
        wake(s);
}

void security_failed(struct security *s)
{
        drop_new(s);
        drop_offer(s);
}

void security_end(struct security *s)
{
        s->now.active = false;
        s->sm1_set = 0;
        s->dead = false;
        drop_offer(s);
        while (s->table.n)
                security_discard(s, &s->table.sets[s->table.n - 1], UE_SA_EV_ENDED);
}

void security_unanswered(struct security *s)
{
        s->dead = true;
}

bool security_protected(const struct security *s)
{
        return s->now.active && s->now.set != 0;
}

bool security_may_yield(const struct security *s)
{
        return !s->conf.required && s->table.n == 0;
}

uint64_t security_next_ms(const struct security *s)
{
        return ue_sa_next_ms(&s->table);
}

void security_tick(struct security *s, uint64_t now_ms)
{
        size_t i = 0;

        while (i < s->table.n) {
                struct ue_sa *set = &s->table.sets[i];

                if (set->until_ms <= now_ms)
                        security_discard(s, set, UE_SA_EV_EXPIRED);
                else
                        i++;
        }
        wake(s);
}

struct ue_sa_table *security_table(struct security *s)
{
        return &s->table;
}

struct security_faults *security_faults(struct security *s)
{
        return &s->faults;
}
