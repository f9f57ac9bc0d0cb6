/* SPDX-License-Identifier: BSD-3-Clause
 * What a P-CSCF tells about its SAs: verdicts on ESP that does not come or cannot be read, and pcscf status.
 * TS 33.203 7.1 rule 1, 7.3.1.1, M.7.2. */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/ipsec_steps.h"
#include "tests/unit/pcscf/control_fix.h"

/* --- ESP ------------------------------------------------------------------------------------------- */

static int scene_watched(void **state)
{
        return scene_begin(state, &(struct fix_conf){.security = "  esp_wait: 200ms\n"}, TRANSPORT_UDP);
}

static void challenged(struct scene *s)
{
        sm1_clear(&s->ph, NULL);
        core_challenges(s->x, &s->ph, core_hears(s->x));
        (void)sm6(&s->ph);
}

/* What the kernel counts on the way from port_uc to port_ps. */
static void kernel_counts(struct scene *s, const struct sa_counters *c)
{
        const struct sa_params *p = fake_sa_set(0);

        assert_true(fake_sa_set_counters(p->pcscf_ends.spi_s, &p->pcscf, c));
        (void)s;
}

static void nothing_comes(void **state)
{
        struct scene *s = *state;
        char what[128];

        challenged(s);
        world_pass(&s->x->w, 100);
        no_verdict(s->x);
        world_pass(&s->x->w, 200);
        (void)snprintf(what, sizeof(what), "nothing for spi-s %u from %s", number_in(s->ph.verify, "spi-s="),
                       s->ph.ip);
        expect_verdict(s->x, "esp_missing", what);
        world_pass(&s->x->w, 300);
        no_verdict(s->x); /* told once */
        assert_int_equal(fix_sets(s->x), 1);
}

static void cannot_be_read(void **state)
{
        struct scene *s = *state;

        challenged(s);
        kernel_counts(s, &(struct sa_counters){.integrity_failed = 3});
        world_pass(&s->x->w, 300);
        expect_verdict(s->x, "esp_integrity_failed", "fails its check: 3 packets");
        no_verdict(s->x);
        core_hears_nothing(s->x);
        proves("SA-054");
}

static void other_ports(void **state)
{
        struct scene *s = *state;

        challenged(s);
        kernel_counts(s, &(struct sa_counters){.packets = 2, .bytes = 900});
        world_pass(&s->x->w, 300);
        expect_verdict(s->x, "esp_port_differs", "2 packets for spi-s");
        no_verdict(s->x);
}

static void all_is_well(void **state)
{
        struct scene *s = *state;

        challenged(s);
        sm7(&s->ph, NULL);
        kernel_counts(s, &(struct sa_counters){.packets = 1, .bytes = 900, .integrity_failed = 1});
        core_grants(s->x, &s->ph, core_hears(s->x), NULL, NULL);
        expect_status(phone_hears(&s->ph), 200);
        world_pass(&s->x->w, 300);
        no_verdict(s->x);
}

/* SIP came, if not the right one: that was told, and ESP is all right. */
static void something_came(void **state)
{
        struct scene *s = *state;

        challenged(s);
        phone_requests(&s->ph, "MESSAGE");
        kernel_counts(s, &(struct sa_counters){.packets = 1, .bytes = 900});
        world_pass(&s->x->w, 300);
        expect_verdict(s->x, "wrong_sa", NULL);
        no_verdict(s->x);
}

static void gone_before(void **state)
{
        struct scene *s = *state;

        challenged(s);
        sm1_clear(&s->ph, &(struct says){.auth = "nonce=\"x\",response=\"\""}); /* it refused the network */
        (void)core_hears(s->x);
        assert_int_equal(fix_sets(s->x), 0);
        world_pass(&s->x->w, 300);
        no_verdict(s->x);
}

static void wrong_commands(void **state)
{
        struct scene *s = *state;
        char more[600];

        assert_string_equal(asked(s->x, "status\n"), "no security associations\n");
        assert_string_equal(asked(s->x, " status \r\n"), "no security associations\n");
        assert_string_equal(asked(s->x, "status json\n"), "[]\n");
        assert_string_equal(asked(s->x, "\n"), "error: no such command\n");
        assert_string_equal(asked(s->x, "stop\n"), "error: no such command\n");
        assert_string_equal(asked(s->x, "status json x\nstatus\n"), "error: no such command\n");
        memset(more, 'x', sizeof(more));
        more[sizeof(more) - 1] = '\0';
        assert_string_equal(asked(s->x, more), "error: the command has more than 254 octets\n");
}

static int scene_off(void **state)
{
        return scene_begin(state, &(struct fix_conf){.ipsec = "\"off\""}, TRANSPORT_UDP);
}

static void off(void **state)
{
        struct scene *s = *state;

        assert_string_equal(asked(s->x, "status\n"), "security.ipsec is off\n");
        assert_string_equal(asked(s->x, "status json\n"), "[]\n");
}

