//! ES10c.SetNickname (SGP.22 5.7.21).

use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::{SetNicknameRequest, SetNicknameResponse, SetNicknameResult};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;

/// Gives a profile the name that its user wants; an empty one removes it.
pub(crate) fn set_nickname(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: SetNicknameRequest = decode(command)?;
    let set_nickname_result = match isdr.state.profile_mut(&request.iccid) {
        Some(profile) => {
            let nickname = request.profile_nickname;
            profile.nickname = Some(nickname).filter(|name| !name.is_empty());
            SetNicknameResult::OK
        }
        None => SetNicknameResult::ICCID_NOT_FOUND,
    };
    let response = SetNicknameResponse {
        set_nickname_result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}
