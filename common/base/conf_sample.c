/* SPDX-License-Identifier: BSD-3-Clause
 * The commented sample file. "# " starts an explanation; "#key" is a setting with its default, ready
 * to be uncommented; a key that must be given stands there as it is. */
#include <inttypes.h>

#include "common/base/conf_int.h"

struct sample {
        FILE *to;
        int indent;
        bool off;  /* settings are commented out */
        bool dash; /* the next setting opens an item of a list */
};

/* A value that shows the form wanted where there is no default. */
static const char *example(const struct conf_key *key)
{
        static const char *const texts[] = {"example.org",
                                            "127.0.0.1:5060",
                                            "udp:127.0.0.1:5060",
                                            "example.org=127.0.0.1",
                                            "sip:example.org:5060",
                                            "127.0.0.1",
                                            "1,2",
                                            "/var/lib/quintet/file",
                                            "1",
                                            "001010000000001",
                                            ""};

        for (size_t i = 0; key->check && i < sizeof(texts) / sizeof(texts[0]); i++)
                if (!key->check(texts[i]))
                        return texts[i];
        return texts[0];
}

static void put_indent(const struct sample *s)
{
        (void)fprintf(s->to, "%*s", s->indent, "");
}

static void put_string(FILE *to, struct span s)
{
        (void)fputc('"', to);
        for (size_t i = 0; i < s.n; i++)
                (void)fprintf(to, s.p[i] == '"' || s.p[i] == '\\' ? "\\%c" : "%c", s.p[i]);
        (void)fputc('"', to);
}

static void put_list(FILE *to, struct span rest)
{
        struct span part;

        (void)fputc('[', to);
        for (bool first = true; rest.n && span_split(&rest, ',', &part); first = false) {
                if (!first)
                        (void)fputs(", ", to);
                put_string(to, span_trim(part));
        }
        (void)fputc(']', to);
}

static void put_value(FILE *to, const struct conf_key *key)
{
        switch (key->type) {
        case CONF_STR:
                put_string(to, span_of(key->def ? key->def : example(key)));
                break;
        case CONF_STR_LIST:
                put_list(to, span_of(key->def ? key->def : key->optional ? "" : example(key)));
                break;
        case CONF_BOOL:
                (void)fputs(key->def ? key->def : "no", to);
                break;
        case CONF_ENUM:
                (void)fputs(key->def ? key->def : key->words[0], to);
                break;
        case CONF_U32:
        case CONF_TIME_S:
        case CONF_TIME_MS:
                if (key->def)
                        (void)fputs(key->def, to);
                else
                        (void)fprintf(to, "%" PRIu64, key->min);
                break;
        case CONF_MAP_LIST:
                break;
        }
}

static void put_doc(struct sample *s, const struct conf_key *key)
{
        put_indent(s);
        (void)fprintf(s->to, "# %s", key->doc ? key->doc : key->name);
        if (key->type == CONF_ENUM) {
                (void)fputs("; one of:", s->to);
                for (int i = 0; key->words[i]; i++)
                        (void)fprintf(s->to, "%s %s", i ? "," : "", key->words[i]);
        } else if (key->max) {
                (void)fprintf(s->to, "; %" PRIu64 "..%" PRIu64 "%s", key->min, key->max,
                              key->type == CONF_TIME_MS  ? " ms"
                              : key->type == CONF_TIME_S ? " s"
                                                         : "");
        }
        if (!key->def)
                (void)fputs(key->optional ? "; may be absent" : "; must be given", s->to);
        (void)fputc('\n', s->to);
}

static void put_name(struct sample *s, const char *name, size_t n, bool off)
{
        put_indent(s);
        if (off)
                (void)fputc('#', s->to);
        if (s->dash) {
                (void)fputs("- ", s->to);
                s->indent += 2;
                s->dash = false;
        }
        (void)fprintf(s->to, "%.*s:", (int)n, name);
}

static void put_keys(struct sample *s, const struct conf_key *keys, struct span prefix);

static void put_leaf(struct sample *s, const struct conf_key *key, const char *name)
{
        bool off = s->off || key->def || key->optional;

        put_doc(s, key);
        put_name(s, name, strlen(name), off);
        if (key->type == CONF_MAP_LIST) {
                struct sample item = {.to = s->to, .indent = s->indent + 2, .off = off, .dash = true};

                (void)fputc('\n', s->to);
                put_keys(&item, key->item, SPAN(""));
        } else {
                (void)fputc(' ', s->to);
                put_value(s->to, key);
                (void)fputc('\n', s->to);
        }
}

/* True when an earlier key opened this group already. */
static bool group_seen(const struct conf_key *keys, const struct conf_key *key, struct span group)
{
        for (; keys < key; keys++)
                if (span_starts(span_of(keys->name), group))
                        return true;
        return false;
}

/* prefix: "" or a group with its dot. */
static void put_keys(struct sample *s, const struct conf_key *keys, struct span prefix)
{
        for (const struct conf_key *key = keys; key->name; key++) {
                struct span name = span_of(key->name), group;
                ptrdiff_t dot;

                if (!span_starts(name, prefix))
                        continue;
                dot = span_chr(name, '.', prefix.n);
                if (dot < 0) {
                        put_leaf(s, key, key->name + prefix.n);
                        continue;
                }
                group = span_sub(name, 0, (size_t)dot + 1);
                if (group_seen(keys, key, group))
                        continue;
                if (prefix.n == 0 && !s->off)
                        (void)fputc('\n', s->to);
                put_name(s, key->name + prefix.n, (size_t)dot - prefix.n, s->off);
                (void)fputc('\n', s->to);
                s->indent += 2;
                put_keys(s, keys, group);
                s->indent -= 2;
        }
}

void conf_sample(const struct conf_schema *schema, FILE *to)
{
        struct sample s = {.to = to};

        (void)fprintf(to,
                      "# Configuration of %s. Each setting stands with its default behind a '#';\n"
                      "# take the '#' away to change it.\n",
                      schema->node);
        put_keys(&s, schema->keys, SPAN(""));
}
