/* SPDX-License-Identifier: BSD-3-Clause
 * Selectors and SPIs of the four SAs (TS 33.203 7.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/ipsec/sa.h"

static void check(const char *ue, const char *pcscf, const char *const want[SA_WAYS][2])
{
        struct sa_params p = {.ue_ends = {1001, 1002, 31060, 31061},
                              .pcscf_ends = {2001, 2002, 41060, 41061}};
        struct addr from, to;
        char text[ADDR_STR];

        assert_int_equal(addr_parse(span_of(ue), 0, &p.ue), 0);
        assert_int_equal(addr_parse(span_of(pcscf), 0, &p.pcscf), 0);
        for (enum sa_way w = 0; w < SA_WAYS; w++) {
                sa_selector(&p, w, &from, &to);
                assert_string_equal(addr_str(&from, text), want[w][0]);
                assert_string_equal(addr_str(&to, text), want[w][1]);
        }
        assert_int_equal(addr_port(&p.ue), 0);
}

static void selectors(void **state)
{
        (void)state;
        check("192.0.2.10", "198.51.100.1",
              (const char *const[SA_WAYS][2]){[SA_UC_PS] = {"192.0.2.10:31060", "198.51.100.1:41061"},
                                              [SA_PS_UC] = {"198.51.100.1:41061", "192.0.2.10:31060"},
                                              [SA_PC_US] = {"198.51.100.1:41060", "192.0.2.10:31061"},
                                              [SA_US_PC] = {"192.0.2.10:31061", "198.51.100.1:41060"}});
        check("2001:db8::a", "2001:db8::1",
              (const char *const[SA_WAYS][2]){[SA_UC_PS] = {"[2001:db8::a]:31060", "[2001:db8::1]:41061"},
                                              [SA_PS_UC] = {"[2001:db8::1]:41061", "[2001:db8::a]:31060"},
                                              [SA_PC_US] = {"[2001:db8::1]:41060", "[2001:db8::a]:31061"},
                                              [SA_US_PC] = {"[2001:db8::a]:31061", "[2001:db8::1]:41060"}});
}

/* The SPI is chosen by whom the SA leads to, and belongs to the port it leads to. */
static void spis(void **state)
{
        static const struct {
                const char *name;
                uint32_t spi;
                enum sa_end sender;
        } want[SA_WAYS] = {[SA_UC_PS] = {"uc-ps", 2002, SA_END_UE},
                           [SA_PS_UC] = {"ps-uc", 1001, SA_END_PCSCF},
                           [SA_PC_US] = {"pc-us", 1002, SA_END_PCSCF},
                           [SA_US_PC] = {"us-pc", 2001, SA_END_UE}};
        const struct sa_params p = {.ue_ends = {1001, 1002, 31060, 31061},
                                    .pcscf_ends = {2001, 2002, 41060, 41061}};

        (void)state;
        for (enum sa_way w = 0; w < SA_WAYS; w++) {
                assert_int_equal(sa_spi(&p, w), want[w].spi);
                assert_int_equal(sa_sender(w), want[w].sender);
                assert_string_equal(sa_way_name(w), want[w].name);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(selectors), cmocka_unit_test(spis)};

        return cmocka_run_group_tests_name("ipsec.sa", tests, NULL, NULL);
}
