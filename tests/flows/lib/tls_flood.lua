-- SPDX-License-Identifier: BSD-3-Clause
-- A program of its own (ue run tls_flood.lua PREFIX FIRST SOURCES TO RATE CA NAME STOP): from the addresses PREFIX FIRST and up RATE connections
-- per second in all to a TLS port. Every other one goes on to the end of its handshake, the rest leaves after its ClientHello. Until the file
-- STOP is there. Prints "refused" when the first was, in the end how many there were, how many handshakes were done and how many refused.
local prefix, first, n, to, rate, ca, name, stop = table.unpack(arg)
local ctx = assert(tls.context({ role = "client", ca = ca }))
local open, r = {}, { tried = 0, done = 0, refused = 0 }

local function attempt(k)
  local c = net.tcp_connect(prefix .. (tonumber(first) + k % tonumber(n)) .. ":0", to, 5000)
  if c and c:start_tls(ctx, name) then
    open[c] = { since = now(), leaves = k // tonumber(n) % 2 == 0 }
    r.tried = r.tried + 1
  end
end

local function look()
  for c, o in pairs(open) do
    local state = c:state()
    if state == "up" then
      r.done = r.done + 1
    elseif state == "closed" then
      r.refused = r.refused + 1
      if r.refused == 1 then
        print("refused")
        io.stdout:flush()
      end
    end
    if state ~= "connecting" or o.leaves and now() - o.since > 0.01 then
      c:close()
      open[c] = nil
    end
  end
end

local start, held, last = now(), 0, now()
while not fs.stat(stop) do
  held, last = held + math.max(0, now() - last - 0.05), now() -- what a pause of the machine kept is not made up for at once
  local due = (now() - start - held) * tonumber(rate)
  for _ = 1, math.min(due - r.tried, 50) do
    attempt(r.tried)
  end
  look()
  sleep(0.002)
end
r.seconds = now() - start
print(json.encode(r))
