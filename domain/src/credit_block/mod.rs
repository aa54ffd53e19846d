//! Credits: whole tonnes of CO2 that a registry vouches for, in blocks of serials.

mod serials;

pub use serials::{SerialBlock, SerialBlockError, SerialSeries};
