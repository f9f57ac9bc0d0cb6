-- SPDX-License-Identifier: BSD-3-Clause
-- Wires with an ear: they stand between two nodes, pass octets on and keep what passed. A tap may also change or swallow.
local diameter = require "diameter"

local tap = {}
local Tap = {}
Tap.__index = Tap

-- messages since a mark (#tap.messages at some time) that fit the filter function
function Tap:since(mark, filter)
  local out = {}
  for i = (mark or 0) + 1, #self.messages do
    if not filter or filter(self.messages[i]) then
      out[#out + 1] = self.messages[i]
    end
  end
  return out
end

function Tap:mark()
  return #self.messages
end

local clock = 0

local function keep(self, m)
  clock = clock + 1
  m.order = clock -- one order over all taps
  self.messages[#self.messages + 1] = m
end

-- tap.sip{listen=ADDR, a=ADDR, b=ADDR}: UDP. What comes from b goes to a, all else to b. t.pass(octets, from_b) -> octets to send
-- on, or nil to swallow. t.send(octets, from_b): passes on what came from that side before, again or at last.
function tap.sip(o)
  local t = setmetatable({ messages = {} }, Tap)
  local socket = assert(net.udp(o.listen))
  function t.send(octets, from_b)
    socket:send(octets, from_b and o.a or o.b)
  end
  async(function()
    while true do
      local data, from = wait_for(function()
        return socket:take()
      end, 3600)
      if data then
        local from_b = from == o.b
        local m = sip.parse(data) or { raw = data }
        m.octets, m.from_b = data, from_b
        keep(t, m)
        local out = data
        if t.pass then
          out = t.pass(data, from_b, m)
        end
        if out then
          t.send(out, from_b)
        end
      end
    end
  end)
  return t
end

-- Whole Diameter messages out of what has come.
local function frames(buffer)
  local out = {}
  while #buffer >= 4 do
    local length = string.unpack(">I3", buffer, 2)
    if length < 20 or #buffer < length then
      break
    end
    out[#out + 1] = buffer:sub(1, length)
    buffer = buffer:sub(length + 1)
  end
  return out, buffer
end

local function sender(connection)
  return function(octets)
    if connection:state() ~= "closed" then
      connection:send(octets)
    end
  end
end

local function carry(t, from, to, from_server)
  async(function()
    local buffer, list = "", nil
    while true do
      local data = wait_for(function()
        return from:take() or (from:state() == "closed" and "")
      end, 3600)
      if data == "" then
        to:close()
        t.ended = t.ended + (from_server and 0 or 1)
        return
      end
      list, buffer = frames(buffer .. (data or ""))
      for _, octets in ipairs(list) do
        local m, why = diameter.parse(octets)
        m = m or { malformed = why }
        m.octets, m.from_server = octets, from_server
        keep(t, m)
        local out = octets
        if t.pass then
          out = t.pass(octets, from_server, m, sender(to), sender(from))
        end
        if out then
          sender(to)(out)
        end
      end
    end
  end)
end

-- tap.cx{listen=ADDR, to=ADDR}: Diameter over TCP; every connection made to it goes on to the server. t.pass(octets,
-- from_server, m, send, back): octets to send on, or nil to swallow; send(octets) does it later, back(octets) answers.
-- t.ended: how many connections the client has ended.
function tap.cx(o)
  local t = setmetatable({ messages = {}, ended = 0 }, Tap)
  local listener = assert(net.tcp_listen(o.listen))
  async(function()
    while true do
      local client = wait_for(function()
        return listener:take()
      end, 3600)
      local server = client and net.tcp_connect(nil, o.to, 1000)
      if server then
        carry(t, client, server, false)
        carry(t, server, client, true)
      elseif client then
        client:close()
      end
    end
  end)
  return t
end

-- tap.stream{listen=ADDR, to=ADDR}: octets of any protocol over TCP; t.messages has the pieces, {octets=, from_server=}.
function tap.stream(o)
  local t = setmetatable({ messages = {} }, Tap)
  local listener = assert(net.tcp_listen(o.listen))
  local function pass(from, to, from_server)
    async(function()
      while true do
        local data = wait_for(function()
          return from:take() or (from:state() == "closed" and "")
        end, 3600)
        if data == "" then
          return to:close()
        end
        keep(t, { octets = data, from_server = from_server })
        sender(to)(data)
      end
    end)
  end
  async(function()
    while true do
      local client = wait_for(function()
        return listener:take()
      end, 3600)
      local server = client and net.tcp_connect(nil, o.to, 1000)
      if server then
        pass(client, server, false)
        pass(server, client, true)
      elseif client then
        client:close()
      end
    end
  end)
  return t
end

return tap
