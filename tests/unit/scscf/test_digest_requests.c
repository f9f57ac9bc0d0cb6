/* SPDX-License-Identifier: BSD-3-Clause
 * 407: requests other than REGISTER of SIP Digest users. TS 33.203 N.2.1.2; PKT-TR-SEC 6.1.2.2, 6.1.3.2. */
#include "digest_fake.h"
#include "route_fake.h"

static void learn(struct lab *l, struct user *u, const struct phone *p)
{
        struct cx_auth_item item;
        char ha1[DIGEST_HEX_MAX];
        const char *why = NULL;
        struct sd_av v;

        u->scheme = &auth_schemes[AUTH_DIGEST_NBA];
        sd_item(p, ha1, &item);
        assert_int_equal(digest_av_read(&item, SPAN_NULL, &v, &why), 0);
        assert_int_equal(digest_learn(&l->s.reg, u, &v), 0);
}

/* TRUST-003: what the HSS gives as realm is the realm of challenges. */
static void the_realm_lies_in_the_trust_domain(void **state)
{
        const struct phone p = {.realm = DOMAIN}, other = {.realm = "realm.elsewhere.example"};
        struct cx_auth_item item;
        char ha1[DIGEST_HEX_MAX];
        const char *why = NULL;
        struct sd_av v;

        (void)state;
        sd_item(&p, ha1, &item);
        assert_int_equal(digest_av_read(&item, SPAN(DOMAIN), &v, &why), 0);
        sd_item(&other, ha1, &item);
        assert_int_equal(digest_av_read(&item, SPAN_NULL, &v, &why), 0);
        assert_int_equal(digest_av_read(&item, SPAN(DOMAIN), &v, &why), -IMS_EPROTO);
        assert_non_null(strstr(why, "trust_domain"));
        proves("TRUST-003");
}

/* alice by SIP Digest, and all her requests are asked for. */
static struct reg_set *attach_digest(struct lab *l, const struct phone *p)
{
        struct reg_set *set = attach(l, UE1, "r1");

        l->conf.digest.requests = SCSCF_REQUESTS_ALWAYS;
        learn(l, user_find(&l->s.reg.store, SPAN(IMPI)), p);
        return set;
}

static void take_407(struct lab *l, struct phone *p, const char *stale)
{
        struct sip_digest_challenge c;

        expect_status(l, 407);
        assert_int_equal(sip_digest_challenge_parse(sip_msg_value(l->got, SIP_HDR_PROXY_AUTHENTICATE), &c),
                         0);
        assert_true(span_eq(c.realm, span_of(p->realm ? p->realm : DOMAIN)));
        assert_int_equal(c.algorithm, p->algorithm);
        assert_true(c.qop_auth && !c.qop_auth_int);
        assert_int_equal(c.stale, stale != NULL);
        put(p->nonce, sizeof(p->nonce), c.nonce);
        p->nc = 0;
}

/* Proxy-Authorization of the next nonce count. */
static const char *credentials(struct phone *p, const char *method, const char *uri)
{
        static char line[1024];
        const char *impi = p->impi ? p->impi : IMPI, *realm = p->realm ? p->realm : DOMAIN;
        struct digest_input in = {.algorithm = p->algorithm,
                                  .method = span_of(method),
                                  .uri = span_of(uri),
                                  .nonce = span_of(p->nonce),
                                  .qop = SPAN("auth"),
                                  .cnonce = SPAN("abc")};
        char ha1[DIGEST_HEX_MAX], nc[16], response[DIGEST_HEX_MAX];

        snprintf(nc, sizeof(nc), "%08x", ++p->nc);
        assert_int_equal(digest_ha1(p->algorithm, span_of(impi), span_of(realm),
                                    span_of(p->password ? p->password : PASSWORD), ha1),
                         0);
        in.nc = span_of(nc);
        in.ha1 = span_of(ha1);
        assert_int_equal(digest_response(&in, response), 0);
        snprintf(line, sizeof(line),
                 "Proxy-Authorization: Digest "
                 "username=\"%s\",realm=\"%s\",nonce=\"%s\",uri=\"%s\",response=\"%s\","
                 "algorithm=%s,qop=auth,nc=%s,cnonce=\"abc\"\r\n",
                 impi, realm, p->nonce, uri, response, digest_algorithm_name(p->algorithm), nc);
        return line;
}

/* alice's request, by her Service-Route, with these further lines. */
static void request(struct lab *l, const struct reg_set *set, const char *method, const char *more)
{
        char route[256], text[1400];

        snprintf(text, sizeof(text), "%s" PAI(ALICE) "%s", orig_route(l, set, route), more);
        send_request(l, method, BOB, text);
}

