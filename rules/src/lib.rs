#![doc = include_str!("../README.md")]

pub mod amount;
pub mod calculation;
pub mod calibration;
pub mod catalogue;
pub mod coverage;
pub mod density;
pub mod eu_ets;
pub mod factors;
pub mod missing_data;
pub mod net_removal;
pub mod quantity;
pub mod stack;
pub mod table;
pub mod uncertainty;
pub mod us_98;
