/* SPDX-License-Identifier: BSD-3-Clause
 * TLS judged by the openssl program: s_client at our server, s_server for our client. */
#include "tests/unit/net/tls_world.h"

#include "tests/unit/proves.h"

#define ARGS_MAX 40

/* The program as a child of the loop. */
struct judge {
        struct tls_world *w;
        uv_process_t process;
        uv_pipe_t in, out, err;
        struct buf said; /* stdout and stderr */
        char room[4096];
        unsigned open; /* handles */
        bool over;
        int64_t code;
};

static void on_judge_closed(uv_handle_t *h)
{
        ((struct judge *)h->data)->open--;
}

static void on_judge_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
        struct judge *j = h->data;

        (void)suggested;
        *out = uv_buf_init(j->room, sizeof(j->room));
}

static void on_judge_said(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
        struct judge *j = s->data;

        if (n > 0)
                buf_put(&j->said, b->base, (size_t)n);
        else if (n < 0 && !uv_is_closing((uv_handle_t *)s))
                uv_close((uv_handle_t *)s, on_judge_closed);
}

static void on_judge_exit(uv_process_t *p, int64_t code, int signal)
{
        struct judge *j = p->data;

        (void)signal;
        j->over = true;
        j->code = code;
        uv_close((uv_handle_t *)p, on_judge_closed);
}

static void judge_start(struct judge *j, struct tls_world *w, const char *command)
{
        char *args[ARGS_MAX + 1], *text = span_dup(span_of(command));
        uv_stdio_container_t io[3];
        uv_process_options_t o = {
                .exit_cb = on_judge_exit, .file = "openssl", .args = args, .stdio_count = 3, .stdio = io};
        uv_loop_t *l = loop_uv(w->l);
        size_t n = 0;

        *j = (struct judge){.w = w, .open = 4};
        for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
                assert_true(n < ARGS_MAX);
                args[n++] = word;
        }
        args[n] = NULL;
        assert_int_equal(uv_pipe_init(l, &j->in, 0), 0);
        assert_int_equal(uv_pipe_init(l, &j->out, 0), 0);
        assert_int_equal(uv_pipe_init(l, &j->err, 0), 0);
        j->in.data = j->out.data = j->err.data = j->process.data = j;
        io[0].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
        io[0].data.stream = (uv_stream_t *)&j->in;
        io[1].flags = io[2].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        io[1].data.stream = (uv_stream_t *)&j->out;
        io[2].data.stream = (uv_stream_t *)&j->err;
        assert_int_equal(uv_spawn(l, &j->process, &o), 0);
        assert_int_equal(uv_read_start((uv_stream_t *)&j->out, on_judge_alloc, on_judge_said), 0);
        assert_int_equal(uv_read_start((uv_stream_t *)&j->err, on_judge_alloc, on_judge_said), 0);
        free(text);
}

static bool judge_has_said(const struct judge *j, const char *what)
{
        return span_find(buf_as_span(&j->said), span_of(what)) >= 0;
}

static void judge_say(struct judge *j, const char *text)
{
        uv_buf_t b = uv_buf_init((char *)text, (unsigned)strlen(text));

        assert_int_equal(uv_try_write((uv_stream_t *)&j->in, &b, 1), strlen(text));
}

/* Its input ends, and so does it. */
static void judge_wait(struct judge *j)
{
        if (!uv_is_closing((uv_handle_t *)&j->in))
                uv_close((uv_handle_t *)&j->in, on_judge_closed);
        TLS_WAIT(j->w, j->over && j->open == 0);
}

static void judge_kill(struct judge *j)
{
        (void)uv_process_kill(&j->process, SIGTERM);
        judge_wait(j);
}

/* --- our server ---------------------------------------------------------------------------------------- */

