-- SPDX-License-Identifier: BSD-3-Clause
-- Milenage (TS 35.206 4.1) written from its text over the AES of the openssl command: a second opinion on the vectors of the HSS.
local milenage = {}

local function xor(a, b)
  local out = {}
  for i = 1, 16 do
    out[i] = string.char(a:byte(i) ~ b:byte(i))
  end
  return table.concat(out)
end

local function rotate(x, bits)
  local n = bits // 8
  return x:sub(n + 1) .. x:sub(1, n)
end

local function aes(k, block)
  local dir = assert(fs.tmpdir())
  fs.write(dir .. "/in", block, "600")
  local code, out, err = proc.run({ "openssl", "enc", "-aes-128-ecb", "-nopad", "-K", hex.encode(k), "-in", dir .. "/in" })
  fs.remove(dir)
  assert(code == 0 and #out == 16, err)
  return out
end

local function constant(last)
  return ("\0"):rep(15) .. string.char(last)
end

-- vector(k, opc, rand, sqn, amf): hex in, hex out: {autn, res, ck, ik, ak}
function milenage.vector(k_hex, opc_hex, rand_hex, sqn, amf_hex)
  local k, opc, rand = hex.decode(k_hex), hex.decode(opc_hex), hex.decode(rand_hex)
  local sqn_octets, amf = string.pack(">I6", sqn), hex.decode(amf_hex)
  local temp = aes(k, xor(rand, opc))
  local in1 = sqn_octets .. amf .. sqn_octets .. amf
  local function out(rotation, c)
    return xor(aes(k, xor(rotate(xor(temp, opc), rotation), constant(c))), opc)
  end
  local out1 = xor(aes(k, xor(temp, rotate(xor(in1, opc), 64))), opc)
  local out2, out3, out4 = out(0, 1), out(32, 2), out(64, 4)
  local ak, conceal = out2:sub(1, 6), {}
  for i = 1, 6 do
    conceal[i] = string.char(sqn_octets:byte(i) ~ ak:byte(i))
  end
  return {
    autn = hex.encode(table.concat(conceal) .. amf .. out1:sub(1, 8)), res = hex.encode(out2:sub(9, 16)),
    ck = hex.encode(out3), ik = hex.encode(out4), ak = hex.encode(ak),
  }
end

return milenage
