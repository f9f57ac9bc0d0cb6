/* SPDX-License-Identifier: BSD-3-Clause
 * The Cx codec: every field there and back; what is wrong gets the right base result and Failed-AVP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/diameter/cx_table.h"
#include "common/diameter/msg.h"
#include "tests/unit/diameter/cx_dump.h"
#include "tests/unit/diameter/hexfile.h"

#define REQUEST                                                                                              \
        {                                                                                                    \
                .session_id = SPAN("a;1;2"), .origin_host = SPAN("a.example.org"),                           \
                .origin_realm = SPAN("example.org"), .destination_host = SPAN("b.example.org"),              \
                .destination_realm = SPAN("example.org"), .features = {true, true, 10415, 1, 7},             \
                .has_drmp = true, .drmp = 3                                                                  \
        }
#define ANSWER                                                                                               \
        {                                                                                                    \
                .result = {10415, 5001}, .session_id = SPAN("a;1;2"), .origin_host = SPAN("b.example.org"),  \
                .origin_realm = SPAN("example.org"), .error_message = SPAN("why"), .features = {             \
                        true,                                                                                \
                        false,                                                                               \
                        10415,                                                                               \
                        1,                                                                                   \
                        1                                                                                    \
                }                                                                                            \
        }

static const char octets32[] = "0123456789abcdef0123456789abcdef";

static struct buf encode(enum cx_msg which, const void *m)
{
        const struct dict_command_row *row = &dict_command_rows[cx_shape(which)->command];
        struct dia_header h = {.flags = row->flags, .code = row->code, .app = CX_APPLICATION};
        struct buf b = BUF_INIT;

        dia_put_header(&b, &h);
        cx_encode(which, m, &(struct cx_env){0}, &b);
        dia_put_end(&b, 0);
        assert_int_equal(b.err, 0);
        return b;
}

/* The message after encode and decode shows the same fields as before. */
static void there_and_back(enum cx_msg which, const void *m)
{
        struct buf octets = encode(which, m), before = BUF_INIT, after = BUF_INIT;
        struct dia_fault fault = DIA_FAULT_NONE;
        struct cx_fault cx_fault;
        union cx_any *out = calloc(1, sizeof(*out));
        struct msg *msg = NULL;
        struct span raw;

        assert_int_equal(dia_check(buf_as_span(&octets), &fault), 0);
        assert_int_equal(dia_msg_parse(buf_as_span(&octets), &msg, &raw), 0);
        assert_int_equal(cx_decode(which, msg, out, &cx_fault), 0);
        dump_message(&before, which, m);
        dump_message(&after, which, out);
        buf_char(&before, 0);
        buf_char(&after, 0);
        assert_string_equal(after.p, before.p);
        cx_clear(which, out);
        free(out);
        dia_msg_free(msg, raw);
        buf_free(&octets);
        buf_free(&before);
        buf_free(&after);
}

static struct cx_auth_item full_item(void)
{
        struct cx_auth_item i = {
                .has_item_number = true,
                .item_number = 4,
                .scheme = SPAN("Digest-AKAv1-MD5"),
                .authenticate = span_make(octets32, 32),
                .authorization = span_make(octets32, 16),
                .context = SPAN("ctx"),
                .ck = span_make(octets32, 16),
                .ik = span_make(octets32 + 16, 16),
                .digest = {true, SPAN("realm"), SPAN("MD5"), SPAN("auth"), span_make(octets32, 32),
                           SPAN("SHA-256"), SPAN("00")},
                .framed_ip_address = SPAN("\1\2\3\4"),
                .framed_ipv6_prefix = SPAN("\0\20\1\2"),
                .has_framed_interface_id = true,
                .framed_interface_id = UINT64_C(0x0102030405060708),
                .line_identifiers = {.v = {SPAN("l1"), SPAN("l2")}, .n = 2},
        };
        return i;
}

static struct cx_restoration full_restoration(void)
{
        struct cx_subscription_info s = {true, SPAN("id"), SPAN("from"), SPAN("to"), SPAN("rr"), SPAN("c")};
        struct cx_restoration r = {.impi = SPAN("u@example.org"),
                                   .scheme = SPAN("SIP Digest"),
                                   .n_info = 2,
                                   .has_timeout = true,
                                   .timeout = 0xe0000000};

