-- SPDX-License-Identifier: BSD-3-Clause
-- Gm without IPsec and TLS: where SIP Digest is served, and who is who by the address a request comes from (TS 33.203 Annexes N and Q).
-- The home network is played by the test.
local check = require "check"
local lab = require "lab"
local test = require "test"

local D = lab.domain

-- A P-CSCF of its own with another policy, and the I-CSCF it asks.
local function start(pcscf, o)
  o = o or {}
  o.nodes, o.subscribers, o.pcscf = { "pcscf" }, {}, pcscf
  local L = lab.start(o)
  return { L = L, core = assert(sip.endpoint({ addr = L.sip.icscf })) }
end

local function endpoint(w, ip, transport)
  return assert(sip.endpoint({ addr = (ip or w.L.ip.ue) .. ":0", transport = transport }))
end

local EMPTY = { nonce = "", response = "" }
local NONCE, RESPONSE = "KZ9wQ2mF3sTt0c1nV4bYxA==", "0123456789abcdef0123456789abcdef"
local ANSWER = { nonce = NONCE, response = RESPONSE, algorithm = "MD5", qop = "auth", nc = "00000001", cnonce = "c" }

local calls = 0

-- A REGISTER of user. o.auth: parameters of Authorization, false for none; o.contact, o.fields, o.call_id.
local function register(user, e, o)
  o = o or {}
  calls = calls + 1
  local m = sip.message([[
REGISTER sip:${d} SIP/2.0
Max-Forwards: 70
From: <sip:${user}@${d}>;tag=u${n}
To: <sip:${user}@${d}>
Call-ID: ${call}
CSeq: ${n} REGISTER
Expires: 600
]], { d = D, user = user, n = tostring(calls), call = o.call_id or "digest-" .. calls })
  m:add("Contact", o.contact or ("<%s>"):format(e:uri(user)))
  if o.auth ~= false then
    local a = auth.new("Digest"):set("username", user .. "_private@" .. D, true):set("realm", D, true):set("uri", "sip:" .. D, true)
    for _, k in ipairs({ "nonce", "response", "algorithm", "qop", "nc", "cnonce", "integrity-protected" }) do
      local v = (o.auth or EMPTY)[k]
      if v then
        a:set(k, v, k ~= "algorithm" and k ~= "qop" and k ~= "nc")
      end
    end
    m:add("Authorization", tostring(a))
  end
  for _, f in ipairs(o.fields or {}) do
    m:add(f[1], f[2])
  end
  return m
end

local CHALLENGE = ('Digest realm="%s",nonce="%s",algorithm=%%s,qop="auth",opaque="x,y"'):format(D, NONCE)

-- Sends m to the P-CSCF; fn(request at the core) answers there. What the UE gets.
local function through(w, e, m, fn)
  local t = async(e.request, e, m, w.L.sip.pcscf)
  local got = w.core:expect(m.method)
  fn(got)
  return check.ok(t:wait(20), "an answer"), got
end

local function challenge(w, algorithm)
  return function(rq)
    w.core:reply(rq, 401, nil, { ["WWW-Authenticate"] = CHALLENGE:format(algorithm or "MD5") })
  end
end

