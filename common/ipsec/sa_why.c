/* SPDX-License-Identifier: BSD-3-Clause
 * What the kernel's refusals mean, in sentences that say what to do. */
#include <errno.h>

#include "common/ipsec/sa_kernel_int.h"

int sa_error(int sys_err)
{
        switch (sys_err) {
        case 0:
                return 0;
        case EEXIST:
                return -IMS_EEXISTS;
        case ENOMEM:
        case ENOBUFS:
                return -IMS_ENOMEM;
        case EPERM:
        case EACCES:
                return -IMS_EPERM;
        case ESRCH:
                return -IMS_ENOTFOUND;
        case EADDRINUSE:
                return -IMS_EADDRINUSE;
        case ENOSYS:
        case ENOENT:
        case EINVAL:
        case EOPNOTSUPP:
        case EPROTONOSUPPORT:
        case EAFNOSUPPORT:
        case ENOPROTOOPT:
                return -IMS_EUNSUPPORTED;
        default:
                return -IMS_EIO;
        }
}

void sa_why_open(struct buf *why, int sys_err)
{
        switch (sys_err) {
        case EPROTONOSUPPORT:
        case EAFNOSUPPORT:
        case ENOENT:
        case ECONNREFUSED: /* the socket is there, nobody behind it */
                buf_puts(why,
                         "this kernel has no IPsec (CONFIG_XFRM_USER): load the module xfrm_user (modprobe "
                         "xfrm_user) or take a kernel that has it");
                break;
        case EPERM:
        case EACCES:
                buf_puts(why,
                         "no permission to set up IPsec: the program needs CAP_NET_ADMIN (run it as root, or "
                         "setcap cap_net_admin+ep PROGRAM)");
                break;
        default:
                buf_printf(why, "IPsec of the kernel cannot be opened: %s", strerror(sys_err));
                break;
        }
}

/* What a suite needs of the kernel: modules and options. */
static const char *needs(struct sec_suite suite)
{
        if (suite.ealg == SEC_EALG_AES_GCM || suite.alg == SEC_ALG_AES_GMAC)
                return "modules gcm, seqiv and an AES (CONFIG_CRYPTO_GCM, CONFIG_CRYPTO_SEQIV, "
                       "CONFIG_CRYPTO_AES)";
        if (suite.alg == SEC_ALG_HMAC_MD5_96)
                return suite.ealg == SEC_EALG_DES_EDE3_CBC ? "modules authenc, echainiv, hmac, md5, cbc and "
                                                             "des_generic (CONFIG_CRYPTO_AUTHENC, "
                                                             "CONFIG_CRYPTO_MD5, CONFIG_CRYPTO_DES)"
                                                           : "modules authenc, echainiv, hmac and md5 "
                                                             "(CONFIG_CRYPTO_AUTHENC, CONFIG_CRYPTO_MD5)";
        if (suite.ealg == SEC_EALG_DES_EDE3_CBC)
                return "modules authenc, echainiv, hmac, sha1, cbc and des_generic (CONFIG_CRYPTO_AUTHENC, "
                       "CONFIG_CRYPTO_SHA1, CONFIG_CRYPTO_DES)";
        if (suite.ealg == SEC_EALG_AES_CBC)
                return "modules authenc, echainiv, hmac, sha1, cbc and an AES (CONFIG_CRYPTO_AUTHENC, "
                       "CONFIG_CRYPTO_SHA1, CONFIG_CRYPTO_CBC, CONFIG_CRYPTO_AES)";
        return "modules authenc, echainiv, hmac, sha1 and crypto_null (CONFIG_CRYPTO_AUTHENC, "
               "CONFIG_CRYPTO_SHA1, "
               "CONFIG_CRYPTO_NULL)";
}

void sa_why_refused(struct buf *why, struct sec_suite suite, int family, int sys_err, const char *said)
{
        bool v6 = family == AF_INET6;

        switch (sys_err) {
        case EPROTONOSUPPORT:
        case EAFNOSUPPORT:
                buf_printf(why,
                           "this kernel has no ESP for IPv%d: load the module esp%d (modprobe esp%d; "
                           "CONFIG_INET%s_ESP)",
                           v6 ? 6 : 4, v6 ? 6 : 4, v6 ? 6 : 4, v6 ? "6" : "");
                break;
        case ENOSYS:
        case ENOENT:
                buf_puts(why, "this kernel does not do ");
                sec_suite_write(suite, why);
                buf_printf(why, ": it needs the %s", needs(suite));
                break;
        case EPERM:
        case EACCES:
                sa_why_open(why, sys_err);
                break;
        case ENOPROTOOPT:
                buf_puts(why, "this kernel takes no ESP in UDP (socket option UDP_ENCAP)");
                break;
        default:
                buf_puts(why, "this kernel refuses an SA with ");
                sec_suite_write(suite, why);
                buf_printf(why, ": %s", strerror(sys_err));
                break;
        }
        if (said[0])
                buf_printf(why, " (the kernel says: %s)", said);
}
