-- SPDX-License-Identifier: BSD-3-Clause
-- The disk of the HSS: full, read-only, its file taken away, held by another program; the disk of the logs and event
-- streams of every node. Nothing leaves that is not durable, the reason is told, and all works again by itself.
local check = require "check"
local disk = require "disk"
local lab = require "lab"
local resources = require "resources"
local test = require "test"

local own, code = disk.enter()
if own == false then
  return code
end

local NODES = { "pcscf", "icscf", "scscf", "hss" }

-- Registers and de-registers; the SQNs of the challenges go to the end of sqns.
local function registers(u, what, sqns)
  local r = u:register({})
  check.eq(r.verdict, "registered", what)
  local d = u:deregister({})
  check.eq(d.verdict, "deregistered", what)
  table.insert(sqns or {}, r.challenge.sqn)
  table.insert(sqns or {}, d.challenge.sqn)
end

-- A registration that the HSS refuses for this reason.
local function refused(L, u, cause, evidence)
  local mark, wire = L:mark(), L.cx_s:mark()
  local r = u:register({ timeout = 20 })
  check.no(r.ok)
  check.ok(r.response, "an answer")
  check.between(r.response.status, 400, 599)
  local v = L:verdict({ node = "hss", since = mark, cause = cause })
  check.has(v.evidence, evidence)
  check.eq(#L.cx_s:since(wire, function(m) return m.name == "MAA" and m.result == 2001 end), 0, "no vector leaves")
  return r
end

-- Every SQN that left is above the one before it, and the HSS remembers the last one.
local function check_vectors(L, n, sims)
  local last = 0
  for _, sqn in ipairs(sims) do
    check.above(sqn, last, "SQNs of one subscriber")
    last = sqn
  end
  check.eq(L:subscriber(L:impi(n)).seq, last >> 5, "the SEQ in the store is that of the last vector")
end

local function intact(file)
  local code, out = proc.run({ "sqlite3", file, "PRAGMA integrity_check" })
  check.eq({ code, out }, { 0, "ok\n" }, "the database is whole")
end

-- Another program at the database: runs SQL and stays until released.
local function other_program(L, file, sql)
  local fifo, ready = L.dir .. "/fifo", L.dir .. "/other.ready"
  fs.remove(ready)
  fs.remove(fifo)
  check.eq(proc.run({ "mkfifo", fifo }), 0)
  local p = assert(proc.spawn({ "sqlite3", file, sql, (".shell touch %s; cat %s"):format(ready, fifo), stdout = L.dir .. "/other.out",
    stderr = L.dir .. "/other.out" }))
  check.ok(wait_for(function() return fs.stat(ready) end, 20), "the other program has the database")
  return function()
    check.eq(proc.run({ "sh", "-c", ": >" .. fifo }), 0)
    check.eq(p:wait(20), 0, "the other program ends")
  end
end

-- A limit on the size of files does to a process what a full disk does, whoever runs the test.
test("the files of the HSS may not grow", { "AKA-024" }, function()
  local L = lab.start({ taps = true, hss = { trace = { file = "/dev/null" } }, wrap = { hss = { "env", "--ignore-signal=XFSZ" } } })
  local u, sqns = L:ue(1), {}
  registers(u, "at first", sqns)
  local pid = L.procs.hss:pid()
  resources.limit(pid, "fsize", 4096)
  local wire = L.cx_s:mark()
  check.no(u:register({ timeout = 20 }).ok)
  check.eq(#L.cx_s:since(wire, function(m) return m.name == "MAA" and m.result == 2001 end), 0, "no vector leaves")
  check.match(L.procs.hss:log(), "storage_failed[^\n]*its disk is full")
  resources.limit(pid, "fsize", "unlimited")
  registers(u, "when there is room", sqns)
  check_vectors(L, 1, sqns)
  L:stop()
  u:close()
end)

test("another program holds the database for long", {}, function()
  local L = lab.start({ taps = true, hss = { store = { busy = "300ms" } } })
  local u, file = L:ue(1), L.conf.hss.store.file
  registers(u)
  local release = other_program(L, file, "BEGIN IMMEDIATE")
  refused(L, u, "overload", "another program holds the database")
  release()
  registers(u, "when it lets go")
  L:stop()
  u:close()
end)

test("the database file is taken away and replaced", {}, function()
  local L = lab.start({ taps = true })
  local u, file, sqns = L:ue(1), L.conf.hss.store.file, {}
  registers(u, "at first", sqns)
  assert(os.rename(file, file .. ".away"))
  refused(L, u, "storage_failed", "removed or replaced")
  check.eq(proc.run({ "cp", file .. ".away", file }), 0)
  refused(L, u, "storage_failed", "removed or replaced")
  check.eq(select(2, L.procs.hss:log():gsub("nothing leaves but errors", "")), 1, "said once")
  assert(os.rename(file .. ".away", file))
  registers(u, "when it is back", sqns)
  check_vectors(L, 1, sqns)
  L:stop()
  u:close()
end)

test("a reader keeps the write-ahead log growing", {}, function()
  local L = lab.start({ hss = { store = { checkpoint_pages = 100 } } })
  local u, file = L:ue(1), L.conf.hss.store.file
  local release = other_program(L, file, "BEGIN; SELECT count(*) FROM impi")
  check.eq(proc.run({ "sqlite3", file, "PRAGMA wal_autocheckpoint=0; CREATE TABLE junk (x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
    .. "SELECT i + 1 FROM n WHERE i < 75) INSERT INTO junk SELECT randomblob(1000000) FROM n" }), 0)
  local grown = fs.stat(file .. "-wal").size
  check.above(grown, 75000000)
  check.ok(wait_for(function()
    registers(u, "meanwhile")
    return L.procs.hss:log():find("write%-ahead log of the database has %d+ pages and grows")
  end, 20), "the log says that it grows")
  release()
  check.ok(wait_for(function()
    registers(u, "afterwards")
    return fs.stat(file .. "-wal").size <= 64 << 20
  end, 20), "it is cut when the reader is gone")
  print(("write-ahead log: %d octets, then %d"):format(grown, fs.stat(file .. "-wal").size))
  check.eq(proc.run({ "sqlite3", file, "DROP TABLE junk" }), 0)
  registers(u, "at last")
  L:stop()
  u:close()
end)

if not own then
  print("SKIP flows.faults_disk.full: a disk of one's own needs root")
  return test.finish()
end

test("the disk of the database is full", { "AKA-024" }, function()
  local d = disk.new(4 << 20)
  local L = lab.start({ taps = true, hss = { store = { file = d.dir .. "/hss.db" } } })
  local u, other, sqns = L:ue(1), L:ue(2), {}
  check.eq(other:register({}).verdict, "registered")
  registers(u, "at first", sqns)
  d:fill()
  refused(L, u, "storage_failed", "its disk is full")
  check.has(L.procs.hss:log(), "its disk is full: database or disk is full")
  check.eq(L:state(L:impi(2))[L:impu(2)].state, "registered", "what was confirmed is known")
  d:free()
  registers(u, "when there is room", sqns)
  check.match(L.procs.hss:log(), "database works again; %d+ requests were refused")

  -- full between the challenge and its answer
  local r = u:register({ timeout = 20, mutate = function(_, step)
    if step == 2 then
      d:fill()
    end
  end })
  check.no(r.ok)
  check.between(r.response.status, 400, 599)
  check.eq(L:verdict({ node = "hss", cause = "storage_failed", call_id = nil }).outcome, "failed")
  check.eq(L:state(L:impi(1))[L:impu(1)].registered, false, "nobody is registered by half")
  table.insert(sqns, r.challenge.sqn)
  check_vectors(L, 1, sqns)

  -- killed with the disk still full
  L:kill("hss")
  d:free()
  L:restart("hss")
  check.eq(L:state(L:impi(2))[L:impu(2)].state, "registered", "a confirmed registration is not forgotten")
  registers(u, "after the start", sqns)
  check_vectors(L, 1, sqns)
  -- a start on a full disk says why
  L:stop_node("hss")
  d:fill()
  check.no(pcall(L.start_node, L, "hss"), "it does not start on a full disk")
  check.match(L.procs.hss:log(), "cannot be used: [^\n]*its disk is full")
  check.eq(L.procs.hss:wait(20), 1, "it ends by itself")
  L.killed = { hss = true }
  L:stop()
  d:free()
  intact(d.dir .. "/hss.db")
  u:close()
  other:close()
  d:close()
end)

test("the database can only be read", {}, function()
  local d = disk.new(4 << 20)
  local L = lab.start({ hss = { store = { file = d.dir .. "/hss.db" } } })
  local u = L:ue(1)
  registers(u)
  L:stop_node("hss")
  d:remount("ro")
  check.no(pcall(L.start_node, L, "hss"), "it does not start")
  check.match(L.procs.hss:log(), "database [^\n]*hss.db[^\n]*must be writable")
  L.killed = { hss = true }
  d:remount("rw")
  L:restart("hss")
  registers(u, "when it can be written")
  L:stop()
  u:close()
  d:close()
end)

test("the disk of logs and event streams is full", {}, function()
  local d = disk.new(4 << 20)
  local conf = { log_dir = d.dir, taps = true }
  for _, node in ipairs(NODES) do
    conf[node] = { trace = { file = d.dir .. "/" .. node .. ".jsonl" } }
  end
  local ok, L = pcall(lab.start, conf)
  check.ok(ok, L)
  local u = L:ue(1)
  registers(u)
  d:fill()
  for _ = 1, 5 do
    registers(u, "nodes work without their logs")
  end
  d:free()
  registers(u, "when there is room")
  for _, node in ipairs(NODES) do
    check.match(L.procs[node]:log(), "the event stream is written again; %d+ events are lost", node)
    for line in fs.read(d.dir .. "/" .. node .. ".jsonl"):gmatch("[^\n]*\n") do
      check.ok(json.decode(line), node .. ": a whole event: " .. line)
    end
  end
  L:stop()
  u:close()
  d:close()
end)

return test.finish()
