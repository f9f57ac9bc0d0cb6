-- SPDX-License-Identifier: BSD-3-Clause
-- Registration by SIP Digest through four real nodes, with an ear on every wire (TS 33.203 Annex N, O.4.3; PKT-TR-SEC 6.1).
local check = require "check"
local lab = require "lab"
local mw = require "mw"
local test = require "test"

local D = lab.domain
local PASSWORD = "correct horse 7!"
local AUTHENTICATION_FAILURE, AUTHENTICATION_TIMEOUT = 9, 10

local function user(name, more)
  local s = { impi = name .. "_private@" .. D, impu = "sip:" .. name .. "@" .. D, password = PASSWORD }
  for k, v in pairs(more or {}) do
    s[k] = v
  end
  return s
end

local ALICE, BOB = user("alice"), user("bob", { digest_algorithm = "SHA-256" })
local NOBODY = { impi = "carol@" .. D, impu = "sip:carol@" .. D, password = PASSWORD } -- registers without Authorization
local SIM = { imsi = "001010000000001", msisdn = "15550001", k = "465b5ce8b199b49faa5f0a2ee238a6bc",
  opc = "cd63cb71954a9f4e48a5994e37a02baf" }

local L = lab.start({ digest = true, taps = true, subscribers = { ALICE, BOB, NOBODY, SIM },
  scscf = { registration = { await_auth = "4s" }, digest = { nonce_uses = 3 } } })

local function phone(s, o)
  local t = { impi = s.impi, impu = s.impu, password = s.password, pcscf = L.sip.pcscf, local_addr = L.ip.ue .. ":0" }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  return assert(ue.new(t))
end

local function cx(mark, name)
  return L.cx_s:since(mark, function(m) return m.name == name end)
end

