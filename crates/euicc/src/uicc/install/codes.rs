//! PINs and PUKs (SAIP 8.4).

use rsp_asn1::saip::{PinCodes, PinCodesChoice, PinConfiguration, PukCodes, Secret};

use super::super::codes::{Code, Pin, Puk, Tries};
use super::super::fs::{FileId, MF};
use super::build::Build;
use super::fault::Fault;

/// PINs of one element, and PUKs of a card (TS 102 221 9.5.1).
const MAX_PINS: usize = 26;
const MAX_PUKS: usize = 16;

impl Build {
    /// PUKs, before the PINs that name them.
    pub(super) fn puk_codes(&mut self, pe: &PukCodes) -> Result<(), Fault> {
        for puk in &pe.puk_codes {
            let reference = puk_reference(puk.key_reference)?;
            let taken = self.codes.puks.iter().any(|p| p.reference == reference);
            if taken || self.codes.puks.len() >= MAX_PUKS {
                return Err(Fault::BAD_VALUES);
            }
            self.codes.puks.push(Puk {
                reference,
                value: code(&puk.puk_value)?,
                tries: tries(puk.max_num_of_attemps_retry_num_left)?,
            });
        }
        Ok(())
    }

    /// PINs of the directory created last, or that it shares another one's.
    pub(super) fn pin_codes(&mut self, pe: &PinCodes) -> Result<(), Fault> {
        match &pe.pin_codes {
            PinCodesChoice::PinConfig(pins) if (1..=MAX_PINS).contains(&pins.len()) => {
                pins.iter().try_for_each(|pin| self.pin(pin))
            }
            PinCodesChoice::PinConfig(_) => Err(Fault::BAD_VALUES),
            PinCodesChoice::FilePath(path) => {
                let source = self.path(path).ok_or(Fault::BAD_VALUES)?;
                self.share(source)
            }
        }
    }

    fn share(&mut self, source: FileId) -> Result<(), Fault> {
        let context = self.context;
        let taken = self.codes.shared.iter().any(|(dir, _)| *dir == context)
            || self.codes.pins.iter().any(|pin| pin.home == context);
        if taken || source == context || !self.fs.is_directory(source) {
            return Err(Fault::BAD_VALUES);
        }
        self.codes.shared.push((context, source));
        Ok(())
    }

    fn pin(&mut self, pin: &PinConfiguration) -> Result<(), Fault> {
        let reference = pin_reference(pin.key_reference)?;
        let home = if reference & 0x80 == 0 {
            MF
        } else {
            self.context
        };
        let puk = pin
            .unblocking_pin_reference
            .map(puk_reference)
            .transpose()?;
        let known = |puk: u8| self.codes.puks.iter().any(|p| p.reference == puk);
        if puk.is_some_and(|puk| !known(puk)) {
            return Err(Fault::PIN_CODE_MISSING);
        }
        let taken = self.codes.pins.iter();
        let taken = taken.filter(|p| (p.home, p.reference) == (home, reference));
        if taken.count() > 0 {
            return Err(Fault::BAD_VALUES);
        }
        self.codes.pins.push(Pin {
            home,
            reference,
            value: code(&pin.pin_value)?,
            puk,
            attributes: octet(pin.pin_attributes)?,
            tries: tries(pin.max_num_of_attemps_retry_num_left)?,
            verified: false,
        });
        Ok(())
    }
}

/// `PINKeyReferenceValue`: global, ADM 1 to 5, local, ADM 6 to 10.
fn pin_reference(value: i64) -> Result<u8, Fault> {
    match value {
        1..=8 | 10..=14 | 129..=136 | 138..=142 => octet(value),
        _ => Err(Fault::BAD_VALUES),
    }
}

/// `PUKKeyReferenceValue`.
fn puk_reference(value: i64) -> Result<u8, Fault> {
    match value {
        1..=8 | 129..=136 => octet(value),
        _ => Err(Fault::BAD_VALUES),
    }
}

fn octet(value: i64) -> Result<u8, Fault> {
    u8::try_from(value).map_err(|_| Fault::BAD_VALUES)
}

fn code(secret: &Secret) -> Result<Code, Fault> {
    let value = secret.0.as_slice();
    value.try_into().map_err(|_| Fault::BAD_VALUES)
}

/// Maximum in the high nibble, left in the low one.
fn tries(coded: i64) -> Result<Tries, Fault> {
    let coded = octet(coded)?;
    let (max, left) = (coded >> 4, coded & 0x0F);
    match max > 0 && left <= max {
        true => Ok(Tries { max, left }),
        false => Err(Fault::BAD_VALUES),
    }
}
