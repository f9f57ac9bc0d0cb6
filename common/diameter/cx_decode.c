/* SPDX-License-Identifier: BSD-3-Clause
 * From a message of libfdproto to the typed structs of cx.h, driven by the tables of cx_table.c. */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/diameter/cx_table.h"
#include "common/diameter/msg.h"

struct decode {
        struct cx_fault *fault;
};

static int fail(struct decode *d, uint32_t code, struct avp *avp, unsigned id)
{
        d->fault->base_code = code;
        d->fault->failed = avp;
        d->fault->avp_name = dict_avp_rows[id].name;
        return -IMS_EPROTO;
}

static int decode_list(struct decode *d, msg_or_avp *parent, struct cx_table *const tables[2], void *out);

static int decode_group(struct decode *d, struct avp *avp, struct cx_table *t, void *out)
{
        return decode_list(d, avp, (struct cx_table *const[2]){t, NULL}, out);
}

static struct span value_span(const struct avp_hdr *h)
{
        return h->avp_value ? span_make(h->avp_value->os.data ? (const char *)h->avp_value->os.data : "",
                                        h->avp_value->os.len)
                            : SPAN_NULL;
}

/* Room for one more entry of an array that grows. */
static int grow(void **array, size_t n, size_t stride)
{
        void *bigger;

        if (n & (n - 1))
                return 0; /* room up to the next power of two */
        bigger = realloc(*array, (n ? 2 * n : 1) * stride);
        if (!bigger)
                return -IMS_ENOMEM;
        *array = bigger;
        return 0;
}

static int decode_entry(struct decode *d, struct avp *avp, const struct cx_field *f, char *base)
{
        size_t *n = (size_t *)(base + f->aux);
        char *array = base + f->offset;

        if (*n >= f->max)
                return fail(d, DIA_AVP_OCCURS_TOO_MANY_TIMES, avp, f->avp);
        if (f->kind == CX_K_ALLOC) {
                void **p = (void **)(base + f->offset);

                if (grow(p, *n, f->stride))
                        return -IMS_ENOMEM;
                array = *p;
        }
        array += *n * f->stride;
        memset(array, 0, f->stride);
        (*n)++;
        return decode_group(d, avp, f->sub, array);
}

static void decode_features(struct avp *avp, const struct avp_hdr *group, struct cx_features *out)
{
        struct cx_features got = {.present = true, .has_m = group->avp_flags & AVP_FLAG_MANDATORY};
        struct avp_hdr *h = NULL;

        for (struct avp *a = dia_fd_first(avp); a; a = dia_fd_next(a)) {
                int id = dia_fd_avp_id(a, &h);

                if (!h->avp_value)
                        continue;
                if (id == AVP_VENDOR_ID)
                        got.vendor = h->avp_value->u32;
                else if (id == AVP_FEATURE_LIST_ID)
                        got.list_id = h->avp_value->u32;
                else if (id == AVP_FEATURE_LIST)
                        got.features = h->avp_value->u32;
        }
        /* several lists may come; list 1 of 3GPP is the one Cx defines (TS 29.229 7.1.1) */
        /* another list that is required is what decides: nobody here supports it */
        bool ours = got.vendor == DIA_VENDOR_3GPP && got.list_id == 1;
        bool foreign = out->present && (out->vendor != DIA_VENDOR_3GPP || out->list_id != 1);

        if (out->present && foreign && out->has_m)
                return;
        if (!out->present || ours || got.has_m)
                *out = got;
}

static void decode_experimental(struct avp *avp, struct dia_result *out)
{
        struct avp_hdr *h = NULL;

        for (struct avp *a = dia_fd_first(avp); a; a = dia_fd_next(a)) {
                int id = dia_fd_avp_id(a, &h);

                if (id == AVP_VENDOR_ID && h->avp_value)
                        out->vendor = h->avp_value->u32;
                else if (id == AVP_EXPERIMENTAL_RESULT_CODE && h->avp_value)
                        out->code = h->avp_value->u32;
        }
}

