//! A real `sealrock serve` for a test, and devices to talk to it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything that should happen may take on a busy machine.
pub const SOON: Duration = Duration::from_mins(1);

/// How long what was taken away may still hold: less than a second, on a machine with time for it.
pub const AT_ONCE: Duration = Duration::from_secs(5);

/// A data folder that user `postgres` can reach, as a root's `TempDir` cannot be.
pub fn data_folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    folder
}

/// The binary, without the settings of whoever runs the tests.
fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealrock"));
    let ours = |name: &str| name == "DATABASE_URL" || name.starts_with("SEALROCK_");
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command
}

/// A running server. Dropping it kills it at once.
pub struct Server {
    child: Child,
    data: PathBuf,
    environment: Vec<(String, String)>,
    pub http: String,
    /// Host and port of its broker; port 0 if it has none.
    pub mqtt: (String, u16),
    /// The first administrator's password, if this start made one.
    pub admin_password: Option<String>,
    /// Lines of its log, unless that goes into a file, and who reads them.
    log: Arc<Mutex<Vec<String>>>,
    reading: Option<JoinHandle<()>>,
}

impl Server {
    /// `sealrock serve` on free ports with the embedded Postgres.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// As [`Server::start`], with more in its environment.
    pub fn start_with(data: &Path, environment: &[(&str, &str)]) -> Self {
        Self::launch(data, &["serve"], environment, "ready", Stdio::piped())
    }

    /// As [`Server::start_with`]; its log goes into a file.
    pub fn start_logging(data: &Path, environment: &[(&str, &str)], log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        Self::launch(data, &["serve"], environment, "ready", log.into())
    }

    /// `sealrock demo` on free ports, with more arguments.
    pub fn demo(data: &Path, more: &[&str]) -> Self {
        let arguments = ["demo", "--mqtt-ws", "127.0.0.1:0", "--interval", "500ms"];
        let arguments = [&arguments[..], more].concat();
        let ready = "Ctrl-C stops; the data stay.";
        Self::launch(data, &arguments, &[], ready, Stdio::piped())
    }

