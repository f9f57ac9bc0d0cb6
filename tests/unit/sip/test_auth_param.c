/* SPDX-License-Identifier: BSD-3-Clause
 * Challenges and credentials, and the hops of the registration flows rebuilt by edits: from the message
 * that came in to the one the notes of tests/data/sip-flows say leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <glob.h>

#include <cmocka.h>

#include "common/sip/auth_param.h"
#include "common/sip/edit.h"

static void expect(struct span s, const char *text)
{
        if (!span_eq(s, span_of(text)))
                fail_msg("'" SPAN_FMT "' is not '%s'", SPAN_ARG(s), text);
}

static void parameters(void **state)
{
        struct sip_auth a;

        (void)state;
        assert_int_equal(
                sip_auth_parse(SPAN("Digest username=\"u@h\",\r\n realm = \"r, \\\"q\\\"\" ,nonce=\"\","
                                    "algorithm=AKAv1-MD5,auts=\"abc=\",x=a==,response=\"\""),
                               true, &a),
                0);
        expect(a.scheme, "Digest");
        assert_int_equal(a.n, 7);
        expect(*sip_auth_get(&a, "USERNAME"), "u@h");
        expect(*sip_auth_get(&a, "realm"), "r, \\\"q\\\"");
        assert_non_null(sip_auth_get(&a, "nonce"));
        assert_int_equal(sip_auth_get(&a, "nonce")->n, 0);
        expect(*sip_auth_get(&a, "auts"), "abc=");
        expect(*sip_auth_get(&a, "x"), "a==");
        assert_null(sip_auth_get(&a, "ik"));
        assert_true(a.params[0].quoted);
        assert_false(a.params[3].quoted);
}

static void refused(void **state)
{
        static const char *const bad[] = {
                "",
                "Digest",
                "Digest ",
                "Digest x",
                "Digest x=",
                "Digest =1",
                "Digest x=\"1",
                "Digest x=\"1\" y=2",
                "Digest x=1,",
                "Digest x=1,,y=2",
                "Digest ,x=1",
                "Digest x=1, X=2",
                "Digest x=\"a\"b",
                "\"Digest\" x=1",
                "Digest\tx=1;y=2 z",
        };
        struct sip_auth a;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                if (sip_auth_parse(span_of(bad[i]), true, &a) != -IMS_EPARSE)
                        fail_msg("accepted: %s", bad[i]);
        assert_int_equal(sip_auth_parse(SPAN("qop=auth,rspauth=\"x\""), false, &a), 0);
        assert_int_equal(a.n, 2);
}

static void too_many(void **state)
{
        struct buf b = BUF_INIT;
        struct sip_auth a;

        (void)state;
        buf_puts(&b, "Digest ");
        for (int i = 0; i < SIP_AUTH_PARAMS_MAX; i++)
                buf_printf(&b, "%sp%d=1", i ? "," : "", i);
        assert_int_equal(sip_auth_parse(buf_as_span(&b), true, &a), 0);
        buf_puts(&b, ",last=1");
        assert_int_equal(sip_auth_parse(buf_as_span(&b), true, &a), -IMS_ETOOBIG);
        buf_free(&b);
}

static void write_and_add(void **state)
{
        static const char *const drop[] = {"IK", "ck", NULL};
        struct buf b = BUF_INIT;
        struct sip_auth a;

        (void)state;
        assert_int_equal(
                sip_auth_parse(SPAN("Digest ik=\"1\",realm=\"r\" ,  ck=\"2\", nonce=\"n\""), true, &a), 0);
        sip_auth_write_without(&a, drop, &b);
        sip_auth_add(&b, "opaque", SPAN("a\"b\\"), true);
        sip_auth_add(&b, "nc", SPAN("00000001"), false);
        expect(buf_as_span(&b), "Digest realm=\"r\", nonce=\"n\", opaque=\"a\\\"b\\\\\", nc=00000001");
        buf_reset(&b);
        buf_puts(&b, "Digest ");
        sip_auth_add(&b, "realm", SPAN("r"), true);
        expect(buf_as_span(&b), "Digest realm=\"r\"");
        buf_reset(&b);
        sip_auth_unescape(SPAN("a\\\"b\\\\c"), &b);
        expect(buf_as_span(&b), "a\"b\\c");
        buf_free(&b);
}

/* --- the flows ------------------------------------------------------------------------------------ */

static struct sip_msg *load(const char *file)
{
        static char octets[8192];
        struct sip_msg *m = NULL;
        char path[256];
        size_t n, used;
        FILE *f;

