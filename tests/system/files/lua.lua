-- Strings, tables, coroutines, closures, integer and float arithmetic, errors, garbage collection.
local t = {} for i = 1, 50000 do t[i] = (i * 7919) % 50021 end table.sort(t) print(#t, t[1], t[25000], t[#t])
print(string.format("%5.2f %d %x %q %s %g", math.pi, 42, 255, "a\nb", tostring(nil), 1e100))
print(("hello world"):gsub("o", "0"), ("k1=v1,k2=v2"):gsub("(%w+)=(%w+)", "%2=%1")) for w in ("one two three"):gmatch("%a+") do io.write(w:reverse(), " ") end print()
local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i * i) end end) end local s = 0 for v in gen(1000) do s = s + v end print(s)
print(7 // 2, -7 // 2, -7 % 3, 7 / 2, 2 ^ 53, 1 << 62, ~0, 0xff ~ 0x0f, math.maxinteger + 1 == math.mininteger, 3 | 4.0)
print(pcall(error, { code = 1 }), select(2, pcall(function() local x = nil; return x.y end)), math.type(1), math.type(1.0), 1 == 1.0)
local mt = { __add = function(a, b) return a.v + b.v end, __index = function(_, k) return k .. "!" end, __call = function(self, x) return x * 2 end, __close = function() print("closed") end }
local a = setmetatable({ v = 1 }, mt) print(a + setmetatable({ v = 2 }, mt), a.zzz, a(21)) do local c <close> = a end
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end print(fib(24))
local m = {} for i = 1, 60 do m[i] = {} for j = 1, 60 do m[i][j] = (i * j) % 10 + 0.5 end end local r = 0 for i = 1, 60 do for j = 1, 60 do local x = 0 for k = 1, 60 do x = x + m[i][k] * m[k][j] end r = r + x end end print(r)
local parts = {} for i = 1, 2000 do parts[#parts + 1] = string.char(65 + i % 26) end local str = table.concat(parts) print(#str, str:sub(1, 10), str:find("XYZ"), str:byte(-1))
print(string.pack("<i4d", 7, 1.5):byte(1, -1)) print(utf8.char(9786, 128512), utf8.len("äöü")) print(os.time({ year = 2024, month = 1, day = 1, hour = 12 }), os.date("!%F %T", 0))
local weak = setmetatable({}, { __mode = "k" }) for i = 1, 1000 do weak[{}] = i end collectgarbage() local n = 0 for _ in pairs(weak) do n = n + 1 end print(n)
print(load("return ...", "chunk")(1, 2), loadstring, goto_ok) for i = 1, 3 do for j = 1, 3 do if j == 2 then goto next end io.write(i, j, " ") ::next:: end end print() local f = io.popen("echo popen; exit 3") print(f:read("a"), f:close())
print(string.format("%.14g %.14g %.14g", math.sin(1), math.exp(1), math.sqrt(2)), math.huge, -math.huge, math.fmod(-7, 3), math.tointeger(3.0), (tostring(0/0):gsub("-", "")))
os.exit(4)
