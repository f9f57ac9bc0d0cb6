/* SPDX-License-Identifier: BSD-3-Clause
 * What a failed authentication leaves for `hss diagnose`: a command line in the verdict. The response of
 * the UE is in it: it was wrong, is used once, and tells nothing of K or OPc that could be searched
 * (docs/decisions.md 9). It goes to the operator's log alone, never to the UE. */
#include "common/sip/auth_param.h"
#include "common/trace/command.h"
#include "scscf/registrar_int.h"

/* The challenge as two options. */
static void add_challenge(struct reg_job *job)
{
        const struct challenge *c = job->user->challenge;

        command_hex(&job->command, "rand", c->av.rand, sizeof(c->av.rand));
        command_hex(&job->command, "autn", c->av.autn, sizeof(c->av.autn));
}

void reg_diagnose_response(struct reg_job *job)
{
        const struct sip_digest_credentials *a = &job->in.auth;
        const struct {
                const char *name;
                struct span value;
                bool quoted;
        } params[] = {
                {"username", a->username, true},
                {"realm", a->realm, true},
                {"nonce", a->nonce, true},
                {"uri", a->uri, true},
                {"qop", a->qop, false},
                {"nc", a->nc, false},
                {"algorithm", a->algorithm, false},
                {"cnonce", a->cnonce, true},
                {"response", a->response, true},
        };
        struct buf value = {.max = COMMAND_MAX};

        command_diagnose(&job->command, job->in.impi);
        buf_puts(&value, "Digest ");
        for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
                if (params[i].value.n)
                        sip_auth_add(&value, params[i].name, params[i].value, params[i].quoted);
        if (value.err)
                job->command.err = value.err;
        command_option(&job->command, "authorization", buf_as_span(&value));
        if (!span_eq(job->in.msg->method_name, SPAN("REGISTER")))
                command_option(&job->command, "method", job->in.msg->method_name);
        buf_free(&value);
}

void reg_diagnose_auts(struct reg_job *job, const uint8_t auts[static AKA_AUTS_N])
{
        command_diagnose(&job->command, job->in.impi);
        add_challenge(job);
        command_hex(&job->command, "auts", auts, AKA_AUTS_N);
}

void reg_diagnose_autn(struct reg_job *job)
{
        command_diagnose(&job->command, job->in.impi);
        add_challenge(job);
}
