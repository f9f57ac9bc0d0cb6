-- SPDX-License-Identifier: BSD-3-Clause
-- A P-CSCF that serves TLS, from outside: what a capture shows with the key log, certificates that are renewed by SIGHUP,
-- handshakes that fail and say why, and what --check-config says of the keys.
local BIN = require "bin"
local check = require "check"
local lab = require "lab"
local pcap = require "pcap"
local pki = require "pki"
local tap = require "tap"
local test = require "test"

local NAME = "pcscf." .. lab.domain
local dir = test.dir()

local root = pki.root(dir, "root")
local first = root:server({ cn = NAME, name = "first" })
local LIVE = { certificate = dir .. "/live.pem", key = dir .. "/live.key", keylog = dir .. "/keys",
  ca = root.certificate }
local address, wire

local function put(cert, key)
  fs.write(LIVE.certificate, fs.read(cert), "644")
  fs.write(LIVE.key, fs.read(key), "600")
end

put(first.certificate, first.key)

local L = lab.start({ digest = true, nodes = { "pcscf" }, subscribers = {}, configure = function(l)
  address, wire = l.ip.pcscf .. ":5061", l.ip.tap .. ":5061"
  table.insert(l.conf.pcscf.gm.listen, "tls:" .. address)
  l.conf.pcscf.gm.tls = LIVE
end })

local function options(e)
  return sip.message([[
    OPTIONS sip:${domain} SIP/2.0
    Via: ${via}
    Max-Forwards: 70
    From: <sip:alice@${domain}>;tag=${tag}
    To: <sip:${domain}>
    Call-ID: ${call_id}
    CSeq: 1 OPTIONS]], { domain = lab.domain, via = e:via(), tag = random.token(), call_id = random.token() })
end

local function endpoint(o)
  local t = { transport = "tls", ca = root.certificate, name = NAME }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  return assert(sip.endpoint(t))
end

-- Asks and takes the answer, whichever it is; the message with its connection.
local function ask(e, to)
  check.ok(e:send(options(e), to or address))
  local m = check.ok(e:recv({ timeout = 10 }))
  check.ok(m.status and m.status >= 400, "somebody who is not registered is refused")
  return m
end

-- What openssl says of a handshake: output, and whether it came to one.
local function s_client(...)
  local code, out, err = proc.run({ timeout = 30, "sh", "-c", 'exec "$@" </dev/null', "sh", "openssl", "s_client", "-connect", address, "-CAfile", root.certificate,
    "-verify_return_error", "-verify_hostname", NAME, ... })
  return out .. err, code == 0
end

local function log()
  return fs.read(L.dir .. "/pcscf.log") or ""
end

