-- SPDX-License-Identifier: BSD-3-Clause
-- Our phone over TLS at four real nodes, in both variants (TS 33.203 Annex O), with an ear on the wires of the core; through an
-- HTTP proxy, too (W.3.1.2).
local BIN = require "bin"
local check = require "check"
local lab = require "lab"
local pki = require "pki"
local proxy = require "http_proxy"
local tables = require "tables"
local test = require "test"

local PASSWORD = "correct horse 7!"
local NAME = "pcscf." .. lab.domain
local ALICE = lab.user("alice", PASSWORD, { impi = lab.identity("alice_private") })
local BOB = lab.user("bob", PASSWORD, { impi = lab.identity("bob_private"), digest_algorithm = "SHA-256" })

local dir, root, cert = pki.lab(NAME)

local L = lab.start({ taps = true, subscribers = { ALICE, BOB }, pcscf = { access = { type = "other" } },
  configure = function(l)
    l:gm_tls(root, cert, { 5061, 4443 }, { max_version = "1.2" }) -- 4443 for 443, which wants root
    l.conf.pcscf.control = { socket = l.dir .. "/pcscf.sock" }
    l.conf.pcscf.sip.t1, l.conf.pcscf.sip.t2 = "10s", "10s" -- what goes to the core is compared: nothing is said twice on a slow machine
  end })

local variants = { first = { transport = "tls" }, agreed = { security = "tls" } }

local function phone(s, o)
  return assert(ue.new(tables.with({ impi = s.impi, impu = s.impu, password = s.password, pcscf = L.ip.pcscf .. ":5060", tls_port = 5061,
    local_addr = L.ip.ue .. ":0", tls_ca = root.certificate, tls_name = NAME, t1_ms = 200, secure_only = true }, o)))
end

