/* SPDX-License-Identifier: BSD-3-Clause
 * From the given fields to a record: lists, credential. */
#include "common/base/secret.h"
#include "hss/subscriber.h"

int sub_lines(struct arena *a, const struct sub_list *list, struct span *out)
{
        size_t total = 0;
        if (list->n == 0) {
                *out = SPAN_NULL;
                return 0;
        }
        for (size_t i = 0; i < list->n; i++)
                total += list->v[i].n + 1;
        char *p = arena_alloc(a, total);
        if (!p)
                return -IMS_ENOMEM;
        size_t at = 0;
        for (size_t i = 0; i < list->n; i++) {
                memcpy(p + at, list->v[i].p, list->v[i].n);
                at += list->v[i].n;
                p[at++] = '\n';
        }
        p[total - 1] = '\0';
        *out = span_make(p, total - 1);
        return 0;
}

static int refuse(struct buf *err, enum sub_field f, const char *why)
{
        buf_printf(err, "%s: %s\n", sub_rows[f].name, why);
        return -IMS_EINVAL;
}

int sub_seal(const struct provision *p, struct record *r, const void *plain, size_t n)
{
        uint8_t sealed[KEYFILE_SEALED_MAX];
        size_t sealed_n = 0;
        int rc = keyfile_seal(store_keys(p->store), r->impi, plain, n, sealed, &sealed_n);
        return rc < 0 ? rc : arena_copy(p->arena, span_make(sealed, sealed_n), &r->sealed);
}

int sub_seal_key(const struct provision *p, const struct aka_key *key, const uint8_t *op, struct record *r)
{
        uint8_t plain[96];
        size_t opc_n = key->algorithm == AKA_TUAK ? 32 : 16, n = key->k_n + opc_n;
        memcpy(plain, key->k, key->k_n);
        memcpy(plain + key->k_n, key->opc, opc_n);
        if (op) {
                memcpy(plain + n, op, opc_n);
                n += opc_n;
        }
        int rc = sub_seal(p, r, plain, n);
        secret_wipe(plain, sizeof plain);
        if (rc < 0)
                return rc;
        r->algorithm = key->algorithm;
        r->iterations = key->keccak_iterations ? key->keccak_iterations : 1;
        r->res_octets = key->res_n ? (uint32_t)key->res_n : 8;
        return 0;
}

/* The key as it stands now, for a change that gives only a part of it. */
static int present_key(const struct provision *p, const struct record *r, struct aka_key *key,
                       struct buf *err)
{
        struct credential c;
        if (!r->id || r->scheme != HSS_SCHEME_AKA)
                return refuse(err, SUB_K, "K is missing");
        int rc = store_read_credential(p->store, p->arena, r->id, &c);
        if (rc == -IMS_EAUTH)
                return refuse(err, SUB_K,
                              "the stored key does not open under this key file: give K and OPc again");
        if (rc == 0)
                *key = c.key;
        secret_wipe(&c, sizeof c);
        return rc;
}

static int fill_aka(const struct provision *p, const struct subscriber *sub, struct record *r,
                    struct buf *err)
{
        struct aka_key key = {0};
        bool milenage_op = sub_given(sub, SUB_OP) || sub_given(sub, SUB_OPC);
        bool tuak_op = sub_given(sub, SUB_TOP) || sub_given(sub, SUB_TOPC);
        int rc = 0;
        if (!sub_given(sub, SUB_K))
                rc = present_key(p, r, &key, err);
        if (rc < 0)
                return rc;
        if (sub_given(sub, SUB_K)) {
                memcpy(key.k, sub->k, sub->k_n);
                key.k_n = sub->k_n;
        }
        key.algorithm = r->algorithm;
        key.keccak_iterations = r->iterations;
        key.res_n = r->res_octets;
        if (key.algorithm == AKA_TUAK ? milenage_op : tuak_op)
                rc = refuse(err, key.algorithm == AKA_TUAK ? SUB_OPC : SUB_TOPC,
                            key.algorithm == AKA_TUAK ? "the subscriber has TUAK: TOP or TOPc"
                                                      : "the subscriber has Milenage: OP or OPc (or --tuak)");
        else if (key.algorithm == AKA_MILENAGE && key.k_n != 16)
                rc = refuse(err, SUB_K, "Milenage has a K of 32 hex digits");
        else if (sub_given(sub, SUB_OPC) || sub_given(sub, SUB_TOPC))
                memcpy(key.opc, sub->opc, tuak_op ? 32 : 16);
        else if (milenage_op || tuak_op)
                rc = aka_derive_opc(p->aka, &key, sub->op);
        if (rc == 0)
                rc = sub_seal_key(p, &key, sub_given(sub, SUB_OP) || sub_given(sub, SUB_TOP) ? sub->op : NULL,
                                  r);
        if (rc == 0) {
                r->scheme = HSS_SCHEME_AKA;
                r->digest_algorithm = DIGEST_MD5;
                r->digest_realm = r->line_ids = SPAN_NULL;
        }
        secret_wipe(&key, sizeof key);
        return rc;
}

static int fill_algorithm(const struct provision *p, const struct subscriber *sub, struct record *r,
                          struct buf *err)
{
        if (sub_given(sub, SUB_TUAK)) {
                enum aka_algorithm wanted = sub->tuak ? AKA_TUAK : AKA_MILENAGE;
                if (r->id && wanted != r->algorithm && !sub_given(sub, SUB_K))
                        return refuse(err, SUB_TUAK, "another algorithm needs K and its OP or OPc again");
                r->algorithm = wanted;
        }
        if ((sub_given(sub, SUB_KECCAK) || sub_given(sub, SUB_RES_OCTETS)) && r->algorithm != AKA_TUAK)
                return refuse(err, SUB_KECCAK, "only with --tuak");
        if (sub_given(sub, SUB_KECCAK))
                r->iterations = sub->keccak;
        if (sub_given(sub, SUB_RES_OCTETS))
                r->res_octets = sub->res_octets;
        if (sub_given(sub, SUB_AMF))
                r->amf = sub->amf;
        else if (!r->id)
                r->amf = hss_conf_amf(p->conf);
        return 0;
}

