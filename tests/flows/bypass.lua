-- SPDX-License-Identifier: BSD-3-Clause
-- Past the P-CSCF: what a UE, or a node at a wrong address, gets from I-CSCF, S-CSCF and HSS, and what the P-CSCF hears from outside
-- its access networks (TS 33.203 Annex J).
local check = require "check"
local dia = require "dia_peer"
local lab = require "lab"
local tables = require "tables"
local test = require "test"

local d = lab.domain
local A, B, VICTIM = "sip:+15550001@" .. d, "sip:+15550002@" .. d, "sip:+15550003@" .. d
local SPARE = "spare." .. d -- a Diameter peer that nobody plays otherwise

-- The CSCFs take SIP from each other and from ip.tap; the HSS takes each identity from its address; UEs live at ip.ue alone.
local L = lab.start({
  pcscf = { access = { only_ranges = true } },
  scscf = { registration = { overflow = "replace_oldest" } },
  configure = function(l)
    local ip, c = l.ip, l.conf
    for _, node in ipairs({ "icscf", "scscf" }) do
      c[node].trusted = { ip.pcscf, ip.icscf .. "/32", ip.scscf, ip.tap }
      c[node].diameter["local"] = ip[node]
    end
    c.hss.diameter.peers = { { identity = "icscf." .. d, from = { ip.icscf } }, { identity = "scscf." .. d, from = { ip.scscf .. "/32" } },
      { identity = SPARE, from = { ip.icscf, ip.tap } } }
    c.pcscf.access.ranges = { { prefix = ip.ue .. "/32" } }
  end,
})

local function registered(n)
  local u = L:ue(n)
  check.eq(u:register({ expires = 3600 }).verdict, "registered")
  return u
end

local a, b, victim = registered(1), registered(2), registered(3)

local function endpoint(ip, transport)
  return assert(sip.endpoint({ addr = ip .. ":0", transport = transport }))
end

local function request(method, uri, fields)
  local m = sip.message([[
    ${method} ${uri} SIP/2.0
    Max-Forwards: 70
    From: <${victim}>;tag=${tag}
    To: <${uri}>
    Call-ID: ${call_id}
    CSeq: 1 ${method}
    Contact: <sip:mallory@192.0.2.1>]], { method = method, uri = uri, victim = VICTIM, tag = random.token(), call_id = random.token() })
  sip.add_headers(m, fields)
  return m
end

-- What a P-CSCF would write, in every mixture that a liar may try.
local DISGUISES = {
  plain = {},
  ["asserted identity"] = { { "P-Asserted-Identity", "<" .. VICTIM .. ">" } },
  ["Service-Route"] = { { "Route", a.service_route }, { "P-Asserted-Identity", "<" .. A .. ">" } },
  ["Path of the P-CSCF"] = { { "Path", victim.last.path }, { "Require", "path" } },
  ["all of it"] = { { "Route", a.service_route }, { "P-Asserted-Identity", "<" .. VICTIM .. ">" }, { "Path", a.last.path },
    { "P-Visited-Network-ID", d }, { "P-Charging-Vector", "icid-value=forged" }, { "P-Served-User", "<" .. VICTIM .. ">;sescase=orig" } },
}

-- A Via as the P-CSCF writes it; rport brings the answer back to the liar.
local function forged_via(transport)
  return ("SIP/2.0/%s pcscf.%s:5060;branch=%s;rport"):format(transport:upper(), d, sip.branch())
end

-- A mark when what went before has been told to its end.
local function settled()
  local before, mark = nil, L:mark()
  repeat
    sleep(0.1)
    before, mark = mark, L:mark()
  until json.encode(before) == json.encode(mark)
  return mark
end

