/* SPDX-License-Identifier: BSD-3-Clause
 * The HSS: `hss -c FILE` serves Cx, `hss -c FILE COMMAND ...` works on the subscriber store (cli.h). */
#include <stdlib.h>

#include "common/base/node.h"
#include "common/base/secret.h"
#include "hss/cli.h"
#include "hss/server.h"

int main(int argc, char **argv)
{
        struct node_args args;
        struct hss_conf *conf = NULL;
        void *loaded = NULL;
        int code = EXIT_FAILURE;

        secret_no_dump();
        log_init("hss", LOG_INFO);
        if (cli_wants_help(argc, argv))
                return cli_help();
        if (!node_args_read(&hss_conf_schema, argc, argv, &args, &code))
                return code;
        if (node_conf_load(&hss_conf_schema, &args, &loaded) < 0)
                return EXIT_FAILURE;
        conf = loaded;
        log_set_level(args.level >= 0 ? (enum log_level)args.level : (enum log_level)conf->trace.level);
        if (args.first < argc)
                code = cli_run(conf, argc - args.first, argv + args.first);
        else
                code = server_run(conf);
        conf_free(&hss_conf_schema, conf);
        return code;
}
