/* SPDX-License-Identifier: BSD-3-Clause
 * The user profile: values of the example documents, writing that validates against the schema, and
 * what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <libxml/xmlschemastypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/profile/profile.h"

static xmlSchema *schema;

static struct buf read_file(const char *path)
{
        struct buf b = BUF_INIT;
        char block[4096];
        size_t n = 0;
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        while ((n = fread(block, 1, sizeof(block), f)) > 0)
                buf_put(&b, block, n);
        (void)fclose(f);
        assert_int_equal(b.err, 0);
        return b;
}

static struct profile *parse_ok(struct span xml)
{
        struct buf err = BUF_INIT;
        struct profile *p = NULL;
        int rc = profile_parse(xml, &p, &err);
        if (rc != 0)
                fail_msg("%s: " SPAN_FMT, ims_strerror(rc), SPAN_ARG(buf_as_span(&err)));
        buf_free(&err);
        return p;
}

static struct profile *parse_file(const char *path)
{
        struct buf b = read_file(path);
        struct profile *p = parse_ok(buf_as_span(&b));
        buf_free(&b);
        return p;
}

static bool validates(struct span xml)
{
        xmlDoc *doc = xmlReadMemory(xml.p, (int)xml.n, "written.xml", NULL, XML_PARSE_NONET);
        if (!doc)
                return false;
        xmlSchemaValidCtxt *v = xmlSchemaNewValidCtxt(schema);
        bool ok = xmlSchemaValidateDoc(v, doc) == 0;
        xmlSchemaFreeValidCtxt(v);
        xmlFreeDoc(doc);
        return ok;
}

static void check_spts(const struct profile_ifc *ifc)
{
        const struct profile_spt *s = ifc->spts;
        assert_true(ifc->has_trigger && ifc->cnf);
        assert_int_equal(ifc->n_spts, 4);
        assert_int_equal(s[0].kind, SPT_METHOD);
        assert_string_equal(s[0].text, "INVITE");
        assert_int_equal(s[0].n_groups, 1);
        assert_int_equal(s[0].groups[0], 0);
        assert_string_equal(s[1].text, "SUBSCRIBE");
        assert_int_equal(s[2].kind, SPT_SESSION_CASE);
        assert_int_equal(s[2].session_case, 0);
        assert_int_equal(s[2].groups[0], 1);
        assert_true(s[3].negated);
        assert_int_equal(s[3].kind, SPT_SIP_HEADER);
        assert_string_equal(s[3].text, "Event");
        assert_string_equal(s[3].content, "reg");
}

static void check_more_ifcs(const struct profile_ifc *ifc)
{
        assert_int_equal(ifc[1].spts[0].registration_types, 1 << 0 | 1 << 2);
        assert_int_equal(ifc[1].default_handling, 1);
        assert_string_equal(ifc[1].service_info, "lab-service-key=1");
        assert_true(ifc[1].include_register_request && ifc[1].include_register_response);
        assert_int_equal(ifc[1].part, -1);
        assert_false(ifc[2].cnf);
        assert_int_equal(ifc[2].part, 1);
        assert_int_equal(ifc[2].spts[0].session_case, 2);
        assert_int_equal(ifc[2].spts[1].kind, SPT_SESSION_DESCRIPTION);
        assert_string_equal(ifc[2].spts[1].text, "m");
        assert_string_equal(ifc[2].spts[1].content, "audio .*");
        assert_int_equal(ifc[2].spts[3].kind, SPT_REQUEST_URI);
        assert_string_equal(ifc[2].spts[3].text, "sip:alice@.*");
}

static void check_example(const struct profile *p)
{
        assert_string_equal(p->impi, "001010000000001@ims.mnc001.mcc001.3gppnetwork.org");
        assert_int_equal(p->n_services, 1);
        const struct profile_service *s = &p->services[0];
        assert_int_equal(s->n_impus, 2);
        assert_string_equal(s->impus[0].identity, "sip:alice@ims.mnc001.mcc001.3gppnetwork.org");
        assert_string_equal(s->impus[0].display_name, "Alice Example");
        assert_false(s->impus[0].barred);
        assert_int_equal(s->impus[0].type, PROFILE_DISTINCT_IMPU);
        assert_true(s->impus[0].has_alias_group);
        assert_int_equal(s->impus[0].alias_group, 1);
        assert_string_equal(s->impus[1].identity, "tel:+15550100");
        assert_null(s->impus[1].display_name);
        assert_int_equal(s->n_ifcs, 3);
        check_spts(&s->ifcs[0]);
        assert_string_equal(s->ifcs[0].server_name,
                            "sip:tas.ims.mnc001.mcc001.3gppnetwork.org:5070;transport=tcp");
        assert_null(s->ifcs[0].service_info);
        assert_false(s->ifcs[0].include_register_request);
        check_more_ifcs(s->ifcs);
        assert_ptr_equal(profile_default_impu(p), &s->impus[0]);
}

static void check_barred_and_shared(const struct profile *p)
{
        assert_int_equal(p->n_services, 2);
        const struct profile_service *s = &p->services[0];
        assert_true(s->impus[0].barred);
        assert_false(s->impus[1].barred);
        assert_false(s->impus[1].has_alias_group);
        assert_true(s->has_media_profile);
        assert_int_equal(s->media_profile, 1);
        assert_int_equal(s->n_shared_ifc_sets, 2);
        assert_int_equal(s->shared_ifc_sets[0], 100);
        assert_int_equal(s->shared_ifc_sets[1], 101);
        assert_int_equal(s->n_ifcs, 0);
        const struct profile_ifc *ifc = &p->services[1].ifcs[0];
        assert_false(ifc->has_trigger);
        assert_int_equal(ifc->n_spts, 0);
        assert_int_equal(ifc->part, 0);
        assert_int_equal(ifc->default_handling, 0);
        assert_ptr_equal(profile_default_impu(p), &s->impus[1]);
}

/* Parse, write, validate, parse again: the same values, and a second writing gives the same octets. */
static void round_trip(const char *path, void (*check)(const struct profile *p))
{
        struct profile *p = parse_file(path);
        struct buf once = BUF_INIT, twice = BUF_INIT;
        check(p);
        assert_int_equal(profile_write(p, &once), 0);
        profile_free(p);
        assert_true(validates(buf_as_span(&once)));
        p = parse_ok(buf_as_span(&once));
        check(p);
        assert_int_equal(profile_write(p, &twice), 0);
        assert_true(span_eq(buf_as_span(&once), buf_as_span(&twice)));
        profile_free(p);
        buf_free(&once);
        buf_free(&twice);
}

