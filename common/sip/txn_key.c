/* SPDX-License-Identifier: BSD-3-Clause
 * Which server transaction a request belongs to: by branch, sent-by and method; by the rules of RFC 2543
 * where the branch lacks the magic cookie. RFC 3261 17.2.3, 8.2.2.2. */
#include "common/sip/txn_server.h"

#include <stdlib.h>

#include "common/sip/via.h"

static bool has_cookie(const struct sip_msg *m)
{
        return m->via.branch.n >= sizeof(SIP_COOKIE) && span_istarts(m->via.branch, SPAN(SIP_COOKIE));
}

static bool same_method(const struct sip_msg *a, const struct sip_server_key *key)
{
        return a->method == key->method &&
               (a->method != SIP_METHOD_OTHER || span_eq(a->method_name, key->m->method_name));
}

static bool same_sent_by(const struct sip_via *a, const struct sip_via *b)
{
        return a->port == b->port && span_ieq(a->host, b->host);
}

static bool same_call(const struct sip_msg *a, const struct sip_msg *b)
{
        return a->cseq == b->cseq && span_eq(a->call_id, b->call_id) && span_eq(a->from_tag, b->from_tag);
}

static uint64_t call_hash(const struct sip_msg *m, enum sip_method method)
{
        uint64_t h = hash_mix(hash_span(m->call_id), hash_span(m->from_tag));

        return hash_mix(h, (uint64_t)m->cseq << 8 | (uint64_t)method);
}

struct sip_server_key sip_server_key(const struct sip_msg *m, enum sip_method method)
{
        struct sip_server_key k = {.m = m, .method = method, .cookie = has_cookie(m)};
        uint64_t sent_by = (uint64_t)m->via.port << 8 | (uint64_t)method;

        if (k.cookie)
                k.hash = hash_mix(hash_span(m->via.branch), hash_span_icase(m->via.host));
        else
                k.hash = hash_mix(call_hash(m, method), hash_span(m->ruri));
        k.hash = hash_mix(k.hash, sent_by);
        if (method == SIP_METHOD_OTHER)
                k.hash = hash_mix(k.hash, hash_span(m->method_name));
        return k;
}

static bool eq_branch(const struct hnode *n, const void *arg)
{
        const struct sip_msg *a = container_of(n, const struct sip_server_txn, by_branch)->rq.msg;
        const struct sip_server_key *k = arg;

        if (!same_method(a, k) || !same_sent_by(&a->via, &k->m->via) || has_cookie(a) != k->cookie ||
            !span_eq(a->via.branch, k->m->via.branch))
                return false;
        return k->cookie || (same_call(a, k->m) && span_eq(a->ruri, k->m->ruri));
}

struct sip_server_txn *sip_server_find(const struct sip_stack *s, const struct sip_server_key *key)
{
        struct hnode *n = htab_find(&s->servers, key->hash, eq_branch, key);

        return n ? container_of(n, struct sip_server_txn, by_branch) : NULL;
}

static bool eq_call(const struct hnode *n, const void *arg)
{
        const struct sip_server_key *k = arg;
        const struct sip_msg *a = container_of(n, const struct sip_server_txn, by_call)->rq.msg;

        return same_method(a, k) && same_call(a, k->m);
}

struct sip_server_txn *sip_server_find_call(const struct sip_stack *s, const struct sip_msg *m,
                                            enum sip_method method)
{
        struct sip_server_key k = {.m = m, .method = method};
        struct hnode *n = htab_find(&s->calls, call_hash(m, method), eq_call, &k);

        return n ? container_of(n, struct sip_server_txn, by_call) : NULL;
}

int sip_server_index(struct sip_stack *s, struct sip_server_txn *t, const struct sip_server_key *key)
{
        const struct sip_msg *m = t->rq.msg;
        int err = htab_insert(&s->servers, &t->by_branch, key->hash);

        if (err)
                return err;
        /* Only the first of its kind: nobody can make a chain of equal keys here. */
        if (m->method != SIP_CANCEL && !sip_server_find_call(s, m, m->method))
                t->in_calls = htab_insert(&s->calls, &t->by_call, call_hash(m, m->method)) == 0;
        return 0;
}

