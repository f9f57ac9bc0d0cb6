/* SPDX-License-Identifier: BSD-3-Clause
 * The HSS as a Cx server. */
#pragma once

#include "hss/hss_conf.h"

/* Serves until SIGTERM or SIGINT. The exit code of the program. */
int server_run(const struct hss_conf *conf);
