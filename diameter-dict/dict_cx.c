/* SPDX-License-Identifier: BSD-3-Clause
 * The Cx dictionary as an extension of a stock freeDiameterd:
 *
 *      LoadExtension = "/path/to/dict_cx.fdx";
 *
 * after the other dictionaries (dict_nasreq, dict_dcca, dict_dcca_3gpp, dict_sip), of which it needs
 * none: what they defined is used, the rest is defined here. */
#include <freeDiameter/extension.h>

#include "diameter-dict/install.h"

static int dict_cx_entry(char *conffile)
{
        const char *fault = "";
        int err;

        (void)conffile;
        err = dict_install(fd_g_config->cnf_dict, 0, &fault);
        if (err)
                fd_log(FD_LOG_ERROR, "dict_cx: %s: %s", fault, strerror(err));
        else
                fd_log(FD_LOG_NOTICE, "Extension 'Dictionary definitions for 3GPP Cx' initialized");
        return err;
}

EXTENSION_ENTRY("dict_cx", dict_cx_entry);
