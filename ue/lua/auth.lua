-- SPDX-License-Identifier: BSD-3-Clause
-- Digest challenges and credentials as tables; AKA helpers.
local core = ...

auth = {}
aka = {
  generate = core.aka_generate, check_autn = core.aka_check_autn, auts = core.aka_auts,
  check_auts = core.aka_check_auts, opc = core.aka_opc,
}

-- The parameters are in params, in order, as {name=, value=, quoted=}; a.realm reads one, a:set, a:remove change.
local Auth = {}
Auth.__index = function(a, name)
  return Auth[name] or Auth.get(a, name)
end

function Auth.get(a, name)
  for _, p in ipairs(rawget(a, "params")) do
    if p.name:lower() == tostring(name):lower() then
      return p.value
    end
  end
end

-- Parameters that are tokens or numbers, not quoted strings (RFC 2617, RFC 7616).
local bare = { algorithm = true, qop = true, nc = true, stale = true }

-- value nil removes. quoted: by the usual form when not given; a new parameter goes to the end.
function Auth.set(a, name, value, quoted)
  if value == nil then
    return a:remove(name)
  end
  for _, p in ipairs(a.params) do
    if p.name:lower() == name:lower() then
      p.value = value
      if quoted ~= nil then
        p.quoted = quoted
      end
      return a
    end
  end
  if quoted == nil then
    quoted = not bare[name:lower()]
  end
  table.insert(a.params, { name = name, value = value, quoted = quoted })
  return a
end

function Auth.remove(a, name)
  for i = #a.params, 1, -1 do
    if a.params[i].name:lower() == name:lower() then
      table.remove(a.params, i)
    end
  end
  return a
end

Auth.__tostring = function(a)
  local out = {}
  for i, p in ipairs(a.params) do
    out[i] = p.quoted and ('%s="%s"'):format(p.name, p.value) or p.name .. "=" .. p.value
  end
  return (a.scheme ~= "" and a.scheme .. " " or "") .. table.concat(out, ",")
end

-- auth.new(scheme): empty, to be filled with set
function auth.new(scheme)
  return setmetatable({ scheme = scheme or "Digest", params = {} }, Auth)
end

-- auth.parse(value) -> table, or nil and why. Written apart from the parser of the nodes, so that it can judge them.
function auth.parse(value)
  local scheme, rest = value:match("^%s*([%w!#$%%&'*+.^_`|~-]+)%s+(.*)$")
  if not scheme then
    return nil, "no scheme"
  end
  local a = auth.new(scheme)
  local at = 1
  while true do
    at = rest:find("[^%s,]", at)
    if not at then
      return a
    end
    local name, after = rest:match("^([^%s=,\"]+)%s*=%s*()", at)
    if not name then
      return nil, "no name=value at octet " .. at
    end
    local quoted = rest:sub(after, after) == '"'
    local v, stop
    if quoted then
      local from = after + 1
      stop = from
      while true do
        local c = rest:sub(stop, stop)
        if c == "" then
          return nil, "no end of the quoted string of " .. name
        elseif c == "\\" then
          stop = stop + 2
        elseif c == '"' then
          break
        else
          stop = stop + 1
        end
      end
      v = rest:sub(from, stop - 1)
      stop = stop + 1
    else
      v, stop = rest:match("^([^%s,]*)()", after)
    end
    a.params[#a.params + 1] = { name = name, value = v, quoted = quoted }
    at = stop
  end
end

-- auth.response{algorithm=, username=, realm=, password= (octets) or res= (hex), method=, uri=, nonce=, cnonce=, nc=, qop=}
function auth.response(o)
  local t = {}
  for k, v in pairs(o) do
    t[k] = v
  end
  if t.res then
    t.password = assert(hex.decode(t.res))
  end
  return core.auth_response(t)
end

-- auth.nonce(text) -> {rand=, autn=} in hex, of an AKA nonce (RFC 3310 3.2), or nil
function auth.nonce(text)
  local octets = base64.decode(text)
  if not octets or #octets < 32 then
    return nil, "no RAND and AUTN in it"
  end
  return { rand = hex.encode(octets:sub(1, 16)), autn = hex.encode(octets:sub(17, 32)) }
end

-- aka.nonce(rand, autn): the nonce of these, in hex
function aka.nonce(rand, autn)
  return base64.encode(hex.decode(rand) .. hex.decode(autn))
end
