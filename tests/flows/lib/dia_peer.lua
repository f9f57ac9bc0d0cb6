-- SPDX-License-Identifier: BSD-3-Clause
-- A Diameter peer made of octets, that can say what no decent one says. Messages are lists of AVPs in the order in which they are
-- written, so that a test may change, drop or repeat any of them.
local check = require "check"
local diameter = require "diameter"

local dia = {}
local WAIT_S = 20
local CX, TGPP = 16777216, 10415

-- --- AVPs ---

local V, M = 0x80, 0x40

-- avp(code, data, {flags=, vendor=, length=}): M by default; length lies when it is given; the data are padded.
function dia.avp(code, data, o)
  o = o or {}
  local vendor = o.vendor and string.pack(">I4", o.vendor) or ""
  local flags = (o.flags or M) | (o.vendor and V or 0)
  local n = 8 + #vendor + #data
  return string.pack(">I4BI3", code, flags, o.length or n) .. vendor .. data .. ("\0"):rep(-n % 4)
end

local function u32(n)
  return string.pack(">I4", n)
end

-- The AVPs by name; each takes its value.
local base = { ["Session-Id"] = 263, ["Origin-Host"] = 264, ["Origin-Realm"] = 296, ["Destination-Host"] = 293,
  ["Destination-Realm"] = 283, ["User-Name"] = 1, ["Product-Name"] = 269, ["Route-Record"] = 282 }
local numbers = { ["Auth-Session-State"] = 277, ["Vendor-Id"] = 266, ["Auth-Application-Id"] = 258, ["Result-Code"] = 268,
  ["Inband-Security-Id"] = 299, ["Supported-Vendor-Id"] = 265, ["Disconnect-Cause"] = 273 }
local cx = { ["Public-Identity"] = 601, ["Visited-Network-Identifier"] = 600, ["Server-Name"] = 602, ["User-Data"] = 606,
  ["SIP-Authentication-Scheme"] = 608 }
local cx_numbers = { ["User-Authorization-Type"] = 623, ["SIP-Number-Auth-Items"] = 607, ["Server-Assignment-Type"] = 614,
  ["User-Data-Already-Available"] = 624, ["Reason-Code"] = 616 }
local groups = { ["Vendor-Specific-Application-Id"] = { 260 }, ["SIP-Auth-Data-Item"] = { 612, TGPP }, ["Deregistration-Reason"] = { 615, TGPP } }

dia.code = { ["Failed-AVP"] = 279, ["Host-IP-Address"] = 257 }
for _, t in ipairs({ base, numbers, cx, cx_numbers }) do
  for name, code in pairs(t) do
    dia.code[name] = code
  end
end
for name, row in pairs(groups) do
  dia.code[name] = row[1]
end

-- item(name, value): {name=, octets=}. A group's value is a list of items.
function dia.item(name, value)
  local octets
  if base[name] then
    octets = dia.avp(base[name], value)
  elseif numbers[name] then
    octets = dia.avp(numbers[name], u32(value))
  elseif cx[name] then
    octets = dia.avp(cx[name], value, { vendor = TGPP })
  elseif cx_numbers[name] then
    octets = dia.avp(cx_numbers[name], u32(value), { vendor = TGPP })
  else
    octets = dia.avp(groups[name][1], dia.join(value), { vendor = groups[name][2] })
  end
  return { name = name, octets = octets }
end

function dia.join(items)
  local out = {}
  for i, item in ipairs(items) do
    out[i] = item.octets
  end
  return table.concat(out)
end

-- --- messages: {command=, application=, flags=, version=, length=, items} ---

local Message = {}
Message.__index = Message
local identifier = 0x1000

