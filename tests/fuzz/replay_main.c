/* SPDX-License-Identifier: BSD-3-Clause
 * Runs a fuzz target without libFuzzer: replay [-m N] FILE|DIRECTORY... gives every file to the target,
 * then N fixed mutations of it (the same ones in every run). */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static unsigned long runs;
static unsigned mutations;

static uint32_t next_random(uint32_t *state)
{
        *state = *state * 1664525u + 1013904223u;
        return *state >> 8;
}

/* A copy of its exact size, so that a sanitizer sees the first octet read behind it. */
static void run(const uint8_t *data, size_t n)
{
        uint8_t *exact = malloc(n ? n : 1);
        if (!exact)
                exit(2);
        memcpy(exact, data, n);
        (void)LLVMFuzzerTestOneInput(exact, n);
        free(exact);
        runs++;
}

/* Cuts, flips a bit, sets, repeats or removes a piece. */
static size_t mutate(uint8_t *data, size_t n, uint32_t *random)
{
        static const uint8_t favourites[] = {0, '"', ',', ';', '<', '>', '\r', '\n', ' ', 0x7f, 0x80, 0xff};
        const size_t at = next_random(random) % n, more = next_random(random) % 64;
        switch (next_random(random) % 5) {
        case 0:
                return at;
        case 1:
                data[at] ^= (uint8_t)(1u << next_random(random) % 8);
                return n;
        case 2:
                data[at] = favourites[next_random(random) % sizeof(favourites)];
                return n;
        case 3:
                if (at + more > n || n + more > INPUT_MAX)
                        return n;
                memmove(data + at + more, data + at, n - at);
                return n + more;
        default:
                if (at + more > n)
                        return at;
                memmove(data + at, data + at + more, n - at - more);
                return n - more;
        }
}

static int replay_file(const char *path)
{
        static uint8_t data[INPUT_MAX], work[INPUT_MAX];
        FILE *f = fopen(path, "rb");
        if (!f) {
                (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
                return 2;
        }
        const size_t n = fread(data, 1, sizeof(data), f);
        (void)fclose(f);
        run(data, n);
        uint32_t random = (uint32_t)n;
        for (unsigned i = 0; i < mutations && n > 0; i++) {
                size_t size = n;
                memcpy(work, data, n);
                for (unsigned k = 0; k <= i % 3 && size > 0; k++)
                        size = mutate(work, size, &random);
                run(work, size);
        }
        return 0;
}

static int replay(const char *path)
{
        DIR *d = opendir(path);
        int code = 0;
        if (!d)
                return replay_file(path);
        for (const struct dirent *e; !code && (e = readdir(d)) != NULL;) {
                char name[4096];
                if (e->d_name[0] == '.')
                        continue;
                (void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
                code = replay(name);
        }
        (void)closedir(d);
        return code;
}

int main(int argc, char **argv)
{
        int code = 0;
        for (int i = 1; i < argc && !code; i++) {
                if (strcmp(argv[i], "-m") == 0 && i + 1 < argc)
                        mutations = (unsigned)strtoul(argv[++i], NULL, 10);
                else
                        code = replay(argv[i]);
        }
        (void)printf("%lu inputs\n", runs);
        return code ? code : runs == 0;
}
