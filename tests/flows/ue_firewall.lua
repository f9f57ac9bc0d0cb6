-- SPDX-License-Identifier: BSD-3-Clause
-- Ways through a firewall (TS 33.203 Annex W.3), against a P-CSCF and an HTTP proxy that are played here; and tinyproxy and Apache as
-- proxies that nobody here wrote.
local BIN = require "bin"
local check = require "check"
local fake = require "fake"
local pki = require "pki"
local proxy = require "http_proxy"
local tables = require "tables"
local test = require "test"

local join = tables.join
-- an address of this program's own: what is closed there, or freed for a proxy, nobody else takes
local IP = ("127.%d.%d.251"):format(1 + (proc.self // 256) % 254, proc.self % 256)
local IP_PATTERN = IP:gsub("%.", "%%.")
local IMPI = "alice_private@" .. fake.domain
local IMPU = "sip:alice@" .. fake.domain
local NAME = "pcscf." .. fake.domain

local dir, root, cert = pki.lab(NAME)

-- A port where nothing answers.
local function closed_port()
  local e = assert(sip.endpoint({ transport = "tcp", addr = IP .. ":0" }))
  local port = e.port
  e:close()
  return port
end

-- Runs "ue register" beside fn: exit code, output, errors.
local function command(argv, fn, env)
  local all = { BIN .. "/ue", "register", "--impi", IMPI, "--impu", IMPU, "--password", "secret", "--json", "--log", "notice",
    "--tls-ca", root.certificate, "--tls-name", NAME, timeout = 40, env = env or {} }
  all.env.QUINTET_UE_STATE = dir
  table.move(argv, 1, #argv, #all + 1, all)
  local t = async(proc.run, all)
  if fn then
    fn()
  end
  return t:wait(45)
end

local function challenge(e, rq)
  local a = auth.new("Digest"):set("realm", fake.domain):set("nonce", "n"):set("algorithm", "MD5"):set("qop", "auth", true)
  e:reply(rq, 401, nil, { ["WWW-Authenticate"] = tostring(a) })
end

-- Answers a registration at a TLS port; keep: what Via agrees on.
local function serve(e, keep)
  challenge(e, e:expect("REGISTER", 20))
  local m = e:expect("REGISTER")
  check.ok(m:auth().response ~= "", "a Digest answer")
  local rq = m:copy()
  if keep then
    rq:set("Via", (rq:get("Via"):gsub(";keep", ";keep=" .. keep)))
  end
  e:reply(rq, 200, nil, { { "Contact", m:get("Contact") .. ";expires=600" } })
  return m
end

local function tls_port()
  return assert(sip.endpoint({ transport = "tls", addr = IP .. ":0", certificate = cert.certificate, key = cert.key }))
end

test("off by default", { "FW-001" }, function()
  local last = tls_port()
  local code, out = command({ "--pcscf", IP .. ":" .. closed_port(), "--timeout", "1", "--traversal-port", last.port })
  check.eq(code, 1)
  check.eq(json.decode(out).outcome, "unreachable")
  last.socket:take()
  check.eq(last:recv({ timeout = 0.1 }), nil)
  check.eq(#last.conns, 0, "no connection")
  local err
  code, out, err = command({ "--pcscf", "127.0.0.1:9", "--http-proxy", "127.0.0.1:3128" })
  check.eq(code, 2)
  check.has(err, "--firewall-traversal")
  code, out, err = command({ "--pcscf", "127.0.0.1:9", "--firewall-traversal", "--access-network", "3GPP-E-UTRAN-FDD" })
  check.eq(code, 2)
  check.has(err, "does not pass the EPC")
  last:close()
end)

test("normal ways first, TLS on port 443 last", { "FW-002", "FW-003", "FW-005", "FW-006", "FW-008" }, function()
  local last = tls_port()
  local udp = assert(sip.endpoint({ addr = IP .. ":0" })) -- a firewall that swallows
  local seen = {}
  local t = async(function()
    seen.udp = check.ok(udp:recv())
  end)
  local code, out, err = command({ "--pcscf", udp.addr, "--timeout", "3", "--tls-port", closed_port(), "--firewall-traversal",
    "--traversal-port", last.port }, function()
    seen.last = serve(last, 30)
  end)
  check.eq(code, 0, err)
  local r = json.decode(out)
  check.eq(r.outcome, "registered")
  check.eq(r.scheme, "digest")
  check.eq(r.way, "TLS on port " .. last.port)
  check.match(r.tls.version, "^TLSv1%.")
  check.eq(r.tls.certificate, NAME)
  t:wait(20)
  check.eq(seen.udp.method, "REGISTER")
  local at = 1
  for _, way in ipairs({ "trying UDP", "trying TCP", "trying TLS on port", "trying TLS on port " .. last.port }) do
    at = check.ok(err:find(way, at, true), way) + 1
  end
  udp:close()
  last:close()
end)

test("what answers is not passed over", { "FW-002" }, function()
  local core = fake.core()
  local code, out, err = command({ "--pcscf", core.addr, "--timeout", "5", "--firewall-traversal" }, function()
    challenge(core.e, core:expect())
    local m = core:expect()
    core.e:reply(m, 403)
  end)
  check.eq(code, 1)
  check.eq(json.decode(out).outcome, "refused")
  check.hasnt(err, "trying TCP")
  core:close()
end)

test("CRLF keep-alives on that connection", { "FW-007" }, function()
  local last = tls_port()
  local u = assert(ue.new({ impi = IMPI, impu = IMPU, password = "secret", pcscf = IP .. ":" .. last.port, transport = "tls",
    tls_ca = root.certificate, tls_name = NAME }))
  local t = async(u.register, u)
  local m = serve(last, 1)
  check.eq(t:wait(20).verdict, "registered")
  check.ok(wait_for(function()
    last:poll()
    return u:kept().pongs >= 2
  end, 20))
  check.above(m.conn.pings, 1)
  u:close()
  last:close()
end)

local function through(p, extra, fn)
  local argv = { "--pcscf", IP .. ":" .. closed_port(), "--timeout", "10", "--tls-port", closed_port(),
    "--firewall-traversal", "--http-proxy", p.addr }
  table.move(extra, 1, #extra, #argv + 1, argv)
  return command(argv, fn)
end

test("HTTP CONNECT, and the handshake after a positive answer", { "FW-009" }, function()
  local last, p = tls_port(), proxy()
  local code, out, err = through(p, { "--traversal-port", last.port }, function()
    serve(last)
  end)
  check.eq(code, 0, err)
  check.eq(json.decode(out).way, "TLS on port " .. last.port .. " through the HTTP proxy")
  check.eq(#p.log, 1, "the ways before go without the proxy")
  check.match(p.log[1].head, "^CONNECT " .. IP_PATTERN .. ":" .. last.port .. " HTTP/1%.1\r\nHost: " .. IP_PATTERN .. ":" .. last.port .. "\r\n")
  check.eq(p.log[1].rest, "", "nothing beside it")
  check.eq(p.silent, nil, "no ClientHello before the answer")
  check.eq(p.first:byte(1), 22, "then a handshake")
  p:close()
  last:close()
end)

test("a proxy that refuses, or is none", { "FW-009" }, function()
  for answer, words in tables.ordered({ ["HTTP/1.1 403 Forbidden\r\n\r\n"] = "answers CONNECT with 403", ["SSH-2.0-x\r\n\r\n"] = "no HTTP" }) do
    local p = proxy(answer)
    local code, out, err = through(p, { "--traversal-port", closed_port() })
    check.eq(code, 1)
    check.eq(json.decode(out).outcome, "tls_failed")
    check.has(json.decode(out).why, words)
    check.has(err, words)
    check.eq(p.first, nil)
    p:close()
  end
end)

-- --- a proxy that asks for user and password ---

local USER, PASSWORD = "proxy user", "open sesame"
local AS = { "--http-proxy-user", USER, "--http-proxy-password", PASSWORD }

-- An answer for http_proxy: 407 with these fields unless good(Proxy-Authorization, CONNECT's target). closes: with its connection.
local function asks(fields, good, closes)
  return function(head, n)
    local given = head:match("\r\nProxy%-Authorization: ([^\r]*)\r\n")
    if given and good(given, head:match("^CONNECT (%S+)")) then
      return nil
    end
    return ("HTTP/1.1 407 Proxy Authentication Required\r\n%sContent-Length: 5\r\nConnection: %s\r\n\r\nsorry")
      :format(type(fields) == "function" and fields(given, n) or fields, closes and "close" or "keep-alive"), closes
  end
end

local function digest(algorithm, nonce, more)
  return ('Proxy-Authenticate: Digest realm="p", nonce="%s", qop="auth", algorithm=%s%s\r\n'):format(nonce, algorithm, more or "")
end

local function digest_is_good(algorithm, nonce)
  return function(given, target)
    local a = auth.parse(given)
    return a.scheme == "Digest" and a.nonce == nonce and a.uri == target and a.username == USER and a.nc == "00000001"
      and a.response == auth.response({ algorithm = algorithm, username = USER, realm = "p", password = PASSWORD, method = "CONNECT",
        uri = a.uri, nonce = nonce, cnonce = a.cnonce, nc = a.nc, qop = "auth" })
  end
end

local function basic_is_good(given)
  return given == "Basic " .. base64.encode(USER .. ":" .. PASSWORD)
end

test("user and password once the proxy asks for them", { "FW-009" }, function()
  local basic = 'Proxy-Authenticate: Basic realm="p"\r\n'
  local cases = {
    basic = { asks(basic, basic_is_good, true), 2 },
    basic_kept = { asks(basic, basic_is_good, false), 2 },
    md5 = { asks(digest("MD5", "n"), digest_is_good("MD5", "n"), true), 2 },
    sha256_first = { asks("Proxy-Authenticate: Negotiate, " .. digest("SHA-256", "n"):sub(21, -3) .. ", Basic realm=\"p\"\r\n" .. digest("MD5", "m"),
      digest_is_good("SHA-256", "n")), 2 },
    stale = { asks(function(given)
      return digest("SHA-256", given and "new" or "old", given and ", stale=true")
    end, digest_is_good("SHA-256", "new"), true), 3 },
  }
  for name, case in tables.ordered(cases) do
    local last, p = tls_port(), proxy(case[1])
    local code, out, err = through(p, join({ "--traversal-port", last.port }, AS), function()
      serve(last)
    end)
    check.eq(code, 0, name .. ": " .. err)
    check.match(json.decode(out).way, "through the HTTP proxy", name)
    check.eq(#p.log, case[2], name)
    check.no(p.log[1].head:find("Proxy-Authorization", 1, true), "nothing before it asks")
    for _, one in ipairs(p.log) do
      check.eq(one.rest, "", "each CONNECT alone on its connection")
    end
    check.hasnt(out .. err, PASSWORD)
    p:close()
    last:close()
  end
end)

test("user and password that the proxy does not take", { "FW-009" }, function()
  local never = function() return false end
  local basic = 'Proxy-Authenticate: Basic realm="p"\r\n'
  local cases = {
    { asks(basic, never, true), AS, 2, "proxy_auth_refused: " },
    { asks(digest("MD5", "n"), never, true), AS, 2, "proxy_auth_refused: " },
    { asks(function(given) return given and basic or digest("MD5", "n") end, basic_is_good), AS, 2, "proxy_auth_refused: " }, -- no weaker one
    { asks(digest("MD5", "n", ", stale=true"), never), AS, 3, "proxy_auth_refused: " },
    { asks(basic, never), {}, 1, "proxy_auth_needed: " },
    { asks("Proxy-Authenticate: Negotiate\r\n", never), AS, 1, "proxy_auth_unsupported: " },
  }
  for n, case in ipairs(cases) do
    local p = proxy(case[1])
    local code, out, err = through(p, join({ "--traversal-port", closed_port() }, case[2]))
    check.eq(code, 1, n)
    check.eq(json.decode(out).outcome, "tls_failed", n)
    check.match(json.decode(out).why, "^" .. case[4], n)
    check.has(err, case[4])
    check.hasnt(out .. err, PASSWORD)
    check.eq(#p.log, case[3], n)
    p:close()
  end
end)

test("the proxy's password by file and by environment", {}, function()
  local file = dir .. "/proxy.password"
  fs.write(file, PASSWORD .. "\n", "600")
  for name, o in tables.ordered({ file = { { "--http-proxy-password-file", file } }, environment = { {}, { QUINTET_UE_HTTP_PROXY_PASSWORD = PASSWORD } } }) do
    local p = proxy(asks('Proxy-Authenticate: Basic realm="p"\r\n', basic_is_good, true))
    local last = tls_port()
    local argv = join({ "--pcscf", IP .. ":" .. closed_port(), "--timeout", "10", "--tls-port", closed_port(), "--firewall-traversal",
      "--http-proxy", p.addr, "--http-proxy-user", USER, "--traversal-port", last.port }, o[1])
    local code, _, err = command(argv, function() serve(last) end, o[2])
    check.eq(code, 0, name .. ": " .. err)
    p:close()
    last:close()
  end
  for words, argv in tables.ordered({ ["its password is missing"] = { "--http-proxy", "127.0.0.1:9", "--http-proxy-user", "u" },
    ["--http-proxy-user is missing"] = { "--http-proxy", "127.0.0.1:9", "--http-proxy-password", PASSWORD },
    ["only with --http-proxy"] = { "--http-proxy-user", "u", "--http-proxy-password", PASSWORD },
    ["without colons"] = { "--http-proxy", "127.0.0.1:9", "--http-proxy-user", "a:b", "--http-proxy-password", PASSWORD } }) do
    local code, out, err = command(join({ "--pcscf", "127.0.0.1:9", "--firewall-traversal" }, argv))
    check.eq(code, 2)
    check.has(err, words)
    check.hasnt(out .. err, PASSWORD)
  end
end)

test("the proxy's password stays neither in the argument list nor in the environment", {}, function()
  local silent = assert(net.tcp_listen(IP .. ":0"))
  local udp = assert(sip.endpoint({ addr = IP .. ":0" }))
  local rest = { "--http-proxy", silent:local_address(), "--http-proxy-user", USER }
  local register = join({ "register", "--impi", IMPI, "--password", "secret", "--pcscf", udp.addr, "--firewall-traversal", "--tls-ca", root.certificate }, rest)
  local turn = join({ "turn", "--server", IP }, rest)
  for _, argv in ipairs({ register, turn }) do
    for _, way in ipairs({ "argument", "environment" }) do
      local all = join({ BIN .. "/ue" }, argv, way == "argument" and { "--http-proxy-password", PASSWORD } or {})
      all.env = { QUINTET_UE_STATE = dir, QUINTET_UE_HTTP_PROXY_PASSWORD = way == "environment" and PASSWORD or nil }
      local p = assert(proc.spawn(all))
      check.ok(wait_for(function() -- it is at work
        return argv == turn and silent:take() or argv == register and udp:recv({ timeout = 0.05 })
      end, 20), way)
      for _, file in ipairs({ "cmdline", "environ" }) do
        check.hasnt(fs.read(("/proc/%d/%s"):format(p:pid(), file)), PASSWORD, way)
      end
      check.match(fs.read(("/proc/%d/%s"):format(p:pid(), way == "argument" and "cmdline" or "environ")), "%*%*%*%*%*")
      p:kill("KILL")
      p:wait(20)
    end
  end
  silent:close()
  udp:close()
end)

test("a scenario's phone through such a proxy", {}, function()
  local last, p = tls_port(), proxy(asks(digest("SHA-256", "n"), digest_is_good("SHA-256", "n"), true))
  local o = { impi = IMPI, impu = IMPU, password = "secret", pcscf = IP .. ":" .. last.port, transport = "tls", tls_ca = root.certificate,
    tls_name = NAME, http_proxy = p.addr, http_proxy_user = USER, http_proxy_password = PASSWORD }
  local u = assert(ue.new(o))
  local t = async(u.register, u)
  serve(last)
  check.eq(t:wait(20).verdict, "registered")
  u:close()
  o.http_proxy_password = "wrong"
  u = assert(ue.new(o))
  local r = u:register()
  check.eq(r.verdict, "tls_failed")
  check.match(r.why, "^proxy_auth_refused")
  u:close()
  o.http_proxy_password = nil
  check.eq(select(2, ue.new(o)):match("its password is missing"), "its password is missing")
  p:close()
  last:close()
end)

-- --- proxies that nobody here wrote ---

-- Runs a daemon that listens at port, and fn beside it.
local function beside(argv, port, fn)
  local code = proc.run({ "sh", "-c", "command -v " .. argv[1] })
  if code ~= 0 then
    error(argv[1] .. " is not installed")
  end
  argv.stdout, argv.stderr = dir .. "/" .. argv[1] .. ".out", dir .. "/" .. argv[1] .. ".err"
  local daemon = assert(proc.spawn(argv))
  check.ok(wait_for(function()
    local c = net.tcp_connect(nil, IP .. ":" .. port, 500)
    local up = wait_for(function() return c:state() ~= "connecting" and c:state() end, 1) == "up"
    c:close()
    return up
  end, 20), argv[1] .. " listens: " .. (fs.read(argv.stderr) or ""))
  local ok, why = pcall(fn)
  daemon:kill("TERM")
  daemon:wait(20)
  if not ok then
    error(why, 0)
  end
end

local function is_served(port, last, extra)
  local code, out, err = through({ addr = IP .. ":" .. port }, join({ "--traversal-port", last.port }, extra), function()
    serve(last)
  end)
  check.eq(code, 0, err)
  check.match(json.decode(out).way, "through the HTTP proxy")
end

local function is_refused(port, last, extra, word)
  local code, out = through({ addr = IP .. ":" .. port }, join({ "--traversal-port", last.port }, extra))
  check.eq(code, 1)
  check.match(json.decode(out).why, "^" .. word)
end

local WRONG = { "--http-proxy-user", "phone", "--http-proxy-password", "wrong" }
local RIGHT = { "--http-proxy-user", "phone", "--http-proxy-password", "sesame" }

for _, basic in ipairs({ false, true }) do
  test("through tinyproxy" .. (basic and " with Basic" or ""), { "FW-009" }, function()
    local last, port = tls_port(), closed_port()
    local conf = dir .. "/tinyproxy.conf"
    fs.write(conf, ("Port %s\nListen %s\nTimeout 60\nAllow 127.0.0.1\nConnectPort %s\nMaxClients 10\n%s"):format(port, IP, last.port,
      basic and "BasicAuth phone sesame\n" or ""))
    beside({ "tinyproxy", "-d", "-c", conf }, port, function()
      is_served(port, last, basic and RIGHT or {})
      if basic then
        is_refused(port, last, WRONG, "proxy_auth_refused: ")
        is_refused(port, last, {}, "proxy_auth_needed: ")
      end
    end)
    last:close()
  end)
end

test("through Apache with Digest", { "FW-009" }, function()
  local last, port = tls_port(), closed_port()
  local home = dir .. "/apache"
  fs.mkdir(home)
  proc.run({ "chmod", "755", dir, home }) -- its workers are nobody's
  local modules = {}
  for _, name in ipairs({ "mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest", "proxy", "proxy_connect" }) do
    modules[#modules + 1] = ("LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n"):format(name, name)
  end
  local _, sum = proc.run({ "sh", "-c", "printf %s phone:lab:sesame | md5sum" })
  fs.write(home .. "/users", ("phone:lab:%s\n"):format(sum:match("^%x+")), "644")
  fs.write(home .. "/conf", table.concat(modules) .. ([[
ServerRoot ${home}
ServerName ${ip}
Listen ${ip}:${port}
PidFile ${home}/pid
DefaultRuntimeDir ${home}
ErrorLog ${home}/log
User www-data
Group www-data
StartServers 1
ProxyRequests On
AllowCONNECT ${to}
<Proxy "*">
AuthType Digest
AuthName lab
AuthDigestProvider file
AuthUserFile ${home}/users
Require valid-user
</Proxy>
]]):gsub("%${(%w+)}", { home = home, ip = IP, port = tostring(port), to = tostring(last.port) }))
  beside({ "apache2", "-D", "FOREGROUND", "-f", home .. "/conf" }, port, function()
    is_served(port, last, RIGHT)
    is_refused(port, last, WRONG, "proxy_auth_refused: ")
  end)
  last:close()
end)

-- --- TURN ---

-- A responder: answers STUN over TCP or TLS; counts what came.
local function responder(with_tls)
  local r = { socket = assert(net.tcp_listen(IP .. ":0")), n = 0, conns = {} }
  if with_tls then
    r.context = assert(tls.context({ role = "server", certificate = cert.certificate, key = cert.key }))
    r.socket:use_tls(r.context)
  end
  r.port = r.socket:local_address():match(":(%d+)$")
  r.task = async(function()
    while not r.over do
      local c = r.socket:take()
      if c then
        r.n = r.n + 1
        r.conns[#r.conns + 1] = c
      end
      for _, one in ipairs(r.conns) do
        local data = one:take()
        if data and data:sub(1, 8) == "\0\1\0\0\x21\x12\xa4\x42" then
          one:send("\1\1\0\0" .. data:sub(5, 20))
        end
      end
      sleep(0.005)
    end
  end)
  function r:close()
    r.over = true
    r.task:wait(20)
    for _, one in ipairs(r.conns) do
      one:close()
    end
    r.socket:close()
  end
  return r
end

local function turn_at(server, ...)
  return proc.run({ BIN .. "/ue", "turn", "--server", server, "--name", NAME, "--ca", root.certificate, "--timeout", "10", timeout = 40, ... })
end

local function turn(...)
  return turn_at(IP, ...)
end

test("TURN: TCP on port 80 is preferred, TLS on port 443 comes after", { "FW-011" }, function()
  local clear, secure = responder(false), responder(true)
  local code, out, err = turn("--tcp", "--tls", "--tcp-port", clear.port, "--tls-port", secure.port)
  check.eq(code, 0, err)
  check.eq(out, "TCP on port " .. clear.port .. "\n")
  check.eq(secure.n, 0, "TLS was not tried")
  code, out, err = turn("--tcp", "--tls", "--tcp-port", closed_port(), "--tls-port", secure.port)
  check.eq(code, 0, err)
  check.eq(out, "TLS on port " .. secure.port .. "\n")
  check.match(err, "^TCP on port .-\nTLS on port .- the server answers\n$")
  code, out = turn("--tls", "--tls-port", secure.port)
  check.eq(out, "TLS on port " .. secure.port .. "\n", "TCP is not configured")
  code = turn("--tcp", "--tls", "--tcp-port", closed_port(), "--tls-port", closed_port())
  check.eq(code, 1)
  -- both through a proxy
  local p = proxy()
  code, out, err = turn("--tcp", "--tls", "--tcp-port", clear.port, "--tls-port", secure.port, "--http-proxy", p.addr)
  check.eq(code, 0, err)
  check.eq(out, "TCP on port " .. clear.port .. " through the HTTP proxy\n")
  check.match(p.log[1].head, "^CONNECT " .. IP_PATTERN .. ":" .. clear.port .. " ")
  code, out, err = turn("--tls", "--tls-port", secure.port, "--http-proxy", p.addr)
  check.eq(out, "TLS on port " .. secure.port .. " through the HTTP proxy\n", err)
  check.eq(p.log[2].rest, "", "the handshake waits for the answer")
  p:close()
  clear:close()
  secure:close()
end)

test("TURN: the port of --server is that of the one way", { "FW-011" }, function()
  local clear, secure = responder(false), responder(true)
  local code, out, err = turn_at(IP .. ":" .. clear.port)
  check.eq({ code, out }, { 0, "TCP on port " .. clear.port .. "\n" }, err)
  code, out, err = turn_at(IP .. ":" .. secure.port, "--tls")
  check.eq({ code, out }, { 0, "TLS on port " .. secure.port .. "\n" }, err)
  code, out, err = turn_at(IP .. ":" .. secure.port, "--tls", "--tcp", "--tcp-port", closed_port())
  check.eq({ code, out }, { 0, "TLS on port " .. secure.port .. "\n" }, err)
  -- of both, or of none, it is not
  code, out, err = turn_at(IP .. ":" .. secure.port, "--tls", "--tcp")
  check.eq(code, 2)
  check.has(err, "give --tcp-port and --tls-port")
  code, out, err = turn_at(IP .. ":" .. secure.port, "--tcp", "--tcp-port", clear.port)
  check.eq(code, 2)
  -- the certificate is for the host, without the port
  code, out, err = proc.run({ BIN .. "/ue", "turn", "--server", IP .. ":" .. secure.port, "--tls", "--ca", root.certificate, "--timeout", "2",
    timeout = 30 })
  check.eq(code, 1)
  check.match(err, "name_matches")
  check.hasnt(err, IP .. ":")
  clear:close()
  secure:close()
end)

test("TURN: through a proxy that asks for user and password", { "FW-011" }, function()
  local clear, secure = responder(false), responder(true)
  local p = proxy(asks(digest("SHA-256", "n"), digest_is_good("SHA-256", "n"), true))
  local code, out, err = turn("--tcp-port", clear.port, "--http-proxy", p.addr, table.unpack(AS))
  check.eq({ code, out }, { 0, "TCP on port " .. clear.port .. " through the HTTP proxy\n" }, err)
  code, out, err = turn("--tls", "--tls-port", secure.port, "--http-proxy", p.addr, table.unpack(AS))
  check.eq({ code, out }, { 0, "TLS on port " .. secure.port .. " through the HTTP proxy\n" }, err)
  check.eq(#p.log, 4)
  code, out, err = turn("--tcp-port", clear.port, "--http-proxy", p.addr, "--http-proxy-user", USER, "--http-proxy-password", "wrong")
  check.eq(code, 1)
  check.has(err, "proxy_auth_refused: ")
  code, out, err = turn("--tcp-port", clear.port, "--http-proxy", p.addr)
  check.eq(code, 1)
  check.has(err, "proxy_auth_needed: ")
  p:close()
  clear:close()
  secure:close()
end)

return test.finish()
