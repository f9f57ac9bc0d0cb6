-- SPDX-License-Identifier: BSD-3-Clause
-- A P-CSCF that is played by the test: it hands the REGISTERs of a phone to the home network over Mw, with the
-- integrity-protected value the test wants (TS 33.203 6.1.5), and sees what a P-CSCF sees.
local check = require "check"

local mw = {}
local Mw = {}
Mw.__index = Mw

-- mw.pcscf(lab [, to]): to is where requests go, by default the I-CSCF
function mw.pcscf(L, to)
  local e = assert(sip.endpoint({ addr = L.ip.other .. ":0" }))
  return setmetatable({ e = e, L = L, to = to or L.sip.icscf }, Mw)
end

-- Adds what a P-CSCF adds. protection: "yes", "no", or false to leave the parameter out.
function Mw:dress(m, protection)
  m:set("Max-Forwards", "69")
  m:add("Path", "<" .. self.e:uri("term") .. ";lr>"):add("Require", "path")
  m:add("P-Visited-Network-ID", '"' .. self.L.domain .. '"')
  m:add("P-Charging-Vector", ('icid-value="%s";orig-ioi="Type 1%s"'):format(random.token(), self.L.domain))
  if protection and m:get("Authorization") then
    m:change_auth(function(a)
      a:set("integrity-protected", protection)
    end)
  end
  return m
end

-- One REGISTER of the phone's procedure and its answer.
function Mw:exchange(m, protection, timeout)
  local r = self.e:request(self:dress(m, protection), self.to, timeout)
  return check.ok(r, "an answer to the REGISTER")
end

-- register(u, {kind=, expires=, protection=, mutate=, receive=}): the whole procedure. protection: a value for all, or a
-- function(step, message); by default "no" for the first and "yes" for answers to a challenge. Result as of u:register.
function Mw:register(u, o)
  o = o or {}
  local p = u:steps(o.kind or "register", { expires = o.expires or 600 })
  local steps, m, response = {}, p:start(), nil
  while m do
    local n = #steps + 1
    local protection = o.protection == nil and (n == 1 and "no" or "yes") or o.protection
    if type(protection) == "function" then
      protection = protection(n, m)
    end
    steps[n] = { request = m }
    if o.mutate and o.mutate(m, n, response) == false then
      p:silent()
      break
    end
    response = self:exchange(m, protection)
    steps[n].response = response
    local seen = response:copy()
    if response.status == 401 then
      seen:change_auth(function(a) -- what a P-CSCF takes out
        a:remove("ik"):remove("ck")
      end)
    end
    if o.receive then
      o.receive(seen, n)
    end
    m = p:answer(seen)
  end
  local r = p:result()
  r.steps, r.response = steps, response
  return r
end

-- A request of a registered phone, as a P-CSCF passes it on: to the S-CSCF by Service-Route, with the asserted identity.
function Mw:originate(u, o)
  local r = u.last_mw or o.registration
  local m = u:build({ method = o.method or "MESSAGE", to = o.to, body = o.body, route = false, preferred_identity = false,
    from = o.identity })
  m:add("Route", o.service_route or r.service_route)
  m:add("P-Asserted-Identity", "<" .. o.identity .. ">")
  return self.e:request(m, self.L.sip.scscf, o.timeout)
end

function Mw:close()
  self.e:close()
end

return mw
