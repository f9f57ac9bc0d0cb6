/* SPDX-License-Identifier: BSD-3-Clause
 * Bindings: RFC 3261 10.3 and 19.1.4, RFC 5626, expiry bounds. */
#include "reg_fake.h"

static int read_ops(struct world *w, const char *contact, const char *headers, struct contact_ops *out,
                    const char **why)
{
        struct reg_text t = {.contact = contact, .headers = headers, .integrity = "no"};
        struct sip_request *rq = world_request(w, &t);

        fake_reply(w, rq, 200, NULL, NULL, 0);
        return contact_ops_read(rq->msg, &w->conf, out, why);
}

static void expiries(void **state)
{
        static const struct {
                const char *contact, *headers;
                uint32_t expires_s;
                bool brief;
        } rows[] = {
                {"Contact: <sip:a@h>\r\n", "", 3600, false}, /* default */
                {"Contact: <sip:a@h>\r\n", "Expires: 120\r\n", 120, false},
                {"Contact: <sip:a@h>;expires=90\r\n", "Expires: 120\r\n", 90, false},
                {"Contact: <sip:a@h>;expires=60\r\n", "", 60, false},
                {"Contact: <sip:a@h>;expires=59\r\n", "", 59, true},
                {"Contact: <sip:a@h>;expires=1\r\n", "", 1, true},
                {"Contact: <sip:a@h>;expires=0\r\n", "", 0, false},
                {"Contact: <sip:a@h>\r\n", "Expires: 0\r\n", 0, false},
                {"Contact: <sip:a@h>;expires=600000\r\n", "", 600000, false},
                {"Contact: <sip:a@h>;expires=600001\r\n", "", 600000, false},
                {"Contact: <sip:a@h>;expires=99999999999\r\n", "", 600000, false},
                {"Contact: <sip:a@h>;expires=soon\r\n", "", 3600, false}, /* malformed: the default */
                {"Contact: <sip:a@h>\r\n", "Expires: -1\r\n", 3600, false},
        };
        struct contact_ops ops;
        const char *why = NULL;
        struct world w;

        (void)state;
        world_init(&w);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_int_equal(read_ops(&w, rows[i].contact, rows[i].headers, &ops, &why), 0);
                assert_int_equal(ops.n, 1);
                assert_int_equal(ops.brief, rows[i].brief);
                assert_int_equal(ops.v[0].expires_s, rows[i].expires_s);
        }
        world_clear(&w);
}

static void star(void **state)
{
        struct contact_ops ops;
        const char *why = NULL;
        struct world w;

        (void)state;
        world_init(&w);
        assert_int_equal(read_ops(&w, "Contact: *\r\n", "Expires: 0\r\n", &ops, &why), 0);
        assert_true(ops.star);
        assert_int_equal(read_ops(&w, "Contact: *\r\n", "Expires: 60\r\n", &ops, &why), -IMS_EPARSE);
        assert_int_equal(read_ops(&w, "Contact: *\r\n", "", &ops, &why), -IMS_EPARSE);
        assert_int_equal(read_ops(&w, "Contact: *, <sip:a@h>\r\n", "Expires: 0\r\n", &ops, &why),
                         -IMS_EPARSE);
        assert_int_equal(read_ops(&w, "Contact: <sip:a@h>\r\nContact: *\r\n", "Expires: 0\r\n", &ops, &why),
                         -IMS_EPARSE);
        assert_non_null(why);
        world_clear(&w);
}

static void bad_contacts(void **state)
{
        static const char *const bad[] = {
                "Contact: <>\r\n",
                "Contact: <tel:+1555>\r\n",
                "Contact: <sip:a@h>;expires=1;expires=2\r\n",
                "Contact: <mailto:a@h>\r\n",
        };
        struct contact_ops ops;
        const char *why;
        struct world w;

        (void)state;
        world_init(&w);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                why = NULL;
                assert_int_equal(read_ops(&w, bad[i], "", &ops, &why), -IMS_EPARSE);
                assert_non_null(why);
        }
        assert_int_equal(read_ops(&w, "Contact: <sip:a@h>, <sip:b@h>, <sip:c@h>\r\n", "", &ops, &why), 0);
        assert_int_equal(ops.n, 3);
        assert_int_equal(
                read_ops(&w, "Contact: <sip:a@h>, <sip:b@h>, <sip:c@h>, <sip:d@h>\r\n", "", &ops, &why),
                -IMS_ELIMIT);
        world_clear(&w);
}

/* RFC 3261 10.3: the values in turn, so that the last word on a binding counts. */
static void named_twice(void **state)
{
        struct contact_ops ops;
        const char *why = NULL;
        struct world w;

        (void)state;
        world_init(&w);
        assert_int_equal(read_ops(&w,
                                  "Contact: <sip:a@h>;q=0.1, <sip:b@h>, <sip:a@h:5060>, <sip:a@h>;q=0.3\r\n",
                                  "", &ops, &why),
                         0);
        assert_int_equal(ops.n, 3);
        assert_int_equal(ops.v[0].q, 300);
        assert_int_equal(read_ops(&w,
                                  "Contact: <sip:a@h>;+sip.instance=\"<i>\";reg-id=1\r\nContact: "
                                  "<sip:b@h>;+sip.instance=\"<i>\";reg-id=1;expires=0\r\n",
                                  "", &ops, &why),
                         0);
        assert_int_equal(ops.n, 1);
        assert_int_equal(ops.v[0].expires_s, 0);
        world_clear(&w);
}

static const struct contact_origin origin = {.path = {"<sip:p;lr>", 10}, .call_id = {"c1", 2}, .cseq = 7};

