/* SPDX-License-Identifier: BSD-3-Clause
 * Header fields by their grammar, URIs and their canonical form, addresses. */
#include "tests/fuzz/fuzz.h"

#include "common/net/addr.h"
#include "common/sip/grammar.h"
#include "common/sip/sip_conf.h"

static void uris(struct span in)
{
        osip_uri_t *uri = NULL;
        struct buf once = BUF_INIT, twice = BUF_INIT;
        if (sip_uri_parse(in, &uri) == 0) {
                (void)sip_uri_port(uri);
                (void)sip_uri_param(uri, "lr");
                osip_uri_free(uri);
        }
        if (sip_uri_canonical(in, &once) == 0) {
                MUST(sip_uri_canonical(buf_as_span(&once), &twice) == 0);
                MUST(span_eq(buf_as_span(&once), buf_as_span(&twice)));
        }
        buf_reset(&once);
        MUST(sip_impi_from_impu(in, &once) <= 0);
        buf_free(&once);
        buf_free(&twice);
}

static void fields(struct span in)
{
        osip_from_t *from = NULL;
        osip_contact_t *contact = NULL;
        if (sip_name_addr_parse(in, &from) == 0) {
                (void)sip_field_param(from, "tag");
                osip_from_free(from);
        }
        if (sip_contact_parse(in, &contact) == 0)
                osip_contact_free(contact);
        const struct span spec = sip_addr_spec(in);
        MUST(spec.n == 0 || (spec.p >= in.p && spec.p + spec.n <= in.p + in.n));
}

static void addresses(struct span in)
{
        struct addr a, b;
        char text[ADDR_STR];
        if (addr_parse(in, 5060, &a) == 0) {
                MUST(addr_parse(span_of(addr_str(&a, text)), 0, &b) == 0);
                MUST(addr_eq(&a, &b));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static int ready;
        const struct span in = span_make(data, n);
        if (!ready) {
                sip_grammar_init();
                ready = 1;
        }
        uris(in);
        fields(in);
        addresses(in);
        const ptrdiff_t half = span_chr(in, '\n', 0);
        if (half >= 0) {
                const struct span a = span_sub(in, 0, (size_t)half), b = span_sub(in, (size_t)half + 1, n);
                MUST(sip_uri_equal(a, b) == sip_uri_equal(b, a));
                uris(a);
        }
        char *text = span_dup(in);
        if (text) {
                (void)sip_conf_check_listen(text);
                (void)sip_conf_check_hosts(text);
        }
        free(text);
        return 0;
}
