/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of security associations (security.*) and of what phones may do differently (phones.*).
 * TS 33.203 7.1, 7.2, Annexes H and M. */
#pragma once

#include "common/base/conf.h"
#include "common/ipsec/sec_agree.h"

enum pcscf_ipsec { IPSEC_OFF, IPSEC_OFFERED, IPSEC_REQUIRED };
enum pcscf_sec_agree { SEC_AGREE_IGNORE, SEC_AGREE_REFUSE };
enum pcscf_without_offer { WITHOUT_OFFER_421, WITHOUT_OFFER_494 };
enum pcscf_nat_refusal { NAT_REFUSAL_DISCARD, NAT_REFUSAL_ERROR };
enum phones_answer_from { ANSWER_FROM_PORT_PC, ANSWER_FROM_PORT_PS };

struct security_conf {
        int ipsec;     /* enum pcscf_ipsec */
        int sec_agree; /* enum pcscf_sec_agree, with ipsec off */
        int confidentiality;
        struct conf_list algorithms; /* char * */
        uint32_t port_ps, port_pc, port_pc_count;
        uint32_t spi_first, spi_last;
        bool nat;
        int nat_refusal, without_offer;
        uint32_t margin_ms, esp_wait_ms;
        char *keylog; /* may be NULL */
        /* phones.*: strict when off */
        int answer_from;
        bool newest_sa, early_sa, hide_qop;
};

/* Fills a policy from algorithms and confidentiality. -IMS_ECONF (checked before, by security_conf_check). */
int security_conf_policy(const struct security_conf *c, struct sec_policy *out) IMS_CHECK;

/* Checks between keys. 0 or as conf_fail. gm_listen: char *, where UEs are served. */
int security_conf_check(const struct security_conf *c, const struct conf_list *gm_listen, struct buf *err);

extern const char *const security_ipsec_words[], *const security_sec_agree_words[];
extern const char *const security_confidentiality_words[], *const security_without_offer_words[];
extern const char *const security_nat_refusal_words[], *const security_answer_from_words[];
const char *security_check_suite(const char *value);

