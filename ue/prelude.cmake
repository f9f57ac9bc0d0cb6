# SPDX-License-Identifier: BSD-3-Clause
# Writes the Lua sources (LIST, comma separated, in the order they run) as C data into OUT.
set(text "/* Made from ue/lua at build time. */\n#include \"ue/lua_scenario.h\"\n")
set(rows "")
string(REPLACE "," ";" LIST "${LIST}")
foreach(name ${LIST})
  file(READ ${DIR}/${name}.lua hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND text "static const unsigned char ${name}_lua[] = {${bytes}};\n")
  string(APPEND rows "        {\"${name}.lua\", ${name}_lua, sizeof(${name}_lua)},\n")
endforeach()
string(APPEND text "const struct lua_source lua_prelude[] = {\n${rows}        {0, 0, 0},\n};\n")
file(WRITE ${OUT} "${text}")
