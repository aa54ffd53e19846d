//! Credits for what was injected on a day: requested by one organisation, issued by another.

use chrono::{Datelike, NaiveDate};
use sealrock_commands::{CommandError, Commands, IssuanceName, IssuanceRequest};
use sealrock_domain::{Mass, Slug};

use super::people::People;
use super::sending::{Became, context};
use super::{ORGANISATION, REGISTRY};

/// Credits are requested in tens; what is over stays free, for who looks at it.
const LOT: u64 = 10;

/// Credits that were requested, and wait for the registry.
#[derive(Clone, Debug)]
pub struct Requested {
    name: IssuanceName,
    /// The day that they are for.
    pub day: NaiveDate,
    /// How many, one a tonne.
    pub tonnes: u64,
}

/// Requests credits for what was injected on the day at the site.
///
/// # Errors
/// What may go well when it is sent again.
pub async fn request(
    commands: &Commands,
    people: &People,
    (site, day): (&Slug, NaiveDate),
    injected: Mass,
) -> anyhow::Result<Option<Became<Requested>>> {
    let tonnes = injected.whole_kilograms() / 1_000 / LOT * LOT;
    if tonnes == 0 {
        return Ok(None);
    }
    let request = IssuanceRequest {
        organisation: ORGANISATION.parse()?,
        site: site.clone(),
        year: day.year(),
        registry: REGISTRY.parse()?,
        tonnes,
    };
    let context = context(&people.mrv, &format!("credits/{site}/{day}"));
    let answer = commands.request_issuance(&context, &request).await;
    let answer = answer.map(|requested| {
        let IssuanceRequest {
            organisation,
            site,
            year,
            registry,
            ..
        } = request;
        let name = IssuanceName {
            registry,
            organisation,
            site,
            year,
            issuance: requested.issuance,
        };
        let duplicate = requested.done.duplicate;
        (Requested { name, day, tonnes }, duplicate)
    });
    Ok(Some(Became::of(answer)?))
}

/// Approves them for the registry and answers their serials; `None` while the request is on its way.
///
/// # Errors
/// What may go well when it is sent again.
pub async fn approve(
    commands: &Commands,
    people: &People,
    requested: &Requested,
) -> anyhow::Result<Option<Became<String>>> {
    let about = format!("issuance/{}", requested.name.issuance);
    let context = context(&people.registrar, &about);
    let answer = commands.approve_issuance(&context, &requested.name).await;
    if let Err(CommandError::NotFound(_)) = answer {
        return Ok(None);
    }
    let answer = answer.map(|issued| (issued.serials.to_string(), issued.done.duplicate));
    Ok(Some(Became::of(answer)?))
}
