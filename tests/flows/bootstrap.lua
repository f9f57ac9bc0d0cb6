-- SPDX-License-Identifier: BSD-3-Clause
-- Certificate bootstrapping (PKT-TR-SEC 6.1.1.3): devices that openssl and curl play fetch credentials from the HSS; who gets
-- none, and why; answers that get lost; many at once; then a phone registers with what was given.
local check = require "check"
local lab = require "lab"
local pki = require "pki"
local tables = require "tables"
local test = require "test"

local HOST = "hss." .. lab.domain
local dir = test.dir()

local server_ca, device_ca, foreign_ca = pki.root(dir, "server"), pki.root(dir, "devices"), pki.root(dir, "foreign")
local server = server_ca:server({ cn = HOST })
device_ca:revoke()

local function device_cert(name, o)
  o = o or {}
  return (o.ca or device_ca):client({ name = name, subject = o.subject or "/O=Lab/CN=" .. name, san = false, from = o.from, to = o.to,
    eku = o.eku })
end

local at
local L = lab.start({ digest = true, subscribers = {}, hss = { push = { retry = "1h" } }, configure = function(l)
  at = l.ip.hss .. ":8443"
  l.conf.hss.bootstrap = { listen = { at }, certificate = server.certificate, key = server.key, device_ca = device_ca.certificate, crl = device_ca.crl,
    pcscf = l.sip.pcscf, timeout = "3s", max_connections = 30, max_per_source = 20, block_after = 3 }
end })

local impi, hss = lab.identity, lab.hss_ok

-- A subscriber whose device has that certificate. -> the certificate
local function device(name, o, how)
  local c = device_cert(name, o)
  hss({ "subscriber", "add", "--impi", impi(name), "--bootstrap" })
  hss({ "device", "add", how or "--certificate", how and "CN=" .. name .. ",O=Lab" or c.certificate, "--impi", impi(name) })
  return c
end

-- How often the device of a subscriber got credentials.
local function given(name)
  for _, d in ipairs(json.decode(hss({ "device", "list", "--json" }))) do
    if d.impi == impi(name) then
      return d.given
    end
  end
end

