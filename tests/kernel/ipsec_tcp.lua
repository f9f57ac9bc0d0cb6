-- SPDX-License-Identifier: BSD-3-Clause
-- TCP inside of security associations: who connects from where, connections that are used again, closed and opened again in the same
-- SA, a phone that changes the transport, messages beyond a datagram.
local check = require "check"
local gm = require "gm"
local test = require "test"
local wire = require "wire"
local xfrm = require "xfrm"

local L = gm.lab({ pcscf = { sip = { t1 = "100ms", t4 = "200ms", tcp_idle = "20s" } } })

local function phone(n, o, K)
  K = K or L
  local t = { ipsec = "required", transport = "tcp", local_addr = K.phones[n] .. ":0" }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  local u = K:ue(n, t)
  gm.registered(u)
  return u
end

local message = gm.message

-- SYNs between the phone at an address and the P-CSCF that open a connection: {from port, to port, spi}
local function opened(c, address, K)
  local out = {}
  for _, p in ipairs(gm.packets(c, (K or L).keylog, "tcp.flags.syn == 1 && tcp.flags.ack == 0")) do
    if p.from == address or p.to == address then
      out[#out + 1] = { from = p.from == address and "ue" or "pcscf", sport = p.sport, dport = p.dport, spi = p.spi }
    end
  end
  return out
end

test("the_pcscf_connects_from_port_pc", { "SA-030", "SA-036" }, function()
  local u, v = phone(1), phone(2)
  local c = wire.capture({ filter = "host " .. L.phones[1] })
  message(v, u)
  message(u, v)
  local s, syn = u:security(), opened(c, L.phones[1])
  local seen = {}
  for _, o in ipairs(syn) do
    seen[o.from] = o
  end
  check.eq({ seen.pcscf.sport, seen.pcscf.dport, seen.pcscf.spi }, { s.port_pc, s.port_us, s.spi_us }, "port_pc to port_us, in its SA")
  c:close()
  u:deregister()
  c = wire.capture({ filter = "host " .. L.phones[1] })
  local w = phone(1)
  s = w:security()
  for _, o in ipairs(opened(c, L.phones[1])) do
    if o.spi then
      check.eq({ o.from, o.sport, o.dport, o.spi }, { "ue", s.port_uc, s.port_ps, s.spi_ps }, "the phone connects to port_ps")
      seen.ue = o
    end
  end
  check.ok(seen.ue, "SM7 came over a connection of its own")
  c:close()
  w:close()
  v:close()
end)

test("a_connection_is_used_again", { "SA-031" }, function()
  local u, v = phone(1), phone(2)
  message(v, u)
  message(u, v)
  local c = wire.capture({ filter = "host " .. L.phones[1] })
  for _ = 1, 3 do
    message(v, u)
    message(u, v)
  end
  check.eq(opened(c, L.phones[1]), {}, "no new connection")
  local s = u:security()
  for _, p in ipairs(gm.sip(gm.packets(c, L.keylog, "esp && tcp"))) do
    if p.method == "MESSAGE" and p.from == L.phones[1] then
      check.eq(p.spi, s.spi_ps)
    elseif p.status and p.from == L.ip.pcscf then
      check.eq({ p.spi, p.sport, p.dport }, { s.spi_uc, s.port_ps, s.port_uc }, "answered over the connection it came by")
    elseif p.status then
      check.eq({ p.spi, p.sport, p.dport }, { s.spi_pc, s.port_us, s.port_pc })
    end
  end
  c:close()
  u:close()
  v:close()
end)

test("closed_and_opened_again_in_the_same_sa", function()
  local K = gm.lab({ pcscf = { sip = { t1 = "100ms", t4 = "200ms", tcp_idle = "2s" } } })
  local u, v = phone(1, nil, K), phone(2, nil, K)
  message(v, u)
  message(u, v)
  local s = u:security()
  for round = 1, 2 do -- tcp_idle of the P-CSCF closes both, from its side
    check.ok(wait_for(function()
      local _, out = proc.run({ "ip", "netns", "exec", "core", "ss", "-Htn", "dst", K.phones[1] })
      return not out:match("ESTAB")
    end, 15), "idle connections are closed")
    local c = wire.capture({ filter = "host " .. K.phones[1] })
    message(v, u)
    message(u, v)
    local syn = opened(c, K.phones[1], K)
    check.eq(#syn, 2, "opened again, round " .. round)
    for _, o in ipairs(syn) do
      check.ok(o.from == "ue" and o.sport == s.port_uc or o.from == "pcscf" and o.sport == s.port_pc and o.dport == s.port_us)
    end
    c:close()
  end
  local now_ = u:security()
  check.eq({ now_.spi_ps, now_.port_uc }, { s.spi_ps, s.port_uc }, "nothing has changed")
  u:close()
  v:close()
end)

test("udp_and_tcp_in_one_registration", { "SA-011", "SA-026" }, function()
  local u, v = phone(1, { transport = "udp" }), phone(2)
  local s = u:security()
  local c = wire.capture({ filter = "host " .. L.phones[1] })
  message(u, v, { transport = "udp" })
  message(u, v, { transport = "tcp" })
  message(u, v, { transport = "udp" })
  local ways, last = {}, nil
  for _, p in ipairs(gm.sip(gm.packets(c, L.keylog, "esp"), "MESSAGE")) do
    if p.call_id ~= last then -- copies of a slow one are none
      ways[#ways + 1], last = p.tcp and "tcp" or "udp", p.call_id
    end
    check.eq({ p.spi, p.sport, p.dport }, { s.spi_ps, s.port_uc, s.port_ps }, "one SA, one port for both")
  end
  check.eq(ways, { "udp", "tcp", "udp" })
  c:close()
  u:close()
  v:close()
end)

test("a_large_message_takes_tcp", function()
  local u, v = phone(1, { transport = "udp" }), phone(2, { transport = "udp" })
  local su, c = u:security(), wire.capture({ filter = "host " .. L.phones[1] })
  local body = ("x"):rep(3000)
  check.eq(message(v, u, { body = body }).msg.body, body)
  check.eq(message(u, v, { body = body }).msg.body, body)
  for _, p in ipairs(gm.sip(gm.packets(c, L.keylog, "esp"), "MESSAGE")) do
    check.ok(p.tcp, "over TCP")
    check.eq(p.spi, p.from == L.phones[1] and su.spi_ps or su.spi_us)
  end
  local n = { ue = 0, pcscf = 0 }
  for _, o in ipairs(opened(c, L.phones[1])) do
    n[o.from] = n[o.from] + 1
    check.eq({ o.sport, o.dport }, o.from == "ue" and { su.port_uc, su.port_ps } or { su.port_pc, su.port_us })
  end
  check.eq(n, { ue = n.ue, pcscf = 1 })
  c:close()
  u:close()
  v:close()
end)

test("connections_end_with_their_sas", function()
  local u, v = phone(1), phone(2)
  message(v, u)
  local before = u:security()
  check.eq(u:reregister({ expires = 600 }).verdict, "refreshed")
  local after = u:security()
  if after.spi_ps ~= before.spi_ps then -- a challenge made new SAs: other ports
    check.ne(after.port_uc, before.port_uc)
  end
  message(v, u)
  message(u, v)
  check.eq(u:deregister().verdict, "deregistered")
  check.ok(wait_for(function()
    for _, st in ipairs(xfrm.states("core")) do
      if st.src == L.phones[1] or st.dst == L.phones[1] then
        return false
      end
    end
    return true
  end, 15), "no SA is left")
  local _, out = proc.run({ "ip", "netns", "exec", "core", "ss", "-Htan", "dst", L.phones[1] })
  for line in out:gmatch("[^\n]+") do -- that of SM1 to the open port is not theirs
    check.ok(not line:find("ESTAB", 1, true) or line:find(L.sip.pcscf .. " ", 1, true), "no connection is left: " .. line)
  end
  u:close()
  v:close()
end)

test("ipv6", function()
  local u = phone(1, { local_addr = "[" .. L.phones6[1] .. "]:0", pcscf = L.pcscf6 })
  local v = phone(2, { transport = "udp", local_addr = "[" .. L.phones6[2] .. "]:0", pcscf = L.pcscf6 })
  message(u, v)
  message(v, u)
  message(u, v, { body = ("y"):rep(2000) })
  u:close()
  v:close()
end)

return test.finish()
