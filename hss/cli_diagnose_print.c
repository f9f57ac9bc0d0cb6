/* SPDX-License-Identifier: BSD-3-Clause
 * What `hss diagnose` says: one sentence, what it rests on, what mends it. Never a value of a key. */
#include <inttypes.h>
#include <stdio.h>

#include "common/trace/command.h"
#include "hss/cli_diagnose.h"

/* 4096 as "4,096" */
static void put_number(struct buf *b, uint64_t v)
{
        char digits[24];
        int n = snprintf(digits, sizeof digits, "%" PRIu64, v);
        for (int i = 0; i < n; i++) {
                if (i > 0 && (n - i) % 3 == 0)
                        buf_char(b, ',');
                buf_char(b, digits[i]);
        }
}

static const char *result_name(enum diagnose_result r)
{
        static const char *const names[] = {
                [DIAGNOSE_IS_RIGHT] = "nothing_wrong",  [DIAGNOSE_IS_MISTAKE] = "mistake",
                [DIAGNOSE_IS_SUSPECT] = "suspicion",    [DIAGNOSE_IS_OURS] = "made_by_record",
                [DIAGNOSE_IS_UNKNOWN] = "nothing_fits",
        };
        return names[r];
}

static enum diagnose_row row_of(const struct diagnose_finding *f)
{
        return f->result == DIAGNOSE_IS_SUSPECT ? DIAGNOSE_op_as_opc : f->d.row;
}

/* "SEQ 4,196 IND 29 of the SIM, SEQ 100 IND 28 of the HSS: 4,096 apart" */
static void put_sqn(const struct diagnose_finding *f, struct buf *b)
{
        const struct diagnose_sqn *s = &f->sqn;
        buf_puts(b, "the SIM has SEQ ");
        put_number(b, s->seq_ms);
        buf_printf(b, " (IND %u), the %s ", s->ind_ms, f->ours == 1 ? "challenge had" : "HSS");
        put_number(b, s->seq);
        buf_printf(b, " (IND %u): ", s->ind);
        if (s->seq_ms == s->seq) {
                buf_puts(b, "the same SEQ");
        } else {
                buf_puts(b, s->seq_ms > s->seq ? "the SIM is " : "the SIM is behind by ");
                put_number(b, s->distance);
                buf_puts(b, s->seq_ms > s->seq ? " ahead" : "");
        }
        if (s->row == DIAGNOSE_ind_length)
                buf_printf(b, "; with an IND of %u bits instead of %u both would be the same", s->other_bits,
                           f->ind_bits);
        else if (s->row != DIAGNOSE_nothing_wrong && s->settled)
                buf_puts(b, "; the HSS has followed since");
}

static void put_sentence(const struct diagnose_finding *f, struct buf *b)
{
        switch (f->result) {
        case DIAGNOSE_IS_SUSPECT:
                buf_puts(b, "probably ");
                buf_puts(b, diagnose_text(DIAGNOSE_op_as_opc));
                if (f->same_opc)
                        buf_printf(b, ": %zu other subscriber%s the same OPc with another K", f->same_opc,
                                   f->same_opc == 1 ? " has" : "s have");
                else
                        buf_puts(b, ": it is a well-known OP");
                return;
        case DIAGNOSE_IS_OURS:
                buf_puts(b, "the record as it stands made this AUTN, so a SIM that refuses it has another K "
                            "or OPc");
                return;
        case DIAGNOSE_IS_UNKNOWN:
                buf_puts(b, "nothing of what was tried fits");
                return;
        default:
                buf_puts(b, diagnose_text(f->d.row));
        }
        if (*f->d.detail)
                buf_printf(b, " (%s)", f->d.detail);
        if (f->d.row == DIAGNOSE_sim_ahead || f->d.row == DIAGNOSE_sim_behind) {
                buf_puts(b, ": by ");
                put_number(b, f->sqn.distance);
        }
        if (*f->other_impi)
                buf_printf(b, ": %s%s%s", f->other_impi, *f->other_imsi ? ", IMSI " : "", f->other_imsi);
}

static void advise_store(const struct diagnose_finding *f, struct buf *text)
{
        switch (f->d.row) {
        case DIAGNOSE_isim_usim:
                buf_puts(text, "let the phone use the other application, or register with the other IMPI");
                break;
        case DIAGNOSE_other_sim:
                buf_puts(text, "put the SIM where it belongs; if the records are mixed up, store both again");
                break;
        default:
                buf_puts(text,
                         "compare both records with the list of the SIMs and store the wrong one again");
        }
}

