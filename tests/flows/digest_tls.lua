-- SPDX-License-Identifier: BSD-3-Clause
-- What the S-CSCF makes of a registration over TLS, and of one without, at four real nodes (TS 33.203 O.2.2, O.4.3).
local check = require "check"
local lab = require "lab"
local pki = require "pki"
local tables = require "tables"
local test = require "test"

local PASSWORD = "correct horse 7!"
local NAME = "pcscf." .. lab.domain
local ALICE = lab.user("alice", PASSWORD, { impi = lab.identity("alice_private") })
local BOB = lab.user("bob", PASSWORD, { impi = lab.identity("bob_private") })

local _, root, cert = pki.lab(NAME)

local L = lab.start({ digest = true, taps = true, subscribers = { ALICE, BOB }, scscf = { digest = { requests = "unprotected" } },
  configure = function(l)
    l:gm_tls(root, cert, { 5061 })
    l.conf.scscf.control = { socket = l.dir .. "/scscf.sock" }
  end })

local function over_tls(s)
  return assert(ue.new({ impi = s.impi, impu = s.impu, password = s.password, pcscf = L.ip.pcscf .. ":5060", tls_port = 5061,
    local_addr = L.ip.ue .. ":0", tls_ca = root.certificate, tls_name = NAME, transport = "tls" }))
end

local function status(s)
  return assert(json.decode(L:run_ok("scscf", { "status", s.impi })))
end

-- A MESSAGE from one to the other, which answers it.
local function message(from, to, uri)
  local t = async(from.message, from, { to = uri, body = "x" })
  check.ok(to:expect_request({ method = "MESSAGE" }), "it comes"):reply(200)
  local r = t:wait(20)
  check.eq(r.status, 200)
  return r
end

test("tls-protected: to be seen, and requests are not asked; without TLS they are", { "TLS-021", "TLS-025", "TLS-026" }, function()
  local mark = L:mark()
  local a, b, wire = over_tls(ALICE), L:ue(BOB), L.mw_is:mark()
  check.eq(a:register({ expires = 600 }).verdict, "registered")
  check.has(L:verdict({ node = "scscf", since = mark, cause = "registered" }).evidence, "tls-protected")
  local marks = {}
  for _, m in ipairs(L.mw_is:since(wire, function(m) return m.method == "REGISTER" end)) do
    marks[#marks + 1] = m:auth()["integrity-protected"] or "none"
  end
  check.eq(table.concat(marks, " "), "none tls-pending")
  check.eq(b:register({ expires = 600 }).verdict, "registered")
  check.eq(status(ALICE).contacts[1].tls_protected, true)
  check.eq(status(BOB).contacts[1].tls_protected, false)
  check.eq(message(a, b, BOB.impu).challenges, 0)
  check.eq(message(b, a, ALICE.impu).challenges, 1)
  check.eq(a:deregister().verdict, "deregistered")
  check.eq(b:deregister().verdict, "deregistered")
  a:close()
  b:close()
end)

for policy, challenges in tables.ordered({ accept = 0, challenge = 1 }) do
  test("authentication complete: " .. policy, { "TLS-046" }, function()
    L:stop_node("scscf")
    L.conf.scscf.digest.tls_yes, L.conf.scscf.digest.nonce_uses = policy, 1
    L:write_conf("scscf")
    L:start_node("scscf")
    local since = L:mark()
    local u = over_tls(ALICE)
    check.ok(wait_for(function()
      return u:register({ expires = 600 }).verdict == "registered"
    end, 20), "registered after the restart")
    local r = u:reregister({ expires = 600 })
    check.eq(r.verdict, "refreshed")
    check.eq(r.challenges, challenges)
    check.has(L:verdict({ node = "scscf", since = since, cause = "refreshed" }).evidence, "tls-protected")
    u:deregister()
    u:close()
  end)
end

return test.finish()
