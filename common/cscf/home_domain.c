/* SPDX-License-Identifier: BSD-3-Clause
 * The domains of the home network. */
#include "common/cscf/home_domain.h"

bool is_home_domain(const struct conf_list *domains, struct span host)
{
        char *const *names = domains->items;

        if (host.n && host.p[host.n - 1] == '.')
                host.n--;
        for (size_t i = 0; i < domains->n; i++)
                if (span_ieq(host, span_of(names[i])))
                        return true;
        return false;
}
