/* SPDX-License-Identifier: BSD-3-Clause
 * One end of Cx for the interop tests: an HSS that answers every command and then sends RTR and PPR to
 * whoever asked last (server), or an S-CSCF that sends every command and waits for those two (client).
 *
 *      cx_peer server|client --identity I --realm R [--listen ADDR:PORT] [--peer I=ADDR:PORT[,relay]]...
 *              [--destination-host H] [--rounds N] [--tw MS] [--tls-certificate F --tls-key F --tls-ca F]
 *
 * With certificates everything is TLS from the first octet (RFC 6733 13.1). A peer without address connects
 * to us. The client prints "PASS name" and "FAIL name reason". */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/diameter/cx.h"

#define IMPI "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
#define IMPU "sip:alice@ims.mnc001.mcc001.3gppnetwork.org"
#define NAME "sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060"

static const char octets[] = "0123456789abcdefFEDCBA9876543210";

struct app {
        struct loop *loop;
        struct dia_node *node;
        struct cx_server server;
        bool client, done;
        const char *destination_host;
        uint32_t rounds, round;
        int step, failed;
        bool got_rtr, got_ppr;
        char asker[256];
        struct tmr deadline;
};

static void say(struct app *a, const char *name, bool ok, const char *why)
{
        printf(ok ? "PASS %s\n" : "FAIL %s %s\n", name, why);
        (void)fflush(stdout);
        a->failed += !ok;
}

static void on_stopped(void *arg)
{
        loop_stop(((struct app *)arg)->loop);
}

static void finish(struct app *a)
{
        if (a->done)
                return;
        a->done = true;
        dia_node_shutdown(a->node, on_stopped, a);
}

/* --- server ------------------------------------------------------------------------------------------ */

static void on_rta(int err, const struct cx_rta *m, void *arg)
{
        (void)arg;
        log_notice("RTA: %s", err ? ims_strerror(err) : dia_result_str(m->h.result));
}

static void on_ppa(int err, const struct cx_ppa *m, void *arg)
{
        (void)arg;
        log_notice("PPA: %s", err ? ims_strerror(err) : dia_result_str(m->h.result));
}

static void push(struct app *a)
{
        struct cx_rtr rtr = {.h = {.destination_host = span_of(a->asker)},
                             .impi = SPAN(IMPI),
                             .reason_code = CX_SERVER_CHANGE,
                             .reason_info = SPAN("moved")};
        struct cx_ppr *ppr = calloc(1, sizeof(*ppr));
        int err;

        rtr.impus.v[rtr.impus.n++] = SPAN(IMPU);
        err = cx_send_rtr(a->node, &rtr, 0, on_rta, a, NULL);
        if (err)
                log_error("RTR: %s", ims_strerror(err));
        if (!ppr)
                return;
        ppr->h.destination_host = span_of(a->asker);
        ppr->impi = SPAN(IMPI);
        ppr->user_data = SPAN("<IMSSubscription/>");
        err = cx_send_ppr(a->node, ppr, 0, on_ppa, a, NULL);
        if (err)
                log_error("PPR: %s", ims_strerror(err));
        free(ppr);
}

static void on_uar(struct dia_request *rq, const struct cx_uar *m, void *arg)
{
        struct cx_uaa a = {.h = {.result = dia_3gpp(CX_FIRST_REGISTRATION), .features = m->h.features}};

        (void)arg;
        a.capabilities.present = true;
        a.capabilities.mandatory.v[a.capabilities.mandatory.n++] = 1;
        if (!span_eq(m->impi, SPAN(IMPI)))
                a.h.result = dia_3gpp(CX_ERROR_USER_UNKNOWN);
        cx_answer_uaa(rq, &a);
}

static void on_mar(struct dia_request *rq, const struct cx_mar *m, void *arg)
{
        struct cx_maa *a = calloc(1, sizeof(*a));

        (void)arg;
        if (!a) {
                dia_answer_error(rq, DIA_UNABLE_TO_COMPLY, NULL, NULL);
                return;
        }
        a->h.result = dia_base(DIA_SUCCESS);
        a->impi = m->impi;
        a->impu = m->impu;
        a->has_n_items = true;
        for (a->n = 0; a->n < m->n_items && a->n < CX_AUTH_ITEMS_MAX; a->n++)
                a->items[a->n] = (struct cx_auth_item){.has_item_number = true,
                                                       .item_number = (uint32_t)a->n + 1,
                                                       .scheme = m->item.scheme,
                                                       .authenticate = span_make(octets, 32),
                                                       .authorization = span_make(octets, 8),
                                                       .ck = span_make(octets, 16),
                                                       .ik = span_make(octets + 16, 16)};
        a->n_items = (uint32_t)a->n;
        cx_answer_maa(rq, a);
        free(a);
}