for variant, options in tables.ordered(variants) do
  test("registers, refreshes and leaves: " .. variant, { "TLS-016", "TLS-019", "TLS-027", "TLS-042" }, function()
    local u = phone(ALICE, options)
    local r = u:register({ expires = 600 })
    check.eq(r.verdict, "registered", r.why)
    check.eq(#r.steps, 2)
    check.eq(r.auth_info, "good")
    check.eq(r.steps[1].response:get("Security-Server") ~= nil, variant == "agreed")
    r = u:reregister({ expires = 600 })
    check.eq(r.verdict, "refreshed", r.why)
    check.eq(u:tls().connections, 1)
    r = u:message({ to = BOB.impu, body = "hello" })
    check.ok(r.status >= 400, "bob is not there, and that is said")
    check.eq(u:deregister().verdict, "deregistered")
    check.ok(wait_for(function() return not u:tls().up end, 20))
    u:close()
  end)

  test("requests towards the phone use its connection: " .. variant, {}, function()
    local a, b = phone(ALICE, options), phone(BOB, options)
    check.eq(a:register({ expires = 600 }).verdict, "registered")
    check.eq(b:register({ expires = 600 }).verdict, "registered")
    local t = async(a.message, a, { to = BOB.impu, body = "hello" })
    local rq = check.ok(b:expect_request({ method = "MESSAGE" }), "it comes")
    rq:reply(200)
    check.eq(t:wait(20).status, 200)
    check.eq(b:tls().connections, 1)
    a:deregister()
    b:deregister()
    a:close()
    b:close()
  end)

  test("the phone comes back when the P-CSCF was restarted: " .. variant, { "TLS-037", "TLS-048" }, function()
    local u = phone(ALICE, options)
    check.eq(u:register({ expires = 600 }).verdict, "registered")
    L:kill("pcscf")
    L:start_node("pcscf")
    check.ok(wait_for(function() return u:tls().lost == 1 end, 20))
    local r = u:register({ expires = 600 })
    check.eq(r.verdict, "registered", r.why)
    check.eq(u:tls().connections, 2)
    u:deregister()
    u:close()
  end)
end

test("a wrong password: 4xx inside, and both ends close", { "TLS-031" }, function()
  local u = phone(ALICE, { transport = "tls", password = "wrong" })
  local r = u:register({ expires = 600 })
  check.eq(r.registered, false)
  check.ok(r.status >= 400 and r.status < 500, r.status)
  check.eq(u:tls().up, false)
  u:close()
end)

test("renegotiation within a registration", { "TLS-036" }, function()
  local u = phone(ALICE, { transport = "tls" })
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  local out = L:run_ok("pcscf", { "renegotiate", ALICE.impi })
  check.ok(wait_for(function() return u:tls().handshakes == 2 end, 20), out)
  check.eq(u:reregister({ expires = 600 }).verdict, "refreshed")
  check.eq(u:tls().connections, 1)
  u:deregister()
  u:close()
end)

-- Text without what is drawn anew each time: random words (a nonce, which is base64, may be without a digit), ports, times.
local function constant(text)
  return (text:gsub('nonce="[^"]+"', 'nonce="#"'):gsub("[%w+/_%-]+=*", function(word)
    return #word >= 8 and word:match("%d") and "#" or nil
  end):gsub(":%d%d%d%d%d?%f[%D]", ":PORT"):gsub("(%d+:%d+:%d+[%.%d]*)", "TIME"):gsub('("%a+_s":)%d+', "%1SECONDS"))
end

-- One registration, by CONNECT or not, and all that the P-CSCF has, does and says of it.
local function observed(through)
  local mark, mw = L:mark(), L.mw_pi:mark()
  local logged = #L.procs.pcscf:log()
  fs.remove(L.dir .. "/ue.out")
  local argv = { BIN .. "/ue", "register", "--impi", ALICE.impi, "--impu",
    ALICE.impu, "--password", PASSWORD, "--pcscf", L.ip.pcscf .. ":1", "--tls-port", "1", "--local", L.ip.ue, "--timeout", "5",
    "--tls-ca", root.certificate, "--tls-name", NAME, "--firewall-traversal", "--traversal-port", "4443", "--hold", "--json",
    env = { QUINTET_UE_STATE = dir }, stdout = L.dir .. "/ue.out", stderr = L.dir .. "/ue.err" }
  if through then
    table.move({ "--http-proxy", through.addr }, 1, 2, #argv + 1, argv)
  end
  local p = assert(proc.spawn(argv))
  local function rows_are(n)
    local rows
    check.ok(wait_for(function()
      rows = L:run_ok("pcscf", "status --json")
      return #json.decode(rows) == n
    end, 20), n .. " registered: " .. (fs.read(L.dir .. "/ue.err") or ""))
    return rows
  end
  local rows = rows_are(1)
  check.ok(wait_for(function() return (fs.read(L.dir .. "/ue.out") or ""):match('"registered"') end, 20), "the phone knows it as well")
  p:kill("TERM")
  check.eq(p:wait(20), 0)
  rows_are(0)
  local seen = { status = constant(rows), to_core = {}, events = {}, log = {} }
  for i, m in ipairs(L.mw_pi:since(mw, function() return true end)) do
    seen.to_core[i] = constant(m:text())
  end
  for i, e in ipairs(L:events("pcscf", { since = mark })) do
    e.t, e.index = nil, nil
    local names = {}
    for k, v in pairs(e) do
      names[#names + 1] = k .. "=" .. constant(type(v) == "table" and json.encode(v) or tostring(v))
    end
    table.sort(names)
    seen.events[i] = table.concat(names, " ")
  end
  for line in L.procs.pcscf:log():sub(logged + 1):gmatch("[^\n]+") do
    seen.log[#seen.log + 1] = constant(line:gsub("^%S+ ", ""))
  end
  return seen
end

-- CONNECT is nothing the P-CSCF sees: what comes to it is TLS from the first octet on, and what it keeps, says to the phone and to the
-- core, tells in its events and writes into its log is word by word the same.
test("with and without an HTTP proxy it is the same at the P-CSCF", { "FW-005", "FW-006", "FW-009", "FW-010" }, function()
  local between = proxy(nil, L.ip.ue .. ":0")
  local direct, through = observed(), observed(between)
  check.eq(#between.log, 1)
  check.match(between.log[1].head, "^CONNECT ")
  check.match(between.first, "^\22\3", "a handshake record, nothing before it")
  check.above(#direct.to_core, 1)
  check.above(#direct.events, 5)
  check.above(#direct.log, 0)
  for _, what in ipairs({ "status", "to_core", "events", "log" }) do
    check.eq(through[what], direct[what], what)
  end
  between:close()
  -- where the proxy has an address of its own the P-CSCF sees that one, as of any address translator: such a difference is noticed here
  between = proxy(nil, L.ip.other .. ":0")
  local elsewhere = observed(between)
  check.ne(elsewhere.status, direct.status)
  check.ne(elsewhere.events, direct.events)
  between:close()
end)

return test.finish()