-- Since mark: the node answered, and did nothing else for it; nobody asked the HSS; no phone got anything.
local function no_service(node, mark, what)
  for _, e in ipairs(L:events(node, { ev = "sip", dir = "out", since = mark })) do
    check.has(e.sum, "403", what .. ": the " .. node .. " sends nothing but its refusal")
  end
  check.eq(#L:events("hss", { ev = "cx", since = mark }), 0, what .. ": the HSS is not asked")
  for _, u in ipairs({ a, b, victim }) do
    check.no(u:expect_request({ timeout = 0 }), what .. ": a phone got it")
  end
end

-- Sends m to a node from where a UE lives: 403 and its verdict.
local function refused(e, m, node, what)
  local r = check.ok(e:request(m, L.sip[node]), what .. ": an answer")
  check.eq(r.status, 403, what)
  local v = L:verdict({ node = node, call_id = m:get("Call-ID") })
  check.eq({ v.cause, v.outcome, v.status }, { "untrusted_source", "refused", 403 }, what)
  check.has(v.evidence, e.host, what)
end

-- The same with a Via of the P-CSCF, which Endpoint:request would not write.
local function refused_via(e, m, node, what)
  m:insert("Via", forged_via(e.transport))
  assert(e:send(m, L.sip[node]))
  local r = check.ok(e:recv({ match = function(x) return x.status ~= nil end }), what .. ": an answer")
  check.eq(r.status, 403, what)
  check.eq(L:verdict({ node = node, call_id = m:get("Call-ID") }).cause, "untrusted_source", what)
end

local METHODS = { "INVITE", "MESSAGE", "BYE", "OPTIONS", "SUBSCRIBE", "NOTIFY", "PUBLISH", "REFER", "UPDATE", "CARROT" }

for _, transport in ipairs({ "udp", "tcp" }) do
  for _, node in ipairs({ "icscf", "scscf" }) do
    test(("a UE gets nothing of the %s over %s"):format(node, transport), { "BYP-001", "BYP-005" }, function()
      local e, mark = endpoint(L.ip.ue, transport), settled()
      for what, fields in tables.ordered(DISGUISES) do
        for _, method in ipairs(METHODS) do
          refused(e, request(method, B, fields), node, method .. ", " .. what)
        end
      end
      no_service(node, mark, transport)
      e:close()
    end)

    test(("a REGISTER that claims to come from the P-CSCF is refused by the %s over %s"):format(node, transport),
      { "BYP-001", "BYP-003" }, function()
        local e, mark = endpoint(L.ip.ue, transport), settled()
        for _, kind in ipairs({ "register", "deregister" }) do
          for what, fields in tables.ordered(DISGUISES) do
            local thief = L:ue(3)
            local m = thief:steps(kind).start()
            m:change_auth(function(x) x:set("integrity-protected", "yes") end)
            sip.add_headers(m, fields)
            refused_via(e, m, node, kind .. ", " .. what)
            thief:close()
          end
        end
        no_service(node, mark, transport)
        check.eq(L:impu_state(3), "registered", "the victim stays")
        e:close()
      end)
  end
end

test("the allow list alone decides who is served", { "BYP-005" }, function()
  for _, node in ipairs({ "icscf", "scscf" }) do
    for ip, status in tables.ordered({ [L.ip.tap] = 401, [L.ip.ue] = 403, [L.ip.other] = 403, [L.ip.second] = 403 }) do
      for _, transport in ipairs({ "udp", "tcp" }) do
        local e, u = endpoint(ip, transport), L:ue(3)
        local m = u:steps("register").start()
        m:set("Path", "<" .. e:uri("p") .. ";lr>"):set("P-Visited-Network-ID", d)
        check.eq(check.ok(e:request(m, L.sip[node]), "an answer").status, status, node .. " to " .. ip)
        e:close()
        u:close()
      end
    end
  end
end)

-- --- another user's identity, other users' calls ---

-- INVITE of a to b; what came to b. The task ends with the final answer.
local function ring()
  local task = async(a.request, a, { method = "INVITE", to = B, body = "v=0", content_type = "application/sdp" })
  local rq = check.ok(b:expect_request({ method = "INVITE" }), "the INVITE arrives")
  rq:reply(180)
  return task, rq
end

test("a direct INVITE or BYE with the identity of another has no effect", { "BYP-002" }, function()
  local task, rq = ring()
  rq:reply(200, nil, { Contact = "<" .. b.contact .. ">" })
  check.ok(b:expect_request({ method = "ACK" }))
  local answered = task:wait(20).response
  local e, mark = endpoint(L.ip.ue), settled()
  local bye = request("BYE", b.contact, { { "P-Asserted-Identity", "<" .. A .. ">" } })
  bye:set("From", rq.msg:get("From")):set("To", answered:get("To")):set("Call-ID", rq.msg:get("Call-ID")):set("CSeq", "9 BYE")
  local routes = answered:values("Record-Route")
  for i = #routes, 1, -1 do
    bye:add("Route", routes[i])
  end
  for first = 1, #routes do -- with the whole route set, and from each node of it on
    local m = bye:copy()
    m:remove("Route")
    for i = #routes - first + 1, 1, -1 do
      m:add("Route", routes[i])
    end
    check.eq(check.ok(e:request(m, L.sip.scscf)).status, 403, "BYE")
  end
  for _, node in ipairs({ "icscf", "scscf" }) do
    for _, method in ipairs({ "INVITE", "MESSAGE" }) do
      refused(e, request(method, B, DISGUISES["all of it"]), node, method)
      refused(e, request(method, b.contact, DISGUISES["asserted identity"]), node, method)
    end
  end
  no_service("scscf", mark, "the liar")
  -- the call goes on until one of its ends ends it
  local mine = async(a.request, a, { method = "BYE", to = b.contact, uri = b.contact, route = false, preferred_identity = false,
    call_id = rq.msg:get("Call-ID"), cseq = 10, mutate = function(m)
      m:set("From", rq.msg:get("From")):set("To", answered:get("To"))
      for i = #routes, 1, -1 do
        m:add("Route", routes[i])
      end
    end })
  check.ok(b:expect_request({ method = "BYE" }), "the BYE of the caller"):reply(200)
  check.eq(mine:wait(20).status, 200)
  e:close()
end)

-- The Vias that the called end sees, without those above the first one that fits.
local function vias_from(rq, fits)
  local out = {}
  for _, via in ipairs(rq.msg:values("Via")) do
    if #out > 0 or fits(via) then
      out[#out + 1] = via
    end
  end
  return out
end

local function sent_by(node)
  return function(via)
    return via:find(node .. "." .. d, 1, true) or via:find(L.ip[node] .. ":", 1, true)
  end
end

-- All that is sent for one INVITE of a; how it ended for a.
local function under_attack(node, attack)
  local task, rq = ring()
  local e = endpoint(L.ip.ue)
  attack(e, rq)
  local v = L:verdict({ node = node, call_id = rq.msg:get("Call-ID"), cause = "untrusted_source" })
  check.eq(#L:events("scscf", { ev = "sip", dir = "out", sum = "~CANCEL", call_id = rq.msg:get("Call-ID") }), 0, "nobody is cancelled")
  rq:reply(486)
  local r = task:wait(20)
  check.eq(r.status, 486, "the answer is that of the called end")
  for _, response in ipairs(r.responses) do
    check.hasnt(response:text(), "mallory")
  end
  check.has(v.evidence, e.host)
  e:close()
end

test("a UE that knows the branches cannot cancel at the S-CSCF", { "BYP-002" }, function()
  under_attack("scscf", function(e, rq)
    local outer = vias_from(rq, sent_by("pcscf"))
    local via = outer[#outer - 1] -- of the P-CSCF on the way in; the last is of the caller
    check.ok(sent_by("pcscf")(via), via)
    local m = request("CANCEL", B)
    m:set("From", rq.msg:get("From")):set("Call-ID", rq.msg:get("Call-ID")):set("CSeq", rq.msg:get("CSeq"):gsub("INVITE", "CANCEL"))
    m:insert("Via", (via:gsub(";received=[^;]*", ""):gsub(";rport=%d*", ";rport")))
    e:send(m, L.sip.scscf)
  end)
end)

for _, node in ipairs({ "scscf", "icscf" }) do
  test("a UE that knows the branches cannot answer to the " .. node, { "BYP-002" }, function()
    under_attack(node, function(e, rq)
      local vias = vias_from(rq, sent_by(node))
      check.above(#vias, 1, "the Via of the " .. node)
      local m = rq.msg:reply(200, nil, { Contact = "<sip:mallory@192.0.2.1>", ["P-Asserted-Identity"] = "<" .. VICTIM .. ">" })
      m:remove("Via")
      for i = #vias, 1, -1 do
        m:insert("Via", vias[i])
      end
      e:send(m, L.sip[node])
    end)
  end)
end

-- --- Diameter ---

local function cer_result(from, identity)
  local p = dia.connect(L.cx, from)
  local result = p:ask(dia.cer(identity, d)).result
  if result ~= 2001 then
    p:is_closed()
  end
  p:close()
  return result
end

local function told(mark, identity, from)
  local v = L:verdict({ node = "hss", cause = "peer_refused", since = mark, evidence = "~^" .. identity:gsub("%p", "%%%0") })
  check.eq({ v.procedure, v.outcome }, { "Cx peer", "refused" })
  check.has(v.evidence, from)
end

test("the HSS speaks with configured identities only", { "BYP-001" }, function()
  for _, identity in ipairs({ "ue." .. d, "scscf2." .. d, "pcscf." .. d, "x" }) do
    local mark = L:mark()
    check.eq(cer_result(L.ip.ue, identity), 3010, identity)
    told(mark, identity, L.ip.ue)
  end
  -- nor without introduction
  local p = dia.connect(L.cx, L.ip.ue)
  p:send(dia.requests.MAR("scscf." .. d, d, { impi = a.impi, impu = A }))
  p:is_closed()
  p:close()
end)

test("a configured identity counts from its own address only", { "BYP-001", "BYP-003" }, function()
  for _, ip in ipairs({ L.ip.ue, L.ip.other, L.ip.scscf }) do
    local mark = L:mark()
    check.eq(cer_result(ip, SPARE), 3010, ip)
    told(mark, SPARE, ip)
  end
  for _, ip in ipairs({ L.ip.icscf, L.ip.tap }) do
    check.eq(cer_result(ip, SPARE), 2001, ip)
  end
end)

test("the place of a CSCF that is down is not taken by another", { "BYP-001", "BYP-003" }, function()
  L:stop_node("scscf")
  local mark = L:mark()
  check.eq(cer_result(L.ip.ue, "scscf." .. d), 3010)
  told(mark, "scscf." .. d, L.ip.ue)
  L:start_node("scscf")
  L:wait_cx({ scscf = mark.scscf })
  check.eq(a:register({}).verdict, "registered")
end)

-- --- the access ---

-- Speaks to the P-CSCF from where no UE lives.
local function unheard(l, ip)
  local mark, from = l:mark(), ip:gsub("%p", "%%%0")
  local e, u = endpoint(ip), l:ue(1)
  local m = u:steps():start()
  for _ = 1, 3 do
    m:set("Via", e:via())
    e:send(m, l.sip.pcscf)
    e:send("no SIP", l.sip.pcscf)
  end
  check.no(e:recv({ timeout = 0.5 }), "no answer to a datagram from " .. ip)
  local c = assert(net.tcp_connect(ip .. ":0", l.sip.pcscf, 5000))
  check.ok(wait_for(function() return c:state() == "closed" end, 20), "the connection from " .. ip .. " is closed")
  check.eq(#l:events("pcscf", { ev = "sip", dir = "in", since = mark }), 0, "nothing was read")
  local verdicts = l:events("pcscf", { ev = "verdict", cause = "outside_access", since = mark, evidence = "~^" .. from })
  e:close()
  u:close()
  return #verdicts
end

test("what comes from outside the access networks is dropped", { "BYP-004" }, function()
  check.eq(unheard(L, L.ip.other), 1, "told once")
  check.eq(unheard(L, L.ip.other), 0, "and counted from then on")
  check.eq(unheard(L, (L.ip.other:gsub("%d+$", "250"))), 1, "another address")
  -- those inside are served, and so is the core
  check.eq(a:register({}).verdict, "registered")
  local task = async(a.message, a, { to = B, body = "x" })
  check.ok(b:expect_request({ method = "MESSAGE" }), "the way through the core"):reply(200)
  check.eq(task:wait(20).status, 200)
end)

for _, u in ipairs({ a, b, victim }) do
  u:close()
end

-- A P-CSCF with a side of its own for the core.
local sides = lab.start({
  nodes = { "pcscf" },
  pcscf = { access = { only_ranges = true } },
  configure = function(l)
    l.core_side = l.ip.second .. ":5060"
    l.conf.pcscf.sip.listen = { "udp:" .. l.core_side, "tcp:" .. l.core_side }
    l.conf.pcscf.access.ranges = { { prefix = l.ip.ue } }
    l.conf.pcscf.trusted = { l.ip.tap }
  end,
})

test("a side for the core hears the allow list, Gm the access networks", { "BYP-004", "BYP-005" }, function()
  local l = sides
  check.eq(unheard(l, l.ip.tap), 1, "an address of the core on Gm")
  check.eq(unheard(l, l.ip.other), 1)
  for _, transport in ipairs({ "udp", "tcp" }) do
    for ip, cause in tables.ordered({ [l.ip.other] = "untrusted_source", [l.ip.ue] = "untrusted_source", [l.ip.tap] = false }) do
      local e = endpoint(ip, transport)
      local m = request("MESSAGE", "sip:a@" .. l.ip.ue, { { "P-Asserted-Identity", "<" .. VICTIM .. ">" } })
      local r = check.ok(e:request(m, l.core_side), "an answer to " .. ip)
      if cause then
        check.eq(r.status, 403, ip)
        check.eq(l:verdict({ node = "pcscf", call_id = m:get("Call-ID") }).cause, cause, ip)
      else
        check.ne(r.status, 403, ip)
      end
      e:close()
    end
  end
end)

return test.finish()