        r.info[0] = (struct cx_restoration_info){.path = SPAN("p"),
                                                 .contact = SPAN("c"),
                                                 .call_id = SPAN("i"),
                                                 .has_initial_cseq = true,
                                                 .initial_cseq = 9,
                                                 .subscription = s};
        s.record_route = SPAN_NULL;
        r.info[1] = (struct cx_restoration_info){
                .path = SPAN("p2"), .contact = SPAN("c2"), .pcscf_subscription = s};
        return r;
}

static void test_requests(void **state)
{
        struct cx_spans two = {.v = {SPAN("u1@example.org"), SPAN("u2@example.org")}, .n = 2};
        struct cx_uar uar = {.h = REQUEST,
                             .impi = SPAN("u"),
                             .impu = SPAN("sip:u"),
                             .visited_network = SPAN("v"),
                             .has_type = true,
                             .type = 2,
                             .has_flags = true,
                             .flags = 1};
        struct cx_mar mar = {.h = REQUEST,
                             .impi = SPAN("u"),
                             .impu = SPAN("sip:u"),
                             .server_name = SPAN("s"),
                             .n_items = 3,
                             .item = full_item()};
        struct cx_sar sar = {
                .h = REQUEST,
                .impi = SPAN("u"),
                .impus = two,
                .wildcarded_impu = SPAN("w"),
                .server_name = SPAN("s"),
                .type = 14,
                .data_already_available = 1,
                .has_restoration = true,
                .restoration = full_restoration(),
                .has_multiple_registration = true,
                .multiple_registration = 1,
                .has_session_priority = true,
                .session_priority = 4,
                .has_flags = true,
                .flags = 1,
                .failed_pcscf = {true, SPAN("p.example.org"), {.v = {SPAN("\0\1\1\2\3\4")}, .n = 1}}};
        struct cx_lir lir = {.h = REQUEST,
                             .impu = SPAN("sip:u"),
                             .originating = true,
                             .has_type = true,
                             .type = 2,
                             .has_session_priority = true,
                             .session_priority = 1};
        struct cx_rtr rtr = {.h = REQUEST,
                             .impi = SPAN("u"),
                             .associated_identities = two,
                             .impus = two,
                             .reason_code = 3,
                             .reason_info = SPAN("gone"),
                             .has_flags = true,
                             .flags = 1};
        struct cx_ppr ppr = {
                .h = REQUEST,
                .impi = SPAN("u"),
                .user_data = SPAN("<x/>"),
                .charging = {true, SPAN("aaa://a"), SPAN("aaa://b"), SPAN("aaa://c"), SPAN("aaa://d")},
                .has_item = true,
                .item = full_item(),
                .wafs = two,
                .wwsfs = two};

        (void)state;
        there_and_back(CX_MSG_uar, &uar);
        there_and_back(CX_MSG_mar, &mar);
        there_and_back(CX_MSG_sar, &sar);
        there_and_back(CX_MSG_lir, &lir);
        there_and_back(CX_MSG_rtr, &rtr);
        there_and_back(CX_MSG_ppr, &ppr);
}

