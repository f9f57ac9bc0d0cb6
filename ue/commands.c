/* SPDX-License-Identifier: BSD-3-Clause
 * "ue register" and "ue deregister". */
#include "ue/commands.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/sip/grammar.h"
#include "ue/options.h"
#include "ue/phone_instance.h"
#include "ue/report.h"
#include "ue/traversal.h"

#define EXIT_NOT_REGISTERED 1
#define RETRY_MS            30000 /* after a failed refresh, while held (TS 24.229 5.1.1.4.1 leaves it open) */
#define DEFAULT_ACCESS      "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=00101000100000101"
#define DEFAULT_ACCESS_DIGEST                                                                                \
        "IEEE-802.11"     /* Digest is for other accesses than those of 3GPP (TS 33.203 N.1) */
#define OUTBOUND_REG_ID 1 /* one flow at a time (RFC 5626 4.2) */
#define CONTACT_MAX     512

struct session {
        struct options opt;
        struct loop *loop;
        struct sa_host *host; /* NULL: no IPsec */
        char *no_ipsec;       /* why */
        struct phone *phone;
        struct isim *isim;
        struct reg_conf conf;
        struct registration *reg;
        char contact[CONTACT_MAX], instance[PHONE_INSTANCE_MAX];
        char *binding_file; /* remembers the contact for a later "ue deregister"; NULL: no place for it */
        struct tmr refresh;
        struct traversal_step ways[TRAVERSAL_STEPS];
        size_t n_ways, way; /* that is tried */
        char *way_text;
        struct reg_tls_said said;
        struct tmr next_way;
        bool stopping, busy, finished, registered_once;
        int exit_code;
};

static void start(struct session *s, enum reg_kind kind);
static void on_next_way(struct tmr *t, void *arg);

/* Ends the command; also before its loop runs. */
static void finish(struct session *s)
{
        s->finished = true;
        loop_stop(s->loop);
}

static void make_contact(struct session *s)
{
        struct buf b = BUF_INIT;
        struct span impu = span_of(s->opt.impu);
        ptrdiff_t at = span_chr(impu, '@', 0);
        size_t from = span_istarts(impu, SPAN("sips:")) ? 5 : 4;
        struct span user = at > (ptrdiff_t)from ? span_sub(impu, from, (size_t)at) : SPAN_NULL;

        phone_contact(s->phone, user, &b);
        if (span_copy(buf_as_span(&b), s->contact, sizeof(s->contact)) < 0)
                s->contact[0] = '\0';
        buf_free(&b);
}

/* The contact an earlier run registered, or "*". */
static void recall_contact(struct session *s)
{
        int fd = s->binding_file ? open(s->binding_file, O_RDONLY | O_CLOEXEC) : -1;
        ssize_t n = fd < 0 ? 0 : read(fd, s->contact, sizeof(s->contact) - 1);

        if (fd >= 0)
                close(fd);
        s->contact[n > 0 ? n : 0] = '\0';
        if (!s->contact[0])
                (void)snprintf(s->contact, sizeof(s->contact), "*");
}

static void keep_contact(const struct session *s)
{
        const char *contact = reg_contact(s->reg);
        size_t n = strlen(contact);
        int fd;

        if (!s->binding_file)
                return;
        if (!reg_result(s->reg)->registered) {
                (void)unlink(s->binding_file);
                return;
        }
        fd = open(s->binding_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, contact, n) != (ssize_t)n)
                log_warn("%s cannot be written: a later deregister removes all contacts", s->binding_file);
        if (fd >= 0)
                close(fd);
}

/* Strings of the connection: until it ends. */
static void say_tls(struct session *s)
{
        struct phone_tls *tls = phone_tls_of(s->phone);
        struct phone_tls_state now;

        memset(&s->said, 0, sizeof(s->said));
        if (!tls)
                return;
        phone_tls_state(tls, &now);
        s->said.why = phone_tls_why(tls);
        if (!now.up)
                return;
        s->said.version = now.info.version;
        s->said.cipher = now.info.cipher;
        s->said.certificate = now.info.subject;
        s->said.resumed = now.info.resumed;
}

/* Where it ended. */
static const struct addr *server(const struct session *s)
{
        const struct phone_tls *tls = phone_tls_of(s->phone);

        return tls && reg_result(s->reg)->outcome == REG_OUT_tls_failed ? phone_tls_server(tls)
                                                                        : phone_pcscf(s->phone);
}

