/* SPDX-License-Identifier: BSD-3-Clause
 * Security-Client, -Server and -Verify: two lists (the second behind the first line end), what was read is
 * copied, compared, chosen from, and what was chosen is written and read back. */
#include "tests/fuzz/fuzz.h"

#include "common/ipsec/esp_keys.h"
#include "common/sip/msg_lex.h"

#define MODES (1u << SEC_MODE_TRANS | 1u << SEC_MODE_UDP_ENC_TUN)

/* The values that can be read; those that cannot are left out, with a reason. */
static void read_list(struct span text, struct sec_list *l)
{
        l->n = 0;
        for (size_t at = 0; at <= text.n;) {
                struct span rest = span_sub(text, at, text.n);
                size_t n = sip_lex_value_end(rest), before = l->n;
                const char *why = NULL;
                int r = sec_list_add(l, span_sub(rest, 0, n), &why);

                MUST(r == 0 || r == -IMS_EPARSE || (r == -IMS_ETOOBIG && before == SEC_ENTRIES_MAX));
                MUST(!r == !why && l->n == before + !r);
                at += n + 1;
        }
}

static void check_entry(const struct sec_entry *e)
{
        const char *why = NULL;
        bool usable = sec_entry_usable(e, &why);
        struct sec_entry again;

        MUST(usable == !why && usable == sec_entry_usable(e, NULL));
        MUST(e->q <= 1000 || e->q == SEC_Q_NONE);
        MUST(e->mechanism == SEC_IPSEC_3GPP || (!e->has_alg && !e->has_ends));
        if (usable) {
                MUST(e->has_alg && e->has_ends && e->esp && sec_suite_allowed(e->suite));
                MUST(e->ends.spi_c > 255 && e->ends.spi_s > 255 && e->ends.spi_c != e->ends.spi_s);
                MUST(e->ends.port_c && e->ends.port_s && e->ends.port_c != e->ends.port_s);
        }
        MUST(sec_entry_read(e->raw, &again, NULL) == 0);
        MUST(again.mechanism == e->mechanism && again.q == e->q && sec_suite_eq(again.suite, e->suite));
}

/* Who says the same says the same both ways, and what is chosen does not depend on how it was said. */
static void check_two(const struct sec_list *a, const struct sec_list *b)
{
        size_t at = SIZE_MAX, back = SIZE_MAX;
        const char *what = sec_list_differs(a, b, &at), *other = sec_list_differs(b, a, &back);

        MUST(!what == !other && at == back);
        MUST(!what ? at == SIZE_MAX : at <= SEC_ENTRIES_MAX);
        if (what)
                return;
        MUST(a->n == b->n && !sec_list_ends(a, NULL) == !sec_list_ends(b, NULL));
        for (size_t i = 0; i < a->n; i++) {
                MUST(a->e[i].mechanism == b->e[i].mechanism && a->e[i].q == b->e[i].q);
                MUST(sec_entry_usable(&a->e[i], NULL) == sec_entry_usable(&b->e[i], NULL));
                if (sec_entry_usable(&a->e[i], NULL))
                        MUST(sec_suite_eq(a->e[i].suite, b->e[i].suite) && a->e[i].mode == b->e[i].mode &&
                             memcmp(&a->e[i].ends, &b->e[i].ends, sizeof(a->e[i].ends)) == 0);
        }
}

/* What one end chose goes out and comes back. */
static void check_written(const struct sec_entry *e)
{
        struct sec_write w = {&e->suite, 1, 1u << e->mode, e->ends, e->q & 1, true, e->q & 2};
        struct buf text = BUF_INIT;
        struct sec_list l = {.n = 0};

        sec_list_write(&w, &text);
        MUST(!text.err && sec_list_add(&l, buf_as_span(&text), NULL) == 0);
        MUST(sec_entry_usable(&l.e[0], NULL) && sec_suite_eq(l.e[0].suite, e->suite) &&
             l.e[0].mode == e->mode);
        MUST(sec_list_ends(&l, NULL) && memcmp(&l.e[0].ends, &e->ends, sizeof(e->ends)) == 0);
        MUST(sec_choose_ue(&l, &e->suite, 1, MODES, NULL) == &l.e[0]);
        buf_free(&text);
}

static void check_choice(struct sec_policy *p, const struct sec_list *l)
{
        struct sec_suite offer[SEC_SUITES_MAX], s = {SEC_ALG_OTHER, SEC_EALG_OTHER};
        const struct key128 key = {{1}};
        struct esp_keys keys;
        const size_t n = sec_policy_offer(p, offer);

        for (enum sec_mode m = SEC_MODE_TRANS; m <= SEC_MODE_UDP_ENC_TUN; m++) {
                const char *why = NULL;
                const struct sec_entry *e = sec_choose_pcscf(p, l, m, &s, &why);

                MUST(!e == !!why);
                MUST(!e == !sec_choose_ue(l, offer, n, 1u << m, NULL)); /* both ends or neither */
                if (!e)
                        continue;
                MUST(sec_suite_eq(e->suite, s) && e->mode == m && sec_entry_usable(e, NULL));
                MUST(p->confidentiality != SEC_CONF_NEVER || !sec_suite_encrypts(s));
                MUST(p->confidentiality != SEC_CONF_REQUIRED || sec_suite_encrypts(s));
                MUST(esp_keys_expand(s, &key, &key, &keys) == 0 &&
                     keys.encryption_n + keys.integrity_n >= 16);
                check_written(e);
        }
}

static void check_list(const struct sec_list *l, struct sec_policy *p)
{
        struct buf text = BUF_INIT;

        for (size_t i = 0; i < l->n; i++)
                check_entry(&l->e[i]);
        MUST(!sec_list_differs(l, l, NULL));
        sec_list_join(l, &text);
        if (l->n) { /* what was joined is the same list */
                struct sec_list again;

                read_list(buf_as_span(&text), &again);
                MUST(!sec_list_differs(l, &again, NULL));
        }
        for (p->confidentiality = SEC_CONF_NEVER; p->confidentiality <= SEC_CONF_REQUIRED;
             p->confidentiality++)
                check_choice(p, l);
        buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct span text = span_make(data, n), first = text;
        struct sec_policy p = {.n = 0};
        struct sec_list a, b;
        ptrdiff_t line = span_chr(text, '\n', 0);

        if (line >= 0)
                first = span_sub(text, 0, (size_t)line);
        for (enum sec_alg al = SEC_ALG_NULL; al <= SEC_ALG_OTHER; al++)
                for (enum sec_ealg e = SEC_EALG_NULL; e <= SEC_EALG_OTHER && p.n < SEC_SUITES_MAX; e++)
                        if (sec_suite_allowed((struct sec_suite){al, e}))
                                p.suites[p.n++] = (struct sec_suite){al, e};
        read_list(first, &a);
        read_list(span_sub(text, first.n + 1, text.n), &b);
        check_list(&a, &p);
        check_list(&b, &p);
        check_two(&a, &b);
        return 0;
}
