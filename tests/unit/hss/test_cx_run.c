/* SPDX-License-Identifier: BSD-3-Clause
 * Cx requests over a real store: whole registrations, failures, several identities and IMPIs. */
#include "tests/unit/hss/fixture.h"

#include <libxml/xmlschemas.h>

#include "common/base/codec.h"
#include "common/profile/profile.h"
#include "hss/restoration.h"
#include "hss/store_int.h"

#define SUCCESS dia_base(DIA_SUCCESS)

static int setup(void **state)
{
        static struct fixture f;
        fixture_open(&f, "");
        fixture_add(&f, ALICE " --separate-impu sip:alice.work@" DOMAIN);
        fixture_add(&f, BOB);
        *state = &f;
        return 0;
}

static int teardown(void **state)
{
        fixture_close(*state);
        return 0;
}

/* "not registered", "pending", "registered" or "unregistered" of one IMPU, and the S-CSCF's name. */
static void assert_state(struct fixture *f, const char *impu, enum reg_state state, bool pending,
                         const char *scscf)
{
        struct record r = fixture_record(f, impu);
        if (scscf)
                assert_span(r.scscf_name, scscf);
        else
                assert_null(r.scscf_name.p);
        for (size_t i = 0; i < r.n_impus; i++) {
                if (!span_eq(r.impus[i].impu, span_of(impu)))
                        continue;
                assert_int_equal(r.impus[i].state, state);
                assert_int_equal(r.impus[i].pending, pending);
                return;
        }
        fail_msg("%s not there", impu);
}

static void assert_set_state(struct fixture *f, enum reg_state state, bool pending, const char *scscf)
{
        assert_state(f, ALICE_SIP, state, pending, scscf);
        assert_state(f, ALICE_TEL, state, pending, scscf);
        assert_state(f, ALICE_TEMP, state, pending, scscf);
}

static uint64_t sqn_of(struct fixture *f, const struct aka_av *av)
{
        struct aka_key key = {.algorithm = AKA_MILENAGE, .k_n = 16};
        struct aka_av out;
        uint64_t sqn = 0;
        uint16_t amf = 0;
        assert_int_equal(hex_decode(SPAN(K), key.k, 16), 0);
        assert_int_equal(hex_decode(SPAN(OPC), key.opc, 16), 0);
        assert_int_equal(aka_check_autn(f->aka, &key, av->rand, av->autn, &sqn, &amf, &out), 0);
        assert_int_equal(amf, 0x8000);
        assert_int_equal(out.xres_n, av->xres_n);
        assert_memory_equal(out.xres, av->xres, av->xres_n);
        assert_memory_equal(out.ck.b, av->ck.b, 16);
        assert_memory_equal(out.ik.b, av->ik.b, 16);
        return sqn;
}

static void registration(void **state)
{
        struct fixture *f = *state;
        assert_result(do_uar(f, ALICE_IMPI, ALICE_TEMP, -1), dia_3gpp(CX_FIRST_REGISTRATION));
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, NULL);
        assert_result(do_mar(f, ALICE_IMPI, ALICE_TEMP, SCSCF1, 1, NULL), SUCCESS);
        assert_int_equal(f->job.reply.n_avs, 1);
        (void)sqn_of(f, &f->job.reply.avs[0]);
        assert_set_state(f, REG_ST_NOT_REGISTERED, true, SCSCF1);
        assert_result(do_uar(f, ALICE_IMPI, ALICE_TEMP, -1), dia_3gpp(CX_SUBSEQUENT_REGISTRATION));
        assert_span(f->job.reply.server_name, SCSCF1);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_TEMP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_true(span_find(f->job.reply.user_data, SPAN(ALICE_TEL)) > 0);
        assert_true(span_find(f->job.reply.user_data, SPAN(ALICE_SIP)) > 0);
        assert_true(span_find(f->job.reply.user_data, SPAN("alice.work")) < 0);
        assert_int_equal(f->job.reply.associated.n, 0); /* no other IMPI: nothing to say */
        assert_set_state(f, REG_ST_REGISTERED, false, SCSCF1);
        assert_state(f, "sip:alice.work@" DOMAIN, REG_ST_NOT_REGISTERED, false, SCSCF1);
        /* Another authentication does not touch the flag. */
        assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, 1, NULL), SUCCESS);
        assert_set_state(f, REG_ST_REGISTERED, false, SCSCF1);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_AUTHENTICATION_FAILURE), SUCCESS);
        assert_set_state(f, REG_ST_REGISTERED, false, SCSCF1);
        assert_result(do_lir(f, ALICE_TEL, false), SUCCESS);
        assert_span(f->job.reply.server_name, SCSCF1);
        assert_result(do_uar(f, ALICE_IMPI, ALICE_SIP, CX_DE_REGISTRATION_UAT), SUCCESS);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_TEL, SCSCF1, CX_SAT_USER_DEREGISTRATION), SUCCESS);
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, NULL);
        assert_result(do_lir(f, ALICE_TEL, false), dia_3gpp(CX_ERROR_IDENTITY_NOT_REGISTERED));
        proves("AKA-017 AKA-018 AKA-034 AKA-035 AKA-036");
}

