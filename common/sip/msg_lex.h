/* SPDX-License-Identifier: BSD-3-Clause
 * The few lexical rules that reading a message needs before any header is parsed in full: tokens,
 * linear white space, quoted strings, comma lists, name-addr, parameters. RFC 3261 25.1. */
#pragma once

#include "common/base/span.h"

/* A place in a header value; moved by the functions below. */
struct sip_lex {
        const char *p, *end;
};

static inline struct sip_lex sip_lex_of(struct span s)
{
        return (struct sip_lex){s.p, s.n ? s.p + s.n : s.p};
}

static inline struct span sip_lex_rest(const struct sip_lex *l)
{
        return span_make(l->p, (size_t)(l->end - l->p));
}

/* SP, HTAB and the line ends of folding. */
static inline bool sip_is_lws(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bits of the characters of a token: letters, digits and -.!%*_+`'~ */
extern const uint64_t sip_token_bits[4];

static inline bool sip_is_token_char(char c)
{
        unsigned char u = (unsigned char)c;

        return (sip_token_bits[u >> 6] >> (u & 63)) & 1;
}

bool sip_is_token(struct span s); /* not empty, token characters only */

/* True when s holds white space or a control character. */
bool sip_has_space(struct span s);

void sip_lex_ws(struct sip_lex *l);
struct span sip_lex_token(struct sip_lex *l); /* empty when none stands here */

/* Skips white space, c and white space. False, without moving behind c, when something else stands there. */
bool sip_lex_char(struct sip_lex *l, char c);

/* Takes a quoted string with its quotes. False when it does not end. */
bool sip_lex_quoted(struct sip_lex *l, struct span *out);

/* Octets up to the comma that ends the first value of a list; quotes and <> are respected. */
size_t sip_lex_value_end(struct span s);

/* Takes "; name [= value]" (value with its quotes where it has some). 1: taken, 0: nothing is left,
 * -IMS_EPARSE. */
int sip_lex_param(struct sip_lex *l, struct span *name, struct span *value);

/* Splits a name-addr or addr-spec value into its URI and its parameters (from the first ";" on).
 * -IMS_EPARSE. */
int sip_lex_name_addr(struct span value, struct span *uri, struct span *params) IMS_CHECK;
