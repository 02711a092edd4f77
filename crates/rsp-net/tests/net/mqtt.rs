//! ESipa through Debian's mosquitto: own clients, and one in Python that was
//! written from `docs/esipa-over-mqtt.md` alone.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rsp_asn1::Certificate;
use rsp_core::binding::HttpRequest;
use rsp_core::pki::TlsTrust;
use rsp_net::mqtt::MqttError;
use rsp_net::{Broker, ClientError, MqttClient, MqttServer};
use tokio::sync::{mpsc, oneshot};

use crate::outside::Files;
use crate::world::{Echo, NAME, crypto, request};

const EIM: &str = "eim.example.com";
const DEVICE: &str = "89049032000000000000000000000163";

/// The list of `docs/esipa-over-mqtt.md`.
const ACL: &str = "user eim
topic read esipa/1/eim.example.com/eim/#
topic write esipa/1/eim.example.com/ipa/#
pattern write esipa/1/eim.example.com/eim/%u/#
pattern read esipa/1/eim.example.com/ipa/%u
";

/// A broker of our own, which ends with the test.
struct Mosquitto {
    files: Files,
    address: SocketAddr,
    process: Child,
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Mosquitto {
    async fn start(test: &str) -> Mosquitto {
        let files = Files::new(test);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let path = |name: &str| files.path(name);
        fs::write(path("acl"), ACL).unwrap();
        for (number, user) in ["eim", DEVICE, "other"].into_iter().enumerate() {
            let mut passwd = Command::new("mosquitto_passwd");
            passwd.args(["-b"]);
            if number == 0 {
                passwd.arg("-c");
            }
            let made = passwd.args([&path("passwords"), user, "secret"]).output();
            assert!(made.unwrap().status.success());
        }
        let config = format!(
            "user root\nlistener {} 127.0.0.1\ncertfile {}\nkeyfile {}\n\
             allow_anonymous false\npassword_file {}\nacl_file {}\n",
            address.port(),
            path("server.pem"),
            path("server-key.pem"),
            path("passwords"),
            path("acl"),
        );
        fs::write(path("mosquitto.conf"), config).unwrap();
        let process = Command::new("/usr/sbin/mosquitto")
            .args(["-c", &path("mosquitto.conf")])
            .stdin(Stdio::null())
            .stderr(fs::File::create(path("mosquitto.log")).unwrap())
            .spawn();
        let process = process.unwrap_or_else(|error| panic!("{error} (cargo xtask setup)"));
        for _ in 0..200 {
            if std::net::TcpStream::connect(address).is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Mosquitto {
            files,
            address,
            process,
        }
    }

    fn broker(&self, username: &str, password: &str) -> Broker {
        let authority = Certificate::from_bytes(&self.files.authority).unwrap();
        Broker {
            address: NAME.to_owned(),
            socket: Some(self.address),
            trust: TlsTrust::Certificate(authority),
            identity: None,
            client_id: String::new(),
            username: Some(username.to_owned()),
            password: Some(password.as_bytes().to_vec().into()),
        }
    }

    fn device(&self, device: &str) -> MqttClient {
        let broker = self.broker(DEVICE, "secret");
        MqttClient::new(broker, device, Duration::from_secs(10), crypto())
    }
}

/// The eIM, once devices can ask.
struct Running {
    echo: Echo,
    troubles: mpsc::UnboundedReceiver<String>,
    _stop: oneshot::Sender<()>,
}

impl Running {
    async fn start(broker: Broker) -> Running {
        let echo = Echo::default();
        let (tell, troubles) = mpsc::unbounded_channel();
        let (ready, mut is_ready) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = MqttServer::new(broker, EIM, crypto())
            .on_trouble(move |error| drop(tell.send(error.to_string())))
            .on_ready(move || {
                let _ = ready.send(());
            });
        let shutdown = async {
            let _: Result<(), _> = stopped.await;
        };
        tokio::spawn(server.serve(echo.clone(), shutdown));
        let began = tokio::time::timeout(Duration::from_secs(10), is_ready.recv()).await;
        assert!(began.is_ok(), "the eIM cannot connect");
        Running {
            echo,
            troubles,
            _stop: stop,
        }
    }
}

fn poll(body: &[u8]) -> HttpRequest {
    request("/gsma/rsp2/asn1", body)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_responses_go_through_a_broker() {
    let broker = Mosquitto::start("mqtt").await;
    let device = broker.device(DEVICE);
    // PUBACK says that nobody listens: no waiting.
    let error = device.post(EIM, poll(b"x")).await.unwrap_err();
    let nobody = MqttError::NobodyListens.to_string();
    assert!(error.to_string().ends_with(&nobody), "{error}");

    let eim = Running::start(broker.broker("eim", "secret")).await;
    let large: Vec<u8> = (0..200_000u32).map(|place| (place * 7) as u8).collect();
    for body in [b"poll".to_vec(), large] {
        let response = device.post(EIM, poll(&body)).await.unwrap();
        assert_eq!((response.status, response.body), (200, body));
    }
    let json = request("/gsma/rsp2/esipa/getEimPackage", b"{}");
    assert_eq!(device.post(EIM, json).await.unwrap().body, b"{}");
    let (asked, peer) = eim.echo.last();
    assert_eq!(asked.path, "/gsma/rsp2/esipa/getEimPackage");
    assert_eq!(asked.content_type, "application/json;charset=UTF-8");
    assert_eq!(peer.identity.as_deref(), Some(DEVICE.as_bytes()));
    device.close().await;
    // A new connection for the next one.
    assert_eq!(device.post(EIM, poll(b"x")).await.unwrap().status, 200);
    let other = device.post("other.example.com", poll(b"x")).await;
    assert!(other.is_err(), "another eIM is not this one's");
}

/// The access control list of the documentation, and the eIM's own rule.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_for_others() {
    let broker = Mosquitto::start("mqtt-acl").await;
    let mut eim = Running::start(broker.broker("eim", "secret")).await;
    let wrong = broker.broker(DEVICE, "wrong");
    let wrong = MqttClient::new(wrong, DEVICE, Duration::from_secs(5), crypto());
    let error = wrong.post(EIM, poll(b"x")).await.unwrap_err();
    let refused = matches!(
        error,
        ClientError::Mqtt {
            error: MqttError::Refused(_),
            ..
        }
    );
    assert!(refused, "{error}");
    // Another's topics, with one's own name.
    let error = broker.device("other").post(EIM, poll(b"x")).await;
    assert!(error.is_err());
    assert_eq!(eim.echo.requests(), 0);
    // The eIM's account may publish anywhere below it: what it must not answer
    // is seen there.
    let arguments = ["--response-topic", "esipa/1/eim.example.com/ipa/other"];
    let said = python(&broker, &arguments).await;
    assert!(said.contains("no response"), "{said}");
    let trouble = eim.troubles.recv().await.unwrap();
    assert!(trouble.contains("response topic"), "{trouble}");
    assert_eq!(eim.echo.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_client_from_the_description() {
    let broker = Mosquitto::start("mqtt-python").await;
    let eim = Running::start(broker.broker("eim", "secret")).await;
    let said = python(&broker, &[]).await;
    assert!(
        said.contains("200 BF4F125A1089049032000000000000000000000163"),
        "{said}"
    );
    assert_eq!(eim.echo.requests(), 1);
}

async fn python(broker: &Mosquitto, more: &[&str]) -> String {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/net/esipa_mqtt.py");
    let script = script.display().to_string();
    let port = broker.address.port().to_string();
    let ca = broker.files.path("ca.pem");
    let mut arguments = vec![script.as_str(), "--port", &port, "--ca", &ca];
    arguments.extend(["--eim", EIM, "--device", DEVICE, "--password", "secret"]);
    arguments.extend(["--body", "BF4F125A1089049032000000000000000000000163"]);
    arguments.extend(more);
    crate::outside::run("/usr/bin/python3", &arguments, &broker.files.folder).await
}

/// A broker under another CA gets no password.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_without_trust_gets_nothing() {
    let broker = Mosquitto::start("mqtt-trust").await;
    let stranger = crate::world::Ci::new(5).root.certificate;
    let untrusted = Broker {
        trust: TlsTrust::Certificate(stranger),
        ..broker.broker(DEVICE, "secret")
    };
    let client = MqttClient::with_clock(
        untrusted,
        DEVICE,
        Duration::from_secs(5),
        crypto(),
        rsp_net::system_clock(),
    );
    let error = client.post(EIM, poll(b"x")).await.unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
}
