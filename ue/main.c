/* SPDX-License-Identifier: BSD-3-Clause
 * The phone of the lab: ue register, ue deregister, ue run (docs/ue.md). */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/sip/grammar.h"
#include "ue/commands.h"
#include "ue/options.h"

static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
} commands[] = {
        {"register", command_register},
        {"deregister", command_deregister},
        {"bootstrap", command_bootstrap},
        {"turn", command_turn},
        {"run", command_run},
};

int main(int argc, char **argv)
{
        const char *name = argc > 1 ? argv[1] : "";

        secret_no_dump();
        (void)signal(SIGPIPE, SIG_IGN);
        sip_grammar_init();
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
                if (strcmp(name, commands[i].name) == 0)
                        return commands[i].run(argc - 1, argv + 1);
        if (strcmp(name, "--version") == 0) {
                printf("ue %s\n", QUINTET_VERSION);
                return 0;
        }
        if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
                options_usage(stdout);
                return 0;
        }
        if (name[0])
                (void)fprintf(stderr, "ue: %s: no such command\n\n", name);
        options_usage(stderr);
        return 2;
}
