-- SPDX-License-Identifier: BSD-3-Clause
-- Packets that no honest end would send: ESP with null encryption made by hand, right to the last octet, and SIP in clear from anywhere to
-- anywhere. The sums are those of the program openssl.
local check = require "check"
local wire = require "wire"
local xfrm = require "xfrm"

local forge = {}

local ETHERTYPE, UDP, ESP = "\8\0", 17, 50
local seqs = {} -- the highest sequence number of each SPI that was forged

local function address(text)
  local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  return string.char(a, b, c, d)
end

local function sum16(octets)
  local s = 0
  for at = 1, #octets, 2 do
    s = s + (">I2"):unpack(octets, at)
  end
  while s > 0xffff do
    s = (s & 0xffff) + (s >> 16)
  end
  return ~s & 0xffff
end

local function ip(o, protocol, payload)
  local function header(sum)
    return (">BBI2I2I2BBI2"):pack(0x45, 0, 20 + #payload, math.random(1, 65535), 0, 64, protocol, sum) .. address(o.from) .. address(o.to)
  end
  math.randomseed(1)
  local first = header(0)
  math.randomseed(1)
  return header(sum16(first)) .. payload
end

local function udp(o)
  return (">I2I2I2I2"):pack(o.from_port, o.to_port, 8 + #o.text, 0) .. o.text
end

local function hmac_sha1_96(key, octets)
  local dir = assert(fs.tmpdir())
  assert(fs.write(dir .. "/m", octets, "600"))
  local code, out, err = proc.run({ "openssl", "dgst", "-sha1", "-mac", "HMAC", "-macopt", "hexkey:" .. key:gsub("^0x", ""), "-hex", dir .. "/m" })
  fs.remove(dir)
  check.eq(code, 0, err)
  return hex.decode(out:match("= ?(%x+)")):sub(1, 12)
end

-- MAC addresses of a row that passed between the same two machines in this direction
local function ethernet(like)
  return like.octets:sub(1, 12) .. ETHERTYPE
end

-- clear{like=ROW, from=, to=, from_port=, to_port=, text=} -> a frame with UDP in clear. What is missing is that of the row (Ear:packets).
function forge.clear(o)
  local t = setmetatable({}, { __index = function(_, k) return o[k] == nil and o.like[k] or o[k] end })
  return ethernet(t.like) .. ip(t, UDP, udp(t))
end

-- esp{like=ROW, ns=, spi=, key=, seq=, from=, to=, from_port=, to_port=, text=} -> a frame with ESP that is right. key: that of the SA in this
-- namespace's kernel when none is given; seq: beyond all that passed.
function forge.esp(o)
  local t = setmetatable({}, { __index = function(_, k) return o[k] == nil and o.like[k] or o[k] end })
  local key = o.key or check.ok(xfrm.state(o.ns or "phones", t.spi), "an SA with this SPI").auth_key
  local seq = o.seq or math.max(seqs[t.spi] or 0, o.spi == nil and o.like.seq or 0) + 16
  seqs[t.spi] = seq
  local inner = udp(t)
  local pad = -(#inner + 2) % 4
  local trailer = ("\1\2\3"):sub(1, pad) .. string.char(pad, UDP)
  local esp = (">I4I4"):pack(t.spi, seq) .. inner .. trailer
  return ethernet(t.like) .. ip(t, ESP, esp .. hmac_sha1_96(key, esp))
end

-- to_pcscf(FRAME, ...), to_ue(FRAME, ...): onto the wire
function forge.to_pcscf(...)
  wire.send({ ns = "phones" }, ...)
end

function forge.to_ue(...)
  wire.send({ ns = "core" }, ...)
end

return forge
