/* SPDX-License-Identifier: BSD-3-Clause
 * Schema of the P-CSCF's configuration. */
#include "pcscf/pcscf_conf.h"

#include "common/sip/grammar.h"
#include "pcscf/access.h"

#define NOTHING_FOR_3GPP                                                                                     \
        "3gpp, and gm.listen has nothing but tls: no authentication mechanism is left (TS 33.203 N.1, "      \
        "O.1.1)"

static const char *const access_words[] = {"3gpp", "nass", "other", NULL};
static const char *const without_tls_words[] = {"refuse", "accept", NULL};
static const char *const without_outbound_words[] = {"no_nat", "accept", "refuse", NULL};
static const char *const prefer_words[] = {"ipsec-3gpp", "tls", NULL};
static const char *const on_3gpp_words[] = {"refuse", "discard", NULL};

/* What is written into a header field as it stands. */
static const char *check_text(const char *value)
{
        for (const char *p = value; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 127 || *p == '"' || *p == '\\')
                        return "may not hold control characters, quotes or backslashes";
        return *value ? NULL : "is empty";
}

static const char *check_sip_uri(const char *value)
{
        struct buf b = BUF_INIT;
        int err = sip_uri_canonical(span_of(value), &b);

        buf_free(&b);
        return !err && strncmp(value, "sip:", 4) == 0 ? NULL : "not a SIP URI (sip:icscf.example.org)";
}

static const struct conf_key range_keys[] = {
        {.name = "prefix",
         .type = CONF_STR,
         .offset = offsetof(struct pcscf_range, prefix),
         .check = prefix_check,
         .doc = "UE addresses, 10.0.0.0/8 or 2001:db8::/32"},
        {.name = "type",
         .type = CONF_ENUM,
         .offset = offsetof(struct pcscf_range, type),
         .words = access_words,
         .def = "3gpp",
         .doc = "access network of these UEs: 3gpp, nass (TISPAN NASS) or other"},
        {.name = "pani",
         .type = CONF_STR,
         .offset = offsetof(struct pcscf_range, pani),
         .optional = true,
         .check = check_text,
         .doc = "P-Access-Network-Info value to insert"},
        {.name = NULL},
};

