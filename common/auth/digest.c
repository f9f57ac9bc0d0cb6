/* SPDX-License-Identifier: BSD-3-Clause
 * HTTP digest, RFC 2617 3.2.2 and RFC 7616 3.4; AKAv1, RFC 3310 3.3; AKAv2, RFC 4169 3. */
#include "common/auth/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/codec.h"

enum hash { HASH_MD5, HASH_SHA256, HASHES };

static const struct {
        const char *name;
        enum hash hash;
        bool aka;
} algorithms[DIGEST_ALGORITHMS] = {
        [DIGEST_MD5] = {"MD5", HASH_MD5, false},
        [DIGEST_SHA256] = {"SHA-256", HASH_SHA256, false},
        [DIGEST_AKAV1_MD5] = {"AKAv1-MD5", HASH_MD5, true},
        [DIGEST_AKAV1_SHA256] = {"AKAv1-SHA-256", HASH_SHA256, true},
        [DIGEST_AKAV2_MD5] = {"AKAv2-MD5", HASH_MD5, true},
        [DIGEST_AKAV2_SHA256] = {"AKAv2-SHA-256", HASH_SHA256, true},
};

/* One context per hash, kept for the life of the process: a fresh look-up of the algorithm costs more
 * than the hash of a short text. A node has one thread. */
static EVP_MD_CTX *kept[HASHES];

static EVP_MD_CTX *hash_begin(enum hash h)
{
        if (!kept[h]) {
                EVP_MD_CTX *ctx = EVP_MD_CTX_new();
                if (!ctx)
                        return NULL;
                if (EVP_DigestInit_ex(ctx, h == HASH_MD5 ? EVP_md5() : EVP_sha256(), NULL) != 1) {
                        EVP_MD_CTX_free(ctx);
                        return NULL;
                }
                kept[h] = ctx;
                return ctx;
        }
        return EVP_DigestInit_ex(kept[h], NULL, NULL) == 1 ? kept[h] : NULL;
}

/* H(parts joined by colons) as hex. */
static int hash_joined(enum hash h, const struct span *parts, size_t n, char out[static DIGEST_HEX_MAX])
{
        unsigned char md[EVP_MAX_MD_SIZE];
        unsigned md_n = 0;
        EVP_MD_CTX *ctx = hash_begin(h);
        if (!ctx)
                return -IMS_ECRYPTO;
        for (size_t i = 0; i < n; i++) {
                if (i > 0 && EVP_DigestUpdate(ctx, ":", 1) != 1)
                        return -IMS_ECRYPTO;
                if (parts[i].n && EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) != 1)
                        return -IMS_ECRYPTO;
        }
        if (EVP_DigestFinal_ex(ctx, md, &md_n) != 1)
                return -IMS_ECRYPTO;
        hex_encode(md, md_n, out);
        secret_wipe(md, sizeof(md));
        return 0;
}

int digest_algorithm_parse(struct span word, enum digest_algorithm *out)
{
        for (unsigned i = 0; i < DIGEST_ALGORITHMS; i++) {
                if (span_ieq(word, span_of(algorithms[i].name))) {
                        *out = (enum digest_algorithm)i;
                        return 0;
                }
        }
        return -IMS_EUNSUPPORTED;
}

size_t digest_octets(enum digest_algorithm a)
{
        return algorithms[a].hash == HASH_MD5 ? 16 : 32;
}

const char *digest_algorithm_name(enum digest_algorithm a)
{
        return (unsigned)a < DIGEST_ALGORITHMS ? algorithms[a].name : "unknown";
}

bool digest_is_aka(enum digest_algorithm a)
{
        return (unsigned)a < DIGEST_ALGORITHMS && algorithms[a].aka;
}

int digest_ha1(enum digest_algorithm a, struct span username, struct span realm, struct span password,
               char out[static DIGEST_HEX_MAX])
{
        const struct span parts[] = {username, realm, password};
        return hash_joined(algorithms[a].hash, parts, 3, out);
}

int digest_akav2_password(enum digest_algorithm a, struct span res, const struct key128 *ik,
                          const struct key128 *ck, char out[static 64])
{
        static const char label[] = "http-digest-akav2-password";
        uint8_t key[16 + 2 * sizeof(ik->b)];
        unsigned char mac[EVP_MAX_MD_SIZE];
        unsigned mac_n = 0;
        int err = 0;
        if (res.n > 16)
                return -IMS_EINVAL;
        if (res.n)
                memcpy(key, res.p, res.n);
        memcpy(key + res.n, ik->b, sizeof(ik->b));
        memcpy(key + res.n + sizeof(ik->b), ck->b, sizeof(ck->b));
        const EVP_MD *md = algorithms[a].hash == HASH_MD5 ? EVP_md5() : EVP_sha256();
        if (!HMAC(md, key, (int)(res.n + sizeof(ik->b) + sizeof(ck->b)), (const unsigned char *)label,
                  sizeof(label) - 1, mac, &mac_n)) {
                err = -IMS_ECRYPTO;
                goto out;
        }
        base64_encode(mac, mac_n, out);
out:
        secret_wipe(key, sizeof(key));
        secret_wipe(mac, sizeof(mac));
        return err;
}

int digest_response(const struct digest_input *in, char out[static DIGEST_HEX_MAX])
{
        const enum hash h = algorithms[in->algorithm].hash;
        char ha2[DIGEST_HEX_MAX], body[DIGEST_HEX_MAX];
        struct span a2[3] = {in->method, in->uri, SPAN_NULL};
        size_t n = 2;
        int err = 0;
        if (span_ieq(in->qop, SPAN("auth-int"))) {
                err = hash_joined(h, &in->body, 1, body);
                if (err)
                        return err;
                a2[n++] = span_of(body);
        }
        err = hash_joined(h, a2, n, ha2);
        if (err)
                return err;
        const struct span with_qop[] = {in->ha1, in->nonce, in->nc, in->cnonce, in->qop, span_of(ha2)};
        const struct span without_qop[] = {in->ha1, in->nonce, span_of(ha2)};
        if (in->qop.n)
                return hash_joined(h, with_qop, 6, out);
        return hash_joined(h, without_qop, 3, out);
}

bool digest_equal(struct span received, const char *expected)
{
        const size_t n = strlen(expected);
        unsigned differs = received.n ^ n ? 1 : 0;
        for (size_t i = 0; i < n && i < received.n; i++) {
                unsigned char c = (unsigned char)received.p[i];
                unsigned upper = (unsigned)(c - 'A') < 6u;
                differs |= (unsigned)((c | (upper << 5)) ^ (unsigned char)expected[i]);
        }
        return differs == 0 && n > 0;
}