    fn launch(
        data: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        ready: &str,
        log: Stdio,
    ) -> Self {
        let mut child = binary()
            .args(arguments)
            .args(["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("SEALROCK_LOG", "warn")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let (log, reading) = child.stderr.take().map(told).unzip();
        let lines = lines_until(&mut child, ready);
        let word_after = |start: &str| {
            let rest = lines.iter().find_map(|line| line.strip_prefix(start));
            rest.and_then(|rest| rest.split_whitespace().next())
                .map(str::to_owned)
        };
        let plain = word_after("MQTT     mqtt://");
        let mqtt = plain.or_else(|| word_after("MQTT     mqtts://"));
        let mqtt = mqtt.map(|mqtt| {
            let (host, port) = mqtt.rsplit_once(':').unwrap();
            (host.to_owned(), port.parse().unwrap())
        });
        Self {
            child,
            data: data.to_owned(),
            environment: environment
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            http: word_after("HTTP     ")
                .or_else(|| word_after("GraphQL  "))
                .unwrap()
                .trim_end_matches("/graphql")
                .trim_end_matches('/')
                .to_owned(),
            mqtt: mqtt.unwrap_or_default(),
            admin_password: word_after("first administrator: user admin password "),
            log: log.unwrap_or_default(),
            reading,
        }
    }

    /// `kill -9` after a while, whatever it does then. End with [`Server::kill`].
    pub fn kill_after(&self, wait: Duration) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        std::thread::spawn(move || {
            std::thread::sleep(wait);
            // It may have been reaped already, if the test has failed.
            let _ = kill(pid, Signal::SIGKILL);
        });
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and waits until it has, in order.
    pub fn stop(mut self) {
        kill(
            Pid::from_raw(self.child.id().cast_signed()),
            Signal::SIGTERM,
        )
        .unwrap();
        let begun = Instant::now();
        while begun.elapsed() < SOON {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server did not stop");
    }

    /// Registers organisation `northsea` with site `plant-1`.
    pub fn register_site(&self) {
        self.command(&["organisation", "add", "--name", "northsea"]);
        self.command(&["site", "add", "--org", "northsea", "--name", "plant-1"]);
    }

    /// Registers a device of `northsea/plant-1`.
    pub fn add_device(&self, name: &str) -> Device {
        let arguments = [
            "device", "add", "--org", "northsea", "--site", "plant-1", "--name", name, "--json",
        ];
        Device(serde_json::from_str(&self.command(&arguments)).unwrap())
    }

    /// Runs a command of the binary beside the server.
    pub fn run(&self, arguments: &[&str]) -> Output {
        binary()
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .env("SEALROCK_LOG", "warn")
            .envs(self.environment.iter().cloned())
            .output()
            .unwrap()
    }

    /// As [`Server::run`], for a command that must succeed; its standard output.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "sealrock {arguments:?}: {out}{err}"
        );
        out
    }

    /// `kill -9` of the embedded Postgres.
    pub fn kill_postgres(&self) {
        let note = std::fs::read_to_string(find(&self.data, "postmaster.pid").unwrap()).unwrap();
        let pid = note.lines().next().unwrap().parse().unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }

    /// `POST /ingest`.
    pub async fn ingest(&self, device: &Device, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let response = reqwest::Client::new()
            .post(format!("{}/ingest", self.http))
            .basic_auth(device.id(), Some(device.secret()))
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        (
            status,
            serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default(),
        )
    }

    /// A GraphQL operation with this access token.
    pub async fn graphql(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let client = reqwest::Client::new().post(format!("{}/graphql", self.http));
        let client = token
            .iter()
            .fold(client, reqwest::RequestBuilder::bearer_auth);
        let body = json!({ "query": query, "variables": variables });
        client
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Signs the first administrator in; the access token.
    pub async fn sign_in(&self) -> String {
        let issued = self.admin_password.as_deref().unwrap();
        self.sign_in_as("admin", issued).await
    }

    /// Signs somebody in who was issued this password, and chooses another one at the first time.
    pub async fn sign_in_as(&self, username: &str, issued: &str) -> String {
        let chosen = chosen_for(issued);
        if let Some(token) = self.token_of(username, &chosen).await {
            return token;
        }
        let token = self.token_of(username, issued).await.expect("signed in");
        let change = "mutation($input: ChangePasswordInput!) \
                      { changePassword(input: $input) { accessToken } }";
        let input = json!({ "currentPassword": issued, "newPassword": chosen });
        let answer = self
            .graphql(Some(&token), change, json!({ "input": input }))
            .await;
        let token = answer["data"]["changePassword"]["accessToken"].as_str();
        token.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn token_of(&self, username: &str, password: &str) -> Option<String> {
        let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
        let input = json!({ "username": username, "password": password });
        let answer = self.graphql(None, sign_in, json!({ "input": input })).await;
        let token = answer["data"]["signIn"]["accessToken"].as_str();
        token.map(str::to_owned)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reading) = self.reading.take() {
            let _ = reading.join();
        }
        if std::thread::panicking() {
            return;
        }
        let issued = self.admin_password.as_deref();
        for line in self.log.lock().unwrap().iter() {
            let known = issued.is_some_and(|issued| line.contains(issued));
            assert!(
                !known && !looks_secret(line),
                "a secret stands in the log: {line}"
            );
        }
    }
}

/// Whether somebody could prove something by what stands in a line: a token, a key, a cookie.
fn looks_secret(line: &str) -> bool {
    let part_of_one = |c: char| c.is_ascii_alphanumeric() || "._-=".contains(c);
    let word = |word: &str| {
        let token = word.starts_with("eyJ") && word.matches('.').count() == 2;
        let begins = ["srk_", "__Host-sealrock-refresh="];
        let long = begins
            .iter()
            .any(|begin| word.starts_with(begin) && word.len() > begin.len() + 20);
        token || long
    };
    let bearer = line.split("Bearer ").skip(1).any(|behind| {
        let shown = behind.find(|c| !part_of_one(c)).unwrap_or(behind.len());
        shown > 20
    });
    bearer || line.split(|c| !part_of_one(c)).any(word)
}

#[test]
fn what_is_a_secret_is_told_from_what_is_none() {
    let key = sealrock_access::ApiKeySecret::generate().reveal();
    for secret in [
        format!("key {} of somebody", &*key),
        format!("authorization=\"Bearer {}\"", "x".repeat(40)),
        format!("cookie: __Host-sealrock-refresh={}; a=b", "x".repeat(43)),
        "token eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl is bad".to_owned(),
    ] {
        assert!(looks_secret(&secret), "{secret}");
    }
    for none in [
        "Authorization must be \"Bearer <token>\"",
        "key srk_ab12 was revoked",
    ] {
        assert!(!looks_secret(none), "{none}");
    }
}

/// The lines of a log, as they come; they are shown too.
fn told(log: ChildStderr) -> (Arc<Mutex<Vec<String>>>, JoinHandle<()>) {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let told = Arc::clone(&lines);
    let reading = std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            eprintln!("{line}");
            told.lock().unwrap().push(line);
        }
    });
    (lines, reading)
}

/// The password that somebody chooses in place of the one that was issued.
pub fn chosen_for(issued: &str) -> String {
    format!("{issued} of my own")
}

/// What `sealrock device add --json` printed.
#[derive(Clone)]
pub struct Device(pub Value);

impl Device {
    pub fn id(&self) -> &str {
        self.0["id"].as_str().unwrap()
    }

    pub fn secret(&self) -> &str {
        self.0["secret"].as_str().unwrap()
    }

    pub fn topic(&self) -> &str {
        self.0["topic"].as_str().unwrap()
    }
}

/// The file of that name below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let here = files
        .into_iter()
        .find(|path| path.file_name().is_some_and(|found| found == name));
    here.or_else(|| folders.iter().find_map(|folder| find(folder, name)))
}

/// A batch of one reading, `seq` of boot `boot`.
pub fn batch(boot: &str, seq: u64, value: f64) -> String {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    json!({
        "boot": boot, "seq": seq, "device_time": now,
        "readings": [{ "metric": "co2_ppm", "at": now, "value": value, "unit": "ppm" }],
    })
    .to_string()
}

/// The lines up to the one that says it is ready; what comes after is read and dropped, so that the
/// server never waits for its reader.
fn lines_until(child: &mut Child, ready: &str) -> Vec<String> {
    let stdout = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let mut lines = Vec::new();
    loop {
        let line = receiver.recv_timeout(SOON);
        let line = line.unwrap_or_else(|e| panic!("{e}: not ready; it said {lines:?}"));
        if line == ready {
            return lines;
        }
        lines.push(line);
    }
}