static void failure(void **state)
{
        struct fixture *f = *state;
        assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, 1, NULL), SUCCESS);
        assert_set_state(f, REG_ST_NOT_REGISTERED, true, SCSCF1);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF2, CX_SAT_AUTHENTICATION_TIMEOUT),
                      dia_base(DIA_UNABLE_TO_COMPLY));
        assert_set_state(f, REG_ST_NOT_REGISTERED, true, SCSCF1);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_AUTHENTICATION_TIMEOUT), SUCCESS);
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, NULL);
        assert_result(do_uar(f, ALICE_IMPI, BOB_SIP, -1), dia_3gpp(CX_ERROR_IDENTITIES_DONT_MATCH));
        assert_result(do_uar(f, "nobody@" DOMAIN, ALICE_SIP, -1), dia_3gpp(CX_ERROR_USER_UNKNOWN));
        assert_result(do_uar(f, ALICE_IMPI, "sip:nobody@" DOMAIN, -1), dia_3gpp(CX_ERROR_USER_UNKNOWN));
        assert_result(do_mar(f, BOB_IMPI, ALICE_SIP, SCSCF1, 1, NULL),
                      dia_3gpp(CX_ERROR_IDENTITIES_DONT_MATCH));
        assert_result(do_lir(f, "tel:+1", false), dia_3gpp(CX_ERROR_USER_UNKNOWN));
        proves("AKA-020 AKA-045");
}

static void two_sets(void **state)
{
        struct fixture *f = *state;
        const char *work = "sip:alice.work@" DOMAIN;
        assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, 1, NULL), SUCCESS);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(do_uar(f, ALICE_IMPI, work, -1), dia_3gpp(CX_SUBSEQUENT_REGISTRATION));
        assert_result(do_sar(f, ALICE_IMPI, work, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_true(span_find(f->job.reply.user_data, SPAN(ALICE_SIP)) < 0);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_USER_DEREGISTRATION), SUCCESS);
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, SCSCF1); /* the other set needs the name */
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        /* The IMPI alone: everything it has. */
        assert_result(do_sar(f, ALICE_IMPI, NULL, SCSCF1, CX_SAT_ADMINISTRATIVE_DEREGISTRATION), SUCCESS);
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, NULL);
        assert_state(f, work, REG_ST_NOT_REGISTERED, false, NULL);
}

