-- SPDX-License-Identifier: BSD-3-Clause
-- Long messages at every node: the longest allowed and one octet more, a Content-Length that lies, a header of 60 kB, ten thousand
-- header fields, messages cut at every octet of a stream. A phone registers after each.
local check = require "check"
local lab = require "lab"
local line = require "line"
local test = require "test"

local NODES = { "pcscf", "icscf", "scscf" }
local MAX, UDP_MAX = 65535, 65000 -- octets: sip.message_max by default; one that a datagram can exceed
local SCALE = 9999 -- a Content-Length that is not kept

local function datagrams(L)
  return { assert(net.udp(L.ip.other .. ":5060")) }
end

local L = lab.start()
local short = { sip = { message_max = UDP_MAX } }
local U = lab.start({ pcscf = short, icscf = short, scscf = short })
local sockets = datagrams(U)
local phone, phone_u = L:ue(1, { transport = "tcp" }), U:ue(1)

-- A request of exactly that many octets: padded in a header field, or in its body.
local function padded(l, octets, where)
  local rq = l:plain(line.ping)
  if where == "header" then
    rq:add("X-Pad", "")
    rq:set("X-Pad", ("x"):rep(octets - #rq:text()))
  else
    rq:add("Content-Type", "text/plain")
    rq.body = ("x"):rep(octets - #rq:text())
    rq.body = rq.body:sub(1, #rq.body - (#rq:text() - octets)) -- its length has digits too
  end
  check.eq(#rq:text(), octets)
  return rq
end

local function ask(l, rq)
  l:send(rq:text())
  return check.ok(l:final(rq:get("Call-ID")), "an answer").status
end

-- fn(line, open) at every node over TCP, and over UDP where that is asked for.
local function each(name, transports, fn)
  for transport in transports:gmatch("%a+") do
    test(name .. " over " .. transport, {}, function()
      for _, node in ipairs(NODES) do
        local lab_of, who = table.unpack(transport == "udp" and { U, phone_u } or { L, phone })
        local l = transport == "udp" and line.udp(U.sip[node], sockets) or line.tcp(L.sip[node], L.ip.other)
        local ok, why = pcall(fn, l, transport)
        l:close()
        if not ok then
          error(node .. ": " .. why, 0)
        end
        check.eq(who:register({}).verdict, "registered", "a phone after it came to the " .. node)
        check.ok(lab_of.procs[node]:running(), node)
      end
    end)
  end
end

each("the longest message", "tcp udp", function(l, transport)
  local max = transport == "udp" and UDP_MAX or MAX
  local plain = l:ask(line.ping).status
  for _, where in ipairs({ "header", "body" }) do
    check.eq(ask(l, padded(l, max, where)), plain, "the longest, in the " .. where)
  end
  check.eq(ask(l, padded(l, max + 1, "body")), 513)
  if l.c then
    check.ok(l:is_closed(), "after a message that is too long")
  else
    check.eq(ask(l, padded(l, max + 1, "header")), 513)
    check.eq(l:ask(line.ping).status, plain)
  end
end)

each("a header that has no end", "tcp", function(l)
  l:send(l:plain(line.ping):text():gsub("\r\n\r\n$", "\r\nX-Pad: ") .. ("x"):rep(MAX))
  check.ok(l:is_closed(), "more of it is not waited for")
  check.no(l:take(), "an answer")
end)

each("a response that is too long", "tcp udp", function(l)
  local rq = padded(l, MAX - 20, "body")
  local octets = rq:text():gsub("^[^\r]*", "SIP/2.0 200 " .. ("x"):rep(200), 1)
  if l.c then
    l:send(octets)
    check.ok(l:is_closed(), "after a response that is too long")
  else
    l:send(octets:sub(1, UDP_MAX + 1))
    check.ok(l:ask(line.ping), "the next request is answered")
  end
end)

-- --- lengths that lie ---

local function with_length(l, length, body)
  local rq = l:plain(line.ping)
  rq.fixed_length, rq.body = true, body or ""
  for _, v in ipairs(type(length) == "table" and length or { length }) do
    rq:remove("Content-Length", type(length) == "table" and 3 or nil):add("Content-Length", v)
  end
  return rq
end

each("Content-Length above what came", "udp", function(l)
  check.eq(ask(l, with_length(l, SCALE, "body")), 400)
end)

each("Content-Length above what came", "tcp", function(l)
  local rq, plain = with_length(l, SCALE, "body"), l:ask(line.ping).status
  l:send(rq:text())
  l:send(("x"):rep(SCALE - #rq.body)) -- what is missing belongs to it
  check.eq(check.ok(l:final(rq:get("Call-ID")), "an answer to the whole").status, plain)
  check.eq(l:ask(line.ping).status, plain)
end)

each("Content-Length below what came", "udp tcp", function(l)
  local rq, plain = with_length(l, 2, "body that is longer\r\n\r\n"), l:ask(line.ping).status
  check.eq(ask(l, rq), plain, "the message ends where it says")
  if l.c then
    check.ok(l:is_closed(), "the rest is no message")
  end
end)

for _, case in ipairs({ { "a word", "soon", 400 }, { "negative", "-1", 400 }, { "above 32 bits", "99999999999", 400 },
  { "4 GB", "4294967295", 513 }, { "given twice", { "4", "5" }, 400 } }) do
  each("Content-Length " .. case[1], "tcp", function(l)
    check.eq(ask(l, with_length(l, case[2], "body")), case[3])
    check.ok(l:is_closed(), "where the next message begins is not known")
  end)
end

for _, case in ipairs({ { "a word", "soon" }, { "negative", "-1" }, { "above 32 bits", "99999999999" }, { "4 GB", "4294967295" },
  { "given twice", { "4", "5" } } }) do
  each("Content-Length " .. case[1], "udp", function(l)
    check.eq(ask(l, with_length(l, case[2], "body")), 400)
  end)
end

-- --- large headers ---

each("a Request-URI of 60 kB", "tcp udp", function(l)
  local rq, plain = l:plain(line.ping), l:ask(line.ping).status
  rq.uri = "sip:ping@example.com;x=" .. ("y"):rep(8000)
  check.eq(ask(l, rq), plain, "8 kB are taken")
  rq = l:plain(line.ping)
  rq.uri = "sip:ping@example.com;x=" .. ("y"):rep(60000)
  check.eq(ask(l, rq), 414)
  check.eq(l:ask(line.ping).status, plain)
end)

each("ten thousand header fields", "tcp udp", function(l)
  local rq, plain = l:plain(line.ping), l:ask(line.ping).status
  local head = rq:text():gsub("\r\n\r\n$", "\r\n")
  l:send(head .. ("a:b\r\n"):rep(10000) .. "\r\n")
  check.eq(check.ok(l:final(rq:get("Call-ID")), "an answer").status, 400)
  check.eq(l:ask(line.ping).status, plain)
end)

each("ten thousand values in a header field", "tcp udp", function(l)
  local rq, plain = l:plain(line.ping), l:ask(line.ping).status
  rq:add("Supported", ("a, "):rep(10000) .. "path")
  rq:add("Via", ("SIP/2.0/UDP a,"):rep(1000) .. "SIP/2.0/UDP b")
  check.eq(ask(l, rq), plain)
end)

test("a REGISTER of 60 kB passes all nodes", {}, function()
  local r = phone:register({ mutate = function(msg) msg:add("X-Pad", ("x"):rep(60000)) end })
  check.eq(r.verdict, "registered")
  check.above(#r.steps[2].request:text(), 60000)
end)

-- --- streams in pieces ---

each("a request cut at every octet", "tcp", function(l)
  local plain = l:ask(line.ping).status
  local octets = padded(l, 600, "body"):text()
  local marks = {}
  for at = 1, #octets - 1 do
    local rq = padded(l, 600, "body")
    marks[at] = rq:get("Call-ID")
    l:send(rq:text():sub(1, at))
    sleep(0) -- it leaves before the rest
    l:send(rq:text():sub(at + 1))
  end
  for at, mark in ipairs(marks) do
    check.eq(check.ok(l:final(mark), "an answer to the one cut at " .. at).status, plain)
  end
end)

each("a request octet by octet", "tcp", function(l)
  local plain, rq = l:ask(line.ping).status, padded(l, 600, "body")
  for octet in rq:text():gmatch(".") do
    l:send(octet)
    sleep(0)
  end
  check.eq(check.ok(l:final(rq:get("Call-ID")), "an answer").status, plain)
end)

return test.finish()
