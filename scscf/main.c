/* SPDX-License-Identifier: BSD-3-Clause
 * The S-CSCF: registrar and serving proxy (TS 23.228 4.6.3, TS 24.229 5.4). */
#include <stdlib.h>

#include "common/base/node.h"
#include "common/base/secret.h"
#include "scscf/control.h"
#include "scscf/scscf.h"

int main(int argc, char **argv)
{
        struct node_args args;
        struct scscf_conf *conf = NULL;
        void *loaded = NULL;
        int code = EXIT_FAILURE;

        secret_no_dump();
        log_init("scscf", LOG_INFO);
        if (argc > 1 && scscf_command_is(argv[1]))
                return scscf_command(argc, argv);
        if (!node_args_read(&scscf_conf_schema, argc, argv, &args, &code))
                return code;
        if (node_conf_load(&scscf_conf_schema, &args, &loaded) < 0)
                return EXIT_FAILURE;
        conf = loaded;
        log_set_level(args.level >= 0 ? (enum log_level)args.level : (enum log_level)conf->trace.level);
        code = scscf_run(conf);
        conf_free(&scscf_conf_schema, conf);
        return code;
}
