local t, s = {}, 0
for i = 1, 300000 do local k = "k" .. (i * 7919 % 5003) t[k] = (t[k] or 0) + i s = (s * 31 + i) % 1000003 end
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
local v = {} for i = 1, 100000 do v[i] = (i * 7919) % 100003 end table.sort(v)
local x = 0 for i = 1, 2000000 do x = x + i % 7 * 0.5 end
local n = 0 for w in (("abc def "):rep(5000)):gmatch("%a+") do n = n + #w end
print(s, fib(27), v[777], x, n, t.k77)
