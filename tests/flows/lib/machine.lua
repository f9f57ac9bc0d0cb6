-- SPDX-License-Identifier: BSD-3-Clause
-- Time as a busy machine has it: what passed while this program was not run, or the machine stood still, is not counted. For what a
-- node promises to do in a time, and for what may be demanded only where the machine kept running.
local machine = {}

local TICK_S, MOST_S = 0.02, 0.1
local ran, last, begin = 0, nil, nil

local function count()
  local t = now()
  ran, last = ran + math.min(t - last, MOST_S), t
end

-- now(): seconds; only differences mean something
function machine.now()
  if not last then
    begin = now()
    last = begin
    async(function()
      while true do
        sleep(TICK_S)
        count()
      end
    end)
  end
  count()
  return ran
end

-- lost(): seconds that were not counted since the first call of any of these; differences again
function machine.lost()
  local counted = machine.now()
  return now() - begin - counted
end

return machine
