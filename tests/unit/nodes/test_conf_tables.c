/* SPDX-License-Identifier: BSD-3-Clause
 * Every key of every node's configuration with every kind of wrong value: one fault, with file, line, key,
 * value and reason. The schemas themselves are walked, so that a new key without a row here fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>

#include "hss/hss_conf.h"
#include "icscf/icscf_conf.h"
#include "pcscf/pcscf_conf.h"
#include "scscf/scscf_conf.h"
#include "tests/unit/proves.h"

static const struct conf_schema *const schemas[] = {&hss_conf_schema, &icscf_conf_schema, &scscf_conf_schema,
                                                    &pcscf_conf_schema};

#define HOST     "is no host name (letters, digits, hyphens and dots)"
#define LISTEN   "want TRANSPORT:ADDRESS:PORT with udp, tcp or tls, such as udp:192.0.2.1:5060"
#define HOSTS    "want NAME=ADDRESS[:PORT][/TRANSPORT]"
#define DNS      "want ADDRESS[:PORT] of a DNS server"
#define PEER     "is no IP address with port (192.0.2.1:3868, [2001:db8::1]:3868)"
#define PEER_TLS "is no IP address with port (192.0.2.1:5868, [2001:db8::1]:5868)"
#define IP       "is no IP address"
#define PREFIX   "is not ADDRESS or ADDRESS/BITS"
#define URI      "is not a SIP URI (sip:HOST[:PORT])"
#define URI_P    "not a SIP URI (sip:icscf.example.org)"
#define TEXT     "may not hold control characters, quotes or backslashes"
#define RANGE    "a range is FIRST-LAST, such as 0-11"
#define AMF      "AMF is four hex digits"
#define EMPTY    "is empty"
#define SUITE    "not INTEGRITY/ENCRYPTION of TS 33.203 Annex H (hmac-sha-1-96/aes-cbc, null/aes-gcm)"

/* Texts: what is wrong with them and why; keys of the same name in several nodes share their rows unless node
 * says otherwise. In a list of maps the key is LIST.KEY. */
