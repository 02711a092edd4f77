//! What builds of IPAs do otherwise than SGP.32 v1.2 has it, told from the
//! octets that they send. All of it is read as the standard's form; what a
//! build was seen to do is put down with its device, and where an answer would
//! not be understood it is given another form.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::sgp32::GetEimPackageResponse;
use rsp_asn1::{Reader, Tag, Tlv};
use serde::{Deserialize, Serialize};

use crate::binding::{HttpRequest, esipa_asn1};

/// Octets of a header that are put down.
const MAX_HEADER: usize = 80;

/// Levels of elements in a result that are looked at.
const MAX_DEPTH: usize = 8;

/// Something that a build does otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Quirk {
    /// Content-Type is none of ESipa's.
    OtherContentType,
    /// X-Admin-Protocol is missing.
    NoAdminProtocol,
    /// User-Agent is not that of an IPA (v1.2).
    OtherUserAgent,
    /// A result names no EID.
    ResultWithoutEid,
    /// rPLMN under '81' (v1.0).
    RplmnUnder81,
    /// Notifications under 'BF2B' (v1.0).
    NotificationsUnderBf2b,
    /// The default SM-DP+ address under '80' (v1.0).
    SmdpUnder80,
    /// IpaCapabilities under '88' (v1.0).
    CapabilitiesUnder88,
    /// HandleNotification with automatic tags (v1.0), or a notification alone.
    NotificationTags,
    /// The code of a package that cannot be used stands alone (v1.1).
    BareErrorCode,
    /// That code in a SEQUENCE within '80' or 'A0'.
    ErrorInSequence,
    /// 'BF51' without the tag of its alternative.
    BareResult,
    /// 'BF52' without the tag of its alternative.
    BareData,
    /// 'BF2D' without the tag of its alternative.
    BareProfileList,
    /// The tag of a tagged CHOICE stands twice.
    TagTwice,
    /// Certificates within 'A5' and 'A6' are whole.
    WholeCertificates,
    /// 'BF41' within the 'A1' of CancelSession.
    WholeCancelResponse,
}

impl Quirk {
    /// Its name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Quirk::OtherContentType => "other-content-type",
            Quirk::NoAdminProtocol => "no-admin-protocol",
            Quirk::OtherUserAgent => "other-user-agent",
            Quirk::ResultWithoutEid => "result-without-eid",
            Quirk::RplmnUnder81 => "rplmn-under-81",
            Quirk::NotificationsUnderBf2b => "notifications-under-bf2b",
            Quirk::SmdpUnder80 => "smdp-under-80",
            Quirk::CapabilitiesUnder88 => "capabilities-under-88",
            Quirk::NotificationTags => "notification-tags",
            Quirk::BareErrorCode => "bare-error-code",
            Quirk::ErrorInSequence => "error-in-sequence",
            Quirk::BareResult => "bare-result",
            Quirk::BareData => "bare-data",
            Quirk::BareProfileList => "bare-profile-list",
            Quirk::TagTwice => "tag-twice",
            Quirk::WholeCertificates => "whole-certificates",
            Quirk::WholeCancelResponse => "whole-cancel-response",
        }
    }

    /// Whether only IPAs of version 1.0 do it.
    const fn is_v1_0(self) -> bool {
        matches!(
            self,
            Quirk::RplmnUnder81
                | Quirk::NotificationsUnderBf2b
                | Quirk::SmdpUnder80
                | Quirk::CapabilitiesUnder88
        )
    }
}

/// A build of an IPA, as far as its messages show it. Nobody signs them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IpaBuild {
    /// User-Agent, its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// X-Admin-Protocol, its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_protocol: Option<String>,
    /// What it was seen to do otherwise, each once, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quirks: Vec<Quirk>,
}

impl IpaBuild {
    /// What a request shows. The JSON binding shows its headers alone.
    pub fn seen(request: &HttpRequest) -> IpaBuild {
        let mut seen = IpaBuild {
            user_agent: request.user_agent.as_deref().map(beginning),
            admin_protocol: request.admin_protocol.as_deref().map(beginning),
            quirks: of_headers(request),
        };
        if request.path == esipa_asn1::PATH {
            of_message(&request.body, &mut seen.quirks);
        }
        seen.quirks.sort_unstable();
        seen.quirks.dedup();
        seen
    }

