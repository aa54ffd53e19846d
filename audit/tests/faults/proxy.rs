//! Between a client and Postgres: breaks one statement of a transaction, in a way of our choice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UnixStream, tcp};

/// What happens to the execution of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Postgres answers with an error and has done nothing.
    Failed,
    /// The line is cut before Postgres hears of it.
    CutBefore,
    /// The line is cut as soon as Postgres has it; whether it is done is anybody's guess.
    CutAfter,
    /// Postgres has done it; the answer is lost with the line.
    AnswerLost,
    /// The client's process is killed before Postgres hears of it.
    KilledBefore,
    /// The client's process is killed when Postgres has done it.
    KilledAfter,
}

/// A port that leads to a Postgres.
pub struct Proxy {
    port: u16,
    options: PgConnectOptions,
    plan: Arc<Mutex<Plan>>,
}

/// In the statement that is a whole commit.
const ALONE: &str = "INTO events";

/// Which statement breaks: counted within transactions and commits, from 1, since the proxy was armed.
#[derive(Default)]
struct Plan {
    armed: Option<(usize, Fault)>,
    passed: usize,
    hit: Option<String>,
    victim: Option<u32>,
}

impl Proxy {
    /// Before the Postgres of `url`, which listens on a Unix socket.
    pub async fn before(url: &str) -> Self {
        let options: PgConnectOptions = url.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            options,
            plan: Arc::default(),
        };
        let folder = proxy.options.get_socket().expect("a Unix socket").clone();
        let socket = folder.join(format!(".s.PGSQL.{}", proxy.options.get_port()));
        let plan = Arc::clone(&proxy.plan);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = UnixStream::connect(&socket).await {
                    tokio::spawn(Line::run(client, server, Arc::clone(&plan)));
                }
            }
        });
        proxy
    }

    /// The same database by way of the proxy.
    pub fn url(&self, direct: &str) -> String {
        let (head, tail) = direct.split_once('@').expect("user and password");
        let database = tail.split(['/', '?']).nth(1).expect("a database");
        let port = self.port;
        format!("{head}@127.0.0.1:{port}/{database}?sslmode=disable")
    }

    /// Breaks the execution of statement number `at` of all transactions from now on.
    pub fn arm(&self, at: usize, fault: Fault) {
        let mut plan = self.plan.lock().unwrap();
        *plan = Plan {
            armed: Some((at, fault)),
            victim: plan.victim,
            ..Plan::default()
        };
    }

    /// Whom the killing faults kill.
    pub fn aim(&self, process: u32) {
        self.plan.lock().unwrap().victim = Some(process);
    }

    /// The statement that was broken; `None` if there were not so many.
    pub fn hit(&self) -> Option<String> {
        self.plan.lock().unwrap().hit.clone()
    }
}

/// One connection.
struct Line {
    client: tcp::OwnedReadHalf,
    server: OwnedWriteHalf,
    answers: Answers,
    plan: Arc<Mutex<Plan>>,
    in_transaction: bool,
    /// SQL of the prepared statements, by name.
    prepared: HashMap<String, String>,
}

/// What a client sends before it waits: a simple query, or an extended one up to its Sync.
#[derive(Default)]
struct Request {
    bytes: Vec<u8>,
    /// What is executed; `None` where a statement is prepared only.
    executes: Option<String>,
}

/// The way back.
struct Answers {
    server: OwnedReadHalf,
    client: tcp::OwnedWriteHalf,
}

impl Line {
    async fn run(client: TcpStream, server: UnixStream, plan: Arc<Mutex<Plan>>) {
        // Small messages back and forth: with Nagle's algorithm each would wait for 40 ms.
        client.set_nodelay(true).unwrap();
        let (client_reads, client_writes) = client.into_split();
        let (server_reads, server_writes) = server.into_split();
        let mut line = Self {
            client: client_reads,
            server: server_writes,
            answers: Answers {
                server: server_reads,
                client: client_writes,
            },
            plan,
            in_transaction: false,
            prepared: HashMap::new(),
        };
        // An end of either side ends the line.
        let _ = line.sign_in().await;
        while let Ok(true) = line.round_trip().await {}
    }

    /// The start-up message has no type; then Postgres asks and the client answers until it is in.
    async fn sign_in(&mut self) -> std::io::Result<()> {
        let length = self.client.read_u32().await?;
        let mut rest = vec![0; length as usize - 4];
        self.client.read_exact(&mut rest).await?;
        self.server.write_all(&length.to_be_bytes()).await?;
        self.server.write_all(&rest).await?;
        loop {
            let (kind, message) = read_message(&mut self.answers.server).await?;
            self.answers.client.write_all(&message).await?;
            match kind {
                b'Z' => return Ok(()),
                b'R' if message[5..9] != [0, 0, 0, 0] && message[5..9] != [0, 0, 0, 12] => {
                    let (_, password) = read_message(&mut self.client).await?;
                    self.server.write_all(&password).await?;
                }
                _ => {}
            }
        }
    }

