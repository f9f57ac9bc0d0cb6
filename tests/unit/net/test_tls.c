/* SPDX-License-Identifier: BSD-3-Clause
 * TLS on the loopback: data both ways, how connections end, names and certificates, versions and suites. */
#include "tests/unit/net/tls_world.h"

#include "tests/unit/net/tls_relay.h"
#include "tests/unit/proves.h"

/* --- flow ----------------------------------------------------------------------------------------- */

static void data_both_ways(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_start(&w);
        tls_world_dial(&w, TLS_NAME);
        assert_false(tls_info_of(w.client.c, &w.client.info));
        assert_int_equal(tcp_send(w.client.c, SPAN("before ")), 0); /* waits for the handshake */
        assert_int_equal(tcp_queued(w.client.c), 7);
        TLS_WAIT(&w, w.client.connects && w.server.sessions);
        assert_int_equal(tcp_send(w.client.c, SPAN("after")), 0);
        assert_int_equal(tcp_send(w.server.c, SPAN("answer")), 0);
        TLS_WAIT(&w, w.server.got.n == 12 && w.client.got.n == 6);
        assert_true(span_eq(buf_as_span(&w.server.got), SPAN("before after")));
        assert_true(span_eq(buf_as_span(&w.client.got), SPAN("answer")));
        assert_string_equal(w.client.version, "TLSv1.3");
        assert_string_equal(w.client.cipher, "TLS_AES_128_GCM_SHA256");
        assert_string_equal(w.server.version, "TLSv1.3");
        assert_int_equal(w.client.connects, 1);
        assert_int_equal(w.server.connects, 0);
        assert_int_equal(w.client.sessions, 1);
        assert_int_equal(w.server.sessions, 1);
        assert_int_equal(w.client.info.session_id_n, 32);
        assert_memory_equal(w.client.info.session_id, w.server.info.session_id, 32);
        assert_true(w.client.info.verified);
        assert_string_equal(w.client.subject, TLS_NAME);
        assert_string_equal(w.client.name, TLS_NAME);
        assert_false(w.server.info.verified);
        assert_int_equal(tls_renegotiate(w.client.c), -IMS_EUNSUPPORTED); /* TLS 1.3 has none */
        tls_world_part(&w);
        assert_int_equal(w.client.reason, 0);
        assert_int_equal(w.server.reason, 0);
        assert_string_equal(w.server.failure, "");
        tls_world_end(&w);
        proves("TLS-011");
}

/* Some megabytes, to a peer that reads when it likes. */
static void much_data(void **state)
{
        size_t n = (size_t)8 << 20;
        struct tls_world w;
        char *data = malloc(n);

        (void)state;
        for (size_t i = 0; i < n; i++)
                data[i] = (char)(i * 7 + (i >> 12));
        tls_world_start(&w);
        tls_world_meet(&w);
        tcp_set_queue_limit(w.server.c, n);
        tcp_pause(w.client.c, true);
        assert_int_equal(tcp_send(w.server.c, span_make(data, n / 2)), 0);
        assert_int_equal(tcp_send(w.server.c, span_make(data + n / 2, n / 2)), -IMS_ELIMIT);
        tcp_pause(w.client.c, false);
        TLS_WAIT(&w, w.client.got.n == n / 2);
        assert_int_equal(tcp_send(w.server.c, span_make(data + n / 2, n / 2)), 0);
        tcp_close(w.server.c, true); /* all of it still arrives */
        TLS_WAIT(&w, !w.client.c && !w.server.c);
        assert_int_equal(w.client.got.n, n);
        assert_memory_equal(w.client.got.p, data, n);
        assert_int_equal(w.client.reason, 0);
        tls_world_end(&w);
        free(data);
}

/* What was given before the handshake leaves although the connection is closed at once. */
static void close_before_the_handshake(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_start(&w);
        tls_world_dial(&w, TLS_NAME);
        assert_int_equal(tcp_send(w.client.c, SPAN("last words")), 0);
        tcp_close(w.client.c, true);
        assert_int_equal(tcp_send(w.client.c, SPAN("more")), -IMS_ECLOSED);
        TLS_WAIT(&w, !w.client.c && !w.server.c && w.server.closes);
        assert_true(span_eq(buf_as_span(&w.server.got), SPAN("last words")));
        assert_int_equal(w.client.connects, 0);
        assert_int_equal(w.client.reason, 0);
        tls_world_end(&w);
}

