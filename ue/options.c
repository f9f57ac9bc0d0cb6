/* SPDX-License-Identifier: BSD-3-Clause
 * Reading the command line; keys do not stay in it. */
#include "ue/options.h"

#include <getopt.h>
#include <stdlib.h>

#include "common/base/timers.h"
#include "ue/secret_input.h"

#define EXPIRES_DEFAULT_S 600000 /* TS 24.229 5.1.1.2.1 */
#define TIMEOUT_DEFAULT_S 16     /* a person waits: three retransmissions over UDP, far below timer F */
#define TIMEOUT_MAX_S     3600

enum {
        OPT_IMPI = 256,
        OPT_IMPU,
        OPT_IMSI,
        OPT_DOMAIN,
        OPT_MNC_DIGITS,
        OPT_K,
        OPT_OPC,
        OPT_OP,
        OPT_K_FILE,
        OPT_OPC_FILE,
        OPT_OP_FILE,
        OPT_TUAK,
        OPT_ISIM,
        OPT_USIM,
        OPT_IMC,
        OPT_PCSCF,
        OPT_TRANSPORT,
        OPT_LOCAL,
        OPT_EXPIRES,
        OPT_HOLD,
        OPT_TIMEOUT,
        OPT_SQN_FILE,
        OPT_AMF_CHECK,
        OPT_JSON,
        OPT_TRACE,
        OPT_LOG,
        OPT_PANI,
        OPT_INSTANCE,
        OPT_IPSEC,
        OPT_IPSEC_SUITES,
        OPT_IPSEC_MODES,
        OPT_IPSEC_KEYLOG,
        OPT_KEEP_ALIVE,
        OPT_PASSWORD,
        OPT_PASSWORD_FILE,
        OPT_SCHEME,
        OPT_DIGEST_ALGORITHMS,
        OPT_TLS, /* by their names: tls_options_set */
        OPT_PROXY_USER,
        OPT_PROXY_PASSWORD,
        OPT_PROXY_PASSWORD_FILE,
        OPT_HELP
};

static const struct option longs[] = {
        {"impi", required_argument, NULL, OPT_IMPI},
        {"impu", required_argument, NULL, OPT_IMPU},
        {"imsi", required_argument, NULL, OPT_IMSI},
        {"domain", required_argument, NULL, OPT_DOMAIN},
        {"mnc-digits", required_argument, NULL, OPT_MNC_DIGITS},
        {"k", required_argument, NULL, OPT_K},
        {"opc", required_argument, NULL, OPT_OPC},
        {"op", required_argument, NULL, OPT_OP},
        {"k-file", required_argument, NULL, OPT_K_FILE},
        {"opc-file", required_argument, NULL, OPT_OPC_FILE},
        {"op-file", required_argument, NULL, OPT_OP_FILE},
        {"tuak", no_argument, NULL, OPT_TUAK},
        {"isim", required_argument, NULL, OPT_ISIM},
        {"usim", required_argument, NULL, OPT_USIM},
        {"imc", required_argument, NULL, OPT_IMC},
        {"pcscf", required_argument, NULL, OPT_PCSCF},
        {"transport", required_argument, NULL, OPT_TRANSPORT},
        {"local", required_argument, NULL, OPT_LOCAL},
        {"expires", required_argument, NULL, OPT_EXPIRES},
        {"hold", no_argument, NULL, OPT_HOLD},
        {"timeout", required_argument, NULL, OPT_TIMEOUT},
        {"sqn-file", required_argument, NULL, OPT_SQN_FILE},
        {"amf-check", no_argument, NULL, OPT_AMF_CHECK},
        {"json", no_argument, NULL, OPT_JSON},
        {"trace", required_argument, NULL, OPT_TRACE},
        {"log", required_argument, NULL, OPT_LOG},
        {"access-network", required_argument, NULL, OPT_PANI},
        {"instance", required_argument, NULL, OPT_INSTANCE},
        {"ipsec", required_argument, NULL, OPT_IPSEC},
        {"ipsec-suites", required_argument, NULL, OPT_IPSEC_SUITES},
        {"ipsec-modes", required_argument, NULL, OPT_IPSEC_MODES},
        {"ipsec-keylog", required_argument, NULL, OPT_IPSEC_KEYLOG},
        {"keep-alive", required_argument, NULL, OPT_KEEP_ALIVE},
        {"password", required_argument, NULL, OPT_PASSWORD},
        {"password-file", required_argument, NULL, OPT_PASSWORD_FILE},
        {"scheme", required_argument, NULL, OPT_SCHEME},
        {"digest-algorithms", required_argument, NULL, OPT_DIGEST_ALGORITHMS},
        {"security", required_argument, NULL, OPT_TLS},
        {"secure-only", no_argument, NULL, OPT_TLS},
        {"tls-ca", required_argument, NULL, OPT_TLS},
        {"tls-name", required_argument, NULL, OPT_TLS},
        {"tls-port", required_argument, NULL, OPT_TLS},
        {"tls-version", required_argument, NULL, OPT_TLS},
        {"tls-keylog", required_argument, NULL, OPT_TLS},
        {"trust-domain", required_argument, NULL, OPT_TLS},
        {"home-domain", required_argument, NULL, OPT_TLS},
        {"home-ca", required_argument, NULL, OPT_TLS},
        {"firewall-traversal", no_argument, NULL, OPT_TLS},
        {"traversal-port", required_argument, NULL, OPT_TLS},
        {"http-proxy", required_argument, NULL, OPT_TLS},
        {"http-proxy-user", required_argument, NULL, OPT_PROXY_USER},
        {"http-proxy-password", required_argument, NULL, OPT_PROXY_PASSWORD},
        {"http-proxy-password-file", required_argument, NULL, OPT_PROXY_PASSWORD_FILE},
        {"help", no_argument, NULL, OPT_HELP},
        {NULL, 0, NULL, 0},
};

