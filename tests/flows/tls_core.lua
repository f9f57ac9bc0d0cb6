-- SPDX-License-Identifier: BSD-3-Clause
-- The core over TLS: Mw and Cx with certificates of both ends (TS 33.203 5.1.4, S.5.4.3), networks that want it, and who is
-- refused. What a node says of bad certificates before it starts.
local BIN = require "bin"
local check = require "check"
local lab = require "lab"
local pki = require "pki"
local test = require "test"

local D = lab.domain
local dir = test.dir()

local root = pki.root(dir, "root")
local servers = root:authority("servers")
local stranger = pki.root(dir, "stranger")
local BOTH = "serverAuth,clientAuth"

local function certificate(node, o)
  o = o or {}
  local name = (o.cn or node) .. "." .. D
  return (o.by or servers):server({ name = o.name or node, cn = name, eku = BOTH, from = o.from, to = o.to })
end

local function tls(node, o)
  local c = certificate(node, o)
  return { certificate = c.certificate, key = c.key, ca = root.certificate }
end

local keys = {}
for _, node in ipairs({ "hss", "icscf", "scscf", "pcscf" }) do
  keys[node] = tls(node)
end

local function with(t, more)
  local out = {}
  for k, v in pairs(t) do
    out[k] = v
  end
  for k, v in pairs(more or {}) do
    out[k] = v
  end
  return out
end

-- Every core connection of the lab becomes TLS, and its networks want it.
local function configure(L)
  local ip, c = L.ip, L.conf
  local hosts = { ("pcscf.%s=%s:5062/tls"):format(D, ip.pcscf), ("icscf.%s=%s:5062/tls"):format(D, ip.icscf),
    ("scscf.%s=%s:5062/tls"):format(D, ip.scscf), ("%s=%s:5062/tls"):format(D, ip.icscf) }
  L.cx = ip.hss .. ":5868" -- the port of Cx over TLS unless another is given
  c.hss.diameter.listen = nil
  c.hss.diameter.tls = with(keys.hss, { listen = { ip.hss } })
  for _, peer in ipairs(c.hss.diameter.peers) do
    peer.tls = "required"
  end
  c.hss.trust_domain = D
  for _, node in ipairs({ "icscf", "scscf" }) do
    c[node].diameter.tls = keys[node]
    c[node].diameter.local_ = nil
    c[node].diameter["local"] = ip[node]
    c[node].diameter.peers = { { identity = "hss." .. D, address = ip.hss, tls = "required" } }
    c[node].trust_domain = D
  end
  for _, node in ipairs({ "icscf", "scscf", "pcscf" }) do
    c[node].sip.listen = { ("tls:%s:5062"):format(ip[node]) }
    c[node].sip.tls = keys[node]
    c[node].resolver.hosts = hosts
  end
  for _, node in ipairs({ "hss", "icscf", "scscf", "pcscf" }) do
    c[node].network_domain = {}
    for _, of in ipairs({ "pcscf", "icscf", "scscf", "hss", "other" }) do
      table.insert(c[node].network_domain, { network = ip[of], protected_by = "tls" })
    end
    c[node].network_domain[6] = { network = ip.tap, protected_by = "closed" }
    c[node].network_domain[7] = { network = ip.second, protected_by = "closed" }
  end
  for _, node in ipairs({ "icscf", "scscf" }) do -- that could speak in clear
    table.insert(c[node].sip.listen, ("udp:%s:5070"):format(ip[node]))
  end
  c.icscf.scscf.pool = { { uri = ("sip:scscf.%s:5062"):format(D) } }
  c.scscf.scscf.name = ("sip:scscf.%s:5062"):format(D)
  c.scscf.icscf = ("sip:icscf.%s:5062"):format(D)
  c.pcscf.home.icscf = ("sip:icscf.%s:5062"):format(D)
end

local L = lab.start({ configure = configure })

