/* SPDX-License-Identifier: BSD-3-Clause
 * Sessions that are resumed and forgotten, renegotiation, files that are read again, the key log. */
#include "tests/unit/net/tls_world.h"

#include <sys/stat.h>

#include "common/net/tls_int.h"
#include "tests/unit/net/tls_relay.h"
#include "tests/unit/proves.h"

static uint64_t now_ms = 1000;

static uint64_t fake_clock(void)
{
        return now_ms;
}

static int set_clock(void **state)
{
        (void)state;
        now_ms = 1000;
        tls_clock_ms = fake_clock;
        return 0;
}

/* The server speaks TLS 1.2 at most where old is set. */
static void start(struct tls_world *w, bool old)
{
        tls_world_begin(w);
        w->server_conf.max_version = old;
        tls_world_contexts(w);
}

/* A connection from its beginning to its end; on TLS 1.3 the ticket comes with the first data. */
static bool meet_and_part(struct tls_world *w)
{
        bool resumed;

        tls_world_meet(w);
        assert_int_equal(tcp_send(w->server.c, SPAN("x")), 0);
        TLS_WAIT(w, w->client.got.n == 1);
        resumed = w->server.info.resumed;
        assert_int_equal(w->client.info.resumed, resumed);
        tls_world_part(w);
        return resumed;
}

/* --- resumption --------------------------------------------------------------------------------------- */

static void sessions_are_resumed(void **state)
{
        (void)state;
        for (int old = 0; old < 2; old++) {
                struct tls_world w;
                uint8_t id[32];

                start(&w, old);
                assert_false(meet_and_part(&w));
                memcpy(id, w.server.info.session_id, 32);
                for (int i = 0; i < 3; i++)
                        assert_true(meet_and_part(&w));
                if (old)
                        assert_memory_equal(id, w.server.info.session_id, 32);
                else
                        assert_memory_not_equal(id, w.server.info.session_id, 32);
                assert_int_equal(tls_context_sessions(w.server.ctx), 1); /* a ticket is good once */
                assert_string_equal(w.client.subject, TLS_NAME);
                tls_world_end(&w);
        }
}

/* A connection that was cut, by either end, leaves a session that may be resumed. */
static void cut_connections_are_resumed(void **state)
{
        (void)state;
        for (int old = 0; old < 2; old++) {
                struct tls_world w;

                start(&w, old);
                tls_world_meet(&w);
                assert_int_equal(tcp_send(w.server.c, SPAN("x")), 0);
                TLS_WAIT(&w, w.client.got.n == 1);
                tcp_close(w.client.c, false);
                TLS_WAIT(&w, w.client.closes && w.server.closes);
                assert_true(meet_and_part(&w));
                tls_world_end(&w);
        }
}

/* Counted from the full handshake, however often it is resumed. */
static void lifetime(void **state)
{
        (void)state;
        for (int old = 0; old < 2; old++) {
                struct tls_world w;

                start(&w, old);
                w.client.ctx->sessions.lifetime_ms = UINT64_MAX; /* the server decides */
                assert_false(meet_and_part(&w));
                now_ms += 3599 * 1000;
                assert_true(meet_and_part(&w));
                now_ms += 1000; /* one hour */
                assert_false(meet_and_part(&w));
                assert_true(meet_and_part(&w));
                tls_world_end(&w);
                tls_world_begin(&w);
                w.server_conf.max_version = old;
                w.server_conf.session_lifetime_s = 60;
                tls_world_contexts(&w);
                w.client.ctx->sessions.lifetime_ms = UINT64_MAX;
                assert_false(meet_and_part(&w));
                now_ms += 59 * 1000;
                assert_true(meet_and_part(&w));
                now_ms += 1000;
                assert_false(meet_and_part(&w));
                tls_world_end(&w);
        }
        proves("TLS-013");
}

static void client_lets_a_session_go(void **state)
{
        (void)state;
        for (int old = 0; old < 2; old++) {
                struct tls_world w;

                start(&w, old);
                w.server.ctx->sessions.lifetime_ms = UINT64_MAX;
                assert_false(meet_and_part(&w));
                now_ms += 3600 * 1000;
                assert_false(meet_and_part(&w));
                tls_world_end(&w);
        }
}

