-- SPDX-License-Identifier: BSD-3-Clause
-- Registration by IMS AKA through four real nodes, with an ear on every wire (TS 33.203 6.1.0, 6.1.1).
local check = require "check"
local lab = require "lab"
local milenage = require "milenage"
local tables = require "tables"
local test = require "test"

local L = lab.start({ taps = true, ipv6 = true })
local SUB = L.subscribers[1]
local IMPI = SUB.imsi .. "@" .. L.domain
local TEMPORARY = "sip:" .. IMPI -- barred: good for REGISTER alone
local DEFAULT, TEL = "sip:+15550001@" .. L.domain, "tel:+15550001"
local SCSCF = "sip:scscf." .. L.domain .. ":6060"

-- The messages that a piece of work left on the wires, by name.
local function recorded(fn)
  local marks = {}
  for _, w in ipairs({ "mw_pi", "mw_is", "cx_i", "cx_s" }) do
    marks[w] = L[w]:mark()
  end
  local r = fn()
  local out = { result = r }
  for w, mark in pairs(marks) do
    out[w] = L[w]:since(mark)
  end
  function out.cx(name)
    local list = {}
    for _, w in ipairs({ "cx_i", "cx_s" }) do
      for _, m in ipairs(out[w]) do
        if m.name == name then
          list[#list + 1] = m
        end
      end
    end
    return list
  end
  -- requests or responses of a wire in one direction
  function out.on(wire, status)
    local list = {}
    for _, m in ipairs(out[wire]) do
      if status and m.status == status or not status and m.method == "REGISTER" then
        list[#list + 1] = m
      end
    end
    return list
  end
  return out
end

local u = L:ue(1)
local first = recorded(function()
  return u:register({ expires = 600 })
end)
local r = first.result

test("a SIM registers", { "AKA-012", "AKA-015" }, function()
  check.eq(r.verdict, "registered", r.reason)
  check.eq(#r.steps, 2)
  check.eq(r.steps[1].response.status, 401, "never a 200 at once")
  check.eq(r.steps[1].response:auth().algorithm, "AKAv1-MD5", "AKA, no other scheme")
  check.eq(r.steps[2].response.status, 200)
  local v = L:verdict({ call_id = r.call_id })
  check.eq(v.cause, "registered")
  check.eq(v.outcome, "ok")
  check.eq(v.impi, IMPI)
end)

test("I-CSCF assigns the S-CSCF by UAR", { "AKA-001" }, function()
  local uar, uaa = first.cx("UAR")[1], first.cx("UAA")[1]
  local rq = first.on("mw_is")[1]
  check.eq(uaa.result, 2001, "FIRST_REGISTRATION")
  check.ok(uaa.experimental, "a result of the 3GPP space")
  check.above(rq.order, uaa.order, "the REGISTER leaves after UAA")
  check.above(uaa.order, uar.order)
  check.eq(rq.uri, SCSCF)
  check.eq(uar.avps:get("Public-Identity"), TEMPORARY)
end)

test("profile comes with SAA after success", { "AKA-002" }, function()
  local saa = check.ok(first.cx("SAA")[1], "SAA")
  check.above(saa.order, first.on("mw_is")[2].order, "after the answer to the challenge")
  check.eq(saa.result, 2001)
  local xml = saa.avps:get("User-Data")
  check.has(xml, "<IMSSubscription")
  check.has(xml, "<PrivateID>" .. IMPI .. "</PrivateID>")
end)

test("IMPI is the authenticated identity on every hop", { "AKA-008" }, function()
  for _, wire in ipairs({ "mw_pi", "mw_is" }) do
    for _, m in ipairs(first.on(wire)) do
      check.eq(m:auth().username, IMPI, wire)
    end
  end
  for _, name in ipairs({ "UAR", "MAR", "SAR" }) do
    local list = first.cx(name)
    check.above(#list, 0, name)
    for _, m in ipairs(list) do
      check.eq(m.avps:get("User-Name"), IMPI, name)
    end
  end
  check.match(IMPI, "^[^@]+@[^@]+$", "a NAI")
  -- an IMPU that the IMPI does not follow from
  local v = L:ue(1, { impu = DEFAULT })
  local other = recorded(function()
    return v:register({ max_steps = 1 })
  end)
  for _, m in ipairs({ other.cx("UAR")[1].avps, other.cx("MAR")[1].avps }) do
    check.eq(m:get("User-Name"), IMPI)
    check.eq(m:get("Public-Identity"), DEFAULT)
  end
  check.eq(other.on("mw_is")[1]:auth().username, IMPI)
  v:close()
end)

test("vectors agree with an independent computation", { "AKA-009", "AKA-042" }, function()
  local item = first.cx("MAA")[1].avps:get("SIP-Auth-Data-Item")
  local authenticate = item:get("SIP-Authenticate")
  check.eq(#authenticate, 32, "octets of RAND and AUTN")
  local rand, autn = hex.encode(authenticate:sub(1, 16)), hex.encode(authenticate:sub(17))
  local card = check.ok(aka.check_autn({ k = SUB.k, opc = SUB.opc, rand = rand, autn = autn }))
  local own = milenage.vector(SUB.k, SUB.opc, rand, card.sqn, card.amf)
  check.eq(autn, own.autn)
  check.eq(hex.encode(item:get("SIP-Authorization")), own.res)
  check.eq(hex.encode(item:get("Confidentiality-Key")), own.ck)
  check.eq(hex.encode(item:get("Integrity-Key")), own.ik)
  check.eq(#item:get("Confidentiality-Key"), 16)
  check.eq(#item:get("Integrity-Key"), 16)
  check.between(#item:get("SIP-Authorization"), 4, 16, "octets of RES")
end)

test("every REGISTER and every answer passes all hops", { "AKA-016" }, function()
  for _, wire in ipairs({ "mw_pi", "mw_is" }) do
    check.eq(#first.on(wire), 2, wire .. ": REGISTERs")
    check.eq(#first.on(wire, 401), 1, wire .. ": 401")
    check.eq(#first.on(wire, 200), 1, wire .. ": 200")
  end
  check.eq(first.on("mw_is", 401)[1]:auth().nonce, r.challenge.nonce, "the challenge is the S-CSCF's own")
end)

test("MAR asks for at least one vector", { "AKA-021" }, function()
  local mar = first.cx("MAR")
  check.eq(#mar, 1)
  check.above(mar[1].avps:get("SIP-Number-Auth-Items"), 0)
  check.eq(mar[1].avps:get("SIP-Auth-Data-Item", "SIP-Authentication-Scheme"), "Digest-AKAv1-MD5")
  check.eq(mar[1].avps:get("Server-Name"), SCSCF)
end)

test("challenge carries RAND and AUTN of the vector", { "AKA-025" }, function()
  local item = first.cx("MAA")[1].avps:get("SIP-Auth-Data-Item")
  local m = first.on("mw_is", 401)[1]
  local octets = base64.decode(m:auth().nonce)
  check.eq(octets:sub(1, 32), item:get("SIP-Authenticate"))
  check.eq(m:auth().scheme, "Digest")
  check.eq(m:auth().algorithm, "AKAv1-MD5")
end)

test("IK and CK go to the P-CSCF and no further", { "AKA-026" }, function()
  local item = first.cx("MAA")[1].avps:get("SIP-Auth-Data-Item")
  for _, wire in ipairs({ "mw_is", "mw_pi" }) do
    local a = first.on(wire, 401)[1]:auth()
    check.eq(a.ik, hex.encode(item:get("Integrity-Key")), wire)
    check.eq(a.ck, hex.encode(item:get("Confidentiality-Key")), wire)
  end
  for _, step in ipairs(r.steps) do
    for _, m in ipairs(step.responses) do
      check.hasnt(m:text():lower(), r.challenge.ik)
      check.hasnt(m:text():lower(), r.challenge.ck)
    end
  end
  local a = r.steps[1].response:auth()
  check.no(a.ik)
  check.no(a.ck)
  check.eq(a.nonce, first.on("mw_pi", 401)[1]:auth().nonce, "the rest of the challenge is untouched")
end)

test("the UE answers with a digest over RES", { "AKA-031" }, function()
  local a = r.steps[2].request:auth()
  local res = hex.encode(first.cx("MAA")[1].avps:get("SIP-Auth-Data-Item", "SIP-Authorization"))
  check.eq(a.response, auth.response({ algorithm = "AKAv1-MD5", username = a.username, realm = a.realm, res = res,
    method = "REGISTER", uri = a.uri, nonce = a.nonce, cnonce = a.cnonce, nc = a.nc, qop = a.qop }))
end)

test("the answer goes to the S-CSCF that issued the challenge", { "AKA-032" }, function()
  local uar, uaa = first.cx("UAR"), first.cx("UAA")
  check.eq(#uar, 2, "the I-CSCF asks again")
  check.eq(uaa[2].result, 2002, "SUBSEQUENT_REGISTRATION")
  check.eq(uaa[2].avps:get("Server-Name"), SCSCF)
  check.eq(first.on("mw_is")[2].uri, SCSCF)
  check.above(first.on("mw_is")[2].order, uaa[2].order)
end)

test("HSS shows registered after success", { "AKA-034", "AKA-019" }, function()
  local sar = first.cx("SAR")
  check.eq(#sar, 1)
  check.eq(sar[1].avps:get("Server-Assignment-Type"), 1, "REGISTRATION")
  check.eq(sar[1].avps:get("Public-Identity"), TEMPORARY)
  for _, impu in ipairs({ DEFAULT, TEMPORARY, TEL }) do
    local row = check.ok(L:state(SUB.imsi)[impu], impu)
    check.eq(row.state, "registered", impu)
    check.eq(row.scscf, SCSCF, impu)
    check.eq(row.impi, IMPI)
  end
end)

test("the implicit set comes from the HSS and reaches the UE", { "AKA-036", "AKA-037" }, function()
  local xml = first.cx("SAA")[1].avps:get("User-Data")
  for _, impu in ipairs({ DEFAULT, TEMPORARY, TEL }) do
    check.has(xml, "<Identity>" .. impu .. "</Identity>")
  end
  for _, wire in ipairs({ "mw_is", "mw_pi" }) do
    check.eq(first.on(wire, 200)[1]:values("P-Associated-URI"), { "<" .. DEFAULT .. ">", "<" .. TEL .. ">" }, wire)
  end
  check.eq(r.p_associated_uri, "<" .. DEFAULT .. ">, <" .. TEL .. ">", "default first, barred ones left out")
  check.has(r.service_route, "scscf." .. L.domain)
end)

test("UE and HSS count SQN", { "AKA-010", "SQN-002" }, function()
  local last = u:sqn()
  for _ = 1, 4 do
    local again = u:register({ expires = 600 })
    check.eq(again.verdict, "registered")
    check.above(again.challenge.sqn // 32, last // 32, "SEQ")
    check.between(again.challenge.sqn % 32, 28, 31, "IND of the range for IMS")
    last = again.challenge.sqn
    check.eq(u:sqn(), last, "the card keeps the highest")
  end
  check.eq(L:subscriber(SUB.imsi).seq, last // 32)
end)

test("AMF of the subscriber stands in AUTN", { "AKA-011" }, function()
  check.eq(r.challenge.amf, "8000")
  L:hss_ok("subscriber set " .. SUB.imsi .. " --amf 4b7c")
  local again = u:register({ expires = 600 })
  check.eq(again.verdict, "registered")
  check.eq(again.challenge.amf, "4b7c")
  check.eq(again.challenge.autn:sub(13, 16), "4b7c")
  L:hss("subscriber set " .. SUB.imsi .. " --amf 8000")
end)

test("pending between challenge and answer, and kept registered later", { "AKA-017", "AKA-018", "AKA-019", "AKA-035" }, function()
  local v = L:ue(2)
  local impi2 = L.subscribers[2].imsi .. "@" .. L.domain
  check.eq(L:state(impi2)["sip:" .. impi2].state, "not registered")
  local seen
  local first2 = recorded(function()
    return v:register({ mutate = function(_, step)
      if step == 2 then
        seen = L:state(impi2)["sip:" .. impi2]
      end
    end })
  end)
  check.eq(first2.result.verdict, "registered")
  check.ok(seen.pending, "authentication pending")
  check.no(seen.registered)
  check.eq(seen.scscf, SCSCF, "stored on the same exchange")
  check.eq(L:state(impi2)["sip:" .. impi2].state, "registered")
  local during
  local again = recorded(function()
    return v:register({ mutate = function(_, step)
      if step == 2 then
        during = L:state(impi2)["sip:" .. impi2]
      end
    end })
  end)
  check.eq(again.result.verdict, "registered")
  check.ok(during.registered, "registered while the refresh is challenged")
  check.eq(during.state, "registered")
  check.eq(again.cx("SAR")[1].avps:get("Server-Assignment-Type"), 2, "RE_REGISTRATION")
  check.eq(L:state(impi2)["sip:" .. impi2].state, "registered")
  v:close()
end)

test("an IMPU of somebody else is refused", { "AKA-020" }, function()
  local thief = L:ue(3, { impu = "sip:+15550002@" .. L.domain })
  local wrong = recorded(function()
    return thief:register({})
  end)
  check.eq(wrong.result.verdict, "refused")
  check.eq(wrong.result.status, 403)
  local uaa = wrong.cx("UAA")[1]
  check.ok(uaa.experimental)
  check.eq(uaa.result, 5002, "IDENTITIES_DONT_MATCH")
  check.eq(#wrong.on("mw_is"), 0, "it reaches no S-CSCF")
  check.eq(L:verdict({ call_id = wrong.result.call_id }).cause, "identities_dont_match")
  thief:close()
end)

test("an unknown user is refused", { "AKA-020" }, function()
  local stranger = L:ue({ imsi = "001010000000099", k = SUB.k, opc = SUB.opc })
  local wrong = stranger:register({})
  check.eq(wrong.status, 403)
  check.eq(L:verdict({ call_id = wrong.call_id }).cause, "user_unknown")
  stranger:close()
end)

test("nothing is served before registration", { "AKA-014" }, function()
  local v = L:ue(3)
  for _, method in ipairs({ "MESSAGE", "INVITE", "SUBSCRIBE", "OPTIONS" }) do
    local answer = v:request({ method = method, to = DEFAULT, headers = { Event = "reg" } })
    check.between(answer.status, 400, 499, method)
    check.ne(answer.status, 408, method)
  end
  check.eq(#L.mw_is:since(0, function(m) return m.method and m.method ~= "REGISTER" end), 0, "nothing got through")
  v:close()
end)

test("every identity of the set is reached without its own REGISTER", { "AKA-038" }, function()
  local v = L:ue(2)
  check.eq(v:register({}).verdict, "registered")
  for _, to in ipairs({ DEFAULT, TEL }) do
    local sending = async(v.message, v, { to = to, body = "hello" })
    local rq = check.ok(u:expect_request({ method = "MESSAGE" }), "MESSAGE to " .. to)
    check.eq(rq.msg.body, "hello")
    rq:reply(200)
    check.eq(sending:wait(20).status, 200, to)
  end
  v:close()
end)

test("UDP and TCP, IPv4 and IPv6", { "AKA-016" }, function()
  for _, transport in ipairs({ "udp", "tcp" }) do
    for _, pcscf in ipairs({ L.sip.pcscf, L.pcscf6 }) do
      local v = L:ue(3, { transport = transport, pcscf = pcscf, local_addr = pcscf == L.pcscf6 and "[::1]:0" or nil })
      local result = v:register({})
      check.eq(result.verdict, "registered", transport .. " " .. pcscf)
      check.eq(v:deregister({}).verdict, "deregistered", transport .. " " .. pcscf)
      v:close()
    end
  end
end)

test("de-registration clears the HSS", {}, function()
  local gone = recorded(function()
    return u:deregister({})
  end)
  check.eq(gone.result.verdict, "deregistered")
  check.eq(gone.cx("SAR")[1].avps:get("Server-Assignment-Type"), 5, "USER_DEREGISTRATION")
  for impu, row in tables.ordered(L:state(SUB.imsi)) do
    check.eq(row.state, "not registered", impu)
  end
  check.eq(L:verdict({ call_id = r.call_id, cause = "deregistered" }).outcome, "ok")
end)

u:close()
return test.finish()
