/* SPDX-License-Identifier: BSD-3-Clause
 * Keys of SAs in the form Wireshark reads (preferences folder, file esp_sa), written only when asked for. */
#pragma once

#include "common/ipsec/sa.h"

struct esp_keylog;

/* file: made with mode 0600, appended to; NULL: nothing is logged and *out is NULL. -IMS_EIO (logged),
 * -IMS_ENOMEM. */
int esp_keylog_open(const char *file, struct esp_keylog **out) IMS_CHECK;
void esp_keylog_close(struct esp_keylog *l); /* accepts NULL */

/* Four lines, one per SA. l may be NULL. A full disk is logged once and stops the log. With aes-gmac, which
 * Wireshark does not know, the lines are comments without a key: nothing is encrypted there. With UDP-enc-tun
 * the addresses are those of the outer header: ue_local where it is set, else ue. */
void esp_keylog_write(struct esp_keylog *l, const struct sa_params *p, const struct esp_keys *keys);