static void handler_closes_at_the_session(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_start(&w);
        tls_world_dial(&w, TLS_NAME);
        w.client.close_on_session = true;
        TLS_WAIT(&w, w.client.closes && w.server.closes);
        assert_int_equal(w.client.reason, 0);
        assert_int_equal(w.server.deliveries, 0);
        tls_world_end(&w);
}

/* The connection under TLS is cut: what came whole was served. */
static void cut_without_farewell(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_start(&w);
        tls_world_meet(&w);
        assert_int_equal(tcp_send(w.client.c, SPAN("whole")), 0);
        TLS_WAIT(&w, w.server.got.n == 5);
        tcp_close(w.client.c, false);
        TLS_WAIT(&w, w.server.closes);
        assert_int_equal(w.server.reason, 0);
        tls_world_end(&w);
}

/* By its address alone, which stands in the certificate. */
static void over_ipv6(void **state)
{
        struct tls_world w;
        struct addr any;

        (void)state;
        tls_world_begin(&w);
        tls_issue(&w.files, &(struct make){.san = TLS_SAN ",IP:::1"}, w.files.cert, w.files.key);
        tls_world_contexts(&w);
        tcp_listener_close(w.listener);
        assert_int_equal(addr_parse(SPAN("[::1]:0"), 0, &any), 0);
        assert_int_equal(tcp_listen(w.l, &any, 10, tls_world_accept, &w, &w.listener), 0);
        w.dial_to = *tcp_listener_local(w.listener);
        tls_world_dial(&w, NULL);
        TLS_WAIT(&w, w.client.closes || (w.client.sessions && w.server.sessions));
        assert_string_equal(w.client.failure, "");
        assert_int_equal(w.client.info.n_names, 3);
        assert_string_equal(w.client.info.names[2], "::1");
        assert_int_equal(tcp_send(w.client.c, SPAN("hello")), 0);
        TLS_WAIT(&w, w.server.got.n == 5);
        tls_world_part(&w);
        tls_world_end(&w);
}

/* --- what is no good handshake ---------------------------------------------------------------------- */

static void dial_and_fail(struct tls_world *w, const char *name)
{
        tls_world_dial(w, name);
        TLS_WAIT(w, w->client.closes && w->server.closes);
        assert_int_equal(w->client.connects, 0);
        assert_int_equal(w->client.sessions, 0);
        assert_int_equal(w->server.deliveries, 0);
}

static void client_says_nothing(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_begin(&w);
        w.server_conf.handshake_ms = 30;
        tls_world_contexts(&w);
        w.client.plain = true;
        tls_world_dial(&w, NULL);
        TLS_WAIT(&w, w.server.closes);
        assert_int_equal(w.server.reason, -IMS_ETIMEOUT);
        assert_string_equal(w.server.failure, "the handshake was not done in time");
        tls_world_end(&w);
}

static void client_speaks_sip(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_start(&w);
        w.client.plain = true;
        tls_world_dial(&w, NULL);
        assert_int_equal(tcp_send(w.client.c, SPAN("REGISTER sip:ims.example SIP/2.0\r\n")), 0);
        TLS_WAIT(&w, w.server.closes && w.client.closes);
        assert_int_equal(w.server.reason, -IMS_EAUTH);
        assert_non_null(strstr(w.server.failure, "what came is no TLS"));
        tls_world_end(&w);
}

static void server_speaks_sip(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_start(&w);
        w.server.plain = true;
        tls_world_dial(&w, TLS_NAME);
        TLS_WAIT(&w, w.server.c);
        assert_int_equal(tcp_send(w.server.c, SPAN("SIP/2.0 400 Bad Request\r\n\r\n")), 0);
        TLS_WAIT(&w, w.client.closes);
        assert_int_equal(w.client.reason, -IMS_EAUTH);
        assert_non_null(strstr(w.client.failure, "what came is no TLS"));
        tcp_close(w.server.c, false);
        TLS_WAIT(&w, w.server.closes);
        tls_world_end(&w);
}

