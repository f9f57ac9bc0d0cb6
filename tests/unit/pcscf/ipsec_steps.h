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

/* The core grants what it heard. contact, expires: as in struct says; NULL: what the phone registers. */
static inline void core_grants(struct fix *x, const struct phone *ph, unsigned i, const char *contact,
                               const char *expires)
{
        char more[768], core[ADDR_STR], ip[ADDR_STR], own[128];

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

/* The set of the kernel whose UE has that client port. */
static inline const struct sa_params *set_of_port(unsigned port_uc)
{
        for (size_t i = 0; i < fake_sa_sets(); i++)
                if (fake_sa_set(i)->ue_ends.port_c == port_uc)
                        return fake_sa_set(i);
        return NULL;
}