    /// What is known after this was seen, too. Another User-Agent is another
    /// build; a message without one has come another way and tells nothing of
    /// it.
    #[must_use]
    pub fn with(&self, seen: &IpaBuild) -> IpaBuild {
        let another = seen.user_agent.is_some() && seen.user_agent != self.user_agent;
        let mut quirks = seen.quirks.clone();
        if !another || self.user_agent.is_none() {
            quirks.extend(&self.quirks);
        }
        quirks.sort_unstable();
        quirks.dedup();
        let (before, now) = (self.clone(), seen.clone());
        IpaBuild {
            user_agent: now.user_agent.or(before.user_agent),
            admin_protocol: now.admin_protocol.or(before.admin_protocol),
            quirks,
        }
    }

    /// Whether it is of version 1.0.
    pub fn is_v1_0(&self) -> bool {
        self.quirks.iter().any(|quirk| quirk.is_v1_0())
    }

    /// A package in the form that this build understands: version 1.0 had other
    /// tags for some of the data that can be asked for, and refuses the rest of
    /// the list with those that it does not know (SGP.32 2.11.1.2).
    pub(super) fn adapt(&self, response: GetEimPackageResponse) -> GetEimPackageResponse {
        match response {
            GetEimPackageResponse::IpaEuiccDataRequest(mut request) if self.is_v1_0() => {
                request.tag_list = v1_0_tags(&request.tag_list);
                GetEimPackageResponse::IpaEuiccDataRequest(request)
            }
            other => other,
        }
    }
}

/// The tags of version 1.0 for the same data.
fn v1_0_tags(tags: &[u8]) -> Vec<u8> {
    let mut renamed: Vec<u8> = Vec::with_capacity(tags.len());
    let mut rest = tags.iter().copied();
    let mut notifications = false;
    while let Some(tag) = rest.next() {
        match tag {
            0x81 => renamed.push(0x80),
            0xA8 => renamed.push(0x88),
            // Notifications and results were one list.
            0xA0 | 0xA2 if notifications => {}
            0xA0 | 0xA2 => {
                notifications = true;
                renamed.extend([0xBF, 0x2B]);
            }
            _ => {
                renamed.push(tag);
                if tag & 0x1F == 0x1F {
                    renamed.extend(rest.next());
                }
            }
        }
    }
    renamed
}

fn beginning(text: &str) -> String {
    let printable = text.chars().filter(|sign| !sign.is_control());
    printable.take(MAX_HEADER).collect()
}

fn of_headers(request: &HttpRequest) -> Vec<Quirk> {
    let mut quirks = Vec::new();
    let content_type = request.content_type.to_ascii_lowercase();
    let known = content_type.starts_with(esipa_asn1::CONTENT_TYPE)
        || content_type.starts_with("application/json");
    if !known {
        quirks.push(Quirk::OtherContentType);
    }
    if request.admin_protocol.is_none() {
        quirks.push(Quirk::NoAdminProtocol);
    }
    let user_agent = request.user_agent.as_deref();
    if user_agent.is_some_and(|agent| !agent.starts_with("gsma-rsp-ipa")) {
        quirks.push(Quirk::OtherUserAgent);
    }
    quirks
}

/// The elements of a message in a row; those after one that is none are left
/// out, the decoder refuses them.
fn elements(contents: &[u8]) -> Vec<Tlv<'_>> {
    let mut reader = Reader::new(contents);
    let mut found = Vec::new();
    while !reader.is_empty() {
        match reader.tlv() {
            Ok(element) => found.push(element),
            Err(_) => break,
        }
    }
    found
}

/// The contents of an element, without its tag if that stands twice.
fn contents<'a>(element: &Tlv<'a>, quirks: &mut Vec<Quirk>) -> &'a [u8] {
    match Tlv::parse(element.value) {
        Ok(inner) if inner.tag == element.tag => {
            quirks.push(Quirk::TagTwice);
            inner.value
        }
        _ => element.value,
    }
}

