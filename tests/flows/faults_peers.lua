-- SPDX-License-Identifier: BSD-3-Clause
-- Two HSSs as front ends of one database, of which the preferred one dies, stops or cannot be reached by a relay: requests move,
-- nothing happens twice, and traffic comes back. RFC 6733 5.5, 6.1; RFC 3539 3.4.1.
local check = require "check"
local diameter = require "diameter"
local faults = require "faults"
local lab = require "lab"
local test = require "test"

local TW_S = 1
local WATCHDOG_S = 30 -- two unanswered DWRs, with room for a machine that is busy
local client = { diameter = { answer = "6s", tw = ("%dms"):format(TW_S * 1000) } }
local ANSWER_S = 20 -- also where a request waits for the watchdog, on such a machine
local L = lab.start({ taps = true, second = { "hss" }, scscf = client, hss = { diameter = client.diameter },
  icscf = { diameter = client.diameter, scscf = { answer = "7s", total = "14s" } }, pcscf = { home = { answer = ANSWER_S .. "s" } } })
local twin = { cx_i = "cx_i2", cx_s = "cx_s2" } -- the same client's wire to the other HSS

local function clear()
  L.cx_i.pass, L.cx_s.pass = nil, nil
end

-- A test that failed leaves nobody stopped to those after it.
table.insert(test.on_failure, function()
  clear()
  for _, p in pairs(L.procs) do
    p:kill("CONT")
  end
end)

local function requests(wire, mark)
  return L[wire]:since(mark, function(m) return m.request and m.name:match("^[UMSL]AR$") and not m.from_server end)
end

-- All that passed the wires since then.
local function marks()
  return { cx_i = L.cx_i:mark(), cx_s = L.cx_s:mark(), cx_i2 = L.cx_i2:mark(), cx_s2 = L.cx_s2:mark() }
end

