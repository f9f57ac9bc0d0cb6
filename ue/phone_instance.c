/* SPDX-License-Identifier: BSD-3-Clause
 * An instance that stays. */
#include "ue/phone_instance.h"

#include <stdio.h>

#include "common/auth/digest.h"

void phone_instance(const char *impi, char out[static PHONE_INSTANCE_MAX])
{
        char h[DIGEST_HEX_MAX] = "";

        if (digest_ha1(DIGEST_MD5, span_of(impi), SPAN("quintet instance"), SPAN_NULL, h) < 0)
                (void)snprintf(h, sizeof(h), "%032d", 0);
        (void)snprintf(out, PHONE_INSTANCE_MAX, "urn:uuid:%.8s-%.4s-4%.3s-8%.3s-%.12s", h, h + 8, h + 13,
                       h + 17, h + 20);
}
