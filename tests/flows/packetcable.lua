-- SPDX-License-Identifier: BSD-3-Clause
-- The SIP Digest registration of the PacketCable security report (PKT-TR-SEC-C01 6.1.1.2) with the header fields that it prints, and what
-- 6.1.2.2 says of nonces that are used again. First a phone that sends the printed octets to our network, then our phone and
-- a network that sends them.
--
-- What cannot be as printed, and why:
--   nonce, opaque      of our S-CSCF's 401: a challenge is new each time (TS 33.203 N.2.1.1); the phone gives back what it got
--   qop                our 401 writes qop="auth", the quotes that RFC 2617 3.2.1 asks for; the report prints qop=auth
--   algorithm          our 401 and our phone write algorithm=MD5, a token (RFC 2617 3.2.1); the report prints it in quotes. Both are read
--   response, rspauth  the report prints 6629fae4... of RFC 2617 3.5, which belongs to Mufasa and a GET, and "7729" and "8829" before the
--                      same digits; here they are computed from the printed values and a password
--   nextnonce          sent when the S-CSCF wants another nonce, not each time (6.1.2.2: "may")
--   cnonce             of our phone: random (the phone that the test plays sends the printed one)
--   realm=" atlanta.com"  of the first REGISTER: the space is a misprint; our S-CSCF takes that for another network's realm
--   order of parameters   free (RFC 2617 1.2)
-- The report leaves out all other fields; those here are what TS 24.229 asks for.
local check = require "check"
local lab = require "lab"
local test = require "test"

local DOMAIN, IMPI, IMPU = "home.atlanta.com", "alice_private@atlanta.com", "sip:alice@home.atlanta.com"
local REALM, URI, PASSWORD, CNONCE = "atlanta.com", "sip:home.atlanta.com", "zanzibar", "0a4f113b"
local FIRST = [[Digest username="alice_private@atlanta.com",
    realm="atlanta.com", nonce="", uri="sip:home.atlanta.com",
    response=""]]
local CHALLENGE = [[Digest realm="atlanta.com",
    nonce="CjPk9mRqNuT25eRkajM09uTl9nM09uTl9nMz5OX25PZz==",
    qop=auth, opaque="5ccc069c403ebaf9f0171e9517f40e41",
    algorithm="MD5"]]
local ANSWER = [[Digest
    username="alice_private@atlanta.com", realm="atlanta.com",
    nonce="${nonce}",
    uri="sip:home.atlanta.com", qop=auth, nc=${nc},
    cnonce="0a4f113b", response="${response}",
    ${opaque}algorithm="MD5"]]
local INFO = [[qop=auth, rspauth="${rspauth}",
    cnonce="0a4f113b",nc=00000001,
    nextnonce="8829fae49393a05397450978507c4ef1"]]

lab.domain = DOMAIN
local SUBSCRIBER = { impi = IMPI, impu = IMPU, domain = DOMAIN, password = PASSWORD, imsi = "001010000000001", msisdn = "15550001" }

local function fill(text, values)
  return (text:gsub("%${(%w+)}", values):gsub("\n", "\r\n"))
end

-- H(A1), H(A2) and the whole by the openssl command: a second opinion on what the nodes and the phone compute. Without a method it is rspauth.
local function md5(text)
  local file = assert(fs.tmpdir())
  assert(fs.write(file .. "/in", text, "600"))
  local code, out = proc.run({ "openssl", "dgst", "-md5", "-r", file .. "/in" })
  fs.remove(file)
  check.eq(code, 0)
  return out:sub(1, 32)
end

local function digest(o)
  return md5(table.concat({ md5(("%s:%s:%s"):format(IMPI, REALM, o.password or PASSWORD)), o.nonce, o.nc, o.cnonce, "auth",
    md5((o.method or "") .. ":" .. URI) }, ":"))
end

local calls = 0

