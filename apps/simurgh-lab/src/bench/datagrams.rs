//! A relay for datagrams on loopback that counts what passes: all octets of
//! DTLS, without the headers of UDP and IP.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::UdpSocket;

use super::relay::Passed;

/// Octets of the largest datagram.
const LARGEST: usize = 65_536;

#[derive(Default)]
struct Counts {
    passed: Passed,
    datagrams: u64,
    upwards: bool,
}

impl Counts {
    fn add(&mut self, up: bool, octets: usize) {
        let count = match up {
            true => &mut self.passed.up,
            false => &mut self.passed.down,
        };
        *count += octets as u64;
        self.datagrams += 1;
        self.passed.turns += u64::from(up && !self.upwards);
        self.upwards = up;
    }
}

/// A relay to one server; it ends with the runtime that it was started in.
pub(super) struct DatagramRelay {
    pub(super) address: SocketAddr,
    counts: Arc<Mutex<Counts>>,
}

impl DatagramRelay {
    /// Listens, and passes on to `server`.
    pub(super) async fn start(server: SocketAddr) -> io::Result<Self> {
        let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        let address = front.local_addr()?;
        let counts = Arc::new(Mutex::new(Counts::default()));
        let counting = counts.clone();
        tokio::spawn(async move {
            let mut backs: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
            let mut datagram = vec![0; LARGEST];
            while let Ok((octets, from)) = front.recv_from(&mut datagram).await {
                let back = match backs.entry(from) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(new) => {
                        let Ok(back) = connect(server).await else {
                            continue;
                        };
                        let back = Arc::new(back);
                        lock(&counting).passed.connections += 1;
                        tokio::spawn(back_to(back.clone(), front.clone(), from, counting.clone()));
                        new.insert(back).clone()
                    }
                };
                lock(&counting).add(true, octets);
                if let Some(datagram) = datagram.get(..octets) {
                    // A datagram that is lost is sent again.
                    let _: io::Result<usize> = back.send(datagram).await;
                }
            }
        });
        Ok(DatagramRelay { address, counts })
    }

    /// What passed since the last count, and in how many datagrams.
    pub(super) fn so_far(&self) -> (Passed, u64) {
        let counts = std::mem::take(&mut *lock(&self.counts));
        (counts.passed, counts.datagrams)
    }
}

fn lock(counts: &Mutex<Counts>) -> std::sync::MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn connect(server: SocketAddr) -> io::Result<UdpSocket> {
    let back = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    back.connect(server).await?;
    Ok(back)
}

async fn back_to(
    back: Arc<UdpSocket>,
    front: Arc<UdpSocket>,
    client: SocketAddr,
    counts: Arc<Mutex<Counts>>,
) {
    let mut datagram = vec![0; LARGEST];
    while let Ok(octets) = back.recv(&mut datagram).await {
        lock(&counts).add(false, octets);
        if let Some(datagram) = datagram.get(..octets) {
            let _: io::Result<usize> = front.send_to(datagram, client).await;
        }
    }
}
