-- SPDX-License-Identifier: BSD-3-Clause
-- The phone of a scenario: procedures over the UE's own SIP stack, with a hand on every message.
local core = ...

ue = { timeout = 10 }

local Phone = {}
Phone.__index = Phone
local Request = {}
Request.__index = Request

-- ue.new{...} -> phone, or nil and why; see docs/ue.md for the fields
function ue.new(o)
  local t = {}
  for k, v in pairs(o) do
    t[k] = v
  end
  if type(t.outbound) == "boolean" then
    t.outbound = t.outbound and "yes" or "no"
  end
  if t.trace == nil and ue.trace_dir then
    ue.traces = (ue.traces or 0) + 1
    t.trace = ("%s/ue-%d.jsonl"):format(ue.trace_dir, ue.traces)
  end
  local h, why = core.phone(t)
  if not h then
    return nil, why
  end
  local u = setmetatable({ handle = h, options = o, waiting = {} }, Phone)
  for k, v in pairs(h:info()) do
    u[k] = k ~= "sqn" and v or nil -- sqn() asks the card
  end
  return u
end

-- sqn(): SQN_MS of the card; set_sqn(n) moves it (to play a SIM that is ahead)
function Phone:sqn()
  return self.handle:info().sqn
end

function Phone:set_sqn(n)
  return assert(self.handle:set_sqn(n))
end

function Phone:set_impu(impu)
  self.handle:set_impu(impu)
  self.impu = impu
end

