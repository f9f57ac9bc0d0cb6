/* SPDX-License-Identifier: BSD-3-Clause
 * What a running P-CSCF says about the associations of its UEs: "pcscf status" over the control socket. */
#pragma once

#include "common/net/control.h"
#include "pcscf/assoc.h"

struct ip_entry;
struct pcscf;
struct sa_set;
struct tls_assoc;

/* Serves the control socket of the configuration; nothing without one. */
int status_start(struct pcscf *p) IMS_CHECK;

/* "pcscf status [--json] [-c FILE]", "pcscf renegotiate IMPI [-c FILE]": asks the node that runs under this
 * configuration. The exit code. */
int status_command(int argc, char **argv);

/* --- records, for status.c ------------------------------------------------------------------------ */

/* The IMPUs that are registered over the association, each once. */
void status_impus(const struct pcscf *p, struct assoc a, bool json, struct buf *out);

void status_set_json(const struct pcscf *p, const struct sa_set *s, struct buf *out);
void status_set_text(const struct pcscf *p, const struct sa_set *s, struct buf *out);
void status_ip(const struct pcscf *p, const struct ip_entry *e, bool json, struct buf *out);
void status_tls(const struct pcscf *p, const struct tls_assoc *a, bool json, struct buf *out);
