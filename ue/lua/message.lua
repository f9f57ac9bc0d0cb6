-- SPDX-License-Identifier: BSD-3-Clause
-- SIP messages as tables. Forgiving on purpose: a scenario reads and writes broken messages too. Written apart from the
-- parser of the nodes, so that it can judge them.
local core = ...

sip = {}

local compact = {
  v = "via", f = "from", t = "to", i = "call-id", m = "contact", k = "supported", o = "event",
  s = "subject", c = "content-type", e = "content-encoding", l = "content-length",
}

local function key(name)
  name = name:lower()
  return compact[name] or name
end

local Message = {}
Message.__index = Message

-- get(name [, n]): value of the n-th field of that name (1 is the first), nil when there is none
function Message:get(name, n)
  n = n or 1
  for _, h in ipairs(self.headers) do
    if key(h.name) == key(name) then
      n = n - 1
      if n == 0 then
        return h.value
      end
    end
  end
end

function Message:all(name)
  local out = {}
  for _, h in ipairs(self.headers) do
    if key(h.name) == key(name) then
      out[#out + 1] = h.value
    end
  end
  return out
end

-- values(name): every value of a comma separated field, over all its lines
function Message:values(name)
  local out = {}
  for _, line in ipairs(self:all(name)) do
    local depth, quoted, from = 0, false, 1
    for i = 1, #line + 1 do
      local c = line:sub(i, i)
      if c == '"' and line:sub(i - 1, i - 1) ~= "\\" then
        quoted = not quoted
      elseif not quoted and c == "<" then
        depth = depth + 1
      elseif not quoted and c == ">" then
        depth = depth - 1
      elseif c == "" or (c == "," and not quoted and depth == 0) then
        out[#out + 1] = line:sub(from, i - 1):match("^%s*(.-)%s*$")
        from = i + 1
      end
    end
  end
  return out
end

-- remove(name [, n]): all fields of that name, or the n-th
function Message:remove(name, n)
  local count = #self:all(name)
  for i = #self.headers, 1, -1 do
    if key(self.headers[i].name) == key(name) then
      if not n or n == count then
        table.remove(self.headers, i)
      end
      count = count - 1
    end
  end
  return self
end

-- set(name, value): one field of that name with this value, where the first stood; nil removes
function Message:set(name, value)
  if value == nil then
    return self:remove(name)
  end
  for i, h in ipairs(self.headers) do
    if key(h.name) == key(name) then
      self:remove(name)
      table.insert(self.headers, math.min(i, #self.headers + 1), { name = h.name, value = tostring(value) })
      return self
    end
  end
  return self:add(name, value)
end

-- add(name, value): one more field, after those of the same name, else at the end
function Message:add(name, value)
  local at = #self.headers + 1
  for i, h in ipairs(self.headers) do
    if key(h.name) == key(name) then
      at = i + 1
    end
  end
  table.insert(self.headers, at, { name = name, value = tostring(value) })
  return self
end

-- insert(name, value): one more field before all others
function Message:insert(name, value)
  table.insert(self.headers, 1, { name = name, value = tostring(value) })
  return self
end

-- auth([name]): parsed credentials or challenge; without a name Authorization, or WWW-Authenticate of a response
function Message:auth(name)
  local v = self:get(name or (self.status and "WWW-Authenticate" or "Authorization"))
  if not v then
    return nil, "no such field"
  end
  return auth.parse(v)
end

-- change_auth(fn [, name]): fn gets the parsed field and changes it
function Message:change_auth(fn, name)
  name = name or (self.status and "WWW-Authenticate" or "Authorization")
  local a = assert(self:auth(name))
  fn(a)
  return self:set(name, tostring(a))
end

function Message:start_line()
  if self.status then
    return ("%s %d %s"):format(self.version, self.status, self.reason)
  end
  return ("%s %s %s"):format(self.method, self.uri, self.version)
end

-- The octets. raw, when set, stands for all; Content-Length follows the body unless fixed_length is set.
function Message:text()
  if self.raw then
    return self.raw
  end
  local out = { self:start_line() }
  local length = false
  for _, h in ipairs(self.headers) do
    local value = h.value
    if key(h.name) == "content-length" then
      length = true
      value = self.fixed_length and value or tostring(#self.body)
    end
    out[#out + 1] = h.name .. ": " .. value
  end
  if not length and not self.fixed_length then
    out[#out + 1] = "Content-Length: " .. #self.body
  end
  return table.concat(out, "\r\n") .. "\r\n\r\n" .. self.body
end

Message.__tostring = Message.text

function Message:copy()
  local m = setmetatable({}, Message)
  for k, v in pairs(self) do
    m[k] = v
  end
  m.headers = {}
  for i, h in ipairs(self.headers) do
    m.headers[i] = { name = h.name, value = h.value }
  end
  return m
end

-- param(name, parameter): of the first value of a field, outside the angle brackets: param("To", "tag")
function Message:param(name, parameter)
  local v = self:values(name)[1]
  v = v and (v:match("^[^<]*<[^>]*>(.*)$") or v:match("^[^;]*(.*)$"))
  return v and v:match(";%s*" .. parameter:gsub("%p", "%%%0") .. "%s*=%s*\"?([^;\"%s]*)")
end

-- uri_of(name): the URI of the first value of a field
function Message:uri_of(name)
  local v = self:values(name)[1]
  return v and (v:match("<([^>]*)>") or v:match("^([^;]*)"))
end

-- reply(status [, reason [, headers]]): a response to this request. headers: {{name, value}, ...} or {name = value}
function Message:reply(status, reason, headers)
  local r = setmetatable({ version = "SIP/2.0", status = status, reason = reason or sip.reasons[status] or "Because",
    headers = {}, body = "" }, Message)
  for _, name in ipairs({ "Via", "From", "To", "Call-ID", "CSeq" }) do
    for _, v in ipairs(self:all(name)) do
      if name == "To" and status > 100 and not v:find(";%s*tag=") then
        v = v .. ";tag=" .. random.token()
      end
      r:add(name, v)
    end
  end
  sip.add_headers(r, headers)
  return r
end

sip.reasons = {
  [100] = "Trying", [180] = "Ringing", [200] = "OK", [202] = "Accepted", [401] = "Unauthorized",
  [403] = "Forbidden", [404] = "Not Found", [408] = "Request Timeout", [420] = "Bad Extension",
  [421] = "Extension Required", [423] = "Interval Too Brief", [480] = "Temporarily Unavailable",
  [486] = "Busy Here", [494] = "Security Agreement Required", [500] = "Server Internal Error",
  [503] = "Service Unavailable", [504] = "Server Time-out", [603] = "Decline",
}

function sip.add_headers(m, headers)
  for k, v in pairs(headers or {}) do
    if type(k) == "number" then
      m:add(v[1], v[2])
    else
      for _, one in ipairs(type(v) == "table" and v or { v }) do
        m:add(k, one)
      end
    end
  end
end

local function parse_start(m, line)
  m.version, m.status, m.reason = line:match("^(SIP/%S+) (%d%d%d) ?(.*)$")
  if m.version then
    m.status = tonumber(m.status)
    return true
  end
  m.method, m.uri, m.version = line:match("^(%S+) (.*) (%S+)$")
  return m.method ~= nil
end

-- sip.parse(text) -> message, or nil and why
function sip.parse(text)
  local head, body = text:match("^(.-\r\n)\r\n(.*)$")
  if not head then
    return nil, "no end of the header"
  end
  local m = setmetatable({ headers = {}, body = body }, Message)
  local first = true
  for line in head:gsub("\r\n[ \t]+", " "):gmatch("(.-)\r\n") do
    if first then
      if not parse_start(m, line) then
        return nil, "no start line of SIP: " .. line
      end
      first = false
    else
      local name, value = line:match("^([^:%s]+)%s*:%s*(.-)%s*$")
      if not name then
        return nil, "no header field: " .. line
      end
      m.headers[#m.headers + 1] = { name = name, value = value }
    end
  end
  local length = tonumber(m:get("Content-Length") or "")
  if length and length < #body then
    m.body = body:sub(1, length)
  end
  return m
end

-- sip.message(template [, values]): a message from text with LF or CRLF; leading blanks of lines are dropped, ${name}
-- is replaced from values, the body stands after an empty line
function sip.message(template, values)
  local text = template:gsub("%${([%w_]+)}", function(name)
    local v = (values or {})[name]
    if v == nil then
      error("sip.message: no value for ${" .. name .. "}", 4)
    end
    return tostring(v)
  end)
  text = text:gsub("\r\n", "\n"):gsub("^[ \t\n]+", "")
  local head, body = text:match("^(.-\n)[ \t]*\n(.*)$")
  head = (head or text):gsub("\n[ \t]+", "\n"):gsub("%s+$", "")
  local m, why = sip.parse(head:gsub("\n", "\r\n") .. "\r\n\r\n" .. (body or ""):gsub("\n", "\r\n"))
  if not m then
    error("sip.message: " .. why, 2)
  end
  return m
end

function sip.branch()
  return "z9hG4bK" .. random.token()
end
