/* SPDX-License-Identifier: BSD-3-Clause
 * Writing of Security-Client and Security-Server. TS 33.203 7.2, Annex H. */
#include "common/ipsec/sec_agree.h"

#define Q_FIRST   900 /* thousandths */
#define Q_LAST    100
#define Q_STEP    100
#define Q_ENTRIES ((Q_FIRST - Q_LAST) / Q_STEP + 1) /* with whole steps */

/* The q of entry i of n, each smaller than the one before. */
static unsigned q_of(size_t i, size_t n)
{
        if (n <= Q_ENTRIES)
                return (unsigned)(Q_FIRST - i * Q_STEP);
        return (unsigned)(Q_FIRST - i * (Q_FIRST - Q_LAST) / (n - 1));
}

static void write_q(unsigned q, struct buf *out)
{
        size_t zeros = q % 100 == 0 ? 2 : q % 10 == 0 ? 1 : 0;

        buf_printf(out, ";q=0.%03u", q);
        if (!out->err)
                out->n -= zeros;
}

static void write_entry(const struct sec_write *w, struct sec_suite s, enum sec_mode mode, unsigned q,
                        struct buf *out)
{
        buf_puts(out, "ipsec-3gpp");
        if (w->with_q)
                write_q(q, out);
        buf_printf(out, ";alg=%s", sec_alg_name(s.alg));
        if (w->with_ealg)
                buf_printf(out, ";ealg=%s", sec_ealg_name(s.ealg));
        if (w->name_mode || mode != SEC_MODE_TRANS) /* which an absent one means */
                buf_printf(out, ";mod=%s", sec_mode_name(mode));
        buf_puts(out, ";prot=esp");
        if (w->ends.port_s) /* the list of a 494 has none */
                buf_printf(out, ";spi-c=%010u;spi-s=%010u;port-c=%u;port-s=%u", w->ends.spi_c, w->ends.spi_s,
                           w->ends.port_c, w->ends.port_s);
}

static bool written(const struct sec_write *w, struct sec_suite s)
{
        return w->with_ealg || !sec_suite_encrypts(s);
}

void sec_list_write(const struct sec_write *w, struct buf *out)
{
        size_t n = 0, i = 0;

        for (size_t k = 0; k < w->n; k++)
                for (enum sec_mode m = SEC_MODE_TRANS; m <= SEC_MODE_UDP_ENC_TUN; m++)
                        n += written(w, w->suites[k]) && (w->modes >> m & 1);
        for (size_t k = 0; k < w->n; k++) {
                for (enum sec_mode m = SEC_MODE_TRANS; m <= SEC_MODE_UDP_ENC_TUN; m++) {
                        if (!written(w, w->suites[k]) || !(w->modes >> m & 1))
                                continue;
                        if (i)
                                buf_puts(out, ", ");
                        write_entry(w, w->suites[k], m, q_of(i, n), out);
                        i++;
                }
        }
}
