-- SPDX-License-Identifier: BSD-3-Clause
-- TCP connections that are no good: silent ones, ones that send an octet now and then, readers that do not read. They are
-- closed in time, told of once, and nobody else notices.
local check = require "check"
local lab = require "lab"
local resources = require "resources"
local test = require "test"

local ABUSER = (os.getenv("QUINTET_BUILD") or proc.exe:match("^(.*)/bin/[^/]*$")) .. "/tests/tcp_abuser"
local THOUSAND, MARGIN_KB = 1000, 8192 -- 200 unread queues are 12,800 kB

local function start(most)
  return lab.start({ pcscf = { log = { level = "info" }, trace = { file = "/dev/null" },
    sip = { tcp_first = "3s", tcp_message = "1500ms", tcp_unread = "1s", tcp_queue = 65536, max_connections_per_source = most } } })
end

-- Runs the abuser from an address of its own, and phones beside it; all of them must register. Gives its output.
-- They are counted by held.most.
local function beside_others(L, mode, count, held)
  local file = L.dir .. "/" .. mode .. ".out"
  fs.remove(file)
  local p = assert(proc.spawn({ ABUSER, mode, tostring(count), L.ip.other, L.sip.pcscf, stdout = file, stderr = file }))
  check.ok(wait_for(function() return (fs.read(file) or ""):find("open") end, 20), "the connections are there")
  local tries, good, phones = 0, 0, { L:ue(1, { transport = "tcp" }), L:ue(2), L:ue(3, { transport = "tcp" }) }
  repeat
    for _, u in ipairs(phones) do
      held.most = math.max(held.most, resources.descriptors(L.procs.pcscf:pid()))
      tries = tries + 1
      good = good + (u:register({ timeout = 30 }).verdict == "registered" and u:deregister({ timeout = 30 }).verdict == "deregistered" and 1 or 0)
    end
    sleep(0.05)
  until not p:running() or tries >= 400
  check.eq(p:wait(60), 0, "all of them are closed: " .. (fs.read(file) or ""))
  for _, u in ipairs(phones) do
    u:close()
  end
  print(("%s connections: %d of %d registrations beside them succeeded"):format(mode, good, tries))
  check.eq(good, tries, "others register")
end

local function lines(L, pattern)
  local n = 0
  for line in L.procs.pcscf:log():gmatch("[^\n]+") do
    n = n + (line:find(L.ip.other .. ": " .. pattern) and 1 or 0)
  end
  return n
end

-- Once to warm up, once measured; afterwards descriptors are back, memory too, and the log has few lines with the whole count. How
-- many descriptors were in use besides at most.
local function abuse(L, mode, count, what)
  local u = L:ue(1, { transport = "tcp" })
  check.eq(u:register({}).verdict, "registered") -- the P-CSCF has its connection to the core
  u:close()
  local before = resources.descriptors(L.procs.pcscf:pid())
  local held = { most = 0 }
  resources.flat({ pcscf = L.procs.pcscf }, mode .. " connections", MARGIN_KB, function()
    beside_others(L, mode, count, held)
    check.ok(wait_for(function() return resources.descriptors(L.procs.pcscf:pid()) <= before end, 20), "descriptors are back")
  end)
  check.eq(lines(L, "connections closed: " .. what), 1, "told once")
  return held.most - before
end

-- What was counted is told at the end: with the line before it makes all of them.
local function counted(L, mode, text)
  L:stop_node("pcscf")
  local more = L.procs.pcscf:log():match(L.ip.other:gsub("%.", "%%.") .. ": (%d+) more " .. text)
  check.ok(more, mode .. ": the count is told")
  L.procs.pcscf = nil
  return tonumber(more) + 1
end

-- Of whatever reason, by the log of a P-CSCF that has ended.
local function all_closed(L)
  local all = 0
  for line in fs.read(L.dir .. "/pcscf.log"):gmatch(L.ip.other .. ": ([^\n]*connections closed[^\n]*)") do
    all = all + tonumber(line:match("^%d+") or 1)
  end
  return all
end

test("a thousand silent connections", {}, function()
  local L = start(600)
  local held = abuse(L, "silent", THOUSAND, "no message came")
  check.eq(lines(L, "connections refused: it holds"), 1, "told once")
  local closed, file = counted(L, "silent", "connections closed: no message came"), L.dir .. "/pcscf.log"
  local refused = tonumber(fs.read(file):match(": (%d+) more connections refused")) + 1
  check.eq(closed + refused, 2 * THOUSAND, "every one is counted")
  check.between(closed, 2 * 600, 2 * THOUSAND - 1) -- more where the first ones are closed before the last ones come
  check.between(held, 0, 600 + 10, "no more than allowed were held")
  L:stop()
end)

test("a thousand slow connections", {}, function()
  local L = start(THOUSAND)
  abuse(L, "slow", THOUSAND, "the rest of a message did not come")
  -- where this machine stood still, some had not begun with a message
  check.above(counted(L, "slow", "connections closed: the rest of a message did not come"), THOUSAND - 1)
  check.eq(all_closed(L), 2 * THOUSAND, "every one is counted")
  L:stop()
end)

test("readers that do not read", {}, function()
  local L = start(THOUSAND)
  abuse(L, "unread", 200, "what is sent is not read")
  check.above(counted(L, "unread", "connections closed: what is sent is not read"), 200)
  -- where this machine is slow, some could not send the rest of their last message either
  check.eq(all_closed(L), 2 * 200, "every one is counted")
  L:stop()
end)

return test.finish()
