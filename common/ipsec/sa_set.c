/* SPDX-License-Identifier: BSD-3-Clause
 * Sets of four SAs with their policies, and the guards around the ports. TS 33.203 7.1, M.7.1. */
#include <errno.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/ipsec/sa_kernel_int.h"

#define SET_MESSAGES (2 * SA_WAYS) /* an SA and a policy for each way */

/* Ports below could be taken for types of ICMP messages, which stand in the place of ports in a selector. */
#define GUARD_PORT_MIN 256

struct xfrm_row sa_row(const struct sa_kernel *k, const struct sa_params *p, enum sa_way w)
{
        const struct addr *local = k->conf.end == SA_END_UE ? &p->ue_local : &p->pcscf;

        return (struct xfrm_row){.p = p, .end = k->conf.end, .way = w, .encap_port = sa_encap_port(k, local)};
}

/* --- which sets are there ------------------------------------------------------------------------ */

static bool is_live(const struct sa_kernel *k, uint32_t reqid)
{
        uint32_t n = count_of_reqid(reqid);

        return tag_of_reqid(reqid) == k->tag && (k->live[n / 32] & 1U << n % 32);
}

static void set_live(struct sa_kernel *k, uint32_t reqid, bool live)
{
        uint32_t n = count_of_reqid(reqid), bit = 1U << n % 32;

        k->live[n / 32] = live ? k->live[n / 32] | bit : k->live[n / 32] & ~bit;
}

/* --- install and remove -------------------------------------------------------------------------- */

static bool ends_whole(const struct sec_ends *e)
{
        return e->spi_c && e->spi_s && e->port_c && e->port_s;
}

static bool addr_fits(const struct addr *a, const struct addr *pcscf)
{
        return !addr_is_any(a) && addr_is_v6(a) == addr_is_v6(pcscf);
}

static bool addrs_whole(const struct sa_params *p, enum sa_end end)
{
        bool tunnel = p->mode == SEC_MODE_UDP_ENC_TUN;

        return (tunnel || p->mode == SEC_MODE_TRANS) && addr_fits(&p->pcscf, &p->pcscf) &&
               addr_fits(&p->ue, &p->pcscf) &&
               (!tunnel || end != SA_END_UE || addr_fits(&p->ue_local, &p->pcscf));
}

/* What is not would be a bug of the caller: the kernel takes much of it, and means something else. */
static bool whole(const struct sa_kernel *k, const struct sa_params *p, const struct esp_keys *keys)
{
        return addrs_whole(p, k->conf.end) && ends_whole(&p->ue_ends) && ends_whole(&p->pcscf_ends) &&
               xfrm_keys_fit(p->suite, keys) && tag_of_reqid(p->reqid) == k->tag &&
               count_of_reqid(p->reqid) && !is_live(k, p->reqid);
}

/* Takes away the messages of a set that came through: all where errs is NULL, policies first. */
static void undo(struct sa_kernel *k, const struct sa_params *p, const int *errs)
{
        int ignored[NL_BATCH_MAX];

        for (int i = SET_MESSAGES - 1; i >= 0; i--) {
                struct xfrm_row r = sa_row(k, p, (enum sa_way)(i % SA_WAYS));

                if (errs && errs[i])
                        continue;
                if (i < SA_WAYS)
                        xfrm_put_sa_delete(&k->xfrm, &r);
                else
                        xfrm_put_policy_delete(&k->xfrm, &r);
        }
        /* What is gone already is no error, and there is nobody to tell of another. */
        if (nl_run(&k->xfrm, ignored) != 0)
                log_warn("ipsec: the kernel did not answer when SAs were removed");
}

int sa_set_install(struct sa_kernel *k, const struct sa_params *p, const struct esp_keys *keys)
{
        int errs[NL_BATCH_MAX], err;
        char said[sizeof(k->xfrm.said)];

        for (int w = 0; w < SA_WAYS; w++) {
                struct xfrm_row r = sa_row(k, p, (enum sa_way)w);

                xfrm_put_sa(&k->xfrm, &r, keys);
        }
        for (int w = 0; w < SA_WAYS; w++) {
                struct xfrm_row r = sa_row(k, p, (enum sa_way)w);

                xfrm_put_policy(&k->xfrm, &r);
        }
        err = nl_run(&k->xfrm, errs);
        for (int i = 0; !err && i < SET_MESSAGES; i++)
                err = errs[i];
        if (!err) {
                set_live(k, p->reqid, true);
                return 0;
        }
        memcpy(said, k->xfrm.said, sizeof(said));
        undo(k, p, errs);
        memcpy(k->xfrm.said, said, sizeof(said)); /* the words for the first error count */
        return err;
}

