mod days;
pub mod field;
mod together;
mod wells;
