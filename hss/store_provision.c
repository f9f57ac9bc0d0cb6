/* SPDX-License-Identifier: BSD-3-Clause
 * What provisioning reads and writes. */
#include "hss/store_provision.h"

#include "hss/store_int.h"

/* One integer, or -IMS_ENOTFOUND. */
static int one_row(struct store *s, sqlite3_stmt *st, int64_t *out)
{
        int rc = sql_step(s, st);
        if (rc == 1)
                *out = sqlite3_column_int64(st, 0);
        sql_reset(st);
        return rc < 0 ? rc : rc == 1 ? 0 : -IMS_ENOTFOUND;
}

/* An insert that makes a row number. */
static int insert(struct store *s, sqlite3_stmt *st, int64_t *out)
{
        int rc = sql_run(s, st);
        if (rc == 0)
                *out = sqlite3_last_insert_rowid(s->db);
        return rc;
}

/* A change that must hit something. */
static int change(struct store *s, sqlite3_stmt *st)
{
        int rc = sql_run(s, st);
        return rc < 0 ? rc : sqlite3_changes(s->db) ? 0 : -IMS_ENOTFOUND;
}

int store_find(struct store *s, struct span id, int64_t *out)
{
        return one_row(s, sql_bind(s, SQL_FIND_ID, "t", id), out);
}

static int read_impus(struct store *s, struct arena *a, struct record *r)
{
        size_t cap = 0;
        sqlite3_stmt *st = sql_bind(s, SQL_SHOW_IMPUS, "i", r->id);
        int rc;
        while ((rc = sql_step(s, st)) == 1) {
                if (r->n_impus == cap) {
                        cap = cap ? 2 * cap : 8;
                        struct record_impu *more = arena_alloc(a, cap * sizeof *more);
                        if (!more) {
                                rc = -IMS_ENOMEM;
                                break;
                        }
                        if (r->n_impus)
                                memcpy(more, r->impus, r->n_impus * sizeof *more);
                        r->impus = more;
                }
                struct record_impu *u = &r->impus[r->n_impus++];
                *u = (struct record_impu){
                        .barred = sqlite3_column_int(st, 1),
                        .type = (uint32_t)sqlite3_column_int(st, 2),
                        .has_alias_group = sqlite3_column_type(st, 4) != SQLITE_NULL,
                        .alias_group = (uint32_t)sqlite3_column_int(st, 4),
                        .set = sqlite3_column_int64(st, 7),
                        .state = (enum reg_state)sqlite3_column_int(st, 8),
                        .registered = sqlite3_column_int(st, 9),
                        .pending = sqlite3_column_int(st, 10),
                };
                rc = sql_text(a, st, 0, &u->impu);
                if (rc == 0)
                        rc = sql_text(a, st, 3, &u->display_name);
                if (rc == 0)
                        rc = sql_text(a, st, 5, &u->as_name);
                if (rc == 0)
                        rc = sql_text(a, st, 6, &u->profile);
                if (rc < 0)
                        break;
        }
        sql_reset(st);
        return rc < 0 ? rc : 0;
}

static int take_record(struct arena *a, sqlite3_stmt *st, struct record *r)
{
        struct {
                int column;
                struct span *to;
        } const texts[] = {
                {2, &r->impi},          {3, &r->imsi},          {4, &r->msisdn},    {14, &r->sealed},
                {15, &r->digest_realm}, {16, &r->line_ids},     {19, &r->visited},  {20, &r->mandatory},
                {21, &r->optional},     {22, &r->server_names}, {23, &r->charging}, {26, &r->scscf_name},
                {27, &r->scscf_host},   {29, &r->first_impi},
        };
        *r = (struct record){
                .id = sqlite3_column_int64(st, 0),
                .subscription = sqlite3_column_int64(st, 1),
                .scheme = (enum hss_scheme)sqlite3_column_int(st, 5),
                .algorithm = sqlite3_column_int(st, 6) ? AKA_TUAK : AKA_MILENAGE,
                .amf = (uint16_t)sqlite3_column_int(st, 7),
                .iterations = (uint32_t)sqlite3_column_int(st, 8),
                .res_octets = (uint32_t)sqlite3_column_int(st, 9),
                .sqn.seq = (uint64_t)sqlite3_column_int64(st, 10),
                .registration_allowed = sqlite3_column_int(st, 17),
                .unregistered_services = sqlite3_column_int(st, 18),
                .loose_route = sqlite3_column_int(st, 24),
                .priviledged_sender = sqlite3_column_int(st, 25),
                .reassign = sqlite3_column_int(st, 28),
                .digest_algorithm = sqlite3_column_int(st, 30) ? DIGEST_SHA256 : DIGEST_MD5,
        };
        for (int d = 0; d < SQN_DOMAINS; d++)
                r->sqn.ind[d] = (uint8_t)sqlite3_column_int(st, 11 + d);
        int rc = 0;
        for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof *texts; i++)
                rc = sql_text(a, st, texts[i].column, texts[i].to);
        return rc;
}

int store_read_record(struct store *s, struct arena *a, int64_t from, struct record *out)
{
        struct record r;
        sqlite3_stmt *st = sql_bind(s, SQL_SHOW_IMPI, "i", from);
        int rc = sql_step(s, st);
        if (rc == 1)
                rc = take_record(a, st, &r);
        else if (rc == 0)
                rc = -IMS_ENOTFOUND;
        sql_reset(st);
        if (rc == 0)
                rc = read_impus(s, a, &r);
        if (rc == 0)
                *out = r;
        return rc;
}

int store_find_profile(struct store *s, struct span name, int64_t *out)
{
        return one_row(s, sql_bind(s, SQL_FIND_PROFILE, "t", name), out);
}

