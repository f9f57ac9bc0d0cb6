/* SPDX-License-Identifier: BSD-3-Clause
 * The security of a scenario's phone: its options, its SA table, its ways, and how it can be broken. */
#include <stdlib.h>

#include "common/base/log.h"
#include "ue/ipsec_options.h"
#include "ue/lua_phone_int.h"

/* A list of texts, or one text, at the member name, joined by commas; SPAN_NULL when absent. */
static struct span joined(lua_State *L, const char *name, struct buf *out)
{
        if (lua_getfield(L, 1, name) == LUA_TTABLE) {
                for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++) {
                        if (out->n)
                                buf_char(out, ',');
                        buf_puts(out, lua_tostring(L, -1));
                        lua_pop(L, 1);
                }
                lua_pop(L, 1);
        } else if (lua_type(L, -1) == LUA_TSTRING) {
                buf_puts(out, lua_tostring(L, -1));
        } else if (!lua_isnil(L, -1)) {
                luaL_error(L, "%s: a list of texts is wanted", name);
        }
        lua_pop(L, 1);
        return buf_as_span(out);
}

/* {from, to} at the member name. */
static bool range(lua_State *L, const char *name, lua_Integer *from, lua_Integer *to)
{
        bool there = lua_getfield(L, 1, name) == LUA_TTABLE;

        if (there) {
                lua_rawgeti(L, -1, 1);
                lua_rawgeti(L, -2, 2);
                *from = luaL_checkinteger(L, -2);
                *to = luaL_checkinteger(L, -1);
                lua_pop(L, 2);
        }
        lua_pop(L, 1);
        return there;
}

/* The member, the environment, or off. */
static int read_want(lua_State *L, struct ipsec_options *o, struct buf *err)
{
        struct span want = lua_opt_span(L, 1, "ipsec");

        if (!want.p)
                want = span_of(getenv("QUINTET_UE_IPSEC"));
        o->want = IPSEC_OFF;
        if (want.n && ipsec_want_parse(want, &o->want) < 0) {
                buf_puts(err, "ipsec: off, offered or required");
                return -IMS_ECONF;
        }
        return 0;
}

static int read_lists(lua_State *L, struct ipsec_options *o, struct buf *err)
{
        struct buf b = BUF_INIT;
        struct span text = joined(L, "suites", &b);
        int rc = text.n ? ipsec_suites_parse(text, o) : 0;

        if (rc < 0)
                buf_printf(err, "suites: " SPAN_FMT, SPAN_ARG(text));
        buf_reset(&b);
        text = joined(L, "modes", &b);
        if (rc == 0 && text.n) {
                rc = ipsec_modes_parse(text, o);
                if (rc < 0)
                        buf_printf(err, "modes: " SPAN_FMT, SPAN_ARG(text));
        }
        buf_free(&b);
        return rc;
}

static void on_terminate(void *arg)
{
        struct scenario *s = arg;

        s->terminated = true;
}

/* From here on the end of the scenario has something to take away. */
static int open_host(lua_State *L, bool required, struct sa_host **out, struct buf *err)
{
        struct scenario *s = scenario_of(L);
        struct buf why = BUF_INIT;
        int rc = 0;

        if (!s->host)
                rc = sa_host_new(s->loop, lua_opt_text(L, 1, "keylog"), &s->host, &why);
        if (rc == 0 && !s->ends_well)
                rc = loop_on_terminate(s->loop, on_terminate, s);
        s->ends_well = s->ends_well || rc == 0;
        if (rc < 0 && required)
                buf_span(err, buf_as_span(&why));
        else if (rc < 0)
                log_notice("no IPsec: " SPAN_FMT, SPAN_ARG(buf_as_span(&why)));
        buf_free(&why);
        *out = s->host;
        return rc;
}