static void peer_leaves_during_the_handshake(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_start(&w);
        w.server.plain = true;
        tls_world_dial(&w, TLS_NAME);
        TLS_WAIT(&w, w.server.c);
        tcp_close(w.server.c, false);
        TLS_WAIT(&w, w.client.closes && w.server.closes);
        assert_int_equal(w.client.reason, -IMS_EAUTH);
        assert_string_equal(w.client.failure, "the peer closed the connection during the handshake");
        tls_world_end(&w);
}

/* A record that is altered on its way ends the connection, and so does one that comes twice. */
static void altered_and_repeated_records(void **state)
{
        for (int max_version = 0; max_version < 2; max_version++)
                for (int repeat = 0; repeat < 2; repeat++) {
                        struct tls_world w;
                        struct tls_relay r;

                        (void)state;
                        tls_world_begin(&w);
                        w.server_conf.max_version = max_version;
                        tls_world_contexts(&w);
                        tls_relay_start(&r, &w);
                        tls_world_meet(&w);
                        assert_int_equal(tcp_send(w.client.c, SPAN("good")), 0);
                        TLS_WAIT(&w, w.server.got.n == 4);
                        r.alter = !repeat;
                        r.repeat = repeat;
                        assert_int_equal(tcp_send(w.client.c, SPAN("evil")), 0);
                        TLS_WAIT(&w, w.server.closes && w.client.closes);
                        assert_int_equal(w.server.got.n, repeat ? 8 : 4);
                        assert_int_equal(w.server.reason, -IMS_EPROTO);
                        assert_string_equal(w.server.failure, "a record was altered, or repeated");
                        assert_non_null(strstr(w.client.failure, "bad_record_mac"));
                        tls_relay_stop(&r);
                        tls_world_end(&w);
                }
        proves("TLS-005");
}

/* --- certificates ----------------------------------------------------------------------------------- */

static void another_name(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_start(&w);
        dial_and_fail(&w, "other.ims.example");
        assert_int_equal(w.client.reason, -IMS_EAUTH);
        assert_non_null(strstr(w.client.failure, "expected other.ims.example"));
        assert_non_null(strstr(w.server.failure, "alert "));
        assert_non_null(strstr(w.server.failure, "certificate"));
        dial_and_fail(&w, "127.0.0.2");
        assert_non_null(strstr(w.client.failure, "expected 127.0.0.2"));
        tls_world_dial(&w, NULL); /* its address, which the certificate has */
        TLS_WAIT(&w, w.client.sessions && w.server.sessions);
        tls_world_part(&w);
        tls_world_end(&w);
        proves("TLS-032");
}

static void configured_name(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_begin(&w);
        w.client_conf.name = "mail.ims.example";
        tls_world_contexts(&w);
        dial_and_fail(&w, TLS_NAME);
        assert_non_null(strstr(w.client.failure, "expected mail.ims.example"));
        tls_world_end(&w);
}

static void unknown_root(void **state)
{
        struct made other = make_cert(&(struct make){.cn = "Other Root",
                                                     .basic = "critical,CA:TRUE",
                                                     .ku = "critical,keyCertSign,cRLSign",
                                                     .from_d = -3000,
                                                     .to_d = 3000},
                                      NULL);
        struct tls_world w;

        (void)state;
        tls_world_begin(&w);
        tls_write_cert(w.files.ca, other.x);
        tls_world_contexts(&w);
        dial_and_fail(&w, TLS_NAME);
        assert_int_equal(w.client.reason, -IMS_EAUTH);
        assert_int_equal(w.server.reason, -IMS_EAUTH);
        assert_non_null(strstr(w.client.failure, "does not verify"));
        assert_non_null(strstr(w.server.failure, "unknown_ca"));
        made_free(&other);
        tls_world_end(&w);
}

static void expired_certificate(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_begin(&w);
        tls_issue(&w.files, &(struct make){.from_d = -3000, .to_d = -2000}, w.files.cert, w.files.key);
        tls_world_contexts(&w);
        dial_and_fail(&w, TLS_NAME);
        assert_non_null(strstr(w.client.failure, "expired"));
        assert_non_null(strstr(w.server.failure, "certificate_expired"));
        tls_world_end(&w);
}