-- curl with a certificate (nil: none): status, decoded answer, exit code of curl
local function curl(c, o)
  o = o or {}
  local argv = { "curl", "-s", "-S", "-m", "15", "--noproxy", "*", "--cacert", (o.ca or server_ca).certificate, "--resolve", HOST .. ":8443:" .. L.ip.hss,
    "-w", "\n%{http_code}", "-X", o.method or "POST", timeout = 30 }
  for _, word in ipairs(c and { "--cert", c.certificate, "--key", c.key } or {}) do
    argv[#argv + 1] = word
  end
  for _, word in ipairs(o.words or {}) do
    argv[#argv + 1] = word
  end
  argv[#argv + 1] = "https://" .. (o.host or HOST) .. ":8443" .. (o.path or "/bootstrap")
  local code, out, err = proc.run(argv)
  local body, status = out:match("^(.*)\n(%d+)$")
  return tonumber(status), body and body ~= "" and json.decode(body) or nil, code, err
end

local function refused(c, status, error, cause, o)
  local mark = L:mark()
  local s, answer = curl(c, o)
  check.eq(s, status)
  check.eq(answer.error, error)
  check.eq(answer.password, nil)
  if cause then
    L:verdict({ node = "hss", since = mark, cause = cause })
  end
end

-- openssl s_client with a certificate; what the server says to these octets
local function s_client(c, octets, words)
  fs.write(dir .. "/octets", octets)
  local argv = { "sh", "-c", 'exec openssl s_client "$@" <"' .. dir .. '/octets"', "sh", "-connect", at, "-servername", HOST, "-verify_hostname", HOST,
    "-verify_return_error", "-CAfile", server_ca.certificate, "-ign_eof", "-cert", c.certificate, "-key", c.key, timeout = 30 }
  for _, word in ipairs(words or {}) do
    argv[#argv + 1] = word
  end
  local code, out, err = proc.run(argv)
  check.ok(code, "the server ends the connection")
  return out, code, err
end

-- A phone with the credentials that were given, and perhaps another password.
local function phone(got, password)
  return L:ue({ impi = got.impi, impu = got.impu[1], password = password or got.password }, { pcscf = got.pcscf })
end

local POST = "POST /bootstrap HTTP/1.1\r\nHost: " .. HOST .. "\r\n\r\n"

test("a device gets its credentials, once", { "BOOT-001", "BOOT-002" }, function()
  local c, mark = device("carol"), L:mark()
  local status, got = curl(c)
  check.eq(status, 200)
  check.eq(got.impi, impi("carol"))
  check.eq(got.impu, { "sip:" .. impi("carol") })
  check.eq({ got.realm, got.algorithm, got.pcscf }, { lab.domain, "MD5", L.sip.pcscf })
  check.ok(got.password:match("^[%w_-]+$") and #got.password == 32, "a password")
  local v = L:verdict({ node = "hss", since = mark, cause = "bootstrapped" })
  check.has(v.evidence, pki.fingerprint(c):sub(1, 16))
  refused(c, 403, "already_given", "device_served")
  local listed = json.decode(hss({ "device", "list", "--json" }))[1]
  check.eq({ listed.impi, listed.subject, listed.fingerprint, listed.given, listed.refused },
    { impi("carol"), "CN=carol,O=Lab", pki.fingerprint(c), 1, 1 })
end)

test("with the credentials a phone registers", { "BOOT-004", "DIG-006" }, function()
  local status, got = curl(device("dora"))
  check.eq(status, 200)
  local wrong, right = phone(got, got.password .. "x"), phone(got)
  check.no(wrong:register({}).ok, "another password")
  local r = right:register({})
  check.eq({ r.ok, r.verdict }, { true, "registered" })
  check.eq(right:deregister({}).verdict, "deregistered")
  wrong:close()
  right:close()
end)

test("SHA-256, and a subject in the place of a certificate", {}, function()
  local c = device_cert("erin")
  hss({ "subscriber", "add", "--impi", impi("erin"), "--bootstrap", "--digest-algorithm", "SHA-256" })
  hss({ "device", "add", "--subject", "CN=erin,O=Lab", "--impi", impi("erin") })
  local status, got = curl(c, { words = { "-H", "Content-Type: application/json", "-d", "{}" } })
  check.eq(status, 200)
  check.eq(got.algorithm, "SHA-256")
  refused(device_cert("erin2", { subject = "/O=Lab/CN=erin" }), 403, "other_certificate", "device_other_certificate")
end)

test("a good certificate of nobody, a blocked one and a forgotten one", { "BOOT-003" }, function()
  refused(device_cert("nobody"), 403, "unknown_device", "device_unknown")
  local c = device("frank")
  hss({ "device", "block", impi("frank"), "--reason", "its key was published" })
  refused(c, 403, "blocked", "device_blocked")
  hss({ "device", "unblock", "CN=frank,O=Lab" })
  local _, one = curl(c)
  hss({ "device", "forget", pki.fingerprint(c) })
  local status, two = curl(c)
  check.eq(status, 200)
  check.no(one.password == two.password, "a new password")
  for _ = 1, 3 do -- a copy of the key is used
    refused(c, 403, "already_given")
  end
  refused(c, 403, "blocked", "device_blocked")
end)

test("no credentials without a certificate that validates", { "BOOT-002", "BOOT-003" }, function()
  local function nothing(c, evidence)
    local mark = L:mark()
    local status, answer = curl(c)
    check.eq(status, 0)
    check.eq(answer, nil)
    local v = L:verdict({ node = "hss", since = mark, cause = "device_certificate" })
    check.has(v.evidence, evidence)
  end
  nothing(nil, "no certificate")
  nothing(device("grace", { ca = foreign_ca }), "chain")
  nothing(device("heidi", { from = -10, to = -1 }), "expired")
  nothing(device("ivan", { from = 2, to = 10 }), "not valid yet")
  nothing(device("judy", { eku = "serverAuth" }), "usage")
  for _, name in ipairs({ "grace", "heidi", "ivan", "judy" }) do
    check.eq(given(name), 0, name)
  end
end)

test("a revoked certificate gets nothing as soon as the list is read again", { "BOOT-003" }, function()
  local c, other = device("mallory"), device("niaj")
  check.eq(curl(c), 200)
  hss({ "device", "forget", impi("mallory") })
  device_ca:revoke(c)
  local mark = L:mark()
  L.procs.hss:kill("HUP")
  check.ok(wait_for(function()
    return L.procs.hss:log():find("bootstrap: certificates were read again", 1, true)
  end, 20))
  check.eq(curl(c), 0)
  check.has(L:verdict({ node = "hss", since = mark, cause = "device_certificate" }).evidence, "revoked")
  check.eq(curl(other), 200)
end)

test("a device does not go on with a server that it does not know", { "BOOT-002" }, function()
  local c = device("olivia")
  local status, _, code = curl(c, { ca = foreign_ca })
  check.eq({ status, code }, { 0, 60 })
  status, _, code = curl(c, { host = L.ip.hss })
  check.eq({ status, code }, { 0, 60 }, "the certificate has no such name")
  check.eq(given("olivia"), 0)
end)

test("openssl finds the handshake good, with TLS 1.2 and 1.3 and nothing older", {}, function()
  for version, name in tables.ordered({ ["-tls1_2"] = "TLSv1.2", ["-tls1_3"] = "TLSv1.3" }) do
    local out = s_client(device("peggy" .. name:sub(-1)), POST, { version })
    check.has(out, "Verify return code: 0 (ok)")
    check.has(out, name)
    check.has(out, '"password":')
  end
  local out, code = s_client(device("quinn"), POST, { "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0" })
  check.no(code == 0)
  check.no(out:find("password", 1, true))
end)

test("requests that are none, too long, or for something else", {}, function()
  local c = device("rupert")
  refused(c, 404, "not_found", nil, { path = "/" })
  refused(c, 405, "method_not_allowed", nil, { method = "GET" })
  refused(c, 413, "too_large", nil, { words = { "-d", ("x"):rep(1025) } })
  refused(c, 413, "too_large", nil, { words = { "-H", "X-Long: " .. ("x"):rep(5000) } })
  refused(c, 400, "bad_request", nil, { words = { "-H", "Transfer-Encoding: chunked", "-d", "{}" } })
  check.has(s_client(c, "\0\1\2\3\r\n\r\n"), "400 Bad Request")
  check.has(s_client(c, "POST /bootstrap HTTP/1.1\r\n\r\n"), "400 Bad Request")
  check.no(s_client(c, "POST /bootstrap HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"):find("HTTP/1.1 ", 1, true), "an answer before its end")
  check.eq(curl(c), 200)
end)

test("those who say nothing are left, and too many at once", {}, function()
  local c, idle = device("sybil"), {}
  for i = 1, 25 do
    idle[i] = assert(net.tcp_connect(L.ip.other .. ":0", at, 5000))
  end
  check.ok(wait_for(function()
    local closed = 0
    for _, i in ipairs(idle) do
      closed = closed + (i:state() == "closed" and 1 or 0)
    end
    return closed == 25
  end, 20), "all are closed: some at once, the others after bootstrap.timeout")
  local _, told = L.procs.hss:log():gsub("bootstrap.max_per_source", "")
  check.eq(told, 3, "the first, second and fourth of five: who floods does not fill the log")
  idle[1] = assert(net.tcp_connect(L.ip.other .. ":0", at, 5000))
  idle[1]:send("POST /bootstrap HTTP/1.1\r\nHost: x\r\n\r\n") -- no TLS
  check.ok(wait_for(function() return idle[1]:state() == "closed" end, 20))
  check.eq(curl(c), 200)
end)

test("of many requests at once one is served", {}, function()
  local c, tasks, given = device("trent"), {}, 0
  for i = 1, 8 do
    tasks[i] = async(function()
      return (curl(c))
    end)
  end
  for _, t in ipairs(tasks) do
    local status = t:wait(30)
    check.ok(status == 200 or status == 403, tostring(status))
    given = given + (status == 200 and 1 or 0)
  end
  check.eq(given, 1)
end)

test("what was told is stored, however the HSS ends", {}, function()
  local c = device("xavier")
  local _, got = curl(c)
  L:kill("hss", "KILL")
  L:start_node("hss")
  L:wait_cx(nil)
  local u = phone(got)
  check.ok(wait_for(function()
    return u:register({}).ok
  end, 30), "registers with it")
  u:deregister({})
  u:close()
  refused(c, 403, "already_given")
end)

test("a registered device that fetches anew has its S-CSCF told", {}, function()
  local c = device("walter")
  local _, one = curl(c)
  local u = phone(one)
  check.eq(u:register({}).verdict, "registered")
  hss({ "device", "forget", impi("walter") })
  local mark = L:mark()
  local _, two = curl(c)
  check.ok(wait_for(function()
    return #L:events("hss", { ev = "verdict", cause = "password_pushed", since = mark.hss }) == 1
  end, 20), "PPR")
  local again = phone(two)
  check.eq(again:register({}).verdict, "registered")
  check.eq(again:deregister({}).verdict, "deregistered")
  u:close()
  again:close()
end)

test("no password is in the logs and event streams", {}, function()
  local _, got = curl(device("victor"))
  for _, file in ipairs({ "hss.log", "hss.jsonl" }) do
    check.no(assert(fs.read(L.dir .. "/" .. file)):find(got.password, 1, true), file)
  end
end)

test("handshakes of one address are served at a rate", {}, function()
  L.conf.hss.bootstrap.handshakes_per_source = 5
  L:write_conf("hss")
  L:restart("hss")
  local c = device("quentin")
  local prefix, last = L.ip.other:match("^(.*%.)(%d+)$")
  local out, stop = L.dir .. "/flood.out", L.dir .. "/stop"
  local p = assert(proc.spawn({ proc.exe, "run", arg[0]:gsub("[^/]*$", "") .. "lib/tls_flood.lua", prefix, last, "1", at, "60", server_ca.certificate,
    HOST, stop, stdout = out, stderr = out }))
  check.ok(wait_for(function() return (fs.read(out) or ""):match("refused") end, 20), "the rate takes hold")
  check.eq(curl(c), 200) -- from another address
  assert(fs.write(stop, "", "600"))
  check.eq(p:wait(30), 0, fs.read(out))
  local r = assert(json.decode(fs.read(out):match("{[^\n]*}%s*$")))
  check.above(5 * (r.seconds + 2), r.done, "handshakes that were served")
  check.match(L.procs.hss:log(), "a handshake of [%d.]+ is refused: bootstrap%.handshakes_per_source %(5 per second%)")
end)

return test.finish()
