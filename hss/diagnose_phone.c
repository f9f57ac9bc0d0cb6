/* SPDX-License-Identifier: BSD-3-Clause
 * Diagnosis: faults of phones and cards that have the right key. RFC 3310 3.3, RFC 4169, RFC 7616 3.4.1,
 * TS 33.102 6.3.3, TS 34.108 8.1.2. */
#include <ctype.h>
#include <stdio.h>

#include "common/base/codec.h"
#include "hss/diagnose_int.h"

/* What a phone makes of RES, as the password of the digest or as RES itself. */
struct guess {
        char text[2 * 32 + 1];
        size_t n;
};

static bool digest_fits(struct diagnose_search *s, struct digest_input in, struct span password)
{
        char ha1[DIGEST_HEX_MAX], expected[DIGEST_HEX_MAX];
        int rc = digest_ha1(in.algorithm, s->e->username, s->e->realm, password, ha1);
        in.ha1 = span_of(ha1);
        if (rc == 0)
                rc = digest_response(&in, expected);
        bool fits = rc == 0 && digest_equal(s->e->response, expected);
        if (rc < 0 && !s->err)
                s->err = rc;
        secret_wipe(ha1, sizeof ha1);
        secret_wipe(expected, sizeof expected);
        return fits;
}

/* Everything that is known of RES. A password of AKAv2 is made of RES first: such a fault shows alike. */
static bool guess_fits(struct diagnose_search *s, const struct guess *g)
{
        const struct diagnose_evidence *e = s->e;
        struct span text = span_make(g->text, g->n);
        s->out->tried++;
        if (e->res_n && (g->n != e->res_n || !secret_eq(g->text, e->res, g->n)))
                return false;
        return !e->response.n || digest_fits(s, e->digest, text);
}

static bool try_guess(struct diagnose_search *s, const void *p, size_t n)
{
        struct guess g = {.n = n};
        if (n > sizeof g.text)
                return false;
        memcpy(g.text, p, n);
        bool hit = guess_fits(s, &g);
        secret_wipe(&g, sizeof g);
        return hit;
}

static bool cut_short(struct diagnose_search *s, const struct aka_av *av)
{
        for (size_t n = 4; n < av->xres_n; n += 4)
                if (try_guess(s, av->xres, n) || try_guess(s, av->xres + av->xres_n - n, n)) {
                        (void)snprintf(s->out->detail, sizeof s->out->detail, "%zu of %zu octets", n,
                                       av->xres_n);
                        return true;
                }
        return false;
}

static bool cut_at_zero(struct diagnose_search *s, const struct aka_av *av)
{
        const uint8_t *zero = memchr(av->xres, 0, av->xres_n);
        return zero && try_guess(s, av->xres, (size_t)(zero - av->xres));
}

static bool padded(struct diagnose_search *s, const struct aka_av *av)
{
        uint8_t wide[32] = {0};
        bool hit = false;
        memcpy(wide, av->xres, av->xres_n);
        for (size_t n = 8; !hit && n <= 32; n *= 2)
                hit = n > av->xres_n && try_guess(s, wide, n);
        secret_wipe(wide, sizeof wide);
        return hit;
}

static bool as_hex(struct diagnose_search *s, const struct aka_av *av)
{
        char hex[33];
        hex_encode(av->xres, av->xres_n, hex);
        bool hit = try_guess(s, hex, strlen(hex));
        for (char *p = hex; *p; p++)
                *p = (char)toupper((unsigned char)*p);
        hit = hit || try_guess(s, hex, strlen(hex));
        secret_wipe(hex, sizeof hex);
        return hit;
}

static bool as_base64(struct diagnose_search *s, const struct aka_av *av)
{
        char text[BASE64_SIZE(16)];
        base64_encode(av->xres, av->xres_n, text);
        bool hit = try_guess(s, text, strlen(text));
        secret_wipe(text, sizeof text);
        return hit;
}

/* The response by every other algorithm. */
static bool other_algorithm(struct diagnose_search *s, const struct aka_av *av)
{
        struct digest_input in = s->e->digest;
        char password[64];
        bool hit = false;
        for (unsigned a = 0; !hit && s->e->response.n && a < DIGEST_ALGORITHMS; a++) {
                struct span secret = span_make(av->xres, av->xres_n);
                in.algorithm = (enum digest_algorithm)a;
                if (a == DIGEST_AKAV2_MD5 || a == DIGEST_AKAV2_SHA256) {
                        if (digest_akav2_password(in.algorithm, secret, &av->ik, &av->ck, password) < 0)
                                continue;
                        secret = span_of(password);
                }
                s->out->tried++;
                hit = digest_fits(s, in, secret);
                if (hit)
                        (void)snprintf(s->out->detail, sizeof s->out->detail, "%s",
                                       digest_algorithm_name(in.algorithm));
        }
        secret_wipe(password, sizeof password);
        return hit;
}