/* Forgotten at the server, with all that came of it; the client still asks for it. */
static void forgotten_by_the_server(void **state)
{
        (void)state;
        for (int old = 0; old < 2; old++)
                for (int late = 0; late < 2; late++) {
                        struct tls_world w;

                        start(&w, old);
                        assert_false(meet_and_part(&w));
                        tls_world_meet(&w);
                        assert_true(w.server.info.resumed);
                        if (late) {
                                assert_int_equal(tcp_send(w.server.c, SPAN("x")), 0);
                                TLS_WAIT(&w, w.client.got.n == 1);
                        }
                        tls_forget(w.server.c);
                        assert_int_equal(tls_context_sessions(w.server.ctx), 0);
                        assert_int_equal(tls_context_sessions(w.client.ctx), old || late);
                        tls_world_part(&w);
                        assert_false(meet_and_part(&w));
                        assert_true(meet_and_part(&w));
                        tls_world_end(&w);
                }
        proves("TLS-031");
}

/* One of two connections of a session is closed for a failure: the other's is gone, too; a third one's is
 * not. */
static void forgotten_by_family(void **state)
{
        struct tls_memory a = {0};
        struct tls_world w;
        SSL_SESSION *kept;

        (void)state;
        start(&w, true);
        assert_false(meet_and_part(&w));
        tls_context_forget_all(w.client.ctx);
        assert_false(meet_and_part(&w));
        assert_int_equal(tls_context_sessions(w.server.ctx), 2);
        kept = tls_sessions_offer(&w.client.ctx->sessions, SPAN("nobody"), &a);
        assert_null(kept);
        a.family = 1;
        tls_sessions_forget(&w.server.ctx->sessions, &a);
        assert_int_equal(tls_context_sessions(w.server.ctx), 1);
        assert_true(meet_and_part(&w));
        tls_world_end(&w);
}

static void forgotten_by_the_client(void **state)
{
        (void)state;
        for (int old = 0; old < 2; old++) {
                struct tls_world w;

                start(&w, old);
                tls_world_meet(&w);
                tls_forget(w.client.c); /* before the ticket came */
                assert_int_equal(tcp_send(w.server.c, SPAN("x")), 0);
                TLS_WAIT(&w, w.client.got.n == 1);
                tls_world_part(&w);
                assert_int_equal(tls_context_sessions(w.client.ctx), 0);
                assert_false(meet_and_part(&w));
                tls_context_forget_all(w.client.ctx);
                assert_false(meet_and_part(&w));
                assert_true(meet_and_part(&w));
                tls_world_end(&w);
        }
}

static void sessions_are_bounded(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_begin(&w);
        w.server_conf.max_sessions = 3;
        tls_world_contexts(&w);
        for (int i = 0; i < 6; i++) {
                tls_context_forget_all(w.client.ctx);
                assert_false(meet_and_part(&w));
                assert_int_equal(tls_context_sessions(w.server.ctx), i < 3 ? i + 1 : 3);
        }
        assert_true(meet_and_part(&w)); /* the newest is there */
        tls_world_end(&w);
}

/* A session is for the server of that name at that address. */
static void not_with_another_server(void **state)
{
        struct tls_world w;

        (void)state;
        start(&w, true);
        assert_false(meet_and_part(&w));
        tls_world_dial(&w, "127.0.0.1");
        TLS_WAIT(&w, w.client.sessions && w.server.sessions);
        assert_false(w.server.info.resumed);
        tls_world_part(&w);
        tls_world_end(&w);
}

/* A record that was altered ends its session, too: it is not resumed (RFC 5246 7.2.2). */
static void fault_ends_the_session(void **state)
{
        struct tls_world w;
        struct tls_relay r;

        (void)state;
        start(&w, true);
        tls_relay_start(&r, &w);
        tls_world_meet(&w);
        assert_int_equal(tls_context_sessions(w.server.ctx), 1);
        r.alter = true;
        assert_int_equal(tcp_send(w.client.c, SPAN("evil")), 0);
        TLS_WAIT(&w, w.server.closes && w.client.closes);
        assert_int_equal(tls_context_sessions(w.server.ctx), 0);
        TLS_WAIT(&w, !r.near && !r.far);
        assert_false(meet_and_part(&w));
        tls_relay_stop(&r);
        tls_world_end(&w);
}

