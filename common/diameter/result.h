/* SPDX-License-Identifier: BSD-3-Clause
 * A Diameter result is {vendor, code}: Result-Code 5001 and Experimental-Result-Code 5001 are different
 * things. TS 29.229 6.2, RFC 6733 7.1. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DIA_VENDOR_3GPP 10415u
#define DIA_VENDOR_ETSI 13019u

struct dia_result {
        uint32_t vendor; /* 0: Result-Code; else Experimental-Result of that vendor */
        uint32_t code;   /* 0: none in the message */
};

/* name, code, meaning */
#define DIA_BASE_RESULTS(X)                                                                                  \
        X(SUCCESS, 2001, "success")                                                                          \
        X(LIMITED_SUCCESS, 2002, "limited success")                                                          \
        X(COMMAND_UNSUPPORTED, 3001, "command not supported")                                                \
        X(UNABLE_TO_DELIVER, 3002, "no route to the destination")                                            \
        X(REALM_NOT_SERVED, 3003, "realm not served")                                                        \
        X(TOO_BUSY, 3004, "too busy")                                                                        \
        X(LOOP_DETECTED, 3005, "loop detected")                                                              \
        X(APPLICATION_UNSUPPORTED, 3007, "application not supported")                                        \
        X(INVALID_HDR_BITS, 3008, "header bits wrong")                                                       \
        X(INVALID_AVP_BITS, 3009, "AVP bits wrong")                                                          \
        X(UNKNOWN_PEER, 3010, "peer not known")                                                              \
        X(AUTHENTICATION_REJECTED, 4001, "authentication rejected")                                          \
        X(OUT_OF_SPACE, 4002, "out of space")                                                                \
        X(ELECTION_LOST, 4003, "election lost")                                                              \
        X(AVP_UNSUPPORTED, 5001, "AVP with M bit not supported")                                             \
        X(UNKNOWN_SESSION_ID, 5002, "session not known")                                                     \
        X(AUTHORIZATION_REJECTED, 5003, "authorization rejected")                                            \
        X(INVALID_AVP_VALUE, 5004, "AVP value not valid")                                                    \
        X(MISSING_AVP, 5005, "mandatory AVP missing")                                                        \
        X(CONTRADICTING_AVPS, 5007, "AVPs contradict each other")                                            \
        X(AVP_NOT_ALLOWED, 5008, "AVP not allowed")                                                          \
        X(AVP_OCCURS_TOO_MANY_TIMES, 5009, "AVP too many times")                                             \
        X(NO_COMMON_APPLICATION, 5010, "no common application")                                              \
        X(UNSUPPORTED_VERSION, 5011, "Diameter version not supported")                                       \
        X(UNABLE_TO_COMPLY, 5012, "unable to comply")                                                        \
        X(INVALID_AVP_LENGTH, 5014, "AVP length wrong")                                                      \
        X(INVALID_MESSAGE_LENGTH, 5015, "message length wrong")                                              \
        X(NO_COMMON_SECURITY, 5017, "no common security")

#define DIA_3GPP_RESULTS(X)                                                                                  \
        X(FIRST_REGISTRATION, 2001, "first registration")                                                    \
        X(SUBSEQUENT_REGISTRATION, 2002, "subsequent registration")                                          \
        X(UNREGISTERED_SERVICE, 2003, "services for the unregistered state")                                 \
        X(SUCCESS_SERVER_NAME_NOT_STORED, 2004, "success, S-CSCF name not stored")                           \
        X(ERROR_USER_UNKNOWN, 5001, "user unknown")                                                          \
        X(ERROR_IDENTITIES_DONT_MATCH, 5002, "IMPU does not belong to IMPI")                                 \
        X(ERROR_IDENTITY_NOT_REGISTERED, 5003, "identity not registered")                                    \
        X(ERROR_ROAMING_NOT_ALLOWED, 5004, "roaming not allowed")                                            \
        X(ERROR_IDENTITY_ALREADY_REGISTERED, 5005, "another S-CSCF is assigned")                             \
        X(ERROR_AUTH_SCHEME_NOT_SUPPORTED, 5006, "authentication scheme not possible")                       \
        X(ERROR_IN_ASSIGNMENT_TYPE, 5007, "assignment type does not fit")                                    \
        X(ERROR_TOO_MUCH_DATA, 5008, "too much data")                                                        \
        X(ERROR_NOT_SUPPORTED_USER_DATA, 5009, "user data not supported")                                    \
        X(ERROR_FEATURE_UNSUPPORTED, 5011, "required feature not supported")                                 \
        X(ERROR_SERVING_NODE_FEATURE_UNSUPPORTED, 5012, "serving node lacks the feature")

enum {
#define X(name, code, text) DIA_##name = code,
        DIA_BASE_RESULTS(X)
#undef X
#define X(name, code, text) CX_##name = code,
                DIA_3GPP_RESULTS(X)
#undef X
};

static inline struct dia_result dia_base(uint32_t code)
{
        return (struct dia_result){0, code};
}

static inline struct dia_result dia_3gpp(uint32_t code)
{
        return (struct dia_result){DIA_VENDOR_3GPP, code};
}

static inline bool dia_result_is(struct dia_result r, struct dia_result other)
{
        return r.vendor == other.vendor && r.code == other.code;
}

/* 2xxx of either space. */
static inline bool dia_result_ok(struct dia_result r)
{
        return r.code >= 2000 && r.code < 3000;
}

/* "DIAMETER_ERROR_USER_UNKNOWN (3GPP 5001)"; never NULL, static or per-thread text. */
const char *dia_result_str(struct dia_result r);
