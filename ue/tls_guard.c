/* SPDX-License-Identifier: BSD-3-Clause
 * Decisions about TLS at the UE (TS 33.203 Annex O). */
#include "ue/tls_guard.h"

#include <stdlib.h>

#include "common/ipsec/sec_agree.h"

#define OFFER "tls;q=0.5" /* as TS 33.203 Annex H and RFC 3329 have it; of tls q alone means something */

void tls_guard_free(struct tls_guard *g)
{
        free(g->verify);
        g->verify = NULL;
}

static void forget_agreement(struct tls_guard *g)
{
        free(g->verify);
        g->verify = NULL;
        g->agreed = false;
}

static void drop(struct tls_guard *g, bool forget)
{
        g->drop = g->drop || g->up;
        g->forget = g->forget || forget;
        g->up = g->protecting = false;
        forget_agreement(g);
}

void tls_guard_begin(struct tls_guard *g, bool registered)
{
        if (g->variant == TLS_VARIANT_NONE)
                return;
        if (registered && (g->up || g->suspended)) {
                g->way = g->suspended ? TLS_WAY_CLEAR : TLS_WAY_KEPT;
                return;
        }
        drop(g, g->variant == TLS_VARIANT_AGREED);
        g->way = g->variant == TLS_VARIANT_FIRST ? TLS_WAY_NEW : TLS_WAY_CLEAR;
}

bool tls_guard_agrees(const struct tls_guard *g)
{
        return g->variant == TLS_VARIANT_AGREED && !g->suspended;
}

void tls_guard_write(const struct tls_guard *g, struct buf *out)
{
        if (!tls_guard_agrees(g))
                return;
        buf_puts(out, "Require: sec-agree\r\nProxy-Require: sec-agree\r\nSecurity-Client: " OFFER "\r\n");
        if (g->verify)
                buf_printf(out, "Security-Verify: %s\r\n", g->verify);
}

/* The best entry: by q, the highest first, those without q after those with (RFC 3329 2.2). */
static const struct sec_entry *best_of(const struct sec_list *l)
{
        const struct sec_entry *best = NULL;

        for (size_t i = 0; i < l->n; i++) {
                int q = l->e[i].q == SEC_Q_NONE ? -1 : l->e[i].q;

                if (l->e[i].mechanism == SEC_TLS && (!best || q > (best->q == SEC_Q_NONE ? -1 : best->q)))
                        best = &l->e[i];
        }
        return best;
}

int tls_guard_challenge(struct tls_guard *g, const struct sip_msg *resp, enum tls_agreed *out,
                        struct buf *why)
{
        struct sec_list list = {.n = 0};
        struct sip_value_iter it = {0};
        struct buf joined = BUF_INIT;
        const char *bad;
        struct span v;

        if (!tls_guard_agrees(g) ||
            (g->way != TLS_WAY_CLEAR && !sip_msg_hdr(resp, SIP_HDR_SECURITY_SERVER, 0))) {
                *out = TLS_AGREED; /* there is nothing to agree on, or it was agreed on before */
                return 0;
        }
        while (sip_msg_next_value(resp, SIP_HDR_SECURITY_SERVER, &it, &v))
                if (sec_list_add(&list, v, &bad) < 0) {
                        buf_printf(why, "Security-Server: %s", bad);
                        *out = TLS_AGREED_OTHERWISE;
                        return 0;
                }
        if (list.n == 0) {
                *out = TLS_AGREED_NOT_SAID;
                return 0;
        }
        if (!best_of(&list)) {
                buf_puts(why, "Security-Server has no tls");
                *out = TLS_AGREED_OTHERWISE;
                return 0;
        }
        sec_list_join(&list, &joined);
        forget_agreement(g);
        g->verify = buf_steal(&joined);
        if (!g->verify)
                return -IMS_ENOMEM;
        g->agreed = true;
        if (g->way == TLS_WAY_CLEAR)
                g->way = TLS_WAY_NEW;
        *out = TLS_AGREED;
        return 0;
}

void tls_guard_sent(struct tls_guard *g)
{
        if (g->way == TLS_WAY_NEW)
                g->way = TLS_WAY_KEPT;
}

void tls_guard_accepted(struct tls_guard *g, bool gone)
{
        if (g->variant == TLS_VARIANT_NONE || g->suspended)
                return;
        if (gone)
                drop(g, true);
        else
                g->protecting = true;
}

void tls_guard_failed(struct tls_guard *g, bool authentication, bool registered)
{
        if (g->variant != TLS_VARIANT_NONE && (authentication || !registered))
                drop(g, true);
}

bool tls_guard_unanswered(struct tls_guard *g)
{
        if (g->variant == TLS_VARIANT_NONE || !g->protecting || g->way != TLS_WAY_KEPT)
                return false;
        drop(g, true);
        g->way = g->variant == TLS_VARIANT_FIRST ? TLS_WAY_NEW : TLS_WAY_CLEAR;
        return true;
}

void tls_guard_up(struct tls_guard *g)
{
        g->up = true;
}

bool tls_guard_lost(struct tls_guard *g)
{
        bool registered = g->protecting;

        g->up = g->protecting = false;
        g->drop = g->forget = false;
        return registered;
}

bool tls_guard_take_drop(struct tls_guard *g, bool *forget)
{
        bool wanted = g->drop;

        *forget = g->forget;
        g->drop = g->forget = false;
        return wanted;
}

int tls_guard_request(const struct tls_guard *g, enum tls_way *out)
{
        bool wanted = g->variant != TLS_VARIANT_NONE && !g->suspended;

        if (wanted && !g->protecting)
                return -IMS_EPERM;
        *out = wanted ? TLS_WAY_KEPT : TLS_WAY_CLEAR;
        return 0;
}

void tls_guard_emergency(struct tls_guard *g, struct span call_id)
{
        if (span_copy(call_id, g->emergency[g->n_emergencies % TLS_GUARD_EMERGENCIES], TLS_GUARD_CALL_ID) ==
            0)
                g->n_emergencies++;
}

static bool is_emergency(const struct tls_guard *g, const struct sip_msg *m)
{
        unsigned n = g->n_emergencies < TLS_GUARD_EMERGENCIES ? g->n_emergencies : TLS_GUARD_EMERGENCIES;

        for (unsigned i = 0; i < n; i++)
                if (span_eq(m->call_id, span_of(g->emergency[i])))
                        return true;
        return false;
}

bool tls_guard_admit(const struct tls_guard *g, bool inside, const struct sip_msg *m, const char **note)
{
        if (inside || !g->protecting || is_emergency(g, m))
                return true;
        *note = "outside of TLS";
        if (g->variant == TLS_VARIANT_FIRST || m->is_request)
                return false;
        return m->method == SIP_REGISTER || m->status >= 400;
}
