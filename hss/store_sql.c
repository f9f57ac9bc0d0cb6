/* SPDX-License-Identifier: BSD-3-Clause
 * The one table of the store's SQL, prepared at open, and the few functions that run it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/log.h"
#include "hss/store_int.h"

/* What facts are read from. IMPI: the row number of the asking IMPI, or 0. The last two before the texts tell
 * of the other IMPIs of the set and of the other sets of the subscription, NULL where there are none: 1
 * registered (a set: or unregistered), 2 authentication pending. One look each, for every request pays for
 * it. */
#define FACTS(IMPI)                                                                                          \
        "u.id, u.implicit_set, s.id, u.type, u.barred, r.state, s.registration_allowed, "                    \
        "s.unregistered_services,"                                                                           \
        " s.reassign, coalesce(g.registered, 0), coalesce(g.pending, 0), g.impi IS NOT NULL,"                \
        " CASE WHEN u.barred THEN NOT EXISTS (SELECT 1 FROM impu b WHERE b.implicit_set = u.implicit_set"    \
        "   AND NOT b.barred) ELSE 0 END,"                                                                   \
        " (SELECT max(q.registered) + 2 * max(q.pending) FROM registration q"                                \
        "   WHERE q.implicit_set = u.implicit_set AND q.impi <> " IMPI "),"                                  \
        " (SELECT max(o.state <> 0) + 2 * max(coalesce(q.pending, 0)) FROM implicit_set o"                   \
        "   LEFT JOIN registration q ON q.implicit_set = o.id"                                               \
        "   WHERE o.subscription = s.id AND o.id <> u.implicit_set),"                                        \
        " u.impu, s.scscf_name, s.visited, s.mandatory, s.optional, s.server_names, u.as_name"

#define CREDENTIAL                                                                                           \
        "impi, scheme, algorithm, amf, iterations, res_octets, seq, ind_cs, ind_ps, ind_ims, credential,"    \
        " digest_realm, line_ids, digest_algorithm"

#define DEVICE                                                                                               \
        "SELECT d.id, d.impi, d.pinned, d.given, d.refused, coalesce(d.last_s, 0), i.impi, d.subject,"       \
        " d.fingerprint, d.blocked FROM device d JOIN impi i ON i.id = d.impi"

