/* SPDX-License-Identifier: BSD-3-Clause
 * hss subscriber list, show and hss state: what is provisioned and how it stands, never a key. */
#include <stdio.h>

#include "common/profile/profile.h"
#include "hss/cli.h"

static const char *const scheme_names[HSS_SCHEMES] = {"AKA", "SIP Digest", "NBA", "GIBA"};
static const char *const type_names[] = {"IMPU", "PSI", "wildcarded PSI", "non-distinct IMPU",
                                         "wildcarded IMPU"};

/* How an identity stands for this IMPI (TS 33.203 6.1.1): pending is what UAR would find. */
static const char *state_of(const struct record_impu *u)
{
        if (u->pending && u->state != REG_ST_REGISTERED)
                return "authentication pending";
        return reg_state_name(u->state);
}

static const char *algorithm_of(const struct record *r)
{
        if (r->scheme == HSS_SCHEME_DIGEST)
                return digest_algorithm_name(r->digest_algorithm);
        return r->scheme != HSS_SCHEME_AKA ? "" : r->algorithm == AKA_TUAK ? "TUAK" : "Milenage";
}

/* --- text --- */

static void print_lines(const char *label, struct span lines)
{
        struct span line;
        while (lines.n && span_split(&lines, '\n', &line)) {
                if (line.n)
                        (void)printf("%-18s " SPAN_FMT "\n", label, SPAN_ARG(line));
                label = "";
        }
}

static const char *const charging_names[] = {"primary ECF", "secondary ECF", "primary CCF", "secondary CCF"};

static void print_charging(struct span lines)
{
        struct span line;
        for (int i = 0; i < 4 && lines.n && span_split(&lines, '\n', &line); i++)
                if (line.n)
                        print_lines(charging_names[i], line);
}

static void print_impu(const struct record_impu *u)
{
        (void)printf("  " SPAN_FMT "\n    %s, %s%s%s%s, profile " SPAN_FMT "\n", SPAN_ARG(u->impu),
                     u->type < 5 ? type_names[u->type] : "?", state_of(u),
                     u->pending && u->state == REG_ST_REGISTERED ? ", authentication pending" : "",
                     u->state == REG_ST_REGISTERED && !u->registered ? " (by another IMPI)" : "",
                     u->barred ? ", barred" : "", SPAN_ARG(u->profile));
}

static void print_record(const struct record *r, unsigned ind_bits)
{
        (void)printf("%-18s " SPAN_FMT "\n", "IMPI", SPAN_ARG(r->impi));
        if (!span_eq(r->impi, r->first_impi))
                print_lines("joined", r->first_impi);
        print_lines("IMSI", r->imsi);
        print_lines("MSISDN", r->msisdn);
        (void)printf("%-18s %s%s%s\n", "credential", scheme_names[r->scheme], *algorithm_of(r) ? ", " : "",
                     algorithm_of(r));
        if (r->scheme == HSS_SCHEME_AKA)
                (void)printf("%-18s %04x\n%-18s SEQ %llu, IND CS %u, PS %u, IMS %u (SQN 0x%012llx)\n", "AMF",
                             r->amf, "sequence number", (unsigned long long)r->sqn.seq,
                             r->sqn.ind[SQN_DOMAIN_CS], r->sqn.ind[SQN_DOMAIN_PS], r->sqn.ind[SQN_DOMAIN_IMS],
                             (unsigned long long)(r->sqn.seq << ind_bits | r->sqn.ind[SQN_DOMAIN_IMS]));
        print_lines("Digest realm", r->digest_realm);
        print_lines("NBA lines", r->line_ids);
        (void)printf("%-18s %s\n", "registration", r->registration_allowed ? "allowed" : "denied");
        (void)printf("%-18s %s\n", "unregistered", r->unregistered_services ? "has services" : "no services");
        if (r->visited.p)
                print_lines("visited networks", r->visited);
        else
                (void)printf("%-18s any\n", "visited networks");
        print_lines("must have", r->mandatory);
        print_lines("should have", r->optional);
        print_lines("S-CSCF advised", r->server_names);
        print_charging(r->charging);
        if (r->loose_route >= 0)
                (void)printf("%-18s %s\n", "loose route", r->loose_route ? "yes" : "no");
        if (r->priviledged_sender >= 0)
                (void)printf("%-18s %s\n", "priviledged sender", r->priviledged_sender ? "yes" : "no");
        (void)printf("%-18s " SPAN_FMT "%s\n", "S-CSCF",
                     SPAN_ARG(r->scscf_name.n ? r->scscf_name : SPAN("none")),
                     r->reassign ? " (may be replaced)" : "");
        print_lines("S-CSCF on Cx", r->scscf_host);
        for (size_t i = 0; i < r->n_impus; i++) {
                if (i == 0 || r->impus[i].set != r->impus[i - 1].set)
                        (void)printf("implicit set %lld\n", (long long)r->impus[i].set);
                print_impu(&r->impus[i]);
        }
}

