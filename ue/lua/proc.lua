-- SPDX-License-Identifier: BSD-3-Clause
-- Processes of a scenario. They die with it.
local core = ...

proc = { signals = { HUP = 1, INT = 2, QUIT = 3, ABRT = 6, KILL = 9, USR1 = 10, TERM = 15, CONT = 18, STOP = 19 } }

proc.self = core.getpid()
proc.exe = core.exe() -- this program; the others lie beside it

local Proc = {}
Proc.__index = Proc

-- proc.spawn{"PROGRAM", "ARG", ..., env={NAME="value"}, stdout=FILE, stderr=FILE, cwd=FOLDER, ready=true} -> process, or
-- nil and why. ready: the program says when it serves, through the descriptor named in QUINTET_READY_FD.
function proc.spawn(o)
  local t = {}
  for k, v in pairs(o) do
    t[k] = v
  end
  t.env = {}
  for k, v in pairs(o.env or {}) do
    t.env[k] = v ~= false and tostring(v) -- false: not in the environment
  end
  if o.ready then
    t.env.QUINTET_READY_FD = "3"
  end
  local h, why = core.spawn(t)
  if not h then
    return nil, why
  end
  return setmetatable({ handle = h, name = o.name or o[1]:match("[^/]*$"), files = { o.stdout, o.stderr } }, Proc)
end

function Proc:pid()
  return self.handle:pid()
end

function Proc:running()
  return not self.handle:exited()
end

-- wait_ready(timeout) -> true, or nil and why
function Proc:wait_ready(timeout)
  local r = wait_for(function()
    local ready, never = self.handle:ready()
    return ready and "ready" or ((never or self.handle:exited()) and "never")
  end, timeout or 10)
  if r == "ready" then
    return true
  end
  return nil, ("%s %s: %s"):format(self.name, r and "ended before it was ready" or "was not ready in time", self:log())
end

-- wait(timeout) -> exit code; or -1 and the signal that ended it; or nil when it still runs
function Proc:wait(timeout)
  wait_for(function()
    return (self.handle:exited())
  end, timeout or 10)
  local exited, code, signal = self.handle:exited()
  if not exited then
    return nil, self.name .. " still runs"
  end
  return code, signal ~= 0 and signal or nil
end

-- kill(signal): its number, or its name without SIG
function Proc:kill(signal)
  return self.handle:kill(proc.signals[signal] or signal or 15)
end

-- log(): what it wrote to its files
function Proc:log()
  local out, seen = {}, {}
  for _, f in pairs(self.files) do
    if not seen[f] then
      out[#out + 1] = fs.read(f) or ""
      seen[f] = true
    end
  end
  return table.concat(out)
end

-- proc.run{"PROGRAM", "ARG", ..., env=, timeout=30} -> exit code (nil: killed because it did not end), stdout, stderr
function proc.run(o)
  local dir = assert(fs.tmpdir())
  local t = {}
  for k, v in pairs(o) do
    t[k] = v
  end
  t.stdout, t.stderr = dir .. "/out", dir .. "/err"
  local p, why = proc.spawn(t)
  if not p then
    fs.remove(dir)
    return nil, "", why
  end
  local code = p:wait(o.timeout or 30)
  if not code then
    p:kill("KILL")
    p:wait(5)
  end
  local out, err = fs.read(t.stdout) or "", fs.read(t.stderr) or ""
  fs.remove(dir)
  return code, out, err
end
