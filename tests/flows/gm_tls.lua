-- SPDX-License-Identifier: BSD-3-Clause
-- Gm over TLS with real nodes and phones of SIP Digest: both ways to it, port 443, calls both ways over the phone's connection, what is
-- not taken outside of it, its loss, renegotiation (TS 33.203 Annex O, W.3).
local check = require "check"
local lab = require "lab"
local pki = require "pki"
local tables = require "tables"
local test = require "test"

local D = lab.domain
local NAME, PASSWORD = "pcscf." .. D, "a secret of Alice"
local dir = test.dir()
local root = pki.root(dir, "root")
local server = root:authority("issuing"):server({ cn = NAME, name = "pcscf" }) -- phones know the root alone

local subscribers = {}
for i, name in ipairs({ "alice", "bob" }) do
  subscribers[i] = { impi = name .. "@" .. D, password = PASSWORD }
end
local L = lab.start({
  digest = true, subscribers = subscribers, taps = true,
  scscf = { registration = { overflow = "replace_oldest" } },
  configure = function(l)
    local p = l.conf.pcscf
    local https = net.tcp_listen(l.ip.pcscf .. ":443") -- not everybody may have it
    local port_443 = https and "443" or "10443"
    if https then
      https:close()
    end
    l:gm_tls(root, server, { "5061", port_443 })
    p.digest.without_tls = "refuse"
    p.sip.tcp_first = "3s"
    p.control = { socket = l.dir .. "/status" }
    l.tls, l.https = l.ip.pcscf .. ":5061", l.ip.pcscf .. ":" .. port_443
  end,
})

-- Ports that nobody configured are closed, 443 like any other.
local function is_closed(address)
  local c = assert(net.tcp_connect(L.ip.ue .. ":0", address, 5000))
  wait_for(function() return c:state() ~= "connecting" end, 20)
  local up = c:state() == "up"
  c:close()
  return not up
end

local function command(...)
  return L:run_ok("pcscf", { ... })
end

-- The row of an IMPI in pcscf status, waited for; nil when there is none any more (gone = true).
local function status(impi, gone)
  local row
  wait_for(function()
    row = nil
    for _, r in ipairs(assert(json.decode(command("status", "--json")))) do
      row = r.impi == impi and r or row
    end
    return (gone or false) == (row == nil)
  end, 20)
  return row
end

local function phone(n, o)
  local t = { tls_ca = root.certificate, tls_name = NAME }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  if t.transport == "tls" then
    t.pcscf = t.pcscf or L.tls
  end
  return L:ue(n, t)
end

local function registered(n, o)
  local u = phone(n, o)
  local r = u:register({ expires = 600 })
  check.eq(r.verdict, "registered", r.text)
  return u, r
end

-- A MESSAGE from one phone arrives at the other, with the identity of the first.
local function message(from, to, impu, sender)
  local t = async(from.request, from, { method = "MESSAGE", to = impu, body = "x" })
  local rq = check.ok(to:expect_request({ method = "MESSAGE" }), "the MESSAGE arrives")
  rq:reply(200)
  check.eq(t:wait(20).status, 200)
  check.eq(rq.msg:values("P-Asserted-Identity"), { "<" .. sender .. ">" })
end

local A, B = "sip:alice@" .. D, "sip:bob@" .. D

