/* SPDX-License-Identifier: BSD-3-Clause
 * Who may cancel, acknowledge and answer on the core side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/log.h"
#include "common/trace/sip_guard.h"

static const char *const trusted[] = {"192.0.2.0/24"};

static struct sip_flow flow_from(const char *remote)
{
        struct sip_flow f = {.transport = TRANSPORT_UDP};

        assert_int_equal(addr_parse(span_of(remote), 5060, &f.remote), 0);
        return f;
}

static bool admitted(const struct trust *t, const char *remote, const char *first_line, const char *cseq)
{
        struct sip_flow flow = flow_from(remote);
        struct buf text = BUF_INIT;
        struct sip_msg *m = NULL;
        const char *note = NULL;
        size_t used;
        bool yes;

        buf_printf(&text,
                   "%s\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKg\r\nFrom: <sip:a@h>;tag=a\r\n"
                   "To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
                   first_line, cseq);
        assert_int_equal(sip_msg_parse(buf_as_span(&text), SIP_DATAGRAM, &m, &used), 0);
        yes = sip_guard_admit(t, NULL, &flow, m, &note);
        assert_true(yes || note);
        if (!m->is_request)
                yes = yes && sip_guard_answer(t, NULL, &flow, &flow.local, m);
        sip_msg_unref(m);
        buf_free(&text);
        return yes;
}

static void by_the_list(void **state)
{
        struct trust list, everybody = {0};

        (void)state;
        log_init("test", LOG_ERROR);
        assert_int_equal(trust_init(&list, (char *const *)trusted, 1), 0);
        for (int in = 0; in < 2; in++) {
                const char *from = in ? "192.0.2.7" : "198.51.100.7";

                assert_int_equal(admitted(&list, from, "CANCEL sip:b@h SIP/2.0", "CANCEL"), in);
                assert_int_equal(admitted(&list, from, "ACK sip:b@h SIP/2.0", "ACK"), in);
                assert_int_equal(admitted(&list, from, "SIP/2.0 200 OK", "INVITE"), in);
                /* others have their answer from the node */
                assert_true(admitted(&list, from, "INVITE sip:b@h SIP/2.0", "INVITE"));
                assert_true(admitted(&list, from, "REGISTER sip:h SIP/2.0", "REGISTER"));
                assert_true(admitted(&everybody, from, "CANCEL sip:b@h SIP/2.0", "CANCEL"));
                assert_true(admitted(&everybody, from, "SIP/2.0 200 OK", "INVITE"));
        }
        trust_free(&list);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(by_the_list)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
