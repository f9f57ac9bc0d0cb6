/* SPDX-License-Identifier: BSD-3-Clause
 * The security agreement as a P-CSCF holds a UE to it: what is offered, refused, chosen, and that the answer
 * to the challenge repeats all of it. RFC 3329 2.3, TS 33.203 7.1, 7.2, 7.3.2, Annex H. */
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/ipsec_steps.h"

#define ENDS  "spi-c=700000;spi-s=700001;port-c=31060;port-s=31099"
#define SHA   "ipsec-3gpp;alg=hmac-sha-1-96;"
#define OFFER SHA "ealg=aes-cbc;" ENDS

/* SM1 with this Security-Client; what comes back. */
static const struct heard *offered(struct scene *s, const char *client)
{
        sm1_clear(&s->ph, &(struct says){.client = client});
        return phone_hears(&s->ph);
}

/* --- refused at once ------------------------------------------------------------------------------- */

static void without_an_offer(void **state)
{
        struct scene *s = *state;
        const struct heard *h = offered(s, "");

        expect_status(h, 421);
        expect_has(header(h->text, "Require"), "sec-agree");
        expect_way(h, TRANSPORT_UDP, s->x->gm, s->ph.open);
        expect_verdict(s->x, "extension_required", "no Security-Client");
        /* as a UE of GIBA comes: without Authorization as well */
        sm1_clear(&s->ph, &(struct says){.client = "", .require = "", .impi = ""});
        expect_status(phone_hears(&s->ph), 421);
        expect_verdict(s->x, "extension_required", "no Security-Client");
        core_hears_nothing(s->x);
        proves("GIBA-027");
}

static int scene_494(void **state)
{
        return scene_begin(state, &(struct fix_conf){.security = "  without_offer: \"494\"\n"},
                           TRANSPORT_UDP);
}

/* The list of a 494 names suites, and no SPI or port that would mean something. */
static void lists_suites(const struct heard *h)
{
        const char *list = header(h->text, "Security-Server");

        expect_has(list, "alg=hmac-sha-1-96");
        expect_has(list, "ealg=aes-cbc");
        expect_has(list, "ealg=null");
        expect_lacks(list, "hmac-md5-96");
        expect_lacks(list, "des-ede3-cbc");
        expect_lacks(list, "spi-");
        expect_lacks(list, "port-");
}

static void without_an_offer_494(void **state)
{
        struct scene *s = *state;
        const struct heard *h = offered(s, "");

        expect_status(h, 494);
        lists_suites(h);
        sm1_clear(&s->ph, &(struct says){.client = "", .require = ""}); /* knows nothing of sec-agree */
        expect_status(phone_hears(&s->ph), 421);
        core_hears_nothing(s->x);
}

static void nothing_in_common(void **state)
{
        static const char *const offers[] = {
                "ipsec-3gpp;alg=hmac-md5-96;" ENDS,                            /* old, not configured */
                SHA "ealg=des-ede3-cbc;" ENDS,                                 /* likewise */
                SHA "prot=ah;" ENDS,                                           /* no AH in IMS */
                SHA "ealg=aes-gcm;" ENDS,                                      /* goes with null alone */
                "ipsec-3gpp;alg=null;ealg=aes-cbc;" ENDS,                      /* no integrity */
                "ipsec-3gpp;ealg=aes-cbc;" ENDS,                               /* no alg */
                SHA "mod=tun;" ENDS,                                           /* no such mode here */
                SHA "mod=UDP-enc-tun;" ENDS,                                   /* no translator is there */
                SHA "spi-c=700000;spi-s=700001;port-c=31060",                  /* not whole */
                SHA "spi-c=700000;spi-s=700001;port-c=5060;port-s=31099",      /* 7.1 */
                SHA "spi-c=700000;spi-s=700001;port-c=31060;port-s=5061",      /* 7.1 */
                SHA "spi-c=700000;spi-s=700001;port-c=0;port-s=31099",         /* */
                SHA ENDS ", " SHA "spi-c=1;spi-s=2;port-c=31060;port-s=31099", /* two pairs */
                "ipsec-man;alg=hmac-sha-1-96;" ENDS ", tls;q=0.3",             /* no ipsec-3gpp */
                "digest;d-alg=md5",
        };
        struct scene *s = *state;

        for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
                const struct heard *h = offered(s, offers[i]);

                if (status_of(h) != 494)
                        fail_msg("%s: %s", offers[i], h->text);
                lists_suites(h);
                expect_verdict(s->x, "security_unacceptable", NULL);
        }
        core_hears_nothing(s->x);
        assert_int_equal(fix_sets(s->x), 0);
        proves("SECAGREE-016 SECAGREE-022 SECAGREE-024 SECAGREE-025 SECAGREE-026 SECAGREE-034 SA-014 SA-027");
}

