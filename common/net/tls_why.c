/* SPDX-License-Identifier: BSD-3-Clause
 * A failed handshake in words: what happened, and what to look at. Alerts: RFC 8446 6.2, RFC 5246 7.2.2. */
#include <openssl/err.h>

#include "common/net/tls_int.h"

struct alert_row {
        int code;
        const char *words; /* what it says */
        const char *look;  /* at what to look when the peer sent it */
};

static const struct alert_row alerts[] = {
        {SSL_AD_UNEXPECTED_MESSAGE, "unexpected_message: a message came out of turn", ""},
        {SSL_AD_BAD_RECORD_MAC, "bad_record_mac: a record was altered on its way",
         "a fault between the ends"},
        {SSL_AD_RECORD_OVERFLOW, "record_overflow: a record is too long", ""},
        {SSL_AD_HANDSHAKE_FAILURE, "handshake_failure: no parameters in common",
         "compare versions, cipher suites and the kind of key of the two ends"},
        {SSL_AD_BAD_CERTIFICATE,
         "bad_certificate: our certificate is broken, its signature is wrong, or it is not for the name that "
         "was asked for",
         "openssl verify -CAfile CA CERTIFICATE"},
        {SSL_AD_UNSUPPORTED_CERTIFICATE,
         "unsupported_certificate: our certificate is of a kind it does not take",
         "key usage and extended key usage of our certificate"},
        {SSL_AD_CERTIFICATE_REVOKED, "certificate_revoked: our certificate is revoked", "the CRL of our CA"},
        {SSL_AD_CERTIFICATE_EXPIRED, "certificate_expired: our certificate is not valid now",
         "its dates, and the clocks of both ends"},
        {SSL_AD_CERTIFICATE_UNKNOWN, "certificate_unknown: our certificate does not suit it",
         "the name in our certificate against the one it asks for"},
        {SSL_AD_ILLEGAL_PARAMETER, "illegal_parameter: a value makes no sense", ""},
        {SSL_AD_UNKNOWN_CA, "unknown_ca: it does not know the CA of our certificate",
         "does it have our root? is the chain in our file complete?"},
        {SSL_AD_ACCESS_DENIED, "access_denied: our certificate is good, but not for this", ""},
        {SSL_AD_DECODE_ERROR, "decode_error: a message cannot be read", ""},
        {SSL_AD_DECRYPT_ERROR, "decrypt_error: a signature or a Finished does not verify",
         "do certificate and key belong together?"},
        {SSL_AD_PROTOCOL_VERSION, "protocol_version: no version of TLS in common",
         "min_version and max_version; TLS 1.0 and 1.1 are not served"},
        {SSL_AD_INSUFFICIENT_SECURITY, "insufficient_security: the peer wants stronger cipher suites", ""},
        {SSL_AD_INTERNAL_ERROR, "internal_error", "the log of the peer"},
        {SSL_AD_INAPPROPRIATE_FALLBACK, "inappropriate_fallback: an older version than both could speak", ""},
        {SSL_AD_USER_CANCELLED, "user_canceled", ""},
        {SSL_AD_NO_RENEGOTIATION, "no_renegotiation: it does not renegotiate", ""},
        {SSL_AD_MISSING_EXTENSION, "missing_extension", ""},
        {SSL_AD_UNSUPPORTED_EXTENSION, "unsupported_extension", ""},
        {SSL_AD_UNRECOGNIZED_NAME, "unrecognized_name: it does not serve the name it was asked for by", ""},
        {SSL_AD_CERTIFICATE_REQUIRED, "certificate_required: it wants a certificate of ours",
         "certificate and key of this end"},
        {SSL_AD_NO_APPLICATION_PROTOCOL, "no_application_protocol", ""},
};

static const struct alert_row *alert_row(int code)
{
        for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
                if (alerts[i].code == code)
                        return &alerts[i];
        return NULL;
}

struct reason_row {
        int reason; /* SSL_R_ */
        const char *words;
};

static const struct reason_row reasons[] = {
        {SSL_R_WRONG_VERSION_NUMBER, "what came is no TLS"},
        {SSL_R_HTTP_REQUEST, "what came is an HTTP request, no TLS"},
        {SSL_R_HTTPS_PROXY_REQUEST, "what came is an HTTP CONNECT, no TLS"},
        {SSL_R_UNSUPPORTED_PROTOCOL, "no version of TLS in common (1.0 and 1.1 are not served)"},
        {SSL_R_NO_SHARED_CIPHER,
         "no cipher suite in common: the peer offers none with ECDHE and AES-GCM or ChaCha20 that suits the "
         "key of the certificate"},
        {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
         "no signature algorithm in common that suits the certificate"},
        {SSL_R_NO_SHARED_GROUPS, "no elliptic curve in common"},
        {SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, "the peer lacks secure renegotiation (RFC 5746)"},
        {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the peer showed no certificate, and must"},
        {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record was altered, or repeated"},
        {SSL_R_EE_KEY_TOO_SMALL, "the key of the certificate is too short (RSA: 2048 bits at least)"},
};

static void write_openssl(struct buf *out, unsigned long code)
{
        const char *text = code ? ERR_reason_error_string(code) : NULL;

        if (ERR_GET_LIB(code) == ERR_LIB_SSL)
                for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
                        if (reasons[i].reason == ERR_GET_REASON(code)) {
                                buf_puts(out, reasons[i].words);
                                return;
                        }
        if (code && ERR_SYSTEM_ERROR(code))
                buf_puts(out, strerror(ERR_GET_REASON(code)));
        else
                buf_puts(out, text ? text : "unknown error");
}

void tls_why_openssl(struct buf *out)
{
        write_openssl(out, ERR_peek_error()); /* the first: nearest to the cause */
        ERR_clear_error();
}

static const char *verify_look(long verify)
{
        switch (verify) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
                return "unknown CA: is its root in the file of ca? does the peer send the certificates "
                       "between?";
        case X509_V_ERR_CERT_NOT_YET_VALID:
        case X509_V_ERR_CERT_HAS_EXPIRED:
                return "its dates, and the clock of this end";
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
                return "the subjectAltName of its certificate";
        case X509_V_ERR_CERT_REVOKED:
                return "the CRL";
        case X509_V_ERR_INVALID_PURPOSE:
                return "its key usage and extended key usage";
        default:
                return "";
        }
}

static void write_look(struct buf *out, const char *look)
{
        if (*look)
                buf_printf(out, "; look at: %s", look);
}

void tls_why_write(const struct tls_why *why, struct buf *out)
{
        const struct alert_row *row = why->alert ? alert_row(why->alert) : NULL;
        unsigned long code = ERR_peek_last_error();

        if (why->verifying && why->verify != X509_V_OK) {
                buf_printf(out, "the certificate of the peer does not verify: %s",
                           why->breach ? why->breach : X509_verify_cert_error_string(why->verify));
                if (why->name && (why->verify == X509_V_ERR_HOSTNAME_MISMATCH ||
                                  why->verify == X509_V_ERR_IP_ADDRESS_MISMATCH))
                        buf_printf(out, " (expected %s)", why->name);
                write_look(out, verify_look(why->verify));
        } else if (why->alert && why->received) {
                buf_printf(out, "the peer ended it with alert %d, %s", why->alert,
                           row ? row->words : "which is unknown here");
                write_look(out, row ? row->look : "");
        } else {
                write_openssl(out, code);
        }
        ERR_clear_error();
}
