-- SPDX-License-Identifier: BSD-3-Clause
-- Reads Diameter messages (RFC 6733 3, 4), apart from the code of the nodes, so that it can judge them. Names, codes and types of
-- the Cx AVPs come from tests/data/cx/cx.csv.
local diameter = {}

local commands = { [257] = "CE", [280] = "DW", [282] = "DP", [300] = "UA", [301] = "SA", [302] = "LI", [303] = "MA",
  [304] = "RT", [305] = "PP" }

local names = {
  ["Session-Id"] = { 263, 0 }, ["Origin-Host"] = { 264, 0 }, ["Origin-Realm"] = { 296, 0 },
  ["Destination-Host"] = { 293, 0 }, ["Destination-Realm"] = { 283, 0 }, ["User-Name"] = { 1, 0 },
  ["Result-Code"] = { 268, 0, "Unsigned32" }, ["Experimental-Result"] = { 297, 0, "Grouped" },
  ["Experimental-Result-Code"] = { 298, 0, "Unsigned32" }, ["Auth-Session-State"] = { 277, 0, "Enumerated" },
  ["Vendor-Specific-Application-Id"] = { 260, 0, "Grouped" }, ["Vendor-Id"] = { 266, 0, "Unsigned32" },
  ["Auth-Application-Id"] = { 258, 0, "Unsigned32" },
}

-- tests/data/cx/cx.csv: code,name,vendor,type,...
local function load_names()
  local dir = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."
  local text = assert(fs.read(dir .. "/../../data/cx/cx.csv"))
  for line in text:gmatch("[^\n]+") do
    local code, name, vendor, kind = line:match("^(%d+),([^,]+),(%d+),([^,]+),")
    if code and not names[name] then
      names[name] = { tonumber(code), tonumber(vendor), kind }
    end
  end
end
load_names()

local Avps = {}
Avps.__index = Avps

local function parse_avps(octets)
  local list = setmetatable({}, Avps)
  local at = 1
  while at <= #octets do
    if #octets - at + 1 < 8 then
      return nil, "an AVP is cut short"
    end
    local code, flags = string.unpack(">I4B", octets, at)
    local length = string.unpack(">I3", octets, at + 5)
    local head, vendor = 8, 0
    if flags & 0x80 ~= 0 then
      head, vendor = 12, (string.unpack(">I4", octets, at + 8))
    end
    if length < head or at + length - 1 > #octets then
      return nil, "AVP " .. code .. " has a wrong length"
    end
    list[#list + 1] = { code = code, vendor = vendor, mandatory = flags & 0x40 ~= 0, data = octets:sub(at + head, at + length - 1) }
    at = at + (length + 3) // 4 * 4
  end
  return list
end

local function typed(kind, data)
  if kind == "Grouped" then
    return assert(parse_avps(data))
  elseif kind == "Unsigned32" or kind == "Enumerated" or kind == "Integer32" then
    return (string.unpack(">I4", data))
  end
  return data
end

-- all(name): every AVP of that name, read by its type: numbers, groups (again with all and get), else octets
function Avps:all(name)
  local row = names[name] or error("diameter: no AVP " .. name, 2)
  local out = {}
  for _, a in ipairs(self) do
    if a.code == row[1] and a.vendor == row[2] then
      out[#out + 1] = typed(row[3], a.data)
    end
  end
  return out
end

-- get(name, name, ...): the first of that name, and the first inside it, ...
function Avps:get(name, ...)
  local v = self:all(name)[1]
  if v == nil or select("#", ...) == 0 then
    return v
  end
  return v:get(...)
end

-- diameter.parse(octets) -> {name = "MAR", request, again, code, application, hop_by_hop, end_to_end, avps, result}, or nil and
-- why. again: the T flag. result: Result-Code, or Experimental-Result-Code; experimental says which.
function diameter.parse(octets)
  if #octets < 20 then
    return nil, "shorter than a header"
  end
  local version = octets:byte(1)
  local length, flags, code, application, hop, e2e = string.unpack(">I3BI3I4I4I4", octets, 2)
  if version ~= 1 or length ~= #octets then
    return nil, "version or length is wrong"
  end
  local avps, why = parse_avps(octets:sub(21))
  if not avps then
    return nil, why
  end
  local request = flags & 0x80 ~= 0
  local m = { request = request, again = flags & 0x10 ~= 0, code = code, application = application, hop_by_hop = hop, end_to_end = e2e, avps = avps,
    name = (commands[code] or "?" .. code) .. (request and "R" or "A") }
  m.result = avps:get("Result-Code")
  if not m.result then
    m.result = avps:get("Experimental-Result", "Experimental-Result-Code")
    m.experimental = m.result ~= nil
  end
  return m
end

local function avp(name, data)
  local octets = string.pack(">I4I4", names[name][1], 0x40 << 24 | 8 + #data) .. data
  return octets .. ("\0"):rep(-#octets % 4)
end

-- error_answer(request, code, host): octets of an answer with the E flag, as a relay gives it (RFC 6733 7.2)
function diameter.error_answer(m, code, host)
  local body = avp("Session-Id", m.avps:get("Session-Id")) .. avp("Result-Code", string.pack(">I4", code))
    .. avp("Origin-Host", host) .. avp("Origin-Realm", m.avps:get("Destination-Realm"))
  return string.pack(">I4I4I4I4I4", 1 << 24 | 20 + #body, 0x60 << 24 | m.code, m.application, m.hop_by_hop, m.end_to_end) .. body
end

return diameter
