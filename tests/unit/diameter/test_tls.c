/* SPDX-License-Identifier: BSD-3-Clause
 * Two Diameter nodes over TLS from the first octet, each with its certificate (RFC 6733 13.1, TS 33.203
 * S.5.4.3), and all that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/diameter/two_nodes.h"
#include "tests/unit/net/tls_files.h"
#include "tests/unit/proves.h"

#define HSS  "hss.ims.example"
#define CSCF "scscf.ims.example"

struct side {
        struct loop *loop;
        int up, strangers;
        char identity[128], why[512];
};

static struct tls_files files;
static char hss_cert[128], hss_key[128], other_cert[128], other_key[128];

static void on_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct side *s = arg;

        (void)identity;
        (void)why;
        s->up += up ? 1 : -1;
        loop_stop(s->loop);
}

static void on_stranger(struct span identity, const struct addr *from, const char *why, void *arg)
{
        struct side *s = arg;

        (void)from;
        (void)snprintf(s->why, sizeof(s->why), "%s", why);
        assert_int_equal(span_copy(identity, s->identity, sizeof(s->identity)), 0);
        s->strangers++;
        loop_stop(s->loop);
}

struct world {
        struct side hss, cscf;
        struct two_nodes n;
};

struct setting {
        const char *cert, *key; /* of the CSCF; NULL: it has none */
        const char *hss_cert, *hss_key;
        const char *identity;  /* of the CSCF; NULL: CSCF */
        bool plain;            /* the CSCF speaks no TLS */
        bool at_plain_address; /* and at the listener for it */
};

static struct tls_context *context(const char *cert, const char *key, enum tls_role role)
{
        struct tls_conf conf = {
                .certificate = (char *)cert, .key = (char *)key, .ca = files.ca, .verify_clients = true};
        struct tls_context *c = NULL;
        struct buf err = BUF_INIT;
        int rc = tls_context_new(&conf, role, &c, &err);

        if (rc)
                fail_msg("%.*s", (int)err.n, err.p);
        return c;
}

static void start(struct world *w, const struct setting *s)
{
        const char *identity = s->identity ? s->identity : CSCF;
        struct dia_handlers h = {.on_peer = on_peer, .on_stranger = on_stranger};
        struct two_nodes_conf c;

        two_nodes_conf_init(&c);
        c.cscf_peer = (struct dia_peer_conf){.identity = identity, .tls = true};
        c.hss_peer = (struct dia_peer_conf){.identity = HSS, .tls = !s->plain};
        c.hss.identity = HSS;
        c.cscf.identity = identity;
        c.hss.realm = c.cscf.realm = "ims.example";
        c.hss.listen_tls = &c.any;
        c.hss.n_listen_tls = 1;
        c.hss.tls_server =
                context(s->hss_cert ? s->hss_cert : hss_cert, s->hss_key ? s->hss_key : hss_key, TLS_SERVER);
        c.cscf.tls_client = context(s->cert, s->key, TLS_CLIENT);
        c.listener = s->at_plain_address ? 0 : 1;
        *w = (struct world){0};
        two_nodes_start(&w->n, &c, &h, &w->hss, &w->cscf);
        w->hss.loop = w->cscf.loop = w->n.loop;
        tls_context_free(c.hss.tls_server);
        tls_context_free(c.cscf.tls_client);
}

static void end(struct world *w)
{
        two_nodes_end(&w->n);
}

/* The HSS (or, at_cscf, the CSCF) refuses and says so; nobody comes up. */
static void expect_refused(const struct setting *s, bool at_cscf, const char *identity, const char *why)
{
        struct world w;
        struct side *teller;

        start(&w, s);
        teller = at_cscf ? &w.cscf : &w.hss;
        while (!teller->strangers)
                loop_run(w.n.loop);
        if (!strstr(teller->why, why))
                fail_msg("\"%s\" does not say \"%s\"", teller->why, why);
        assert_string_equal(teller->identity, identity);
        assert_int_equal(w.hss.up + w.cscf.up, 0);
        end(&w);
}

