-- SPDX-License-Identifier: BSD-3-Clause
-- One HSS that is down, slow or restarting at each question of a registration: the UE is answered within five seconds, a verdict
-- names the HSS, and everything works again when it is back.
local check = require "check"
local faults = require "faults"
local lab = require "lab"
local test = require "test"

local IN_TIME_S = 0.9

local S = lab.start({ taps = "cx" })

-- The CSCFs wait for the HSS as long as they do by default; for each other longer, so that none of them gives up first on a busy machine.
local L = lab.start({ taps = true, usual_waits = true, icscf = { scscf = { answer = "6s", total = "12s" } }, pcscf = { home = { answer = "20s" } } })

local function clear()
  L.cx_i.pass, L.cx_s.pass = nil, nil
end

test("HSS is down", {}, function()
  local u = L:ue(1)
  L:kill("hss", "KILL")
  faults.refused_in_time(L, u, "hss_unreachable", "icscf")
  L:restart("hss")
  faults.registers(u, "after the HSS is back")
  u:close()
end)

-- Not of the time that is waited by default: of that a busy machine takes more than is left.
test("HSS takes its time at every question", {}, function()
  local u = S:ue(1)
  local delayed = 0
  local function slow(octets, from_server, m, send)
    if not from_server or not m.name:match("^[UMS]AA$") then
      return octets
    end
    delayed = delayed + 1
    async(function()
      sleep(IN_TIME_S)
      send(octets)
    end)
  end
  S.cx_i.pass, S.cx_s.pass = slow, slow
  local start = now()
  local r = u:register({})
  check.eq(r.verdict, "registered")
  check.above(now() - start, 4 * IN_TIME_S - 0.1, "time it took")
  check.eq(delayed, 4)
  check.eq(#r.steps, 2, "nothing was tried twice")
  S.cx_i.pass, S.cx_s.pass = nil, nil
  check.eq(u:deregister({}).verdict, "deregistered")
  u:close()
end)

for _, point in ipairs(faults.points) do
  -- An answer that comes when nobody waits for it any more changes nothing.
  test("HSS answers too late at " .. point.name, {}, function()
    local u, before = L:ue(1), L:mark()
    local late, rand
    local came = faults.at(L, point, { answer = function(octets, m, send)
      local item = m.avps:get("SIP-Auth-Data-Item")
      rand = item and item:get("SIP-Authenticate"):sub(1, 16)
      late = function() send(octets) end
    end })
    local r = faults.refused_in_time(L, u, "hss_timeout", point.node)
    check.ok(came(), "the answer was held back")
    check.eq(r.response.status, 504)
    check.eq(#L:events("icscf", { ev = "verdict", cause = "scscf_unreachable", since = before }), 0, "the S-CSCF is not to blame")
    clear()
    local mark = L:mark()
    late()
    local again = u:register({})
    check.eq(again.verdict, "registered", "when it speaks again")
    check.eq(#again.steps, 2)
    L:verdict({ node = "scscf", call_id = again.call_id, since = mark })
    local verdicts = {}
    for _, node in ipairs({ "icscf", "scscf" }) do
      for _, v in ipairs(L:events(node, { ev = "verdict", since = mark })) do
        verdicts[#verdicts + 1] = v.cause
      end
    end
    check.eq(verdicts, { "registered" }, "nothing came of the late answer")
    if rand then
      check.ne(again.challenge.rand, hex.encode(rand), "the late vector is not used")
    end
    check.eq(u:deregister({}).verdict, "deregistered")
    u:close()
  end)

  for _, when in ipairs({ { "before it sees", "request" }, { "after it answered", "answer" } }) do
    test(("HSS is killed %s %s"):format(when[1], point.name), {}, function()
      local u = L:ue(2)
      local came = faults.at(L, point, { [when[2]] = function()
        L.procs.hss:kill("KILL")
      end })
      faults.refused_in_time(L, u, "hss_unreachable", point.node)
      check.ok(came(), "the HSS was killed")
      clear()
      L:kill("hss")
      L:restart("hss")
      faults.registers(u, "after the HSS is back")
      u:close()
    end)
  end
end

test("HSS dies between challenge and answer", { "AKA-024" }, function()
  local u = L:ue(2)
  local before
  local r = faults.answered_in_time(u, { mutate = function(_, step)
    if step == 2 then
      before = L:subscriber(u.impi).seq
      L:kill("hss", "KILL")
    end
  end })
  check.no(r.ok)
  check.eq(#r.steps, 2)
  L:restart("hss")
  local again = u:register({})
  check.eq(again.verdict, "registered")
  check.above(again.challenge.sqn // 32, before - 1, "no SQN is given out twice")
  check.ne(again.challenge.rand, r.challenge.rand)
  u:deregister({})
  u:close()
end)

-- Ended in order and started again while phones register without a pause.
test("HSS restarts under phones", {}, function()
  local over, tasks, tried = false, {}, 0
  local mark = L:mark()
  for n = 1, 3 do
    tasks[n] = async(function()
      local u = L:ue(n)
      while not over do
        local r = faults.answered_in_time(u)
        tried = tried + 1
        if not r.ok then
          check.between(r.response.status, 500, 599)
          check.match(L:verdict({ call_id = r.call_id, since = mark, outcome = "failed" }).cause, "^hss_")
        end
      end
      faults.registers(u, "after the restarts")
      u:close()
    end)
  end
  for _ = 1, 3 do
    local before = tried
    check.ok(wait_for(function() return tried > before + 5 end, 20), "phones register")
    L:restart("hss")
  end
  over = true
  for _, task in ipairs(tasks) do
    task:wait(60)
  end
end)

test("no vector came twice over all this", { "AKA-024" }, function()
  check.above(faults.check_vectors(L, L.cx_s), 20)
end)

return test.finish()
