/* SPDX-License-Identifier: BSD-3-Clause
 * The S-CSCF as a process: start and end. */
#include <stdlib.h>

#include "common/base/log.h"
#include "scscf/control.h"
#include "scscf/scscf.h"

static int start(struct scscf *s)
{
        const struct scscf_conf *c = s->conf;
        const struct home_cscf_conf conf = {.node = "scscf",
                                            .schema = &scscf_conf_schema,
                                            .whole = c,
                                            .sip = &c->sip,
                                            .dia = &c->dia,
                                            .trace = &c->trace,
                                            .trusted = &c->trusted,
                                            .networks = &c->networks};
        const struct home_cscf_handlers handlers = {.on_request = scscf_on_request,
                                                    .on_cancel = scscf_on_cancel,
                                                    .on_cx = scscf_on_cx,
                                                    .on_terminate = scscf_stop};
        int rc = home_cscf_init(&s->home, &conf);

        if (rc == 0)
                rc = home_cscf_start(&s->home, &handlers, s);
        return rc ? rc : scscf_control_start(s);
}

static void end(struct scscf *s)
{
        control_close(s->control);
        scscf_asking_clear(s);
        registrar_clear(&s->reg);
        if (s->home.loop)
                tmr_stop(s->home.loop, &s->stop);
        home_cscf_end(&s->home);
}

int scscf_run(const struct scscf_conf *conf)
{
        struct scscf s = {.conf = conf};
        int rc;

        list_init(&s.asking);
        for (size_t i = 0; i < SCSCF_CONTACTS_MAX; i++) {
                s.legs[0][i] = (struct scscf_leg){.s = &s, .rank = i};
                s.legs[1][i] = (struct scscf_leg){.s = &s, .rank = i, .direct = true};
        }
        registrar_init(&s.reg, conf, &scscf_port, &s);
        rc = start(&s);
        if (rc == 0)
                loop_run(s.home.loop);
        else
                log_error("cannot start: %s", ims_strerror(rc));
        end(&s);
        return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
