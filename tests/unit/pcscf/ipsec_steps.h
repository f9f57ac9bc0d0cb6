/* SPDX-License-Identifier: BSD-3-Clause
 * Registrations step by step, over the world of ipsec_fix.h: SM1 to SM12 of TS 33.203 6.1.1 and 7.2. */
#pragma once

#include "tests/unit/pcscf/ipsec_fix.h"

/* What a REGISTER says where it is not the usual. */
struct says {
        const char *method;  /* a request other than REGISTER */
        const char *via;     /* sent-by host; NULL: the phone's address */
        const char *client;  /* NULL: the usual; "": none */
        const char *verify;  /* NULL: none */
        const char *auth;    /* parameters behind uri; NULL: an empty response */
        const char *impi;    /* "": no Authorization */
        const char *impu;    /* of To and From */
        const char *contact; /* NULL: port_us; "": none */
        const char *expires; /* NULL: 600000 */
        const char *more;    /* fields */
        const char *require; /* NULL: "Require: sec-agree\r\nProxy-Require: sec-agree\r\n" */
        unsigned via_port;   /* 0: the open port in clear, port_us protected */
};

static inline const char *bracket(const char *ip, char out[static ADDR_STR])
{
        (void)snprintf(out, ADDR_STR, strchr(ip, ':') ? "[%s]" : "%s", ip);
        return out;
}

/* Security-Client with two suites. */
static inline void phone_offers(struct phone *ph)
{
        char ends[128];

        (void)snprintf(ends, sizeof(ends), "spi-c=%u;spi-s=%u;port-c=%u;port-s=%u", ph->spi, ph->spi + 1,
                       ph->uc, ph->us);
        (void)snprintf(ph->client, sizeof(ph->client),
                       "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;%s, "
                       "ipsec-3gpp;alg=hmac-sha-1-96;ealg=null;%s",
                       ends, ends);
}

/* A REGISTER (or what s says) of the phone, protected or not. */
static inline const char *phone_text(struct phone *ph, const struct says *s, bool protected)
{
        static const struct says usual;
        static char text[8192];
        const char *impi, *impu, *method;
        char ip[ADDR_STR], contact[256], auth[512] = "", via_ip[ADDR_STR];
        unsigned port;
        int n;

        s = s ? s : &usual;
        method = s->method ? s->method : "REGISTER";
        impi = s->impi ? s->impi : ph->impi;
        impu = s->impu ? s->impu : ph->impu;
        port = s->via_port ? s->via_port : protected ? ph->us : ph->open;
        (void)bracket(ph->ip, ip);
        (void)snprintf(contact, sizeof(contact), "<sip:alice@%s:%u>", ip, ph->us);
        if (*impi && !s->method)
                (void)snprintf(auth, sizeof(auth),
                               "Authorization: Digest username=\"%s\",realm=\"" HOME "\",uri=\"sip:" HOME
                               "\",%s\r\n",
                               impi, s->auth ? s->auth : "nonce=\"\",response=\"\"");
        n = snprintf(text, sizeof(text),
                     "%s sip:" HOME " SIP/2.0\r\nVia: SIP/2.0/%s %s:%u;branch=z9hG4bK%s-%u\r\n"
                     "Max-Forwards: 70\r\nFrom: <%s>;tag=u1\r\nTo: <%s>\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
                     method, transport_name(ph->transport), s->via ? s->via : bracket(ph->ip, via_ip), port,
                     ph->call_id, ++ph->branch, impu, impu, ph->call_id, ++ph->cseq, method);
        if (!s->contact || *s->contact)
                n += snprintf(text + n, sizeof(text) - (size_t)n, "Contact: %s\r\n",
                              s->contact ? s->contact : contact);
        if (!s->method)
                n += snprintf(text + n, sizeof(text) - (size_t)n, "Expires: %s\r\n%s%s",
                              s->expires ? s->expires : "600000", auth,
                              s->require ? s->require : "Require: sec-agree\r\nProxy-Require: sec-agree\r\n");
        if (!s->method && (!s->client || *s->client))
                n += snprintf(text + n, sizeof(text) - (size_t)n, "Security-Client: %s\r\n",
                              s->client ? s->client : ph->client);
        if (s->verify)
                n += snprintf(text + n, sizeof(text) - (size_t)n, "Security-Verify: %s\r\n", s->verify);
        (void)snprintf(text + n, sizeof(text) - (size_t)n, "%sContent-Length: 0\r\n\r\n",
                       s->more ? s->more : "");
        return text;
}

/* --- the steps ------------------------------------------------------------------------------------ */

/* SM1 in clear. */
static inline void sm1_clear(struct phone *ph, const struct says *s)
{
        phone_offers(ph);
        phone_send(ph, ph->open, ph->x->gm, phone_text(ph, s, false));
}

