-- SPDX-License-Identifier: BSD-3-Clause
-- A program of its own (ue run digest_flood.lua PREFIX FIRST SOURCES TO DOMAIN RATE STOP): from the addresses PREFIX FIRST and up false REGISTERs,
-- RATE per second in all, each with a Call-ID of its own, whatever is answered, until the file STOP is there. Prints "refused" when the
-- first 503 came, in the end how many went out and what came back.
local prefix, first, n, to, domain, rate, stop = table.unpack(arg)
local sockets, answers, sent = {}, {}, 0

for i = 1, tonumber(n) do
  sockets[i] = assert(net.udp(prefix .. (tonumber(first) + i - 1) .. ":0"))
end

-- Every other one claims to be a registered user, with an answer to a challenge that there never was.
local function text(socket, id, k)
  local user = k % 2 == 0 and ("d%05d"):format(1 + k % 2000) or "nobody" .. k
  local response = k % 4 < 2 and 'nonce="",response=""' or
    'nonce="bm9uY2U=",response="0123456789abcdef0123456789abcdef",algorithm=MD5,qop=auth,nc=00000001,cnonce="c"'
  local me = socket:local_address()
  return ([[
REGISTER sip:%s SIP/2.0
Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s
Max-Forwards: 70
From: <sip:%s@%s>;tag=a
To: <sip:%s@%s>
Call-ID: %s
CSeq: 1 REGISTER
Contact: <sip:%s@%s>
Expires: 600
Authorization: Digest username="%s@%s",realm="%s",uri="sip:%s",%s
Content-Length: 0

]]):format(domain, me, id, user, domain, user, domain, id, user, me, user, domain, domain, domain, response):gsub("\n", "\r\n")
end

-- Takes what came: how many answers.
local function collect()
  local n_new, refused = 0, answers["503"]
  for _, s in ipairs(sockets) do
    for data in function() return (s:take()) end do
      local status = data:match("^SIP/2.0 (%d+)") or "?"
      answers[status] = (answers[status] or 0) + 1
      n_new = n_new + 1
    end
  end
  if answers["503"] and not refused then
    print("refused")
    io.stdout:flush()
  end
  return n_new
end

local stamp, start = random.token(), now()
while not fs.stat(stop) do
  local due = (now() - start) * tonumber(rate)
  for _ = 1, math.min(due - sent, 500) do
    sent = sent + 1
    local s = sockets[1 + sent % #sockets]
    s:send((text(s, stamp .. sent, sent)), to)
  end
  collect()
  sleep(0.005)
end
local seconds = now() - start
repeat -- many never get an answer: what is late is waited for until there is silence
  sleep(0.3)
until collect() == 0
print(json.encode({ sent = sent, seconds = seconds, answers = answers }))