/* Options that are a field of the credential set of the command line. */
static const struct {
        const char *field;
        int option;
        bool secret, from_file;
} credential_options[] = {
        {"impi", OPT_IMPI, false, false},
        {"impu", OPT_IMPU, false, false},
        {"imsi", OPT_IMSI, false, false},
        {"domain", OPT_DOMAIN, false, false},
        {"k", OPT_K, true, false},
        {"opc", OPT_OPC, true, false},
        {"op", OPT_OP, true, false},
        {"k", OPT_K_FILE, true, true},
        {"opc", OPT_OPC_FILE, true, true},
        {"op", OPT_OP_FILE, true, true},
        {"mnc_digits", OPT_MNC_DIGITS, false, false},
        {"password", OPT_PASSWORD, true, false},
        {"password", OPT_PASSWORD_FILE, true, true},
};

void options_usage(FILE *to)
{
        (void)fputs(
                "ue register [OPTIONS]     register by IMS AKA or SIP Digest, say what happened; exit code 0 "
                "when "
                "registered\n"
                "ue deregister [OPTIONS]   de-register what an earlier run registered\n"
                "ue bootstrap --server HOST[:PORT] --certificate FILE --key FILE --ca FILE [--name NAME] "
                "[--out FILE]\n"
                "    [--register [-- OPTIONS of register]]   fetch credentials by certificate, then "
                "register\n"
                "ue turn --server HOST [--tcp] [--tls --ca FILE] [--http-proxy HOST:PORT ...]   look for a "
                "way to a TURN server\n"
                "ue run FILE.lua [ARGS]    run a scenario (docs/ue.md)\n"
                "\n"
                "who:    --impi IMPI | --imsi IMSI [--mnc-digits 2|3]   [--impu URI] [--domain NAME]\n"
                "key:    --k HEX --opc HEX | --op HEX   [--tuak]\n"
                "        --k-file FILE --opc-file FILE | --op-file FILE; or QUINTET_UE_K, QUINTET_UE_OPC, "
                "QUINTET_UE_OP\n"
                "        (a key on the command line can be seen by others until the program has read it)\n"
                "        --password TEXT | --password-file FILE (SIP Digest); or QUINTET_UE_PASSWORD\n"
                "or:     --isim FILE, --usim FILE, --imc FILE: credential files; ISIM before USIM before "
                "IMC\n"
                "where:  --pcscf HOST[:PORT] (default QUINTET_PCSCF)   [--transport udp|tcp|tls] [--local "
                "ADDR[:PORT]]\n"
                "secure: [--ipsec off|offered|required] [--ipsec-suites ALG/EALG,...] [--ipsec-modes "
                "trans,UDP-enc-tun]\n"
                "        [--ipsec-keylog FILE] [--keep-alive S]; default QUINTET_UE_IPSEC, else where it is "
                "possible\n"
                "        [--scheme aka|digest|any] [--digest-algorithms SHA-256,MD5]\n"
                "        [--transport tls | --security tls] [--secure-only] [--tls-ca FILE] [--tls-name "
                "NAME] "
                "[--tls-port N]\n"
                "        [--tls-version 1.2|1.3] [--tls-keylog FILE] [--trust-domain NAME] [--home-domain "
                "NAME] "
                "[--home-ca FILE]\n"
                "        [--firewall-traversal [--traversal-port N] [--http-proxy HOST:PORT]]\n"
                "        [--http-proxy-user NAME --http-proxy-password TEXT | --http-proxy-password-file "
                "FILE; "
                "or\n"
                "        QUINTET_UE_HTTP_PROXY_PASSWORD]\n"
                "how:    [--expires S] [--hold] [--timeout S] [--sqn-file FILE] [--amf-check] [--json]\n"
                "        [--access-network TEXT] [--instance URN] [--trace FILE]\n"
                "        [--log error|warn|notice|info|debug]\n"
                "\n"
                "exit codes: 0 done, 1 not registered or the scenario failed, 2 usage, configuration, "
                "credentials\n",
                to);
}

