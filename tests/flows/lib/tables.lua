-- SPDX-License-Identifier: BSD-3-Clause
-- Work on tables that more than one test does.
local tables = {}

-- join(LIST, ...) -> a new list of all their members
function tables.join(...)
  local all = {}
  for _, list in ipairs({ ... }) do
    table.move(list, 1, #list, #all + 1, all)
  end
  return all
end

-- with(T [, MORE]): T itself, with the members of MORE laid over it
function tables.with(t, more)
  for k, v in pairs(more or {}) do
    t[k] = v
  end
  return t
end

-- for key, value in ordered(T): by key, so that the order is the same in every run (that of pairs is drawn anew by each process).
function tables.ordered(t)
  local keys, i = {}, 0
  for k in pairs(t) do
    keys[#keys + 1] = k
  end
  table.sort(keys)
  return function()
    i = i + 1
    return keys[i], t[keys[i]]
  end
end

return tables
