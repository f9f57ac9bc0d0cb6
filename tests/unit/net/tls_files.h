/* SPDX-License-Identifier: BSD-3-Clause
 * Files for tests of TLS: a root, a server's and a client's certificate with their keys, in a directory of
 * their own. They are valid whenever the test runs. */
#pragma once

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/net/cert_make.h"

#define TLS_NAME "pcscf.ims.example"
#define TLS_SAN  "DNS:" TLS_NAME ",IP:127.0.0.1"

struct tls_files {
        char dir[64];
        char ca[96], cert[96], key[96], client_cert[96], client_key[96];
        struct made root;
};

static inline void tls_write_cert(const char *file, X509 *x)
{
        FILE *f = fopen(file, "w");

        assert_non_null(f);
        assert_int_equal(PEM_write_X509(f, x), 1);
        assert_int_equal(fclose(f), 0);
}

static inline void tls_write_key(const char *file, EVP_PKEY *key)
{
        FILE *f = fopen(file, "w");

        assert_non_null(f);
        assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
        assert_int_equal(fclose(f), 0);
}

/* A certificate of the root's, into these files; what m leaves open is as it should be for TLS_NAME. */
static inline void tls_issue(struct tls_files *f, const struct make *m, const char *cert, const char *key)
{
        struct make full = *m;
        struct made leaf;

        full.cn = m->cn ? m->cn : TLS_NAME;
        full.san = m->san ? m->san : TLS_SAN;
        full.basic = m->basic ? m->basic : "critical,CA:FALSE";
        full.ku = m->ku ? m->ku : "critical,digitalSignature,keyEncipherment";
        full.eku = m->eku ? m->eku : "serverAuth,clientAuth";
        if (!m->from_d && !m->to_d) {
                full.from_d = -3000;
                full.to_d = 3000;
        }
        leaf = make_cert(&full, &f->root);
        tls_write_cert(cert, leaf.x);
        tls_write_key(key, leaf.key);
        made_free(&leaf);
}

static inline void tls_files_make(struct tls_files *f)
{
        *f = (struct tls_files){.dir = "/tmp/quintet-tls-XXXXXX"};
        assert_non_null(mkdtemp(f->dir));
        (void)snprintf(f->ca, sizeof(f->ca), "%s/ca.pem", f->dir);
        (void)snprintf(f->cert, sizeof(f->cert), "%s/server.pem", f->dir);
        (void)snprintf(f->key, sizeof(f->key), "%s/server.key", f->dir);
        (void)snprintf(f->client_cert, sizeof(f->client_cert), "%s/client.pem", f->dir);
        (void)snprintf(f->client_key, sizeof(f->client_key), "%s/client.key", f->dir);
        f->root = make_cert(&(struct make){MAKE_ROOT, .from_d = -3000, .to_d = 3000}, NULL);
        tls_write_cert(f->ca, f->root.x);
        tls_issue(f, &(struct make){0}, f->cert, f->key);
        tls_issue(f, &(struct make){.cn = "scscf.ims.example", .san = "DNS:scscf.ims.example"},
                  f->client_cert, f->client_key);
}

static inline void tls_files_remove(struct tls_files *f)
{
        const char *all[] = {f->ca, f->cert, f->key, f->client_cert, f->client_key};

        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
                (void)unlink(all[i]);
        (void)rmdir(f->dir);
        made_free(&f->root);
}
