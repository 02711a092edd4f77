//! Local profile assistant (SGP.22 3.1, 3.2): what the user of a device asks of
//! its eUICC without an eIM. One task, on a channel of its own; the answer is an
//! event.

mod download;
mod profiles;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;

use rsp_asn1::Extensions;
use rsp_asn1::ids::{Eid, Iccid};
use rsp_asn1::rsp::{
    EuiccInfo2, GetEuiccDataRequest, GetEuiccDataResponse, NotificationMetadata, ProfileInfo,
};

use super::channel::Channel;
use super::memory::Memory;
use super::poll::{Round, TAG_EID};
use super::port::Port;
use super::{ActivationCode, Config, Event, IpaError};

/// `hashCc` for a transaction (SGP.22 3.1.3): SHA-256(SHA-256(code) ||
/// transactionId). The host has the cryptography, and the code.
pub type HashCc = Box<dyn Fn(&[u8]) -> [u8; 32]>;

/// What a user asks for.
pub enum Task {
    /// All profiles.
    List,
    /// ES10c.EnableProfile.
    Enable(Iccid),
    /// ES10c.DisableProfile.
    Disable(Iccid),
    /// ES10c.DeleteProfile.
    Delete(Iccid),
    /// ES10c.SetNickname; at most 64 octets.
    Nickname(Iccid, String),
    /// The eUICC itself.
    Info,
    /// What notifications wait.
    Notifications,
    /// Delivers the notifications that wait, or the one with this number.
    Send(Option<i64>),
    /// Removes a notification from the eUICC.
    Remove(i64),
    /// Asks the SM-DS of this address for events, or the root SM-DS.
    Discover(Option<String>),
    /// Downloads a profile.
    Download(ActivationCode, Option<HashCc>),
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::List => "List",
            Task::Enable(_) => "Enable",
            Task::Disable(_) => "Disable",
            Task::Delete(_) => "Delete",
            Task::Nickname(..) => "Nickname",
            Task::Info => "Info",
            Task::Notifications => "Notifications",
            Task::Send(_) => "Send",
            Task::Remove(_) => "Remove",
            Task::Discover(_) => "Discover",
            Task::Download(..) => "Download",
        })
    }
}

/// What comes of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// The profiles.
    Profiles(Vec<ProfileInfo>),
    /// The eUICC.
    Info(Box<Info>),
    /// The notifications.
    Notifications(Vec<NotificationMetadata>),
    /// An activation code for each event that was found.
    Events(Vec<ActivationCode>),
    /// The profile that was installed.
    Installed(Option<Iccid>),
}

/// What an eUICC says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Its EID.
    pub eid: Eid,
    /// EUICCInfo2.
    pub euicc_info2: EuiccInfo2,
    /// Default SM-DP+.
    pub default_smdp_address: Option<String>,
    /// Root SM-DS.
    pub root_smds_address: Option<String>,
}

/// Carries a task out; the end of it is [`Event::Stopped`].
pub(super) async fn run(port: Port, config: Config, task: Task) {
    let done = Box::pin(on_channel(&port, &config, &task)).await;
    match done {
        Ok(answer) => port.event(Event::LocalAnswer(answer)),
        Err(error) => port.event(Event::Failed {
            reason: error.to_string(),
        }),
    }
    port.event(Event::Idle);
    port.event(Event::Stopped);
}

async fn on_channel(port: &Port, config: &Config, task: &Task) -> Result<Answer, IpaError> {
    let channel = Channel::open(port, config.block_size).await?;
    let get_eid = GetEuiccDataRequest {
        tag_list: TAG_EID,
        extensions: Extensions::default(),
    };
    let eid: Result<GetEuiccDataResponse, IpaError> = channel.call("GetEID", &get_eid).await;
    let done = match eid {
        Ok(eid) => {
            let (memory, _) = Memory::load(None);
            memory.begin(eid.eid_value);
            let round = Round {
                port,
                config,
                memory: &memory,
                channel: &channel,
                eid: eid.eid_value,
                forwarder: core::cell::RefCell::new(None),
                processed: &Cell::new(0),
            };
            round.carry_out(task).await
        }
        Err(error) => Err(error),
    };
    channel.close().await;
    done
}

impl Round<'_> {
    async fn carry_out(&self, task: &Task) -> Result<Answer, IpaError> {
        match task {
            Task::List => Ok(Answer::Profiles(self.profiles().await?)),
            Task::Enable(iccid) => self.enable(*iccid).await,
            Task::Disable(iccid) => self.disable(*iccid).await,
            Task::Delete(iccid) => self.delete(*iccid).await,
            Task::Nickname(iccid, nickname) => self.set_nickname(*iccid, nickname).await,
            Task::Info => self.info().await,
            Task::Notifications => {
                let waiting = self.waiting_notifications(None).await?;
                let metadata = waiting.iter().filter_map(|one| one.metadata().cloned());
                Ok(Answer::Notifications(metadata.collect()))
            }
            Task::Send(number) => self.send(*number).await,
            Task::Remove(number) => {
                self.remove_notification(*number).await?;
                Ok(Answer::Done)
            }
            Task::Discover(address) => {
                let codes = self.discover(address.as_deref()).await?;
                let codes = codes.iter().filter_map(|code| code.parse().ok());
                Ok(Answer::Events(codes.collect()))
            }
            Task::Download(code, hash_cc) => self.download_locally(code, hash_cc.as_ref()).await,
        }
    }

    async fn info(&self) -> Result<Answer, IpaError> {
        let addresses = self.addresses().await?;
        Ok(Answer::Info(Box::new(Info {
            eid: self.eid,
            euicc_info2: self.euicc_info2().await?,
            default_smdp_address: addresses.default_dp_address,
            root_smds_address: addresses.root_ds_address,
        })))
    }

    /// Delivers notifications, oldest first; one that is not taken stays and
    /// does not hold up the others.
    async fn send(&self, number: Option<i64>) -> Result<Answer, IpaError> {
        let mut waiting = self.waiting_notifications(None).await?;
        waiting.retain(|one| number.is_none_or(|number| one.seq_number() == number));
        if number.is_some() && waiting.is_empty() {
            return Err(IpaError::Protocol("no notification has this number"));
        }
        waiting.sort_by_key(|one| one.seq_number());
        let mut outcome = Ok(());
        for notification in waiting {
            outcome = outcome.and(self.deliver_notification(notification).await);
        }
        outcome.map(|()| Answer::Done)
    }
}
