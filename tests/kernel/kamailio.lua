-- SPDX-License-Identifier: BSD-3-Clause
-- Our phone under IPsec with a P-CSCF that nobody here wrote: Kamailio with its module ims_ipsec_pcscf, before our I-CSCF, S-CSCF
-- and HSS. It reads Security-Client, writes Security-Server, makes keys and associations by itself: where both kernels agree and
-- packets pass, two readings of TS 33.203 are one.
local check = require "check"
local gm = require "gm"
local lab = require "lab"
local tables = require "tables"
local test = require "test"
local wire = require "wire"
local xfrm = require "xfrm"

local PATH = os.getenv("PATH") .. ":/usr/sbin"
local CLIENT, SERVER, PORTS = 6201, 6301, 16 -- a port of each for every set
local START_S, END_S = 30, 10

if proc.run({ "env", "PATH=" .. PATH, "sh", "-c", "command -v kamailio && ls /usr/lib/*/kamailio/modules/ims_ipsec_pcscf.so" }) ~= 0 then
  print("SKIP kernel.kamailio: no Kamailio with ims_ipsec_pcscf (Debian packages kamailio, kamailio-ims-modules)")
  return 0
end

local L = lab.start({ kernel = true, ipv6 = true, nodes = { "hss", "icscf", "scscf" },
  scscf = { registration = { unprotected_response = "refuse", reauthenticate = "always" } } })
local dir = assert(fs.tmpdir())
local keylog, log = dir .. "/esp_sa", dir .. "/log"

local function start()
  local words = { PCSCF = L.ip.pcscf, PCSCF6 = L.pcscf6:match("%[(.*)%]"), ICSCF = L.sip.icscf, SCSCF = L.sip.scscf,
    NAME = "pcscf." .. L.domain, DOMAIN = L.domain, CLIENT = CLIENT, SERVER = SERVER, PORTS = PORTS }
  local text = fs.read(os.getenv("QUINTET_ROOT") .. "/tests/kernel/kamailio/kamailio.cfg"):gsub("@(%u+6?)@", words)
  assert(fs.write(dir .. "/cfg", text, "600"))
  local p = assert(proc.spawn({ "ip", "netns", "exec", "core", "env", "PATH=" .. PATH, "kamailio", "-DD", "-E", "-m", "32", "-M", "4",
    "-Y", dir, "-f", dir .. "/cfg", stdout = log, stderr = log, name = "kamailio" }))
  test.finally("kamailio_ends", function()
    p:kill("TERM")
    check.ok(p:wait(END_S), "on SIGTERM")
    fs.remove(dir)
  end)
  table.insert(test.on_failure, function()
    io.stderr:write("--- last lines of kamailio\n", lab.tail(fs.read(log) or "", 30), "\n")
  end)
  check.ok(wait_for(function()
    local _, out = proc.run({ "ip", "netns", "exec", "core", "ss", "-Hltn" })
    return out:find((":%d "):format(SERVER + PORTS - 1))
  end, START_S), "Kamailio listens")
end

test("kamailio_starts", start)

-- A phone at the n-th address, one for each test: Kamailio keeps what an address offered last until that is old. Its module takes a
-- REGISTER with port 5060 in Via for an initial one.
local function phone(at, o)
  local v6 = o.v6
  local t = { ipsec = "required", modes = { "trans" }, transport = o.transport or "udp", keylog = keylog,
    suites = { o.suite or "hmac-sha-1-96/aes-cbc" } }
  t.local_addr = v6 and ("[%s]:5060"):format(L.phones6[at]) or L.phones[at] .. ":5060"
  t.pcscf = v6 and L.pcscf6 or nil
  return L:ue(o.n or 1, t), v6 and L.phones6[at] or L.phones[at]
end

