-- SPDX-License-Identifier: BSD-3-Clause
-- The folder of the programs under test: QUINTET_BIN, or where the program stands that runs the test.
return os.getenv("QUINTET_BIN") or proc.exe:match("^(.*)/")
