-- SPDX-License-Identifier: BSD-3-Clause
-- SIP Digest at the UE alone, against a registrar that is played here (TS 33.203 Annex N; PKT-TR-SEC 6.1).
local BIN = require "bin"
local check = require "check"
local fake = require "fake"
local test = require "test"

local registering, command = fake.beside, fake.command

local IMPI = "alice_private@" .. fake.domain
local IMPU = "sip:alice@" .. fake.domain
local PASSWORD = "correct horse 7!"
local K, OPC = "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf"

local dir = test.dir()

local function phone(core, o)
  local t = { impi = IMPI, impu = IMPU, password = PASSWORD, pcscf = core.addr, t1_ms = 100 }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  return assert(ue.new(t))
end

-- A Digest challenge of the fields; opaque and others by name.
local function challenge(core, rq, fields, status)
  local all = {}
  for _, f in ipairs(fields[1] and fields or { fields }) do
    local a = auth.new("Digest"):set("realm", f.realm or fake.domain):set("nonce", f.nonce)
    a:set("algorithm", f.algorithm or "MD5"):set("qop", "auth", true)
    if f.opaque then
      a:set("opaque", f.opaque)
    end
    if f.stale then
      a:set("stale", f.stale)
    end
    all[#all + 1] = { status == 407 and "Proxy-Authenticate" or "WWW-Authenticate", tostring(a) }
  end
  core.e:reply(rq, status or 401, status == 407 and "Proxy Authentication Required" or nil, all)
end

-- The response that the parameters of the request and this password ask for.
local function expected(rq, password, field)
  local a = rq:auth(field)
  return auth.response({ algorithm = a.algorithm, username = a.username, realm = a.realm, password = password or PASSWORD,
    method = rq.method, uri = a.uri, nonce = a.nonce, cnonce = a.cnonce, nc = a.nc, qop = a.qop })
end

-- 200 with Authentication-Info; o: nextnonce, rspauth, password, info=false, keep (the interval of keep-alives that Via agrees on)
local function accept(core, rq, o)
  o = o or {}
  local a = rq:auth()
  if o.keep then
    rq = rq:copy()
    rq:set("Via", (rq:get("Via"):gsub(";keep", ";keep=" .. o.keep)))
  end
  local headers = { { "Contact", rq:get("Contact") .. ";expires=" .. (o.expires or 600) },
    { "P-Associated-URI", "<" .. IMPU .. ">" }, { "Service-Route", "<sip:orig@scscf." .. fake.domain .. ":6060;lr>" } }
  if o.info ~= false then
    local rspauth = o.rspauth or auth.response({ algorithm = a.algorithm, username = a.username, realm = a.realm,
      password = o.password or PASSWORD, method = "", uri = a.uri, nonce = a.nonce, cnonce = a.cnonce, nc = a.nc, qop = a.qop })
    local info = ('qop=auth,rspauth="%s",cnonce="%s",nc=%s'):format(rspauth, a.cnonce, a.nc)
    if o.nextnonce then
      info = info .. (',nextnonce="%s"'):format(o.nextnonce)
    end
    headers[#headers + 1] = { "Authentication-Info", info }
  end
  core.e:reply(rq, 200, nil, headers)
end

-- A whole registration; returns the second REGISTER.
local function registered(core, u, o)
  local second
  local r = registering(u, nil, function()
    challenge(core, core:expect(), { nonce = "first" })
    second = core:expect()
    accept(core, second, o)
  end)
  check.eq(r.verdict, "registered")
  return second, r
end

-- The UE manages its flow (RFC 5626 4.2): what it says in a REGISTER.
local function manages_flow(m)
  check.contains(m:values("Supported"), "outbound")
  local contact = m:get("Contact")
  check.match(contact, "^<sip:alice@[^>;]*;ob>")
  check.match(contact, ";reg%-id=1")
  check.match(contact, ';%+sip%.instance="<urn:uuid:')
end

test("the first REGISTER names the user and has no answer", { "PC-006", "DIG-008" }, function()
  local core = fake.core()
  local u = phone(core)
  registering(u, { expires = 600 }, function()
    local m = core:expect()
    local a = m:auth()
    check.eq(a.username, IMPI)
    check.eq(a.realm, fake.domain)
    check.eq(a.uri, "sip:" .. fake.domain)
    check.eq(a.nonce, "")
    check.eq(a.response, "")
    manages_flow(m)
    check.eq(m:get("Security-Client"), nil, "Digest is never combined with IPsec")
    core:refuse(m)
  end)
  u:close()
  core:close()
end)

test("outbound is told in every REGISTER", { "DIG-008" }, function()
  local core = fake.core()
  local u = phone(core)
  manages_flow((registered(core, u)))
  for _, row in ipairs({ { "reregister", "refreshed" }, { "deregister", "deregistered" } }) do
    local kind, verdict = row[1], row[2]
    local r = registering(u, {}, function()
      local m = core:expect()
      manages_flow(m)
      challenge(core, m, { nonce = kind, stale = "true" })
      m = core:expect()
      manages_flow(m)
      accept(core, m)
    end, kind)
    check.eq(r.verdict, verdict)
  end
  u:close()
  core:close()
end)

-- Of a phone that could have IPsec the unit tests tell: there are no security associations everywhere.
test("Digest asks for no security agreement", {}, function()
  local core = fake.core()
  local u = phone(core, { ipsec = "off", scheme = "digest" })
  registering(u, nil, function()
    local m = core:expect()
    check.eq(m:get("Security-Client"), nil)
    check.eq(m:get("Require"), nil)
    core:refuse(m)
  end)
  u:close()
  core:close()
end)

test("SM7 answers with everything", { "DIG-023", "DIG-024", "PC-008" }, function()
  for _, transport in ipairs({ "udp", "tcp" }) do
    for _, algorithm in ipairs({ "MD5", "SHA-256" }) do
      local core = fake.core({ transport = transport })
      local u = phone(core, { transport = transport })
      local r = registering(u, nil, function()
        challenge(core, core:expect(), { nonce = "n/1==", algorithm = algorithm, opaque = "o \\\"p" })
        local m = core:expect()
        local a = m:auth()
        check.eq(a.username, IMPI)
        check.eq(a.realm, fake.domain)
        check.eq(a.nonce, "n/1==")
        check.eq(a.uri, "sip:" .. fake.domain)
        check.eq(a.qop, "auth")
        check.eq(a.nc, "00000001")
        check.eq(a.algorithm, algorithm)
        check.eq(a.opaque, "o \\\"p", "as it came")
        check.above(#a.cnonce, 15)
        check.eq(a.response, expected(m))
        check.contains(m:values("Supported"), "outbound")
        accept(core, m)
      end)
      check.eq(r.verdict, "registered")
      check.eq(r.scheme, "digest")
      check.eq(r.auth_info, "good")
      u:close()
      core:close()
    end
  end
end)

test("SM1 may omit Authorization", { "DIG-011" }, function()
  local core = fake.core()
  local u = phone(core, { omit_authorization = true })
  local r = registering(u, nil, function()
    local m = core:expect()
    check.eq(m:get("Authorization"), nil)
    challenge(core, m, { nonce = "n" })
    m = core:expect()
    check.eq(m:auth().username, IMPI)
    check.eq(m:auth().response, expected(m))
    accept(core, m)
  end)
  check.eq(r.verdict, "registered")
  u:close()
  core:close()
end)

test("a forged rspauth leaves the UE unregistered", { "DIG-029", "DIG-054" }, function()
  local core = fake.core()
  local u = phone(core)
  local r = registering(u, nil, function()
    challenge(core, core:expect(), { nonce = "n" })
    accept(core, core:expect(), { password = "guessed" })
  end)
  check.eq(r.verdict, "rspauth_wrong")
  check.eq(r.registered, false)
  check.eq(r.auth_info, "wrong")
  -- and a new registration begins anew
  r = registering(u, nil, function()
    local m = core:expect()
    check.eq(m:auth().nonce, "", "nothing of the impostor is kept")
    challenge(core, m, { nonce = "n2" })
    accept(core, core:expect())
  end)
  check.eq(r.verdict, "registered")
  u:close()
  core:close()
end)

test("a network without rspauth is accepted unless it must have one", {}, function()
  for _, need in ipairs({ false, true }) do
    local core = fake.core()
    local u = phone(core, { need_rspauth = need })
    local r = registering(u, nil, function()
      challenge(core, core:expect(), { nonce = "n" })
      accept(core, core:expect(), { info = false })
    end)
    check.eq(r.verdict, need and "rspauth_missing" or "registered")
    check.eq(r.registered, not need)
    u:close()
    core:close()
  end
end)

test("the challenge serves further REGISTERs with a rising count", { "DIG-024" }, function()
  local core = fake.core()
  local u = phone(core)
  registered(core, u)
  for n = 2, 3 do
    local r = registering(u, nil, function()
      local m = core:expect()
      check.eq(m:auth().nonce, "first")
      check.eq(m:auth().nc, ("%08x"):format(n))
      check.eq(m:auth().response, expected(m))
      accept(core, m, { nextnonce = n == 3 and "second" or nil })
    end, "reregister")
    check.eq(r.verdict, "refreshed")
    check.eq(r.challenges, 0)
  end
  local r = registering(u, nil, function()
    local m = core:expect()
    check.eq(m:get("Expires"), "0")
    check.eq(m:auth().nonce, "second", "nextnonce")
    check.eq(m:auth().nc, "00000001")
    check.eq(m:auth().response, expected(m))
    accept(core, m)
  end, "deregister")
  check.eq(r.verdict, "deregistered")
  u:close()
  core:close()
end)

test("stale is answered with the new nonce, without a question", { "DIG-059" }, function()
  local core = fake.core()
  local u = phone(core)
  local r = registering(u, nil, function()
    challenge(core, core:expect(), { nonce = "a" })
    challenge(core, core:expect(), { nonce = "b", stale = "TRUE" })
    local m = core:expect()
    check.eq(m:auth().nonce, "b")
    check.eq(m:auth().nc, "00000001")
    check.eq(m:auth().response, expected(m))
    accept(core, m)
  end)
  check.eq(r.verdict, "registered")
  check.eq(r.challenges, 2)
  -- a refresh whose kept nonce is refused without stale is answered as well: the password was not tried yet
  r = registering(u, nil, function()
    challenge(core, core:expect(), { nonce = "c" })
    local m = core:expect()
    check.eq(m:auth().nonce, "c")
    accept(core, m)
  end, "reregister")
  check.eq(r.verdict, "refreshed")
  u:close()
  core:close()
end)

test("a wrong password is not tried again", {}, function()
  local core = fake.core()
  local u = phone(core)
  local r = registering(u, nil, function()
    challenge(core, core:expect(), { nonce = "a" })
    challenge(core, core:expect(), { nonce = "b" })
  end)
  check.eq(r.verdict, "password_refused")
  check.eq(#r.steps, 2)
  u:close()
  core:close()
end)

test("of several challenges the topmost that is known", {}, function()
  local core = fake.core()
  local u = phone(core)
  local two = { { nonce = "x", algorithm = "SHA-512-256" }, { nonce = "y", algorithm = "SHA-256" }, { nonce = "z" } }
  registering(u, nil, function()
    challenge(core, core:expect(), two)
    local m = core:expect()
    check.eq(m:auth().nonce, "y")
    check.eq(m:auth().algorithm, "SHA-256")
    accept(core, m)
  end)
  u:close()
  -- who takes the better ones away gets no answer
  u = phone(core, { digest_algorithms = "SHA-256" })
  local r = registering(u, nil, function()
    challenge(core, core:expect(), { nonce = "z" })
  end)
  check.eq(r.verdict, "algorithm_refused")
  check.eq(#r.steps, 1, "no answer left")
  u:close()
  core:close()
end)

test("no Digest on an access of 3GPP", { "DIG-004" }, function()
  local core = fake.core()
  local u = phone(core, { access_network = "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=00101000100000101" })
  local ok, why = pcall(u.register, u)
  check.eq(ok, false)
  check.match(why, "3GPP")
  check.eq(core.e:recv({ timeout = 0.2 }), nil, "nothing left")
  u:close()
  core:close()
end)

-- A phone with a key and a password on another access: security agreement decides.
test("both credentials: AKA where both sides can, else Digest", { "DIG-005" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local isim, imc = dir .. "/both.isim", dir .. "/both.imc"
  local aka_impi = "001010000000001@" .. fake.domain
  assert(fs.write(isim, ("impi: %s\nimpu: sip:%s\ndomain: %s\nk: %s\nopc: %s\n"):format(aka_impi, aka_impi, fake.domain, K,
    OPC), "600"))
  assert(fs.write(imc, ("impi: %s\nimpu: %s\ndomain: %s\npassword: %s\n"):format(IMPI, IMPU, fake.domain, PASSWORD), "600"))
  -- this phone has no IPsec: its own side does not support AKA with security agreement
  local u = assert(ue.new({ isim = isim, imc = imc, pcscf = core.addr, t1_ms = 100, access_network = "IEEE-802.11" }))
  registering(u, nil, function()
    local m = core:expect()
    check.eq(m:auth().username, IMPI, "Digest at once")
    core:refuse(m)
  end)
  u:close()
  -- on an access of 3GPP it is AKA alone
  u = assert(ue.new({ isim = isim, imc = imc, pcscf = core.addr, t1_ms = 100, access_network = "3GPP-GERAN" }))
  local r = registering(u, nil, function()
    local m = core:expect()
    check.eq(m:auth().username, aka_impi)
    challenge(core, m, { nonce = "n" })
  end)
  check.eq(r.verdict, "bad_challenge", "a Digest challenge is not answered there")
  u:close()
  core:close()
end)

test("a changed password is the only one that answers", { "DIG-068" }, function()
  local core = fake.core()
  local u = phone(core)
  registered(core, u)
  u:set_password("a new one")
  registering(u, nil, function()
    local m = core:expect()
    check.eq(m:auth().nc, "00000002")
    check.eq(m:auth().response, expected(m, "a new one"))
    challenge(core, m, { nonce = "n", stale = "true" })
    m = core:expect()
    check.eq(m:auth().response, expected(m, "a new one"))
    accept(core, m, { password = "a new one" })
  end, "reregister")
  check.eq(u.last.verdict, "refreshed")
  u:close()
  core:close()
end)

-- --- requests ---

local function requesting(u, o, fn)
  return fake.beside(u, o, fn, "request")
end

test("a 407 is answered and its challenge kept", { "DIG-043", "DIG-044", "DIG-046" }, function()
  local core = fake.core()
  local u = phone(core)
  local peer = "sip:bob@" .. fake.domain
  registered(core, u)
  local first
  local r = requesting(u, { method = "MESSAGE", to = peer, body = "hello" }, function()
    first = core.e:expect("MESSAGE")
    check.eq(first:get("Proxy-Authorization"), nil)
    challenge(core, first, { nonce = "proxy" }, 407)
    local m = core.e:expect("MESSAGE")
    local a = m:auth("Proxy-Authorization")
    check.eq(a.nonce, "proxy")
    check.eq(a.nc, "00000001")
    check.eq(a.uri, m.uri)
    check.eq(a.username, IMPI)
    check.eq(a.response, expected(m, nil, "Proxy-Authorization"))
    check.eq(m:get("CSeq"), "2 MESSAGE")
    check.eq(m:get("Call-ID"), first:get("Call-ID"))
    check.eq(m:get("Authorization"), nil)
    core.e:reply(m, 200)
  end)
  check.eq(r.status, 200)
  check.eq(r.challenges, 1)
  -- a REGISTER between two requests does not disturb either
  registering(u, nil, function()
    local m = core:expect()
    check.eq(m:auth().nonce, "first")
    check.eq(m:auth().nc, "00000002")
    check.eq(m:get("Proxy-Authorization"), nil)
    accept(core, m)
  end, "reregister")
  r = requesting(u, { method = "OPTIONS", to = peer }, function()
    local m = core.e:expect("OPTIONS")
    local a = m:auth("Proxy-Authorization")
    check.eq(a.nonce, "proxy")
    check.eq(a.nc, "00000002")
    check.eq(a.response, expected(m, nil, "Proxy-Authorization"))
    core.e:reply(m, 200)
  end)
  check.eq(r.challenges, 0)
  -- stale: once more, with the new nonce
  r = requesting(u, { method = "OPTIONS", to = peer }, function()
    challenge(core, core.e:expect("OPTIONS"), { nonce = "proxy2", stale = "true" }, 407)
    local m = core.e:expect("OPTIONS")
    check.eq(m:auth("Proxy-Authorization").nonce, "proxy2")
    check.eq(m:auth("Proxy-Authorization").nc, "00000001")
    core.e:reply(m, 200)
  end)
  check.eq(r.status, 200)
  -- refused again: it ends
  r = requesting(u, { method = "OPTIONS", to = peer }, function()
    challenge(core, core.e:expect("OPTIONS"), { nonce = "p3" }, 407)
    challenge(core, core.e:expect("OPTIONS"), { nonce = "p4" }, 407)
  end)
  check.eq(r.status, 407)
  check.eq(#r.requests, 2)
  -- switched off
  r = requesting(u, { method = "OPTIONS", to = peer, answer_407 = false }, function()
    local m = core.e:expect("OPTIONS")
    check.eq(m:get("Proxy-Authorization"), nil)
    challenge(core, m, { nonce = "p5" }, 407)
  end)
  check.eq(r.status, 407)
  check.eq(#r.requests, 1)
  u:close()
  core:close()
end)

test("an INVITE is challenged as well", { "DIG-043" }, function()
  local core = fake.core()
  local u = phone(core)
  registered(core, u)
  local r = requesting(u, { method = "INVITE", to = "sip:bob@" .. fake.domain }, function()
    challenge(core, core.e:expect("INVITE"), { nonce = "n" }, 407)
    check.ok(core.e:expect("ACK"))
    local m = core.e:expect("INVITE")
    check.eq(m:auth("Proxy-Authorization").response, expected(m, nil, "Proxy-Authorization"))
    core.e:reply(m, 486)
    check.ok(core.e:expect("ACK"))
  end)
  check.eq(r.status, 486)
  u:close()
  core:close()
end)

-- --- keep-alives ---

test("keep-alives over TCP are agreed on and sent", { "FW-007", "FW-008" }, function()
  local core = fake.core({ transport = "tcp" })
  local u = phone(core, { transport = "tcp" })
  local m
  registering(u, nil, function()
    m = core:expect()
    check.match(m:get("Via"), ";keep$", "offered without a value")
    challenge(core, m, { nonce = "n" })
    m = core:expect()
    check.match(m:get("Via"), ";keep$")
    accept(core, m, { keep = 1 })
  end)
  check.eq(u:kept().interval, 1)
  check.ok(wait_for(function()
    core.e:poll()
    return u:kept().pongs >= 2
  end, 20), "double CRLF and CRLF")
  check.above(m.conn.pings, 1)
  check.eq(u:kept().failures, 0)
  local r = requesting(u, { method = "OPTIONS", to = "sip:bob@" .. fake.domain }, function()
    local rq = core.e:expect("OPTIONS")
    check.hasnt(rq:get("Via"), "keep", "offered at registration")
    core.e:reply(rq, 200)
  end)
  check.eq(r.status, 200)
  registering(u, nil, function()
    accept(core, core:expect())
  end, "deregister")
  check.eq(u:kept().running, false)
  u:close()
  core:close()
end)

test("no keep-alives where the P-CSCF does not agree", { "FW-008" }, function()
  local core = fake.core()
  local u = phone(core)
  registered(core, u) -- keep comes back as it was
  check.eq(u:kept().running, false)
  u:close()
  core:close()
end)

test("keep-alives over UDP are STUN", { "FW-008" }, function()
  local core = fake.core()
  local u = phone(core)
  registered(core, u, { keep = 1 })
  local asked, n = {}, 0 -- one that is late is asked again, with the same octets or new ones
  check.ok(wait_for(function()
    local m = core.e:recv({ timeout = 0, match = function(x) return x.malformed end })
    if m then
      check.eq(m.octets:sub(1, 8), "\0\1\0\0\x21\x12\xa4\x42")
      n = n + (asked[m.octets] and 0 or 1)
      asked[m.octets] = true
      core.e.socket:send("\1\1\0\0" .. m.octets:sub(5), m.from)
    end
    return u:kept().pongs >= 2
  end, 20), "the answers are known")
  check.above(n, 1)
  u:close()
  core:close()
end)

test("a flow whose keep-alives are not answered is lost", {}, function()
  local core = fake.core()
  local u = phone(core)
  registered(core, u, { keep = 1 })
  check.ok(wait_for(function() return u:kept().lost == 1 end, 30))
  check.eq(u:kept().failures, 1)
  check.above(u:kept().pings, 3, "asked again")
  u:close()
  core:close()
end)

-- --- the command ---

local function run(argv, env, core, password)
  return command(argv, env, function()
    challenge(core, core:expect(), { nonce = "n" })
    local m = core:expect()
    check.eq(m:auth().response, expected(m, password))
    accept(core, m, { password = password })
  end)
end

local function arguments(core, ...)
  return { "register", "--impi", IMPI, "--impu", IMPU, "--pcscf", core.addr, "--json", ... }
end

test("the password of the command line, of a file and of the environment", { "PC-010" }, function()
  local core = fake.core()
  local file = dir .. "/password"
  local env = { QUINTET_UE_STATE = dir }
  assert(fs.write(file, PASSWORD .. "\n", "600"))
  for _, way in ipairs({ "argument", "file", "environment" }) do
    local argv = arguments(core, table.unpack(way == "argument" and { "--password", PASSWORD }
      or way == "file" and { "--password-file", file } or {}))
    env.QUINTET_UE_PASSWORD = way == "environment" and PASSWORD or nil
    local code, out, err = run(argv, env, core)
    check.eq(code, 0, err)
    local r = assert(json.decode(out))
    check.eq(r.outcome, "registered")
    check.eq(r.scheme, "digest")
    check.eq(r.auth_info, "good")
    check.eq(out:find("horse", 1, true), nil, "never told")
    check.eq(err:find("horse", 1, true), nil)
  end
  core:close()
end)

test("a credential file with a password belongs to its owner alone", { "PC-010" }, function()
  local core = fake.core()
  local file = dir .. "/digest.imc"
  local text = ("impi: %s\nimpu: %s\ndomain: %s\npassword: %s\n"):format(IMPI, IMPU, fake.domain, PASSWORD)
  assert(fs.write(file, text, "644"))
  local code, out, err = command({ "register", "--imc", file, "--pcscf", core.addr })
  check.eq(code, 2)
  check.match(err, "others may read it")
  check.eq((out .. err):find("horse", 1, true), nil)
  check.eq(core.e:recv({ timeout = 0.2 }), nil)
  fs.remove(file)
  assert(fs.write(file, text, "600"))
  code, out, err = run({ "register", "--imc", file, "--pcscf", core.addr, "--trace", dir .. "/t.jsonl", "--log", "debug" },
    { QUINTET_UE_STATE = dir }, core)
  check.eq(code, 0, err)
  check.match(out, "SIP Digest, MD5")
  for _, text2 in ipairs({ out, err, fs.read(dir .. "/t.jsonl") }) do
    check.eq(text2:find("horse", 1, true), nil, "the password is in no log")
  end
  core:close()
end)

test("the password does not stay in the argument list", { "PC-010" }, function()
  local core = fake.core()
  local p = assert(proc.spawn({ BIN .. "/ue", env = { QUINTET_UE_STATE = dir }, table.unpack(arguments(core, "--password",
    PASSWORD)) }))
  local m = core:expect()
  local line = fs.read("/proc/" .. p:pid() .. "/cmdline")
  check.eq(line:find("horse", 1, true), nil)
  check.match(line, "%*%*%*%*")
  core:refuse(m)
  p:wait(20)
  core:close()
end)

return test.finish()