static const struct {
        const char *node, *key, *value, *why;
} texts[] = {
        {NULL, "sip.listen", "", LISTEN},
        {NULL, "sip.listen", "127.0.0.1:5060", LISTEN},
        {NULL, "sip.listen", "sctp:127.0.0.1:5060", LISTEN},
        {NULL, "sip.listen", "udp:localhost:5060", LISTEN},
        {NULL, "sip.listen", "udp:127.0.0.1:65536", LISTEN},
        {NULL, "sip.name", "", HOST},
        {NULL, "sip.name", "a b", HOST},
        {NULL, "sip.name", "a..b", HOST},
        {NULL, "sip.name", "[::1]", HOST},
        {NULL, "sip.tls.certificate", "", EMPTY},
        {NULL, "sip.tls.key", "", EMPTY},
        {NULL, "sip.tls.ca", "", EMPTY},
        {NULL, "sip.tls.crl", "", EMPTY},
        {NULL, "gm.tls.crl", "", EMPTY},
        {NULL, "diameter.tls.certificate", "", EMPTY},
        {NULL, "diameter.tls.key", "", EMPTY},
        {NULL, "diameter.tls.ca", "", EMPTY},
        {NULL, "diameter.tls.crl", "", EMPTY},
        {NULL, "diameter.tls.keylog", "", EMPTY},
        {NULL, "diameter.tls.listen", "", PEER_TLS},
        {NULL, "diameter.tls.listen", "hss.example:5868", PEER_TLS},
        {NULL, "sip.tls.keylog", "", EMPTY},
        {NULL, "gm.tls.certificate", "", EMPTY},
        {NULL, "gm.tls.key", "", EMPTY},
        {NULL, "gm.tls.ca", "", EMPTY},
        {NULL, "gm.tls.keylog", "", EMPTY},
        {NULL, "sip.tls.name", "", HOST},
        {NULL, "sip.tls.name", "a b", HOST},
        {NULL, "resolver.hosts", "", HOSTS},
        {NULL, "resolver.hosts", "a.example", HOSTS},
        {NULL, "resolver.hosts", "a.example=b.example", HOSTS},
        {NULL, "resolver.hosts", "a.example=127.0.0.1/sctp", HOSTS},
        {NULL, "resolver.servers", "", DNS},
        {NULL, "resolver.servers", "dns.example", DNS},
        {NULL, "trust_domain", "a b", HOST},
        {NULL, "trust_domain", "", HOST},
        {NULL, "diameter.identity", "", HOST},
        {NULL, "diameter.identity", "aaa://hss.example", HOST},
        {NULL, "diameter.identity", "-hss.example", HOST},
        {NULL, "diameter.realm", "", HOST},
        {NULL, "diameter.realm", "example.", HOST},
        {NULL, "diameter.listen", "hss.example:3868", PEER},
        {NULL, "diameter.listen", "127.0.0.1:x", PEER},
        {NULL, "diameter.peers.identity", "", HOST},
        {NULL, "diameter.peers.identity", "a@b", HOST},
        {NULL, "diameter.peers.realm", "", HOST},
        {NULL, "diameter.peers.realm", "a b", HOST},
        {NULL, "diameter.peers.address", "hss.example", PEER},
        {NULL, "diameter.peers.from", "", PREFIX},
        {NULL, "diameter.peers.from", "10.0.0.0/33", PREFIX},
        {NULL, "diameter.peers.from", "hss.example", PREFIX},
        {NULL, "network_domain.network", "", PREFIX},
        {NULL, "network_domain.network", "core.example", PREFIX},
        {NULL, "diameter.local", "hss.example", IP},
        {NULL, "diameter.local", "127.0.0.1:3868", IP},
        {NULL, "diameter.local", "0.0.0.0", IP},
        {NULL, "trace.file", "", EMPTY},
        {NULL, "trusted", "", PREFIX},
        {NULL, "trusted", "10.0.0.0/33", PREFIX},
        {NULL, "trusted", "icscf.example", PREFIX},
        {NULL, "home_domain", "", HOST},
        {NULL, "home_domain", "sip:a.example", HOST},
        {"hss", "store.file", "", EMPTY},
        {"hss", "store.key_file", "", EMPTY},
        {"hss", "auc.amf", "", AMF},
        {"hss", "auc.amf", "80000", AMF},
        {"hss", "auc.amf", "80g0", AMF},
        {"hss", "auc.ind_cs", "", RANGE},
        {"hss", "auc.ind_cs", "0", RANGE},
        {"hss", "auc.ind_cs", "0-256", RANGE},
        {"hss", "auc.ind_ps", "", RANGE},
        {"hss", "auc.ind_ps", "a-b", RANGE},
        {"hss", "auc.ind_ims", "", RANGE},
        {"hss", "auc.ind_ims", "-1-5", RANGE},
        {"hss", "identity.domain", "", "a domain name has 1 to 253 characters"},
        {"hss", "identity.domain", "a b", "a domain name has letters, digits, - and . only"},
        {"hss", "cx.wafs", "", EMPTY},
        {"hss", "cx.wwsfs", "", EMPTY},
        {"icscf", "scscf.pool.uri", "", URI},
        {"icscf", "scscf.pool.uri", "scscf.example", URI},
        {"icscf", "scscf.pool.uri", "sip:", URI},
        {"icscf", "scscf.pool.uri", "sip:a b", URI},
        {"icscf", "scscf.pool.capabilities", "one", "is not a list of numbers (1,2)"},
        {"icscf", "scscf.pool.capabilities", "1,,2", "is not a list of numbers (1,2)"},
        {"scscf", "scscf.name", "", URI},
        {"scscf", "scscf.name", "scscf.example", URI},
        {"scscf", "scscf.name", "sip:user@scscf.example",
         "must be sip:HOST[:PORT] without user and parameters"},
        {"scscf", "icscf", "", URI},
        {"scscf", "icscf", "icscf.example", URI},
        {"pcscf", "gm.listen", "", LISTEN},
        {"pcscf", "gm.listen", "ws:127.0.0.1:80", LISTEN},
        {"pcscf", "home.icscf", "", URI_P},
        {"pcscf", "home.icscf", "sips:icscf.example", URI_P},
        {"pcscf", "visited_network", "", EMPTY},
        {"pcscf", "visited_network", "a\\x5cb", TEXT},
        {"pcscf", "ioi", "", EMPTY},
        {"pcscf", "ioi", "a\\x09b", TEXT},
        {"pcscf", "access.pani", "", EMPTY},
        {"pcscf", "access.pani", "a\\x5cb", TEXT},
        {"pcscf", "access.ranges.prefix", "", PREFIX},
        {"pcscf", "access.ranges.prefix", "10/8", PREFIX},
        {"pcscf", "access.ranges.pani", "", EMPTY},
        {"pcscf", "access.ranges.pani", "a\\x0ab", TEXT},
        {"pcscf", "emergency.psap", "", URI_P},
        {"pcscf", "emergency.psap", "tel:112", URI_P},
        {"pcscf", "emergency.numbers", "", EMPTY},
        {"pcscf", "security.algorithms", "", SUITE},
        {"pcscf", "security.algorithms", "hmac-sha-1-96", SUITE},
        {"pcscf", "security.algorithms", "null/aes-cbc", SUITE},
        {"pcscf", "security.algorithms", "hmac-sha-1-96/aes-gcm", SUITE},
        {"pcscf", "security.keylog", "", EMPTY},
        {"hss", "control.socket", "", EMPTY},
        {"hss", "bootstrap.listen", "here", "is no ADDRESS:PORT"},
        {"hss", "bootstrap.certificate", "", EMPTY},
        {"hss", "bootstrap.key", "", EMPTY},
        {"hss", "bootstrap.device_ca", "", EMPTY},
        {"hss", "bootstrap.crl", "", EMPTY},
        {"hss", "bootstrap.pcscf", "", EMPTY},
        {"pcscf", "control.socket", "", EMPTY},
        {"scscf", "control.socket", "", EMPTY},
        {"pcscf", "emergency.numbers", "1\\x0d2", TEXT},
};