-- Sends one request and waits for its final response: message, or nil and why. All responses go into list.
-- way: on, transport, step (of handle:send)
function Phone:exchange(msg, timeout, list, way)
  local tx, why = self.handle:send(msg:text(), math.floor(timeout * 1000), way)
  if not tx then
    return nil, why == "malformed input" and "the stack cannot send this: use an endpoint" or why
  end
  local final, failure
  wait_for(function()
    while true do
      local text, err = tx:take()
      if not text then
        failure = failure or err
        return failure
      end
      local r = assert(sip.parse(text))
      if list then
        list[#list + 1] = r
      end
      if r.status >= 200 then
        final = r
        return true
      end
    end
  end, timeout + 1)
  return final, failure or (not final and "timeout") or nil
end

-- What o.on or o.transport says of a step: one text for all, a list, or a function of step, request and response.
local function of_step(v, n, msg, response)
  if type(v) == "function" then
    return v(n, msg, response)
  end
  return type(v) == "table" and v[n] or type(v) == "string" and v or nil
end

-- Runs a REGISTER procedure. o: expires, mutate(msg, step, response), receive(response, step), timeout (s per answer),
-- max_steps (then the phone stays silent), clear, once, on, transport.
function Phone:procedure(kind, o)
  o = o or {}
  local text, why = self.handle:start(kind, o.expires, o.clear, o.once)
  if not text then
    error("the procedure cannot start: " .. why, 3)
  end
  local steps, response = {}, nil
  while text do
    local step = { request = assert(sip.parse(text)), responses = {} }
    steps[#steps + 1] = step
    if (o.max_steps and #steps > o.max_steps) or
      (o.mutate and o.mutate(step.request, #steps, response) == false) then
      step.silent = true
      self.handle:no_answer("silent")
      break
    end
    response, why = self:exchange(step.request, o.timeout or ue.timeout, step.responses, {
      step = true,
      on = of_step(o.on, #steps, step.request, response) or "register",
      transport = of_step(o.transport, #steps, step.request, response),
    })
    if not response then
      step.failure = why
      text, why = self.handle:no_answer(why == "timeout" and "timeout" or "unreachable")
    else
      step.response = response
      if o.receive then
        o.receive(response, #steps)
      end
      text, why = self.handle:answer(response:text())
    end
    if text == nil then
      error("the procedure cannot go on: " .. why, 3)
    end
  end
  local r = self.handle:result()
  r.steps, r.response, r.failure = steps, response, steps[#steps].failure
  r.security = self.handle:security()
  self.last = r
  self.contact = self.handle:info().contact
  self.service_route = r.service_route
  -- the first one is the default identity, never a barred one (TS 24.229 5.1.1.2.2)
  self.default_impu = r.p_associated_uri and r.p_associated_uri:match("<([^>]*)>") or self.impu
  return r
end

function Phone:register(o)
  return self:procedure("register", o)
end

function Phone:reregister(o)
  return self:procedure("refresh", o)
end

function Phone:deregister(o)
  return self:procedure("deregister", o)
end

-- The procedure in single steps, for a scenario that carries the messages itself: p:start() gives the first message,
-- p:answer(response) the next one or false.
function Phone:steps(kind, o)
  local u = self
  return {
    start = function()
      return sip.parse(assert(u.handle:start(kind or "register", o and o.expires, o and o.clear, true)))
    end,
    answer = function(_, response)
      local text, why = u.handle:answer(response:text())
      if text == nil then
        error("the answer cannot be used: " .. why, 2)
      end
      return text and sip.parse(text)
    end,
    silent = function()
      u.handle:no_answer("silent")
    end,
    result = function()
      return u.handle:result()
    end,
  }
end

-- build{method=, to=, uri=, headers=, body=, content_type=}: a request of a registered UE (TS 24.229 5.1.2A.1)
function Phone:build(o)
  local method = o.method
  local m = sip.message([[
    ${method} ${uri} SIP/2.0
    Max-Forwards: 70
    From: <${from}>;tag=${tag}
    To: <${to}>
    Call-ID: ${call_id}
    CSeq: ${cseq} ${method}
    Contact: <${contact}>]], {
    method = method, uri = o.uri or o.to, from = o.from or self.default_impu or self.impu, to = o.to, tag = random.token(),
    call_id = o.call_id or random.token(), cseq = o.cseq or 1, contact = self.contact,
  })
  if o.route ~= false then
    m:add("Route", "<sip:" .. self.pcscf .. ";lr>")
    for _, r in ipairs(self.service_route and { self.service_route } or {}) do
      m:add("Route", r)
    end
  end
  if o.preferred_identity ~= false then
    m:add("P-Preferred-Identity", "<" .. (o.preferred_identity or self.default_impu or self.impu) .. ">")
  end
  local agreed = o.on ~= "clear" and o.security_verify ~= false and self.handle:security()
  if agreed then -- TS 33.203 7.2, RFC 3329 2.3.1: every request of the hop repeats what was agreed
    m:add("Require", "sec-agree"):add("Proxy-Require", "sec-agree"):add("Security-Verify", agreed.verify)
  end
  sip.add_headers(m, o.headers)
  if o.body then
    m:set("Content-Type", o.content_type or "text/plain")
    m.body = o.body
  end
  return m
end

-- ACK for a 2xx to INVITE, along the route set of the response (RFC 3261 13.2.2.4)
local function ack(self, invite, response, way)
  local m = sip.message([[
    ACK ${uri} SIP/2.0
    Max-Forwards: 70]], { uri = response:uri_of("Contact") or invite.uri })
  m:add("From", invite:get("From")):add("To", response:get("To")):add("Call-ID", invite:get("Call-ID"))
  m:add("CSeq", invite:get("CSeq"):gsub("%u+$", "ACK"))
  local routes = response:values("Record-Route")
  for i = #routes, 1, -1 do
    m:add("Route", routes[i])
  end
  assert(self.handle:send(m:text(), 0, way))
end

-- With a challenge that is kept the request answers it at once (TS 33.203 N.2.1.2).
local function authorize(self, m)
  local value = self.handle:proxy_answer(m.method, m.uri, m.body)
  if value then
    m:set("Proxy-Authorization", value)
  end
  return value ~= nil
end

-- The same request again, with an answer to the 407; nil when there is no answer to it.
local function answer_407(self, m, response, answered)
  local ok, stale = self.handle:proxy_challenge(response:text())
  if not ok or (answered and not stale) then
    self.handle:forget_challenge("proxy")
    return nil
  end
  local again = m:copy()
  again:set("CSeq", again:get("CSeq"):gsub("^%d+", function(n) return tostring(tonumber(n) + 1) end))
  authorize(self, again)
  return again
end

-- request{method=, to=, ..., mutate=function(msg, try, response), timeout=, answer_407=false} -> {status, reason, response,
-- responses, request, requests, failure, challenges}. A 407 is answered, unless answer_407 is false.
function Phone:request(o)
  local m = self:build(o)
  local r = { requests = {}, responses = {}, status = 0, challenges = 0 }
  local way = { on = o.on, transport = o.transport }
  local answered = false -- a challenge of this request
  if o.answer_407 ~= false then
    authorize(self, m)
  end
  while m do
    r.request, r.requests[#r.requests + 1] = m, m
    if o.mutate and o.mutate(m, #r.requests, r.response) == false then
      r.failure = "silent"
      return r
    end
    if not o.on and not wait_for(function() return not self.handle:held() end, o.timeout or ue.timeout) then
      r.failure = "held back"
      return r
    end
    r.response, r.failure = self:exchange(m, o.timeout or ue.timeout, r.responses, way)
    r.status, r.reason = 0, nil
    if not r.response then
      return r
    end
    r.status, r.reason = r.response.status, r.response.reason
    if m.method == "INVITE" and r.status < 300 then
      ack(self, m, r.response, way)
    end
    if r.status ~= 407 or o.answer_407 == false then
      return r
    end
    r.challenges = r.challenges + 1
    m = r.challenges <= 3 and answer_407(self, m, r.response, answered) or nil
    answered = true
  end
  return r
end

-- set_password(text): from now on; the one before is overwritten
function Phone:set_password(text)
  self.handle:set_password(text)
end

-- forget_challenge(): the next REGISTER begins without what is kept; forget_challenge("proxy"): the next request
function Phone:forget_challenge(which)
  self.handle:forget_challenge(which)
end

function Phone:message(o)
  o.method, o.body = "MESSAGE", o.body or "hello"
  return self:request(o)
end

-- expect_request{method=, timeout=20} -> request (fields of its message in request.msg), or nil when none comes
function Phone:expect_request(o)
  o = o or {}
  return wait_for(function()
    while true do
      local h = self.handle:next_request()
      if not h then
        break
      end
      local text, from = h:text()
      self.waiting[#self.waiting + 1] = setmetatable({ handle = h, msg = assert(sip.parse(text)), from = from }, Request)
    end
    for i, rq in ipairs(self.waiting) do
      if not o.method or rq.msg.method == o.method then
        table.remove(self.waiting, i)
        return rq
      end
    end
  end, o.timeout or 20)
end

-- reply(status [, reason [, {{name, value}, ...}]])
function Request:reply(status, reason, headers)
  local list = {}
  for k, v in pairs(headers or {}) do
    list[#list + 1] = type(k) == "number" and v or { k, v }
  end
  return assert(self.handle:reply(status, reason, list))
end

-- The SA table, one row per SA: set, state, way, direction, port_u, port_p, spi, lifetime, mode, suite, ue_address, pending,
-- and of the kernel bytes, packets, integrity_failed, replay. filter: members that must be equal.
function Phone:sas(filter)
  local out = {}
  for _, sa in ipairs(self.handle:sas()) do
    local fits = true
    for k, v in pairs(filter or {}) do
      fits = fits and sa[k] == v
    end
    if fits then
      out[#out + 1] = sa
    end
  end
  return out
end

-- The current SAs: suite, mode, ue_address, port_uc, port_us, port_pc, port_ps, spi_uc, ..., lifetime, verify; or nil
function Phone:security()
  return self.handle:security()
end

-- play{keep_old=, no_install=, wrong_ik=, deaf=, symmetric=, any_sa=}: a phone that breaks rules, until told otherwise
function Phone:play(faults)
  for name, on in pairs(faults) do
    self.handle:play(name, on)
  end
end

-- tls() -> {up=, version=, cipher=, session_id=, resumed=, names=, handshakes=, resumptions=, connections=, ended=, lost=,
-- why=}; nil for a phone without TLS
function Phone:tls()
  return self.handle:tls()
end

-- kept() -> {running=, interval=, pings=, pongs=, failures=, lost=} of keep-alives
function Phone:kept()
  return self.handle:kept()
end

-- cut(): the TLS connection ends as if the network had failed; renegotiate(): a handshake within it (TLS 1.2)
function Phone:cut()
  return self.handle:cut()
end

function Phone:renegotiate()
  return self.handle:renegotiate()
end

function Phone:deaf(on)
  self.handle:play("deaf", on ~= false)
end

-- The phone goes to another address: its SAs end, what is pending is dropped (TS 33.203 7.5).
function Phone:move(addr)
  local ok, why = self.handle:move(addr)
  if not ok then
    return nil, why
  end
  self.waiting = {}
  for k, v in pairs(self.handle:info()) do
    self[k] = k ~= "sqn" and v or nil
  end
  return true
end

function Phone:close()
  self.handle:close()
end
