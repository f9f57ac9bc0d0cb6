/* SPDX-License-Identifier: BSD-3-Clause
 * What a running P-CSCF says about its security associations: "pcscf status" over the control socket. */
#pragma once

#include "common/net/control.h"

struct pcscf;

/* Serves the control socket of the configuration; nothing without one. */
int status_start(struct pcscf *p) IMS_CHECK;

/* "pcscf status [--json] [-c FILE]": asks the node that runs under this configuration. The exit code. */
int status_command(int argc, char **argv);