-- Everything goes to the preferred HSS.
local function check_preferred(u, what)
  local mark = marks()
  faults.registers(u, what)
  local n = #requests("cx_i", mark.cx_i) + #requests("cx_s", mark.cx_s)
  check.eq(n, 8, what) -- UAR, MAR, UAR, SAR, and the same for the end
  check.eq(#requests("cx_i2", mark.cx_i2) + #requests("cx_s2", mark.cx_s2), 0, what)
end

local function back(what)
  L:restart("hss")
  local u = L:ue(3)
  check_preferred(u, what)
  u:close()
end

test("the preferred HSS gets everything", {}, function()
  local u = L:ue(1)
  check_preferred(u, "both are up")
  u:close()
end)

-- The request that is outstanding when the HSS dies: the other one gets the same with T, for any HSS of the realm.
local function check_moved(point, mark, first)
  local moved = requests(twin[point.wire], mark[twin[point.wire]])[1]
  check.ok(moved, "the request moved")
  check.eq(moved.name, point.command .. "R")
  check.eq(moved.again, true, "T: it may be a duplicate")
  check.eq(moved.end_to_end, first.end_to_end)
  check.eq(moved.avps:get("Session-Id"), first.avps:get("Session-Id"))
  check.no(moved.avps:get("Destination-Host"))
  for _, m in ipairs(requests(twin[point.wire], mark[twin[point.wire]])) do
    check.eq(m.again, m == moved, "T of the others")
  end
end

for _, point in ipairs(faults.points) do
  for _, when in ipairs({ { "before it sees", "request" }, { "after it answered", "answer" } }) do
    test(("HSS dies %s %s: the other one serves"):format(when[1], point.name), {}, function()
      local u, mark = L:ue(1), marks()
      local came = faults.at(L, point, { [when[2]] = function()
        L.procs.hss:kill("KILL")
      end })
      local r = u:register({ timeout = ANSWER_S })
      check.ok(came(), "the HSS was killed")
      clear()
      check.eq(r.verdict, "registered")
      check.eq(#r.steps, 2, "one challenge")
      local sent = L[point.wire]:since(mark[point.wire], function(m) return m.name == point.command .. "R" end)
      check_moved(point, mark, sent[#sent])
      check.eq(L:state(u.impi)["tel:+15550001"].state, "registered")
      L:kill("hss")
      check.eq(u:reregister({ timeout = ANSWER_S }).verdict, "refreshed", "with one HSS")
      check.eq(u:deregister({ timeout = ANSWER_S }).verdict, "deregistered", "with one HSS")
      u:close()
      back("traffic comes back")
    end)
  end
end

-- The HSS stops: it answers no request and no DWR.
local function stop_at(point)
  return faults.at(L, point, { request = function(octets)
    L.procs.hss:kill("STOP")
    return octets
  end })
end

-- It wakes, and is a peer again.
local function wake(mark)
  L.procs.hss:kill("CONT")
  for _, node in ipairs({ "icscf", "scscf" }) do
    check.ok(wait_for(function() return L:cx_state(node, "hss", mark) == "peer_up" end, WATCHDOG_S), node .. " is back")
  end
end

test("an HSS that answers no DWR is given up, and taken back when it wakes", {}, function()
  for _, point in ipairs(faults.points) do
    local u, mark, events = L:ue(1), marks(), L:mark()
    local came = stop_at(point)
    local r = u:register({ timeout = ANSWER_S })
    check.ok(came(), "the HSS was stopped")
    clear()
    check.eq(r.verdict, "registered", point.name)
    local sent = L[point.wire]:since(mark[point.wire], function(m) return m.name == point.command .. "R" end)
    check_moved(point, mark, sent[#sent])
    for _, node in ipairs({ "icscf", "scscf" }) do
      L:wait_event(node, { ev = "verdict", cause = "peer_lost", evidence = "~^hss%.", since = events }, WATCHDOG_S)
    end
    local again = L:mark()
    wake(again)
    check.eq(L:state(u.impi)["tel:+15550001"].state, "registered", point.name)
    check.eq(u:deregister({}).verdict, "deregistered")
    check.eq(#L:events("scscf", { ev = "verdict", cause = "registered", since = events, call_id = r.call_id }), 1)
    u:close()
  end
end)

-- What the stopped HSS had not read when the others gave it up is stale when it wakes: others have served the user meanwhile.
test("a stale request does not undo what another HSS did", {}, function()
  local u = L:ue(2)
  check.eq(u:register({}).verdict, "registered")
  local ended = { L.cx_i.ended, L.cx_s.ended }
  local came = stop_at({ command = "SA", nth = 1, wire = "cx_s" })
  check.eq(u:deregister({ timeout = ANSWER_S }).verdict, "deregistered")
  check.ok(came(), "the HSS was stopped with the SAR of the end of the registration")
  clear()
  check.eq(u:register({ timeout = ANSWER_S }).verdict, "registered", "at the other HSS")
  check.ok(wait_for(function()
    return L.cx_i.ended > ended[1] and L.cx_s.ended > ended[2]
  end, WATCHDOG_S), "the watchdogs closed the connections")
  wake(L:mark())
  check.eq(L:state(u.impi)["tel:+15550002"].state, "registered", "a confirmed registration is not forgotten")
  check.eq(u:deregister({}).verdict, "deregistered")
  u:close()
end)

-- The other role: the HSS watches its clients.
test("an S-CSCF that answers no DWR is given up by the HSS, and taken back when it wakes", {}, function()
  local u, mark = L:ue(1), L:mark()
  L.procs.scscf:kill("STOP")
  for _, hss in ipairs({ "hss", "hss2" }) do
    L:wait_event(hss, { ev = "verdict", cause = "peer_lost", evidence = "~^scscf%.", since = mark }, WATCHDOG_S)
  end
  faults.refused_in_time(L, u, "scscf_unreachable", "icscf", ANSWER_S)
  mark = L:mark()
  L.procs.scscf:kill("CONT")
  check.ok(wait_for(function() return L:cx_state("hss", "scscf", mark) == "peer_up" end, WATCHDOG_S), "it is back")
  check.ok(wait_for(function() return L:cx_state("scscf", "hss", mark) == "peer_up" end, WATCHDOG_S), "it is back")
  faults.registers(u, "after it woke")
  u:close()
end)

test("no vector came twice over all this", {}, function()
  check.above(faults.check_vectors(L, L.cx_s, L.cx_s2), 30)
end)

-- --- a relay ---

local R = lab.start({ taps = true })
for _, node in ipairs({ "icscf", "scscf" }) do
  R.conf[node].diameter.peers[1].relay = true
  R:write_conf(node)
  R:restart(node)
end

-- Between the node and the HSS stands one who cannot deliver what fits.
local function undeliverable(wire, fits)
  R[wire].pass = function(octets, from_server, m, _, back_to)
    if not from_server and m.request and m.name:match("^[UMSL]AR$") and fits(m) then
      back_to(diameter.error_answer(m, 3002, "relay." .. R.domain))
      return nil
    end
    return octets
  end
end

test("a relay does not reach the HSS of the user: any other will do", {}, function()
  local u = R:ue(1)
  check.eq(u:register({}).verdict, "registered")
  local mark, refused = R.cx_s:mark(), {}
  undeliverable("cx_s", function(m)
    refused[#refused + 1] = m.avps:get("Destination-Host") and m
    return m.avps:get("Destination-Host") ~= nil
  end)
  check.eq(u:reregister({}).verdict, "refreshed")
  check.eq(u:deregister({}).verdict, "deregistered")
  R.cx_s.pass = nil
  check.above(#refused, 1)
  local list = R.cx_s:since(mark, function(m) return m.request and m.name:match("AR$") end)
  for i, m in ipairs(list) do
    if m.avps:get("Destination-Host") then
      check.eq(list[i + 1].end_to_end, m.end_to_end, "the same request")
      check.eq(list[i + 1].avps:get("Destination-Host"), nil, "for any HSS")
      check.eq(list[i + 1].again, false, "no T after an error answer")
    end
  end
  u:close()
end)

for _, point in ipairs(faults.points) do
  test("a relay loses its HSS at " .. point.name, {}, function()
    local u, seen = R:ue(1), 0
    undeliverable(point.wire, function(m)
      seen = seen + (m.name == point.command .. "R" and 1 or 0)
      return m.name == point.command .. "R" and seen >= point.nth
    end)
    local r = faults.refused_in_time(R, u, "hss_unreachable", point.node)
    R[point.wire].pass = nil
    check.eq(r.response.status, 504)
    check.match(R:verdict({ call_id = r.call_id, node = point.node, cause = "hss_unreachable" }).evidence, "3002")
    faults.registers(u, "when the relay has its HSS again")
    u:close()
  end)
end

return test.finish()
