/* SPDX-License-Identifier: BSD-3-Clause
 * hss diagnose: why the SIM and the HSS compute different values. Reads alone, but for --repair. */
#include "hss/cli_diagnose.h"

#include <stdio.h>

#include "common/base/secret.h"

#define BATCH 10000 /* rows in one read transaction, so that the log of the database can move on */

static struct diagnose_key key_of(const struct credential *c)
{
        struct diagnose_key k = {.key = c->key, .has_op = c->has_op};
        memcpy(k.op, c->op, sizeof k.op);
        return k;
}

/* --- the other subscribers --- */

struct walk {
        struct cli *c;
        const struct record *r;
        const struct diagnose_key *record;
        struct diagnose_finding *f;
        bool search; /* try each key; else only count equal OPc */
        bool found;
        int err;
};

static bool visit(const struct store_visit *v, void *arg)
{
        struct walk *w = arg;
        struct diagnose_finding *f = w->f;
        struct diagnose_key other = key_of(v->credential);
        int rc = -IMS_ENOTFOUND;
        if (v->id != w->r->id) {
                f->others++;
                if (other.key.algorithm == w->record->key.algorithm &&
                    secret_eq(other.key.opc, w->record->key.opc, sizeof other.key.opc) &&
                    !secret_eq(other.key.k, w->record->key.k, sizeof other.key.k))
                        f->same_opc++;
                if (w->search)
                        rc = diagnose_other(w->c->aka, w->record, &f->order->e, &other,
                                            v->subscription == w->r->subscription, &f->d);
        }
        secret_wipe(&other, sizeof other);
        if (rc == -IMS_ENOTFOUND)
                return true;
        w->err = rc;
        w->found = rc == 0;
        if (w->found && (span_copy(v->impi, f->other_impi, sizeof f->other_impi) < 0 ||
                         span_copy(v->imsi, f->other_imsi, sizeof f->other_imsi) < 0))
                w->err = -IMS_ETOOBIG;
        return false;
}

static int walk(struct walk *w)
{
        int64_t from = 0;
        size_t n = BATCH;
        int rc = 0;
        while (rc == 0 && !w->err && !w->found && n == BATCH) {
                rc = store_begin(w->c->store, false);
                if (rc == 0)
                        rc = store_each_credential(w->c->store, &from, BATCH, visit, w, &n);
                store_rollback(w->c->store);
        }
        return rc < 0 ? cli_store_failed(w->c, rc) : w->err;
}

/* --- what was found --- */

/* Did the record as it stands make this AUTN? SQN of the challenge, too. */
static int check_challenge(struct cli *c, const struct diagnose_key *record, struct diagnose_finding *f,
                           uint64_t *sqn)
{
        struct aka_av av;
        uint16_t amf;
        f->ours = -1;
        if (!f->order->e.has_autn)
                return 0;
        int rc = aka_check_autn(c->aka, &record->key, f->order->e.rand, f->order->e.autn, sqn, &amf, &av);
        secret_wipe(&av, sizeof av);
        if (rc < 0 && rc != -IMS_EAUTH)
                return rc;
        f->ours = rc == 0;
        return 0;
}

static bool autn_alone(const struct diagnose_evidence *e)
{
        return !e->has_auts && !e->res_n && !e->response.n;
}

/* The key was found: what do the SQNs say? */
static void judge_sqn(struct cli *c, const struct record *r, const uint64_t *challenge,
                      struct diagnose_finding *f)
{
        const struct sqn_scheme scheme = hss_conf_sqn_scheme(c->conf);
        f->ind_bits = scheme.ind_bits;
        if (!f->d.has_sqn_ms)
                return;
        f->sqn = diagnose_sqn(&scheme, &r->sqn, f->ours == 1 ? challenge : NULL, f->d.sqn_ms);
        bool wrong = f->sqn.row == DIAGNOSE_ind_length || f->sqn.row == DIAGNOSE_sim_limit ||
                     (f->sqn.row != DIAGNOSE_nothing_wrong && !f->sqn.settled);
        if (f->result != DIAGNOSE_IS_RIGHT || !wrong)
                return;
        f->result = DIAGNOSE_IS_MISTAKE;
        f->d.row = f->sqn.row;
}

static int search(struct cli *c, const struct record *r, const struct diagnose_key *record,
                  struct diagnose_finding *f)
{
        struct walk w = {.c = c, .r = r, .record = record, .f = f};
        uint64_t challenge = 0;
        int rc = check_challenge(c, record, f, &challenge);
        if (rc == 0)
                rc = diagnose_run(c->aka, record, &f->order->e, &f->d);
        if (rc < 0 && rc != -IMS_ENOTFOUND)
                return rc;
        w.search = rc == -IMS_ENOTFOUND;
        bool own = rc == 0 && f->d.row == DIAGNOSE_nothing_wrong && autn_alone(&f->order->e);
        if (w.search || own)
                rc = walk(&w);
        if (rc < 0)
                return rc;
        if (w.search && !w.found)
                f->result = DIAGNOSE_IS_UNKNOWN;
        else if (own)
                f->result = f->same_opc && !record->has_op     ? DIAGNOSE_IS_SUSPECT
                            : diagnose_opc_is_known_op(record) ? DIAGNOSE_IS_SUSPECT
                                                               : DIAGNOSE_IS_OURS;
        else
                f->result = f->d.row == DIAGNOSE_nothing_wrong ? DIAGNOSE_IS_RIGHT : DIAGNOSE_IS_MISTAKE;
        judge_sqn(c, r, &challenge, f);
        return 0;
}

/* --- repair --- */

