-- SPDX-License-Identifier: BSD-3-Clause
-- Credentials of subscribers through the whole lab: a password that changes while its phone is registered, a registration that is
-- ended because the password may be known to others, and one subscriber with a Digest device at home and AKA on the phone.
-- TS 33.203 N.2.1.1, N.2.5; PKT-TR-SEC 6.1.1.
local check = require "check"
local lab = require "lab"
local test = require "test"

-- Two access networks: Digest is served everywhere but at the address of the phone with a SIM.
local L = lab.start({ digest = true, subscribers = {}, taps = "cx", configure = function(l)
  l.conf.pcscf.access.ranges = { { prefix = l.ip.other .. "/32", type = "3gpp" } }
end })

local impi, hss = lab.identity, lab.hss_ok

-- A Digest subscriber whose IMPU is not its IMPI.
local function add(name, password)
  hss({ "subscriber", "add", "--impi", impi(name .. "_private"), "--impu", "sip:" .. impi(name), "--password", password })
end

local function phone(name, password)
  return L:ue({ impi = impi(name .. "_private"), impu = "sip:" .. impi(name), password = password })
end

local function state(name)
  return L:state(impi(name .. "_private"))["sip:" .. impi(name)].state
end

local function registers(u, what)
  local r = u:register({})
  check.eq(r.verdict, "registered", what)
  return r
end

local function sent(name, mark)
  return L.cx_s:since(mark, function(m) return m.name == name end)
end

test("a password changes while its phone is registered", { "DIG-061" }, function()
  add("alice", "old one")
  local before, after, mark = phone("alice", "old one"), phone("alice", "new one"), L.cx_s:mark()
  registers(before)
  check.has(hss({ "subscriber", "set", impi("alice_private"), "--password", "new one" }), "pushed and accepted")
  check.eq(#sent("PPR", mark), 1)
  check.eq(sent("PPA", mark)[1].result, 2001)
  check.eq(state("alice"), "registered", "nothing is disrupted")
  registers(after, "with the new password")
  check.eq(state("alice"), "registered")
  check.eq(after:deregister({}).verdict, "deregistered")
  check.no(phone("alice", "old one"):register({}).ok, "the old password, when the new one was used")
end)

test("a password that may be known to others ends the registration", {}, function()
  add("bob", "known")
  for _, option in ipairs({ "--reauthenticate", "--deregister" }) do
    local password = "secret " .. option
    local u = phone("bob", "known")
    hss({ "subscriber", "set", impi("bob_private"), "--password", "known" })
    registers(u)
    local out = hss({ "subscriber", "set", impi("bob_private"), "--password", password, option })
    check.has(out, "pushed and accepted")
    check.has(out, "the registration is over")
    check.eq(state("bob"), "not registered")
    check.no(u:register({}).ok, "whoever has the old password stays out")
    local again = phone("bob", password)
    registers(again, "with the new one")
    check.eq(again:deregister({}).verdict, "deregistered")
    u:close()
    again:close()
  end
end)

test("one subscriber, Digest at home and AKA on the phone", { "PC-005" }, function()
  local sim = lab.subscribers[1]
  add("carol", "at home")
  hss({ "subscriber", "add", "--impi", impi(sim.imsi), "--join", impi("carol_private"), "--k", sim.k, "--opc", sim.opc })
  local mark = L.cx_s:mark()
  local home = phone("carol", "at home")
  local mobile = L:ue({ impi = impi(sim.imsi), impu = "sip:" .. impi("carol"), k = sim.k, opc = sim.opc },
    { local_addr = L.ip.other .. ":0" })
  registers(home, "at home")
  registers(mobile, "on the phone")
  local schemes = {}
  for _, m in ipairs(sent("MAA", mark)) do
    local it = m.avps:get("SIP-Auth-Data-Item")
    schemes[#schemes + 1] = it:get("SIP-Authentication-Scheme")
    check.eq(#it:all("Confidentiality-Key") > 0, m.avps:get("User-Name") == impi(sim.imsi), "a key for AKA, none for Digest")
  end
  check.eq(schemes, { "SIP Digest", "Digest-AKAv1-MD5" })
  for _, who in ipairs({ impi("carol_private"), impi(sim.imsi) }) do
    check.eq(L:state(who)["sip:" .. impi("carol")].registered, true, who)
  end
  check.eq(home:deregister({}).verdict, "deregistered")
  check.eq(L:state(impi(sim.imsi))["sip:" .. impi("carol")].state, "registered", "the phone stays")
  check.eq(mobile:deregister({}).verdict, "deregistered")
  check.eq(state("carol"), "not registered")
end)

local function message(from, to)
  return async(from.request, from, { method = "MESSAGE", to = "sip:" .. impi(to), body = "x", content_type = "text/plain" })
end

local function delivers(from, to, name)
  local t = message(from, name)
  local rq = check.ok(to:expect_request({ method = "MESSAGE" }), "it reaches " .. name)
  rq:reply(200)
  check.eq(t:wait(20).status, 200)
end

test("who is removed while registered gets no further: not with a request, not with a REGISTER", {}, function()
  add("dave", "x")
  add("erin", "x")
  local dave, erin = phone("dave", "x"), phone("erin", "x")
  registers(dave)
  registers(erin)
  delivers(dave, erin, "erin")
  local mark, cx = L:mark(), L.cx_s:mark()
  local out = hss({ "subscriber", "remove", impi("dave_private") })
  check.has(out, impi("dave_private") .. ": removed")
  check.has(out, "the registration is over")
  local rtr = sent("RTR", cx)
  check.eq(#rtr, 1)
  check.eq(rtr[1].avps:get("Deregistration-Reason", "Reason-Code"), 0)
  check.eq(sent("RTA", cx)[1].result, 2001)
  L:verdict({ node = "scscf", since = mark, cause = "deregistered_by_hss", impi = impi("dave_private") })
  check.eq(message(dave, "erin"):wait(20).status, 403)
  L:verdict({ node = "scscf", since = mark, procedure = "request", cause = "not_registered", status = 403 })
  local r = dave:reregister({})
  check.no(r.ok)
  check.eq(r.status, 403)
  L:verdict({ node = "icscf", since = mark, cause = "user_unknown", status = 403 })
  check.eq(message(erin, "dave"):wait(20).status, 404, "and nobody reaches it")
  dave:close()
  erin:close()
end)

test("of two devices the removed one alone loses the identity that both have", {}, function()
  local sim = lab.subscribers[1]
  add("fred", "at home")
  add("gina", "x")
  hss({ "subscriber", "add", "--impi", impi("fred_mobile"), "--join", impi("fred_private"), "--k", sim.k, "--opc", sim.opc })
  local home, gina = phone("fred", "at home"), phone("gina", "x")
  local mobile = L:ue({ impi = impi("fred_mobile"), impu = "sip:" .. impi("fred"), k = sim.k, opc = sim.opc }, { local_addr = L.ip.other .. ":0" })
  registers(home)
  registers(mobile)
  registers(gina)
  delivers(mobile, gina, "gina")
  check.has(hss({ "subscriber", "remove", impi("fred_mobile") }), "the registration is over")
  local mark = L:mark()
  check.eq(message(mobile, "gina"):wait(20).status, 403)
  check.has(L:verdict({ node = "scscf", since = mark, procedure = "request", cause = "not_registered" }).evidence, "Service-Route")
  check.no(mobile:reregister({}).ok)
  check.eq(state("fred"), "registered")
  delivers(home, gina, "gina")
  delivers(gina, home, "fred")
end)

return test.finish()
