-- SPDX-License-Identifier: BSD-3-Clause
-- Where the nodes and phones of a lab live in the networks of tests/kernel/inside.sh: lab.start{kernel=true}. Nodes have addresses
-- in the namespace "core"; the scenario, which plays the phones, the taps and the fakes, is in the namespace "phones".
--
--   L.ip.ue, L.phones[1..4]      phones with addresses of their own ("10.77.1.101")
--   L.phones6[1..4]              the same over IPv6 ("fd00:77::1:101"; lab.start{ipv6=true} makes the P-CSCF listen there)
--   L.private[1..3]              phones behind the NAT ("192.168.7.11"), all of them seen as L.nat
--   L.pcscf6                     the P-CSCF over IPv6, with its port
-- As fields of L:ue: {local_addr = L.private[1] .. ":0"}, {local_addr = "[" .. L.phones6[1] .. "]:0", pcscf = L.pcscf6}.
local check = require "check"

local lab_kernel = {}

local CORE = { "hss", "icscf", "scscf", "pcscf" }
local PHONES = 4

-- ip(namespace, lines): several commands of ip at once
local function ip(ns, lines)
  local file = os.tmpname()
  assert(fs.write(file, table.concat(lines, "\n") .. "\n", "600"))
  local code, _, err = proc.run({ "ip", "-n", ns, "-batch", file })
  os.remove(file)
  check.eq(code, 0, err)
end

function lab_kernel.addresses(L, index)
  local net = index + 1
  local prefix, prefix6 = ("10.77.%d."):format(net), ("fd00:77::%d:"):format(net)
  local core, phones = {}, {}
  local function add(list, dev, addr)
    list[#list + 1] = ("addr add %s dev %s%s"):format(addr, dev, addr:find(":") and " nodad" or "")
  end
  L.ip, L.phones, L.phones6, L.private, L.nat = {}, {}, {}, {}, "10.78.0.2"
  for i, node in ipairs(CORE) do
    L.ip[node] = prefix .. i
    add(core, "gm", L.ip[node] .. "/16")
  end
  L.ip.second = prefix .. 8
  add(core, "gm", L.ip.second .. "/16")
  add(core, "gm", prefix6 .. "4/64")
  L.pcscf6 = ("[%s4]:5060"):format(prefix6)
  L.ip.other, L.ip.tap = prefix .. 6, prefix .. 7
  add(phones, "gm", L.ip.other .. "/16")
  add(phones, "gm", L.ip.tap .. "/16")
  for i = 1, PHONES do
    L.phones[i], L.phones6[i] = prefix .. 100 + i, prefix6 .. 100 + i
    add(phones, "gm", L.phones[i] .. "/16")
    add(phones, "gm", L.phones6[i] .. "/64")
    if i < PHONES then
      L.private[i] = "192.168.7." .. 10 * net + i
      add(phones, "home", L.private[i] .. "/24")
    end
  end
  L.ip.ue = L.phones[1]
  ip("core", core)
  ip("phones", phones)
  L:ports()
end

-- The words in front of a program of a lab. QUINTET_MEMCHECK: those that watch the P-CSCF's memory.
function lab_kernel.where(argv, node)
  local words = { "ip", "netns", "exec", "core" }
  if node == "pcscf" then
    for w in (os.getenv("QUINTET_MEMCHECK") or ""):gmatch("%S+") do
      words[#words + 1] = w
    end
  end
  return table.move(words, 1, #words, #argv + 1, argv)
end

return lab_kernel
