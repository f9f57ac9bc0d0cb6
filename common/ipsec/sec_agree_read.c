/* SPDX-License-Identifier: BSD-3-Clause
 * Reading of Security-Client, Security-Server and Security-Verify. RFC 3329 2.2, TS 33.203 Annex H. */
#include "common/ipsec/sec_agree_int.h"
#include "common/sip/msg_lex.h"

#define SPI_DIGITS_MAX 10 /* Annex H: 10DIGIT */
#define Q_DECIMALS_MAX 3
#define PORT_MAX       65535

const char *sec_param_name(enum sec_param_kind k)
{
        static const char *const names[SEC_P_KINDS] = {
                [SEC_P_Q] = "q",           [SEC_P_ALG] = "alg",
                [SEC_P_EALG] = "ealg",     [SEC_P_PROT] = "prot",
                [SEC_P_MOD] = "mod",       [SEC_P_SPI_C] = "spi-c",
                [SEC_P_SPI_S] = "spi-s",   [SEC_P_PORT_C] = "port-c",
                [SEC_P_PORT_S] = "port-s", [SEC_P_MEDIASEC] = "mediasec",
        };

        return k < SEC_P_KINDS ? names[k] : "a parameter that is not known here";
}

static enum sec_param_kind kind_of(struct span name)
{
        enum sec_param_kind k = SEC_P_Q;

        while (k < SEC_P_KINDS && !span_ieq(name, span_of(sec_param_name(k))))
                k++;
        return k;
}

const struct sec_param *sec_params_find(const struct sec_params *l, enum sec_param_kind k, struct span name)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->p[i].kind == k && (k != SEC_P_OTHER || span_ieq(l->p[i].name, name)))
                        return &l->p[i];
        return NULL;
}

int sec_params_read(struct span value, struct sec_params *out, const char **why)
{
        struct sip_lex l = sip_lex_of(span_trim(value));
        struct sec_param p = {0};
        int r;

        out->n = 0;
        out->mechanism = sip_lex_token(&l);
        if (!out->mechanism.n) {
                *why = "no mechanism name";
                return -IMS_EPARSE;
        }
        while ((r = sip_lex_param(&l, &p.name, &p.value)) > 0) {
                p.kind = kind_of(p.name);
                if (sec_params_find(out, p.kind, p.name)) {
                        *why = "a parameter stands twice";
                        return -IMS_EPARSE;
                }
                if (out->n == SEC_PARAMS_MAX) {
                        *why = "too many parameters";
                        return -IMS_EPARSE;
                }
                out->p[out->n++] = p;
        }
        if (r < 0)
                *why = "a parameter is malformed";
        return r;
}

int sec_q_read(struct span text, uint16_t *out)
{
        uint32_t whole = 0, part = 0;
        struct span decimals = span_sub(text, 2, text.n);

        if (!text.n || (text.n > 1 && text.p[1] != '.') || decimals.n > Q_DECIMALS_MAX ||
            span_u32(span_sub(text, 0, 1), 1, &whole) != 0)
                return -IMS_EPARSE;
        if (decimals.n && span_u32(decimals, 999, &part) != 0)
                return -IMS_EPARSE;
        for (size_t i = decimals.n; i < Q_DECIMALS_MAX; i++)
                part *= 10;
        if (whole && part)
                return -IMS_EPARSE;
        *out = (uint16_t)(whole * 1000 + part);
        return 0;
}

static enum sec_mechanism mechanism_of(const struct sec_params *l)
{
        if (sec_params_find(l, SEC_P_MEDIASEC, SPAN_NULL))
                return SEC_OTHER;
        if (span_ieq(l->mechanism, SPAN("ipsec-3gpp")))
                return SEC_IPSEC_3GPP;
        return span_ieq(l->mechanism, SPAN("tls")) ? SEC_TLS : SEC_OTHER;
}

static int read_spi(struct span value, uint32_t *out, const char **why)
{
        if (value.n <= SPI_DIGITS_MAX && span_u32(value, UINT32_MAX, out) == 0)
                return 0;
        *why = "an SPI is not a number of at most ten digits up to 4294967295";
        return -IMS_EPARSE;
}