/* What stands for a key that must be given. */
static const struct {
        const char *key, *value;
} needed[] = {
        {"diameter.identity", "\"a.example\""},
        {"diameter.realm", "\"example\""},
        {"home_domain", "[\"example\"]"},
        {"scscf.name", "\"sip:s.example\""},
        {"visited_network", "\"example\""},
        {"diameter.peers.identity", "\"b.example\""},
        {"scscf.pool.uri", "\"sip:s.example\""},
        {"access.ranges.prefix", "\"10.0.0.0/8\""},
        {"network_domain.network", "\"10.0.0.0/8\""},
        {"network_domain.protected_by", "\"ipsec\""},
};

/* --- writing and reading ---------------------------------------------------------------------------- */

/* The key under test: list NULL for one at the top, else it stands in the only item of that list. */
struct place {
        const struct conf_schema *schema;
        const struct conf_key *list, *key;
        char full[128]; /* "diameter.peers.address", for the tables */
        char path[128]; /* "diameter.peers[0].address", as messages name it */
};

static bool is_required(const struct conf_key *k)
{
        return !k->def && !k->optional;
}

static const char *needed_value(const char *key)
{
        for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
                if (strcmp(needed[i].key, key) == 0)
                        return needed[i].value;
        fail_msg("%s must be given: it needs a row in needed[]", key);
        return NULL;
}

/* What must be given, but for the key named without. Returns the number of lines. */
static unsigned put_needed(struct buf *b, const struct conf_schema *s, const struct conf_key *without)
{
        unsigned lines = 0;

        for (const struct conf_key *k = s->keys; k->name; k++) {
                if (!is_required(k) || k == without)
                        continue;
                buf_printf(b, "%s: %s\n", k->name, needed_value(k->name));
                lines++;
        }
        return lines;
}

static void parse(const struct conf_schema *s, struct buf *text, struct buf *err)
{
        void *conf = NULL;

        buf_reset(err);
        assert_int_equal(text->err, 0);
        if (conf_parse(s, "node.yaml", buf_as_span(text), &conf, err) == 0)
                conf_free(s, conf);
        buf_char(err, '\0');
        assert_int_equal(err->err, 0);
}

/* "key: VALUE", or "list: [{needed: ..., key: VALUE}]"; value as YAML. suffix is added to the key's name. */
static void put_key(struct buf *b, const struct place *p, const char *suffix, const char *value)
{
        char full[256];

        if (!p->list) {
                buf_printf(b, "%s%s: %s\n", p->key->name, suffix, value);
                return;
        }
        buf_printf(b, "%s: [{", p->list->name);
        for (const struct conf_key *k = p->list->item; k->name; k++) {
                if (!is_required(k) || (k == p->key && !*suffix))
                        continue;
                (void)snprintf(full, sizeof(full), "%s.%s", p->list->name, k->name);
                buf_printf(b, "%s: %s, ", k->name, needed_value(full));
        }
        buf_printf(b, "%s%s: %s}]\n", p->key->name, suffix, value);
}

