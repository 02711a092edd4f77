//! Prices of operations, for people.

use api::Price;

use super::output::Shown;

impl Shown for Price {
    const TITLES: &'static [&'static str] = &[
        "OCTETS",
        "FROM DEVICE",
        "TO DEVICE",
        "AROUND THEM",
        "CONTACTS",
        "EXCHANGES",
        "MONEY",
        "ENERGY",
        "UNKNOWN",
        "ASSUMED",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            known(self.octets.map(|octets| octets.to_string())),
            self.from_device.to_string(),
            self.to_device.to_string(),
            self.overhead.to_string(),
            self.contacts.to_string(),
            self.exchanges.to_string(),
            known(money(self)),
            known(energy(self)),
            self.unknown.join("; "),
            self.assumed.join("; "),
        ]
    }
}

/// What is not known is not nothing.
fn known(text: Option<String>) -> String {
    text.unwrap_or_else(|| "unknown".to_string())
}

fn money(price: &Price) -> Option<String> {
    price.money.as_ref().map(|money| money.join(" + "))
}

/// In joules, as far as the model is worth it.
fn energy(price: &Price) -> Option<String> {
    let millijoules = price.energy_mj?;
    Some(format!(
        "{}.{} J",
        millijoules / 1000,
        millijoules % 1000 / 100
    ))
}

/// A price in one cell.
pub(super) fn in_short(price: Option<&Price>) -> String {
    let Some(price) = price else {
        return String::new();
    };
    let seen = price.from_device + price.to_device + price.overhead;
    let mut said = match price.octets {
        Some(octets) => format!("{octets} octets"),
        None => format!("{seen} octets and what is not known"),
    };
    for part in [money(price), energy(price)].into_iter().flatten() {
        said.push_str(", ");
        said.push_str(&part);
    }
    said
}
