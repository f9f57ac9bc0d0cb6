/* SPDX-License-Identifier: BSD-3-Clause
 * What tests of TLS at the P-CSCF do and look at: the agreement in clear, the indicator, who is reached how.
 */
#pragma once

#include "tests/unit/pcscf/tls_fix.h"

/* The indicator of what the core got; NULL: none. */
static inline void expect_indicator(struct tls_scene *s, unsigned i, const char *value)
{
        const char *text = s->x->core.got[i];
        char want[64];

        expect_lacks(text, "Security-");
        expect_lacks(text, "sec-agree");
        if (!value) {
                expect_lacks(text, "integrity-protected");
                return;
        }
        (void)snprintf(want, sizeof(want), "integrity-protected=\"%s\"", value);
        expect_has(header(text, "Authorization"), want);
}

static inline void expect_asserted(struct tls_scene *s, struct line *l, const char *impu)
{
        unsigned i;

        line_send(l, message_text("TLS", &l->local));
        i = core_hears(s->x);
        assert_string_equal(header(s->x->core.got[i], "P-Asserted-Identity"), impu);
        raw_answer(&s->x->core, i, "200 OK", "");
        line_status(l, 200);
}

static inline void expect_clear_refused(struct tls_scene *s, const char *cause)
{
        const struct addr from = fix_addr(s->clear.ip, s->clear.open);

        phone_send(&s->clear, s->clear.open, s->x->gm, message_text("UDP", &from));
        expect_status(phone_hears(&s->clear), 403);
        wait_verdict(s->x, cause, NULL);
        core_hears_nothing(s->x);
}

static inline void expect_clear_emergency(struct tls_scene *s)
{
        char sos[1024];
        unsigned i;

        (void)snprintf(
                sos, sizeof(sos),
                "INVITE urn:service:sos SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bKsos;rport\r\n"
                "Max-Forwards: 70\r\nFrom: <sip:a@a>;tag=1\r\nTo: <urn:service:sos>\r\nCall-ID: sos\r\n"
                "CSeq: 1 INVITE\r\nContact: <sip:a@%s>\r\nContent-Length: 0\r\n\r\n",
                s->clear.ip, s->clear.open, s->clear.ip);
        phone_send(&s->clear, s->clear.open, s->x->gm, sos);
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "INVITE urn:service:sos");
        raw_answer(&s->x->core, i, "603 Decline", "");
        expect_has(s->x->core.got[core_hears(s->x)], "ACK ");
}

#define AGREE  "Require: sec-agree\r\nProxy-Require: sec-agree\r\nSecurity-Client: tls;q=0.5\r\n"
#define VERIFY AGREE "Security-Verify: tls;q=0.9\r\n"

/* SM1 to SM6; the number of the registration. */
static inline unsigned agree(struct tls_scene *s, const char *more)
{
        unsigned i, call = ++s->calls;
        const struct heard *h;

        clear_register(s, call, &(struct reg){.more = more});
        i = core_hears(s->x);
        expect_indicator(s, i, NULL);
        raw_answer(&s->x->core, i, "401 Unauthorized", CHALLENGE);
        h = phone_hears(&s->clear);
        expect_status(h, 401);
        assert_string_equal(header(h->text, "Security-Server"), "tls;q=0.9");
        expect_has(h->text, CHALLENGE);
        return call;
}

/* The core reaches the UE over that connection. */
static inline void expect_reached(struct tls_scene *s, struct line *l, const char *path)
{
        char answer[1024], via[600];
        const char *rq;
        unsigned before = s->x->core.n;

        core_asks(s, path);
        rq = line_hears(l);
        expect_has(rq, "MESSAGE sip:alice@192.0.2.9 SIP/2.0");
        (void)snprintf(via, sizeof(via), "%s", strstr(rq, "\r\nVia:") + 2);
        *strstr(via, "Max-Forwards") = '\0';
        (void)snprintf(answer, sizeof(answer),
                       "SIP/2.0 200 OK\r\n%sFrom: %s\r\nTo: %s;tag=u\r\nCall-ID: %s\r\nCSeq: %s\r\n"
                       "Content-Length: 0\r\n\r\n",
                       via, header(rq, "From"), header(rq, "To"), header(rq, "Call-ID"), header(rq, "CSeq"));
        line_send(l, answer);
        WAIT_FOR(&s->x->w, s->x->core.n > before);
        expect_has(s->x->core.got[before], "SIP/2.0 200");
        s->x->core_seen = s->x->core.n;
}
