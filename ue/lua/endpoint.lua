-- SPDX-License-Identifier: BSD-3-Clause
-- Raw SIP endpoints without transactions: to play a CSCF, or a phone that breaks every rule.
local core = ...

local Endpoint = {}
Endpoint.__index = Endpoint

-- sip.endpoint{transport="udp"|"tcp"|"tls", addr="127.0.0.1:0"} -> endpoint, or nil and why. endpoint.addr is its address
-- with the real port. A TCP endpoint listens, and opens a connection where none leads to the peer. With TLS: certificate
-- and key (PEM files) to listen, ca and name to connect, and what else tls.context takes.
-- tls.context{role="server"|"client", certificate=, key=, ca=, verify_clients=, min_version="1.3", max_version="1.2",
-- null_encryption="allow"|"prefer", keylog=, client_renegotiations=} -> context for conn:start_tls, or nil and why
tls = { context = core.tls_context }

function sip.endpoint(o)
  local e = setmetatable({ transport = (o.transport or "udp"):lower(), inbox = {}, seen = {}, conns = {} }, Endpoint)
  local why
  local addr = o.addr or "127.0.0.1:0"
  if e.transport == "udp" then
    e.socket, why = core.udp(addr)
  else
    e.socket, why = core.tcp_listen(addr)
  end
  if not e.socket then
    return nil, addr .. ": " .. why
  end
  if e.transport == "tls" then
    e.tls = {}
    for _, role in ipairs({ "server", "client" }) do
      local c = { role = role, certificate = role == "server" and o.certificate or o.client_certificate,
        key = role == "server" and o.key or o.client_key, ca = o.ca }
      for _, k in ipairs({ "verify_clients", "min_version", "max_version", "null_encryption", "keylog",
        "client_renegotiations" }) do
        c[k] = o[k]
      end
      if role == "server" and o.certificate or role == "client" and o.ca then
        e.tls[role], why = core.tls_context(c)
        if not e.tls[role] then
          return nil, why
        end
      end
    end
    e.name = o.name
    if e.tls.server then
      e.socket:use_tls(e.tls.server)
    end
  end
  e.addr = e.socket:local_address()
  e.host, e.port = e.addr:match("^(.*):(%d+)$")
  e.keep_retransmissions = o.keep_retransmissions
  return e
end

