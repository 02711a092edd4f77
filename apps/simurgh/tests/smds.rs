//! SM-DP+ and SM-DS as they are run, over TLS: an order becomes an event, and
//! goes when the order is cancelled (SGP.22 3.6.1, 3.6.3).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsp_core::binding::es2plus_json::{
    CancelOrder, ConfirmOrder, DownloadOrder, FinalProfileStatus, RequestHeader,
};
use rsp_core::binding::es12_json::{DeleteEvent, RegisterEvent};
use rsp_core::binding::{BindingError, HttpResponse, json};
use rsp_core::ipa;
use rsp_core::pki::{TlsTrust, TrustAnchor, certificate_from_pem};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Client, ClientError, TlsIdentity};
use support::{Server, run_in};
use tokio::runtime::Runtime;

const SMDP: &str = "smdp.simurgh.test";
const SMDS: &str = "smds.simurgh.test";
const ICCID: &str = "8999970000000000010";
const EID: &str = "89049032000000000000000000000163";
const PATIENCE: Duration = Duration::from_secs(30);

struct World {
    server: Server,
    runtime: Runtime,
}

/// A port that was free just now: the configuration names it twice.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn configured(folder: &Path, sections: &str) {
    let file = folder.join("simurgh.toml");
    let mut config = std::fs::read_to_string(&file).unwrap();
    config.push_str(sections);
    std::fs::write(file, config).unwrap();
}

impl World {
    fn new(name: &str) -> World {
        let port = free_port();
        let sections = format!(
            "[smds]\nlisten = \"127.0.0.1:{port}\"\naddress = \"{SMDS}\"\n\
             [resolve]\n\"{SMDS}\" = \"127.0.0.1:{port}\"\n"
        );
        let world = World {
            server: Server::prepared(name, &[], |folder| configured(folder, &sections)),
            runtime: Runtime::new().unwrap(),
        };
        let table = world.server.folder().join("subscriptions.csv");
        let key = "00".repeat(16);
        let text = format!("iccid,imsi,k,opc\n{ICCID},999700000000001,{key},{key}\n");
        std::fs::write(&table, text).unwrap();
        let table = table.to_str().unwrap();
        let stock = [
            "profile",
            "stock",
            "operational",
            "--provider",
            "Example Mobile",
            "--subscriptions",
            table,
        ];
        let output = world.server.run(&stock);
        assert!(output.status.success(), "{output:?}");
        world
    }

    /// Posts as who has these files, or as nobody.
    fn post<F: json::Function>(
        &self,
        host: &str,
        identity: Option<&[String; 2]>,
        message: &F,
    ) -> Result<HttpResponse, ClientError> {
        let folder = self.server.folder();
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let address = match host {
            SMDS => self.server.address("smds"),
            _ => self.server.address("smdp"),
        };
        let mut client = Client::builder().resolve(host, address);
        if let Some([certificate, key]) = identity {
            let identity = TlsIdentity::from_pem(&read(certificate), &read(key)).unwrap();
            client = client.client_identity(identity);
        }
        let client = client.build(Arc::new(SoftwareProvider)).unwrap();
        let ci = certificate_from_pem(&read("pki/ci.pem")).unwrap();
        let anchor = TrustAnchor::new(&ci, &SoftwareProvider).unwrap();
        let server = ipa::Server {
            address: host.to_string(),
            trust: Some(TlsTrust::RspServer(vec![anchor])),
            transport: rsp_core::binding::Transport::Https,
        };
        let request = json::encode_request(message, None).unwrap();
        self.runtime.block_on(client.post(&server, request))
    }

    fn order<F: json::Function>(&self, message: &F) -> HttpResponse {
        self.post(SMDP, Some(&operator()), message).unwrap()
    }

