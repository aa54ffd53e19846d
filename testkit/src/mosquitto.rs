//! A Mosquitto for one test, which may stop, kill and start it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use tempfile::TempDir;

/// Runs the broker and says which process it is; ends it when its input ends, which comes when the
/// value that holds the other end is dropped or its process ends in any way.
const KEEPER: &str = r#"
"$1" -c "$2" </dev/null >>"$3" 2>&1 &
echo $!
read -r _
kill -9 $! 2>/dev/null
"#;

/// Where Debian has it; elsewhere it is looked for in the `PATH`.
const DEBIAN: &str = "/usr/sbin/mosquitto";

/// How long it may take to start or to end.
const SOON: Duration = Duration::from_secs(20);

/// A private Mosquitto on a free port of this machine. It ends with this value or its process.
#[derive(Debug)]
pub struct Mosquitto {
    folder: TempDir,
    port: u16,
    keeper: Option<Child>,
    process: Pid,
}

impl Mosquitto {
    /// Starts it with these lines of configuration, besides its listener and its folder:
    /// `allow_anonymous true` unless they say who is let in.
    ///
    /// # Panics
    /// If Mosquitto is not installed (`apt-get install mosquitto`) or does not start.
    #[must_use]
    pub fn start(lines: &[&str]) -> Self {
        Self::start_with(|_| lines.join("\n"))
    }

    /// As [`Mosquitto::start`], with lines that may name files in its folder.
    ///
    /// # Panics
    /// As [`Mosquitto::start`].
    #[must_use]
    pub fn start_with(lines: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sealrock-mosquitto-")
            .tempdir_in("/tmp");
        let folder = folder.expect("a folder can be made in /tmp");
        let port = free_port();
        let mut configuration = lines(folder.path());
        if !configuration.contains("allow_anonymous") {
            configuration.push_str("\nallow_anonymous true");
        }
        if geteuid().is_root() {
            // Otherwise it becomes another user, who cannot write our folder.
            configuration.push_str("\nuser root");
        }
        // Options of a listener come behind it.
        let (listener, general): (Vec<&str>, Vec<&str>) = configuration
            .lines()
            .partition(|line| OF_LISTENERS.iter().any(|option| line.starts_with(option)));
        let text = format!(
            "{}\npersistence_location {}/\nlistener {port} 127.0.0.1\n{}\n",
            general.join("\n"),
            folder.path().display(),
            listener.join("\n")
        );
        fs::write(folder.path().join("mosquitto.conf"), text).expect("its folder can be written");
        let mut broker = Self {
            folder,
            port,
            keeper: None,
            process: Pid::from_raw(0),
        };
        broker.start_again();
        broker
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has logged, for a test that fails.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("mosquitto.log")).unwrap_or_default()
    }

    /// Stops it in order: with `persistence true` it writes what it holds.
    ///
    /// # Panics
    /// If it does not end.
    pub fn stop(&mut self) {
        self.end(Signal::SIGTERM);
    }

    /// Ends it as a crash would: what it has not written is lost.
    ///
    /// # Panics
    /// If it does not end.
    pub fn kill(&mut self) {
        self.end(Signal::SIGKILL);
    }

    /// Forgets what it has written, as a broker does that keeps its sessions in memory.
    ///
    /// # Panics
    /// If its file cannot be removed.
    pub fn forget(&mut self) {
        let file = self.folder.path().join("mosquitto.db");
        if file.exists() {
            fs::remove_file(file).expect("its file can be removed");
        }
    }

    /// Starts it again on the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self) {
        let folder = self.folder.path();
        let debian = PathBuf::from(DEBIAN);
        let program = if debian.exists() {
            debian
        } else {
            "mosquitto".into()
        };
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(program)
            .args([folder.join("mosquitto.conf"), folder.join("mosquitto.log")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell can be started");
        let mut line = String::new();
        let output = keeper.stdout.take().expect("it was piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the shell says which process it is");
        self.process = Pid::from_raw(line.trim().parse().expect("a process id"));
        self.keeper = Some(keeper);
        let started = Instant::now();
        while TcpStream::connect(self.address()).is_err() {
            assert!(
                started.elapsed() < SOON,
                "Mosquitto does not start (is package mosquitto installed?): {}",
                self.log()
            );
            sleep(Duration::from_millis(20));
        }
    }

    fn end(&mut self, signal: Signal) {
        // It may have ended by itself.
        let _ = kill(self.process, signal);
        let started = Instant::now();
        while runs(self.process) {
            assert!(
                started.elapsed() < SOON,
                "Mosquitto does not end: {}",
                self.log()
            );
            sleep(Duration::from_millis(20));
        }
        self.drop_keeper();
    }

    fn drop_keeper(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// Options that belong to the listener.
const OF_LISTENERS: [&str; 5] = [
    "cafile",
    "certfile",
    "keyfile",
    "require_certificate",
    "use_identity_as_username",
];

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.drop_keeper();
    }
}

/// Whether it runs: an ended process whose parent has not looked yet is still there.
fn runs(process: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat"));
    // The state comes behind the name, which stands in brackets.
    status.is_ok_and(|text| !text.contains(") Z "))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    address.port()
}