static void test_answers(void **state)
{
        struct cx_spans two = {.v = {SPAN("u1@example.org"), SPAN("u2@example.org")}, .n = 2};
        struct cx_capabilities cap = {true, {.v = {1, 2}, .n = 2}, {.v = {3}, .n = 1}, two};
        struct cx_restoration restorations[3] = {full_restoration(), full_restoration(), full_restoration()};
        struct cx_uaa uaa = {.h = ANSWER, .server_name = SPAN("s"), .capabilities = cap};
        struct cx_maa *maa = calloc(1, sizeof(*maa));
        struct cx_saa saa = {.h = ANSWER,
                             .impi = SPAN("u"),
                             .user_data = SPAN("<x/>"),
                             .server_name = SPAN("s"),
                             .wildcarded_impu = SPAN("w"),
                             .charging = {true, SPAN("aaa://a"), SPAN_NULL, SPAN("aaa://c"), SPAN_NULL},
                             .associated_identities = two,
                             .associated_registered_identities = two,
                             .has_loose_route = true,
                             .loose_route = 1,
                             .has_priviledged_sender = true,
                             .priviledged_sender = 1,
                             .restorations = restorations,
                             .n_restorations = 3,
                             .wafs = two,
                             .wwsfs = two};
        struct cx_lia lia = {.h = ANSWER,
                             .server_name = SPAN("s"),
                             .wildcarded_impu = SPAN("w"),
                             .capabilities = cap,
                             .has_flags = true,
                             .flags = 1};
        struct cx_rta *rta = calloc(1, sizeof(*rta));
        struct cx_ppa ppa = {.h = ANSWER};

        (void)state;
        *maa = (struct cx_maa){.h = ANSWER,
                               .impi = SPAN("u"),
                               .impu = SPAN("sip:u"),
                               .has_n_items = true,
                               .n_items = 2,
                               .n = 2};
        maa->items[0] = maa->items[1] = full_item();
        maa->items[1].item_number = 5;
        *rta = (struct cx_rta){.h = ANSWER, .associated_identities = two, .n_emergency = 1};
        rta->emergency[0].impi = SPAN("u");
        rta->emergency[0].impu = SPAN("sip:u");
        there_and_back(CX_MSG_uaa, &uaa);
        there_and_back(CX_MSG_maa, maa);
        there_and_back(CX_MSG_saa, &saa);
        there_and_back(CX_MSG_lia, &lia);
        there_and_back(CX_MSG_rta, rta);
        there_and_back(CX_MSG_ppa, &ppa);
        free(maa);
        free(rta);
}

static void test_items_in_order(void **state)
{
        struct cx_maa *in = calloc(1, sizeof(*in)), *out = calloc(1, sizeof(*out));
        struct buf octets;
        struct cx_fault fault;
        struct msg *msg = NULL;
        struct span raw;

        (void)state;
        in->h = (struct cx_answer)ANSWER;
        in->n = 3;
        for (uint32_t i = 0; i < 3; i++) {
                in->items[i].has_item_number = true;
                in->items[i].item_number = (i + 2) % 3 + 1; /* 3 1 2 */
        }
        octets = encode(CX_MSG_maa, in);
        assert_int_equal(dia_msg_parse(buf_as_span(&octets), &msg, &raw), 0);
        assert_int_equal(cx_maa_decode(msg, out, &fault), 0);
        for (uint32_t i = 0; i < 3; i++)
                assert_int_equal(out->items[i].item_number, i + 1);
        dia_msg_free(msg, raw);
        buf_free(&octets);
        free(in);
        free(out);
}

/* --- faults ------------------------------------------------------------------------------------------ */

static struct buf good_uar(void)
{
        struct cx_uar uar = {.h = REQUEST,
                             .impi = SPAN("u@example.org"),
                             .impu = SPAN("sip:u@example.org"),
                             .visited_network = SPAN("v"),
                             .has_type = true};
        return encode(CX_MSG_uar, &uar);
}

static char *find(struct buf *b, uint32_t code)
{
        struct span rest = span_make(b->p + DIA_HEADER, b->n - DIA_HEADER);
        struct dia_avp a;

        while (dia_avp_next(&rest, &a) > 0) {
                if (a.code == code)
                        return b->p + (a.whole.p - b->p);
        }
        fail();
        return NULL;
}

/* Takes b; checks the result and what would stand in Failed-AVP. */
static void expect(struct buf b, uint32_t code, const char *name, uint32_t failed_code, size_t failed_n)
{
        struct dia_fault fault = DIA_FAULT_NONE;
        struct buf put = BUF_INIT;
        struct span rest;
        struct dia_avp group, in;

        dia_put_end(&b, 0);
        assert_int_equal(dia_check(buf_as_span(&b), &fault), -IMS_EPROTO);
        assert_int_equal(fault.code, code);
        assert_string_equal(fault.name, name);
        dia_put_fault(&put, &fault);
        rest = buf_as_span(&put);
        assert_int_equal(dia_avp_next(&rest, &group), 1);
        assert_int_equal(group.id, AVP_FAILED_AVP);
        rest = group.data;
        assert_int_equal(dia_avp_next(&rest, &in), 1);
        assert_int_equal(in.code, failed_code);
        assert_int_equal(in.data.n, failed_n);
        buf_free(&put);
        buf_free(&b);
}