static const char *const texts[SQL_COUNT] = {
        [SQL_BEGIN_READ] = "BEGIN",
        [SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
        [SQL_COMMIT] = "COMMIT",
        [SQL_ROLLBACK] = "ROLLBACK",
        [SQL_DATA_VERSION] = "PRAGMA data_version",

        [SQL_READ_PAIR] = "SELECT i.id, i.scheme, i.impi, " FACTS(
                "i.id") " FROM impi i LEFT JOIN impu u ON u.impu = ?2"
                        " LEFT JOIN implicit_set r ON r.id = u.implicit_set"
                        " LEFT JOIN registration g ON g.impi = i.id AND g.implicit_set = u.implicit_set"
                        " JOIN subscription s ON s.id = i.subscription WHERE i.impi = ?1",
        [SQL_READ_IMPU] = "SELECT 0, 0, NULL, " FACTS(
                "0") " FROM impu u JOIN implicit_set r ON r.id = u.implicit_set"
                     " LEFT JOIN registration g ON g.impi = 0"
                     " JOIN subscription s ON s.id = r.subscription WHERE u.impu = ?1",
        [SQL_READ_SET] = "SELECT i.id, i.scheme, i.impi, " FACTS(
                "i.id") " FROM impi i JOIN impu u ON u.implicit_set = ?2"
                        " JOIN implicit_set r ON r.id = u.implicit_set"
                        " LEFT JOIN registration g ON g.impi = i.id AND g.implicit_set = u.implicit_set"
                        " JOIN subscription s ON s.id = i.subscription WHERE i.id = ?1 ORDER BY u.position "
                        "LIMIT 1",
        [SQL_READ_CREDENTIAL] = "SELECT " CREDENTIAL " FROM impi WHERE id = ?1",
        [SQL_EACH_CREDENTIAL] =
                "SELECT " CREDENTIAL ", id, subscription, imsi FROM impi WHERE id >= ?1 AND scheme = 0"
                " ORDER BY id LIMIT ?2",
        [SQL_LIST_WILDCARDS] = "SELECT impu FROM impu WHERE type IN (2, 4) ORDER BY id",
        [SQL_LIST_SETS] = "SELECT implicit_set FROM registration WHERE impi = ?1 AND registered >= ?2",
        [SQL_LIST_SUBSCRIPTION_IMPIS] = "SELECT impi FROM impi WHERE subscription = ?1 ORDER BY id",
        [SQL_LIST_REGISTERED_IMPIS] = "SELECT i.impi FROM registration g JOIN impi i ON i.id = g.impi"
                                      " WHERE g.implicit_set = ?1 AND g.registered ORDER BY i.id",
        [SQL_LIST_IMPUS] =
                "SELECT u.impu, u.display_name, u.type, u.alias_group, u.barred, u.profile, p.revision"
                " FROM impu u JOIN service_profile p ON p.id = u.profile"
                " WHERE u.implicit_set = ?1 ORDER BY u.position",
        [SQL_READ_PROFILE] = "SELECT document FROM service_profile WHERE id = ?1",
        [SQL_READ_EXTRAS] = "SELECT charging, coalesce(loose_route, -1), coalesce(priviledged_sender, -1)"
                            " FROM subscription WHERE id = ?1",
        [SQL_LIST_RESTORATION] = "SELECT data FROM restoration WHERE implicit_set = ?1 ORDER BY impi",

        [SQL_WRITE_SQN] = "UPDATE impi SET seq = ?2, ind_cs = ?3, ind_ps = ?4, ind_ims = ?5 WHERE id = ?1",
        [SQL_WRITE_STATE] = "UPDATE implicit_set SET state = ?2 WHERE id = ?1",
        [SQL_WRITE_REGISTERED] =
                "UPDATE registration SET registered = ?3 WHERE impi = ?1 AND implicit_set = ?2",
        [SQL_WRITE_PENDING] = "UPDATE registration SET pending = ?3 WHERE impi = ?1 AND implicit_set = ?2",
        [SQL_CLEAR_SET] = "UPDATE registration SET registered = 0, pending = 0 WHERE implicit_set = ?1",
        [SQL_CLEAR_SET_RESTORATION] = "DELETE FROM restoration WHERE implicit_set = ?1",
        [SQL_WRITE_NAME] =
                "UPDATE subscription SET scscf_name = ?2, scscf_host = ?3, scscf_realm = ?4, reassign = 0"
                " WHERE id = ?1",
        [SQL_WRITE_REASSIGN] = "UPDATE subscription SET reassign = ?2 WHERE id = ?1",
        [SQL_WRITE_RESTORATION] = "INSERT INTO restoration (impi, implicit_set, data) VALUES (?1, ?2, ?3)"
                                  " ON CONFLICT DO UPDATE SET data = excluded.data",
        [SQL_DELETE_RESTORATION] = "DELETE FROM restoration WHERE impi = ?1 AND implicit_set = ?2",

        [SQL_GET_META] = "SELECT value FROM meta WHERE name = ?1",
        [SQL_PUT_META] = "INSERT INTO meta (name, value) VALUES (?1, ?2)"
                         " ON CONFLICT DO UPDATE SET value = excluded.value",
        [SQL_FIND_ID] =
                "SELECT id FROM impi WHERE impi = ?1 UNION ALL SELECT id FROM impi WHERE imsi = ?1"
                " UNION ALL SELECT id FROM impi WHERE msisdn = ?1"
                " UNION ALL SELECT g.impi FROM impu u JOIN registration g ON g.implicit_set = u.implicit_set"
                " WHERE u.impu = ?1 LIMIT 1",
        [SQL_FIND_PROFILE] = "SELECT id FROM service_profile WHERE name = ?1",
        [SQL_LIST_PROFILES] = "SELECT name, document, coalesce(users, 0) FROM service_profile p LEFT JOIN"
                              " (SELECT profile, count(*) AS users FROM impu GROUP BY profile) u"
                              " ON u.profile = p.id ORDER BY id",
        [SQL_PUT_PROFILE] =
                /* A row number may come again after a removal, so the revision is no mere counter. */
        "INSERT INTO service_profile (name, document, revision) VALUES (?1, ?2, random())"
        " ON CONFLICT DO UPDATE SET document = excluded.document, revision = excluded.revision",
        [SQL_DELETE_PROFILE] = "DELETE FROM service_profile WHERE name = ?1",
        [SQL_NEW_SUBSCRIPTION] = "INSERT INTO subscription (id) VALUES (NULL)",
        [SQL_NEW_IMPI] =
                "INSERT INTO impi (subscription, impi, imsi, msisdn, seq) VALUES (?1, ?2, ?3, ?4, 0)",
        [SQL_NEW_SET] = "INSERT INTO implicit_set (subscription) VALUES (?1)",
        [SQL_NEW_IMPU] =
                "INSERT INTO impu (implicit_set, profile, impu, barred, type, alias_group, display_name,"
                " as_name, position) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
                " (SELECT coalesce(max(position), -1) + 1 FROM impu WHERE implicit_set = ?1))",
        [SQL_NEW_REGISTRATION] = "INSERT INTO registration (impi, implicit_set) VALUES (?1, ?2)",
        [SQL_SET_SUBSCRIPTION] =
                "UPDATE subscription SET registration_allowed = ?2, unregistered_services = ?3,"
                " visited = ?4, mandatory = ?5, optional = ?6, server_names = ?7, charging = ?8,"
                " loose_route = ?9, priviledged_sender = ?10 WHERE id = ?1",
        [SQL_SET_IMPI] =
                "UPDATE impi SET impi = ?2, imsi = ?3, msisdn = ?4, scheme = ?5, algorithm = ?6, amf = ?7,"
                " iterations = ?8, res_octets = ?9, credential = ?10, digest_realm = ?11, line_ids = ?12,"
                " digest_algorithm = ?13 WHERE id = ?1",
        [SQL_SET_PROFILE] = "UPDATE impu SET profile = ?2 WHERE implicit_set IN"
                            " (SELECT implicit_set FROM registration WHERE impi = ?1)",
        [SQL_SET_BARRED] = "UPDATE impu SET barred = ?3 WHERE impu = ?2 AND implicit_set IN"
                           " (SELECT implicit_set FROM registration WHERE impi = ?1)",
        [SQL_DELETE_IMPU] = "DELETE FROM impu WHERE impu = ?2 AND implicit_set IN"
                            " (SELECT implicit_set FROM registration WHERE impi = ?1)",
        [SQL_DELETE_EMPTY_SETS] = "DELETE FROM implicit_set WHERE subscription = ?1 AND NOT EXISTS"
                                  " (SELECT 1 FROM impu u WHERE u.implicit_set = implicit_set.id)",
        [SQL_DELETE_SUBSCRIPTION] = "DELETE FROM subscription WHERE id = ?1",
        [SQL_DELETE_SHARED_IMPI] = "DELETE FROM impi WHERE id = ?1 AND EXISTS (SELECT 1 FROM impi o"
                                   " WHERE o.subscription = impi.subscription AND o.id <> impi.id)",
        [SQL_SETTLE_SETS] =
                "UPDATE implicit_set SET state = 0 WHERE subscription = ?1 AND state = 1 AND NOT EXISTS"
                " (SELECT 1 FROM registration g WHERE g.implicit_set = implicit_set.id AND g.registered)",
        [SQL_JOIN_SETS] = "INSERT INTO registration (impi, implicit_set) SELECT ?1, id FROM implicit_set"
                          " WHERE subscription = ?2",
        [SQL_NEW_DEVICE] = "INSERT INTO device (impi, subject, fingerprint, pinned) VALUES (?1, ?2, ?3,"
                           " ?3 IS NOT NULL)",
        [SQL_FIND_DEVICE] =
                DEVICE " WHERE d.fingerprint = ?1 UNION ALL " DEVICE " WHERE d.subject = ?2 LIMIT 1",
        [SQL_NAME_DEVICE] = DEVICE " WHERE i.impi = ?1 UNION ALL " DEVICE " WHERE d.subject = ?1"
                                   " UNION ALL " DEVICE " WHERE d.fingerprint = lower(?1) LIMIT 1",
        [SQL_NEXT_DEVICE] = DEVICE " WHERE d.id >= ?1 ORDER BY d.id LIMIT 1",
        [SQL_DEVICE_GIVEN] =
                "UPDATE device SET given = given + 1, fingerprint = ?2, last_s = ?3 WHERE id = ?1",
        [SQL_DEVICE_REFUSED] = "UPDATE device SET refused = refused + 1 WHERE id = ?1",
        [SQL_DEVICE_BLOCK] =
                "UPDATE device SET blocked = ?2, refused = CASE WHEN ?2 IS NULL THEN 0 ELSE refused END"
                " WHERE id = ?1",
        [SQL_DEVICE_FORGET] = "UPDATE device SET given = 0, refused = 0, last_s = NULL,"
                              " fingerprint = CASE WHEN pinned THEN fingerprint END WHERE id = ?1",
        [SQL_DELETE_DEVICE] = "DELETE FROM device WHERE id = ?1",
        [SQL_PUT_PUSH] =
                "INSERT INTO push (impi, change, password, ending, since_s) VALUES (?1, random(), ?2, ?3, ?4)"
                " ON CONFLICT DO UPDATE SET change = excluded.change,"
                " password = max(password, excluded.password), ending = max(ending, excluded.ending),"
                " since_s = excluded.since_s",
        [SQL_NEXT_PUSH] =
                "SELECT p.impi, p.change, p.password, p.ending, p.since_s, i.impi, s.scscf_name, "
                "s.scscf_host,"
                " s.scscf_realm FROM push p JOIN impi i ON i.id = p.impi"
                " JOIN subscription s ON s.id = i.subscription WHERE p.impi >= ?1 ORDER BY p.impi LIMIT 1",
        [SQL_DELETE_PUSH] = "DELETE FROM push WHERE impi = ?1 AND change = ?2",
        [SQL_PUT_REMOVED] = "INSERT INTO removed (impi, since_s, scscf_name, scscf_host, scscf_realm)"
                            " SELECT i.impi, ?2, s.scscf_name, s.scscf_host, s.scscf_realm FROM impi i"
                            " JOIN subscription s ON s.id = i.subscription"
                            " WHERE i.id = ?1 AND s.scscf_name IS NOT NULL AND s.scscf_host IS NOT NULL",
        [SQL_NEXT_REMOVED] = "SELECT id, 0, 0, 0, since_s, impi, scscf_name, scscf_host, scscf_realm"
                             " FROM removed WHERE id >= ?1 ORDER BY id LIMIT 1",
        [SQL_DELETE_REMOVED] = "DELETE FROM removed WHERE id = ?1",
        [SQL_SHARED_AND_DERIVED] =
                "SELECT u.impu FROM impi i JOIN registration g ON g.impi = i.id"
                " JOIN impu u ON u.implicit_set = g.implicit_set AND lower(u.impu) = 'sip:' || lower(i.impi)"
                " WHERE i.subscription = ?1 AND i.scheme = 1 AND EXISTS (SELECT 1 FROM registration o"
                " WHERE o.implicit_set = g.implicit_set AND o.impi <> i.id) LIMIT 1",
        [SQL_SHOW_IMPI] =
                "SELECT i.id, i.subscription, i.impi, i.imsi, i.msisdn, i.scheme, i.algorithm, i.amf,"
                " i.iterations, i.res_octets, i.seq, i.ind_cs, i.ind_ps, i.ind_ims, i.credential,"
                " i.digest_realm, i.line_ids, s.registration_allowed, s.unregistered_services, s.visited,"
                " s.mandatory, s.optional, s.server_names, s.charging, coalesce(s.loose_route, -1),"
                " coalesce(s.priviledged_sender, -1), s.scscf_name, s.scscf_host, s.reassign,"
                " (SELECT o.impi FROM impi o WHERE o.subscription = s.id ORDER BY o.id LIMIT 1),"
                " i.digest_algorithm"
                " FROM impi i JOIN subscription s ON s.id = i.subscription"
                " WHERE i.id >= ?1 ORDER BY i.id LIMIT 1",
        [SQL_SHOW_IMPUS] =
                "SELECT u.impu, u.barred, u.type, u.display_name, u.alias_group, u.as_name, p.name, r.id,"
                " r.state, g.registered, g.pending FROM registration g"
                " JOIN implicit_set r ON r.id = g.implicit_set JOIN impu u ON u.implicit_set = r.id"
                " JOIN service_profile p ON p.id = u.profile WHERE g.impi = ?1 ORDER BY r.id, u.position",
};

int store_exec(struct store *s, const char *sql)
{
        int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
        return rc == SQLITE_OK ? 0 : store_fail(s, rc);
}

int sql_prepare(struct store *s)
{
        for (int i = 0; i < SQL_COUNT; i++) {
                int rc = sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmts[i],
                                            NULL);
                if (rc != SQLITE_OK)
                        return store_fail(s, rc);
        }
        return 0;
}