static void several_impus(void **state)
{
        struct fixture *f = *state;
        const char *work = "sip:alice.work@" DOMAIN;
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(do_sar(f, ALICE_IMPI, work, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        struct job *j = fixture_job(f, CX_SAR);
        j->m.sar.impi = SPAN(ALICE_IMPI);
        j->m.sar.impus = (struct cx_spans){.v = {SPAN(ALICE_SIP), span_of(BOB_SIP)}, .n = 2};
        j->m.sar.server_name = SPAN(SCSCF1);
        j->m.sar.type = CX_SAT_TIMEOUT_DEREGISTRATION;
        assert_result(fixture_handle(f), dia_3gpp(CX_ERROR_IDENTITIES_DONT_MATCH));
        assert_set_state(f, REG_ST_REGISTERED, false, SCSCF1); /* all or nothing */
        j = fixture_job(f, CX_SAR);
        j->m.sar.impi = SPAN(ALICE_IMPI);
        j->m.sar.impus = (struct cx_spans){.v = {SPAN(ALICE_SIP), span_of(work)}, .n = 2};
        j->m.sar.server_name = SPAN(SCSCF1);
        j->m.sar.type = CX_SAT_TIMEOUT_DEREGISTRATION;
        assert_result(fixture_handle(f), SUCCESS);
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, NULL);
        assert_state(f, work, REG_ST_NOT_REGISTERED, false, NULL);
}

static void reassignment(void **state)
{
        struct fixture *f = *state;
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF2, CX_SAT_REGISTRATION),
                      dia_3gpp(CX_ERROR_IDENTITY_ALREADY_REGISTERED));
        assert_span(f->job.reply.server_name, SCSCF1);
        assert_result(do_uar(f, ALICE_IMPI, ALICE_SIP, CX_DE_REGISTRATION_UAT), SUCCESS);
        assert_false(job_writes(&f->job)); /* it does not wait for the lock */
        assert_result(do_uar(f, ALICE_IMPI, ALICE_SIP, CX_REGISTRATION_AND_CAPABILITIES), SUCCESS);
        assert_true(job_writes(&f->job));
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF2, CX_SAT_REGISTRATION), SUCCESS);
        assert_set_state(f, REG_ST_REGISTERED, false, SCSCF2);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION),
                      dia_3gpp(CX_ERROR_IDENTITY_ALREADY_REGISTERED));
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_USER_DEREGISTRATION),
                      dia_base(DIA_UNABLE_TO_COMPLY));
        assert_set_state(f, REG_ST_REGISTERED, false, SCSCF2);
        /* The assigned one comes back first: nobody else may take over any more. */
        assert_result(do_uar(f, ALICE_IMPI, ALICE_SIP, CX_REGISTRATION_AND_CAPABILITIES), SUCCESS);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF2, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION),
                      dia_3gpp(CX_ERROR_IDENTITY_ALREADY_REGISTERED));
        /* The same by LIR. */
        struct job *j = fixture_job(f, CX_LIR);
        j->m.lir = (struct cx_lir){
                .impu = SPAN(ALICE_SIP), .has_type = true, .type = CX_REGISTRATION_AND_CAPABILITIES};
        assert_true(job_writes(j));
        assert_result(fixture_handle(f), SUCCESS);
        assert_span(f->job.reply.server_name, SCSCF2);
        assert_result(do_sar(f, NULL, ALICE_SIP, SCSCF1, CX_SAT_UNREGISTERED_USER), SUCCESS);
        assert_set_state(f, REG_ST_REGISTERED, false, SCSCF1);
}

