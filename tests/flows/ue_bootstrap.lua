-- SPDX-License-Identifier: BSD-3-Clause
-- "ue bootstrap" against a server that is played here (PKT-TR-SEC 6.1.1.3): mutual TLS, one request, a credential file, then
-- the usual registration.
local BIN = require "bin"
local check = require "check"
local fake = require "fake"
local pki = require "pki"
local tables = require "tables"
local test = require "test"

local IMPI = "carol@" .. fake.domain
local IMPU = "sip:carol@" .. fake.domain
local PASSWORD = "aZ09-_aZ09-_aZ09-_aZ09-_aZ09-_aZ"

local dir = test.dir()
local root, devices = pki.root(dir, "root"), pki.root(dir, "devices")
local server_cert = root:server({ cn = "hss." .. fake.domain })
local device = devices:client({ cn = "device-1.devices.example" })

-- A server that takes one connection and answers it; o: cert, ca, addr.
local function server(o)
  o = o or {}
  local s = { socket = assert(net.tcp_listen(o.addr or "127.0.0.1:0")) }
  s.tls = assert(tls.context({ role = "server", certificate = (o.cert or server_cert).certificate, key = (o.cert or server_cert).key,
    ca = (o.ca or devices).certificate, verify_clients = true }))
  s.socket:use_tls(s.tls)
  s.addr = s.socket:local_address()
  function s.serve(answer)
    local c = wait_for(function() return s.socket:take() end, 20)
    if not c then
      return nil, "nobody came"
    end
    local text, over = "", nil
    wait_for(function()
      text = text .. (c:take() or "")
      over = c:state() == "closed"
      return over or text:find("\r\n\r\n", 1, true)
    end, 20)
    if over then
      local _, why = c:state()
      return nil, why
    end
    c:send(answer)
    c:close()
    return text
  end
  function s:close()
    s.socket:close()
  end
  return s
end

