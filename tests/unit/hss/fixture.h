/* SPDX-License-Identifier: BSD-3-Clause
 * A store of its own per test, in a temporary directory, and what handling a Cx request needs. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/node.h"
#include "hss/cli.h"
#include "hss/cx_job.h"
#include "tests/unit/proves.h"

#define DOMAIN     "ims.mnc001.mcc001.3gppnetwork.org"
#define K          "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC        "cd63cb71954a9f4e48a5994e37a02baf"
#define ALICE      "--imsi 001010000000001 --msisdn 15550001 --k " K " --opc " OPC
#define BOB        "--imsi 001010000000002 --msisdn 15550002 --k " K " --opc " OPC
#define ALICE_IMPI "001010000000001@" DOMAIN
#define ALICE_SIP  "sip:+15550001@" DOMAIN
#define ALICE_TEL  "tel:+15550001"
#define ALICE_TEMP "sip:001010000000001@" DOMAIN
#define BOB_IMPI   "001010000000002@" DOMAIN
#define BOB_SIP    "sip:+15550002@" DOMAIN
#define SCSCF1     "sip:scscf1." DOMAIN
#define SCSCF2     "sip:scscf2." DOMAIN

struct fixture {
        char dir[64], db[128], key[128];
        struct hss_conf *conf;
        struct store_conf store_conf;
        struct store *store;
        struct aka_ctx *aka;
        struct auc *auc;
        struct profile_cache *profiles;
        struct hss_env env;
        struct job job; /* the last one */
};

/* extra: more lines of the configuration. */
static inline void fixture_conf(struct fixture *f, const char *extra)
{
        struct buf err = BUF_INIT;
        char text[2048];
        void *conf = NULL;
        (void)snprintf(text, sizeof text,
                       "store: {file: %s, key_file: %s}\ndiameter: {identity: hss." DOMAIN ", realm: " DOMAIN
                       "}\n%s",
                       f->db, f->key, extra);
        int rc = conf_parse(&hss_conf_schema, "test", span_of(text), &conf, &err);
        if (rc < 0)
                (void)fprintf(stderr, SPAN_FMT "\n", SPAN_ARG(buf_as_span(&err)));
        assert_int_equal(rc, 0);
        buf_free(&err);
        f->conf = conf;
        f->store_conf = cli_store_conf(f->conf, STORE_TOOL);
}

