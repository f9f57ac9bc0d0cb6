/* SPDX-License-Identifier: BSD-3-Clause
 * From the typed structs of cx.h to octets, in one pass over the tables of cx_table.c. */
#include "common/diameter/cx_table.h"

static void encode_table(const struct cx_table *t, const char *base, struct buf *b);

static void encode_features(const struct cx_features *f, struct buf *b)
{
        size_t at;

        if (!f->present)
                return;
        at = dia_put_group(b, AVP_SUPPORTED_FEATURES);
        if (f->has_m)
                dia_put_m(b, at);
        dia_put_u32(b, AVP_VENDOR_ID, f->vendor);
        dia_put_u32(b, AVP_FEATURE_LIST_ID, f->list_id);
        dia_put_u32(b, AVP_FEATURE_LIST, f->features);
        dia_put_group_end(b, at);
}

static void encode_experimental(const struct dia_result *r, struct buf *b)
{
        size_t at;

        if (!r->vendor)
                return;
        at = dia_put_group(b, AVP_EXPERIMENTAL_RESULT);
        dia_put_u32(b, AVP_VENDOR_ID, r->vendor);
        dia_put_u32(b, AVP_EXPERIMENTAL_RESULT_CODE, r->code);
        dia_put_group_end(b, at);
}

static void encode_fixed(enum dict_avp id, struct buf *b)
{
        size_t at;

        if (id == AVP_AUTH_SESSION_STATE) {
                dia_put_u32(b, id, 1); /* NO_STATE_MAINTAINED, TS 29.229 5.1 */
                return;
        }
        at = dia_put_group(b, AVP_VENDOR_SPECIFIC_APPLICATION_ID);
        dia_put_u32(b, AVP_VENDOR_ID, DIA_VENDOR_3GPP);
        dia_put_u32(b, AVP_AUTH_APPLICATION_ID, CX_APPLICATION);
        dia_put_group_end(b, at);
}

static void encode_group(const struct cx_field *f, const char *at, struct buf *b)
{
        size_t group = dia_put_group(b, (enum dict_avp)f->avp), empty = b->n;

        encode_table(f->sub, at, b);
        /* a group without has_x stands for its content: nothing inside, no group */
        if (b->n == empty && f->aux == CX_NO_AUX && !f->required && !b->err)
                b->n = group;
        else
                dia_put_group_end(b, group);
}

static void encode_special(const struct cx_field *f, const char *at, struct buf *b)
{
        const struct cx_spans *spans = (const struct cx_spans *)at;
        const struct cx_u32s *u32s = (const struct cx_u32s *)at;
        const struct dia_result *r = (const struct dia_result *)at;
        enum dict_avp id = (enum dict_avp)f->avp;

        switch ((enum cx_kind)f->kind) {
        case CX_K_SPANS:
                for (size_t i = 0; i < spans->n; i++)
                        dia_put_os(b, id, spans->v[i]);
                break;
        case CX_K_U32S:
                for (size_t i = 0; i < u32s->n; i++)
                        dia_put_u32(b, id, u32s->v[i]);
                break;
        case CX_K_FEATURES:
                encode_features((const struct cx_features *)at, b);
                break;
        case CX_K_RESULT:
                if (!r->vendor)
                        dia_put_u32(b, id, r->code);
                break;
        case CX_K_EXPERIMENTAL:
                encode_experimental(r, b);
                break;
        case CX_K_FIXED:
                encode_fixed(id, b);
                break;
        default:
                break;
        }
}

static void encode_field(const struct cx_field *f, const char *base, struct buf *b)
{
        enum dict_avp id = (enum dict_avp)f->avp;
        const char *at = base + f->offset;
        const char *entry = f->kind == CX_K_ALLOC ? *(char *const *)at : at;
        const struct span *s = (const struct span *)at;

        switch ((enum cx_kind)f->kind) {
        case CX_K_SPAN:
                if (s->p)
                        dia_put_os(b, id, *s);
                break;
        case CX_K_U32:
                if (f->aux == CX_NO_AUX || *(const bool *)(base + f->aux))
                        dia_put_u32(b, id, *(const uint32_t *)at);
                break;
        case CX_K_U64:
                if (*(const bool *)(base + f->aux))
                        dia_put_u64(b, id, *(const uint64_t *)at);
                break;
        case CX_K_PRESENT:
                if (*(const bool *)at)
                        dia_put_u32(b, id, 0);
                break;
        case CX_K_GROUP:
                if (f->aux == CX_NO_AUX || *(const bool *)(base + f->aux))
                        encode_group(f, at, b);
                break;
        case CX_K_GROUPS:
        case CX_K_ALLOC:
                for (size_t i = 0, n = *(const size_t *)(base + f->aux); i < n; i++)
                        encode_group(f, entry + i * f->stride, b);
                break;
        default:
                encode_special(f, at, b);
        }
}

static void encode_table(const struct cx_table *t, const char *base, struct buf *b)
{
        for (size_t i = 0; i < t->n; i++)
                encode_field(&t->fields[i], base, b);
}

/* The head, with what the node puts in instead. */
static void encode_head(const struct cx_table *t, const char *base, const struct cx_env *env, struct buf *b)
{
        for (size_t i = 0; i < t->n; i++) {
                const struct cx_field *f = &t->fields[i];
                const struct span *given = (const struct span *)(base + f->offset);
                struct span s = SPAN_NULL;

                if (f->avp == AVP_SESSION_ID)
                        s = env->session_id;
                else if (f->avp == AVP_ORIGIN_HOST)
                        s = env->origin_host;
                else if (f->avp == AVP_ORIGIN_REALM)
                        s = env->origin_realm;
                else if (f->avp == AVP_DESTINATION_REALM && !given->n)
                        s = env->destination_realm;
                if (s.n)
                        dia_put_os(b, (enum dict_avp)f->avp, s);
                else
                        encode_field(f, base, b);
        }
}

void cx_encode(enum cx_msg which, const void *in, const struct cx_env *env, struct buf *b)
{
        const struct cx_shape *shape = cx_shape(which);

        encode_head(shape->head, in, env, b);
        encode_table(shape->body, in, b);
}
