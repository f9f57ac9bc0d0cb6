-- SPDX-License-Identifier: BSD-3-Clause
-- The life of security associations (TS 33.203 7.2, 7.4, 7.5): which message travels on which, and when each ends. Judges: the SPI
-- on the wire, both kernels, and what the P-CSCF says.
-- under memcheck too
local check = require "check"
local plain = require "plain"
local tables = require "tables"
local test = require "test"
local xfrm = require "xfrm"

plain.large_frames()
local L = plain.lab("always", nil, { taps = true })
local ear = plain.listen(L)
plain.clean_after_failure(L)

local function phone(n, o)
  return plain.phone(L, n, o)
end

local function registered(n, o)
  return plain.registered(ear, n, o)
end

local function reregister(u, o)
  return plain.reregister(ear, u, o)
end

-- A MESSAGE from one phone to the other; the rows of request and answer between u and the P-CSCF
local function message(from, to, n, u)
  return plain.message(ear, from, to, n, u)
end

local function states_of(impi)
  local out = {}
  for _, s in ipairs(plain.status(L, { impi = impi })) do
    out[s.spi_ps] = s.state
  end
  return out
end

-- A transaction is pending on a, b has none: another re-authentication, b goes, a stays. The numbers of the newest SAs
local function outlive(u, v, a, b)
  local c = reregister(u).ends
  check.eq(message(u, v, 2, u).spi, c.spi_ps)
  plain.gone(L, b)
  check.no(plain.wait(function()
    return plain.live("core", a) + plain.live("phones", a) < 8
  end, 1), "the pending transaction keeps its SAs")
  return c
end

