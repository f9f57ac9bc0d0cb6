-- SPDX-License-Identifier: BSD-3-Clause
-- Synchronisation failures, vectors in order, and the use of each vector once (TS 33.203 6.1.1, 6.1.3; TS 33.102 6.3.5).
local check = require "check"
local lab = require "lab"
local mw = require "mw"
local test = require "test"

local L = lab.start({ taps = true, scscf = { aka = { vectors = 3 } } })

local function sub(n)
  return L.subscribers[n]
end

local function cx(mark, name)
  return L.cx_s:since(mark, function(m) return m.name == name end)
end

-- RANDs and AUTNs of an MAA, in the order of SIP-Item-Number.
local function vectors(maa)
  local out = {}
  for _, item in ipairs(maa.avps:all("SIP-Auth-Data-Item")) do
    local octets = item:get("SIP-Authenticate")
    out[#out + 1] = { number = item:get("SIP-Item-Number") or 0, rand = hex.encode(octets:sub(1, 16)),
      autn = hex.encode(octets:sub(17, 32)) }
  end
  table.sort(out, function(a, b) return a.number < b.number end)
  return out
end

local function rand_of(r)
  return r.challenge.rand
end

test("vectors come ordered by SQN and are used first in, first out", { "AKA-022", "AKA-023", "AKA-024" }, function()
  local u, mark = L:ue(1), L.cx_s:mark()
  local used = {}
  for i = 1, 4 do
    local r = u:register({})
    check.eq(r.verdict, "registered")
    used[i] = rand_of(r)
  end
  local maa = cx(mark, "MAA")
  check.eq(#maa, 2, "three vectors are used up before more are asked for")
  check.eq(cx(mark, "MAR")[1].avps:get("SIP-Number-Auth-Items"), 3)
  local list = vectors(maa[1])
  check.eq(#list, 3)
  local last = -1
  for i, v in ipairs(list) do
    local sqn = check.ok(aka.check_autn({ k = sub(1).k, opc = sub(1).opc, rand = v.rand, autn = v.autn })).sqn
    check.above(sqn // 32, last // 32, "SEQ of vector " .. i)
    check.between(sqn % 32, 28, 31)
    last = sqn
    check.eq(used[i], v.rand, "challenge " .. i)
  end
  check.eq(used[4], vectors(maa[2])[1].rand)
  u:deregister({})
  u:close()
end)

test("a SIM that is ahead: AUTS, new vectors, registered",
  { "AKA-027", "AKA-030", "AKA-051", "AKA-052", "AKA-053", "AKA-054", "AKA-055", "AKA-056", "AKA-016" }, function()
  local u, mark, wire = L:ue(3), L.cx_s:mark(), L.mw_is:mark()
  local ahead = (L:subscriber(L:impi(3)).seq + 5000) * 32 + 29
  u:set_sqn(ahead)
  local r = u:register({})
  check.eq(r.verdict, "registered")
  check.eq(r.sqn_failures, 1)
  check.eq(#r.steps, 3)
  local report = r.steps[2].request:auth()
  check.eq(#base64.decode(report.auts), 14)
  -- what the S-CSCF asks
  local mar = cx(mark, "MAR")
  check.eq(#mar, 2)
  local stored = vectors(cx(mark, "MAA")[1])[1].rand
  local authorization = mar[2].avps:get("SIP-Auth-Data-Item", "SIP-Authorization")
  check.eq(#authorization, 30, "RAND and AUTS")
  check.eq(hex.encode(authorization:sub(1, 16)), stored, "the RAND it had sent")
  check.eq(authorization:sub(17), base64.decode(report.auts))
  check.eq(mar[2].avps:get("SIP-Number-Auth-Items"), 3)
  -- what the HSS gives
  local fresh = vectors(cx(mark, "MAA")[2])
  for _, v in ipairs(fresh) do
    local card = check.ok(aka.check_autn({ k = sub(3).k, opc = sub(3).opc, rand = v.rand, autn = v.autn }))
    check.above(card.sqn // 32, ahead // 32, "above the SIM's")
  end
  -- the second challenge
  local challenges = L.mw_is:since(wire, function(m) return m.status == 401 end)
  check.eq(#challenges, 2)
  check.ne(challenges[1]:auth().nonce, challenges[2]:auth().nonce)
  check.eq(r.challenge.rand, fresh[1].rand)
  check.eq(r.steps[3].response.status, 200)
  -- the vectors before the resynchronisation are gone
  local old = {}
  for _, v in ipairs(vectors(cx(mark, "MAA")[1])) do
    old[v.rand] = true
  end
  for i = 2, 4 do
    local again = u:register({})
    check.eq(again.verdict, "registered", "refresh " .. i)
    check.no(old[rand_of(again)], "an old vector is sent")
    check.eq(again.sqn_failures, 0)
  end
  check.eq(rand_of(u.last), vectors(cx(mark, "MAA")[3])[1].rand)
  local seen = {}
  for _, v in ipairs(L:events("scscf", { ev = "verdict", call_id = r.call_id })) do
    seen[#seen + 1] = v.cause
  end
  check.contains(seen, "resynchronised")
  u:deregister({})
  u:close()
end)

test("a forged AUTS moves nothing", { "AKA-053" }, function()
  local u = L:ue(2)
  local before
  u:set_sqn((L:subscriber(L:impi(2)).seq + 700) * 32)
  local r = u:register({ mutate = function(msg, step)
    if step == 2 then
      before = L:subscriber(L:impi(2)).seq
      msg:change_auth(function(a)
        local octets = base64.decode(a.auts)
        a:set("auts", base64.encode(octets:sub(1, -2) .. string.char(octets:byte(-1) ~ 1)))
      end)
    end
  end, max_steps = 2 })
  check.no(r.ok)
  check.between(r.response.status, 400, 499)
  check.between(L:subscriber(L:impi(2)).seq, before, before + 3, "SEQ did not jump")
  check.eq(L:verdict({ node = "hss", impi = L:impi(2) }).cause, "auts_forged")
  -- the genuine one does
  r = u:register({})
  check.eq(r.verdict, "registered")
  check.above(L:subscriber(L:impi(2)).seq, before + 699)
  u:deregister({})
  u:close()
end)

test("an AUTS of the wrong length is refused", { "AKA-052" }, function()
  local u, mark = L:ue(2), L.cx_s:mark()
  u:set_sqn((L:subscriber(L:impi(2)).seq + 700) * 32)
  for _, bad in ipairs({ base64.encode(random.octets(13)), base64.encode(random.octets(15)), "", "***" }) do
    local r = u:register({ max_steps = 2, mutate = function(msg, step)
      if step == 2 then
        msg:change_auth(function(a) a:set("auts", bad) end)
      end
    end })
    check.no(r.ok, bad)
    check.between(r.steps[2].response.status, 400, 499, bad)
  end
  for _, m in ipairs(cx(mark, "MAR")) do
    check.no(m.avps:get("SIP-Auth-Data-Item", "SIP-Authorization"), "no such AUTS goes to the HSS")
  end
  u:close()
end)

test("a SIM that never agrees is refused in the end", {}, function()
  local u, p = L:ue(1), mw.pcscf(L)
  u:set_sqn(((1 << 43) - 2) * 32) -- no SEQ is left above it
  local r = p:register(u)
  check.no(r.ok)
  check.between(r.status, 400, 599)
  check.between(#r.steps, 2, 4)
  p:close()
  u:close()
end)

-- over all that was sent above
test("no RAND is sent twice", { "AKA-024" }, function()
  local seen = {}
  for _, m in ipairs(L.mw_is:since(0, function(x) return x.status == 401 end)) do
    local nonce = m:auth().nonce
    check.no(seen[nonce] and seen[nonce] ~= m:param("Via", "branch"), "a nonce in two challenges")
    seen[nonce] = m:param("Via", "branch")
  end
  check.ok(next(seen))
end)

test("the share of IND for IMS is configuration", { "SQN-004", "SQN-002" }, function()
  local S = lab.start({ hss = { auc = { ind_bits = 6, ind_cs = "0-19", ind_ps = "20-39", ind_ims = "40-41" } } })
  local u = S:ue(1, { sqn_ind_bits = 6 })
  local inds = {}
  for _ = 1, 4 do
    local r = u:register({})
    check.eq(r.verdict, "registered")
    inds[#inds + 1] = r.challenge.sqn % 64
    check.between(r.challenge.sqn % 64, 40, 41)
  end
  check.ne(inds[1], inds[2], "the elements are used in turn")
  u:close()
end)

return test.finish()