static void malformed(void **state)
{
        static const char *const offers[] = {
                SHA "q=1.1;" ENDS,
                SHA "q=0.1234;" ENDS,
                SHA "spi-c=4294967296;spi-s=700001;port-c=31060;port-s=31099",
                SHA "spi-c=700000;spi-s=700001;port-c=65536;port-s=31099",
                SHA "spi-c=x;spi-s=700001;port-c=31060;port-s=31099",
                SHA "ealg=null;ealg=aes-cbc;" ENDS,
                SHA "ealg=;" ENDS,
                OFFER ", ;alg=null",
        };
        struct scene *s = *state;

        for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
                const struct heard *h = offered(s, offers[i]);

                if (status_of(h) != 400)
                        fail_msg("%s: %s", offers[i], h->text);
                expect_has(h->text, "400 Malformed Security Header\r\n");
                expect_verdict(s->x, "malformed", "Security-Client: ");
        }
        core_hears_nothing(s->x);
        proves("SECAGREE-021 SECAGREE-028");
}

/* --- chosen ---------------------------------------------------------------------------------------- */

static struct sec_suite chosen(struct scene *s, const char *client)
{
        sm1_clear(&s->ph, &(struct says){.client = client});
        core_challenges(s->x, &s->ph, core_hears(s->x));
        (void)sm6(&s->ph);
        assert_int_equal(fix_sets(s->x), 1);
        return fake_sa_set(0)->suite;
}

static void order_is_the_servers(void **state)
{
        struct scene *s = *state;
        struct sec_suite got = chosen(s, "ipsec-3gpp;q=0.9;alg=hmac-sha-1-96;ealg=null;" ENDS
                                         ", ipsec-3gpp;q=0.1;alg=null;ealg=aes-gcm;" ENDS);
        const char *first = strchr(s->ph.verify, ','), *list = s->ph.verify;

        assert_int_equal(got.ealg, SEC_EALG_AES_GCM); /* encryption before none, whatever the UE prefers */
        assert_int_equal(got.alg, SEC_ALG_NULL);
        /* the whole list of the P-CSCF, not what the UE has of it */
        assert_non_null(first);
        expect_has(list, "ipsec-3gpp;q=0.9");
        assert_true(strstr(list, "ealg=aes-cbc") < first); /* configured first */
        assert_true(strstr(list, "ealg=aes-gcm") > first);
        expect_has(list, "alg=aes-gmac");
        proves("SECAGREE-005 NAT-025");
}

static int scene_gmac_first(void **state)
{
        static const char *const lines = "  algorithms: [aes-gmac/null, hmac-sha-1-96/null]\n";

        return scene_begin(state, &(struct fix_conf){.security = lines}, TRANSPORT_UDP);
}

static void configuration_orders(void **state)
{
        struct scene *s = *state;
        struct sec_suite got = chosen(s, OFFER ", " SHA "ealg=null;" ENDS ", ipsec-3gpp;alg=aes-gmac;" ENDS);

        assert_int_equal(got.alg, SEC_ALG_AES_GMAC);
        expect_lacks(s->ph.verify, "aes-cbc"); /* taken out of the list: whatever the UE prefers */
        proves("SECAGREE-005 SECAGREE-006");
}

static int scene_old(void **state)
{
        static const char *const lines =
                "  algorithms: [hmac-md5-96/des-ede3-cbc, hmac-sha-1-96/aes-cbc, hmac-md5-96/null]\n";

        return scene_begin(state, &(struct fix_conf){.security = lines}, TRANSPORT_UDP);
}

static void old_phones(void **state)
{
        struct scene *s = *state;
        struct sec_suite got = chosen(s, "ipsec-3gpp;alg=hmac-md5-96;ealg=des-ede3-cbc;" ENDS);
        const char *list = s->ph.verify;

        assert_int_equal(got.alg, SEC_ALG_HMAC_MD5_96);
        assert_int_equal(got.ealg, SEC_EALG_DES_EDE3_CBC);
        assert_true(strstr(list, "aes-cbc") < strstr(list, "des-ede3-cbc")); /* lowest, wherever they stand */
        proves("SECAGREE-035");
}

/* Parameters in any order and in any case, other mechanisms between, several lines. */
static void however_it_is_written(void **state)
{
        struct scene *s = *state;
        struct sec_suite got;

        got = chosen(s, "tls;q=0.2;spi-c=nothing, IPSEC-3GPP;PORT-S=31099;spi-s=0000700001;"
                        "mod=TRANS;Port-C=31060;x=y;ALG=HMAC-SHA-1-96;prot=ESP;spi-c=700000\r\n"
                        "Security-Client: ipsec-3gpp;port-c=31060;spi-c=700000;EALG=AES-CBC;port-s=31099;"
                        "alg=hmac-sha-1-96;spi-s=700001");
        assert_int_equal(got.ealg, SEC_EALG_AES_CBC);
        assert_int_equal(fake_sa_set(0)->ue_ends.spi_s, 700001);
        assert_int_equal(fake_sa_set(0)->ue_ends.port_s, 31099);
        proves("SECAGREE-018 SECAGREE-019 SECAGREE-020 SECAGREE-023 SECAGREE-027 SECAGREE-031");
}

