//! The parameter sets: what each standard calls the terms, when it holds, and its buffer.
//!
//! All of them are from memory [M] and therefore drafts: good for comparing, not for issuing.

use rust_decimal::Decimal;

use super::{Buffer, NetRemoval, Standard, Terms};
use crate::calculation::{Effective, RuleSet};

/// The terms of the module that it stands in: all of them, and each by what it is in the shape.
macro_rules! named {
    () => {
        pub(super) static ALL: &[&crate::calculation::TermRule] = TERMS;
        pub(super) const NAMED: super::Terms = super::Terms {
            stored: &STORED,
            losses: &LOSSES,
            baseline: &BASELINE,
            leakage: &LEAKAGE,
            energy: &ENERGY,
            inputs: &INPUTS,
            transport: &TRANSPORT,
            embodied: &EMBODIED,
            associated: &ASSOCIATED,
            uncertainty: &UNCERTAINTY,
            before_buffer: &BEFORE_BUFFER,
            buffer_percent: &BUFFER_PERCENT,
            cent: &CENT,
            buffer: &BUFFER,
            net: &NET,
        };
    };
}

mod crcf {
    use crate::calculation::term_rules;

    term_rules! {
        STORED: "CR stored" in "t", "article 4(1)", Remembered, "CO2 stored";
        LOSSES: "CR losses" in "t", "article 4(1)", Remembered, "CO2 lost again between capture and storage";
        BASELINE: "CR_baseline" in "t", "article 4(1)", Remembered, "what would have been stored without the project";
        LEAKAGE: "GHG leakage" in "t", "article 4(1)", Remembered, "emissions elsewhere that the project causes, CO2e";
        ENERGY: "GHG_associated, energy" in "t", "article 4(1)", Remembered, "emissions of energy, CO2e";
        INPUTS: "GHG_associated, inputs" in "t", "article 4(1)", Remembered, "emissions of chemicals, water and biomass, CO2e";
        TRANSPORT: "GHG_associated, transport" in "t", "article 4(1)", Remembered, "emissions of transport, CO2e";
        EMBODIED: "GHG_associated, embodied" in "t", "article 4(1)", Remembered, "emissions of building plants and machines, CO2e";
        ASSOCIATED: "GHG_associated" in "t" = "energy + inputs + transport + embodied", "article 4(1)", Remembered, "emissions that go with the removal, CO2e";
        UNCERTAINTY: "uncertainty" in "t", "article 4(1)", Remembered, "deduction for uncertainty";
        BEFORE_BUFFER: "net benefit before buffer" in "t" = "stored − losses − baseline − leakage − associated − uncertainty", "article 4(1)", Remembered, "net removal before the buffer";
        BUFFER_PERCENT: "buffer share" in "%", "article 4(1)", Remembered, "share that is set aside against reversals";
        CENT: "1/100" in "1/%" = "0.01", "article 4(1)", Computed, "one of a hundred: per cent to fraction";
        BUFFER: "buffer" in "t" = "max(0, net before buffer)·share/100, rounded up to the kilogram", "article 4(1)", Remembered, "set aside against reversals";
        NET: "net benefit" in "t" = "CR_baseline − CR_total − GHG_associated, removals negative", "article 4(1)", Remembered, "net removal";
    }
    named!();
}

static CRCF: RuleSet = RuleSet {
    id: "crcf-net-benefit",
    version: 1,
    title: "Permanent net carbon removal benefit",
    source: "Regulation (EU) 2024/3012 article 4(1); Delegated Regulation (EU) 2026/285",
    effective: Effective::since(2026, 2, 3),
    terms: crcf::ALL,
};

/// Permanent net carbon removal benefit.
pub struct Crcf;

impl NetRemoval for Crcf {
    const STANDARD: Standard = Standard {
        set: &CRCF,
        buffer: Buffer::None,
        terms: crcf::NAMED,
    };
    const EXAMPLE: &'static str = include_str!("../../examples/crcf-net-benefit.json");
}

mod verra {
    use crate::calculation::term_rules;

