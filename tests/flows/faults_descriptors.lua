-- SPDX-License-Identifier: BSD-3-Clause
-- A node without free file descriptors: those who are connected are served, who comes waits in the kernel, the log says so once, the
-- node does not spin, and all is well again by itself.
local check = require "check"
local lab = require "lab"
local resources = require "resources"
local test = require "test"

local QUIET_S, SPIN = 1.0, 0.25 -- CPU time in a second of waiting that would be a loop that spins

local function registers(u, what)
  check.eq(u:register({ timeout = 20 }).verdict, "registered", what)
  check.eq(u:deregister({ timeout = 20 }).verdict, "deregistered", what)
end

local function descriptors(pid)
  local names = fs.list("/proc/" .. pid .. "/fd")
  table.sort(names)
  return names
end

-- The descriptors of a node once they have stayed the same for a while: a checkpoint opens some and closes them.
local function settled(pid)
  local names, seen, since = descriptors(pid), nil, now()
  while now() - since < 0.5 do
    sleep(0.02)
    seen, names = names, descriptors(pid)
    if table.concat(seen, " ") ~= table.concat(names, " ") then
      since = now()
    end
  end
  return names
end

-- No more descriptors for a node than it has: the lowest free number is the limit.
local function exhaust(L, node)
  local pid, used, free = L.procs[node]:pid(), {}, 0
  for _, name in ipairs(settled(pid)) do
    used[tonumber(name)] = true
  end
  while used[free] do
    free = free + 1
  end
  resources.limit(pid, "nofile", free)
end

local function count(L, node, pattern)
  return select(2, L.procs[node]:log():gsub(pattern, ""))
end

-- Somebody connects to the node and waits. Gives the connection.
local function caller(L, to)
  local c = assert(net.tcp_connect(nil, to, 10000))
  check.ok(wait_for(function() return c:state() == "up" end, 20), "the kernel takes the connection")
  return c
end

-- The node is out of descriptors while fn runs.
local function without_descriptors(L, node, address, fn)
  exhaust(L, node)
  local callers = { caller(L, address), caller(L, address) }
  check.ok(wait_for(function() return count(L, node, "no connection can be accepted: Too many open files") > 0 end, 20),
    node .. " says that it is out of descriptors")
  local pid = L.procs[node]:pid()
  local before = resources.cpu_s(pid)
  sleep(QUIET_S)
  local used = resources.cpu_s(pid) - before
  print(("%s out of descriptors: %.2f s of CPU in %.1f s of waiting"):format(node, used, QUIET_S))
  check.between(used, 0, SPIN * QUIET_S, node .. " does not spin")
  fn()
  check.between(count(L, node, "no connection can be accepted"), 1, 3, node .. " says it once, not at every try")
  resources.limit(pid, "nofile", 1024)
  check.ok(wait_for(function() return count(L, node, "connections are accepted again") > 0 end, 20), node .. " goes on by itself")
  for _, c in ipairs(callers) do
    c:close()
  end
end

test("descriptors of the P-CSCF", {}, function()
  local L = lab.start()
  local known, new = L:ue(1, { transport = "tcp" }), L:ue(2, { transport = "tcp" })
  registers(known, "at first")
  without_descriptors(L, "pcscf", L.sip.pcscf, function()
    registers(known, "over the connection it has")
  end)
  registers(new, "afterwards")
  L:stop()
  known:close()
  new:close()
end)

for _, node in ipairs({ "icscf", "scscf" }) do
  test("descriptors of the " .. node, {}, function()
    local L = lab.start()
    local u = L:ue(1)
    registers(u, "at first")
    without_descriptors(L, node, L.sip[node], function()
      registers(u, "over the connections there are")
    end)
    registers(u, "afterwards")
    L:stop()
    u:close()
  end)
end

test("descriptors of the HSS", { "AKA-024" }, function()
  local L = lab.start({ hss = { store = { checkpoint_pages = 10 } } })
  local u = L:ue(1)
  registers(u, "at first")
  without_descriptors(L, "hss", L.cx, function()
    for _ = 1, 5 do
      registers(u, "over the connections there are")
    end
  end)
  registers(u, "afterwards")
  L:restart("scscf")
  registers(u, "with a new connection")
  check.between(count(L, "hss", "checkpoint of the database failed"), 1, 3, "a checkpoint needs descriptors too, and is not tried again at once")
  L:stop()
  u:close()
end)

return test.finish()