static void delivered(struct lab *l)
{
        expect_request(l, BOB);
        assert_null(sip_msg_hdr(l->got, SIP_HDR_PROXY_AUTHORIZATION, 0));
        answer(l, 200);
        expect_status(l, 200);
}

static void asked_and_answered(void **state)
{
        struct lab *l = *state;
        struct phone p = {.algorithm = DIGEST_SHA256, .realm = "other." DOMAIN};
        struct reg_set *set = attach_digest(l, &p);
        char first[64];

        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
        memcpy(first, p.nonce, sizeof(first));
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB)); /* the challenge is kept, nc counts on */
        delivered(l);
        request(l, set, "MESSAGE",
                "Proxy-Authorization: Digest username=\"" IMPI "\",realm=\"" DOMAIN "\",nonce=\"\",uri=\"" BOB
                "\",response=\"\"\r\n");
        take_407(l, &p, NULL);
        assert_string_not_equal(p.nonce, first);
        proves("DIG-040 DIG-041 DIG-042 DIG-045 DIG-047 PC-011 PC-020");
}

static void policy(void **state)
{
        struct lab *l = *state;
        struct phone p = {0};
        struct reg_set *set = attach_digest(l, &p);
        struct contact *c = container_of(set->contacts.next, struct contact, in_set);

        l->conf.digest.requests = SCSCF_REQUESTS_NEVER;
        request(l, set, "MESSAGE", "");
        delivered(l);
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB)); /* not asked for, and not for others */
        delivered(l);
        l->conf.digest.requests = SCSCF_REQUESTS_UNPROTECTED;
        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
        c->tls = true;
        request(l, set, "MESSAGE", "");
        delivered(l);
        l->conf.digest.requests = SCSCF_REQUESTS_ALWAYS;
        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
        l->conf.digest.requests = SCSCF_REQUESTS_UNPROTECTED;
        attach(l, UE2, "r2"); /* a second phone, without TLS */
        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
        proves("DIG-039 TLS-026");
}

static void replays_and_stale_nonces(void **state)
{
        struct lab *l = *state;
        struct phone p = {0};
        struct reg_set *set = attach_digest(l, &p);

        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        p.nc--;
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        take_407(l, &p, "stale");
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        l->conf.digest.nonce_uses = 1;
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        take_407(l, &p, "stale");
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        l->conf.digest.nonce_uses = 5;
        l->conf.digest.nonce_lifetime_ms = 0; /* everything is too old */
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        take_407(l, &p, "stale");
        l->conf.digest.nonce_lifetime_ms = 600000;
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        proves("DIG-045 DIG-049 PC-012 PC-013");
}

/* Who sends in the name of the user without the password. */
static void flood(struct lab *l, const struct reg_set *set)
{
        struct phone thief = {.password = "guessed"};

        for (int i = 0; i < 10; i++) {
                request(l, set, "MESSAGE", "");
                take_407(l, &thief, NULL);
                request(l, set, "MESSAGE", credentials(&thief, "MESSAGE", BOB));
                assert_true(l->got->status == 407 || l->got->status == 403);
        }
}

/* It keeps the phone neither from answering its challenge nor from going on with a nonce. */
static void challenges_of_others_displace_nothing(void **state)
{
        struct lab *l = *state;
        struct phone p = {0};
        struct reg_set *set = attach_digest(l, &p);

        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
        flood(l, set);
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        flood(l, set);
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        proves("DIG-044 DIG-045");
}

static void answer_again(struct lab *l, const struct reg_set *set, struct phone *p, unsigned nc)
{
        struct phone copy = *p;

        copy.nc = nc - 1;
        request(l, set, "MESSAGE", credentials(&copy, "MESSAGE", BOB));
        take_407(l, &copy, "stale");
}

/* What has lost its place does not begin again, used up or not. */
static void no_nonce_counts_from_its_beginning_twice(void **state)
{
        struct lab *l = *state;
        struct phone p[DIGEST_NONCES + 2] = {{0}};
        struct reg_set *set = attach_digest(l, &p[0]);
        uint16_t uses[] = {5, 1};

        for (size_t k = 0; k < 2; k++) {
                l->conf.digest.nonce_uses = uses[k];
                for (size_t i = 0; i < DIGEST_NONCES + 2; i++) {
                        request(l, set, "MESSAGE", "");
                        take_407(l, &p[i], NULL);
                        for (size_t j = 0; j < i; j++)
                                assert_string_not_equal(p[i].nonce, p[j].nonce);
                }
                for (size_t i = 1; i < DIGEST_NONCES + 2; i++) { /* one more than there are places */
                        request(l, set, "MESSAGE", credentials(&p[i], "MESSAGE", BOB));
                        delivered(l);
                }
                answer_again(l, set, &p[0], 1); /* older than what was displaced */
                for (size_t i = 1; i < DIGEST_NONCES + 2; i++)
                        answer_again(l, set, &p[i], 1);
                answer_again(l, set, &p[1], 2);
        }
        proves("DIG-045");
}

