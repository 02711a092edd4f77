//! AUTHENTICATE (3GPP TS 31.102 7.1, TS 31.103 7.1).

use alloc::vec::Vec;

use rsp_crypto::Provider;

use super::super::aka::{Answer, Authentication, Subscription, c3};
use super::super::apdu::{Command, Reply, Sw};
use super::super::card::Uicc;
use super::super::fs::{Body, FileId};

/// EF.UST and, in an ISIM, EF.IST elsewhere: only the USIM's is asked.
const EF_UST: u16 = 0x6F38;
/// Services of EF.UST (TS 31.102 4.2.8).
const GSM_ACCESS: usize = 27;
const GSM_SECURITY_CONTEXT: usize = 38;

/// P2: authentication contexts.
const CONTEXT_GSM: u8 = 0x80;
const CONTEXT_3G: u8 = 0x81;

impl Uicc {
    /// AUTHENTICATE in the 3G (IMS AKA) and the GSM context.
    pub(super) fn authenticate(
        &mut self,
        number: u8,
        command: &Command<'_>,
        provider: &dyn Provider,
    ) -> Result<Reply, Sw> {
        let dir = self.current_dir(number);
        let adf = self.fs.application(dir).ok_or(Sw::CONDITIONS)?;
        let has_gsm = self.has_service(adf, GSM_SECURITY_CONTEXT);
        match (command.p1, command.p2) {
            (0, CONTEXT_3G) => {}
            (0, CONTEXT_GSM) if has_gsm => {}
            _ => return Err(Sw::WRONG_P1_P2),
        }
        self.require_pin(adf)?;
        let kc = self.has_service(adf, GSM_ACCESS);
        let subscription = self.subscription(adf).ok_or(Sw::CONDITIONS)?;
        if command.p2 == CONTEXT_GSM {
            return gsm_context(subscription, command.data, provider);
        }
        umts_context(subscription, command.data, provider, kc)
    }

    /// The application's PIN must be verified, unless it is disabled.
    pub(super) fn require_pin(&self, adf: FileId) -> Result<(), Sw> {
        let Some(Body::Directory { pins, .. }) = self.fs.body(adf) else {
            return Err(Sw::CONDITIONS);
        };
        let pin = pins.iter().find(|reference| matches!(reference, 1..=8));
        match pin {
            Some(pin) if !self.codes.is_satisfied(&self.fs, adf, *pin) => Err(Sw::SECURITY_STATUS),
            _ => Ok(()),
        }
    }

    /// The parameters of an ADF, or of the one it shares them with.
    fn subscription(&mut self, adf: FileId) -> Option<&mut Subscription> {
        let of = |all: &[(FileId, Authentication)], adf| all.iter().position(|(of, _)| *of == adf);
        let index = of(&self.authentications, adf)?;
        let index = match self.authentications.get(index)?.1 {
            Authentication::Mapped(source) => of(&self.authentications, source)?,
            Authentication::Own(_) => index,
        };
        match self.authentications.get_mut(index) {
            Some((_, Authentication::Own(subscription))) => Some(subscription),
            _ => None,
        }
    }

    /// Whether EF.UST says that a service is available.
    pub(super) fn has_service(&self, adf: FileId, service: usize) -> bool {
        let table = self.fs.child(adf, EF_UST).and_then(|id| self.fs.body(id));
        let Some(Body::Transparent { octets }) = table else {
            return false;
        };
        let index = service - 1;
        let octet = octets.get(index / 8).copied().unwrap_or(0);
        octet >> (index % 8) & 1 == 1
    }
}

fn umts_context(
    subscription: &mut Subscription,
    data: &[u8],
    provider: &dyn Provider,
    with_kc: bool,
) -> Result<Reply, Sw> {
    let (rand, rest) = length_and_rand(data)?;
    let (autn, rest) = length_and_value(rest, subscription.function.autn_length())?;
    if !rest.is_empty() {
        return Err(Sw::WRONG_DATA);
    }
    let answer = subscription.authenticate(provider, &rand, autn);
    let mut out = Vec::new();
    match answer.map_err(|_| Sw::MEMORY_PROBLEM)? {
        Answer::Success(keys) => {
            out.push(0xDB);
            push_value(&mut out, &keys.res);
            push_value(&mut out, &keys.ck);
            push_value(&mut out, &keys.ik);
            if let Some(kc) = c3(&keys).filter(|_| with_kc) {
                push_value(&mut out, &kc);
            }
        }
        Answer::SynchronisationFailure { auts } => {
            out.push(0xDC);
            push_value(&mut out, &auts);
        }
        Answer::MacFailure => return Err(Sw::WRONG_MAC),
        Answer::Exhausted => return Err(Sw::CONDITIONS),
    }
    Ok(Reply::Response(out))
}

fn gsm_context(
    subscription: &mut Subscription,
    data: &[u8],
    provider: &dyn Provider,
) -> Result<Reply, Sw> {
    let (rand, rest) = length_and_rand(data)?;
    if !rest.is_empty() {
        return Err(Sw::WRONG_DATA);
    }
    let answer = subscription.gsm(provider, &rand);
    let answer = answer.map_err(|_| Sw::CONDITIONS)?;
    let (sres, kc) = answer.ok_or(Sw::CONDITIONS)?;
    let mut out = Vec::new();
    push_value(&mut out, &sres);
    push_value(&mut out, &kc);
    Ok(Reply::Response(out))
}

/// RAND behind its length.
fn length_and_rand(data: &[u8]) -> Result<([u8; 16], &[u8]), Sw> {
    let (rand, rest) = length_and_value(data, 16)?;
    let rand = rand.try_into().map_err(|_| Sw::WRONG_LENGTH)?;
    Ok((rand, rest))
}

/// A value behind its length, which must be this one.
fn length_and_value(data: &[u8], length: usize) -> Result<(&[u8], &[u8]), Sw> {
    let (said, rest) = data.split_first().ok_or(Sw::WRONG_DATA)?;
    if usize::from(*said) != length {
        return Err(Sw::WRONG_DATA);
    }
    rest.split_at_checked(length).ok_or(Sw::WRONG_LENGTH)
}

fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    out.push(value.len() as u8);
    out.extend(value);
}
