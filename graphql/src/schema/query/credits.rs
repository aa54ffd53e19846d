//! Mass accounts, issuances and credits.

use async_graphql::{Context, ID, Object};
use sealrock_access::Permission::{ReadAccounting, ReadCredits};
use sealrock_domain::mass_account::MassAccountId;
use sealrock_domain::{SiteId, Slug};
use sealrock_ledger::Index;
use sealrock_projections::credits::{BlockFilter, Issuance as Stored, IssuanceFilter, NAME};
use sealrock_projections::{LedgerInfo, LedgerKind, ReadModels};
use uuid::Uuid;

use crate::code::Code;
use crate::schema::as_of::AsOf;
use crate::schema::guard::{may, permit, sees};
use crate::schema::input::{read, read_option};
use crate::schema::paging::{self, Page};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;
use crate::schema::types::{CreditBlock, Issuance, IssuedTotal, MassAccount};

#[derive(Default)]
pub(crate) struct CreditQuery;

#[Object]
impl CreditQuery {
    /// The mass accounts of an organisation, or of one of its storage sites, by site and year.
    #[graphql(complexity = "100 + 10 * child_complexity")]
    async fn mass_accounts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "The site, by its slug within the organisation.")] site: Option<String>,
        #[graphql(desc = "A position of the organisation's ledger; without it, now.")]
        as_of: Option<Position>,
    ) -> Result<Vec<MassAccount>, Problem> {
        let organisation: Slug = read("organisation", &organisation)?;
        let site: Option<Slug> = read_option("site", site.as_deref())?;
        permit(context, ReadAccounting, &organisation, site.as_ref())?;
        let ledger = ledger_named(context, &organisation).await?;
        let as_of = AsOf::read(context, &ledger, NAME, as_of).await?;
        let site = site.map(|site| SiteId::of(&organisation, &site));
        let models = context.data_unchecked::<ReadModels>();
        let found = models.mass_accounts(ledger.id, site, as_of).await?;
        let ledger = ledger.id;
        let account = |stored| MassAccount {
            stored,
            ledger,
            as_of,
        };
        Ok(found.into_iter().map(account).collect())
    }

    /// The mass account of a storage site and calendar year; null if nothing is in it.
    async fn mass_account(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "The site, by its slug within the organisation.")] site: String,
        #[graphql(desc = "The calendar year.")] year: i32,
        #[graphql(desc = "A position of the organisation's ledger; without it, now.")]
        as_of: Option<Position>,
    ) -> Result<Option<MassAccount>, Problem> {
        let organisation: Slug = read("organisation", &organisation)?;
        let site: Slug = read("site", &site)?;
        permit(context, ReadAccounting, &organisation, Some(&site))?;
        let ledger = ledger_named(context, &organisation).await?;
        let as_of = AsOf::read(context, &ledger, NAME, as_of).await?;
        let id = MassAccountId::of(&organisation, &site, year);
        let models = context.data_unchecked::<ReadModels>();
        let found = models.mass_account(ledger.id, id, as_of).await?;
        let ledger = ledger.id;
        Ok(found.map(|stored| MassAccount {
            stored,
            ledger,
            as_of,
        }))
    }

    /// The issuances of an organisation that stored CO2, or of a registry; the newest first.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn issuances(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Slug of an organisation, a registry's or another's.")]
        organisation: String,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
        #[graphql(
            desc = "A position of that organisation's ledger; what the other ledger says is shown as \
                    it is now."
        )]
        as_of: Option<Position>,
    ) -> Result<Page<Issuance>, Problem> {
        let organisation: Slug = read("organisation", &organisation)?;
        permit(context, ReadCredits, &organisation, None)?;
        let ledger = ledger_named(context, &organisation).await?;
        let as_of = AsOf::read(context, &ledger, NAME, as_of).await?;
        let filter = match ledger.kind {
            LedgerKind::Operational => IssuanceFilter::OfStorage(ledger.id),
            LedgerKind::Registry => IssuanceFilter::OfRegistry(ledger.id),
        };
        let (size, before) = (paging::size(first)?, cursor(after.as_deref())?);
        let models = context.data_unchecked::<ReadModels>();
        let found = models.issuances(filter, (as_of, before), size + 1).await?;
        let issuances = found
            .into_iter()
            .filter_map(|stored| at_place(filter, &organisation, stored));
        Ok(paging::page(
            issuances.collect(),
            size,
            before.is_none(),
            |(index, _)| index.0.to_string(),
            |(_, issuance)| issuance,
        ))
    }

    /// An issuance by its id; null if there is none that the caller may see.
    async fn issuance(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id, as an earlier answer gave it.")] id: ID,
    ) -> Result<Option<Issuance>, Problem> {
        visible_issuance(context, &id).await
    }

    /// The credits that a registry issued, all or those of one holder, as they were issued.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn holdings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The registry, by its slug.")] registry: String,
        #[graphql(
            desc = "Slug of the organisation that has them; who is not of the registry must name \
                          its own."
        )]
        holder: Option<String>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "A position of the registry's ledger; without it, now.")] as_of: Option<
            Position,
        >,
    ) -> Result<Page<CreditBlock>, Problem> {
        let registry: Slug = read("registry", &registry)?;
        let holder: Option<Slug> = read_option("holder", holder.as_deref())?;
        let own = holder
            .as_ref()
            .is_some_and(|own| may(context, ReadCredits, own));
        if !own {
            permit(context, ReadCredits, &registry, None)?;
        }
        let ledger = registry_named(context, &registry).await?;
        let as_of = AsOf::read(context, &ledger, NAME, as_of).await?;
        let (size, after) = (paging::size(first)?, cursor(after.as_deref())?);
        let filter = BlockFilter {
            ledger: ledger.id,
            holder,
        };
        let models = context.data_unchecked::<ReadModels>();
        let found = models
            .credit_blocks(&filter, (as_of, after), size + 1)
            .await?;
        Ok(paging::page(
            found,
            size,
            after.is_none(),
            |block| block.issued_index.0.to_string(),
            CreditBlock,
        ))
    }

    /// A block of credits by its id; null if there is none that the caller may see.
    async fn credit_block(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id, as an earlier answer gave it.")] id: ID,
    ) -> Result<Option<CreditBlock>, Problem> {
        let Ok(uuid) = id.parse::<Uuid>() else {
            return Ok(None);
        };
        let models = context.data_unchecked::<ReadModels>();
        let found = models.credit_blocks_by_id(&[uuid.into()], &[]).await?;
        let Some(block) = found.into_iter().next() else {
            return Ok(None);
        };
        let mut seen = false;
        for organisation in [&block.registry, &block.holder, &block.organisation] {
            seen |= sees(context, ReadCredits, organisation, None)?;
        }
        Ok(seen.then_some(CreditBlock(block)))
    }

    /// What a registry has issued, by organisation, site and vintage; all, or for what one
    /// organisation stored.
    #[graphql(complexity = "100 + 10 * child_complexity")]
    async fn issued_totals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The registry, by its slug.")] registry: String,
        #[graphql(
            desc = "Slug of the organisation that stored the CO2; who is not of the registry \
                          must name its own."
        )]
        organisation: Option<String>,
        #[graphql(desc = "A position of the registry's ledger; without it, now.")] as_of: Option<
            Position,
        >,
    ) -> Result<Vec<IssuedTotal>, Problem> {
        let registry: Slug = read("registry", &registry)?;
        let organisation: Option<Slug> = read_option("organisation", organisation.as_deref())?;
        let own = organisation.as_ref();
        if !own.is_some_and(|own| may(context, ReadCredits, own)) {
            permit(context, ReadCredits, &registry, None)?;
        }
        let ledger = registry_named(context, &registry).await?;
        let as_of = AsOf::read(context, &ledger, NAME, as_of).await?;
        let models = context.data_unchecked::<ReadModels>();
        let found = models
            .issued_totals(ledger.id, organisation.as_ref(), as_of)
            .await?;
        Ok(found
            .into_iter()
            .map(|total| IssuedTotal::new(&ledger.name, total))
            .collect())
    }
}