-- A REGISTER of the phone that the test plays; the same Call-ID all the time.
local function register(e, authorization)
  calls = calls + 1
  local m = sip.message([[
REGISTER sip:home.atlanta.com SIP/2.0
Max-Forwards: 70
From: <${impu}>;tag=${n}
To: <${impu}>
Call-ID: packetcable
CSeq: ${n} REGISTER
Expires: 600
Supported: path
Content-Length: 0
]], { impu = IMPU, n = tostring(calls) })
  m:add("Contact", ("<%s>"):format(e:uri("alice")))
  m:add("Authorization", authorization)
  return m
end

-- The answer to a challenge as the report prints it. o: nonce, nc, opaque (nil: none), password
local function answer(e, o)
  o.nc = ("%08x"):format(o.count or 1)
  local response = digest({ method = "REGISTER", nonce = o.nonce, nc = o.nc, cnonce = CNONCE, password = o.password })
  return register(e, fill(ANSWER, { nonce = o.nonce, nc = o.nc, response = response,
    opaque = o.opaque and ('opaque="%s", '):format(o.opaque) or "" }))
end

local function start(o)
  o = o or {}
  o.digest, o.subscribers = true, { SUBSCRIBER, o.more }
  o.icscf, o.scscf = { home_domain = { DOMAIN, REALM } }, o.scscf or {}
  o.scscf.home_domain = { DOMAIN, REALM }
  local L = lab.start(o)
  local e = assert(sip.endpoint({ addr = L.ip.ue .. ":0" }))
  local function send(m)
    return check.ok(e:request(m, L.sip.pcscf), "an answer")
  end
  return L, e, send
end

-- Steps 1 to 7: the challenge that the first REGISTER draws.
local function challenged(e, send)
  local r = send(register(e, fill(FIRST, {})))
  check.eq(r.status, 401)
  return r:auth("WWW-Authenticate"), r
end

-- Authentication-Info of a 200, whose rspauth is that of the count.
local function proven(r, nonce, count)
  check.eq(r.status, 200)
  local info = auth.parse("Digest " .. check.ok(r:get("Authentication-Info"), "Authentication-Info"))
  local nc = ("%08x"):format(count)
  check.eq(info.rspauth, digest({ nonce = nonce, nc = nc, cnonce = CNONCE }), "rspauth")
  check.eq(info.qop, "auth")
  check.eq(info.cnonce, CNONCE)
  check.eq(info.nc, nc)
  return info
end

