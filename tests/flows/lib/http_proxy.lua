-- SPDX-License-Identifier: BSD-3-Clause
-- An HTTP proxy that knows CONNECT (RFC 2817 5.2).
-- http_proxy(answer, from) -> a proxy at proxy.addr that answers CONNECT with this (nil: it is done), and then passes octets on to where it
-- was asked for, from that address. answer may be a function of the head and its number: what to answer, or nil; and whether the connection
-- ends with it. proxy.log: the heads it got; proxy.first: the first octets inside; proxy:close().
return function(answer, from)
  local p = { server = assert(net.tcp_listen("127.0.0.1:0")), log = {}, pairs = {} }
  p.addr = p.server:local_address()
  p.task = async(function()
    while not p.over do
      local c = p.server:take()
      if c then
        p.pairs[#p.pairs + 1] = { a = c, head = "" }
      end
      for _, pair in ipairs(p.pairs) do
        local data = not pair.over and pair.a:take()
        if data and not pair.asked then
          pair.head = pair.head .. data
          local head, rest = pair.head:match("^(.-\r\n\r\n)(.*)$")
          if head then
            pair.asked = true
            p.log[#p.log + 1] = { head = head, rest = rest }
            local text, ends = answer, false
            if type(answer) == "function" then
              text, ends = answer(head, #p.log)
            end
            if text then
              pair.a:send(text)
              if ends then
                pair.a:close()
                pair.over = true
              end
            else
              pair.b = net.tcp_connect(from, head:match("^CONNECT (%S+)"), 3000)
              wait_for(function() return pair.b:state() == "up" end, 3)
              p.silent = p.silent or pair.a:take() -- nothing may come before our answer
              pair.a:send("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
            end
          end
        elseif data and pair.b then
          p.first = p.first or data
          pair.b:send(data)
        end
        local back = pair.b and pair.b:take()
        if back then
          pair.a:send(back)
        end
      end
      sleep(0.005)
    end
  end)
  function p:close()
    p.over = true
    p.task:wait(20)
    for _, pair in ipairs(p.pairs) do
      if not pair.over then
        pair.a:close()
      end
      if pair.b then
        pair.b:close()
      end
    end
    p.server:close()
  end
  return p
end
