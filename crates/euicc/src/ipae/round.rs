//! A round: one eIM after another, and the SM-DP+s that they name, then the
//! timer.

use alloc::boxed::Box;
use alloc::string::String;

use super::connection::{Connection, Progress};
use super::{Phase, Server, device_info, download, notifications};
use crate::association::tls_key;
use crate::cat::{Answer, Command, Event};
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::tls::{Peer, Trust};

/// Seconds from the start of the terminal to the first round.
const FIRST: u32 = 5;

/// Seconds that one server gets; in a download, that each of its responses gets.
const LONGEST: u32 = 120;

/// Channels in one round.
const MAX_CHANNELS: usize = 16;

/// Port of ESipa where an address has none.
const HTTPS: u16 = 443;

/// Begins to wait for the first round, if the IPA is active and the terminal
/// has timers and channels.
pub(super) fn begin(isdr: &mut Isdr) {
    let active = isdr.state.mechanisms.ipae_active && isdr.ecasd.ipae.is_some();
    if !active || !isdr.toolkit.knows_bearers() {
        return;
    }
    isdr.ipae = super::Ipae {
        phase: Phase::Waiting,
        ..Default::default()
    };
    isdr.toolkit.ask(Command::SetUpEventList);
    if isdr.toolkit.knows_local_information() {
        isdr.toolkit.ask(Command::ProvideImei);
    }
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
            isdr.ipae.channels = 0;
            isdr.ipae.servers.clear();
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
    if *command == Command::ProvideImei {
        isdr.ipae.imei = device_info::imei(&answer.imei).filter(|_| answer.performed);
        return;
    }
    let phase = core::mem::take(&mut isdr.ipae.phase);
    match (phase, command) {
        (Phase::Opening(server), Command::OpenChannel { address, .. }) => {
            let channel = answer.channel.filter(|_| answer.performed);
            opened(isdr, server, *address, channel, env);
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

/// The terminal has opened a channel, or has not.
fn opened(
    isdr: &mut Isdr,
    server: Server,
    address: [u8; 4],
    channel: Option<u8>,
    env: &mut Environment<'_>,
) {
    let Some(channel) = channel else {
        // A download that waits for this channel is over.
        download::broken_off(isdr);
        return next(isdr);
    };
    let connection = peer(isdr, &server, address)
        .and_then(|peer| Connection::start(channel, server, peer, isdr, env));
    match connection {
        Some(connection) => isdr.ipae.phase = Phase::Open(Box::new(connection)),
        None => {
            download::broken_off(isdr);
            isdr.ipae.phase = Phase::Closing;
            isdr.toolkit.ask(Command::CloseChannel { channel });
        }
    }
}

/// Closes the channel; what was to be sent on it is not sent. A download that
/// used it is over; one that needs another is not.
fn close(isdr: &mut Isdr) {
    if let Phase::Open(connection) = core::mem::take(&mut isdr.ipae.phase) {
        let channel = connection.channel;
        let waits = isdr
            .ipae
            .download
            .as_ref()
            .is_some_and(|d| d.smdp().is_some());
        if !(waits && matches!(connection.server, Server::Eim(_))) {
            download::broken_off(isdr);
        }
        isdr.toolkit.forget_channel();
        isdr.ipae.phase = Phase::Closing;
        isdr.toolkit.ask(Command::CloseChannel { channel });
    }
}

/// Time for one more response.
pub(super) fn more_time(isdr: &mut Isdr) {
    isdr.toolkit.ask(Command::StartTimer { seconds: LONGEST });
}

/// The next server that can be reached, or the timer until the next round. While
/// a REFRESH waits there is nothing to do: the terminal begins anew after it.
fn next(isdr: &mut Isdr) {
    while !isdr.toolkit.refresh_pending() && isdr.ipae.channels < MAX_CHANNELS {
        let Some(server) = next_server(isdr) else {
            break;
        };
        if let Server::Smdp(address) = &server {
            isdr.ipae.servers.push(address.clone());
        }
        if let Some((address, port)) = reachable(isdr, &server) {
            isdr.ipae.channels += 1;
            isdr.ipae.phase = Phase::Opening(server);
            more_time(isdr);
            isdr.toolkit.ask(Command::OpenChannel { address, port });
            return;
        }
        if matches!(server, Server::Smdp(_)) {
            download::broken_off(isdr);
        }
    }
    // With nobody left to report to in this round.
    download::broken_off(isdr);
    isdr.ipae.phase = Phase::Waiting;
    let interval = isdr.ecasd.ipae.as_ref().map(|ipae| ipae.poll_interval);
    let seconds = interval.unwrap_or(FIRST);
    isdr.toolkit.ask(Command::StartTimer { seconds });
}

/// The SM-DP+ of a download that waits; one that has to hear of an
/// interruption; one eIM after another; then who else is owed a notification.
fn next_server(isdr: &mut Isdr) -> Option<Server> {
    let download = isdr.ipae.download.as_ref();
    if let Some(address) = download.and_then(|download| download.smdp()) {
        return Some(Server::Smdp(address.into()));
    }
    if let Some(address) = notifications::next_server(isdr, true) {
        return Some(Server::Smdp(address));
    }
    let eim = isdr.ipae.next_eim;
    if eim < isdr.state.eims.len() {
        isdr.ipae.next_eim = eim + 1;
        return Some(Server::Eim(eim));
    }
    notifications::next_server(isdr, false).map(Server::Smdp)
}

fn tls_key_of(isdr: &Isdr, eim: usize) -> Option<rsp_crypto::PublicKey> {
    tls_key(isdr.state.eims.get(eim)?)
}

/// Host and port of a server.
pub(super) fn authority(isdr: &Isdr, server: &Server) -> Option<(String, u16)> {
    match server {
        Server::Eim(eim) => split(isdr.state.eims.get(*eim)?.data.eim_fqdn.as_ref()?),
        Server::Smdp(address) => split(address),
    }
}

fn split(address: &str) -> Option<(String, u16)> {
    match address.rsplit_once(':') {
        Some((host, port)) => Some((host.into(), port.parse().ok()?)),
        None => Some((address.into(), HTTPS)),
    }
}

/// Where a server is that the card can believe.
fn reachable(isdr: &Isdr, server: &Server) -> Option<([u8; 4], u16)> {
    match server {
        Server::Eim(eim) => {
            tls_key_of(isdr, *eim)?;
            place(isdr, isdr.state.eims.get(*eim)?.data.eim_fqdn.as_ref()?)
        }
        Server::Smdp(address) => place(isdr, address),
    }
}

/// Where an address is: as it stands there, or as the card's own list of hosts
/// has it.
pub(super) fn place(isdr: &Isdr, address: &str) -> Option<([u8; 4], u16)> {
    let (host, port) = split(address)?;
    let literal = host.parse::<core::net::Ipv4Addr>().ok();
    let hosts = isdr.ecasd.ipae.iter().flat_map(|ipae| &ipae.hosts);
    let mut known = hosts.filter(|(name, _)| name.eq_ignore_ascii_case(&host));
    let address = literal.map(|address| address.octets());
    Some((address.or_else(|| Some(known.next()?.1))?, port))
}

fn peer(isdr: &Isdr, server: &Server, address: [u8; 4]) -> Option<Peer> {
    let (host, _) = authority(isdr, server)?;
    let is_name = host.parse::<core::net::Ipv4Addr>().is_err();
    Some(Peer {
        name: is_name.then_some(host),
        address,
        trust: match server {
            Server::Eim(eim) => Trust::Key(tls_key_of(isdr, *eim)?),
            Server::Smdp(_) => Trust::Smdp(isdr.ecasd.ci.clone()),
        },
    })
}
