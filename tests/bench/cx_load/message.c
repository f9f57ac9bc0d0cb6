/* SPDX-License-Identifier: BSD-3-Clause
 * The few Diameter messages of cx_load (RFC 6733 4, TS 29.229 6.1), by hand. */
#include <arpa/inet.h>
#include <stdio.h>

#include "tests/bench/cx_load/cx_load.h"

#define VENDOR_3GPP    10415u
#define APPLICATION_CX 16777216u
#define FLAG_V         0x80
#define FLAG_M         0x40

enum {
        AVP_USER_NAME = 1,
        AVP_HOST_IP_ADDRESS = 257,
        AVP_AUTH_APPLICATION_ID = 258,
        AVP_VENDOR_SPECIFIC_APPLICATION_ID = 260,
        AVP_SESSION_ID = 263,
        AVP_ORIGIN_HOST = 264,
        AVP_SUPPORTED_VENDOR_ID = 265,
        AVP_VENDOR_ID = 266,
        AVP_RESULT_CODE = 268,
        AVP_PRODUCT_NAME = 269,
        AVP_AUTH_SESSION_STATE = 277,
        AVP_DESTINATION_REALM = 283,
        AVP_ORIGIN_REALM = 296,
        AVP_PUBLIC_IDENTITY = 601,
        AVP_SERVER_NAME = 602,
        AVP_SIP_NUMBER_AUTH_ITEMS = 607,
        AVP_SIP_AUTHENTICATION_SCHEME = 608,
        AVP_SIP_AUTH_DATA_ITEM = 612,
};

static void put32(struct dia_writer *w, uint32_t v)
{
        uint32_t be = htonl(v);

        memcpy(w->octets + w->n, &be, 4);
        w->n += 4;
}

static void set24(uint8_t *at, size_t v)
{
        at[0] = (uint8_t)(v >> 16);
        at[1] = (uint8_t)(v >> 8);
        at[2] = (uint8_t)v;
}

/* Header of an AVP; avp_end sets its length. Returns where it began. Vendor AVPs of 3GPP begin at 600. */
static size_t avp_begin(struct dia_writer *w, uint32_t code)
{
        size_t at = w->n;
        bool vendor = code >= 600;

        put32(w, code);
        put32(w, (uint32_t)((vendor ? FLAG_V : 0) | (code == AVP_PRODUCT_NAME ? 0 : FLAG_M)) << 24);
        if (vendor)
                put32(w, VENDOR_3GPP);
        return at;
}

static void avp_end(struct dia_writer *w, size_t began)
{
        set24(w->octets + began + 5, w->n - began);
        while (w->n % 4)
                w->octets[w->n++] = 0;
}

/* Where the text stands. */
static size_t avp_text(struct dia_writer *w, uint32_t code, const char *text)
{
        size_t began = avp_begin(w, code), at = w->n;

        memcpy(w->octets + w->n, text, strlen(text));
        w->n += strlen(text);
        avp_end(w, began);
        return at;
}

static void avp_number(struct dia_writer *w, uint32_t code, uint32_t v)
{
        size_t began = avp_begin(w, code);

        put32(w, v);
        avp_end(w, began);
}

static void message_begin(struct dia_writer *w, uint32_t command, uint8_t flags, uint32_t application)
{
        w->n = 0;
        put32(w, UINT32_C(1) << 24);
        put32(w, (uint32_t)flags << 24 | command);
        put32(w, application);
        put32(w, 1);
        put32(w, 1);
}

static void message_end(struct dia_writer *w)
{
        set24(w->octets + 1, w->n);
}

static void put_origin(struct dia_writer *w, const struct cx_load_conf *c)
{
        (void)avp_text(w, AVP_ORIGIN_HOST, c->identity);
        (void)avp_text(w, AVP_ORIGIN_REALM, CX_LOAD_DOMAIN);
}

static void put_application(struct dia_writer *w)
{
        size_t began = avp_begin(w, AVP_VENDOR_SPECIFIC_APPLICATION_ID);

        avp_number(w, AVP_VENDOR_ID, VENDOR_3GPP);
        avp_number(w, AVP_AUTH_APPLICATION_ID, APPLICATION_CX);
        avp_end(w, began);
}

