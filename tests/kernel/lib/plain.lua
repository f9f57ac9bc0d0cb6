-- SPDX-License-Identifier: BSD-3-Clause
-- Labs whose ESP is not encrypted, and what passes between phones and P-CSCF, read by the test itself from a capture: with
-- hmac-sha-1-96 and null, SPI, ports and SIP lie open in every frame. No code of the nodes is used.
local check = require "check"
local lab = require "lab"
local test = require "test"
local wire = require "wire"
local xfrm = require "xfrm"

local plain = { margin_s = 2, phones = {} }
local Ear = {}
Ear.__index = Ear

-- --- a lab and its phones ---

-- Every transaction is over soon, because SAs wait for them, but not before a machine that stops for a second or two has gone on (64 T1
-- are 3.2 s); and all is legible.
local PCSCF = {
  security = { ipsec = "required", algorithms = { "hmac-sha-1-96/null" }, margin = plain.margin_s .. "s" },
  gm = { t1 = "50ms", t2 = "400ms" }, sip = { t1 = "50ms", t2 = "400ms", t4 = "100ms", udp_max = 8000 },
}

-- lab(reauthenticate, more, o) -> a lab whose S-CSCF challenges every REGISTER ("always"), or only those in clear ("never"); more: over
-- the P-CSCF's configuration; o.taps, o.hosts, o.configure: as of lab.start
function plain.lab(reauthenticate, more, o)
  o = o or {}
  return lab.start({ kernel = true, pcscf = PCSCF, taps = o.taps, hosts = o.hosts,
    scscf = { registration = { unprotected_response = "refuse", reauthenticate = reauthenticate, min_expires = "1s", max_contacts = 3,
      overflow = "replace_oldest" } },
    configure = function(L)
      local conf = L.conf.pcscf
      conf.security.keylog, conf.control = L.dir .. "/esp_sa", { socket = L.dir .. "/status" }
      for section, keys in pairs(more or {}) do
        conf[section] = conf[section] or {}
        for k, v in pairs(keys) do
          conf[section][k] = v
        end
      end
      if o.configure then
        o.configure(L)
      end
    end })
end