static bool same_key(const struct diagnose_key *a, const struct diagnose_key *b)
{
        return a->key.algorithm == b->key.algorithm && a->key.k_n == b->key.k_n &&
               secret_eq(a->key.k, b->key.k, sizeof a->key.k) &&
               secret_eq(a->key.opc, b->key.opc, sizeof a->key.opc);
}

/* Stores what fits, unless somebody changed the record since it was read. */
static int write_repair(struct cli *c, const char *id, const struct diagnose_key *record,
                        const struct diagnose_finding *f)
{
        const struct provision p = {.conf = c->conf, .store = c->store, .aka = c->aka, .arena = &c->arena};
        const struct sqn_scheme scheme = hss_conf_sqn_scheme(c->conf);
        const struct diagnose_key *fits = &f->d.key;
        struct credential now = {.scheme = HSS_SCHEME_AKA};
        struct record r;
        int rc = cli_find(c, id, &r);
        if (rc == 0)
                rc = store_read_credential(c->store, &c->arena, r.id, &now);
        struct diagnose_key present = key_of(&now);
        if (rc == 0 && !same_key(&present, record)) {
                buf_puts(&c->err, "the record was changed meanwhile: nothing is repaired, diagnose again\n");
                rc = -IMS_EEXISTS;
        }
        if (rc == 0 && diagnose_blame(f->d.row) == DIAGNOSE_SQN) {
                (void)sqn_resync(&scheme, &r.sqn, f->d.sqn_ms);
                rc = store_write_sqn(c->store, r.id, &r.sqn);
        } else if (rc == 0) {
                rc = sub_seal_key(&p, &fits->key, fits->has_op ? fits->op : NULL, &r);
                if (rc == 0)
                        rc = store_set_record(c->store, &r);
        }
        secret_wipe(&present, sizeof present);
        secret_wipe(&now, sizeof now);
        return rc;
}

static int repair(struct cli *c, const struct diagnose_key *record, struct diagnose_finding *f)
{
        enum diagnose_blame blame = diagnose_blame(f->d.row);
        bool can = f->result == DIAGNOSE_IS_MISTAKE &&
                   (blame == DIAGNOSE_RECORD ||
                    (blame == DIAGNOSE_SQN && f->d.row != DIAGNOSE_ind_length && !f->sqn.settled));
        if (!can) {
                if (f->result != DIAGNOSE_IS_RIGHT)
                        buf_puts(&c->err, "--repair: this cannot be mended in the store\n");
                return 0;
        }
        if (blame == DIAGNOSE_RECORD && diagnose_by_chance(f)) {
                buf_puts(&c->err,
                         "--repair: what fits may fit by chance; diagnose a second challenge as well\n");
                return 0;
        }
        int rc = store_begin(c->store, true);
        if (rc == 0) {
                rc = write_repair(c, f->order->id, record, f);
                if (rc == 0)
                        rc = store_commit(c->store);
                else
                        store_rollback(c->store);
        }
        f->repaired = rc == 0;
        return cli_store_failed(c, rc);
}

/* --- the command --- */

static int read_record(struct cli *c, const char *id, struct record *r, struct diagnose_key *key)
{
        struct credential now;
        int rc = store_begin(c->store, false);
        if (rc == 0)
                rc = cli_find(c, id, r);
        if (rc == 0 && r->scheme != HSS_SCHEME_AKA) {
                buf_puts(&c->err, "the subscriber has no AKA key: there is nothing to compare\n");
                rc = -IMS_EUNSUPPORTED;
        }
        if (rc == 0) {
                rc = store_read_credential(c->store, &c->arena, r->id, &now);
                if (rc == -IMS_EAUTH)
                        buf_puts(&c->err,
                                 "the stored key does not open under this key file: give K and OPc again\n");
        }
        if (rc == 0)
                *key = key_of(&now);
        secret_wipe(&now, sizeof now);
        store_rollback(c->store);
        return rc;
}

/* What a phone takes for granted where the options do not say it. */
static void fill_identity(struct diagnose_evidence *e, struct span impi)
{
        ptrdiff_t at = span_chr(impi, '@', 0);
        if (!e->username.p)
                e->username = impi;
        if (!e->realm.p)
                e->realm = span_sub(impi, (size_t)(at + 1), impi.n);
}

static int exit_code(const struct diagnose_finding *f)
{
        switch (f->result) {
        case DIAGNOSE_IS_RIGHT:
                return 0;
        case DIAGNOSE_IS_MISTAKE:
        case DIAGNOSE_IS_SUSPECT:
                return f->repaired ? 0 : CLI_EXIT_MISTAKE;
        default:
                return CLI_EXIT_NOTHING_FITS;
        }
}

int cli_diagnose(struct cli *c, int argc, char **argv)
{
        struct diagnose_order order = {.id = NULL};
        struct diagnose_finding f = {.order = &order};
        struct diagnose_key key = {.has_op = false};
        struct record r;
        int rc = diagnose_read(c, argc, argv, &order);
        if (rc == 0)
                rc = read_record(c, order.id, &r, &key);
        if (rc == 0) {
                fill_identity(&order.e, r.impi);
                f.impi = r.impi;
                rc = search(c, &r, &key, &f);
        }
        if (rc == 0 && order.repair)
                rc = repair(c, &key, &f);
        if (rc == 0) {
                (order.json ? diagnose_print_json : diagnose_print)(&f);
                c->exit_code = exit_code(&f);
        }
        secret_wipe(&key, sizeof key);
        diagnosis_wipe(&f.d);
        buf_free(&order.again);
        return rc;
}
