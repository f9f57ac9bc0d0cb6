-- SPDX-License-Identifier: BSD-3-Clause
-- What each hop adds, removes and passes on, and who decides the scheme (TS 33.203 Annex P; PacketCable security report 6.1).
local check = require "check"
local lab = require "lab"
local mw = require "mw"
local test = require "test"

local L = lab.start({ taps = true })

local function registers_on(wire, mark)
  return L[wire]:since(mark, function(m) return m.method == "REGISTER" end)
end

-- What u:register sent, as the S-CSCF got it. change: on the way out of the phone.
local function carried(u, change)
  local mark = L.mw_is:mark()
  local r = u:register({ mutate = change })
  return registers_on("mw_is", mark), r
end

test("forged integrity-protected never reaches the core", { "COEX-003", "PC-001", "AKA-063" }, function()
  local u = L:ue(1)
  for _, claim in ipairs({ "yes", "tls-yes", "tls-connected", "ip-assoc-yes", "auth-done" }) do
    for _, m in ipairs(carried(u, function(msg)
      msg:change_auth(function(a) a:set("integrity-protected", claim) end)
      msg:add("Security-Client", "ipsec-3gpp;alg=hmac-sha-1-96;spi-c=1;spi-s=2;port-c=3;port-s=4")
      msg:add("Security-Verify", "ipsec-3gpp;q=0.9;alg=hmac-sha-1-96;spi-c=1;spi-s=2;port-c=3;port-s=4")
      msg:add("Supported", "sec-agree")
    end)) do
      check.eq(m:auth()["integrity-protected"], "no", claim)
      check.no(m:text():lower():find(claim, 1, true), claim)
      check.no(m:get("Security-Client"))
      check.no(m:get("Security-Verify"))
    end
  end
  u:close()
end)

test("P-Access-Network-Info of the UE passes, a forged network-provided one does not", { "COEX-016", "COEX-019" }, function()
  local u = L:ue(1)
  local info = "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=00101000100000101"
  for _, m in ipairs(carried(u, function(msg) msg:add("P-Access-Network-Info", info) end)) do
    check.eq(m:get("P-Access-Network-Info"), info)
  end
  for _, m in ipairs(carried(u, function(msg)
    msg:add("P-Access-Network-Info", "ADSL;dsl-location=forged;network-provided")
  end)) do
    check.hasnt(m:text(), "forged")
  end
  u:close()
end)

test("integrity-protected yes or no means IMS AKA", { "COEX-023", "COEX-021" }, function()
  for _, protection in ipairs({ "yes", "no" }) do
    local u, p, mark = L:ue(2), mw.pcscf(L), L.cx_s:mark()
    check.eq(p:exchange(u:steps().start(), protection).status, 401)
    local mar = L.cx_s:since(mark, function(m) return m.name == "MAR" end)[1]
    check.eq(mar.avps:get("SIP-Auth-Data-Item", "SIP-Authentication-Scheme"), "Digest-AKAv1-MD5", protection)
    p:close()
    u:close()
  end
end)

test("other schemes are refused clearly until they exist", { "COEX-021", "AKA-012" }, function()
  local no_password = { "scheme_not_possible", "AUTH_SCHEME_NOT_SUPPORTED" } -- SIP Digest, says the HSS, of a SIM
  for _, case in ipairs({ { "tls-pending", no_password }, { "tls-connected", no_password }, { "ip-assoc-pending", no_password },
    { "auth-done", { "scheme_not_supported", "Trusted Node" } } }) do
    local claim, cause, text = case[1], case[2][1], case[2][2]
    local u, p = L:ue(3), mw.pcscf(L) -- without an AKA registration so far
    local m = u:steps().start()
    local answer = p:exchange(m, claim)
    check.between(answer.status, 400, 499, claim)
    check.ne(answer.status, 401, claim)
    local v = L:verdict({ call_id = m:get("Call-ID"), node = "scscf" })
    check.eq(v.cause, cause, claim)
    check.has(v.evidence, text, claim)
    p:close()
    u:close()
  end
end)

test("the scheme of a registration does not change", { "COEX-022" }, function()
  local u, p = L:ue(2), mw.pcscf(L)
  check.eq(p:register(u).verdict, "registered")
  local again = p:exchange(u:steps("refresh").start(), false) -- no integrity-protected: SIP Digest
  check.eq(again.status, 401)
  check.eq(again:auth().algorithm, "AKAv1-MD5", "a challenge of the same scheme")
  check.eq(L:state(u.impi)[u.impu].state, "registered")
  p:close()
  u:close()
end)

