/* SPDX-License-Identifier: BSD-3-Clause
 * Subscribers: by a rule, or from the file that the HSS imported. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/auth/digest.h"
#include "common/base/codec.h"
#include "tests/bench/sip_load/load.h"

struct load_keys {
        struct load_key *v;
        uint32_t n, cap;
};

/* splitmix64: a fixed function of its argument, good enough for keys of nobody. */
static uint64_t mix(uint64_t x)
{
        x += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        return x ^ x >> 31;
}

void load_key_of(const struct load_conf *c, const struct load_keys *keys, uint32_t i, struct load_key *out)
{
        if (keys) {
                *out = keys->v[i];
                return;
        }
        uint64_t words[4], number = (uint64_t)c->first + i;

        if (c->all)
                number = number * c->step % c->all;
        for (uint64_t w = 0; w < 4; w++)
                words[w] = mix(c->seed ^ mix(4 * number + w));
        memcpy(out->k, words, 16);
        memcpy(out->opc, words + 2, 16);
        memcpy(out->imsi, "0010101", 7);
        for (int at = 14; at >= 7; at--, number /= 10)
                out->imsi[at] = (char)('0' + number % 10);
        out->imsi[15] = '\0';
}

void load_password_of(const struct load_key *key, char out[static LOAD_PASSWORD_SIZE])
{
        hex_encode(key->k, sizeof key->k, out);
}

static int write_digest_row(const struct load_key *key, FILE *f)
{
        char user[64], password[LOAD_PASSWORD_SIZE], ha1[DIGEST_HEX_MAX];
        int err;

        (void)snprintf(user, sizeof user, "%s@" LOAD_DOMAIN, key->imsi);
        load_password_of(key, password);
        err = digest_ha1(DIGEST_MD5, span_of(user), SPAN(LOAD_DOMAIN), span_of(password), ha1);
        if (!err)
                (void)fprintf(f, "%s,1666%s,%s,%s\n", key->imsi, key->imsi + 7, user, ha1);
        return err;
}

static void write_aka_row(const struct load_key *key, FILE *f)
{
        char k[33], opc[33];

        hex_encode(key->k, 16, k);
        hex_encode(key->opc, 16, opc);
        (void)fprintf(f, "%s,1666%s,%s,%s\n", key->imsi, key->imsi + 7, k, opc);
}

int load_csv_write(const struct load_conf *c, const char *file)
{
        FILE *f = strcmp(file, "-") == 0 ? stdout : fopen(file, "we");
        struct load_key key;
        int err = 0;

        if (!f)
                return -IMS_EIO;
        (void)fputs(c->digest ? "imsi,msisdn,impi,digest-ha1\n" : "imsi,msisdn,k,opc\n", f);
        for (uint32_t i = 0; !err && i < c->n; i++) {
                load_key_of(c, NULL, i, &key);
                if (c->digest)
                        err = write_digest_row(&key, f);
                else
                        write_aka_row(&key, f);
        }
        bool bad = ferror(f);
        if (f != stdout)
                bad |= fclose(f) != 0;
        return err ? err : bad ? -IMS_EIO : 0;
}

/* Where the columns stand, by the first row. */
static int find_columns(struct span row, size_t columns[static 3])
{
        static const char *const names[] = {"imsi", "k", "opc"};
        struct span name;
        unsigned found = 0;

        for (size_t at = 0; row.n && span_split(&row, ',', &name); at++)
                for (size_t i = 0; i < 3; i++)
                        if (span_eq(span_trim(name), span_of(names[i]))) {
                                columns[i] = at;
                                found |= 1u << i;
                        }
        return found == 7 ? 0 : -IMS_EPARSE;
}

static int take_row(struct load_keys *keys, struct span row, const size_t columns[static 3])
{
        struct load_key *key = &keys->v[keys->n];
        struct span cell, want[3] = {SPAN_NULL, SPAN_NULL, SPAN_NULL};

        for (size_t at = 0; row.n && span_split(&row, ',', &cell); at++)
                for (size_t i = 0; i < 3; i++)
                        if (columns[i] == at)
                                want[i] = span_trim(cell);
        int err = span_copy(want[0], key->imsi, sizeof key->imsi);
        if (!err)
                err = hex_decode(want[1], key->k, 16);
        if (!err)
                err = hex_decode(want[2], key->opc, 16);
        return err;
}

static int take_line(struct load_keys *keys, struct span row, bool *have_columns, size_t columns[static 3])
{
        if (row.n == 0 || row.p[0] == '#')
                return 0;
        if (!*have_columns) {
                *have_columns = true;
                return find_columns(row, columns);
        }
        if (keys->n == keys->cap) {
                uint32_t cap = keys->cap ? keys->cap * 2 : 1024;
                struct load_key *v = realloc(keys->v, cap * sizeof *v);
                if (!v)
                        return -IMS_ENOMEM;
                keys->v = v;
                keys->cap = cap;
        }
        int err = take_row(keys, row, columns);
        keys->n += err == 0;
        return err;
}

int load_keys_read(const char *file, struct load_keys **out)
{
        struct load_keys *keys = calloc(1, sizeof *keys);
        size_t columns[3] = {0}, line = 0, cap = 0;
        bool have_columns = false;
        char *text = NULL;
        ssize_t n;
        FILE *f = fopen(file, "re");
        int err = !keys ? -IMS_ENOMEM : !f ? -IMS_EIO : 0;

        while (!err && (n = getline(&text, &cap, f)) > 0) {
                line++;
                err = take_line(keys, span_trim(span_make(text, (size_t)n)), &have_columns, columns);
        }
        if (!err && keys->n == 0)
                err = -IMS_EPARSE;
        if (err)
                (void)fprintf(stderr, "%s:%zu: %s (columns imsi, k and opc are needed)\n", file, line,
                              ims_strerror(err));
        free(text);
        if (f)
                (void)fclose(f);
        if (err)
                load_keys_free(keys);
        else
                *out = keys;
        return err;
}

uint32_t load_keys_n(const struct load_keys *keys)
{
        return keys->n;
}

void load_keys_free(struct load_keys *keys)
{
        if (keys)
                free(keys->v);
        free(keys);
}