int lua_phone_read_ipsec(lua_State *L, struct ipsec_options *o, struct phone_ipsec_conf *out, struct buf *err)
{
        lua_Integer from = 0, to = 0;
        struct sa_host *host = NULL;
        int rc = read_want(L, o, err);

        if (rc < 0 || o->want == IPSEC_OFF)
                return rc;
        rc = read_lists(L, o, err);
        if (rc < 0)
                return rc;
        rc = open_host(L, o->want == IPSEC_REQUIRED, &host, err);
        if (rc < 0)
                return o->want == IPSEC_REQUIRED ? rc : 0;
        o->keep_alive_ms = (uint32_t)lua_opt_int(L, 1, "keep_alive_ms", 0);
        *out = ipsec_conf(o, host);
        out->setup_ms = (uint32_t)lua_opt_int(L, 1, "sa_setup_ms", 0);
        out->margin_ms = (uint32_t)lua_opt_int(L, 1, "sa_margin_ms", 0);
        if (range(L, "ports", &from, &to)) {
                out->port_min = (uint16_t)from;
                out->port_max = (uint16_t)to;
        }
        if (range(L, "spis", &from, &to)) {
                out->spi_min = (uint32_t)from;
                out->spi_max = (uint32_t)to;
        }
        return 1;
}

/* --- looks ---------------------------------------------------------------------------------------- */

static void set_suite(lua_State *L, struct sec_suite suite)
{
        struct buf b = BUF_INIT;

        sec_suite_write(suite, &b);
        lua_push_span(L, buf_as_span(&b));
        lua_setfield(L, -2, "suite");
        buf_free(&b);
}

static lua_Number lifetime(lua_State *L, const struct ue_sa *set)
{
        uint64_t now_ms = loop_now_ms(scenario_of(L)->loop);

        return set->until_ms > now_ms ? (lua_Number)(set->until_ms - now_ms) / 1000 : 0;
}

static void push_sa(lua_State *L, struct lua_phone *p, const struct ue_sa *set, enum sa_way w)
{
        struct sa_counters c;
        struct addr from, to;
        char text[ADDR_STR];
        bool out = sa_sender(w) == SA_END_UE;

        sa_selector(&set->p, w, &from, &to);
        lua_newtable(L);
        lua_set_int(L, "set", set->id);
        lua_set_text(L, "state", ue_sa_state_name((enum ue_sa_state)set->state));
        lua_set_text(L, "way", sa_way_name(w));
        lua_set_text(L, "direction", out ? "out" : "in");
        lua_set_int(L, "port_u", addr_port(out ? &from : &to));
        lua_set_int(L, "port_p", addr_port(out ? &to : &from));
        lua_set_int(L, "spi", sa_spi(&set->p, w));
        lua_set_text(L, "mode", sec_mode_name(set->p.mode));
        set_suite(L, set->p.suite);
        lua_set_text(L, "ue_address", addr_ip_str(&set->p.ue, false, text));
        lua_set_int(L, "pending", set->pending);
        lua_pushnumber(L, lifetime(L, set));
        lua_setfield(L, -2, "lifetime");
        if (phone_ipsec_count(phone_ipsec_of(p->phone), set, w, &c) < 0)
                return; /* the kernel has it no more, or never had */
        lua_set_int(L, "bytes", (lua_Integer)c.bytes);
        lua_set_int(L, "packets", (lua_Integer)c.packets);
        lua_set_int(L, "integrity_failed", c.integrity_failed);
        lua_set_int(L, "replay", c.replay);
}

/* sas() -> the SA table: one row per SA */
int lua_phone_sas(lua_State *L, struct lua_phone *p)
{
        struct security *s = phone_security(p->phone);
        const struct ue_sa_table *t = s ? security_table(s) : NULL;
        lua_Integer n = 0;

        lua_newtable(L);
        for (size_t i = 0; t && i < t->n; i++)
                for (int w = 0; w < SA_WAYS; w++) {
                        push_sa(L, p, &t->sets[i], (enum sa_way)w);
                        lua_rawseti(L, -2, ++n);
                }
        return 1;
}

