-- SPDX-License-Identifier: BSD-3-Clause
-- A network without a network: an endpoint that answers REGISTERs of one SIM, as a P-CSCF would pass them on.
local BIN = require "bin"

local fake = {}
local Core = {}
Core.__index = Core

fake.domain = "ims.mnc001.mcc001.3gppnetwork.org"

-- fake.core{k=, opc=, transport=, amf=, sqn=} -> core; core.addr is where the phone sends to. sqn: of the next vector.
function fake.core(o)
  o = o or {}
  local e = assert(sip.endpoint({ transport = o.transport }))
  return setmetatable({ e = e, addr = e.addr, k = o.k, opc = o.opc, algorithm = o.algorithm, amf = o.amf or "0000",
    sqn = o.sqn or 32, realm = o.realm or fake.domain }, Core)
end

function Core:vector(sqn)
  local v = aka.generate({ k = self.k, opc = self.opc, algorithm = self.algorithm, sqn = sqn or self.sqn, amf = self.amf })
  self.sqn = (sqn or self.sqn) + 32
  self.last = v -- the vector made last
  return v
end

function Core:expect(timeout)
  return self.e:expect("REGISTER", timeout)
end

-- challenge(request [, vector [, change]]): 401 with the vector; change(auth) may spoil it
function Core:challenge(rq, v, change)
  v = v or self:vector()
  local a = auth.new("Digest"):set("realm", self.realm):set("nonce", v.nonce):set("algorithm", "AKAv1-MD5")
    :set("qop", "auth", true)
  if change then
    change(a)
  end
  self.e:reply(rq, 401, nil, { ["WWW-Authenticate"] = tostring(a) })
  return v
end

-- What the response should be, from the parameters the phone sent and RES (hex; "" for a resynchronisation).
function fake.expected(rq, res)
  local a = rq:auth()
  return auth.response({ algorithm = a.algorithm, username = a.username, realm = a.realm, res = res, method = rq.method,
    uri = a.uri, nonce = a.nonce, cnonce = a.cnonce, nc = a.nc, qop = a.qop })
end

function Core:accept(rq, expires)
  self.e:reply(rq, 200, nil, {
    { "Contact", rq:get("Contact") .. ";expires=" .. (expires or 600) },
    { "Service-Route", "<sip:orig@scscf." .. fake.domain .. ":6060;lr>" },
    { "P-Associated-URI", "<sip:001010000000001@" .. fake.domain .. ">" },
    { "P-Associated-URI", "<tel:+15550001>" },
    { "Path", "<sip:term@pcscf." .. fake.domain .. ":5060;lr>" },
  })
end

function Core:refuse(rq, status, reason, headers)
  self.e:reply(rq, status or 403, reason, headers)
end

-- Runs u:register (or another kind: "reregister", "request", ...) beside fn, which plays the network -> what it returns
function fake.beside(u, o, fn, kind)
  local t = async(u[kind or "register"], u, o)
  fn()
  return t:wait(40)
end

-- Runs the program ue with these arguments beside fn -> exit code, output, errors
function fake.command(argv, env, fn)
  local t = async(proc.run, { BIN .. "/ue", env = env or {}, timeout = 40, table.unpack(argv) })
  if fn then
    fn()
  end
  return t:wait(45)
end

function Core:close()
  self.e:close()
end

return fake
