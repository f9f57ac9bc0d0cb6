-- SPDX-License-Identifier: BSD-3-Clause
-- Gm: how UEs reach the P-CSCF and are reached, calls through all nodes, and what a UE cannot do (TS 24.229 5.2).
local check = require "check"
local lab = require "lab"
local tables = require "tables"
local test = require "test"

-- phones that come and go without de-registration leave contacts behind
local L = lab.start({ ipv6 = true, scscf = { registration = { overflow = "replace_oldest" } } })
for _, node in ipairs({ "icscf", "scscf" }) do
  L.conf[node].trusted = { L.ip.pcscf, L.ip.icscf, L.ip.scscf }
  L:write_conf(node)
  L:restart(node)
end
local D = lab.domain
local A, B = "sip:+15550001@" .. D, "sip:+15550002@" .. D

-- A phone that is registered, and the fields laid over.
local function registered(n, o)
  local u = L:ue(n, o)
  check.eq(u:register({ expires = 3600 }).verdict, "registered")
  return u
end

-- Runs fn beside a request of u; its result and that of fn.
local function requesting(u, o, fn)
  local t = async(u.request, u, o)
  local r = fn()
  return t:wait(20), r
end

-- MESSAGE from one phone to another, answered 200; what arrived.
local function message(from, to, uri, o)
  o = o or {}
  o.method, o.to, o.body = "MESSAGE", uri, o.body or random.token()
  local got
  local r = requesting(from, o, function()
    local rq = check.ok(to:expect_request({ method = "MESSAGE" }), "the MESSAGE arrives")
    got = rq.msg
    rq:reply(200)
  end)
  check.eq(r.status, 200)
  check.eq(got.body, o.body)
  return got, r
end

