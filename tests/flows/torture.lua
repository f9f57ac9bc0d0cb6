-- SPDX-License-Identifier: BSD-3-Clause
-- The messages of RFC 4475 at the SIP port of every node, over UDP and over TCP, as they stand in tests/data/torture, and those that
-- are not there in words of our own (lib/odd_messages.lua). Valid ones get the answer that the same request gets in plain words,
-- invalid ones what the RFC says. After each a phone registers through all nodes.
--
-- Responses over UDP go to the address a message came from and the port of its Via (RFC 3261 18.2.2), so the test listens on
-- the ports that the messages name; over TCP they come back on the connection. The one change made is a mark at the start of
-- the Call-IDs: a request that reaches a node twice by different ways is a loop (RFC 3261 8.2.2.2).
local check = require "check"
local lab = require "lab"
local line = require "line"
local odd = require "odd_messages"
local test = require "test"

local NODES = { "pcscf", "icscf", "scscf" }
local KEY, OPC = "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf"
local DIR = arg[0]:match("^(.*)/[^/]*$") .. "/../data/torture/"

-- The P-CSCF knows no such user, the other two no such callee; sip:user@example.com is a callee that is not registered.
local REFUSED = { pcscf = 403, icscf = 404, scscf = 404 }
local AWAY = { pcscf = 403, icscf = 480, scscf = 480 }

-- What the nodes answer, all or each: plain, as to a plain request like it, which is this; status, because it is wrong; or nothing.
-- stream: what the framing of TCP makes of it.
local rows = {
  { "wsinv", "3.1.1.1", plain = { pcscf = 403, icscf = 504, scscf = 481 } }, -- Route elsewhere; tag of a dialog
  { "esc01", "3.1.1.3", plain = REFUSED },
  { "esc02", "3.1.1.5", plain = REFUSED },
  { "longreq", "3.1.1.7", plain = AWAY },
  { "semiuri", "3.1.1.9", plain = REFUSED },
  { "mpart01", "3.1.1.11", plain = { pcscf = 403, icscf = 504, scscf = 404 } }, -- Route elsewhere
  { "noreason", "3.1.1.13" }, -- valid, but an answer to nothing
  { "clerr", "3.1.2.2", status = 400, stream = "unfinished", plain = AWAY },
  { "scalar02", "3.1.2.4", status = 400 },
  { "quotbal", "3.1.2.6", status = 400 },
  { "lwsruri", "3.1.2.8", status = 400 },
  { "trws", "3.1.2.10", status = 400 },
  { "baddate", "3.1.2.12", plain = AWAY }, -- nobody reads Date
  { "badaspec", "3.1.2.14", status = 400 },
  { "badvers", "3.1.2.16", status = 505 },
  { "mismatch02", "3.1.2.18", status = 400 },
  { "badbranch", "3.2.1", plain = AWAY },
  { "unkscm", "3.3.2", status = 416 },
  { "unksm2", "3.3.4", status = 400 },
  { "invut", "3.3.6", plain = AWAY }, -- proxies pass any body
  { "multi01", "3.3.8", status = 400 },
  { "bcast", "3.3.10" }, -- an answer to nothing
  { "cparam01", "3.3.12", plain = 403, cause = "scheme_not_possible" }, -- the registrar has read it all: no AKA
  { "regescrt", "3.3.14", plain = 403, cause = "scheme_not_possible" },
  { "inv2543", "3.4.1", plain = REFUSED, stream = "closed" },
  -- in words of our own
  { "intmeth", "3.1.1.2", plain = REFUSED },
  { "escnull", "3.1.1.4", plain = 403 },
  { "lwsdisp", "3.1.1.6", plain = AWAY },
  { "dblreq", "3.1.1.8", plain = REFUSED },
  { "transports", "3.1.1.10", plain = AWAY },
  { "unreason", "3.1.1.12" },
  { "badinv01", "3.1.2.1", status = 400 },
  { "ncl", "3.1.2.3", status = 400, stream = "closed" },
  { "scalarlg", "3.1.2.5", stream = "dropped" },
  { "ltgtruri", "3.1.2.7", status = 400 },
  { "lwsstart", "3.1.2.9", status = 400 },
  { "escruri", "3.1.2.11", plain = AWAY }, -- what a Request-URI would add is nobody's business here
  { "regbadct", "3.1.2.13", status = 400 },
  { "baddn", "3.1.2.15", status = 400 },
  { "mismatch01", "3.1.2.17", status = 400 },
  { "bigcode", "3.1.2.19", stream = "dropped" },
  { "insuf", "3.3.1", status = 400 },
  { "novelsc", "3.3.3", status = 416 },
  { "bext01", "3.3.5", status = { pcscf = 403, icscf = 420, scscf = 420 } }, -- a stranger is refused before
  { "regaut01", "3.3.7", plain = 403, cause = "scheme_not_possible" },
  { "mcl01", "3.3.9", status = 400, stream = "closed" },
  { "zeromf", "3.3.11", plain = AWAY }, -- it is not forwarded
  { "cparam02", "3.3.13", plain = 403, cause = "scheme_not_possible" },
  { "sdp01", "3.3.15", plain = AWAY }, -- proxies pass any Accept
}