static void as_text(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct sa_params *p;
        const char *text;
        char want[160];

        challenged(s);
        text = asked(s->x, "status\n");
        (void)snprintf(want, sizeof(want), "alice@" HOME " at %s: registration, hmac-sha-1-96/aes-cbc, trans",
                       ph->ip);
        expect_has(text, want);
        sm7(ph, NULL);
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        (void)phone_hears(ph);
        p = fake_sa_set(0);
        kernel_counts(s, &(struct sa_counters){.packets = 7, .bytes = 4321, .integrity_failed = 2});
        text = asked(s->x, "status\n");
        expect_has(text, ": in use, ");
        expect_has(text, "IMPUs sip:alice@" HOME " tel:+15550100\n");
        expect_has(text, "ends in 6000"); /* with the margin */
        (void)snprintf(want, sizeof(want), "in  port %5u -> %5u  spi %10u  7 packets, 4321 octets, 2 failed",
                       ph->uc, ph->ps, p->pcscf_ends.spi_s);
        expect_has(text, want);
        (void)snprintf(want, sizeof(want), "out port %5u -> %5u  spi %10u", ph->pc, ph->us, p->ue_ends.spi_s);
        expect_has(text, want);
        (void)snprintf(want, sizeof(want), "out port %5u -> %5u  spi %10u", ph->ps, ph->uc, p->ue_ends.spi_c);
        expect_has(text, want);
        (void)snprintf(want, sizeof(want), "in  port %5u -> %5u  spi %10u", ph->us, ph->pc,
                       p->pcscf_ends.spi_c);
        expect_has(text, want);
        assert_null(strcasestr(text, IK_TEXT));
        assert_null(strcasestr(text, CK_TEXT));
        proves("SA-041 SA-087");
}

/* A second contact at the same SAs has the same IMPUs. */
static void an_impu_stands_once(void **state)
{
        static const char impus[] = "tel:+15550100\0sip:second@" HOME;
        struct scene *s = *state;
        struct binding *b;
        struct binding_info other = {.id = 77,
                                     .aor = SPAN("sip:second@" HOME),
                                     .contact = SPAN("sip:second@192.0.2.9"),
                                     .impus = span_make(impus, sizeof(impus)),
                                     .expires_s = 600};

        registered(&s->ph);
        b = regstore_next_by_aor(s->x->p->store, SPAN("sip:alice@" HOME), NULL);
        assert_non_null(b);
        other.impi = binding_impi(b);
        other.assoc = b->where->assoc;
        other.flow = b->where->flow;
        assert_int_equal(regstore_put(s->x->p->store, &other), 0);
        expect_has(asked(s->x, "status\n"), "IMPUs sip:alice@" HOME " tel:+15550100 sip:second@" HOME "\n");
}

static void as_json(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct sa_params *p;
        const char *text;
        char want[320];

        registered(ph);
        p = fake_sa_set(0);
        text = asked(s->x, "status json\n");
        (void)snprintf(want, sizeof(want),
                       "[{\"association\":\"ipsec\",\"impi\":\"alice@" HOME "\",\"impus\":[\"sip:alice@" HOME
                       "\",\"tel:+15550100\"],"
                       "\"state\":\"in use\",\"ue\":\"%s\",\"pcscf\":\"%s\"",
                       ph->ip, s->x->ip);
        assert_memory_equal(text, want, strlen(want));
        (void)snprintf(
                want, sizeof(want),
                "\"port_uc\":%u,\"port_us\":%u,\"port_pc\":%u,\"port_ps\":%u,\"spi_uc\":%u,\"spi_us\":%u,"
                "\"spi_pc\":%u,\"spi_ps\":%u",
                ph->uc, ph->us, ph->pc, ph->ps, ph->spi, ph->spi + 1, p->pcscf_ends.spi_c,
                p->pcscf_ends.spi_s);
        expect_has(text, want);
        expect_has(text, "\"alg\":\"hmac-sha-1-96\",\"ealg\":\"aes-cbc\",\"mode\":\"trans\"");
        expect_has(text, "\"emergency\":false,\"reg_id\":0");
        expect_lacks(text, "port_uenc");
        assert_string_equal(text + strlen(text) - 4, "]}]\n");
        assert_null(strcasestr(text, IK_TEXT));
        proves("SA-041");
}

static void behind_a_nat(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        char offer[256];
        struct addr from = fix_addr(ph->ip, 41234);

        (void)snprintf(offer, sizeof(offer),
                       "ipsec-3gpp;alg=hmac-sha-1-96;mod=UDP-enc-tun;spi-c=%u;spi-s=%u;port-c=%u;port-s=%u",
                       ph->spi, ph->spi + 1, ph->uc, ph->us);
        sm1_clear(ph, &(struct says){.via = "10.1.1.1", .client = offer});
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        expect_has(asked(s->x, "status json\n"), "\"mode\":\"UDP-enc-tun\"");
        expect_has(asked(s->x, "status json\n"), "\"port_uenc\":0,\"encap_port\":4500");
        assert_true(fake_sa_mapping(fake_sa_object(), fake_sa_set(0)->pcscf_ends.spi_s, &from));
        expect_has(asked(s->x, "status json\n"), "\"port_uenc\":41234,\"encap_port\":4500");
        expect_has(asked(s->x, "status\n"), "UDP-enc-tun by UDP port 41234");
        proves("NAT-013 NAT-030");
}

