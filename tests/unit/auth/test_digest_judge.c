/* SPDX-License-Identifier: BSD-3-Clause
 * Digest against programs nobody here wrote: md5sum and sha256sum of coreutils hash A1, A2 and the whole of
 * random inputs once more (RFC 7616 3.4.1 to 3.4.3, RFC 2617 3.2.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/auth/digest.h"
#include "common/base/buf.h"
#include "tests/unit/proves.h"

#define INPUTS 24

struct input {
        char user[40], realm[40], password[40], method[12], uri[40], nonce[40], cnonce[20], nc[12], qop[12];
        struct span body;
        char ha1[DIGEST_HEX_MAX], ha2[DIGEST_HEX_MAX], h_body[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX];
};

static char dir[] = "/tmp/quintet-digest-XXXXXX";

/* One seed for the run, said when something differs. */
static unsigned seed;

static unsigned draw(unsigned below)
{
        return (unsigned)rand_r(&seed) % below;
}

/* min to max octets; passwords and names of any octets but NUL and the colon that separates them. */
static void text(char *out, unsigned min, unsigned max, bool any)
{
        unsigned n = min + draw(max - min + 1), c;

        for (unsigned i = 0; i < n; i++) {
                do
                        c = any ? 1 + draw(255) : 'a' + draw(26);
                while (c == ':');
                out[i] = (char)c;
        }
        out[n] = 0;
}

static void put_file(unsigned i, const struct buf *b)
{
        char path[64];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%02u", dir, i);
        f = fopen(path, "wb");
        assert_non_null(f);
        if (b->n)
                assert_int_equal(fwrite(b->p, 1, b->n, f), b->n);
        assert_int_equal(fclose(f), 0);
}

typedef void write_fn(const struct input *in, struct buf *out);

/* The program's hash of what write makes of each input, to the member at that offset. */
static void hash_all(const char *program, struct input *in, write_fn *write, size_t to)
{
        char command[128], line[256];
        unsigned n = 0;
        FILE *f;

        for (unsigned i = 0; i < INPUTS; i++) {
                struct buf b = BUF_INIT;

                write(&in[i], &b);
                put_file(i, &b);
                buf_free(&b);
        }
        (void)snprintf(command, sizeof(command), "cd %s && LC_ALL=C %s ??", dir, program);
        f = popen(command, "r");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                assert_true(n < INPUTS);
                assert_int_equal(sscanf(line, "%64[0-9a-f]", (char *)&in[n] + to), 1);
                n++;
        }
        assert_int_equal(pclose(f), 0);
        assert_int_equal(n, INPUTS);
}

static void a1(const struct input *in, struct buf *out)
{
        buf_printf(out, "%s:%s:%s", in->user, in->realm, in->password);
}

static void body(const struct input *in, struct buf *out)
{
        buf_span(out, in->body);
        if (!out->n)
                buf_puts(out, "");
}

static void a2(const struct input *in, struct buf *out)
{
        buf_printf(out, "%s:%s", in->method, in->uri);
        if (strcmp(in->qop, "auth-int") == 0)
                buf_printf(out, ":%s", in->h_body);
}

static void whole(const struct input *in, struct buf *out)
{
        buf_printf(out, "%s:%s:", in->ha1, in->nonce);
        if (in->qop[0])
                buf_printf(out, "%s:%s:%s:", in->nc, in->cnonce, in->qop);
        buf_puts(out, in->ha2);
}

static void make(struct input *in)
{
        static const char *const qop[] = {"auth", "auth-int", ""};
        static const char bodies[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n";

        text(in->user, 0, 30, true);
        text(in->realm, 0, 30, true);
        text(in->password, 0, 39, true);
        if (draw(4)) /* without a method it is rspauth */
                text(in->method, 3, 8, false);
        text(in->uri, 1, 39, true);
        text(in->nonce, 0, 39, true);
        text(in->cnonce, 1, 19, true);
        (void)snprintf(in->nc, sizeof(in->nc), "%08x", draw(1u << 30));
        (void)snprintf(in->qop, sizeof(in->qop), "%s", qop[draw(3)]);
        in->body = span_make(bodies, draw(sizeof(bodies)));
}

static void compare(enum digest_algorithm algorithm, const char *program)
{
        static struct input in[INPUTS];
        const unsigned began = seed;

        memset(in, 0, sizeof(in));
        for (unsigned i = 0; i < INPUTS; i++)
                make(&in[i]);
        hash_all(program, in, a1, offsetof(struct input, ha1));
        hash_all(program, in, body, offsetof(struct input, h_body));
        hash_all(program, in, a2, offsetof(struct input, ha2));
        hash_all(program, in, whole, offsetof(struct input, response));
        for (unsigned i = 0; i < INPUTS; i++) {
                char ha1[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX];
                const struct digest_input d = {.algorithm = algorithm,
                                               .ha1 = span_of(in[i].ha1),
                                               .method = span_of(in[i].method),
                                               .uri = span_of(in[i].uri),
                                               .nonce = span_of(in[i].nonce),
                                               .cnonce = span_of(in[i].cnonce),
                                               .nc = span_of(in[i].nc),
                                               .qop = span_of(in[i].qop),
                                               .body = in[i].body};

                assert_int_equal(digest_ha1(algorithm, span_of(in[i].user), span_of(in[i].realm),
                                            span_of(in[i].password), ha1),
                                 0);
                assert_int_equal(digest_response(&d, response), 0);
                if (strcmp(ha1, in[i].ha1) != 0 || strcmp(response, in[i].response) != 0)
                        fail_msg("input %u of seed %u: %s is not %s", i, began, response, in[i].response);
        }
}

static void md5_as_md5sum(void **state)
{
        (void)state;
        compare(DIGEST_MD5, "md5sum");
        proves("DIG-018");
}

static void sha256_as_sha256sum(void **state)
{
        (void)state;
        compare(DIGEST_SHA256, "sha256sum");
        proves("DIG-018");
}

/* AKA differs in the password alone (RFC 3310 3.3). */
static void akav1_as_md5sum(void **state)
{
        (void)state;
        compare(DIGEST_AKAV1_MD5, "md5sum");
}

static int make_dir(void **state)
{
        FILE *f = fopen("/dev/urandom", "rb");

        (void)state;
        if (!f || fread(&seed, sizeof(seed), 1, f) != 1)
                return -1;
        fclose(f);
        return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
        char path[64];

        (void)state;
        for (unsigned i = 0; i < INPUTS; i++) {
                (void)snprintf(path, sizeof(path), "%s/%02u", dir, i);
                (void)unlink(path);
        }
        return rmdir(dir);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(md5_as_md5sum),
                cmocka_unit_test(sha256_as_sha256sum),
                cmocka_unit_test(akav1_as_md5sum),
        };

        return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
