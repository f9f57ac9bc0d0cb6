-- SPDX-License-Identifier: BSD-3-Clause
-- Diameter messages that a test has seen, put into a capture for tshark: a reader that nobody here wrote.
local check = require "check"

local pcap = {}
local PORT, FROM = 3868, 40000

-- One IPv4 packet with one TCP segment of a connection that runs on without loss.
local function packet(octets, from_server, seq, ack, port)
  local a, b = "\127\0\0\1", "\127\0\0\2"
  local tcp = string.pack(">I2I2I4I4I2I2I2I2", from_server and port or FROM, from_server and FROM or port, seq, ack, 0x5018, 65535, 0, 0)
  local ip = string.pack(">BBI2I2I2BBI2", 0x45, 0, 40 + #octets, 0, 0, 64, 6, 0)
  return ip .. (from_server and b .. a or a .. b) .. tcp .. octets
end

-- pcap.tcp(path, messages, port): one connection to that port, each message {octets=, from_server=}
function pcap.tcp(path, messages, port)
  local out, next_seq = { string.pack("<I4I2I2i4I4I4I4", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101) }, { [true] = 1, [false] = 1 }
  for i, m in ipairs(messages) do
    local side = m.from_server or false
    local p = packet(m.octets, side, next_seq[side], next_seq[not side], port)
    next_seq[side] = next_seq[side] + #m.octets
    out[#out + 1] = string.pack("<I4I4I4I4", 1700000000 + i, 0, #p, #p) .. p
  end
  assert(fs.write(path, table.concat(out), "600"))
end

function pcap.diameter(path, messages)
  pcap.tcp(path, messages, PORT)
end

-- The fields that tshark reads in the frames of a capture that fit the filter: rows of texts. options: of -o.
function pcap.read(path, filter, fields, options)
  local argv = { "tshark", "-r", path, "-Y", filter, "-T", "fields", "-E", "separator=|", "-o", "tcp.check_checksum:FALSE", timeout = 60 }
  for _, o in ipairs(options or {}) do
    table.move({ "-o", o }, 1, 2, #argv + 1, argv)
  end
  for _, f in ipairs(fields) do
    argv[#argv + 1] = "-e"
    argv[#argv + 1] = f
  end
  local code, out, err = proc.run(argv)
  check.eq(code, 0, err)
  local rows = {}
  for line in out:gmatch("[^\n]+") do
    local row = {}
    for value in (line .. "|"):gmatch("(.-)|") do
      row[#row + 1] = value
    end
    rows[#rows + 1] = row
  end
  return rows
end

-- tshark finds as many Diameter messages as there are, and nothing wrong in them.
function pcap.judge(path, messages)
  check.eq(#pcap.read(path, "diameter", { "frame.number" }), #messages, "Diameter messages that tshark sees")
  check.eq(pcap.read(path, '_ws.malformed || (diameter && _ws.expert.severity == "Error")', { "frame.number", "_ws.expert.message" }), {},
    "what tshark complains of")
end

return pcap