/* The one fault wanted: "node.yaml:LINE: PATH[suffix]: message". */
static void wrong(const struct place *p, const char *suffix, const char *value, const char *message)
{
        struct buf text = BUF_INIT, err = BUF_INIT, want = BUF_INIT;
        unsigned line = 1 + put_needed(&text, p->schema, *suffix ? NULL : p->list ? p->list : p->key);

        put_key(&text, p, suffix, value);
        parse(p->schema, &text, &err);
        buf_printf(&want, "node.yaml:%u: %s%s: %s\n", line, p->path, suffix, message);
        buf_char(&want, '\0');
        if (strcmp(err.p, want.p) != 0)
                fail_msg("%s, %s%s: %s\nwanted: %shere is: %s", p->schema->node, p->full, suffix, value,
                         want.p, err.p);
        buf_free(&text);
        buf_free(&err);
        buf_free(&want);
}

/* The same for a plain value, which is shown. */
static void wrong_value(const struct place *p, const char *value, const char *why)
{
        char quoted[160], message[400];

        (void)snprintf(quoted, sizeof(quoted), "\"%s\"", value);
        (void)snprintf(message, sizeof(message), "%s: %s", value, why);
        wrong(p, "", quoted, message);
}

/* --- by type ---------------------------------------------------------------------------------------- */

static void numbers(const struct place *p)
{
        static const char *const no_numbers[] = {"", "-1", "1.5", "x", "0x10", "1 s", "1w", "+5"};
        const struct conf_key *k = p->key;
        const char *unit = k->type == CONF_TIME_S ? " s" : k->type == CONF_TIME_MS ? " ms" : "";
        const char *form = k->type == CONF_TIME_S    ? "not a time (600, 600s, 10m, 1h)"
                           : k->type == CONF_TIME_MS ? "not a time (500, 500ms, 4s, 10m)"
                                                     : "not a number";
        uint64_t max = k->max ? k->max : UINT32_MAX;
        char range[96], value[32];

        (void)snprintf(range, sizeof(range), "must be within %" PRIu64 "..%" PRIu64 "%s", k->min, max, unit);
        for (size_t i = 0; i < sizeof(no_numbers) / sizeof(no_numbers[0]); i++)
                wrong_value(p, no_numbers[i], form);
        if (k->min) {
                (void)snprintf(value, sizeof(value), "%" PRIu64, k->min - 1);
                wrong_value(p, value, range);
        }
        (void)snprintf(value, sizeof(value), "%" PRIu64, max + 1);
        wrong_value(p, value, range);
        wrong_value(p, "4294967296", range);
        wrong_value(p, "18446744073709551621", range);
        if (*unit)
                wrong_value(p, "4294967295d", range);
}

static void words(const struct place *p)
{
        static const char *const yes_no = "must be true or false (yes, no, on, off)";
        struct buf why = BUF_INIT;

        if (p->key->type == CONF_BOOL) {
                buf_puts(&why, yes_no);
        } else {
                buf_puts(&why, "must be one of");
                for (int i = 0; p->key->words[i]; i++)
                        buf_printf(&why, "%s %s", i ? "," : "", p->key->words[i]);
        }
        buf_char(&why, '\0');
        wrong_value(p, "", why.p);
        wrong_value(p, "maybe", why.p);
        wrong_value(p, "1", why.p);
        buf_free(&why);
}

static void strings(const struct place *p)
{
        bool list = p->key->type == CONF_STR_LIST, any = false, empty = p->key->def && !*p->key->def && !list;
        char value[200], message[400];

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                if (strcmp(texts[i].key, p->full) != 0 ||
                    (texts[i].node && strcmp(texts[i].node, p->schema->node) != 0))
                        continue;
                any = true;
                empty = empty || !*texts[i].value;
                (void)snprintf(value, sizeof(value), list ? "[\"%s\"]" : "\"%s\"", texts[i].value);
                (void)snprintf(message, sizeof(message), "%s: %s", texts[i].value, texts[i].why);
                wrong(p, "", value, message);
        }
        if (!any)
                fail_msg("%s: %s has no wrong value in texts[]", p->schema->node, p->full);
        if (!empty && (!p->key->check || !p->key->check("")))
                fail_msg("%s: %s may be empty, which its default does not say", p->schema->node, p->full);
        (void)snprintf(value, sizeof(value), list ? "[\"a\\0b\"]" : "\"a\\0b\"");
        wrong(p, "", value, "a\\x00b: holds a NUL");
}

