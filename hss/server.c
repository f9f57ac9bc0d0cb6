/* SPDX-License-Identifier: BSD-3-Clause
 * The Cx server: Diameter requests become jobs of the group. */
#include "hss/server.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/node.h"
#include "common/trace/cx_trace.h"
#include "hss/cli.h"
#include "hss/cx_group.h"
#include "hss/bootstrap_server.h"
#include "hss/push.h"

struct server {
        const struct hss_conf *conf;
        struct loop *loop;
        struct store *store;
        struct auc *auc;
        struct profile_cache *profiles;
        struct trace *trace;
        struct group *group;
        struct dia_node *dia;
        struct cx_server cx;
        struct pusher *pusher;
        struct control *control;
        struct bootstrap_server *bootstrap;
        struct core_net net;
        bool stopping;
};

/* --- requests become jobs --- */

static struct job *start(struct server *s, struct dia_request *rq, enum cx_command command)
{
        struct job *j = s->stopping ? NULL : group_job(s->group);
        if (!j) {
                dia_answer_error(rq, DIA_TOO_BUSY, NULL, s->stopping ? "the HSS is ending" : "out of memory");
                return NULL;
        }
        j->rq = rq;
        j->command = command;
        return j;
}

#define ON(name, NAME)                                                                                       \
        static void on_##name(struct dia_request *rq, const struct cx_##name *m, void *arg)                  \
        {                                                                                                    \
                struct server *s = arg;                                                                      \
                struct job *j = start(s, rq, CX_##NAME);                                                     \
                if (j) {                                                                                     \
                        j->m.name = *m;                                                                      \
                        group_add(s->group, j);                                                              \
                }                                                                                            \
        }
ON(uar, UAR)
ON(mar, MAR)
ON(sar, SAR)
ON(lir, LIR)

static void on_request(struct dia_request *rq, void *arg)
{
        struct server *s = arg;
        cx_serve(&s->cx, rq);
}

static void on_answer(struct job *j, void *arg)
{
        struct server *s = arg;
        job_log(j, s->trace);
        job_answer(j, s->conf);
}

static void on_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct server *s = arg;
        cx_trace_peer(s->trace, identity, up, why);
        if (up && s->pusher && !s->stopping)
                push_scan(s->pusher); /* it may be the one that was away */
}

static void on_stranger(struct span identity, const struct addr *from, const char *why, void *arg)
{
        struct server *s = arg;
        cx_trace_stranger(s->trace, identity, from, why);
}

static const char *admit(const struct addr *remote, bool tls, void *arg)
{
        struct server *s = arg;
        return core_net_refuses(&s->net, remote, tls);
}

static void on_trace(const struct dia_trace_info *info, void *arg)
{
        struct server *s = arg;
        cx_trace(info, s->trace);
}

static int send_ppr(void *arg, const struct cx_ppr *m, cx_ppa_fn *fn, void *fn_arg)
{
        struct server *s = arg;
        return cx_send_ppr(s->dia, m, 0, fn, fn_arg, NULL);
}

static int send_rtr(void *arg, const struct cx_rtr *m, cx_rta_fn *fn, void *fn_arg)
{
        struct server *s = arg;
        return cx_send_rtr(s->dia, m, 0, fn, fn_arg, NULL);
}

/* --- life --- */

static void stopped(void *arg)
{
        struct server *s = arg;
        loop_stop(s->loop);
}

static void on_terminate(void *arg)
{
        struct server *s = arg;
        log_notice("ending");
        s->stopping = true;
        bootstrap_server_stop(s->bootstrap);
        group_run(s->group); /* what is in hand is answered first */
        dia_node_shutdown(s->dia, stopped, s);
}

static void on_reload(void *arg)
{
        struct server *s = arg;
        if (!node_may_reload(&hss_conf_schema, s->conf))
                return;
        dia_node_reload_tls(s->dia);
        bootstrap_server_reload(s->bootstrap);
}

static int open_store(struct server *s)
{
        struct buf err = BUF_INIT;
        struct store_conf c = cli_store_conf(s->conf, STORE_SERVER);
        int rc = store_open(&c, &s->store, &err);
        struct span rest = buf_as_span(&err), line;
        while (rc < 0 && rest.n && span_split(&rest, '\n', &line))
                if (line.n)
                        log_error(SPAN_FMT, SPAN_ARG(line));
        if (rc < 0 && err.n == 0)
                log_error("database %s: %s", c.file, ims_strerror(rc));
        buf_free(&err);
        return rc;
}

/* Pushes, and devices that come. */
static int start_telling(struct server *s)
{
        const struct push_port port = {.ppr = send_ppr, .rtr = send_rtr, .arg = s};
        int rc = push_new(s->loop, s->conf, s->store, s->trace, &port, &s->pusher);
        if (rc == 0)
                rc = control_serve(s->loop, s->conf->control, push_on_command, s->pusher, &s->control);
        if (rc < 0)
                return rc;
        push_scan(s->pusher);
        return bootstrap_server_new(s->loop, s->conf, s->store, s->pusher, s->trace, &s->bootstrap);
}

static int setup(struct server *s)
{
        const struct hss_conf *c = s->conf;
        const struct sqn_scheme scheme = hss_conf_sqn_scheme(c);
        const struct dia_handlers handlers = {.on_request = on_request,
                                              .admit = admit,
                                              .on_peer = on_peer,
                                              .on_stranger = on_stranger,
                                              .on_trace = c->trace.file ? on_trace : NULL};
        int rc = loop_new(&s->loop);
        if (rc == 0)
                rc = core_net_init(&s->net, &c->networks);
        if (rc == 0)
                rc = open_store(s);
        if (rc == 0)
                rc = auc_new(&scheme, &s->auc);
        if (rc == 0)
                rc = profile_cache_new(&s->profiles);
        if (rc == 0)
                rc = trace_new("hss", c->trace.file, &s->trace);
        if (rc < 0)
                return rc;
        const struct group_conf group = {
                .env = {.conf = c, .store = s->store, .auc = s->auc, .profiles = s->profiles},
                .busy_ms = c->store_busy_ms,
                .checkpoint_pages = c->store_checkpoint_pages,
                .file = c->store_file,
                .answer = on_answer,
                .arg = s,
        };
        s->cx = (struct cx_server){
                .on_uar = on_uar, .on_mar = on_mar, .on_sar = on_sar, .on_lir = on_lir, .arg = s};
        rc = group_new(s->loop, &group, &s->group);
        if (rc == 0)
                rc = dia_conf_start(s->loop, &c->diameter, &handlers, s, &s->dia);
        if (rc == 0)
                rc = loop_on_terminate(s->loop, on_terminate, s);
        if (rc == 0)
                rc = loop_on_reload(s->loop, on_reload, s);
        return rc < 0 ? rc : start_telling(s);
}

static void teardown(struct server *s)
{
        group_free(s->group); /* before the node its requests belong to */
        control_close(s->control);
        bootstrap_server_free(s->bootstrap);
        if (s->dia)
                dia_node_free(s->dia);
        push_free(s->pusher); /* nothing is answered any more */
        profile_cache_free(s->profiles);
        auc_free(s->auc);
        store_close(s->store);
        trace_free(s->trace);
        loop_free(s->loop);
        core_net_free(&s->net);
}

int server_run(const struct hss_conf *conf)
{
        struct server s = {.conf = conf};
        int rc = setup(&s);
        if (rc == 0) {
                node_ready();
                loop_run(s.loop);
        } else {
                log_error("the HSS does not start: %s", ims_strerror(rc));
        }
        teardown(&s);
        return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
