/* SPDX-License-Identifier: BSD-3-Clause
 * The configuration schema of the HSS. */
#include "hss/hss_conf.h"

#include "common/base/codec.h"
#include "common/net/cert.h"
#include "hss/identity.h"
#include "hss/subscriber.h"

static const char *const synchronous_words[] = {"normal", "full", NULL};

static const char *const policy_words[] = {"once", "always", NULL};

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

static const char *check_listen(const char *value)
{
        struct addr a;
        return addr_parse(span_of(value), 0, &a) < 0 ? "is no ADDRESS:PORT" : NULL;
}

static const char *check_domain(const char *value)
{
        return identity_check_domain(span_of(value));
}

#define AT(field) offsetof(struct hss_conf, field)

static const struct conf_key keys[] = {
        DIA_CONF_KEYS(struct hss_conf, diameter),
        TRACE_CONF_KEYS(struct hss_conf, trace),
        CORE_NET_CONF_KEYS(struct hss_conf, networks),
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
        {.name = "trust_domain",
         .type = CONF_STR,
         .offset = AT(trust_domain),
         .optional = true,
         .check = host_check,
         .doc = "domains and realms of all identities must lie in it (TLS forward compatibility 8.1); none: "
                "any"},
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
        {.name = "control.socket",
         .type = CONF_STR,
         .optional = true,
         .offset = AT(control),
         .check = conf_check_filled,
         .doc = "Unix socket by which `hss subscriber set` has S-CSCFs told at once; mode 0600"},
        {.name = "push.retry",
         .type = CONF_TIME_MS,
         .offset = AT(push_retry_ms),
         .def = "10s",
         .min = 20,
         .max = 3600000,
         .doc = "an S-CSCF that could not be told of a new password, or of an end, is told again after"},
        {.name = "push.give_up",
         .type = CONF_TIME_MS,
         .offset = AT(push_give_up_ms),
         .def = "10m",
         .min = 0,
         .max = 86400000,
         .doc = "no more attempts after; the S-CSCF fetches the new password at its next challenge"},
        {.name = "bootstrap.listen",
         .type = CONF_STR_LIST,
         .optional = true,
         .offset = AT(bootstrap.listen),
         .check = check_listen,
         .doc = "ADDRESS:PORT at which devices fetch credentials with their certificate; none: they do not"},
        {.name = "bootstrap.certificate",
         .type = CONF_STR,
         .optional = true,
         .offset = AT(bootstrap.certificate),
         .check = conf_check_filled,
         .doc = "PEM file: the certificate that is shown to devices, then those between it and its root"},
        {.name = "bootstrap.key",
         .type = CONF_STR,
         .optional = true,
         .offset = AT(bootstrap.key),
         .check = conf_check_filled,
         .doc = "PEM file: its private key"},
        {.name = "bootstrap.device_ca",
         .type = CONF_STR,
         .optional = true,
         .offset = AT(bootstrap.device_ca),
         .check = conf_check_filled,
         .doc = "PEM file: the authorities that certify devices"},
        {.name = "bootstrap.crl",
         .type = CONF_STR,
         .optional = true,
         .offset = AT(bootstrap.crl),
         .check = conf_check_filled,
         .doc = "PEM file: their revocation lists; none: revocation is not looked at"},
        {.name = "bootstrap.policy",
         .type = CONF_ENUM,
         .offset = AT(bootstrap.policy),
         .words = policy_words,
         .def = "once",
         .doc = "how often a device gets credentials; always: new ones each time it asks"},
        {.name = "bootstrap.block_after",
         .type = CONF_U32,
         .offset = AT(bootstrap.block_after),
         .def = "5",
         .max = 1000000,
         .doc = "a device that was served, and is asked for so often again in vain, is blocked; 0: never"},
        {.name = "bootstrap.pcscf",
         .type = CONF_STR,
         .optional = true,
         .offset = AT(bootstrap.pcscf),
         .check = conf_check_filled,
         .doc = "where devices are told to register: a name or address"},
        {.name = "bootstrap.timeout",
         .type = CONF_TIME_MS,
         .offset = AT(bootstrap.timeout_ms),
         .def = "10s",
         .min = 100,
         .max = 120000,
         .doc = "a connection ends after it, whatever has come"},
        {.name = "bootstrap.max_connections",
         .type = CONF_U32,
         .offset = AT(bootstrap.max_connections),
         .def = "100",
         .min = 1,
         .max = 10000,
         .doc = "connections at once; more are closed unread"},
        {.name = "bootstrap.max_per_source",
         .type = CONF_U32,
         .offset = AT(bootstrap.max_per_source),
         .def = "20",
         .min = 1,
         .max = 10000,
         .doc = "connections at once from one address"},
        {.name = "bootstrap.handshakes",
         .type = CONF_U32,
         .offset = AT(bootstrap.handshakes),
         .def = "200",
         .max = 1000000,
         .doc = "TLS handshakes per second of who showed no certificate before, and as many of who did; 0: "
                "no "
                "limit (PKT-TR-SEC 5.3.2.1.4)"},
        {.name = "bootstrap.handshakes_per_source",
         .type = CONF_U32,
         .offset = AT(bootstrap.handshakes_per_source),
         .def = "50",
         .max = 1000000,
         .doc = "of either, from one address (of IPv6 its /64); 0: no limit"},
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
        if (core_net_conf_check(&c->networks, err) != 0)
                rc = -IMS_ECONF;
        if (dia_conf_check(&c->diameter, &c->networks, err) != 0)
                rc = -IMS_ECONF;
        if (strcmp(c->store_file, c->store_key_file) == 0)
                rc = conf_fail(err, "store.key_file", "the key may not stand in the database");
        if (c->trust_domain && c->identity_domain &&
            !cert_domain_within(span_of(c->identity_domain), span_of(c->trust_domain)))
                rc = conf_fail(err, "identity.domain", "%s: is outside of trust_domain %s",
                               c->identity_domain, c->trust_domain);
        const struct bootstrap_conf *b = &c->bootstrap;
        if (b->listen.n && (!b->certificate || !b->key || !b->device_ca))
                rc = conf_fail(
                        err, "bootstrap.listen",
                        "bootstrap.certificate, bootstrap.key and bootstrap.device_ca are needed with it");
        return rc;
}

