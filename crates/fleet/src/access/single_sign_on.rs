//! Single sign-on: the authorization code flow of OpenID Connect Core 1.0 with
//! PKCE (RFC 7636). The requests themselves are the caller's.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

use super::account::Subject;
use super::public_key::{Jwk, PublicKey, SignatureForm, Signatures};
use super::token::{base62, digest, same};
use super::totp::percent;

/// How far the provider's clock may be from ours.
const SKEW: Duration = Duration::from_secs(60);

/// The longest token that is looked at.
const LONGEST: usize = 64 * 1024;

/// How long a sign-in at the provider may take.
pub const SIGN_IN_TIME: Duration = Duration::from_secs(10 * 60);

/// Why a provider or its answer is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignOnError {
    /// A document cannot be read.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    /// The provider calls itself something else.
    #[error("the issuer is another than the one that is configured")]
    Issuer,
    /// It lacks what is needed.
    #[error("the provider does not offer {0}")]
    Lacks(&'static str),
    /// The token is signed in a way that is not taken.
    #[error("the token's algorithm is not taken")]
    Algorithm,
    /// There is no such key.
    #[error("the provider publishes no key for this token")]
    Key,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// The token is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// It is over, or not yet.
    #[error("the token is expired, or from the future")]
    Time,
    /// It answers another sign-in.
    #[error("the token's nonce is another")]
    Nonce,
    /// The browser came back with another state.
    #[error("the state is another")]
    State,
}

/// What a provider publishes (OpenID Connect Discovery 1.0, 3).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Provider {
    /// Its URL.
    pub issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: String,
    /// Where codes become tokens.
    pub token_endpoint: String,
    /// Where its keys are.
    pub jwks_uri: String,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
}

impl Provider {
    /// Where the document of an issuer is.
    pub fn document_of(issuer: &str) -> String {
        let issuer = issuer.trim_end_matches('/');
        format!("{issuer}/.well-known/openid-configuration")
    }

    /// Reads the document of an issuer.
    ///
    /// # Errors
    /// If it is another's, names addresses without TLS, or has no PKCE.
    pub fn read(document: &[u8], issuer: &str) -> Result<Self, SignOnError> {
        let read: Provider = serde_json::from_slice(document)
            .map_err(|_| SignOnError::Unreadable("the provider's document"))?;
        if read.issuer != issuer {
            return Err(SignOnError::Issuer);
        }
        let addresses = [
            &read.authorization_endpoint,
            &read.token_endpoint,
            &read.jwks_uri,
        ];
        if !addresses
            .iter()
            .all(|address| address.starts_with("https://"))
        {
            return Err(SignOnError::Lacks("TLS"));
        }
        let methods = read.code_challenge_methods_supported.as_ref();
        match methods.is_none_or(|methods| methods.iter().any(|method| method == "S256")) {
            true => Ok(read),
            false => Err(SignOnError::Lacks("PKCE with S256")),
        }
    }
}

/// A sign-in that is under way at a provider: kept, sealed, until the browser
/// comes back.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignOn {
    state: String,
    nonce: String,
    verifier: String,
    /// Since when.
    pub begun: Timestamp,
}

impl std::fmt::Debug for SignOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignOn([redacted])")
    }
}

/// Who asks a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingClient {
    /// `client_id`.
    pub id: String,
    /// `redirect_uri`.
    pub redirect: String,
    /// Scopes beside `openid`.
    pub scopes: Vec<String>,
}

impl RelyingClient {
    /// What it shows a provider that gave it a secret, as `Authorization` (RFC 6749
    /// 2.3.1: both are encoded before they are joined).
    pub fn basic(&self, secret: &str) -> Zeroizing<String> {
        let secret = Zeroizing::new(percent(secret));
        let pair = Zeroizing::new(format!("{}:{}", percent(&self.id), *secret));
        Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
    }
}

impl SignOn {
    /// Begins one, with three random values.
    pub fn begin(random: &[[u8; 32]; 3], now: Timestamp) -> Self {
        let [state, nonce, verifier] = random;
        SignOn {
            state: base62(state),
            nonce: base62(nonce),
            verifier: base62(verifier),
            begun: now,
        }
    }

