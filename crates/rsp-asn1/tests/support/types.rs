//! Every type of the modules, and what it is here.

use rsp_asn1::{Any, Asn1, BitString, CertificateList, DecodeError, ids, rsp, sgp32};

/// Decodes a value and encodes it again.
pub(crate) type Recode = fn(&[u8]) -> Result<Vec<u8>, DecodeError>;

fn recode<T: Asn1>(der: &[u8]) -> Result<Vec<u8>, DecodeError> {
    T::from_der(der).map(|value| value.to_der())
}

/// Types of SGP32Definitions, v1.2 and what v1.3 adds.
pub(crate) const SGP32: &[(&str, Recode)] = &[
    ("EuiccPackageRequest", recode::<sgp32::EuiccPackageRequest>),
    ("EuiccPackageSigned", recode::<sgp32::EuiccPackageSigned>),
    ("EuiccPackage", recode::<sgp32::EuiccPackage>),
    (
        "EimConfigurationData",
        recode::<sgp32::EimConfigurationData>,
    ),
    ("EimIdType", recode::<sgp32::EimIdType>),
    ("EimSupportedProtocol", recode::<BitString>),
    ("Eco", recode::<sgp32::Eco>),
    ("Psmo", recode::<sgp32::Psmo>),
    ("IpaEuiccDataRequest", recode::<sgp32::IpaEuiccDataRequest>),
    (
        "ProfileDownloadTriggerRequest",
        recode::<sgp32::ProfileDownloadTriggerRequest>,
    ),
    ("ProfileDownloadData", recode::<sgp32::ProfileDownloadData>),
    ("EimAcknowledgements", recode::<sgp32::EimAcknowledgements>),
    ("SequenceNumber", recode::<i64>),
    ("EuiccPackageResult", recode::<sgp32::EuiccPackageResult>),
    (
        "EuiccPackageResultSigned",
        recode::<sgp32::EuiccPackageResultSigned>,
    ),
    (
        "EuiccPackageResultDataSigned",
        recode::<sgp32::EuiccPackageResultDataSigned>,
    ),
    ("EuiccResultData", recode::<sgp32::EuiccResultData>),
    (
        "EuiccPackageErrorSigned",
        recode::<sgp32::EuiccPackageErrorSigned>,
    ),
    (
        "EuiccPackageErrorDataSigned",
        recode::<sgp32::EuiccPackageErrorDataSigned>,
    ),
    (
        "EuiccPackageErrorCode",
        recode::<sgp32::EuiccPackageErrorCode>,
    ),
    (
        "EuiccPackageErrorUnsigned",
        recode::<sgp32::EuiccPackageErrorUnsigned>,
    ),
    (
        "ConfigureImmediateEnableResult",
        recode::<sgp32::ConfigureImmediateEnableResult>,
    ),
    ("EnableProfileResult", recode::<sgp32::EnableProfileResult>),
    (
        "DisableProfileResult",
        recode::<sgp32::DisableProfileResult>,
    ),
    ("DeleteProfileResult", recode::<sgp32::DeleteProfileResult>),
    (
        "ProfileInfoListResponse",
        recode::<rsp::ProfileInfoListResponse>,
    ),
    ("ProfileInfoListError", recode::<rsp::ProfileInfoListError>),
    (
        "RollbackProfileResult",
        recode::<sgp32::RollbackProfileResult>,
    ),
    (
        "SetFallbackAttributeResult",
        recode::<sgp32::SetFallbackAttributeResult>,
    ),
    (
        "UnsetFallbackAttributeResult",
        recode::<sgp32::UnsetFallbackAttributeResult>,
    ),
    ("AddEimResult", recode::<sgp32::AddEimResult>),
    ("DeleteEimResult", recode::<sgp32::DeleteEimResult>),
    ("UpdateEimResult", recode::<sgp32::UpdateEimResult>),
    ("ListEimResult", recode::<sgp32::ListEimResult>),
    ("EimIdInfo", recode::<sgp32::EimIdInfo>),
    (
        "IpaEuiccDataErrorCode",
        recode::<sgp32::IpaEuiccDataErrorCode>,
    ),
    (
        "IpaEuiccDataResponseError",
        recode::<sgp32::IpaEuiccDataResponseError>,
    ),
    (
        "IpaEuiccDataResponse",
        recode::<sgp32::IpaEuiccDataResponse>,
    ),
    (
        "PendingNotificationList",
        recode::<sgp32::PendingNotificationList>,
    ),
    (
        "EuiccPackageResultList",
        recode::<sgp32::EuiccPackageResultList>,
    ),
    ("IpaEuiccData", recode::<sgp32::IpaEuiccData>),
    (
        "ProfileDownloadTriggerResult",
        recode::<sgp32::ProfileDownloadTriggerResult>,
    ),
    (
        "ISDRProprietaryApplicationTemplateIoT",
        recode::<sgp32::IsdrProprietaryApplicationTemplateIot>,
    ),
    (
        "IpaeActivationRequest",
        recode::<sgp32::IpaeActivationRequest>,
    ),
    (
        "IpaeActivationResponse",
        recode::<sgp32::IpaeActivationResponse>,
    ),
    ("IpaCapabilities", recode::<sgp32::IpaCapabilities>),
    ("ProfileInfo", recode::<rsp::ProfileInfo>),
    ("StoreMetadataRequest", recode::<rsp::StoreMetadataRequest>),
    (
        "AuthenticateClientRequest",
        recode::<rsp::AuthenticateClientRequest>,
    ),
    ("EUICCInfo2", recode::<rsp::EuiccInfo2>),
    ("IoTSpecificInfo", recode::<rsp::IotSpecificInfo>),
    ("IpaMode", recode::<i64>),
    (
        "AddInitialEimRequest",
        recode::<sgp32::AddInitialEimRequest>,
    ),
    (
        "AddInitialEimResponse",
        recode::<sgp32::AddInitialEimResponse>,
    ),
    (
        "EuiccMemoryResetRequest",
        recode::<sgp32::EuiccMemoryResetRequest>,
    ),
    (
        "EuiccMemoryResetResponse",
        recode::<sgp32::EuiccMemoryResetResponse>,
    ),
    ("GetCertsRequest", recode::<sgp32::GetCertsRequest>),
    ("GetCertsResponse", recode::<sgp32::GetCertsResponse>),
    (
        "RetrieveNotificationsListRequest",
        recode::<sgp32::RetrieveNotificationsListRequest>,
    ),
    (
        "RetrieveNotificationsListResponse",
        recode::<sgp32::RetrieveNotificationsListResponse>,
    ),
    (
        "ImmediateEnableRequest",
        recode::<sgp32::ImmediateEnableRequest>,
    ),
    (
        "ImmediateEnableResponse",
        recode::<sgp32::ImmediateEnableResponse>,
    ),
    (
        "ProfileRollbackRequest",
        recode::<sgp32::ProfileRollbackRequest>,
    ),
    (
        "ProfileRollbackResponse",
        recode::<sgp32::ProfileRollbackResponse>,
    ),
    (
        "ConfigureImmediateProfileEnablingRequest",
        recode::<sgp32::ConfigureImmediateProfileEnablingRequest>,
    ),
    (
        "ConfigureImmediateProfileEnablingResponse",
        recode::<sgp32::ConfigureImmediateProfileEnablingResponse>,
    ),
    (
        "GetEimConfigurationDataRequest",
        recode::<sgp32::GetEimConfigurationDataRequest>,
    ),
    (
        "GetEimConfigurationDataResponse",
        recode::<sgp32::GetEimConfigurationDataResponse>,
    ),
    (
        "ExecuteFallbackMechanismRequest",
        recode::<sgp32::ExecuteFallbackMechanismRequest>,
    ),
    (
        "ExecuteFallbackMechanismResponse",
        recode::<sgp32::ExecuteFallbackMechanismResponse>,
    ),
    (
        "ReturnFromFallbackRequest",
        recode::<sgp32::ReturnFromFallbackRequest>,
    ),
    (
        "ReturnFromFallbackResponse",
        recode::<sgp32::ReturnFromFallbackResponse>,
    ),
    (
        "EnableEmergencyProfileRequest",
        recode::<sgp32::EnableEmergencyProfileRequest>,
    ),
    (
        "EnableEmergencyProfileResponse",
        recode::<sgp32::EnableEmergencyProfileResponse>,
    ),
    (
        "DisableEmergencyProfileRequest",
        recode::<sgp32::DisableEmergencyProfileRequest>,
    ),
    (
        "DisableEmergencyProfileResponse",
        recode::<sgp32::DisableEmergencyProfileResponse>,
    ),
    (
        "GetConnectivityParametersRequest",
        recode::<sgp32::GetConnectivityParametersRequest>,
    ),
    (
        "GetConnectivityParametersResponse",
        recode::<sgp32::GetConnectivityParametersResponse>,
    ),
    (
        "ConnectivityParameters",
        recode::<sgp32::ConnectivityParameters>,
    ),
    (
        "ConnectivityParametersError",
        recode::<sgp32::ConnectivityParametersError>,
    ),
    (
        "SetDefaultDpAddressRequest",
        recode::<sgp32::SetDefaultDpAddressRequest>,
    ),
    (
        "SetDefaultDpAddressResponse",
        recode::<sgp32::SetDefaultDpAddressResponse>,
    ),
    (
        "PrepareDownloadResponse",
        recode::<rsp::PrepareDownloadResponse>,
    ),
    (
        "CompactPrepareDownloadResponseOk",
        recode::<sgp32::CompactPrepareDownloadResponseOk>,
    ),
    ("CompactEuiccSigned2", recode::<sgp32::CompactEuiccSigned2>),
    ("EuiccSigned1", recode::<rsp::EuiccSigned1>),
    (
        "AuthenticateResponseOk",
        recode::<rsp::AuthenticateResponseOk>,
    ),
    (
        "AuthenticateServerResponse",
        recode::<rsp::AuthenticateServerResponse>,
    ),
    (
        "CompactAuthenticateResponseOk",
        recode::<sgp32::CompactAuthenticateResponseOk>,
    ),
    ("CompactEuiccSigned1", recode::<sgp32::CompactEuiccSigned1>),
    ("PendingNotification", recode::<rsp::PendingNotification>),
    (
        "ProfileInstallationResult",
        recode::<rsp::ProfileInstallationResult>,
    ),
    (
        "CompactProfileInstallationResult",
        recode::<sgp32::CompactProfileInstallationResult>,
    ),
    (
        "CompactProfileInstallationResultData",
        recode::<sgp32::CompactProfileInstallationResultData>,
    ),
    (
        "CompactSuccessResult",
        recode::<sgp32::CompactSuccessResult>,
    ),
    (
        "CompactOtherSignedNotification",
        recode::<sgp32::CompactOtherSignedNotification>,
    ),
    (
        "CancelSessionResponse",
        recode::<rsp::CancelSessionResponse>,
    ),
    (
        "CompactCancelSessionResponseOk",
        recode::<sgp32::CompactCancelSessionResponseOk>,
    ),
    (
        "CompactEuiccCancelSessionSigned",
        recode::<sgp32::CompactEuiccCancelSessionSigned>,
    ),
    (
        "EsipaMessageFromIpaToEim",
        recode::<sgp32::EsipaMessageFromIpaToEim>,
    ),
    (
        "EsipaMessageFromEimToIpa",
        recode::<sgp32::EsipaMessageFromEimToIpa>,
    ),
    (
        "InitiateAuthenticationRequestEsipa",
        recode::<sgp32::InitiateAuthenticationRequestEsipa>,
    ),
    (
        "InitiateAuthenticationResponseEsipa",
        recode::<sgp32::InitiateAuthenticationResponseEsipa>,
    ),
    (
        "InitiateAuthenticationOkEsipa",
        recode::<sgp32::InitiateAuthenticationOkEsipa>,
    ),
    (
        "AuthenticateClientRequestEsipa",
        recode::<sgp32::AuthenticateClientRequestEsipa>,
    ),
    (
        "AuthenticateClientResponseEsipa",
        recode::<sgp32::AuthenticateClientResponseEsipa>,
    ),
    (
        "AuthenticateClientOkDPEsipa",
        recode::<sgp32::AuthenticateClientOkDpEsipa>,
    ),
    (
        "AuthenticateClientOkDSEsipa",
        recode::<sgp32::AuthenticateClientOkDsEsipa>,
    ),
    (
        "GetBoundProfilePackageRequestEsipa",
        recode::<sgp32::GetBoundProfilePackageRequestEsipa>,
    ),
    (
        "GetBoundProfilePackageResponseEsipa",
        recode::<sgp32::GetBoundProfilePackageResponseEsipa>,
    ),
    (
        "GetBoundProfilePackageOkEsipa",
        recode::<sgp32::GetBoundProfilePackageOkEsipa>,
    ),
    (
        "HandleNotificationEsipa",
        recode::<sgp32::HandleNotificationEsipa>,
    ),
    (
        "CancelSessionRequestEsipa",
        recode::<sgp32::CancelSessionRequestEsipa>,
    ),
    (
        "CancelSessionResponseEsipa",
        recode::<sgp32::CancelSessionResponseEsipa>,
    ),
    ("CancelSessionOk", recode::<rsp::CancelSessionOk>),
    ("StateChangeCause", recode::<sgp32::StateChangeCause>),
    (
        "GetEimPackageRequest",
        recode::<sgp32::GetEimPackageRequest>,
    ),
    (
        "GetEimPackageResponse",
        recode::<sgp32::GetEimPackageResponse>,
    ),
    (
        "EimPackageResultErrorCode",
        recode::<sgp32::EimPackageResultErrorCode>,
    ),
    (
        "EimPackageResultResponseError",
        recode::<sgp32::EimPackageResultResponseError>,
    ),
    ("EimPackageResult", recode::<sgp32::EimPackageResult>),
    (
        "ProvideEimPackageResult",
        recode::<sgp32::ProvideEimPackageResult>,
    ),
    (
        "ProvideEimPackageResultResponse",
        recode::<sgp32::ProvideEimPackageResultResponse>,
    ),
    (
        "TransferEimPackageRequest",
        recode::<sgp32::TransferEimPackageRequest>,
    ),
    (
        "TransferEimPackageResponse",
        recode::<sgp32::TransferEimPackageResponse>,
    ),
    (
        "EimPackageErrorWithCid",
        recode::<sgp32::EimPackageErrorWithCid>,
    ),
    (
        "EimPackageReceivedWithCid",
        recode::<sgp32::EimPackageReceivedWithCid>,
    ),
    (
        "EuiccPackageUnsignedErrorCode",
        recode::<sgp32::EuiccPackageUnsignedErrorCode>,
    ),
    (
        "UpdateMetadataRequest",
        recode::<rsp::UpdateMetadataRequest>,
    ),
];

