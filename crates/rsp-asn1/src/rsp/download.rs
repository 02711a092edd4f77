//! Download confirmation and the Bound Profile Package (SGP.22 3.1.3, 2.5, 5.7.5, 5.7.6).

use alloc::vec::Vec;

use crate::ids::TransactionId;
use crate::sgp32::CompactPrepareDownloadResponseOk;
use crate::{Any, Asn1, Certificate, DecodeError, Oid, Signed, Tag, Tagged, Tlv, Writer};

sequence! {
    /// Request of ES10b.PrepareDownload (SGP.22 5.7.5).
    pub struct PrepareDownloadRequest: 0xBF21 {
        smdp_signed2: Signed<SmdpSigned2>,
        smdp_signature2: Vec<u8> = 0x5F37,
        hash_cc: Option<[u8; 32]>,
        smdp_certificate: Certificate,
    }
}

sequence! {
    /// `SmdpSigned2` (SGP.22 5.6.3).
    pub struct SmdpSigned2 {
        transaction_id: TransactionId = 0x80,
        cc_required_flag: bool,
        /// otPK.EUICC.ECKA that the package is bound to already, uncompressed.
        bpp_euicc_otpk: Option<Vec<u8>> = 0x5F49,
    }
}

choice! {
    /// Response of ES10b.PrepareDownload (SGP.22 5.7.5, SGP.32 5.14.2).
    pub enum PrepareDownloadResponse: 0xBF21 {
        Ok(PrepareDownloadResponseOk) = 0xA0,
        Error(PrepareDownloadResponseError) = 0xA1,
        /// Between IPA and eIM only.
        CompactOk(CompactPrepareDownloadResponseOk) = 0xA2,
    }
}

sequence! {
    /// `PrepareDownloadResponseOk` (SGP.22 5.7.5).
    pub struct PrepareDownloadResponseOk {
        euicc_signed2: Signed<EuiccSigned2>,
        euicc_signature2: Vec<u8> = 0x5F37,
    }
}

sequence! {
    /// `EUICCSigned2` (SGP.22 5.7.5).
    pub struct EuiccSigned2 {
        transaction_id: TransactionId = 0x80,
        /// otPK.EUICC.ECKA, uncompressed.
        euicc_otpk: Vec<u8> = 0x5F49,
        hash_cc: Option<[u8; 32]>,
    }
}

sequence! {
    /// `PrepareDownloadResponseError` (SGP.22 5.7.5).
    pub struct PrepareDownloadResponseError {
        transaction_id: TransactionId = 0x80,
        download_error_code: DownloadErrorCode,
    }
}

named_integer! {
    /// `DownloadErrorCode` (SGP.22 5.7.5).
    pub struct DownloadErrorCode {
        INVALID_CERTIFICATE = 1,
        INVALID_SIGNATURE = 2,
        UNSUPPORTED_CURVE = 3,
        NO_SESSION_CONTEXT = 4,
        INVALID_TRANSACTION_ID = 5,
        UNDEFINED_ERROR = 127,
    }
}

sequence! {
    /// `BoundProfilePackage` (SGP.22 2.5.4). The segments are kept as they
    /// are: each is a TLV protected by the BSP.
    pub struct BoundProfilePackage: 0xBF36 {
        initialise_secure_channel_request: Signed<InitialiseSecureChannelRequest>,
        first_sequence_of_87: Segments = 0xA0,
        sequence_of_88: Segments = 0xA1,
        second_sequence_of_87: Option<Segments> = 0xA2,
        sequence_of_86: Segments = 0xA3,
    }
}

/// A sequence of BSP segments: TLVs with the tag '86', '87' or '88'.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segments(pub Vec<Vec<u8>>);

impl Tagged for Segments {
    const TAG: Tag = Tag::SEQUENCE;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        let segments = Vec::<Any>::decode_value(tlv)?;
        Ok(Segments(
            segments
                .iter()
                .map(|segment| segment.as_bytes().to_vec())
                .collect(),
        ))
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.constructed(tag, |out| {
            for segment in &self.0 {
                out.raw(segment);
            }
        });
    }
}

sequence! {
    /// `InitialiseSecureChannelRequest` (SGP.22 5.5.1).
    pub struct InitialiseSecureChannelRequest: 0xBF23 {
        /// 1 is installBoundProfilePackage.
        remote_op_id: i64 = 0x82,
        transaction_id: TransactionId = 0x80,
        control_ref_template: ControlRefTemplate = 0xA6,
        /// otPK.DP.ECKA, uncompressed.
        smdp_otpk: Vec<u8> = 0x5F49,
        smdp_sign: Vec<u8> = 0x5F37,
    }
}

impl InitialiseSecureChannelRequest {
    /// What smdpSign is made over: the members before it, then the eUICC's
    /// one-time public key under its tag (SGP.22 5.5.1).
    pub fn signed_bytes(&self, euicc_otpk: &[u8]) -> Vec<u8> {
        let mut out = Writer::new();
        self.remote_op_id.encode_tagged(Tag::new(0x82), &mut out);
        self.transaction_id.encode_tagged(Tag::new(0x80), &mut out);
        self.control_ref_template
            .encode_tagged(Tag::new(0xA6), &mut out);
        out.primitive(Tag::new(0x5F49), &self.smdp_otpk);
        out.primitive(Tag::new(0x5F49), euicc_otpk);
        out.into_bytes()
    }
}

sequence! {
    /// `ControlRefTemplate` (SGP.22 5.5.1).
    pub struct ControlRefTemplate {
        /// '88': AES.
        key_type: [u8; 1] = 0x80,
        /// '10': 16 octets.
        key_len: [u8; 1] = 0x81,
        host_id: Vec<u8> = 0x84,
    }
}

sequence! {
    /// `ConfigureISDPRequest` (SGP.22 5.5.2).
    pub struct ConfigureIsdpRequest: 0xBF24 {
        dp_proprietary_data: Option<DpProprietaryData> = 0xB8,
    }
}

sequence! {
    /// `DpProprietaryData` (SGP.22 5.5.2).
    pub struct DpProprietaryData {
        dp_oid: Oid = 0x80,
    }
}

sequence! {
    /// `ReplaceSessionKeysRequest` (SGP.22 5.5.4).
    pub struct ReplaceSessionKeysRequest: 0xBF26, redacted {
        initial_mac_chaining_value: [u8; 16] = 0x80,
        ppk_enc: [u8; 16] = 0x81,
        ppk_cmac: [u8; 16] = 0x82,
    }
}
