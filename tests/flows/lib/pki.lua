-- SPDX-License-Identifier: BSD-3-Clause
-- Certificates for tests, made by the openssl command: roots, authorities between, servers and clients, such as break a
-- rule of TS 33.203 O.5, and what is revoked.
local test = require "test"

local pki = { n = 0 }
local CA = {}
CA.__index = CA

local function openssl(...)
  local code, out, err = proc.run({ timeout = 60, "openssl", ... })
  if code ~= 0 then
    error("openssl " .. (...) .. ": " .. tostring(err) .. tostring(out), 3)
  end
  return out
end

local function path(dir, name, what)
  return ("%s/%s.%s"):format(dir, name, what)
end

local function new_key(file)
  openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file)
  assert(proc.run({ "chmod", "600", file }) == 0)
end

-- "20260101000000Z", so many days from now
local function day(days)
  return os.date("!%Y%m%d%H%M%SZ", os.time() + math.floor(days * 86400))
end

-- Signs a request of o.subject with the key of issuer (nil: with its own). o: subject, extensions (lines), from, to (days
-- from now), key (a file made before).
local function sign(dir, name, issuer, o)
  local key, csr, pem, conf = path(dir, name, "key"), path(dir, name, "csr"), path(dir, name, "crt"), path(dir, name, "conf")
  local db = path(dir, name, "db")
  if o.key then
    fs.write(key, fs.read(o.key), "600")
  else
    new_key(key)
  end
  fs.write(db, "")
  fs.write(db .. ".attr", "unique_subject = no\n")
  pki.n = pki.n + 1
  fs.write(path(dir, name, "serial"), ("%04X\n"):format(4096 + pki.n))
  fs.write(conf, table.concat({
    "[req]", "distinguished_name = dn", "prompt = no", "string_mask = " .. (o.string_mask or "utf8only"), "[dn]", "[ca]", "default_ca = this", "[this]",
    "database = " .. db, "serial = " .. path(dir, name, "serial"), "new_certs_dir = " .. dir, "default_md = sha256",
    "policy = any", "email_in_dn = no", "copy_extensions = none", "[any]", "commonName = supplied",
    "organizationName = optional", "[ext]", table.concat(o.extensions, "\n"), "" }, "\n"))
  openssl("req", "-new", "-key", key, "-subj", o.subject, "-config", conf, "-out", csr)
  local argv = { "ca", "-batch", "-notext", "-config", conf, "-extensions", "ext", "-preserveDN", "-in", csr, "-out", pem,
    "-startdate", day(o.from or -1), "-enddate", day(o.to or 365) }
  if issuer then
    table.move({ "-cert", issuer.certificate, "-keyfile", issuer.key }, 1, 4, #argv + 1, argv)
  else
    table.move({ "-selfsign", "-keyfile", key }, 1, 3, #argv + 1, argv)
  end
  openssl(table.unpack(argv))
  return { certificate = pem, key = key }
end

-- pki.root(dir, name [, o]) -> authority that signed itself: ca.certificate, ca.key, ca:server{...}, ca:client{...},
-- ca:authority(name). o: subject, key, from, to, string_mask (of
-- openssl req: in which type of string names are written)
function pki.root(dir, name, o)
  o = o or {}
  local r = sign(dir, name, nil, { subject = o.subject or "/CN=" .. name, key = o.key, from = o.from, to = o.to,
    string_mask = o.string_mask, extensions = { "basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign, cRLSign",
      "subjectKeyIdentifier = hash" } })
  r.dir, r.name, r.chain = dir, name, {}
  return setmetatable(r, CA)
end

-- An authority below this one.
function CA:authority(name, o)
  o = o or {}
  local r = sign(self.dir, name, self, { subject = "/CN=" .. name, from = o.from, to = o.to,
    extensions = o.extensions or { "basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign, cRLSign",
      "subjectKeyIdentifier = hash" } })
  r.dir, r.name, r.chain = self.dir, name, { r.certificate, table.unpack(self.chain) }
  return setmetatable(r, CA)
end

-- ca:server{cn=, subject= ("/CN=" and cn), san= ("DNS:a, IP:127.0.0.1"; false: none), from=, to=, usage=, eku=, name=, plus= (files sent behind)} -> {certificate=
-- (with the chain up to the root, which is left out), key=}
function CA:server(o)
  local name = o.name or ("server-" .. (pki.n + 1))
  local ext = { "basicConstraints = CA:FALSE", "keyUsage = critical, " .. (o.usage or "digitalSignature"),
    "extendedKeyUsage = " .. (o.eku or "serverAuth") }
  if o.san ~= false then
    ext[#ext + 1] = "subjectAltName = " .. (o.san or "DNS:" .. o.cn)
  end
  local r = sign(self.dir, name, self, { subject = o.subject or "/CN=" .. o.cn, from = o.from, to = o.to, extensions = ext })
  local all = { fs.read(r.certificate) }
  for _, file in ipairs(self.chain) do
    all[#all + 1] = fs.read(file)
  end
  for _, file in ipairs(o.plus or {}) do
    all[#all + 1] = fs.read(file)
  end
  r.certificate = path(self.dir, name, "chain")
  fs.write(r.certificate, table.concat(all))
  return r
end

function CA:client(o)
  o.eku = o.eku or "clientAuth"
  return self:server(o)
end

-- ca:revoke([c]): writes the revocation list at ca.crl anew, with c and those before it
function CA:revoke(c)
  local conf, db = path(self.dir, self.name, "crl-conf"), path(self.dir, self.name, "revoked")
  local function ca(...)
    openssl("ca", "-config", conf, "-cert", self.certificate, "-keyfile", self.key, ...)
  end
  if not self.crl then
    self.crl = path(self.dir, self.name, "crl")
    fs.write(db, "")
    fs.write(conf, ("[ca]\ndefault_ca = this\n[this]\ndatabase = %s\ndefault_md = sha256\ndefault_crl_days = 30\n"):format(db))
  end
  if c then
    ca("-revoke", c.certificate)
  end
  ca("-gencrl", "-out", self.crl)
end

-- What a test of TLS begins with: a folder that goes at its end, a root in it, and a server of that name.
function pki.lab(name)
  local dir = test.dir()
  local root = pki.root(dir, "root")
  return dir, root, root:server({ cn = name })
end

-- SHA-256 of a certificate, lower-case hex
function pki.fingerprint(c)
  return openssl("x509", "-in", c.certificate, "-noout", "-fingerprint", "-sha256"):match("=([%x:]+)"):gsub(":", ""):lower()
end

return pki
