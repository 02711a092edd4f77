//! VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN (ETSI TS 102 221 11.1.9 to
//! 11.1.13).

use super::super::apdu::{Command, Reply, Sw};
use super::super::card::Uicc;
use super::super::codes::{Code, CodeError};

impl From<CodeError> for Sw {
    fn from(error: CodeError) -> Sw {
        match error {
            CodeError::Unknown => Sw::REFERENCE_NOT_FOUND,
            CodeError::Wrong(left) => Sw::tries_left(left),
            CodeError::Blocked => Sw::BLOCKED,
            CodeError::Disabled => Sw::INVALIDATED,
            CodeError::NotAllowed => Sw::CONDITIONS,
        }
    }
}

impl Uicc {
    /// VERIFY PIN; without data the tries left.
    pub(super) fn verify_pin(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let dir = p1_is_zero(command).map(|()| self.current_dir(number))?;
        let presented = match command.data {
            [] => None,
            data => Some(one_code(data)?),
        };
        self.codes
            .verify(&self.fs, dir, command.p2, presented.as_ref())?;
        Ok(Reply::Done)
    }

    /// CHANGE PIN.
    pub(super) fn change_pin(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let dir = p1_is_zero(command).map(|()| self.current_dir(number))?;
        let (old, new) = two_codes(command.data)?;
        self.codes.change(&self.fs, dir, command.p2, (&old, &new))?;
        Ok(Reply::Done)
    }

    /// ENABLE PIN and DISABLE PIN, without replacement by another PIN.
    pub(super) fn set_pin_enabled(
        &mut self,
        number: u8,
        command: &Command<'_>,
        enabled: bool,
    ) -> Result<Reply, Sw> {
        let dir = p1_is_zero(command).map(|()| self.current_dir(number))?;
        let code = one_code(command.data)?;
        self.codes
            .set_enabled(&self.fs, dir, command.p2, (&code, enabled))?;
        Ok(Reply::Done)
    }

    /// UNBLOCK PIN; without data the tries left of the PUK.
    pub(super) fn unblock_pin(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        let dir = p1_is_zero(command).map(|()| self.current_dir(number))?;
        let codes = match command.data {
            [] => None,
            data => Some(two_codes(data)?),
        };
        let codes = codes.as_ref().map(|(puk, new)| (puk, new));
        self.codes.unblock(&self.fs, dir, command.p2, codes)?;
        Ok(Reply::Done)
    }
}

fn p1_is_zero(command: &Command<'_>) -> Result<(), Sw> {
    match command.p1 {
        0 => Ok(()),
        _ => Err(Sw::WRONG_P1_P2),
    }
}

fn one_code(data: &[u8]) -> Result<Code, Sw> {
    data.try_into().map_err(|_| Sw::WRONG_LENGTH)
}

fn two_codes(data: &[u8]) -> Result<(Code, Code), Sw> {
    let (first, second) = data.split_at_checked(8).ok_or(Sw::WRONG_LENGTH)?;
    Ok((one_code(first)?, one_code(second)?))
}