static int read_port(struct span value, uint16_t *out, const char **why)
{
        uint32_t port;

        if (span_u32(value, PORT_MAX, &port) != 0) {
                *why = "a port is not a number up to 65535";
                return -IMS_EPARSE;
        }
        *out = (uint16_t)port;
        return 0;
}

static void read_alg(struct span value, struct sec_entry *e)
{
        e->has_alg = true;
        for (e->suite.alg = SEC_ALG_NULL; e->suite.alg < SEC_ALG_OTHER; e->suite.alg++)
                if (span_ieq(value, span_of(sec_alg_name(e->suite.alg))))
                        break;
}

static void read_ealg(struct span value, struct sec_entry *e)
{
        e->has_ealg = true;
        for (e->suite.ealg = SEC_EALG_NULL; e->suite.ealg < SEC_EALG_OTHER; e->suite.ealg++)
                if (span_ieq(value, span_of(sec_ealg_name(e->suite.ealg))))
                        break;
}

static void read_mode(struct span value, struct sec_entry *e)
{
        e->has_mode = true;
        for (e->mode = SEC_MODE_TRANS; e->mode < SEC_MODE_OTHER; e->mode++)
                if (span_ieq(value, span_of(sec_mode_name(e->mode))))
                        break;
}

/* One parameter of ipsec-3gpp. */
static int read_param(const struct sec_param *p, struct sec_entry *e, const char **why)
{
        if (p->kind <= SEC_P_PORT_S && !p->value.n) {
                *why = "a parameter has no value";
                return -IMS_EPARSE;
        }
        switch (p->kind) {
        case SEC_P_ALG:
                read_alg(p->value, e);
                return 0;
        case SEC_P_EALG:
                read_ealg(p->value, e);
                return 0;
        case SEC_P_PROT:
                e->esp = span_ieq(p->value, SPAN("esp"));
                return 0;
        case SEC_P_MOD:
                read_mode(p->value, e);
                return 0;
        case SEC_P_SPI_C:
                return read_spi(p->value, &e->ends.spi_c, why);
        case SEC_P_SPI_S:
                return read_spi(p->value, &e->ends.spi_s, why);
        case SEC_P_PORT_C:
                return read_port(p->value, &e->ends.port_c, why);
        case SEC_P_PORT_S:
                return read_port(p->value, &e->ends.port_s, why);
        default:
                return 0;
        }
}

static int read_ipsec(const struct sec_params *l, struct sec_entry *e, const char **why)
{
        e->has_ends = true;
        for (enum sec_param_kind k = SEC_P_SPI_C; k <= SEC_P_PORT_S; k++)
                if (!sec_params_find(l, k, SPAN_NULL))
                        e->has_ends = false;
        for (size_t i = 0; i < l->n; i++) {
                int r = read_param(&l->p[i], e, why);

                if (r)
                        return r;
        }
        return 0;
}

int sec_entry_read(struct span value, struct sec_entry *out, const char **why)
{
        struct sec_entry e = {.q = SEC_Q_NONE, .suite = {SEC_ALG_OTHER, SEC_EALG_NULL}, .esp = true};
        struct sec_params l;
        const struct sec_param *q;
        const char *text = NULL;
        int r = sec_params_read(value, &l, &text);

        if (r)
                goto out;
        e.raw = span_trim(value);
        e.mechanism = mechanism_of(&l);
        q = sec_params_find(&l, SEC_P_Q, SPAN_NULL);
        if (q && sec_q_read(q->value, &e.q) != 0) {
                text = "q is not 0 to 1 with at most three decimals";
                r = -IMS_EPARSE;
                goto out;
        }
        if (e.mechanism == SEC_IPSEC_3GPP)
                r = read_ipsec(&l, &e, &text);
out:
        if (r && why)
                *why = text;
        if (!r)
                *out = e;
        return r;
}

int sec_list_add(struct sec_list *l, struct span value, const char **why)
{
        int r;

        if (l->n == SEC_ENTRIES_MAX) {
                if (why)
                        *why = "too many mechanisms";
                return -IMS_ETOOBIG;
        }
        r = sec_entry_read(value, &l->e[l->n], why);
        if (!r)
                l->n++;
        return r;
}

void sec_list_join(const struct sec_list *l, struct buf *out)
{
        for (size_t i = 0; i < l->n; i++) {
                buf_puts(out, i ? ", " : "");
                buf_span(out, l->e[i].raw);
        }
}
