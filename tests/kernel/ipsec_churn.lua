-- SPDX-License-Identifier: BSD-3-Clause
-- A thousand phones that register, register again, call and leave at random: afterwards no SA, policy, socket, timer or octet is left.
-- QUINTET_CHURN_SECONDS (60) is how long.
local check = require "check"
local gm = require "gm"
local resources = require "resources"
local tables = require "tables"
local test = require "test"
local xfrm = require "xfrm"

local PHONES, AT_ONCE = 1000, 32
local SECONDS = tonumber(os.getenv("QUINTET_CHURN_SECONDS") or "60")

-- Sanitizers keep what was freed and are slow: what is left is still counted.
local L = gm.lab({
  subscribers = {},
  pcscf = { log = { level = "warn" }, sip = { t1 = "50ms", t2 = "200ms", t4 = "100ms" }, security = { keylog = nil }, registration = { await_auth = "20s" } },
  icscf = { log = { level = "warn" }, sip = { t1 = "50ms", t2 = "200ms", t4 = "100ms" } },
  scscf = { log = { level = "warn" }, sip = { t1 = "50ms", t2 = "200ms", t4 = "100ms" }, registration = { reauthenticate = "always", min_expires = 1 } },
  hss = { log = { level = "warn" } },
  configure = function(l)
    l.conf.pcscf.security.keylog = nil
  end,
})

ue.trace_dir = nil -- thousands of phones

local function imsi(i)
  return ("00101%010d"):format(1000 + i)
end

local K, OPC = "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf"

local function provision()
  local lines = { "imsi,msisdn,k,opc" }
  for i = 1, PHONES do
    lines[#lines + 1] = ("%s,1666%04d,%s,%s"):format(imsi(i), i, K, OPC)
  end
  local file = L.dir .. "/phones.csv"
  assert(fs.write(file, table.concat(lines, "\n") .. "\n", "600"))
  local _, code, err = L:hss({ "subscriber", "import", file })
  check.eq(code, 0, err)
end

local function phone(i)
  local v6, n = i % 5 == 0, 1 + i % 4
  return L:ue({ imsi = imsi(i), k = K, opc = OPC }, {
    ipsec = "required", transport = i % 3 == 0 and "tcp" or "udp", suites = { "hmac-sha-1-96/aes-cbc" }, t1_ms = 200, t2_ms = 800, t4_ms = 100,
    local_addr = v6 and "[" .. L.phones6[n] .. "]:0" or L.phones[n] .. ":0", pcscf = v6 and L.pcscf6 or nil,
  })
end

local count = { registered = 0, refreshed = 0, deregistered = 0, vanished = 0, other = 0, called = 0 }

-- One life of a phone: what it does is drawn.
local function life(i)
  local u = phone(i)
  local r = u:register({ expires = 600 })
  if r.verdict ~= "registered" then
    count.other = count.other + 1
    io.stderr:write("register: ", r.verdict, " ", tostring(r.status), " ", tostring(r.why), "\n")
    u:close()
    return true
  end
  count.registered = count.registered + 1
  for _ = 1, math.random(0, 3) do
    local dice = math.random()
    if dice < 0.5 then
      r = u:reregister({ expires = 600 })
      if r.verdict == "refreshed" then
        count.refreshed = count.refreshed + 1
      else
        count.other = count.other + 1
        io.stderr:write("refresh: ", r.verdict, " ", tostring(r.status), "\n")
      end
    elseif dice < 0.8 then
      local t = async(u.message, u, { to = u.default_impu, timeout = 5 })
      local rq = u:expect_request({ method = "MESSAGE", timeout = 5 })
      if rq then
        rq:reply(200)
      end
      count.called = count.called + (t:wait(6) and rq and 1 or 0)
    else
      u:register({ expires = 600, max_steps = 1, clear = true }) -- begins anew and loses interest
    end
  end
  if math.random() < 0.2 then -- dies with its SAs; a later life of the same phone cleans up behind it
    u:close()
    count.vanished = count.vanished + 1
    return true
  end
  r = u:deregister()
  if r.verdict == "deregistered" then
    count.deregistered = count.deregistered + 1
  else
    count.other = count.other + 1
    io.stderr:write("deregister: ", r.verdict, " ", tostring(r.status), "\n")
  end
  u:close()
  return r.verdict ~= "deregistered"
end

-- Runs lives for so long, some at once, no phone twice at a time. Returns the phones that died with their SAs.
local function churn(seconds)
  local until_, busy, left = now() + seconds, {}, {}
  local function worker()
    while now() < until_ do
      local i
      repeat
        i = math.random(PHONES)
      until not busy[i]
      busy[i] = true
      left[i] = life(i)
      busy[i] = nil
    end
  end
  local tasks = {}
  for n = 1, AT_ONCE do
    tasks[n] = async(worker)
  end
  for _, t in ipairs(tasks) do
    t:wait(seconds + 60)
  end
  return left
end

-- Those that vanished register once more, which replaces what they left, and leave in order.
local function clean(left)
  for i in tables.ordered(left) do
    local u = phone(i)
    local r = u:register({ expires = 600 })
    check.eq(r.verdict, "registered", r.text)
    check.eq(u:deregister().verdict, "deregistered")
    u:close()
  end
end

local function sockets()
  local _, udp = proc.run({ "ip", "netns", "exec", "core", "ss", "-Huan" })
  local _, tcp = proc.run({ "ip", "netns", "exec", "core", "ss", "-Hta", "src", L.ip.pcscf })
  return select(2, udp:gsub("\n", "")) + select(2, tcp:gsub("\n", ""))
end

local function quiet()
  check.ok(wait_for(function()
    return #gm.sets(L) == 0 and #xfrm.states("core") == 0 and #xfrm.states("phones") == 0
  end, 60), "every SA is gone")
end

test("nothing_is_left", { "SA-065", "SA-085" }, function()
  local guards, fds, open = #xfrm.policies("core"), nil, nil
  local pid = L.procs.pcscf:pid()
  math.randomseed(now() * 1000 // 1)
  provision()
  clean(churn(math.min(10, SECONDS / 4))) -- what is allocated once for all
  quiet()
  fds, open = resources.descriptors(pid), sockets()
  local rss, before = resources.rss_kb(pid), count
  count = { registered = 0, refreshed = 0, deregistered = 0, vanished = 0, other = 0, called = 0 }
  clean(churn(SECONDS))
  quiet()
  print(("churn of %d s: %s; RSS of the P-CSCF %d -> %d kB, before that %d registrations"):format(SECONDS, json.encode(count), rss,
    resources.rss_kb(pid), before.registered))
  check.above(count.registered, SECONDS)
  check.above(count.refreshed, SECONDS / 4)
  check.above(count.vanished, 2)
  -- a machine that is busy with other things lets an answer come late
  check.ok(count.other <= count.registered / 50, count.other .. " procedures failed of " .. count.registered .. " lives")
  check.eq(#xfrm.policies("core"), guards, "policies: the guards alone")
  check.eq(#xfrm.policies("phones"), 0)
  check.ok(wait_for(function()
    return resources.descriptors(pid) <= fds and sockets() <= open
  end, 20), "sockets")
  local code, out = proc.run({ "ip", "netns", "exec", "core", "cat", "/proc/net/xfrm_stat" })
  check.eq(code, 0)
  check.match(out, "XfrmInStateMismatch%s+0")
  check.ok(wait_for(function()
    return resources.sanitized(pid) or resources.rss_kb(pid) - rss < 3000
  end, 20), "memory is back: " .. rss .. " and " .. resources.rss_kb(pid) .. " kB")
end)

return test.finish()
