-- SPDX-License-Identifier: BSD-3-Clause
-- A registration under IPsec as phones do it: every suite, both transports, IPv4 and IPv6; what is on the wire and in the kernels
-- of both ends, judged by tshark and iproute2.
local check = require "check"
local gm = require "gm"
local tables = require "tables"
local test = require "test"
local wire = require "wire"
local xfrm = require "xfrm"

local L = gm.lab({ pcscf = { sip = { t1 = "100ms", t4 = "200ms" }, security = { algorithms = { "hmac-sha-1-96/aes-cbc", "null/aes-gcm", "hmac-sha-1-96/null",
  "aes-gmac/null" } } } })

local function phone(n, o)
  local t = { ipsec = "required", transport = "udp" }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  if t.v6 then
    t.local_addr, t.pcscf, t.v6 = "[" .. L.phones6[t.at or 1] .. "]:0", L.pcscf6, nil
  elseif t.at then
    t.local_addr = L.phones[t.at] .. ":0"
  end
  t.at = nil
  return L:ue(n, t)
end

local registered = gm.registered

-- The kernel's account of a phone's four SAs, by who sends: uc_ps, ps_uc, pc_us, us_pc.
local function states(ns, s)
  return { uc_ps = xfrm.state(ns, s.spi_ps), ps_uc = xfrm.state(ns, s.spi_uc), pc_us = xfrm.state(ns, s.spi_us), us_pc = xfrm.state(ns, s.spi_pc) }
end

local function gone(ns)
  return wait_for(function()
    return #xfrm.states(ns) == 0
  end, 20)
end

local KERNEL = {
  ["hmac-sha-1-96/aes-cbc"] = { auth = "hmac(sha1)", enc = "cbc(aes)" },
  ["hmac-sha-1-96/null"] = { auth = "hmac(sha1)" },
  ["null/aes-gcm"] = { aead = "rfc4106(gcm(aes))" },
  ["aes-gmac/null"] = { aead = "rfc4543(gcm(aes))" },
}

-- The key material of Annex I, from CK and IK as the card has them.
local function keys_of(suite, r)
  local ck, ik = r.challenge.ck, r.challenge.ik
  if suite == "hmac-sha-1-96/aes-cbc" then
    return { auth_key = "0x" .. ik .. "00000000", enc_key = "0x" .. ck }
  elseif suite == "hmac-sha-1-96/null" then
    return { auth_key = "0x" .. ik .. "00000000" }
  end
  return { aead_key = "^0x" .. (suite == "null/aes-gcm" and ck or ik) .. "%x%x%x%x%x%x%x%x$" }
end

local function check_states(suite, s, r, v6)
  for _, ns in ipairs({ "core", "phones" }) do
    local t, reqid = states(ns, s), nil
    for way, want in tables.ordered({ uc_ps = { s.port_uc, s.port_ps }, ps_uc = { s.port_ps, s.port_uc }, pc_us = { s.port_pc, s.port_us },
      us_pc = { s.port_us, s.port_pc } }) do
      local st = check.ok(t[way], ns .. " has " .. way)
      check.eq(st.mode, "transport")
      check.eq({ st.sel.sport, st.sel.dport }, want, "ports of the selector")
      check.eq(st.sel.proto, nil, "UDP and TCP share")
      check.eq({ st.auth, st.enc, st.aead }, { KERNEL[suite].auth, KERNEL[suite].enc, KERNEL[suite].aead })
      check.above(st.replay_window, 31, "anti-replay is on")
      check.eq(st.hard_add_s, 4294967295, "the fixed duration of 7.1")
      reqid = reqid or st.reqid
      check.eq(st.reqid, reqid, "one number for the set")
      local k = keys_of(suite, r)
      if k.auth_key then
        check.eq(st.auth_key, k.auth_key, "IK_ESP")
      end
      if k.enc_key then
        check.eq(st.enc_key, k.enc_key, "CK_ESP")
      end
      if k.aead_key then
        check.match(st.aead_key, k.aead_key, "key and salt")
      end
      local ue_side = (way == "uc_ps" or way == "us_pc") and st.src or st.dst
      check.eq(ue_side, v6 and L.phones6[1] or L.phones[1])
    end
  end