/* Two devices with one set: it is registered while one of them is. */
static void two_impis(void **state)
{
        struct fixture *f = *state;
        fixture_add(f, "--impi tablet@" DOMAIN " --join " ALICE_IMPI " --k " K " --opc " OPC);
        const char *tablet = "tablet@" DOMAIN;
        assert_result(do_mar(f, tablet, ALICE_SIP, SCSCF1, 1, NULL), SUCCESS);
        assert_result(do_sar(f, tablet, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_int_equal(f->job.reply.associated.n, 2);
        assert_int_equal(f->job.reply.registered.n, 1);
        assert_span(f->job.reply.registered.v[0], "tablet@" DOMAIN);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_int_equal(f->job.reply.registered.n, 2);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_USER_DEREGISTRATION), SUCCESS);
        assert_set_state(f, REG_ST_REGISTERED, false, SCSCF1);
        assert_result(do_sar(f, tablet, NULL, SCSCF1, CX_SAT_TIMEOUT_DEREGISTRATION), SUCCESS);
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, NULL);
        /* A request that names no IMPI ends the registration of both. */
        assert_result(do_sar(f, tablet, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(do_sar(f, NULL, ALICE_SIP, SCSCF1, CX_SAT_TIMEOUT_DEREGISTRATION), SUCCESS);
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, NULL);
        assert_false(fixture_record(f, tablet).impus[0].registered);
        assert_false(fixture_record(f, ALICE_IMPI).impus[0].registered);
        /* One of them goes for good. */
        assert_result(do_sar(f, tablet, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_int_equal(fixture_run(f, cli_subscriber_remove, tablet, NULL), 0);
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, SCSCF1);
        assert_result(do_uar(f, tablet, ALICE_SIP, -1), dia_3gpp(CX_ERROR_USER_UNKNOWN));
        assert_result(do_uar(f, ALICE_IMPI, ALICE_SIP, -1), dia_3gpp(CX_FIRST_REGISTRATION));
}

static void unregistered(void **state)
{
        struct fixture *f = *state;
        fixture_set(
                f,
                "15550001 --unregistered-services yes --scscf-capability mandatory:7 optional:9 optional:11");
        assert_result(do_lir(f, ALICE_TEL, false), dia_3gpp(CX_UNREGISTERED_SERVICE));
        assert_span(f->job.reply.mandatory, "7");
        assert_span(f->job.reply.optional, "9\n11");
        assert_result(do_sar(f, NULL, ALICE_TEL, SCSCF1, CX_SAT_UNREGISTERED_USER), SUCCESS);
        assert_span(f->job.reply.impi, ALICE_IMPI);
        assert_true(f->job.reply.user_data.n > 0);
        assert_set_state(f, REG_ST_UNREGISTERED, false, SCSCF1);
        assert_result(do_lir(f, ALICE_TEL, false), SUCCESS);
        assert_result(do_sar(f, NULL, ALICE_TEL, SCSCF1, CX_SAT_TIMEOUT_DEREGISTRATION), SUCCESS);
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, NULL);
        /* A registration that ends may leave the name. */
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(
                do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME),
                SUCCESS);
        assert_set_state(f, REG_ST_UNREGISTERED, false, SCSCF1);
        proves("AKA-019");
}

static void restoration(void **state)
{
        struct fixture *f = *state;
        struct job *j = fixture_job(f, CX_SAR);
        struct cx_restoration r;
        j->m.sar.impi = SPAN(ALICE_IMPI);
        j->m.sar.impus = (struct cx_spans){.v = {SPAN(ALICE_SIP)}, .n = 1};
        j->m.sar.server_name = SPAN(SCSCF1);
        j->m.sar.type = CX_SAT_REGISTRATION;
        j->m.sar.has_restoration = true;
        j->m.sar.restoration = (struct cx_restoration){
                .impi = SPAN(ALICE_IMPI),
                .n_info = 2,
                .info = {{.path = SPAN("<sip:pcscf;lr>"),
                          .contact = SPAN("<sip:a@192.0.2.1>"),
                          .has_initial_cseq = true,
                          .initial_cseq = 70000,
                          .call_id = SPAN("c1"),
                          .subscription = {.present = true,
                                           .call_id = SPAN("s1"),
                                           .from = SPAN("f"),
                                           .to = SPAN("t"),
                                           .record_route = SPAN(""),
                                           .contact = SPAN("x")}},
                         {.path = SPAN("p2"), .contact = SPAN("c2")}},
                .has_timeout = true,
                .timeout = 0xfedcba98,
        };
        assert_result(fixture_handle(f), SUCCESS);
        assert_int_equal(f->job.reply.n_restorations, 0);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_TEL, SCSCF1, CX_SAT_NO_ASSIGNMENT), SUCCESS);
        assert_int_equal(f->job.reply.n_restorations, 1);
        assert_int_equal(restoration_read(f->job.reply.restorations[0], &r), 0);
        assert_span(r.impi, ALICE_IMPI);
        assert_int_equal(r.n_info, 2);
        assert_int_equal(r.info[0].initial_cseq, 70000);
        assert_span(r.info[0].subscription.call_id, "s1");
        assert_true(r.info[0].subscription.record_route.p && r.info[0].subscription.record_route.n == 0);
        assert_span(r.info[1].contact, "c2");
        assert_null(r.info[1].call_id.p);
        assert_false(r.info[1].pcscf_subscription.present);
        assert_int_equal(r.timeout, 0xfedcba98);
        for (size_t n = 0; n < f->job.reply.restorations[0].n; n++)
                assert_int_equal(restoration_read(span_sub(f->job.reply.restorations[0], 0, n), &r),
                                 -IMS_EPARSE);
        char other[4096];
        assert_true(f->job.reply.restorations[0].n < sizeof other);
        memcpy(other, f->job.reply.restorations[0].p, f->job.reply.restorations[0].n);
        other[0]++; /* written by another program */
        assert_int_equal(restoration_read(span_make(other, f->job.reply.restorations[0].n), &r), -IMS_EPARSE);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_USER_DEREGISTRATION), SUCCESS);
        assert_result(do_sar(f, NULL, ALICE_SIP, SCSCF1, CX_SAT_UNREGISTERED_USER), SUCCESS);
        assert_int_equal(f->job.reply.n_restorations, 0);
}

