//! A virtual device: a software eUICC, the product's IPA, and a modem that is
//! a real TLS client.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::{ManifestDevice, NewDevice, OperationKind, Secret};
use euicc::{Environment, Euicc, EuiccKind};
use lab::{Algorithm, Bootstrap, CardIdentity, Outward, Resting, Subscriber, inspect};
use rsp_asn1::Asn1;
use rsp_asn1::ids::{Eid, Iccid, Imei};
use rsp_asn1::rsp::DeviceInfo;
use rsp_asn1::sgp32::EimConfigurationData;
use rsp_core::Timestamp;
use rsp_core::ipa::{Config, Emulation, Event, Input, IpaFeatures};
use rsp_core::profile::{self, Subscription};
use rsp_crypto::OsRng;
use rsp_crypto::software::SoftwareProvider;

use super::card_ipa::CardIpa;
use super::report::{Run, Step};
use super::server::SMDP;
use super::{Card, Download, IpaPlace, Setting, supply};
use crate::Failure;
use crate::wires::Wires;

/// Pause between two polls while the demonstration stays up.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// A device in the field.
pub(crate) struct Device {
    number: u32,
    /// The profile that it came with.
    bootstrap: Iccid,
    device: lab::Device,
    wires: Wires,
    /// If its IPA is in the card.
    card_ipa: Option<CardIpa>,
    rng: OsRng,
}

/// A device that rests between two polls.
pub(crate) struct Kept {
    number: u32,
    bootstrap: Iccid,
    wires: Wires,
    resting: Resting,
}

/// Why a device is not confirmed.
pub(crate) struct Unconfirmed {
    /// Which device.
    pub(crate) device: String,
    pub(crate) reason: String,
}

/// Makes a device and takes it through the run; gives it if it was confirmed.
pub(crate) async fn run(
    number: u32,
    subscription: Subscription,
    setting: &Setting,
    run: &mut Run,
) -> Result<Device, Unconfirmed> {
    let mut name = format!("device {number}");
    let made = Device::make(number, setting).await;
    let confirmed = match made {
        Ok(device) => {
            name = format!("{name}, EID {}", device.eid());
            run.step(Step::Made);
            match setting.zero_touch {
                true => device.confirm_untouched(setting, run).await,
                false => device.confirm(subscription, setting, run).await,
            }
        }
        Err(error) => Err(error),
    };
    confirmed.map_err(|error| Unconfirmed {
        device: name,
        reason: error.to_string(),
    })
}

impl Device {
    async fn confirm(
        mut self,
        subscription: Subscription,
        setting: &Setting,
        run: &mut Run,
    ) -> Result<Self, Failure> {
        let operator = &setting.operator;
        let eid = self.eid().to_string();
        let activation_code = Secret(operator.order(subscription.iccid).await?);
        run.step(Step::Ordered);
        let download = OperationKind::Download { activation_code };
        let download = operator.queue(&eid, download).await?;
        self.round(run).await?;
        expect_confirmed(setting, &download).await?;
        run.step(Step::DownloadConfirmed);

        self = self.rest(setting).wake(setting)?;
        run.step(Step::Woken);
        let enable = OperationKind::Enable {
            iccid: subscription.iccid.to_string(),
            rollback: false,
        };
        let enable = operator.queue(&eid, enable).await?;
        self.round(run).await?;
        expect_confirmed(setting, &enable).await?;
        run.step(Step::EnableConfirmed);

        let operational = subscription.iccid;
        self.authenticate(subscription)?;
        run.step(Step::Authenticated);
        self.expect_profiles(&[(self.bootstrap, false), (operational, true)])?;
        run.step(Step::BootstrapDisabled);
        Ok(self)
    }

    /// The device polls, and that is all that is done.
    async fn confirm_untouched(
        mut self,
        setting: &Setting,
        run: &mut Run,
    ) -> Result<Self, Failure> {
        let eid = self.eid().to_string();
        self.round(run).await?;
        let device = setting.operator.device(&eid).await?;
        let way = device.zero_touch.ok_or("the server did not await it")?;
        if way.stage != "done" {
            let reason = way.reason.unwrap_or_default();
            return Err(format!("the server left it {}: {reason}", way.stage).into());
        }
        run.step(Step::EnableConfirmed);
        let operational: Iccid = way.iccid.ok_or("no profile was chosen")?.parse()?;
        let subscription = setting.supply.chosen(operational);
        self.authenticate(subscription.ok_or("another has this profile")?)?;
        run.step(Step::Authenticated);
        self.expect_profiles(&[(self.bootstrap, false), (operational, true)])?;
        run.step(Step::BootstrapDisabled);
        Ok(self)
    }