static int setup(void **state)
{
        (void)state;
        tls_files_make(&files);
        (void)snprintf(hss_cert, sizeof(hss_cert), "%s/hss.pem", files.dir);
        (void)snprintf(hss_key, sizeof(hss_key), "%s/hss.key", files.dir);
        (void)snprintf(other_cert, sizeof(other_cert), "%s/other.pem", files.dir);
        (void)snprintf(other_key, sizeof(other_key), "%s/other.key", files.dir);
        tls_issue(&files, &(struct make){.cn = HSS, .san = "DNS:" HSS}, hss_cert, hss_key);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        (void)unlink(hss_cert);
        (void)unlink(hss_key);
        (void)unlink(other_cert);
        (void)unlink(other_key);
        tls_files_remove(&files);
        return 0;
}

static void both_show_their_certificates(void **state)
{
        struct setting s = {.cert = files.client_cert, .key = files.client_key};
        struct world w;

        (void)state;
        start(&w, &s);
        while (w.hss.up + w.cscf.up < 2)
                loop_run(w.n.loop);
        assert_int_equal(w.hss.strangers + w.cscf.strangers, 0);
        dia_node_reload_tls(w.n.hss); /* the connection lives on */
        assert_true(dia_node_has_peer(w.n.hss));
        end(&w);
        proves("NDS-002 NDS-003");
}

static void who_shows_none_is_refused(void **state)
{
        struct setting s = {.cert = NULL};

        (void)state;
        expect_refused(&s, false, "", "the peer showed no certificate, and must");
        proves("NDS-003");
}

static void who_speaks_no_tls_is_refused(void **state)
{
        struct setting s = {.cert = files.client_cert, .key = files.client_key, .plain = true};

        (void)state;
        expect_refused(&s, false, "", "what came is no TLS");
        s.at_plain_address = true;
        expect_refused(&s, false, CSCF, "TLS is required of it, and this is none");
        proves("NDS-003");
}

static void the_identity_is_that_of_the_certificate(void **state)
{
        struct setting s = {
                .cert = files.client_cert, .key = files.client_key, .identity = "icscf.ims.example"};

        (void)state;
        expect_refused(&s, false, "icscf.ims.example", "its certificate is not for this identity");
        s = (struct setting){.cert = files.client_cert,
                             .key = files.client_key,
                             .hss_cert = files.client_cert,
                             .hss_key = files.client_key};
        expect_refused(&s, true, HSS, "name_matches");
}

static void an_expired_certificate_is_refused(void **state)
{
        struct setting s = {.cert = other_cert, .key = other_key};

        (void)state;
        tls_issue(&files, &(struct make){.cn = CSCF, .san = "DNS:" CSCF, .from_d = -2900, .to_d = -2800},
                  other_cert, other_key);
        expect_refused(&s, false, "", "not_expired");
}

static void an_unknown_authority_is_refused(void **state)
{
        struct setting s = {.cert = other_cert, .key = other_key};
        struct made root = files.root;

        (void)state;
        files.root = make_cert(
                &(struct make){.cn = "Other", .basic = "critical,CA:TRUE", .from_d = -3000, .to_d = 3000},
                NULL);
        tls_issue(&files, &(struct make){.cn = CSCF, .san = "DNS:" CSCF}, other_cert, other_key);
        made_free(&files.root);
        files.root = root;
        expect_refused(&s, false, "", "chain_to_root");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_show_their_certificates),
                cmocka_unit_test(who_shows_none_is_refused),
                cmocka_unit_test(who_speaks_no_tls_is_refused),
                cmocka_unit_test(the_identity_is_that_of_the_certificate),
                cmocka_unit_test(an_expired_certificate_is_refused),
                cmocka_unit_test(an_unknown_authority_is_refused),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
