//! eUICC Package: PSMOs and eCOs under the eIM's signature (SGP.32 2.11.1.1).

use alloc::string::String;
use alloc::vec::Vec;

use super::EimConfigurationData;
use crate::ids::{Eid, Iccid, TransactionId};
use crate::rsp::ProfileInfoListRequest;
use crate::{Any, Asn1, BoundedString, Null, Oid, Signed, Tag, Writer};

/// Identifier of an eIM.
pub type EimId = BoundedString<1, 128>;

sequence! {
    /// `EuiccPackageRequest` (SGP.32 2.11.1.1).
    pub struct EuiccPackageRequest: 0xBF51 {
        euicc_package_signed: Signed<EuiccPackageSigned>,
        eim_signature: Vec<u8> = 0x5F37,
    }
}

sequence! {
    /// `EuiccPackageSigned` (SGP.32 2.11.1.1).
    pub struct EuiccPackageSigned {
        eim_id: EimId = 0x80,
        eid_value: Eid,
        counter_value: i64 = 0x81,
        eim_transaction_id: Option<TransactionId> = 0x82,
        euicc_package: EuiccPackage,
    }
}

choice! {
    /// `EuiccPackage` (SGP.32 2.11.1.1).
    pub enum EuiccPackage {
        PsmoList(Vec<Psmo>) = 0xA0,
        EcoList(Vec<Eco>) = 0xA1,
    }
}

choice! {
    /// `Psmo` (SGP.32 2.11.1.1.3).
    pub enum Psmo {
        Enable(EnablePsmo) = 0xA3,
        Disable(IccidPsmo) = 0xA4,
        Delete(IccidPsmo) = 0xA5,
        ListProfileInfo(ProfileInfoListRequest),
        GetRat(EmptyOperation) = 0xA6,
        ConfigureImmediateEnable(ConfigureImmediateEnable) = 0xA7,
        SetFallbackAttribute(IccidPsmo) = 0xA8,
        UnsetFallbackAttribute(EmptyOperation) = 0xA9,
        SetDefaultDpAddress(SetDefaultDpAddressRequest),
        /// An operation that this version does not know.
        Unknown(Any),
    }
}

sequence! {
    /// The PSMO enable.
    pub struct EnablePsmo {
        iccid: Iccid,
        rollback_flag: Option<Null> | 0x81,
    }
}

sequence! {
    /// A PSMO on one profile.
    pub struct IccidPsmo {
        iccid: Iccid,
    }
}

sequence! {
    /// An operation without parameters.
    pub struct EmptyOperation {}
}

sequence! {
    /// The PSMO configureImmediateEnable.
    pub struct ConfigureImmediateEnable {
        immediate_enable_flag: Option<Null> = 0x80,
        default_smdp_oid: Option<Oid> = 0x81,
        default_smdp_address: Option<String> = 0x82,
    }
}

sequence! {
    /// `SetDefaultDpAddressRequest` (SGP.32 5.9.25).
    pub struct SetDefaultDpAddressRequest: 0xBF65 {
        default_dp_address: String = 0x80 | 0x0C,
    }
}

choice! {
    /// `Eco` (SGP.32 2.11.1.1.2).
    pub enum Eco {
        AddEim(EimConfigurationData) = 0xA8,
        DeleteEim(DeleteEim) = 0xA9,
        UpdateEim(EimConfigurationData) = 0xAA,
        ListEim(EmptyOperation) = 0xAB,
        /// An operation that this version does not know.
        Unknown(Any),
    }
}

sequence! {
    /// The eCO deleteEim.
    pub struct DeleteEim {
        eim_id: EimId = 0x80,
    }
}

/// The association token data object, '84': every eimSignature, euiccSignEPR
/// and euiccSignEPE ends with it, 0 if no token is configured (SGP.32
/// 2.11.1.1, 2.11.2.1). It is never transmitted with them.
pub fn association_token_object(token: Option<i64>) -> Vec<u8> {
    let mut out = Writer::new();
    token.unwrap_or(0).encode_tagged(Tag::new(0x84), &mut out);
    out.into_bytes()
}
