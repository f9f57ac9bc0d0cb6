-- SPDX-License-Identifier: BSD-3-Clause
-- A small disk of one's own (a tmpfs in a private mount namespace) that can be filled. Only for root.
local check = require "check"

local disk = {}
local Disk = {}
Disk.__index = Disk

local MARK = "QUINTET_TEST_OWN_MOUNTS"

-- True in a mount namespace that is ours. When it is not, this runs the whole file again in one and prints what it
-- prints; the second value is then the exit code for the file to end with. nil, nil: not possible here.
function disk.enter()
  if os.getenv(MARK) then
    return true
  end
  if proc.run({ "unshare", "-m", "--propagation", "private", "true" }) ~= 0 then
    return nil
  end
  local env = { [MARK] = "1" }
  local code, out, err = proc.run({ "unshare", "-m", "--propagation", "private", proc.exe, "run", arg[0], arg[1], env = env,
    timeout = 280 })
  io.stdout:write(out or "")
  io.stderr:write(err or "")
  return false, code or 1
end

local function run(...)
  local code, _, err = proc.run({ ... })
  check.eq(code, 0, err)
end

-- disk.new(octets) -> d; d.dir is its folder
function disk.new(octets)
  local d = setmetatable({ dir = assert(fs.tmpdir()), octets = octets }, Disk)
  run("mount", "-t", "tmpfs", "-o", "mode=700,size=" .. octets, "tmpfs", d.dir)
  return d
end

-- Takes all the room there is.
function Disk:fill()
  fs.write(self.dir .. "/filler", ("x"):rep(self.octets))
  local ok = fs.write(self.dir .. "/probe", ("x"):rep(8192))
  check.no(ok, "the disk is full")
  fs.remove(self.dir .. "/probe")
  fs.write(self.dir .. "/filler.rest", ("x"):rep(8192))
end

function Disk:free()
  fs.remove(self.dir .. "/filler")
  fs.remove(self.dir .. "/filler.rest")
end

function Disk:remount(how)
  run("mount", "-o", "remount," .. how, self.dir)
end

function Disk:close()
  run("umount", self.dir)
  fs.remove(self.dir)
end

return disk
