-- SPDX-License-Identifier: BSD-3-Clause
-- A Diameter peer without manners against the real HSS, I-CSCF and S-CSCF: everything gets the answer of the base protocol or the
-- end of the connection (docs/diameter.md), and a phone registers after each, over the connections of the decent peers.
local check = require "check"
local dia = require "dia_peer"
local lab = require "lab"
local tables = require "tables"
local test = require "test"

local d = lab.domain
local EVIL, FLOOD, SLOW, STRANGER = "evil." .. d, "flood." .. d, "slow." .. d, "stranger." .. d
local LOW, HIGH = "a-peer." .. d, "z-peer." .. d -- before and after "icscf" in the election
local UNKNOWN_CODE, SILENT, V, M = 4711, 30, 0x80, 0x40

local L = lab.start({ configure = function(l)
  for _, name in ipairs({ EVIL, FLOOD, SLOW }) do
    table.insert(l.conf.hss.diameter.peers, { identity = name })
  end
  for _, node in ipairs({ "icscf", "scscf" }) do
    l.conf[node].diameter.listen = { l.ip[node] .. ":3868" }
    table.insert(l.conf[node].diameter.peers, { identity = EVIL, priority = 900 }) -- nothing is asked of it
  end
  for i, name in ipairs({ LOW, HIGH }) do
    table.insert(l.conf.icscf.diameter.peers, { identity = name, address = l.ip.other .. ":" .. 3868 + i, priority = 900 })
  end
end })

local NODES = { hss = L.cx, icscf = L.ip.icscf .. ":3868", scscf = L.ip.scscf .. ":3868" }
local phone = L:ue(1)
local impi = L.subscribers[2].imsi .. "@" .. d
local USER = { hss = { impi = impi, impu = "sip:" .. impi }, scscf = { impi = impi, impu = "sip:" .. impi, host = "scscf." .. d } }

local function serves(what)
  check.eq(phone:register({}).verdict, "registered", "a phone after " .. what)
  for node in tables.ordered(NODES) do
    check.ok(L.procs[node]:running(), node)
  end
end

local peers = {}

