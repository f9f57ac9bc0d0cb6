/* SPDX-License-Identifier: BSD-3-Clause
 * Credential sets: reading, derivation and choice (TS 33.203 8.0, 8.1, 9; TS 23.003 13). */
#include "ue/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/auth/sqn.h"
#include "common/base/codec.h"

#define CREDENTIAL_FILE_MAX 16384

static const char *const kind_names[] = {"none", "ISIM", "USIM", "IMC"};

/* One field of a set: where its text or number goes. */
struct field {
        const char *name;
        int (*set)(struct credential *c, struct span value, const char **why);
};

/* Text that stands in a quoted string of a SIP header without an escape. */
static bool plain_text(struct span v)
{
        for (size_t i = 0; i < v.n; i++)
                if (v.p[i] <= ' ' || v.p[i] > '~' || v.p[i] == '"' || v.p[i] == '\\' || v.p[i] == '<' ||
                    v.p[i] == '>')
                        return false;
        return v.n > 0;
}

static int set_text(char *to, struct span value, const char **why)
{
        if (!plain_text(value)) {
                *why = "empty, or a character that may not stand there";
                return -IMS_EPARSE;
        }
        if (span_copy(value, to, CREDENTIAL_TEXT_MAX) < 0) {
                *why = "longer than 255 octets";
                return -IMS_EPARSE;
        }
        return 0;
}

static int set_impi(struct credential *c, struct span v, const char **why)
{
        ptrdiff_t at = span_chr(v, '@', 0);

        if (at <= 0 || (size_t)at + 1 >= v.n || span_chr(v, '@', (size_t)at + 1) >= 0) {
                *why = "an IMPI is user@realm (TS 23.003 13.3)";
                return -IMS_EPARSE;
        }
        return set_text(c->impi, v, why);
}

static int set_impu(struct credential *c, struct span v, const char **why)
{
        if (!span_istarts(v, SPAN("sip:")) && !span_istarts(v, SPAN("sips:")) &&
            !span_istarts(v, SPAN("tel:"))) {
                *why = "an IMPU is a sip:, sips: or tel: URI (TS 23.003 13.4)";
                return -IMS_EPARSE;
        }
        if (c->n_impu == CREDENTIAL_IMPUS_MAX) {
                *why = "more IMPUs than a set holds";
                return -IMS_EPARSE;
        }
        if (set_text(c->impu[c->n_impu], v, why) < 0)
                return -IMS_EPARSE;
        c->n_impu++;
        return 0;
}

static int set_domain(struct credential *c, struct span v, const char **why)
{
        for (size_t i = 0; i < v.n; i++) {
                char ch = v.p[i];

                if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
                      ch == '-' || ch == '.')) {
                        *why = "a domain name has letters, digits, '-' and '.'";
                        return -IMS_EPARSE;
                }
        }
        return set_text(c->domain, v, why);
}

static int set_imsi(struct credential *c, struct span v, const char **why)
{
        uint64_t n;

        if (v.n < 6 || v.n > 15 || span_u64(v, UINT64_MAX, &n) < 0) {
                *why = "an IMSI has 6 to 15 digits (TS 23.003 2.2)";
                return -IMS_EPARSE;
        }
        return span_copy(v, c->imsi, sizeof(c->imsi));
}

static int set_number(struct span v, uint64_t min, uint64_t max, uint64_t *out, const char **why)
{
        if (span_u64(v, max, out) < 0 || *out < min) {
                *why = "not a number in range";
                return -IMS_EPARSE;
        }
        return 0;
}

static int set_mnc_digits(struct credential *c, struct span v, const char **why)
{
        uint64_t n = 0;
        int err = set_number(v, 2, 3, &n, why);

        c->mnc_digits = (unsigned)n;
        return err;
}

static int set_ind_bits(struct credential *c, struct span v, const char **why)
{
        uint64_t n = 0;
        int err = set_number(v, 1, SQN_IND_BITS_MAX, &n, why);

        c->sqn_ind_bits = (unsigned)n;
        return err;
}

static int set_delta(struct credential *c, struct span v, const char **why)
{
        return set_number(v, 0, AKA_SQN_MAX, &c->sqn_delta, why);
}

static int set_iterations(struct credential *c, struct span v, const char **why)
{
        uint64_t n = 0;
        int err = set_number(v, 1, 255, &n, why);

        c->key.keccak_iterations = (unsigned)n;
        return err;
}

static int set_res_octets(struct credential *c, struct span v, const char **why)
{
        uint64_t n = 0;
        int err = set_number(v, 4, 16, &n, why);

        c->key.res_n = (size_t)n;
        return err;
}

static int set_algorithm(struct credential *c, struct span v, const char **why)
{
        if (span_ieq(v, SPAN("milenage"))) {
                c->key.algorithm = AKA_MILENAGE;
        } else if (span_ieq(v, SPAN("tuak"))) {
                c->key.algorithm = AKA_TUAK;
        } else {
                *why = "neither milenage nor tuak";
                return -IMS_EPARSE;
        }
        return 0;
}

