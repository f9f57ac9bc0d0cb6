-- SPDX-License-Identifier: BSD-3-Clause
-- The disk of the HSS is full, or its database held by another program, while passwords are provisioned and devices fetch credentials: what was not stored
-- is not told, the old password holds, and all works again by itself.
local check = require "check"
local disk = require "disk"
local lab = require "lab"
local pki = require "pki"
local test = require "test"

local own, code = disk.enter()
if own == false then
  return code
elseif not own then
  print("SKIP flows.hss_disk: no mount namespace of one's own here")
  return 0
end

local HOST = "hss." .. lab.domain
local dir = test.dir()
local d = disk.new(4 * 1024 * 1024)
test.finally("the_disk_goes", function()
  d:close()
end)

local server_ca, device_ca = pki.root(dir, "server"), pki.root(dir, "devices")
local server = server_ca:server({ cn = HOST })
local device = device_ca:client({ cn = "device", san = false })

local L = lab.start({ digest = true, subscribers = {}, hss = { store = { file = d.dir .. "/hss.db" } }, configure = function(l)
  l.conf.hss.bootstrap = { listen = { l.ip.hss .. ":8443" }, certificate = server.certificate, key = server.key, device_ca = device_ca.certificate,
    block_after = 0 }
end })

local impi, hss = lab.identity, lab.hss_ok

local function curl()
  local _, out = proc.run({ "curl", "-s", "-m", "15", "--noproxy", "*", "--cacert", server_ca.certificate, "--resolve", HOST .. ":8443:" .. L.ip.hss, "--cert",
    device.certificate, "--key", device.key, "-w", "\n%{http_code}", "-X", "POST", "https://" .. HOST .. ":8443/bootstrap", timeout = 30 })
  local body, status = out:match("^(.*)\n(%d+)$")
  return tonumber(status), json.decode(body)
end

local function registers(name, password)
  local u = L:ue({ impi = impi(name), impu = "sip:" .. impi(name), password = password })
  local ok = u:register({}).ok
  if ok then
    check.eq(u:deregister({}).verdict, "deregistered")
  end
  u:close()
  return ok
end

local function given()
  local out = L:hss({ "device", "list", "--json" })
  return json.decode(out)[1].given
end

hss({ "subscriber", "add", "--impi", impi("carol"), "--password", "old" })
hss({ "subscriber", "add", "--impi", impi("dora"), "--bootstrap" })
hss({ "device", "add", "--certificate", device.certificate, "--impi", impi("dora") })

local function while_it_lasts(what)
  for _ = 1, 2 do
    local mark = L:mark()
    local status, answer = curl()
    check.eq({ status, answer.error, answer.password }, { 503, "unavailable" }, what)
    L:verdict({ node = "hss", since = mark, cause = "storage_failed" })
    local out, exit, err = L:hss({ "subscriber", "set", impi("carol"), "--password", "new" })
    check.eq({ out, exit }, { "", 1 }, what)
    check.has(err, "database")
  end
  local _, exit = L:hss({ "subscriber", "add", "--impi", impi("frank"), "--password", "x" })
  check.eq(exit, 1)
end

test("a full disk", {}, function()
  d:fill()
  while_it_lasts("full")
  d:free()
  check.eq(given(), 0)
  check.ok(registers("carol", "old"), "the old password holds")
  check.no(registers("carol", "new"))
  hss({ "subscriber", "set", impi("carol"), "--password", "new" })
  check.ok(registers("carol", "new"))
  local status, got = curl()
  check.eq(status, 200)
  check.ok(registers("dora", got.password))
end)

test("a database that another program holds for long", {}, function()
  hss({ "device", "forget", impi("dora") })
  local fifo, ready = dir .. "/fifo", dir .. "/ready"
  check.eq(proc.run({ "mkfifo", fifo }), 0)
  local other = assert(proc.spawn({ "sqlite3", d.dir .. "/hss.db", "BEGIN IMMEDIATE", (".shell touch %s; cat %s"):format(ready, fifo) }))
  check.ok(wait_for(function() return fs.stat(ready) end, 20))
  local t = async(function()
    local status, answer = curl()
    return { status, answer.password }
  end)
  check.eq(given(), 0)
  check.eq(proc.run({ "sh", "-c", ": >" .. fifo }), 0)
  local got = t:wait(30)
  check.eq(got[1], 200, "it waits for its turn")
  check.ok(registers("dora", got[2]))
  other:wait(20)
end)

return test.finish()
