//! A card in a PC/SC reader.

use std::ffi::{CStr, CString};
use std::fmt;

use pcsc::{Card, Context, Disposition, Error, Protocols, Scope, ShareMode};

use super::{ApduChannel, ApduError};

/// Octets of a response to a command of the short form: 256 and a status word.
const MAX_RESPONSE: usize = 258;

/// Which reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reader {
    /// The only one there is.
    #[default]
    Only,
    /// The one with this place in the list, counted from 0.
    Number(usize),
    /// The one with this name, or else the only one with this in its name.
    Name(String),
}

impl From<&str> for Reader {
    /// A number is a place in the list, all else a name.
    fn from(text: &str) -> Self {
        match text.parse() {
            Ok(number) => Reader::Number(number),
            Err(_) => Reader::Name(text.to_string()),
        }
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reader::Only => f.write_str("(any)"),
            Reader::Number(number) => write!(f, "number {number}"),
            Reader::Name(name) => write!(f, "{name:?}"),
        }
    }
}

/// The readers that there are, by name.
///
/// # Errors
/// [`ApduError::Service`] if the PC/SC service does not answer.
pub fn readers() -> Result<Vec<String>, ApduError> {
    let context = Context::establish(Scope::User).map_err(service)?;
    let names = names(&context)?;
    Ok(names.iter().map(|name| shown(name)).collect())
}

/// A card in a PC/SC reader, shared with other programs.
///
/// The connection is made with the first command, and again after the card or
/// the service was gone; the card is reset when the channel is dropped.
pub struct PcscChannel {
    reader: Reader,
    connection: Option<Connection>,
}

struct Connection {
    card: Card,
    reader: String,
}

impl fmt::Debug for PcscChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcscChannel")
            .field("reader", &self.reader)
            .field("connected", &self.connection.is_some())
            .finish()
    }
}

impl PcscChannel {
    /// The card in a reader, which need not be there yet.
    pub fn new(reader: Reader) -> Self {
        PcscChannel {
            reader,
            connection: None,
        }
    }

    fn connected(&mut self) -> Result<&mut Connection, ApduError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::new(&self.reader)?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Does something with the card. After a reset of somebody else's the card
    /// is taken up again, and after any other failure let go of: the next
    /// command begins anew.
    fn with_card<T>(
        &mut self,
        act: impl FnOnce(&mut Card) -> Result<T, Error>,
    ) -> Result<T, ApduError> {
        let connection = self.connected()?;
        let error = match act(&mut connection.card) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let reader = connection.reader.clone();
        let taken_up =
            error == Error::ResetCard && connection.begin(Disposition::LeaveCard).is_ok();
        if !taken_up {
            self.connection = None;
        }
        Err(of_card(error, reader))
    }
}

impl ApduChannel for PcscChannel {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ApduError> {
        self.with_card(|card| {
            let mut response = [0; MAX_RESPONSE];
            card.transmit(command, &mut response).map(<[u8]>::to_vec)
        })
    }

    fn reset(&mut self) -> Result<(), ApduError> {
        self.with_card(|card| {
            card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard)
        })
    }
}

impl Connection {
    fn new(wanted: &Reader) -> Result<Self, ApduError> {
        let context = Context::establish(Scope::User).map_err(service)?;
        let name = choose(wanted, &names(&context)?)?;
        let card = context.connect(&name, ShareMode::Shared, Protocols::ANY);
        let reader = shown(&name);
        match card {
            Ok(card) => Ok(Connection { card, reader }),
            Err(error) => Err(of_card(error, reader)),
        }
    }

    fn begin(&mut self, disposition: Disposition) -> Result<(), Error> {
        let card = &mut self.card;
        card.reconnect(ShareMode::Shared, Protocols::ANY, disposition)
    }
}

fn names(context: &Context) -> Result<Vec<CString>, ApduError> {
    match context.list_readers_owned() {
        // That is how some services say that there is none.
        Err(Error::NoReadersAvailable) => Ok(Vec::new()),
        other => other.map_err(service),
    }
}

fn choose(wanted: &Reader, names: &[CString]) -> Result<CString, ApduError> {
    let fitting: Vec<&CString> = match wanted {
        Reader::Only => names.iter().collect(),
        Reader::Number(number) => names.get(*number).into_iter().collect(),
        Reader::Name(name) => match names.iter().find(|there| shown(there) == *name) {
            Some(exactly) => vec![exactly],
            None => names
                .iter()
                .filter(|there| shown(there).contains(name.as_str()))
                .collect(),
        },
    };
    match fitting.as_slice() {
        [one] => Ok(CString::clone(one)),
        [] => Err(ApduError::NoReader {
            wanted: wanted.to_string(),
            present: list(names.iter()),
        }),
        some => Err(ApduError::Ambiguous {
            wanted: wanted.to_string(),
            present: list(some.iter().copied()),
        }),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a CString>) -> String {
    let names: Vec<_> = names.map(|name| format!("{:?}", shown(name))).collect();
    match names.is_empty() {
        true => "none".to_string(),
        false => names.join(", "),
    }
}

fn shown(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

fn service(error: Error) -> ApduError {
    ApduError::Service(error.to_string())
}

fn of_card(error: Error, reader: String) -> ApduError {
    match error {
        Error::NoService | Error::ServiceStopped | Error::InvalidHandle => service(error),
        Error::NoSmartcard
        | Error::RemovedCard
        | Error::UnpoweredCard
        | Error::UnresponsiveCard => {
            let error = error.to_string();
            ApduError::NoCard { reader, error }
        }
        Error::SharingViolation => ApduError::InUse(reader),
        Error::ResetCard => ApduError::WasReset(reader),
        _ => {
            let error = error.to_string();
            ApduError::Exchange { reader, error }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn chosen(wanted: &str) -> Result<String, ApduError> {
        let names = ["Alpha 00 00", "Alpha 01 00", "Beta 00 00", "Beta 00 00 2"];
        let names = names.map(|name| CString::new(name).unwrap());
        choose(&Reader::from(wanted), &names).map(|name| shown(&name))
    }

    #[test]
    fn a_reader_is_meant_by_place_by_name_or_by_part_of_one() {
        assert_eq!(chosen("1").unwrap(), "Alpha 01 00");
        assert_eq!(chosen("Alpha 01").unwrap(), "Alpha 01 00");
        // The whole name goes before those that contain it.
        assert_eq!(chosen("Beta 00 00").unwrap(), "Beta 00 00");
    }

    #[test]
    fn what_fits_none_or_several_is_refused_by_name() {
        let none = chosen("Gamma").unwrap_err();
        assert!(matches!(&none, ApduError::NoReader { wanted, .. } if wanted == "\"Gamma\""));
        assert!(none.to_string().contains("\"Alpha 01 00\""), "{none}");
        assert!(matches!(chosen("4"), Err(ApduError::NoReader { .. })));
        let several = chosen("Alpha").unwrap_err();
        let said = several.to_string();
        assert!(matches!(several, ApduError::Ambiguous { .. }));
        assert!(
            said.contains("Alpha 01 00") && !said.contains("Beta"),
            "{said}"
        );
        let only = choose(&Reader::Only, &[]).unwrap_err();
        assert_eq!(only.to_string(), "no reader (any); there are: none");
    }
}
