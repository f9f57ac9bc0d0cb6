-- SPDX-License-Identifier: BSD-3-Clause
-- A program of its own (ue run digest_users.lua PREFIX FIRST HOSTS TO DOMAIN USERS PASSWORD RATE SECONDS): that many users of SIP Digest, each
-- at a port of its own, at the addresses PREFIX FIRST and up. They register, RATE per second; it prints "registered N" and what the others
-- got. When the file named by the variable GO is there all refresh within SECONDS; it prints how many began and how many succeeded.
local prefix, first, hosts, to, domain, n_users, password, rate, seconds = table.unpack(arg)
first, hosts, n_users, rate, seconds = tonumber(first), tonumber(hosts), tonumber(n_users), tonumber(rate), tonumber(seconds)

local GIVE_UP_S = 32 -- timer F
local users = {}

local template = ([[
REGISTER sip:${domain} SIP/2.0
Via: SIP/2.0/UDP ${me};rport;branch=z9hG4bK${branch}
Max-Forwards: 70
From: <sip:${name}@${domain}>;tag=a
To: <sip:${name}@${domain}>
Call-ID: ${name}
CSeq: ${cseq} REGISTER
Contact: <sip:${name}@${me};ob>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-4000-8000-${number}>"
Supported: path, outbound
Expires: 3600
Authorization: ${authorization}
Content-Length: 0

]]):gsub("\n", "\r\n")

local function credentials(u)
  local a = auth.new("Digest"):set("username", u.name .. "@" .. domain, true):set("realm", u.realm or domain, true)
    :set("uri", "sip:" .. domain, true):set("nonce", u.nonce or "", true)
  if not u.nonce then
    return tostring(a:set("response", "", true))
  end
  u.nc = u.nc + 1
  local nc = ("%08x"):format(u.nc)
  return tostring(a:set("response", auth.response({ algorithm = "MD5", username = u.name .. "@" .. domain, realm = u.realm, password = password,
    method = "REGISTER", uri = "sip:" .. domain, nonce = u.nonce, cnonce = "c", nc = nc, qop = "auth" }), true)
    :set("algorithm", "MD5"):set("qop", "auth"):set("nc", nc):set("cnonce", "c", true))
end

local function send(u)
  u.cseq = u.cseq + 1
  local values = { domain = domain, me = u.me, branch = random.token(), name = u.name, cseq = u.cseq, number = u.number,
    authorization = credentials(u) }
  u.text = template:gsub("%${(%w+)}", values)
  u.wait, u.again = 0.5, now() + 0.5
  u.socket:send(u.text, to)
end

local function begin(u)
  u.busy, u.until_s, u.challenges = true, now() + GIVE_UP_S, 0
  send(u)
end

-- The outcome when there is one: true, or false.
local function answered(u, data)
  local status, cseq = data:match("^SIP/2.0 (%d+)"), data:match("\nCSeq: (%d+)")
  if tonumber(cseq) ~= u.cseq or status == "100" then
    return nil
  elseif status == "401" and u.challenges < 3 then
    local a = sip.parse(data):auth("WWW-Authenticate")
    u.nonce, u.realm, u.nc, u.challenges = a.nonce, a.realm, 0, u.challenges + 1
    send(u)
    return nil
  end
  u.busy, u.status = false, status
  return status == "200"
end

local function step(u)
  for data in function() return (u.socket:take()) end do
    local outcome = answered(u, data)
    if outcome ~= nil then
      return outcome
    end
  end
  local t = now()
  if t > u.until_s then
    u.busy, u.status = false, "none"
    return false
  elseif t > u.again then
    u.socket:send(u.text, to)
    u.wait = math.min(2 * u.wait, 4)
    u.again = t + u.wait
  end
end

for i = 1, n_users do
  local socket = assert(net.udp(prefix .. (first + i % hosts) .. ":0"))
  users[i] = { socket = socket, me = socket:local_address(), name = ("d%05d"):format(i), number = ("%012x"):format(i), cseq = 0, nc = 0 }
end

-- Begins with each user when due(i) says so: how many succeeded, and what the others got.
local function all(due)
  local good, faults, next_one, open = 0, {}, 1, {}
  while next_one <= n_users or next(open) do
    while next_one <= n_users and due(next_one) do
      begin(users[next_one])
      open[next_one] = users[next_one]
      next_one = next_one + 1
    end
    for i, u in pairs(open) do
      local outcome = step(u)
      if outcome ~= nil then
        open[i] = nil
        good = good + (outcome and 1 or 0)
        if not outcome then
          faults[u.status] = (faults[u.status] or 0) + 1
        end
      end
    end
    sleep(0.002)
  end
  return good, faults
end

-- What a pause of the machine kept is not made up for at once: it would come faster than that.
local function paced(per_second)
  local start = now()
  local last = start
  return function(i)
    local t = now()
    start, last = start + math.max(0, t - last - 0.05), t
    return t - start >= (i - 1) / per_second
  end
end

local registered, why = all(paced(rate))
print("registered " .. registered .. " " .. json.encode(why))
io.stdout:flush()
while not fs.stat(os.getenv("GO")) do
  sleep(0.02)
end
local start = now()
local good, faults = all(paced(n_users / seconds))
print(json.encode({ refreshes = n_users, good = good, faults = faults, seconds = now() - start }))
