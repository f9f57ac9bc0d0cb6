/* SPDX-License-Identifier: BSD-3-Clause
 * What is wrong with a received message (RFC 6733 7.1.5, 7.5). */
#include "common/diameter/check.h"

#define DEPTH_MAX 12 /* groups in groups; Cx needs four */

static int fault(struct dia_fault *out, uint32_t code, const struct dia_avp *a)
{
        *out = DIA_FAULT_NONE;
        out->code = code;
        out->whole = a->whole;
        if (a->id >= 0)
                out->name = dict_avp_rows[a->id].name;
        return -IMS_EPROTO;
}

static int fault_length(struct dia_fault *out, const struct dia_avp *a)
{
        fault(out, DIA_INVALID_AVP_LENGTH, a);
        out->unreadable = *a;
        out->has_unreadable = true;
        out->whole = SPAN_NULL;
        return -IMS_EPROTO;
}

static int fault_missing(struct dia_fault *out, int avp)
{
        *out = DIA_FAULT_NONE;
        out->code = DIA_MISSING_AVP;
        out->missing = avp;
        out->name = dict_avp_rows[avp].name;
        return -IMS_EPROTO;
}

/* RFC 3629, without NUL. */
static bool utf8_ok(struct span s)
{
        const uint8_t *p = (const uint8_t *)s.p, *end = p + s.n;

        while (p < end) {
                unsigned more = *p < 0x80   ? 0
                                : *p < 0xc2 ? 9
                                : *p < 0xe0 ? 1
                                : *p < 0xf0 ? 2
                                : *p < 0xf5 ? 3
                                            : 9;

                if (!*p || more > 3 || (size_t)(end - p) <= more)
                        return false;
                if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
                    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
                        return false;
                for (unsigned i = 1; i <= more; i++) {
                        if ((p[i] & 0xc0) != 0x80)
                                return false;
                }
                p += more + 1;
        }
        return true;
}

static bool printable(struct span s)
{
        for (size_t i = 0; i < s.n; i++) {
                if (s.p[i] <= ' ' || s.p[i] > '~')
                        return false;
        }
        return s.n > 0;
}

static bool address_ok(struct span s)
{
        uint32_t family = s.n >= 2 ? (uint32_t)(uint8_t)s.p[0] << 8 | (uint8_t)s.p[1] : 0;

        return family == 1 ? s.n == 6 : family == 2 ? s.n == 18 : s.n >= 2;
}

static int check_value(const struct dia_avp *a, struct dia_fault *out)
{
        const struct dict_avp_row *row = &dict_avp_rows[a->id];
        bool ok = true;

        switch ((enum dict_type)row->type) {
        case DICT_T_ENUM:
        case DICT_T_U32:
        case DICT_T_TIME:
                if (a->data.n != 4)
                        return fault_length(out, a);
                /* extensions we only carry may grow values */
                if (row->type == DICT_T_ENUM && (row->vendor || row->m == DICT_M_MUST))
                        ok = dia_enum_known((enum dict_avp)a->id, dia_avp_u32(a));
                break;
        case DICT_T_U64:
                if (a->data.n != 8)
                        return fault_length(out, a);
                break;
        case DICT_T_UTF8:
                ok = utf8_ok(a->data);
                break;
        case DICT_T_IDENTITY:
        case DICT_T_URI:
                ok = printable(a->data);
                break;
        case DICT_T_ADDRESS:
                ok = address_ok(a->data);
                break;
        case DICT_T_OCTETS:
        case DICT_T_GROUP:
                break;
        }
        return ok ? 0 : fault(out, DIA_INVALID_AVP_VALUE, a);
}

/* Failed-AVP holds what somebody found wrong: only its structure matters to us. */
static int check_structure(struct span avps, unsigned depth, struct dia_fault *out)
{
        struct dia_avp a;
        int got;

        while ((got = dia_avp_next(&avps, &a)) > 0) {
                if (a.id < 0 || dict_avp_rows[a.id].type != DICT_T_GROUP)
                        continue;
                if (depth == DEPTH_MAX)
                        return fault(out, DIA_INVALID_AVP_VALUE, &a);
                if (check_structure(a.data, depth + 1, out))
                        return -IMS_EPROTO;
        }
        return got < 0 ? fault_length(out, &a) : 0;
}

