-- SPDX-License-Identifier: BSD-3-Clause
-- An S-CSCF that is down at the first REGISTER, at the answer to the challenge, at a refresh and at the end: alone, and with another
-- one in the pool that takes over (TS 24.229 5.3.1.3, TS 29.228 6.1.1, TS 23.380 4).
local check = require "check"
local faults = require "faults"
local lab = require "lab"
local test = require "test"

-- --- one S-CSCF ---

local L = lab.start()

local function served_by(l, u)
  local row = l:state(u.impi)["sip:" .. u.impi]
  return row.state == "registered" and row.scscf:match("sip:([^.]+)") or row.state
end

-- A message from one phone to the other, through the S-CSCFs of both.
local function check_message(from, to, what)
  local n = tonumber(to.impi:match("(%d)@"))
  local sending = async(from.message, from, { to = L:impu(n) })
  local rq = check.ok(to:expect_request({ method = "MESSAGE" }), what .. ": MESSAGE reaches " .. to.impi)
  rq:reply(200)
  check.eq(sending:wait(20).status, 200, what)
end

test("the only S-CSCF is down at the first REGISTER", {}, function()
  local u = L:ue(1)
  L:kill("scscf", "KILL")
  faults.refused_in_time(L, u, "scscf_unreachable", "icscf")
  L:restart("scscf")
  faults.registers(u, "after the S-CSCF is back")
  u:close()
end)

