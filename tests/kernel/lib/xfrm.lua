-- SPDX-License-Identifier: BSD-3-Clause
-- What the kernel says of associations and policies, read from the program ip: a judge that shares no code with ours.
local check = require "check"

local xfrm = {}

local function ip(ns, ...)
  local code, out, err = proc.run({ "ip", "-n", ns, ... })
  check.eq(code, 0, err)
  return out
end

-- Blocks of output: a line at the margin begins one.
local function blocks(text)
  local out = {}
  for line in text:gmatch("[^\n]+") do
    if line:match("^%S") then
      out[#out + 1] = line
    else
      out[#out] = out[#out] .. "\n" .. line
    end
  end
  return out
end

local function number(text)
  return text and math.tointeger(tonumber(text))
end

local function selector(text)
  local s = {}
  s.src, s.dst = text:match("src ([^%s/]+)[%d/]* dst ([^%s/]+)")
  s.proto, s.sport, s.dport = text:match("proto (%S+)"), number(text:match("sport (%d+)")), number(text:match("dport (%d+)"))
  s.dir, s.priority, s.action = text:match("dir (%l+)"), number(text:match("priority (%d+)")), text:match("action (%l+)")
  return s
end

-- states(ns) -> {{src=, dst=, spi=, reqid=, mode=, auth=, auth_key=, enc=, enc_key=, aead=, replay_window=, encap={sport=, dport=},
-- sel={src=, dst=, proto=, sport=, dport=}, bytes=, packets=, replay=, failed=, hard_add_s=, text=}, ...}, for a namespace
function xfrm.states(ns)
  local out = {}
  for _, b in ipairs(blocks(ip(ns, "-s", "xfrm", "state"))) do
    local s = { text = b }
    s.src, s.dst = b:match("^src (%S+) dst (%S+)")
    s.spi, s.reqid, s.mode = number(b:match("spi (0x%x+)")), number(b:match("reqid (%d+)")), b:match("mode (%l+)")
    s.auth, s.auth_key = b:match("\tauth[-%l]* (%S+) (0x%x+)")
    s.enc, s.enc_key = b:match("\tenc (%S+) (0x%x*)")
    s.aead, s.aead_key = b:match("\taead (%S+) (0x%x+)")
    local sport, dport = b:match("encap type espinudp sport (%d+) dport (%d+)")
    s.encap = sport and { sport = number(sport), dport = number(dport) } or nil
    s.sel = selector(b:match("\tsel ([^\n]*)") or "")
    s.bytes, s.packets = number(b:match("(%d+)%(bytes%), ")), number(b:match("(%d+)%(packets%)\n"))
    s.replay_window, s.replay, s.failed = b:match("stats:%s+replay%-window (%d+) replay (%d+) failed (%d+)")
    s.replay_window_missed, s.replay, s.failed = number(s.replay_window), number(s.replay), number(s.failed)
    s.replay_window = number(b:match("replay_window (%d+)") or b:match("replay%-window (%d+)"))
    s.hard_add_s = number(b:match("expire add: soft %S+, hard (%d+)"))
    out[#out + 1] = s
  end
  return out
end

-- The state with this SPI, or nil.
function xfrm.state(ns, spi)
  for _, s in ipairs(xfrm.states(ns)) do
    if s.spi == spi then
      return s
    end
  end
end

-- policies(ns) -> {{src=, dst=, proto=, sport=, dport=, dir=, action=, priority=, reqid=, mode=, text=}, ...}; those of sockets
-- (IKE's) are left out
function xfrm.policies(ns)
  local out = {}
  for _, b in ipairs(blocks(ip(ns, "xfrm", "policy", "list", "nosock"))) do
    local p = selector(b)
    p.text, p.reqid, p.mode = b, number(b:match("reqid (%d+)")), b:match("mode (%l+)")
    out[#out + 1] = p
  end
  return out
end

-- Counters of what the kernel dropped: {XfrmInNoStates = 0, ...}
function xfrm.statistics(ns)
  local code, text = proc.run({ "ip", "netns", "exec", ns, "cat", "/proc/net/xfrm_stat" })
  check.eq(code, 0)
  local out = {}
  for name, n in text:gmatch("(%w+)%s+(%d+)") do
    out[name] = number(n)
  end
  return out
end

-- Nothing is left in a namespace: no association, no policy.
function xfrm.check_empty(ns)
  local states, policies = xfrm.states(ns), xfrm.policies(ns)
  check.eq(#states, 0, "associations left in " .. ns .. (states[1] and ": " .. states[1].text or ""))
  check.eq(#policies, 0, "policies left in " .. ns .. (policies[1] and ": " .. policies[1].text or ""))
end

return xfrm
