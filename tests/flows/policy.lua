-- SPDX-License-Identifier: BSD-3-Clause
-- When the S-CSCF challenges, and what the profile allows (TS 33.203 5.1.1, 5.1.2, 6.1.0, 6.1.5). The test plays the P-CSCF where
-- a value of integrity-protected is needed that the lab's own P-CSCF would not write without IPsec.
local check = require "check"
local lab = require "lab"
local mw = require "mw"
local tables = require "tables"
local test = require "test"

local SECOND = "sip:second@" .. lab.domain -- an IMPU that registers on its own
local SUBSCRIBERS = {
  { imsi = "001010000000001", msisdn = "15550001", k = "465b5ce8b199b49faa5f0a2ee238a6bc",
    opc = "cd63cb71954a9f4e48a5994e37a02baf", separate_impu = SECOND },
  lab.subscribers[2],
  lab.subscribers[3],
}

local function lab_with(registration)
  registration.unprotected_response = registration.unprotected_response or "accept"
  return lab.start({ subscribers = SUBSCRIBERS, scscf = { registration = registration } })
end

local never = lab_with({ reauthenticate = "never", reauthenticate_new_impu = "never", min_expires = 1,
  expiry_guard = "500ms" })
local always = lab_with({ reauthenticate = "always", reauthenticate_new_impu = "always" })
local strict = lab_with({ unprotected_response = "refuse" })