static void on_sar(struct dia_request *rq, const struct cx_sar *m, void *arg)
{
        struct cx_saa a = {
                .h = {.result = dia_base(DIA_SUCCESS)},
                .impi = m->impi,
                .user_data = SPAN("<IMSSubscription/>"),
                .charging = {.present = true, .ccf1 = SPAN("aaa://ccf.example.org:3868;transport=tcp")}};
        struct cx_restoration r = m->restoration;

        (void)arg;
        a.associated_identities.v[a.associated_identities.n++] = SPAN(IMPI);
        a.has_loose_route = true;
        if (m->has_restoration) {
                a.restorations = &r;
                a.n_restorations = 1;
        }
        cx_answer_saa(rq, &a);
}

static void on_lir(struct dia_request *rq, const struct cx_lir *m, void *arg)
{
        struct app *a = arg;
        struct cx_lia out = {.h = {.result = dia_base(DIA_SUCCESS)}, .server_name = SPAN(NAME)};

        if (span_copy(m->h.origin_host, a->asker, sizeof(a->asker)))
                a->asker[0] = 0;
        cx_answer_lia(rq, &out);
        push(a);
}

/* --- client ------------------------------------------------------------------------------------------ */

static void next_step(struct app *a);

static void step_done(struct app *a, const char *name, int err, struct dia_result got, struct dia_result want)
{
        if (err)
                say(a, name, false, ims_strerror(err));
        else
                say(a, name, dia_result_is(got, want), dia_result_str(got));
        a->step++;
        next_step(a);
}

static void on_uaa(int err, const struct cx_uaa *m, void *arg)
{
        struct app *a = arg;
        bool unknown = a->step == 1;

        if (!err && !unknown && (m->capabilities.mandatory.n != 1 || !m->h.features.present))
                err = -IMS_EPROTO;
        step_done(a, unknown ? "uar-unknown-user" : "uar", err, m ? m->h.result : dia_base(0),
                  dia_3gpp(unknown ? CX_ERROR_USER_UNKNOWN : CX_FIRST_REGISTRATION));
}

static void on_maa(int err, const struct cx_maa *m, void *arg)
{
        if (!err && (m->n != 3 || m->items[2].ik.n != 16 || memcmp(m->items[2].ik.p, octets + 16, 16) != 0))
                err = -IMS_EPROTO;
        step_done(arg, "mar", err, m ? m->h.result : dia_base(0), dia_base(DIA_SUCCESS));
}

static void on_saa(int err, const struct cx_saa *m, void *arg)
{
        if (!err && (!m->user_data.n || m->n_restorations != 1 ||
                     !span_eq(m->restorations[0].info[0].contact, SPAN("<sip:a@192.0.2.1>"))))
                err = -IMS_EPROTO;
        step_done(arg, "sar", err, m ? m->h.result : dia_base(0), dia_base(DIA_SUCCESS));
}

static void on_lia(int err, const struct cx_lia *m, void *arg)
{
        step_done(arg, "lir", err, m ? m->h.result : dia_base(0), dia_base(DIA_SUCCESS));
}

static int send_uar(struct app *a, struct span impi)
{
        struct cx_uar rq = {.h = {.destination_host = span_of(a->destination_host),
                                  .features = {.present = true, .vendor = DIA_VENDOR_3GPP, .list_id = 1}},
                            .impi = impi,
                            .impu = SPAN(IMPU),
                            .visited_network = SPAN("visited.example.org")};

        return cx_send_uar(a->node, &rq, 0, on_uaa, a, NULL);
}

static int send_mar(struct app *a)
{
        struct cx_mar rq = {.h = {.destination_host = span_of(a->destination_host)},
                            .impi = SPAN(IMPI),
                            .impu = SPAN(IMPU),
                            .server_name = SPAN(NAME),
                            .n_items = 3,
                            .item = {.scheme = SPAN(CX_SCHEME_AKA)}};

        return cx_send_mar(a->node, &rq, 0, on_maa, a, NULL);
}

