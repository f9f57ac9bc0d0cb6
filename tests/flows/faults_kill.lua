-- SPDX-License-Identifier: BSD-3-Clause
-- kill -9 of each node in turn while many phones register. What must hold: no vector is issued twice, the HSS forgets no
-- registration that a phone had confirmed, a node that is back serves by itself within five seconds, every phone ends registered,
-- and memory and descriptors return to where they were.
local check = require "check"
local faults = require "faults"
local lab = require "lab"
local machine = require "machine"
local test = require "test"

local SANITIZED = (os.getenv("QUINTET_BIN") or proc.exe):match("/asan/") ~= nil
local N = tonumber(os.getenv("QUINTET_KILL_PHONES") or SANITIZED and 100 or 500)
local BACK_S = 5
local SPREAD_S = 1 -- in which all phones begin
local PAUSE_S = 0.7 -- between two attempts of a phone: the phones shall not keep the machine busy on their own
local PATIENCE_S = 60
local K, OPC = "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf"
local NODES = { "hss", "scscf", "icscf", "pcscf" }

-- Short SIP timers, so that what a transaction holds is given back within seconds (timer J is 64 T1).
local function node(o)
  o.log, o.sip = { level = "notice" }, { t1 = "100ms", t2 = "800ms", t4 = "500ms" }
  return o
end
local tc = { tc = "1s" } -- as it comes

-- What is freed is given back to the system at once, so that the size of a process says what it holds.
local env = { MALLOC_CONF = "dirty_decay_ms:0,muzzy_decay_ms:0" }
local L = lab.start({ env = env, taps = "cx", subscribers = {}, hss = { log = { level = "notice" } }, icscf = node({ diameter = tc }),
  scscf = node({ diameter = tc }),
  pcscf = node({ gm = { t1 = "100ms", t2 = "800ms" } }) })

local function say(...)
  print("# " .. string.format(...))
end

-- --- phones ---

local function imsi(i)
  return ("0010101%08d"):format(i)
end

local seen, n_seen = {}, 0 -- RANDs that came over Gm

local Phone = {}
Phone.__index = Phone

-- Phones come from several addresses, as no single one may keep the home network busy (limits.asked_per_source): those of the
-- lab's block that no lab uses for a node.
local function phone(i)
  local address = L.ip.ue:gsub("%d+$", tostring(241 + i % 14))
  local u = L:ue({ imsi = imsi(i), k = K, opc = OPC }, { t1_ms = 200, t2_ms = 800, local_addr = address .. ":0" })
  return setmetatable({ u = u, impu = "sip:" .. u.impi, sqn = -1 }, Phone)
end

-- A challenge as the phone sees it: new, and above all before it.
function Phone:challenged(response)
  local nonce = response.status == 401 and response:auth("WWW-Authenticate").nonce
  if not nonce then
    return
  end
  local v = auth.nonce(nonce)
  check.no(seen[v.rand], "a RAND came twice")
  seen[v.rand], n_seen = true, n_seen + 1
  local sqn = assert(aka.check_autn({ k = K, opc = OPC, rand = v.rand, autn = v.autn })).sqn
  check.above(sqn, self.sqn, "SQN of " .. self.impu)
  self.sqn = sqn
end

-- When the node that was killed was ready again, and the end of the first registration that began after that.
local ready, served

function Phone:attempt(method, verdict)
  local start = machine.now()
  local r = self.u[method](self.u, { timeout = faults.WAIT_S, receive = function(m) self:challenged(m) end })
  if r.ok and ready and not served and start >= ready then
    served = machine.now()
  end
  return r.verdict == verdict, r
end

-- Again and again until it works; how often it had to be tried.
function Phone:insist(method, verdict, pause)
  local ends, tries = now() + PATIENCE_S, 1
  local ok, r = self:attempt(method, verdict)
  -- an end that was not confirmed may have been one all the same: then there is nothing left to end
  while not ok and not (method == "deregister" and tries > 1 and r.status == 403) do
    check.ok(now() < ends, ("%s of %s ended with %s %s"):format(method, self.impu, r.verdict, r.status or ""))
    sleep(pause)
    ok, r = self:attempt(method, verdict)
    tries = tries + 1
  end
  return tries
end

local rows, phones = { "imsi,k,opc" }, {}
for i = 1, N + 1 do
  rows[i + 1] = ("%s,%s,%s"):format(imsi(i), K, OPC)
  L.subscribers[i] = { imsi = imsi(i), k = K, opc = OPC }
end
assert(fs.write(L.dir .. "/subscribers.csv", table.concat(rows, "\n") .. "\n", "600"))
local _, imported, why = L:hss({ "subscriber", "import", L.dir .. "/subscribers.csv" })
assert(imported == 0, why)
ue.trace_dir = nil
for i = 1, N do
  phones[i] = phone(i)
