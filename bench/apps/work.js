function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
const m = new Map(); let s = 0;
for (let i = 0; i < 600000; i++) { const k = 'k' + (i * 7919) % 5003; m.set(k, (m.get(k) || 0) + i); s = (s * 31 + i) % 1000003; }
const a = new Float64Array(100000).map((_, i) => (i * 7919) % 100003); a.sort();
const t = JSON.stringify([...m].slice(0, 3000)); let n = 0; for (const x of t.matchAll(/k(\d+)/g)) n += x[1].length;
console.log(fib(30), s, a[777], t.length, n, JSON.parse(t).length);
