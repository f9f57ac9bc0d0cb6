-- SPDX-License-Identifier: BSD-3-Clause
-- Messages that come twice, late or in another order, on Gm, Mw and Cx: no vector is issued or used twice, no registration comes of what
-- is out of date, and the next attempt works.
local check = require "check"
local lab = require "lab"
local mw = require "mw"
local test = require "test"

local ANSWER_MS = 1500 -- how long a node waits for another one here, of which a busy machine may take a part
local L = lab.start({ taps = true, pcscf = { home = { answer = ANSWER_MS .. "ms" } },
  icscf = { diameter = { answer = ANSWER_MS .. "ms" } }, scscf = { diameter = { answer = ANSWER_MS .. "ms" } } })

local function cx(mark, name)
  return L.cx_s:since(mark, function(m) return m.name == name end)
end

-- RAND and AUTN of each vector of an MAA.
local function vectors(maa)
  local out = {}
  for _, item in ipairs(maa.avps:all("SIP-Auth-Data-Item")) do
    out[#out + 1] = hex.encode(item:get("SIP-Authenticate"))
  end
  return out
end

-- Once all is over: every vector that left the HSS differs from all others, and so does every challenge that reached a phone.
local challenges = {}

local function register(u, verdict, o)
  local r = u:register(o or {})
  check.eq(r.verdict, verdict)
  if r.challenge then
    challenges[#challenges + 1] = r.challenge.rand .. r.challenge.autn
  end
  return r
end

local function leave(u)
  check.eq(u:deregister({}).verdict, "deregistered")
end

-- Runs fn with pass on this wire.
local function with(wire, pass, fn)
  L[wire].pass = pass
  local ok, why = pcall(fn)
  L[wire].pass = nil
  if not ok then
    error(why, 0)
  end
end

-- Swallows messages that fit, keeps them, and lets all else pass.
local function holder(fits)
  local held = {}
  return held, function(octets, from, m)
    if fits(m) then
      held[#held + 1] = { octets = octets, from = from, m = m }
      return nil
    end
    return octets
  end
end

-- --- twice ---

test("every message between the nodes comes twice", { "AKA-024" }, function()
  local u, mark, seq = L:ue(1), L.cx_s:mark(), L:subscriber(L:impi(1)).seq
  local function twice(wire)
    return function(octets, from_b)
      L[wire].send(octets, from_b)
      return octets
    end
  end
  with("mw_pi", twice("mw_pi"), function()
    with("mw_is", twice("mw_is"), function()
      register(u, "registered")
      check.eq(u:reregister({}).verdict, "refreshed")
      check.eq(L:impu_state(1), "registered")
      leave(u)
    end)
  end)
  check.eq(L:impu_state(1), "not registered")
  local maa = cx(mark, "MAA")
  check.eq(L:subscriber(L:impi(1)).seq - seq, #maa, "one SEQ for each MAA of one vector")
  check.eq(#maa, 3, "one vector for the registration, one for its refresh, one for its end")
  u:close()
end)

test("every REGISTER and every answer of a phone comes twice", { "AKA-024" }, function()
  local u, mark = L:ue(1), L.cx_s:mark()
  local e = assert(sip.endpoint({ addr = L.ip.other .. ":0", keep_retransmissions = true }))
  local p = u:steps("register", { expires = 600 })
  local m = p:start()
  while m do
    m:insert("Via", e:via())
    local answers = {}
    for i = 1, 2 do
      e:send(m, L.sip.pcscf)
      answers[i] = check.ok(e:recv({ match = function(x) return x.status and x.status >= 200 end }), "an answer to each copy")
    end
    check.eq(answers[1]:text(), answers[2]:text(), "the same answer")
    m = p:answer(answers[2])
  end
  check.eq(p:result().verdict, "registered")
  check.eq(#cx(mark, "MAR"), 1, "one vector is asked for")
  check.eq(#cx(mark, "SAR"), 1, "one assignment")
  e:close()
  u:close()
end)

-- The same request on the same connection, with T (RFC 6733 3) and a Hop-by-Hop Identifier of its own.
local function repeated(octets)
  local flags = octets:byte(5) | 0x10
  return octets:sub(1, 4) .. string.char(flags) .. octets:sub(6, 12) .. "\xfe\xfe\xfe\xfe" .. octets:sub(17)
end

-- The request is repeated at once, and again when it has been answered.
for _, name in ipairs({ "MAR", "SAR" }) do
  test(("a %s that comes again with T gets the same answer"):format(name), { "AKA-024" }, function()
    local u, seq, answers, request = L:ue(1), L:subscriber(L:impi(1)).seq, {}, nil
    with("cx_s", function(octets, _, m, send, back)
      if m.name == name then
        request = octets
        send(octets)
        send(repeated(octets))
        return nil
      elseif m.name == name:sub(1, 2) .. "A" then
        answers[#answers + 1] = m
        if #answers == 2 then
          back(repeated(request))
        end
        return m.hop_by_hop ~= 0xfefefefe and octets or nil
      end
      return octets
    end, function()
      register(u, "registered")
      check.ok(wait_for(function() return #answers == 3 end, 20), "all are answered")
    end)
    check.ne(answers[1].hop_by_hop, answers[2].hop_by_hop)
    for n = 2, 3 do
      check.eq(hex.encode(answers[1].octets:sub(17)), hex.encode(answers[n].octets:sub(17)), "the same answer but for the Hop-by-Hop Identifier")
    end
    check.eq(L:subscriber(L:impi(1)).seq, seq + 1, "SQN is moved once")
    check.eq(L:impu_state(1), "registered")
    leave(u)
    u:close()
  end)
end

-- --- late ---

test("MAA comes when nobody waits for it any more", { "AKA-024", "AKA-023" }, function()
  local u, seq = L:ue(2), L:subscriber(L:impi(2)).seq
  local late, hold = holder(function(m) return m.name == "MAA" end)
  local back
  with("cx_s", function(octets, from, m, send)
    back = m.name == "MAA" and send or back
    return hold(octets, from, m)
  end, function()
    local r = register(u, "refused")
    check.between(r.status, 500, 599)
    check.eq(L:verdict({ call_id = r.call_id, node = "scscf" }).cause, "hss_timeout")
  end)
  check.above(#late, 0, "the HSS has answered")
  for _, a in ipairs(late) do
    back(a.octets)
  end
  local r = register(u, "registered")
  for _, a in ipairs(late) do
    for _, v in ipairs(vectors(a.m)) do
      check.ne(r.challenge.rand .. r.challenge.autn, v, "a vector that came late is not used")
    end
  end
  check.above(r.challenge.sqn >> 5, seq + #late, "its SQN is above those that were lost")
  leave(u)
  u:close()
end)

-- An answer of the core that is swallowed until the P-CSCF has given up, and comes then.
local function late_answer(status, n)
  local u = L:ue(n)
  local late, hold = holder(function(m) return m.status == status end)
  local r
  with("mw_pi", hold, function()
    r = register(u, "refused")
    check.eq(r.status, 504)
    check.eq(L:verdict({ call_id = r.call_id, node = "pcscf" }).cause, "icscf_unreachable")
  end)
  check.above(#late, 0, "the core has answered")
  L:wait_event("pcscf", { ev = "sip", dir = "out", sum = "~^504 ", call_id = r.call_id }) -- told after the verdict
  local mark = L:mark()
  for _, a in ipairs(late) do
    L.mw_pi.send(a.octets, a.from)
  end
  L:wait_event("pcscf", { ev = "sip", dir = "in", since = mark, call_id = r.call_id })
  local other = L:ue(1)
  register(other, "registered") -- the P-CSCF goes on, and is done with what came before
  leave(other)
  other:close()
  check.eq(#L:events("pcscf", { ev = "sip", dir = "out", since = mark, call_id = r.call_id }), 0, "a late answer goes nowhere")
  return u, r
end

test("401 comes when the P-CSCF has given up", { "AKA-024" }, function()
  local u, r = late_answer(401, 3)
  check.eq(#r.steps, 1, "the phone saw no challenge")
  register(u, "registered")
  leave(u)
  u:close()
end)

test("200 comes when the P-CSCF has given up", { "AKA-024" }, function()
  local u, r = late_answer(200, 3)
  check.eq(#r.steps, 2, "the phone answered the challenge")
  check.eq(L:impu_state(3), "registered", "the HSS knows it as registered")
  register(u, "registered") -- with a challenge of its own, or it would not be in the list of challenges
  leave(u)
  check.eq(L:impu_state(3), "not registered")
  u:close()
end)

-- --- in another order ---

local function numbered(m, cseq)
  local out = m:copy()
  out:set("CSeq", cseq .. " REGISTER")
  return out
end

local function again(m)
  for _, name in ipairs({ "Path", "Require", "P-Visited-Network-ID", "P-Charging-Vector", "Via" }) do
    m:remove(name)
  end
  return m
end

-- De-registers with a CSeq above all of these.
local function leave_over(p, u)
  local r = p:register(u, { kind = "deregister", mutate = function(m, n) m:set("CSeq", (20 + n) .. " REGISTER") end })
  check.eq(r.verdict, "deregistered")
end

test("the later of two refreshes comes first", {}, function()
  local u, p = L:ue(1), mw.pcscf(L)
  local r = p:register(u)
  check.eq(r.verdict, "registered")
  local last = again(r.steps[#r.steps].request:copy())
  last:change_auth(function(a) a:set("nonce", ""):set("response", "") end)
  local mark, wire = L:mark(), L.cx_s:mark()
  check.eq(p:exchange(numbered(last, 9), "yes").status, 200, "the later one")
  local early = numbered(last, 8)
  early:set("Expires", "0")
  early:set("Contact", (early:get("Contact"):gsub(";expires=%d+", "")))
  local answer = p:exchange(early, "yes")
  check.between(answer.status, 400, 599)
  check.eq(L:verdict({ node = "scscf", since = mark, cause = "out_of_order" }).outcome, "refused")
  check.eq(L:impu_state(1), "registered", "an end that is out of date ends nothing")
  check.eq(#cx(wire, "MAR"), 0)
  leave_over(p, u)
  p:close()
  u:close()
end)

test("two answers to one challenge, the later one first", { "AKA-048" }, function()
  local u, p = L:ue(1), mw.pcscf(L)
  local steps = u:steps("register", { expires = 600 })
  local challenge = p:exchange(steps:start(), "no")
  check.eq(challenge.status, 401)
  local first = steps:answer(challenge)
  local second = numbered(first, 7)
  local wire = L.cx_s:mark()
  local accepted = p:exchange(second, "yes")
  check.eq(accepted.status, 200)
  steps:answer(accepted)
  local late = p:exchange(first, "yes")
  check.between(late.status, 400, 599, "the vector is used up")
  check.eq(late:get("Service-Route"), nil)
  check.eq(#cx(wire, "SAR"), 1, "one assignment")
  check.eq(L:impu_state(1), "registered")
  leave_over(p, u)
  p:close()
  u:close()
end)

test("no vector came twice over all this", { "AKA-024" }, function()
  local seen = {}
  for _, c in ipairs(challenges) do
    check.no(seen[c], "a challenge that a phone has seen before")
    seen[c] = true
  end
  check.above(#challenges, 5)
  local rands = {}
  for _, m in ipairs(L.cx_s:since(0, function(x) return x.name == "MAA" and x.hop_by_hop ~= 0xfefefefe end)) do
    for _, v in ipairs(vectors(m)) do
      check.no(rands[v], "a vector that left before")
      rands[v] = true
    end
  end
end)

return test.finish()
