"""What the tests of the gdb stub share: programs, Dragoman started with --gdb, gdb itself, and a client of the protocol."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import guests
from cases import Failed, Skip

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, 'programs')
PATIENCE = float(os.environ.get('TEST_PATIENCE', 1))  # a slow build has more


def line_of(program, mark):
    """The number of the line of a program that has the comment `line: MARK`."""
    with open(os.path.join(PROGRAMS, program + '.c'), encoding='utf-8') as f:
        for number, text in enumerate(f, 1):
            if f'/* line: {mark} */' in text:
                return number
    raise Failed(f'{program}.c has no line: {mark}')


class Guest:
    """A program under `dragoman run --gdb`, waiting for gdb."""

    def __init__(self, test, program, args=(), kind='static', options=(), stdin=subprocess.DEVNULL, root=None):
        self.program = program
        self.binary = test.build(program, kind)
        command = [test.dragoman, 'run', '--gdb', '0', *test.options, *options]
        where = self.binary
        if root:
            command += ['--root', root]
            where = '/' + os.path.relpath(self.binary, root) if self.binary.startswith(root) else '/' + os.path.basename(self.binary)
        elif kind == 'dynamic':
            command += ['-L', test.guest.libraries]
        self.out = tempfile.TemporaryFile()
        self.err = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command + [where, *args], stdin=stdin, stdout=self.out, stderr=self.err)
        test.guests.append(self)
        self.port = self.wait_for_port()

    def wait_for_port(self):
        deadline = time.monotonic() + 20 * PATIENCE
        while time.monotonic() < deadline:
            m = re.search(r'waiting for gdb on 127\.0\.0\.1:(\d+)\n', self.stderr())
            if m:
                return int(m.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise Failed(f'Dragoman does not wait for gdb: {self.stderr()}')

    def stderr(self):
        return os.pread(self.err.fileno(), 1 << 20, 0).decode('utf-8', 'replace')

    def stdout(self):
        return os.pread(self.out.fileno(), 1 << 20, 0).decode('utf-8', 'replace')

    def end(self, status, timeout=20):
        """Waits for the end and checks how it ended: an exit code, or minus a signal."""
        try:
            got = self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f'the guest does not end; its output: {self.stdout()}{self.stderr()}') from None
        if got != status:
            raise Failed(f'exit status {got}, expected {status}; output: {self.stdout()}{self.stderr()}')

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Gdb:
    """gdb in batch mode with a script; what it prints is checked against patterns, in order. `try COMMAND` goes on
    after an error; with `interrupt`, gdb gets a SIGINT a moment after the script's MARK."""

    def __init__(self, test, guest, script, timeout=60, interrupt=False, file=True, setup=''):
        gdb = shutil.which(test.gdb_name)
        if not gdb:
            raise Skip(f'no {test.gdb_name}')
        text = f'''set pagination off
set confirm off
set width 0
set debuginfod enabled off
set breakpoint pending on
set auto-load off
{setup}
target remote 127.0.0.1:{guest.port}
python
class Try(gdb.Command):
    def __init__(self):
        super().__init__("try", gdb.COMMAND_USER)
    def invoke(self, text, from_tty):
        try:
            gdb.execute(text)
        except gdb.error as e:
            print(e)
Try()
end
'''
        text += re.sub(r'LINE\((\S+?)\)', lambda m: f'{guest.program}.c:{line_of(guest.program, m.group(1))}', script)
        mark = os.path.join(test.tmp, f'mark{time.monotonic_ns()}')
        text = re.sub('^MARK$', f'shell touch {mark}', text, flags=re.M)
        self.path = os.path.join(test.tmp, f'script{len(test.guests)}-{time.monotonic_ns()}.gdb')
        with open(self.path, 'w', encoding='utf-8') as f:
            f.write(text)
        command = [gdb, '-nx', '-q', '-batch', '-x', self.path]
        if file:
            command.append(guest.binary)
        env = dict(os.environ, LC_ALL='C', HOME=test.tmp)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, errors='replace', env=env)
        if interrupt:
            while not os.path.exists(mark) and self.process.poll() is None:
                time.sleep(0.02)
            time.sleep(1.5)
            self.process.send_signal(signal.SIGINT)
        try:
            self.text = self.process.communicate(timeout=timeout * PATIENCE)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f'gdb does not end; it has printed:\n{self.process.communicate()[0]}') from None

    def expect(self, *patterns):
        at = 0
        for p in patterns:
            m = re.compile(p, re.M).search(self.text, at)
            if not m:
                raise Failed(f'gdb did not print {p!r} after:\n{self.text[:at]}\n-- rest:\n{self.text[at:]}')
            at = m.end()
        return self

    def never(self, *patterns):
        for p in patterns:
            if re.search(p, self.text, re.M):
                raise Failed(f'gdb printed {p!r}:\n{self.text}')
        return self