end

for _, family in ipairs({ "v4", "v6" }) do
  for suite in tables.ordered(KERNEL) do
    local ids = { ["hmac-sha-1-96/aes-cbc"] = { "AKA-028", "SA-017", "SA-018", "SA-013", "SA-014", "SA-026", "SA-012", "SA-023", "SA-025", "KEY-001", "KEY-002", "KEY-006" },
      ["null/aes-gcm"] = { "SA-014", "KEY-007", "KEY-009", "SECAGREE-033" },
      ["aes-gmac/null"] = { "KEY-003", "KEY-005", "SECAGREE-032" }, ["hmac-sha-1-96/null"] = { "SECAGREE-012" } }
    test("suite_" .. suite:gsub("/", "_") .. "_" .. family, family == "v4" and ids[suite] or {}, function()
      local u = phone(1, { v6 = family == "v6", suites = { suite } })
      local c = wire.capture({ filter = "esp" })
      local r = registered(u)
      local s = u:security()
      check.eq(s.suite, suite)
      for _, name in ipairs({ "ik", "ck" }) do -- the P-CSCF keeps them for itself
        check.eq(r.steps[1].response:auth()[name], nil)
        check.hasnt(r.steps[1].response:text():lower(), r.challenge[name]:lower())
      end
      check.eq(#xfrm.states("core"), 4)
      check_states(suite, s, r, family == "v6")
      check.eq(u:deregister().verdict, "deregistered")
      local seen = 0
      for _, p in ipairs(gm.packets(c, L.keylog, "esp")) do
        check.ok(p.spi == s.spi_ps or p.spi == s.spi_uc or p.spi == s.spi_us or p.spi == s.spi_pc, "an announced SPI")
        if suite ~= "aes-gmac/null" then -- tshark does not know that transform
          check.ok(p.icv_good, "tshark verifies the packet with the logged keys")
          check.no(p.malformed)
          seen = seen + (p.method and 1 or 0)
        end
      end
      if suite ~= "aes-gmac/null" then
        check.above(seen, 1, "REGISTERs that tshark reads")
      else -- integrity alone: the SIP stands there, behind SPI, sequence number and IV of 8 octets (RFC 4543)
        local clear = 0
        for _, f in ipairs(c:frames()) do
          clear = clear + (f.octets:find("REGISTER sip:", 1, true) and 1 or 0)
        end
        check.above(clear, 1)
      end
      c:close()
      u:close()
      check.ok(gone("core"), "nothing is left in the core")
      check.ok(gone("phones"), "nothing is left at the phone")
    end)
  end
end

test("nothing_in_clear_after_the_challenge", { "SA-001", "SA-009", "SA-010", "SA-053", "SA-011" }, function()
  for _, transport in ipairs({ "udp", "tcp" }) do
    local u, v = phone(1, { transport = transport }), phone(2, { at = 2, transport = transport })
    local c = wire.capture({ filter = "host " .. L.phones[1] })
    registered(u)
    registered(v)
    local t = async(u.message, u, { to = v.default_impu })
    check.ok(v:expect_request({ method = "MESSAGE" })):reply(200)
    check.eq(t:wait(5).status, 200)
    t = async(v.message, v, { to = u.default_impu })
    check.ok(u:expect_request({ method = "MESSAGE" })):reply(200)
    check.eq(t:wait(5).status, 200)
    check.eq(u:reregister({ expires = 600 }).verdict, "refreshed")
    check.eq(u:deregister().verdict, "deregistered")
    local packets, challenged, protected = gm.packets(c, L.keylog), false, 0
    for _, p in ipairs(packets) do
      if p.spi then
        check.ok(p.icv_good, "tshark verifies it")
        check.ne(p.row["esp.protocol"], "59", "no dummy packet")
        protected = protected + ((p.method or p.status) and 1 or 0)
      elseif p.method or p.status then
        check.no(challenged, "SIP in clear after the 401: " .. (p.method or p.status))
        check.ok(p.method == "REGISTER" or p.status, "the first REGISTER and its 401")
        challenged = challenged or p.status == 401
      end
      check.no(p.malformed, "well formed inside")
    end
    check.ok(challenged)
    check.above(protected, 9)
    local messages = {}
    for _, p in ipairs(gm.sip(packets, "MESSAGE")) do
      messages[p.call_id] = true -- copies are none
    end
    check.ok(next(messages) and next(messages, next(messages)), "both MESSAGEs")
    c:close()
    u:close()
    v:close()
  end
end)

test("ports_over_udp", { "SA-029", "SA-035", "SA-098", "SA-097", "SECAGREE-029", "SA-033" }, function()
  local u, v = phone(1, { udp_max = 4000 }), phone(2, { at = 2, udp_max = 4000 })
  local c = wire.capture({ filter = "host " .. L.phones[1] })
  registered(u)
  registered(v)
  local s = u:security()
  local t = async(v.message, v, { to = u.default_impu })
  check.ok(u:expect_request({ method = "MESSAGE" })):reply(200)
  check.eq(t:wait(5).status, 200)
  local n = { ue = 0, pcscf = 0 }
  for _, p in ipairs(gm.sip(gm.packets(c, L.keylog, "esp && udp"))) do
    if p.from == L.phones[1] then
      n.ue = n.ue + 1
      check.eq({ p.sport, p.dport, p.spi }, { s.port_uc, s.port_ps, s.spi_ps }, "what the UE sends")
    else
      n.pcscf = n.pcscf + 1
      check.eq({ p.sport, p.dport, p.spi }, { s.port_pc, s.port_us, s.spi_us }, "what the P-CSCF sends")
    end
    if p.method == "MESSAGE" then
      check.match(p.via, "^SIP/2.0/UDP " .. L.ip.pcscf:gsub("%p", "%%%0") .. ":6100;", "Via of the P-CSCF")
      check.hasnt(p.via:match("^[^,]*"), "rport")
    elseif p.method == "REGISTER" then
      check.match(p.via, ":" .. s.port_us .. ";", "Via of the UE")
      check.match(p.contact, ":" .. s.port_us)
    end
  end
  check.above(n.ue, 1)
  check.above(n.pcscf, 1)
  check.eq(s.port_ps, gm.port_ps)
  check.ok(gm.ports_pc[s.port_pc])
  c:close()
  u:close()
  v:close()
end)

test("the_security_headers", { "SA-004", "SA-019", "SA-027", "SECAGREE-001", "SECAGREE-002", "SECAGREE-008", "SECAGREE-013", "SECAGREE-015", "SECAGREE-003", "SECAGREE-004" }, function()
  local u = phone(1)
  local r = registered(u)
  local sm1, sm7 = r.steps[1].request, r.steps[2].request
  local client, server = sm1:values("Security-Client"), r.steps[1].response:values("Security-Server")
  check.match(sm1:get("Require"), "sec%-agree")
  check.match(sm1:get("Proxy-Require"), "sec%-agree")
  local encrypted = false
  for _, v in ipairs(client) do
    encrypted = encrypted or v:match("ealg=aes")
    for _, name in ipairs({ "spi%-c", "spi%-s", "port%-c", "port%-s" }) do
      check.eq(v:match(name .. "=(%d+)"), client[1]:match(name .. "=(%d+)"), "one pair of each")
    end
  end
  check.ok(encrypted, "encryption is always offered")
  check.eq(#server, 4, "every suite of the P-CSCF")
  for i, v in ipairs(server) do
    check.match(v, "^ipsec%-3gpp;q=0%.%d+;")
    check.eq(v:match("port%-s=(%d+)"), "6100")
    check.ne(v:match("port%-c=(%d+)"), "5060")
    for _, mine in ipairs({ "spi%-c", "spi%-s" }) do
      for _, theirs in ipairs({ "spi%-c", "spi%-s" }) do
        check.ne(v:match(mine .. "=(%d+)"), client[1]:match(theirs .. "=(%d+)"), "SPIs of both sides differ")
      end
      check.eq(v:match(mine .. "=(%d+)"), server[1]:match(mine .. "=(%d+)"))
    end
    check.above(tonumber(i == 1 and "1" or server[i - 1]:match("q=([%d.]+)")), tonumber(v:match("q=([%d.]+)")), "q falls")
  end
  check.eq(sm7:values("Security-Verify"), server, "mirrored")
  check.eq(sm7:values("Security-Client"), client, "repeated")
  check.eq(r.response:values("Security-Server"), {}, "none in the 200")
  check.hasnt(r.steps[1].response:text(), "ck=")
  local ports = { client[1]:match("port%-c=(%d+)"), client[1]:match("port%-s=(%d+)") }
  check.ne(ports[1], ports[2])
  for _, p in ipairs(ports) do
    check.ok(p ~= "5060" and p ~= "5061")
  end
  u:close()
end)

test("integrity_protected_and_status", { "SA-041", "SA-087", "SA-006", "SA-022" }, function()
  local u = phone(1)
  registered(u)
  local s = u:security()
  local rows = gm.sets(L, L:impi(1))
  check.eq(#rows, 1)
  local row = rows[1]
  for _, name in ipairs({ "port_uc", "port_us", "port_pc", "port_ps", "spi_uc", "spi_us", "spi_pc", "spi_ps" }) do
    check.eq(row[name], s[name], name)
  end
  check.eq({ row.ue, row.pcscf, row.mode, row.state }, { L.phones[1], L.ip.pcscf, "trans", "in use" })
  check.eq(row.alg .. "/" .. row.ealg, s.suite)
  check.contains(row.impus, L:impu(1))
  check.contains(row.impus, "tel:+15550001")
  check.between(row.expires_s, 600, 630)
  for _, spi in ipairs({ row.spi_pc, row.spi_ps }) do
    check.between(spi, 1000000000, 3999999999)
  end
  check.eq(#row.sas, 4)
  for _, sa in ipairs(row.sas) do
    local st = check.ok(xfrm.state("core", sa.spi))
    check.eq({ sa.packets, sa.bytes }, { st.packets, st.bytes }, "as the kernel counts")
  end
  local mine = 0
  for _, st in ipairs(xfrm.states("core")) do
    mine = mine + ((st.src == L.phones[1] or st.dst == L.phones[1]) and 1 or 0)
  end
  check.eq(mine, 4, "two pairs for a registered contact")
  u:close()
end)

test("ports_are_drawn_at_random", { "SA-050", "NAT-016" }, function()
  local seen, again, in_a_row, last = {}, 0, 0, nil
  for _ = 1, 12 do
    local u = phone(1)
    local ends = registered(u).steps[1].request:values("Security-Client")[1]
    local c, s = tonumber(ends:match("port%-c=(%d+)")), tonumber(ends:match("port%-s=(%d+)"))
    check.ne(c, s)
    again = again + (seen[c] and 1 or 0) + (seen[s] and 1 or 0)
    seen[c], seen[s] = true, true
    in_a_row = in_a_row + (last and math.abs(c - last) <= 2 and 1 or 0)
    last = c
    u:close()
  end
  check.ok(again <= 1, "other ports each time, but for one chance in 200 of one that comes again")
  check.ok(in_a_row < 3, "no sequence")
end)

return test.finish()
