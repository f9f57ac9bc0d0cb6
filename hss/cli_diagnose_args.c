/* SPDX-License-Identifier: BSD-3-Clause
 * The command line of `hss diagnose`: evidence in hex, or as it stands in a REGISTER (RFC 3310 3). */
#include <stdio.h>

#include "common/base/codec.h"
#include "common/sip/auth_param.h"
#include "common/trace/command.h"
#include "hss/cli_diagnose.h"

enum word {
        W_RAND,
        W_AUTN,
        W_NONCE,
        W_AUTS,
        W_RES,
        W_AUTHORIZATION,
        W_RESPONSE,
        W_USERNAME,
        W_REALM,
        W_URI,
        W_METHOD,
        W_ALGORITHM,
        W_QOP,
        W_NC,
        W_CNONCE,
        WORDS
};

/* The options; those with a parameter are also taken from the value of --authorization. */
static const struct {
        const char *name;
        bool parameter;
} words[WORDS] = {
        [W_RAND] = {"rand", false},        [W_AUTN] = {"autn", false},
        [W_NONCE] = {"nonce", true},       [W_AUTS] = {"auts", true},
        [W_RES] = {"res", false},          [W_AUTHORIZATION] = {"authorization", false},
        [W_RESPONSE] = {"response", true}, [W_USERNAME] = {"username", true},
        [W_REALM] = {"realm", true},       [W_URI] = {"uri", true},
        [W_METHOD] = {"method", false},    [W_ALGORITHM] = {"algorithm", true},
        [W_QOP] = {"qop", true},           [W_NC] = {"nc", true},
        [W_CNONCE] = {"cnonce", true},
};

struct given {
        struct span v[WORDS];
        bool is[WORDS];
};

static int refuse(struct cli *c, enum word w, const char *why)
{
        buf_printf(&c->err, "--%s: %s\n", words[w].name, why);
        return -IMS_EINVAL;
}

static int take_option(struct cli *c, int argc, char **argv, int *i, struct given *g)
{
        struct span name = span_of(argv[*i] + 2), value = SPAN_NULL;
        const char *why = NULL;
        ptrdiff_t eq = span_chr(name, '=', 0);
        if (eq >= 0) {
                value = span_sub(name, (size_t)eq + 1, name.n);
                name = span_sub(name, 0, (size_t)eq);
        }
        for (int w = 0; w < WORDS; w++) {
                if (!span_eq(name, span_of(words[w].name)))
                        continue;
                if (eq < 0 && *i + 1 >= argc)
                        why = "the value is missing";
                else if (g->is[w])
                        why = "given twice";
                if (why) {
                        (void)refuse(c, (enum word)w, why);
                        return cli_misused(c, NULL);
                }
                g->v[w] = eq >= 0 ? value : span_of(argv[++*i]);
                g->is[w] = true;
                return 0;
        }
        buf_puts(&c->err, "--");
        buf_quoted(&c->err, name, 60);
        buf_puts(&c->err, ": no such option here\n");
        return cli_misused(c, NULL);
}

static int read_words(struct cli *c, int argc, char **argv, struct diagnose_order *o, struct given *g)
{
        int rc = 0;
        for (int i = 0; i < argc && rc == 0; i++) {
                if (strcmp(argv[i], "--json") == 0) {
                        o->json = true;
                } else if (strcmp(argv[i], "--repair") == 0) {
                        o->repair = true;
                } else if (strncmp(argv[i], "--", 2) == 0) {
                        rc = take_option(c, argc, argv, &i, g);
                } else if (!o->id && argv[i][0] && argv[i][0] != '-') {
                        o->id = argv[i];
                } else {
                        rc = cli_misused(c, argv[i]);
                }
        }
        if (rc == 0 && !o->id)
                rc = cli_misused(c, NULL);
        return rc;
}

/* "Digest username=...": what was not given as an option. */
static int read_authorization(struct cli *c, struct given *g)
{
        struct sip_auth a;
        struct span value = g->v[W_AUTHORIZATION];
        if (!g->is[W_AUTHORIZATION])
                return 0;
        if (span_istarts(value, SPAN("Authorization:")))
                value = span_sub(value, sizeof "Authorization:" - 1, value.n);
        if (sip_auth_parse(value, true, &a) < 0 || !span_ieq(a.scheme, SPAN("Digest")))
                return refuse(c, W_AUTHORIZATION, "is not Digest with name=value, name=\"value\", ...");
        for (int w = 0; w < WORDS; w++) {
                const struct span *p = words[w].parameter ? sip_auth_get(&a, words[w].name) : NULL;
                if (!p || g->is[w])
                        continue;
                g->v[w] = *p;
                g->is[w] = true;
        }
        return 0;
}