static void test_examples(void **state)
{
        (void)state;
        round_trip(TEST_DATA "/cx/profile-example.xml", check_example);
        round_trip(TEST_DATA "/cx/profile-example-barred-and-shared.xml", check_barred_and_shared);
}

/* Everything the model can hold, with text that needs escapes. */
static void test_write_all(void **state)
{
        (void)state;
        struct profile_spt spts[] = {
                {.n_groups = 2,
                 .groups = {0, 7},
                 .kind = SPT_METHOD,
                 .text = (char *)"REGISTER",
                 .registration_types = 2},
                {.n_groups = 1, .kind = SPT_SIP_HEADER, .text = (char *)"Subject"},
                {.n_groups = 1, .kind = SPT_REQUEST_URI, .text = (char *)"", .registration_types = 7},
                {.n_groups = 1, .negated = true, .kind = SPT_SESSION_CASE, .session_case = 3},
        };
        struct profile_ifc ifc = {.priority = 5,
                                  .has_trigger = true,
                                  .spts = spts,
                                  .n_spts = 4,
                                  .part = -1,
                                  .server_name = (char *)"sip:as.example;a=b&c",
                                  .default_handling = 1,
                                  .service_info = (char *)"<key v=\"1\"> & ]]>\r\n\303\251",
                                  .include_register_response = true};
        struct profile_impu impus[] = {
                {.identity = (char *)"sip:a@example", .display_name = (char *)" \"A\" <x> "},
                {.identity = (char *)"sip:psi@example",
                 .type = PROFILE_WILDCARDED_PSI,
                 .wildcarded = (char *)"sip:psi!.*!@example"},
                {.identity = (char *)"sip:w@example",
                 .type = PROFILE_WILDCARDED_IMPU,
                 .wildcarded = (char *)"sip:w!.*!@example",
                 .barred = true},
        };
        uint32_t sets[] = {0, 2147483647};
        struct profile_service s = {.impus = impus,
                                    .n_impus = 3,
                                    .ifcs = &ifc,
                                    .n_ifcs = 1,
                                    .shared_ifc_sets = sets,
                                    .n_shared_ifc_sets = 2};
        const struct profile p = {.impi = (char *)"a@example", .services = &s, .n_services = 1};
        struct buf out = BUF_INIT;
        assert_int_equal(profile_write(&p, &out), 0);
        assert_true(validates(buf_as_span(&out)));
        struct profile *q = parse_ok(buf_as_span(&out));
        const struct profile_service *r = &q->services[0];
        assert_string_equal(r->impus[0].display_name, impus[0].display_name);
        assert_int_equal(r->impus[1].type, PROFILE_WILDCARDED_PSI);
        assert_string_equal(r->impus[1].wildcarded, impus[1].wildcarded);
        assert_string_equal(r->impus[2].wildcarded, impus[2].wildcarded);
        assert_true(r->impus[2].barred);
        assert_string_equal(r->ifcs[0].service_info, ifc.service_info);
        assert_string_equal(r->ifcs[0].server_name, ifc.server_name);
        assert_false(r->ifcs[0].include_register_request);
        assert_true(r->ifcs[0].include_register_response);
        assert_int_equal(r->ifcs[0].spts[0].n_groups, 2);
        assert_int_equal(r->ifcs[0].spts[0].groups[1], 7);
        assert_int_equal(r->ifcs[0].spts[0].registration_types, 2);
        assert_null(r->ifcs[0].spts[1].content);
        assert_int_equal(r->ifcs[0].spts[2].registration_types, 0); /* all is as any */
        assert_true(r->ifcs[0].spts[3].negated);
        assert_int_equal(r->shared_ifc_sets[1], 2147483647);
        profile_free(q);
        buf_free(&out);
}