class Remote:
    """A client of the remote serial protocol, for what gdb does not do on demand."""

    def __init__(self, guest):
        self.sock = socket.create_connection(('127.0.0.1', guest.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(20 * PATIENCE)
        self.data = b''

    def byte(self):
        if not self.data:
            self.data = self.sock.recv(4096)
            if not self.data:
                raise EOFError
        c, self.data = self.data[:1], self.data[1:]
        return c

    def send(self, text):
        body = text.encode('latin-1')
        self.sock.sendall(b'$' + body + b'#' + f'{sum(body) & 255:02x}'.encode())

    def receive(self):
        while True:
            c = self.byte()
            if c == b'$':
                break
            if c not in (b'+', b'-'):
                raise Failed(f'{c} instead of a packet')
        body = b''
        while (c := self.byte()) != b'#':
            body += c
        check = self.byte() + self.byte()
        if int(check, 16) != sum(body) & 255:
            raise Failed(f'checksum of {body}')
        self.sock.sendall(b'+')
        return re.sub(rb'}(.)', lambda m: bytes([m.group(1)[0] ^ 0x20]), body, flags=re.S).decode('latin-1')

    def ask(self, text):
        self.send(text)
        return self.receive()

    def want(self, text, pattern):
        got = self.ask(text)
        if not re.fullmatch(pattern, got):
            raise Failed(f'{text}: {got!r} instead of {pattern!r}')
        return got

    def interrupt(self):
        self.sock.sendall(b'\3')

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask(f'p{number:x}')), 'little')

    def close(self):
        self.sock.close()


class Test:
    def __init__(self, dragoman, options, guest, gdb_name, tmp):
        self.dragoman, self.options, self.guest, self.gdb_name, self.tmp = dragoman, options, guest, gdb_name, tmp
        self.guests = []

    def build(self, program, kind='static'):
        out = os.path.join(self.tmp, kind, program)
        if os.path.exists(out):
            return out
        missing = self.guest.missing()
        if missing:
            raise Skip(missing)
        if kind == 'dynamic' and not os.path.exists(f'{self.guest.libraries}/lib/{self.guest.loader}'):
            raise Skip(f'no libraries below {self.guest.libraries}')
        os.makedirs(os.path.dirname(out), exist_ok=True)
        extra = {'static': ['-static'], 'dynamic': ['-fPIE', '-pie']}[kind]
        source = os.path.join(PROGRAMS, program + '.c')
        try:
            guests.build(self.guest.cc, ['-g', '-O0', '-w', '-pthread', *extra], source, out)
        except subprocess.CalledProcessError as e:
            raise Failed(f'{program}.c: {e.stderr.decode(errors="replace")}')
        return out

    def symbol(self, program, name, kind='static'):
        """The address of a symbol of a static program."""
        nm = self.guest.tool('nm')
        text = subprocess.run([nm, self.build(program, kind)], capture_output=True, text=True, check=True).stdout
        for line in text.splitlines():
            parts = line.split()
            if parts[-1] == name and len(parts) == 3:
                return int(parts[0], 16)
        raise Failed(f'{program}: no symbol {name}')

    def close(self):
        for g in self.guests:
            g.kill()


if __name__ == '__main__':
    sys.exit('this is a part of run.py')
