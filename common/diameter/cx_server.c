/* SPDX-License-Identifier: BSD-3-Clause
 * Cx requests in, typed, and their answers. */
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/diameter/cx_table.h"
#include "common/diameter/node_int.h"

/* Answers what did not decode. */
static void refuse(struct dia_request *rq, const struct cx_fault *f)
{
        struct dia_fault missing = DIA_FAULT_NONE;

        log_warn("Cx request from " SPAN_FMT ": %s: %s", SPAN_ARG(rq->origin_host),
                 dia_result_str(dia_base(f->base_code)), f->avp_name);
        if (f->base_code != DIA_MISSING_AVP) {
                dia_answer_error(rq, f->base_code, f->failed, NULL);
                return;
        }
        missing.code = f->base_code;
        for (int i = 0; i < AVP_COUNT; i++) {
                if (dict_avp_rows[i].name == f->avp_name)
                        missing.missing = i;
        }
        dia_answer_fault(rq, &missing, NULL);
}

#define SERVE(name)                                                                                          \
        static void serve_##name(const struct cx_server *srv, struct dia_request *rq)                        \
        {                                                                                                    \
                struct cx_##name m;                                                                          \
                struct cx_fault fault;                                                                       \
                                                                                                             \
                if (!srv->on_##name) {                                                                       \
                        dia_answer_error(rq, DIA_COMMAND_UNSUPPORTED, NULL, NULL);                           \
                } else if (cx_##name##_decode(rq->msg, &m, &fault)) {                                        \
                        refuse(rq, &fault);                                                                  \
                } else {                                                                                     \
                        srv->on_##name(rq, &m, srv->arg);                                                    \
                        cx_##name##_clear(&m);                                                               \
                }                                                                                            \
        }
SERVE(uar)
SERVE(mar)
SERVE(sar)
SERVE(lir)
SERVE(rtr)
SERVE(ppr)

void cx_serve(const struct cx_server *srv, struct dia_request *rq)
{
        switch (((struct dia_inbound *)rq)->h.code) {
        case CX_UAR:
                serve_uar(srv, rq);
                break;
        case CX_MAR:
                serve_mar(srv, rq);
                break;
        case CX_SAR:
                serve_sar(srv, rq);
                break;
        case CX_LIR:
                serve_lir(srv, rq);
                break;
        case CX_RTR:
                serve_rtr(srv, rq);
                break;
        case CX_PPR:
                serve_ppr(srv, rq);
                break;
        default:
                dia_answer_error(rq, DIA_COMMAND_UNSUPPORTED, NULL, NULL);
        }
}

static void answer(struct dia_request *rq, enum cx_msg which, const void *m)
{
        const struct cx_answer *head = m; /* the first member of every answer */
        struct cx_env env = {.session_id = rq->session_id,
                             .origin_host = span_of(rq->node->identity),
                             .origin_realm = span_of(rq->node->realm)};
        struct buf b = BUF_INIT;

        if (head->result.code) {
                dia_answer_begin(rq, &b, 0);
                cx_encode(which, m, &env, &b);
        }
        if (b.err || !head->result.code) {
                log_error("Cx answer to " SPAN_FMT ": %s", SPAN_ARG(rq->origin_host),
                          b.err ? ims_strerror(b.err) : "bug: it has no result");
                secret_wipe(b.p, b.n);
                buf_free(&b);
                dia_answer_error(rq, DIA_UNABLE_TO_COMPLY, NULL, NULL);
                return;
        }
        dia_answer_octets(rq, &b);
}

#define ANSWER(name)                                                                                         \
        void cx_answer_##name(struct dia_request *rq, const struct cx_##name *m)                             \
        {                                                                                                    \
                answer(rq, CX_MSG_##name, m);                                                                \
        }
ANSWER(uaa)
ANSWER(maa)
ANSWER(saa)
ANSWER(lia)
ANSWER(rta)
ANSWER(ppa)
