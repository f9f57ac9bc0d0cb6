/* SPDX-License-Identifier: BSD-3-Clause
 * What sip_load prints. */
#pragma once

#include "tests/bench/lib/out.h"
#include "tests/bench/sip_load/load.h"

/* The names begin with that of the phase and a dot. */
void load_report(struct out *o, enum load_phase_kind kind, const struct load_conf *c,
                 const struct load_result *r);
