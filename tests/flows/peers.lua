-- SPDX-License-Identifier: BSD-3-Clause
-- Nodes that are away, and those who talk nonsense to them. Faults of HSS and S-CSCF: faults_*.lua.
local BIN = require "bin"
local check = require "check"
local faults = require "faults"
local lab = require "lab"
local tables = require "tables"
local test = require "test"

local L = lab.start({ taps = true, usual_waits = true })

test("I-CSCF is down", {}, function()
  local u = L:ue(1)
  L:kill("icscf", "KILL")
  faults.refused_in_time(L, u, "icscf_unreachable", "pcscf")
  L:restart("icscf")
  faults.registers(u, "after the I-CSCF is back")
  u:close()
end)

test("P-CSCF is down", {}, function()
  local u = L:ue(1, { transport = "tcp" })
  L:kill("pcscf", "KILL")
  local r = u:register({})
  check.eq(r.verdict, "unreachable")
  L:restart("pcscf")
  faults.registers(u, "after the P-CSCF is back")
  u:close()
end)

-- --- nonsense ---

local TEMPLATE = [[
  REGISTER sip:${domain} SIP/2.0
  Via: ${via}
  Max-Forwards: 70
  From: <sip:001010000000001@${domain}>;tag=a
  To: <sip:001010000000001@${domain}>
  Call-ID: ${call_id}
  CSeq: 1 REGISTER
  Contact: <sip:001010000000001@${contact}>
  Expires: 600
  Authorization: Digest username="001010000000001@${domain}",realm="${domain}",uri="sip:${domain}",nonce="",response=""
  Content-Length: 0]]

local function template(e)
  return sip.message(TEMPLATE, { domain = L.domain, via = e:via(), call_id = random.token(), contact = e.addr })
end

local broken = {
  ["no From"] = function(m) m:remove("From") end,
  ["no To"] = function(m) m:remove("To") end,
  ["no Call-ID"] = function(m) m:remove("Call-ID") end,
  ["no CSeq"] = function(m) m:remove("CSeq") end,
  ["CSeq of another method"] = function(m) m:set("CSeq", "1 INVITE") end,
  ["CSeq too large"] = function(m) m:set("CSeq", "99999999999 REGISTER") end,
  ["To is no address"] = function(m) m:set("To", "<<<>>>") end,
  ["To is a mail address"] = function(m) m:set("To", "<mailto:a@b>") end,
  ["Contact is no address"] = function(m) m:set("Contact", "<sip:") end,
  ["Expires is a word"] = function(m) m:set("Expires", "soon") end,
  ["Authorization cut"] = function(m) m:set("Authorization", 'Digest username="') end,
  ["Authorization empty"] = function(m) m:set("Authorization", "") end,
  ["username without realm"] = function(m) m:change_auth(function(a) a:set("username", "nobody") end) end,
  ["username twice"] = function(m) m:set("Authorization", m:get("Authorization") .. ',username="x"') end,
  ["username with a zero octet"] = function(m) m:change_auth(function(a) a:set("username", "a\0b@c") end) end,
  ["nonce of one octet"] = function(m) m:change_auth(function(a) a:set("nonce", "AA=="):set("response", ("0"):rep(32)) end) end,
  ["response to nothing"] = function(m)
    m:change_auth(function(a) a:set("nonce", base64.encode(random.octets(32))):set("response", ("0"):rep(32)) end)
  end,
  ["auts to nothing"] = function(m)
    m:change_auth(function(a) a:set("nonce", base64.encode(random.octets(32))):set("auts", base64.encode(random.octets(14))) end)
  end,
  ["another SIP"] = function(m) m.version = "SIP/7.0" end,
  ["Content-Length too large"] = function(m) m.fixed_length = true; m:set("Content-Length", "5000") end,
  ["Content-Length negative"] = function(m) m.fixed_length = true; m:set("Content-Length", "-1") end,
  ["Max-Forwards 0"] = function(m) m:set("Max-Forwards", "0") end,
  ["Require of something unknown"] = function(m) m:add("Require", "telepathy") end,
  ["a hundred contacts"] = function(m)
    for i = 1, 100 do
      m:add("Contact", "<sip:c" .. i .. "@192.0.2.1>")
    end
  end,
  ["another network"] = function(m) m.uri = "sip:ims.mnc999.mcc999.3gppnetwork.org" end,
  ["a Route of its own"] = function(m) m:add("Route", "<sip:192.0.2.1;lr>") end,
  ["a header of 20 kB"] = function(m) m:add("X-Long", ("x"):rep(20000)) end,
}
-- What cannot be answered: its sender cannot be found in it.
local unanswerable = { ["no From"] = true, ["no To"] = true, ["no Call-ID"] = true, ["no CSeq"] = true, ["CSeq too large"] = true,
  ["Content-Length too large"] = true, ["a Route of its own"] = true, ["CSeq of another method"] = true,
  ["Content-Length negative"] = true }

