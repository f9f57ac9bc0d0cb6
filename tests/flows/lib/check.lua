-- SPDX-License-Identifier: BSD-3-Clause
-- Assertions. Each raises an error that names the place of the caller and both values.
local check = {}

local function show(v)
  if type(v) == "string" then
    return #v > 300 and ("%q..."):format(v:sub(1, 300)) or ("%q"):format(v)
  elseif type(v) == "table" then
    local ok, text = pcall(json.encode, v)
    return ok and text or tostring(v)
  end
  return tostring(v)
end

local function fail(what, text)
  error((what and what .. ": " or "") .. text, 3)
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b
  end
  for k, v in pairs(a) do
    if not same(v, b[k]) then
      return false
    end
  end
  for k in pairs(b) do
    if a[k] == nil then
      return false
    end
  end
  return true
end

-- Tables are compared by their members.
function check.eq(got, want, what)
  if not same(got, want) then
    fail(what, ("%s is wanted, here is %s"):format(show(want), show(got)))
  end
end

function check.ne(got, unwanted, what)
  if same(got, unwanted) then
    fail(what, ("anything but %s is wanted"):format(show(unwanted)))
  end
end

function check.ok(v, what)
  if not v then
    fail(what, "true is wanted, here is " .. show(v))
  end
  return v
end

function check.no(v, what)
  if v then
    fail(what, "false or nothing is wanted, here is " .. show(v))
  end
end

function check.match(text, pattern, what)
  if type(text) ~= "string" or not text:match(pattern) then
    fail(what, ("something like %s is wanted, here is %s"):format(show(pattern), show(text)))
  end
  return text:match(pattern)
end

function check.unlike(text, pattern, what)
  if type(text) == "string" and text:match(pattern) then
    fail(what, ("nothing like %s is wanted, here is %s"):format(show(pattern), show(text)))
  end
end

-- text holds exactly this piece (no pattern)
function check.has(text, piece, what)
  if type(text) ~= "string" or not text:find(piece, 1, true) then
    fail(what, ("%s should hold %s"):format(show(text), show(piece)))
  end
end

function check.hasnt(text, piece, what)
  if type(text) == "string" and text:find(piece, 1, true) then
    fail(what, ("%s should not hold %s"):format(show(text), show(piece)))
  end
end

function check.contains(list, value, what)
  for _, v in ipairs(list or {}) do
    if same(v, value) then
      return
    end
  end
  fail(what, ("%s should be among %s"):format(show(value), show(list)))
end

function check.above(a, b, what)
  if not (a and b and a > b) then
    fail(what, ("more than %s is wanted, here is %s"):format(show(b), show(a)))
  end
end

function check.between(v, low, high, what)
  if not (v and v >= low and v <= high) then
    fail(what, ("%s to %s is wanted, here is %s"):format(show(low), show(high), show(v)))
  end
end

return check
