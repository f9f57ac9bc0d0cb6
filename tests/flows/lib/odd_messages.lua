-- SPDX-License-Identifier: BSD-3-Clause
-- Messages in the manner of those of RFC 4475 that tests/data/torture does not hold: the same things odd or wrong with them, in words
-- of our own. odd[NAME] is the octets.
local SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49000 RTP/AVP 0\r\n"

local count = 0
local odd = {}

-- A plain request, with fields laid over: a string stands for the whole line (so that its name may be odd too), false leaves it out.
local function request(method, uri, o)
  count = count + 1
  local body = o.body or ""
  local lines = { o.start or ("%s %s SIP/2.0"):format(method, uri) }
  local function line(name, default)
    local given = o[name]
    if given == nil then
      lines[#lines + 1] = name .. ": " .. default
    elseif given then
      lines[#lines + 1] = given
    end
  end
  line("Via", "SIP/2.0/UDP host.example.com;branch=z9hG4bKodd" .. count)
  line("To", o.to or "<" .. uri .. ">")
  line("From", "<sip:caller@example.net>;tag=odd" .. count)
  line("Call-ID", "odd" .. count .. "@host.example.com")
  line("CSeq", count .. " " .. method)
  line("Max-Forwards", "70")
  for _, more in ipairs(o) do
    lines[#lines + 1] = more
  end
  if body ~= "" then
    lines[#lines + 1] = "Content-Type: application/sdp"
  end
  line("Content-Length", tostring(#body))
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

local function invite(o)
  o.body = o.body or SDP
  o[#o + 1] = o.contact or "Contact: <sip:caller@host.example.com>"
  return request("INVITE", o.uri or "sip:user@example.com", o)
end

local function register(o)
  o.to = o.to or "<sip:watson@example.com>"
  o.From = o.From or "From: " .. o.to .. ";tag=r" .. count
  return request("REGISTER", "sip:example.com", o)
end

local function response(o)
  return request("INVITE", "sip:user@example.com", o)
end

local METHOD = "!odd-Method0123456789_*+`.%also'~"
local USER = "1_odd.URI~(may-be!sure)&isn't+it$/odd?,/;;*"

odd = {
  intmeth = request(METHOD, "sip:" .. USER .. ":&it+has=1,odd!*pas$wo~d.(no)@example.com", {
    Via = "Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
    To = "To: \"BEL:\\\7 NUL:\\\0 DEL:\\\127\" <sip:" .. USER .. "@example.com>",
    From = "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"\xd1\x80\xd0\xb0\";tag=_token~1'+`*%!-.",
    ["Call-ID"] = "Call-ID: odd.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{", "extensionHeader-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7" }),
  escnull = register({ to = "<sip:null-%00-null@example.com>", "Contact: <sip:%00@host5.example.com>", "Contact: <sip:%00%00@host5.example.com>" }),
  lwsdisp = request("OPTIONS", "sip:user@example.com", { From = "From: caller<sip:caller@example.com>;tag=323" }),
  transports = request("OPTIONS", "sip:user@example.com", { Via = "Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKt1",
    "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKt2", "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bKt3",
    "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKt4" }),
  unreason = response({ start = "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe" }),
  badinv01 = invite({ Via = "Via: SIP/2.0/UDP 192.0.2.15;;,;,,", contact = "Contact: \"Joe\" <sip:joe@example.org>;;;;" }),
  ncl = invite({ ["Content-Length"] = "Content-Length: -999" }),
  scalarlg = response({ start = "SIP/2.0 503 Service Unavailable", CSeq = "CSeq: 9292394834772304023312 OPTIONS",
    "Retry-After: 949302838503028349304023988", "Warning: 1812 overture \"In Progress\"" }),
  ltgtruri = invite({ start = "INVITE <sip:user@example.com> SIP/2.0" }),
  lwsstart = invite({ start = "INVITE  sip:user@example.com  SIP/2.0" }),
  escruri = invite({ start = "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0" }),
  regbadct = register({ "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E" }),
  baddn = request("OPTIONS", "sip:user@example.com", { From = "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43" }),
  mismatch01 = request("OPTIONS", "sip:user@example.com", { CSeq = "CSeq: 8 INVITE" }),
  bigcode = response({ start = "SIP/2.0 4294967301 better not break the receiver" }),
  insuf = request("INVITE", "sip:user@example.com", { To = false, From = false, ["Max-Forwards"] = false }),
  novelsc = request("OPTIONS", "sip:user@example.com", { start = "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0" }),
  bext01 = request("OPTIONS", "sip:user@example.com", { "Require: nothingSupportsThis, nothingSupportsThisEither",
    "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis" }),
  regaut01 = register({ "Contact: <sip:watson@host.example.com>", "Authorization: NoOneKnowsThisScheme opaque-data=here" }),
  mcl01 = request("OPTIONS", "sip:user@example.com", { "Content-Length: 13", ["Content-Length"] = "l: 5", body = SDP }),
  zeromf = request("OPTIONS", "sip:user@example.com", { ["Max-Forwards"] = "Max-Forwards: 0" }),
  cparam02 = register({ "Contact: <sip:+19725552222@gw1.example.net;unknownparam>" }),
  sdp01 = invite({ "Accept: text/nobodyKnowsThis" }),
}

-- One behind the other in one datagram: the second is nobody's. In a stream each is a message.
odd.dblreq = request("OPTIONS", "sip:first@example.com", {}) .. request("OPTIONS", "sip:second@example.com", {})

return odd