-- The same octets again are a retransmission: dropped unless the endpoint keeps them.
function Endpoint:take_in(text, from, conn)
  if self.seen[text] and not self.keep_retransmissions then
    return
  end
  self.seen[text] = true
  local m, why = sip.parse(text)
  m = m or { raw = text, malformed = why }
  m.octets, m.from, m.conn = text, from, conn
  self.inbox[#self.inbox + 1] = m
end

-- Cuts whole messages out of a stream by Content-Length.
-- A double CRLF between messages is a keep-alive (RFC 5626 3.5.1): counted in conn.pings, answered unless e.pong is false.
local function frame(conn, e)
  while true do
    while conn.pending:sub(1, 4) == "\r\n\r\n" do
      conn.pings = (conn.pings or 0) + 1
      conn.pending = conn.pending:sub(5)
      if e.pong ~= false then
        conn.c:send("\r\n")
      end
    end
    conn.pending = conn.pending:gsub("^[\r\n]+", "")
    local head = conn.pending:match("^(.-\r\n\r\n)")
    if not head then
      return nil
    end
    local length = tonumber(("\r\n" .. head):lower():match("\r\ncontent%-length%s*:%s*(%d+)")
      or ("\r\n" .. head):lower():match("\r\nl%s*:%s*(%d+)") or 0)
    if #conn.pending < #head + length then
      return nil
    end
    local text = conn.pending:sub(1, #head + length)
    conn.pending = conn.pending:sub(#head + length + 1)
    return text
  end
end

function Endpoint:poll()
  if self.transport == "udp" then
    while true do
      local data, from = self.socket:take()
      if not data then
        return
      end
      self:take_in(data, from)
    end
  end
  while true do
    local c = self.socket:take()
    if not c then
      break
    end
    self.conns[#self.conns + 1] = { c = c, remote = c:remote(), pending = "" }
  end
  for _, conn in ipairs(self.conns) do
    while true do
      local data = conn.c:take()
      if not data then
        break
      end
      conn.pending = conn.pending .. data
    end
    for text in function() return frame(conn, self) end do
      self:take_in(text, conn.remote, conn)
    end
  end
end

-- The open connection to that address, or a new one.
function Endpoint:connection(to)
  for _, conn in ipairs(self.conns) do
    if conn.remote == to and conn.c:state() == "up" then
      return conn
    end
  end
  local c, why = core.tcp_connect(self.host .. ":0", to, 2000)
  if not c then
    return nil, why
  end
  if self.tls then
    local ok, no = c:start_tls(assert(self.tls.client, "an endpoint that connects needs ca"), self.name)
    if not ok then
      return nil, no
    end
  end
  local state = wait_for(function()
    local s, no = c:state()
    why = no
    return s ~= "connecting" and s
  end, 3)
  if state ~= "up" then
    return nil, to .. ": " .. (self.tls and why or "no connection")
  end
  local conn = { c = c, remote = to, pending = "" }
  self.conns[#self.conns + 1] = conn
  return conn
end

-- cut(conn): ends a connection (m.conn of a message that came over it)
function Endpoint:cut(conn)
  for i, c in ipairs(self.conns) do
    if c == conn then
      table.remove(self.conns, i)
    end
  end
  conn.c:close()
end

-- send(message or text, to [, conn]) -> true, or nil and why. A request gets a Via of the endpoint when it has none.
function Endpoint:send(m, to, conn)
  if type(m) == "table" and m.method and not m.raw and not m:get("Via") then
    m:insert("Via", self:via())
  end
  local text = tostring(m)
  if self.transport == "udp" then
    return self.socket:send(text, to)
  end
  local why
  if not conn then
    conn, why = self:connection(to)
    if not conn then
      return nil, why
    end
  end
  return conn.c:send(text)
end

-- via([branch]): a Via value of this endpoint
function Endpoint:via(branch)
  return ("SIP/2.0/%s %s;branch=%s;rport"):format(self.transport:upper(), self.addr, branch or sip.branch())
end

-- uri([user]): a SIP URI that leads here
function Endpoint:uri(user)
  return "sip:" .. (user and user .. "@" or "") .. self.addr .. (self.transport ~= "udp" and ";transport=" .. self.transport or "")
end

-- recv{timeout=20, match=function(m) ... end} -> message (m.from: its sender, m.octets), or nil when time is up. What does
-- not match stays for a later recv.
function Endpoint:recv(o)
  o = o or {}
  return wait_for(function()
    self:poll()
    for i, m in ipairs(self.inbox) do
      if not o.match or o.match(m) then
        table.remove(self.inbox, i)
        return m
      end
    end
  end, o.timeout or 20)
end

-- expect(method [, timeout]): the next request of that method; an error when none comes
function Endpoint:expect(method, timeout)
  local m = self:recv({ timeout = timeout, match = function(m) return m.method == method end })
  if not m then
    error(("no %s came to %s within %s s"):format(method, self.addr, timeout or 20), 2)
  end
  return m
end

-- reply(request, status [, reason [, headers [, body]]]): answers where the request came from
function Endpoint:reply(rq, status, reason, headers, body)
  local r = rq:reply(status, reason, headers)
  r.body = body or ""
  self:send(r, rq.from, rq.conn)
  return r
end

-- request(message, to [, timeout]) -> final response (provisional ones in .provisional), or nil when none comes
function Endpoint:request(m, to, timeout)
  m:remove("Via")
  local branch = sip.branch()
  m:insert("Via", self:via(branch))
  local ok, why = self:send(m, to)
  if not ok then
    return nil, why
  end
  local provisional = {}
  local deadline = now() + (timeout or 20)
  while true do
    local r = self:recv({ timeout = math.max(0, deadline - now()), match = function(x)
      return x.status and x:param("Via", "branch") == branch
    end })
    if not r or r.status >= 200 then
      if r then
        r.provisional = provisional
      end
      return r
    end
    provisional[#provisional + 1] = r
  end
end

function Endpoint:close()
  for _, conn in ipairs(self.conns) do
    conn.c:close()
  end
  self.conns = {}
  self.socket:close()
end

-- Octets without SIP: net.udp(addr), net.tcp_listen(addr), net.tcp_connect(local or nil, to, timeout_ms). Their take()
-- returns what has come, or nothing.
net = { udp = core.udp, tcp_listen = core.tcp_listen, tcp_connect = core.tcp_connect }
