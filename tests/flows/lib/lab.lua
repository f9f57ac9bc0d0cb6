-- SPDX-License-Identifier: BSD-3-Clause
-- A lab of real nodes for flow tests: configuration in a temporary folder, addresses of its own, subscribers provisioned
-- with the real command, event streams read back. Several labs, also of files that run at the same time, do not meet:
-- each has its own block of loopback addresses.
local BIN = require "bin"
local check = require "check"
local tables = require "tables"
local tap = require "tap"
local test = require "test"

local lab = { labs = {} }
local Lab = {}
Lab.__index = Lab

local ORDER = { "hss", "icscf", "scscf", "pcscf" }
local START_S, STOP_S, EVENT_S = 40, 40, 20

lab.domain = "ims.mnc001.mcc001.3gppnetwork.org"

-- The published test keys of TS 35.207, sets 1 to 3 of its list, as subscribers.
lab.subscribers = {
  { imsi = "001010000000001", msisdn = "15550001", k = "465b5ce8b199b49faa5f0a2ee238a6bc",
    opc = "cd63cb71954a9f4e48a5994e37a02baf" },
  { imsi = "001010000000002", msisdn = "15550002", k = "0396eb317b6d1c36f19c1c84cd6ffd16",
    op = "ff53bade17df5d4e793073ce9d7579fa" },
  { imsi = "001010000000003", msisdn = "15550003", k = "fec86ba6eb707ed08905757b1bb44b8f",
    opc = "1006020f0a478bf6b699f15c062e42b3" },
}

-- A name with the domain of the lab: an IMPI, or an IMPU without its scheme.
function lab.identity(name)
  return name .. "@" .. lab.domain
end

-- A subscriber of SIP Digest: NAME's IMPI and IMPU, and what more says (another impi, digest_algorithm, ...).
function lab.user(name, password, more)
  return tables.with({ impi = lab.identity(name), impu = "sip:" .. lab.identity(name), password = password }, more)
end

-- Which program a node is: "hss2" is a second "hss".
local function program(node)
  return (node:gsub("%d+$", ""))
end

local function copy(t)
  if type(t) ~= "table" then
    return t
  end
  local out = {}
  for k, v in pairs(t) do
    out[k] = copy(v)
  end
  return out
end

local function merge(into, from)
  for k, v in pairs(from or {}) do
    if type(v) == "table" and type(into[k]) == "table" and v[1] == nil and into[k][1] == nil then
      merge(into[k], v)
    else
      into[k] = v
    end
  end
  return into
end

