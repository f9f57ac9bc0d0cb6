-- SPDX-License-Identifier: BSD-3-Clause
-- Waiting. Everything below the scenario returns at once; here the loop is run until something holds or time is up.
local core = ...

local tasks = {} -- those that wait
local Task = {}
Task.__index = Task

-- Lets every waiting task look whether it may go on.
local function run_tasks()
  for _, t in ipairs({ table.unpack(tasks) }) do
    if coroutine.status(t.co) == "suspended" then
      t:step()
    end
  end
end

function Task:step(...)
  local r = table.pack(coroutine.resume(self.co, ...))
  if coroutine.status(self.co) ~= "dead" then
    return
  end
  self.done = true
  if r[1] then
    self.results = table.pack(table.unpack(r, 2, r.n))
  else
    self.err = type(r[2]) == "string" and debug.traceback(self.co, r[2]) or r[2]
  end
  for i, t in ipairs(tasks) do
    if t == self then
      table.remove(tasks, i)
      break
    end
  end
end

local function next_deadline(deadline)
  for _, t in ipairs(tasks) do
    if t.deadline and t.deadline < deadline then
      deadline = t.deadline
    end
  end
  return deadline
end

now = core.now

-- wait_for(pred, timeout_s): what pred returned when it became true; nil when time was up. pred may return several values.
function wait_for(pred, timeout_s)
  assert(type(timeout_s) == "number", "every wait has a timeout, in seconds")
  local deadline = now() + timeout_s
  while true do
    local r = table.pack(pred())
    if r[1] then
      return table.unpack(r, 1, r.n)
    end
    local left = deadline - now()
    if left <= 0 then
      return nil
    end
    local co, main = coroutine.running()
    if not main and coroutine.isyieldable() then
      for _, t in ipairs(tasks) do
        if t.co == co then
          t.deadline = deadline
        end
      end
      coroutine.yield()
    else
      local pause = next_deadline(deadline) - now()
      core.pump(math.max(0, math.min(math.ceil(pause * 1000), 1000)))
      run_tasks()
    end
  end
end

-- async(fn, ...): fn runs beside the scenario whenever that waits. task:wait(timeout_s) gives its results; an error in it
-- is raised there; no end in time is an error.
function async(fn, ...)
  local t = setmetatable({ co = coroutine.create(fn) }, Task)
  tasks[#tasks + 1] = t
  t:step(...)
  return t
end

function Task:wait(timeout_s)
  wait_for(function()
    return self.done
  end, timeout_s or 10)
  if self.err then
    error(self.err, 0)
  end
  if not self.done then
    error("the task did not end within " .. (timeout_s or 10) .. " s", 2)
  end
  return table.unpack(self.results, 1, self.results.n)
end

-- sleep(s): for scenarios that play a slow peer; waiting for something to happen is wait_for.
function sleep(s)
  wait_for(function()
    return false
  end, s)
end

-- os.exit ends the scenario in order: what it opened is closed.
function os.exit(code)
  error({ exit_code = code == nil and 0 or code == true and 0 or code == false and 1 or code }, 0)
end

hex = { encode = core.hex_encode, decode = core.hex_decode }
base64 = { encode = core.base64_encode, decode = core.base64_decode }
random = { octets = core.random, token = core.token }
fs = {
  tmpdir = core.tmpdir, mkdir = core.mkdir, read = core.read, write = core.write,
  stat = core.stat, remove = core.remove, list = core.list,
}