int sa_install(struct sa_kernel *k, const struct sa_params *p, const struct esp_keys *keys)
{
        int sys_err;

        if (!whole(k, p, keys))
                return -IMS_EINVAL;
        sys_err = sa_set_install(k, p, keys);
        if (sys_err && sys_err != EEXIST)
                log_warn("ipsec: the kernel refuses a set of SAs (spi-s %u of the P-CSCF): %s%s%s",
                         p->pcscf_ends.spi_s, strerror(sys_err), k->xfrm.said[0] ? ": " : "", k->xfrm.said);
        return sa_error(sys_err);
}

void sa_remove(struct sa_kernel *k, const struct sa_params *p)
{
        if (!is_live(k, p->reqid))
                return;
        set_live(k, p->reqid, false);
        undo(k, p, NULL);
}

/* --- what an SA carried, and where it leads ------------------------------------------------------ */

struct count {
        const struct sa_params *p;
        struct sa_counters c;
        bool found;
};

static void on_count(const struct nlmsghdr *m, void *arg)
{
        const struct xfrm_usersa_info *s = mnl_nlmsg_get_payload(m);
        struct count *c = arg;

        if (m->nlmsg_type != XFRM_MSG_NEWSA || mnl_nlmsg_get_payload_len(m) < sizeof(*s) ||
            s->reqid != c->p->reqid)
                return;
        c->found = true;
        c->c = (struct sa_counters){.bytes = s->curlft.bytes,
                                    .packets = s->curlft.packets,
                                    .integrity_failed = s->stats.integrity_failed,
                                    .replay = s->stats.replay,
                                    .replay_window = s->stats.replay_window};
}

int sa_count(struct sa_kernel *k, const struct sa_params *p, enum sa_way w, struct sa_counters *out)
{
        struct xfrm_row r = sa_row(k, p, w);
        struct count c = {.p = p};
        int sys_err;

        xfrm_put_sa_get(&k->xfrm, &r);
        sys_err = nl_ask(&k->xfrm, on_count, &c);
        if (sys_err)
                return sa_error(sys_err);
        if (!c.found)
                return -IMS_ENOTFOUND;
        *out = c.c;
        return 0;
}

/* The inbound SAs follow too: else each packet would be told as coming from elsewhere. */
int sa_follow(struct sa_kernel *k, const struct sa_params *p)
{
        int errs[NL_BATCH_MAX], err;

        if (p->mode != SEC_MODE_UDP_ENC_TUN)
                return -IMS_EINVAL;
        if (!is_live(k, p->reqid))
                return -IMS_ENOTFOUND;
        for (int w = 0; w < SA_WAYS; w++) {
                struct xfrm_row r = sa_row(k, p, (enum sa_way)w);

                xfrm_put_sa_ports(&k->xfrm, &r);
        }
        err = nl_run(&k->xfrm, errs);
        for (int i = 0; !err && i < SA_WAYS; i++)
                err = errs[i];
        return sa_error(err);
}

/* --- guards -------------------------------------------------------------------------------------- */

int sa_guard(struct sa_kernel *k, const struct addr *local)
{
        int errs[NL_BATCH_MAX], err;

        if (addr_port(local) < GUARD_PORT_MIN)
                return -IMS_EINVAL;
        xfrm_put_guard(&k->xfrm, local, XFRM_POLICY_IN, k->tag);
        xfrm_put_guard(&k->xfrm, local, XFRM_POLICY_OUT, k->tag);
        err = nl_run(&k->xfrm, errs);
        if (!err)
                err = errs[0] ? errs[0] : errs[1];
        if (err) {
                if (!errs[0])
                        xfrm_put_guard_delete(&k->xfrm, local, XFRM_POLICY_IN);
                if (!errs[1])
                        xfrm_put_guard_delete(&k->xfrm, local, XFRM_POLICY_OUT);
                if (nl_run(&k->xfrm, errs) != 0)
                        log_warn("ipsec: the kernel did not answer when a guard was removed");
        }
        return sa_error(err);
}

void sa_unguard(struct sa_kernel *k, const struct addr *local)
{
        int ignored[NL_BATCH_MAX];

        xfrm_put_guard_delete(&k->xfrm, local, XFRM_POLICY_IN);
        xfrm_put_guard_delete(&k->xfrm, local, XFRM_POLICY_OUT);
        if (nl_run(&k->xfrm, ignored) != 0)
                log_warn("ipsec: the kernel did not answer when a guard was removed");
}
