-- SPDX-License-Identifier: BSD-3-Clause
-- What passes on a wire of the bed, read back by tshark with the keys of ESP; and packets put there by hand.
local check = require "check"

local wire = {}
local Capture = {}
Capture.__index = Capture

local MARK_PORT, MARK_FROM = 9, { gm = "10.77.0.2", home = "192.168.7.2", wan = "192.168.7.2" }
local FRAME_SEND = os.getenv("QUINTET_BUILD") .. "/tests/frame_send"

-- capture{ns="phones", dev="gm", filter="host 10.77.1.101"} -> what passes the interface from now on. Namespaces and
-- interfaces: core gm, core wan, nat wan, nat home, phones gm, phones home.
function wire.capture(o)
  o = o or {}
  local c = setmetatable({ dir = assert(fs.tmpdir()), dev = o.dev or "gm" }, Capture)
  c.file = c.dir .. "/pcap"
  local log = c.dir .. "/log"
  local filter = o.filter and ("(%s) or udp dst port %d"):format(o.filter, MARK_PORT)
  c.proc = assert(proc.spawn({ "ip", "netns", "exec", o.ns or "phones", "tcpdump", "-i", c.dev, "-n", "-U", "--immediate-mode",
    "-s", "0", "-Z", "root", "-w", c.file, filter, stdout = log, stderr = log, name = "tcpdump" }))
  check.ok(wait_for(function()
    return (fs.read(log) or ""):match("listening on")
  end, 10), "tcpdump listens: " .. (fs.read(log) or ""))
  return c
end

-- Ends the capture: all that passed before is in it.
function Capture:stop()
  if not self.proc then
    return self
  end
  local token = random.token()
  local e = assert(net.udp(MARK_FROM[self.dev] .. ":0"))
  e:send(token, "10.77.0.1:" .. MARK_PORT)
  check.ok(wait_for(function()
    return (fs.read(self.file) or ""):find(token, 1, true)
  end, 10), "the capture sees the mark")
  e:close()
  self.proc:kill("TERM")
  self.proc:wait(10)
  self.proc = nil
  return self
end