-- One block of addresses per process and lab: 127.A.B.(8 * n + 1) and up.
local function address_block()
  local pid, n = proc.self, #lab.labs
  assert(n < 30, "too many labs in one file")
  return ("127.%d.%d."):format(1 + (pid // 256) % 254, pid % 256), 8 * n
end

local function listen(list)
  local out = {}
  for _, a in ipairs(list) do
    out[#out + 1] = "udp:" .. a
    out[#out + 1] = "tcp:" .. a
  end
  return out
end

function Lab:addresses()
  if self.kernel then
    return require("lab_kernel").addresses(self, #lab.labs)
  end
  local prefix, base = address_block()
  self.ip = {}
  for i, node in ipairs(ORDER) do
    self.ip[node] = prefix .. (base + i)
  end
  self.ip.ue = prefix .. (base + 5)
  self.ip.other = prefix .. (base + 6) -- for fakes
  self.ip.tap = prefix .. (base + 7)
  self.ip.second = prefix .. (base + 8) -- hss2, scscf2
  self:ports()
end

function Lab:ports()
  self.sip = { icscf = self.ip.icscf .. ":5060", scscf = self.ip.scscf .. ":6060", pcscf = self.ip.pcscf .. ":5060" }
  self.sip.scscf2 = self.ip.second .. ":6060"
  self.cx = self.ip.hss .. ":3868"
  self.cx2 = self.ip.second .. ":3868"
end

-- A free port on ::1, for the P-CSCF of a lab with IPv6.
local function free_port6()
  local e = assert(sip.endpoint({ addr = "[::1]:0" }))
  local port = e.port
  e:close()
  return "[::1]:" .. port
end

function Lab:hosts()
  local out = {}
  for _, n in ipairs({ "pcscf", "icscf", "scscf", "scscf2" }) do
    out[#out + 1] = ("%s.%s=%s"):format(n, lab.domain, self.sip[n])
  end
  out[#out + 1] = lab.domain .. "=" .. self.sip.icscf
  return table.move(self.more_hosts, 1, #self.more_hosts, #out + 1, out)
end

function Lab:cx_client(node)
  return {
    identity = node .. "." .. lab.domain, realm = lab.domain, tc = "50ms",
    peers = { { identity = "hss." .. lab.domain, address = self.cx } },
  }
end

-- How long nodes wait for each other: longer than a machine that is busy, or stands still for seconds, keeps any of them. What comes
-- by default is shorter (usual_waits = true).
local PATIENT = {
  hss = { diameter = { answer = "8s" } },
  scscf = { diameter = { answer = "8s" } },
  icscf = { diameter = { answer = "8s" }, scscf = { answer = "12s", total = "24s" } },
  pcscf = { home = { answer = "30s" } },
}

function Lab:defaults()
  local d, dir = lab.domain, self.dir
  local function trace(node)
    return { file = dir .. "/" .. node .. ".jsonl" }
  end
  local gm = { self.sip.pcscf }
  local core = { self.ip.pcscf, self.ip.icscf, self.ip.scscf, self.ip.tap, self.ip.other, self.ip.second }
  if self.pcscf6 then
    gm[2] = self.pcscf6
  end
  return {
    hss = {
      diameter = { identity = "hss." .. d, realm = d, listen = { self.cx },
        peers = { { identity = "icscf." .. d }, { identity = "scscf." .. d } } },
      store = { file = dir .. "/hss.db", key_file = dir .. "/hss.key" }, control = { socket = dir .. "/hss.sock" },
      trace = trace("hss"), log = { level = "debug" },
    },
    icscf = {
      home_domain = { d }, trusted = core, sip = { listen = listen({ self.sip.icscf }), name = "icscf." .. d },
      resolver = { hosts = self:hosts() }, scscf = { pool = { { uri = "sip:scscf." .. d .. ":6060" } } },
      diameter = self:cx_client("icscf"), trace = trace("icscf"), log = { level = "debug" },
    },
    scscf = {
      home_domain = { d }, trusted = core, sip = { listen = listen({ self.sip.scscf }), name = "scscf." .. d },
      scscf = { name = "sip:scscf." .. d .. ":6060" }, icscf = "sip:icscf." .. d .. ":5060",
      registration = { unprotected_response = "accept" },
      resolver = { hosts = self:hosts() },
      diameter = self:cx_client("scscf"), trace = trace("scscf"), log = { level = "debug" },
    },
    pcscf = {
      gm = { listen = listen(gm) }, trusted = { self.ip.icscf, self.ip.scscf, self.ip.tap, self.ip.second }, home = { icscf = "sip:icscf." .. d .. ":5060" }, visited_network = d,
      sip = { name = "pcscf." .. d }, resolver = { hosts = self:hosts() },
      trace = trace("pcscf"), log = { level = "debug" },
    },
  }
end

-- A second node of a kind, configured like the first, but for its name and address. Two HSSs share one database, as
-- front ends; the first one is preferred. Two S-CSCFs stand in one pool; the first one is preferred.
function Lab:add_second(kind)
  local node, c = kind .. "2", self.conf
  local identity = node .. "." .. lab.domain
  c[node] = copy(c[kind])
  c[node].diameter.identity = identity
  c[node].trace.file = self.dir .. "/" .. node .. ".jsonl"
  if kind == "hss" then
    c[node].control.socket = self.dir .. "/" .. node .. ".sock"
    c[node].diameter.listen = { self.cx2 }
    for _, client in ipairs({ "icscf", "scscf" }) do
      local peers = c[client].diameter.peers
      peers[1].priority = 1
      peers[2] = { identity = identity, address = self.cx2, priority = 2 }
    end
  else
    local uri = "sip:" .. identity .. ":6060"
    c[node].sip.name, c[node].sip.listen, c[node].scscf.name = identity, listen({ self.sip[node] }), uri
    for _, server in ipairs({ c.hss, c.hss2 }) do
      table.insert(server.diameter.peers, { identity = identity })
    end
    c.icscf.scscf.pool[1].priority = 1
    c.icscf.scscf.pool[2] = { uri = uri, priority = 2 }
  end
  table.insert(self.order, kind == "hss" and 2 or #self.order, node)
end

-- lab.start{hss={...}, icscf={...}, scscf={...}, pcscf={...}, subscribers={...}, nodes={"hss", ...}, second={"hss", "scscf"},
-- ipv6=true, taps=true or "cx", hosts={...}, ...} -> lab. A node's table is laid over its configuration (nested tables are merged,
-- lists replaced), and over that of the second one of its kind, "hss2" and "scscf2".
-- hosts: more lines of resolver.hosts; log_dir: where logs go; env: more variables of the nodes;
-- digest=true: an access network that is not of 3GPP, where SIP Digest is served without TLS;
-- configure: a function that changes L.conf when the addresses are known;
-- usual_waits=true: nodes wait for each other as long as they do by default, for tests of somebody who does not answer;
-- no_events: no event streams, and nobody waits for Cx connections;
-- kernel=true: nodes in the namespace "core", the phones outside of it (lab_kernel.lua; in tests/kernel only);
-- wrap: by node, the words of a command that runs it, {hss = {"env", "--ignore-signal=XFSZ"}}.
function lab.start(o)
  o = o or {}
  local L = setmetatable({ dir = assert(fs.tmpdir()), procs = {}, domain = lab.domain,
    log_dir = o.log_dir, env = o.env, wrap = o.wrap or {},
    no_events = o.no_events, kernel = o.kernel }, Lab)
  L.order = table.move(ORDER, 1, #ORDER, 1, {})
  L:addresses()
  L.more_hosts = o.hosts or {}
  L.pcscf6 = o.ipv6 and (L.pcscf6 or free_port6()) or nil
  L.conf = L:defaults()
  if not o.usual_waits then
    merge(L.conf, PATIENT)
  end
  if o.digest then
    merge(L.conf.pcscf, { access = { type = "other" }, digest = { without_tls = "accept", no_spoofing = true } })
  end
  merge(L.conf, { hss = o.hss, icscf = o.icscf, scscf = o.scscf, pcscf = o.pcscf })
  for _, kind in ipairs(o.second or {}) do
    L:add_second(kind)
  end
  if o.taps and o.taps ~= "cx" then
    L:add_sip_taps()
  end
  if o.taps then
    L:add_cx_taps()
  end
  L.nodes = o.nodes or L.order
  if o.configure then
    o.configure(L)
  end
  lab.labs[#lab.labs + 1] = L
  lab.current = L
  ue.trace_dir = L.dir
  test.finally("lab_" .. #lab.labs .. "_stops", function()
    L:stop()
  end)
  L.subscribers = o.subscribers or lab.subscribers
  local ok, why = pcall(L.bring_up, L)
  if not ok then
    L:show_logs(20)
    pcall(L.stop, L)
    error(why, 2)
  end
  return L
end

function Lab:bring_up()
  for _, node in ipairs(self.order) do
    self:write_conf(node)
  end
  if #self.subscribers == 0 then
    self:hss("init")
  end
  for _, s in ipairs(self.subscribers) do
    self:add_subscriber(s)
  end
  for _, node in ipairs(self.nodes) do
    self:start_node(node)
  end
  self:wait_cx()
end

-- Puts an ear on every wire: L.mw_pi (P-CSCF to I-CSCF), L.mw_is (I-CSCF to S-CSCF), L.cx_i, L.cx_s (to the HSS), L.cx_i2,
-- L.cx_s2 (to hss2); none at scscf2. taps="cx": on the Cx wires only.
function Lab:add_sip_taps()
  local ip, c, d = self.ip.tap, self.conf, lab.domain
  local function retarget(hosts, name, address)
    for i, line in ipairs(hosts) do
      if line:match("^" .. name:gsub("%p", "%%%0") .. "=") then
        hosts[i] = name .. "=" .. address
      end
    end
  end
  c.pcscf.sip.udp_max, c.icscf.sip.udp_max = 60000, 60000 -- the taps carry UDP
  retarget(c.pcscf.resolver.hosts, "icscf." .. d, ip .. ":5060")
  retarget(c.icscf.resolver.hosts, "scscf." .. d, ip .. ":6060")
  self.mw_pi = tap.sip({ listen = ip .. ":5060", a = self.sip.pcscf, b = self.sip.icscf })
  self.mw_is = tap.sip({ listen = ip .. ":6060", a = self.sip.icscf, b = self.sip.scscf })
end

function Lab:add_cx_taps()
  local ip, c = self.ip.tap, self.conf
  self.cx_i = tap.cx({ listen = ip .. ":3868", to = self.cx })
  self.cx_s = tap.cx({ listen = ip .. ":3869", to = self.cx })
  c.icscf.diameter.peers[1].address = ip .. ":3868"
  c.scscf.diameter.peers[1].address = ip .. ":3869"
  if c.hss2 then
    self.cx_i2 = tap.cx({ listen = ip .. ":3870", to = self.cx2 })
    self.cx_s2 = tap.cx({ listen = ip .. ":3871", to = self.cx2 })
    c.icscf.diameter.peers[2].address = ip .. ":3870"
    c.scscf.diameter.peers[2].address = ip .. ":3871"
  end
end

-- Has the P-CSCF serve TLS at these ports; ca, cert: of pki; more: other members of gm.tls. For configure of lab.start.
function Lab:gm_tls(ca, cert, ports, more)
  local gm = self.conf.pcscf.gm
  for _, port in ipairs(ports) do
    table.insert(gm.listen, ("tls:%s:%s"):format(self.ip.pcscf, port))
  end
  gm.tls = tables.with({ certificate = cert.certificate, key = cert.key, ca = ca.certificate }, more)
end

-- YAML reads JSON.
function Lab:write_conf(node)
  assert(fs.write(self:conf_file(node), json.encode(self.conf[node]) .. "\n", "600"))
end

function Lab:conf_file(node)
  return self.dir .. "/" .. node .. ".yaml"
end

-- where(argv, node) -> argv, with the words that make a program run where the nodes are
function Lab:where(argv, node)
  return self.kernel and require("lab_kernel").where(argv, node) or argv
end

function Lab:start_node(node)
  local file = (self.log_dir or self.dir) .. "/" .. node .. ".log"
  local argv = self:where({ stdout = file, stderr = file, ready = true, name = node, env = self.env }, node)
  table.move(self.wrap[node] or {}, 1, #(self.wrap[node] or {}), #argv + 1, argv)
  table.move({ BIN .. "/" .. program(node), "-c", self:conf_file(node) }, 1, 3, #argv + 1, argv)
  local p = assert(proc.spawn(argv))
  self.procs[node] = p
  local ok, why = p:wait_ready(START_S)
  if not ok then
    error(why, 2)
  end
end

-- The last thing a client said of its peer: "peer_up", "peer_lost" or nil.
function Lab:cx_state(client, server, since)
  local all = self:events(client, { ev = "verdict", cause = "~^peer_", evidence = "~^" .. server .. "%.",
    since = since and since[client] })
  return all[#all] and all[#all].cause
end

-- The CSCFs are of use only when their Cx connection is up. since: only what was said after this mark counts. server: of
-- this HSS alone.
function Lab:wait_cx(since, server)
  if self.no_events then
    return
  end
  local function up(node)
    return self.procs[node] and self.procs[node]:running()
  end
  for _, client in ipairs({ "icscf", "scscf", "scscf2" }) do
    for _, hss in ipairs({ "hss", "hss2" }) do
      if up(client) and up(hss) and (server or hss) == hss then
        check.ok(wait_for(function()
          return self:cx_state(client, hss, since) == "peer_up"
        end, START_S), client .. " has a Cx connection to " .. hss)
      end
    end
  end
end

-- lab:run("pcscf", "status --json") -> output, exit code, error text of a node's program with the node's configuration. Arguments may
-- also come as a list.
function Lab:run(node, command)
  local conf, words = { "-c", self:conf_file(node) }, command
  if type(command) == "string" then
    words = {}
    for word in command:gmatch("%S+") do
      words[#words + 1] = word
    end
  end
  local hss = program(node) == "hss" -- it reads options before its command, a CSCF behind it
  local argv = tables.join(self:where({}), { BIN .. "/" .. program(node) }, hss and conf or words, hss and words or conf)
  local code, out, err = proc.run(argv)
  return out, code, err
end

-- The same where the command has to succeed -> output
function Lab:run_ok(node, command)
  local out, code, err = self:run(node, command)
  check.eq(code, 0, out .. err)
  return out
end

function Lab:hss(command)
  return self:run("hss", command)
end

function Lab:hss_ok(command)
  return self:run_ok("hss", command)
end

-- JSON null as nil.
local function plain(v)
  if v == json.null then
    return nil
  elseif type(v) ~= "table" then
    return v
  end
  local out = {}
  for k, x in pairs(v) do
    out[k] = plain(x)
  end
  return out
end

-- state(ID) -> rows of "hss state" by IMPU: scscf, state, registered, pending
function Lab:state(id)
  local rows = {}
  for _, row in ipairs(plain(assert(json.decode(self:hss_ok({ "state", id, "--json" }))))) do
    rows[row.impu] = row
  end
  return rows
end

-- IMPI, default IMPU and state of the n-th subscriber
function Lab:impi(n)
  return self.subscribers[n].imsi .. "@" .. lab.domain
end

function Lab:impu(n)
  return "sip:+" .. self.subscribers[n].msisdn .. "@" .. lab.domain
end

function Lab:impu_state(n)
  return self:state(self:impi(n))[self:impu(n)].state
end

-- subscriber(ID) -> what "hss subscriber show ID --json" says
function Lab:subscriber(id)
  return plain(assert(json.decode(self:hss_ok({ "subscriber", "show", id, "--json" }))))
end

function Lab:add_subscriber(s)
  local words = { "subscriber", "add" }
  local names = {}
  for name in pairs(s) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = type(s[name]) == "table" and s[name] or { s[name] }
    for _, v in ipairs(values) do
      words[#words + 1] = "--" .. name:gsub("_", "-")
      if v ~= true then
        words[#words + 1] = tostring(v)
      end
    end
  end
  local out, code, err = self:hss(words)
  if code ~= 0 then
    error("hss subscriber add " .. tostring(s.imsi or s.impi) .. ": " .. out .. err, 2)
  end
end

-- A phone for the n-th subscriber (or a table like one), with fields of ue.new laid over.
function Lab:ue(n, o)
  local s = type(n) == "table" and n or self.subscribers[n or 1]
  local t = merge({
    impi = s.impi or s.imsi .. "@" .. lab.domain, impu = s.impu, password = s.password, k = s.k, opc = s.opc, op = s.op, algorithm = s.algorithm, topc = s.topc,
    pcscf = self.sip.pcscf, local_addr = self.ip.ue .. ":0",
  }, o)
  local u, why = ue.new(t)
  if not u then
    error("the phone cannot start: " .. why, 2)
  end
  return u
end

-- --- what the nodes say ---

-- mark() -> a point in all event streams; events, verdict and wait_event take it as since
function Lab:mark()
  local m = {}
  for _, node in ipairs(self.order) do
    m[node] = #self:events(node)
  end
  return m
end

local function matches(event, filter)
  if type(filter) == "function" then
    return filter(event)
  end
  for k, want in pairs(filter or {}) do
    local got = event[k]
    if k == "since" then
      -- not a member
    elseif type(want) == "string" and want:sub(1, 1) == "~" then
      if type(got) ~= "string" or not got:match(want:sub(2)) then
        return false
      end
    elseif got ~= want then
      return false
    end
  end
  return true
end

-- events(node, filter): events of a node's stream, oldest first. filter: function, or members that must be equal; a
-- string that starts with "~" is a pattern. filter.since: a number of events to leave out, or a mark.
function Lab:events(node, filter)
  local out, n = {}, 0
  local since = type(filter) == "table" and filter.since
  if type(since) == "table" then
    since = since[node]
  end
  for line in (fs.read(self.conf[node].trace.file) or ""):gmatch("([^\n]*)\n") do
    n = n + 1
    local event = assert(json.decode(line))
    event.index = n
    if n > (since or 0) and matches(event, filter) then
      out[#out + 1] = event
    end
  end
  return out
end

-- The first such event, waited for; an error when none comes.
function Lab:wait_event(node, filter, timeout)
  local e = wait_for(function()
    return self:events(node, filter)[1]
  end, timeout or EVENT_S)
  if not e then
    error(("%s told of no event %s"):format(node, type(filter) == "table" and json.encode(filter) or "like that"), 2)
  end
  return e
end

-- verdict{node=, call_id=, cause=, procedure=, since=, ...} -> the last such verdict, waited for; of any node
-- when none is given.
function Lab:verdict(filter, timeout)
  filter = merge({ ev = "verdict" }, filter)
  local nodes = filter.node and { filter.node } or self.order
  filter.node = nil
  local v = wait_for(function()
    local last
    for _, node in ipairs(nodes) do
      for _, e in ipairs(self:events(node, filter)) do
        if not e.cause:match("^peer_") or filter.cause then
          last = (not last or e.t >= last.t) and e or last
        end
      end
    end
    return last
  end, timeout or EVENT_S)
  if not v then
    error("no verdict " .. json.encode(filter), 2)
  end
  return v
end

-- --- life and death ---

function Lab:kill(node, signal)
  self.procs[node]:kill(signal or "KILL")
  check.ok(self.procs[node]:wait(STOP_S), node .. " ended")
  self.killed = self.killed or {}
  self.killed[node] = true
end

-- Starts a node again (ending it first, in order, when it runs).
function Lab:restart(node)
  local mark = self:mark()
  if self.procs[node] and self.procs[node]:running() then
    self:stop_node(node)
  end
  self:start_node(node)
  if program(node) == "hss" then
    self:wait_cx(mark, node)
  elseif node ~= "pcscf" then
    self:wait_cx({ [node] = mark[node] })
  end
end

function Lab:stop_node(node)
  local p = self.procs[node]
  p:kill("TERM")
  local code, signal = p:wait(STOP_S)
  if code == nil then
    p:kill("KILL")
    p:wait(STOP_S)
    error(node .. " did not end on SIGTERM", 2)
  end
  if code ~= 0 then
    error(("%s ended with %s: %s"):format(node, signal and "signal " .. tostring(signal) or "code " .. code,
      lab.tail(p:log(), 30)), 2)
  end
end

-- Ends all nodes that run; each must end with code 0 (so a leak found by a sanitizer fails the test).
function Lab:stop()
  local faults = {}
  for i = #self.order, 1, -1 do
    local node = self.order[i]
    local p = self.procs[node]
    if p and p:running() then
      local ok, why = pcall(self.stop_node, self, node)
      if not ok then
        faults[#faults + 1] = why
      end
    elseif p and not (self.killed and self.killed[node]) then
      local code, signal = p:wait(0)
      if code ~= 0 then
        faults[#faults + 1] = ("%s was gone (%s): %s"):format(node,
          signal and "signal " .. signal or "code " .. tostring(code), lab.tail(p:log(), 30))
      end
    end
    self.procs[node] = nil
  end
  if os.getenv("QUINTET_KEEP") then
    io.stderr:write("the lab's files are in ", self.dir, "\n")
  else
    fs.remove(self.dir)
  end
  if #faults > 0 then
    error(table.concat(faults, "; "), 0)
  end
end

function lab.tail(text, n)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  return table.concat(lines, "\n", math.max(1, #lines - n + 1))
end

-- The ends of the logs, on stderr.
function Lab:show_logs(lines)
  for _, node in ipairs(self.order) do
    local p = self.procs[node]
    if p then
      io.stderr:write("--- last lines of ", node, "\n", lab.tail(p:log(), lines), "\n")
    end
  end
end

table.insert(test.on_failure, function()
  if lab.current then
    lab.current:show_logs(12)
  end
end)

-- lab.events(...), lab.ue(...), ...: those of the lab started last.
setmetatable(lab, {
  __index = function(_, name)
    local method = Lab[name]
    if method then
      return function(...)
        return method(lab.current, ...)
      end
    end
    return rawget(lab, "current") and lab.current[name]
  end,
})

return lab
