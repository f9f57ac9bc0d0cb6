/* SPDX-License-Identifier: BSD-3-Clause
 * Old and new SAs: which message travels on which, and when each set ends. TS 33.203 7.3.1, 7.4.0, 7.4.2a. */
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/ipsec_steps.h"

/* A registered phone has sent a protected SM1 and has the challenge. Its old pair: in_uc, old_pc. */
static unsigned challenged(struct scene *s)
{
        struct phone *ph = &s->ph;
        unsigned old_pc, i;
        const struct heard *h;

        registered(ph);
        old_pc = ph->pc;
        sm1_protected(ph, NULL);
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "integrity-protected=\"yes\"");
        core_challenges(s->x, ph, i);
        h = sm6(ph);
        if (ph->transport == TRANSPORT_UDP)
                expect_way(h, TRANSPORT_UDP, old_pc, ph->us); /* the old SAs carry SM6 */
        assert_int_equal(state_of(ph, ph->uc), SA_SET_REGISTRATION);
        assert_int_equal(state_of(ph, ph->in_uc), SA_SET_IN_USE);
        assert_int_equal(ph->ps, s->x->ps);
        assert_int_not_equal(ph->pc, old_pc);
        return old_pc;
}

static void answered(struct scene *s)
{
        struct phone *ph = &s->ph;
        unsigned i;

        sm7(ph, NULL);
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "integrity-protected=\"yes\"");
        core_grants(s->x, ph, i, NULL, NULL);
        expect_status(phone_hears(ph), 200);
}

/* --- success --------------------------------------------------------------------------------------- */

static void old_then_new(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned old_pc = challenged(s), new_pc = ph->pc, old_uc = ph->in_uc;
        const struct heard *h;

        called_over(ph, old_pc, old_uc); /* what is not of the authentication */
        calls_over(ph, old_uc, old_pc);
        sm7(ph, NULL);
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        h = phone_hears(ph);
        expect_status(h, 200);
        expect_way(h, TRANSPORT_UDP, new_pc, ph->us);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_WAITING);
        called_over(ph, old_pc, old_uc); /* no further message on the new ones yet */
        assert_int_equal(state_of(ph, ph->uc), SA_SET_WAITING);
        calls_over(ph, ph->uc, new_pc); /* here it is */
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
        assert_int_equal(state_of(ph, old_uc), SA_SET_LEAVING);
        called_over(ph, new_pc, ph->uc);
        WAIT_FOR(&s->x->w, fix_sets(s->x) == 1); /* when the transactions of the old ones have ended */
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
        no_verdict(s->x);
        proves("SA-032 SA-060 SA-061 SA-065 SA-069 SA-072 SA-073 SA-075 SA-088 SA-091 SA-092 SA-094");
}

static void new_over_tcp(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned old_uc;
        const struct heard *h;

        (void)challenged(s);
        old_uc = ph->in_uc;
        sm7(ph, NULL);
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        h = phone_hears(ph);
        expect_status(h, 200);
        expect_way(h, TRANSPORT_TCP, ph->ps, ph->uc);
        phone_requests(ph, "MESSAGE");
        raw_answer(&s->x->core, core_hears(s->x), "200 OK", "");
        expect_way(phone_hears(ph), TRANSPORT_TCP, ph->ps, ph->uc);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
        WAIT_FOR(&s->x->w, state_of(ph, old_uc) < 0);
        assert_int_equal(fix_connections(s->x), 2); /* in clear, and of the new SAs */
}

/* The answer to a request of the old SAs takes them, though the new ones are in use. */
static void pending_ends_on_the_old(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct fix *x = s->x;
        unsigned old_pc, i;

        registered(ph);
        old_pc = ph->pc;
        phone_requests(ph, "INVITE");
        i = core_hears(x);
        expect_has(x->core.got[i], "INVITE sip:");
        expect_status(phone_hears(ph), 100);
        sm1_protected(ph, NULL);
        (void)finish(ph);
        calls_over(ph, ph->uc, ph->pc);
        assert_int_equal(state_of(ph, ph->in_uc), SA_SET_LEAVING);
        raw_answer(&x->core, i, "180 Ringing", "");
        expect_way(phone_hears(ph), TRANSPORT_UDP, old_pc, ph->us);
        raw_answer(&x->core, i, "486 Busy Here", "");
        expect_way(phone_hears(ph), TRANSPORT_UDP, old_pc, ph->us);
        proves("SA-093");
}

/* Copies of REGISTERs cross the change: each is answered where it was, and none counts as a further message.
 */
