-- SPDX-License-Identifier: BSD-3-Clause
-- baresip (libre's Digest, no code of ours) at the real nodes. What it does is read on the wire between P-CSCF and I-CSCF.
local check = require "check"
local lab = require "lab"
local phone = require "phone"
local test = require "test"

local D = lab.domain

-- A registration is good for a few seconds, so that baresip soon renews; a challenge is awaited for two.
local L = phone.lab({ taps = true, scscf = { digest = { tls_yes = "challenge" },
  registration = { min_expires = "1s", max_expires = "4s", default_expires = "4s", await_auth = "2s" } } })

local function start(user, o)
  o.addr, o.pcscf = o.addr or L.ip.ue, o.pcscf or L.sip.pcscf
  return phone.start(L, user, o)
end

-- The REGISTERs of a user since the mark, each with its answer.
local function exchanges(mark, user)
  local out, by_cseq = {}, {}
  for _, m in ipairs(L.mw_pi:since(mark)) do
    local cseq, method = (m:get("CSeq") or ""):match("(%d+) (%u+)")
    if method == "REGISTER" and (m:get("To") or ""):find(user .. "@", 1, true) then
      local key = m:get("Call-ID") .. cseq
      if m.method and not by_cseq[key] then
        by_cseq[key] = { request = m, auth = m:get("Authorization") and m:auth() }
        out[#out + 1] = by_cseq[key]
      elseif m.status and by_cseq[key] then
        by_cseq[key].response, by_cseq[key].status = m, m.status
      end
    end
  end
  return out
end

-- Waits for an exchange that fits; its place in the list.
local function await(mark, user, what, fits)
  return check.ok(wait_for(function()
    for i, x in ipairs(exchanges(mark, user)) do
      if x.status and fits(x) then
        return x
      end
    end
  end, 30), what)
end

-- libre asks for a new challenge with each refresh. To show it a stale nonce its answer is held until the nonce is old.
local hold = {} -- by user: true, then the CSeq of what is held
L.mw_pi.pass = function(octets, from_b, m)
  local user = (m:get("To") or ""):match("sip:([^@>]+)@")
  local held = user and hold[user]
  if not held or m.method ~= "REGISTER" or not m:get("Authorization") or (held ~= true and held ~= m:get("CSeq")) then
    return octets
  end
  if held == true then
    hold[user] = m:get("CSeq")
    async(function()
      sleep(3)
      hold[user] = nil
      L.mw_pi.send(octets, from_b)
    end)
  end
end

local function renews(mark, user)
  local first = await(mark, user, "the challenge", function(x) return x.status == 401 end)
  check.no(first.auth, "baresip begins without Authorization")
  local r = await(mark, user, "registered", function(x) return x.status == 200 and x.auth end)
  check.eq({ r.auth.nonce, r.auth.nc }, { first.response:auth("WWW-Authenticate").nonce, "00000001" })
  local again = await(mark, user, "renewed by itself", function(x) return x.status == 200 and x.auth.nonce ~= r.auth.nonce end)
  -- where the whole machine stood still meanwhile, the answer may reach the S-CSCF before its timer does: once more
  local stale
  for _ = 1, 3 do
    mark = L.mw_pi:mark()
    hold[user] = true
    stale = await(mark, user, "an answer that was held", function(x) return x.auth and (x.status == 401 or x.status == 200) end)
    if stale.status == 401 then
      break
    end
  end
  check.eq(stale.status, 401, "a nonce that got old")
  local c = stale.response:auth("WWW-Authenticate")
  check.eq(c.stale:upper(), "TRUE")
  local fresh = await(mark, user, "renewed with another", function(x) return x.status == 200 end)
  check.eq(fresh.auth.nonce, c.nonce)
  check.ne(fresh.auth.nonce, again.auth.nonce)
  return r
end

local function leaves(mark, user, p)
  check.eq(p:stop(), 0, "baresip ends")
  check.ok(wait_for(function()
    return L:state(user .. "@" .. D)[("sip:%s@%s"):format(user, D)].state ~= "registered"
  end, 20), "and has left")
end

local KINDS = { "outbound", "plain" }
-- Each with a phone of its own; they wait for most of their time, and do so beside one another. A connection within the loopback network
-- leaves from 127.0.0.1, and Via has to say so.
local TRANSPORTS = {
  { name = "udp", user = "alice" },
  { name = "tcp", user = "bob", addr = "127.0.0.1" },
  { name = "tls", user = "carol", addr = "127.0.0.1", tls = true },
}

local function round(t, kind)
  local user, mark = t.user, L.mw_pi:mark()
  local p = start(user, { transport = t.name, addr = t.addr, outbound = kind == "outbound", ca = t.tls and L.ca, pcscf = t.tls and L.tls })
  local ok, r = pcall(renews, mark, user)
  if not ok then
    hold[user] = nil
    p:stop()
    error(r, 0)
  end
  check.eq(r.auth.username, user .. "@" .. D)
  check.eq(r.auth["integrity-protected"], t.tls and "tls-pending" or nil)
  leaves(mark, user, p)
end

local outcomes = {}
for _, t in ipairs(TRANSPORTS) do
  async(function()
    for _, kind in ipairs(KINDS) do
      outcomes[t.name .. kind] = { pcall(round, t, kind) }
    end
  end)
end

for _, kind in ipairs(KINDS) do
  for _, t in ipairs(TRANSPORTS) do
    test(("registers and renews over %s %s"):format(t.name, kind), { "DIG-007", "DIG-011", "DIG-058" }, function()
      local outcome = check.ok(wait_for(function() return outcomes[t.name .. kind] end, 150), "an end")
      if not outcome[1] then
        error(outcome[2], 0)
      end
    end)
  end
end

return test.finish()
