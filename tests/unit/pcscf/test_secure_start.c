/* SPDX-License-Identifier: BSD-3-Clause
 * How a P-CSCF with IPsec starts, and why it does not: capabilities of the kernel, ports, what is left of an
 * earlier run; and that it leaves nothing. */
#include <sys/stat.h>

#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/ipsec_steps.h"

/* Starts a P-CSCF; err: what pcscf_new says. The log of it, to be freed. */
static char *started(const struct fix_conf *c, int want, struct fix *x)
{
        char file[] = "/tmp/quintet-pcscf-log-XXXXXX", *text;
        int fd = mkstemp(file), before = dup(STDERR_FILENO), err;

        assert_true(fd >= 0 && before >= 0);
        fix_prepare(x, c);
        log_init("pcscf", LOG_NOTICE);
        (void)fflush(stderr);
        assert_true(dup2(fd, STDERR_FILENO) >= 0);
        err = pcscf_new(x->conf, x->w.loop, x->trace, &x->p);
        (void)fflush(stderr);
        (void)dup2(before, STDERR_FILENO);
        (void)close(before);
        (void)close(fd);
        log_init("pcscf", LOG_ERROR);
        assert_int_equal(err, want);
        text = file_text(file, 0);
        (void)unlink(file);
        return text;
}

/* It does not start, says why, and leaves nothing. */
static void refuses(const struct fix_conf *c, int want, const char *line)
{
        struct fix x;
        char *text = started(c, want, &x);

        assert_null(x.p);
        expect_has(text, line);
        assert_true(fake_sa_nothing_left());
        free(text);
        raw_stop(&x.core);
        world_stop(&x.w);
        trace_free(x.trace);
        conf_free(&pcscf_conf_schema, x.conf);
        (void)unlink(x.trace_file);
}

static int clean(void **state)
{
        (void)state;
        fake_sa_reset();
        return 0;
}

static void no_kernel(void **state)
{
        (void)state;
        fake_sa_fail(FAKE_SA_OPEN, 0, 1, -IMS_EPERM, "CAP_NET_ADMIN is needed");
        refuses(NULL, -IMS_EPERM, "security.ipsec: CAP_NET_ADMIN is needed");
        fake_sa_fail(FAKE_SA_OPEN, 0, 1, -IMS_EUNSUPPORTED, "no XFRM");
        refuses(&(struct fix_conf){.ipsec = "offered"}, -IMS_EUNSUPPORTED, "security.ipsec: no XFRM");
}

static void no_suite(void **state)
{
        (void)state;
        fake_sa_fail(FAKE_SA_PROBE, 0, UINT32_MAX, -IMS_EUNSUPPORTED, "CONFIG_INET_ESP");
        refuses(NULL, -IMS_EUNSUPPORTED, "this kernel does none of security.algorithms");
}

/* What is left is not what the policy demands. */
static void no_encryption_left(void **state)
{
        (void)state;
        fake_sa_lacks_suite((struct sec_suite){SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC});
        fake_sa_lacks_suite((struct sec_suite){SEC_ALG_NULL, SEC_EALG_AES_GCM});
        refuses(&(struct fix_conf){.security = "  confidentiality: required\n"}, -IMS_EUNSUPPORTED,
                "this kernel does none of security.algorithms");
}

static void no_guard(void **state)
{
        (void)state;
        fake_sa_fail(FAKE_SA_GUARD, 2, 1, -IMS_EIO, NULL);
        refuses(NULL, -IMS_EIO, "the protected port 127.");
}

static void no_encap(void **state)
{
        (void)state;
        fake_sa_fail(FAKE_SA_ENCAP_OPEN, 0, 1, -IMS_EADDRINUSE, NULL);
        refuses(NULL, -IMS_EADDRINUSE, "security.nat: false works without");
}

static void not_to_be_cleared(void **state)
{
        (void)state;
        fake_sa_fail(FAKE_SA_CLEAR_STALE, 0, 1, -IMS_EIO, NULL);
        refuses(NULL, -IMS_EIO, "");
}

static void port_is_taken(void **state)
{
        struct fix probe;
        struct udp *u;
        struct addr at;

        (void)state;
        fix_prepare(&probe, NULL); /* tells the address */
        at = fix_addr(probe.ip, probe.pc);
        assert_int_equal(udp_open(probe.w.loop, &at, phone_on_datagram, NULL, &u), 0);
        refuses(NULL, -IMS_EADDRINUSE, "6101 cannot be opened");
        udp_close(u);
        raw_stop(&probe.core);
        world_stop(&probe.w);
        trace_free(probe.trace);
        conf_free(&pcscf_conf_schema, probe.conf);
        (void)unlink(probe.trace_file);
}

static struct fix *to_heap(const struct fix *x)
{
        struct fix *h = malloc(sizeof(*h));

        assert_non_null(h);
        *h = *x;
        return h;
}

