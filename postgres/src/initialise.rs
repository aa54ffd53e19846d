//! Making the database, and checking one that is there.

use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::folder::{Folder, write_private};
use crate::identity::Identity;
use crate::{Binaries, StartError};

/// The name of the superuser and of the database within.
pub(crate) const SUPERUSER: &str = "postgres";
pub(crate) const DATABASE: &str = "sealrock";

/// The programs, the user and the folder that a database is made with.
#[derive(Debug, Clone)]
pub(crate) struct Workshop {
    pub(crate) binaries: Binaries,
    pub(crate) identity: Identity,
    pub(crate) folder: Folder,
    /// A test's database: it need not survive a power cut.
    pub(crate) throw_away: bool,
}

/// The major version of the data, if there are data.
pub(crate) fn data_version(folder: &Folder) -> Option<String> {
    let text = fs::read_to_string(folder.database().join("PG_VERSION")).ok()?;
    Some(text.trim().to_owned())
}

impl Workshop {
    /// Leaves a database of our version, with a known password, owned by the right user; makes it
    /// if there is none. A crash on the way leaves either no database or a complete one.
    pub(crate) fn ready_database(&self) -> Result<String, StartError> {
        self.sweep()?;
        let Some(version) = data_version(&self.folder) else {
            let password = self.folder.password()?;
            self.make(&password)?;
            return Ok(password);
        };
        self.must_match(version)?;
        self.identity.take_over(&self.folder.database())?;
        self.known_password()
    }

    fn sweep(&self) -> Result<(), StartError> {
        for left in self.folder.all_unfinished() {
            fs::remove_dir_all(&left).map_err(StartError::io("remove the unfinished", &left))?;
        }
        Ok(())
    }

    fn must_match(&self, data: String) -> Result<(), StartError> {
        if data == self.binaries.major.to_string() {
            return Ok(());
        }
        Err(StartError::ForeignVersion {
            folder: self.folder.database(),
            data,
            program: self.binaries.major,
            binaries: self.binaries.folder.clone(),
        })
    }

    /// A lost password file is no reason to lose the database: a new password is set from inside.
    fn known_password(&self) -> Result<String, StartError> {
        let lost = !self.folder.password_file().exists();
        let password = self.folder.password()?;
        if lost {
            let set = format!("ALTER ROLE {SUPERUSER} PASSWORD '{password}'");
            self.in_single_user_mode(&self.folder.database(), &set)?;
        }
        Ok(password)
    }

    fn make(&self, password: &str) -> Result<(), StartError> {
        let unfinished = self.folder.unfinished();
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&unfinished)
            .map_err(StartError::io("create", &unfinished))?;
        self.identity.give(&unfinished)?;
        self.initdb(&unfinished, password)?;
        self.in_single_user_mode(&unfinished, &format!("CREATE DATABASE {DATABASE}"))?;
        let database = self.folder.database();
        fs::rename(&unfinished, &database).map_err(StartError::io("put in place", &database))
    }

    fn initdb(&self, unfinished: &Path, password: &str) -> Result<(), StartError> {
        let secret = unfinished.with_extension("password");
        write_private(&secret, password)?;
        self.identity.give(&secret)?;
        let mut command = self.identity.command(self.binaries.program("initdb"));
        command
            .arg("-D")
            .arg(unfinished)
            .arg("--pwfile")
            .arg(&secret);
        command.args([
            "-U",
            SUPERUSER,
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        ]);
        command.args(["--data-checksums", "--no-instructions"]);
        if self.throw_away {
            command.arg("--no-sync");
        }
        let result = run("initdb", &mut command, "");
        fs::remove_file(&secret).map_err(StartError::io("remove", &secret))?;
        result
    }

    /// Runs a statement by a Postgres without socket or password; nothing else may run on the database.
    fn in_single_user_mode(&self, database: &Path, statement: &str) -> Result<(), StartError> {
        let mut command = self.identity.command(self.binaries.program("postgres"));
        command
            .arg("--single")
            .arg("-D")
            .arg(database)
            .args(["-c", "exit_on_error=on"]);
        if self.throw_away {
            command.args(["-c", "fsync=off"]);
        }
        command.arg("postgres");
        run("postgres --single", &mut command, statement)
    }
}

fn run(program: &'static str, command: &mut Command, input: &str) -> Result<(), StartError> {
    let path = Path::new(command.get_program()).to_owned();
    let output = feed(command, input).map_err(StartError::io("run", &path))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let output_text = last_lines(&String::from_utf8_lossy(&said));
    Err(StartError::Program {
        program,
        status: output.status,
        output: output_text,
    })
}

fn feed(command: &mut Command, input: &str) -> std::io::Result<Output> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ended early is told by its status and its output.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}

/// The last lines of what a program said, for an error message.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(6)..].join("\n")
}
