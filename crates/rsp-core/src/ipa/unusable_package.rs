//! eIM Packages that this IPA cannot use (SGP.32 5.14.6): the eIM is told of
//! each, so that it neither waits nor offers the package for ever.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::sgp32::{
    EimPackageResult, EimPackageResultErrorCode, EimPackageResultResponseError,
    EuiccPackageRequest, GetEimPackageResponse, IpaEuiccDataErrorCode, IpaEuiccDataRequest,
    IpaEuiccDataResponse, ProfileDownloadTriggerRequest,
};
use rsp_asn1::{Extensions, Reader, Tag, Tagged, Tlv};

use super::poll::{Eim, Round};
use super::{Event, IpaError, euicc_data};
use crate::binding::esipa::EsipaBinding;
use crate::binding::json::from_base64;
use crate::binding::{BindingError, HttpResponse};

/// `tagList` of an IpaEuiccDataRequest.
const TAG_LIST: Tag = Tag::new(0x5C);

/// Members of the JSON binding that are packages.
const PACKAGES_IN_JSON: [&str; 3] = [
    "euiccPackageRequest",
    "ipaEuiccDataRequest",
    "profileDownloadTriggerRequest",
];

/// Members of the JSON binding that are none.
const OTHERS_IN_JSON: [&str; 2] = ["header", "eimPackageError"];

/// A package that is none this IPA knows, and what the eIM is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnusablePackage {
    result: EimPackageResult,
    /// Why, for people.
    reason: String,
}

impl UnusablePackage {
    /// The package in an executed GetEimPackage that could not be read because
    /// of `error`; `None` if there is none in it, so that what came is no
    /// answer of an eIM at all.
    pub(super) fn find(
        binding: EsipaBinding,
        response: &HttpResponse,
        error: &BindingError,
    ) -> Option<Self> {
        if response.status != 200 {
            return None;
        }
        let reason = error.to_string();
        match binding {
            EsipaBinding::Asn1 => in_asn1(&response.body, reason),
            EsipaBinding::Json => in_json(&response.body, reason),
        }
    }
}

fn in_asn1(body: &[u8], reason: String) -> Option<UnusablePackage> {
    let response = Tlv::parse(body).ok()?;
    if response.tag != GetEimPackageResponse::TAG {
        return None;
    }
    let result = match first_tag(response.value)? {
        EuiccPackageRequest::TAG
        | IpaEuiccDataRequest::TAG
        | ProfileDownloadTriggerRequest::TAG => unreadable(response.value),
        Tag::INTEGER => return None,
        _ => response_error(EimPackageResultErrorCode::UNKNOWN_PACKAGE, None),
    };
    Some(UnusablePackage { result, reason })
}

fn in_json(body: &[u8], reason: String) -> Option<UnusablePackage> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let members = body.as_object()?;
    if !members.contains_key("header") {
        return None;
    }
    let known = PACKAGES_IN_JSON.iter().find_map(|name| members.get(*name));
    if let Some(package) = known {
        let octets = package.as_str().and_then(|text| from_base64(text).ok());
        let result = unreadable(&octets.unwrap_or_default());
        return Some(UnusablePackage { result, reason });
    }
    let mut names = members.keys().map(String::as_str);
    let unknown = names.find(|name| !OTHERS_IN_JSON.contains(name))?;
    Some(UnusablePackage {
        result: response_error(EimPackageResultErrorCode::UNKNOWN_PACKAGE, None),
        reason: format!("{unknown}: {reason}"),
    })
}

fn response_error(
    code: EimPackageResultErrorCode,
    transaction: Option<TransactionId>,
) -> EimPackageResult {
    EimPackageResult::ResponseError(EimPackageResultResponseError {
        eim_transaction_id: transaction,
        eim_package_result_error_code: code,
        extensions: Extensions::default(),
    })
}

/// What is said of a package of a known kind, whose beginning this is. A
/// request for data without a list of tags has an error of its own (SGP.32
/// 2.11.2.2).
fn unreadable(package: &[u8]) -> EimPackageResult {
    let transaction = transaction(package);
    if let Ok(request) = Tlv::parse(package)
        && request.tag == IpaEuiccDataRequest::TAG
        && let Some(tags) = tags(&request)
        && !tags.contains(&TAG_LIST)
    {
        let code = IpaEuiccDataErrorCode::INCORRECT_TAG_LIST;
        let error = euicc_data::error(code, transaction);
        return EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Error(error));
    }
    response_error(
        EimPackageResultErrorCode::INVALID_PACKAGE_FORMAT,
        transaction,
    )
}

/// Tags of all members, if each can be read.
fn tags(package: &Tlv<'_>) -> Option<Vec<Tag>> {
    let (mut members, mut tags) = (package.reader(), Vec::new());
    while !members.is_empty() {
        tags.push(members.tlv().ok()?.tag);
    }
    Some(tags)
}

/// The tag at the beginning, whether or not its element is whole.
fn first_tag(octets: &[u8]) -> Option<Tag> {
    let mut tag = Vec::from(octets.get(..1)?);
    if tag.iter().all(|first| first & 0x1F == 0x1F) {
        tag.extend(octets.get(1..2)?);
    }
    // A tag with a length after it is an element.
    tag.push(0);
    Some(Reader::new(&tag).tlv().ok()?.tag)
}

/// eimTransactionId of a package that has one where each kind has it, as far as
/// the package can be read.
fn transaction(package: &[u8]) -> Option<TransactionId> {
    let package = Reader::new(package).tlv().ok()?;
    let (mut members, tag) = match package.tag {
        EuiccPackageRequest::TAG => (package.reader().tlv().ok()?.reader(), 0x82),
        IpaEuiccDataRequest::TAG => (package.reader(), 0x83),
        ProfileDownloadTriggerRequest::TAG => (package.reader(), 0x82),
        _ => return None,
    };
    while let Ok(member) = members.tlv() {
        if member.tag == Tag::new(tag) {
            return TransactionId::from_bytes(member.value).ok();
        }
    }
    None
}

impl Round<'_> {
    /// Tells the eIM that its package cannot be used, and why.
    pub(super) async fn refuse_package(
        &self,
        eim: &Eim,
        package: UnusablePackage,
    ) -> Result<(), IpaError> {
        let UnusablePackage { result, reason } = package;
        self.port.event(Event::PackageRefused { reason });
        self.provide(&eim.server, result).await?;
        Ok(())
    }
}