/* security() -> the current SAs in one table, or nothing */
int lua_phone_security(lua_State *L, struct lua_phone *p)
{
        struct security *s = phone_security(p->phone);
        const struct ue_sa *set = s ? ue_sa_in(security_table(s), UE_SA_CURRENT) : NULL;
        char text[ADDR_STR];

        if (!set)
                return 0;
        lua_newtable(L);
        set_suite(L, set->p.suite);
        lua_set_text(L, "mode", sec_mode_name(set->p.mode));
        lua_set_text(L, "ue_address", addr_ip_str(&set->p.ue, false, text));
        lua_set_text(L, "verify", set->verify);
        lua_set_int(L, "port_uc", set->p.ue_ends.port_c);
        lua_set_int(L, "port_us", set->p.ue_ends.port_s);
        lua_set_int(L, "port_pc", set->p.pcscf_ends.port_c);
        lua_set_int(L, "port_ps", set->p.pcscf_ends.port_s);
        lua_set_int(L, "spi_uc", set->p.ue_ends.spi_c);
        lua_set_int(L, "spi_us", set->p.ue_ends.spi_s);
        lua_set_int(L, "spi_pc", set->p.pcscf_ends.spi_c);
        lua_set_int(L, "spi_ps", set->p.pcscf_ends.spi_s);
        lua_pushnumber(L, lifetime(L, set));
        lua_setfield(L, -2, "lifetime");
        return 1;
}

/* held() -> true while requests have to wait for SM12 */
int lua_phone_held(lua_State *L, struct lua_phone *p)
{
        struct security *s = phone_security(p->phone);

        lua_pushboolean(L, s && security_held(s));
        return 1;
}

/* --- broken phones -------------------------------------------------------------------------------- */

static const struct {
        const char *name;
        size_t at;
} faults[] = {
        {"keep_old", offsetof(struct security_faults, keep_old)},
        {"no_install", offsetof(struct security_faults, no_install)},
        {"wrong_ik", offsetof(struct security_faults, wrong_ik)},
        {"deaf", offsetof(struct security_faults, deaf)},
        {"symmetric", offsetof(struct security_faults, symmetric)},
        {"any_sa", offsetof(struct security_faults, any_sa)},
};

/* play(name, on) */
int lua_phone_play(lua_State *L, struct lua_phone *p)
{
        struct security *s = phone_security(p->phone);
        const char *name = luaL_checkstring(L, 2);

        if (!s)
                return luaL_error(L, "this phone does no IPsec");
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
                if (strcmp(faults[i].name, name) != 0)
                        continue;
                *(bool *)((char *)security_faults(s) + faults[i].at) = lua_toboolean(L, 3);
                return 0;
        }
        return luaL_error(L, "%s: no such fault", name);
}

/* --- ways ----------------------------------------------------------------------------------------- */

/* Members on, transport and step of the table at arg, which may be nil. */
struct phone_out lua_phone_way(lua_State *L, int arg)
{
        static const struct {
                const char *name;
                enum security_way way;
        } ways[] = {{"register", SECURITY_REGISTER},
                    {"clear", SECURITY_CLEAR},
                    {"old", SECURITY_ON_OLD},
                    {"new", SECURITY_ON_NEW}};
        struct phone_out o = {.way = SECURITY_USUAL};
        struct span on, transport;
        size_t i = 0;

        if (!lua_istable(L, arg))
                return o;
        on = lua_opt_span(L, arg, "on");
        transport = lua_opt_span(L, arg, "transport");
        o.step = lua_opt_bool(L, arg, "step");
        if (transport.p && transport_parse(transport, &o.transport) < 0)
                luaL_error(L, "transport: udp or tcp");
        while (on.p && i < 4 && !span_eq(on, span_of(ways[i].name)))
                i++;
        if (on.p && i == 4)
                luaL_error(L, "on: \"old\", \"new\" or \"clear\"");
        if (on.p)
                o.way = ways[i].way;
        return o;
}