local function http(status, body)
  return ("HTTP/1.1 %s\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s")
    :format(status, #body, body)
end

local function credentials(o)
  local t = { impi = IMPI, impu = { IMPU, "tel:+15550100" }, realm = fake.domain, password = PASSWORD, algorithm = "SHA-256",
    pcscf = json.null }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  return json.encode(t)
end

-- Runs "ue bootstrap" beside fn: exit code, output, errors, what fn gave.
local function bootstrap(s, argv, fn, o)
  o = o or {}
  local all = { BIN .. "/ue", "bootstrap", "--server", s.addr, "--name", o.name or "hss." .. fake.domain, "--ca",
    (o.ca or root).certificate, "--certificate", (o.device or device).certificate, "--key", (o.device or device).key,
    timeout = 30, env = { QUINTET_UE_STATE = dir } }
  table.move(argv, 1, #argv, #all + 1, all)
  local t = async(proc.run, all)
  local got, why = fn()
  local code, out, err = t:wait(35)
  return code, out, err, got, why
end

test("a device with a certificate gets its credentials", { "BOOT-001" }, function()
  local s = server()
  local file = dir .. "/carol.imc"
  local code, out, err, request = bootstrap(s, { "--out", file }, function()
    return s.serve(http("200 OK", credentials()))
  end)
  check.eq(code, 0, err)
  check.match(request, "^POST /bootstrap HTTP/1%.1\r\nHost: ")
  check.match(request, "\r\nContent%-Length: 0\r\n")
  check.has(out, IMPI)
  check.hasnt(out .. err, PASSWORD, "the password is told to nobody")
  check.eq(fs.stat(file).mode, "600")
  local text = fs.read(file)
  check.has(text, "impi: " .. IMPI .. "\n")
  check.has(text, "impu: " .. IMPU .. "\nimpu: tel:+15550100\n")
  check.has(text, "password: " .. PASSWORD .. "\n")
  -- and without --out in the folder of states
  code, out, err = bootstrap(s, {}, function()
    return s.serve(http("200 OK", credentials()))
  end)
  check.eq(code, 0, err)
  check.eq(fs.stat(dir .. "/" .. IMPI .. ".imc").mode, "600")
  s:close()
end)

test("an address without a port is asked at 8443", {}, function()
  -- the port is not ours to choose: the address is one that nobody else has
  local ip = ("127.%d.%d.%d"):format(math.random(1, 254), math.random(1, 254), math.random(1, 254))
  local s = server({ addr = ip .. ":8443" })
  s.addr = ip
  local code, _, err = bootstrap(s, { "--out", dir .. "/port.imc" }, function()
    return s.serve(http("200 OK", credentials()))
  end)
  check.eq(code, 0, err)
  s:close()
end)

test("then it registers as everybody does", { "BOOT-004" }, function()
  local s, core = server(), fake.core()
  local code, out, err = bootstrap(s, { "--register", "--", "--json" }, function()
    s.serve(http("200 OK", credentials({ pcscf = core.addr })))
    local rq = core:expect()
    check.eq(rq:auth().username, IMPI)
    check.eq(rq:uri_of("To"), IMPU)
    core.e:reply(rq, 401, nil, { ["WWW-Authenticate"] = ('Digest realm="%s",nonce="n",algorithm=SHA-256,qop="auth"'):format(fake.domain) })
    local m = core:expect()
    local a = m:auth()
    check.eq(a.response, auth.response({ algorithm = "SHA-256", username = IMPI, realm = fake.domain, password = PASSWORD,
      method = "REGISTER", uri = a.uri, nonce = a.nonce, cnonce = a.cnonce, nc = a.nc, qop = "auth" }))
    core.e:reply(m, 200, nil, { { "Contact", m:get("Contact") .. ";expires=600" } })
  end)
  check.eq(code, 0, err)
  check.has(out, '"outcome":"registered"')
  core:close()
  s:close()
end)

test("no exchange without good certificates of both ends", { "BOOT-002" }, function()
  local foreign = pki.root(dir, "foreign")
  -- the server's: another root, another name, expired
  for rule, o in tables.ordered({ chain_to_root = { cert = foreign:server({ cn = "hss." .. fake.domain }) },
    name_matches = { cert = root:server({ cn = "other." .. fake.domain }) },
    not_expired = { cert = root:server({ cn = "hss." .. fake.domain, from = -10, to = -1 }) } }) do
    local s = server(o)
    local code, _, err, request = bootstrap(s, { "--out", dir .. "/none" }, function()
      return s.serve("")
    end)
    check.eq(code, 1)
    check.has(err, rule)
    check.eq(request, nil, "nothing was asked")
    check.eq(fs.stat(dir .. "/none"), nil)
    s:close()
  end
  -- the device's
  local s = server()
  local code, _, err, request = bootstrap(s, { "--out", dir .. "/none" }, function()
    return s.serve("")
  end, { device = foreign:client({ cn = "device-1.devices.example" }) })
  check.eq(code, 1)
  check.has(err, "alert")
  check.eq(request, nil)
  check.eq(fs.stat(dir .. "/none"), nil)
  s:close()
  code, _, err = proc.run({ BIN .. "/ue", "bootstrap", "--server", "127.0.0.1:9", "--ca", root.certificate })
  check.eq(code, 2)
  check.has(err, "--certificate, --key")
end)

test("refusals and nonsense leave no file", {}, function()
  local cases = {
    { http("403 Forbidden", '{"error":"blocked","reason":"the certificate was seen misused"}'), "403 blocked: the certificate was seen misused" },
    { http("200 OK", "{}"), "no password" },
    { http("200 OK", credentials({ impi = "x" })), "impi" },
    { http("200 OK", credentials({ password = "a\nb" })), "password" },
    { http("200 OK", credentials() .. "x"), "no JSON" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "no answer as" },
    { "220 ready\r\n\r\n", "no answer as" },
    { "", "closed the connection" },
  }
  for _, case in ipairs(cases) do
    local s = server()
    local code, _, err = bootstrap(s, { "--out", dir .. "/none" }, function()
      return s.serve(case[1])
    end)
    check.eq(code, 1)
    check.has(err, case[2])
    check.eq(fs.stat(dir .. "/none"), nil)
    s:close()
  end
end)

-- One device, a UICC and credentials by certificate: the access says which is used.
test("one credential per access", { "BOOT-005" }, function()
  local s, core = server(), fake.core()
  local isim, imc = dir .. "/card.isim", dir .. "/access.imc"
  local code, _, err = bootstrap(s, { "--out", imc }, function()
    return s.serve(http("200 OK", credentials()))
  end)
  check.eq(code, 0, err)
  s:close()
  local sim = "001010000000001@" .. fake.domain
  assert(fs.write(isim, ("impi: %s\nimpu: sip:%s\ndomain: %s\nk: 465b5ce8b199b49faa5f0a2ee238a6bc\nopc: cd63cb71954a9f4e48a5994e37a02baf\n")
    :format(sim, sim, fake.domain), "600"))
  for access, user in tables.ordered({ ["3GPP-E-UTRAN-FDD"] = sim, ["DSL"] = IMPI }) do
    local t = async(proc.run, { BIN .. "/ue", "register", "--isim", isim, "--imc", imc, "--pcscf", core.addr, "--ipsec", "off",
      "--access-network", access, env = { QUINTET_UE_STATE = dir }, timeout = 20 })
    local rq = core:expect()
    check.eq(rq:auth().username, user, access)
    core:refuse(rq)
    t:wait(25)
  end
  core:close()
end)

-- --- the HSS, and four real nodes ---

test("from a certificate to a registration, with the real nodes", { "BOOT-001", "BOOT-002", "BOOT-004" }, function()
  local lab = require "lab"
  local host = "hss." .. lab.domain
  local shown = root:server({ cn = host })
  local at
  local L = lab.start({ digest = true, subscribers = {}, configure = function(l)
    at = l.ip.hss .. ":8443"
    l.conf.hss.bootstrap = { listen = { at }, certificate = shown.certificate, key = shown.key, device_ca = devices.certificate,
      pcscf = l.sip.pcscf }
  end })
  local impi = "dave@" .. lab.domain
  local mine = devices:client({ cn = "device-7.devices.example" })
  L:hss_ok({ "subscriber", "add", "--impi", impi, "--bootstrap" })
  L:hss_ok({ "device", "add", "--certificate", mine.certificate, "--impi", impi })
  local function run(o)
    return proc.run({ BIN .. "/ue", "bootstrap", "--server", at, "--name", host, "--ca", root.certificate, "--certificate",
      o.certificate, "--key", o.key, "--out", dir .. "/dave.imc", "--register", "--", "--json", "--local", L.ip.ue,
      timeout = 40, env = { QUINTET_UE_STATE = dir, QUINTET_PCSCF = false } })
  end
  -- a device that nobody provisioned
  local code, out, err = run(device)
  check.eq(code, 1)
  check.has(err, "unknown_device")
  check.eq(fs.stat(dir .. "/dave.imc"), nil)
  -- ours; the P-CSCF is the one that the server names
  code, out, err = run(mine)
  check.eq(code, 0, err)
  local r = assert(json.decode(out:match("({.*)$")))
  check.eq(r.outcome, "registered")
  check.eq(r.impi, impi)
  check.eq(r.auth_info, "good")
  -- once
  code, out, err = run(mine)
  check.eq(code, 1)
  check.has(err, "already_given")
end)

return test.finish()
