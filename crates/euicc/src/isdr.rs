//! The ISD-R: state, session and the table of its functions.

use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{ENABLED_PROFILE, IPAE_SUPPORTED, IsdrProprietaryApplicationTemplateIot};
use rsp_asn1::{Asn1, BitString, Tag, Tlv, Writer};

use crate::apdu::Status;
use crate::cat::Toolkit;
use crate::es10::load_bpp::Interruptible;
use crate::es10::{
    authenticate_server, cancel_session, certs, configured_addresses, connectivity_parameters,
    eim_configuration, emergency, euicc_challenge, euicc_info, fallback, immediate_enable,
    load_bpp, local_profiles, memory_reset, nickname, notifications, prepare_download,
    profiles_info, rat, rollback,
};
use crate::ipae::{Ipae, activation};
use crate::ota::Ota;
use crate::package;
use crate::personalisation::{Environment, EuiccKind, Personalisation};
use crate::record::Record;
use crate::session::Session;
use crate::signers::Signers;
use crate::state::{ProfileEvent, State};
use crate::switch::Switch;

/// AID of the ISD-R (SGP.22 2.4.2).
pub(crate) const ISDR_AID: [u8; 16] = [
    0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01, 0x00,
];

/// SGP.22 version that the card follows.
pub(crate) const SVN: [u8; 3] = [2, 5, 0];