/* --- confidentiality ------------------------------------------------------------------------------- */

static int scene_never(void **state)
{
        return scene_begin(state, &(struct fix_conf){.security = "  confidentiality: never\n"},
                           TRANSPORT_UDP);
}

static int scene_required(void **state)
{
        return scene_begin(state, &(struct fix_conf){.security = "  confidentiality: required\n"},
                           TRANSPORT_UDP);
}

static void never_encrypted(void **state)
{
        struct scene *s = *state;
        struct sec_suite got = chosen(s, OFFER ", " SHA "ealg=null;" ENDS);

        assert_int_equal(got.ealg, SEC_EALG_NULL);
        expect_lacks(s->ph.verify, "ealg");
        proves("SECAGREE-009 SA-005");
}

static void integrity_alone(void **state)
{
        struct scene *s = *state;
        struct sec_suite got = chosen(s, SHA ENDS); /* "preferred": it has none */

        assert_int_equal(got.ealg, SEC_EALG_NULL);
        expect_has(s->ph.verify, "ealg=aes-cbc"); /* and is told what there would be */
        expect_has(s->ph.verify, "ealg=aes-gcm");
        proves("SECAGREE-007 SECAGREE-010");
}

static void encryption_required(void **state)
{
        struct scene *s = *state;
        const struct heard *h = offered(s, SHA ENDS);

        expect_status(h, 494);
        expect_lacks(header(h->text, "Security-Server"), "ealg=null");
        expect_verdict(s->x, "security_unacceptable", "encryption");
        assert_int_equal(chosen(s, OFFER).ealg, SEC_EALG_AES_CBC);
        proves("SECAGREE-007 SA-005");
}

/* --- the repetition -------------------------------------------------------------------------------- */

/* The first part of text that reads from, replaced. */
static const char *changed(const char *text, const char *from, const char *to)
{
        static char out[4096];
        const char *at = strstr(text, from);

        assert_non_null(at);
        (void)snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
        return out;
}

/* A number of the list, one more. */
static const char *one_more(const char *text, const char *name)
{
        char from[32], to[32];

        (void)snprintf(from, sizeof(from), "%s%u", name, number_in(text, name));
        (void)snprintf(to, sizeof(to), "%s%u", name, number_in(text, name) + 1);
        return changed(text, from, to);
}

/* SM1 to SM6, then SM7 with what is given here; the registration ends with a 494. */
static void tampered(struct scene *s, const char *verify, const char *client, const char *cause,
                     const char *what)
{
        struct phone *ph = &s->ph;
        const struct heard *h;

        sm7(ph, &(struct says){.verify = verify, .client = client});
        h = phone_hears(ph);
        if (status_of(h) != 494)
                fail_msg("%s: %s", what, h->text);
        expect_way(h, TRANSPORT_UDP, ph->pc, ph->us); /* over the new SAs: SM1 came in clear */
        lists_suites(h);
        expect_verdict(s->x, cause, what);
        core_hears_nothing(s->x);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_LEAVING);
        ph->uc++; /* for the next one */
        ph->spi += 2;
        (void)phone_open(ph, ph->uc, false);
}

static void again(struct scene *s)
{
        struct phone *ph = &s->ph;

        ph->cseq = 0;
        (void)snprintf(ph->call_id, sizeof(ph->call_id), "again-%u", ph->uc);
        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
}

static const char *shorter(const char *list)
{
        return strchr(list, ',') + 2;
}

static const char *const numbers[] = {"spi-c=", "spi-s=", "port-c=", "port-s="};

static void verify_numbers(void **state)
{
        struct scene *s = *state;

        for (size_t i = 0; i < 4; i++) {
                char what[32];

                again(s);
                (void)snprintf(what, sizeof(what), "differs in %.*s of", (int)strlen(numbers[i]) - 1,
                               numbers[i]);
                tampered(s, one_more(s->ph.verify, numbers[i]), NULL, "security_verify_differs", what);
        }
        proves("SECAGREE-014");
}

