//! The card's side of vpcd, the virtual reader driver of the vsmartcard
//! project: the driver listens, the card connects.
//!
//! Each message is its length (2 octets, big endian) and so many octets. The
//! driver sends APDUs, which the card answers, and messages of one octet, which
//! are controls; of these only the request for the answer to reset has an
//! answer.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::linux::net::TcpStreamExt;
use std::time::Duration;

/// Port that the driver listens on unless its configuration says otherwise.
pub const DEFAULT_PORT: u16 = 35963;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const RESET: u8 = 0x02;
const GET_ATR: u8 = 0x04;

/// What sits in the reader.
pub trait Card {
    /// Power off and on; gives the answer to reset.
    ///
    /// # Errors
    /// If the card can no longer be used.
    fn reset(&mut self) -> io::Result<Vec<u8>>;

    /// Executes a command APDU.
    ///
    /// # Errors
    /// If the card can no longer be used.
    fn transmit(&mut self, apdu: &[u8]) -> io::Result<Vec<u8>>;
}

/// Connects to a reader's driver, `host:port`.
///
/// # Errors
/// If nobody listens there.
pub fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Puts a card into the reader at the other end until the driver closes the
/// connection.
///
/// # Errors
/// If the connection breaks within a message, or the card fails.
pub fn serve(stream: &mut TcpStream, card: &mut dyn Card) -> io::Result<()> {
    let mut atr = card.reset()?;
    while let Some(message) = receive(stream)? {
        match message.as_slice() {
            // A real card loses its session when power goes; that it is reset
            // again when power comes changes nothing.
            [POWER_OFF | POWER_ON | RESET] => atr = card.reset()?,
            [GET_ATR] => send(stream, &atr)?,
            [_] | [] => {}
            apdu => {
                let response = card.transmit(apdu)?;
                send(stream, &response)?;
            }
        }
    }
    Ok(())
}

/// The next message, `None` if the driver has closed the connection.
fn receive(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    // The driver writes length and contents apart. Without an acknowledgement
    // at once, its second write waits for the delayed one (Nagle), 40 ms for
    // each command; the kernel forgets the option, so it is set each time.
    stream.set_quickack(true)?;
    let mut length = [0; 2];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    stream.set_quickack(true)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    stream.set_quickack(true)?;
    Ok(Some(message))
}

fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "longer than 65535 octets");
    let length = u16::try_from(message.len()).map_err(too_long)?;
    let mut out = length.to_be_bytes().to_vec();
    out.extend_from_slice(message);
    stream.write_all(&out)
}
