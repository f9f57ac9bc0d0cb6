/* SPDX-License-Identifier: BSD-3-Clause
 * A command tells the running HSS that there is something to push, and prints what came of it. */
#include <stdio.h>
#include <unistd.h>

#include "common/net/control.h"
#include "hss/cli.h"

void cli_push(struct cli *c, const struct cli_told *t)
{
        char command[64];
        int rc = -IMS_EUNREACH;
        (void)printf(SPAN_FMT ": %s\n", SPAN_ARG(t->impi), t->done);
        (void)fflush(stdout);
        (void)snprintf(command, sizeof command, "%s %lld", t->command, (long long)t->row);
        if (c->conf->control)
                rc = control_ask(c->conf->control, command, STDOUT_FILENO);
        if (rc >= 0)
                return;
        (void)printf(SPAN_FMT " is told %s\n", SPAN_ARG(t->scscf),
                     !c->conf->control     ? "within push.retry (control.socket: at once)"
                     : rc == -IMS_EUNREACH ? "as soon as the HSS runs"
                     : rc == -IMS_ETIMEOUT ? "by the HSS, which does not answer just now"
                                           : "by the HSS, whose control.socket cannot be used");
}