/* --- JSON --- */

static void json_text(struct buf *b, const char *name, struct span value)
{
        buf_char(b, ',');
        buf_json_member(b, name, value);
}

static void json_lines(struct buf *b, const char *name, struct span lines)
{
        struct span line;
        bool first = true;
        buf_printf(b, ",\"%s\":[", name);
        while (lines.n && span_split(&lines, '\n', &line)) {
                if (!first)
                        buf_char(b, ',');
                buf_json_string(b, line);
                first = false;
        }
        buf_char(b, ']');
}

static void json_charging(struct buf *b, struct span lines)
{
        static const char *const names[] = {"primary_ecf", "secondary_ecf", "primary_ccf", "secondary_ccf"};
        for (int i = 0; i < 4; i++) {
                struct span line = SPAN_NULL;
                if (lines.n)
                        (void)span_split(&lines, '\n', &line);
                json_text(b, names[i], line.n ? line : SPAN_NULL);
        }
}

/* value -1: not provisioned */
static void json_flag(struct buf *b, const char *name, int value)
{
        buf_printf(b, ",\"%s\":%s", name, value < 0 ? "null" : value ? "true" : "false");
}

static void json_impu(struct buf *b, const struct record *r, const struct record_impu *u)
{
        buf_puts(b, "{\"impu\":");
        buf_json_string(b, u->impu);
        buf_printf(
                b,
                ",\"set\":%lld,\"type\":%u,\"barred\":%s,\"state\":\"%s\",\"registered\":%s,\"pending\":%s",
                (long long)u->set, u->type, u->barred ? "true" : "false", state_of(u),
                u->registered ? "true" : "false", u->pending ? "true" : "false");
        json_text(b, "profile", u->profile);
        json_text(b, "display_name", u->display_name);
        json_text(b, "as_name", u->as_name);
        json_text(b, "scscf", r->scscf_name);
        buf_char(b, '}');
}

static void json_record(struct buf *b, const struct record *r, unsigned ind_bits)
{
        buf_puts(b, "{\"impi\":");
        buf_json_string(b, r->impi);
        json_text(b, "imsi", r->imsi);
        json_text(b, "msisdn", r->msisdn);
        buf_printf(b,
                   ",\"scheme\":\"%s\",\"algorithm\":\"%s\",\"amf\":\"%04x\",\"seq\":%llu,\"ind\":{\"cs\":%u,"
                   "\"ps\":%u,"
                   "\"ims\":%u},\"sqn\":%llu",
                   scheme_names[r->scheme], algorithm_of(r), r->amf, (unsigned long long)r->sqn.seq,
                   r->sqn.ind[SQN_DOMAIN_CS], r->sqn.ind[SQN_DOMAIN_PS], r->sqn.ind[SQN_DOMAIN_IMS],
                   (unsigned long long)(r->sqn.seq << ind_bits | r->sqn.ind[SQN_DOMAIN_IMS]));
        buf_printf(b, ",\"registration_allowed\":%s,\"unregistered_services\":%s,\"reassign\":%s",
                   r->registration_allowed ? "true" : "false", r->unregistered_services ? "true" : "false",
                   r->reassign ? "true" : "false");
        json_text(b, "scscf", r->scscf_name);
        json_text(b, "scscf_host", r->scscf_host);
        if (r->visited.p)
                json_lines(b, "visited", r->visited);
        else
                buf_puts(b, ",\"visited\":null");
        json_lines(b, "mandatory_capabilities", r->mandatory);
        json_lines(b, "optional_capabilities", r->optional);
        json_lines(b, "scscf_advised", r->server_names);
        json_charging(b, r->charging);
        json_flag(b, "loose_route", r->loose_route);
        json_flag(b, "priviledged_sender", r->priviledged_sender);
        buf_puts(b, ",\"impus\":[");
        for (size_t i = 0; i < r->n_impus; i++) {
                if (i)
                        buf_char(b, ',');
                json_impu(b, r, &r->impus[i]);
        }
        buf_puts(b, "]}");
}

static void print_buf(struct buf *b)
{
        (void)fwrite(b->p ? b->p : "", 1, b->n, stdout);
        buf_reset(b);
}

/* --- walking the store --- */

typedef void record_fn(const struct record *r, struct buf *b, unsigned ind_bits, size_t i);

static int each(struct cli *c, record_fn *fn)
{
        struct buf b = BUF_INIT;
        struct record r;
        int64_t from = 0;
        size_t i = 0;
        int rc = store_begin(c->store, false);
        while (rc == 0 && (rc = store_read_record(c->store, &c->arena, from, &r)) == 0) {
                fn(&r, &b, c->conf->auc_ind_bits, i++);
                print_buf(&b);
                from = r.id + 1;
                arena_reset(&c->arena, false);
        }
        if (rc == -IMS_ENOTFOUND)
                rc = 0;
        store_rollback(c->store);
        buf_free(&b);
        return cli_store_failed(c, rc);
}