test("malformed REGISTERs are answered and hurt nobody", {}, function()
  for name, change in tables.ordered(broken) do
    local e = assert(sip.endpoint({ addr = L.ip.other .. ":0" }))
    local m = template(e)
    change(m)
    local start = now()
    assert(e:send(m, L.sip.pcscf))
    local r = e:recv({ timeout = unanswerable[name] and 0.3 or faults.WAIT_S, match = function(x)
      return x.status and x.status >= 200
    end })
    if r then
      check.between(r.status, 400, 599, name)
    elseif not unanswerable[name] then
      error(name .. ": no answer within " .. now() - start .. " s")
    end
    e:close()
  end
  local u = L:ue(1)
  faults.registers(u, "after all that")
  u:close()
end)

test("octets that are no SIP hurt nobody", {}, function()
  local e, t = assert(sip.endpoint({ addr = L.ip.other .. ":0" })), assert(sip.endpoint({ transport = "tcp" }))
  for _, octets in ipairs({ "", "\r\n\r\n", "\0", ("\255"):rep(2000), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "REGISTER",
    "REGISTER sip:a SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", "SIP/2.0 999999 x\r\nVia: x\r\n\r\n", random.octets(1400),
    ("Via: SIP/2.0/UDP x\r\n"):rep(500) }) do
    for _, to in ipairs({ L.sip.pcscf, L.sip.icscf, L.sip.scscf }) do
      e:send(octets, to)
      t:send(octets, to)
    end
  end
  local u = L:ue(1)
  faults.registers(u, "after all that")
  for _, node in ipairs({ "hss", "icscf", "scscf", "pcscf" }) do
    check.ok(L.procs[node]:running(), node)
  end
  u:close()
  e:close()
  t:close()
end)

test("the command registers, holds and de-registers", {}, function()
  local s = L.subscribers[1]
  local env = { QUINTET_PCSCF = L.sip.pcscf, QUINTET_UE_STATE = L.dir .. "/ue" }
  local who = { "--impi", s.imsi .. "@" .. L.domain, "--k", s.k, "--opc", s.opc }
  for _, transport in ipairs({ "udp", "tcp" }) do
    local code, out, err = proc.run({ BIN .. "/ue", "register", env = env, "--transport", transport, table.unpack(who) })
    check.eq(code, 0, out .. err)
    check.has(out, "registered: sip:")
    check.has(out, "<tel:+15550001>")
    check.eq(L:state(s.imsi)["tel:+15550001"].state, "registered")
    code, out = proc.run({ BIN .. "/ue", "deregister", env = env, "--transport", transport, table.unpack(who) })
    check.eq(code, 0, out)
    check.eq(L:state(s.imsi)["tel:+15550001"].state, "not registered")
  end
  local p = assert(proc.spawn({ BIN .. "/ue", "register", "--hold", "--json", env = env, stdout = L.dir .. "/hold",
    stderr = L.dir .. "/hold", table.unpack(who) }))
  check.ok(wait_for(function() return p:log():match('"registered"') end, 20))
  check.eq(L:state(s.imsi)["tel:+15550001"].state, "registered")
  p:kill("INT")
  check.eq(p:wait(20), 0)
  check.eq(L:state(s.imsi)["tel:+15550001"].state, "not registered")
end)

return test.finish()