-- Frames as they were: {{t=seconds, octets=...}, ...}, without the marks.
function Capture:frames()
  self:stop()
  local data, out, at = fs.read(self.file), {}, 25
  check.eq(("<I4"):unpack(data), 0xa1b2c3d4, "a pcap file")
  while at <= #data do
    local s, us, n, _, from = ("<I4I4I4I4"):unpack(data, at)
    local octets = data:sub(from, from + n - 1)
    at = from + n
    if not wire.is_mark(octets) then
      out[#out + 1] = { t = s + us / 1e6, octets = octets }
    end
  end
  return out
end

function wire.is_mark(octets)
  local f = wire.parse(octets)
  return f.protocol == 17 and f.to_port == MARK_PORT
end

-- The keys (a FILE or text, lines of Wireshark's file esp_sa) where tshark looks for them: in a profile folder of its own.
local function esp_keys(dir, argv, keys)
  assert(fs.write(dir .. "/esp_sa", keys, "600"))
  for _, option in ipairs({ "enable_encryption_decode", "enable_authentication_check" }) do
    argv[#argv + 1] = "-o"
    argv[#argv + 1] = "esp." .. option .. ":TRUE"
  end
end

-- tshark{fields={"esp.spi", ...}, filter="sip", keys=FILE or text, args={...}} -> rows by field name, a list of values per
-- field when it occurs several times. Without fields: packets as tshark -T json has them.
function Capture:tshark(o)
  o = o or {}
  self:stop()
  local argv = { "env", "WIRESHARK_CONFIG_DIR=" .. self.dir, "tshark", "-n", "-r", self.file, timeout = 120 }
  local function add(...)
    table.move({ ... }, 1, select("#", ...), #argv + 1, argv)
  end
  if o.keys then
    esp_keys(self.dir, argv, o.keys:match("\n") and o.keys or fs.read(o.keys) or o.keys)
  end
  add("-Y", ("!(udp.dstport == %d)"):format(MARK_PORT) .. (o.filter and " && (" .. o.filter .. ")" or ""))
  add(table.unpack(o.args or {}))
  if not o.fields then
    add("-T", "json")
  else
    add("-T", "fields", "-E", "separator=/t", "-E", "aggregator=\1")
    for _, f in ipairs(o.fields) do
      add("-e", f)
    end
  end
  local code, out, err = proc.run(argv)
  check.eq(code, 0, err)
  if not o.fields then
    return assert(json.decode(out))
  end
  local rows = {}
  for line in out:gmatch("([^\n]*)\n") do
    local row, i = {}, 0
    for value in (line .. "\t"):gmatch("([^\t]*)\t") do
      i = i + 1
      if value:find("\1", 1, true) then
        local list = {}
        for v in value:gmatch("[^\1]+") do
          list[#list + 1] = v
        end
        row[o.fields[i]] = list
      elseif value ~= "" then
        row[o.fields[i]] = value
      end
    end
    rows[#rows + 1] = row
  end
  return rows
end

function Capture:close()
  if self.proc then
    self.proc:kill("KILL")
    self.proc:wait(10)
    self.proc = nil
  end
  fs.remove(self.dir)
end

-- --- frames by hand ---

-- parse(octets of an Ethernet frame) -> {family=4 or 6, protocol=, from=, to= (octets), at= (of what IP carries, 1 the first octet),
-- from_port=, to_port=, spi=, seq= (ESP, also in UDP, esp_at=)}
function wire.parse(octets)
  local f = {}
  local kind = (">I2"):unpack(octets, 13)
  if kind == 0x0800 and #octets >= 34 then
    f.family, f.protocol, f.at = 4, octets:byte(24), 15 + 4 * (octets:byte(15) & 15)
    f.from, f.to = octets:sub(27, 30), octets:sub(31, 34)
    f.fragment = (">I2"):unpack(octets, 21) & 0x1fff ~= 0
  elseif kind == 0x86dd and #octets >= 54 then
    f.family, f.protocol, f.at = 6, octets:byte(21), 55
    f.from, f.to = octets:sub(23, 38), octets:sub(39, 54)
  end
  if (f.protocol == 17 or f.protocol == 6) and not f.fragment then
    f.from_port, f.to_port = (">I2I2"):unpack(octets, f.at)
  end
  local esp = f.protocol == 50 and f.at or
    f.protocol == 17 and (f.from_port == 4500 or f.to_port == 4500) and f.at + 8 or nil
  if esp and not f.fragment and #octets >= esp + 7 then
    local spi, seq = (">I4I4"):unpack(octets, esp)
    if spi ~= 0 then
      f.esp_at, f.spi, f.seq = esp, spi, seq
    end
  end
  return f
end

-- The same frame with one bit of the octet at this place turned (negative: from the end).
function wire.flip(octets, at, bit)
  at = at < 0 and #octets + 1 + at or at
  return octets:sub(1, at - 1) .. string.char(octets:byte(at) ~ (1 << (bit or 0))) .. octets:sub(at + 1)
end

-- The same frame sent back: Ethernet and IP addresses change places; what IP carries stays, ports too. (The sum of an
-- IPv4 header does not depend on the order.)
function wire.reflect(octets)
  local f = wire.parse(octets)
  local first = f.family == 4 and 27 or 23
  return octets:sub(7, 12) .. octets:sub(1, 6) .. octets:sub(13, first - 1) .. f.to .. f.from ..
    octets:sub(first + 2 * #f.from)
end

-- send(o, octets, ...): puts frames on a wire as they stand; o.ns, o.dev: out of this interface ("phones", "gm").
function wire.send(o, ...)
  local argv = { "ip", "netns", "exec", o.ns or "phones", FRAME_SEND, o.dev or "gm" }
  for _, octets in ipairs({ ... }) do
    argv[#argv + 1] = hex.encode(octets)
  end
  local code, _, err = proc.run(argv)
  check.eq(code, 0, err)
end

return wire