void options_complain(const struct buf *err, int rc)
{
        (void)fprintf(stderr, "ue: " SPAN_FMT, SPAN_ARG(buf_as_span(err)));
        if (err->n == 0)
                (void)fprintf(stderr, "%s\n", ims_strerror(rc));
}

static int set_field(struct options *o, const char *field, struct span value, struct buf *err)
{
        struct credential *line = &o->sets[OPTIONS_SET_LINE];
        int rc = credential_set(line, span_of(field), value, err);

        if (rc == 0 && line->kind == CREDENTIAL_NONE)
                line->kind = CREDENTIAL_ISIM;
        return rc < 0 ? -IMS_EINVAL : 0;
}

static int set_field_from_file(struct options *o, const char *field, const char *file, struct buf *err)
{
        char text[SECRET_FILE_MAX];
        struct span value;
        int rc = secret_read_file(file, text, &value, err);

        if (rc == 0)
                rc = set_field(o, field, value, err);
        secret_wipe(text, sizeof(text));
        return rc;
}

/* 1: the option is one of a credential set and was taken. */
static int take_credential_option(struct options *o, int opt, char *value, struct buf *err)
{
        int rc;

        for (size_t i = 0; i < sizeof(credential_options) / sizeof(credential_options[0]); i++) {
                if (credential_options[i].option != opt)
                        continue;
                if (credential_options[i].from_file) {
                        rc = set_field_from_file(o, credential_options[i].field, value, err);
                } else {
                        rc = set_field(o, credential_options[i].field, span_of(value), err);
                        if (credential_options[i].secret)
                                secret_blot(value);
                }
                return rc < 0 ? rc : 1;
        }
        return 0;
}

static int load_set(struct options *o, int set, enum credential_kind kind, const char *file, struct buf *err)
{
        int rc = credential_load(file, kind, &o->sets[set], err);

        if (rc == 0)
                rc = credential_finish(&o->sets[set], false, err);
        return rc;
}

static int bad_value(struct buf *err, const char *option, const char *value, const char *wanted)
{
        buf_printf(err, "--%s %s: not %s\n", option, value, wanted);
        return -IMS_EINVAL;
}

/* An option that is none, or that lacks its argument. What stands behind "=" may be a key: it is not shown.
 */
static int bad_option(struct buf *err, const char *word, bool lacks_argument)
{
        struct span name = span_of(word);
        ptrdiff_t eq = span_chr(name, '=', 0);

        if (eq >= 0)
                name = span_sub(name, 0, (size_t)eq);
        buf_printf(err, SPAN_FMT ": %s; ue --help lists the options\n", SPAN_ARG(name),
                   lacks_argument ? "needs a value" : "no such option, not whole, or takes no value");
        return -IMS_EINVAL;
}

static int take_timeout(struct options *o, const char *value, struct buf *err)
{
        uint32_t s;

        if (span_u32(span_of(value), TIMEOUT_MAX_S, &s) < 0 || s == 0)
                return bad_value(err, "timeout", value, "a number of seconds from 1 to 3600");
        o->phone.answer_ms = s * 1000;
        return 0;
}

static int take_keep_alive(struct options *o, const char *value, struct buf *err)
{
        const struct ims_timer_row *row = &ims_timer_rows[IMS_TIMER_UE_KEEP_ALIVE];
        uint32_t s;

        if (span_u32(span_of(value), row->max_ms / 1000, &s) < 0 || s < row->min_ms / 1000)
                return bad_value(err, "keep-alive", value, "a number of seconds from 1 to 3600");
        o->ipsec.keep_alive_ms = s * 1000;
        return 0;
}