    term_rules! {
        STORED: "BE stored" in "t", "VM0049 section 8", Remembered, "CO2 stored";
        LOSSES: "PE losses" in "t", "VM0049 section 8", Remembered, "CO2 lost again between capture and storage";
        BASELINE: "BE baseline" in "t", "VM0049 section 8", Remembered, "what would have been stored without the project";
        LEAKAGE: "LE" in "t", "VM0049 section 8", Remembered, "emissions elsewhere that the project causes, CO2e";
        ENERGY: "PE associated, energy" in "t", "VM0049 section 8", Remembered, "emissions of energy, CO2e";
        INPUTS: "PE associated, inputs" in "t", "VM0049 section 8", Remembered, "emissions of chemicals, water and biomass, CO2e";
        TRANSPORT: "PE associated, transport" in "t", "VM0049 section 8", Remembered, "emissions of transport, CO2e";
        EMBODIED: "PE associated, embodied" in "t", "VM0049 section 8", Remembered, "emissions of building plants and machines, CO2e";
        ASSOCIATED: "PE associated" in "t" = "energy + inputs + transport + embodied", "VM0049 section 8", Remembered, "emissions that go with the removal, CO2e";
        UNCERTAINTY: "uncertainty" in "t", "VM0049 section 8", Remembered, "deduction for uncertainty";
        BEFORE_BUFFER: "NER" in "t" = "stored − losses − baseline − leakage − associated − uncertainty", "VM0049 section 8", Remembered, "net removal before the buffer";
        BUFFER_PERCENT: "buffer share" in "%", "VM0049 section 8", Remembered, "share that is set aside against reversals";
        CENT: "1/100" in "1/%" = "0.01", "VM0049 section 8", Computed, "one of a hundred: per cent to fraction";
        BUFFER: "buffer" in "t" = "max(0, net before buffer)·share/100, rounded up to the kilogram", "VM0049 section 8", Remembered, "set aside against reversals";
        NET: "VCUs" in "t" = "NER − buffer, NER = BE − PE − LE", "VM0049 section 8", Remembered, "net removal";
    }
    named!();
}

static VERRA: RuleSet = RuleSet {
    id: "verra-vm0049",
    version: 1,
    title: "Carbon capture and storage, VM0049 version 1.0",
    source: "Verra VM0049 version 1.0 with VMD0056, VMD0057 and VMD0058",
    effective: Effective::since(2024, 6, 1),
    terms: verra::ALL,
};

/// Carbon capture and storage, VM0049 version 1.0.
pub struct Verra;

impl NetRemoval for Verra {
    const STANDARD: Standard = Standard {
        set: &VERRA,
        buffer: Buffer::Given,
        terms: verra::NAMED,
    };
    const EXAMPLE: &'static str = include_str!("../../examples/verra-vm0049.json");
}

mod puro {
    use crate::calculation::term_rules;

    term_rules! {
        STORED: "C_stored" in "t", "GSC methodology, quantification", Remembered, "CO2 stored";
        LOSSES: "C_loss" in "t", "GSC methodology, quantification", Remembered, "CO2 lost again between capture and storage";
        BASELINE: "C_baseline" in "t", "GSC methodology, quantification", Remembered, "what would have been stored without the project";
        LEAKAGE: "E_leakage" in "t", "GSC methodology, quantification", Remembered, "emissions elsewhere that the project causes, CO2e";
        ENERGY: "E_project, energy" in "t", "GSC methodology, quantification", Remembered, "emissions of energy, CO2e";
        INPUTS: "E_project, inputs" in "t", "GSC methodology, quantification", Remembered, "emissions of chemicals, water and biomass, CO2e";
        TRANSPORT: "E_project, transport" in "t", "GSC methodology, quantification", Remembered, "emissions of transport, CO2e";
        EMBODIED: "E_project, embodied" in "t", "GSC methodology, quantification", Remembered, "emissions of building plants and machines, CO2e";
        ASSOCIATED: "E_project" in "t" = "energy + inputs + transport + embodied", "GSC methodology, quantification", Remembered, "emissions that go with the removal, CO2e";
        UNCERTAINTY: "uncertainty" in "t", "GSC methodology, quantification", Remembered, "deduction for uncertainty";
        BEFORE_BUFFER: "CORCs before buffer" in "t" = "stored − losses − baseline − leakage − associated − uncertainty", "GSC methodology, quantification", Remembered, "net removal before the buffer";
        BUFFER_PERCENT: "buffer share" in "%", "GSC methodology, quantification", Remembered, "share that is set aside against reversals";
        CENT: "1/100" in "1/%" = "0.01", "GSC methodology, quantification", Computed, "one of a hundred: per cent to fraction";
        BUFFER: "buffer" in "t" = "max(0, net before buffer)·share/100, rounded up to the kilogram", "GSC methodology, quantification", Remembered, "set aside against reversals";
        NET: "CORCs" in "t" = "C_stored − C_baseline − C_loss − E_project − E_leakage", "GSC methodology, quantification", Remembered, "net removal";
    }
    named!();
}

