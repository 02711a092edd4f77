//! Decimal numbers as people write them, kept as whole numbers of their last decimal.

/// Decimals of prices by the month, and of numbers in queries.
pub(crate) const THOUSANDTHS: usize = 3;

/// Decimals of what an operation costs.
pub(crate) const MILLIONTHS: usize = 6;

/// A number with so many decimals at most, in units of the last one; twelve digits stand
/// before the point at most.
pub(crate) fn read(text: &str, decimals: usize) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str, longest: usize| {
        (1..=longest).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
    };
    if !is_number(whole, 12) || !is_number(part, decimals) {
        return None;
    }
    let all: i64 = format!("{whole}{part:0<decimals$}").parse().ok()?;
    Some(sign * all)
}

/// The other way round, as short as it can be.
pub(crate) fn written(value: i64, decimals: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>1$}", value.unsigned_abs(), decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    match part.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

/// A number that is not negative and the three letters of a currency (ISO 4217), of
/// whatever case: `1.50 eur`.
pub(crate) fn read_money(text: &str, decimals: usize) -> Option<(u64, [u8; 3])> {
    let (amount, currency) = text.trim().split_once(' ')?;
    let amount = read(amount, decimals).and_then(|amount| u64::try_from(amount).ok())?;
    let currency = currency.trim().to_ascii_uppercase();
    let letters = <[u8; 3]>::try_from(currency.as_bytes()).ok()?;
    let are_letters = letters.iter().all(u8::is_ascii_uppercase);
    are_letters.then_some((amount, letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for decimals in [THOUSANDTHS, MILLIONTHS] {
            for value in [0, 1, -1, 10, 999, 1000, -1001, 123_450, 999_999, 12_000_000] {
                assert_eq!(read(&written(value, decimals), decimals), Some(value));
            }
        }
        assert_eq!(written(-1001, THOUSANDTHS), "-1.001");
        assert_eq!(written(120_000, MILLIONTHS), "0.12");
        assert_eq!(written(-2000, THOUSANDTHS), "-2");
        for wrong in [
            "",
            "-",
            ".5",
            "1.",
            "1.2345",
            "--1",
            "+1",
            "1 ",
            "1234567890123",
        ] {
            assert_eq!(read(wrong, THOUSANDTHS), None, "{wrong}");
        }
    }
}