struct tls_conf hss_conf_bootstrap_tls(const struct bootstrap_conf *b)
{
        /* A session is of no use: each connection asks once. */
        return (struct tls_conf){.certificate = b->certificate,
                                 .key = b->key,
                                 .ca = b->device_ca,
                                 .crl = b->crl,
                                 .devices = true,
                                 .verify_clients = true,
                                 .session_lifetime_s = 1,
                                 .max_sessions = 1,
                                 .handshake_ms = b->timeout_ms};
}

/* Our own certificate leads to other roots than those of the devices: it cannot be followed to its root here,
 * but every file is read. */
static int look_bootstrap(const struct bootstrap_conf *b, struct buf *err)
{
        const struct tls_conf tls = hss_conf_bootstrap_tls(b);
        struct tls_context *c = NULL;
        struct buf why = BUF_INIT;
        int rc = b->listen.n ? tls_context_new(&tls, TLS_SERVER, &c, &why) : 0;
        if (rc < 0)
                rc = conf_fail(err, "bootstrap", SPAN_FMT, SPAN_ARG(buf_as_span(&why)));
        tls_context_free(c);
        buf_free(&why);
        return rc;
}

static int look(const struct conf_schema *schema, const void *conf, struct buf *err)
{
        const struct hss_conf *c = conf;
        int rc = dia_conf_look_tls(&c->diameter, c->trust_domain, err);

        (void)schema;
        if (look_bootstrap(&c->bootstrap, err) < 0)
                rc = -IMS_ECONF;
        if (c->trust_domain)
                trust_domain_look(c->trust_domain, c->store_file, err);
        return rc;
}

const struct conf_schema hss_conf_schema = {
        .node = "hss",
        .size = sizeof(struct hss_conf),
        .keys = keys,
        .check = check,
        .look = look,
};
