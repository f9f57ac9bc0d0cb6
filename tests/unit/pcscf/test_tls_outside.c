/* SPDX-License-Identifier: BSD-3-Clause
 * What is taken of a UE outside of its TLS connection, and what not. TS 33.203 O.2.2, O.2.3. */
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/tls_steps.h"

/* --- requests ------------------------------------------------------------------------------------- */

/* Nothing but emergency calls is taken outside. */
static void outside_from_the_start(void **state)
{
        struct tls_scene *s = *state;
        const struct reg answer = {.answer = true};
        struct line l;
        unsigned i;

        expect_clear_refused(s, "not_registered");
        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        expect_clear_refused(s, "outside_tls");
        clear_register(s, 900, &(struct reg){0});
        expect_status(phone_hears(&s->clear), 403);
        expect_verdict(s->x, "outside_tls", "from the start");
        clear_register(s, 900, &answer);
        expect_status(phone_hears(&s->clear), 403);
        core_hears_nothing(s->x);
        clear_register(s, 902, &(struct reg){.sos = true}); /* an emergency registration */
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "REGISTER ");
        raw_answer(&s->x->core, i, "403 Forbidden", "");
        expect_status(phone_hears(&s->clear), 403);
        expect_clear_emergency(s);
        expect_asserted(s, &l, "<sip:alice@" HOME ">");
        /* another device of the user is another UE */
        clear_register(s, 901, &(struct reg){.instance = "<urn:uuid:00000000-0000-4000-8000-000000000002>"});
        (void)core_hears(s->x);
        line_close(&l);
        proves("TLS-029");
}

/* A registration by sec-agree, whose connection is l. */
static void registers_by_sec_agree(struct tls_scene *s, struct line *l)
{
        unsigned call = agree(s, AGREE);

        line_open(l, s);
        line_register(l, call, &(struct reg){.answer = true, .more = VERIFY});
        core_accepts(s, core_hears(s->x), "alice");
        line_status(l, 200);
}

/* A request of the call that the UE sets up over its connection. */
static const char *call_text(const char *method, const struct addr *ue)
{
        static char text[1024];
        char at[ADDR_STR];

        (void)snprintf(text, sizeof(text),
                       "%s sip:bob@" HOME " SIP/2.0\r\nVia: SIP/2.0/TLS %s;branch=z9hG4bKcall;rport\r\n"
                       "Max-Forwards: 70\r\nFrom: <sip:alice@" HOME ">;tag=call\r\nTo: <sip:bob@" HOME
                       ">\r\nCall-ID: call\r\nCSeq: 1 %s\r\nContact: <sip:alice@%s>\r\n"
                       "Content-Length: 0\r\n\r\n",
                       method, addr_str(ue, at), method, at);
        return text;
}

/* Requests of alice in clear, alone and within her call, over UDP and TCP. */
static void expect_requests_refused(struct tls_scene *s, const char *routes)
{
        static const char *const methods[] = {"INVITE",    "MESSAGE", "BYE", "ACK",
                                              "SUBSCRIBE", "OPTIONS", "INFO"};
        struct phone *ph = &s->clear;
        static unsigned n;

        for (unsigned k = 0; k < 4 * sizeof(methods) / sizeof(methods[0]); k++) {
                const char *method = methods[k / 4], *transport = k % 2 ? "TCP" : "UDP";
                bool within = k / 2 % 2;
                char text[2048];

                ph->transport = k % 2 ? TRANSPORT_TCP : TRANSPORT_UDP;
                n++;
                (void)snprintf(
                        text, sizeof(text),
                        "%s sip:bob@" HOME " SIP/2.0\r\nVia: SIP/2.0/%s %s:%u;branch=z9hG4bKo%u;rport\r\n"
                        "%sMax-Forwards: 70\r\nFrom: <sip:alice@" HOME ">;tag=call\r\n"
                        "To: <sip:bob@" HOME ">%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
                        "Contact: <sip:alice@%s:%u>\r\nContent-Length: 0\r\n\r\n",
                        method, transport, ph->ip, ph->open, n, within ? routes : "",
                        within ? ";tag=bob" : "", within ? "call" : method, n + 1, method, ph->ip, ph->open);
                phone_send(ph, ph->open, s->x->gm, text);
                if (strcmp(method, "ACK") != 0) {
                        expect_status(phone_hears(ph), 403);
                        wait_verdict(s->x, "outside_tls", NULL);
                }
                core_hears_nothing(s->x);
                phone_hears_nothing(ph);
        }
        ph->transport = TRANSPORT_UDP;
}