fn of_message(body: &[u8], quirks: &mut Vec<Quirk>) {
    let Ok(function) = Tlv::parse(body) else {
        return;
    };
    let inner = contents(&function, quirks);
    match function.tag.get() {
        0xBF4F => {
            let is_rplmn = |member: &Tlv<'_>| member.tag.get() == 0x81 && member.value.len() == 3;
            if elements(inner).iter().any(is_rplmn) {
                quirks.push(Quirk::RplmnUnder81);
            }
        }
        0xBF50 => of_provided(inner, quirks),
        0xBF3D => of_notification(inner, quirks),
        0xBF41 => {
            let is_whole = |member: &Tlv<'_>| {
                member.tag.get() == 0xA1 && first(member.value) == Some(Tag::new(0xBF41))
            };
            if elements(inner).iter().any(is_whole) {
                quirks.push(Quirk::WholeCancelResponse);
            }
        }
        _ => {}
    }
}

fn first(contents: &[u8]) -> Option<Tag> {
    elements(contents).first().map(|element| element.tag)
}

/// ESipa.ProvideEimPackageResult.
fn of_provided(inner: &[u8], quirks: &mut Vec<Quirk>) {
    let members = elements(inner);
    if members.iter().all(|member| member.tag.get() != 0x5A) {
        quirks.push(Quirk::ResultWithoutEid);
    }
    for member in &members {
        match member.tag.get() {
            0xBF51 => of_result(member, quirks),
            0xBF52 => of_data(member, quirks),
            0x30 => {
                for part in elements(member.value) {
                    match part.tag.get() {
                        0xBF51 => of_result(&part, quirks),
                        0xBF2B => quirks.push(Quirk::NotificationsUnderBf2b),
                        _ => {}
                    }
                }
            }
            0x02 => quirks.push(Quirk::BareErrorCode),
            0x80 | 0xA0 if first(member.value) == Some(Tag::new(0x30)) => {
                quirks.push(Quirk::ErrorInSequence);
            }
            _ => {}
        }
    }
}

/// ESipa.HandleNotification: 'A0' with a notification, or 'BF50'.
fn of_notification(inner: &[u8], quirks: &mut Vec<Quirk>) {
    let members = elements(inner);
    let Some(member) = members.first() else {
        return;
    };
    match member.tag.get() {
        0xBF50 => of_provided(member.value, quirks),
        0xA0 => {}
        _ => quirks.push(Quirk::NotificationTags),
    }
}

/// An eUICC Package Result.
fn of_result(result: &Tlv<'_>, quirks: &mut Vec<Quirk>) {
    let inner = contents(result, quirks);
    if !matches!(first(inner).map(Tag::get), Some(0xA0..=0xA2)) {
        quirks.push(Quirk::BareResult);
    }
    of_lists(inner, MAX_DEPTH, quirks);
}

/// Lists of profiles in a result.
fn of_lists(contents_: &[u8], depth: usize, quirks: &mut Vec<Quirk>) {
    for element in elements(contents_) {
        match element.tag.get() {
            0xBF2D => {
                let inner = contents(&element, quirks);
                if !matches!(first(inner).map(Tag::get), Some(0xA0 | 0x81)) {
                    quirks.push(Quirk::BareProfileList);
                }
            }
            0x30 | 0xA0 if depth > 0 => of_lists(element.value, depth - 1, quirks),
            _ => {}
        }
    }
}

/// IpaEuiccData.
fn of_data(data: &Tlv<'_>, quirks: &mut Vec<Quirk>) {
    let inner = contents(data, quirks);
    let alternatives = elements(inner);
    let members = match alternatives.as_slice() {
        [one] if one.tag.get() == 0xA1 => return,
        [one] if one.tag.get() == 0xA0 && !is_list_of_notifications(one.value) => {
            elements(one.value)
        }
        _ => {
            quirks.push(Quirk::BareData);
            match alternatives.as_slice() {
                [one] if one.tag.get() == 0x30 => elements(one.value),
                _ => alternatives,
            }
        }
    };
    for member in members {
        match member.tag.get() {
            0xBF2B => quirks.push(Quirk::NotificationsUnderBf2b),
            0x80 => quirks.push(Quirk::SmdpUnder80),
            0x88 => quirks.push(Quirk::CapabilitiesUnder88),
            // A whole certificate is one element, its parts are three.
            0xA5 | 0xA6 if elements(member.value).len() == 1 => {
                quirks.push(Quirk::WholeCertificates);
            }
            _ => {}
        }
    }
}

/// Whether these are notifications, which stand for themselves in 'A0'.
fn is_list_of_notifications(contents: &[u8]) -> bool {
    matches!(first(contents).map(Tag::get), Some(0x30 | 0xBF37 | 0xBF2F))
}

#[cfg(test)]
mod tests;
