/* SPDX-License-Identifier: BSD-3-Clause
 * Reading fields, and the rules between them in one table. */
#include "common/base/secret.h"
#include "hss/subscriber.h"

#define BIT(f) (UINT64_C(1) << SUB_##f)

enum sub_field sub_find(struct span name, unsigned use)
{
        for (int f = 0; f < SUB_FIELDS; f++)
                if ((sub_rows[f].use & use) && span_eq(name, span_of(sub_rows[f].name)))
                        return (enum sub_field)f;
        return SUB_FIELDS;
}

const char *sub_take(struct subscriber *sub, struct arena *a, enum sub_field f, struct span value)
{
        struct span copy;
        if (sub_given(sub, f) && sub_rows[f].kind != SUB_MANY)
                return "given twice: there is exactly one";
        if (arena_copy(a, value.p ? value : SPAN(""), &copy) < 0)
                return "out of memory";
        const char *why = sub_rows[f].take(sub, a, copy);
        if (!why)
                sub->given |= UINT64_C(1) << f;
        return why;
}

bool sub_is_secret(enum sub_field f)
{
        return (f >= SUB_K && f <= SUB_TOPC) || f == SUB_PASSWORD || f == SUB_DIGEST_HA1;
}

static bool is_option(const char *word)
{
        return word[0] == '-' && word[1] == '-' && word[2];
}

struct option_words {
        const char *joined; /* behind "=", or NULL */
        int argc;
        char **argv; /* the words behind the option */
};

/* The values of one option; how many words were used up, or -1. */
static int take_option(struct subscriber *sub, struct arena *a, enum sub_field f,
                       const struct option_words *w, struct buf *err)
{
        const struct sub_row *row = &sub_rows[f];
        const char *why = NULL;
        int used = 0;
        if (row->kind == SUB_SWITCH) {
                why = sub_take(sub, a, f, w->joined ? span_of(w->joined) : SPAN(""));
        } else if (w->joined) {
                why = sub_take(sub, a, f, span_of(w->joined));
        } else if (w->argc == 0 || is_option(w->argv[0])) {
                why = "the value is missing";
        } else {
                do
                        why = sub_take(sub, a, f, span_of(w->argv[used++]));
                while (!why && row->kind == SUB_MANY && used < w->argc && !is_option(w->argv[used]));
        }
        if (!why)
                return used;
        buf_printf(err, "--%s: %s", row->name, why);
        if (f >= SUB_K && f <= SUB_TOPC && (w->joined || used)) /* its length, never its value */
                buf_printf(err, "; given were %zu characters",
                           strlen(w->joined ? w->joined : w->argv[used - 1]));
        buf_char(err, '\n');
        return -1;
}

int sub_hide_args(struct arena *a, int argc, char **argv)
{
        for (int i = 0; i < argc; i++) {
                char *value = strchr(argv[i], '=');
                if (!is_option(argv[i]))
                        continue;
                struct span name =
                        span_make(argv[i] + 2, value ? (size_t)(value - argv[i]) - 2 : strlen(argv[i]) - 2);
                enum sub_field f = sub_find(name, SUB_USE_ADD | SUB_USE_SET | SUB_USE_CSV);
                int at = value ? i : i + 1; /* the word the value stands in */
                struct span copy;
                if (f == SUB_FIELDS || !sub_is_secret(f) || at == argc || (!value && is_option(argv[at])))
                        continue;
                if (arena_copy(a, span_of(argv[at]), &copy) < 0)
                        return -IMS_ENOMEM;
                char *shown = value ? value + 1 : argv[at];
                secret_wipe(shown, strlen(shown));
                argv[at] = (char *)(uintptr_t)copy.p;
                i = at;
        }
        return 0;
}

int sub_read_args(struct subscriber *sub, struct arena *a, unsigned use, int argc, char **argv,
                  struct buf *err)
{
        for (int i = 0; i < argc; i++) {
                if (!is_option(argv[i])) {
                        buf_puts(err, "what is ");
                        buf_quoted(err, span_of(argv[i]), 60);
                        buf_puts(err, "? options begin with --\n");
                        return -IMS_ENOTFOUND;
                }
                struct span name = span_of(argv[i] + 2);
                ptrdiff_t eq = span_chr(name, '=', 0);
                const char *joined = eq < 0 ? NULL : name.p + eq + 1;
                if (eq >= 0)
                        name = span_sub(name, 0, (size_t)eq);
                enum sub_field f = sub_find(name, use);
                if (f == SUB_FIELDS) {
                        buf_puts(err, "--");
                        buf_quoted(err, name, 60);
                        buf_puts(err, ": no such option here\n");
                        return -IMS_ENOTFOUND;
                }
                const struct option_words w = {joined, argc - i - 1, argv + i + 1};
                int used = take_option(sub, a, f, &w, err);
                if (used < 0)
                        return -IMS_EINVAL;
                i += used;
        }
        return 0;
}

/* --- rules between fields --- */

#define AKA_KEYS (BIT(K) | BIT(OP) | BIT(OPC) | BIT(TOP) | BIT(TOPC))
#define PASSWORD (BIT(PASSWORD) | BIT(PASSWORD_FILE) | BIT(PASSWORD_STDIN))
#define DIGEST   (PASSWORD | BIT(DIGEST_HA1) | BIT(BOOTSTRAP))