    /// Where the browser is sent.
    pub fn address(&self, provider: &Provider, client: &RelyingClient) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(self.verifier.as_bytes()).0);
        let scope = ["openid"]
            .into_iter()
            .chain(client.scopes.iter().map(String::as_str));
        let scope = scope.collect::<Vec<_>>().join(" ");
        let parameters = [
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", &client.redirect),
            ("scope", &scope),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let endpoint = &provider.authorization_endpoint;
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        format!("{endpoint}{joint}{}", form(&parameters))
    }

    /// What the state must be when the browser comes back.
    ///
    /// # Errors
    /// If it is another, or it took too long.
    pub fn returned(&self, state: &str, now: Timestamp) -> Result<(), SignOnError> {
        if !same(state.as_bytes(), self.state.as_bytes()) {
            return Err(SignOnError::State);
        }
        match now.since(self.begun) < SIGN_IN_TIME {
            true => Ok(()),
            false => Err(SignOnError::Time),
        }
    }

    /// The body of the request for a token (RFC 6749 4.1.3).
    pub fn token_request(&self, client: &RelyingClient, code: &str) -> Zeroizing<String> {
        Zeroizing::new(form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &client.redirect),
            ("client_id", &client.id),
            ("code_verifier", &self.verifier),
        ]))
    }

    /// Who has signed in, by the answer to [`SignOn::token_request`] and the
    /// provider's keys (OpenID Connect Core 3.1.3.7).
    ///
    /// # Errors
    /// [`SignOnError`].
    pub fn believe(
        &self,
        provider: &Provider,
        client: &RelyingClient,
        answer: &[u8],
        keys: &[u8],
        signatures: &dyn Signatures,
        now: Timestamp,
    ) -> Result<Identity, SignOnError> {
        #[derive(Deserialize)]
        struct Answer {
            id_token: String,
        }
        let answer: Answer = serde_json::from_slice(answer)
            .map_err(|_| SignOnError::Unreadable("the provider's answer"))?;
        let claims = claims(&answer.id_token, keys, signatures)?;
        self.check(&claims, provider, client, now)?;
        Ok(Identity {
            subject: Subject {
                issuer: claims.iss,
                subject: claims.sub,
            },
            mail: claims.email.filter(|_| claims.email_verified == Some(true)),
        })
    }

    fn check(
        &self,
        claims: &Claims,
        provider: &Provider,
        client: &RelyingClient,
        now: Timestamp,
    ) -> Result<(), SignOnError> {
        if claims.iss != provider.issuer || claims.sub.is_empty() {
            return Err(SignOnError::Issuer);
        }
        // More than one audience would let each of them use the token here.
        if claims.aud.only() != Some(client.id.as_str())
            || claims.azp.as_ref().is_some_and(|azp| *azp != client.id)
        {
            return Err(SignOnError::Audience);
        }
        let over = now >= Timestamp::from_secs(claims.exp).after(SKEW);
        let begins = claims.iat.max(claims.nbf.unwrap_or_default());
        let early = Timestamp::from_secs(begins) > now.after(SKEW);
        if over || early {
            return Err(SignOnError::Time);
        }
        let nonce = claims.nonce.as_deref().unwrap_or_default();
        match same(nonce.as_bytes(), self.nonce.as_bytes()) {
            true => Ok(()),
            false => Err(SignOnError::Nonce),
        }
    }
}

/// Who has signed in at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who they are there.
    pub subject: Subject,
    /// Their address of mail, if the provider has verified it.
    pub mail: Option<String>,
}

/// One audience, or a list of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn only(&self) -> Option<&str> {
        match self {
            Audience::One(one) => Some(one),
            Audience::Many(many) => match many.as_slice() {
                [one] => Some(one),
                _ => None,
            },
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: u64,
    iat: u64,
    nbf: Option<u64>,
    nonce: Option<String>,
    email: Option<String>,
    email_verified: Option<bool>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Vec<String>>,
}

/// The claims of a token whose signature is right (RFC 7515 5.2).
fn claims(token: &str, keys: &[u8], signatures: &dyn Signatures) -> Result<Claims, SignOnError> {
    let unreadable = SignOnError::Unreadable("the token");
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let read = || {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        Some((header, decode(claims)?, signed, decode(signature)?))
    };
    if token.len() > LONGEST {
        return Err(unreadable);
    }
    let (header, claims, signed, signature) = read().ok_or(unreadable.clone())?;
    if header.crit.is_some() {
        return Err(SignOnError::Algorithm);
    }
    let key = key_of(&header, keys)?;
    let form = SignatureForm::Fixed;
    match signatures.verify(&key, form, signed.as_bytes(), &signature) {
        true => serde_json::from_slice(&claims).map_err(|_| unreadable),
        false => Err(SignOnError::Signature),
    }
}

