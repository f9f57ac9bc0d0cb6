/* SPDX-License-Identifier: BSD-3-Clause
 * Messages of libfdproto made from octets that dia_check accepted. */
#include "common/diameter/msg.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/secret.h"

int dia_fd_avp_id(struct avp *avp, struct avp_hdr **out)
{
        struct avp_hdr *h = NULL;

        if (fd_msg_avp_hdr(avp, &h))
                return -1;
        *out = h;
        return dia_avp_find(h->avp_flags & AVP_FLAG_VENDOR ? h->avp_vendor : 0, h->avp_code);
}

struct avp *dia_fd_first(msg_or_avp *parent)
{
        struct avp *a = NULL;

        return fd_msg_browse(parent, MSG_BRW_FIRST_CHILD, &a, NULL) ? NULL : a;
}

struct avp *dia_fd_next(struct avp *avp)
{
        struct avp *a = NULL;

        return fd_msg_browse(avp, MSG_BRW_NEXT, &a, NULL) ? NULL : a;
}

bool dia_command_secret(uint32_t code)
{
        return code == dict_command_rows[CMD_MAR].code || code == dict_command_rows[CMD_PPR].code;
}

/* AVP by AVP: reading the whole message at once would free the octets, which we keep for Failed-AVP,
 * the trace and wiping. The content of Failed-AVP need not make sense. */
static int read_avps(struct msg *m)
{
        struct fd_pei pei;
        struct avp_hdr *h = NULL;

        for (struct avp *a = dia_fd_first(m); a; a = dia_fd_next(a)) {
                int err = fd_msg_parse_dict(a, dia_dict(), &pei);

                if (err && dia_fd_avp_id(a, &h) != AVP_FAILED_AVP)
                        return err == ENOMEM ? -IMS_ENOMEM : -IMS_EPARSE;
        }
        return 0;
}

int dia_msg_parse(struct span octets, struct msg **out, struct span *raw)
{
        uint8_t *copy = malloc(octets.n), *given = copy;
        struct msg *m = NULL;
        int err;

        if (!copy)
                return -IMS_ENOMEM;
        memcpy(copy, octets.p, octets.n);
        err = fd_msg_parse_buffer(&given, octets.n, &m);
        if (err) {
                free(given); /* not NULL when it was not taken */
                return err == ENOMEM ? -IMS_ENOMEM : -IMS_EPARSE;
        }
        err = read_avps(m);
        if (err) {
                dia_msg_free(m, span_make(copy, octets.n));
                return err;
        }
        *out = m;
        *raw = span_make(copy, octets.n);
        return 0;
}

static void wipe_avps(msg_or_avp *parent)
{
        struct avp_hdr *h = NULL;

        for (struct avp *a = dia_fd_first(parent); a; a = dia_fd_next(a)) {
                int id = dia_fd_avp_id(a, &h);

                if (!h)
                        return;
                if (id >= 0 && dict_avp_secret((unsigned)id) && h->avp_value)
                        secret_wipe(h->avp_value->os.data, h->avp_value->os.len);
                else if (!h->avp_value)
                        wipe_avps(a);
        }
}

void dia_msg_free(struct msg *m, struct span raw)
{
        struct msg_hdr *h = NULL;

        if (!m)
                return;
        if (fd_msg_hdr(m, &h) == 0 && dia_command_secret(h->msg_code)) {
                wipe_avps(m);
                if (raw.n)
                        secret_wipe((char *)raw.p, raw.n);
        }
        fd_msg_free(m);
}

int dia_msg_octets(struct msg *m, struct buf *b)
{
        uint8_t *octets = NULL;
        size_t n = 0;
        int err = fd_msg_bufferize(m, &octets, &n);

        if (err)
                return err == ENOMEM ? -IMS_ENOMEM : -IMS_EINVAL;
        buf_put(b, octets, n);
        secret_free(octets, n);
        return b->err;
}