/* --- the walk --------------------------------------------------------------------------------------- */

/* One of another kind: a list, a map, a value. */
static void other_kinds(const struct place *p)
{
        struct place item = *p;

        (void)strcat(item.path, "[0]");
        if (p->key->type == CONF_MAP_LIST) {
                wrong(p, "", "word", "a list is wanted");
                wrong(p, "", "{a: b}", "a list is wanted");
                wrong(&item, "", "[word]", "a map is wanted");
        } else if (p->key->type == CONF_STR_LIST) {
                wrong(p, "", "word", "a list is wanted");
                wrong(&item, "", "[[word]]", "a single value is wanted");
                wrong(&item, "", "[{a: b}]", "a single value is wanted");
        } else {
                wrong(p, "", "[word]", "a single value is wanted");
                wrong(p, "", "{a: b}", "a single value is wanted");
        }
}

static void check_key(const struct place *p)
{
        struct place element = *p;

        other_kinds(p);
        wrong(p, "x", "1", "unknown key");
        switch (p->key->type) {
        case CONF_U32:
        case CONF_TIME_S:
        case CONF_TIME_MS:
                numbers(p);
                break;
        case CONF_BOOL:
        case CONF_ENUM:
                words(p);
                break;
        case CONF_STR_LIST:
                (void)strcat(element.path, "[0]");
                strings(&element);
                break;
        case CONF_STR:
                strings(p);
                break;
        case CONF_MAP_LIST:
                break;
        }
}

static void check_keys(const struct conf_schema *s, const struct conf_key *list, const struct conf_key *keys)
{
        for (const struct conf_key *k = keys; k->name; k++) {
                struct place p = {.schema = s, .list = list, .key = k};

                (void)snprintf(p.full, sizeof(p.full), "%s%s%s", list ? list->name : "", list ? "." : "",
                               k->name);
                (void)snprintf(p.path, sizeof(p.path), "%s%s%s", list ? list->name : "", list ? "[0]." : "",
                               k->name);
                check_key(&p);
                if (k->type == CONF_MAP_LIST)
                        check_keys(s, k, k->item);
        }
}

static void every_key_with_every_wrong_value(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
                struct buf text = BUF_INIT, err = BUF_INIT;

                put_needed(&text, schemas[i], NULL);
                parse(schemas[i], &text, &err);
                assert_string_equal(err.p, "");
                buf_free(&text);
                buf_free(&err);
                check_keys(schemas[i], NULL, schemas[i]->keys);
        }
}

/* Each that must be given, left out; each key twice. */
static void keys_left_out_and_given_twice(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++)
                for (const struct conf_key *k = schemas[i]->keys; k->name; k++) {
                        struct buf text = BUF_INIT, err = BUF_INIT;
                        struct place p = {.schema = schemas[i], .key = k};
                        char want[160];
                        unsigned lines;

                        if (is_required(k)) {
                                put_needed(&text, schemas[i], k);
                                parse(schemas[i], &text, &err);
                                (void)snprintf(want, sizeof(want), "node.yaml:1: %s: must be given\n",
                                               k->name);
                                assert_string_equal(err.p, want);
                                buf_reset(&text);
                        }
                        lines = put_needed(&text, schemas[i], k);
                        put_key(&text, &p, "", is_required(k) ? needed_value(k->name) : "");
                        put_key(&text, &p, "", is_required(k) ? needed_value(k->name) : "");
                        parse(schemas[i], &text, &err);
                        (void)snprintf(want, sizeof(want), "node.yaml:%u: %s: given twice\n", lines + 2,
                                       k->name);
                        assert_string_equal(err.p, want);
                        buf_free(&text);
                        buf_free(&err);
                }
}

/* Rows of another node are dead weight that hides a mistake in a name. */
static void every_row_has_a_key(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                const char *dot = strrchr(texts[i].key, '.');
                bool found = false;

                for (size_t n = 0; n < sizeof(schemas) / sizeof(schemas[0]); n++)
                        for (const struct conf_key *k = schemas[n]->keys; k->name; k++) {
                                bool here = !texts[i].node || strcmp(texts[i].node, schemas[n]->node) == 0;

                                found = found || (here && strcmp(k->name, texts[i].key) == 0);
                                for (const struct conf_key *in = k->item; in && in->name; in++)
                                        found = found ||
                                                (here && dot && strcmp(in->name, dot + 1) == 0 &&
                                                 strncmp(k->name, texts[i].key, strlen(k->name)) == 0);
                        }
                if (!found)
                        fail_msg("texts[]: no node has a key %s", texts[i].key);
        }
}