-- integrity-protected of the REGISTERs that left the P-CSCF since the mark, "none" where it is absent
local function indicators(mark)
  local out = {}
  for _, m in ipairs(L.mw_pi:since(mark, function(m) return m.method == "REGISTER" end)) do
    local a = m:get("Authorization") and m:auth()
    out[#out + 1] = a and a["integrity-protected"] or "none"
    check.no(m:get("Security-Verify") or m:get("Security-Client"), "sec-agree stays on Gm")
  end
  return out
end

for _, way in ipairs({ "from_start", "sec-agree" }) do
  local o = way == "from_start" and { transport = "tls" } or { transport = "udp", security = "tls" }
  test("a phone registers over TLS, " .. way, way == "from_start" and { "TLS-002", "TLS-011", "TLS-014", "TLS-020", "TLS-022", "TLS-028", "TLS-044" } or
    { "TLS-017", "TLS-020", "TLS-022", "TLS-044" }, function()
    local mark = L.mw_pi:mark()
    local a, r = registered(1, o)
    check.eq(indicators(mark), { "none", "tls-pending" })
    local row = check.ok(status("alice@" .. D))
    check.eq(row.association, "tls")
    check.eq(row.variant, way)
    check.eq(row.impus[1], A)
    check.eq(row.ue, L.ip.ue)
    check.match(row.session_id, "^%x+$")
    check.no(row.session_id:match("^0+$"), "a session there is")
    local first, last = r.steps[1].response, r.steps[#r.steps].request
    local challenge = first:auth("WWW-Authenticate")
    check.eq({ challenge.scheme, challenge.algorithm, challenge.qop }, { "Digest", "MD5", "auth" })
    check.eq(first:get("Security-Server"), way == "sec-agree" and "tls;q=0.9" or nil)
    check.eq(last:get("Security-Verify"), way == "sec-agree" and "tls;q=0.9" or nil)
    local b = registered(2, { transport = "tls" })
    message(a, b, B, A)
    message(b, a, A, B)
    mark = L.mw_pi:mark()
    check.eq(a:reregister({}).verdict, "refreshed")
    check.eq(indicators(mark)[1], "tls-yes")
    message(b, a, A, B)
    check.eq(status("alice@" .. D).session_id, row.session_id, "over the same connection")
    check.eq(a:deregister({}).verdict, "deregistered")
    check.no(status("alice@" .. D, true))
    check.eq(b:deregister({}).verdict, "deregistered")
    a:close()
    b:close()
  end)
end

-- A call from one phone to the other, taken, and ended by who: "caller" or "callee". Both are reached along the Record-Routes.
local function call(caller, callee, impu, who)
  local invite
  local t = async(caller.request, caller, { method = "INVITE", to = impu, body = "v=0", content_type = "application/sdp" })
  local rq = check.ok(callee:expect_request({ method = "INVITE" }), "the INVITE arrives")
  invite = rq.msg
  rq:reply(180)
  rq:reply(200, nil, { Contact = "<" .. callee.contact .. ">" })
  local ack = check.ok(callee:expect_request({ method = "ACK" }), "the ACK arrives")
  check.eq(ack.msg:get("Call-ID"), invite:get("Call-ID"))
  local r = t:wait(20)
  check.eq(r.status, 200)
  local routes, back = {}, r.response:values("Record-Route")
  for i = #back, 1, -1 do
    routes[#routes + 1] = back[i]
  end
  local d = { from = r.request:get("From"), to = r.response:get("To"), uri = r.response:uri_of("Contact"), routes = routes }
  local from, to = caller, callee
  if who == "callee" then
    d = { from = d.to, to = invite:get("From"), uri = invite:uri_of("Contact"), routes = invite:values("Record-Route") }
    from, to = callee, caller
  end
  check.match(d.routes[1], "transport=tls", "the phone reaches us over TLS")
  t = async(from.request, from, { method = "BYE", to = d.uri, uri = d.uri, route = false, call_id = invite:get("Call-ID"), cseq = 7,
    preferred_identity = false, mutate = function(m)
      m:set("From", d.from):set("To", d.to)
      for _, route in ipairs(d.routes) do
        m:add("Route", route)
      end
    end })
  local bye = check.ok(to:expect_request({ method = "BYE" }), "the BYE of the " .. who)
  bye:reply(200)
  check.eq(t:wait(20).status, 200)
end

test("calls both ways over the phones' connections", { "TLS-015", "TRUST-008" }, function()
  local a = registered(1, { transport = "udp", security = "tls" })
  local b = registered(2, { transport = "tls" })
  local opened = #L:events("pcscf", { ev = "sip", dir = "out", proto = "TLS" })
  for _, who in ipairs({ "caller", "callee" }) do
    call(a, b, B, who)
    call(b, a, A, who)
  end
  check.above(#L:events("pcscf", { ev = "sip", dir = "out", proto = "TLS" }), opened)
  a:close()
  b:close()
end)

test("SIP Digest in clear is refused, and the phone is told of TLS", { "PC-027" }, function()
  local u = phone(1, { transport = "udp" })
  local r = u:register({})
  check.eq(r.status, 421)
  check.eq(L:verdict({ node = "pcscf", call_id = r.call_id }).cause, "digest_without_tls")
  u:close()
end)

test("ports are those of the configuration", { "TLS-014", "FW-001" }, function()
  check.no(is_closed(L.https), "443 is configured here")
  check.no(is_closed(L.tls))
  check.ok(is_closed(L.ip.pcscf .. ":4443"))
  local conf, plain = L.conf.pcscf.gm.listen, {}
  for _, l in ipairs(conf) do
    plain[#plain + 1] = not l:match("443$") and l or nil
  end
  L.conf.pcscf.gm.listen = plain
  L:write_conf("pcscf")
  L:restart("pcscf")
  check.ok(is_closed(L.https), "443 without its line")
  check.no(is_closed(L.tls))
  L.conf.pcscf.gm.listen = conf
  L:write_conf("pcscf")
  L:restart("pcscf")
end)

test("port 443 serves the same", { "FW-005", "FW-006", "FW-007", "FW-008" }, function()
  local a = registered(1, { transport = "tls", pcscf = L.https })
  local b = registered(2, { transport = "tls" })
  message(a, b, B, A)
  message(b, a, A, B)
  check.eq(status("alice@" .. D).association, "tls")
  a:close()
  b:close()
  -- keep-alives: agreed on in Via, CRLF answered by CRLF
  local e = assert(sip.endpoint({ transport = "tls", ca = root.certificate, name = NAME, addr = L.ip.other .. ":0" }))
  local m = sip.message([[
    REGISTER sip:${d} SIP/2.0
    Via: ${via};keep
    Max-Forwards: 70
    From: <${a}>;tag=1
    To: <${a}>
    Call-ID: ${call}
    CSeq: 1 REGISTER
    Contact: <sip:alice@${ip};transport=tls>
    Authorization: Digest username="alice@${d}",realm="${d}",uri="sip:${d}",nonce="",response=""]],
    { d = D, a = A, via = e:via(), call = random.token(), ip = L.ip.other })
  check.ok(e:send(m, L.https))
  local r = check.ok(e:recv({ timeout = 10, match = function(x) return x.status == 401 end }))
  check.eq(r:param("Via", "keep"), "120")
  e:close()
  local code, out = proc.run({ timeout = 60, "sh", "-c", [[printf '\r\n\r\n' | openssl s_client -quiet -connect "$1" -CAfile "$2" 2>/dev/null]], "sh",
    L.https, root.certificate }) -- ends when the P-CSCF has waited long enough for a message
  check.ok(code)
  check.eq(out, "\r\n")
end)

-- What openssl says of a handshake on port 443 with these options: did it come to one?
local function handshake(...)
  local code = proc.run({ timeout = 30, "sh", "-c", 'exec "$@" </dev/null', "sh", "openssl", "s_client", "-connect", L.https, "-CAfile", root.certificate,
    "-verify_return_error", ... })
  return code == 0
end

test("TLS on port 443 has the profile of TS 33.310", { "FW-004" }, function()
  check.ok(handshake("-tls1_2"))
  check.ok(handshake("-tls1_3"))
  check.no(handshake("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"))
  check.no(handshake("-tls1", "-cipher", "ALL:@SECLEVEL=0"))
  check.no(handshake("-tls1_2", "-cipher", "eNULL:@SECLEVEL=0"))
  check.no(handshake("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"))
end)

-- The answer to a REGISTER that openssl carries to port 443, and what the P-CSCF made of it on its way to the core; options: of s_client.
local function carried(...)
  local mark, file, call = L.mw_pi:mark(), L.dir .. "/carried", random.token()
  fs.write(file .. ".sip", (sip.message([[
    REGISTER sip:${d} SIP/2.0
    Via: SIP/2.0/TLS ${ip}:40000;branch=z9hG4bK${call};rport;keep
    Max-Forwards: 70
    From: <${a}>;tag=1
    To: <${a}>
    Call-ID: ${call}
    CSeq: 1 REGISTER
    Contact: <sip:alice@${ip}:40000;transport=tls>
    Content-Length: 0
    Authorization: Digest username="alice@${d}",realm="${d}",uri="sip:${d}",nonce="",response=""]],
    { d = D, a = A, ip = L.ip.other, call = call })):text())
  fs.remove(file)
  local p = assert(proc.spawn({ "sh", "-c", 'in=$1; shift; exec openssl s_client -quiet "$@" <"$in"', "sh", file .. ".sip", "-connect", L.https, "-CAfile",
    root.certificate, "-verify_return_error", stdout = file, stderr = "/dev/null", ... }))
  local text = check.ok(wait_for(function()
    return (fs.read(file) or ""):match("^(SIP/2.0 .-\r\n\r\n)")
  end, 20), "an answer")
  p:kill("KILL")
  p:wait(20)
  local names = {}
  for _, h in ipairs(L.mw_pi:since(mark, function(m) return m.method == "REGISTER" end)[1].headers) do
    names[#names + 1] = h.name
  end
  return assert(sip.parse(text)), names
end

test("a proxy on the way is not seen", { "FW-010" }, function()
  local proxy = require "http_proxy"()
  local direct, names = carried()
  local through, names_through = carried("-proxy", proxy.addr)
  check.match(proxy.log[1].head, "^CONNECT " .. L.https:gsub("%p", "%%%0"))
  check.eq({ through.status, through:param("Via", "keep"), through:auth("WWW-Authenticate").realm },
    { direct.status, direct:param("Via", "keep"), direct:auth("WWW-Authenticate").realm })
  check.eq(direct.status, 401)
  check.eq(names_through, names)
  proxy:close()
end)

test("malformed messages inside of TLS harm nobody", { "PC-022" }, function()
  local odd, n = require "odd_messages", 0
  for name, octets in tables.ordered(odd) do
    local e = assert(sip.endpoint({ transport = "tls", ca = root.certificate, name = NAME, addr = L.ip.other .. ":0" }))
    check.ok(e:send(octets, L.tls), name)
    e:recv({ timeout = 0.05 })
    e:close()
    n = n + 1
  end
  check.above(n, 10)
  local a = registered(1, { transport = "tls" })
  a:deregister({})
  a:close()
end)

test("a lost connection ends the registration, and nothing is opened towards the phone", { "TLS-015", "TRUST-008", "TRUST-009" }, function()
  local a, b = registered(1, { transport = "tls" }), registered(2, { transport = "tls" })
  message(b, a, A, B)
  local mark = L:mark()
  a:close()
  check.no(status("alice@" .. D, true))
  check.eq(L:verdict({ node = "pcscf", cause = "connection_lost", since = mark }).procedure, "expiry")
  local r = b:request({ method = "MESSAGE", to = A, body = "x", timeout = 10 })
  check.ok(r.status == 480 or r.status == 430, tostring(r.status))
  -- it comes back over a new one
  local again = registered(1, { transport = "tls" })
  message(b, again, A, B)
  again:close()
  b:close()
end)

test("an operator lets a phone renegotiate", { "TLS-038", "TLS-040" }, function()
  local a = registered(1, { transport = "tls", tls_version = "1.2" })
  local before = status("alice@" .. D).session_id
  check.match(command("renegotiate", "alice@" .. D), "^1 asked to renegotiate")
  check.ok(wait_for(function()
    local row = status("alice@" .. D)
    return row and row.renegotiations == 1 and row.session_id ~= before
  end, 20), "the new Session ID stands in the place of the old one")
  local b = registered(2, { transport = "tls" })
  message(b, a, A, B)
  a:close()
  b:close()
end)

test("a wrong password closes the connection", { "TLS-031" }, function()
  local u = phone(1, { transport = "tls", password = "not hers" })
  local r = u:register({})
  check.ok(r.status == 403, tostring(r.status))
  check.no(status("alice@" .. D, true))
  u:close()
end)

return test.finish()