/* The credential is bound to the IMPI: under a new one it is sealed again. */
static int reseal(const struct provision *p, struct record *r, struct span old_impi, struct buf *err)
{
        uint8_t plain[96];
        size_t n = 0;
        if (r->scheme == HSS_SCHEME_DIGEST)
                return refuse(err, SUB_IMPI, "H(A1) depends on the IMPI: give the password again");
        if (r->scheme != HSS_SCHEME_AKA)
                return 0;
        int rc = keyfile_open(store_keys(p->store), old_impi, r->sealed, plain, sizeof plain, &n);
        if (rc == -IMS_EAUTH)
                return refuse(err, SUB_K,
                              "the stored key does not open under this key file: give K and OPc again");
        if (rc == 0)
                rc = sub_seal(p, r, plain, n);
        secret_wipe(plain, sizeof plain);
        return rc;
}

static int fill_credential(const struct provision *p, const struct subscriber *sub, struct record *r,
                           struct span old_impi, struct buf *err)
{
        static const enum sub_field aka[] = {SUB_K, SUB_OP, SUB_OPC, SUB_TOP, SUB_TOPC};
        bool key = false;
        for (size_t i = 0; i < sizeof aka / sizeof *aka; i++)
                key = key || sub_given(sub, aka[i]);
        int rc = fill_algorithm(p, sub, r, err);
        if (rc < 0)
                return rc;
        if (key)
                return fill_aka(p, sub, r, err);
        if (sub_gives_digest(sub))
                return sub_fill_digest(p, sub, r, err);
        if (sub_given(sub, SUB_DIGEST_REALM))
                return refuse(err, SUB_DIGEST_REALM, "H(A1) depends on the realm: give the password too");
        if (sub_given(sub, SUB_DIGEST_ALGORITHM))
                return refuse(err, SUB_DIGEST_ALGORITHM,
                              "H(A1) depends on the algorithm: give the password too");
        if (sub_given(sub, SUB_NBA_LINE)) {
                r->scheme = HSS_SCHEME_NBA;
                r->digest_algorithm = DIGEST_MD5;
                r->sealed = r->digest_realm = SPAN_NULL;
                return sub_lines(p->arena, &sub->lines, &r->line_ids);
        }
        return r->id && !span_eq(old_impi, r->impi) ? reseal(p, r, old_impi, err) : 0;
}

/* ECFs and CCFs in the four lines of the store; what is not given stays. */
static int fill_charging(const struct provision *p, const struct subscriber *sub, struct record *r)
{
        struct span now[4] = {SPAN_NULL, SPAN_NULL, SPAN_NULL, SPAN_NULL}, rest = r->charging;
        struct sub_list list = {.n = 4};
        if (!sub_given(sub, SUB_ECF) && !sub_given(sub, SUB_CCF))
                return 0;
        for (int i = 0; i < 4 && rest.n; i++)
                if (!span_split(&rest, '\n', &now[i]))
                        break;
        for (size_t i = 0; i < 2; i++) {
                if (sub_given(sub, SUB_ECF))
                        now[i] = i < sub->ecf.n ? sub->ecf.v[i] : SPAN_NULL;
                if (sub_given(sub, SUB_CCF))
                        now[2 + i] = i < sub->ccf.n ? sub->ccf.v[i] : SPAN_NULL;
        }
        for (int i = 0; i < 4; i++)
                list.v[i] = now[i].p ? now[i] : SPAN("");
        return sub_lines(p->arena, &list, &r->charging);
}

static int fill_lists(const struct provision *p, const struct subscriber *sub, struct record *r)
{
        int rc = 0;
        if (sub_given(sub, SUB_VISITED))
                rc = sub_lines(p->arena, &sub->visited, &r->visited); /* "any" leaves the list empty */
        if (rc == 0 && sub_given(sub, SUB_CAPABILITY)) {
                rc = sub_lines(p->arena, &sub->mandatory, &r->mandatory);
                if (rc == 0)
                        rc = sub_lines(p->arena, &sub->optional, &r->optional);
        }
        if (rc == 0 && sub_given(sub, SUB_SERVER_NAME))
                rc = sub_lines(p->arena, &sub->server_names, &r->server_names);
        if (rc == 0)
                rc = fill_charging(p, sub, r);
        return rc;
}

int sub_fill_record(const struct provision *p, const struct subscriber *sub, struct record *r,
                    struct buf *err)
{
        struct span old_impi = r->impi;
        if (sub_given(sub, SUB_IMPI))
                r->impi = sub->impi;
        if (sub_given(sub, SUB_IMSI))
                r->imsi = sub->imsi;
        if (sub_given(sub, SUB_MSISDN))
                r->msisdn = sub->msisdn;
        if (sub_given(sub, SUB_REGISTRATION))
                r->registration_allowed = sub->registration_allowed;
        if (sub_given(sub, SUB_UNREGISTERED))
                r->unregistered_services = sub->unregistered_services;
        if (sub_given(sub, SUB_LOOSE_ROUTE))
                r->loose_route = sub->loose_route;
        if (sub_given(sub, SUB_PRIVILEDGED))
                r->priviledged_sender = sub->priviledged;
        int rc = fill_lists(p, sub, r);
        return rc < 0 ? rc : fill_credential(p, sub, r, old_impi, err);
}
