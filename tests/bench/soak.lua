-- SPDX-License-Identifier: BSD-3-Clause
-- What scripts/soak runs: soak.lua SIP_LOAD MINUTES RATE SUBSCRIBERS INTERVAL_S CSV. Four nodes without event streams, phones that register,
-- refresh and de-register, and the figures of every node sampled meanwhile.
package.path = arg[0]:match("^(.*)/[^/]*$") .. "/../flows/lib/?.lua;" .. package.path
local check = require "check"
local flat = require "flat"
local lab = require "lab"
local resources = require "resources"
local test = require "test"

local SIP_LOAD, MINUTES, RATE, SUBSCRIBERS, INTERVAL_S, CSV = arg[1], tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4]), tonumber(arg[5]),
  arg[6]
arg[1] = nil -- no pattern for test
local NODES = { "pcscf", "icscf", "scscf", "hss" }
local FAILED_SHARE = 1 / 10000 -- of the operations, that one forgives

-- What may grow in the second half: by so much, or by that share of the mean.
local FIGURES = {
  { name = "rss_kb", margin = 2048, share = 0.02, unit = "kB" },
  { name = "descriptors", margin = 2, share = 0, unit = "" },
  { name = "timers", margin = 50, share = 0.05, unit = "" },
  { name = "database_kb", margin = 1024, share = 0.01, unit = "kB", node = "hss" },
  { name = "wal_kb", margin = 65536, share = 0, unit = "kB", node = "hss" },
}

local function size_kb(path)
  local st = fs.stat(path)
  return st and st.size // 1024 or 0
end

local function answers(L, node)
  return select(2, L.procs[node]:log():gsub("figures: timers %d+", ""))
end

-- Each node says how many timers it has (SIGUSR1).
local function timers(L)
  local before, out = {}, {}
  for _, node in ipairs(NODES) do
    before[node] = answers(L, node)
    L.procs[node]:kill("USR1")
  end
  for _, node in ipairs(NODES) do
    for _ = 1, 500 do
      if answers(L, node) > before[node] then
        out[node] = tonumber(L.procs[node]:log():match(".*figures: timers (%d+)"))
        break
      end
      sleep(0.02)
    end
    check.ok(out[node], node .. " answers SIGUSR1")
  end
  return out
end

local function sample(L, samples, t)
  local running = timers(L)
  for _, node in ipairs(NODES) do
    local pid = L.procs[node]:pid()
    local s = { rss_kb = resources.rss_kb(pid), descriptors = resources.descriptors(pid), timers = running[node] }
    if node == "hss" then
      s.database_kb, s.wal_kb = size_kb(L.conf.hss.store.file), size_kb(L.conf.hss.store.file .. "-wal")
    end
    for name, v in pairs(s) do
      samples[node][name] = samples[node][name] or {}
      table.insert(samples[node][name], { t = t, v = v })
    end
    if CSV then
      local out = assert(io.open(CSV, "a"))
      out:write(("%.0f,%s,%d,%d,%d,%s,%s\n"):format(t, node, s.rss_kb, s.descriptors, s.timers, s.database_kb or "", s.wal_kb or ""))
      out:close()
    end
  end
end

