//! A relay on loopback that counts what passes: all octets of TLS, without the
//! headers of TCP and IP.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::Failure;

/// How long connections may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What passed since the last count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// Octets to the server.
    pub(super) up: u64,
    /// Octets from the server.
    pub(super) down: u64,
    /// Connections that began.
    pub(super) connections: u64,
    /// Times that something went to the server after something came from it.
    pub(super) turns: u64,
}

impl Passed {
    /// Octets in both directions.
    pub(super) fn octets(&self) -> u64 {
        self.up + self.down
    }

    /// Counts what passed later.
    pub(super) fn add(&mut self, more: &Passed) {
        self.up += more.up;
        self.down += more.down;
        self.connections += more.connections;
        self.turns += more.turns;
    }
}

#[derive(Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
    connections: AtomicU64,
    open: AtomicU64,
    turns: AtomicU64,
    /// Whether the last octets went to the server.
    upwards: AtomicBool,
}

impl Counts {
    fn add(&self, up: bool, octets: usize) {
        let count = if up { &self.up } else { &self.down };
        count.fetch_add(octets as u64, Ordering::SeqCst);
        if octets > 0 && !self.upwards.swap(up, Ordering::SeqCst) && up {
            self.turns.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A relay to one server; it ends with the runtime that it was started in.
pub(super) struct Relay {
    pub(super) address: SocketAddr,
    counts: Arc<Counts>,
}

impl Relay {
    /// Listens, and passes on to `server`.
    pub(super) async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let counting = counts.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counting.connections.fetch_add(1, Ordering::SeqCst);
                counting.open.fetch_add(1, Ordering::SeqCst);
                let counting = counting.clone();
                tokio::spawn(async move {
                    // A connection that breaks fails at its client.
                    let _: io::Result<()> = connect(client, server, &counting).await;
                    counting.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Ok(Relay { address, counts })
    }

    /// What passed since the last count.
    pub(super) fn so_far(&self) -> Passed {
        Passed {
            up: self.counts.up.swap(0, Ordering::SeqCst),
            down: self.counts.down.swap(0, Ordering::SeqCst),
            connections: self.counts.connections.swap(0, Ordering::SeqCst),
            turns: self.counts.turns.swap(0, Ordering::SeqCst),
        }
    }

    /// The same once every connection has ended.
    pub(super) async fn finished(&self) -> Result<Passed, Failure> {
        let started = Instant::now();
        while self.counts.open.load(Ordering::SeqCst) > 0 {
            if started.elapsed() > PATIENCE {
                return Err("a connection does not end".into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(self.so_far())
    }
}

async fn connect(client: TcpStream, server: SocketAddr, counts: &Counts) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (up, down) = tokio::join!(
        pass(from_client, to_server, counts, true),
        pass(from_server, to_client, counts, false),
    );
    up.and(down)
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    counts: &Counts,
    up: bool,
) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 14];
    loop {
        let length = from.read(&mut buffer).await?;
        counts.add(up, length);
        match buffer.get(..length) {
            Some([]) | None => return to.shutdown().await,
            Some(read) => to.write_all(read).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_octet_of_both_directions_is_counted_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay::start(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = [0; 1000];
                stream.read_exact(&mut asked).await.unwrap();
                stream.write_all(&[7; 20_000]).await.unwrap();
            }
        });
        for _ in 0..3 {
            let mut stream = TcpStream::connect(relay.address).await.unwrap();
            stream.write_all(&[1; 1000]).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert_eq!(answer, [7; 20_000]);
        }
        let expected = Passed {
            up: 3000,
            down: 60_000,
            connections: 3,
            turns: 3,
        };
        assert_eq!(relay.finished().await.unwrap(), expected);
        assert_eq!(relay.so_far(), Passed::default());
    }
}
