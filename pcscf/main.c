/* SPDX-License-Identifier: BSD-3-Clause
 * The P-CSCF as a program, and "pcscf status". */
#include <stdlib.h>

#include "common/base/node.h"
#include "pcscf/pcscf.h"

static void on_terminate(void *arg)
{
        log_notice("ending");
        pcscf_drain(arg);
}

static void on_reload(void *arg)
{
        pcscf_reload(arg);
}

static int run(const struct pcscf_conf *conf)
{
        struct loop *loop = NULL;
        struct trace *trace = NULL;
        struct pcscf *p = NULL;
        int err = loop_new(&loop);

        if (!err)
                err = trace_new("pcscf", conf->trace.file, &trace);
        if (!err)
                err = pcscf_new(conf, loop, trace, &p);
        if (!err)
                err = loop_on_terminate(loop, on_terminate, p);
        if (!err)
                err = loop_on_reload(loop, on_reload, p);
        if (err) {
                log_error("cannot start: %s", ims_strerror(err));
        } else {
                if (conf->security.ipsec == IPSEC_OFF)
                        log_warn("Gm is not protected (security.ipsec: off): REGISTERs say "
                                 "integrity-protected=\"no\"");
                node_ready();
                loop_run(loop);
        }
        pcscf_free(p);
        trace_free(trace);
        loop_free(loop);
        return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
        struct node_args args;
        void *conf = NULL;
        int code = EXIT_FAILURE;

        secret_no_dump();
        if (argc > 1 && (strcmp(argv[1], "status") == 0 || strcmp(argv[1], "renegotiate") == 0))
                return status_command(argc, argv);
        if (!node_args_read(&pcscf_conf_schema, argc, argv, &args, &code))
                return code;
        if (node_conf_load(&pcscf_conf_schema, &args, &conf))
                return EXIT_FAILURE;
        log_init("pcscf", args.level >= 0 ? (enum log_level)args.level
                                          : (enum log_level)((struct pcscf_conf *)conf)->trace.level);
        code = run(conf);
        conf_free(&pcscf_conf_schema, conf);
        return code;
}
