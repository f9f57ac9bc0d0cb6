-- SPDX-License-Identifier: BSD-3-Clause
-- The NAT between the private addresses of the phones and the core: iptables MASQUERADE in the namespace "nat".
local check = require "check"

local nat = { address = "10.78.0.2", span = 0 }

local function run(...)
  local code, out, err = proc.run({ "ip", "netns", "exec", "nat", ... })
  check.eq(code, 0, err)
  return out
end

local TABLES = proc.run({ "sh", "-c", "command -v iptables-legacy" }) == 0 and "iptables-legacy" or "iptables"

-- Forgets every mapping: the next packet from inside gets another port of the public address, and what comes for the old
-- one is lost. Returns the first and the last port of the new range. From now on
-- ports differ from those inside.
function nat.rebind()
  local first = 40000 + 1000 * nat.span
  nat.span = (nat.span + 1) % 20
  run(TABLES, "-t", "nat", "-F", "POSTROUTING")
  for _, protocol in ipairs({ "udp", "tcp" }) do
    run(TABLES, "-t", "nat", "-A", "POSTROUTING", "-o", "wan", "-p", protocol, "-j", "MASQUERADE", "--to-ports",
      ("%d-%d"):format(first, first + 999))
  end
  run(TABLES, "-t", "nat", "-A", "POSTROUTING", "-o", "wan", "-j", "MASQUERADE")
  run("conntrack", "-F")
  return first, first + 999
end

-- Mappings as the NAT keeps them: {{protocol="udp", from="192.168.7.11", port=4500, to="10.77.1.4", to_port=4500,
-- public_port=40001}, ...}
function nat.mappings()
  local out = {}
  for line in run("conntrack", "-L", "-o", "extended"):gmatch("[^\n]+") do
    local protocol = line:match("^%S+%s+%d+%s+(%l+)")
    local from, to, port, to_port, public = line:match("src=(%S+) dst=(%S+) sport=(%d+) dport=(%d+).-dport=(%d+)")
    if from then
      out[#out + 1] = { protocol = protocol, from = from, to = to, port = tonumber(port), to_port = tonumber(to_port),
        public_port = tonumber(public) }
    end
  end
  return out
end

-- cut(true): the NAT passes nothing on, in either direction; cut(false): it does again
function nat.cut(on)
  run(TABLES, on and "-I" or "-D", "FORWARD", "-j", "DROP")
end

return nat
