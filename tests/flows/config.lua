-- SPDX-License-Identifier: BSD-3-Clause
-- What a user of the real programs gets for a wrong configuration or a wrong subscriber file: every fault with file, line, key and
-- value on stderr, and an exit code. The tables of all keys and fields are in tests/unit/nodes and tests/unit/hss.
local BIN = require "bin"
local check = require "check"
local lab = require "lab"
local tables = require "tables"
local test = require "test"

local NODES = { "hss", "icscf", "scscf", "pcscf" }
local DONE, REFUSED, USAGE = 0, 1, 2
local dir = test.dir()
local L = lab.start({ nodes = {} })

local function write(text)
  local file = dir .. "/node.yaml"
  assert(fs.write(file, text, "600"))
  return file
end

local function run(node, ...)
  return proc.run({ BIN .. "/" .. node, ... })
end

-- Without --check-config the node does not start either.
local function is_refused(node, file, lines)
  for _, more in ipairs({ { "--check-config" }, {} }) do
    local code, out, err = run(node, "-c", file, table.unpack(more))
    check.eq(code, REFUSED, node .. ": " .. err)
    check.eq(out, "")
    check.eq(err, lines, node)
  end
end

for _, node in ipairs(NODES) do
  test(node .. ": configurations that are good", {}, function()
    for what, file in tables.ordered({ ["the lab's"] = L:conf_file(node), ["the sample"] = write(select(2, run(node, "--sample-config"))) }) do
      local code, out, err = run(node, "-c", file, "--check-config")
      check.eq({ code, out, err }, { DONE, file .. ": configuration is valid\n", "" }, what)
    end
  end)

  test(node .. ": every fault is told", {}, function()
    local conf = assert(json.decode(fs.read(L:conf_file(node))))
    local file = write(json.encode(conf) .. "\nx: 1\n")
    check.eq((run(node, "-c", file, "--check-config")), REFUSED, "what is no YAML")
    local text = { "log.level: loud", "sip.t1: 5", "nonsense: 1", "trace.file: [a]" }
    local want = { ":1: log.level: loud: must be one of error, warn, notice, info, debug",
      ":2: sip.t1: 5: must be within 10..60000 ms", ":3: nonsense: unknown key", ":4: trace.file: a single value is wanted" }
    if node == "hss" then
      text[2], want[2] = "auc.ind_bits: 99", ":2: auc.ind_bits: 99: must be within 1..8"
    end
    file = write(table.concat(text, "\n") .. "\n")
    local lines = {}
    for i, line in ipairs(want) do
      lines[i] = file .. line
    end
    local code, _, err = run(node, "-c", file, "--check-config")
    check.eq(code, REFUSED)
    check.eq(err:sub(1, #table.concat(lines, "\n")), table.concat(lines, "\n"))
    check.match(err, ": must be given\n$")
  end)

  test(node .. ": files that are none", {}, function()
    is_refused(node, dir .. "/nowhere.yaml", dir .. "/nowhere.yaml: No such file or directory\n")
    is_refused(node, dir, dir .. ": Is a directory\n")
    local code, _, err = run(node, "-c", write(""), "--check-config")
    check.eq(code, REFUSED)
    check.match(err, "node.yaml:1: [%w_.]+: must be given\n$")
    for _, octets in ipairs({ "\0", "\255\254", ("["):rep(1000), ("a: &x [*x]\n"), "x: {", ("y"):rep(1 << 20) }) do
      code, _, err = run(node, "-c", write(octets), "--check-config")
      check.eq(code, REFUSED, ("%q"):format(octets:sub(1, 20)))
      check.match(err, "^" .. dir:gsub("%p", "%%%0") .. "/node.yaml:%d+: ")
    end
  end)

  test(node .. ": command lines that are none", {}, function()
    check.eq((run(node, "--colour")), USAGE)
    check.eq((run(node, "-c")), USAGE)
    check.eq((run(node, "--log", "loud", "--check-config")), USAGE)
    local code, _, err = run(node, "--check-config")
    check.eq(code, REFUSED)
    check.has(err, "no configuration: give -c FILE")
  end)
end

test("a subscriber file with faults imports nothing", {}, function()
  local file = dir .. "/in.csv"
  local key = lab.subscribers[1].k
  assert(fs.write(file, table.concat({ "imsi,k,opc,visited", "001010000000011," .. key .. "," .. lab.subscribers[1].opc .. ",any",
    "00101000000001x," .. key .. "," .. key .. ",", "001010000000012," .. key:sub(2) .. "," .. key .. ",",
    "001010000000013," .. key .. "," .. key .. ",any elsewhere.example" }, "\n") .. "\n", "600"))
  local before = L:hss("subscriber list")
  local _, code, err = L:hss({ "subscriber", "import", file })
  check.eq(code, REFUSED)
  local want = { ":3: imsi: an IMSI has digits only", ":4: k: K is 32 hex digits (128 bits; with TUAK also 64)",
    ":5: visited: any, or a list of networks", ": nothing was imported" }
  for i, line in ipairs(want) do
    want[i] = "hss subscriber import: " .. file .. line .. "\n"
  end
  check.eq(err, table.concat(want))
  check.eq(L:hss("subscriber list"), before)
end)

return test.finish()
