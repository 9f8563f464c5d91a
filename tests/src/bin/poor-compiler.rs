//! A misbehaving program that is started in place of the compiler child, or tries what the child must not do.
//!
//! The first argument selects its behaviour; the parent's own arguments come last. See `tests/tests/compile_child.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's program"
)]
#![allow(clippy::print_stdout, reason = "what it says is what the test is about")]

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, getpid, getppid, kill_process, test_kill_process};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let text = |at: usize| arguments[at].to_str().unwrap();
    match text(0) {
        // An honest compiler that records each start.
        "honest" => {
            note(text(1));
            return sendbox_sandbox::compile_child(arguments[2..].iter().cloned());
        }
        "killed" => {
            note(text(1));
            kill_process(getpid(), if text(2) == "TERM" { Signal::TERM } else { Signal::KILL }).unwrap();
            hang();
        }
        // Is killed as often as the file has room for, then works.
        "killed-at-first" => {
            note(text(1));
            if fs::metadata(text(1)).unwrap().len() < 3 {
                kill_process(getpid(), Signal::KILL).unwrap();
            }
            return sendbox_sandbox::compile_child(arguments[2..].iter().cloned());
        }
        "garbage" => {
            io::stdin().read_to_end(&mut Vec::new()).unwrap();
            println!("HTTP/1.1 200 OK\r\n\r\n");
        }
        "endless" => while io::stdout().write_all(&[b's'; 4096]).is_ok() {},
        // Claims the largest code size that fits into eight bytes.
        "too-much" => {
            io::stdout().write_all(&[&b"c"[..], &u64::MAX.to_le_bytes()].concat()).unwrap();
            io::stdout().flush().unwrap();
            hang();
        }
        "truncated" => io::stdout().write_all(&[&b"s"[..], &100_u64.to_le_bytes(), b"{"].concat()).unwrap(),
        "silent" => {}
        "angry" => {
            io::stderr().write_all(&[b'!'; 1 << 20]).unwrap();
            return ExitCode::from(9);
        }
        "hang" => hang(),
        "hang-and-tell" => {
            fs::write(text(1), format!("{}\n", std::process::id())).unwrap();
            hang();
        }
        // Holds a lock until it exits.
        "exclusive" => {
            let lock = File::create(text(1)).unwrap();
            lock.try_lock().unwrap();
            let end = sendbox_sandbox::compile_child(arguments[2..].iter().cloned());
            drop(lock);
            return end;
        }
        "spin" => {
            sendbox_sandbox::confine(text(1).parse().unwrap(), text(2).parse().unwrap()).unwrap();
            loop {
                std::hint::spin_loop();
            }
        }
        "environment" => fs::write(text(1), format!("{:?}", std::env::vars_os().collect::<Vec<_>>())).unwrap(),
        "confined" => confined(),
        other => panic!("no such behaviour: {other}"),
    }
    ExitCode::SUCCESS
}

/// Appends a byte for each start.
fn note(path: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(b".").unwrap();
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

/// The memory limit of the confined process, in bytes.
const MEMORY: u64 = 512 << 20;

type Attempt = (&'static str, fn() -> io::Result<()>);

/// Operations that a compiler must not perform. All of them work before the process is confined.
const ATTEMPTS: [Attempt; 10] = [
    ("listen", || TcpListener::bind("127.0.0.1:0").map(drop)),
    ("send a datagram", || UdpSocket::bind("127.0.0.1:0").map(drop)),
    ("make a local socket", || UnixStream::pair().map(drop)),
    ("connect", connect),
    ("read a file", || File::open("/proc/self/status").map(drop)),
    ("make a file", || tempfile::tempfile().map(drop)),
    ("look into a folder", || fs::read_dir("/").map(drop)),
    ("start a program", || Command::new("/bin/true").spawn()?.wait().map(drop)),
    ("start a thread", || std::thread::Builder::new().spawn(|| {}).map(drop)),
    ("reach another process", || Ok(test_kill_process(*PARENT.get().unwrap())?)),
];

static PARENT: OnceLock<Pid> = OnceLock::new();

/// Nothing listens on that port; a refused connection shows that connecting is possible.
fn connect() -> io::Result<()> {
    match TcpStream::connect("127.0.0.1:1") {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        other => other.map(drop),
    }
}

fn confined() {
    PARENT.set(getppid().unwrap()).unwrap();
    let memory = || Vec::<u8>::new().try_reserve(MEMORY as usize).is_ok();
    let tell = |when: &str| {
        for (what, attempt) in ATTEMPTS {
            println!("{when}: {what}: {}", attempt().map_or_else(|error| error.kind().to_string(), |()| "done".into()));
        }
        println!("{when}: take too much memory: {}", if memory() { "done" } else { "out of memory" });
    };
    tell("before");
    sendbox_sandbox::confine(MEMORY, 10).unwrap();
    tell("after");
    // If this worked, the last line would be missing from the output.
    let error = Command::new("/bin/true").exec();
    println!("after: become another program: {}", error.kind());
}