/* s_client with these arguments; the connection is closed once both are up. True when they met. */
static bool client_meets(struct tls_world *w, struct judge *j, const char *args)
{
        char command[600], text[ADDR_STR];
        bool met;

        (void)snprintf(command, sizeof(command),
                       "openssl s_client -connect %s -CAfile %s -verify_return_error %s",
                       addr_str(&w->dial_to, text), w->files.ca, args);
        tls_end_reset(&w->server);
        judge_start(j, w, command);
        TLS_WAIT(w, w->server.sessions || w->server.closes);
        met = w->server.sessions > 0;
        if (met) { /* what was said before the first line is the whole report */
                TLS_WAIT(w, judge_has_said(j, "Verify return code") || j->over);
                assert_int_equal(tcp_send(w->server.c, SPAN("done\n")), 0);
                TLS_WAIT(w, judge_has_said(j, "done\n") || j->over);
        }
        judge_wait(j);
        TLS_WAIT(w, !w->server.c);
        return met;
}

static void versions_and_suites(void **state)
{
        static const struct {
                const char *args, *version, *cipher; /* NULL: refused */
        } rows[] = {
                {"-tls1_3", "TLSv1.3", "TLS_AES_128_GCM_SHA256"},
                {"-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384", "TLSv1.3",
                 "TLS_AES_256_GCM_SHA384"}, /* AES first (S.5.4.3) */
                {"-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3",
                 "TLS_CHACHA20_POLY1305_SHA256"},
                {"-tls1_3 -ciphersuites TLS_AES_128_CCM_SHA256", NULL, NULL},
                {"-tls1_2", "TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"},
                {"-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
                 "ECDHE-ECDSA-AES128-GCM-SHA256",
                 "TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"}, /* the server's order (O.1.2) */
                {"-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"},
                {"-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384", NULL, NULL}, /* CBC */
                {"-tls1_2 -cipher AES128-GCM-SHA256:AES128-SHA", NULL, NULL}, /* no forward secrecy */
                {"-tls1_2 -cipher ECDHE-ECDSA-NULL-SHA@SECLEVEL=0", NULL, NULL},
                {"-tls1_2 -cipher aNULL@SECLEVEL=0", NULL, NULL},
                {"-tls1_1 -cipher DEFAULT@SECLEVEL=0", NULL, NULL},
                {"-tls1 -cipher DEFAULT@SECLEVEL=0", NULL, NULL},
        };
        struct tls_world w;

        (void)state;
        tls_world_start(&w);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct judge j;
                bool met = client_meets(&w, &j, rows[i].args);

                if (met != (rows[i].version != NULL))
                        fail_msg("%s: %s", rows[i].args, w.server.cipher);
                if (met) {
                        assert_string_equal(w.server.version, rows[i].version);
                        assert_string_equal(w.server.cipher, rows[i].cipher);
                        assert_true(judge_has_said(&j, "Verify return code: 0 (ok)"));
                        assert_true(judge_has_said(&j, "No client certificate CA names sent"));
                        assert_true(judge_has_said(&j, "Compression: NONE"));
                } else {
                        assert_int_equal(w.server.reason, -IMS_EAUTH);
                        assert_true(*w.server.failure);
                        if (strstr(rows[i].args, "-tls1_1") || strstr(rows[i].args, "-tls1 "))
                                assert_non_null(strstr(w.server.failure, "no version of TLS in common"));
                }
                buf_free(&j.said);
        }
        tls_world_end(&w);
        proves("TLS-004 TLS-008 TLS-011 NDS-004");
}

/* On Gm no CertificateRequest leaves (O.2.1); a node of the core asks for a certificate (S.5.4.3). */
static void certificate_request(void **state)
{
        (void)state;
        for (int old = 0; old < 2; old++)
                for (int core = 0; core < 2; core++) {
                        struct tls_world w;
                        char args[400];
                        struct judge j;

                        tls_world_begin(&w);
                        w.server_conf.max_version = old;
                        w.server_conf.verify_clients = core;
                        w.server_conf.ca = w.files.ca;
                        tls_world_contexts(&w);
                        (void)snprintf(args, sizeof(args), "-msg -cert %s -key %s", w.files.client_cert,
                                       w.files.client_key);
                        assert_true(client_meets(&w, &j, args));
                        assert_int_equal(judge_has_said(&j, "CertificateRequest"), core);
                        assert_int_equal(w.server.info.verified, core);
                        buf_free(&j.said);
                        tls_world_end(&w);
                }
        proves("TLS-012 NDS-003");
}