static int set_hex(struct span v, uint8_t *to, size_t *out_n, const char **why)
{
        if ((v.n != 32 && v.n != 64) || hex_decode(v, to, v.n / 2) < 0) {
                *why = "not 32 hex digits (TUAK also: 64)";
                return -IMS_EPARSE;
        }
        *out_n = v.n / 2;
        return 0;
}

static int set_k(struct credential *c, struct span v, const char **why)
{
        return set_hex(v, c->key.k, &c->key.k_n, why);
}

static int set_opc(struct credential *c, struct span v, const char **why)
{
        return set_hex(v, c->key.opc, &c->opc_n, why);
}

static int set_op(struct credential *c, struct span v, const char **why)
{
        return set_hex(v, c->op, &c->op_n, why);
}

static int set_sqn_file(struct credential *c, struct span v, const char **why)
{
        if (v.n == 0 || span_copy(v, c->sqn_file, sizeof(c->sqn_file)) < 0) {
                *why = "empty or too long";
                return -IMS_EPARSE;
        }
        return 0;
}

/* Any text of one line; a blank at its ends cannot be given in a credential file. */
static int set_password(struct credential *c, struct span v, const char **why)
{
        bool ok = v.n > 0;

        for (size_t i = 0; i < v.n; i++)
                ok = ok && (unsigned char)v.p[i] >= ' ' && v.p[i] != 0x7f;
        if (!ok || span_copy(v, c->password, sizeof(c->password)) < 0) {
                *why = "empty, longer than 255 octets, or with a control character";
                return -IMS_EPARSE;
        }
        return 0;
}

static const struct field fields[] = {
        {"impi", set_impi},
        {"impu", set_impu},
        {"domain", set_domain},
        {"imsi", set_imsi},
        {"mnc_digits", set_mnc_digits},
        {"algorithm", set_algorithm},
        {"k", set_k},
        {"op", set_op},
        {"top", set_op},
        {"opc", set_opc},
        {"topc", set_opc},
        {"res_octets", set_res_octets},
        {"keccak_iterations", set_iterations},
        {"sqn_ind_bits", set_ind_bits},
        {"sqn_delta", set_delta},
        {"sqn_file", set_sqn_file},
        {"password", set_password},
};

int credential_set(struct credential *c, struct span field, struct span value, struct buf *err)
{
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
                const char *why = "";

                if (!span_eq(field, span_of(fields[i].name)))
                        continue;
                if (fields[i].set(c, value, &why) == 0)
                        return 0;
                buf_printf(err, "%s: %s\n", fields[i].name, why);
                return -IMS_EPARSE;
        }
        return -IMS_ENOTFOUND;
}

/* One line "field: value"; empty lines and comments count as good. */
static int load_line(struct credential *c, struct span line, struct buf *err)
{
        ptrdiff_t colon;
        struct span field;
        int rc;

        line = span_trim(line);
        if (line.n == 0 || line.p[0] == '#')
                return 0;
        colon = span_chr(line, ':', 0);
        if (colon < 0) {
                buf_puts(err, "not of the form \"field: value\"\n");
                return -IMS_EPARSE;
        }
        field = span_trim(span_sub(line, 0, (size_t)colon));
        rc = credential_set(c, field, span_trim(span_sub(line, (size_t)colon + 1, line.n)), err);
        if (rc == -IMS_ENOTFOUND) {
                buf_quoted(err, field, 40);
                buf_puts(err, ": unknown field\n");
                rc = -IMS_EPARSE;
        }
        return rc;
}

/* Opens the file and refuses one that others may read. */
static int open_private(const char *file, struct buf *err)
{
        struct stat st;
        int fd = open(file, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || fstat(fd, &st) < 0) {
                buf_printf(err, "%s: %s\n", file, strerror(errno));
                if (fd >= 0)
                        close(fd);
                return -IMS_EIO;
        }
        if ((st.st_mode & 077) != 0) {
                buf_printf(err, "%s: holds a key, but others may read it (mode %03o); chmod 600 it\n", file,
                           (unsigned)st.st_mode & 0777);
                close(fd);
                return -IMS_EPERM;
        }
        return fd;
}

int credential_load(const char *file, enum credential_kind kind, struct credential *c, struct buf *err)
{
        char text[CREDENTIAL_FILE_MAX];
        struct span rest, line;
        unsigned number = 0;
        ssize_t n;
        int rc = 0;
        int fd = open_private(file, err);

        if (fd < 0)
                return fd;
        memset(c, 0, sizeof(*c));
        c->kind = kind;
        n = read(fd, text, sizeof(text));
        close(fd);
        if (n < 0 || (size_t)n == sizeof(text)) {
                buf_printf(err, "%s: %s\n", file, n < 0 ? strerror(errno) : "too long for a credential file");
                rc = -IMS_EIO;
                goto out;
        }
        rest = span_make(text, (size_t)n);
        while (rc == 0 && span_split(&rest, '\n', &line)) {
                struct buf why = BUF_INIT;

                number++;
                rc = load_line(c, line, &why);
                if (rc < 0) {
                        buf_printf(err, "%s:%u: ", file, number);
                        buf_span(err, buf_as_span(&why));
                }
                buf_free(&why);
        }
out:
        secret_wipe(text, sizeof(text));
        if (rc < 0)
                credential_wipe(c);
        return rc;
}

