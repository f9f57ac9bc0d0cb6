-- SPDX-License-Identifier: BSD-3-Clause
-- scripts/soak: what it takes for flat, and a short run of it.
local check = require "check"
local flat = require "flat"
local machine = require "machine"
local test = require "test"

local function samples(fn)
  local out = {}
  for i = 0, 60 do
    out[#out + 1] = { t = i * 10, v = fn(i * 10) }
  end
  return out
end

test("what is flat", {}, function()
  check.ok(flat.judge(samples(function() return 10000 end), 100, 0).flat, "a constant")
  check.ok(flat.judge(samples(function(t) return 10000 + (t * 7919) % 90 end), 100, 0).flat, "noise")
  check.ok(flat.judge(samples(function(t) return t < 250 and 1000 or 10000 end), 100, 0).flat, "a step while it warms up")
  check.ok(flat.judge(samples(function(t) return 10000 - t end), 100, 0).flat, "what shrinks")
  local leak = flat.judge(samples(function(t) return 10000 + t end), 100, 0)
  check.no(leak.flat, "one unit a second")
  check.between(leak.slope, 0.999, 1.001)
  check.between(leak.growth, 299, 301, "over the second half")
  check.ok(flat.judge(samples(function(t) return 10000 + t end), 100, 0.05).flat, "less than the share that is allowed")
  check.no(flat.judge(samples(function(t) return 10000 + t + (t * 7919) % 90 end), 100, 0).flat, "a leak under noise")
  check.no(flat.judge({ { t = 0, v = 1 }, { t = 1, v = 1 } }, 100, 0), "no verdict without samples")
end)

local function soak(...)
  local argv = { arg[0]:match("^(.*)/[^/]*$") .. "/../../scripts/soak", ... }
  argv.env = { QUINTET_BIN = proc.exe:match("^(.*)/[^/]*$"), QUINTET_BUILD = proc.exe:match("^(.*)/bin/[^/]*$") }
  argv.timeout = 120
  return proc.run(argv)
end

test("a short soak", {}, function()
  local csv = assert(fs.tmpdir()) .. "/samples.csv"
  local code, out, err
  for _ = 1, 3 do -- after a pause of the machine all that was missed is asked for at once: no steady load
    local lost = machine.lost()
    fs.remove(csv)
    code, out, err = soak("--minutes", "0.2", "--rate", "60", "--subscribers", "120", "--csv", csv)
    if code == 0 or machine.lost() - lost < 0.5 then
      break
    end
  end
  io.stderr:write(err)
  check.eq(code, 0, out)
  check.match(out, "churn: %d+ operations succeeded, 0 failed")
  check.match(out, "%d+ samples in [%d.]+ minutes; verdict: flat\n")
  for _, node in ipairs({ "pcscf", "icscf", "scscf", "hss" }) do
    for _, figure in ipairs({ "rss_kb", "descriptors", "timers" }) do
      check.match(out, node .. " +" .. figure .. " +[^\n]+ at the middle, [^\n]+ per minute")
    end
  end
  check.match(out, "hss +wal_kb +flat")
  local rows = select(2, fs.read(csv):gsub("\n%d+,scscf,%d+,%d+,%d+,", ""))
  check.above(rows, 6, "samples are written")
end)

test("wrong options", {}, function()
  for _, words in ipairs({ { "--minutes" }, { "--minutes", "soon" }, { "--rate", "0" }, { "--nothing" } }) do
    local code, _, err = soak(table.unpack(words))
    check.eq(code, 1)
    check.match(err, "^soak: ")
  end
end)

return test.finish()
