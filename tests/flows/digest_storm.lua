-- SPDX-License-Identifier: BSD-3-Clause
-- 2,000 registered users of SIP Digest refresh while 50 sources flood the P-CSCF with false REGISTERs (PacketCable 5.3.2.1.4): the flood
-- is let in by the rates of the configuration, and who is registered goes before.
local check = require "check"
local lab = require "lab"
local resources = require "resources"
local test = require "test"

local USERS, HOSTS, SOURCES, FLOOD_PER_S, SPREAD_S = 2000, 20, 50, 5000, 8
local PER_SOURCE, ALL = 10, 200 -- new REGISTERs per second that are let in
if resources.sanitized("self") then
  USERS, FLOOD_PER_S, ALL = 200, 1000, 60 -- what is let in has to be served by slower nodes
end
local PASSWORD = "storm"
local quiet = { log = { level = "error" }, trace = { file = "/dev/null" } }
local L = lab.start({
  digest = true, subscribers = {}, no_events = true,
  pcscf = { log = { level = "notice" }, trace = { file = "/dev/null" },
    limits = { new_per_source = PER_SOURCE, new = ALL, refusals_per_source = 20 } },
  icscf = quiet, scscf = quiet, hss = quiet,
})
local PREFIX = L.ip.ue:match("^(.*%.)%d+$") -- of addresses that no lab has

local function import()
  local rows, dir = { "impi,digest-ha1" }, L.dir .. "/a1" -- H(A1) by a program nobody here wrote
  assert(fs.mkdir(dir))
  for n = 1, USERS do
    local impi = ("d%05d@%s"):format(n, L.domain)
    assert(fs.write(dir .. "/" .. impi, ("%s:%s:%s"):format(impi, L.domain, PASSWORD), "600"))
  end
  local status, sums, why = proc.run({ "sh", "-c", "cd " .. dir .. " && md5sum d*" })
  check.eq(status, 0, why)
  for ha1, impi in sums:gmatch("(%x+)%s+(d%S+)\n") do
    rows[#rows + 1] = impi .. "," .. ha1
  end
  assert(fs.write(L.dir .. "/users.csv", table.concat(rows, "\n") .. "\n", "600"))
  L:hss_ok({ "subscriber", "import", L.dir .. "/users.csv" })
end

local function program(name, ...)
  local file = L.dir .. "/" .. name .. ".out"
  local argv = { proc.exe, "run", arg[0]:gsub("[^/]*$", "") .. "lib/" .. name .. ".lua", stdout = file, stderr = file,
    env = { GO = L.dir .. "/go" } }
  table.move({ ... }, 1, select("#", ...), 4, argv)
  local p = assert(proc.spawn(argv))
  local function said(pattern, timeout)
    local found
    wait_for(function()
      found = (fs.read(file) or ""):match(pattern)
      return found or not p:running()
    end, timeout)
    return check.ok(found, name .. ": " .. pattern .. ": " .. (fs.read(file) or ""))
  end
  return p, said, function(timeout)
    check.eq(p:wait(timeout), 0, fs.read(file))
    return assert(json.decode(fs.read(file):match("{[^\n]*}%s*$")))
  end
end

test("registered users refresh while 50 sources flood", { "PC-023", "PC-025" }, function()
  import()
  local _, said, users = program("digest_users", PREFIX, "101", tostring(HOSTS), L.sip.pcscf, L.domain, tostring(USERS), PASSWORD,
    tostring(0.7 * ALL), tostring(SPREAD_S))
  check.eq(tonumber(said("registered (%d+)", 200)), USERS, said("registered [^\n]*", 1))
  local _, flood_said, flood = program("digest_flood", PREFIX, "151", tostring(SOURCES), L.sip.pcscf, L.domain, tostring(FLOOD_PER_S),
    L.dir .. "/stop")
  flood_said("refused", 20) -- the rates have taken hold
  assert(fs.write(L.dir .. "/go", "", "600"))
  local good = users(120)
  assert(fs.write(L.dir .. "/stop", "", "600"))
  local bad = flood(30)
  print(("storm: %d of %d refreshes succeeded (%.2f %%), %.0f per second, beside %.0f false REGISTERs per second from %d sources; answers to those: %s"):format(
    good.good, good.refreshes, 100 * good.good / good.refreshes, good.refreshes / good.seconds, bad.sent / bad.seconds, SOURCES,
    json.encode(bad.answers)))
  check.eq(good.good, good.refreshes, json.encode(good.faults))
  -- what the home network was asked of: the rate, and the second's worth in the beginning
  local passed = 0
  for status, n in pairs(bad.answers) do
    passed = passed + (status ~= "503" and n or 0)
  end
  check.above(ALL * (bad.seconds + 2), passed, "false REGISTERs that were let in")
  check.above(bad.answers["503"], 0, "refused")
end)

return test.finish()
