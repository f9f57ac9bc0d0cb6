-- SPDX-License-Identifier: BSD-3-Clause
-- Labs whose Gm is under IPsec, and what passed there: who sent what from which port to which, in which SA.
local check = require "check"
local lab = require "lab"
local wire = require "wire"

local gm = { port_ps = 6100, ports_pc = { [6101] = true, [6102] = true, [6103] = true, [6104] = true } }

local function merge(into, from)
  for k, v in pairs(from or {}) do
    if type(v) == "table" and type(into[k]) == "table" and v[1] == nil then
      merge(into[k], v)
    else
      into[k] = v
    end
  end
  return into
end

-- gm.lab{pcscf=..., scscf=..., ...}: lab.start in the kernel's namespaces with IPsec required, keys logged (L.keylog) and the
-- control socket open; o is laid over.
function gm.lab(o)
  local dir = assert(fs.tmpdir())
  local L = lab.start(merge({
    kernel = true, ipv6 = true,
    pcscf = { security = { ipsec = "required", keylog = dir .. "/esp_sa" }, control = { socket = dir .. "/pcscf" } },
    scscf = { registration = { unprotected_response = "refuse", overflow = "replace_oldest" } },
  }, o))
  L.keylog = dir .. "/esp_sa"
  return L
end

-- Registers a phone; an error with its words when that fails.
function gm.registered(u, o)
  local r = u:register(o or { expires = 600 })
  check.eq(r.verdict, "registered", r.text)
  return r
end

-- A MESSAGE of one registered phone to another, answered 200. o as for u:message. Returns the request as it arrived.
function gm.message(from, to, o)
  o = o or {}
  o.to = to.default_impu
  local t = async(from.message, from, o)
  local rq = check.ok(to:expect_request({ method = "MESSAGE" }), "the MESSAGE arrives")
  rq:reply(200)
  check.eq(check.ok(t:wait(8)).status, 200)
  return rq
end

-- What "pcscf status --json" says: one row per set of SAs.
function gm.status(L)
  local out = L:run_ok("pcscf", "status --json")
  return assert(json.decode(out)), out
end

-- Rows of one IMPI, or of all.
function gm.sets(L, impi)
  local out = {}
  for _, row in ipairs((gm.status(L))) do
    if not impi or row.impi == impi then
      out[#out + 1] = row
    end
  end
  return out
end

local FIELDS = { "frame.number", "frame.time_relative", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport",
  "tcp.srcport", "tcp.dstport", "tcp.flags.syn", "tcp.flags.ack", "esp.spi", "esp.sequence", "esp.icv_good", "sip.Method", "sip.Status-Code",
  "sip.Call-ID", "sip.CSeq", "sip.Via", "sip.Contact", "_ws.malformed", "ip.proto" }

local function one(v)
  return type(v) == "table" and v[1] or v
end

-- gm.packets(CAPTURE, KEYS [, FILTER]) -> packets as tshark reads them with the keys: {from="ADDRESS", to=, sport=, dport=, tcp=true, syn=true,
-- spi=number, icv_good=, method=, status=, call_id=, via=, contact=, malformed=}
function gm.packets(c, keys, filter)
  local out = {}
  for _, row in ipairs(c:tshark({ keys = keys, fields = FIELDS, filter = filter })) do
    local p = { from = one(row["ip.src"] or row["ipv6.src"]), to = one(row["ip.dst"] or row["ipv6.dst"]) }
    p.tcp = row["tcp.srcport"] ~= nil
    p.sport = tonumber(one(row["tcp.srcport"] or row["udp.srcport"]))
    p.dport = tonumber(one(row["tcp.dstport"] or row["udp.dstport"]))
    p.outer_sport, p.row = nil, row
    p.syn = row["tcp.flags.syn"] == "1" or row["tcp.flags.syn"] == "True"
    p.spi = row["esp.spi"] and tonumber(one(row["esp.spi"]))
    p.seq = row["esp.sequence"] and tonumber(one(row["esp.sequence"]))
    p.icv_good = one(row["esp.icv_good"]) == "1" or one(row["esp.icv_good"]) == "True"
    p.method, p.status = one(row["sip.Method"]), tonumber(one(row["sip.Status-Code"]))
    p.call_id, p.cseq, p.via, p.contact = one(row["sip.Call-ID"]), one(row["sip.CSeq"]), one(row["sip.Via"]), one(row["sip.Contact"])
    p.malformed = row["_ws.malformed"] ~= nil
    out[#out + 1] = p
  end
  return out
end

-- Those that carry SIP: requests of a method, or responses of a status.
function gm.sip(packets, what)
  local out = {}
  for _, p in ipairs(packets) do
    if (p.method or p.status) and (not what or p.method == what or p.status == what) then
      out[#out + 1] = p
    end
  end
  return out
end

-- Events of verdicts of the P-CSCF with this cause.
function gm.verdict(L, cause, timeout)
  return wait_for(function()
    return L:events("pcscf", { ev = "verdict", cause = cause })[1]
  end, timeout or 20)
end

return gm