/* A rule is broken when a field of `when` is given (0: always) and
 *   EXCLUDES: a field of `other` is given too,   NEEDS: none of `other` is given. */
enum rule_kind { EXCLUDES, NEEDS };

static const struct rule {
        uint64_t when;
        enum rule_kind kind;
        uint64_t other;
        bool add_only;
        enum sub_field field; /* the one to blame */
        const char *why;
} rules[] = {
        {0, NEEDS, BIT(IMSI) | BIT(IMPI), true, SUB_IMSI, "an IMSI or an IMPI is needed"},
        {BIT(OP), EXCLUDES, BIT(OPC), false, SUB_OP, "OP or OPc, not both"},
        {BIT(TOP), EXCLUDES, BIT(TOPC), false, SUB_TOP, "TOP or TOPc, not both"},
        {BIT(TUAK), EXCLUDES, BIT(OP) | BIT(OPC), false, SUB_TUAK, "TUAK takes --top or --topc"},
        {BIT(TOP) | BIT(TOPC) | BIT(KECCAK), NEEDS, BIT(TUAK), true, SUB_TOPC, "only with --tuak"},
        {BIT(RES_OCTETS), NEEDS, BIT(TUAK), true, SUB_RES_OCTETS, "only with --tuak (Milenage has 8)"},
        {DIGEST, EXCLUDES, BIT(NBA_LINE), false, SUB_NBA_LINE,
         "a user has either NBA or SIP Digest, never both (TS 33.203 P.4.2)"},
        {AKA_KEYS, EXCLUDES, DIGEST, false, SUB_K,
         "an IMPI has exactly one credential: AKA or SIP Digest (TS 33.203 8)"},
        {AKA_KEYS, EXCLUDES, BIT(NBA_LINE), false, SUB_K,
         "an IMPI has exactly one credential: AKA or NBA (TS 33.203 8)"},
        {PASSWORD, EXCLUDES, BIT(DIGEST_HA1), false, SUB_DIGEST_HA1, "the password or H(A1), not both"},
        {BIT(PASSWORD), EXCLUDES, BIT(PASSWORD_FILE) | BIT(PASSWORD_STDIN), false, SUB_PASSWORD,
         "the password is given once: on the command line, in a file or on the standard input"},
        {BIT(PASSWORD_FILE), EXCLUDES, BIT(PASSWORD_STDIN), false, SUB_PASSWORD_FILE,
         "the password is given once: on the command line, in a file or on the standard input"},
        {BIT(BOOTSTRAP), EXCLUDES, PASSWORD | BIT(DIGEST_HA1), false, SUB_BOOTSTRAP,
         "the password is made when the device fetches it: none is given here"},
        {BIT(K), NEEDS, BIT(OP) | BIT(OPC) | BIT(TOP) | BIT(TOPC), false, SUB_OPC,
         "K needs OP or OPc (with TUAK: TOP or TOPc)"},
        {AKA_KEYS, NEEDS, BIT(K), true, SUB_K, "K is missing"},
        {0, NEEDS, BIT(K) | DIGEST | BIT(NBA_LINE), true, SUB_K,
         "a credential is needed: K and OPc (or OP), or a password"},
        {BIT(AS_NAME), NEEDS, BIT(PSI), false, SUB_AS_NAME, "only with --psi"},
        {BIT(JOIN), EXCLUDES, BIT(IMPU) | BIT(BARRED_IMPU) | BIT(BAR) | BIT(UNBAR), false, SUB_JOIN,
         "the identities are those of the other IMPI"},
        {BIT(REAUTHENTICATE), EXCLUDES, BIT(DEREGISTER), false, SUB_REAUTHENTICATE,
         "the UE is to come back or it is not"},
        {BIT(MNC_DIGITS), NEEDS, BIT(IMSI), true, SUB_MNC_DIGITS, "only with --imsi"},
        {BIT(DIGEST_REALM), NEEDS, DIGEST, true, SUB_DIGEST_REALM, "only with SIP Digest"},
        {BIT(DIGEST_ALGORITHM), NEEDS, DIGEST, true, SUB_DIGEST_ALGORITHM, "only with SIP Digest"},
};

static bool broken(const struct rule *r, uint64_t given)
{
        if (r->when && !(given & r->when))
                return false;
        bool other = given & r->other;
        return r->kind == EXCLUDES ? other : !other;
}

const char *sub_check(const struct subscriber *sub, bool add, enum sub_field *field)
{
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
                const struct rule *r = &rules[i];
                if ((r->add_only && !add) || !broken(r, sub->given))
                        continue;
                *field = r->field;
                return r->why;
        }
        if (sub_given(sub, SUB_K) && sub->k_n == 32 && !sub->tuak) {
                *field = SUB_K;
                return "Milenage has a K of 32 hex digits";
        }
        return NULL;
}

void sub_wipe(struct subscriber *sub)
{
        secret_wipe(sub->k, sizeof sub->k);
        secret_wipe(sub->op, sizeof sub->op);
        secret_wipe(sub->opc, sizeof sub->opc);
        secret_wipe(sub->password, sizeof sub->password);
        secret_wipe(sub->ha1, sizeof sub->ha1);
        memset(sub, 0, sizeof *sub);
}