/* After the association a UE of sec-agree sends outside REGISTER and emergency calls, and nothing else. */
static void requests_outside(void **state)
{
        struct tls_scene *s = *state;
        char routes[1024], line[400];
        const char *rq;
        struct line l;
        unsigned i;

        registers_by_sec_agree(s, &l);
        line_send(&l, call_text("INVITE", &l.local));
        i = core_hears(s->x);
        rq = s->x->core.got[i];
        assert_string_equal(header(rq, "P-Asserted-Identity"), "<sip:alice@" HOME ">");
        (void)snprintf(line, sizeof(line), "%s", header(rq, "Record-Route"));
        (void)snprintf(routes, sizeof(routes), "Route: %s\r\n", line);
        expect_has(routes, ";lr");
        raw_answer(&s->x->core, i, "200 OK", "Contact: <sip:bob@192.0.2.9>\r\n");
        do
                (void)line_hears(&l);
        while (!has(l.last, "SIP/2.0 200"));
        expect_requests_refused(s, routes);
        (void)agree(s, AGREE); /* a REGISTER in clear passes, unmarked */
        expect_clear_emergency(s);
        expect_reached(s, &l, s->path);
        line_close(&l);
        proves("TLS-023");
}

/* --- answers -------------------------------------------------------------------------------------- */

/* The answer of the UE to a request that came over its connection. */
static const char *answer_text(const char *rq, const char *status)
{
        static char answer[1400];
        char via[600];

        (void)snprintf(via, sizeof(via), "%s", strstr(rq, "\r\nVia:") + 2);
        *strstr(via, "Max-Forwards") = '\0';
        (void)snprintf(answer, sizeof(answer),
                       "SIP/2.0 %s\r\n%sFrom: %s\r\nTo: %s;tag=u\r\nCall-ID: %s\r\nCSeq: %s\r\n"
                       "Content-Length: 0\r\n\r\n",
                       status, via, header(rq, "From"), header(rq, "To"), header(rq, "Call-ID"),
                       header(rq, "CSeq"));
        return answer;
}

static void expect_answer_dropped(struct tls_scene *s, struct phone *ph, const char *rq, const char *status)
{
        phone_send(ph, ph->open, s->x->gm, answer_text(rq, status));
        wait_verdict(s->x, "outside_tls", NULL);
        core_hears_nothing(s->x);
}

/* From the start: no answer over another way than the connection is taken, an error neither. */
static void answers_from_the_start(void **state)
{
        struct tls_scene *s = *state;
        struct line l, other;
        const char *rq;

        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        core_asks(s, s->path);
        rq = line_hears(&l);
        expect_answer_dropped(s, &s->clear, rq, "200 OK");
        expect_answer_dropped(s, &s->clear, rq, "486 Busy Here");
        line_open(&other, s);
        line_send(&other, answer_text(rq, "486 Busy Here"));
        wait_verdict(s->x, "outside_tls", NULL);
        core_hears_nothing(s->x);
        line_close(&other);
        line_send(&l, answer_text(rq, "200 OK"));
        expect_has(s->x->core.got[core_hears(s->x)], "SIP/2.0 200");
        line_close(&l);
        proves("TLS-005 TLS-029");
}

/* After sec-agree an error message is taken outside, of the UE's address alone; no other answer is. */
static void answers_after_sec_agree(void **state)
{
        struct tls_scene *s = *state;
        struct line l, other;
        struct phone stranger;
        const char *rq;

        registers_by_sec_agree(s, &l);
        phone_start(&stranger, s->x, 1, TRANSPORT_UDP);
        core_asks(s, s->path);
        rq = line_hears(&l);
        expect_answer_dropped(s, &s->clear, rq, "180 Ringing");
        expect_answer_dropped(s, &s->clear, rq, "200 OK");
        expect_answer_dropped(s, &s->clear, rq, "302 Moved Temporarily");
        expect_answer_dropped(s, &stranger, rq, "486 Busy Here");
        line_open(&other, s);
        line_send(&other, answer_text(rq, "486 Busy Here"));
        wait_verdict(s->x, "outside_tls", NULL);
        core_hears_nothing(s->x);
        line_close(&other);
        phone_send(&s->clear, s->clear.open, s->x->gm, answer_text(rq, "486 Busy Here"));
        expect_has(s->x->core.got[core_hears(s->x)], "SIP/2.0 486");
        core_asks(s, s->path);
        rq = line_hears(&l);
        phone_send(&s->clear, s->clear.open, s->x->gm, answer_text(rq, "603 Decline"));
        expect_has(s->x->core.got[core_hears(s->x)], "SIP/2.0 603");
        expect_reached(s, &l, s->path);
        phone_stop(&stranger);
        line_close(&l);
        proves("TLS-005 TLS-023");
}

