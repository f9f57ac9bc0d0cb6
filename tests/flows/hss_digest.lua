-- SPDX-License-Identifier: BSD-3-Clause
-- SIP Digest in the HSS: MAA, the password that changes while the user is registered, what the S-CSCF is told and what the
-- command says of it; the S-CSCF is played here. TS 33.203 N.2.1.1, N.2.5; TS 29.228 6.1.3, 6.2.
local check = require "check"
local dia = require "dia_peer"
local lab = require "lab"
local pcap = require "pcap"
local tables = require "tables"
local test = require "test"

local WHO, PASSWORD = "scscf." .. lab.domain, "correct horse 7!"
local ha1_of = { MD5 = "md5sum", ["SHA-256"] = "sha256sum" }

local dir = test.dir()

local user = lab.user

-- H(A1) as another program computes it.
local function ha1(u, password, algorithm)
  assert(fs.write(dir .. "/a1", u.impi .. ":" .. lab.domain .. ":" .. password))
  local code, out = proc.run({ ha1_of[algorithm or "MD5"], dir .. "/a1" })
  check.eq(code, 0)
  return out:match("^%x+")
end

local L = lab.start({ nodes = { "hss" }, subscribers = {},
  hss = { push = { retry = "1h" }, diameter = { tc = "50ms", answer = "2s" } } })
local socket = L.dir .. "/hss.sock"
local seen = {} -- every message, for tshark