/* What is wrong between keys. */
static const struct {
        const struct conf_schema *schema;
        const char *lines, *fault; /* fault: behind "node.yaml:" */
} between[] = {
        {&hss_conf_schema, "auc.ind_cs: 0-12\n",
         "1: auc.ind_ims: the ranges auc.ind_cs, auc.ind_ps and auc.ind_ims overlap, are empty or do not fit "
         "5 "
         "bits"},
        {&hss_conf_schema, "store.file: a\nstore.key_file: a\n",
         "4: store.key_file: the key may not stand in the database"},
        {&icscf_conf_schema, "scscf.pool: [{uri: \"sip:a\"}, {uri: \"sip:A\"}]\n",
         "4: scscf.pool[1].uri: sip:A: stands there twice"},
        {&scscf_conf_schema,
         "registration.max_expires: 100\nregistration.min_expires: 200\nregistration.default_expires: 150\n",
         "6: registration.min_expires: 200 is above registration.max_expires 100\n"
         "node.yaml:7: registration.default_expires: 150 is not between min_expires and max_expires"},
        {&scscf_conf_schema, "registration.default_expires: 59\n",
         "5: registration.default_expires: 59 is not between min_expires and max_expires"},
        {&scscf_conf_schema, "digest.requests: always\ndigest.keep_ha1: no\n",
         "6: digest.keep_ha1: must be yes while digest.requests is not never: requests are authenticated "
         "with "
         "the H(A1) of the registration (TS 33.203 N.2.1.2 NOTE 1b)"},
        {&pcscf_conf_schema, "security.ipsec: required\nsecurity.port_ps: 5061\n",
         "3: security.port_ps: 5061: not 5060 or 5061 (TS 33.203 7.1)"},
        {&pcscf_conf_schema, "security.ipsec: required\nsecurity.port_pc: 65533\n",
         "3: security.port_pc: 65533-65536: beyond 65535, or 5060 or 5061 among them (TS 33.203 7.1)"},
        {&pcscf_conf_schema, "security.ipsec: offered\nsecurity.port_ps: 6102\n",
         "3: security.port_ps: 6102: is one of the client ports 6101-6104"},
        {&pcscf_conf_schema, "security.ipsec: offered\ngm.listen: [udp:0.0.0.0:5060]\n",
         "3: gm.listen: udp:0.0.0.0:5060: security.ipsec needs addresses: an SA belongs to one"},
        {&pcscf_conf_schema, "security.ipsec: offered\ngm.listen: [udp:192.0.2.1:6103]\n",
         "3: gm.listen: udp:192.0.2.1:6103: this port is a protected one"},
        {&pcscf_conf_schema, "security.ipsec: offered\nsecurity.spi_last: 1000000099\n",
         "3: security.spi_last: 1000000099: fewer than 1000 SPIs from 1000000000 on"},
        {&pcscf_conf_schema,
         "security.ipsec: offered\nsecurity.confidentiality: required\nsecurity.algorithms: "
         "[aes-gmac/null]\n",
         "4: security.algorithms: none is left with security.confidentiality: required"},
        {&pcscf_conf_schema, "gm.listen: []\n", "2: gm.listen: is empty: no UE could be served"},
        {&pcscf_conf_schema, "access.type: nass\n",
         "1: access.pani: access.type nass needs a value to insert (TS 33.203 P.3)"},
        {&pcscf_conf_schema, "access.type: nass\naccess.pani: a\naccess.pani_aware: no\n",
         "2: access.type: nass needs access.pani_aware (TS 33.203 P.4.2)"},
        {&pcscf_conf_schema, "access.ranges: [{prefix: 10.0.0.0/8, type: nass}]\n",
         "2: access.ranges: 10.0.0.0/8: nass needs pani and access.pani_aware (TS 33.203 P.3)"},
};

