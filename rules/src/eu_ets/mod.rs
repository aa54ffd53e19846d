//! EU ETS, Monitoring and Reporting Regulation (EU) 2018/2066: capture, transport and storage of CO2
//! (Annex IV sections 21 to 23) and transferred CO2 (articles 48 and 49).

pub mod capture;
pub mod custody;
pub mod storage;
pub mod transport;