static void test_write_refuses(void **state)
{
        (void)state;
        struct profile_impu impu = {.identity = (char *)"sip:a@example"};
        struct profile_service s = {.impus = &impu, .n_impus = 1};
        struct profile p = {.impi = (char *)"a@example", .services = &s, .n_services = 1};
        struct buf out = BUF_INIT;
        assert_int_equal(profile_write(&p, &out), 0);
        impu.display_name = (char *)"bell \a";
        assert_int_equal(profile_write(&p, &out), -IMS_EINVAL);
        impu.display_name = (char *)"\xff\xfe";
        assert_int_equal(profile_write(&p, &out), -IMS_EINVAL);
        impu.display_name = NULL;
        impu.identity = (char *)"";
        assert_int_equal(profile_write(&p, &out), -IMS_EINVAL);
        impu.identity = (char *)"sip:a@example";
        s.n_impus = 0;
        assert_int_equal(profile_write(&p, &out), -IMS_EINVAL);
        s.n_impus = 1;
        p.n_services = 0;
        assert_int_equal(profile_write(&p, &out), -IMS_EINVAL);
        buf_free(&out);
}

#define WRAP(inner)                                                                                          \
        "<IMSSubscription><PrivateID>a@b</PrivateID><ServiceProfile>" inner                                  \
        "</ServiceProfile></IMSSubscription>"
#define IMPU   "<PublicIdentity><Identity>sip:a@b</Identity></PublicIdentity>"
#define AS     "<ApplicationServer><ServerName>sip:as</ServerName></ApplicationServer>"
#define IFC(n) "<InitialFilterCriteria><Priority>" #n "</Priority>" AS "</InitialFilterCriteria>"

static void test_unknown_skipped(void **state)
{
        (void)state;
        struct profile *p = parse_ok(
                SPAN("<IMSSubscription xmlns:v=\"urn:vendor\" v:x=\"1\"><!-- c --><New/>"
                     "<PrivateID> a@b\n</PrivateID><ServiceProfile><v:PublicIdentity/>"
                     "<PublicIdentity><BarringIndication>true</BarringIndication><Future><Identity>no</"
                     "Identity></Future>"
                     "<Identity>sip:<!-- x -->a@<![CDATA[b]]></Identity><Extension><Extension><Extension>"
                     "<WildcardedIMPU>sip:!.*!@b</WildcardedIMPU><Extension><Extension/></Extension>"
                     "</Extension></Extension></Extension></PublicIdentity>"
                     "</ServiceProfile><Extension><ServiceProfile/></Extension></IMSSubscription>"));
        assert_string_equal(p->impi, "a@b");
        assert_int_equal(p->n_services, 1);
        assert_int_equal(p->services[0].n_impus, 1);
        assert_string_equal(p->services[0].impus[0].identity, "sip:a@b");
        assert_true(p->services[0].impus[0].barred);
        assert_string_equal(p->services[0].impus[0].wildcarded, "sip:!.*!@b");
        assert_null(profile_default_impu(p));
        profile_free(p);
}

