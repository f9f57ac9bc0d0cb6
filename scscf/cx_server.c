/* SPDX-License-Identifier: BSD-3-Clause
 * RTR and PPR arrive: the typed message goes to the registrar, its outcome into the answer.
 * TS 29.228 6.1.3, 6.2. */
#include "scscf/scscf.h"

#include "common/base/log.h"

static void on_rtr(struct dia_request *rq, const struct cx_rtr *m, void *arg)
{
        struct scscf *s = arg;
        int rc = registrar_rtr(&s->reg, m);
        struct cx_rta a = {.h.result = rc < 0 ? dia_3gpp(CX_ERROR_USER_UNKNOWN) : dia_base(DIA_SUCCESS)};

        cx_answer_rta(rq, &a);
}

static struct dia_result ppr_result(int rc)
{
        switch (rc) {
        case 0:
                return dia_base(DIA_SUCCESS);
        case -IMS_ENOTFOUND:
                return dia_3gpp(CX_ERROR_USER_UNKNOWN);
        case -IMS_EPARSE:
        case -IMS_EINVAL:
        case -IMS_EEXISTS:
                return dia_3gpp(CX_ERROR_NOT_SUPPORTED_USER_DATA);
        case -IMS_EPROTO:
                return dia_base(DIA_INVALID_AVP_VALUE);
        case -IMS_ETOOBIG:
                return dia_3gpp(CX_ERROR_TOO_MUCH_DATA);
        default:
                return dia_base(DIA_UNABLE_TO_COMPLY);
        }
}

static void on_ppr(struct dia_request *rq, const struct cx_ppr *m, void *arg)
{
        struct scscf *s = arg;
        struct cx_ppa a = {.h.result = ppr_result(registrar_ppr(&s->reg, m))};

        cx_answer_ppa(rq, &a);
}

void scscf_on_cx(struct dia_request *rq, void *arg)
{
        struct cx_server server = {.on_rtr = on_rtr, .on_ppr = on_ppr, .arg = arg};

        cx_serve(&server, rq);
}
