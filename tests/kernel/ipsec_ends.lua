-- SPDX-License-Identifier: BSD-3-Clause
-- How security associations end (TS 33.203 7.3.1.4, 7.4, 7.5): lifetimes, registrations that are not completed, several contacts of one
-- user, another address, de-registration, and programs that are killed.
local check = require "check"
local plain = require "plain"
local tables = require "tables"
local test = require "test"
local xfrm = require "xfrm"

local INSTANCE = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"
local MARGIN_S, AWAIT_S = plain.margin_s, 5

plain.large_frames()
local L = plain.lab("always") -- every REGISTER is challenged
local K = plain.lab("never", { registration = { await_auth = AWAIT_S .. "s" } }) -- only those in clear
local ear, ear_k = plain.listen(L), plain.listen(K)
plain.clean_after_failure(L)
plain.clean_after_failure(K)

local function registered(n, o, how)
  return plain.registered(ear, n, o, how)
end

local function set_of(K_or_L, ends)
  return check.ok(plain.status(K_or_L, { spi_ps = ends.spi_ps })[1], "the P-CSCF has these SAs")
end

-- The lifetime of a set, as the P-CSCF says and as the UE does
local function lifetimes(lab_of, u, ends)
  return set_of(lab_of, ends).expires_s, u:sas({ spi = ends.spi_ps })[1].lifetime
end

local function check_lifetimes(lab_of, u, ends, seconds, what)
  for _, s in ipairs({ lifetimes(lab_of, u, ends) }) do
    check.between(s, seconds - 30, seconds + 0.01, what)
  end
end

-- --- lifetimes ---

