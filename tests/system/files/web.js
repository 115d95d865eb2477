// A cluster of two processes that serve one port; the master ends them at SIGTERM.
const cluster = require('cluster'), http = require('http'), crypto = require('crypto'), zlib = require('zlib'), { Readable, pipeline } = require('stream');
const port = Number(process.argv[2]);
function bytes(n) { const b = Buffer.alloc(n); for (let i = 0, x = n; i < n; i++) { x = (Math.imul(x, 1103515245) + 12345) >>> 0; b[i] = x >>> 16; } return b; }
const pages = {
  hash: (n, q, r) => r.end(crypto.createHash('sha256').update(bytes(n)).digest('hex')),
  echo: (n, q, r) => q.pipe(r),
  stream: (n, q, r) => pipeline(Readable.from((function* () { for (let i = 0; i < n; i++) yield `line ${i} ${'x'.repeat(i % 50)}\n`; })()), r, () => {}),
  gzip: (n, q, r) => zlib.gzip(bytes(n * 500), (e, z) => zlib.gunzip(z, (e, b) => zlib.brotliCompress(b, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } }, (e, c) => r.end(zlib.brotliDecompressSync(c))))),
  pbkdf2: (n, q, r) => crypto.pbkdf2('pass' + n, 'salt', 2000, 64, 'sha512', (e, k) => r.end(k.toString('hex'))),
  json: (n, q, r) => { const o = Array.from({ length: n * 5 }, (_, i) => ({ i, s: 'a'.repeat(i % 9), f: Math.sqrt(i) })); r.setHeader('content-type', 'application/json'); r.end(JSON.stringify(JSON.parse(JSON.stringify(o)).filter(x => x.i % 3))); },
  throw: (n, q, r) => { try { null.x; } catch (e) { r.statusCode = 500; r.end(e.constructor.name); } },
};
if (cluster.isPrimary) {
  for (let i = 0; i < 2; i++) cluster.fork();
  process.on('SIGTERM', () => cluster.disconnect(() => { console.log('all gone'); process.exit(0); }));
} else {
  http.createServer((q, r) => {
    const [, name, n] = q.url.split('/');
    if (Object.hasOwn(pages, name)) pages[name](Number(n), q, r); else { r.statusCode = 404; r.end('no ' + q.url); }
  }).listen(port, '127.0.0.1');
}
