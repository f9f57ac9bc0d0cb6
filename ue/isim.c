/* SPDX-License-Identifier: BSD-3-Clause
 * The card and its SQN file (TS 33.102 6.3.3, Annex C.2; TS 33.203 8.1). */
#include "ue/isim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ISIM_FILE_MAX      65536
#define ISIM_MAGIC         "quintet-sqn 1"
#define AMF_SEPARATION_BIT 0x8000

struct isim {
        const struct credential *cred;
        struct aka_ctx *ctx;
        struct sqn_card card;
        bool check_amf;
        char *file; /* NULL: memory only */
};

/* "seq IND SEQ" */
static int load_seq(struct sqn_card *card, struct span rest)
{
        struct span ind_text;
        uint32_t ind;
        uint64_t seq;

        if (!span_split(&rest, ' ', &ind_text) || span_u32(ind_text, (1u << card->ind_bits) - 1, &ind) < 0 ||
            span_u64(rest, AKA_SQN_MAX >> card->ind_bits, &seq) < 0)
                return -IMS_EPARSE;
        card->seq[ind] = seq;
        return 0;
}

static int load_text(struct sqn_card *card, struct span text)
{
        struct span line;
        uint32_t bits;

        if (!span_split(&text, '\n', &line) || !span_eq(line, SPAN(ISIM_MAGIC)))
                return -IMS_EPARSE;
        while (span_split(&text, '\n', &line)) {
                if (span_starts(line, SPAN("ind_bits "))) {
                        if (span_u32(span_sub(line, 9, line.n), SQN_IND_BITS_MAX, &bits) < 0 || bits == 0)
                                return -IMS_EPARSE;
                        card->ind_bits = bits;
                } else if (span_starts(line, SPAN("seq "))) {
                        if (load_seq(card, span_sub(line, 4, line.n)) < 0)
                                return -IMS_EPARSE;
                } else if (line.n) {
                        return -IMS_EPARSE;
                }
        }
        return 0;
}

/* Reads the state again, because another run of the same SIM may have moved it. No file: nothing accepted
 * yet. */
