-- SPDX-License-Identifier: BSD-3-Clause
-- hss diagnose: a subscriber is stored wrongly, the registration fails, the command that the verdict quotes is pasted into a shell,
-- names the mistake and mends it, and the phone registers. The HSS runs all the time.
local BIN = require "bin"
local check = require "check"
local lab = require "lab"
local test = require "test"

local L = lab.start({ subscribers = { lab.subscribers[1] }, scscf = { registration = { max_failures = 1 } } })

-- A SIM of no published set.
local K, OP = "4c5f1d2e8b9a70316f42e5d8c3b7a690", "1f2e3d4c5b6a79880f1e2d3c4b5a6978"
local OPC = aka.opc({ k = K, op = OP })
local last = 0

-- A subscriber with these keys in the HSS; the phone has K and OPC.
local function subscriber(stored, phone)
  last = last + 1
  local s = { imsi = ("0010100000001%02d"):format(last), msisdn = "155501" .. last, k = K, opc = OPC }
  L:add_subscriber({ imsi = s.imsi, msisdn = s.msisdn, k = stored.k or K, op = stored.op, opc = stored.opc, sqn = stored.sqn })
  s.impi = s.imsi .. "@" .. L.domain
  return s, L:ue(s, phone)
end

local function no_secret(text, what)
  for _, secret in ipairs({ K, OP, OPC, K:reverse(), OPC:reverse() }) do
    check.hasnt(text:lower(), secret, what)
  end
end

-- Pasted into a shell, as it stands in the verdict.
local function paste(command)
  check.match(command, "^hss ")
  local code, out, err = proc.run({ "/bin/sh", "-c", command, env = { PATH = BIN .. ":" .. os.getenv("PATH"),
    QUINTET_HSS_CONF = L:conf_file("hss") } })
  no_secret(out .. err, command)
  return out, code, err
end

local function diagnose(command)
  local out, code, err = paste(command .. " --json")
  local d = json.decode(out)
  check.ok(d, command .. ": " .. out .. err)
  return d, code
end

