//! Many questions that one statement answers: its rows say which of them they are for.

use crate::read_models::QueryError;

/// The answers to so many questions, in their order, of rows with the number of theirs, from 1.
pub(crate) fn by_number<T>(
    rows: impl IntoIterator<Item = (i64, T)>,
    questions: usize,
) -> Vec<Vec<T>> {
    let mut answers: Vec<Vec<T>> = std::iter::repeat_with(Vec::new).take(questions).collect();
    for (number, row) in rows {
        let answer = usize::try_from(number - 1).ok();
        if let Some(answer) = answer.and_then(|at| answers.get_mut(at)) {
            answer.push(row);
        }
    }
    answers
}

/// As [`by_number`], of rows that are read on the way.
pub(crate) fn read_by_number<R, T>(
    rows: Vec<(i64, R)>,
    questions: usize,
    read: impl Fn(R) -> Result<T, QueryError>,
) -> Result<Vec<Vec<T>>, QueryError> {
    let rows = rows
        .into_iter()
        .map(|(number, row)| Ok((number, read(row)?)));
    let rows: Vec<(i64, T)> = rows.collect::<Result<_, QueryError>>()?;
    Ok(by_number(rows, questions))
}

/// The answer to one question.
pub(crate) fn only<T>(mut answers: Vec<Vec<T>>) -> Vec<T> {
    answers.pop().unwrap_or_default()
}