static void nonces_that_were_not_given_out(void **state)
{
        struct lab *l = *state;
        struct phone p = {0}, copy;
        struct reg_set *set = attach_digest(l, &p);

        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
        for (size_t i = 0; i < 22; i++) {
                copy = p;
                copy.nonce[i] = copy.nonce[i] == 'A' ? 'Q' : 'A';
                answer_again(l, set, &copy, 1);
        }
        digest_end(user_find(&l->s.reg.store, SPAN(IMPI))->digest); /* as by RTR */
        learn(l, user_find(&l->s.reg.store, SPAN(IMPI)), &p);
        answer_again(l, set, &p, 1);
}

/* A nonce of REGISTER is none of a request, and the counts are apart. */
static void engines_are_separate(void **state)
{
        struct lab *l = *state;
        struct phone p = {0}, other;
        struct reg_set *set = attach_digest(l, &p);
        struct digest_user *d = user_find(&l->s.reg.store, SPAN(IMPI))->digest;

        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        for (size_t i = 0; i < DIGEST_NONCES; i++)
                assert_false(d->reg.nonces[i].live);
        assert_int_equal(digest_nonce_new(&d->reg.nonces[0], DIGEST_MD5, loop_now_ms(l->s.home.loop)), 0);
        other = p;
        other.nc = 0;
        digest_nonce_text(&d->reg.nonces[0], other.nonce);
        request(l, set, "MESSAGE", credentials(&other, "MESSAGE", BOB));
        take_407(l, &other, "stale");
        assert_int_equal(d->reg.nonces[0].nc, 0);
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        proves("DIG-046");
}

static void wrong_digests(void **state)
{
        struct lab *l = *state;
        struct phone p = {0};
        struct reg_set *set = attach_digest(l, &p);

        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
        p.password = "wrong";
        for (unsigned i = 1; i < l->conf.digest.max_failures; i++) {
                request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
                take_407(l, &p, NULL);
        }
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        expect_status(l, 403);
        p.password = NULL; /* nobody is locked out */
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        p.password = "wrong"; /* and it is counted anew */
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        take_407(l, &p, NULL);
        l->conf.digest.failed_request = SCSCF_FAILED_REFUSE;
        p.password = "wrong";
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        expect_status(l, 403);
        assert_null(sip_msg_hdr(l->got, SIP_HDR_PROXY_AUTHENTICATE, 0));
        p.password = NULL;
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", "sip:carol@" DOMAIN)); /* for another request */
        expect_status(l, 400);
        proves("DIG-048");
}

static void asserted_identity_is_of_another_user(void **state)
{
        struct lab *l = *state;
        struct phone p = {0}, carol = {.impi = "carol@" DOMAIN};
        struct reg_set *set = attach_digest(l, &p);
        struct user *u = NULL;

        assert_int_equal(user_new(&l->s.reg.store, SPAN("carol@" DOMAIN), &u), 0);
        learn(l, u, &carol);
        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
        memcpy(carol.nonce, p.nonce, sizeof(carol.nonce));
        request(l, set, "MESSAGE", credentials(&carol, "MESSAGE", BOB)); /* right, over a nonce of alice */
        expect_status(l, 403);
        carol.password = "wrong"; /* and nobody's calls are kept back by what others say in their name */
        request(l, set, "MESSAGE", credentials(&carol, "MESSAGE", BOB));
        expect_status(l, 403);
        assert_null(u->digest->proxy);
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        proves("DIG-050");
}

