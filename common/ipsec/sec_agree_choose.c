/* SPDX-License-Identifier: BSD-3-Clause
 * The choice among mechanisms. TS 33.203 7.2 and M.7.2, RFC 3329 2.2. */
#include "common/ipsec/sec_agree.h"

/* Of releases before the algorithms of Annex H: after all others. */
static bool suite_old(struct sec_suite s)
{
        return s.alg == SEC_ALG_HMAC_MD5_96 || s.ealg == SEC_EALG_DES_EDE3_CBC;
}

static bool policy_takes(const struct sec_policy *p, struct sec_suite s)
{
        if (!sec_suite_allowed(s))
                return false;
        switch (p->confidentiality) {
        case SEC_CONF_NEVER:
                return !sec_suite_encrypts(s);
        case SEC_CONF_REQUIRED:
                return sec_suite_encrypts(s);
        default:
                return true;
        }
}

size_t sec_policy_offer(const struct sec_policy *p, struct sec_suite out[static SEC_SUITES_MAX])
{
        const size_t of = p->n < SEC_SUITES_MAX ? p->n : SEC_SUITES_MAX;
        size_t n = 0;

        for (int old = 0; old <= 1; old++)
                for (size_t i = 0; i < of; i++)
                        if (suite_old(p->suites[i]) == (old == 1) && policy_takes(p, p->suites[i]))
                                out[n++] = p->suites[i];
        return n;
}

static const struct sec_entry *find_offer(const struct sec_list *l, struct sec_suite s, enum sec_mode mode)
{
        for (size_t i = 0; i < l->n; i++)
                if (sec_entry_usable(&l->e[i], NULL) && l->e[i].mode == mode &&
                    sec_suite_eq(l->e[i].suite, s))
                        return &l->e[i];
        return NULL;
}

/* Why nothing of a list could be taken: the first step that nothing passed. modes: bits. encrypted: only
 * encryption would have done. */
static const char *why_none(const struct sec_list *l, unsigned modes, bool encrypted)
{
        const char *why = "no ipsec-3gpp mechanism";
        bool some = false, moded = false, encrypts = false;

        for (size_t i = 0; i < l->n; i++) {
                const struct sec_entry *e = &l->e[i];
                const char *fault = NULL;

                if (!sec_entry_usable(e, &fault)) {
                        if (e->mechanism == SEC_IPSEC_3GPP && !some)
                                why = fault;
                        continue;
                }
                some = true;
                moded |= modes >> e->mode & 1;
                encrypts |= (modes >> e->mode & 1) && sec_suite_encrypts(e->suite);
        }
        if (!some)
                return why;
        if (!moded)
                return modes & 1u << SEC_MODE_TRANS ? "no mechanism with mod trans"
                                                    : "no mechanism with mod UDP-enc-tun";
        if (encrypted && !encrypts)
                return "no mechanism with encryption, which is required";
        return "no alg and ealg in common";
}

const struct sec_entry *sec_choose_pcscf(const struct sec_policy *p, const struct sec_list *client,
                                         enum sec_mode mode, struct sec_suite *out, const char **why)
{
        struct sec_suite offer[SEC_SUITES_MAX];
        const size_t n = sec_policy_offer(p, offer);

        for (size_t i = 0; i < n; i++) {
                const struct sec_entry *e = find_offer(client, offer[i], mode);

                if (e) {
                        *out = offer[i];
                        return e;
                }
        }
        if (why)
                *why = why_none(client, 1u << mode, p->confidentiality == SEC_CONF_REQUIRED);
        return NULL;
}

static bool supported(struct sec_suite s, const struct sec_suite *suites, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (sec_suite_eq(s, suites[i]))
                        return true;
        return false;
}

/* True when a goes before b, which stands earlier in the list. */
static bool better(const struct sec_entry *a, const struct sec_entry *b)
{
        return a->q != SEC_Q_NONE && (b->q == SEC_Q_NONE || a->q > b->q);
}

const struct sec_entry *sec_choose_ue(const struct sec_list *server, const struct sec_suite *suites, size_t n,
                                      unsigned modes, const char **why)
{
        const struct sec_entry *best = NULL;

        for (size_t i = 0; i < server->n; i++) {
                const struct sec_entry *e = &server->e[i];

                if (sec_entry_usable(e, NULL) && (modes >> e->mode & 1) && supported(e->suite, suites, n) &&
                    (!best || better(e, best)))
                        best = e;
        }
        if (!best && why)
                *why = why_none(server, modes, false);
        return best;
}