void sip_server_unindex(struct sip_stack *s, struct sip_server_txn *t)
{
        htab_remove(&s->servers, &t->by_branch);
        if (t->in_calls)
                htab_remove(&s->calls, &t->by_call);
        t->in_calls = false;
}

static struct span take(char **at, struct span s)
{
        char *p = *at;

        if (!s.n)
                return SPAN_NULL;
        memcpy(p, s.p, s.n);
        *at += s.n;
        return span_make(p, s.n);
}

void sip_server_shrink(struct sip_server_txn *t)
{
        const struct sip_msg *m = t->rq.msg;
        size_t n = m->via.branch.n + m->via.host.n + m->call_id.n + m->from_tag.n + m->to_tag.n + m->ruri.n +
                   m->method_name.n;
        struct sip_msg *small;
        char *at;

        if (!m->n_hdrs)
                return; /* done already */
        small = malloc(sizeof(*small) + n);
        if (!small)
                return;
        at = (char *)(small + 1);
        *small = (struct sip_msg){.refs = 1, .is_request = true, .method = m->method, .cseq = m->cseq};
        small->via =
                (struct sip_via){.port = m->via.port, .has_rport = m->via.has_rport, .rport = m->via.rport};
        small->via.branch = take(&at, m->via.branch);
        small->via.host = take(&at, m->via.host);
        small->call_id = take(&at, m->call_id);
        small->from_tag = take(&at, m->from_tag);
        small->to_tag = take(&at, m->to_tag);
        small->ruri = take(&at, m->ruri);
        small->method_name = take(&at, m->method_name);
        small->buf = (char *)(small + 1);
        small->n = n;
        sip_msg_unref(t->rq.msg);
        t->rq.msg = small;
        if (t->live)
                sip_server_count(t);
}

/* True when the request passed this node before: one of its Vias is ours. */
static bool went_through_us(const struct sip_stack *s, const struct sip_msg *m)
{
        struct sip_value_iter it = {0};
        struct span via;

        while (sip_msg_next_value(m, SIP_HDR_VIA, &it, &via)) {
                ptrdiff_t space = span_chr(via, ' ', 0), semi = span_chr(via, ';', 0);
                struct span host = span_trim(
                        span_sub(via, space < 0 ? 0 : (size_t)space, semi < 0 ? via.n : (size_t)semi));
                ptrdiff_t colon = span_chr(host, ':', 0);
                uint32_t port = 0;

                if (host.n && host.p[0] == '[') {
                        ptrdiff_t close = span_chr(host, ']', 0);

                        colon = close < 0 ? -1 : span_chr(host, ':', (size_t)close);
                }
                if (colon >= 0 && span_u32(span_sub(host, (size_t)colon + 1, host.n), 65535, &port) != 0)
                        continue;
                if (colon >= 0)
                        host = span_sub(host, 0, (size_t)colon);
                if (host.n > 2 && host.p[0] == '[')
                        host = span_sub(host, 1, host.n - 1);
                if (sip_stack_is_self(s, host, (uint16_t)port))
                        return true;
        }
        return false;
}

/* The neighbour lost the connection of its first attempt and makes another (RFC 3263 4.3). */
static bool attempt_was_lost(const struct sip_stack *s, const struct sip_msg *m,
                             const struct sip_server_txn *other)
{
        uint64_t conn = other->rq.flow.conn_id;

        return conn && !sip_transport_alive(s, conn) && same_sent_by(&m->via, &other->rq.msg->via);
}

/* An IMS request may well come twice: on its way from and to users of the same node, then with a Via of
 * ours, or forked to several targets, then with another Request-URI. Neither is a merged request; nor is a
 * new attempt after a refusal or a lost connection. */
bool sip_server_merged(const struct sip_stack *s, const struct sip_msg *m, const struct sip_server_txn *other)
{
        if (m->to_tag.n || !span_eq(m->ruri, other->rq.msg->ruri))
                return false;
        if (other->answered && other->status >= 300)
                return false;
        return !attempt_was_lost(s, m, other) && !went_through_us(s, m);
}