static void verify_algorithms(void **state)
{
        static const char *const changes[][3] = {{"alg=hmac-sha-1-96", "alg=hmac-md5-96", "in alg of"},
                                                 {"ealg=aes-cbc", "ealg=null", "in ealg of"},
                                                 {"mod=trans", "mod=UDP-enc-tun", "in mod of"},
                                                 {"q=0.9", "q=0.05", "in q of"}};
        struct scene *s = *state;

        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                again(s);
                tampered(s, changed(s->ph.verify, changes[i][0], changes[i][1]), NULL,
                         "security_verify_differs", changes[i][2]);
        }
        again(s);
        tampered(s, shorter(s->ph.verify), NULL, "security_verify_differs", "number of mechanisms");
        again(s);
        tampered(s, "", NULL, "security_verify_differs", "is absent");
        proves("SECAGREE-014");
}

static void client_numbers(void **state)
{
        struct scene *s = *state;

        for (size_t i = 0; i < 4; i++) {
                char what[32];

                again(s);
                (void)snprintf(what, sizeof(what), "differs in %.*s of", (int)strlen(numbers[i]) - 1,
                               numbers[i]);
                tampered(s, NULL, one_more(s->ph.client, numbers[i]), "security_client_differs", what);
        }
        again(s);
        tampered(s, NULL, shorter(s->ph.client), "security_client_differs", "number of mechanisms");
        again(s);
        tampered(s, NULL, "", "security_client_differs", "is absent");
        again(s);
        tampered(s, NULL, changed(s->ph.client, "alg=hmac-sha-1-96", "alg=aes-gmac"),
                 "security_client_differs", "in alg of");
        proves("SECAGREE-030");
}

/* What means the same is the same. */
static void said_otherwise(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        char client[1024], ends[128];

        again(s);
        (void)snprintf(ends, sizeof(ends), "port-s=%u;port-c=%u;spi-s=0%u;spi-c=%u", ph->us, ph->uc,
                       ph->spi + 1, ph->spi);
        (void)snprintf(client, sizeof(client),
                       "IPSEC-3gpp;%s;ealg=AES-cbc;mod=trans;alg=hmac-sha-1-96\r\n"
                       "Security-Client: ipsec-3gpp ; prot=esp;%s;alg=HMAC-SHA-1-96",
                       ends, ends);
        sm7(ph, &(struct says){.client = client});
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        expect_status(phone_hears(ph), 200);
        no_verdict(s->x);
}

static void malformed_repetition(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        again(s);
        sm7(ph, &(struct says){.verify = "ipsec-3gpp;q=7"});
        expect_status(phone_hears(ph), 400);
        expect_verdict(s->x, "malformed", "Security-Verify: ");
        core_hears_nothing(s->x);
        WAIT_FOR(&s->x->w, fix_sets(s->x) == 0); /* with the transaction */
}

/* Over TCP the refusal is heard before its connection ends with the SAs. */
static void tampered_over_tcp(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;

        again(s);
        sm7(ph, &(struct says){.verify = shorter(ph->verify)});
        h = phone_hears(ph);
        expect_status(h, 494);
        expect_way(h, TRANSPORT_TCP, ph->ps, ph->uc);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_LEAVING);
        WAIT_FOR(&s->x->w, fix_sets(s->x) == 0);
        assert_int_equal(fix_connections(s->x), 1); /* with them theirs, and not the one in clear */
}

/* --- where IPsec is only offered -------------------------------------------------------------------- */

static int scene_offered(void **state)
{
        return scene_begin(state, &(struct fix_conf){.ipsec = "offered"}, TRANSPORT_UDP);
}

static void no_offer_no_sas(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        sm1_clear(ph, &(struct says){.client = "", .require = ""});
        core_challenges(s->x, ph, core_hears(s->x));
        expect_status(phone_hears(ph), 401);
        assert_string_equal(header(ph->got[0].text, "Security-Server"), "");
        assert_int_equal(fix_sets(s->x), 0);
        phone_send(ph, ph->open, s->x->gm,
                   phone_text(ph, &(struct says){.client = "", .require = "", .auth = answers(ph)}, false));
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        expect_status(phone_hears(ph), 200);
        registered(ph); /* and who offers gets them */
        assert_int_equal(fix_sets(s->x), 1);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCENE(without_an_offer, scene_udp),
                SCENE(without_an_offer_494, scene_494),
                SCENE(nothing_in_common, scene_udp),
                SCENE(malformed, scene_udp),
                SCENE(order_is_the_servers, scene_udp),
                SCENE(configuration_orders, scene_gmac_first),
                SCENE(old_phones, scene_old),
                SCENE(however_it_is_written, scene_udp),
                SCENE(never_encrypted, scene_never),
                SCENE(integrity_alone, scene_udp),
                SCENE(encryption_required, scene_required),
                SCENE(verify_numbers, scene_udp),
                SCENE(verify_algorithms, scene_udp),
                SCENE(client_numbers, scene_udp),
                SCENE(said_otherwise, scene_udp),
                SCENE(malformed_repetition, scene_udp),
                SCENE(tampered_over_tcp, scene_tcp),
                SCENE(no_offer_no_sas, scene_offered),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