/// The issuance of this id, if the caller may see it: as of the storage, or as of the registry.
pub(crate) async fn visible_issuance(
    context: &Context<'_>,
    id: &ID,
) -> Result<Option<Issuance>, Problem> {
    let Ok(uuid) = id.parse::<Uuid>() else {
        return Ok(None);
    };
    let models = context.data_unchecked::<ReadModels>();
    let Some(stored) = models.issuances_by_id(&[uuid]).await?.pop() else {
        return Ok(None);
    };
    let registry = match (&stored.reservation, &stored.request) {
        (Some(reservation), _) => Some(reservation.registry.clone()),
        (None, Some(request)) => registry_of(models, request.ledger_id).await?,
        (None, None) => None,
    };
    let Some(registry) = registry else {
        return Ok(None);
    };
    let issuance = Issuance { stored, registry };
    let mut seen = sees(context, ReadCredits, &issuance.registry, None)?;
    if let Some(organisation) = issuance.organisation_slug() {
        seen |= sees(context, ReadCredits, organisation, None)?;
    }
    Ok(seen.then_some(issuance))
}

async fn registry_of(
    models: &ReadModels,
    ledger: sealrock_projections::LedgerId,
) -> Result<Option<Slug>, Problem> {
    let ledgers = models.ledgers().await?;
    let Some(found) = ledgers.iter().find(|info| info.id == ledger) else {
        return Ok(None);
    };
    let name = models.recorded_under(found).await?;
    Ok(name.as_str().parse().ok())
}

async fn ledger_named(context: &Context<'_>, organisation: &Slug) -> Result<LedgerInfo, Problem> {
    let models = context.data_unchecked::<ReadModels>();
    let found = models.current_ledger(&ledger_of(organisation)).await?;
    found.ok_or_else(|| {
        Problem::new(
            Code::NotFound,
            format!("there is no organisation {organisation}"),
        )
    })
}

async fn registry_named(context: &Context<'_>, registry: &Slug) -> Result<LedgerInfo, Problem> {
    let found = ledger_named(context, registry).await?;
    if found.kind == LedgerKind::Registry {
        return Ok(found);
    }
    let message = format!("{registry} is no registry");
    Err(Problem::new(Code::NotFound, message))
}

/// An issuance, and the entry that began it in the ledger that the list is of.
fn at_place(
    filter: IssuanceFilter,
    organisation: &Slug,
    stored: Stored,
) -> Option<(Index, Issuance)> {
    let (index, registry) = match filter {
        IssuanceFilter::OfStorage(_) => {
            let reservation = stored.reservation.as_ref()?;
            (reservation.reserved_index, reservation.registry.clone())
        }
        IssuanceFilter::OfRegistry(_) => (
            stored.request.as_ref()?.requested_index,
            organisation.clone(),
        ),
    };
    Some((index, Issuance { stored, registry }))
}

/// The entry that a cursor names.
fn cursor(after: Option<&str>) -> Result<Option<Index>, Problem> {
    let index = |text: &str| text.parse().ok().filter(|n| i64::try_from(*n).is_ok());
    paging::cursor(after, |text| index(text).map(Index))
}