-- A whole registration of SIP Digest. o.impus: further identities; o.grant: fields of the 200; o.mutate(m): each REGISTER before it
-- leaves. The REGISTER that succeeded as the core got it, and the 200.
local function registered(w, e, user, o)
  o = o or {}
  local call_id = o.call_id or random.token()
  local function one(more)
    local all = { call_id = call_id, contact = o.contact, fields = o.fields }
    for k, v in pairs(more) do
      all[k] = v
    end
    local m = register(user, e, all)
    if o.mutate then
      o.mutate(m)
    end
    return m
  end
  check.eq(through(w, e, one({}), challenge(w)).status, 401)
  local r, got = through(w, e, one({ auth = ANSWER }), function(rq)
    local fields = { { "Contact", rq:get("Contact") .. (rq:get("Contact"):find(";expires") and "" or ";expires=600") },
      { "Service-Route", "<sip:orig@" .. w.L.sip.icscf .. ";lr>" }, { "P-Associated-URI", ("<sip:%s@%s>"):format(user, D) } }
    for _, uri in ipairs(o.impus or {}) do
      fields[#fields + 1] = { "P-Associated-URI", "<" .. uri .. ">" }
    end
    w.core:reply(rq, 200, nil, fields)
  end)
  check.eq(r.status, 200)
  return got, r
end

local INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-4000-8000-%012x>"'
local instances = 0

-- Fields of a UE that manages its flow (RFC 5626).
local function outbound(e, user, n)
  instances = instances + 1
  return { contact = ("<%s;ob>;reg-id=1;%s"):format(e:uri(user), INSTANCE:format(n or instances)),
    fields = { { "Supported", "path, outbound" } } }
end

local function request(e, method, fields)
  calls = calls + 1
  local m = sip.message([[
${method} sip:b@${d} SIP/2.0
Max-Forwards: 70
From: "whoever" <sip:from@${d}>;tag=r${n}
To: <sip:b@${d}>
Call-ID: request-${n}
CSeq: 1 ${method}
]], { d = D, method = method, n = tostring(calls) })
  for _, f in ipairs(fields or {}) do
    m:add(f[1], f[2])
  end
  return m
end

-- What the core gets of a MESSAGE that the UE sends, or the status of its refusal.
local function asserted(w, e, fields)
  local t = async(e.request, e, request(e, "MESSAGE", fields), w.L.sip.pcscf)
  local got = w.core:recv({ match = function(m) return m.method == "MESSAGE" end })
  check.ok(got, "the core gets it")
  w.core:reply(got, 200)
  check.eq(t:wait(20).status, 200)
  check.no(got:get("P-Preferred-Identity"))
  return got:values("P-Asserted-Identity"), got
end

local function nobody(w, e)
  local m = request(e, "MESSAGE")
  check.eq(check.ok(e:request(m, w.L.sip.pcscf)).status, 403)
  check.eq(w.L:verdict({ node = "pcscf", call_id = m:get("Call-ID") }).cause, "not_registered")
end

-- pcscf status --json: rows of a kind
local function status(w, kind)
  local rows = {}
  for _, row in ipairs(assert(json.decode(w.L:run_ok("pcscf", "status --json")))) do
    if row.association == kind then
      rows[#rows + 1] = row
    end
  end
  table.sort(rows, function(a, b) return a.impi < b.impi end)
  return rows
end

-- A request of the core for who registered with that Path.
local function terminate(w, path, fn)
  local m = request(w.core, "MESSAGE", { { "Route", path }, { "P-Called-Party-ID", "<sip:b@" .. D .. ">" } })
  m.uri = "sip:b@192.0.2.1"
  local t = async(w.core.request, w.core, m, w.L.sip.pcscf)
  fn()
  return check.ok(t:wait(20), "an answer").status
end

-- Refused before anything goes on.
local function refused(w, e, m, status, cause)
  local r = check.ok(e:request(m, w.L.sip.pcscf), "an answer")
  check.eq(r.status, status)
  check.eq(w.L:verdict({ node = "pcscf", call_id = m:get("Call-ID") }).cause, cause)
  check.no(w.core:recv({ timeout = 0.2 }), "the home network hears nothing")
  return r
end

local CONF = { access = { type = "other" } }

test("Digest without TLS has to be enabled, IMS AKA has not", { "PC-027" }, function()
  local w = start(CONF)
  local e = endpoint(w)
  refused(w, e, register("alice", e, { auth = ANSWER }), 403, "digest_without_tls")
  local answer = { nonce = NONCE, response = RESPONSE } -- the algorithm is MD5 then (RFC 2617 3.2.1)
  refused(w, e, register("alice", e, { auth = answer }), 403, "digest_without_tls")
  -- what names no algorithm yet is told by the challenge, which does not pass
  for _, a in ipairs({ "MD5", "SHA-256" }) do
    local r = through(w, e, register("alice", e), challenge(w, a))
    check.eq(r.status, 403)
    check.no(r:get("WWW-Authenticate"))
    r = through(w, e, register("alice", e, { auth = false }), challenge(w, a))
    check.eq(r.status, 403)
  end
  -- IMS AKA does
  local r = through(w, e, register("alice", e), challenge(w, "AKAv1-MD5"))
  check.eq(r.status, 401)
  check.hasnt(w.L.procs.pcscf:log(), "digest.without_tls: accept")
  e:close()
  w.core:close()
  w.L:stop()
end)

test("nor is it served on a 3GPP access", { "DIG-001" }, function()
  local other = { prefix = "127.255.0.0/16", type = "other" }
  local w = start({ digest = { without_tls = "accept" }, access = { type = "3gpp", ranges = { other } } })
  local e = endpoint(w)
  local r = refused(w, e, register("alice", e, { auth = ANSWER }), 421, "digest_on_3gpp")
  check.eq(r:get("Require"), "sec-agree")
  local m = register("alice", e)
  r = through(w, e, m, challenge(w))
  check.eq(r.status, 421)
  check.eq(w.L:verdict({ node = "pcscf", call_id = m:get("Call-ID") }).cause, "digest_on_3gpp")
  check.eq(through(w, e, register("alice", e), challenge(w, "AKAv2-SHA-256")).status, 401)
  -- a range of another type on the same node
  local far = endpoint(w, "127.255.7.9")
  check.eq(through(w, far, register("alice", far), challenge(w)).status, 401)
  far:close()
  e:close()
  w.core:close()
  w.L:stop()
  -- or in silence
  w = start({ digest = { without_tls = "accept", on_3gpp = "discard" } })
  e = endpoint(w)
  m = register("alice", e, { auth = ANSWER })
  e:send(m, w.L.sip.pcscf)
  check.eq(w.L:verdict({ node = "pcscf", call_id = m:get("Call-ID") }).cause, "digest_on_3gpp")
  check.no(e:recv({ timeout = 0.2 }))
  e:close()
  w.core:close()
  w.L:stop()
end)

test("a plain Digest REGISTER passes as it is", { "PC-016", "PC-019", "DIG-022", "DIG-038", "TLS-007" }, function()
  local w = start(nil, { digest = true })
  local e = endpoint(w)
  local r, got = through(w, e, register("alice", e), challenge(w))
  check.eq(r.status, 401)
  check.eq(r:get("WWW-Authenticate"), CHALLENGE:format("MD5"), "the challenge is unchanged")
  check.no(r:get("Security-Server"))
  check.eq(got:auth()["integrity-protected"], nil)
  for _, value in ipairs({ "yes", "tls-yes", "tls-pending", "no" }) do
    local a = { ["integrity-protected"] = value }
    for k, v in pairs(ANSWER) do
      a[k] = v
    end
    local m = register("alice", e, { auth = a })
    r, got = through(w, e, m, function(rq) w.core:reply(rq, 403) end)
    check.eq(got:auth()["integrity-protected"], nil, "the UE cannot set it")
    local plain = m:copy()
    plain:change_auth(function(x) x:remove("integrity-protected") end)
    check.eq(got:get("Authorization"), plain:get("Authorization"), "and the rest is unchanged")
  end
  check.has(w.L.procs.pcscf:log(), "digest.without_tls: accept")
  check.hasnt(w.L.procs.pcscf:log(), "digest.no_spoofing")
  e:close()
  w.core:close()
  w.L:stop()
  w = start({ access = { type = "other" }, digest = { without_tls = "accept" } })
  check.has(w.L.procs.pcscf:log(), "digest.no_spoofing")
  w.core:close()
  w.L:stop()
end)

-- --- the IP address check table ---

local T -- with a control socket

test("a success makes an entry: address, Via, IMPI, IMPUs", { "DIG-030", "DIG-025", "COEX-011" }, function()
  T = start(nil, { digest = true, configure = function(L)
    L.conf.pcscf.control = { socket = L.dir .. "/status" }
    L.conf.pcscf.trusted = { L.ip.icscf }
  end })
  local e = endpoint(T)
  check.eq(status(T, "ip"), {})
  registered(T, e, "alice", { impus = { "tel:+15550001" } })
  local rows = status(T, "ip")
  check.eq(#rows, 1)
  local row = rows[1]
  check.eq(row.impi, "alice_private@" .. D)
  check.eq(row.impus, { "sip:alice@" .. D, "tel:+15550001" })
  check.eq(row.ue, e.host)
  check.eq(row.port, json.null)
  check.eq(row.outbound, false)
  check.eq(row.sent_by, e.host .. ":" .. e.port)
  check.between(row.expires_s, 500, 600)
  -- a name, or another address, in Via: received says where it came from
  for _, host in ipairs({ "phone.example", "192.0.2.77" }) do
    for _, asks in ipairs({ ";rport", "" }) do -- RFC 3581 wants it in any case where rport is asked for
      local m = register("alice", e)
      m:insert("Via", ("SIP/2.0/UDP %s:%d;branch=%s%s"):format(host, e.port, sip.branch(), asks))
      e:send(m, T.L.sip.pcscf)
      local got = T.core:expect("REGISTER")
      check.match(got:get("Via", 2), "received=" .. e.host:gsub("%.", "%%.") .. "%f[^%d.]")
      T.core:reply(got, 403)
      check.ok(e:recv({ match = function(x) return x.status == 403 end }))
    end
  end
  e:close()
end)

test("requests carry the identity of the entry, never one of the UE's own", { "DIG-034", "DIG-035", "DIG-036", "DIG-037", "PC-002" }, function()
  local e, other = endpoint(T), endpoint(T, T.L.ip.other)
  local a, tel, second = "<sip:alice@" .. D .. ">", "<tel:+15550001>", "sip:second@" .. D
  nobody(T, other)
  registered(T, e, "alice", { impus = { "tel:+15550001", second } })
  check.eq(asserted(T, e), { a })
  -- the address alone is compared, as long as outbound is not used: another port and another transport are the UE too
  local second_port, tcp = endpoint(T), endpoint(T, nil, "tcp")
  check.eq(asserted(T, second_port), { a })
  check.eq(asserted(T, tcp), { a })
  -- P-Preferred-Identity chooses among what is registered
  check.eq(asserted(T, e, { { "P-Preferred-Identity", tel } }), { tel })
  check.eq(asserted(T, e, { { "P-Preferred-Identity", '"Al" <' .. second .. ">" } }), { "<" .. second .. ">" })
  check.eq(asserted(T, e, { { "P-Preferred-Identity", "<sip:victim@" .. D .. ">" } }), { a })
  check.eq(asserted(T, e, { { "P-Asserted-Identity", "<sip:victim@" .. D .. ">" } }), { a }, "what the UE asserts is removed")
  check.eq(asserted(T, e, { { "P-Asserted-Identity", tel }, { "P-Preferred-Identity", second } }), { "<" .. second .. ">" })
  -- a second registration of the UE: From, which names the first, chooses nothing
  registered(T, e, "second", { impus = {}, mutate = function(m)
    m:change_auth(function(x) x:set("username", "alice_private@" .. D, true) end)
  end })
  local m = request(e, "MESSAGE")
  m:set("From", "<sip:alice@" .. D .. ">;tag=1")
  local t = async(e.request, e, m, T.L.sip.pcscf)
  local got = T.core:expect("MESSAGE")
  check.eq(got:values("P-Asserted-Identity"), { "<" .. second .. ">" })
  T.core:reply(got, 200)
  check.eq(t:wait(20).status, 200)
  nobody(T, other)
  for _, x in ipairs({ e, other, second_port, tcp }) do
    x:close()
  end
end)

test("another user at the same address takes the place of the first", { "DIG-032" }, function()
  local e, late = endpoint(T), endpoint(T)
  local path = registered(T, e, "alice"):get("Path")
  registered(T, late, "bob")
  local rows = status(T, "ip")
  check.eq(#rows, 1)
  check.eq(rows[1].impi, "bob_private@" .. D)
  check.eq(asserted(T, e), { "<sip:bob@" .. D .. ">" })
  check.eq(terminate(T, path, function() end), 480, "alice is not reached any more")
  check.eq(T.L:verdict({ node = "pcscf", procedure = "expiry" }).cause, "address_reassigned")
  -- the same user again is no other
  registered(T, e, "bob", { contact = "<" .. e:uri("again") .. ">" })
  check.eq(#status(T, "ip"), 1)
  check.eq(#status(T, "ip")[1].impus, 1)
  e:close()
  late:close()
end)

test("with outbound the port belongs to the entry", { "DIG-031", "DIG-033", "DIG-009" }, function()
  local ip = T.L.ip.ue
  local e, f, g = endpoint(T), endpoint(T), endpoint(T)
  local alice = registered(T, e, "alice", outbound(e, "alice"))
  check.match(alice:get("Path"), ";ob>$")
  check.match(alice:get("Supported"), "outbound")
  local bob = registered(T, f, "bob", outbound(f, "bob"))
  local rows = status(T, "ip")
  check.eq(#rows, 2, "who had the address alone was bob")
  check.eq({ rows[1].ue, rows[1].port, rows[1].outbound }, { ip, tonumber(e.port), true })
  check.eq({ rows[2].ue, rows[2].port }, { ip, tonumber(f.port) })
  check.eq(asserted(T, e), { "<sip:alice@" .. D .. ">" })
  check.eq(asserted(T, f), { "<sip:bob@" .. D .. ">" })
  nobody(T, g)
  -- the same port, another IMPI
  registered(T, e, "carol", outbound(e, "carol"))
  rows = status(T, "ip")
  check.eq({ #rows, rows[1].impi, rows[2].impi }, { 2, "bob_private@" .. D, "carol_private@" .. D })
  check.eq(asserted(T, e), { "<sip:carol@" .. D .. ">" })
  check.eq(terminate(T, alice:get("Path"), function() end), 430, "RFC 5626 5.3")
  check.eq(terminate(T, bob:get("Path"), function() f:reply(f:expect("MESSAGE"), 200) end), 200)
  -- a UE without outbound is given the address as a whole
  registered(T, g, "dave")
  rows = status(T, "ip")
  check.eq({ #rows, rows[1].impi }, { 1, "dave_private@" .. D })
  for _, x in ipairs({ e, f, g }) do
    x:close()
  end
end)

test("a flow over TCP ends with its connection", {}, function()
  local e = endpoint(T, T.L.ip.other, "tcp")
  local path = registered(T, e, "erin", outbound(e, "erin")):get("Path")
  check.eq(asserted(T, e), { "<sip:erin@" .. D .. ">" })
  check.eq(terminate(T, path, function() e:reply(e:expect("MESSAGE"), 200) end), 200)
  for _, c in ipairs(e.conns) do
    c.c:close()
  end
  e.conns = {}
  check.ok(wait_for(function() return terminate(T, path, function() end) == 430 end, 20), "430: nothing is opened towards the UE")
  e:close()
end)

test("de-registration ends the entry", {}, function()
  local e = endpoint(T, T.L.ip.other)
  registered(T, e, "frank")
  check.eq(#status(T, "ip"), 2) -- dave is there too
  local gone = register("frank", e, { auth = ANSWER, contact = ("<%s>;expires=0"):format(e:uri("frank")) })
  through(T, e, gone, function(rq) T.core:reply(rq, 200) end)
  check.eq(#status(T, "ip"), 1)
  nobody(T, e)
  e:close()
end)

-- --- storms ---

test("a REGISTER that is repeated draws the same 401, and the home network hears of it once", { "PC-024" }, function()
  local w = start(nil, { digest = true })
  local e = assert(sip.endpoint({ addr = w.L.ip.ue .. ":0", keep_retransmissions = true }))
  local m = register("alice", e)
  m:insert("Via", e:via(sip.branch()))
  for _ = 1, 4 do
    e:send(m, w.L.sip.pcscf)
  end
  challenge(w)(w.core:expect("REGISTER"))
  local function answer()
    return check.ok(e:recv({ match = function(x) return x.status == 401 end }), "the 401")
  end
  local first = answer()
  for _ = 1, 3 do
    e:send(m, w.L.sip.pcscf)
    check.eq(answer().octets, first.octets)
  end
  check.no(w.core:recv({ timeout = 0.2 }), "the home network is asked once")
  check.no(e:recv({ timeout = 0.1, match = function(x) return x.status end }), "one 401 for each that came after it")
  e:close()
  w.core:close()
  w.L:stop()
end)

test("new REGISTERs are let in by rates, per source and in all; who is registered is not counted", { "PC-023", "PC-025" }, function()
  local w = start({ limits = { new_per_source = 1, new = 3 } }, { digest = true })
  local known = endpoint(w)
  registered(w, known, "alice") -- one new REGISTER, and the answer to its challenge
  local over = false
  local core = async(function()
    while not over do
      local rq = w.core:recv({ timeout = 0.1 })
      if rq then
        w.core:reply(rq, 403)
      end
    end
  end)
  local prefix, let_in, why, start, sources = w.L.ip.ue:match("^(.*%.)%d+$"), 0, {}, now(), {}
  for n = 101, 106 do
    sources[#sources + 1] = assert(sip.endpoint({ addr = prefix .. n .. ":0" }))
  end
  for i = 1, 5 do -- all at once, however slow the machine is
    for _, e in ipairs(sources) do
      e:send(register("mallory" .. i, e), w.L.sip.pcscf)
    end
  end
  for _, e in ipairs(sources) do
    local of_source = 0
    for _ = 1, 5 do
      local r = check.ok(e:recv({ match = function(x) return x.status and x.status >= 200 end }))
      of_source = of_source + (r.status == 403 and 1 or 0)
      if r.status == 503 then
        check.ok(r:get("Retry-After"))
        local v = w.L:events("pcscf", { ev = "verdict", call_id = r:get("Call-ID") })[1]
        why[v and v.evidence or "told before"] = true
      end
    end
    check.between(of_source, 0, 1 * (now() - start + 2), "of one source")
    let_in = let_in + of_source
    e:close()
  end
  check.between(let_in, 1, 3 * (now() - start + 2), "of all")
  check.ok(why["limits.new_per_source"], "the verdict names the limit")
  check.ok(why["limits.new"], "and the other one")
  for _ = 1, 6 do -- more than a source may, while nobody else may at all
    check.eq(check.ok(known:request(register("alice", known, { auth = ANSWER }), w.L.sip.pcscf)).status, 403)
  end
  known:close()
  over = true
  core:wait(20)
  w.core:close()
  w.L:stop()
end)

-- --- keep-alives ---

test("keep-alives are offered, agreed on and answered", {}, function()
  local w = start(nil, { digest = true })
  for _, transport in ipairs({ "udp", "tcp" }) do
    local e = endpoint(w, nil, transport)
    local keep = transport == "udp" and "30" or "120"
    local m = register("alice", e)
    m:insert("Via", ("SIP/2.0/%s %s:%d;branch=%s;rport;keep"):format(transport:upper(), e.host, e.port, sip.branch()))
    e:send(m, w.L.sip.pcscf)
    challenge(w)(w.core:expect("REGISTER"))
    local r = check.ok(e:recv({ match = function(x) return x.status == 401 end }))
    check.eq(r:param("Via", "keep"), keep)
    -- a value of the UE's own, and a UE that offers nothing
    m:set("Via", (m:get("Via"):gsub(";keep", ";keep=7"):gsub("branch=[^;]*", "branch=" .. sip.branch())))
    e:send(m, w.L.sip.pcscf)
    challenge(w)(w.core:expect("REGISTER"))
    check.eq(check.ok(e:recv({ match = function(x) return x.status == 401 end })):param("Via", "keep"), "7")
    r = through(w, e, register("alice", e), challenge(w))
    check.no(r:get("Via"):find("keep"))
    e:close()
  end
  local u = assert(net.udp(w.L.ip.ue .. ":0"))
  local id = random.octets(12)
  u:send("\0\1\0\0\x21\x12\xa4\x42" .. id, w.L.sip.pcscf)
  local answer = check.ok(wait_for(function() return (u:take()) end, 20), "STUN is answered")
  check.eq(answer:sub(1, 20), "\1\1\0\12\x21\x12\xa4\x42" .. id)
  local port = (">I2"):unpack(answer, 27) ~ 0x2112
  check.eq(tostring(port), u:local_address():match(":(%d+)$"))
  u:send("\0\1\0\4\x21\x12\xa4\x42" .. id .. "\0\x24\0\0", w.L.sip.pcscf)
  check.eq(check.ok(wait_for(function() return (u:take()) end, 20)):sub(1, 2), "\1\x11", "an attribute that must be understood")
  u:close()
  -- CRLF over a connection
  local c = assert(net.tcp_connect(w.L.ip.ue .. ":0", w.L.sip.pcscf, 5000))
  c:send("\r\n\r\n")
  check.eq(check.ok(wait_for(function() return (c:take()) end, 20), "the pong"), "\r\n")
  c:close()
  w.core:close()
  w.L:stop()
end)

test("without outbound no translator may stand between", { "DIG-010", "DIG-009" }, function()
  local w = start(nil, { digest = true })
  local e = endpoint(w)
  local function behind(m)
    m:insert("Via", ("SIP/2.0/UDP 10.0.0.7:%d;branch=%s;rport"):format(e.port, sip.branch()))
    return m
  end
  local function status_of(m, fn)
    e:send(m, w.L.sip.pcscf)
    if fn then
      fn(w.core:expect("REGISTER"))
    end
    return check.ok(e:recv({ match = function(x) return x.status and x.status > 100 and x:get("Call-ID") == m:get("Call-ID") end }))
  end
  local m = behind(register("alice", e))
  local r = status_of(m, challenge(w))
  check.eq(r.status, 421)
  check.eq(r:get("Require"), "outbound")
  check.no(r:get("WWW-Authenticate"))
  check.eq(w.L:verdict({ node = "pcscf", call_id = m:get("Call-ID") }).cause, "outbound_required")
  m = behind(register("alice", e, { auth = ANSWER }))
  check.eq(status_of(m).status, 421)
  -- a name that leads nowhere does not show it either
  m = register("alice", e, { auth = ANSWER })
  m:insert("Via", ("SIP/2.0/UDP phone.invalid:%d;branch=%s;rport"):format(e.port, sip.branch()))
  check.eq(status_of(m).status, 421)
  -- with outbound it may
  local o = outbound(e, "alice")
  m = behind(register("alice", e, o))
  r = status_of(m, challenge(w))
  check.eq(r.status, 401)
  -- nor does IMS AKA mind
  check.eq(status_of(behind(register("alice", e)), challenge(w, "AKAv1-MD5")).status, 401)
  e:close()
  w.core:close()
  w.L:stop()
end)

return test.finish()
