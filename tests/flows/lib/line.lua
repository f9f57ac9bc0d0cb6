-- SPDX-License-Identifier: BSD-3-Clause
-- Octets to a node's SIP port and its answers, whatever the octets are: over UDP sockets, or on a connection.
local check = require "check"

local line = {}
local Line = {}
Line.__index = Line

local WAIT_S = 20

-- line.udp(to, sockets): the first socket sends, all of them listen.
function line.udp(to, sockets)
  return setmetatable({ to = to, sockets = sockets, aside = {} }, Line)
end

-- line.tcp(to, local address)
function line.tcp(to, from)
  local c = assert(net.tcp_connect(from .. ":0", to, 1000 * WAIT_S))
  check.ok(wait_for(function() return c:state() ~= "connecting" end, WAIT_S), "a connection to " .. to)
  check.eq(c:state(), "up")
  return setmetatable({ c = c, pending = "", aside = {} }, Line)
end

function Line:send(octets)
  if self.c then
    return assert(self.c:send(octets))
  end
  return assert(self.sockets[1]:send(octets, self.to))
end

function Line:take_datagram()
  for _, s in ipairs(self.sockets) do
    for octets, from in function() return s:take() end do
      if from == self.to then
        return assert(sip.parse(octets))
      end
    end
  end
end

-- The next message, or nothing.
function Line:take()
  if not self.c then
    return self:take_datagram()
  end
  self.pending = self.pending .. (self.c:take() or "")
  local head, rest = self.pending:match("^(SIP/2.0 .-\r\n\r\n)(.*)$")
  local length = head and tonumber(head:match("Content%-Length: (%d+)"))
  if length and #rest >= length then
    self.pending = rest:sub(length + 1)
    return assert(sip.parse(head .. rest:sub(1, length)))
  end
end

-- The final answer whose Call-ID holds the mark, or nil when none comes; what else came is in line.aside.
function Line:final(mark)
  return wait_for(function()
    for m in function() return self:take() end do
      if m.status >= 200 and m:get("Call-ID"):find(mark, 1, true) then
        return m
      end
      self.aside[#self.aside + 1] = m
    end
  end, WAIT_S)
end

-- Did an answer with that mark come besides?
function Line:answered(mark)
  for _, m in ipairs(self.aside) do
    if m:get("Call-ID"):find(mark, 1, true) then
      return m
    end
  end
end

-- A request in plain words, like in m: method, uri, to, from, to_tag, routes. Its Call-ID is new.
function Line:plain(m)
  local out = sip.message([[
    ${method} ${uri} SIP/2.0
    Via: SIP/2.0/${transport} host.example.net;branch=${branch}
    Max-Forwards: 70
    From: <${from}>;tag=${tag}
    To: <${to}>${to_tag}
    Call-ID: ${call_id}
    CSeq: 1 ${method}
    Contact: <sip:caller@host.example.net>
    Content-Length: 0

  ]], { method = m.method, uri = m.uri, transport = self.c and "TCP" or "UDP", branch = sip.branch(), tag = random.token(),
    from = m.from, to = m.to, to_tag = m.to_tag and ";tag=" .. m.to_tag or "", call_id = random.token() })
  for _, v in ipairs(m.routes or {}) do
    out:add("Route", v)
  end
  return out
end

-- The answer to such a request.
function Line:ask(m)
  local rq = self:plain(m)
  self:send(rq:text())
  return check.ok(self:final(rq:get("Call-ID")), "an answer to a plain " .. m.method)
end

line.ping = { method = "OPTIONS", uri = "sip:ping@example.com", from = "sip:ping@example.com", to = "sip:ping@example.com" }

-- The connection is closed by the node.
function Line:is_closed()
  return wait_for(function() return self.c:state() == "closed" end, WAIT_S)
end

function Line:close()
  if self.c then
    self.c:close()
  end
end

return line