/// Types of RSPDefinitions v2.7.
pub(crate) const SGP22: &[(&str, Recode)] = &[
    ("Octet8", recode::<[u8; 8]>),
    ("Octet4", recode::<[u8; 4]>),
    ("Octet16", recode::<[u8; 16]>),
    ("OctetTo16", recode::<Vec<u8>>),
    ("Octet32", recode::<[u8; 32]>),
    ("Octet1", recode::<[u8; 1]>),
    ("Octet2", recode::<[u8; 2]>),
    ("VersionType", recode::<rsp::VersionType>),
    ("Iccid", recode::<ids::Iccid>),
    ("RemoteOpId", recode::<i64>),
    ("TransactionId", recode::<ids::TransactionId>),
    ("GetEuiccInfo1Request", recode::<rsp::GetEuiccInfo1Request>),
    ("EUICCInfo1", recode::<rsp::EuiccInfo1>),
    ("GetEuiccInfo2Request", recode::<rsp::GetEuiccInfo2Request>),
    ("EUICCInfo2", recode::<rsp::EuiccInfo2>),
    ("LpaMode", recode::<i64>),
    ("IoTSpecificInfo", recode::<rsp::IotSpecificInfo>),
    ("RspCapability", recode::<BitString>),
    (
        "CertificationDataObject",
        recode::<rsp::CertificationDataObject>,
    ),
    ("CertificateInfo", recode::<BitString>),
    ("DeviceInfo", recode::<rsp::DeviceInfo>),
    ("DeviceCapabilities", recode::<rsp::DeviceCapabilities>),
    (
        "DeviceAdditionalFeatureSupport",
        recode::<rsp::DeviceAdditionalFeatureSupport>,
    ),
    ("CatSupportedClasses", recode::<BitString>),
    ("EuiccFormFactorType", recode::<i64>),
    (
        "ProfileInfoListRequest",
        recode::<rsp::ProfileInfoListRequest>,
    ),
    (
        "ProfileInfoListResponse",
        recode::<rsp::ProfileInfoListResponse>,
    ),
    ("ProfileInfo", recode::<rsp::ProfileInfo>),
    ("PprIds", recode::<BitString>),
    ("OperatorId", recode::<rsp::OperatorId>),
    ("ProfileInfoListError", recode::<rsp::ProfileInfoListError>),
    ("StoreMetadataRequest", recode::<rsp::StoreMetadataRequest>),
    ("NotificationEvent", recode::<rsp::NotificationEvent>),
    (
        "NotificationConfigurationInformation",
        recode::<rsp::NotificationConfigurationInformation>,
    ),
    ("OPENTYPE", recode::<Any>),
    (
        "VendorSpecificExtension",
        recode::<Vec<rsp::VendorSpecificData>>,
    ),
    ("IconType", recode::<i64>),
    ("ProfileState", recode::<rsp::ProfileState>),
    ("ProfileClass", recode::<i64>),
    (
        "UpdateMetadataRequest",
        recode::<rsp::UpdateMetadataRequest>,
    ),
    (
        "PrepareDownloadRequest",
        recode::<rsp::PrepareDownloadRequest>,
    ),
    ("SmdpSigned2", recode::<rsp::SmdpSigned2>),
    (
        "PrepareDownloadResponse",
        recode::<rsp::PrepareDownloadResponse>,
    ),
    (
        "PrepareDownloadResponseOk",
        recode::<rsp::PrepareDownloadResponseOk>,
    ),
    ("EUICCSigned2", recode::<rsp::EuiccSigned2>),
    (
        "PrepareDownloadResponseError",
        recode::<rsp::PrepareDownloadResponseError>,
    ),
    ("DownloadErrorCode", recode::<rsp::DownloadErrorCode>),
    (
        "AuthenticateServerRequest",
        recode::<rsp::AuthenticateServerRequest>,
    ),
    ("ServerSigned1", recode::<rsp::ServerSigned1>),
    ("CtxParams1", recode::<rsp::CtxParams1>),
    (
        "CtxParamsForCommonAuthentication",
        recode::<rsp::CtxParamsForCommonAuthentication>,
    ),
    (
        "AuthenticateServerResponse",
        recode::<rsp::AuthenticateServerResponse>,
    ),
    (
        "AuthenticateResponseOk",
        recode::<rsp::AuthenticateResponseOk>,
    ),
    ("EuiccSigned1", recode::<rsp::EuiccSigned1>),
    (
        "AuthenticateResponseError",
        recode::<rsp::AuthenticateResponseError>,
    ),
    (
        "AuthenticateErrorCode",
        recode::<rsp::AuthenticateErrorCode>,
    ),
    ("CancelSessionRequest", recode::<rsp::CancelSessionRequest>),
    ("CancelSessionReason", recode::<rsp::CancelSessionReason>),
    (
        "CancelSessionResponse",
        recode::<rsp::CancelSessionResponse>,
    ),
    (
        "CancelSessionResponseOk",
        recode::<rsp::CancelSessionResponseOk>,
    ),
    (
        "EuiccCancelSessionSigned",
        recode::<rsp::EuiccCancelSessionSigned>,
    ),
    ("BoundProfilePackage", recode::<rsp::BoundProfilePackage>),
    (
        "GetEuiccChallengeRequest",
        recode::<rsp::GetEuiccChallengeRequest>,
    ),
    (
        "GetEuiccChallengeResponse",
        recode::<rsp::GetEuiccChallengeResponse>,
    ),
    (
        "ProfileInstallationResult",
        recode::<rsp::ProfileInstallationResult>,
    ),
    (
        "ProfileInstallationResultData",
        recode::<rsp::ProfileInstallationResultData>,
    ),
    ("EuiccSignPIR", recode::<Vec<u8>>),
    ("SuccessResult", recode::<rsp::SuccessResult>),
    ("ErrorResult", recode::<rsp::ErrorResult>),
    ("BppCommandId", recode::<rsp::BppCommandId>),
    ("ErrorReason", recode::<rsp::ErrorReason>),
    (
        "ListNotificationRequest",
        recode::<rsp::ListNotificationRequest>,
    ),
    (
        "ListNotificationResponse",
        recode::<rsp::ListNotificationResponse>,
    ),
    ("NotificationMetadata", recode::<rsp::NotificationMetadata>),
    ("SetNicknameRequest", recode::<rsp::SetNicknameRequest>),
    ("SetNicknameResponse", recode::<rsp::SetNicknameResponse>),
    (
        "ActivationCodeRetrievalInfo",
        recode::<rsp::ActivationCodeRetrievalInfo>,
    ),
    (
        "InitialiseSecureChannelRequest",
        recode::<rsp::InitialiseSecureChannelRequest>,
    ),
    ("ControlRefTemplate", recode::<rsp::ControlRefTemplate>),
    ("ConfigureISDPRequest", recode::<rsp::ConfigureIsdpRequest>),
    ("DpProprietaryData", recode::<rsp::DpProprietaryData>),
    (
        "ReplaceSessionKeysRequest",
        recode::<rsp::ReplaceSessionKeysRequest>,
    ),
    (
        "RetrieveNotificationsListRequest",
        recode::<sgp32::RetrieveNotificationsListRequest>,
    ),
    (
        "RetrieveNotificationsListResponse",
        recode::<sgp32::RetrieveNotificationsListResponse>,
    ),
    ("PendingNotification", recode::<rsp::PendingNotification>),
    (
        "OtherSignedNotification",
        recode::<rsp::OtherSignedNotification>,
    ),
    (
        "NotificationSentRequest",
        recode::<rsp::NotificationSentRequest>,
    ),
    (
        "NotificationSentResponse",
        recode::<rsp::NotificationSentResponse>,
    ),
    ("EnableProfileRequest", recode::<rsp::EnableProfileRequest>),
    (
        "EnableProfileResponse",
        recode::<rsp::EnableProfileResponse>,
    ),
    (
        "DisableProfileRequest",
        recode::<rsp::DisableProfileRequest>,
    ),
    (
        "DisableProfileResponse",
        recode::<rsp::DisableProfileResponse>,
    ),
    ("DeleteProfileRequest", recode::<rsp::DeleteProfileRequest>),
    (
        "DeleteProfileResponse",
        recode::<rsp::DeleteProfileResponse>,
    ),
    (
        "EuiccMemoryResetRequest",
        recode::<rsp::EuiccMemoryResetRequest>,
    ),
    (
        "EuiccMemoryResetResponse",
        recode::<rsp::EuiccMemoryResetResponse>,
    ),
    ("GetEuiccDataRequest", recode::<rsp::GetEuiccDataRequest>),
    ("GetEuiccDataResponse", recode::<rsp::GetEuiccDataResponse>),
    ("GetRatRequest", recode::<rsp::GetRatRequest>),
    ("GetRatResponse", recode::<rsp::GetRatResponse>),
    (
        "RulesAuthorisationTable",
        recode::<rsp::RulesAuthorisationTable>,
    ),
    (
        "ProfilePolicyAuthorisationRule",
        recode::<rsp::ProfilePolicyAuthorisationRule>,
    ),
    ("SegmentedCrlList", recode::<Vec<CertificateList>>),
    ("LoadCRLRequest", recode::<rsp::LoadCrlRequest>),
    ("LoadCRLResponse", recode::<rsp::LoadCrlResponse>),
    ("LoadCRLResponseOk", recode::<rsp::LoadCrlResponseOk>),
    ("LoadCRLResponseError", recode::<rsp::LoadCrlResponseError>),
    ("ExpirationDate", recode::<Any>),
    ("TotalPartialCrlNumber", recode::<i64>),
    ("PartialCrlNumber", recode::<i64>),
    (
        "RemoteProfileProvisioningRequest",
        recode::<rsp::RemoteProfileProvisioningRequest>,
    ),
    (
        "RemoteProfileProvisioningResponse",
        recode::<rsp::RemoteProfileProvisioningResponse>,
    ),
    (
        "InitiateAuthenticationRequest",
        recode::<rsp::InitiateAuthenticationRequest>,
    ),
    (
        "InitiateAuthenticationResponse",
        recode::<rsp::InitiateAuthenticationResponse>,
    ),
    (
        "InitiateAuthenticationOkEs9",
        recode::<rsp::InitiateAuthenticationOkEs9>,
    ),
    (
        "AuthenticateClientRequest",
        recode::<rsp::AuthenticateClientRequest>,
    ),
    (
        "AuthenticateClientResponseEs9",
        recode::<rsp::AuthenticateClientResponseEs9>,
    ),
    (
        "AuthenticateClientOkAcr",
        recode::<rsp::AuthenticateClientOkAcr>,
    ),
    ("AuthenticateClientOk", recode::<rsp::AuthenticateClientOk>),
    (
        "GetBoundProfilePackageRequest",
        recode::<rsp::GetBoundProfilePackageRequest>,
    ),
    (
        "GetBoundProfilePackageResponse",
        recode::<rsp::GetBoundProfilePackageResponse>,
    ),
    (
        "GetBoundProfilePackageOk",
        recode::<rsp::GetBoundProfilePackageOk>,
    ),
    ("HandleNotification", recode::<rsp::HandleNotification>),
    (
        "CancelSessionRequestEs9",
        recode::<rsp::CancelSessionRequestEs9>,
    ),
    (
        "CancelSessionResponseEs9",
        recode::<rsp::CancelSessionResponseEs9>,
    ),
    ("CancelSessionOk", recode::<rsp::CancelSessionOk>),
    (
        "EuiccConfiguredAddressesRequest",
        recode::<rsp::EuiccConfiguredAddressesRequest>,
    ),
    (
        "EuiccConfiguredAddressesResponse",
        recode::<rsp::EuiccConfiguredAddressesResponse>,
    ),
    (
        "ISDRProprietaryApplicationTemplate",
        recode::<rsp::IsdrProprietaryApplicationTemplate>,
    ),
    (
        "LpaeActivationRequest",
        recode::<rsp::LpaeActivationRequest>,
    ),
    (
        "LpaeActivationResponse",
        recode::<rsp::LpaeActivationResponse>,
    ),
    (
        "SetDefaultDpAddressRequest",
        recode::<rsp::SetDefaultDpAddressRequest>,
    ),
    (
        "SetDefaultDpAddressResponse",
        recode::<rsp::SetDefaultDpAddressResponse>,
    ),
    (
        "AuthenticateClientResponseEs11",
        recode::<rsp::AuthenticateClientResponseEs11>,
    ),
    (
        "AuthenticateClientOkEs11",
        recode::<rsp::AuthenticateClientOkEs11>,
    ),
    ("EventEntries", recode::<rsp::EventEntries>),
];