static struct buf without(struct buf b, uint32_t code)
{
        char *at = find(&b, code);
        size_t n = ((dia_get_u32(at + 4) & 0xffffff) + 3) & ~(size_t)3;

        memmove(at, at + n, b.n - (size_t)(at - b.p) - n);
        b.n -= n;
        return b;
}

static void test_missing(void **state)
{
        (void)state;
        expect(without(good_uar(), 601), DIA_MISSING_AVP, "Public-Identity", 601, 0);
        expect(without(good_uar(), 600), DIA_MISSING_AVP, "Visited-Network-Identifier", 600, 0);
        expect(without(good_uar(), 277), DIA_MISSING_AVP, "Auth-Session-State", 277, 4);
        expect(without(good_uar(), 263), DIA_MISSING_AVP, "Session-Id", 263, 0);
        expect(without(good_uar(), 260), DIA_MISSING_AVP, "Vendor-Specific-Application-Id", 260, 0);
}

static void test_session_id_not_first(void **state)
{
        struct buf b = without(good_uar(), 263);

        (void)state;
        dia_put_os(&b, AVP_SESSION_ID, SPAN("x;1;2"));
        expect(b, DIA_MISSING_AVP, "Session-Id", 263, 0);
}

static void test_too_many(void **state)
{
        struct buf b = good_uar();

        (void)state;
        dia_put_os(&b, AVP_USER_NAME, SPAN("second"));
        expect(b, DIA_AVP_OCCURS_TOO_MANY_TIMES, "User-Name", 1, 6); /* the second is the one at fault */
}

static void test_values(void **state)
{
        struct buf b = good_uar();

        (void)state;
        find(&b, 623)[15] = 3; /* User-Authorization-Type has 0 to 2 */
        expect(b, DIA_INVALID_AVP_VALUE, "User-Authorization-Type", 623, 4);
        b = good_uar();
        find(&b, 601)[12] = 0; /* a NUL in an identity */
        expect(b, DIA_INVALID_AVP_VALUE, "Public-Identity", 601, 17);
        b = good_uar();
        find(&b, 601)[12] = (char)0xc0; /* not UTF-8 */
        expect(b, DIA_INVALID_AVP_VALUE, "Public-Identity", 601, 17);
        b = good_uar();
        find(&b, 264)[8] = '\n';
        expect(b, DIA_INVALID_AVP_VALUE, "Origin-Host", 264, 13);
}

static void test_lengths(void **state)
{
        struct buf b = good_uar();

        (void)state;
        find(&b, 623)[7] = 15; /* three octets of an Enumerated */
        expect(b, DIA_INVALID_AVP_LENGTH, "User-Authorization-Type", 623, 4);
        b = good_uar();
        find(&b, 623)[7] = 11; /* shorter than its own header */
        expect(b, DIA_INVALID_AVP_LENGTH, "User-Authorization-Type", 623, 4);
        b = good_uar();
        find(&b, 600)[5] = 1; /* beyond the message */
        expect(b, DIA_INVALID_AVP_LENGTH, "Visited-Network-Identifier", 600, 0);
        b = good_uar();
        find(&b, 260)[15] = 7; /* an AVP inside a group */
        expect(b, DIA_INVALID_AVP_LENGTH, "Vendor-Id", 266, 4);
}

static void test_unknown(void **state)
{
        struct buf b = good_uar();
        struct dia_fault fault = DIA_FAULT_NONE;

        (void)state;
        dia_put_example(&b, 9999, 10415, AVP_FLAG_VENDOR, -1); /* without M: nobody minds */
        dia_put_end(&b, 0);
        assert_int_equal(dia_check(buf_as_span(&b), &fault), 0);
        dia_put_example(&b, 9999, 10415, AVP_FLAG_VENDOR | AVP_FLAG_MANDATORY, -1);
        expect(b, DIA_AVP_UNSUPPORTED, "", 9999, 0);
        b = good_uar();
        dia_put_example(&b, 601, 0, AVP_FLAG_VENDOR, -1);
        expect(b, DIA_INVALID_AVP_BITS, "", 601, 0);
}