static void null_encryption_by_switch(void **state)
{
        struct tls_world w;
        struct judge j;

        (void)state;
        tls_world_begin(&w);
        w.server_conf.null_encryption = TLS_NULL_ALLOW;
        tls_world_contexts(&w);
        assert_true(client_meets(&w, &j, "-tls1_2 -cipher ECDHE-ECDSA-NULL-SHA@SECLEVEL=0"));
        assert_string_equal(w.server.cipher, "ECDHE-ECDSA-NULL-SHA");
        buf_free(&j.said);
        assert_true(client_meets(
                &w, &j, "-tls1_2 -cipher ECDHE-ECDSA-NULL-SHA:ECDHE-ECDSA-AES128-GCM-SHA256@SECLEVEL=0"));
        assert_string_equal(w.server.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256"); /* encryption first */
        buf_free(&j.said);
        assert_false(client_meets(&w, &j, "-tls1_1 -cipher DEFAULT@SECLEVEL=0")); /* nothing else is let in */
        buf_free(&j.said);
        tls_world_end(&w);
        proves("TLS-009");
}

/* Resumed by its Session ID, a ticket is not offered; forgotten is forgotten. */
static void resumption(void **state)
{
        (void)state;
        for (int old = 0; old < 2; old++) {
                char file[128], args[300];
                struct tls_world w;
                struct judge j;

                tls_world_begin(&w);
                w.server_conf.max_version = old;
                tls_world_contexts(&w);
                (void)snprintf(file, sizeof(file), "%s/session", w.files.dir);
                (void)snprintf(args, sizeof(args), "-sess_out %s", file);
                assert_true(client_meets(&w, &j, args));
                if (old)
                        assert_false(judge_has_said(&j, "TLS session ticket:"));
                buf_free(&j.said);
                (void)snprintf(args, sizeof(args), "-sess_in %s", file);
                assert_true(client_meets(&w, &j, args));
                assert_true(w.server.info.resumed);
                assert_true(judge_has_said(&j, "Reused, "));
                buf_free(&j.said);
                tls_context_forget_all(w.server.ctx);
                assert_true(client_meets(&w, &j, args));
                assert_false(w.server.info.resumed);
                buf_free(&j.said);
                (void)unlink(file);
                tls_world_end(&w);
        }
}

/* s_client renegotiates at the letter R. */
static void renegotiation_of_a_client(void **state)
{
        (void)state;
        for (unsigned allowed = 0; allowed < 2; allowed++) {
                char command[400], text[ADDR_STR];
                struct tls_world w;
                struct judge j;

                tls_world_begin(&w);
                w.server_conf.max_version = 1;
                w.server_conf.client_renegotiations = allowed;
                tls_world_contexts(&w);
                (void)snprintf(command, sizeof(command), "openssl s_client -connect %s -CAfile %s",
                               addr_str(&w.dial_to, text), w.files.ca);
                judge_start(&j, &w, command);
                TLS_WAIT(&w, w.server.sessions && judge_has_said(&j, "Secure Renegotiation IS supported"));
                judge_say(&j, "R\n");
                if (allowed)
                        TLS_WAIT(&w, w.server.sessions == 2);
                if (allowed)
                        judge_say(&j, "R\n");
                TLS_WAIT(&w, w.server.closes);
                assert_int_equal(w.server.sessions, 1 + allowed);
                judge_wait(&j);
                buf_free(&j.said);
                tls_world_end(&w);
        }
}

/* The server asks s_client, which renegotiates within the connection. */
static void renegotiation_of_the_server(void **state)
{
        char command[400], text[ADDR_STR];
        struct tls_world w;
        struct judge j;

        (void)state;
        tls_world_begin(&w);
        w.server_conf.max_version = 1;
        tls_world_contexts(&w);
        (void)snprintf(command, sizeof(command), "openssl s_client -msg -connect %s -CAfile %s",
                       addr_str(&w.dial_to, text), w.files.ca);
        judge_start(&j, &w, command);
        TLS_WAIT(&w, w.server.sessions && judge_has_said(&j, "Verify return code"));
        assert_int_equal(tls_renegotiate(w.server.c), 0);
        TLS_WAIT(&w, w.server.sessions == 2);
        assert_true(judge_has_said(&j, "HelloRequest"));
        judge_wait(&j);
        TLS_WAIT(&w, !w.server.c);
        buf_free(&j.said);
        tls_world_end(&w);
        proves("TLS-038");
}

/* --- our client ------------------------------------------------------------------------------------------
 */

static bool server_meets(struct tls_world *w, const char *args, struct buf *said)
{
        char command[600], address[64] = "127.0.0.1:";
        struct judge j;
        ptrdiff_t at;
        bool met;

        (void)snprintf(command, sizeof(command),
                       "openssl s_server -accept 127.0.0.1:0 -cert %s -key %s -naccept 1 %s", w->files.cert,
                       w->files.key, args);
        judge_start(&j, w, command);
        TLS_WAIT(w,
                 judge_has_said(&j, "ACCEPT 127.0.0.1:") && span_find(buf_as_span(&j.said), SPAN("\n")) > 0);
        at = span_find(buf_as_span(&j.said), SPAN("ACCEPT 127.0.0.1:"));
        for (size_t i = (size_t)at + 17, n = 10; i < j.said.n && j.said.p[i] >= '0' && j.said.p[i] <= '9';
             i++)
                address[n++] = j.said.p[i];
        assert_int_equal(addr_parse(span_of(address), 0, &w->dial_to), 0);
        tls_world_dial(w, TLS_NAME);
        TLS_WAIT(w, w->client.sessions || w->client.closes);
        met = w->client.sessions > 0;
        if (w->client.c)
                tcp_close(w->client.c, true);
        TLS_WAIT(w, !w->client.c);
        if (met)
                judge_wait(&j);
        else
                judge_kill(&j);
        if (said)
                buf_span(said, buf_as_span(&j.said));
        buf_free(&j.said);
        return met;
}

static void what_our_client_takes(void **state)
{
        static const struct {
                const char *args;
                bool met;
        } rows[] = {
                {"-tls1_3", true},
                {"-tls1_2", true},
                {"-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", true},
                {"-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", false},
                {"-tls1_2 -cipher ECDHE-ECDSA-NULL-SHA@SECLEVEL=0", false},
                {"-tls1_1 -cipher DEFAULT@SECLEVEL=0", false},
                {"-tls1 -cipher DEFAULT@SECLEVEL=0", false},
        };
        struct tls_world w;

        (void)state;
        tls_world_start(&w);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (server_meets(&w, rows[i].args, NULL) != rows[i].met)
                        fail_msg("%s: %s %s", rows[i].args, w.client.cipher, w.client.failure);
        tls_world_end(&w);
        proves("TLS-008");
}

/* Whatever is allowed, encryption is offered, too; the name is sent for the server to choose by. */
static void what_our_client_offers(void **state)
{
        struct buf said = BUF_INIT;
        struct tls_world w;

        (void)state;
        tls_world_begin(&w);
        w.client_conf.null_encryption = TLS_NULL_PREFER;
        tls_world_contexts(&w);
        assert_true(server_meets(&w,
                                 "-tls1_2 -trace -cipher "
                                 "ECDHE-ECDSA-NULL-SHA:ECDHE-ECDSA-AES128-GCM-SHA256@SECLEVEL=0 -serverpref",
                                 &said));
        assert_true(span_find(buf_as_span(&said), SPAN("TLS_ECDHE_ECDSA_WITH_NULL_SHA")) >= 0);
        assert_true(span_find(buf_as_span(&said), SPAN("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")) >= 0);
        assert_true(span_find(buf_as_span(&said), SPAN("TLS_AES_128_GCM_SHA256")) >= 0);
        assert_true(span_find(buf_as_span(&said), SPAN("No Compression")) >= 0);
        assert_string_equal(w.client.cipher, "ECDHE-ECDSA-NULL-SHA");
        buf_free(&said);
        tls_world_end(&w);
        proves("TLS-010");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(versions_and_suites),       cmocka_unit_test(certificate_request),
                cmocka_unit_test(null_encryption_by_switch), cmocka_unit_test(resumption),
                cmocka_unit_test(renegotiation_of_a_client), cmocka_unit_test(renegotiation_of_the_server),
                cmocka_unit_test(what_our_client_takes),     cmocka_unit_test(what_our_client_offers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
