/* SPDX-License-Identifier: BSD-3-Clause
 * Digest and AKA for scenarios. AKA values are hex, nonces as in SIP. */
#include "common/auth/aka.h"
#include "common/auth/digest.h"
#include "common/base/codec.h"
#include "ue/lua_scenario.h"

/* Key material of the table at arg: algorithm, k, opc or op (or topc, top). */
static struct aka_key check_key(lua_State *L, int arg, struct aka_ctx *ctx)
{
        struct aka_key key = {0};
        const char *algorithm = lua_opt_text(L, arg, "algorithm");
        uint8_t op[32];
        size_t n;

        if (algorithm && strcmp(algorithm, "tuak") == 0)
                key.algorithm = AKA_TUAK;
        n = key.algorithm == AKA_TUAK ? 32 : 16;
        key.k_n = lua_opt_span(L, arg, "k").n == 64 ? 32 : 16;
        if (!lua_opt_hex(L, arg, "k", key.k, key.k_n))
                luaL_error(L, "k is missing");
        key.keccak_iterations = (unsigned)lua_opt_int(L, arg, "keccak_iterations", 0);
        key.res_n = (size_t)lua_opt_int(L, arg, "res_octets", 0);
        if (lua_opt_hex(L, arg, "opc", key.opc, n) || lua_opt_hex(L, arg, "topc", key.opc, n))
                return key;
        if (!lua_opt_hex(L, arg, "op", op, n) && !lua_opt_hex(L, arg, "top", op, n))
                luaL_error(L, "opc or op is missing");
        if (aka_derive_opc(ctx, &key, op) < 0)
                luaL_error(L, "OPc cannot be computed");
        return key;
}

/* The context lives in a userdata, so that an error in a scenario frees it. */
static int ctx_gc(lua_State *L)
{
        struct aka_ctx **c = lua_touserdata(L, 1);

        aka_ctx_free(*c);
        *c = NULL;
        return 0;
}

static struct aka_ctx *ctx_of(lua_State *L)
{
        struct aka_ctx **c = lua_touserdata(L, lua_upvalueindex(1));

        return *c;
}

static void push_av(lua_State *L, const struct aka_av *av)
{
        char nonce[BASE64_SIZE(32)];
        uint8_t both[32];

        lua_newtable(L);
        lua_set_hex(L, "rand", av->rand, 16);
        lua_set_hex(L, "autn", av->autn, 16);
        lua_set_hex(L, "res", av->xres, av->xres_n);
        lua_set_hex(L, "ck", av->ck.b, 16);
        lua_set_hex(L, "ik", av->ik.b, 16);
        memcpy(both, av->rand, 16);
        memcpy(both + 16, av->autn, 16);
        base64_encode(both, 32, nonce);
        lua_set_text(L, "nonce", nonce);
}

/* aka_generate{k, opc|op, rand, sqn, amf} -> {rand, autn, res, ck, ik, nonce} */
static int l_generate(lua_State *L)
{
        struct aka_key key = check_key(L, 1, ctx_of(L));
        uint8_t rand[16], amf[2] = {0, 0};
        lua_Integer sqn = lua_opt_int(L, 1, "sqn", 0);
        struct aka_av av;

        if (!lua_opt_hex(L, 1, "rand", rand, 16) && secret_random(rand, 16) < 0)
                return luaL_error(L, "no random numbers");
        (void)lua_opt_hex(L, 1, "amf", amf, 2);
        if (sqn < 0 ||
            aka_generate(ctx_of(L), &key, rand, (uint64_t)sqn, (uint16_t)(amf[0] << 8 | amf[1]), &av) < 0)
                return luaL_error(L, "no vector can be made of these values");
        push_av(L, &av);
        return 1;
}

/* aka_check_autn{k, opc|op, rand, autn} -> {sqn, amf, res, ck, ik} or nil, why */
static int l_check_autn(lua_State *L)
{
        struct aka_key key = check_key(L, 1, ctx_of(L));
        uint8_t rand[16], autn[16], amf_octets[2];
        uint64_t sqn;
        uint16_t amf;
        struct aka_av av;

        if (!lua_opt_hex(L, 1, "rand", rand, 16) || !lua_opt_hex(L, 1, "autn", autn, 16))
                return luaL_error(L, "rand or autn is missing");
        if (aka_check_autn(ctx_of(L), &key, rand, autn, &sqn, &amf, &av) < 0)
                return lua_fail_text(L, "MAC in AUTN is wrong");
        push_av(L, &av);
        lua_set_int(L, "sqn", (lua_Integer)sqn);
        amf_octets[0] = (uint8_t)(amf >> 8);
        amf_octets[1] = (uint8_t)amf;
        lua_set_hex(L, "amf", amf_octets, 2);
        return 1;
}

