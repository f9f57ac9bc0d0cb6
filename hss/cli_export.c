/* SPDX-License-Identifier: BSD-3-Clause
 * hss subscriber export: CSV that import reads. Keys only on demand, and only into a file of mode 0600. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/secret.h"
#include "common/profile/profile.h"
#include "hss/cli.h"

#define KEY_COLUMNS                                                                                          \
        (UINT64_C(1) << SUB_K | UINT64_C(1) << SUB_OPC | UINT64_C(1) << SUB_TOPC |                           \
         UINT64_C(1) << SUB_DIGEST_HA1)
/* Columns that import derives others from; the derived ones are written instead. */
#define LEFT_OUT                                                                                             \
        (UINT64_C(1) << SUB_MNC_DIGITS | UINT64_C(1) << SUB_DOMAIN | UINT64_C(1) << SUB_OP |                 \
         UINT64_C(1) << SUB_TOP)

struct export
{
        struct cli *c;
        FILE *to;
        bool keys;
        struct buf row, cell;
        struct credential secret; /* of the current record */
};

static bool has_column(const struct export *e, int f)
{
        uint64_t bit = UINT64_C(1) << f;
        return (sub_rows[f].use & SUB_USE_CSV) && !(bit & LEFT_OUT) && (e->keys || !(bit & KEY_COLUMNS));
}

/* The lines of a list with spaces between them. */
static void cell_lines(struct buf *b, const char *prefix, struct span lines)
{
        struct span line;
        while (lines.n && span_split(&lines, '\n', &line)) {
                if (line.n == 0)
                        continue;
                buf_printf(b, "%s%s" SPAN_FMT, b->n ? " " : "", prefix, SPAN_ARG(line));
        }
}

/* Values that may have spaces in them: one per line then, and a line end behind the last one. */
static void cell_texts(struct buf *b, struct span lines, bool list)
{
        if (span_chr(lines, ' ', 0) >= 0 || (list && span_chr(lines, '\n', 0) >= 0)) {
                buf_span(b, lines);
                buf_char(b, '\n');
        } else {
                cell_lines(b, "", lines);
        }
}

enum impu_kind { KIND_SET, KIND_BARRED, KIND_SEPARATE, KIND_PSI };

static bool joined(const struct record *r)
{
        return !span_eq(r->impi, r->first_impi);
}

static void cell_impus(struct buf *b, const struct record *r, enum impu_kind kind)
{
        if (joined(r))
                return; /* they stand with the first IMPI */
        for (size_t i = 0; i < r->n_impus; i++) {
                const struct record_impu *u = &r->impus[i];
                bool psi = u->type == PROFILE_DISTINCT_PSI || u->type == PROFILE_WILDCARDED_PSI;
                bool first_set = u->set == r->impus[0].set;
                bool wanted = kind == KIND_PSI        ? psi
                              : kind == KIND_SEPARATE ? !psi && !first_set
                              : kind == KIND_BARRED   ? !psi && first_set && u->barred
                                                      : !psi && first_set;
                if (wanted)
                        buf_printf(b, "%s" SPAN_FMT, b->n ? " " : "", SPAN_ARG(u->impu));
        }
}

static struct span first_text(const struct record *r, bool as_name)
{
        if (joined(r))
                return SPAN_NULL;
        for (size_t i = 0; i < r->n_impus; i++) {
                struct span v = as_name ? r->impus[i].as_name : r->impus[i].display_name;
                if (v.p)
                        return v;
        }
        return SPAN_NULL;
}

static void cell_charging(struct buf *b, struct span charging, int from)
{
        struct span line;
        for (int i = 0; i < 4 && charging.n && span_split(&charging, '\n', &line); i++)
                if (i >= from && i < from + 2)
                        cell_lines(b, "", line);
}

static void cell_hex(struct buf *b, const void *p, size_t n)
{
        char hex[65];
        hex_encode(p, n, hex);
        buf_puts(b, hex);
        secret_wipe(hex, sizeof hex);
}

static void cell_key(struct export *e, const struct record *r, enum sub_field f)
{
        const struct aka_key *key = &e->secret.key;
        bool tuak = r->algorithm == AKA_TUAK;
        if (r->scheme == HSS_SCHEME_DIGEST && f == SUB_DIGEST_HA1)
                buf_puts(&e->cell, e->secret.ha1);
        if (r->scheme != HSS_SCHEME_AKA)
                return;
        if (f == SUB_K)
                cell_hex(&e->cell, key->k, key->k_n);
        else if (f == (tuak ? SUB_TOPC : SUB_OPC))
                cell_hex(&e->cell, key->opc, tuak ? 32 : 16);
}

static void cell_yes_no(struct buf *b, int value, const char *yes, const char *no)
{
        if (value >= 0)
                buf_puts(b, value ? yes : no);
}

/* Fields with several values; false: the field is none of them. */
static bool cell_list(struct buf *b, const struct record *r, enum sub_field f)
{
        switch (f) {
        case SUB_IMPU:
                cell_impus(b, r, KIND_SET);
                break;
        case SUB_BARRED_IMPU:
                cell_impus(b, r, KIND_BARRED);
                break;
        case SUB_SEPARATE_IMPU:
                cell_impus(b, r, KIND_SEPARATE);
                break;
        case SUB_PSI:
                cell_impus(b, r, KIND_PSI);
                break;
        case SUB_NBA_LINE:
                cell_texts(b, r->line_ids, true);
                break;
        case SUB_CAPABILITY:
                cell_lines(b, "mandatory:", r->mandatory);
                cell_lines(b, "optional:", r->optional);
                break;
        case SUB_SERVER_NAME:
                cell_lines(b, "", r->server_names);
                break;
        case SUB_VISITED:
                cell_texts(b, r->visited, false);
                break;
        case SUB_ECF:
                cell_charging(b, r->charging, 0);
                break;
        case SUB_CCF:
                cell_charging(b, r->charging, 2);
                break;
        default:
                return false;
        }
        return true;
}

