-- SPDX-License-Identifier: BSD-3-Clause
-- TLS at the UE alone, against a P-CSCF that is played here (TS 33.203 Annex O).
local BIN = require "bin"
local check = require "check"
local fake = require "fake"
local pki = require "pki"
local tables = require "tables"
local test = require "test"

local DOMAIN = fake.domain
local IMPI = "alice_private@" .. DOMAIN
local IMPU = "sip:alice@" .. DOMAIN
local PASSWORD = "correct horse 7!"
local NAME = "pcscf." .. DOMAIN

local dir = test.dir()

local root = pki.root(dir, "root", { subject = "/O=Any name at all/CN=a root" })
local good = root:server({ cn = NAME })

-- A network with a clear port (UDP and TCP) and one for TLS.
local function network(cert, o)
  local n = {}
  local t = { transport = "tls", certificate = (cert or good).certificate, key = (cert or good).key }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  n.tls = assert(sip.endpoint(t))
  n.clear = assert(sip.endpoint({}))
  function n:close()
    n.tls:close()
    n.clear:close()
  end
  return n
end

local function phone(n, o)
  local t = { impi = IMPI, impu = IMPU, password = PASSWORD, pcscf = n.clear.addr, tls_port = tonumber(n.tls.port),
    tls_ca = root.certificate, tls_name = NAME, t1_ms = 100, transport = "tls" }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  if t.security == "tls" then
    t.transport = "udp"
  end
  return ue.new(t)
end

local function registering(u, fn, kind, o)
  local t = async(u[kind or "register"], u, o)
  fn()
  return t:wait(20)
end