static int take_ipsec_option(struct options *o, int opt, const char *value, struct buf *err)
{
        switch (opt) {
        case OPT_IPSEC:
                return ipsec_want_parse(span_of(value), &o->ipsec.want) < 0
                               ? bad_value(err, "ipsec", value, "off, offered or required")
                               : 0;
        case OPT_IPSEC_SUITES:
                if (ipsec_suites_parse(span_of(value), &o->ipsec) < 0)
                        return bad_value(err, "ipsec-suites", value,
                                         "a list of pairs of TS 33.203 Annex H, as hmac-sha-1-96/aes-cbc");
                return ipsec_offers_encryption(&o->ipsec)
                               ? 0
                               : bad_value(err, "ipsec-suites", value,
                                           "with encryption, which a UE always offers (TS 33.203 5.1.3)");
        case OPT_IPSEC_MODES:
                return ipsec_modes_parse(span_of(value), &o->ipsec) < 0
                               ? bad_value(err, "ipsec-modes", value, "trans, UDP-enc-tun or both")
                               : 0;
        case OPT_IPSEC_KEYLOG:
                o->ipsec.keylog = value;
                return 0;
        case OPT_KEEP_ALIVE:
                return take_keep_alive(o, value, err);
        default:
                return -IMS_EINVAL;
        }
}

static int take_scheme(struct options *o, const char *value, struct buf *err)
{
        if (reg_scheme_parse(span_of(value), &o->scheme) < 0)
                return bad_value(err, "scheme", value, "aka, digest or any");
        o->scheme_said = true;
        return 0;
}

/* "tls" is TLS before the first REGISTER (TS 33.203 O.2.3). */
static int take_transport(struct options *o, const char *value, struct buf *err)
{
        if (transport_parse(span_of(value), &o->phone.transport) < 0)
                return bad_value(err, "transport", value, "udp, tcp or tls");
        if (o->phone.transport != TRANSPORT_TLS)
                return 0;
        o->phone.transport = TRANSPORT_TCP;
        o->tls.conf.variant = TLS_VARIANT_FIRST;
        return 0;
}

static int take_tls_option(struct options *o, const char *name, const char *value, struct buf *err)
{
        const char *wanted = "";

        return tls_options_set(&o->tls, name, value, &wanted) < 0 ? bad_value(err, name, value, wanted) : 0;
}

static int take_proxy_option(struct options *o, int opt, char *value, struct buf *err)
{
        int rc;

        switch (opt) {
        case OPT_PROXY_USER:
                return proxy_auth_set_user(&o->tls.proxy_auth, span_of(value)) < 0
                               ? bad_value(err, "http-proxy-user", value, "a name without colons")
                               : 0;
        case OPT_PROXY_PASSWORD:
                rc = proxy_auth_set_password(&o->tls.proxy_auth, span_of(value));
                secret_blot(value);
                return rc < 0 ? bad_value(err, "http-proxy-password", "...", "a password") : 0;
        default:
                return proxy_auth_read_password(&o->tls.proxy_auth, value, err);
        }
}

static int take_option(struct options *o, int opt, char *value, struct buf *err)
{
        switch (opt) {
        case OPT_TUAK:
                return set_field(o, "algorithm", SPAN("tuak"), err);
        case OPT_ISIM:
                return load_set(o, OPTIONS_SET_ISIM, CREDENTIAL_ISIM, value, err);
        case OPT_USIM:
                return load_set(o, OPTIONS_SET_USIM, CREDENTIAL_USIM, value, err);
        case OPT_IMC:
                return load_set(o, OPTIONS_SET_IMC, CREDENTIAL_IMC, value, err);
        case OPT_PCSCF:
                o->phone.pcscf = value;
                return 0;
        case OPT_TRANSPORT:
                return take_transport(o, value, err);
        case OPT_LOCAL:
                o->phone.local = value;
                return 0;
        case OPT_EXPIRES:
                return span_u32(span_of(value), UINT32_MAX, &o->expires_s) < 0
                               ? bad_value(err, "expires", value, "a number of seconds")
                               : 0;
        case OPT_HOLD:
                o->hold = true;
                return 0;
        case OPT_TIMEOUT:
                return take_timeout(o, value, err);
        case OPT_SQN_FILE:
                o->sqn_file = value;
                return 0;
        case OPT_AMF_CHECK:
                o->amf_check = true;
                return 0;
        case OPT_JSON:
                o->json = true;
                return 0;
        case OPT_TRACE:
                o->phone.trace_file = value;
                return 0;
        case OPT_LOG:
                return log_level_parse(span_of(value), &o->level) < 0
                               ? bad_value(err, "log", value, "error, warn, notice, info or debug")
                               : 0;
        case OPT_PANI:
                o->access_network = value;
                return 0;
        case OPT_INSTANCE:
                o->instance = value;
                return 0;
        case OPT_SCHEME:
                return take_scheme(o, value, err);
        case OPT_DIGEST_ALGORITHMS:
                return digest_algorithms_parse(span_of(value), &o->digest.algorithms) < 0
                               ? bad_value(err, "digest-algorithms", value, "a list of MD5 and SHA-256")
                               : 0;
        case OPT_PROXY_USER:
        case OPT_PROXY_PASSWORD:
        case OPT_PROXY_PASSWORD_FILE:
                return take_proxy_option(o, opt, value, err);
        default:
                return take_ipsec_option(o, opt, value, err);
        }
}

