//! ES9+.InitiateAuthentication (SGP.22 5.6.1, 3.0.1 steps 3 to 7).

use super::{Refusal, Session, Smdp};
use crate::binding::es9plus_json::{InitiateAuthenticationOk, InitiateAuthenticationRequest};
use crate::{Context, authentication};

/// A new session and its first reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The session.
    pub session: Session,
    /// The reply.
    pub reply: InitiateAuthenticationOk,
}

impl Smdp {
    /// Opens a session.
    ///
    /// # Errors
    /// If the address is another, or eUICC and SM-DP+ have no version or CI in
    /// common.
    pub fn initiate_authentication(
        &self,
        request: &InitiateAuthenticationRequest,
        cx: &mut Context<'_>,
    ) -> Result<Started, Refusal> {
        let (sets, anchors) = (&self.identities, &self.anchors);
        let (state, reply) = authentication::initiate(&self.address, sets, anchors, request, cx)?;
        Ok(Started {
            session: Session::AwaitAuthenticateClient(state),
            reply,
        })
    }
}