static void report(struct session *s)
{
        struct buf out = BUF_INIT;
        char pcscf[ADDR_STR];

        say_tls(s);
        if (s->opt.json)
                report_json(s->reg, &out);
        else
                report_text(s->reg, &out);
        if (!s->opt.json && !reg_outcome_ok(reg_result(s->reg)->outcome) && !reg_result(s->reg)->status)
                buf_printf(&out, "  %-18s %s\n", "P-CSCF", addr_str(server(s), pcscf));
        if (!out.err) {
                (void)fwrite(out.p, 1, out.n, stdout);
                (void)fflush(stdout);
        }
        buf_free(&out);
        report_verdict(s->reg, phone_trace(s->phone));
}

static void on_refresh(struct tmr *t, void *arg)
{
        struct session *s = arg;

        (void)t;
        start(s, reg_state(s->reg) == REG_ST_REGISTERED ? REG_KIND_REFRESH : REG_KIND_REGISTER);
}

static void schedule(struct session *s)
{
        const struct reg_result *res = reg_result(s->reg);
        uint64_t delay_ms = RETRY_MS;
        uint32_t wait_s;

        if (reg_outcome_ok(res->outcome))
                delay_ms = (uint64_t)reg_refresh_after_s(res->expires_s) * 1000;
        else if (reg_retry_after(res, &wait_s))
                delay_ms = (uint64_t)wait_s * 1000;
        if (tmr_start(s->loop, &s->refresh, delay_ms, on_refresh, s) < 0)
                finish(s);
}

/* Did nobody answer, and is there another way (TS 33.203 W.2.0)? */
static bool tries_next_way(const struct session *s)
{
        enum reg_outcome o = reg_result(s->reg)->outcome;

        return s->way + 1 < s->n_ways && !s->stopping && !s->registered_once &&
               (o == REG_OUT_no_answer || o == REG_OUT_unreachable || o == REG_OUT_tls_failed);
}

static void on_done(struct registration *r, void *arg)
{
        struct session *s = arg;
        bool ok = reg_outcome_ok(reg_result(r)->outcome);

        s->busy = false;
        s->registered_once = s->registered_once || ok;
        if (!ok && tries_next_way(s) && tmr_start(s->loop, &s->next_way, 0, on_next_way, s) == 0)
                return;
        report(s);
        keep_contact(s);
        if (!s->opt.hold || reg_kind(r) == REG_KIND_DEREGISTER || (s->exit_code != 0 && !ok)) {
                s->exit_code = ok ? 0 : EXIT_NOT_REGISTERED;
                finish(s);
                return;
        }
        s->exit_code = 0;
        if (s->stopping)
                start(s, REG_KIND_DEREGISTER);
        else
                schedule(s);
}

static void start(struct session *s, enum reg_kind kind)
{
        s->busy = true;
        if (phone_register(s->phone, s->reg, kind, s->opt.expires_s, on_done, s) == 0)
                return;
        s->busy = false;
        report(s);
        s->exit_code = EXIT_NOT_REGISTERED;
        finish(s);
}

/* The flow is gone, and the registration with it (TS 33.203 O.4.1, RFC 5626 4.4). */
static void on_lost(void *arg)
{
        struct session *s = arg;

        if (!s->opt.hold || s->busy || s->stopping)
                return;
        tmr_stop(s->loop, &s->refresh);
        log_notice("the flow to the P-CSCF was lost: registering again");
        start(s, REG_KIND_REGISTER);
}

static void on_terminate(void *arg)
{
        struct session *s = arg;

        if (s->stopping)
                return;
        s->stopping = true;
        tmr_stop(s->loop, &s->refresh);
        if (s->opt.hold && s->reg && reg_result(s->reg)->registered) {
                if (!s->busy)
                        start(s, REG_KIND_DEREGISTER);
                return;
        }
        finish(s);
}

/* Why there is no IPsec, for the report; a warning when it was asked for. */
static void note_no_ipsec(struct session *s, struct span why)
{
        s->no_ipsec = span_dup(span_trim(why));
        if (s->opt.ipsec.want != IPSEC_UNSAID && s->no_ipsec)
                log_warn("no IPsec: %s", s->no_ipsec);
}

