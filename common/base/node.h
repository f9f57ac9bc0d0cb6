/* SPDX-License-Identifier: BSD-3-Clause
 * What every program does the same way: command line, configuration, readiness.
 *
 *      NODE -c FILE [--check-config] [--sample-config] [--version] [--help] [--log LEVEL]
 *
 * Without -c the file named by the environment variable QUINTET_<NODE>_CONF is read. */
#pragma once

#include "common/base/conf.h"
#include "common/base/log.h"

struct node_args {
        const char *conf_file;
        int level; /* log level, or -1 when not given */
        int first; /* index of the first argument that is no option */
        bool look; /* at certificates too: the program shall serve, or check the configuration */
        bool check;
};

/* Reads the common options. Returns true to go on; false when the program shall end with *exit_code
 * (help and version printed, sample printed, configuration checked, or a usage error named). */
bool node_args_read(const struct conf_schema *schema, int argc, char **argv, struct node_args *args,
                    int *exit_code);

/* Loads the configuration named in args. On failure the faults are on stderr and the result negative. Advice
 * on what it names (conf_schema.look) goes to the log; with args->check it is a fault. */
int node_conf_load(const struct conf_schema *schema, const struct node_args *args, void **out) IMS_CHECK;

/* For a node that is told to read its certificates again: false when they break a rule that keeps a node from
 * starting (conf_schema.look): it goes on with those it has. Faults and advice are logged. */
bool node_may_reload(const struct conf_schema *schema, const void *conf) IMS_CHECK;

/* Says once that the node serves: logs "ready", sends READY=1 to NOTIFY_SOCKET and writes "ready\n" to
 * the descriptor in QUINTET_READY_FD (then closes it), where these are set. */
void node_ready(void);