/* RAND and AUTN out of the nonce; an option says it better. */
static int read_challenge(struct cli *c, const struct given *g, struct diagnose_order *o)
{
        uint8_t nonce[256], *both = nonce;
        size_t n = 0;
        if (!g->is[W_RAND] && !g->is[W_NONCE])
                return refuse(c, W_RAND, "RAND of the challenge is needed, or its nonce");
        if (g->is[W_NONCE] &&
            (base64_decode(g->v[W_NONCE], nonce, sizeof nonce, &n) < 0 || n < AKA_RAND_N + AKA_AUTN_N))
                return refuse(c, W_NONCE, "is not base64 of RAND and AUTN");
        if (n) {
                memcpy(o->e.rand, both, AKA_RAND_N);
                memcpy(o->e.autn, both + AKA_RAND_N, AKA_AUTN_N);
                o->e.has_autn = true;
        }
        if (g->is[W_RAND] && hex_decode(g->v[W_RAND], o->e.rand, AKA_RAND_N) < 0)
                return refuse(c, W_RAND, "RAND is 32 hex digits");
        if (g->is[W_AUTN]) {
                if (hex_decode(g->v[W_AUTN], o->e.autn, AKA_AUTN_N) < 0)
                        return refuse(c, W_AUTN, "AUTN is 32 hex digits");
                o->e.has_autn = true;
        }
        return 0;
}

static int read_answers(struct cli *c, const struct given *g, struct diagnose_order *o)
{
        size_t n = 0;
        if (g->is[W_AUTS] && g->v[W_AUTS].n) {
                if (hex_decode(g->v[W_AUTS], o->e.auts, AKA_AUTS_N) < 0 &&
                    (base64_decode(g->v[W_AUTS], o->e.auts, AKA_AUTS_N, &n) < 0 || n != AKA_AUTS_N))
                        return refuse(c, W_AUTS, "AUTS is 28 hex digits, or 14 octets in base64");
                o->e.has_auts = true;
        }
        if (g->is[W_RES]) {
                o->e.res_n = g->v[W_RES].n / 2;
                if (o->e.res_n == 0 || o->e.res_n > sizeof o->e.res ||
                    hex_decode(g->v[W_RES], o->e.res, o->e.res_n) < 0)
                        return refuse(c, W_RES, "RES is 8 to 32 hex digits");
        }
        return 0;
}

/* A response beside AUTS is that of an empty password and says nothing (RFC 3310 3.4). */
static int read_digest(struct cli *c, const struct given *g, struct diagnose_order *o)
{
        struct digest_input *in = &o->e.digest;
        if (!g->is[W_RESPONSE] || !g->v[W_RESPONSE].n || o->e.has_auts)
                return 0;
        if (g->v[W_RESPONSE].n != 32 && g->v[W_RESPONSE].n != 64)
                return refuse(c, W_RESPONSE, "the response is 32 hex digits (64 with SHA-256)");
        if (!g->is[W_URI])
                return refuse(c, W_URI, "the response was made with it");
        in->algorithm = DIGEST_AKAV1_MD5;
        if (g->is[W_ALGORITHM] &&
            (digest_algorithm_parse(g->v[W_ALGORITHM], &in->algorithm) < 0 || !digest_is_aka(in->algorithm)))
                return refuse(c, W_ALGORITHM, "AKAv1-MD5, AKAv1-SHA-256, AKAv2-MD5 or AKAv2-SHA-256");
        if (g->v[W_QOP].n && (!g->v[W_NC].n || !g->v[W_CNONCE].n))
                return refuse(c, W_QOP, "needs --nc and --cnonce");
        if (!g->is[W_NONCE] && !o->e.has_autn)
                return refuse(c, W_NONCE, "the response was made with it (or give --autn)");
        if (!g->is[W_NONCE]) {
                uint8_t both[AKA_RAND_N + AKA_AUTN_N];
                memcpy(both, o->e.rand, AKA_RAND_N);
                memcpy(both + AKA_RAND_N, o->e.autn, AKA_AUTN_N);
                base64_encode(both, sizeof both, o->nonce);
        }
        o->e.response = g->v[W_RESPONSE];
        o->e.username = g->v[W_USERNAME];
        o->e.realm = g->v[W_REALM];
        in->method = g->is[W_METHOD] ? g->v[W_METHOD] : SPAN("REGISTER");
        in->uri = g->v[W_URI];
        in->nonce = g->is[W_NONCE] ? g->v[W_NONCE] : span_of(o->nonce);
        in->nc = g->v[W_NC];
        in->cnonce = g->v[W_CNONCE];
        in->qop = g->v[W_QOP];
        return 0;
}

/* The same line again, as a shell wants it. */
static void repeat(int argc, char **argv, struct buf *out)
{
        command_word(out, SPAN("hss"));
        command_word(out, SPAN("diagnose"));
        for (int i = 0; i < argc; i++) {
                if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "--repair") == 0)
                        continue;
                struct span word = span_of(argv[i]), name = word;
                if (!span_starts(word, SPAN("--"))) {
                        command_word(out, word);
                        continue;
                }
                bool joined = span_split(&word, '=', &name) && strchr(argv[i], '=');
                buf_printf(out, " " SPAN_FMT, SPAN_ARG(name));
                if (joined)
                        command_word(out, word);
        }
}

int diagnose_read(struct cli *c, int argc, char **argv, struct diagnose_order *out)
{
        struct given g = {.is = {false}};
        int rc = read_words(c, argc, argv, out, &g);
        if (rc == 0)
                rc = read_authorization(c, &g);
        if (rc == 0)
                rc = read_challenge(c, &g, out);
        if (rc == 0)
                rc = read_answers(c, &g, out);
        if (rc == 0)
                rc = read_digest(c, &g, out);
        if (rc == 0 && diagnose_bits(&out->e) == 0)
                rc = refuse(c, W_RES,
                            "what the SIM sent is needed: RES, AUTS, the response, or at least AUTN");
        if (rc == 0)
                repeat(argc, argv, &out->again);
        return rc;
}
