-- SPDX-License-Identifier: BSD-3-Clause
-- The phone alone, against a network that is played here: what TS 33.203 asks of the UE and its card.
local BIN = require "bin"
local check = require "check"
local fake = require "fake"
local machine = require "machine"
local tables = require "tables"
local test = require "test"

local registering, command = fake.beside, fake.command

local IMPI = "001010000000001@" .. fake.domain
local IMPU = "sip:" .. IMPI
local K, OPC = "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf"
local K2, OPC2 = "0396eb317b6d1c36f19c1c84cd6ffd16", "53c15671c60a4b731c55b4a441c0bde2"

local dir = test.dir()

local function phone(core, o)
  local t = { impi = IMPI, k = K, opc = OPC, pcscf = core.addr, t1_ms = 100 }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  return assert(ue.new(t))
end

local function credential_file(name, lines, mode)
  local path = dir .. "/" .. name
  assert(fs.write(path, table.concat(lines, "\n") .. "\n", mode or "600"))
  return path
end

local function isim_lines(k, opc, impi)
  return { "# a card", "impi: " .. (impi or IMPI), "impu: sip:" .. (impi or IMPI), "domain: " .. fake.domain, "k: " .. k,
    "opc: " .. opc }
end

test("first REGISTER carries IMPI and IMPU", { "AKA-015" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local u = phone(core)
  registering(u, { expires = 600 }, function()
    local m = core:expect()
    local a = m:auth()
    check.eq(a.username, IMPI)
    check.eq(m:uri_of("To"), IMPU)
    check.eq(m:uri_of("From"), IMPU)
    check.eq(m.uri, "sip:" .. fake.domain)
    check.eq(a.uri, "sip:" .. fake.domain)
    check.eq(a.realm, fake.domain)
    check.eq(a.nonce, "", "nonce is there and empty")
    check.eq(a.response, "", "response is there and empty")
    check.eq(m:get("Expires"), "600")
    check.contains(m:values("Supported"), "path")
    core:refuse(m)
  end)
  u:close()
  core:close()
end)

test("answer is computed from RES", { "AKA-031", "ISIM-005" }, function()
  for _, transport in ipairs({ "udp", "tcp" }) do
    local core = fake.core({ k = K, opc = OPC, transport = transport })
    local u = phone(core, { transport = transport })
    local v
    local r = registering(u, nil, function()
      local m = core:expect()
      v = core:challenge(m)
      local answer = core:expect()
      check.eq(answer:get("Call-ID"), m:get("Call-ID"))
      check.eq(answer:get("CSeq"), "2 REGISTER")
      check.eq(answer:auth().nonce, v.nonce)
      check.eq(answer:auth().response, fake.expected(answer, v.res))
      check.no(answer:auth().auts)
      core:accept(answer, 600)
    end)
    check.eq(r.verdict, "registered")
    check.eq(r.expires, 600)
    check.eq(r.challenge.ck, v.ck, "the card hands CK over, though nothing is encrypted")
    check.eq(r.challenge.ik, v.ik)
    check.has(r.service_route, "scscf." .. fake.domain)
    check.has(r.p_associated_uri, "<tel:+15550001>")
    u:close()
    core:close()
  end
end)

-- An independent computation: MD5 by the openssl command, over RES as a binary password with a zero octet in it.
test("digest agrees with openssl, zero octets in RES", { "AKA-031" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local u = phone(core)
  local function md5(octets)
    fs.write(dir .. "/md5", octets)
    local _, out = proc.run({ "openssl", "dgst", "-md5", "-r", dir .. "/md5" })
    return out:match("^(%x+)")
  end
  local v
  repeat
    v = core:vector(32)
  until v.res:find("00") and hex.decode(v.res):find("\0", 1, true)
  registering(u, nil, function()
    core:challenge(core:expect(), v)
    local m = core:expect()
    local a = m:auth()
    local ha1 = md5(a.username .. ":" .. a.realm .. ":" .. hex.decode(v.res))
    local ha2 = md5("REGISTER:" .. a.uri)
    check.eq(a.response, md5(table.concat({ ha1, a.nonce, a.nc, a.cnonce, a.qop, ha2 }, ":")))
    core:accept(m)
  end)
  u:close()
  core:close()
end)

test("wrong MAC is reported with an empty response and no auts", { "AKA-029", "AKA-044" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local u = phone(core)
  local r = registering(u, nil, function()
    local v = core:vector()
    local spoiled = v.autn:sub(1, -2) .. (v.autn:sub(-1) == "0" and "1" or "0")
    core:challenge(core:expect(), { nonce = aka.nonce(v.rand, spoiled) })
    local m = core:expect()
    check.eq(m:auth().response, "", "response is there and empty")
    check.no(m:auth().auts, "no auts")
    check.eq(m:auth().username, IMPI)
    core:refuse(m, 403)
  end)
  check.eq(r.verdict, "mac_mismatch")
  check.eq(r.status, 403)
  check.eq(r.challenge.card, "mac_wrong")
  check.no(r.challenge.res, "no RES leaves the card")
  check.no(r.challenge.ck, "no CK leaves the card")
  check.eq(u:sqn(), 0, "the card's SQN does not move")
  u:close()
  core:close()
end)

test("a good challenge after a bad one is answered", { "AKA-029" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local u = phone(core)
  local r = registering(u, nil, function()
    local v = core:vector()
    core:challenge(core:expect(), { nonce = aka.nonce(v.rand, ("00"):rep(16)) })
    v = core:challenge(core:expect())
    local m = core:expect()
    check.eq(m:auth().response, fake.expected(m, v.res))
    core:accept(m)
  end)
  check.eq(r.verdict, "registered")
  check.eq(r.mac_failures, 1)
  u:close()
  core:close()
end)

test("a third invalid challenge in a row is not answered", { "AKA-044" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local u = phone(core)
  local r = registering(u, nil, function()
    for _ = 1, 3 do
      core:challenge(core:expect(), { nonce = aka.nonce(core:vector().rand, ("00"):rep(16)) })
    end
  end)
  check.eq(r.verdict, "mac_mismatch")
  check.eq(#r.steps, 3)
  check.no(core.e:recv({ timeout = 0.2 }), "silence")
  u:close()
  core:close()
end)

test("SQN out of range draws auts", { "AKA-030", "AKA-051", "AKA-010" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local u = phone(core)
  u:set_sqn(100 * 32)
  local r = registering(u, nil, function()
    local v = core:challenge(core:expect(), core:vector(3 * 32))
    local m = core:expect()
    local a = m:auth()
    check.eq(#base64.decode(a.auts), 14, "octets of auts")
    check.eq(aka.check_auts({ k = K, opc = OPC, rand = v.rand, auts = hex.encode(base64.decode(a.auts)) }), 100 * 32)
    check.eq(a.response, fake.expected(m, ""), "the response is that of an empty password")
    v = core:challenge(m, core:vector(101 * 32))
    m = core:expect()
    check.eq(m:auth().response, fake.expected(m, v.res))
    check.no(m:auth().auts)
    core:accept(m)
  end)
  check.eq(r.verdict, "registered")
  check.eq(r.sqn_failures, 1)
  check.eq(u:sqn(), 101 * 32)
  u:close()
  core:close()
end)

test("each IND has its own highest SEQ", { "AKA-010", "AKA-030" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local u = phone(core)
  local function once(sqn, card)
    local r = registering(u, nil, function()
      core:challenge(core:expect(), core:vector(sqn))
      core:refuse(core:expect())
    end)
    check.eq(r.challenge.card, card, "SQN " .. sqn)
  end
  once(10 * 32 + 1, "ok")
  once(9 * 32 + 2, "ok") -- older SEQ, but another element of the array
  once(10 * 32 + 1, "sqn_repeated")
  once(9 * 32 + 1, "sqn_repeated")
  once(11 * 32 + 1, "ok")
  check.eq(u:sqn() // 32, 11)
  u:close()
  core:close()
end)

test("a replay is refused after a restart as well", { "ISIM-004", "AKA-030" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local argv = { "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--pcscf", core.addr, "--json", "--sqn-file",
    dir .. "/replay.sqn" }
  local v
  local code, out = command(argv, nil, function()
    v = core:challenge(core:expect())
    core:accept(core:expect())
  end)
  check.eq(code, 0, out)
  check.eq(fs.stat(dir .. "/replay.sqn").mode, "600")
  code, out = command(argv, nil, function()
    core:challenge(core:expect(), v)
    local m = core:expect()
    check.ok(m:auth().auts, "auts")
    core:refuse(m)
  end)
  check.eq(code, 1)
  check.eq(assert(json.decode(out)).outcome, "sqn_refused")
  core:close()
end)

test("a damaged SQN file is named, not overwritten", { "ISIM-004" }, function()
  fs.write(dir .. "/damaged.sqn", "quintet-sqn 1\nseq banana\n", "600")
  local code, _, err = command({ "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--pcscf", "127.0.0.1:9",
    "--sqn-file", dir .. "/damaged.sqn" })
  check.eq(code, 2)
  check.has(err, "damaged.sqn")
  check.eq(fs.read(dir .. "/damaged.sqn"), "quintet-sqn 1\nseq banana\n")
end)

-- Whose key answers? The network makes a challenge for one key; only the SIM with that key accepts it.
local function used_key(o)
  for name, key in tables.ordered({ first = { k = K, opc = OPC }, second = { k = K2, opc = OPC2 } }) do
    local core = fake.core(key)
    o.pcscf = core.addr
    local u = assert(ue.new(o))
    local r = registering(u, nil, function()
      core:challenge(core:expect())
      core:refuse(core:expect())
    end)
    local kind = u.credentials
    u:close()
    core:close()
    if r.challenge.card == "ok" then
      return name, kind
    end
  end
end

test("ISIM goes before USIM and IMC", { "ISIM-001", "ISIM-008" }, function()
  local isim = credential_file("isim", isim_lines(K, OPC))
  local usim = credential_file("usim", { "imsi: 001010000000001", "k: " .. K2, "opc: " .. OPC2 })
  local imc = credential_file("imc", isim_lines(K2, OPC2))
  local key, kind = used_key({ isim = isim, usim = usim })
  check.eq({ key, kind }, { "first", "ISIM" })
  key, kind = used_key({ isim = isim, imc = imc })
  check.eq({ key, kind }, { "first", "ISIM" })
end)

test("USIM goes before IMC", { "ISIM-008" }, function()
  local usim = credential_file("usim", { "imsi: 001010000000001", "k: " .. K, "opc: " .. OPC })
  local imc = credential_file("imc", isim_lines(K2, OPC2))
  local key, kind = used_key({ usim = usim, imc = imc })
  check.eq({ key, kind }, { "first", "USIM" })
end)

test("IMC alone registers with AKA", { "ISIM-009" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local u = assert(ue.new({ imc = credential_file("imc", isim_lines(K, OPC)), pcscf = core.addr }))
  check.eq(u.credentials, "IMC")
  local r = registering(u, nil, function()
    local v = core:challenge(core:expect())
    local m = core:expect()
    check.eq(m:auth().response, fake.expected(m, v.res))
    core:accept(m)
  end)
  check.eq(r.verdict, "registered")
  u:close()
  core:close()
end)

test("an incomplete credential set is refused", { "ISIM-003" }, function()
  local good = isim_lines(K, OPC)
  check.ok(ue.new({ isim = credential_file("good", good), pcscf = "127.0.0.1:9" }), "the complete set"):close()
  for field, word in tables.ordered({ impi = "IMPI", impu = "IMPU", domain = "domain", k = "key", opc = "opc" }) do
    local lines = {}
    for _, line in ipairs(good) do
      if not line:match("^" .. field .. ":") then
        lines[#lines + 1] = line
      end
    end
    local file = credential_file("without-" .. field, lines)
    local code, _, err = command({ "register", "--isim", file, "--pcscf", "127.0.0.1:9" })
    check.eq(code, 2, "without " .. field)
    check.has(err, word, "without " .. field)
  end
end)

test("a credential file that others may read is refused", { "ISIM-003" }, function()
  local file = credential_file("open", isim_lines(K, OPC), "644")
  local u, why = ue.new({ isim = file, pcscf = "127.0.0.1:9" })
  check.no(u)
  check.has(why, "chmod 600")
  check.hasnt(why, K)
end)

test("session keys are never written", { "ISIM-007" }, function()
  local isim = credential_file("isim-007", isim_lines(K, OPC))
  local before = fs.read(isim)
  local core = fake.core({ k = K, opc = OPC })
  local state = dir .. "/state-007"
  local code, out, err = command({ "register", "--isim", isim, "--pcscf", core.addr, "--log", "debug", "--trace",
    dir .. "/trace-007.jsonl" }, { QUINTET_UE_STATE = state }, function()
    core:challenge(core:expect())
    core:accept(core:expect())
  end)
  check.eq(code, 0, err)
  check.eq(fs.read(isim), before, "the credential file")
  local written = out .. err .. fs.read(dir .. "/trace-007.jsonl")
  for _, name in ipairs(check.ok(fs.list(state))) do
    written = written .. fs.read(state .. "/" .. name)
    check.eq(fs.stat(state .. "/" .. name).mode, "600", name)
  end
  check.has(written, "seq ", "the SQN is among what was written")
  for _, secret in ipairs({ core.last.ck, core.last.ik, core.last.res, K, OPC }) do
    check.hasnt(written:lower(), secret)
    check.hasnt(written, base64.encode(hex.decode(secret)))
    check.hasnt(written, hex.decode(secret))
  end
  core:close()
end)

test("wrong lengths are refused", { "AKA-042" }, function()
  for _, bad in ipairs({ { k = K:sub(1, 31), opc = OPC }, { k = K, opc = OPC .. "00" }, { k = K .. K, opc = OPC } }) do
    local u, why = ue.new({ impi = IMPI, k = bad.k, opc = bad.opc, pcscf = "127.0.0.1:9" })
    check.no(u)
    check.match(why, "hex digits")
  end
  -- a nonce too short for RAND and AUTN is not answered
  local core = fake.core({ k = K, opc = OPC })
  local u = phone(core)
  local r = registering(u, nil, function()
    core:challenge(core:expect(), { nonce = base64.encode(random.octets(31)) })
  end)
  check.eq(r.verdict, "bad_challenge")
  u:close()
  core:close()
end)

test("423 is followed with Min-Expires", {}, function()
  local core = fake.core({ k = K, opc = OPC })
  local u = phone(core)
  local r = registering(u, { expires = 10 }, function()
    core:refuse(core:expect(), 423, nil, { ["Min-Expires"] = "3600" })
    local m = core:expect()
    check.eq(m:get("Expires"), "3600")
    core:challenge(m)
    m = core:expect()
    check.eq(m:get("Expires"), "3600")
    core:accept(m, 3600)
  end)
  check.eq(r.verdict, "registered")
  check.eq(r.expires, 3600)
  u:close()
  core:close()
end)

test("held registration is refreshed in time and de-registered at the end", { "AKA-039" }, function()
  local core = fake.core({ k = K, opc = OPC })
  local p = assert(proc.spawn({ BIN .. "/ue", "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--pcscf", core.addr,
    "--hold", "--json", stdout = dir .. "/hold", stderr = dir .. "/hold", env = { QUINTET_UE_STATE = dir .. "/hold-state" } }))
  core:challenge(core:expect())
  local m = core:expect()
  core:accept(m, 6) -- six seconds granted: the refresh is due after three
  local granted, ran = now(), machine.now()
  m = core:expect(20)
  check.above(now() - granted, 2.5, "half of the time")
  check.above(6, machine.now() - ran, "the UE's timer is the shorter one")
  core:challenge(m)
  core:accept(core:expect(), 600)
  check.ok(wait_for(function()
    return p:log():match('"refreshed"')
  end, 20), "it says refreshed")
  p:kill("TERM")
  m = core:expect()
  check.eq(m:get("Expires"), "0")
  core:challenge(m)
  m = core:expect()
  check.eq(m:get("Expires"), "0")
  core.e:reply(m, 200)
  check.eq(p:wait(20), 0)
  core:close()
end)

test("OP given as OPc is recognised", {}, function()
  local OP = "cdc202d5123e20f62b6d676ac72cb318"
  local core = fake.core({ k = K, opc = OPC })
  for option, wrong in tables.ordered({ ["--opc"] = OP, ["--op"] = OPC }) do
    local code, out = command({ "register", "--impi", IMPI, "--k", K, option, wrong, "--pcscf", core.addr },
      { QUINTET_UE_STATE = dir .. "/swapped" }, function()
        core:challenge(core:expect())
        core:refuse(core:expect())
      end)
    check.eq(code, 1)
    check.has(out, option == "--opc" and "give it with --op\n" or "give it with --opc\n")
  end
  core:close()
end)

test("keys do not stay in the argument list", {}, function()
  local core = fake.core({ k = K, opc = OPC })
  local p = assert(proc.spawn({ BIN .. "/ue", "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--pcscf", core.addr,
    env = { QUINTET_UE_STATE = dir .. "/argv-state" } }))
  local m = core:expect()
  local line = fs.read("/proc/" .. p:pid() .. "/cmdline")
  check.has(line, "--impi")
  check.hasnt(line, K)
  check.hasnt(line, OPC)
  core:refuse(m)
  check.eq(p:wait(20), 1)
  core:close()
end)

test("keys come from files and the environment", {}, function()
  local core = fake.core({ k = K, opc = OPC })
  fs.write(dir .. "/k", K .. "\n", "600")
  local code, out, err = command({ "register", "--impi", IMPI, "--k-file", dir .. "/k" },
    { QUINTET_UE_OPC = OPC, QUINTET_PCSCF = core.addr, QUINTET_UE_STATE = dir .. "/env-state" }, function()
      core:challenge(core:expect())
      core:accept(core:expect())
    end)
  check.eq(code, 0, err)
  check.has(out, "registered: " .. IMPU)
  check.has(out, "<tel:+15550001>")
  core:close()
end)

test("every way to fail is told in words and by the exit code", {}, function()
  local core = fake.core({ k = K, opc = OPC })
  local argv = { "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--pcscf", core.addr }
  local env = { QUINTET_UE_STATE = dir .. "/words" }
  local code, out = command(argv, env, function()
    core:refuse(core:expect(), 403, "Forbidden", { Warning = '399 home "user unknown"' })
  end)
  check.eq(code, 1)
  check.has(out, "403 Forbidden")
  check.has(out, "user unknown")
  code, out = command(argv, env, function()
    core:challenge(core:expect(), { nonce = aka.nonce(("00"):rep(16), ("00"):rep(16)) })
    core:refuse(core:expect())
  end)
  check.eq(code, 1)
  check.has(out, "MAC")
  check.has(out, "OPc")
  local e = assert(sip.endpoint({ transport = "tcp" }))
  e:close()
  code, out = command({ "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--pcscf", e.addr, "--transport", "tcp" }, env)
  check.eq(code, 1)
  check.has(out, "cannot be reached")
  local err
  code, out, err = command({ "register", "--impi", IMPI, "--k", "12", "--opc", OPC })
  check.eq(code, 2)
  check.has(err, "k: ")
  core:close()
end)

test("wrong options are named, keys are not shown", {}, function()
  local good = { "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--pcscf", "127.0.0.1:9" }
  local function refused(words, ...)
    local argv = table.move(good, 1, #good, 1, {})
    for _, x in ipairs({ ... }) do
      argv[#argv + 1] = x
    end
    local code, out, err = command(argv)
    check.eq(code, 2)
    check.eq(out, "")
    check.has(err, words)
    check.hasnt(err, "invalid argument")
    check.hasnt(err, K)
  end
  refused("--foo: no such option", "--foo")
  refused("--kay: no such option", "--kay=" .. K)
  refused("--expires: needs a value", "--expires")
  refused("--expires soon: not a number of seconds", "--expires", "soon")
  refused("--transport sctp: not udp, tcp or tls", "--transport", "sctp")
  refused("--timeout 0: not a number", "--timeout", "0")
  refused("--log loud: not error, warn", "--log", "loud")
  refused("192.0.2.9: cannot be used; is it one of this machine?", "--local", "192.0.2.9")
  refused("one is IPv4, the other IPv6", "--local", "[::1]")
  refused("\"[::1\": not HOST:PORT", "--pcscf", "[::1")
  refused("no such name", "--pcscf", "nobody.invalid")
  local code, _, err = command({ "regsiter" })
  check.eq(code, 2)
  check.has(err, "regsiter: no such command")
  local out
  code, out = command({ "register", "--help" })
  check.eq(code, 0)
  check.has(out, "--timeout S")
end)

test("a P-CSCF by name, and one that is silent", {}, function()
  local core = fake.core({ k = K, opc = OPC })
  local env = { QUINTET_UE_STATE = dir .. "/names" }
  local argv = { "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--local", "127.0.0.1", "--pcscf",
    "localhost:" .. core.e.port }
  local code, out, err = command(argv, env, function()
    core:challenge(core:expect())
    core:accept(core:expect())
  end)
  check.eq(code, 0, out .. (err or ""))
  local started = now()
  argv[#argv + 1], argv[#argv + 2] = "--timeout", "1"
  code, out = command(argv, env)
  check.eq(code, 1)
  check.has(out, "no final answer came in time")
  check.has(out, core.addr)
  check.above(now() - started, 0.5)
  core:close()
end)

test("Retry-After and redirection are told; a held registration waits as asked", {}, function()
  local core = fake.core({ k = K, opc = OPC })
  local argv = { "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--pcscf", core.addr }
  local env = { QUINTET_UE_STATE = dir .. "/retry" }
  local code, out = command(argv, env, function()
    core:refuse(core:expect(), 503, nil, { ["Retry-After"] = "17 (soon)" })
  end)
  check.eq(code, 1)
  check.has(out, "503 Service Unavailable")
  check.has(out, "17 (soon)")
  code, out = command(argv, env, function()
    core:refuse(core:expect(), 302, "Moved Temporarily", { Contact = "<sip:elsewhere.example>" })
  end)
  check.eq(code, 1)
  check.has(out, "302 Moved Temporarily")
  local held = { BIN .. "/ue", table.unpack(argv) }
  held[#held + 1], held[#held + 2] = "--hold", "--json"
  held.stdout, held.stderr, held.env = dir .. "/retry-hold", dir .. "/retry-hold", env
  local p = assert(proc.spawn(held))
  core:challenge(core:expect())
  core:accept(core:expect(), 2)
  core:refuse(core:expect(), 503, nil, { ["Retry-After"] = "1" })
  local again = core:expect(20) -- without Retry-After it would wait for half a minute
  core:challenge(again)
  core:accept(core:expect(), 600)
  check.ok(wait_for(function() return p:log():match('"retry_after":"1"') end, 20), "it says so")
  p:kill("KILL")
  p:wait(20)
  core:close()
end)

test("what is said about IPsec on the command line", { "SA-004" }, function()
  local argv = { "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--pcscf", "127.0.0.1:9", "--timeout", "1" }
  local function with(more, env)
    local all = { table.unpack(argv) }
    table.move(more, 1, #more, #all + 1, all)
    return command(all, env)
  end
  local code, _, err = with({ "--ipsec", "required" })
  check.eq(code, 2, "phone and P-CSCF on one machine")
  check.has(err, "IPsec is required")
  code, _, err = with({}, { QUINTET_UE_IPSEC = "required" })
  check.eq(code, 2)
  check.has(err, "IPsec is required")
  check.eq(with({ "--ipsec", "off" }, { QUINTET_UE_IPSEC = "required" }), 1, "the command line goes before the environment")
  for option, value in tables.ordered({ ipsec = "yes", ["ipsec-suites"] = "null/null", ["ipsec-modes"] = "tun", ["keep-alive"] = "0" }) do
    code, _, err = with({ "--" .. option, value })
    check.eq(code, 2, option)
    check.has(err, "--" .. option .. " " .. value)
  end
  code, _, err = with({ "--ipsec-suites", "hmac-sha-1-96/null,aes-gmac/null" })
  check.eq(code, 2, "encryption is always offered")
  check.has(err, "5.1.3")
end)

test("a phone without IPsec is a phone as ever", function()
  local core = fake.core({ k = K, opc = OPC })
  local code, out = command({ "register", "--impi", IMPI, "--k", K, "--opc", OPC, "--pcscf", core.addr, "--json" }, nil, function()
    local m = core:expect()
    check.no(m:get("Security-Client"))
    check.no(m:get("Proxy-Require"))
    core:challenge(m)
    core:accept(core:expect())
  end)
  check.eq(code, 0, out)
  local r = assert(json.decode(out))
  check.no(r.security)
  check.ok(r.security_note, "and says why there is none")
  core:close()
end)

return test.finish()