static int send_sar(struct app *a)
{
        struct cx_sar rq = {.h = {.destination_host = span_of(a->destination_host)},
                            .impi = SPAN(IMPI),
                            .server_name = SPAN(NAME),
                            .type = CX_SAT_REGISTRATION,
                            .has_restoration = true};

        rq.impus.v[rq.impus.n++] = SPAN(IMPU);
        rq.restoration.impi = SPAN(IMPI);
        rq.restoration.n_info = 1;
        rq.restoration.info[0] = (struct cx_restoration_info){.path = SPAN("<sip:p.example.org;lr>"),
                                                              .contact = SPAN("<sip:a@192.0.2.1>"),
                                                              .call_id = SPAN("c1"),
                                                              .has_initial_cseq = true,
                                                              .initial_cseq = 1};
        return cx_send_sar(a->node, &rq, 0, on_saa, a, NULL);
}

static int send_lir(struct app *a)
{
        struct cx_lir rq = {.h = {.destination_host = span_of(a->destination_host)}, .impu = SPAN(IMPU)};

        return cx_send_lir(a->node, &rq, 0, on_lia, a, NULL);
}

static void pushed(struct app *a)
{
        if (!a->got_rtr || !a->got_ppr || a->step != 5)
                return;
        a->got_rtr = a->got_ppr = false;
        a->step = 0;
        if (++a->round < a->rounds)
                next_step(a);
        else
                finish(a);
}

static void next_step(struct app *a)
{
        static const char *const names[] = {"uar", "uar-unknown-user", "mar", "sar", "lir"};
        int err = 0;

        switch (a->step) {
        case 0:
                err = send_uar(a, SPAN(IMPI));
                break;
        case 1:
                err = send_uar(a, SPAN("nobody@example.org"));
                break;
        case 2:
                err = send_mar(a);
                break;
        case 3:
                err = send_sar(a);
                break;
        case 4:
                err = send_lir(a);
                break;
        default:
                pushed(a);
                return;
        }
        if (err) {
                say(a, names[a->step], false, ims_strerror(err));
                finish(a);
        }
}

static void on_rtr(struct dia_request *rq, const struct cx_rtr *m, void *arg)
{
        struct app *a = arg;
        struct cx_rta out = {.h = {.result = dia_base(DIA_SUCCESS)}};

        say(a, "rtr", m->reason_code == CX_SERVER_CHANGE && m->impus.n == 1, "wrong content");
        cx_answer_rta(rq, &out);
        a->got_rtr = true;
        pushed(a);
}

static void on_ppr(struct dia_request *rq, const struct cx_ppr *m, void *arg)
{
        struct app *a = arg;
        struct cx_ppa out = {.h = {.result = dia_base(DIA_SUCCESS)}};

        say(a, "ppr", span_eq(m->user_data, SPAN("<IMSSubscription/>")), "wrong content");
        cx_answer_ppa(rq, &out);
        a->got_ppr = true;
        pushed(a);
}

/* --- both -------------------------------------------------------------------------------------------- */

static void on_request(struct dia_request *rq, void *arg)
{
        cx_serve(&((struct app *)arg)->server, rq);
}

static void on_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct app *a = arg;

        (void)identity;
        if (a->client && up && a->step == 0 && a->round == 0)
                next_step(a);
        else if (a->client && !up && !a->done) {
                say(a, "connection", false, why);
                finish(a);
        }
}

static void on_deadline(struct tmr *t, void *arg)
{
        struct app *a = arg;

        (void)t;
        say(a, "deadline", false, a->step == 5 ? "no RTR or PPR came" : "no peer, or no answer");
        loop_stop(a->loop);
}

static void on_terminate(void *arg)
{
        finish(arg);
}

/* "identity=address:port,relay" */
static int read_peer(char *text, struct dia_peer_conf *out)
{
        char *address = strchr(text, '='), *relay;

        *out = (struct dia_peer_conf){.identity = text};
        if (!address)
                return 0;
        *address++ = 0;
        relay = strstr(address, ",relay");
        if (relay)
                *relay = 0;
        out->relay = relay != NULL;
        return *address ? addr_parse(span_of(address), DIAMETER_PORT, &out->addr) : 0;
}

