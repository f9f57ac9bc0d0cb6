/* SPDX-License-Identifier: BSD-3-Clause
 * Where a trust domain is configured the node's own domains lie in it (TLS-FWD 8.1, F). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hss/hss_conf.h"
#include "scscf/scscf_conf.h"
#include "tests/unit/proves.h"

/* fault NULL: it is taken. */
static void expect(const struct conf_schema *schema, const char *text, const char *fault)
{
        struct buf err = BUF_INIT;
        void *conf = NULL;
        int rc = conf_parse(schema, "test", span_of(text), &conf, &err);

        if (fault ? rc != -IMS_ECONF || span_find(buf_as_span(&err), span_of(fault)) < 0 : rc != 0)
                fail_msg("%d %.*s", rc, (int)err.n, err.p ? err.p : "");
        conf_free(schema, conf);
        buf_free(&err);
}

#define SCSCF(domains)                                                                                       \
        "scscf.name: sip:s.ims.example\nsip.name: s.ims.example\nhome_domain: " domains                      \
        "\ndiameter: {identity: s.ims.example, realm: ims.example}\ntrust_domain: ims.example\n"

static void realms_of_challenges_lie_in_it(void **state)
{
        (void)state;
        expect(&scscf_conf_schema, SCSCF("[operator1.ims.example, ims.example]"), NULL);
        expect(&scscf_conf_schema, SCSCF("[operator1.ims.example, other.example]"),
               "home_domain: other.example: is outside of trust_domain ims.example");
        expect(&scscf_conf_schema, SCSCF("[xims.example]"), "xims.example: is outside of trust_domain");
        proves("TRUST-003");
}

#define HSS(domain)                                                                                          \
        "diameter: {identity: hss.ims.example, realm: ims.example}\ntrust_domain: ims.example\n"             \
        "identity.domain: " domain "\n"

static void the_home_domain_lies_in_it(void **state)
{
        (void)state;
        expect(&hss_conf_schema, HSS("operator1.ims.example"), NULL);
        expect(&hss_conf_schema, HSS("operator1.example"), "identity.domain: operator1.example: is outside");
        proves("TRUST-001");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(realms_of_challenges_lie_in_it),
                cmocka_unit_test(the_home_domain_lies_in_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
