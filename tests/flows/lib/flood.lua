-- SPDX-License-Identifier: BSD-3-Clause
-- A program of its own (ue run flood.lua FROM TO DOMAIN IMSI SECONDS): sends REGISTERs, each with a Call-ID of its own, as fast as it
-- can, whatever is answered. Prints "started", then how many went out and what came back.
local from, to, domain, imsi, seconds = table.unpack(arg)

local socket = assert(net.udp(from .. ":0"))
local text = ([[
REGISTER sip:${domain} SIP/2.0
Via: SIP/2.0/UDP ${me};rport;branch=z9hG4bK${n}
Max-Forwards: 70
From: <sip:${imsi}@${domain}>;tag=a
To: <sip:${imsi}@${domain}>
Call-ID: ${n}
CSeq: 1 REGISTER
Contact: <sip:${imsi}@${me}>
Expires: 600
Authorization: Digest username="${imsi}@${domain}",realm="${domain}",uri="sip:${domain}",nonce="",response=""
Content-Length: 0

]]):gsub("\n", "\r\n"):gsub("%${(%w+)}", { domain = domain, imsi = imsi, me = socket:local_address() })
local before, middle, after = text:match("^(.-)%${n}(.-)%${n}(.*)$")
local stamp, sent, answers, stop = random.token(), 0, {}, now() + tonumber(seconds)

local function collect()
  for data in function() return (socket:take()) end do
    local status = data:match("^SIP/2.0 (%d+)") or "?"
    answers[status] = (answers[status] or 0) + 1
  end
end

print("started")
io.stdout:flush()
while now() < stop do
  for _ = 1, 100 do
    sent = sent + 1
    local id = stamp .. sent
    socket:send(before .. id .. middle .. id .. after, to)
  end
  sleep(0.001)
  collect()
end
sleep(0.2)
collect()
print(json.encode({ sent = sent, answers = answers }))