/* The kernel, where IPsec is wanted; that it does none is an error only where IPsec is required. */
static int open_host(struct session *s, struct buf *err)
{
        struct buf why = BUF_INIT;
        int rc = 0;

        if (s->opt.ipsec.want == IPSEC_OFF || s->opt.scheme == REG_SCHEME_DIGEST) /* never both (N.1) */
                return 0;
        rc = sa_host_new(s->loop, s->opt.ipsec.keylog, &s->host, &why);
        if (rc < 0 && s->opt.ipsec.want == IPSEC_REQUIRED) {
                buf_puts(err, "IPsec is required: ");
                buf_span(err, span_trim(buf_as_span(&why)));
                buf_char(err, '\n');
        } else if (rc < 0) {
                note_no_ipsec(s, buf_as_span(&why));
                rc = 0;
        }
        buf_free(&why);
        return rc;
}

static void plan_ways(struct session *s)
{
        const struct tls_options *tls = &s->opt.tls;
        const struct traversal_conf conf = {
                .on = tls->traversal,
                .transport = s->opt.phone.transport == TRANSPORT_ANY ? TRANSPORT_UDP : s->opt.phone.transport,
                .tls = tls->conf.variant != TLS_VARIANT_NONE,
                .secure_only = tls->secure_only,
                .tls_port = tls->conf.port,
                .port = tls->traversal_port,
                .has_proxy = tls->http_proxy != NULL,
        };

        s->n_ways = traversal_plan(&conf, s->ways);
}

/* The phone's configuration for the way that is tried; without traversal it stays as it is. */
static void use_way(struct session *s)
{
        const struct traversal_step *w = &s->ways[s->way];
        struct buf text = BUF_INIT;

        if (!s->opt.tls.traversal)
                return;
        traversal_text(w, &text);
        free(s->way_text);
        s->way_text = buf_steal(&text);
        log_notice("trying %s", s->way_text ? s->way_text : "");
        if (w->clear != TRANSPORT_ANY)
                s->opt.phone.transport = w->clear;
        s->opt.tls.conf.variant = w->tls_port ? TLS_VARIANT_FIRST : TLS_VARIANT_NONE;
        s->opt.tls.conf.port = w->tls_port;
        s->opt.tls.conf.proxy = w->proxy ? s->opt.tls.http_proxy : NULL;
        s->opt.tls.conf.proxy_auth = &s->opt.tls.proxy_auth;
}

static int open_phone(struct session *s, struct buf *err)
{
        struct phone_ipsec_conf ipsec;
        int rc = open_host(s, err);

        if (rc < 0)
                return rc;
        ipsec = ipsec_conf(&s->opt.ipsec, s->host);
        s->opt.phone.ipsec = s->host ? &ipsec : NULL;
        use_way(s);
        s->opt.phone.tls = tls_options_conf(&s->opt.tls);
        s->opt.phone.keep = s->opt.scheme != REG_SCHEME_AKA;
        rc = phone_new(s->loop, &s->opt.phone, NULL, NULL, &s->phone, err);
        s->opt.phone.ipsec = NULL;
        if (rc == 0 && s->host && phone_no_ipsec(s->phone))
                note_no_ipsec(s, span_of(phone_no_ipsec(s->phone)));
        return rc;
}

/* The card with its state; without a key there is none. */
static int open_card(struct session *s, struct buf *err)
{
        const struct credential *key = s->opt.key_cred;
        char *sqn_file;
        int rc;

        if (s->opt.scheme == REG_SCHEME_DIGEST)
                return 0;
        if (s->opt.sqn_file || key->sqn_file[0])
                sqn_file = span_dup(span_of(s->opt.sqn_file ? s->opt.sqn_file : key->sqn_file));
        else
                sqn_file = options_state_file(key->impi, "sqn");
        if (!sqn_file)
                log_warn("no folder for the SQN (QUINTET_UE_STATE or HOME): it is forgotten at the end");
        rc = isim_new(key, sqn_file, &s->isim, err);
        free(sqn_file);
        if (rc == 0)
                isim_check_amf(s->isim, s->opt.amf_check);
        return rc;
}

/* The access a REGISTER names, where none is given. */
static const char *default_access(const struct session *s)
{
        return s->opt.scheme == REG_SCHEME_AKA ? DEFAULT_ACCESS : DEFAULT_ACCESS_DIGEST;
}

