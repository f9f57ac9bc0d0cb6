/* SPDX-License-Identifier: BSD-3-Clause
 * The one error list. Functions return 0 or a negative code (-IMS_EPARSE); out-parameters are
 * written only on success. */
#pragma once

#define IMS_ERR_LIST(X)                                                                                      \
        X(IMS_EINVAL, 1, "invalid argument")                                                                 \
        X(IMS_ENOMEM, 2, "out of memory")                                                                    \
        X(IMS_EPARSE, 3, "malformed input")                                                                  \
        X(IMS_ETOOBIG, 4, "larger than the limit")                                                           \
        X(IMS_ENOTFOUND, 5, "not found")                                                                     \
        X(IMS_EEXISTS, 6, "exists already")                                                                  \
        X(IMS_EALREADY, 7, "already under way")                                                              \
        X(IMS_ETIMEOUT, 8, "timed out")                                                                      \
        X(IMS_EUNREACH, 9, "peer not reachable")                                                             \
        X(IMS_ECLOSED, 10, "closed")                                                                         \
        X(IMS_ELIMIT, 11, "limit reached")                                                                   \
        X(IMS_EAUTH, 12, "authentication failed")                                                            \
        X(IMS_ECRYPTO, 13, "cryptographic operation failed")                                                 \
        X(IMS_EIO, 14, "input or output failed")                                                             \
        X(IMS_EDB, 15, "database operation failed")                                                          \
        X(IMS_ECONF, 16, "configuration is wrong")                                                           \
        X(IMS_EPROTO, 17, "protocol violation")                                                              \
        X(IMS_EUNSUPPORTED, 18, "not supported")                                                             \
        X(IMS_EADDRINUSE, 19, "address already in use")                                                      \
        X(IMS_EPERM, 20, "not permitted")                                                                    \
        X(IMS_EINCOMPLETE, 21, "more input needed")                                                          \
        X(IMS_ECANCELED, 22, "canceled")                                                                     \
        X(IMS_EUNPROTECTED, 23, "not protected as network_domain wants")

#define IMS_ERR_ENUM(name, value, text) name = value,
enum ims_err { IMS_ERR_LIST(IMS_ERR_ENUM) };
#undef IMS_ERR_ENUM

#define IMS_CHECK                      __attribute__((warn_unused_result))
#define IMS_PRINTF(fmt_arg, first_arg) __attribute__((format(printf, fmt_arg, first_arg)))

/* Text of an error ("malformed input"); err may be given with either sign. Never NULL. */
const char *ims_strerror(int err);

/* Name of an error ("IMS_EPARSE"); never NULL. */
const char *ims_errname(int err);