test("the only S-CSCF is down at the answer to the challenge", {}, function()
  local u, mark = L:ue(1), L:mark()
  local r = u:register({ timeout = faults.WAIT_S, mutate = function(_, step)
    if step == 2 then
      L:kill("scscf", "KILL")
    end
  end })
  check.eq(#r.steps, 2)
  check.eq(r.response.status, 504)
  check.eq(L:verdict({ call_id = r.call_id, since = mark }).cause, "scscf_unreachable")
  L:restart("scscf")
  faults.registers(u, "after the S-CSCF is back")
  u:close()
end)

-- It has forgotten its challenge: the answer is challenged anew, and the phone goes on.
test("the only S-CSCF restarts before the answer to the challenge", {}, function()
  local u = L:ue(1)
  local r = u:register({ timeout = faults.WAIT_S, mutate = function(_, step)
    if step == 2 then
      L:kill("scscf", "KILL")
      L:restart("scscf")
    end
  end })
  check.eq(r.verdict, "registered")
  check.eq(#r.steps, 3)
  check.eq(u:deregister({}).verdict, "deregistered")
  u:close()
end)

test("the only S-CSCF is down at a refresh", {}, function()
  local u, mark = L:ue(1), L:mark()
  check.eq(u:register({}).verdict, "registered")
  L:kill("scscf", "KILL")
  local r = u:reregister({ timeout = faults.WAIT_S })
  check.eq(r.response.status, 504)
  check.eq(L:verdict({ call_id = r.call_id, since = mark, node = "icscf" }).cause, "scscf_unreachable")
  check.eq(served_by(L, u), "scscf", "the HSS does not forget")
  L:restart("scscf")
  check.eq(u:reregister({}).verdict, "refreshed")
  check.eq(u:deregister({}).verdict, "deregistered")
  u:close()
end)

-- What it knew is in the HSS, and comes back with the first request of or to the user (TS 23.380 4).
test("the only S-CSCF restarts under registered users: they call and are called", {}, function()
  local u, other = L:ue(1), L:ue(2)
  for _, first in ipairs({ "called", "calls" }) do
    check.eq(u:register({}).verdict, "registered")
    check.eq(other:register({}).verdict, "registered")
    local mark = L:mark()
    L:kill("scscf", "KILL")
    L:restart("scscf")
    if first == "called" then
      check_message(u, other, "the caller and the called are restored")
      check_message(other, u, "back")
    else
      check_message(other, u, "the other way round")
    end
    for _, who in ipairs({ u, other }) do
      check.eq(#L:events("scscf", { ev = "verdict", cause = "restored", impi = who.impi, since = mark }), 1, who.impi)
      check.eq(served_by(L, who), "scscf")
    end
    check.eq(u:reregister({}).verdict, "refreshed")
    check.eq(u:deregister({}).verdict, "deregistered")
    local sent = other:message({ to = L:impu(1) })
    check.eq(sent.status, 480, "who has left is not restored")
    check.eq(other:deregister({}).verdict, "deregistered")
  end
  u:close()
  other:close()
end)

-- --- two ---

local P = lab.start({ second = { "scscf" }, usual_waits = true, pcscf = { home = { answer = "20s" } },
  icscf = { scscf = { answer = "1s", total = "20s" } } })

-- Brings the preferred one back, for the next test.
local function back()
  P:restart("scscf")
end

test("the preferred S-CSCF serves", {}, function()
  local u = P:ue(1)
  check.eq(u:register({}).verdict, "registered")
  check.eq(served_by(P, u), "scscf")
  check.eq(u:deregister({}).verdict, "deregistered")
  u:close()
end)

test("S-CSCF down at the first REGISTER: another one of the pool serves, also when it is back", {}, function()
  local u, other = P:ue(1), P:ue(2)
  P:kill("scscf", "KILL")
  local r = u:register({ timeout = faults.WAIT_S })
  check.eq(r.verdict, "registered")
  check.eq(#r.steps, 2)
  check.eq(served_by(P, u), "scscf2")
  back()
  check.eq(other:register({}).verdict, "registered")
  check.eq(served_by(P, other), "scscf", "who comes now goes to the preferred one again")
  check.eq(u:reregister({}).verdict, "refreshed")
  check.eq(served_by(P, u), "scscf2", "who is served stays")
  check_message(u, other, "from the second to the first")
  check_message(other, u, "from the first to the second")
  check.eq(u:deregister({}).verdict, "deregistered")
  check.eq(other:deregister({}).verdict, "deregistered")
  u:close()
  other:close()
end)

-- The other one knows nothing of the challenge, and challenges anew.
test("S-CSCF down at the answer to the challenge: another one challenges anew", {}, function()
  local u = P:ue(1)
  local r = u:register({ timeout = faults.WAIT_S, mutate = function(_, step)
    if step == 2 then
      P:kill("scscf", "KILL")
    end
  end })
  check.eq(r.verdict, "registered")
  check.eq(#r.steps, 3)
  check.eq(served_by(P, u), "scscf2")
  back()
  check.eq(u:deregister({}).verdict, "deregistered")
  u:close()
end)

test("S-CSCF down at a refresh: another one takes the user over", {}, function()
  local u, other = P:ue(1), P:ue(2)
  check.eq(u:register({}).verdict, "registered")
  check.eq(served_by(P, u), "scscf")
  P:kill("scscf", "KILL")
  check.ok(u:reregister({ timeout = faults.WAIT_S }).ok)
  check.eq(served_by(P, u), "scscf2")
  check.eq(other:register({ timeout = faults.WAIT_S }).verdict, "registered")
  check_message(u, other, "while the first one is away")
  check_message(other, u, "while the first one is away")
  back()
  check_message(u, other, "when it is back")
  check.eq(u:deregister({}).verdict, "deregistered")
  check.eq(other:deregister({}).verdict, "deregistered")
  u:close()
  other:close()
end)

test("S-CSCF down at the end: another one ends the registration", {}, function()
  local u = P:ue(1)
  check.eq(u:register({}).verdict, "registered")
  P:kill("scscf", "KILL")
  local r = u:deregister({ timeout = faults.WAIT_S })
  check.eq(r.verdict, "deregistered")
  check.eq(served_by(P, u), "not registered")
  back()
  faults.registers(u, "when it is back")
  u:close()
end)

-- It wakes with a REGISTER that another one has answered meanwhile, and challenges it: that MAR makes it the user's S-CSCF again (TS
-- 29.228 6.3.1). It knows the contact, so the user is served all the same.
test("an S-CSCF that was only asleep harms nobody", {}, function()
  local u, other = P:ue(1), P:ue(2)
  check.eq(u:register({}).verdict, "registered")
  check.eq(other:register({}).verdict, "registered")
  P.procs.scscf:kill("STOP")
  check.ok(u:reregister({ timeout = faults.WAIT_S }).ok)
  P.procs.scscf:kill("CONT")
  check.eq(other:reregister({}).verdict, "refreshed", "it serves again")
  check.match(served_by(P, u), "^scscf")
  check.eq(served_by(P, other), "scscf")
  check_message(other, u, "after it woke")
  check_message(u, other, "after it woke")
  check.ok(u:reregister({}).ok)
  check_message(other, u, "after a refresh")
  check.eq(u:deregister({}).verdict, "deregistered")
  check.eq(other:deregister({}).verdict, "deregistered")
  check.eq(served_by(P, u), "not registered")
  u:close()
  other:close()
end)

-- The verdict is that of the node that tried, and in time.
test("all S-CSCFs are silent", {}, function()
  local u = P:ue(1)
  P.procs.scscf:kill("STOP")
  P.procs.scscf2:kill("STOP")
  local r = faults.refused_in_time(P, u, "scscf_unreachable", "icscf")
  check.match(P:verdict({ call_id = r.call_id, node = "icscf" }).evidence, "tried: 2")
  check.eq(#P:events("pcscf", { ev = "verdict", cause = "icscf_unreachable" }), 0)
  P.procs.scscf:kill("CONT")
  P.procs.scscf2:kill("CONT")
  for _, node in ipairs({ "scscf", "scscf2" }) do -- each challenges what it slept over, and the HSS keeps the last one's name
    P:wait_event(node, { ev = "sip", dir = "out", sum = "~^401 ", call_id = r.call_id })
  end
  faults.registers(u, "when they speak again")
  u:close()
end)

return test.finish()
