/* SPDX-License-Identifier: BSD-3-Clause
 * The phone of a scenario, shared by its two files. */
#pragma once

#include "ue/ipsec_options.h"
#include "ue/lua_scenario.h"
#include "ue/phone.h"

#define PHONE_META "quintet.phone"

struct lua_phone {
        struct phone *phone;
        struct credential cred;
        struct isim *isim;
        struct reg_conf conf;
        struct registration *reg;
        char *impu, *contact, *contact_params, *instance, *access_network;
        struct list requests;     /* of struct inbound: not yet taken by the scenario */
        struct list taken;        /* requests the scenario has and did not answer */
        struct list transactions; /* client transactions under way */
};

/* A request from the network. */
struct inbound {
        struct list node;
        struct sip_request *rq;
};

void lua_phone_open_transactions(lua_State *L);

/* Options ipsec, suites, modes, keylog, keep_alive_ms, ports, spis, sa_setup_ms, sa_margin_ms of the table
 * at 1. o: lives as long as out. 1: *out is filled; 0: no IPsec; an error, its reason in err. */
int lua_phone_read_ipsec(lua_State *L, struct ipsec_options *o, struct phone_ipsec_conf *out,
                         struct buf *err) IMS_CHECK;
int lua_phone_sas(lua_State *L, struct lua_phone *p);
int lua_phone_security(lua_State *L, struct lua_phone *p);
int lua_phone_held(lua_State *L, struct lua_phone *p);
int lua_phone_play(lua_State *L, struct lua_phone *p);
struct phone_out lua_phone_way(lua_State *L, int arg);

/* send(text, timeout_ms, {on=, transport=, step=}) -> transaction; next_request() -> request or nothing. */
int lua_phone_send(lua_State *L, struct lua_phone *p);
int lua_phone_next_request(lua_State *L, struct lua_phone *p);

/* Before the phone goes: nothing of the stack is used afterwards. */
void lua_phone_drop_transactions(struct lua_phone *p);
