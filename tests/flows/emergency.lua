-- SPDX-License-Identifier: BSD-3-Clause
-- Emergency requests (TS 24.229 5.2.10), with one listener for UEs and core, and with one for each.
local check = require "check"
local lab = require "lab"
local test = require "test"

local SOS = "urn:service:sos"

local function raw(e, method, uri, fields)
  local m = sip.message([[
    ${method} ${uri} SIP/2.0
    Max-Forwards: 70
    From: <sip:anonymous@anonymous.invalid>;tag=${tag}
    To: <${uri}>
    Call-ID: ${call_id}
    CSeq: 1 ${method}
    Contact: <${contact}>]], { method = method, uri = uri, call_id = random.token(), tag = random.token(), contact = e:uri("ue") })
  sip.add_headers(m, fields)
  return m
end

-- INVITE from endpoint e, answered by the PSAP: the request as it arrived, and the 200.
local function emergency_call(L, psap, e, uri, fields)
  local m = raw(e, "INVITE", uri, fields)
  local t = async(e.request, e, m, L.gm)
  local invite = psap:expect("INVITE")
  psap:reply(invite, 200, nil, { Contact = "<" .. psap:uri("desk") .. ">", ["Record-Route"] = invite:values("Record-Route") })
  local r = check.ok(t:wait(20), "the 200")
  check.eq(r.status, 200)
  return invite, r
end

