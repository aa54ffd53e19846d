//! Organisations, sites, assets and devices.

use clap::{Args, Subcommand};
use sealrock_domain::Slug;
use sealrock_domain::device::{Fingerprint, KeyId, PublicKey};

use super::Json;
use crate::device_certificate;
use crate::device_key;

#[derive(Debug, Subcommand)]
pub enum Organisation {
    /// Registers an organisation and begins its ledger
    Add {
        /// Its short name, for ever: part of topics and of its ledger's origin
        #[arg(long)]
        name: Slug,
        /// Its name for people [default: the short name]
        #[arg(long)]
        display_name: Option<String>,
        /// It is a registry: it issues credits, and has no sites of its own
        #[arg(long)]
        registry: bool,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub enum Site {
    /// Registers a site of an organisation
    Add {
        /// Its organisation
        #[arg(long)]
        org: Slug,
        /// Its short name, for ever: part of topics
        #[arg(long)]
        name: Slug,
        /// tea_factory, factory, capture_plant, pipeline, terminal, injection, monitoring, solar, other
        #[arg(long, default_value = "other")]
        kind: String,
        /// Its name for people [default: the short name]
        #[arg(long)]
        display_name: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub enum Asset {
    /// Registers an asset of a site
    Add {
        /// Its organisation
        #[arg(long)]
        org: Slug,
        /// Its site
        #[arg(long)]
        site: Slug,
        /// Its short name, for ever
        #[arg(long)]
        name: Slug,
        /// stack, capture_unit, pipeline, injection_well, monitoring_well, production_well, inverter, battery, meter,
        /// weather_station, machine, other
        #[arg(long, default_value = "other")]
        kind: String,
        /// Its name for people [default: the short name]
        #[arg(long)]
        display_name: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

/// Which device, and how to answer.
#[derive(Debug, Clone, Args)]
pub struct DeviceName {
    /// Its organisation
    #[arg(long)]
    pub org: Slug,
    /// Its site
    #[arg(long)]
    pub site: Slug,
    /// Its short name
    #[arg(long)]
    pub name: Slug,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Subcommand)]
pub enum Device {
    /// Registers a device, or many, and prints the credentials, this once
    #[command(
        after_help = "Example:\n  sealrock device add --org northsea --site plant-1 --name load \\\n      \
                      --count 400 --source simulator --json > devices.json"
    )]
    Add {
        #[command(flatten)]
        device: DeviceName,
        /// The asset that it measures
        #[arg(long)]
        asset: Option<Slug>,
        /// Registers so many: its name with -1, -2 and so on
        #[arg(long, conflicts_with = "key", value_parser = clap::value_parser!(u32).range(1..=100_000))]
        count: Option<u32>,
        /// With --count: the number to begin with, to go on where an earlier run ended
        #[arg(long, default_value_t = 1, requires = "count")]
        from: u32,
        /// real, simulator or migrated: only evidence of real devices can become credits
        #[arg(long, default_value = "real")]
        source: String,
        /// Its name for people [default: the short name]
        #[arg(long)]
        display_name: Option<String>,
        /// Its Ed25519 public key: hex, base64, or a PEM file. With one, its batches must be signed
        #[arg(long, value_name = "KEY|FILE", value_parser = device_key::read)]
        key: Option<PublicKey>,
    },
    /// Gives a device a new secret; the old one is invalid at once
    Rotate(DeviceName),
    /// Locks a device out until it is rotated
    Revoke(DeviceName),
    /// Lets a device sign with a further public key; the ones before stay valid until revoked
    #[command(
        after_help = "Example:\n  sealrock device rotate-key --org northsea --site plant-1 \
                      --name meter-7 --key meter-7.pub.pem"
    )]
    RotateKey {
        #[command(flatten)]
        device: DeviceName,
        /// The Ed25519 public key: hex, base64, or a PEM file
        #[arg(long, value_name = "KEY|FILE", value_parser = device_key::read)]
        key: PublicKey,
    },
    /// Takes a public key from a device for ever: what it signs is refused from now on
    #[command(
        after_help = "Example:\n  sealrock device revoke-key --org northsea --site plant-1 \
                      --name meter-7 --key 21fe31dfa154a261"
    )]
    RevokeKey {
        #[command(flatten)]
        device: DeviceName,
        /// The key's id, 16 hex digits: `device add` and `device rotate-key` print it
        #[arg(long, value_name = "KEY ID")]
        key: KeyId,
    },
    /// Lets a further TLS certificate sign a device in, of an authority that device_ca names
    #[command(
        after_help = "Example:\n  sealrock device add-certificate --org northsea --site plant-1 \
                      --name meter-7 --certificate meter-7.pem"
    )]
    AddCertificate {
        #[command(flatten)]
        device: DeviceName,
        /// Its SHA-256 fingerprint in hex, or a PEM file that begins with it
        #[arg(long, value_name = "SHA256|FILE", value_parser = device_certificate::read)]
        certificate: Fingerprint,
    },
    /// Takes a certificate from a device for ever; what it has open is closed
    #[command(
        after_help = "Example:\n  sealrock device revoke-certificate --org northsea --site plant-1 \
                      --name meter-7 --certificate meter-7.pem"
    )]
    RevokeCertificate {
        #[command(flatten)]
        device: DeviceName,
        /// Its SHA-256 fingerprint in hex, or a PEM file that begins with it
        #[arg(long, value_name = "SHA256|FILE", value_parser = device_certificate::read)]
        certificate: Fingerprint,
    },
    /// Takes a device out of use for good
    Decommission(DeviceName),
}
