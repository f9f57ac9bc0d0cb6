-- SPDX-License-Identifier: BSD-3-Clause
-- test("name", {"AKA-001"}, function() ... end) runs at once and prints one line:
--     PASS flows.FILE.name AKA-001          (kernel.FILE.name in tests/kernel)
--     FAIL flows.FILE.name: why (file:line)
-- A file ends with: return test.finish()
-- With arguments (ue run FILE.lua PATTERN) only tests whose name matches run.
local test = { failed = 0, passed = 0, file = (arg[0]:match("([^/]*)%.lua$") or arg[0]), at_finish = {} }

-- kernel.* for what stands in tests/kernel, interop.* in tests/interop/FILE
local KIND = arg[0]:match("kernel/[^/]*$") and "kernel." or arg[0]:match("interop/[^/]*/[^/]*$") and "interop." or "flows."

local function line_of(name)
  return KIND .. test.file .. "." .. name:gsub("[^%w_.-]+", "_")
end

local function report(name, ids, ok, err)
  if ok then
    test.passed = test.passed + 1
    print("PASS " .. line_of(name) .. (#ids > 0 and " " .. table.concat(ids, " ") or ""))
  else
    test.failed = test.failed + 1
    local place, why = tostring(err.why):match("^([^%s]-[^/%s]*%.lua:%d+): (.*)$")
    why = (why or tostring(err.why)):gsub("%s+", " ")
    print(("FAIL %s: %s (%s)"):format(line_of(name), why, place and place:match("[^/]*$") or "no place"))
    io.stderr:write("--- ", line_of(name), "\n", err.trace, "\n")
  end
  io.stdout:flush()
end

local function guard(fn)
  return xpcall(fn, function(e)
    if type(e) == "table" and e.exit_code then
      e = "the scenario called os.exit"
    end
    return { why = e, trace = debug.traceback(tostring(e), 2) }
  end)
end

-- Asks for help from whoever knows more (the lab shows the ends of its logs).
test.on_failure = {}

function test.run(name, ids, fn)
  if type(ids) == "function" then
    ids, fn = {}, ids
  end
  if arg[1] and not name:match(arg[1]) then
    return
  end
  local ok, err = guard(fn)
  report(name, ids, ok, err)
  if not ok then
    for _, f in ipairs(test.on_failure) do
      guard(f)
    end
  end
end

-- Work for the end of the file (stopping a lab); a failure in it is a failed test of that name.
function test.finally(name, fn)
  table.insert(test.at_finish, 1, { name = name, fn = fn })
end

-- A folder that is gone when the file has ended.
function test.dir()
  local dir = assert(fs.tmpdir())
  test.finally("folder_goes", function()
    fs.remove(dir)
  end)
  return dir
end

function test.finish()
  for _, f in ipairs(test.at_finish) do
    local ok, err = guard(f.fn)
    if not ok then
      report(f.name, {}, false, err)
    end
  end
  return test.failed == 0 and 0 or 1
end

return setmetatable(test, { __call = function(_, ...) return test.run(...) end })
