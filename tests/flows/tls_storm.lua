-- SPDX-License-Identifier: BSD-3-Clause
-- Ten sources flood the TLS port of Gm with handshakes, whole ones and such that are left (PacketCable 5.3.2.1.4): they are served at the
-- rates of the configuration. Phones that registered before come back, and such that come for the first time are served, each at
-- its first attempt.
local check = require "check"
local lab = require "lab"
local pki = require "pki"
local resources = require "resources"
local test = require "test"

local SOURCES, FLOOD_PER_S, ROUNDS = 10, 400, 8
local PER_SOURCE, ALL = 10, 40 -- handshakes per second that are served
if resources.sanitized("self") then
  FLOOD_PER_S = 150
end
local NAME, PASSWORD = "pcscf." .. lab.domain, "storm"
local _, root, cert = pki.lab(NAME)
local subscribers = {}
for i = 1, ROUNDS + 1 do
  subscribers[i] = { impi = lab.identity("t" .. i), password = PASSWORD }
end
local L = lab.start({
  digest = true, subscribers = subscribers,
  configure = function(l)
    l.tls = l.ip.pcscf .. ":5061"
    l:gm_tls(root, cert, { 5061 })
    l.conf.pcscf.sip.handshakes, l.conf.pcscf.sip.handshakes_per_source = ALL, PER_SOURCE
  end,
})
local PREFIX = L.ip.ue:match("^(.*%.)%d+$") -- of addresses that no lab has

local function phone(n, address)
  return L:ue(n, { transport = "tls", pcscf = L.tls, tls_ca = root.certificate, tls_name = NAME, local_addr = address .. ":0" })
end

local function registers(u, who)
  local r = u:register({ expires = 600 })
  check.eq(r.verdict, "registered", who .. ": " .. (r.text or "") .. " " .. (r.why or ""))
end

local function flood()
  local file, stop = L.dir .. "/flood.out", L.dir .. "/stop"
  local p = assert(proc.spawn({ proc.exe, "run", arg[0]:gsub("[^/]*$", "") .. "lib/tls_flood.lua", PREFIX, "151", tostring(SOURCES), L.tls,
    tostring(FLOOD_PER_S), root.certificate, NAME, stop, stdout = file, stderr = file }))
  check.ok(wait_for(function()
    return (fs.read(file) or ""):match("refused") or not p:running()
  end, 20) and p:running(), "the rates take hold: " .. (fs.read(file) or ""))
  return function()
    assert(fs.write(stop, "", "600"))
    check.eq(p:wait(30), 0, fs.read(file))
    return assert(json.decode(fs.read(file):match("{[^\n]*}%s*$")))
  end
end

test("phones register over TLS while ten sources flood the port", { "PC-023", "PC-025" }, function()
  local known = phone(1, L.ip.ue)
  registers(known, "before the flood")
  local over = flood()
  for i = 1, ROUNDS do
    known:close() -- its connection is lost, and it comes back
    known = phone(1, L.ip.ue)
    registers(known, "known, " .. i)
    local new = phone(1 + i, PREFIX .. (180 + i))
    registers(new, "new, " .. i)
    new:close()
  end
  local bad = over()
  print(("flood: %d connections of %d sources in %.1f s, %d handshakes done, %d refused"):format(bad.tried, SOURCES, bad.seconds, bad.done,
    bad.refused))
  check.above(ALL * (bad.seconds + 2), bad.done, "handshakes of the flood that were served")
  check.above(bad.refused, 0, "refused")
  local log = L.procs.pcscf:log()
  check.match(log, "a handshake of 127%.[%d.]+ is refused: sip%.handshakes")
  local _, told = log:gsub("a handshake of", "")
  check.eq(told, 1, "once")
  known:close()
end)

return test.finish()
