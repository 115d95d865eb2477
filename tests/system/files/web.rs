// A web server: a thread a connection, shared state behind locks and atomics.
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

fn hash(n: usize) -> u64 {
    (0..n).fold(0xcbf29ce484222325, |h: u64, i| (h ^ (i as u64 & 255)).wrapping_mul(0x100000001b3))
}

fn primes(n: usize) -> usize {
    let mut sieve = vec![true; n + 1];
    let mut count = 0;
    for i in 2..=n {
        if sieve[i] {
            count += 1;
            (i * i..=n).step_by(i).for_each(|j| sieve[j] = false);
        }
    }
    count
}

fn serve(stream: TcpStream, count: &AtomicUsize, known: &RwLock<HashMap<usize, usize>>) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut request = String::new();
        if lines.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            lines.read_line(&mut header)?;
            let header = header.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(n) = header.strip_prefix("content-length:") {
                length = n.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body)?;
        let path = request.split(' ').nth(1).unwrap_or("/");
        let (name, n) = path[1..].split_once('/').unwrap_or((&path[1..], "0"));
        let n: usize = n.parse().unwrap_or(0);
        let (status, answer) = match name {
            "hash" => {
                count.fetch_add(1, Ordering::Relaxed);
                (200, format!("{:x}", hash(n)).into_bytes())
            }
            "echo" => (200, body),
            "primes" => {
                let old = known.read().unwrap().get(&n).copied();
                let p = old.unwrap_or_else(|| *known.write().unwrap().entry(n).or_insert_with(|| primes(n)));
                (200, p.to_string().into_bytes())
            }
            "count" => (200, count.load(Ordering::Relaxed).to_string().into_bytes()),
            _ => (404, std::panic::catch_unwind(|| if n == 0 { panic!("nothing") } else { vec![] }).unwrap_or(b"caught".to_vec())),
        };
        write!(out, "HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n", status, answer.len())?;
        out.write_all(&answer)?;
    }
}

fn main() {
    std::panic::set_hook(Box::new(|_| ()));
    let listener = TcpListener::bind(format!("127.0.0.1:{}", std::env::args().nth(1).unwrap())).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let known = Arc::new(RwLock::new(HashMap::new()));
    for stream in listener.incoming() {
        let (count, known) = (count.clone(), known.clone());
        std::thread::spawn(move || serve(stream.unwrap(), &count, &known));
    }
}