static inline void fixture_dir(struct fixture *f)
{
        memset(f, 0, sizeof *f);
        (void)snprintf(f->dir, sizeof f->dir, "/tmp/hss-test-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        (void)snprintf(f->db, sizeof f->db, "%s/hss.db", f->dir);
        (void)snprintf(f->key, sizeof f->key, "%s/hss.key", f->dir);
}

static inline void fixture_open(struct fixture *f, const char *extra)
{
        struct buf err = BUF_INIT;
        fixture_dir(f);
        fixture_conf(f, extra);
        const struct sqn_scheme scheme = hss_conf_sqn_scheme(f->conf);
        assert_int_equal(store_create(&f->store_conf, &err), 0);
        assert_int_equal(store_open(&f->store_conf, &f->store, &err), 0);
        assert_int_equal(aka_ctx_new(&f->aka), 0);
        assert_int_equal(auc_new(&scheme, &f->auc), 0);
        assert_int_equal(profile_cache_new(&f->profiles), 0);
        f->env = (struct hss_env){.conf = f->conf, .store = f->store, .auc = f->auc, .profiles = f->profiles};
        arena_init(&f->job.arena);
        buf_free(&err);
}

static inline void fixture_close(struct fixture *f)
{
        char command[160];
        arena_reset(&f->job.arena, true);
        profile_cache_free(f->profiles);
        auc_free(f->auc);
        aka_ctx_free(f->aka);
        store_close(f->store);
        conf_free(&hss_conf_schema, f->conf);
        (void)snprintf(command, sizeof command, "rm -rf %s", f->dir);
        assert_int_equal(system(command), 0);
}

/* Splits at spaces. */
static inline int words(char *text, char **argv, int max)
{
        int n = 0;
        for (char *p = strtok(text, " "); p && n < max; p = strtok(NULL, " "))
                argv[n++] = p;
        return n;
}

/* `hss COMMAND ...` inside the process; reasons in err. */
static inline int fixture_run(struct fixture *f, int (*command)(struct cli *, int, char **), const char *args,
                              struct buf *err)
{
        struct cli c = {.conf = f->conf, .store = f->store, .aka = f->aka, .usage = "..."};
        char text[2048], *argv[64];
        (void)snprintf(text, sizeof text, "%s", args);
        int argc = words(text, argv, 64);
        arena_init(&c.arena);
        int rc = command(&c, argc, argv);
        arena_reset(&c.arena, true);
        if (err)
                *err = c.err;
        else
                buf_free(&c.err);
        return rc;
}

static inline void fixture_add(struct fixture *f, const char *args)
{
        struct buf err = BUF_INIT;
        int rc = fixture_run(f, cli_subscriber_add, args, &err);
        if (rc < 0)
                (void)fprintf(stderr, "add %s: " SPAN_FMT "\n", args, SPAN_ARG(buf_as_span(&err)));
        assert_int_equal(rc, 0);
        buf_free(&err);
}

static inline void fixture_set(struct fixture *f, const char *args)
{
        assert_int_equal(fixture_run(f, cli_subscriber_set, args, NULL), 0);
}

/* A new request; the caller fills f->job.m. */
static inline struct job *fixture_job(struct fixture *f, enum cx_command command)
{
        arena_reset(&f->job.arena, true);
        memset(&f->job.m, 0, sizeof f->job.m);
        f->job.facts = (struct facts){0};
        f->job.d = (struct decision){.effects = EFFECTS_NONE};
        f->job.reply = (struct reply){.loose_route = -1, .priviledged_sender = -1};
        f->job.note = NULL;
        f->job.command = command;
        return &f->job;
}

/* Handles it in a transaction of its own. */
static inline struct dia_result fixture_handle(struct fixture *f)
{
        assert_int_equal(store_begin(f->store, true), 0);
        assert_int_equal(job_run(&f->env, &f->job), 0);
        assert_int_equal(store_commit(f->store), 0);
        return f->job.d.result;
}

static inline struct dia_result do_uar(struct fixture *f, const char *impi, const char *impu, int type)
{
        struct job *j = fixture_job(f, CX_UAR);
        j->m.uar.impi = span_of(impi);
        j->m.uar.impu = span_of(impu);
        j->m.uar.visited_network = SPAN(DOMAIN);
        j->m.uar.has_type = type >= 0;
        j->m.uar.type = (uint32_t)type;
        return fixture_handle(f);
}

/* auts: 30 octets or NULL */
static inline struct dia_result do_mar(struct fixture *f, const char *impi, const char *impu,
                                       const char *scscf, uint32_t n, const uint8_t *auts)
{
        struct job *j = fixture_job(f, CX_MAR);
        j->m.mar.impi = span_of(impi);
        j->m.mar.impu = span_of(impu);
        j->m.mar.server_name = span_of(scscf);
        j->m.mar.h.origin_host = span_of(strchr(scscf, ':') + 1);
        j->m.mar.h.origin_realm = SPAN(DOMAIN);
        j->m.mar.n_items = n;
        j->m.mar.item.scheme = SPAN(CX_SCHEME_AKA);
        if (auts)
                j->m.mar.item.authorization = span_make(auts, 30);
        return fixture_handle(f);
}

/* impi, impu: NULL when absent */
static inline struct dia_result do_sar(struct fixture *f, const char *impi, const char *impu,
                                       const char *scscf, uint32_t type)
{
        struct job *j = fixture_job(f, CX_SAR);
        j->m.sar.impi = span_of(impi);
        if (impu)
                j->m.sar.impus.v[j->m.sar.impus.n++] = span_of(impu);
        j->m.sar.server_name = span_of(scscf);
        j->m.sar.type = type;
        return fixture_handle(f);
}

static inline struct dia_result do_lir(struct fixture *f, const char *impu, bool originating)
{
        struct job *j = fixture_job(f, CX_LIR);
        j->m.lir.impu = span_of(impu);
        j->m.lir.originating = originating;
        return fixture_handle(f);
}

/* The record of an IMPI, IMSI, MSISDN or IMPU; texts live in the job's arena. */
static inline struct record fixture_record(struct fixture *f, const char *id)
{
        struct record r;
        int64_t impi;
        assert_int_equal(store_begin(f->store, false), 0);
        assert_int_equal(store_find(f->store, span_of(id), &impi), 0);
        assert_int_equal(store_read_record(f->store, &f->job.arena, impi, &r), 0);
        store_rollback(f->store);
        return r;
}

#define assert_result(got, want)                                                                             \
        do {                                                                                                 \
                struct dia_result got_ = (got), want_ = (want);                                              \
                assert_int_equal(got_.vendor, want_.vendor);                                                 \
                assert_int_equal(got_.code, want_.code);                                                     \
        } while (0)

#define assert_span(got, want)                                                                               \
        do {                                                                                                 \
                struct span got_ = (got);                                                                    \
                assert_int_equal(got_.n, strlen(want));                                                      \
                assert_memory_equal(got_.p, want, got_.n);                                                   \
        } while (0)