void sql_finalize(struct store *s)
{
        for (int i = 0; i < SQL_COUNT; i++) {
                sqlite3_finalize(s->stmts[i]);
                s->stmts[i] = NULL;
        }
}

void sql_reset(sqlite3_stmt *st)
{
        (void)sqlite3_reset(st); /* repeats the error of the last step, which was seen there */
        (void)sqlite3_clear_bindings(st);
}

sqlite3_stmt *sql_bind(struct store *s, enum sql_id id, const char *types, ...)
{
        sqlite3_stmt *st = s->stmts[id];
        va_list ap;
        va_start(ap, types);
        for (int i = 1; *types; types++, i++) {
                /* The only failure is a wrong index, a bug of the table above: the step shows it. */
                if (*types == 'i') {
                        (void)sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
                } else if (*types == 't' || *types == 'b') {
                        struct span v = va_arg(ap, struct span);
                        if (!v.p)
                                (void)sqlite3_bind_null(st, i);
                        else if (*types == 't')
                                (void)sqlite3_bind_text64(st, i, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8);
                        else
                                (void)sqlite3_bind_blob64(st, i, v.p, v.n, SQLITE_STATIC);
                } else {
                        (void)sqlite3_bind_null(st, i);
                }
        }
        va_end(ap);
        return st;
}

int sql_step(struct store *s, sqlite3_stmt *st)
{
        errno = 0; /* store_fail asks for it: SQLite does not keep that of a write */
        int rc = sqlite3_step(st);
        if (rc == SQLITE_ROW)
                return 1;
        if (rc == SQLITE_DONE)
                return 0;
        rc = store_fail(s, rc);
        sql_reset(st);
        return rc;
}

int sql_run(struct store *s, sqlite3_stmt *st)
{
        int rc = sql_step(s, st);
        if (rc >= 0)
                sql_reset(st);
        return rc < 0 ? rc : 0;
}

int sql_text(struct arena *a, sqlite3_stmt *st, int i, struct span *out)
{
        const void *p = sqlite3_column_type(st, i) == SQLITE_NULL ? NULL : sqlite3_column_blob(st, i);
        size_t n = (size_t)sqlite3_column_bytes(st, i);
        if (!p && sqlite3_column_type(st, i) != SQLITE_NULL)
                p = ""; /* an empty value has no address */
        return arena_copy(a, span_make(p, p ? n : 0), out);
}