-- A request within the call, of the caller (of the 200) or the PSAP (of the INVITE).
local function within(e, method, invite, r, of_psap)
  local m = raw(e, method, of_psap and invite:uri_of("Contact") or r:uri_of("Contact"))
  m:set("Call-ID", r:get("Call-ID")):set("CSeq", "9 " .. method)
  m:set("From", of_psap and r:get("To") or r:get("From")):set("To", of_psap and r:get("From") or r:get("To"))
  local routes = (of_psap and invite or r):values("Record-Route")
  for i = 1, #routes do
    m:add("Route", routes[of_psap and i or #routes - i + 1])
  end
  return m
end

local function tests(kind, L)
  local psap = assert(sip.endpoint({ addr = L.ip.tap .. ":5070" }))

  test(kind .. ": an emergency call of somebody unknown", { "AKA-014" }, function()
    local e = assert(sip.endpoint({ addr = L.ip.other .. ":0" }))
    for _, uri in ipairs({ SOS, SOS .. ".fire", "tel:112", "sip:911@" .. L.domain .. ";user=phone" }) do
      local invite, r = emergency_call(L, psap, e, uri, { { "P-Asserted-Identity", "<sip:+15550003@" .. L.domain .. ">" },
        { "P-Preferred-Identity", "<sip:+15550003@" .. L.domain .. ">" }, { "P-Charging-Vector", "icid-value=forged" },
        { "Route", "<sip:" .. L.sip.scscf .. ";lr>" } })
      check.eq(invite.uri, uri)
      for _, name in ipairs({ "P-Asserted-Identity", "P-Preferred-Identity", "P-Charging-Vector", "Route" }) do
        check.no(invite:get(name), name)
      end
      -- both ends can go on and end it
      local t = async(e.request, e, within(e, "INFO", invite, r), L.gm)
      psap:reply(psap:expect("INFO"), 200)
      check.eq(t:wait(20).status, 200)
      t = async(psap.request, psap, within(psap, "BYE", invite, r, true), L.core)
      e:reply(e:expect("BYE"), 200)
      check.eq(t:wait(20).status, 200)
    end
    for _, uri in ipairs({ "urn:service:sosx", "urn:service:counseling", "tel:1120", "sip:+112@" .. L.domain }) do
      check.eq(e:request(raw(e, "INVITE", uri), L.gm).status, 403, uri)
    end
    e:close()
  end)

  test(kind .. ": a registered caller is named", function()
    local u = L:ue(1, { pcscf = L.gm })
    check.eq(u:register({}).verdict, "registered")
    local t = async(u.request, u, { method = "INVITE", to = SOS, preferred_identity = "sip:+15550003@" .. L.domain })
    local invite = psap:expect("INVITE")
    check.eq(invite:values("P-Asserted-Identity"), { "<sip:+15550001@" .. L.domain .. ">" })
    psap:reply(invite, 486)
    check.eq(t:wait(20).status, 486)
    u:deregister({})
    u:close()
  end)

  test(kind .. ": an emergency call opens no way to others", function()
    local e, victim = assert(sip.endpoint({ addr = L.ip.other .. ":0" })), L:ue(2, { pcscf = L.gm })
    check.eq(victim:register({}).verdict, "registered")
    local invite, r = emergency_call(L, psap, e, SOS)
    local m = within(e, "MESSAGE", invite, r)
    m.uri = victim.contact
    m:add("Route", "<sip:" .. victim.local_address .. ";lr>")
    local t = async(e.request, e, m, L.gm)
    psap:reply(psap:expect("MESSAGE"), 404)
    check.eq(t:wait(20).status, 404)
    check.no(victim:expect_request({ timeout = 0.2 }), "nothing reaches another UE")
    victim:deregister({})
    victim:close()
    e:close()
  end)

  test(kind .. ": an emergency registration", function()
    local u = L:ue(1, { pcscf = L.gm })
    local r = u:register({ mutate = function(m) m:set("Contact", (m:get("Contact"):gsub("^(<[^>]*)>", "%1;sos>"))) end,
      receive = function(m) -- the phone does not know the parameter
        if m.status == 200 then
          m:set("Contact", "<" .. u.contact .. ">;expires=600")
        end
      end })
    check.eq(r.verdict, "registered")
    u:close()
  end)

  test(kind .. ": the core side is for the core", function()
    local a, e = L:ue(1, { pcscf = L.gm }), assert(sip.endpoint({ addr = L.ip.other .. ":0" }))
    check.eq(a:register({}).verdict, "registered")
    for _, method in ipairs({ "MESSAGE", "INVITE", "OPTIONS", "REGISTER" }) do
      local m = raw(e, method, a.contact, { { "Route", a.last.path },
        { "P-Asserted-Identity", "<sip:+15550003@" .. L.domain .. ">" } })
      m:set("To", "<" .. a.impu .. ">")
      local answer = check.ok(e:request(m, L.core), method)
      if not (method == "REGISTER" and L.core == L.gm) then
        check.eq(answer.status, 403, method)
        check.eq(L:verdict({ node = "pcscf", call_id = m:get("Call-ID") }).cause,
          L.core == L.gm and "not_registered" or "untrusted_source", method)
      end
    end
    check.no(a:expect_request({ timeout = 0.2 }), "nothing reaches the UE")
    a:deregister({})
    a:close()
    e:close()
  end)

  psap:close()
end

local shared = lab.start({ nodes = {} })
shared.gm, shared.core = shared.sip.pcscf, shared.sip.pcscf

local function start(L, pcscf)
  for k, v in pairs(pcscf) do
    L.conf.pcscf[k] = v
  end
  L.conf.pcscf.emergency = { psap = "sip:" .. L.ip.tap .. ":5070" }
  L:write_conf("pcscf")
  for _, node in ipairs({ "hss", "icscf", "scscf", "pcscf" }) do
    L:start_node(node)
  end
  L:wait_cx()
end

start(shared, {})
tests("one listener", shared)

-- UEs at :5080, the core where it was
local split = lab.start({ nodes = {} })
split.core = split.sip.pcscf
split.gm = split.ip.pcscf .. ":5080"
start(split, { gm = { listen = { "udp:" .. split.gm, "tcp:" .. split.gm } },
  sip = { name = "pcscf." .. lab.domain, listen = { "udp:" .. split.core, "tcp:" .. split.core } } })
tests("two listeners", split)

test("without a PSAP the answer and the verdict say so", function()
  local L = lab.start({})
  local e = assert(sip.endpoint({ addr = L.ip.other .. ":0" }))
  local m = raw(e, "INVITE", SOS)
  local r = e:request(m, L.sip.pcscf)
  check.eq(r.status, 503)
  local v = L:verdict({ node = "pcscf", call_id = m:get("Call-ID") })
  check.eq({ v.cause, v.status, v.outcome }, { "next_hop_unreachable", 503, "failed" })
  e:close()
end)

return test.finish()