static void copies_cross(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct fix *x = s->x;
        unsigned old_pc, seen;
        char sm1[8192], answer[8192];

        registered(ph);
        old_pc = ph->pc;
        phone_offers(ph);
        ph->in_uc = ph->uc++;
        ph->spi += 2;
        (void)phone_open(ph, ph->uc, false);
        phone_offers(ph);
        (void)snprintf(sm1, sizeof(sm1), "%s", phone_text(ph, &(struct says){.verify = ph->verify}, true));
        phone_send(ph, ph->in_uc, ph->ps, sm1);
        core_challenges(x, ph, core_hears(x));
        (void)sm6(ph);
        (void)snprintf(answer, sizeof(answer), "%s",
                       phone_text(ph, &(struct says){.verify = ph->verify, .auth = answers(ph)}, true));
        phone_send(ph, ph->uc, ph->ps, answer);
        core_grants(x, ph, core_hears(x), NULL, NULL);
        expect_status(phone_hears(ph), 200);
        seen = ph->n;
        phone_send(ph, ph->in_uc, ph->ps, sm1);
        WAIT_FOR(&x->w, ph->n == seen + 1);
        expect_status(&ph->got[seen], 401);
        expect_way(&ph->got[seen], TRANSPORT_UDP, old_pc, ph->us);
        phone_send(ph, ph->uc, ph->ps, answer);
        WAIT_FOR(&x->w, ph->n == seen + 2);
        expect_status(&ph->got[seen + 1], 200);
        expect_way(&ph->got[seen + 1], TRANSPORT_UDP, ph->pc, ph->us);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_WAITING);
        core_hears_nothing(x);
}

static void sm1_in_clear_removes_the_old(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned old_uc, i;

        registered(ph);
        old_uc = ph->uc;
        ph->uc++;
        ph->spi += 2;
        (void)phone_open(ph, ph->uc, false);
        sm1_clear(ph, NULL);
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "integrity-protected=\"no\"");
        core_challenges(s->x, ph, i);
        expect_way(sm6(ph), TRANSPORT_UDP, s->x->gm, ph->open);
        assert_int_equal(state_of(ph, old_uc), SA_SET_IN_USE);
        answered(s);
        assert_int_equal(state_of(ph, old_uc), -1); /* at once */
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
        called_over(ph, ph->pc, ph->uc);
        proves("SA-090");
}

/* A REGISTER that is not challenged offers in vain. */
static void no_challenge_no_change(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned old_pc;

        registered(ph);
        old_pc = ph->pc;
        sm1_protected(ph, NULL);
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        expect_way(phone_hears(ph), TRANSPORT_UDP, old_pc, ph->us);
        assert_int_equal(fix_sets(s->x), 1);
        assert_int_equal(fake_sa_set(0)->ue_ends.port_c, ph->in_uc);
        called_over(ph, old_pc, ph->in_uc);
        proves("SA-099");
}

/* --- failure --------------------------------------------------------------------------------------- */

static void refused_on_the_new(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, NULL);
        raw_answer(&s->x->core, core_hears(s->x), "403 Forbidden", "");
        h = phone_hears(ph);
        expect_status(h, 403);
        expect_way(h, TRANSPORT_UDP, ph->pc, ph->us);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_LEAVING);
        WAIT_FOR(&s->x->w, fix_sets(s->x) == 0);
        proves("SA-080");
}

static void refused_on_the_new_tcp(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, NULL);
        raw_answer(&s->x->core, core_hears(s->x), "403 Forbidden", "");
        h = phone_hears(ph);
        expect_status(h, 403);
        expect_way(h, TRANSPORT_TCP, ph->ps, ph->uc);
        WAIT_FOR(&s->x->w, fix_sets(s->x) == 0);
}

/* After a failure the old SAs carry its answer and go on. */
static void old_go_on(struct scene *s, int status, unsigned old_pc)
{
        struct phone *ph = &s->ph;
        const struct heard *h = phone_hears(ph);

        expect_status(h, status);
        if (ph->transport == TRANSPORT_TCP) {
                expect_way(h, TRANSPORT_TCP, ph->ps, ph->in_uc);
                return;
        }
        expect_way(h, TRANSPORT_UDP, old_pc, ph->us);
        assert_true(state_of(ph, ph->uc) < 0 || state_of(ph, ph->uc) == SA_SET_LEAVING);
        assert_int_equal(state_of(ph, ph->in_uc), SA_SET_IN_USE);
        called_over(ph, old_pc, ph->in_uc);
        WAIT_FOR(&s->x->w, fix_sets(s->x) == 1);
}

