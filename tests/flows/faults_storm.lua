-- SPDX-License-Identifier: BSD-3-Clause
-- A storm of REGISTERs from one address while others register: the storm is refused and then not listened to, the others do not
-- notice, and the log has a few lines about it.
local check = require "check"
local lab = require "lab"
local resources = require "resources"
local test = require "test"

local STORM_S, PHONES, MARGIN_KB = 2, 20, 8192

local subscribers = { lab.subscribers[3] }
for n = 1, PHONES do
  subscribers[n + 1] = { imsi = ("0010100001%05d"):format(n), msisdn = ("1555100%04d"):format(n),
    k = lab.subscribers[1].k, opc = lab.subscribers[1].opc }
end

-- Timers by which what a storm leaves behind is gone soon: 64 * T1, reg-await-auth. Where memory says nothing, T1 is the usual one:
-- a slow build would answer later than in 50 ms, and be sent everything again.
local T1_MS, AWAIT_MS = resources.sanitized("self") and 500 or 50, 2000
local sip = { t1 = T1_MS, t2 = 4 * T1_MS, t4 = 5 * T1_MS }
local L = lab.start({
  subscribers = subscribers,
  pcscf = { log = { level = "notice" }, trace = { file = "/dev/null" }, sip = sip, gm = { t1 = T1_MS, t2 = 4 * T1_MS },
    registration = { await_auth = AWAIT_MS .. "ms" } },
  icscf = { log = { level = "error" }, sip = sip },
  scscf = { log = { level = "error" }, sip = sip, registration = { await_auth = AWAIT_MS .. "ms" } },
  hss = { log = { level = "error" } },
})

local function storm()
  local file = L.dir .. "/storm.out"
  fs.remove(file)
  local p = assert(proc.spawn({ proc.exe, "run", arg[0]:gsub("[^/]*$", "") .. "lib/flood.lua", L.ip.other, L.sip.pcscf, L.domain,
    subscribers[1].imsi, tostring(STORM_S), stdout = file, stderr = file }))
  check.ok(wait_for(function() return (fs.read(file) or ""):find("started") end, 20), "the storm begins")
  return p, function()
    check.eq(p:wait(30), 0, fs.read(file))
    return assert(json.decode(fs.read(file):match("{.*}")))
  end
end

-- Every phone registers and de-registers over and over while the process runs: how many did, of how many.
local function register_beside(p)
  local tries, good, tasks = 0, 0, {}
  for n = 2, PHONES + 1 do
    tasks[#tasks + 1] = async(function()
      local u = L:ue(n)
      repeat
        tries = tries + 1
        local r = u:register({ timeout = 20 })
        if r.verdict == "registered" and u:deregister({ timeout = 20 }).verdict == "deregistered" then
          good = good + 1
        else
          io.stderr:write("a phone: ", tostring(r.verdict), " ", tostring(r.status), "\n")
        end
        sleep(0.1)
      until not p:running()
      u:close()
    end)
  end
  for _, t in ipairs(tasks) do
    t:wait(60)
  end
  return good, tries
end

test("a storm from one address", {}, function()
  resources.flat(L.procs, "a storm of REGISTERs", MARGIN_KB, function()
    local p, result = storm()
    local good, tries = register_beside(p)
    local r = result()
    print(("storm: %d REGISTERs in %d s, answers %s; beside it %d of %d registrations succeeded (%.1f %%)"):format(r.sent, STORM_S,
      json.encode(r.answers), good, tries, 100 * good / tries))
    check.eq(good, tries, "others register")
    check.between(r.answers["503"], 1, 500 * (STORM_S + 2), "the storm is refused, so many times in a second at most")
    local answered = 0
    for _, n in pairs(r.answers) do
      answered = answered + n
    end
    check.above(r.sent // 2, answered, "and not even answered when it goes on")
    sleep(resources.sanitized("self") and 1 or 64 * T1_MS / 1000 + 0.5)
  end)
end)

test("one line for an event, not for a message", {}, function()
  L:stop_node("pcscf")
  local log = L.procs.pcscf:log()
  L.procs.pcscf = nil
  local about, refused = 0, 0
  for line in log:gmatch("[^\n]+") do
    about = about + (line:find(L.ip.other .. ": ", 1, true) and 1 or 0)
    refused = refused + (line:find("[overload;", 1, true) and 1 or 0)
  end
  check.between(about, 3, 8)
  check.between(refused, 1, 2)
  check.match(log, "%d+ more requests refused with 503")
  check.match(log, "%d+ more datagrams dropped")
end)

return test.finish()
