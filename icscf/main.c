/* SPDX-License-Identifier: BSD-3-Clause
 * The I-CSCF: the entry point of the home network (TS 23.228 4.6.2, TS 24.229 5.3). */
#include <stdlib.h>

#include "common/base/node.h"
#include "common/base/secret.h"
#include "icscf/icscf.h"

int main(int argc, char **argv)
{
        struct node_args args;
        struct icscf_conf *conf = NULL;
        void *loaded = NULL;
        int code = EXIT_FAILURE;

        secret_no_dump();
        log_init("icscf", LOG_INFO);
        if (!node_args_read(&icscf_conf_schema, argc, argv, &args, &code))
                return code;
        if (node_conf_load(&icscf_conf_schema, &args, &loaded) < 0)
                return EXIT_FAILURE;
        conf = loaded;
        log_set_level(args.level >= 0 ? (enum log_level)args.level : (enum log_level)conf->trace.level);
        code = icscf_run(conf);
        conf_free(&icscf_conf_schema, conf);
        return code;
}
