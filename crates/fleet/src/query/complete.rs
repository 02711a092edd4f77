//! What could go on at the end of a query that is being typed.

use super::ast::Query;
use super::lexer::in_word;

/// The words that may stand where the text ends, or may complete its last word.
pub fn complete(text: &str) -> Vec<&'static str> {
    let in_last_word = text.chars().rev().take_while(|c| in_word(*c));
    let typed: usize = in_last_word.map(char::len_utf8).sum();
    let Some((before, word)) = text.split_at_checked(text.len() - typed) else {
        return Vec::new();
    };
    let word = word.to_lowercase();
    // A word that is none stands for what is to come: the error that it makes says
    // what could.
    match format!("{before} :").parse::<Query>() {
        Ok(_) => Vec::new(),
        Err(error) => {
            let fits = |choice: &&str| choice.starts_with(&word);
            error.choices.into_iter().filter(fits).collect()
        }
    }
}