function dia.message(command, application, pairs_of)
  local m = setmetatable({ command = command, application = application, flags = 0x80, version = 1, items = {} }, Message)
  identifier = identifier + 1
  m.hop, m.e2e = identifier, identifier
  for i = 1, #pairs_of, 2 do
    m.items[#m.items + 1] = dia.item(pairs_of[i], pairs_of[i + 1])
  end
  return m
end

function Message:at(name)
  for i, item in ipairs(self.items) do
    if item.name == name then
      return i
    end
  end
end

function Message:drop(name)
  table.remove(self.items, assert(self:at(name), name))
  return self
end

-- replace(name, octets): that AVP becomes these octets. set(name, value): it gets another value.
function Message:replace(name, octets)
  self.items[assert(self:at(name), name)] = { name = name, octets = octets }
  return self
end

function Message:set(name, value)
  self.items[assert(self:at(name), name)] = dia.item(name, value)
  return self
end

-- One more at the end: octets, or a name and its value.
function Message:add(octets, value)
  if value ~= nil then
    octets = dia.item(octets, value).octets
  end
  self.items[#self.items + 1] = { octets = octets }
  return self
end

function Message:octets()
  local body = dia.join(self.items)
  return string.pack(">BI3BI3I4I4I4", self.version, self.length or 20 + #body, self.flags, self.command, self.application,
    self.hop, self.e2e) .. body
end

local CX_APPLICATION = { dia.item("Vendor-Id", TGPP), dia.item("Auth-Application-Id", CX) }

local function request(command, who, realm, rest)
  local head = { "Session-Id", who .. ";" .. identifier .. ";1", "Vendor-Specific-Application-Id", CX_APPLICATION,
    "Auth-Session-State", 1, "Origin-Host", who, "Origin-Realm", realm, "Destination-Realm", realm }
  return dia.message(command, CX, table.move(rest, 1, #rest, #head + 1, head))
end

-- requests[name](who, realm, user): user has impi and impu
dia.requests = {
  UAR = function(who, realm, user)
    return request(300, who, realm, { "User-Name", user.impi, "Public-Identity", user.impu, "Visited-Network-Identifier", realm })
  end,
  MAR = function(who, realm, user)
    return request(303, who, realm, { "User-Name", user.impi, "Public-Identity", user.impu, "SIP-Number-Auth-Items", 1,
      "SIP-Auth-Data-Item", { dia.item("SIP-Authentication-Scheme", "Digest-AKAv1-MD5") }, "Server-Name", "sip:" .. who })
  end,
  SAR = function(who, realm, user)
    return request(301, who, realm, { "User-Name", user.impi, "Public-Identity", user.impu, "Server-Name", "sip:" .. who,
      "Server-Assignment-Type", 0, "User-Data-Already-Available", 0 })
  end,
  LIR = function(who, realm, user)
    return request(302, who, realm, { "Public-Identity", user.impu })
  end,
  RTR = function(who, realm, user)
    return request(304, who, realm, { "Destination-Host", user.host, "User-Name", user.impi,
      "Deregistration-Reason", { dia.item("Reason-Code", 0) } })
  end,
  PPR = function(who, realm, user)
    return request(305, who, realm, { "Destination-Host", user.host, "User-Name", user.impi })
  end,
}

function dia.cer(who, realm, application)
  local m = dia.message(257, 0, { "Origin-Host", who, "Origin-Realm", realm })
  m:add(dia.avp(dia.code["Host-IP-Address"], "\0\1\127\0\0\1"))
  m.items[3].name = "Host-IP-Address"
  for _, item in ipairs({ dia.item("Vendor-Id", 0), dia.item("Product-Name", "nobody"),
    dia.item("Auth-Application-Id", application or CX) }) do
    m.items[#m.items + 1] = item
  end
  return m
end

function dia.dwr(who, realm)
  return dia.message(280, 0, { "Origin-Host", who, "Origin-Realm", realm })
end

-- The answer to a message that was received: same identifiers. items: name, value, ...
function dia.answer(m, items)
  local a = dia.message(m.code, m.application, items)
  a.flags, a.hop, a.e2e = 0, m.hop_by_hop, m.end_to_end
  return a
end

-- --- connections ---

local Peer = {}
Peer.__index = Peer

local function peer_of(c)
  return setmetatable({ c = c, pending = "" }, Peer)
end

function dia.connect(to, from)
  local c = assert(net.tcp_connect(from .. ":0", to, 1000 * WAIT_S))
  check.ok(wait_for(function() return c:state() ~= "connecting" end, WAIT_S))
  check.eq(c:state(), "up", "a connection to " .. to)
  return peer_of(c)
end

-- dia.accept(listener): the next connection made to it
function dia.accept(listener)
  return peer_of(check.ok(wait_for(function() return listener:take() end, WAIT_S), "a connection from the node"))
end

-- A connection with the capabilities exchanged. An earlier one of the name, just closed, may still be known to the node.
function dia.open(to, from, who, realm)
  return check.ok(wait_for(function()
    local p = dia.connect(to, from)
    local cea = p:ask(dia.cer(who, realm))
    if cea.result == 2001 then
      p.who, p.realm = who, realm
      return p
    end
    p:close()
    check.eq(cea.result, 5012, "CEA")
  end, WAIT_S), "a connection under the name of " .. who)
end

function Peer:send(m)
  return assert(self.c:send(type(m) == "string" and m or m:octets()))
end

function Peer:take()
  local data = self.c:take()
  while data do
    self.pending, data = self.pending .. data, self.c:take()
  end
  local length = #self.pending >= 4 and string.unpack(">I3", self.pending, 2)
  if length and #self.pending >= length then
    local octets = self.pending:sub(1, length)
    self.pending = self.pending:sub(length + 1)
    local m = assert(diameter.parse(octets))
    m.flags, m.octets = octets:byte(5), octets
    return m
  end
end

-- The next message but watchdogs, which are answered; nil when the connection is closed or none comes in time.
function Peer:next()
  return wait_for(function()
    for m in function() return self:take() end do
      if m.name ~= "DWR" then
        return m
      end
      self:send(dia.answer(m, { "Result-Code", 2001, "Origin-Host", self.who or "nobody", "Origin-Realm", self.realm or "nowhere" }))
    end
    return self.c:state() == "closed" and "closed"
  end, WAIT_S)
end

-- The answer to that request. Its header must fit (RFC 6733 6.2, 7.1.3).
function Peer:ask(rq)
  self:send(rq)
  local m = self:next()
  check.ok(type(m) == "table", "an answer")
  check.eq({ m.request, m.code, m.application, m.hop_by_hop, m.end_to_end }, { false, rq.command, rq.application, rq.hop, rq.e2e })
  local protocol_error = not m.experimental and m.result and m.result // 1000 == 3
  check.eq(m.flags & 0x20 ~= 0, protocol_error, "E bit with " .. tostring(m.result))
  return m
end

-- The node closes the connection without a word.
function Peer:is_closed()
  local m = self:next()
  check.eq(type(m) == "table" and m.name .. " " .. tostring(m.result) or m, "closed")
end

function Peer:close()
  if self.c then
    self.c:close()
    self.c = nil
  end
end

-- The code of the first AVP in Failed-AVP, or nil.
function dia.failed(m)
  for _, a in ipairs(m.avps) do
    if a.code == dia.code["Failed-AVP"] then
      return #a.data >= 4 and (string.unpack(">I4", a.data)) or nil
    end
  end
end

return dia