/* A phone with a SIM and one with a password share the identity. */
static void phones_of_both_schemes(void **state)
{
        struct lab *l = *state;
        struct phone p = {.impi = "alice_home@" DOMAIN};
        struct reg_set *set = attach(l, UE1, "r1");
        struct contact_op op = {
                .value = SPAN(UE2), .uri = SPAN("sip:alice@192.0.2.11:31061"), .expires_s = 600};
        const struct contact_origin origin = {.call_id = SPAN("r2"), .cseq = 1};
        struct contact *c = NULL;
        struct user *u = NULL;
        struct buf route = BUF_INIT;
        char text[512];

        l->conf.digest.requests = SCSCF_REQUESTS_ALWAYS;
        user_find(&l->s.reg.store, SPAN(IMPI))->scheme = &auth_schemes[AUTH_AKA];
        assert_int_equal(user_new(&l->s.reg.store, SPAN("alice_home@" DOMAIN), &u), 0);
        learn(l, u, &p);
        assert_int_equal(contact_new(&op, &origin, loop_now_ms(l->s.home.loop), 5000, &c), 0);
        contact_link(&l->s.reg.store, c, set, u);
        request(l, set, "MESSAGE", ""); /* by the Service-Route of the first, which is that of the SIM */
        delivered(l);
        reg_answer_service_route(&l->s.reg, set, u, &route);
        snprintf(text, sizeof(text), "Route: " SPAN_FMT "\r\n" PAI(ALICE), SPAN_ARG(buf_as_span(&route)));
        buf_free(&route);
        send_request(l, "MESSAGE", BOB, text);
        take_407(l, &p, NULL);
        proves("PC-005");
}

/* Who authenticated is asserted, also where the P-CSCF did not. */
static void identity_is_inserted(void **state)
{
        struct lab *l = *state;
        struct phone p = {0};
        struct reg_set *set = attach_digest(l, &p);
        char route[256], text[1400];

        send_request(l, "MESSAGE", BOB, orig_route(l, set, route));
        take_407(l, &p, NULL);
        snprintf(text, sizeof(text), "%s%s", route, credentials(&p, "MESSAGE", BOB));
        send_request(l, "MESSAGE", BOB, text);
        expect_request(l, BOB);
        assert_true(has_value(l, SIP_HDR_P_ASSERTED_IDENTITY, ALICE));
        answer(l, 200);
        expect_status(l, 200);
        proves("PC-018");
}

/* The HSS answers the MAR that is out. */
static void give_ha1(struct lab *l, const struct phone *p, int err)
{
        struct cx_maa *a = calloc(1, sizeof(*a));
        void *arg = l->cx.arg;
        char ha1[DIGEST_HEX_MAX];

        assert_non_null(arg);
        assert_string_equal(l->cx.impi, p->impi ? p->impi : IMPI);
        assert_string_equal(l->cx.impu, ALICE);
        assert_string_equal(l->cx.scheme, CX_SCHEME_DIGEST);
        assert_int_equal(l->cx.n_items, 1);
        a->h.result = dia_base(DIA_SUCCESS);
        a->n = 1;
        sd_item(p, ha1, &a->items[0]);
        l->cx.arg = NULL;
        l->cx.maa(err, err ? NULL : a, arg);
        free(a);
}

static struct reg_set *attach_and_lose(struct lab *l, const struct phone *p)
{
        struct reg_set *set = attach_digest(l, p);

        digest_forget(user_find(&l->s.reg.store, SPAN(IMPI))->digest);
        return set;
}

/* The request waits for H(A1) and is then asked as any other; an answer from before the restart is stale. */
static void h_a1_is_fetched_after_a_restart(void **state)
{
        struct lab *l = *state;
        struct phone p = {.nonce = "AAAAAAAAAAAAAAAAAAAAAA=="};
        struct reg_set *set = attach_and_lose(l, &p);
        unsigned before = l->n_got;

        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        assert_int_equal(l->n_got, before);
        give_ha1(l, &p, 0);
        wait_for_it(l);
        take_407(l, &p, "stale");
        request(l, set, "MESSAGE", credentials(&p, "MESSAGE", BOB));
        delivered(l);
        request(l, set, "MESSAGE", ""); /* it is kept */
        take_407(l, &p, NULL);
        proves("DIG-040 DIG-047");
}

static void h_a1_cannot_be_fetched(void **state)
{
        struct lab *l = *state;
        struct phone p = {0};
        struct reg_set *set = attach_and_lose(l, &p);
        const struct cx_rtr m = {.impi = SPAN(IMPI), .reason_code = CX_SERVER_CHANGE};

        request(l, set, "MESSAGE", "");
        give_ha1(l, &p, -IMS_ETIMEOUT);
        wait_for_it(l);
        expect_status(l, 504);
        request(l, set, "MESSAGE", "");
        assert_int_equal(registrar_rtr(&l->s.reg, &m), 0);
        wait_for_it(l);
        expect_status(l, 403);
}