test("a registration with AKA over Mw and Cx with TLS", { "NDS-002" }, function()
  local u = L:ue(1)
  local r = u:register()
  check.eq(r.verdict, "registered", r.why)
  check.eq(L:impu_state(1), "registered")
  for _, node in ipairs({ "icscf", "scscf" }) do
    check.ok(#L:events(node, { proto = "TLS" }) > 0, node .. " speaks SIP over TLS")
    check.eq(#L:events(node, { proto = "UDP" }) + #L:events(node, { proto = "TCP" }), 0, node .. " speaks it in clear")
  end
  check.eq(u:deregister().verdict, "deregistered")
  u:close()
end)

test("a MESSAGE from one phone to the other over the same links", { "NDS-002" }, function()
  local a, b = L:ue(1), L:ue(2)
  check.eq(a:register().verdict, "registered")
  check.eq(b:register().verdict, "registered")
  local sending = async(a.request, a, { method = "MESSAGE", to = L:impu(2), body = "over TLS" })
  local m = check.ok(b:expect_request({ method = "MESSAGE" }))
  check.eq(m.msg.body, "over TLS")
  m:reply(200)
  check.eq(sending:wait(20).status, 200)
  a:close()
  b:close()
end)

-- --- who is refused ---

local function s_client(address, o)
  o = o or {}
  local argv = { timeout = 20, "openssl", "s_client", "-connect", address, "-CAfile", root.certificate, "-verify_return_error",
    "-bind", o.from or L.ip.other }
  if o.certificate then
    table.move({ "-cert", o.certificate, "-key", o.key, "-cert_chain", o.certificate }, 1, 6, #argv + 1, argv)
  end
  table.move(o.more or {}, 1, #(o.more or {}), #argv + 1, argv)
  local code, out, err = proc.run(argv)
  return out .. err, code
end

test("openssl judges the listeners of Mw and Cx", { "NDS-003", "NDS-004", "TRUST-007" }, function()
  for _, at in ipairs({ { L.ip.icscf .. ":5062", "icscf" }, { L.ip.scscf .. ":5062", "scscf" }, { L.cx, "hss" } }) do
    local name = at[2] .. "." .. D
    local c = certificate(at[2], { cn = "other", name = "judge-" .. at[2] })
    local out = s_client(at[1], { certificate = c.certificate, key = c.key, more = { "-verify_hostname", name, "-showcerts", "-tls1_2" } })
    check.match(out, "Verify return code: 0 %(ok%)")
    check.match(out, "Acceptable client certificate CA names")
    check.match(out, "Cipher is ECDHE%-ECDSA%-AES128%-GCM%-SHA256")
    check.match(out, "0 s:CN = " .. name:gsub("%p", "%%%0"))
    check.match(out, "1 s:CN = servers")
    -- the other end offers what it likes in its own order
    out = s_client(at[1], { certificate = c.certificate, key = c.key,
      more = { "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "-tls1_3" } })
    check.match(out, "Cipher is TLS_AES_128_GCM_SHA256")
  end
end)

test("a client without certificate, of an unknown CA, or expired is refused on Mw and Cx", { "NDS-003" }, function()
  local bad = {
    { want = "certificate required", certificate = nil },
    { want = "unknown ca", c = certificate("icscf", { by = stranger, name = "by-stranger" }) },
    { want = "certificate expired", c = certificate("icscf", { from = -30, to = -1, name = "expired" }) },
  }
  for _, address in ipairs({ L.ip.icscf .. ":5062", L.ip.scscf .. ":5062", L.cx }) do
    for _, b in ipairs(bad) do
      local out = s_client(address, { certificate = b.c and b.c.certificate, key = b.c and b.c.key, more = { "-tls1_2" } })
      check.match(out, b.want == "certificate required" and "alert handshake failure" or "alert " .. b.want)
    end
  end
  L:wait_event("hss", { ev = "verdict", cause = "peer_refused", evidence = "~showed no certificate" })
  L:wait_event("hss", { ev = "verdict", cause = "peer_refused", evidence = "~chain_to_root" })
  L:wait_event("hss", { ev = "verdict", cause = "peer_refused", evidence = "~not_expired" })
end)

test("who is outside of the networks, or speaks in clear where TLS is wanted, is refused", { "NDS-001" }, function()
  local out = s_client(L.cx, { certificate = keys.icscf.certificate, key = keys.icscf.key, from = L.ip.ue })
  check.match(out, "no peer certificate available")
  L:wait_event("hss", { ev = "verdict", cause = "peer_refused", evidence = "~outside of network_domain" })
end)

test("the HSS of another name is not spoken with", {}, function()
  local u = L:ue(1)
  L:stop_node("hss")
  L.conf.hss.diameter.tls = with(tls("hss", { cn = "other", name = "hss-other" }), { listen = { L.cx } })
  L.conf.hss.diameter.identity = "other." .. D
  L:write_conf("hss")
  local mark = L:mark()
  L:start_node("hss")
  L:wait_event("scscf", { ev = "verdict", cause = "peer_refused", evidence = "~name_matches", since = mark })
  local r = u:register()
  check.eq(r.verdict, "refused")
  L:stop_node("hss")
  L.conf.hss.diameter.tls = with(keys.hss, { listen = { L.cx } })
  L.conf.hss.diameter.identity = "hss." .. D
  L:write_conf("hss")
  mark = L:mark()
  L:start_node("hss")
  L:wait_cx(mark, "hss")
  check.eq(u:register().verdict, "registered")
  u:close()
end)

-- --- before the start ---

local function checked(node, change)
  local conf = json.decode(json.encode(L.conf[node]))
  change(conf)
  local file = dir .. "/checked.yaml"
  fs.write(file, json.encode(conf) .. "\n", "600")
  local code, out, err = proc.run({ BIN .. "/" .. node, "-c", file, "--check-config" })
  local start = proc.run({ timeout = 20, BIN .. "/" .. node, "-c", file })
  return code, out .. err, start
end

test("--check-config names certificate, subject and rule, and the node does not start", { "TLS-049", "TLS-050", "TLS-051",
  "TRUST-002", "TRUST-006", "TRUST-007" }, function()
  local own = pki.root(dir, "own", { subject = "/CN=pcscf." .. D })
  local two = servers:server({ name = "two", cn = "pcscf." .. D .. " b.example", san = "DNS:pcscf." .. D, eku = BOTH })
  local none = servers:server({ name = "none", cn = "pcscf." .. D, san = false, eku = BOTH })
  local foreign = servers:server({ name = "foreign", cn = "pcscf.other.example", eku = BOTH })
  local old = certificate("pcscf", { from = -30, to = -1, name = "old" })
  local turned = dir .. "/turned.pem"
  fs.write(turned, fs.read(servers.certificate) .. fs.read(keys.pcscf.certificate):match("^.-END CERTIFICATE%-%-%-%-%-\n"))
  local function gm(c, more)
    return function(conf)
      conf.access = { type = "other" } -- TLS alone is nothing for a 3gpp access
      conf.gm.listen = { "tls:" .. L.ip.pcscf .. ":5061" }
      conf.gm.tls = with({ certificate = c.certificate, key = c.key, ca = root.certificate }, more)
      conf.trust_domain = D
    end
  end
  local rows = {
    { own, "signed_by_trusted" }, { two, "cn_one_fqdn" }, { none, "san_has_fqdn" }, { foreign, "in_trust_domain" },
    { old, "not_expired" }, { { certificate = keys.pcscf.certificate, key = keys.hss.key }, "key_matches" },
    { { certificate = turned, key = keys.pcscf.key }, "chain_order" },
    { certificate("pcscf", { by = stranger, name = "unknown" }), "chain_to_root" },
  }
  for _, row in ipairs(rows) do
    local code, text, start = checked("pcscf", gm(row[1]))
    check.eq(code, 1, row[2])
    check.match(text, "checked%.yaml:%d+: gm%.tls%.%a+: " .. dir:gsub("%p", "%%%0") .. "[^:]*: .*" .. row[2] .. " %(")
    check.eq(start, 1, row[2])
  end
  local code, text, start = checked("pcscf", function(conf)
    gm(keys.pcscf)(conf)
    conf.gm.tls.ca = nil
  end)
  check.eq(code, 1)
  check.match(text, "gm%.tls%.ca: roots_held")
  check.eq(start, 1)
  local loose = dir .. "/loose.key"
  fs.write(loose, fs.read(keys.pcscf.key), "644")
  code, text = checked("pcscf", gm({ certificate = keys.pcscf.certificate, key = loose }))
  check.eq(code, 1)
  check.match(text, "gm%.tls%.key: .*key_private")
end)

test("domains and realms lie in the trust domain, or the node does not start", { "TRUST-001", "TRUST-003" }, function()
  local rows = {
    { "scscf", "home_domain", function(conf) conf.home_domain = { D, "other.example" } end },
    { "hss", "identity%.domain", function(conf) conf.identity = with(conf.identity or {}, { domain = "other.example" }) end },
  }
  for _, row in ipairs(rows) do
    local code, text, start = checked(row[1], row[3])
    check.eq(code, 1, row[1])
    check.match(text, row[2] .. ": other%.example: is outside of trust_domain")
    check.eq(start, 1, row[1])
  end
end)

test("what ends soon is told by --check-config, and the node starts", {}, function()
  local soon = certificate("icscf", { to = 5, name = "soon" })
  local conf = json.decode(json.encode(L.conf.icscf))
  conf.sip.tls = { certificate = soon.certificate, key = soon.key, ca = root.certificate }
  conf.sip.listen = { "tls:" .. L.ip.second .. ":5062" }
  conf.diameter.tls = keys.icscf
  conf.trace = nil
  local file = dir .. "/soon.yaml"
  fs.write(file, json.encode(conf) .. "\n", "600")
  local code, out, err = proc.run({ BIN .. "/icscf", "-c", file, "--check-config" })
  check.eq(code, 1)
  check.match(out .. err, "long_valid")
  local p = assert(proc.spawn({ ready = true, name = "soon", stderr = dir .. "/soon.log", BIN .. "/icscf", "-c", file }))
  check.ok(p:wait_ready(20))
  check.match(fs.read(dir .. "/soon.log"), "long_valid")
  p:kill("TERM")
  check.eq(p:wait(20), 0)
end)

test("a network that wants TLS takes no clear SIP", { "NDS-001" }, function()
  local function asked(from)
    local e = assert(sip.endpoint({ addr = from .. ":0" }))
    local m = sip.message([[
      OPTIONS sip:${domain} SIP/2.0
      Via: ${via}
      Max-Forwards: 70
      From: <sip:a@${domain}>;tag=a
      To: <sip:nobody@${domain}>
      Call-ID: ${call_id}
      CSeq: 1 OPTIONS]], { domain = D, via = e:via(), call_id = random.token() })
    local status = e:request(m, L.ip.icscf .. ":5070").status
    e:close()
    return status
  end
  check.eq(asked(L.ip.other), 403) -- its network wants TLS
  L:verdict({ node = "icscf", cause = "untrusted_source", evidence = "~^" .. L.ip.other:gsub("%p", "%%%0") })
  check.eq(asked(L.ip.ue), 403) -- outside
  check.ne(asked(L.ip.tap), 403) -- trusted, on a closed network
end)

-- --- who sends ---

-- Where the node takes host for one that is spoken with in clear: f() with a phone, and what the node then says.
local function in_clear(node, host, cause, f)
  local u, before, hosts = L:ue(1), L.conf[node].resolver.hosts, {}
  for i, line in ipairs(before) do
    hosts[i] = line:match("^" .. host) and line:gsub("/tls$", "/udp") or line
  end
  local function use(list)
    L.conf[node].resolver.hosts = list
    L:write_conf(node)
    L:restart(node)
  end
  use(hosts)
  local mark = L:mark()
  f(u)
  L:verdict({ node = node, cause = cause, evidence = "~not protected as network_domain wants$", since = mark })
  check.match(L.procs[node]:log(), "no way to " .. L.ip[host]:gsub("%p", "%%%0") .. ":5062 over UDP: network_domain wants TLS")
  check.eq(#L:events(node, { ev = "sip", dir = "out", proto = "UDP", since = mark, remote = L.ip[host] .. ":5062" }), 0)
  use(before)
  u:close()
end

test("a CSCF sends nothing in clear to a network that wants TLS", { "NDS-001" }, function()
  local function refused(u)
    check.eq(u:register().verdict, "refused")
  end
  in_clear("pcscf", "icscf", "icscf_unreachable", refused)
  in_clear("icscf", "scscf", "scscf_unreachable", refused)
  in_clear("scscf", "icscf", "next_hop_unreachable", function(u)
    check.eq(u:register().verdict, "registered")
    check.eq(u:request({ method = "MESSAGE", to = L:impu(2), body = "in clear" }).status, 503)
  end)
end)

test("what is trusted lies in the networks", { "NDS-001" }, function()
  local code, text = checked("scscf", function(conf)
    conf.trusted = { "203.0.113.0/24" }
  end)
  check.eq(code, 1)
  check.match(text, "trusted: 203%.0%.113%.0/24: is outside of network_domain")
end)

return test.finish()
