//! 40 CFR Part 98, the Greenhouse Gas Reporting Program: geologic sequestration (subpart RR), supply
//! (PP), injection (UU) and storage with enhanced oil recovery (VV).

pub mod meter;
pub mod subpart_pp;
pub mod subpart_rr;
pub mod subpart_uu;
pub mod subpart_vv;