-- phone(L, n, o): of subscriber n, at L.phones[n]
function plain.phone(L, n, o)
  local t = { ipsec = "required", udp_max = 8000, t1_ms = 50, t2_ms = 400, t4_ms = 100, sa_margin_ms = plain.margin_s * 1000,
    local_addr = L.phones[n] .. ":0" }
  for k, v in pairs(o or {}) do
    t[k] = v
  end
  local u = L:ue(n, t)
  plain.phones[#plain.phones + 1] = u
  return u
end

-- Closes all phones that are open, after a failure.
function plain.close_all()
  for _, u in ipairs(plain.phones) do
    pcall(u.close, u)
  end
  plain.phones = {}
end

-- A test that failed leaves nothing to those after it.
function plain.clean_after_failure(L)
  table.insert(test.on_failure, function()
    if L.mw_pi then
      L.mw_pi.pass = nil
    end
    plain.close_all()
    L:restart("pcscf")
  end)
end

-- A registered phone, and the numbers of its SAs as they passed the wire
function plain.registered(ear, n, o, how)
  local u, since = plain.phone(ear.L, n, o), ear:mark()
  local r = u:register(how or { expires = 600 })
  check.eq(r.verdict, "registered", r.text)
  return u, plain.registration(ear, since, r.call_id).ends
end

-- A re-registration; the rows of its messages, with ends
function plain.reregister(ear, u, o)
  local since = ear:mark()
  o = o or {}
  o.expires = o.expires or 600
  local r = u:reregister(o)
  check.eq(r.verdict, "refreshed", r.text)
  return plain.registration(ear, since, r.call_id)
end

function plain.leave(...)
  for _, u in ipairs({ ... }) do
    local r = u:deregister()
    check.eq(r.verdict, "deregistered", r.text)
    u:close()
  end
end

-- A MESSAGE from one phone to the other, which is of subscriber n; the rows of request and answer between u and the P-CSCF
function plain.message(ear, from, to, n, u)
  local since = ear:mark()
  local answered = async(function()
    check.ok(to:expect_request({ method = "MESSAGE" }), "a MESSAGE comes"):reply(200)
  end)
  local r = from:message({ to = ear.L:impu(n), body = random.token() })
  check.eq(r.status, 200, "MESSAGE: " .. (r.failure or r.reason))
  answered:wait()
  local ip = u.local_address:match("^(.*):")
  local rows = {}
  for _, m in ipairs(ear:messages(since, { method = "MESSAGE", again = false, call_id = r.request:get("Call-ID") })) do
    if m.from == ip or m.to == ip then
      rows[#rows + 1] = m
    end
  end
  check.eq(#rows, 2, "request and answer")
  return rows[1], rows[2]
end

-- --- what passes ---

local HOST4 = "%d.%d.%d.%d"

-- Frames of a whole packet: SIP messages may be larger than a frame of Ethernet usually is.
function plain.large_frames()
  for _, ns in ipairs({ "core", "phones" }) do
    check.eq(proc.run({ "ip", "-n", ns, "link", "set", "gm", "mtu", "9000" }), 0)
  end
end

-- plain.listen(L) -> an ear on the wire between the phones and the P-CSCF of this lab
function plain.listen(L)
  return setmetatable({ L = L, capture = wire.capture({ dev = "gm", filter = ("host %s and not host %s"):format(L.ip.pcscf, L.ip.tap) }), kept = {}, at = 25 }, Ear)
end

-- The transport header and what follows it, of ESP with null encryption or of a packet in clear.
local function inner(octets, f)
  if f.protocol ~= 50 then
    return f.protocol, f.at, octets
  end
  local pad, next_header = octets:byte(#octets - 13, #octets - 12)
  return next_header, f.at + 8, octets:sub(1, #octets - 14 - pad)
end

-- One packet as a row: from, to (addresses), from_port, to_port, spi, seq (nil: in clear), transport, text (what TCP or UDP
-- carries), octets, t
local function read(frame)
  local f = wire.parse(frame.octets)
  if f.family ~= 4 or f.fragment then
    return { octets = frame.octets, t = frame.t, arp = (">I2"):unpack(frame.octets, 13) == 0x0806 }
  end
  local length = (">I2"):unpack(frame.octets, 17)
  local octets = frame.octets:sub(1, 14 + length) -- without the padding of Ethernet
  local protocol, at, text = inner(octets, f)
  local r = { from = HOST4:format(f.from:byte(1, 4)), to = HOST4:format(f.to:byte(1, 4)), spi = f.spi, seq = f.seq,
    octets = frame.octets, t = frame.t, next_header = protocol }
  if protocol == 17 then
    r.transport, r.from_port, r.to_port = "udp", (">I2I2"):unpack(text, at)
    r.text = text:sub(at + 8)
  elseif protocol == 6 then
    r.transport, r.from_port, r.to_port = "tcp", (">I2I2"):unpack(text, at)
    r.tcp_seq, r.flags = (">I4"):unpack(text, at + 4), text:byte(at + 13)
    r.text = text:sub(at + 4 * (text:byte(at + 12) >> 4))
  end
  return r
end

-- All packets so far, the first again first: a mark is sent, and what came before it is there.
function Ear:packets()
  local c, token = self.capture, random.token()
  local e = assert(net.udp("10.77.0.2:0"))
  e:send(token, "10.77.0.1:9")
  local data = check.ok(wait_for(function()
    local all = fs.read(c.file) or ""
    return all:find(token, self.at, true) and all
  end, 10), "the capture sees the mark")
  e:close()
  while self.at + 16 <= #data do
    local s, us, n, _, from = ("<I4I4I4I4"):unpack(data, self.at)
    if from + n - 1 > #data then
      break
    end
    local octets = data:sub(from, from + n - 1)
    self.at = from + n
    if not wire.is_mark(octets) then
      local r = read({ octets = octets, t = s + us / 1e6 })
      r.to_ue = r.from == self.L.ip.pcscf
      self.kept[#self.kept + 1] = r
    end
  end
  return self.kept
end

local function fits(r, filter)
  for k, v in pairs(filter) do
    if r[k] ~= v then
      return false
    end
  end
  return true
end

-- The row of the last packet that fits, a pattern for packets by hand.
function Ear:last(filter)
  local all = self:packets()
  for i = #all, 1, -1 do
    if fits(all[i], filter) then
      return all[i]
    end
  end
  error("no such packet: " .. json.encode(filter), 2)
end

-- mark() -> a point; messages and packets since it can be asked for
function Ear:mark()
  return #self:packets()
end

local function begins_message(text, at)
  return text:match("^%u+ %a+:", at) or text:match("^SIP/2%.0 ", at)
end

-- The SIP messages that a packet carries, as rows of that packet: one segment of TCP may hold several.
local function messages_of(r)
  if r.inside then
    return r.inside
  end
  local text, at = r.text or "", 1
  r.inside = {}
  while begins_message(text, at) do
    local _, head = text:find("\r\n\r\n", at, true)
    local length = r.transport == "tcp" and head and tonumber(text:sub(at, head):match("\r\n[Cc]ontent%-[Ll]ength:%s*(%d+)"))
    local m = setmetatable({ text = text:sub(at, length and head + length or #text) }, { __index = r })
    m.m = check.ok(sip.parse(m.text), "a SIP message")
    m.status, m.call_id = m.m.status, m.m:get("Call-ID")
    m.cseq, m.method = m.m:get("CSeq"):match("(%d+)%s+(%u+)")
    m.request = not m.status
    r.inside[#r.inside + 1] = m
    at = at + #m.text
  end
  return r.inside
end

-- messages(since, filter): the SIP messages since a mark, each as a row of a packet with m (parsed), method (also that of the request
-- a response is for), status, call_id. again: these octets came before (a retransmission). filter: members that must be equal.
function Ear:messages(since, filter)
  local out, seen = {}, {}
  local all = self:packets()
  for i = (since or 0) + 1, #all do
    for _, m in ipairs(messages_of(all[i])) do
      local key = m.from_port .. m.to_port .. m.text
      m.again = seen[key] or false
      seen[key] = true
      if fits(m, filter or {}) then
        out[#out + 1] = m
      end
    end
  end
  return out
end

-- The first such message, waited for; all copies are on the same SA.
function Ear:one(since, filter)
  local list
  plain.wait(function()
    list = self:messages(since, filter)
    return #list > 0
  end, 20)
  check.above(#list, 0, "messages like " .. json.encode(filter))
  for _, m in ipairs(list) do
    check.eq({ m.spi, m.m:start_line() }, { list[1].spi, list[1].m:start_line() }, "copies")
  end
  return list[1]
end

function Ear:close()
  self.capture:close()
end

-- answered(tap, status) -> a function that tells whether a message of this status is a copy of an answer that has passed by now.
function plain.answered(tap, status)
  local function transaction(m)
    return m:get("Call-ID") .. " " .. m:get("CSeq")
  end
  local before = {}
  for _, m in ipairs(tap:since(0, function(m)
    return m.status == status
  end)) do
    before[transaction(m)] = true
  end
  return function(m)
    return before[transaction(m)]
  end
end

-- --- what both ends and their kernels say ---

-- status(L) -> what pcscf status --json tells, one row per set of SAs; of one IMPI when given
function plain.status(L, filter)
  local rows = {}
  for _, r in ipairs(assert(json.decode(L:run_ok("pcscf", "status --json")))) do
    if fits(r, filter or {}) then
      rows[#rows + 1] = r
    end
  end
  return rows
end

-- The numbers of the first mechanism of a Security-Client or Security-Server: spi_c, spi_s, port_c, port_s
function plain.ends(value)
  local out = {}
  for name, n in value:match("^[^,]*"):gmatch("([%a]+%-[cs])%s*=%s*(%d+)") do
    out[name:lower():gsub("%-", "_")] = tonumber(n)
  end
  return out
end

-- registration(ear, since) -> the REGISTERs and answers of a procedure as rows in the order they passed (first copies), with ends: what the
-- last Security-Client and the last Security-Server say, as spi_uc, spi_us, spi_pc, spi_ps, port_uc, ...
function plain.registration(ear, since, call_id)
  local list = ear:messages(since, { method = "REGISTER", again = false, call_id = call_id })
  local out = { ends = {} }
  for _, r in ipairs(list) do
    local client, server = r.m:get("Security-Client"), r.m:get("Security-Server")
    for side, value in pairs({ u = r.request and client or "", p = server or "" }) do
      for name, n in pairs(plain.ends(value)) do
        out.ends[name:gsub("_", "_" .. side)] = n
      end
    end
    out[#out + 1] = r
  end
  return out
end

-- The four SPIs of a set.
function plain.spis(ends)
  return { ends.spi_uc, ends.spi_us, ends.spi_pc, ends.spi_ps }
end

-- How many of these SPIs a kernel has
function plain.live(ns, ends)
  local n, by_spi = 0, {}
  for _, s in ipairs(xfrm.states(ns)) do
    by_spi[s.spi] = true
  end
  for _, spi in ipairs(plain.spis(ends)) do
    n = n + (by_spi[spi] and 1 or 0)
  end
  return n
end

-- Like wait_for, for questions that cost a process: they are asked now and then.
function plain.wait(pred, seconds)
  local deadline = now() + seconds
  while true do
    local r = table.pack(pred())
    if r[1] or now() >= deadline then
      return table.unpack(r, 1, r.n)
    end
    sleep(0.1)
  end
end

-- Waits until neither kernel has any of these SPIs, nor the P-CSCF.
function plain.gone(L, ends, seconds, what)
  local where
  check.ok(plain.wait(function()
    where = {}
    for _, ns in ipairs({ "core", "phones" }) do
      where[#where + 1] = plain.live(ns, ends) > 0 and ns or nil
    end
    where[#where + 1] = plain.status(L, { spi_ps = ends.spi_ps })[1] and "status" or nil
    return #where == 0
  end, seconds or 20), (what or "these SAs are gone") .. ", not in " .. table.concat(where, " and "))
end

-- Waits until both kernels have so many SAs
function plain.count(core, phones, what)
  local n
  plain.wait(function()
    n = { #xfrm.states("core"), #xfrm.states("phones") }
    return n[1] == core and n[2] == phones
  end, 20)
  check.eq(n, { core, phones }, what or "SAs of core and phones")
end

return plain
