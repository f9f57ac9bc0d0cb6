-- SPDX-License-Identifier: BSD-3-Clause
-- Phones behind an address translator (TS 33.203 Annex M): detection, UDP encapsulated tunnel mode, two phones behind one NAT, a NAT
-- that changes its ports, keep-alives, and what is refused.
local check = require "check"
local gm = require "gm"
local nat = require "nat"
local test = require "test"
local wire = require "wire"
local xfrm = require "xfrm"

local L = gm.lab({ pcscf = { sip = { t1 = "100ms", t4 = "200ms" } }, scscf = { registration = { reauthenticate = "always" } },
  configure = function(L)
    local hosts = L.conf.pcscf.resolver.hosts
    hosts[#hosts + 1] = "phone.example=" .. L.phones[1] .. ":5060"
    hosts[#hosts + 1] = "elsewhere.example=192.0.2.99:5060"
  end })

local function phone(n, o)
  local t = { ipsec = "required", transport = "udp", local_addr = L.private[n] .. ":0" }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  return L:ue(n, t)
end

local registered, message = gm.registered, gm.message

local function set_of(n)
  local found
  for _, row in ipairs(gm.sets(L, L:impi(n))) do
    if row.state == "in use" then
      check.no(found, "one set is in use")
      found = row
    end
  end
  return check.ok(found, "a set is in use")
end

-- Outer frames on the core's side of the NAT: {from port, to port, spi} of what is ESP in UDP
local function outer(c)
  local out = {}
  for _, f in ipairs(c:frames()) do
    local p = wire.parse(f.octets)
    if p.protocol == 17 and (p.from_port == 4500 or p.to_port == 4500) then
      out[#out + 1] = { sport = p.from_port, dport = p.to_port, spi = p.spi, octets = f.octets }
    end
  end
  return out
end

test("a_direct_phone_has_transport_mode", { "NAT-001", "SA-015" }, function()
  local u = phone(1, { local_addr = L.phones[1] .. ":0" })
  local c = wire.capture({ filter = "host " .. L.phones[1] })
  local r = registered(u)
  check.match(r.steps[1].response:get("Security-Server"), "mod=trans")
  check.eq(u:security().mode, "trans")
  check.eq(set_of(1).mode, "trans")
  check.eq(outer(c), {}, "no UDP encapsulation")
  c:close()
  check.eq(u:deregister().verdict, "deregistered")
  u:close()
end)

test("behind_the_nat", { "NAT-002", "NAT-003", "NAT-004", "NAT-005", "NAT-006", "NAT-008", "NAT-010", "NAT-011", "NAT-012", "NAT-013", "NAT-018", "NAT-019", "NAT-020", "NAT-023",
  "NAT-024", "NAT-026", "NAT-028", "NAT-030", "SA-015" }, function()
  local u = phone(1)
  local home, core = wire.capture({ dev = "home" }), wire.capture({ ns = "core", dev = "wan" })
  local r = registered(u)
  local s = u:security()
  -- the agreement
  local client = r.steps[1].request:values("Security-Client")
  local modes = {}
  for _, v in ipairs(client) do
    modes[v:match("mod=([%w-]+)")] = true
  end
  check.eq(modes, { trans = true, ["UDP-enc-tun"] = true })
  for _, v in ipairs(r.steps[1].response:values("Security-Server")) do
    check.match(v, "mod=UDP%-enc%-tun")
    check.eq({ v:match("spi%-c=(%d+)"), v:match("spi%-s=(%d+)") }, { tostring(s.spi_pc), tostring(s.spi_ps) })
  end
  check.match(r.steps[1].response:get("Via"), "received=" .. L.nat:gsub("%p", "%%%0"))
  check.match(r.steps[2].request:get("Contact"), "@" .. L.nat:gsub("%p", "%%%0") .. ":" .. s.port_us)
  check.eq({ s.mode, s.ue_address }, { "UDP-enc-tun", L.nat })
  -- on the wires
  local inside, outside = outer(home), outer(core)
  check.above(#inside, 1)
  for _, p in ipairs(inside) do
    check.eq({ p.sport, p.dport }, { 4500, 4500 }, "at the UE's side of the NAT")
  end
  local mapped
  for _, p in ipairs(outside) do
    local theirs = p.dport == 4500 and p.sport or p.dport
    check.ok(p.dport == 4500 or p.sport == 4500)
    mapped = mapped or theirs
    check.eq(theirs, mapped, "from 4500 to port_Uenc")
  end
  local row = set_of(1)
  check.eq({ row.mode, row.ue, row.port_uenc, row.encap_port }, { "UDP-enc-tun", L.nat, mapped, 4500 })
  -- inner addresses are the public ones
  local sip = 0
  for _, p in ipairs(core:tshark({ keys = L.keylog, filter = "esp && sip", fields = { "ip.src", "ip.dst", "esp.icv_good", "sip.Method", "_ws.malformed" } })) do
    check.no(p["_ws.malformed"])
    local src, dst = p["ip.src"], p["ip.dst"]
    check.eq(type(src), "table", "an IP header in an IP header")
    local want = src[1] == L.nat and { L.nat, L.ip.pcscf } or { L.ip.pcscf, L.nat }
    check.eq({ src[1], dst[1], src[2], dst[2] }, { want[1], want[2], want[1], want[2] })
    sip = sip + 1
  end
  for _, p in ipairs(home:tshark({ keys = L.keylog, filter = "esp && sip", fields = { "ip.src", "ip.dst" } })) do
    local src, dst = p["ip.src"], p["ip.dst"]
    check.ok(src[1] == L.private[1] and src[2] == L.nat or dst[1] == L.private[1] and dst[2] == L.nat, "outer private, inner public")
  end
  -- in the kernel
  local st = xfrm.state("core", s.spi_us)
  check.eq({ st.mode, st.encap.sport, st.encap.dport }, { "tunnel", 4500, mapped })
  home:close()
  core:close()
  check.eq(u:deregister().verdict, "deregistered")
  u:close()
end)

test("messages_both_ways", { "NAT-032" }, function()
  local u, v = phone(1), phone(2, { local_addr = L.phones[2] .. ":0" })
  registered(u)
  registered(v)
  for _, transport in ipairs({ "udp", "tcp" }) do
    message(u, v, { transport = transport })
    message(v, u)
  end
  message(v, u, { body = ("z"):rep(3000) })
  message(u, v, { body = ("z"):rep(3000) })
  u:deregister()
  v:deregister()
  u:close()
  v:close()
end)

test("two_phones_behind_one_nat", { "NAT-015" }, function()
  local u, v = phone(1), phone(2)
  registered(u)
  registered(v)
  check.eq(set_of(1).ue, set_of(2).ue)
  check.ne(set_of(1).port_us, set_of(2).port_us)
  message(u, v)
  message(v, u)
  check.eq(u:deregister().verdict, "deregistered")
  message(v, v)
  check.eq(v:deregister().verdict, "deregistered")
  u:close()
  v:close()
end)

test("one_port_us_for_two_is_refused", { "NAT-014", "NAT-017" }, function()
  local u, v = phone(1), phone(2)
  registered(u)
  local port = tostring(u:security().port_us)
  local r = v:register({ expires = 600, mutate = function(msg, step)
    if step == 1 then -- the same server port as the other phone
      msg:set("Security-Client", (table.concat(msg:values("Security-Client"), ", "):gsub("port%-s=%d+", "port-s=" .. port)))
    end
  end })
  check.eq(r.steps[1].response.status, 400)
  check.ok(gm.verdict(L, "protected_port_taken"))
  check.eq(r.verdict, "registered", "the phone tries again with other ports")
  u:deregister()
  v:deregister()
  u:close()
  v:close()
end)

test("the_nat_changes_its_ports", { "NAT-007" }, function()
  local u, v = phone(1), phone(2, { local_addr = L.phones[2] .. ":0" })
  registered(u)
  registered(v)
  message(v, u)
  local before = set_of(1).port_uenc
  nat.rebind()
  message(u, v) -- the phone sends, from another port of the NAT
  check.ok(wait_for(function()
    return set_of(1).port_uenc ~= before
  end, 20), "the new port is learned")
  message(v, u)
  u:deregister()
  v:deregister()
  u:close()
  v:close()
end)

test("re_registration_keeps_the_mode", { "NAT-034" }, function()
  local u = phone(1)
  registered(u)
  local before = u:security()
  local r = u:reregister({ expires = 600 })
  check.eq(r.verdict, "refreshed")
  check.match(r.steps[1].response:get("Security-Server"), "mod=UDP%-enc%-tun")
  local after = u:security()
  check.eq({ after.mode, after.port_us }, { "UDP-enc-tun", before.port_us })
  check.ne(after.port_uc, before.port_uc)
  check.ne(after.spi_ps, before.spi_ps)
  u:deregister()
  u:close()
end)

test("keep_alives", { "NAT-029" }, function()
  local u = phone(1, { keep_alive_ms = 500 })
  registered(u)
  local c = wire.capture({ dev = "home", filter = "udp port 4500 and udp[4:2] = 9" })
  local three = 24 + 3 * (16 + 43) -- octets of a file with so many frames of one octet over UDP
  check.ok(wait_for(function()
    return #(fs.read(c.file) or "") >= three
  end, 20), "three keep-alives pass")
  local n, first, last = 0, nil, nil
  for _, f in ipairs(c:frames()) do
    local p = wire.parse(f.octets)
    if p.to_port == 4500 and p.from_port == 4500 and f.octets:byte(p.at + 8) == 0xff then
      n, first, last = n + 1, first or f.t, f.t
    end
  end
  check.above(n, 2)
  check.above((last - first) / (n - 1), 0.4, "seconds between two")
  c:close()
  u:deregister()
  u:close()
end)

-- A first REGISTER by hand: who it is from in Via, and no rport. Returns the 401.
local function by_hand(addr, via)
  local e = assert(sip.endpoint({ addr = addr .. ":0" }))
  local m = sip.message([[
    REGISTER sip:${d} SIP/2.0
    Via: SIP/2.0/UDP ${via};branch=${branch}
    Max-Forwards: 70
    From: <sip:${u}@${d}>;tag=${tag}
    To: <sip:${u}@${d}>
    Call-ID: ${tag}
    CSeq: 1 REGISTER
    Contact: <sip:${u}@${addr}:31061>
    Require: sec-agree
    Proxy-Require: sec-agree
    Security-Client: ${offer};mod=trans, ${offer};mod=UDP-enc-tun
    Authorization: Digest username="${u}@${d}",realm="${d}",uri="sip:${d}",nonce="",response=""
    Content-Length: 0]], { d = L.domain, u = L.subscribers[3].imsi, via = via, addr = addr, branch = sip.branch(), tag = random.token(),
    offer = "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;spi-c=3333;spi-s=4444;port-c=31060;port-s=31061" })
  assert(e:send(m, L.sip.pcscf))
  local r = e:recv({ timeout = 20, match = function(x) return x.status end })
  e:close()
  return r
end

test("the_401_goes_back_to_where_it_came_from", { "NAT-031" }, function()
  local r = check.ok(by_hand(L.private[3], L.private[3] .. ":5999"), "a 401 through the NAT, though Via names another port")
  check.eq(r.status, 401)
  check.match(r:get("Security-Server"), "mod=UDP%-enc%-tun")
end)

test("names_in_via", { "NAT-021" }, function()
  local r = check.ok(by_hand(L.phones[1], "phone.example:5060;rport"))
  check.match(r:get("Security-Server"), "mod=trans", "the name leads to the source")
  r = check.ok(by_hand(L.phones[1], "elsewhere.example:5060;rport"))
  check.match(r:get("Security-Server"), "mod=UDP%-enc%-tun", "the name leads elsewhere")
end)

test("the_outer_header", { "NAT-009" }, function()
  local u = phone(1)
  local c = wire.capture({ ns = "core", dev = "wan" })
  registered(u)
  local seen = 0
  for _, p in ipairs(c:tshark({ keys = L.keylog, filter = "esp && sip", fields = { "ip.ttl", "ip.proto", "ip.flags.df", "ip.dsfield", "ip.hdr_len", "ip.src", "udp.checksum" } })) do
    if p["ip.src"][1] == L.ip.pcscf then -- made by the P-CSCF's kernel as RFC 4301 5.1.2.1 says, not yet changed by the NAT
      check.eq(p["ip.proto"][1], "17", "ESP in UDP")
      check.eq(p["ip.ttl"][1], "64", "a life of its own")
      check.eq(p["ip.dsfield"][1], p["ip.dsfield"][2], "DSCP is copied from the inner header")
      check.eq(p["ip.flags.df"][1], p["ip.flags.df"][2], "DF as the inner header has it")
      check.eq(p["ip.hdr_len"][1], "20", "no options are copied")
      seen = seen + 1
    end
  end
  check.above(seen, 0)
  c:close()
  u:deregister()
  u:close()
end)

test("silence_without_udp_enc_tun", { "NAT-022", "NAT-033" }, function()
  local u = phone(1, { modes = { "trans" } })
  local c = wire.capture({ ns = "core", dev = "wan" })
  local r = u:register({ expires = 600, timeout = 1.5 })
  check.eq(r.verdict, "no_answer")
  check.ok(gm.verdict(L, "nat_not_supported"))
  for _, p in ipairs(gm.packets(c, L.keylog, "sip")) do
    check.ok(p.method == "REGISTER", "not a word from the P-CSCF")
  end
  c:close()
  u:close()
end)

return test.finish()
