/* SPDX-License-Identifier: BSD-3-Clause
 * The phone of a scenario, shared by its files. */
#pragma once

#include "ue/ipsec_options.h"
#include "ue/lua_scenario.h"
#include "ue/phone.h"
#include "ue/tls_options.h"

#define PHONE_META "quintet.phone"

struct lua_phone {
        struct phone *phone;
        struct credential cred, digest_cred; /* the second without a password: none */
        struct digest_client proxy;          /* Proxy-Authorization, apart from that of REGISTER (N.2.1.2) */
        struct isim *isim;
        struct reg_conf conf;
        struct registration *reg;
        char *impu, *contact, *contact_params, *instance, *access_network;
        unsigned lost;            /* TLS connections that took a registration with them */
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

/* result(), info() -> tables, see docs/ue.md; kept() -> {running, interval, pings, pongs, failures, lost} */
int lua_phone_result(lua_State *L, struct lua_phone *p);
int lua_phone_info(lua_State *L, struct lua_phone *p);
int lua_phone_kept(lua_State *L, struct lua_phone *p);

/* Options transport ("udp", "tcp", "tls"), security, secure_only, tls_ca, tls_name, tls_port, tls_version,
 * tls_keylog, trust_domain, home_domain, home_ca. */
int lua_phone_read_tls(lua_State *L, struct tls_options *o, enum transport *clear, struct buf *err) IMS_CHECK;

/* tls() -> {up, handshakes, resumptions, connections, ended, lost, why}, while it is up with local_address
 * and what lua_push_tls_info adds; cut(); renegotiate() -> true, or nil and why. */
int lua_phone_tls(lua_State *L, struct lua_phone *p);
int lua_phone_cut(lua_State *L, struct lua_phone *p);
int lua_phone_renegotiate(lua_State *L, struct lua_phone *p);

/* Options scheme, digest_algorithms, need_rspauth, omit_authorization, outbound, reg_id of the table at 1. */
int lua_phone_read_digest(lua_State *L, struct lua_phone *p, struct buf *err) IMS_CHECK;

/* Option instance; with outbound there always is one, made of the IMPI. Owned by the caller, may be NULL. */
char *lua_phone_instance(lua_State *L, const struct lua_phone *p);

/* Pushes {realm, nonce, opaque, qop, algorithm, nc} of the challenge that is kept. */
void lua_phone_push_digest(lua_State *L, const struct digest_client *d);

/* proxy_challenge(text of a 407) -> true, stale; or nil and why. proxy_answer(method, uri, body) -> value of
 * Proxy-Authorization, or nothing without a challenge. set_password(text). forget_challenge("proxy" or nil).
 */
int lua_phone_proxy_challenge(lua_State *L, struct lua_phone *p);
int lua_phone_proxy_answer(lua_State *L, struct lua_phone *p);
int lua_phone_set_password(lua_State *L, struct lua_phone *p);
int lua_phone_forget_challenge(lua_State *L, struct lua_phone *p);

/* send(text, timeout_ms, {on=, transport=, step=}) -> transaction; next_request() -> request or nothing. */
int lua_phone_send(lua_State *L, struct lua_phone *p);
int lua_phone_next_request(lua_State *L, struct lua_phone *p);

/* Before the phone goes: nothing of the stack is used afterwards. */
void lua_phone_drop_transactions(struct lua_phone *p);
