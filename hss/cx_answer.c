/* SPDX-License-Identifier: BSD-3-Clause
 * From a reply to the typed answers of common/diameter. TS 29.229 6.1. */
#include "hss/cx_job.h"

#include "common/base/secret.h"
#include "hss/restoration.h"

static void header(const struct job *j, struct cx_answer *h)
{
        const struct cx_request *rq = job_request(j);
        h->result = j->d.result;
        if (!dia_result_ok(j->d.result) && j->d.why)
                h->error_message = span_of(j->d.why);
        if (rq->features.present || dia_result_is(j->d.result, dia_3gpp(CX_ERROR_FEATURE_UNSUPPORTED)))
                h->features = (struct cx_features){
                        .present = true, .vendor = DIA_VENDOR_3GPP, .list_id = 1, .features = HSS_FEATURES};
}

/* One entry per line. */
static void lines_to_spans(struct span lines, struct cx_spans *out)
{
        struct span line;
        while (lines.n && out->n < CX_LIST_MAX && span_split(&lines, '\n', &line))
                out->v[out->n++] = line;
}

static void lines_to_numbers(struct span lines, struct cx_u32s *out)
{
        struct span line;
        while (lines.n && out->n < CX_LIST_MAX && span_split(&lines, '\n', &line))
                if (span_u32(line, UINT32_MAX, &out->v[out->n]) == 0)
                        out->n++;
}

static void capabilities(const struct reply *r, struct cx_capabilities *c)
{
        lines_to_numbers(r->mandatory, &c->mandatory);
        lines_to_numbers(r->optional, &c->optional);
        lines_to_spans(r->server_names, &c->server_names);
        c->present = c->mandatory.n || c->optional.n || c->server_names.n;
}

static void answer_uar(struct job *j)
{
        struct cx_uaa a = {.server_name = j->reply.server_name};
        header(j, &a.h);
        capabilities(&j->reply, &a.capabilities);
        cx_answer_uaa(j->rq, &a);
}

static void answer_lir(struct job *j)
{
        struct cx_lia a = {.server_name = j->reply.server_name,
                           .wildcarded_impu = j->reply.wildcarded,
                           .has_flags = j->reply.lia_flags != 0,
                           .flags = j->reply.lia_flags};
        header(j, &a.h);
        capabilities(&j->reply, &a.capabilities);
        cx_answer_lia(j->rq, &a);
}

static void aka_item(const struct aka_av *av, size_t i, size_t n, struct cx_auth_item *item,
                     uint8_t rand_autn[static 32])
{
        memcpy(rand_autn, av->rand, AKA_RAND_N);
        memcpy(rand_autn + AKA_RAND_N, av->autn, AKA_AUTN_N);
        item->has_item_number = n > 1;
        item->item_number = (uint32_t)i + 1;
        item->scheme = SPAN(CX_SCHEME_AKA);
        item->authenticate = span_make(rand_autn, 32);
        item->authorization = span_make(av->xres, av->xres_n);
        item->ck = span_make(av->ck.b, sizeof av->ck.b);
        item->ik = span_make(av->ik.b, sizeof av->ik.b);
}

void cx_digest_item(struct cx_auth_item *item, struct span realm, enum digest_algorithm algorithm,
                    const char *ha1)
{
        item->scheme = SPAN(CX_SCHEME_DIGEST);
        item->digest.present = true;
        item->digest.realm = realm;
        item->digest.algorithm = span_of(digest_algorithm_name(algorithm));
        item->digest.qop = SPAN("auth");
        item->digest.ha1 = span_of(ha1);
}

static void answer_mar(struct job *j)
{
        static struct cx_maa a; /* 20 kB, all spans: nothing secret stays in it */
        static uint8_t rand_autn[CX_AUTH_ITEMS_MAX][32];
        const struct reply *r = &j->reply;
        a.h = (struct cx_answer){0};
        header(j, &a.h);
        a.impi = r->impi;
        a.impu = r->impu;
        a.n = r->n_avs;
        memset(a.items, 0, (r->n_avs ? r->n_avs : 1) * sizeof *a.items);
        for (size_t i = 0; i < r->n_avs; i++)
                aka_item(&r->avs[i], i, r->n_avs, &a.items[i], rand_autn[i]);
        if (r->ha1[0]) {
                cx_digest_item(&a.items[0], r->digest_realm, r->digest_algorithm, r->ha1);
                a.n = 1;
        } else if (r->line_ids.n) {
                a.items[0].scheme = SPAN(CX_SCHEME_NBA);
                lines_to_spans(r->line_ids, &a.items[0].line_identifiers);
                a.n = 1;
        }
        a.has_n_items = a.n > 0;
        a.n_items = (uint32_t)a.n;
        cx_answer_maa(j->rq, &a);
}