-- The statuses of a procedure.
local function statuses(r)
  local out = {}
  for _, s in ipairs(r.steps) do
    out[#out + 1] = s.response and s.response.status
  end
  return out
end

test("an initial registration is always challenged", { "AKA-004" }, function()
  for _, L in ipairs({ never, always, strict }) do
    for _, protection in ipairs({ "no", "yes", "ip-assoc-yes", "tls-yes" }) do
      local u, p = L:ue(2), mw.pcscf(L)
      local m = u:steps("register", { expires = 600 })
      local answer = p:exchange(m.start(), protection)
      check.ne(answer.status, 200, protection)
      if protection == "no" or protection == "yes" then
        check.eq(answer.status, 401, protection)
      end
      check.eq(L:state(u.impi)[u.impu].registered, false)
      p:close()
      u:close()
    end
  end
end)

test("a REGISTER without protection is challenged, also for a registered IMPU", { "AKA-005" }, function()
  for _, L in ipairs({ never, always }) do
    local u, p = L:ue(1), mw.pcscf(L)
    check.eq(p:register(u).verdict, "registered")
    local again = p:register(u, { kind = "refresh", protection = "no" })
    check.eq(statuses(again)[1], 401)
    check.eq(p:register(u, { kind = "deregister", protection = "no" }).steps[1].response.status, 401)
    p:close()
    u:close()
  end
end)

test("policy decides about a protected refresh", { "AKA-006" }, function()
  for _, case in ipairs({ { never, { 200 } }, { always, { 401, 200 } } }) do
    local L, expected = case[1], case[2]
    local u, p = L:ue(1), mw.pcscf(L)
    check.eq(p:register(u).verdict, "registered")
    local again = p:register(u, { kind = "refresh", protection = "yes" })
    check.eq(statuses(again), expected)
    check.eq(again.verdict, "refreshed")
    check.eq(L:verdict({ call_id = again.call_id, node = "scscf" }).cause, "refreshed")
    p:register(u, { kind = "deregister", protection = "yes" })
    p:close()
    u:close()
  end
end)

test("policy decides about a further IMPU of the same IMPI", { "AKA-013" }, function()
  for _, case in ipairs({ { never, { 200 } }, { always, { 401, 200 } } }) do
    local L, expected = case[1], case[2]
    local u, p = L:ue(1), mw.pcscf(L)
    check.eq(p:register(u).verdict, "registered")
    check.eq(L:state(u.impi)[SECOND].state, "not registered")
    u:set_impu(SECOND)
    local second = p:register(u, { protection = "yes" })
    check.eq(statuses(second), expected)
    check.eq(second.verdict, "registered")
    check.eq(L:state(u.impi)[SECOND].state, "registered")
    check.has(second.p_associated_uri, SECOND)
    for _, impu in ipairs({ SECOND, "sip:" .. u.impi }) do
      u:set_impu(impu)
      check.eq(p:register(u, { kind = "deregister", protection = "yes" }).verdict, "deregistered", impu)
      check.eq(L:state(u.impi)[impu].state, "not registered", impu)
    end
    p:close()
    u:close()
  end
end)

test("an unprotected response counts only where configuration says so", { "AKA-005" }, function()
  local u, p = strict:ue(1), mw.pcscf(strict)
  local r = p:register(u, { protection = "no" })
  check.no(r.ok)
  check.eq(strict:state(u.impi)[u.impu].registered, false)
  check.eq(strict:verdict({ call_id = r.call_id, node = "scscf" }).cause, "not_integrity_protected")
  check.eq(p:register(u).verdict, "registered", "the same with protection")
  p:register(u, { kind = "deregister", protection = "yes" })
  p:close()
  u:close()
end)

test("a UE cannot speak for a P-CSCF", { "AKA-005" }, function()
  local L = never
  local u, p = L:ue(1), mw.pcscf(L)
  check.eq(p:register(u).verdict, "registered")
  local e = assert(sip.endpoint({ addr = L.ip.ue .. ":0" }))
  for _, node in ipairs({ "icscf", "scscf" }) do
    local thief = L:ue(1)
    local m = thief:steps("deregister").start()
    m:set("Contact", "*")
    m:change_auth(function(a) a:set("integrity-protected", "yes") end)
    local answer = check.ok(e:request(m, L.sip[node]), "an answer of the " .. node)
    check.eq(answer.status, 403, node)
    check.eq(L:verdict({ call_id = m:get("Call-ID"), node = node }).cause, "untrusted_source")
    check.eq(L:state(u.impi)[u.impu].state, "registered", node)
    thief:close()
  end
  e:close()
  p:register(u, { kind = "deregister", protection = "yes" })
  p:close()
  u:close()
end)

test("the S-CSCF refuses what the profile does not allow", { "AKA-003" }, function()
  local L = always
  local u, p, callee = L:ue(1), mw.pcscf(L), L:ue(2)
  check.eq(callee:register({}).verdict, "registered")
  local r = p:register(u)
  check.eq(r.verdict, "registered")
  local default = "sip:+15550001@" .. L.domain
  for what, identity in tables.ordered({
    barred = u.impu, -- the temporary identity: good for REGISTER alone
    unknown = "sip:nobody@" .. L.domain,
    foreign = "sip:+15550003@" .. L.domain,
    ["not registered"] = SECOND,
  }) do
    for _, method in ipairs({ "INVITE", "MESSAGE" }) do
      local answer = check.ok(p:originate(u, { method = method, to = "sip:+15550002@" .. L.domain, identity = identity,
        registration = r }), what)
      check.eq(answer.status, 403, what .. " " .. method .. ": refused, not lost")
    end
  end
  check.no(callee:expect_request({ timeout = 0.2 }), "nothing got through")
  -- the other way: nobody is at home for a barred identity
  local answer = p:originate(u, { to = callee.impu, identity = default, registration = r })
  check.between(answer.status, 400, 499, "to a barred identity")
  local sending = async(p.originate, p, u, { to = "sip:+15550002@" .. L.domain, identity = default, registration = r })
  local rq = check.ok(callee:expect_request({ method = "MESSAGE" }), "an allowed one passes")
  rq:reply(200)
  check.eq(sending:wait(20).status, 200)
  callee:deregister({})
  callee:close()
  p:register(u, { kind = "deregister" })
  p:close()
  u:close()
end)

test("a refresh moves the expiry of the whole set, its lack ends it", { "AKA-040", "AKA-039" }, function()
  local L = never
  local u, p, caller = L:ue(1), mw.pcscf(L), L:ue(3)
  check.eq(caller:register({}).verdict, "registered")
  local FIRST, LATER, GUARD = 4, 6, 0.5
  local rows, before
  -- Once more where the machine stood still until the later expiry had come, too.
  check.ok(wait_for(function()
    check.eq(p:register(u, { expires = FIRST }).expires, FIRST)
    local start = now()
    sleep(0.3)
    before = now()
    local again = p:register(u, { kind = "refresh", protection = "yes", expires = LATER })
    if now() - start < FIRST then
      check.eq(again.verdict, "refreshed")
    end
    sleep(start + FIRST + GUARD + 0.3 - now()) -- the first expiry with its guard is over
    rows = L:state(u.impi)
    return now() - before < LATER
  end, 30), "the machine goes on")
  for impu, row in tables.ordered(rows) do
    if impu ~= SECOND then
      check.eq(row.state, "registered", impu .. " after the first expiry")
    end
  end
  local gone = wait_for(function()
    return L:state(u.impi)["tel:+15550001"].state == "not registered" and now()
  end, 20)
  check.ok(gone, "it expires when no refresh comes")
  check.above(gone - before, LATER, "the S-CSCF's timer is the longer one")
  check.eq(L:verdict({ node = "scscf", impi = u.impi, cause = "expired" }).procedure, "expiry")
  local answer = caller:message({ to = "sip:+15550001@" .. L.domain })
  check.between(answer.status, 400, 499, "nobody is at home")
  caller:deregister({})
  caller:close()
  p:close()
  u:close()
end)

test("423 below the minimum", {}, function()
  local u = always:ue(2)
  local r = u:register({ expires = 10 })
  check.eq(r.steps[1].response.status == 423 or r.steps[2].response.status == 423, true, "423")
  check.eq(r.verdict, "registered", "the phone asks for Min-Expires")
  check.eq(r.expires, 60)
  u:deregister({})
  u:close()
end)

test("integrity-protected is what the P-CSCF saw, not what the UE says", { "AKA-063" }, function()
  local L = lab.start({ taps = true })
  local u = L:ue(1)
  for _, claim in ipairs({ "yes", "no", "tls-yes", "ip-assoc-yes" }) do
    local mark = L.mw_pi:mark()
    local r = u:register({ mutate = function(msg)
      msg:change_auth(function(a) a:set("integrity-protected", claim) end)
    end })
    check.eq(r.verdict, "registered", claim)
    local seen = L.mw_pi:since(mark, function(m) return m.method == "REGISTER" end)
    check.eq(#seen, 2)
    for _, m in ipairs(seen) do
      local values = {}
      for _, p in ipairs(m:auth().params) do
        if p.name:lower() == "integrity-protected" then
          values[#values + 1] = p.value
        end
      end
      check.eq(values, { "no" }, "the UE says " .. claim)
    end
  end
  u:close()
end)

return test.finish()