struct scope {
        const struct dia_rules *rules; /* NULL: none */
        unsigned depth;
        bool mandatory; /* inside nothing but groups with M */
};

static int check_list(struct span avps, const struct scope *s, struct dia_fault *out);

static int check_avp(const struct dia_avp *a, const struct scope *s, struct dia_fault *out)
{
        bool m = s->mandatory && (a->flags & AVP_FLAG_MANDATORY);
        int err;

        if ((a->flags & AVP_FLAG_VENDOR) && !a->vendor)
                return fault(out, DIA_INVALID_AVP_BITS, a);
        if (a->id < 0)
                return m ? fault(out, DIA_AVP_UNSUPPORTED, a) : 0;
        err = check_value(a, out);
        if (err || dict_avp_rows[a->id].type != DICT_T_GROUP)
                return err;
        if (s->depth == DEPTH_MAX)
                return fault(out, DIA_INVALID_AVP_VALUE, a);
        if (a->id == AVP_FAILED_AVP)
                return check_structure(a->data, s->depth + 1, out);
        return check_list(a->data, &(struct scope){dia_group_rules((enum dict_avp)a->id), s->depth + 1, m},
                          out);
}

static int check_count(const struct dia_avp *a, const struct scope *s, uint16_t *count, unsigned position,
                       struct dia_fault *out)
{
        unsigned slot = a->id < 0 || !s->rules ? 0 : s->rules->slot[a->id];
        const struct dia_rule *r = slot ? &s->rules->rule[slot - 1] : NULL;

        if (!r)
                return 0;
        if (count[slot] < DICT_MANY)
                count[slot]++;
        if (r->max == 0)
                return fault(out, DIA_AVP_NOT_ALLOWED, a);
        if (r->max != DICT_MANY && count[slot] > r->max)
                return fault(out, DIA_AVP_OCCURS_TOO_MANY_TIMES, a);
        if (r->pos == DICT_R_FIXED && position != 0)
                return fault_missing(out, a->id); /* it is not where it must be */
        return 0;
}

static int check_list(struct span avps, const struct scope *s, struct dia_fault *out)
{
        uint16_t count[64] = {0};
        struct dia_avp a;
        unsigned position = 0;
        int got, err = 0;

        while (!err && (got = dia_avp_next(&avps, &a)) > 0) {
                err = check_avp(&a, s, out);
                if (!err)
                        err = check_count(&a, s, count, position++, out);
        }
        if (err)
                return err;
        if (got < 0)
                return fault_length(out, &a);
        for (unsigned i = 0; s->rules && i < s->rules->n; i++) {
                if (s->rules->rule[i].pos != DICT_R_OPT && !count[i + 1])
                        return fault_missing(out, s->rules->rule[i].avp);
        }
        return 0;
}

int dia_check(struct span octets, struct dia_fault *out)
{
        struct dia_header h = dia_header_get(octets.p);
        struct scope s = {NULL, 0, true};
        int cmd = dia_command_find(h.code, h.flags & CMD_FLAG_REQUEST);

        if (!(h.flags & CMD_FLAG_REQUEST) && (h.flags & CMD_FLAG_ERROR))
                cmd = CMD_ERROR;
        if (cmd >= 0)
                s.rules = dia_command_rules((enum dict_command)cmd);
        return check_list(span_sub(octets, DIA_HEADER, octets.n), &s, out);
}

void dia_put_fault(struct buf *b, const struct dia_fault *f)
{
        size_t at;

        if (!f->whole.n && f->missing < 0 && !f->has_unreadable)
                return;
        at = dia_put_group(b, AVP_FAILED_AVP);
        if (f->whole.n) {
                dia_put_whole(b, f->whole);
        } else if (f->missing >= 0) {
                const struct dict_avp_row *row = &dict_avp_rows[f->missing];

                dia_put_example(b, row->code, row->vendor,
                                (uint8_t)((row->vendor ? AVP_FLAG_VENDOR : 0) |
                                          (row->m == DICT_M_MUST ? AVP_FLAG_MANDATORY : 0)),
                                f->missing);
        } else {
                dia_put_example(b, f->unreadable.code, f->unreadable.vendor, f->unreadable.flags,
                                f->unreadable.id);
        }
        dia_put_group_end(b, at);
}