static void cell(struct export *e, const struct record *r, enum sub_field f)
{
        struct buf *b = &e->cell;
        bool tuak = r->scheme == HSS_SCHEME_AKA && r->algorithm == AKA_TUAK;
        if (cell_list(b, r, f))
                return;
        switch (f) {
        case SUB_IMSI:
                buf_span(b, r->imsi);
                break;
        case SUB_MSISDN:
                buf_span(b, r->msisdn);
                break;
        case SUB_JOIN:
                buf_span(b, joined(r) ? r->first_impi : SPAN_NULL);
                break;
        case SUB_IMPI:
                buf_span(b, r->impi);
                break;
        case SUB_AS_NAME:
                buf_span(b, first_text(r, true));
                break;
        case SUB_DISPLAY_NAME:
                buf_span(b, first_text(r, false));
                break;
        case SUB_TUAK:
                cell_yes_no(b, tuak ? 1 : -1, "yes", "no");
                break;
        case SUB_KECCAK:
                if (tuak)
                        buf_printf(b, "%u", r->iterations);
                break;
        case SUB_RES_OCTETS:
                if (tuak)
                        buf_printf(b, "%u", r->res_octets);
                break;
        case SUB_AMF:
                buf_printf(b, "%04x", r->amf);
                break;
        case SUB_SQN:
                buf_printf(b, "%llu", (unsigned long long)(r->sqn.seq << e->c->conf->auc_ind_bits));
                break;
        case SUB_DIGEST_ALGORITHM:
                if (r->scheme == HSS_SCHEME_DIGEST)
                        buf_puts(b, digest_algorithm_name(r->digest_algorithm));
                break;
        case SUB_DIGEST_REALM:
                buf_span(b, r->digest_realm);
                break;
        case SUB_PROFILE:
                buf_span(b, r->n_impus && !joined(r) ? r->impus[0].profile : SPAN_NULL);
                break;
        case SUB_REGISTRATION:
                cell_yes_no(b, r->registration_allowed, "allowed", "denied");
                break;
        case SUB_UNREGISTERED:
                cell_yes_no(b, r->unregistered_services, "yes", "no");
                break;
        case SUB_LOOSE_ROUTE:
                cell_yes_no(b, r->loose_route, "yes", "no");
                break;
        case SUB_PRIVILEDGED:
                cell_yes_no(b, r->priviledged_sender, "yes", "no");
                break;
        default:
                cell_key(e, r, f);
                break;
        }
}

static int write_row(struct export *e, const struct record *r)
{
        bool first = true;
        buf_reset(&e->row);
        for (int f = 0; f < SUB_FIELDS; f++) {
                if (!has_column(e, f))
                        continue;
                buf_reset(&e->cell);
                if (r)
                        cell(e, r, (enum sub_field)f);
                else
                        buf_puts(&e->cell, sub_rows[f].name);
                csv_field(&e->row, buf_as_span(&e->cell), first);
                first = false;
        }
        buf_char(&e->row, '\n');
        int rc = e->row.err;
        if (rc == 0 && fwrite(e->row.p, 1, e->row.n, e->to) != e->row.n)
                rc = -IMS_EIO;
        if (e->keys) {
                secret_wipe(e->row.p, e->row.n);
                secret_wipe(e->cell.p, e->cell.cap);
        }
        return rc;
}

static int write_all(struct export *e)
{
        struct cli *c = e->c;
        struct record r;
        int64_t from = 0;
        int rc = write_row(e, NULL);
        while (rc == 0 && (rc = store_read_record(c->store, &c->arena, from, &r)) == 0) {
                if (e->keys)
                        rc = store_read_credential(c->store, &c->arena, r.id, &e->secret);
                if (rc == -IMS_EAUTH) {
                        buf_span(&c->err, r.impi);
                        buf_puts(&c->err, ": the stored credential does not open under this key file: "
                                          "provision it again\n");
                }
                if (rc == 0)
                        rc = write_row(e, &r);
                secret_wipe(&e->secret, sizeof e->secret);
                from = r.id + 1;
                arena_reset(&c->arena, false);
        }
        return rc == -IMS_ENOTFOUND ? 0 : rc;
}

static FILE *open_private(struct cli *c, const char *file)
{
        int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
        if (!f) {
                buf_printf(&c->err, "--with-keys: %s cannot be made: %s\n", file, strerror(errno));
                if (fd >= 0)
                        close(fd);
        }
        return f;
}

int cli_subscriber_export(struct cli *c, int argc, char **argv)
{
        struct export e = {.c = c, .to = stdout};
        if (argc == 2 && strcmp(argv[0], "--with-keys") == 0) {
                e.keys = true;
                e.to = open_private(c, argv[1]);
                if (!e.to)
                        return -IMS_EIO;
        } else if (argc != 0)
                return cli_misused(c, NULL);
        int rc = store_begin(c->store, false);
        if (rc == 0)
                rc = write_all(&e);
        store_rollback(c->store);
        if (e.to != stdout && fclose(e.to) != 0 && rc == 0)
                rc = -IMS_EIO;
        if (rc == -IMS_EIO)
                buf_printf(&c->err, "%s cannot be written: %s\n", e.keys ? argv[1] : "the output",
                           strerror(errno));
        if (rc < 0 && e.keys)
                (void)unlink(argv[1]);
        buf_free(&e.row);
        buf_free(&e.cell);
        return cli_store_failed(c, rc);
}