    /// Reads what the client sends up to where it waits; `None` where it says goodbye.
    async fn request(&mut self) -> std::io::Result<Option<Request>> {
        let mut request = Request::default();
        loop {
            let (kind, message) = read_message(&mut self.client).await?;
            request.bytes.extend_from_slice(&message);
            let mut texts = message[5..].split(|byte| *byte == 0);
            let mut text =
                || String::from_utf8_lossy(texts.next().unwrap_or_default()).into_owned();
            match kind {
                b'Q' => request.executes = Some(text()),
                b'P' => {
                    let (name, sql) = (text(), text());
                    self.prepared.insert(name, sql);
                }
                b'B' => {
                    let (_portal, name) = (text(), text());
                    request.executes = self.prepared.get(&name).cloned();
                }
                b'X' => return Ok(None),
                _ => {}
            }
            if matches!(kind, b'Q' | b'S') {
                return Ok(Some(request));
            }
        }
    }

    /// Passes one request and its answer on, or breaks it; answers whether the line still stands.
    async fn round_trip(&mut self) -> std::io::Result<bool> {
        let Some(Request { bytes, executes }) = self.request().await? else {
            return Ok(false);
        };
        let says = |word| {
            executes
                .as_deref()
                .is_some_and(|sql: &str| sql.starts_with(word))
        };
        let (begins, ends) = (says("BEGIN"), says("COMMIT") || says("ROLLBACK"));
        self.in_transaction |= begins;
        // A commit that is not the first is one statement, a transaction of its own.
        let alone = !self.in_transaction;
        let fault = executes
            .filter(|sql| !alone || sql.contains(ALONE))
            .and_then(|sql| self.fault_now(&if alone { format!("alone: {sql}") } else { sql }));
        self.in_transaction &= !ends;
        match fault {
            None => {
                self.server.write_all(&bytes).await?;
                self.answers.pass_on().await
            }
            Some(Fault::Failed) => {
                self.server.write_all(&query("ROLLBACK")).await?;
                self.answers.swallow().await?;
                let state = if begins || ends || alone { b'I' } else { b'E' };
                self.answers.client.write_all(&refusal(state)).await?;
                Ok(true)
            }
            Some(Fault::CutBefore) => Ok(false),
            Some(Fault::CutAfter) => {
                self.server.write_all(&bytes).await?;
                Ok(false)
            }
            Some(Fault::AnswerLost) => {
                self.server.write_all(&bytes).await?;
                self.answers.swallow().await?;
                Ok(false)
            }
            Some(Fault::KilledBefore) => {
                self.kill();
                Ok(false)
            }
            Some(Fault::KilledAfter) => {
                self.server.write_all(&bytes).await?;
                self.answers.swallow().await?;
                self.kill();
                Ok(false)
            }
        }
    }

    fn fault_now(&self, statement: &str) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        plan.passed += 1;
        let (at, fault) = plan.armed?;
        if plan.passed != at {
            return None;
        }
        plan.hit = Some(statement.to_owned());
        Some(fault)
    }

    fn kill(&self) {
        let victim = self.plan.lock().unwrap().victim.expect("a victim");
        let victim = i32::try_from(victim).unwrap();
        let victim = nix::unistd::Pid::from_raw(victim);
        nix::sys::signal::kill(victim, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}

impl Answers {
    /// Passes an answer on, up to `ReadyForQuery`.
    async fn pass_on(&mut self) -> std::io::Result<bool> {
        loop {
            let (kind, message) = read_message(&mut self.server).await?;
            self.client.write_all(&message).await?;
            if kind == b'Z' {
                return Ok(true);
            }
        }
    }

    async fn swallow(&mut self) -> std::io::Result<()> {
        while read_message(&mut self.server).await?.0 != b'Z' {}
        Ok(())
    }
}

/// A typed message, with its head.
async fn read_message(from: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<(u8, Vec<u8>)> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await?;
    let mut message = vec![kind];
    message.extend_from_slice(&length.to_be_bytes());
    message.resize(length as usize + 1, 0);
    from.read_exact(&mut message[5..]).await?;
    Ok((kind, message))
}

fn query(sql: &str) -> Vec<u8> {
    message(b'Q', format!("{sql}\0").as_bytes())
}

/// "Disk full", and the state of the transaction after it.
fn refusal(state: u8) -> Vec<u8> {
    let fields = b"SERROR\0VERROR\0C53100\0Mdisk full, says the test\0\0";
    [message(b'E', fields), message(b'Z', &[state])].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind], &length.to_be_bytes()[..], body].concat()
}