-- Named as this, mended, registered.
local function named_and_mended(command, cause, s, u)
  local before = L:subscriber(s.impi)
  local d, code = diagnose(command)
  check.eq(code, 3)
  check.eq(d.result, "mistake")
  check.eq(#d.causes, 1)
  check.eq(d.causes[1].name, cause)
  check.above(d.tried, 1)
  check.eq(d.repaired, false)
  check.eq(L:subscriber(s.impi), before, "nothing is changed without --repair")
  local text, same = paste(command)
  check.eq(same, 3)
  check.has(text, "[" .. cause .. "]")
  check.has(text, d.sentence)
  check.has(text, "run       " .. d.command)
  local mended, rc = paste(d.command)
  check.eq(rc, 0, mended)
  check.eq(u:register({}).verdict, "registered", cause)
  u:deregister({})
  return d
end

-- A phone that does not look at AUTN: answers with the RES of its key.
local function answer_anyway(s)
  return function(msg, step, response)
    if step ~= 2 then
      return
    end
    local c = response:auth("WWW-Authenticate")
    local rand = auth.nonce(c.nonce).rand
    msg:change_auth(function(a)
      a:remove("auts")
      a:set("qop", "auth", false)
      a:set("nc", "00000001", false)
      a:set("cnonce", "0a4f113b")
      a:set("response", auth.response({ algorithm = "AKAv1-MD5", username = a.username, realm = a.realm,
        res = aka.generate({ k = s.k, opc = s.opc, rand = rand, sqn = 0, amf = "8000" }).res, method = msg.method, uri = a.uri,
        nonce = a.nonce, cnonce = "0a4f113b", nc = "00000001", qop = "auth" }))
    end)
  end
end

test("OP stored as OPc: the phone refuses AUTN and its own verdict knows what the SIM computes", {}, function()
  local s, u = subscriber({ opc = OP })
  local r = u:register({})
  check.eq(r.verdict, "mac_mismatch")
  check.has(r.command, "hss diagnose " .. s.impi .. " --rand " .. r.challenge.rand)
  -- what the S-CSCF has: the challenge alone
  local v = L:verdict({ node = "scscf", call_id = r.call_id, cause = "mac_mismatch" })
  local d, code = diagnose(v.command)
  check.eq(code, 4)
  check.eq(d.result, "made_by_record")
  check.eq(d.challenge_by_record, true)
  check.eq(d.causes, {})
  named_and_mended(r.command, "op_as_opc", s, u)
  -- right again: nothing is wrong
  d, code = diagnose(r.command)
  check.eq(code, 0)
  check.eq(d.result, "nothing_wrong")
  check.eq(d.challenge_by_record, false)
  u:close()
end)

test("OPc stored as OP is found too, because the store keeps OP", {}, function()
  local s, u = subscriber({ op = OPC })
  local r = u:register({})
  check.eq(r.verdict, "mac_mismatch")
  named_and_mended(r.command, "opc_as_op", s, u)
  u:close()
end)

local function wrong_res(stored, cause)
  local s, u = subscriber(stored)
  local r = u:register({ mutate = answer_anyway(s), max_steps = 2 })
  check.eq(r.status, 403)
  local v = L:verdict({ node = "scscf", call_id = r.call_id })
  check.eq(v.cause, "res_mismatch")
  local sent = r.steps[2].request:auth()
  check.has(v.command, sent.response)
  check.hasnt(r.response:text(), sent.response, "the UE is told nothing of it")
  check.hasnt(r.response:text(), "diagnose")
  check.has(L.procs.scscf:log(), "run: " .. v.command .. "\n")
  local ladder, drawn = proc.run({ BIN .. "/ladder", "--call", r.call_id, L.dir .. "/scscf.jsonl" })
  check.eq(ladder, 0)
  check.has(drawn, "\nrun:\n" .. v.command .. "\n")
  local d = named_and_mended(v.command, cause, s, u)
  check.eq(d.evidence, { "response" })
  u:close()
end

test("a wrong RES: the verdict of the S-CSCF quotes the digest, and that is enough", {}, function()
  wrong_res({ opc = OP }, "op_as_opc")
  wrong_res({ k = K:sub(17) .. K:sub(1, 16), opc = OPC }, "k_halves_swapped")
  wrong_res({ opc = OPC:gsub("(%x)(%x)", "%2%1") }, "opc_nibbles_swapped")
  wrong_res({ k = OPC, opc = K }, "k_opc_exchanged")
  wrong_res({ opc = OPC:sub(1, 6) .. (OPC:sub(7, 7) == "0" and "1" or "0") .. OPC:sub(8) }, "opc_digit_wrong")
end)

test("SIMs are mixed up: the other subscriber is named", {}, function()
  local key = "f0e1d2c3b4a5968778695a4b3c2d1e0f" -- no subscriber before has it
  local other = subscriber({ k = key, opc = OPC })
  local s, u = subscriber({ k = "2b7e151628aed2a6abf7158809cf4f3c", opc = "d1e2f3a4b5c6978801122334455667a8" }, { k = key })
  local r = u:register({})
  check.eq(r.verdict, "mac_mismatch")
  local d, code = diagnose(r.command)
  check.eq(code, 3)
  check.eq(d.causes[1].name, "other_sim")
  check.eq(d.causes[1].other_imsi, other.imsi)
  check.eq(d.causes[1].other_impi, other.impi)
  check.above(d.others, 0)
  local _, rc, err = paste(r.command .. " --repair") -- two records with one key would be no repair
  check.eq(rc, 3)
  check.has(err, "cannot be mended")
  check.eq(u:register({}).verdict, "mac_mismatch")
  check.ok(s)
  u:close()
end)

test("equal OPc of several subscribers make AUTN alone suspicious", {}, function()
  local common = "77778888777788887777888877778888"
  subscriber({ k = "2b7e151628aed2a6abf7158809cf4f3c", opc = common })
  local s, u = subscriber({ opc = common })
  local r = u:register({})
  local v = L:verdict({ node = "scscf", call_id = r.call_id, cause = "mac_mismatch" })
  local d, code = diagnose(v.command)
  check.eq(code, 3)
  check.eq(d.result, "suspicion")
  check.eq(d.causes[1].name, "op_as_opc")
  local _, rc = paste(v.command .. " --repair") -- a suspicion is not stored
  check.eq(rc, 3)
  check.eq(u:register({}).verdict, "mac_mismatch")
  check.ok(s)
  u:close()
end)

test("a forged AUTS: the verdict of the HSS quotes it, the key and the SQN of the SIM are found", {}, function()
  local s, u = subscriber({ opc = OP })
  local sqn_ms = 4096 * 32 + 29
  local r = u:register({ max_steps = 2, mutate = function(msg, step, response)
    if step == 2 then
      local rand = auth.nonce(response:auth("WWW-Authenticate").nonce).rand
      msg:change_auth(function(a)
        a:set("auts", base64.encode(hex.decode(aka.auts({ k = K, opc = OPC, rand = rand, sqn = sqn_ms }))))
      end)
    end
  end })
  local v = L:verdict({ node = "hss", impi = s.impi, cause = "auts_forged" })
  local d = diagnose(v.command)
  check.eq(d.causes[1].name, "op_as_opc")
  check.eq(d.sqn.sim, { seq = 4096, ind = 29 })
  check.eq(d.sqn.cause, "sim_ahead")
  check.eq(d.sqn.settled, false)
  local seq = L:subscriber(s.impi).seq
  check.eq(d.sqn.hss.seq, seq)
  check.eq(d.sqn.distance, 4096 - seq)
  -- the key first; then the SQN is all that is left
  local _, rc = paste(d.command)
  check.eq(rc, 0)
  d = diagnose(v.command)
  check.eq(d.causes[1].name, "sim_ahead")
  check.eq(d.command, ("hss subscriber set %s --sqn %d"):format(s.impi, sqn_ms))
  check.eq(select(2, paste(d.command)), 0)
  check.eq(L:subscriber(s.impi).seq, 4096)
  local after, code = diagnose(v.command)
  check.eq(code, 0)
  check.eq(after.result, "nothing_wrong")
  u:set_sqn(sqn_ms)
  r = u:register({})
  check.eq(r.verdict, "registered")
  check.eq(r.sqn_failures, 0)
  u:deregister({})
  u:close()
end)

test("a SIM that refuses the jump again and again: its limit is named", {}, function()
  local s, u = subscriber({ opc = OPC, sqn = 5000 * 32 }, { sqn_delta = 100 })
  u:set_sqn(10 * 32 + 28)
  local r = u:register({})
  check.no(r.ok)
  local v = L:verdict({ node = "scscf", call_id = r.call_id })
  check.eq(v.cause, "sqn_repeated")
  local d, code = diagnose(v.command)
  check.eq(code, 3)
  check.eq(d.causes[1].name, "sim_limit")
  check.eq(d.challenge_by_record, true)
  check.eq(d.sqn.sim.seq, 10)
  check.between(d.sqn.distance, 4990, 5000)
  check.eq(select(2, paste(d.command)), 0)
  check.eq(u:register({}).verdict, "registered")
  -- the phone's own verdict says the same of its challenge
  check.has(r.command, " --auts ")
  u:deregister({})
  check.ok(s)
  u:close()
end)

test("what is asked badly is refused, what fits nothing is said so", {}, function()
  local s, u = subscriber({ k = K, opc = OPC })
  u:close()
  local v = aka.generate({ k = K, opc = OPC, sqn = 64, amf = "8000" })
  local bad = {
    { "", "usage", 2 }, { s.impi, "--rand" }, { s.impi .. " --rand 00", "32 hex digits" },
    { s.impi .. " --rand " .. v.rand, "--res" }, { s.impi .. " --rand " .. v.rand .. " --res 0", "RES is" },
    { s.impi .. " --rand " .. v.rand .. " --res " .. ("00"):rep(17), "RES is" },
    { s.impi .. " --rand " .. v.rand .. " --autn 00", "AUTN is" }, { s.impi .. " --rand " .. v.rand .. " --auts 00", "AUTS is" },
    { s.impi .. " --rand " .. v.rand .. " --rand " .. v.rand, "twice", 2 }, { s.impi .. " --nonce AAAA --res 00", "--nonce" },
    { s.impi .. " --rand", "missing", 2 }, { s.impi .. " --frob 1", "no such option", 2 }, { s.impi .. " x", "what is", 2 },
    { s.impi .. " --authorization Basic", "Digest" },
    { s.impi .. " --rand " .. v.rand .. " --response 00", "32 hex digits" },
    { s.impi .. " --rand " .. v.rand .. " --response " .. ("0"):rep(32), "--uri" },
    { s.impi .. " --rand " .. v.rand .. " --uri sip:x --response " .. ("0"):rep(32), "--nonce" },
    { s.impi .. " --rand " .. v.rand .. " --uri sip:x --qop auth --response " .. ("0"):rep(32), "--nc" },
    { s.impi .. " --rand " .. v.rand .. " --uri sip:x --algorithm MD5 --response " .. ("0"):rep(32), "AKAv1-MD5" },
    { "nobody@nowhere --rand " .. v.rand .. " --res 00000000", "no subscriber" },
  }
  for _, row in ipairs(bad) do
    local out, code, err = L:hss("diagnose " .. row[1])
    check.eq(code, row[3] or 1, row[1])
    check.eq(out, "", row[1])
    check.has(err, row[2], row[1])
  end
  local command = "hss diagnose " .. s.imsi .. " --rand=" .. v.rand .. " --res "
  local d, code = diagnose(command .. v.res)
  check.eq(code, 0)
  check.eq(d.result, "nothing_wrong")
  check.eq(d.impi, s.impi)
  d, code = diagnose(command .. "0123456789abcdef")
  check.eq(code, 4)
  check.eq(d.result, "nothing_fits")
  check.eq(d.causes, {})
  check.above(d.tried, 1000)
  check.ok(not d.by_chance)
  -- four octets alone may fit by chance: named, with that note, and not stored
  L:hss({ "subscriber", "set", s.impi, "--opc", OP })
  d = diagnose(command .. v.res:sub(1, 8))
  check.eq(d.result, "nothing_fits", "a cut RES of another key is two mistakes")
  L:hss({ "subscriber", "add", "--impi", "digest@" .. L.domain, "--impu", "sip:digest@" .. L.domain, "--password", "x" })
  local _, rc, err = L:hss("diagnose digest@" .. L.domain .. " --rand " .. v.rand .. " --res 00000000")
  check.eq(rc, 1)
  check.has(err, "no AKA key")
end)

return test.finish()
