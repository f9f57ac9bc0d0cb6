-- SPDX-License-Identifier: BSD-3-Clause
-- Writes docs/conformance.csv and docs/conformance.md from the results of a test run.
-- usage: lua5.4 conformance.lua ROOT RESULTS
-- A row is proved when a test that ran and passed names it and no test that names it failed.
local root, results = arg[1], arg[2]

-- RFC 4180 rows of a file, as arrays of fields.
local function csv_rows(path)
    local text = assert(io.open(path)):read("a")
    local rows, row, field, i, quoted = {}, {}, {}, 1, false
    while i <= #text do
        local c = text:sub(i, i)
        if quoted then
            if c == '"' and text:sub(i + 1, i + 1) == '"' then
                field[#field + 1] = '"'
                i = i + 1
            elseif c == '"' then
                quoted = false
            else
                field[#field + 1] = c
            end
        elseif c == '"' then
            quoted = true
        elseif c == "," then
            row[#row + 1] = table.concat(field)
            field = {}
        elseif c == "\n" then
            row[#row + 1] = table.concat(field)
            rows[#rows + 1] = row
            row, field = {}, {}
        elseif c ~= "\r" then
            field[#field + 1] = c
        end
        i = i + 1
    end
    return rows
end

local function csv_field(s)
    if s:find('[",\n]') then return '"' .. s:gsub('"', '""') .. '"' end
    return s
end

local requirements = csv_rows(root .. "/tests/requirements.csv")
table.remove(requirements, 1)
local notes = {} -- id -> {status, reason}
for i, r in ipairs(csv_rows(root .. "/tests/conformance-notes.csv")) do
    if i > 1 then notes[r[1]] = { status = r[2], reason = r[3] } end
end

local known, tests, failed = {}, {}, {}
for _, r in ipairs(requirements) do known[r[1]] = true end
local unknown = {}
for line in io.lines(results) do
    local outcome, name, rest = line:match("^(%u+) ([^%s:]+):?(.*)$")
    if outcome == "PASS" and not name:match("^asan%.") then
        for id in rest:gmatch("%u+%-%d+") do
            if not known[id] then unknown[#unknown + 1] = id .. " (" .. name .. ")" end
            tests[id] = tests[id] or {}
            if tests[id][#tests[id]] ~= name then table.insert(tests[id], name) end
        end
    elseif outcome == "FAIL" then
        for id in rest:gmatch("%[([%u%d%- ]+)%]") do
            for one in id:gmatch("%u+%-%d+") do failed[one] = name end
        end
    end
end
for _, names in pairs(tests) do table.sort(names) end -- those that run at the same time end in any order
if #unknown > 0 then
    io.stderr:write("tests name requirements that do not exist: ", table.concat(unknown, ", "), "\n")
    os.exit(1)
end

local areas, order = {}, {}
local csv = { "id,status,tests,reason" }
local lines = {}
for _, r in ipairs(requirements) do
    local id, area = r[1], r[1]:match("^(%u+)")
    local note = notes[id]
    local status, reason = "open", "no test names it yet"
    if tests[id] and not failed[id] then
        status, reason = "proved", ""
    elseif failed[id] then
        reason = "fails: " .. failed[id]
    elseif note then
        status, reason = note.status, note.reason
        assert(status == "open" or (status == "not-applicable" and reason ~= ""), id .. ": bad note")
    end
    if not areas[area] then
        areas[area] = { proved = 0, open = 0, ["not-applicable"] = 0, n = 0 }
        order[#order + 1] = area
    end
    areas[area][status] = areas[area][status] + 1
    areas[area].n = areas[area].n + 1
    local names = tests[id] and table.concat(tests[id], " ") or ""
    csv[#csv + 1] = table.concat({ id, status, csv_field(names), csv_field(reason) }, ",")
    lines[area] = lines[area] or {}
    table.insert(lines[area], ("| %s | %s | %s | %s |"):format(id, status, r[7]:gsub("|", "\\|"),
        status == "proved" and names:gsub(" ", "<br>") or reason))
end

local f = assert(io.open(root .. "/docs/conformance.csv", "w"))
f:write(table.concat(csv, "\n"), "\n")
f:close()

local md = { "# Conformance",
    "",
    "Written by `scripts/test --conformance` from `tests/requirements.csv` and the tests of that run; do not edit.",
    "A row is proved when a test that ran and passed names it. Rows that cannot apply say why",
    "(`tests/conformance-notes.csv`).",
    "",
    "| area | rows | proved | open | not applicable |",
    "| --- | --- | --- | --- | --- |" }
for _, a in ipairs(order) do
    local s = areas[a]
    md[#md + 1] = ("| %s | %d | %d | %d | %d |"):format(a, s.n, s.proved, s.open, s["not-applicable"])
end
for _, a in ipairs(order) do
    md[#md + 1] = "\n## " .. a .. "\n\n| id | status | requirement | tests or reason |\n| --- | --- | --- | --- |"
    md[#md + 1] = table.concat(lines[a], "\n")
end
f = assert(io.open(root .. "/docs/conformance.md", "w"))
f:write(table.concat(md, "\n"), "\n")
f:close()
for _, a in ipairs(order) do
    if areas[a].proved > 0 then print(("conformance: %s %d of %d proved"):format(a, areas[a].proved, areas[a].n)) end
end