local function sars(mark)
  local out = {}
  for _, m in ipairs(cx(mark, "SAR")) do
    out[#out + 1] = m.avps:get("Server-Assignment-Type")
  end
  return out
end

local function state(s)
  return L:state(s.impi)[s.impu]
end

-- The answers with this status on a wire.
local function answers(wire, mark, status)
  return L[wire]:since(mark, function(m) return m.status == status end)
end

local function gone(u)
  check.eq(u:deregister({}).verdict, "deregistered")
  u:close()
end

test("MD5: challenge, answer, proof of the network; the HSS follows", { "DIG-015", "DIG-016", "DIG-021", "DIG-022", "DIG-026", "DIG-028",
  "PC-009", "PC-007", "DIG-007" }, function()
  local u, mark, mwmark = phone(ALICE), L.cx_s:mark(), { is = L.mw_is:mark(), pi = L.mw_pi:mark() }
  local pending
  local r = u:register({ expires = 600, mutate = function(_, step)
    if step == 2 then
      pending = state(ALICE)
    end
  end })
  check.eq(r.verdict, "registered", r.text)
  check.eq(r.challenges, 1)
  check.eq(r.auth_info, "good")
  check.ok(pending.pending, "the pending flag is set between challenge and answer")
  check.eq(state(ALICE).state, "registered")
  check.no(state(ALICE).pending)
  local mar = cx(mark, "MAR")
  check.eq(#mar, 1)
  check.eq(mar[1].avps:get("SIP-Number-Auth-Items"), 1)
  check.eq(mar[1].avps:get("SIP-Auth-Data-Item", "SIP-Authentication-Scheme"), "Unknown")
  local at_s, at_p = answers("mw_is", mwmark.is, 401)[1], answers("mw_pi", mwmark.pi, 401)[1]
  local ch = at_s:auth("WWW-Authenticate")
  check.eq(ch.realm, D)
  check.eq(ch.algorithm, "MD5")
  check.eq(ch.qop, "auth")
  check.no(ch.ik or ch.ck)
  check.eq(at_p:get("WWW-Authenticate"), at_s:get("WWW-Authenticate"), "unchanged by the I-CSCF")
  check.eq(r.steps[1].response:get("WWW-Authenticate"), at_s:get("WWW-Authenticate"), "unchanged by the P-CSCF")
  gone(u)
  check.eq(state(ALICE).state, "not registered")
end)

test("SHA-256 where the record says so", {}, function()
  local u = phone(BOB)
  local r = u:register({ expires = 600 })
  check.eq(r.verdict, "registered", r.text)
  check.eq(r.digest.algorithm, "SHA-256")
  check.eq(r.auth_info, "good")
  gone(u)
end)

test("REGISTER without Authorization: the identity is the IMPU", { "DIG-013", "DIG-014", "DIG-011" }, function()
  local u, mark = phone(NOBODY, { omit_authorization = true }), L.cx_s:mark()
  local r = u:register({ expires = 600 })
  check.eq(r.verdict, "registered", r.text)
  check.eq(cx(mark, "MAR")[1].avps:get("User-Name"), "carol@" .. D)
  gone(u)
end)

test("a wrong password is refused, the HSS forgets the try, H(A1) and password are nowhere", { "DIG-051", "DIG-053" }, function()
  local u, mark = phone(ALICE, { password = "wrong one" }), L.cx_s:mark()
  local r = u:register({ expires = 600 })
  check.eq(r.status, 403)
  check.no(r.response:get("WWW-Authenticate"))
  check.no(r.response:get("Authentication-Info"))
  check.eq(#sars(mark), 1)
  check.eq(sars(mark)[1], AUTHENTICATION_FAILURE)
  check.eq(state(ALICE).state, "not registered")
  check.no(state(ALICE).pending)
  L:verdict({ node = "scscf", cause = "password_wrong" })
  u:close()
end)

test("a registered user stays so, whatever others answer", { "DIG-052", "PC-021" }, function()
  local u, thief, mark = phone(ALICE), phone(ALICE, { password = "guess" }), nil
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  mark = L.cx_s:mark()
  check.eq(thief:register({ expires = 600 }).status, 403)
  check.eq(#sars(mark), 0)
  check.eq(#cx(mark, "MAR"), 0, "H(A1) is there already")
  check.eq(state(ALICE).state, "registered")
  thief:close()
  check.eq(u:reregister({}).verdict, "refreshed")
  gone(u)
end)

test("an unanswered challenge ends, the HSS is told", { "DIG-055" }, function()
  local u, mark = phone(ALICE), L.cx_s:mark()
  u:register({ expires = 600, mutate = function(_, step)
    if step == 2 then
      return false
    end
  end })
  L:verdict({ node = "scscf", cause = "challenge_timeout" })
  check.ok(wait_for(function() return sars(mark)[1] == AUTHENTICATION_TIMEOUT end, 20), "SAR AUTHENTICATION_TIMEOUT")
  check.ok(wait_for(function() return not state(ALICE).pending end, 20))
  u:close()
end)

test("a nonce is good for some uses, then stale, and nobody is asked for a password", { "PC-011", "PC-013", "DIG-058", "DIG-059" }, function()
  local u = phone(ALICE)
  local r = u:register({ expires = 600 })
  local nonce = r.digest.nonce
  check.eq(r.verdict, "registered")
  r = u:reregister({})
  check.eq(r.verdict, "refreshed")
  check.eq(r.challenges, 0, "nc=00000002 is accepted")
  -- nextnonce came with one use left; a UE that does not take it up may use the old one for its last time
  check.ne(r.digest.nonce, nonce, "nextnonce")
  u:forget_challenge()
  r = u:reregister({})
  check.eq(r.verdict, "refreshed")
  check.eq(r.challenges, 1)
  gone(u)
end)

test("the credentials of SM7 again: 401 with stale and a new nonce", { "DIG-057", "DIG-058", "DIG-056" }, function()
  local u, p = phone(ALICE), mw.pcscf(L)
  local s = u:steps("register", { expires = 600 })
  local first = p:exchange(s:start(), false)
  check.eq(first.status, 401)
  local answer = p:dress(s:answer(first), false)
  check.eq(p.e:request(answer:copy(), L.sip.icscf, 5).status, 200)
  -- within 32 s the same octets are a merged request; what Digest protects is neither Call-ID nor CSeq
  local again = p.e:request(answer:copy():set("Call-ID", "replayed"), L.sip.icscf, 5)
  check.eq(again.status, 401)
  local ch = again:auth("WWW-Authenticate")
  check.eq(ch.stale:upper(), "TRUE")
  check.ne(ch.nonce, first:auth("WWW-Authenticate").nonce)
  L:verdict({ node = "scscf", cause = "nonce_count_replayed" })
  p:close()
  u:close()
end)

test("a new challenge ends the one before", { "DIG-055", "DIG-056" }, function()
  local u, p = phone(BOB), mw.pcscf(L)
  local a, b = u:steps("register", { expires = 600 }), nil
  local first = p:exchange(a:start(), false)
  local other = phone(BOB)
  b = other:steps("register", { expires = 600 })
  local second = p:exchange(b:start(), false)
  check.ne(first:auth("WWW-Authenticate").nonce, second:auth("WWW-Authenticate").nonce)
  local late = p:exchange(a:answer(first), false)
  check.eq(late.status, 401)
  check.eq(late:auth("WWW-Authenticate").stale:upper(), "TRUE")
  check.eq(p:exchange(a:answer(late), false).status, 200)
  p:close()
  u:close()
  other:close()
end)

test("integrity-protected over TLS: pending needs an answer, yes does not, none is challenged", { "TLS-021", "TLS-025", "TLS-046", "TLS-047", "PC-017" },
  function()
  local u, p = phone(ALICE), mw.pcscf(L)
  local s, mark = u:steps("register", { expires = 600 }), L:mark()
  local first = p:exchange(s:start(), "tls-pending")
  check.eq(first.status, 401)
  local done = p:exchange(s:answer(first), "tls-pending")
  check.eq(done.status, 200)
  s:answer(done)
  check.has(L:verdict({ node = "scscf", since = mark, outcome = "ok" }).evidence, "tls-protected")
  local function refresh(protection)
    local x = u:steps("register", { expires = 600 })
    local r = p:exchange(x:start(), protection)
    if x:answer(r) then
      x:silent()
    end
    return r
  end
  check.eq(refresh("tls-yes").status, 200)
  check.eq(refresh(false).status, 401)
  p:close()
  u:close()
end)

test("a SIM and a password on the same S-CSCF", { "PC-005", "COEX-022" }, function()
  local sim, home = L:ue(SIM), phone(BOB)
  local p = mw.pcscf(L)
  check.eq(p:register(sim).status, 200)
  check.eq(home:register({ expires = 600 }).verdict, "registered")
  -- the SIM's registration is none of Digest
  local m = p:dress(sim:steps("register", { expires = 600 }):start(), "no")
  m:change_auth(function(a) a:set("integrity-protected", "tls-yes") end)
  check.eq(p.e:request(m, L.sip.icscf, 5).status, 403)
  gone(home)
  p:close()
  sim:close()
end)

test("the password changes while registered, the registration does not", { "DIG-061", "DIG-062", "DIG-063", "DIG-064" }, function()
  local u = phone(ALICE)
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  local mark = L.cx_s:mark()
  L:hss_ok({ "subscriber", "set", ALICE.impi, "--password", "fresh-horse-9" })
  check.ok(wait_for(function() return cx(mark, "PPA")[1] end, 20), "PPA")
  u:forget_challenge()
  check.eq(u:reregister({}).verdict, "refreshed", "the old password, for a while")
  u:set_password("fresh-horse-9")
  u:forget_challenge()
  check.eq(u:reregister({}).verdict, "refreshed", "the new one at once")
  check.eq(#cx(mark, "MAR"), 0)
  u:set_password(PASSWORD)
  u:forget_challenge()
  check.eq(u:reregister({}).status, 403, "the old one is gone")
  u:set_password("fresh-horse-9")
  gone(u)
  L:hss({ "subscriber", "set", ALICE.impi, "--password", PASSWORD })
end)

test("a password that others know: the registration ends, the old one is of no use", {}, function()
  local u = phone(BOB)
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  local mark = L:mark()
  L:hss_ok({ "subscriber", "set", BOB.impi, "--password", "secret", "--reauthenticate" })
  L:verdict({ node = "scscf", since = mark, cause = "deregistered_by_hss" })
  check.eq(u:register({ expires = 600 }).status, 403)
  u:set_password("secret")
  check.eq(u:register({ expires = 600 }).verdict, "registered")
  gone(u)
end)

test("no password and no H(A1) in what the nodes write", {}, function()
  local file = L.dir .. "/a1"
  assert(fs.write(file, ALICE.impi .. ":" .. D .. ":" .. PASSWORD))
  local _, sum = proc.run({ "md5sum", file })
  local ha1 = check.ok(sum:match("^%x+"))
  for _, node in ipairs({ "icscf", "scscf", "pcscf" }) do
    local text = (fs.read(L.dir .. "/" .. node .. ".log") or "") .. (fs.read(L.conf[node].trace.file) or "")
    for _, secret in ipairs({ PASSWORD, "fresh-horse-9", ha1 }) do
      check.hasnt(text, secret, node)
    end
  end
end)

return test.finish()
