//! Who may do what: tenants, roles, users, keys, sessions, and what holds
//! guessers and floods back.

mod account;
mod api_key;
mod cbor;
mod limits;
mod lockout;
mod network;
mod passkey;
mod password;
mod permission;
mod principal;
mod public_key;
mod recovery;
mod residency;
mod role;
mod session;
mod single_sign_on;
mod tenant;
#[cfg(test)]
mod testing;
mod token;
mod totp;
mod user;

pub use account::{Account, MOST_PASSKEYS, Subject};
pub use api_key::{ApiKey, ApiKeyId, BadApiKey, KeyRefused, Presented};
pub use limits::{Exceeded, Rate};
pub use lockout::{Attempts, LockOut, Wait};
pub use network::{BadNetwork, Network};
pub use passkey::{Assertion, Passkey, PasskeyError, RelyingParty};
pub use password::{BadPassword, HashError, PasswordHash, check_password};
pub use permission::{BadPermission, Permission, Permissions};
pub use principal::{Denied, LastAdmin, Principal, admins_left};
pub use public_key::{PublicKey, SignatureForm, Signatures};
pub use recovery::{RECOVERY_CODES, RecoveryCodes};
pub use residency::{Misplaced, Place, Residency};
pub use role::{BadRoleName, Role, RoleName};
pub use session::{Ended, Factor, Session, SessionLimits, SessionToken, Stage};
pub use single_sign_on::{Identity, Provider, RelyingClient, SIGN_IN_TIME, SignOn, SignOnError};
pub use tenant::{BadTenantName, DEEPEST, TenantName, Tenants, TreeError};
pub use token::{Digest, digest};
pub use totp::{TotpSecret, TotpStep};
pub use user::{BadUserName, User, UserId, UserName};
