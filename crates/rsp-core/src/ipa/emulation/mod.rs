//! An eUICC for consumer devices (SGP.22) under eIMs: the IPA stands in for the
//! functions of SGP.32 that it lacks.
//!
//! The stand-in is at the ES10 port: the IPA's procedures talk ES10b of SGP.32
//! as to any eUICC. What the eUICC knows is passed on to it; what it lacks is
//! answered from storage ([`storage`]), and what an eIM orders is done on the
//! eUICC by ES10c. One file per function.
//!
//! Packages are verified as an IoT eUICC does it. What cannot be done in its
//! place is to sign: results have a signature without octets (`5F37 00`), and
//! an eIM takes them only for a device of which it was told so.

mod add_initial_eim;
mod associations;
mod detection;
mod eco;
mod es10c;
mod fallback;
mod get_certs;
mod get_eim_configuration_data;
mod immediate_enable;
mod load_euicc_package;
mod profile_list;
mod profile_rollback;
mod psmo;
mod recovery;
mod results;
mod storage;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::EimConfigurationData;
use rsp_asn1::{Asn1, Reader};
use rsp_crypto::Provider;

use super::IpaError;
use super::channel::Channel;
use super::memory::Memory;
use super::port::Port;

pub(super) use detection::{is_refused, stand_in};
pub(super) use storage::{Card, MAX_CARDS};

/// Allows the IPA to stand in for an eUICC that has no functions for an eIM.
///
/// Whoever can write the memory of the IPA is then whoever manages the eUICC:
/// the host must protect it, and recognise an old one that was put back.
#[derive(Clone)]
pub struct Emulation {
    /// Verifies eIMs' signatures.
    pub crypto: &'static dyn Provider,
    /// The eIMs of an eUICC that is met for the first time, as for
    /// AddInitialEim (SGP.32 5.9.4).
    pub initial_eims: Vec<EimConfigurationData>,
}

impl fmt::Debug for Emulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulation")
            .field("initial_eims", &self.initial_eims)
            .finish_non_exhaustive()
    }
}

/// What stands in for the eUICC of a round.
pub(super) struct StandIn<'a> {
    port: &'a Port,
    memory: &'a Memory,
    settings: &'a Emulation,
    eid: Eid,
    /// What was installed last in this round.
    installed: RefCell<Option<immediate_enable::Installed>>,
}

impl StandIn<'_> {
    /// A function or a segment: answered here, or by the eUICC.
    pub(super) async fn send(
        &self,
        channel: &Channel<'_>,
        command: &'static str,
        bytes: &[u8],
    ) -> Result<Vec<u8>, IpaError> {
        // Not a part of every IPA's state.
        Box::pin(self.answer(channel, command, bytes)).await
    }

    async fn answer(
        &self,
        channel: &Channel<'_>,
        command: &'static str,
        bytes: &[u8],
    ) -> Result<Vec<u8>, IpaError> {
        match tag(bytes) {
            0xBF2B => self.retrieve_notifications_list(channel, bytes).await,
            0xBF30 => self.remove_notification(channel, bytes).await,
            0xBF51 => self.load_euicc_package(channel, bytes).await,
            0xBF55 => Ok(self.get_eim_configuration_data(bytes)?.to_der()),
            0xBF56 => Ok(self.get_certs(bytes)?.to_der()),
            0xBF58 => Ok(self.profile_rollback(channel, bytes).await?.to_der()),
            0xBF5A => Ok(self.immediate_enable(channel).await?.to_der()),
            0xBF5B => Ok(fallback::no_emergency_profile().to_der()),
            0xBF5C => Ok(fallback::no_emergency_to_end().to_der()),
            0xBF5D => Ok(self.execute_fallback(channel).await?.to_der()),
            0xBF5E => Ok(self.return_from_fallback(channel).await?.to_der()),
            _ => {
                let answer = channel.transmit(command, bytes).await?;
                self.watch(&answer).await?;
                Ok(answer)
            }
        }
    }

    /// Takes down what will be asked for later from what the eUICC says.
    async fn watch(&self, answer: &[u8]) -> Result<(), IpaError> {
        match tag(answer) {
            0xBF37 => self.note_installation(answer),
            0xBF38 => return self.learn_certificates_of_session(answer).await,
            _ => {}
        }
        Ok(())
    }
}

/// The tag at the beginning; 0 if there is none.
fn tag(bytes: &[u8]) -> u32 {
    Reader::new(bytes).header().map_or(0, |(tag, _)| tag.get())
}

/// A request that the IPA itself made.
fn decode<T: Asn1>(command: &'static str, bytes: &[u8]) -> Result<T, IpaError> {
    T::from_der(bytes).map_err(|error| IpaError::CardAnswer { command, error })
}
