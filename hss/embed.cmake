# cmake -DIN=FILE -DOUT=FILE.c -DNAME=symbol -P embed.cmake: a text file as a C string.
file(READ ${IN} text HEX)
string(REGEX REPLACE "(................................)" "\\1\n" text "${text}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," text "${text}")
file(WRITE ${OUT} "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n${text}0};\n")