/* The words of a command: at most one ID, and --json. */
static int read_words(struct cli *c, int argc, char **argv, const char **id, bool *json)
{
        *id = NULL;
        *json = false;
        for (int i = 0; i < argc; i++) {
                if (strcmp(argv[i], "--json") == 0) {
                        *json = true;
                } else if (argv[i][0] == '-' || *id) {
                        return cli_misused(c, argv[i]);
                } else {
                        *id = argv[i];
                }
        }
        return 0;
}

static void list_text(const struct record *r, struct buf *b, unsigned ind_bits, size_t i)
{
        (void)ind_bits;
        if (i == 0)
                buf_printf(b, "%-52s %-15s %-15s %-23s %s\n", "IMPI", "IMSI", "MSISDN", "state", "S-CSCF");
        buf_printf(b, "%-52.*s %-15.*s %-15.*s %-23s " SPAN_FMT "\n", (int)r->impi.n, r->impi.p,
                   SPAN_ARG(r->imsi), SPAN_ARG(r->msisdn),
                   r->n_impus ? state_of(&r->impus[0]) : "no identity",
                   SPAN_ARG(r->scscf_name.n ? r->scscf_name : SPAN("-")));
}

static void list_json(const struct record *r, struct buf *b, unsigned ind_bits, size_t i)
{
        buf_puts(b, i ? ",\n" : "\n");
        json_record(b, r, ind_bits);
}

int cli_subscriber_list(struct cli *c, int argc, char **argv)
{
        const char *id;
        bool json;
        int rc = read_words(c, argc, argv, &id, &json);
        if (rc == 0 && id)
                rc = cli_misused(c, id);
        if (rc < 0)
                return rc;
        if (json)
                (void)printf("[");
        rc = each(c, json ? list_json : list_text);
        if (json)
                (void)printf("\n]\n");
        return rc;
}

/* One record inside a transaction of its own. */
static int find(struct cli *c, const char *id, struct record *r)
{
        int rc = store_begin(c->store, false);
        if (rc == 0)
                rc = cli_find(c, id, r);
        store_rollback(c->store);
        return rc;
}

int cli_subscriber_show(struct cli *c, int argc, char **argv)
{
        const char *id;
        bool json;
        struct record r;
        struct buf b = BUF_INIT;
        int rc = read_words(c, argc, argv, &id, &json);
        if (rc == 0 && !id)
                rc = cli_misused(c, NULL);
        if (rc == 0)
                rc = find(c, id, &r);
        if (rc < 0)
                return rc;
        if (json) {
                json_record(&b, &r, c->conf->auc_ind_bits);
                buf_char(&b, '\n');
                print_buf(&b);
                buf_free(&b);
        } else {
                print_record(&r, c->conf->auc_ind_bits);
        }
        return 0;
}

/* One line per IMPI and IMPU: flag, S-CSCF name, identities. */
static void state_text(const struct record *r, struct buf *b, unsigned ind_bits, size_t i)
{
        (void)ind_bits;
        if (i == 0)
                buf_printf(b, "%-23s %-48s %-52s %-52s\n", "state", "S-CSCF", "IMPI", "IMPU");
        for (size_t k = 0; k < r->n_impus; k++)
                buf_printf(b, "%-23s %-48.*s %-52.*s " SPAN_FMT "%s\n", state_of(&r->impus[k]),
                           SPAN_ARG(r->scscf_name.n ? r->scscf_name : SPAN("-")), SPAN_ARG(r->impi),
                           SPAN_ARG(r->impus[k].impu), r->impus[k].barred ? " (barred)" : "");
}

static void state_json(const struct record *r, struct buf *b, unsigned ind_bits, size_t i)
{
        (void)ind_bits;
        for (size_t k = 0; k < r->n_impus; k++) {
                const struct record_impu *u = &r->impus[k];
                buf_puts(b, i || k ? ",\n{\"impi\":" : "\n{\"impi\":");
                buf_json_string(b, r->impi);
                json_text(b, "impu", u->impu);
                json_text(b, "scscf", r->scscf_name);
                buf_printf(b, ",\"state\":\"%s\",\"registered\":%s,\"pending\":%s}", state_of(u),
                           u->registered ? "true" : "false", u->pending ? "true" : "false");
        }
}

int cli_state(struct cli *c, int argc, char **argv)
{
        const char *id;
        bool json;
        struct record r;
        struct buf b = BUF_INIT;
        int rc = read_words(c, argc, argv, &id, &json);
        if (rc < 0)
                return rc;
        if (json)
                (void)printf("[");
        if (id) {
                rc = find(c, id, &r);
                if (rc == 0)
                        (json ? state_json : state_text)(&r, &b, 0, 0);
                print_buf(&b);
                buf_free(&b);
        } else {
                rc = each(c, json ? state_json : state_text);
        }
        if (json)
                (void)printf("\n]\n");
        return rc;
}
