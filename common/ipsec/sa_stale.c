/* SPDX-License-Identifier: BSD-3-Clause
 * What an earlier run left behind: found by its numbers, taken for stale only when that run is over. */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/ipsec/sa_kernel_int.h"

/* What is to be deleted: the kernel's list is read to its end first. */
struct stale {
        struct sa_kernel *k;
        const struct addr *locals;
        size_t n_locals;
        struct xfrm_usersa_id *sas;
        struct xfrm_userpolicy_id *policies;
        size_t n_sas, cap_sas, n_policies, cap_policies;
        int err;
        uint8_t *lives; /* per run: 0 not known, else RUN_OVER or RUN_LIVES */
};

enum { RUN_OVER = 1, RUN_LIVES };

static bool run_is_over(struct stale *s, uint32_t tag)
{
        uint32_t run = tag_run(tag);

        if (!tag_is_of(tag, s->k->conf.end))
                return false;
        if (!s->lives[run])
                s->lives[run] = sa_run_lives(tag & ~(TAG_COUNTS - 1)) ? RUN_LIVES : RUN_OVER;
        return s->lives[run] == RUN_OVER;
}

/* Room for one more in an array. NULL when there is none. */
static void *room(struct stale *s, void **array, size_t n, size_t *cap, size_t size)
{
        size_t want = *cap ? *cap * 2 : 64;
        void *p = *array;

        if (n == *cap) {
                p = realloc(*array, want * size);
                if (!p) {
                        s->err = -IMS_ENOMEM;
                        return NULL;
                }
                *array = p;
                *cap = want;
        }
        return (char *)p + n * size;
}

static bool is_local(const struct stale *s, const struct addr *a)
{
        for (size_t i = 0; i < s->n_locals; i++) {
                const struct addr *l = &s->locals[i];

                if (addr_port(l) == addr_port(a) && addr_is_v6(l) == addr_is_v6(a) &&
                    (addr_is_any(l) || addr_is_any(a) || addr_ip_eq(l, a)))
                        return true;
        }
        return false;
}

/* A P-CSCF asks only for its own ports; a UE's change from run to run. */
static bool selector_concerns(const struct stale *s, const struct xfrm_selector *sel)
{
        struct addr from = xfrm_addr(&sel->saddr, sel->family, sel->sport);
        struct addr to = xfrm_addr(&sel->daddr, sel->family, sel->dport);

        return s->k->conf.end == SA_END_UE || is_local(s, &from) || is_local(s, &to);
}

static void on_sa(const struct nlmsghdr *m, void *arg)
{
        const struct xfrm_usersa_info *sa = mnl_nlmsg_get_payload(m);
        struct stale *s = arg;
        struct xfrm_usersa_id *id;

        if (m->nlmsg_type != XFRM_MSG_NEWSA || mnl_nlmsg_get_payload_len(m) < sizeof(*sa) ||
            !run_is_over(s, sa->reqid) || !selector_concerns(s, &sa->sel))
                return;
        id = room(s, (void **)&s->sas, s->n_sas, &s->cap_sas, sizeof(*id));
        if (!id)
                return;
        memset(id, 0, sizeof(*id));
        id->daddr = sa->id.daddr;
        id->spi = sa->id.spi;
        id->family = sa->family;
        id->proto = sa->id.proto;
        s->n_sas++;
}

/* The number a policy carries: in its one template, or, a guard, in its priority. 0: none. */
static uint32_t policy_tag(const struct nlmsghdr *m, const struct xfrm_userpolicy_info *p)
{
        const struct nlattr *attr;

        mnl_attr_for_each(attr, m, sizeof(*p))
        {
                if (mnl_attr_get_type(attr) == XFRMA_TMPL &&
                    mnl_attr_get_payload_len(attr) == sizeof(struct xfrm_user_tmpl))
                        return ((struct xfrm_user_tmpl *)mnl_attr_get_payload(attr))->reqid;
                if (mnl_attr_get_type(attr) == XFRMA_TMPL)
                        return 0;
        }
        return p->action == XFRM_POLICY_BLOCK && !(p->priority & (TAG_COUNTS - 1)) ? p->priority : 0;
}

static void on_policy(const struct nlmsghdr *m, void *arg)
{
        const struct xfrm_userpolicy_info *p = mnl_nlmsg_get_payload(m);
        struct stale *s = arg;
        struct xfrm_userpolicy_id *id;

        if (m->nlmsg_type != XFRM_MSG_NEWPOLICY || mnl_nlmsg_get_payload_len(m) < sizeof(*p) ||
            !run_is_over(s, policy_tag(m, p)) || !selector_concerns(s, &p->sel))
                return;
        id = room(s, (void **)&s->policies, s->n_policies, &s->cap_policies, sizeof(*id));
        if (!id)
                return;
        memset(id, 0, sizeof(*id));
        id->sel = p->sel;
        id->index = p->index;
        id->dir = p->dir;
        s->n_policies++;
}

/* Asks for all SAs, or all policies. 0 or an error. */
static int look(struct stale *s, uint16_t type, nl_fn *fn)
{
        struct nl_link *l = &s->k->xfrm;
        int sys_err;

        (void)nl_put(l, type, NLM_F_DUMP);
        sys_err = nl_ask(l, fn, s);
        return sys_err ? sa_error(sys_err) : s->err;
}

/* Sends what was put when no more fits, or at the end. */
static void flush(struct stale *s, bool end)
{
        int ignored[NL_BATCH_MAX];

        if (!end && s->k->xfrm.n < NL_BATCH_MAX)
                return;
        if (nl_run(&s->k->xfrm, ignored) != 0)
                s->err = -IMS_EIO;
}

/* Policies first: none is left that wants an SA which is gone. */
static int delete_all(struct stale *s)
{
        for (size_t i = 0; i < s->n_policies; i++) {
                xfrm_put_policy_delete_id(&s->k->xfrm, &s->policies[i]);
                flush(s, false);
        }
        for (size_t i = 0; i < s->n_sas; i++) {
                xfrm_put_sa_delete_id(&s->k->xfrm, &s->sas[i]);
                flush(s, false);
        }
        flush(s, true);
        return s->err;
}

static bool address_is_stale(struct sa_kernel *k, uint32_t tag)
{
        return tag_is_of(tag, k->conf.end) && !sa_run_lives(tag);
}

int sa_clear_stale(struct sa_kernel *k, const struct addr *locals, size_t n)
{
        struct stale s = {.k = k, .locals = locals, .n_locals = n};
        int err = -IMS_ENOMEM;

        s.lives = calloc(TAG_RUNS, sizeof(*s.lives));
        if (!s.lives)
                goto out;
        err = look(&s, XFRM_MSG_GETPOLICY, on_policy);
        if (!err)
                err = look(&s, XFRM_MSG_GETSA, on_sa);
        if (!err)
                err = delete_all(&s);
        if (!err && k->conf.end == SA_END_UE)
                err = sa_addresses_clear(k, address_is_stale);
        if (!err && s.n_sas + s.n_policies)
                log_notice("ipsec: an earlier run left %zu SAs and %zu policies: removed", s.n_sas,
                           s.n_policies);
out:
        free(s.lives);
        free(s.sas);
        free(s.policies);
        return err ? err : (int)s.n_sas;
}