/* Core: both ends show a certificate, and the names of each are known to the other (S.5.4.3). */
static void mutual(void **state)
{
        for (int max_version = 0; max_version < 2; max_version++) {
                struct tls_world w;

                (void)state;
                tls_world_begin(&w);
                w.server_conf.verify_clients = true;
                w.server_conf.ca = w.files.ca;
                w.server_conf.max_version = max_version;
                tls_world_contexts(&w);
                tls_world_dial(&w, TLS_NAME); /* without a certificate */
                TLS_WAIT(&w, w.client.closes && w.server.closes);
                assert_int_equal(w.server.sessions, 0);
                assert_non_null(strstr(w.server.failure, "the peer showed no certificate, and must"));
                tls_context_free(w.client.ctx);
                tls_context_free(w.server.ctx);
                w.client_conf.certificate = w.files.client_cert;
                w.client_conf.key = w.files.client_key;
                tls_world_contexts(&w);
                tls_world_meet(&w);
                assert_true(w.server.info.verified);
                assert_string_equal(w.server.subject, "scscf.ims.example");
                assert_string_equal(w.server.name, "scscf.ims.example");
                assert_string_equal(w.client.subject, TLS_NAME);
                tls_world_part(&w);
                tls_world_end(&w);
        }
        proves("NDS-003");
}

/* --- versions and suites ------------------------------------------------------------------------------ */

static void versions(void **state)
{
        struct tls_world w;

        (void)state;
        tls_world_begin(&w);
        w.server_conf.max_version = 1;
        tls_world_contexts(&w);
        tls_world_meet(&w);
        assert_string_equal(w.client.version, "TLSv1.2");
        assert_string_equal(w.client.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
        assert_int_equal(w.client.info.session_id_n, 32); /* the Session ID */
        assert_memory_equal(w.client.info.session_id, w.server.info.session_id, 32);
        tls_world_part(&w);
        tls_context_free(w.client.ctx);
        tls_context_free(w.server.ctx);
        w.client_conf.min_version = 1;
        tls_world_contexts(&w);
        dial_and_fail(&w, TLS_NAME);
        assert_non_null(strstr(w.server.failure, "no version of TLS in common"));
        assert_non_null(strstr(w.client.failure, "protocol_version"));
        tls_world_end(&w);
}

static void null_encryption(void **state)
{
        static const struct {
                int server, client;
                bool null;
        } rows[] = {{TLS_NULL_OFF, TLS_NULL_PREFER, false},
                    {TLS_NULL_ALLOW, TLS_NULL_PREFER, false},
                    {TLS_NULL_PREFER, TLS_NULL_OFF, false},
                    {TLS_NULL_PREFER, TLS_NULL_ALLOW, true},
                    {TLS_NULL_PREFER, TLS_NULL_PREFER, true}};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct tls_world w;

                tls_world_begin(&w);
                w.server_conf.max_version = 1;
                w.server_conf.null_encryption = rows[i].server;
                w.client_conf.null_encryption = rows[i].client;
                tls_world_contexts(&w);
                tls_world_meet(&w); /* the client always offers encryption, too (O.2.1) */
                assert_string_equal(w.server.cipher,
                                    rows[i].null ? "ECDHE-ECDSA-NULL-SHA" : "ECDHE-ECDSA-AES128-GCM-SHA256");
                assert_int_equal(tcp_send(w.client.c, SPAN("hello")), 0);
                TLS_WAIT(&w, w.server.got.n == 5);
                tls_world_part(&w);
                tls_world_end(&w);
        }
        proves("TLS-009 TLS-010");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(data_both_ways),
                cmocka_unit_test(much_data),
                cmocka_unit_test(close_before_the_handshake),
                cmocka_unit_test(handler_closes_at_the_session),
                cmocka_unit_test(cut_without_farewell),
                cmocka_unit_test(over_ipv6),
                cmocka_unit_test(client_says_nothing),
                cmocka_unit_test(client_speaks_sip),
                cmocka_unit_test(server_speaks_sip),
                cmocka_unit_test(peer_leaves_during_the_handshake),
                cmocka_unit_test(altered_and_repeated_records),
                cmocka_unit_test(another_name),
                cmocka_unit_test(configured_name),
                cmocka_unit_test(unknown_root),
                cmocka_unit_test(expired_certificate),
                cmocka_unit_test(mutual),
                cmocka_unit_test(versions),
                cmocka_unit_test(null_encryption),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