/* Each access network has a mechanism by which its UEs can be authenticated, or the node does not start. */
static const struct {
        const char *lines, *fault; /* fault NULL: none */
} mechanisms[] = {
        {"",
         "1: access.type: 3gpp, and gm.listen has nothing but tls: no authentication mechanism is left (TS "
         "33.203 N.1, O.1.1)"},
        {"access.type: other\n", NULL},
        {"access.only_ranges: yes\naccess.ranges: [{prefix: 10.0.0.0/8, type: other}]\n", NULL},
        {"access.type: other\naccess.ranges: [{prefix: 10.0.0.0/8, type: other}, {prefix: 10.1.0.0/16, type: "
         "3gpp}]\n",
         "7: access.ranges: 10.1.0.0/16: 3gpp, and gm.listen has nothing but tls: no authentication "
         "mechanism "
         "is left (TS 33.203 N.1, O.1.1)"},
};

static void an_access_without_a_mechanism(void **state)
{
        static const char *const tls[] = {"tls:192.0.2.1:5061", "tls:192.0.2.1:5061, udp:192.0.2.1:5060"};

        (void)state;
        for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
                for (size_t k = 0; k < 2; k++) {
                        struct buf text = BUF_INIT, err = BUF_INIT, want = BUF_INIT;

                        put_needed(&text, &pcscf_conf_schema, NULL);
                        buf_printf(&text,
                                   "gm.listen: [%s]\ngm.tls.certificate: a\ngm.tls.key: b\nsip.listen: "
                                   "[udp:192.0.2.2:5060]\n%s",
                                   tls[k], mechanisms[i].lines);
                        parse(&pcscf_conf_schema, &text, &err);
                        if (mechanisms[i].fault && k == 0)
                                buf_printf(&want, "node.yaml:%s\n", mechanisms[i].fault);
                        buf_char(&want, '\0');
                        assert_string_equal(err.p, want.p);
                        buf_free(&text);
                        buf_free(&err);
                        buf_free(&want);
                }
        }
        proves("DIG-003");
}

static void wrong_between_keys(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(between) / sizeof(between[0]); i++) {
                struct buf text = BUF_INIT, err = BUF_INIT, want = BUF_INIT;

                put_needed(&text, between[i].schema, NULL);
                buf_puts(&text, between[i].lines);
                parse(between[i].schema, &text, &err);
                buf_printf(&want, "node.yaml:%s\n", between[i].fault);
                buf_char(&want, '\0');
                assert_string_equal(err.p, want.p);
                buf_free(&text);
                buf_free(&err);
                buf_free(&want);
        }
}

/* What is recommended (PKT-TR-SEC 6.1.2.2, TS 33.203 N.2.5) holds where nothing is said. */
static void digest_by_default(void **state)
{
        struct buf text = BUF_INIT, err = BUF_INIT;
        struct scscf_conf *c = NULL;
        void *conf = NULL;

        (void)state;
        put_needed(&text, &scscf_conf_schema, NULL);
        assert_int_equal(conf_parse(&scscf_conf_schema, "node.yaml", buf_as_span(&text), &conf, &err), 0);
        c = conf;
        assert_int_equal(c->digest.nonce_lifetime_ms, 10 * 60 * 1000);
        assert_int_equal(c->digest.nonce_uses, 5);
        assert_int_equal(c->digest.old_ha1_lifetime_ms, 5 * 60 * 1000);
        conf_free(&scscf_conf_schema, conf);
        buf_free(&text);
        buf_free(&err);
        proves("PC-012 PC-013 DIG-067");
}

/* A list that is there, and empty, is not given. */
static void empty_home_domain(void **state)
{
        static const struct conf_schema *const of[] = {&icscf_conf_schema, &scscf_conf_schema};

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct buf text = BUF_INIT, err = BUF_INIT;

                buf_puts(&text, "home_domain: []\ndiameter: {identity: a, realm: b}\n");
                buf_puts(&text, of[i] == &scscf_conf_schema ? "scscf.name: \"sip:s\"\n" : "");
                parse(of[i], &text, &err);
                assert_int_equal(strncmp(err.p, "node.yaml:1: home_domain: ", 26), 0);
                assert_non_null(strstr(err.p, "at least one domain"));
                buf_free(&text);
                buf_free(&err);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_key_with_every_wrong_value),
                cmocka_unit_test(keys_left_out_and_given_twice),
                cmocka_unit_test(every_row_has_a_key),
                cmocka_unit_test(an_access_without_a_mechanism),
                cmocka_unit_test(wrong_between_keys),
                cmocka_unit_test(digest_by_default),
                cmocka_unit_test(empty_home_domain),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