/* aka_auts{k, opc|op, rand, sqn} -> 14 octets in hex */
static int l_auts(lua_State *L)
{
        struct aka_key key = check_key(L, 1, ctx_of(L));
        uint8_t rand[16], auts[14];
        lua_Integer sqn = lua_opt_int(L, 1, "sqn", 0);

        if (!lua_opt_hex(L, 1, "rand", rand, 16))
                return luaL_error(L, "rand is missing");
        if (aka_make_auts(ctx_of(L), &key, rand, (uint64_t)sqn, auts) < 0)
                return luaL_error(L, "no AUTS can be made of these values");
        lua_push_hex(L, auts, sizeof(auts));
        return 1;
}

/* aka_check_auts{k, opc|op, rand, auts} -> SQN_MS or nil, why */
static int l_check_auts(lua_State *L)
{
        struct aka_key key = check_key(L, 1, ctx_of(L));
        uint8_t rand[16], auts[14];
        uint64_t sqn;

        if (!lua_opt_hex(L, 1, "rand", rand, 16) || !lua_opt_hex(L, 1, "auts", auts, 14))
                return luaL_error(L, "rand or auts is missing");
        if (aka_check_auts(ctx_of(L), &key, rand, auts, &sqn) < 0)
                return lua_fail_text(L, "MAC-S in AUTS is wrong");
        lua_pushinteger(L, (lua_Integer)sqn);
        return 1;
}

/* aka_opc{k, op} -> OPc in hex */
static int l_opc(lua_State *L)
{
        struct aka_key key = check_key(L, 1, ctx_of(L));

        lua_push_hex(L, key.opc, key.algorithm == AKA_TUAK ? 32 : 16);
        return 1;
}

/* auth_response{algorithm, username, realm, password (octets), method, uri, nonce, cnonce, nc, qop, body} ->
 * hex */
static int l_response(lua_State *L)
{
        struct span algorithm = lua_opt_span(L, 1, "algorithm");
        struct digest_input in = {.algorithm = DIGEST_MD5};
        char ha1[DIGEST_HEX_MAX], out[DIGEST_HEX_MAX];

        if (algorithm.p && digest_algorithm_parse(algorithm, &in.algorithm) < 0)
                return luaL_error(L, "algorithm: unknown");
        in.method = lua_opt_span(L, 1, "method");
        in.uri = lua_opt_span(L, 1, "uri");
        in.nonce = lua_opt_span(L, 1, "nonce");
        in.cnonce = lua_opt_span(L, 1, "cnonce");
        in.nc = lua_opt_span(L, 1, "nc");
        in.qop = lua_opt_span(L, 1, "qop");
        in.body = lua_opt_span(L, 1, "body");
        if (digest_ha1(in.algorithm, lua_opt_span(L, 1, "username"), lua_opt_span(L, 1, "realm"),
                       lua_opt_span(L, 1, "password"), ha1) < 0)
                return luaL_error(L, "H(A1) cannot be computed");
        in.ha1 = span_of(ha1);
        if (digest_response(&in, out) < 0)
                return luaL_error(L, "the response cannot be computed");
        lua_pushstring(L, out);
        return 1;
}

static const luaL_Reg functions[] = {
        {"aka_generate", l_generate},
        {"aka_check_autn", l_check_autn},
        {"aka_auts", l_auts},
        {"aka_check_auts", l_check_auts},
        {"aka_opc", l_opc},
        {"auth_response", l_response},
        {NULL, NULL},
};

void lua_open_auth(lua_State *L)
{
        struct aka_ctx **c = lua_newuserdatauv(L, sizeof(struct aka_ctx *), 0);

        *c = NULL;
        lua_newtable(L);
        lua_pushcfunction(L, ctx_gc);
        lua_setfield(L, -2, "__gc");
        lua_setmetatable(L, -2);
        if (aka_ctx_new(c) < 0)
                luaL_error(L, "out of memory");
        luaL_setfuncs(L, functions, 1); /* every function has the context as its upvalue */
}