    /// In the factory: a card with its certificate and an enabled bootstrap
    /// profile, told of the eIM; and at the eIM, told of the card.
    async fn make(number: u32, setting: &Setting) -> Result<Self, Failure> {
        let mut rng = super::random()?;
        let factory = &setting.factory;
        let eid = factory.eid(number.into())?;
        let subscription = supply::bootstrap(number)?;
        let bootstrap = Bootstrap {
            template: &profile::template(),
            subscription: &subscription,
            profile_name: "Bootstrap",
            smdp_address: SMDP,
            fallback_allowed: false,
            enabled: true,
        };
        let mut identity = CardIdentity {
            kind: setting.card.into(),
            ..factory.identity(eid, &mut rng)?
        };
        identity.likeness.with_ipae = setting.ipa == IpaPlace::Card;
        identity.likeness.ipae_relayed = setting.download == Download::Indirect;
        let mut card = Euicc::new(identity.personalisation());
        factory.install_bootstrap(&mut card, &bootstrap)?;
        let configuration = setting.operator.eim_configuration().await?;
        let data = octets(&configuration.eim_configuration_data)?;
        let data = EimConfigurationData::from_der(&data)?;
        let (device, association_token) =
            associate(number, identity, card, data, setting, &mut rng)?;
        let new = NewDevice {
            eid: eid.to_string(),
            association_token,
            counter_value: configuration.counter_value,
            empty_response: false,
            emulated: setting.card == Card::Consumer,
        };
        tell_eim(number, new, &subscription, setting).await?;
        let mut device = Device {
            number,
            bootstrap: subscription.iccid,
            device,
            wires: setting.devices.wires(&setting.operator, eid).await?,
            card_ipa: card_ipa(number, setting)?,
            rng,
        };
        if let Some(ipa) = &mut device.card_ipa {
            ipa.activate(device.device.card(), &mut device.rng)?;
        }
        device.expect_profiles(&[(subscription.iccid, true)])?;
        device.authenticate(subscription)?;
        Ok(device)
    }

    /// Challenges the enabled profile as its network would.
    fn authenticate(&mut self, subscription: Subscription) -> Result<(), Failure> {
        let algorithm = Algorithm::of(&subscription);
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng: &mut self.rng,
        };
        let mut subscriber = Subscriber::new(subscription, algorithm);
        Ok(subscriber.confirm(self.device.card(), &mut environment)?)
    }

    /// Compares what the card says of its profiles, and whether they are
    /// enabled.
    fn expect_profiles(&mut self, expected: &[(Iccid, bool)]) -> Result<(), Failure> {
        let actual = inspect::profiles(self.device.card(), &mut self.rng)?;
        match actual == expected {
            true => Ok(()),
            false => Err(format!("the card has the profiles {actual:?}, not {expected:?}").into()),
        }
    }

    pub(crate) fn eid(&self) -> Eid {
        self.device.eid()
    }

    /// Lets the IPA do a round, until the eIM has nothing more.
    async fn round(&mut self, run: &mut Run) -> Result<(), Failure> {
        if let Some(ipa) = &mut self.card_ipa {
            return ipa.rounds(self.device.card(), &mut self.rng).await;
        }
        self.device.wake_ipa(now());
        loop {
            match self.act().await {
                Some(Event::Idle) => return Ok(()),
                Some(Event::Failed { reason } | Event::DownloadFailed { reason }) => {
                    return Err(reason.into());
                }
                Some(event) => run.event(&event),
                None => {}
            }
        }
    }

    /// Lets the device do one thing, or waits until its IPA wants to be called.
    async fn act(&mut self) -> Option<Event> {
        let input = match self.device.next(now(), &mut self.rng) {
            Outward::Event(event) => return Some(event),
            Outward::Http { server, request } => {
                let response = self.wires.post(&server, request).await;
                Input::Http(response.map_err(|error| error.to_string()))
            }
            Outward::Wait(until) => {
                if let Some(until) = until {
                    tokio::time::sleep(until.since(now())).await;
                }
                Input::Time
            }
        };
        self.device.handle(input, now());
        None
    }

    /// Switches the device off until its next poll.
    pub(crate) fn rest(self, setting: &Setting) -> Kept {
        let resting = self.device.rest(setting.likeness.get());
        setting.likeness.get_or_init(|| resting.likeness());
        Kept {
            number: self.number,
            bootstrap: self.bootstrap,
            wires: self.wires,
            resting,
        }
    }
}

impl Kept {
    /// Octets that it has for itself.
    pub(crate) fn octets(&self) -> usize {
        self.resting.own_octets()
    }

    fn wake(self, setting: &Setting) -> Result<Device, Failure> {
        let config = config(self.number, setting);
        let mut device = Device {
            number: self.number,
            bootstrap: self.bootstrap,
            device: self.resting.wake(config, now())?,
            wires: self.wires,
            card_ipa: card_ipa(self.number, setting)?,
            rng: super::random()?,
        };
        if let Some(ipa) = &mut device.card_ipa {
            ipa.power_on(device.device.card(), &mut device.rng);
        }
        Ok(device)
    }

