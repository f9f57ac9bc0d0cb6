/* SPDX-License-Identifier: BSD-3-Clause
 * A tiny reader for the vectors in tests/data: the value at a path such as "sets[2].K". Trusts its
 * input, which lies next to it in the repository. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole file as a C string (free). Ends the test program when it cannot be read. */
static inline char *json_read(const char *path)
{
        FILE *f = fopen(path, "rb");
        if (!f) {
                perror(path);
                exit(2);
        }
        size_t n = 0, cap = 1 << 20;
        char *text = malloc(cap);
        if (text)
                n = fread(text, 1, cap - 1, f);
        (void)fclose(f);
        if (!text || n == cap - 1) {
                (void)fprintf(stderr, "%s: too big\n", path);
                exit(2);
        }
        text[n] = 0;
        return text;
}

static inline const char *json_ws(const char *p)
{
        return p + strspn(p, " \t\r\n,:");
}

/* Behind the value at p. */
static inline const char *json_skip(const char *p)
{
        p = json_ws(p);
        if (*p == '"') {
                for (p++; *p && *p != '"'; p++)
                        p += *p == '\\';
                return *p ? p + 1 : p;
        }
        if (*p == '{' || *p == '[') {
                for (p = json_ws(p + 1); *p && *p != '}' && *p != ']'; p = json_ws(p))
                        p = json_skip(p);
                return *p ? p + 1 : p;
        }
        return p + strcspn(p, ",]} \t\r\n");
}

/* The member called name of the object at p, or NULL. */
static inline const char *json_member(const char *p, const char *name, size_t name_n)
{
        p = json_ws(p);
        if (*p != '{')
                return NULL;
        for (p = json_ws(p + 1); *p == '"'; p = json_ws(json_skip(p))) {
                const char *end = json_skip(p);
                bool hit = (size_t)(end - p) == name_n + 2 && memcmp(p + 1, name, name_n) == 0;
                p = end;
                if (hit)
                        return json_ws(p);
        }
        return NULL;
}

static inline const char *json_element(const char *p, unsigned long index)
{
        p = json_ws(p);
        if (*p != '[')
                return NULL;
        for (p = json_ws(p + 1); *p && *p != ']'; p = json_ws(json_skip(p))) {
                if (index-- == 0)
                        return p;
        }
        return NULL;
}

static inline const char *json_at(const char *doc, const char *path)
{
        const char *p = doc;
        while (p && *path) {
                if (*path == '[') {
                        char *end = NULL;
                        p = json_element(p, strtoul(path + 1, &end, 10));
                        path = end + 1;
                } else {
                        path += *path == '.';
                        size_t n = strcspn(path, ".[");
                        p = json_member(p, path, n);
                        path += n;
                }
        }
        return p;
}

/* The string or number at path as text; false when there is none or null. Escapes: only \uXXXX below 256 (as
 * UTF-8) and \n, \" and the like. */
static inline bool json_text(const char *doc, const char *path, char *out, size_t size)
{
        const char *p = json_at(doc, path);
        size_t n = 0;
        if (!p || strncmp(p, "null", 4) == 0)
                return false;
        const char *end = json_skip(p);
        if (*p == '"') {
                p++;
                end--;
        }
        while (p < end && n + 3 < size) {
                if (*p != '\\') {
                        out[n++] = *p++;
                } else if (p[1] == 'u') {
                        unsigned c = 0;
                        (void)sscanf(p + 2, "%4x", &c);
                        if (c > 0x7f)
                                out[n++] = (char)(0xc0 | (c >> 6));
                        out[n++] = (char)(c > 0x7f ? 0x80 | (c & 0x3f) : c);
                        p += 6;
                } else {
                        out[n++] = p[1] == 'n' ? '\n' : p[1] == 'r' ? '\r' : p[1] == 't' ? '\t' : p[1];
                        p += 2;
                }
        }
        out[n] = 0;
        return true;
}
