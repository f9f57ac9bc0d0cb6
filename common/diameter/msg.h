/* SPDX-License-Identifier: BSD-3-Clause
 * Messages of libfdproto made from octets that dia_check accepted. */
#pragma once

#include "common/diameter/check.h"

/* Copies octets and reads them with the dictionary. *raw is the copy; it belongs to the message and lives
 * as long as it. -IMS_ENOMEM, or -IMS_EPARSE when libfdproto disagrees with dia_check. */
int dia_msg_parse(struct span octets, struct msg **out, struct span *raw) IMS_CHECK;

/* Frees the message; keys and password hashes in it and in raw are wiped before. Accepts NULL. */
void dia_msg_free(struct msg *m, struct span raw);

/* True for commands that carry keys. */
bool dia_command_secret(uint32_t code);

/* The octets of a message built with libfdproto, appended to b. */
int dia_msg_octets(struct msg *m, struct buf *b) IMS_CHECK;

/* enum dict_avp of an AVP, or -1; its header. */
int dia_fd_avp_id(struct avp *avp, struct avp_hdr **out);
struct avp *dia_fd_first(msg_or_avp *parent);
struct avp *dia_fd_next(struct avp *avp);