        snprintf(path, sizeof(path), TEST_DATA "/sip-flows/%s", file);
        f = fopen(path, "rb");
        assert_non_null(f);
        n = fread(octets, 1, sizeof(octets), f);
        fclose(f);
        assert_int_equal(sip_msg_parse(span_make(octets, n), SIP_DATAGRAM, &m, &used), 0);
        assert_null(m->fault);
        return m;
}

/* Writes m with its edits and compares with what the file of the next hop holds. */
static void expect_file(struct sip_edit *e, struct span via, const char *file)
{
        struct sip_msg *next = load(file);
        struct buf out = BUF_INIT;

        assert_int_equal(sip_edit_write(e, via, &out), 0);
        if (!span_eq(buf_as_span(&out), span_make(next->buf, next->n)))
                fail_msg("not %s:\n" SPAN_FMT, file, SPAN_ARG(buf_as_span(&out)));
        buf_free(&out);
        sip_msg_unref(next);
}

static const struct sip_hdr *hdr(const struct sip_msg *m, enum sip_hdr_id id)
{
        const struct sip_hdr *h = sip_msg_hdr(m, id, 0);

        assert_non_null(h);
        return h;
}

/* A new field behind those with another id: the flow files place fields where the eye wants them, the API
 * puts new ones at the end. */
static void append_behind(struct sip_edit *e, enum sip_hdr_id behind, enum sip_hdr_id id, struct span value)
{
        sip_edit_append(e, behind, value);
        e->ops[e->n_ops - 1].id = id;
}

/* Message 1 to 2 of ims-aka-ipsec. */
static void register_hop(void **state)
{
        struct sip_msg *in = load("ims-aka-ipsec/01-ue-to-pcscf.sip");
        struct sip_msg *want = load("ims-aka-ipsec/02-pcscf-to-icscf.sip");
        struct buf auth = BUF_INIT;
        struct sip_edit e;
        struct sip_auth a;

        (void)state;
        sip_edit_init(&e, in);
        sip_edit_replace(&e, hdr(in, SIP_HDR_MAX_FORWARDS), SPAN("69"));
        assert_int_equal(sip_auth_parse(hdr(in, SIP_HDR_AUTHORIZATION)->value, true, &a), 0);
        sip_auth_write_without(&a, (const char *const[]){"integrity-protected", NULL}, &auth);
        buf_puts(&auth, ",integrity-protected=\"no\""); /* the file has no space after its commas */
        sip_edit_replace(&e, hdr(in, SIP_HDR_AUTHORIZATION), buf_as_span(&auth));
        sip_edit_remove_token(&e, SIP_HDR_REQUIRE, SPAN("sec-agree"));
        sip_edit_remove_token(&e, SIP_HDR_PROXY_REQUIRE, SPAN("sec-agree"));
        sip_edit_remove_all(&e, SIP_HDR_SECURITY_CLIENT);
        append_behind(&e, SIP_HDR_CONTACT, SIP_HDR_PATH, hdr(want, SIP_HDR_PATH)->value);
        append_behind(&e, SIP_HDR_CONTACT, SIP_HDR_REQUIRE, SPAN("path"));
        append_behind(&e, SIP_HDR_P_ACCESS_NETWORK_INFO, SIP_HDR_P_VISITED_NETWORK_ID,
                      hdr(want, SIP_HDR_P_VISITED_NETWORK_ID)->value);
        append_behind(&e, SIP_HDR_P_ACCESS_NETWORK_INFO, SIP_HDR_P_CHARGING_VECTOR,
                      hdr(want, SIP_HDR_P_CHARGING_VECTOR)->value);
        expect_file(&e, hdr(want, SIP_HDR_VIA)->value, "ims-aka-ipsec/02-pcscf-to-icscf.sip");
        sip_edit_free(&e);
        buf_free(&auth);
        sip_msg_unref(in);
        sip_msg_unref(want);
}

