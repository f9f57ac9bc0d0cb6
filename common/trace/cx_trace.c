/* SPDX-License-Identifier: BSD-3-Clause
 * What a Cx message carries, in one line, and its event. Reads the AVPs one by one, so that also what a
 * typed decoder would refuse has a line. Of keys and XRES only the names go in. */
#include "common/trace/cx_trace.h"

#include <stdlib.h>

#include "common/base/codec.h"
#include "common/diameter/cx.h"

enum {
        AVP_USER_NAME = 1,
        AVP_SESSION_ID = 263,
        AVP_ORIGIN_HOST = 264,
        AVP_VENDOR_ID = 266,
        AVP_RESULT_CODE = 268,
        AVP_ERROR_MESSAGE = 281,
        AVP_EXPERIMENTAL_RESULT = 297,
        AVP_EXPERIMENTAL_RESULT_CODE = 298,
        AVP_VISITED_NETWORK = 600,
        AVP_PUBLIC_IDENTITY = 601,
        AVP_SERVER_NAME = 602,
        AVP_SERVER_CAPABILITIES = 603,
        AVP_USER_DATA = 606,
        AVP_NUMBER_AUTH_ITEMS = 607,
        AVP_SCHEME = 608,
        AVP_AUTHENTICATE = 609,
        AVP_AUTHORIZATION = 610,
        AVP_AUTH_DATA_ITEM = 612,
        AVP_SERVER_ASSIGNMENT_TYPE = 614,
        AVP_DEREGISTRATION_REASON = 615,
        AVP_REASON_CODE = 616,
        AVP_USER_AUTHORIZATION_TYPE = 623,
        AVP_CONFIDENTIALITY_KEY = 625,
        AVP_INTEGRITY_KEY = 626,
        AVP_ORIGINATING_REQUEST = 633,
        CMD_CER = 257,
        CMD_DPR = 282,
        HEADER = 20, /* octets: length, flags and command, application, identifiers */
        ID_SHOWN = 64,
        TEXT_SHOWN = 120,
        AUTS_AND_RAND = 30,
        RAND_SHOWN = 4,
};

static struct avp *step(msg_or_avp *from, enum msg_brw_dir dir)
{
        struct avp *a = NULL;
        return fd_msg_browse(from, dir, &a, NULL) == 0 ? a : NULL;
}

/* The first AVP of that code directly below parent. */
static struct avp *find(msg_or_avp *parent, uint32_t code)
{
        for (struct avp *a = step(parent, MSG_BRW_FIRST_CHILD); a; a = step(a, MSG_BRW_NEXT)) {
                struct avp_hdr *h = NULL;
                if (fd_msg_avp_hdr(a, &h) == 0 && h->avp_code == code)
                        return a;
        }
        return NULL;
}

static const union avp_value *value(msg_or_avp *parent, uint32_t code)
{
        struct avp *a = parent ? find(parent, code) : NULL;
        struct avp_hdr *h = NULL;
        return a && fd_msg_avp_hdr(a, &h) == 0 ? h->avp_value : NULL;
}

static struct span octets(msg_or_avp *parent, uint32_t code)
{
        const union avp_value *v = value(parent, code);
        return v ? span_make(v->os.data, v->os.len) : SPAN_NULL;
}

static uint32_t number(msg_or_avp *parent, uint32_t code, uint32_t otherwise)
{
        const union avp_value *v = value(parent, code);
        return v ? v->u32 : otherwise;
}

static unsigned count(msg_or_avp *parent, uint32_t code)
{
        unsigned n = 0;
        for (struct avp *a = step(parent, MSG_BRW_FIRST_CHILD); a; a = step(a, MSG_BRW_NEXT)) {
                struct avp_hdr *h = NULL;
                n += fd_msg_avp_hdr(a, &h) == 0 && h->avp_code == code;
        }
        return n;
}

/* "alice" of "sip:alice@home" or "alice@home". */
static void put_user(struct buf *out, struct span id)
{
        ptrdiff_t at = span_chr(id, '@', 0);
        if (id.n == 0)
                return;
        if (span_istarts(id, SPAN("sip:")))
                id = span_sub(id, 4, at > 0 ? (size_t)at : id.n);
        else
                id = span_sub(id, 0, at > 0 ? (size_t)at : id.n);
        buf_char(out, ' ');
        buf_quoted(out, id, ID_SHOWN);
}

static void put_named(struct buf *out, const char *name, struct span v)
{
        if (v.n == 0)
                return;
        buf_printf(out, ", %s", name);
        buf_quoted(out, v, TEXT_SHOWN);
}

