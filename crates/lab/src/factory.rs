//! A factory of cards: EIDs, keys and certificates under one EUM.

use euicc::{BootstrapError, BootstrapProfile, CiKey, Environment, Euicc, EuiccKind};
use rsp_asn1::ids::{Eid, InvalidId};
use rsp_asn1::rsp::PROFILE_CLASS_PROVISIONING;
use rsp_asn1::sgp32::{
    AddInitialEimOk, AddInitialEimRequest, AddInitialEimResponse, EimConfigurationData,
};
use rsp_asn1::{Asn1, Certificate, DecodeError, Extensions};
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, ProfileList};
use rsp_core::pki::{Eum, IssueError, ParsedCertificate, TrustAnchor};
use rsp_core::profile::{self, MetadataOrder, MncLength, ProfileError, Subscription};
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::{CryptoError, Rng, SigningKey};

use crate::identity::{CardIdentity, CardKeys, CardLikeness};

/// Makes cards.
#[derive(Debug)]
pub struct Factory {
    /// The CI that the cards trust and that the EUM is under.
    pub ci: TrustAnchor,
    eum: Eum,
    eum_key: SoftwareKey,
}

/// A profile that a card leaves the factory with.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap<'a> {
    /// Profile package to personalise.
    pub template: &'a [u8],
    /// Whose it becomes.
    pub subscription: &'a Subscription,
    /// At most 64 characters.
    pub profile_name: &'a str,
    /// Host name of the SM-DP+ that is notified when it is enabled, disabled
    /// or deleted.
    pub smdp_address: &'a str,
    /// Whether an eIM may make it the fallback profile (SGP.32 3.4.7).
    pub fallback_allowed: bool,
    /// Whether it is the enabled one: of all that a card has, one.
    pub enabled: bool,
}

