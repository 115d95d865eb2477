// Hot loops that are compiled at run time, closures, regular expressions, workers, child processes, sockets, crypto, zlib, wasm.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto'), zlib = require('zlib'), net = require('net'), fs = require('fs'), cp = require('child_process'), assert = require('assert');
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
if (!isMainThread) { let s = 0; for (let i = 0; i < 3e5; i++) s = (s * 31 + i * workerData) % 1000003; parentPort.postMessage(s); } else main();
async function main() {
  console.log(fib(24));
  let x = 0; for (let i = 0; i < 3e6; i++) { x = (x + i * i) | 0; } console.log(x);
  const a = new Float64Array(1000).map((_, i) => Math.sin(i)); let s = 0; for (let k = 0; k < 300; k++) for (let i = 0; i < 1000; i++) s += a[i] * a[(i + k) % 1000]; console.log(s.toFixed(9));
  const m = new Map(); for (let i = 0; i < 50000; i++) m.set('k' + (i * 7919) % 5003, i); console.log(m.size, m.get('k77'));
  console.log('the quick brown fox'.replace(/(\w+) (\w+)/g, '$2 $1'), /(?<y>\d{4})-(?<mo>\d\d)/.exec('2024-05').groups.y, [...'aXbXc'.matchAll(/X/g)].length);
  console.log(2n ** 200n % 1000000007n, BigInt.asIntN(8, 255n), 0.1 + 0.2, (-7) % 3, 1 / 3, 5e-324, Number.MAX_SAFE_INTEGER, NaN === NaN, Object.is(-0, 0), 1e21 + '', (25).toString(36));
  console.log(crypto.createHash('sha256').update('x'.repeat(1e5)).digest('hex'), crypto.createHmac('md5', 'k').update('d').digest('base64'));
  const z = zlib.gzipSync(Buffer.alloc(1e5, 'abc')); console.log(zlib.gunzipSync(z).length, zlib.brotliDecompressSync(zlib.brotliCompressSync('brotli')).toString());
  console.log((await Promise.all([1, 2, 3, 4].map(n => new Promise((ok, no) => { const w = new Worker(__filename, { workerData: n }); w.on('message', ok); w.on('error', no); })))).join(' '));
  await new Promise(done => { const srv = net.createServer(c => c.pipe(c)).listen(0, '127.0.0.1', () => { const c = net.connect(srv.address().port, '127.0.0.1'); let got = ''; c.on('data', d => { got += d; if (got.length === 200000) { c.end(); srv.close(); console.log('echo', got.length); done(); } }); c.write('y'.repeat(200000)); }); });
  console.log(cp.execSync('echo from child').toString().trim(), cp.spawnSync(process.execPath, ['-e', 'process.exit(7)']).status, cp.spawnSync('sh', ['-c', 'kill -9 $$']).signal);
  const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]);
  console.log((await WebAssembly.instantiate(wasm)).instance.exports.add(40, 2)); class P { #v = 1; get v() { return this.#v; } static s = 5; } console.log(new P().v, P.s);
  function* g() { yield* [1, 2]; return 3; } console.log([...g()], JSON.stringify({ a: [1, { b: null }], d: new Date(0) }), [3, 1, 2].toSorted().join(), structuredClone({ z: [1] }).z[0]);
  try { null.x; } catch (e) { console.log(e.constructor.name); } const f = new Function('a', 'b', 'return a*b'); console.log(f(6, 7), eval('1+1')); fs.writeFileSync('f', 'data'); console.log(fs.readFileSync('f', 'utf8'), fs.existsSync('nope'));
  const poly = [{ f: 1 }, { g: 1, f: 2 }, { h: 0, f: 3 }, [], 'str', 5]; let acc = 0; for (let i = 0; i < 4e5; i++) { const o = poly[i % 6]; acc += o.f ?? 1; } console.log(acc); gcload(); setTimeout(() => { console.log('timer'); process.exitCode = 9; }, 20); process.nextTick(() => console.log('tick'));
}
function gcload() { let keep = []; for (let i = 0; i < 200; i++) { keep.push(new Array(1000).fill({ i })); if (keep.length > 20) keep.shift(); } console.log(keep.length); }