static void vectors(void **state)
{
        struct fixture *f = *state;
        uint64_t last = 0;
        for (uint32_t wanted = 0; wanted < 9; wanted++) {
                assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, wanted, NULL), SUCCESS);
                assert_int_equal(f->job.reply.n_avs, wanted == 0 ? 1 : wanted > 5 ? 5 : wanted);
                for (size_t i = 0; i < f->job.reply.n_avs; i++) {
                        uint64_t sqn = sqn_of(f, &f->job.reply.avs[i]);
                        assert_true(sqn > last);
                        assert_in_range(sqn & 31, 28, 31); /* the share of IMS */
                        last = sqn;
                }
        }
        struct record r = fixture_record(f, ALICE_IMPI);
        assert_int_equal(r.sqn.seq, last >> 5);
        assert_int_equal(r.sqn.ind[SQN_DOMAIN_IMS], last & 31);
        assert_int_equal(r.sqn.ind[SQN_DOMAIN_CS], 0);
        proves("AKA-009 AKA-010 AKA-022 SQN-002");
}

static void resynchronisation(void **state)
{
        struct fixture *f = *state;
        struct aka_key key = {.algorithm = AKA_MILENAGE, .k_n = 16};
        uint8_t item[30];
        const uint64_t sqn_ms = UINT64_C(0x20000) << 5 | 28;
        assert_int_equal(hex_decode(SPAN(K), key.k, 16), 0);
        assert_int_equal(hex_decode(SPAN(OPC), key.opc, 16), 0);
        assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, 1, NULL), SUCCESS);
        memcpy(item, f->job.reply.avs[0].rand, 16);
        assert_int_equal(aka_make_auts(f->aka, &key, item, sqn_ms, item + 16), 0);
        /* Forged: one bit of MAC-S, then of SQN. Vectors are given, the SQN goes on from where it was. */
        uint64_t before = fixture_record(f, ALICE_IMPI).sqn.seq;
        for (size_t at = 16; at < 30; at++) {
                item[at] ^= 1;
                assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, 1, item), SUCCESS);
                assert_int_equal(f->job.d.cause, CAUSE_auts_forged);
                assert_int_equal(sqn_of(f, &f->job.reply.avs[0]) >> 5, ++before);
                item[at] ^= 1;
        }
        /* Of another S-CSCF: not looked at. */
        assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF2, 1, item), SUCCESS);
        assert_int_equal(sqn_of(f, &f->job.reply.avs[0]) >> 5, ++before);
        assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF2, 2, item), SUCCESS);
        assert_int_equal(f->job.d.cause, CAUSE_resynchronised);
        assert_true(sqn_of(f, &f->job.reply.avs[0]) > sqn_ms);
        assert_true(sqn_of(f, &f->job.reply.avs[1]) > sqn_of(f, &f->job.reply.avs[0]));
        proves("AKA-053 AKA-054");
}

static void swapped_rows(void **state)
{
        struct fixture *f = *state;
        char command[512];
        (void)snprintf(command, sizeof command,
                       "sqlite3 %s \"UPDATE impi SET credential = (SELECT credential FROM impi WHERE id = 2) "
                       "WHERE id = 1\"",
                       f->db);
        if (system("command -v sqlite3 >/dev/null") != 0)
                skip();
        assert_int_equal(system(command), 0);
        assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, 1, NULL), dia_base(DIA_UNABLE_TO_COMPLY));
        assert_int_equal(f->job.reply.n_avs, 0);
        assert_result(do_mar(f, BOB_IMPI, BOB_SIP, SCSCF1, 1, NULL), SUCCESS);
}

