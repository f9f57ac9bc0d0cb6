-- SPDX-License-Identifier: BSD-3-Clause
-- Registrations under IPsec that fail (TS 33.203 7.1 rules 2 and 3, 7.2, 7.3, 7.4.1a, 7.4.2a): who says so on which SA, what becomes of
-- new and old SAs, and which cause the P-CSCF names.
local check = require "check"
local forge = require "forge"
local plain = require "plain"
local tables = require "tables"
local test = require "test"
local xfrm = require "xfrm"

plain.large_frames()
local L = plain.lab("always", { home = { answer = "20s" } }, { taps = true, configure = function(K)
  for name, addr in tables.ordered({ ["ue1.example"] = K.phones[1], ["ue3.example"] = K.phones[3] }) do
    table.insert(K.conf.pcscf.resolver.hosts, ("%s=%s:5060"):format(name, addr))
  end
end })
local ear = plain.listen(L)
local UE, PCSCF = L.phones[1], L.ip.pcscf

plain.clean_after_failure(L)

local function registered(n, o)
  return plain.registered(ear, n, o)
end

local function refused(cause, since, what)
  local v = L:wait_event("pcscf", { ev = "verdict", cause = cause, since = since })
  check.has(v.evidence, what)
  return v
end

-- The SPIs of the messages of a procedure, 0 for clear; names: by SPI
local function ways(rows, names)
  local out = {}
  for i, m in ipairs(rows) do
    out[i] = (m.request and "" or m.status .. " ") .. (m.spi and (names[m.spi] or "other") or "clear")
  end
  return out
end

-- Names for the SPIs of a set over UDP: in and out as the UE sees it
local function named(into, name, ends)
  into[ends.spi_ps or 0], into[ends.spi_us or 0] = name, name
  return into
end

-- --- the card or the network refuses --------------------------------------------------------------

local function spoil_autn(m)
  m:change_auth(function(a)
    local both = base64.decode(a.nonce)
    a:set("nonce", base64.encode(both:sub(1, -2) .. string.char(both:byte(-1) ~ 1)), true)
  end)
end

local function spoil_response(m, step)
  if step == 2 then
    m:change_auth(function(a)
      a:set("response", ("0"):rep(32), true)
    end)
  end
end

-- Neither kernel, nor the P-CSCF, keeps what a challenge made.
local function new_gone(challenge)
  local p = plain.ends(challenge.m:get("Security-Server"))
  check.ok(plain.wait(function()
    local left = 0
    for _, ns in ipairs({ "core", "phones" }) do
      left = left + (xfrm.state(ns, p.spi_c) and 1 or 0) + (xfrm.state(ns, p.spi_s) and 1 or 0)
    end
    return left == 0 and not plain.status(L, { spi_ps = p.spi_s })[1]
  end, 10), "the new SAs are gone")
end

local function old_kept(a)
  check.eq({ plain.live("core", a), plain.live("phones", a) }, { 4, 4 }, "the old SAs stay")
  check.eq(plain.status(L, { spi_ps = a.spi_ps })[1].state, "in use")
end

