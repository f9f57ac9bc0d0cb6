-- SPDX-License-Identifier: BSD-3-Clause
-- baresip without a screen and without sound devices, in a folder of its own; told what to do over its control port. The lab where it
-- is alice, bob or carol.
local lab = require "lab"
local pki = require "pki"
local tables = require "tables"
local test = require "test"

local phone = {}
local Phone = {}
Phone.__index = Phone

local CONFIG = [[
sip_listen ${addr}:${port}
${tls}audio_player aubridge,x
audio_source aubridge,x
audio_alert aubridge,x
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app contact.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen ${addr}:${control}
]]

-- A port of the address that nobody holds.
local function free_port(addr)
  local e = assert(sip.endpoint({ transport = "tcp", addr = addr .. ":0" }))
  local port = e.port
  e:close()
  return port
end

local PASSWORDS = { alice = "pass-of-alice", bob = "pass-of-bob", carol = "pass-of-carol" }
local root -- of all labs of a file

-- phone.lab{...}: lab.start with all of them and TLS at L.tls, of the authority L.ca; o as for lab.start.
function phone.lab(o)
  root = root or pki.root(test.dir(), "root")
  local users = {}
  for name, password in tables.ordered(PASSWORDS) do
    users[#users + 1] = lab.user(name, password)
  end
  return lab.start(tables.with({ digest = true, subscribers = users,
    configure = function(l)
      local name = "pcscf." .. lab.domain
      l.tls, l.ca = l.ip.pcscf .. ":5061", root.certificate
      l:gm_tls(root, root:server({ cn = name, san = "DNS:" .. name .. ",IP:" .. l.ip.pcscf }), { 5061 })
    end }, o))
end

-- phone.start(L, USER, {addr=, pcscf=, transport=, outbound=, ca=, answer="auto" or "manual", contact=}) -> phone; contact: whom its
-- command "message" writes to
function phone.start(L, user, o)
  local p = setmetatable({ dir = assert(fs.tmpdir()), addr = o.addr, control = free_port(o.addr) }, Phone)
  local values = { addr = o.addr, port = "0", control = tostring(p.control),
    tls = o.ca and ("sip_cafile %s\n"):format(o.ca) or "" }
  local uri = ("sip:%s;transport=%s"):format(o.pcscf, o.transport)
  assert(fs.write(p.dir .. "/config", (CONFIG:gsub("%${(%w+)}", values)), "600"))
  assert(fs.write(p.dir .. "/contacts", o.contact and ("<%s>\n"):format(o.contact) or "", "600"))
  assert(fs.write(p.dir .. "/accounts", ('<sip:%s@%s;transport=%s>;auth_user=%s@%s;auth_pass=%s;outbound="%s";regint=600;answermode=%s%s\n')
    :format(user, L.domain, o.transport, user, L.domain, PASSWORDS[user], uri, o.answer or "auto", o.outbound and ";sipnat=outbound" or ""), "600"))
  p.out = p.dir .. "/out"
  p.proc = assert(proc.spawn({ "baresip", "-4", "-f", p.dir, stdout = p.out, stderr = p.out, env = { HOME = p.dir } }))
  return p
end

-- A command of baresip's menu ("dial", "accept", "hangup", "message").
function Phone:command(command, params)
  local text = json.encode({ command = command, params = params })
  local code, out = proc.run({ "bash", "-c", 'exec 3<>"/dev/tcp/$1/$2" && printf "%d:%s," "${#3}" "$3" >&3 && timeout 5 head -c 20 <&3',
    "bash", self.addr, tostring(self.control), text })
  assert(code == 0, out)
end

function Phone:said()
  return fs.read(self.out) or ""
end

-- It de-registers when it is told to end.
function Phone:stop()
  self.proc:kill("TERM")
  local code = self.proc:wait(10)
  if code == nil then
    self.proc:kill("KILL")
  end
  fs.remove(self.dir)
  return code
end

return phone
