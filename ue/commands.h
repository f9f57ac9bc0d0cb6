/* SPDX-License-Identifier: BSD-3-Clause
 * The commands of the program. Each returns its exit code: 0 success, 1 not registered (or the scenario
 * failed), 2 usage or configuration. argv[0] is the command. */
#pragma once

#define EXIT_USAGE 2

int command_register(int argc, char **argv);
int command_deregister(int argc, char **argv);

/* "run FILE.lua [ARGS]" */
int command_bootstrap(int argc, char **argv);
int command_turn(int argc, char **argv);
int command_run(int argc, char **argv);