end
local probe = phone(N + 1)

-- --- waves ---

local function all_together(fn)
  local tasks = {}
  for i, p in ipairs(phones) do
    tasks[i] = async(fn, p, i)
  end
  return function()
    for _, task in ipairs(tasks) do
      task:wait(PATIENCE_S)
    end
  end
end

-- What the HSS knows: the S-CSCF of each IMPU that is registered.
local function known()
  local by_impu = {}
  for _, row in ipairs(json.decode(L:hss_ok({ "state", "--json" }))) do
    by_impu[row.impu] = row.registered and row.scscf or nil
  end
  return by_impu
end

-- The HSS knows everybody of this list as registered with the S-CSCF.
local function check_known(list, when)
  local by_impu = known()
  for _, p in ipairs(list) do
    check.eq(by_impu[p.impu], "sip:scscf." .. L.domain .. ":6060", ("%s, confirmed, %s"):format(p.impu, when))
  end
end

local function register(p, i)
  sleep(i * 7919 % N / N * SPREAD_S) -- so that there are phones at every step
  return p:insist("register", "registered", PAUSE_S)
end

local function leave()
  all_together(function(p, i)
    sleep(i * 7919 % N / N * SPREAD_S)
    p:insist("deregister", "deregistered", PAUSE_S)
  end)()
  check.eq(next(known()), nil, "registered when all have left")
end

local function kill_while_they_register(name)
  local confirmed, tries = {}, 0
  local wait = all_together(function(p, i)
    local n = register(p, i)
    tries = tries + n
    confirmed[#confirmed + 1] = p
    if #confirmed == N // 4 then
      L.procs[name]:kill("KILL")
    end
  end)
  check.ok(wait_for(function() return #confirmed >= N // 4 end, PATIENCE_S), "a quarter is registered")
  L:kill(name, "KILL")
  local before = { table.unpack(confirmed) }
  check_known(before, "while the " .. name .. " is dead")
  L:start_node(name)
  ready, served = machine.now(), nil
  probe:insist("register", "registered", 0.1)
  local back = served - ready
  check_known(before, "after the " .. name .. " is back")
  wait()
  check.eq(#confirmed, N, "registered in the end")
  check_known(confirmed, "in the end")
  say("%s: killed with %d of %d registered, serves %.0f ms after it is ready; %d attempts for %d registrations", name, #before, N,
    back * 1000, tries, N)
  check.above(#confirmed - #before, N / 20, "registrations that were not through when it died")
  check.between(back, 0, BACK_S, "from ready to the first registration")
  probe:insist("deregister", "deregistered", 0.1)
end

-- --- memory ---

local function rss_kb(name)
  return tonumber(fs.read("/proc/" .. L.procs[name]:pid() .. "/status"):match("VmRSS:%s*(%d+)"))
end

local function descriptors(name)
  return #fs.list("/proc/" .. L.procs[name]:pid() .. "/fd")
end

local base = {}

test(N .. " phones register and leave", {}, function()
  for _ = 1, 2 do
    all_together(register)()
    check_known(phones, "after all have registered")
    leave()
  end
  sleep(8) -- timer J is 6.4 s: until then a transaction holds its messages
  probe:insist("register", "registered", 0.1)
  probe:insist("deregister", "deregistered", 0.1)
  for _, name in ipairs(NODES) do
    base[name] = { rss = rss_kb(name), fds = descriptors(name) }
  end
end)

for _, name in ipairs(NODES) do
  test(("%s is killed while %d phones register"):format(name, N), {}, function()
    kill_while_they_register(name)
    leave()
  end)
end

test("no vector came twice, and SQNs grow", { "AKA-024" }, function()
  local n = faults.check_vectors(L, L.cx_s)
  say("%d vectors on Cx, %d challenges on Gm", n, n_seen)
  check.above(n_seen, 6 * N, "challenges on Gm")
  check.above(n, n_seen - 1, "vectors on Cx")
end)

-- Each node was killed once and is compared with what it had when it was warm and nobody was registered.
test("memory and descriptors return", {}, function()
  local function above(name)
    local rss, fds = rss_kb(name), descriptors(name)
    return rss, fds, fds > base[name].fds + 4 or (not SANITIZED and rss > base[name].rss * 1.1 + 1024)
  end
  wait_for(function()
    probe:attempt("register", "registered")
    probe:attempt("deregister", "deregistered")
    sleep(0.5)
    for _, name in ipairs(NODES) do
      local _, _, bad = above(name)
      if bad then
        return false
      end
    end
    return true
  end, 30)
  for _, name in ipairs(NODES) do
    local rss, fds, bad = above(name)
    say("%s: %d kB before, %d kB after, descriptors %d and %d", name, base[name].rss, rss, base[name].fds, fds)
    check.no(bad, name .. " holds more than before")
  end
end)

return test.finish()
