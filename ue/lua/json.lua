-- SPDX-License-Identifier: BSD-3-Clause
-- JSON (RFC 8259). json.null stands for null; an array is a table with [1], an empty table is written as {}.
local _ = ...

json = { null = setmetatable({}, { __tostring = function() return "null" end }) }

local escapes = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local decode_value

local function fail(text, at, what)
  error(("JSON, octet %d: %s near %q"):format(at, what, text:sub(at, at + 15)), 0)
end

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local function decode_string(text, at)
  local out, i = {}, at + 1
  while true do
    local j = text:find('["\\]', i) or fail(text, at, "no end of the string")
    out[#out + 1] = text:sub(i, j - 1)
    if text:sub(j, j) == '"' then
      return table.concat(out), j + 1
    end
    local e = text:sub(j + 1, j + 1)
    if e == "u" then
      local code = tonumber(text:match("^%x%x%x%x", j + 2) or fail(text, j, "bad escape"), 16)
      i = j + 6
      local low = text:match("^\\u([dD][c-fC-F]%x%x)", i)
      if code >= 0xD800 and code < 0xDC00 and low then
        code = 0x10000 + (code - 0xD800) * 1024 + (tonumber(low, 16) - 0xDC00)
        i = i + 6
      end
      out[#out + 1] = utf8.char(code)
    else
      out[#out + 1] = escapes[e] or fail(text, j, "bad escape")
      i = j + 2
    end
  end
end

-- Items up to the closing bracket; read(at) reads one and returns where it ends.
local function decode_items(text, at, close, read)
  at = skip(text, at + 1)
  if text:sub(at, at) == close then
    return at + 1
  end
  while true do
    at = skip(text, read(at))
    local c = text:sub(at, at)
    if c == close then
      return at + 1
    elseif c ~= "," then
      fail(text, at, "',' or '" .. close .. "' is wanted")
    end
    at = skip(text, at + 1)
  end
end

function decode_value(text, at)
  local c = text:sub(at, at)
  if c == "{" then
    local t = {}
    return t, decode_items(text, at, "}", function(i)
      if text:sub(i, i) ~= '"' then
        fail(text, i, "a name is wanted")
      end
      local name, after = decode_string(text, i)
      after = skip(text, after)
      if text:sub(after, after) ~= ":" then
        fail(text, after, "':' is wanted")
      end
      t[name], after = decode_value(text, skip(text, after + 1))
      return after
    end)
  elseif c == "[" then
    local t = {}
    return t, decode_items(text, at, "]", function(i)
      local after
      t[#t + 1], after = decode_value(text, i)
      return after
    end)
  elseif c == '"' then
    return decode_string(text, at)
  end
  for word, value in pairs({ ["true"] = true, ["false"] = false, ["null"] = json.null }) do
    if text:sub(at, at + #word - 1) == word then
      return value, at + #word
    end
  end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at) or fail(text, at, "a value is wanted")
  return tonumber(number), at + #number
end

-- json.decode(text) -> value, or nil and why
function json.decode(text)
  local ok, value, after = pcall(decode_value, text, skip(text, 1))
  if not ok then
    return nil, value
  end
  if skip(text, after) <= #text then
    return nil, "JSON, octet " .. after .. ": more text after the value"
  end
  return value
end

local function encode_string(s)
  return '"' .. s:gsub('[%c"\\]', function(c)
    return ("\\u%04x"):format(c:byte())
  end) .. '"'
end

-- json.encode(value) -> text; names of objects in alphabetical order
function json.encode(v)
  local kind = type(v)
  if v == json.null or kind == "nil" then
    return "null"
  elseif kind == "string" then
    return encode_string(v)
  elseif kind == "number" or kind == "boolean" then
    return tostring(v)
  elseif kind ~= "table" then
    error("a " .. kind .. " has no JSON form", 2)
  end
  local out = {}
  if v[1] ~= nil then
    for i = 1, #v do
      out[i] = json.encode(v[i])
    end
    return "[" .. table.concat(out, ",") .. "]"
  end
  local names = {}
  for name in pairs(v) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  for i, name in ipairs(names) do
    out[i] = encode_string(name) .. ":" .. json.encode(v[name])
  end
  return "{" .. table.concat(out, ",") .. "}"
end
