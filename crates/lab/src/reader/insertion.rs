//! A card put into a reader, and taken out again.

use std::fmt;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::thread::JoinHandle;

use euicc::{Environment, Euicc};
use rsp_crypto::Rng;
use rsp_crypto::software::SoftwareProvider;

use super::vpcd;
use crate::card_file::CardFile;

/// A card with the randomness that it uses.
pub struct Powered<C, R> {
    /// The card.
    pub card: C,
    /// Its randomness.
    pub rng: R,
}

impl<C: fmt::Debug, R> fmt::Debug for Powered<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Powered").field(&self.card).finish()
    }
}

impl<R: Rng> vpcd::Card for Powered<Euicc, R> {
    fn reset(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.card.reset())
    }

    fn transmit(&mut self, apdu: &[u8]) -> io::Result<Vec<u8>> {
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng: &mut self.rng,
        };
        Ok(self.card.transmit(apdu, &mut environment))
    }
}

impl<R: Rng> vpcd::Card for Powered<CardFile, R> {
    fn reset(&mut self) -> io::Result<Vec<u8>> {
        self.card.reset().map_err(io::Error::other)
    }

    fn transmit(&mut self, apdu: &[u8]) -> io::Result<Vec<u8>> {
        let response = self.card.transmit(apdu, &mut self.rng);
        response.map_err(io::Error::other)
    }
}

/// A card in a reader, served by a thread of its own.
#[derive(Debug)]
pub struct Insertion<C> {
    stream: TcpStream,
    thread: JoinHandle<(C, io::Result<()>)>,
}

impl<C: vpcd::Card + Send + 'static> Insertion<C> {
    /// Puts a card into the reader whose driver listens at `address`, as
    /// [`super::Pcscd::address`] says.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn new(address: &str, mut card: C) -> io::Result<Insertion<C>> {
        let mut stream = vpcd::connect(address)?;
        let ours = stream.try_clone()?;
        let thread = std::thread::spawn(move || {
            let served = vpcd::serve(&mut stream, &mut card);
            (card, served)
        });
        Ok(Insertion {
            stream: ours,
            thread,
        })
    }

    /// Pulls the card out, between two commands or amid one; gives it back.
    ///
    /// # Errors
    /// If the card panicked.
    pub fn remove(self) -> io::Result<C> {
        // The reader may have gone first.
        let _ = self.stream.shutdown(Shutdown::Both);
        let ended = self.thread.join();
        let (card, _) = ended.map_err(|_| io::Error::other("the card's thread panicked"))?;
        Ok(card)
    }
}