/* --- renegotiation ------------------------------------------------------------------------------------ */

static void server_asks(void **state)
{
        struct tls_world w;
        uint8_t id[32];

        (void)state;
        start(&w, true);
        tls_world_meet(&w);
        memcpy(id, w.server.info.session_id, 32);
        for (unsigned i = 2; i < 5; i++) {
                assert_int_equal(tls_renegotiate(w.server.c), 0);
                TLS_WAIT(&w, w.server.sessions == i && w.client.sessions == i);
                assert_memory_not_equal(id, w.server.info.session_id, 32);
                assert_memory_equal(w.client.info.session_id, w.server.info.session_id, 32);
                memcpy(id, w.server.info.session_id, 32);
                assert_int_equal(tls_context_sessions(w.server.ctx), 1); /* the new one alone */
                assert_int_equal(tcp_send(w.client.c, SPAN("a")), 0);
                assert_int_equal(tcp_send(w.server.c, SPAN("b")), 0);
                TLS_WAIT(&w, w.server.got.n == i - 1 && w.client.got.n == i - 1);
        }
        assert_int_equal(w.client.connects, 1);
        tls_world_part(&w);
        assert_true(meet_and_part(&w)); /* the newest */
        assert_memory_equal(id, w.server.info.session_id, 32);
        tls_world_end(&w);
        proves("TLS-036 TLS-038");
}

/* What is sent meanwhile arrives, whichever way. */
static void data_during_renegotiation(void **state)
{
        struct tls_world w;

        (void)state;
        start(&w, true);
        tls_world_meet(&w);
        assert_int_equal(tcp_send(w.client.c, SPAN("one ")), 0);
        assert_int_equal(tls_renegotiate(w.server.c), 0);
        assert_int_equal(tcp_send(w.server.c, SPAN("uno ")), 0);
        assert_int_equal(tcp_send(w.client.c, SPAN("two ")), 0);
        while (w.server.sessions < 2 || w.client.sessions < 2) {
                loop_once(w.l);
                assert_int_equal(tcp_send(w.client.c, SPAN("+")), 0);
                assert_int_equal(tcp_send(w.server.c, SPAN("-")), 0);
        }
        assert_int_equal(tcp_send(w.client.c, SPAN("end")), 0);
        assert_int_equal(tcp_send(w.server.c, SPAN("fin")), 0);
        TLS_WAIT(&w, span_ends(buf_as_span(&w.server.got), SPAN("end")) &&
                             span_ends(buf_as_span(&w.client.got), SPAN("fin")));
        assert_true(span_starts(buf_as_span(&w.server.got), SPAN("one two +")));
        assert_true(span_starts(buf_as_span(&w.client.got), SPAN("uno -")));
        tls_world_part(&w);
        tls_world_end(&w);
}

static void client_asks(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_begin(&w);
        w.server_conf.max_version = 1;
        w.server_conf.client_renegotiations = 2;
        tls_world_contexts(&w);
        tls_world_meet(&w);
        for (unsigned i = 2; i < 4; i++) {
                assert_int_equal(tls_renegotiate(w.client.c), 0);
                assert_int_equal(tls_renegotiate(w.client.c), -IMS_EALREADY);
                TLS_WAIT(&w, w.server.sessions == i && w.client.sessions == i);
        }
        assert_int_equal(tls_renegotiate(w.client.c), 0); /* one more than it may */
        TLS_WAIT(&w, w.client.closes && w.server.closes);
        assert_int_equal(w.server.sessions, 3);
        tls_world_end(&w);
}

static void client_may_not(void **state)
{
        struct tls_world w;

        (void)state;
        start(&w, true);
        tls_world_meet(&w);
        assert_int_equal(tls_renegotiate(w.client.c), 0);
        TLS_WAIT(&w, w.client.closes && w.server.closes);
        assert_int_equal(w.server.sessions, 1);
        tls_world_end(&w);
}