/* Keys of the environment, where the command line gives none. */
static int take_environment(struct options *o, struct buf *err)
{
        static const char *const names[][2] = {{"QUINTET_UE_K", "k"},
                                               {"QUINTET_UE_OPC", "opc"},
                                               {"QUINTET_UE_OP", "op"},
                                               {"QUINTET_UE_PASSWORD", "password"}};
        struct credential *line = &o->sets[OPTIONS_SET_LINE];
        int rc = 0;

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                char *value = getenv(names[i][0]);
                bool wanted = i == 0   ? line->key.k_n == 0
                              : i == 3 ? !credential_has_password(line)
                                       : !line->op_n && !line->opc_n;

                if (!value)
                        continue;
                if (rc == 0 && wanted && line->kind != CREDENTIAL_NONE)
                        rc = set_field(o, names[i][1], span_of(value), err);
                secret_blot(value);
                unsetenv(names[i][0]);
        }
        if (rc == 0)
                rc = proxy_auth_take_environment(&o->tls.proxy_auth, err);
        return rc;
}

/* What the credentials allow, unless one is asked for (TS 33.203 N.1). */
static int choose_scheme(struct options *o, struct buf *err)
{
        if (!o->scheme_said)
                o->scheme = !o->digest_cred ? REG_SCHEME_AKA
                            : o->key_cred   ? REG_SCHEME_ANY
                                            : REG_SCHEME_DIGEST;
        if ((o->scheme != REG_SCHEME_DIGEST && !o->key_cred) ||
            (o->scheme != REG_SCHEME_AKA && !o->digest_cred)) {
                buf_puts(err, "--scheme: there are no credentials for it\n");
                return -IMS_ECONF;
        }
        if (o->tls.http_proxy && !o->tls.traversal) {
                buf_puts(err, "--http-proxy: only with --firewall-traversal (TS 33.203 W.1)\n");
                return -IMS_ECONF;
        }
        if (proxy_auth_check(&o->tls.proxy_auth, o->tls.http_proxy, err) < 0)
                return -IMS_ECONF;
        if (o->tls.traversal && (o->scheme != REG_SCHEME_DIGEST || reg_access_is_3gpp(o->access_network))) {
                buf_puts(err, "--firewall-traversal: only for SIP Digest, and on an access that does not "
                              "pass the EPC "
                              "(TS 33.203 W.1, W.3.3)\n");
                return -IMS_ECONF;
        }
        if (o->tls.traversal && !o->tls.conf.ca) {
                buf_puts(err, "--firewall-traversal: --tls-ca FILE is needed\n");
                return -IMS_ECONF;
        }
        if (o->tls.conf.variant != TLS_VARIANT_NONE && o->scheme != REG_SCHEME_DIGEST) {
                buf_puts(err, "TLS is for SIP Digest (TS 33.203 O.1.1): give --password, and --scheme digest "
                              "beside a key\n");
                return -IMS_ECONF;
        }
        if (o->tls.secure_only && o->scheme != REG_SCHEME_DIGEST) /* IPsec, or nothing */
                o->ipsec.want = IPSEC_REQUIRED;
        o->cred = o->scheme == REG_SCHEME_DIGEST ? o->digest_cred : o->key_cred;
        return 0;
}