static void refused_on_the_old(void **state)
{
        struct scene *s = *state;
        unsigned old_pc = challenged(s);

        sm7(&s->ph, NULL);
        raw_answer(&s->x->core, core_hears(s->x), "403 Forbidden", "");
        old_go_on(s, 403, old_pc);
        proves("SA-081 SA-082");
}

static void refused_on_the_old_tcp(void **state)
{
        struct scene *s = *state;
        unsigned old_pc = challenged(s);

        sm7(&s->ph, NULL);
        raw_answer(&s->x->core, core_hears(s->x), "403 Forbidden", "");
        old_go_on(s, 403, old_pc);
}

static void tampered_on_the_old(void **state)
{
        struct scene *s = *state;
        unsigned old_pc = challenged(s);

        sm7(&s->ph, &(struct says){.verify = ""});
        old_go_on(s, 494, old_pc);
        expect_verdict(s->x, "security_verify_differs", "absent");
        proves("SA-081 SECAGREE-014");
}

static void no_answer_of_the_core(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned old_pc;

        sm1_clear(ph, NULL);
        (void)core_hears(s->x);
        expect_status(phone_hears(ph), 504);
        expect_verdict(s->x, "icscf_unreachable", NULL);
        ph->cseq += 10;
        old_pc = challenged(s);
        sm7(ph, NULL);
        (void)core_hears(s->x);
        old_go_on(s, 504, old_pc);
        expect_verdict(s->x, "icscf_unreachable", NULL);
}

static void no_answer_to_the_first(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, NULL);
        (void)core_hears(s->x);
        h = phone_hears(ph);
        expect_status(h, 504);
        expect_way(h, TRANSPORT_UDP, ph->pc, ph->us);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_LEAVING);
}

/* Reports of the UE that it does not accept the network: in clear, or over the old SAs. */
static void reports(struct scene *s, const char *auth, bool protected)
{
        struct phone *ph = &s->ph;
        unsigned i;

        if (protected)
                (void)challenged(s);
        else {
                sm1_clear(ph, NULL);
                core_challenges(s->x, ph, core_hears(s->x));
                (void)sm6(ph);
        }
        assert_int_equal(state_of(ph, ph->uc), SA_SET_REGISTRATION);
        if (protected)
                phone_send(ph, ph->in_uc, ph->ps,
                           phone_text(ph, &(struct says){.auth = auth, .verify = ph->verify}, true));
        else
                sm1_clear(ph, &(struct says){.auth = auth});
        i = core_hears(s->x);
        expect_has(s->x->core.got[i],
                   protected ? "integrity-protected=\"yes\"" : "integrity-protected=\"no\"");
        assert_int_equal(state_of(ph, ph->uc), -1);
        assert_int_equal(fix_sets(s->x), protected);
        core_challenges(s->x, ph, i); /* and begins again */
        (void)sm6(ph);
        answered(s);
        assert_int_equal(state_of(ph, ph->uc), protected ? SA_SET_WAITING : SA_SET_IN_USE);
}

static void synchronisation_failure(void **state)
{
        reports(*state, "nonce=\"x\",response=\"f00\",auts=\"AAAAAAAAAAAAAAAAAAA=\"", false);
        proves("SA-055 SA-080");
}

static void synchronisation_failure_protected(void **state)
{
        reports(*state, "nonce=\"x\",response=\"\",auts=\"AAAAAAAAAAAAAAAAAAA=\"", true);
        proves("SA-055 SA-081");
}

static void network_failure(void **state)
{
        reports(*state, "nonce=\"x\",response=\"\"", false);
        proves("SA-055 SA-080");
}

static void network_failure_protected(void **state)
{
        reports(*state, "nonce=\"x\",response=\"\"", true);
        proves("SA-055 SA-081");
}

/* The 401 was lost: the phone begins again, with the answer to the challenge before. */
static void challenge_was_lost(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        char earlier[128];
        unsigned lost_uc, i;

        registered(ph);
        (void)snprintf(earlier, sizeof(earlier), "%s", answers(ph));
        sm1_protected(ph, &(struct says){.auth = earlier});
        core_challenges(s->x, ph, core_hears(s->x));
        WAIT_FOR(&s->x->w, fix_sets(s->x) == 2);
        WAIT_FOR(&s->x->w, ph->n > ph->seen);
        ph->seen++;
        lost_uc = ph->uc;
        ph->uc = (uint16_t)ph->in_uc;
        sm1_protected(ph, &(struct says){.auth = earlier});
        i = core_hears(s->x);
        core_challenges(s->x, ph, i);
        (void)sm6(ph);
        assert_int_equal(lost_uc, ph->uc); /* even with the same port */
        answered(s);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_WAITING);
        no_verdict(s->x);
        proves("SA-058");
}