void cx_load_write_cer(struct dia_writer *w, const struct cx_load_conf *c)
{
        struct in_addr address = {htonl(INADDR_LOOPBACK)};

        (void)inet_pton(AF_INET, c->from, &address);
        message_begin(w, DIA_CER, 0x80, 0);
        put_origin(w, c);
        size_t began = avp_begin(w, AVP_HOST_IP_ADDRESS);
        memcpy(w->octets + w->n, "\0\1", 2);
        memcpy(w->octets + w->n + 2, &address, 4);
        w->n += 6;
        avp_end(w, began);
        avp_number(w, AVP_VENDOR_ID, 0);
        (void)avp_text(w, AVP_PRODUCT_NAME, "cx_load");
        avp_number(w, AVP_SUPPORTED_VENDOR_ID, VENDOR_3GPP);
        put_application(w);
        message_end(w);
}

void cx_load_write_mar(struct mar_template *t, const struct cx_load_conf *c)
{
        struct dia_writer *w = &t->w;
        char session[256];
        size_t item;

        message_begin(w, DIA_MAR, 0xc0, APPLICATION_CX);
        (void)snprintf(session, sizeof session, "%s;1;00000000", c->identity);
        t->session_at = avp_text(w, AVP_SESSION_ID, session) + strlen(session) - 8;
        put_application(w);
        avp_number(w, AVP_AUTH_SESSION_STATE, 1);
        put_origin(w, c);
        (void)avp_text(w, AVP_DESTINATION_REALM, CX_LOAD_DOMAIN);
        t->impi_at = avp_text(w, AVP_USER_NAME, "001010100000000@" CX_LOAD_DOMAIN) + 7;
        t->impu_at = avp_text(w, AVP_PUBLIC_IDENTITY, "sip:001010100000000@" CX_LOAD_DOMAIN) + 11;
        avp_number(w, AVP_SIP_NUMBER_AUTH_ITEMS, 1);
        item = avp_begin(w, AVP_SIP_AUTH_DATA_ITEM);
        (void)avp_text(w, AVP_SIP_AUTHENTICATION_SCHEME, c->scheme);
        avp_end(w, item);
        (void)avp_text(w, AVP_SERVER_NAME, "sip:scscf." CX_LOAD_DOMAIN ":5060");
        message_end(w);
}

static void set_digits(uint8_t *at, uint32_t v)
{
        for (int i = 7; i >= 0; i--, v /= 10)
                at[i] = (uint8_t)('0' + v % 10);
}

void cx_load_patch_mar(struct mar_template *t, uint32_t subscriber, uint32_t number)
{
        uint32_t be = htonl(number);

        memcpy(t->w.octets + 12, &be, 4);
        memcpy(t->w.octets + 16, &be, 4);
        set_digits(t->w.octets + t->session_at, number);
        set_digits(t->w.octets + t->impi_at, subscriber);
        set_digits(t->w.octets + t->impu_at, subscriber);
}

void cx_load_write_dwa(struct dia_writer *w, const struct cx_load_conf *c, struct span dwr)
{
        message_begin(w, DIA_DWR, 0, 0);
        memcpy(w->octets + 12, dwr.p + 12, 8);
        avp_number(w, AVP_RESULT_CODE, 2001);
        put_origin(w, c);
        message_end(w);
}

static uint32_t get32(const char *p)
{
        uint32_t be;

        memcpy(&be, p, 4);
        return ntohl(be);
}

void cx_load_read_head(const char *octets, struct dia_head *out)
{
        *out = (struct dia_head){.length = get32(octets) & 0xffffff,
                                 .command = get32(octets + 4) & 0xffffff,
                                 .hop_by_hop = get32(octets + 12),
                                 .request = octets[4] & 0x80};
}

bool cx_load_succeeded(struct span answer, bool want_item)
{
        bool success = false, item = false;

        for (size_t at = 20; at + 12 <= answer.n;) {
                uint32_t code = get32(answer.p + at), length = get32(answer.p + at + 4) & 0xffffff;
                if (length < 8 || length > answer.n - at)
                        return false;
                success |= code == AVP_RESULT_CODE && get32(answer.p + at + 8) == 2001;
                item |= code == AVP_SIP_AUTH_DATA_ITEM;
                at += (length + 3) & ~3u;
        }
        return success && (item || !want_item);
}
