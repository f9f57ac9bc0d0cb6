-- SPDX-License-Identifier: BSD-3-Clause
-- Requests of SIP Digest users that the S-CSCF authenticates by 407, and re-authentication at the operator's wish, through four real
-- nodes (TS 33.203 N.2.1.2, N.2.4; PKT-TR-SEC 6.1.2.2, 6.1.3.2).
local check = require "check"
local lab = require "lab"
local tables = require "tables"
local test = require "test"

local D = lab.domain

local function user(name, more)
  return tables.with(lab.user(name, "correct horse 7!", { impi = lab.identity(name .. "_private") }), more)
end

local ALICE, BOB = user("alice"), user("bob", { digest_algorithm = "SHA-256" })
local L = lab.start({ digest = true, taps = true, subscribers = { ALICE, BOB },
  scscf = { digest = { requests = "always", nonce_uses = 4, max_failures = 2 } },
  configure = function(l) l.conf.scscf.control = { socket = l.dir .. "/scscf.sock" } end })

local function scscf(...)
  local out, code, err = L:run("scscf", { ... })
  return code, out, err
end

local function status(s)
  return assert(json.decode(L:run_ok("scscf", { "status", s.impi })))
end

local alice, bob = L:ue(ALICE), L:ue(BOB)
check.eq(alice:register({ expires = 600 }).verdict, "registered")
check.eq(bob:register({ expires = 600 }).verdict, "registered")

-- One request to bob, who answers it with 200. What alice saw, and what bob got.
local function to_bob(o)
  local t = async(alice.request, alice, { method = o.method or "MESSAGE", to = BOB.impu, mutate = o.mutate, answer_407 = o.answer_407,
    body = "x", content_type = "text/plain" })
  local rq = not o.refused and check.ok(bob:expect_request({ method = o.method or "MESSAGE" }), "the request reaches bob")
  if rq then
    rq:reply(200)
  end
  return t:wait(20), rq and rq.msg
end

