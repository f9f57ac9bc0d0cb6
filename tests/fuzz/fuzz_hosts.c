/* SPDX-License-Identifier: BSD-3-Clause
 * Lines of the resolver's host table and of listeners, prefixes of trust: what the check of the configuration
 * accepts is accepted by whoever uses it. */
#include "tests/fuzz/fuzz.h"

#include "common/base/log.h"
#include "common/net/prefix.h"
#include "common/net/resolver.h"
#include "common/sip/sip_conf.h"

static void on_resolved(int err, const struct resolved *targets, size_t n, void *arg)
{
        MUST(err <= 0 && (err || (targets && n > 0)));
        for (size_t i = 0; i < n; i++)
                MUST(addr_port(&targets[i].addr) != 0);
        ++*(int *)arg;
}

static void table(struct loop *l, char *line)
{
        char *lines[] = {line};
        struct resolver *r = NULL;
        struct resolver_query *q = NULL;
        struct span name = span_of(line);
        struct addr literal;
        size_t bad = 0;
        int called = 0;
        const bool accepted = sip_conf_check_hosts(line) == NULL;
        const int err = resolver_new(l, lines, 1, NULL, 0, &r, &bad);

        MUST(!accepted || err == 0);
        name = span_trim(span_sub(name, 0, (size_t)span_chr(name, '=', 0)));
        if (err == 0 && addr_parse(name, 0, &literal) != 0) {
                for (int t = TRANSPORT_ANY; t <= TRANSPORT_TCP; t++)
                        if (resolver_lookup(r, name, 0, (enum transport)t, false, on_resolved, &called, &q) ==
                            0)
                                resolver_cancel(q);
        }
        resolver_free(r);
        (void)uv_run(loop_uv(l), UV_RUN_NOWAIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static struct loop *l;
        enum transport t;
        struct addr a;
        struct prefix p;
        char *text = span_dup(span_make(data, n));

        MUST(text != NULL);
        if (!l) {
                log_init("fuzz", LOG_ERROR);
                MUST(loop_new(&l) == 0);
        }
        if (sip_conf_check_listen(text) == NULL)
                MUST(sip_conf_parse_listen(text, &t, &a) == 0 && addr_port(&a) <= 65535);
        if (prefix_parse(span_of(text), &p) == 0)
                MUST(prefix_has(&p, &p.addr));
        if (n < 4096)
                table(l, text);
        free(text);
        return 0;
}