static void test_priority_order(void **state)
{
        (void)state;
        struct profile *p = parse_ok(SPAN(WRAP(IMPU IFC(7) IFC(3) IFC(7) IFC(0))));
        const uint32_t want[] = {0, 3, 7, 7};
        assert_int_equal(p->services[0].n_ifcs, 4);
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(p->services[0].ifcs[i].priority, want[i]);
        profile_free(p);
}

static void test_alias_groups(void **state)
{
        (void)state;
#define ALIAS(id, group)                                                                                     \
        "<PublicIdentity><Identity>" id "</Identity><Extension><Extension><AliasIdentityGroupID>" group      \
        "</AliasIdentityGroupID></Extension></Extension></PublicIdentity>"
        struct profile *p = parse_ok(SPAN(WRAP(ALIAS("sip:a@b", "red") ALIAS("sip:c@b", "red")
                                                       ALIAS("sip:d@b", "blue") ALIAS("sip:e@b", "4"))));
        const struct profile_impu *i = p->services[0].impus;
        assert_int_equal(i[0].alias_group, i[1].alias_group);
        assert_int_not_equal(i[0].alias_group, i[2].alias_group);
        assert_int_equal(i[3].alias_group, 4);
        profile_free(p);
}

static void test_find_impu(void **state)
{
        (void)state;
        struct profile *p = parse_ok(SPAN(
                WRAP("<PublicIdentity><Identity>sip:Al@Home.Example;user=phone</Identity></PublicIdentity>"
                     "<PublicIdentity><Identity>tel:+1-555-01.00;x=1</Identity></PublicIdentity>")));
        const struct profile_impu *i = p->services[0].impus;
        assert_ptr_equal(profile_find_impu(p, SPAN("sip:Al@home.example")), &i[0]);
        assert_null(profile_find_impu(p, SPAN("sip:al@home.example"))); /* the user part counts its case */
        assert_null(profile_find_impu(p, SPAN("sip:Al@home.exampl")));
        assert_null(profile_find_impu(p, SPAN("sip:l@home.example")));
        assert_ptr_equal(profile_find_impu(p, SPAN("tel:+15550100")), &i[1]);
        assert_null(profile_find_impu(p, SPAN("tel:+1555010")));
        assert_null(profile_find_impu(p, SPAN("tel:+155501000")));
        assert_null(profile_find_impu(p, SPAN_NULL));
        profile_free(p);
}

/* xml must be refused, with a reason that holds the word. */
static void refused(struct span xml, const char *word)
{
        struct buf err = BUF_INIT;
        struct profile *p = NULL;
        assert_int_equal(profile_parse(xml, &p, &err), -IMS_EPARSE);
        assert_null(p);
        if (span_find(buf_as_span(&err), span_of(word)) < 0)
                fail_msg("no \"%s\" in \"" SPAN_FMT "\"", word, SPAN_ARG(buf_as_span(&err)));
        buf_free(&err);
}

static void test_refused_content(void **state)
{
        (void)state;
        refused(SPAN_NULL, "empty");
        refused(SPAN("no xml"), "line 1");
        refused(SPAN("<IMSSubscription><PrivateID>a"), "line 1");
        refused(SPAN("<Other/>"), "root");
        refused(SPAN("<IMSSubscription/>"), "PrivateID is missing");
        refused(SPAN("<IMSSubscription>\n<PrivateID> </PrivateID></IMSSubscription>"),
                "line 2: PrivateID: is empty");
        refused(SPAN("<IMSSubscription><PrivateID>a</PrivateID></IMSSubscription>"), "ServiceProfile");
        refused(SPAN(WRAP("")), "PublicIdentity");
        refused(SPAN(WRAP("<PublicIdentity/>")), "Identity is missing");
        refused(SPAN(WRAP(IMPU "<InitialFilterCriteria>" AS "</InitialFilterCriteria>")), "Priority");
        refused(SPAN(WRAP(IMPU IFC(x))), "Priority: x: not a number");
        refused(SPAN(WRAP(IMPU IFC(-1))), "not a number");
        refused(SPAN(WRAP(IMPU IFC(2147483648))), "out of range");
        refused(SPAN(WRAP(IMPU "<InitialFilterCriteria><Priority>1</Priority></InitialFilterCriteria>")),
                "ApplicationServer");
        refused(SPAN(WRAP("<PublicIdentity><BarringIndication>2</BarringIndication><Identity>a</Identity>"
                          "</PublicIdentity>")),
                "not a boolean");
        refused(SPAN(WRAP("<PublicIdentity><Identity>a</Identity><Extension><IdentityType>5</IdentityType>"
                          "</Extension></PublicIdentity>")),
                "out of range");
}