/// Why no card was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactoryError {
    /// The prefix and number make no EID.
    #[error("{0}")]
    Eid(#[from] InvalidId),
    /// The key could not be made.
    #[error("{0}")]
    Key(#[from] CryptoError),
    /// The certificate could not be issued.
    #[error("{0}")]
    Issue(#[from] IssueError),
    /// The card answered something unexpected.
    #[error("the card: {0}")]
    Card(#[from] DecodeError),
    /// The package of the bootstrap profile cannot be made.
    #[error("the bootstrap profile: {0}")]
    Profile(#[from] ProfileError),
    /// The card refused the bootstrap profile.
    #[error("{0}")]
    Bootstrap(#[from] BootstrapError),
    /// The card refused a function.
    #[error("the card refused: {0}")]
    Refused(String),
}

impl Factory {
    /// A factory of an EUM.
    ///
    /// # Errors
    /// If CERT.EUM names no permitted EIDs.
    pub fn new(
        ci: TrustAnchor,
        eum_certificate: Certificate,
        eum_key: SoftwareKey,
    ) -> Result<Self, FactoryError> {
        let eum = Eum::new(eum_certificate)?;
        Ok(Factory { ci, eum, eum_key })
    }

    /// CERT.EUM.
    pub fn eum_certificate(&self) -> &Certificate {
        &self.eum.certificate
    }

    /// The EID with this number.
    ///
    /// # Errors
    /// If the prefix is not eight digits or the number too large.
    pub fn eid(&self, number: u64) -> Result<Eid, FactoryError> {
        let prefix = &self.eum.eid_prefix;
        let digits = format!(
            "{prefix}{number:0width$}",
            width = 30 - prefix.len().min(30)
        );
        Ok(Eid::with_check_digits(&digits)?)
    }

    /// A card with key and certificate of its own.
    ///
    /// # Errors
    /// If key or certificate cannot be made.
    pub fn make_card(&self, eid: Eid, rng: &mut dyn Rng) -> Result<Euicc, FactoryError> {
        Ok(Euicc::new(self.identity(eid, rng)?.personalisation()))
    }

    /// Key and certificates for a card.
    ///
    /// # Errors
    /// If key or certificate cannot be made.
    pub fn identity(&self, eid: Eid, rng: &mut dyn Rng) -> Result<CardIdentity, FactoryError> {
        let key = SoftwareKey::generate(self.eum.curve, rng)?;
        let public_key = SigningKey::public_key(&key).clone();
        let eum_key = &self.eum_key;
        let issued = self
            .eum
            .issue(eid, &public_key, eum_key, &SoftwareProvider, rng);
        Ok(self.card(eid, issued?, key))
    }

    /// Key and certificate that exist, as the identity of a card.
    ///
    /// # Errors
    /// If the certificate has no EID.
    pub fn given(
        &self,
        certificate: Certificate,
        key: SoftwareKey,
    ) -> Result<CardIdentity, FactoryError> {
        let parsed = ParsedCertificate::parse(&certificate).map_err(IssueError::Issuer)?;
        let eid = parsed.eid().ok_or(IssueError::NoEids)?;
        Ok(self.card(eid, certificate, key))
    }

    fn card(&self, eid: Eid, certificate: Certificate, key: SoftwareKey) -> CardIdentity {
        let ci = CiKey {
            subject_key_identifier: self.ci.key_identifier.clone(),
            public_key: self.ci.certificate.public_key.clone(),
        };
        CardIdentity {
            eid,
            kind: EuiccKind::Iot,
            likeness: CardLikeness::default(),
            memory: None,
            ci: vec![ci],
            keys: CardKeys {
                key,
                euicc_certificate: certificate,
                eum_certificate: self.eum.certificate.clone(),
            },
            further_keys: Vec::new(),
        }
    }

    /// A card that leaves the factory with a profile for its first connection,
    /// installed and enabled.
    ///
    /// # Errors
    /// As [`Factory::make_card`] and [`Factory::install_bootstrap`].
    pub fn make_card_with_bootstrap(
        &self,
        eid: Eid,
        bootstrap: &Bootstrap<'_>,
        rng: &mut dyn Rng,
    ) -> Result<Euicc, FactoryError> {
        let mut card = self.make_card(eid, rng)?;
        self.install_bootstrap(&mut card, bootstrap)?;
        Ok(card)
    }

    /// Personalises a profile package for a subscription and puts it into a
    /// card.
    ///
    /// # Errors
    /// If the package cannot be personalised, or the card refuses it: another
    /// profile is enabled, or it does not fit.
    pub fn install_bootstrap(
        &self,
        card: &mut Euicc,
        bootstrap: &Bootstrap<'_>,
    ) -> Result<(), FactoryError> {
        let subscription = bootstrap.subscription;
        let package = profile::personalise(bootstrap.template, subscription)?;
        let mut metadata = profile::metadata(&MetadataOrder {
            iccid: subscription.iccid,
            imsi: &subscription.imsi,
            mnc_length: MncLength::Two,
            service_provider_name: "Bootstrap",
            profile_name: bootstrap.profile_name,
            smdp_address: bootstrap.smdp_address,
            profile_class: PROFILE_CLASS_PROVISIONING,
        })?;
        metadata.fallback_allowed = bootstrap.fallback_allowed.then_some(true);
        let profile = BootstrapProfile {
            metadata,
            package: &package,
            enabled: bootstrap.enabled,
        };
        Ok(card.install_bootstrap(profile, &SoftwareProvider)?)
    }

    /// Tells a card of its first eIM; gives the association token that the
    /// card made for it.
    ///
    /// # Errors
    /// If the card refuses.
    pub fn add_initial_eim(
        &self,
        card: &mut Euicc,
        eim: EimConfigurationData,
        rng: &mut dyn Rng,
    ) -> Result<Option<i64>, FactoryError> {
        let request = AddInitialEimRequest {
            eim_configuration_data_list: vec![eim],
            extensions: Extensions::default(),
        };
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng,
        };
        let answer = es10(card, &request.to_der(), &mut environment)?;
        match AddInitialEimResponse::from_der(&answer)? {
            AddInitialEimResponse::Ok(results) => Ok(match results.first() {
                Some(AddInitialEimOk::AssociationToken(token)) => Some(*token),
                _ => None,
            }),
            AddInitialEimResponse::Error(code) => Err(FactoryError::Refused(code.to_string())),
        }
    }
}

/// One ES10 function on a channel of its own, as a factory's tester would.
pub(crate) fn es10(
    card: &mut Euicc,
    request: &[u8],
    environment: &mut Environment<'_>,
) -> Result<Vec<u8>, FactoryError> {
    const SELECT_ISD_R: [u8; 21] = [
        0x01, 0xA4, 0x04, 0x00, 16, 0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF,
        0xFF, 0x89, 0x00, 0x00, 0x01, 0x00,
    ];
    card.transmit(&[0x00, 0x70, 0x00, 0x01, 0x00], environment);
    card.transmit(&SELECT_ISD_R, environment);
    let blocks = request.chunks(255);
    let last = blocks.len().saturating_sub(1);
    let mut answer = Vec::new();
    for (index, block) in blocks.enumerate() {
        let p1 = if index == last { 0x91 } else { 0x11 };
        let mut apdu = vec![0x81, 0xE2, p1, index as u8, block.len() as u8];
        apdu.extend_from_slice(block);
        answer = crate::network::collect(card, &apdu, environment).0;
    }
    card.transmit(&[0x00, 0x70, 0x80, 0x01, 0x00], environment);
    Ok(answer)
}

/// An eUICC of which its maker says that it has no profile: nothing that the eIM
/// would act on, but it need not ask before the first download.
pub(crate) fn fresh(eid: Eid, token: Option<i64>, start: Timestamp) -> EuiccRecord {
    let nothing = ProfileList {
        at: start,
        asked: None,
        unverified: true,
        emulated: false,
        stale: true,
        profiles: Vec::new(),
    };
    EuiccRecord {
        profiles: Some(nothing),
        ..EuiccRecord::new(eid, token, 0)
    }
}
