/* SPDX-License-Identifier: BSD-3-Clause
 * No protection of Gm: nothing was observed, and an IMS AKA REGISTER says so. TS 33.203 6.1.5, P.3. */
#include "pcscf/assoc.h"

/* "no" belongs to IMS AKA; SIP Digest without TLS has no parameter until its address is bound (P.3 and N.2).
 * On a 3GPP access nothing but IMS AKA carries an Authorization field; elsewhere the UE tells by what it
 * offers. */
static const char *none_match(const struct assoc_input *in)
{
        if (!in->facts->has_authorization)
                return NULL;
        return in->access == ACCESS_3GPP || in->facts->offers_ipsec || in->facts->aka ? "no" : NULL;
}

static int none_open(struct pending *p, struct sip_edit *challenge)
{
        (void)p;
        (void)challenge;
        return 0;
}

static void none_confirm(struct pending *p, struct binding *b)
{
        (void)p;
        (void)b;
}

static void none_close(struct binding *b)
{
        (void)b;
}

const struct assoc_scheme assoc_none = {
        .name = "none",
        .match = none_match,
        .open = none_open,
        .confirm = none_confirm,
        .close = none_close,
};

const struct assoc_scheme *assoc_select(const struct assoc_input *in)
{
        (void)in;
        return &assoc_none;
}
