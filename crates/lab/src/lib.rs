//! The world around the product: devices with a software eUICC, a factory that
//! makes them, the network that authenticates them, and [`World`], in which
//! all roles run in one thread on a fake clock.
#![deny(missing_docs)]

mod card_file;
pub mod conform;
mod device;
mod discovery;
mod factory;
mod identity;
pub mod inspect;
mod kills;
mod material;
mod network;
mod operations;
mod orders;
pub mod ota;
pub mod reader;
mod relayed;
mod rest;
mod servers;
pub mod simulation;
pub mod sizes;
mod terminal;
pub mod test_data;
mod world;

pub use card_file::{CardFile, CardFileError};
pub use device::{Device, Outward, device_info};
pub use discovery::{ALTERNATIVE_SMDS, ROOT_SMDS};
pub use factory::{Bootstrap, Factory, FactoryError};
pub use identity::{CardIdentity, CardKeys, CardLikeness, OtherCard};
pub use kills::{Kill, Moment, Peer, Role};
pub use material::Material;
pub use network::{Algorithm, NotConfirmed, Subscriber};
pub use rest::{Likeness, Resting, WakeError};
pub use terminal::Terminal;
pub use world::{
    Carry, Change, ChangeAnswer, ChangeResponse, Fault, Lose, SMDP_BRAINPOOL, Wire, World,
    WorldError,
};