static void decode_failed(struct avp *avp, struct span *out)
{
        struct avp *first = dia_fd_first(avp);
        struct avp_hdr *h = NULL;
        int id = first ? dia_fd_avp_id(first, &h) : -1;

        if (!out->n)
                *out = span_of(id >= 0 ? dict_avp_rows[id].name : "unknown");
}

static int decode_special(struct decode *d, struct avp *avp, struct avp_hdr *h, const struct cx_field *f,
                          char *at)
{
        struct cx_spans *spans = (struct cx_spans *)at;
        struct cx_u32s *u32s = (struct cx_u32s *)at;

        switch ((enum cx_kind)f->kind) {
        case CX_K_SPANS:
                if (spans->n == CX_LIST_MAX)
                        return fail(d, DIA_AVP_OCCURS_TOO_MANY_TIMES, avp, f->avp);
                spans->v[spans->n++] = value_span(h);
                return 0;
        case CX_K_U32S:
                if (u32s->n == CX_LIST_MAX)
                        return fail(d, DIA_AVP_OCCURS_TOO_MANY_TIMES, avp, f->avp);
                u32s->v[u32s->n++] = h->avp_value->u32;
                return 0;
        case CX_K_FEATURES:
                decode_features(avp, h, (struct cx_features *)at);
                return 0;
        case CX_K_RESULT:
                if (!((struct dia_result *)at)->vendor)
                        ((struct dia_result *)at)->code = h->avp_value->u32;
                return 0;
        case CX_K_EXPERIMENTAL:
                decode_experimental(avp, (struct dia_result *)at);
                return 0;
        case CX_K_FAILED:
                decode_failed(avp, (struct span *)at);
                return 0;
        default:
                return 0; /* fixed content */
        }
}

static int decode_field(struct decode *d, struct avp *avp, struct avp_hdr *h, const struct cx_field *f,
                        char *base)
{
        char *at = base + f->offset;
        bool *has = f->aux != CX_NO_AUX ? (bool *)(base + f->aux) : NULL;
        enum dict_type type = (enum dict_type)dict_avp_rows[f->avp].type;
        struct span s;

        if (type != DICT_T_GROUP && !h->avp_value)
                return fail(d, DIA_INVALID_AVP_VALUE, avp, f->avp);
        if (type == DICT_T_ENUM && f->kind != CX_K_FIXED &&
            !dia_enum_known((enum dict_avp)f->avp, h->avp_value->u32) && f->avp != AVP_DRMP)
                return fail(d, DIA_INVALID_AVP_VALUE, avp, f->avp);
        switch ((enum cx_kind)f->kind) {
        case CX_K_SPAN:
                s = value_span(h);
                if (f->max && (s.n < f->min || s.n > f->max))
                        return fail(d, DIA_INVALID_AVP_VALUE, avp, f->avp);
                *(struct span *)at = s;
                return 0;
        case CX_K_U32:
                /* Time is an OctetString to libfdproto */
                *(uint32_t *)at =
                        type == DICT_T_TIME ? dia_get_u32(h->avp_value->os.data) : h->avp_value->u32;
                break;
        case CX_K_U64:
                *(uint64_t *)at = h->avp_value->u64;
                break;
        case CX_K_PRESENT:
                *(bool *)at = true;
                return 0;
        case CX_K_GROUP:
                if (has)
                        *has = true;
                return decode_group(d, avp, f->sub, at);
        case CX_K_GROUPS:
        case CX_K_ALLOC:
                return decode_entry(d, avp, f, base);
        default:
                return decode_special(d, avp, h, f, at);
        }
        if (has)
                *has = true;
        return 0;
}

static bool repeats(enum cx_kind k)
{
        return k == CX_K_SPANS || k == CX_K_U32S || k == CX_K_GROUPS || k == CX_K_ALLOC ||
               k == CX_K_FEATURES || k == CX_K_FAILED;
}

