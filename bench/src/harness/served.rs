//! The whole platform as a user runs it: the release binary with its own Postgres, asked over GraphQL.

use std::net::TcpListener;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{CpuMeter, Options, Server};

/// A running `sealrock serve` with its embedded Postgres, and its first administrator.
pub struct Served {
    server: Server,
    dir: Folder,
    client: reqwest::Client,
    token: String,
    /// `http://host:port`.
    pub http: String,
    /// Host and port of its broker.
    pub mqtt: String,
}

/// What a device signs in with.
#[derive(Debug, Clone)]
pub struct DeviceLogin {
    /// Its id: the user name.
    pub id: String,
    /// Its password.
    pub secret: String,
    /// Where it publishes.
    pub topic: String,
}

/// A folder that user `postgres` can pass, as a root's temporary directory cannot be.
enum Folder {
    Named(std::path::PathBuf),
    Temporary(tempfile::TempDir),
}

impl Served {
    /// Starts it on free ports, with these settings in its environment.
    pub async fn start(options: &Options, environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let dir = Folder::new(options)?;
        let (http, mqtt) = (free_address()?, free_address()?);
        let data = dir.path().join("data");
        let data = data.to_str().context("the folder's name is UTF-8")?;
        let arguments = ["serve", "--data", data, "--http", &http, "--mqtt", &mqtt];
        let mut settings = vec![("SEALROCK_LOG", "warn".to_owned())];
        settings.extend(
            environment
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let http = format!("http://{http}");
        let log = dir.path().join("server.log");
        let ready = format!("{http}/readyz");
        let server = Server::start(&arguments, &settings, &ready, &log).await?;
        let mut served = Self {
            server,
            dir,
            client: reqwest::Client::new(),
            token: String::new(),
            http,
            mqtt,
        };
        served.token = served.sign_in(&log).await?;
        Ok(served)
    }

    /// The process of the server.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The first administrator's access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// This process as `own`, the server, and its Postgres.
    pub fn cpu(&self, own: &'static str) -> anyhow::Result<CpuMeter> {
        let meter = CpuMeter::own(own).process("server", self.pid());
        Ok(meter.tree("postgres", postmaster(self.dir.path())?))
    }

    /// Answers `data` of an operation of the administrator's.
    pub async fn graphql(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let request = self.client.post(format!("{}/graphql", self.http));
        let request = match self.token.as_str() {
            "" => request,
            token => request.bearer_auth(token),
        };
        let body = json!({ "query": query, "variables": variables });
        let mut answer: Value = request.json(&body).send().await?.json().await?;
        anyhow::ensure!(answer["errors"].is_null(), "{query}: {}", answer["errors"]);
        Ok(answer["data"].take())
    }

    /// Registers an organisation with so many sites, `site-0` and on.
    pub async fn register(&self, organisation: &str, sites: usize) -> anyhow::Result<()> {
        let input = json!({ "slug": organisation, "displayName": organisation });
        let register = "mutation($input: RegisterOrganisationInput!) \
                        { registerOrganisation(input: $input) { id } }";
        self.graphql(register, json!({ "input": input })).await?;
        for site in 0..sites {
            let slug = format!("site-{site}");
            let input = json!({ "organisation": organisation, "slug": slug, "displayName": slug,
                "kind": "CAPTURE_PLANT" });
            let register =
                "mutation($input: RegisterSiteInput!) { registerSite(input: $input) { id } }";
            self.graphql(register, json!({ "input": input })).await?;
        }
        Ok(())
    }

    /// Registers a device; the read model `registry` knows it when this answers.
    pub async fn device(
        &self,
        organisation: &str,
        site: &str,
        name: &str,
    ) -> anyhow::Result<DeviceLogin> {
        let input = json!({ "organisation": organisation, "site": site, "name": name,
            "displayName": name });
        let register = "mutation($input: RegisterDeviceInput!) { registerDevice(input: $input, \
                        waitFor: [\"registry\", \"readings\"]) { deviceId secret topic } }";
        let mut answer = self.graphql(register, json!({ "input": input })).await?;
        let device = answer["registerDevice"].take();
        let text = |name: &str| Some(device[name].as_str()?.to_owned());
        Ok(DeviceLogin {
            id: text("deviceId").context("a device id")?,
            secret: text("secret").context("a new device's secret")?,
            topic: text("topic").context("a topic")?,
        })
    }

    async fn sign_in(&self, log: &Path) -> anyhow::Result<String> {
        let printed = std::fs::read_to_string(log)?;
        let password = printed
            .split_once("first administrator: user admin password ")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .context("a new data folder's server prints the first administrator's password")?;
        let input = json!({ "username": "admin", "password": password });
        let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
        let answer = self.graphql(sign_in, json!({ "input": input })).await?;
        let token = answer["signIn"]["accessToken"].as_str();
        self.choose_password(token.context("an access token")?, password)
            .await
    }

    /// The administrator's password was issued: nothing is answered before another one is chosen.
    async fn choose_password(&self, token: &str, issued: &str) -> anyhow::Result<String> {
        let chosen = format!("{issued} of my own");
        let input = json!({ "input": { "currentPassword": issued, "newPassword": chosen } });
        let change = "mutation($input: ChangePasswordInput!) \
                      { changePassword(input: $input) { accessToken } }";
        let body = json!({ "query": change, "variables": input });
        let request = self.client.post(format!("{}/graphql", self.http));
        let answer = request.bearer_auth(token).json(&body).send().await?;
        let answer: Value = answer.json().await?;
        let token = answer["data"]["changePassword"]["accessToken"].as_str();
        Ok(token.with_context(|| answer.to_string())?.to_owned())
    }
}

impl Folder {
    fn new(options: &Options) -> anyhow::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        if let Some(dir) = &options.dir {
            std::fs::create_dir_all(dir)?;
            return Ok(Self::Named(dir.clone()));
        }
        let dir = tempfile::tempdir()?;
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711))?;
        Ok(Self::Temporary(dir))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(dir) => dir.path(),
        }
    }
}

/// A port that was free a moment ago.
fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// The process of the Postgres whose folder is somewhere below.
fn postmaster(folder: &Path) -> anyhow::Result<u32> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(&folder)? {
            let path = item?.path();
            if path.ends_with("postmaster.pid") {
                let note = std::fs::read_to_string(path)?;
                let pid = note.lines().next().and_then(|line| line.parse().ok());
                return pid.context("postmaster.pid begins with a process id");
            }
            // Data directories are deep; the file is at the top of one.
            if path.is_dir() && !folder.join("PG_VERSION").exists() {
                folders.push(path);
            }
        }
    }
    anyhow::bail!("no Postgres runs in {}", folder.display())
}