test("a refresh without a challenge keeps SPIs and ports and never shortens", { "SA-083", "SA-099" }, function()
  local u, a = plain.registered(ear_k, 1)
  check_lifetimes(K, u, a, 600 + MARGIN_S)
  local r = plain.reregister(ear_k, u, { expires = 1200 })
  check.eq({ #r, r[1].spi, r[2].spi, r[2].status }, { 2, a.spi_ps, a.spi_us, 200 })
  for _, name in ipairs({ "spi_uc", "spi_us", "port_uc" }) do
    check.ne(r.ends[name], a[name], "the offer is a new one: " .. name)
  end
  check_lifetimes(K, u, a, 1200 + MARGIN_S, "longer")
  plain.reregister(ear_k, u, { expires = 60 })
  check_lifetimes(K, u, a, 1200 + MARGIN_S, "not shorter")
  plain.count(4, 4)
  local s = plain.status(K)
  check.eq(#s, 1)
  for k, v in tables.ordered(a) do
    check.eq(s[1][k], v, k)
  end
  check.eq({ plain.live("core", a), plain.live("phones", a) }, { 4, 4 })
  check.eq(u:request({ method = "OPTIONS", to = K:impu(2) }).status > 0, true)
  check.eq(ear_k:one(0, { method = "OPTIONS", request = true }).spi, a.spi_ps)
  plain.leave(u)
end)

test("new SAs live as long as the old ones would, or longer", { "SA-076" }, function()
  local u, a = registered(1)
  check_lifetimes(L, u, a, 600 + MARGIN_S)
  local b = plain.reregister(ear, u, { expires = 60 }).ends
  check_lifetimes(L, u, b, 600 + MARGIN_S, "as long as the old")
  local c = plain.reregister(ear, u, { expires = 1200 }).ends
  check_lifetimes(L, u, c, 1200 + MARGIN_S, "shortly after the registration")
  plain.leave(u)
end)

test("old SAs end in time, without traffic, and the new ones are used", { "SA-079", "SA-095" }, function()
  local u, a = registered(1, nil, { expires = 8 })
  local begun = now()
  local b = plain.reregister(ear, u).ends
  local v = registered(2)
  check.eq({ plain.live("core", a), plain.live("phones", a) }, { 4, 4 })
  check.eq(set_of(L, b).state, "waiting")
  local since = ear:mark()
  plain.gone(L, a, 40)
  check.above(now() - begun, 6, "not before their time")
  check.eq(ear:messages(since, { from = L.phones[1] }), {}, "nothing came on the new ones")
  check.eq(set_of(L, b).state, "in use")
  check.eq(plain.message(ear, v, u, 1, u).spi, b.spi_us)
  plain.leave(u, v)
end)

test("all SAs end with their lifetime", { "SA-084" }, function()
  local u, a = registered(1, { transport = "tcp" }, { expires = 3 })
  check.eq({ plain.live("core", a), plain.live("phones", a) }, { 4, 4 })
  plain.gone(L, a, 20)
  plain.count(0, 0)
  check.eq({ plain.status(L), u:sas() }, { {}, {} })
  u:close()
end)

-- --- registrations that begin anew ---

test("SM1 in clear while there are SAs", { "SA-063", "SA-074", "SA-090" }, function()
  local u, a = registered(1)
  local v = registered(2)
  local since, held = ear:mark(), nil
  local r = u:register({ expires = 600, clear = true, mutate = function(_, step)
    if step == 2 then
      held = async(function()
        return u:message({ to = L:impu(2) })
      end)
    end
  end })
  check.eq(r.verdict, "registered")
  check.eq(plain.live("core", a), 0, "the old SAs end with the 200")
  local reg = plain.registration(ear, since, r.call_id)
  local b = reg.ends
  local got = {}
  for i, m in ipairs(reg) do
    got[i] = m.spi or 0
  end
  check.eq(got, { 0, 0, b.spi_ps, b.spi_us }, "SM1 and the challenge in clear, SM7 and SM12 on the new SAs")
  check.ok(v:expect_request({ method = "MESSAGE" }), "what was held back"):reply(200)
  check.eq(held:wait().status, 200)
  local order = {}
  for _, m in ipairs(ear:messages(since, { again = false })) do
    if m.from == L.phones[1] and m.method == "MESSAGE" or m.status == 200 and m.call_id == r.call_id then
      order[#order + 1] = m.method .. (m.spi == b.spi_ps and " new" or "")
    end
  end
  check.eq(order, { "REGISTER", "MESSAGE new" }, "no service before SM12")
  plain.gone(L, a)
  plain.leave(u, v)
end)

test("a challenge is replaced by another", { "SA-058", "SA-089" }, function()
  local function challenged(u, kind)
    local since = ear:mark()
    u:procedure(kind, { expires = 600, max_steps = 1 })
    return plain.registration(ear, since, u.last.call_id).ends
  end
  local u = plain.phone(L, 1)
  local first = challenged(u, "register")
  plain.count(4, 0, "the challenge waits for its answer")
  local second = challenged(u, "register")
  check.eq({ plain.live("core", first), plain.live("core", second) }, { 0, 4 })
  local other = plain.phone(L, 1) -- the same user begins anew: other Call-ID, other ports
  local third = challenged(other, "register")
  check.eq({ plain.live("core", second), plain.live("core", third) }, { 0, 4 })
  other:close()
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  plain.count(4, 4)
  local a = plain.status(L)[1]
  local b = challenged(u, "refresh")
  plain.count(8, 4)
  local c = challenged(u, "refresh")
  plain.count(8, 4, "old plus new")
  check.eq({ plain.live("core", a), plain.live("core", b), plain.live("core", c) }, { 4, 0, 4 })
  local d = plain.reregister(ear, u).ends
  check.eq({ plain.live("core", a), plain.live("core", c), plain.live("core", d) }, { 4, 0, 4 })
  plain.leave(u)
end)

test("a registration that is not completed", { "SA-071" }, function()
  local u = plain.phone(K, 1, { sa_setup_ms = 1000 * AWAIT_S })
  local p = u:steps("register", { expires = 600 })
  local since = ear_k:mark()
  local challenge = check.ok(u:exchange(p:start(), 20, {}, { on = "register", step = true }), "401")
  check.ok(p:answer(challenge), "an answer, which is not sent")
  local e = plain.registration(ear_k, since).ends
  check.eq({ plain.live("core", e), plain.live("phones", e) }, { 4, 4 })
  check.between(set_of(K, e).expires_s, 0, AWAIT_S)
  check.between(u:sas()[1].lifetime, 0, AWAIT_S)
  plain.gone(K, e, AWAIT_S + 5)
  plain.count(0, 0)
  u:close()
end)

-- --- several contacts of one user ---

test("two phones of one IMPI at two addresses", { "SA-006" }, function()
  local u, a = registered(1)
  local w, b = registered(1, { local_addr = L.phones[3] .. ":0" })
  plain.count(8, 8, "two pairs for each contact")
  check.eq({ set_of(L, a).ue, set_of(L, b).ue }, { L.phones[1], L.phones[3] })
  local v = registered(2)
  check.eq(plain.message(ear, u, v, 2, u).spi, a.spi_ps)
  check.eq(plain.message(ear, w, v, 2, w).spi, b.spi_ps)
  plain.leave(w)
  plain.gone(L, b)
  check.eq({ plain.live("core", a), plain.live("phones", a) }, { 4, 4 }, "the other phone's stay")
  check.eq(plain.message(ear, u, v, 2, u).spi, a.spi_ps)
  plain.leave(u, v)
end)

test("an emergency registration beside a normal one", { "SA-007" }, function()
  local u, a = registered(1)
  local e, b = registered(1, { contact_params = "sos" })
  plain.count(8, 8)
  check.eq({ set_of(L, a).emergency, set_of(L, b).emergency }, { false, true })
  for _, ends in ipairs({ a, b }) do
    check.eq({ plain.live("core", ends), plain.live("phones", ends), set_of(L, ends).state }, { 4, 4, "in use" })
  end
  local v = registered(2)
  local c = plain.reregister(ear, u).ends
  check.eq(plain.message(ear, u, v, 2, u).spi, c.spi_ps)
  plain.gone(L, a)
  check.eq({ plain.live("core", b), plain.live("phones", b) }, { 4, 4 }, "the emergency registration keeps its own")
  plain.leave(u, e, v)
end)

test("two registrations of one UE with reg-ids", { "SA-008" }, function()
  local function flow(id)
    local u = plain.phone(L, 1, { instance = INSTANCE })
    u.how = { expires = 600, mutate = function(m)
      m:set("Contact", m:get("Contact") .. ";reg-id=" .. id)
    end }
    local since = ear:mark()
    local r = u:register(u.how)
    check.eq(r.verdict, "registered", r.text)
    return u, plain.registration(ear, since, r.call_id).ends
  end
  local u, a = flow(1)
  local w, b = flow(2)
  plain.count(8, 8)
  check.eq({ set_of(L, a).reg_id, set_of(L, b).reg_id }, { 1, 2 })
  local c = plain.reregister(ear, w, w.how).ends
  check.eq({ plain.live("core", a), plain.live("core", b), plain.live("core", c) }, { 4, 4, 4 }, "one changes, the other stays")
  check.eq(u:deregister(u.how).verdict, "deregistered")
  plain.gone(L, a)
  check.eq(plain.live("core", c), 4)
  check.eq(w:deregister(w.how).verdict, "deregistered")
  plain.count(0, 0)
  u:close()
  w:close()
end)

-- --- another address, programs that end ---

test("a UE whose address changes", { "SA-096" }, function()
  local u, a = registered(1, { transport = "tcp", instance = INSTANCE })
  check.ok(u:move(L.phones[3] .. ":0"))
  check.eq({ #xfrm.states("phones"), #u:sas() }, { 0, 0 }, "its SAs are gone at once")
  local since = ear:mark()
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  local r = plain.registration(ear, since, u.last.call_id)
  check.eq({ r[1].spi, r[1].from, r[3].spi }, { nil, L.phones[3], r.ends.spi_ps })
  check.eq(set_of(L, r.ends).ue, L.phones[3])
  plain.gone(L, a) -- the registrar knows the instance: this contact takes the place of the other
  plain.leave(u)
  plain.count(0, 0)
end)

-- An SA and a policy of somebody else, which nobody may touch
local function foreign(ns, command)
  for _, words in ipairs({
    { "state", command, "src", "10.77.9.1", "dst", "10.77.9.2", "proto", "esp", "spi", "0x1001" },
    { "policy", command, "src", "10.77.9.1", "dst", "10.77.9.2", "dir", "out" },
  }) do
    if command == "add" then
      table.move(words[1] == "state" and { "reqid", "7", "mode", "transport", "auth-trunc", "hmac(sha1)", "0x" .. ("11"):rep(20), "96",
        "enc", "cbc(aes)", "0x" .. ("22"):rep(16) } or { "tmpl", "proto", "esp", "reqid", "7", "mode", "transport" }, 1, 15, #words + 1, words)
    end
    local code, _, err = proc.run({ "ip", "-n", ns, "xfrm", table.unpack(words) })
    check.eq(code, 0, err)
  end
end

test("a P-CSCF that was killed", { "SA-064" }, function()
  local u, a = registered(1)
  foreign("core", "add")
  L:kill("pcscf")
  check.eq({ plain.live("core", a), #xfrm.states("core") }, { 4, 5 }, "what it left")
  L:start_node("pcscf")
  check.eq({ plain.live("core", a), #xfrm.states("core"), xfrm.state("core", 0x1001) ~= nil }, { 0, 1, true }, "its own are removed, at its start")
  for _, p in ipairs(xfrm.policies("core")) do
    check.ok(p.reqid == nil or p.reqid == 0 or p.reqid == 7, p.text)
  end
  local since = ear:mark()
  local r = u:reregister({ expires = 600 })
  check.eq(r.verdict, "refreshed", r.text)
  local reg = plain.registration(ear, since, u.last.call_id)
  check.eq(reg[1].spi, a.spi_ps, "first it tries its SAs")
  check.eq({ reg[2].spi, reg[2].method, reg[2].request }, { nil, "REGISTER", true }, "then in clear")
  check.eq(reg[#reg].status, 200)
  plain.gone(L, a)
  foreign("core", "del")
  plain.leave(u)
end)

local CHILD = [[
  local u = assert(ue.new({ %s ipsec = "required", udp_max = 8000, pcscf = %q, local_addr = %q }))
  print(u:register({ expires = 600 }).verdict)
  io.stdout:flush()
  wait_for(function() return false end, %s)
  return 0
]]

-- Another program with a phone of subscriber n
local function child(n, addr, seconds)
  local s, file = L.subscribers[n], ("%s/child%d"):format(L.dir, n)
  assert(fs.write(file .. ".lua", CHILD:format(("impi = %q, k = %q, %s = %q,"):format(L:impi(n), s.k, s.opc and "opc" or "op", s.opc or s.op),
    L.sip.pcscf, addr .. ":0", seconds), "600"))
  local p = assert(proc.spawn({ proc.exe, "run", file .. ".lua", stdout = file .. ".out", stderr = file .. ".err" }))
  check.ok(wait_for(function()
    return p:log():match("registered")
  end, 20), "the other program is registered")
  return p
end

test("a UE that was killed", function()
  plain.count(0, 0)
  local u, a = registered(1)
  local p = child(2, L.phones[2], 60)
  plain.count(8, 8)
  p:kill("KILL")
  p:wait()
  plain.count(8, 8, "what it left")
  p = child(3, L.phones[4], 0)
  check.eq(p:wait(), 0)
  check.eq({ #xfrm.states("phones"), plain.live("phones", a) }, { 4, 4 }, "removed by the next program, and no other's")
  local r = u:reregister({ expires = 600 })
  check.eq(r.verdict, "refreshed")
  plain.leave(u)
end)

test("a UE that is switched off", { "ISIM-006" }, function()
  local u = registered(1)
  plain.reregister(ear, u)
  local p = u:steps("refresh", { expires = 600 })
  check.ok(p:answer(check.ok(u:exchange(p:start(), 20, {}, { on = "old", step = true }), "401")), "an answer, which is not sent")
  check.above(#u:sas(), 4, "those in use and those of the challenge")
  check.eq(#xfrm.states("phones"), #u:sas())
  u:close()
  xfrm.check_empty("phones")
  local c = child(2, L.phones[2], 60) -- the whole program
  check.ok(plain.wait(function()
    return #xfrm.states("phones") == 4
  end, 20), "it has its SAs")
  c:kill("TERM")
  c:wait()
  xfrm.check_empty("phones")
  L:restart("pcscf") -- which knew nothing of it
end)

for _, transport in ipairs({ "udp", "tcp" }) do
  test("de-registration over " .. transport, { "SA-085" }, function()
    check.ok(plain.wait(function()
      return #plain.status(L, { state = "leaving" }) == 0
    end, 10), "the tests before have ended")
    local others, guards = #xfrm.states("core"), #xfrm.policies("core")
    local u, a = registered(3, { transport = transport })
    local b = plain.reregister(ear, u).ends
    local since = ear:mark()
    check.eq(u:deregister().verdict, "deregistered")
    local r = plain.registration(ear, since, u.last.call_id)
    check.eq(r[#r].status, 200)
    check.ok(r[#r].spi, "the 200 is still protected")
    check.eq({ #xfrm.states("phones"), #u:sas() }, { 0, 0 })
    for _, ends in ipairs({ a, b, r.ends }) do
      plain.gone(L, ends)
    end
    check.eq({ #xfrm.states("core"), #xfrm.policies("core") }, { others, guards })
    u:close()
    xfrm.check_empty("phones")
  end)
end

test("nothing went in clear but the first REGISTERs and their challenges", { "SA-001", "SA-053" }, function()
  local clear = {}
  for _, e in ipairs({ ear, ear_k }) do
    for _, m in ipairs(e:messages()) do
      if not m.spi then
        local what = m.request and m.method or m.method .. " " .. m.status
        clear[what] = true
        check.no(m.request and m.m:auth().response ~= "" and m.m:auth().response, "no answer to a challenge")
      end
    end
    for _, p in ipairs(e:packets()) do
      check.ok(p.spi or p.arp or p.from_port == 5060 or p.to_port == 5060, "what is not ESP is of the open port: " .. hex.encode(p.octets))
    end
  end
  check.eq(clear, { REGISTER = true, ["REGISTER 401"] = true })
end)

test("nothing is left", { "SA-065" }, function()
  for _, one in ipairs({ L, K }) do
    one:stop()
  end
  xfrm.check_empty("core")
  xfrm.check_empty("phones")
end)

return test.finish()