/// An ES10 function: the whole command in, the whole response out.
type Function = fn(&mut Isdr, &[u8], &mut Environment<'_>) -> Result<Vec<u8>, Status>;

/// Everything behind the ISD-R's AID.
pub(crate) struct Isdr {
    pub(crate) ecasd: Personalisation,
    pub(crate) signers: Signers,
    pub(crate) state: State,
    pub(crate) session: Session,
    /// An installation that lost power and that nobody has been told of yet.
    pub(crate) interrupted: Option<Interruptible>,
    /// What a package has ordered and its result already reports; done when
    /// the host has the result.
    pub(crate) pending: Option<Switch>,
    /// What the terminal is asked for; a switch may wait for a REFRESH.
    pub(crate) toolkit: Toolkit,
    pub(crate) ipae: Ipae,
    pub(crate) ota: Ota,
    /// What it did, if somebody wants to know.
    pub(crate) record: Option<Record>,
    /// Whether functions are refused until the next reset.
    silent: bool,
}

impl Isdr {
    pub(crate) fn new(ecasd: Personalisation) -> Isdr {
        let state = State::new(
            ecasd.default_dp_address.clone(),
            ecasd.next_association_token,
        );
        Isdr {
            signers: Signers::new(&ecasd),
            ecasd,
            state,
            session: Session::None,
            interrupted: None,
            pending: None,
            toolkit: Toolkit::default(),
            ipae: Ipae::default(),
            ota: Ota::default(),
            record: None,
            silent: false,
        }
    }

    /// Executes one command: the concatenated blocks of a STORE DATA chain.
    ///
    /// A command that is by itself one of the functions is that function, also
    /// amid a Bound Profile Package. Anything else there is a part of it.
    pub(crate) fn execute(
        &mut self,
        command: &[u8],
        env: &mut Environment<'_>,
    ) -> Result<Vec<u8>, Status> {
        if self.silent {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        if let Some(function) = function_of(command, self.ecasd.kind) {
            return function(self, command, env);
        }
        load_bpp::segment(self, command, env)
    }

    /// Power is gone: the session is lost, an installation under way fails.
    pub(crate) fn power_cycle(&mut self) {
        self.end_session();
        self.toolkit = Toolkit::default();
        self.ipae = Ipae::default();
        self.ota = Ota::default();
        self.settle();
        self.silent = false;
    }

    /// The terminal has done a REFRESH: profiles switch as with a reset.
    pub(crate) fn refreshed(&mut self) {
        self.toolkit.clear();
        self.ipae = Ipae::default();
        self.settle();
        self.silent = false;
    }

    /// Forgets the session; an installation that it had begun fails with a
    /// notification.
    pub(crate) fn end_session(&mut self) {
        let interrupted = self.interruptible();
        self.interrupted = None;
        self.session = Session::None;
        if let Some(download) = interrupted {
            load_bpp::interrupt(self, &download);
        }
    }

    /// The installation that would fail if power went now.
    pub(crate) fn interruptible(&self) -> Option<Interruptible> {
        match &self.session {
            Session::Loading(load) if load.is_channel_open() => Some(Interruptible::of(load)),
            _ => self.interrupted.clone(),
        }
    }

    /// Begins a switch of profiles that the device has ordered: after a REFRESH
    /// or, without one, when it has read the response.
    pub(crate) fn begin_switch(
        &mut self,
        events: Vec<(Iccid, ProfileEvent)>,
        refresh_flag: bool,
    ) -> Result<(), Status> {
        let number = self.state.notifications.next_number();
        let switch = self.prepare_switch(events, refresh_flag, number)?;
        self.order(switch, refresh_flag);
        Ok(())
    }

    /// A switch for [`Isdr::order`] whose first notification gets this number.
    pub(crate) fn prepare_switch(
        &self,
        events: Vec<(Iccid, ProfileEvent)>,
        refresh_flag: bool,
        first_number: i64,
    ) -> Result<Switch, Status> {
        match self.asks_for_refresh(refresh_flag) {
            true => Ok(Switch::later(events)),
            false => Switch::prepare(self, events, first_number),
        }
    }

    /// Begins a switch.
    pub(crate) fn order(&mut self, switch: Switch, refresh_flag: bool) {
        self.pending = Some(switch);
        if self.asks_for_refresh(refresh_flag) {
            self.toolkit.ask_for_refresh();
        }
    }

    /// Whether a switch waits for a REFRESH. Only a terminal that has said that
    /// it knows proactive commands is sent one. That consumer devices know
    /// them is taken for granted.
    fn asks_for_refresh(&self, refresh_flag: bool) -> bool {
        let known = self.toolkit.knows_refresh();
        let known = known.unwrap_or(self.ecasd.kind == EuiccKind::Consumer);
        refresh_flag && known
    }

    /// Does what was ordered last.
    pub(crate) fn settle(&mut self) {
        if let Some(switch) = self.pending.take() {
            self.silent |= self.ecasd.silent_until_reset && switch.changes_profile();
            switch.apply(self);
        }
        self.put_down();
    }

    /// Memory left for profiles, in bytes.
    pub(crate) fn free_memory(&self) -> usize {
        self.ecasd.memory.saturating_sub(self.state.memory_used())
    }

    /// File control information of the ISD-R (SGP.22 5.7.1, SGP.32 5.9.1).
    pub(crate) fn fci(&self) -> Vec<u8> {
        let mut bits = Vec::new();
        if self.ecasd.ipae.is_some() {
            bits.push(IPAE_SUPPORTED);
        }
        if self.state.enabled().is_some() {
            bits.push(ENABLED_PROFILE);
        }
        let iot = IsdrProprietaryApplicationTemplateIot {
            euicc_configuration: BitString::of(&bits),
            extensions: Default::default(),
        };
        let mut out = Writer::new();
        out.constructed(Tag::new(0x6F), |out| {
            out.primitive(Tag::new(0x84), &ISDR_AID);
            out.constructed(Tag::new(0xA5), |out| {
                // Longest data field of one command.
                out.primitive(Tag::new(0x9F65), &[0xFF]);
            });
            out.constructed(Tag::new(0xE0), |out| {
                out.primitive(Tag::new(0x82), &SVN);
            });
            if self.ecasd.kind == EuiccKind::Iot {
                iot.encode(out);
            }
        });
        out.into_bytes()
    }
}

/// The function that a command is, of those that this kind of eUICC has.
/// LoadBoundProfilePackage is not among them: its commands are no complete
/// TLVs.
fn function_of(command: &[u8], kind: EuiccKind) -> Option<Function> {
    let tag = Tlv::parse(command).ok()?.tag;
    common(tag).or_else(|| match kind {
        EuiccKind::Iot => of_iot(tag),
        EuiccKind::Consumer => of_consumer(tag),
    })
}

fn common(tag: Tag) -> Option<Function> {
    Some(match tag.get() {
        0xBF20 => euicc_info::get_euicc_info1,
        0xBF21 => prepare_download::prepare_download,
        0xBF22 => euicc_info::get_euicc_info2,
        0xBF29 => nickname::set_nickname,
        0xBF28 => notifications::list_notification,
        0xBF2B => notifications::retrieve_notifications_list,
        0xBF2D => profiles_info::get_profiles_info,
        0xBF2E => euicc_challenge::get_euicc_challenge,
        0xBF30 => notifications::remove_notification_from_list,
        0xBF38 => authenticate_server::authenticate_server,
        0xBF3C => configured_addresses::get_euicc_configured_addresses,
        0xBF3E => euicc_info::get_eid,
        0xBF3F => configured_addresses::set_default_dp_address,
        0xBF41 => cancel_session::cancel_session,
        0xBF43 => rat::get_rat,
        _ => return None,
    })
}

fn of_consumer(tag: Tag) -> Option<Function> {
    Some(match tag.get() {
        0xBF31 => local_profiles::enable_profile,
        0xBF32 => local_profiles::disable_profile,
        0xBF33 => local_profiles::delete_profile,
        0xBF34 => memory_reset::euicc_memory_reset,
        _ => return None,
    })
}

fn of_iot(tag: Tag) -> Option<Function> {
    Some(match tag.get() {
        0xBF42 => activation::ipae_activation,
        0xBF51 => package::load_euicc_package,
        0xBF55 => eim_configuration::get_eim_configuration_data,
        0xBF56 => certs::get_certs,
        0xBF57 => eim_configuration::add_initial_eim,
        0xBF58 => rollback::profile_rollback,
        0xBF59 => immediate_enable::configure_immediate_profile_enabling,
        0xBF5A => immediate_enable::immediate_enable,
        0xBF5B => emergency::enable_emergency_profile,
        0xBF5C => emergency::disable_emergency_profile,
        0xBF5D => fallback::execute_fallback_mechanism,
        0xBF5E => fallback::return_from_fallback,
        0xBF5F => connectivity_parameters::get_connectivity_parameters,
        0xBF64 => memory_reset::euicc_memory_reset_iot,
        0xBF65 => configured_addresses::set_default_dp_address_iot,
        _ => return None,
    })
}