/* SM1 over the SAs in use; the phone offers its next client port and SPIs. */
static inline void sm1_protected(struct phone *ph, const struct says *s)
{
        struct says own = s ? *s : (struct says){0};

        if (!own.verify)
                own.verify = ph->verify;
        ph->in_uc = ph->uc;
        ph->in_ps = ph->ps;
        ph->uc++;
        ph->spi += 2;
        (void)phone_open(ph, ph->uc, false);
        phone_offers(ph);
        phone_send(ph, ph->in_uc, ph->in_ps, phone_text(ph, &own, true));
}

/* The core challenges what it heard. */
static inline void core_challenges(struct fix *x, struct phone *ph, unsigned i)
{
        static unsigned nonces;
        char more[400];

        (void)snprintf(ph->nonce, sizeof(ph->nonce), "nonce%u", ++nonces);
        (void)snprintf(more, sizeof(more),
                       "WWW-Authenticate: Digest realm=\"" HOME
                       "\",nonce=\"%s\",algorithm=AKAv1-MD5,qop=\"auth\",ik=\"" IK_TEXT "\",ck=\"" CK_TEXT
                       "\"\r\n",
                       ph->nonce);
        raw_answer(&x->core, i, "401 Unauthorized", more);
}

static inline unsigned number_in(const char *list, const char *name)
{
        const char *p = strstr(list, name);

        assert_non_null(p);
        return (unsigned)strtoul(p + strlen(name), NULL, 10);
}

/* SM6 has come. */
static inline const struct heard *sm6(struct phone *ph)
{
        const struct heard *h = phone_hears(ph);

        expect_status(h, 401);
        (void)snprintf(ph->verify, sizeof(ph->verify), "%s", header(h->text, "Security-Server"));
        ph->ps = number_in(ph->verify, "port-s=");
        ph->pc = number_in(ph->verify, "port-c=");
        return h;
}

/* Authorization of SM7. */
static inline const char *answers(const struct phone *ph)
{
        static char auth[128];

        (void)snprintf(auth, sizeof(auth), "nonce=\"%s\",response=\"e3100c86a1d24ccffc70d350ba40f41d\"",
                       ph->nonce);
        return auth;
}

static inline void sm7(struct phone *ph, const struct says *s)
{
        struct says own = s ? *s : (struct says){0};

        if (!own.verify)
                own.verify = ph->verify;
        if (!own.auth)
                own.auth = answers(ph);
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &own, true));
}

/* The core grants what it heard, and knows the Path from then on. contact, expires: as in struct says; NULL:
 * what the phone registers. */
static inline void core_grants(struct fix *x, struct phone *ph, unsigned i, const char *contact,
                               const char *expires)
{
        char more[768], core[ADDR_STR], ip[ADDR_STR], own[128];

        (void)snprintf(ph->path, sizeof(ph->path), "%s", header(x->core.got[i], "Path"));
        (void)snprintf(own, sizeof(own), "<sip:alice@%s:%u>", bracket(ph->ip, ip), ph->us);
        (void)snprintf(more, sizeof(more),
                       "%s%s%s%s%sP-Associated-URI: <%s>, <tel:+15550100>\r\n"
                       "Service-Route: <sip:orig@%s;lr>\r\n",
                       contact && !*contact ? "" : "Contact: ", contact ? contact : own,
                       contact && !*contact ? "" : ";expires=",
                       contact && !*contact ? ""
                       : expires            ? expires
                                            : "600000",
                       contact && !*contact ? "" : "\r\n", ph->impu, addr_str(&x->core.addr, core));
        raw_answer(&x->core, i, "200 OK", more);
}

/* SM6 to SM12 behind an SM1 that was sent. */
static inline const struct heard *finish(struct phone *ph)
{
        struct fix *x = ph->x;
        const struct heard *h;

        core_challenges(x, ph, core_hears(x));
        (void)sm6(ph);
        sm7(ph, NULL);
        core_grants(x, ph, core_hears(x), NULL, NULL);
        h = phone_hears(ph);
        expect_status(h, 200);
        return h;
}

static inline void registered(struct phone *ph)
{
        sm1_clear(ph, NULL);
        (void)finish(ph);
        ph->in_uc = ph->uc;
        ph->in_ps = ph->ps;
}

/* A request of the phone on the SAs of the last registration. */
static inline void phone_requests(struct phone *ph, const char *method)
{
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &(struct says){.method = method}, true));
}