test("the printed REGISTERs at our network", { "PC-009", "DIG-028" }, function()
  local L, e, send = start({ taps = true })
  local mark = L.mw_pi:mark()
  local c, r401 = challenged(e, send)
  check.eq(c.scheme, "Digest")
  check.eq(c.realm, REALM)
  check.eq(c.algorithm, "MD5")
  check.eq(c.qop, "auth")
  check.ok(#c.nonce >= 16)
  for _, name in ipairs({ "ik", "ck" }) do
    check.eq(c[name], nil)
  end
  local r = send(answer(e, { nonce = c.nonce, opaque = c.opaque }))
  proven(r, c.nonce, 1)
  check.eq(r:uri_of("P-Associated-URI"), IMPU)
  -- hop by hop as in sip-digest: the credentials and the challenge pass the P-CSCF as they are
  local wire = L.mw_pi:since(mark)
  check.eq(#wire, 4)
  check.eq(wire[1]:get("Authorization"):gsub("%s+", " "), (FIRST:gsub("%s+", " ")))
  check.eq(wire[2]:get("WWW-Authenticate"), r401:get("WWW-Authenticate"))
  check.eq(wire[3]:auth().nonce, c.nonce)
  check.eq(wire[3]:auth().algorithm, "MD5")
  for _, m in ipairs({ wire[1], wire[3] }) do
    check.eq(m:auth()["integrity-protected"], nil)
  end
  check.eq(wire[4]:get("Authentication-Info"), r:get("Authentication-Info"))
  e:close()
  L:stop()
end)

test("an opaque comes back or the answer is another's", { "PC-008" }, function()
  local L, e, send = start({ scscf = { digest = { opaque = true } } })
  local c = challenged(e, send)
  check.ok(c.opaque, "opaque")
  check.ne(send(answer(e, { nonce = c.nonce, opaque = "5ccc069c403ebaf9f0171e9517f40e41" })).status, 200)
  c = challenged(e, send)
  check.ne(send(answer(e, { nonce = c.nonce })).status, 200, "left out")
  c = challenged(e, send)
  check.eq(send(answer(e, { nonce = c.nonce, opaque = c.opaque })).status, 200)
  e:close()
  L:stop()
end)

test("a nonce is used again, five times", { "PC-011", "PC-013", "PC-014" }, function()
  local L, e, send = start()
  local c = challenged(e, send)
  local nextnonce
  for count = 1, 5 do
    local info = proven(send(answer(e, { nonce = c.nonce, opaque = c.opaque, count = count })), c.nonce, count)
    nextnonce = nextnonce or info.nextnonce -- the old one stays good all the same
  end
  check.ok(nextnonce, "nextnonce before the last use")
  local r = send(answer(e, { nonce = c.nonce, opaque = c.opaque, count = 6 }))
  check.eq(r.status, 401)
  local again = r:auth("WWW-Authenticate")
  check.ne(again.nonce, c.nonce)
  check.eq(again.stale:upper(), "TRUE")
  proven(send(answer(e, { nonce = again.nonce, opaque = again.opaque })), again.nonce, 1)
  e:close()
  L:stop()
end)

test("a count that was used is refused", { "PC-011" }, function()
  local L, e, send = start()
  local c = challenged(e, send)
  proven(send(answer(e, { nonce = c.nonce, opaque = c.opaque, count = 3 })), c.nonce, 3)
  for _, count in ipairs({ 3, 2 }) do
    local r = send(answer(e, { nonce = c.nonce, opaque = c.opaque, count = count }))
    check.eq(r.status, 401)
    check.eq(r:auth("WWW-Authenticate").stale:upper(), "TRUE")
    check.ne(r:auth("WWW-Authenticate").nonce, c.nonce)
  end
  e:close()
  L:stop()
end)

test("a nonce is good for a limited time", { "PC-012" }, function()
  local L, e, send = start({ scscf = { digest = { nonce_lifetime = "1s", nonce_uses = 100 } } })
  local c = challenged(e, send)
  local count, last = 0, nil
  check.ok(wait_for(function()
    count = count + 1
    last = send(answer(e, { nonce = c.nonce, opaque = c.opaque, count = count }))
    return last.status ~= 200
  end, 20), "the nonce gets old")
  check.eq(last.status, 401)
  check.eq(last:auth("WWW-Authenticate").stale:upper(), "TRUE")
  check.ok(count > 1, "and was good before")
  e:close()
  L:stop()
end)

test("what is not protected is challenged", { "PC-016", "PC-017" }, function()
  local L, e, send = start({ taps = true })
  local c = challenged(e, send)
  check.eq(send(answer(e, { nonce = c.nonce, opaque = c.opaque })).status, 200)
  local mark = L.mw_pi:mark()
  local again = challenged(e, send) -- registered, and asks once more with an empty nonce
  check.ne(again.nonce, c.nonce)
  check.eq(L.mw_pi:since(mark)[1]:auth()["integrity-protected"], nil)
  e:close()
  L:stop()
end)

-- A P-CSCF outside of 3GPP's networks cannot tell the first REGISTER of IMS AKA from one of SIP Digest; in a lab without IPsec the
-- S-CSCF finds out.
test("a phone with a SIM in the same lab", function()
  local sim = { imsi = "001010000000002", msisdn = "15550002", k = "0396eb317b6d1c36f19c1c84cd6ffd16",
    op = "ff53bade17df5d4e793073ce9d7579fa", impi = "sim@" .. DOMAIN, impu = "sip:sim@" .. DOMAIN, domain = DOMAIN }
  local L, e, send = start({ more = sim })
  local u = L:ue(sim, { impi = sim.impi, impu = sim.impu, domain = DOMAIN })
  local r = u:register({ expires = 600 })
  check.eq({ r.verdict, r.challenge.algorithm }, { "registered", "AKAv1-MD5" })
  check.eq(u:reregister({}).verdict, "refreshed")
  check.eq(u:deregister({}).verdict, "deregistered")
  check.eq(challenged(e, send).algorithm, "MD5")
  u:close()
  e:close()
  L:stop()
  -- where unprotected answers are refused it stays refused
  L = start({ more = sim, scscf = { registration = { unprotected_response = "refuse" } } })
  u = L:ue(sim, { impi = sim.impi, impu = sim.impu, domain = DOMAIN })
  check.eq(u:register({}).status, 403)
  u:close()
  L:stop()
end)

-- The printed network: what it sends, and our phone's answer to it.
local function printed_network()
  ue.trace_dir = nil -- that of a lab that is gone
  local e = assert(sip.endpoint({}))
  local u = assert(ue.new({ impi = IMPI, impu = IMPU, domain = DOMAIN, password = PASSWORD, scheme = "digest", pcscf = e.addr,
    local_addr = "127.0.0.1:0" }))
  local function accept(rq, rspauth)
    e:reply(rq, 200, nil, { { "Contact", rq:get("Contact") .. ";expires=600" }, { "P-Associated-URI", "<" .. IMPU .. ">" },
      { "Authentication-Info", rspauth and fill(INFO:gsub("0a4f113b", rq:auth().cnonce), { rspauth = rspauth }) } })
  end
  return e, u, accept
end

-- Steps 1 to 7 with our phone; the second REGISTER.
local function printed_steps(e)
  local rq = e:expect("REGISTER")
  local a = rq:auth()
  check.eq(rq.uri, "sip:home.atlanta.com")
  check.eq({ a.username, a.nonce, a.uri, a.response }, { IMPI, "", URI, "" })
  check.ok(a.realm, "realm")
  e:reply(rq, 401, nil, { ["WWW-Authenticate"] = fill(CHALLENGE, {}) })
  return e:expect("REGISTER")
end

test("the printed challenge at our phone", { "PC-006", "PC-008", "DIG-023", "DIG-024" }, function()
  local e, u, accept = printed_network()
  local t = async(u.register, u, { expires = 600 })
  local rq = printed_steps(e)
  local a = rq:auth()
  check.eq({ a.username, a.realm, a.nonce, a.uri, a.qop, a.nc, a.opaque, a.algorithm }, { IMPI, REALM,
    "CjPk9mRqNuT25eRkajM09uTl9nM09uTl9nMz5OX25PZz==", URI, "auth", "00000001", "5ccc069c403ebaf9f0171e9517f40e41", "MD5" })
  check.eq(a.response, digest({ method = "REGISTER", nonce = a.nonce, nc = a.nc, cnonce = a.cnonce }))
  accept(rq, digest({ nonce = a.nonce, nc = a.nc, cnonce = a.cnonce }))
  check.eq(t:wait(20).verdict, "registered")
  -- the printed nextnonce is used next
  t = async(u.reregister, u, {})
  rq = e:expect("REGISTER")
  local b = rq:auth()
  check.eq({ b.nonce, b.nc }, { "8829fae49393a05397450978507c4ef1", "00000001" })
  check.ne(b.cnonce, a.cnonce)
  check.eq(b.response, digest({ method = "REGISTER", nonce = b.nonce, nc = b.nc, cnonce = b.cnonce }))
  accept(rq, digest({ nonce = b.nonce, nc = b.nc, cnonce = b.cnonce }))
  check.eq(t:wait(20).verdict, "refreshed")
  u:close()
  e:close()
end)

test("the printed rspauth is no proof", { "DIG-029" }, function()
  local e, u, accept = printed_network()
  local t = async(u.register, u, { expires = 600 })
  accept(printed_steps(e), "7729fae49393a05397450978507c4ef1")
  local r = t:wait(20)
  check.no(r.registered)
  check.ne(r.verdict, "registered")
  u:close()
  e:close()
end)

return test.finish()
