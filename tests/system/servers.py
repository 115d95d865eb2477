"""The cases of the system tests whose programs are servers: each is driven from outside, by clients of this machine that are native whichever engine
serves, and what it answers is compared.
"""
import hashlib
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

from cases import case
from run import ENV, Failed, kill


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, p, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if p.poll() is not None:
            raise Failed("the server ended with status %d: %s" % (p.returncode, p.stdout.read().decode(errors="replace")[-2000:] if p.stdout else ""))
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise Failed("the server never listened")


@case("redis", ["redis"], timeout=300)
def redis(cx):
    """redis-server, driven by the native redis-cli and redis-benchmark of this machine."""
    port = free_port()
    server = cx.popen(["/usr/bin/redis-server", "--port", str(port), "--dir", cx.cwd, "--appendonly", "yes", "--io-threads", "3"],
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_for(port, server)
    tools = os.path.join(os.path.dirname(cx.engine.root), "amd64")

    def client(argv, stdin=b""):
        p = subprocess.run(["unshare", "--root=" + tools, argv[0], "-p", str(port)] + argv[1:], input=stdin, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=cx.case.timeout, env=ENV)
        return p.stdout.decode(errors="replace"), p.returncode

    def settled(what):
        end = time.monotonic() + 60
        while what + ":0" not in client(["/usr/bin/redis-cli"], b"INFO persistence\n")[0]:
            if time.monotonic() > end:
                raise Failed(what + " did not end")
            time.sleep(0.1)

    commands = ("SET a 1\nINCR a\nLPUSH l x y z\nLRANGE l 0 -1\nHSET h f v\nHGETALL h\nZADD z 1 a 2 b\nZRANGE z 0 -1 WITHSCORES\nSADD s 1 2 3\nSCARD s\n"
                "EVAL \"local s=0 for i=1,1000000 do s=s+i end return s\" 0\nSETEX e 100 v\nTTL nothing\nBGSAVE\nPFADD p a b c\nPFCOUNT p\nXADD x 1-1 f v\nXRANGE x - +\n"
                "GETRANGE a 0 -1\nBITCOUNT a\nGEOADD g 13.361389 38.115556 P\nGEOPOS g P\nMULTI\nINCR a\nEXEC\nDEBUG SLEEP 0\nDBSIZE\n")
    out = [client(["/usr/bin/redis-cli"], commands.encode())[0]]
    # While the first child saves, the second is answered otherwise.
    settled("rdb_bgsave_in_progress")
    out.append(client(["/usr/bin/redis-cli"], b"BGREWRITEAOF\n")[0])
    settled("aof_rewrite_in_progress")
    text, status = client(["/usr/bin/redis-benchmark", "-q", "-n", "5000", "-c", "20", "-t", "set,get,incr,lpush,lrange_100,sadd,hset,zadd,mset", "-P", "4", "--threads", "2"])
    names = sorted({l.split(":")[0] for l in text.replace("\r", "\n").splitlines() if "requests per second" in l})
    out.append("benchmark %d %s\n" % (status, ",".join(names)))
    out.append(client(["/usr/bin/redis-cli"], b"SHUTDOWN SAVE\n")[0])
    out.append("server %d\n" % server.wait(30))
    out.append("files %s\n" % sorted(os.listdir(cx.dir)))
    check = cx.run(["/usr/bin/redis-check-rdb", "dump.rdb"])
    out.append("rdb %d\n" % check.status)
    return "".join(out)


@case("openssl-tls", ["openssl"], timeout=200)
def openssl_tls(cx):
    """Keys, a certificate, digests, and a TLS 1.3 and 1.2 handshake with the native peer, both ways."""
    out = []
    ssl = "/usr/bin/openssl"
    with open(os.path.join(cx.dir, "data"), "wb") as f:
        f.write(bytes(i * 7919 % 251 for i in range(100000)))
    for digest in ("md5", "sha1", "sha512", "sha3-256", "blake2b512", "sm3"):
        out.append(cx.run([ssl, "dgst", "-" + digest, "data"]).text())
    for cipher in ("aes-256-cbc", "chacha20", "camellia-128-ctr", "aria-256-cfb"):
        out.append(cx.run([ssl, "enc", "-" + cipher, "-K", "00" * 32, "-iv", "11" * 16, "-in", "data", "-out", "enc"]).text())
        out.append(cx.run([ssl, "dgst", "-sha256", "enc"]).text())
    for how in (["rsa", "-pkeyopt", "rsa_keygen_bits:2048"], ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]):
        r = cx.run([ssl, "genpkey", "-algorithm", how[0], "-out", how[0] + ".key"] + how[1:])
        out.append("key %d\n" % r.status)
        r = cx.run([ssl, "req", "-x509", "-new", "-key", how[0] + ".key", "-out", how[0] + ".pem", "-days", "3650", "-subj", "/CN=localhost", "-config", "/etc/ssl/openssl.cnf"])
        out.append("cert %d %s\n" % (r.status, r.err))
        out.append(cx.run([ssl, "verify", "-CAfile", how[0] + ".pem", how[0] + ".pem"]).text())
    tools = os.path.join(os.path.dirname(cx.engine.root), "amd64")
    for key, version in (("rsa", "-tls1_3"), ("EC", "-tls1_2")):
        port = free_port()
        server = cx.popen([ssl, "s_server", "-accept", "127.0.0.1:%d" % port, "-key", key + ".key", "-cert", key + ".pem", version, "-www"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_for(port, server)
        p = subprocess.run(["unshare", "--root=" + tools, ssl, "s_client", "-connect", "127.0.0.1:%d" % port, version, "-ign_eof", "-brief"],
                           input=b"GET / HTTP/1.0\r\n\r\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, env=ENV)
        text = p.stdout.decode(errors="replace")
        out.append("%s %s %s %s\n" % (re.findall(r"Protocol version: (\S+)", text), re.findall(r"Ciphersuite: (\S+)", text), "HTTP/1.0 200 ok" in text, p.returncode))
        # and the other way round: our client, a native server
        kill(server)
        native = subprocess.Popen(["unshare", "--root=" + tools, ssl, "s_server", "-accept", "127.0.0.1:%d" % port, "-key", "/dev/fd/0", "-cert", "/dev/fd/0", "-www", "-quiet"],
                                  stdin=combined(cx, key), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENV, start_new_session=True)
        try:
            time.sleep(0.5)
            wait_for(port, native)
            r = cx.run([ssl, "s_client", "-connect", "127.0.0.1:%d" % port, version, "-ign_eof", "-brief"], stdin=b"GET / HTTP/1.0\r\n\r\n")
            out.append("client %d %s %s\n" % (r.status, re.findall(r"Ciphersuite: (\S+)", r.err), "HTTP/1.0 200 ok" in r.out))
        finally:
            kill(native)
            native.wait()
    return "".join(out)


def combined(cx, key):
    """A key and its certificate in one file, open for reading (the native server sees another root)."""
    path = os.path.join(cx.dir, key + ".both")
    with open(path, "wb") as f:
        for end in (".key", ".pem"):
            with open(os.path.join(cx.dir, key + end), "rb") as part:
                f.write(part.read())
    return open(path, "rb")




# --- web servers ---

class Server:
    """A server that a case starts; what it says goes to a file of the case's directory."""

    def __init__(self, cx, argv, port, seconds=60, **kw):
        self.log = os.path.join(cx.dir, "server.log")
        with open(self.log, "ab") as f:
            self.process = cx.popen(argv, stdout=f, stderr=f, **kw)
        try:
            wait_for(port, self.process, seconds)
        except Failed as e:
            raise Failed("%s\n%s" % (e, self.said()[-3000:]))

    def said(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def stop(self, sig, seconds=60):
        """Its exit status after a signal."""
        self.process.send_signal(sig)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed("the server does not end after signal %d\n%s" % (sig, self.said()[-3000:]))


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def ask(port, requests, connections=32, tls=None):
    """Makes all requests, (method, path, body, headers), over many connections at a time that each stay open for several requests; requests are dealt out
    in turn. Gives a line for each, in their order: status, length and hash of what came back, and some of its headers."""
    lines = [None] * len(requests)

    def client(first):
        try:
            c = http.client.HTTPSConnection("127.0.0.1", port, timeout=120, context=tls) if tls else http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            for i in range(first, len(requests), connections):
                method, path, body, headers = requests[i]
                c.request(method, path, body, headers)
                r = c.getresponse()
                data = r.read()
                kind = [r.getheader(h, "-") for h in ("content-type", "content-encoding", "content-range", "location")]
                lines[i] = "%s %s: %d, %d bytes %s, %s" % (method, path, r.status, len(data), digest(data), " ".join(kind).replace(str(port), "PORT"))
            c.close()
        except (OSError, http.client.HTTPException) as e:
            lines[i] = "%s %s: %s: %s" % (method, path, type(e).__name__, e)

    threads = [threading.Thread(target=client, args=(k,)) for k in range(min(connections, len(requests)))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return "".join("%s\n" % l for l in lines)


def get(path, **headers):
    return "GET", path, None, {k.replace("_", "-"): v for k, v in headers.items()}


def make_files(cx, where):
    """A directory of files to serve, small and large."""
    os.makedirs(os.path.join(cx.dir, where, "sub"))
    for name, size in [("index.html", 600), ("empty.txt", 0), ("small.txt", 37), ("page.html", 20000), ("sub/deep.json", 5000), ("big.bin", 3000000)]:
        with open(os.path.join(cx.dir, where, name), "wb") as f:
            f.write((b"".join(b"%d %s\n" % (i, name.encode()) for i in range(size // 8 + 1)))[:size])


FILE_REQUESTS = ([get("/"), get("/empty.txt"), get("/small.txt"), get("/page.html"), get("/sub/deep.json"), get("/nothing"), get("/sub"),
                  get("/big.bin", Range="bytes=1000000-1999999"), get("/page.html", Accept_Encoding="gzip"), ("HEAD", "/page.html", None, {}),
                  get("/small.txt", If_None_Match='"x"'), get("/../etc/passwd")] * 16 + [get("/big.bin")] * 8)


def unchecked_tls():
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


NGINX = """
daemon off; worker_processes 2; pid %(dir)s/nginx.pid; error_log stderr crit;
events { worker_connections 512; }
http {
    include /etc/nginx/mime.types; default_type application/octet-stream; sendfile on; aio threads; access_log off; server_tokens off;
    client_body_temp_path %(dir)s/t1; proxy_temp_path %(dir)s/t2; fastcgi_temp_path %(dir)s/t3; uwsgi_temp_path %(dir)s/t4; scgi_temp_path %(dir)s/t5;
    gzip on; gzip_types *; gzip_min_length 100;
    proxy_cache_path %(dir)s/cache keys_zone=c:1m;
    map $request_uri $what { ~^/say/(?<word>\\w+) "said $word"; default none; }
    server {
        listen 127.0.0.1:%(port)d; listen 127.0.0.1:%(tls)d ssl; ssl_certificate both.pem; ssl_certificate_key both.pem; root %(dir)s/www;
        location /proxy/ { proxy_pass http://127.0.0.1:%(port)d/; proxy_cache c; proxy_cache_valid 1m; }
        location /say/ { return 200 $what; }
        location /old { rewrite ^/old/(.*)$ /$1 permanent; }
    }
}
"""


@case("nginx", ["nginx", "openssl"], timeout=300, tools=["wrk"])
def nginx(cx):
    """nginx with two workers: files, compression, itself behind itself, TLS, a new configuration while it serves; wrk as the crowd."""
    make_files(cx, "www")
    r = cx.run(["/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                "-days", "3650", "-subj", "/CN=localhost", "-config", "/etc/ssl/openssl.cnf"])
    if r.status:
        raise Failed(r.text())
    with open(os.path.join(cx.dir, "both.pem"), "wb") as f:
        for part in ("key.pem", "cert.pem"):
            with open(os.path.join(cx.dir, part), "rb") as p:
                f.write(p.read())
    port, tls = free_port(), free_port()
    with open(os.path.join(cx.dir, "nginx.conf"), "w") as f:
        f.write(NGINX % {"dir": cx.cwd, "port": port, "tls": tls})
    argv = ["/usr/sbin/nginx", "-p", cx.cwd, "-c", cx.cwd + "/nginx.conf", "-e", "stderr"]
    out = ["test %d\n" % cx.run(argv + ["-t"], user=True).status]
    server = Server(cx, argv, port, user=True)
    more = [get("/say/something"), get("/old/small.txt"), get("/proxy/page.html"), get("/proxy/sub/deep.json"), ("POST", "/small.txt", b"x" * 100000, {})] * 8
    out.append(ask(port, FILE_REQUESTS + more))
    out.append(ask(tls, FILE_REQUESTS[:24], tls=unchecked_tls()))

    def crowd(wrong):
        r = cx.tool(["/usr/bin/wrk", "-t2", "-c40", "-d2", "http://127.0.0.1:%d/page.html" % port])
        made = re.search(r"(\d+) requests in", r.out)
        return "wrk %d, served some: %s, complaints: %s\n" % (r.status, bool(made) and int(made.group(1)) > 0, re.findall(wrong, r.out))
    out.append(crowd(r"Non-2xx or 3xx responses|read [1-9]\d*, write|connect [1-9]\d*,"))
    with open(os.path.join(cx.dir, "www", "small.txt"), "w") as f:
        f.write("changed\n")
    server.process.send_signal(signal.SIGHUP)  # new workers take over while requests come; the old ones close connections that rest
    out.append(crowd("Non-2xx or 3xx responses"))
    out.append(ask(port, [get("/small.txt")]))
    out.append("end %d\n" % server.stop(signal.SIGQUIT))
    return "".join(out) + server.said()


@case("web-node", ["node"], ["web.js"], timeout=300)
def web_node(cx):
    """Node.js: a cluster of two processes that share a port, streams, compression and a pool of threads."""
    port = free_port()
    server = Server(cx, ["/usr/bin/node", "web.js", str(port)], port)
    requests = [get("/hash/%d" % (i * 37)) for i in range(64)]
    requests += [("POST", "/echo", bytes((i * j) & 255 for j in range(30000)), {}) for i in range(32)]
    requests += [get("/stream/%d" % (i * 1000)) for i in range(16)] + [get("/gzip/%d" % i) for i in range(32)]
    requests += [get("/pbkdf2/%d" % i) for i in range(16)] + [get("/json/%d" % i) for i in range(64)] + [get("/throw"), get("/nothing")]
    return ask(port, requests) + "end %d\n" % server.stop(signal.SIGTERM) + server.said()


CADDY = """
{
    admin off
    auto_https off
    grace_period 2s
    local_certs
    skip_install_trust
    http_port %(port)d
    https_port %(tls)d
    log {
        level ERROR
    }
}
http://127.0.0.1:%(port)d {
    encode gzip zstd
    root * www
    respond /say "said {http.request.uri.query}"
    handle_path /proxy/* {
        reverse_proxy 127.0.0.1:%(port)d
    }
    redir /old/* /small.txt permanent
    templates /page.html
    file_server
}
https://localhost:%(tls)d {
    tls internal
    root * www
    file_server
}
"""


@case("web-go", ["caddy"], timeout=300)
def web_go(cx):
    """Caddy, a web server in Go: files, compression, templates, itself behind itself, TLS with certificates that it makes itself."""
    make_files(cx, "www")
    port, tls = free_port(), free_port()
    with open(os.path.join(cx.dir, "Caddyfile"), "w") as f:
        f.write(CADDY % {"port": port, "tls": tls})
    env = {"XDG_DATA_HOME": cx.cwd, "XDG_CONFIG_HOME": cx.cwd, "HOME": cx.cwd}
    server = Server(cx, ["/usr/bin/caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"], port, env=env)
    more = [get("/say?x=%d" % i) for i in range(40)] + [get("/old/x"), get("/proxy/small.txt"), get("/proxy/page.html")] * 8
    out = [ask(port, FILE_REQUESTS + more)]
    wait_for(tls, server.process)
    out.append(tls_get(tls, "localhost", ["/", "/page.html", "/big.bin"]))
    return "".join(out) + "end %d\n" % server.stop(signal.SIGTERM)


def tls_get(port, name, paths):
    """Some pages over TLS from a server that wants to be called by name; a connection each, four at a time."""
    lines = {}

    def one(k, path):
        try:
            with unchecked_tls().wrap_socket(socket.create_connection(("127.0.0.1", port), 60), server_hostname=name) as s:
                s.sendall(b"GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" % (path.encode(), name.encode()))
                data = b""
                while True:
                    part = s.recv(65536)
                    if not part:
                        break
                    data += part
                body = data.partition(b"\r\n\r\n")[2]
                lines[k] = "%s %s %s: %d bytes %s" % (s.version(), data[:12].decode(errors="replace"), path, len(body), digest(body))
        except OSError as e:
            lines[k] = "%s: %s: %s" % (path, type(e).__name__, e)
    wanted = list(enumerate(paths * 4))
    threads = [threading.Thread(target=one, args=w) for w in wanted]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return "".join("%s\n" % lines.get(k) for k, _ in wanted)


@case("web-rust", ["oxigraph"], timeout=300)
def web_rust(cx):
    """Oxigraph, a database in Rust with a web server: data in over HTTP, queries of many clients at a time."""
    port = free_port()
    server = Server(cx, ["/usr/bin/oxigraph", "serve", "--location", "db", "--bind", "127.0.0.1:%d" % port], port)
    triples = "".join('<http://e/s%d> <http://e/p%d> "%d"^^<http://www.w3.org/2001/XMLSchema#integer> .\n' % (i, i % 7, i * i % 101) for i in range(5000))
    types = {"Content-Type": "application/n-triples"}
    out = [ask(port, [("POST", "/store?default", triples.encode(), types)])]
    queries = ["SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }", "SELECT ?p (SUM(?o) AS ?t) (AVG(?o) AS ?a) WHERE { ?s ?p ?o } GROUP BY ?p ORDER BY ?p",
               "SELECT ?s ?o WHERE { ?s <http://e/p3> ?o FILTER(?o > 90 && REGEX(STR(?s), \"s[0-9]*7$\")) } ORDER BY ?o ?s LIMIT 20",
               "SELECT DISTINCT ?o (SHA256(STR(?o)) AS ?h) WHERE { ?s <http://e/p1> ?o } ORDER BY DESC(?o) LIMIT 10", "ASK { <http://e/s1> ?p 1 }",
               "SELECT ?a ?b WHERE { ?a <http://e/p0> ?o . ?b <http://e/p1> ?o FILTER(?o = 5) } ORDER BY ?a ?b LIMIT 30", "nonsense"]
    want = {"Content-Type": "application/sparql-query", "Accept": "text/csv"}
    out.append(ask(port, [("POST", "/query", q.encode(), want) for q in queries] * 12))
    update = {"Content-Type": "application/sparql-update"}
    out.append(ask(port, [("POST", "/update", b"INSERT DATA { <http://e/x%d> <http://e/new> %d }" % (i, i), update) for i in range(48)]))
    out.append(ask(port, [("POST", "/query", b"SELECT (COUNT(*) AS ?n) (SUM(?o) AS ?t) WHERE { ?s <http://e/new> ?o }", want)]))
    return "".join(out) + "end %d\n" % server.stop(signal.SIGTERM)


def built_web_server(cx, port, argv):
    """A server of files/web.go or files/web.rs, compiled a moment ago, under many connections."""
    server = Server(cx, argv + [str(port)], port)
    requests = [get("/hash/%d" % (i * 37)) for i in range(128)] + [("POST", "/echo", bytes((i * j) & 255 for j in range(30000)), {}) for i in range(64)]
    requests += [get("/primes/%d" % (i * 100)) for i in range(64)] + [get("/nothing")]
    return ask(port, requests, 64) + ask(port, [get("/count")]) + "end %d\n" % server.stop(signal.SIGTERM) + server.said()


@case("golang", ["golang"], ["web.go"], timeout=1800, large=True)
def golang(cx):
    """Go's own compiler, linker and tests, on this CPU and across to another; the web server that they make."""
    env = {"GOCACHE": cx.cwd + "/cache", "GOPATH": cx.cwd + "/go", "GO111MODULE": "off", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-trimpath"}
    go = "/usr/lib/go-1.24/bin/go"
    out = [cx.run([go, "build", "-o", "web", "web.go"], env=env).text()]
    with open(os.path.join(cx.dir, "small.go"), "w") as f:
        f.write('package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("Hello", 6*7) }\n')
    for arch in ("riscv64", "arm64"):  # each is another standard library to compile, but for this CPU's own
        r = cx.run([go, "build", "-ldflags=-buildid=", "-o", "small-" + arch, "small.go"], env=dict(env, GOARCH=arch))
        with open(os.path.join(cx.dir, "small-" + arch), "rb") as f:
            out.append("%s %s %s\n" % (arch, r.text().strip(), digest(f.read())))
    tests = cx.run([go, "test", "-short", "-count=1", "sort", "strings", "container/heap"], env=env)
    out.append(re.sub(r"\t[0-9.]+s$", "", tests.text(), flags=re.M))
    return "".join(out) + built_web_server(cx, free_port(), [cx.cwd + "/web"])


@case("rustc", ["rustc"], ["web.rs"], timeout=1800, large=True)
def rustc(cx):
    """Rust's own compiler (LLVM); the web server that it makes, with a thread a connection."""
    out = []
    for flags in (["-O"], ["-g"]):
        out.append(cx.run(["/usr/bin/rustc"] + flags + ["-o", "web", "web.rs"]).text())
        out.append(built_web_server(cx, free_port(), [cx.cwd + "/web"]))
    out.append(cx.run(["/usr/bin/rustc", "-o", "x", "-"], stdin=b"fn main() { let x: u8 = 256; let s = String::new(); drop(s); drop(s); }").text())
    return "".join(out)


# --- databases ---

POSTGRES = "/usr/lib/postgresql/17/bin/"


@case("postgres", ["postgresql"], ["postgres.sql"], timeout=1800, large=True)
def postgres(cx):
    """PostgreSQL: initdb, a server, psql and pgbench from outside, queries that are run in parallel and ones that LLVM compiles, a crash and its repair."""
    r = cx.run([POSTGRES + "initdb", "-D", "data", "-A", "trust", "--locale=C.UTF-8", "-U", "me"], user=True)
    out = [re.sub(r"(?s)selecting .*?creating config", "creating config", r.text())]
    port = free_port()
    with open(os.path.join(cx.dir, "data", "postgresql.conf"), "a") as f:
        f.write("port = %d\nunix_socket_directories = '%s'\nmax_connections = 40\nshared_buffers = 32MB\nlog_min_messages = error\nlog_destination = stderr\n" % (port, cx.cwd))
    argv = [POSTGRES + "postgres", "-D", "data"]
    server = Server(cx, argv, port, user=True)
    client = ["-h", "127.0.0.1", "-p", str(port), "-U", "me"]
    end = time.monotonic() + 60
    while cx.tool([POSTGRES + "pg_isready"] + client).status and time.monotonic() < end:
        time.sleep(0.2)
    with open(os.path.join(cx.dir, "postgres.sql"), "rb") as f:
        sql = f.read()
    out.append(cx.tool([POSTGRES + "psql", "-X", "-q"] + client + ["postgres"], sql).text())
    out.append(cx.run([POSTGRES + "psql", "-X", "-h", cx.cwd, "-p", str(port), "-U", "me", "-c", "select count(*), sum(length(name)) > 0 from pg_settings", "postgres"], user=True).text()[-60:])

    def bench(*args):
        r = cx.tool([POSTGRES + "pgbench"] + client + list(args) + ["postgres"])
        out.append("pgbench %d %s\n" % (r.status, re.findall(r"(?m)^number of (?:transactions actually processed|failed transactions).*", r.out) or r.text()[-500:] if r.status or "-t" in args else ""))
    check = "select sum(abalance) = (select sum(bbalance) from pgbench_branches), sum(abalance) = (select sum(tbalance) from pgbench_tellers), " \
            "sum(abalance) = (select sum(delta) from pgbench_history), (select count(*) from pgbench_history) from pgbench_accounts"
    bench("-i", "-s", "2", "-q")
    bench("-c", "8", "-j", "2", "-t", "100")
    bench("-c", "20", "-j", "2", "-t", "100", "-n", "-S", "-M", "prepared")
    query = lambda q: cx.tool([POSTGRES + "psql", "-X", "-t"] + client + ["-c", q, "postgres"]).text()
    out.append(query(check))
    server.stop(signal.SIGQUIT)  # at once, with nothing written out: the next start repairs
    server = Server(cx, argv, port, user=True)
    end = time.monotonic() + 60
    while cx.tool([POSTGRES + "pg_isready"] + client).status and time.monotonic() < end:
        time.sleep(0.2)
    out.append(query(check))
    out.append("end %d\n" % server.stop(signal.SIGINT))
    out += re.findall("(?m)^Database cluster state.*\n", cx.run([POSTGRES + "pg_controldata", "data"], user=True).out)
    return "".join(out)