local function add(name, words)
  local argv = { "subscriber", "add", "--impi", user(name).impi }
  table.move(words, 1, #words, #argv + 1, argv)
  L:hss_ok(argv)
end

local function keep(octets, from_server)
  seen[#seen + 1] = { octets = octets, from_server = from_server }
end

-- The S-CSCF.
local function scscf()
  local p = dia.open(L.cx, L.ip.other, WHO, lab.domain)
  local take, send = p.take, p.send
  p.take = function(self)
    local m = take(self)
    if m then
      keep(m.octets, true)
    end
    return m
  end
  p.send = function(self, m)
    local octets = type(m) == "string" and m or m:octets()
    keep(octets, false)
    return send(self, octets)
  end
  return p
end

local function mar(p, u, scheme, n)
  local m = dia.requests.MAR(WHO, lab.domain, u)
  m:replace("SIP-Auth-Data-Item", dia.item("SIP-Auth-Data-Item", { dia.item("SIP-Authentication-Scheme", scheme) }).octets)
  return p:ask(m:set("SIP-Number-Auth-Items", n or 1))
end

local function sar(p, u, kind)
  local m = p:ask(dia.requests.SAR(WHO, lab.domain, u):set("Server-Assignment-Type", kind))
  check.eq(m.result, 2001, "SAA")
end

local REGISTRATION, FAILURE = 1, 9

-- What a Digest item holds, by AVP.
local function digest_of(m)
  local items = m.avps:all("SIP-Auth-Data-Item")
  check.eq(#items, 1, "one item")
  local it, d = items[1], items[1]:get("SIP-Digest-Authenticate")
  check.eq(it:get("SIP-Authentication-Scheme"), "SIP Digest")
  for _, name in ipairs({ "Confidentiality-Key", "Integrity-Key", "SIP-Authenticate", "SIP-Authorization" }) do
    check.eq(#it:all(name), 0, name)
  end
  return { realm = d:get("Digest-Realm"), algorithm = d:get("Digest-Algorithm"), qop = d:get("Digest-QoP"), ha1 = d:get("Digest-HA1") }
end

local function answer(p, rq, result)
  p:send(dia.answer(rq, { "Session-Id", rq.avps:get("Session-Id"), "Vendor-Specific-Application-Id",
    { dia.item("Vendor-Id", 10415), dia.item("Auth-Application-Id", 16777216) }, "Auth-Session-State", 1, "Origin-Host", WHO,
    "Origin-Realm", lab.domain, "Result-Code", result }))
end

-- hss subscriber set, under way
local function set(name, words)
  local argv = { "subscriber", "set", user(name).impi }
  table.move(words, 1, #words, #argv + 1, argv)
  return async(function()
    local out, code, err = L:hss(argv)
    return { out = out, code = code, err = err }
  end)
end

local function stored(t, text)
  local r = t:wait(20)
  check.eq(r.code, 0, r.err)
  check.has(r.out, text)
  return r
end

local p = scscf()
add("carol", { "--password", PASSWORD })
assert(fs.write(dir .. "/password", PASSWORD .. "\n", "600"))
add("erin", { "--password-file", dir .. "/password", "--digest-algorithm", "SHA-256" })

test("MAA holds realm, algorithm, qop and H(A1), once, and no key", { "DIG-017", "DIG-018", "DIG-019" }, function()
  for name, algorithm in tables.ordered({ carol = "MD5", erin = "SHA-256" }) do
    for _, scheme in ipairs({ "SIP Digest", "Unknown" }) do
      local m = mar(p, user(name), scheme, 3)
      check.eq(m.result, 2001)
      check.eq(digest_of(m), { realm = lab.domain, algorithm = algorithm, qop = "auth", ha1 = ha1(user(name), PASSWORD, algorithm) })
    end
  end
end)

test("the flag is pending, registered, and falls back after a failure", { "DIG-015", "DIG-051" }, function()
  local u = user("erin")
  local function state()
    return L:state(u.impi)[u.impu].state
  end
  check.eq(state(), "authentication pending")
  sar(p, u, FAILURE)
  check.eq(state(), "not registered")
  mar(p, u, "SIP Digest")
  check.eq(state(), "authentication pending")
  sar(p, u, REGISTRATION)
  check.eq(state(), "registered")
  mar(p, u, "SIP Digest")
  sar(p, u, FAILURE)
  check.eq(state(), "registered")
end)

test("a new password is pushed at once and the command says so", { "DIG-061" }, function()
  sar(p, user("carol"), REGISTRATION)
  local mark, t = L:mark(), set("carol", { "--password", "another one" })
  local ppr = p:next()
  check.eq(ppr.name, "PPR")
  check.eq(ppr.avps:get("User-Name"), user("carol").impi)
  check.eq(ppr.avps:get("Destination-Host"), WHO)
  check.eq(#ppr.avps:all("User-Data"), 0)
  check.eq(digest_of(ppr), { realm = lab.domain, algorithm = "MD5", qop = "auth", ha1 = ha1(user("carol"), "another one") })
  check.eq(digest_of(mar(p, user("carol"), "Unknown")).ha1, ha1(user("carol"), "another one"), "it is in the store before")
  answer(p, ppr, 2001)
  stored(t, "pushed and accepted")
  L:verdict({ node = "hss", since = mark, cause = "password_pushed" })
end)

test("a refused push is named with its result, and nothing is tried again", {}, function()
  local mark, t = L:mark(), set("carol", { "--password", "third" })
  answer(p, p:next(), 5012)
  stored(t, "5012")
  L:verdict({ node = "hss", since = mark, cause = "push_refused" })
  check.eq(digest_of(mar(p, user("carol"), "Unknown")).ha1, ha1(user("carol"), "third"))
end)

test("on suspected compromise the registration is ended, and the reason tells the UE what to do", {}, function()
  for option, reason in tables.ordered({ ["--reauthenticate"] = 2, ["--deregister"] = 0 }) do
    local u = user("carol")
    mar(p, u, "Unknown")
    sar(p, u, REGISTRATION)
    local mark, t = L:mark(), set("carol", { "--password", "new" .. reason, option })
    local ppr = p:next()
    check.eq(ppr.name, "PPR")
    answer(p, ppr, 2001)
    local rtr = p:next()
    check.eq(rtr.name, "RTR")
    check.eq(rtr.avps:get("User-Name"), u.impi)
    check.eq(rtr.avps:get("Deregistration-Reason", "Reason-Code"), reason)
    check.eq(L:state(u.impi)[u.impu].state, "registered", "until the S-CSCF has answered")
    answer(p, rtr, 2001)
    stored(t, "the registration is over")
    L:verdict({ node = "hss", since = mark, cause = "deregistered_by_hss" })
    check.eq(L:state(u.impi)[u.impu], { impi = u.impi, impu = u.impu, state = "not registered", registered = false, pending = false })
    check.eq(digest_of(mar(p, u, "Unknown")).ha1, ha1(u, "new" .. reason))
  end
end)

test("an S-CSCF that is away is told when it is back", {}, function()
  sar(p, user("carol"), REGISTRATION)
  p:close()
  check.ok(wait_for(function() return L:cx_state("hss", "scscf") == "peer_lost" end, 20))
  stored(set("carol", { "--password", "fifth" }), "tried again for 600 s")
  p = scscf()
  local ppr = p:next()
  check.eq(digest_of(ppr).ha1, ha1(user("carol"), "fifth"))
  answer(p, ppr, 2001)
end)

test("without a running HSS the change is stored, and told when it runs again", {}, function()
  p:close()
  L:kill("hss", "KILL")
  stored(set("carol", { "--password", "sixth" }), "as soon as the HSS runs")
  L:start_node("hss")
  p = scscf()
  local ppr = p:next()
  check.eq(digest_of(ppr).ha1, ha1(user("carol"), "sixth"))
  answer(p, ppr, 2001)
  check.ok(wait_for(function()
    return #L:events("hss", { ev = "verdict", cause = "password_pushed" }) >= 3
  end, 20))
end)

-- hss subscriber remove, under way
local function remove(...)
  local argv = { "subscriber", "remove" }
  for _, name in ipairs({ ... }) do
    argv[#argv + 1] = user(name).impi
  end
  return async(function()
    local out, code, err = L:hss(argv)
    return { out = out, code = code, err = err }
  end)
end

local function terminated(rtr, name)
  check.eq(rtr.name, "RTR")
  check.eq(rtr.avps:get("User-Name"), user(name).impi)
  check.eq(rtr.avps:get("Deregistration-Reason", "Reason-Code"), 0, "PERMANENT_TERMINATION")
  check.eq(#rtr.avps:all("Public-Identity"), 0)
  check.eq(rtr.avps:get("Destination-Host"), WHO)
end

local function registered(name)
  add(name, { "--password", "x" })
  mar(p, user(name), "Unknown")
  sar(p, user(name), REGISTRATION)
end

test("the S-CSCF is told of who is removed, each once", {}, function()
  registered("dave")
  registered("dora")
  add("doris", { "--password", "x" })
  local mark, t = L:mark(), remove("dave", "doris", "dora")
  for _, name in ipairs({ "dave", "dora" }) do
    local rtr = p:next()
    terminated(rtr, name)
    check.eq(mar(p, user(name), "Unknown").result, 5001, "not in the store any more")
    answer(p, rtr, 2001)
  end
  local r = stored(t, "the registration is over")
  check.has(r.out, user("doris").impi .. ": removed; no S-CSCF serves it")
  check.eq(#L:events("hss", { ev = "verdict", cause = "deregistered_by_hss", since = mark.hss }), 2)
end)

test("an S-CSCF that is away is told of a removal when it is back, also by an HSS that was killed", {}, function()
  registered("dave")
  p:close()
  check.ok(wait_for(function() return L:cx_state("hss", "scscf") == "peer_lost" end, 20))
  check.has(stored(remove("dave"), "tried again for 600 s").out, "refused from now on")
  L:kill("hss", "KILL")
  L:start_node("hss")
  p = scscf()
  local rtr = p:next()
  terminated(rtr, "dave")
  p:close() -- without an answer
  p = scscf()
  rtr = p:next()
  terminated(rtr, "dave")
  answer(p, rtr, 2001)
  L:wait_event("hss", { ev = "verdict", cause = "deregistered_by_hss", impi = user("dave").impi })
end)

test("nobody is told of a user whom no S-CSCF has", {}, function()
  add("nobody", { "--password", "x" })
  local r = set("nobody", { "--password", "y" }):wait(20)
  check.eq({ r.code, r.err, r.out }, { 0, "", "" })
  check.has(set("nobody", { "--deregister" }):wait(20).out, "no S-CSCF serves it")
end)

test("names stored before there was a trust domain: --check-config fails and says whose, the start says it and serves them", { "TRUST-001" }, function()
  local name = ('IMPI %s in the store is outside of elsewhere.example'):format(user("carol").impi)
  L.conf.hss.trust_domain = "elsewhere.example"
  L:write_conf("hss")
  local out, code, err = L:hss("--check-config")
  check.eq(code, 1)
  check.has(out .. err, name)
  check.match(out .. err, "trust_domain: %d+ names in the store are outside of elsewhere%.example")
  p:close()
  L:restart("hss")
  p = scscf()
  check.has(L.procs.hss:log(), name)
  check.eq(mar(p, user("carol"), "Unknown").result, 2001)
  L.conf.hss.trust_domain = nil
  L:write_conf("hss")
  L:hss_ok("--check-config")
end)

test("no password and no H(A1) is in the logs and event streams", {}, function()
  for _, file in ipairs({ "hss.log", "hss.jsonl" }) do
    local text = fs.read(L.dir .. "/" .. file)
    check.ok(#text > 1000)
    for _, secret in ipairs({ PASSWORD, "another one", "fifth", ha1(user("carol"), "another one"), ha1(user("carol"), PASSWORD) }) do
      check.no(text:find(secret, 1, true), secret)
    end
  end
  check.eq(fs.stat(socket).mode, "600", "mode of the control socket")
end)

test("tshark finds nothing wrong in MAA, PPR and RTR", { "DIG-017", "DIG-061" }, function()
  local file = dir .. "/cx.pcap"
  p:close()
  pcap.diameter(file, seen)
  pcap.judge(file, seen)
  local rows = pcap.read(file, "diameter.cmd.code == 305 && diameter.flags.request == 1",
    { "diameter.User-Name", "diameter.3GPP-SIP-Authentication-Scheme", "diameter.Digest-Realm", "diameter.Digest-Qop", "diameter.Digest-HA1" })
  check.ok(#rows >= 5, #rows .. " PPRs")
  check.eq(rows[1], { user("carol").impi, "SIP Digest", lab.domain, "auth", ha1(user("carol"), "another one") })
  local maa = pcap.read(file, "diameter.cmd.code == 303 && diameter.flags.request == 0", { "diameter.Digest-Algorithm", "diameter.Digest-HA1" })
  check.ok(#maa >= 4)
  check.ok(#pcap.read(file, "diameter.cmd.code == 304 && diameter.flags.request == 1", { "diameter.Reason-Code" }) == 6)
end)

return test.finish()
