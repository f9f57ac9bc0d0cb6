/* SPDX-License-Identifier: BSD-3-Clause
 * Names of header fields, methods and status codes. RFC 3261 20, 21, 7.3.3 and the extensions that IMS
 * uses. */
#include "common/sip/msg.h"

struct hdr_row {
        const char *name, *compact;
        bool list;
};

static const struct hdr_row hdr_rows[] = {
#define X(id, name, compact, list) {name, compact, list},
        SIP_HDR_LIST(X)
#undef X
};

static const char *const method_names[] = {
        [SIP_REGISTER] = "REGISTER", [SIP_INVITE] = "INVITE",
        [SIP_ACK] = "ACK",           [SIP_CANCEL] = "CANCEL",
        [SIP_BYE] = "BYE",           [SIP_OPTIONS] = "OPTIONS",
        [SIP_MESSAGE] = "MESSAGE",   [SIP_SUBSCRIBE] = "SUBSCRIBE",
        [SIP_NOTIFY] = "NOTIFY",     [SIP_PUBLISH] = "PUBLISH",
        [SIP_PRACK] = "PRACK",       [SIP_UPDATE] = "UPDATE",
        [SIP_INFO] = "INFO",         [SIP_REFER] = "REFER",
        [SIP_METHOD_OTHER] = "",
};

static const struct {
        int status;
        const char *phrase;
} phrases[] = {
        {100, "Trying"},
        {180, "Ringing"},
        {181, "Call Is Being Forwarded"},
        {182, "Queued"},
        {183, "Session Progress"},
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Notification"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Moved Temporarily"},
        {305, "Use Proxy"},
        {380, "Alternative Service"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {410, "Gone"},
        {412, "Conditional Request Failed"},
        {413, "Request Entity Too Large"},
        {414, "Request-URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Unsupported URI Scheme"},
        {420, "Bad Extension"},
        {421, "Extension Required"},
        {422, "Session Interval Too Small"},
        {423, "Interval Too Brief"},
        {430, "Flow Failed"},
        {439, "First Hop Lacks Outbound Support"},
        {440, "Max-Breadth Exceeded"},
        {480, "Temporarily Unavailable"},
        {481, "Call/Transaction Does Not Exist"},
        {482, "Loop Detected"},
        {483, "Too Many Hops"},
        {484, "Address Incomplete"},
        {485, "Ambiguous"},
        {486, "Busy Here"},
        {487, "Request Terminated"},
        {488, "Not Acceptable Here"},
        {489, "Bad Event"},
        {491, "Request Pending"},
        {493, "Undecipherable"},
        {494, "Security Agreement Required"},
        {500, "Server Internal Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Server Time-out"},
        {505, "Version Not Supported"},
        {513, "Message Too Large"},
        {580, "Precondition Failure"},
        {600, "Busy Everywhere"},
        {603, "Decline"},
        {604, "Does Not Exist Anywhere"},
        {606, "Not Acceptable"},
};

/* --- look-up of names ----------------------------------------------------------------------------- */

/* Open addressing over length, first, middle and last letter: one comparison for nearly every name.
 * Filled at first use, so that a new row of SIP_HDR_LIST needs nothing else. */
#define SLOTS 256u

static struct name_slot {
        const char *name; /* NULL: free */
        uint8_t n, id;
} slots[SLOTS];
static bool slots_filled;

static unsigned name_hash(const char *p, size_t n)
{
        unsigned a = (unsigned char)p[0] | 0x20u, b = (unsigned char)p[n / 2] | 0x20u,
                 c = (unsigned char)p[n - 1] | 0x20u;

        return (unsigned)n * 7u + a * 31u + b * 5u + c * 17u;
}

static void slot_fill(const char *name, uint8_t id)
{
        size_t n = strlen(name);
        unsigned at;

        if (!n)
                return;
        for (at = name_hash(name, n) % SLOTS; slots[at].name; at = (at + 1) % SLOTS)
                ;
        slots[at] = (struct name_slot){name, (uint8_t)n, id};
}

static void slots_fill(void)
{
        for (uint8_t id = 0; id < SIP_HDR_OTHER; id++) {
                slot_fill(hdr_rows[id].name, id);
                slot_fill(hdr_rows[id].compact, id);
        }
        slots_filled = true;
}

enum sip_hdr_id sip_hdr_lookup(struct span name)
{
        if (!slots_filled)
                slots_fill();
        if (!name.n || name.n > 64)
                return SIP_HDR_OTHER;
        for (unsigned at = name_hash(name.p, name.n) % SLOTS; slots[at].name; at = (at + 1) % SLOTS)
                if (slots[at].n == name.n && span_ieq(span_make(slots[at].name, name.n), name))
                        return (enum sip_hdr_id)slots[at].id;
        return SIP_HDR_OTHER;
}

const char *sip_hdr_name(enum sip_hdr_id id)
{
        return id < SIP_HDR_OTHER ? hdr_rows[id].name : "";
}

bool sip_hdr_is_list(enum sip_hdr_id id)
{
        return id < SIP_HDR_OTHER && hdr_rows[id].list;
}

/* Methods are case-sensitive (RFC 3261 7.1). */
enum sip_method sip_method_lookup(struct span name)
{
        for (enum sip_method m = 0; m < SIP_METHOD_OTHER; m++)
                if (name.n && method_names[m][0] == name.p[0] && span_eq(span_of(method_names[m]), name))
                        return m;
        return SIP_METHOD_OTHER;
}

const char *sip_method_name(enum sip_method m)
{
        return m <= SIP_METHOD_OTHER ? method_names[m] : "";
}

const char *sip_reason_phrase(int status)
{
        for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
                if (phrases[i].status == status)
                        return phrases[i].phrase;
        switch (status / 100) {
        case 1:
                return "Session Progress";
        case 2:
                return "OK";
        case 3:
                return "Multiple Choices";
        case 4:
                return "Bad Request";
        case 5:
                return "Server Internal Error";
        default:
                return "Decline";
        }
}