static void sqn_used_up(void **state)
{
        struct fixture *f = *state;
        fixture_set(f, "15550001 --sqn 0xffffffffffff");
        assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, 1, NULL), dia_base(DIA_UNABLE_TO_COMPLY));
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, NULL);
}

static void psi_and_wildcard(void **state)
{
        struct fixture *f = *state;
        fixture_set(f, "15550001 --psi sip:chat-!.*!@" DOMAIN " --unregistered-services yes");
        fixture_set(f, "15550001 --psi sip:r!a|b+!@" DOMAIN); /* the whole of it, and every alternative */
        assert_result(do_lir(f, "sip:rbb@" DOMAIN, false), dia_3gpp(CX_UNREGISTERED_SERVICE));
        assert_result(do_lir(f, "sip:ra@" DOMAIN, false), dia_3gpp(CX_UNREGISTERED_SERVICE));
        assert_result(do_lir(f, "sip:rax@" DOMAIN, false), dia_3gpp(CX_ERROR_USER_UNKNOWN));
        assert_result(do_lir(f, "sip:rxb@" DOMAIN, false), dia_3gpp(CX_ERROR_USER_UNKNOWN));
        assert_result(do_lir(f, "sip:chat-room7@" DOMAIN, false), dia_3gpp(CX_UNREGISTERED_SERVICE));
        assert_span(f->job.reply.wildcarded, "sip:chat-!.*!@" DOMAIN);
        assert_result(do_lir(f, "sip:chatroom7@" DOMAIN, false), dia_3gpp(CX_ERROR_USER_UNKNOWN));
        assert_result(do_sar(f, NULL, "sip:chat-room7@" DOMAIN, SCSCF1, CX_SAT_UNREGISTERED_USER), SUCCESS);
        assert_span(f->job.reply.wildcarded, "sip:chat-!.*!@" DOMAIN);
        assert_result(do_sar(f, ALICE_IMPI, "sip:chat-room7@" DOMAIN, SCSCF1, CX_SAT_REGISTRATION),
                      dia_3gpp(CX_ERROR_IN_ASSIGNMENT_TYPE));
        fixture_add(f, "--imsi 001010000000009 --k " K " --opc " OPC " --psi sip:conf@" DOMAIN
                       " --as-name sip:as1." DOMAIN);
        assert_result(do_lir(f, "sip:conf@" DOMAIN, false), SUCCESS);
        assert_span(f->job.reply.server_name, "sip:as1." DOMAIN);
        assert_int_equal(f->job.reply.lia_flags, 1);
}

static void schemes(void **state)
{
        struct fixture *f = *state;
        fixture_add(f, "--impi carol@example.org --password secret");
        fixture_add(f, "--impi dave@example.org --nba-line dsl-1 dsl-2");
        struct job *j = fixture_job(f, CX_MAR);
        j->m.mar = (struct cx_mar){.impi = SPAN("carol@example.org"),
                                   .impu = SPAN("sip:carol@example.org"),
                                   .server_name = SPAN(SCSCF1),
                                   .n_items = 3,
                                   .item.scheme = SPAN(CX_SCHEME_UNKNOWN)};
        assert_result(fixture_handle(f), SUCCESS);
        assert_int_equal(f->job.reply.n_avs, 0);
        assert_string_equal(
                f->job.reply.ha1,
                "8c45b525cfb21f71772b237f339adc10"); /* MD5 of carol@example.org:example.org:secret */
        assert_span(f->job.reply.digest_realm, "example.org");
        j = fixture_job(f, CX_MAR);
        j->m.mar = (struct cx_mar){.impi = SPAN("dave@example.org"),
                                   .impu = SPAN("sip:dave@example.org"),
                                   .server_name = SPAN(SCSCF1),
                                   .n_items = 1,
                                   .item.scheme = SPAN(CX_SCHEME_NBA)};
        assert_result(fixture_handle(f), SUCCESS);
        assert_span(f->job.reply.line_ids, "dsl-1\ndsl-2");
}