/* Whoever is called knows the branch of the caller: that alone ends no call. */
static void cancel_outside(void **state)
{
        struct tls_scene *s = *state;
        struct line l, other;
        unsigned i;

        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        line_open(&other, s);
        line_send(&l, call_text("INVITE", &l.local));
        i = core_hears(s->x);
        raw_answer(&s->x->core, i, "180 Ringing", "");
        do
                (void)line_hears(&l);
        while (!has(l.last, "SIP/2.0 180"));
        phone_send(&s->clear, s->clear.open, s->x->gm, call_text("CANCEL", &l.local));
        expect_status(phone_hears(&s->clear), 481);
        line_send(&other, call_text("CANCEL", &l.local));
        line_status(&other, 481);
        core_hears_nothing(s->x);
        line_send(&l, call_text("CANCEL", &l.local));
        line_status(&l, 200);
        expect_has(s->x->core.got[core_hears(s->x)], "CANCEL ");
        raw_answer(&s->x->core, i, "487 Request Terminated", "");
        line_status(&l, 487);
        line_close(&other);
        line_close(&l);
        proves("TLS-005");
}

/* The answer to such a challenge stays out of the clear. */
static void answer_in_clear(void **state)
{
        struct tls_scene *s = *state;
        unsigned call = agree(s, AGREE);

        clear_register(s, call, &(struct reg){.answer = true, .more = VERIFY});
        expect_status(phone_hears(&s->clear), 403);
        expect_verdict(s->x, "outside_tls", "Security-Server said tls");
        core_hears_nothing(s->x);
}

/* --- from clear to TLS ---------------------------------------------------------------------------- */

static int scene_both(void **state)
{
        return tls_scene_begin(state, "access: {type: other}\ndigest: {without_tls: accept}\n", NULL, 0);
}

/* What the UE had in clear ends when it has TLS; another user at the address keeps what is his. */
static void clear_ends_with_tls(void **state)
{
        struct tls_scene *s = *state;
        struct line l;
        unsigned i, call = ++s->calls;
        char contact[400], both[1200];

        clear_register(s, call, &(struct reg){0});
        raw_answer(&s->x->core, core_hears(s->x), "401 Unauthorized", CHALLENGE);
        expect_status(phone_hears(&s->clear), 401);
        clear_register(s, call, &(struct reg){.answer = true});
        i = core_hears(s->x);
        expect_indicator(s, i, NULL);
        (void)snprintf(contact, sizeof(contact), "%s", header(s->x->core.got[i], "Contact"));
        core_accepts(s, i, "alice");
        expect_status(phone_hears(&s->clear), 200);
        expect_has(asked(s->x, "status json\n"), "\"association\":\"ip\"");
        line_open(&l, s);
        line_registers(&l, &(struct reg){.impi = "bob@" HOME, .user = "bob"});
        expect_has(asked(s->x, "status json\n"), "\"association\":\"ip\"");
        line_close(&l);
        wait_verdict(s->x, "connection_lost", NULL);
        line_open(&l, s);
        line_register(&l, ++s->calls, &(struct reg){.answer = true});
        i = core_hears(s->x);
        (void)snprintf(both, sizeof(both), "Contact: %s;expires=600, %s;expires=600\r\n", contact,
                       header(s->x->core.got[i], "Contact")); /* the registrar has both */
        raw_answer(&s->x->core, i, "200 OK", both);
        line_status(&l, 200);
        expect_lacks(asked(s->x, "status json\n"), "\"association\":\"ip\"");
        expect_clear_refused(s, "outside_tls");
        expect_asserted(s, &l, "<sip:alice@" HOME ">");
        line_close(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TLS_SCENE(outside_from_the_start, tls_scene_13),
                TLS_SCENE(requests_outside, tls_scene_13),
                TLS_SCENE(answers_from_the_start, tls_scene_13),
                TLS_SCENE(answers_after_sec_agree, tls_scene_13),
                TLS_SCENE(cancel_outside, tls_scene_12),
                TLS_SCENE(cancel_outside, tls_scene_13),
                TLS_SCENE(answer_in_clear, tls_scene_13),
                TLS_SCENE(clear_ends_with_tls, scene_both),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
