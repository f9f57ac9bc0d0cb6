/* SPDX-License-Identifier: BSD-3-Clause
 * The credential of SIP Digest: H(A1) of IMPI, realm and password (RFC 2617 3.2.2.2, RFC 7616 3.4.2). TS
 * 33.203 N.2.1.1. */
#include "hss/subscriber.h"

#include "common/base/codec.h"
#include "common/base/secret.h"
#include "hss/store_push.h"

/* H(A1) of a password that nobody knows, until a device fetches one. */
static int ha1_of_nothing(const struct record *r, char ha1[static DIGEST_HEX_MAX])
{
        char password[65];
        uint8_t random[32];
        int rc = secret_random(random, sizeof random);
        hex_encode(random, sizeof random, password);
        if (rc == 0)
                rc = digest_ha1(r->digest_algorithm, r->impi, r->digest_realm, span_of(password), ha1);
        secret_wipe(random, sizeof random);
        secret_wipe(password, sizeof password);
        return rc;
}

int sub_fill_digest(const struct provision *p, const struct subscriber *sub, struct record *r,
                    struct buf *err)
{
        char ha1[DIGEST_HEX_MAX];
        ptrdiff_t at = span_chr(r->impi, '@', 0);
        int rc = 0;
        if (sub_given(sub, SUB_DIGEST_REALM))
                r->digest_realm = sub->digest_realm;
        else if (!r->digest_realm.p)
                r->digest_realm = span_sub(r->impi, (size_t)at + 1, r->impi.n);
        if (sub_given(sub, SUB_DIGEST_ALGORITHM))
                r->digest_algorithm = sub->digest_algorithm;
        if (sub_given(sub, SUB_DIGEST_HA1)) {
                const size_t digits = 2 * digest_octets(r->digest_algorithm);

                if (strlen(sub->ha1) != digits) {
                        buf_printf(err, "%s: H(A1) of %s has %zu hex digits (--digest-algorithm)\n",
                                   sub_rows[SUB_DIGEST_HA1].name, digest_algorithm_name(r->digest_algorithm),
                                   digits);
                        return -IMS_EINVAL;
                }
                memcpy(ha1, sub->ha1, sizeof ha1);
        } else if (sub_given(sub, SUB_BOOTSTRAP)) {
                rc = ha1_of_nothing(r, ha1);
        } else {
                rc = digest_ha1(r->digest_algorithm, r->impi, r->digest_realm, span_of(sub->password), ha1);
        }
        if (rc == 0)
                rc = sub_seal(p, r, ha1, strlen(ha1));
        secret_wipe(ha1, sizeof ha1);
        r->scheme = HSS_SCHEME_DIGEST;
        r->line_ids = SPAN_NULL;
        return rc;
}

bool sub_gives_digest(const struct subscriber *sub)
{
        static const enum sub_field fields[] = {SUB_PASSWORD, SUB_PASSWORD_FILE, SUB_PASSWORD_STDIN,
                                                SUB_BOOTSTRAP, SUB_DIGEST_HA1};
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
                if (sub_given(sub, fields[i]))
                        return true;
        return false;
}

int sub_queue_push(const struct provision *p, const struct subscriber *sub, const struct record *r,
                   bool digest, bool *queued)
{
        bool password = digest && sub_gives_digest(sub);
        enum push_ending ending = sub_given(sub, SUB_DEREGISTER)       ? PUSH_DEREGISTER
                                  : sub_given(sub, SUB_REAUTHENTICATE) ? PUSH_REAUTHENTICATE
                                                                       : PUSH_STAYS;
        *queued = r->scscf_host.p && (password || ending != PUSH_STAYS);
        return *queued ? store_push_put(p->store, r->id, password, ending) : 0;
}