/* A suite that the kernel lacks is left out with a warning, and not offered. */
static void lesser_kernel(void **state)
{
        struct fix x, *h;
        struct phone ph;
        char *text;

        (void)state;
        fake_sa_lacks_suite((struct sec_suite){SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC});
        text = started(NULL, 0, &x);
        expect_has(text, "security.algorithms: hmac-sha-1-96/aes-cbc is left out: ");
        expect_lacks(text, "aes-gcm");
        free(text);
        h = to_heap(&x); /* nothing points to x but the raw socket, which is not heard before it is moved */
        raw_stop(&h->core);
        raw_start(&h->core, &h->w);
        phone_start(&ph, h, 0, TRANSPORT_UDP);
        sm1_clear(&ph, &(struct says){.client = "ipsec-3gpp;alg=aes-cbc"});
        expect_status(phone_hears(&ph), 494);
        expect_lacks(ph.got[0].text, "aes-cbc");
        expect_has(ph.got[0].text, "aes-gcm");
        phone_stop(&ph);
        fix_stop(h);
}

static void everything_is_in_place(void **state)
{
        struct fix x;
        struct addr at;
        const struct addr *stale;
        size_t n = 0;
        char *text;

        (void)state;
        fake_sa_set_stale(4);
        text = started(NULL, 0, &x);
        expect_has(text, "4 security associations of an earlier run were removed");
        expect_lacks(text, "keylog");
        free(text);
        stale = fake_sa_stale_locals(&n);
        assert_int_equal(n, 5); /* port_ps and four client ports of one address, its own alone */
        for (size_t i = 0; i < n; i++) {
                assert_true(fake_sa_guarded(&stale[i]));
                assert_int_not_equal(sip_port_of(x.p->stack, &stale[i]), SIP_PORT_OPEN);
                assert_int_not_equal(addr_port(&stale[i]), 5060);
        }
        at = fix_addr(x.ip, x.gm);
        assert_false(fake_sa_guarded(&at));
        assert_int_equal(fake_sa_guards(), 5);
        assert_int_equal(fake_sa_encaps(), 1);
        fix_stop(to_heap(&x));
        proves("SA-028 SA-033");
}

/* --- keys ------------------------------------------------------------------------------------------ */

/* The keys of ESP of this registration, in a text. */
static bool shows_keys(const char *text)
{
        return strcasestr(text, IK_TEXT) || strcasestr(text, CK_TEXT);
}

static void keys_go_nowhere(void **state)
{
        struct fix *h;
        struct phone ph;
        char file[] = "/tmp/quintet-pcscf-log-XXXXXX", *text;
        int fd = mkstemp(file), before = dup(STDERR_FILENO);

        (void)state;
        h = fix_start(NULL);
        phone_start(&ph, h, 0, TRANSPORT_UDP);
        log_init("pcscf", LOG_DEBUG);
        assert_true(dup2(fd, STDERR_FILENO) >= 0);
        registered(&ph);
        sm1_protected(&ph, NULL);
        (void)finish(&ph);
        fake_sa_fail(FAKE_SA_INSTALL, 0, 1, -IMS_EIO, NULL); /* errors say nothing either */
        sm1_protected(&ph, NULL);
        core_challenges(h, &ph, core_hears(h));
        expect_status(phone_hears(&ph), 500);
        (void)fflush(stderr);
        (void)dup2(before, STDERR_FILENO);
        (void)close(before);
        (void)close(fd);
        log_init("pcscf", LOG_ERROR);
        expect_verdict(h, "ipsec_failed", NULL);
        text = file_text(file, 0);
        assert_true(*text);
        assert_false(shows_keys(text));
        free(text);
        text = file_text(h->trace_file, 0);
        assert_false(shows_keys(text));
        free(text);
        for (unsigned i = 0; i < ph.n; i++)
                assert_false(shows_keys(ph.got[i].text));
        (void)unlink(file);
        phone_stop(&ph);
        fix_stop(h);
}

/* Only where it is asked for, and for its owner's eyes alone. */
static void key_log(void **state)
{
        char file[] = "/tmp/quintet-pcscf-keys-XXXXXX", lines[96], mode[16], *text;
        struct phone ph;
        struct stat st;
        struct fix *h;
        int fd = mkstemp(file);

        (void)state;
        (void)close(fd);
        (void)unlink(file);
        (void)snprintf(lines, sizeof(lines), "  keylog: %s\n", file);
        h = fix_start(&(struct fix_conf){.security = lines});
        phone_start(&ph, h, 0, TRANSPORT_UDP);
        registered(&ph);
        assert_int_equal(stat(file, &st), 0);
        (void)snprintf(mode, sizeof(mode), "%o", (unsigned)st.st_mode & 0777);
        assert_string_equal(mode, "600");
        text = file_text(file, 0);
        assert_true(shows_keys(text));
        free(text);
        (void)unlink(file);
        phone_stop(&ph);
        fix_stop(h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(no_kernel, clean),
                cmocka_unit_test_setup(no_suite, clean),
                cmocka_unit_test_setup(no_encryption_left, clean),
                cmocka_unit_test_setup(no_guard, clean),
                cmocka_unit_test_setup(no_encap, clean),
                cmocka_unit_test_setup(not_to_be_cleared, clean),
                cmocka_unit_test_setup(port_is_taken, clean),
                cmocka_unit_test_setup(lesser_kernel, clean),
                cmocka_unit_test_setup(everything_is_in_place, clean),
                cmocka_unit_test_setup(keys_go_nowhere, clean),
                cmocka_unit_test_setup(key_log, clean),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