static void strings(const struct conf_list *list, struct cx_spans *out)
{
        for (size_t i = 0; i < list->n && out->n < CX_LIST_MAX; i++)
                out->v[out->n++] = span_of(((char **)list->items)[i]);
}

static void impis(const struct store_impis *list, struct cx_spans *out)
{
        for (size_t i = 0; i < list->n; i++)
                out->v[out->n++] = list->v[i];
}

static void charging(struct span lines, struct cx_charging *c)
{
        struct span *const to[] = {&c->ecf1, &c->ecf2, &c->ccf1, &c->ccf2};
        struct span line;
        for (int i = 0; i < 4 && lines.n && span_split(&lines, '\n', &line); i++) {
                *to[i] = line.n ? line : SPAN_NULL;
                c->present = c->present || line.n;
        }
}

static void answer_sar(struct job *j, const struct hss_conf *conf)
{
        static struct cx_saa a;
        static struct cx_restoration restorations[CX_RESTORATION_MAX];
        const struct reply *r = &j->reply;
        a = (struct cx_saa){
                .impi = dia_result_ok(j->d.result) ? r->impi : SPAN_NULL,
                .user_data = r->user_data,
                .server_name = r->server_name,
                .wildcarded_impu = r->wildcarded,
                .has_loose_route = r->loose_route >= 0,
                .loose_route = (uint32_t)r->loose_route,
                .has_priviledged_sender = r->priviledged_sender >= 0,
                .priviledged_sender = (uint32_t)r->priviledged_sender,
                .restorations = restorations,
        };
        header(j, &a.h);
        charging(r->charging, &a.charging);
        impis(&r->associated, &a.associated_identities);
        impis(&r->registered, &a.associated_registered_identities);
        for (size_t i = 0; i < r->n_restorations; i++)
                if (restoration_read(r->restorations[i], &restorations[a.n_restorations]) == 0)
                        a.n_restorations++;
        if (r->user_data.p) {
                strings(&conf->wafs, &a.wafs);
                strings(&conf->wwsfs, &a.wwsfs);
        }
        cx_answer_saa(j->rq, &a);
}

/* The AVP at fault as it was received; the second one when there are too many. NULL: it is missing. */
static struct avp *received(struct msg *msg, struct dict_object *model, bool second)
{
        msg_or_avp *at = msg;
        struct dict_object *m;
        while (fd_msg_browse_internal(at, MSG_BRW_WALK, &at, NULL) == 0 && at) {
                if (fd_msg_model(at, &m) != 0 || m != model)
                        continue;
                if (!second)
                        return at;
                second = false;
        }
        return NULL;
}

/* Base errors name the AVP in Failed-AVP; one that is missing stands there with an empty value (RFC 6733
 * 7.1.5, 7.5). */
static void answer_failed_avp(struct job *j)
{
        struct dict_object *model = NULL;
        struct avp *found = NULL, *made = NULL;
        union avp_value zero = {.os = {.data = (uint8_t *)"", .len = 0}};
        if (fd_dict_search(dia_dict(), DICT_AVP, AVP_BY_NAME_ALL_VENDORS, j->d.failed, &model, 0) == 0 &&
            model) {
                found = received(j->rq->msg, model, j->d.result.code == DIA_AVP_OCCURS_TOO_MANY_TIMES);
                if (!found && fd_msg_avp_new(model, 0, &made) == 0 && fd_msg_avp_setvalue(made, &zero) != 0) {
                        (void)fd_msg_free(made);
                        made = NULL;
                }
        }
        dia_answer_error(j->rq, j->d.result.code, found ? found : made, j->d.why);
        if (made)
                (void)fd_msg_free(made);
}

void job_answer(struct job *j, const struct hss_conf *conf)
{
        if (j->stale) {
                dia_request_drop(j->rq);
                j->rq = NULL;
                return;
        }
        if (j->d.failed && j->d.result.vendor == 0) {
                answer_failed_avp(j);
                j->rq = NULL;
                return;
        }
        switch (j->command) {
        case CX_UAR:
                answer_uar(j);
                break;
        case CX_MAR:
                answer_mar(j);
                break;
        case CX_LIR:
                answer_lir(j);
                break;
        default:
                answer_sar(j, conf);
                break;
        }
        j->rq = NULL;
}