static int validate(struct span xml)
{
        xmlSchemaParserCtxtPtr pc = xmlSchemaNewParserCtxt(TEST_DATA "/cx/CxDataType_Rel8.xsd");
        xmlSchemaPtr schema = xmlSchemaParse(pc);
        xmlSchemaValidCtxtPtr vc = xmlSchemaNewValidCtxt(schema);
        xmlDocPtr doc = xmlReadMemory(xml.p, (int)xml.n, "user-data", NULL, XML_PARSE_NONET);
        assert_non_null(schema);
        assert_non_null(doc);
        int rc = xmlSchemaValidateDoc(vc, doc);
        xmlFreeDoc(doc);
        xmlSchemaFreeValidCtxt(vc);
        xmlSchemaFree(schema);
        xmlSchemaFreeParserCtxt(pc);
        return rc;
}

static void user_data(void **state)
{
        struct fixture *f = *state;
        struct profile *p = NULL;
        struct buf err = BUF_INIT;
        assert_int_equal(fixture_run(f, cli_profile_set, "gold " TEST_DATA "/cx/profile-example.xml", NULL),
                         0);
        fixture_set(f, "15550001 --profile gold");
        assert_result(do_sar(f, ALICE_IMPI, ALICE_TEMP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_int_equal(validate(f->job.reply.user_data), 0);
        assert_int_equal(profile_parse(f->job.reply.user_data, &p, &err), 0);
        assert_string_equal(p->impi, ALICE_IMPI);
        assert_int_equal(p->n_services, 1);
        assert_int_equal(p->services[0].n_impus, 3);
        assert_int_equal(p->services[0].n_ifcs, 3);
        assert_string_equal(profile_default_impu(p)->identity, ALICE_SIP);
        assert_true(profile_find_impu(p, SPAN(ALICE_TEMP))->barred);
        assert_false(profile_find_impu(p, SPAN(ALICE_TEMP))->has_alias_group);
        assert_true(profile_find_impu(p, SPAN(ALICE_SIP))->has_alias_group);
        assert_true(profile_find_impu(p, SPAN(ALICE_TEL))->has_alias_group);
        profile_free(p);
        /* Identities of one set with different profiles. */
        assert_int_equal(store_exec(f->store, "UPDATE impu SET profile = 1 WHERE impu = '" ALICE_TEL "'"), 0);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_TEMP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_int_equal(validate(f->job.reply.user_data), 0);
        assert_int_equal(profile_parse(f->job.reply.user_data, &p, &err), 0);
        assert_int_equal(p->n_services, 2);
        assert_int_equal(p->services[0].n_impus, 2);
        assert_int_equal(p->services[1].n_impus, 1);
        assert_int_equal(p->services[1].n_ifcs, 0);
        profile_free(p);
        /* A new document is seen at once. */
        char path[160], *file_name = path + strlen("gold ");
        (void)snprintf(path, sizeof path, "gold %s/none.xml", f->dir);
        FILE *file = fopen(file_name, "w");
        assert_non_null(file);
        (void)fputs(
                "<IMSSubscription><PrivateID>x@y</PrivateID><ServiceProfile><PublicIdentity><Identity>sip:x@y"
                "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>",
                file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(fixture_run(f, cli_profile_set, path, NULL), 0);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_TEMP, SCSCF1, CX_SAT_RE_REGISTRATION), SUCCESS);
        assert_true(span_find(f->job.reply.user_data, SPAN("InitialFilterCriteria")) < 0);
        assert_int_equal(fixture_run(f, cli_profile_set,
                                     "gold " TEST_DATA "/cx/profile-example-barred-and-shared.xml", NULL),
                         -IMS_EINVAL); /* two service profiles */
        assert_int_equal(fixture_run(f, cli_profile_remove, "gold", NULL), -IMS_EEXISTS);
        fixture_set(f, "15550001 --profile default");
        assert_int_equal(fixture_run(f, cli_profile_remove, "gold", NULL), 0);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_TEMP, SCSCF1, CX_SAT_RE_REGISTRATION), SUCCESS);
        assert_int_equal(validate(f->job.reply.user_data), 0);
        assert_true(span_find(f->job.reply.user_data, SPAN("InitialFilterCriteria")) < 0);
        proves("AKA-002 AKA-036");
}