-- INVITE from caller to callee, answered and acknowledged: both ends of the dialog.
local function call(caller, callee, uri)
  local invite
  local r = requesting(caller, { method = "INVITE", to = uri, body = "v=0", content_type = "application/sdp" }, function()
    local rq = check.ok(callee:expect_request({ method = "INVITE" }), "the INVITE arrives")
    invite = rq.msg
    rq:reply(180)
    rq:reply(200, nil, { Contact = "<" .. callee.contact .. ">" })
    local ack = check.ok(callee:expect_request({ method = "ACK" }), "the ACK arrives")
    check.eq(ack.msg:get("Call-ID"), invite:get("Call-ID"))
  end)
  check.eq(r.status, 200)
  local routes, back = r.response:values("Record-Route"), {}
  for i = #routes, 1, -1 do
    back[#back + 1] = routes[i]
  end
  local answered = r.response:get("To")
  return { -- of the caller
    call_id = invite:get("Call-ID"), from = r.request:get("From"), to = answered, uri = r.response:uri_of("Contact"),
    routes = back,
  }, { -- of the callee
    call_id = invite:get("Call-ID"), from = answered, to = invite:get("From"), uri = invite:uri_of("Contact"),
    routes = invite:values("Record-Route"),
  }
end

-- Options of u:request for a request within a dialog; routes: instead of the dialog's.
local function within(d, method, routes)
  return {
    method = method, to = d.uri, uri = d.uri, route = false, call_id = d.call_id, cseq = 7, preferred_identity = false,
    mutate = function(m)
      m:set("From", d.from):set("To", d.to)
      for _, r in ipairs(routes or d.routes) do
        m:add("Route", r)
      end
    end,
  }
end

-- A request as text, for endpoints.
local function raw(method, uri, fields)
  local m = sip.message([[
    ${method} ${uri} SIP/2.0
    Max-Forwards: 70
    From: <sip:mallory@example.org>;tag=m
    To: <${uri}>
    Call-ID: ${call_id}
    CSeq: 1 ${method}]], { method = method, uri = uri, call_id = random.token() })
  sip.add_headers(m, fields)
  return m
end

-- An address where nobody else is.
local lonely = 249
local function own_address()
  lonely = lonely + 1
  return (L.ip.other:gsub("%d+$", lonely))
end

local function endpoint(ip, transport)
  return assert(sip.endpoint({ addr = ip .. ":0", transport = transport }))
end

-- Registers phone u with an endpoint as its transport. change(m): before each REGISTER leaves.
local function register_over(e, u, change, pcscf)
  local p = u:steps()
  local m, answer = p:start(), nil
  while m do
    m:set("Contact", "<" .. e:uri("user") .. ">")
    if change then
      change(m)
    end
    answer = check.ok(e:request(m, pcscf or L.sip.pcscf), "an answer")
    answer:set("Contact", "<" .. u.contact .. ">;expires=600")
    m = p:answer(answer)
  end
  check.eq(answer.status, 200)
  return answer
end

-- --- transport ---

test("the answer goes to the source port, whatever Via says", function()
  local e, u = endpoint(L.ip.other), L:ue(1)
  local m = u:steps():start()
  m:insert("Via", "SIP/2.0/UDP 192.0.2.77:4444;branch=" .. sip.branch() .. ";rport")
  e:send(m, L.sip.pcscf)
  local r = check.ok(e:recv({ match = function(x) return x.status == 401 end }), "the 401")
  check.eq(r:param("Via", "rport"), tostring(e.port))
  check.eq(r:param("Via", "received"), e.host)
  -- without rport: source address, port of Via (RFC 3261 18.2.2)
  local second = endpoint(L.ip.other)
  m:set("CSeq", "2 REGISTER")
  m:set("Via", ("SIP/2.0/UDP 192.0.2.77:%d;branch=%s"):format(second.port, sip.branch()))
  e:send(m, L.sip.pcscf)
  r = check.ok(second:recv({ match = function(x) return x.status == 401 end }), "the 401 at the other port")
  check.eq(r:param("Via", "received"), e.host)
  e:close()
  second:close()
  u:close()
end)

test("a UE behind a translator is reached where it registered from", function()
  local e, u, b = endpoint(L.ip.other), L:ue(1), registered(2)
  local p = u:steps()
  local m = p:start()
  while m do
    m:set("Contact", "<sip:user@192.0.2.77:4444>") -- the address it believes to have
    local answer = check.ok(e:request(m, L.sip.pcscf))
    if answer.status == 200 then
      break
    end
    m = p:answer(answer)
  end
  check.ok(m, "registered")
  local r = requesting(b, { method = "MESSAGE", to = A, body = "x" }, function()
    local got = e:expect("MESSAGE")
    check.eq(got.uri, "sip:user@192.0.2.77:4444")
    e:reply(got, 200)
  end)
  check.eq(r.status, 200)
  e:close()
  u:close()
  b:deregister({})
  b:close()
end)

test("a long REGISTER goes on over TCP", function()
  local u = L:ue(1, { udp_max = 60000 })
  local r = u:register({ mutate = function(m) m:add("User-Agent", ("x"):rep(1300)) end })
  check.eq(r.verdict, "registered")
  local function legs(node, sum)
    local out = {}
    for _, e in ipairs(L:events(node, { ev = "sip", call_id = r.call_id, sum = sum })) do
      out[#out + 1] = e.dir .. " " .. e.proto
    end
    return out
  end
  check.eq(legs("pcscf", "~^REGISTER"), { "in UDP", "out TCP", "in UDP", "out TCP" })
  check.eq(legs("scscf", "~^REGISTER"), { "in TCP", "in TCP" })
  u:close()
end)

test("IPv6 UE and IPv4 core", function()
  local six, four = registered(1, { pcscf = L.pcscf6, local_addr = "[::1]:0" }), registered(2)
  check.has(six.contact, "@[::1]:")
  check.contains(message(six, four, B):values("P-Asserted-Identity"), "<" .. A .. ">")
  check.contains(message(four, six, A):values("P-Asserted-Identity"), "<" .. B .. ">")
  local d, back = call(six, four, B)
  local r = requesting(four, within(back, "BYE"), function() check.ok(six:expect_request({ method = "BYE" })):reply(200) end)
  check.eq(r.status, 200)
  d, back = call(four, six, A)
  r = requesting(four, within(d, "BYE"), function() check.ok(six:expect_request({ method = "BYE" })):reply(200) end)
  check.eq(r.status, 200)
  six:close()
  four:close()
end)

for _, transport in ipairs({ "udp", "tcp" }) do
  test("calls in both directions over " .. transport, function()
    local a, b = registered(1, { transport = transport }), registered(2)
    for _, pair in ipairs({ { a, b, B }, { b, a, A } }) do
      local caller, callee, uri = table.unpack(pair)
      message(caller, callee, uri)
      for _, who in ipairs({ "caller", "callee" }) do
        local d, back = call(caller, callee, uri)
        local from, to, o = caller, callee, within(d, "BYE")
        if who == "callee" then
          from, to, o = callee, caller, within(back, "BYE")
        end
        local r = requesting(from, o, function()
          local bye = check.ok(to:expect_request({ method = "BYE" }), "the BYE of the " .. who)
          check.eq(bye.msg:get("Call-ID"), d.call_id)
          bye:reply(200)
        end)
        check.eq(r.status, 200)
      end
    end
    a:deregister({})
    a:close()
    b:close()
  end)
end

test("TCP: the connection is lost and comes back", function()
  local e, u, b = endpoint(own_address(), "tcp"), L:ue(1), registered(2)
  register_over(e, u)
  local function lose()
    for _, c in ipairs(e.conns) do
      c.c:close()
    end
    e.conns = {}
  end
  -- the network finds the UE at its contact
  lose()
  local r = requesting(b, { method = "MESSAGE", to = A, body = "x" }, function()
    e:reply(e:expect("MESSAGE"), 200)
  end)
  check.eq(r.status, 200)
  -- the UE comes back by itself, with one of its identities
  lose()
  local m = raw("MESSAGE", B, { { "P-Preferred-Identity", "<" .. A .. ">" } })
  local t = async(e.request, e, m, L.sip.pcscf)
  local got = check.ok(b:expect_request({ method = "MESSAGE" }), "the MESSAGE arrives")
  check.eq(got.msg:values("P-Asserted-Identity"), { "<" .. A .. ">" })
  got:reply(200)
  check.eq(t:wait(20).status, 200)
  -- from another address it is nobody
  lose()
  local thief = endpoint(L.ip.ue, "tcp")
  check.eq(thief:request(raw("MESSAGE", B, { { "P-Preferred-Identity", "<" .. A .. ">" } }), L.sip.pcscf).status, 403)
  -- nor where two are registered
  local neighbour = endpoint(e.host, "tcp")
  register_over(neighbour, L:ue(3))
  check.eq(e:request(raw("MESSAGE", B, { { "P-Preferred-Identity", "<" .. A .. ">" } }), L.sip.pcscf).status, 403)
  -- while the first connection lives, a second one of the same address is nobody either
  register_over(e, u)
  local second = endpoint(e.host, "tcp")
  check.eq(second:request(raw("MESSAGE", B, { { "P-Preferred-Identity", "<" .. A .. ">" } }), L.sip.pcscf).status, 403)
  for _, x in ipairs({ e, thief, second, neighbour }) do
    x:close()
  end
  u:close()
  b:close()
end)

test("a long request of a UE that registered over UDP comes over TCP", { "PC-002" }, function()
  local ip = own_address()
  local a, b = registered(1, { local_addr = ip .. ":0" }), registered(2)
  local got = message(a, b, B, { body = ("x"):rep(3000) })
  check.eq(got:values("P-Asserted-Identity"), { "<" .. A .. ">" })
  check.ok(L:events("pcscf", { call_id = got:get("Call-ID"), dir = "in", proto = "TCP", sum = "~^MESSAGE" })[1])
  -- from elsewhere, or where two are, nobody is taken for A
  local function refused(ip_of)
    local thief = endpoint(ip_of, "tcp")
    check.eq(thief:request(raw("MESSAGE", B, { { "P-Preferred-Identity", "<" .. A .. ">" } }), L.sip.pcscf).status, 403)
    thief:close()
  end
  refused(L.ip.other)
  local c = registered(3, { local_addr = ip .. ":0" })
  refused(ip)
  for _, u in ipairs({ a, b, c }) do
    u:close()
  end
end)

test("two phones of one IMPI", function()
  local one = registered(1, { instance = "urn:uuid:00000000-0000-4000-8000-000000000001" })
  local two = registered(1, { instance = "urn:uuid:00000000-0000-4000-8000-000000000002" })
  local b = registered(2)
  for _, u in ipairs({ one, two }) do
    check.contains(message(u, b, B):values("P-Asserted-Identity"), "<" .. A .. ">")
  end
  check.eq(one:deregister({}).verdict, "deregistered")
  check.eq(one:message({ to = B }).status, 403, "the first is gone")
  message(two, b, B)
  message(b, two, A)
  for _, u in ipairs({ one, two, b }) do
    u:close()
  end
end)

test("a new contact takes the place of the old one in the same REGISTER", function()
  local u, b = registered(1), registered(2)
  local old = endpoint(L.ip.other)
  local gone = old:uri("gone")
  check.eq(u:register({ mutate = function(m)
    m:set("Contact", ("<%s>;expires=0, %s"):format(gone, m:get("Contact")))
  end }).verdict, "registered")
  message(u, b, B)
  message(b, u, A)
  old:close()
  u:close()
  b:close()
end)

-- --- who is nobody ---

test("from whom the P-CSCF does not know only REGISTER is taken", { "AKA-014", "PC-026" }, function()
  local e, b = endpoint(L.ip.other), registered(2)
  for _, method in ipairs({ "OPTIONS", "INVITE", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "BYE", "CARROT" }) do
    for _, uri in ipairs({ B, "sip:" .. L.sip.pcscf, b.contact }) do
      local m = raw(method, uri, { { "Contact", "<" .. e:uri() .. ">" } })
      local r = check.ok(e:request(m, L.sip.pcscf), method)
      check.eq(r.status, 403, method)
      for _, name in ipairs({ "Allow", "Accept", "Accept-Encoding", "Supported", "Server", "Record-Route", "Contact" }) do
        check.no(r:get(name), method .. " reveals " .. name)
      end
      check.eq(L:verdict({ node = "pcscf", call_id = m:get("Call-ID") }).cause, "not_registered", method)
    end
  end
  check.no(b:expect_request({ timeout = 0.2 }), "nothing reaches the UE")
  e:close()
  b:close()
end)

test("a malformed REGISTER is answered and has its verdict", function()
  local e, u = endpoint(L.ip.other), L:ue(1)
  local spoil = {
    ["Malformed From"] = function(m) m:set("From", "<<<") end,
    ["CSeq Method Differs"] = function(m) m:set("CSeq", "1 INVITE") end,
    ["Malformed Contact"] = function(m) m:set("Contact", "<sip:a@b>;expires=never") end,
    ["Malformed Expires"] = function(m) m:set("Expires", "soon") end,
    ["Malformed Authorization"] = function(m) m:set("Authorization", "Digest username=\"x") end,
  }
  for why, change in tables.ordered(spoil) do
    local m = u:steps():start()
    change(m)
    local r = check.ok(e:request(m, L.sip.pcscf), why)
    check.eq(r.status, 400, why)
    check.eq(r.reason, why)
    local v = L:verdict({ node = "pcscf", call_id = m:get("Call-ID") })
    check.eq({ v.cause, v.status, v.outcome }, { "malformed", 400, "refused" }, why)
    u:close()
    u = L:ue(1)
  end
  e:close()
  u:close()
end)

test("the other nodes give a verdict for a malformed REGISTER too", function()
  local e, u = endpoint(L.ip.pcscf), L:ue(1)
  for _, node in ipairs({ "icscf", "scscf" }) do
    local m = u:steps():start()
    m:set("From", "<<<")
    local r = check.ok(e:request(m, L.sip[node]), node)
    check.eq(r.status, 400, node)
    local v = L:verdict({ node = node, call_id = m:get("Call-ID") })
    check.eq({ v.cause, v.status, v.outcome }, { "malformed", 400, "refused" }, node)
    u:close()
    u = L:ue(1)
  end
  e:close()
  u:close()
end)

-- --- what a UE cannot do ---

test("another's identity is not asserted", { "PC-002" }, function()
  local a, b, victim = registered(1), registered(2), registered(3)
  local forged = "sip:+15550003@" .. D
  local got = message(a, b, B, { preferred_identity = forged, from = forged, headers = {
    { "P-Asserted-Identity", "<" .. forged .. ">" }, { "P-Served-User", "<" .. forged .. ">;sescase=orig" },
    { "P-Charging-Vector", "icid-value=forged" }, { "P-Charging-Function-Addresses", "ccf=forged.example" },
    { "P-Visited-Network-ID", "forged.example" }, { "Path", "<sip:forged.example;lr>" },
  } })
  check.eq(got:values("P-Asserted-Identity"), { "<" .. A .. ">" })
  for _, name in ipairs({ "P-Preferred-Identity", "P-Charging-Vector", "P-Charging-Function-Addresses", "P-Served-User",
    "P-Visited-Network-ID", "Path" }) do
    check.no(got:get(name), name)
  end
  check.hasnt(got:text(), "forged.example")
  -- the Service-Route of another
  got = message(a, b, B, { route = false, headers = { { "Route", victim.service_route } } })
  check.eq(got:values("P-Asserted-Identity"), { "<" .. A .. ">" })
  for _, u in ipairs({ a, b, victim }) do
    u:close()
  end
end)

test("core-only fields of a REGISTER do not pass", { "COEX-003", "PC-001" }, function()
  local mark, u = L:mark(), L:ue(1)
  local r = u:register({ mutate = function(m)
    m:change_auth(function(a) a:set("integrity-protected", "yes") end)
    m:add("Path", "<sip:thief@" .. L.ip.other .. ":5060;lr>")
    m:add("Route", "<sip:" .. L.sip.scscf .. ";lr>")
    m:add("P-Visited-Network-ID", "elsewhere.example")
    m:add("P-Charging-Vector", "icid-value=forged")
    m:add("P-Asserted-Identity", "<" .. B .. ">")
  end })
  check.eq(r.verdict, "registered")
  check.eq(r.challenges, 1, "it was challenged all the same")
  check.eq(#r.response:values("Path"), 1)
  check.hasnt(r.path, "thief")
  check.eq(#L:events("scscf", { since = mark, sum = "~integrity%-protected=yes" }), 0)
  u:close()
end)

test("the keys of a challenge stay here", function()
  local u = L:ue(1)
  local challenge
  check.eq(u:register({ receive = function(m) challenge = challenge or m end }).verdict, "registered")
  check.eq(challenge.status, 401)
  for _, name in ipairs({ "ik", "ck" }) do
    check.no(challenge:auth()[name], name)
  end
  check.above(#L:events("pcscf", { dir = "in", call_id = challenge:get("Call-ID"), sum = "~ik, ck$" }), 0, "they came")
  u:close()
end)

test("a UE does not send from where it is not registered", { "PC-002" }, function()
  local a, b = registered(1), registered(2)
  local e = endpoint(L.ip.other)
  -- another address, and another port of the same address
  for _, ip in ipairs({ L.ip.other, L.ip.ue }) do
    local thief = endpoint(ip)
    local r = thief:request(raw("MESSAGE", B, { { "Route", "<sip:" .. L.sip.pcscf .. ";lr>" }, { "Route", a.service_route },
      { "P-Preferred-Identity", "<" .. A .. ">" }, { "P-Asserted-Identity", "<" .. A .. ">" } }), L.sip.pcscf)
    check.eq(r.status, 403)
    thief:close()
  end
  -- straight to the S-CSCF, with the Service-Route of A
  local r = e:request(raw("MESSAGE", B, { { "Route", a.service_route }, { "P-Asserted-Identity", "<" .. A .. ">" } }),
    L.sip.scscf)
  check.eq(r.status, 403)
  check.no(b:expect_request({ timeout = 0.2 }), "nothing arrives")
  e:close()
  a:close()
  b:close()
end)

test("a UE cannot pass for the core", function()
  local a, b = registered(1), registered(2)
  local e = endpoint(L.ip.other)
  local d = call(a, b, B)
  local forged = { { "P-Asserted-Identity", "<sip:+15550003@" .. D .. ">" } }
  local function try(what, routes, to_tag)
    local m = raw("MESSAGE", a.contact, forged)
    m:set("Call-ID", d.call_id)
    if to_tag then
      m:set("To", d.to)
    end
    for _, r in ipairs(routes) do
      m:add("Route", r)
    end
    local answer = check.ok(e:request(m, L.sip.pcscf), what)
    check.eq(answer.status, 403, what)
    check.eq(L:verdict({ node = "pcscf", call_id = d.call_id, cause = "not_registered" }).status, 403, what)
  end
  -- what the other end of a call knows: the Record-Route values of it
  for _, route in ipairs(d.routes) do
    if route:find("@" .. L.sip.pcscf, 1, true) or route:find("@pcscf.", 1, true) then
      try("a Record-Route of the call", { route }, true)
      try("the same in a new request", { route }, false)
    end
  end
  try("the Path of A", { a.last.path }, false)
  try("made up", { "<sip:d00000001.0123456789abcdef@" .. L.sip.pcscf .. ";lr>" }, false)
  check.no(a:expect_request({ timeout = 0.2 }), "nothing reaches A")
  e:close()
  a:close()
  b:close()
end)

test("within a call requests go along its S-CSCF alone", function()
  local a, b = registered(1), registered(2)
  local e = endpoint(L.ip.other)
  local d = call(a, b, B)
  local own = { d.routes[1], d.routes[2] }
  local function elsewhere(routes)
    local o = within(d, "INFO", routes)
    o.timeout = 2
    local t = async(a.request, a, o)
    local got = e:recv({ timeout = 0.5 })
    check.no(got, "the P-CSCF sends nothing to where a UE wants")
    local rq = b:expect_request({ method = "INFO", timeout = 0.5 })
    if rq then
      rq:reply(200)
    end
    t:wait(20)
  end
  elsewhere({ own[1], own[2], "<" .. e:uri("x") .. ";lr>" })
  local plain = within(d, "INFO", own)
  plain.uri = e:uri("x")
  local t = async(a.request, a, plain)
  local got = e:recv({ timeout = 0.5 })
  check.no(got and got.from == L.sip.pcscf, "nor to the Request-URI")
  if got then -- the S-CSCF decides about it
    e:reply(got, 403)
  end
  t:wait(20)
  e:close()
  a:close()
  b:close()
end)

test("a request for a registration of an earlier life is told so", function()
  local a, b = registered(1), registered(2)
  L:restart("pcscf")
  check.eq(b:register({}).verdict, "registered")
  local r = b:message({ to = A })
  check.eq(r.status, 480)
  check.eq(L:verdict({ node = "pcscf", call_id = r.request:get("Call-ID") }).cause, "identity_not_registered")
  check.eq(a:register({}).verdict, "registered")
  message(b, a, A)
  a:close()
  b:close()
end)

return test.finish()
