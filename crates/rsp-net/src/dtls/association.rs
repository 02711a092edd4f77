//! One association with a peer.

use std::time::Instant;

use dimpl::{Dtls, Output};

use super::DtlsError;

/// Octets of the longest record, and then some.
const BUFFER: usize = 2048;

/// More output than this at once is a fault of the library.
const MAX_OUTPUTS: usize = 10_000;

/// What has happened in an association.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    /// The handshake is complete.
    Connected,
    /// The peer presented this certificate, and its key signed the handshake.
    Certificate(Vec<u8>),
    /// Octets of the peer.
    Data(Vec<u8>),
    /// The peer has ended it.
    Closed,
}

/// A DTLS association: datagrams in, datagrams and events out.
pub(crate) struct Association {
    dtls: Dtls,
    buffer: Vec<u8>,
    timeout: Option<Instant>,
    connected: bool,
    out: Vec<Vec<u8>>,
    happened: Vec<Happened>,
}

impl Association {
    pub(super) fn new(dtls: Dtls) -> Association {
        Association {
            dtls,
            buffer: Vec::new(),
            timeout: None,
            connected: false,
            out: Vec::new(),
            happened: Vec::new(),
        }
    }

    /// Takes a datagram of the peer.
    pub(crate) fn receive(&mut self, datagram: &[u8], now: Instant) -> Result<(), DtlsError> {
        self.dtls.handle_timeout(now)?;
        self.drain();
        self.dtls.handle_packet(datagram)?;
        self.drain();
        Ok(())
    }

    /// Time has passed; the first call begins a client's handshake.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsError> {
        self.dtls.handle_timeout(now)?;
        self.drain();
        Ok(())
    }

    /// Sends octets, once the handshake is complete.
    pub(crate) fn send(&mut self, octets: &[u8]) -> Result<(), DtlsError> {
        self.dtls.send_application_data(octets)?;
        self.drain();
        Ok(())
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self) {
        // What cannot be said to a peer that is gone does not matter.
        if self.connected && self.dtls.close().is_ok() {
            self.drain();
        }
    }

    /// Lets it look as if the peer had ended it.
    pub(crate) fn hang_up(&mut self) {
        self.happened.push(Happened::Closed);
    }

    /// Whether the handshake is complete.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// When [`Association::handle_timeout`] is to be called.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.timeout
    }

    /// The datagrams to send.
    pub(crate) fn take_out(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.out)
    }

    /// What has happened.
    pub(crate) fn take_happened(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }

    fn drain(&mut self) {
        self.buffer.resize(BUFFER, 0);
        for _ in 0..MAX_OUTPUTS {
            match self.dtls.poll_output(&mut self.buffer) {
                Output::Packet(datagram) => self.out.push(datagram.to_vec()),
                Output::BufferTooSmall { needed } => self.buffer.resize(needed, 0),
                Output::Timeout(at) => {
                    self.timeout = Some(at);
                    break;
                }
                Output::Connected => {
                    self.connected = true;
                    self.happened.push(Happened::Connected);
                }
                Output::PeerCert(der) => self.happened.push(Happened::Certificate(der.to_vec())),
                Output::ApplicationData(data) => self.happened.push(Happened::Data(data.to_vec())),
                Output::CloseNotify => self.happened.push(Happened::Closed),
                _ => {}
            }
        }
        // Peers are many, and as a rule silent.
        self.buffer = Vec::new();
    }
}