static PURO: RuleSet = RuleSet {
    id: "puro-gsc",
    version: 1,
    title: "Geologically stored carbon, CORCs",
    source: "Puro Standard, Geologically Stored Carbon methodology",
    effective: Effective::since(2024, 6, 1),
    terms: puro::ALL,
};

/// Geologically stored carbon, CORCs.
pub struct Puro;

impl NetRemoval for Puro {
    const STANDARD: Standard = Standard {
        set: &PURO,
        buffer: Buffer::None,
        terms: puro::NAMED,
    };
    const EXAMPLE: &'static str = include_str!("../../examples/puro-gsc.json");
}

mod isometric {
    use crate::calculation::term_rules;

    term_rules! {
        STORED: "CO2e stored" in "t", "Isometric Standard, net removal", Remembered, "CO2 stored";
        LOSSES: "CO2e losses" in "t", "Isometric Standard, net removal", Remembered, "CO2 lost again between capture and storage";
        BASELINE: "CO2e counterfactual" in "t", "Isometric Standard, net removal", Remembered, "what would have been stored without the project";
        LEAKAGE: "CO2e leakage" in "t", "Isometric Standard, net removal", Remembered, "emissions elsewhere that the project causes, CO2e";
        ENERGY: "CO2e emissions, energy" in "t", "Isometric Standard, net removal", Remembered, "emissions of energy, CO2e";
        INPUTS: "CO2e emissions, inputs" in "t", "Isometric Standard, net removal", Remembered, "emissions of chemicals, water and biomass, CO2e";
        TRANSPORT: "CO2e emissions, transport" in "t", "Isometric Standard, net removal", Remembered, "emissions of transport, CO2e";
        EMBODIED: "CO2e emissions, embodied" in "t", "Isometric Standard, net removal", Remembered, "emissions of building plants and machines, CO2e";
        ASSOCIATED: "CO2e emissions" in "t" = "energy + inputs + transport + embodied", "Isometric Standard, net removal", Remembered, "emissions that go with the removal, CO2e";
        UNCERTAINTY: "CO2e uncertainty" in "t", "Isometric Standard, net removal", Remembered, "deduction for uncertainty";
        BEFORE_BUFFER: "CO2e before buffer" in "t" = "stored − losses − baseline − leakage − associated − uncertainty", "Isometric Standard, net removal", Remembered, "net removal before the buffer";
        BUFFER_PERCENT: "buffer share" in "%", "Isometric Standard, net removal", Remembered, "share that is set aside against reversals";
        CENT: "1/100" in "1/%" = "0.01", "Isometric Standard, net removal", Computed, "one of a hundred: per cent to fraction";
        BUFFER: "CO2e buffer" in "t" = "max(0, net before buffer)·share/100, rounded up to the kilogram", "Isometric Standard, net removal", Remembered, "set aside against reversals";
        NET: "CO2e removal" in "t" = "stored − losses − counterfactual − leakage − emissions − uncertainty − buffer", "Isometric Standard, net removal", Remembered, "net removal";
    }
    named!();
}

static ISOMETRIC: RuleSet = RuleSet {
    id: "isometric-net",
    version: 1,
    title: "Net CO2e removal, Isometric protocols",
    source: "Isometric Standard; buffer of 2 % in 83 of 100 real issuances, 5 % or 7 % in the others",
    effective: Effective::since(2023, 1, 1),
    terms: isometric::ALL,
};

/// Net removal by the protocols of Isometric.
pub struct Isometric;

impl NetRemoval for Isometric {
    const STANDARD: Standard = Standard {
        set: &ISOMETRIC,
        buffer: Buffer::Usually(Decimal::TWO),
        terms: isometric::NAMED,
    };
    const EXAMPLE: &'static str = include_str!("../../examples/isometric-net.json");
}
