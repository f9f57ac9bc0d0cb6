-- SPDX-License-Identifier: BSD-3-Clause
-- What the tests of faults share: a fault at one step of a registration, and what the user must see of it.
local check = require "check"
local machine = require "machine"

-- ANSWER_S: the UE is answered within it, by the time of the machine. WAIT_S: so long it waits, as a busy one may take longer.
local faults = { ANSWER_S = 5, WAIT_S = 20 }

-- The four questions to the HSS of one registration: who asks, on which wire, the how manieth of its kind.
faults.points = {
  { name = "UAR", command = "UA", nth = 1, wire = "cx_i", node = "icscf" },
  { name = "MAR", command = "MA", nth = 1, wire = "cx_s", node = "scscf" },
  { name = "second UAR", command = "UA", nth = 2, wire = "cx_i", node = "icscf" },
  { name = "SAR", command = "SA", nth = 1, wire = "cx_s", node = "scscf" },
}

-- hook{wire, command, nth, request=fn, answer=fn}: the nth such request from now on, and the answer to it, go through fn(octets,
-- m, send, back), which gives what is passed on, or nil. Returns a function that says whether it came to that.
function faults.hook(wire, o)
  local seen, hop, done = 0, nil, false
  wire.pass = function(octets, from_server, m, send, back)
    if not from_server and m.name == o.command .. "R" then
      seen = seen + 1
      if seen == o.nth then
        hop = m.hop_by_hop
        if o.request then
          done = true
          return o.request(octets, m, send, back)
        end
      end
    elseif from_server and hop and m.name == o.command .. "A" and m.hop_by_hop == hop and o.answer then
      done, hop = true, nil
      return o.answer(octets, m, send, back)
    end
    return octets
  end
  return function()
    return done
  end
end

-- The same at one of faults.points of lab L.
function faults.at(L, point, o)
  return faults.hook(L[point.wire], { command = point.command, nth = point.nth, request = o.request, answer = o.answer })
end

-- A registration attempt whose every request must be answered in time (seconds: 5). o: of u:register; how: another procedure.
function faults.answered_in_time(u, o, how, seconds)
  o = o or {}
  seconds = seconds or faults.ANSWER_S
  o.timeout = seconds + faults.WAIT_S
  local start = machine.now()
  local r = u[how or "register"](u, o)
  check.ok(r.response, "an answer")
  check.above(seconds * #r.steps, machine.now() - start, "seconds; an answer in time")
  return r
end

-- Such an attempt with an error and this verdict.
function faults.refused_in_time(L, u, cause, node, seconds)
  local mark = L:mark()
  local r = faults.answered_in_time(u, {}, "register", seconds)
  check.no(r.ok)
  check.between(r.response.status, 500, 599)
  check.eq(L:verdict({ call_id = r.call_id, node = node, since = mark, cause = cause }).cause, cause)
  return r
end

function faults.registers(u, what)
  local r = u:register({})
  check.eq(r.verdict, "registered", what)
  check.eq(u:deregister({}).verdict, "deregistered", what)
  return r
end

-- Every vector that passed these wires, in order: none twice, and the SQNs of an IMPI grow. taken: number of vectors.
function faults.check_vectors(L, ...)
  local last, seen, list, sims = {}, {}, {}, {}
  for _, s in ipairs(L.subscribers) do
    sims[s.imsi] = s
  end
  for _, wire in ipairs({ ... }) do
    table.move(wire:since(0, function(m) return m.name == "MAA" and m.result == 2001 end), 1, #wire.messages, #list + 1, list)
  end
  table.sort(list, function(a, b) return a.order < b.order end)
  for _, m in ipairs(list) do
    local impi = m.avps:get("User-Name")
    local sim = sims[impi:match("^%d+")]
    for _, item in ipairs(m.avps:all("SIP-Auth-Data-Item")) do
      local v = item:get("SIP-Authenticate")
      local rand, autn = hex.encode(v:sub(1, 16)), hex.encode(v:sub(17, 32))
      check.no(seen[rand], "a RAND came twice")
      seen[rand] = true
      local sqn = assert(aka.check_autn({ k = sim.k, opc = sim.opc, op = sim.op, rand = rand, autn = autn })).sqn
      check.above(sqn, last[impi] or -1, "SQN of " .. impi)
      last[impi] = sqn
    end
  end
  return #list
end

return faults
