mod days;
mod field;
mod together;
mod wells;
