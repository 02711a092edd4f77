//! What is in a fleet: devices with their modems and SIMs, and what they are known
//! by.

mod country;
mod device;
mod history;
mod identity;
mod money;
mod names;
mod sim;
mod state;
mod text;

pub use country::{BadCountry, Country};
pub use device::{BadDevice, Device, MOST_LABELS, MOST_PARTS, MOST_PROFILES};
pub use history::{ProfileEvent, changes};
pub use identity::{Identity, IdentityConflict, IdentityKind};
pub use money::{BadMoney, Money};
pub use names::UnknownName;
pub(crate) use names::named;
pub use sim::{
    Association, FormFactor, Grade, IpaPlace, Modem, Profile, ProfileState, Sim, SimKind, Standard,
    Technology,
};
pub use state::{BadTransition, ServiceState, Tier};
pub use text::{BadText, DeviceId, LONGEST, Text};