static void advise_sqn(const struct diagnose_finding *f, struct diagnose_advice *out)
{
        if (f->d.row == DIAGNOSE_ind_length) {
                buf_puts(&out->text, "let auc.ind_bits be what the SIM was made with");
                return;
        }
        if (f->d.row == DIAGNOSE_sim_ahead)
                buf_puts(&out->text, "the next AUTS of the SIM does it by itself");
        else
                buf_puts(&out->text, "bring the HSS to the SQN of the SIM");
        command_word(&out->command, SPAN("hss"));
        command_word(&out->command, SPAN("subscriber"));
        command_word(&out->command, SPAN("set"));
        command_word(&out->command, span_of(f->order->id));
        buf_printf(&out->command, " --sqn %" PRIu64, f->d.sqn_ms);
}

static void advise_unknown(const struct diagnose_finding *f, struct buf *text)
{
        if (f->ours == 0 && f->order->e.has_auts)
                buf_puts(text,
                         "the challenge was not made with this record either: was AUTS the answer to it? ");
        buf_puts(
                text,
                "K and OPc have 128 bits and cannot be searched: compare both with the data of the SIM's "
                "maker "
                "and store them again (an OPc given with --op before the store kept OP, a value with several "
                "slips, another OP and a SIM of another network all look like this)");
}

void diagnose_advise(const struct diagnose_finding *f, struct diagnose_advice *out)
{
        if (f->repaired) {
                buf_puts(&out->text, "mended in the store: register again");
        } else if (f->result == DIAGNOSE_IS_UNKNOWN) {
                advise_unknown(f, &out->text);
        } else if (f->result == DIAGNOSE_IS_OURS) {
                buf_puts(&out->text,
                         "let the SIM compute RES for this RAND (the verdict of `ue` has it) and give "
                         "it with --res");
        } else if (f->result == DIAGNOSE_IS_SUSPECT) {
                buf_printf(&out->text, "%s; RES of the SIM for this RAND, given with --res, makes it certain",
                           diagnose_mend(DIAGNOSE_op_as_opc));
        } else if (f->result == DIAGNOSE_IS_MISTAKE) {
                switch (diagnose_blame(f->d.row)) {
                case DIAGNOSE_RECORD:
                        buf_puts(&out->text, diagnose_mend(f->d.row));
                        buf_puts(&out->text, out->text.n ? "" : "let the store have what fits");
                        buf_span(&out->command, buf_as_span(&f->order->again));
                        buf_puts(&out->command, " --repair");
                        out->command.err = out->command.err ? out->command.err : f->order->again.err;
                        break;
                case DIAGNOSE_STORE:
                        advise_store(f, &out->text);
                        command_word(&out->command, SPAN("hss"));
                        command_word(&out->command, SPAN("subscriber"));
                        command_word(&out->command, SPAN("show"));
                        command_word(&out->command, span_of(f->other_impi));
                        break;
                case DIAGNOSE_SQN:
                        advise_sqn(f, out);
                        break;
                default:
                        buf_puts(&out->text, *diagnose_mend(f->d.row)
                                                     ? diagnose_mend(f->d.row)
                                                     : "the record is right: mend the phone");
                }
        }
}

static void put_evidence(const struct diagnose_evidence *e, const char *between, struct buf *b)
{
        const struct {
                bool is;
                const char *name;
        } rows[] = {{e->res_n, "RES"},
                    {e->response.n, "response"},
                    {e->has_auts, "AUTS"},
                    {!e->res_n && !e->response.n && !e->has_auts, "AUTN"}};
        for (size_t i = 0, n = 0; i < sizeof rows / sizeof *rows; i++)
                if (rows[i].is)
                        buf_printf(b, "%s%s", n++ ? between : "", rows[i].name);
}

/* More candidates than this share of what the evidence can tell apart make chance a rival. */
#define CHANCE_BITS 20

bool diagnose_by_chance(const struct diagnose_finding *f)
{
        unsigned bits = diagnose_bits(&f->order->e);
        return bits < 64 && (f->d.tried << CHANCE_BITS) >> bits;
}

static void put_notes(const struct diagnose_finding *f, struct buf *b)
{
        if (f->d.has_sqn_ms) {
                buf_puts(b, "  SQN       ");
                put_sqn(f, b);
                buf_char(b, '\n');
        }
        if (f->ours == 0)
                buf_puts(b, "  note      the record as it stands did not make that challenge: it was changed "
                            "since, "
                            "or another HSS made it\n");
        if (diagnose_by_chance(f))
                buf_puts(
                        b,
                        "  note      the evidence is short for so many candidates: it may be chance, look at "
                        "a second challenge\n");
}

