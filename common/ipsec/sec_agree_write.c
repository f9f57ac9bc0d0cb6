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

/* With at least so many digits. */
static void write_number(uint32_t n, size_t least, struct buf *out)
{
        char digits[10];
        size_t at = sizeof(digits);

        do
                digits[--at] = (char)('0' + n % 10);
        while ((n /= 10) != 0 || sizeof(digits) - at < least);
        buf_put(out, digits + at, sizeof(digits) - at);
}

static void write_q(unsigned q, struct buf *out)
{
        size_t zeros = q % 100 == 0 ? 2 : q % 10 == 0 ? 1 : 0;

        buf_puts(out, ";q=0.");
        write_number(q, 3, out);
        if (!out->err)
                out->n -= zeros;
}

static void write_ends(const struct sec_ends *e, struct buf *out)
{
        buf_puts(out, ";spi-c=");
        write_number(e->spi_c, 10, out);
        buf_puts(out, ";spi-s=");
        write_number(e->spi_s, 10, out);
        buf_puts(out, ";port-c=");
        write_number(e->port_c, 1, out);
        buf_puts(out, ";port-s=");
        write_number(e->port_s, 1, out);
}

static void write_entry(const struct sec_write *w, struct sec_suite s, enum sec_mode mode, unsigned q,
                        struct buf *out)
{
        buf_puts(out, "ipsec-3gpp");
        if (w->with_q)
                write_q(q, out);
        buf_puts(out, ";alg=");
        buf_puts(out, sec_alg_name(s.alg));
        if (w->with_ealg) {
                buf_puts(out, ";ealg=");
                buf_puts(out, sec_ealg_name(s.ealg));
        }
        if (w->name_mode || mode != SEC_MODE_TRANS) { /* which an absent one means */
                buf_puts(out, ";mod=");
                buf_puts(out, sec_mode_name(mode));
        }
        buf_puts(out, ";prot=esp");
        if (w->ends.port_s) /* the list of a 494 has none */
                write_ends(&w->ends, out);
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