static int open_registration(struct session *s, bool deregister)
{
        s->conf = (struct reg_conf){
                .scheme = s->opt.scheme,
                .cred = s->opt.cred,
                .digest_cred = s->opt.digest_cred,
                .digest = s->opt.digest,
                .reg_id = s->opt.scheme == REG_SCHEME_AKA ? 0 : OUTBOUND_REG_ID,
                .isim = s->isim,
                .impu = s->opt.impu,
                .contact = s->contact,
                .instance = s->opt.instance ? s->opt.instance : s->instance,
                .access_network = s->opt.access_network ? s->opt.access_network : default_access(s),
                .security = phone_security(s->phone),
                .secure_only = s->opt.tls.secure_only,
                .tls = phone_tls_guard_of(s->phone),
                .trusts_realm = s->opt.tls.conf.trust_domain ? phone_tls_trusts_realm : NULL,
                .trusts_arg = phone_tls_of(s->phone),
                .security_note = s->no_ipsec,
                .way_note = s->way_text,
                .tls_said = phone_tls_of(s->phone) ? &s->said : NULL,
                .contact_fixed = deregister, /* what an earlier run registered */
        };
        phone_on_lost(s->phone, on_lost, s);
        return reg_new(&s->conf, &s->reg);
}

/* The next way, with a phone of its own; from the loop, for the old phone goes. */
static void on_next_way(struct tmr *t, void *arg)
{
        struct session *s = arg;
        struct buf err = BUF_INIT;
        int rc;

        (void)t;
        s->way++;
        reg_free(s->reg);
        s->reg = NULL;
        phone_free(s->phone);
        s->phone = NULL;
        rc = open_phone(s, &err);
        if (rc == 0) {
                make_contact(s);
                rc = open_registration(s, false);
        }
        if (rc == 0) {
                start(s, REG_KIND_REGISTER);
        } else {
                log_error(SPAN_FMT, SPAN_ARG(span_trim(buf_as_span(&err))));
                s->exit_code = EXIT_NOT_REGISTERED;
                finish(s);
        }
        buf_free(&err);
}

static int open_session(struct session *s, bool deregister, struct buf *err)
{
        int rc = loop_new(&s->loop);

        plan_ways(s);

        if (rc == 0)
                rc = open_phone(s, err);
        if (rc == 0)
                rc = open_card(s, err);
        if (rc < 0)
                return rc;
        s->binding_file = options_state_file(s->opt.cred->impi, "contact");
        phone_instance(s->opt.cred->impi, s->instance);
        if (deregister)
                recall_contact(s);
        else
                make_contact(s);
        rc = open_registration(s, deregister);
        if (rc == 0)
                rc = loop_on_terminate(s->loop, on_terminate, s);
        return rc;
}

static void close_session(struct session *s)
{
        if (s->loop)
                tmr_stop(s->loop, &s->refresh);
        if (s->loop)
                tmr_stop(s->loop, &s->next_way);
        free(s->way_text);
        reg_free(s->reg);
        phone_free(s->phone);
        sa_host_free(s->host);
        free(s->no_ipsec);
        isim_free(s->isim);
        loop_free(s->loop);
        free(s->binding_file);
        options_wipe(&s->opt);
}

static int run(int argc, char **argv, enum reg_kind kind)
{
        struct session *s = calloc(1, sizeof(*s));
        struct buf err = BUF_INIT;
        int rc, code = EXIT_USAGE;

        if (!s)
                return EXIT_USAGE;
        rc = options_read(argc, argv, &s->opt, &err);
        if (rc == 0) {
                log_init("ue", s->opt.level);
                rc = open_session(s, kind == REG_KIND_DEREGISTER, &err);
        }
        if (rc == 0) {
                s->exit_code = EXIT_NOT_REGISTERED;
                start(s, kind);
                if (!s->finished)
                        loop_run(s->loop);
                code = s->exit_code;
        } else if (rc == 1) {
                code = 0;
        } else {
                options_complain(&err, rc);
        }
        buf_free(&err);
        close_session(s);
        free(s);
        return code;
}

int command_register(int argc, char **argv)
{
        return run(argc, argv, REG_KIND_REGISTER);
}

int command_deregister(int argc, char **argv)
{
        return run(argc, argv, REG_KIND_DEREGISTER);
}