void diagnose_print(const struct diagnose_finding *f)
{
        struct buf b = BUF_INIT;
        struct diagnose_advice a = {.command = BUF_INIT};
        diagnose_advise(f, &a);
        buf_printf(&b, SPAN_FMT ": ", SPAN_ARG(f->impi));
        put_sentence(f, &b);
        if (f->result != DIAGNOSE_IS_UNKNOWN && f->result != DIAGNOSE_IS_OURS)
                buf_printf(&b, " [%s]", diagnose_name(row_of(f)));
        buf_puts(&b, "\n  evidence  ");
        put_evidence(&f->order->e, ", ", &b);
        buf_printf(&b, " (%u bits)\n  tried     ", diagnose_bits(&f->order->e));
        put_number(&b, f->d.tried);
        buf_printf(&b, " candidate%s", f->d.tried == 1 ? "" : "s");
        if (f->others) {
                buf_puts(&b, ", among them the keys of ");
                put_number(&b, f->others);
                buf_puts(&b, f->others == 1 ? " other IMPI" : " other IMPIs");
        }
        buf_char(&b, '\n');
        put_notes(f, &b);
        if (a.text.n)
                buf_printf(&b, "  %s" SPAN_FMT "\n", f->repaired ? "done      " : "mend      ",
                           SPAN_ARG(buf_as_span(&a.text)));
        if (command_text(&a.command))
                buf_printf(&b, "  run       %s\n", a.command.p);
        (void)fwrite(b.p ? b.p : "", 1, b.n, stdout);
        buf_free(&b);
        buf_free(&a.text);
        buf_free(&a.command);
}

static void member(struct buf *b, const char *name, struct span text)
{
        if (text.n == 0)
                return;
        buf_puts(b, b->n && b->p[b->n - 1] != '{' ? "," : "");
        buf_json_member(b, name, text);
}

static void json_cause(const struct diagnose_finding *f, struct buf *b)
{
        static const char *const blames[] = {[DIAGNOSE_NOBODY] = "nobody",
                                             [DIAGNOSE_RECORD] = "record",
                                             [DIAGNOSE_STORE] = "store",
                                             [DIAGNOSE_PHONE] = "phone",
                                             [DIAGNOSE_SQN] = "sqn"};
        buf_char(b, '{');
        member(b, "name", span_of(diagnose_name(row_of(f))));
        member(b, "blame", span_of(blames[diagnose_blame(row_of(f))]));
        member(b, "text", span_of(diagnose_text(row_of(f))));
        member(b, "detail", span_of(f->d.detail));
        member(b, "other_impi", span_of(f->other_impi));
        member(b, "other_imsi", span_of(f->other_imsi));
        buf_char(b, '}');
}

static void json_sqn(const struct diagnose_finding *f, struct buf *b)
{
        const struct diagnose_sqn *s = &f->sqn;
        buf_printf(b,
                   ",\"sqn\":{\"cause\":\"%s\",\"settled\":%s,\"sqn_ms\":%" PRIu64
                   ",\"sim\":{\"seq\":%" PRIu64 ",\"ind\":%u},\"%s\":{\"seq\":%" PRIu64
                   ",\"ind\":%u},\"distance\":%" PRIu64 "}",
                   diagnose_name(s->row), s->settled ? "true" : "false", f->d.sqn_ms, s->seq_ms, s->ind_ms,
                   f->ours == 1 ? "challenge" : "hss", s->seq, s->ind, s->distance);
}

void diagnose_print_json(const struct diagnose_finding *f)
{
        struct buf b = BUF_INIT, evidence = BUF_INIT, sentence = BUF_INIT;
        struct diagnose_advice a = {.command = BUF_INIT};
        diagnose_advise(f, &a);
        put_evidence(&f->order->e, "\",\"", &evidence);
        put_sentence(f, &sentence);
        buf_char(&b, '{');
        member(&b, "impi", f->impi);
        member(&b, "result", span_of(result_name(f->result)));
        member(&b, "sentence", buf_as_span(&sentence));
        buf_puts(&b, ",\"causes\":[");
        if (f->result == DIAGNOSE_IS_MISTAKE || f->result == DIAGNOSE_IS_SUSPECT)
                json_cause(f, &b);
        buf_printf(&b, "],\"evidence\":[\"" SPAN_FMT "\"],\"bits\":%u,\"tried\":%zu,\"others\":%zu",
                   SPAN_ARG(buf_as_span(&evidence)), diagnose_bits(&f->order->e), f->d.tried, f->others);
        buf_printf(&b, ",\"challenge_by_record\":%s,\"by_chance\":%s,\"repaired\":%s",
                   f->ours < 0 ? "null"
                   : f->ours   ? "true"
                               : "false",
                   diagnose_by_chance(f) ? "true" : "false", f->repaired ? "true" : "false");
        if (f->d.has_sqn_ms)
                json_sqn(f, &b);
        member(&b, "mend", buf_as_span(&a.text));
        if (command_text(&a.command))
                member(&b, "command", span_of(a.command.p));
        buf_puts(&b, "}\n");
        (void)fwrite(b.p ? b.p : "", 1, b.n, stdout);
        buf_free(&b);
        buf_free(&evidence);
        buf_free(&sentence);
        buf_free(&a.text);
        buf_free(&a.command);
}