/* A profile whose row number another one had before: its own criteria are sent. */
static void profile_number_again(void **state)
{
        struct fixture *f = *state;
        char path[160];
        assert_int_equal(fixture_run(f, cli_profile_set, "gold " TEST_DATA "/cx/profile-example.xml", NULL),
                         0);
        fixture_set(f, "15550001 --profile gold");
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_true(span_find(f->job.reply.user_data, SPAN("InitialFilterCriteria")) > 0);
        fixture_set(f, "15550001 --profile default");
        assert_int_equal(fixture_run(f, cli_profile_remove, "gold", NULL), 0);
        assert_int_equal(fixture_run(f, cli_profile_remove, "default", NULL), -IMS_EINVAL);
        (void)snprintf(path, sizeof path, "silver %s/silver.xml", f->dir);
        FILE *file = fopen(path + 7, "w");
        assert_non_null(file);
        (void)fputs(
                "<IMSSubscription><PrivateID>x@y</PrivateID><ServiceProfile><PublicIdentity><Identity>sip:x@y"
                "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>",
                file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(fixture_run(f, cli_profile_set, path, NULL), 0);
        fixture_set(f, "15550001 --profile silver");
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_RE_REGISTRATION), SUCCESS);
        assert_true(span_find(f->job.reply.user_data, SPAN("InitialFilterCriteria")) < 0);
}

/* A set that loses its last identity goes, and with it its registration. */
static void last_identity_of_a_set(void **state)
{
        struct fixture *f = *state;
        const char *work = "sip:alice.work@" DOMAIN;
        assert_result(do_sar(f, ALICE_IMPI, work, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        fixture_set(f, "15550001 --remove-impu sip:alice.work@" DOMAIN);
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_USER_DEREGISTRATION), SUCCESS);
        assert_set_state(f, REG_ST_NOT_REGISTERED, false, NULL); /* nobody needs the name any more */
        fixture_set(f, "15550001 --psi sip:conf@" DOMAIN " --as-name sip:as1." DOMAIN);
        assert_result(do_lir(f, "sip:conf@" DOMAIN, false), SUCCESS);
        assert_span(f->job.reply.server_name, "sip:as1." DOMAIN);
}

static void charging_and_flags(void **state)
{
        struct fixture *f = *state;
        fixture_set(
                f, "15550001 --ccf aaa://ccf1.example.org aaa://ccf2.example.org --ecf aaa://ecf1.example.org"
                   " --loose-route yes --priviledged-sender no");
        assert_result(do_sar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_span(f->job.reply.charging,
                    "aaa://ecf1.example.org\n\naaa://ccf1.example.org\naaa://ccf2.example.org");
        assert_int_equal(f->job.reply.loose_route, 1);
        assert_int_equal(f->job.reply.priviledged_sender, 0);
}

static void roaming_and_barring(void **state)
{
        struct fixture *f = *state;
        fixture_set(f, "15550001 --visited visited.example");
        assert_result(do_uar(f, ALICE_IMPI, ALICE_SIP, -1), dia_3gpp(CX_ERROR_ROAMING_NOT_ALLOWED));
        fixture_set(f, "15550001 --visited visited.example " DOMAIN);
        assert_result(do_uar(f, ALICE_IMPI, ALICE_SIP, -1), dia_3gpp(CX_FIRST_REGISTRATION));
        fixture_set(f, "15550001 --visited any --bar " ALICE_SIP);
        assert_result(do_uar(f, ALICE_IMPI, ALICE_SIP, -1), dia_3gpp(CX_FIRST_REGISTRATION));
        fixture_set(f, "15550001 --bar " ALICE_TEL);
        assert_result(do_uar(f, ALICE_IMPI, ALICE_SIP, -1), dia_base(DIA_AUTHORIZATION_REJECTED));
        fixture_set(f, "15550001 --unbar " ALICE_TEL " --registration denied");
        assert_result(do_uar(f, ALICE_IMPI, ALICE_SIP, -1), dia_base(DIA_AUTHORIZATION_REJECTED));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(registration),
                T(failure),
                T(two_sets),
                T(several_impus),
                T(reassignment),
                T(two_impis),
                T(unregistered),
                T(restoration),
                T(vectors),
                T(resynchronisation),
                T(swapped_rows),
                T(sqn_used_up),
                T(psi_and_wildcard),
                T(schemes),
                T(user_data),
                T(profile_number_again),
                T(last_identity_of_a_set),
                T(charging_and_flags),
                T(roaming_and_barring),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
