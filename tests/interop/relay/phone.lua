-- SPDX-License-Identifier: BSD-3-Clause
-- What a phone sees of a Cx that goes through a relay: ue run phone.lua CASE. Exit code 0 when all was as it
-- should be; otherwise the last line says what was not.
local DOMAIN = "ims.mnc001.mcc001.3gppnetwork.org"
-- Published test keys (TS 35.207); run.sh provisions the first two, the third stays unknown.
local SIMS = {
  { "001010000000001", "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf" },
  { "001010000000002", "fec86ba6eb707ed08905757b1bb44b8f", "1006020f0a478bf6b699f15c062e42b3" },
  { "001010000000009", "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf" },
}
local WAIT_S = 5 -- for any answer

local function phone(n)
  return assert(ue.new({ impi = SIMS[n][1] .. "@" .. DOMAIN, k = SIMS[n][2], opc = SIMS[n][3] }))
end

local function want(r, verdict, status)
  if r.verdict ~= verdict or (status and r.status ~= status) then
    error(("%s %s is wanted, here is %s %s %s"):format(verdict, status or "", r.verdict, r.status or "", r.text or ""), 2)
  end
  print(("%s %s"):format(r.verdict, r.status or ""))
  return r
end

local case = {}

function case.registers()
  local u = phone(1)
  want(u:register({ timeout = WAIT_S }), "registered", 200)
  want(u:reregister({ timeout = WAIT_S }), "refreshed", 200)
  want(u:deregister({ timeout = WAIT_S }), "deregistered", 200)
end

-- The one who is called was registered under any identity: the I-CSCF asks the HSS where (LIR).
function case.called()
  local a, b = phone(1), phone(2)
  want(a:register({ timeout = WAIT_S }), "registered", 200)
  want(b:register({ timeout = WAIT_S }), "registered", 200)
  local sending = async(b.message, b, { to = "sip:+15550001@" .. DOMAIN, body = "hello" })
  local rq = assert(a:expect_request({ method = "MESSAGE" }), "no MESSAGE came")
  rq:reply(200)
  assert(sending:wait(10).status == 200, "MESSAGE was not accepted")
  want(a:deregister({ timeout = WAIT_S }), "deregistered", 200)
  want(b:deregister({ timeout = WAIT_S }), "deregistered", 200)
end

function case.wrong_res()
  local u = phone(1)
  want(u:register({ timeout = WAIT_S, mutate = function(msg, step)
    if step == 2 then
      msg:change_auth(function(a) a:set("response", ("0"):rep(32)) end)
    end
  end }), "refused", 403)
end

function case.unknown_user()
  want(phone(3):register({ timeout = WAIT_S }), "refused", 403)
end

-- Nobody can ask the HSS: an answer all the same, and soon.
function case.no_hss()
  want(phone(1):register({ timeout = WAIT_S }), "refused", 504)
end

-- A registration that outlives the HSS which the S-CSCF knows: arg[2] is a folder where the two sides leave word.
function case.moves()
  local u = phone(1)
  want(u:register({ timeout = WAIT_S }), "registered", 200)
  assert(fs.write(arg[2] .. "/registered", ""))
  assert(wait_for(function() return fs.stat(arg[2] .. "/go") end, 30), "no word to go on")
  want(u:reregister({ timeout = WAIT_S }), "refreshed", 200)
  want(u:deregister({ timeout = WAIT_S }), "deregistered", 200)
end

-- Once more and again until it works.
function case.works_again()
  local u, ends = phone(1), now() + 30
  local r = u:register({ timeout = WAIT_S })
  while not r.ok and now() < ends do
    sleep(0.1)
    r = u:register({ timeout = WAIT_S })
  end
  want(r, "registered", 200)
  want(u:deregister({ timeout = WAIT_S }), "deregistered", 200)
end

case[arg[1]]()
