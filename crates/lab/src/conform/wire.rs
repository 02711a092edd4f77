//! What a suite needs of the outside: wires to its subject.

/// A card that APDUs can be sent to.
pub trait Card {
    /// Sends a command APDU; gives data and status word.
    ///
    /// # Errors
    /// For people, if there is no response.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String>;

    /// Takes the power away and gives it back.
    ///
    /// # Errors
    /// For people, if the card does not come back.
    fn reset(&mut self) -> Result<(), String>;

    /// Replaces the card by a new one; whether that is possible. Where it is
    /// not, the suite empties the card by the functions it has.
    ///
    /// # Errors
    /// For people, if no new card comes.
    fn renew(&mut self) -> Result<bool, String>;
}

/// As whom a request is made over TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificates {
    /// Without a certificate.
    #[default]
    None,
    /// With the operator's.
    Operator,
    /// With that of an SM-DS.
    Smds,
    /// With one that the subject has no reason to trust.
    Stranger,
}

/// A request to the subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpMessage {
    /// `POST` if empty.
    pub method: &'static str,
    /// Absolute path.
    pub path: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// As whom.
    pub certificates: Certificates,
}

/// What the subject answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpReply {
    /// Status code. What a suite's server answers with 0, it does not answer.
    pub status: u16,
    /// Header names, in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl HttpReply {
    /// What a server of the suite's answers in ASN.1, with the version of
    /// X-Admin-Protocol that it names.
    pub(super) fn asn1(status: u16, protocol: &str, body: Vec<u8>) -> Self {
        HttpReply::of(status, "application/x-gsma-rsp-asn1", protocol, body)
    }

    /// The same in JSON.
    pub(super) fn json(status: u16, protocol: &str, body: Vec<u8>) -> Self {
        HttpReply::of(status, "application/json;charset=UTF-8", protocol, body)
    }

    fn of(status: u16, content_type: &str, protocol: &str, body: Vec<u8>) -> Self {
        let headers = [
            ("content-type", content_type),
            ("x-admin-protocol", protocol),
        ];
        let headers = headers.map(|(name, value)| (name.into(), value.into()));
        HttpReply {
            status,
            headers: headers.into(),
            body,
        }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What a server of the suite's answers to each request.
pub type Answers = Box<dyn FnMut(&HttpMessage) -> HttpReply + Send>;

/// A server of the suite's, which the subject calls.
pub trait Played {
    /// Its address, as the subject knows it: a host name, with a port.
    fn address(&self) -> String;

    /// What it answers from now on.
    fn answer(&mut self, answers: Answers);

    /// Gives the subject time for something that it does by itself; `false` if
    /// it has had enough.
    fn wait(&mut self) -> bool;
}

/// A server that requests can be sent to.
pub trait Http {
    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// For people, if there is no answer.
    fn send(&mut self, message: &HttpMessage) -> Result<HttpReply, String>;
}