test("P-Asserted-Identity comes after the 200, not before", { "PC-002", "AKA-014" }, function()
  local u, callee = L:ue(1), L:ue(3)
  check.eq(callee:register({}).verdict, "registered")
  local mark = L:mark()
  check.between(u:message({ to = "sip:+15550003@" .. L.domain }).status, 400, 499, "before")
  check.eq(#L:events("scscf", { since = mark, sum = "~MESSAGE" }), 0, "nothing leaves the P-CSCF")
  check.eq(u:register({}).verdict, "registered")
  local sending = async(u.request, u, { method = "MESSAGE", to = "sip:+15550003@" .. L.domain, body = "x",
    headers = { ["P-Asserted-Identity"] = "<sip:president@" .. L.domain .. ">" } })
  local rq = check.ok(callee:expect_request({ method = "MESSAGE" }))
  local asserted = rq.msg:values("P-Asserted-Identity")
  check.contains(asserted, "<sip:+15550001@" .. L.domain .. ">")
  check.hasnt(rq.msg:text(), "president", "what the UE asserts counts for nothing")
  rq:reply(200)
  check.eq(sending:wait(20).status, 200)
  u:deregister({})
  callee:deregister({})
  u:close()
  callee:close()
end)

test("the 200 names the set and SAA brings the profile", { "PC-003", "PC-004" }, function()
  local u, mark = L:ue(3), L.cx_s:mark()
  local r = u:register({})
  check.eq(r.response:values("P-Associated-URI"), { "<sip:+15550003@" .. L.domain .. ">", "<tel:+15550003>" })
  local xml = L.cx_s:since(mark, function(m) return m.name == "SAA" end)[1].avps:get("User-Data")
  check.has(xml, "<ServiceProfile>")
  u:deregister({})
  -- with filter criteria of the operator
  local file = L.dir .. "/profile.xml"
  assert(fs.write(file, [[<?xml version="1.0" encoding="UTF-8"?>
<IMSSubscription><PrivateID>any@example.org</PrivateID><ServiceProfile>
<PublicIdentity><Identity>sip:any@example.org</Identity></PublicIdentity>
<InitialFilterCriteria><Priority>3</Priority><TriggerPoint><ConditionTypeCNF>0</ConditionTypeCNF>
<SPT><ConditionNegated>0</ConditionNegated><Group>0</Group><Method>MESSAGE</Method></SPT></TriggerPoint>
<ApplicationServer><ServerName>sip:as.example.org</ServerName></ApplicationServer></InitialFilterCriteria>
</ServiceProfile></IMSSubscription>
]]))
  L:hss_ok({ "profile", "set", "filtered", file })
  L:hss_ok({ "subscriber", "set", L.subscribers[3].imsi, "--profile", "filtered" })
  mark = L.cx_s:mark()
  check.eq(u:register({}).verdict, "registered")
  xml = L.cx_s:since(mark, function(m) return m.name == "SAA" end)[1].avps:get("User-Data")
  check.match(xml, "<ServiceProfile>.*<InitialFilterCriteria>.*<Method>MESSAGE</Method>.*sip:as%.example%.org")
  u:deregister({})
  u:close()
end)

test("MAR says who asks and stores the S-CSCF name", { "PC-007", "AKA-017" }, function()
  local u, mark = L:ue(3), L.cx_s:mark()
  local m = u:register({ max_steps = 1 })
  check.eq(m.verdict, "abandoned")
  local mar = L.cx_s:since(mark, function(x) return x.name == "MAR" end)[1].avps
  check.eq(mar:get("User-Name"), u.impi)
  check.eq(mar:get("Server-Name"), "sip:scscf." .. L.domain .. ":6060")
  check.above(mar:get("SIP-Number-Auth-Items"), 0)
  check.eq(L:state(u.impi)[u.impu].scscf, "sip:scscf." .. L.domain .. ":6060")
  u:close()
end)

test("a foreign REGISTER cannot remove a registration", { "PC-021" }, function()
  local u, thief = L:ue(1), L:ue(3)
  check.eq(u:register({}).verdict, "registered")
  check.eq(thief:register({}).verdict, "registered")
  -- own credentials, the victim's address
  thief:set_impu(u.impu)
  local r = thief:deregister({})
  check.no(r.ok)
  check.between(r.status, 400, 499)
  -- the victim's name, no key
  local e = assert(sip.endpoint({ addr = L.ip.other .. ":0" }))
  local m = u:steps("deregister").start()
  m:set("Contact", "*")
  local answer = e:request(m, L.sip.pcscf)
  check.eq(answer.status, 401)
  check.eq(L:state(u.impi)[u.impu].state, "registered")
  e:close()
  u:close()
  thief:close()
end)

test("a retransmitted REGISTER gets the same 401", { "PC-024", "AKA-024" }, function()
  local u = L:ue(2)
  local e = assert(sip.endpoint({ addr = L.ip.other .. ":0", keep_retransmissions = true }))
  local m, mark = u:steps().start(), L.cx_s:mark()
  m:insert("Via", e:via())
  local nonces = {}
  for _ = 1, 3 do
    e:send(m, L.sip.pcscf)
    local r = check.ok(e:recv({ match = function(x) return x.status == 401 end }), "a 401 for each")
    nonces[#nonces + 1] = r:auth().nonce
  end
  check.eq(nonces[1], nonces[2])
  check.eq(nonces[1], nonces[3])
  check.eq(#L.cx_s:since(mark, function(x) return x.name == "MAR" end), 1, "one vector is spent")
  e:close()
  u:close()
end)

test("one key for one IMPI", { "ISIM-002" }, function()
  local s = L.subscribers[1]
  local before = L:subscriber(s.imsi)
  local _, code, err = L:hss({ "subscriber", "add", "--imsi", s.imsi, "--msisdn", "15559999", "--k", L.subscribers[2].k, "--opc",
    s.opc })
  check.ne(code, 0)
  check.has(err, s.imsi)
  check.eq(L:subscriber(s.imsi), before)
  local u = L:ue(1)
  check.eq(u:register({}).verdict, "registered", "the first key counts")
  u:close()
end)

return test.finish()
