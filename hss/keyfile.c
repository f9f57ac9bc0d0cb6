/* SPDX-License-Identifier: BSD-3-Clause
 * AES-256-GCM over the key of a file (NIST SP 800-38D). A nonce is 96 random bits: a key serves 2^32
 * seals before that becomes a question. */
#include "hss/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/secret.h"

#define VERSION  1
#define KEY_N    ((size_t)32)
#define NONCE_N  12
#define TAG_N    16
#define FILE_MAX 128

struct keyfile {
        EVP_CIPHER_CTX *seal, *open; /* hold the key schedule */
};

int keyfile_create(const char *path, struct buf *err)
{
        uint8_t key[KEY_N];
        char text[2 * KEY_N + 2];
        int rc = secret_random(key, sizeof key);
        if (rc < 0)
                return rc;
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) {
                rc = errno == EEXIST ? -IMS_EEXISTS : -IMS_EIO;
                buf_printf(err, "key file %s cannot be made: %s\n", path, strerror(errno));
                goto out;
        }
        hex_encode(key, sizeof key, text);
        text[2 * KEY_N] = '\n';
        if (write(fd, text, 2 * KEY_N + 1) != (ssize_t)(2 * KEY_N + 1) || fsync(fd) != 0) {
                buf_printf(err, "key file %s cannot be written: %s\n", path, strerror(errno));
                rc = -IMS_EIO;
                unlink(path);
        }
out:
        if (fd >= 0)
                close(fd);
        secret_wipe(key, sizeof key);
        secret_wipe(text, sizeof text);
        return rc;
}

static int check_file(int fd, const char *path, struct buf *err)
{
        struct stat st;
        if (fstat(fd, &st) != 0) {
                buf_printf(err, "key file %s: %s\n", path, strerror(errno));
                return -IMS_EIO;
        }
        if (!S_ISREG(st.st_mode)) {
                buf_printf(err, "key file %s is refused: it is no regular file\n", path);
                return -IMS_EPERM;
        }
        if (st.st_mode & 0177) {
                buf_printf(err, "key file %s is refused: its mode is %04o, it must be 0600 (chmod 600 %s)\n",
                           path, (unsigned)(st.st_mode & 07777), path);
                return -IMS_EPERM;
        }
        if (st.st_uid != geteuid()) {
                buf_printf(err,
                           "key file %s is refused: it belongs to user %u, not to user %u who runs this\n",
                           path, (unsigned)st.st_uid, (unsigned)geteuid());
                return -IMS_EPERM;
        }
        return 0;
}

/* The 32 octets of the key. */
static int read_key(const char *path, uint8_t key[static KEY_N], struct buf *err)
{
        char text[FILE_MAX];
        int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
                bool missing = errno == ENOENT, denied = errno == EACCES;
                buf_printf(err, "key file %s cannot be opened: %s%s\n", path, strerror(errno),
                           missing  ? " (the credentials of the database cannot be read without the key they "
                                      "were "
                                      "stored under; `hss init` makes a new store)"
                           : denied ? " (run this as the user it belongs to)"
                                    : "");
                return missing ? -IMS_ENOTFOUND : -IMS_EPERM;
        }
        int rc = check_file(fd, path, err);
        if (rc < 0)
                goto out;
        ssize_t n = read(fd, text, sizeof text);
        if (n < 0) {
                buf_printf(err, "key file %s cannot be read: %s\n", path, strerror(errno));
                rc = -IMS_EIO;
                goto out;
        }
        rc = hex_decode(span_trim(span_make(text, (size_t)n)), key, KEY_N);
        if (rc < 0) {
                buf_printf(err, "key file %s is refused: it does not hold 64 hex digits\n", path);
                rc = -IMS_EPARSE;
        }
out:
        close(fd);
        secret_wipe(text, sizeof text);
        return rc;
}

int keyfile_load(const char *path, struct keyfile **out, struct buf *err)
{
        uint8_t key[KEY_N];
        int rc = read_key(path, key, err);
        if (rc < 0)
                return rc;
        struct keyfile *k = calloc(1, sizeof *k);
        if (!k) {
                rc = -IMS_ENOMEM;
                goto out;
        }
        k->seal = EVP_CIPHER_CTX_new();
        k->open = EVP_CIPHER_CTX_new();
        if (!k->seal || !k->open || !EVP_EncryptInit_ex(k->seal, EVP_aes_256_gcm(), NULL, key, NULL) ||
            !EVP_DecryptInit_ex(k->open, EVP_aes_256_gcm(), NULL, key, NULL)) {
                rc = -IMS_ECRYPTO;
                goto out;
        }
        *out = k;
        k = NULL;
out:
        keyfile_free(k);
        secret_wipe(key, sizeof key);
        return rc;
}

void keyfile_free(struct keyfile *k)
{
        if (!k)
                return;
        EVP_CIPHER_CTX_free(k->seal); /* wipes */
        EVP_CIPHER_CTX_free(k->open);
        free(k);
}

int keyfile_seal(struct keyfile *k, struct span owner, const void *plain, size_t n,
                 uint8_t out[static KEYFILE_SEALED_MAX], size_t *out_n)
{
        int len = 0;
        if (n > KEYFILE_SEALED_MAX - KEYFILE_OVERHEAD)
                return -IMS_ETOOBIG;
        out[0] = VERSION;
        int rc = secret_random(out + 1, NONCE_N);
        if (rc < 0)
                return rc;
        uint8_t *body = out + 1 + NONCE_N;
        if (!EVP_EncryptInit_ex(k->seal, NULL, NULL, NULL, out + 1) ||
            !EVP_EncryptUpdate(k->seal, NULL, &len, (const uint8_t *)owner.p, (int)owner.n) ||
            !EVP_EncryptUpdate(k->seal, body, &len, plain, (int)n) ||
            !EVP_EncryptFinal_ex(k->seal, body + n, &len) ||
            !EVP_CIPHER_CTX_ctrl(k->seal, EVP_CTRL_GCM_GET_TAG, TAG_N, body + n))
                return -IMS_ECRYPTO;
        *out_n = 1 + NONCE_N + n + TAG_N;
        return 0;
}

int keyfile_open(struct keyfile *k, struct span owner, struct span sealed, void *out, size_t cap,
                 size_t *out_n)
{
        const uint8_t *s = (const uint8_t *)sealed.p;
        int len = 0;
        if (sealed.n < KEYFILE_OVERHEAD || s[0] != VERSION)
                return -IMS_EAUTH;
        size_t n = sealed.n - KEYFILE_OVERHEAD;
        if (n > cap)
                return -IMS_ETOOBIG;
        if (!EVP_DecryptInit_ex(k->open, NULL, NULL, NULL, s + 1) ||
            !EVP_DecryptUpdate(k->open, NULL, &len, (const uint8_t *)owner.p, (int)owner.n) ||
            !EVP_DecryptUpdate(k->open, out, &len, s + 1 + NONCE_N, (int)n) ||
            !EVP_CIPHER_CTX_ctrl(k->open, EVP_CTRL_GCM_SET_TAG, TAG_N,
                                 (void *)(uintptr_t)(s + 1 + NONCE_N + n)))
                return -IMS_ECRYPTO;
        if (EVP_DecryptFinal_ex(k->open, (uint8_t *)out + n, &len) <= 0) {
                secret_wipe(out, n);
                return -IMS_EAUTH;
        }
        *out_n = n;
        return 0;
}