static bool without_qop(struct diagnose_search *s, const struct aka_av *av)
{
        struct digest_input in = s->e->digest;
        if (!in.qop.n || !s->e->response.n)
                return false;
        in.qop = SPAN_NULL;
        s->out->tried++;
        return digest_fits(s, in, span_make(av->xres, av->xres_n));
}

static bool empty_password(struct diagnose_search *s)
{
        s->out->tried++;
        return s->e->response.n && digest_fits(s, s->e->digest, SPAN_NULL);
}

/* f2 of the test algorithm is K xor RAND (TS 34.108 8.1.2.1), RES of 4 to 16 octets of it. */
static bool xor_algorithm(struct diagnose_search *s)
{
        uint8_t k[16], res[16];
        bool hit = false;
        for (size_t i = 0; !hit && i <= diagnose_known_n; i++) {
                if (i == diagnose_known_n)
                        memcpy(k, s->record->key.k, sizeof k);
                else if (hex_decode(span_of(diagnose_known[i].k), k, sizeof k) < 0)
                        continue;
                for (size_t j = 0; j < sizeof res; j++)
                        res[j] = k[j] ^ s->e->rand[j];
                for (size_t n = 16; !hit && n >= 4; n /= 2)
                        hit = try_guess(s, res, n);
        }
        secret_wipe(k, sizeof k);
        secret_wipe(res, sizeof res);
        return hit;
}

#define AMFS 65536u

static bool auts_amf(struct diagnose_search *s)
{
        const struct diagnose_evidence *e = s->e;
        bool hit = false;
        unsigned amf = 1;
        for (; !hit && !s->err && e->has_auts && amf < AMFS; amf++) {
                s->out->tried++;
                int rc = aka_check_auts_amf(s->aka, &s->record->key, e->rand, e->auts, (uint16_t)amf,
                                            &s->out->sqn_ms);
                hit = rc == 0;
                if (rc < 0 && rc != -IMS_EAUTH)
                        s->err = rc;
        }
        s->out->has_sqn_ms = hit;
        if (hit)
                (void)snprintf(s->out->detail, sizeof s->out->detail, "AMF %04x", amf - 1);
        return hit;
}

static bool autn_amf(struct diagnose_search *s)
{
        const struct diagnose_evidence *e = s->e;
        struct aka_av av;
        uint64_t sqn = 0;
        bool hit = false;
        unsigned amf = 0;
        if (!e->has_autn || e->has_auts || e->res_n || e->response.n)
                return false;
        s->err = aka_generate(s->aka, &s->record->key, e->rand, 0, 0, &av);
        for (unsigned i = 0; i < 6; i++) /* AUTN of SQN 0 begins with AK */
                sqn = sqn << 8 | (uint64_t)(av.autn[i] ^ e->autn[i]);
        for (; !hit && !s->err && amf < AMFS; amf++) {
                s->out->tried++;
                s->err = aka_generate(s->aka, &s->record->key, e->rand, sqn, (uint16_t)amf, &av);
                hit = !s->err && secret_eq(av.autn + 8, e->autn + 8, 8);
        }
        if (hit)
                (void)snprintf(s->out->detail, sizeof s->out->detail, "AMF %04x", amf - 1);
        secret_wipe(&av, sizeof av);
        return hit;
}

static bool by_res(struct diagnose_search *s, enum diagnose_row row, const struct aka_av *av)
{
        switch (row) {
        case DIAGNOSE_res_cut_short:
                return cut_short(s, av);
        case DIAGNOSE_res_cut_at_zero:
                return cut_at_zero(s, av);
        case DIAGNOSE_res_padded:
                return padded(s, av);
        case DIAGNOSE_res_as_hex:
                return as_hex(s, av);
        case DIAGNOSE_res_as_base64:
                return as_base64(s, av);
        case DIAGNOSE_digest_algorithm:
                return other_algorithm(s, av);
        case DIAGNOSE_digest_without_qop:
                return without_qop(s, av);
        default:
                return empty_password(s);
        }
}

bool diagnose_phone(struct diagnose_search *s, enum diagnose_row row)
{
        struct aka_av av = {0};
        if (row == DIAGNOSE_auts_amf)
                return auts_amf(s);
        if (row == DIAGNOSE_autn_amf)
                return autn_amf(s);
        if (s->e->has_auts || (!s->e->res_n && !s->e->response.n))
                return false; /* nothing that RES went into */
        if (row == DIAGNOSE_xor_algorithm)
                return xor_algorithm(s);
        int rc = aka_generate(s->aka, &s->record->key, s->e->rand, 0, 0, &av);
        if (rc < 0 && !s->err)
                s->err = rc;
        bool hit = rc == 0 && by_res(s, row, &av);
        if (hit)
                s->out->key = *s->record;
        secret_wipe(&av, sizeof av);
        return hit;
}