/* The home network answers SM7 with another challenge: it goes the way of the first, and its SAs take the
 * place of those before, with the same ports of the UE. */
static void challenged_again(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;
        unsigned spi;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        spi = fake_sa_set(0)->pcscf_ends.spi_s;
        sm7(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        h = sm6(ph);
        expect_way(h, TRANSPORT_UDP, s->x->gm, ph->open);
        assert_int_equal(fix_sets(s->x), 1);
        assert_int_not_equal(fake_sa_set(0)->pcscf_ends.spi_s, spi);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_REGISTRATION);
        answered(s);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
        proves("SA-088");
}

static void challenged_again_protected(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned old_pc = challenged(s);

        sm7(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        expect_way(sm6(ph), TRANSPORT_UDP, old_pc, ph->us);
        assert_int_equal(fix_sets(s->x), 2);
        answered(s);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_WAITING);
        called_over(ph, old_pc, ph->in_uc);
        proves("SA-088");
}

/* --- a REGISTER that the UE has given up --------------------------------------------------------------- */

/* SM1 once more, in the same Call-ID, with ports and SPIs of its own. */
static unsigned begins_anew(struct phone *ph)
{
        ph->uc++;
        ph->spi += 2;
        (void)phone_open(ph, ph->uc, false);
        sm1_clear(ph, NULL);
        return core_hears(ph->x);
}

/* The UE waits no longer for SM12 and begins anew; then SM12 comes after all. */
static void late_success(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned given_up, i;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, NULL);
        given_up = core_hears(s->x);
        i = begins_anew(ph);
        core_grants(s->x, ph, given_up, NULL, NULL);
        expect_status(phone_hears(ph), 200);
        core_challenges(s->x, ph, i);
        (void)sm6(ph); /* the registration under way goes on */
        answered(s);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
        called_over(ph, ph->pc, ph->uc);
        no_verdict(s->x);
}

/* It comes when the next registration is complete: the contacts it lists are those of before. */
static void later_than_the_next_success(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned given_up, i;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, NULL);
        given_up = core_hears(s->x);
        i = begins_anew(ph);
        core_challenges(s->x, ph, i);
        (void)sm6(ph);
        answered(s);
        core_grants(s->x, ph, given_up, "<sip:alice@192.0.2.1:5070>", NULL);
        expect_status(phone_hears(ph), 200);
        called_over(ph, ph->pc, ph->uc);
        no_verdict(s->x);
}

/* The challenge of an SM1 that was given up makes no SAs: those of the next one stand. */
static void late_challenge(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;
        unsigned given_up, i;

        sm1_clear(ph, NULL);
        given_up = core_hears(s->x);
        i = begins_anew(ph);
        core_challenges(s->x, ph, given_up);
        h = phone_hears(ph);
        expect_status(h, 504);
        assert_null(strstr(h->text, "WWW-Authenticate"));
        assert_int_equal(fix_sets(s->x), 0);
        core_challenges(s->x, ph, i);
        (void)sm6(ph);
        answered(s);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
        no_verdict(s->x);
}

/* That the home network says nothing to it ends nothing. */
static void late_silence(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned i;

        sm1_clear(ph, NULL);
        (void)core_hears(s->x);
        i = begins_anew(ph);
        core_challenges(s->x, ph, i);
        (void)sm6(ph);
        expect_status(phone_hears(ph), 504);
        expect_verdict(s->x, "icscf_unreachable", NULL);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_REGISTRATION);
        answered(s);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
}

/* --- the wrong SA ---------------------------------------------------------------------------------- */

static void answer_in_clear(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm1_clear(ph, &(struct says){.auth = answers(ph), .verify = ph->verify});
        core_hears_nothing(s->x);
        phone_hears_nothing(ph);
        expect_verdict(s->x, "wrong_sa", "did not come over the new SAs");
        answered(s); /* the registration goes on */
        proves("SA-072");
}

static void answer_on_the_old(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        (void)challenged(s);
        phone_send(ph, ph->in_uc, ph->ps,
                   phone_text(ph, &(struct says){.auth = answers(ph), .verify = ph->verify}, true));
        core_hears_nothing(s->x);
        phone_hears_nothing(ph);
        expect_verdict(s->x, "wrong_sa", "did not come over the new SAs");
        answered(s); /* "yes": over those that this challenge made */
        proves("AKA-061 SA-072");
}

/* The phone has not seen the 200 and goes on over its SAs of before: not protected by those of the latest
 * success, as the P-CSCF sees it (6.1.5). */