/* The peer is there and does not renegotiate: by policy it is left (O.4.2). */
static void client_does_not_answer(void **state)
{
        (void)state;
        for (int policy = 0; policy < 2; policy++) {
                struct tls_world w;

                tls_world_begin(&w);
                w.server_conf.max_version = 1;
                w.server_conf.renegotiation_ms = policy ? 30 : 0;
                tls_world_contexts(&w);
                tls_world_meet(&w);
                tcp_pause(w.client.c, true);
                assert_int_equal(tls_renegotiate(w.server.c), 0);
                if (policy) {
                        TLS_WAIT(&w, w.server.closes);
                        assert_int_equal(w.server.reason, -IMS_ETIMEOUT);
                        assert_string_equal(w.server.failure, "the peer did not renegotiate in time");
                        tcp_pause(w.client.c, false);
                        TLS_WAIT(&w, w.client.closes);
                } else {
                        assert_int_equal(tcp_send(w.server.c, SPAN("still here")), 0);
                        tcp_pause(w.client.c, false);
                        TLS_WAIT(&w, w.client.got.n == 10);
                        tls_world_part(&w);
                }
                tls_world_end(&w);
        }
        proves("TLS-039");
}

/* --- files that are read again -------------------------------------------------------------------------- */

/* Who was verified with what was valid before is verified again: roots or a list of revoked ones may be new.
 */
static void verified_again(void **state)
{
        struct buf err = BUF_INIT;

        (void)state;
        for (int mutual = 0; mutual < 2; mutual++) {
                struct tls_world w;

                tls_world_begin(&w);
                if (mutual) {
                        w.server_conf.verify_clients = true;
                        w.server_conf.ca = w.files.ca;
                        w.client_conf.certificate = w.files.cert;
                        w.client_conf.key = w.files.key;
                }
                tls_world_contexts(&w);
                assert_false(meet_and_part(&w));
                assert_true(meet_and_part(&w));
                assert_int_equal(tls_context_reload(mutual ? w.server.ctx : w.client.ctx, &err), 0);
                assert_false(meet_and_part(&w));
                assert_true(meet_and_part(&w));
                tls_world_end(&w);
        }
        buf_free(&err);
}

static void renewed_certificate(void **state)
{
        struct buf err = BUF_INIT;
        struct tls_world w;

        (void)state;
        start(&w, false);
        tls_world_meet(&w);
        assert_string_equal(w.client.subject, TLS_NAME);
        tls_issue(&w.files, &(struct make){.cn = "new.ims.example", .san = TLS_SAN ",DNS:new.ims.example"},
                  w.files.cert, w.files.key);
        assert_int_equal(tls_context_reload(w.server.ctx, &err), 0);
        assert_int_equal(tcp_send(w.client.c, SPAN("old")), 0); /* the old connection lives */
        assert_int_equal(tcp_send(w.server.c, SPAN("old")), 0);
        TLS_WAIT(&w, w.server.got.n == 3 && w.client.got.n == 3);
        tls_world_part(&w);
        assert_true(meet_and_part(&w)); /* and its session */
        tls_context_forget_all(w.client.ctx);
        assert_false(meet_and_part(&w));
        assert_string_equal(w.client.subject, "new.ims.example");
        tls_write_cert(w.files.cert, w.files.root.x); /* not that of the key */
        assert_int_equal(tls_context_reload(w.server.ctx, &err), -IMS_ECONF);
        buf_char(&err, '\0');
        assert_non_null(strstr(err.p, w.files.key));
        assert_int_equal(unlink(w.files.cert), 0);
        buf_reset(&err);
        assert_int_equal(tls_context_reload(w.server.ctx, &err), -IMS_ECONF);
        buf_char(&err, '\0');
        assert_non_null(strstr(err.p, "No such file"));
        tls_context_forget_all(w.client.ctx);
        assert_false(meet_and_part(&w));
        assert_string_equal(w.client.subject, "new.ims.example");
        buf_free(&err);
        tls_world_end(&w);
}

