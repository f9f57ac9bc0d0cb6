/* SPDX-License-Identifier: BSD-3-Clause
 * "ue register" and "ue deregister". */
#include "ue/commands.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/auth/digest.h"
#include "common/base/log.h"
#include "common/sip/grammar.h"
#include "ue/options.h"
#include "ue/report.h"

#define EXIT_NOT_REGISTERED 1
#define EXIT_USAGE          2
#define RETRY_MS            30000 /* after a failed refresh, while held (TS 24.229 5.1.1.4.1 leaves it open) */
#define DEFAULT_ACCESS      "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=00101000100000101"
#define CONTACT_MAX         512

struct session {
        struct options opt;
        struct loop *loop;
        struct sa_host *host; /* NULL: no IPsec */
        char *no_ipsec;       /* why */
        struct phone *phone;
        struct isim *isim;
        struct reg_conf conf;
        struct registration *reg;
        char contact[CONTACT_MAX], instance[64];
        char *binding_file; /* remembers the contact for a later "ue deregister"; NULL: no place for it */
        struct tmr refresh;
        bool stopping, busy, finished;
        int exit_code;
};

static void start(struct session *s, enum reg_kind kind);

/* Ends the command; also before its loop runs. */
static void finish(struct session *s)
{
        s->finished = true;
        loop_stop(s->loop);
}

/* The same device is the same instance at every run: made from the IMPI (RFC 5626 4.1). */
static void make_instance(struct session *s)
{
        char h[DIGEST_HEX_MAX] = "";

        if (digest_ha1(DIGEST_MD5, span_of(s->opt.cred->impi), SPAN("quintet instance"), SPAN_NULL, h) < 0)
                return;
        (void)snprintf(s->instance, sizeof(s->instance), "urn:uuid:%.8s-%.4s-4%.3s-8%.3s-%.12s", h, h + 8,
                       h + 13, h + 17, h + 20);
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

static void report(struct session *s)
{
        struct buf out = BUF_INIT;
        char pcscf[ADDR_STR];

        if (s->opt.json)
                report_json(s->reg, &out);
        else
                report_text(s->reg, &out);
        if (!s->opt.json && !reg_outcome_ok(reg_result(s->reg)->outcome) && !reg_result(s->reg)->status)
                buf_printf(&out, "  %-18s %s\n", "P-CSCF", addr_str(phone_pcscf(s->phone), pcscf));
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

static void on_done(struct registration *r, void *arg)
{
        struct session *s = arg;
        bool ok = reg_outcome_ok(reg_result(r)->outcome);

        s->busy = false;
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

        if (s->opt.ipsec.want == IPSEC_OFF)
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

static int open_phone(struct session *s, struct buf *err)
{
        struct phone_ipsec_conf ipsec;
        int rc = open_host(s, err);

        if (rc < 0)
                return rc;
        ipsec = ipsec_conf(&s->opt.ipsec, s->host);
        s->opt.phone.ipsec = s->host ? &ipsec : NULL;
        rc = phone_new(s->loop, &s->opt.phone, NULL, NULL, &s->phone, err);
        s->opt.phone.ipsec = NULL;
        if (rc == 0 && s->host && phone_no_ipsec(s->phone))
                note_no_ipsec(s, span_of(phone_no_ipsec(s->phone)));
        return rc;
}

static int open_session(struct session *s, bool deregister, struct buf *err)
{
        char *sqn_file;
        int rc = loop_new(&s->loop);

        if (rc == 0)
                rc = open_phone(s, err);
        if (rc < 0)
                return rc;
        if (s->opt.sqn_file || s->opt.cred->sqn_file[0])
                sqn_file = span_dup(span_of(s->opt.sqn_file ? s->opt.sqn_file : s->opt.cred->sqn_file));
        else
                sqn_file = options_state_file(s->opt.cred->impi, "sqn");
        if (!sqn_file)
                log_warn("no folder for the SQN (QUINTET_UE_STATE or HOME): it is forgotten at the end");
        rc = isim_new(s->opt.cred, sqn_file, &s->isim, err);
        free(sqn_file);
        if (rc < 0)
                return rc;
        isim_check_amf(s->isim, s->opt.amf_check);
        s->binding_file = options_state_file(s->opt.cred->impi, "contact");
        make_instance(s);
        if (deregister)
                recall_contact(s);
        else
                make_contact(s);
        s->conf = (struct reg_conf){
                .cred = s->opt.cred,
                .isim = s->isim,
                .impu = s->opt.impu,
                .contact = s->contact,
                .instance = s->opt.instance ? s->opt.instance : s->instance,
                .access_network = s->opt.access_network ? s->opt.access_network : DEFAULT_ACCESS,
                .security = phone_security(s->phone),
                .security_note = s->no_ipsec,
                .contact_fixed = deregister, /* what an earlier run registered */
        };
        rc = reg_new(&s->conf, &s->reg);
        if (rc == 0)
                rc = loop_on_terminate(s->loop, on_terminate, s);
        return rc;
}

static void close_session(struct session *s)
{
        if (s->loop)
                tmr_stop(s->loop, &s->refresh);
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
                (void)fprintf(stderr, "ue: " SPAN_FMT, SPAN_ARG(buf_as_span(&err)));
                if (err.n == 0)
                        (void)fprintf(stderr, "%s\n", ims_strerror(rc));
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
