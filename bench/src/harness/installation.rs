//! The server as a user runs it, on a Postgres whose processor time can be told, with devices.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use sealrock_simulator::Credential;

use super::server::{Server, binary};
use super::{CpuMeter, PrivatePostgres};

/// A server with a site and devices.
pub struct Installation {
    server: Server,
    http: SocketAddr,
    environment: Vec<(&'static str, String)>,
    program: PathBuf,
    client: reqwest::Client,
}

impl Installation {
    /// Starts a server on a new database, and gives it the organisation `northsea` with the site
    /// `plant-1`. With `broker` it takes batches from that one, otherwise from its own.
    pub async fn start(
        postgres: &PrivatePostgres,
        name: &str,
        broker: Option<SocketAddr>,
    ) -> anyhow::Result<Self> {
        let [http, mqtt] = [free_port()?, free_port()?];
        let folder = postgres.dir().join(name);
        let mut environment = vec![
            ("DATABASE_URL", postgres.database(name).await?),
            ("SEALROCK_DATA", folder.display().to_string()),
            ("SEALROCK_HTTP", http.to_string()),
        ];
        environment.push(match broker {
            Some(broker) => ("SEALROCK_MQTT_URL", format!("mqtt://{broker}")),
            None => ("SEALROCK_MQTT", mqtt.to_string()),
        });
        let ready = format!("http://{http}/readyz");
        let log = postgres.dir().join(format!("{name}.log"));
        let server = Server::start(&["serve"], &environment, &ready, &log).await?;
        let client = reqwest::Client::new();
        let installation = Self {
            server,
            http,
            environment,
            program: binary()?,
            client,
        };
        installation.command(&["organisation", "add", "--name", "northsea"])?;
        let site = "site add --org northsea --name plant-1 --kind capture_plant";
        installation.command(&site.split(' ').collect::<Vec<_>>())?;
        Ok(installation)
    }

    /// Registers so many devices.
    pub fn devices(&self, count: usize) -> anyhow::Result<Vec<Credential>> {
        let add = "device add --org northsea --site plant-1 --name load --source simulator --json";
        let count = count.to_string();
        let mut arguments: Vec<&str> = add.split(' ').collect();
        arguments.extend(["--count", &count]);
        let printed = self.command(&arguments)?;
        printed
            .lines()
            .map(|line| Ok(Credential::from_json(line.as_bytes())?))
            .collect()
    }

    /// Runs `sealrock` beside the server; answers what it printed.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let environment = self.environment.iter();
        let output = Command::new(&self.program)
            .args(arguments)
            .envs(environment.map(|(name, value)| (*name, value)))
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{arguments:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// This process as `own`, the server, and Postgres.
    pub fn cpu(&self, own: &'static str, postgres: &PrivatePostgres) -> anyhow::Result<CpuMeter> {
        Ok(postgres.cpu(own)?.process("server", self.server.pid()))
    }

    /// What the server measures of itself.
    pub async fn metrics(&self) -> anyhow::Result<Metrics> {
        let url = format!("http://{}/metrics", self.http);
        let text = self.client.get(url).send().await?.text().await?;
        Ok(Metrics(text))
    }
}

/// `/metrics`, as it is at one moment.
pub struct Metrics(String);

impl Metrics {
    /// The sum of a metric over all its labels that hold these texts.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let lines = self.0.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        lines
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }
}

fn free_port() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("a free port")?;
    Ok(listener.local_addr()?)
}