    /// Waits until the device wants to poll, wakes it for a round and puts it
    /// to rest again.
    pub(crate) async fn poll(self, setting: &Setting) -> Result<Kept, Failure> {
        if setting.ipa == IpaPlace::Card {
            tokio::time::sleep(POLL_INTERVAL).await;
            let mut device = self.wake(setting)?;
            if let Some(ipa) = &mut device.card_ipa {
                ipa.rounds(device.device.card(), &mut device.rng).await?;
            }
            return Ok(device.rest(setting));
        }
        if let Some(until) = self.resting.until() {
            tokio::time::sleep(until.since(now())).await;
        }
        let mut device = self.wake(setting)?;
        while device.act().await != Some(Event::Idle) {}
        Ok(device.rest(setting))
    }
}

/// The terminal of a device whose card brings the IPA.
fn card_ipa(number: u32, setting: &Setting) -> Result<Option<CardIpa>, Failure> {
    match setting.ipa {
        IpaPlace::Device => Ok(None),
        IpaPlace::Card => {
            let servers = &setting.devices.servers;
            Ok(Some(CardIpa::new(&imei(number)?, servers)))
        }
    }
}

fn config(number: u32, setting: &Setting) -> Config {
    let imei = imei(number).ok();
    let info = DeviceInfo {
        imei: imei.map(|imei| imei.to_octets()),
        ..lab::device_info()
    };
    let indirect = setting.download == Download::Indirect;
    Config {
        features: IpaFeatures {
            direct: !indirect,
            indirect,
            ..IpaFeatures::default()
        },
        esipa_binding: setting.devices.esipa(),
        poll_interval: POLL_INTERVAL,
        jitter_seed: u64::from(number),
        transports: vec![setting.devices.transport()],
        emulation: match setting.card {
            Card::Iot => None,
            Card::Consumer => Some(stand_in(Vec::new())),
        },
        ..Config::new(info, vec![setting.factory.ci.clone()])
    }
}

/// The card is told of its eIM, or the IPA that stands in for it is; gives the
/// association token as well.
fn associate(
    number: u32,
    identity: CardIdentity,
    mut card: Euicc,
    eim: EimConfigurationData,
    setting: &Setting,
    rng: &mut OsRng,
) -> Result<(lab::Device, Option<i64>), Failure> {
    let config = config(number, setting);
    if setting.card == Card::Iot {
        let token = setting.factory.add_initial_eim(&mut card, eim, rng)?;
        return Ok((lab::Device::new(identity, card, config, now()), token));
    }
    let mut first = config.clone();
    first.emulation = Some(stand_in(vec![eim]));
    let mut device = lab::Device::new(identity, card, first, now());
    let token = device.associate(config, now(), rng);
    let token = token.ok_or("nobody stands in for the card")?;
    Ok((device, token))
}

/// The device is added at the eIM, or only announced to it.
async fn tell_eim(
    number: u32,
    new: NewDevice,
    bootstrap: &Subscription,
    setting: &Setting,
) -> Result<(), Failure> {
    if !setting.zero_touch {
        return setting.operator.add_euicc(&new).await;
    }
    let device = ManifestDevice {
        eid: new.eid,
        association_token: new.association_token,
        counter_value: new.counter_value,
        emulated: new.emulated,
        imei: Some(imei(number)?.to_string()),
        serial: Some(format!("DEMO-{number}")),
        bootstrap_iccid: Some(bootstrap.iccid.to_string()),
        ..ManifestDevice::default()
    };
    setting.operator.announce(device).await
}

/// What answers the eIM in place of a card for consumer devices.
fn stand_in(initial_eims: Vec<EimConfigurationData>) -> Emulation {
    Emulation {
        crypto: &SoftwareProvider,
        initial_eims,
    }
}

impl From<Card> for EuiccKind {
    fn from(card: Card) -> Self {
        match card {
            Card::Iot => EuiccKind::Iot,
            Card::Consumer => EuiccKind::Consumer,
        }
    }
}

/// The IMEI of a device, of the type that the lab's devices are.
fn imei(number: u32) -> Result<Imei, Failure> {
    Ok(format!("35290611{:06}", number % 1_000_000).parse()?)
}

async fn expect_confirmed(setting: &Setting, id: &str) -> Result<(), Failure> {
    let operation = setting.operator.operation(id).await?;
    match operation.state.as_str() {
        "confirmed" => Ok(()),
        state => Err(format!(
            "{} is {state}: {}",
            operation.kind,
            operation.reason.unwrap_or_default()
        )
        .into()),
    }
}

/// The time: the one place where devices read the clock.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| since.as_millis() as u64))
}

pub(super) fn octets(hex: &str) -> Result<Vec<u8>, Failure> {
    let pairs = hex.as_bytes().chunks(2);
    let octet = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    };
    let octets: Option<Vec<u8>> = pairs.map(octet).collect();
    Ok(octets.ok_or("the API gave no hexadecimal digits")?)
}