local function connect(node)
  peers[#peers + 1] = dia.connect(NODES[node], L.ip.other)
  return peers[#peers]
end

local function open(node)
  peers[#peers + 1] = dia.open(NODES[node], L.ip.other, EVIL, d)
  return peers[#peers]
end

-- A test whose connections are closed when it ends, well or not.
local function scenario(name, fn)
  test(name, {}, function()
    local ok, why = pcall(fn)
    for _, p in ipairs(peers) do
      p:close()
    end
    peers = {}
    if not ok then
      error(why, 0)
    end
  end)
end

local function cer(who)
  return dia.cer(who or EVIL, d)
end

local function base_request(node, name)
  return dia.requests[name](EVIL, d, USER[node])
end

-- Not an error of the base protocol: a result of Cx, or success.
local function is_served(m)
  check.ok(m.experimental or m.result == 2001, ("served, not %s"):format(tostring(m.result)))
end

-- --- a silent crowd, to be gone at the end of the file ---

local crowd = {}
for _, address in tables.ordered(NODES) do
  for i = 1, SILENT do
    crowd[#crowd + 1] = dia.connect(address, L.ip.other)
    if i % 2 == 0 then
      crowd[#crowd]:send(cer():octets():sub(1, i)) -- a part of CER, and no more
    end
  end
end

-- --- messages on an open connection ---

local function unknown(flags, vendor)
  return dia.avp(UNKNOWN_CODE, "what", { flags = flags, vendor = vendor })
end

-- Groups in groups: Failed-AVP may hold anything.
local function nested(depth)
  local octets = unknown(0)
  for _ = 1, depth do
    octets = dia.avp(dia.code["Failed-AVP"], octets, { flags = M })
  end
  return octets
end

-- What is wrong with a request, its result, and the code of the AVP that Failed-AVP shows.
local faults = {
  { "unknown AVP with M", 5001, UNKNOWN_CODE, function(m) m:add(unknown(M)) end },
  { "unknown AVP without M", "served", nil, function(m) m:add(unknown(0)) end },
  { "unknown AVP of another vendor with M", 5001, UNKNOWN_CODE, function(m) m:add(unknown(M, 99)) end },
  { "unknown AVP of another vendor without M", "served", nil, function(m) m:add(unknown(0, 99)) end },
  { "unknown AVP with M in a group", 5001, UNKNOWN_CODE, function(m)
    m:set("Vendor-Specific-Application-Id", { dia.item("Vendor-Id", 10415), dia.item("Auth-Application-Id", 16777216),
      { octets = unknown(M) } })
  end },
  { "V bit with vendor 0", 3009, UNKNOWN_CODE, function(m) m:add(dia.avp(UNKNOWN_CODE, "what", { flags = 0, vendor = 0 })) end },
  { "length of an AVP below its header", 5014, UNKNOWN_CODE, function(m) m:add(dia.avp(UNKNOWN_CODE, "what", { length = 7 })) end },
  { "length 0 of an AVP", 5014, UNKNOWN_CODE, function(m) m:add(dia.avp(UNKNOWN_CODE, "what", { length = 0 })) end },
  { "length of an AVP without room for its vendor", 5014, UNKNOWN_CODE, function(m)
    m:add(dia.avp(UNKNOWN_CODE, "what", { vendor = 10415, length = 11 }))
  end },
  { "length of an AVP past the end", 5014, UNKNOWN_CODE, function(m) m:add(dia.avp(UNKNOWN_CODE, "what", { length = 13 })) end },
  { "length of an AVP 16 MB", 5014, UNKNOWN_CODE, function(m) m:add(dia.avp(UNKNOWN_CODE, "what", { length = 0xffffff })) end },
  { "four octets that are no AVP", 5014, nil, function(m) m:add("\0\0\1\7") end },
  { "number of three octets", 5014, 277, function(m) m:replace("Auth-Session-State", dia.avp(277, "\0\0\1")) end },
  { "number of five octets", 5014, 277, function(m) m:replace("Auth-Session-State", dia.avp(277, "\0\0\0\0\1")) end },
  { "group full of nonsense", 5014, nil, function(m) m:replace("Vendor-Specific-Application-Id", dia.avp(260, ("\255"):rep(9))) end },
  { "groups in groups in groups", 5004, 279, function(m) m:add(nested(60)) end },
  { "value outside the enumeration", 5004, 277, function(m) m:set("Auth-Session-State", 7) end },
  { "host name of control characters", 5004, 264, function(m) m:set("Origin-Host", "e\1\2") end },
  { "empty host name", 5004, 264, function(m) m:set("Origin-Host", "") end },
  { "AVP twice", 5009, 264, function(m) m:add("Origin-Host", EVIL) end },
  { "Session-Id at the end", 5005, 263, function(m) m:drop("Session-Id"):add("Session-Id", "x;1;2") end },
  { "another application", 3007, nil, function(m) m.application = 16777217 end },
  { "application 0", 3001, nil, function(m) m.application = 0 end },
  { "unknown command", 3001, nil, function(m) m.command = 999 end },
  { "E bit", 3008, nil, function(m) m.flags = m.flags | 0x20 end },
  { "another Destination-Realm", 3003, nil, function(m) m:set("Destination-Realm", "example.com") end },
  { "the name of the node in Route-Record", 3005, nil, function(m, node) m:add("Route-Record", node .. "." .. d) end },
  { "another Destination-Host", 3002, nil, function(m)
    m = m:at("Destination-Host") and m:drop("Destination-Host") or m
    m:add("Destination-Host", "elsewhere." .. d)
  end },
  { "somebody else's Origin-Host", "served", nil, function(m) m:set("Origin-Host", STRANGER) end }, -- as a relay passes it on
  { "no AVP at all", 5005, 263, function(m) m.items = {} end },
  { "AVPs beyond number", "served", nil, function(m) m:add(unknown(0):rep(4000)) end },
}

local function expect(m, result, code)
  if result == "served" then
    return is_served(m)
  end
  check.no(m.experimental, "a result of the base protocol")
  check.eq(m.result, result)
  check.eq(code and dia.failed(m), code, "the AVP in Failed-AVP")
end

for _, at in ipairs({ { "hss", "UAR" }, { "hss", "MAR" }, { "scscf", "RTR" }, { "scscf", "PPR" } }) do
  local node, name = table.unpack(at)
  scenario(("wrong %ss to the %s"):format(name, node), function()
    local p = open(node)
    for _, row in ipairs(faults) do
      local m = base_request(node, name)
      row[4](m, node)
      local ok, why = pcall(function()
        expect(p:ask(m), row[2], row[3])
        is_served(p:ask(base_request(node, name)))
      end)
      if not ok then
        error(row[1] .. ": " .. why, 0)
      end
      serves(row[1])
    end
  end)
end

-- The AVPs that a command must have (TS 29.229 6.1), all others being optional.
local mandatory = {
  UAR = { "User-Name", "Public-Identity", "Visited-Network-Identifier" }, LIR = { "Public-Identity" },
  MAR = { "User-Name", "Public-Identity", "SIP-Number-Auth-Items", "SIP-Auth-Data-Item", "Server-Name" },
  SAR = { "Server-Name", "Server-Assignment-Type", "User-Data-Already-Available" },
  RTR = { "User-Name", "Deregistration-Reason", "Destination-Host" }, PPR = { "User-Name", "Destination-Host" },
}
local common = { "Session-Id", "Vendor-Specific-Application-Id", "Auth-Session-State", "Origin-Host", "Origin-Realm", "Destination-Realm" }

for _, at in ipairs({ { "hss", "UAR" }, { "hss", "MAR" }, { "hss", "SAR" }, { "hss", "LIR" }, { "scscf", "RTR" }, { "scscf", "PPR" } }) do
  local node, name = table.unpack(at)
  scenario(("each mandatory AVP missing in %s"):format(name), function()
    local p = open(node)
    for _, list in ipairs({ common, mandatory[name] }) do
      for _, avp in ipairs(list) do
        local m = p:ask(base_request(node, name):drop(avp))
        check.eq(m.result, 5005, avp)
        check.eq(dia.failed(m), dia.code[avp], avp .. ": its example in Failed-AVP")
      end
    end
    is_served(p:ask(base_request(node, name)))
    serves(name .. "s without what they must have")
  end)
end

scenario("requests to a node that serves none", function()
  local p = open("icscf")
  for name, new in tables.ordered(dia.requests) do
    local m = new(EVIL, d, { impi = impi, impu = "sip:" .. impi, host = "icscf." .. d })
    check.eq(p:ask(m).result, 3001, name)
  end
  serves("requests to the I-CSCF")
end)

for node in tables.ordered(NODES) do
  scenario("answers nobody asked for at the " .. node, function()
    local p = open(node)
    for _, code in ipairs({ 257, 280, 282, 300, 301, 302, 303, 304, 305, 999 }) do
      for _, application in ipairs({ 0, 16777216 }) do
        local m = dia.message(code, application, { "Session-Id", "x;1", "Result-Code", 2001, "Origin-Host", EVIL, "Origin-Realm", d })
        m.flags = 0
        p:send(m)
      end
    end
    check.eq(p:ask(dia.dwr(EVIL, d)).result, 2001, "a watchdog after them")
    serves("unwanted answers")
  end)

  scenario("wrong watchdogs, CERs and DPRs at the " .. node, function()
    local p = open(node)
    check.eq(p:ask(cer()).result, 5012, "CER on an open connection")
    check.eq(p:ask(dia.dwr(EVIL, d):drop("Origin-Realm")).result, 5005)
    check.eq(p:ask(dia.dwr(EVIL, d):add(unknown(M))).result, 5001)
    check.eq(p:ask(dia.message(282, 0, { "Origin-Host", EVIL, "Origin-Realm", d })).result, 5005, "DPR without a cause")
    check.eq(p:ask(dia.dwr(EVIL, d)).result, 2001)
    check.eq(p:ask(dia.message(282, 0, { "Origin-Host", EVIL, "Origin-Realm", d, "Disconnect-Cause", 0 })).result, 2001)
    serves("a DPR")
  end)

  -- Only the header of such a message can be believed.
  scenario("wrong frames on an open connection to the " .. node, function()
    for _, case in ipairs({ { "length 0", 5015, { length = 0 } }, { "length 16 MB", 5015, { length = 0xfffffc } },
      { "length of no whole word", 5015, { length = 41 } }, { "version 2", 5011, { version = 2 } }, { "version 0", 5011, { version = 0 } } }) do
      local p, m = open(node), base_request("hss", "UAR")
      for k, v in pairs(case[3]) do
        m[k] = v
      end
      check.eq(p:ask(m).result, case[2], case[1])
      p:is_closed()
    end
    serves("wrong frames")
  end)
end

-- --- before and around the capabilities exchange ---

for node in tables.ordered(NODES) do
  scenario("no CER first at the " .. node, function()
    local answer = base_request("hss", "UAR")
    answer.flags = 0
    for what, octets in tables.ordered({ request = base_request("hss", "UAR"):octets(), answer = answer:octets(),
      watchdog = dia.dwr(EVIL, d):octets(), CEA = dia.answer({ code = 257, application = 0, hop_by_hop = 1, end_to_end = 1 },
      { "Result-Code", 2001, "Origin-Host", EVIL, "Origin-Realm", d }):octets(), HTTP = "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      TLS = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ["length 0"] = "\1\0\0\0", ["length 16"] = "\1\0\0\16",
      ["length 16 MB"] = "\1\255\255\252", ["length 41"] = "\1\0\0\41", ["version 2"] = "\2\0\0\20", zeros = ("\0"):rep(100) }) do
      local p = connect(node)
      p:send(octets)
      p:is_closed()
      serves(what)
    end
  end)

  scenario("wrong CERs at the " .. node, function()
    local refused = {
      { "a stranger", 3010, dia.cer(STRANGER, d) },
      { "the name of the node itself", 3010, cer(node .. "." .. d) },
      { "no common application", 5010, dia.cer(EVIL, d, 4) },
      { "TLS and nothing else", 5017, cer():add("Inband-Security-Id", 1) },
      { "unknown AVP with M", 5001, cer():add(unknown(M)) },
      { "AVP past the end", 5014, cer():add(dia.avp(UNKNOWN_CODE, "what", { length = 99 })) },
      { "Origin-Host twice", 5009, cer():add("Origin-Host", EVIL) },
    }
    for _, avp in ipairs({ "Origin-Host", "Origin-Realm", "Host-IP-Address", "Vendor-Id", "Product-Name" }) do
      refused[#refused + 1] = { "no " .. avp, 5005, cer():drop(avp) }
    end
    for _, row in ipairs(refused) do
      local p = connect(node)
      check.eq(p:ask(row[3]).result, row[2], row[1])
      p:is_closed()
    end
    local p = connect(node) -- and what is not wrong
    check.eq(p:ask(cer():add(unknown(0)):add("Inband-Security-Id", 1):add("Inband-Security-Id", 0)).result, 2001)
    serves("wrong CERs")
  end)
end

scenario("a flood behind a CER", function()
  for who, limit in tables.ordered({ [FLOOD] = 2000, [STRANGER] = 0 }) do
    local p, octets = connect("hss"), { cer(who):octets() }
    for i = 1, 2000 do
      octets[i + 1] = base_request("hss", "UAR"):octets()
    end
    p:send(table.concat(octets))
    check.eq(p:next().result, limit > 0 and 2001 or 3010)
    for _ = 1, limit do
      local m = p:next()
      check.ok(type(m) == "table" and (m.experimental or m.result == 3004), "an answer to each")
    end
    if limit == 0 then
      p:is_closed()
    end
    serves("a flood")
  end
end)

scenario("octet by octet", function()
  local p = connect("hss")
  for _, m in ipairs({ cer(SLOW), base_request("hss", "UAR") }) do
    for octet in m:octets():gmatch(".") do
      p:send(octet)
      sleep(0)
    end
    local a = p:next()
    check.ok(a.experimental or a.result == 2001)
  end
end)

-- --- second connections, and both ends at once (RFC 6733 5.6) ---

scenario("a second connection under the name of a decent peer", function()
  local mark = L:mark()
  for node, names in tables.ordered({ hss = { "icscf", "scscf" }, icscf = { "hss" }, scscf = { "hss" } }) do
    for _, name in ipairs(names) do
      local p = connect(node)
      check.eq(p:ask(dia.cer(name .. "." .. d, d)).result, 5012)
      p:is_closed()
      serves("an impostor of the " .. name)
    end
  end
  for node in tables.ordered(NODES) do
    for name in tables.ordered(NODES) do
      check.eq(L:events(node, { ev = "verdict", cause = "peer_lost", evidence = "~^" .. name .. "%.", since = mark }), {}, node)
    end
  end
end)

-- The I-CSCF connects to us; while it waits for CEA we connect to it under the same name.
local function both_ways(port, who)
  local listener = assert(net.tcp_listen(L.ip.other .. ":" .. port))
  local theirs = dia.accept(listener)
  peers[#peers + 1] = theirs
  local their_cer = theirs:next()
  check.eq(their_cer.name, "CER")
  local ours = connect("icscf")
  ours:send(dia.cer(who, d))
  theirs.who, theirs.realm, ours.who, ours.realm = who, d, who, d
  return theirs, ours, their_cer, listener
end

scenario("both ends connect at once, and the node has the higher name", function()
  local theirs, ours, _, listener = both_ways(3869, LOW)
  check.eq(ours:next().result, 2001, "it keeps the connection that it accepted")
  theirs:is_closed()
  check.eq(ours:ask(dia.dwr(LOW, d)).result, 2001)
  listener:close()
  serves("an election")
end)

scenario("both ends connect at once, and the node has the lower name", function()
  local mark = L:mark()
  local theirs, ours, their_cer, listener = both_ways(3870, HIGH)
  L:wait_event("icscf", { ev = "cx", dir = "in", sum = "~^CER, from " .. HIGH:gsub("%p", "%%%0"), since = mark }) -- ours came before the CEA
  local cea = dia.cer(HIGH, d)
  cea.flags, cea.hop, cea.e2e = 0, their_cer.hop_by_hop, their_cer.end_to_end
  table.insert(cea.items, 1, dia.item("Result-Code", 2001))
  theirs:send(cea)
  ours:is_closed()
  check.eq(theirs:ask(dia.dwr(HIGH, d)).result, 2001, "it keeps the connection that we accepted")
  listener:close()
  serves("an election")
end)

-- A peer that the node connects to and that says anything but the right CEA.
scenario("wrong answers to the CER of a node", function()
  local answers = {
    ["another Origin-Host"] = function(m) return m:set("Origin-Host", STRANGER) end,
    ["no common application"] = function(m) return m:set("Auth-Application-Id", 4) end,
    ["no Result-Code"] = function(m) return m:drop("Result-Code") end,
    ["a refusal"] = function(m) return m:set("Result-Code", 5012) end,
    ["wrong identifiers"] = function(m) m.hop = m.hop + 1 return m end,
    ["a request"] = function() return base_request("hss", "UAR") end,
    ["an answer"] = function() local m = base_request("hss", "UAR") m.flags = 0 return m end,
    ["nonsense"] = function() return "HTTP/1.1 400 Bad Request\r\n\r\n" end,
  }
  local listener = assert(net.tcp_listen(L.ip.other .. ":3869"))
  for what, answer in tables.ordered(answers) do
    local p = dia.accept(listener)
    peers[#peers + 1] = p
    local their_cer = p:next()
    local cea = dia.cer(LOW, d)
    cea.flags, cea.hop, cea.e2e = 0, their_cer.hop_by_hop, their_cer.end_to_end
    table.insert(cea.items, 1, dia.item("Result-Code", 2001))
    p:send(answer(cea))
    p:is_closed()
    serves(what .. " instead of CEA")
  end
  listener:close()
end)

scenario("the silent crowd is gone", function()
  for _, p in ipairs(crowd) do
    p:is_closed()
  end
  serves("the crowd")
end)

return test.finish()
