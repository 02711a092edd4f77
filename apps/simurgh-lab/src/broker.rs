//! A private MQTT broker: Debian's mosquitto with TLS on a free port.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rsp_asn1::Certificate;
use rsp_core::Timestamp;
use rsp_core::pki::{
    Issuer, Name, Role, Template, TlsTrust, certificate_to_pem, issue, issue_under,
};
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, OsRng};
use rsp_net::Broker;

use crate::Failure;

/// The name in its certificate.
pub(crate) const HOST: &str = "broker.simurgh.test";

/// The accounts: of the eIM, and one for all devices of a run.
pub(crate) const EIM_USER: &str = "eim";
const DEVICE_USER: &str = "device";
/// And one that publishes and reads events.
pub(crate) const EVENTS_USER: &str = "events";
pub(crate) const PASSWORD: &str = "of this run only";

/// How long it may take to begin.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running broker; it ends when this is dropped.
pub(crate) struct PrivateBroker {
    process: Child,
    folder: PathBuf,
    authority: Certificate,
    pub(crate) address: SocketAddr,
}

impl PrivateBroker {
    /// Starts one for the eIM that is called so.
    pub(crate) fn start(eim: &str) -> Result<Self, Failure> {
        Self::start_for(eim, &[])
    }

    /// As [`PrivateBroker::start`], with accounts for these devices alone: they
    /// have the rights that `docs/esipa-over-mqtt.md` gives them.
    pub(crate) fn start_for(eim: &str, devices: &[&str]) -> Result<Self, Failure> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let name = format!("simurgh-broker-{}-{}", std::process::id(), address.port());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder)?;
        let authority = certificates(&folder)?;
        accounts(&folder, eim, devices)?;
        let (port, at) = (address.port(), folder.display());
        let settings = format!(
            "user root\nlistener {port} 127.0.0.1\ncertfile {at}/server.pem\n\
             keyfile {at}/server.key\nallow_anonymous false\npassword_file {at}/users\n\
             acl_file {at}/acl\nlog_type none\n\
             persistence true\npersistence_location {at}/\n\
             autosave_interval 1\nautosave_on_changes true\n"
        );
        fs::write(folder.join("mosquitto.conf"), settings)?;
        let process = spawn(&folder)?;
        let broker = PrivateBroker {
            process,
            folder,
            authority,
            address,
        };
        broker.wait()?;
        Ok(broker)
    }

    /// Until it listens.
    fn wait(&self) -> Result<(), Failure> {
        let started = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if started.elapsed() > PATIENCE {
                return Err("mosquitto does not start".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Kills it, as a power cut would.
    #[allow(dead_code, reason = "for tests")]
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again, with what it had put down.
    #[allow(dead_code, reason = "for tests")]
    pub(crate) fn start_again(&mut self) -> Result<(), Failure> {
        self.process = spawn(&self.folder)?;
        self.wait()
    }

    /// The certificate of its CA, as a file.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The password of both accounts, as a file.
    pub(crate) fn password(&self) -> PathBuf {
        self.folder.join("password")
    }

    /// How the eIM connects.
    pub(crate) fn eim(&self) -> Broker {
        self.account(EIM_USER, self.address)
    }

    /// How devices connect, to an address that leads there.
    pub(crate) fn device(&self, address: SocketAddr) -> Broker {
        self.account(DEVICE_USER, address)
    }

    fn account(&self, user: &str, address: SocketAddr) -> Broker {
        Broker {
            address: HOST.to_string(),
            socket: Some(address),
            trust: TlsTrust::Certificate(self.authority.clone()),
            identity: None,
            client_id: String::new(),
            username: Some(user.to_string()),
            password: Some(PASSWORD.as_bytes().to_vec().into()),
        }
    }
}

impl Drop for PrivateBroker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn spawn(folder: &Path) -> Result<Child, Failure> {
    let process = Command::new("/usr/sbin/mosquitto")
        .arg("-c")
        .arg(folder.join("mosquitto.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    process.map_err(|error| format!("mosquitto is needed (cargo xtask setup): {error}").into())
}

/// Writes who may connect, and what each may do.
fn accounts(folder: &Path, eim: &str, devices: &[&str]) -> Result<(), Failure> {
    let acl = format!(
        "user {EVENTS_USER}\ntopic readwrite simurgh/#\n\
         user {EIM_USER}\ntopic read esipa/1/{eim}/eim/#\ntopic write esipa/1/{eim}/ipa/#\n\
         user {DEVICE_USER}\ntopic write esipa/1/{eim}/eim/#\ntopic read esipa/1/{eim}/ipa/#\n\
         pattern write esipa/1/{eim}/eim/%u/#\npattern read esipa/1/{eim}/ipa/%u\n"
    );
    fs::write(folder.join("acl"), acl)?;
    fs::write(folder.join("password"), PASSWORD)?;
    for user in [EIM_USER, DEVICE_USER, EVENTS_USER].iter().chain(devices) {
        let mut passwd = Command::new("mosquitto_passwd");
        passwd.arg("-b");
        if *user == EIM_USER {
            passwd.arg("-c");
        }
        let made = passwd.arg(folder.join("users")).args([user, PASSWORD]);
        let made = made.stdout(Stdio::null()).status();
        made.map_err(|error| format!("mosquitto is needed (cargo xtask setup): {error}"))?;
    }
    Ok(())
}

/// Makes a CA and the broker's certificate, writes them and the key; gives the
/// CA's.
fn certificates(folder: &Path) -> Result<Certificate, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut rng = OsRng::new()?;
    let ca_key = SoftwareKey::generate(Curve::NistP256, &mut rng)?;
    let key = SoftwareKey::generate(Curve::NistP256, &mut rng)?;
    let name = |common_name: &str| Name {
        common_name: common_name.to_string(),
        ..Name::default()
    };
    let ca_name = name("Simurgh lab broker CA");
    let template = |role, subject: Name, public_key| Template {
        role,
        subject,
        public_key,
        serial: &[1],
        not_before: Timestamp::from_secs(since.saturating_sub(86_400)),
        not_after: Timestamp::from_secs(since + 30 * 86_400),
    };
    let ca = template(Role::PrivateCa, ca_name.clone(), ca_key.public_key());
    let ca = issue(&ca, &ca_name, &ca_key, &SoftwareProvider)?;
    let dns_name = HOST.to_string();
    let own = template(Role::TlsServer { dns_name }, name(HOST), key.public_key());
    let own = issue_under(&own, &Issuer::of(&ca)?, &ca_key, &SoftwareProvider)?;
    fs::write(folder.join("ca.pem"), certificate_to_pem(&ca))?;
    fs::write(folder.join("server.pem"), certificate_to_pem(&own))?;
    fs::write(folder.join("server.key"), key.to_pkcs8_pem()?)?;
    Ok(ca)
}
