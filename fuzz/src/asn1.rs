//! The wire: messages by family, each decoded and encoded again.

use std::fmt::Debug;

use rsp_asn1::ids::{Eid, Iccid, Imei, Imsi, Plmn, TransactionId};
use rsp_asn1::rsp::*;
use rsp_asn1::sgp32::*;
use rsp_asn1::{Asn1, rsp, sgp32};

/// What was read is written in a form that is read as the same value, and
/// written as the same octets.
fn settles<T: Asn1 + PartialEq + Debug>(data: &[u8]) {
    let Ok(value) = T::from_der(data) else {
        return;
    };
    let der = value.to_der();
    let again = T::from_der(&der);
    let again = again.unwrap_or_else(|error| panic!("{error} in what we wrote: {value:?}"));
    assert_eq!(again.to_der(), der);
    assert_eq!(again, value);
}

/// ESipa, both ways (SGP.32 6.3).
pub(crate) fn esipa(data: &[u8]) {
    settles::<EsipaMessageFromIpaToEim>(data);
    settles::<EsipaMessageFromEimToIpa>(data);
}

/// eUICC Packages, their results, and what eIM and IPA keep of them.
pub(crate) fn euicc_package(data: &[u8]) {
    settles::<EuiccPackageRequest>(data);
    settles::<EuiccPackageResult>(data);
    settles::<EimConfigurationData>(data);
    settles::<IpaEuiccDataResponse>(data);
    settles::<EimPackageResult>(data);
}

/// ES9+ and ES11 in the ASN.1 binding.
pub(crate) fn es9plus(data: &[u8]) {
    settles::<RemoteProfileProvisioningRequest>(data);
    settles::<RemoteProfileProvisioningResponse>(data);
}

/// A Bound Profile Package and what is in its segments.
pub(crate) fn bound_profile_package(data: &[u8]) {
    settles::<BoundProfilePackage>(data);
    settles::<InitialiseSecureChannelRequest>(data);
    settles::<ConfigureIsdpRequest>(data);
    settles::<StoreMetadataRequest>(data);
    settles::<ReplaceSessionKeysRequest>(data);
    settles::<ProfileInstallationResult>(data);
}

macro_rules! all_settle {
    ($data:ident: $($ty:ty),* $(,)?) => {
        $(settles::<$ty>($data);)*
    };
}

/// ES10 functions, requests as a card reads them and responses as an IPA does.
/// The tag selects the type, so that all of them can have every input.
pub(crate) fn es10(data: &[u8]) {
    all_settle!(data:
        AddInitialEimRequest, AddInitialEimResponse,
        AuthenticateServerRequest, AuthenticateServerResponse,
        CancelSessionRequest, CancelSessionResponse,
        ConfigureImmediateProfileEnablingRequest, ConfigureImmediateProfileEnablingResponse,
        DeleteProfileRequest, DeleteProfileResponse,
        DisableEmergencyProfileRequest, DisableEmergencyProfileResponse,
        DisableProfileRequest, DisableProfileResponse,
        EnableEmergencyProfileRequest, EnableEmergencyProfileResponse,
        EnableProfileRequest, EnableProfileResponse,
        EuiccConfiguredAddressesRequest, EuiccConfiguredAddressesResponse,
        EuiccInfo1, EuiccInfo2,
        ExecuteFallbackMechanismRequest, ExecuteFallbackMechanismResponse,
        GetCertsRequest, GetCertsResponse,
        GetConnectivityParametersRequest, GetConnectivityParametersResponse,
        GetEimConfigurationDataRequest, GetEimConfigurationDataResponse,
        GetEuiccChallengeRequest, GetEuiccChallengeResponse,
        GetEuiccDataRequest, GetEuiccDataResponse,
        GetRatRequest, GetRatResponse,
        ImmediateEnableRequest, ImmediateEnableResponse,
        IpaeActivationRequest, IpaeActivationResponse,
        IsdrProprietaryApplicationTemplate, IsdrProprietaryApplicationTemplateIot,
        ListNotificationRequest, ListNotificationResponse,
        LoadCrlRequest, LoadCrlResponse,
        NotificationSentRequest, NotificationSentResponse,
        PrepareDownloadRequest, PrepareDownloadResponse,
        ProfileInfoListRequest, ProfileInfoListResponse,
        ProfileRollbackRequest, ProfileRollbackResponse,
        RetrieveNotificationsListRequest, RetrieveNotificationsListResponse,
        ReturnFromFallbackRequest, ReturnFromFallbackResponse,
        SetNicknameRequest, SetNicknameResponse,
        UpdateMetadataRequest,
        rsp::EuiccMemoryResetRequest, rsp::EuiccMemoryResetResponse,
        rsp::SetDefaultDpAddressRequest, rsp::SetDefaultDpAddressResponse,
        sgp32::EuiccMemoryResetRequest, sgp32::EuiccMemoryResetResponse,
        sgp32::SetDefaultDpAddressRequest, sgp32::SetDefaultDpAddressResponse,
    );
}

/// Identifiers: the text of one that was read is read as the same.
pub(crate) fn identifiers(data: &[u8]) {
    fn parsed<T: std::str::FromStr + ToString + PartialEq>(text: &str) {
        if let Ok(id) = text.parse::<T>() {
            assert!(id.to_string().parse::<T>().is_ok_and(|again| again == id));
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        parsed::<Eid>(text);
        parsed::<Iccid>(text);
        parsed::<Imei>(text);
        parsed::<Imsi>(text);
        parsed::<Plmn>(text);
        parsed::<TransactionId>(text);
        parsed::<rsp_asn1::Oid>(text);
        let _ = Eid::with_check_digits(text);
        let _ = Iccid::with_check_digit(text);
    }
    if let Ok(imsi) = Imsi::from_ef(data) {
        assert_eq!(Imsi::from_ef(&imsi.to_ef()), Ok(imsi));
    }
    if let Ok(octets) = data.try_into()
        && let Ok(imei) = Imei::from_octets(&octets)
    {
        assert_eq!(Imei::from_octets(&imei.to_octets()), Ok(imei));
    }
    if let Ok(octets) = data.try_into() {
        let iccid = Iccid::from_swapped(octets);
        let _ = iccid.has_valid_check_digit();
        assert_eq!(Iccid::from_plain(iccid.to_plain()), iccid);
    }
}