/* M set where the dictionary says clear, and the other way round. */
static void test_m_flag(void **state)
{
        struct buf b = good_uar();
        struct dia_fault fault = DIA_FAULT_NONE;
        struct cx_fault cx_fault;
        struct cx_uar out;
        struct msg *msg = NULL;
        struct span raw;

        (void)state;
        find(&b, 601)[4] = (char)AVP_FLAG_VENDOR;
        find(&b, 1)[4] = 0;
        dia_put_u32(&b, AVP_UAR_FLAGS, 1);
        find(&b, 637)[4] = (char)(AVP_FLAG_VENDOR | AVP_FLAG_MANDATORY);
        dia_put_end(&b, 0);
        assert_int_equal(dia_check(buf_as_span(&b), &fault), 0);
        assert_int_equal(dia_msg_parse(buf_as_span(&b), &msg, &raw), 0);
        assert_int_equal(cx_uar_decode(msg, &out, &cx_fault), 0);
        assert_true(span_eq(out.impi, SPAN("u@example.org")));
        assert_true(span_eq(out.impu, SPAN("sip:u@example.org")));
        assert_true(out.has_flags && out.flags == 1);
        dia_msg_free(msg, raw);
        buf_free(&b);
}

/* Codes 621, 623 and 650 mean something else without vendor. */
static void test_codes_of_two_vendors(void **state)
{
        struct buf b = good_uar();
        struct dia_fault fault = DIA_FAULT_NONE;
        struct cx_fault cx_fault;
        struct cx_uar out;
        struct msg *msg = NULL;
        struct span raw;
        size_t at = dia_put_group(&b, AVP_OC_SUPPORTED_FEATURES);

        (void)state;
        dia_put_u64(&b, AVP_OC_FEATURE_VECTOR, 1);
        dia_put_group_end(&b, at);
        dia_put_end(&b, 0);
        assert_int_equal(dia_check(buf_as_span(&b), &fault), 0);
        assert_int_equal(dia_msg_parse(buf_as_span(&b), &msg, &raw), 0);
        assert_int_equal(cx_uar_decode(msg, &out, &cx_fault), 0);
        dia_msg_free(msg, raw);
        buf_free(&b);
}

/* Of several feature lists the one of Cx counts, unless another is required: nobody here supports that. */
static void test_feature_lists(void **state)
{
        static const struct {
                uint32_t first, second; /* Feature-List-ID */
                bool second_m;
                uint32_t want;
        } rows[] = {{1, 2, false, 1}, {2, 1, false, 1}, {1, 2, true, 2}, {1, 1, true, 1}};

        (void)state;
        for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
                bool swapped = i % 2; /* the order does not matter */
                struct buf b = good_uar();
                struct cx_fault cx_fault;
                struct cx_uar out;
                struct msg *msg = NULL;
                struct span raw;

                for (int k = 0; k < 2; k++) {
                        bool second = (k == 1) != swapped;
                        size_t at = dia_put_group(&b, AVP_SUPPORTED_FEATURES);

                        if (rows[i / 2].second_m && second)
                                b.p[at + 4] |= AVP_FLAG_MANDATORY;
                        else
                                b.p[at + 4] &= (char)~AVP_FLAG_MANDATORY;
                        dia_put_u32(&b, AVP_VENDOR_ID, DIA_VENDOR_3GPP);
                        dia_put_u32(&b, AVP_FEATURE_LIST_ID, second ? rows[i / 2].second : rows[i / 2].first);
                        dia_put_u32(&b, AVP_FEATURE_LIST, 1);
                        dia_put_group_end(&b, at);
                }
                dia_put_end(&b, 0);
                assert_int_equal(dia_msg_parse(buf_as_span(&b), &msg, &raw), 0);
                assert_int_equal(cx_uar_decode(msg, &out, &cx_fault), 0);
                assert_true(out.h.features.present);
                assert_int_equal(out.h.features.list_id, rows[i / 2].want);
                if (rows[i / 2].want == 2)
                        assert_true(out.h.features.has_m);
                dia_msg_free(msg, raw);
                buf_free(&b);
        }
}

static void test_nesting(void **state)
{
        struct buf b = good_uar();
        struct dia_fault fault = DIA_FAULT_NONE;
        size_t at[400];

        (void)state;
        for (size_t i = 0; i < 400; i++)
                at[i] = dia_put_group(&b, AVP_FAILED_AVP);
        for (size_t i = 400; i-- > 0;)
                dia_put_group_end(&b, at[i]);
        dia_put_end(&b, 0);
        assert_int_equal(dia_check(buf_as_span(&b), &fault), -IMS_EPROTO);
        assert_int_equal(fault.code, DIA_INVALID_AVP_VALUE);
        buf_free(&b);
}