-- A home network of the domains that the messages name; the users of two messages are its subscribers.
local function start_lab()
  local home = { home_domain = { lab.domain, "example.com", "example.org", "example.net" } }
  local subscribers = { lab.subscribers[1] }
  for _, user in ipairs({ "watson", "user" }) do
    local name = user .. "@example.com"
    table.insert(subscribers, { impi = name, impu = "sip:" .. name, k = KEY, opc = OPC })
  end
  return lab.start({ icscf = home, scscf = home, subscribers = subscribers,
    hosts = { "services.example.com=127.0.0.1:9" } }) -- where nobody is
end

local function like(m)
  return { method = m.method, uri = m.uri, from = m:uri_of("From"):match("^%S+"), to = m:uri_of("To"):match("^%S+"), to_tag = m:param("To", "tag"),
    routes = m:all("Route") }
end

local function marked(octets, mark)
  octets = octets:gsub("(Call%-ID:%s*)", "%1" .. mark)
  return (octets:gsub("(\r\ni:%s*)", "%1" .. mark))
end

local function of_node(what, node)
  return type(what) == "table" and what[node] or what
end

-- Valid: the answer to a plain request, and that is no complaint about form.
local function is_plain(l, octets, r, row, node)
  check.eq(r.status, l:ask(like(assert(sip.parse(octets)))).status, "as a plain request")
  check.eq(r.status, of_node(row.plain, node))
end

local over_stream = {
  -- A response whose fields cannot be read: what follows it is not read either.
  dropped = function(l, _, mark)
    check.ok(l:is_closed(), "the connection is closed")
    check.no(l:take() or l:answered(mark), "an answer to a response")
  end,
  -- Content-Length is larger than what came: the message has no end yet, and with the missing octets it is an ordinary one.
  unfinished = function(l, octets, mark, row, node)
    l:send(("x"):rep(9999 - #octets:match("\r\n\r\n(.*)$")))
    is_plain(l, octets, check.ok(l:final(mark), "an answer to the whole message"), row, node)
  end,
  -- Without Content-Length nobody knows where the next message begins (RFC 3261 18.3).
  closed = function(l, _, mark)
    check.eq(check.ok(l:final(mark), "an answer").status, 400)
    check.ok(l:is_closed(), "the connection is closed")
  end,
}

local function deliver(l, row, node)
  local octets, mark = odd[row[1]] or assert(fs.read(DIR .. row[1] .. ".dat")), random.token()
  l:send(marked(octets, mark))
  if l.c and row.stream then
    return over_stream[row.stream](l, octets, mark, row, node)
  elseif row.status or row.plain then
    local r = check.ok(l:final(mark), "an answer")
    check.ok(not row.status or r.status == of_node(row.status, node), r:start_line())
    if not row.status then
      is_plain(l, octets, r, row, node)
    end
  end
  l:ask(line.ping) -- the node goes on, and an answer to what it dropped would have come before this one
  if not row.status and not row.plain then
    check.no(l:answered(mark), "an answer to a message that is dropped")
  end
end

-- Who refused it, and why.
local function check_cause(L, row, since)
  check.eq(L:verdict({ node = "scscf", procedure = "registration", since = since }).cause, row.cause)
end

local function deliver_to_all(L, row, open, phone)
  for _, node in ipairs(NODES) do
    local l, mark = open(node), row.cause and node == "pcscf" and L:mark() -- it passes all nodes
    local ok, why = pcall(deliver, l, row, node)
    l:close()
    if not ok then
      error(node .. ": " .. why, 0)
    end
    if mark then
      check_cause(L, row, mark)
    end
    local r = phone:register({})
    check.eq(r.verdict, "registered", "a phone after it came to the " .. node)
    check.ok(L.procs[node]:running(), node)
  end
end

for _, transport in ipairs({ "udp", "tcp" }) do
  local L = start_lab()
  local sockets = transport == "udp" and { assert(net.udp(L.ip.other .. ":5060")), assert(net.udp(L.ip.other .. ":5050")) }
  local phone = L:ue(1)
  for _, row in ipairs(rows) do
    local ids = (row.status or row.stream) and { "PC-022" } or {} -- the others are well formed
    test(("%s over %s (RFC 4475 %s)"):format(row[1], transport, row[2]), ids, function()
      deliver_to_all(L, row, function(node)
        return sockets and line.udp(L.sip[node], sockets) or line.tcp(L.sip[node], L.ip.other)
      end, phone)
    end)
  end
end

return test.finish()