static void put_uar(struct buf *out, struct msg *m)
{
        static const char *const types[] = {"REGISTRATION", "DE_REGISTRATION",
                                            "REGISTRATION_AND_CAPABILITIES"};
        const uint32_t type = number(m, AVP_USER_AUTHORIZATION_TYPE, 0);
        put_user(out, octets(m, AVP_USER_NAME));
        buf_printf(out, ", %s", type < 3 ? types[type] : "unknown type");
        put_named(out, "visited ", octets(m, AVP_VISITED_NETWORK));
}

static void put_mar(struct buf *out, struct msg *m)
{
        struct avp *item = find(m, AVP_AUTH_DATA_ITEM);
        put_user(out, octets(m, AVP_USER_NAME));
        put_named(out, "", octets(item, AVP_SCHEME));
        const uint32_t n = number(m, AVP_NUMBER_AUTH_ITEMS, 1);
        buf_printf(out, ", %u %s", n, n == 1 ? "vector" : "vectors");
        if (octets(item, AVP_AUTHORIZATION).n == AUTS_AND_RAND)
                buf_puts(out, ", RAND and AUTS (resynchronise)");
}

static void put_sar(struct buf *out, struct msg *m)
{
        put_user(out, octets(m, AVP_USER_NAME));
        buf_printf(out, ", %s", cx_sat_name(number(m, AVP_SERVER_ASSIGNMENT_TYPE, UINT32_MAX)));
        put_named(out, "", octets(m, AVP_PUBLIC_IDENTITY));
}

static void put_lir(struct buf *out, struct msg *m)
{
        put_named(out, "", octets(m, AVP_PUBLIC_IDENTITY));
        if (find(m, AVP_ORIGINATING_REQUEST))
                buf_puts(out, ", originating");
}

static void put_rtr(struct buf *out, struct msg *m)
{
        static const char *const reasons[] = {"PERMANENT_TERMINATION", "NEW_SERVER_ASSIGNED", "SERVER_CHANGE",
                                              "REMOVE_S-CSCF"};
        const uint32_t reason = number(find(m, AVP_DEREGISTRATION_REASON), AVP_REASON_CODE, 99);
        put_user(out, octets(m, AVP_USER_NAME));
        buf_printf(out, ", %s", reason < 4 ? reasons[reason] : "unknown reason");
        put_named(out, "", octets(m, AVP_PUBLIC_IDENTITY));
}

static void put_ppr(struct buf *out, struct msg *m)
{
        put_user(out, octets(m, AVP_USER_NAME));
        if (octets(m, AVP_USER_DATA).n)
                buf_printf(out, ", profile of %zu octets", octets(m, AVP_USER_DATA).n);
}

static void put_peer(struct buf *out, struct msg *m)
{
        put_named(out, "from ", octets(m, AVP_ORIGIN_HOST));
}

static void put_result(struct buf *out, struct msg *m)
{
        struct avp *experimental = find(m, AVP_EXPERIMENTAL_RESULT);
        struct dia_result r = dia_base(number(m, AVP_RESULT_CODE, 0));
        if (experimental) {
                r.vendor = number(experimental, AVP_VENDOR_ID, DIA_VENDOR_3GPP);
                r.code = number(experimental, AVP_EXPERIMENTAL_RESULT_CODE, 0);
        }
        if (r.code == 0) {
                buf_puts(out, " without result");
                return;
        }
        struct span text = span_of(dia_result_str(r));
        if (span_starts(text, SPAN("DIAMETER_")))
                text = span_sub(text, 9, text.n);
        buf_printf(out, " " SPAN_FMT, SPAN_ARG(text));
        put_named(out, "", octets(m, AVP_ERROR_MESSAGE));
}

/* What a vector has, by name; the first octets of RAND, which is public. */
static void put_vectors(struct buf *out, struct msg *m)
{
        struct avp *item = find(m, AVP_AUTH_DATA_ITEM);
        const unsigned n = count(m, AVP_AUTH_DATA_ITEM);
        char hex[2 * RAND_SHOWN + 1];
        if (!item)
                return;
        buf_puts(out, ":");
        if (n > 1)
                buf_printf(out, " %u vectors,", n);
        const struct span challenge = octets(item, AVP_AUTHENTICATE);
        if (challenge.n == 32) {
                hex_encode(challenge.p, RAND_SHOWN, hex);
                buf_printf(out, " RAND %s.., AUTN", hex);
        } else {
                buf_char(out, ' ');
                buf_quoted(out, octets(item, AVP_SCHEME), ID_SHOWN);
        }
        if (octets(item, AVP_AUTHORIZATION).n)
                buf_puts(out, ", XRES");
        if (octets(item, AVP_CONFIDENTIALITY_KEY).n)
                buf_puts(out, ", CK");
        if (octets(item, AVP_INTEGRITY_KEY).n)
                buf_puts(out, ", IK");
}