/// The key that the header names; `none` and secret keys have none.
fn key_of(header: &Header, keys: &[u8]) -> Result<PublicKey, SignOnError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    if !["RS256", "ES256"].contains(&header.alg.as_str()) {
        return Err(SignOnError::Algorithm);
    }
    let set: Set =
        serde_json::from_slice(keys).map_err(|_| SignOnError::Unreadable("the provider's keys"))?;
    let keys = set.keys.into_iter();
    // Keys of kinds that are not known are none of ours.
    let keys = keys.filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let signing = |key: &Jwk| key.usage.as_deref().is_none_or(|usage| usage == "sig");
    let named = |key: &Jwk| header.kid.is_none() || key.kid == header.kid;
    let fitting = keys.filter(|key| signing(key) && named(key));
    let mut fitting = fitting
        .filter_map(|key| PublicKey::from_jwk(&key))
        .filter(|key| key.jws_algorithm() == header.alg);
    let key = fitting.next().ok_or(SignOnError::Key)?;
    // Without a name there must be no choice.
    match header.kid.is_none() && fitting.next().is_some() {
        true => Err(SignOnError::Key),
        false => Ok(key),
    }
}

fn form(parameters: &[(&str, &str)]) -> String {
    let pairs = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `sig` for a signature of the modulus that begins with 7.
    struct Fake;

    impl Signatures for Fake {
        fn verify(&self, key: &PublicKey, form: SignatureForm, _: &[u8], signature: &[u8]) -> bool {
            assert_eq!(form, SignatureForm::Fixed);
            matches!(key, PublicKey::Rs256(n, _) if n[0] == 7) && signature == b"sig"
        }
    }

    const ISSUER: &str = "https://login.example.org/a";
    const NOW: u64 = 1_800_000_000;

    fn provider() -> Provider {
        let document = serde_json::json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://login.example.org/auth",
            "token_endpoint": "https://login.example.org/token",
            "jwks_uri": "https://login.example.org/keys",
        });
        Provider::read(document.to_string().as_bytes(), ISSUER).unwrap()
    }

    fn client() -> RelyingClient {
        RelyingClient {
            id: "simurgh".to_string(),
            redirect: "https://sim.example.org/back".to_string(),
            scopes: vec!["email".to_string()],
        }
    }

    fn sign_on() -> SignOn {
        SignOn::begin(&[[1; 32], [2; 32], [3; 32]], Timestamp::from_secs(NOW))
    }

    fn keys() -> String {
        let key = |first: u8, kid: &str, usage: &str| {
            let mut n = vec![first; 256];
            n[1] = 1;
            serde_json::json!({
                "kty": "RSA", "kid": kid, "use": usage,
                "n": URL_SAFE_NO_PAD.encode(n), "e": "AQAB",
            })
        };
        let keys = [key(8, "b", "sig"), key(7, "a", "sig"), key(7, "c", "enc")];
        serde_json::json!({ "keys": keys }).to_string()
    }

    fn claims() -> serde_json::Value {
        serde_json::json!({
            "iss": ISSUER, "sub": "42", "aud": "simurgh",
            "exp": NOW + 300, "iat": NOW, "nonce": sign_on().nonce,
            "email": "noc@example.org", "email_verified": true,
        })
    }

    fn signed(header: &str, claims: &serde_json::Value) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let (header, claims) = (encode(header), encode(&claims.to_string()));
        format!("{header}.{claims}.{}", encode("sig"))
    }

    fn believe(token: &str) -> Result<Identity, SignOnError> {
        let answer = serde_json::json!({ "id_token": token }).to_string();
        let now = Timestamp::from_secs(NOW);
        sign_on().believe(
            &provider(),
            &client(),
            answer.as_bytes(),
            keys().as_bytes(),
            &Fake,
            now,
        )
    }

    const HEADER: &str = r#"{"alg":"RS256","kid":"a"}"#;

    fn with(name: &str, value: serde_json::Value) -> Result<Identity, SignOnError> {
        let mut claims = claims();
        claims[name] = value;
        believe(&signed(HEADER, &claims))
    }

    #[test]
    fn the_browser_is_sent_with_all_that_guards_it() {
        let address = sign_on().address(&provider(), &client());
        for part in [
            "https://login.example.org/auth?response_type=code&client_id=simurgh&",
            "&scope=openid%20email&",
            "&code_challenge_method=S256",
            "redirect_uri=https%3A%2F%2Fsim.example.org%2Fback",
        ] {
            assert!(address.contains(part), "{address}");
        }
        assert!(!address.contains(&sign_on().verifier));
        let request = sign_on().token_request(&client(), "a b");
        assert!(request.contains("code=a%20b&"), "{request:?}");
        // A secret may have anything in it.
        let basic = client().basic("a:b+c");
        assert_eq!(
            *basic,
            format!("Basic {}", STANDARD.encode("simurgh:a%3Ab%2Bc"))
        );
    }

    #[test]
    fn who_signed_in_is_believed_with_a_verified_address_alone() {
        let identity = believe(&signed(HEADER, &claims())).unwrap();
        assert_eq!(identity.subject.key(), format!("{ISSUER} 42"));
        assert_eq!(identity.mail.as_deref(), Some("noc@example.org"));
        let unverified = with("email_verified", false.into()).unwrap();
        assert_eq!(unverified.mail, None);
        assert!(with("aud", serde_json::json!(["simurgh"])).is_ok());
    }

    #[test]
    fn wrong_claims_are_refused() {
        use SignOnError::{Audience, Issuer, Nonce, Time, Unreadable};
        let cases = [
            ("iss", "https://evil.example".into(), Issuer),
            ("sub", "".into(), Issuer),
            ("aud", "other".into(), Audience),
            ("aud", serde_json::json!(["simurgh", "other"]), Audience),
            ("azp", "other".into(), Audience),
            ("exp", (NOW - 60).into(), Time),
            ("iat", (NOW + 61).into(), Time),
            ("nbf", (NOW + 61).into(), Time),
            ("nonce", "other".into(), Nonce),
            ("nonce", serde_json::Value::Null, Nonce),
            ("exp", "soon".into(), Unreadable("the token")),
        ];
        for (name, value, expected) in cases {
            assert_eq!(with(name, value), Err(expected), "{name}");
        }
    }

    #[test]
    fn wrong_signatures_and_keys_are_refused() {
        for (header, expected) in [
            (r#"{"alg":"none"}"#, SignOnError::Algorithm),
            (r#"{"alg":"HS256","kid":"a"}"#, SignOnError::Algorithm),
            (r#"{"alg":"ES256","kid":"a"}"#, SignOnError::Key),
            (r#"{"alg":"RS256","kid":"c"}"#, SignOnError::Key),
            (r#"{"alg":"RS256","kid":"b"}"#, SignOnError::Signature),
            // Two keys could be meant.
            (r#"{"alg":"RS256"}"#, SignOnError::Key),
            (
                r#"{"alg":"RS256","kid":"a","crit":["b64"]}"#,
                SignOnError::Algorithm,
            ),
        ] {
            assert_eq!(
                believe(&signed(header, &claims())),
                Err(expected),
                "{header}"
            );
        }
        let token = signed(HEADER, &claims());
        for bad in ["", "..", &token[..token.len() - 3], &token.replace('.', "")] {
            assert!(believe(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_browser_that_comes_back_late_or_from_elsewhere_is_refused() {
        let sign_on = sign_on();
        let at = |secs| Timestamp::from_secs(NOW + secs);
        assert_eq!(sign_on.returned(&sign_on.state, at(599)), Ok(()));
        let late = sign_on.returned(&sign_on.state, at(600));
        assert_eq!(late, Err(SignOnError::Time));
        assert_eq!(sign_on.returned("", at(1)), Err(SignOnError::State));
    }

    #[test]
    fn another_provider_is_not_taken() {
        let read = |text: &str| Provider::read(text.as_bytes(), ISSUER);
        let good = r#"{"issuer":"https://login.example.org/a","authorization_endpoint":"https://a",
            "token_endpoint":"https://b","jwks_uri":"https://c",
            "code_challenge_methods_supported":["S256"]}"#;
        assert!(read(good).is_ok());
        let other = good.replace("org/a", "org/b");
        assert_eq!(read(&other), Err(SignOnError::Issuer));
        let plain = good.replace("https://b", "http://b");
        assert_eq!(read(&plain), Err(SignOnError::Lacks("TLS")));
        let weak = good.replace("S256", "plain");
        assert_eq!(read(&weak), Err(SignOnError::Lacks("PKCE with S256")));
    }
}
