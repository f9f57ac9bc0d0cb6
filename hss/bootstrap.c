/* SPDX-License-Identifier: BSD-3-Clause
 * Who gets credentials, and what they are. */
#include "hss/bootstrap.h"

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/profile/profile.h"
#include "hss/store_device.h"
#include "hss/store_push.h"
#include "hss/subscriber.h"

#define PASSWORD_OCTETS 24
#define PASSWORD_CHARS  32 /* base64url of them */

const struct bootstrap_code_row bootstrap_code_rows[BOOTSTRAP_CODE_COUNT] = {
#define X(name, status, error, cause, text) [BOOTSTRAP_##name] = {status, error, CAUSE_##cause, text},
        BOOTSTRAP_CODES(X)
#undef X
};

struct giving {
        const struct hss_conf *conf;
        struct store *store;
        const struct device_cert *who;
        int64_t now_s;
        struct arena arena;
        struct store_device device;
        struct record record;
        struct bootstrap_outcome *out;
};

/* --- the answer ---------------------------------------------------------------------------------- */

static void write_credentials(const struct giving *g, const char *password)
{
        struct buf *b = &g->out->answer;
        bool first = true;
        buf_char(b, '{');
        buf_json_member(b, "impi", g->record.impi);
        buf_puts(b, ",\"impu\":[");
        for (size_t i = 0; i < g->record.n_impus; i++) {
                const struct record_impu *u = &g->record.impus[i];
                if (u->barred || u->type != PROFILE_DISTINCT_IMPU)
                        continue;
                buf_puts(b, first ? "" : ",");
                buf_json_string(b, u->impu);
                first = false;
        }
        buf_puts(b, "],");
        buf_json_member(b, "realm", g->record.digest_realm);
        buf_char(b, ',');
        buf_json_member(b, "password", span_of(password));
        buf_char(b, ',');
        buf_json_member(b, "algorithm", span_of(digest_algorithm_name(g->record.digest_algorithm)));
        buf_char(b, ',');
        buf_json_member(b, "pcscf", g->conf->bootstrap.pcscf ? span_of(g->conf->bootstrap.pcscf) : SPAN_NULL);
        buf_puts(b, "}\n");
}

void bootstrap_refuse(enum bootstrap_code code, struct bootstrap_outcome *out)
{
        out->code = code;
        buf_reset(&out->answer);
        buf_char(&out->answer, '{');
        buf_json_member(&out->answer, "error", span_of(bootstrap_code_rows[code].error));
        buf_char(&out->answer, ',');
        buf_json_member(&out->answer, "reason", span_of(bootstrap_code_rows[code].text));
        buf_puts(&out->answer, "}\n");
}

void bootstrap_outcome_free(struct bootstrap_outcome *o)
{
        buf_free(&o->answer);
}

/* --- who ----------------------------------------------------------------------------------------- */

static enum bootstrap_code judge(const struct giving *g)
{
        const struct store_device *d = &g->device;
        bool once = g->conf->bootstrap.policy == BOOTSTRAP_ONCE;
        if (d->blocked.p)
                return BOOTSTRAP_BLOCKED;
        if (d->fingerprint.p && !span_eq(d->fingerprint, span_of(g->who->fingerprint)))
                return BOOTSTRAP_OTHER_CERTIFICATE;
        if (g->record.scheme != HSS_SCHEME_DIGEST)
                return BOOTSTRAP_NO_DIGEST;
        return once && d->given ? BOOTSTRAP_ALREADY_GIVEN : BOOTSTRAP_GIVEN;
}

/* Who asks again and again although the device was served has a copy of its key. */
static int count_refusal(struct giving *g, enum bootstrap_code code)
{
        uint32_t limit = g->conf->bootstrap.block_after;
        int rc = store_device_refused(g->store, g->device.id);
        if (rc == 0 && code == BOOTSTRAP_ALREADY_GIVEN && limit && g->device.refused + 1 >= limit)
                rc = store_device_block(
                        g->store, g->device.id,
                        SPAN("credentials were asked for again and again after they were given"));
        return rc;
}