int store_put_profile(struct store *s, struct span name, struct span document)
{
        return sql_run(s, sql_bind(s, SQL_PUT_PROFILE, "tt", name, document));
}

int store_remove_profile(struct store *s, struct span name)
{
        return change(s, sql_bind(s, SQL_DELETE_PROFILE, "t", name));
}

int store_each_profile(struct store *s, store_profile_fn *fn, void *arg)
{
        sqlite3_stmt *st = sql_bind(s, SQL_LIST_PROFILES, "");
        int rc;
        while ((rc = sql_step(s, st)) == 1)
                fn(span_make(sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0)),
                   span_make(sqlite3_column_text(st, 1), (size_t)sqlite3_column_bytes(st, 1)),
                   sqlite3_column_int64(st, 2), arg);
        if (rc >= 0)
                sql_reset(st);
        return rc < 0 ? rc : 0;
}

int store_new_subscription(struct store *s, int64_t *out)
{
        return insert(s, sql_bind(s, SQL_NEW_SUBSCRIPTION, ""), out);
}

int store_new_impi(struct store *s, int64_t subscription, const struct record *r, int64_t *out)
{
        return insert(s, sql_bind(s, SQL_NEW_IMPI, "ittt", subscription, r->impi, r->imsi, r->msisdn), out);
}

int store_new_set(struct store *s, int64_t subscription, int64_t impi, int64_t *out)
{
        int64_t set;
        int rc = insert(s, sql_bind(s, SQL_NEW_SET, "i", subscription), &set);
        if (rc == 0)
                rc = sql_run(s, sql_bind(s, SQL_NEW_REGISTRATION, "ii", impi, set));
        if (rc == 0)
                *out = set;
        return rc;
}

int store_new_impu(struct store *s, int64_t set, int64_t profile, const struct record_impu *u)
{
        sqlite3_stmt *st = sql_bind(s, SQL_NEW_IMPU, "iitiiitt", set, profile, u->impu, (int64_t)u->barred,
                                    (int64_t)u->type, (int64_t)u->alias_group, u->display_name, u->as_name);
        if (!u->has_alias_group)
                (void)sqlite3_bind_null(st, 6);
        return sql_run(s, st);
}

int store_set_record(struct store *s, const struct record *r)
{
        int rc = sql_run(s,
                         sql_bind(s, SQL_SET_IMPI, "itttiiiiibtti", r->id, r->impi, r->imsi, r->msisdn,
                                  (int64_t)r->scheme, (int64_t)r->algorithm, (int64_t)r->amf,
                                  (int64_t)r->iterations, (int64_t)r->res_octets, r->sealed, r->digest_realm,
                                  r->line_ids, (int64_t)(r->digest_algorithm == DIGEST_SHA256)));
        if (rc < 0)
                return rc;
        sqlite3_stmt *st = sql_bind(s, SQL_SET_SUBSCRIPTION, "iiittttt", r->subscription,
                                    (int64_t)r->registration_allowed, (int64_t)r->unregistered_services,
                                    r->visited, r->mandatory, r->optional, r->server_names, r->charging);
        if (r->loose_route >= 0)
                (void)sqlite3_bind_int(st, 9, r->loose_route);
        if (r->priviledged_sender >= 0)
                (void)sqlite3_bind_int(st, 10, r->priviledged_sender);
        return sql_run(s, st);
}

int store_set_profile(struct store *s, int64_t impi, int64_t profile)
{
        return sql_run(s, sql_bind(s, SQL_SET_PROFILE, "ii", impi, profile));
}

int store_set_barred(struct store *s, int64_t impi, struct span impu, bool barred)
{
        return change(s, sql_bind(s, SQL_SET_BARRED, "iti", impi, impu, (int64_t)barred));
}

int store_remove_impu(struct store *s, int64_t impi, struct span impu)
{
        return change(s, sql_bind(s, SQL_DELETE_IMPU, "it", impi, impu));
}

int store_drop_empty_sets(struct store *s, int64_t subscription)
{
        return sql_run(s, sql_bind(s, SQL_DELETE_EMPTY_SETS, "i", subscription));
}

int store_join(struct store *s, int64_t impi, int64_t subscription)
{
        return sql_run(s, sql_bind(s, SQL_JOIN_SETS, "ii", impi, subscription));
}

int store_remove(struct store *s, int64_t impi, int64_t subscription)
{
        int rc = change(s, sql_bind(s, SQL_DELETE_SHARED_IMPI, "i", impi));
        if (rc == -IMS_ENOTFOUND)
                return change(s, sql_bind(s, SQL_DELETE_SUBSCRIPTION, "i", subscription));
        return rc < 0 ? rc : sql_run(s, sql_bind(s, SQL_SETTLE_SETS, "i", subscription));
}

int store_find_shared_derived(struct store *s, struct arena *a, int64_t subscription, struct span *out)
{
        sqlite3_stmt *st = sql_bind(s, SQL_SHARED_AND_DERIVED, "i", subscription);
        int rc = sql_step(s, st);
        *out = SPAN_NULL;
        if (rc == 1)
                rc = sql_text(a, st, 0, out);
        sql_reset(st);
        return rc;
}

const char *store_conflict(const struct store *s)
{
        /* "UNIQUE constraint failed: impi.imsi (SQLite 2067)" */
        static const char *const fields[] = {"impi.impi",         "impi.imsi",   "impi.msisdn",
                                             "impu.impu",         "device.impi", "device.subject",
                                             "device.fingerprint"};
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
                if (strstr(s->error, fields[i]))
                        return strchr(fields[i], '.') + 1;
        return "";
}