/* IMPI, IMPU and domain of a USIM, from its IMSI (TS 23.003 13.2, 13.3, 13.4B). */
static void derive_from_imsi(struct credential *c)
{
        unsigned digits = c->mnc_digits ? c->mnc_digits : 2;

        if (!c->domain[0])
                (void)snprintf(c->domain, sizeof(c->domain), "ims.mnc%s%.*s.mcc%.3s.3gppnetwork.org",
                               digits == 2 ? "0" : "", (int)digits, c->imsi + 3, c->imsi);
        if (!c->impi[0])
                (void)snprintf(c->impi, sizeof(c->impi), "%s@%.200s", c->imsi, c->domain);
        if (c->n_impu == 0)
                (void)snprintf(c->impu[c->n_impu++], CREDENTIAL_TEXT_MAX, "sip:%s@%.200s", c->imsi,
                               c->domain);
}

static void derive_from_impi(struct credential *c)
{
        const char *at = strchr(c->impi, '@');

        if (!at)
                return;
        if (!c->domain[0])
                (void)snprintf(c->domain, sizeof(c->domain), "%s", at + 1);
        if (c->n_impu == 0)
                (void)snprintf(c->impu[c->n_impu++], CREDENTIAL_TEXT_MAX, "sip:%.251s", c->impi);
}

/* The lengths of TS 33.102 6.3.7 and TS 35.231 for the algorithm of the set. */
static const char *key_fault(const struct credential *c)
{
        size_t op_n = c->key.algorithm == AKA_TUAK ? 32 : 16;

        if (c->key.k_n == 0 && !c->op_n && !c->opc_n && credential_has_password(c))
                return NULL;
        if (c->key.k_n == 0)
                return "no key: k is missing (or a password)";
        if (c->key.algorithm == AKA_MILENAGE && c->key.k_n != 16)
                return "k: Milenage has a K of 128 bits, 32 hex digits (TS 33.102 6.3.7)";
        if (c->op_n && c->opc_n)
                return "op and opc are both given: give one of them";
        if (!c->op_n && !c->opc_n)
                return "neither opc nor op is given";
        if ((c->op_n ? c->op_n : c->opc_n) != op_n)
                return op_n == 16 ? "op, opc: Milenage has 128 bits, 32 hex digits"
                                  : "top, topc: TUAK has 256 bits, 64 hex digits";
        return NULL;
}

static const char *set_fault(const struct credential *c)
{
        if (!c->impi[0])
                return "no IMPI";
        if (c->n_impu == 0)
                return "no IMPU, and a set has at least one";
        if (!c->domain[0])
                return "no home network domain name (domain)";
        return key_fault(c);
}

int credential_finish(struct credential *c, bool derive, struct buf *err)
{
        struct aka_ctx *ctx = NULL;
        const char *fault;
        int rc;

        if (c->imsi[0] && (c->kind == CREDENTIAL_USIM || derive))
                derive_from_imsi(c);
        if (derive)
                derive_from_impi(c);
        fault = set_fault(c);
        if (fault) {
                buf_printf(err, "the %s credential set is incomplete: %s (TS 33.203 8.1)\n",
                           credential_kind_name(c->kind), fault);
                return -IMS_ECONF;
        }
        if (!c->op_n)
                return 0;
        rc = aka_ctx_new(&ctx);
        if (rc == 0)
                rc = aka_derive_opc(ctx, &c->key, c->op);
        if (rc < 0)
                buf_printf(err, "OPc could not be computed: %s\n", ims_strerror(rc));
        aka_ctx_free(ctx);
        return rc;
}

bool credential_has_key(const struct credential *c)
{
        return c->key.k_n != 0;
}

bool credential_has_password(const struct credential *c)
{
        return c->password[0] != '\0';
}

static const struct credential *choose(const struct credential *set, size_t n,
                                       bool (*fits)(const struct credential *))
{
        const struct credential *best = NULL;

        for (size_t i = 0; i < n; i++)
                if (set[i].kind != CREDENTIAL_NONE && fits(&set[i]) && (!best || set[i].kind < best->kind))
                        best = &set[i];
        return best;
}

const struct credential *credential_choose_key(const struct credential *set, size_t n)
{
        return choose(set, n, credential_has_key);
}

const struct credential *credential_choose_password(const struct credential *set, size_t n)
{
        return choose(set, n, credential_has_password);
}

const char *credential_kind_name(enum credential_kind kind)
{
        return kind_names[kind];
}

void credential_wipe(struct credential *c)
{
        secret_wipe(c, sizeof(*c));
}