/* 2 to 3, 4 to 5 (I-CSCF), 5 to 6 (keys taken out), 11 to 12 (charging taken out). */
static void other_hops(void **state)
{
        struct sip_msg *in = load("ims-aka-ipsec/02-pcscf-to-icscf.sip"), *want;
        struct buf auth = BUF_INIT;
        struct sip_edit e;
        struct sip_auth a;

        (void)state;
        want = load("ims-aka-ipsec/03-icscf-to-scscf.sip");
        sip_edit_init(&e, in);
        sip_edit_set_ruri(&e, want->ruri);
        sip_edit_replace(&e, hdr(in, SIP_HDR_MAX_FORWARDS), SPAN("68"));
        expect_file(&e, hdr(want, SIP_HDR_VIA)->value, "ims-aka-ipsec/03-icscf-to-scscf.sip");
        sip_edit_free(&e);
        sip_msg_unref(in);
        sip_msg_unref(want);

        in = load("ims-aka-ipsec/04-scscf-to-icscf.sip");
        sip_edit_init(&e, in);
        sip_edit_pop_value(&e, SIP_HDR_VIA);
        expect_file(&e, SPAN_NULL, "ims-aka-ipsec/05-icscf-to-pcscf.sip");
        sip_edit_free(&e);
        sip_msg_unref(in);

        in = load("ims-aka-ipsec/05-icscf-to-pcscf.sip");
        want = load("ims-aka-ipsec/06-pcscf-to-ue.sip");
        sip_edit_init(&e, in);
        sip_edit_pop_value(&e, SIP_HDR_VIA);
        assert_int_equal(sip_auth_parse(hdr(in, SIP_HDR_WWW_AUTHENTICATE)->value, true, &a), 0);
        assert_int_equal(sip_auth_get(&a, "ik")->n, 32);
        assert_int_equal(sip_auth_get(&a, "ck")->n, 32);
        sip_auth_write_without(&a, (const char *const[]){"ik", "ck", NULL}, &auth);
        sip_edit_replace(&e, hdr(in, SIP_HDR_WWW_AUTHENTICATE), buf_as_span(&auth));
        append_behind(&e, SIP_HDR_WWW_AUTHENTICATE, SIP_HDR_SECURITY_SERVER,
                      hdr(want, SIP_HDR_SECURITY_SERVER)->value);
        expect_file(&e, SPAN_NULL, "ims-aka-ipsec/06-pcscf-to-ue.sip");
        sip_edit_free(&e);
        buf_free(&auth);
        sip_msg_unref(in);
        sip_msg_unref(want);

        in = load("ims-aka-ipsec/11-icscf-to-pcscf.sip");
        sip_edit_init(&e, in);
        sip_edit_pop_value(&e, SIP_HDR_VIA);
        sip_edit_remove_all(&e, SIP_HDR_P_CHARGING_VECTOR);
        sip_edit_remove_all(&e, SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES);
        expect_file(&e, SPAN_NULL, "ims-aka-ipsec/12-pcscf-to-ue.sip");
        sip_edit_free(&e);
        sip_msg_unref(in);
}

/* Every message of every flow is read without fault, leaves as it came, and its challenges and credentials
 * can be read and written again. */
static void every_flow_message(void **state)
{
        static const enum sip_hdr_id ids[] = {SIP_HDR_AUTHORIZATION, SIP_HDR_WWW_AUTHENTICATE,
                                              SIP_HDR_PROXY_AUTHORIZATION, SIP_HDR_PROXY_AUTHENTICATE};
        size_t base = strlen(TEST_DATA "/sip-flows/"), checked = 0;
        glob_t files;

        (void)state;
        assert_int_equal(glob(TEST_DATA "/sip-flows/*/*.sip", 0, NULL, &files), 0);
        for (size_t i = 0; i < files.gl_pathc; i++) {
                struct sip_msg *m = load(files.gl_pathv[i] + base);
                struct sip_edit e;

                sip_edit_init(&e, m);
                expect_file(&e, SPAN_NULL, files.gl_pathv[i] + base);
                sip_edit_free(&e);
                for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++) {
                        const struct sip_hdr *h = sip_msg_hdr(m, ids[k], 0);
                        struct buf b = BUF_INIT;
                        struct sip_auth a;

                        if (!h)
                                continue;
                        assert_int_equal(sip_auth_parse(h->value, true, &a), 0);
                        sip_auth_write_without(&a, NULL, &b);
                        assert_true(span_eq(buf_as_span(&b), h->value));
                        buf_free(&b);
                        checked++;
                }
                sip_msg_unref(m);
        }
        assert_true(files.gl_pathc >= 60 && checked >= 30);
        globfree(&files);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parameters),         cmocka_unit_test(refused),
                cmocka_unit_test(too_many),           cmocka_unit_test(write_and_add),
                cmocka_unit_test(register_hop),       cmocka_unit_test(other_hops),
                cmocka_unit_test(every_flow_message),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