static void older_than_the_latest(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct says plain = {.client = ""};
        unsigned i;

        (void)challenged(s); /* its SM1 came over the only SAs there were: "yes" */
        answered(s);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_WAITING);
        phone_send(ph, ph->in_uc, ph->ps, phone_text(ph, &plain, true));
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "integrity-protected=\"no\"");
        raw_answer(&s->x->core, i, "500 No", "");
        expect_status(phone_hears(ph), 500);
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &plain, true));
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "integrity-protected=\"yes\"");
        core_grants(s->x, ph, i, NULL, NULL);
        expect_status(phone_hears(ph), 200);
        no_verdict(s->x);
        proves("AKA-062");
}

static void request_before_success(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        (void)challenged(s);
        phone_requests(ph, "MESSAGE");
        core_hears_nothing(s->x);
        phone_hears_nothing(ph);
        expect_verdict(s->x, "wrong_sa", "a request over SAs whose registration has not succeeded");
        assert_int_equal(state_of(ph, ph->uc), SA_SET_REGISTRATION);
        sm7(ph, &(struct says){.auth = "nonce=\"x\",response=\"\""}); /* a report has no business here */
        core_hears_nothing(s->x);
        phone_hears_nothing(ph);
        expect_verdict(s->x, "wrong_sa", "nothing but the answer");
        core_sends(ph, "MESSAGE");
        phone_answers(ph, phone_hears(ph), ph->uc, "200 OK"); /* its answer on the new ones */
        core_hears_nothing(s->x);
        expect_verdict(s->x, "wrong_sa", "a response over SAs");
        proves("SA-086");
}

static void request_on_leaving_ones(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        (void)challenged(s);
        answered(s);
        calls_over(ph, ph->uc, ph->pc);
        assert_int_equal(state_of(ph, ph->in_uc), SA_SET_LEAVING);
        phone_send(ph, ph->in_uc, ph->ps, phone_text(ph, &(struct says){.method = "MESSAGE"}, true));
        core_hears_nothing(s->x);
        phone_hears_nothing(ph);
        expect_verdict(s->x, "wrong_sa", "replaced");
        phone_send(ph, ph->in_uc, ph->ps, phone_text(ph, &(struct says){.verify = ph->verify}, true));
        core_hears_nothing(s->x);
        expect_verdict(s->x, "wrong_sa", "replaced");
        proves("SA-046 SA-086");
}

/* Nothing is taken at the protected ports from ports without SAs. */
static void strangers_at_the_ports(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        registered(ph);
        phone_send(ph, ph->open, ph->ps, phone_text(ph, &(struct says){.method = "MESSAGE"}, true));
        phone_send(ph, ph->open, ph->pc, phone_text(ph, NULL, true));
        phone_send(ph, ph->us, ph->ps, phone_text(ph, &(struct says){.method = "MESSAGE"}, true));
        core_hears_nothing(s->x);
        phone_hears_nothing(ph);
        proves("SA-028 SA-046");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCENE(old_then_new, scene_udp),
                SCENE(new_over_tcp, scene_tcp),
                SCENE(pending_ends_on_the_old, scene_udp),
                SCENE(copies_cross, scene_udp),
                SCENE(sm1_in_clear_removes_the_old, scene_udp),
                SCENE(no_challenge_no_change, scene_udp),
                SCENE(refused_on_the_new, scene_udp),
                SCENE(refused_on_the_new_tcp, scene_tcp),
                SCENE(refused_on_the_old, scene_udp),
                SCENE(refused_on_the_old_tcp, scene_tcp),
                SCENE(tampered_on_the_old, scene_udp),
                SCENE(no_answer_of_the_core, scene_udp),
                SCENE(no_answer_to_the_first, scene_udp),
                SCENE(synchronisation_failure, scene_udp),
                SCENE(synchronisation_failure_protected, scene_udp),
                SCENE(network_failure, scene_udp),
                SCENE(network_failure_protected, scene_udp),
                SCENE(challenge_was_lost, scene_udp),
                SCENE(challenged_again, scene_udp),
                SCENE(challenged_again_protected, scene_udp),
                SCENE(late_success, scene_udp),
                SCENE(later_than_the_next_success, scene_udp),
                SCENE(late_challenge, scene_udp),
                SCENE(late_silence, scene_udp),
                SCENE(answer_in_clear, scene_udp),
                SCENE(answer_on_the_old, scene_udp),
                SCENE(older_than_the_latest, scene_udp),
                SCENE(request_before_success, scene_udp),
                SCENE(request_on_leaving_ones, scene_udp),
                SCENE(strangers_at_the_ports, scene_udp),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