test("a message over TLS stands in the event stream like any other, and the ladder shows how it came", {}, function()
  local mark = L:mark()
  local e = endpoint()
  ask(e)
  local rows = L:events("pcscf", { ev = "sip", since = mark })
  check.eq(#rows, 2)
  check.match(rows[1].sum, "^OPTIONS .* %[TLS%]$")
  local _, drawn = proc.run({ BIN .. "/ladder", L.conf.pcscf.trace.file })
  check.match(drawn, "OPTIONS [^\n]*%[TLS%]")
  for _, row in ipairs(rows) do
    check.eq(row.proto, "TLS")
  end
  e:close()
end)

local ear

for _, version in ipairs({ "1.3", "1.2" }) do
  test("with the key log, tshark reads SIP in a capture of TLS " .. version, { "TLS-014" }, function()
    ear = ear or tap.stream({ listen = wire, to = address })
    local mark = ear:mark()
    local e = endpoint(version == "1.2" and { max_version = "1.2" } or { min_version = "1.3" })
    ask(e, wire)
    e:close()
    local file = dir .. "/tls" .. version .. ".pcap"
    pcap.tcp(file, ear:since(mark), 5061)
    check.eq(pcap.read(file, "sip", { "sip.Method" }), {}, "without the keys nothing is read")
    local rows = pcap.read(file, "sip", { "sip.Method", "sip.Status-Code" }, { "tls.keylog_file:" .. LIVE.keylog })
    check.eq(#rows, 2, "a request and its answer")
    check.eq(rows[1][1], "OPTIONS")
    check.ok(tonumber(rows[2][2]) >= 400)
    check.eq(pcap.read(file, "_ws.malformed", { "frame.number" }, { "tls.keylog_file:" .. LIVE.keylog }), {})
  end)
end

test("the key log is for its owner alone", {}, function()
  local _, out = proc.run({ "stat", "-c", "%a", LIVE.keylog })
  check.eq(out:gsub("%s", ""), "600")
end)

-- A connection that is up: its keep-alive is answered (RFC 5626 3.5.1). The names of the certificate that was shown on it.
local function alive(conn)
  check.ok(conn.c:send("\r\n\r\n"))
  check.eq(wait_for(function()
    return conn.c:take()
  end, 20), "\r\n")
  return conn.c:tls().names
end

-- The same of a new connection.
local function names_of_new()
  local e = endpoint()
  local names = alive(check.ok(e:connection(address)))
  e:close()
  return names
end

local function hang_up(said)
  L.procs.pcscf:kill("HUP")
  check.ok(wait_for(function()
    return log():find(said, 1, true)
  end, 20), said)
end

test("SIGHUP renews certificate and key, and drops nobody", {}, function()
  local e = endpoint()
  local old = check.ok(e:connection(address))
  check.eq(alive(old), { NAME })
  check.ok(s_client():find("Verification: OK", 1, true))
  local second = root:server({ cn = NAME, name = "second", san = "DNS:" .. NAME .. ",DNS:second.example" })
  local late = root:server({ cn = NAME, name = "late", from = -10, to = -1 })
  put(second.certificate, second.key)
  hang_up("certificates were read again")
  check.eq(alive(old), { NAME }, "the old connection goes on")
  check.eq(names_of_new(), { NAME, "second.example" }, "a new one gets the new certificate")

  fs.write(LIVE.certificate, "no certificate at all\n", "644")
  hang_up("the files stay as they were: gm.tls.certificate: " .. LIVE.certificate .. ": file_readable")
  check.eq(names_of_new(), { NAME, "second.example" }, "a broken file: an error in the log, and the old one stays")
  put(late.certificate, late.key)
  hang_up("CN=" .. NAME .. ": not_expired")
  check.eq(names_of_new(), { NAME, "second.example" }, "an expired one")
  put(second.certificate, second.key)
  fs.write(LIVE.key, fs.read(second.key), "644")
  hang_up(LIVE.key .. ": key_private")
  check.eq(names_of_new(), { NAME, "second.example" }, "one whose key others may read")
  check.eq(alive(old), { NAME })
  e:close()
  put(second.certificate, second.key)
end)

test("a handshake that fails says why: in the log and in the event stream", { "TLS-008" }, function()
  local mark = L:mark()
  local out, ok = s_client("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
  check.no(ok, out)
  local row = check.ok(wait_for(function()
    return L:events("pcscf", { ev = "sip", note = "~^TLS failed: ", since = mark })[1]
  end, 20))
  check.eq(row.note, "TLS failed: no version of TLS in common (1.0 and 1.1 are not served)")
  check.ok(log():find("TLS with %S+ failed: no version of TLS in common"))
end)

test("no certificate is asked of a client, and no session ticket carries a state of the server", { "TLS-012" }, function()
  local out, ok = s_client("-tls1_2", "-msg")
  check.ok(ok, out)
  check.ok(out:find("No client certificate CA names sent", 1, true))
  check.no(out:find("CertificateRequest", 1, true))
  check.no(out:find("TLS session ticket:", 1, true))
end)

test("the configuration says what tls lacks", {}, function()
  local conf = json.decode(fs.read(L:conf_file("pcscf")))
  conf.gm.tls.key = nil
  local file = dir .. "/broken.yaml"
  fs.write(file, json.encode(conf), "600")
  local code, _, err = proc.run({ BIN .. "/pcscf", "-c", file, "--check-config" })
  check.no(code == 0)
  check.ok(err:find("gm.listen: tls wants gm.tls.certificate and gm.tls.key", 1, true), err)
end)

return test.finish()