/* Whose H(A1) the answer says it is; of somebody else nothing is fetched. */
static void h_a1_of_who_answers(void **state)
{
        struct lab *l = *state;
        struct phone p = {0}, home = {.impi = "alice_home@" DOMAIN}, carol = {.impi = "carol@" DOMAIN};
        struct reg_set *set = attach_digest(l, &p);
        struct contact_op op = {
                .value = SPAN(UE2), .uri = SPAN("sip:alice@192.0.2.11:31061"), .expires_s = 600};
        const struct contact_origin origin = {.call_id = SPAN("r2"), .cseq = 1};
        struct contact *c = NULL;
        struct user *u = NULL, *other = NULL;

        assert_int_equal(user_new(&l->s.reg.store, SPAN("alice_home@" DOMAIN), &u), 0);
        u->scheme = &auth_schemes[AUTH_DIGEST_NBA];
        assert_int_equal(contact_new(&op, &origin, loop_now_ms(l->s.home.loop), 5000, &c), 0);
        contact_link(&l->s.reg.store, c, set, u);
        assert_int_equal(user_new(&l->s.reg.store, SPAN("carol@" DOMAIN), &other), 0);
        other->scheme = &auth_schemes[AUTH_DIGEST_NBA];
        request(l, set, "MESSAGE", credentials(&carol, "MESSAGE", BOB));
        expect_status(l, 403);
        memcpy(home.nonce, "AAAAAAAAAAAAAAAAAAAAAA==", 25);
        request(l, set, "MESSAGE", credentials(&home, "MESSAGE", BOB));
        give_ha1(l, &home, 0);
        wait_for_it(l);
        take_407(l, &home, "stale");
        request(l, set, "MESSAGE", credentials(&home, "MESSAGE", BOB));
        delivered(l);
}

static void a_call_is_canceled_while_the_hss_is_asked(void **state)
{
        struct lab *l = *state;
        struct phone p = {0};
        struct reg_set *set = attach_and_lose(l, &p);
        char route[256];

        request(l, set, "INVITE", ""); /* MAR is out */
        cancel_call(l, orig_route(l, set, route));
        give_ha1(l, &p, 0); /* nobody waits: nothing is sent */
        request(l, set, "MESSAGE", "");
        take_407(l, &p, NULL);
}

/* ACK and what is inside a dialog are not asked; the credentials in them go no further. */
static void inside_a_dialog(void **state)
{
        struct lab *l = *state;
        struct phone p = {0};
        struct reg_set *set = attach_digest(l, &p);
        char rr[256], more[1400];

        request(l, set, "SUBSCRIBE", "Event: presence\r\n");
        take_407(l, &p, NULL);
        snprintf(more, sizeof(more), "Event: presence\r\n%s", credentials(&p, "SUBSCRIBE", BOB));
        request(l, set, "SUBSCRIBE", more);
        expect_request(l, BOB);
        put(rr, sizeof(rr), sip_msg_value(l->got, SIP_HDR_RECORD_ROUTE));
        answer(l, 200);
        expect_status(l, 200);
        for (size_t i = 0; i < 2; i++) {
                const char *method = i ? "ACK" : "BYE";
                char host[ADDR_STR], text[2048];

                snprintf(more, sizeof(more), "Route: %s\r\n%s", rr, credentials(&p, method, BOB));
                snprintf(text, sizeof(text),
                         "%s sip:bob@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKd%zu\r\nMax-Forwards: "
                         "70\r\n"
                         "From: <" ALICE ">;tag=f\r\nTo: <sip:x@y>;tag=t\r\nCall-ID: c%u\r\nCSeq: 9 %s\r\n"
                         "%sContent-Length: 0\r\n\r\n",
                         method, addr_str(&l->peer, host), host, i, l->branch, method, more);
                send_text(l, text);
                assert_true(l->got->is_request);
                assert_null(sip_msg_hdr(l->got, SIP_HDR_PROXY_AUTHORIZATION, 0));
                if (i == 0) {
                        answer(l, 200);
                        expect_status(l, 200);
                }
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_realm_lies_in_the_trust_domain),
                TEST(asked_and_answered),
                TEST(policy),
                TEST(replays_and_stale_nonces),
                TEST(challenges_of_others_displace_nothing),
                TEST(no_nonce_counts_from_its_beginning_twice),
                TEST(nonces_that_were_not_given_out),
                TEST(engines_are_separate),
                TEST(wrong_digests),
                TEST(asserted_identity_is_of_another_user),
                TEST(phones_of_both_schemes),
                TEST(identity_is_inserted),
                TEST(h_a1_is_fetched_after_a_restart),
                TEST(h_a1_cannot_be_fetched),
                TEST(h_a1_of_who_answers),
                TEST(a_call_is_canceled_while_the_hss_is_asked),
                TEST(inside_a_dialog),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
