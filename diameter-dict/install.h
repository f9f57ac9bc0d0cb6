/* SPDX-License-Identifier: BSD-3-Clause
 * Puts the rows into a libfdproto dictionary. */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdproto.h>

#include "diameter-dict/rows.h"

/* Defines what the dictionary lacks and reuses what it has (AVPs are found by vendor and code, so names
 * others gave them stay). Rules of the base part are left alone when base is 0. Returns 0, or an errno
 * value with the name of the row at fault in *fault. */
int dict_install(struct dictionary *dict, int base, const char **fault);
