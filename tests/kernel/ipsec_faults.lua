-- SPDX-License-Identifier: BSD-3-Clause
-- Packets that are changed, played again, sent back or made up, and messages on SAs that may not carry them (TS 33.203 5.1.4, 7.1, 7.3.1.1,
-- 7.4.1a, 7.4.2a): nothing comes of them, and the P-CSCF says why.
-- under memcheck too
local check = require "check"
local forge = require "forge"
local plain = require "plain"
local test = require "test"
local wire = require "wire"
local xfrm = require "xfrm"

local AWAIT_S, ESP_WAIT_S = 10, 4
local PSAP_PORT = 5070

plain.large_frames()
local L = plain.lab("always", { registration = { await_auth = AWAIT_S .. "s" }, security = { esp_wait = ESP_WAIT_S .. "s" } },
  { taps = true, configure = function(K)
    K.conf.pcscf.emergency = { psap = ("sip:%s:%d"):format(K.ip.tap, PSAP_PORT) }
  end })
local ear = plain.listen(L)
local UE, PCSCF = L.phones[1], L.ip.pcscf

plain.clean_after_failure(L)

local function registered(n, o)
  return plain.registered(ear, n, o)
end

-- The same request as another one
local function anew(text)
  return (text:gsub("branch=z9hG4bK", "branch=z9hG4bKother", 1):gsub("Call%-ID: ", "Call-ID: other", 1))
end

-- How many SIP messages the core has seen, once it has told of all that was under way.
local function core_events()
  local n
  local function count()
    return #L:events("scscf", { ev = "sip" }) + #L:events("icscf", { ev = "sip" })
  end
  repeat
    n = count()
  until not plain.wait(function()
    return count() ~= n
  end, 0.4)
  return n
end

local function refused(cause, since, what)
  local v = L:wait_event("pcscf", { ev = "verdict", cause = cause, since = since })
  if what then
    check.has(v.evidence, what)
  end
  return v
end

-- Waits until a number of the kernel's account of an SA is n
local function becomes(ns, spi, field, n, what)
  local got
  plain.wait(function()
    got = xfrm.state(ns, spi)[field]
    return got == n
  end, 20)
  check.eq(got, n, what)
end

