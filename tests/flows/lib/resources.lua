-- SPDX-License-Identifier: BSD-3-Clause
-- What a process uses of its machine, and limits on it, by /proc and prlimit(1).
local check = require "check"

local resources = {}

local function status(pid, name)
  return tonumber((fs.read("/proc/" .. pid .. "/status") or ""):match(name .. ":%s*(%d+)"))
end

function resources.rss_kb(pid)
  return check.ok(status(pid, "VmRSS"), "process " .. pid .. " lives")
end

function resources.descriptors(pid)
  local list = check.ok(fs.list("/proc/" .. pid .. "/fd"), "process " .. pid .. " lives")
  return #list
end

-- CPU seconds used so far (user and system), in steps of 10 ms.
function resources.cpu_s(pid)
  local text = check.ok(fs.read("/proc/" .. pid .. "/stat"), "process " .. pid .. " lives")
  local fields = {}
  for word in text:match("%) (.*)$"):gmatch("%S+") do
    fields[#fields + 1] = word
  end
  return (tonumber(fields[12]) + tonumber(fields[13])) / 100
end

-- A build whose memory says nothing (AddressSanitizer keeps what was freed).
function resources.sanitized(pid)
  return (fs.read("/proc/" .. pid .. "/maps") or ""):find("libasan", 1, true) ~= nil
end

-- limit(pid, "nofile", 40): the soft limit of a running process; the hard one stays, so that it can be lifted again.
function resources.limit(pid, name, value)
  local code, _, err = proc.run({ "prlimit", "--pid", tostring(pid), ("--%s=%s:"):format(name, value) })
  check.eq(code, 0, err)
end

-- flat(procs, what, margin_kb, fn): runs fn twice, the first time for what is allocated once for all. Prints RSS by node before and
-- after the second time, and demands that none grew by more than the margin (within 10 s: what is given back may come late).
function resources.flat(procs, what, margin_kb, fn)
  fn()
  local before, after, line, grown = {}, {}, {}, {}
  for node, p in pairs(procs) do
    before[node] = resources.rss_kb(p:pid())
  end
  fn()
  for node, p in pairs(procs) do
    wait_for(function()
      after[node] = resources.rss_kb(p:pid())
      return after[node] - before[node] <= margin_kb or resources.sanitized(p:pid())
    end, 20)
    line[#line + 1] = ("%s %d -> %d kB"):format(node, before[node], after[node])
    if after[node] - before[node] > margin_kb and not resources.sanitized(p:pid()) then
      grown[#grown + 1] = line[#line]
    end
  end
  table.sort(line)
  print("memory, " .. what .. ": " .. table.concat(line, ", "))
  check.eq(grown, {}, "memory returns to where it was")
end

return resources
