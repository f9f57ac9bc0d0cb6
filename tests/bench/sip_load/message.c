/* SPDX-License-Identifier: BSD-3-Clause
 * The REGISTER of a phone (TS 24.229 5.1.1.2), written without a parser or printf, and what is looked at in
 * the answers: status, branch, nonce. */
#include "tests/bench/sip_load/load.h"

/* Fixed text and what stands between. */
struct writer {
        char *p, *end;
};

static void put(struct writer *w, const char *p, size_t n)
{
        if (n == 0 || (size_t)(w->end - w->p) < n)
                return; /* too long never: the longest message has about 1700 octets */
        memcpy(w->p, p, n);
        w->p += n;
}

static void puts_(struct writer *w, const char *text)
{
        put(w, text, strlen(text));
}

#define PUT(w, literal) put(w, literal, sizeof(literal) - 1)

static void put_hex(struct writer *w, uint32_t v)
{
        static const char digits[] = "0123456789abcdef";
        char text[8];

        for (int i = 7; i >= 0; i--, v >>= 4)
                text[i] = digits[v & 15];
        put(w, text, 8);
}

static void put_number(struct writer *w, uint32_t v)
{
        char text[10];
        int at = 10;

        do
                text[--at] = (char)('0' + v % 10);
        while ((v /= 10) != 0);
        put(w, text + at, (size_t)(10 - at));
}

static void put_head(struct writer *w, const struct load_message *m)
{
        const bool tcp = m->conf->tcp;

        PUT(w, "REGISTER sip:" LOAD_DOMAIN " SIP/2.0\r\nVia: SIP/2.0/");
        puts_(w, m->conf->tls_ca ? "TLS " : tcp ? "TCP " : "UDP ");
        puts_(w, m->local);
        PUT(w, ";branch=z9hG4bK");
        put_hex(w, m->run);
        put_hex(w, m->ue);
        put_hex(w, m->cseq);
        PUT(w, ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:");
        put(w, m->key.imsi, 15);
        PUT(w, "@" LOAD_DOMAIN ">;tag=");
        put_hex(w, m->run);
        put_hex(w, m->ue);
        PUT(w, "\r\nTo: <sip:");
        put(w, m->key.imsi, 15);
        PUT(w, "@" LOAD_DOMAIN ">\r\nCall-ID: ");
        put_hex(w, m->run);
        put_hex(w, m->ue);
        PUT(w, "\r\nCSeq: ");
        put_number(w, m->cseq);
        PUT(w, " REGISTER\r\nContact: <sip:");
        put(w, m->key.imsi, 15);
        PUT(w, "@");
        puts_(w, m->contact);
        if (tcp)
                puts_(w, m->conf->tls_ca ? ";transport=tls" : ";transport=tcp");
        PUT(w, ">;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-0");
        put(w, m->key.imsi + 4, 11);
        PUT(w, ">\"\r\nExpires: ");
        put_number(w, m->expires_s);
}

size_t load_message_write(const struct load_message *m, char out[static LOAD_MESSAGE_MAX])
{
        struct writer w = {out, out + LOAD_MESSAGE_MAX};

        put_head(&w, m);
        PUT(&w, "\r\nSupported: path");
        if (m->secure.n)
                PUT(&w, ", sec-agree");
        PUT(&w, "\r\nAuthorization: Digest username=\"");
        put(&w, m->key.imsi, 15);
        PUT(&w, "@" LOAD_DOMAIN "\",realm=\"" LOAD_DOMAIN "\",uri=\"sip:" LOAD_DOMAIN "\",nonce=\"");
        put(&w, m->nonce.p, m->nonce.n);
        PUT(&w, "\",response=\"");
        if (m->nonce.n) {
                puts_(&w, m->response);
                PUT(&w, "\",algorithm=");
                puts_(&w, m->conf->digest ? "MD5" : "AKAv1-MD5");
                PUT(&w, ",qop=auth,nc=00000001,cnonce=\"");
                put_hex(&w, m->run);
                put_hex(&w, m->cseq);
        }
        PUT(&w, "\"\r\nP-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=00101000100000101\r\n");
        put(&w, m->secure.p, m->secure.n);
        PUT(&w, "Content-Length: 0\r\n\r\n");
        return (size_t)(w.p - out);
}

static bool read_hex(const char *p, uint32_t *out)
{
        uint32_t v = 0;

        for (int i = 0; i < 8; i++) {
                char c = p[i];
                if (c >= '0' && c <= '9')
                        v = v << 4 | (uint32_t)(c - '0');
                else if (c >= 'a' && c <= 'f')
                        v = v << 4 | (uint32_t)(c - 'a' + 10);
                else
                        return false;
        }
        *out = v;
        return true;
}

struct span load_parameter(struct span octets, const char *name_and_quote)
{
        size_t n = strlen(name_and_quote);
        const char *p = octets.n ? memmem(octets.p, octets.n, name_and_quote, n) : NULL;
        const char *end;

        if (!p)
                return SPAN_NULL;
        p += n;
        end = memchr(p, '"', (size_t)(octets.p + octets.n - p));
        return end ? span_make(p, (size_t)(end - p)) : SPAN_NULL;
}

bool load_answer_read(struct span octets, uint32_t run, struct load_answer *out)
{
        static const char branch[] = ";branch=z9hG4bK";
        uint32_t of_run;

        *out = (struct load_answer){0};
        if (!span_starts(octets, SPAN("SIP/2.0 ")) || octets.n < 64 ||
            span_u32(span_sub(octets, 8, 11), 699, &out->status) != 0)
                return false;
        const char *p = memmem(octets.p, octets.n, branch, sizeof branch - 1);
        if (!p || (size_t)(octets.p + octets.n - p) < sizeof branch - 1 + 24)
                return false;
        p += sizeof branch - 1;
        return read_hex(p, &of_run) && of_run == run && read_hex(p + 8, &out->ue) &&
               read_hex(p + 16, &out->cseq);
}
