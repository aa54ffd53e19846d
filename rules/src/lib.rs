#![doc = include_str!("../README.md")]

pub mod calculation;
pub mod quantity;
