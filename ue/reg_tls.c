/* SPDX-License-Identifier: BSD-3-Clause
 * TLS in the REGISTER procedure: what sec-agree says of it, and whether the realm fits the P-CSCF (TS 33.203
 * O.2.2, O.3.2; TLS-FWD F). */
#include "ue/registration_int.h"

static bool stop(struct registration *r, enum reg_outcome outcome)
{
        reg_done(r, outcome);
        return true;
}

bool reg_tls_stops(struct registration *r, const struct sip_msg *resp)
{
        struct buf why = BUF_INIT;
        enum tls_agreed agreed;
        int rc;

        if (r->conf.trusts_realm && !r->conf.trusts_realm(span_of(r->digest.realm), r->conf.trusts_arg))
                return stop(r, REG_OUT_realm_foreign);
        if (!r->conf.tls)
                return false;
        rc = tls_guard_challenge(r->conf.tls, resp, &agreed, &why);
        if (why.n)
                reg_keep_why(r, &why);
        buf_free(&why);
        if (rc < 0)
                return stop(r, REG_OUT_internal_error);
        if (agreed == TLS_AGREED_OTHERWISE)
                return stop(r, REG_OUT_security_unacceptable);
        if (agreed == TLS_AGREED_NOT_SAID && r->conf.tls->required)
                return stop(r, REG_OUT_security_missing);
        if (agreed == TLS_AGREED_NOT_SAID)
                r->conf.tls->suspended = true;
        return false;
}