/* TLS on all connections, where there are certificates. */
static int use_tls(struct tls_conf *tls, struct dia_peer_conf *peers, struct dia_node_conf *conf)
{
        struct buf err = BUF_INIT;
        int rc;

        if (!tls->ca)
                return 0;
        tls->verify_clients = true;
        rc = tls_context_new(tls, TLS_SERVER, &conf->tls_server, &err);
        if (!rc)
                rc = tls_context_new(tls, TLS_CLIENT, &conf->tls_client, &err);
        if (rc)
                log_error(SPAN_FMT, SPAN_ARG(buf_as_span(&err)));
        buf_free(&err);
        for (size_t i = 0; i < conf->n_peers; i++)
                peers[i].tls = true;
        conf->listen_tls = conf->listen;
        conf->n_listen_tls = conf->n_listen;
        conf->n_listen = 0;
        return rc;
}

static int read_args(int argc, char **argv, struct app *a, struct dia_node_conf *conf)
{
        static struct dia_peer_conf peers[8];
        static struct addr listen;
        struct tls_conf tls = {0};
        int err = 0;

        for (int i = 2; !err && i + 1 < argc; i += 2) {
                if (!strcmp(argv[i], "--identity")) {
                        conf->identity = argv[i + 1];
                } else if (!strcmp(argv[i], "--realm")) {
                        conf->realm = argv[i + 1];
                } else if (!strcmp(argv[i], "--destination-host")) {
                        a->destination_host = argv[i + 1];
                } else if (!strcmp(argv[i], "--rounds")) {
                        a->rounds = (uint32_t)strtoul(argv[i + 1], NULL, 10);
                } else if (!strcmp(argv[i], "--tw")) {
                        conf->tw_ms = (uint32_t)strtoul(argv[i + 1], NULL, 10);
                } else if (!strcmp(argv[i], "--listen")) {
                        err = addr_parse(span_of(argv[i + 1]), DIAMETER_PORT, &listen);
                        conf->listen = &listen;
                        conf->n_listen = 1;
                } else if (!strcmp(argv[i], "--peer") && conf->n_peers < 8) {
                        err = read_peer(argv[i + 1], &peers[conf->n_peers++]);
                        conf->peers = peers;
                } else if (!strcmp(argv[i], "--tls-certificate")) {
                        tls.certificate = argv[i + 1];
                } else if (!strcmp(argv[i], "--tls-key")) {
                        tls.key = argv[i + 1];
                } else if (!strcmp(argv[i], "--tls-ca")) {
                        tls.ca = argv[i + 1];
                } else {
                        err = -IMS_EINVAL;
                }
        }
        if (!err)
                err = use_tls(&tls, peers, conf);
        return !conf->identity || !conf->realm ? -IMS_EINVAL : err;
}

int main(int argc, char **argv)
{
        static struct app a = {.rounds = 1};
        struct dia_node_conf conf = {.tc_ms = 200, .product = "Quintet"};
        struct dia_handlers h = {.on_request = on_request, .on_peer = on_peer};
        int err;

        if (argc < 2 || read_args(argc, argv, &a, &conf)) {
                (void)fprintf(stderr, "usage: see the head of cx_peer.c\n");
                return 2;
        }
        a.client = !strcmp(argv[1], "client");
        log_init(argv[1], LOG_INFO);
        a.server = a.client ? (struct cx_server){.on_rtr = on_rtr, .on_ppr = on_ppr, .arg = &a}
                            : (struct cx_server){.on_uar = on_uar,
                                                 .on_mar = on_mar,
                                                 .on_sar = on_sar,
                                                 .on_lir = on_lir,
                                                 .arg = &a};
        err = loop_new(&a.loop);
        if (!err)
                err = dia_node_new(a.loop, &conf, &h, &a, &a.node);
        if (!err)
                err = loop_on_terminate(a.loop, on_terminate, &a);
        if (!err && a.client)
                err = tmr_start(a.loop, &a.deadline, 60000, on_deadline, &a);
        if (!err) {
                loop_run(a.loop);
                tmr_stop(a.loop, &a.deadline);
        }
        if (err)
                log_error("%s", ims_strerror(err));
        dia_node_free(a.node);
        tls_context_free(conf.tls_server);
        tls_context_free(conf.tls_client);
        loop_free(a.loop);
        return err || a.failed ? 1 : 0;
}
