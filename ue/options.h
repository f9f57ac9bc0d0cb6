/* SPDX-License-Identifier: BSD-3-Clause
 * The command line of "ue register" and "ue deregister". */
#pragma once

#include <stdio.h>

#include "common/base/log.h"
#include "ue/ipsec_options.h"
#include "ue/phone.h"
#include "ue/tls_options.h"

enum { OPTIONS_SET_ISIM, OPTIONS_SET_USIM, OPTIONS_SET_IMC, OPTIONS_SET_LINE, OPTIONS_SETS };

struct options {
        struct credential sets[OPTIONS_SETS];            /* of files, and of the command line */
        const struct credential *cred;                   /* the one to begin with, points into sets */
        const struct credential *key_cred, *digest_cred; /* for AKA, for Digest; NULL: none */
        enum reg_scheme scheme;
        bool scheme_said;
        struct digest_policy digest;
        const char *impu; /* to register; the first of the set by default */
        struct phone_conf phone;
        struct ipsec_options ipsec;
        struct tls_options tls;
        const char *sqn_file; /* NULL: in the state folder */
        const char *access_network, *instance;
        uint32_t expires_s;
        enum log_level level;
        bool hold, json, amf_check;
};

/* Reads argv (argv[0] is the command). Keys found there are overwritten in argv and in the environment as
 * soon as they are read. 0 to go on; 1 when help was printed; -IMS_EINVAL, -IMS_ECONF, ... with the reason in
 * err. */
int options_read(int argc, char **argv, struct options *o, struct buf *err) IMS_CHECK;
void options_wipe(struct options *o);

/* Path of a state file of this IMPI ("FOLDER/IMPI.SUFFIX"), in QUINTET_UE_STATE, else
 * XDG_STATE_HOME/quintet-ue, else HOME/.local/state/quintet-ue. Owned by the caller; NULL when no folder is
 * known. */
char *options_state_file(const char *impi, const char *suffix);

void options_usage(FILE *to);

/* Says on stderr why a command failed: err, lines with their ends, or the text of rc when it is empty. */
void options_complain(const struct buf *err, int rc);