/* --- what ---------------------------------------------------------------------------------------- */

static int make_password(char out[static PASSWORD_CHARS + 1])
{
        uint8_t random[PASSWORD_OCTETS];
        int rc = secret_random(random, sizeof random);
        base64_encode(random, sizeof random, out);
        for (char *p = out; *p; p++)
                *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
        secret_wipe(random, sizeof random);
        return rc;
}

static int store_password(struct giving *g, const char *password)
{
        const struct provision p = {.conf = g->conf, .store = g->store, .arena = &g->arena};
        struct subscriber sub = {.given = UINT64_C(1) << SUB_PASSWORD};
        struct buf err = BUF_INIT;
        bool queued = false;
        int rc = span_copy(span_of(password), sub.password, sizeof sub.password);
        if (rc == 0)
                rc = sub_fill_digest(&p, &sub, &g->record, &err);
        if (rc == 0)
                rc = store_set_record(g->store, &g->record);
        if (rc == 0)
                rc = sub_queue_push(&p, &sub, &g->record, true, &queued);
        if (rc == 0)
                rc = store_device_given(g->store, g->device.id, span_of(g->who->fingerprint), g->now_s);
        g->out->impi_row = queued ? g->record.id : 0;
        sub_wipe(&sub);
        buf_free(&err);
        return rc;
}

static int give(struct giving *g)
{
        char password[PASSWORD_CHARS + 1] = "";
        int rc = make_password(password);
        if (rc == 0)
                rc = store_password(g, password);
        if (rc == 0) {
                write_credentials(g, password);
                rc = g->out->answer.err;
        }
        secret_wipe(password, sizeof password);
        return rc;
}

/* Inside the transaction. */
static int decide(struct giving *g)
{
        int rc = store_device_find(g->store, &g->arena, span_of(g->who->fingerprint),
                                   span_of(g->who->subject), &g->device);
        if (rc == -IMS_ENOTFOUND) {
                bootstrap_refuse(BOOTSTRAP_UNKNOWN_DEVICE, g->out);
                return 0;
        }
        if (rc == 0)
                rc = store_read_record(g->store, &g->arena, g->device.impi, &g->record);
        if (rc < 0)
                return rc;
        rc = span_copy(g->record.impi, g->out->impi, sizeof g->out->impi);
        if (rc < 0)
                return rc;
        g->out->code = judge(g);
        if (g->out->code == BOOTSTRAP_GIVEN)
                return give(g);
        bootstrap_refuse(g->out->code, g->out);
        return count_refusal(g, g->out->code);
}

int bootstrap_give(const struct hss_conf *conf, struct store *store, const struct device_cert *who,
                   int64_t now_s, struct bootstrap_outcome *out)
{
        struct giving g = {.conf = conf, .store = store, .who = who, .now_s = now_s, .out = out};
        *out = (struct bootstrap_outcome){.code = BOOTSTRAP_UNAVAILABLE, .answer = {.secret = true}};
        arena_init(&g.arena);
        int rc = store_begin(store, true);
        if (rc == 0) {
                rc = decide(&g);
                if (rc == 0)
                        rc = store_commit(store); /* before the answer leaves */
                else
                        store_rollback(store);
        }
        if (rc == 0)
                rc = out->answer.err;
        if (rc < 0) { /* nothing of what was made may leave */
                out->impi_row = 0;
                buf_free(&out->answer);
        }
        if (rc < 0 && rc != -IMS_EALREADY && rc != -IMS_ENOMEM) {
                log_error("bootstrapping: %s (%s)", store_trouble(store), store_error(store));
                bootstrap_refuse(BOOTSTRAP_UNAVAILABLE, out);
                rc = out->answer.err;
        }
        arena_reset(&g.arena, true);
        return rc;
}