/* What only the typed codec sees. */
static void test_decode_faults(void **state)
{
        struct cx_mar *mar = calloc(1, sizeof(*mar)), *out = calloc(1, sizeof(*out));
        struct cx_fault fault;
        struct buf b;
        struct msg *msg = NULL;
        struct span raw;

        (void)state;
        *mar = (struct cx_mar){
                .h = REQUEST, .impi = SPAN("u"), .impu = SPAN("sip:u"), .server_name = SPAN("s")};
        mar->item.ck = span_make(octets32, 15);
        b = encode(CX_MSG_mar, mar);
        assert_int_equal(dia_msg_parse(buf_as_span(&b), &msg, &raw), 0);
        assert_int_equal(cx_mar_decode(msg, out, &fault), -IMS_EPROTO);
        assert_int_equal(fault.base_code, DIA_INVALID_AVP_VALUE);
        assert_string_equal(fault.avp_name, "Confidentiality-Key");
        assert_non_null(fault.failed);
        dia_msg_free(msg, raw);
        mar->item.ck = SPAN_NULL;
        buf_free(&b);
        b = without(encode(CX_MSG_mar, mar), 602);
        dia_put_end(&b, 0);
        assert_int_equal(dia_msg_parse(buf_as_span(&b), &msg, &raw), 0);
        assert_int_equal(cx_mar_decode(msg, out, &fault), -IMS_EPROTO);
        assert_int_equal(fault.base_code, DIA_MISSING_AVP);
        assert_string_equal(fault.avp_name, "Server-Name");
        assert_null(fault.failed);
        dia_msg_free(msg, raw);
        buf_free(&b);
        free(mar);
        free(out);
}

static void test_too_many_entries(void **state)
{
        struct cx_sar *sar = calloc(1, sizeof(*sar)), *out = calloc(1, sizeof(*out));
        struct cx_fault fault;
        struct buf b;
        struct msg *msg = NULL;
        struct span raw;

        (void)state;
        *sar = (struct cx_sar){.h = REQUEST, .impi = SPAN("u"), .server_name = SPAN("s")};
        b = encode(CX_MSG_sar, sar);
        for (size_t i = 0; i < CX_LIST_MAX + 1; i++)
                dia_put_os(&b, AVP_PUBLIC_IDENTITY, SPAN("sip:u"));
        dia_put_end(&b, 0);
        assert_int_equal(dia_msg_parse(buf_as_span(&b), &msg, &raw), 0);
        assert_int_equal(cx_sar_decode(msg, out, &fault), -IMS_EPROTO);
        assert_int_equal(fault.base_code, DIA_AVP_OCCURS_TOO_MANY_TIMES);
        assert_string_equal(fault.avp_name, "Public-Identity");
        dia_msg_free(msg, raw);
        buf_free(&b);
        free(sar);
        free(out);
}

static void test_result_texts(void **state)
{
        (void)state;
        assert_string_equal(dia_result_str(dia_base(5001)), "DIAMETER_AVP_UNSUPPORTED (5001)");
        assert_string_equal(dia_result_str(dia_3gpp(5001)), "DIAMETER_ERROR_USER_UNKNOWN (3GPP 5001)");
        assert_string_equal(dia_result_str((struct dia_result){9, 1}), "unknown result (vendor 9: 1)");
        assert_false(dia_result_is(dia_base(2001), dia_3gpp(2001)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_requests),
                cmocka_unit_test(test_answers),
                cmocka_unit_test(test_items_in_order),
                cmocka_unit_test(test_missing),
                cmocka_unit_test(test_session_id_not_first),
                cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_lengths),
                cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_m_flag),
                cmocka_unit_test(test_codes_of_two_vendors),
                cmocka_unit_test(test_feature_lists),
                cmocka_unit_test(test_nesting),
                cmocka_unit_test(test_decode_faults),
                cmocka_unit_test(test_too_many_entries),
                cmocka_unit_test(test_result_texts),
        };

        if (dia_dict_load())
                return 2;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