#define SECURITY_CONF_KEYS(OWNER, field)                                                                     \
        {.name = "security.ipsec",                                                                           \
         .type = CONF_ENUM,                                                                                  \
         .offset = offsetof(OWNER, field.ipsec),                                                             \
         .words = security_ipsec_words,                                                                      \
         .def = "off",                                                                                       \
         .doc = "IPsec on Gm: required of every UE, offered to those that ask for it, or off"},              \
                {.name = "security.sec_agree",                                                               \
                 .type = CONF_ENUM,                                                                          \
                 .offset = offsetof(OWNER, field.sec_agree),                                                 \
                 .words = security_sec_agree_words,                                                          \
                 .def = "ignore",                                                                            \
                 .doc = "with ipsec off, a UE that requires sec-agree: ignore it, or refuse with 420 (RFC "  \
                        "3329)"},                                                                            \
                {.name = "security.algorithms",                                                              \
                 .type = CONF_STR_LIST,                                                                      \
                 .offset = offsetof(OWNER, field.algorithms),                                                \
                 .def = "hmac-sha-1-96/aes-cbc,null/aes-gcm,hmac-sha-1-96/null,aes-gmac/null",               \
                 .check = security_check_suite,                                                              \
                 .doc = "INTEGRITY/ENCRYPTION in order of preference (TS 33.203 Annex H); old phones: "      \
                        "hmac-md5-96/des-ede3-cbc, hmac-md5-96/null"},                                       \
                {.name = "security.confidentiality",                                                         \
                 .type = CONF_ENUM,                                                                          \
                 .offset = offsetof(OWNER, field.confidentiality),                                           \
                 .words = security_confidentiality_words,                                                    \
                 .def = "preferred",                                                                         \
                 .doc = "encryption: never, preferred whenever the UE has it, or required (TS 33.203 7.2)"}, \
                {.name = "security.port_ps",                                                                 \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.port_ps),                                                   \
                 .def = "6100",                                                                              \
                 .min = 1,                                                                                   \
                 .max = 65535,                                                                               \
                 .doc = "protected server port, the same for all UEs (TS 33.203 7.1)"},                      \
                {.name = "security.port_pc",                                                                 \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.port_pc),                                                   \
                 .def = "6101",                                                                              \
                 .min = 1,                                                                                   \
                 .max = 65535,                                                                               \
                 .doc = "first protected client port"},                                                      \
                {.name = "security.port_pc_count",                                                           \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.port_pc_count),                                             \
                 .def = "4",                                                                                 \
                 .min = 4,                                                                                   \
                 .max = 32,                                                                                  \
                 .doc = "how many client ports, used in turn by each UE"},                                   \
                {.name = "security.spi_first",                                                               \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.spi_first),                                                 \
                 .def = "1000000000",                                                                        \
                 .min = 256,                                                                                 \
                 .max = 4294967295,                                                                          \
                 .doc = "range of SPIs for SIP"},                                                            \
                {.name = "security.spi_last",                                                                \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.spi_last),                                                  \
                 .def = "3999999999",                                                                        \
                 .min = 256,                                                                                 \
                 .max = 4294967295,                                                                          \
                 .doc = "its end"},                                                                          \
                {.name = "security.nat",                                                                     \
                 .type = CONF_BOOL,                                                                          \
                 .offset = offsetof(OWNER, field.nat),                                                       \
                 .def = "true",                                                                              \
                 .doc = "UEs behind address translators, by ESP in UDP at port 4500 (TS 33.203 Annex M)"},   \
                {.name = "security.nat_refusal",                                                             \
                 .type = CONF_ENUM,                                                                          \
                 .offset = offsetof(OWNER, field.nat_refusal),                                               \
                 .words = security_nat_refusal_words,                                                        \
                 .def = "discard",                                                                           \
                 .doc = "a UE behind a translator that does not offer UDP-enc-tun: discard (TS 33.203 "      \
                        "M.7.2), or answer an error"},                                                       \
                {.name = "security.without_offer",                                                           \
                 .type = CONF_ENUM,                                                                          \
                 .offset = offsetof(OWNER, field.without_offer),                                             \
                 .words = security_without_offer_words,                                                      \
                 .def = "421",                                                                               \
                 .doc = "with ipsec required, a UE that supports sec-agree and offers nothing: 421 or 494"}, \
                {.name = "security.margin",                                                                  \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.margin_ms),                                                 \
                 .def = "30s",                                                                               \
                 .min = 100,                                                                                 \
                 .max = 3600000,                                                                             \
                 .doc = "how long SAs live after the registration they belong to (TS 33.203 7.4.2a)"},       \
                {.name = "security.esp_wait",                                                                \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.esp_wait_ms),                                               \
                 .def = "10s",                                                                               \
                 .min = 100,                                                                                 \
                 .max = 240000,                                                                              \
                 .doc = "no ESP so long after the challenge: a verdict says so"},                            \
                {.name = "security.keylog",                                                                  \
                 .type = CONF_STR,                                                                           \
                 .offset = offsetof(OWNER, field.keylog),                                                    \
                 .optional = true,                                                                           \
                 .check = conf_check_filled,                                                                 \
                 .doc = "file that gets the keys of every SA, as Wireshark's esp_sa; only for a lab"},       \
                {.name = "phones.answer_from",                                                               \
                 .type = CONF_ENUM,                                                                          \
                 .offset = offsetof(OWNER, field.answer_from),                                               \
                 .words = security_answer_from_words,                                                        \
                 .def = "port_pc",                                                                           \
                 .doc = "answers over UDP leave from port_pc to port_us (TS 33.203 7.1), or from port_ps "   \
                        "to port_uc for phones that take nothing else"},                                     \
                {.name = "phones.newest_sa",                                                                 \
                 .type = CONF_BOOL,                                                                          \
                 .offset = offsetof(OWNER, field.newest_sa),                                                 \
                 .def = "false",                                                                             \
                 .doc = "requests to a UE take its new SAs at once, for phones that drop the old ones"},     \
                {.name = "phones.early_sa",                                                                  \
                 .type = CONF_BOOL,                                                                          \
                 .offset = offsetof(OWNER, field.early_sa),                                                  \
                 .def = "false",                                                                             \
                 .doc = "a UE may use new SAs for any request before its registration has succeeded"},       \
        {                                                                                                    \
                .name = "phones.hide_qop", .type = CONF_BOOL, .offset = offsetof(OWNER, field.hide_qop),     \
                .def = "false", .doc = "take qop out of challenges, for phones that do not answer with it"   \
        }
