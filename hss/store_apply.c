/* SPDX-License-Identifier: BSD-3-Clause
 * What Cx procedures write. */
#include "hss/store_int.h"

static int apply_pair(struct store *s, const struct facts *f, const struct effects *e,
                      struct span restoration)
{
        int rc = 0;
        if (e->registered >= 0 && e->registered != f->registered)
                rc = sql_run(
                        s, sql_bind(s, SQL_WRITE_REGISTERED, "iii", f->impi, f->set, (int64_t)e->registered));
        if (rc == 0 && e->pending >= 0 && e->pending != f->pending)
                rc = sql_run(s, sql_bind(s, SQL_WRITE_PENDING, "iii", f->impi, f->set, (int64_t)e->pending));
        if (rc == 0 && e->restoration == RESTORATION_STORE && restoration.n)
                rc = sql_run(s, sql_bind(s, SQL_WRITE_RESTORATION, "iib", f->impi, f->set, restoration));
        else if (rc == 0 && e->restoration == RESTORATION_CLEAR)
                rc = sql_run(s, sql_bind(s, SQL_DELETE_RESTORATION, "ii", f->impi, f->set));
        return rc;
}

/* A request that names no IMPI stands for all of them. */
static int apply_set(struct store *s, const struct facts *f, const struct effects *e)
{
        int rc = 0;
        if (e->registered == 0)
                rc = sql_run(s, sql_bind(s, SQL_CLEAR_SET, "i", f->set));
        if (rc == 0 && e->restoration == RESTORATION_CLEAR)
                rc = sql_run(s, sql_bind(s, SQL_CLEAR_SET_RESTORATION, "i", f->set));
        return rc;
}

static bool any(const struct effects *e)
{
        return e->state >= 0 || e->registered >= 0 || e->pending >= 0 || e->reassign >= 0 ||
               e->name != NAME_KEEP || e->restoration != RESTORATION_KEEP;
}

int store_apply(struct store *s, const struct facts *f, const struct effects *e, const struct serving *by)
{
        if (!any(e))
                return 0;
        int rc = f->impi ? apply_pair(s, f, e, by->restoration) : apply_set(s, f, e);
        if (rc == 0 && e->state >= 0 && e->state != (int)f->state)
                rc = sql_run(s, sql_bind(s, SQL_WRITE_STATE, "ii", f->set, (int64_t)e->state));
        if (rc == 0 && e->name == NAME_STORE)
                rc = sql_run(s, sql_bind(s, SQL_WRITE_NAME, "ittt", f->subscription, by->name, by->host,
                                         by->realm));
        else if (rc == 0 && e->name == NAME_CLEAR)
                rc = sql_run(s, sql_bind(s, SQL_WRITE_NAME, "innn", f->subscription));
        else if (rc == 0 && e->reassign >= 0 && e->reassign != f->reassign)
                rc = sql_run(s, sql_bind(s, SQL_WRITE_REASSIGN, "ii", f->subscription, (int64_t)e->reassign));
        if (rc == 0)
                store_cache_wrote(s->cache, f, e, by->name);
        return rc;
}

int store_write_sqn(struct store *s, int64_t impi, const struct sqn_hss *sqn)
{
        return sql_run(s, sql_bind(s, SQL_WRITE_SQN, "iiiii", impi, (int64_t)sqn->seq,
                                   (int64_t)sqn->ind[SQN_DOMAIN_CS], (int64_t)sqn->ind[SQN_DOMAIN_PS],
                                   (int64_t)sqn->ind[SQN_DOMAIN_IMS]));
}
