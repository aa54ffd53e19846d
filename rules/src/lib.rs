#![doc = include_str!("../README.md")]

pub mod calculation;
pub mod density;
pub mod quantity;
pub mod stack;
pub mod uncertainty;