static void files_that_do_not_do(void **state)
{
        struct tls_context *c = NULL;
        struct buf err = BUF_INIT;
        struct tls_files f;
        size_t i = 0;

        (void)state;
        tls_files_make(&f);
        const struct {
                enum tls_role role;
                struct tls_conf conf;
                const char *why;
        } rows[] = {
                {TLS_SERVER, {0}, "certificate: missing"},
                {TLS_SERVER, {.certificate = f.cert}, "key: missing"},
                {TLS_SERVER, {.certificate = "/nowhere", .key = f.key}, "certificate: /nowhere"},
                {TLS_SERVER, {.certificate = f.cert, .key = f.client_key}, "key: "},
                {TLS_SERVER, {.certificate = f.cert, .key = f.key, .verify_clients = true}, "ca: missing"},
                {TLS_CLIENT, {0}, "ca: missing"},
                {TLS_CLIENT, {.ca = f.key}, "ca: "},
                {TLS_CLIENT, {.ca = f.ca, .min_version = 1, .max_version = 1}, "min_version is above"},
                {TLS_CLIENT, {.ca = f.ca, .keylog = f.dir}, "keylog: /"},
        };
        for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                buf_reset(&err);
                assert_true(tls_context_new(&rows[i].conf, rows[i].role, &c, &err) < 0);
                buf_char(&err, '\0');
                if (!strstr(err.p, rows[i].why))
                        fail_msg("%s", err.p);
                assert_null(c);
        }
        buf_free(&err);
        tls_files_remove(&f);
}

/* --- key log ------------------------------------------------------------------------------------------ */

static size_t lines_with(const char *file, const char *label)
{
        char line[1024];
        size_t n = 0;
        FILE *f = fopen(file, "r");

        assert_non_null(f);
        while (fgets(line, sizeof(line), f))
                n += strncmp(line, label, strlen(label)) == 0 && line[strlen(label)] == ' ';
        (void)fclose(f);
        return n;
}

static void key_log(void **state)
{
        struct tls_context *c = NULL;
        struct buf err = BUF_INIT;
        struct tls_world w;
        char file[128];
        struct stat st;

        (void)state;
        tls_world_begin(&w);
        (void)snprintf(file, sizeof(file), "%s/keys", w.files.dir);
        w.server_conf.keylog = file;
        tls_world_contexts(&w);
        assert_false(meet_and_part(&w));
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(lines_with(file, "CLIENT_TRAFFIC_SECRET_0"), 1);
        assert_int_equal(lines_with(file, "SERVER_TRAFFIC_SECRET_0"), 1);
        w.server_conf.max_version = 1;
        tls_context_free(w.server.ctx);
        assert_int_equal(tls_context_new(&w.server_conf, TLS_SERVER, &w.server.ctx, &err), 0);
        assert_false(meet_and_part(&w));
        assert_int_equal(lines_with(file, "CLIENT_RANDOM"), 1);
        assert_int_equal(lines_with(file, "CLIENT_TRAFFIC_SECRET_0"), 1); /* appended */
        assert_int_equal(chmod(file, 0640), 0);
        assert_int_equal(tls_context_new(&w.server_conf, TLS_SERVER, &c, &err), -IMS_EIO);
        buf_char(&err, '\0');
        assert_non_null(strstr(err.p, "nobody else may read"));
        assert_int_equal(unlink(file), 0);
        assert_int_equal(symlink(w.files.ca, file), 0);
        assert_int_equal(tls_context_new(&w.server_conf, TLS_SERVER, &c, &err), -IMS_EIO);
        assert_int_equal(unlink(file), 0);
        buf_free(&err);
        tls_world_end(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(sessions_are_resumed, set_clock),
                cmocka_unit_test_setup(cut_connections_are_resumed, set_clock),
                cmocka_unit_test_setup(lifetime, set_clock),
                cmocka_unit_test_setup(client_lets_a_session_go, set_clock),
                cmocka_unit_test_setup(forgotten_by_the_server, set_clock),
                cmocka_unit_test_setup(forgotten_by_family, set_clock),
                cmocka_unit_test_setup(forgotten_by_the_client, set_clock),
                cmocka_unit_test_setup(sessions_are_bounded, set_clock),
                cmocka_unit_test_setup(not_with_another_server, set_clock),
                cmocka_unit_test_setup(fault_ends_the_session, set_clock),
                cmocka_unit_test_setup(server_asks, set_clock),
                cmocka_unit_test_setup(data_during_renegotiation, set_clock),
                cmocka_unit_test_setup(client_asks, set_clock),
                cmocka_unit_test_setup(client_may_not, set_clock),
                cmocka_unit_test_setup(client_does_not_answer, set_clock),
                cmocka_unit_test_setup(verified_again, set_clock),
                cmocka_unit_test_setup(renewed_certificate, set_clock),
                cmocka_unit_test_setup(files_that_do_not_do, set_clock),
                cmocka_unit_test_setup(key_log, set_clock),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
