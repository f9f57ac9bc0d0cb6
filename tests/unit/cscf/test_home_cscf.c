/* SPDX-License-Identifier: BSD-3-Clause
 * The process that the I-CSCF and the S-CSCF are made of: readiness, its end, and starts that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/cscf/home_cscf.h"
#include "common/net/core_net.h"
#include "common/net/udp.h"
#include "common/sip/forward.h"
#include "common/sip/grammar.h"

struct conf {
        struct sip_conf sip;
        struct dia_conf dia;
        struct trace_conf trace;
        struct conf_list networks, trusted;
};

static const struct conf_key keys[] = {
        SIP_CONF_KEYS(struct conf, sip, "udp:127.0.0.1:0"),
        DIA_CONF_KEYS(struct conf, dia),
        TRACE_CONF_KEYS(struct conf, trace),
        CORE_NET_CONF_KEYS(struct conf, networks),
        {.name = "trusted",
         .type = CONF_STR_LIST,
         .offset = offsetof(struct conf, trusted),
         .optional = true,
         .doc = "senders"},
        {.name = NULL},
};

static const struct conf_schema schema = {.node = "test", .size = sizeof(struct conf), .keys = keys};

struct fix {
        struct conf *conf;
        struct home_cscf c;
        int ready_fd; /* our end of what QUINTET_READY_FD names */
        struct tmr look;
        char said[16];
        size_t n_said;
        unsigned terminations;
};

static void on_request(struct sip_request *rq, void *arg)
{
        (void)arg;
        sip_reply(rq, 200, NULL, NULL, 0);
}

static void on_cancel(struct sip_request *rq, void *arg)
{
        (void)arg;
        sip_forward_cancel(rq);
}

static void on_terminate(void *arg)
{
        struct fix *f = arg;

        f->terminations++;
        home_cscf_leave(&f->c);
}

static void read_ready(struct fix *f)
{
        ssize_t n = read(f->ready_fd, f->said + f->n_said, sizeof(f->said) - f->n_said);

        f->n_said += n > 0 ? (size_t)n : 0;
}

static const struct home_cscf_handlers handlers = {
        .on_request = on_request, .on_cancel = on_cancel, .on_terminate = on_terminate};

static void read_conf(struct fix *f, const char *answer, const char *more)
{
        struct buf text = BUF_INIT, err = BUF_INIT;
        void *conf = NULL;

        buf_printf(&text, "diameter:\n  identity: cscf.example.org\n  realm: example.org\n  answer: %s\n%s",
                   answer, more);
        if (conf_parse(&schema, "test", buf_as_span(&text), &conf, &err) != 0)
                fail_msg("%.*s", (int)err.n, err.p);
        f->conf = conf;
        buf_free(&text);
        buf_free(&err);
}

static int init(struct fix *f)
{
        const struct home_cscf_conf conf = {.node = "test",
                                            .schema = &schema,
                                            .whole = f->conf,
                                            .sip = &f->conf->sip,
                                            .dia = &f->conf->dia,
                                            .trace = &f->conf->trace,
                                            .trusted = &f->conf->trusted,
                                            .networks = &f->conf->networks};

        return home_cscf_init(&f->c, &conf);
}

static int setup(void **state)
{
        struct fix *f = calloc(1, sizeof(*f));
        char number[12];
        int fds[2];

        assert_non_null(f);
        sip_grammar_init();
        log_init("test", LOG_ERROR);
        assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
        f->ready_fd = fds[0];
        (void)snprintf(number, sizeof(number), "%d", fds[1]);
        (void)setenv("QUINTET_READY_FD", number, 1);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        const char *unsaid = getenv("QUINTET_READY_FD");
        struct fix *f = *state;

        home_cscf_end(&f->c);
        conf_free(&schema, f->conf);
        (void)close(f->ready_fd);
        if (unsaid)
                (void)close(atoi(unsaid));
        (void)unsetenv("QUINTET_READY_FD");
        free(f);
        return 0;
}

static void on_look(struct tmr *t, void *arg)
{
        struct fix *f = arg;

        read_ready(f);
        if (f->n_said)
                (void)raise(SIGTERM);
        else
                assert_int_equal(tmr_start(f->c.loop, t, 5, on_look, f), 0);
}

/* Without an HSS it serves all the same, once diameter.answer is over: other nodes shall not wait for it. */
static void ready_without_hss(void **state)
{
        struct fix *f = *state;

        read_conf(f, "50", "");
        assert_int_equal(init(f), 0);
        assert_int_equal(home_cscf_start(&f->c, &handlers, f), 0);
        assert_int_equal(tmr_start(f->c.loop, &f->look, 5, on_look, f), 0);
        loop_run(f->c.loop);
        assert_int_equal(f->terminations, 1);
        assert_int_equal(f->n_said, 6);
        assert_memory_equal(f->said, "ready\n", 6);
}

/* One that is ending says no more that it is ready. */
static void not_ready_any_more(void **state)
{
        struct fix *f = *state;

        read_conf(f, "50", "");
        assert_int_equal(init(f), 0);
        assert_int_equal(home_cscf_start(&f->c, &handlers, f), 0);
        home_cscf_leave(&f->c);
        assert_false(tmr_running(&f->c.ready));
        loop_run(f->c.loop);
        read_ready(f);
        assert_int_equal(f->n_said, 0);
}

/* What was made until then is freed by home_cscf_end. */
static void starts_that_fail(void **state)
{
        struct fix *f = *state;
        struct loop *l = NULL;
        struct udp *taken = NULL;
        struct addr at;
        char more[64], text[ADDR_STR];

        assert_int_equal(loop_new(&l), 0);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &at), 0);
        assert_int_equal(udp_open(l, &at, NULL, NULL, &taken), 0);
        (void)snprintf(more, sizeof(more), "sip:\n  listen: [\"udp:%s\"]\n",
                       addr_str(udp_local(taken), text));
        read_conf(f, "50", more);
        assert_int_equal(init(f), 0);
        assert_int_equal(home_cscf_start(&f->c, &handlers, f), -IMS_EADDRINUSE);
        udp_close(taken);
        loop_free(l);
}

static void a_list_that_does_not_parse(void **state)
{
        struct fix *f = *state;

        read_conf(f, "50", "trusted: [\"300.0.0.1\"]\n");
        assert_int_equal(init(f), -IMS_EPARSE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(ready_without_hss, setup, teardown),
                cmocka_unit_test_setup_teardown(not_ready_any_more, setup, teardown),
                cmocka_unit_test_setup_teardown(starts_that_fail, setup, teardown),
                cmocka_unit_test_setup_teardown(a_list_that_does_not_parse, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