static const struct conf_key keys[] = {
        {.name = "gm.listen",
         .type = CONF_STR_LIST,
         .offset = offsetof(struct pcscf_conf, gm_listen),
         .def = "udp:127.0.0.1:5060,tcp:127.0.0.1:5060",
         .check = sip_conf_check_listen,
         .doc = "where UEs are served: TRANSPORT:ADDRESS:PORT, udp, tcp or tls"},
        TLS_CONF_KEYS(struct pcscf_conf, gm_tls, "gm.tls."),
        {.name = "gm.t1",
         .type = CONF_TIME_MS,
         .offset = offsetof(struct pcscf_conf, gm_t1_ms),
         .def = "2000",
         .min = 10,
         .max = 60000,
         .doc = "T1 towards the UE (TS 24.229 table 7.7.1)"},
        {.name = "gm.t2",
         .type = CONF_TIME_MS,
         .offset = offsetof(struct pcscf_conf, gm_t2_ms),
         .def = "16000",
         .min = 40,
         .max = 240000,
         .doc = "T2 towards the UE (TS 24.229 table 7.7.1)"},
        {.name = "gm.keep_udp",
         .type = CONF_TIME_MS,
         .offset = offsetof(struct pcscf_conf, keep_udp_ms),
         .def = "30s",
         .max = 3600000,
         .doc = "how often a UE that offers it (RFC 6223) sends STUN keep-alives over UDP, in whole seconds; "
                "0: "
                "none"},
        {.name = "gm.keep_stream",
         .type = CONF_TIME_MS,
         .offset = offsetof(struct pcscf_conf, keep_stream_ms),
         .def = "120s",
         .max = 3600000,
         .doc = "the same of CRLF keep-alives over TCP and TLS; below sip.tcp_idle"},
        {.name = "trust_domain",
         .type = CONF_STR,
         .offset = offsetof(struct pcscf_conf, trust_domain),
         .optional = true,
         .check = host_check,
         .doc = "our certificates must name a host in it (TLS forward compatibility F); none: any"},
        {.name = "trusted",
         .type = CONF_STR_LIST,
         .offset = offsetof(struct pcscf_conf, trusted),
         .optional = true,
         .check = prefix_check,
         .doc = "addresses of the core, ADDRESS or ADDRESS/BITS: I-CSCFs, S-CSCFs, the PSAP; none: anyone "
                "who "
                "reaches the core side"},
        {.name = "home.icscf",
         .type = CONF_STR,
         .offset = offsetof(struct pcscf_conf, icscf),
         .optional = true,
         .check = check_sip_uri,
         .doc = "entry point of the home network; none: DNS of the Request-URI's domain"},
        {.name = "home.answer",
         .type = CONF_TIME_MS,
         .offset = offsetof(struct pcscf_conf, icscf_answer_ms),
         .def = "4500",
         .min = 50,
         .max = 32000,
         .doc = "longest wait for the answer to a REGISTER, then 504"},
        {.name = "visited_network",
         .type = CONF_STR,
         .offset = offsetof(struct pcscf_conf, visited_network),
         .check = check_text,
         .doc = "text of P-Visited-Network-ID: the network of this P-CSCF (RFC 7315 4.3)"},
        {.name = "ioi",
         .type = CONF_STR,
         .offset = offsetof(struct pcscf_conf, ioi),
         .optional = true,
         .check = check_text,
         .doc = "orig-ioi of P-Charging-Vector; none: \"Type 1\" and visited_network (TS 24.229 7.2A.5)"},
        {.name = "access.type",
         .type = CONF_ENUM,
         .offset = offsetof(struct pcscf_conf, access_type),
         .words = access_words,
         .def = "3gpp",
         .doc = "access network of UEs outside access.ranges: 3gpp, nass or other (TS 33.203 P.3)"},
        {.name = "access.pani_aware",
         .type = CONF_BOOL,
         .offset = offsetof(struct pcscf_conf, pani_aware),
         .def = "true",
         .doc = "treat P-Access-Network-Info as TS 33.203 P.3 says; false: pass everything"},
        {.name = "access.pani",
         .type = CONF_STR,
         .offset = offsetof(struct pcscf_conf, pani),
         .optional = true,
         .check = check_text,
         .doc = "value to insert for access.type; none: only where P.3 demands one"},
        {.name = "access.ranges",
         .type = CONF_MAP_LIST,
         .offset = offsetof(struct pcscf_conf, ranges),
         .optional = true,
         .item = range_keys,
         .item_size = sizeof(struct pcscf_range),
         .doc = "access networks by UE address; the first prefix that fits counts"},
        {.name = "access.only_ranges",
         .type = CONF_BOOL,
         .offset = offsetof(struct pcscf_conf, only_ranges),
         .def = "no",
         .doc = "on Gm, what comes from an address outside access.ranges is dropped unread (TS 33.203 J)"},
        {.name = "registration.max",
         .type = CONF_U32,
         .offset = offsetof(struct pcscf_conf, max_registrations),
         .def = "1000000",
         .min = 1,
         .max = 100000000,
         .doc = "registered contacts at once, then 503"},
        {.name = "registration.await_auth",
         .type = CONF_TIME_MS,
         .offset = offsetof(struct pcscf_conf, await_auth_ms),
         .def = "4m",
         .min = 100,
         .max = 3600000,
         .doc = "reg-await-auth: how long a challenge is kept (TS 24.229 table 7.8.1)"},
        {.name = "digest.without_tls",
         .type = CONF_ENUM,
         .offset = offsetof(struct pcscf_conf, digest_without_tls),
         .words = without_tls_words,
         .def = "refuse",
         .doc = "SIP Digest over UDP and TCP: refuse or accept; never on a 3gpp access (TS 33.203 N.1, "
                "PKT-TR-SEC 5.3.2.5)"},
        {.name = "digest.without_outbound",
         .type = CONF_ENUM,
         .offset = offsetof(struct pcscf_conf, digest_without_outbound),
         .words = without_outbound_words,
         .def = "no_nat",
         .doc = "SIP Digest without TLS of a UE that does not manage its flow (RFC 5626): only when Via "
                "names "
                "the address it comes from, so that no translator stands between; accept; refuse (TS 33.203 "
                "N.2.1.1)"},
        {.name = "digest.on_3gpp",
         .type = CONF_ENUM,
         .offset = offsetof(struct pcscf_conf, digest_on_3gpp),
         .words = on_3gpp_words,
         .def = "refuse",
         .doc = "SIP Digest from a 3gpp access: refuse with 421, or discard (TS 33.203 N.1)"},
        {.name = "digest.no_spoofing",
         .type = CONF_BOOL,
         .offset = offsetof(struct pcscf_conf, digest_no_spoofing),
         .def = "no",
         .doc = "declares that the access networks let no UE forge addresses and ports; without it "
                "digest.without_tls: accept is warned of (TS 33.203 Q.3)"},
        {.name = "security.tls",
         .type = CONF_BOOL,
         .offset = offsetof(struct pcscf_conf, tls_sec_agree),
         .def = "yes",
         .doc = "TLS is offered to UEs that ask for it in Security-Client, where gm.listen has a tls "
                "listener "
                "and the access is not 3gpp (TS 33.203 O.2.2)"},
        {.name = "security.prefer",
         .type = CONF_ENUM,
         .offset = offsetof(struct pcscf_conf, prefer),
         .words = prefer_words,
         .def = "ipsec-3gpp",
         .doc = "what a UE gets that offers both: ipsec-3gpp or tls"},
        SECURITY_CONF_KEYS(struct pcscf_conf, security),
        {.name = "control.socket",
         .type = CONF_STR,
         .offset = offsetof(struct pcscf_conf, control),
         .optional = true,
         .check = conf_check_filled,
         .doc = "Unix socket at which pcscf status asks the running node"},
        {.name = "emergency.psap",
         .type = CONF_STR,
         .offset = offsetof(struct pcscf_conf, psap),
         .optional = true,
         .check = check_sip_uri,
         .doc = "next hop of emergency requests; none: they get 503"},
        {.name = "emergency.numbers",
         .type = CONF_STR_LIST,
         .offset = offsetof(struct pcscf_conf, emergency_numbers),
         .def = "112,911",
         .check = check_text,
         .doc = "dialled numbers that mean an emergency, besides urn:service:sos"},
        {.name = "limits.pending",
         .type = CONF_U32,
         .offset = offsetof(struct pcscf_conf, max_pending),
         .def = "50000",
         .min = 1,
         .max = 10000000,
         .doc = "registrations under way at once, then 503"},
        {.name = "limits.per_source",
         .type = CONF_U32,
         .offset = offsetof(struct pcscf_conf, max_per_source),
         .def = "5000",
         .min = 1,
         .max = 10000000,
         .doc = "registrations under way from one address at once, then 503"},
        {.name = "limits.asked_per_source",
         .type = CONF_U32,
         .offset = offsetof(struct pcscf_conf, max_asked_per_source),
         .def = "1000",
         .min = 1,
         .max = 10000000,
         .doc = "REGISTERs of one address that the home network works on at once, then 503"},
        {.name = "limits.new_per_source",
         .type = CONF_U32,
         .offset = offsetof(struct pcscf_conf, new_per_source),
         .def = "5000",
         .max = 1000000,
         .doc = "REGISTERs per second from one address (of IPv6 its /64) of UEs that have not authenticated, "
                "then 503; 0: no limit (PKT-TR-SEC 5.3.2.1.4)"},
        {.name = "limits.new",
         .type = CONF_U32,
         .offset = offsetof(struct pcscf_conf, new_of_all),
         .def = "20000",
         .max = 1000000,
         .doc = "the same of all addresses together; who is registered goes before"},
        {.name = "limits.registered_per_ue",
         .type = CONF_U32,
         .offset = offsetof(struct pcscf_conf, registered_per_ue),
         .def = "10",
         .max = 1000000,
         .doc = "REGISTERs per second of a UE that is registered, before it is counted like a new one; 0: no "
                "limit"},
        {.name = "limits.refusals_per_source",
         .type = CONF_U32,
         .offset = offsetof(struct pcscf_conf, max_refusals),
         .def = "500",
         .min = 1,
         .max = 10000000,
         .doc = "503 to one address in a second; then its datagrams are dropped for a second"},
        SIP_CONF_KEYS(struct pcscf_conf, sip, ""),
        TRACE_CONF_KEYS(struct pcscf_conf, trace),
        CORE_NET_CONF_KEYS(struct pcscf_conf, networks),
        {.name = NULL},
};

