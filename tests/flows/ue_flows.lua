-- SPDX-License-Identifier: BSD-3-Clause
-- One phone with two flows to its P-CSCF (RFC 5626): the same +sip.instance, reg-id 1 and 2, two connections. When one is dead,
-- requests take the other.
local check = require "check"
local lab = require "lab"
local pki = require "pki"
local tables = require "tables"
local test = require "test"

local NAME = "pcscf." .. lab.domain
local PASSWORD = "correct horse 7!"
local BOB = lab.user("bob", PASSWORD)
local USERS = { BOB }
for n = 1, 4 do
  USERS[#USERS + 1] = lab.user("alice" .. n, PASSWORD)
end

local _, root, cert = pki.lab(NAME)

local L = lab.start({ digest = true, subscribers = USERS, configure = function(l)
  l:gm_tls(root, cert, { 5061, 5063 })
end })

local bob = L:ue(BOB)
check.eq(bob:register({ expires = 600 }).verdict, "registered")

local WAYS = {
  tls = { { transport = "tls", tls_port = 5061 }, { transport = "tls", tls_port = 5063 } },
  tcp_and_udp = { { transport = "tcp" }, { transport = "udp" } },
}

-- A flow of a phone, with its 200.
local function flow(who, reg_id, way)
  local u = L:ue(who, tables.with({ pcscf = L.ip.pcscf .. ":5060", reg_id = reg_id, tls_ca = root.certificate, tls_name = NAME }, way))
  local r = u:register({ expires = 600 })
  check.eq(r.verdict, "registered", r.why or r.warning)
  return u, r.response
end

local function reg_ids(response)
  local out = {}
  for _, value in ipairs(response:values("Contact")) do
    out[#out + 1] = value:match(";reg%-id=(%d+)")
  end
  table.sort(out)
  return out
end

-- bob sends, the flow that is to get it answers; the other one hears nothing of it.
local function reaches(who, way, other, status)
  local t = async(bob.message, bob, { to = who.impu, body = "x" })
  local rq = check.ok(way:expect_request({ method = "MESSAGE" }), "the request takes this flow")
  if other then
    check.no(other:expect_request({ method = "MESSAGE", timeout = 0.1 }), "and no other")
  end
  rq:reply(status or 200)
  local r = t:wait(20)
  check.eq(r.status, status or 200)
  return r
end

local tested = 1
local function next_user()
  tested = tested + 1
  return USERS[tested]
end

for name, ways in tables.ordered(WAYS) do
  test("two flows of one phone over " .. name, {}, function()
    local alice = next_user()
    local a, first = flow(alice, 1, ways[1])
    check.eq(reg_ids(first), { "1" })
    local b, second = flow(alice, 2, ways[2])
    check.eq(reg_ids(second), { "1", "2" }, "one beside the other")
    reaches(alice, b, a) -- the younger one
    local again = a:reregister({ expires = 600 })
    check.eq(reg_ids(again.response), { "1", "2" })
    reaches(alice, a, b)
    -- a refusal is that of the phone, which is not asked once more over its other flow
    reaches(alice, a, b, 480)
    a:close()
    b:close()
  end)

  test("a request takes the other flow when the first is dead over " .. name, {}, function()
    local alice = next_user()
    local a = flow(alice, 1, ways[2])
    local b = flow(alice, 2, ways[1]) -- the younger one, which ends
    reaches(alice, b, a)
    local mark = L:mark()
    b:close()
    reaches(alice, a)
    -- what the P-CSCF said of the dead one (RFC 5626 5.3)
    check.ok(L:verdict({ node = "pcscf", procedure = "request", since = mark, status = 430 }))
    -- registered again, it takes the place of the one before
    local c, r = flow(alice, 2, ways[1])
    check.eq(reg_ids(r), { "1", "2" })
    reaches(alice, c, a)
    if name == "tls" then -- it ends with the request on it
      mark = L:mark()
      local t = async(bob.message, bob, { to = alice.impu, body = "x" })
      check.ok(c:expect_request({ method = "MESSAGE" }), "the request takes the younger one")
      c:cut()
      check.ok(a:expect_request({ method = "MESSAGE" }), "and the other one, when that has ended"):reply(200)
      check.eq(t:wait(20).status, 200)
      check.eq(L:verdict({ node = "pcscf", procedure = "request", since = mark, cause = "next_hop_unreachable" }).status, 430)
    end
    c:close()
    a:close()
  end)
end

return test.finish()
