//! Capture units, what they captured, and totals of it.

use std::collections::HashMap;

use async_graphql::dataloader::Loader as Load;
use chrono::{DateTime, Utc};
use sealrock_domain::AssetId;
use sealrock_ledger::Index;
use sealrock_projections::LedgerId;
use sealrock_projections::captures::{
    Capture, CaptureCursor, CaptureFilter, CaptureTotal, CaptureUnit, Per,
};

use super::{Loader, alike, load_alike};
use crate::schema::problem::Problem;

/// Asks for capture units.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CaptureUnitsOf {
    pub(crate) ledger: LedgerId,
    pub(crate) as_of: Option<Index>,
    pub(crate) filter: CaptureFilter,
}

/// Asks for a page of records.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CapturesOf {
    pub(crate) ledger: LedgerId,
    pub(crate) as_of: Option<Index>,
    pub(crate) filter: CaptureFilter,
    pub(crate) after: Option<CaptureCursor>,
    pub(crate) first: u32,
}

/// Asks for totals.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CaptureTotalsOf {
    pub(crate) ledger: LedgerId,
    pub(crate) as_of: Option<Index>,
    pub(crate) filter: CaptureFilter,
    pub(crate) per: Per,
}

/// Asks for the versions of a unit's record, by when its period begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CaptureVersionsOf {
    pub(crate) ledger: LedgerId,
    pub(crate) as_of: Option<Index>,
    pub(crate) record: (AssetId, DateTime<Utc>),
}

load_alike!(
    CaptureUnitsOf => Vec<CaptureUnit>,
    |key| (key.ledger, key.as_of),
    |read, (ledger, as_of), keys| {
        let filters: Vec<CaptureFilter> = keys.iter().map(|key| key.filter.clone()).collect();
        read.capture_units_of(ledger, &filters, as_of).await
    }
);
load_alike!(
    CapturesOf => Vec<Capture>,
    |key| (key.ledger, key.as_of, key.after, key.first),
    |read, (ledger, as_of, after, first), keys| {
        let filters: Vec<CaptureFilter> = keys.iter().map(|key| key.filter.clone()).collect();
        read.captures_of(ledger, &filters, as_of, (after, first)).await
    }
);
load_alike!(
    CaptureTotalsOf => Vec<CaptureTotal>,
    |key| (key.ledger, key.as_of, key.per),
    |read, (ledger, as_of, per), keys| {
        let filters: Vec<CaptureFilter> = keys.iter().map(|key| key.filter.clone()).collect();
        read.capture_totals_of(ledger, &filters, as_of, per).await
    }
);
load_alike!(
    CaptureVersionsOf => Vec<Capture>,
    |key| (key.ledger, key.as_of),
    |read, (ledger, as_of), keys| {
        let records: Vec<_> = keys.iter().map(|key| key.record).collect();
        read.capture_versions_of(ledger, &records, as_of).await
    }
);