-- Events of a phone's own stream that have a note: what it did not take, and why
local function notes(u)
  local out = {}
  for line in (fs.read(u.options.trace) or ""):gmatch("[^\n]+") do
    local e = assert(json.decode(line))
    if e.note and e.dir == "in" then
      out[#out + 1] = e.note
    end
  end
  return out
end

-- A phone whose stream is read, and that waits long for answers
local function patient(n, o)
  local t = { t1_ms = 500, t2_ms = 500, trace = ("%s/patient%s"):format(L.dir, random.token()) }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  return t
end

-- Holds back the next answer of this status, every copy of it, on its way from the home network, until it is released.
local function hold(status)
  local h, before = {}, plain.answered(L.mw_pi, status)
  L.mw_pi.pass = function(octets, from_b, m)
    if from_b and m.status == status and not before(m) then
      h.octets, h.m = octets, m
      return nil
    end
    return octets
  end
  function h.wait()
    check.ok(wait_for(function() return h.octets end, 10), "the home network answers " .. status)
  end
  function h.release()
    L.mw_pi.pass = nil
    L.mw_pi.send(h.octets, true)
  end
  return h
end

-- --- ESP ---

test("a packet that was changed, played again or sent back, to the P-CSCF", { "SA-002", "SA-003", "SA-016" }, function()
  local u, a = registered(1)
  local v = registered(2)
  local row = plain.message(ear, u, v, 2, u)
  local before, fresh = core_events(), forge.esp({ like = row, text = anew(row.text) })
  local taken = xfrm.state("core", a.spi_ps).packets
  local parsed = wire.parse(fresh)
  for _, at in ipairs({ parsed.esp_at + 4, parsed.esp_at + 8, parsed.esp_at + 40, #fresh - 20, #fresh - 13, #fresh - 5, #fresh }) do
    local failed = xfrm.state("core", a.spi_ps).failed
    forge.to_pcscf(wire.flip(fresh, at, 2))
    becomes("core", a.spi_ps, "failed", failed + 1, "octet " .. at .. " is found out")
  end
  local replay = xfrm.state("core", a.spi_ps).replay
  forge.to_pcscf(row.octets, row.octets)
  becomes("core", a.spi_ps, "replay", replay + 2)
  local nothing = xfrm.statistics("phones").XfrmInNoStates
  forge.to_ue(wire.reflect(row.octets))
  check.ok(plain.wait(function()
    return xfrm.statistics("phones").XfrmInNoStates == nothing + 1
  end, 20), "a packet of the UE that comes back finds no SA")
  check.eq(xfrm.state("core", a.spi_ps).packets, taken)
  check.eq(core_events(), before, "no SIP came of any of them")
  local since = ear:mark()
  forge.to_pcscf(fresh)
  check.ok(v:expect_request(), "as it was it is taken"):reply(200)
  check.eq(ear:one(since, { to_ue = true, method = "MESSAGE", to = UE }).status, 200)
  plain.leave(u, v)
end)

test("a packet that was changed, played again or sent back, to the UE", { "SA-002", "SA-003", "SA-016" }, function()
  local u, a = registered(1)
  local v = registered(2)
  local row = plain.message(ear, v, u, 1, u)
  check.eq(row.spi, a.spi_us)
  local other = anew(row.text)
  local fresh = forge.esp({ like = row, text = other })
  local failed = xfrm.state("phones", a.spi_us).failed
  forge.to_ue(wire.flip(fresh, -40, 1))
  becomes("phones", a.spi_us, "failed", failed + 1)
  local replay = xfrm.state("phones", a.spi_us).replay
  forge.to_ue(row.octets)
  becomes("phones", a.spi_us, "replay", replay + 1)
  local nothing = xfrm.statistics("core").XfrmInNoStates
  forge.to_pcscf(wire.reflect(row.octets))
  check.ok(plain.wait(function()
    return xfrm.statistics("core").XfrmInNoStates == nothing + 1
  end, 20), "a packet of the P-CSCF that comes back finds no SA")
  check.no(u:expect_request({ timeout = 0.3 }), "no SIP comes of any of them")
  forge.to_ue(fresh)
  check.ok(u:expect_request(), "as it was it is taken"):reply(200)
  plain.leave(u, v)
end)

-- The challenge is out and answered, but the answer is kept: SM7 as text with its Via, and the numbers
local function answered(u)
  local since, p = ear:mark(), u:steps("register", { expires = 600 })
  local sm7 = check.ok(p:answer(check.ok(u:exchange(p:start(), 20, {}, { on = "register", step = true }), "401")), "SM7")
  local e = plain.registration(ear, since, sm7:get("Call-ID")).ends
  sm7:insert("Via", ("SIP/2.0/UDP %s:%d;branch=%s;rport"):format(UE, e.port_us, sip.branch()))
  return sm7, e, p
end

test("SM7 that fails its check is no SIP, and its SAs end", { "SA-002", "SA-054" }, function()
  local u, mark = plain.phone(L, 1), L:mark()
  local sm7, e, p = answered(u)
  local frame = forge.esp({ like = ear:last({ from = UE, to = PCSCF }), spi = e.spi_ps, from_port = e.port_uc, to_port = e.port_ps,
    text = sm7:text() })
  local before, since = core_events(), ear:mark()
  forge.to_pcscf(wire.flip(frame, -60, 0))
  becomes("core", e.spi_ps, "failed", 1)
  refused("esp_integrity_failed", mark, ("spi-s %d "):format(e.spi_ps))
  check.eq(ear:messages(since, { to_ue = true }), {}, "no answer")
  check.eq(core_events(), before)
  check.eq(plain.status(L, { spi_ps = e.spi_ps })[1].state, "registration")
  p:silent()
  plain.gone(L, e, AWAIT_S + 3, "the SAs of an answer that never came")
  check.eq(plain.status(L, { impi = L:impi(1) }), {})
  sm7, e, p = answered(u)
  since = ear:mark()
  forge.to_pcscf(forge.esp({ like = ear:last({ from = UE, to = PCSCF }), spi = e.spi_ps, from_port = e.port_uc, to_port = e.port_ps,
    text = sm7:text() }))
  local ok = ear:one(since, { to_ue = true, method = "REGISTER", request = false })
  check.eq({ ok.status, ok.spi }, { 200, e.spi_us }, "an answer that was not changed is taken")
  p:silent()
  u:close()
end)

test("a phone whose IK differs", { "SA-054" }, function()
  local u, mark, since = plain.phone(L, 2), L:mark(), ear:mark()
  u:play({ wrong_ik = true })
  check.eq(u:register({ expires = 600, once = true }).verdict, "no_answer")
  local e = plain.registration(ear, since, u.last.call_id).ends
  local v = refused("esp_integrity_failed", mark, ("spi-s %d "):format(e.spi_ps))
  check.eq(v.impi, L:impi(2))
  plain.gone(L, e, AWAIT_S + 3)
  u:close()
end)

test("a phone that says nothing after the challenge", function()
  local u, mark, since = plain.phone(L, 2), L:mark(), ear:mark()
  u:register({ expires = 600, max_steps = 1 })
  local e = plain.registration(ear, since, u.last.call_id).ends
  check.eq(refused("esp_missing", mark, ("spi-s %d "):format(e.spi_ps)).impi, L:impi(2))
  plain.gone(L, e, AWAIT_S + 3)
  u:close()
end)

test("a phone that sends from another port than it announced", function()
  local u, mark = plain.phone(L, 1), L:mark()
  local sm7, e, p = answered(u)
  local before = core_events()
  forge.to_pcscf(forge.esp({ like = ear:last({ from = UE, to = PCSCF }), spi = e.spi_ps, from_port = e.port_uc + 1, to_port = e.port_ps,
    text = sm7:text() }))
  check.eq(refused("esp_port_differs", mark, ("from port %d of %s"):format(e.port_uc, UE)).impi, L:impi(1))
  check.eq(core_events(), before)
  p:silent()
  plain.gone(L, e, AWAIT_S + 3)
  u:close()
end)

test("a packet of an SA from another address", { "SA-024" }, function()
  local u, a = registered(1)
  local v = registered(2)
  local row = plain.message(ear, u, v, 2, u)
  local since, before = ear:mark(), core_events()
  local other = anew(row.text)
  local function dropped()
    local s = xfrm.statistics("core")
    return s.XfrmInStateMismatch + s.XfrmInNoPols + s.XfrmInPolBlock + s.XfrmInTmplMismatch
  end
  local n = dropped()
  forge.to_pcscf(forge.esp({ like = row, text = other, from = L.phones[3] }))
  check.ok(plain.wait(function()
    return dropped() > n
  end, 20), "the kernel drops it")
  check.eq(core_events(), before)
  check.eq(ear:messages(since, { to_ue = true }), {})
  forge.to_pcscf(forge.esp({ like = row, text = other }))
  v:expect_request():reply(200)
  check.eq(ear:one(since, { to_ue = true, method = "MESSAGE", to = UE }).status, 200, "from its own it is taken")
  check.ok(a)
  plain.leave(u, v)
end)

-- --- in clear ---

local function request(method, uri, contact, more)
  local m = sip.message([[
    ${method} ${uri} SIP/2.0
    Via: SIP/2.0/UDP ${contact};branch=${branch}
    Max-Forwards: 70
    From: <sip:+15550001@${domain}>;tag=${tag}
    To: <${uri}>
    Call-ID: ${call_id}
    CSeq: 1 ${method}
    Contact: <sip:${contact}>]], { method = method, uri = uri, contact = contact, branch = sip.branch(), domain = L.domain, tag = random.token(),
    call_id = random.token() })
  sip.add_headers(m, more)
  return m
end

test("nothing in clear at the protected ports", { "SA-028", "SA-034" }, function()
  local u, a = registered(1)
  local since, before = ear:mark(), core_events()
  local e = assert(net.udp(UE .. ":0"))
  local from = e:local_address()
  local sent = {}
  for _, port in ipairs({ a.port_ps, a.port_pc, 6101, 6104 }) do
    for _, method in ipairs({ "OPTIONS", "REGISTER" }) do
      local m = request(method, "sip:" .. L.domain, from)
      sent[m:get("Call-ID")] = true
      e:send(m:text(), PCSCF .. ":" .. port)
    end
    check.no(net.tcp_connect(nil, PCSCF .. ":" .. port, 300):state() == "up", "no connection to " .. port)
  end
  local like = ear:last({ from = PCSCF, to = UE })
  local blocked = xfrm.statistics("phones")
  for _, port in ipairs({ a.port_us, a.port_uc }) do
    for _, from_port in ipairs({ 5060, a.port_pc, a.port_ps }) do
      forge.to_ue(forge.clear({ like = like, from_port = from_port, to_port = port,
        text = request("INVITE", u.contact, PCSCF .. ":" .. from_port):text() }))
    end
  end
  check.ok(plain.wait(function()
    local s = xfrm.statistics("phones")
    return s.XfrmInPolBlock + s.XfrmInNoPols + s.XfrmInTmplMismatch - blocked.XfrmInPolBlock - blocked.XfrmInNoPols - blocked.XfrmInTmplMismatch == 6
  end, 20), "the kernel of the UE drops all six")
  check.no(u:expect_request({ timeout = 0.3 }), "nothing comes to the UE")
  check.eq(core_events(), before)
  for _, m in ipairs(ear:messages(since, { to_ue = true, request = false })) do
    check.no(sent[m.call_id], "an answer from the P-CSCF")
  end
  e:close()
  plain.leave(u)
end)

test("what the P-CSCF takes in clear", { "SA-038", "SA-039" }, function()
  local u = registered(1)
  local psap = assert(sip.endpoint({ addr = ("%s:%d"):format(L.ip.tap, PSAP_PORT) }))
  local e = assert(sip.endpoint({ addr = UE .. ":0" }))
  local before, mark = #L:events("scscf", { ev = "sip" }), L:mark()
  for _, method in ipairs({ "INVITE", "MESSAGE", "BYE", "OPTIONS", "SUBSCRIBE" }) do
    local m = request(method, L:impu(2), e.addr)
    m:add("Route", u.service_route):remove("Via")
    local r = e:request(m, L.sip.pcscf, 1)
    check.ok(not r or r.status >= 400, method .. ": " .. (r and r.status or "silence"))
  end
  check.eq(#L:events("scscf", { ev = "sip" }), before, "nothing of it comes to the S-CSCF")
  local sos = request("INVITE", "urn:service:sos", e.addr)
  sos:remove("Via")
  local call = async(e.request, e, sos, L.sip.pcscf, 5)
  psap:reply(psap:expect("INVITE"), 486)
  check.eq(call:wait().status, 486, "an emergency call passes")
  local w = plain.phone(L, 3)
  check.eq(w:register({ expires = 600 }).verdict, "registered", "REGISTER in clear is served")
  check.ok(mark)
  psap:close()
  e:close()
  plain.leave(u, w)
end)

test("what the UE takes in clear", { "SA-040" }, function()
  local u = plain.phone(L, 1, patient(1))
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  local port = tonumber(u.local_address:match(":(%d+)$"))
  local like = ear:last({ from = PCSCF, to = UE })
  for _, method in ipairs({ "NOTIFY", "INVITE", "MESSAGE", "BYE" }) do
    forge.to_ue(forge.clear({ like = like, from_port = 5060, to_port = port, text = request(method, u.contact, L.sip.pcscf):text() }))
  end
  check.ok(plain.wait(function()
    return #notes(u) == 4
  end, 20), "they came")
  check.eq(notes(u)[1], "a request in clear")
  check.no(u:expect_request({ timeout = 0.3 }), "and have no effect")
  plain.leave(u)
end)

-- --- SAs that may not carry it: to the P-CSCF ---

test("new SAs carry nothing but the answer to their challenge", { "SA-086" }, function()
  local u, a = registered(1)
  local v = registered(2)
  local mark, since, r = L:mark(), ear:mark(), nil
  local got = u:reregister({ expires = 600, mutate = function(_, step)
    if step == 2 then
      r = u:message({ to = L:impu(2), on = "new", timeout = 1 })
    end
  end })
  check.eq(r.status, 0, "no answer")
  check.eq(got.verdict, "refreshed")
  local b = plain.registration(ear, since, u.last.call_id).ends
  check.eq(ear:one(since, { method = "MESSAGE", request = true }).spi, b.spi_ps)
  check.no(v:expect_request({ timeout = 0.1 }))
  check.eq(refused("wrong_sa", mark).impi, L:impi(1))
  check.eq(plain.message(ear, u, v, 2, u).spi, b.spi_ps, "after SM12 they carry it")
  check.ok(a)
  plain.leave(u, v)
end)

for _, way in ipairs({ "clear", "old" }) do
  test("SM7 " .. (way == "clear" and "in clear" or "on the old SAs"), { "SA-072", "AKA-061" }, function()
    local u, a = registered(1)
    local asked, mark, since = L.mw_pi:mark(), L:mark(), ear:mark()
    local r = u:reregister({ expires = 600, once = true, timeout = 5, on = { nil, way } }) -- also SM1 has to be answered in that time
    check.eq(r.verdict, "no_answer")
    local sm7 = ear:one(since, { from = UE, cseq = tostring(r.cseq) })
    check.eq(sm7.spi, way == "old" and a.spi_ps or nil)
    check.eq(#L.mw_pi:since(asked, function(m)
      return m.get and m:get("CSeq") == r.cseq .. " REGISTER"
    end), 0, "it goes no further than the P-CSCF")
    refused("wrong_sa", mark, "did not come over the new SAs")
    check.eq(plain.live("core", a), 4)
    plain.reregister(ear, u)
    plain.leave(u)
  end)
end

test("SAs of another user", { "SA-047", "SA-069" }, function()
  local u = registered(1)
  local v, b = registered(2)
  local mark, before = L:mark(), core_events()
  local sm1 = u:steps("refresh", { expires = 600 })
  local since = ear:mark()
  local r = check.ok(v:exchange(sm1:start(), 20, {}), "an answer")
  sm1:silent()
  check.eq({ r.status, ear:one(since, { method = "REGISTER", request = true }).spi }, { 403, b.spi_ps })
  refused("identity_not_allowed", mark, "the SA belongs to another IMPI")
  check.eq(core_events(), before)
  local w = registered(3)
  local answer = async(function()
    local rq = check.ok(w:expect_request({ method = "MESSAGE" }), "a MESSAGE")
    rq:reply(200)
    return rq.msg
  end)
  v:message({ to = L:impu(3), from = L:impu(1), preferred_identity = L:impu(1) })
  local m = answer:wait()
  check.has(m:get("P-Asserted-Identity"), L:impu(2), "who sends it is told by the SA")
  check.hasnt(table.concat(m:all("P-Asserted-Identity")), L:impu(1))
  plain.leave(u, v, w)
end)

-- --- SAs that may not carry it: to the UE ---

test("SM12 on other SAs than the new ones, or in clear", { "SA-051", "SA-068", "SA-075" }, function()
  local o = patient(1)
  local u, a = registered(1, o)
  local since, h = ear:mark(), hold(200)
  local task = async(u.reregister, u, { expires = 600, timeout = 20 })
  h.wait()
  local e = plain.registration(ear, since, u.last.call_id).ends
  local sm7 = ear:one(since, { from = UE, spi = e.spi_ps })
  local like = ear:last({ from = PCSCF, to = UE })
  local ok = sm7.m:reply(200, nil, { { "Contact", sm7.m:get("Contact") .. ";expires=600" }, { "P-Associated-URI", "<" .. L:impu(1) .. ">" } }):text()
  local n = #notes(u)
  local function ignored(what, frame)
    forge.to_ue(frame)
    n = n + 1
    check.ok(plain.wait(function()
      return #notes(u) >= n
    end, 20), what .. ": it came")
    check.no(task.done, what .. " is no answer")
    return notes(u)[n]
  end
  check.eq(ignored("on the old SA", forge.esp({ like = like, spi = a.spi_us, from_port = a.port_pc, to_port = a.port_us, text = ok })),
    "on the wrong SA")
  check.eq(ignored("on the old SA for TCP", forge.esp({ like = like, spi = a.spi_uc, from_port = a.port_ps, to_port = a.port_uc, text = ok })),
    "a datagram at the protected client port")
  check.match(ignored("in clear", forge.clear({ like = like, from_port = 5060, to_port = tonumber(u.local_address:match(":(%d+)$")), text = ok })),
    "^in clear")
  h.release()
  check.eq(task:wait(20).verdict, "refreshed")
  check.eq(ear:one(since, { status = 200, method = "REGISTER", spi = e.spi_us }).m:get("Call-ID"), sm7.call_id, "the true one on the new")
  plain.leave(u)
end)

test("a challenge in clear for a REGISTER that was protected", { "SA-070" }, function()
  local u, a = registered(1, patient(1))
  local since, h = ear:mark(), hold(401)
  local task = async(u.reregister, u, { expires = 600, timeout = 20 })
  h.wait()
  local sm1 = ear:one(since, { from = UE, spi = a.spi_ps })
  local challenge = sm1.m:reply(401, nil, { { "WWW-Authenticate", h.m:get("WWW-Authenticate") }, { "Security-Server",
    "ipsec-3gpp;alg=hmac-sha-1-96;ealg=null;spi-c=2000000001;spi-s=2000000002;port-c=6104;port-s=6100" } })
  local n = #notes(u)
  forge.to_ue(forge.clear({ like = ear:last({ from = PCSCF, to = UE }), from_port = 5060, to_port = tonumber(u.local_address:match(":(%d+)$")),
    text = challenge:text() }))
  check.ok(plain.wait(function()
    return #notes(u) > n
  end, 20), "it came")
  check.match(notes(u)[n + 1], "^in clear")
  check.eq(#u:sas({ state = "new" }), 0, "no SAs are made of it")
  h.release()
  local r = task:wait(20)
  check.eq({ r.verdict, r.challenges }, { "refreshed", 1 })
  check.eq(ear:one(since, { status = 401, spi = a.spi_us }).m:get("Call-ID"), sm1.call_id)
  plain.leave(u)
end)

return test.finish()