local function load(L, phases, more)
  local file = L.dir .. "/" .. phases .. ".json"
  local argv = { SIP_LOAD, "--to", L.sip.pcscf, "--from", L.ip.ue:gsub("%d+$", "100"), "--sources", "150", "--subscribers",
    tostring(SUBSCRIBERS), "--rate", tostring(RATE), "--phases", phases, "--json", stdout = file, stderr = file }
  table.move(more or {}, 1, #(more or {}), #argv + 1, argv)
  return assert(proc.spawn(argv)), function()
  
    return json.decode((fs.read(file) or ""):match("{.*}") or "")
  end
end

local function start()
  local quiet, off = { level = "error" }, { file = "/dev/null" }
  -- transactions live 64 * T1: in a short run, so much less than half of it that what they hold does not pass for growth
  local t1_ms = math.floor(math.max(20, math.min(500, MINUTES * 60000 / 400)))
  local conf = { log = quiet, trace = off, sip = { t1 = t1_ms, t2 = 8 * t1_ms, t4 = 10 * t1_ms } }
  local L = lab.start({ pcscf = conf, icscf = conf, scscf = conf, hss = { log = quiet, trace = off }, subscribers = { lab.subscribers[1] }, no_events = true })
  local csv = L.dir .. "/subscribers.csv"
  check.eq(proc.run({ SIP_LOAD, "--subscribers", tostring(SUBSCRIBERS), "--write-csv", csv, "--to", L.sip.pcscf }), 0)
  local out, code, err = L:hss({ "subscriber", "import", csv })
  check.eq(code, 0, out .. err)
  local u = L:ue(1)
  check.ok(wait_for(function() return u:register({ timeout = 2 }).ok end, 30), "the nodes serve")
  u:deregister({})
  u:close()
  return L
end

-- Prints a line per node and figure. True when all are flat.
local function verdict(L, samples)
  local all = true
  for _, f in ipairs(FIGURES) do
    for _, node in ipairs(f.node and { f.node } or NODES) do
      local t = flat.judge(samples[node][f.name], f.margin, f.share)
      local counts = f.name ~= "rss_kb" or not resources.sanitized(L.procs[node]:pid())
      if not t then
        print(("%-6s %-12s too few samples for a verdict"):format(node, f.name))
        all = false
      else
        print(("%-6s %-12s %s: %d at the middle, %d at the end, highest %d; trend %+.1f %s in the second half (%+.2f per minute), allowed %.0f")
          :format(node, f.name, t.flat and "flat" or counts and "NOT FLAT" or "not judged (sanitized)", t.first, t.last, t.highest, t.growth,
            f.unit, t.slope * 60, t.allowed))
        all = all and (t.flat or not counts)
      end
    end
  end
  return all
end

local function good_share(r, phase)
  local ok, failed = r[phase .. ".ok"] or 0, r[phase .. ".failed"] or 0
  print(("%s: %.0f operations succeeded, %.0f failed, %.1f per second, p50 %.2f ms, p99 %.2f ms"):format(phase, ok, failed,
    r[phase .. ".achieved"] or 0, r[phase .. ".p50_ms"] or 0, r[phase .. ".p99_ms"] or 0))
  for name, n in pairs(r) do
    if n ~= 0 and name:find("^" .. phase .. "%.failed_") then
      print(("%s: %.0f of them %s"):format(phase, n, (name:match("failed_(.*)$"):gsub("_", " "))))
    end
  end
  return ok > 0 and failed <= ok * FAILED_SHARE
end

local good = false
test("soak", {}, function()
  local L, samples = start(), { pcscf = {}, icscf = {}, scscf = {}, hss = {} }
  if CSV then
    assert(fs.write(CSV, "seconds,node,rss_kb,descriptors,timers,database_kb,wal_kb\n"))
  end
  local p, result = load(L, "register")
  check.ok(p:wait(SUBSCRIBERS / RATE + 60), "every phone is registered")
  good = good_share(check.ok(result(), "figures of the registrations"), "register")
  local churn, figures = load(L, "churn", { "--first", "0", "--duration", ("%.0f"):format(math.max(1, MINUTES * 60)) })
  local begin = now()
  while churn:running() do
    sample(L, samples, now() - begin)
    churn:wait(INTERVAL_S)
  end
  good = good_share(check.ok(figures(), "figures of the load"), "churn") and good
  local all_flat = verdict(L, samples)
  print(("%d samples in %.1f minutes; verdict: %s%s"):format(#samples.hss.rss_kb, (now() - begin) / 60, all_flat and "flat" or "NOT FLAT",
    good and "" or "; TOO MANY OPERATIONS FAILED"))
  good = all_flat and good
end)

local code = test.finish()
return good and code or 1