    /// Waits until the log says so.
    fn wait_for(&self, words: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.server.log().contains(words) {
            assert!(Instant::now() < until, "{}", self.server.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn header() -> RequestHeader {
    RequestHeader {
        function_requester_identifier: "2.999.30".to_string(),
        function_call_identifier: String::new(),
    }
}

fn confirm() -> ConfirmOrder {
    ConfirmOrder {
        header: header(),
        iccid: ICCID.parse().unwrap(),
        eid: Some(EID.parse().unwrap()),
        matching_id: Some("EVENT".to_string()),
        confirmation_code: None,
        smds_address: Some(SMDS.to_string()),
        release_flag: true,
    }
}

fn status(response: &HttpResponse) -> String {
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let status = &body["header"]["functionExecutionStatus"]["status"];
    status.as_str().unwrap().to_string()
}

#[test]
fn an_order_is_an_event_at_the_smds_until_it_is_cancelled() {
    let world = World::new("smds-events");
    let download = DownloadOrder {
        header: header(),
        eid: Some(EID.parse().unwrap()),
        iccid: Some(ICCID.parse().unwrap()),
        profile_type: None,
    };
    assert_eq!(status(&world.order(&download)), "Executed-Success");
    // The SM-DS knows before the operator is answered.
    let confirmed = world.order(&confirm());
    assert_eq!(status(&confirmed), "Executed-Success", "{confirmed:?}");
    assert!(world.server.log().contains("stage=\"register\""));
    let cancel = CancelOrder {
        header: header(),
        iccid: ICCID.parse().unwrap(),
        eid: Some(EID.parse().unwrap()),
        matching_id: None,
        final_profile_status_indicator: FinalProfileStatus::Available,
    };
    assert_eq!(status(&world.order(&cancel)), "Executed-Success");
    world.wait_for("stage=\"delete\"");

    // Somebody else's event with this name: the SM-DS does not take ours.
    let theirs = register("2.999.15");
    let smds = opened(&world, "ds_tls");
    let taken = world.post(SMDS, Some(&smds), &theirs).unwrap();
    json::decode_response::<RegisterEvent>(&taken).unwrap();
    world.order(&download);
    let confirmed = world.order(&confirm());
    assert_eq!(status(&confirmed), "Executed-WithWarning");
    let text = String::from_utf8(confirmed.body.clone()).unwrap();
    assert!(text.contains(r#""reasonCode":"4.2""#), "{text}");
    let confirmed = json::decode_response::<ConfirmOrder>(&confirmed).unwrap();
    assert_eq!(confirmed.matching_id, "EVENT");
}

fn operator() -> [String; 2] {
    ["ca/operator.pem", "ca/operator.key.pem"].map(ToString::to_string)
}

/// The keys that a server reads are sealed; for another client one is opened.
fn opened(world: &World, member: &str) -> [String; 2] {
    let folder = world.server.folder();
    let sealed = format!("pki/{member}.key.pem");
    let key = format!("ca/{member}.key.pem");
    let output = run_in(folder, &["key", "open", &sealed]);
    std::fs::write(folder.join(&key), output.stdout).unwrap();
    [format!("pki/{member}.pem"), key]
}

fn register(requester: &str) -> RegisterEvent {
    RegisterEvent {
        header: RequestHeader {
            function_requester_identifier: requester.to_string(),
            function_call_identifier: String::new(),
        },
        eid: EID.parse().unwrap(),
        rsp_server_address: SMDP.to_string(),
        event_id: "EVENT".to_string(),
        forwarding_indicator: false,
    }
}

#[test]
fn only_servers_register_events() {
    let world = World::new("smds-clients");
    let refused = world.post(SMDS, None, &register("2.999.10")).unwrap();
    assert_eq!(refused.status, 401);
    // An operator's certificate is not under the CI: no handshake.
    let operator = world.post(SMDS, Some(&operator()), &register("2.999.30"));
    assert!(operator.is_err(), "{operator:?}");
    // The eIM's is, and is no server's that registers.
    let eim = opened(&world, "eim_tls");
    let refused = world.post(SMDS, Some(&eim), &register("2.999.20"));
    let refused = refused.unwrap();
    assert_eq!(refused.status, 401);
    // Nobody calls itself by another's name.
    let smdp = opened(&world, "dp_tls");
    let refusal = |message: &RegisterEvent| {
        let response = world.post(SMDS, Some(&smdp), message).unwrap();
        match json::decode_response::<RegisterEvent>(&response) {
            Err(BindingError::Refused(data)) => {
                format!("{}/{}", data.subject_code, data.reason_code)
            }
            other => format!("{other:?}"),
        }
    };
    assert_eq!(refusal(&register("2.999.11")), "1.1/1.2");
    assert_eq!(refusal(&register("2.999.10")), "Ok(Empty)");
    let delete = DeleteEvent {
        header: register("2.999.10").header,
        eid: EID.parse().unwrap(),
        event_id: "EVENT".to_string(),
    };
    let deleted = world.post(SMDS, Some(&smdp), &delete).unwrap();
    json::decode_response::<DeleteEvent>(&deleted).unwrap();
}
