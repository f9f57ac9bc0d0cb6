/* SPDX-License-Identifier: BSD-3-Clause
 * What a bootstrapping server answers: JSON with credentials, or with the reason of a refusal
 * (PKT-TR-SEC 6.1.1.3; docs/hss.md). */
#pragma once

#include "ue/credential.h"

#define BOOTSTRAP_BODY_MAX 8192

/* Fixed size, so that it can be wiped in one go. */
struct bootstrap_reply {
        struct credential cred;          /* kind IMC, finished; of a success */
        char algorithm[16];              /* "MD5", "SHA-256" */
        char pcscf[CREDENTIAL_TEXT_MAX]; /* "": none is named */
        char error[64], reason[256];     /* of a refusal; printable */
};

/* Reads the body of an answer with that HTTP status. 0: credentials; -IMS_EPERM: a refusal (error, reason may
 * be empty); -IMS_EPARSE: no such JSON, or credentials that cannot be used; err says what is wrong with them,
 * never the password. */
int bootstrap_reply_read(int status, struct span body, struct bootstrap_reply *out,
                         struct buf *err) IMS_CHECK;

/* Appends the credential file (credential_load): it holds the password. */
void bootstrap_reply_write(const struct bootstrap_reply *r, struct buf *out);
