//! Who asks, and how that is found out.

use api::Problem;
use fleet::access::{Permission, Permissions};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use rsp_crypto::Provider;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Peer;

/// Name of the tenant that there is without any having been made.
pub(crate) const DEFAULT_TENANT: &str = "default";

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Whose things it sees and changes.
    pub(crate) tenant: String,
    /// Identifier of the user, key or machine: limits and repeated requests are
    /// told apart by it, and logs and events name it.
    pub(crate) principal: String,
    /// What it may do.
    pub(crate) permissions: Permissions,
    /// The tenant that it is of.
    pub(crate) home: String,
    /// Whether it reaches the tenants below that.
    pub(crate) below: bool,
    /// Whether it has only begun to sign in.
    pub(crate) unfinished: bool,
}

impl Caller {
    /// Whether it may do this.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }
}

/// What a request shows of who sends it. Its Debug output has no secret in it.
#[derive(Clone)]
pub(crate) struct Presented {
    /// All headers: `Authorization`, `Cookie` and what guards cookies.
    pub(crate) headers: HeaderMap,
    pub(crate) method: Method,
    /// From where, and with which client certificate.
    pub(crate) peer: Peer,
    /// Whether it is looked at again because something goes on, and not because
    /// somebody did something.
    pub(crate) again: bool,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented")
            .field("method", &self.method)
            .field("address", &self.peer.address)
            .finish_non_exhaustive()
    }
}

impl Presented {
    /// The bearer token (RFC 6750).
    pub(crate) fn bearer(&self) -> Option<&str> {
        let header = self.headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
    }
}

/// Finds out who asks. Called on a thread that may block.
pub(crate) trait Authenticate: Send + Sync + 'static {
    /// The caller; `None` if what is presented is not of this kind, so that
    /// another may know it.
    ///
    /// # Errors
    /// If it is of this kind and refused with a reason of its own.
    fn authenticate(&self, presented: &Presented) -> Result<Option<Caller>, Problem>;
}

/// The one token of the file that `door.token` names: the built-in administrator
/// of the default tenant.
pub(crate) struct BuiltIn {
    /// SHA-256 of the token.
    digest: [u8; 32],
}

impl BuiltIn {
    pub(crate) fn new(token: &str) -> Self {
        let digest = SoftwareProvider.sha256(&[token.as_bytes()]);
        BuiltIn { digest }
    }
}

impl Authenticate for BuiltIn {
    /// Compares digests, so that the time it takes tells nothing of the token.
    fn authenticate(&self, presented: &Presented) -> Result<Option<Caller>, Problem> {
        let token = presented.bearer();
        let known =
            token.is_some_and(|token| SoftwareProvider.sha256(&[token.as_bytes()]) == self.digest);
        Ok(known.then(|| Caller {
            tenant: DEFAULT_TENANT.to_string(),
            principal: "administrator".to_string(),
            permissions: Permissions::all(),
            home: DEFAULT_TENANT.to_string(),
            below: true,
            unfinished: false,
        }))
    }
}