/* So many UEs that the answer takes several turns. */
static void crowd(struct scene *s, unsigned n)
{
        static const struct key128 key = {{1}};

        for (unsigned i = 0; i < n; i++) {
                char impi[32];
                struct sa_set *set;
                struct sa_open o = {.suite = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL}, .ck = &key, .ik = &key};

                (void)snprintf(impi, sizeof(impi), "u%u@" HOME, i);
                o.who = (struct sa_who){.ue = fix_addr("192.0.2.1", 0), .impi = span_of(impi)};
                o.pcscf = fix_addr(s->x->ip, 0);
                o.ends = (struct sec_ends){10000 + 2 * i, 10001 + 2 * i, (uint16_t)(20000 + i),
                                           (uint16_t)(40000 + i)};
                assert_int_equal(sa_open(s->x->p->ipsec->table, &o, &set), 0);
        }
}

static unsigned count_in(struct span text, const char *what)
{
        unsigned n = 0;
        ptrdiff_t at;

        for (; (at = span_find(text, span_of(what))) >= 0; n++)
                text = span_sub(text, (size_t)at + 1, text.n);
        return n;
}

static void many_and_two_callers(void **state)
{
        struct scene *s = *state;
        struct caller a, b;

        crowd(s, 100);
        call_up(&a, s->x, "status json\n");
        call_up(&b, s->x, "status\n");
        assert_int_equal(shutdown(a.fd, SHUT_WR), 0); /* it has nothing more to say */
        WAIT_FOR(&s->x->w, call_over(&a) && call_over(&b));
        assert_int_equal(count_in(buf_as_span(&a.in), "\"impi\""), 100);
        assert_int_equal(count_in(buf_as_span(&b.in), "\n  IMPUs "), 100);
        hang_up(&a);
        hang_up(&b);
}

static void caller_goes(void **state)
{
        struct scene *s = *state;
        struct caller c;

        crowd(s, 300);
        for (unsigned i = 0; i < 5; i++) {
                call_up(&c, s->x, i % 2 ? "status\n" : "status json\n");
                WAIT_FOR(&s->x->w, call_over(&c) || c.in.n > 0);
                hang_up(&c);
        }
        call_up(&c, s->x, "sta"); /* and says nothing more */
        hang_up(&c);
        world_pass(&s->x->w, QUIET_MS);
        expect_has(asked(s->x, "stat\n"), "error");
}

/* UEs come and go between the turns. */
static void table_changes_meanwhile(void **state)
{
        struct scene *s = *state;
        struct caller c;
        struct sa_set *set;

        crowd(s, 200);
        call_up(&c, s->x, "status json\n");
        WAIT_FOR(&s->x->w, call_over(&c) || c.in.n > 0);
        while ((set = fake_sa_sets() > 3 ? sa_by_spi(s->x->p->ipsec->table, fake_sa_set(0)->pcscf_ends.spi_s)
                                         : NULL) != NULL)
                sa_remove_set(set);
        WAIT_FOR(&s->x->w, call_over(&c));
        assert_true(c.in.n > 3);
        assert_memory_equal(c.in.p + c.in.n - 4, "]}]\n", 4);
        hang_up(&c);
}

static void node_ends_meanwhile(void **state)
{
        struct scene *s = *state;
        struct caller c;

        crowd(s, 300);
        call_up(&c, s->x, "status\n");
        WAIT_FOR(&s->x->w, call_over(&c) || c.in.n > 0);
        assert_false(c.closed);
        hang_up(&c);
        call_up(&c, s->x, "status json\n");
        WAIT_FOR(&s->x->w, call_over(&c) || c.in.n > 0);
        hang_up(&c); /* its answer is under way when scene_end comes */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCENE(nothing_comes, scene_watched),
                SCENE(cannot_be_read, scene_watched),
                SCENE(other_ports, scene_watched),
                SCENE(all_is_well, scene_watched),
                SCENE(something_came, scene_watched),
                SCENE(gone_before, scene_watched),
                SCENE(wrong_commands, scene_udp),
                SCENE(off, scene_off),
                SCENE(as_text, scene_udp),
                SCENE(an_impu_stands_once, scene_udp),
                SCENE(as_json, scene_udp),
                SCENE(behind_a_nat, scene_udp),
                SCENE(many_and_two_callers, scene_udp),
                SCENE(caller_goes, scene_udp),
                SCENE(table_changes_meanwhile, scene_udp),
                SCENE(node_ends_meanwhile, scene_udp),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