test("a registration makes four SAs in both kernels, between SM6 and SM7", { "SA-006", "SA-041", "SA-048", "SA-052", "SA-087" }, function()
  local u, since, before = phone(1), ear:mark(), {}
  local r = u:register({ expires = 600, mutate = function(_, step)
    before[step] = { core = #xfrm.states("core"), phones = #xfrm.states("phones"), status = plain.status(L), sas = u:sas() }
  end })
  check.eq(r.verdict, "registered", r.text)
  local e = plain.registration(ear, since, u.last.call_id).ends
  check.eq({ before[1].core, before[1].phones }, { 0, 0 })
  check.eq({ before[2].core, before[2].phones }, { 4, 4 }, "after SM6, before SM7")
  check.eq({ before[2].status[1].state, #before[2].status[1].impus }, { "registration", 0 })
  check.eq(before[2].sas[1].state, "new")
  plain.count(4, 4, "exactly four at each end")
  check.eq({ plain.live("core", e), plain.live("phones", e) }, { 4, 4 }, "those that were announced")
  local s = plain.status(L)
  check.eq(#s, 1)
  for k, v in tables.ordered(e) do
    check.eq(s[1][k], v, k)
  end
  check.eq({ s[1].ue, s[1].pcscf, s[1].impi }, { L.phones[1], L.ip.pcscf, L:impi(1) })
  check.between(s[1].expires_s, 600 + plain.margin_s - 30, 600 + plain.margin_s)
  check.eq(s[1].impus, { L:impu(1), "tel:+15550001" }, "IMPUs of the SAs")
  local want = { { e.port_uc, e.port_ps, e.spi_ps, "out" }, { e.port_uc, e.port_ps, e.spi_uc, "in" },
    { e.port_us, e.port_pc, e.spi_us, "in" }, { e.port_us, e.port_pc, e.spi_pc, "out" } }
  check.eq(#u:sas(), 4)
  for _, sa in ipairs(u:sas()) do
    check.contains(want, { sa.port_u, sa.port_p, sa.spi, sa.direction })
    check.between(sa.lifetime, 600 + plain.margin_s - 30, 600 + plain.margin_s)
  end
  plain.leave(u)
end)

-- SM1 and the challenge on the old SAs, SM7 and SM12 on the new; UDP answers come to port_us, those of TCP on the connection.
for _, transport in ipairs({ "udp", "tcp" }) do
  test("a re-authentication over " .. transport, { "SA-021", "SA-032", "SA-037", "SA-060", "SA-061", "SA-062", "SA-069", "SA-072", "SA-075",
    "SA-088" }, function()
    local u, old = registered(1, { transport = transport })
    local v = registered(2)
    for _ = 1, 2 do
      local live = {}
      for _, s in ipairs(xfrm.states("core")) do
        live[s.spi] = true
      end
      local r = reregister(u)
      local new = r.ends
      local back, back_port = "spi_us", { "port_pc", "port_us" }
      if transport == "tcp" then
        back, back_port = "spi_uc", { "port_ps", "port_uc" }
      end
      local got = {}
      for i, m in ipairs(r) do
        got[i] = { m.spi, m.from_port, m.to_port, m.status or m.method, m.transport }
      end
      check.eq(got, {
        { old.spi_ps, old.port_uc, old.port_ps, "REGISTER", transport },
        { old[back], old[back_port[1]], old[back_port[2]], 401, transport },
        { new.spi_ps, new.port_uc, new.port_ps, "REGISTER", transport },
        { new[back], new[back_port[1]], new[back_port[2]], 200, transport },
      })
      for _, spi in ipairs(plain.spis(new)) do
        check.no(live[spi], "four SPIs that no SA had")
      end
      check.eq({ new.port_us, new.port_ps }, { old.port_us, old.port_ps }, "server ports stay")
      check.ne(new.port_uc, old.port_uc)
      check.ne(new.port_pc, old.port_pc)
      check.eq({ plain.live("core", new), plain.live("phones", new) }, { 4, 4 })
      check.eq(message(u, v, 2, u).spi, new.spi_ps)
      plain.gone(L, old)
      old = new
    end
    plain.leave(u, v)
  end)
end

test("requests during and after a re-authentication", { "SA-060", "SA-067", "SA-073", "SA-077", "SA-078", "SA-092", "SA-094" }, function()
  local u, a = registered(1)
  local v = registered(2)
  local r = reregister(u, { mutate = function(_, step)
    if step == 2 then -- the new SAs are there, and the old ones protect what is not authentication
      local rq, ok = message(u, v, 2, u)
      check.eq({ rq.spi, ok.spi }, { a.spi_ps, a.spi_us }, "originating")
      rq, ok = message(v, u, 1, u)
      check.eq({ rq.spi, ok.spi }, { a.spi_us, a.spi_ps }, "terminating")
    end
  end })
  local b = r.ends
  check.eq(states_of(L:impi(1)), { [a.spi_ps] = "in use", [b.spi_ps] = "waiting" })
  local rq, ok = message(v, u, 1, u)
  check.eq({ rq.spi, rq.to_port, ok.spi }, { a.spi_us, a.port_us, a.spi_ps }, "towards the UE the old ones, until something comes")
  rq, ok = message(u, v, 2, u)
  check.eq({ rq.spi, rq.from_port, ok.spi, ok.from_port }, { b.spi_ps, b.port_uc, b.spi_us, b.port_pc }, "the UE takes the new ones")
  check.eq(states_of(L:impi(1))[b.spi_ps], "in use")
  rq, ok = message(v, u, 1, u)
  check.eq({ rq.spi, ok.spi }, { b.spi_us, b.spi_ps }, "the first message moved the P-CSCF")
  plain.gone(L, a, nil, "the old SAs end with their transactions")
  check.eq({ plain.live("core", b), plain.live("phones", b) }, { 4, 4 })
  plain.leave(u, v)
end)

for _, transport in ipairs({ "udp", "tcp" }) do
  test("a call that rings through a re-authentication, to the UE, over " .. transport, { "SA-077", "SA-078", "SA-094" }, function()
    local u, a = registered(1, { transport = transport, contact_params = transport == "tcp" and "transport=tcp" or nil })
    local v = registered(2)
    local call = async(function()
      return v:request({ method = "INVITE", to = L:impu(1), timeout = 30 })
    end)
    local invite = check.ok(u:expect_request({ method = "INVITE" }), "INVITE")
    invite:reply(180)
    local b = reregister(u).ends
    check.eq(message(u, v, 2, u).spi, b.spi_ps)
    check.eq(states_of(L:impi(1)), { [a.spi_ps] = "leaving", [b.spi_ps] = "in use" })
    local c = outlive(u, v, a, b)
    local since = ear:mark()
    invite:reply(200, nil, { { "Contact", "<" .. u.contact .. ">" } })
    check.eq(call:wait(30).status, 200)
    check.ok(u:expect_request({ method = "ACK" }), "ACK")
    local ok = ear:one(since, { status = 200, method = "INVITE", from = L.phones[1] })
    check.eq(ok.spi, transport == "udp" and a.spi_ps or a.spi_pc, "the answer takes the old SAs")
    check.eq(ear:one(since, { method = "ACK", to = L.phones[1] }).spi, c.spi_us, "ACK is new")
    plain.gone(L, a, nil, "the old SAs end with the transaction")
    plain.leave(u, v)
  end)

  test("a call that rings through a re-authentication, from the UE, over " .. transport, { "SA-077", "SA-078", "SA-093", "SA-094" }, function()
    local u, a = registered(1, { transport = transport, contact_params = transport == "tcp" and "transport=tcp" or nil })
    local v = registered(2)
    local call = async(function()
      return u:request({ method = "INVITE", to = L:impu(2), timeout = 30 })
    end)
    local invite = check.ok(v:expect_request({ method = "INVITE" }), "INVITE")
    invite:reply(180)
    local b = reregister(u).ends
    check.eq(message(u, v, 2, u).spi, b.spi_ps)
    check.eq(message(v, u, 1, u).spi, b.spi_us)
    local c = outlive(u, v, a, b)
    local since = ear:mark()
    invite:reply(200, nil, { { "Contact", "<" .. v.contact .. ">" } })
    check.eq(call:wait(30).status, 200)
    check.ok(v:expect_request({ method = "ACK" }), "ACK")
    local ok = ear:one(since, { status = 200, method = "INVITE", to = L.phones[1] })
    check.eq(ok.spi, transport == "udp" and a.spi_us or a.spi_uc, "the answer takes the old SAs")
    for _, copy in ipairs(ear:messages(since, { status = 200, method = "INVITE", to = L.phones[1] })) do
      check.has(copy.m:get("P-Asserted-Identity"), L:impu(2), "every copy is treated alike")
    end
    check.eq(ear:one(since, { method = "ACK", from = L.phones[1] }).spi, c.spi_ps, "ACK is new")
    plain.gone(L, a, nil, "the old SAs end with the transaction")
    plain.leave(u, v)
  end)
end

test("retransmissions that cross the change of SAs", { "SA-077", "SA-093" }, function()
  -- the request waits for its answer all through the change: in a lab where it may (64 T1 are 12.8 s)
  local slow = { t1 = "200ms", t2 = "1s" }
  local K = plain.lab("always", { gm = slow, sip = { t1 = slow.t1, t2 = slow.t2 } })
  local ear_k, t = plain.listen(K), { t1_ms = 200, t2_ms = 1000 }
  local u, a = plain.registered(ear_k, 1, t)
  local v = plain.registered(ear_k, 2, t)
  local since = ear_k:mark()
  local held = async(function()
    return u:message({ to = K:impu(2), body = "slow", timeout = 30 })
  end)
  local rq = check.ok(v:expect_request({ method = "MESSAGE" }), "MESSAGE")
  local b = plain.reregister(ear_k, u).ends
  check.eq(plain.message(ear_k, u, v, 2, u).spi, b.spi_ps)
  local changed = ear_k:mark()
  local function sent(from, filter)
    filter.method, filter.from, filter.request = "MESSAGE", K.phones[1], true
    return ear_k:messages(from, filter)
  end
  check.ok(wait_for(function()
    return #sent(changed, { spi = a.spi_ps }) > 0
  end, 20), "the request goes out again after the change, on the old SAs")
  rq:reply(200)
  check.eq(held:wait(30).status, 200)
  local ok = ear_k:one(changed, { status = 200, method = "MESSAGE", to = K.phones[1] })
  check.eq(ok.spi, a.spi_us)
  for _, m in ipairs(sent(since, { call_id = ok.call_id })) do
    check.eq(m.spi, a.spi_ps, "every copy on the SAs it began on")
  end
  plain.gone(K, a, 40)
  plain.leave(u, v)
  plain.count(0, 0, "nothing is left to those who count")
  ear_k:close()
end)

test("SM1 over an old SA keeps its set, and no other", { "SA-091" }, function()
  local u, a = registered(1)
  local b = reregister(u).ends
  local r = reregister(u, { on = { "old" } })
  check.eq(r[1].spi, a.spi_ps, "SM1 on the set before the last")
  check.ne(states_of(L:impi(1))[b.spi_ps], "waiting", "the other set is on its way out")
  check.ok(plain.wait(function()
    return plain.live("core", b) == 0
  end, 20), "and gone with the last copy of its REGISTER")
  check.eq(states_of(L:impi(1)), { [a.spi_ps] = "in use", [r.ends.spi_ps] = "waiting" })
  check.eq({ plain.live("core", a), plain.live("core", r.ends), #xfrm.states("core") }, { 4, 4, 8 })
  plain.leave(u)
end)

-- What the home network hears of each REGISTER in turn, copies left out
local function marks(since)
  local out, seen = {}, {}
  for _, m in ipairs(L.mw_pi:since(since, function(m)
    return m.method == "REGISTER"
  end)) do
    local key = m:get("Call-ID") .. m:get("CSeq")
    out[#out + 1] = not seen[key] and (m:auth()["integrity-protected"] or "none") or nil
    seen[key] = true
  end
  return table.concat(out, " ")
end

test("integrity-protected is what the SAs say", { "AKA-061", "AKA-062" }, function()
  local since = L.mw_pi:mark()
  local u, a = registered(1)
  check.eq(marks(since), "no yes", "in clear, then over the SAs of this challenge")
  since = L.mw_pi:mark()
  local b = reregister(u).ends
  check.eq(marks(since), "yes yes", "over the latest, then over those of this challenge")
  since = L.mw_pi:mark()
  local r = reregister(u, { on = { "old" } })
  check.eq({ r[1].spi, r[3].spi }, { a.spi_ps, r.ends.spi_ps })
  check.eq(marks(since), "no yes", "over SAs that a later success made old ones")
  check.ne(r.ends.spi_ps, b.spi_ps)
  plain.leave(u)
end)

return test.finish()