/* tables[1] describes the body, whose struct begins where that of the head does. */
static int decode_list(struct decode *d, msg_or_avp *parent, struct cx_table *const tables[2], void *out)
{
        uint64_t seen[2] = {0};
        struct avp_hdr *h = NULL;

        for (struct avp *a = dia_fd_first(parent); a; a = dia_fd_next(a)) {
                int id = dia_fd_avp_id(a, &h), err;
                unsigned t = 0, slot = id < 0 ? 0 : tables[0]->slot[id];

                if (!slot && id >= 0 && tables[1]) {
                        t = 1;
                        slot = tables[1]->slot[id];
                }
                if (!slot)
                        continue;
                const struct cx_field *f = &tables[t]->fields[slot - 1];
                if ((seen[t] >> slot & 1) && !repeats((enum cx_kind)f->kind))
                        return fail(d, DIA_AVP_OCCURS_TOO_MANY_TIMES, a, f->avp);
                seen[t] |= UINT64_C(1) << slot;
                err = decode_field(d, a, h, f, out);
                if (err)
                        return err;
        }
        for (unsigned t = 0; t < 2 && tables[t]; t++) {
                for (size_t i = 0; i < tables[t]->n; i++) {
                        if (tables[t]->fields[i].required && !(seen[t] >> (i + 1) & 1))
                                return fail(d, DIA_MISSING_AVP, NULL, tables[t]->fields[i].avp);
                }
        }
        return 0;
}

/* TS 29.229 6.3.14: items with a lower SIP-Item-Number are used first. */
static void sort_items(struct cx_maa *m)
{
        for (size_t i = 1; i < m->n; i++) {
                for (size_t k = i; k > 0 && m->items[k].item_number < m->items[k - 1].item_number; k--) {
                        struct cx_auth_item tmp = m->items[k];

                        m->items[k] = m->items[k - 1];
                        m->items[k - 1] = tmp;
                }
        }
}

int cx_decode(enum cx_msg which, struct msg *msg, void *out, struct cx_fault *fault)
{
        const struct cx_shape *shape = cx_shape(which);
        struct decode d = {fault};
        struct msg_hdr *h = NULL;
        bool error_answer;
        int err;

        *fault = (struct cx_fault){.avp_name = ""};
        memset(out, 0, shape->size);
        if (fd_msg_hdr(msg, &h))
                return -IMS_EINVAL;
        /* the answer with the E bit has the grammar of RFC 6733 7.2: only its head is ours */
        error_answer = !(h->msg_flags & CMD_FLAG_REQUEST) && (h->msg_flags & CMD_FLAG_ERROR);
        err = decode_list(&d, msg,
                          (struct cx_table *const[2]){shape->head, error_answer ? NULL : shape->body}, out);
        if (!err && which == CX_MSG_maa)
                sort_items(out);
        if (err == -IMS_ENOMEM)
                fault->base_code = DIA_UNABLE_TO_COMPLY;
        if (err)
                cx_clear(which, out);
        return err;
}

void cx_clear(enum cx_msg which, void *m)
{
        const struct cx_table *t = cx_shape(which)->body;

        for (size_t i = 0; i < t->n; i++) {
                if (t->fields[i].kind != CX_K_ALLOC)
                        continue;
                free(*(void **)((char *)m + t->fields[i].offset));
                *(void **)((char *)m + t->fields[i].offset) = NULL;
                *(size_t *)((char *)m + t->fields[i].aux) = 0;
        }
}

#define X(name)                                                                                              \
        int cx_##name##_decode(struct msg *msg, struct cx_##name *out, struct cx_fault *fault)               \
        {                                                                                                    \
                return cx_decode(CX_MSG_##name, msg, out, fault);                                            \
        }                                                                                                    \
        void cx_##name##_clear(struct cx_##name *m)                                                          \
        {                                                                                                    \
                cx_clear(CX_MSG_##name, m);                                                                  \
        }
CX_MESSAGES(X)
#undef X