static void put_answer(struct buf *out, struct msg *m, uint32_t command)
{
        put_result(out, m);
        if (command == CX_MAR)
                put_vectors(out, m);
        if (command == CX_SAR && octets(m, AVP_USER_DATA).n)
                buf_printf(out, ", profile of %zu octets", octets(m, AVP_USER_DATA).n);
        if (command == CX_UAR || command == CX_LIR) {
                put_named(out, "", octets(m, AVP_SERVER_NAME));
                if (find(m, AVP_SERVER_CAPABILITIES))
                        buf_puts(out, ", Server-Capabilities");
        }
}

static const struct {
        uint32_t command;
        const char *request, *answer;
        void (*put)(struct buf *out, struct msg *m);
} commands[] = {
        {CX_UAR, "UAR", "UAA", put_uar},   {CX_SAR, "SAR", "SAA", put_sar},   {CX_LIR, "LIR", "LIA", put_lir},
        {CX_MAR, "MAR", "MAA", put_mar},   {CX_RTR, "RTR", "RTA", put_rtr},   {CX_PPR, "PPR", "PPA", put_ppr},
        {CMD_CER, "CER", "CEA", put_peer}, {CMD_DPR, "DPR", "DPA", put_peer},
};

void cx_summary(struct msg *m, struct buf *out)
{
        struct msg_hdr *h = NULL;
        if (fd_msg_hdr(m, &h) != 0)
                return;
        const bool is_request = h->msg_flags & CMD_FLAG_REQUEST;
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
                if (commands[i].command != h->msg_code)
                        continue;
                buf_puts(out, is_request ? commands[i].request : commands[i].answer);
                if (is_request)
                        commands[i].put(out, m);
                else
                        put_answer(out, m, h->msg_code);
                return;
        }
        buf_printf(out, "Diameter %s %u", is_request ? "request" : "answer", h->msg_code);
        if (!is_request)
                put_result(out, m);
}

/* Watchdogs would drown the rest; they are not even parsed. */
static bool left_out(struct span octets)
{
        const uint8_t *p = (const uint8_t *)octets.p;
        uint32_t code;

        if (octets.n < HEADER)
                return false;
        code = (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];
        return !(p[8] | p[9] | p[10] | p[11]) && code != CMD_CER && code != CMD_DPR;
}

void cx_trace(const struct dia_trace_info *info, struct trace *t)
{
        if (!trace_on(t) || left_out(info->octets))
                return;
        struct buf sum = BUF_INIT;
        char *local = NULL;
        struct span session = SPAN_NULL;
        if (info->msg) {
                cx_summary(info->msg, &sum);
                session = octets(info->msg, AVP_SESSION_ID);
                if (info->outbound)
                        local = span_dup(octets(info->msg, AVP_ORIGIN_HOST));
        } else {
                buf_printf(&sum, "%zu octets that are no Diameter message", info->octets.n);
        }
        const struct trace_message m = {
                .outbound = info->outbound,
                .protocol = "Diameter",
                .local = local,
                .remote = info->peer,
                .octets = info->octets,
                .session_id = session,
                .summary = sum.err ? SPAN_NULL : buf_as_span(&sum),
                .note = info->note,
        };
        trace_message(t, &m);
        free(local);
        buf_free(&sum);
}

void cx_trace_peer(struct trace *t, const char *identity, bool up, const char *why)
{
        struct buf text = BUF_INIT;
        struct verdict v = {.procedure = VERDICT_CX_PEER,
                            .outcome = up ? VERDICT_OK : VERDICT_FAILED,
                            .cause = up ? CAUSE_peer_up : CAUSE_peer_lost,
                            .clause = "RFC 6733 5.6"};

        buf_printf(&text, "%s%s%s", identity, why && *why ? ": " : "", why ? why : "");
        buf_char(&text, '\0');
        v.evidence = text.err ? NULL : text.p;
        trace_verdict(t, &v);
        buf_free(&text);
}

void cx_trace_stranger(struct trace *t, struct span identity, const struct addr *from, const char *why)
{
        struct buf text = BUF_INIT;
        struct verdict v = {.procedure = VERDICT_CX_PEER,
                            .outcome = VERDICT_REFUSED,
                            .cause = CAUSE_peer_refused,
                            .clause = "RFC 6733 5.3, TS 33.203 J"};
        char name[ADDR_STR];

        if (identity.n)
                buf_quoted(&text, identity, ID_SHOWN);
        else
                buf_puts(&text, "a connection");
        buf_printf(&text, " from %s: %s", addr_str(from, name), why);
        buf_char(&text, '\0');
        v.evidence = text.err ? NULL : text.p;
        trace_verdict(t, &v);
        buf_free(&text);
}
