-- SPDX-License-Identifier: BSD-3-Clause
-- The wall clock jumps, by a day and by years, forward and back; the machine is suspended. Registrations neither end early nor live for
-- ever, SQNs grow, peers stay.
local check = require "check"
local lab = require "lab"
local machine = require "machine"
local test = require "test"

local SHIM = (os.getenv("QUINTET_BUILD") or proc.exe:match("^(.*)/bin/[^/]*$")) .. "/tests/clock_shim.so"
local DAY, YEAR = 86400, 365 * 86400
local SHORT_S, AWAIT_S, TW_S, NODES = 2, 3, 1, { "pcscf", "icscf", "scscf", "hss" }

local clock = assert(fs.tmpdir()) .. "/clock"

-- The file is mapped by the nodes: it is written in place.
local function set_clock(offset_s)
  local f = assert(io.open(clock, fs.stat(clock) and "r+b" or "wb"))
  f:write(string.pack("<i8", offset_s))
  f:close()
end

set_clock(0)
local L = lab.start({
  taps = true,
  env = { LD_PRELOAD = SHIM, FAKE_CLOCK_FILE = clock, ASAN_OPTIONS = (os.getenv("ASAN_OPTIONS") or "detect_leaks=1") .. ":verify_asan_link_order=0" },
  pcscf = { registration = { await_auth = AWAIT_S .. "s" } },
  scscf = { registration = { min_expires = 1, await_auth = AWAIT_S .. "s" }, diameter = { tw = TW_S .. "s" } },
  icscf = { diameter = { tw = TW_S .. "s" } }, hss = { diameter = { tw = TW_S .. "s" } },
})

local sqns = {}

local function register(n, u, expires)
  local r = u:register({ expires = expires or 600 })
  check.eq(r.verdict, "registered")
  check.above(r.challenge.sqn, sqns[n] or 0, "SQNs grow")
  sqns[n] = r.challenge.sqn
  return r
end

-- The nodes see the clock that the test sets.
local function check_clock(offset_s)
  local mark, u = L:mark(), L:ue(3)
  register(3, u)
  local events = L:events("hss", { ev = "cx", since = mark })
  check.above(#events, 0)
  check.between(events[1].t // 1000000 - os.time() - offset_s, -60, 60, "the clock of the HSS is moved")
  sqns[3] = u:deregister({}).challenge.sqn
  u:close()
end

-- How long until the registrar says this of the subscriber, by a clock that does not jump.
local function seconds_until(n, cause, begin, mark, timeout)
  L:verdict({ node = "scscf", cause = cause, since = mark, impi = L:impi(n) }, timeout)
  return now() - begin
end

for _, jump in ipairs({ { "forward", DAY, 10 * YEAR }, { "back", -DAY, -50 * YEAR } }) do
  test("the clock jumps " .. jump[1] .. " by a day, then by years", { "AKA-024" }, function()
    set_clock(0)
    local kept, short, silent, mark, lost = L:ue(1), L:ue(2), L:ue(3), L:mark(), machine.lost()
    register(1, kept)
    register(2, short, SHORT_S)
    local begin = now()
    local unanswered = silent:register({ max_steps = 1 })
    check.eq(unanswered.verdict, "abandoned")
    sqns[3] = unanswered.challenge and unanswered.challenge.sqn or sqns[3]
    for _, offset_s in ipairs({ jump[2], jump[3] }) do
      set_clock(offset_s)
      check_clock(offset_s)
    end
    check.eq(L:impu_state(1), "registered")
    check.eq(#L:events("scscf", { ev = "verdict", cause = "expired", since = mark, impi = L:impi(1) }), 0, "nothing ends early")
    local took = seconds_until(2, "expired", begin, mark, SHORT_S + 20)
    check.between(took, SHORT_S - 0.5, SHORT_S + 20, "it ends when it is time")
    check.ok(wait_for(function() return L:impu_state(2) == "not registered" end, 20), "the HSS is told")
    check.eq(kept:reregister({}).verdict, "refreshed")
    local r = kept:deregister({})
    check.eq(r.verdict, "deregistered")
    sqns[1] = r.challenge.sqn
    if machine.lost() - lost < TW_S / 2 then -- nor does a machine that stands still keep them
      for _, node in ipairs(NODES) do
        check.eq(#L:events(node, { ev = "verdict", cause = "peer_lost", since = mark }), 0, node .. " keeps its peers")
      end
    end
    for _, u in ipairs({ kept, short, silent }) do
      u:close()
    end
  end)
end

test("a challenge is not waited for longer when the clock goes back", {}, function()
  set_clock(0)
  local u, mark = L:ue(2), L:mark()
  check.eq(u:register({ max_steps = 1 }).verdict, "abandoned")
  local begin = now()
  set_clock(-YEAR)
  check.between(seconds_until(2, "challenge_timeout", begin, mark, AWAIT_S + 20), AWAIT_S - 0.5, AWAIT_S + 20)
  u:close()
end)

test("nodes that start again with an older clock", { "AKA-024" }, function()
  set_clock(DAY)
  local u = L:ue(1)
  register(1, u)
  set_clock(0) -- numbers that are made of the time come again
  for _, node in ipairs({ "scscf", "icscf", "hss" }) do
    L:restart(node)
    register(1, u)
  end
  check.eq(L:impu_state(1), "registered")
  u:deregister({})
  u:close()
end)

test("every node is stopped for longer than its timers", { "AKA-024" }, function()
  set_clock(0)
  local kept, short = L:ue(1), L:ue(2)
  sqns[1] = math.max(sqns[1], L:subscriber(L:impi(1)).seq << 5)
  register(1, kept)
  register(2, short, 1)
  local mark = L:mark()
  for _, node in ipairs(NODES) do
    L.procs[node]:kill("STOP")
  end
  sleep(3 * TW_S) -- the registration lives for 1 s
  set_clock(DAY)
  for _, node in ipairs(NODES) do
    L.procs[node]:kill("CONT")
  end
  L:verdict({ node = "scscf", cause = "expired", since = mark, impi = L:impi(2) }, 20)
  check.eq(L:impu_state(1), "registered", "what has time left goes on")
  local r = wait_for(function()
    local try = kept:reregister({ timeout = 10 })
    return try.ok and try
  end, 20)
  check.ok(r, "it serves again by itself")
  check.eq(#L:events("scscf", { ev = "verdict", cause = "expired", since = mark, impi = L:impi(1) }), 0)
  check.ok(wait_for(function() return L:impu_state(2) == "not registered" end, 20), "the HSS is told")
  check.ok(kept:deregister({ timeout = 10 }).ok)
  kept:close()
  short:close()
end)

return test.finish()