-- What a challenged REGISTER and its 401 agreed on, read in their fields.
local function agreed(r)
  check.eq(#r.steps, 2, "challenged")
  local client, server, s = r.steps[1].request:values("Security-Client"), r.steps[1].response:values("Security-Server"), {}
  check.eq({ #client, #server }, { 1, 1 })
  for _, name in ipairs({ "spi", "port" }) do
    for _, side in ipairs({ "c", "s" }) do
      s[name .. "_u" .. side] = tonumber(client[1]:match(name .. "%-" .. side .. "=(%d+)"))
      s[name .. "_p" .. side] = tonumber(server[1]:match(name .. "%-" .. side .. "=(%d+)"))
    end
  end
  check.eq(r.steps[2].request:values("Security-Verify"), server)
  return s
end

-- By who sends: {SPI, source port, destination port}
local function ways(s)
  return { uc_ps = { s.spi_ps, s.port_uc, s.port_ps }, ps_uc = { s.spi_uc, s.port_ps, s.port_uc },
    pc_us = { s.spi_us, s.port_pc, s.port_us }, us_pc = { s.spi_pc, s.port_us, s.port_pc } }
end

local function by_spi(ns)
  local out = {}
  for _, st in ipairs(xfrm.states(ns)) do
    out[st.spi] = st
  end
  return out
end

-- Both kernels have the four associations of a set, and the same ones. carried: ways that carried something. Kamailio leaves
-- the zero octets off that make IK the key of HMAC-SHA-1 (Annex I); HMAC adds them again.
local function check_both(s, r, suite, carried)
  local core, phones = by_spi("core"), by_spi("phones")
  for way, w in tables.ordered(ways(s)) do
    local theirs, ours = check.ok(core[w[1]], "Kamailio has " .. way), check.ok(phones[w[1]], "the phone has " .. way)
    for name, st in tables.ordered({ kamailio = theirs, phone = ours }) do
      check.eq({ st.sel.sport, st.sel.dport, st.sel.proto, st.mode, st.auth }, { w[2], w[3], nil, "transport", "hmac(sha1)" }, name)
    end
    check.eq({ theirs.src, theirs.dst }, { ours.src, ours.dst })
    check.eq({ theirs.auth_key, ours.auth_key }, { "0x" .. r.challenge.ik, theirs.auth_key .. "00000000" }, "IK_ESP")
    if suite:match("aes%-cbc") then
      check.eq({ theirs.enc, theirs.enc_key, ours.enc, ours.enc_key }, { ours.enc, "0x" .. r.challenge.ck, "cbc(aes)", theirs.enc_key }, "CK_ESP")
    else
      check.match(theirs.text, "cipher_null")
      check.eq(ours.enc_key, nil)
    end
    check.eq({ theirs.packets, theirs.bytes }, { ours.packets, ours.bytes }, way .. " lost nothing")
    check.eq({ theirs.failed, theirs.replay, ours.failed, ours.replay }, { 0, 0, 0, 0 })
    check.eq(ours.packets > 0, carried[way] or false, "traffic on " .. way)
  end
end

local UDP, TCP = { uc_ps = true, pc_us = true }, { uc_ps = true, ps_uc = true }

-- What passed since the capture began: in clear the first REGISTER and its 401 (or what was sent again of them), each other packet on
-- the way of its transport in one of these sets. -> SIP messages that were read with the phone's keys
local function check_wire(c, address, sets, transport)
  local known, protected, first = {}, 0, nil
  for _, s in ipairs(sets) do
    local w = ways(s)
    known[w.uc_ps[1]] = { true, w.uc_ps[2], w.uc_ps[3] }
    local back = transport == "tcp" and w.ps_uc or w.pc_us
    known[back[1]] = { false, back[2], back[3] }
  end
  for _, p in ipairs(gm.packets(c, keylog)) do
    if p.spi then
      check.ok(p.icv_good, "verified with the phone's keys")
      check.eq({ p.from == address, p.sport, p.dport }, known[p.spi] or {}, "a way that TS 33.203 7.1 has")
      protected = protected + ((p.method or p.status) and 1 or 0)
    elseif p.method or p.status then
      first = first or p
      check.eq({ p.cseq, p.call_id, p.method or p.status == 401 and "REGISTER" }, { first.cseq, first.call_id, "REGISTER" }, "in clear")
    end
    check.no(p.malformed)
  end
  c:close()
  return protected
end

local function gone(address)
  return wait_for(function()
    for _, st in ipairs(xfrm.states("phones")) do
      if st.src == address or st.dst == address then
        return false
      end
    end
    return true
  end, 20)
end

-- A registration, its renewal with a challenge, which comes on the old associations, and its end.
local function life(at, o)
  local u, address = phone(at, o)
  local suite, transport = o.suite or "hmac-sha-1-96/aes-cbc", o.transport or "udp"
  local carried = transport == "tcp" and TCP or UDP
  local c = wire.capture({ filter = "host " .. address })
  local r = u:register({ expires = 600 })
  check.eq(r.verdict, "registered", r.text)
  local first = agreed(r)
  check.between(first.port_ps, SERVER, SERVER + PORTS)
  check.between(first.port_pc, CLIENT, CLIENT + PORTS)
  check.hasnt(r.steps[1].response:text(), "ck=", "CK stays at the P-CSCF")
  check_both(first, r, suite, carried)
  r = u:reregister({ expires = 600 })
  check.eq(r.verdict, "refreshed", r.text)
  local second = agreed(r)
  check.eq({ second.port_us, second.port_ps }, { first.port_us, first.port_ps }, "TS 33.203 7.4: server ports stay")
  check.ok(second.port_uc ~= first.port_uc and second.port_pc ~= first.port_pc and second.spi_ps ~= first.spi_ps, "a set of its own")
  check_both(second, r, suite, carried)
  r = u:deregister()
  check.eq(r.verdict, "deregistered", r.text)
  check.ok(gone(address), "the phone keeps no association")
  check.eq(check_wire(c, address, { first, second, agreed(r) }, transport), 10, "SIP of three procedures on associations")
  u:close()
end

test("udp", { "KEY-001", "KEY-002", "KEY-006", "SECAGREE-029" }, function()
  life(1, { transport = "udp" })
end)

test("without_encryption", function()
  life(2, { suite = "hmac-sha-1-96/null" })
end)

test("tcp", function()
  life(3, { transport = "tcp" })
end)

test("ipv6", function()
  life(1, { v6 = true })
end)

-- Requests and answers of both: each side sends from its client port to the other's server port.
test("messages_both_ways", { "SA-035" }, function()
  local u, address = phone(4, { n = 1 })
  local v = phone(2, { v6 = true, n = 2 })
  local r = u:register({ expires = 600 })
  check.eq(r.verdict, "registered", r.text)
  check.eq(v:register({ expires = 600 }).verdict, "registered")
  local s = agreed(r)
  local c = wire.capture({ filter = "host " .. address })
  for _, way in ipairs({ { u, v }, { v, u } }) do
    local t = async(way[1].message, way[1], { to = way[2].default_impu })
    check.ok(way[2]:expect_request({ method = "MESSAGE" }), "the MESSAGE arrives"):reply(200)
    check.eq(check.ok(t:wait(5)).status, 200)
  end
  check_both(s, r, "hmac-sha-1-96/aes-cbc", UDP)
  check.eq(check_wire(c, address, { s }, "udp"), 4, "two requests and two answers on associations")
  check.eq(u:deregister().verdict, "deregistered")
  check.eq(v:deregister().verdict, "deregistered")
  u:close()
  v:close()
end)

return test.finish()