static int choose(struct options *o, struct buf *err)
{
        struct credential *line = &o->sets[OPTIONS_SET_LINE];
        int rc;

        /* beside credential files, --impu only says which identity to register */
        if (line->kind != CREDENTIAL_NONE &&
            (line->impi[0] || line->imsi[0] || line->key.k_n || credential_has_password(line))) {
                if (line->imsi[0] && !line->impi[0])
                        line->kind = CREDENTIAL_USIM;
                else if (!line->key.k_n && credential_has_password(line))
                        line->kind = CREDENTIAL_IMC;
                rc = credential_finish(line, true, err);
                if (rc < 0)
                        return rc;
        } else {
                line->kind = CREDENTIAL_NONE;
        }
        o->key_cred = credential_choose_key(o->sets, OPTIONS_SETS);
        o->digest_cred = credential_choose_password(o->sets, OPTIONS_SETS);
        if (!o->key_cred && !o->digest_cred) {
                buf_puts(err,
                         "no credentials: give --impi (or --imsi) with --k and --opc or --password, or a "
                         "credential file\n");
                return -IMS_ECONF;
        }
        tls_options_finish(&o->tls);
        rc = choose_scheme(o, err);
        if (rc < 0)
                return rc;
        o->impu = line->kind == CREDENTIAL_NONE && line->n_impu ? line->impu[0] : o->cred->impu[0];
        if (o->ipsec.want == IPSEC_UNSAID && getenv("QUINTET_UE_IPSEC") &&
            ipsec_want_parse(span_of(getenv("QUINTET_UE_IPSEC")), &o->ipsec.want) < 0) {
                buf_puts(err, "QUINTET_UE_IPSEC: not off, offered or required\n");
                return -IMS_ECONF;
        }
        if (!o->phone.pcscf) { /* both are of the same lab */
                o->phone.pcscf = getenv("QUINTET_PCSCF");
                if (o->tls.conf.variant != TLS_VARIANT_NONE && !o->tls.conf.port)
                        o->tls.conf.port = SIPS_PORT; /* the port in the variable is not that of TLS */
                if (!o->phone.local)
                        o->phone.local = getenv("QUINTET_UE_ADDR");
        }
        if (!o->phone.pcscf) {
                buf_puts(err, "no P-CSCF: give --pcscf HOST:PORT or set QUINTET_PCSCF\n");
                return -IMS_ECONF;
        }
        return 0;
}

int options_read(int argc, char **argv, struct options *o, struct buf *err)
{
        int opt, at = 0, rc = 0;

        memset(o, 0, sizeof(*o));
        o->expires_s = EXPIRES_DEFAULT_S;
        o->level = LOG_WARN;
        o->phone.answer_ms = TIMEOUT_DEFAULT_S * 1000;
        optind = 1;
        opterr = 0;
        /* every option is read even after a fault, so that no key stays in argv */
        while ((opt = getopt_long(argc, argv, ":", longs, &at)) != -1) {
                int one;

                if (opt == '?' || opt == ':') {
                        rc = rc < 0 ? rc : bad_option(err, argv[optind - 1], opt == ':');
                        continue;
                }
                if (opt == OPT_HELP) {
                        options_usage(stdout);
                        options_wipe(o);
                        return 1;
                }
                one = take_credential_option(o, opt, optarg, err);
                if (one == 0 && opt == OPT_TLS)
                        one = take_tls_option(o, longs[at].name, optarg, err);
                else if (one == 0)
                        one = take_option(o, opt, optarg, err);
                if (one < 0 && rc == 0)
                        rc = one;
        }
        if (rc == 0 && optind < argc) {
                buf_printf(err, "%s: not an option\n", argv[optind]);
                rc = -IMS_EINVAL;
        }
        if (rc == 0)
                rc = take_environment(o, err);
        if (rc == 0)
                rc = choose(o, err);
        if (rc < 0)
                options_wipe(o);
        return rc;
}

void options_wipe(struct options *o)
{
        for (size_t i = 0; i < OPTIONS_SETS; i++)
                credential_wipe(&o->sets[i]);
        proxy_auth_wipe(&o->tls.proxy_auth);
}

char *options_state_file(const char *impi, const char *suffix)
{
        const char *own = getenv("QUINTET_UE_STATE"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
        struct buf b = BUF_INIT;

        if (own && own[0])
                buf_puts(&b, own);
        else if (xdg && xdg[0])
                buf_printf(&b, "%s/quintet-ue", xdg);
        else if (home && home[0])
                buf_printf(&b, "%s/.local/state/quintet-ue", home);
        else
                return NULL;
        buf_char(&b, '/');
        for (const char *c = impi; *c; c++)
                buf_char(&b, *c == '/' ? '_' : *c);
        buf_printf(&b, ".%s", suffix);
        return buf_steal(&b);
}
