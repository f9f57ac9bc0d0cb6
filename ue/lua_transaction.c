/* SPDX-License-Identifier: BSD-3-Clause
 * Client transactions and inbound requests of a scenario's phone. */
#include <stdlib.h>

#include "ue/lua_phone_int.h"

#define CLIENT_META  "quintet.client"
#define REQUEST_META "quintet.request"
#define FIELDS_MAX   32

/* A client transaction; lives in the userdata. */
struct outbound {
        struct list node;          /* in the phone's transactions while pending */
        struct sip_client *client; /* NULL: ended */
        struct list responses;     /* of struct lua_item */
        struct phone *phone;       /* of one on an SA: hears when there is no answer; else NULL */
        bool ended;
        int err; /* how it ended without a final answer */
};

/* What the userdata of a request holds. */
struct taken {
        struct list node; /* in the phone's transactions until answered */
        struct sip_request *rq;
};

static void drop_outbound(struct outbound *o)
{
        list_unlink(&o->node);
        if (o->client)
                sip_client_abandon(o->client);
        o->client = NULL;
        if (!o->ended) {
                o->ended = true;
                o->err = -IMS_ECANCELED;
        }
}

static void on_response(struct sip_client *c, int err, struct sip_msg *resp, void *arg)
{
        struct outbound *o = arg;

        (void)c;
        if (err == 0) {
                lua_queue_put(&o->responses, NULL, span_make(resp->buf, resp->n));
                if (resp->status < 200)
                        return;
        }
        o->err = err;
        o->ended = true;
        o->client = NULL;
        list_unlink(&o->node);
        if (o->phone && (err == -IMS_ETIMEOUT || err == -IMS_EUNREACH))
                security_unanswered(phone_security(o->phone));
}

int lua_phone_send(lua_State *L, struct lua_phone *p)
{
        struct phone_out out = lua_phone_way(L, 4);
        struct outbound *o = lua_newuserdatauv(L, sizeof(*o), 1);
        int rc;

        memset(o, 0, sizeof(*o));
        list_init(&o->responses);
        luaL_setmetatable(L, CLIENT_META);
        out.text = lua_check_span(L, 2);
        out.answer_ms = (uint32_t)luaL_optinteger(L, 3, 0);
        rc = phone_send(p->phone, &out, on_response, o, &o->client);
        if (rc < 0)
                return lua_fail(L, rc);
        if (out.secured && !out.step) /* of its own steps the registration knows */
                o->phone = p->phone;
        if (o->client)
                list_append(&p->transactions, &o->node);
        else
                o->ended = true; /* an ACK */
        return 1;
}

/* take() -> text of the next response; or nil, and how it ended: "timeout", "unreachable", ...; or nothing
 * yet */
static int client_l_take(lua_State *L)
{
        struct outbound *o = luaL_checkudata(L, 1, CLIENT_META);

        if (lua_queue_take(L, &o->responses)) {
                lua_pop(L, 1);
                return 1;
        }
        if (!o->ended || o->err == 0)
                return 0;
        return lua_fail_text(L, o->err == -IMS_ETIMEOUT    ? "timeout"
                                : o->err == -IMS_ECANCELED ? "canceled"
                                                           : "unreachable");
}

static int client_l_cancel(lua_State *L)
{
        struct outbound *o = luaL_checkudata(L, 1, CLIENT_META);

        if (o->client)
                sip_client_cancel(o->client);
        return 0;
}

static int client_l_gc(lua_State *L)
{
        struct outbound *o = luaL_checkudata(L, 1, CLIENT_META);

        drop_outbound(o);
        lua_queue_clear(&o->responses);
        return 0;
}

/* --- inbound requests --- */