test("failures of a registration that began in clear", { "SA-080", "SA-082" }, function()
  local since = ear:mark()
  local u = plain.phone(L, 1, { opc = ("00"):rep(16) })
  check.eq(u:register({ expires = 600 }).verdict, "mac_mismatch")
  local r = plain.registration(ear, since, u.last.call_id)
  check.above(#r, 3)
  for _, way in ipairs(ways(r, {})) do
    check.has(way, "clear", "network authentication failure")
  end
  new_gone(r[2])
  u:close()

  since, u = ear:mark(), plain.phone(L, 1)
  u:set_sqn(u:sqn() + 32 * 10000)
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  r = plain.registration(ear, since, u.last.call_id)
  check.eq(ways(r, named({}, "new", r.ends)), { "clear", "401 clear", "clear", "401 clear", "new", "200 new" }, "synchronisation failure")
  new_gone(r[2])
  plain.leave(u)

  since, u = ear:mark(), plain.phone(L, 1)
  local got = u:register({ expires = 600, mutate = spoil_response, once = true })
  check.between(got.status, 400, 499)
  r = plain.registration(ear, since, u.last.call_id)
  check.eq(ways(r, named({}, "new", r.ends)), { "clear", "401 clear", "new", got.status .. " new" }, "user authentication failure")
  new_gone(r[2])
  u:close()
end)

test("failures of a registration that began protected", { "SA-055", "SA-081", "SA-082" }, function()
  local u, a = registered(1)
  local old = named({}, "old", a)
  local since = ear:mark()
  check.no(u:reregister({ expires = 600, receive = function(m)
    if m.status == 401 then
      spoil_autn(m)
    end
  end }).ok)
  local r = plain.registration(ear, since, u.last.call_id)
  check.above(#r, 3)
  for _, way in ipairs(ways(r, old)) do
    check.has(way, "old", "network authentication failure")
  end
  new_gone(r[2])
  old_kept(a)

  since = ear:mark()
  local got = u:reregister({ expires = 600, mutate = spoil_response, once = true })
  check.between(got.status, 400, 499)
  r = plain.registration(ear, since, u.last.call_id)
  check.eq(ways(r, named(named({}, "new", r.ends), "old", a)), { "old", "401 old", "new", got.status .. " old" }, "user authentication failure")
  new_gone(r[2])
  old_kept(a)

  since = ear:mark()
  u:set_sqn(u:sqn() + 32 * 10000)
  check.eq(u:reregister({ expires = 600 }).verdict, "refreshed")
  r = plain.registration(ear, since, u.last.call_id)
  check.eq(ways(r, named(named({}, "new", r.ends), "old", a)), { "old", "401 old", "old", "401 old", "new", "200 new" },
    "synchronisation failure")
  new_gone(r[2])
  check.eq({ plain.live("core", a), plain.live("core", r.ends) }, { 4, 4 })
  plain.leave(u)
end)

for _, protected in ipairs({ false, true }) do
  test("SM12 is lost, of a registration that began " .. (protected and "protected" or "in clear"), protected and { "SA-056", "SA-057" } or
    { "SA-056" }, function()
    local u, a
    if protected then
      u, a = registered(1)
    else
      u, a = plain.phone(L, 1), {}
    end
    local since = ear:mark()
    local before, lost = plain.answered(L.mw_pi, 200), nil -- lost: the CSeq of SM7; every copy of its answer is
    L.mw_pi.pass = function(octets, from_b, m)
      if not from_b or m.status ~= 200 or before(m) then
        return octets
      end
      lost = lost or m:get("CSeq")
      return m:get("CSeq") ~= lost and octets or nil
    end
    local r = u:procedure(protected and "refresh" or "register", { expires = 600, timeout = 8 })
    L.mw_pi.pass = nil
    check.ok(r.ok, r.text)
    local first = protected and "old" or "clear"
    local rows = plain.registration(ear, since, u.last.call_id)
    check.eq(ways(rows, named(named({}, "new", rows.ends), "old", a)),
      { first, "401 " .. first, "other", first, "401 " .. first, "new", "200 new" }, "a new SM1 after the SM7 without answer")
    new_gone(rows[2])
    plain.leave(u)
  end)
end

-- --- what was agreed is not repeated --------------------------------------------------------------

local function number(name)
  return function(v)
    return v:gsub("(" .. name:gsub("%-", "%%-") .. "=)(%d+)", function(k, n)
      return k .. ((n + 1) | 0)
    end, 1)
  end
end

local CHANGES = {
  { "spi-c", number("spi-c") }, { "spi-s", number("spi-s") }, { "port-c", number("port-c") }, { "port-s", number("port-s") },
  { "alg", function(v) return v:gsub("([; ])alg=[%w-]+", "%1alg=hmac-md5-96", 1) end },
  { "ealg", function(v) return v:gsub(";%s*ealg=[%a-]+", "", 1) .. ";ealg=aes-cbc" end, true },
  { "mod", function(v) return v:gsub(";%s*mod=[%a-]+", "", 1) .. ";mod=tun" end, true },
  { "prot", function(v) return v:gsub(";%s*prot=[%a-]+", "", 1) .. ";prot=ah" end, true },
  { "q", function(v) return v:gsub(";%s*q=[%d.]+", "", 1) .. ";q=0.123" end, true },
}

for _, case in ipairs({ { "Security-Verify", "security_verify_differs", "SECAGREE-014" }, { "Security-Client", "security_client_differs",
  "SECAGREE-030" } }) do
  local name, cause, id = table.unpack(case)
  test(name .. " of SM7 differs in any parameter", { id }, function()
    local u, mark = plain.phone(L, 1), nil
    local function try(change, what)
      local since, before = L:mark(), L.mw_pi:mark()
      local r = u:register({ expires = 600, once = true, mutate = function(m, step)
        if step == 2 then
          change(m)
        end
      end })
      check.eq({ r.verdict, r.status }, { "security_disagreed", 494 }, what)
      refused(cause, since, what)
      check.eq(#L.mw_pi:since(before, function(m)
        return m.get and m.method == "REGISTER" and m:get("CSeq") == r.cseq .. " REGISTER"
      end), 0, "the home network hears nothing of it")
      mark = r
    end
    for _, c in ipairs(CHANGES) do
      try(function(m)
        local list = m:values(name)
        local changed = c[2](list[1])
        check.ne(changed, list[1], "the test changes " .. c[1])
        list[1] = changed
        m:set(name, table.concat(list, ", "))
      end, ("differs in %s of mechanism 1"):format(c[1]))
    end
    try(function(m)
      m:remove(name)
    end, name .. " is absent")
    check.ok(mark.response:get("Security-Server"), "494 says what the P-CSCF has")
    check.eq(u:register({ expires = 600 }).verdict, "registered", "repeated as it was it is taken")
    plain.leave(u)
  end)
end

-- --- rules 2 and 3 of 7.1 -------------------------------------------------------------------------

test("Via of a protected REGISTER", { "SA-042", "SA-043" }, function()
  local u, a = registered(1)
  local like = ear:last({ from = UE, to = PCSCF, spi = a.spi_ps })
  local function try(host)
    local since, p = ear:mark(), u:steps("refresh", { expires = 600 })
    local m = p:start()
    p:silent()
    m:insert("Via", ("SIP/2.0/UDP %s:%d;branch=%s"):format(host, a.port_us, sip.branch()))
    m:set("Call-ID", random.token())
    forge.to_pcscf(forge.esp({ like = like, text = m:text() }))
    local answer = ear:one(since, { to_ue = true, method = "REGISTER", request = false })
    check.eq(answer.spi, a.spi_us)
    return answer.status
  end
  check.eq(try(UE), 401, "its own address")
  local mark = L:mark()
  check.eq(try(L.phones[3]), 403)
  refused("via_differs", mark, L.phones[3])
  check.eq(try("ue1.example"), 401, "a name that leads there")
  mark = L:mark()
  check.eq(try("ue3.example"), 403)
  refused("via_differs", mark, "ue3.example")
  mark = L:mark()
  check.eq(try("ue.invalid"), 403)
  refused("via_differs", mark, "leads nowhere")
  old_kept(a)
  plain.leave(u)
end)

test("a protected client port that is in use", { "SA-044" }, function()
  local u, a = registered(1)
  local function offers_it(m, step)
    if step == 1 then
      m:set("Security-Client", (m:get("Security-Client"):gsub("port%-c=%d+", "port-c=" .. a.port_uc)))
    end
  end
  local w, mark = plain.phone(L, 2, { local_addr = UE .. ":0" }), L:mark()
  check.eq(w:register({ expires = 600, once = true, mutate = offers_it }).status, 400, "another phone at that address")
  check.eq(refused("protected_port_taken", mark, ("%s with port-c %d"):format(UE, a.port_uc)).impi, L:impi(2))
  mark = L:mark()
  check.eq(u:reregister({ expires = 600, once = true, mutate = offers_it }).status, 400, "the phone itself")
  check.eq(refused("protected_port_taken", mark, UE).impi, L:impi(1))
  old_kept(a)
  check.eq(#xfrm.states("core"), 4)
  check.eq(w:register({ expires = 600 }).verdict, "registered", "with ports of its own")
  plain.leave(u, w)
end)

test("no more than six SAs per direction and IMPI", { "SA-045" }, function()
  local phones = {}
  for i = 1, 3 do
    phones[i] = registered(1, { local_addr = L.phones[i] .. ":0" })
  end
  local mark, w = L:mark(), plain.phone(L, 1, { local_addr = L.phones[4] .. ":0" })
  check.eq(w:register({ expires = 600 }).status, 403)
  refused("too_many_sas", mark, "six per direction")
  check.eq(phones[1]:reregister({ expires = 600 }).status, 403, "nor for one that is registered")
  check.eq(#plain.status(L, { impi = L:impi(1) }), 3)
  check.ok(plain.wait(function()
    return #xfrm.states("core") == 12
  end, 10), "twelve in the kernel")
  phones[3]:deregister()
  w:close()
  for _, u in ipairs(phones) do
    u:close()
  end
end)

return test.finish()