local function challenge(e, rq, headers, o)
  o = o or {}
  local a = auth.new("Digest"):set("realm", o.realm or DOMAIN):set("nonce", o.nonce or "n"):set("algorithm", "MD5")
  a:set("qop", "auth", true)
  if o.stale then
    a:set("stale", "TRUE")
  end
  local all = { { "WWW-Authenticate", tostring(a) } }
  for _, h in ipairs(headers or {}) do
    all[#all + 1] = h
  end
  e:reply(rq, 401, nil, all)
end

local function accept(e, rq)
  e:reply(rq, 200, nil, { { "Contact", rq:get("Contact") .. ";expires=600" }, { "P-Associated-URI", "<" .. IMPU .. ">" } })
end

local SERVER = { { "Security-Server", "ipsec-3gpp;q=0.1, tls;q=0.9" } }

-- A whole registration in the variant: "first" or "agreed"; returns the REGISTERs.
local function registered(n, u, variant, kind)
  local first, second
  local r = registering(u, function()
    local e = variant == "agreed" and n.clear or n.tls
    first = e:expect("REGISTER")
    challenge(e, first, variant == "agreed" and SERVER or nil)
    second = n.tls:expect("REGISTER")
    accept(n.tls, second)
  end, kind)
  check.eq(r.verdict, "registered", r.why)
  return first, second
end

local variants = { first = { transport = "tls" }, agreed = { security = "tls" } }

test("TLS before the first REGISTER", { "TLS-027", "TLS-028", "DIG-024" }, function()
  local n = network()
  local u = assert(phone(n))
  local first, second = registered(n, u, "first")
  for _, m in ipairs({ first, second }) do
    check.eq(m:get("Security-Client"), nil)
    check.eq(m:get("Security-Verify"), nil)
    check.eq(m:get("Require"), nil)
    check.match(m:get("Via"), "^SIP/2.0/TLS ")
    check.match(m:get("Contact"), ";transport=tls;ob>")
  end
  check.eq(first.conn, second.conn, "one connection")
  check.eq(n.clear:recv({ timeout = 0 }), nil, "nothing in clear")
  local tls = u:tls()
  check.eq(tls.up, true)
  check.eq(tls.connections, 1)
  check.eq(tls.resumed, false)
  check.eq(tls.names[1], NAME)
  u:close()
  n:close()
end)

test("TLS by security agreement", { "TLS-016", "TLS-018", "TLS-019" }, function()
  local n = network()
  local u = assert(phone(n, { security = "tls" }))
  local first, second = registered(n, u, "agreed")
  check.eq(first:get("Security-Client"), "tls;q=0.5")
  check.eq(first:get("Security-Verify"), nil)
  check.eq(first:get("Require"), "sec-agree")
  check.eq(first:get("Proxy-Require"), "sec-agree")
  check.contains(first:values("Supported"), "sec-agree")
  check.eq(second:get("Security-Client"), "tls;q=0.5")
  check.eq(table.concat(second:values("Security-Verify"), ", "), "ipsec-3gpp;q=0.1, tls;q=0.9")
  check.eq(second:get("Require"), "sec-agree")
  check.match(second:get("Via"), "^SIP/2.0/TLS ")
  check.eq(u:tls().resumed, false, "a full handshake")
  -- de-registered and registered once more: again a new connection and a full handshake
  local conn = second.conn
  registering(u, function()
    local m = n.tls:expect("REGISTER")
    check.eq(m.conn, conn)
    accept(n.tls, m)
  end, "deregister")
  check.eq(u:tls().up, false, "the connection went with the registration")
  first, second = registered(n, u, "agreed")
  check.eq(first:get("Security-Verify"), nil)
  check.ne(second.conn, conn)
  check.eq(u:tls().resumptions, 0)
  check.eq(u:tls().connections, 2)
  u:close()
  n:close()
end)

test("without a port it is 5060, and 5061 for TLS", { "PC-015" }, function()
  local ip = ("127.%d.%d.250"):format(1 + (proc.self // 256) % 254, proc.self % 256)
  for transport, port in tables.ordered({ udp = 5060, tcp = 5060, tls = 5061 }) do
    local secure = transport == "tls"
    local e = assert(sip.endpoint({ addr = ip .. ":" .. port, transport = transport, certificate = secure and good.certificate or nil,
      key = secure and good.key or nil }))
    local u = assert(ue.new({ impi = IMPI, impu = IMPU, password = PASSWORD, pcscf = ip, tls_ca = secure and root.certificate or nil,
      tls_name = secure and NAME or nil, transport = transport }))
    local r = registering(u, function()
      e:reply(e:expect("REGISTER"), 403)
    end)
    check.eq(r.status, 403, transport)
    u:close()
    e:close()
  end
end)

test("requests and answers use the connection", { "TLS-027", "TLS-030" }, function()
  local n = network()
  local u = assert(phone(n))
  registered(n, u, "first")
  local t = async(u.message, u, { to = "sip:bob@" .. DOMAIN, body = "hi" })
  local m = n.tls:expect("MESSAGE")
  n.tls:reply(m, 200)
  check.eq(t:wait(20).status, 200)
  check.eq(n.clear:recv({ timeout = 0 }), nil)
  u:close()
  n:close()
end)

-- A request or response to the phone's open port.
local function invite(u, call_id)
  return sip.message([[
    INVITE sip:alice@${host} SIP/2.0
    Max-Forwards: 70
    From: <sip:mallory@example.org>;tag=m
    To: <${to}>
    Call-ID: ${id}
    CSeq: 1 INVITE
    Contact: <sip:mallory@example.org>]], { host = u.local_address, to = IMPU, id = call_id or random.token() })
end

test("what comes outside of TLS after SM12", { "TLS-024", "TLS-030" }, function()
  for variant, options in tables.ordered(variants) do
    local n = network()
    local u = assert(phone(n, options))
    registered(n, u, variant)
    local rq = invite(u)
    assert(n.clear:send(rq, u.local_address))
    -- a request that is taken would be answered, or seen; a later one inside of TLS shows that time passed
    local conn = n.tls.conns[#n.tls.conns]
    local inside = invite(u, "inside")
    assert(n.tls:send(inside, conn.remote, conn))
    local got = check.ok(u:expect_request({ method = "INVITE" }), "what comes inside is taken")
    check.eq(got.msg:get("Call-ID"), "inside")
    got:reply(486)
    check.eq(u:expect_request({ method = "INVITE", timeout = 0 }), nil, variant .. ": a request in clear is not")
    check.eq(n.clear:recv({ timeout = 0 }), nil, "nor answered")
    -- a response outside of TLS to a request that went inside
    local t = async(u.message, u, { to = "sip:bob@" .. DOMAIN })
    local m = n.tls:expect("MESSAGE")
    assert(n.clear:send(m:reply(200):text(), u.local_address))
    n.tls:reply(m, 404)
    check.eq(t:wait(20).status, 404, "a 200 in clear is not taken")
    u:close()
    n:close()
  end
end)

test("stale is answered on the same connection", { "TLS-033" }, function()
  local n = network()
  local u = assert(phone(n, { security = "tls" }))
  local r = registering(u, function()
    challenge(n.clear, n.clear:expect("REGISTER"), SERVER)
    local a = n.tls:expect("REGISTER")
    challenge(n.tls, a, nil, { nonce = "m", stale = true })
    local b = n.tls:expect("REGISTER")
    check.eq(b.conn, a.conn)
    check.eq(b:auth().nonce, "m")
    accept(n.tls, b)
  end)
  check.eq(r.verdict, "registered")
  check.eq(u:tls().connections, 1)
  u:close()
  n:close()
end)

test("re-registration over the same connection", { "TLS-042" }, function()
  for variant, options in tables.ordered(variants) do
    local n = network()
    local u = assert(phone(n, options))
    local _, second = registered(n, u, variant)
    local r = registering(u, function()
      local m = n.tls:expect("REGISTER")
      check.eq(m.conn, second.conn)
      check.eq(m:get("Security-Verify") ~= nil, variant == "agreed")
      accept(n.tls, m)
    end, "reregister")
    check.eq(r.verdict, "refreshed")
    check.eq(n.clear:recv({ timeout = 0 }), nil)
    u:close()
    n:close()
  end
end)

test("a wrong answer: connection and session go", { "TLS-031" }, function()
  local n = network()
  local u = assert(phone(n))
  local conn
  local r = registering(u, function()
    challenge(n.tls, n.tls:expect("REGISTER"))
    local m = n.tls:expect("REGISTER")
    conn = m.conn
    n.tls:reply(m, 403)
  end)
  check.eq(r.verdict, "refused")
  check.ok(wait_for(function() return conn.c:state() == "closed" end, 20), "closed by the UE")
  registered(n, u, "first")
  check.eq(u:tls().resumptions, 0, "its session is not resumed")
  u:close()
  n:close()
end)

test("no handshake after a challenge that offers nothing", { "TLS-034" }, function()
  for _, server in ipairs({ "ipsec-3gpp;q=0.9", "tls;q=9" }) do
    local n = network()
    local u = assert(phone(n, { security = "tls" }))
    local r = registering(u, function()
      challenge(n.clear, n.clear:expect("REGISTER"), { { "Security-Server", server } })
    end)
    check.eq(r.verdict, "security_unacceptable")
    check.eq(u:tls().connections, 0)
    n.tls:poll()
    check.eq(#n.tls.conns, 0, "no connection came")
    u:close()
    n:close()
  end
end)

test("who insists does not go on in clear", { "TLS-003" }, function()
  local n = network()
  local u = assert(phone(n, { security = "tls", secure_only = true }))
  local r = registering(u, function() -- somebody on the way took Security-Server out
    challenge(n.clear, n.clear:expect("REGISTER"))
  end)
  check.eq(r.verdict, "security_missing")
  check.eq(#r.steps, 1, "no answer left in clear")
  check.eq(r.registered, false)
  u:close()
  -- without TLS and IPsec nothing leaves at all
  u = assert(ue.new({ impi = IMPI, password = PASSWORD, pcscf = n.clear.addr, secure_only = true }))
  local ok, why = pcall(u.register, u)
  check.eq(ok, false)
  check.has(why, "neither TLS nor IPsec")
  check.eq(n.clear:recv({ timeout = 0.1 }), nil)
  u:close()
  -- one that does not insist goes on
  u = assert(phone(n, { security = "tls" }))
  r = registering(u, function()
    challenge(n.clear, n.clear:expect("REGISTER"))
    accept(n.clear, n.clear:expect("REGISTER"))
  end)
  check.eq(r.verdict, "registered")
  u:close()
  n:close()
end)

test("an aborted attempt leaves no connection", { "TLS-035" }, function()
  local n = network()
  local u = assert(phone(n, { security = "tls" }))
  local conn
  local t = async(u.register, u, { timeout = 1, once = true })
  challenge(n.clear, n.clear:expect("REGISTER"), SERVER)
  conn = n.tls:expect("REGISTER").conn -- and no answer
  check.eq(t:wait(20).verdict, "no_answer")
  check.ok(wait_for(function() return conn.c:state() == "closed" end, 20))
  check.eq(u:tls().up, false)
  local _, second = registered(n, u, "agreed")
  check.ne(second.conn, conn)
  check.eq(u:tls().resumptions, 0)
  u:close()
  n:close()
end)

test("a lost connection is told, and a new registration takes a new one", { "TLS-018", "TLS-037" }, function()
  local n = network()
  local u = assert(phone(n))
  local _, second = registered(n, u, "first")
  n.tls:cut(second.conn)
  check.ok(wait_for(function() return u:tls().lost == 1 end, 20))
  local first = registered(n, u, "first")
  check.ne(first.conn, second.conn)
  check.eq(u:tls().connections, 2)
  check.eq(u:tls().resumptions, 1, "the session is resumed, the connection is new")
  u:close()
  n:close()
  -- by security agreement the handshake is a full one, also then
  n = network()
  u = assert(phone(n, { security = "tls" }))
  _, second = registered(n, u, "agreed")
  n.tls:cut(second.conn)
  check.ok(wait_for(function() return u:tls().lost == 1 end, 20))
  registered(n, u, "agreed")
  check.eq(u:tls().connections, 2)
  check.eq(u:tls().resumptions, 0)
  u:close()
  n:close()
end)

test("ue register --hold registers again by itself", { "TLS-037" }, function()
  local n = network()
  local p = assert(proc.spawn({ BIN .. "/ue", "register", "--hold", "--json", "--impi", IMPI, "--impu", IMPU, "--password",
    PASSWORD, "--pcscf", "127.0.0.1:" .. n.tls.port, "--transport", "tls", "--tls-ca", root.certificate, "--tls-name", NAME,
    "--timeout", "5", env = { QUINTET_UE_STATE = dir }, stdout = dir .. "/hold.out", stderr = dir .. "/hold.err" }))
  local function one()
    challenge(n.tls, n.tls:expect("REGISTER"))
    local m = n.tls:expect("REGISTER")
    accept(n.tls, m)
    return m
  end
  local before = one()
  wait_for(function() return (fs.read(dir .. "/hold.out") or ""):find("registered") end, 20)
  n.tls:cut(before.conn)
  local again = n.tls:expect("REGISTER", 10)
  check.ne(again.conn, before.conn)
  accept(n.tls, again)
  p:kill("TERM")
  local bye = n.tls:expect("REGISTER")
  check.eq(bye:get("Expires"), "0")
  accept(n.tls, bye)
  check.eq(p:wait(20), 0)
  n:close()
end)

test("ue register says which port of the P-CSCF it could not use", {}, function()
  local foreign = pki.root(dir, "foreign-port")
  local n = network(foreign:server({ cn = NAME }))
  local silent = assert(sip.endpoint({ transport = "tcp" }))
  local closed = silent.port
  silent:close()
  for port, outcome in pairs({ [n.tls.port] = "no TLS with the P-CSCF", [closed] = "cannot be reached" }) do
    local t = async(function()
      return proc.run({ BIN .. "/ue", "register", "--impi", IMPI, "--impu", IMPU, "--password", PASSWORD, "--pcscf", n.clear.addr,
        "--transport", "tls", "--tls-port", port, "--tls-ca", root.certificate, "--tls-name", NAME, "--timeout", "5",
        timeout = 20, env = { QUINTET_UE_STATE = dir } })
    end)
    local out
    check.ok(wait_for(function()
      n.tls:poll()
      return t.done
    end, 20))
    _, out = t:wait(1)
    check.has(out, outcome)
    check.match(out, "P%-CSCF +127%.0%.0%.1:" .. port .. "\n")
    check.hasnt(out, n.clear.addr)
  end
  n:close()
end)

test("a session that seems dead is left for an unprotected REGISTER", { "TLS-048" }, function()
  for variant, options in tables.ordered(variants) do
    local n = network()
    local u = assert(phone(n, options))
    local _, second = registered(n, u, variant)
    local t = async(u.reregister, u, { timeout = 1 })
    check.eq(n.tls:expect("REGISTER").conn, second.conn) -- and no answer to it
    local e = variant == "agreed" and n.clear or n.tls
    local m = e:expect("REGISTER", 10)
    check.ne(m.conn, second.conn)
    check.eq(m:get("Security-Verify"), nil)
    challenge(e, m, variant == "agreed" and SERVER or nil, { nonce = "again" })
    accept(n.tls, n.tls:expect("REGISTER"))
    check.eq(t:wait(20).verdict, "refreshed")
    check.eq(u:tls().up, true)
    u:close()
    n:close()
  end
end)

test("HelloRequest leads to a renegotiation inside the connection", { "TLS-036" }, function()
  local n = network(nil, { max_version = "1.2" })
  local u = assert(phone(n))
  local _, second = registered(n, u, "first")
  local before = u:tls().session_id
  assert(second.conn.c:renegotiate())
  check.ok(wait_for(function() return u:tls().handshakes == 2 end, 20), "a second handshake")
  check.eq(u:tls().connections, 1)
  check.eq(second.conn.c:tls().handshakes, 2)
  check.ne(second.conn.c:tls().session_id, before, "a new session")
  local r = registering(u, function()
    local m = n.tls:expect("REGISTER")
    check.eq(m.conn, second.conn)
    accept(n.tls, m)
  end, "reregister")
  check.eq(r.verdict, "refreshed")
  u:close()
  n:close()
end)

-- --- certificates ---

-- Tries to register with a P-CSCF that shows cert; returns the result, and what the server says of the end.
local function attempt(cert, o)
  local n = network(cert)
  local u, no = phone(n, o)
  check.ok(u, no)
  local state, why
  local t = async(u.register, u, { timeout = 10, once = true })
  local function next_one() -- nil when the phone gave up
    local m
    wait_for(function()
      m = n.tls:recv({ timeout = 0 })
      return m or t.done
    end, 20)
    return m
  end
  local m = next_one()
  if m then
    challenge(n.tls, m, nil, { realm = o and o.realm })
    local second = next_one()
    if second then
      accept(n.tls, second)
    end
  end
  local r = t:wait(20)
  n.tls:poll()
  if n.tls.conns[1] then
    wait_for(function()
      state, why = n.tls.conns[1].c:state()
      return state == "closed"
    end, m and 0 or 20)
  end
  check.eq(n.clear:recv({ timeout = 0 }), nil, "nothing in clear")
  u:close()
  n:close()
  return r, why
end

local function refused(rule, alert, cert, o)
  local r, why = attempt(cert, o)
  check.eq(r.verdict, "tls_failed", rule)
  check.has(r.why, rule)
  check.has(why or "nothing", "alert " .. alert)
end

test("a certificate along a chain to a known root", { "TLS-052", "TLS-053", "TLS-054" }, function()
  local between = root:authority("between")
  check.eq(attempt(between:server({ cn = NAME })).verdict, "registered")
  check.eq(attempt(good).verdict, "registered", "no CRL distribution point, and a root of any name")
  -- the root may be sent, as it is known
  check.eq(attempt(root:server({ cn = NAME, plus = { root.certificate } })).verdict, "registered")
end)

test("a certificate that does not validate is refused with an alert", { "TLS-032", "TLS-054", "TLS-056" }, function()
  local foreign = pki.root(dir, "foreign")
  refused("chain_to_root", 48, foreign:server({ cn = NAME })) -- unknown_ca
  refused("not_expired", 45, root:server({ cn = NAME, from = -10, to = -1 })) -- certificate_expired
  refused("already_valid", 42, root:server({ cn = NAME, from = 2, to = 10 })) -- bad_certificate
  refused("extended_key_usage", 43, root:server({ cn = NAME, eku = "clientAuth" })) -- unsupported_certificate
  refused("name_matches", 42, root:server({ cn = "other." .. DOMAIN }))
  refused("san_has_fqdn", 40, root:server({ cn = NAME, san = "IP:127.0.0.1" }))
  local no_ca = root:authority("no-ca", { extensions = { "basicConstraints = critical, CA:FALSE",
    "keyUsage = critical, digitalSignature" } })
  refused("issuer_is_ca", 48, no_ca:server({ cn = NAME }))
end)

test("a root that is sent must be the known one", { "TLS-055" }, function()
  -- the same subject, another key
  local other = pki.root(dir, "other", { subject = "/O=Any name at all/CN=a root" })
  refused("root_unchanged", 48, root:server({ cn = NAME, plus = { other.certificate } }))
  -- the same subject and key, another validity and serial number
  local again = pki.root(dir, "again", { subject = "/O=Any name at all/CN=a root", key = root.key, to = 900 })
  check.eq(attempt(root:server({ cn = NAME, plus = { again.certificate } })).verdict, "registered")
end)

test("the issuer is the subject of its issuer octet by octet", { "TLS-057" }, function()
  -- the name of the known root, written as PrintableString in place of UTF8String: equal to people, not in DER
  local same = pki.root(dir, "printable", { subject = "/O=Any name at all/CN=a root", key = root.key, string_mask = "nombstr" })
  refused("issuer_der", 46, same:server({ cn = NAME }))
end)

test("only a P-CSCF of the home domain is trusted", { "TRUST-004" }, function()
  local foreign = root:server({ cn = "pcscf.elsewhere.example" })
  local o = { tls_name = "pcscf.elsewhere.example", home_domain = DOMAIN }
  check.eq(attempt(foreign, { tls_name = o.tls_name }).verdict, "registered", "not asked")
  refused("of_home", 42, foreign, o)
  check.eq(attempt(good, { home_domain = DOMAIN }).verdict, "registered")
  -- or one that chains to a root of the home domain
  o.home_ca = root.certificate
  check.eq(attempt(foreign, o).verdict, "registered")
end)

test("the realm has to fit the certificate", { "TRUST-005" }, function()
  check.eq(attempt(good, { trust_domain = DOMAIN }).verdict, "registered")
  local r = attempt(good, { trust_domain = DOMAIN, realm = "evil.example" })
  check.eq(r.verdict, "realm_foreign")
  check.eq(#r.steps, 1, "no answer left")
  refused("in_trust_domain", 42, root:server({ cn = "pcscf.elsewhere.example" }),
    { tls_name = "pcscf.elsewhere.example", trust_domain = DOMAIN })
end)

-- --- what is offered ---

-- The ClientHello that a phone sends to a listener without TLS, as octets.
local function client_hello(o)
  local e = assert(sip.endpoint({ transport = "tcp" }))
  local t = { impi = IMPI, password = PASSWORD, pcscf = e.addr, transport = "tls", tls_ca = root.certificate, tls_name = NAME }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  local u = assert(ue.new(t))
  local task = async(u.register, u, { timeout = 1, once = true })
  local hello
  wait_for(function()
    local c = e.socket:take()
    if c then
      e.held = c
    end
    hello = hello or (e.held and e.held:take())
    return hello
  end, 20)
  e.held:close()
  task:wait(20)
  u:close()
  e:close()
  return hello
end

-- Cipher suites of a ClientHello (RFC 5246 7.4.1.2).
local function suites_of(hello)
  local at = 5 + 4 + 2 + 32 -- record, handshake, version, random
  at = at + 1 + hello:byte(at + 1) -- session id
  local n = hello:byte(at + 1) * 256 + hello:byte(at + 2)
  local out = {}
  for i = at + 3, at + 2 + n, 2 do
    out[#out + 1] = hello:byte(i) * 256 + hello:byte(i + 1)
  end
  return out
end

-- RSA with NULL_MD5, NULL_SHA, NULL_SHA256; ECDHE_ECDSA and ECDHE_RSA with NULL_SHA
local NULL = { [0x0000] = true, [0x0001] = true, [0x0002] = true, [0x003B] = true, [0xC006] = true, [0xC010] = true }

test("the UE offers suites that encrypt", { "TLS-004", "TLS-010" }, function()
  for _, version in ipairs({ "1.2", "1.3" }) do
    local hello = client_hello({ tls_version = version })
    check.eq(hello:byte(1), 22, "a handshake record, and nothing before")
    local list = suites_of(hello)
    check.above(#list, 0)
    local wanted = version == "1.3" and 0x1301 or 0xC02B -- TLS_AES_128_GCM_SHA256, ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
    check.contains(list, wanted)
    for _, suite in ipairs(list) do
      check.no(NULL[suite], "no suite without encryption")
    end
  end
end)

test("the secrets are logged on request alone, for the owner alone", {}, function()
  local n = network()
  local file = dir .. "/secrets"
  local u = assert(phone(n, { tls_keylog = file }))
  registered(n, u, "first")
  check.match(fs.read(file), "CLIENT_TRAFFIC_SECRET_0")
  check.eq(fs.stat(file).mode, "600")
  u:close()
  n:close()
end)

return test.finish()