/* IMS AKA comes over UDP and TCP, into security associations or without; SIP Digest and TLS are not for a
 * 3gpp access. Where UEs are heard over TLS alone that leaves nothing for one (TS 33.203 N.1, O.1.1). */
static int check_mechanisms(const struct pcscf_conf *c, struct buf *err)
{
        const struct pcscf_range *ranges = c->ranges.items;
        char *const *listen = c->gm_listen.items;
        int bad = 0;

        for (size_t i = 0; i < c->gm_listen.n; i++) {
                enum transport t;
                struct addr a;

                if (sip_conf_parse_listen(listen[i], &t, &a) != 0 || t != TRANSPORT_TLS)
                        return 0; /* IMS AKA is there for every access; what cannot be read is told elsewhere
                                   */
        }
        if (c->access_type == ACCESS_3GPP && !c->only_ranges)
                bad = conf_fail(err, "access.type", NOTHING_FOR_3GPP);
        for (size_t i = 0; i < c->ranges.n; i++)
                if (ranges[i].type == ACCESS_3GPP)
                        bad = conf_fail(err, "access.ranges", "%s: " NOTHING_FOR_3GPP, ranges[i].prefix);
        return bad;
}

static int check(const struct conf_schema *schema, void *conf, struct buf *err)
{
        const struct pcscf_conf *c = conf;
        const struct pcscf_range *ranges = c->ranges.items;
        int bad = security_conf_check(&c->security, &c->gm_listen, err);

        (void)schema;
        if (sip_conf_check_tls(&c->gm_listen, "gm.listen", &c->gm_tls, "gm.tls", err) != 0)
                bad = -IMS_ECONF;
        if (sip_conf_check_core(&c->sip, &c->networks, &c->trusted, err) != 0)
                bad = -IMS_ECONF;
        if (!c->gm_listen.n)
                bad = conf_fail(err, "gm.listen", "is empty: no UE could be served");
        else if (check_mechanisms(c, err) != 0)
                bad = -IMS_ECONF;
        if (c->access_type == ACCESS_NASS && !c->pani_aware)
                bad = conf_fail(err, "access.type", "nass needs access.pani_aware (TS 33.203 P.4.2)");
        if (c->access_type == ACCESS_NASS && !c->pani)
                bad = conf_fail(err, "access.pani",
                                "access.type nass needs a value to insert (TS 33.203 P.3)");
        if (c->only_ranges && !c->ranges.n)
                bad = conf_fail(err, "access.only_ranges", "needs access.ranges: no UE would be heard");
        if (c->only_ranges && !c->sip.listen.n && !c->trusted.n)
                bad = conf_fail(err, "access.only_ranges",
                                "needs sip.listen or trusted: the core would not be heard");
        for (size_t i = 0; i < c->ranges.n; i++) {
                if (ranges[i].type != ACCESS_NASS)
                        continue;
                if (!c->pani_aware || !ranges[i].pani)
                        bad = conf_fail(err, "access.ranges",
                                        "%s: nass needs pani and access.pani_aware (TS 33.203 P.3)",
                                        ranges[i].prefix);
        }
        return bad;
}

static int look(const struct conf_schema *schema, const void *conf, struct buf *err)
{
        const struct pcscf_conf *c = conf;
        int rc = sip_conf_look_tls(&c->gm_listen, &c->gm_tls, "gm.tls", NULL, c->trust_domain, err);

        (void)schema;
        if (sip_conf_look_tls(&c->sip.listen, &c->sip.tls, "sip.tls", c->sip.name, c->trust_domain, err) != 0)
                rc = -IMS_ECONF;
        return rc;
}

const struct conf_schema pcscf_conf_schema = {
        .node = "pcscf",
        .size = sizeof(struct pcscf_conf),
        .keys = keys,
        .check = check,
        .look = look,
        .commands = "  pcscf status [--json] [-c FILE]      who is registered, by which association\n"
                    "  pcscf renegotiate IMPI [-c FILE]     TLS 1.2: the UE is asked to renegotiate\n",
};
