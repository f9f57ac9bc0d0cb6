/* SPDX-License-Identifier: BSD-3-Clause
 * The typed Cx messages as tables: a row per AVP says where its value stands in the struct. The codec
 * (cx_decode.c, cx_encode.c) reads nothing else. */
#pragma once

#include "common/diameter/avp.h"
#include "common/diameter/cx.h"

enum cx_kind {
        CX_K_SPAN,         /* struct span */
        CX_K_SPANS,        /* struct cx_spans */
        CX_K_U32,          /* uint32_t; aux: bool has_x, or none when the AVP is mandatory */
        CX_K_U32S,         /* struct cx_u32s */
        CX_K_U64,          /* uint64_t; aux: bool has_x */
        CX_K_PRESENT,      /* bool; the value itself is fixed (0) */
        CX_K_GROUP,        /* struct of sub; aux: bool present, or none when the AVP is mandatory */
        CX_K_GROUPS,       /* array of structs of sub, stride octets each, at most max; aux: size_t n */
        CX_K_ALLOC,        /* pointer to an allocated array, otherwise as CX_K_GROUPS */
        CX_K_FEATURES,     /* struct cx_features */
        CX_K_RESULT,       /* struct dia_result from Result-Code */
        CX_K_EXPERIMENTAL, /* struct dia_result from Experimental-Result */
        CX_K_FAILED,       /* struct span: name of the first AVP inside Failed-AVP */
        CX_K_FIXED,        /* read and dropped; written with fixed content */
};

#define CX_NO_AUX UINT32_MAX

struct cx_table;

struct cx_field {
        uint16_t avp; /* enum dict_avp */
        uint8_t kind;
        bool required;
        uint32_t offset, aux; /* into the struct the table describes */
        uint16_t min, max;    /* octets of a span (max 0: any); entries of an array */
        uint32_t stride;
        struct cx_table *sub;
};

struct cx_table {
        const struct cx_field *fields;
        size_t n;
        uint8_t slot[AVP_COUNT]; /* 1 + index of the AVP's field; filled by cx_tables_ready */
};

enum cx_msg {
#define X(name) CX_MSG_##name,
        CX_MESSAGES(X)
#undef X
                CX_MSG_COUNT
};

struct cx_shape {
        enum dict_command command;
        size_t size;           /* of the struct */
        struct cx_table *head; /* struct cx_request or cx_answer, at offset 0 */
        struct cx_table *body;
};

/* The shape of a message; fills the tables on first use. */
const struct cx_shape *cx_shape(enum cx_msg which);

/* --- codec (cx_decode.c, cx_encode.c) --------------------------------------------------------------- */

int cx_decode(enum cx_msg which, struct msg *msg, void *out, struct cx_fault *fault) IMS_CHECK;
void cx_clear(enum cx_msg which, void *m);

/* What the node knows better than the caller; an empty span leaves what the message says. */
struct cx_env {
        struct span session_id, origin_host, origin_realm, destination_realm;
};

/* Appends all AVPs of the message. Errors stay in b->err. */
void cx_encode(enum cx_msg which, const void *in, const struct cx_env *env, struct buf *b);