/* A request of the core for the phone, along its Path. */
static inline void core_sends(struct phone *ph, const char *method)
{
        static unsigned calls;
        struct fix *x = ph->x;
        struct addr to;
        char text[2048], core[ADDR_STR], ip[ADDR_STR], gm[ADDR_STR], call[64];

        calls++;
        (void)snprintf(call, sizeof(call), "core-%u", calls);
        if (*ph->core_call)
                (void)snprintf(call, sizeof(call), "%s", ph->core_call);
        (void)snprintf(gm, sizeof(gm), "%s1", x->net);
        to = fix_addr(gm, x->core_port);
        (void)snprintf(text, sizeof(text),
                       "%s sip:alice@%s:%u SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKcore%u\r\n"
                       "Max-Forwards: 70\r\nRoute: %s\r\nFrom: <sip:bob@" HOME ">;tag=b\r\nTo: <%s>%s\r\n"
                       "Call-ID: %s\r\nCSeq: 1 %s\r\nContact: <sip:bob@%s>\r\n"
                       "Content-Length: 0\r\n\r\n",
                       method, bracket(ph->ip, ip), ph->us, addr_str(&x->core.addr, core), calls, ph->path,
                       ph->impu, *ph->core_call ? ";tag=u1" : "", call, method, core);
        raw_send(&x->core, &to, text);
}

/* The phone answers, from port_uc of those SAs to port_ps, or over the connection it was asked on. */
static inline void phone_answers(struct phone *ph, const struct heard *h, unsigned from,
                                 const char *status_line)
{
        static const char *const copied[] = {"Via:", "From:", "Call-ID:", "CSeq:", "Record-Route:"};
        struct buf b = BUF_INIT;
        struct span rest = span_of(h->text), line;

        buf_printf(&b, "SIP/2.0 %s\r\n", status_line);
        while (span_split(&rest, '\n', &line)) {
                for (size_t k = 0; k < sizeof(copied) / sizeof(copied[0]); k++)
                        if (span_istarts(line, span_of(copied[k])))
                                buf_printf(&b, SPAN_FMT "\n", SPAN_ARG(line));
                if (span_istarts(line, SPAN("To:")))
                        buf_printf(&b, SPAN_FMT ";tag=phone\r\n", SPAN_ARG(span_trim(line)));
        }
        buf_puts(&b, "Content-Length: 0\r\n\r\n");
        buf_char(&b, '\0');
        assert_int_equal(b.err, 0);
        if (h->conn)
                assert_int_equal(tcp_send(h->conn->c, span_of(b.p)), 0);
        else
                phone_send(ph, from, ph->ps, b.p);
        buf_free(&b);
}

/* A request of the core comes from that client port of the P-CSCF and is answered; the core hears it. */
static inline void called_over(struct phone *ph, unsigned pc, unsigned uc)
{
        const struct heard *h;

        core_sends(ph, "MESSAGE");
        h = phone_hears(ph);
        expect_way(h, TRANSPORT_UDP, pc, ph->us);
        phone_answers(ph, h, uc, "200 OK");
        expect_has(ph->x->core.got[core_hears(ph->x)], "SIP/2.0 200 OK");
}

/* A request of the phone over those SAs, and its answer. */
static inline void calls_over(struct phone *ph, unsigned uc, unsigned pc)
{
        struct fix *x = ph->x;
        unsigned i;

        phone_send(ph, uc, ph->ps, phone_text(ph, &(struct says){.method = "MESSAGE"}, true));
        i = core_hears(x);
        expect_has(x->core.got[i], "MESSAGE sip:");
        raw_answer(&x->core, i, "200 OK", "");
        expect_way(phone_hears(ph), TRANSPORT_UDP, pc, ph->us);
}

/* The set of the kernel whose UE has that client port. */
static inline const struct sa_params *set_of_port(unsigned port_uc)
{
        for (size_t i = 0; i < fake_sa_sets(); i++)
                if (fake_sa_set(i)->ue_ends.port_c == port_uc)
                        return fake_sa_set(i);
        return NULL;
}

/* What has become of the SAs with that client port of the phone: enum sa_set_state, or -1: none. */
static inline int state_of(const struct phone *ph, unsigned port_uc)
{
        struct addr ps = fix_addr(ph->x->ip, ph->x->ps), uc = fix_addr(ph->ip, (uint16_t)port_uc);
        const struct sa_set *s = sa_find(ph->x->p->ipsec->table, &ps, &uc);

        return s ? (int)s->state : -1;
}

/* --- a test with one phone ------------------------------------------------------------------------ */

struct scene {
        struct fix *x;
        struct phone ph;
};

static inline int scene_begin(void **state, const struct fix_conf *c, enum transport t)
{
        struct scene *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        s->x = fix_start(c);
        phone_start(&s->ph, s->x, 0, t);
        *state = s;
        return 0;
}

static inline int scene_udp(void **state)
{
        return scene_begin(state, NULL, TRANSPORT_UDP);
}

static inline int scene_tcp(void **state)
{
        return scene_begin(state, NULL, TRANSPORT_TCP);
}

static inline int scene_end(void **state)
{
        struct scene *s = *state;

        phone_stop(&s->ph);
        fix_stop(s->x);
        free(s);
        return 0;
}

#define SCENE(name, start) cmocka_unit_test_setup_teardown(name, start, scene_end)
