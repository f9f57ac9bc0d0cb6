/* SPDX-License-Identifier: BSD-3-Clause
 * "scscf status IMPI" and "scscf reauthenticate IMPI" over the control socket. */
#pragma once

#include "common/net/control.h"
#include "scscf/scscf.h"

/* Serves the control socket of the configuration; nothing without one. */
int scscf_control_start(struct scscf *s) IMS_CHECK;

/* True for the first word of a command that asks a running node. */
bool scscf_command_is(const char *word);

/* Runs it: argv[1] is the command. The exit code. */
int scscf_command(int argc, char **argv);
