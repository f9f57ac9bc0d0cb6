/* SPDX-License-Identifier: BSD-3-Clause
 * Reading a REGISTER: identities, visited network, kind of registration. */
#include "icscf/reg_read.h"

#include "common/sip/auth_param.h"
#include "common/sip/grammar.h"

static int read_impi(const struct sip_msg *m, struct reg_facts *f, const char **why)
{
        const struct sip_hdr *h = sip_digest_line(m, SIP_HDR_AUTHORIZATION, 0);
        const struct span *username = NULL;
        struct sip_auth auth;

        if (h) {
                if (sip_auth_parse(h->value, true, &auth) != 0) {
                        *why = "Malformed Authorization";
                        return -IMS_EPARSE;
                }
                username = sip_auth_get(&auth, "username");
        }
        if (username && username->n)
                sip_auth_unescape(*username, &f->impi);
        f->impi_derived = f->impi.n == 0 && !f->impi.err;
        if (f->impi_derived && sip_impi_from_impu(buf_as_span(&f->impu), &f->impi) != 0) {
                *why = "No Private Identity";
                return -IMS_EPARSE;
        }
        return f->impi.err;
}

/* The first value, without parameters and quotes (RFC 7315 4.3). */
static void read_visited_network(const struct sip_msg *m, struct reg_facts *f)
{
        struct span v = sip_msg_value(m, SIP_HDR_P_VISITED_NETWORK_ID);
        ptrdiff_t end;

        if (v.n && v.p[0] == '"') {
                end = span_chr(v, '"', 1);
                v = span_sub(v, 1, end < 0 ? v.n : (size_t)end);
        } else {
                end = span_chr(v, ';', 0);
                v = span_trim(span_sub(v, 0, end < 0 ? v.n : (size_t)end));
        }
        buf_span(&f->visited_network, v);
}

/* One contact. False when it does not parse. *out_stays: it asks for more than 0 seconds. */
static bool read_contact(struct span value, bool zero_by_default, struct reg_facts *f, bool *out_stays)
{
        osip_contact_t *c = NULL;
        osip_generic_param_t *expires = NULL;
        uint32_t seconds = 0;
        bool zero = zero_by_default;

        if (sip_contact_parse(value, &c) != 0)
                return false;
        if (c->url) {
                (void)osip_generic_param_get_byname(&c->gen_params, (char *)"expires", &expires);
                if (expires && expires->gvalue) /* a malformed value counts as 3600 (RFC 3261 10.2.1.1) */
                        zero = span_u32(span_of(expires->gvalue), UINT32_MAX, &seconds) == 0 && seconds == 0;
                f->emergency |= sip_uri_param(c->url, "sos") != NULL;
        } else {
                zero = true; /* "*" */
        }
        *out_stays = !zero;
        osip_contact_free(c);
        return true;
}

static int read_contacts(const struct sip_msg *m, struct reg_facts *f, const char **why)
{
        const struct sip_hdr *h = sip_msg_hdr(m, SIP_HDR_EXPIRES, 0);
        struct sip_value_iter it = {0};
        bool zero, stays = false, any = false, one;
        uint32_t seconds = 0;
        struct span value;

        zero = h && span_u32(h->value, UINT32_MAX, &seconds) == 0 && seconds == 0;
        while (sip_msg_next_value(m, SIP_HDR_CONTACT, &it, &value)) {
                if (!read_contact(value, zero, f, &one)) {
                        *why = "Malformed Contact";
                        return -IMS_EPARSE;
                }
                any = true;
                stays |= one;
        }
        f->deregister = any && !stays; /* without a Contact it only asks for what is registered */
        return 0;
}

int reg_read(const struct sip_msg *m, struct reg_facts *out, const char **why)
{
        const struct sip_hdr *to = sip_msg_hdr(m, SIP_HDR_TO, 0);
        int err;

        *out = (struct reg_facts){0};
        *why = NULL;
        if (!to || sip_uri_canonical(sip_addr_spec(to->value), &out->impu) != 0) {
                *why = "Malformed To";
                return -IMS_EPARSE;
        }
        err = read_impi(m, out, why);
        if (!err)
                err = read_contacts(m, out, why);
        if (!err) {
                read_visited_network(m, out);
                err = out->visited_network.err ? out->visited_network.err : out->impu.err;
        }
        return err;
}

void reg_facts_free(struct reg_facts *f)
{
        buf_free(&f->impi);
        buf_free(&f->impu);
        buf_free(&f->visited_network);
}
