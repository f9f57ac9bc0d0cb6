/* SPDX-License-Identifier: BSD-3-Clause
 * hss backup: a copy of the database, made while the HSS serves. */
#include <stdio.h>

#include "hss/cli.h"

int cli_backup(struct cli *c, int argc, char **argv)
{
        if (argc != 1)
                return cli_misused(c, NULL);
        if (store_exists(argv[0])) {
                buf_printf(&c->err, "%s is there already and is not overwritten\n", argv[0]);
                return -IMS_EEXISTS;
        }
        int rc = store_backup(c->store, argv[0]);
        if (rc == 0)
                (void)printf("%s: made; it is of use with the key file %s alone, which is not in it\n",
                             argv[0], c->conf->store_key_file);
        return cli_store_failed(c, rc);
}