static struct contact *make(struct world *w, const char *line)
{
        struct contact_ops ops;
        struct contact *c = NULL;
        const char *why = NULL;

        assert_int_equal(read_ops(w, line, "", &ops, &why), 0);
        assert_int_equal(contact_new(&ops.v[0], &origin, 1000, 5000, &c), 0);
        return c;
}

static void text_is_kept(void **state)
{
        struct world w;
        struct contact *c;

        (void)state;
        world_init(&w);
        c = make(&w, "Contact: \"A\" "
                     "<sip:a@h;transport=tcp>;expires=70;q=0.25;+sip.instance=\"<urn:x>\";reg-id=2\r\n");
        assert_true(span_eq(contact_value(c),
                            SPAN("\"A\" <sip:a@h;transport=tcp>;q=0.25;+sip.instance=\"<urn:x>\";reg-id=2")));
        assert_true(span_eq(contact_uri(c), SPAN("sip:a@h;transport=tcp")));
        assert_true(span_eq(contact_instance(c), SPAN("\"<urn:x>\"")));
        assert_true(span_eq(contact_path(c), origin.path));
        assert_true(span_eq(contact_call_id(c), origin.call_id));
        assert_int_equal(c->q, 250);
        assert_true(c->has_reg_id);
        assert_int_equal(c->reg_id, 2);
        assert_int_equal(c->told_ms, 71000);
        assert_int_equal(c->ends_ms, 76000); /* longer than the UE was told: AKA-039 */
        contact_free(c);
        c = make(&w, "Contact: <sip:a@h>;+sip.instance=\"<urn:x>\";expires=70;q=1.0\r\n");
        assert_true(span_eq(contact_value(c), SPAN("<sip:a@h>;+sip.instance=\"<urn:x>\";q=1.0")));
        assert_true(span_eq(contact_instance(c), SPAN("\"<urn:x>\"")));
        contact_free(c);
        world_clear(&w);
}

static void which_binding(void **state)
{
        static const struct {
                const char *have, *op;
                bool same;
        } rows[] = {
                {"Contact: <sip:a@h>\r\n", "Contact: <sip:a@h>;q=0.1\r\n", true},
                {"Contact: <sip:a@h>\r\n", "Contact: <sip:a@H>\r\n", true},
                {"Contact: <sip:a@h>\r\n", "Contact: <sip:A@h>\r\n", false},
                {"Contact: <sip:a@h>\r\n", "Contact: <sip:a@h:5060>\r\n", false},
                {"Contact: <sip:a@h>\r\n", "Contact: <sip:b@h>\r\n", false},
                {"Contact: <sip:a@h>;+sip.instance=\"<urn:1>\"\r\n",
                 "Contact: <sip:b@i>;+sip.instance=\"<urn:1>\"\r\n", true},
                {"Contact: <sip:a@h>;+sip.instance=\"<urn:1>\"\r\n",
                 "Contact: <sip:a@h>;+sip.instance=\"<urn:2>\"\r\n", false},
                {"Contact: <sip:a@h>;+sip.instance=\"<urn:1>\";reg-id=1\r\n",
                 "Contact: <sip:b@i>;+sip.instance=\"<urn:1>\";reg-id=1\r\n", true},
                {"Contact: <sip:a@h>;+sip.instance=\"<urn:1>\";reg-id=1\r\n",
                 "Contact: <sip:a@h>;+sip.instance=\"<urn:1>\";reg-id=2\r\n", false},
                {"Contact: <sip:a@h>;+sip.instance=\"<urn:1>\"\r\n", "Contact: <sip:a@h>\r\n", true},
        };
        struct contact_ops ops;
        const char *why = NULL;
        struct world w;

        (void)state;
        world_init(&w);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct contact *c = make(&w, rows[i].have);

                assert_int_equal(read_ops(&w, rows[i].op, "", &ops, &why), 0);
                assert_int_equal(contact_matches(c, &ops.v[0]), rows[i].same);
                contact_free(c);
        }
        world_clear(&w);
}

static void order(void **state)
{
        struct contact_origin later = origin;
        struct contact *c;
        struct world w;

        (void)state;
        world_init(&w);
        c = make(&w, "Contact: <sip:a@h>\r\n");
        assert_true(contact_out_of_order(c, &later));
        later.cseq = 6;
        assert_true(contact_out_of_order(c, &later));
        later.cseq = 8;
        assert_false(contact_out_of_order(c, &later));
        later.cseq = 1;
        later.call_id = SPAN("c2");
        assert_false(contact_out_of_order(c, &later));
        contact_free(c);
        world_clear(&w);
}

static void parameters(void **state)
{
        struct span rest = SPAN(">; a = \"x;y\\\";z\" ;b;c=");
        struct contact_param p;

        (void)state;
        assert_true(contact_param_next(&rest, &p));
        assert_true(span_eq(p.name, SPAN("a")));
        assert_true(span_eq(p.value, SPAN("\"x;y\\\";z\"")));
        assert_true(contact_param_next(&rest, &p));
        assert_true(span_eq(p.name, SPAN("b")));
        assert_int_equal(p.value.n, 0);
        assert_true(contact_param_next(&rest, &p));
        assert_true(span_eq(p.whole, SPAN(";c=")));
        assert_false(contact_param_next(&rest, &p));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(expiries),      cmocka_unit_test(star),
                cmocka_unit_test(bad_contacts),  cmocka_unit_test(text_is_kept),
                cmocka_unit_test(which_binding), cmocka_unit_test(order),
                cmocka_unit_test(parameters),    cmocka_unit_test(named_twice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