static int load(struct isim *s)
{
        char text[ISIM_FILE_MAX];
        struct sqn_card card = {.ind_bits = s->card.ind_bits, .delta = s->card.delta};
        ssize_t n;
        int fd;

        if (!s->file)
                return 0;
        fd = open(s->file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -IMS_EIO;
        n = read(fd, text, sizeof(text));
        close(fd);
        if (n < 0 || (size_t)n == sizeof(text))
                return -IMS_EIO;
        if (load_text(&card, span_make(text, (size_t)n)) < 0)
                return -IMS_EPARSE;
        s->card = card;
        return 0;
}

static int write_all(int fd, struct span text)
{
        while (text.n) {
                ssize_t n = write(fd, text.p, text.n);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return -IMS_EIO;
                text = span_sub(text, (size_t)n, text.n);
        }
        return 0;
}

/* Replaces the file in one step: a new file is written, synced and renamed over the old one. */
static int save(const struct isim *s)
{
        struct buf text = BUF_INIT, tmp = BUF_INIT;
        char *tmp_name = NULL;
        int fd = -1, rc = -IMS_EIO;

        if (!s->file)
                return 0;
        buf_printf(&text, ISIM_MAGIC "\nind_bits %u\n", s->card.ind_bits);
        for (size_t i = 0; i < (size_t)1 << s->card.ind_bits; i++)
                if (s->card.seq[i])
                        buf_printf(&text, "seq %zu %" PRIu64 "\n", i, s->card.seq[i]);
        buf_printf(&tmp, "%s.%ld.tmp", s->file, (long)getpid());
        tmp_name = buf_steal(&tmp);
        if (text.err || !tmp_name) {
                rc = -IMS_ENOMEM;
                goto out;
        }
        fd = open(tmp_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write_all(fd, buf_as_span(&text)) < 0 || fsync(fd) < 0)
                goto out;
        rc = rename(tmp_name, s->file) == 0 ? 0 : -IMS_EIO;
out:
        if (fd >= 0)
                close(fd);
        if (rc < 0 && tmp_name && fd >= 0)
                unlink(tmp_name);
        free(tmp_name);
        buf_free(&tmp);
        buf_free(&text);
        return rc;
}

/* Makes the folders above the file, private to their owner. */
static void make_folders(const char *file)
{
        char *path = span_dup(span_of(file));

        for (char *p = path ? path + 1 : NULL; p && (p = strchr(p, '/')); p++) {
                *p = '\0';
                (void)mkdir(path, 0700); /* what is missing shows when the file is opened */
                *p = '/';
        }
        free(path);
}

int isim_new(const struct credential *c, const char *file, struct isim **out, struct buf *err)
{
        struct isim *s = calloc(1, sizeof(*s));
        int rc = -IMS_ENOMEM;

        if (!s)
                return rc;
        s->cred = c;
        s->card.ind_bits = c->sqn_ind_bits ? c->sqn_ind_bits : SQN_IND_BITS_DEFAULT;
        s->card.delta = c->sqn_delta;
        if (file) {
                s->file = span_dup(span_of(file));
                if (!s->file)
                        goto out;
                make_folders(file);
        }
        rc = aka_ctx_new(&s->ctx);
        if (rc == 0)
                rc = load(s);
        if (rc == 0 && file && access(file, F_OK) != 0)
                rc = save(s); /* says now, not at the first challenge, that the place cannot be written */
        if (rc == 0) {
                *out = s;
                return 0;
        }
        buf_printf(err, "SQN file %s: %s\n", file ? file : "(none)",
                   rc == -IMS_EPARSE ? "not a file this program wrote"
                   : rc == -IMS_EIO  ? strerror(errno)
                                     : ims_strerror(rc));
out:
        isim_free(s);
        return rc;
}

void isim_free(struct isim *s)
{
        if (!s)
                return;
        aka_ctx_free(s->ctx);
        free(s->file);
        secret_free(s, sizeof(*s));
}

void isim_check_amf(struct isim *s, bool on)
{
        s->check_amf = on;
}

/* SQN after a good MAC. */
static int check_sqn(struct isim *s, const uint8_t *rand, struct isim_answer *out)
{
        struct sqn_card before = s->card;
        int rc;

        switch (sqn_card_accept(&s->card, out->sqn)) {
        case SQN_OK:
                out->result = ISIM_OK;
                rc = save(s);
                if (rc < 0)
                        s->card = before;
                return rc;
        case SQN_REPEATED:
                out->result = ISIM_SQN_REPEATED;
                break;
        case SQN_TOO_FAR:
                out->result = ISIM_SQN_TOO_FAR;
                break;
        }
        return aka_make_auts(s->ctx, &s->cred->key, rand, out->sqn_ms, out->auts);
}

/* The usual mistake: OP was given as OPc, or OPc as OP. Would the MAC fit then? */
static bool fits_swapped(struct isim *s, const uint8_t *rand, const uint8_t *autn)
{
        struct aka_key key = s->cred->key;
        struct aka_av av = {0};
        uint64_t sqn;
        uint16_t amf;
        int rc = 0;

        if (s->cred->op_n)
                memcpy(key.opc, s->cred->op, sizeof(key.opc));
        else
                rc = aka_derive_opc(s->ctx, &key, s->cred->key.opc);
        if (rc == 0)
                rc = aka_check_autn(s->ctx, &key, rand, autn, &sqn, &amf, &av);
        secret_wipe(&key, sizeof(key));
        secret_wipe(&av, sizeof(av));
        return rc == 0;
}

int isim_authenticate(struct isim *s, const uint8_t rand[static 16], const uint8_t autn[static 16],
                      struct isim_answer *out)
{
        struct isim_answer a = {.result = ISIM_MAC_WRONG};
        struct aka_av av = {0};
        int rc = load(s);

        if (rc < 0)
                return -IMS_EIO;
        a.sqn_ms = sqn_card_highest(&s->card);
        rc = aka_check_autn(s->ctx, &s->cred->key, rand, autn, &a.sqn, &a.amf, &av);
        if (rc == -IMS_EAUTH) {
                a.swapped = fits_swapped(s, rand, autn);
                rc = aka_generate(s->ctx, &s->cred->key, rand, 0, 0, &av);
                memcpy(a.own_res, av.xres, sizeof(a.own_res));
                a.own_res_n = av.xres_n;
                goto out;
        }
        if (rc < 0)
                goto out;
        if (s->check_amf && (a.amf & AMF_SEPARATION_BIT)) {
                a.result = ISIM_AMF_WRONG;
                goto out;
        }
        rc = check_sqn(s, rand, &a);
        if (rc == 0 && a.result == ISIM_OK) {
                memcpy(a.res, av.xres, sizeof(a.res));
                a.res_n = av.xres_n;
                a.ck = av.ck;
                a.ik = av.ik;
        }
out:
        if (rc == 0)
                *out = a;
        secret_wipe(&av, sizeof(av));
        secret_wipe(&a, sizeof(a));
        return rc;
}

uint64_t isim_sqn(const struct isim *s)
{
        return sqn_card_highest(&s->card);
}

int isim_set_sqn(struct isim *s, uint64_t sqn)
{
        uint64_t mask = (UINT64_C(1) << s->card.ind_bits) - 1, seq = sqn >> s->card.ind_bits;

        if (sqn > AKA_SQN_MAX)
                return -IMS_EINVAL;
        for (size_t i = 0; i <= mask; i++)
                s->card.seq[i] = seq ? seq - 1 : 0;
        s->card.seq[sqn & mask] = seq;
        return save(s);
}
