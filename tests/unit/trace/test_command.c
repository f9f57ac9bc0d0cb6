/* SPDX-License-Identifier: BSD-3-Clause
 * Command lines that verdicts quote: a shell takes them for exactly the words that went in, whatever came
 * from the network, or there is no command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/trace/command.h"

/* What /bin/sh makes of the words behind "hss diagnose", each with a line end of its own. */
static void shell(const char *command, char *out, size_t size)
{
        char line[2 * COMMAND_MAX];
        assert_int_equal(strncmp(command, "hss ", 4), 0);
        (void)snprintf(line, sizeof line, "cd / && printf '%%s\\n' %s", command + 4);
        FILE *f = popen(line, "r");
        assert_non_null(f);
        size_t n = fread(out, 1, size - 1, f);
        out[n] = 0;
        assert_int_equal(pclose(f), 0);
}

static bool try_word(struct span word)
{
        struct buf b = BUF_INIT;
        char got[2 * COMMAND_MAX], want[2 * COMMAND_MAX];
        command_diagnose(&b, word);
        command_option(&b, "authorization", word);
        const char *text = command_text(&b);
        if (text) {
                assert_true(strlen(text) <= COMMAND_MAX);
                (void)snprintf(want, sizeof want, "diagnose\n" SPAN_FMT "\n--authorization\n" SPAN_FMT "\n",
                               SPAN_ARG(word), SPAN_ARG(word));
                shell(text, got, sizeof got);
                assert_string_equal(got, want);
        }
        buf_free(&b);
        return text != NULL;
}

static void words(void **state)
{
        (void)state;
        static const char *const good[] = {
                "001010000000001@ims.mnc001.mcc001.3gppnetwork.org",
                "Digest username=\"a@b\", nonce=\"fT6aEMW4TyJh0Ofz+/==\"",
                "$(touch /tmp/x)",
                "`id`",
                "a b;rm -rf x & | > <",
                "$HOME ${HOME} ~root *",
                "#",
                "!!",
                "{a,b}",
                "\"",
                " ",
                "=",
        };
        static const char *const bad[] = {
                "",     "-x",   "--repair", "it's", "'; rm -rf x; '", "a\\",
                "a\nb", "a\rb", "\033[2J",  "\t",   "\x7f",           "\xc3\xa4",
        };
        for (size_t i = 0; i < sizeof good / sizeof *good; i++)
                if (!try_word(span_of(good[i])))
                        fail_msg("void: %s", good[i]);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                if (try_word(span_of(bad[i])))
                        fail_msg("not void: row %zu", i);
        assert_false(try_word(span_make("a\0b", 3)));
}

/* Octets of every kind, in many orders. */
static void any_octets(void **state)
{
        (void)state;
        uint32_t seed = 1;
        unsigned made = 0;
        for (unsigned round = 0; round < 400; round++) {
                char word[12];
                for (size_t i = 0; i < sizeof word; i++) {
                        seed = seed * 1664525u + 1013904223u;
                        word[i] = (char)(round % 2 ? 0x20 + (seed >> 24) % 0x5f : seed >> 24);
                }
                made += try_word(span_make(word, 1 + seed % sizeof word));
        }
        assert_in_range(made, 50, 399);
}

static void bounds(void **state)
{
        (void)state;
        char text[COMMAND_MAX + 2];
        struct buf b = BUF_INIT;
        memset(text, 'a', sizeof text);
        assert_null(command_text(&b)); /* nothing was written */
        command_diagnose(&b, span_make(text, COMMAND_MAX - sizeof "hss diagnose "));
        assert_non_null(command_text(&b));
        buf_free(&b);
        command_diagnose(&b, span_make(text, COMMAND_MAX - sizeof "hss diagnose " + 2));
        assert_null(command_text(&b));
        buf_free(&b);
        command_diagnose(&b, SPAN("a@b"));
        command_hex(&b, "rand", "\x01\xfe", 2);
        assert_string_equal(command_text(&b), "hss diagnose a@b --rand 01fe");
        command_hex(&b, "rand", text, 65);
        assert_null(command_text(&b));
        command_hex(&b, "rand", text, 1); /* once void, always void */
        assert_null(command_text(&b));
        buf_free(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(any_octets),
                                           cmocka_unit_test(bounds)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