#define TRIGGER(inner)                                                                                       \
        WRAP(IMPU "<InitialFilterCriteria><Priority>1</Priority><TriggerPoint>" inner "</TriggerPoint>" AS   \
                  "</InitialFilterCriteria>")
#define CNF "<ConditionTypeCNF>1</ConditionTypeCNF>"
#define G   "<Group>1</Group>"

static void test_refused_triggers(void **state)
{
        (void)state;
        refused(SPAN(TRIGGER("")), "ConditionTypeCNF");
        refused(SPAN(TRIGGER(CNF)), "SPT is missing");
        refused(SPAN(TRIGGER(CNF "<SPT><Method>A</Method></SPT>")), "Group is missing");
        refused(SPAN(TRIGGER(CNF "<SPT>" G "</SPT>")), "no condition");
        refused(SPAN(TRIGGER(CNF "<SPT>" G "<SIPHeader><Content>x</Content></SIPHeader></SPT>")), "Header");
        refused(SPAN(TRIGGER(CNF "<SPT>" G G G G G G G G G "<Method>A</Method></SPT>")), "groups");
}

static void test_refused_entities(void **state)
{
        (void)state;
        refused(SPAN("<!DOCTYPE IMSSubscription [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" WRAP(
                        "<PublicIdentity><Identity>&e;</Identity></PublicIdentity>")),
                "document type");
        refused(SPAN("<!DOCTYPE x SYSTEM \"http://127.0.0.1:1/x.dtd\">" WRAP(IMPU)), "document type");
        refused(SPAN("<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
                     "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">]>"
                     "<IMSSubscription><PrivateID>&d;</PrivateID></IMSSubscription>"),
                "document type");
        refused(SPAN(WRAP("<PublicIdentity><Identity>&undefined;</Identity></PublicIdentity>")), "ntity");
}

static void test_refused_size(void **state)
{
        (void)state;
        size_t n = (1 << 20) + 1;
        char *big = malloc(n);
        assert_non_null(big);
        memset(big, ' ', n);
        refused(span_make(big, n), "1 MiB");
        for (size_t i = 0; i + 3 < n; i += 3) /* as deep as it fits */
                memcpy(big + i, "<a>", 3);
        refused(span_make(big, n - 1), "line 1");
        free(big);
}

/* Every cut of a good document is refused or read, never worse. */
static void test_every_cut(void **state)
{
        (void)state;
        struct buf b = read_file(TEST_DATA "/cx/profile-example.xml");
        unsigned good = 0;
        for (size_t n = 0; n <= b.n; n++) {
                struct buf err = BUF_INIT;
                struct profile *p = NULL;
                if (profile_parse(span_make(b.p, n), &p, &err) == 0)
                        good++;
                profile_free(p);
                buf_free(&err);
        }
        assert_in_range(good, 1, 2); /* the last line end may be missing */
        buf_free(&b);
        profile_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_examples),         cmocka_unit_test(test_write_all),
                cmocka_unit_test(test_write_refuses),    cmocka_unit_test(test_unknown_skipped),
                cmocka_unit_test(test_priority_order),   cmocka_unit_test(test_alias_groups),
                cmocka_unit_test(test_find_impu),        cmocka_unit_test(test_refused_content),
                cmocka_unit_test(test_refused_triggers), cmocka_unit_test(test_refused_entities),
                cmocka_unit_test(test_refused_size),     cmocka_unit_test(test_every_cut),
        };
        xmlSchemaParserCtxt *c = xmlSchemaNewParserCtxt(TEST_DATA "/cx/CxDataType_Rel8.xsd");
        schema = xmlSchemaParse(c);
        xmlSchemaFreeParserCtxt(c);
        if (!schema)
                return 2;
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        xmlSchemaFree(schema);
        xmlSchemaCleanupTypes();
        xmlCleanupParser();
        return failed;
}
