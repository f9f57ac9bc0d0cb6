-- SPDX-License-Identifier: BSD-3-Clause
-- Two baresips call each other through the real nodes, one over UDP and one over TLS, without and with SIP Digest for their requests
-- (407). What passes on Gm is read in the event stream of the P-CSCF.
local check = require "check"
local lab = require "lab"
local phone = require "phone"
local tables = require "tables"
local test = require "test"

local D = lab.domain
local join = tables.join

-- A phone that is registered; contact: whom "message" writes to.
local function start(L, user, o)
  o.contact, o.answer = "sip:" .. lab.identity(user == "alice" and "bob" or "alice"), "manual"
  o.outbound = true
  local p = phone.start(L, user, o)
  p.user = user
  check.ok(wait_for(function()
    return L:state(user .. "@" .. D)[("sip:%s@%s"):format(user, D)].state == "registered"
  end, 20), user .. " is registered")
  return p
end

-- What passed between the P-CSCF and each phone since the mark, as "in INVITE", "out 407 INVITE"; retransmissions left out. An INVITE that
-- is long for UDP is offered by TCP first (RFC 3261 18.1.1), where alice does not listen.
local function on_gm(L, mark)
  local out, seen = { alice = {}, bob = {}, calls = {} }, {}
  for _, e in ipairs(L:events("pcscf", { ev = "sip", since = mark })) do
    local who = e.proto == "TLS" and "bob" or e.proto == "UDP" and e.remote:match("^(.*):%d+$") == L.ip.ue and "alice"
    local status, of = e.sum:match("^(%d%d%d) .*%((%u+)%)")
    local what = ("%s %s"):format(e.dir, status and status .. " " .. of or e.sum:match("^%u+"))
    if who and not seen[who .. e.dir .. e.id] and not what:find("REGISTER") then
      seen[who .. e.dir .. e.id] = true
      table.insert(out[who], what)
    end
  end
  return out
end

-- All of these, in this order, and no other; but what may come, where a node or a phone says more.
local function passed(list, wanted)
  local is, may = {}, { ["out 100 INVITE"] = true, ["in 100 INVITE"] = true }
  for _, what in ipairs(list) do
    if not may[what] then
      is[#is + 1] = what
    end
  end
  return table.concat(is, ", ") == table.concat(wanted, ", "), table.concat(is, ", ")
end

local function expect(L, mark, wanted)
  local is = {}
  local ok = wait_for(function()
    local gm, all = on_gm(L, mark), true
    for who, list in tables.ordered(wanted) do
      local fits
      fits, is[who] = passed(gm[who], list)
      all = all and fits
    end
    return all
  end, 20)
  if not ok then
    for who, list in tables.ordered(wanted) do
      check.eq(is[who], table.concat(list, ", "), who)
    end
  end
end

-- from calls to, who rings, answers, and is called back into the dialog by the BYE of ends.
local function call(L, from, to, asked, ends)
  local mark = L:mark()
  local caller = join(asked and { "in INVITE", "out 407 INVITE", "in ACK" } or {}, { "in INVITE", "out 180 INVITE" })
  local callee = { "out INVITE", "in 180 INVITE" }
  from:command("dial", "sip:" .. to.user .. "@" .. D)
  expect(L, mark, { [from.user] = caller, [to.user] = callee })
  to:command("accept")
  caller = join(caller, { "out 200 INVITE", "in ACK" })
  callee = join(callee, { "in 200 INVITE", "out ACK" })
  expect(L, mark, { [from.user] = caller, [to.user] = callee })
  ends:command("hangup")
  local by = ends == from
  expect(L, mark, { [from.user] = join(caller, by and { "in BYE", "out 200 BYE" } or { "out BYE", "in 200 BYE" }),
    [to.user] = join(callee, by and { "out BYE", "in 200 BYE" } or { "in BYE", "out 200 BYE" }) })
end

local function message(L, from, to, asked)
  local mark = L:mark()
  from:command("message", "hello")
  expect(L, mark, { [from.user] = join(asked and { "in MESSAGE", "out 407 MESSAGE" } or {}, { "in MESSAGE", "out 200 MESSAGE" }),
    [to.user] = { "out MESSAGE", "in 200 MESSAGE" } })
end

for _, requests in ipairs({ "never", "always" }) do
  local L = phone.lab({ scscf = { digest = { requests = requests } } })
  local asked = requests == "always"
  local alice = start(L, "alice", { transport = "udp", addr = L.ip.ue, pcscf = L.sip.pcscf })
  local bob = start(L, "bob", { transport = "tls", addr = "127.0.0.1", pcscf = L.tls, ca = L.ca })
  local ids = asked and { "DIG-040" } or {}
  test("a call from UDP to TLS, 407 " .. requests, ids, function()
    call(L, alice, bob, asked, alice)
  end)
  test("a call from TLS to UDP, 407 " .. requests, ids, function()
    call(L, bob, alice, asked, alice)
  end)
  test("messages, 407 " .. requests, ids, function()
    message(L, alice, bob, asked)
    message(L, bob, alice, asked)
  end)
  test("both leave, 407 " .. requests, {}, function()
    check.eq({ alice:stop(), bob:stop() }, { 0, 0 })
  end)
  L:stop()
end

return test.finish()
