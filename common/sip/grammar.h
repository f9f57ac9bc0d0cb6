/* SPDX-License-Identifier: BSD-3-Clause
 * Typed access to one header field by libosip2's grammar. The results are libosip2's own types, freed
 * with its functions (osip_uri_free, osip_from_free, ...). Header values come in as spans of any size;
 * what is longer than SIP_FIELD_MAX is refused. */
#pragma once

#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

#include "common/sip/msg.h"

/* libosip2's tables; called once by sip_stack_new, and by programs that use only this file. */
void sip_grammar_init(void);

int sip_uri_parse(struct span text, osip_uri_t **out) IMS_CHECK; /* sip, sips, tel, urn, ... */
int sip_name_addr_parse(struct span value,
                        osip_from_t **out) IMS_CHECK; /* From To Route Path P-Asserted-Identity */
int sip_contact_parse(struct span value, osip_contact_t **out) IMS_CHECK; /* also "*" */

/* Value of a URI parameter ("" when it has none), or NULL when absent. Borrowed from u. */
const char *sip_uri_param(const osip_uri_t *u, const char *name);
/* The same for a header parameter of From, To, Route, Contact. */
const char *sip_field_param(const osip_from_t *f, const char *name);

/* Port of the URI, 0 when none or not a number. */
uint16_t sip_uri_port(const osip_uri_t *u);

/* The address-of-record form used as IMPU: "sip:user@host" (host in lower case, no port, parameters or
 * headers) or "tel:+15550001" (visual separators removed). RFC 3261 10.3 step 5, TS 23.003 13.4.
 * -IMS_EPARSE for other schemes. Appends to out. */
int sip_uri_canonical(struct span uri, struct buf *out) IMS_CHECK;

/* URI equality of RFC 3261 19.1.4 for registered contacts. False when one does not parse. */
bool sip_uri_equal(struct span a, struct span b);

/* The nth line of that id with credentials of the Digest scheme, or NULL; those of another scheme count as
 * none (RFC 3261 22.1). */
const struct sip_hdr *sip_digest_line(const struct sip_msg *m, enum sip_hdr_id id, size_t nth);

/* The URI inside a name-addr or addr-spec value, without osip: "Bob <sip:b@c>;tag=1" gives "sip:b@c".
 * Empty when malformed. */
struct span sip_addr_spec(struct span name_addr);

/* The IMPI of an IMPU where no Authorization says it (TS 24.229 5.4.1.2.1A, TS 33.203 P.6): the
 * canonical URI without "sip:". */
int sip_impi_from_impu(struct span impu, struct buf *out) IMS_CHECK;