test("a request is challenged once, and the answer goes no further", { "DIG-040", "DIG-041", "DIG-042", "DIG-043", "DIG-047", "PC-020", "DIG-039" },
  function()
  local mark, registration = L.cx_s:mark(), alice:reregister({}).digest
  local wire = L.mw_pi:mark()
  local r, got = to_bob({})
  check.eq(r.status, 200)
  check.eq(r.challenges, 1)
  check.no(got:get("Proxy-Authorization"))
  check.has(got:get("P-Asserted-Identity"), ALICE.impu)
  local ch = r.responses[1]:auth("Proxy-Authenticate")
  check.eq(ch.realm, D)
  check.eq(ch.algorithm, "MD5")
  check.eq(ch.qop, "auth")
  check.ne(ch.nonce, registration.nonce)
  check.eq(#L.cx_s:since(mark, function(m) return m.name == "MAR" end), 0)
  for _, m in ipairs(L.mw_pi:since(wire, function(m) return m.method == "MESSAGE" end)) do
    check.no(m:get("Proxy-Authorization"), "only P-CSCF and S-CSCF see it")
  end
end)

test("the challenge is kept, with counts of its own", { "DIG-044", "DIG-045", "DIG-046", "PC-011" }, function()
  local r = to_bob({})
  check.eq(r.challenges, 0)
  check.eq(r.requests[1]:auth("Proxy-Authorization").nc, "00000002")
  check.eq(alice:reregister({}).verdict, "refreshed")
  r = to_bob({})
  check.eq(r.challenges, 0)
  check.eq(r.requests[1]:auth("Proxy-Authorization").nc, "00000003", "a REGISTER between does not count")
end)

test("a used-up nonce and a repeated count draw stale=TRUE, and the UE goes on", { "DIG-049", "DIG-045", "PC-013" }, function()
  local r = to_bob({}) -- the fourth use
  check.eq(r.challenges, 0)
  r = to_bob({})
  check.eq(r.challenges, 1)
  check.eq(r.responses[1]:auth("Proxy-Authenticate").stale:upper(), "TRUE")
  local seen
  r = to_bob({ mutate = function(m, n)
    if n == 1 then -- what somebody on the way might have kept
      seen = m:auth("Proxy-Authorization")
      m:change_auth(function(a)
        a:set("nc", "00000001")
        a:set("response", auth.response({ algorithm = "MD5", username = a.username, realm = a.realm, password = ALICE.password,
          method = "MESSAGE", uri = a.uri, nonce = a.nonce, qop = "auth", nc = "00000001", cnonce = a.cnonce }))
      end, "Proxy-Authorization")
    end
  end })
  check.eq(seen.nc, "00000002")
  check.eq(r.challenges, 1)
  check.eq(r.responses[1]:auth("Proxy-Authenticate").stale:upper(), "TRUE")
  L:verdict({ node = "scscf", cause = "nonce_count_replayed" })
end)

test("a call: INVITE is asked, its ACK is not", { "PC-020" }, function()
  alice:forget_challenge("proxy")
  local r, got = to_bob({ method = "INVITE" })
  check.eq(r.status, 200)
  check.eq(r.challenges, 1)
  check.no(got:get("Proxy-Authorization"))
  check.ok(bob:expect_request({ method = "ACK" }), "ACK")
end)

test("wrong digests: challenged again, then 403", { "DIG-048" }, function()
  alice:forget_challenge("proxy")
  alice:set_password("wrong")
  local r = to_bob({ refused = true })
  check.ok(r.status == 407 or r.status == 403, "refused: " .. r.status)
  alice:forget_challenge("proxy")
  r = to_bob({ refused = true })
  check.eq(r.status, 403)
  L:verdict({ node = "scscf", cause = "password_wrong", status = 403 })
  alice:set_password(ALICE.password)
  alice:forget_challenge("proxy")
  check.eq(to_bob({}).status, 200)
end)

test("the operator wants a user authenticated anew", { "DIG-060" }, function()
  check.eq(status(ALICE).scheme, "SIP Digest")
  check.eq(alice:register({ expires = 600 }).verdict, "registered") -- a fresh nonce with uses left
  check.eq(scscf("reauthenticate", ALICE.impi), 0)
  check.eq(status(ALICE).reauthenticate, true)
  local r = alice:reregister({})
  check.eq(r.verdict, "refreshed")
  check.eq(r.challenges, 1, "challenged")
  check.eq(status(ALICE).reauthenticate, false)
  r = alice:reregister({})
  check.eq(r.challenges, 0, "and not again")
  local code, out, err = scscf("reauthenticate", "nobody@" .. D)
  check.eq(code, 1)
  check.has(out .. err, "error:")
end)

local function mars(mark)
  return L.cx_s:since(mark, function(m) return m.name == "MAR" end)
end

test("a restarted S-CSCF fetches H(A1) for the first request, once, and the phone need not register", { "DIG-040", "DIG-041", "DIG-047" }, function()
  local before = L:state(ALICE.impi)[ALICE.impu]
  check.eq({ before.state, before.pending }, { "registered", false })
  L:restart("scscf")
  L:wait_cx()
  local mark = L.cx_s:mark()
  local r = to_bob({}) -- over the nonce of before the restart
  check.eq(r.status, 200)
  check.eq(r.challenges, 1)
  check.eq(r.responses[1]:auth("Proxy-Authenticate").realm, D)
  local asked = mars(mark)
  check.eq(#asked, 1)
  check.eq(asked[1].avps:get("User-Name"), ALICE.impi)
  check.eq(asked[1].avps:get("SIP-Number-Auth-Items"), 1)
  check.eq(asked[1].avps:get("SIP-Auth-Data-Item"):get("SIP-Authentication-Scheme"), "SIP Digest")
  check.eq(L:state(ALICE.impi)[ALICE.impu], before, "no flag is set")
  r = to_bob({})
  check.eq(r.status, 200)
  check.eq(r.challenges, 0)
  check.eq(#mars(mark), 1, "it is kept")
  check.eq(alice:reregister({}).verdict, "refreshed")
  check.eq(#mars(mark), 1, "for the REGISTER, too")
end)

test("without the HSS the request of a restarted S-CSCF ends, with it the next one is served", {}, function()
  L:restart("scscf")
  L:wait_cx()
  -- the registration is restored by a request to alice; then only H(A1) is missing
  local t = async(bob.request, bob, { method = "MESSAGE", to = ALICE.impu, body = "x", content_type = "text/plain" })
  check.ok(alice:expect_request({ method = "MESSAGE" }), "the request reaches alice"):reply(200)
  check.eq(t:wait(20).status, 200)
  L:stop_node("hss")
  alice:forget_challenge("proxy")
  local r = to_bob({ refused = true })
  check.eq(r.status, 504)
  L:verdict({ node = "scscf", cause = "hss_unreachable", status = 504 })
  L:restart("hss")
  L:wait_cx()
  check.eq(to_bob({}).status, 200)
end)

alice:close()
bob:close()

return test.finish()
