/* SPDX-License-Identifier: BSD-3-Clause
 * Cx requests out, typed answers back. */
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/diameter/cx_table.h"
#include "common/diameter/node_int.h"

static int send_request(struct dia_node *n, enum cx_msg which, const void *rq, struct dia_sending *how,
                        struct dia_txn **out)
{
        const struct dict_command_row *row = &dict_command_rows[cx_shape(which)->command];
        struct dia_header h = {
                .flags = row->flags, .code = row->code, .app = CX_APPLICATION, .end = n->next_end++};
        const struct cx_request *head = rq; /* the first member of every request */
        char session[512];
        struct cx_env env = {.origin_host = span_of(n->identity),
                             .origin_realm = span_of(n->realm),
                             .destination_realm = span_of(n->realm)};
        struct buf b = BUF_INIT;

        if (!head->session_id.n) {
                dia_session_id(n, session, sizeof(session));
                env.session_id = span_of(session);
        }
        dia_put_header(&b, &h);
        cx_encode(which, rq, &env, &b);
        dia_put_end(&b, 0);
        how->host_preferred = head->host_preferred;
        return dia_send_octets(n, &b, how, out);
}

static int decode_answer(enum cx_msg which, int err, struct msg *m, void *out)
{
        struct cx_fault fault;

        if (err)
                return err;
        if (cx_decode(which, m, out, &fault) == 0)
                return 0;
        log_warn("%s: %s in %s", dict_command_rows[cx_shape(which)->command].name,
                 dia_result_str(dia_base(fault.base_code)), fault.avp_name);
        return -IMS_EPROTO;
}

#define CX_CLIENT(req, ans)                                                                                  \
        static void on_##ans(int err, struct msg *m, const struct dia_callback *cb)                          \
        {                                                                                                    \
                struct cx_##ans a;                                                                           \
                                                                                                             \
                err = decode_answer(CX_MSG_##ans, err, m, &a);                                               \
                ((cx_##ans##_fn *)cb->user)(err, err ? NULL : &a, cb->arg);                                  \
                if (!err)                                                                                    \
                        cx_##ans##_clear(&a);                                                                \
        }                                                                                                    \
        int cx_send_##req(struct dia_node *n, const struct cx_##req *rq, uint32_t answer_ms,                 \
                          cx_##ans##_fn *fn, void *arg, struct dia_txn **out)                                \
        {                                                                                                    \
                struct dia_sending how = {.answer_ms = answer_ms,                                            \
                                          .cb = {on_##ans, (void (*)(void))fn, arg}};                        \
                                                                                                             \
                return send_request(n, CX_MSG_##req, rq, &how, out);                                         \
        }
CX_CLIENT(uar, uaa)
CX_CLIENT(mar, maa)
CX_CLIENT(sar, saa)
CX_CLIENT(lir, lia)
CX_CLIENT(rtr, rta)
CX_CLIENT(ppr, ppa)
