//! A round: one eIM after another, then the timer.

use alloc::boxed::Box;
use alloc::string::String;

use super::connection::{Connection, Progress};
use super::{Phase, exchange};
use crate::association::tls_key;
use crate::cat::{Answer, Command, Event};
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::tls::Peer;

/// Seconds from the start of the terminal to the first round.
const FIRST: u32 = 5;

/// Seconds that one eIM gets.
const LONGEST: u32 = 120;

/// Port of ESipa where an address has none.
const HTTPS: u16 = 443;

/// Begins to wait for the first round, if the IPA is active and the terminal
/// has timers and channels.
pub(super) fn begin(isdr: &mut Isdr) {
    let active = isdr.state.mechanisms.ipae_active && isdr.ecasd.ipae.is_some();
    if !active || !isdr.toolkit.knows_bearers() {
        return;
    }
    isdr.ipae.next_eim = 0;
    isdr.ipae.phase = Phase::Waiting;
    isdr.toolkit.ask(Command::SetUpEventList);
    isdr.toolkit.ask(Command::StartTimer { seconds: FIRST });
}

/// Ends whatever is under way.
pub(super) fn end(isdr: &mut Isdr) {
    isdr.ipae = Default::default();
}

/// What the terminal tells without being asked.
pub(crate) fn told(isdr: &mut Isdr, event: Event) {
    match (&mut isdr.ipae.phase, event) {
        (Phase::Waiting, Event::TimerExpired) => {
            isdr.ipae.next_eim = 0;
            next(isdr);
        }
        // Nothing comes any more.
        (Phase::Open(_), Event::TimerExpired) => close(isdr),
        (Phase::Open(connection), Event::DataAvailable { channel, length })
            if connection.channel == channel && length > 0 =>
        {
            isdr.toolkit.ask(Command::ReceiveData { channel, length });
        }
        (Phase::Open(connection), Event::ChannelLost { channel })
            if connection.channel == channel =>
        {
            close(isdr);
        }
        _ => {}
    }
}

/// What became of a command.
pub(crate) fn answered(
    isdr: &mut Isdr,
    command: &Command,
    answer: Answer,
    env: &mut Environment<'_>,
) {
    let phase = core::mem::take(&mut isdr.ipae.phase);
    match (phase, command) {
        (Phase::Opening(eim), Command::OpenChannel { address, .. }) => {
            let channel = answer.channel.filter(|_| answer.performed);
            let connection = channel.and_then(|channel| {
                let peer = peer(isdr, eim, *address)?;
                Connection::start(channel, eim, peer, isdr, env)
            });
            match (connection, channel) {
                (Some(connection), _) => isdr.ipae.phase = Phase::Open(Box::new(connection)),
                (None, Some(channel)) => {
                    isdr.ipae.phase = Phase::Closing;
                    isdr.toolkit.ask(Command::CloseChannel { channel });
                }
                (None, None) => next(isdr),
            }
        }
        (Phase::Open(mut connection), Command::ReceiveData { .. }) if answer.performed => {
            let progress = connection.received(&answer, isdr, env);
            let channel = connection.channel;
            isdr.ipae.phase = Phase::Open(connection);
            if progress == Progress::Over {
                close(isdr);
            } else if answer.more > 0 {
                let length = answer.more;
                isdr.toolkit.ask(Command::ReceiveData { channel, length });
            }
        }
        (phase @ Phase::Open(_), Command::SendData { .. } | Command::ReceiveData { .. })
            if !answer.performed =>
        {
            isdr.ipae.phase = phase;
            close(isdr);
        }
        (Phase::Closing, Command::CloseChannel { .. }) => next(isdr),
        (phase, _) => isdr.ipae.phase = phase,
    }
}

/// Closes the channel; what was to be sent on it is not sent.
fn close(isdr: &mut Isdr) {
    if let Phase::Open(connection) = core::mem::take(&mut isdr.ipae.phase) {
        let channel = connection.channel;
        isdr.toolkit.forget_channel();
        isdr.ipae.phase = Phase::Closing;
        isdr.toolkit.ask(Command::CloseChannel { channel });
    }
}

/// The next eIM that can be reached, or the timer until the next round. While a
/// REFRESH waits there is nothing to do: the terminal begins anew after it.
fn next(isdr: &mut Isdr) {
    while !isdr.toolkit.refresh_pending() && isdr.ipae.next_eim < isdr.state.eims.len() {
        let eim = isdr.ipae.next_eim;
        isdr.ipae.next_eim = eim + 1;
        if tls_key_of(isdr, eim).is_none() {
            continue;
        }
        if let Some((address, port)) = address(isdr, eim) {
            isdr.ipae.phase = Phase::Opening(eim);
            isdr.toolkit.ask(Command::StartTimer { seconds: LONGEST });
            isdr.toolkit.ask(Command::OpenChannel { address, port });
            return;
        }
    }
    isdr.ipae.phase = Phase::Waiting;
    let interval = isdr.ecasd.ipae.as_ref().map(|ipae| ipae.poll_interval);
    let seconds = interval.unwrap_or(FIRST);
    isdr.toolkit.ask(Command::StartTimer { seconds });
}

fn tls_key_of(isdr: &Isdr, eim: usize) -> Option<rsp_crypto::PublicKey> {
    tls_key(isdr.state.eims.get(eim)?)
}

/// eimFqdn, with its port.
pub(super) fn authority(isdr: &Isdr, eim: usize) -> Option<(String, u16)> {
    let fqdn = isdr.state.eims.get(eim)?.data.eim_fqdn.as_ref()?;
    match fqdn.rsplit_once(':') {
        Some((host, port)) => Some((host.into(), port.parse().ok()?)),
        None => Some((fqdn.clone(), HTTPS)),
    }
}

/// Where an eIM is: its address as it stands there, or as the card's own list
/// of hosts has it.
fn address(isdr: &Isdr, eim: usize) -> Option<([u8; 4], u16)> {
    let (host, port) = authority(isdr, eim)?;
    let literal = host.parse::<core::net::Ipv4Addr>().ok();
    let hosts = isdr.ecasd.ipae.iter().flat_map(|ipae| &ipae.hosts);
    let mut known = hosts.filter(|(name, _)| name.eq_ignore_ascii_case(&host));
    let address = literal.map(|address| address.octets());
    Some((address.or_else(|| Some(known.next()?.1))?, port))
}

fn peer(isdr: &Isdr, eim: usize, address: [u8; 4]) -> Option<Peer> {
    let (host, _) = authority(isdr, eim)?;
    let is_name = host.parse::<core::net::Ipv4Addr>().is_err();
    Some(Peer {
        name: is_name.then_some(host),
        address,
        trusted: tls_key_of(isdr, eim)?,
    })
}

/// The first request on a connection.
pub(super) fn first_request(
    isdr: &mut Isdr,
    eim: usize,
) -> Option<(exchange::Awaited, alloc::vec::Vec<u8>)> {
    exchange::next_request(isdr, eim, &[])
}
