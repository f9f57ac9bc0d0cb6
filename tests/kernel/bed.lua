-- SPDX-License-Identifier: BSD-3-Clause
-- The bed of the kernel tests itself: networks, NAT, captures, the kernel's own account, frames put on a wire by hand.
local check = require "check"
local lab = require "lab"
local nat = require "nat"
local test = require "test"
local wire = require "wire"
local xfrm = require "xfrm"

local L = lab.start({ kernel = true, ipv6 = true, scscf = { registration = { overflow = "replace_oldest" } } })

local function register(n, o)
  local u = L:ue(n, o)
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  return u
end

-- Source of the REGISTERs of a phone on a wire, as host and port
local function sources(c)
  local out, seen = {}, {}
  for _, f in ipairs(c:frames()) do
    local p = wire.parse(f.octets)
    if p.protocol == 17 and f.octets:find("REGISTER sip:", 1, true) then
      local s = ("%d.%d.%d.%d"):format(p.from:byte(1, -1)) .. ":" .. p.from_port
      if not seen[s] then
        out[#out + 1], seen[s] = s, true
      end
    end
  end
  c:close()
  return out
end

test("direct_phones", function()
  for _, transport in ipairs({ "udp", "tcp" }) do
    register(1, { transport = transport }):close()
    register(2, { transport = transport, local_addr = L.phones[2] .. ":0" }):close()
    register(3, { transport = transport, local_addr = "[" .. L.phones6[1] .. "]:0", pcscf = L.pcscf6 }):close()
  end
end)

test("phones_behind_nat", function()
  local c = wire.capture({ ns = "core", dev = "wan" })
  local direct = wire.capture({ dev = "gm", filter = "udp port 5060" })
  local u = register(1, { local_addr = L.private[1] .. ":5075" })
  local v = register(2, { local_addr = L.private[2] .. ":5075" })
  local got = sources(c)
  check.eq(#got, 2, "two phones are two ports of the NAT")
  for _, s in ipairs(got) do
    check.match(s, "^10%.78%.0%.2:%d+$")
  end
  check.eq(sources(direct), {}, "nothing goes past the NAT")
  local m = nat.mappings()
  check.ok(#m >= 2, "the NAT keeps two mappings")
  u:close()
  v:close()
end)

test("rebind", function()
  local u = register(1, { local_addr = L.private[1] .. ":5076" })
  local first, last = nat.rebind()
  local c = wire.capture({ ns = "core", dev = "wan" })
  check.eq(u:reregister({ expires = 600 }).verdict, "refreshed")
  local got = sources(c)
  check.eq(#got, 1)
  check.between(tonumber(got[1]:match(":(%d+)$")), first, last, "the port is of the new range")
  nat.cut(true)
  check.ne(u:reregister({ expires = 600, timeout = 1 }).verdict, "refreshed", "nothing passes")
  nat.cut(false)
  u:close()
end)

local KEYS = [[
"IPv4","10.77.0.2","10.77.0.1","0x00001001","AES-CBC [RFC3602]","0x101112131415161718191a1b1c1d1e1f","HMAC-SHA-1-96 [RFC2404]","0x000102030405060708090a0b0c0d0e0f10111213"
]]

-- One SA from the phones' side to the core, by hand.
local function install()
  for _, ns in ipairs({ "phones", "core" }) do
    local function ip(...)
      local code, _, err = proc.run({ "ip", "-n", ns, "xfrm", ... })
      check.eq(code, 0, err)
    end
    ip("state", "add", "src", "10.77.0.2", "dst", "10.77.0.1", "proto", "esp", "spi", "0x1001", "reqid", "1", "mode", "transport",
      "replay-window", "64", "auth-trunc", "hmac(sha1)", "0x000102030405060708090a0b0c0d0e0f10111213", "96",
      "enc", "cbc(aes)", "0x101112131415161718191a1b1c1d1e1f")
    ip("policy", "add", "src", "10.77.0.2", "dst", "10.77.0.1", "proto", "udp", "dport", "7000",
      "dir", ns == "core" and "in" or "out", "tmpl", "proto", "esp", "reqid", "1", "mode", "transport")
  end
end

test("esp_and_its_judges", function()
  install()
  local c = wire.capture({ filter = "esp" })
  local s = assert(net.udp("10.77.0.2:0"))
  s:send("MESSAGE in a tunnel of its own", "10.77.0.1:7000")
  s:close()
  local frames = c:frames()
  check.eq(#frames, 1)
  local p = wire.parse(frames[1].octets)
  check.eq({ p.spi, p.seq }, { 0x1001, 1 })
  check.hasnt(frames[1].octets, "MESSAGE")
  local row = c:tshark({ keys = KEYS, fields = { "esp.spi", "esp.icv_good", "udp.dstport", "data.text", "data.data" } })[1]
  check.eq({ row["esp.spi"], row["esp.icv_good"], row["udp.dstport"] }, { "0x00001001", "1", "7000" })
  check.eq(hex.decode(row["data.data"]), "MESSAGE in a tunnel of its own")
  check.eq(#c:tshark(), 1, "whole packets")
  local st = xfrm.state("core", 0x1001)
  check.eq({ st.packets, st.replay, st.failed, st.mode, st.auth, st.enc, st.reqid }, { 1, 0, 0, "transport", "hmac(sha1)", "cbc(aes)", 1 })
  check.eq(#xfrm.policies("core"), 1)
  check.eq(xfrm.policies("core")[1].dport, 7000)

  local function becomes(field, n, what)
    check.ok(wait_for(function()
      return xfrm.state("core", 0x1001)[field] == n
    end, 20), what)
  end
  wire.send({}, frames[1].octets)
  becomes("replay", 1, "a packet played again is counted")
  wire.send({}, wire.flip(frames[1].octets, -20, 3))
  becomes("replay", 2, "the sequence number comes first")
  local fresh = frames[1].octets:sub(1, p.esp_at + 3) .. (">I4"):pack(9) .. frames[1].octets:sub(p.esp_at + 8)
  wire.send({}, fresh)
  becomes("failed", 1, "a packet that was changed fails its check")
  local before = xfrm.statistics("phones").XfrmInNoStates
  wire.send({ ns = "core" }, wire.reflect(frames[1].octets))
  check.ok(wait_for(function()
    return xfrm.statistics("phones").XfrmInNoStates == before + 1
  end, 20), "a reflected packet finds no association")
  c:close()
  for _, ns in ipairs({ "core", "phones" }) do
    check.no(pcall(xfrm.check_empty, ns), "what is left is seen")
    proc.run({ "ip", "-n", ns, "xfrm", "state", "flush" })
    proc.run({ "ip", "-n", ns, "xfrm", "policy", "flush" })
    xfrm.check_empty(ns)
  end
end)

test("taps_and_fakes_are_reachable", function()
  local K = lab.start({ kernel = true, taps = true })
  local u = K:ue(1)
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  check.above(#K.mw_pi.messages, 3)
  check.above(#K.cx_s.messages, 1)
  check.ne(K.ip.pcscf, L.ip.pcscf, "labs do not meet")
  u:close()
end)

return test.finish()
