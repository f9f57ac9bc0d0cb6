-- SPDX-License-Identifier: BSD-3-Clause
-- Authentication that fails, and what must not happen then (TS 33.203 6.1.2).
local check = require "check"
local lab = require "lab"
local mw = require "mw"
local tables = require "tables"
local test = require "test"

local L = lab.start({ taps = true })
local AUTHENTICATION_FAILURE, AUTHENTICATION_TIMEOUT = 9, 10

local function sars(mark)
  local out = {}
  for _, m in ipairs(L.cx_s:since(mark, function(x) return x.name == "SAR" end)) do
    out[#out + 1] = m.avps:get("Server-Assignment-Type")
  end
  return out
end

local function spoil_digit(msg)
  msg:change_auth(function(a)
    local d = a.response:sub(5, 5)
    a:set("response", a.response:sub(1, 4) .. (d == "0" and "1" or "0") .. a.response:sub(6))
  end)
end

local function wrong_answer(msg, step)
  if step == 2 then
    spoil_digit(msg)
  end
end

-- The same subscriber with another OPc in the SIM: MAC in AUTN is wrong for it.
local function other_sim(n)
  return L:ue(n, { opc = L.subscribers[n % 3 + 1].k })
end

-- A 4xx that ends an authentication carries nothing that could help the other side.
local function check_bare(response)
  check.between(response.status, 400, 499)
  check.ne(response.status, 401)
  for _, name in ipairs({ "WWW-Authenticate", "Proxy-Authenticate", "Authentication-Info", "Security-Server" }) do
    check.no(response:get(name), name)
  end
  for _, word in ipairs({ "nonce", "ck=", "ik=" }) do
    check.hasnt(response:text():lower(), word)
  end
end

local function reachable(u, n)
  local caller = L:ue(3)
  check.eq(caller:register({}).verdict, "registered")
  local sending = async(caller.message, caller, { to = L:impu(n) })
  local rq = check.ok(u:expect_request({ method = "MESSAGE" }), "MESSAGE reaches " .. L:impu(n))
  rq:reply(200)
  check.eq(sending:wait(20).status, 200)
  caller:deregister({})
  caller:close()
end

test("one changed digit is refused, the right answer is not", { "AKA-033", "AKA-047" }, function()
  local u, mark = L:ue(1), L.cx_s:mark()
  local r = u:register({ mutate = wrong_answer })
  check.eq(r.verdict, "refused")
  check_bare(r.response)
  check_bare(L.mw_is.messages[#L.mw_is.messages])
  check.eq(sars(mark), { AUTHENTICATION_FAILURE })
  check.eq(L:state(L:impi(1))[L:impu(1)].state, "not registered")
  local v = L:verdict({ call_id = r.call_id })
  check.eq(v.cause, "res_mismatch")
  check.eq(v.outcome, "refused")
  check.match(v.clause, "^TS 33.203 6.1")
  check.eq(u:register({}).verdict, "registered")
  u:deregister({})
  u:close()
end)

test("wrong answers of many kinds register nobody", { "AKA-033" }, function()
  local kinds = {
    empty_password = function(a, msg)
      a:set("response", auth.response({ algorithm = "AKAv1-MD5", username = a.username, realm = a.realm, password = "",
        method = msg.method, uri = a.uri, nonce = a.nonce, cnonce = a.cnonce, nc = a.nc, qop = a.qop }))
    end,
    no_nonce = function(a) a:remove("nonce") end,
    other_nonce = function(a) a:set("nonce", base64.encode(random.octets(32))) end,
    too_short = function(a) a:set("response", a.response:sub(1, 31)) end,
    not_hex = function(a) a:set("response", ("z"):rep(32)) end,
    other_uri = function(a) a:set("uri", "sip:elsewhere.example") end,
    no_uri = function(a) a:remove("uri") end,
    other_user = function(a) a:set("username", L:impi(2)) end,
    other_qop = function(a) a:set("qop", "auth-int") end,
    bad_nc = function(a) a:set("nc", "banana") end,
  }
  for name, change in tables.ordered(kinds) do
    local u = L:ue(1)
    local r = u:register({ max_steps = 2, mutate = function(msg, step)
      if step == 2 then
        msg:change_auth(function(a) change(a, msg) end)
      end
    end })
    check.no(r.ok, name)
    check.ok(r.steps[2].response, name .. ": an answer")
    check.between(r.steps[2].response.status, 400, 499, name)
    check.eq(L:state(L:impi(1))[L:impu(1)].registered, false, name)
    u:close()
  end
end)

test("a registered user stays registered when an attempt fails", { "AKA-041", "AKA-046" }, function()
  local u = L:ue(1)
  check.eq(u:register({}).verdict, "registered")
  local other = other_sim(1)
  for what, attempt in tables.ordered({
    ["wrong answer"] = function() return u:register({ mutate = wrong_answer }) end,
    ["wrong MAC"] = function() return other:register({}) end,
  }) do
    local mark = L.cx_s:mark()
    local r = attempt()
    check.no(r.ok, what)
    check.eq(sars(mark), {}, what .. ": the HSS hears nothing")
    check.eq(L:state(L:impi(1))[L:impu(1)].state, "registered", what)
    reachable(u, 1)
  end
  other:close()
  u:deregister({})
  u:close()
end)

test("somebody with a wrong key cannot de-register a user", { "AKA-041" }, function()
  local u = L:ue(1)
  check.eq(u:register({}).verdict, "registered")
  local thief = other_sim(1)
  local r = thief:deregister({})
  check.eq(r.verdict, "mac_mismatch")
  check.eq(L:verdict({ call_id = r.call_id, node = "scscf" }).cause, "mac_mismatch")
  check.eq(L:state(L:impi(1))[L:impu(1)].state, "registered")
  reachable(u, 1)
  thief:close()
  u:deregister({})
  u:close()
end)

test("wrong response over a protected connection", { "AKA-043" }, function()
  local u, p, mark = L:ue(1), mw.pcscf(L), L.cx_s:mark()
  local r = p:register(u, { mutate = wrong_answer })
  check.eq(r.verdict, "refused")
  check_bare(r.response)
  check.eq(sars(mark), { AUTHENTICATION_FAILURE })
  check.no(L:state(L:impi(1))[L:impu(1)].scscf)
  check.eq(L:verdict({ call_id = r.call_id }).cause, "res_mismatch")
  p:close()
  u:close()
end)

test("report of a wrong MAC clears the S-CSCF name", { "AKA-029", "AKA-044", "AKA-045", "AKA-047", "AKA-016" }, function()
  local u, mark, wire = other_sim(1), L.cx_s:mark(), L.mw_is:mark()
  local r = u:register({})
  check.eq(r.verdict, "mac_mismatch")
  local report = r.steps[2].request:auth()
  check.eq(report.response, "", "response is there and empty")
  check.no(report.auts)
  local passed = L.mw_is:since(wire, function(m) return m.method == "REGISTER" end)
  check.eq(passed[2]:auth().response, "", "the report reaches the S-CSCF")
  check_bare(r.response)
  check.contains(sars(mark), AUTHENTICATION_FAILURE)
  for name, row in tables.ordered(L:state(L:impi(1))) do
    check.no(row.scscf, name)
    check.eq(row.state, "not registered", name)
  end
  local v = L:verdict({ call_id = r.call_id, node = "scscf" })
  check.eq(v.cause, "mac_mismatch")
  check.match(v.hint, "OPc", "it says where to look")
  u:close()
end)

test("a newer challenge kills the older one", { "AKA-048", "AKA-049" }, function()
  local a, b, p = L:ue(1), L:ue(1), mw.pcscf(L)
  local old, new = a:steps("register", { expires = 600 }), b:steps("register", { expires = 600 })
  local challenge1 = p:exchange(old:start(), "no")
  check.eq(challenge1.status, 401)
  local answer1 = old:answer(challenge1)
  local challenge2 = p:exchange(new:start(), "no")
  check.eq(challenge2.status, 401)
  check.ne(challenge2:auth().nonce, challenge1:auth().nonce)
  local late = p:exchange(answer1, "yes")
  check.between(late.status, 400, 699, "a final answer")
  check.no(L:state(L:impi(1))[L:impu(1)].registered, "nobody is registered by it")
  check.eq(L:verdict({ call_id = old:result().call_id }).cause, "challenge_superseded")
  local accepted = p:exchange(new:answer(challenge2), "yes")
  check.eq(accepted.status, 200, "the newer challenge still counts")
  new:answer(accepted)
  p:register(b, { kind = "deregister" })
  p:close()
  a:close()
  b:close()
end)

test("an answer without a challenge is not accepted", { "AKA-048" }, function()
  local u, p = L:ue(1), mw.pcscf(L)
  local r = p:register(u)
  check.eq(r.verdict, "registered")
  -- the same answer again, as a new request
  local replay = r.steps[2].request:copy()
  replay:remove("Path"):remove("Require"):remove("P-Visited-Network-ID"):remove("P-Charging-Vector")
  replay:set("Call-ID", random.token()):set("CSeq", "3 REGISTER")
  local again = p:exchange(replay, "no")
  check.ne(again.status, 200)
  p:register(u, { kind = "deregister" })
  p:close()
  u:close()
end)

test("silence after the challenge", { "AKA-050", "AKA-045" }, function()
  local S = lab.start({ taps = true, scscf = { registration = { await_auth = "300ms" } },
    pcscf = { registration = { await_auth = "300ms" } } })
  local u = S:ue(1)
  local r = u:register({ max_steps = 1 })
  check.eq(r.verdict, "abandoned")
  local id = u.impi
  local v = S:verdict({ call_id = r.call_id })
  check.eq(v.cause, "challenge_timeout")
  check.ok(wait_for(function()
    for _, m in ipairs(S.cx_s.messages) do
      if m.name == "SAR" and m.avps:get("Server-Assignment-Type") == AUTHENTICATION_TIMEOUT then
        return true
      end
    end
  end, 20), "SAR AUTHENTICATION_TIMEOUT")
  check.ok(wait_for(function()
    return not S:state(id)[u.impu].scscf
  end, 20), "the HSS has forgotten the S-CSCF name")
  check.eq(S:state(id)[u.impu].state, "not registered")
  -- the late answer gets a final response and registers nobody
  local mark
  check.ok(wait_for(function() -- where this machine is slower than await_auth once more
    mark = S:mark()
    local again = u:register({})
    check.ok(again.ok or S:verdict({ call_id = again.call_id, since = mark }).cause == "challenge_timeout", again.text)
    return again.ok
  end, 20), "and the next attempt works")
  mark = S:mark()
  local refresh = u:register({ max_steps = 1 })
  check.eq(S:verdict({ node = "scscf", call_id = r.call_id, since = mark, cause = "challenge_timeout" }).cause, "challenge_timeout")
  check.eq(refresh.verdict, "abandoned")
  check.eq(S:state(id)[u.impu].state, "registered", "a registered user stays registered")
  u:close()
end)

return test.finish()
