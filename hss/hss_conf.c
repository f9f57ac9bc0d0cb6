/* SPDX-License-Identifier: BSD-3-Clause
 * The configuration schema of the HSS. */
#include "hss/hss_conf.h"

#include "common/base/codec.h"
#include "hss/identity.h"

static const char *const synchronous_words[] = {"normal", "full", NULL};

static const char *check_amf(const char *value)
{
        uint8_t amf[2];
        return hex_decode(span_of(value), amf, 2) < 0 ? "AMF is four hex digits" : NULL;
}

static bool range_parse(struct span text, uint8_t *first, uint8_t *last)
{
        struct span a;
        uint32_t lo, hi;
        if (!span_split(&text, '-', &a) || span_u32(a, 255, &lo) < 0 || span_u32(text, 255, &hi) < 0)
                return false;
        *first = (uint8_t)lo;
        *last = (uint8_t)hi;
        return true;
}

static const char *check_range(const char *value)
{
        uint8_t first, last;
        return range_parse(span_of(value), &first, &last) ? NULL : "a range is FIRST-LAST, such as 0-11";
}

static const char *check_domain(const char *value)
{
        return identity_check_domain(span_of(value));
}

#define AT(field) offsetof(struct hss_conf, field)

static const struct conf_key keys[] = {
        DIA_CONF_KEYS(struct hss_conf, diameter),
        TRACE_CONF_KEYS(struct hss_conf, trace),
        {.name = "store.file",
         .type = CONF_STR,
         .offset = AT(store_file),
         .check = conf_check_filled,
         .def = "/var/lib/quintet/hss.db",
         .doc = "SQLite database of the subscribers"},
        {.name = "store.key_file",
         .type = CONF_STR,
         .offset = AT(store_key_file),
         .check = conf_check_filled,
         .def = "/var/lib/quintet/hss.key",
         .doc = "key that K, OPc and H(A1) are stored under; mode 0600; keep a copy apart from the database"},
        {.name = "store.synchronous",
         .type = CONF_ENUM,
         .offset = AT(store_synchronous),
         .def = "normal",
         .words = synchronous_words,
         .doc = "normal: what was answered survives a crash of the program; full: a loss of power too"},
        {.name = "store.busy",
         .type = CONF_TIME_MS,
         .offset = AT(store_busy_ms),
         .def = "1000",
         .min = 10,
         .max = 30000,
         .doc = "longest wait for the database while another program writes; then DIAMETER_TOO_BUSY"},
        {.name = "store.checkpoint_pages",
         .type = CONF_U32,
         .offset = AT(store_checkpoint_pages),
         .def = "2000",
         .min = 10,
         .max = 1000000,
         .doc = "pages in the write-ahead log that start a checkpoint"},
        {.name = "auc.amf",
         .type = CONF_STR,
         .offset = AT(auc_amf),
         .def = "8000",
         .check = check_amf,
         .doc = "AMF of new subscribers, four hex digits (TS 33.102 Annex H)"},
        {.name = "auc.ind_bits",
         .type = CONF_U32,
         .offset = AT(auc_ind_bits),
         .def = "5",
         .min = 1,
         .max = SQN_IND_BITS_MAX,
         .doc = "bits of IND in SQN = SEQ || IND (TS 33.102 C.1.1.1)"},
        {.name = "auc.ind_cs",
         .type = CONF_STR,
         .offset = AT(auc_ind[SQN_DOMAIN_CS]),
         .def = "0-11",
         .check = check_range,
         .doc = "IND values of vectors for the CS domain (TS 33.203 Annex G)"},
        {.name = "auc.ind_ps",
         .type = CONF_STR,
         .offset = AT(auc_ind[SQN_DOMAIN_PS]),
         .def = "12-27",
         .check = check_range,
         .doc = "IND values of vectors for the PS domain"},
        {.name = "auc.ind_ims",
         .type = CONF_STR,
         .offset = AT(auc_ind[SQN_DOMAIN_IMS]),
         .def = "28-31",
         .check = check_range,
         .doc = "IND values of vectors for IMS, a small share"},
        {.name = "aka.max_vectors",
         .type = CONF_U32,
         .offset = AT(aka_max_vectors),
         .def = "5",
         .min = 1,
         .max = CX_AUTH_ITEMS_MAX,
         .doc = "most vectors in one MAA"},
        {.name = "identity.domain",
         .type = CONF_STR,
         .offset = AT(identity_domain),
         .optional = true,
         .check = check_domain,
         .doc = "home domain of new subscribers; none: ims.mncMNC.mccMCC.3gppnetwork.org"},
        {.name = "identity.mnc_digits",
         .type = CONF_U32,
         .offset = AT(identity_mnc_digits),
         .def = "2",
         .min = 2,
         .max = 3,
         .doc = "digits of the MNC in an IMSI (TS 23.003 2.2)"},
        {.name = "cx.keep_server_name",
         .type = CONF_BOOL,
         .offset = AT(keep_server_name),
         .def = "yes",
         .doc = "keep the S-CSCF at *_DEREGISTRATION_STORE_SERVER_NAME (no: answer 2004)"},
        {.name = "cx.wafs",
         .type = CONF_STR_LIST,
         .offset = AT(wafs),
         .check = conf_check_filled,
         .optional = true,
         .doc = "WebRTC authentication functions allowed, sent in SAA"},
        {.name = "cx.wwsfs",
         .type = CONF_STR_LIST,
         .offset = AT(wwsfs),
         .check = conf_check_filled,
         .optional = true,
         .doc = "WebRTC web server functions allowed, sent in SAA"},
        {.name = NULL},
};

uint16_t hss_conf_amf(const struct hss_conf *c)
{
        uint8_t amf[2] = {0x80, 0};
        if (hex_decode(span_of(c->auc_amf), amf, 2) < 0)
                return 0x8000;
        return (uint16_t)(amf[0] << 8 | amf[1]);
}

struct sqn_scheme hss_conf_sqn_scheme(const struct hss_conf *c)
{
        struct sqn_scheme s = {.ind_bits = c->auc_ind_bits};
        for (int d = 0; d < SQN_DOMAINS; d++)
                if (!range_parse(span_of(c->auc_ind[d]), &s.range[d].first, &s.range[d].last))
                        s.range[d].first = 1, s.range[d].last = 0;
        return s;
}

static int check(const struct conf_schema *schema, void *conf, struct buf *err)
{
        (void)schema;
        const struct hss_conf *c = conf;
        struct sqn_scheme s = hss_conf_sqn_scheme(c);
        int rc = 0;
        if (sqn_scheme_check(&s) < 0)
                rc = conf_fail(
                        err, "auc.ind_ims",
                        "the ranges auc.ind_cs, auc.ind_ps and auc.ind_ims overlap, are empty or do not fit "
                        "%u bits",
                        c->auc_ind_bits);
        if (strcmp(c->store_file, c->store_key_file) == 0)
                rc = conf_fail(err, "store.key_file", "the key may not stand in the database");
        return rc;
}

const struct conf_schema hss_conf_schema = {
        .node = "hss",
        .size = sizeof(struct hss_conf),
        .keys = keys,
        .check = check,
};