int lua_phone_next_request(lua_State *L, struct lua_phone *p)
{
        struct inbound *in;
        struct taken *t;

        if (list_empty(&p->requests))
                return 0;
        t = lua_newuserdatauv(L, sizeof(*t), 0);
        memset(t, 0, sizeof(*t));
        luaL_setmetatable(L, REQUEST_META);
        in = container_of(p->requests.next, struct inbound, node);
        list_unlink(&in->node);
        t->rq = in->rq;
        free(in);
        list_append(&p->taken, &t->node);
        return 1;
}

static struct taken *check_request(lua_State *L)
{
        return luaL_checkudata(L, 1, REQUEST_META);
}

/* text(), and the address it came from */
static int request_l_text(lua_State *L)
{
        struct taken *t = check_request(L);
        char from[ADDR_STR];

        if (!t->rq)
                return lua_fail_text(L, "answered already");
        lua_pushlstring(L, t->rq->msg->buf, t->rq->msg->n);
        lua_pushstring(L, addr_str(&t->rq->flow.remote, from));
        return 2;
}

/* reply(status, reason or nil, {{name, value}, ...}): names of the list in common/sip/msg.h */
static int request_l_reply(lua_State *L)
{
        struct taken *t = check_request(L);
        int status = (int)luaL_checkinteger(L, 2);
        const char *reason = luaL_optstring(L, 3, NULL);
        struct sip_field add[FIELDS_MAX];
        size_t n = 0;

        luaL_argcheck(L, status >= 100 && status <= 699, 2, "a SIP status");
        if (!t->rq)
                return lua_fail_text(L, "answered already");
        for (lua_Integer i = 1; lua_istable(L, 4) && lua_rawgeti(L, 4, i) == LUA_TTABLE && n < FIELDS_MAX;
             i++) {
                lua_rawgeti(L, -1, 1);
                lua_rawgeti(L, -2, 2);
                add[n].id = sip_hdr_lookup(lua_check_span(L, -2));
                add[n].value = lua_check_span(L, -1);
                if (add[n++].id == SIP_HDR_OTHER)
                        return luaL_error(L, "%s: not a field that can be put into a reply",
                                          lua_tostring(L, -2));
                lua_pop(L, 3);
        }
        sip_reply(t->rq, status, reason, add, n);
        if (status >= 200) {
                t->rq = NULL;
                list_unlink(&t->node);
        }
        lua_pushboolean(L, 1);
        return 1;
}

static void drop_taken(struct taken *t)
{
        list_unlink(&t->node);
        if (t->rq && t->rq->msg->method != SIP_ACK)
                sip_reply(t->rq, 480, NULL, NULL, 0); /* the scenario left it unanswered */
        else
                sip_request_unref(t->rq);
        t->rq = NULL;
}

static int request_l_gc(lua_State *L)
{
        drop_taken(check_request(L));
        return 0;
}

void lua_phone_drop_transactions(struct lua_phone *p)
{
        list_for_each_safe(pos, tmp, &p->transactions)
                drop_outbound(container_of(pos, struct outbound, node));
        list_for_each_safe(pos, tmp, &p->taken) drop_taken(container_of(pos, struct taken, node));
        list_for_each_safe(pos, tmp, &p->requests)
        {
                struct inbound *in = container_of(pos, struct inbound, node);

                list_unlink(pos);
                if (in->rq->msg->method == SIP_ACK)
                        sip_request_unref(in->rq);
                else
                        sip_reply(in->rq, 480, NULL, NULL, 0);
                free(in);
        }
}

static const luaL_Reg client_methods[] = {
        {"take", client_l_take}, {"cancel", client_l_cancel}, {"__gc", client_l_gc}, {NULL, NULL}};
static const luaL_Reg request_methods[] = {
        {"text", request_l_text}, {"reply", request_l_reply}, {"__gc", request_l_gc}, {NULL, NULL}};

void lua_phone_open_transactions(lua_State *L)
{
        lua_new_class(L, CLIENT_META, client_methods);
        lua_new_class(L, REQUEST_META, request_methods);
}
